#!/usr/bin/env bash
# Who decides: the number of a school in a public register can be claimed by anybody, and gives nobody
# a say over what others entered.
# shellcheck source=tests/lib/e2e.sh
. "$(dirname "$0")/../lib/e2e.sh"

three_orgs

m esch org import "$root/tests/data/duo-vestigingen-vo-drenthe.csv" >/dev/null 2>&1
activity=$(j esch .id activity add --direction offer --type gastles --title "Bij Wolfsbos" \
    --host brin-vestiging:19IW04 --capacity 5)
check "the others see it" until_ok 15 m metaal activity show "$activity"
signup=$(j metaal .id signup add "$activity" --group 3A --pupils 3)
check "the owner sees the sign-up" until_ok 15 m esch answer "$signup" accepted
run dingstede org edit --identifiers brin-vestiging:19IW04
is "claiming the number is possible" "$status" 0
check "the claim reaches the owner" all_agree 15 esch dingstede metaal
run dingstede answer "$signup" declined --reason gekaapt
is "but who claims it does not answer" "$status" 4
is "the owner's answer stands" "$(j metaal '.[0].decision' signup list)" accepted

finish
