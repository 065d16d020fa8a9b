/* The page of a scenario's run, made of what it left in its directory: the journal, samples, phases and checks. Called by
 * commands. */
#ifndef ORCHESTRATOR_SCENARIO_SCENARIO_PAGE_H
#define ORCHESTRATOR_SCENARIO_SCENARIO_PAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "common/err.h"
#include "orchestrator/page/page.h"
#include "orchestrator/scenario/scenario_export.h"

/* Fills a further result of the page; name NULL: the run's own. What is missing or cut in the run's files is told at the top of
 * the page, and logged. E_DATA: there is nothing that can be shown. */
MUST_USE enum err_code scenario_page_add(struct page *page, const char *run_path,
                                         const char *scenario, const char *name, struct err *err);
/* Writes <scenario>_dashboard.html of a page that has been filled into a directory; path: where it is then. E_USAGE, E_SYSTEM:
 * it cannot be written. */
MUST_USE enum err_code scenario_page_write(char path[SCENARIO_PATH_BYTES], struct page *page,
                                           const char *scenario, const char *directory,
                                           struct err *err);

/* Of runs laid over one another, one figure that was sampled in all of them. */
struct scenario_comparison {
    const char *const *paths; /* of the runs' directories */
    const char *const *scenarios;
    size_t count;
    const char *metric; /* as checks call it */
    bool normalize;     /* each as a part of its own largest value */
};

/* Writes comparison_<metric>.html into a directory, and prints a line a run. E_USAGE: nothing is called so; E_DATA: a run has no
 * such samples. */
MUST_USE enum err_code scenario_page_compare(char path[SCENARIO_PATH_BYTES],
                                             const struct scenario_comparison *comparison,
                                             const char *directory, FILE *out, struct err *err);

#endif
