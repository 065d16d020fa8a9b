/* What the files that lay out a screen (screen.h) share. Pure. */
#ifndef ORCHESTRATOR_WATCH_SCREEN_DRAW_H
#define ORCHESTRATOR_WATCH_SCREEN_DRAW_H

#include "orchestrator/watch/screen.h"

#define SCREEN_NUMBER_BYTES 40u

struct screen_area {
    unsigned line, column, lines, columns;
};

/* "12,345", "-". Returns text. */
const char *screen_rate_text(char text[SCREEN_NUMBER_BYTES], double rate);
/* "1.234", ">=1.234", "-". Returns text. */
const char *screen_figure_text(char text[SCREEN_NUMBER_BYTES], struct screen_figure figure);

/* The bars of the newest interval, or as many as fit. */
void screen_draw_histogram(const struct screen *screen, struct grid *grid,
                           const struct screen_area *area);
/* Of a monitor: how many servers answer, from `column` of the line on; which alerts fire; the table of servers, the bars below it. */
void screen_draw_answering(const struct screen *screen, struct grid *grid, unsigned line,
                           unsigned column);
void screen_draw_alerts(const struct screen *screen, struct grid *grid, unsigned line);
void screen_draw_servers(const struct screen *screen, struct grid *grid,
                         const struct screen_area *area);

#endif
