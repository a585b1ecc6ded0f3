/* ctl_cmd_doctor: what only the daemon can see of the machine it runs on. What is wrong with the
 * region and the links is in the health lines of the status. */
#include "ctl_cmd_internal.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/statvfs.h>

enum { DESCRIPTORS_COUNTED_MAX = 4096, KILOBYTE = 1024 };

static void put_disk(struct cmd *c, struct mt_put *p) {
    struct statvfs disk;
    struct mt_put one;
    if (!c->env->state_dir) {
        mt_put_nil(p, "disk");
        return;
    }
    mt_put_map(&one, mt_put_key(p, "disk"));
    mt_put_str(&one, "path", c->env->state_dir);
    if (statvfs(c->env->state_dir, &disk)) {
        mt_put_bool(&one, "gone", true);
        mt_put_map_end(&one);
        return;
    }
    mt_put_bool(&one, "read_only", disk.f_flag & ST_RDONLY);
    mt_put_uint(&one, "free", (uint64_t)disk.f_bavail * disk.f_frsize);
    mt_put_uint(&one, "total", (uint64_t)disk.f_blocks * disk.f_frsize);
    /* of some file systems these are unknown: then both are 0 */
    mt_put_uint(&one, "files_free", disk.f_favail);
    mt_put_uint(&one, "files_total", disk.f_files);
    mt_put_map_end(&one);
}

static void put_descriptors(struct mt_put *p) {
    struct rlimit limit;
    struct mt_put one;
    uint64_t open = 0;
    if (getrlimit(RLIMIT_NOFILE, &limit)) {
        mt_put_nil(p, "descriptors");
        return;
    }
    for (int fd = 0; fd < DESCRIPTORS_COUNTED_MAX && (rlim_t)fd < limit.rlim_cur; fd++)
        open += fcntl(fd, F_GETFD) >= 0;
    mt_put_map(&one, mt_put_key(p, "descriptors"));
    mt_put_uint(&one, "open", open);
    mt_put_uint(&one, "max", limit.rlim_cur);
    mt_put_map_end(&one);
}

/* Bytes the machine can still give, and those the process may have; nil: not known, no limit. */
static void put_memory(struct mt_put *p) {
    FILE *f = fopen("/proc/meminfo", "re");
    char line[128];
    unsigned long long kb = 0;
    struct rlimit limit;
    struct mt_put one;
    while (f && fgets(line, sizeof line, f))
        if (sscanf(line, "MemAvailable: %llu", &kb) == 1)
            break;
    if (f)
        (void)fclose(f);
    mt_put_map(&one, mt_put_key(p, "memory"));
    if (kb)
        mt_put_uint(&one, "available", kb * KILOBYTE);
    else
        mt_put_nil(&one, "available");
    if (getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY)
        mt_put_uint(&one, "limit", limit.rlim_cur);
    else
        mt_put_nil(&one, "limit");
    mt_put_map_end(&one);
}

enum mt_err cmd_doctor(struct cmd *c) {
    struct mt_put p, rights;
    mt_put_map(&p, &c->out);
    put_disk(c, &p);
    put_descriptors(&p);
    put_memory(&p);
    mt_put_map(&rights, mt_put_key(&p, "access"));
    mt_put_bool(&rights, "admin", c->access & MT_ACCESS_ADMIN);
    mt_put_bool(&rights, "write", c->access & MT_ACCESS_WRITE);
    mt_put_bool(&rights, "personal", c->access & MT_ACCESS_PERSONAL);
    mt_put_map_end(&rights);
    mt_put_map_end(&p);
    return MT_OK;
}
