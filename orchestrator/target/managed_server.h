/* A private server that volley starts and stops itself: valkey-server or redis-server from PATH, on
 * a free loopback port, without persistence, in a temporary directory, in a session of its own (a
 * Ctrl+C must not reach it first), pinned, and dying with its parent. */
#ifndef ORCHESTRATOR_TARGET_MANAGED_SERVER_H
#define ORCHESTRATOR_TARGET_MANAGED_SERVER_H

#include <stdint.h>
#include <sys/types.h>

#include "common/err.h"

struct managed_server {
    pid_t pid; /* 0: none is running */
    uint16_t port;
    int cpu;
    char program[256];
    char directory[128]; /* removed by managed_server_stop */
};

/* cpu -1: not pinned. E_CONNECT when no program is found or it does not answer PING in 30 s, with
 * the last lines it printed. */
MUST_USE enum err_code managed_server_start(struct managed_server *server, int cpu,
                                            const volatile int *interrupted, struct err *err);
/* SIGTERM, then SIGKILL after 10 s; waits for the process. Safe when none is running. */
void managed_server_stop(struct managed_server *server);

#endif
