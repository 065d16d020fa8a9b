/* Limits of KPIs from runs, and how they come into the file that a person keeps: the values alone are replaced, so that comments and
 * order stay. Pure. */
#ifndef ORCHESTRATOR_WATCH_CALIBRATION_H
#define ORCHESTRATOR_WATCH_CALIBRATION_H

#include "orchestrator/watch/alert_rules.h"

#define CALIBRATION_RUNS_LEAST 5u
#define CALIBRATION_RUNS_MAX 500u

/* One KPI over the runs. */
struct calibration {
    double values[CALIBRATION_RUNS_MAX];
    size_t count; /* that are known */
    /* by calibration_settle */
    double mean, sigma;       /* sigma: of a sample */
    double warning, critical; /* mean and 2, 3 sigma towards what is worse, never below 0 */
};

void calibration_settle(struct calibration *calibration, const struct kpi *kpi);
/* Six digits, without an exponent where that is readable. Returns text. */
char *calibration_number(char *text, size_t text_bytes, double number);

/* The text of a file of KPIs with these limits: NAN stays as it is. warnings, criticals: of rules->kpis, which was read from it.
 * *edited is the caller's to free. E_CONFIG: what stands there cannot be replaced; err says where. */
MUST_USE enum err_code calibration_edit(char **edited, const char *name, const char *text,
                                        const struct alert_rules *rules, const double *warnings,
                                        const double *criticals, struct err *err);

#endif
