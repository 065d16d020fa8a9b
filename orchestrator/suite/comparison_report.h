/* A comparison for people and for programs. */
#ifndef ORCHESTRATOR_SUITE_COMPARISON_REPORT_H
#define ORCHESTRATOR_SUITE_COMPARISON_REPORT_H

#include "orchestrator/report/output.h"
#include "orchestrator/suite/comparison.h"

/* GitHub's Markdown: a table a configuration, with the means of repeated runs as "Value (n=X, σ=Y, CV=Z%)", the answers, and what
 * differs in environment and options. */
void comparison_write_markdown(struct output *output, const struct comparison *comparison);
/* One object, rows with all that comparison.h has of them. False: no memory. */
MUST_USE bool comparison_write_json(struct output *output, const struct comparison *comparison);
/* Parts of it, new: a row, and how many runs of a set have each verdict. */
json_t *comparison_row_json(const struct comparison *comparison, const struct comparison_row *row);
json_t *comparison_verdicts_json(const struct record_set *set);
/* A test case a row, for CI: slower by the threshold or more has failed, what cannot be told or is on one side is skipped. */
void comparison_write_junit(struct output *output, const struct comparison *comparison);

/* One HTML file (docs/design/pictures.md), with its rows, those that are the surest if there are very many. command_line: how it
 * was asked for, for its end. page_bundle_check goes before. E_SYSTEM: no memory. */
MUST_USE enum err_code comparison_write_page(struct output *output,
                                             const struct comparison *comparison,
                                             const char *command_line, struct err *err);

#endif
