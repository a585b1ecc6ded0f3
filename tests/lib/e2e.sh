# shellcheck shell=bash
# shellcheck disable=SC2034 # what tests use
# Functions of the end-to-end tests: organisations with a real meentd each, the meent command, and
# TAP lines. A test sources this file, works below $work and ends with `finish`.
#
# Every wait is bounded, and only processes whose number was kept at their start are ended.
set -u

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
build=${MEENT_BUILD:-$root/build}
data=$root/tests/data
meent=$build/meent
meentd=$build/meentd
me=${0##*/}

unset MEENT_SOCKET MEENT_DEBUG LC_ALL LC_MESSAGES LANGUAGE NO_COLOR COLUMNS PAGER
unset NOTIFY_SOCKET CREDENTIALS_DIRECTORY
export MEENT_LANG=en LANG=C.UTF-8 TERM=xterm

if [ ! -x "$meentd" ] || [ ! -x "$meent" ]; then
    echo "not ok - $meentd and $meent are built"
    exit 1
fi

work=$(mktemp -d "${TMPDIR:-/tmp}/meent-e2e.XXXXXX") || exit 1
declare -A daemon=() # organisation → process
declare -a others=() # further processes
passed=0 failed=0

end_processes() {
    local pid
    for pid in "${daemon[@]}" "${others[@]}"; do kill -CONT "$pid" && kill "$pid"; done 2>/dev/null
    for pid in "${daemon[@]}" "${others[@]}"; do
        for _ in {1..100}; do
            kill -0 "$pid" 2>/dev/null || break
            sleep 0.05
        done
        kill -KILL "$pid" 2>/dev/null
        wait "$pid" 2>/dev/null
    done
    daemon=() others=()
}

clean_up() { :; } # a test that makes more than processes and files replaces it

leave() {
    trap '' INT TERM HUP
    end_processes
    clean_up
    if [ "$failed" != 0 ] && [ -n "${E2E_KEEP:-}" ]; then
        echo "# kept: $work"
    else
        rm -rf "$work"
    fi
}
trap leave EXIT
trap 'exit 130' INT TERM HUP

# ---- results ----

ok() {
    passed=$((passed + 1))
    printf 'ok - %s: %s\n' "$me" "$1"
}

not_ok() {
    failed=$((failed + 1))
    printf 'not ok - %s: %s\n' "$me" "$1"
    [ $# -lt 2 ] || printf '%s\n' "$2" | head -c 3000 | sed 's/^/#   /'
}

# check TEXT COMMAND...: the command succeeds; its output is shown when it does not.
check() {
    local text=$1 out
    shift
    if out=$("$@" 2>&1); then ok "$text"; else not_ok "$text" "$* → $? $out"; fi
}

# is TEXT GOT WANTED
is() { if [ "$2" = "$3" ]; then ok "$1"; else not_ok "$1" "got: $2"$'\n'"not: $3"; fi; }

# has TEXT STRING PART
has() { case $2 in *"$3"*) ok "$1" ;; *) not_ok "$1" "no \"$3\" in: $2" ;; esac }

# json TEXT JSON FILTER [jq options]: the filter is true of the one value that JSON is.
json() {
    local text=$1 value=$2 filter=$3
    shift 3
    : >"$work/jq.out"
    if [ -n "$value" ] && jq -e "$@" "$filter" <<<"$value" >"$work/jq.out" 2>&1; then
        ok "$text"
    else
        not_ok "$text" "$filter → $(cat "$work/jq.out")"$'\n'"$value"
    fi
}

# Stops the test: what follows would make no sense.
give_up() {
    not_ok "$1" "${2:-}"
    local org
    for org in "${!daemon[@]}"; do
        echo "# log of $org:"
        tail -n 15 "$work/$org/meentd.log" 2>/dev/null | sed 's/^/#   /'
    done
    exit 1
}

# Ends the daemons, whose exit code is a result too, and the test.
finish() {
    local org
    for org in "${!daemon[@]}"; do
        if ! org_end "$org" TERM; then
            not_ok "the daemon of $org ends"
        elif [ "$status" != 0 ]; then
            not_ok "the daemon of $org ends with 0, not $status" "$(tail -n 40 "$work/$org/meentd.log")"
        fi
    done
    printf '# %s: %d passed, %d failed\n' "$me" "$passed" "$failed"
    [ "$failed" = 0 ]
    exit
}

# until_ok SECONDS COMMAND...: tries until it succeeds.
until_ok() {
    local end=$((${EPOCHREALTIME/[.,]/} + $1 * 1000000))
    shift
    until "$@" >/dev/null 2>&1; do
        [ "${EPOCHREALTIME/[.,]/}" -lt "$end" ] || return 1
        sleep 0.02
    done
}

# ---- organisations ----

# m ORG ARGUMENT...: the meent command of an organisation.
m() {
    local org=$1
    shift
    "$meent" --socket "$work/$org/ctl.sock" "$@"
}

# j ORG FILTER ARGUMENT...: the same with --json, through jq.
j() {
    local org=$1 filter=$2
    shift 2
    m "$org" --json "$@" | jq -r "$filter"
}

# run ORG ARGUMENT...: sets out, err and status. run_nl: the same in Dutch.
run() {
    m "$@" >"$work/out" 2>"$work/err" </dev/null
    status=$?
    out=$(<"$work/out") err=$(<"$work/err")
}

run_nl() { run "$@" --lang nl; }

# org_make ORG [LINE...]: directory and configuration; lines are added to it.
org_make() {
    local org=$1
    shift
    mkdir -p "$work/$org"
    printf '%s\n' '[node]' 'state_dir = state' 'socket = ctl.sock' 'listen = 127.0.0.1:0' "$@" \
        >"$work/$org/meentd.conf"
}

# org_start ORG: starts its daemon and waits until it answers.
org_start() {
    local org=$1
    "$meentd" --config "$work/$org/meentd.conf" </dev/null >>"$work/$org/meentd.log" 2>&1 &
    daemon[$org]=$!
    until_ok 15 m "$org" status --json || give_up "the daemon of $org starts"
}

# org_pin ORG: the port it got is its own from now on.
org_pin() {
    local address
    address=$(j "$1" .listen status)
    sed -i "s/^listen = .*/listen = $address/" "$work/$1/meentd.conf"
}

# org_end ORG SIGNAL: sets status to how it ended. Fails when it does not end.
org_end() {
    local pid=${daemon[$1]} org=$1
    { # bash would tell here that a process was killed
        kill "-$2" "$pid" || return 1
        until_ok 15 gone "$pid" || return 1
        wait "$pid"
        status=$?
    } 2>/dev/null
    unset "daemon[$org]"
}

# A process of ours that has ended but was not waited for still has an entry, in state Z.
gone() {
    local stat
    stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 0
    [[ ${stat##*) } == Z* ]]
}

org_stop() { org_end "$1" TERM || give_up "the daemon of $1 ends on SIGTERM"; }
org_kill() { org_end "$1" KILL || give_up "the daemon of $1 ends on SIGKILL"; }

# new_org ORG NAME KIND [LINE...]: a running organisation with keys.
new_org() {
    local org=$1 name=$2 kind=$3
    shift 3
    org_make "$org" "$@"
    org_start "$org"
    org_pin "$org"
    m "$org" init "$name" --kind "$kind" >/dev/null || give_up "init of $name"
}

# found ORG REGION: and waits until its own organisation and address are written there.
found() {
    m "$1" region create "$2" >/dev/null || give_up "region $2 is founded"
    until_ok 10 is_written "$1" || give_up "$1 writes its own records"
}

is_written() { m "$1" --json status | jq -e '.records.org >= 1 and .records.endpoint >= 1'; }

# admit FOUNDER ORG: invitation, join, number by phone, approval.
admit() {
    local code number
    code=$(j "$1" .code invite create "$2") || give_up "the invitation of $2"
    number=$(j "$2" .number join "$code" --wait 15)
    [[ $number =~ ^[0-9]{6}\ [0-9]{6}$ ]] || give_up "$2 gets a number" "$number"
    m "$1" member approve "$2" --number "$number" >/dev/null || give_up "the approval of $2"
    until_ok 15 is_member "$2" || give_up "$2 becomes a member" "$(m "$2" status --json)"
}

is_member() { [ "$(j "$1" .state status)" = member ]; }

# Two schools and a company in one region, as most tests need them.
three_orgs() {
    new_org esch "Stad & Esch" vmbo
    found esch Meppel
    new_org dingstede "Dingstede" vmbo
    new_org metaal "Metaal & Constructie Meppel" company
    admit esch dingstede
    admit esch metaal
    all_agree 15 esch dingstede metaal || give_up "three organisations agree" "$(digests)"
}

digest() { j "$1" .digest status; }

# Same digest everywhere and nothing unconfirmed.
agree() {
    local org first='' d
    for org in "$@"; do
        d=$(digest "$org")
        [ "${#d}" -ge 32 ] || return 1
        [ "${first:=$d}" = "$d" ] || return 1
    done
}

all_agree() {
    local seconds=$1
    shift
    until_ok "$seconds" agree "$@"
}

digests() {
    local org
    for org in "${!daemon[@]}"; do echo "$org $(digest "$org")"; done
}
