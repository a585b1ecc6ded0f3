#!/usr/bin/env bash
# Completion in the shells themselves: each loads the script that meent prints, and is asked what it
# would offer.
# shellcheck source=tests/lib/e2e.sh
. "$(dirname "$0")/../lib/e2e.sh"

new_org esch "Stad & Esch" vmbo
found esch Meppel
export MEENT_SOCKET=$work/esch/ctl.sock
PATH=$(cd "$(dirname "$meent")" && pwd):$PATH

# More activities than one answer of the daemon holds.
{
    echo 'titel;soort;richting;gastheer;datum'
    for i in {1..700}; do echo "Les $i;gastles;aanbod;Stad & Esch;2027-01-$((i % 28 + 1))"; done
} >"$work/many.csv"
m esch activity import "$work/many.csv" >/dev/null || give_up "an import" "$(m esch activity import "$work/many.csv" 2>&1)"
last=$(j esch '.[-1].id' activity list) short=$(j esch '.[-1].short' activity list)
is "the last of them is not on the first page" "$(m esch __complete -- activity show '' | grep -c "^$short")" 0

# ---- bash ----

# in_bash WORD...: what is offered for the last word, one a line, quoted as bash would type it.
in_bash() {
    # shellcheck disable=SC2016 # for the inner shell
    bash --norc -c '
        . <(meent completion bash)
        COMP_WORDS=(meent "$@") COMP_CWORD=$#
        complete -p meent >/dev/null && _meent
        printf "%s\n" "${COMPREPLY[@]}"' bash "$@"
}

# ---- zsh ----

# A terminal of its own in which zsh completes a line; what it would show is kept instead.
cat >"$work/zsh" <<'Z'
zmodload zsh/zpty || exit 2
zpty inner zsh -f -i
read_until() {
    local text all
    while zpty -r inner text; do
        all+=$text
        [[ $all == *$1* ]] && break
    done
    print -r -- "$all"
}
zpty -w inner 'PS1= PS2= RPS1=; autoload -U compinit; compinit -D -u -d /dev/null 2>/dev/null'
zpty -w inner 'source <(meent completion zsh)'
zpty -w inner 'compadd() {
    if [[ ${@[1,(i)(-|--)]} == *-(O|A|D)* ]]; then builtin compadd "$@"; return; fi
    local -a hits; builtin compadd -A hits "$@"; builtin compadd "$@"
    (( $#hits )) && print -rl -- "HIT:"${^hits}
}'
zpty -w inner 'report() { print BEGIN; _main_complete >/dev/tty 2>&1; print END; BUFFER=; zle accept-line }'
zpty -w inner 'zle -C done complete-word report; bindkey "^X" done; print READY''NOW'
read_until READYNOW >/dev/null
zpty -n -w inner "$1"$'\C-x'
read_until END | tr -d '\r' | sed -n 's/^HIT://p'
zpty -d inner
Z
in_zsh() {
    local line=meent
    [ $# -lt 2 ] || line+=" ${*:1:$#-1}"
    timeout 20 zsh -f "$work/zsh" "$line ${*: -1}" | sort -u
}

# ---- fish ----

in_fish() {
    local line=meent
    [ $# -lt 2 ] || line+=" ${*:1:$#-1}"
    # shellcheck disable=SC2016 # for the inner shell
    HOME=$work XDG_CONFIG_HOME=$work/fish timeout 20 fish --no-config -c '
        meent completion fish | source
        complete -C $argv[1]' "$line ${*: -1}" | cut -f 1
}

# ---- the same of all ----

# offers SHELL TEXT WANTED WORD...: WANTED is among what is offered.
offers() {
    local shell=$1 text=$2 wanted=$3 got
    shift 3
    for _ in 1 2 3; do # a machine that is busy may be too slow for the limits of a shell
        got=$("in_$shell" "$@")
        [ -z "$got" ] || break
    done
    if grep -qxF -- "$wanted" <<<"$got"; then
        ok "$shell completes $text"
    else
        not_ok "$shell completes $text" "$wanted is not in: $got"
    fi
}

for shell in bash zsh fish; do
    if ! command -v "$shell" >/dev/null; then
        echo "ok - $me: $shell # skip $shell is not installed"
        continue
    fi
    offers "$shell" "a first word" activity act
    offers "$shell" "a first word in Dutch" menukaart menu
    offers "$shell" "a verb" import activity imp
    offers "$shell" "a flag" --type activity list --ty
    offers "$shell" "the value of a flag" gastles activity list --type gas
    offers "$shell" "a shell" fish completion f
    offers "$shell" "an id" "$short" activity show "${short:0:3}"
    offers "$shell" "an id beyond the first page by its first digits" "$last" activity show "${last:0:12}"
    is "$shell offers nothing for what is nothing" "$("in_$shell" activity show zzzz)" ""
done
offers bash "a name, quoted" 'Stad\ \&\ Esch' org show Stad
# A name that a shell would run, were it put behind a quote as it is.
evil="Evil \$(touch $work/ran) \`touch $work/ran\`"
printf 'titel;soort;richting;gastheer;datum\nLas;gastles;aanbod;%s;2027-01-05\n' "$evil" >"$work/evil.csv"
m esch activity import "$work/evil.csv" >/dev/null || give_up "an organisation" "$evil"
offers bash "a name that holds a command, quoted" "$(printf %q "$evil")" org show Evil
for quote in \" \'; do
    is "bash offers no command behind $quote" "$(in_bash org show "${quote}Evil")" ""
done
is "and nothing was run" "$([ ! -e "$work/ran" ] || echo ran)" ""
offers bash "a name with a blank in it" 'Stad\ \&\ Esch' org show 'Stad\ \&'
offers bash "a name behind a quote" 'Stad & Esch' org show '"Stad &'
! command -v zsh >/dev/null || offers zsh "a name, quoted" 'Stad\ \&\ Esch' org show 'Stad\ \&'
! command -v fish >/dev/null || offers fish "a name" 'Stad & Esch' org show Stad

finish
