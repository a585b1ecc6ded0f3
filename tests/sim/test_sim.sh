#!/usr/bin/env bash
# Tests of the simulator itself: a seed tells one story whatever is around it, and `--soak` keeps what
# fails in a form that people can read, and ends when it is told to.
#
#   tests/sim/test_sim.sh            MEENT_SIM: the simulator
set -u

sim=$(realpath "$MEENT_SIM") || exit 1
work=$(mktemp -d) || exit 1
child=
# shellcheck disable=SC2317 # called by trap
finish() {
    [ -z "$child" ] || kill "$child" 2>/dev/null
    rm -rf "$work"
}
trap finish EXIT
number=0 failed=0

# report STATUS NAME
report() {
    number=$((number + 1))
    if [ "$1" = 0 ]; then
        echo "ok $number - $2"
    else
        echo "not ok $number - $2"
        failed=1
    fi
}

# same NAME FILE: the lines of the file are those of the first run, in any order.
same() {
    sort "$2" | cmp -s - "$work/first"
    report $? "$1"
}

# ended SECONDS: waits for the child; fails when it takes longer. Sets status.
ended() {
    local i
    for ((i = 0; i < $1 * 10; i++)); do
        if ! kill -0 "$child" 2>/dev/null; then
            wait "$child"
            status=$?
            child=
            return 0
        fi
        sleep 0.1
    done
    return 1
}

# ---- one seed, one story ----

"$sim" --seeds 6 | sort >"$work/first"
[ "$(grep -c '^ok ' "$work/first")" = 6 ]
report $? "six seeds run"
env -i LC_ALL=nl_NL.UTF-8 TZ=Asia/Tokyo MALLOC_PERTURB_=165 MALLOC_ARENA_MAX=1 PATH=/nonexistent \
    "$sim" --seeds 6 --jobs 3 >"$work/second"
same "they are the same in three processes, with other surroundings and other memory" \
    "$work/second"
for seed in 6 5 4 3 2 1; do
    (cd / && setarch -R "$sim" --seed "$seed") 2>/dev/null || (cd / && "$sim" --seed "$seed")
done >"$work/third"
same "and one by one, backwards, at fixed addresses" "$work/third"

# ---- what a soak keeps ----

# A defect that is found at once, in small stories, so that making them smaller takes no time.
plan=members=2,story_ms=20000,write=300,life=0,cut=0,crash=0,rollback=0,slow=0,second=0,hurries=0
mkdir "$work/kept" "$work/clean"
"$sim" --soak "$work/kept" --from 1 --plant 6 --plan "$plan" >"$work/out" 2>&1 &
child=$!
for ((i = 0; i < 1800; i++)); do
    # The second one has begun, so the first is complete.
    set -- "$work"/kept/*.txt
    [ $# -lt 2 ] || break
    sleep 0.1
done
kill -TERM "$child"
ended 120
report $? "a soak that is told to end ends"
[ "${status:-0}" = 1 ]
report $? "and says that something failed"
story=$1 trace=${1%.txt}.trace
[ -s "$story" ] && [ "$(wc -l <"$story")" -le 100 ] && grep -q 'sim --seed [0-9]* --trace --plan' "$story"
report $? "it kept a short story, with how to hear it again"
grep -q 'org[01] writes ' "$story" && grep -q '^not ok [0-9]* .*acknowledged was' "$story"
report $? "which tells what people did, and what did not hold"
[ "$(wc -l <"$trace")" -ge 20 ] && grep -q ' disk: ' "$trace"
report $? "and beside it the whole trace"
words=$(sed -n 's/^# *sim //p' "$story")
# shellcheck disable=SC2086 # these are words
! "$sim" ${words/--trace/} >"$work/again" && tail -1 "$work/again" | cmp -s - <(tail -1 "$story")
report $? "what it says to do brings the same failure"

"$sim" --soak "$work/clean" --from 1 >"$work/out" 2>&1 &
child=$!
for ((i = 0; i < 900; i++)); do
    grep -q '^ok ' "$work/out" && break
    sleep 0.1
done
kill -INT "$child"
ended 120 && [ "$status" = 0 ] && [ -z "$(ls "$work/clean")" ]
report $? "one in which nothing fails is ended by SIGINT, and keeps nothing"
exit "$failed"
