/* The live page of real runs in a real browser. */
#include <jansson.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/check/at_server.h"
#include "tests/support/check/live_look.h"
#include "tests/support/check/run_json.h"
#include "tests/support/check/suite.h"
#include "tests/support/check/temp_tree.h"

#define TOKEN "a-token-of-some-length-0123456789"
#define HOSTILE "</script><b id=hurt>x</b>"

static struct temp_tree tree;
static struct program volley;
static struct live_look look;
static char json_path[200], saved[200], token_path[200];

static void set_up(void)
{
    at_server_set_up();
    temp_tree_make(&tree);
    temp_tree_write(&tree, "/token", TOKEN "\n", 0600);
    snprintf(json_path, sizeof json_path, "%s/run.json", tree.path);
    snprintf(saved, sizeof saved, "%s/saved.html", tree.path);
    snprintf(token_path, sizeof token_path, "%s/token", tree.path);
}

static void tear_down(void)
{
    live_look_free(&look);
    program_free(&volley);
    temp_tree_remove(&tree);
    at_server_tear_down();
}

#define BROWSE(...) LIVE_LOOK_BEGIN(&look, &tree, __VA_ARGS__)

#define VOLLEY(...)                                                                                \
    do {                                                                                           \
        program_free(&volley);                                                                     \
        program_start_volley(&volley, "bench", "-p", server.port_text, "--cpus", "none",           \
                             "--processes", "1", "--json", json_path, __VA_ARGS__, NULL);          \
        live_look_open(&look, &tree, &volley);                                                     \
    } while (0)

static json_t *load_document(void)
{
    json_t *root = json_load_file(json_path, 0, NULL);
    ck_assert_ptr_nonnull(root);
    return root;
}

/* Of all runs, a count of run.json. */
static double counted(const json_t *root, const char *path)
{
    double sum = 0;
    for (size_t i = 0; i < json_array_size(json_object_get(root, "runs")); i++)
        sum += run_json_number(run_json_at(root, i), path);
    return sum;
}

/* Counts of the panels, and of what stands above them, are those of run.json. */
static void ck_counts(const json_t *root)
{
    ck_assert_double_eq(run_json_number(look.seen, "live.sums.ok"), counted(root, "requests.ok"));
    ck_assert_double_eq(run_json_number(look.seen, "live.sums.due"), counted(root, "requests.due"));
    const size_t count = json_array_size(json_object_get(root, "runs"));
    const json_t *last = run_json_at(root, count - 1);
    const json_t *so_far =
        json_object_get(json_object_get(json_object_get(look.seen, "live"), "state"), "so_far");
    static const char *const paths[] = {"requests.ok", "requests.due", "response_time_us.count",
                                        "response_time_us.max", "response_time_us.p99"};
    /* Hidden by requests without a reply, on a machine that stood still: then in both. */
    const bool hidden =
        json_is_null(json_object_get(json_object_get(last, "response_time_us"), "p99"));
    ck_assert(hidden ==
              json_is_null(json_object_get(json_object_get(so_far, "response_time_us"), "p99")));
    for (size_t i = 0; i < sizeof paths / sizeof paths[0] - hidden; i++)
        ck_assert_msg(run_json_number(so_far, paths[i]) == run_json_number(last, paths[i]),
                      "%s: %.15g and %.15g", paths[i], run_json_number(so_far, paths[i]),
                      run_json_number(last, paths[i]));
}

/* Identifiers and lines of panels; the caller releases. */
static json_t *panels_of(const json_t *page)
{
    size_t i, k;
    const json_t *panel, *series;
    json_t *list = json_array();
    json_array_foreach(json_object_get(page, "panels"), i, panel)
    {
        json_array_append(list, json_object_get(panel, "id"));
        json_array_foreach(json_object_get(panel, "series"), k, series)
        {
            json_array_append(list, json_object_get(series, "label"));
            if (json_object_get(series, "rows") != NULL)
                json_array_append(list, json_object_get(series, "rows"));
        }
    }
    return list;
}

static void ck_saved_shows_the_same(void)
{
    json_t *wanted = panels_of(look.seen), *shown = panels_of(json_object_get(look.seen, "there"));
    char *wanted_text = json_dumps(wanted, 0), *shown_text = json_dumps(shown, 0);
    ck_assert_msg(json_equal(wanted, shown) && json_array_size(wanted) > 10, "%s\n%s", wanted_text,
                  shown_text);
    free(wanted_text);
    free(shown_text);
    json_decref(wanted);
    json_decref(shown);
}

static void ck_metrics(const char *path, const json_t *root)
{
    char text[65536], wanted[200];
    FILE *file = fopen(path, "r");
    ck_assert_ptr_nonnull(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    static const char *const names[] = {"SET", "GET"};
    for (size_t i = 0; i < 2; i++) {
        snprintf(wanted, sizeof wanted,
                 "\nvolley_requests_ok_total{op=\"%s\",target=\"127.0.0.1:%s\"} %.0f\n", names[i],
                 server.port_text, run_json_number(run_json_at(root, i), "requests.ok"));
        ck_assert_msg(strstr(text, wanted) != NULL, "%s in %.2500s", wanted, text);
    }
}

TEST(a_page_grows_and_counts_as_run_json_does)
{
    /* breaks when a page does not grow with the run, counts otherwise than run.json or /metrics, misses the end or an alert, or
     * cannot be saved; when a name becomes markup, or anything is asked of another origin */
    char metrics[200], rules[200];
    snprintf(metrics, sizeof metrics, "%s/metrics", tree.path);
    snprintf(rules, sizeof rules, "%s/rules.yaml", tree.path);
    temp_tree_write(&tree, "/rules.yaml",
                    "alerts:\n- alert: Fast\n  expr: volley_rate > 1\n  annotations:\n"
                    "    summary: <b id=hurt>fast</b>\n",
                    0600);
    BROWSE("--until", "live && live.rows >= 2 && !live.over", "--until",
           "document.body.innerText.includes('Fast (warning) firing since ')", "--until",
           "document.body.innerText.includes(' requests/s, limit 1; <b id=hurt>fast</b>')",
           "--until", "live.rows >= 6 && live.snapshots > 1", "--until", "live.over", "--save",
           saved, "--look", saved, "--fetch", "/metrics", metrics);
    VOLLEY("-t", "set,get", "--qps", "1000", "--duration", "2", "--warmup", "250ms", "--interval",
           "250ms", "--listen", "0", "--listen-linger", "60", "--label", HOSTILE, "--alerts",
           rules);
    live_look_end(&look);
    json_t *root = load_document();
    /* a warm-up is drawn, and is none of the counts */
    ck_assert_double_gt(run_json_number(look.seen, "live.sums.ok"), counted(root, "requests.ok"));
    ck_metrics(metrics, root);
    ck_assert_str_eq(live_look_text(&look, "title"), HOSTILE);
    ck_assert_ptr_nonnull(strstr(live_look_text(&look, "said"), "The session has finished"));
    char *regions = json_dumps(json_object_get(json_object_get(look.seen, "live"), "regions"), 0);
    ck_assert_str_eq(regions, "[\"warmup warm-up\", \"run SET\", \"warmup warm-up\", \"run GET\"]");
    free(regions);
    ck_assert_ptr_nonnull(strstr(live_look_text(&look, "text"), "the complete report"));
    ck_saved_shows_the_same();
    json_decref(root);
}

TEST(an_alert_says_which_server_it_is_about)
{
    /* breaks when a page does not tell which server of a monitor an alert is about, or shows it of one that is well */
    char rules[200], wanted[300], well[64];
    snprintf(rules, sizeof rules, "%s/rules.yaml", tree.path);
    snprintf(well, sizeof well, "127.0.0.1:%u", server.port);
    temp_tree_write(&tree, "/rules.yaml",
                    "alerts:\n- {alert: Down, expr: volley_server_up == 0, for: 1s}\n", 0600);
    snprintf(wanted, sizeof wanted,
             "document.body.innerText.includes('Down (warning) firing on 127.0.0.1:1 since ') && "
             "live.rows >= 8 && !document.body.innerText.includes('on %s')",
             well);
    BROWSE("--until", "document.body.innerText.includes('Down (warning) pending on 127.0.0.1:1 ')",
           "--until", wanted);
    program_free(&volley);
    program_start_volley(&volley, "monitor", "--no-store", "--interval", "250ms", "--listen", "0",
                         "--alerts", rules, well, "127.0.0.1:1", NULL);
    live_look_open(&look, &tree, &volley);
    live_look_end(&look);
}

TEST(a_page_that_was_away_catches_up)
{
    /* breaks when rows are missing, or are there twice, after the connection was lost for a while, or nobody is told */
    BROWSE("--until", "live && live.rows >= 3", "--offline", "--until", "live.lost", "--served",
           "18", "--online", "--until", "live.said.includes('it was lost for') && live.rows >= 18",
           "--until", "live.over");
    VOLLEY("-t", "get", "--qps", "1000", "--duration", "5", "--interval", "100ms", "--listen", "0",
           "--listen-linger", "60");
    live_look_end(&look);
    json_t *root = load_document();
    ck_counts(root);
    ck_assert_double_eq(
        run_json_number(look.seen, "live.rows"),
        (double)json_array_size(json_object_get(run_json_at(root, 0), "intervals")));
    json_decref(root);
}

/* Of a source, from the page. */
static bool has_event(const json_t *run, const char *source, const char *text)
{
    size_t i;
    const json_t *event;
    json_array_foreach(json_object_get(run, "events"), i, event)
    {
        const char *from = json_string_value(json_object_get(event, "source"));
        const char *what = json_string_value(json_object_get(event, "text"));
        const char *by = json_string_value(json_object_get(event, "by"));
        if (by == NULL || strcmp(by, "page") != 0)
            continue;
        if (from != NULL && what != NULL && strcmp(from, source) == 0 && strstr(what, text) != NULL)
            return true;
    }
    return false;
}

TEST(buttons_steer_the_run)
{
    /* breaks when the token is not asked for, what is pressed does not reach the run, a refusal is not told, a stop is not asked
     * about once more, or something stands out at the width of a phone */
    BROWSE("--width", "375", "--dark", "--type", "input[name=token]", "wrong", "--until",
           "document.body.innerText.includes('this is not the token')", "--type",
           "input[name=token]", TOKEN, "--until", "live && live.rows >= 1", "--type",
           "input[name=note]", "<b id=hurt>", "--until",
           "live.marks.includes('note: <b id=hurt> (page)')", "--press", "[data-does=pause]",
           "--until", "live.state.steering === 'paused'", "--press", "[data-does=pause]", "--until",
           "live.state.steering === 'running'", "--type", "input[name=rate]", "none", "--until",
           "document.body.innerText.includes('has to be a number above 0')", "--type",
           "input[name=rate]", "1.5k", "--until", "live.state.interval.rate.target === 1500",
           "--press", "[data-does=stop]", "--until",
           "document.body.innerText.includes('Really stop?') && !live.over", "--press",
           "[data-does=stop]", "--until", "live.over");
    VOLLEY("-t", "get", "--qps", "1000", "--duration", "60", "--interval", "250ms", "--listen", "0",
           "--allow-control", "--listen-token", token_path);
    live_look_end(&look);
    program_wait(&volley);
    json_t *root = load_document();
    const json_t *run = run_json_at(root, 0);
    ck_assert(has_event(run, "note", "<b id=hurt>"));
    ck_assert(has_event(run, "ctl", "pause"));
    ck_assert(has_event(run, "ctl", "1,500/s"));
    ck_counts(root);
    json_decref(root);
}

TEST(a_page_outlives_its_process)
{
    /* breaks when a page loses its data with the process, cannot be saved any more, or mixes them with another session's */
    BROWSE("--until", "live && live.rows >= 5", "--say", "grown", "--until", "live.lost", "--save",
           saved, "--look", saved, "--say", "saved", "--until",
           "live.said.includes('another session')");
    VOLLEY("-t", "set", "--qps", "500", "--duration", "60", "--interval", "250ms", "--listen", "0");
    program_wait_text(&look.browser, PROGRAM_OUT, "grown\n");
    program_signal(&volley, SIGKILL);
    program_wait_text(&look.browser, PROGRAM_OUT, "saved\n");
    char port[16];
    snprintf(port, sizeof port, "%.*s", (int)strcspn(strrchr(look.url, ':') + 1, "/"),
             strrchr(look.url, ':') + 1);
    VOLLEY("-t", "get", "--qps", "500", "--duration", "60", "--listen", port);
    live_look_end(&look);
    ck_assert_double_ge(run_json_number(look.seen, "live.rows"), 5);
    ck_assert_ptr_nonnull(strstr(live_look_text(&look, "text"), "SET"));
    ck_saved_shows_the_same();
}

TEST_SUITE_WITH(live_page, .set_up = set_up, .tear_down = tear_down, .timeout_seconds = 180)
