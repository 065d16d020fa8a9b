/* The page and the pictures of a search, a sweep or a load test: --html, --png and --svg of find-max, sweep, load-test, compare-modes, and of report where a directory
 * is one of theirs. One thread. */
#ifndef ORCHESTRATOR_COMMANDS_CURVE_OUTPUTS_H
#define ORCHESTRATOR_COMMANDS_CURVE_OUTPUTS_H

#include <jansson.h>

#include "common/spec.h"
#include "orchestrator/page/page.h"

struct curve_outputs {
    struct page *page;     /* NULL: nothing was asked for */
    struct output html[2]; /* as asked, and in the directory of --out */
    uint32_t html_count;
    const struct output_options *options;
};

/* What was asked for, created before the load; listens to the runs. The runs' events have to be over before curve_outputs_write.
 * E_USAGE, E_SYSTEM: it cannot be made, as without gnuplot. The options have to stay. page_name: of a
 * page in the directory of --out, where volley can make pages; NULL: none. */
MUST_USE enum err_code curve_outputs_open(struct curve_outputs *outputs, struct timeline *timeline,
                                          const struct output_options *options,
                                          const char *page_name, struct err *err);
/* Writes all of it. document: curve_document or sweep_document; without a point in it there is neither page nor picture, and it
 * says so. E_DATA: it is damaged. */
MUST_USE enum err_code curve_outputs_write(struct curve_outputs *outputs, const json_t *document,
                                           struct err *err);
/* Behind the timeline's end; safe on a zeroed struct. */
void curve_outputs_discard(struct curve_outputs *outputs);

/* find-max.json, sweep.json, load-test.json or compare-modes.json of a directory, a new reference; NULL: there is none that can be read and has a
 * point. */
json_t *curve_outputs_document(const char *directory);

#endif
