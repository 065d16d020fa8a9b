/* How figures of a class of requests are read: for metric.c alone. Pure functions. */
#ifndef ORCHESTRATOR_REPORT_METRIC_CLASS_H
#define ORCHESTRATOR_REPORT_METRIC_CLASS_H

#include "orchestrator/report/metric.h"

/* Those that were sent and got no reply. */
uint64_t metric_class_unanswered(const struct class_figures *class);
bool metric_class_failed(double *number, const struct class_figures *class);
bool metric_class_failed_percent(double *number, const struct class_figures *class);
/* Of consumers. */
bool metric_class_lost_messages(double *number, const struct class_figures *class);
bool metric_class_pending(double *number, const struct class_figures *class);
/* Of slice->class; the smallest and the deviation are not kept in coarse times. */
struct metric_value metric_class_times(const struct metric_slice *slice, enum class_times which,
                                       const struct metric_statistic *statistic);

#endif
