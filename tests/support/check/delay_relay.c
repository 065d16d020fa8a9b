#include "tests/support/check/delay_relay.h"

#include <check.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/check/support.h"

#define PIPES_MAX 256 /* two a connection */
#define PIECES_MAX 64
#define PIECE_BYTES 4096

struct piece {
    uint64_t due_ms;
    ssize_t bytes;
    char text[PIECE_BYTES];
};

/* One direction of a connection. */
struct pipe_of {
    int from, to;
    size_t first, count; /* of the pieces, a ring */
    struct piece *pieces;
};

static struct pipe_of pipes[PIPES_MAX];
static size_t pipe_count;

static void open_pipe(int from, int to)
{
    struct pipe_of *pipe = &pipes[pipe_count++];
    *pipe = (struct pipe_of){
        .from = from, .to = to, .pieces = calloc(PIECES_MAX, sizeof(struct piece))};
    if (pipe->pieces == NULL)
        _exit(1);
}

static void take_client(int listen_fd, uint16_t server_port)
{
    const int client = accept(listen_fd, NULL, NULL);
    const int server = client >= 0 ? support_connect(server_port, 10000) : -1;
    if (server < 0 || pipe_count + 2 > PIPES_MAX)
        _exit(1);
    open_pipe(client, server);
    open_pipe(server, client);
}

/* Whoever goes away is told to the other side at once. */
static void end_pipe(struct pipe_of *pipe)
{
    (void)shutdown(pipe->to, SHUT_WR);
    pipe->from = -1;
}

static void hear(struct pipe_of *pipe, unsigned delay_ms)
{
    struct piece *piece = &pipe->pieces[(pipe->first + pipe->count) % PIECES_MAX];
    piece->bytes = read(pipe->from, piece->text, sizeof piece->text);
    piece->due_ms = support_now_ms() + delay_ms;
    if (piece->bytes > 0)
        pipe->count++;
    else if (piece->bytes == 0 || errno != EINTR)
        end_pipe(pipe);
}

/* What is due. Returns how long the next piece has, 1000 ms at most. */
static unsigned pass_on(struct pipe_of *pipe)
{
    const uint64_t now_ms = support_now_ms();
    while (pipe->count > 0 && pipe->pieces[pipe->first].due_ms <= now_ms) {
        const struct piece *piece = &pipe->pieces[pipe->first];
        if (send(pipe->to, piece->text, (size_t)piece->bytes, MSG_NOSIGNAL) != piece->bytes)
            end_pipe(pipe);
        pipe->first = (pipe->first + 1) % PIECES_MAX;
        pipe->count--;
    }
    return pipe->count > 0 ? (unsigned)(pipe->pieces[pipe->first].due_ms - now_ms) : 1000;
}

static void serve(int listen_fd, uint16_t server_port, unsigned delay_ms)
{
    for (;;) {
        struct pollfd waits[PIPES_MAX + 1];
        unsigned wait_ms = 1000;
        const size_t count = pipe_count;
        waits[count] = (struct pollfd){.fd = listen_fd, .events = POLLIN};
        for (size_t i = 0; i < count; i++) {
            const unsigned next_ms = pass_on(&pipes[i]);
            wait_ms = next_ms < wait_ms ? next_ms : wait_ms;
            waits[i] = (struct pollfd){.fd = pipes[i].count < PIECES_MAX ? pipes[i].from : -1,
                                       .events = POLLIN};
        }
        if (poll(waits, (nfds_t)count + 1, (int)wait_ms) < 0 && errno != EINTR)
            _exit(1);
        for (size_t i = 0; i < count; i++)
            if (waits[i].revents != 0)
                hear(&pipes[i], delay_ms);
        if (waits[count].revents != 0)
            take_client(listen_fd, server_port);
    }
}

void delay_relay_start(struct delay_relay *relay, uint16_t server_port, unsigned delay_ms)
{
    relay->port = 0;
    const int listen_fd = support_listen(&relay->port);
    ck_assert_int_ge(listen_fd, 0);
    snprintf(relay->port_text, sizeof relay->port_text, "%u", (unsigned)relay->port);
    relay->pid = support_fork();
    if (relay->pid == 0)
        serve(listen_fd, server_port, delay_ms);
    close(listen_fd);
}

void delay_relay_stop(struct delay_relay *relay)
{
    if (relay->pid > 0)
        support_kill(relay->pid);
    relay->pid = 0;
}
