#!/usr/bin/env bash
# kill -9 during import and during sync. Every id that was printed before is listed after the restart,
# and at the other organisation; after all rounds both agree. E2E_ROUNDS rounds (100).
# shellcheck source=tests/lib/e2e.sh
. "$(dirname "$0")/../lib/e2e.sh"

rounds=${E2E_ROUNDS:-100}
import_rows=0 # of this round

# A fresh pair now and then, since what a round looks at grows with what is there.
fresh_pair() {
    [ "${#daemon[@]}" = 0 ] || sound
    rm -rf "$work/esch" "$work/dingstede"
    new_org esch "Stad & Esch" vmbo
    found esch Meppel
    new_org dingstede Dingstede vmbo
    admit esch dingstede
    all_agree 15 esch dingstede || give_up "both agree"
}

# What must be true when a pair is done with; ends it.
sound() {
    local org
    all_agree 15 esch dingstede || give_up "both agree at the end" "$(digests)"
    for org in esch dingstede; do
        m "$org" --json verify | jq -e .equal >/dev/null || give_up "$org verifies its store"
        m "$org" --json status | jq -e '.chains.region == 2' >/dev/null ||
            give_up "$org has one installation of each: no chain was given up"
    done
    for org in esch dingstede; do
        org_stop "$org"
        [ "$status" = 0 ] || give_up "$org ends with 0, not $status"
    done
}

# writer ORG ROUND COUNT FILE: adds activities one by one and keeps what is printed.
writer() {
    local i line
    for ((i = 1; i <= $3; i++)); do
        line=$(m "$1" --json activity add --direction offer --type gastles --host "Stad & Esch" \
            --title "Ronde-$2: les $i" 2>/dev/null) || return 0
        echo "$line"
    done >>"$4"
}

# importer ORG ROUND FILE: imports a file; what it prints counts once it is complete.
importer() { m "$1" --json activity import "$work/import.csv" >"$3" 2>/dev/null; }

import_file() {
    local i
    {
        echo 'titel;soort;vraag/aanbod;organisatie;toelichting'
        for ((i = 1; i <= import_rows; i++)); do
            echo "Ronde-$1: invoer $i;workshop;vraag;Stad & Esch;regel $i van ronde $1"
        done
    } >"$work/import.csv"
}

pause() { sleep "0.$(printf %03d $((RANDOM % $1)))"; }

# listed ORG ROUND: ids of that round, sorted.
listed() { j "$1" '.[].id' activity list --text "Ronde-$2:" | sort; }
printed() { sed -n 's/^{"id":"\([0-9a-f]\{32\}\)"}$/\1/p' "$1" | sort; }

# A round has one victim, which is killed while esch writes or while the two exchange what one lacks.
run_round() {
    local round=$1 kind=$(($1 % 4)) victim writer_pid importer_pid=
    : >"$work/ids"
    : >"$work/imported"
    case $kind in
    0 | 1) # esch writes and imports; it, or who receives, is killed
        victim=esch
        [ "$kind" = 0 ] || victim=dingstede
        # At esch two messages to the daemon, so that the kill can fall between them.
        import_rows=$((kind == 0 ? 300 : 40))
        import_file "$round"
        writer esch "$round" 15 "$work/ids" &
        writer_pid=$!
        importer esch "$round" "$work/imported" &
        importer_pid=$!
        pause $((kind == 0 ? 30 : 60))
        org_kill "$victim"
        ;;
    2 | 3) # dingstede comes back to what it missed; sender or receiver is killed meanwhile
        victim=esch
        [ "$kind" = 2 ] || victim=dingstede
        org_kill dingstede
        writer esch "$round" 10 "$work/ids"
        "$meentd" --config "$work/dingstede/meentd.conf" </dev/null >>"$work/dingstede/meentd.log" 2>&1 &
        daemon[dingstede]=$!
        writer esch "$round" 5 "$work/ids" &
        writer_pid=$!
        pause 60
        org_kill "$victim"
        ;;
    esac
    wait "$writer_pid" $importer_pid 2>/dev/null
    org_start "$victim"
    until_ok 15 m dingstede status --json || give_up "dingstede answers"
}

# check_round ROUND: sets why when something is wrong.
check_round() {
    local round=$1 missing n
    why=
    printed "$work/ids" >"$work/printed"
    listed esch "$round" >"$work/listed"
    missing=$(comm -23 "$work/printed" "$work/listed")
    [ -z "$missing" ] || why+="not listed after the restart: $missing. "
    if [ -s "$work/imported" ]; then
        n=$(j esch '[.[] | select(.type == "workshop")] | length' activity list --text "Ronde-$round:")
        [ "$n" = "$import_rows" ] || why+="$n of $import_rows imported rows. "
    fi
    all_agree 20 esch dingstede || why+="no agreement: $(digests) "
    listed dingstede "$round" >"$work/there"
    cmp -s "$work/listed" "$work/there" || why+="the other has other records. "
    total=$((total + $(wc -l <"$work/printed")))
}

total=0 complete=0 half=0
for ((round = 1; round <= rounds; round++)); do
    [ $((round % 20)) != 1 ] || fresh_pair
    run_round "$round"
    check_round "$round"
    [ -z "$why" ] || give_up "round $round ($((round % 4)))" "$why"
    [ ! -s "$work/imported" ] || complete=$((complete + 1))
    # What an import that was cut off left out comes with the same import.
    if [ $((round % 4)) = 0 ]; then
        n=$(j esch '[.[] | select(.type == "workshop")] | length' activity list --text "Ronde-$round:")
        [ "$n" = 0 ] || [ "$n" = "$import_rows" ] || half=$((half + 1))
        m esch --json activity import "$work/import.csv" | jq -e ".new + .unchanged == $import_rows" >/dev/null ||
            give_up "the import of round $round is completed"
        n=$(j esch '[.[] | select(.type == "workshop")] | length' activity list --text "Ronde-$round:")
        [ "$n" = "$import_rows" ] || give_up "round $round: nothing is there twice" "$n of $import_rows"
    fi
done
ok "$rounds rounds of kill -9: $total printed ids are all there"
is "many ids were printed" "$([ "$total" -ge $((rounds * 3)) ] && echo yes || echo "$total")" yes
echo "# $complete of $((rounds / 2)) imports were done before the kill, $half were half done"
sound
ok "every pair agrees, verifies its store and has kept its chains"

finish
