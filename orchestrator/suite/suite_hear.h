/* What a suite under way tells who looks on (hear of struct suite_run; NULL: nobody, and nothing is made). Private to suite_run.c
 * and suite_results.c. */
#ifndef ORCHESTRATOR_SUITE_SUITE_HEAR_H
#define ORCHESTRATOR_SUITE_SUITE_HEAR_H

#include "orchestrator/suite/suite_measurement.h"

/* What is done now, and the counts of runs. measurements: those that run side by side; count 0: nothing is under way. */
void suite_hear_state(const struct suite_run *run, const char *phase,
                      const struct measurement *measurements, size_t count);
/* A result: the figures of a record. */
void suite_hear_record(const struct measurement *measurement, const json_t *record);
/* A result: this one has failed. */
void suite_hear_failure(const struct measurement *measurement, const char *reason);

#endif
