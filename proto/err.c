#include "err.h"

struct info {
    enum mt_err_class class;
    const char *code;
    const char *text;
};

static const struct info INFO[MT_ERR_COUNT] = {
#define X(symbol, class, code, text) [symbol] = {MT_CLASS_##class, code, text},
    MT_ERR_MAP(X)
#undef X
};

static const struct info *info(enum mt_err err) {
    return &INFO[(unsigned)err < MT_ERR_COUNT ? err : MT_EBUG];
}

const char *mt_err_code(enum mt_err err) {
    return info(err)->code;
}

const char *mt_err_text(enum mt_err err) {
    return info(err)->text;
}

enum mt_err_class mt_err_class(enum mt_err err) {
    return info(err)->class;
}
