/* What all endpoints have in common, on a loop of the test's own. */
#include <dirent.h>
#include <event2/event.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/log.h"
#include "orchestrator/watch/http_service.h"
#include "tests/support/check/http_client.h"
#include "tests/support/check/suite.h"
#include "tests/support/check/support.h"

/* The service runs in a child, so that both sides can wait. */
static pid_t child;
static uint16_t port;
static FILE *told; /* the child's standard error; NULL: the test's */

static void answer_hello(void *state, struct evhttp_request *request)
{
    (void)state;
    http_answer(request, 200, "text/plain", "hello", 5);
}

#define LARGE_BYTES (6u << 20)

static void answer_large(void *state, struct evhttp_request *request)
{
    char *body = malloc(LARGE_BYTES);
    (void)state;
    if (body == NULL)
        _exit(3);
    memset(body, 'x', LARGE_BYTES);
    http_answer(request, 200, "text/plain", body, LARGE_BYTES);
    free(body);
}

static void serve(int to_parent)
{
    static const struct http_route routes[] = {{"/hello", EVHTTP_REQ_GET, false, answer_hello},
                                               {"/large", EVHTTP_REQ_GET, false, answer_large},
                                               {"/tell", EVHTTP_REQ_POST, false, answer_hello}};
    const struct http_setup setup = {
        .listen = "0", .routes = routes, .route_count = 3, .idle_seconds = 1, .request_seconds = 2};
    struct http_service *service;
    struct err err = {.code = OK};
    struct event_base *base = event_base_new();
    signal(SIGPIPE, SIG_IGN);
    if (told != NULL) {
        dup2(fileno(told), STDERR_FILENO);
        log_set_level(LOG_WARNING);
    }
    if (base == NULL || http_service_open(&service, base, &setup, &err) != OK)
        _exit(1);
    dprintf(to_parent, "%s", http_service_url(service));
    close(to_parent);
    event_base_dispatch(base);
    _exit(2);
}

static void set_up(void)
{
    int ends[2];
    char url[100] = "";
    ck_assert_int_eq(pipe(ends), 0);
    child = support_fork();
    if (child == 0)
        serve(ends[1]);
    close(ends[1]);
    ssize_t got = read(ends[0], url, sizeof url - 1);
    ck_assert_int_gt(got, 0);
    close(ends[0]);
    port = http_port_in(url);
}

static void tear_down(void)
{
    kill(child, SIGKILL);
    if (told != NULL)
        fclose(told);
    told = NULL;
}

static void ck_answers(void)
{
    struct http_reply reply;
    http_get(&reply, port, "/hello", "");
    ck_assert_int_eq(reply.status, 200);
    ck_assert_str_eq(reply.body, "hello");
    http_reply_free(&reply);
}

static const struct {
    const char *request;
    int status; /* 0: closed without one */
} requests[] = {
    {"GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n", 200},
    {"HEAD /hello HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", 200},
    {"GET /hello HTTP/1.0\r\nHost: localhost\r\n\r\n", 200},
    {"GET /hello HTTP/1.1\r\nHost: evil.com\r\n\r\n", 403},
    {"GET /hello HTTP/1.1\r\n\r\n", 403},
    {"GET /../../etc/passwd HTTP/1.1\r\nHost: localhost\r\n\r\n", 404},
    {"GET /hello/ HTTP/1.1\r\nHost: localhost\r\n\r\n", 404},
    {"GET /%68ello HTTP/1.1\r\nHost: localhost\r\n\r\n", 404},
    {"POST /hello HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n", 405},
    {"POST /tell HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}", 415},
    {"POST /tell HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nOrigin: "
     "http://evil.com\r\nContent-Length: 2\r\n\r\n{}",
     415},
    {"POST /tell HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nOrigin: "
     "http://localhost\r\nContent-Length: 2\r\n\r\n{}",
     200},
    {"POST /tell HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/jsonp\r\n"
     "Content-Length: 2\r\n\r\n{}",
     415},
    {"POST /tell HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: "
     "99999999\r\n\r\n{}",
     413},
    {"PUT /hello HTTP/1.1\r\nHost: localhost\r\n\r\n", 501},
    {"\r\n\r\n\r\n", 400},
    {"GET\r\n\r\n", 400},
    {"GET /hello HTTP/9.9\r\nHost: localhost\r\n\r\n", 400},
};

LOOP_TEST(test_requests, sizeof requests / sizeof requests[0])
{
    /* Breaks when a request that is wrong, or of somebody else, gets what a right one gets. */
    struct http_reply reply;
    const int fd = http_connect(port);
    http_send(fd, requests[_i].request, strlen(requests[_i].request));
    if (strncmp(requests[_i].request, "HEAD", 4) == 0)
        ck_assert(true); /* no body comes behind its length: the connection is closed */
    http_read(&reply, fd);
    close(fd);
    if (reply.status != 0 || requests[_i].status < 400)
        ck_assert_msg(reply.status == requests[_i].status ||
                          (requests[_i].status == 400 && reply.status >= 400),
                      "%s: %d %.200s", requests[_i].request, reply.status, reply.body);
    http_reply_free(&reply);
    ck_answers();
}

TEST(test_rubbish_ends_nothing)
{
    /* Breaks when bytes that are no request, or a huge one, end what listens, or hold it up for others. */
    char bytes[20000];
    unsigned seed = 1;
    for (int round = 0; round < 40; round++) {
        for (size_t i = 0; i < sizeof bytes; i++) {
            seed = seed * 1103515245u + 12345u;
            bytes[i] = (char)(seed >> 16);
        }
        if (round % 2 == 0) /* a header that has no end */
            memcpy(bytes, "GET /hello HTTP/1.1\r\nX: ", 24);
        if (round % 4 == 0)
            memset(bytes + 24, 'a', sizeof bytes - 24);
        const int fd = http_connect(port);
        http_send(fd, bytes, sizeof bytes);
        close(fd);
    }
    ck_answers();
}

TEST(test_half_a_request_is_ended)
{
    /* Breaks when somebody who sends a byte now and then, or nothing, keeps a place for ever. */
    const int silent = http_connect(port), slow = http_connect(port);
    http_send(silent, "GET /hel", 8);
    bool slow_closed = false;
    for (int i = 0; i < 150 && !slow_closed; i++) { /* a byte each 0.2 s: never idle for 1 s */
        http_send(slow, "G", 1);
        slow_closed = http_is_closed(slow, 200);
    }
    ck_assert(slow_closed);
    ck_assert(http_is_closed(silent, 20000));
    ck_answers();
    close(silent);
    close(slow);
}

static unsigned sockets_of_child(void)
{
    char folder[40], path[320], target[64];
    unsigned count = 0;
    snprintf(folder, sizeof folder, "/proc/%d/fd", (int)child);
    DIR *directory = opendir(folder);
    ck_assert_ptr_nonnull(directory);
    for (const struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        const ssize_t bytes = readlink(path, target, sizeof target - 1);
        count += bytes > 7 && strncmp(target, "socket:", 7) == 0;
    }
    closedir(directory);
    return count;
}

TEST(test_a_client_with_no_more_to_say_gets_all)
{
    /* Breaks when a client that ends its own side, as nc -N does, gets what fits into one write, or one that is gone, or reads
     * nothing, keeps its connection. */
    static const char request[] = "GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n";
    struct http_reply reply;
    int fd = http_connect(port);
    http_send(fd, request, sizeof request - 1);
    ck_assert_int_eq(shutdown(fd, SHUT_WR), 0);
    http_read(&reply, fd);
    close(fd);
    ck_assert_int_eq(reply.status, 200);
    ck_assert_uint_eq(strlen(reply.body), LARGE_BYTES);
    http_reply_free(&reply);
    fd = http_connect(port);
    http_send(fd, request, sizeof request - 1);
    http_read(&reply, fd);
    http_reply_free(&reply);
    http_send(fd, requests[0].request, strlen(requests[0].request)); /* it is listened to again */
    http_read(&reply, fd);
    ck_assert_str_eq(reply.body, "hello");
    http_reply_free(&reply);
    close(fd);
    const int mute = http_connect(port);
    http_send(mute, request, sizeof request - 1);
    for (int i = 0; i < 8; i++) {
        fd = http_connect(port);
        http_send(fd, request, sizeof request - 1);
        close(fd);
    }
    ck_answers();            /* so all before it have been accepted */
    const unsigned idle = 1; /* that listens */
    for (int i = 0; i < 1000 && sockets_of_child() > idle; i++)
        support_sleep_ms(20);
    ck_assert_uint_eq(sockets_of_child(), idle);
    close(mute);
    ck_answers();
}

TEST(test_connections_are_bounded)
{
    /* Breaks when whoever opens connections takes all descriptors of a run, or those that wait never get in. */
    int fds[HTTP_CONNECTIONS_MAX];
    struct http_reply reply;
    static const char request[] = "GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n";
    for (size_t i = 0; i < HTTP_CONNECTIONS_MAX; i++) {
        fds[i] = http_connect(port);
        http_send(fds[i], request, sizeof request - 1);
        http_read(&reply, fds[i]);
        ck_assert_int_eq(reply.status, 200);
        http_reply_free(&reply);
    }
    const int waiting = http_connect(port);
    http_send(waiting, request, sizeof request - 1);
    /* the others are idle, and leave in time */
    http_read(&reply, waiting);
    ck_assert_int_eq(reply.status, 200);
    http_reply_free(&reply);
    close(waiting);
    size_t closed = 0;
    for (size_t i = 0; i < HTTP_CONNECTIONS_MAX; i++) {
        closed += http_is_closed(fds[i], 0);
        close(fds[i]);
    }
    ck_assert_uint_gt(closed, 0); /* it did not get in beside all of them */
    ck_answers();
}

static unsigned lines_told(void)
{
    unsigned lines = 0;
    char text[4096];
    ssize_t got;
    for (off_t at = 0; (got = pread(fileno(told), text, sizeof text, at)) > 0; at += got)
        for (ssize_t i = 0; i < got; i++)
            lines += text[i] == '\n';
    return lines;
}

TEST(test_no_descriptor_is_left)
{
    /* Breaks when a process that can open nothing more spins over those who wait, and fills its log. */
    int fds[14]; /* each second as many get in as there are descriptors */
    const struct rlimit limit = {.rlim_cur = 16, .rlim_max = 16};
    tear_down();
    told = tmpfile();
    ck_assert_ptr_nonnull(told);
    set_up();
    ck_assert_int_eq(prlimit(child, RLIMIT_NOFILE, &limit, NULL), 0);
    for (size_t i = 0; i < sizeof fds / sizeof fds[0]; i++)
        fds[i] = http_connect(port);
    for (int i = 0; i < 500 && lines_told() == 0; i++)
        support_sleep_ms(10);
    for (size_t i = 0; i < sizeof fds / sizeof fds[0]; i++)
        close(fds[i]);
    ck_answers();
    ck_assert_uint_eq(lines_told(), 1);
}

TEST_SUITE_WITH(http_service, .set_up = set_up, .tear_down = tear_down, .timeout_seconds = 60)
