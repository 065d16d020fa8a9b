/* The options of `volley optimize`: a selection of bench's rows and its own. */
#ifndef ORCHESTRATOR_COMMANDS_OPTIMIZE_OPTIONS_H
#define ORCHESTRATOR_COMMANDS_OPTIMIZE_OPTIONS_H

#include <limits.h>

#include "orchestrator/options/bench_options.h"
#include "orchestrator/watch/optimisation.h"

struct optimize_request {
    struct bench_request bench; /* first: the rows of bench fit */
    const char *kpi_name, *write_path, *markdown_path;
    uint64_t rounds, runs, duration_ns;
    double confidence_percent, threshold;
    char *kpis_path;      /* of the file that comes with volley; owned; NULL: the user named one */
    bool tracking, resp3; /* as the user wants them; a near cache wants both */
};

/* argv -> request, zeroed before, and of the optimisation what does not change: KPIs, wishes, the profile as it is, those that come
 * with volley. Checked as far as that is possible without connecting; what does not go with a buffer is refused, since
 * profiles with one are tried. optimize_options_free in any case. */
MUST_USE enum err_code optimize_options_parse(struct optimize_request *request,
                                              struct optimisation *optimisation, int argc,
                                              const char *const *argv, struct err *err);
void optimize_options_free(struct optimize_request *request);

#endif
