/* Any file as a configuration: it is read or refused, and closing it frees what it took. */
#include "config.h"

#include <stdlib.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char path[] = "/tmp/fuzz_config.XXXXXX";
    int fd = mkstemp(path);
    FILE *nowhere = fopen("/dev/null", "w");
    if (fd < 0 || !nowhere)
        abort();
    if (write(fd, data, size) == (ssize_t)size) {
        struct mt_config c = {0};
        if (mt_config_read(&c, path, nowhere) == MT_OK && !c.state_dir)
            abort();
        mt_config_close(&c);
    }
    close(fd);
    unlink(path);
    fclose(nowhere);
    return 0;
}
