/* Command lines of `volley bench` for unit tests: parsed here, looked at there. One line at a time. */
#ifndef TESTS_SUPPORT_CHECK_BENCH_LINE_H
#define TESTS_SUPPORT_CHECK_BENCH_LINE_H

#include "orchestrator/options/bench_options.h"

extern struct bench_request line_request;
extern struct err line_err;

/* One line, cut at blanks. What an earlier line gave is freed. */
enum err_code line_parse(const char *line);
/* The line is taken; it is taken and says this; it is taken and says nothing. */
void line_parses(const char *line);
void line_notices(const char *line, const char *text);
void line_quiet(const char *line);
/* The line behind a --config whose file holds this text; it is taken there. */
enum err_code line_parse_with_config(const char *text, const char *line);
void line_parses_with_config(const char *text, const char *line);

/* A line, and a part of the sentence that refuses it as a usage error. */
struct line_refusal {
    const char *line, *text;
};
void line_refused(const char *line, const char *text);
void line_all_refused(const struct line_refusal *refusals, size_t count);

/* The fixture's end: frees the last line and its config file. */
void line_teardown(void);

#endif
