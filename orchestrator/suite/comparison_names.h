/* Short names for the configurations of a comparison: by what tells them apart, and nothing else. Pure. */
#ifndef ORCHESTRATOR_SUITE_COMPARISON_NAMES_H
#define ORCHESTRATOR_SUITE_COMPARISON_NAMES_H

#include "orchestrator/suite/comparison.h"

/* Keys of configuration in which groups differ, beside command, pipeline and I/O threads. */
#define COMPARISON_KEYS_MAX 24u
#define COMPARISON_KEY_BYTES 40u
struct comparison_keys {
    size_t count;
    char names[COMPARISON_KEYS_MAX][COMPARISON_KEY_BYTES];
};
void comparison_keys_find(struct comparison_keys *keys, const struct comparison *comparison);

/* "SET data_size=1024": the command, and what of the section is told apart by; cut where it is too long. */
#define COMPARISON_NAME_BYTES 120u
void comparison_name_format(char text[COMPARISON_NAME_BYTES], const struct comparison_keys *keys,
                            const struct record *record);
/* "SET 1024": the same without the keys' names, which are said elsewhere. */
void comparison_short_name_format(char text[COMPARISON_NAME_BYTES],
                                  const struct comparison_keys *keys, const struct record *record);
/* "P10/IO1"; "-" for what the record does not say. */
void comparison_load_format(char text[COMPARISON_NAME_BYTES], const struct record *record);

#endif
