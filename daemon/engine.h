/* engine: feeds the node its events and carries out its effects (daemon layer 3). */
#ifndef MEENT_ENGINE_H
#define MEENT_ENGINE_H

#include "conn.h"
#include "node.h"
#include "store.h"

struct mt_engine;

struct mt_engine_config {
    uv_loop_t *loop;
    struct mt_store *store;    /* open; borrowed */
    struct mt_conn_pool *pool; /* borrowed */
    const char *announce;      /* address put into codes and records; "" when not known */
    const char *installation;  /* path of the file that ties the replica to this machine */
    void (*random)(void *out, size_t n); /* unpredictable bytes */
};

/* Makes the engine and its node, and loads what the store holds. Borrows what `config` points at.
 * Errors: MT_ENOMEM, MT_EIO, MT_ECORRUPT, MT_EVERSION. */
MT_MUST enum mt_err mt_engine_new(struct mt_engine **out, const struct mt_engine_config *config);

/* Starts the node. Errors: those of mt_node_start. */
MT_MUST enum mt_err mt_engine_start(struct mt_engine *e);

/* An accepted connection; fits mt_listener_start. */
void mt_engine_accept(void *engine, struct mt_conn *take_c, const char *source);

/* Called with the answer to a command, on a later turn of the loop, never inside the call that
 * gave it. `reply` lives during the call. */
typedef void (*mt_reply_fn)(void *arg, enum mt_err err, const struct mt_reply *reply);

/* Gives the node a command; its `request` is set here. What it points at is borrowed during the call.
 * `fn` is called exactly once, unless this returns an error: MT_ENOMEM, MT_ESTATE (stopping). */
MT_MUST enum mt_err mt_engine_command(struct mt_engine *e, struct mt_command *command,
                                      mt_reply_fn fn, void *arg);

/* Has `fn` called at start and after records changed, on a later turn; changes of one turn count as
 * one. At most 4 of them. Errors: MT_EFULL. */
MT_MUST enum mt_err mt_engine_on_changed(struct mt_engine *e, void (*fn)(void *arg), void *arg);

/* Tells the node an address, as mt_node_address, and lets it act on it. */
MT_MUST enum mt_err mt_engine_address(struct mt_engine *e, const struct mt_id *org,
                                      struct mt_slice address);

/* Borrowed until mt_engine_free. What the node shows is valid until the loop goes on. */
const struct mt_node *mt_engine_node(const struct mt_engine *e);
struct mt_store *mt_engine_store(const struct mt_engine *e);

/* Why the last batch was not made durable; MT_OK when it was. */
enum mt_err mt_engine_degraded(const struct mt_engine *e);

/* Takes no more commands, bytes and connections, waits for the batch that is away and its replies,
 * answers the commands that are left with MT_ESTATE, then calls `on_quiet`. */
void mt_engine_stop(struct mt_engine *e, void (*on_quiet)(void *arg), void *arg);

/* Closes connections (what was sent still leaves) and handles; run the loop to its end afterwards. */
void mt_engine_close(struct mt_engine *e);

/* After the loop has ended. NULL is fine. */
void mt_engine_free(struct mt_engine *e);

#endif
