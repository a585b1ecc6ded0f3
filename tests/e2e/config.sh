#!/usr/bin/env bash
# The daemon itself: configuration, socket, roles, one daemon per state directory, its end.
# shellcheck source=tests/lib/e2e.sh
. "$(dirname "$0")/../lib/e2e.sh"

check_config() { "$meentd" --config "$1" --check-config >"$work/out" 2>&1; }

# ---- configuration ----

check "the example is valid" check_config "$root/conf/meentd.conf.example"
is "none of its keys is unknown once uncommented" \
    "$(sed 's/^;\([a-z_]* = \)/\1/' "$root/conf/meentd.conf.example" >"$work/all.conf"
       check_config "$work/all.conf" && echo valid || cat "$work/out")" valid

# bad TEXT PART LINE...: a file with these lines is refused, and the message has PART in it.
bad() {
    local text=$1 part=$2
    shift 2
    printf '%s\n' "$@" >"$work/bad.conf"
    check_config "$work/bad.conf"
    is "$text: exit 1" "$?" 1
    has "$text: says where and what" "$(<"$work/out")" "$part"
}
bad "an unknown key" "bad.conf:2: " '[node]' 'lisen = 127.0.0.1:0'
bad "a typo" "listen" '[node]' 'lisen = 127.0.0.1:0'
bad "an unknown section" "unknown section" '[nodes]' 'listen = 127.0.0.1:0'
bad "no address" "bad.conf:2: " '[node]' 'listen = nowhere'
bad "a port that is too large" "bad.conf:2: " '[node]' 'listen = 127.0.0.1:65536'
bad "a wildcard as announce" "bad.conf:2: " '[node]' 'announce = [::]:7473'
bad "a key twice" "bad.conf:3: " '[node]' 'listen = 127.0.0.1:0' 'listen = 127.0.0.1:1'
bad "no section" "bad.conf:1: " 'listen = 127.0.0.1:0'
bad "a line that is nothing" "bad.conf:2: " '[node]' 'listen'
check_config "$work/nowhere.conf"
is "a missing file: exit 1" "$?" 1
"$meentd" --config "$work/bad.conf" </dev/null >"$work/out" 2>&1
is "the daemon does not start with a bad file" "$?" 1
"$meentd" --nonsense >"$work/out" 2>&1
is "an unknown option: exit 2" "$?" 2
"$meentd" --check-config --check-start >"$work/out" 2>&1
is "two checks at once: exit 2" "$?" 2

# ---- socket, state, signals ----

org_make esch '[access]' "write = nobody"
org_start esch
org_pin esch
is "the socket is of owner and group alone" "$(stat -c %a "$work/esch/ctl.sock")" 660
is "the state directory is ours alone" "$(stat -c %a "$work/esch/state")" 700
is "no file in it is for others" "$(find "$work/esch/state" -type f -perm /077 | head -3)" ""
m esch init 'Stad & Esch' --kind vmbo >/dev/null || give_up init
found esch Meppel

"$meentd" --config "$work/esch/meentd.conf" </dev/null >"$work/second.log" 2>&1 &
second=$!
others+=("$second")
if until_ok 10 gone "$second"; then
    wait "$second"
    is "a second daemon on the same state ends" "$?" 1
else
    not_ok "a second daemon on the same state ends"
fi
has "and says why" "$(<"$work/second.log")" "another meentd"
check "the first still answers" m esch status

sed -e 's/^state_dir.*/state_dir = other/' -e 's/^listen.*/listen = 127.0.0.1:0/' "$work/esch/meentd.conf" >"$work/esch/other.conf"
timeout 10 "$meentd" --config "$work/esch/other.conf" </dev/null >"$work/second.log" 2>&1
is "a second daemon on the same socket ends" "$?" 1
"$meentd" --config "$work/esch/other.conf" --check-start >"$work/out" 2>&1
is "a check foretells it" "$?" 1
has "and says why" "$(<"$work/out")" "step=socket"
check "the first still answers" m esch status

# ---- roles ----

if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null && id nobody >/dev/null 2>&1; then
    # The socket's own mode would keep nobody out before the roles are asked.
    chmod 711 "$work" "$work/esch"
    chmod 666 "$work/esch/ctl.sock"
    nobody="setpriv --reuid=$(id -u nobody) --regid=$(id -g nobody) --clear-groups"
    as_nobody() {
        (cd / && exec $nobody env HOME=/ GCOV_PREFIX="$work/profile" \
            "${exe:-$meent}" --socket "$work/esch/ctl.sock" "$@") \
            >"$work/out" 2>"$work/err" </dev/null
        status=$?
        out=$(<"$work/out") err=$(<"$work/err")
    }
    # The programs may stand where others cannot read, nor leave what a coverage build counts.
    mkdir -m 777 "$work/profile"
    mkdir -p "$work/bin" && cp "$meent" "$work/bin/meent" && chmod 755 "$work/bin" "$work/bin/meent"
    exe=$work/bin/meent
    as_nobody activity list
    is "anyone on the socket may read" "$status" 0
    as_nobody --json activity add --direction offer --type gastles --title T --host 'Stad & Esch'
    is "who is named under write may write" "$status" 0
    for words in "invite create x" "region create x" "member approve x --number 123456123456" \
        "init X --kind vmbo" "invite revoke x"; do
        # shellcheck disable=SC2086 # words
        as_nobody --json $words
        is "only admin: $words" "$status" 4
        json "only admin: $words: the error says denied" "$err" '.error.code == "denied"'
    done
    as_nobody --json placement list
    is "placements are personal" "$status" 4
    as_nobody --json status
    is "status is for all" "$status" 0
    has "a refusal is logged" "$(<"$work/esch/meentd.log")" denied
    chmod 660 "$work/esch/ctl.sock"
    as_nobody status
    is "who cannot open the socket: exit 4" "$status" 4

    org_stop esch
    sed -i 's/^write = .*/write = root/' "$work/esch/meentd.conf"
    org_start esch
    chmod 666 "$work/esch/ctl.sock"
    as_nobody --json activity add --direction offer --type gastles --title T --host 'Stad & Esch'
    is "who is not named may not write" "$status" 4
    json "nor import" "$(as_nobody --json activity import - ; echo "$status")" '. == 1 or . == 4'
else
    ok "roles of other accounts # skip needs root"
fi

# ---- its end ----

digest=$(digest esch)
org_stop esch
is "SIGTERM ends it with 0" "$status" 0
is "the socket is gone" "$([ -e "$work/esch/ctl.sock" ] && echo there)" ""
org_start esch
is "its records are there again" "$(digest esch)" "$digest"
org_end esch INT
is "SIGINT ends it with 0" "$status" 0
org_start esch
org_kill esch
org_start esch
is "after SIGKILL it starts over the old socket" "$(digest esch)" "$digest"
org_stop esch
mv "$work/esch/state/store.key" "$work/store.key"
timeout 10 "$meentd" --config "$work/esch/meentd.conf" </dev/null >"$work/out" 2>&1
is "without its store key it does not start" "$?" 3
has "and says that the key is missing" "$(<"$work/out")" "key"
head -c 32 /dev/urandom >"$work/esch/state/store.key"
chmod 600 "$work/esch/state/store.key"
timeout 10 "$meentd" --config "$work/esch/meentd.conf" </dev/null >"$work/out" 2>&1
is "with another key neither" "$?" 3
cp "$work/store.key" "$work/esch/state/store.key"
chmod 644 "$work/esch/state/store.key"
timeout 10 "$meentd" --config "$work/esch/meentd.conf" </dev/null >"$work/out" 2>&1
is "nor with one that others can read" "$?" 1
chmod 600 "$work/esch/state/store.key"
truncate -s 31 "$work/esch/state/store.key"
timeout 10 "$meentd" --config "$work/esch/meentd.conf" </dev/null >"$work/out" 2>&1
is "nor, ever, with a damaged one" "$?" 3
cp "$work/store.key" "$work/esch/state/store.key"
rm "$work/esch/state/lock"
"$meentd" --config "$work/esch/meentd.conf" --check-start >"$work/out" 2>&1
is "nothing keeps it from starting with its own" "$?" 0
is "looking made no lock" "$([ -e "$work/esch/state/lock" ] && echo there)" ""
org_start esch
is "with its own key all is there" "$(digest esch)" "$digest"

finish
