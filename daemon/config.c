#include "config.h"

#include "limits.h"

#include <ctype.h>
#include <errno.h>
#include <ini.h>
#include <stdlib.h>
#include <string.h>

enum { NAMES_MAX = 256, NAME_LEN_MAX = 64 };

enum key {
    KEY_STATE_DIR,
    KEY_SOCKET,
    KEY_LISTEN,
    KEY_ANNOUNCE,
    KEY_STORE_KEY,
    KEY_ADMIN,
    KEY_WRITE,
    KEY_PERSONAL,
    KEY_COUNT
};

static const struct {
    const char *section, *name;
} keys[KEY_COUNT] = {
    [KEY_STATE_DIR] = {"node", "state_dir"}, [KEY_SOCKET] = {"node", "socket"},
    [KEY_LISTEN] = {"node", "listen"},       [KEY_ANNOUNCE] = {"node", "announce"},
    [KEY_STORE_KEY] = {"node", "store_key"}, [KEY_ADMIN] = {"access", "admin"},
    [KEY_WRITE] = {"access", "write"},       [KEY_PERSONAL] = {"access", "personal"},
};

/* One reading of one file. */
struct parse {
    struct mt_config *c;
    const char *path;
    FILE *in, *errors;
    unsigned line;
    bool indented; /* the current line goes on with the value before it */
    bool too_long; /* the current line did not fit and was dropped */
    unsigned mistakes;
    bool seen[KEY_COUNT];
    enum mt_err err; /* MT_ENOMEM */
};

static void mistake(struct parse *p, unsigned line, const char *text, const char *value,
                    const char *hint) {
    p->mistakes++;
    fprintf(p->errors, "%s:%u: %s", p->path, line, text);
    if (value)
        fprintf(p->errors, " '%s'", value);
    if (hint)
        fprintf(p->errors, " (did you mean '%s'?)", hint);
    fputc('\n', p->errors);
}

/* ---- the nearest name, for typing mistakes ---- */

static unsigned min3(unsigned a, unsigned b, unsigned c) {
    unsigned m = a < b ? a : b;
    return m < c ? m : c;
}

/* Insertions, deletions and replacements between two names of at most 31 bytes; 99 when longer. */
static unsigned distance(const char *a, const char *b) {
    unsigned row[32];
    size_t na = strlen(a), nb = strlen(b);
    if (na > 31 || nb > 31)
        return 99;
    for (unsigned j = 0; j <= nb; j++)
        row[j] = j;
    for (unsigned i = 1; i <= na; i++) {
        unsigned corner = row[0];
        row[0] = i;
        for (unsigned j = 1; j <= nb; j++) {
            unsigned above = row[j];
            row[j] = min3(above + 1, row[j - 1] + 1, corner + (a[i - 1] != b[j - 1]));
            corner = above;
        }
    }
    return row[nb];
}

static const char *nearest(const char *section, const char *name) {
    const char *best = NULL;
    unsigned best_distance = 4;
    for (size_t i = 0; i < KEY_COUNT; i++) {
        unsigned d = distance(name, keys[i].name) + (strcmp(section, keys[i].section) != 0);
        if (d < best_distance && d < strlen(keys[i].name)) {
            best_distance = d;
            best = keys[i].name;
        }
    }
    return best;
}

static const char *nearest_section(const char *section) {
    return distance(section, "node") <= 2     ? "node"
           : distance(section, "access") <= 3 ? "access"
                                              : NULL;
}

/* ---- values ---- */

static void set_text(struct parse *p, char **to, const char *value) {
    free(*to);
    *to = strdup(value);
    if (!*to)
        p->err = MT_ENOMEM;
}

/* Paths are relative to the directory of the file, wherever the daemon was started. */
static void set_path(struct parse *p, char **to, const char *value) {
    const char *slash = strrchr(p->path, '/');
    if (value[0] == '/' || !slash) {
        set_text(p, to, value);
        return;
    }
    size_t dir = (size_t)(slash - p->path) + 1, n = strlen(value);
    free(*to);
    *to = malloc(dir + n + 1);
    if (!*to) {
        p->err = MT_ENOMEM;
        return;
    }
    memcpy(*to, p->path, dir);
    memcpy(*to + dir, value, n + 1);
}

static void free_list(struct mt_config_list *list) {
    for (size_t i = 0; i < list->n; i++)
        free(list->names[i]);
    free(list->names);
    *list = (struct mt_config_list){.names = NULL};
}

static enum mt_err add_name(struct mt_config_list *list, const char *name, size_t n) {
    if (list->n == NAMES_MAX || n > NAME_LEN_MAX || n == 0 || (n == 1 && name[0] == '@'))
        return MT_EVALUE;
    char **names = realloc(list->names, (list->n + 1) * sizeof *names);
    if (!names)
        return MT_ENOMEM;
    list->names = names;
    names[list->n] = strndup(name, n);
    if (!names[list->n])
        return MT_ENOMEM;
    list->n++;
    return MT_OK;
}

static void add_names(struct parse *p, struct mt_config_list *list, const char *value) {
    static const char separators[] = ", \t";
    while (*(value += strspn(value, separators))) {
        size_t n = strcspn(value, separators);
        enum mt_err err = add_name(list, value, n);
        if (err == MT_EVALUE)
            mistake(p, p->line, "not an account or @group, or too many of them:", value, NULL);
        if (err != MT_OK) {
            p->err = err == MT_ENOMEM ? err : p->err;
            return;
        }
        value += n;
    }
}

static void set_hostport(struct parse *p, char **to, const char *value, bool zero_ok) {
    struct mt_hostport hp;
    if (mt_config_hostport(value, zero_ok, &hp) != MT_OK)
        mistake(p, p->line,
                "not an address with a port, as in meent.example:7473 or [::]:7473:", value, NULL);
    else if (!zero_ok && mt_config_is_wildcard(hp.host))
        mistake(p, p->line, "others cannot connect to every address at once:", value, NULL);
    else
        set_text(p, to, value);
}

static void set_value(struct parse *p, enum key key, const char *value) {
    struct mt_config *c = p->c;
    switch (key) {
    case KEY_STATE_DIR:
        set_path(p, &c->state_dir, value);
        break;
    case KEY_SOCKET:
        set_path(p, &c->socket, value);
        break;
    case KEY_STORE_KEY:
        set_path(p, &c->store_key, value);
        break;
    case KEY_LISTEN:
        set_hostport(p, &c->listen, value, true);
        break;
    case KEY_ANNOUNCE:
        set_hostport(p, &c->announce, value, false);
        break;
    case KEY_ADMIN:
        add_names(p, &c->admin, value);
        break;
    case KEY_WRITE:
        add_names(p, &c->write, value);
        break;
    case KEY_PERSONAL:
        add_names(p, &c->personal, value);
        break;
    case KEY_COUNT:
        break;
    }
}

/* ---- the file ---- */

static bool is_key(size_t i, const char *section, const char *name) {
    return strcmp(keys[i].section, section) == 0 && strcmp(keys[i].name, name) == 0;
}

static int handle(void *user, const char *section, const char *name, const char *value) {
    struct parse *p = user;
    size_t i = 0;
    while (i < KEY_COUNT && !is_key(i, section, name))
        i++;
    if (i == KEY_COUNT) {
        if (strcmp(section, "node") != 0 && strcmp(section, "access") != 0)
            mistake(p, p->line, section[0] ? "unknown section" : "no section stands before",
                    section[0] ? section : name, section[0] ? nearest_section(section) : NULL);
        else
            mistake(p, p->line, "unknown key", name, nearest(section, name));
        return 1;
    }
    bool list = i >= KEY_ADMIN;
    if (p->seen[i] && !(list && p->indented)) {
        mistake(p, p->line, p->indented ? "this value takes one line:" : "given twice:", name,
                NULL);
        return 1;
    }
    if (list && !p->seen[i]) /* what is given replaces the default */
        free_list(i == KEY_ADMIN ? &p->c->admin : i == KEY_WRITE ? &p->c->write : &p->c->personal);
    p->seen[i] = true;
    if (!list && !value[0])
        mistake(p, p->line, "no value for", name, NULL);
    else
        set_value(p, (enum key)i, value);
    return 1;
}

/* fgets for inih, which does not tell the handler in which line it is. */
static char *read_line(char *line, int room, void *stream) {
    struct parse *p = stream;
    if (!fgets(line, room, p->in))
        return NULL;
    p->line++;
    p->indented = line[0] == ' ' || line[0] == '\t';
    size_t n = strlen(line);
    if (n + 1 < (size_t)room || line[n - 1] == '\n')
        return line;
    int c = getc(p->in);
    if (c == EOF)
        return line;
    mistake(p, p->line, "the line is too long; lists may go on in the next line, indented", NULL,
            NULL);
    while (c != '\n' && c != EOF)
        c = getc(p->in);
    line[0] = '\n';
    line[1] = 0;
    return line;
}

static enum mt_err set_defaults(struct mt_config *c) {
    *c = (struct mt_config){.state_dir = strdup(MT_CONFIG_STATE_DIR),
                            .socket = strdup(MT_CONFIG_SOCKET),
                            .listen = strdup(MT_CONFIG_LISTEN)};
    if (!c->state_dir || !c->socket || !c->listen)
        return MT_ENOMEM;
    enum mt_err err = add_name(&c->admin, "root", 4);
    return err == MT_OK ? add_name(&c->write, "@meent", 6) : err;
}

enum mt_err mt_config_read(struct mt_config *c, const char *path, FILE *errors) {
    enum mt_err err = set_defaults(c);
    if (err != MT_OK || !path)
        return err;
    struct parse p = {.c = c, .path = path, .errors = errors, .err = MT_OK};
    p.in = fopen(path, "re");
    if (!p.in) {
        err = errno == ENOENT ? MT_ENOTFOUND : MT_EIO;
        fprintf(errors, "%s: %s\n", path, strerror(errno));
        return err;
    }
    int bad_line = ini_parse_stream(read_line, &p, handle, &p);
    if (bad_line > 0 && p.err == MT_OK)
        mistake(&p, (unsigned)bad_line, "neither [section] nor key = value", NULL, NULL);
    if (ferror(p.in)) {
        fprintf(errors, "%s: %s\n", path, strerror(errno));
        p.err = MT_EIO;
    }
    fclose(p.in);
    if (p.err == MT_OK && p.mistakes > 0)
        p.err = MT_EINVALID;
    return p.err;
}

void mt_config_close(struct mt_config *c) {
    free(c->state_dir);
    free(c->socket);
    free(c->listen);
    free(c->announce);
    free(c->store_key);
    free_list(&c->admin);
    free_list(&c->write);
    free_list(&c->personal);
    *c = (struct mt_config){.state_dir = NULL};
}

enum mt_err mt_config_hostport(const char *text, bool zero_ok, struct mt_hostport *out) {
    const char *colon = strrchr(text, ':');
    if (!colon || strlen(text) > MT_ADDRESS_MAX)
        return MT_EVALUE;
    size_t n = (size_t)(colon - text), digits = strspn(colon + 1, "0123456789");
    if (digits == 0 || digits > 5 || colon[1 + digits])
        return MT_EVALUE;
    unsigned long port = strtoul(colon + 1, NULL, 10);
    if (port > 65535 || (port == 0 && !zero_ok))
        return MT_EVALUE;
    bool bracketed = n > 2 && text[0] == '[' && text[n - 1] == ']';
    if (bracketed) {
        text++;
        n -= 2;
    }
    if (n == 0 || n >= sizeof out->host || (!bracketed && memchr(text, ':', n)))
        return MT_EVALUE;
    for (size_t i = 0; i < n; i++)
        if (!isgraph((unsigned char)text[i]) || text[i] == '[' || text[i] == ']')
            return MT_EVALUE;
    memcpy(out->host, text, n);
    out->host[n] = 0;
    memcpy(out->port, colon + 1, digits + 1);
    return MT_OK;
}

bool mt_config_is_wildcard(const char *host) {
    return strcmp(host, "::") == 0 || strcmp(host, "0.0.0.0") == 0 || strcmp(host, "*") == 0;
}
