/* What the tables of a scenario's keys are written with, and those of its checks, which conditions and loops have, too.
 * For scenario_fields.c and scenario_check_fields.c. */
#ifndef ORCHESTRATOR_SCENARIO_SCENARIO_FIELD_ROWS_H
#define ORCHESTRATOR_SCENARIO_SCENARIO_FIELD_ROWS_H

#include "common/clock.h"
#include "orchestrator/options/option_group.h"
#include "orchestrator/scenario/scenario_fields.h"

#define LONGEST_NS (SCENARIO_PHASE_HOURS_MAX * 3600ull * NS_PER_SECOND)

#define WORDS(function, ...)                                                                       \
    static const char *function(size_t index)                                                      \
    {                                                                                              \
        static const char *const words[] = {__VA_ARGS__};                                          \
        return index < sizeof words / sizeof words[0] ? words[index] : NULL;                       \
    }

#define COUNT_OF(list) (sizeof(list) / sizeof(list)[0])

/* clang-format off: a key reads best as a few short lines */
#define CUSTOM(name_, parse_, ...)                                                                 \
    {                                                                                              \
        .row = { ROW(name_, NULL, OPTION_CUSTOM, NULL, 0), .parse = (parse_), __VA_ARGS__ }        \
    }
#define NUMBER_KEY(name_, at_, min_, max_, ...)                                                    \
    {                                                                                              \
        .row = { ROW(name_, NULL, OPTION_COUNT, NULL, at_), NUMBER(min_, max_), __VA_ARGS__ }      \
    }
#define FLAG_KEY(name_, at_, unset_, help_)                                                        \
    {                                                                                              \
        .row = { ROW(name_, NULL, OPTION_FLAG, NULL, at_), .unset = (unset_), .help = (help_) }    \
    }
#define WORD_KEY(name_, at_, value_at_, unset_, help_)                                             \
    {                                                                                              \
        .row = {                                                                                   \
            ROW(name_, NULL, OPTION_WORD, NULL, at_),                                              \
            .value_at = (value_at_),                                                               \
            .unset = (unset_),                                                                     \
            .help = (help_)                                                                        \
        }                                                                                          \
    }
#define TIME_ROW(name_, at_, help_)                                                                \
    .row = {ROW(name_, NULL, OPTION_DURATION, NULL, at_),                                          \
            BARE(NS_PER_SECOND, NS_PER_MS, LONGEST_NS), .hint = "as in " name_ ": 10s",            \
            .help = (help_)}
/* clang-format on */

/* Words of checks, and what their keys say: target is a scenario_check_entry. */
const char *scenario_aggregate_at(size_t index);
const char *scenario_operator_at(size_t index);
enum err_code scenario_parse_check_metric(void *target, const char *value, struct err *reason);
enum err_code scenario_parse_check_phase(void *target, const char *value, struct err *reason);
enum err_code scenario_parse_check_relative(void *target, const char *value, struct err *reason);

/* Elements of lists of scenario_check_entry. */
extern const struct file_field scenario_check_field; /* of a scenario */
extern const struct file_field scenario_stop_field;  /* of a loop     */

#endif
