/* The options of `volley sweep`: a selection of bench's rows and its own. */
#ifndef ORCHESTRATOR_COMMANDS_SWEEP_OPTIONS_H
#define ORCHESTRATOR_COMMANDS_SWEEP_OPTIONS_H

#include "orchestrator/capacity/sweep.h"
#include "orchestrator/options/bench_options.h"

struct sweep_list {
    uint64_t values[SWEEP_STEPS_MAX]; /* ascending */
    uint32_t count;
};

struct sweep_request {
    struct bench_request bench;       /* first: the rows of bench fit */
    struct sweep_list lists[3];       /* by enum sweep_kind           */
    enum sweep_kind kind;             /* the one with several values  */
    struct objective_list objectives; /* count 0: none */
    uint64_t step_ns;
    const char *csv_path;
};

/* "1,5,10" in place of what the list holds. name: of the option, without dashes, for sentences. E_USAGE: a value is
 * none of its kind, or not above the one before it, or there are more than SWEEP_STEPS_MAX. */
MUST_USE enum err_code sweep_list_parse(struct sweep_list *list, enum sweep_kind kind,
                                        const char *name, const char *text, struct err *err);

/* argv -> request, zeroed before; checked as far as that is possible without connecting. The spec is
 * that of the first step. bench_options_free(&request->bench) in any case. */
MUST_USE enum err_code sweep_options_parse(struct sweep_request *request, int argc,
                                           const char *const *argv, struct err *err);

#endif
