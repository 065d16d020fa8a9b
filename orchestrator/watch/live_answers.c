/* What is answered at each path of live.h. */
#include <event2/buffer.h>
#include <event2/http.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/version.h"
#include "orchestrator/report/json_value.h"
#include "orchestrator/watch/http_answers.h"
#include "orchestrator/watch/live_state.h"
#include "orchestrator/watch/page_answers.h"

#define INTERVALS_MAX 1000u /* of one answer */

/* ---- the page ---- */

static void answer_page(void *state, struct evhttp_request *request)
{
    const struct live *live = state;
    page_answer_frame(request, "volley",
                      live->setup.control != NULL ? "data-control=\"1\"" : "data-control=\"0\"");
}

static json_t *lanes_of(const struct page_result *result)
{
    json_t *lanes = json_array();
    for (uint32_t i = 0; i < result->lane_count; i++) {
        const struct page_table *lane = &result->lanes[i];
        json_t *columns = json_array();
        for (uint32_t k = 0; k < lane->column_count; k++)
            json_array_append_new(columns, json_string(lane->columns[k].name));
        json_array_append_new(lanes, json_pack("{s:s, s:o, s:o}", "of", lane->of, "name",
                                               json_value_text(lane->name), "columns", columns));
    }
    return lanes;
}

static json_t *names_of_samples(const struct live *live)
{
    const struct page_table *samples = &page_result_newest(live->page)->samples;
    json_t *names = json_array();
    for (uint32_t i = 0; live->samples_open && i < samples->column_count; i++)
        json_array_append_new(names, json_string(samples->columns[i].name));
    return names;
}

/* Marks of the run under way are in the page at its end alone. */
static json_t *marks_of_run(const struct live *live)
{
    const struct run_notes *notes = &live->setup.timeline->notes;
    const double offset = live_offset(live);
    json_t *marks = json_array();
    for (uint32_t i = 0; live->totals.running && i < notes->count; i++)
        if (notes->items[i].source != NOTE_SAMPLE)
            json_array_append_new(marks, live_mark(&notes->items[i], offset));
    return marks;
}

static void answer_snapshot(void *state, struct evhttp_request *request)
{
    struct live *live = state;
    struct http_body body;
    struct output out;
    if (!http_body_begin(&body)) {
        http_body_answer(&body, request, NULL);
        return;
    }
    output_borrow(&out, body.file);
    const struct page_result *result = page_result_newest(live->page);
    json_t *extra = json_pack(
        "{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:f, s:b, s:b, s:s}", "session",
        event_streams_session(live->events), "next",
        json_value_count(event_streams_next(live->events)), "columns",
        page_live_columns(live->page), "lanes", lanes_of(result), "samples", names_of_samples(live),
        "state", live_state(live), "marks", marks_of_run(live), "region", live_run_region(live),
        "interval_seconds", clock_seconds(live->totals.run.interval_ns), "control",
        live->setup.control != NULL, "ended", live->ended, "version", volley_version);
    json_t *phase = live_region(live);
    if (phase != NULL)
        json_object_set_new(extra, "phase", phase);
    page_live_snapshot(live->page, live->setup.kind, result->name, extra, &out);
    json_decref(extra);
    http_body_answer(&body, request, HTTP_JSON);
}

static void answer_report(void *state, struct evhttp_request *request)
{
    struct live *live = state;
    struct http_body body;
    struct output out;
    struct err err = {.code = OK};
    if (!live->ended) {
        http_refuse(request, 409,
                    "the session is under way: its report is there when it has ended");
        return;
    }
    if (http_body_begin(&body)) {
        output_borrow(&out, body.file);
        if (page_write(live->page, live->setup.kind, NULL, &out, &err) != OK) {
            (void)fclose(body.file);
            body.file = NULL;
        }
    }
    evhttp_add_header(evhttp_request_get_output_headers(request), "Content-Disposition",
                      "attachment; filename=\"volley.html\"");
    http_body_answer(&body, request, HTTP_HTML);
}

static void answer_events(void *state, struct evhttp_request *request)
{
    struct live *live = state;
    event_streams_answer(live->events, live->http, request, NULL);
}

/* ---- numbers ---- */

static void answer_metrics(void *state, struct evhttp_request *request)
{
    struct live *live = state;
    struct http_body body;
    struct prometheus_view view = {.totals = &live->totals,
                                   .samples = live->setup.samples,
                                   .phase = live->scenario_phase[0] != '\0' ? live->scenario_phase
                                                                            : live->phase,
                                   .version = volley_version};
    if (live->setup.judges.alerts != NULL)
        view.alert_count = live->setup.judges.alerts(live->setup.judges.state, &view.alerts);
    if (http_body_begin(&body))
        prometheus_write(body.file, &view);
    http_body_answer(&body, request, PROMETHEUS_TYPE);
}

static void answer_run(void *state, struct evhttp_request *request)
{
    struct live *live = state;
    json_t *document =
        live->head != NULL ? json_copy(live->head) : json_pack("{s:s}", "schema", "volley.run/1");
    json_t *runs = json_copy(live->runs);
    json_t *run = live_run(live);
    if (run != NULL)
        json_array_append_new(runs, run);
    json_object_set_new(document, "state", live_state(live));
    json_object_set_new(document, "runs", runs);
    http_answer_json(request, 200, document);
}

static void answer_intervals(void *state, struct evhttp_request *request)
{
    struct live *live = state;
    const struct live_ring *ring = &live->intervals;
    const uint64_t from = http_query_number(request, "from", 0);
    struct http_body body;
    if (from == UINT64_MAX) {
        http_refuse(request, 400, "from has to be the number of an interval, from 0 on");
        return;
    }
    if (http_body_begin(&body)) {
        uint64_t at = from > ring->first ? from : ring->first;
        at = at < ring->next ? at : ring->next; /* who asks for what is to come goes on here */
        const uint64_t last = at + INTERVALS_MAX < ring->next ? at + INTERVALS_MAX : ring->next;
        const char *before = "";
        fprintf(body.file,
                "{\"session\":\"%s\",\"first\":%" PRIu64 ",\"next\":%" PRIu64 ",\"intervals\":[",
                event_streams_session(live->events), ring->first, last > at ? last : at);
        for (; at < last; at++) {
            const char *text = live_ring_at(ring, at);
            if (text == NULL)
                continue;
            fprintf(body.file, "%s%s", before, text);
            before = ",";
        }
        fputs("]}", body.file);
    }
    http_body_answer(&body, request, HTTP_JSON);
}

/* Numbers under the names of others: null is what only a buffer of the client could fill. Times in milliseconds. */
static json_t *stat_of(const struct live *live, const char *name)
{
    struct watch_figure figure;
    struct watch_reading reading;
    struct metric_slice slice;
    struct err err = {.code = OK};
    (void)watch_totals_reading(&reading, &slice, &live->totals, live->setup.samples);
    if (watch_figure_find(&figure, name, strlen(name), &err) != OK)
        return json_null();
    const struct watch_value value = watch_figure_read(&figure, &reading);
    return isfinite(value.number) && !value.at_least ? json_real(value.number) : json_null();
}

static void answer_stats(void *state, struct evhttp_request *request)
{
    const struct live *live = state;
    const bool reads = live->totals.run.reads, buffered = live->totals.run.buffer_text[0] != '\0';
    /* Without a buffer all is one or the other. */
    const char *writes = buffered ? "avg_write_latency" : !reads ? "avg_latency_ms" : NULL;
    const char *queries = buffered ? "avg_query_latency" : reads ? "avg_latency_ms" : NULL;
    json_t *performance =
        json_pack("{s:o, s:o, s:o}", "avg_write_latency",
                  writes != NULL ? stat_of(live, writes) : json_null(), "avg_query_latency",
                  queries != NULL ? stat_of(live, queries) : json_null(), "worker_utilization",
                  stat_of(live, "buffer_worker_utilization"));
    json_t *write_buffer = json_pack(
        "{s:o, s:o, s:o, s:o}", "transfer_rate", stat_of(live, "transfer_rate"), "avg_batch_size",
        stat_of(live, "avg_batch_size"), "buffer_utilization", stat_of(live, "buffer_utilization"),
        "flush_success_rate", stat_of(live, "flush_success_rate"));
    http_answer_json(
        request, 200,
        json_pack("{s:{s:o}, s:{s:o}, s:{s:o, s:o, s:o}, s:o, s:o, s:o, s:o}", "round_buffer",
                  "current_size", stat_of(live, "round_buffer.current_size"), "hybrid_buffer",
                  "current_size", stat_of(live, "hybrid_buffer.current_size"), "query_buffer",
                  "cache_size", stat_of(live, "query_buffer.cache_size"), "cache_memory",
                  stat_of(live, "cache_memory"), "hit_rate", stat_of(live, "buffer_cache_hit_rate"),
                  "performance", performance, "write_buffer", write_buffer, "throughput",
                  stat_of(live, "buffer_throughput"), "memory_usage_mb",
                  stat_of(live, "buffer_memory_usage_mb")));
}

/* ---- health ---- */

/* Without anybody who judges: whether the session goes on. */
static void answer_health_of(struct live *live, struct evhttp_request *request, const char *which)
{
    int status = 200;
    const struct live_judges *judges = &live->setup.judges;
    const struct watch_totals *totals = &live->totals;
    const uint64_t begun_ns = clock_now_ns();
    struct watch_reading reading;
    struct metric_slice slice;
    struct live_newest newest = {.ended = live->ended};
    if (watch_totals_reading(&reading, &slice, totals, live->setup.samples)) {
        newest.reading = &reading;
        newest.age_ms = (begun_ns - totals->newest_ns) / NS_PER_MS;
        newest.interval_ms = totals->run.interval_ns / NS_PER_MS;
    }
    newest.duration_ms = (double)(clock_now_ns() - begun_ns) / NS_PER_MS;
    json_t *body = judges->health != NULL ? judges->health(judges->state, which, &newest, &status)
                                          : json_pack("{s:s, s:[]}", "status", "ok", "checks");
    http_answer_json(request, status, body);
}

static void answer_health(void *state, struct evhttp_request *request)
{
    answer_health_of(state, request, "");
}

static void answer_health_buffer(void *state, struct evhttp_request *request)
{
    answer_health_of(state, request, "buffer");
}

static void answer_health_performance(void *state, struct evhttp_request *request)
{
    answer_health_of(state, request, "performance");
}

/* ---- control ---- */

static void answer_control(void *state, struct evhttp_request *request)
{
    struct live *live = state;
    struct evbuffer *input = evhttp_request_get_input_buffer(request);
    const size_t bytes = evbuffer_get_length(input);
    struct control_command command;
    struct err err = {.code = OK};
    json_t *members = NULL;
    if (live->setup.control == NULL) {
        http_refuse(request, 403,
                    "nobody may steer from here: the run was begun without --allow-control");
        return;
    }
    enum err_code code = control_line_parse(
        &command, bytes > 0 ? (const char *)evbuffer_pullup(input, -1) : "", bytes, &err);
    command.by = NOTE_BY_PAGE;
    const int refusal = code == OK ? 409 : 400;
    if (code == OK)
        code = run_control_command(live->setup.control, &members, &command, &err);
    if (code == OK) {
        json_t *answer = json_pack("{s:b}", "ok", 1);
        if (members != NULL)
            json_object_update(answer, members);
        http_answer_json(request, 200, answer);
    } else {
        http_answer_json(request, refusal,
                         json_pack("{s:b, s:o}", "ok", 0, "error", json_value_text(err.text)));
    }
    json_decref(members);
}

static void answer_login(void *state, struct evhttp_request *request)
{
    http_service_login(((struct live *)state)->http, request);
}

const struct http_route live_routes[] = {
    {"/", EVHTTP_REQ_GET, true, answer_page},
    {"/page.js", EVHTTP_REQ_GET, true, page_answer_script},
    {"/events", EVHTTP_REQ_GET, false, answer_events},
    {"/metrics", EVHTTP_REQ_GET, false, answer_metrics},
    {"/stats", EVHTTP_REQ_GET, false, answer_stats},
    {"/health", EVHTTP_REQ_GET, false, answer_health},
    {"/health/buffer", EVHTTP_REQ_GET, false, answer_health_buffer},
    {"/health/performance", EVHTTP_REQ_GET, false, answer_health_performance},
    {"/report.html", EVHTTP_REQ_GET, false, answer_report},
    {"/api/page.json", EVHTTP_REQ_GET, false, answer_snapshot},
    {"/api/run.json", EVHTTP_REQ_GET, false, answer_run},
    {"/api/intervals", EVHTTP_REQ_GET, false, answer_intervals},
    {"/api/control", EVHTTP_REQ_POST, false, answer_control},
    {"/api/login", EVHTTP_REQ_POST, true, answer_login},
};
const size_t live_route_count = sizeof live_routes / sizeof live_routes[0];
