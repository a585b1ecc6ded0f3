#!/usr/bin/env bash
# A damaged store: the daemon does not start on it, says what is damaged, ends with the status after
# which systemd does not try again, and runs on the last sound copy. Damage under a running daemon
# shows nothing wrong and is named at the next start.
# shellcheck source=tests/lib/e2e.sh
. "$(dirname "$0")/../lib/e2e.sh"

new_org esch 'Stad & Esch' vmbo
found esch Meppel
new_org dingstede Dingstede vmbo
admit esch dingstede
m esch activity import "$data/activiteiten-meppel-2026-2027.csv" >/dev/null || give_up import
check "both agree before" all_agree 15 esch dingstede
m esch --json activity list >"$work/list.json"
org_stop esch
store=$work/esch/state/store/data.mdb
cp -a "$work/esch/state" "$work/sound"

# heal: the sound copy again, in its place.
heal() {
    cp -a "$work/sound/store/data.mdb" "$store"
    : >"$work/esch/meentd.log"
}

# start_damaged: sets status to how the daemon ended, said to its line about it. A check of the start
# foretells the one.
start_damaged() {
    local checked
    timeout 20 "$meentd" --config "$work/esch/meentd.conf" --check-start >"$work/check" 2>&1
    checked=$?
    timeout 20 "$meentd" --config "$work/esch/meentd.conf" >>"$work/esch/meentd.log" 2>&1
    status=$?
    said=$(grep start_failed "$work/esch/meentd.log")
    is "a check foretells how it ends" "$checked" "$status"
}

# poke OFFSET: turns the byte there into another.
poke() {
    local byte
    byte=$(od -An -tu1 -j "$1" -N 1 "$store")
    # shellcheck disable=SC2059 # the format is the byte
    printf "\\x$(printf %02x $((byte ^ 64)))" | dd of="$store" bs=1 seek="$1" conv=notrunc status=none
}

# ---- at start ----

poke 17
start_damaged
is "a damaged first page: it ends with 3" "$status" 3
has "and says so" "$said" 'err=corrupt text="data.mdb: the first pages are damaged"'
run esch status
is "without a daemon there is no answer" "$status" 5
run esch doctor
has "doctor names the damage" "$out" 'the stored data is damaged'
has "and what to do" "$out" 'put back the last'

heal
truncate -s -4096 "$store"
start_damaged
is "a page cut off: it ends with 3" "$status" 3
has "and names it" "$said" 'the file is shorter than its pages'

heal
truncate -s 5000 "$store"
start_damaged
is "nearly all cut off: it ends with 3" "$status" 3

heal
printf '%81920s' '' | dd of="$store" bs=4096 seek=5 conv=notrunc status=none
start_damaged
is "pages overwritten: it ends with 3" "$status" 3
has "and says damaged" "$said" 'err=corrupt'

heal
org_start esch
ok "an undamaged copy starts"
org_stop esch
mv "$work/esch/state/store.key" "$work/key"
: >"$work/esch/meentd.log"
start_damaged
is "without its key: it ends with 3" "$status" 3
head -c 32 /dev/zero >"$work/esch/state/store.key"
chmod 600 "$work/esch/state/store.key"
start_damaged
is "with another key: it ends with 3" "$status" 3
has "and does not call that damage" "$(tail -1 <<<"$said")" 'err=no-key'
mv "$work/key" "$work/esch/state/store.key"

# ---- under a running daemon ----

heal
org_start esch
pages=$(($(stat -c %s "$store") / 4096))
for ((i = 2; i < pages; i++)); do # a byte in the middle of every page
    poke $((i * 4096 + 2048))
done
run esch --json activity list
if [ "$status" = 0 ]; then
    is "what is still shown is right" "$(jq -cS . <<<"$out")" "$(jq -cS . "$work/list.json")"
else
    ok "nothing wrong is shown"
fi
if ! gone "${daemon[esch]}"; then
    run esch --json log --limit 500
    json "the log names the damage rather than leave something out" "$err" '.error.code == "corrupt"'
    run esch --json verify
    json "verify tells" "$out$err" '.error.code == "corrupt" or .equal == false'
fi
org_end esch TERM || org_end esch KILL || true
: >"$work/esch/meentd.log"
start_damaged
is "the next start finds it: it ends with 3" "$status" 3
has "and names it" "$said" 'err=corrupt'

# ---- the way back ----

m dingstede activity add --direction offer --type gastles --host Dingstede --title Intussen >/dev/null
rm -r "$work/esch/state"
cp -a "$work/sound" "$work/esch/state"
org_start esch
check "put back, it fetches what it lacks" all_agree 20 esch dingstede
has "also what was written meanwhile" "$(m esch --json activity list)" Intussen
m esch activity add --direction offer --type gastles --host 'Stad & Esch' --title Daarna >/dev/null ||
    not_ok "it writes again"
check "and both agree" all_agree 20 esch dingstede
json "the data is sound" "$(m esch --json verify)" .equal

finish
