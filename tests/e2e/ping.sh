#!/usr/bin/env bash
# peer ping names the step at which a connection fails, for every step.
if [ -z "${E2E_OWN_NET:-}" ]; then
    export E2E_OWN_NET=0
    if unshare --net true 2>/dev/null; then
        E2E_OWN_NET=1 exec unshare --net "$0"
    fi
fi
# shellcheck source=tests/lib/e2e.sh
. "$(dirname "$0")/../lib/e2e.sh"
[ "$E2E_OWN_NET" = 0 ] || ip link set lo up

three_orgs

# fails_at STEP CODE TEXT...: what ping of Dingstede says, in JSON and in both languages.
fails_at() {
    local step=$1 code=$2 text=$3 pid pids=()
    m esch --json peer ping Dingstede >"$work/json" & pids+=($!)
    m esch peer ping Dingstede >"$work/english" & pids+=($!)
    m esch --lang nl peer ping Dingstede >"$work/dutch" & pids+=($!)
    for pid in "${pids[@]}"; do
        wait "$pid"
        is "$text: ping fails" $? 1
    done
    json "$text: at the step $step, because $code" "$(<"$work/json")" \
        '.steps[-1] | .step == $s and .code == $c and (.ok | not)' --arg s "$step" --arg c "$code"
    json "$text: what comes before it went well" "$(<"$work/json")" '.steps[:-1] | all(.ok)'
    is "$text: one line is marked" "$(grep -c '^✗' "$work/english")" 1
    is "$text: and the last one is advice" "$(tail -n 1 "$work/english" | grep -c '^[✓✗]')" 0
    if [ "$(tail -n 1 "$work/english")" = "$(tail -n 1 "$work/dutch")" ]; then
        not_ok "$text: in Dutch" "$(<"$work/dutch")"
    fi
}

run esch peer ping Dingstede
is "a peer that is there answers" "$status" 0
is "all five steps go well" "$(grep -c '^✓' <<<"$out")" 5

# ---- connect ----

away() { j esch '.peers[] | select(.name == "Dingstede") | .connected' status | grep -q false; }
org_stop dingstede
check "Dingstede is away" until_ok 10 away
fails_at connect refused "nobody listens"

# ---- key ----

port=$(sed -n 's/^listen = .*:\([0-9]*\)$/\1/p' "$work/dingstede/meentd.conf")
new_org other "Andere regio" vmbo
org_stop other
sed -i "s/^listen = .*/listen = 127.0.0.1:$port/" "$work/other/meentd.conf"
org_start other
m other region create Elders >/dev/null || give_up "another region"
fails_at key psk "another region answers there"
kill -STOP "${daemon[other]}"
fails_at key timeout "something answers there that says nothing"
kill -CONT "${daemon[other]}"
org_stop other

# ---- certificate ----

org_stop metaal
sed -i "s/^listen = .*/listen = 127.0.0.1:$port/" "$work/metaal/meentd.conf"
org_start metaal
fails_at certificate certificate "another member answers there"
org_stop metaal
sed -i "s/^listen = .*/listen = 127.0.0.1:0/" "$work/metaal/meentd.conf"

# ---- membership ----

new_org late "Te Laat" company
code=$(j esch .code invite create telaat)
j late .number join "$code" --wait 15 >/dev/null || give_up "Te Laat asks to join"
run esch --json peer ping "Te Laat"
is "who asks to join is no member yet: ping fails" "$status" 1
json "and says that it is the membership" "$out" \
    '.steps == [{"step":"membership","ok":false,"text":.steps[0].text,"code":"member"}]'
run esch peer ping Niemand
is "who is nobody is not found" "$status" 3

# ---- address ----

org_start dingstede
check "Dingstede is back" all_agree 20 esch dingstede
sed -i '/^announce/d; s/^listen = .*/&\nannounce = nergens.invalid:7473/' "$work/dingstede/meentd.conf"
org_stop dingstede
org_start dingstede
moved() { j esch '.[] | select(.name == "Dingstede") | .address' peer list | grep -q nergens; }
check "the name it announces reaches the others" until_ok 20 moved
org_stop dingstede
check "Dingstede is away again" until_ok 10 away
fails_at address not-found "a name without an address"

# ---- connect, in time ----

# One end of a cable whose other end nobody holds.
cable() {
    [ "$E2E_OWN_NET" = 1 ] && ip link add nowhere type veth peer name end 2>/dev/null &&
        ip address add 10.99.0.1/24 dev nowhere && ip link set nowhere up && ip link set end up &&
        ip neighbour add 10.99.0.2 lladdr 02:00:00:00:00:99 dev nowhere
}
if cable; then
    sed -i 's/^announce = .*/announce = 10.99.0.2:7473/' "$work/dingstede/meentd.conf"
    org_start dingstede
    there() { j esch '.[] | select(.name == "Dingstede") | .address' peer list | grep -q 10.99; }
    check "an address that swallows everything reaches the others" until_ok 20 there
    org_stop dingstede
    check "Dingstede is away once more" until_ok 10 away
    fails_at connect no-answer "nothing comes back"
else
    echo "ok - $me: nothing comes back # skip needs a network of its own"
fi

finish
