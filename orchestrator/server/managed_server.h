/* A private server that volley starts and stops itself, on
 * a free loopback port, without persistence, in a temporary directory, in a session of its own (a
 * Ctrl+C must not reach it first), pinned, and dying with its parent. One alone, or a node of a
 * managed_target. */
#ifndef ORCHESTRATOR_SERVER_MANAGED_SERVER_H
#define ORCHESTRATOR_SERVER_MANAGED_SERVER_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "common/endpoint.h"
#include "common/err.h"
#include "orchestrator/machine/child.h"
#include "orchestrator/server/certificates.h"
#include "orchestrator/server/private_directory.h"
#include "orchestrator/server/provider.h"

/* How long the nodes of a managed cluster wait before they take another one for failed. */
#define MANAGED_NODE_TIMEOUT_MS 1000
#define MANAGED_DIRECTORY_PREFIX "volley-server"
#define MANAGED_BUS_OFFSET 10000u /* of a cluster node's second port */

/* Of one server; others beside it may have others. What it points to outlives the server. */
struct managed_server_setup {
    struct server_program program; /* without a path: the one from PATH */
    const char *const *args;       /* of the server, behind volley's own, so that they win */
    uint32_t arg_count;
    const char *password; /* of the default user, of replicas too; NULL: none */
    uint32_t io_threads;  /* 0: as the server has it                          */
    const uint32_t *cpus; /* pinned to these */
    uint32_t cpu_count;   /* 0: not pinned   */
    bool cluster;         /* cluster-enabled; the port + MANAGED_BUS_OFFSET is free, too */
    uint16_t replica_of;  /* port of its primary, 0: none                         */
    const uint16_t *
        ports; /* its port; of a cluster those of the nodes that it begins with, rising; NULL: free ones */
    const struct managed_certificates *certificates; /* it speaks TLS only; NULL: plain */
    struct tls_client *tls_client;                   /* that trusts them                */
};

struct managed_server {
    struct child process;
    bool end_expected; /* whoever sends it a signal that ends it says so here */
    uint16_t port;
    struct managed_server_setup setup;
    struct private_directory directory; /* removed by managed_server_stop */
    int64_t output_dropped_bytes;       /* of what it has printed, from the beginning */
};

/* Launches it and waits until it answers. E_CONNECT when no program is found or it does not answer
 * PING in 30 s, with the last lines it printed. After a failure nothing is left of it. */
MUST_USE enum err_code managed_server_start(struct managed_server *server,
                                            const struct managed_server_setup *setup,
                                            const volatile int *interrupted, struct err *err);
/* Adds what it has printed, cut at a megabyte from the end, to a file. E_SYSTEM. */
MUST_USE enum err_code managed_server_copy_log(const struct managed_server *server, FILE *file,
                                               struct err *err);
/* The two halves, to start several at once. After a failure: managed_server_stop. */
MUST_USE enum err_code managed_server_launch(struct managed_server *server,
                                             const struct managed_server_setup *setup,
                                             struct err *err);
MUST_USE enum err_code managed_server_await(struct managed_server *server,
                                            const volatile int *interrupted, struct err *err);
/* Launches one whose process has ended again, with its port and directory, and does not wait. */
MUST_USE enum err_code managed_server_relaunch(struct managed_server *server, struct err *err);
/* True once after its process, which nobody had told to, has ended: text says of which server, and how,
 * and what it said last. Does not wait. To be asked again and again while it runs: each time all but the last megabyte of what
 * it has printed is dropped where that is more than MANAGED_OUTPUT_BYTES_MAX. */
#define MANAGED_OUTPUT_BYTES_MAX (64 << 20)
bool managed_server_died(struct managed_server *server, char *text, size_t text_bytes);
/* SIGTERM, then SIGKILL after 10 s; waits for the process. Safe when none is running. */
void managed_server_stop(struct managed_server *server);

/* What a control connection to it needs: its address and password, and how long to wait. */
void managed_server_address(struct endpoint *endpoint, const struct managed_server *server);

/* Steps of managed_server_launch, in server_process.c: the process is forked, cut off from volley's terminal, files
 * and signals, and tied to its life. */

#define SERVER_OUTPUT_NAME "server.log" /* in its directory: what it prints */

/* Writes the password where the server reads it from, a file in its directory for its owner alone: what
 * stands among its arguments is everybody's. E_SYSTEM. */
MUST_USE enum err_code server_process_hide_password(const struct managed_server *server,
                                                    const char *password, struct err *err);

/* Runs the program of its setup as that says, on its port and in its directory, and sets its pid. Does not
 * wait. E_SYSTEM. */
MUST_USE enum err_code server_process_spawn(struct managed_server *server, struct err *err);

#endif
