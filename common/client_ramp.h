/* How many connections are open at a moment of a run: a formula over the time since the start of
 * measuring, totals over all workers. Pure. */
#ifndef COMMON_CLIENT_RAMP_H
#define COMMON_CLIENT_RAMP_H

#include <stdbool.h>
#include <stdint.h>

struct client_ramp {
    uint64_t start_clients; /* open before the start; 0: no ramp, all connections are           */
    uint64_t end_clients;   /* above start_clients                                              */
    uint64_t per_step;      /* linear: so many more every interval                              */
    double factor;          /* exponential: times so many every interval, rounded; 0: linear     */
    uint64_t interval_ns;
};

/* Connections that are meant to be open elapsed_ns after the start of measuring. */
uint64_t client_ramp_count(const struct client_ramp *ramp, uint64_t elapsed_ns);
/* When connection number `index` (from 0, over all workers) is opened, since the start of measuring; 0
 * for those that are open before it. index < end_clients. */
uint64_t client_ramp_opens_ns(const struct client_ramp *ramp, uint64_t index);
/* When the last one is opened. */
uint64_t client_ramp_length_ns(const struct client_ramp *ramp);

#endif
