/* What large batches leave to do, for when there is time. */
#include "store_merge.h"
#include "store_recent.h"

enum { KEPT_BYTES = 1024 * 1024 /* of batches whose memory may be kept for the next */ };

static enum mt_err fold_once(struct mt_store *s, bool *more) {
    struct mt_txn t;
    enum mt_err err = mt_store_grow(s, STORE_ROOM);
    if (err)
        return err;
    mt_txn_begin(&t, s, true);
    bool has_any = t.err == MT_OK && mt_txn_count(&t, T_RECENT) > 0;
    *more = has_any && mt_recent_fold(&t, RECENT_FOLD_KEYS);
    err = mt_txn_end(&t, has_any);
    err = mt_store_after(s, err, t.map_full);
    *more = *more || err == MT_EAGAIN;
    return err == MT_EAGAIN ? MT_OK : err;
}

/* LMDB keeps the pages of its largest transaction for the next one, until it is closed. */
static enum mt_err let_go(struct mt_store *s) {
    struct mt_scratch *fresh = mt_scratch_new();
    if (fresh) {
        mt_scratch_free(s->work);
        s->work = fresh;
    }
    s->bytes_written = 0;
    return mt_store_renew(s);
}

enum mt_err mt_store_tidy(struct mt_store *s, bool *more) {
    *more = false;
    enum mt_err err = fold_once(s, more);
    if (err == MT_OK && !*more && s->bytes_written > KEPT_BYTES)
        err = let_go(s);
    return err;
}
