/* err: the one list of error codes, their class and their text (layer 0). */
#ifndef MEENT_ERR_H
#define MEENT_ERR_H

/* Whose fault an error is decides what happens: close the link, report to the user, or abort. */
enum mt_err_class { MT_CLASS_NONE, MT_CLASS_PEER, MT_CLASS_LOCAL, MT_CLASS_BUG };

/* X(symbol, class, code as scripts see it, text) */
#define MT_ERR_MAP(X)                                                                              \
    X(MT_OK, NONE, "ok", "success")                                                                \
    X(MT_EAGAIN, NONE, "again", "more bytes are needed")                                           \
    X(MT_ETRUNCATED, PEER, "truncated", "the bytes end too early")                                 \
    X(MT_ECANONICAL, PEER, "not-canonical", "the bytes are not in canonical form")                 \
    X(MT_ETYPE, PEER, "type", "a value has the wrong type")                                        \
    X(MT_ETOOLONG, PEER, "too-long", "something is longer than its limit")                         \
    X(MT_ETOODEEP, PEER, "too-deep", "values are nested deeper than the limit")                    \
    X(MT_ETRAILING, PEER, "trailing", "bytes follow the end")                                      \
    X(MT_EVALUE, PEER, "value", "a value is outside its range")                                    \
    X(MT_EVERSION, PEER, "version", "no version in common")                                        \
    X(MT_ESIGNATURE, PEER, "signature", "a signature does not verify")                             \
    X(MT_EDECRYPT, PEER, "decrypt", "sealed bytes do not open")                                    \
    X(MT_EPSK, PEER, "psk", "the other side does not hold a key of this region")                   \
    X(MT_ECERTIFICATE, PEER, "certificate", "the installation certificate is not valid")           \
    X(MT_ETIMEOUT, PEER, "timeout", "the other side did not answer in time")                       \
    X(MT_EPROTOCOL, PEER, "protocol", "a message came where it is not allowed")                    \
    X(MT_ECHAIN, PEER, "chain", "an entry does not fit its chain")                                 \
    X(MT_EFORK, PEER, "fork", "two different entries claim the same place")                        \
    X(MT_EMEMBER, PEER, "member", "the organisation is not a member")                              \
    X(MT_EUNKNOWN, PEER, "unknown", "it refers to something unknown")                              \
    X(MT_EDUPLICATE, NONE, "duplicate", "it is known already")                                     \
    X(MT_EFULL, LOCAL, "full", "a limit of this installation is reached")                          \
    X(MT_ENOTFOUND, LOCAL, "not-found", "there is no such thing")                                  \
    X(MT_EAMBIGUOUS, LOCAL, "ambiguous", "the name fits several things")                           \
    X(MT_ECONFLICT, LOCAL, "conflict", "it contradicts what is there")                             \
    X(MT_EDENIED, LOCAL, "denied", "this user may not do that")                                    \
    X(MT_EINVALID, LOCAL, "invalid", "the input is not valid")                                     \
    X(MT_ESTATE, LOCAL, "state", "that is not possible now")                                       \
    X(MT_ENOKEY, LOCAL, "no-key", "no key is at hand to read or write this")                       \
    X(MT_ENOMEM, LOCAL, "no-memory", "out of memory")                                              \
    X(MT_EIO, LOCAL, "io", "reading or writing failed")                                            \
    X(MT_ENOSPACE, LOCAL, "no-space", "the disk or the store is full")                             \
    X(MT_ECORRUPT, LOCAL, "corrupt", "stored bytes are damaged")                                   \
    X(MT_EREADONLY, LOCAL, "read-only", "changes are refused until there is space again")          \
    X(MT_EUNREACHABLE, LOCAL, "unreachable", "no connection to that address")                      \
    X(MT_EREFUSED, LOCAL, "refused", "nobody listens at that address")                             \
    X(MT_ENOANSWER, LOCAL, "no-answer", "nothing comes back from that address")                    \
    X(MT_EBUG, BUG, "bug", "a defect in meent itself")

enum mt_err {
#define X(symbol, class, code, text) symbol,
    MT_ERR_MAP(X)
#undef X
        MT_ERR_COUNT
};

/* The short stable code of `err`, as in "no-space". Never NULL. */
const char *mt_err_code(enum mt_err err);

/* One English sentence part for `err`. Never NULL. */
const char *mt_err_text(enum mt_err err);

/* Whose fault `err` is. */
enum mt_err_class mt_err_class(enum mt_err err);

#endif
