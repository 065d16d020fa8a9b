/* --steady auto: has the load settled? Looks at the intervals of the warm-up, one by one.
 *
 * Method: the last STEADY_INTERVALS intervals are cut into an earlier and a later half. The load is
 * steady when the medians of both halves agree: of the rate of answers within STEADY_RATE_SHARE, of
 * the p99 within STEADY_P99_SHARE or STEADY_P99_NS, whichever is more. It is the idea of Geweke's
 * diagnostic (an early and a late part of a chain must agree, 1992), with medians, since one
 * interval with a hiccup must not decide. A warm-up that still speeds up, a backlog that grows, or a
 * cache that fills makes the halves differ. Pure; docs/design/steady-state.md tells how the
 * thresholds were chosen. */
#ifndef ORCHESTRATOR_FLEET_STEADY_H
#define ORCHESTRATOR_FLEET_STEADY_H

#include <stdbool.h>
#include <stdint.h>

#define STEADY_INTERVALS 10u
#define STEADY_RATE_SHARE 0.03
#define STEADY_P99_SHARE 0.20
#define STEADY_P99_NS 50000.0

struct steady {
    double rates[STEADY_INTERVALS]; /* rings: the newest at (count - 1) % STEADY_INTERVALS */
    double p99s_ns[STEADY_INTERVALS];
    uint32_t count; /* intervals seen */
};

/* Takes the next interval; a struct of zeros has seen none. The first interval of a run is not
 * passed: its beginning is no load at all. */
void steady_add(struct steady *steady, double rate, double p99_ns);
/* Whether the last intervals are steady. Never before there are STEADY_INTERVALS, nor without an
 * answer. */
bool steady_reached(const struct steady *steady);

#endif
