#include "tests/support/check/scripted_server.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common/resp.h"
#include "tests/support/check/simulation.h"

static struct {
    const struct scripted_server *server;
    struct scripted_peer *peers[SCRIPTED_PEERS_MAX];
    uint32_t count;
} far_end;

static const struct scripted_server agreeable = {.command = NULL};

void scripted_begin(const struct scripted_server *server)
{
    far_end.server = server != NULL ? server : &agreeable;
    far_end.count = 0;
}

void scripted_free(void)
{
    for (uint32_t i = 0; i < far_end.count; i++) {
        struct scripted_peer *peer = far_end.peers[i];
        free(peer->received);
        free(peer->said);
        free(peer->scanner);
        free(peer);
    }
    far_end.count = 0;
}

uint32_t scripted_peer_count(void)
{
    return far_end.count;
}

uint64_t scripted_requests_of(const struct scripted_peer *peer)
{
    return peer->commands - peer->greeting_commands;
}

uint64_t scripted_requests(void)
{
    uint64_t requests = 0;
    for (uint32_t i = 0; i < far_end.count; i++)
        requests += scripted_requests_of(far_end.peers[i]);
    return requests;
}

void scripted_answer(struct scripted_peer *peer, const char *bytes, size_t byte_count)
{
    (void)bytes;
    (void)byte_count;
    scripted_say_text(peer, "+OK\r\n", SCRIPTED_SERVICE_NS);
}

struct scripted_peer *scripted_peer(uint32_t number)
{
    ck_assert_uint_lt(number, far_end.count);
    return far_end.peers[number];
}

static struct scripted_peer *peer_of(const struct wire *wire)
{
    for (uint32_t i = far_end.count; i > 0; i--)
        if (far_end.peers[i - 1]->open && far_end.peers[i - 1]->fd == wire->fd)
            return far_end.peers[i - 1];
    ck_abort_msg("no connection has descriptor %d", wire->fd);
}

/* Room for so many: a power of two, so that growing costs little. */
static size_t room_for(size_t byte_count)
{
    size_t room_bytes = 64;
    while (room_bytes < byte_count)
        room_bytes *= 2;
    return room_bytes;
}

static void append(char **to, size_t *byte_count, const char *bytes, size_t more_bytes)
{
    size_t room_bytes = room_for(*byte_count + more_bytes);
    if (more_bytes == 0)
        return;
    if (*to == NULL || room_bytes > room_for(*byte_count))
        *to = realloc(*to, room_bytes);
    ck_assert_ptr_nonnull(*to);
    memcpy(*to + *byte_count, bytes, more_bytes);
    *byte_count += more_bytes;
}

/* What happens later --------------------------------------------------------------------------- */

struct later {
    struct scripted_peer *peer;
    bool ends;
    size_t byte_count;
    char bytes[];
};

/* An eventfd is always writable, and readable once it was written to: each write is an edge of both. */
static void wake(const struct scripted_peer *peer)
{
    if (peer->open)
        ck_assert_int_eq(eventfd_write(peer->fd, 1), 0);
}

static void happen(void *argument)
{
    struct later *later = argument;
    struct scripted_peer *peer = later->peer;
    append(&peer->said, &peer->said_bytes, later->bytes, later->byte_count);
    peer->ended |= later->ends;
    wake(peer);
    free(later);
}

static void plan(struct scripted_peer *peer, const char *bytes, size_t byte_count, bool ends,
                 uint64_t after_ns)
{
    struct later *later = malloc(sizeof *later + byte_count);
    ck_assert_ptr_nonnull(later);
    *later = (struct later){.peer = peer, .ends = ends, .byte_count = byte_count};
    if (byte_count > 0)
        memcpy(later->bytes, bytes, byte_count);
    simulation_at(simulation_now_ns() + after_ns, happen, later);
}

void scripted_say(struct scripted_peer *peer, const char *bytes, size_t byte_count,
                  uint64_t after_ns)
{
    plan(peer, bytes, byte_count, false, after_ns);
}

void scripted_say_text(struct scripted_peer *peer, const char *text, uint64_t after_ns)
{
    plan(peer, text, strlen(text), false, after_ns);
}

void scripted_end(struct scripted_peer *peer, uint64_t after_ns)
{
    plan(peer, NULL, 0, true, after_ns);
}

void scripted_wake(struct scripted_peer *peer, uint64_t after_ns)
{
    plan(peer, NULL, 0, false, after_ns);
}

/* The transport -------------------------------------------------------------------------------- */

static uint16_t port_of(const struct target_address *target)
{
    return target != NULL && target->address.ss_family == AF_INET
               ? ntohs(((const struct sockaddr_in *)&target->address)->sin_port)
               : 0;
}

static enum io_status scripted_connect(struct wire *wire, const struct wire_setup *setup,
                                       const struct target_address *target,
                                       const struct target_address *source, int *sys_errno)
{
    (void)setup;
    (void)source;
    uint16_t port = port_of(target);
    if (far_end.server->refuses != NULL && far_end.server->refuses(port)) {
        *sys_errno = ECONNREFUSED;
        return IO_FAILED;
    }
    ck_assert_uint_lt(far_end.count, SCRIPTED_PEERS_MAX);
    struct scripted_peer *peer = calloc(1, sizeof *peer);
    ck_assert_ptr_nonnull(peer);
    *peer = (struct scripted_peer){.number = far_end.count,
                                   .port = port,
                                   .open = true,
                                   .fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC),
                                   .scanner = calloc(1, sizeof(struct resp_scanner))};
    ck_assert_int_ge(peer->fd, 0);
    far_end.peers[far_end.count++] = peer;
    wire->fd = peer->fd;
    if (far_end.server->connected != NULL)
        far_end.server->connected(peer);
    return IO_DONE;
}

static enum io_status scripted_connected(struct wire *wire, int *sys_errno)
{
    (void)wire;
    (void)sys_errno;
    return IO_DONE;
}

static enum io_status scripted_read(struct wire *wire, void *buffer, size_t buffer_bytes,
                                    size_t *read_bytes, int *sys_errno)
{
    (void)sys_errno;
    struct scripted_peer *peer = peer_of(wire);
    size_t left_bytes = peer->said_bytes - peer->read_bytes;
    if (left_bytes == 0)
        return peer->ended ? IO_CLOSED : IO_AGAIN;
    *read_bytes = left_bytes < buffer_bytes ? left_bytes : buffer_bytes;
    memcpy(buffer, peer->said + peer->read_bytes, *read_bytes);
    peer->read_bytes += *read_bytes;
    return IO_DONE;
}

static void take_commands(struct scripted_peer *peer)
{
    size_t scanned_bytes =
        peer->parsed_bytes; /* of a command that has begun, all was seen before */
    struct resp_scanner *scanner = peer->scanner;
    resp_scanner_reset(scanner);
    while (scanned_bytes < peer->received_bytes) {
        struct resp_reply command;
        size_t used_bytes = 0;
        enum resp_status status =
            resp_scan(scanner, peer->received + scanned_bytes, peer->received_bytes - scanned_bytes,
                      &used_bytes, &command);
        ck_assert_msg(status != RESP_INVALID && (status == RESP_MORE || command.type == '*'),
                      "connection %u sent what is no command at byte %zu", peer->number,
                      scanned_bytes);
        if (status == RESP_MORE)
            return;
        scanned_bytes += used_bytes;
        const char *bytes = peer->received + peer->parsed_bytes;
        size_t byte_count = scanned_bytes - peer->parsed_bytes;
        peer->parsed_bytes = scanned_bytes;
        peer->commands++;
        if (peer->greeting_bytes == 0 && memmem(bytes, byte_count, "PING", 4) != NULL) {
            peer->greeting_bytes = scanned_bytes; /* its last command */
            peer->greeting_commands = peer->commands;
        }
        if (far_end.server->command != NULL)
            far_end.server->command(peer, bytes, byte_count);
        else
            scripted_say_text(peer, "+OK\r\n", 0);
    }
}

static enum io_status scripted_write(struct wire *wire, const void *bytes, size_t byte_count,
                                     size_t *written_bytes, int *sys_errno)
{
    struct scripted_peer *peer = peer_of(wire);
    size_t taken_bytes = byte_count;
    if (far_end.server->takes != NULL)
        taken_bytes = far_end.server->takes(peer, byte_count);
    if (peer->ended || taken_bytes == SCRIPTED_FAILS) {
        peer->ended = true;
        *sys_errno = EPIPE;
        return IO_FAILED;
    }
    *written_bytes = taken_bytes;
    append(&peer->received, &peer->received_bytes, bytes, taken_bytes);
    take_commands(peer);
    return taken_bytes == 0 ? IO_AGAIN : IO_DONE;
}

static void scripted_close(struct wire *wire)
{
    struct scripted_peer *peer = peer_of(wire);
    peer->open = false;
    close(peer->fd);
    wire->fd = -1;
}

const struct transport scripted_transport = {
    .name = "scripted",
    .connect = scripted_connect,
    .connected = scripted_connected,
    .read = scripted_read,
    .write = scripted_write,
    .close = scripted_close,
};
