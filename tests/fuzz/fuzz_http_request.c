/* libFuzzer target: any bytes, in two pieces, are what somebody sends to a listener with a token: it answers in HTTP or not at all, ends
 * the connection, tells nothing that the token guards to those who have not sent it, and is there for the next one. */
#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "orchestrator/watch/http_service.h"

#define TOKEN "0123456789abcdef"
#define GUARDED "told to nobody else"
#define TURNS_AT_ONCE 100u /* of the loop, before something is waited for */
#define TURNS_MAX 600u
#define WAIT_MS 10
#define ANSWERS_MAX_BYTES 1048576u

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t input_bytes);

static struct event_base *base;
static struct http_service *service;
static struct sockaddr_in address = {.sin_family = AF_INET};
static char answers[ANSWERS_MAX_BYTES];

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void answer_guarded(void *state, struct evhttp_request *request)
{
    (void)state;
    http_answer(request, 200, "text/plain", GUARDED, sizeof GUARDED - 1);
}

static void answer_open(void *state, struct evhttp_request *request)
{
    (void)state;
    http_answer(request, 200, "text/plain", "hello", 5);
}

static void answer_login(void *state, struct evhttp_request *request)
{
    (void)state;
    http_service_login(service, request);
}

static void open_service(void)
{
    static const struct http_route routes[] = {{"/hello", EVHTTP_REQ_GET, true, answer_open},
                                               {"/guarded", EVHTTP_REQ_GET, false, answer_guarded},
                                               {"/tell", EVHTTP_REQ_POST, false, answer_guarded},
                                               {"/login", EVHTTP_REQ_POST, true, answer_login}};
    char token_path[] = "/tmp/volley_fuzz_token_XXXXXX";
    const int token_fd = mkstemp(token_path);
    const struct http_setup setup = {.listen = "0",
                                     .token_path = token_path,
                                     .routes = routes,
                                     .route_count = sizeof routes / sizeof routes[0]};
    struct err err = {.code = OK};
    (void)signal(SIGPIPE, SIG_IGN);
    require(token_fd >= 0 && write(token_fd, TOKEN, sizeof TOKEN - 1) == sizeof TOKEN - 1);
    close(token_fd);
    base = event_base_new();
    require(base != NULL && http_service_open(&service, base, &setup, &err) == OK);
    unlink(token_path);
    const char *port = strrchr(http_service_url(service), ':');
    require(port != NULL);
    address.sin_port = htons((uint16_t)strtoul(port + 1, NULL, 10));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
}

/* Waits only for what has not come at once. */
static void turn(int fd, short events, unsigned turns)
{
    struct pollfd at = {.fd = fd, .events = events};
    require(turns < TURNS_MAX && event_base_loop(base, EVLOOP_NONBLOCK) >= 0);
    if (turns > TURNS_AT_ONCE)
        (void)poll(&at, 1, WAIT_MS);
}

/* A listener that has ended the connection has said all that it will: what is left is not sent. */
static void send_all(int fd, const uint8_t *bytes, size_t count)
{
    for (unsigned turns = 0; count > 0; turns++) {
        const ssize_t sent = send(fd, bytes, count, MSG_DONTWAIT);
        if (sent < 0 && errno != EAGAIN)
            return;
        bytes += sent > 0 ? sent : 0;
        count -= sent > 0 ? (size_t)sent : 0;
        turn(fd, POLLOUT, turns);
    }
}

/* Until the connection is over: its end, or a reset, where it ends with bytes that nobody has read. */
static size_t read_answers(int fd)
{
    size_t total = 0;
    ssize_t got = -1;
    for (unsigned turns = 0; got != 0; turns++) {
        turn(fd, POLLIN, turns);
        got = recv(fd, answers + total, sizeof answers - total, MSG_DONTWAIT);
        if (got < 0 && errno != EAGAIN)
            break;
        if (got > 0) {
            total += (size_t)got;
            turns = 0;
            require(total < sizeof answers);
        }
    }
    return total;
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t input_bytes)
{
    const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    if (service == NULL)
        open_service();
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    require(fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once) == 0);
    require(connect(fd, (const struct sockaddr *)&address, sizeof address) == 0);
    const size_t first_bytes = input_bytes > 0 ? input[0] % (input_bytes + 1) : 0;
    send_all(fd, input, first_bytes);
    send_all(fd, input + first_bytes, input_bytes - first_bytes);
    /* Some leave without reading; they are reset. */
    if (input_bytes % 8 != 0) {
        (void)shutdown(fd, SHUT_WR);
        const size_t total = read_answers(fd);
        require(total < 5 || memcmp(answers, "HTTP/", 5) == 0);
        require(memmem(answers, total, GUARDED, sizeof GUARDED - 1) == NULL ||
                memmem(input, input_bytes, TOKEN, sizeof TOKEN - 1) != NULL);
    }
    close(fd);
    return 0;
}
