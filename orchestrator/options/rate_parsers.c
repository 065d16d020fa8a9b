#include "orchestrator/options/rate_parsers.h"

#include <strings.h>

#include "orchestrator/options/bench_options.h"
#include "orchestrator/options/rate_text.h"

/* --- rates ----------------------------------------------------------------------------------- */

enum err_code rate_parse_change(void *target, const char *value, struct err *err)
{
    struct rate_request *rate = &((struct bench_request *)target)->rate;
    bool is_signed = value[0] == '+' || value[0] == '-';
    struct err reason = {.code = OK};
    if (rate_parse(&rate->change_micro, value + is_signed, &reason) != OK)
        return err_set(err, E_USAGE, "--qps-change %.80s: %s", value, reason.text);
    if (rate->change_micro == 0)
        return err_set(err, E_USAGE, "--qps-change %.80s: the rate would never change", value);
    rate->change_sign = is_signed ? value[0] : ' ';
    return OK;
}

enum err_code rate_parse_qps_factor(void *target, const char *value, struct err *err)
{
    double *factor = &((struct bench_request *)target)->rate.factor;
    if (!rate_parse_factor(factor, value))
        return err_set(err, E_USAGE,
                       "--qps-ramp-factor %.80s: not a factor; allowed: a number above 0, as in 2 "
                       "or 0.5",
                       value);
    if (!(*factor < 1 || *factor > 1))
        return err_set(err, E_USAGE, "--qps-ramp-factor %.80s: the rate would never change", value);
    return OK;
}

enum err_code rate_parse_client_factor(void *target, const char *value, struct err *err)
{
    double *factor = &((struct bench_request *)target)->ramp.factor;
    if (!rate_parse_factor(factor, value) || !(*factor > 1))
        return err_set(err, E_USAGE,
                       "--client-ramp-factor %.80s: not a factor above 1: connections are opened, "
                       "never closed",
                       value);
    return OK;
}

/* --- words ----------------------------------------------------------------------------------- */

const char *rate_mode_at(size_t index)
{
    static const char *const words[] = {
        [RAMP_LINEAR] = "linear", [RAMP_EXPONENTIAL] = "exponential", [RAMP_SMOOTH] = "smooth"};
    return index < sizeof words / sizeof words[0] ? words[index] : NULL;
}

const char *rate_client_mode_at(size_t index)
{
    return index <= RAMP_EXPONENTIAL ? rate_mode_at(index) : NULL;
}

const char *rate_arrival_at(size_t index)
{
    static const char *const words[] = {[ARRIVAL_EVEN] = "even", [ARRIVAL_POISSON] = "poisson"};
    return index < sizeof words / sizeof words[0] ? words[index] : NULL;
}

const char *rate_pacing_at(size_t index)
{
    static const char *const words[] = {
        [PACING_AUTO] = "auto", [PACING_SLEEP] = "sleep", [PACING_SPIN] = "spin"};
    return index < sizeof words / sizeof words[0] ? words[index] : NULL;
}

const char *rate_steady_at(size_t index)
{
    return index == 0 ? "auto" : NULL;
}

enum err_code rate_parse_steady(void *target, const char *value, struct err *err)
{
    if (strcasecmp(value, rate_steady_at(0)) != 0)
        return err_set(err, E_USAGE, "--steady %.80s: allowed: %s", value, rate_steady_at(0));
    ((struct bench_request *)target)->spec.load.steady_auto = true;
    return OK;
}
