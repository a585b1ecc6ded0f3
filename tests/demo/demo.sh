#!/usr/bin/env bash
# Three organisations on this machine: demo.sh up | split | clean
#
# State stands in ./demo.run/ORG/ (meentd.conf, ctl.sock, meentd.pid, meentd.log, state). The daemons
# are detached, so that `make demo | cat` ends; `clean` ends those whose number is in a meentd.pid and
# that still run there.
set -u

cd "$(dirname "$0")/../.." || exit 1
root=$PWD
build=${MEENT_BUILD:-$root/build}
run=$root/demo.run
data=$root/tests/data
orgs=(stad-esch dingstede metaal)

unset MEENT_SOCKET MEENT_DEBUG LC_ALL LC_MESSAGES LANGUAGE NOTIFY_SOCKET CREDENTIALS_DIRECTORY
export MEENT_LANG=nl

complain() {
    echo "demo: $1" >&2
    local org
    for org in "${orgs[@]}"; do
        if [ -s "$run/$org/meentd.log" ]; then
            echo "--- $run/$org/meentd.log" >&2
            tail -n 5 "$run/$org/meentd.log" >&2
        fi
    done
    exit 1
}

heading() { printf '\n== %s\n' "$1"; }

# ---- daemons ----

# The meentd that was started in this directory, and nothing else that may have its number by now.
pid_of() {
    local pid exe
    pid=$(cat "$run/$1/meentd.pid" 2>/dev/null) || return 1
    [[ $pid =~ ^[0-9]+$ ]] || return 1
    exe=$(readlink "/proc/$pid/exe" 2>/dev/null) || return 1
    exe=${exe% (deleted)}
    [ "${exe##*/}" = meentd ] && [ "/proc/$pid/cwd" -ef "$run/$1" ] || return 1
    echo "$pid"
}

start() {
    local org=$1 fd
    # Relative names, since a socket's path holds 107 bytes. What make and the shell have open must
    # not stay open in the daemon.
    (
        cd "$run/$org" || exit 1
        for fd in /proc/self/fd/*; do
            fd=${fd##*/}
            [ "$fd" -le 2 ] || eval "exec $fd>&-"
        done
        exec setsid "$build/meentd" --config meentd.conf </dev/null >>meentd.log 2>&1
    ) &
    echo $! >"$run/$org/meentd.pid"
    disown
    wait_for 15 answers "$org" || complain "the daemon of $org does not start"
}

stop() {
    local pid
    pid=$(pid_of "$1") || return 0
    kill "$pid" 2>/dev/null
    wait_for 10 ended "$1" && return 0
    kill -KILL "$pid" 2>/dev/null
    wait_for 5 ended "$1"
}

ended() { ! pid_of "$1" >/dev/null; }

# wait_for SECONDS COMMAND...
wait_for() {
    local end=$((${EPOCHREALTIME/[.,]/} + $1 * 1000000))
    shift
    until "$@" >/dev/null 2>&1; do
        [ "${EPOCHREALTIME/[.,]/}" -lt "$end" ] || return 1
        sleep 0.05
    done
}

# ---- the meent command ----

quiet() {
    local org=$1
    shift
    (cd "$run/$org" && exec "$build/meent" --socket ctl.sock "$@")
}

value() { # ORG JQ-FILTER ARGUMENT...
    local org=$1 filter=$2
    shift 2
    quiet "$org" --json "$@" | jq -r "$filter"
}

# Shows the command as it was typed and runs it.
type_in() {
    local org=$1 word words=
    shift
    for word in "$@"; do
        case $word in
        "$data"/*) word=${word#"$root"/} ;;
        esac
        case $word in
        *[!A-Za-z0-9._/=:+-]*) words+=" \"$word\"" ;;
        *) words+=" $word" ;;
        esac
    done
    printf '\n%s$ meent%s\n' "$org" "$words"
    quiet "$org" "${@}" || complain "that failed"
}

answers() { quiet "$1" --json status; }
is_member() { [ "$(value "$1" .state status)" = member ]; }

agree() {
    local org digest first=
    for org in "${orgs[@]}"; do
        digest=$(value "$org" .digest status) || return 1
        [ "${#digest}" = 64 ] && [ "${first:=$digest}" = "$digest" ] || return 1
    done
}

# Every member connected and up to date, as each of the three sees it.
settled() {
    local org
    for org in "${orgs[@]}"; do
        quiet "$org" --json status |
            jq -e '(.peers | length == 2) and all(.peers[]; .connected and .lag == 0 and .behind == 0)' || return 1
    done
}

knows() { quiet "$1" --json "$2" show "$3"; }

show_digests() {
    local org
    echo
    for org in "${orgs[@]}"; do
        printf '%-10s digest %s…\n' "$org" "$(value "$org" '.digest[0:32]' status)"
    done
}

# ---- up ----

set_up() {
    local org=$1 name=$2 kind=$3 listen
    mkdir -p "$run/$org"
    printf '%s\n' '[node]' 'state_dir = state' 'socket = ctl.sock' 'listen = 127.0.0.1:0' \
        >"$run/$org/meentd.conf"
    start "$org"
    listen=$(value "$org" .listen status)
    # The port it got now is its address from now on.
    sed -i "s/^listen = .*/listen = $listen/" "$run/$org/meentd.conf"
    echo "# $name: meentd op $listen"
    type_in "$org" init "$name" --kind "$kind"
}

admit() {
    local org=$1 code number
    printf '\nstad-esch$ meent invite create %s\n' "$org"
    code=$(value stad-esch .code invite create "$org")
    [ -n "$code" ] || complain "no invitation"
    echo "$code"
    printf '\n%s$ meent join %s…\n' "$org" "${code:0:16}"
    number=$(value "$org" .number join "$code" --wait 20)
    [[ $number =~ ^[0-9]{6}\ [0-9]{6}$ ]] || complain "$org gets no number"
    echo "Voorlezen aan de telefoon: $number"
    type_in stad-esch member approve "$org" --number "$number"
    wait_for 20 is_member "$org" || complain "$org does not become a member"
}

up() {
    local activity signup place placement day from until
    [ -x "$build/meentd" ] && [ -x "$build/meent" ] || complain "build first: make"
    command -v jq >/dev/null || complain "jq is missing: make setup"
    clean
    mkdir -p "$run" || exit 1
    trap give_up INT TERM HUP
    day=$(date -d '+21 days' +%F) from=$(date -d '+60 days' +%F) until=$(date -d '+64 days' +%F)

    heading "Drie organisaties, elk met een eigen meentd"
    set_up stad-esch "Stad & Esch" vmbo
    set_up dingstede "Dingstede" vmbo
    set_up metaal "Metaal & Constructie Meppel" company

    heading "Een regio, twee uitnodigingen"
    type_in stad-esch region create Meppel
    admit dingstede
    admit metaal
    wait_for 20 settled || complain "the three do not agree"

    heading "Scholen en activiteiten inlezen"
    type_in stad-esch org import "$data/duo-vestigingen-vo-drenthe.csv" --quiet
    type_in stad-esch activity import "$data/activiteiten-meppel-2026-2027.csv"

    heading "Een gastles, een intekening, een antwoord"
    type_in metaal activity add --direction offer --type gastles --title "Lassen voor beginners" \
        --host "Metaal & Constructie Meppel" --date "$day" --start 09:00 --capacity 30 --unit pupils
    activity=$(value metaal '[.[] | select(.title == "Lassen voor beginners" and .capacity == 30)][0].id' \
        activity list --mine)
    wait_for 10 knows dingstede activity "$activity" || complain "the activity does not arrive"
    type_in dingstede intekenen "${activity:0:6}" --group 3B --pupils 24
    signup=$(value dingstede '.[0].id' signup list --mine)
    wait_for 10 agree || complain "the sign-up does not arrive"
    type_in metaal antwoord "${signup:0:6}" accepted

    heading "Een stageplek, en een plaatsing die alleen de twee partijen zien"
    type_in metaal stageplek add --title Montage --type snuffelstage --capacity 2
    place=$(value metaal '.[0].id' stageplek list)
    wait_for 10 agree || complain "the place does not arrive"
    type_in dingstede stage propose "${place:0:6}" --level KB --route snuffelstage --from "$from" --until "$until"
    placement=$(value dingstede '.[0].id' placement list)
    wait_for 10 knows metaal placement "$placement" || complain "the placement does not arrive"
    type_in metaal stage accept "${placement:0:6}"
    type_in metaal stage list
    wait_for 20 settled && wait_for 20 agree || complain "the three do not agree"
    type_in stad-esch stage list

    heading "De menukaart, zoals elke organisatie haar heeft"
    type_in dingstede menukaart --vrij --aantal 10

    heading "Hoe het ervoor staat"
    local org
    for org in "${orgs[@]}"; do type_in "$org" status; done
    show_digests
    cat <<TEXT

Ze blijven draaien. Zelf proberen:  ${build#"$root"/}/meent --socket demo.run/stad-esch/ctl.sock status
Uit elkaar en weer samen:           make demo-split
Opruimen:                           make demo-clean
TEXT
}

give_up() {
    trap '' INT TERM HUP
    clean
    exit 130
}

# ---- split ----

split() {
    local org activity
    for org in "${orgs[@]}"; do
        pid_of "$org" >/dev/null || {
            echo "demo: $org does not run; first: make demo" >&2
            exit 1
        }
    done
    wait_for 20 agree || complain "the three do not agree"
    activity=$(value metaal \
        '[.[] | select(.title == "Lassen voor beginners" and .capacity == 30)][0].id' activity list)

    heading "Dingstede valt weg; intussen tekent Stad & Esch in"
    stop dingstede
    ended dingstede || complain "it does not end"
    type_in stad-esch intekenen "${activity:0:8}" --group 4C --pupils 4

    heading "Dingstede is terug, maar alleen, en tekent ook in"
    for org in stad-esch metaal; do stop "$org"; done
    start dingstede
    type_in dingstede intekenen "${activity:0:8}" --group 2A --pupils 5

    heading "Allen weer samen"
    for org in stad-esch metaal; do start "$org"; done
    wait_for 30 agree || {
        show_digests
        complain "they do not agree"
    }
    wait_for 30 settled || complain "something stays unconfirmed"
    for org in stad-esch dingstede; do type_in "$org" activity show "${activity:0:8}"; done
    for org in "${orgs[@]}"; do type_in "$org" status; done
    show_digests
    printf '\nAlle drie hebben hetzelfde.\n'
}

# ---- clean ----

clean() {
    local org
    for org in "${orgs[@]}"; do
        stop "$org" || complain "the daemon of $org does not end"
    done
    rm -rf "$run"
}

case ${1:-} in
up) up ;;
split) split ;;
clean) clean ;;
*)
    echo "usage: ${0##*/} up | split | clean" >&2
    exit 2
    ;;
esac
