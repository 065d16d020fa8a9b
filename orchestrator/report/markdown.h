/* Text of anybody's in GitHub's Markdown. */
#ifndef ORCHESTRATOR_REPORT_MARKDOWN_H
#define ORCHESTRATOR_REPORT_MARKDOWN_H

#include "orchestrator/report/output.h"

/* No markup, no cell of its own, one line, and fit to be shown. */
void markdown_write_text(struct output *output, const char *text);
/* The same as a cell of a table, up to the bar behind it; "-" where it is empty. */
void markdown_write_cell(struct output *output, const char *text);

#endif
