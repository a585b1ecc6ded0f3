#!/usr/bin/env bash
# Proves the layering and the size rules.
#
#   tests/lint.sh --objects DIR   this tree; DIR holds the objects of a build (build/release)
#   tests/lint.sh ROOT            another tree, its proto/ compiled here; no static analysis
#
# Each finding is one line "file:line: what". Exit status 1 when there is any.
set -u
export LC_ALL=C.UTF-8

here=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
found=$work/findings
: >"$found"

if [ "${1:-}" = --objects ]; then
    root=$here objects=$(realpath "$2") full=yes
elif [ -n "${1:-}" ]; then
    root=$(realpath "$1") objects=$work/objects full=
else
    echo "usage: tests/lint.sh --objects DIR | ROOT" >&2
    exit 2
fi
cd "$root" || exit 2

folders=()
for d in proto daemon cli tests; do [ ! -d $d ] || folders+=("$d"); done
[ -d proto ] || [ -d daemon ] || [ -d cli ] || {
    echo "lint: $root has no proto, daemon or cli" >&2
    exit 2
}
sources() { find "$@" -name '*.[ch]' -not -path 'tests/vectors/*' 2>/dev/null | sort; }
programs=()
for d in proto daemon cli; do [ ! -d $d ] || programs+=("$d"); done

# ---- layers: module, layer. A file foo_bar.c belongs to foo unless foo_bar has its own line.

layers='
proto types 0    proto limits 0   proto err 0
proto buf 1      proto wire 1     proto key 1      proto code 1
proto schema 2   proto record 2   proto entry 2  proto box 2  proto noise 2  proto msg 2  proto ctl 2
proto feed 3     proto job 3  proto batch 3    proto gov 3      proto epoch 3  proto vector 3  proto link 3
proto sync 4
proto node 5
daemon config 0  daemon log 0     daemon clock 0  daemon keyfile 0  daemon notify 0
daemon surroundings 0
daemon store 1
daemon apply 2   daemon persist 2 daemon conn 2  daemon listener 2  daemon dialer 2
daemon engine 3
daemon query 4   daemon ctl_server 4  daemon ctl_cmd 4  daemon ctl_dispatch 4
daemon app 5     daemon main 5
'

# Library headers: who may include them, as "folder/module" or "daemon-from-layer".
restricted='
sodium   proto/key proto/box proto/noise proto/epoch daemon/main cli/main
msgpack  proto/wire
uv       daemon:2
lmdb     daemon/store
ini      daemon/config
'

# What the core may include besides its own headers: nothing that reaches the world.
core_headers='assert.h inttypes.h limits.h stdalign.h stdarg.h stdbool.h stddef.h stdint.h stdlib.h
stdnoreturn.h string.h'

check_includes() {
    sources "${programs[@]}" | while read -r f; do
        grep -nE '^[[:space:]]*#[[:space:]]*include' "$f" /dev/null
    done | layers=$layers restricted=$restricted core_headers=$core_headers \
        files=$(sources "${programs[@]}" | tr '\n' ' ') awk '
    function module(folder, base,    m) {
        m = base
        sub(/\.[ch]$/, "", m)
        while (!((folder, m) in layer)) {
            if (!sub(/_[^_]*$/, "", m)) return ""
        }
        return m
    }
    function report(text) { printf "%s:%s: %s\n", file, line, text }
    function owner(header,    slash, dir, base) {
        base = header
        sub(/.*\//, "", base)
        if (header ~ /\//) {
            dir = header
            sub(/\/[^\/]*$/, "", dir)
            sub(/.*\//, "", dir)
            return dir
        }
        if ((folder "/" base) in exists) return folder
        for (slash = 1; slash <= 3; slash++)
            if ((order[slash] "/" base) in exists) return order[slash]
        for (slash = 1; slash <= 2; slash++)
            if (module(order[slash], base) != "") return order[slash]
        return ""
    }
    function own_header(header,    to, base, m) {
        to = owner(header)
        base = header
        sub(/.*\//, "", base)
        if (to == "" ) { report("includes unknown header " header); return }
        if (to == "cli") {
            if (folder != "cli") report("includes " header " from cli")
            return
        }
        m = module(to, base)
        if (m == "") return # its own line says that the module is unknown
        if (folder == "proto" && to == "proto" && layer["proto", m] > mine)
            report("upward include: L" mine " " self " includes L" layer["proto", m] " " header)
        else if (folder == "proto" && to == "daemon")
            report("upward include: the core includes daemon header " header)
        else if (folder == "daemon" && to == "daemon" && layer["daemon", m] > mine)
            report("upward include: D" mine " " self " includes D" layer["daemon", m] " " header)
        else if (folder == "cli" && to == "daemon")
            report("cli includes daemon header " header)
        else if (folder == "cli" && to == "proto" && layer["proto", m] > 2)
            report("cli includes L" layer["proto", m] " header " header " (L0 to L2 only)")
    }
    function library(header,    name, ok, n, i, part) {
        name = header
        sub(/[\/.].*/, "", name)
        if (name in rule) {
            n = split(rule[name], part, " ")
            for (i = 1; i <= n; i++) {
                if (part[i] == folder "/" self) ok = 1
                if (part[i] ~ /^daemon:/ && folder == "daemon" && mine >= substr(part[i], 8)) ok = 1
            }
            if (!ok) report("forbidden header <" header "> in " folder "/" self)
        } else if (folder == "proto" && !(header in core_ok))
            report("forbidden header <" header "> in the core")
    }
    BEGIN {
        n = split(ENVIRON["layers"], w, /[ \n]+/)
        for (i = w[1] == "" ? 2 : 1; i + 2 <= n; i += 3) layer[w[i], w[i + 1]] = w[i + 2] + 0
        n = split(ENVIRON["restricted"], l, "\n")
        for (i = 1; i <= n; i++)
            if (split(l[i], w, " ") > 1) { k = w[1]; sub(/^[^ ]+ +/, "", l[i]); rule[k] = l[i] }
        n = split(ENVIRON["core_headers"], w, /[ \n]+/)
        for (i = 1; i <= n; i++) core_ok[w[i]] = 1
        split("proto daemon cli", order, " ")
        n = split(ENVIRON["files"], w, " ")
        for (i = 1; i <= n; i++) {
            exists[w[i]] = 1
            file = w[i]
            folder = base = file
            sub(/\/.*/, "", folder)
            sub(/.*\//, "", base)
            line = 1
            if (folder != "cli" && module(folder, base) == "")
                report("module is in no layer: add it to the table in tests/lint.sh")
        }
    }
    {
        file = $0; sub(/:.*/, "", file)
        line = $0; sub(/^[^:]*:/, "", line); text = line
        sub(/:.*/, "", line); sub(/^[^:]*:/, "", text)
        folder = base = file
        sub(/\/.*/, "", folder)
        sub(/.*\//, "", base)
        if (folder == "cli") { self = base; sub(/\.[ch]$/, "", self); mine = 0 }
        else { self = module(folder, base); mine = layer[folder, self] }
        if (text !~ /^[ \t]*#[ \t]*include(_next)?[ \t]*[<"][^>"]+[>"]/) { report("computed include"); next }
        quoted = text ~ /include[ \t]*"/
        header = text
        sub(/^[^<"]*[<"]/, "", header)
        sub(/[>"].*/, "", header)
        name = header
        sub(/[\/.].*/, "", name)
        if (self == "") next # reported once, as a module in no layer
        if (quoted && !(name in rule)) own_header(header)
        else library(header)
    }'
}

# ---- symbols of the core: everything undefined must be on these lists

core_symbols='^(mem[a-z]+|strn?len|strn?cmp|strr?chr|strn?cpy|strspn|strcspn|strstr|bsearch|qsort|abs'
core_symbols+='|assert_fail|stack_chk_fail|_GLOBAL_OFFSET_TABLE_|crypto_.*|sodium_.*|msgpack_.*)$'
random_symbols='^crypto_(.*_)?(seal|keypair|keygen|init_push|str)$|^crypto_.*_random$'
seeded_symbols='seed_keypair$'
# Those whose headers say that they own memory.
allocating_modules='^(wire|job|batch|vector|node|gov|sync|link)$'

check_symbols() {
    local f o status=0
    if [ -z "$full" ]; then
        mkdir -p "$objects/proto"
        read -ra flags < <(pkg-config --cflags libsodium msgpack-c 2>/dev/null ||
            pkg-config --cflags libsodium msgpack)
        for f in proto/*.c; do
            [ -e "$f" ] || continue
            "${CC:-cc}" -std=c11 -O2 -iquote proto "${flags[@]}" -c \
                -o "$objects/${f%.c}.o" "$f" 2>"$work/cc" ||
                { echo "$f:1: does not compile: $(grep -m1 error "$work/cc")"; status=1; }
        done
        [ $status = 0 ] || return
    fi
    local list=()
    for f in proto/*.c; do
        [ -e "$f" ] || continue
        o=$objects/${f%.c}.o
        [ -e "$o" ] || { echo "$f:1: has no object in $objects"; continue; }
        list+=("$o")
    done
    [ ${#list[@]} -gt 0 ] || return
    nm -g --defined-only "${list[@]}" 2>/dev/null | awk 'NF == 3 { print $3 }' | sort -u >"$work/own"
    for o in "${list[@]}"; do
        f=proto/$(basename "$o" .o).c
        nm -u "$o" | awk '{ print $2 }' | sort -u | comm -23 - "$work/own" |
            sed -E 's/^__//; s/_chk$//; s/^stack$/stack_chk_fail/' | while read -r s; do
            if [[ $s =~ ^(malloc|calloc|realloc|free|reallocarray)$ ]]; then
                m=${f##*/} m=${m%.c} m=${m%%_*}
                [[ $m =~ $allocating_modules ]] || echo "$f:1: forbidden symbol $s (allocates)"
            elif [[ $s =~ $random_symbols && ! $s =~ $seeded_symbols ]]; then
                echo "$f:1: forbidden symbol $s (draws randomness)"
            elif ! [[ $s =~ $core_symbols ]]; then
                echo "$f:1: forbidden symbol $s"
            fi
        done
    done
}

# Data in a writable section is mutable state at file scope. daemon/log.c alone may hold some.
check_globals() {
    local d f o
    for d in "${programs[@]}"; do
        for f in "$d"/*.c; do
            o=$objects/${f%.c}.o
            [ -e "$o" ] && [ "$f" != daemon/log.c ] || continue
            nm --format=sysv "$o" | awk -F '|' -v f="$f" '
                { gsub(/ /, "", $1); gsub(/ /, "", $7) }
                $7 ~ /^(\.data|\.bss|\.tdata|\.tbss|\*COM\*)$/ && $4 ~ /OBJECT|TLS/ {
                    print f ":1: mutable file-scope variable " $1
                }'
        done
    done
}

# ---- size, comments, words

# "file function": flat dispatch switches that may be longer than 60 lines.
long_functions='
'

check_functions() {
    sources "${programs[@]}" | allowed=$long_functions xargs -r awk '
    BEGIN { allowed = ENVIRON["allowed"] }
    FNR == 1 { start = 0; inside = 0; macro = 0 }
    macro || /^[ \t]*#/ { macro = /\\$/; next }
    inside && /^}/ {
        n = FNR - start + 1
        if (n > 60 && index(allowed, "\n" FILENAME " " name "\n") == 0)
            printf "%s:%d: function %s has %d lines (60 at most)\n", FILENAME, start, name, n
        inside = 0; start = 0
        next
    }
    inside { next }
    /^[A-Za-z_].*\(/ && !/[;=]/ && !start {
        start = FNR
        name = $0; sub(/\(.*/, "", name); sub(/.*[ *]/, "", name)
    }
    start && /\{[ \t]*$/ { inside = 1; next }
    start && /;[ \t]*$/ { start = 0 }'
}

check_files() {
    sources "${folders[@]}" | xargs -r wc -l | awk '$2 != "total" && $1 > 500 {
        printf "%s:%d: file has %d lines (500 at most)\n", $2, $1, $1 }'
}

check_comments() {
    [ -d proto ] || return
    find proto -name '*.h' | sort | xargs -r awk '
    # A comment covers what follows it up to the next empty line; one may also end the line.
    FNR == 1 || /^[ \t]*$/ { documented = 0 }
    /^[ \t]*(\/\*|\/\/)/ { documented = 1 }
    /^[A-Za-z_].*[ *]mt_[a-z0-9_]+\(/ && !/^(typedef|static|return)/ && !documented && !/\/\*/ {
        name = $0; sub(/\(.*/, "", name); sub(/.*[ *]/, "", name)
        printf "%s:%d: public function %s has no comment\n", FILENAME, FNR, name
    }'
}

check_text() {
    local words='TO''DO|FIX''ME|XX''X|HA''CK' list=()
    mapfile -t list < <(find Makefile README.md .ci conf systemd "${folders[@]}" -type f \
        \( -name '*.[ch]' -o -name '*.sh' -o -name '*.md' -o -name '*.scd' -o -name '*.po' \
        -o -name 'meentd.*' -o -path '.ci/*' -o -name Makefile \) \
        -not -path 'tests/vectors/*' 2>/dev/null | sort)
    [ ${#list[@]} -gt 0 ] || return
    grep -nE '[[:space:]]+$' "${list[@]}" /dev/null | sed -E 's/^([^:]*:[0-9]+):.*/\1: trailing white space/'
    grep -nwE "$words" "${list[@]}" /dev/null | sed -E 's/^([^:]*:[0-9]+):(.*)/\1: left open:\2/'
}

check_format() {
    command -v clang-format >/dev/null || { echo "clang-format:1: is not installed"; return; }
    sources "${folders[@]}" | xargs -r clang-format --style="file:$here/.clang-format" \
        --dry-run -Werror 2>&1 | grep -E 'error:' | sed -E 's/:[0-9]+: error: .*/: is not formatted (make format)/' |
        sort -u -t: -k1,1
}

# ---- static analysis, on the whole tree only

check_analysis() {
    local jobs
    jobs=$(nproc)
    read -ra flags < <(pkg-config --cflags libsodium msgpack-c 2>/dev/null ||
        pkg-config --cflags libsodium msgpack)
    [ -n "$(sources "${programs[@]}")" ] || return
    cppcheck --quiet -j "$jobs" --std=c11 --enable=warning,performance,portability --inline-suppr \
        --suppress=missingIncludeSystem --suppress=normalCheckLevelMaxBranches --error-exitcode=1 \
        --template='{file}:{line}: cppcheck {id}: {message}' "${programs[@]}" 2>&1 | grep -E '^[a-z/_0-9]+\.[ch]:'
    find "${programs[@]}" -name '*.c' | sort | xargs -r -P "$jobs" -n 1 sh -c '
        clang-tidy --quiet "$@" -- -std=c11 $TIDY_FLAGS 2>/dev/null' tidy |
        grep -E '(error|warning):' | sed -E "s|^$root/||; s/:[0-9]+: (error|warning):/: clang-tidy/" | sort -u
}

check_scripts() {
    local list=()
    mapfile -t list < <(find .ci tests -type f \( -name '*.sh' -o -path '.ci/run' \) 2>/dev/null | sort)
    [ ${#list[@]} -gt 0 ] || return
    shellcheck -x -S warning --format=gcc "${list[@]}"
}

# Every text in the code has its Dutch one.
check_translations() {
    local f
    [ -d cli/po ] || return
    xgettext -L C --from-code=UTF-8 -k_ -kN_ -kngettext:1,2 -kn_:1,2 -o "$work/meent.pot" cli/*.[ch] 2>/dev/null
    [ -e "$work/meent.pot" ] || return
    for f in cli/po/*.po; do
        msgcmp "$f" "$work/meent.pot" 2>&1 | grep -E '^[^ ].*:[0-9]+:.*(not|used|defined)' |
            sed -E "s|^$work/meent.pot:[0-9]+|$f:1|"
    done
}

check_unit() {
    command -v systemd-analyze >/dev/null && [ -e systemd/meentd.service ] || return
    local score
    score=$(systemd-analyze security --offline=true --no-pager systemd/meentd.service 2>/dev/null |
        sed -nE 's/.*exposure level[^:]*: ([0-9.]+).*/\1/p')
    if awk -v s="${score:-0}" 'BEGIN { exit !(s > 1.2) }'; then
        echo "systemd/meentd.service:1: exposure $score (1.2 at most)"
    fi
}

# step NAME FUNCTION: runs it, keeps its findings.
step() {
    local n
    "$2" >"$work/step" 2>&1
    n=$(wc -l <"$work/step")
    cat "$work/step" >>"$found"
    [ "$n" = 0 ] && printf '  ok   %s\n' "$1" || printf '  FAIL %s: %d\n' "$1" "$n"
}

export TIDY_FLAGS="-D_GNU_SOURCE -DMEENT_VERSION=\"0\" -DMEENT_LOCALEDIR=\"/\" -DMEENT_SYSCONFDIR=\"/\"\
 -iquote proto -iquote daemon -iquote cli"
step "includes and layers" check_includes
step "symbols of the core" check_symbols
step "mutable file-scope variables" check_globals
step "function length" check_functions
step "file length" check_files
step "comments on public functions" check_comments
step "white space and words" check_text
step "format" check_format
if [ -n "$full" ]; then
    step "shellcheck" check_scripts
    step "translations" check_translations
    step "service unit" check_unit
    step "cppcheck and clang-tidy" check_analysis
fi
if [ -s "$found" ]; then
    cat "$found"
    echo "lint: $(wc -l <"$found") findings"
    exit 1
fi
echo "lint: clean"
