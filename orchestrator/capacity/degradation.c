#include "orchestrator/capacity/degradation.h"

#include <stddef.h>

/* Whether the percentile is above so many times the baseline's. Without an answer there is none. */
static bool is_slower(const struct degradation *before, const struct degradation_load *load,
                      double times)
{
    const struct figure_percentile *base = &before->baseline, *time = &load->time;
    if (!before->begun || time->empty || base->empty)
        return false;
    return time->censored || (double)time->value_ns > times * (double)base->value_ns;
}

static const char *find_degradation(const struct degradation *before,
                                    const struct degradation_load *load)
{
    if (load->target >= 0 && load->rate < DEGRADATION_ACHIEVED_MIN * load->target)
        return "less than 99 % of the rate answered";
    if (load->target < 0 && before->begun &&
        load->rate < (1 + DEGRADATION_GAIN_MIN) * before->rate_before)
        return "less than 10 % more throughput";
    if (is_slower(before, load, DEGRADATION_SLOW))
        return before->percent == 95 ? "p95 above twice the baseline's"
                                     : "p99 above twice the baseline's";
    return NULL;
}

static const char *find_breaking(const struct degradation *before,
                                 const struct degradation_load *load)
{
    if (load->error_share > BREAKING_ERRORS)
        return "errors above 1 %";
    if (!(load->rate > 0))
        return "no request answered";
    if (is_slower(before, load, BREAKING_SLOW))
        return before->percent == 95 ? "p95 above 10 times the baseline's"
                                     : "p99 above 10 times the baseline's";
    return NULL;
}

unsigned degradation_note(struct degradation *before, const struct degradation_load *load,
                          const char **why_degraded, const char **why_broken)
{
    unsigned notes = before->begun ? 0 : DEGRADATION_BASELINE;
    *why_degraded = before->degraded ? NULL : find_degradation(before, load);
    *why_broken = before->broken ? NULL : find_breaking(before, load);
    notes |= *why_degraded != NULL ? DEGRADATION_POINT : 0;
    notes |= *why_broken != NULL ? DEGRADATION_BREAKING : 0;
    before->degraded |= *why_degraded != NULL;
    before->broken |= *why_broken != NULL;
    before->rate_before = load->rate;
    if (!before->begun)
        before->baseline = load->time;
    before->begun = true;
    return notes;
}
