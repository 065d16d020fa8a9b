/* Words of the structs of scenario.h, and numbers, for files and tables. */
#ifndef ORCHESTRATOR_SCENARIO_WORDS_H
#define ORCHESTRATOR_SCENARIO_WORDS_H

#include "orchestrator/scenario/scenario.h"

const char *check_aggregate_word(enum check_aggregate aggregate); /* "mean" */
const char *check_operator_word(enum check_operator operator);    /* "<=" */

/* For people: "1,234,567", "0.3333", "1,234.5"; "-": not known. Returns text. */
#define NUMBER_TEXT_BYTES 40u
char *number_text(char text[NUMBER_TEXT_BYTES], double value);
/* What a check has found, and what it compares that with; memory in MB, as the table of phases has it, where both can be
 * told apart so: "2.29 MB", "2.56 MB". */
void check_texts(char value_text[NUMBER_TEXT_BYTES], char limit_text[NUMBER_TEXT_BYTES],
                 const struct scenario_check *check, double value);

#endif
