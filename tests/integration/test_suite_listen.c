/* `volley suite --listen`: what a suite under way says of itself over HTTP. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/check/http_client.h"
#include "tests/support/check/suite.h"
#include "tests/support/check/suite_tree.h"
#include "tests/support/check/support.h"

#define BEARER "Authorization: Bearer 0123456789abcdef\r\n"

static struct suite_tree suite;
static char token_path[300];
static uint16_t port;

static void set_up(void)
{
    suite_tree_make(&suite);
    snprintf(token_path, sizeof token_path, "%s/token", suite.tree.path);
    temp_tree_write(&suite.tree, "/token", "0123456789abcdef\n", 0600);
}

static void tear_down(void)
{
    suite_tree_remove(&suite);
}

/* Two combinations of so much. */
static void configure(const char *how_much)
{
    char text[600];
    snprintf(text, sizeof text, "[{%s, \"commands\": [\"SET\", \"GET\"], " SUITE_TREE_NEEDED "}]",
             how_much);
    suite_tree_configure(&suite, text);
}

static void find_port(void)
{
    program_wait_text(&suite.program, PROGRAM_ERR, "the live page is at ");
    char *said = program_output(&suite.program, PROGRAM_ERR);
    port = http_port_in(said);
    free(said);
}

static json_t *wait_phase(const char *phase)
{
    for (int i = 0; i < 800; i++) {
        json_t *run = http_get_json(port, "/api/run.json");
        const char *now =
            json_string_value(json_object_get(json_object_get(run, "state"), "phase"));
        if (now != NULL && strcmp(now, phase) == 0)
            return run;
        json_decref(run);
        support_sleep_ms(50);
    }
    ck_abort_msg("it never was %s", phase);
}

static int status_of(const char *path, const char *headers)
{
    struct http_reply reply;
    http_get(&reply, port, path, headers);
    const int status = reply.status;
    http_reply_free(&reply);
    return status;
}

static void expect_in(const char *path, const char *text)
{
    struct http_reply reply;
    http_get(&reply, port, path, "");
    ck_assert_int_eq(reply.status, 200);
    program_expect_text(reply.body, text);
    http_reply_free(&reply);
}

static int open_events_at(const char *path, const char *headers)
{
    char request[300];
    const int fd = http_connect(port);
    const int bytes = snprintf(request, sizeof request,
                               "GET %s HTTP/1.1\r\nHost: localhost\r\n%s\r\n", path, headers);
    http_send(fd, request, (size_t)bytes);
    return fd;
}

static int open_events(void)
{
    return open_events_at("/events", "");
}

/* All that has come up to it, until the next call. */
static const char *wait_event(int fd, const char *wanted)
{
    static char text[65536];
    size_t bytes = 0;
    ssize_t got = 1;
    while (got > 0 && bytes < sizeof text - 1) {
        got = read(fd, text + bytes, sizeof text - 1 - bytes);
        bytes += got > 0 ? (size_t)got : 0;
        text[bytes] = '\0';
        if (strstr(text, wanted) != NULL)
            return text;
    }
    ck_abort_msg("no %s in: %s", wanted, text);
}

static size_t count_in(const char *text, const char *wanted)
{
    size_t count = 0;
    for (const char *at = strstr(text, wanted); at != NULL; at = strstr(at + 1, wanted))
        count++;
    return count;
}

TEST(all_that_was_measured_is_told)
{
    /* breaks when results, counts or the end of a suite are not told, differ from its records, or do not stay as long as asked for
     */
    configure("\"requests\": 2000");
    suite_tree_start(&suite, "--runs", "2", "--listen", "0", "--listen-linger", "60", NULL);
    find_port();
    json_t *run = wait_phase("ended");
    json_t *records = suite_tree_records(&suite);
    const json_t *results = json_object_get(run, "results"), *record;
    size_t index;
    ck_assert_uint_eq(json_array_size(records), 4);
    ck_assert_uint_eq(json_array_size(results), 4);
    json_array_foreach(records, index, record)
    {
        const json_t *result = json_array_get(results, index);
        ck_assert_str_eq(suite_tree_text(result, "command"), suite_tree_text(record, "command"));
        ck_assert_double_eq_tol(suite_tree_number(result, "rps"), suite_tree_number(record, "rps"),
                                0.01);
        ck_assert_double_eq(suite_tree_number(result, "run"), suite_tree_number(record, "run"));
    }
    ck_assert_uint_gt(json_array_size(json_object_get(run, "notices")), 4);
    ck_assert_double_gt(suite_tree_number(json_object_get(run, "state"), "elapsed_seconds"), 0);
    expect_in("/", "/api/run.json");
    expect_in("/metrics", "\nvolley_suite_up 0\n");
    expect_in("/metrics", "\nvolley_suite_runs_planned 4\n");
    expect_in("/metrics", "\nvolley_suite_runs_measured_total 4\n");
    expect_in("/stats", "\"measured\":4");
    expect_in("/health",
              "{\"status\":\"ok\",\"checks\":[{\"name\":\"suite_status\",\"status\":\"ok\"");
    ck_assert_int_eq(status_of("/nothing", ""), 404);
    ck_assert_int_eq(status_of("/metrics", "Host: evil.example\r\n"), 403);
    json_decref(records);
    json_decref(run);
    program_signal(&suite.program, SIGINT);
    program_wait(&suite.program);
    program_expect_status(&suite.program, 0);
}

TEST(what_happens_is_told_at_once)
{
    /* breaks when a stream of events lacks a result or the end, or a viewer who does not read holds the suite up */
    configure("\"duration\": 1");
    suite_tree_start(&suite, "--runs", "1", "--listen", "0", NULL);
    find_port();
    const int fd = open_events(), idle_fd = open_events();
    (void)wait_event(fd, "event: result");
    json_t *run = wait_phase("measuring");
    ck_assert_uint_eq(json_array_size(json_object_get(run, "results")), 1);
    json_decref(run);
    (void)wait_event(fd, "\"phase\":\"ended\"");
    program_wait(&suite.program);
    program_expect_status(&suite.program, 0);
    close(fd);
    close(idle_fd);
}

TEST(who_comes_back_has_missed_nothing)
{
    /* breaks when a page that was away sees a result twice, or never, or takes another suite for its own */
    char headers[200];
    configure("\"requests\": 500");
    suite_tree_start(&suite, "--runs", "2", "--listen", "0", "--listen-linger", "60", NULL);
    find_port();
    json_t *run = wait_phase("ended");
    int fd = open_events_at("/events?from=0", "");
    const char *told = wait_event(fd, "\"phase\":\"ended\"");
    ck_assert_uint_eq(count_in(told, "event: result"), 4);
    close(fd);
    snprintf(headers, sizeof headers, "Last-Event-ID: %s-%d\r\n", suite_tree_text(run, "session"),
             (int)suite_tree_number(run, "next") - 3);
    fd = open_events_at("/events", headers);
    told = wait_event(fd, "\"phase\":\"ended\"");
    ck_assert_uint_eq(count_in(told, "\nid: "), 2);
    close(fd);
    fd = open_events_at("/events", "Last-Event-ID: 0123-4\r\n");
    (void)wait_event(fd, "event: other");
    close(fd);
    json_decref(run);
}

TEST(what_failed_is_told)
{
    /* breaks when a combination without figures is not seen to have failed, or why, or the suite passes for healthy */
    suite_tree_configure(
        &suite, "[{\"requests\": 500, \"commands\": [\"SET\"], "
                "\"custom-server-configs\": {\"no-such-setting\": 1}, " SUITE_TREE_NEEDED "}]");
    suite_tree_start(&suite, "--runs", "1", "--listen", "0", "--listen-linger", "60", NULL);
    find_port();
    json_t *run = wait_phase("failed");
    const json_t *result = json_array_get(json_object_get(run, "results"), 0);
    program_expect_text(suite_tree_text(result, "error"), "server");
    program_expect_text(suite_tree_text(json_object_get(run, "state"), "error"), "1 of 1 runs");
    expect_in("/metrics", "\nvolley_suite_runs_failed_total 1\n");
    struct http_reply health;
    http_get(&health, port, "/health", "");
    ck_assert_int_eq(health.status, 503);
    program_expect_text(health.body, "\"suite_status\",\"status\":\"critical\"");
    program_expect_text(health.body, "\"failed_runs_check\",\"status\":\"warning\",\"value\":1.0");
    http_reply_free(&health);
    json_decref(run);
    program_signal(&suite.program, SIGTERM);
    program_wait(&suite.program);
    program_expect_status(&suite.program, 1);
}

TEST(what_runs_side_by_side_is_named)
{
    /* breaks when of loads that run at once all but the first are not seen, or, as they fail, are not told */
    suite_tree_configure(&suite,
                         "[{\"tls_mode\": false, \"cluster_mode\": false, \"keyspacelen\": 100, "
                         "\"test_groups\": [{\"group\": 1, \"scenarios\": [{\"id\": \"c\", "
                         "\"type\": \"mixed\", \"duration\": 1, \"writes\": [{\"id\": \"w\", "
                         "\"clients\": 2, \"command\": \"SET k:__rand_int__ v\"}], \"reads\": "
                         "[{\"id\": \"r\", \"clients\": 2, \"command\": \"NOSUCH 1\"}]}]}]}]");
    suite_tree_start(&suite, "--runs", "1", "--listen", "0", "--listen-linger", "60", NULL);
    find_port();
    json_decref(wait_phase("failed"));
    const int fd = open_events_at("/events?from=0", "");
    const char *told = wait_event(fd, "\"phase\":\"failed\"");
    const char *state = strstr(told, "\"beside\":[\"");
    ck_assert_msg(state != NULL, "%s", told);
    ck_assert_uint_eq(count_in(told, "event: result"), 2);
    ck_assert_uint_eq(count_in(told, "\"error\":\""), 3);
    close(fd);
}

TEST(only_who_has_the_token_looks_on)
{
    /* breaks when results are shown to whoever asks */
    configure("\"requests\": 500");
    suite_tree_start(&suite, "--runs", "1", "--listen", "0", "--listen-linger", "60",
                     "--listen-token", token_path, NULL);
    find_port();
    static const char *const guarded[] = {"/api/run.json", "/metrics", "/stats", "/health",
                                          "/events"};
    for (size_t i = 0; i < sizeof guarded / sizeof guarded[0]; i++)
        ck_assert_int_eq(status_of(guarded[i], ""), 401);
    ck_assert_int_eq(status_of("/", ""), 200);
    ck_assert_int_eq(status_of("/api/run.json", BEARER), 200);
}

TEST(nobody_listens_behind_a_killed_suite)
{
    /* breaks when the process that answers outlives the one that measures */
    configure("\"duration\": 30");
    suite_tree_start(&suite, "--runs", "1", "--listen", "0", NULL);
    find_port();
    json_decref(wait_phase("measuring"));
    const int fd = http_connect(port);
    program_signal(&suite.program, SIGKILL);
    ck_assert(http_is_closed(fd, 10000));
    close(fd);
}

TEST(an_interrupt_reaches_the_page)
{
    /* breaks when the end of an interrupted suite waits for who looks on, or is not told */
    configure("\"duration\": 30");
    suite_tree_start(&suite, "--runs", "1", "--listen", "0", NULL);
    find_port();
    json_decref(wait_phase("measuring"));
    const int fd = open_events();
    program_signal(&suite.program, SIGINT);
    (void)wait_event(fd, "interrupted: 0 of 2 runs are done");
    program_wait(&suite.program);
    program_expect_status(&suite.program, 130);
    close(fd);
}

static const struct {
    const char *words[4];
    const char *says;
} refused[] = {
    {{"--listen", "0.0.0.0:0"}, "--listen-token"},
    {{"--listen", "8x"}, "a port from 0 to 65535"},
    {{"--listen", "203.0.113.7:0", "--listen-token", "TOKEN"}, "cannot listen there"},
    {{"--listen", "0", "--listen-token", "/nowhere/token"}, "cannot read"},
    {{"--listen", "0", "--allow-control"}, "a suite is not steered"},
    {{"--listen", "0", "--mode", "server"}, "--mode server does not"},
    {{"--listen-token", "TOKEN"}, "--listen-token needs --listen"},
    {{"--listen-linger", "5"}, "--listen-linger needs --listen"},
};

LOOP_TEST(refused_before_anything_begins, sizeof refused / sizeof refused[0])
{
    /* breaks when what is wrong about an address is found out while servers run, or not at all */
    const char *words[4];
    for (size_t i = 0; i < 4; i++)
        words[i] = refused[_i].words[i] != NULL && strcmp(refused[_i].words[i], "TOKEN") == 0
                       ? token_path
                       : refused[_i].words[i];
    configure("\"requests\": 500");
    suite_tree_run(&suite, words[0], words[1], words[2], words[3], NULL);
    program_expect_status(&suite.program, 2);
    program_expect_text(suite.program.err, refused[_i].says);
    ck_assert_int_ne(access(suite.results, F_OK), 0);
}

TEST(a_port_in_use)
{
    /* breaks when a second program takes the page of a suite, or a suite begins without one */
    char number[16];
    configure("\"duration\": 30");
    suite_tree_start(&suite, "--runs", "1", "--listen", "0", NULL);
    find_port();
    struct program second;
    snprintf(number, sizeof number, "%u", port);
    program_run_volley(&second, "suite", "--config", suite.config, "--valkey-path", suite.sources,
                       "--listen", number, NULL);
    program_expect_status(&second, 2);
    program_expect_text(second.err, "Address already in use");
    program_free(&second);
}

TEST_SUITE_WITH(suite_listen, .set_up = set_up, .tear_down = tear_down, .timeout_seconds = 90)
