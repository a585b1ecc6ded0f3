/* log: one line per event on stderr, "event key=value ..." (daemon layer 0).
 *
 * Under systemd a line begins with its level for the journal, elsewhere with the time. Never log
 * secrets or personal data. Control characters become '?', so that text from outside cannot forge a
 * line. Call from any thread. */
#ifndef MEENT_LOG_H
#define MEENT_LOG_H

#include <stdbool.h>

/* Numbers are those of syslog. */
enum mt_log_level { MT_LOG_ERROR = 3, MT_LOG_WARNING = 4, MT_LOG_INFO = 6, MT_LOG_DEBUG = 7 };

/* Sets where lines go and the least important level that is written. Before it is called: stderr,
 * MT_LOG_INFO, with the time in front. Call before other threads exist. */
void mt_log_init(int fd, enum mt_log_level level, bool journal);

/* True when stderr is the systemd journal. */
bool mt_log_is_journal(void);

/* Writes `event` and, when `format` is not empty, a space and the formatted pairs. A line holds at
 * most 1024 bytes; what is longer is cut. */
void mt_log(enum mt_log_level level, const char *event, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
