/* Words of the structs of scenario.h, for files and tables. */
#ifndef ORCHESTRATOR_SCENARIO_WORDS_H
#define ORCHESTRATOR_SCENARIO_WORDS_H

#include "orchestrator/scenario/scenario.h"

const char *phase_type_word(enum phase_type type);                /* "delete-fraction" */
const char *check_aggregate_word(enum check_aggregate aggregate); /* "mean" */
const char *check_operator_word(enum check_operator operator);    /* "<=" */

#endif
