/* ctl_cmd_doctor: what only the daemon can see of the machine it runs on. What is wrong with the
 * region and the links is in the health lines of the status. */
#include "ctl_cmd_internal.h"

#include <sys/statvfs.h>

static void put_disk(struct cmd *c, struct mt_put *p) {
    struct statvfs disk;
    struct mt_put one;
    if (!c->env->state_dir || statvfs(c->env->state_dir, &disk)) {
        mt_put_nil(p, "disk");
        return;
    }
    mt_put_map(&one, mt_put_key(p, "disk"));
    mt_put_str(&one, "path", c->env->state_dir);
    mt_put_uint(&one, "free", (uint64_t)disk.f_bavail * disk.f_frsize);
    mt_put_uint(&one, "total", (uint64_t)disk.f_blocks * disk.f_frsize);
    /* of some file systems these are unknown: then both are 0 */
    mt_put_uint(&one, "files_free", disk.f_favail);
    mt_put_uint(&one, "files_total", disk.f_files);
    mt_put_map_end(&one);
}

enum mt_err cmd_doctor(struct cmd *c) {
    struct mt_put p, rights;
    mt_put_map(&p, &c->out);
    put_disk(c, &p);
    mt_put_map(&rights, mt_put_key(&p, "access"));
    mt_put_bool(&rights, "admin", c->access & MT_ACCESS_ADMIN);
    mt_put_bool(&rights, "write", c->access & MT_ACCESS_WRITE);
    mt_put_bool(&rights, "personal", c->access & MT_ACCESS_PERSONAL);
    mt_put_map_end(&rights);
    mt_put_map_end(&p);
    return MT_OK;
}
