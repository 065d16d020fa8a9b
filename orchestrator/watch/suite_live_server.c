#include "orchestrator/watch/suite_live_server.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/version.h"
#include "orchestrator/report/json_value.h"
#include "orchestrator/watch/event_streams.h"
#include "orchestrator/watch/health.h"
#include "orchestrator/watch/http_answers.h"
#include "orchestrator/watch/page_answers.h"
#include "orchestrator/watch/prometheus.h"
#include "orchestrator/watch/suite_live.h"

#define RESULTS_MAX 5000u
#define NOTICES_MAX 50u

struct server {
    struct event_base *base;
    struct http_service *http;
    struct event_streams *events;
    uint64_t begun_ns, told_ns, left_out; /* told_ns: when something was told last */
    json_t *state, *results, *notices;
    char message[SUITE_LIVE_MESSAGE_BYTES];
};

/* ---- what is told ---- */

/* It stands still when the suite has ended. */
static void put_elapsed(const struct server *server)
{
    if (json_object_get(server->state, "ended") == NULL)
        json_object_set_new(server->state, "elapsed_seconds",
                            json_real(clock_seconds(clock_now_ns() - server->begun_ns)));
}

static void keep(struct server *server, const char *event, json_t *object)
{
    const bool notice = strcmp(event, "notice") == 0;
    json_t *list = notice ? server->notices : server->results;
    if (strcmp(event, "state") == 0) {
        put_elapsed(server);
        json_object_update(server->state, object);
        return;
    }
    json_array_append(list, object);
    if (json_array_size(list) <= (notice ? NOTICES_MAX : RESULTS_MAX))
        return;
    json_array_remove(list, 0);
    server->left_out += !notice;
}

static void on_message(evutil_socket_t fd, short what, void *argument)
{
    struct server *server = argument;
    const ssize_t bytes = recv(fd, server->message, sizeof server->message, MSG_DONTWAIT);
    (void)what;
    if (bytes == 0) {
        event_base_loopbreak(server->base);
        return;
    }
    json_t *message = bytes > 0 ? json_loadb(server->message, (size_t)bytes, 0, NULL) : NULL;
    const char *event = json_string_value(json_object_get(message, "event"));
    json_t *object = json_object_get(message, "object");
    if (event != NULL && object != NULL) {
        server->told_ns = clock_now_ns();
        keep(server, event, object);
        event_streams_tell(server->events, event, json_incref(object));
    }
    json_decref(message);
}

/* ---- answers ---- */

static void answer_run(void *state, struct evhttp_request *request)
{
    struct server *server = state;
    put_elapsed(server);
    http_answer_json(request, 200,
                     json_pack("{s:s, s:s, s:s, s:o, s:O, s:O, s:o, s:O}", "schema",
                               "volley.suite.live/1", "volley", volley_version, "session",
                               event_streams_session(server->events), "next",
                               json_value_count(event_streams_next(server->events)), "state",
                               server->state, "results", server->results, "results_left_out",
                               json_value_count(server->left_out), "notices", server->notices));
}

static const char *const counts[] = {"planned", "measured", "failed", "skipped"};
#define COUNTS (sizeof counts / sizeof counts[0])

static void answer_stats(void *state, struct evhttp_request *request)
{
    struct server *server = state;
    json_t *runs = json_object(), *stats = json_object();
    put_elapsed(server);
    for (size_t i = 0; i < COUNTS; i++)
        json_object_set(runs, counts[i], json_object_get(server->state, counts[i]));
    json_object_set_new(stats, "runs", runs);
    json_object_set(stats, "elapsed_seconds", json_object_get(server->state, "elapsed_seconds"));
    http_answer_json(request, 200, stats);
}

static void answer_health(void *state, struct evhttp_request *request)
{
    const struct server *server = state;
    const uint64_t begun_ns = clock_now_ns();
    const bool ended = json_object_get(server->state, "ended") != NULL;
    const bool broken = json_is_string(json_object_get(server->state, "error"));
    const double failed = json_number_value(json_object_get(server->state, "failed"));
    const struct health_check checks[] = {
        {.name = "suite_status",
         .status = broken ? HEALTH_CRITICAL : HEALTH_OK,
         .value.number = NAN,
         .warning = NAN,
         .critical = NAN},
        {.name = "failed_runs_check",
         .status = failed > 0 ? HEALTH_WARNING : HEALTH_OK,
         .value.number = failed,
         .unit = "runs",
         .warning = 1,
         .critical = NAN},
        {.name = "last_told", /* how long a build or a load takes nobody knows */
         .value.number = ended ? NAN : clock_seconds(begun_ns - server->told_ns),
         .unit = "s",
         .warning = NAN,
         .critical = NAN}};
    int status = 200;
    json_t *body = health_told(checks, sizeof checks / sizeof checks[0],
                               (double)(clock_now_ns() - begun_ns) / NS_PER_MS, &status);
    http_answer_json(request, status, body);
}

static void answer_metrics(void *state, struct evhttp_request *request)
{
    static const char *const families[COUNTS][3] = {
        {"volley_suite_runs_planned", "gauge", "Runs that the suite is of"},
        {"volley_suite_runs_measured_total", "counter", "Runs that were measured"},
        {"volley_suite_runs_failed_total", "counter", "Runs that have failed"},
        {"volley_suite_runs_skipped_total", "counter", "Runs that had their records already"}};
    const struct server *server = state;
    const bool ended = json_object_get(server->state, "ended") != NULL;
    struct http_body body;
    if (http_body_begin(&body)) {
        fprintf(body.file,
                "# HELP volley_suite_up Whether the suite is under way.\n"
                "# TYPE volley_suite_up gauge\nvolley_suite_up %d\n",
                !ended);
        for (size_t i = 0; i < COUNTS; i++)
            fprintf(body.file, "# HELP %s %s.\n# TYPE %s %s\n%s %lld\n", families[i][0],
                    families[i][2], families[i][0], families[i][1], families[i][0],
                    (long long)json_integer_value(json_object_get(server->state, counts[i])));
    }
    http_body_answer(&body, request, PROMETHEUS_TYPE);
}

static void answer_page(void *state, struct evhttp_request *request)
{
    (void)state;
    page_answer_frame(request, "volley suite", "data-of=\"suite\"");
}

static void answer_events(void *state, struct evhttp_request *request)
{
    struct server *server = state;
    event_streams_answer(server->events, server->http, request, json_incref(server->state));
}

static void answer_login(void *state, struct evhttp_request *request)
{
    http_service_login(((struct server *)state)->http, request);
}

static const struct http_route routes[] = {
    {"/", EVHTTP_REQ_GET, true, answer_page},
    {"/page.js", EVHTTP_REQ_GET, true, page_answer_script},
    {"/events", EVHTTP_REQ_GET, false, answer_events},
    {"/api/run.json", EVHTTP_REQ_GET, false, answer_run},
    {"/api/login", EVHTTP_REQ_POST, true, answer_login},
    {"/metrics", EVHTTP_REQ_GET, false, answer_metrics},
    {"/stats", EVHTTP_REQ_GET, false, answer_stats},
    {"/health", EVHTTP_REQ_GET, false, answer_health},
};

/* ---- life ---- */

static enum err_code open_server(struct server *server, const struct suite_live_server_setup *setup,
                                 struct err *err)
{
    const struct http_setup http = {.listen = setup->options->listen,
                                    .token_path = setup->options->listen_token,
                                    .routes = routes,
                                    .route_count = sizeof routes / sizeof routes[0],
                                    .state = server};
    server->begun_ns = server->told_ns = clock_now_ns();
    server->state = json_object();
    server->results = json_array();
    server->notices = json_array();
    server->base = event_base_new();
    server->events = event_streams_create();
    if (server->base == NULL || server->events == NULL)
        return err_set(err, E_SYSTEM, "no memory for the live page");
    return http_service_open(&server->http, server->base, &http, err);
}

static void close_server(struct server *server)
{
    event_streams_close(server->events);
    http_service_close(server->http);
    if (server->base != NULL)
        event_base_free(server->base);
    json_decref(server->state);
    json_decref(server->results);
    json_decref(server->notices);
    free(server);
}

int suite_live_server_run(void *state, int telling_fd)
{
    struct suite_live_ready ready = {.err = {.code = OK}};
    struct server *server = calloc(1, sizeof *server);
    struct event *event = NULL;
    if (server == NULL)
        return 1;
    if (open_server(server, state, &ready.err) == OK) {
        snprintf(ready.url, sizeof ready.url, "%s", http_service_url(server->http));
        event = event_new(server->base, telling_fd, EV_READ | EV_PERSIST, on_message, server);
        if (event == NULL || event_add(event, NULL) != 0)
            (void)!err_set(&ready.err, E_SYSTEM, "no memory for the live page");
    }
    const bool told = write(telling_fd, &ready, sizeof ready) == (ssize_t)sizeof ready;
    if (told && ready.err.code == OK)
        event_base_dispatch(server->base);
    if (event != NULL)
        event_free(event);
    close_server(server);
    return 0;
}
