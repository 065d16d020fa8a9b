#include "orchestrator/commands/planned_time.h"

#include <stdlib.h>

#include "common/clock.h"
#include "orchestrator/options/rate_steps.h"

#define MONTH_NS (30ull * 24 * 3600 * NS_PER_SECOND)
#define YEAR_NS (365ull * 24 * 3600 * NS_PER_SECOND)

/* When the last request of -n falls due; without memory for that: as if nothing was known. */
static uint64_t last_request_ns(const struct spec *spec)
{
    schedule_hint hint = 0;
    struct schedule *schedule = rate_steps_schedule(spec->rate_steps, spec->rate_step_count);
    uint64_t last_ns = schedule != NULL ? schedule_time_ns(schedule, spec->requests, &hint) : 0;
    free(schedule);
    return last_ns < YEAR_NS ? last_ns : YEAR_NS;
}

static uint64_t step_ns(const struct spec *spec)
{
    uint64_t warmup_ns = spec->steady_auto ? spec->steady_limit_ns : spec->warmup_ns;
    uint64_t measured_ns = spec->duration_ns;
    if (measured_ns == 0 && spec->rate_steps != NULL)
        measured_ns = last_request_ns(spec);
    return warmup_ns + measured_ns;
}

uint64_t planned_time_ns(const struct bench_steps *steps)
{
    uint64_t sum_ns = 0;
    for (uint32_t i = 0; i < steps->count; i++) {
        if (steps->steps[i].spec.loop && sum_ns < MONTH_NS)
            sum_ns = MONTH_NS;
        sum_ns += step_ns(&steps->steps[i].spec);
        if (sum_ns > YEAR_NS)
            sum_ns = YEAR_NS;
    }
    return sum_ns;
}
