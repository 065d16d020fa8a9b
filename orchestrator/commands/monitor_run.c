#include "orchestrator/commands/monitor_run.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/printable.h"
#include "common/units.h"
#include "orchestrator/watch/terminal.h"

#define SAMPLE_PERIOD_LEAST_NS (200 * NS_PER_MS)
#define LOOK_NS (100 * NS_PER_MS) /* at interrupts */

/* ---- samples of servers ---- */

/* Those that everybody who watches has, in their order, and behind them what only the store wants. */
static void list_fields(struct monitor *monitor)
{
    const struct sampler_field *common = watch_samples_fields(&monitor->field_count);
    memcpy(monitor->fields, common, monitor->field_count * sizeof common[0]);
    for (unsigned value = 0; value < MONITOR_VALUES; value++) {
        const char *name = monitor_value_name(value);
        monitor->field_of[value] = -1;
        for (uint32_t i = 0; i < monitor->field_count; i++)
            if (strcmp(monitor->fields[i].name, name) == 0)
                monitor->field_of[value] = (int)i;
        if (value < MONITOR_USED_MEMORY || monitor->field_of[value] >= 0)
            continue;
        monitor->field_of[value] = (int)monitor->field_count;
        monitor->fields[monitor->field_count++] = (struct sampler_field){.name = name};
    }
}

void monitor_hear(void *state, const struct server_sample *sample)
{
    struct monitored *item = state;
    const uint32_t count = item->monitor->field_count;
    item->known = sample->known;
    item->heard = true;
    for (uint32_t i = 0; i < count; i++)
        item->fields[i] = sample->known ? sample->values[i] : (double)NAN;
    const double ops = item->fields[SERIES_SERVER_OPS];
    if (isnan(ops))
        return;
    item->ops_sum += ops;
    item->ops_count++;
}

/* Of several servers: sums, and the highest of what is no amount, of those that have answered. */
static void share_sample(struct monitor *monitor, uint64_t at_ns)
{
    static struct sampled_node nodes[WATCH_TARGETS_MAX];
    double values[SAMPLER_FIELDS_MAX];
    bool known = false;
    for (uint32_t i = 0; i < monitor->field_count; i++)
        values[i] = NAN;
    for (uint32_t k = 0; k < monitor->targets->count; k++) {
        const struct monitored *item = &monitor->items[k];
        known = known || item->known;
        nodes[k] = (struct sampled_node){.address = &monitor->targets->items[k].address,
                                         .answered = item->known,
                                         .values = item->fields};
        for (uint32_t i = 0; i < monitor->field_count && item->known; i++) {
            const double other = item->fields[i];
            if (isnan(values[i]))
                values[i] = other;
            else if (!isnan(other) && monitor->fields[i].highest)
                values[i] = other > values[i] ? other : values[i];
            else if (!isnan(other))
                values[i] += other;
        }
    }
    const uint32_t count = monitor->targets->count;
    const struct server_sample sample = {.at_ns = at_ns,
                                         .known = known,
                                         .values = values,
                                         .nodes = nodes,
                                         .node_count = count > 1 ? count : 0};
    watch_samples_hear(monitor->samples, &sample);
}

/* For who judges each server alone. What was never asked yet is not known, rather than down. */
static void share_each(struct monitor *monitor, const struct interval_row *const *rows,
                       uint64_t at_ns)
{
    for (uint32_t i = 0; monitor->judged != NULL && i < monitor->targets->count; i++) {
        struct monitored *item = &monitor->items[i];
        const struct server_sample sample = {
            .at_ns = at_ns, .known = item->known, .values = item->fields};
        if (item->heard)
            watch_samples_hear(&item->alone, &sample);
        monitor->judged[i].row = rows[i];
        monitor->judged[i].samples = &item->alone;
    }
}

/* ---- the store ---- */

static double microseconds(const struct interval_row *row, double q)
{
    return row->counters[COUNTER_OK] > 0 ? (double)latency_row_quantile(row, q) / NS_PER_US
                                         : (double)NAN;
}

static void keep(struct monitor *monitor, uint32_t index, const struct interval_row *row,
                 uint64_t wall_ms)
{
    struct monitored *item = &monitor->items[index];
    const uint64_t *counters = row->counters;
    struct monitor_sample sample = {.at_ms = wall_ms};
    double *values = sample.values;
    if (row->header.end_ns <= row->header.start_ns)
        return;
    snprintf(sample.target, sizeof sample.target, "%s",
             PRINTABLE(monitor->targets->items[index].address.text));
    for (unsigned i = 0; i < MONITOR_VALUES; i++)
        values[i] = monitor->field_of[i] >= 0 ? item->fields[monitor->field_of[i]] : (double)NAN;
    values[MONITOR_SECONDS] = clock_seconds(row->header.end_ns - row->header.start_ns);
    values[MONITOR_SENT] = (double)counters[COUNTER_SENT];
    values[MONITOR_OK] = (double)counters[COUNTER_OK];
    values[MONITOR_ERRORS] = (double)counters[COUNTER_ERROR_REPLIES];
    values[MONITOR_TIMED_OUT] = (double)counters[COUNTER_TIMED_OUT];
    values[MONITOR_LOST] = (double)(counters_lost(counters) - counters[COUNTER_LOST_DRAIN]);
    values[MONITOR_SHED] = (double)counters_shed(counters);
    values[MONITOR_P50] = microseconds(row, 0.5);
    values[MONITOR_P95] = microseconds(row, 0.95);
    values[MONITOR_P99] = microseconds(row, 0.99);
    values[MONITOR_MAX] = microseconds(row, 1);
    monitor_server_take(&item->server, &sample, item->window);
    if (monitor->store != NULL)
        monitor_store_sample(monitor->store, &sample);
}

/* ---- the terminal ---- */

/* anew: more than the time has changed. */
static void show(struct monitor *monitor, uint64_t elapsed_ns, bool anew)
{
    struct screen_server servers[WATCH_TARGETS_MAX];
    const uint64_t seconds = elapsed_ns / NS_PER_SECOND;
    if (monitor->terminal == NULL || (!anew && seconds == monitor->shown_seconds))
        return;
    monitor->shown_seconds = seconds;
    for (uint32_t i = 0; i < monitor->targets->count; i++)
        servers[i] = monitor->items[i].server.shown;
    terminal_tell_servers(monitor->terminal, servers, monitor->targets->count, elapsed_ns);
}

static void look(struct monitor *monitor, uint64_t now_ns)
{
    const uint64_t wall_ms = clock_wall_ns() / NS_PER_MS;
    bool anew = false;
    for (uint32_t i = 0; i < monitor->targets->count; i++) {
        struct monitored *item = &monitor->items[i];
        anew |= monitor_server_look(&item->server, latency_probe_state(item->probe), wall_ms);
    }
    show(monitor, now_ns - monitor->start_ns, anew);
}

/* ---- windows ---- */

static void print_window(struct monitor *monitor, uint32_t index)
{
    struct monitored *item = &monitor->items[index];
    const struct interval_row *row = item->window;
    const struct histogram *times = &row->histograms[HISTOGRAM_RESPONSE_OK];
    const uint64_t answered = row->counters[COUNTER_OK];
    char at[32] = "", size[32];
    const time_t now = time(NULL);
    struct tm split;
    if (localtime_r(&now, &split) != NULL)
        (void)strftime(at, sizeof at, "%Y-%m-%d %H:%M:%S", &split);
    fprintf(monitor->out, "%s %s: ", at, PRINTABLE(monitor->targets->items[index].address.text));
    if (times->count > 0)
        fprintf(monitor->out, "min %.3f avg %.3f p95 %.3f max %.3f ms, ", clock_ms(times->min_ns),
                histogram_mean(times) / NS_PER_MS, clock_ms(histogram_quantile(times, 0.95)),
                clock_ms(times->max_ns));
    fprintf(monitor->out, "%s of %s answered", UNITS_GROUPED(answered),
            UNITS_GROUPED(answered + latency_row_unanswered(row)));
    if (item->ops_count > 0)
        fprintf(monitor->out, "; %s commands/s",
                UNITS_GROUPED(units_whole(item->ops_sum / item->ops_count)));
    if (item->known && item->fields[SERIES_USED_MEMORY] >= 0)
        fprintf(
            monitor->out, ", %s used",
            units_format_size(size, sizeof size, units_whole(item->fields[SERIES_USED_MEMORY])));
    fprintf(monitor->out, "%s\n", item->known ? "" : "; INFO does not answer");
    (void)fflush(monitor->out);
    interval_row_reset(item->window);
    item->ops_sum = 0;
    item->ops_count = 0;
}

static void print_windows(struct monitor *monitor, uint64_t end_ns, bool last)
{
    if (monitor->out == NULL || (!last && end_ns < monitor->window_from_ns + monitor->window_ns))
        return;
    if (end_ns > monitor->window_from_ns)
        for (uint32_t i = 0; i < monitor->targets->count; i++)
            print_window(monitor, i);
    monitor->window_from_ns = end_ns;
}

/* ---- intervals ---- */

void monitor_take(struct monitor *monitor, const struct interval_row *const *rows, uint64_t wall_ms,
                  bool last)
{
    struct interval_row *row = monitor->row;
    const uint32_t count = monitor->targets->count;
    interval_row_reset(row);
    for (uint32_t i = 0; i < count; i++) {
        latency_probe_merge(row, rows[i], i, count);
        interval_row_add(monitor->items[i].window, rows[i]);
        keep(monitor, i, rows[i], wall_ms);
    }
    const uint64_t end_ns = row->header.end_ns;
    const uint64_t through = end_ns > 0 ? (end_ns - 1) / monitor->interval_ns : 0;
    row->header.first = monitor->next_row;
    row->header.last = through > monitor->next_row ? (uint32_t)through : monitor->next_row;
    monitor->next_row = row->header.last + 1;
    share_sample(monitor, monitor->start_ns + end_ns);
    share_each(monitor, rows, monitor->start_ns + end_ns);
    show(monitor, end_ns, true);
    struct err err = {.code = OK};
    if (timeline_interval(monitor->timeline, row, &err) != OK) {
        monitor->code = err_worse(monitor->code, err.code);
        (void)err_set(&monitor->err, err.code, "%s", err.text);
    }
    print_windows(monitor, end_ns, last);
}

static void cut(struct monitor *monitor, uint64_t now_ns, bool last)
{
    const struct interval_row *rows[WATCH_TARGETS_MAX] = {NULL};
    for (uint32_t i = 0; i < monitor->targets->count; i++)
        rows[i] = latency_probe_cut(monitor->items[i].probe, now_ns, last);
    monitor_take(monitor, rows, clock_wall_ns() / NS_PER_MS, last);
}

static void wake_at(struct monitor *monitor, uint64_t at_ns)
{
    const uint64_t now_ns = clock_now_ns();
    const uint64_t wait_ns = at_ns > now_ns ? at_ns - now_ns : 0;
    const uint64_t delay_ns = wait_ns < LOOK_NS ? wait_ns + NS_PER_US : LOOK_NS;
    const struct timeval delay = {.tv_usec = (suseconds_t)(delay_ns / NS_PER_US)};
    if (event_add(monitor->timer, &delay) == 0)
        return;
    monitor->code = err_set(&monitor->err, E_SYSTEM, "the monitor has no timer any more");
    (void)event_base_loopbreak(monitor->base);
}

static void on_timer(evutil_socket_t fd, short what, void *argument)
{
    struct monitor *monitor = argument;
    const uint64_t now_ns = clock_now_ns();
    const bool over =
        *monitor->interrupted > 0 ||
        (monitor->duration_ns > 0 && now_ns >= monitor->start_ns + monitor->duration_ns);
    (void)fd;
    (void)what;
    look(monitor, now_ns);
    if (over || now_ns >= monitor->cut_ns) {
        cut(monitor, now_ns, over);
        while (monitor->cut_ns <= now_ns)
            monitor->cut_ns += monitor->interval_ns;
    }
    if (over)
        (void)event_base_loopbreak(monitor->base);
    else
        wake_at(monitor, monitor->cut_ns);
}

/* ---- life ---- */

/* A new word has the next number; what finds no room is counted with the last one. */
static uint8_t number_of_error(void *state, const char *text)
{
    const struct monitor *monitor = state;
    struct error_kinds *kinds = &monitor->timeline->error_kinds;
    char word[sizeof kinds->kinds[0].word];
    snprintf(word, sizeof word, "%.*s", (int)strcspn(text, " \r\n"), text);
    printable_line(word);
    for (uint32_t i = 0; i < kinds->count; i++)
        if (strcmp(kinds->kinds[i].word, word) == 0)
            return (uint8_t)i;
    if (kinds->count == ERROR_KINDS_MAX)
        return ERROR_KINDS_MAX - 1;
    struct ipc_error_kind *kind = &kinds->kinds[kinds->count];
    memcpy(kind->word, word, sizeof kind->word);
    snprintf(kind->text, sizeof kind->text, "%s", PRINTABLE(text));
    return (uint8_t)kinds->count++;
}

static void describe_run(const struct monitor *monitor, struct run_facts *run)
{
    const uint32_t count = monitor->targets->count;
    *run = (struct run_facts){.name = "PING",
                              .started_wall_ns = clock_wall_ns(),
                              .interval_ns = monitor->interval_ns,
                              .duration_ns = monitor->duration_ns,
                              .clients = count,
                              .pipeline = 1,
                              .commands = 1,
                              .request_bytes = 14,
                              .open_loop = true,
                              .shed_after_ns = NS_PER_SECOND,
                              .worker_count = 1,
                              .worker_cpus = {-1},
                              .node_count = count > 1 ? count : 0};
    snprintf(run->rate_text, sizeof run->rate_text, "%.4g/s, even",
             count * (double)NS_PER_SECOND / (double)monitor->probe_period_ns);
    if (count > 1)
        snprintf(run->target, sizeof run->target, "%u servers", count);
    else
        snprintf(run->target, sizeof run->target, "%s", monitor->targets->items[0].address.text);
    for (uint32_t i = 0; i < run->node_count; i++) {
        struct run_node *node = &run->nodes[i];
        snprintf(node->text, sizeof node->text, "%s", monitor->targets->items[i].address.text);
        node->role = node->role_at_start = RUN_ROLE_PRIMARY;
        node->primary = -1;
    }
}

enum err_code monitor_begin(struct monitor *monitor, uint64_t start_ns, struct err *err)
{
    static struct run_facts run; /* too large for a stack */
    monitor->start_ns = start_ns;
    monitor->cut_ns = start_ns + monitor->interval_ns;
    monitor->row = interval_row_create();
    bool made = monitor->row != NULL;
    list_fields(monitor);
    for (uint32_t i = 0; i < monitor->targets->count && made; i++) {
        struct monitored *item = &monitor->items[i];
        item->monitor = monitor;
        watch_samples_init(&item->alone);
        monitor_server_init(&item->server, monitor->targets->items[i].address.text);
        item->window = interval_row_create();
        made = item->window != NULL;
        for (uint32_t k = 0; k < SAMPLER_FIELDS_MAX; k++)
            item->fields[k] = NAN;
    }
    if (!made)
        return err_set(err, E_SYSTEM, "no memory for the monitor");
    describe_run(monitor, &run);
    timeline_run_begin(monitor->timeline, &run);
    return OK;
}

static enum err_code start(struct monitor *monitor, struct err *err)
{
    enum err_code code = OK;
    for (uint32_t i = 0; i < monitor->targets->count && code == OK; i++) {
        const struct watch_target *target = &monitor->targets->items[i];
        struct monitored *item = &monitor->items[i];
        const struct latency_probe_setup probe = {.target = &target->address,
                                                  .tls = target->endpoint.tls_client,
                                                  .endpoint = &target->endpoint,
                                                  .period_ns = monitor->probe_period_ns,
                                                  .start_ns = monitor->start_ns,
                                                  .number_of_error = number_of_error,
                                                  .state = monitor};
        const uint64_t period_ns = monitor->interval_ns > SAMPLE_PERIOD_LEAST_NS
                                       ? monitor->interval_ns
                                       : SAMPLE_PERIOD_LEAST_NS;
        const struct server_sampler_setup sampler = {.fields = monitor->fields,
                                                     .field_count = monitor->field_count,
                                                     .target = &target->address,
                                                     .tls = target->endpoint.tls_client,
                                                     .endpoint = &target->endpoint,
                                                     .period_ns = period_ns,
                                                     .hear = monitor_hear,
                                                     .state = item};
        code = latency_probe_start(&item->probe, monitor->base, &probe, err);
        if (code == OK)
            code = server_sampler_start(&item->sampler, monitor->base, &sampler, err);
    }
    return code;
}

/* What comes behind the last row is nobody's. */
static void stop(struct monitor *monitor)
{
    for (uint32_t i = 0; i < WATCH_TARGETS_MAX; i++) {
        struct monitored *item = &monitor->items[i];
        latency_probe_stop(item->probe);
        item->probe = NULL;
        server_sampler_stop(item->sampler);
        item->sampler = NULL;
    }
}

enum err_code monitor_run(struct monitor *monitor, struct err *err)
{
    monitor->timer = evtimer_new(monitor->base, on_timer, monitor);
    if (monitor->timer == NULL)
        return err_set(err, E_SYSTEM, "no memory for the monitor");
    enum err_code code = start(monitor, err);
    if (code != OK)
        return code;
    wake_at(monitor, monitor->cut_ns);
    (void)event_base_dispatch(monitor->base);
    stop(monitor);
    for (uint32_t i = 0; monitor->judged != NULL && i < monitor->targets->count; i++)
        monitor->judged[i].row = NULL; /* was the probe's */
    return monitor->code == OK ? OK : err_set(err, monitor->code, "%s", monitor->err.text);
}

void monitor_end(struct monitor *monitor)
{
    static struct run_result result; /* too large for a stack */
    result.evidence.steal_share = result.evidence.server_cpu_share = -1;
    result.evidence.server_delay_share = -1;
    timeline_run_end(monitor->timeline, &result);
}

void monitor_free(struct monitor *monitor)
{
    stop(monitor);
    for (uint32_t i = 0; i < WATCH_TARGETS_MAX; i++)
        free(monitor->items[i].window);
    if (monitor->timer != NULL)
        event_free(monitor->timer);
    free(monitor->row);
}
