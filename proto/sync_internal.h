/* sync_internal: what sync.c, sync_flow.c and sync_gov.c share. */
#ifndef MEENT_SYNC_INTERNAL_H
#define MEENT_SYNC_INTERNAL_H

#include "sync.h"

/* Sending: a writer over the scratch memory, and what was written in it. */
struct mt_writer mt_sync_scratch(struct mt_sync *s);
enum mt_err mt_sync_send(struct mt_sync *s, struct mt_slice message);
enum mt_err mt_sync_send_written(struct mt_sync *s, const struct mt_writer *w);

/* Asks for the runs that came before the certificate of their writer. */
enum mt_err mt_sync_ask_missed(struct mt_sync *s, const struct mt_replica *r);

/* Sends HAVE, in as many messages as it takes. */
enum mt_err mt_sync_send_have(struct mt_sync *s, struct mt_replica *r);

/* Marks: room for every chain; that of a chain this peer is an audience of, or NULL; how far they
 * are or will be with what we sent. */
enum mt_err mt_sync_reserve_marks(struct mt_sync *s, const struct mt_replica *r);
struct mt_mark *mt_sync_mark_of(struct mt_sync *s, const struct mt_replica *r, uint32_t chain);
uint64_t mt_sync_reached(const struct mt_mark *m);

/* Queue one chain, or all of which we hold more than they do. */
enum mt_err mt_sync_enqueue(struct mt_sync *s, uint32_t chain);
enum mt_err mt_sync_queue_all(struct mt_sync *s, const struct mt_replica *r);

/* The governance phase: what we have, and what they sent. */
enum mt_err mt_sync_send_gov_have(struct mt_sync *s, struct mt_replica *r);
enum mt_err mt_sync_send_newer(struct mt_sync *s, struct mt_replica *r); /* than our HELLO */
/* Goes on with HAVE when governance went both ways and both are members now. */
enum mt_err mt_sync_governance_done(struct mt_sync *s, struct mt_replica *r);
enum mt_err mt_sync_on_gov_have(struct mt_sync *s, struct mt_replica *r, struct mt_slice message);
enum mt_err mt_sync_on_gov_items(struct mt_sync *s, struct mt_replica *r, struct mt_slice message);

#endif
