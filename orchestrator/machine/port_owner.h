/* Whose a listening port of this host is. A managed server and a stranger who was quicker to take its port look
 * the same until one of them has been given the password. */
#ifndef ORCHESTRATOR_MACHINE_PORT_OWNER_H
#define ORCHESTRATOR_MACHINE_PORT_OWNER_H

#include <stdbool.h>
#include <stdint.h>

/* Whether somebody hears there what is sent to 127.0.0.1, and nobody but this user and root, by
 * ROOT/proc/net/tcp and tcp6. Where the kernel has no such file, everything is ours.
 * *stranger: the number of another user who does, -1: none is known of. */
bool port_is_ours(uint16_t port, const char *root, int64_t *stranger);

#endif
