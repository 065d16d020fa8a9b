/* Gives a terminal back as it was, whatever ends or stops the process, and keeps what the process prints meanwhile: standard
 * output and standard error, where they are terminals, go into a file in memory, which follows when the screen is gone. One at
 * a time. Processes that were forked since then do nothing of it. */
#ifndef ORCHESTRATOR_WATCH_TERMINAL_GUARD_H
#define ORCHESTRATOR_WATCH_TERMINAL_GUARD_H

#include <stdbool.h>
#include <stddef.h>

#include "common/err.h"

/* The descriptor of the terminal that a screen can be drawn on, below 0: neither standard output nor error is one. */
int terminal_guard_output(void);

/* Keeps the terminal's settings, installs handlers and diverts what is printed. *screen_fd: of the terminal, for the
 * screen; the guard's. kept_bytes_max: of what is printed, the newest lines. E_SYSTEM: nothing has changed. */
MUST_USE enum err_code terminal_guard_begin(int *screen_fd, size_t kept_bytes_max, struct err *err);
/* Gives up the older lines, which are counted. To be called now and then: what is printed meanwhile is kept. */
void terminal_guard_trim(void);
/* The screen is there: these bytes take it away (they are copied). */
void terminal_guard_arm(const char *leave, size_t leave_bytes);
/* The screen has been closed, or never came: settings, streams and handlers as they were, and what was kept is printed. */
void terminal_guard_end(void);

/* Whether the screen may be drawn: this process is not in the background. */
bool terminal_guard_foreground(void);
/* Whether it takes something now: one that has been halted (Ctrl+S) is not waited for. */
bool terminal_guard_takes(void);
/* Whether the process was stopped, or continued, since the last call, and the screen has to be taken anew. */
bool terminal_guard_returned(void);
/* Stopped, and the screen was not taken anew: whoever has the terminal now must not be disturbed. */
bool terminal_guard_is_away(void);

#endif
