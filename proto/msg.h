/* msg: the messages of the sync protocol as bytes (layer 2). See PROTOCOL.md, "Messages". */
#ifndef MEENT_MSG_H
#define MEENT_MSG_H

#include "limits.h"
#include "wire.h"

enum mt_msg_type {
    MT_MSG_HELLO = 1,     /* [1, [versions], gov digest, erasure digest, heads digest, wall ms] */
    MT_MSG_GOV_HAVE = 2,  /* [2, [item ids]] */
    MT_MSG_GOV_ITEMS = 3, /* [3, [items], done bool] */
    MT_MSG_HAVE = 4,      /* [4, [rows], done bool]; row = [chain, floor, seq, id16, fork, cited] */
    MT_MSG_RUN = 5,       /* see feed.h */
    MT_MSG_MARK = 6,      /* [6, credit bytes, [[chain, seq], ...]]: verified and committed here */
    MT_MSG_PING = 7,      /* [7, number] */
    MT_MSG_PONG = 8,      /* [8, number] */
    MT_MSG_FILE = 9,      /* [9, join request item]: the applicant files */
    MT_MSG_FILED = 10,    /* [10]: the inviter holds the request */
    MT_MSG_BYE = 11,      /* [11, reason code str]: why the link is closed, last message */
};

enum { MT_WIRE_VERSION = 0 };

struct mt_hello {
    bool speaks_us; /* MT_WIRE_VERSION is among the versions */
    uint8_t governance[32];
    uint8_t erasures[32];
    uint8_t heads[32];
    uint64_t wall_ms;
};

/* One chain in a HAVE. */
struct mt_have_row {
    struct mt_id chain;
    uint64_t floor; /* 0 in this version */
    uint64_t seq;
    uint8_t id16[16]; /* first half of the head's entry id */
    uint64_t fork;    /* 0: none known */
};

/* Finds the type of a message. Errors: peer class (not canonical, not an array, unknown type). */
MT_MUST enum mt_err mt_msg_type(struct mt_slice message, enum mt_msg_type *type);

/* HELLO as bytes, and back. Errors: peer class. */
void mt_hello_put(struct mt_writer *w, const struct mt_hello *h);
MT_MUST enum mt_err mt_hello_get(struct mt_slice message, struct mt_hello *out);

/* Lists: begin writes the head for `n` elements, the caller puts them, end closes. */
void mt_gov_have_begin(struct mt_writer *w, size_t n);
void mt_gov_items_begin(struct mt_writer *w, size_t n);
void mt_gov_items_end(struct mt_writer *w, bool done);
void mt_have_begin(struct mt_writer *w, size_t n);
void mt_have_row_put(struct mt_writer *w, const struct mt_have_row *row);
void mt_have_end(struct mt_writer *w, bool done);
void mt_mark_begin(struct mt_writer *w, uint64_t credit, size_t n);
void mt_mark_row_put(struct mt_writer *w, const struct mt_id *chain, uint64_t seq);

/* Walks the list of a GOV_HAVE, GOV_ITEMS, HAVE or MARK. `n` elements; then read each with the
 * getter of its type, then mt_list_end. Errors: peer class, sticky in `r`. */
MT_MUST enum mt_err mt_list_open(struct mt_reader *r, struct mt_slice message,
                                 enum mt_msg_type type, uint64_t *credit, uint32_t *n);
void mt_have_row_get(struct mt_reader *r, struct mt_have_row *out);
void mt_mark_row_get(struct mt_reader *r, struct mt_id *chain, uint64_t *seq);
MT_MUST enum mt_err mt_list_end(struct mt_reader *r, enum mt_msg_type type, bool *done);

/* PING, PONG: a number. FILE: a join item. BYE: a reason. */
void mt_number_put(struct mt_writer *w, enum mt_msg_type type, uint64_t number);
MT_MUST enum mt_err mt_number_get(struct mt_slice message, uint64_t *number);
void mt_file_put(struct mt_writer *w, struct mt_slice join);
MT_MUST enum mt_err mt_file_get(struct mt_slice message, struct mt_slice *join);
void mt_filed_put(struct mt_writer *w);
MT_MUST enum mt_err mt_filed_get(struct mt_slice message); /* nothing but its shape */
void mt_bye_put(struct mt_writer *w, const char *reason);
MT_MUST enum mt_err mt_bye_get(struct mt_slice message, struct mt_slice *reason);

#endif
