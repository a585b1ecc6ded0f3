#include "qr.h"

#include <qrencode.h>

enum { QUIET = 2 }; /* light modules around it */

static bool dark(const QRcode *q, int x, int y) {
    if (x < 0 || y < 0 || x >= q->width || y >= q->width)
        return false;
    return q->data[y * q->width + x] & 1;
}

/* Two rows of modules per line. Light is drawn and dark left out, as on a dark terminal; in colour
 * black and white are set, so that it reads on any. */
void mt_qr_put(struct mt_cli *cli, const char *text) {
    QRcode *q = QRcode_encodeString(text, 0, QR_ECLEVEL_L, QR_MODE_8, 0);
    if (!q) {
        fprintf(cli->err, "%s\n", _("The QR image could not be made; use the code."));
        return;
    }
    for (int y = -QUIET; y < q->width + QUIET; y += 2) {
        fputs(cli->color ? "\033[97;40m" : "", cli->out);
        for (int x = -QUIET; x < q->width + QUIET; x++) {
            bool top = !dark(q, x, y), bottom = !dark(q, x, y + 1) && y + 1 < q->width + QUIET;
            fputs(top ? (bottom ? "█" : "▀") : (bottom ? "▄" : " "), cli->out);
        }
        fputs(cli->color ? "\033[0m\n" : "\n", cli->out);
    }
    QRcode_free(q);
}
