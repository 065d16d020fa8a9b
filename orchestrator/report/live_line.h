/* One line that says how far something is, for people: on a terminal it is written over the one before, as wide as fits
 * at that moment; elsewhere each is a line of its own. By the orchestrator alone, one at a time. */
#ifndef ORCHESTRATOR_REPORT_LIVE_LINE_H
#define ORCHESTRATOR_REPORT_LIVE_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct live_line {
    FILE *out;
    bool terminal;
    int columns; /* of the line that stands unfinished on the terminal; 0: none */
};

struct live_line live_line_on(FILE *out);
/* How long a line may be now; SIZE_MAX: as long as it is. */
size_t live_line_room(const struct live_line *line);
/* text: no longer than room, which live_line_room() has said. */
void live_line_show(struct live_line *line, const char *text, size_t room);
/* As many of the parts, from the first on, as fit; what says least stands last. */
void live_line_show_parts(struct live_line *line, const char *const *parts, size_t count);
/* Takes it off the terminal, unless something else has ended it. */
void live_line_end(struct live_line *line);

#endif
