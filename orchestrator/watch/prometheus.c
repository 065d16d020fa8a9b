#include "orchestrator/watch/prometheus.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "common/clock.h"
#include "common/printable.h"
#include "orchestrator/watch/prometheus_name.h"

/* Upper edges of buckets, in nanoseconds: of a cache's microseconds, and of what people wait for. */
static const uint64_t edges_ns[] = {
    10000,     25000,      50000,      100000,     250000,      500000,      1000000,
    2500000,   5000000,    10000000,   25000000,   50000000,    100000000,   250000000,
    500000000, 1000000000, 2500000000, 5000000000, 10000000000, 30000000000, 60000000000};
#define EDGES (sizeof edges_ns / sizeof edges_ns[0])

/* ---- the format ---- */

static void put_head(FILE *out, const char *family, const char *type, const char *help)
{
    fprintf(out, "# HELP %s ", family);
    for (; *help != '\0'; help++)
        if (*help == '\\')
            fputs("\\\\", out);
        else
            fputc(*help == '\n' ? ' ' : *help, out);
    fprintf(out, ".\n# TYPE %s %s\n", family, type);
}

/* The value of a label: any text. What is no UTF-8 is shown by its bytes. */
static void put_text(FILE *out, const char *text)
{
    for (const char *at = text; *at != '\0';) {
        const size_t bytes = printable_sequence_bytes(at);
        if (bytes == 0) {
            fprintf(out, "\\\\x%02X", (unsigned)(unsigned char)*at++);
        } else {
            if (bytes == 1 && (*at == '\\' || *at == '"'))
                fputc('\\', out);
            if (bytes == 1 && *at == '\n')
                fputs("\\n", out);
            else
                fwrite(at, 1, bytes, out);
            at += bytes;
        }
    }
}

struct label {
    const char *name, *value;
};

static void put_labels(FILE *out, const struct label *labels, size_t count)
{
    const char *before = "{";
    for (size_t i = 0; i < count; i++) {
        if (labels[i].value == NULL)
            continue;
        fprintf(out, "%s%s=\"", before, labels[i].name);
        put_text(out, labels[i].value);
        fputc('"', out);
        before = ",";
    }
    if (*before == ',')
        fputc('}', out);
}

static void put_number(FILE *out, double number)
{
    if (isinf(number))
        fputs(number > 0 ? " +Inf\n" : " -Inf\n", out);
    else
        fprintf(out, " %.15g\n", number);
}

/* ---- families of the table ---- */

static void put_counts(FILE *out, const struct watch_totals *totals, const struct watch_test *test,
                       enum metric_id metric, const struct prometheus_name *name)
{
    const struct label labels[] = {
        {"op", test->name}, {"target", test->target}, {name->label, name->value}};
    const size_t count = name->label != NULL ? 3 : 2;
    if (metric_table[metric].type == METRIC_WORDS) {
        for (uint32_t i = 0; i < test->word_count; i++) {
            const struct label of_word[] = {
                labels[0], labels[1], {name->label, test->words[i].word}};
            fputs(name->family, out);
            put_labels(out, of_word, 3);
            fprintf(out, " %" PRIu64 "\n", test->words[i].count);
        }
        return;
    }
    const struct metric_slice slice = watch_totals_slice(totals, test);
    struct metric_value value = metric_read(&slice, metric, NULL);
    if (metric_table[metric].word != NULL) /* numbered otherwise in each run: by its words */
        for (uint32_t i = 0; i < test->word_count; i++)
            if (strcmp(test->words[i].word, metric_table[metric].word) == 0)
                value.count = test->words[i].count;
    fputs(name->family, out);
    put_labels(out, labels, count);
    fprintf(out, " %" PRIu64 "\n", value.count);
}

static void put_histogram(FILE *out, const struct watch_test *test, enum metric_id metric,
                          const struct prometheus_name *name)
{
    const struct metric_slice slice = metric_slice_of(test->total, test->open_loop);
    const struct histogram *times = &test->total->histograms[metric_histogram(&slice, metric)];
    for (size_t i = 0; i <= EDGES; i++) {
        char edge[32] = "+Inf";
        if (i < EDGES)
            snprintf(edge, sizeof edge, "%.10g", (double)edges_ns[i] / 1e9);
        fprintf(out, "%s_bucket", name->family);
        put_labels(
            out, (const struct label[]){{"op", test->name}, {"target", test->target}, {"le", edge}},
            3);
        fprintf(out, " %" PRIu64 "\n",
                i < EDGES ? histogram_count_at_or_below(times, edges_ns[i]) : times->count);
    }
    const struct label labels[] = {{"op", test->name}, {"target", test->target}};
    fprintf(out, "%s_sum", name->family);
    put_labels(out, labels, 2);
    put_number(out, histogram_mean(times) * (double)times->count / NS_PER_SECOND);
    fprintf(out, "%s_count", name->family);
    put_labels(out, labels, 2);
    fprintf(out, " %" PRIu64 "\n", times->count);
}

/* Of the newest interval; with a rate alone, what means nothing without one. */
static void put_gauge(FILE *out, const struct prometheus_view *view, enum metric_id metric,
                      const struct prometheus_name *name)
{
    const struct watch_totals *totals = view->totals;
    struct watch_reading reading;
    struct metric_slice slice;
    (void)watch_totals_reading(&reading, &slice, totals, view->samples);
    const struct metric_value value = metric_read(&slice, metric, NULL);
    if (!value.known || totals->current == NULL ||
        ((metric_table[metric].flags & METRIC_OPEN_LOOP) != 0 && !totals->run.open_loop))
        return;
    fputs(name->family, out);
    put_labels(
        out,
        (const struct label[]){{"op", totals->current->name}, {"target", totals->current->target}},
        2);
    put_number(out, value.number * name->factor);
}

static const char *type_name(enum prometheus_type type)
{
    static const char *const names[] = {[PROMETHEUS_COUNTER] = "counter",
                                        [PROMETHEUS_GAUGE] = "gauge",
                                        [PROMETHEUS_HISTOGRAM] = "histogram"};
    return names[type];
}

static bool told(enum metric_id metric)
{
    return (metric_table[metric].flags & METRIC_OF_LANES) == 0 && metric != METRIC_KEYS &&
           metric != METRIC_REPLICATION_LAG && metric != METRIC_BACKLOG_BEFORE &&
           metric != METRIC_IN_FLIGHT_BEFORE;
}

static void put_member(FILE *out, const struct prometheus_view *view, enum metric_id metric,
                       const struct prometheus_name *name)
{
    if (name->type == PROMETHEUS_GAUGE) {
        if (view->totals->newest_known)
            put_gauge(out, view, metric, name);
        return;
    }
    for (uint32_t i = 0; i < view->totals->test_count; i++) {
        const struct watch_test *test = &view->totals->tests[i];
        if (name->type == PROMETHEUS_HISTOGRAM)
            put_histogram(out, test, metric, name);
        else
            put_counts(out, view->totals, test, metric, name);
    }
}

/* Each family once, where its first row stands, with all of its rows. */
static void put_families(FILE *out, const struct prometheus_view *view)
{
    bool done[METRICS] = {false};
    for (unsigned first = 0; first < METRICS; first++) {
        if (done[first] || !told(first))
            continue;
        const struct prometheus_name name = prometheus_name_of(first);
        put_head(out, name.family, type_name(name.type), metric_table[first].help);
        for (unsigned id = first; id < METRICS; id++) {
            const struct prometheus_name other = prometheus_name_of(id);
            if (!told(id) || strcmp(other.family, name.family) != 0)
                continue;
            done[id] = true;
            put_member(out, view, id, &other);
        }
    }
}

/* ---- statistics of the newest interval ---- */

static void put_statistic(FILE *out, const struct prometheus_view *view, enum metric_id metric,
                          const struct metric_statistic *statistic)
{
    const struct watch_totals *totals = view->totals;
    const struct metric_slice slice = metric_slice_of(totals->newest, totals->run.open_loop);
    const struct metric_value value = metric_read(&slice, metric, statistic);
    char family[PROMETHEUS_NAME_BYTES], quantile[24];
    double q;
    prometheus_name_of_statistic(family, &q, metric, statistic);
    if (!value.known && !value.censored)
        return;
    snprintf(quantile, sizeof quantile, "%g", q);
    fputs(family, out);
    put_labels(out,
               (const struct label[]){{"op", totals->current->name},
                                      {"target", totals->current->target},
                                      {"q", q >= 0 ? quantile : NULL}},
               3);
    put_number(out, value.censored ? (double)INFINITY : value.number / NS_PER_SECOND);
}

static void put_statistics(FILE *out, const struct prometheus_view *view)
{
    const struct watch_totals *totals = view->totals;
    if (!totals->newest_known || totals->current == NULL)
        return;
    for (unsigned id = 0; id < METRICS; id++) {
        char last[PROMETHEUS_NAME_BYTES] = "", family[PROMETHEUS_NAME_BYTES], help[200];
        if (metric_table[id].type != METRIC_TIMES || !told(id) ||
            ((metric_table[id].flags & METRIC_OPEN_LOOP) != 0 && !totals->run.open_loop))
            continue;
        for (size_t i = 0; i < METRIC_STATISTICS; i++) {
            double q;
            if (metric_statistics[i].kind == STATISTIC_COUNT)
                continue;
            prometheus_name_of_statistic(family, &q, id, &metric_statistics[i]);
            if (strcmp(family, last) != 0) {
                snprintf(help, sizeof help, "Of the newest interval: %.150s",
                         metric_table[id].help);
                put_head(out, family, "gauge", help);
                memcpy(last, family, sizeof last);
            }
            put_statistic(out, view, id, &metric_statistics[i]);
        }
    }
}

/* ---- servers, and what is under way ---- */

static void put_field(FILE *out, const struct watch_samples *samples, enum series_metric field)
{
    const struct prometheus_name name = prometheus_name_of_field(field);
    char help[160];
    if (isnan(samples->newest[field]))
        return;
    snprintf(help, sizeof help, "INFO's %s, of all primaries together", series_metric_name(field));
    put_head(out, name.family, type_name(name.type), help);
    if (samples->node_count > 0 && (field == SERIES_USED_MEMORY || field == SERIES_FRAGMENTATION)) {
        for (uint32_t i = 0; i < samples->node_count; i++) {
            const struct watch_node_sample *node = &samples->nodes[i];
            const double value = field == SERIES_USED_MEMORY ? node->used_memory : node->frag_ratio;
            if (isnan(value))
                continue;
            fputs(name.family, out);
            put_labels(out, (const struct label[]){{"node", node->text}}, 1);
            put_number(out, value * name.factor);
        }
        return;
    }
    fputs(name.family, out);
    put_number(out, samples->newest[field] * name.factor);
}

static void put_servers(FILE *out, const struct watch_samples *samples)
{
    for (unsigned field = 0; field < SERIES_OPS; field++)
        put_field(out, samples, field);
    put_head(out, "volley_server_up", "gauge", "Whether the newest sample was answered");
    for (uint32_t i = 0; i < samples->node_count; i++) {
        fputs("volley_server_up", out);
        put_labels(out, (const struct label[]){{"node", samples->nodes[i].text}}, 1);
        put_number(out, samples->nodes[i].answered);
    }
    if (samples->node_count == 0)
        fprintf(out, "volley_server_up %d\n", samples->known);
}

static void put_hit_ratio(FILE *out, const struct prometheus_view *view)
{
    struct watch_figure figure;
    struct watch_reading reading;
    struct metric_slice slice;
    struct err err = {.code = OK};
    static const char name[] = "volley_cache_hit_ratio";
    (void)watch_totals_reading(&reading, &slice, view->totals, view->samples);
    if (watch_figure_find(&figure, name, sizeof name - 1, &err) != OK)
        return;
    const struct watch_value value = watch_figure_read(&figure, &reading);
    if (isnan(value.number))
        return;
    put_head(out, name, "gauge", "Lookups that found a key, of the newest sample or interval");
    fputs(name, out);
    put_number(out, value.number);
}

static void put_alerts(FILE *out, const struct prometheus_view *view)
{
    static const int numbers[] = {
        [ALERT_INACTIVE] = 0, [ALERT_PENDING] = 1, [ALERT_FIRING] = 2, [ALERT_RESOLVED] = 0};
    if (view->alert_count == 0)
        return;
    put_head(out, "volley_alert_state", "gauge",
             "Of each rule: 0 its condition does not hold, 1 it is pending, 2 it is firing");
    for (uint32_t i = 0; i < view->alert_count; i++) {
        const struct prometheus_alert *alert = &view->alerts[i];
        fputs("volley_alert_state", out);
        put_labels(out,
                   (const struct label[]){{"alert", alert->name},
                                          {"severity", alert_severity_name(alert->severity)},
                                          {"node", alert->node}},
                   3);
        fprintf(out, " %d\n", numbers[alert->state]);
    }
}

void prometheus_write(FILE *out, const struct prometheus_view *view)
{
    const struct watch_totals *totals = view->totals;
    put_head(out, "volley_build_info", "gauge", "The version of volley");
    fputs("volley_build_info", out);
    put_labels(out, (const struct label[]){{"version", view->version}}, 1);
    fputs(" 1\n", out);
    put_head(out, "volley_phase_info", "gauge", "What is under way");
    fputs("volley_phase_info", out);
    put_labels(
        out,
        (const struct label[]){{"op", totals->current != NULL ? totals->current->name : NULL},
                               {"phase", view->phase}},
        2);
    fputs(" 1\n", out);
    if (totals->newest_known) {
        put_head(out, "volley_interval_end_timestamp_seconds", "gauge",
                 "When the newest interval ended, since 1970");
        fprintf(out, "volley_interval_end_timestamp_seconds %.3f\n",
                (double)(totals->run.started_wall_ns + totals->newest->header.end_ns) / 1e9);
    }
    put_families(out, view);
    put_statistics(out, view);
    if (view->samples != NULL)
        put_servers(out, view->samples);
    put_hit_ratio(out, view);
    put_alerts(out, view);
}
