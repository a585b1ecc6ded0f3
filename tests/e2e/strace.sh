#!/usr/bin/env bash
# Faults put into the daemon from outside, by strace: a sample beside faults.sh, with calls that cannot
# be struck from within (the loader's, the start of threads). Whatever happens, what was confirmed is
# there after a clean restart, both members agree and the store verifies; the daemon ends by no other
# signal than the kill; and a fault in its files is named in the log and, where it lives on, in status.
#
# STORIES=n tells about n stories (5), STORIES=all every one; FAULTS_KIND=NAME only those of that kind,
# FAULTS_CALL=NAME only those of that system call.
# shellcheck source=tests/lib/e2e.sh
. "$(dirname "$0")/../lib/e2e.sh"
# shellcheck source=tests/lib/faults.sh
. "$(dirname "$0")/../lib/faults.sh"

if ! strace -D -f -q -e trace=close -e inject=close:signal=SIGKILL:when=9999 \
    -o /dev/null true 2>"$work/err"; then
    echo "ok - $me: faults # skip strace cannot trace here: $(head -1 "$work/err")"
    exit 0
fi

io='read|pread64|write|pwrite64|writev|pwritev|fdatasync|fsync|msync|ftruncate'
opens='openat|mmap|newfstatat|rename|unlink|mkdir|socket|bind|listen|accept4|connect|pipe2|eventfd2|epoll_create1'
state=$work/esch/state
own=("$state" "$state"/{lock,installation,installation.new,store.key,store,store/data.mdb,store/lock.mdb})

# What is not a system call of ours: the loader's, before the configuration is opened.
loader_calls() {
    awk '/meentd\.conf/ { exit } { sub(/\(.*/, "", $2); n[$2]++ } END { for (k in n) print k, n[k] }' "$1"
}

# calls: "name n" for each nth call of a thread in the story that $work/counted holds.
calls() {
    awk '$2 ~ /^[a-z0-9_]+\(/ { sub(/\(.*/, "", $2); n[$1, $2]++; if (n[$1, $2] > most[$2]) most[$2] = n[$1, $2] }
        END { for (name in most) for (i = 1; i <= most[name]; i++) print name, i }' "$1" | sort -k1,1 -k2,2n
}

# list_stories: "kind name n error" of every story there is. kill: killed at that call. call: it fails.
# disk: it fails, counted among those on our own files. lasting: from then on all fail, of the calls
# that read and write only those on our own files. short: it says that one byte was written.
list_stories() {
    calls "$work/counted" >"$work/calls"
    grep -F -e "<$state" -e '<unfinished' "$work/counted" | grep -F "<$state" >"$work/counted.own"
    calls "$work/counted.own" >"$work/calls.own"
    loader_calls "$work/counted" >"$work/loader"
    awk '$1 !~ /^(execve|exit_group|exit|restart_syscall|rt_sigreturn)$/ { print "kill", $0, "-" }' "$work/calls"
    # Without its first pipe libuv aborts; that there is room for it is checked before, and below.
    sed -i '/^pipe2 1$/d' "$work/calls"
    awk -v names="^($io|$opens)\$" -v opens="^($opens)\$" 'NR == FNR { loader[$1] = $2; next }
        $1 ~ names && $2 > loader[$1] {
            split("EIO ENOSPC EMFILE ENOMEM", errors, " ")
            for (i = 1; i <= 4; i++) print "call", $0, errors[i]
            # libuv accepts again at once, for ever, when closing its spare descriptor does not help.
            if ($1 ~ opens && $1 != "accept4") for (i = 1; i <= 4; i++) print "lasting", $0, errors[i]
        }' "$work/loader" "$work/calls"
    awk -v io="^($io)\$" '$1 ~ io {
            split("EIO ENOSPC EMFILE ENOMEM", errors, " ")
            for (i = 1; i <= 4; i++) print "disk", $0, errors[i]
            for (i = 1; i <= 2; i++) print "lasting", $0, errors[i]
            if ($1 ~ /^(write|writev|pwrite64|pwritev)$/) print "short", $0, "-"
        }' "$work/calls.own"
}

# A share of each kind, beginning with the calls that make things durable.
sample() {
    local kind n
    [ -z "${FAULTS_KIND:-}" ] || sed -i "/^$FAULTS_KIND /!d" "$work/stories"
    [ -z "${FAULTS_CALL:-}" ] || sed -i "/^[a-z]* $FAULTS_CALL /!d" "$work/stories"
    if [ "${STORIES:-5}" = all ]; then
        cat "$work/stories"
        return
    fi
    for kind in kill call disk lasting short; do
        n=$(grep -c "^$kind " "$work/stories")
        awk -v kind="$kind" -v step=$((n / (${STORIES:-5} / 5) + 1)) \
            '$1 == kind && n++ % step == int(step / 2)' "$work/stories"
    done
}

tell() {
    local kind=$1 name=$2 n=$3 error=$4 only=() inject path
    case $kind in
    kill) inject=signal=SIGKILL:when=$n ;;
    call | disk) inject=error=$error:when=$n ;;
    lasting) inject=error=$error:when=$n+ ;;
    short) inject=retval=1:when=$n ;;
    esac
    if [[ $kind == disk || $kind == short ]] || [[ $kind == lasting && $name =~ ^($io)$ ]]; then
        for path in "${own[@]}"; do only+=(-P "$path"); done
    fi
    faults_story "${only[@]}" -e "trace=$name" -e "inject=$name:$inject" 2>/dev/null
}

# What the calls that failed were about, as strace names it.
struck() {
    awk '/<unfinished/ { open[$1] = $0 }
        /INJECTED/ { print ($2 == "<..." ? open[$1] : $0) }' "$work/strace"
}

# judge KIND: sets why when the daemon did not take the fault as it should.
judge() {
    local at said
    why=
    at=$(struck | head -n 50)
    said=$(grep -avE ' (ready|link_up|link_down|stopping|store_key_made|stopped err=ok|strace:)' "$work/esch/meentd.log")
    case $ended in
    0 | 1 | 2 | 127) ;;
    137) [ "$1" = kill ] || why="it did not end" ;;
    134) why="it aborted" ;;
    *) why="it ended with $ended" ;;
    esac
    # libuv counts on its own wake-up descriptors, which never fail on a real system.
    if [ -n "$why" ] && grep -qE 'anon_inode|pipe:' <<<"$at"; then
        impossible=$((impossible + 1)) why=
    fi
    [ "$1" != kill ] || return
    if [ "$ended" = 1 ] && [ -z "$said" ] && ! grep -q 'meentd\.log' <<<"$at"; then
        why+=" it ended without a word"
    fi
    case $at in *"$work/esch/state/store"*) ;; *) return ;; esac
    [ "$refused" = 0 ] || grep -qaE ' (error|warning) ' <<<"$said" || why+=" refused without a line in the log"
    if [ "$1" = lasting ] && [ "$refused" -gt 0 ] && [ -n "$health" ]; then
        jq -e 'any(.[]; .code == "read-only" or .code == "disk-full")' <<<"$health" >/dev/null ||
            why+=" status does not show it"
    fi
}

faults_prepare
faults_story -e trace=all
[ "$ended$refused" = 00 ] || give_up "the story without a fault" "$(cat "$work/esch/meentd.log")"
cp "$work/strace" "$work/counted"
faults_sound || give_up "the story without a fault is sound" "$why"
list_stories >"$work/stories"
sample | sort -u >"$work/sample"

# shellcheck disable=SC2317 # called by check
# With few descriptors it works, or says that it has too few.
few() {
    (
        ulimit -n "$1"
        exec "$meentd" --config "$work/esch/meentd.conf" </dev/null
    ) >"$work/esch/meentd.log" 2>&1 &
    daemon[esch]=$!
    until_ok 15 answers_or_gone
    ! lives || kill -TERM "${daemon[esch]}"
    { wait "${daemon[esch]}"; } 2>/dev/null
    ended=$?
    unset "daemon[esch]"
    [ "$ended" = 0 ] || { [ "$ended" = 1 ] && grep -q 'start_failed' "$work/esch/meentd.log"; }
}
for n in 5 6 12 18 24; do check "$n descriptors: it works or says why not" few "$n" 2>/dev/null; done

declare -A told=() bad=()
impossible=0 reached=0 lived=0 since=$SECONDS
while read -r kind name n error <&3; do
    tell "$kind" "$name" "$n" "$error"
    judge "$kind"
    told[$kind]=$((${told[$kind]:-0} + 1))
    [ "$ended" != 0 ] || lived=$((lived + 1))
    ! grep -qaE 'INJECTED|SIGKILL' "$work/strace" || reached=$((reached + 1))
    early=$why log=$(grep -a . "$work/esch/meentd.log" | tail -n 8)
    faults_sound 2>/dev/null || early+=" $why"
    [ -n "$early" ] || continue
    bad[$kind]=$((${bad[$kind]:-0} + 1))
    not_ok "$kind $name $n $error" "$early"$'\n'"$(struck | tail -n 2)"$'\n'"health $health"$'\n'"$log"
done 3<"$work/sample"

for kind in kill call disk lasting short; do
    [ "${told[$kind]:-0}" = 0 ] || [ "${bad[$kind]:-0}" != 0 ] ||
        ok "$kind: ${told[$kind]} stories, nothing confirmed is lost, the store is sound"
done
is "most faults were met" "$([ $((reached * 2)) -gt "$(wc -l <"$work/sample")" ] && echo yes || echo "$reached")" yes
echo "# $(wc -l <"$work/sample") of $(wc -l <"$work/stories") stories in $((SECONDS - since)) s: $reached faults met," \
    "$lived times the daemon lived on, $impossible ends by libuv over a descriptor of its own"

finish
