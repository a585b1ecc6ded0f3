#!/usr/bin/env bash
# Runs test programs one after another with a time limit and prints one line for each.
#
#   tests/run.sh KIND SECONDS PROGRAM...        T=text runs only programs whose name contains it
#   tests/run.sh --fuzz runs|seconds N PROGRAM...
#
# UNDER: a command that runs them, such as valgrind; SIM_ARGS: words to give each; SMOKE_SECONDS: no
# target of `--fuzz runs` takes longer.
#
# Counted are cmocka's totals, else lines that begin with "ok " or "not ok ", else the program as
# one. A cmocka program that runs no test has failed. With MEENT_TALLY set, "passed failed skipped
# name" is appended to that file for each program.
set -u

log_dir=$(mktemp -d) || exit 1
child=
trap 'rm -rf "$log_dir"' EXIT
trap '[ -z "$child" ] || kill "$child"; exit 130' INT TERM HUP
total_pass=0 total_fail=0 total_skip=0

# count LOG STATUS: sets pass, fail, skip.
count() {
    read -r pass fail skip seen < <(awk '
        /^\[ +PASSED +\] [0-9]+ test/  { pass += $4; seen = 1 }
        /^\[ +FAILED +\] [0-9]+ test/  { fail += $4; seen = 1 }
        /^\[ +SKIPPED +\] [0-9]+ test/ { skip += $4; seen = 1 }
        /^\[=+\] Running [0-9]+ test/  { seen = 1 }
        /^ok /                         { tap_pass++ }
        /^not ok /                     { tap_fail++ }
        END {
            if (!seen && tap_pass + tap_fail) { pass = tap_pass; fail = tap_fail; seen = 2 }
            print pass + 0, fail + 0, skip + 0, seen + 0
        }' "$1")
    if [ "$seen" = 0 ] && [ "$2" = 0 ]; then pass=1; fi
    if [ "$seen" = 1 ] && [ $((pass + fail + skip)) = 0 ]; then fail=1; fi
    if [ "$2" != 0 ] && [ "$fail" = 0 ]; then fail=1; fi
}

# run NAME SECONDS COMMAND...
run() {
    local name=$1 limit=$2 log=$log_dir/log status start end note=
    shift 2
    start=$(date +%s%N)
    # In the background, so that a signal to us is passed on at once; with job control, since bash
    # would otherwise let the program ignore SIGINT.
    set -m
    timeout -k 10 "$limit" "$@" >"$log" 2>&1 </dev/null &
    child=$!
    set +m
    wait "$child"
    status=$?
    child=
    end=$(date +%s%N)
    count "$log" "$status"
    if [ "$status" = 124 ] || [ "$status" = 137 ]; then note=", over its limit of $limit s"; fi
    [ "$skip" = 0 ] || note+=", $skip skipped"
    if [ "$fail" != 0 ]; then
        sed 's/^/    | /' "$log"
        note+=", exit status $status"
    fi
    printf '  %-4s %-36s %4d passed, %d failed%s  (%d.%01d s)\n' \
        "$([ "$fail" = 0 ] && echo ok || echo FAIL)" "$name" "$pass" "$fail" "$note" \
        $(((end - start) / 1000000000)) $(((end - start) / 100000000 % 10))
    [ -z "${MEENT_TALLY:-}" ] || echo "$pass $fail $skip $name" >>"$MEENT_TALLY"
    total_pass=$((total_pass + pass)) total_fail=$((total_fail + fail))
    total_skip=$((total_skip + skip))
}

# fuzz runs|seconds N PROGRAM...: what is found stays beside the programs, but for a run that counts,
# which is to be the same every time.
fuzz() {
    local mode=$1 amount=$2 program name corpus work limit
    shift 2
    for program in "$@"; do
        name=${program##*/}
        name=${name#fuzz_}
        corpus=tests/fuzz/corpus/$name
        limit=120
        local args=(-timeout=10 -rss_limit_mb=2048 -max_len=4096 -print_final_stats=1
            -artifact_prefix="${program%/*}/$name-")
        if [ "$mode" = seconds ]; then
            work=${program%/*}/corpus/$name
            args+=(-max_total_time="$amount") limit=$((amount + 60))
        else
            work=$log_dir/$name
            # one seed, so that a smoke run tells of a change and not of luck; looking is what fuzzing is for
            args+=(-seed=1 -runs="$amount" -max_total_time="${SMOKE_SECONDS:-1}")
        fi
        mkdir -p "$work"
        [ ! -e "tests/fuzz/$name.dict" ] || args+=(-dict="tests/fuzz/$name.dict")
        set -- "$work"
        [ ! -d "$corpus" ] || set -- "$work" "$corpus"
        run "fuzz/$name" "$limit" "$program" "${args[@]}" "$@"
    done
}

if [ "$1" = --fuzz ]; then
    kind=fuzz
    shift
    if [ $# -lt 3 ]; then
        echo "fuzz: there is no such target"
        exit 1
    fi
    fuzz "$@"
else
    kind=$1 limit=$2
    shift 2
    for program in "$@"; do
        name=$kind/${program##*/}
        case $name in *"${T:-}"*) ;; *) continue ;; esac
        # shellcheck disable=SC2086 # UNDER and SIM_ARGS are lists of words
        run "$name" "$limit" ${UNDER:-} "$program" ${SIM_ARGS:-}
    done
fi

if [ $((total_pass + total_fail + total_skip)) = 0 ]; then
    echo "$kind: nothing to run"
    exit 0
fi
printf '%s: %d passed, %d failed' "$kind" "$total_pass" "$total_fail"
[ "$total_skip" = 0 ] || printf ', %d skipped' "$total_skip"
printf '\n'
[ "$total_fail" = 0 ]
