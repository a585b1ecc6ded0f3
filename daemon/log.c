#include "log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 1024 };

/* The one piece of state at file scope in the project: every module logs, and handing a log around
 * would put it into every signature. Written once, before threads exist. */
static struct {
    int fd;
    enum mt_log_level level;
    bool journal;
} state = {.fd = STDERR_FILENO, .level = MT_LOG_INFO};

void mt_log_init(int fd, enum mt_log_level level, bool journal) {
    state.fd = fd;
    state.level = level;
    state.journal = journal;
}

bool mt_log_is_journal(void) {
    const char *stream = getenv("JOURNAL_STREAM"); /* "device:inode" of the journal's socket */
    unsigned long long device, inode;
    struct stat st;
    char end;
    return stream && sscanf(stream, "%llu:%llu%c", &device, &inode, &end) == 2 &&
           fstat(STDERR_FILENO, &st) == 0 && st.st_dev == device && st.st_ino == inode;
}

static const char *level_name(enum mt_log_level level) {
    return level == MT_LOG_ERROR ? "error " : level == MT_LOG_WARNING ? "warning " : "";
}

/* Bytes that snprintf has put into `room` bytes. */
static size_t written(int n, size_t room) {
    return n < 0 || room == 0 ? 0 : (size_t)n < room ? (size_t)n : room - 1;
}

static size_t put_prefix(char *line, size_t room, enum mt_log_level level) {
    if (state.journal)
        return written(snprintf(line, room, "<%d>", (int)level), room);
    struct timespec now;
    struct tm tm;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &tm);
    size_t n = strftime(line, room, "%Y-%m-%dT%H:%M:%S", &tm);
    return n + written(snprintf(line + n, room - n, ".%03ldZ %s", now.tv_nsec / 1000000,
                                level_name(level)),
                       room - n);
}

void mt_log(enum mt_log_level level, const char *event, const char *format, ...) {
    if (level > state.level)
        return;
    char line[LINE_MAX_BYTES];
    size_t room = sizeof line - 1; /* the newline */
    size_t n = put_prefix(line, room, level);
    n += written(snprintf(line + n, room - n, "%s%s", event, format[0] ? " " : ""), room - n);
    va_list args;
    va_start(args, format);
    n += written(vsnprintf(line + n, room - n, format, args), room - n);
    va_end(args);
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
            line[i] = '?';
    line[n++] = '\n';
    /* Nobody is left to tell when this fails. */
    ssize_t ignored = write(state.fd, line, n);
    (void)ignored;
}
