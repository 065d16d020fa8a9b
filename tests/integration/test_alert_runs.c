/* --alerts and --kpis on real servers: what fires in a pause of the server, and ends behind it. */
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/check/http_client.h"
#include "tests/support/check/run.h"
#include "tests/support/check/suite.h"
#include "tests/support/check/support.h"
#include "tests/support/check/temp_tree.h"

#define RULES                                                                                      \
    "alerts:\\n"                                                                                   \
    "  - {alert: Stalled, expr: volley_rate < 10, for: 400ms, labels: {severity: critical},"       \
    " annotations: {summary: Nothing comes back}}\\n"                                              \
    "  - {alert: Full, expr: used_memory > 1e15}\\n"                                               \
    "  - {alert: Unset, expr: used_memory > TBD}\\n"

#define WRITE                                                                                      \
    "printf '" RULES "' > rules.yaml; printf -- '- at 1s: pause node 0 for 1500ms\\n' > chaos; "   \
    "printf 'kpis:\\n  rate: {metric: messages_per_minute, warning: 2, critical: 1}\\n"            \
    "  p95: {metric: p95_latency_ms, target: TBD}\\n' > kpis.yaml; "
#define RUN                                                                                        \
    "$volley bench --managed --interval 100ms --processes 1 -c 4 -t get -r 100 --prefill "         \
    "--duration 4 --qps 2000 --chaos chaos --alerts rules.yaml --kpis kpis.yaml --out out "

static struct temp_tree tree;
static struct program program;

static void set_up(void)
{
    temp_tree_make(&tree);
}

static void tear_down(void)
{
    program_free(&program);
    temp_tree_remove(&tree);
}

static void shell(const char *line, int status)
{
    program_free(&program);
    program_run_shell(&program, tree.path, line, status);
}

static size_t events_with(const char *alert, const char *state)
{
    char path[400], line[2000];
    size_t count = 0;
    snprintf(path, sizeof path, "%s/out/events.jsonl", tree.path);
    FILE *in = fopen(path, "re");
    ck_assert_ptr_nonnull(in);
    while (fgets(line, sizeof line, in) != NULL) {
        json_t *event = json_loads(line, 0, NULL);
        ck_assert_ptr_nonnull(event);
        count += strcmp(json_string_value(json_object_get(event, "alert")), alert) == 0 &&
                 strcmp(json_string_value(json_object_get(event, "state")), state) == 0;
        json_decref(event);
    }
    ck_assert_int_eq(fclose(in), 0);
    return count;
}

static json_t *load(const char *name)
{
    char path[300];
    snprintf(path, sizeof path, "%s/out/%s", tree.path, name);
    json_t *root = json_load_file(path, 0, NULL);
    ck_assert_msg(root != NULL, "%s", path);
    return root;
}

static json_t *kpis_of_run(const json_t *root, size_t index)
{
    return json_object_get(json_array_get(json_object_get(root, "runs"), index), "kpis");
}

/* run.json has what kpis.json has, of the load and not of its prefill. */
static void ck_kpis_in_run(void)
{
    json_t *run = load("run.json"), *kpis = load("kpis.json");
    ck_assert_ptr_null(kpis_of_run(run, 0));
    ck_assert_uint_eq(json_array_size(kpis_of_run(run, 1)), 2);
    ck_assert(json_equal(kpis_of_run(run, 1), kpis_of_run(kpis, 0)));
    json_decref(run);
    json_decref(kpis);
}

TEST(test_a_pause_of_the_server_fires_and_is_resolved)
{
    /* Breaks when an outage is no alert, the alert does not end with it, or some output of the run does not have it. */
    shell(WRITE RUN "--fail-on-alert critical", 1);
    program_expect_text(program.err, "alert Stalled (critical) firing: 0 requests/s, limit 10");
    program_expect_text(program.err, "alert Stalled (critical) resolved after ");
    program_expect_text(program.err, "--fail-on-alert critical: an alert has fired");
    program_expect_text(program.out, "\nAlerts:\n");
    program_expect_text(program.out, "\nKPIs:\n");
    /* Once for the pause, and again where the whole machine stood still for an interval. */
    const size_t fired = events_with("Stalled", "firing");
    ck_assert_uint_ge(fired, 1);
    ck_assert_uint_eq(events_with("Stalled", "resolved"), fired);
    ck_assert_uint_eq(events_with("Full", "firing"), 0);
    ck_assert_uint_eq(events_with("Unset", "firing"), 0);
    ck_assert_uint_eq(events_with("p95", "firing"), 0);
    ck_kpis_in_run();
    shell("$volley report out --json -", 0);
    json_t *root = json_loads(program.out, 0, NULL);
    const json_t *events =
        json_object_get(json_array_get(json_object_get(root, "runs"), 1), "events");
    size_t alerts = 0, i;
    const json_t *event;
    json_array_foreach(events, i, event) alerts +=
        strcmp(json_string_value(json_object_get(event, "source")), "alert") == 0;
    ck_assert_uint_ge(alerts, 2);
    json_decref(root);
}

TEST(test_what_fires_below_the_wanted_severity_fails_nothing)
{
    /* Breaks when a warning makes --fail-on-alert critical fail, or a prefill or a missing number does. */
    shell("printf 'alerts: [{alert: Any, expr: volley_rate > 0}, {alert: No, expr: used_memory > "
          "TBD}]' > rules.yaml; $volley bench --managed --interval 100ms --processes 1 -c 4 -t get "
          "-r 100 --duration 1 --alerts rules.yaml --fail-on-alert critical",
          0);
    program_expect_text(program.err, "alert Any (warning) firing: ");
    program_expect_text(program.err, "alert Any (warning) is still firing at the end");
}

/* Waits until the path answers with this status, and returns the body. */
static json_t *wait_status(uint16_t port, const char *path, int status)
{
    for (int i = 0; i < 400; i++) {
        struct http_reply reply;
        http_get(&reply, port, path, "");
        json_t *body = reply.status == status ? json_loads(reply.body, 0, NULL) : NULL;
        http_reply_free(&reply);
        if (body != NULL)
            return body;
        support_sleep_ms(50);
    }
    ck_abort_msg("%s never was %d", path, status);
}

TEST(test_who_looks_on_is_told_of_alerts_and_health)
{
    /* Breaks when a limit that is passed is not in /health, or /metrics does not have the state of a rule. */
    temp_tree_write(&tree, "/kpis.yaml",
                    "kpis: {p95: {metric: p95_latency_ms, critical: TBD}, rate: {metric: "
                    "messages_per_minute, critical: 1e15}}",
                    0600);
    char path[200];
    struct http_reply reply;
    snprintf(path, sizeof path, "%s/kpis.yaml", tree.path);
    program_free(&program);
    program_start_volley(&program, "bench", "--null", "-r", "100", "--interval", "100ms",
                         "--duration", "60", "--listen", "0", "--kpis", path, NULL);
    program_wait_text(&program, PROGRAM_ERR, "the live page is at ");
    char *said = program_output(&program, PROGRAM_ERR);
    const uint16_t port = http_port_in(said);
    free(said);
    json_t *body = wait_status(port, "/health/performance", 503);
    ck_assert_str_eq(json_string_value(json_object_get(body, "status")), "critical");
    ck_assert_uint_eq(json_array_size(json_object_get(body, "checks")), 3);
    json_decref(body);
    body = wait_status(port, "/health", 503);
    ck_assert_uint_eq(json_array_size(json_object_get(body, "checks")), 7);
    json_decref(body);
    json_decref(wait_status(port, "/health/buffer", 200));
    http_get(&reply, port, "/metrics", "");
    program_expect_text(reply.body, "volley_alert_state{alert=\"rate\",severity=\"critical\"} 2\n");
    program_expect_text(reply.body, "volley_alert_state{alert=\"p95\",severity=\"critical\"} 0\n");
    http_reply_free(&reply);
    program_signal(&program, SIGINT);
    program_wait(&program);
}

static const struct {
    const char *line;
    int status;
    const char *says;
} bad[] = {
    {"$volley bench -p 1 --alerts none.yaml", 3, "none.yaml"},
    {"printf 'alerts: [{alert: A, expr: volley_rat > 1}]' > r; $volley bench -p 1 --alerts r", 3,
     "did you mean volley_rate?"},
    {"printf 'alerts: [{alert: A, expr: volley_rate > }]' > r; $volley bench -p 1 --alerts r", 3,
     "missing at the end"},
    {"printf 'kpis: {a: {metric: volley_rate, warning: x}}' > k; $volley bench -p 1 --kpis k", 3,
     "warning: x: a number, or TBD"},
    {"$volley bench -p 1 --fail-on-alert warning", 2, "--fail-on-alert needs --alerts or --kpis"},
    {"$volley bench -p 1 --for-scale 0.1", 2, "--for-scale needs --alerts or --kpis"},
    {"printf 'alerts: [{alert: A, expr: volley_rat > 1}]' > r; $volley validate alerts r", 3,
     "r:1:27: expr, column 1: no figure is called volley_rat"},
};

LOOP_TEST(test_bad_files_are_refused_before_anything_connects, sizeof bad / sizeof bad[0])
{
    /* Breaks when a load begins, or is tried, with rules that nobody will judge. */
    shell(bad[_i].line, bad[_i].status);
    program_expect_text(program.err, bad[_i].says);
    ck_assert_ptr_null(strstr(program.err, "connect"));
}

TEST_SUITE_WITH(alert_runs, .set_up = set_up, .tear_down = tear_down, .timeout_seconds = 60)
