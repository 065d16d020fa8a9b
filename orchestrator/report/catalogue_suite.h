/* What suites have kept of a commit: results/<commit> with metrics.json, as the list of results has it. */
#ifndef ORCHESTRATOR_REPORT_CATALOGUE_SUITE_H
#define ORCHESTRATOR_REPORT_CATALOGUE_SUITE_H

#include "orchestrator/report/catalogue.h"

#define CATALOGUE_SUITE_FILE "metrics.json"
/* In the results' directory; held while a suite writes there. */
#define CATALOGUE_SUITE_LOCK ".volley-suite.lock"

/* From the records in the directory at path. What is wrong with them is the run's problem. */
void catalogue_suite_read(struct catalogue_run *run, const char *path);
/* Whether a suite writes into this directory of results at this moment. */
bool catalogue_suite_in_use(const char *results);

#endif
