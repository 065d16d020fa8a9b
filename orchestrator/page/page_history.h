/* How figures went from commit to commit, as a page shows it: what people read without a script. docs/design/pictures.md says what
 * it is made of. */
#ifndef ORCHESTRATOR_PAGE_PAGE_HISTORY_H
#define ORCHESTRATOR_PAGE_PAGE_HISTORY_H

#include <jansson.h>

#include "orchestrator/report/output.h"

#define PAGE_HISTORY "history" /* the kind of its page */

/* Counts, and the changes of level; what belongs to the end of the page. */
void page_history_html(struct output *out, const json_t *history);
void page_history_html_end(struct output *out, const json_t *history);

#endif
