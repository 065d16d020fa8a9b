#include "orchestrator/watch/figure.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buffer_stage.h"
#include "common/printable.h"
#include "common/suggest.h"
#include "orchestrator/report/buffer_figures.h"
#include "orchestrator/report/timeline.h"
#include "orchestrator/watch/prometheus_name.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define OF_TIMES(metric_, name_)                                                                   \
    .origin = WATCH_LOAD, .metric = (metric_), .statistic_name = (name_)
#define OF_LOAD(metric_) .origin = WATCH_LOAD, .metric = (metric_)
#define OF_BUFFER(buffer_) .origin = WATCH_NOBODY, .buffer = (buffer_)
#define OF_SERVER(field_) .origin = WATCH_SERVER, .field = (field_)

/* Names of others, with their own units. Those of buffers may also have dots in place of "_" (buffer.latency.p95). */
static const struct alias {
    const char *name;
    enum watch_origin origin;
    enum metric_id metric;
    const char *statistic_name;
    enum series_metric field;
    enum watch_buffer buffer;
    double factor;
    const char *unit;
} aliases[] = {
    {"messages_per_minute", OF_LOAD(METRIC_ACHIEVED_RATE), .factor = 60, .unit = "requests/min"},
    {"p50_latency_ms", OF_TIMES(METRIC_RESPONSE_TIME, "p50"), .factor = 1e-3, .unit = "ms"},
    {"p95_latency_ms", OF_TIMES(METRIC_RESPONSE_TIME, "p95"), .factor = 1e-3, .unit = "ms"},
    {"p99_latency_ms", OF_TIMES(METRIC_RESPONSE_TIME, "p99"), .factor = 1e-3, .unit = "ms"},
    {"avg_latency_ms", OF_TIMES(METRIC_RESPONSE_TIME, "mean"), .factor = 1e-3, .unit = "ms"},
    {"memory_mb", OF_SERVER(SERIES_USED_MEMORY), .factor = 1 / SERIES_MB, .unit = "MB"},
    {"error_percentage", OF_LOAD(METRIC_FAILED_PERCENT), .factor = 1, .unit = "percent"},
    {"cache_hit_rate", WATCH_HIT_RATIO, .factor = 100, .unit = "percent"},
    {"volley_cache_hit_ratio", WATCH_HIT_RATIO, .factor = 1, .unit = "ratio"},
    {"volley_server_up", WATCH_SERVER_UP, .factor = 1, .unit = "0 or 1"},
    {"query_latency", OF_TIMES(METRIC_RESPONSE_TIME, "p95"), .buffer = WATCH_QUERIES_P95,
     .factor = 1e-3, .unit = "ms"},
    {"transfer_rate", OF_BUFFER(WATCH_TRANSFER_RATE), .factor = 1, .unit = "requests/s"},
    {"flush_success_rate", OF_BUFFER(WATCH_FLUSH_SUCCESS), .factor = 1, .unit = "percent"},
    {"avg_batch_size", OF_BUFFER(WATCH_BATCH), .factor = 1, .unit = "requests"},
    {"avg_write_latency", OF_BUFFER(WATCH_WRITES), .factor = 1e-3, .unit = "ms"},
    {"avg_query_latency", OF_BUFFER(WATCH_QUERIES), .factor = 1e-3, .unit = "ms"},
    {"round_buffer.current_size", OF_BUFFER(WATCH_ROUND), .factor = 1, .unit = "requests"},
    {"hybrid_buffer.current_size", OF_BUFFER(WATCH_HYBRID), .factor = 1, .unit = "batches"},
    {"query_buffer.cache_size", OF_BUFFER(WATCH_CACHE_REPLIES), .factor = 1, .unit = "replies"},
    {"cache_memory", OF_BUFFER(WATCH_CACHE_BYTES), .factor = 1 / SERIES_MB, .unit = "MB"},
    {"buffer_throughput", OF_LOAD(METRIC_ACHIEVED_RATE), .factor = 1, .unit = "requests/s"},
    {"buffer_latency_p50", OF_TIMES(METRIC_RESPONSE_TIME, "p50"), .factor = 1e-3, .unit = "ms"},
    {"buffer_latency_p95", OF_TIMES(METRIC_RESPONSE_TIME, "p95"), .factor = 1e-3, .unit = "ms"},
    {"buffer_latency_p99", OF_TIMES(METRIC_RESPONSE_TIME, "p99"), .factor = 1e-3, .unit = "ms"},
    {"buffer_memory_usage_mb", OF_SERVER(SERIES_USED_MEMORY), .factor = 1 / SERIES_MB,
     .unit = "MB"},
    {"buffer_memory_usage", OF_SERVER(SERIES_USED_MEMORY), .factor = 1 / SERIES_MB, .unit = "MB"},
    {"buffer_cache_hit_rate", WATCH_HIT_RATIO, .factor = 1, .unit = "ratio"},
    {"buffer_error_rate", OF_LOAD(METRIC_FAILED_PERCENT), .factor = 0.01, .unit = "ratio"},
    {"buffer_worker_utilization", OF_LOAD(METRIC_WORKER_CPU), .buffer = WATCH_FLUSH_WORKERS,
     .factor = 0.01, .unit = "ratio"},
    {"buffer_utilization", OF_BUFFER(WATCH_BUFFER_FULL), .factor = 1, .unit = "ratio"},
};

/* ---- all names, in one order ---- */

static bool is_of_load(enum metric_id metric)
{
    return metric_table[metric].type != METRIC_WORDS &&
           (metric_table[metric].flags & METRIC_OF_LANES) == 0;
}

static bool is_of_server(enum series_metric field)
{
    return series_metric_source(field) == SERIES_OF_SERVER;
}

static bool better_when_higher(const struct watch_figure *figure)
{
    if (figure->origin == WATCH_LOAD)
        return figure->metric == METRIC_ACHIEVED_RATE || figure->metric == METRIC_HITS;
    if (figure->origin == WATCH_NOBODY)
        return figure->buffer == WATCH_TRANSFER_RATE || figure->buffer == WATCH_FLUSH_SUCCESS ||
               figure->buffer == WATCH_BATCH;
    return figure->origin != WATCH_SERVER;
}

static void set_alias(struct watch_figure *figure, const struct alias *alias)
{
    *figure = (struct watch_figure){.origin = alias->origin,
                                    .metric = alias->metric,
                                    .field = alias->field,
                                    .buffer = alias->buffer,
                                    .factor = alias->factor,
                                    .unit = alias->unit};
    for (size_t i = 0; alias->statistic_name != NULL && i < METRIC_STATISTICS; i++)
        if (strcmp(metric_statistics[i].name, alias->statistic_name) == 0)
            figure->statistic = &metric_statistics[i];
    snprintf(figure->name, sizeof figure->name, "%s", alias->name);
}

static const char *base_unit(const struct prometheus_name *name, const char *unit)
{
    if (name->type == PROMETHEUS_HISTOGRAM)
        return "s";
    return name->factor < 1 ? "ratio" : unit;
}

/* Calls of walk() once for each name; it stops where take says true. */
typedef bool take_figure(const struct watch_figure *figure, void *state);

static bool walk_statistics(take_figure *take, void *state, enum metric_id metric)
{
    struct watch_figure figure = {.origin = WATCH_LOAD, .metric = metric};
    for (size_t i = 0; i < METRIC_STATISTICS; i++) {
        char family[PROMETHEUS_NAME_BYTES];
        double q;
        figure.statistic = &metric_statistics[i];
        figure.factor = 1;
        figure.unit = figure.statistic->kind == STATISTIC_COUNT ? "requests" : "us";
        snprintf(figure.name, sizeof figure.name, "%.40s.%s", metric_table[metric].path,
                 figure.statistic->name);
        if (take(&figure, state))
            return true;
        if (figure.statistic->kind == STATISTIC_COUNT)
            continue;
        prometheus_name_of_statistic(family, &q, metric, figure.statistic);
        figure.factor = 1e-6;
        figure.unit = "s";
        if (q >= 0)
            snprintf(figure.name, sizeof figure.name, "%.40s{q=\"%g\"}", family, q);
        else
            snprintf(figure.name, sizeof figure.name, "%.63s", family);
        if (take(&figure, state))
            return true;
    }
    return false;
}

static bool walk_load(take_figure *take, void *state)
{
    for (unsigned id = 0; id < METRICS; id++) {
        struct watch_figure figure = {
            .origin = WATCH_LOAD, .metric = id, .factor = 1, .unit = metric_table[id].unit};
        if (!is_of_load(id))
            continue;
        if (metric_table[id].type == METRIC_TIMES) {
            if (walk_statistics(take, state, id))
                return true;
            continue;
        }
        snprintf(figure.name, sizeof figure.name, "%s", metric_table[id].path);
        if (take(&figure, state))
            return true;
        const struct prometheus_name name = prometheus_name_of(id);
        if (name.type != PROMETHEUS_GAUGE) /* a counter's value is that of the whole session */
            continue;
        figure.factor = name.factor;
        figure.unit = base_unit(&name, figure.unit);
        snprintf(figure.name, sizeof figure.name, "%.63s", name.family);
        if (strcmp(figure.name, metric_table[id].path) != 0 && take(&figure, state))
            return true;
    }
    return false;
}

static bool walk_server(take_figure *take, void *state)
{
    for (unsigned id = 0; id < SERIES_METRICS; id++) {
        struct watch_figure figure = {
            .origin = WATCH_SERVER, .field = id, .factor = 1, .unit = series_metric_unit(id)};
        if (!is_of_server(id) || id == SERIES_KEYS) /* keys: below */
            continue;
        snprintf(figure.name, sizeof figure.name, "%s", series_metric_name(id));
        if (take(&figure, state))
            return true;
        const struct prometheus_name name = prometheus_name_of_field(id);
        figure.factor = name.factor;
        figure.unit = base_unit(&name, figure.unit);
        snprintf(figure.name, sizeof figure.name, "%.63s", name.family);
        if (take(&figure, state))
            return true;
    }
    const struct watch_figure keys = {.origin = WATCH_SERVER,
                                      .field = SERIES_KEYS,
                                      .factor = 1,
                                      .unit = "keys",
                                      .name = "volley_server_keys"};
    if (take(&keys, state))
        return true;
    for (size_t i = 0; series_alias_at(i) != NULL; i++) {
        struct watch_figure figure = {.origin = WATCH_SERVER};
        double divisor;
        enum series_metric field;
        if (!series_metric_find(&field, &divisor, series_alias_at(i)))
            continue;
        figure.field = field;
        figure.factor = 1 / divisor;
        figure.unit = divisor > 1 ? "MB" : series_metric_unit(field);
        snprintf(figure.name, sizeof figure.name, "%s", series_alias_at(i));
        if (take(&figure, state))
            return true;
    }
    return false;
}

static bool walk_aliases(take_figure *take, void *state)
{
    for (size_t i = 0; i < COUNT(aliases); i++) {
        struct watch_figure figure;
        set_alias(&figure, &aliases[i]);
        if (take(&figure, state))
            return true;
    }
    return false;
}

static void walk(take_figure *take, void *state)
{
    if (!walk_load(take, state) && !walk_server(take, state))
        (void)walk_aliases(take, state);
}

/* ---- finding ---- */

struct search {
    struct suggestion near;
    struct watch_figure *figure;
    char name[WATCH_NAME_BYTES];
    bool found;
};

static bool compare(const struct watch_figure *figure, void *state)
{
    struct search *search = state;
    search->found = strcmp(figure->name, search->name) == 0;
    if (search->found)
        *search->figure = *figure;
    return search->found;
}

/* Only of a name that nobody has: the distance to each of hundreds takes its time. */
static bool offer(const struct watch_figure *figure, void *state)
{
    suggest_offer(&((struct search *)state)->near, figure->name, strlen(figure->name));
    return false;
}

/* "buffer.latency.p95" is "buffer_latency_p95". */
static void straighten(char *name)
{
    if (strncmp(name, "buffer.", 7) != 0)
        return;
    for (char *at = name; *at != '\0'; at++)
        if (*at == '.')
            *at = '_';
}

enum err_code watch_figure_find(struct watch_figure *figure, const char *name, size_t name_bytes,
                                struct err *err)
{
    struct search search = {.figure = figure};
    if (name_bytes >= sizeof search.name)
        return err_set(err, E_CONFIG, "no figure has a name of %zu characters", name_bytes);
    memcpy(search.name, name, name_bytes);
    search.name[name_bytes] = '\0';
    straighten(search.name);
    search.near = (struct suggestion){.wanted = search.name, .wanted_bytes = strlen(search.name)};
    walk(compare, &search);
    if (!search.found)
        walk(offer, &search);
    if (!search.found)
        return err_set(err, E_CONFIG, "no figure is called %s%s%s%s", PRINTABLE(search.name),
                       SUGGESTED(search.near.best));
    figure->higher_is_better = better_when_higher(figure);
    memcpy(figure->name, name, name_bytes);
    figure->name[name_bytes] = '\0';
    return OK;
}

struct nth {
    size_t left;
    char name[WATCH_NAME_BYTES];
    bool found;
};

static bool take_nth(const struct watch_figure *figure, void *state)
{
    struct nth *nth = state;
    nth->found = nth->left-- == 0;
    if (nth->found)
        memcpy(nth->name, figure->name, sizeof nth->name);
    return nth->found;
}

const char *watch_figure_name_at(size_t index)
{
    static struct nth nth;
    nth = (struct nth){.left = index};
    walk(take_nth, &nth);
    return nth.found ? nth.name : NULL;
}

/* ---- reading ---- */

static struct watch_value unknown(void)
{
    return (struct watch_value){.number = NAN};
}

static struct watch_value read_load(const struct watch_figure *figure,
                                    const struct watch_reading *reading)
{
    if (reading->load == NULL)
        return unknown();
    const struct metric_value value = metric_read(reading->load, figure->metric, figure->statistic);
    const bool times = figure->statistic != NULL && figure->statistic->kind != STATISTIC_COUNT;
    const double scale = figure->factor / (times ? 1e3 : 1); /* of nanoseconds to the table's us */
    if (value.known && !(times && value.censored))
        return (struct watch_value){.number = value.number * scale};
    if (times && value.censored)
        return (struct watch_value){.number = (double)value.at_least_ns * scale, .at_least = true};
    return unknown();
}

bool watch_reading_is_buffered(const struct watch_reading *reading)
{
    return reading->load != NULL && reading->load->run != NULL &&
           reading->load->run->buffer_text[0] != '\0';
}

static struct watch_value read_near_cache(const uint64_t counters[COUNTER_COUNT], double factor)
{
    const uint64_t hits = counters[COUNTER_CACHE_HITS];
    const uint64_t all = hits + counters[COUNTER_CACHE_MISSES];
    if (all == 0)
        return unknown();
    return (struct watch_value){.number = (double)hits / (double)all * factor};
}

static struct watch_value read_hit_ratio(const struct watch_figure *figure,
                                         const struct watch_reading *reading)
{
    if (watch_reading_is_buffered(reading) && reading->load->run->cache_most > 0)
        return read_near_cache(reading->load->counters, figure->factor);
    if (!isnan(reading->hit_ratio))
        return (struct watch_value){.number = reading->hit_ratio * figure->factor};
    if (reading->load == NULL)
        return unknown();
    const uint64_t hits = metric_count(reading->load, METRIC_HITS);
    const uint64_t all = hits + metric_count(reading->load, METRIC_MISSES);
    if (all == 0)
        return unknown();
    return (struct watch_value){.number = (double)hits / (double)all * figure->factor};
}

/* Of the whole of writes, or of queries. */
static struct watch_value read_stage(const struct metric_slice *whole, uint32_t part,
                                     const struct metric_statistic *statistic, double factor)
{
    const struct metric_slice slice = metric_slice_of_part(whole, part);
    const struct metric_value value = metric_read(&slice, METRIC_SERVICE_TIME, statistic);
    if (!value.known)
        return unknown();
    return (struct watch_value){.number = value.number / 1e3 * factor};
}

static struct watch_value read_buffer(const struct watch_figure *figure,
                                      const struct watch_reading *reading)
{
    static const struct metric_statistic mean = {"mean", STATISTIC_MEAN, 0},
                                         p95 = {"p95", STATISTIC_PERCENTILE, 95};
    struct buffer_figures figures;
    if (!buffer_figures_look(&figures, reading->load))
        return unknown();
    double number = NAN;
    switch (figure->buffer) {
    case WATCH_TRANSFER_RATE:
        number = figures.transfer_rate;
        break;
    case WATCH_FLUSH_SUCCESS: {
        const struct metric_value failed = metric_read(reading->load, METRIC_FAILED_PERCENT, NULL);
        number = failed.known ? 100 - failed.number : (double)NAN;
        break;
    }
    case WATCH_BUFFER_FULL:
        number = figures.full_share;
        break;
    case WATCH_FLUSH_WORKERS:
        number = figures.busy_share * 100; /* as the CPU of workers */
        break;
    case WATCH_ROUND:
        number = figures.round_messages;
        break;
    case WATCH_HYBRID:
        number = figures.hybrid_batches;
        break;
    case WATCH_CACHE_REPLIES:
        number = figures.cache_replies;
        break;
    case WATCH_CACHE_BYTES:
        number = figures.cache_bytes;
        break;
    case WATCH_BATCH:
        number = figures.mean_batch;
        break;
    case WATCH_WRITES:
        return read_stage(reading->load, figures.first_part + STAGE_WRITE_TOTAL, &mean,
                          figure->factor);
    case WATCH_QUERIES:
        return read_stage(reading->load, figures.first_part + STAGE_QUERY_TOTAL, &mean,
                          figure->factor);
    case WATCH_QUERIES_P95:
        return read_stage(reading->load, figures.first_part + STAGE_QUERY_TOTAL, &p95,
                          figure->factor);
    case WATCH_NO_BUFFER:
        break;
    }
    return (struct watch_value){.number = number * figure->factor};
}

struct watch_value watch_figure_read(const struct watch_figure *figure,
                                     const struct watch_reading *reading)
{
    if (figure->buffer != WATCH_NO_BUFFER && watch_reading_is_buffered(reading))
        return read_buffer(figure, reading);
    switch (figure->origin) {
    case WATCH_LOAD:
        return read_load(figure, reading);
    case WATCH_SERVER:
        return reading->server == NULL
                   ? unknown()
                   : (struct watch_value){.number =
                                              reading->server[figure->field] * figure->factor};
    case WATCH_HIT_RATIO:
        return read_hit_ratio(figure, reading);
    case WATCH_SERVER_UP:
        return (struct watch_value){.number = reading->server_up * figure->factor};
    case WATCH_NOBODY:
        break;
    }
    return unknown();
}
