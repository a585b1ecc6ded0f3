/* contact list|show|add|edit. */
#include "commands.h"

#include "json.h"
#include "records.h"
#include "text.h"

#include <stdlib.h>

enum { MAIL_WIDTH = 30 };

/* The labels of the roles, or the function. Owns: the caller. */
static char *work_of(const struct mt_cli *cli, const json_t *r) {
    const struct mt_field *f = mt_schema_field(mt_schema_kind(MT_KIND_CONTACT), MT_CONTACT_ROLES);
    const char *function = mt_json_str(r, "function");
    json_t *roles = json_object_get(r, "roles"), *role;
    size_t i;
    char *out = mt_text_copy("");
    json_array_foreach(roles, i, role) {
        const char *word = json_string_value(role);
        const struct mt_vocab_entry *e = word ? mt_vocab_named(f->vocab, mt_slice_str(word)) : NULL;
        char *longer = mt_text_format("%s%s%s", out, i ? "; " : "",
                                      e      ? e->label[cli->lang]
                                      : word ? word
                                             : "?");
        free(out);
        out = longer;
    }
    if (*out || !function)
        return out;
    free(out);
    return mt_text_copy(function);
}

static void row(struct mt_cli *cli, struct mt_table *t, const json_t *r) {
    char *work = work_of(cli, r);
    const char *org = mt_json_ref(r, "org");
    const char *cells[] = {mt_short_id(r),          mt_json_str(r, "name"),
                           *work ? work : NULL,     org ? org : mt_json_ref(r, "owner"),
                           mt_json_str(r, "phone"), mt_json_str(r, "mail")};
    mt_table_add(t, cells);
    free(work);
}

/* An address that is cut short is of no use, so where they are not long other columns give way. */
static bool is_short(const json_t *records, const char *field) {
    size_t i;
    json_t *r;
    json_array_foreach((json_t *)records, i, r) {
        const char *text = mt_json_str(r, field);
        if (text && mt_text_width(text) > MAIL_WIDTH)
            return false;
    }
    return true;
}

MT_COMMAND(contact_list) {
    json_t *records;
    enum mt_exit status = mt_list_given(cli, args, "contact", &records);
    if (status)
        return status;
    const struct mt_column columns[] = {
        {_("ID"), 0},
        {_("NAME"), MT_COLUMN_FLEX},
        {_("ROLE"), MT_COLUMN_FLEX | MT_COLUMN_YIELD},
        {_("AT"), MT_COLUMN_FLEX | MT_COLUMN_YIELD},
        {_("PHONE"), 0},
        {_("MAIL"), is_short(records, "mail") ? 0 : MT_COLUMN_FLEX},
    };
    return mt_show_rows(cli, records, columns, MT_ARRAY_LEN(columns), row,
                        _("No contact persons found. To enter one: meent contact add --help"));
}

MT_COMMAND(contact_show) {
    return mt_show_one(cli, MT_KIND_CONTACT, args->words[0]);
}

MT_COMMAND(contact_add) {
    return mt_add(cli, args, MT_KIND_CONTACT,
                  _("Contact person %s added; all members see these details.\n"));
}

MT_COMMAND(contact_edit) {
    return mt_edit(cli, args, MT_KIND_CONTACT, args->words[0], _("Contact person %s changed.\n"));
}
