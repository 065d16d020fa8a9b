/* How a worker waits for the next ticket of its open loops: asleep until a timer, or spinning. */
#ifndef WORKER_WAIT_H
#define WORKER_WAIT_H

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"

struct event;
struct worker;

struct wait {
    int timer_fd;         /* -1: none */
    struct event *timer;  /* NULL: all loops are closed */
    uint64_t turn_ns;     /* clock reading before the newest turn of the loop             */
    uint64_t armed_ns;    /* the timer is set for this clock reading; 0: not set           */
    uint64_t stretch_ns;  /* so long before an intended time the worker spins; 0: it sleeps */
    struct stream *next;  /* whose ticket is the next one; NULL: none can take one          */
    uint64_t spinning_ns; /* this turn does not sleep since this clock reading; 0: it may  */
};

enum err_code wait_create(struct worker *worker, struct err *err);
void wait_destroy(struct wait *wait);
/* What is due is sent, by all streams, and the next wait prepared: sets the timer, or returns EVLOOP_NONBLOCK for a
 * turn that must not sleep. clock_ns: a clock reading of now, taken anew after sending. */
int wait_prepare(struct worker *worker, uint64_t *clock_ns);

#endif
