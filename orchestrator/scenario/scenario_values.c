#include "orchestrator/scenario/scenario_values.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "common/clock.h"
#include "common/suggest.h"
#include "common/units.h"
#include "orchestrator/options/distribution.h"
#include "orchestrator/options/rate_text.h"
#include "orchestrator/scenario/derived.h"
#include "orchestrator/scenario/scenario_variables.h"

#define NAME_BYTES 48u
#define PART_BYTES 64u
#define NUMBER_MAX 1e18

/* ---- metrics ---- */

/* Whether the name is one of these. */
static bool is_among(const char *name, const enum series_metric *metrics, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(series_metric_name(metrics[i]), name) == 0)
            return true;
    return false;
}

bool scenario_metric_is_bytes(const char *name)
{
    static const enum series_metric metrics[] = {
        SERIES_USED_MEMORY, SERIES_RSS,       SERIES_PEAK,        SERIES_OVERHEAD,
        SERIES_DATASET,     SERIES_ALLOCATED, SERIES_ACTIVE,      SERIES_RESIDENT,
        SERIES_NET_IN,      SERIES_NET_OUT,   SERIES_PROCESS_RSS, SERIES_HOST_AVAILABLE};
    return is_among(name, metrics, sizeof metrics / sizeof metrics[0]);
}

bool scenario_metric_only_grows(const char *name)
{
    static const enum series_metric metrics[] = {
        SERIES_PEAK,    SERIES_EVICTED,  SERIES_EXPIRED, SERIES_HITS,    SERIES_MISSES,
        SERIES_CPU_SYS, SERIES_CPU_USER, SERIES_NET_IN,  SERIES_NET_OUT, SERIES_PROCESS_CPU};
    return is_among(name, metrics, sizeof metrics / sizeof metrics[0]);
}

static bool find_metric(char *name, double *divisor, const char *text, bool with_derived)
{
    enum series_metric metric;
    if (series_metric_find(&metric, divisor, text)) {
        snprintf(name, NAME_BYTES, "%s", series_metric_name(metric));
        return true;
    }
    *divisor = 1;
    if (!with_derived || derived_metric_find(text) == NULL)
        return false;
    snprintf(name, NAME_BYTES, "%s", text);
    return true;
}

static enum err_code refuse_metric(const char *text, bool with_derived, struct err *reason)
{
    struct suggestion suggestion = {.wanted = text, .wanted_bytes = strlen(text)};
    for (unsigned i = 0; i < SERIES_METRICS; i++) {
        const char *name = series_metric_name((enum series_metric)i);
        suggest_offer(&suggestion, name, strlen(name));
    }
    for (size_t i = 0; with_derived && derived_metric_at(i) != NULL; i++)
        suggest_offer(&suggestion, derived_metric_at(i)->name, strlen(derived_metric_at(i)->name));
    return err_set(reason, E_USAGE, "nobody samples a metric \"%.48s\"%s%s%s", text,
                   SUGGESTED(suggestion.best));
}

enum err_code scenario_metric(char *name, double *divisor, const char *text, struct err *reason)
{
    return find_metric(name, divisor, text, false) ? OK : refuse_metric(text, false, reason);
}

enum err_code scenario_check_metric(char *name, double *divisor, const char *text,
                                    struct err *reason)
{
    return find_metric(name, divisor, text, true) ? OK : refuse_metric(text, true, reason);
}

/* ---- numbers that metrics are compared with ---- */

static bool is_counted(const char *metric)
{
    return strcmp(metric, "keys") == 0 || strcmp(metric, "errors") == 0 ||
           strcmp(metric, "requests") == 0;
}

/* A number without a sign, in the units of the metric. */
static bool parse_number(double *value, const char *metric, double divisor, const char *text)
{
    uint64_t whole;
    double real;
    if (units_parse_real(&real, text))
        *value = real * divisor;
    else if ((scenario_metric_is_bytes(metric) && units_parse_size(&whole, text)) ||
             (is_counted(metric) && units_parse_count(&whole, text)))
        *value = (double)whole;
    else
        return false;
    return *value <= NUMBER_MAX;
}

/* A number in front of a suffix; 0: not that, 1: it is, -1: the suffix without a number. */
static int parse_before(double *value, const char *text, const char *suffix)
{
    char number[PART_BYTES];
    const size_t bytes = strlen(text), suffix_bytes = strlen(suffix);
    if (bytes < suffix_bytes || strcmp(text + bytes - suffix_bytes, suffix) != 0)
        return 0;
    snprintf(number, sizeof number, "%.*s",
             bytes - suffix_bytes < sizeof number ? (int)(bytes - suffix_bytes) : 0, text);
    return units_parse_real(value, number) && *value <= 1e6 ? 1 : -1;
}

static const char *number_form(const char *metric)
{
    return scenario_metric_is_bytes(metric)
               ? "a size, as 64mb, or a part of the target, as 80%target"
           : is_counted(metric) ? "a number, as 1000 or 100k"
                                : "a number, as 1.5";
}

/* The comparison at *at, which moves behind it. False: there is none that is known. */
static bool take_operator(struct phase_until *until, bool *strict, const char **at)
{
    const size_t bytes = strspn(*at, "<>=!");
    *strict = bytes == 1;
    until->at_least = (*at)[0] == '>';
    if (bytes == 0 || bytes > 2 || ((*at)[0] != '>' && (*at)[0] != '<') ||
        (bytes == 2 && (*at)[1] != '='))
        return false;
    *at += bytes;
    return true;
}

enum err_code scenario_until(struct phase_until *until, const char *text, struct err *reason)
{
    struct phase_until read = {.metric = ""};
    char metric[NAME_BYTES];
    double divisor = 1, percent = 0;
    bool strict;
    const char *at = text + strspn(text, " ");
    const size_t bytes = strcspn(at, "<>=! ");
    if (strlen(text) >= sizeof read.text || bytes == 0 || bytes >= sizeof metric)
        return err_set(reason, E_USAGE, "METRIC OPERATOR VALUE is expected");
    snprintf(read.text, sizeof read.text, "%s", text);
    snprintf(metric, sizeof metric, "%.*s", (int)bytes, at);
    if (scenario_metric(read.metric, &divisor, metric, reason) != OK)
        return reason->code;
    at += bytes;
    at += strspn(at, " ");
    if (!take_operator(&read, &strict, &at))
        return err_set(reason, E_USAGE, "unknown operator \"%.*s\"; known are >=, >, <=, <",
                       (int)(strcspn(at, " 0123456789") < 20 ? strcspn(at, " 0123456789") : 20),
                       at);
    at += strspn(at, " ");
    const int part = parse_before(&percent, at, "%target");
    if (part > 0 && !scenario_metric_is_bytes(read.metric))
        return err_set(reason, E_USAGE, "%s is no size: it has no part of the memory target",
                       read.metric);
    read.of_target = part > 0;
    read.value = percent / 100;
    if (part < 0 || (part == 0 && !parse_number(&read.value, read.metric, divisor, at)))
        return err_set(reason, E_USAGE, "behind the operator %s is expected",
                       number_form(read.metric));
    if (read.value == 0 && !read.at_least && strict)
        return err_set(reason, E_USAGE, "can never hold: %s is never below 0", read.metric);
    if (!read.at_least && scenario_metric_only_grows(read.metric))
        return err_set(reason, E_USAGE,
                       "%s only grows: this holds at once or never; compare with >= or >",
                       read.metric);
    *until = read;
    return OK;
}

static bool parse_verdict(double *value, const char *text)
{
    static const char *const words[] = {"none", "suspected", "detected"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcasecmp(words[i], text) == 0) {
            *value = (double)i;
            return true;
        }
    return false;
}

enum err_code scenario_check_value(double *value, const char *metric, double divisor,
                                   uint64_t target_bytes, const char *text, struct err *reason)
{
    const bool negative = text[0] == '-';
    const char *number = text + (negative ? 1 : 0);
    double read = 0;
    const int of_target = parse_before(&read, number, "%target");
    if (strcmp(metric, "leak_verdict") == 0)
        return parse_verdict(value, text)
                   ? OK
                   : err_set(reason, E_USAGE, "a verdict is none, suspected or detected");
    if (of_target > 0 && !scenario_metric_is_bytes(metric))
        return err_set(reason, E_USAGE, "%s is no size: it has no part of the memory target",
                       metric);
    if (of_target > 0 && target_bytes == 0)
        return err_set(reason, E_USAGE, "there is no memory_target");
    if (of_target > 0)
        read *= (double)target_bytes / 100;
    else if (of_target == 0 && parse_before(&read, number, "%") > 0)
        read /= 100;
    else if (of_target < 0 || !parse_number(&read, metric, divisor, number))
        return err_set(reason, E_USAGE, "%s is expected", number_form(metric));
    *value = negative ? -read : read;
    return OK;
}

/* ---- other values ---- */

enum err_code scenario_sizes(struct size_wish *wish, const char *text, struct err *reason)
{
    char percent[UNITS_PLAIN_BYTES], whole[256];
    double part;
    const char *slash = strrchr(text, '/');
    if (strncasecmp(text, "bimodal:", 8) != 0 || slash == NULL)
        return distribution_parse_sizes(wish, text, reason);
    if (!units_parse_real(&part, slash + 1) || part > 1 || slash - text > 128)
        return err_set(reason, E_USAGE,
                       "allowed: bimodal:A/B/P, two sizes and the part of the first, 0 to 1, as in "
                       "bimodal:64/4096/0.5");
    snprintf(whole, sizeof whole, "%.*s/%s", (int)(slash - text), text,
             units_format_plain(percent, sizeof percent, part * 100));
    return distribution_parse_sizes(wish, whole, reason);
}

/* The two ends of A-B; of A alone both are A. False: too long for that. */
static bool split_range(char least[PART_BYTES], char most[PART_BYTES], const char *text)
{
    const char *rest = text;
    struct list_word word;
    if (strlen(text) >= PART_BYTES)
        return false;
    bool found = list_next(&word, &rest, '-');
    if (!found)
        return false;
    snprintf(least, PART_BYTES, "%.*s", (int)word.byte_count, word.text);
    found = rest == NULL || list_next(&word, &rest, '-');
    snprintf(most, PART_BYTES, "%.*s", (int)word.byte_count, word.text);
    return found && rest == NULL;
}

enum err_code scenario_ttl(uint64_t *least_s, uint64_t *most_s, const char *text,
                           struct err *reason)
{
    char least[PART_BYTES], most[PART_BYTES];
    uint64_t least_ns, most_ns;
    if (!split_range(least, most, text) || !units_parse_duration(&least_ns, least, NS_PER_SECOND) ||
        !units_parse_duration(&most_ns, most, NS_PER_SECOND) || least_ns < NS_PER_SECOND ||
        most_ns < least_ns || least_ns % NS_PER_SECOND != 0 || most_ns % NS_PER_SECOND != 0 ||
        most_ns > 1000 * 3600 * NS_PER_SECOND)
        return err_set(reason, E_USAGE,
                       "allowed: whole seconds, 1 to 3,600,000, or two of them as in 60-300");
    *least_s = least_ns / NS_PER_SECOND;
    *most_s = most_ns / NS_PER_SECOND;
    return OK;
}

enum err_code scenario_factors(double *least, double *most, const char *text, struct err *reason)
{
    char first[PART_BYTES], second[PART_BYTES];
    double from, to;
    if (!split_range(first, second, text) || !units_parse_real(&from, first) ||
        !units_parse_real(&to, second) || from <= 0 || to < from || to > 1000)
        return err_set(reason, E_USAGE,
                       "allowed: a factor above 0 to 1000, or two of them as in 0.5-3");
    *least = from;
    *most = to;
    return OK;
}

enum err_code scenario_key_prefix(char prefix[LIVE_NAME_BYTES], const char *text,
                                  struct err *reason)
{
    const size_t bytes = strlen(text);
    for (size_t i = 0; i < bytes; i++)
        if (strncmp(text + i, SCENARIO_LOOP_INDEX, strlen(SCENARIO_LOOP_INDEX)) == 0)
            i += strlen(SCENARIO_LOOP_INDEX) - 1;
        else if (isalnum((unsigned char)text[i]) == 0 && strchr("_-.:/", text[i]) == NULL)
            return err_set(
                reason, E_USAGE,
                "allowed: letters, digits, _ - . : / and, in a loop, " SCENARIO_LOOP_INDEX);
    if (bytes == 0 || bytes >= LIVE_NAME_BYTES)
        return err_set(reason, E_USAGE, "allowed: 1 to %u characters", LIVE_NAME_BYTES - 1);
    memcpy(prefix, text, bytes + 1);
    return OK;
}

enum err_code scenario_strategy(enum live_pick_order *order, uint64_t *stride, const char *text,
                                struct err *reason)
{
    static const char *const words[] = {[LIVE_PICK_RANDOM] = "random",
                                        [LIVE_PICK_OLDEST] = "oldest",
                                        [LIVE_PICK_NEWEST] = "newest"};
    struct suggestion suggestion = {.wanted = text, .wanted_bytes = strcspn(text, ":")};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        suggest_offer(&suggestion, words[i], strlen(words[i]));
        if (strcasecmp(words[i], text) == 0) {
            *order = (enum live_pick_order)i;
            return OK;
        }
    }
    suggest_offer(&suggestion, "stride", strlen("stride"));
    if (strncasecmp(text, "stride:", 7) == 0 && units_parse_count(stride, text + 7) &&
        *stride >= 1 && *stride <= UINT32_MAX) {
        *order = LIVE_PICK_STRIDE;
        return OK;
    }
    return err_set(reason, E_USAGE,
                   "allowed: random, oldest, newest, prefix:P, stride:K with K from 1 on%s%s%s",
                   SUGGESTED(suggestion.best));
}

enum err_code scenario_part(double *part, const char *text, struct err *reason)
{
    double read = 0;
    const int percent = parse_before(&read, text, "%");
    if (percent < 0 || (percent == 0 && !units_parse_real(&read, text)) || read <= 0 ||
        read > (percent > 0 ? 100 : 1))
        return err_set(reason, E_USAGE, "allowed: a part of 1 above 0, as 0.01, or 1%%");
    *part = percent > 0 ? read / 100 : read;
    return OK;
}

enum err_code scenario_rate(uint64_t *micro, double *share, const char *text, struct err *reason)
{
    double percent = 0;
    *share = 0;
    *micro = 0;
    if (parse_before(&percent, text, "%max") > 0) {
        if (!(percent > 0 && percent <= 1000))
            return err_set(reason, E_USAGE, "allowed: above 0%%max, up to 1000%%max");
        *share = percent / 100;
        return OK;
    }
    return rate_parse(micro, text, reason);
}

enum err_code scenario_operation(enum phase_operation *operation, const char *text,
                                 struct err *reason)
{
    static const struct {
        const char *word;
        enum phase_operation operation;
    } words[] = {
        {"load", OPERATION_LOAD},        {"set", OPERATION_LOAD}, {"insert", OPERATION_LOAD},
        {"get", OPERATION_GET},          {"read", OPERATION_GET}, {"update", OPERATION_UPDATE},
        {"overwrite", OPERATION_UPDATE}, {"del", OPERATION_DEL},  {"delete", OPERATION_DEL},
    };
    struct suggestion suggestion = {.wanted = text, .wanted_bytes = strlen(text)};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        suggest_offer(&suggestion, words[i].word, strlen(words[i].word));
        if (strcasecmp(words[i].word, text) == 0) {
            *operation = words[i].operation;
            return OK;
        }
    }
    return err_set(reason, E_USAGE,
                   "unknown operation %.40s%s%s%s; known are load, get, update, del", text,
                   SUGGESTED(suggestion.best));
}

enum err_code scenario_name(char *name, const char *text, bool loops, struct err *reason)
{
    const size_t marker = strlen(SCENARIO_LOOP_INDEX);
    bool good = *text != '\0' && *text != '.' && *text != '-' && strlen(text) <= NAME_BYTES;
    for (const char *at = text; good && *at != '\0';) {
        const bool index = loops && strncmp(at, SCENARIO_LOOP_INDEX, marker) == 0;
        good = index || isalnum((unsigned char)*at) || strchr("._-", *at) != NULL;
        at += index ? marker : 1;
    }
    if (!good)
        return err_set(
            reason, E_USAGE,
            "a name is letters, digits, \"_\", \".\" and \"-\", up to %u, the last two not first",
            NAME_BYTES);
    snprintf(name, SCENARIO_NAME_BYTES, "%s", text);
    return OK;
}
