/* --listen: what a run under way says of itself over HTTP, and that it agrees with its report. */
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "orchestrator/watch/prometheus_name.h"
#include "tests/support/check/http_client.h"
#include "tests/support/check/run.h"
#include "tests/support/check/suite.h"
#include "tests/support/check/support.h"
#include "tests/support/check/temp_tree.h"

static struct temp_tree tree;
static struct program program;
static char token_path[200], json_path[200];
static uint16_t port;

static void set_up(void)
{
    temp_tree_make(&tree);
    snprintf(token_path, sizeof token_path, "%s/token", tree.path);
    snprintf(json_path, sizeof json_path, "%s/run.json", tree.path);
    temp_tree_write(&tree, "/token", "0123456789abcdef\n", 0600);
}

static void tear_down(void)
{
    program_free(&program);
    temp_tree_remove(&tree);
}

/* A load that needs no server, and where it listens. */
#define LISTEN(...)                                                                                \
    do {                                                                                           \
        program_start_volley(&program, "bench", "--null", "-r", "100", "--interval", "100ms",      \
                             "--listen", "0", __VA_ARGS__, NULL);                                  \
        program_wait_text(&program, PROGRAM_ERR, "the live page is at ");                          \
        char *said = program_output(&program, PROGRAM_ERR);                                        \
        port = http_port_in(said);                                                                 \
        free(said);                                                                                \
    } while (0)

static json_t *wait_phase(const char *phase)
{
    for (int i = 0; i < 400; i++) {
        json_t *run = http_get_json(port, "/api/run.json");
        const json_t *state = json_object_get(run, "state");
        if (strcmp(json_string_value(json_object_get(state, "phase")), phase) == 0)
            return run;
        json_decref(run);
        support_sleep_ms(50);
    }
    ck_abort_msg("it never was %s", phase);
}

static double at_path(const json_t *object, const char *path)
{
    for (const char *at = path; object != NULL && *at != '\0';) {
        char key[60];
        const size_t bytes = strcspn(at, ".");
        snprintf(key, sizeof key, "%.*s", (int)bytes, at);
        object = json_object_get(object, key);
        at += bytes + (at[bytes] == '.');
    }
    return json_is_number(object) ? json_number_value(object) : NAN;
}

/* The value of a sample whose line begins so; NAN: there is none. */
static double metric_in(const char *text, const char *name, const char *label)
{
    const size_t bytes = strlen(name);
    for (const char *line = text; line != NULL && *line != '\0'; line = strchr(line, '\n')) {
        line += *line == '\n';
        const size_t line_bytes = strcspn(line, "\n");
        if (strncmp(line, name, bytes) != 0 || (line[bytes] != '{' && line[bytes] != ' '))
            continue;
        const char *end = line + line_bytes, *space = memrchr(line, ' ', line_bytes);
        if (label != NULL && memmem(line, line_bytes, label, strlen(label)) == NULL)
            continue;
        ck_assert(space != NULL && space < end);
        return strtod(space, NULL);
    }
    return NAN;
}

/* Every count of the report is in /metrics, and is the same. Returns how many there are. */
static int compare_counts(const char *metrics, const json_t *run)
{
    int compared = 0;
    for (unsigned id = 0; id < METRICS; id++) {
        const struct prometheus_name name = prometheus_name_of(id);
        const double told = at_path(run, metric_table[id].path);
        char label[80];
        if (name.type != PROMETHEUS_COUNTER || isnan(told))
            continue;
        snprintf(label, sizeof label, "%s=\"%s\"", name.label != NULL ? name.label : "op",
                 name.label != NULL ? name.value : "GET");
        const double shown = metric_in(metrics, name.family, label);
        ck_assert_msg(fabs(shown - told) < 0.5, "%s: %.15g, and %s is %.15g", name.family, shown,
                      metric_table[id].path, told);
        compared++;
    }
    return compared;
}

TEST(test_metrics_agree_with_the_report)
{
    /* Breaks when /metrics, /api/intervals or /api/run.json count otherwise than the report of the same run. */
    struct http_reply metrics;
    json_error_t error;
    LISTEN("-t", "get", "--qps", "3000", "--duration", "2", "--warmup", "300ms", "--json",
           json_path, "--listen-linger", "60");
    json_t *live = wait_phase("ended");
    json_t *report = json_load_file(json_path, 0, &error);
    ck_assert_msg(report != NULL, "%s", error.text);
    const json_t *run = json_array_get(json_object_get(report, "runs"), 0);
    const json_t *same = json_array_get(json_object_get(live, "runs"), 0);
    http_get(&metrics, port, "/metrics", "");
    ck_assert_int_eq(metrics.status, 200);
    ck_assert_int_gt(compare_counts(metrics.body, run), 20);
    ck_assert_double_eq(metric_in(metrics.body, "volley_latency_seconds_count", "op=\"GET\""),
                        at_path(run, "response_time_us.count"));
    ck_assert_double_eq(at_path(same, "requests.ok"), at_path(run, "requests.ok"));
    /* null in both, where more than 1 % of a busy machine's requests had no reply */
    char *p99_live = json_dumps(json_object_get(json_object_get(same, "response_time_us"), "p99"),
                                JSON_ENCODE_ANY | JSON_REAL_PRECISION(12));
    char *p99_report = json_dumps(json_object_get(json_object_get(run, "response_time_us"), "p99"),
                                  JSON_ENCODE_ANY | JSON_REAL_PRECISION(12));
    ck_assert_str_eq(p99_live, p99_report);
    free(p99_live);
    free(p99_report);
    /* the same intervals, in two parts */
    const json_t *intervals = json_object_get(run, "intervals");
    json_t *first = http_get_json(port, "/api/intervals");
    json_t *rest = http_get_json(port, "/api/intervals?from=5");
    ck_assert_uint_eq(json_array_size(json_object_get(first, "intervals")),
                      json_array_size(intervals));
    for (size_t i = 0; i < json_array_size(intervals); i++) {
        const json_t *one = json_array_get(json_object_get(first, "intervals"), i);
        ck_assert_double_eq(at_path(one, "requests.ok"),
                            at_path(json_array_get(intervals, i), "requests.ok"));
        ck_assert_double_eq(at_path(one, "number"), (double)i);
    }
    ck_assert_double_eq(at_path(json_array_get(json_object_get(rest, "intervals"), 0), "number"),
                        5);
    json_decref(rest);
    json_decref(first);
    json_decref(report);
    json_decref(live);
    http_reply_free(&metrics);
    program_signal(&program, SIGINT);
    program_wait(&program);
    program_expect_status(&program, 0); /* what was measured was complete */
}

/* Reads events on a connection of its own until this stands in them. */
static void expect_event(const char *headers, const char *wanted)
{
    char request[300], text[65536];
    const int fd = http_connect(port);
    const int bytes = snprintf(request, sizeof request,
                               "GET /events?from=0 HTTP/1.1\r\nHost: localhost\r\n%s\r\n", headers);
    size_t got = 0;
    http_send(fd, request, (size_t)bytes);
    for (text[0] = '\0'; got + 1 < sizeof text && strstr(text, wanted) == NULL;) {
        const ssize_t more = read(fd, text + got, sizeof text - 1 - got);
        ck_assert_msg(more > 0, "no %s in %s", wanted, text);
        text[got += (size_t)more] = '\0';
    }
    ck_assert_ptr_nonnull(strstr(text, wanted));
    close(fd);
}

TEST(test_events_have_numbers)
{
    /* Breaks when somebody who comes back misses an event, or gets one twice. */
    char first[64] = "";
    LISTEN("-t", "get", "--qps", "1000", "--duration", "30");
    json_decref(wait_phase("running"));
    for (int round = 0; round < 2; round++) {
        char header[128] = "";
        if (round > 0)
            snprintf(header, sizeof header, "Last-Event-ID: %s\r\n", first);
        const int fd = http_connect(port);
        char request[300], text[65536];
        const int bytes =
            snprintf(request, sizeof request,
                     "GET /events?from=0 HTTP/1.1\r\nHost: localhost\r\n%s\r\n", header);
        http_send(fd, request, (size_t)bytes);
        size_t got = 0;
        while (got + 1 < sizeof text) { /* until two whole events of intervals are there */
            const ssize_t more = read(fd, text + got, sizeof text - 1 - got);
            ck_assert_int_gt(more, 0);
            text[got += (size_t)more] = '\0';
            const char *one = strstr(text, "event: interval");
            const char *two = one != NULL ? strstr(one + 1, "event: interval") : NULL;
            if (two != NULL && strstr(two, "\n\n") != NULL)
                break;
        }
        const char *id = strstr(text, "id: ");
        ck_assert_msg(id != NULL, "%s", text);
        unsigned long number = strtoul(strchr(id, '-') + 1, NULL, 10);
        ck_assert_uint_eq(number, round);
        snprintf(first, sizeof first, "%.*s", (int)strcspn(id + 4, "\r\n"), id + 4);
        close(fd);
    }
    expect_event("Last-Event-ID: another-7\r\n", "event: other");
}

static json_t *control(const char *headers, const char *body, int status)
{
    struct http_reply reply;
    http_post(&reply, port, "/api/control", headers, body);
    ck_assert_msg(reply.status == status, "%s: %d %s", body, reply.status, reply.body);
    json_t *json = json_loads(reply.body, 0, NULL);
    http_reply_free(&reply);
    return json;
}

#define BEARER "Authorization: Bearer 0123456789abcdef\r\n"

static int status_of(const char *path, const char *headers)
{
    struct http_reply reply;
    http_get(&reply, port, path, headers);
    const int status = reply.status;
    http_reply_free(&reply);
    return status;
}

TEST(test_a_token_guards)
{
    /* Breaks when figures are told, or the load is steered, without the token, with a wrong one, or with
     * that of another volley of this host. */
    static const char *const guarded[] = {"/metrics",       "/stats",        "/health",
                                          "/events",        "/api/run.json", "/api/page.json",
                                          "/api/intervals", "/nothing"};
    struct http_reply reply;
    char cookie[160];
    LISTEN("-t", "get", "--qps", "1000", "--duration", "30", "--listen-token", token_path,
           "--allow-control", "--json", json_path);
    for (size_t i = 0; i < sizeof guarded / sizeof guarded[0]; i++) {
        ck_assert_int_eq(status_of(guarded[i], ""), 401);
        ck_assert_int_eq(status_of(guarded[i], "Authorization: Bearer 0123456789abcdex\r\n"), 401);
        snprintf(cookie, sizeof cookie, "Cookie: volley_token_%u=\r\n", port);
        ck_assert_int_eq(status_of(guarded[i], cookie), 401);
    }
    ck_assert_int_eq(status_of("/", ""), 200);
    ck_assert_int_eq(status_of("/metrics", BEARER), 200);
    json_decref(control("", "{\"status\": true}", 401));
    http_post(&reply, port, "/api/login", "", "{\"token\": \"0123456789abcdex\"}");
    ck_assert_int_eq(reply.status, 401);
    http_reply_free(&reply);
    http_post(&reply, port, "/api/login", "", "{\"token\": \"0123456789abcdef\"}");
    ck_assert_int_eq(reply.status, 200);
    ck_assert_msg(strstr(reply.head, "HttpOnly; SameSite=Strict") != NULL, "%s", reply.head);
    /* A browser has those of the other volleys of this host beside it, and keeps one of each name. */
    snprintf(cookie, sizeof cookie, "Set-Cookie: volley_token_%u=0123456789abcdef;", port);
    ck_assert_msg(strstr(reply.head, cookie) != NULL, "%s", reply.head);
    http_reply_free(&reply);
    snprintf(cookie, sizeof cookie,
             "Cookie: volley_token_1=another; volley_token_%u=0123456789abcdef\r\n", port);
    ck_assert_int_eq(status_of("/metrics", cookie), 200);
    snprintf(cookie, sizeof cookie, "Cookie: volley_token_%u=0123456789abcdef\r\n", port + 1u);
    ck_assert_int_eq(status_of("/metrics", cookie), 401);

    for (int i = 0; i < 400; i++) { /* a run takes changes when it measures */
        json_t *answer = control(BEARER, "{\"status\": true}", 200);
        const char *state =
            json_string_value(json_object_get(json_object_get(answer, "status"), "state"));
        const bool running = strcmp(state, "running") == 0;
        json_decref(answer);
        if (running)
            break;
        support_sleep_ms(20);
    }
    json_decref(control(BEARER, "{\"rate\": 500}", 200));
    json_decref(control(BEARER, "{\"note\": \"cache flushed\"}", 200));
    json_decref(control(BEARER, "{\"rate\": -1}", 400));
    json_decref(control(BEARER, "rubbish", 400));
    json_decref(control(BEARER, "{\"stop\": true}", 200));
    program_wait(&program);
    program_expect_status(&program, 0);
    json_t *report = json_load_file(json_path, 0, NULL);
    char *events = json_dumps(
        json_object_get(json_array_get(json_object_get(report, "runs"), 0), "events"), 0);
    ck_assert_ptr_nonnull(events);
    program_expect_text(events, "cache flushed");
    program_expect_text(events, "rate 500");
    ck_assert_ptr_null(strstr(program.err, "0123456789abcdef"));
    free(events);
    json_decref(report);
}

TEST(test_nobody_steers_unasked)
{
    /* Breaks when a run that was begun without --allow-control can be stopped by whoever looks on. */
    LISTEN("-t", "get", "--qps", "1000", "--duration", "30");
    json_decref(control("", "{\"stop\": true}", 403));
    json_decref(wait_phase("running"));
    program_signal(&program, SIGINT);
    program_wait(&program);
    program_expect_status(&program, 130);
}

TEST(test_the_last_event_arrives)
{
    /* Breaks when a page never hears that the run has ended. */
    LISTEN("-t", "get", "--qps", "1000", "--duration", "1");
    expect_event("", "event: end");
    program_wait(&program);
    program_expect_status(&program, 0);
}

static const struct {
    const char *words[6];
    const char *says;
} refused[] = {
    {{"--listen", "0.0.0.0:0"}, "--listen-token"},
    {{"--listen", "8x"}, "a port from 0 to 65535"},
    {{"--listen", "203.0.113.7:0", "--listen-token", "TOKEN"}, "cannot listen there"},
    {{"--listen", "0", "--listen-token", "/dev/null"}, "no regular file"},
    {{"--listen", "0", "--listen-token", "/nowhere/token"}, "cannot read"},
    {{"--listen", "0", "--allow-control"}, "--allow-control needs --listen-token"},
    {{"--listen-token", "TOKEN"}, "--listen-token needs --listen"},
    {{"--listen-linger", "5"}, "--listen-linger needs --listen"},
};

LOOP_TEST(test_refused, sizeof refused / sizeof refused[0])
{
    /* Breaks when what is wrong about an address is found out while the load runs, or not at all. */
    const char *words[6];
    for (size_t i = 0; i < 6; i++)
        words[i] = refused[_i].words[i] != NULL && strcmp(refused[_i].words[i], "TOKEN") == 0
                       ? token_path
                       : refused[_i].words[i];
    program_run_volley(&program, "bench", "-p", "1", "-t", "get", "-n", "10", words[0], words[1],
                       words[2], words[3], words[4], words[5], NULL);
    program_expect_status(&program, 2);
    program_expect_text(program.err, refused[_i].says);
}

TEST(test_a_port_in_use)
{
    /* Breaks when a second run takes the page of the first one, or begins without one. */
    char number[16];
    struct program second;
    LISTEN("-t", "get", "--qps", "1000", "--duration", "30");
    snprintf(number, sizeof number, "%u", port);
    program_run_volley(&second, "bench", "--null", "-n", "10", "--listen", number, NULL);
    program_expect_status(&second, 2);
    program_expect_text(second.err, "Address already in use");
    program_free(&second);
}

TEST_SUITE_WITH(listen, .set_up = set_up, .tear_down = tear_down, .timeout_seconds = 60)
