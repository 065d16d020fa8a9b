/* The far end of a worker's connections, in the worker's own process and in simulated time (simulation.h):
 * a transport that does at every byte what the test says, which a real server cannot be made to do.
 *
 * Without anything said it takes all that is written, and answers each command with +OK at once. The table
 * of functions makes it differ; each of its members may be NULL. A peer stands for one connection from its
 * connect to its close; a connection that is opened anew is a new peer. */
#ifndef TESTS_SUPPORT_SCRIPTED_SERVER_H
#define TESTS_SUPPORT_SCRIPTED_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/transport.h"

#define SCRIPTED_PEERS_MAX 4096u
#define SCRIPTED_FAILS SIZE_MAX

struct scripted_peer {
    uint32_t number;   /* in the order of connecting, from 0 */
    uint16_t port;     /* that it was connected to           */
    bool open;         /* not closed by the worker           */
    bool ended;        /* closed by the server: what it has said is still read, writing fails */
    uint32_t commands; /* whole ones that have come        */
    uint32_t greeting_commands; /* of those                */
    char *received;             /* all bytes that have come         */
    size_t received_bytes, parsed_bytes;
    size_t greeting_bytes; /* of those: what the worker said first; 0 while it goes on */
    uint64_t memo;         /* the test's own */
    char *said;            /* bytes for the worker, from read_bytes on not yet read */
    size_t said_bytes, read_bytes;
    int fd;
    void *scanner; /* where commands end */
};

struct scripted_server {
    /* A whole command has come; answers with scripted_say, or does not. */
    void (*command)(struct scripted_peer *peer, const char *bytes, size_t byte_count);
    /* How many of these bytes are taken: 0: the socket is full (scripted_wake says that it is no longer),
     * SCRIPTED_FAILS: the connection is reset. */
    size_t (*takes)(struct scripted_peer *peer, size_t byte_count);
    /* Whether nobody listens at this port. */
    bool (*refuses)(uint16_t port);
    /* The connection stands. */
    void (*connected)(struct scripted_peer *peer);
};

extern const struct transport scripted_transport;

/* Before the worker connects. The table is borrowed. */
void scripted_begin(const struct scripted_server *server);
/* Behind the last use of any peer. */
void scripted_free(void);
uint32_t scripted_peer_count(void);
/* Whole requests of one peer, and of all, the greeting's left out. */
uint64_t scripted_requests_of(const struct scripted_peer *peer);
uint64_t scripted_requests(void);
/* A server's member `command`: +OK after a time that measurements can be compared with. */
#define SCRIPTED_SERVICE_NS 100000u
void scripted_answer(struct scripted_peer *peer, const char *bytes, size_t byte_count);
struct scripted_peer *scripted_peer(uint32_t number);
/* Sends bytes to the worker, after so long in simulated time; what is said at the same time is read in one
 * piece. */
void scripted_say(struct scripted_peer *peer, const char *bytes, size_t byte_count,
                  uint64_t after_ns);
void scripted_say_text(struct scripted_peer *peer, const char *text, uint64_t after_ns);
/* The server ends the connection. */
void scripted_end(struct scripted_peer *peer, uint64_t after_ns);
/* The worker is told that the socket is writable, and readable. */
void scripted_wake(struct scripted_peer *peer, uint64_t after_ns);

#endif
