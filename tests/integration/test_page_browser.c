/* Pages of real runs in a real browser: headless Chromium, by tests/support/page/check_page.js. */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "orchestrator/watch/monitor_store.h"
#include "tests/support/check/at_server.h"
#include "tests/support/check/page_look.h"
#include "tests/support/check/run_json.h"
#include "tests/support/check/suite.h"
#include "tests/support/check/temp_tree.h"

static struct temp_tree tree;
static struct program program;
static char page[200];
static json_t *seen; /* what check_page.js tells */

static void set_up(void)
{
    at_server_set_up();
    temp_tree_make(&tree);
    snprintf(page, sizeof page, "%s/page.html", tree.path);
}

static void tear_down(void)
{
    json_decref(seen);
    seen = NULL;
    program_free(&program);
    temp_tree_remove(&tree);
    at_server_tear_down();
}

#define VOLLEY(...)                                                                                \
    do {                                                                                           \
        program_free(&program);                                                                    \
        program_run_volley(&program, __VA_ARGS__, NULL);                                           \
        ck_assert_msg(program.exit_status <= 1, "%s", program.err);                                \
    } while (0)

static void look(const char *const *words)
{
    json_decref(seen);
    seen = page_look(page, words);
}
#define LOOK(...) look((const char *const[]){__VA_ARGS__, NULL})

static const json_t *panel_of(const char *title)
{
    size_t i;
    const json_t *panel;
    json_array_foreach(json_object_get(seen, "panels"), i,
                       panel) if (strcmp(json_string_value(json_object_get(panel, "title")),
                                         title) == 0) return panel;
    return NULL;
}

static const json_t *series_of(const char *title, const char *label)
{
    size_t i;
    const json_t *series;
    json_array_foreach(json_object_get(panel_of(title), "series"), i,
                       series) if (strcmp(json_string_value(json_object_get(series, "label")),
                                          label) == 0) return series;
    ck_abort_msg("no %s in %s: %.3000s", label, title, program.out);
}

static double number(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    ck_assert_msg(json_is_number(value), "%s is no number in %.2000s", key, program.out);
    return json_number_value(value);
}

/* To the six digits that a page has. */
static void ck_same(double shown, double told)
{
    ck_assert_msg(fabs(shown - told) <= 1e-5 * fabs(told) + 1e-9, "%.9g and %.9g", shown, told);
}

TEST(values_are_those_of_json)
{
    /* breaks when a page draws other numbers than run.json has, is not drawn at all, or asks for anything of a network */
    char json_path[200];
    snprintf(json_path, sizeof json_path, "%s/run.json", tree.path);
    VOLLEY("-p", server.port_text, "--cpus", "none", "--processes", "1", "-t", "set", "--qps",
           "500", "--test-duration", "3", "--interval", "500ms", "--json", json_path, "--html",
           page, "--label", "</script><b id=hurt>");
    json_t *root = json_load_file(json_path, 0, NULL);
    const json_t *intervals = json_object_get(run_json_at(root, 0), "intervals");
    const size_t count = json_array_size(intervals);
    const json_t *first = json_array_get(intervals, 0),
                 *last = json_array_get(intervals, count - 1);
    ck_assert_uint_ge(count, 6);
    LOOK("--width", "1280");
    ck_same(number(series_of("Rate", "achieved"), "first"),
            run_json_number(first, "rate.achieved"));
    ck_same(number(series_of("Rate", "achieved"), "last"), run_json_number(last, "rate.achieved"));
    ck_same(number(series_of("Rate", "target"), "first"), run_json_number(first, "rate.target"));
    ck_same(number(series_of("Response time", "p99"), "first"),
            run_json_number(first, "response_time_us.p99"));
    ck_same(number(series_of("Service time", "p50"), "last"),
            run_json_number(last, "service_time_us.p50"));
    ck_assert_uint_eq((size_t)number(series_of("Rate", "achieved"), "rows"), count);
    ck_assert_ptr_null(panel_of("Fragmentation")); /* nothing was sampled: no empty panels */
    ck_assert_str_eq(json_string_value(json_object_get(seen, "title")), "</script><b id=hurt>");
    json_decref(root);
}

TEST(filter_zoom_and_widths)
{
    /* breaks when a phase cannot be chosen, the time not be zoomed, or something stands out at the width of a phone */
    VOLLEY("-p", server.port_text, "--cpus", "none", "-t", "set,get", "--test-duration", "2",
           "--interval", "100ms", "--html", page);
    LOOK("--filter", "GET");
    const json_t *window = json_object_get(seen, "window");
    ck_assert_double_gt(json_number_value(json_array_get(window, 0)), 0);
    LOOK("--zoom", "1", "1.5", "--dark");
    window = json_object_get(seen, "window");
    ck_assert_double_le(json_number_value(json_array_get(window, 1)), 1.6);
    LOOK("--width", "375");
    ck_assert_double_eq(number(seen, "wide"), 0);
}

/* The first, or the last, of the probes at the lowest, or the highest, rate; in the order of a page. */
static const json_t *probe_at_end(const json_t *root, bool last)
{
    size_t i;
    const json_t *probe, *found = NULL;
    json_array_foreach(json_object_get(root, "probes"), i, probe)
    {
        const double more = found == NULL ? 0
                                          : run_json_number(probe, "rate.asked") -
                                                run_json_number(found, "rate.asked");
        if (found == NULL || (last ? more >= 0 : more < 0))
            found = probe;
    }
    return found;
}

TEST(of_a_search)
{
    /* breaks when the page of find-max shows other figures than its document, misses probes, or what was found is not told
     * without a script; the page of its directory is another one; or its table is wider than a phone, and does not look so */
    char json_path[200], directory[200];
    snprintf(json_path, sizeof json_path, "%s/found.json", tree.path);
    snprintf(directory, sizeof directory, "%s/out", tree.path);
    VOLLEY("find-max", "-p", server.port_text, "--cpus", "none", "--slo", "p99<10s,errors<50%",
           "--start-rate", "50", "--max-rate", "200", "--window", "100ms", "--windows", "2",
           "--warmup", "0", "-r", "10", "-t", "set", "-q", "--label", "</script><b id=hurt>",
           "--json", json_path, "--out", directory, "--html", page);
    json_t *root = json_load_file(json_path, 0, NULL);
    const json_t *first = probe_at_end(root, false), *last = probe_at_end(root, true);
    static const char *const widths[] = {"1280", "375"};
    for (size_t i = 0; i < 2; i++) {
        LOOK("--width", widths[i]);
        ck_assert_double_eq(number(seen, "wide"), 0);
        ck_assert_double_eq(number(seen, "unmarked"), 0);
        ck_assert_uint_eq((size_t)number(series_of("Latency against load", "p99"), "points"),
                          json_array_size(json_object_get(root, "probes")));
        ck_same(number(series_of("Latency against load", "p99"), "first"),
                run_json_number(first, "response_time_us.p99"));
        ck_same(number(series_of("Latency against load", "max"), "last"),
                run_json_number(last, "response_time_us.max"));
        ck_same(number(series_of("Answered against load", "answered"), "last"),
                run_json_number(last, "rate.achieved"));
        ck_assert_double_eq(number(series_of("How the search went", "rate of the probe"), "first"),
                            50);
        ck_assert_ptr_null(panel_of("Errors"));  /* there were none: no empty panels */
        ck_assert_ptr_nonnull(panel_of("Rate")); /* over time */
        program_free(&program);
        program_run_volley(&program, "report", directory, "--html", page, NULL);
        ck_assert_int_eq(program.exit_status, 0);
    }
    LOOK("--plain");
    const char *text = json_string_value(json_object_get(seen, "text"));
    ck_assert_msg(strstr(text, "NO LIMIT") != NULL && strstr(text, "p99<10s, errors<50%") != NULL &&
                      strstr(text, "200\nrequests/s sustained") != NULL &&
                      strstr(text, "</script><b id=hurt>") != NULL,
                  "%s", text);
    json_decref(root);
}

TEST(of_a_sweep)
{
    /* breaks when a sweep has no page, or its steps are not those of its document */
    char directory[200], json_path[300];
    snprintf(directory, sizeof directory, "%s/out", tree.path);
    snprintf(json_path, sizeof json_path, "%s/sweep.json", directory);
    VOLLEY("sweep", "-p", server.port_text, "--cpus", "none", "-t", "set", "--clients", "1,2,4",
           "--step-duration", "500ms", "--interval", "100ms", "--warmup", "0", "--out", directory,
           "--html", page);
    json_t *root = json_load_file(json_path, 0, NULL);
    const json_t *step = json_array_get(json_object_get(root, "steps"), 2);
    LOOK("--width", "800", "--dark");
    ck_assert_double_eq(number(seen, "wide"), 0);
    ck_assert_double_eq(number(series_of("Answered against load", "answered"), "points"), 3);
    ck_same(number(series_of("Answered against load", "answered"), "last"),
            run_json_number(step, "ops_per_second"));
    ck_same(number(series_of("Latency against load", "p99"), "last"),
            run_json_number(step, "latency_us.p99"));
    ck_assert_ptr_null(panel_of("How the search went"));
    LOOK("--keys", "curve_rate", "ArrowRight,ArrowRight");
    const char *told = json_string_value(json_object_get(seen, "tooltip"));
    ck_assert_msg(told != NULL && strstr(told, "step 2: measured") != NULL, "%s", told);
    json_decref(root);
}

TEST(scripts_blocked)
{
    /* breaks when somebody whose browser runs no scripts sees neither verdict nor figures */
    VOLLEY("-p", server.port_text, "--cpus", "none", "-t", "set", "-n", "2000", "--html", page);
    LOOK("--plain");
    const char *text = json_string_value(json_object_get(seen, "text"));
    ck_assert_msg(strstr(text, "requests/s") != NULL && strstr(text, "p99") != NULL &&
                      strstr(text, "errors") != NULL,
                  "%s", text);
}

TEST(of_a_journal)
{
    /* breaks when the page of a run that is over, or was killed, cannot be had from its directory */
    char directory[200];
    snprintf(directory, sizeof directory, "%s/out", tree.path);
    VOLLEY("-p", server.port_text, "--cpus", "none", "-t", "set", "-n", "2000", "--out", directory,
           "-q");
    VOLLEY("report", directory, "--html", page);
    LOOK("--width", "800");
    ck_assert_ptr_nonnull(panel_of("Rate"));
}

TEST(laid_over_one_another)
{
    /* breaks when two runs cannot be seen on one axis, or it is not told in what they differ */
    char one[200], two[200];
    snprintf(one, sizeof one, "%s/one", tree.path);
    snprintf(two, sizeof two, "%s/two", tree.path);
    VOLLEY("-p", server.port_text, "--cpus", "none", "-t", "set", "--qps", "500", "--test-duration",
           "2", "-c", "2", "--interval", "200ms", "--out", one, "-q");
    VOLLEY("-p", server.port_text, "--cpus", "none", "-t", "set", "--qps", "800", "--test-duration",
           "2", "-c", "3", "--interval", "200ms", "--out", two, "-q");
    VOLLEY("report", one, two, "--html", page);
    ck_assert_msg(strstr(program.out, "option.clients\n    one: 2\n    two: 3\n") != NULL &&
                      strstr(program.out, "option.qps") != NULL &&
                      strstr(program.out, "port") == NULL,
                  "%s", program.out);
    LOOK("--width", "1280");
    unsigned achieved = 0;
    size_t i;
    const json_t *series;
    json_array_foreach(json_object_get(panel_of("Rate"), "series"), i, series) achieved +=
        strcmp(json_string_value(json_object_get(series, "label")), "achieved") == 0;
    ck_assert_uint_eq(achieved, 2);
    LOOK("--plain");
    const char *text = json_string_value(json_object_get(seen, "text"));
    ck_assert_msg(strstr(text, "What differs") != NULL && strstr(text, "option.qps") != NULL, "%s",
                  text);
    program_free(&program);
    program_run_volley(&program, "report", one, two, NULL);
    ck_assert_int_eq(program.exit_status, 2);
    program_free(&program);
    program_run_volley(&program, "report", one, one, "--html", page, NULL);
    ck_assert_ptr_nonnull(strstr(program.err, "the same directory"));
}

/* Lines of the panel of fragmentation that say nothing of a server that has few keys. */
static double ratios_of_little_memory(void)
{
    double count = 0;
    size_t i;
    const json_t *series;
    json_array_foreach(json_object_get(panel_of("Fragmentation"), "series"), i, series) count +=
        strstr(json_string_value(json_object_get(series, "label")), "RSS") != NULL;
    return count;
}

TEST(of_a_scenario)
{
    /* breaks when visualize generate makes no page, or phases, samples and checks are missing in it */
    char file[200], out[200];
    snprintf(file, sizeof file, "%s/s.yaml", tree.path);
    temp_tree_write(
        &tree, "/s.yaml",
        "name: seen\ndescription: d\nphases:\n"
        "  - {name: grow, type: load, keys: 20000, clients: 4, pipeline: 16}\n"
        "  - {name: use, type: hold, duration: 3, clients: 4, qps: 1000, mix: {get: 1}}\n"
        "checks:\n  - {metric: keys, agg: last, phase: use, op: \"==\", value: 20000, "
        "severity: fail}\n",
        0644);
    snprintf(out, sizeof out, "%s/out", tree.path);
    VOLLEY("run", "scenario", file, "-p", server.port_text, "--cpus", "none", "--output", out, "-q",
           "--html", page);
    LOOK("--print");
    ck_assert_double_eq(number(seen, "folded"), 0);
    ck_assert_double_eq(number(series_of("Keys", "keys"), "last"), 20000);
    ck_assert_double_eq(ratios_of_little_memory(), 0);
    VOLLEY("visualize", "generate", "seen", "--output", out, "--output-dir", tree.path);
    snprintf(page, sizeof page, "%s/seen_dashboard.html", tree.path);
    LOOK("--filter", "use");
    ck_assert_ptr_nonnull(panel_of("Memory"));
    ck_assert_ptr_nonnull(panel_of("Keys"));
    LOOK("--plain");
    const char *text = json_string_value(json_object_get(seen, "text"));
    ck_assert_msg(strstr(text, "PASS") != NULL && strstr(text, "1 of 1 checks") != NULL, "%s",
                  text);
}

/* Two runs of scenarios by volley report: with the server's samples, and what differs. */
static void laid_over(const char *out, const char *first, const char *second)
{
    char one[400], two[400];
    unsigned used = 0;
    size_t i;
    const json_t *series;
    snprintf(one, sizeof one, "%s/%s", out, first);
    snprintf(two, sizeof two, "%s/%s", out, second);
    VOLLEY("report", one, two, "--html", page);
    ck_assert_msg(strstr(program.out, "option.variables\n") != NULL, "%s", program.out);
    LOOK("--width", "375");
    ck_assert_double_eq(number(seen, "wide"), 0);
    ck_assert_double_eq(number(seen, "unmarked"), 0);
    json_array_foreach(json_object_get(panel_of("Memory"), "series"), i, series) used +=
        strcmp(json_string_value(json_object_get(series, "label")), "used") == 0;
    ck_assert_uint_eq(used, 2);
}

TEST(scenarios_compared)
{
    /* breaks when one figure of two runs of a scenario cannot be seen on one axis, or in parts of its largest value */
    char file[200], out[200];
    snprintf(file, sizeof file, "%s/s.yaml", tree.path);
    temp_tree_write(&tree, "/s.yaml",
                    "name: both\ndescription: d\nphases:\n"
                    "  - {name: grow, type: load, keys: \"${KEYS}\", clients: 4, pipeline: 16}\n"
                    "  - {name: rest, type: idle, duration: 2}\n",
                    0644);
    snprintf(out, sizeof out, "%s/out", tree.path);
    VOLLEY("run", "scenario", file, "-p", server.port_text, "--cpus", "none", "--output", out, "-q",
           "--variables", "KEYS=3000", "--cleanup");
    VOLLEY("run", "scenario", file, "-p", server.port_text, "--cpus", "none", "--output", out, "-q",
           "--variables", "KEYS=5000", "--cleanup");
    VOLLEY("visualize", "list-scenarios", "--output", out);
    char *runs = strdup(program.out), *first = strstr(runs, "both_");
    ck_assert_ptr_nonnull(first);
    char *second = strstr(first + 1, "both_");
    ck_assert_ptr_nonnull(second);
    first[strcspn(first, " ")] = second[strcspn(second, " ")] = '\0';
    VOLLEY("visualize", "compare", first, second, "--output", out, "--output-dir", tree.path,
           "--metric", "keys");
    ck_assert_msg(strstr(program.out, "largest 3000,") != NULL &&
                      strstr(program.out, "largest 5000,") != NULL,
                  "%s", program.out);
    laid_over(out, first, second);
    snprintf(page, sizeof page, "%s/comparison_keys.html", tree.path);
    LOOK("--width", "1280");
    ck_assert_double_eq(number(series_of("Compared", "value"), "last"), 3000);
    VOLLEY("visualize", "compare", first, second, "--output", out, "--output-dir", tree.path,
           "--metric", "keys", "--normalize");
    LOOK("--width", "1280");
    ck_assert_double_eq(number(series_of("Compared", "value"), "last"), 1);
    program_free(&program);
    program_run_volley(&program, "visualize", "compare", first, second, "--output", out, "--metric",
                       "kees", NULL);
    ck_assert_int_eq(program.exit_status, 2);
    program_free(&program);
    program_run_volley(&program, "visualize", "compare", first, second, "--output", out, "--metric",
                       "node_memory_cv", NULL);
    ck_assert_int_eq(program.exit_status, 4);
    ck_assert_msg(strstr(program.err, "no samples of node_memory_cv, and") != NULL, "%s",
                  program.err);
    free(runs);
}

TEST(what_cannot_be)
{
    /* breaks when a page is promised that cannot be written, or a run is started for it first */
    program_run_volley(&program, "-p", server.port_text, "--html", "-", NULL);
    ck_assert_int_eq(program.exit_status, 2);
    ck_assert_ptr_nonnull(strstr(program.err, "a file of its own"));
    program_free(&program);
    program_run_volley(&program, "find-max", "--slo", "p99<1s", "-p", server.port_text, "--html",
                       "-", NULL);
    ck_assert_int_eq(program.exit_status, 2);
    ck_assert_ptr_nonnull(strstr(program.err, "a file of its own"));
    program_free(&program);
    program_run_volley(&program, "sweep", "--clients", "1,2", "-p", server.port_text, "--html",
                       "/nowhere/x.html", NULL);
    ck_assert_int_eq(program.exit_status, 2);
    ck_assert_str_eq(program.out, "");
    program_free(&program);
    program_run_volley(&program, "-p", server.port_text, "-n", "10", "--html", "/nowhere/x.html",
                       NULL);
    ck_assert_int_eq(program.exit_status, 2);
    program_free(&program);
    char kept[300];
    snprintf(kept, sizeof kept, "%.200s/kept.json", tree.path);
    temp_tree_write(&tree, "/kept.json", "{}", 0600);
    program_run_volley(&program, "-p", server.port_text, "-n", "10", "--html", kept, NULL);
    ck_assert_int_eq(program.exit_status, 2); /* a result would be lost */
    ck_assert_ptr_nonnull(strstr(program.err, "is there and is no page"));
    program_free(&program);
    program_run_volley(&program, "visualize", "generate", "nothing", "--output", tree.path, NULL);
    ck_assert_ptr_nonnull(strstr(program.err, "there are none in"));
    program_free(&program);
    program_run_volley(&program, "visualize", "generate", "nothing", "--format", "jpg", NULL);
    ck_assert_int_eq(program.exit_status, 2);
}

/* Two hours of a server that is down for twenty minutes; once a reply takes 10 s. */
static void keep_hours(const char *path)
{
    const uint64_t began_ms = (uint64_t)time(NULL) * 1000 - 7200000;
    const struct monitor_store_setup setup = {
        .path = path, .retention_ms = 86400000, .began_ms = began_ms, .interval_ms = 60000};
    struct monitor_store *store = NULL;
    struct err err = {.code = OK};
    ck_assert_msg(monitor_store_open(&store, &setup, &err) == OK, "%s", err.text);
    ck_assert_msg(monitor_store_begin(store, &err) == OK, "%s", err.text);
    for (unsigned i = 1; i <= 110; i++) {
        struct monitor_sample sample = {.at_ms = began_ms + i * 60000ull,
                                        .target = "10.0.0.1:6379"};
        const bool down = i > 40 && i <= 60;
        for (unsigned k = 0; k < MONITOR_VALUES; k++)
            sample.values[k] = k >= MONITOR_SENT && k <= MONITOR_SHED ? 0 : (double)NAN;
        sample.values[MONITOR_SECONDS] = 60;
        sample.values[down ? MONITOR_TIMED_OUT : MONITOR_OK] = 600;
        if (!down) {
            sample.values[MONITOR_P50] = 12;
            sample.values[MONITOR_MAX] = i == 80 ? 1e7 : 100;
        }
        monitor_store_sample(store, &sample);
    }
    const struct alert_event event = {.alert = "ServerDown",
                                      .state = ALERT_FIRING,
                                      .severity = ALERT_CRITICAL,
                                      .value = NAN,
                                      .at_ms = began_ms + 80 * 60000ull,
                                      .summary = "a sentence that is much too long to stand above "
                                                 "a picture beside others"};
    monitor_store_alert(store, &event);
    (void)monitor_store_close(store, began_ms + 7200000);
}

static bool names(const char *title, const char *name)
{
    size_t i;
    const json_t *one;
    json_array_foreach(json_object_get(panel_of(title), "names"), i,
                       one) if (strcmp(json_string_value(one), name) == 0) return true;
    return false;
}

TEST(a_monitors_page_begins_with_availability)
{
    /* breaks when who opens it has to look for whether the server was there, an outage has no end, an alert is half a sentence, or
     * a number beside a logarithmic panel is cut */
    char store[200];
    size_t i;
    const json_t *panel;
    snprintf(store, sizeof store, "%s/m.db", tree.path);
    keep_hours(store);
    VOLLEY("monitor", "report", "--store", store, "--html", page);
    LOOK("--plain");
    ck_assert_ptr_nonnull(strstr(json_string_value(json_object_get(seen, "text")), "81.82 %"));
    LOOK("--width", "1280");
    const json_t *first = json_array_get(json_object_get(seen, "panels"), 0);
    ck_assert_str_eq(json_string_value(json_object_get(first, "title")), "Availability");
    ck_assert(names("Availability", "down 20 min"));
    ck_assert(names("Availability", "ServerDown"));
    ck_same(number(series_of("Availability", "PINGs answered"), "last"), 100);
    json_array_foreach(json_object_get(seen, "panels"), i, panel)
        ck_assert_int_eq(json_integer_value(json_object_get(panel, "cut")), 0);
}

TEST_SUITE_WITH(page_browser, .set_up = set_up, .tear_down = tear_down, .timeout_seconds = 400)
