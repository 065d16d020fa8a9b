/* Two results held against one another, as a page shows them: what people read without a script. docs/design/pictures.md says what
 * it is made of. */
#ifndef ORCHESTRATOR_PAGE_PAGE_COMPARISON_H
#define ORCHESTRATOR_PAGE_PAGE_COMPARISON_H

#include <jansson.h>

#include "orchestrator/report/output.h"

#define PAGE_COMPARISON "comparison" /* the kind of its page */

/* Counts of the answers, doubts, and the table; what belongs to the end of the page. */
void page_comparison_html(struct output *out, const json_t *comparison);
void page_comparison_html_end(struct output *out, const json_t *comparison);
/* "low" and "high" of a side of a row, by Student's t: what holds its mean with this confidence, were it the only one. Nothing where its
 * runs are too few. */
void page_comparison_put_interval(json_t *side, double confidence);

#endif
