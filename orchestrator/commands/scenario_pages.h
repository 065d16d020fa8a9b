/* --html, --png and --svg of a scenario's run, made of what stands in its directory: of `run`, when it has ended, and of
 * `report`. */
#ifndef ORCHESTRATOR_COMMANDS_SCENARIO_PAGES_H
#define ORCHESTRATOR_COMMANDS_SCENARIO_PAGES_H

#include <stdbool.h>
#include <stdio.h>

#include "common/err.h"
#include "orchestrator/options/bench_options.h"
#include "orchestrator/page/page.h"
#include "orchestrator/page/picture.h"
#include "orchestrator/report/output.h"

struct scenario_pages {
    const struct output_options *outputs;
    struct output html; /* open, where a page is wanted */
};

bool scenario_pages_wanted(const struct output_options *outputs);
/* Before anything connects: what cannot be written, or needs what is not here, is refused. E_USAGE. Nothing is done where
 * nothing is wanted. */
MUST_USE enum err_code scenario_pages_open(struct scenario_pages *pages,
                                           const struct output_options *outputs, struct err *err);
/* Of the run in a directory whose files are complete. E_DATA: it has nothing to show. */
MUST_USE enum err_code scenario_pages_write(struct scenario_pages *pages, const char *run_path,
                                            const char *scenario, struct err *err);
/* The same where it is wanted, of a run that ended with this code, whatever it is. */
MUST_USE enum err_code scenario_pages_end(struct scenario_pages *pages, enum err_code code,
                                          const char *run_path, const char *scenario,
                                          struct err *err);
/* Leaves no file that was not written. Safe on a zeroed struct. */
void scenario_pages_close(struct scenario_pages *pages);

/* Those pictures of the page's newest result that are wanted, into a directory that is there. Each path is told, a line
 * (NULL: none), and what there is not is logged. */
MUST_USE enum err_code scenario_pages_draw(const struct page *page, enum picture_format format,
                                           const bool wanted[PICTURES_OF_SCENARIOS],
                                           const char *scenario, const char *directory, FILE *told,
                                           struct err *err);

#endif
