/* Lists of values in configurations of suites, as the tables of file_reader.h fill them. */
#ifndef ORCHESTRATOR_SUITE_SUITE_VALUES_H
#define ORCHESTRATOR_SUITE_SUITE_VALUES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "orchestrator/options/file_reader.h"

struct suite_number {
    uint64_t value;
};
struct suite_numbers {
    struct suite_number *items;
    size_t count; /* 0: the key is not there */
};
struct suite_word {
    const char *text;
};
struct suite_words {
    struct suite_word *items;
    size_t count;
};

/* A setting of the server's: its name is place.node->key. */
struct server_setting {
    struct file_place place;
    const char *value;
};
struct server_settings {
    struct server_setting *items;
    size_t count;
};

/* Who is told what is left out, or taken for granted; once each. */
typedef void suite_tell(void *state, const char *text);

#endif
