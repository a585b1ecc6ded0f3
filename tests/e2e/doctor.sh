#!/usr/bin/env bash
# doctor: each way in which things can be wrong is brought about, and is named with what it means and
# something to try, in English and in Dutch.
# Mounts are ours alone and go with the last of our processes.
if [ -z "${E2E_OWN_MOUNTS:-}" ]; then
    export E2E_OWN_MOUNTS=0
    if unshare --mount --propagation private true 2>/dev/null; then
        E2E_OWN_MOUNTS=1 exec unshare --mount --propagation private "$0"
    fi
fi
# shellcheck source=tests/lib/e2e.sh
. "$(dirname "$0")/../lib/e2e.sh"

disk=$work/disk
clean_up() { umount "$disk" "$disk" 2>/dev/null; }

# examine ORG [ARGUMENT...]: doctor in both languages, in english and dutch; its exit code in status.
examine() {
    local org=$1
    shift
    m "$org" --json doctor "$@" >"$work/english"
    status=$?
    m "$org" --json --lang nl doctor "$@" >"$work/dutch"
    english=$(<"$work/english") dutch=$(<"$work/dutch")
}

# sick TEXT CODE: examine found it: what it means, something to try, both translated.
sick() {
    local text=$1 code=$2
    is "$text: doctor fails" "$status" 1
    json "$text: it says so in JSON" "$english" '.ok == false'
    json "$text: named $code, explained, with something to try" "$english" \
        'any(.checks[]; .code == $c and (.ok | not) and (.why // "") != "" and (.hint // "") != "")' --arg c "$code"
    is "$text: in Dutch it reads differently" "$(jq -nr --arg c "$code" --slurpfile e "$work/english" \
        --slurpfile d "$work/dutch" 'def of(v): [v[0].checks[] | select(.code == $c) | .text, .why][0:2];
        [of($e), of($d)] | transpose | all(.[0] != .[1])')" true
}

# well TEXT [CODE...]: nothing is wrong, at least not these.
well() {
    local text=$1 code
    shift
    for code; do
        json "$text: nothing about $code" "$english" 'all(.checks[]; .code != $c or .ok)' --arg c "$code"
    done
    [ $# != 0 ] || is "$text" "$status" 0
}

# told TEXT CODE: worth knowing, nothing wrong.
told() {
    json "$1" "$english" 'any(.checks[]; .code == $c and .ok and (.why // "") != "")' --arg c "$2"
}

# ---- it was never started ----

org_make esch
examine esch
sick "no socket" socket
json "nothing keeps it from starting" "$english" 'any(.checks[]; .code == "start" and .ok and .hint != null)'
[ ! -e "$work/esch/state" ] || not_ok "looking made something"

# ---- running, and nothing wrong ----

new_org esch "Stad & Esch" vmbo
found esch Meppel
m esch activity import "$data/activiteiten-meppel-2026-2027.csv" >/dev/null || give_up import
examine esch
well "a daemon that is well"
json "it counts what it can run out of" "$english" \
    '[.checks[].code] | contains(["disk", "files", "memory-free", "store", "rights"])'

# ---- a daemon that hangs, or died ----

kill -STOP "${daemon[esch]}"
examine esch
sick "it hangs" daemon
kill -CONT "${daemon[esch]}"
org_kill esch
examine esch
sick "it died" daemon
json "and could start again" "$english" 'any(.checks[]; .code == "start" and .ok)'

# ---- it does not start ----

cp "$work/esch/meentd.conf" "$work/conf"
sed -i 's/^listen/lisen/' "$work/esch/meentd.conf"
examine esch
sick "a mistake in the configuration" config
has "it names the line and the word" "$english" "meentd.conf:4: unknown key 'lisen' (did you mean 'listen'?)"
has "in Dutch too" "$dutch" "meentd.conf:4: onbekende sleutel 'lisen' (bedoelt u 'listen'?)"
sed 's/127.0.0.1:[0-9]*/nergens/' "$work/conf" >"$work/esch/meentd.conf"
examine esch
sick "an address that is none" config
rm "$work/esch/meentd.conf"
examine esch --config "$work/esch/meentd.conf"
sick "no configuration where it should be" config
sed 's/127.0.0.1:[0-9]*/192.0.2.1:7473/' "$work/conf" >"$work/esch/meentd.conf"
examine esch
sick "an address of another machine" port
cp "$work/conf" "$work/esch/meentd.conf"

key=$work/esch/state/store.key
chmod 644 "$key"
examine esch
sick "a key that others may read" key-permissions
chmod 600 "$key"
cp -p "$key" "$work/key"
truncate -s 31 "$key"
examine esch
sick "a key that is too short" key-damaged
rm "$key"
examine esch
sick "no key" key-missing
[ ! -e "$key" ] || not_ok "looking made a key"
cp -p "$work/key" "$key"

head -c 32 /dev/urandom >"$key"
examine esch
sick "another key" key-other
cp -p "$work/key" "$key"

state=$work/esch/state
mv "$state" "$work/away"
ln -s "$work/nowhere" "$state"
examine esch
sick "a folder that is a link to nothing" state-dir
rm "$state"
sed "s|^state_dir = .*|state_dir = $work/no/state|" "$work/conf" >"$work/esch/meentd.conf"
examine esch
sick "a folder in a folder that is missing" state-dir
cp "$work/conf" "$work/esch/meentd.conf"
mv "$work/away" "$state"
mv "$state/store" "$work/away"
: >"$state/store"
examine esch
sick "a file in the place of the data" data-place
rm "$state/store"
mv "$work/away" "$state/store"
cp "$work/conf" "$work/other.conf"
sed -i "s|^socket = .*|socket = $work/no/ctl.sock|" "$work/other.conf"
examine esch --config "$work/other.conf"
sick "no folder for the socket" socket-place
: >"$work/a file"
sed -i "s|^socket = .*|socket = $work/a file|" "$work/other.conf"
examine esch --config "$work/other.conf"
sick "another file in the place of the socket" socket-place
has "it says what is wrong there" "$english" "something that is no socket stands there"
examine esch
json "nothing keeps it from starting after all that" "$english" 'any(.checks[]; .code == "start" and .ok)'

# What the account of the daemon may not read, root would not notice.
if [ "$(id -u)" = 0 ]; then
    nobody=$(id -u nobody)
    chmod 711 "$work" "$work/esch"
    chown -R nobody "$work/esch/state"
    chmod 600 "$work/esch/meentd.conf"
    examine esch
    sick "a configuration that the daemon may not read" config
    has "it says why" "$dutch" "Toegang geweigerd"
    chmod 644 "$work/esch/meentd.conf"
    chown root "$key"
    examine esch
    sick "a key that the daemon may not read" key-permissions
    chown nobody "$key"
    for file in store/data.mdb store/lock.mdb installation; do
        chown root "$state/$file"
        examine esch
        sick "$file that the daemon may not read" data-permissions
        chown nobody "$state/$file"
    done
    chown root "$state"
    chmod 700 "$state"
    setpriv --reuid="$nobody" --regid=65534 --clear-groups "$meent" --socket "$work/esch/none.sock" \
        --json doctor >"$work/english"
    json "who may not look into the folder is told to be root" "$(<"$work/english")" \
        'any(.checks[]; .code == "state-dir" and (.why | contains("sudo meent doctor")))'
    chown -R root "$work/esch/state"
fi

org_start esch
mkdir "$work/twin"
sed -e "s|^state_dir = .*|state_dir = $work/esch/state|" -e 's/^listen = .*/listen = 127.0.0.1:0/' \
    "$work/conf" >"$work/twin/meentd.conf"
examine twin
sick "two processes with one identity" other-daemon
org_make caller
sed -i "s/^listen = .*/$(grep ^listen "$work/conf")/" "$work/caller/meentd.conf"
examine caller
sick "a port that is taken" port

if [ "$(id -u)" = 0 ]; then
    other() { setpriv --reuid="$nobody" --regid=65534 --clear-groups "$meent" --socket "$work/esch/ctl.sock" "$@"; }
    other --json doctor >"$work/english"
    status=$?
    other --json --lang nl doctor >"$work/dutch"
    english=$(<"$work/english")
    sick "a user who may not use the socket" socket
fi

# ---- stored data is damaged ----

org_stop esch
cp -a "$work/esch/state" "$work/sound"
size=$(stat -c %s "$work/esch/state/store/data.mdb")
dd if=/dev/urandom of="$work/esch/state/store/data.mdb" bs=4096 seek=2 count=$((size / 4096 - 2)) \
    conv=notrunc status=none
examine esch
sick "a store that is damaged throughout" damaged
rm -rf "$work/esch/state" && cp -a "$work/sound" "$work/esch/state"

# ---- it runs, and something runs out ----

# start_with OPTION N: the daemon under a limit of the shell.
start_with() {
    (
        ulimit "$1" "$2"
        exec "$meentd" --config "$work/esch/meentd.conf" </dev/null >>"$work/esch/meentd.log" 2>&1
    ) &
    daemon[esch]=$!
}

# Few files: sixty strangers at the door.
start_with -n 40
until_ok 15 m esch status --json || give_up "it starts with few files"
listen=$(j esch .listen status)
fds=()
for _ in {1..60}; do
    if exec {fd}<>"/dev/tcp/${listen%:*}/${listen##*:}"; then fds+=("$fd"); fi 2>/dev/null
    printf x >&"${fds[-1]}" # who says nothing is let in later
done
sleep 0.5
examine esch
sick "no file descriptors left" descriptors
for fd in "${fds[@]}"; do exec {fd}>&-; done
org_stop esch

# Little memory: what it needs to start and no more.
org_start esch
sleep 1 # what it does at its start is done
data_kb=$(awk '/^VmData/ { print $2 }' "/proc/${daemon[esch]}/status")
org_stop esch
answers() { m esch --json doctor | jq -e '.checks[] | select(.code == "socket").ok'; }
starved() { m esch --json status 2>&1 | jq -e '.error.code == "no-memory"'; }
for more in 256 512 1024 2048; do # kB beyond what it had: too little for an answer
    start_with -d $((data_kb + more))
    if until_ok 5 answers && until_ok 2 starved; then break; fi
    org_end esch TERM
done
examine esch
sick "memory runs out" memory
org_stop esch

org_start esch
new_org dingstede Dingstede vmbo
admit esch dingstede
add() { m esch --json activity add --direction offer --type gastles --host 'Stad & Esch' \
    --title "$1" --text "$(head -c 9000 /dev/zero | tr '\0' x)"; }

traced() { grep -q '^TracerPid:[[:space:]]*[1-9]' "/proc/${daemon[esch]}/status"; }

# The disk makes errors.
writes=pwrite64,pwritev,fdatasync,fsync,msync,writev
strace -q -f -p "${daemon[esch]}" -o "$work/strace" -e "trace=$writes" -e "inject=$writes:error=EIO" \
    2>"$work/err" &
tracer=$!
others+=("$tracer")
if until_ok 5 traced; then
    add "Schijffout" >/dev/null 2>&1
    examine esch
    sick "the disk makes errors" disk-error
    kill -INT "$tracer"
    wait "$tracer" 2>/dev/null
    check "it writes again" until_ok 10 add "Na de fout"
    examine esch
    well "after that" disk-error
else
    echo "ok - $me: faults of the system # skip may not trace: $(head -n 1 "$work/err")"
fi

# ---- others ----

code=$(j esch .code invite create metaal)
new_org metaal "Metaal & Constructie Meppel" company
j metaal .number join "$code" --wait 15 >"$work/number"
examine esch
told "who asks to join is told of" invite-filed
examine metaal
told "and told to wait" join-filed
m esch member approve metaal --number "$(<"$work/number")" >/dev/null || give_up "the approval of metaal"
check "metaal is a member" until_ok 15 is_member metaal
org_stop metaal
lonely() { m esch --json doctor | jq -e 'any(.checks[]; .code == "peer-unreachable")'; }
check "one that is away shows" until_ok 15 lonely
examine esch
sick "one is away" peer-unreachable
port=$(sed -n 's/^listen = .*:\([0-9]*\)$/\1/p' "$work/metaal/meentd.conf")
org_stop dingstede
sed -i "s/^listen = .*/listen = 127.0.0.1:$port/" "$work/dingstede/meentd.conf"
org_start dingstede
m esch peer ping Metaal >/dev/null
examine esch
sick "another member answers at its address" peer-certificate
org_stop dingstede
sed -i "s/^listen = .*/listen = 127.0.0.1:0/" "$work/dingstede/meentd.conf"
org_start dingstede
org_pin dingstede
at_home() { j esch '.[] | select(.name == "Dingstede" and .connected) | .address' peer list |
    grep -qx "$(j dingstede .listen status)"; }
check "dingstede has an address of its own again" until_ok 20 at_home
org_stop dingstede
new_org elders Elders vmbo
org_stop elders
sed -i "s/^listen = .*/listen = 127.0.0.1:$port/" "$work/elders/meentd.conf"
org_start elders
m elders region create Elders >/dev/null
m esch peer ping Metaal >/dev/null
examine esch
sick "another region answers at its address" peer-key
org_stop elders
for name in Metaal Dingstede; do m esch peer ping "$name" >/dev/null; done
examine esch
sick "all are away" offline

# ---- time ----

# A clock that can be set, for one process.
cat >"$work/clock.c" <<'C'
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
int clock_gettime(clockid_t id, struct timespec *t) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "clock_gettime");
    int rc = real(id, t);
    FILE *f = id == CLOCK_REALTIME ? fopen(getenv("CLOCK_AHEAD"), "r") : NULL;
    long ahead = 0;
    if (f && fscanf(f, "%ld", &ahead) == 1)
        t->tv_sec += ahead;
    if (f)
        fclose(f);
    return rc;
}
C
if cc -shared -fPIC -o "$work/clock.so" "$work/clock.c" -ldl 2>"$work/err"; then
    org_stop esch
    echo 0 >"$work/ahead"
    CLOCK_AHEAD=$work/ahead LD_PRELOAD=$work/clock.so "$meentd" --config "$work/esch/meentd.conf" \
        </dev/null >>"$work/esch/meentd.log" 2>&1 &
    daemon[esch]=$!
    until_ok 15 m esch status --json || give_up "it starts with a clock of its own"
    org_start metaal
    together() { j esch '.peers[] | select(.connected) | .name' status | grep -q Metaal; }
    check "metaal is back" until_ok 20 together
    org_stop metaal
    echo $((30 * 3600)) >"$work/ahead"
    examine esch
    sick "all are away for long" offline-long
    has "it says how long" "$english" "30 hours"
    echo 600 >"$work/ahead"
    org_start metaal
    check "metaal is back again" until_ok 20 together
    examine esch
    sick "a clock that differs" clock
else
    not_ok "a clock that can be set" "$(<"$work/err")"
fi

# ---- the disk is full, or can only be read ----

if [ "$E2E_OWN_MOUNTS" = 1 ] && mkdir "$disk" && mount -t tmpfs -o size=3m none "$disk" 2>"$work/err"; then
    org_stop esch
    cp -a "$work/esch/state" "$disk/state"
    sed -i "s|^state_dir = .*|state_dir = $disk/state|" "$work/esch/meentd.conf"
    org_start esch
    cat /dev/zero >"$disk/filler" 2>/dev/null
    full() { ! add "Vol" >/dev/null 2>&1; }
    check "the disk fills up" until_ok 30 full
    examine esch
    sick "the disk is full" disk-full
    sick "and has no room" disk
    rm "$disk/filler"
    check "it writes again once there is room" until_ok 10 add "Weer plaats"
    examine esch
    well "then" disk-full
    mount --bind "$disk" "$disk" && mount -o remount,bind,ro "$disk"
    examine esch
    sick "a disk that can only be read" disk-read-only
    umount "$disk"
    mount -t tmpfs -o size=1m none "$disk"
    examine esch
    sick "a disk that was taken away" disk-gone
    umount "$disk"
    org_stop esch
    mount -o remount,ro "$disk"
    examine esch
    sick "it does not start on one" state-dir
else
    echo "ok - $me: the disk is full # skip needs mounts of its own: $(head -n 1 "$work/err" 2>/dev/null)"
fi

finish
