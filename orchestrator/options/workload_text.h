/* What options ask for, as the text of a workload file: there is one way from there to requests. */
#ifndef ORCHESTRATOR_OPTIONS_WORKLOAD_TEXT_H
#define ORCHESTRATOR_OPTIONS_WORKLOAD_TEXT_H

#include "common/spec.h"
#include "worker/worker.h"

/* The options that say it; common to all requests of it. */
struct workload_wish {
    const struct spec *spec;  /* keys, and the size of values where no other is given */
    const char *value_sizes;  /* of --value-size; NULL: spec's             */
    const char *key_prefix;   /* of --key-prefix; NULL: "key:"             */
    const char *dataset;      /* of --dataset: a path; NULL: none          */
    const char *data_format;  /* its format, as a file has it; NULL: auto  */
    uint64_t data_rows;       /* of --maxdocs; 0: all                      */
    bool verify;              /* tests whose values can be checked are sent by a plan */
    const char *ttl_words[2]; /* "EX", "{int 60 300}": behind each SET; NULL: none */
};

struct weighted_test {
    const struct workload_test *test;
    uint64_t weight;
};

/* Whether the wish changes anything in a test's requests. */
bool workload_wish_changes(const struct workload_wish *wish, const struct workload_test *test);

/* JSON; the caller frees. NULL: out of memory. Tests are of those that take no arguments from elsewhere
 * (workload_test.more); the command has words with placeholders in braces. */
char *workload_text_of_tests(const struct workload_wish *wish, const struct weighted_test *tests,
                             size_t count);
char *workload_text_of_command(const struct workload_wish *wish, const char *const *argv,
                               size_t argc);

/* Whether a command has __field:NAME__ in it; and the text of one that has, as valkey-benchmark takes it: placeholders
 * between double underscores, and ";" sequences, which are one request and take all fields of one row. E_USAGE: what
 * of it a table excludes; the reason alone. */
bool workload_text_has_fields(const char *const *argv, size_t argc);
MUST_USE enum err_code workload_text_of_fields(char **text, const struct workload_wish *wish,
                                               const char *const *argv, size_t argc,
                                               struct err *err);

#endif
