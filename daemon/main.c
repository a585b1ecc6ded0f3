/* meentd: options, the protection of the process, and the one source of randomness. */
#include "app.h"
#include "key.h"
#include "log.h"

#include <getopt.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static const char default_config[] = MEENT_SYSCONFDIR "/meent/meentd.conf";

static const char help_text[] =
    "meentd - share activities and placements in a region\n"
    "\n"
    "  meentd                           run with " MEENT_SYSCONFDIR "/meent/meentd.conf\n"
    "  meentd --config FILE             run with another configuration\n"
    "  meentd --config FILE --check-config\n"
    "  meentd --config FILE --check-start\n"
    "\n"
    "  -c, --config FILE   configuration; without one, and without the file above, the defaults\n"
    "      --check-config  tell the mistakes in the configuration and end\n"
    "      --check-start   tell what would keep it from starting and end; as root: for the account\n"
    "                      that the state directory belongs to\n"
    "  -h, --help          this text\n"
    "  -V, --version       the version\n"
    "\n"
    "It stays in the foreground, logs to stderr and ends on SIGTERM. People use it through meent(1).\n";

struct options {
    const char *config;
    bool check, check_start;
};

/* 0: go on, else 1 + the exit status. */
static int read_options(int argc, char **argv, struct options *o) {
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'}, {"check-config", no_argument, NULL, 'k'},
        {"check-start", no_argument, NULL, 's'},  {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'V'},      {NULL, 0, NULL, 0}};
    int c;
    while ((c = getopt_long(argc, argv, "c:hV", options, NULL)) != -1) {
        switch (c) {
        case 'c':
            o->config = optarg;
            break;
        case 'k':
            o->check = true;
            break;
        case 's':
            o->check_start = true;
            break;
        case 'h':
            fputs(help_text, stdout);
            return 1;
        case 'V':
            puts("meentd " MEENT_VERSION);
            return 1;
        default:
            fputs("Try meentd --help\n", stderr);
            return 3;
        }
    }
    if (optind < argc) {
        fprintf(stderr, "meentd: unexpected argument '%s'\nTry meentd --help\n", argv[optind]);
        return 3;
    }
    if (o->check && o->check_start) {
        fputs("meentd: either --check-config or --check-start\nTry meentd --help\n", stderr);
        return 3;
    }
    if (!o->config && access(default_config, F_OK) == 0)
        o->config = default_config;
    return 0;
}

/* Secrets never reach a core file, nor another process of the same account. */
static void protect_process(void) {
    struct rlimit none = {0, 0};
    umask(0077);
    (void)setrlimit(RLIMIT_CORE, &none);
    (void)prctl(PR_SET_DUMPABLE, 0);
    signal(SIGPIPE, SIG_IGN);
}

static int check(const struct mt_config *config, const char *path) {
    printf("%s: no mistakes\n", path ? path : "defaults");
    struct mt_hostport hp;
    if (!config->announce && mt_config_hostport(config->listen, true, &hp) == MT_OK &&
        mt_config_is_wildcard(hp.host))
        printf(
            "note: without 'announce' others cannot be invited, since 'listen' is every address\n");
    return 0;
}

/* The account the daemon runs as is the one that owns its state, and what root may read says little
 * about what that account may. Returns false when it cannot be become. */
static bool become_owner(const char *state_dir) {
    struct stat st;
    if (geteuid() != 0 || stat(state_dir, &st) != 0 || st.st_uid == 0)
        return true;
    const struct passwd *pw = getpwuid(st.st_uid);
    gid_t gid = pw ? pw->pw_gid : st.st_gid;
    if ((pw ? initgroups(pw->pw_name, gid) : setgroups(0, NULL)) != 0)
        return false;
    return setgid(gid) == 0 && setuid(st.st_uid) == 0;
}

static int check_start(struct mt_config *config, const char *path) {
    if (!become_owner(config->state_dir)) {
        fputs("meentd: cannot become the owner of the state directory\n", stderr);
        return 1;
    }
    mt_config_close(config);
    if (mt_config_read(config, path, stderr) != MT_OK) {
        fputs("meentd: the configuration was not used\n", stderr);
        return 1;
    }
    int status = mt_app_check(config, randombytes_buf);
    if (status == 0)
        puts("nothing keeps it from starting");
    return status;
}

int main(int argc, char **argv) {
    struct options o = {.config = NULL};
    int done = read_options(argc, argv, &o);
    if (done)
        return done - 1;
    protect_process();
    mt_log_init(STDERR_FILENO, getenv("MEENT_DEBUG") ? MT_LOG_DEBUG : MT_LOG_INFO,
                mt_log_is_journal());
    struct mt_config config;
    int status = 1;
    if (mt_config_read(&config, o.config, stderr) != MT_OK)
        fputs("meentd: the configuration was not used\n", stderr);
    else if (o.check)
        status = check(&config, o.config);
    else if (mt_key_init() != MT_OK)
        mt_log(MT_LOG_ERROR, "start_failed", "step=crypto");
    else if (o.check_start)
        status = check_start(&config, o.config);
    else
        status = mt_app_run(&config, randombytes_buf);
    mt_config_close(&config);
    return status;
}
