/* The options of `volley bench`: the table, and the relations between options that no single row
 * can check. */
#ifndef ORCHESTRATOR_OPTIONS_BENCH_OPTIONS_H
#define ORCHESTRATOR_OPTIONS_BENCH_OPTIONS_H

#include "common/spec.h"
#include "orchestrator/options/options.h"

extern const struct option_table bench_option_table;

struct bench_request {
    struct spec spec;
    struct option_values values;
    bool help;
    bool version;
    /* Things a user should know once, on stderr: "-n is ignored because --duration decides". */
    char notices[8][256];
    uint32_t notice_count;
};

/* argv -> spec. With help or version set, nothing else was checked. The spec's text points into
 * request->values; bench_options_free in any case. */
MUST_USE enum err_code bench_options_parse(struct bench_request *request, int argc,
                                           const char *const *argv, struct err *err);
void bench_options_free(struct bench_request *request);

#endif
