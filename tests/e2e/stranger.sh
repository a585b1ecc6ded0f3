#!/usr/bin/env bash
# Strangers at the door: noise, silence, wrong and used codes. The daemon counts them and works on.
# shellcheck source=tests/lib/e2e.sh
. "$(dirname "$0")/../lib/e2e.sh"

new_org esch "Stad & Esch" vmbo
found esch Meppel
m esch activity import "$data/activiteiten-meppel-2026-2027.csv" >/dev/null || give_up import
before=$(digest esch)
listen=$(j esch .listen status)
host=${listen%:*} port=${listen##*:}
refused() { j esch ".links.refused.$1" status; }

# ---- bytes ----

# call FILE: sends it and counts what comes back until the other side closes, in "answer".
call() {
    answer=$(
        exec 3<>"/dev/tcp/$host/$port" || exit 1
        cat "$1" >&3 2>/dev/null
        timeout 8 cat <&3 2>/dev/null | wc -c
        [ "${PIPESTATUS[0]}" != 124 ] || echo open
    )
}

frame() { # SIZE DECLARED: random bytes behind a length
    printf "\\x$(printf %02x $(($2 / 256)))\\x$(printf %02x $(($2 % 256)))"
    head -c "$1" /dev/urandom
}

# A first frame is 64 bytes: a hint of 16, a key of 32, a tag of 16.
psk=$(refused psk)
for i in 1 2 3 4 5; do
    frame 64 64 >"$work/bytes"
    call "$work/bytes"
    is "a first frame without the key gets no byte ($i)" "$answer" 0
done
is "they are counted" "$(refused psk)" $((psk + 5))

shape() { # TEXT: what is in $work/bytes gets no byte
    call "$work/bytes"
    is "$1 gets no byte" "$answer" 0
}
head -c 100000 /dev/urandom >"$work/bytes" && shape "noise"
printf 'GET / HTTP/1.1\r\nHost: x\r\n\r\n' >"$work/bytes" && shape "a browser"
frame 64 65535 >"$work/bytes" && shape "a length that is too large"
frame 0 0 >"$work/bytes" && shape "an empty frame"
frame 63 63 >"$work/bytes" && shape "a frame that is one byte short"
head -c 300000 /dev/zero >"$work/bytes" && shape "zeros"

# More than one source may have half open, and silent: they must not keep members out.
exec {crowd}< <(:)
fds=()
for i in {1..40}; do
    if exec {fd}<>"/dev/tcp/$host/$port"; then fds+=("$fd"); fi 2>/dev/null
done
check "with forty silent callers the daemon answers" m esch status
timed_out() { [ "$(refused timeout)" -ge 1 ]; }
check "silent callers are timed out and counted" until_ok 12 timed_out
for fd in "${fds[@]}"; do exec {fd}>&-; done
exec {crowd}<&-

is "nothing of all this changed anything" "$(digest esch)" "$before"

# ---- codes ----

new_org dingstede Dingstede vmbo
code=$(j esch .code invite create dingstede)
last=${code: -1}
[ "$last" = Q ] && other=P || other=Q
run dingstede --json join "${code%?}$other"
is "a code with a typing mistake is not accepted: exit 1" "$status" 1
json "the error says so" "$err" '.error.code == "invalid"'
run dingstede --json join MEENT1QQQQ
is "nor is half a code" "$status" 1

run esch --json invite create dingstede
is "a name is invited once: exit 7" "$status" 7
m esch invite create revoked >/dev/null
code_revoked=$(j esch .code invite create revoked2)
m esch invite revoke revoked2 >/dev/null || not_ok "an invitation is revoked"
json "it is listed as revoked" "$(m esch --json invite list)" 'any(.[]; .name == "revoked2" and .state == "revoked")'
psk=$(refused psk)
json "a revoked code leads nowhere" "$(m dingstede --json join "$code_revoked" --wait 2)" '.number == null'
is "and is counted" "$([ "$(refused psk)" -gt "$psk" ] && echo yes)" yes
json "the applicant learns why" "$(m dingstede --json status)" '.state == "joining" and .join.error == "psk"'
run esch --json member approve revoked2 --number "123456 123456"
is "a revoked invitation cannot be approved" "$([ "$status" != 0 ] && echo refused)" refused

# ---- number ----

run esch --json member approve dingstede --number "123456 123456"
is "before anyone applied nothing can be approved" "$([ "$status" != 0 ] && echo refused)" refused
number=$(j dingstede .number join "$code" --wait 10)
is "the right code gives a number" "$([[ $number =~ ^[0-9]{6}\ [0-9]{6}$ ]] && echo yes)" yes
first=${number:0:1}
wrong=$(((first + 1) % 10))${number:1}
run esch --json member approve dingstede --number "$wrong"
is "a wrong number is refused: exit 1" "$status" 1
json "and nobody came in" "$(m esch --json member list)" 'length == 1'
json "the applicant holds nothing of the region" "$(m dingstede --json status)" \
    '.members == [] and .chains.region == 0 and .records.activity == 0 and .digest == null'

# ---- one code, two applicants ----

new_org thief "Wie anders" company
m thief --json join "$code" --wait 3 >"$work/out" 2>"$work/err"
json "the code is bound to the first who used it" "$(m thief --json status)" \
    '.join.number == null and (.join.state == "refused" or .join.error != null)'
json "the second is no member" "$(m esch --json member list)" 'length == 1'
run esch member approve dingstede --number "$number"
is "the first is approved with the number" "$status" 0
check "and becomes a member" until_ok 10 is_member dingstede
check "with all records" all_agree 10 esch dingstede
json "the second still is none" "$(m thief --json status)" '.members == [] and .records.activity == 0'
m thief --json join "$code" --wait 2 >"$work/out" 2>"$work/err"
json "a used code is of no use" "$(m esch --json member list)" 'length == 2'
run esch --json member approve dingstede --number "$number"
is "nor can it be approved twice: exit 7" "$status" 7

is "nothing of the region stands with the second" \
    "$(m thief --json activity list 2>/dev/null | jq -c '. // []')" ""
check "the daemon verifies its store" m esch verify

finish
