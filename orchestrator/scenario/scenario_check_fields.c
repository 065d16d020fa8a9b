#include "orchestrator/scenario/scenario_field_rows.h"

#include <string.h>

#include "orchestrator/scenario/scenario_values.h"
#include "orchestrator/scenario/words.h"

WORDS(severity_at, "fail", "warn")

const char *scenario_aggregate_at(size_t index)
{
    return index < AGGREGATES ? check_aggregate_word((enum check_aggregate)index) : NULL;
}

const char *scenario_operator_at(size_t index)
{
    return index < CHECK_OPERATORS ? check_operator_word((enum check_operator)index) : NULL;
}

enum err_code scenario_parse_check_metric(void *target, const char *value, struct err *reason)
{
    struct scenario_check_entry *entry = target;
    return scenario_check_metric(entry->check.metric, &entry->divisor, value, reason);
}

enum err_code scenario_parse_check_phase(void *target, const char *value, struct err *reason)
{
    struct scenario_check_entry *entry = target;
    return scenario_name(entry->check.phase, value, false, reason);
}

enum err_code scenario_parse_check_relative(void *target, const char *value, struct err *reason)
{
    struct scenario_check_entry *entry = target;
    return scenario_name(entry->check.relative_to, value, false, reason);
}

/* clang-format off: a key reads best as a few short lines */
#define STOP_AT(member) offsetof(struct scenario_check_entry, member)
static const struct file_field stop_fields[] = {
    {.row = {ROW("metric", NULL, OPTION_CUSTOM, NULL, 0), .parse = scenario_parse_check_metric,
             .help = "As in a check."},
     .required = true},
    WORD_KEY("agg", STOP_AT(check.aggregate), scenario_aggregate_at, "last", "As in a check."),
    {.row = {ROW("phase", NULL, OPTION_CUSTOM, NULL, 0), .parse = scenario_parse_check_phase,
             .help = "A phase of the loop, in the turn that has just ended, or any other one."},
     .required = true},
    CUSTOM("relative_to", scenario_parse_check_relative,
           .help = "As in a check; of a turn it is step_1."),
    {.row = {ROW("op", NULL, OPTION_WORD, NULL, STOP_AT(check.operator)),
             .value_at = scenario_operator_at, .help = "How it has to compare."},
     .required = true},
    {.row = {ROW("value", NULL, OPTION_TEXT, NULL, STOP_AT(value)), .help = "As in a check."},
     .required = true},
};
#undef STOP_AT
static const struct file_object stop_object = {
    .name = "an end of a loop", .fields = stop_fields, .field_count = COUNT_OF(stop_fields)};
const struct file_field scenario_stop_field = {
    .form = FILE_OBJECT,
    .object = &stop_object,
    .row.hint = "as in {metric: error_rate, phase: step, op: \">\", value: 1%}"};

#define AT(member) offsetof(struct scenario_check_entry, member)
static const struct file_field check_fields[] = {
    {.row = {ROW("metric", NULL, OPTION_CUSTOM, NULL, 0), .parse = scenario_parse_check_metric,
             .help = "A metric that is sampled, or a figure of phases."},
     .required = true},
    WORD_KEY("agg", AT(check.aggregate), scenario_aggregate_at, "last",
             "What is made of the samples of the phase."),
    CUSTOM("phase", scenario_parse_check_phase, .unset = "all",
           .help = "The name of a phase or loop; all: the whole run."),
    {.row = {ROW("op", NULL, OPTION_WORD, NULL, AT(check.operator)),
             .value_at = scenario_operator_at, .help = "How it has to compare."},
     .required = true},
    {.row = {ROW("value", NULL, OPTION_TEXT, NULL, AT(value)),
             .help = "A number, a size, a percent, or a part of the target as 90%target."},
     .required = true},
    CUSTOM("relative_to", scenario_parse_check_relative,
           .help =
               "Another phase: the value is what it may be as a part of what it is there: 1.05, "
               "or 105%."),
    WORD_KEY("severity", AT(check.severity), severity_at, "fail",
             "Whether the scenario fails by it."),
    FLAG_KEY("full_only", AT(check.full_only), NULL, "It is skipped in a scaled run."),
};
#undef AT
static const struct file_object check_object = {
    .name = "a check", .fields = check_fields, .field_count = COUNT_OF(check_fields)};
const struct file_field scenario_check_field = {
    .form = FILE_OBJECT,
    .object = &check_object,
    .row.hint = "as in {metric: evicted_keys, agg: delta, op: \"==\", value: 0}"};
/* clang-format on */
