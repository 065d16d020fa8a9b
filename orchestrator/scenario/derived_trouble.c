#include "orchestrator/scenario/derived_trouble.h"

#include <math.h>

static double sum_of(const struct observation *observation, const struct phase_set *set,
                     double (*of)(const struct phase_trouble *trouble))
{
    double sum = NAN;
    for (uint32_t i = 0; i < observation->scenario->phase_count; i++) {
        const struct phase_account *account = &observation->accounts[i];
        if (set->has[i] && account->requests_ok + account->requests_failed > 0)
            sum = (isnan(sum) ? 0 : sum) + of(&account->trouble);
    }
    return sum;
}

#define SUM(member)                                                                                \
    static double member##_of(const struct phase_trouble *trouble)                                 \
    {                                                                                              \
        return (double)trouble->member;                                                            \
    }                                                                                              \
    double derived_##member(const struct observation *observation, const struct phase_set *set)    \
    {                                                                                              \
        return sum_of(observation, set, member##_of);                                              \
    }
SUM(moved)
SUM(asked)
SUM(clusterdown)
SUM(reconnects)
SUM(unavailable_seconds)
