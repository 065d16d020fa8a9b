#include "orchestrator/report/timeline.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "orchestrator/report/figures.h"
#include "orchestrator/report/metric.h"

enum err_code timeline_init(struct timeline *timeline, struct err *err)
{
    memset(timeline, 0, sizeof *timeline);
    timeline->total = interval_row_create();
    timeline->outages = outages_create();
    if (timeline->total == NULL || timeline->outages == NULL)
        return err_set(err, E_SYSTEM, "no memory for the totals of a run");
    return OK;
}

void timeline_add(struct timeline *timeline, struct sink sink)
{
    assert(timeline->sink_count < TIMELINE_SINKS_MAX);
    timeline->sinks[timeline->sink_count++] = sink;
}

/* One output that fails must not take the run or the other outputs with it. */
static void settle(struct timeline *timeline, uint32_t index, enum err_code code,
                   const struct err *err)
{
    if (code == OK)
        return;
    timeline->failed[index] = true;
    log_line(LOG_ERROR, "%s: %s; this output is left out from here on", timeline->sinks[index].name,
             err->text);
}

#define EACH_SINK(timeline, function, ...)                                                         \
    for (uint32_t i = 0; i < (timeline)->sink_count; i++) {                                        \
        struct sink *sink = &(timeline)->sinks[i];                                                 \
        struct err sink_err = {.code = OK};                                                        \
        if ((timeline)->failed[i] || sink->function == NULL)                                       \
            continue;                                                                              \
        settle(timeline, i, sink->function(sink->state, __VA_ARGS__), &sink_err);                  \
    }

void timeline_session_begin(struct timeline *timeline, const struct session_facts *session)
{
    timeline->session = session;
    EACH_SINK(timeline, session_begin, session, &sink_err)
}

/* By plan; 0: requests decide. */
static uint64_t load_end_ns(const struct run_facts *run)
{
    return run->duration_ns > 0 ? run->warmup_ns + run->duration_ns : 0;
}

static void begin_outages(struct timeline *timeline)
{
    const struct run_facts *run = &timeline->run;
    struct outage_setup setup = {.open_loop = run->open_loop,
                                 .load_end_ns = run->steady_auto ? 0 : load_end_ns(run),
                                 .node_count = run->node_count};
    uint32_t primaries = 0;
    for (uint32_t i = 0; i < run->node_count; i++) {
        setup.primary_of[i] = run->nodes[i].primary;
        primaries += run->nodes[i].role_at_start == RUN_ROLE_PRIMARY;
    }
    setup.one_shard = !run->cluster && primaries == 1;
    outages_begin(timeline->outages, &setup);
}

void timeline_run_begin(struct timeline *timeline, const struct run_facts *run)
{
    timeline->run = *run;
    timeline->run.session = timeline->session;
    timeline->rows = 0;
    memset(&timeline->error_kinds, 0, sizeof timeline->error_kinds);
    timeline->notes.count = 0;
    timeline->scraped.count = 0;
    memset(timeline->notes.all, 0, sizeof timeline->notes.all);
    timeline->samples = (struct target_samples){.keys_first = -1,
                                                .keys_last = -1,
                                                .keys_min = -1,
                                                .keys_max = -1,
                                                .lag_seconds_max = -1,
                                                .lag_bytes_max = -1};
    interval_row_reset(timeline->total);
    memset(&timeline->total->header, 0, sizeof timeline->total->header);
    begin_outages(timeline);
    EACH_SINK(timeline, run_begin, &timeline->run, &sink_err)
}

json_t *session_not_run(const struct session_facts *session, size_t tests_begun)
{
    json_t *titles = json_array();
    for (size_t i = tests_begun; i < json_array_size(session->tests); i++)
        json_array_append(titles, json_array_get(session->tests, i));
    return titles;
}

const char *run_role_name(uint32_t role)
{
    static const char *const names[] = {"absent", "primary", "replica", "gone"};
    return role < sizeof names / sizeof names[0] ? names[role] : "unknown";
}

static void add_to_total(struct timeline *timeline, const struct interval_row *row)
{
    struct interval_header *header = &timeline->total->header;
    if (timeline->rows++ == 0) {
        header->first = row->header.first;
        header->start_ns = row->header.start_ns;
        header->in_flight_before = row->header.in_flight_before;
        header->backlog_before = row->header.backlog_before;
    } else if (row->header.flags & INTERVAL_DEGRADED) {
        /* It may know of more in flight than the rows before it did: from before all of them. */
        header->in_flight_before += row->header.in_flight_before - header->in_flight_after;
        header->backlog_before += row->header.backlog_before - header->backlog_after;
    }
    header->last = row->header.last;
    header->end_ns = row->header.end_ns;
    header->in_flight_after = row->header.in_flight_after;
    header->backlog_after = row->header.backlog_after;
    header->connections_open = row->header.connections_open;
    header->flags |= row->header.flags;
    outcome_times_add(&header->times, &row->header.times);
    interval_row_add(timeline->total, row);
}

enum err_code timeline_interval(struct timeline *timeline, const struct interval_row *row,
                                struct err *err)
{
    enum err_code code = OK;
    if ((row->header.flags & INTERVAL_DEGRADED) == 0)
        code = interval_row_check(row, err);
    if ((row->header.flags & INTERVAL_WARMUP) == 0)
        add_to_total(timeline, row);
    else
        histogram_add(&timeline->total->histograms[HISTOGRAM_CONNECT],
                      &row->histograms[HISTOGRAM_CONNECT]);
    outages_add(timeline->outages, row);
    EACH_SINK(timeline, interval, row, &timeline->error_kinds, &sink_err)
    return code;
}

void timeline_live(struct timeline *timeline, const struct run_live *live)
{
    EACH_SINK(timeline, live, live, &sink_err)
}

/* As far as the facts tell: what fell due did so within the duration. */
static double due_seconds(const struct run_facts *run, double seconds)
{
    double duration = clock_seconds(run->duration_ns);
    return duration > 0 && duration < seconds ? duration : seconds;
}

bool target_sample_dropped(int64_t keys_before, int64_t keys_now)
{
    return keys_now >= 0 && keys_before > keys_now &&
           (double)(keys_before - keys_now) >= (double)keys_before / 100;
}

static void keep_keys(struct target_samples *samples, int64_t keys)
{
    if (keys < 0)
        return;
    samples->drops += target_sample_dropped(samples->keys_last, keys);
    if (samples->keys_first < 0)
        samples->keys_first = samples->keys_min = keys;
    samples->keys_last = keys;
    samples->keys_min = keys < samples->keys_min ? keys : samples->keys_min;
    samples->keys_max = keys > samples->keys_max ? keys : samples->keys_max;
}

static void keep_sample(struct target_samples *samples, const struct note *note)
{
    const int64_t lag_seconds = note_get(note, NOTE_LAG_SECONDS);
    const int64_t lag_bytes = note_get(note, NOTE_LAG_BYTES);
    samples->count++;
    samples->unanswered += !note->ok;
    if (!note->ok)
        return;
    samples->last = *note;
    keep_keys(samples, note_get(note, NOTE_KEYS));
    if (lag_seconds > samples->lag_seconds_max)
        samples->lag_seconds_max = lag_seconds;
    if (lag_bytes > samples->lag_bytes_max)
        samples->lag_bytes_max = lag_bytes;
}

static void keep_scraped(struct scraped_totals *totals, const struct note *note)
{
    const double value = note_get_number(note);
    uint32_t at = 0;
    while (at < totals->count && strcmp(totals->items[at].name, note->text) != 0)
        at++;
    if (at == SCRAPED_MAX || isnan(value))
        return;
    struct scraped_series *series = &totals->items[at];
    if (at == totals->count) {
        *series = (struct scraped_series){.first = value, .min = value, .max = value};
        memcpy(series->name, note->text, sizeof series->name);
        totals->count++;
    }
    series->count++;
    series->last = value;
    series->min = fmin(series->min, value);
    series->max = fmax(series->max, value);
    series->sum += value;
}

void timeline_note(struct timeline *timeline, const struct note *note)
{
    struct run_notes *notes = &timeline->notes;
    bool room = notes->all[note->source]++ < RUN_NOTES_MAX;
    if (note->source == NOTE_SAMPLE)
        keep_sample(&timeline->samples, note);
    else if (note->source == NOTE_SCRAPE)
        keep_scraped(&timeline->scraped, note);
    else if (room)
        notes->items[notes->count++] = *note;
    EACH_SINK(timeline, note, note, &sink_err)
}

/* A target that has gone and does not come back fails a run that time ends. One of -n requests fails by
 * itself when it waits for them in vain, and else it has asked all that was asked for. */
static void judge_end(const struct timeline *timeline, struct run_result *result)
{
    const uint64_t warmup_ns = timeline->run.warmup_ns;
    uint64_t begin_ns = 0;
    if (timeline->run.duration_ns == 0 || result->status != OK ||
        !outages_silent_end(timeline->outages, &begin_ns))
        return;
    result->status = E_FAILED;
    snprintf(result->status_text, sizeof result->status_text,
             "the load ended in an outage: nothing was answered any more from %.3f s on%s%s",
             clock_seconds(begin_ns > warmup_ns ? begin_ns - warmup_ns : 0),
             result->said_last[0] != '\0' ? "; the server said last: " : "", result->said_last);
}

static void read_checks(const struct timeline *timeline, struct run_result *result)
{
    const struct objective_list *checks =
        timeline->session != NULL ? timeline->session->checks : NULL;
    const struct metric_slice slice = metric_slice_of_run(result);
    result->check_count = checks != NULL && !timeline->run.prefill ? checks->count : 0;
    for (uint32_t i = 0; i < result->check_count; i++)
        result->checks[i] = objective_read(&checks->items[i], &slice);
}

static void point_to(const struct timeline *timeline, struct run_result *result)
{
    result->facts = &timeline->run;
    result->error_kinds = &timeline->error_kinds;
    result->total = timeline->total;
    result->samples = &timeline->samples;
    result->notes = &timeline->notes;
    result->scraped = &timeline->scraped;
    result->outages = timeline->outages;
    if (timeline->session != NULL) {
        result->percentiles = timeline->session->percentiles;
        result->percentile_count = timeline->session->percentile_count;
    }
}

bool run_facts_have_rate(const struct run_facts *facts)
{
    return facts->open_loop && !facts->has_users;
}

bool run_facts_have_messages(const struct run_facts *facts)
{
    return facts->buffer_text[0] != '\0';
}

void timeline_look(const struct timeline *timeline, struct run_result *result)
{
    point_to(timeline, result);
    result->seconds = figure_row_seconds(timeline->total);
    if (run_facts_have_rate(&timeline->run))
        result->due_seconds = result->seconds;
    result->evidence.steal_share = -1;
    result->evidence.server_cpu_share = result->evidence.server_delay_share = -1;
    checked_report_count(&result->checked, timeline->total->counters);
    verdict_judge(&result->verdict, result);
}

void timeline_run_end(struct timeline *timeline, struct run_result *result)
{
    const struct interval_row *total = timeline->total;
    /* Also when its last row never came: nothing comes after it. */
    timeline->total->header.flags |= INTERVAL_LAST;
    point_to(timeline, result);
    const struct run_facts *run = &timeline->run;
    for (uint32_t i = 0; i < run->node_count; i++)
        if (run->nodes[i].role == RUN_ROLE_GONE)
            outages_leave(timeline->outages, i);
    outages_end(timeline->outages, load_end_ns(run));
    if (!(result->seconds > 0))
        result->seconds = figure_row_seconds(total);
    if (run_facts_have_rate(&timeline->run) && !(result->due_seconds > 0))
        result->due_seconds = due_seconds(&timeline->run, result->seconds);
    struct err err = {.code = OK};
    if (timeline->rows > 0 && (total->header.flags & INTERVAL_DEGRADED) == 0 &&
        interval_row_check(total, &err) != OK && result->status != E_UNTRUSTED) {
        result->status = E_UNTRUSTED;
        memcpy(result->status_text, err.text, sizeof result->status_text);
    }
    checked_report_count(&result->checked, total->counters);
    judge_end(timeline, result);
    read_checks(timeline, result);
    verdict_judge(&result->verdict, result);
    repeats_add(&timeline->repeats, result);
    result->repeats = run->repetition > 0 ? &timeline->repeats : NULL;
    result->kpis =
        timeline->kpis_of != NULL ? timeline->kpis_of(timeline->kpis_state, result) : NULL;
    EACH_SINK(timeline, run_end, result, &sink_err)
    json_decref(result->kpis);
    result->kpis = NULL;
}

void timeline_session_end(struct timeline *timeline)
{
    EACH_SINK(timeline, session_end, &sink_err)
}

bool timeline_complete(const struct timeline *timeline)
{
    for (uint32_t i = 0; i < timeline->sink_count; i++)
        if (timeline->failed[i])
            return false;
    return true;
}

void timeline_destroy(struct timeline *timeline)
{
    for (uint32_t i = 0; i < timeline->sink_count; i++)
        if (timeline->sinks[i].destroy != NULL)
            timeline->sinks[i].destroy(timeline->sinks[i].state);
    free(timeline->total);
    outages_destroy(timeline->outages);
    memset(timeline, 0, sizeof *timeline);
}
