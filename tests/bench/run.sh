#!/usr/bin/env bash
# Runs the benchmarks one after another and gathers their rows: run.sh OUT.json PROGRAM...
set -u

out=$1
shift
rows=$(mktemp) || exit 1
trap 'rm -f "$rows"' EXIT
export MEENT_BENCH_ROWS=$rows

status=0
for program in "$@"; do
    "$program" || status=1
done
{
    echo '['
    sed '$!s/$/,/' "$rows"
    echo ']'
} >"$out"
[ "$status" = 0 ] && echo "rows: $out"
exit "$status"
