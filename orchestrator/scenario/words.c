#include "orchestrator/scenario/words.h"

#include <math.h>
#include <stdio.h>

#include "common/units.h"

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
