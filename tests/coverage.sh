#!/usr/bin/env bash
# Prints line and branch coverage of a build that ran under gcc --coverage: per folder, and per file.
# Fails when proto or daemon is below its floor or has no figures, and when a FILE has a line or branch
# that nothing reached and that tests/coverage.allow does not explain.
#
#   tests/coverage.sh OBJECTS [FILE...]     FILE: "proto/noise.c", to be listed beside the folders;
#                                           with none, every file; -u FILE: what FILE did not reach
#
# Branches are those of the source: what gcc adds for exceptions, and the failing side of assert,
# which no passing test can take, are left out.
set -euo pipefail
export LC_ALL=C

line_floor=90 branch_floor=80
allow=tests/coverage.allow
objects=$(realpath "$1")
shift
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
missed=
if [ "${1:-}" = -u ]; then missed=$2 && shift 2; fi

# One line for each source line that holds code: file, line, reached, branches, branches taken,
# function.
cat >"$work/lines.jq" <<'EOF2'
.files[] | select(.file | test("^(proto|daemon|cli)/.*[.]c$")) | .file as $f | .lines[]
| [$f, .line_number, (if .count > 0 then 1 else 0 end),
   ([.branches[] | select(.throw | not)] | length),
   ([.branches[] | select((.throw | not) and .count > 0)] | length),
   .function_name // ""] | @tsv
EOF2
find "$objects/proto" "$objects/daemon" "$objects/cli" -name '*.gcda' | sort |
    while read -r data; do
        gcov --json-format --branch-probabilities --stdout "$data" 2>"$work/gcov" || {
            echo "gcov cannot read $data: $(tail -n 1 "$work/gcov")" >&2
            exit 1
        }
    done | jq -r -f "$work/lines.jq" >"$work/all"
awk -F '\t' 'FNR == NR {
        if (!($1 in seen)) { seen[$1] = 1; n = 0
            while ((getline text < $1) > 0) if (text ~ /^ *assert\(/) skip[$1, ++n] = 1; else ++n }
        next }
    { if (($1, $2) in skip) { $4 = 0; $5 = 0 }
      print $1, $2, $3, $4, $5, $6 }' OFS='\t' "$work/all" "$work/all" >"$work/lines"

if [ -n "$missed" ]; then
    awk -F '\t' -v f="$missed" '$1 == f && (!$3 || $5 < $4) {
        print $2 "\t" ($3 ? "branches " $5 "/" $4 : "never") }' "$work/lines" |
        sort -n | while IFS=$'\t' read -r line what; do
            printf '%s:%s: %-14s %s\n' "$missed" "$line" "$what" "$(sed -n "${line}p" "$missed")"
        done
    exit
fi

status=0
awk -F '\t' -v list="$*" -v line_floor="$line_floor" -v branch_floor="$branch_floor" '
    function part(n, of) { return of ? 100 * n / of : 100 }
    function low(n, of, floor) { return !of || 100 * n < floor * of }
    function show(name, key) {
        printf "  %-26s %6.1f %%  %6d/%-6d %6.1f %%  %6d/%d\n", name,
            part(hit[key], lines[key]), hit[key], lines[key],
            part(taken[key], branches[key]), taken[key], branches[key]
    }
    function add(key) { lines[key]++; hit[key] += $3; branches[key] += $4; taken[key] += $5 }
    { folder = $1; sub(/\/.*/, "", folder); add(folder); add($1)
      if (!($1 in known)) { known[$1] = 1; order[++n] = $1 } }
    END {
        printf "  %-26s %8s  %13s %8s\n", "", "line", "", "branch"
        split("proto daemon cli", folders, " ")
        for (i = 1; i <= 3; i++) show(folders[i], folders[i])
        if (list != "") n = split(list, order, " ")
        for (i = 1; i <= n; i++) show(order[i], order[i])
        for (i = 1; i <= 2; i++) {
            f = folders[i]
            if (low(hit[f], lines[f], line_floor) || low(taken[f], branches[f], branch_floor)) {
                printf "%s is below %d %% of lines or %d %% of branches\n", f, line_floor, branch_floor
                bad = 1
            }
        }
        exit bad
    }' "$work/lines" || status=1

# Lines and branches of each function of the listed files that nothing reached.
awk -F '\t' -v list="$*" '
    BEGIN { n = split(list, names, " "); for (i = 1; i <= n; i++) wanted[names[i]] = 1 }
    $1 in wanted { missing[$1 ":" $6] += $3 ? $4 - $5 : 1 }
    END { for (f in missing) if (missing[f]) print f, missing[f] }' "$work/lines" |
    sort >"$work/missing"
awk '!/^#/ && NF { print $1, $2 }' "$allow" | sort >"$work/allowed"
if [ $# != 0 ] && ! diff "$work/allowed" "$work/missing" >"$work/diff"; then
    echo "not reached and not explained (>), or explained and reached (<), in $allow:"
    grep '^[<>]' "$work/diff"
    status=1
fi
exit "$status"
