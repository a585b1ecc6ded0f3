#!/usr/bin/env bash
# Prints, for each fuzz target, which part of the files it is about its committed corpus reaches.
#
#   tests/fuzz/coverage.sh PROGRAM...   built with -fprofile-instr-generate -fcoverage-mapping
set -eu
export LC_ALL=C
cd "$(dirname "$0")/../.."

for tool in llvm-profdata llvm-cov jq; do
    command -v $tool >/dev/null || {
        echo "fuzz-coverage needs $tool (Debian packages llvm and jq)" >&2
        exit 1
    }
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# files TARGET
files() {
    case $1 in
    act) echo proto/gov.c proto/gov_item.c proto/gov_derive.c proto/gov_view.c proto/epoch.c ;;
    box) echo proto/box.c ;;
    certificate) echo proto/gov_item.c ;;
    changes) echo proto/record.c proto/schema_check.c ;;
    cmd) ls daemon/ctl_cmd*.c daemon/query*.c ;;
    code) echo proto/code.c ;;
    config) echo daemon/config.c ;;
    csv) ls cli/csv_[cipt]*.c ;;
    ctl) echo proto/ctl.c cli/json.c ;;
    frame) echo proto/link.c ;;
    handshake[123]) echo proto/link.c proto/noise.c proto/node_link.c ;;
    header) echo proto/entry.c ;;
    invitation) echo proto/code.c proto/node_join.c ;;
    msg) echo proto/msg.c ;;
    run) echo proto/feed.c ;;
    sync) ls proto/sync*.c proto/node_session.c ;;
    text) ls proto/schema_text.c proto/schema_format.c proto/schema_word.c proto/schema_ident.c ;;
    when) echo proto/schema_when.c proto/schema_date.c ;;
    wire) echo proto/wire.c proto/wire_scan.c proto/buf.c ;;
    *) echo "coverage.sh does not know what $1 is about" >&2 && return 1 ;;
    esac
}

printf '%-14s %7s %9s %9s  %s\n' target inputs lines branches files
for program in "$@"; do
    name=${program##*/}
    name=${name#fuzz_}
    corpus=tests/fuzz/corpus/$name
    sources=$(files "$name")
    inputs=$(find "$corpus" -type f | wc -l)
    LLVM_PROFILE_FILE=$work/raw "$program" -runs=0 -rss_limit_mb=4096 \
        -artifact_prefix="$work/" "$corpus" >"$work/log" 2>&1 || {
        tail -5 "$work/log" >&2
        exit 1
    }
    llvm-profdata merge -o "$work/data" "$work/raw"
    # shellcheck disable=SC2086 # a list of files
    read -r lines branches < <(llvm-cov export -summary-only -instr-profile="$work/data" \
        "$program" $sources | jq -r '.data[0].totals | [.lines.percent, .branches.percent] | @tsv')
    printf '%-14s %7d %8.1f%% %8.1f%%  %s\n' "$name" "$inputs" "$lines" "$branches" \
        "${sources//$'\n'/ }"
done
