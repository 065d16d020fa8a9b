/* Names of servers -> addresses that sockets take. Called by the orchestrator and its scout. */
#ifndef ORCHESTRATOR_SERVER_RESOLVE_H
#define ORCHESTRATOR_SERVER_RESOLVE_H

#include <stdint.h>

#include "common/clock.h"
#include "common/err.h"
#include "common/transport.h"

/* A server as a user or another server names it. */
struct host_name {
    char host[256]; /* IPv6 without its brackets */
    uint16_t port;
};

#define RESOLVE_NAMES_MAX 256u /* that are given at once */

/* "a,b:7001,[::1]:7002,::1" -> names, in order; default_port where none is given. E_USAGE: the text
 * begins with option ("--host"), and says what is wrong with which of them. At most names_max. */
MUST_USE enum err_code resolve_split(struct host_name *names, uint32_t *name_count,
                                     uint32_t names_max, const char *text, uint64_t default_port,
                                     const char *option, struct err *err);

/* All addresses of a name, in the order the system gives; host and text of each are filled. At most
 * addresses_max, at least one. A name that is no address is asked for by a child, which is ended after limit_ns
 * and when *interrupted (may be NULL) is not 0. E_CONNECT, E_INTERRUPTED. */
#define RESOLVE_LONGEST_NS (30 * NS_PER_SECOND) /* more than any resolv.conf should come to */
#define RESOLVE_ADDRESSES_MAX 16u
MUST_USE enum err_code resolve_host(struct target_address *addresses, uint32_t *address_count,
                                    uint32_t addresses_max, const struct host_name *name,
                                    uint64_t limit_ns, const volatile int *interrupted,
                                    struct err *err);

/* E_USAGE: the path is too long. */
MUST_USE enum err_code resolve_unix(struct target_address *target, const char *path,
                                    struct err *err);

#endif
