/* The columns of the interval CSV, for the sink and for the reference. */
#ifndef ORCHESTRATOR_REPORT_INTERVAL_CSV_H
#define ORCHESTRATOR_REPORT_INTERVAL_CSV_H

#include "orchestrator/report/metric.h"

struct interval_csv_column {
    const char *name;
    enum metric_id metric;
    struct metric_statistic statistic; /* of times */
    uint64_t unit_ns;                  /* likewise */
};
#define INTERVAL_CSV_COLUMNS 47u
extern const struct interval_csv_column interval_csv_columns[INTERVAL_CSV_COLUMNS];

#endif
