/* floor: the least that a RESP client can do on this kernel, as a yardstick for CPU per request.
 *
 *   floor PORT CONNECTIONS REQUESTS PIPELINE KEYS [lean]
 *   floor PORT CONNECTIONS REQUESTS 1 KEYS RATE [spin]
 *
 * Sends GET key:000000000000 .. of KEYS keys at random to 127.0.0.1:PORT, a closed loop: each
 * connection sends PIPELINE requests with one write, and the next batch once all are answered.
 * Ends after at least REQUESTS replies and prints one line: requests, seconds, requests per second,
 * and CPU microseconds per request. Exit status 0, or 1 with a message.
 *
 * One thread, blocking connects, edge-triggered epoll, one read a wake-up (more only while a read
 * fills the buffer: there is no second edge for bytes that are left), no histogram, no
 * clock reading, no reconnects, replies counted and not looked at. What another client costs above
 * this on the same machine is its own overhead.
 *
 * Requests are formatted with the C library, as a small client does it; that is the yardstick. With
 * `lean` only the digits of each key are written over the last batch, which matters when pipelined:
 * it shows what is left to win by rendering alone.
 *
 * With a RATE the loop is open: request k is sent k / RATE seconds after the start, on the connections
 * in turn, and in between it waits in epoll_pwait2 for a reply or the next moment; with `spin` it never
 * waits while requests are left. It is the yardstick for evenness, and for what pacing costs. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/rng.h"
#include "common/units.h"

#define READ_BUFFER_BYTES (1u << 16)
#define EVENTS_MAX 1024
#define KEY_DIGITS 12
#define SPARE_BYTES 8 /* a key could have 20 digits, for all that the compiler knows */

static const char request_text[] = "*2\r\n$3\r\nGET\r\n$16\r\nkey:000000000000\r\n";
#define REQUEST_BYTES (sizeof request_text - 1)
#define DIGITS_AT (REQUEST_BYTES - 2 - KEY_DIGITS)

struct connection {
    int fd;
    uint64_t pending;    /* replies to come                                            */
    uint64_t skip_bytes; /* of a bulk body and its end, still to come                  */
    uint32_t line_bytes; /* of a first line that the last read ended in, kept in line  */
    char line[64];
};

struct floor {
    uint64_t port, connection_count, requests, pipeline, keys;
    uint64_t rate; /* per second; 0: a closed loop */
    struct connection *connections;
    bool lean, spin;
    char *batch; /* `pipeline` requests and a terminator */
    int epoll_fd;
    uint64_t sent, done;
};

static bool failed(const char *what)
{
    fprintf(stderr, "floor: %s: %s\n", what, strerror(errno));
    return false;
}

static void write_digits(char *request, uint64_t key)
{
    char *digits = request + DIGITS_AT;
    for (int place = KEY_DIGITS - 1; place >= 0; place--) {
        digits[place] = (char)('0' + key % 10);
        key /= 10;
    }
}

static bool send_batch(struct floor *floor, struct connection *connection)
{
    char *request = floor->batch;
    for (uint64_t i = 0; i < floor->pipeline; i++, request += REQUEST_BYTES) {
        uint64_t key = rng_bounded(rng_at(1, floor->sent + i), floor->keys);
        if (floor->lean)
            write_digits(request, key);
        else
            snprintf(request, REQUEST_BYTES + 1 + SPARE_BYTES,
                     "*2\r\n$3\r\nGET\r\n$16\r\nkey:%012llu\r\n", (unsigned long long)key);
    }
    size_t batch_bytes = floor->pipeline * REQUEST_BYTES;
    if (write(connection->fd, floor->batch, batch_bytes) != (ssize_t)batch_bytes)
        return failed("a batch was not written at once");
    floor->sent += floor->pipeline;
    connection->pending += floor->pipeline;
    return true;
}

/* A first line is whole: a bulk announces a body, anything else was the reply. */
static void end_line(struct connection *connection, const char *line, uint64_t *replies)
{
    long body_bytes = line[0] == '$' ? strtol(line + 1, NULL, 10) : -1;
    if (body_bytes >= 0)
        connection->skip_bytes = (uint64_t)body_bytes + 2;
    else
        *replies += 1;
}

/* How many replies end in these bytes. Bodies are stepped over, a line cut short is kept. */
static uint64_t count_replies(struct connection *connection, const char *at, const char *end)
{
    uint64_t replies = 0;
    while (at < end) {
        if (connection->skip_bytes > 0) {
            uint64_t here = (uint64_t)(end - at);
            uint64_t step = connection->skip_bytes < here ? connection->skip_bytes : here;
            at += step;
            connection->skip_bytes -= step;
            if (connection->skip_bytes == 0)
                replies++;
            continue;
        }
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        const char *line_end = newline == NULL ? end : newline + 1;
        if (newline != NULL && connection->line_bytes == 0) {
            end_line(connection, at, &replies);
        } else {
            /* Only the first bytes of a line matter: type and length. */
            size_t room = sizeof connection->line - 1 - connection->line_bytes;
            size_t kept = (size_t)(line_end - at) < room ? (size_t)(line_end - at) : room;
            memcpy(connection->line + connection->line_bytes, at, kept);
            connection->line_bytes += (uint32_t)kept;
            connection->line[connection->line_bytes] = '\0';
            if (newline != NULL) {
                end_line(connection, connection->line, &replies);
                connection->line_bytes = 0;
            }
        }
        at = line_end;
    }
    return replies;
}

static bool read_replies(struct floor *floor, struct connection *connection)
{
    static char buffer[READ_BUFFER_BYTES];
    ssize_t received;
    do {
        received = recv(connection->fd, buffer, sizeof buffer, MSG_DONTWAIT);
        if (received < 0 && errno == EAGAIN)
            break;
        if (received <= 0)
            return failed(received == 0 ? "the server closed a connection" : "read");
        uint64_t replies = count_replies(connection, buffer, buffer + received);
        connection->pending -= replies;
        floor->done += replies;
    } while (received == (ssize_t)sizeof buffer);
    return true;
}

static bool open_connection(struct floor *floor, struct connection *connection)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)floor->port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    connection->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connection->fd < 0)
        return failed("socket");
    if (connect(connection->fd, (const struct sockaddr *)&address, sizeof address) != 0)
        return failed("connect");
    int on = 1;
    if (setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0)
        return failed("TCP_NODELAY");
    struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.ptr = connection};
    if (epoll_ctl(floor->epoll_fd, EPOLL_CTL_ADD, connection->fd, &event) != 0)
        return failed("epoll_ctl");
    return true;
}

static bool open_all(struct floor *floor)
{
    floor->connections = calloc(floor->connection_count, sizeof *floor->connections);
    floor->batch = malloc(floor->pipeline * REQUEST_BYTES + 1 + SPARE_BYTES);
    floor->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (floor->connections == NULL || floor->batch == NULL || floor->epoll_fd < 0)
        return failed("preparing");
    for (uint64_t i = 0; i < floor->pipeline; i++)
        memcpy(floor->batch + i * REQUEST_BYTES, request_text, REQUEST_BYTES);
    for (uint64_t i = 0; i < floor->connection_count; i++)
        if (!open_connection(floor, &floor->connections[i]))
            return false;
    return true;
}

static bool run(struct floor *floor)
{
    static struct epoll_event events[EVENTS_MAX];
    for (uint64_t i = 0; i < floor->connection_count; i++)
        if (!send_batch(floor, &floor->connections[i]))
            return false;
    while (floor->done < floor->requests) {
        int count = epoll_wait(floor->epoll_fd, events, EVENTS_MAX, -1);
        if (count < 0 && errno != EINTR)
            return failed("epoll_wait");
        for (int i = 0; i < count; i++) {
            struct connection *connection = events[i].data.ptr;
            if (!read_replies(floor, connection))
                return false;
            if (connection->pending == 0 && floor->sent < floor->requests &&
                !send_batch(floor, connection))
                return false;
        }
    }
    return true;
}

/* Sends what is due. *wait_ns: until the next one is; UINT64_MAX: none is left. */
static bool send_due(struct floor *floor, uint64_t start_ns, uint64_t *wait_ns)
{
    uint64_t now_ns = clock_now_ns();
    *wait_ns = UINT64_MAX;
    while (floor->sent < floor->requests) {
        uint64_t due_ns = start_ns + floor->sent * NS_PER_SECOND / floor->rate;
        if (due_ns > now_ns) {
            *wait_ns = floor->spin ? 0 : due_ns - now_ns;
            return true;
        }
        if (!send_batch(floor, &floor->connections[floor->sent % floor->connection_count]))
            return false;
    }
    return true;
}

static bool run_paced(struct floor *floor)
{
    static struct epoll_event events[EVENTS_MAX];
    uint64_t start_ns = clock_now_ns();
    while (floor->done < floor->requests) {
        uint64_t wait_ns;
        if (!send_due(floor, start_ns, &wait_ns))
            return false;
        const struct timespec wait = {.tv_sec = (time_t)(wait_ns / NS_PER_SECOND),
                                      .tv_nsec = (long)(wait_ns % NS_PER_SECOND)};
        int count = epoll_pwait2(floor->epoll_fd, events, EVENTS_MAX,
                                 wait_ns == UINT64_MAX ? NULL : &wait, NULL);
        if (count < 0 && errno != EINTR)
            return failed("epoll_pwait2");
        for (int i = 0; i < count; i++)
            if (!read_replies(floor, events[i].data.ptr))
                return false;
    }
    return true;
}

static void print_cost(const struct floor *floor, uint64_t elapsed_ns)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    double user_us = (double)usage.ru_utime.tv_sec * 1e6 + (double)usage.ru_utime.tv_usec;
    double system_us = (double)usage.ru_stime.tv_sec * 1e6 + (double)usage.ru_stime.tv_usec;
    double seconds = (double)elapsed_ns / (double)NS_PER_SECOND;
    double done = (double)floor->done;
    printf("%llu requests in %.3f s, %.0f/s, %.3f us CPU per request (%.3f user, %.3f system)\n",
           (unsigned long long)floor->done, seconds, done / seconds, (user_us + system_us) / done,
           user_us / done, system_us / done);
}

static bool parse(uint64_t *value, const char *text, uint64_t max)
{
    return units_parse_count(value, text) && *value >= 1 && *value <= max;
}

static bool parse_arguments(struct floor *floor, int argc, char **argv)
{
    if (argc < 6 || argc > 8 || !parse(&floor->port, argv[1], 65535) ||
        !parse(&floor->connection_count, argv[2], 1000000) ||
        !parse(&floor->requests, argv[3], 10000000000ull) ||
        !parse(&floor->pipeline, argv[4], 1000) || !parse(&floor->keys, argv[5], 1000000000000ull))
        return false;
    floor->lean = argc == 7 && strcmp(argv[6], "lean") == 0;
    floor->spin = argc == 8 && strcmp(argv[7], "spin") == 0;
    if (argc == 6 || floor->lean)
        return true;
    return (argc == 7 || floor->spin) && floor->pipeline == 1 &&
           parse(&floor->rate, argv[6], 100000000);
}

int main(int argc, char **argv)
{
    struct floor floor = {.epoll_fd = -1};
    if (!parse_arguments(&floor, argc, argv)) {
        fprintf(stderr,
                "usage: floor PORT CONNECTIONS REQUESTS PIPELINE KEYS [lean | RATE [spin]]\n");
        return EXIT_FAILURE;
    }
    bool ok = open_all(&floor);
    uint64_t started_ns = clock_now_ns();
    ok = ok && (floor.rate > 0 ? run_paced(&floor) : run(&floor));
    if (ok)
        print_cost(&floor, clock_now_ns() - started_ns);
    free(floor.connections);
    free(floor.batch);
    return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
