#include "orchestrator/watch/live.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "orchestrator/report/figures.h"
#include "orchestrator/report/json_run.h"
#include "orchestrator/report/json_sections.h"
#include "orchestrator/report/json_value.h"
#include "orchestrator/watch/http_answers.h"
#include "orchestrator/watch/live_state.h"

#define END_WAIT_MS 500 /* for viewers to have read the end */
/* Of memory that is taken at the beginning: what /api/intervals tells. */
#define INTERVALS_MAX_BYTES (8u << 20)

void live_tell_alert(struct live *live, json_t *object)
{
    event_streams_tell(live->events, "alert", object);
}

/* The newest state; who has not read the one before does not need it. */
static void tell_state(struct live *live)
{
    if (event_streams_watched(live->events)) /* else it is made for each who asks */
        event_streams_tell_now(live->events, "state", live_state(live));
}

/* ---- what is known now ---- */

static bool look(struct live *live)
{
    if (!live->totals.running || live->setup.timeline->session == NULL)
        return false;
    memset(live->look, 0, sizeof *live->look);
    timeline_look(live->setup.timeline, live->look);
    return true;
}

json_t *live_run(struct live *live)
{
    if (!look(live))
        return NULL;
    json_t *run = json_object();
    json_run_facts(run, live->look->facts);
    json_object_set_new(run, "under_way", json_true());
    json_run_members(run, live->look);
    return run;
}

static void put_plan(const struct live *live, json_t *state)
{
    const struct run_facts *run = &live->totals.run;
    const uint64_t planned_ns = run->duration_ns > 0 ? run->warmup_ns + run->duration_ns : 0;
    json_object_set_new(state, "planned_seconds",
                        planned_ns > 0 && run->warmup_ns != IPC_NEVER
                            ? json_real(clock_seconds(planned_ns))
                            : json_null());
    json_object_set_new(state, "planned_requests",
                        run->requests > 0 ? json_value_count(run->requests) : json_null());
    json_object_set_new(state, "rate_asked",
                        json_value_text(run_facts_have_rate(run) ? run->rate_text : NULL));
    json_object_set_new(state, "rate_changes",
                        json_value_count(live->setup.timeline->notes.all[NOTE_CTL]));
}

/* Of the newest interval, as a page shows them beside those of the run. */
static void put_newest(const struct watch_totals *totals, json_t *state)
{
    json_t *newest = json_object();
    struct watch_reading reading;
    struct metric_slice slice;
    (void)watch_totals_reading(&reading, &slice, totals, NULL);
    json_section_metrics(newest, &slice, METRIC_TARGET_RATE, METRIC_IN_FLIGHT_BEFORE);
    json_section_metrics(newest, &slice, METRIC_RESPONSE_TIME, METRIC_RESPONSE_TIME);
    json_section_metrics(newest, &slice, METRIC_CONNECTIONS_OPEN, METRIC_CONNECTIONS_OPEN);
    json_object_set_new(state, "interval", newest);
}

/* The level, and the checks that are not GREEN. */
static json_t *verdict_so_far(const struct verdict *verdict)
{
    json_t *whole = json_value_verdict(verdict), *reasons = json_array(), *check;
    size_t i;
    json_array_foreach(json_object_get(whole, "checks"), i, check)
    {
        const char *level = json_string_value(json_object_get(check, "level"));
        if (level != NULL && strcmp(level, verdict_level_name(VERDICT_GREEN)) != 0)
            json_array_append(reasons, check);
    }
    json_object_set_new(whole, "checks", reasons);
    return whole;
}

static void put_run_so_far(const struct run_result *now, json_t *state)
{
    struct metric_slice slice = metric_slice_of_run(now);
    json_t *members = json_object();
    json_section_metrics(members, &slice, METRIC_TARGET_RATE, METRIC_RESPONSE_TIME);
    json_section_metrics(members, &slice, METRIC_ERRORS_BY_KIND, METRIC_CONNECTIONS_OPEN);
    json_object_set_new(members, "failed", json_value_count(figure_failed(now->total->counters)));
    json_object_set_new(members, "seconds", json_real(now->seconds));
    json_object_set_new(state, "so_far", members);
    json_object_set_new(state, "verdict", verdict_so_far(&now->verdict));
}

/* What a run came to stays to be read, until the next one. */
static void keep_end(struct live *live, const struct run_result *result)
{
    json_decref(live->newest_end);
    live->newest_end = json_pack(
        "{s:o, s:f, s:b, s:o}", "op", json_value_text(result->facts->name), "elapsed_seconds",
        clock_seconds(result->total->header.end_ns), "interrupted", result->interrupted, "error",
        json_value_text(result->status != OK ? result->status_text : NULL));
    put_run_so_far(result, live->newest_end);
}

/* "running", "paused" and so on, where the page may steer. */
static void put_steering(struct live *live, json_t *state)
{
    const struct control_command command = {.action = CONTROL_STATUS};
    struct err err = {.code = OK};
    json_t *members = NULL;
    if (live->setup.control == NULL)
        return;
    if (run_control_command(live->setup.control, &members, &command, &err) == OK)
        json_object_set(state, "steering",
                        json_object_get(json_object_get(members, "status"), "state"));
    json_decref(members);
}

json_t *live_state(struct live *live)
{
    const struct watch_totals *totals = &live->totals;
    json_t *state = json_pack("{s:s, s:s}", "phase", live->phase, "session",
                              event_streams_session(live->events));
    json_object_set_new(
        state, "scenario_phase",
        json_value_text(live->scenario_phase[0] != '\0' ? live->scenario_phase : NULL));
    json_object_set_new(state, "op",
                        json_value_text(totals->current != NULL ? totals->current->name : NULL));
    json_object_set_new(state, "target",
                        json_value_text(totals->current != NULL ? totals->run.target : NULL));
    if (totals->current != NULL)
        put_plan(live, state);
    if (totals->newest_known) {
        json_object_set_new(state, "elapsed_seconds",
                            json_real(clock_seconds(totals->newest->header.end_ns)));
        put_newest(totals, state);
    }
    if (look(live))
        put_run_so_far(live->look, state);
    else if (!totals->running)
        json_object_update(state, live->newest_end);
    put_steering(live, state);
    if (live->setup.judges.told != NULL)
        json_object_set_new(state, "alerts", live->setup.judges.told(live->setup.judges.state));
    return state;
}

/* ---- samples of servers ---- */

static bool begin_samples(struct live *live)
{
    struct page_result *result = page_result_newest(live->page);
    struct err err = {.code = OK};
    if (page_table_init(&result->samples, "server", "", SERIES_OPS, PAGE_LIVE_ROWS_MAX, &err) != OK)
        return false;
    page_table_touch(&result->samples);
    for (unsigned i = 0; i < SERIES_OPS; i++)
        page_table_column(&result->samples, series_metric_name(i), series_metric_unit(i), NULL);
    return true;
}

/* Ratios of little memory are those of the process, and say nothing of the data. */
static void on_sample(void *state)
{
    struct live *live = state;
    const struct watch_samples *samples = live->setup.samples;
    struct page_result *result = page_result_newest(live->page);
    double values[SERIES_OPS];
    if (!samples->known || result->started_wall_ns == 0)
        return;
    if (!live->samples_open && !(live->samples_open = begin_samples(live)))
        return;
    for (unsigned i = 0; i < SERIES_OPS; i++)
        values[i] = series_ratio_is_of_process(i, samples->newest[SERIES_USED_MEMORY])
                        ? (double)NAN
                        : samples->newest[i];
    const uint64_t wall_ns = clock_wall_ns() - (clock_now_ns() - samples->at_ns);
    if (wall_ns < result->started_wall_ns)
        return;
    const double at = clock_seconds(wall_ns - result->started_wall_ns);
    const bool first = result->samples.rows == 0;
    page_table_add(&result->samples, at, at, values);
    json_t *list = json_array();
    for (unsigned i = 0; i < SERIES_OPS; i++)
        json_array_append_new(list, isnan(values[i]) ? json_null() : json_real(values[i]));
    event_streams_tell(live->events, "sample", json_pack("{s:f, s:o}", "at", at, "server", list));
    if (first)
        event_streams_tell(live->events, "structure", NULL);
}

/* ---- phases ---- */

double live_now(const struct live *live)
{
    const uint64_t first_ns = page_result_newest(live->page)->started_wall_ns,
                   now_ns = clock_wall_ns();
    return first_ns > 0 && now_ns > first_ns ? clock_seconds(now_ns - first_ns) : 0;
}

json_t *live_region(const struct live *live)
{
    if (live->scenario_phase[0] == '\0')
        return NULL;
    return json_pack("{s:s, s:o, s:o, s:f, s:f}", "kind", "phase", "name",
                     json_value_text(live->scenario_phase), "type",
                     json_value_text(live->scenario_phase_type), "start",
                     live->scenario_phase_start, "end", live_now(live));
}

void live_phase(struct live *live, const char *name, const char *type)
{
    json_t *regions = page_result_newest(live->page)->regions;
    json_t *over = live_region(live);
    if (over != NULL && json_array_size(regions) < PAGE_REGIONS_MAX)
        json_array_append(regions, over);
    json_decref(over);
    snprintf(live->scenario_phase, sizeof live->scenario_phase, "%s", name != NULL ? name : "");
    snprintf(live->scenario_phase_type, sizeof live->scenario_phase_type, "%s",
             type != NULL ? type : "");
    live->scenario_phase_start = live_now(live);
    event_streams_tell(live->events, "structure", NULL);
}

/* ---- the timeline ---- */

static enum err_code session_begin(void *state, const struct session_facts *session,
                                   struct err *err)
{
    struct live *live = state;
    live->facts = session;
    json_t *volley = json_object_get(session->environment, "volley");
    live->head =
        json_pack("{s:s, s:O?, s:o, s:o}", "schema", "volley.run/1", "volley", volley, "command",
                  json_value_text(session->command), "label", json_value_text(session->label));
    json_object_set(live->head, "spec", session->spec);
    json_object_set(live->head, "environment", session->environment);
    return live->listener.session_begin(live->page, session, err);
}

static enum err_code run_begin(void *state, const struct run_facts *run, struct err *err)
{
    struct live *live = state;
    watch_totals_run_begin(&live->totals, run);
    snprintf(live->phase, sizeof live->phase, "%s",
             run->prefill         ? "filling"
             : run->warmup_ns > 0 ? "warming up"
                                  : "running");
    enum err_code code = live->listener.run_begin(live->page, run, err);
    event_streams_tell(live->events, "structure", NULL);
    tell_state(live);
    return code;
}

static void tell_interval(struct live *live, const struct interval_row *row)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *file = open_memstream(&text, &bytes);
    struct output out;
    if (file == NULL)
        return;
    output_borrow(&out, file);
    page_live_row(live->page, row, &out);
    if (fclose(file) == 0)
        event_streams_tell_text(live->events, "interval", text);
    free(text);
}

/* As in run.json: warm-ups are not there. */
static void keep_interval(struct live *live, const struct interval_row *row,
                          const struct error_kinds *kinds)
{
    json_t *object = json_run_interval(row, &live->totals.run, kinds);
    json_object_set_new(object, "number", json_value_count(live->intervals.next));
    json_object_set_new(object, "run", json_value_text(live->totals.run.name));
    json_object_set_new(object, "run_index", json_value_count(live->totals.run.index));
    char *text = json_dumps(object, HTTP_JSON_FLAGS);
    live_ring_add(&live->intervals, text);
    free(text);
    json_decref(object);
}

static enum err_code interval(void *state, const struct interval_row *row,
                              const struct error_kinds *kinds, struct err *err)
{
    struct live *live = state;
    const struct page_result *result = page_result_newest(live->page);
    const bool warmup = (row->header.flags & INTERVAL_WARMUP) != 0;
    watch_totals_add(&live->totals, row, kinds);
    if (!live->totals.run.prefill)
        snprintf(live->phase, sizeof live->phase, "%s", warmup ? "warming up" : "running");
    enum err_code code = live->listener.interval(live->page, row, kinds, err);
    if (!warmup)
        keep_interval(live, row, kinds);
    if (page_live_drawn(live->page) && row->header.end_ns > row->header.start_ns) {
        tell_interval(live, row);
        if (result->lane_count != live->lanes)
            event_streams_tell(live->events, "structure", NULL);
        live->lanes = result->lane_count;
    }
    tell_state(live);
    return code;
}

double live_offset(const struct live *live)
{
    const uint64_t first_ns = page_result_newest(live->page)->started_wall_ns;
    const uint64_t started_ns = live->totals.run.started_wall_ns;
    return started_ns >= first_ns ? clock_seconds(started_ns - first_ns) : 0;
}

json_t *live_mark(const struct note *note, double offset)
{
    char told[NOTE_TOLD_BYTES];
    return json_pack("{s:s, s:o, s:f, s:f, s:b, s:o}", "source", note_source_name(note->source),
                     "text", json_value_text(note_told(told, note)), "start",
                     offset + clock_seconds(note->at_ns), "end",
                     offset + clock_seconds(note->end_ns), "ok", note->ok, "cause",
                     json_value_text(note->ok ? NULL : note->cause));
}

static enum err_code note(void *state, const struct note *note, struct err *err)
{
    struct live *live = state;
    if (note->source == NOTE_SCRAPE)
        event_streams_tell(live->events, "scraped",
                           json_pack("{s:f, s:o, s:f}", "at",
                                     live_offset(live) + clock_seconds(note->at_ns), "name",
                                     json_value_text(note->text), "value", note_get_number(note)));
    else if (note->source != NOTE_SAMPLE)
        event_streams_tell(live->events, "mark", live_mark(note, live_offset(live)));
    return live->listener.note(live->page, note, err);
}

json_t *live_run_region(const struct live *live)
{
    const struct run_facts *run = &live->totals.run;
    if (!live->totals.running || !page_live_drawn(live->page))
        return json_null();
    const double start = live_offset(live);
    return json_pack("{s:s, s:o, s:f, s:f}", "kind", "run", "name", json_value_text(run->name),
                     "start", start, "warmup_end",
                     start + (run->warmup_ns != IPC_NEVER ? clock_seconds(run->warmup_ns) : 0));
}

/* Of a list, what is behind the first so many. */
static json_t *behind(const json_t *list, size_t count)
{
    json_t *rest = json_array();
    for (; count < json_array_size(list); count++)
        json_array_append(rest, json_array_get(list, count));
    return rest;
}

/* What the page has of a run at its end alone, for viewers. */
static enum err_code end_run_of_page(struct live *live, const struct run_result *result,
                                     struct err *err)
{
    const struct page_result *page = page_result_newest(live->page);
    const size_t regions = json_array_size(page->regions), marks = json_array_size(page->marks);
    const size_t spectra = json_array_size(page->spectra);
    const enum err_code code = live->listener.run_end(live->page, result, err);
    event_streams_tell(live->events, "run",
                       json_pack("{s:o, s:o, s:o}", "regions", behind(page->regions, regions),
                                 "marks", behind(page->marks, marks), "spectra",
                                 behind(page->spectra, spectra)));
    return code;
}

static enum err_code run_end(void *state, const struct run_result *result, struct err *err)
{
    struct live *live = state;
    json_t *run = json_object();
    json_run_facts(run, result->facts);
    json_run_members(run, result);
    json_array_append_new(live->runs, run);
    while (json_array_size(live->runs) > WATCH_TESTS_MAX * 4)
        json_array_remove(live->runs, 0);
    watch_totals_run_end(&live->totals);
    snprintf(live->phase, sizeof live->phase, "between runs");
    keep_end(live, result);
    enum err_code code = end_run_of_page(live, result, err);
    tell_state(live);
    return code;
}

static enum err_code session_end(void *state, struct err *err)
{
    struct live *live = state;
    enum err_code code = live->listener.session_end(live->page, err);
    live->facts = NULL;
    live->ended = true;
    snprintf(live->phase, sizeof live->phase, "ended");
    tell_state(live);
    event_streams_tell(live->events, "end",
                       json_pack("{s:f, s:O?, s:O?}", "linger_seconds",
                                 clock_seconds(live->setup.options->listen_linger_ns),
                                 "interrupted", json_object_get(live->newest_end, "interrupted"),
                                 "error", json_object_get(live->newest_end, "error")));
    return code;
}

struct sink live_sink(struct live *live)
{
    return (struct sink){.name = "live page",
                         .state = live,
                         .session_begin = session_begin,
                         .run_begin = run_begin,
                         .interval = interval,
                         .note = note,
                         .run_end = run_end,
                         .session_end = session_end};
}

/* ---- life ---- */

enum err_code live_open(struct live **opened, struct event_base *base,
                        const struct live_setup *setup, struct err *err)
{
    struct live *live = calloc(1, sizeof *live);
    *opened = live;
    if (live == NULL)
        return err_set(err, E_SYSTEM, "no memory for the live page");
    live->base = base;
    live->setup = *setup;
    live->page = page_create_live();
    live->events = event_streams_create();
    live->look = calloc(1, sizeof *live->look);
    live->runs = json_array();
    snprintf(live->phase, sizeof live->phase, "connecting");
    const struct http_setup http = {.listen = setup->options->listen,
                                    .token_path = setup->options->listen_token,
                                    .routes = live_routes,
                                    .route_count = live_route_count,
                                    .state = live};
    enum err_code code = live->page != NULL && live->look != NULL && live->events != NULL
                             ? page_result_add(live->page, NULL, err)
                             : err_set(err, E_SYSTEM, "no memory for the live page");
    if (code == OK)
        code = live_ring_init(&live->intervals, INTERVALS_MAX_BYTES, err);
    if (code == OK)
        code = watch_totals_init(&live->totals, err);
    if (code == OK)
        code = http_service_open(&live->http, base, &http, err);
    if (code != OK) {
        live_close(live);
        *opened = NULL;
        return code;
    }
    live->listener = page_listen(live->page);
    if (setup->samples != NULL) {
        setup->samples->hear = on_sample;
        setup->samples->state = live;
    }
    return OK;
}

const char *live_url(const struct live *live)
{
    return http_service_url(live->http);
}

static void on_step(evutil_socket_t fd, short what, void *base)
{
    (void)fd;
    (void)what;
    event_base_loopbreak(base);
}

void live_linger(struct live *live, uint64_t linger_ns, const volatile int *interrupted,
                 int interrupts)
{
    const struct timeval step = {.tv_usec = 20000};
    const uint64_t from_ns = clock_now_ns();
    struct event *timer = event_new(live->base, -1, EV_PERSIST, on_step, live->base);
    if (timer != NULL && event_add(timer, &step) == 0)
        for (uint64_t waited_ns = 0;
             *interrupted <= interrupts &&
             (waited_ns < linger_ns ||
              (waited_ns < END_WAIT_MS * NS_PER_MS && event_streams_unread(live->events)));
             waited_ns = clock_now_ns() - from_ns)
            event_base_dispatch(live->base);
    if (timer != NULL)
        event_free(timer);
}

void live_close(struct live *live)
{
    if (live == NULL)
        return;
    event_streams_close(live->events);
    http_service_close(live->http);
    if (live->setup.samples != NULL)
        live->setup.samples->hear = NULL;
    live_ring_free(&live->intervals);
    watch_totals_free(&live->totals);
    page_destroy(live->page);
    json_decref(live->runs);
    json_decref(live->head);
    json_decref(live->newest_end);
    free(live->look);
    free(live);
}
