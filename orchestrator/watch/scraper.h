/* Series of other programs' /metrics onto the time axis of a run (--scrape): asked for over HTTP on the session's loop, an
 * address at a time, each told as a note (NOTE_SCRAPE). Nothing here waits; an endpoint that does not answer is said once, and
 * asked again. A listener of the timeline, so that it knows the run under way. */
#ifndef ORCHESTRATOR_WATCH_SCRAPER_H
#define ORCHESTRATOR_WATCH_SCRAPER_H

#include <event2/event.h>

#include "common/err.h"
#include "orchestrator/report/timeline.h"
#include "orchestrator/watch/scrape_text.h"

#define SCRAPER_ANSWER_MAX_BYTES (4u << 20)

struct scraper;

/* Names are looked up now: E_CONNECT, E_INTERRUPTED. E_USAGE as scrape_list_parse. The timeline outlives it. */
MUST_USE enum err_code scraper_open(struct scraper **scraper, struct event_base *base,
                                    struct timeline *timeline, const char *text, uint64_t period_ns,
                                    const volatile int *interrupted, struct err *err);
struct sink scraper_sink(struct scraper *scraper); /* its state stays the caller's */
void scraper_close(struct scraper *scraper);       /* NULL is fine */

#endif
