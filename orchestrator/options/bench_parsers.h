/* The parsers of bench options that are more than a number or a text. Each has the form that
 * option_row.parse asks for, its target being a struct bench_request; used by bench_options.c. */
#ifndef ORCHESTRATOR_OPTIONS_BENCH_PARSERS_H
#define ORCHESTRATOR_OPTIONS_BENCH_PARSERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/spec.h"

enum err_code bench_parse_uri(void *target, const char *value, struct err *err);
enum err_code bench_parse_tests(void *target, const char *value, struct err *err);
enum err_code bench_parse_processes(void *target, const char *value, struct err *err);
enum err_code bench_parse_cpus(void *target, const char *value, struct err *err);
enum err_code bench_parse_keepalive(void *target, const char *value, struct err *err);
enum err_code bench_parse_percentiles(void *target, const char *value, struct err *err);
enum err_code bench_parse_log_level(void *target, const char *value, struct err *err);
enum err_code bench_parse_rfr(void *target, const char *value, struct err *err);
bool bench_rfr_takes_next(const char *word);

/* The name for several tests that includes this one: "ping"; NULL: none does. */
const char *bench_test_group(const char *name);

/* What shell completion offers for them, as option_row.value_at asks for. */
const char *bench_test_at(size_t index);
const char *bench_log_level_at(size_t index);
const char *bench_rfr_at(size_t index);

#endif
