/* What a person pastes to join, and what is filed. A code that the node takes is one that reads, and
 * is of the right form; any other is refused and leaves the node as it was. A request is filed only by
 * whom it is about. Then the node's own notes about both, as they come back from a disk: read whole,
 * or refused. */
#include "host.h"

#include "code.h"
#include "msg.h"

#include <stdlib.h>

enum { NEWCOMER = 4 };

/* A node that is in no region, kept while it has taken no code. */
static struct host *newcomer(void) {
    static struct host h;
    if (!h.node)
        host_open(&h, NEWCOMER);
    return &h;
}

/* Whether a code has the form of an invitation, read as PROTOCOL.md has it. */
static bool is_invitation(struct mt_slice text) {
    uint8_t data[MT_CODE_DATA_MAX];
    struct mt_writer w = mt_writer(data, sizeof data);
    if (mt_code_get(text, &w) != MT_OK || w.n < 1)
        return false;
    size_t len = data[0];
    return len > 0 && w.n == 1 + len + 64 && mt_utf8_valid(mt_slice(data + 1, len));
}

static void paste(struct mt_slice text) {
    struct host *h = newcomer();
    struct mt_node_info before, after;
    mt_node_info(h->node, &before);
    host_begin(h, 1);
    struct mt_event ev = {.type = MT_EV_COMMAND};
    ev.command = (struct mt_command){.type = MT_CMD_JOIN, .request = 1, .code = text};
    host_step(h, &ev);
    mt_node_info(h->node, &after);
    NEED(h->answer == MT_OK || h->answer == MT_EINVALID);
    NEED((h->answer == MT_OK) == is_invitation(text));
    NEED(after.state == MT_NODE_JOINING && after.join == MT_JOIN_CALLING);
    if (h->answer == MT_OK)
        host_close(h);
    else
        NEED(!h->saved && mt_id_eq(&before.region, &after.region));
}

static void code(struct fuzz *f) {
    uint8_t text[MT_CODE_TEXT_MAX + 1], data[MT_CODE_DATA_MAX];
    struct mt_writer d = mt_writer(data, sizeof data), t = mt_writer(text, sizeof text - 1);
    uint8_t how = fuzz_u8(f);
    struct fuzz harm = fuzz_part(f, 4);
    size_t len = how & 1 ? 9 : fuzz_u8(f);
    mt_writer_u8(&d, (uint8_t)len);
    for (size_t i = 0; i < len; i++)
        mt_writer_u8(&d, how & 2 ? fuzz_u8(f) : (uint8_t)('a' + i % 26));
    struct mt_slice rest = fuzz_take(f, how & 4 ? fuzz_u8(f) : 64);
    mt_writer_put(&d, rest.p, rest.n);
    for (size_t i = rest.n; !(how & 4) && i < 64; i++)
        mt_writer_u8(&d, (uint8_t)i);
    if (d.err || mt_code_put(&t, mt_writer_slice(&d)) != MT_OK)
        return;
    if (how & 8)
        (void)fuzz_damage(&harm, text, &t.n);
    uint8_t *exact = fuzz_copy(mt_writer_slice(&t));
    paste(mt_slice(exact, t.n));
    free(exact);
}

static void text(struct fuzz *f) {
    struct mt_slice s = fuzz_rest(f);
    uint8_t *exact = fuzz_copy(s);
    paste(mt_slice(exact, s.n));
    free(exact);
}

/* ---- what is filed ---- */

static void file(struct fuzz *f) {
    uint8_t buf[2048], message[4096];
    struct mt_writer item = mt_writer(buf, sizeof buf - 1), w = mt_writer(message, sizeof message);
    struct mt_slice got;
    struct mt_item taken;
    struct mt_join j;
    unsigned org = 1 + fuzz_u8(f) % REGION_ORGS;
    region_join(org, &item);
    bool harmed = fuzz_u8(f) & 1 && fuzz_damage(f, buf, &item.n);
    mt_file_put(&w, mt_writer_slice(&item));
    NEED(mt_file_get(mt_writer_slice(&w), &got) == MT_OK);
    NEED(mt_slice_eq(got, mt_writer_slice(&item)));
    enum mt_err err = mt_item_get(got, region_id(), &taken);
    if (!err)
        err = mt_join_check(&taken, &j);
    NEED((err == MT_OK) == !harmed);
    NEED(err || (mt_id_eq(&j.org, &region_org(org)->root.pub) && mt_name_ok(j.name)));
}

/* ---- the node's notes ---- */

static void notes(struct fuzz *f) {
    static const char *const NAMES[] = {"identity", "invites", "joining", "other"};
    struct mt_node_config config = {.announce = "", .seed = 1};
    struct mt_node *n;
    const char *name = NAMES[fuzz_u8(f) % MT_ARRAY_LEN(NAMES)];
    struct mt_slice s = fuzz_rest(f);
    uint8_t *exact = fuzz_copy(s);
    NEED(mt_node_new(&n, &config) == MT_OK);
    enum mt_err err = mt_node_load_blob(n, name, mt_slice(exact, s.n));
    free(exact);
    NEED(err == MT_OK || err == MT_ECORRUPT || err == MT_EVERSION);
    struct mt_invite_info invites[MT_INVITES_MAX];
    size_t count = mt_node_invites(n, invites, MT_INVITES_MAX);
    NEED(count <= MT_INVITES_MAX && (!err || !count));
    for (size_t i = 0; i < count; i++)
        NEED(memchr(invites[i].name, 0, sizeof invites[i].name) &&
             invites[i].state <= MT_INVITE_EXPIRED);
    mt_node_free(n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct fuzz f = fuzz_of(data, size);
    switch (fuzz_u8(&f) % 4) {
    case 0:
        text(&f);
        break;
    case 1:
        code(&f);
        break;
    case 2:
        file(&f);
        break;
    default:
        notes(&f);
    }
    return 0;
}
