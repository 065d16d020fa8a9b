#include "orchestrator/scenario/words.h"

static const char *const types[PHASE_TYPES] = {
    [PHASE_LOAD] = "load",
    [PHASE_RAMP] = "ramp",
    [PHASE_HOLD] = "hold",
    [PHASE_BURST] = "burst",
    [PHASE_QUERY] = "query",
    [PHASE_DELETE] = "delete-fraction",
    [PHASE_OVERWRITE] = "overwrite-resize",
    [PHASE_EXPIRE] = "expire",
    [PHASE_IDLE] = "idle",
    [PHASE_FLUSH] = "flush",
    [PHASE_CHECKPOINT] = "checkpoint",
    [PHASE_PURGE] = "purge",
};

static const char *const aggregates[AGGREGATES] = {
    [AGGREGATE_LAST] = "last",   [AGGREGATE_FIRST] = "first", [AGGREGATE_MEAN] = "mean",
    [AGGREGATE_MIN] = "min",     [AGGREGATE_MAX] = "max",     [AGGREGATE_P95] = "p95",
    [AGGREGATE_STDEV] = "stdev", [AGGREGATE_DELTA] = "delta", [AGGREGATE_SLOPE] = "slope",
};

static const char *const operators[CHECK_OPERATORS] = {
    [CHECK_LE] = "<=", [CHECK_LT] = "<",  [CHECK_GE] = ">=",
    [CHECK_GT] = ">",  [CHECK_EQ] = "==", [CHECK_NE] = "!=",
};

const char *phase_type_word(enum phase_type type)
{
    return types[type];
}

const char *check_aggregate_word(enum check_aggregate aggregate)
{
    return aggregates[aggregate];
}

const char *check_operator_word(enum check_operator operator)
{
    return operators[operator];
}
