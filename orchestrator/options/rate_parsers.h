/* The parsers of the options about rates, arrivals and ramps that are more than a number or a text.
 * Each has the form that option_row.parse asks for, its target being a struct bench_request; used by
 * bench_options.c. */
#ifndef ORCHESTRATOR_OPTIONS_RATE_PARSERS_H
#define ORCHESTRATOR_OPTIONS_RATE_PARSERS_H

#include <stddef.h>

#include "common/err.h"

enum err_code rate_parse_change(void *target, const char *value, struct err *err);
enum err_code rate_parse_qps_factor(void *target, const char *value, struct err *err);
enum err_code rate_parse_client_factor(void *target, const char *value, struct err *err);
enum err_code rate_parse_steady(void *target, const char *value, struct err *err);

/* The words that they and the rows of words take, as option_row.value_at asks for. */
const char *rate_mode_at(size_t index);
const char *rate_arrival_at(size_t index);
const char *rate_pacing_at(size_t index);
const char *rate_client_mode_at(size_t index);
const char *rate_steady_at(size_t index);

#endif
