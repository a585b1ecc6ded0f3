#!/usr/bin/env bash
# The session of README.md, as it stands there.
#
# It is every ```console block that follows a line <!-- session -->. In it
#   NAME$ COMMAND   is typed in the terminal NAME (lower case and digits; without a name: "$ COMMAND").
#                   A terminal keeps its variables and its directory, which begins as a copy of the
#                   source tree's top; build/ is what was built and stands in PATH. A \ at the end of
#                   a line continues it. A command that ends with & runs on until the test ends.
#   other lines     are what the command printed. Each must be printed, numbers and ids apart, except
#                   a line with … alone.
# Codes (MEENT1…), numbers read aloud (123456 123456) and ids of records are others each time: what the
# README shows in output is replaced in later commands by what was printed in its place.
# shellcheck source=tests/lib/e2e.sh
. "$(dirname "$0")/../lib/e2e.sh"

readme=${1:-$root/README.md}
unset MEENT_LANG

mkdir "$work/tree"
for entry in "$root"/*; do
    case ${entry##*/} in build | demo.run) ;; *) ln -s "$entry" "$work/tree/" ;; esac
done
ln -s "$build" "$work/tree/build"
: >"$work/pids"

end_of_readme() {
    local pid
    while read -r pid; do kill "$pid" 2>/dev/null && others+=("$pid"); done <"$work/pids"
    end_processes
}
trap 'end_of_readme; leave' EXIT

awk '/^<!-- session -->/ { armed = 1; next }
     /^```console/ && armed { on = 1; armed = 0; next }
     /^```/ { on = 0 }
     on' "$readme" >"$work/session"
[ -s "$work/session" ] || give_up "README.md has a session (<!-- session --> and a console block)"

declare -A said=() # what the README shows → what was printed

# type_in TERMINAL COMMAND: output in $work/out, exit code in status.
type_in() {
    local env=$work/env.$1
    [ -e "$env" ] || printf 'cd %q\nexport PATH=%q:$PATH\n' "$work/tree" "$build" >"$env"
    # The daemons of the session are not ours to wait for: their number is kept.
    bash -c '
        . "$1"
        exec >"$4" 2>&1 </dev/null
        eval "$2"
        status=$?
        [ -z "${!:-}" ] || echo "$!" >>"$3"
        { declare -px | sed "/^declare -x \(PWD\|OLDPWD\|SHLVL\|_\)=/d"; printf "cd %q\n" "$PWD"; } >"$1"
        exit "$status"' - "$env" "$2" "$work/pids" "$work/out"
    status=$?
}

# Numbers, ids and widths of columns do not matter.
normal() {
    sed -E -e 's/\x1b\[[0-9;]*m//g' -e 's/MEENT1[0-9A-Za-z]*…?/CODE/g' -e 's/\b[0-9a-f]{4,}\b/#/g' \
        -e 's/[0-9]+/#/g' -e 's/[[:space:]]+/ /g' -e 's/^ //' -e 's/ $//'
}

# Lines of $1 that $2 does not have.
not_printed() {
    normal <"$2" >"$work/normal"
    grep -vE '^[[:space:]]*(…|\.\.\.)?[[:space:]]*$' "$1" | while IFS= read -r line; do
        grep -qxFe "$(normal <<<"$line")" "$work/normal" || echo "$line"
    done
}

# pair REGEX: the n-th match in what the README shows is the n-th in what was printed.
pair() {
    local shown printed i
    mapfile -t shown < <(grep -oE "$1" "$work/shown")
    mapfile -t printed < <(grep -oE "$1" "$work/out")
    for i in "${!shown[@]}"; do
        [ -z "${printed[i]:-}" ] || said[${shown[i]}]=${printed[i]}
    done
}

# The words of a command with what was said put in.
put_in() {
    local text=$1 key
    for key in "${!said[@]}"; do text=${text//"$key"/"${said[$key]}"}; done
    printf '%s' "$text"
}

# What only shows may be asked again until it shows what the README shows.
only_shows() {
    [[ " $1 " =~ \ (list|show|status|log|menukaart|vragen|leden|vandaag|verify|lijst|toon)\  ]]
}

# step TERMINAL COMMAND; what the README shows is in $work/shown. A command that fails is typed again
# for a while: a daemon may still be starting, a record may still be on its way.
step() {
    local terminal=$1 command=$2 typed missing='' end=$((${EPOCHREALTIME/[.,]/} + 15000000))
    typed=$(put_in "$command")
    while :; do
        type_in "$terminal" "$typed"
        missing=
        if [ "$status" = 0 ]; then
            missing=$(not_printed "$work/shown" "$work/out")
            [ -n "$missing" ] || break
            only_shows "$typed" || break
        fi
        [ "${EPOCHREALTIME/[.,]/}" -lt "$end" ] || break
        sleep 0.1
    done
    if [ "$status" != 0 ]; then
        give_up "$terminal\$ $command" "exit $status: $(<"$work/out")"
    elif [ -n "$missing" ]; then
        not_ok "$terminal\$ $command" "not printed: $missing"$'\n'"but: $(<"$work/out")"
    else
        ok "$terminal\$ $command"
    fi
    pair 'MEENT1[0-9A-Za-z]+…?'
    pair '\b[0-9]{6} [0-9]{6}\b'
    # An id may be all letters; a word that looks like one stands in both texts and means itself.
    if ! only_shows "$typed"; then pair '\b[0-9a-f]{4,32}\b'; fi
}

terminal='' command=''
: >"$work/shown"
while IFS= read -r line || [ -n "$line" ]; do
    if [[ $line =~ ^([a-z0-9]*)\$\ (.*)$ ]]; then
        next=("${BASH_REMATCH[@]}")
        [ -z "$command" ] || step "$terminal" "$command"
        terminal=${next[1]} command=${next[2]}
        while [[ $command == *\\ ]] && IFS= read -r line; do
            command=${command%\\}$line
        done
        : >"$work/shown"
    else
        printf '%s\n' "$line" >>"$work/shown"
    fi
done <"$work/session"
[ -z "$command" ] || step "$terminal" "$command"
is "the session has commands" "$([ "$passed" -ge 5 ] && echo yes)" yes

finish
