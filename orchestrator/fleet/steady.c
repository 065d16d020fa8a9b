#include "orchestrator/fleet/steady.h"

#include <math.h>
#include <stdlib.h>

#define HALF (STEADY_INTERVALS / 2)

void steady_add(struct steady *steady, double rate, double p99_ns)
{
    uint32_t place = steady->count++ % STEADY_INTERVALS;
    steady->rates[place] = rate;
    steady->p99s_ns[place] = p99_ns;
}

static int compare(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

/* Median of the half of the ring that begins `from` intervals after the oldest one. */
static double median_of_half(const struct steady *steady, const double *ring, uint32_t from)
{
    double values[HALF];
    for (uint32_t i = 0; i < HALF; i++)
        values[i] = ring[(steady->count + from + i) % STEADY_INTERVALS];
    qsort(values, HALF, sizeof values[0], compare);
    return values[HALF / 2];
}

bool steady_reached(const struct steady *steady)
{
    if (steady->count < STEADY_INTERVALS)
        return false;
    double rate_before = median_of_half(steady, steady->rates, 0);
    double rate_after = median_of_half(steady, steady->rates, HALF);
    double p99_before = median_of_half(steady, steady->p99s_ns, 0);
    double p99_after = median_of_half(steady, steady->p99s_ns, HALF);
    if (!(rate_before > 0))
        return false;
    double p99_room = fmax(STEADY_P99_SHARE * p99_before, STEADY_P99_NS);
    return fabs(rate_after - rate_before) <= STEADY_RATE_SHARE * rate_before &&
           fabs(p99_after - p99_before) <= p99_room;
}
