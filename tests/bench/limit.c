/* What this machine can do at best, with nothing that could be left out.
 *
 * Received changes: open the transport frames that carry them, hash every box and header into the
 * chain, verify one signature per run, open every box, append to LMDB with a sync per COMMIT and one
 * index in order. Own changes: seal instead of open, sign instead of verify, no frames. Bare
 * libsodium and LMDB; no parsing, no merging. */
#include "bench.h"

#include <fcntl.h>
#include <lmdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    COMMIT = 10000,
    RUN = 1024,
    PADDED = 272, /* BENCH_CONTENT and its padding */
    BOX = PADDED + 32,
    HEADER = 232,
    ROW = HEADER + BOX,
    TRAVELS = BOX + 32, /* of a header only what cannot be derived travels */
    FRAME = 65535 - 16,
    ROUNDS = 200,
};

struct bare {
    uint32_t n;     /* changes made */
    uint32_t total; /* changes written: the same ones over again */
    uint8_t key[32], pub[32], sec[64];
    uint8_t *rows;   /* header and box of each */
    uint8_t *frames; /* sealed transport */
    uint64_t n_frames;
    uint8_t (*sig)[64];
    MDB_env *env;
    MDB_dbi entries, index;
    char path[160];
};

static void hash(uint8_t out[32], const uint8_t *p, size_t n) {
    crypto_generichash(out, 32, p, n, NULL, 0);
}

static void nonce_of(uint8_t nonce[12], uint64_t n) {
    memset(nonce, 0, 12);
    memcpy(nonce, &n, sizeof n);
}

/* ---- the store ---- */

static void store_open(struct bare *b) {
    MDB_txn *t;
    bench_need(mdb_env_create(&b->env) == 0 && mdb_env_set_mapsize(b->env, (size_t)4 << 30) == 0 &&
                   mdb_env_set_maxdbs(b->env, 2) == 0 &&
                   mdb_env_open(b->env, b->path, MDB_NOSUBDIR, 0600) == 0 &&
                   mdb_txn_begin(b->env, NULL, 0, &t) == 0 &&
                   mdb_dbi_open(t, "entries", MDB_CREATE, &b->entries) == 0 &&
                   mdb_dbi_open(t, "index", MDB_CREATE, &b->index) == 0 && mdb_txn_commit(t) == 0,
               "limit: store");
}

static void store_close(struct bare *b) {
    char lock[176];
    mdb_env_close(b->env);
    snprintf(lock, sizeof lock, "%s-lock", b->path);
    unlink(b->path);
    unlink(lock);
}

static MDB_txn *begin(struct bare *b) {
    MDB_txn *t = NULL;
    bench_need(mdb_txn_begin(b->env, NULL, 0, &t) == 0, "limit: begin");
    return t;
}

static void append(struct bare *b, MDB_txn *t, uint32_t i, const uint8_t *row) {
    uint8_t key[8], at[16];
    mt_be64(key, i);
    mt_be64(at, 20000 + i / 200); /* a date, and the row: in order */
    mt_be64(at + 8, i);
    MDB_val k = {sizeof key, key}, v = {.mv_size = ROW};
    MDB_val ik = {sizeof at, at}, iv = {0, NULL};
    bench_need(mdb_put(t, b->entries, &k, &v, MDB_APPEND | MDB_RESERVE) == 0 &&
                   mdb_put(t, b->index, &ik, &iv, MDB_APPEND) == 0,
               "limit: put");
    memcpy(v.mv_data, row, ROW);
}

static MDB_txn *commit_every(struct bare *b, MDB_txn *t, uint32_t done) {
    if (done % COMMIT && done != b->total)
        return t;
    bench_need(mdb_txn_commit(t) == 0, "limit: commit");
    return done == b->total ? NULL : begin(b);
}

/* ---- own changes ---- */

static double write_all(struct bare *b) {
    uint8_t content[PADDED], nonce[12], at[64], id[32] = {0};
    double start = bench_now();
    store_open(b);
    MDB_txn *t = begin(b);
    memset(at, 3, sizeof at);
    memset(content, 'x', sizeof content);
    for (uint32_t i = 0; i < b->n; i++) {
        uint8_t *header = b->rows + (size_t)i * ROW, *box = header + HEADER;
        nonce_of(nonce, i);
        memcpy(content, &i, sizeof i);
        crypto_aead_chacha20poly1305_ietf_encrypt(box + 16, NULL, content, PADDED, at, sizeof at,
                                                  NULL, nonce, b->key);
        memcpy(header, id, 32);
        hash(header + 32, box, BOX);
        hash(id, header, HEADER);
        if ((i + 1) % RUN == 0 || i + 1 == b->n)
            crypto_sign_detached(b->sig[i / RUN], NULL, id, sizeof id, b->sec);
        append(b, t, i, header);
        t = commit_every(b, t, i + 1);
    }
    store_close(b);
    return bench_now() - start;
}

/* ---- received changes ---- */

static void seal_frames(struct bare *b) {
    static uint8_t plain[FRAME];
    uint8_t nonce[12];
    b->n_frames = ((uint64_t)b->n * TRAVELS + FRAME - 1) / FRAME;
    b->frames = malloc(b->n_frames * (FRAME + 16));
    bench_need(b->frames, "limit: memory");
    for (uint64_t i = 0; i < b->n_frames; i++) {
        nonce_of(nonce, i);
        crypto_aead_chacha20poly1305_ietf_encrypt(b->frames + i * (FRAME + 16), NULL, plain, FRAME,
                                                  NULL, 0, NULL, nonce, b->key);
    }
}

static void open_frame(struct bare *b, uint64_t i) {
    static uint8_t plain[FRAME];
    uint8_t nonce[12];
    nonce_of(nonce, i);
    bench_need(crypto_aead_chacha20poly1305_ietf_decrypt(plain, NULL, NULL,
                                                         b->frames + i * (FRAME + 16), FRAME + 16,
                                                         NULL, 0, nonce, b->key) == 0,
               "limit: frame");
}

static double read_all(struct bare *b) {
    uint8_t content[PADDED], nonce[12], at[64], id[32], box_hash[32];
    uint64_t frame = 0;
    double start = bench_now();
    store_open(b);
    MDB_txn *t = begin(b);
    memset(at, 3, sizeof at);
    for (uint32_t i = 0; i < b->total; i++) {
        uint32_t of = i % b->n;
        const uint8_t *header = b->rows + (size_t)of * ROW, *box = header + HEADER;
        while (frame * FRAME < (uint64_t)(i + 1) * TRAVELS)
            open_frame(b, frame++ % b->n_frames);
        nonce_of(nonce, of);
        hash(box_hash, box, BOX);
        hash(id, header, HEADER);
        bool good = memcmp(box_hash, header + 32, 32) == 0 &&
                    crypto_aead_chacha20poly1305_ietf_decrypt(
                        content, NULL, NULL, box + 16, BOX - 16, at, sizeof at, nonce, b->key) == 0;
        if ((of + 1) % RUN == 0 || of + 1 == b->n)
            good &= crypto_sign_verify_detached(b->sig[of / RUN], id, sizeof id, b->pub) == 0;
        bench_need(good, "limit: entry");
        append(b, t, i, header);
        t = commit_every(b, t, i + 1);
    }
    store_close(b);
    return bench_now() - start;
}

/* ---- single steps ---- */

double bench_commit_ms(const char *dir) {
    static uint8_t row[ROW];
    static struct bare bare;
    struct bare *b = &bare;
    double spent[ROUNDS];
    snprintf(b->path, sizeof b->path, "%s/limit", dir);
    store_open(b);
    for (uint32_t i = 0; i < ROUNDS; i++) {
        double start = bench_now();
        MDB_txn *t = begin(b);
        append(b, t, i, row);
        bench_need(mdb_txn_commit(t) == 0, "limit: commit");
        spent[i] = (bench_now() - start) * 1e3;
    }
    store_close(b);
    return bench_median(spent, ROUNDS);
}

static int loopback(int *listener, struct sockaddr_in *at) {
    socklen_t n = sizeof *at;
    *at = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    *listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
    bench_need(*listener >= 0 && fd >= 0 && bind(*listener, (struct sockaddr *)at, n) == 0 &&
                   listen(*listener, 1) == 0 &&
                   getsockname(*listener, (struct sockaddr *)at, &n) == 0 &&
                   connect(fd, (struct sockaddr *)at, n) == 0,
               "limit: loopback");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return fd;
}

static void echo(int listener) {
    uint8_t byte[512];
    int one = 1, fd = accept(listener, NULL, NULL);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    for (ssize_t n; (n = recv(fd, byte, sizeof byte, 0)) > 0;)
        if (send(fd, byte, (size_t)n, MSG_NOSIGNAL) != n)
            break;
    _exit(0);
}

static double rtt_ms(void) {
    struct sockaddr_in at;
    uint8_t bytes[512] = {0};
    double spent[ROUNDS];
    int listener, fd = loopback(&listener, &at);
    pid_t pid = fork();
    bench_need(pid >= 0, "limit: fork");
    if (pid == 0) {
        close(fd);
        echo(listener);
    }
    for (size_t i = 0; i < ROUNDS; i++) {
        double start = bench_now();
        bool ok = send(fd, bytes, sizeof bytes, MSG_NOSIGNAL) == sizeof bytes &&
                  recv(fd, bytes, sizeof bytes, MSG_WAITALL) == sizeof bytes;
        spent[i] = (bench_now() - start) * 1e3;
        bench_need(ok, "limit: echo");
    }
    close(fd);
    close(listener);
    waitpid(pid, NULL, 0);
    return bench_median(spent, ROUNDS);
}

static double dh_ms(void) {
    uint8_t secret[32] = {9}, point[32] = {9}, out[32];
    double start = bench_now();
    for (int i = 0; i < ROUNDS; i++)
        bench_need(crypto_scalarmult(out, secret, point) == 0, "limit: X25519");
    return (bench_now() - start) * 1e3 / ROUNDS;
}

static double verify_ms(const struct bare *b) {
    uint8_t sig[64], message[32] = {1};
    crypto_sign_detached(sig, NULL, message, sizeof message, b->sec);
    double start = bench_now();
    for (int i = 0; i < ROUNDS; i++)
        bench_need(crypto_sign_verify_detached(sig, message, sizeof message, b->pub) == 0,
                   "limit: Ed25519");
    return (bench_now() - start) * 1e3 / ROUNDS;
}

void bench_limits(const char *dir, uint32_t n, uint32_t total, struct bench_limits *out) {
    static struct bare b;
    b = (struct bare){.n = n, .total = n, .key = {1}};
    snprintf(b.path, sizeof b.path, "%s/limit", dir);
    b.rows = calloc(n, ROW);
    b.sig = calloc(n / RUN + 1, sizeof *b.sig);
    bench_need(sodium_init() >= 0 && b.rows && b.sig, "limit: memory");
    crypto_sign_keypair(b.pub, b.sec);
    out->write_per_s = n / write_all(&b);
    seal_frames(&b);
    b.total = total;
    out->read_per_s = total / read_all(&b);
    out->rtt_ms = rtt_ms();
    out->dh_ms = dh_ms();
    out->sign_ms = verify_ms(&b);
    free(b.rows);
    free(b.sig);
    free(b.frames);
}
