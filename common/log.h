/* One log, for people: lines on stderr and, when a run has a directory, in its volley.log.
 * Called by the orchestrator and its scout only. Workers never log: what they have to say goes into struct err.
 * Nothing here is called between the start barrier and the end of a worker's loop. */
#ifndef COMMON_LOG_H
#define COMMON_LOG_H

#include <stdbool.h>

#include "common/err.h"

enum log_level { LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG };

/* Lines up to this level go to stderr (default LOG_WARNING). */
void log_set_level(enum log_level level);

/* Also appends every line, whatever its level, to the file of this path. One file at a time;
 * NULL closes it. A link is not followed, and no regular file not written to: E_USAGE. */
MUST_USE enum err_code log_to_file(const char *path, struct err *err);

/* False once a line could not be written to such a file, which ended it. */
bool log_file_complete(void);

/* The descriptor of that file, -1: none; for a child that closes all others. */
int log_file_fd(void);

/* Writes one line "volley: text" (stderr) or "<UTC time> [LEVEL] text" (file). A progress line
 * that stands unfinished on the terminal is ended first (see log_progress_line). */
void log_line(enum log_level level, const char *format, ...) PRINTF_LIKE(2, 3);

/* Tells the log how many columns of the terminal an unfinished progress line takes; 0: there is none. */
void log_progress_line(unsigned columns);
/* Whether it still stands: a line of the log ends it, results take it away. */
bool log_progress_stands(void);
/* Takes that line off the terminal again: results are about to be printed where it stands. */
void log_wipe_progress(void);

/* Who is told of each line that goes to stderr, too, since that cannot be seen now; NULL: nobody. Its state outlives that. */
void log_tell(void (*hear)(void *state, enum log_level level, const char *text), void *state);

/* "error" "warning" "info" "debug", any case, also "critical" (as error) -> level. False: unknown. */
MUST_USE bool log_level_parse(enum log_level *level, const char *text);

#endif
