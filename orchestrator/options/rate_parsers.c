#include "orchestrator/options/rate_parsers.h"

#include <stdio.h>
#include <strings.h>

#include "orchestrator/options/bench_options.h"
#include "orchestrator/options/rate_text.h"

/* --- rates ----------------------------------------------------------------------------------- */

static enum err_code parse_rate(uint64_t *micro, const char *name, const char *value,
                                struct err *err)
{
    struct err reason = {.code = OK};
    if (rate_parse(micro, value, &reason) == OK)
        return OK;
    return err_set(err, E_USAGE, "--%s %.80s: %s", name, value, reason.text);
}

enum err_code rate_parse_qps(void *target, const char *value, struct err *err)
{
    return parse_rate(&((struct bench_request *)target)->rate.qps_micro, "qps", value, err);
}

enum err_code rate_parse_start(void *target, const char *value, struct err *err)
{
    return parse_rate(&((struct bench_request *)target)->rate.start_micro, "start-qps", value, err);
}

enum err_code rate_parse_end(void *target, const char *value, struct err *err)
{
    return parse_rate(&((struct bench_request *)target)->rate.end_micro, "end-qps", value, err);
}

enum err_code rate_parse_change(void *target, const char *value, struct err *err)
{
    struct rate_options *rate = &((struct bench_request *)target)->rate;
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

/* The index of a word among those that an option takes. */
static enum err_code parse_word(size_t *index, const char *name, const char *value,
                                const char *(*word_at)(size_t), struct err *err)
{
    char words[80] = "";
    size_t used = 0;
    const char *word;
    for (size_t i = 0; (word = word_at(i)) != NULL; i++) {
        if (strcasecmp(word, value) == 0) {
            *index = i;
            return OK;
        }
        if (used < sizeof words)
            used += (size_t)snprintf(words + used, sizeof words - used, "%s%s", i > 0 ? ", " : "",
                                     word);
    }
    return err_set(err, E_USAGE, "--%s %.80s: allowed: %s", name, value, words);
}

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

enum err_code rate_parse_mode(void *target, const char *value, struct err *err)
{
    size_t index = 0;
    enum err_code code = parse_word(&index, "qps-ramp-mode", value, rate_mode_at, err);
    if (code == OK)
        ((struct bench_request *)target)->rate.mode = (enum ramp_mode)index;
    return code;
}

enum err_code rate_parse_client_mode(void *target, const char *value, struct err *err)
{
    size_t index = 0;
    enum err_code code = parse_word(&index, "client-ramp-mode", value, rate_client_mode_at, err);
    if (code == OK)
        ((struct bench_request *)target)->ramp.mode = (enum ramp_mode)index;
    return code;
}

enum err_code rate_parse_arrival(void *target, const char *value, struct err *err)
{
    size_t index = 0;
    enum err_code code = parse_word(&index, "arrival", value, rate_arrival_at, err);
    if (code == OK)
        ((struct bench_request *)target)->spec.arrival = (enum arrival)index;
    return code;
}

enum err_code rate_parse_pacing(void *target, const char *value, struct err *err)
{
    size_t index = 0;
    enum err_code code = parse_word(&index, "pacing", value, rate_pacing_at, err);
    if (code == OK)
        ((struct bench_request *)target)->spec.pacing = (enum pacing)index;
    return code;
}

enum err_code rate_parse_steady(void *target, const char *value, struct err *err)
{
    size_t index = 0;
    enum err_code code = parse_word(&index, "steady", value, rate_steady_at, err);
    if (code == OK)
        ((struct bench_request *)target)->spec.steady_auto = true;
    return code;
}
