/* The frame of a live page, and the script that fills it: what all listeners answer at "/" and "/page.js". A volley that was built
 * without pages says so there. Orchestrator only. */
#ifndef ORCHESTRATOR_WATCH_PAGE_ANSWERS_H
#define ORCHESTRATOR_WATCH_PAGE_ANSWERS_H

#include "orchestrator/watch/http_service.h"

/* attributes: of the paragraph that the script begins at, "data-of=\"suite\""; title and attributes are volley's own text. */
void page_answer_frame(struct evhttp_request *request, const char *title, const char *attributes);
/* For a route; state is not looked at. */
void page_answer_script(void *state, struct evhttp_request *request);

#endif
