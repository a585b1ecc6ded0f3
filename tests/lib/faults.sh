# shellcheck shell=bash
# shellcheck disable=SC2034 # what the test uses
# shellcheck disable=SC2154 # what e2e.sh sets
# Faults in the system calls of a real meentd, put in by strace. Sourced after e2e.sh.
#
# The story is always the same, so that the nth call of a run is the nth of the next: a daemon with
# a store starts, brings over what its peer wrote meanwhile and the other way round, takes a write
# and an import, and ends on SIGTERM. Before each story both stores are put back to where they were.

# Two members that each hold what the other lacks, stopped: kept in $work/kept.
faults_prepare() {
    local i
    new_org esch "Stad & Esch" vmbo
    found esch Meppel
    new_org dingstede Dingstede vmbo
    admit esch dingstede
    all_agree 15 esch dingstede || give_up "both agree"
    org_stop dingstede
    : >"$work/before"
    for i in 1 2 3; do faults_add esch "Vooraf $i" >>"$work/before" || give_up "esch writes"; done
    org_stop esch
    org_start dingstede
    for i in 1 2 3; do faults_add dingstede "Vooraf $i" >/dev/null || give_up "dingstede writes"; done
    org_stop dingstede
    {
        echo 'titel;soort;vraag/aanbod;organisatie;toelichting'
        for i in {1..40}; do echo "Invoer $i;workshop;vraag;Stad & Esch;regel $i"; done
    } >"$work/import.csv"
    mkdir "$work/kept"
    mv "$work/esch" "$work/dingstede" "$work/kept"
}

# faults_add ORG TITLE: prints the id once the daemon has confirmed it.
faults_add() {
    timeout 5 "$meent" --socket "$work/$1/ctl.sock" --json activity add --direction offer \
        --type gastles --host Dingstede --title "$2" 2>"$work/add.err" | jq -r .id
    [ "${PIPESTATUS[0]}" = 0 ]
}

lives() { [ -n "${daemon[esch]:-}" ] && ! gone "${daemon[esch]}"; }
answers_or_gone() { ! lives || timeout 5 "$meent" --socket "$work/esch/ctl.sock" status --json; }
agree_or_gone() { ! lives || agree esch dingstede; }

# A copied store is another installation; this one is told that it is the original: its file names its
# own inode.
same_installation() {
    local file=$work/$1/state/installation lines
    lines=$(head -n 2 "$file")
    printf '%s\ninode %s\n' "$lines" "$(stat -c %i "$file")" >"$file"
}


# faults_story [strace argument...]: tells it, with esch under strace. Sets ended to the exit code of
# esch and leaves $work/ids (what was confirmed), $work/imported, $work/strace and health (what
# status says after the writes).
faults_story() {
    rm -rf "$work/esch" "$work/dingstede" "$work/strace"
    cp -a "$work/kept/esch" "$work/kept/dingstede" "$work"
    same_installation esch
    same_installation dingstede
    : >"$work/esch/meentd.log"
    cp "$work/before" "$work/ids"
    : >"$work/imported"
    health='' refused=0 ended=''
    "$meentd" --config "$work/dingstede/meentd.conf" </dev/null >>"$work/dingstede/meentd.log" 2>&1 &
    daemon[dingstede]=$!
    # -D: the daemon is our child, and its exit code is what we get. With one worker the calls of a
    # commit are counted in one thread.
    UV_THREADPOOL_SIZE=1 strace -D -f -q -y -o "$work/strace" "$@" \
        "$meentd" --config "$work/esch/meentd.conf" </dev/null >>"$work/esch/meentd.log" 2>&1 &
    daemon[esch]=$!
    until_ok 10 answers_or_gone
    faults_write
    if lives; then
        until_ok "${faults_patience:-3}" agree_or_gone
        kill -TERM "${daemon[esch]}" 2>/dev/null
        until_ok 15 gone "${daemon[esch]}" || kill -KILL "${daemon[esch]}"
    fi
    # shellcheck disable=SC2034 # read by the script that sources this
    { wait "${daemon[esch]}"; } 2>/dev/null
    ended=$?
    unset "daemon[esch]"
}

faults_write() {
    lives || return
    faults_add esch Les >>"$work/ids" || refused=$((refused + 1))
    lives || return
    timeout 5 "$meent" --socket "$work/esch/ctl.sock" --json activity import "$work/import.csv" \
        >"$work/imported" 2>"$work/import.err" || refused=$((refused + 1))
    lives || return
    health=$(timeout 5 "$meent" --socket "$work/esch/ctl.sock" --json status 2>/dev/null | jq -c .health)
}

# faults_sound: after a clean restart all is there. Sets why when it is not.
faults_sound() {
    local n
    why=
    "$meentd" --config "$work/esch/meentd.conf" </dev/null >>"$work/esch/meentd.log" 2>&1 &
    daemon[esch]=$!
    until_ok 15 answers_or_gone
    if ! lives; then
        why="it does not start again: $(tail -n 3 "$work/esch/meentd.log")"
        faults_end
        return 1
    fi
    all_agree 15 esch dingstede || why+="no agreement: $(digests). "
    m esch --json activity list >"$work/list.json" || why+="no list. "
    jq -r '.[].id' "$work/list.json" | sort >"$work/listed"
    n=$(sort "$work/ids" | comm -23 - "$work/listed")
    [ -z "$n" ] || why+="confirmed and lost: $n. "
    if [ -s "$work/imported" ]; then
        n=$(jq '[.[] | select(.type == "workshop")] | length' "$work/list.json")
        [ "$n" = 40 ] || why+="$n of 40 imported. "
    fi
    m esch --json verify | jq -e .equal >/dev/null || why+="verify finds a difference. "
    n=$(j esch .chains.region status)
    [ "$n" = 2 ] || why+="a chain was given up: $n. "
    faults_end
    [ -z "$why" ]
}

faults_end() {
    local org
    for org in "${!daemon[@]}"; do
        { kill -KILL "${daemon[$org]}" && wait "${daemon[$org]}"; } 2>/dev/null
        unset "daemon[$org]"
    done
}
