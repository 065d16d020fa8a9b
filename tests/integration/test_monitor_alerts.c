/* Alert rules of a monitor of several real servers: each is judged alone, and named wherever its alert is told. */
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/check/certificates.h"
#include "tests/support/check/http_client.h"
#include "tests/support/check/notify_servers.h"
#include "tests/support/check/run.h"
#include "tests/support/check/server.h"
#include "tests/support/check/suite.h"
#include "tests/support/check/temp_tree.h"

/* One server alone is above it, and both together would be in any case. */
#define RULES                                                                                      \
    "alerts:\n- alert: Full\n  expr: used_memory > 6000000\n"                                      \
    "  labels: {severity: critical}\n  annotations: {summary: Memory is short}\n"                  \
    "- alert: Never\n  expr: volley_rate > 1000000\n"

static struct temp_tree tree;
static struct test_server servers[2];
static struct test_certificates certificates;
static struct notify_servers channels;
static struct program program;
static char store_path[200], rules_path[200], notify_path[200], targets[2][64];

static void set_up(void)
{
    ck_assert_int_eq(setenv("NO_PROXY", "*", 1), 0);
    temp_tree_make(&tree);
    test_certificates_make(&certificates, tree.path);
    notify_servers_start(&channels, tree.path);
    snprintf(store_path, sizeof store_path, "%s/m.db", tree.path);
    snprintf(rules_path, sizeof rules_path, "%s/rules.yaml", tree.path);
    snprintf(notify_path, sizeof notify_path, "%s/notify.yaml", tree.path);
    temp_tree_write(&tree, "/rules.yaml", RULES, 0644);
    for (size_t i = 0; i < 2; i++) {
        test_server_start(&servers[i], NULL);
        snprintf(targets[i], sizeof targets[i], "127.0.0.1:%u", servers[i].port);
    }
}

static void tear_down(void)
{
    program_free(&program);
    for (size_t i = 0; i < 2; i++)
        test_server_stop(&servers[i]);
    notify_servers_stop(&channels);
    temp_tree_remove(&tree);
}

/* The alert of one server goes to its own hook and to an incident, everything else to a third place. */
static void write_channels(void)
{
    char text[1000];
    snprintf(
        text, sizeof text,
        "group_wait: 0\ngroup_interval: 100ms\nnotification_channels:\n"
        "- {name: hook, type: webhook, url: \"http://127.0.0.1:%u/ok/hook\"}\n"
        "- {name: duty, type: pagerduty, service_key: k, url: \"http://127.0.0.1:%u/ok/duty\"}\n"
        "- {name: rest, type: webhook, url: \"http://127.0.0.1:%u/ok/rest\"}\n"
        "routes:\n- {labels: {server: \"%s\"}, channels: [hook, duty]}\n- {channels: rest}\n",
        channels.http, channels.http, channels.http, targets[1]);
    temp_tree_write(&tree, "/notify.yaml", text, 0644);
}

static void wait_alert(const char *what)
{
    char text[200];
    snprintf(text, sizeof text, "alert Full (critical) %s on %s", what, targets[1]);
    program_wait_text(&program, PROGRAM_ERR, text);
}

static uint16_t port_of_page(void)
{
    program_wait_text(&program, PROGRAM_ERR, "the live page is at ");
    char *text = program_output(&program, PROGRAM_ERR);
    const uint16_t port = http_port_in(text);
    free(text);
    return port;
}

static void expect_state(uint16_t port, size_t server, int state)
{
    struct http_reply metrics;
    char line[200];
    snprintf(line, sizeof line,
             "volley_alert_state{alert=\"Full\",severity=\"critical\",node=\"%s\"} %d\n",
             targets[server], state);
    http_get(&metrics, port, "/metrics", "");
    program_expect_text(metrics.body, line);
    http_reply_free(&metrics);
}

/* What the page is told: the rule stands there for each server, and fires on one. */
static void expect_on_page(uint16_t port)
{
    json_t *run = http_get_json(port, "/api/run.json");
    const json_t *alerts = json_object_get(json_object_get(run, "state"), "alerts");
    ck_assert_uint_eq(json_array_size(alerts), 4);
    for (size_t i = 0; i < 2; i++) {
        const json_t *alert = json_array_get(alerts, i);
        ck_assert_str_eq(json_string_value(json_object_get(alert, "alert")), "Full");
        ck_assert_str_eq(json_string_value(json_object_get(alert, "server")), targets[i]);
        ck_assert_str_eq(json_string_value(json_object_get(alert, "state")),
                         i == 1 ? "firing" : "inactive");
    }
    char *text = json_dumps(run, 0), wanted[200];
    snprintf(wanted, sizeof wanted, "Full (critical) firing on %s: ", targets[1]);
    program_expect_text(text, wanted); /* among the events of run.json */
    free(text);
    json_decref(run);
}

static json_t *body_of(json_t *got, const char *path, size_t index)
{
    json_t *one = notify_servers_find(got, path, index);
    ck_assert_ptr_nonnull(one);
    json_t *body = json_loads(json_string_value(json_object_get(one, "body")), 0, NULL);
    ck_assert_ptr_nonnull(body);
    return body;
}

static void expect_told(void)
{
    static const char *const states[] = {"firing", "resolved"}, *actions[] = {"trigger", "resolve"};
    char keys[2][100];
    json_t *got = notify_servers_got(&channels);
    ck_assert_uint_eq(notify_servers_count(got, "/ok/hook"), 2);
    ck_assert_uint_eq(notify_servers_count(got, "/ok/duty"), 2);
    ck_assert_uint_eq(notify_servers_count(got, "/ok/rest"), 0);
    for (size_t i = 0; i < 2; i++) {
        json_t *hook = body_of(got, "/ok/hook", i), *duty = body_of(got, "/ok/duty", i);
        const json_t *labels = json_object_get(hook, "labels");
        ck_assert_str_eq(json_string_value(json_object_get(hook, "state")), states[i]);
        ck_assert_str_eq(json_string_value(json_object_get(labels, "server")), targets[1]);
        ck_assert_str_eq(json_string_value(json_object_get(duty, "event_action")), actions[i]);
        snprintf(keys[i], sizeof keys[i], "%s",
                 json_string_value(json_object_get(duty, "dedup_key")));
        json_decref(hook);
        json_decref(duty);
    }
    ck_assert_str_eq(keys[0], keys[1]);
    json_decref(got);
}

static void expect_in_report(void)
{
    char line[200];
    program_free(&program);
    program_run_volley(&program, "monitor", "report", "--store", store_path, "--json", "-", NULL);
    program_expect_status(&program, 0);
    json_t *reviewed = json_loads(program.out, 0, NULL);
    const json_t *alerts = json_object_get(reviewed, "alerts");
    ck_assert_uint_eq(json_array_size(alerts), 2);
    for (size_t i = 0; i < 2; i++)
        ck_assert_str_eq(json_string_value(json_object_get(json_array_get(alerts, i), "server")),
                         targets[1]);
    json_decref(reviewed);
    program_free(&program);
    program_run_volley(&program, "monitor", "report", "--store", store_path, NULL);
    snprintf(line, sizeof line, "resolved %s: Memory is short\n", targets[1]);
    program_expect_text(program.out, line);
}

TEST(test_only_the_server_that_breaks_a_rule_fires)
{
    /* Breaks when a server that is well fires with one that is not, or an alert does not say which server it is about. */
    write_channels();
    program_start_volley(&program, "monitor", "--interval", "100ms", "--probe-rate", "50",
                         "--store", store_path, "--alerts", rules_path, "--notify", notify_path,
                         "--listen", "0", "--fail-on-alert", "critical", targets[0], targets[1],
                         NULL);
    const uint16_t port = port_of_page();
    ck_assert_int_eq(test_server_integer(&servers[1], "SETRANGE key 8000000 x"), 8000001);
    wait_alert("firing");
    expect_state(port, 0, 0);
    expect_state(port, 1, 2);
    expect_on_page(port);
    notify_servers_wait(&channels, "trigger");
    free(test_server_text(&servers[1], "FLUSHALL SYNC"));
    wait_alert("resolved");
    expect_state(port, 1, 0);
    notify_servers_wait(&channels, "\"resolve\\\"");
    program_signal(&program, SIGTERM);
    program_wait(&program);
    program_expect_status(&program, 1);
    program_expect_text(program.err, "--fail-on-alert critical: an alert has fired");
    ck_assert_ptr_null(strstr(program.err, "still firing"));
    expect_told();
    expect_in_report();
}

TEST(test_what_cannot_be_judged_by_each_is_refused)
{
    /* Breaks when a label that stands for the server's name is taken from a file, or refused of one server alone. */
    temp_tree_write(&tree, "/rules.yaml",
                    "alerts: [{alert: A, expr: volley_rate > 1, labels: {server: mine}}]", 0644);
    program_run_volley(&program, "monitor", "--no-store", "--duration", "200ms", "--interval",
                       "100ms", "--alerts", rules_path, targets[0], targets[1], NULL);
    program_expect_status(&program, 3);
    program_expect_text(program.err, "alert A has a label \"server\"");
    program_free(&program);
    program_run_volley(&program, "monitor", "--no-store", "--duration", "300ms", "--interval",
                       "100ms", "--alerts", rules_path, targets[0], NULL);
    program_expect_status(&program, 0);
    program_expect_text(program.err, "alert A (warning) firing: ");
}

TEST_SUITE_WITH(monitor_alerts, .set_up = set_up, .tear_down = tear_down, .timeout_seconds = 90)
