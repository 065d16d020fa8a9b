#include "orchestrator/watch/health.h"

#include <math.h>
#include <string.h>

#define COUNT(list) (sizeof(list) / sizeof(list)[0])

static const char *const status_names[] = {[HEALTH_UNKNOWN] = "unknown",
                                           [HEALTH_OK] = "ok",
                                           [HEALTH_WARNING] = "warning",
                                           [HEALTH_CRITICAL] = "critical"};

/* What a check is of. A KPI of the same figure has its limits. */
static const struct check {
    const char *name;
    enum health_page page;
    enum {
        OF_FIGURE,
        OF_SERVER,
        OF_BUFFER
    } kind; /* OF_BUFFER: known with a client's buffer alone */
    const char *figure;
} checks[] = {
    {"buffer_service_status", HEALTH_BUFFER, OF_BUFFER, "buffer_utilization"},
    {"component_health", HEALTH_BUFFER, OF_SERVER, NULL},
    {"memory_usage_check", HEALTH_BUFFER, OF_FIGURE, "memory_mb"},
    {"worker_pool_status", HEALTH_BUFFER, OF_FIGURE, "buffer_worker_utilization"},
    {"latency_check", HEALTH_PERFORMANCE, OF_FIGURE, "p95_latency_ms"},
    {"throughput_check", HEALTH_PERFORMANCE, OF_FIGURE, "messages_per_minute"},
    {"error_rate_check", HEALTH_PERFORMANCE, OF_FIGURE, "error_percentage"},
};

bool health_find(enum health_page *page, const char *path)
{
    static const struct {
        const char *path;
        enum health_page page;
    } pages[] = {{"/health", HEALTH_ALL},
                 {"/health/buffer", HEALTH_BUFFER},
                 {"/health/performance", HEALTH_PERFORMANCE}};
    for (size_t i = 0; i < COUNT(pages); i++)
        if (strcmp(path, pages[i].path) == 0) {
            *page = pages[i].page;
            return true;
        }
    return false;
}

/* The same thing, whatever its unit or percentile. Of a buffer it is what a run with a buffer has. */
static bool is_of(const struct kpi *kpi, const struct watch_figure *figure, bool buffered)
{
    if (buffered && kpi->figure.buffer != figure->buffer)
        return false;
    if (buffered && figure->buffer != WATCH_NO_BUFFER)
        return true;
    return kpi->figure.origin == figure->origin &&
           (figure->origin == WATCH_LOAD ? kpi->figure.metric == figure->metric
                                         : kpi->figure.field == figure->field);
}

/* The KPI that says most of it: one that has limits, else any. */
static const struct kpi *find_kpi(const struct alert_rules *rules,
                                  const struct watch_figure *figure, bool buffered)
{
    const struct kpi *found = NULL;
    for (size_t i = 0; rules != NULL && i < rules->kpi_count; i++) {
        const struct kpi *kpi = &rules->kpis[i];
        if (!is_of(kpi, figure, buffered))
            continue;
        if (!isnan(kpi->warning) || !isnan(kpi->critical))
            return kpi;
        found = found == NULL ? kpi : found;
    }
    return found;
}

static enum health_status status_of(enum kpi_status status)
{
    switch (status) {
    case KPI_OK:
        return HEALTH_OK;
    case KPI_WARNING:
        return HEALTH_WARNING;
    case KPI_CRITICAL:
        return HEALTH_CRITICAL;
    case KPI_UNKNOWN:
    case KPI_UNCALIBRATED:
        break;
    }
    return HEALTH_UNKNOWN;
}

static void judge_figure(struct health_check *outcome, const struct check *check,
                         const struct health_state *state)
{
    struct watch_figure figure;
    if (watch_figure_find(&figure, check->figure, strlen(check->figure), NULL) != OK)
        return;
    const struct kpi *kpi =
        find_kpi(state->rules, &figure, watch_reading_is_buffered(state->reading));
    const struct watch_figure *seen = kpi != NULL ? &kpi->figure : &figure;
    outcome->value = watch_figure_read(seen, state->reading);
    outcome->unit = seen->unit;
    if (kpi == NULL)
        return;
    outcome->warning = kpi->warning;
    outcome->critical = kpi->critical;
    outcome->status = status_of(kpi_judge(kpi, outcome->value));
}

/* A buffer that has been full for long holds its users up. Limits of a KPI go before this one. */
static void judge_buffer(struct health_check *outcome, const struct check *check,
                         const struct health_state *state)
{
    judge_figure(outcome, check, state);
    if (isnan(outcome->value.number) || !isnan(outcome->warning) || !isnan(outcome->critical))
        return;
    outcome->warning = HEALTH_BUFFER_FULL_SHARE;
    outcome->status = outcome->value.number > HEALTH_BUFFER_FULL_SHARE ? HEALTH_WARNING : HEALTH_OK;
}

static struct health_check judge(const struct check *check, const struct health_state *state)
{
    const uint64_t limit_ms =
        check->page == HEALTH_BUFFER ? HEALTH_BUFFER_LIMIT_MS : HEALTH_PERFORMANCE_LIMIT_MS;
    struct health_check outcome = {
        .name = check->name, .value.number = NAN, .warning = NAN, .critical = NAN};
    if (state->reading == NULL ||
        (check->kind == OF_BUFFER && !watch_reading_is_buffered(state->reading)))
        return outcome;
    if (check->kind == OF_BUFFER)
        judge_buffer(&outcome, check, state);
    else if (check->kind == OF_FIGURE)
        judge_figure(&outcome, check, state);
    else if (!isnan(state->reading->server_up))
        outcome.status = state->reading->server_up > 0 ? HEALTH_OK : HEALTH_CRITICAL;
    if (!state->ended && state->age_ms > limit_ms + state->interval_ms)
        outcome.status = HEALTH_CRITICAL;
    return outcome;
}

static json_t *number_or_null(double number)
{
    return isfinite(number) ? json_real(number) : json_null();
}

static json_t *to_json(const struct health_check *check, double duration_ms)
{
    json_t *object =
        json_pack("{s:s, s:s, s:o, s:o, s:o, s:f}", "name", check->name, "status",
                  status_names[check->status], "value", number_or_null(check->value.number),
                  "warning", number_or_null(check->warning), "critical",
                  number_or_null(check->critical), "duration_ms", duration_ms);
    if (object != NULL && check->unit != NULL)
        json_object_set_new(object, "unit", json_string(check->unit));
    if (object != NULL && check->value.at_least)
        json_object_set_new(object, "at_least", json_true());
    return object;
}

json_t *health_told(const struct health_check *told, size_t count, double duration_ms, int *status)
{
    enum health_status worst = HEALTH_UNKNOWN;
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        worst = told[i].status > worst ? told[i].status : worst;
        json_array_append_new(list, to_json(&told[i], duration_ms));
    }
    *status = worst == HEALTH_CRITICAL ? 503 : 200;
    return json_pack("{s:s, s:o}", "status",
                     worst == HEALTH_CRITICAL  ? "critical"
                     : worst == HEALTH_WARNING ? "degraded"
                                               : "ok",
                     "checks", list);
}

json_t *health_body(enum health_page page, const struct health_state *state, int *status)
{
    struct health_check told[COUNT(checks)];
    size_t count = 0;
    for (size_t i = 0; i < COUNT(checks); i++)
        if (page == HEALTH_ALL || page == checks[i].page)
            told[count++] = judge(&checks[i], state);
    return health_told(told, count, state->duration_ms, status);
}
