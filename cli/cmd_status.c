/* status: who we are, how the others are doing, and what to do about what is wrong. */
#include "commands.h"

#include "health.h"
#include "json.h"
#include "limits.h"
#include "records.h"
#include "text.h"
#include "words.h"

#include <stdlib.h>

enum { NAMED_MAX = 3 }; /* peers named in a sum; the rest is counted */

/* Adds " (Wavin, 38)" pieces to a list. */
static void add_name(char **list, size_t count, const char *name, const char *detail) {
    char *safe = mt_text_safe(name ? name : "?", false), *longer;
    if (count > NAMED_MAX)
        longer = mt_text_copy(*list);
    else if (count == NAMED_MAX)
        longer = mt_text_format("%s, …", *list);
    else
        longer = mt_text_format("%s%s%s%s%s", *list, count ? "; " : "", safe, *detail ? ", " : "",
                                detail);
    free(safe);
    free(*list);
    *list = longer;
}

/* Prints pieces of one line, broken before a piece that would stick out. */
struct line {
    struct mt_cli *cli;
    int at;
};

static void put_piece(struct line *l, const char *between, char *take_text) {
    int w = mt_text_width(take_text) + mt_text_width(between);
    if (l->at > 2 && l->at + w > l->cli->width) {
        fprintf(l->cli->out, "%s\n  ", *between == ',' ? "," : "");
        l->at = 2;
        between = "";
    } else if (l->at == 0) {
        between = "";
    }
    fprintf(l->cli->out, "%s%s", between, take_text);
    l->at += w;
    free(take_text);
}

static void end_line(struct line *l) {
    fputc('\n', l->cli->out);
    l->at = 0;
}

struct peers {
    size_t good, lagging, away;
    size_t early; /* of a daemon that started just now: nobody knows yet */
    char *lagging_names, *away_names;
};

static void count_peers(struct mt_cli *cli, const json_t *s, struct peers *out) {
    bool settled = mt_json_int(s, "uptime_s", INT64_MAX) >= MT_SETTLE_MS / 1000;
    const json_t *peers = json_object_get(s, "peers");
    size_t i;
    json_t *p;
    *out = (struct peers){.lagging_names = mt_text_copy(""), .away_names = mt_text_copy("")};
    json_array_foreach(peers, i, p) {
        const char *name = mt_json_str(p, "name"), *seen = mt_json_str(p, "last_seen");
        json_int_t lag = mt_json_int(p, "lag", 0), behind = mt_json_int(p, "behind", 0);
        char detail[MT_WORDS_MAX] = "";
        uint64_t at;
        if (!json_is_true(json_object_get(p, "connected")) && !settled && !seen) {
            out->early++;
        } else if (!json_is_true(json_object_get(p, "connected"))) {
            if (seen && mt_words_parse(seen, &at) && at <= cli->now)
                mt_words_span(cli->lang, cli->now - at, detail);
            add_name(&out->away_names, out->away++, name, detail);
        } else if (lag > 0 || behind > 0) {
            snprintf(detail, sizeof detail, "%lld", (long long)(lag > 0 ? lag : behind));
            add_name(&out->lagging_names, out->lagging++, name, detail);
        } else {
            out->good++;
        }
    }
}

static void put_members(struct mt_cli *cli, const json_t *s) {
    struct peers peers;
    struct line l = {.cli = cli};
    size_t members = json_array_size(json_object_get(s, "members"));
    count_peers(cli, s, &peers);
    /* we are a member too, and up to date with ourselves */
    size_t known = peers.good + peers.lagging + peers.away + peers.early;
    size_t self = members > known ? 1 : 0;
    char *good = mt_text_format(
        ngettext("Members %zu: %zu up to date", "Members %zu: %zu up to date", peers.good + self),
        members, peers.good + self);
    put_piece(&l, "", good);
    if (peers.lagging)
        put_piece(&l, ", ",
                  mt_text_format(ngettext("%zu lags (%s)", "%zu lag (%s)", peers.lagging),
                                 peers.lagging, peers.lagging_names));
    if (peers.away)
        put_piece(
            &l, ", ",
            mt_text_format(ngettext("%zu unreachable (%s)", "%zu unreachable (%s)", peers.away),
                           peers.away, peers.away_names));
    if (peers.early)
        put_piece(
            &l, ", ",
            mt_text_format(ngettext("%zu not reached yet", "%zu not reached yet", peers.early),
                           peers.early));
    end_line(&l);
    free(peers.lagging_names);
    free(peers.away_names);
}

static char *bytes_text(json_int_t n) {
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB"};
    double v = (double)n;
    size_t u = 0;
    for (; v >= 1000 && u + 1 < MT_ARRAY_LEN(units); u++)
        v /= 1000;
    return mt_text_format(u && v < 10 ? "%.1f %s" : "%.0f %s", v, units[u]);
}

static void put_store(struct mt_cli *cli, const json_t *s) {
    static const struct {
        const char *name, *one, *many;
    } kinds[] = {
        {"activity", N_("%lld activity"), N_("%lld activities")},
        {"signup", N_("%lld sign-up"), N_("%lld sign-ups")},
        {"stageplek", N_("%lld place"), N_("%lld places")},
        {"placement", N_("%lld placement"), N_("%lld placements")},
        {"org", N_("%lld organisation"), N_("%lld organisations")},
    };
    struct line l = {.cli = cli};
    const json_t *records = json_object_get(s, "records"), *store = json_object_get(s, "storage");
    for (size_t i = 0; i < MT_ARRAY_LEN(kinds); i++) {
        json_int_t n = mt_json_int(records, kinds[i].name, 0);
        if (n > 0)
            put_piece(&l, " · ",
                      mt_text_format(n == 1 ? _(kinds[i].one) : _(kinds[i].many), (long long)n));
    }
    json_int_t used = mt_json_int(store, "used", -1), map = mt_json_int(store, "map", 0);
    if (used >= 0) {
        char *text = bytes_text(used);
        put_piece(&l, " · ",
                  map > 0 ? mt_text_format(_("storage %s (%.0f%% of its limit)"), text,
                                           100.0 * (double)used / (double)map)
                          : mt_text_format(_("storage %s"), text));
        free(text);
    }
    if (l.at > 0)
        end_line(&l);
}

static void put_health(struct mt_cli *cli, const json_t *health) {
    size_t i;
    json_t *h;
    json_array_foreach(health, i, h) {
        const char *level = mt_json_str(h, "level");
        if (mt_health_is_state(h))
            continue; /* said above already */
        bool error = level && strcmp(level, "error") == 0,
             info = level && strcmp(level, "info") == 0;
        struct line l = {.cli = cli};
        char *text = mt_health_text(h), *more = mt_health_hint(h);
        const char *color = !cli->color || info ? "" : error ? "\033[31m" : "\033[33m";
        fprintf(cli->out, "%s%s%s ", color, info ? "·" : "!", *color ? "\033[0m" : "");
        l.at = 2;
        put_piece(&l, "", mt_text_format("%s.", text));
        if (*more)
            put_piece(&l, " ", mt_text_format(_("Try: %s"), more));
        end_line(&l);
        free(more);
        free(text);
    }
}

static void put_head(struct mt_cli *cli, const json_t *s) {
    const char *own = mt_json_str(json_object_get(s, "organisation"), "name"),
               *region = mt_json_str(json_object_get(s, "region"), "name");
    char *name = mt_text_safe(own ? own : "?", false);
    struct line l = {.cli = cli};
    put_piece(&l, "", mt_text_copy(name));
    free(name);
    if (region) {
        char *safe = mt_text_safe(region, false);
        put_piece(&l, " · ", mt_text_format(_("region %s"), safe));
        free(safe);
    }
    json_int_t up = mt_json_int(s, "uptime_s", -1);
    if (up >= 0) {
        char span[MT_WORDS_MAX];
        mt_words_span(cli->lang, (uint64_t)up, span);
        put_piece(&l, " · ", mt_text_format(_("running for %s"), span));
    }
    end_line(&l);
}

/* Without a region the next step is all there is to say. */
static void put_next(struct mt_cli *cli, const json_t *s) {
    const char *state = mt_json_str(s, "state");
    const json_t *join = json_object_get(s, "join");
    const char *number = mt_json_str(join, "number"), *error = mt_json_str(join, "error"),
               *joining = mt_json_str(join, "state");
    if (joining && strcmp(joining, "refused") == 0)
        return; /* health tells */
    if (state && strcmp(state, "joining") == 0) {
        char *text = number ? mt_text_safe(number, false) : mt_calling_text(error);
        if (number)
            fprintf(cli->out,
                    _("Asked to join; read out by phone: %s\n"
                      "Wait for it with: meent join --wait 600\n"),
                    text);
        else
            fprintf(cli->out, "%s\n", text);
        free(text);
        return;
    }
    fprintf(cli->out, "%s\n",
            _("Not in a region yet. Found one:  meent region create NAME\n"
              "Or join one with a code:         meent join CODE"));
}

MT_COMMAND(status) {
    (void)args;
    json_t *s;
    enum mt_exit status = mt_call(cli, "status", NULL, &s);
    if (status)
        return status;
    if (cli->json) {
        mt_put_json(cli, s);
        return MT_EXIT_OK;
    }
    if (!json_is_object(json_object_get(s, "organisation"))) {
        fprintf(cli->out, "%s\n",
                _("The daemon runs, but knows no organisation yet.\n"
                  "Begin with: meent init NAME --kind KIND"));
    } else {
        put_head(cli, s);
        if (json_is_object(json_object_get(s, "region")))
            put_members(cli, s);
        else
            put_next(cli, s);
        put_store(cli, s);
    }
    put_health(cli, json_object_get(s, "health"));
    json_decref(s);
    return MT_EXIT_OK;
}
