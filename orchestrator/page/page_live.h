/* A page while what it shows goes on: all of it so far, and then what each interval adds. The data are those of a page that is
 * written at the end (docs/design/pictures.md), as plain JSON. For orchestrator/watch. */
#ifndef ORCHESTRATOR_PAGE_PAGE_LIVE_H
#define ORCHESTRATOR_PAGE_PAGE_LIVE_H

#include <jansson.h>

#include "orchestrator/page/page.h"

/* volley.page/1 with one more member, "live" (stays the caller's). What cannot be written is told by the output's status. */
void page_live_snapshot(const struct page *page, const char *kind, const char *title,
                        const json_t *live, struct output *out);
/* Of the row that was added last: {"start", "end", "load": values in the order of page_live_columns, "lanes": the same of each
 * class and node, "heat": row, count, row, count ...}. */
void page_live_row(const struct page *page, const struct interval_row *row, struct output *out);
/* The head of a page that fetches what it shows: what it may fetch is said by whoever serves it. */
void page_html_frame(struct output *out, const char *title);
/* The names of the load's columns; a new array. */
json_t *page_live_columns(const struct page *page);
/* Whether rows of the run under way are part of the graphic: those of a prefill are not. */
bool page_live_drawn(const struct page *page);

#endif
