#include "common/client_ramp.h"

#include <math.h>

/* Connections after so many steps. Exponential: rounded from the start each time, so that no error
 * adds up; at least one more a step, so that the end is always reached. */
static uint64_t count_after(const struct client_ramp *ramp, uint64_t steps)
{
    uint64_t range = ramp->end_clients - ramp->start_clients;
    if (ramp->factor == 0)
        return steps >= (range + ramp->per_step - 1) / ramp->per_step
                   ? ramp->end_clients
                   : ramp->start_clients + steps * ramp->per_step;
    if (steps >= range)
        return ramp->end_clients;
    double grown = (double)ramp->start_clients * pow(ramp->factor, (double)steps) + 0.5;
    if (grown >= (double)ramp->end_clients)
        return ramp->end_clients;
    uint64_t count = (uint64_t)grown;
    uint64_t least = ramp->start_clients + steps;
    return count > least ? count : least;
}

/* The first step after which more than `index` connections are open. */
static uint64_t step_of(const struct client_ramp *ramp, uint64_t index)
{
    uint64_t low = 0, high = ramp->end_clients - ramp->start_clients;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (count_after(ramp, middle) > index)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

uint64_t client_ramp_count(const struct client_ramp *ramp, uint64_t elapsed_ns)
{
    return ramp->start_clients == 0 ? ramp->end_clients
                                    : count_after(ramp, elapsed_ns / ramp->interval_ns);
}

uint64_t client_ramp_opens_ns(const struct client_ramp *ramp, uint64_t index)
{
    return ramp->start_clients == 0 ? 0 : step_of(ramp, index) * ramp->interval_ns;
}

uint64_t client_ramp_length_ns(const struct client_ramp *ramp)
{
    return ramp->start_clients == 0 ? 0 : client_ramp_opens_ns(ramp, ramp->end_clients - 1);
}
