#include "orchestrator/report/metric.h"

#include <string.h>

#include "common/clock.h"
#include "orchestrator/report/figures.h"
#include "orchestrator/report/metric_class.h"

/* ---- What is no single counter or histogram. ---- */

/* A worker that is killed takes the histograms of its interval under way with it, and only its counters are
 * left. */
static uint64_t without_latency(const struct metric_slice *slice)
{
    const struct interval_row *row = slice->row;
    if (row == NULL || (row->header.flags & INTERVAL_DEGRADED) == 0)
        return 0;
    uint64_t ok = row->counters[COUNTER_OK], known = row->histograms[HISTOGRAM_SERVICE_OK].count;
    return ok > known ? ok - known : 0;
}

/* What of a sum is in none of its parts. */
static uint64_t rest_of(const struct metric_slice *slice, enum metric_id all, enum metric_id first,
                        enum metric_id last)
{
    uint64_t rest = metric_count(slice, all);
    for (enum metric_id id = first; id <= last; id++) {
        uint64_t part = metric_count(slice, id);
        rest -= part < rest ? part : rest;
    }
    return rest;
}

static uint64_t lost_otherwise(const struct metric_slice *slice)
{
    return rest_of(slice, METRIC_CONNECTIONS_LOST, METRIC_CONNECTIONS_RESET,
                   METRIC_CONNECTIONS_PROTOCOL);
}

static uint64_t failed_otherwise(const struct metric_slice *slice)
{
    return rest_of(slice, METRIC_CONNECTIONS_FAILED, METRIC_CONNECT_REFUSED, METRIC_CONNECT_TLS);
}

static uint64_t outcome_unknown(const uint64_t counters[COUNTER_COUNT])
{
    return counters[COUNTER_TIMED_OUT] + counters_lost(counters);
}

static uint64_t timeouts(const uint64_t counters[COUNTER_COUNT])
{
    return counters[COUNTER_TIMED_OUT] + counters[COUNTER_LOST_TIMEOUT];
}

static uint64_t connection_errors(const uint64_t counters[COUNTER_COUNT])
{
    return counters[COUNTER_LOST_DISCONNECT] + counters[COUNTER_CONNECT_FAILURES];
}

/* What was due is the schedule itself, whatever changed it; a closed loop has none. */
static bool target_rate(double *number, const struct metric_slice *slice)
{
    *number = figure_rate(slice->counters[COUNTER_DUE], slice->due_seconds);
    return slice->open_loop &&
           (slice->header == NULL ||
            (slice->header->flags & (INTERVAL_BOTH_LOOPS | INTERVAL_USERS)) == 0);
}

static bool failed_percent(double *number, const struct metric_slice *slice)
{
    uint64_t count = figure_failed(slice->counters);
    uint64_t ended = count + slice->counters[COUNTER_OK];
    *number = figure_share(count, ended) * 100;
    return ended > 0;
}

/* Waiting in a spin left out: that is how near volley is to its own limit. */
static bool worker_cpu(double *number, const struct metric_slice *slice)
{
    uint64_t busy_ns =
        slice->counters[COUNTER_CPU_USER_NS] + slice->counters[COUNTER_CPU_SYSTEM_NS];
    uint64_t spun_ns = slice->counters[COUNTER_SPIN_NS];
    double had_ns = slice->seconds * NS_PER_SECOND * slice->worker_count;
    busy_ns = busy_ns > spun_ns ? busy_ns - spun_ns : 0;
    *number = had_ns > 0 ? 100.0 * (double)busy_ns / had_ns : 0;
    return had_ns > 0;
}

static bool keys(double *number, const struct metric_slice *slice)
{
    *number = slice->sample != NULL ? (double)note_get(slice->sample, NOTE_KEYS) : -1;
    return *number >= 0;
}

static bool replication_lag(double *number, const struct metric_slice *slice)
{
    *number = slice->sample != NULL ? (double)note_get(slice->sample, NOTE_LAG_SECONDS) : -1;
    return *number >= 0;
}

/* ---- The table. ---- */

#define COUNTED(counter_) .type = METRIC_COUNT, .counter = (counter_) + 1
#define RATE(counter_) .type = METRIC_RATE, .counter = (counter_) + 1
#define SUM(function_) .type = METRIC_COUNT, .sum = (function_)
#define REST(function_) .type = METRIC_COUNT, .count = (function_)
#define GAUGE(member_) .type = METRIC_GAUGE, .gauge = offsetof(struct interval_header, member_)
#define NUMBER(type_, function_) .type = (type_), .number = (function_)
#define TIMES(kind_) .type = METRIC_TIMES, .histogram = (kind_) + 1
#define WORD(word_) .type = METRIC_COUNT, .word = (word_)
#define WORDS .type = METRIC_WORDS
#define IN_NODE(counter_) .node_counter = (counter_) + 1
#define IN_CLASS(counter_) .class_counter = (counter_) + 1
#define IN_CLASS_TIMES(times_) .class_times = (times_) + 1
#define CLASS_NUMBER(function_) .class_number = (function_)
#define OF_CONSUMERS(counter_)                                                                     \
    .type = METRIC_COUNT, .class_counter = (counter_) + 1, .flags = METRIC_OF_LANES
#define NUMBER_OF_CONSUMERS(function_)                                                             \
    .type = METRIC_COUNT, .class_number = (function_), .flags = METRIC_OF_LANES
#define LABEL(label_) .label = (label_)
#define OPEN_LOOP .flags = METRIC_OPEN_LOOP
#define SPARSE .flags = METRIC_SPARSE
#define METRIC_ROW(id, path_, unit_, help_, ...)                                                   \
    [id] = {.path = (path_), .unit = (unit_), .help = (help_), __VA_ARGS__},

const struct metric metric_table[METRICS] = {METRIC_TABLE(METRIC_ROW)};

const struct metric_statistic metric_statistics[METRIC_STATISTICS] = {
    {"count", STATISTIC_COUNT, 0},
    {"min", STATISTIC_MIN, 0},
    {"mean", STATISTIC_MEAN, 0},
    {"stdev", STATISTIC_STDEV, 0},
    {"p50", STATISTIC_PERCENTILE, 50},
    {"p90", STATISTIC_PERCENTILE, 90},
    {"p95", STATISTIC_PERCENTILE, 95},
    {"p99", STATISTIC_PERCENTILE, 99},
    {"p99_9", STATISTIC_PERCENTILE, 99.9},
    {"p99_99", STATISTIC_PERCENTILE, 99.99},
    {"p99_999", STATISTIC_PERCENTILE, 99.999},
    {"max", STATISTIC_MAX, 0},
};

const char *metric_key(enum metric_id metric)
{
    const char *dot = strrchr(metric_table[metric].path, '.');
    return dot != NULL ? dot + 1 : metric_table[metric].path;
}

/* ---- Reading. ---- */

struct metric_slice metric_slice_of(const struct interval_row *row, bool open_loop)
{
    double seconds = figure_row_seconds(row);
    return (struct metric_slice){.counters = row->counters,
                                 .header = &row->header,
                                 .row = row,
                                 .open_loop = open_loop,
                                 .seconds = seconds,
                                 .due_seconds = seconds};
}

struct metric_slice metric_slice_of_run(const struct run_result *result)
{
    struct metric_slice slice = metric_slice_of(result->total, result->facts->open_loop);
    slice.error_kinds = result->error_kinds;
    slice.run = result->facts;
    slice.sample =
        result->samples != NULL && result->samples->last.ok ? &result->samples->last : NULL;
    slice.worker_count = result->facts->worker_count;
    slice.seconds = result->seconds;
    slice.due_seconds = result->due_seconds;
    return slice;
}

/* Windows hold what came since the last one ended. More than the row has is not of the row alone. */
static bool windows_fit(const struct interval_row *row, uint32_t class)
{
    return class < row->class_count && row->window_ends &&
           row->class_windows[class * CLASS_TIMES + CLASS_SERVICE].count <=
               row->classes[class].counters[CLASS_OK];
}

struct metric_slice metric_slice_of_class(const struct metric_slice *whole, uint32_t class)
{
    const struct interval_row *row = whole->row;
    return (struct metric_slice){
        .class = &row->classes[class],
        .class_windows = windows_fit(row, class) ? &row->class_windows[class * CLASS_TIMES] : NULL,
        .open_loop = whole->open_loop,
        .seconds = whole->seconds,
        .due_seconds = whole->due_seconds};
}

/* Of classes from first on, and below end; wanted NULL: all of these. */
static struct metric_slice sum_classes(const struct metric_slice *whole, uint32_t first,
                                       uint32_t end, const bool *wanted)
{
    static struct class_figures sum; /* too large for a stack */
    static struct histogram windows[CLASS_TIMES];
    const struct interval_row *row = whole->row;
    bool fit = true;
    memset(&sum, 0, sizeof sum);
    for (uint32_t k = 0; k < CLASS_TIMES; k++)
        histogram_reset(&windows[k]);
    for (uint32_t i = first; i < end; i++) {
        if (wanted != NULL && !wanted[i])
            continue;
        fit &= windows_fit(row, i) || row->classes[i].counters[CLASS_OK] == 0;
        class_figures_add(&sum, &row->classes[i]);
        for (uint32_t k = 0; k < CLASS_TIMES && fit && i < row->class_count; k++)
            histogram_add(&windows[k], &row->class_windows[i * CLASS_TIMES + k]);
    }
    return (struct metric_slice){.class = &sum,
                                 .class_windows = fit ? windows : NULL,
                                 .open_loop = whole->open_loop,
                                 .seconds = whole->seconds,
                                 .due_seconds = whole->due_seconds};
}

struct metric_slice metric_slice_of_stream(const struct metric_slice *whole, uint32_t stream)
{
    const struct run_stream *of = &whole->run->streams[stream];
    return sum_classes(whole, of->first_class, of->first_class + of->weighted_count, NULL);
}

struct metric_slice metric_slice_of_classes(const struct metric_slice *whole,
                                            const bool wanted[CLASSES_MAX])
{
    return sum_classes(whole, 0, whole->row->class_count, wanted);
}

/* Requests of the class of a part, or of a run that has one, that had no reply; and those that ended at all. */
static uint64_t unanswered_wholes(const struct metric_slice *whole, uint32_t class, uint64_t *ended)
{
    const uint64_t *run = whole->row->counters;
    if (whole->run->class_count == 0) {
        const uint64_t none = run[COUNTER_TIMED_OUT] + counters_lost(run);
        *ended = none + run[COUNTER_OK] + run[COUNTER_ERROR_REPLIES];
        return none;
    }
    const uint64_t *counters = whole->row->classes[class].counters;
    const uint64_t none = counters[CLASS_TIMED_OUT] + counters[CLASS_LOST];
    *ended = none + counters[CLASS_OK] + counters[CLASS_ERRORS];
    return none;
}

struct metric_slice metric_slice_of_part(const struct metric_slice *whole, uint32_t part)
{
    static struct class_figures figures; /* too large for a stack */
    figures = whole->row->parts[part];
    if (whole->run != NULL && whole->run->parts[part].consumes) {
        double messages = 0;
        (void)metric_class_lost_messages(&messages, &figures);
        figures.counters[CLASS_LOST] = (uint64_t)messages;
    } else if (whole->run != NULL && !whole->run->parts[part].is_stage) {
        const uint64_t answered = figures.counters[CLASS_OK] + figures.counters[CLASS_ERRORS];
        uint64_t ended = 0;
        const uint64_t none = unanswered_wholes(whole, whole->run->parts[part].class, &ended);
        const uint64_t missing = ended > answered ? ended - answered : 0;
        figures.counters[CLASS_LOST] = missing < none ? missing : none;
    }
    return (struct metric_slice){.class = &figures,
                                 .lost_for_ever =
                                     whole->run != NULL && whole->run->parts[part].consumes,
                                 .open_loop = whole->open_loop,
                                 .seconds = whole->seconds,
                                 .due_seconds = whole->due_seconds};
}

static void know_count(struct metric_value *value, uint64_t count)
{
    *value = (struct metric_value){.known = true, .count = count, .number = (double)count};
}

static uint64_t gauge_of(const struct interval_header *header, size_t place)
{
    uint64_t gauge;
    memcpy(&gauge, (const unsigned char *)header + place, sizeof gauge);
    return gauge;
}

static uint64_t count_of_word(const struct metric_slice *slice, const char *word)
{
    const struct error_kinds *kinds = slice->error_kinds;
    for (uint32_t i = 0; kinds != NULL && slice->row != NULL && i < kinds->count; i++)
        if (strcmp(kinds->kinds[i].word, word) == 0)
            return slice->row->errors_by_kind[i];
    return 0;
}

static struct metric_value read_times(const struct interval_row *row,
                                      enum interval_histogram_kind kind,
                                      const struct metric_statistic *statistic)
{
    const struct histogram *times = &row->histograms[kind];
    struct metric_value value = {.known = times->count > 0};
    struct figure_percentile of_all = {.censored = false};
    switch (statistic->kind) {
    case STATISTIC_COUNT:
        know_count(&value, times->count);
        break;
    case STATISTIC_MIN:
        value.number = times->count > 0 ? (double)times->min_ns : 0;
        break;
    case STATISTIC_MEAN:
        value.number = histogram_mean(times);
        of_all = figure_mean(row, kind);
        break;
    case STATISTIC_STDEV:
        value.number = histogram_stdev(times);
        break;
    case STATISTIC_PERCENTILE:
        of_all = figure_percentile(row, kind, statistic->percent);
        value.number = (double)of_all.value_ns;
        value.known &= !of_all.censored;
        break;
    case STATISTIC_MAX:
        value.number = (double)times->max_ns;
        of_all = figure_percentile(row, kind, 100);
        break;
    }
    value.censored = of_all.censored;
    value.at_least_ns = of_all.censored ? of_all.value_ns : 0;
    value.few_samples = of_all.few_samples;
    return value;
}

/* Of a node; the smallest and the deviation are not kept. */
static struct metric_value read_coarse(const struct coarse_times *times, uint64_t count,
                                       const struct metric_statistic *statistic)
{
    struct metric_value value = {.known = count > 0};
    switch (statistic->kind) {
    case STATISTIC_COUNT:
        know_count(&value, count);
        break;
    case STATISTIC_MEAN:
        value.number = count > 0 ? (double)times->sum_ns / (double)count : 0;
        break;
    case STATISTIC_PERCENTILE:
        value.number = (double)coarse_quantile(times, statistic->percent / 100);
        break;
    case STATISTIC_MAX:
        value.number = (double)times->max_ns;
        break;
    case STATISTIC_MIN:
    case STATISTIC_STDEV:
        value.known = false;
        break;
    }
    return value;
}

static struct metric_value read_node(const struct metric_slice *slice, const struct metric *metric,
                                     const struct metric_statistic *statistic)
{
    struct metric_value value = {.known = false};
    const struct node_figures *node = slice->node;
    if (metric->node_counter > 0)
        know_count(&value, node->counters[metric->node_counter - 1]);
    else if (metric == &metric_table[METRIC_RESPONSE_TIME])
        value = read_coarse(&node->response, node->counters[NODE_OK], statistic);
    return value;
}

static struct metric_value read_class(const struct metric_slice *slice, const struct metric *metric,
                                      const struct metric_statistic *statistic)
{
    struct metric_value value = {.known = false};
    const struct class_figures *class = slice->class;
    if (metric->class_counter > 0) {
        know_count(&value, class->counters[metric->class_counter - 1]);
        if (metric->type == METRIC_RATE)
            value.number = figure_rate(value.count, slice->seconds);
    } else if (metric->class_number != NULL) {
        value.known = metric->class_number(&value.number, class);
        value.count = (uint64_t)value.number;
    } else if (metric->class_times > 0) {
        bool service = metric->class_times == CLASS_SERVICE + 1 || !slice->open_loop;
        value = metric_class_times(slice, service ? CLASS_SERVICE : CLASS_RESPONSE, statistic);
    }
    return value;
}

bool metric_is_of_classes(enum metric_id id)
{
    const struct metric *metric = &metric_table[id];
    return metric->class_counter > 0 || metric->class_times > 0 || metric->class_number != NULL;
}

bool metric_unanswered(const struct metric_slice *slice, enum metric_id id, uint64_t *count)
{
    if (slice->class != NULL) {
        *count = metric_class_unanswered(slice->class);
        return true;
    }
    const enum interval_histogram_kind kind = metric_histogram(slice, id);
    *count = figure_unanswered_count(slice->row, kind);
    return figure_unanswered(slice->row, kind) != NULL;
}

enum interval_histogram_kind metric_histogram(const struct metric_slice *slice, enum metric_id id)
{
    return id == METRIC_RESPONSE_TIME
               ? figure_latency_kind(slice->open_loop)
               : (enum interval_histogram_kind)(metric_table[id].histogram - 1);
}

struct metric_value metric_read(const struct metric_slice *slice, enum metric_id id,
                                const struct metric_statistic *statistic)
{
    const struct metric *metric = &metric_table[id];
    struct metric_value value = {.known = false};
    if (statistic == NULL)
        statistic = &metric_statistics[0];
    if (slice->node != NULL)
        return read_node(slice, metric, statistic);
    if (slice->class != NULL)
        return read_class(slice, metric, statistic);
    if (metric->type == METRIC_RATE && metric->counter > 0)
        value = (struct metric_value){
            .known = true,
            .number = figure_rate(slice->counters[metric->counter - 1], slice->seconds)};
    else if (metric->counter > 0)
        know_count(&value, slice->counters[metric->counter - 1]);
    else if (metric->sum != NULL)
        know_count(&value, metric->sum(slice->counters));
    else if (metric->word != NULL)
        know_count(&value, count_of_word(slice, metric->word));
    else if (metric->count != NULL)
        know_count(&value, metric->count(slice));
    else if (metric->gauge > 0 && slice->header != NULL)
        know_count(&value, gauge_of(slice->header, metric->gauge));
    else if (metric->number != NULL)
        value.known = metric->number(&value.number, slice);
    else if (metric->histogram > 0 && slice->row != NULL)
        value = read_times(slice->row, metric_histogram(slice, id), statistic);
    return value;
}

struct metric_value metric_percentile(const struct metric_slice *slice, enum metric_id metric,
                                      double percent)
{
    const struct metric_statistic statistic = {"", STATISTIC_PERCENTILE, percent};
    return metric_read(slice, metric, &statistic);
}

uint64_t metric_count(const struct metric_slice *slice, enum metric_id metric)
{
    return metric_read(slice, metric, NULL).count;
}

uint64_t metric_total(const struct run_result *result, enum metric_id metric)
{
    const struct metric_slice slice = metric_slice_of_run(result);
    return metric_count(&slice, metric);
}
