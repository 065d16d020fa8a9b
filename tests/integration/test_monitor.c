/* volley monitor and volley latency-history against real servers: what is seen of them, across restarts of both sides. */
#include <jansson.h>
#include <regex.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "orchestrator/watch/latency_probe.h"
#include "tests/support/check/fake_server.h"
#include "tests/support/check/http_client.h"
#include "tests/support/check/run.h"
#include "tests/support/check/run_json.h"
#include "tests/support/check/server.h"
#include "tests/support/check/suite.h"
#include "tests/support/check/support.h"
#include "tests/support/check/temp_tree.h"

static struct temp_tree tree;
static struct test_server server;
static struct program program;
static char store_path[200], json_path[200], csv_path[200], target[64];

static void set_up(void)
{
    temp_tree_make(&tree);
    test_server_start(&server, NULL);
    snprintf(store_path, sizeof store_path, "%s/m.db", tree.path);
    snprintf(json_path, sizeof json_path, "%s/report.json", tree.path);
    snprintf(csv_path, sizeof csv_path, "%s/latency.csv", tree.path);
    snprintf(target, sizeof target, "127.0.0.1:%u", server.port);
}

static void tear_down(void)
{
    program_free(&program);
    test_server_stop(&server);
    temp_tree_remove(&tree);
}

#define MONITOR(...)                                                                               \
    program_start_volley(&program, "monitor", "--interval", "100ms", "--window", "300ms",          \
                         "--probe-rate", "50", "--store", store_path, __VA_ARGS__, NULL)

static json_t *report(void)
{
    json_error_t error;
    struct program run;
    program_run_volley(&run, "monitor", "report", "--store", store_path, "--json", json_path, NULL);
    program_expect_status(&run, 0);
    program_free(&run);
    json_t *json = json_load_file(json_path, 0, &error);
    ck_assert_msg(json != NULL, "%s", error.text);
    return json;
}

TEST(test_a_monitor_outlives_restarts)
{
    /* Breaks when a server's end ends the monitor, or what was seen before a kill -9 of the monitor is lost. */
    MONITOR(target);
    program_wait_text(&program, PROGRAM_ERR, " answered; ");
    test_server_kill(&server);
    program_wait_text(&program, PROGRAM_ERR, "it is tried again until it answers");
    program_wait_text(&program, PROGRAM_ERR, ": 0 of 1"); /* 15 a window; older than a second */
    test_server_restart(&server);
    program_wait_text(&program, PROGRAM_ERR, "answers again");
    support_sleep_ms(400);     /* a sample of the new one; a later one does as well */
    json_t *before = report(); /* beside the monitor that writes */
    program_signal(&program, SIGKILL);
    program_wait(&program);
    program_free(&program);
    MONITOR("--duration", "500ms", target);
    program_wait(&program);
    program_expect_status(&program, 0);
    json_t *after = report();
    const json_t *one = json_array_get(json_object_get(after, "targets"), 0);
    const json_t *old = json_array_get(json_object_get(before, "targets"), 0);
    ck_assert_double_eq(run_json_number(after, "runs"), 2);
    ck_assert_double_eq(run_json_number(after, "not_watched.count"), 1);
    ck_assert_double_eq(run_json_number(after, "rows_lost"), 0);
    ck_assert_double_eq(run_json_number(one, "restarts.count"), 1);
    ck_assert_double_ge(run_json_number(one, "down.count"), 1);
    ck_assert_double_gt(run_json_number(one, "samples"), run_json_number(old, "samples"));
    ck_assert_double_gt(run_json_number(one, "whole.answered"),
                        run_json_number(old, "whole.answered"));
    ck_assert_double_lt(run_json_number(one, "whole.availability"), 1);
    json_decref(before);
    json_decref(after);
    program_free(&program);
    program_run_volley(&program, "monitor", "report", "--store", store_path, NULL);
    program_expect_text(program.out, " s (to the interval)\n");
}

TEST(test_a_monitor_serves_what_a_run_does)
{
    /* Breaks when page and endpoints do not know a monitor, or count otherwise than its store. */
    struct http_reply metrics;
    MONITOR("--listen", "0", "--duration", "1s", "--listen-linger", "60", target, "127.0.0.1:1");
    program_wait_text(&program, PROGRAM_ERR, "the live page is at ");
    char *text = program_output(&program, PROGRAM_ERR);
    const uint16_t port = http_port_in(text);
    free(text);
    const char *phase = "";
    json_t *run = NULL;
    for (int i = 0; i < 400 && strcmp(phase, "ended") != 0; i++) {
        support_sleep_ms(25);
        json_decref(run);
        run = http_get_json(port, "/api/run.json");
        phase = json_string_value(json_object_get(json_object_get(run, "state"), "phase"));
    }
    ck_assert_str_eq(phase, "ended");
    http_get(&metrics, port, "/metrics", "");
    program_expect_text(metrics.body, "op=\"PING\"");
    program_expect_text(metrics.body, "volley_server_up{node=\"127.0.0.1:1\"} 0\n");
    http_reply_free(&metrics);
    const json_t *over = json_array_get(json_object_get(run, "runs"), 0);
    json_t *reviewed = report();
    const json_t *targets = json_object_get(reviewed, "targets");
    ck_assert_uint_eq(json_array_size(targets), 2);
    ck_assert_double_eq(run_json_number(json_array_get(targets, 1), "whole.answered"),
                        run_json_number(over, "requests.ok"));
    ck_assert_double_eq(run_json_number(json_array_get(targets, 0), "whole.answered"), 0);
    json_decref(reviewed);
    json_decref(run);
    program_signal(&program, SIGTERM);
    program_wait(&program);
    program_expect_status(&program, 0);
}

TEST(test_an_alert_is_kept_as_it_is)
{
    /* Breaks when one server of two that is dead is no alert, the store has another severity or server than it is about, or its
     * report takes what is the monitor's. */
    char rules[200];
    snprintf(rules, sizeof rules, "%s/rules.yaml", tree.path);
    temp_tree_write(&tree, "/rules.yaml",
                    "alerts:\n- alert: Answers\n  expr: volley_server_up == 0\n"
                    "  labels:\n    severity: critical\n",
                    0644);
    MONITOR("--duration", "1s", "--alerts", rules, target, "127.0.0.1:1");
    program_wait(&program);
    program_expect_status(&program, 0);
    json_t *reviewed = report();
    const json_t *alerts = json_object_get(reviewed, "alerts");
    ck_assert_uint_eq(json_array_size(alerts), 1);
    const json_t *alert = json_array_get(alerts, 0);
    ck_assert_str_eq(json_string_value(json_object_get(alert, "alert")), "Answers");
    ck_assert_str_eq(json_string_value(json_object_get(alert, "severity")), "critical");
    ck_assert_str_eq(json_string_value(json_object_get(alert, "server")), "127.0.0.1:1");
    json_decref(reviewed);
    program_free(&program);
    program_run_volley(&program, "monitor", "report", "--store", store_path, "--alerts", rules,
                       NULL);
    program_expect_status(&program, 2);
    program_expect_text(program.err, "--alerts is no option of volley monitor report");
}

TEST(test_a_server_that_makes_numbers_up)
{
    /* Breaks when amounts that no server can have are told, kept, or undefined behaviour. */
    static const char fields[] = "used_memory:1e30\r\nused_memory_rss:-1\r\n"
                                 "instantaneous_ops_per_sec:-1e40\r\nmaxmemory:inf\r\n"
                                 "connected_clients:3\r\nuptime_in_seconds:5\r\n";
    char info[300], fake_target[64];
    struct fake_server fake;
    snprintf(info, sizeof info, "$%zu\r\n%s\r\n", sizeof fields - 1, fields);
    const struct fake_rule rules[] = {
        {.command = "INFO", .action = FAKE_REPLY, .bytes = info},
        {.command = "DBSIZE", .action = FAKE_REPLY, .bytes = ":-9223372036854775808\r\n"}};
    fake_server_start(&fake, &(struct fake_script){.rules = rules, .rule_count = 2});
    snprintf(fake_target, sizeof fake_target, "127.0.0.1:%u", fake.port);
    MONITOR("--duration", "2s", fake_target);
    program_wait(&program);
    program_expect_status(&program, 0);
    program_expect_text(program.err, " answered\n"); /* and nothing of commands or memory */
    json_t *reviewed = report();
    const json_t *one = json_array_get(json_object_get(reviewed, "targets"), 0);
    ck_assert_double_eq(run_json_number(one, "capacity.connected_clients_max"), 3);
    ck_assert(json_is_null(json_object_get(json_object_get(one, "whole"), "used_memory")));
    ck_assert(json_is_null(json_object_get(json_object_get(one, "capacity"), "limit_bytes")));
    json_decref(reviewed);
    fake_server_free(&fake);
}

TEST(test_nobody_is_asked_behind_the_end)
{
    /* Breaks when a healthy server is said not to answer while the page of a monitor that is over lingers. */
    char fake_target[64];
    struct fake_server fake;
    const struct fake_rule slow = {.command = "PING", .delay_ms = 100};
    fake_server_start(&fake, &(struct fake_script){.rules = &slow, .rule_count = 1});
    snprintf(fake_target, sizeof fake_target, "127.0.0.1:%u", fake.port);
    MONITOR("--listen", "0", "--duration", "500ms", "--listen-linger", "60", fake_target);
    fake_server_wait(&fake.counters->closed, 2); /* of the probe, and of the sampler */
    support_sleep_ms(200);                       /* the answer that was under way */
    program_signal(&program, SIGTERM);
    program_wait(&program);
    program_expect_status(&program, 0);
    ck_assert_msg(strstr(program.err, "nobody asked for") == NULL, "%s", program.err);
    ck_assert_msg(strstr(program.err, "tried again") == NULL, "%s", program.err);
    fake_server_free(&fake);
}

TEST(test_lines_of_latency)
{
    /* Breaks when a line is not as redis-cli has it, or the CSV disagrees with it. */
    regex_t line;
    ck_assert_int_eq(regcomp(&line,
                             "^min: [0-9]+\\.[0-9]{3}, max: [0-9]+\\.[0-9]{3}, avg: "
                             "[0-9]+\\.[0-9]{3} \\([0-9]+ samples\\) -- [0-9]+\\.[0-9]{2} seconds "
                             "range\n",
                             REG_EXTENDED),
                     0);
    program_run_volley(&program, "latency-history", "-i", "500ms", "--duration", "1500ms", "--csv",
                       csv_path, target, NULL);
    program_expect_status(&program, 0);
    ck_assert_msg(regexec(&line, program.out, 0, NULL, 0) == 0, "%s", program.out);
    regfree(&line);
    FILE *csv = fopen(csv_path, "r");
    char head[200], row[300];
    unsigned long long at_ms, samples, unanswered;
    double seconds, least, mean, p50, p95, p99, p99_9, most, said_least;
    ck_assert(csv != NULL && fgets(head, sizeof head, csv) != NULL);
    ck_assert_str_eq(head, "at_ms,seconds,samples,unanswered,min_ms,avg_ms,p50_ms,p95_ms,p99_ms,"
                           "p99_9_ms,max_ms\n");
    ck_assert_ptr_nonnull(fgets(row, sizeof row, csv));
    ck_assert_int_eq(sscanf(row, "%llu,%lf,%llu,%llu,%lf,%lf,%lf,%lf,%lf,%lf,%lf", &at_ms, &seconds,
                            &samples, &unanswered, &least, &mean, &p50, &p95, &p99, &p99_9, &most),
                     11);
    ck_assert_int_eq(sscanf(program.out, "min: %lf", &said_least), 1);
    ck_assert_double_eq_tol(said_least, least, 0.00051);
    ck_assert(least <= mean && mean <= most && least <= p50 && p50 <= p95 && p95 <= p99 &&
              p99 <= p99_9 && p99_9 <= most);
    ck_assert(samples > 10 && unanswered == 0);
    fclose(csv);
}

TEST(test_a_dead_server_is_told_by_line)
{
    /* Breaks when a server that dies ends the lines, or one that comes back has none. */
    program_start_volley(&program, "latency-history", "-i", "300ms", target, NULL);
    program_wait_text(&program, PROGRAM_OUT, "samples) -- ");
    test_server_kill(&server);
    program_wait_text(&program, PROGRAM_OUT, "no answer (0 samples, ");
    test_server_restart(&server);
    program_wait_text(&program, PROGRAM_ERR, "answers again");
    program_signal(&program, SIGINT);
    program_wait(&program);
    program_expect_status(&program, 0);
}

TEST(test_a_server_that_never_answers_is_a_failure)
{
    /* Breaks when a script that asks for the latency of a dead server is told that all is well, or has no CSV of it. */
    static char text[400];
    program_run_volley(&program, "latency-history", "-i", "200ms", "--duration", "400ms", "--csv",
                       csv_path, "127.0.0.1:1", NULL);
    program_expect_status(&program, 5);
    program_expect_text(program.out, "no answer (0 samples, ");
    program_expect_text(program.err, "127.0.0.1:1 has answered no PING in 0.");
    FILE *csv = fopen(csv_path, "r");
    ck_assert_ptr_nonnull(csv);
    ck_assert_ptr_nonnull(fgets(text, sizeof text, csv));
    ck_assert_ptr_nonnull(fgets(text, sizeof text, csv));
    fclose(csv);
}

TEST(test_without_a_target_it_is_that_of_host_and_port)
{
    /* Breaks when a monitor watches another server than the options say, or its help does not tell which. */
    char port[8];
    snprintf(port, sizeof port, "%u", server.port);
    MONITOR("--duration", "300ms", "--port", port);
    program_wait(&program);
    program_expect_status(&program, 0);
    program_expect_text(program.err, target);
    program_free(&program);
    program_run_volley(&program, "monitor", "--help", NULL);
    program_expect_text(program.out, "without one it is that of");
}

/* ---- the probe, in this process ---- */

static void on_step(evutil_socket_t fd, short what, void *base)
{
    (void)fd;
    (void)what;
    event_base_loopbreak(base);
}

static uint8_t number_of_error(void *state, const char *text)
{
    (void)state;
    (void)text;
    return 0;
}

TEST(test_every_row_of_a_probe_adds_up)
{
    /* Breaks when a PING is forgotten or counted twice while a server hangs, dies and comes back. */
    struct event_base *base = event_base_new();
    const struct timeval step = {.tv_usec = 20000};
    struct event *timer = event_new(base, -1, EV_PERSIST, on_step, base);
    struct endpoint endpoint = {.connection_timeout_ns = 200 * NS_PER_MS,
                                .request_timeout_ns = 200 * NS_PER_MS};
    struct target_address address = {.address_bytes = sizeof(struct sockaddr_in)};
    struct sockaddr_in *name = (struct sockaddr_in *)&address.address;
    *name = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(server.port)};
    name->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    snprintf(address.text, sizeof address.text, "%s", target);
    const struct latency_probe_setup setup = {.target = &address,
                                              .endpoint = &endpoint,
                                              .period_ns = 5 * NS_PER_MS,
                                              .start_ns = clock_now_ns(),
                                              .number_of_error = number_of_error};
    struct latency_probe *probe = NULL;
    struct err err = {.code = OK};
    struct interval_row *total = interval_row_create();
    ck_assert_int_eq(latency_probe_start(&probe, base, &setup, &err), OK);
    ck_assert_int_eq(event_add(timer, &step), 0);
    uint64_t ok_before_pause = 0;
    for (int i = 0; i < 120; i++) {
        if (i == 20)
            test_server_pause(&server);
        if (i == 50)
            test_server_resume(&server);
        if (i == 70)
            test_server_kill(&server);
        if (i == 90)
            test_server_restart(&server);
        event_base_dispatch(base);
        const struct interval_row *row = latency_probe_cut(probe, clock_now_ns(), i == 119);
        ck_assert_msg(interval_row_check(row, &err) == OK, "%d: %s", i, err.text);
        interval_row_add(total, row);
        total->header.backlog_after = row->header.backlog_after;
        ok_before_pause += i < 20 ? row->counters[COUNTER_OK] : 0;
    }
    const uint64_t *counters = total->counters;
    ck_assert_uint_gt(ok_before_pause, 20);
    ck_assert_uint_gt(counters[COUNTER_OK], ok_before_pause);
    ck_assert_uint_ge(counters[COUNTER_TIMED_OUT], 1);
    ck_assert_uint_ge(counters[COUNTER_CONNECTIONS_LOST], 2);
    ck_assert_uint_eq(counters[COUNTER_DUE], counters[COUNTER_SENT] + counters[COUNTER_SHED_NODE] +
                                                 total->header.backlog_after);
    /* what waited behind the one that hung counts from its own time */
    ck_assert_uint_gt(total->histograms[HISTOGRAM_RESPONSE_OK].max_ns, 100 * NS_PER_MS);
    latency_probe_stop(probe);
    event_free(timer);
    event_base_free(base);
    free(total);
}

static void expect_refusal(const char *wanted, const char *one, const char *two, const char *three)
{
    program_run_volley(&program, one, two, three, NULL);
    program_expect_status(&program, 2);
    program_expect_text(program.err, wanted);
    program_free(&program);
}

TEST(test_bad_input_is_refused)
{
    /* Breaks when a monitor begins with what cannot be meant, or shows a password. */
    expect_refusal("is an option of volley monitor report", "monitor", "--since=7d", target);
    expect_refusal("is no option of volley monitor report", "monitor", "report", "--interval=1s");
    expect_refusal("there is no store", "monitor", "report", "--store=/nonexistent/m.db");
    expect_refusal("cannot be written", "monitor", "--store=/nonexistent/m.db", target);
    expect_refusal("is named twice", "monitor", target, target);
    expect_refusal("needs --listen", "monitor", "--listen-linger=1", target);
    expect_refusal("holds a login", "monitor", "--no-store", "user:geheim@127.0.0.1");
    expect_refusal("unknown scheme", "monitor", "--no-store", "http://x:geheim@127.0.0.1");
    expect_refusal("name one", "latency-history", target, "127.0.0.1:1");
}

TEST_SUITE_WITH(monitor, .set_up = set_up, .tear_down = tear_down, .timeout_seconds = 90)
