/* A temporary directory in which `volley suite` can be run: sources whose server is there already, the one of PATH, a
 * configuration, and results. All of it fails the running test when it cannot be. */
#ifndef TESTS_SUPPORT_CHECK_SUITE_TREE_H
#define TESTS_SUPPORT_CHECK_SUITE_TREE_H

#include <jansson.h>

#include "tests/support/check/run.h"
#include "tests/support/check/temp_tree.h"

/* What a configuration needs beside its commands, and how many requests, or how long. */
#define SUITE_TREE_NEEDED                                                                          \
    "\"keyspacelen\": [1000], \"data_sizes\": [16], \"pipelines\": [4], \"clients\": [8], "        \
    "\"cluster_mode\": \"no\", \"tls_mode\": \"no\", \"warmup\": 0"

struct suite_tree {
    struct temp_tree tree;
    struct program program;
    char results[200], sources[200], config[200];
    const char *const *environment; /* as program_options has it; NULL: the test's own */
};

void suite_tree_make(struct suite_tree *suite);
void suite_tree_remove(struct suite_tree *suite);
void suite_tree_configure(struct suite_tree *suite, const char *text);
/* `volley suite` with its configuration, results and sources, and these options, NULL behind the last. */
void suite_tree_run(struct suite_tree *suite, ...) __attribute__((sentinel));
void suite_tree_start(struct suite_tree *suite, ...) __attribute__((sentinel));

/* The only directory of results. */
void suite_tree_directory(const struct suite_tree *suite, char path[600]);
json_t *suite_tree_records(const struct suite_tree *suite);
/* A file's text, at most a megabyte; freed by the caller. */
char *suite_tree_read(const char *directory, const char *name);
/* Of a record; it has to be there. */
const char *suite_tree_text(const json_t *record, const char *key);
double suite_tree_number(const json_t *record, const char *key);
/* Whether its figures are possible: above 0, and in the order of percentiles. */
void suite_tree_check_figures(const json_t *record);
/* Servers of the sources that run. */
int suite_tree_servers(const struct suite_tree *suite);

#endif
