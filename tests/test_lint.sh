#!/usr/bin/env bash
# Plants one fault at a time in a small clean tree and expects lint to name the file and the fault.
set -u
here=$(cd "$(dirname "$0")/.." && pwd)
tree=$(mktemp -d) || exit 1
trap 'rm -rf "$tree"' EXIT
bad=0

clean_tree() {
    rm -rf "${tree:?}"/*
    mkdir -p "$tree"/{proto,daemon,cli}
    cat >"$tree/proto/err.h" <<'C'
#ifndef MT_ERR_H
#define MT_ERR_H

enum mt_err { MT_OK, MT_ERR_SHORT };

#endif
C
    cat >"$tree/proto/buf.h" <<'C'
#ifndef MT_BUF_H
#define MT_BUF_H

#include <stddef.h>
#include <stdint.h>
#include "err.h"

/* Sums len bytes at p into *sum. */
enum mt_err mt_buf_sum(const uint8_t *p, size_t len, uint32_t *sum);

#endif
C
    cat >"$tree/proto/buf.c" <<'C'
#include "buf.h"

enum mt_err mt_buf_sum(const uint8_t *p, size_t len, uint32_t *sum) {
    if (len == 0)
        return MT_ERR_SHORT;
    *sum = 0;
    for (size_t i = 0; i < len; i++)
        *sum += p[i];
    return MT_OK;
}
C
    cat >"$tree/proto/node.h" <<'C'
#ifndef MT_NODE_H
#define MT_NODE_H

#include "buf.h"

/* The whole organisation. */
enum mt_err mt_node_step(void);

#endif
C
    cat >"$tree/proto/node.c" <<'C'
#include "node.h"

enum mt_err mt_node_step(void) {
    uint32_t sum;
    return mt_buf_sum((const uint8_t *)"x", 1, &sum);
}
C
    cat >"$tree/daemon/store.c" <<'C'
#include <lmdb.h>
#include "node.h"
C
    cat >"$tree/daemon/conn.c" <<'C'
#include <uv.h>
C
    printf '#ifndef MT_ENGINE_H\n#define MT_ENGINE_H\n#endif\n' >"$tree/daemon/engine.h"
    printf '#include <sodium.h>\n' >"$tree/daemon/main.c"
    printf '#include "buf.h"\n#include <jansson.h>\n' >"$tree/cli/main.c"
}

lint() { "$here/tests/lint.sh" "$tree" 2>&1; }

# expect NAME FILE WORDS: the tree as planted fails, and one line names FILE with WORDS.
expect() {
    local out
    if out=$(lint); then
        echo "not ok $1: lint passed"
    elif ! grep -q "^$2:.*$3" <<<"$out"; then
        printf 'not ok %s: no line "%s: %s" in\n%s\n' "$1" "$2" "$3" "$out"
    elif [ "$(grep -cE '^[^ ]+:[0-9]*:?' <<<"$out")" -gt "${4:-2}" ]; then
        printf 'not ok %s: more findings than planted\n%s\n' "$1" "$out"
    else
        echo "ok $1"
        clean_tree
        return
    fi
    bad=1
    clean_tree
}

# include FILE LINE: puts an include directive in front of FILE.
include() { sed -i "1i #include $2" "$tree/$1"; }

# append FILE: adds standard input as code.
append() { { echo && cat; } >>"$tree/$1"; }

clean_tree
if out=$(lint); then echo "ok clean tree passes"; else
    printf 'not ok clean tree passes\n%s\n' "$out"
    bad=1
fi

include proto/buf.c '"node.h"'
expect "upward include in the core" proto/buf.c 'upward include'

include proto/err.h '"buf.h"'
expect "upward include from a header" proto/err.h 'upward include'

include proto/buf.c '"sync.h"'
expect "upward include of a header that is not there" proto/buf.c 'upward include' 3

include daemon/conn.c '"engine.h"'
expect "upward include in the daemon" daemon/conn.c 'upward include'

include proto/node.c '"../daemon/engine.h"'
expect "core includes the daemon" proto/node.c 'upward include'

include cli/main.c '"node.h"'
expect "cli includes an upper layer of the core" cli/main.c 'L0 to L2 only'

include cli/main.c '"engine.h"'
expect "cli includes the daemon" cli/main.c 'daemon header'

include proto/buf.c '<time.h>'
expect "clock header in the core" proto/buf.c 'forbidden header'

include proto/buf.c '<sodium.h>'
expect "sodium outside its modules" proto/buf.c 'forbidden header'

include proto/node.c '<msgpack.h>'
expect "msgpack outside wire" proto/node.c 'forbidden header'

include daemon/store.c '<uv.h>'
expect "uv below its layer" daemon/store.c 'forbidden header'

include daemon/conn.c '<lmdb.h>'
expect "lmdb outside store" daemon/conn.c 'forbidden header'

printf '#include "buf.h"\n' >"$tree/proto/helper.c"
expect "module that is in no layer" proto/helper.c 'in no layer'

append proto/buf.c <<'C'
long time(long *t);
long mt_buf_now(void);

long mt_buf_now(void) {
    return time(NULL);
}
C
expect "clock symbol in the core" proto/buf.c 'forbidden symbol time'

append proto/buf.c <<'C'
void randombytes_buf(void *p, size_t n);
void mt_buf_noise(uint8_t *p);

void mt_buf_noise(uint8_t *p) {
    randombytes_buf(p, 1);
}
C
expect "random symbol in the core" proto/buf.c 'forbidden symbol randombytes_buf'

append proto/buf.c <<'C'
int crypto_box_keypair(uint8_t *p, uint8_t *s);
int mt_buf_pair(uint8_t *p);

int mt_buf_pair(uint8_t *p) {
    return crypto_box_keypair(p, p);
}
C
expect "unseeded key pair in the core" proto/buf.c 'draws randomness'

append proto/buf.c <<'C'
int socket(int a, int b, int c);
int mt_buf_socket(void);

int mt_buf_socket(void) {
    return socket(1, 2, 3);
}
C
expect "socket symbol in the core" proto/buf.c 'forbidden symbol socket'

append proto/buf.c <<'C'
void *malloc(size_t n);
void *mt_buf_new(void);

void *mt_buf_new(void) {
    return malloc(9);
}
C
expect "allocation outside the listed modules" proto/buf.c 'forbidden symbol malloc'

append proto/buf.c <<'C'
int mt_buf_turn(void);
static int turns;

int mt_buf_turn(void) {
    return ++turns;
}
C
expect "mutable file-scope variable" proto/buf.c 'mutable file-scope variable turns'

long_function() {
    printf 'int mt_buf_long(int x);\n\nint mt_buf_long(int x) {\n'
    for ((i = 3; i < $1; i++)); do echo '    x++;'; done
    printf '    return x;\n}\n'
}
long_function 60 | append proto/buf.c
if lint >/dev/null; then echo "ok function of 60 lines passes"; else
    echo "not ok function of 60 lines passes"
    bad=1
fi
clean_tree
long_function 61 | append proto/buf.c
expect "function of 61 lines" proto/buf.c 'function mt_buf_long has 61 lines'

for _ in {1..500}; do echo '/* A line. */'; done >>"$tree/proto/node.c"
expect "file over 500 lines" proto/node.c 'lines (500 at most)'

sed -i 's|^/\* The whole.*||' "$tree/proto/node.h"
expect "public function without a comment" proto/node.h 'mt_node_step has no comment' 4

printf 'int  x( void );\n' >>"$tree/cli/main.c"
expect "format" cli/main.c 'not formatted'

printf '/* TO''DO */\n' >>"$tree/cli/main.c"
expect "word for work left open" cli/main.c 'left open'

exit $bad
