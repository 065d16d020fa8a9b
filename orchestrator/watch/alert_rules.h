/* Alert rules and KPIs, as people write them in files (docs/reference/alerts.md), and as they are evaluated. A KPI with limits is
 * two rules with its name, one for each severity. Owned by the command; all text in here is bounded and clean. */
#ifndef ORCHESTRATOR_WATCH_ALERT_RULES_H
#define ORCHESTRATOR_WATCH_ALERT_RULES_H

#include "orchestrator/options/file_reader.h"
#include "orchestrator/watch/alert_event.h"
#include "orchestrator/watch/expression.h"

#define ALERT_RULES_MAX 200u

struct alert_rule {
    char name[ALERT_NAME_BYTES];
    enum alert_severity severity;
    struct expression expression;
    char condition[EXPRESSION_BYTES_MAX + 1]; /* the expression, in one line */
    uint64_t for_ns;                          /* as written */
    char summary[ALERT_TEXT_BYTES], description[ALERT_TEXT_BYTES];
    struct alert_label labels[ALERT_LABELS_MAX]; /* severity among them, the first */
    uint32_t label_count;
};

struct kpi {
    char name[ALERT_NAME_BYTES];
    struct watch_figure figure;
    double target, warning, critical; /* NAN: nobody has said yet */
    bool higher_is_better;
};
enum kpi_status { KPI_UNKNOWN, KPI_UNCALIBRATED, KPI_OK, KPI_WARNING, KPI_CRITICAL };

struct alert_rules {
    struct alert_rule *items;
    size_t count;
    struct kpi *kpis;
    size_t kpi_count;
};

extern const struct file_kind alert_rules_kind; /* "alerts" */
extern const struct file_kind kpi_file_kind;    /* "kpis"   */

/* Adds what the file has. E_CONFIG, as "name:line:column: ...". */
MUST_USE enum err_code alert_rules_read(struct alert_rules *rules, const struct file_source *source,
                                        struct err *err);
MUST_USE enum err_code kpi_file_read(struct alert_rules *rules, const struct file_source *source,
                                     struct err *err);
/* Of either kind, told by its keys. */
MUST_USE enum err_code alert_rules_read_any(struct alert_rules *rules, const char *path,
                                            struct err *err);
void alert_rules_free(struct alert_rules *rules); /* safe on a zeroed struct */

/* A rule more, with its name and severity set; NULL: no memory, too many, or one of these stands there already; err says
 * which. */
struct alert_rule *alert_rules_add(struct alert_rules *rules, const char *name,
                                   enum alert_severity severity, struct err *err);
/* "" where a name is fit for alerts and KPIs; else why it is not. */
const char *alert_name_trouble(const char *name);

/* What a KPI's value comes to. */
enum kpi_status kpi_judge(const struct kpi *kpi, struct watch_value value);
const char *kpi_status_name(enum kpi_status status); /* "ok" */

#endif
