#!/usr/bin/env bash
# A full disk: a clear error, a state that status and log show, and it goes on once there is space;
# when it fills while changes are written, during an import, during a sync, and before the start.
if [ "$(id -u)" != 0 ] || ! command -v mkfs.ext4 >/dev/null; then
    echo "ok - disk.sh: full disk # skip needs root and mkfs.ext4"
    exit 0
fi
# The mount is ours alone and goes with the last of our processes.
if [ -z "${E2E_OWN_MOUNTS:-}" ]; then
    if unshare --mount --propagation private true 2>/dev/null; then
        E2E_OWN_MOUNTS=1 exec unshare --mount --propagation private "$0"
    fi
    echo "ok - disk.sh: full disk # skip needs mounts of its own"
    exit 0
fi
# shellcheck source=tests/lib/e2e.sh
. "$(dirname "$0")/../lib/e2e.sh"

disk=$work/disk
clean_up() { umount "$disk" 2>/dev/null; }
mkdir "$disk"
head -c 12M /dev/zero >"$work/image"
if ! mkfs.ext4 -q -O ^has_journal "$work/image" || ! mount -o loop "$work/image" "$disk" 2>"$work/err"; then
    echo "ok - disk.sh: full disk # skip no loop devices: $(head -1 "$work/err")"
    exit 0
fi

org_make esch
sed -i "s|^state_dir = .*|state_dir = $disk/state|" "$work/esch/meentd.conf"
org_start esch
org_pin esch
m esch init 'Stad & Esch' --kind vmbo >/dev/null || give_up init
found esch Meppel
m esch activity import "$data/activiteiten-meppel-2026-2027.csv" >/dev/null || give_up import
new_org dingstede Dingstede vmbo
admit esch dingstede
check "both agree before" all_agree 15 esch dingstede

fill() { cat /dev/zero >"$disk/filler" 2>/dev/null; }
logged() { grep -c "$1" "$work/esch/meentd.log"; }
full_in_status() { m esch --json status | jq -e 'any(.health[]; .code == "disk-full")'; }

add() { m esch --json activity add --direction offer --type gastles --host 'Stad & Esch' \
    --title "$1" --text "$(head -c 9000 /dev/zero | tr '\0' x)"; }

# ---- full ----

fill
: >"$work/ids"
full=
for i in {1..300}; do
    if out=$(add "Les $i" 2>"$work/err"); then
        jq -r .id <<<"$out" >>"$work/ids"
    else
        full=$(<"$work/err")
        break
    fi
done
json "a change is refused when the disk is full" "$full" '.error.code == "no-space" or .error.code == "read-only"'
run esch --json activity add --direction offer --type gastles --host 'Stad & Esch' --title More \
    --text "$(head -c 9000 /dev/zero | tr '\0' x)"
is "the next one too: exit 1" "$status" 1
json "status shows it, with something to try" "$(m esch --json status)" \
    'any(.health[]; .level == "error" and (.code == "disk-full" or .code == "read-only") and (.hint // "") != "")'
has "in Dutch for people" "$(m esch --lang nl status)" "schijf"
json "reading works" "$(m esch --json activity list)" 'length >= 60'
check "the daemon lives" kill -0 "${daemon[esch]}"

check "the log too" logged 'error store_failed err=no-space'

# ---- an import ----

{
    echo 'titel;soort;vraag/aanbod;organisatie;toelichting'
    for i in {1..40}; do echo "Rij $i;workshop;vraag;Stad & Esch;$(head -c 9000 /dev/zero | tr '\0' y)"; done
} >"$work/import.csv"
run esch --json activity import "$work/import.csv"
is "an import is refused: exit 1" "$status" 1
json "for want of space" "$err" '.error.code == "no-space" or .error.code == "read-only"'
is "nothing of it is there" "$(j esch '[.[] | select(.type == "workshop" and (.title | startswith("Rij ")))] | length' \
    activity list)" 0

# ---- a sync ----

# The others go on, and what they send waits.
for i in {1..30}; do
    m dingstede activity add --direction request --type excursie --host Dingstede --title "Excursie $i" \
        --text "$(head -c 9000 /dev/zero | tr '\0' z)" >/dev/null || not_ok "the other organisation works on"
done
check "what others send is not taken, and status says so" until_ok 10 full_in_status
behind() { [ "$(j dingstede '.peers[0].lag' status)" -ge 30 ]; }
json "the sender sees that it is not there" "$(m dingstede --json status)" ".peers[0].lag >= 1"

# ---- a start ----

org_stop esch
is "it ends well on a full disk" "$status" 0
org_start esch
ok "it starts on a full disk"
json "reading works" "$(m esch --json activity list)" 'length >= 60'
check "status says it again once something cannot be written" until_ok 10 full_in_status

org_make fresh
sed -i "s|^state_dir = .*|state_dir = $disk/fresh|" "$work/fresh/meentd.conf"
"$meentd" --config "$work/fresh/meentd.conf" </dev/null >"$work/fresh/meentd.log" 2>&1
is "one that has nothing yet does not start" "$?" 1
has "and says why" "$(<"$work/fresh/meentd.log")" 'err=no-space'

# ---- space again ----

rm "$disk/filler"
lines=$(logged store_recovered)
try() { add "Na $1" >>"$work/after" 2>/dev/null; }
check "it resumes without a restart" until_ok 15 try again
jq -r .id "$work/after" >>"$work/ids"
check "and takes what the other sent meanwhile" all_agree 20 esch dingstede
well() { m esch --json status | jq -e 'all(.health[]; .code != "disk-full" and .code != "read-only")'; }
check "status is well again" until_ok 10 well
check "and the log says so" [ "$(logged store_recovered)" -gt "$lines" ]
m esch activity import "$work/import.csv" >/dev/null || not_ok "the import that was refused succeeds"
is "all of it is there" "$(j esch '[.[] | select(.type == "workshop" and (.title | startswith("Rij ")))] | length' \
    activity list)" 40
check "the other has it" all_agree 20 esch dingstede
org_start fresh
ok "the one that did not start does"
j esch '.[].id' activity list | sort >"$work/listed"
is "everything that was confirmed is there" "$(sort "$work/ids" | comm -23 - "$work/listed")" ""
org_stop esch
org_start esch
j esch '.[].id' activity list | sort >"$work/listed"
is "also after a restart" "$(sort "$work/ids" | comm -23 - "$work/listed")" ""
json "the store is sound" "$(m esch --json verify)" '.equal'

finish
