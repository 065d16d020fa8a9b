/* The commands that suites measure, by the names that configurations have. */
#ifndef ORCHESTRATOR_SUITE_SUITE_COMMAND_H
#define ORCHESTRATOR_SUITE_SUITE_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

struct suite_command {
    const char *name; /* "GET" */
    const char *test; /* of -t, volley's and valkey-benchmark's; NULL: the words */
    /* With their placeholders; valkey-benchmark needs their :{tag} for a cluster. NULL behind the last. */
    const char *const *words;
    /* What writes what it reads: one of -t, or of these commands' words; NULL: nothing is needed. */
    const char *populate_test;
    const char *const *populate_words; /* likewise, a command in place of a test */
    const char *mix;                   /* of several at once: volley's --mix; NULL: of one */
    bool takes_several_keys; /* which a cluster may have on several nodes: left out there */
    bool consumes;           /* what was written is gone once it was read */
};

/* NULL: unknown; case does not matter. */
const struct suite_command *suite_command_find(const char *name);
const struct suite_command *suite_command_at(size_t index); /* NULL behind the last */

#endif
