/* Servers that are watched without load, as words name them: HOST:PORT, a URI as --uri has it, or the path of a Unix socket.
 * For volley monitor and volley latency-history. */
#ifndef ORCHESTRATOR_COMMANDS_WATCH_TARGETS_H
#define ORCHESTRATOR_COMMANDS_WATCH_TARGETS_H

#include "common/endpoint.h"
#include "common/transport.h"
#include "orchestrator/commands/frame.h"

#define WATCH_TARGETS_MAX 32u

struct watch_target {
    struct endpoint endpoint; /* login and time limits of its own */
    struct target_address address;
    struct uri *uri; /* owned: what the endpoint points to; NULL */
};

struct watch_targets {
    struct watch_target items[WATCH_TARGETS_MAX];
    uint32_t count;
    struct tls_client *tls; /* of those that speak TLS; NULL: none */
};

/* The options as settled; words as they were given, whose logins are overwritten. Without words the server is that of the options.
 * Looks names up, and connects to nobody: whether somebody answers is for later. E_USAGE; E_CONNECT: a name has no
 * address; E_INTERRUPTED. watch_targets_free in any case. */
MUST_USE enum err_code watch_targets_find(struct watch_targets *targets,
                                          struct bench_request *request,
                                          const struct command_words *words,
                                          const volatile int *interrupted, struct err *err);
void watch_targets_free(struct watch_targets *targets);

#endif
