#include "ctl_server.h"

#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

enum { GROUPS_MAX = 256, NSS_BYTES = 64 * 1024 };

/* A user as the account database knows him. */
struct user {
    const char *name; /* NULL: not known */
    gid_t groups[GROUPS_MAX + 1];
    int n_groups;
};

static bool is_in(const struct user *u, gid_t gid) {
    for (int i = 0; i < u->n_groups; i++)
        if (u->groups[i] == gid)
            return true;
    return false;
}

static bool is_listed(const struct mt_config_list *list, const struct user *u, char *b) {
    for (size_t i = 0; i < list->n; i++) {
        const char *name = list->names[i];
        struct group group, *found = NULL;
        if (name[0] != '@') {
            if (u->name && strcmp(u->name, name) == 0)
                return true;
        } else if (getgrnam_r(name + 1, &group, b, NSS_BYTES, &found) == 0 && found &&
                   is_in(u, found->gr_gid)) {
            return true;
        }
    }
    return false;
}

/* Needs a buffer for the user, whose name stays in it, and one for each group looked up. */
static unsigned look_up(const struct mt_config *config, uid_t uid, gid_t gid, char *b) {
    struct user u = {.n_groups = 0};
    struct passwd pw, *found = NULL;
    if (getpwuid_r(uid, &pw, b, NSS_BYTES, &found) == 0 && found) {
        u.name = pw.pw_name;
        u.n_groups = GROUPS_MAX;
        if (getgrouplist(pw.pw_name, pw.pw_gid, u.groups, &u.n_groups) < 0)
            u.n_groups = GROUPS_MAX; /* the first ones count */
    }
    u.groups[u.n_groups++] = gid;
    char *scratch = b + NSS_BYTES;
    if (is_listed(&config->admin, &u, scratch))
        return MT_ACCESS_ADMIN | MT_ACCESS_WRITE | MT_ACCESS_PERSONAL;
    unsigned access = 0;
    if (is_listed(&config->write, &u, scratch))
        access |= MT_ACCESS_WRITE;
    if (is_listed(&config->personal, &u, scratch))
        access |= MT_ACCESS_PERSONAL;
    return access;
}

unsigned mt_ctl_access(const struct mt_config *config, uid_t uid, gid_t gid) {
    if (uid == 0 || uid == geteuid())
        return MT_ACCESS_ADMIN | MT_ACCESS_WRITE | MT_ACCESS_PERSONAL;
    char *b = malloc(2 * NSS_BYTES);
    if (!b)
        return 0;
    unsigned access = look_up(config, uid, gid, b);
    free(b);
    return access;
}
