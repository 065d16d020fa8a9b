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
/* A test case a row, for CI: slower by the threshold or more has failed, what cannot be told or is on one side is skipped. */
void comparison_write_junit(struct output *output, const struct comparison *comparison);

#endif
