#!/usr/bin/env bash
# Floods of strangers, and of a member that means no good: others come in, writes arrive, and
# afterwards everything is released. How fast that goes is measured by tests/bench/bench_flood.
#
# FLOOD=all: 100,000 malformed frames for each parser.
# shellcheck source=tests/lib/e2e.sh
. "$(dirname "$0")/../lib/e2e.sh"

stranger=${MEENT_STRANGER:-$build/release/tests/e2e/stranger}
if [ ! -x "$stranger" ]; then
    echo "not ok - $stranger is built"
    exit 1
fi

sockets_max=256 spare_max=96 # conn.h; store, control socket and clients
growth_max=24576             # kB of memory that a flood may leave behind or take while it lasts

of=esch # whose daemon is looked at
number() { awk -v key="$1:" '$1 == key { print $2 }' "/proc/${daemon[$of]}/status"; }
descriptors() {
    local -a all=("/proc/${daemon[esch]}/fd/"*)
    echo ${#all[@]}
}
lines() { wc -l <"$work/esch/meentd.log"; }
linked() { m "$1" --json status | jq -e --arg name "$2" 'any(.peers[]; .name == $name and .connected)'; }
add() { m "$1" activity add --direction offer --type gastles --host "$2" --title "$3"; }
title_there() { m "$1" --json activity list --text "$2" | jq -e 'length == 1'; }
released() { [ "$(descriptors)" -le "$1" ]; }

# ---- a region, of which one member turns bad ----

new_org esch "Stad & Esch" vmbo
found esch Meppel
# Others are told another address than its own, so that it has to come in as strangers do.
new_org dingstede Dingstede vmbo "announce = 127.0.0.1:9"
new_org metaal "Metaal Meppel" company
admit esch dingstede
admit esch metaal
all_agree 15 esch dingstede metaal || give_up "three organisations agree" "$(digests)"
org_stop metaal
port=$(j esch .listen status)
port=${port##*:}
code=$(j esch .code invite create iemand)
invited=(--code "$code") member=(--state "$work/metaal/state")

# ---- floods ----

calls=()
call() { # MODE OPTION...: calls on in the background
    "$stranger" "$1" "$port" --seconds 60 "${@:2}" >>"$work/calls" 2>&1 &
    calls+=($!)
    others+=($!)
}

hang_up() {
    kill "${calls[@]}"
    wait "${calls[@]}"
    calls=()
} 2>/dev/null

# watch: the most descriptors and memory while a flood lasts, in "most" and "peak".
watch() {
    local i n
    for ((i = 0; i < 10; i++)); do
        n=$(descriptors) && [ "$n" -le "$most" ] || most=$n
        n=$(number RssAnon) && [ "$n" -le "$peak" ] || peak=$n
        sleep 0.05
    done
}

flood=0
# during TEXT: the calls are going on; what must work meanwhile, and be over after.
during() {
    local most=0 peak=0 lines=$log_lines
    flood=$((flood + 1))
    sleep 0.3
    org_start dingstede
    check "$1: a member connects" until_ok 15 linked esch Dingstede
    check "$1: what it writes" add dingstede Dingstede "Storm $flood van ver"
    check "$1: arrives" until_ok 15 title_there esch "Storm $flood van ver"
    check "$1: people here write" add esch "Stad & Esch" "Storm $flood van hier"
    check "$1: and it is sent" until_ok 15 title_there dingstede "Storm $flood van hier"
    watch
    check "$1: connections stay below their limit ($most)" [ "$most" -le $((sockets_max + spare_max)) ]
    check "$1: memory stays flat ($((peak - memory)) kB)" [ $((peak - memory)) -le $growth_max ]
    check "$1: the callers are still there" kill -0 "${calls[@]}"
    hang_up
    org_stop dingstede
    check "$1: afterwards all is released" until_ok 10 released "$open"
    log_lines=$(lines)
    check "$1: few lines in the log ($((log_lines - lines)))" [ $((log_lines - lines)) -le 400 ]
}

org_stop dingstede
apart() { ! linked esch Dingstede; }
until_ok 10 apart || give_up "the members are apart"
sleep 0.2
open=$(($(descriptors) + 2)) memory=$(number RssAnon) log_lines=$(lines)

call silent --conns 1000
call trickle --conns 200 --hosts 20
during "1,000 silent from one host and slow senders"

call silent --conns 1000 --hosts 1000
call churn --conns 64 --hosts 7
during "1,000 silent from as many hosts, others come and go"

call noise --conns 64 --hosts 50
call keyed --conns 200 --hosts 5 "${invited[@]}"
during "noise, and first messages with an invitation"

call keyed --conns 200 --hosts 100 "${member[@]}"
call guest --conns 20 --hosts 3 "${member[@]}"
during "first messages with the region's key, and guests"

call deaf --conns 2 "${member[@]}"
call guest --conns 4 "${invited[@]}"
during "a member that asks and never reads"

# ---- few file descriptors ----

org_stop esch
(
    ulimit -n 64
    exec "$meentd" --config "$work/esch/meentd.conf" </dev/null >>"$work/esch/meentd.log" 2>&1
) &
daemon[esch]=$!
until_ok 15 m esch status --json || give_up "a daemon with 64 descriptors starts"
open=$(($(descriptors) + 2)) memory=$(number RssAnon) log_lines=$(lines)
call silent --conns 300 --hosts 100
call trickle --conns 100
during "64 descriptors and 400 silent callers"
org_stop esch
org_start esch

# ---- malformed ----

times() { if [ "${FLOOD:-}" = all ]; then echo 100000; else echo "$1"; fi; }
store() { sha256sum <"$work/$of/state/store/data.mdb"; }

# malformed TEXT COUNT COMMAND...: what is said COUNT times changes nothing. What the daemon takes
# once for all is taken by the first few. The word COUNT in the command stands for the number.
malformed() {
    local text=$1 count=$2 before memory out
    shift 2
    "${@/#COUNT/200}" >/dev/null || not_ok "$text: the first" "$*"
    before=$(store) memory=$(number RssAnon)
    if out=$("${@/#COUNT/$count}" 2>&1); then ok "$count $text: $out"; else not_ok "$text" "$out"; fi
    json "$text: all were refused" "${out:-null}" \
        'if .connected then .closed == .connected and .failed == 0 else (.accepted // 0) == 0 end'
    is "$text: the store is as it was" "$(store)" "$before"
    memory=$(($(number RssAnon) - memory))
    check "$text: memory too ($memory kB)" [ "$memory" -le 1024 ]
}

new_org nieuw Nieuw vmbo
sleep 0.5 # nothing of before is still being written
malformed "first frames" "$(times 5000)" \
    "$stranger" noise "$port" --hosts 100 --count COUNT "${member[@]}"
malformed "third messages" "$(times 500)" "$stranger" third "$port" --count COUNT "${invited[@]}"
# A member has one link at a time: a second would end the first.
malformed "frames of a member" "$(times 500)" \
    "$stranger" frame "$port" --conns 1 --count COUNT "${member[@]}"
malformed "messages of a member" "$(times 500)" \
    "$stranger" message "$port" --conns 1 --count COUNT "${member[@]}"
malformed "requests" "$(times 5000)" "$stranger" ctl "$work/esch/ctl.sock" COUNT
malformed "parameters" "$(times 5000)" "$stranger" params "$work/esch/ctl.sock" COUNT
of=nieuw # who has no region yet, so that it reads them
malformed "invitations" "$(times 5000)" "$stranger" code "$work/nieuw/ctl.sock" COUNT "$code"
is "none was taken for one" "$(j nieuw .state status)" alone
check "the daemon lives" kill -0 "${daemon[esch]}"

org_start dingstede
check "the member connects again" until_ok 15 linked esch Dingstede
check "all agree" all_agree 15 esch dingstede
check "the daemon verifies its store" m esch verify

finish
