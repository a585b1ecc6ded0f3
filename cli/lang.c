#include "lang.h"

#include <limits.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#ifndef MEENT_LOCALEDIR
#define MEENT_LOCALEDIR "/usr/share/locale"
#endif

static bool speaks(const char *value, const char *code) {
    if (strncmp(value, code, 2) != 0)
        return false;
    return value[2] == '\0' || value[2] == '_' || value[2] == '-' || value[2] == '.' ||
           value[2] == '@' || value[2] == ':';
}

bool mt_lang_choose(const char *flag, enum mt_lang *out) {
    static const char *const names[] = {"MEENT_LANG", "LC_ALL", "LC_MESSAGES", "LANG"};
    *out = MT_LANG_EN;
    const char *value = flag;
    for (size_t i = 0; !value && i < MT_ARRAY_LEN(names); i++) {
        const char *v = getenv(names[i]);
        value = v && *v ? v : NULL;
    }
    if (value && speaks(value, "nl"))
        *out = MT_LANG_NL;
    return !flag || *out == MT_LANG_NL || speaks(flag, "en");
}

static bool beside_program(char *out, size_t cap) {
    char path[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
    if (n <= 0)
        return false;
    path[n] = '\0';
    char *slash = strrchr(path, '/');
    if (!slash)
        return false;
    *slash = '\0';
    int len = snprintf(out, cap, "%s/locale", path);
    return len > 0 && (size_t)len < cap && access(out, R_OK | X_OK) == 0;
}

void mt_lang_use(enum mt_lang lang) {
    /* A locale that was never generated falls back to "C", in which gettext translates nothing and
     * no letter outside ASCII prints; C.UTF-8 is always there, and LANGUAGE picks the texts. Only the
     * two categories that are used are read: each is a file. */
    if (!setlocale(LC_CTYPE, "C.UTF-8"))
        setlocale(LC_CTYPE, "");
    if (!setlocale(LC_MESSAGES, "C.UTF-8"))
        setlocale(LC_MESSAGES, "");
    setenv("LANGUAGE", lang == MT_LANG_NL ? "nl" : "en", 1);
    char dir[PATH_MAX + 16];
    const char *given = getenv("MEENT_LOCALEDIR");
    if (given && *given)
        bindtextdomain("meent", given);
    else
        bindtextdomain("meent", beside_program(dir, sizeof dir) ? dir : MEENT_LOCALEDIR);
    bind_textdomain_codeset("meent", "UTF-8");
    textdomain("meent");
}
