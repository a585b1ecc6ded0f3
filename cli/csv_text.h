/* csv_text: the bytes of a spreadsheet file as UTF-8 text with LF, and what separates its cells. */
#ifndef MEENT_CSV_TEXT_H
#define MEENT_CSV_TEXT_H

#include "csv_pool.h"
#include "err.h"

enum csv_encoding { CSV_UTF8, CSV_WINDOWS_1252, CSV_UTF16LE, CSV_UTF16BE };

/* Turns a whole file into UTF-8 without byte order mark; CRLF and CR become LF. What is no valid
 * UTF-8 and has no mark is windows-1252, as spreadsheets in the Netherlands write it.
 * Out: `*text` lives in `pool`. Errors: MT_ENOMEM. */
MT_MUST enum mt_err csv_text_decode(struct csv_pool *pool, struct mt_slice bytes,
                                    enum csv_encoding *encoding, struct mt_slice *text);

/* Finds the delimiter, ';' ',' or tab: the one the first record has most of outside quotes. A
 * line "sep=;" before it decides, and is cut off `text`; `*lines_cut` says whether. */
char csv_text_delimiter(struct mt_slice *text, uint32_t *lines_cut);

#endif
