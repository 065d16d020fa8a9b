#include "orchestrator/watch/prometheus_name.h"

#include <stdio.h>
#include <string.h>

/* Names that the rule does not make: those that people know from elsewhere. */
static const struct {
    enum metric_id metric;
    const char *family;
} known[] = {
    {METRIC_TARGET_RATE, "volley_target_rate"},
    {METRIC_ACHIEVED_RATE, "volley_rate"},
    {METRIC_SENT, "volley_requests_total"},
    {METRIC_CONNECTIONS_OPEN, "volley_connections"},
};

/* Rows below one of these are one family. */
static const struct {
    const char *path, *family, *label;
} families[] = {
    {"errors_by_kind", "volley_errors_total", "kind"},
    {"shed_by_cause", "volley_shed_total", "cause"},
    {"connections.lost_by_cause", "volley_connections_lost_by_cause_total", "cause"},
    {"connections.failed_by_cause", "volley_connections_failed_by_cause_total", "cause"},
};

/* The stem of a path: what stands for its unit at its end is cut off. */
static void put_stem(char stem[PROMETHEUS_NAME_BYTES], const char *path)
{
    static const char *const units[] = {"_us", "_percent", "_seconds"};
    if (strcmp(path, "response_time_us") == 0)
        path = "latency_us";
    snprintf(stem, PROMETHEUS_NAME_BYTES, "volley_%s", path);
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        const size_t bytes = strlen(stem), unit_bytes = strlen(units[i]);
        if (bytes > unit_bytes && strcmp(stem + bytes - unit_bytes, units[i]) == 0)
            stem[bytes - unit_bytes] = '\0';
    }
    for (char *at = stem; *at != '\0'; at++)
        if (*at == '.')
            *at = '_';
}

static bool in_family(struct prometheus_name *name, const char *path)
{
    for (size_t i = 0; i < sizeof families / sizeof families[0]; i++) {
        const size_t bytes = strlen(families[i].path);
        if (strncmp(path, families[i].path, bytes) != 0 ||
            (path[bytes] != '.' && path[bytes] != '\0'))
            continue;
        snprintf(name->family, sizeof name->family, "%s", families[i].family);
        name->label = families[i].label;
        name->value = path[bytes] == '.' ? path + bytes + 1 : NULL;
        return true;
    }
    return false;
}

struct prometheus_name prometheus_name_of(enum metric_id metric)
{
    const struct metric *row = &metric_table[metric];
    struct prometheus_name name = {.type = PROMETHEUS_COUNTER, .factor = 1};
    char stem[PROMETHEUS_NAME_BYTES];
    const char *end = "";
    if (row->type == METRIC_TIMES)
        name.type = PROMETHEUS_HISTOGRAM;
    else if (row->type != METRIC_COUNT && row->type != METRIC_WORDS)
        name.type = PROMETHEUS_GAUGE;
    if (in_family(&name, row->path))
        return name;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (known[i].metric == metric) {
            snprintf(name.family, sizeof name.family, "%s", known[i].family);
            return name;
        }
    put_stem(stem, row->path);
    if (row->type == METRIC_TIMES) {
        end = "_seconds";
        name.factor = 1e-6;
    } else if (row->type == METRIC_SHARE) {
        end = "_ratio";
        name.factor = 0.01;
    } else if (name.type == PROMETHEUS_COUNTER) {
        end = "_total";
    } else if (strcmp(row->unit, "s") == 0) {
        end = "_seconds";
    }
    snprintf(name.family, sizeof name.family, "%.60s%s", stem, end);
    return name;
}

static bool only_grows(enum series_metric field)
{
    switch (field) {
    case SERIES_EVICTED:
    case SERIES_EXPIRED:
    case SERIES_HITS:
    case SERIES_MISSES:
    case SERIES_CPU_SYS:
    case SERIES_CPU_USER:
    case SERIES_NET_IN:
    case SERIES_NET_OUT:
        return true;
    default:
        return false;
    }
}

struct prometheus_name prometheus_name_of_field(enum series_metric field)
{
    struct prometheus_name name = {.type = PROMETHEUS_GAUGE, .factor = 1};
    const char *unit = series_metric_unit(field), *end = "", *text = series_metric_name(field);
    const size_t bytes = strlen(text);
    if (field == SERIES_FRAGMENTATION || field == SERIES_SERVER_OPS) { /* as dashboards call them */
        snprintf(name.family, sizeof name.family, "volley_server_%s",
                 field == SERIES_FRAGMENTATION ? "frag_ratio" : "commands_per_second");
        return name;
    }
    if (strcmp(unit, "bytes") == 0 && (bytes < 6 || strcmp(text + bytes - 6, "_bytes") != 0))
        end = "_bytes";
    else if (strcmp(unit, "s") == 0)
        end = "_seconds";
    else if (strcmp(unit, "percent") == 0) {
        end = "_ratio";
        name.factor = 0.01;
    }
    if (only_grows(field))
        name.type = PROMETHEUS_COUNTER;
    snprintf(name.family, sizeof name.family, "volley_server_%.40s%s%s", text, end,
             name.type == PROMETHEUS_COUNTER ? "_total" : "");
    return name;
}

void prometheus_name_of_statistic(char family[PROMETHEUS_NAME_BYTES], double *q,
                                  enum metric_id metric, const struct metric_statistic *statistic)
{
    char stem[PROMETHEUS_NAME_BYTES];
    put_stem(stem, metric_table[metric].path);
    *q = statistic->kind == STATISTIC_PERCENTILE ? statistic->percent / 100 : -1;
    snprintf(family, PROMETHEUS_NAME_BYTES, "%.50s_%s_seconds", stem,
             statistic->kind == STATISTIC_PERCENTILE ? "quantile" : statistic->name);
}
