/* What the KPIs of a session come to, run by run: of the load over all that was measured, of the server the mean of its samples.
 * For the report, and for kpis.json in the directory of a run (docs/reference/alerts.md), which calibrate reads. */
#ifndef ORCHESTRATOR_WATCH_KPI_ACCOUNT_H
#define ORCHESTRATOR_WATCH_KPI_ACCOUNT_H

#include <jansson.h>

#include "orchestrator/report/output.h"
#include "orchestrator/report/timeline.h"
#include "orchestrator/watch/alert_rules.h"

#define KPI_FILE_SCHEMA "volley.kpis/1"

struct kpi_account {
    const struct alert_rules *rules;
    double *sums; /* of rules->kpis, of samples that are known */
    uint64_t *counts;
    json_t *runs;
    FILE *table; /* NULL: it is not printed */
    struct output output;
    bool opened;  /* there is an output */
    bool written; /* which waits for its end */
};

/* path: of kpis.json; NULL: none. E_SYSTEM, or as output_create. */
MUST_USE enum err_code kpi_account_open(struct kpi_account *account,
                                        const struct alert_rules *rules, const char *path,
                                        struct err *err);
void kpi_account_run_begin(struct kpi_account *account);
void kpi_account_add(struct kpi_account *account, const struct watch_reading *reading);
/* A new array: of each KPI what it has come to, as in kpis.json. */
json_t *kpi_account_of(const struct kpi_account *account, const struct run_result *result);
void kpi_account_run_end(struct kpi_account *account, const struct run_result *result);
MUST_USE enum err_code kpi_account_end(struct kpi_account *account, struct err *err);
void kpi_account_free(struct kpi_account *account); /* safe on a zeroed struct */

#endif
