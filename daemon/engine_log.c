#include "engine_log.h"

#include "log.h"

#include <inttypes.h>

void mt_engine_log(const struct mt_log_line *l) {
    char org[17] = "-";
    if (!mt_id_is_zero(&l->org))
        mt_hex(org, l->org.b, 8);
    enum mt_log_level level = mt_err_class(l->err) == MT_CLASS_NONE  ? MT_LOG_INFO
                              : mt_err_class(l->err) == MT_CLASS_BUG ? MT_LOG_ERROR
                                                                     : MT_LOG_WARNING;
    mt_log(level, l->event, "org=%s conn=%" PRIx64 " number=%" PRIu64 " err=%s", org, l->conn,
           l->number, mt_err_code(l->err));
}
