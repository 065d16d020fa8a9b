/* What is in flight and what waits, counted slot by slot: the books must say the same. Looks and changes
 * nothing. */
#ifndef WORKER_RECOUNT_H
#define WORKER_RECOUNT_H

#include <stdint.h>

struct stream;

/* Requests in flight: must equal worker->in_flight. */
uint64_t recount_in_flight(const struct stream *stream);
/* Open loop: tickets due that were neither drawn, sent nor shed: must equal the backlog. */
uint64_t recount_backlog(struct stream *stream);
/* Records how long those same tickets have waited by until_ns: exact to the histogram's digits, however
 * many there are, with no more steps than a histogram has buckets. */
void recount_record_backlog(struct stream *stream, uint64_t until_ns);

#endif
