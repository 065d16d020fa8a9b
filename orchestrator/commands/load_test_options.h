/* The options of `volley load-test`: a selection of bench's rows and its own. */
#ifndef ORCHESTRATOR_COMMANDS_LOAD_TEST_OPTIONS_H
#define ORCHESTRATOR_COMMANDS_LOAD_TEST_OPTIONS_H

#include "orchestrator/commands/sweep_options.h"

struct load_test_request {
    struct bench_request bench; /* first: the rows of bench fit */
    struct sweep_list users;
    uint64_t message_rate_micro; /* a minute, of each user, in millionths; 0: as replies come */
    uint64_t duration_ns;        /* of each run */
    bool both_modes, as_markdown;
    const char *csv_path;
};

/* Messages per second of so many users, in millionths; of a request with a rate. */
uint64_t load_test_rate_micro(const struct load_test_request *request, uint64_t users);

/* argv -> request, zeroed before; checked as far as that is possible without connecting. The spec is
 * that of the first run. bench_options_free(&request->bench) in any case. */
MUST_USE enum err_code load_test_options_parse(struct load_test_request *request, int argc,
                                               const char *const *argv, struct err *err);

#endif
