#!/usr/bin/env bash
# The session of a new user, from founding a region to a placement that the third cannot see, and an
# organisation that was away.
# shellcheck source=tests/lib/e2e.sh
. "$(dirname "$0")/../lib/e2e.sh"

# ---- found, invite, join, approve ----

org_make esch
org_start esch
org_pin esch
json "before init there is no organisation" "$(m esch status --json)" \
    '.organisation == null and .region == null and .members == [] and .peers == [] and .listen != ""'
json "init gives an id" "$(m esch --json init 'Stad & Esch' --kind vmbo)" '.id | test("^[0-9a-f]{32,64}$")'
json "region create gives an id" "$(m esch --json region create Meppel)" '.id | test("^[0-9a-f]{64}$")'
new_org dingstede Dingstede vmbo
new_org metaal 'Metaal & Constructie Meppel' company

invitation=$(m esch --json invite create dingstede)
json "invite create gives code and expires" "$invitation" \
    '(keys == ["code","expires"]) and (.code | test("^MEENT1[0-9a-z]+$"; "i"))
     and (.expires | fromdateiso8601 > now + 6*86400)'
joined=$(m dingstede --json join "$(jq -r .code <<<"$invitation")" --wait 15)
json "join gives state and number" "$joined" \
    '(keys == ["number","state"]) and .state == "pending" and (.number | test("^[0-9]{6} [0-9]{6}$"))'
json "the applicant is not a member yet" "$(m dingstede --json status)" '.state == "joining" and .members == []'
json "member approve gives an id" \
    "$(m esch --json member approve dingstede --number "$(jq -r .number <<<"$joined")")" '.id | length >= 32'
json "join --wait ends with the admission" "$(m dingstede --json join --wait 15)" '.state == "member"'
admit esch metaal
check "three organisations have the same digest" all_agree 15 esch dingstede metaal
confirmed() { m "$1" --json status | jq -e '(.peers | length == 2) and all(.peers[]; .connected and .lag == 0)'; }
for org in esch dingstede metaal; do
    check "$org has both peers connected and nothing unconfirmed" until_ok 15 confirmed "$org"
done

# ---- joining given up, and refused ----

new_org elders Elders vmbo
code=$(j esch .code invite create elders)
json "another asks to join" "$(m elders --json join "$code" --wait 15)" '.number != null'
run elders --json region create Elders
is "meanwhile it founds no region" "$status" 7
json "it gives up" "$(m elders --json join --cancel)" '. == {"state":"none","number":null,"error":null}'
json "and is alone" "$(m elders --json status)" '.state == "alone" and .join.state == "none"'
json "it may ask again with the same code" "$(m elders --json join "$code" --wait 15)" '.number != null'
m esch invite revoke elders >/dev/null
refused() { [ "$(j "$1" .join.state status)" = refused ]; }
check "it hears that the code was revoked" until_ok 10 refused elders
json "and founds a region of its own" "$(m elders --json region create Elders)" '.id | length == 64'
json "of which it is a member" "$(m elders --json status)" '.state == "member" and .region.name == "Elders"'
json "a member's code is not used" "$(m elders --json join "$(j elders .code invite create x)")" '.state == "member"'
org_stop elders

# ---- the fixed shape of status ----

status=$(m metaal --json status)
json "status: organisation and region are id and name" "$status" \
    '.organisation | keys == ["id","name"] and .name == "Metaal & Constructie Meppel"'
json "status: region" "$status" '.region | keys == ["id","name"] and .name == "Meppel"'
json "status: members are id, name, role" "$status" \
    '(.members | length == 3) and all(.members[]; keys == ["id","name","role"])
     and ([.members[].name] | sort == ["Dingstede","Metaal & Constructie Meppel","Stad & Esch"])'
json "status: peers have name, connected, lag" "$status" \
    '(.peers | length == 2) and all(.peers[]; (.name | type == "string")
     and (.connected | type == "boolean") and (.lag | type == "number"))'
json "status: records counts every kind" "$status" \
    '.records | all(.[]; type == "number") and (["org","represents","contact","activity","series","signup",
      "period","answer","draw","asset","stageplek","agreement","budget","rate","contribution","evaluation",
      "note","body","meeting","insight","scan","placement","attendance","visit","pnote"] - keys == [])'
json "status: chains has region and pair" "$status" '.chains | has("region") and has("pair") and .pair == 0'
json "status: digest is hexadecimal" "$status" '.digest | test("^[0-9a-f]{64}$")'
json "status: links.refused has psk, certificate, timeout" "$status" \
    '.links.refused | all(.psk, .certificate, .timeout; type == "number")'
json "status: health has level, code, text, hint" "$status" \
    '.health | type == "array" and all(.[]; has("level") and has("code") and has("text") and has("hint"))'
json "status: listen is an address" "$status" '.listen | test("^127\\.0\\.0\\.1:[0-9]+$")'

# ---- real schools and activities ----

json "org import takes the schools" "$(m esch --json org import "$data/duo-vestigingen-vo-drenthe.csv")" \
    '(.new >= 1) and (.new + .changed + .unchanged == 26)'
json "activity import takes the activities" \
    "$(m esch --json activity import "$data/activiteiten-meppel-2026-2027.csv")" \
    '. == {"new":60,"changed":0,"unchanged":0}'
check "everyone has them" all_agree 20 esch dingstede metaal
list=$(m dingstede --json activity list)
json "activity list has the fixed keys" "$list" \
    'length == 60 and all(.[]; . as $a | ["id","title","type","direction","host","start","week",
     "capacity","free","status"] | all(. as $k | $a | has($k)))'
json "activity list: start is RFC 3339 with the Amsterdam offset, or null" "$list" \
    'all(.[]; .start == null or (.start | test("^20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\\+0[12]:00$")))
     and ([.[] | select(.start == null)] | length > 0)'
json "activity list: week is as 2026-W48" "$list" \
    'all(.[]; .week == null or (.week | test("^20[0-9]{2}-W[0-9]{2}$")))
     and any(.[]; .title == "Bedrijvenmarkt open dag" and .start == "2027-03-09T10:00:00+01:00" and .week == "2027-W10")'
json "activity list: host is id and name" "$list" 'all(.[]; .host | keys == ["id","name"])'
json "a host that joined is its own record" "$list" \
    'any(.[]; .host.name == "Metaal & Constructie Meppel" and .capacity == 1 and .free == 1)'

card=$(m dingstede --lang nl menukaart --limit 12)
has "the menukaart is Dutch" "$card" 'WANNEER'
has "the menukaart names Dutch days" "$card" "wk "

# ---- sign up and answer ----

json "activity add gives an id" "$(m metaal --json activity add --direction offer --type gastles \
    --title 'Gastles lassen' --host 'Metaal & Constructie Meppel' --date "$(date -d "+21 days" +%F)" --start 09:00 \
    --capacity 30 --unit pupils | tee "$work/added")" 'keys == ["id"] and (.id | test("^[0-9a-f]{32}$"))'
activity=$(jq -r .id "$work/added")
is_listed() { m "$1" --json activity list | jq -e --arg id "$2" 'any(.[]; .id == $id)'; }
check "the second school sees it" until_ok 10 is_listed dingstede "$activity"
signup=$(j dingstede .id signup add "${activity:0:8}" --group 3B --pupils 24)
is "signup add gives an id" "$([[ $signup =~ ^[0-9a-f]{32}$ ]] && echo yes)" yes
signed() { m "$1" --json activity show "$activity" | jq -e '.signups | length == 1'; }
check "the company sees the sign-up" until_ok 10 signed metaal
json "answer gives an id" "$(m metaal --json answer "$signup" accepted)" '.id | test("^[0-9a-f]{32}$")'
answered() { m "$1" --json activity list | jq -e --arg id "$activity" 'any(.[]; .id == $id and .free == 6)'; }
for org in esch dingstede metaal; do
    check "free is capacity minus the accepted pupils at $org" until_ok 10 answered "$org"
done
json "activity show names the sign-up and its answer" "$(m esch --json activity show "$activity")" \
    '.signups[0] | .org.name == "Dingstede" and .group == "3B" and .pupils == 24 and .decision == "accepted"'

# ---- a placement between two ----

# The text is long enough to stand in pages of its own in the store.
secret="geheim-$RANDOM$RANDOM"
long=$(printf "$secret %.0s" {1..400})
place=$(j metaal .id stageplek add --title Montage --type snuffelstage --capacity 2)
has_place() { m "$1" --json stageplek list | jq -e --arg id "$place" 'any(.[]; .id == $id)'; }
check "the school sees the place" until_ok 10 has_place dingstede
check "everyone agrees before the placement" all_agree 10 esch dingstede metaal

pages() { od -An -v -tx1 -w4096 "$work/$1/state/store/data.mdb" | tr -d ' '; }
pages dingstede | sort -u >"$work/before"
json "placement propose gives an id" "$(m dingstede --json placement propose "$place" --level KB \
    --route snuffelstage --from "$(date -d "+60 days" +%F)" --until "$(date -d "+64 days" +%F)" --text "$long" |
    tee "$work/proposed")" 'keys == ["id"] and (.id | test("^[0-9a-f]{32}$"))'
placement=$(jq -r .id "$work/proposed")
has_placement() { m "$1" --json placement show "$placement" | jq -e --arg s "$2" '.status == $s'; }
check "the company sees the proposal" until_ok 10 has_placement metaal proposed
json "placement accept gives an id" "$(m metaal --json placement accept "$placement")" '.id | test("^[0-9a-f]{32}$")'
for org in dingstede metaal; do
    check "the placement is accepted at $org" until_ok 10 has_placement "$org" accepted
    json "$org counts a pair chain and a placement" "$(m "$org" --json status)" \
        '.chains.pair >= 1 and .records.placement == 1'
done
taken() {
    m "$1" --json stageplek list |
        jq -e --arg id "$place" --argjson n "$2" 'any(.[]; .id == $id and .occupied == $n and .free == 2 - $n)'
}
check "the place is taken where it was accepted, at once" taken metaal 1
for org in esch dingstede; do check "$org sees how many places are left" until_ok 10 taken "$org" 1; done
check "digests of the region agree" all_agree 10 esch dingstede metaal
json "the uninvolved school has no pair chain and no placement" "$(m esch --json status)" \
    '.chains.pair == 0 and .records.placement == 0'
json "its list of placements is empty" "$(m esch --json placement list)" '. == []'
run esch --json placement show "$placement"
is "it does not know that id" "$status" 3

# What is new in the proposer's store and stands at the other party too is of the channel.
pages dingstede | sort -u | comm -13 "$work/before" - |
    awk 'substr($0, 21, 4) == "0400" { print substr($0, 3001, 64) }' | sort -u >"$work/new"
flat() { od -An -v -tx1 "$1" | tr -d ' \n'; }
flat "$work/metaal/state/store/data.mdb" >"$work/metaal.hex"
grep -oFf "$work/new" "$work/metaal.hex" | sort -u >"$work/channel"
check "bytes of the channel stand at both parties" [ -s "$work/channel" ]
find_channel() {
    local file
    while IFS= read -r -d '' file; do
        if flat "$file" | grep -qFf "$work/channel"; then echo "$file"; fi
    done < <(find "$work/$1" -type f -print0)
}
[ -z "$(find_channel metaal)" ] && not_ok "the search finds what is there" || ok "the search finds what is there"
is "no file of the third holds any of them" "$(find_channel esch)" ""
is "nothing readable stands in any file" \
    "$(grep -rlaF -e "$secret" -e 'Gastles lassen' -e Montage "$work"/{esch,dingstede,metaal}/state)" ""

# ---- away and back ----

org_stop dingstede
is "SIGTERM ends the daemon with 0" "$status" 0
lost() { m "$1" --json status | jq -e 'any(.peers[]; .connected | not)'; }
check "the others notice" until_ok 15 lost esch
for i in 1 2 3 4 5; do
    m esch activity add --direction request --type excursie --title "Dag $i" --host 'Stad & Esch' >/dev/null
    m metaal activity add --direction offer --type workshop --title "Les $i" \
        --host 'Metaal & Constructie Meppel' >/dev/null
done
m metaal activity cancel "$activity" --reason ziekte >/dev/null
sed -i 's/^listen = .*/listen = 127.0.0.1:0/' "$work/dingstede/meentd.conf" # it comes back at another port
org_start dingstede
check "back again, it has all that the others changed" all_agree 20 esch dingstede metaal
json "also the cancellation" "$(m dingstede --json activity show "$activity")" '.status == "cancelled"'
is "ten activities came" "$(j dingstede '[.[] | select(.title | test("^(Dag|Les) [1-5]$"))] | length' activity list)" 10
for org in esch dingstede metaal; do
    check "nothing is unconfirmed at $org" until_ok 15 confirmed "$org"
    json "$org verifies its store" "$(m "$org" --json verify)" '.equal'
done

finish
