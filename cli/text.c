#include "text.h"

#include "cli.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <unistd.h>
#include <utf8proc.h>

enum { DISTANCE_WORD_MAX = 40 }; /* longer words are not compared */

void *mt_must(void *p) {
    if (p)
        return p;
    const char *text = _("out of memory");
    const struct iovec line[] = {
        {(void *)"meent: ", 7}, {(void *)text, strlen(text)}, {(void *)"\n", 1}};
    ssize_t ignored = writev(STDERR_FILENO, line, MT_ARRAY_LEN(line));
    (void)ignored;
    _exit(MT_EXIT_FAILED);
}

char *mt_text_copy(const char *text) {
    return mt_must(strdup(text));
}

char *mt_text_format(const char *fmt, ...) {
    va_list ap;
    char *out = NULL;
    va_start(ap, fmt);
    int n = vasprintf(&out, fmt, ap);
    va_end(ap);
    return mt_must(n < 0 ? NULL : out);
}

/* Takes one code point off the front of `s`; an invalid byte gives -1 and length 1. */
static utf8proc_int32_t next(const char *s, size_t *len) {
    utf8proc_int32_t c;
    utf8proc_ssize_t n = utf8proc_iterate((const utf8proc_uint8_t *)s, -1, &c);
    *len = n > 0 ? (size_t)n : 1;
    return n > 0 ? c : -1;
}

static bool steers(utf8proc_int32_t c) {
    if (c < 0x20 || (c >= 0x7f && c < 0xa0))
        return true;
    return (c >= 0x200b && c <= 0x200f && c != 0x200d) || (c >= 0x2028 && c <= 0x202e) ||
           (c >= 0x2060 && c <= 0x206f) || c == 0x061c || c == 0xfeff ||
           (c >= 0xfff9 && c <= 0xfffb) || (c >= 0xe0000 && c <= 0xe0fff);
}

char *mt_text_safe(const char *text, bool lines) {
    size_t cap = strlen(text) * 4 + 1, n = 0, len; /* at most four bytes for one */
    cap = cap < 16 ? 16 : cap;
    char *out = mt_must(malloc(cap + 16));
    for (const char *p = text; *p; p += len) {
        utf8proc_int32_t c = next(p, &len);
        if (c == '\n' || c == '\t' || (c == '\r' && p[1] == '\n')) {
            if (c != '\r')
                out[n++] = c == '\n' && lines ? '\n' : ' ';
        } else if (c < 0 || (steers(c) && c < 0x100)) {
            n += (size_t)sprintf(out + n, "\\x%02x", c < 0 ? (unsigned char)*p : (unsigned)c);
        } else if (steers(c)) {
            n += (size_t)sprintf(out + n, "\\u%04x", (unsigned)c);
        } else {
            memcpy(out + n, p, len);
            n += len;
        }
    }
    out[n] = '\0';
    return out;
}

/* Length in bytes and width in columns of the first letter with its marks. */
static size_t cluster(const char *s, int *width) {
    size_t n, len;
    utf8proc_int32_t state = 0, c = next(s, &n);
    *width = c < 0 ? 1 : utf8proc_charwidth(c);
    while (s[n]) {
        utf8proc_int32_t d = next(s + n, &len);
        if (c < 0 || d < 0 || utf8proc_grapheme_break_stateful(c, d, &state))
            break;
        int w = utf8proc_charwidth(d);
        *width = w > *width ? w : *width;
        c = d;
        n += len;
    }
    return n;
}

int mt_text_width(const char *text) {
    int width = 0, w;
    for (; *text; width += w)
        text += cluster(text, &w);
    return width;
}

char *mt_text_shorten(const char *text, int width) {
    if (mt_text_width(text) <= width)
        return mt_text_copy(text);
    int used = 0, w;
    const char *p = text;
    for (;;) {
        size_t len = cluster(p, &w);
        if (used + w > width - 1)
            break;
        used += w;
        p += len;
    }
    while (p > text && p[-1] == ' ')
        p--;
    return mt_text_format("%.*s%s", (int)(p - text), text, width > 0 ? "…" : "");
}

char *mt_text_fold(const char *text) {
    utf8proc_uint8_t *folded;
    utf8proc_ssize_t size = utf8proc_map((const utf8proc_uint8_t *)text, 0, &folded,
                                         UTF8PROC_NULLTERM | UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT |
                                             UTF8PROC_CASEFOLD | UTF8PROC_STRIPMARK);
    if (size < 0) /* not UTF-8 */
        return mt_text_copy("");
    char *out = mt_must(malloc(strlen((char *)folded) + 1));
    size_t n = 0;
    for (const utf8proc_uint8_t *p = folded; *p; p++) {
        if (*p >= 0x80) /* what is left of marks, and letters no flag has */
            continue;
        if (*p == '\'') /* "thema's" */
            continue;
        bool letter = (*p >= 'a' && *p <= 'z') || (*p >= '0' && *p <= '9');
        if (letter)
            out[n++] = (char)*p;
        else if (n > 0 && out[n - 1] != '-')
            out[n++] = '-';
    }
    while (n > 0 && out[n - 1] == '-')
        n--;
    out[n] = '\0';
    free(folded);
    return out;
}

static unsigned min3(unsigned a, unsigned b, unsigned c) {
    unsigned m = a < b ? a : b;
    return m < c ? m : c;
}

unsigned mt_text_distance(const char *a, const char *b) {
    size_t n = strlen(a), m = strlen(b);
    if (n > DISTANCE_WORD_MAX || m > DISTANCE_WORD_MAX)
        return DISTANCE_WORD_MAX;
    unsigned d[DISTANCE_WORD_MAX + 1][DISTANCE_WORD_MAX + 1];
    for (size_t i = 0; i <= n; i++)
        d[i][0] = (unsigned)i;
    for (size_t j = 0; j <= m; j++)
        d[0][j] = (unsigned)j;
    for (size_t i = 1; i <= n; i++) {
        for (size_t j = 1; j <= m; j++) {
            unsigned other = a[i - 1] != b[j - 1];
            d[i][j] = min3(d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + other);
            bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
            if (swapped && d[i - 2][j - 2] + 1 < d[i][j])
                d[i][j] = d[i - 2][j - 2] + 1;
        }
    }
    return d[n][m];
}

bool mt_text_close(const char *word, unsigned edits) {
    size_t n = strlen(word);
    return edits <= (n <= 3 ? 1 : n <= 6 ? 2 : 3) && edits < n;
}
