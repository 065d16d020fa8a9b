/* A scenario made on the spot, for `volley run quick`: the text of a file, which is read like any other. */
#ifndef ORCHESTRATOR_SCENARIO_QUICK_SCENARIO_H
#define ORCHESTRATOR_SCENARIO_QUICK_SCENARIO_H

#include <stddef.h>

#include "common/err.h"

#define QUICK_SCENARIO_BYTES 1024u

struct quick_scenario {
    const char *dataset;  /* of vector_shape.h: how large values are */
    const char *workload; /* mixed, ingest, query, shrink */
    double seconds;
};

/* E_USAGE: no such workload or dataset. */
MUST_USE enum err_code quick_scenario_write(char text[QUICK_SCENARIO_BYTES],
                                            const struct quick_scenario *wish, struct err *err);

#endif
