/* Does the server leak memory? Two tests, of which each alone is a suspicion.
 *
 * Growth: used_memory at the ends of checkpoints and idle phases, less what the server had used when the scenario began,
 * for each live key, times the keys that are usual at these points; a line through them by least squares. Such phases
 * one behind the other are one point. It grows
 * when the slope is above 1 % of the memory target per hour, Mann and Kendall's p is below 0.05 and R^2 at least 0.6.
 * Hours are those of the scenario as written, so that a scaled run has the same limits. Points with less than half
 * or more than twice the usual keys are left out: what a key costs depends on how full tables are. Fewer than five
 * points cannot reach that p, and are not judged.
 *
 * Return: after the last flush, or delete, that left no key, what is used at the end, less what had been used when the
 * scenario began, is no more than 5 MB or 2 % of the target, whichever is more. Not judged without such a
 * phase, or when something was loaded after it. Pure. */
#ifndef ORCHESTRATOR_SCENARIO_LEAK_H
#define ORCHESTRATOR_SCENARIO_LEAK_H

#include "orchestrator/report/statistics.h"
#include "orchestrator/scenario/observation.h"

#define LEAK_POINTS_LEAST 5u

enum leak_verdict { LEAK_NOT_JUDGED, LEAK_NONE, LEAK_SUSPECTED, LEAK_DETECTED };
enum leak_test { LEAK_UNKNOWN, LEAK_ABSENT, LEAK_FOUND };

struct leak {
    enum leak_verdict verdict;
    enum leak_test growth, rest;
    uint32_t points;
    double slope_mb_per_hour,
        limit_mb_per_hour; /* of the scenario's hours; NAN: not known, as below */
    double r2, p;
    double first_mb, last_mb;      /* of the points, for the usual number of keys */
    double rest_mb, rest_limit_mb; /* what is left after all keys are gone */
    char reason[256];              /* a sentence */
};

struct leak leak_judge(const struct observation *observation);
const char *leak_verdict_word(enum leak_verdict verdict);

#endif
