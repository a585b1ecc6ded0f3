/* Any file as a configuration: it is read or refused with at least one line that says why, closing
 * it frees what it took, and what was read has the form that is asked of it. */
#include "config.h"
#include "fuzz.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* One file in memory, written anew for each input, and what is said about it. */
struct files {
    int fd;
    char path[64];
    char said[8192];
    FILE *errors;
};

static struct files *files(void) {
    static struct files f = {.fd = -1};
    if (f.fd < 0) {
        f.fd = memfd_create("config", MFD_CLOEXEC);
        NEED(f.fd >= 0);
        (void)snprintf(f.path, sizeof f.path, "/proc/self/fd/%d", f.fd);
        f.errors = fmemopen(f.said, sizeof f.said, "w");
        NEED(f.errors != NULL);
    }
    return &f;
}

static void names(const struct mt_config_list *list) {
    for (size_t i = 0; i < list->n; i++) {
        size_t n = strlen(list->names[i]);
        NEED(n >= 1 && n <= 64 && !strpbrk(list->names[i], ", \t\n"));
        NEED(list->names[i][0] != '@' || n > 1);
    }
}

static void check(const struct mt_config *c) {
    struct mt_hostport hp;
    NEED(c->state_dir && c->socket && c->listen);
    NEED(c->state_dir[0] && c->socket[0] && (!c->store_key || c->store_key[0]));
    NEED(mt_config_hostport(c->listen, true, &hp) == MT_OK);
    NEED(hp.host[0] && hp.port[0]);
    NEED(!c->announce ||
         (mt_config_hostport(c->announce, false, &hp) == MT_OK && !mt_config_is_wildcard(hp.host)));
    names(&c->admin);
    names(&c->write);
    names(&c->personal);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct files *f = files();
    struct mt_config c = {0};
    NEED(ftruncate(f->fd, 0) == 0 && pwrite(f->fd, data, size, 0) == (ssize_t)size);
    rewind(f->errors);
    f->said[0] = 0;
    enum mt_err err = mt_config_read(&c, f->path, f->errors);
    NEED(fflush(f->errors) == 0 || err != MT_OK);
    NEED(err == MT_OK || err == MT_EINVALID);
    NEED((err == MT_OK) == (f->said[0] == 0));
    if (err == MT_OK)
        check(&c);
    mt_config_close(&c);
    return 0;
}
