/* The options of `volley find-max`: a selection of bench's rows and its own. */
#ifndef ORCHESTRATOR_COMMANDS_FIND_MAX_OPTIONS_H
#define ORCHESTRATOR_COMMANDS_FIND_MAX_OPTIONS_H

#include "orchestrator/capacity/search.h"
#include "orchestrator/capacity/slo.h"
#include "orchestrator/options/bench_options.h"

struct find_max_request {
    struct bench_request bench; /* first: the rows of bench fit */
    struct slo_list slos;
    uint64_t start_rate, max_rate; /* requests per second */
    double precision;
    uint64_t windows, window_ns;
    uint64_t max_probes;
    const char *csv_path;
};

/* argv -> request, zeroed before; checked as far as that is possible without connecting. The spec's
 * rate is left to the search. bench_options_free(&request->bench) in any case. */
MUST_USE enum err_code find_max_options_parse(struct find_max_request *request, int argc,
                                              const char *const *argv, struct err *err);
/* Rates as the search takes them; the lowest gives ten requests a window. */
struct search_limits find_max_limits(const struct find_max_request *request);

#endif
