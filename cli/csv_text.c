#include "csv_text.h"

#include "wire.h"

/* What windows-1252 has where Latin-1 has C1 controls. Its five holes stay controls, so that a
 * cell with one is refused as text. */
static const uint16_t cp1252[32] = {
    0x20ac, 0x0081, 0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021, 0x02c6, 0x2030, 0x0160,
    0x2039, 0x0152, 0x008d, 0x017d, 0x008f, 0x0090, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022,
    0x2013, 0x2014, 0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0x009d, 0x017e, 0x0178,
};

static size_t put_utf8(uint8_t *to, uint32_t c) {
    if (c < 0x80) {
        to[0] = (uint8_t)c;
        return 1;
    }
    if (c < 0x800) {
        to[0] = (uint8_t)(0xc0 | c >> 6);
        to[1] = (uint8_t)(0x80 | (c & 0x3f));
        return 2;
    }
    if (c < 0x10000) {
        to[0] = (uint8_t)(0xe0 | c >> 12);
        to[1] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
        to[2] = (uint8_t)(0x80 | (c & 0x3f));
        return 3;
    }
    to[0] = (uint8_t)(0xf0 | c >> 18);
    to[1] = (uint8_t)(0x80 | (c >> 12 & 0x3f));
    to[2] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
    to[3] = (uint8_t)(0x80 | (c & 0x3f));
    return 4;
}

static size_t from_1252(struct mt_slice in, uint8_t *to) {
    size_t n = 0;
    for (size_t i = 0; i < in.n; i++) {
        uint8_t c = in.p[i];
        n += put_utf8(to + n, c >= 0x80 && c < 0xa0 ? cp1252[c - 0x80] : c);
    }
    return n;
}

static uint32_t unit_at(struct mt_slice in, size_t i, bool big) {
    return big ? mt_load16(in.p + i) : (uint32_t)(in.p[i + 1] << 8 | in.p[i]);
}

/* An odd byte at the end is dropped; a lone surrogate becomes U+FFFD. */
static size_t from_utf16(struct mt_slice in, bool big, uint8_t *to) {
    size_t n = 0;
    for (size_t i = 0; i + 1 < in.n; i += 2) {
        uint32_t c = unit_at(in, i, big);
        if (c >= 0xd800 && c < 0xe000) {
            uint32_t low = c < 0xdc00 && i + 3 < in.n ? unit_at(in, i + 2, big) : 0;
            bool pair = low >= 0xdc00 && low < 0xe000;
            c = pair ? 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00) : 0xfffd;
            if (pair)
                i += 2;
        }
        n += put_utf8(to + n, c);
    }
    return n;
}

static size_t unify_lines(uint8_t *p, size_t n) {
    size_t to = 0;
    for (size_t i = 0; i < n; i++) {
        if (p[i] == '\r' && i + 1 < n && p[i + 1] == '\n')
            continue;
        p[to++] = p[i] == '\r' ? '\n' : p[i];
    }
    return to;
}

static bool starts_with(struct mt_slice s, const char *bytes, size_t n) {
    return s.n >= n && memcmp(s.p, bytes, n) == 0;
}

enum mt_err csv_text_decode(struct csv_pool *pool, struct mt_slice bytes,
                            enum csv_encoding *encoding, struct mt_slice *text) {
    size_t mark = 0;
    *text = mt_slice(NULL, 0);
    if (starts_with(bytes, "\xef\xbb\xbf", 3)) {
        *encoding = CSV_UTF8;
        mark = 3;
    } else if (starts_with(bytes, "\xff\xfe", 2) || starts_with(bytes, "\xfe\xff", 2)) {
        *encoding = bytes.p[0] == 0xff ? CSV_UTF16LE : CSV_UTF16BE;
        mark = 2;
    } else {
        *encoding = mt_utf8_valid(bytes) ? CSV_UTF8 : CSV_WINDOWS_1252;
    }
    bytes = mt_slice(bytes.p + mark, bytes.n - mark);
    /* One byte of windows-1252 becomes three at most, two of UTF-16 three. */
    uint8_t *p = csv_pool_take(pool, *encoding == CSV_UTF8 ? bytes.n : bytes.n * 3);
    if (!p)
        return MT_ENOMEM;
    size_t n = bytes.n;
    if (*encoding == CSV_WINDOWS_1252)
        n = from_1252(bytes, p);
    else if (*encoding != CSV_UTF8)
        n = from_utf16(bytes, *encoding == CSV_UTF16BE, p);
    else if (n)
        memcpy(p, bytes.p, n);
    *text = mt_slice(p, unify_lines(p, n));
    return MT_OK;
}

char csv_text_delimiter(struct mt_slice *text, uint32_t *lines_cut) {
    static const char candidates[] = {';', ',', '\t'};
    size_t count[sizeof candidates] = {0};
    bool quoted = false;
    *lines_cut = 0;
    if (text->n >= 6 && (memcmp(text->p, "sep=", 4) == 0) && text->p[5] == '\n' &&
        memchr(candidates, text->p[4], sizeof candidates)) {
        char stated = (char)text->p[4];
        *text = mt_slice(text->p + 6, text->n - 6);
        *lines_cut = 1;
        return stated;
    }
    for (size_t i = 0; i < text->n && (quoted || text->p[i] != '\n'); i++) {
        if (text->p[i] == '"')
            quoted = !quoted;
        for (size_t c = 0; c < sizeof candidates && !quoted; c++)
            count[c] += text->p[i] == (uint8_t)candidates[c];
    }
    size_t best = 0;
    for (size_t c = 1; c < sizeof candidates; c++)
        if (count[c] > count[best])
            best = c;
    return candidates[best];
}
