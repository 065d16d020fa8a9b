/* Those who read events, as server-sent events, beside http_service.h: a page or a program that is to know of things as they happen.
 * Each event has a number; who comes back (Last-Event-ID, or ?from=N) goes on behind the last one that he has. What is not kept any
 * more he is told of ("gap", {"from", "first"}), and if the number is of another session ("other", {"session"}).
 *
 * Nobody who reads can hold anything up: what is queued for each is bounded, and who does not read loses what is older than the
 * newest (live_ring.h). Orchestrator only; one thread, on the loop of the service. */
#ifndef ORCHESTRATOR_WATCH_EVENT_STREAMS_H
#define ORCHESTRATOR_WATCH_EVENT_STREAMS_H

#include <jansson.h>

#include "orchestrator/watch/http_service.h"

struct event_streams; /* owns the newest events, and the requests of all who read */

/* NULL: no memory. */
struct event_streams *event_streams_create(void);
/* Ends all of them; before the service is closed. NULL is fine. */
void event_streams_close(struct event_streams *streams);
/* What tells this session from another one at the same address. */
const char *event_streams_session(const struct event_streams *streams);
/* The number of the event that comes next. */
uint64_t event_streams_next(const struct event_streams *streams);

/* Answers GET of its path, for as long as the connection lasts. state: told at first, as an event "state" without a number, to who
 * has named no event to go on behind; is let go of; NULL: nothing. */
void event_streams_answer(struct event_streams *streams, struct http_service *service,
                          struct evhttp_request *request, json_t *state);
/* An event for all of them, now and later; data is let go of, NULL is {}. */
void event_streams_tell(struct event_streams *streams, const char *name, json_t *data);
/* The same; data: JSON on one line. */
void event_streams_tell_text(struct event_streams *streams, const char *name, const char *data);
/* Without a number: who has not read what is before it does not get it. data is let go of. */
void event_streams_tell_now(struct event_streams *streams, const char *name, json_t *data);

/* Whether anybody reads. */
bool event_streams_watched(const struct event_streams *streams);
/* Whether somebody has not got yet what was queued for him. */
bool event_streams_unread(const struct event_streams *streams);

#endif
