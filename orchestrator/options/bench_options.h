/* The options of `volley bench`: the table, and the relations between options that no single row
 * can check. */
#ifndef ORCHESTRATOR_OPTIONS_BENCH_OPTIONS_H
#define ORCHESTRATOR_OPTIONS_BENCH_OPTIONS_H

#include "common/spec.h"
#include "orchestrator/options/options.h"
#include "orchestrator/options/uri.h"

extern const struct option_table bench_option_table;

struct bench_request {
    struct spec spec;
    struct option_values values;
    bool help;
    bool version;
    /* Things a user should know once, on stderr: "-n is ignored because --duration decides". */
    char notices[8][256];
    uint32_t notice_count;

    /* private: options that become something else in the spec */
    const char *uri_text;
    struct uri *uri; /* owned */
    const char *config_path;
    uint64_t random_keys, sequential_keys; /* 0: not given */
    bool single_process;
};

/* argv -> spec, checked as far as that is possible without connecting. With help or version set,
 * nothing else was looked at. The spec's text belongs to the request; bench_options_free in any
 * case. An argument that is no option begins a command, as with valkey-benchmark. */
MUST_USE enum err_code bench_options_parse(struct bench_request *request, int argc,
                                           const char *const *argv, struct err *err);
void bench_options_free(struct bench_request *request);

#endif
