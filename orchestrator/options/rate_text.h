/* Rates as people write and read them. In the program a rate is a count of requests per 10^6 seconds
 * ("micro", common/schedule.h). Pure; callable from anywhere in the orchestrator. */
#ifndef ORCHESTRATOR_OPTIONS_RATE_TEXT_H
#define ORCHESTRATOR_OPTIONS_RATE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

#define RATE_TEXT_BYTES 40

/* "1000", "0.5", "10k", "2.5m" requests per second, 0 to 100 million, rounded to a millionth. E_USAGE:
 * the reason alone, to be put behind what was given. */
MUST_USE enum err_code rate_parse(uint64_t *micro, const char *text, struct err *reason);

/* "2", "1.5", "0.25": a multiplier above 0. False: it is none. */
MUST_USE bool rate_parse_factor(double *factor, const char *text);

/* 10000000000 -> "10,000", 500000 -> "0.5". Returns text. */
char *rate_format(char *text, size_t text_bytes, uint64_t micro);

/* A time in seconds, as "5 s" and "0.25 s"; rounded to a microsecond. Returns text. */
char *rate_format_time(char *text, size_t text_bytes, uint64_t time_ns);

#endif
