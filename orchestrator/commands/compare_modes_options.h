/* The options of `volley compare-modes`: a selection of bench's rows and its own. */
#ifndef ORCHESTRATOR_COMMANDS_COMPARE_MODES_OPTIONS_H
#define ORCHESTRATOR_COMMANDS_COMPARE_MODES_OPTIONS_H

#include "orchestrator/options/bench_options.h"
#include "orchestrator/suite/modes.h"

struct compare_modes_request {
    struct bench_request bench; /* first: the rows of bench fit */
    const char *paths[MODES];
    struct buffer_options buffers[MODES];
    uint64_t runs; /* of each */
    double confidence_percent, threshold;
    bool markdown, fail_on_regression;
    bool tracking, resp3; /* as the user wants them; a near cache wants both */
};

/* argv -> request, zeroed before; checked as far as that is possible without connecting. The spec is that of a mode that buffers.
 * bench_options_free(&request->bench) in any case. */
MUST_USE enum err_code compare_modes_options_parse(struct compare_modes_request *request, int argc,
                                                   const char *const *argv, struct err *err);

#endif
