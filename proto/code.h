/* code: invitation codes as people copy them, bech32m with the prefix "meent" (layer 1).
 * https://github.com/bitcoin/bips/blob/master/bip-0350.mediawiki */
#ifndef MEENT_CODE_H
#define MEENT_CODE_H

#include "buf.h"

enum {
    MT_CODE_DATA_MAX = 320, /* bytes a code carries */
    MT_CODE_TEXT_MAX = 6 + (MT_CODE_DATA_MAX * 8 + 4) / 5 + 6,
};

/* Writes `data` as upper-case "MEENT1...". Errors: MT_ETOOLONG, in `w` too. */
MT_MUST enum mt_err mt_code_put(struct mt_writer *w, struct mt_slice data);

/* Reads a code in one case, blanks around it allowed.
 * Errors: MT_EVALUE (no such code, mixed case, wrong checksum), MT_ETOOLONG. */
MT_MUST enum mt_err mt_code_get(struct mt_slice text, struct mt_writer *data);

#endif
