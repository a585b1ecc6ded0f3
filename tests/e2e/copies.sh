#!/usr/bin/env bash
# Copies of a replica: an older one put back, and one that runs beside its original. Each opens an
# installation of its own; what was written is not lost and writing goes on.
# shellcheck source=tests/lib/e2e.sh
. "$(dirname "$0")/../lib/e2e.sh"

three_orgs

add() { j "$1" .id activity add --direction offer --type gastles --title "$2" --host "$3"; }
shows() { [ "$(j "$1" "[.[] | select(.id == \"$2\")] | length" activity list)" = 1 ]; }

# ---- an older copy is put back ----

org_stop dingstede
cp -a "$work/dingstede/state" "$work/older"
org_start dingstede
later=$(add dingstede "Na de kopie" Dingstede)
check "what is written after the copy reaches the others" until_ok 15 shows esch "$later"
org_stop dingstede
rm -rf "$work/dingstede/state"
mv "$work/older" "$work/dingstede/state"
org_start dingstede
check "the copy gets back what it wrote later" until_ok 20 shows dingstede "$later"
check "all agree again" all_agree 20 esch dingstede metaal
again=$(add dingstede "Na het terugzetten" Dingstede)
check "and it writes on" until_ok 15 shows esch "$again"
has "status says that it is a copy" "$(j dingstede '.health[].code' status)" new-installation

# ---- a copy runs beside its original ----

org_stop metaal
mkdir "$work/metaal2"
cp -a "$work/metaal/state" "$work/metaal2/state"
org_make metaal2
org_start metaal
org_start metaal2
one=$(add metaal "Van het origineel" "Metaal & Constructie Meppel")
check "the original goes on" until_ok 20 shows esch "$one"
writes() { add metaal2 "Van de kopie" "Metaal & Constructie Meppel" >"$work/two" && [ -s "$work/two" ]; }
check "the copy writes once it is level" until_ok 20 writes
two=$(<"$work/two")
check "and that reaches the others" until_ok 20 shows esch "$two"
check "and its original" until_ok 30 shows metaal "$two"
check "all agree" all_agree 30 esch dingstede metaal metaal2

finish
