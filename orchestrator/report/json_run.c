#include "orchestrator/report/json_run.h"

#include "orchestrator/report/buffer_report.h"

#include <time.h>

#include "common/clock.h"
#include "orchestrator/report/drawn_json.h"
#include "orchestrator/report/figures.h"
#include "orchestrator/report/json_sections.h"
#include "orchestrator/report/json_value.h"
#include "orchestrator/report/target_reached.h"

static json_t *error_texts(const struct error_kinds *kinds)
{
    json_t *object = json_object();
    for (uint32_t i = 0; i < kinds->count; i++) {
        json_t *word = json_value_text(kinds->kinds[i].word);
        json_object_set_new(object, json_string_value(word), json_value_text(kinds->kinds[i].text));
        json_decref(word);
    }
    return object;
}

/* What a run and an interval both have. */
static json_t *measures(const struct metric_slice *slice, bool tracking)
{
    json_t *object = json_object();
    json_section_metrics(object, slice, METRIC_DUE,
                         tracking ? METRIC_INVALIDATIONS : METRIC_BYTES_IN);
    return object;
}

json_t *json_run_interval(const struct interval_row *row, const struct run_facts *run,
                          const struct error_kinds *error_kinds)
{
    json_t *object =
        json_pack("{s:I, s:I, s:f, s:f, s:b}", "index", (json_int_t)row->header.first, "last_index",
                  (json_int_t)row->header.last, "start_seconds",
                  clock_seconds(row->header.start_ns), "seconds", figure_row_seconds(row),
                  "degraded", (row->header.flags & INTERVAL_DEGRADED) != 0);
    struct metric_slice slice = metric_slice_of(row, run->open_loop);
    slice.error_kinds = error_kinds;
    json_section_metrics(object, &slice, METRIC_TARGET_RATE, METRIC_DUE - 1);
    json_object_update_new(object, measures(&slice, run->tracking));
    if (row->counters[COUNTER_HANDSHAKES] > 0)
        json_section_metrics(object, &slice, METRIC_HANDSHAKES, METRIC_HANDSHAKE_TIME);
    if (row->node_count > 0)
        json_object_set_new(object, "nodes", json_section_interval_nodes(row));
    if (run->class_count > 0)
        json_object_set_new(object, "classes", json_section_interval_classes(&slice, run));
    json_t *consumers = json_section_consumers(&slice, run);
    if (consumers != NULL)
        json_object_set_new(object, "consumers", consumers);
    return object;
}

/* The percentiles that the user asked for, in the order of the list. */
static json_t *asked_percentiles(const struct run_result *result)
{
    const struct metric_slice slice = metric_slice_of_run(result);
    json_t *list = json_array();
    for (uint32_t i = 0; i < result->percentile_count; i++) {
        struct metric_value time =
            metric_percentile(&slice, METRIC_RESPONSE_TIME, result->percentiles[i]);
        json_array_append_new(
            list, json_pack("{s:f, s:o, s:o, s:b, s:o}", "percentile", result->percentiles[i],
                            "response_time_us", json_value_microseconds(time.known, time.number),
                            "at_least_us", json_value_microseconds(time.censored, time.number),
                            "few_samples", time.few_samples, "loop_lag_percent",
                            !time.known ? json_null()
                                        : json_real(figure_lag_share(result->total,
                                                                     result->facts->open_loop,
                                                                     result->percentiles[i]) *
                                                    100)));
    }
    return list;
}

/* The rate of a run: of an open loop also how much of the target was sent in time, and why not all. */
static json_t *run_rate(const struct run_result *result, const struct metric_slice *slice)
{
    bool open_loop = run_facts_have_rate(result->facts);
    /* not stopped in its warm-up */
    bool known = open_loop && result->seconds > 0 && figure_schedule_known(result);
    json_t *members = json_object();
    json_t *object =
        json_pack("{s:o}", "target", known ? json_real(figure_target(result)) : json_null());
    json_section_metrics(members, slice, METRIC_ACHIEVED_RATE, METRIC_DUE - 1);
    json_object_update(object, json_object_get(members, "rate"));
    json_decref(members);
    if (run_facts_have_messages(result->facts))
        json_object_set_new(object, "messages_per_minute",
                            json_real(metric_read(slice, METRIC_ACHIEVED_RATE, NULL).number * 60));
    json_object_set_new(object, "changes", json_value_count(result->rate_changes));
    struct target_reached reached = {.limit = TARGET_REACHED};
    if (open_loop)
        target_reached_judge(&reached, result);
    json_object_set_new(object, "sent_share",
                        known ? json_real(reached.evidence.share) : json_null());
    json_object_set_new(object, "reason",
                        json_value_text(reached.sentence[0] != '\0' ? reached.sentence : NULL));
    return object;
}

/* What was done to the target and to the load; times count from the common start, as those of intervals do. */
static json_t *events(const struct run_notes *notes)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < notes->count; i++) {
        const struct note *note = &notes->items[i];
        json_t *event = json_pack(
            "{s:s, s:f, s:f, s:o, s:b, s:o}", "source", note_source_name(note->source),
            "at_seconds", clock_seconds(note->at_ns), "seconds",
            clock_seconds(note->end_ns - note->at_ns), "text", json_value_text(note->text), "ok",
            note->ok, "cause", json_value_text(note->ok ? NULL : note->cause));
        const char *by = note_by_name(note_get(note, NOTE_BY));
        if (by != NULL)
            json_object_set_new(event, "by", json_string(by));
        json_array_append_new(list, event);
    }
    return list;
}

/* Of each what it found, in the unit of its figure. */
static json_t *checks(const struct run_result *result)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < result->check_count; i++) {
        const struct objective *check = &result->facts->session->checks->items[i];
        const struct objective_reading *reading = &result->checks[i];
        const bool errors = check->kind == OBJECTIVE_ERRORS, rate = check->kind == OBJECTIVE_RATE;
        json_t *value = !reading->known ? json_null()
                        : errors        ? json_real(reading->share * 100)
                        : rate          ? json_real(reading->rate)
                                        : json_real((double)reading->value_ns / 1e3);
        json_array_append_new(list, json_pack("{s:o, s:b, s:o}", "check",
                                              json_value_text(check->text), "kept", reading->kept,
                                              errors ? "percent"
                                              : rate ? "rate"
                                                     : "value_us",
                                              value));
    }
    return list;
}

/* What other programs' series came to. */
static json_t *scraped(const struct scraped_totals *totals)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < totals->count; i++) {
        const struct scraped_series *series = &totals->items[i];
        json_array_append_new(
            list, json_pack("{s:o, s:o, s:f, s:f, s:f, s:f, s:f}", "name",
                            json_value_text(series->name), "count", json_value_count(series->count),
                            "first", series->first, "last", series->last, "min", series->min,
                            "mean", series->sum / (double)series->count, "max", series->max));
    }
    return list;
}

/* Of a server on this host. */
static json_t *server_process(const struct run_evidence *evidence)
{
    const double cpu = evidence->server_cpu_share, delay = evidence->server_delay_share;
    return json_pack("{s:o, s:o}", "cpu_share", cpu >= 0 ? json_real(cpu) : json_null(),
                     "run_delay_share", delay >= 0 ? json_real(delay) : json_null());
}

/* With what was read, which a journal has in its counters. */
static json_t *verification(const struct run_result *result)
{
    json_t *json = checked_report_to_json(&result->checked);
    json_object_set_new(json, "verified", json_value_count(metric_total(result, METRIC_VERIFIED)));
    json_object_set_new(json, "unverified",
                        json_value_count(metric_total(result, METRIC_UNVERIFIED)));
    return json;
}

void json_run_facts(json_t *object, const struct run_facts *run)
{
    char started[32];
    struct tm utc;
    time_t second = (time_t)(run->started_wall_ns / NS_PER_SECOND);
    gmtime_r(&second, &utc);
    strftime(started, sizeof started, "%Y-%m-%dT%H:%M:%SZ", &utc);
    json_object_set_new(object, "name", json_value_text(run->name));
    json_object_set_new(object, "started", json_string(started));
    if (run->repetition > 0)
        json_object_set_new(object, "repetition", json_value_count(run->repetition));
    json_object_set_new(object, "prefill", json_boolean(run->prefill));
    json_object_set_new(object, "prefill_for",
                        json_value_text(run->prefill ? run->prefill_for : NULL));
    json_object_set_new(object, "target", json_value_text(run->target));
    json_object_set_new(object, "keyspace", json_value_count(run->keyspace));
    json_object_set_new(object, "interval_seconds", json_real(clock_seconds(run->interval_ns)));
    json_object_set_new(object, "rate_asked",
                        json_value_text(run_facts_have_rate(run) ? run->rate_text : NULL));
}

void json_run_members(json_t *object, const struct run_result *result)
{
    struct metric_slice slice = metric_slice_of_run(result);
    double achieved = metric_read(&slice, METRIC_ACHIEVED_RATE, NULL).number;
    json_t *members = measures(&slice, result->facts->tracking);
    json_object_set_new(object, "warmup_seconds",
                        json_real(clock_seconds(result->facts->warmup_ns)));
    json_object_set_new(object, "seconds", json_real(result->seconds));
    json_object_set_new(object, "interrupted", json_boolean(result->interrupted));
    json_object_set_new(object, "stopped_by_ctl", json_boolean(result->stopped));
    json_object_set_new(object, "stopped_by",
                        json_value_text(result->stopped ? note_by_name(result->stopped_by) : NULL));
    json_object_set_new(object, "status",
                        json_pack("{s:i, s:o}", "code", err_exit_status(result->status), "text",
                                  json_value_text(result->status_text)));
    json_object_set_new(object, "rate", run_rate(result, &slice));
    if (result->facts->commands > 1)
        json_object_set_new(object, "commands",
                            json_pack("{s:o, s:f}", "per_request",
                                      json_value_count(result->facts->commands), "per_second",
                                      achieved * (double)result->facts->commands));
    json_object_set_new(object, "nodes", json_section_nodes(result));
    json_object_set_new(members, "failures", json_section_failures(result));
    json_section_metrics(members, &slice, METRIC_LOOP_LAG, METRIC_OUTCOME_UNKNOWN);
    json_object_update_new(object, members);
    json_object_set_new(object, "percentiles", asked_percentiles(result));
    json_object_set_new(object, "error_texts", error_texts(result->error_kinds));
    if (result->facts->stream_count > 0)
        json_object_set_new(object, "streams", json_section_streams(result));
    json_object_set_new(object, "classes", json_section_classes(result));
    json_t *buffer = buffer_report_json(result);
    if (buffer != NULL)
        json_object_set_new(object, "buffer", buffer);
    json_t *consumers = json_section_consumers(&slice, result->facts);
    if (consumers != NULL)
        json_object_set_new(object, "consumers", consumers);
    json_object_set_new(object, "events", events(result->notes));
    json_object_set_new(object, "workers", json_value_workers(result));
    json_object_set_new(object, "verdict", json_value_verdict(&result->verdict));
    if (result->server.known)
        json_object_set_new(object, "server", server_account_to_json(&result->server));
    json_object_set_new(object, "server_process", server_process(&result->evidence));
    if (result->drawn.requests > 0)
        json_object_set_new(object, "drawn", drawn_to_json(&result->drawn));
    if (result->checked.known)
        json_object_set_new(object, "verification", verification(result));
    if (result->scraped != NULL && result->scraped->count > 0)
        json_object_set_new(object, "scraped", scraped(result->scraped));
    if (result->check_count > 0)
        json_object_set_new(object, "checks", checks(result));
    if (result->kpis != NULL)
        json_object_set(object, "kpis", result->kpis);
}
