/* Objectives about classes of requests: whether there is such a class, once it is known what the requests are. */
#ifndef ORCHESTRATOR_OPTIONS_OBJECTIVE_CLASSES_H
#define ORCHESTRATOR_OPTIONS_OBJECTIVE_CLASSES_H

#include "common/err.h"
#include "orchestrator/report/objective.h"

/* option: that the list was given by, "--slo"; title: of the test with these classes. E_USAGE: an objective names
 * another one; with those that there are, and the nearest of them. */
MUST_USE enum err_code objective_classes_check(const struct objective_list *list,
                                               const char *option, const char *title,
                                               const char *const classes[], uint32_t class_count,
                                               struct err *err);

#endif
