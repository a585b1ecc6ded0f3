/* sync_internal: what sync.c and sync_gov.c share. */
#ifndef MEENT_SYNC_INTERNAL_H
#define MEENT_SYNC_INTERNAL_H

#include "sync.h"

/* Sending: a writer over the scratch memory, and what was written in it. */
struct mt_writer mt_sync_scratch(struct mt_sync *s);
enum mt_err mt_sync_send(struct mt_sync *s, struct mt_slice message);
enum mt_err mt_sync_send_written(struct mt_sync *s, const struct mt_writer *w);

/* Sends HAVE, in as many messages as it takes. */
enum mt_err mt_sync_send_have(struct mt_sync *s, struct mt_replica *r);

/* The governance phase: what we have, and what they sent. */
enum mt_err mt_sync_send_gov_have(struct mt_sync *s, struct mt_replica *r);
enum mt_err mt_sync_on_gov_have(struct mt_sync *s, struct mt_replica *r, struct mt_slice message);
enum mt_err mt_sync_on_gov_items(struct mt_sync *s, struct mt_replica *r, struct mt_slice message);

#endif
