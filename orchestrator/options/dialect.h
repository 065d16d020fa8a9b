/* Another tool's command line, taken as it is meant there. A dialect is a table of what differs from
 * bench's options: how an option is spelled there, which of bench's rows does it, and what else is
 * otherwise. From it come the option table that is parsed (by the parser of all tables), the help in
 * that tool's name, completion, and the page that tells the two apart.
 *
 * A tool more: its rows, a function that settles what they mean together, and a sink for its report;
 * one entry in the list of dialect.c. Docs: docs/design/dialects.md. */
#ifndef ORCHESTRATOR_OPTIONS_DIALECT_H
#define ORCHESTRATOR_OPTIONS_DIALECT_H

#include <stdio.h>

#include "orchestrator/options/bench_options.h"
#include "orchestrator/report/timeline.h"

struct dialect_row {
    const char *there;    /* every spelling, exactly: "-v --version"; "": only a default differs */
    const char *option;   /* bench's row that does it; NULL: `row` is all of it                  */
    const char *argument; /* as that tool calls it; NULL: a flag there                           */
    const char *meaning;  /* there, for help; NULL: as bench's row says                          */
    const char *here;     /* what volley's own does otherwise, and this dialect does as the tool */
    const char *both;     /* what both do otherwise than the tool                                */
    /* What is otherwise than in bench's row: unset ("": none), parse, value_at; min, max and clamps. */
    struct option_row row;
};

struct dialect {
    const char *name;          /* of the tool: a sub-command here, and a name of the program */
    const char *version;       /* of the tool whose command line this is                      */
    const char *default_tests; /* as -t lists them; NULL: all there are                       */
    const char *usage, *synopsis, *epilogue; /* of its help */
    const struct dialect_row *rows;
    size_t row_count;
    int usage_status; /* exit status of a command line that is refused there */
    /* In place of bench_options_settle, which it calls. Notices are what that tool would warn of. */
    enum err_code (*settle)(struct bench_request *request, struct err *err);
    /* What that tool says of an option that it does not know, or that lacks its value. */
    void (*print_refused)(const char *argument, FILE *out);
    /* Its report, for what was asked for. */
    enum err_code (*make_report)(struct sink *sink, FILE *out, const struct bench_request *request,
                                 struct err *err);
};

/* The dialect in list order, NULL behind the last; the one of this name, NULL: none. A name may be the
 * path of a program: what stands behind the last '/' counts. */
const struct dialect *dialect_at(size_t index);
const struct dialect *dialect_find(const char *name);

/* The name of the first dialect that has an option so spelled, NULL: none has. For option_table. */
const char *dialect_with_option(const char *spelling);

/* The option table of a dialect, made once. Every row of it has a name of its own, which is that of
 * bench's row where there is one. */
const struct option_table *dialect_option_table(const struct dialect *dialect);

/* As bench_options_parse. A refused option: request->values.refused. */
MUST_USE enum err_code dialect_options_parse(struct bench_request *request,
                                             const struct dialect *dialect, int argc,
                                             const char *const *argv, struct err *err);

/* The table of differences as Markdown: option there, volley's own, what differs. */
void dialect_print_markdown(const struct dialect *dialect, FILE *out);

extern const struct dialect dialect_valkey, dialect_redis;

#endif
