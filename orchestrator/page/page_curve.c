#include "orchestrator/page/page_curve.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/schedule.h"
#include "orchestrator/options/rate_text.h"
#include "orchestrator/page/page_state.h"
#include "orchestrator/report/json_value.h"
#include "orchestrator/report/metric.h"

#define POINTS_MAX 2000u /* more than any search makes: a document comes from a file */
#define LOAD_MAX 1e12

/* ---- reading ---- */

const char *page_curve_text(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "";
}

double page_curve_real(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return json_is_number(value) ? json_number_value(value) : NAN;
}

const char *page_curve_figure(char name[PAGE_COLUMN_BYTES], const char *path, const char *statistic)
{
    snprintf(name, PAGE_COLUMN_BYTES, "%s%s%s", path, statistic != NULL ? "." : "",
             statistic != NULL ? statistic : "");
    return name;
}

double page_curve_number(const json_t *point, const char *figure)
{
    return page_curve_real(json_object_get(point, "figures"), figure);
}

/* What times of points are; those of both modes of a load test are of both kinds. */
static const enum metric_id time_metrics[] = {METRIC_RESPONSE_TIME, METRIC_SERVICE_TIME};
#define TIME_METRICS (sizeof time_metrics / sizeof time_metrics[0])

const char *page_curve_times(const json_t *curve)
{
    const char *loop = page_curve_text(curve, "loop");
    return strcmp(loop, "closed") == 0 ? "Service time"
           : strcmp(loop, "open") == 0 ? "Response time"
                                       : "Latency";
}

double page_curve_time(const json_t *point, const char *statistic)
{
    double value = NAN;
    for (size_t i = 0; i < TIME_METRICS && isnan(value); i++) {
        char name[PAGE_COLUMN_BYTES];
        value = page_curve_number(
            point, page_curve_figure(name, metric_table[time_metrics[i]].path, statistic));
    }
    return value;
}

const char *page_curve_statistic(const char *figure)
{
    for (size_t i = 0; i < TIME_METRICS; i++) {
        const char *path = metric_table[time_metrics[i]].path;
        const size_t bytes = strlen(path);
        if (strncmp(figure, path, bytes) == 0 && figure[bytes] == '.')
            return figure + bytes + 1;
    }
    return NULL;
}

/* ---- figures of a point ---- */

/* Where figures of a point are gathered: its own, and of all points what each is. */
struct figures {
    json_t *values, *described;
};

static void put(const struct figures *figures, enum metric_id metric, const char *statistic,
                double value)
{
    char name[PAGE_COLUMN_BYTES];
    if (!isfinite(value))
        return;
    page_curve_figure(name, metric_table[metric].path, statistic);
    json_object_set_new(figures->values, name, json_real(value));
    if (json_object_get(figures->described, name) == NULL)
        json_object_set_new(
            figures->described, name,
            json_pack("{s:s, s:s}", "unit", metric_table[metric].unit, "help",
                      metric_table[metric].help != NULL ? metric_table[metric].help : ""));
}

/* Percentiles, mean and maximum; bounds are below 0. Mean and maximum are of those answered, and a bound is of all: they are
 * bounds where requests failed, or had waited longer. lost: some failed. */
static void put_times(const struct figures *figures, enum metric_id metric, json_t *times,
                      const json_t *bounds, bool lost)
{
    const char *key;
    json_t *value;
    json_object_foreach(times, key, value)
    {
        const double bound = page_curve_real(bounds, key), known = json_number_value(value);
        if (bound > 0 && (!json_is_number(value) || lost || bound > known))
            put(figures, metric, key, -bound);
        else if (json_is_number(value))
            put(figures, metric, key, known);
    }
}

static void put_probe(const struct figures *figures, const json_t *probe)
{
    const json_t *rate = json_object_get(probe, "rate");
    put(figures, METRIC_TARGET_RATE, NULL, page_curve_real(rate, "asked"));
    put(figures, METRIC_ACHIEVED_RATE, NULL, page_curve_real(rate, "achieved"));
    put_times(figures, METRIC_RESPONSE_TIME, json_object_get(probe, "response_time_us"),
              json_object_get(probe, "at_least_us"), page_curve_real(probe, "error_share") > 0);
    put(figures, METRIC_FAILED_PERCENT, NULL, page_curve_real(probe, "error_share") * 100);
    put(figures, METRIC_BACKLOG, NULL, page_curve_real(probe, "backlog"));
    put(figures, METRIC_SLIP, "p99", page_curve_real(probe, "slip_p99_us"));
    put(figures, METRIC_LOOP_LAG, "p99", page_curve_real(probe, "loop_lag_p99_us"));
}

/* Of no row of the table of figures. */
static void put_megabytes(const struct figures *figures, const char *name, double value,
                          const char *help)
{
    if (!isfinite(value))
        return;
    json_object_set_new(figures->values, name, json_real(value));
    json_object_set_new(figures->described, name,
                        json_pack("{s:s, s:s}", "unit", "MB", "help", help));
}

static void put_step(const struct figures *figures, const json_t *step, bool open_loop)
{
    put(figures, METRIC_TARGET_RATE, NULL, page_curve_real(step, "target_per_second"));
    put(figures, METRIC_ACHIEVED_RATE, NULL, page_curve_real(step, "ops_per_second"));
    put_times(figures, open_loop ? METRIC_RESPONSE_TIME : METRIC_SERVICE_TIME,
              json_object_get(step, "latency_us"), json_object_get(step, "at_least_us"),
              page_curve_real(step, "error_share") > 0);
    put(figures, METRIC_FAILED_PERCENT, NULL, page_curve_real(step, "error_share") * 100);
    put(figures, METRIC_WORKER_CPU, NULL,
        page_curve_real(step, "client_cpu_share") * 100 /
            fmax(page_curve_real(step, "workers"), 1));
    put_megabytes(figures, "server_mb", page_curve_real(step, "server_mb"),
                  "INFO's used_memory after the step, in 2^20 bytes");
}

/* Users of a buffer have response times in a closed loop, too. */
static bool has_response_times(const json_t *run)
{
    return strcmp(page_curve_text(run, "loop"), "open") == 0 ||
           strcmp(page_curve_text(run, "mode"), "buffer") == 0;
}

static void put_run(const struct figures *figures, const json_t *run)
{
    const double offered = page_curve_real(run, "offered_per_minute");
    put(figures, METRIC_TARGET_RATE, NULL, offered / 60);
    put(figures, METRIC_ACHIEVED_RATE, NULL, page_curve_real(run, "requests_per_second"));
    put_times(figures, has_response_times(run) ? METRIC_RESPONSE_TIME : METRIC_SERVICE_TIME,
              json_object_get(run, "latency_us"), json_object_get(run, "at_least_us"),
              page_curve_real(run, "error_share") > 0);
    put(figures, METRIC_FAILED_PERCENT, NULL, page_curve_real(run, "error_share") * 100);
    put_megabytes(figures, "volley_mb", page_curve_real(run, "volley_mb"),
                  "memory of volley, of each process at its most, in 2^20 bytes");
    put_megabytes(figures, "server_mb", page_curve_real(run, "server_mb"),
                  "INFO's used_memory at its most, in 2^20 bytes");
}

/* ---- documents ---- */

/* What find-max, sweep and load-test write. */
static const struct source {
    const char *schema, *of, *points; /* points: the member that lists them */
    const char *load;                 /* of a point; NULL: the rate that it asked for */
} sources[] = {{"volley.find-max/1", "find-max", "probes", NULL},
               {"volley.sweep/1", "sweep", "steps", "value"},
               {"volley.load-test/1", "load-test", "runs", "users"}};
enum { SOURCE_FIND_MAX, SOURCE_SWEEP, SOURCE_LOAD_TEST, SOURCES };
static_assert(sizeof sources / sizeof sources[0] == SOURCES, "each has a row");

/* NULL: of none. */
static const struct source *source_of(const json_t *document)
{
    const char *schema = page_curve_text(document, "schema");
    for (size_t i = 0; i < SOURCES; i++)
        if (strcmp(schema, sources[i].schema) == 0)
            return &sources[i];
    return NULL;
}

static bool is_of(const struct source *source, int which)
{
    return source == &sources[which];
}

bool page_curve_has_points(const json_t *document)
{
    const struct source *source = source_of(document);
    return source != NULL && json_array_size(json_object_get(document, source->points)) > 0;
}

/* ---- points ---- */

/* Checks of a verdict that tell of volley and its machine, and not of the server. */
static bool is_of_client(const char *check)
{
    static const char *const names[] = {"worker_cpu", "run_delay",  "loop_lag",    "slip",
                                        "steal_time", "throttling", "stood_still", "lost_workers"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(check, names[i]) == 0)
            return true;
    return false;
}

/* {"verdict", "doubts": all checks that are not GREEN, "client": those of volley} into a point. */
static void put_verdict(json_t *point, const json_t *verdict)
{
    size_t i;
    const json_t *check;
    json_t *doubts = json_array(), *client = json_array();
    json_array_foreach(json_object_get(verdict, "checks"), i, check)
    {
        const char *name = page_curve_text(check, "name"), *level = page_curve_text(check, "level");
        if (strcmp(level, "GREEN") == 0)
            continue;
        json_array_append_new(doubts, json_pack("{s:s, s:s, s:s, s:s}", "name", name, "level",
                                                level, "text", page_curve_text(check, "text"),
                                                "advice", page_curve_text(check, "advice")));
        if (is_of_client(name))
            json_array_append_new(client, json_string(name));
    }
    json_object_set_new(point, "verdict", json_string(page_curve_text(verdict, "level")));
    json_object_set_new(point, "doubts", doubts);
    json_object_set_new(point, "client", client);
}

static const char *outcome_of_probe(const json_t *probe)
{
    const char *end = page_curve_text(probe, "end");
    if (strcmp(end, "cut") == 0 || strcmp(end, "error") == 0)
        return "not judged";
    return json_is_true(json_object_get(probe, "passed")) ? "held" : "not held";
}

static const char *outcome_of_step(const json_t *step)
{
    size_t i;
    const json_t *objective, *objectives = json_object_get(step, "objectives");
    const char *outcome = objectives != NULL ? "held" : "measured";
    if (json_is_string(json_object_get(step, "error")))
        return "not judged";
    json_array_foreach(objectives, i,
                       objective) if (!json_is_true(json_object_get(objective, "kept"))) outcome =
        "not held";
    return outcome;
}

static double load_of(const struct source *source, const json_t *from)
{
    const double load = source->load != NULL
                            ? page_curve_real(from, source->load)
                            : page_curve_real(json_object_get(from, "rate"), "asked");
    return load >= 0 && load <= LOAD_MAX ? load : 0;
}

static json_t *point_of(const json_t *from, size_t index, const struct source *source,
                        bool open_loop, json_t *described)
{
    const bool search = is_of(source, SOURCE_FIND_MAX);
    const struct figures figures = {json_object(), described};
    json_t *point = json_pack(
        "{s:i, s:f, s:s, s:s, s:b, s:s, s:f, s:O*}", "number", (int)index + 1, "load",
        load_of(source, from), "outcome", search ? outcome_of_probe(from) : outcome_of_step(from),
        "end", page_curve_text(from, "end"), "retest",
        json_is_true(json_object_get(from, "retest")), "reason",
        page_curve_text(from, search ? "reason" : "note"), "seconds",
        fmax(page_curve_real(from, "seconds"), 0), "mode", json_object_get(from, "mode"));
    if (search) {
        put_probe(&figures, from);
        json_object_set(point, "windows", json_object_get(from, "windows_judged"));
        json_object_set(point, "windows_passed", json_object_get(from, "windows_passed"));
    } else if (is_of(source, SOURCE_SWEEP)) {
        put_step(&figures, from, open_loop);
    } else {
        put_run(&figures, from);
    }
    put_verdict(point, json_object_get(from, "verdict"));
    json_object_set_new(point, "figures", figures.values);
    return point;
}

/* Of a load test in both modes, the one with the buffer first: which they are. NULL: it is of one. */
static json_t *modes_of(const json_t *points)
{
    static const char *const names[] = {"buffer", "bypass"};
    json_t *modes = json_array(), *point;
    for (size_t k = 0; k < sizeof names / sizeof names[0]; k++) {
        size_t i;
        bool any = false;
        json_array_foreach(points, i, point) any |=
            strcmp(page_curve_text(point, "mode"), names[k]) == 0;
        if (any)
            json_array_append_new(modes, json_string(names[k]));
    }
    if (json_array_size(modes) == 2)
        return modes;
    json_decref(modes);
    return NULL;
}

/* Of a load test what the buffer takes, on the points with it. Returns the rows of the table; NULL: there are none. */
static json_t *memory_of(const json_t *document, json_t *points, json_t *described)
{
    size_t i, k;
    const json_t *row;
    json_t *point, *rows = json_object_get(document, "memory_scaling");
    json_array_foreach(rows, i, row) json_array_foreach(points, k, point)
    {
        const struct figures figures = {json_object_get(point, "figures"), described};
        if (strcmp(page_curve_text(point, "mode"), "buffer") != 0 ||
            fabs(page_curve_real(point, "load") - page_curve_real(row, "users")) > 0.5)
            continue;
        put_megabytes(&figures, "difference_mb", page_curve_real(row, "difference_mb"),
                      "memory of volley with the buffer, less that without");
        put_megabytes(&figures, "expected_difference_mb",
                      page_curve_real(row, "expected_difference_mb"),
                      "requests that full buffers of all workers hold");
    }
    return json_array_size(rows) > 0 ? json_incref(rows) : NULL;
}

static json_t *found_of(const json_t *document)
{
    const json_t *result = json_object_get(document, "result");
    const json_t *interval = json_object_get(result, "interval");
    if (result == NULL)
        return NULL;
    return json_pack("{s:O?, s:O?, s:O?, s:O?, s:O?, s:O?, s:O?}", "rate",
                     json_object_get(result, "sustainable_per_second"), "windows",
                     json_object_get(result, "windows_judged"), "windows_passed",
                     json_object_get(result, "windows_passed"), "first_failing",
                     json_object_get(result, "first_failing_per_second"), "lower",
                     json_object_get(interval, "lower_per_second"), "upper",
                     json_object_get(interval, "upper_per_second"), "confidence",
                     json_object_get(interval, "confidence"));
}

/* "open", "closed": what times are; of a load test's runs of both kinds "". */
static const char *loop_of(const json_t *document, const struct source *source)
{
    size_t i;
    const json_t *from;
    const char *loop = is_of(source, SOURCE_FIND_MAX) ? "open" : page_curve_text(document, "loop");
    if (!is_of(source, SOURCE_LOAD_TEST))
        return strcmp(loop, "open") == 0 ? "open" : "closed";
    json_array_foreach(json_object_get(document, source->points), i, from)
    {
        const bool open = has_response_times(from);
        if (i > 0 && open != (strcmp(loop, "open") == 0))
            return "";
        loop = open ? "open" : "closed";
    }
    return loop;
}

static const char *swept_of(const json_t *document, const struct source *source)
{
    return is_of(source, SOURCE_FIND_MAX) ? "qps"
           : is_of(source, SOURCE_SWEEP)  ? page_curve_text(document, "swept")
                                          : "users";
}

static json_t *curve_of(const json_t *document, const struct source *source)
{
    static const char *const units[][2] = {{"qps", "requests/s"},
                                           {"clients", "connections"},
                                           {"users", "users"},
                                           {"pipeline", "requests in flight"}};
    size_t i, unit = 0;
    const json_t *from, *result = json_object_get(document, "result");
    const char *swept = swept_of(document, source), *loop = loop_of(document, source);
    json_t *points = json_array(), *described = json_object();
    while (unit + 1 < sizeof units / sizeof units[0] && strcmp(units[unit][0], swept) != 0)
        unit++;
    json_array_foreach(json_object_get(document, source->points), i, from)
    {
        if (i < POINTS_MAX)
            json_array_append_new(points,
                                  point_of(from, i, source, strcmp(loop, "open") == 0, described));
    }
    json_t *modes = modes_of(points), *marked = json_object_get(document, "points");
    if (is_of(source, SOURCE_LOAD_TEST) && modes == NULL)
        marked = json_object_get(
            marked, page_curve_text(json_array_get(points, 0), "mode")); /* of the one there is */
    return json_pack(
        "{s:s, s:s, s:s, s:s, s:s, s:s, s:o*, s:o*, s:o*, s:O*, s:O*, s:O*, s:O*, s:O*, s:o, s:o}",
        "of", source->of, "swept", swept, "unit", units[unit][1], "loop", loop, "test",
        page_curve_text(document, "name"), "status", page_curve_text(result, "status"), "found",
        found_of(document), "modes", modes, "memory", memory_of(document, points, described),
        "limit", json_object_get(result, "limit"), "marked", marked, "objectives",
        json_object_get(document, "objectives"), "error", json_object_get(document, "error"),
        "interrupted", json_object_get(document, "interrupted"), "figures", described, "points",
        points);
}

json_t *page_curve_mode(const json_t *curve, size_t index)
{
    size_t i;
    json_t *point, *points = json_array(), *mode = json_copy((json_t *)(uintptr_t)curve);
    const json_t *modes = json_object_get(curve, "modes");
    const char *name = json_string_value(json_array_get(modes, index));
    if (name == NULL) {
        json_decref(points);
        return mode;
    }
    json_array_foreach(json_object_get(curve, "points"), i, point)
    {
        if (strcmp(page_curve_text(point, "mode"), name) == 0)
            json_array_append(points, point);
    }
    json_object_set_new(mode, "points", points);
    json_object_set(mode, "marked", json_object_get(json_object_get(curve, "marked"), name));
    json_object_set_new(mode, "mode", json_string(name));
    return mode;
}

/* Runs of a session are called after the test, all alike: those of a search by what they differ in. */
static void name_regions(struct page_result *result, const json_t *curve)
{
    size_t i, runs = 0, at = 0;
    json_t *region, *points = json_object_get(curve, "points");
    char name[RATE_TEXT_BYTES];
    const bool rate = strcmp(page_curve_text(curve, "swept"), "qps") == 0;
    const size_t count = json_array_size(points);
    json_array_foreach(result->regions, i, region) runs +=
        strcmp(page_curve_text(region, "kind"), "run") == 0;
    if (runs < count)
        return;
    json_array_foreach(result->regions, i, region)
    {
        if (strcmp(page_curve_text(region, "kind"), "run") != 0 || at++ < runs - count)
            continue; /* the keys are filled before */
        const double load =
            page_curve_real(json_array_get(points, at - 1 - (runs - count)), "load");
        rate_format(name, sizeof name, (uint64_t)llround(load * (double)SCHEDULE_MICRO));
        const char *mode = page_curve_text(json_object_get(curve, "modes") != NULL
                                               ? json_array_get(points, at - 1 - (runs - count))
                                               : NULL,
                                           "mode");
        json_object_set_new(region, "name",
                            rate ? json_sprintf("%s/s", name)
                                 : json_sprintf("%s %s%s%s", page_curve_text(curve, "swept"), name,
                                                mode[0] != '\0' ? ", " : "", mode));
    }
}

/* What a sweep varies becomes part of sentences and axes. */
static bool is_swept(const char *option)
{
    return strcmp(option, "qps") == 0 || strcmp(option, "clients") == 0 ||
           strcmp(option, "pipeline") == 0;
}

enum err_code page_curve_set(struct page *page, const json_t *document, struct err *err)
{
    const struct source *source = source_of(document);
    struct page_result *result = page_result_newest(page);
    if (source == NULL)
        return err_set(err, E_DATA, "it is none of find-max, sweep or load-test");
    if (is_of(source, SOURCE_SWEEP) && !is_swept(page_curve_text(document, "swept")))
        return err_set(err, E_DATA,
                       "the sweep.json is damaged: it sweeps neither clients nor qps nor pipeline");
    json_t *curve = curve_of(document, source);
    if (curve == NULL)
        return err_set(err, E_SYSTEM, "no memory for a page");
    if (json_array_size(json_object_get(curve, "points")) == 0) {
        json_decref(curve);
        return err_set(err, E_DATA, "nothing was measured: there is nothing to show");
    }
    json_decref(result->curve);
    result->curve = curve;
    /* One for each run: too many to be told apart. */
    json_array_clear(result->spectra);
    name_regions(result, curve);
    return OK;
}

/* ---- for those who show it ---- */

const char *page_curve_name(char text[PAGE_CURVE_TITLE_BYTES], const json_t *curve)
{
    const char *test = page_curve_text(curve, "test");
    if (strcmp(page_curve_text(curve, "of"), "sweep") == 0)
        snprintf(text, PAGE_CURVE_TITLE_BYTES, "%.160s, sweep of %.20s", test,
                 page_curve_text(curve, "swept"));
    else
        snprintf(text, PAGE_CURVE_TITLE_BYTES, "%.160s, %.20s", test, page_curve_text(curve, "of"));
    return text;
}

const char *page_curve_title(char text[PAGE_CURVE_TITLE_BYTES], const struct page_result *result)
{
    if (result->named || result->labelled)
        snprintf(text, PAGE_CURVE_TITLE_BYTES, "%s", result->name);
    else
        page_curve_name(text, result->curve);
    return text;
}

const json_t *page_curve_best(const json_t *curve)
{
    size_t i;
    const json_t *point, *best = NULL, *found = json_object_get(curve, "found");
    const double rate = page_curve_real(found, "rate");
    json_array_foreach(json_object_get(curve, "points"), i, point)
    {
        const char *outcome = page_curve_text(point, "outcome");
        const double achieved = page_curve_number(point, "rate.achieved");
        if (strcmp(outcome, "not judged") == 0 || !isfinite(achieved))
            continue;
        if (found != NULL && (strcmp(outcome, "held") != 0 || !isfinite(rate) ||
                              fabs(page_curve_real(point, "load") - rate) > rate * 1e-9))
            continue; /* the newest that held at the rate that was found */
        if (found != NULL || best == NULL || achieved > page_curve_number(best, "rate.achieved"))
            best = point;
    }
    return best;
}
