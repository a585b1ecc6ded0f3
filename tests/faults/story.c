#include "story.h"

#include "json.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATIENT_MS = 20000, RESUME_MS = 15000, STOP_MS = 15000 };

void complain(struct place *p, const char *format, ...) {
    size_t n = strlen(p->why);
    va_list ap;
    va_start(ap, format);
    vsnprintf(p->why + n, sizeof p->why - n, format, ap);
    va_end(ap);
    n = strlen(p->why);
    snprintf(p->why + n, sizeof p->why - n, "; ");
}

void phase(struct place *p, unsigned n) {
    atomic_store(&p->fault->now, n);
}

static void keep_id(struct place *p, const json_t *result) {
    const char *id = mt_json_str(result, "id");
    if (!id || strlen(id) >= ID_SIZE || p->n_ids == IDS_MAX)
        give_up("no id");
    memcpy(p->ids[p->n_ids++], id, strlen(id) + 1);
}

bool add(struct place *p, struct org *o, const char *title) {
    json_t *result;
    bool ok = org_call(o, "record.add",
                       json_pack("{s:s,s:{s:s,s:s,s:s,s:s}}", "kind", "activity", "fields", "title",
                                 title, "type", "gastles", "direction", "offer", "host", "Esch"),
                       &result, &p->error);
    if (ok)
        keep_id(p, result);
    else if (org_lives(o))
        p->refused++;
    json_decref(result);
    return ok;
}

bool agree(struct place *p, unsigned ms) {
    uint64_t deadline = now_ms() + ms;
    char a[80], b[80];
    do {
        if (!org_lives(&p->esch) || !org_lives(&p->ding))
            return false;
        org_status(&p->esch, "digest", a, sizeof a);
        org_status(&p->ding, "digest", b, sizeof b);
        if (a[0] && strcmp(a, b) == 0)
            return true;
        nap_ms(8);
    } while (now_ms() < deadline);
    return false;
}

bool is_member(struct org *o, unsigned ms) {
    uint64_t deadline = now_ms() + ms;
    char state[16];
    do {
        org_status(o, "state", state, sizeof state);
        if (strcmp(state, "member") == 0)
            return true;
        nap_ms(8);
    } while (org_lives(o) && now_ms() < deadline);
    return false;
}

/* ---- places ---- */

static void must_call(struct org *o, const char *method, json_t *take_params, json_t **result) {
    struct mt_client_error error;
    if (!org_call(o, method, take_params, result, &error))
        give_up("%s: %s %s", method, error.code, error.text);
}

static void start_both(struct place *p) {
    org_start(&p->esch, NULL);
    org_start(&p->ding, NULL);
    if (!org_answers(&p->esch, PATIENT_MS) || !org_answers(&p->ding, PATIENT_MS))
        give_up("the daemons start");
}

static void stop_both(struct place *p) {
    org_end(&p->esch, SIGTERM, STOP_MS);
    org_end(&p->ding, SIGTERM, STOP_MS);
}

static void keep(const struct place *p, const char *where) {
    char at[PATH_SIZE + 8];
    mkdir(where, 0700);
    snprintf(at, sizeof at, "%s/esch", where);
    copy_tree(p->esch.dir, at);
    snprintf(at, sizeof at, "%s/ding", where);
    copy_tree(p->ding.dir, at);
}

/* A founder with its region, and a school that has keys but no region. */
static void make_alone(struct place *p) {
    start_both(p);
    must_call(&p->esch, "init", json_pack("{s:s,s:s}", "name", "Esch", "kind", "vmbo"), NULL);
    must_call(&p->ding, "init", json_pack("{s:s,s:s}", "name", "Ding", "kind", "vmbo"), NULL);
    must_call(&p->esch, "region.create", json_pack("{s:s}", "name", "Meppel"), NULL);
    char n[16] = "";
    for (unsigned i = 0; i < 1000 && atoi(n) < 1; i++, nap_ms(5))
        org_status(&p->esch, "records.endpoint", n, sizeof n);
    stop_both(p);
    keep(p, p->alone);
}

static void make_both(struct place *p) {
    json_t *result;
    char number[16] = "";
    start_both(p);
    must_call(&p->esch, "invite.create", json_pack("{s:s}", "name", "ding"), &result);
    must_call(&p->ding, "join", json_pack("{s:O}", "code", json_object_get(result, "code")), NULL);
    json_decref(result);
    for (unsigned i = 0; i < 1000 && !number[0]; i++, nap_ms(5))
        org_status(&p->ding, "join.number", number, sizeof number);
    must_call(&p->esch, "member.approve", json_pack("{s:s,s:s}", "name", "ding", "number", number),
              NULL);
    if (!is_member(&p->ding, PATIENT_MS) || !agree(p, PATIENT_MS))
        give_up("both are members and agree");
    org_end(&p->ding, SIGTERM, STOP_MS);
    for (unsigned i = 0; i < 3; i++)
        if (!add(p, &p->esch, "Vooraf"))
            give_up("esch writes");
    org_end(&p->esch, SIGTERM, STOP_MS);
    org_start(&p->ding, NULL);
    if (!org_answers(&p->ding, PATIENT_MS))
        give_up("ding starts");
    for (unsigned i = 0; i < 3; i++)
        if (!add(p, &p->ding, "Vooraf"))
            give_up("ding writes");
    org_end(&p->ding, SIGTERM, STOP_MS);
    keep(p, p->both);
}

static void write_csv(struct place *p) {
    FILE *f = fopen(p->csv, "w");
    if (!f)
        give_up("%s: %s", p->csv, strerror(errno));
    fputs("titel;soort;vraag/aanbod;organisatie\n", f);
    for (int i = 0; i < IMPORTED; i++)
        fprintf(f, "Invoer %d;workshop;vraag;Esch\n", i);
    fclose(f);
}

static void map_fault(struct place *p) {
    int fd = open(p->control, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || ftruncate(fd, sizeof *p->fault) != 0)
        give_up("%s: %s", p->control, strerror(errno));
    p->fault = mmap(NULL, sizeof *p->fault, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (p->fault == MAP_FAILED)
        give_up("%s: %s", p->control, strerror(errno));
    close(fd);
}

void place_open(struct place *p, const struct tools *tools, const char *dir, unsigned number) {
    char at[PATH_SIZE], listen[40];
    *p = (struct place){.tools = tools};
    snprintf(p->dir, sizeof p->dir, "%s/%u", dir, number);
    snprintf(p->alone, sizeof p->alone, "%s/%u/alone", dir, number);
    snprintf(p->both, sizeof p->both, "%s/%u/both", dir, number);
    snprintf(p->control, sizeof p->control, "%s/%u/fault", dir, number);
    snprintf(p->csv, sizeof p->csv, "%s/%u/import.csv", dir, number);
    mkdir(p->dir, 0700);
    map_fault(p);
    unsigned own = (unsigned)getpid() % 250 + 2; /* an address that nobody else listens on */
    snprintf(at, sizeof at, "%s/%u/esch", dir, number);
    org_init(&p->esch, tools, at, "Esch", "vmbo");
    snprintf(listen, sizeof listen, "127.%u.%u.1:7473", own, number + 1);
    org_make(&p->esch, listen);
    snprintf(at, sizeof at, "%s/%u/ding", dir, number);
    org_init(&p->ding, tools, at, "Ding", "vmbo");
    snprintf(listen, sizeof listen, "127.%u.%u.2:7473", own, number + 1);
    org_make(&p->ding, listen);
    write_csv(p);
    make_alone(p);
    make_both(p);
}

void place_close(struct place *p) {
    org_end(&p->esch, SIGKILL, 1000);
    org_end(&p->ding, SIGKILL, 1000);
    munmap(p->fault, sizeof *p->fault);
    remove_tree(p->dir);
}

/* ---- a story ---- */

void put_back(struct place *p, bool both) {
    char at[PATH_SIZE + 8];
    const char *from = both ? p->both : p->alone;
    org_end(&p->esch, SIGKILL, 1000);
    org_end(&p->ding, SIGKILL, 1000);
    remove_tree(p->esch.dir);
    remove_tree(p->ding.dir);
    snprintf(at, sizeof at, "%s/esch", from);
    copy_tree(at, p->esch.dir);
    snprintf(at, sizeof at, "%s/ding", from);
    copy_tree(at, p->ding.dir);
    unlink(p->esch.log);
    unlink(p->ding.log);
    same_installation(&p->esch);
    same_installation(&p->ding);
}

/* `dir`: what counts as our own files. */
void story_reset(struct place *p, const struct fault_plan *plan, const char *dir) {
    p->n_ids = p->refused = 0;
    p->initialised = p->founded = p->imported = p->approved = p->resumed = false;
    p->ended = 0;
    p->why[0] = p->number[0] = 0;
    /* the sites of allocations are large, and only looked at where they were asked for */
    memset(p->fault, 0, offsetof(struct fault, site));
    p->fault->plan = *plan;
    snprintf(p->fault->dir, sizeof p->fault->dir, "%s", dir);
}

/* Whether health says that nothing can be written; a store that cannot even be read answers so. */
static bool status_names_it(struct org *o) {
    struct mt_client_error error;
    json_t *status, *line;
    size_t i;
    bool named = false;
    if (!org_call(o, "status", NULL, &status, &error))
        return strcmp(error.code, "io") == 0 || strcmp(error.code, "no-space") == 0;
    json_array_foreach(json_object_get(status, "health"), i, line) {
        const char *code = mt_json_str(line, "code");
        named |= code && (strcmp(code, "disk-error") == 0 || strcmp(code, "disk-full") == 0 ||
                          strcmp(code, "read-only") == 0);
    }
    json_decref(status);
    return named;
}

/* While a fault lasts the daemon says so; when it has gone the daemon goes on by itself. */
static void resume(struct place *p, const struct scene *scene) {
    const struct fault *f = p->fault;
    bool of_store = strstr(f->what, "/state/store/") != NULL;
    if (f->plan.lasting && of_store && p->refused > 0 && f->plan.kind == FAULT_DISK &&
        !status_names_it(p->hit) && org_lives(p->hit)) {
        char health[512];
        org_status(p->hit, "health", health, sizeof health);
        complain(p, "status does not show it: %s", health);
    }
    atomic_store(&p->fault->over, true);
    uint64_t deadline = now_ms() + RESUME_MS;
    unsigned refused = p->refused;
    bool written = !scene->both;
    while (!written && org_lives(p->hit) && now_ms() < deadline) {
        written = add(p, p->hit, "Daarna");
        if (!written)
            nap_ms(20);
    }
    p->refused = refused;
    if (!org_lives(p->hit))
        return;
    p->resumed = written;
    if (!written)
        complain(p, "it does not write once the fault has gone: %s %s", p->error.code,
                 p->error.text);
    else if (scene->both && org_lives(p->other) && !agree(p, RESUME_MS))
        complain(p, "no agreement without a restart");
    else if (scene->both && status_names_it(p->hit))
        complain(p, "status still shows it");
}

/* How the faulty daemon took it. */
static void judge(struct place *p) {
    const struct fault *f = p->fault;
    bool struck = atomic_load(&f->struck) > 0;
    bool log_hit = strcmp(f->what, "log") == 0;
    switch (p->ended) {
    case 0:
        break;
    case 1:
        if (!struck)
            complain(p, "it ended without a fault");
        else if (!org_log_lines(p->hit, " error ") && !org_log_lines(p->hit, "meentd: ") &&
                 !log_hit)
            complain(p, "it ended without a word");
        break;
    case 128 + SIGKILL:
        if (f->plan.kind != FAULT_KILL)
            complain(p, "it was killed");
        break;
    case 127: /* the loader */
        break;
    case ENDED_ODDLY:
        complain(p, "it did not end");
        break;
    default:
        complain(p, p->ended > 128 ? "it ended by signal %d" : "it ended with %d",
                 p->ended > 128 ? p->ended - 128 : p->ended);
    }
    bool named = org_log_lines(p->hit, " error ") || org_log_lines(p->hit, " warning ");
    if (struck && p->refused > 0 && f->plan.kind != FAULT_KILL &&
        strstr(f->what, "/state/store/") && !named)
        complain(p, "refused without a line in the log");
}

/* Each organisation writes in one chain: more would be those of installations that were given up. */
static void check_chains(struct place *p) {
    uint64_t deadline = now_ms() + PATIENT_MS;
    char chains[16];
    do {
        nap_ms(5);
        org_status(&p->esch, "chains.region", chains, sizeof chains);
    } while (strcmp(chains, "1") == 0 && now_ms() < deadline);
    if (strcmp(chains, "2") != 0)
        complain(p, "%s chains", chains);
}

static bool is_listed(const json_t *records, const char *id) {
    size_t i;
    json_t *record;
    json_array_foreach((json_t *)records, i, record) {
        const char *found = mt_json_str(record, "id");
        if (found && strcmp(found, id) == 0)
            return true;
    }
    return false;
}

static void check_records(struct place *p, struct org *o) {
    struct mt_client_error error;
    json_t *answer, *records, *record;
    size_t i, workshops = 0;
    if (!org_call(o, "record.list", json_pack("{s:s,s:i}", "kind", "activity", "limit", 500),
                  &answer, &error)) {
        complain(p, "no list: %s %s", error.code, error.text);
        return;
    }
    records = json_object_get(answer, "records");
    for (i = 0; i < p->n_ids; i++)
        if (!is_listed(records, p->ids[i]))
            complain(p, "%s lost %s", o->name, p->ids[i]);
    json_array_foreach(records, i, record) {
        const char *type = mt_json_str(record, "type");
        workshops += type && strcmp(type, "workshop") == 0;
    }
    if (p->imported && workshops != IMPORTED)
        complain(p, "%zu of %d imported", workshops, IMPORTED);
    json_decref(answer);
}

static void check_store(struct place *p, struct org *o) {
    struct mt_client_error error;
    json_t *answer = NULL;
    if (!org_call(o, "verify", NULL, &answer, &error))
        complain(p, "%s does not verify: %s %s", o->name, error.code, error.text);
    else if (!json_is_true(json_object_get(answer, "equal")))
        complain(p, "%s verifies unequal", o->name);
    json_decref(answer);
    if (status_names_it(o))
        complain(p, "%s: status names a fault", o->name);
}

/* After a restart without fault. */
static void check_sound(struct place *p, const struct scene *scene) {
    if (!org_lives(p->other))
        org_start(p->other, NULL);
    org_start(p->hit, NULL);
    if (!org_answers(p->hit, PATIENT_MS) || !org_answers(p->other, PATIENT_MS)) {
        complain(p, "it does not start again");
        return;
    }
    scene->sound(p);
    if (is_member(&p->esch, 0) && is_member(&p->ding, 0)) {
        check_chains(p);
        if (!agree(p, PATIENT_MS))
            complain(p, "no agreement");
        check_records(p, &p->ding);
    }
    if (is_member(&p->esch, 0)) {
        check_records(p, &p->esch);
        check_store(p, &p->esch);
    }
    int a = org_end(p->hit, SIGTERM, STOP_MS), b = org_end(p->other, SIGTERM, STOP_MS);
    if (a != 0 || b != 0)
        complain(p, "after all they ended with %d and %d", a, b);
}

void story_run(struct place *p, const struct scene *scene, const struct fault_plan *plan) {
    if (scene->argv) {
        client_run(p, scene, plan);
        return;
    }
    p->hit = scene->second_is_hit ? &p->ding : &p->esch;
    p->other = scene->second_is_hit ? &p->esch : &p->ding;
    put_back(p, scene->both);
    story_reset(p, plan, p->hit->state);
    unsigned stop = 0;
    while (stop + 1 < FAULT_PHASES && scene->phases[stop + 1])
        stop++;
    scene->tell(p);
    if (plan->phase < stop && org_lives(p->hit))
        resume(p, scene);
    phase(p, stop);
    p->ended = org_lives(p->hit) ? org_end(p->hit, SIGTERM, STOP_MS) : p->hit->ended;
    if (!atomic_load(&p->fault->loaded))
        complain(p, "the fault was not loaded");
    judge(p);
    check_sound(p, scene);
}
