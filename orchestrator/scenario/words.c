#include "orchestrator/scenario/words.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/units.h"
#include "orchestrator/scenario/series.h"

static const char *const aggregates[AGGREGATES] = {
    [AGGREGATE_LAST] = "last",   [AGGREGATE_FIRST] = "first", [AGGREGATE_MEAN] = "mean",
    [AGGREGATE_MIN] = "min",     [AGGREGATE_MAX] = "max",     [AGGREGATE_P95] = "p95",
    [AGGREGATE_STDEV] = "stdev", [AGGREGATE_DELTA] = "delta", [AGGREGATE_SLOPE] = "slope",
    [AGGREGATE_CV] = "cv",
};

static const char *const operators[CHECK_OPERATORS] = {
    [CHECK_LE] = "<=", [CHECK_LT] = "<",  [CHECK_GE] = ">=",
    [CHECK_GT] = ">",  [CHECK_EQ] = "==", [CHECK_NE] = "!=",
};

const char *check_aggregate_word(enum check_aggregate aggregate)
{
    return aggregates[aggregate];
}

const char *check_operator_word(enum check_operator operator)
{
    return operators[operator];
}

char *number_text(char text[NUMBER_TEXT_BYTES], double value)
{
    const double size = fabs(value);
    if (!isfinite(value))
        snprintf(text, NUMBER_TEXT_BYTES, "-");
    else if (size >= 1e15 || (size < 1000 && size != floor(size)))
        snprintf(text, NUMBER_TEXT_BYTES, "%.4g", value);
    else
        snprintf(text, NUMBER_TEXT_BYTES, "%s%s", value < 0 ? "-" : "",
                 UNITS_REAL(size, size == floor(size) ? 0 : 1));
    return text;
}

static void megabytes_text(char text[NUMBER_TEXT_BYTES], double bytes)
{
    char number[NUMBER_TEXT_BYTES];
    snprintf(text, NUMBER_TEXT_BYTES, "%.30s MB", number_text(number, bytes / SERIES_MB));
}

void check_texts(char value_text[NUMBER_TEXT_BYTES], char limit_text[NUMBER_TEXT_BYTES],
                 const struct scenario_check *check, double value)
{
    enum series_metric metric;
    double divisor;
    number_text(value_text, value);
    number_text(limit_text, check->value);
    if (check->aggregate == AGGREGATE_CV || check->relative_to[0] != '\0' || !isfinite(value) ||
        !series_metric_find(&metric, &divisor, check->metric) || divisor != 1 ||
        !series_metric_is_memory(metric) || fabs(check->value) < SERIES_MB)
        return;
    char value_mb[NUMBER_TEXT_BYTES], limit_mb[NUMBER_TEXT_BYTES];
    megabytes_text(value_mb, value);
    megabytes_text(limit_mb, check->value);
    if (strcmp(value_mb, limit_mb) == 0 && value != check->value)
        return;
    memcpy(value_text, value_mb, NUMBER_TEXT_BYTES);
    memcpy(limit_text, limit_mb, NUMBER_TEXT_BYTES);
}
