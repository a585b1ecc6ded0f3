#!/usr/bin/env bash
# CSV import: the good files, the same again, the faulty one, --partial and --dry-run.
# shellcheck source=tests/lib/e2e.sh
. "$(dirname "$0")/../lib/e2e.sh"

schools=$data/duo-vestigingen-vo-drenthe.csv
good=$data/activiteiten-meppel-2026-2027.csv
faulty=$data/activiteiten-met-fouten.csv

new_org esch "Stad & Esch" vmbo
found esch Meppel
count() { j esch ".records.$1" status; }

# ---- good files ----

before=$(digest esch)
json "a dry run tells what would be new" "$(m esch --json org import "$schools" --dry-run)" \
    '.new == 26 and .changed == 0 and .unchanged == 0'
json "a dry run of activities too" "$(m esch --json activity import "$good" --dry-run)" \
    '.new == 60 and .changed == 0 and .unchanged == 0'
is "a dry run changes nothing" "$(digest esch)" "$before"
json "26 schools are new" "$(m esch --json org import "$schools")" '. == {"new":26,"changed":0,"unchanged":0}'
is "and one organisation is our own" "$(count org)" 27
json "60 activities are new" "$(m esch --json activity import "$good")" '. == {"new":60,"changed":0,"unchanged":0}'
is "60 activities are there" "$(count activity)" 60
is "eleven hosts were not known before" "$(count org)" 38
after=$(digest esch)
json "schools again: all unchanged" "$(m esch --json org import "$schools")" '. == {"new":0,"changed":0,"unchanged":26}'
json "activities again: all unchanged" "$(m esch --json activity import "$good")" \
    '. == {"new":0,"changed":0,"unchanged":60}'
is "importing twice changes nothing" "$(digest esch)" "$after"
json "hosts are found by their location code" "$(m esch --json activity list --text 'tiny house')" \
    'any(.[]; .host.name == "Roelof van Echten College")'
json "windows-1252 and line breaks in cells are read" "$(m esch --json activity list --text scheepswerf)" \
    '.[0] | .host.name == "Melkveehouderij Höfte" and (.text | test("vooraf\\.\nWe hebben plek voor één"))'

sed 's/;16;leerlingen;/;18;leerlingen;/' "$good" >"$work/changed.csv"
changed=$(grep -c ';18;leerlingen;' "$work/changed.csv")
json "what differs is changed" "$(m esch --json activity import "$work/changed.csv")" \
    ".new == 0 and .changed == $changed and .unchanged == 60 - $changed"
is "and nothing is there twice" "$(count activity)" 60
iconv -f windows-1252 -t utf-8 "$good" | tr -d '\r' >"$work/utf8.csv"
json "the same in UTF-8 without CR is the same" "$(m esch --json activity import "$work/utf8.csv")" \
    ".new == 0 and .changed == $changed"
run esch activity import "$good" --quiet
is "--quiet is quiet" "$status:$out:$err" "0::"

# ---- the faulty file ----

before=$(digest esch)
run esch --json activity import "$faulty"
is "a faulty file fails" "$status" 1
is "standard output is empty" "$out" ""
is "standard error is one line" "$(wc -l <"$work/err")" 1
json "rows, lines, columns and codes are told" "$err" \
    '[.error.rows[] | [.row, .line, .column, .code]] == [
        [3, 3, "Datum", "not-date"], [4, 5, "Capaciteit", "too-small"], [5, 6, "Soort", "not-word"],
        [6, 7, "Vraag/Aanbod", "not-word"], [7, 8, "Van", "not-clock"], [8, 9, "Titel", "missing"],
        [9, 10, "Werelden", "not-word"], [11, 13, "Capaciteit", "too-large"], [12, 14, "Profielen", "short-row"]]'
english=$(jq -c '[.error.rows[].message]' <<<"$err")
json "each row says why" "$english" 'all(.[]; length > 5)'
run_nl esch --json activity import "$faulty"
dutch=$(jq -c '[.error.rows[].message]' <<<"$err")
json "in Dutch too, and differently" "$dutch" 'length == 9 and all(range(9); . as $i | $d[$i] != $e[$i])' \
    --argjson d "$dutch" --argjson e "$english"
json "the error has code, message and hint" "$err" '.error | has("code") and has("hint") and (.message | length > 5)'
run_nl esch activity import "$faulty"
has "as a table, with the Dutch word for row" "$err" RIJ
has "and the value that is wrong" "$err" Gastlezzen
is "nothing of the file was applied" "$(digest esch)" "$before"

run esch --json activity import "$faulty" --dry-run
is "a dry run of it fails as well" "$status" 1
run esch --json activity import "$faulty" --partial --dry-run
is "a dry run of the good rows works" "$status" 0
is "and changes nothing" "$(digest esch)" "$before"
run esch --json activity import "$faulty" --partial
is "--partial takes the good rows" "$status" 0
json "and tells how many were skipped, and which" "$out" '(.new + .changed + .unchanged == 3) and .skipped == 9
    and ([.rows[].row] == [3, 4, 5, 6, 7, 8, 9, 11, 12]) and all(.rows[]; .code != "" and .column != "")'
json "a formula is data" "$(m esch --json activity list --text HYPERLINK)" \
    'length == 1 and (.[0].title | startswith("=HYPERLINK("))'

# ---- files that are no such files ----

run esch --json activity import "$work/nowhere.csv"
is "a missing file is not found" "$status" 3
head -c 4096 /dev/urandom >"$work/noise.csv"
before=$(digest esch)
run esch --json activity import "$work/noise.csv"
is "noise fails" "$status" 1
: >"$work/empty.csv"
run esch --json activity import "$work/empty.csv"
is "an empty file fails" "$status" 1
printf 'Titel;Soort;Vraag/Aanbod;Organisatie\n"open;Gastles;aanbod;X\n' >"$work/quote.csv"
run esch --json activity import "$work/quote.csv"
is "a quotation mark that never ends fails" "$status" 1
run esch --json activity import "$schools"
is "a file of another kind fails" "$status" 1
is "none of them changed anything" "$(digest esch)" "$before"
{
    echo 'titel;soort;vraag/aanbod;organisatie'
    for i in {1..700}; do echo "Les $i;gastles;aanbod;Stad & Esch"; done
} >"$work/long.csv"
json "a file of several pieces is new as a whole" "$(m esch --json activity import - <"$work/long.csv")" '.new == 700'
json "and unchanged as a whole" "$(m esch --json activity import "$work/long.csv")" '.unchanged == 700'

finish
