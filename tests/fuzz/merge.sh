#!/usr/bin/env bash
# Makes the committed corpora anew: of what is there and what `make fuzz` found since, as few inputs
# as reach the same edges. Inputs with a name (not a hash) show a mistake that was made once and stay.
#
#   tests/fuzz/merge.sh PROGRAM...      build/fuzz/tests/fuzz/fuzz_wire, ...
set -eu
cd "$(dirname "$0")/../.."

files_max=150 bytes_max=4096
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

merge() {
    local program=$1 name corpus found new
    name=${program##*/}
    name=${name#fuzz_}
    corpus=tests/fuzz/corpus/$name found=${program%/*}/corpus/$name new=$work/$name
    mkdir -p "$new" "$corpus" "$found"
    find "$corpus" -type f | grep -vE '/[0-9a-f]{40}$' | xargs -r cp -t "$new"
    # Edges alone: to keep an input for every count of a loop would make thousands.
    "$program" -set_cover_merge=1 -use_counters=0 -max_len="$bytes_max" -rss_limit_mb=4096 \
        -artifact_prefix="$work/$name-" "$new" "$corpus" "$found" >"$work/log" 2>&1 || {
        tail -5 "$work/log" >&2
        return 1
    }
    if compgen -G "$work/$name-*" >/dev/null; then
        echo "$name: some inputs fail: run $program on $corpus and $found" >&2
        return 1
    fi
    find "$new" -type f -size +"${bytes_max}c" -delete
    find "$new" -type f -printf '%s %p\n' | sort -n | sed "1,${files_max}d; s/^[0-9]* //" |
        xargs -r rm
    rm -rf "$corpus"
    cp -r "$new" "$corpus"
    printf '  %-14s %4d inputs, %6d bytes\n' "$name" "$(find "$corpus" -type f | wc -l)" \
        "$(cat "$corpus"/* | wc -c)"
}

for program in "$@"; do
    merge "$program"
done
