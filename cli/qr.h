/* qr: a QR image drawn with half-block characters. */
#ifndef MEENT_QR_H
#define MEENT_QR_H

#include "cli.h"

/* Puts out the image of `text`; a warning on standard error when it cannot be made. */
void mt_qr_put(struct mt_cli *cli, const char *text);

#endif
