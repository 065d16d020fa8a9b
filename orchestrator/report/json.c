/* volley.run/1 (docs/schema/volley.run-1.schema.json), streamed: the file is written in the order
 * in which things happen, one interval at a time, so memory does not grow with the run. Therefore
 * `intervals` stands before the totals that close each run. */
#include <jansson.h>
#include <stdlib.h>

#include "orchestrator/report/json_run.h"
#include "orchestrator/report/json_value.h"
#include "orchestrator/report/output.h"
#include "orchestrator/report/sinks.h"

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

/* All members of an object, and lets go of it. */
static void put_members(struct json_report *report, json_t *object, const char *first)
{
    const char *before = first;
    const char *key;
    json_t *value;
    json_object_foreach(object, key, value)
    {
        output_printf(&report->out, "%s\n\"%s\": ", before, key);
        put(report, json_incref(value));
        before = ",";
    }
    json_decref(object);
}

static enum err_code status(struct json_report *report, struct err *err)
{
    if (report->failed)
        return err_set(err, E_SYSTEM, "no memory for the JSON report");
    return output_status(&report->out, err);
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
    report->run = *run;
    report->run_open = true;
    report->intervals = 0;
    report->tests += !run->prefill;
    output_printf(&report->out, "%s\n{", report->runs++ > 0 ? "," : "");
    json_t *facts = json_object();
    json_run_facts(facts, run);
    put_members(report, facts, "");
    output_printf(&report->out, ",\n\"intervals\": [");
    return status(report, err);
}

static enum err_code interval(void *state, const struct interval_row *row,
                              const struct error_kinds *error_kinds, struct err *err)
{
    struct json_report *report = state;
    if (row->header.flags & INTERVAL_WARMUP)
        return OK;
    output_printf(&report->out, "%s\n", report->intervals++ > 0 ? "," : "");
    put(report, json_run_interval(row, &report->run, error_kinds));
    return status(report, err);
}

static enum err_code run_end(void *state, const struct run_result *result, struct err *err)
{
    struct json_report *report = state;
    json_t *members = json_object();
    output_printf(&report->out, "]");
    json_run_members(members, result);
    put_members(report, members, ",");
    report->repeats = result->repeats != NULL ? result->repeats : report->repeats;
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
