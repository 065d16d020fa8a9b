/* volley.run/1 (docs/schema/volley.run-1.schema.json), streamed: the file is written in the order
 * in which things happen, one interval at a time, so memory does not grow with the run. Therefore
 * `intervals` stands before the totals that close each run. */
#include <jansson.h>
#include <stdlib.h>
#include <time.h>

#include "common/clock.h"
#include "orchestrator/report/drawn_json.h"
#include "orchestrator/report/figures.h"
#include "orchestrator/report/json_sections.h"
#include "orchestrator/report/json_value.h"
#include "orchestrator/report/output.h"
#include "orchestrator/report/sinks.h"
#include "orchestrator/report/target_reached.h"

/* 15 digits hold every latency to the nanosecond and keep 0.1 from becoming 0.1000...01. */
#define DUMP_FLAGS (JSON_REAL_PRECISION(15) | JSON_PRESERVE_ORDER | JSON_ENCODE_ANY)

struct json_report {
    struct output out;
    const struct session_facts *session;
    struct run_facts run;
    bool run_open;
    bool failed; /* memory ran out: the file would have holes */
    uint32_t runs, intervals;
    uint32_t tests;                /* runs that are no prefill */
    const struct repeats *repeats; /* as the last run told; NULL: none */
};

/* Writes one value and lets go of it. */
static void put(struct json_report *report, json_t *value)
{
    if (value == NULL || !json_value_write(&report->out, value, DUMP_FLAGS))
        report->failed = true;
    json_decref(value);
}

/* The same as a member of the object that is open in the file, behind others. */
static void put_member(struct json_report *report, const char *key, json_t *value)
{
    output_printf(&report->out, ",\n\"%s\": ", key);
    put(report, value);
}

static enum err_code status(struct json_report *report, struct err *err)
{
    if (report->failed)
        return err_set(err, E_SYSTEM, "no memory for the JSON report");
    return output_status(&report->out, err);
}

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

static json_t *percentile_list(const struct session_facts *session)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < session->percentile_count; i++)
        json_array_append_new(list, json_real(session->percentiles[i]));
    return list;
}

static enum err_code session_begin(void *state, const struct session_facts *session,
                                   struct err *err)
{
    struct json_report *report = state;
    json_t *volley = json_object_get(session->environment, "volley");
    json_t *version = json_object_get(volley, "version");
    json_t *commit = json_object_get(volley, "commit");
    report->session = session;
    output_printf(&report->out, "{\"schema\": \"volley.run/1\"");
    put_member(report, "volley",
               json_pack("{s:o, s:o}", "version",
                         json_is_string(version) ? json_incref(version) : json_string("unknown"),
                         "commit",
                         json_is_string(commit) ? json_incref(commit) : json_string("unknown")));
    put_member(report, "command", json_value_text(session->command));
    put_member(report, "label", json_value_text(session->label));
    put_member(report, "percentiles", percentile_list(session));
    put_member(report, "spec", session->spec != NULL ? json_incref(session->spec) : json_object());
    put_member(report, "environment",
               session->environment != NULL ? json_incref(session->environment) : json_object());
    output_printf(&report->out, ",\n\"runs\": [");
    return status(report, err);
}

static enum err_code run_begin(void *state, const struct run_facts *run, struct err *err)
{
    struct json_report *report = state;
    char started[32];
    struct tm utc;
    time_t second = (time_t)(run->started_wall_ns / NS_PER_SECOND);
    gmtime_r(&second, &utc);
    strftime(started, sizeof started, "%Y-%m-%dT%H:%M:%SZ", &utc);

    report->run = *run;
    report->run_open = true;
    report->intervals = 0;
    report->tests += !run->prefill;
    output_printf(&report->out, "%s\n{\"name\": ", report->runs++ > 0 ? "," : "");
    put(report, json_value_text(run->name));
    put_member(report, "started", json_string(started));
    if (run->repetition > 0)
        put_member(report, "repetition", json_value_count(run->repetition));
    put_member(report, "prefill", json_boolean(run->prefill));
    put_member(report, "prefill_for", json_value_text(run->prefill ? run->prefill_for : NULL));
    put_member(report, "target", json_value_text(run->target));
    put_member(report, "keyspace", json_value_count(run->keyspace));
    put_member(report, "interval_seconds", json_real(clock_seconds(run->interval_ns)));
    put_member(report, "rate_asked", json_value_text(run->open_loop ? run->rate_text : NULL));
    output_printf(&report->out, ",\n\"intervals\": [");
    return status(report, err);
}

static enum err_code interval(void *state, const struct interval_row *row,
                              const struct error_kinds *error_kinds, struct err *err)
{
    struct json_report *report = state;
    if (row->header.flags & INTERVAL_WARMUP)
        return OK;
    json_t *object =
        json_pack("{s:I, s:I, s:f, s:f, s:b}", "index", (json_int_t)row->header.first, "last_index",
                  (json_int_t)row->header.last, "start_seconds",
                  clock_seconds(row->header.start_ns), "seconds", figure_row_seconds(row),
                  "degraded", (row->header.flags & INTERVAL_DEGRADED) != 0);
    struct metric_slice slice = metric_slice_of(row, report->run.open_loop);
    slice.error_kinds = error_kinds;
    json_section_metrics(object, &slice, METRIC_TARGET_RATE, METRIC_DUE - 1);
    json_object_update_new(object, measures(&slice, report->run.tracking));
    if (row->counters[COUNTER_HANDSHAKES] > 0)
        json_section_metrics(object, &slice, METRIC_HANDSHAKES, METRIC_HANDSHAKE_TIME);
    if (row->node_count > 0)
        json_object_set_new(object, "nodes", json_section_interval_nodes(row));
    if (report->run.class_count > 0)
        json_object_set_new(object, "classes", json_section_interval_classes(&slice, &report->run));
    json_t *consumers = json_section_consumers(&slice, &report->run);
    if (consumers != NULL)
        json_object_set_new(object, "consumers", consumers);
    output_printf(&report->out, "%s\n", report->intervals++ > 0 ? "," : "");
    put(report, object);
    return status(report, err);
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
    bool open_loop = result->facts->open_loop;
    /* not stopped in its warm-up */
    bool known = open_loop && result->seconds > 0 && figure_schedule_known(result);
    json_t *members = json_object();
    json_t *object =
        json_pack("{s:o}", "target", known ? json_real(figure_target(result)) : json_null());
    json_section_metrics(members, slice, METRIC_ACHIEVED_RATE, METRIC_DUE - 1);
    json_object_update(object, json_object_get(members, "rate"));
    json_decref(members);
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
        json_array_append_new(list, json_pack("{s:s, s:f, s:f, s:o, s:b, s:o}", "source",
                                              note_source_name(note->source), "at_seconds",
                                              clock_seconds(note->at_ns), "seconds",
                                              clock_seconds(note->end_ns - note->at_ns), "text",
                                              json_value_text(note->text), "ok", note->ok, "cause",
                                              json_value_text(note->ok ? NULL : note->cause)));
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

/* With what was read, which a journal has in its counters. */
static json_t *verification(const struct run_result *result)
{
    json_t *json = checked_report_to_json(&result->checked);
    json_object_set_new(json, "verified", json_value_count(metric_total(result, METRIC_VERIFIED)));
    json_object_set_new(json, "unverified",
                        json_value_count(metric_total(result, METRIC_UNVERIFIED)));
    return json;
}

static enum err_code run_end(void *state, const struct run_result *result, struct err *err)
{
    struct json_report *report = state;
    struct metric_slice slice = metric_slice_of_run(result);
    double achieved = metric_read(&slice, METRIC_ACHIEVED_RATE, NULL).number;
    json_t *members = measures(&slice, result->facts->tracking);
    const char *key;
    json_t *value;
    output_printf(&report->out, "]");
    put_member(report, "warmup_seconds", json_real(clock_seconds(result->facts->warmup_ns)));
    put_member(report, "seconds", json_real(result->seconds));
    put_member(report, "interrupted", json_boolean(result->interrupted));
    put_member(report, "stopped_by_ctl", json_boolean(result->stopped));
    put_member(report, "status",
               json_pack("{s:i, s:o}", "code", err_exit_status(result->status), "text",
                         json_value_text(result->status_text)));
    put_member(report, "rate", run_rate(result, &slice));
    if (result->facts->commands > 1)
        put_member(report, "commands",
                   json_pack("{s:o, s:f}", "per_request", json_value_count(result->facts->commands),
                             "per_second", achieved * (double)result->facts->commands));
    put_member(report, "nodes", json_section_nodes(result));
    json_object_set_new(members, "failures", json_section_failures(result));
    json_section_metrics(members, &slice, METRIC_LOOP_LAG, METRIC_OUTCOME_UNKNOWN);
    json_object_foreach(members, key, value) put_member(report, key, json_incref(value));
    json_decref(members);
    put_member(report, "percentiles", asked_percentiles(result));
    put_member(report, "error_texts", error_texts(result->error_kinds));
    if (result->facts->stream_count > 0)
        put_member(report, "streams", json_section_streams(result));
    put_member(report, "classes", json_section_classes(result));
    json_t *consumers = json_section_consumers(&slice, result->facts);
    if (consumers != NULL)
        put_member(report, "consumers", consumers);
    put_member(report, "events", events(result->notes));
    put_member(report, "workers", json_value_workers(result));
    put_member(report, "verdict", json_value_verdict(&result->verdict));
    report->repeats = result->repeats != NULL ? result->repeats : report->repeats;
    if (result->server.known)
        put_member(report, "server", server_account_to_json(&result->server));
    if (result->drawn.requests > 0)
        put_member(report, "drawn", drawn_to_json(&result->drawn));
    if (result->checked.known)
        put_member(report, "verification", verification(result));
    if (result->check_count > 0)
        put_member(report, "checks", checks(result));
    output_printf(&report->out, "}");
    report->run_open = false;
    return status(report, err);
}

/* {"mean", "stdev", "low", "high", "runs"}; of one run only the mean is known. */
static json_t *repeat_figure(const struct repeat_test *test, uint32_t index)
{
    const struct repeat_figure *figure = &test->figures[index];
    const double half = repeat_half_width(figure);
    const bool known = repeat_is_known(test, index), wide = known && half >= 0;
    return json_pack(
        "{s:o, s:o, s:o, s:o, s:i}", "mean", known ? json_real(figure->mean) : json_null(), "stdev",
        wide ? json_real(repeat_deviation(figure)) : json_null(), "low",
        wide ? json_real(figure->mean - half) : json_null(), "high",
        wide ? json_real(figure->mean + half) : json_null(), "runs", (int)figure->count);
}

static json_t *repeats_to_json(const struct repeats *repeats)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < repeats->count; i++) {
        const struct repeat_test *test = &repeats->tests[i];
        json_t *item = json_pack("{s:o, s:i, s:i}", "name", json_value_text(test->name), "runs",
                                 (int)test->runs, "left_out", (int)test->left_out);
        for (uint32_t k = 0; k < REPEAT_FIGURES; k++)
            json_object_set_new(item, repeat_figure_name(k), repeat_figure(test, k));
        json_array_append_new(list, item);
    }
    return list;
}

static enum err_code session_end(void *state, struct err *err)
{
    struct json_report *report = state;
    if (report->session == NULL || report->run_open)
        return err_set(err, E_SYSTEM,
                       "a run did not come to its end: the JSON report is incomplete");
    output_printf(&report->out, "]");
    if (report->repeats != NULL)
        put_member(report, "repeats", repeats_to_json(report->repeats));
    put_member(report, "not_run", session_not_run(report->session, report->tests));
    output_printf(&report->out, "}\n");
    if (status(report, err) != OK)
        return err->code;
    return output_commit(&report->out, err);
}

enum err_code sink_json(struct sink *sink, const char *path, enum output_naming naming,
                        struct err *err)
{
    struct json_report *report = calloc(1, sizeof *report);
    if (report == NULL)
        return err_set(err, E_SYSTEM, "no memory for the JSON report");
    if (output_create(&report->out, path, naming, err) != OK) {
        free(report);
        return err->code;
    }
    *sink = (struct sink){.name = "JSON report",
                          .state = report,
                          .session_begin = session_begin,
                          .run_begin = run_begin,
                          .interval = interval,
                          .run_end = run_end,
                          .session_end = session_end,
                          .destroy = output_destroy};
    return OK;
}
