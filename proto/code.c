#include "code.h"

enum { CHECKSUM = 6, BECH32M = 0x2bc830a3 };

static const char ALPHABET[] = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
static const char PREFIX[] = "meent";

static uint32_t step(uint32_t sum, uint8_t value) {
    static const uint32_t GENERATOR[5] = {0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd,
                                          0x2a1462b3};
    uint32_t top = sum >> 25;
    sum = (sum & 0x1ffffff) << 5 ^ value;
    for (int i = 0; i < 5; i++)
        if (top >> i & 1)
            sum ^= GENERATOR[i];
    return sum;
}

static uint32_t step_prefix(void) {
    uint32_t sum = 1;
    for (const char *p = PREFIX; *p; p++)
        sum = step(sum, (uint8_t)(*p >> 5));
    sum = step(sum, 0);
    for (const char *p = PREFIX; *p; p++)
        sum = step(sum, (uint8_t)(*p & 31));
    return sum;
}

static char upper(char c) {
    return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

static void put_char(struct mt_writer *w, char c) {
    mt_writer_u8(w, (uint8_t)upper(c));
}

static uint32_t put_value(struct mt_writer *w, uint32_t sum, uint32_t value) {
    put_char(w, ALPHABET[value & 31]);
    return step(sum, value & 31);
}

enum mt_err mt_code_put(struct mt_writer *w, struct mt_slice data) {
    uint32_t sum = step_prefix(), held = 0;
    int bits = 0;
    if (data.n > MT_CODE_DATA_MAX)
        return MT_ETOOLONG;
    for (const char *p = PREFIX; *p; p++)
        put_char(w, *p);
    put_char(w, '1');
    for (size_t i = 0; i < data.n; i++) {
        held = held << 8 | data.p[i];
        for (bits += 8; bits >= 5; bits -= 5)
            sum = put_value(w, sum, held >> (bits - 5));
    }
    if (bits)
        sum = put_value(w, sum, held << (5 - bits));
    for (int i = 0; i < CHECKSUM; i++)
        sum = step(sum, 0);
    sum ^= BECH32M;
    for (int i = 0; i < CHECKSUM; i++)
        put_char(w, ALPHABET[sum >> 5 * (5 - i) & 31]);
    return w->err;
}

/* 0..31, or -1. Tells through `cases` which cases were seen: 1 lower, 2 upper. */
static int value_of(uint8_t c, unsigned *cases) {
    if (c >= 'A' && c <= 'Z') {
        *cases |= 2;
        c = (uint8_t)(c - 'A' + 'a');
    } else if (c >= 'a' && c <= 'z') {
        *cases |= 1;
    }
    const char *at = c ? strchr(ALPHABET, c) : NULL;
    return at ? (int)(at - ALPHABET) : -1;
}

static bool has_prefix(struct mt_slice text, unsigned *cases) {
    for (size_t i = 0; i < sizeof PREFIX - 1; i++) {
        char c = (char)text.p[i];
        if (c == PREFIX[i])
            *cases |= 1;
        else if (c == upper(PREFIX[i]))
            *cases |= 2;
        else
            return false;
    }
    return text.p[sizeof PREFIX - 1] == '1';
}

static struct mt_slice trim(struct mt_slice s) {
    while (s.n && s.p[0] <= ' ')
        s = mt_slice(s.p + 1, s.n - 1);
    while (s.n && s.p[s.n - 1] <= ' ')
        s.n--;
    return s;
}

enum mt_err mt_code_get(struct mt_slice text, struct mt_writer *data) {
    unsigned cases = 0;
    uint32_t sum = step_prefix(), held = 0;
    int bits = 0;
    text = trim(text);
    if (text.n > MT_CODE_TEXT_MAX)
        return MT_ETOOLONG;
    if (text.n < sizeof PREFIX + CHECKSUM || !has_prefix(text, &cases))
        return MT_EVALUE;
    for (size_t i = sizeof PREFIX; i < text.n; i++) {
        int v = value_of(text.p[i], &cases);
        if (v < 0)
            return MT_EVALUE;
        sum = step(sum, (uint8_t)v);
        if (i >= text.n - CHECKSUM)
            continue;
        held = held << 5 | (uint32_t)v;
        bits += 5;
        if (bits >= 8) {
            bits -= 8;
            mt_writer_u8(data, (uint8_t)(held >> bits));
        }
    }
    if (sum != BECH32M || cases == 3 || bits >= 5 || (held & ((1u << bits) - 1)))
        return MT_EVALUE;
    return data->err;
}
