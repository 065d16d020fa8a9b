/* Whether there are enough local ports for a load that opens connections all the time, and which ones are left to
 * servers. */
#ifndef ORCHESTRATOR_MACHINE_LOCAL_PORTS_H
#define ORCHESTRATOR_MACHINE_LOCAL_PORTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/spec.h"

/* What the kernel says. */
struct local_ports {
    uint64_t first; /* of those that connections are given               */
    uint64_t count; /* from one address to one target at a time          */
    int reuse;      /* of ports of ended connections: tcp_tw_reuse       */
};

/* Reads /proc under a root ("" for the real one); what cannot be read is Linux's default. */
void local_ports_read(struct local_ports *ports, const char *root);

/* How many ports there are from LOCAL_PORTS_SERVERS_FIRST on of which no connection is given one, nor that so many
 * above it. 0: connections are given such low ones. Pure. */
#define LOCAL_PORTS_SERVERS_FIRST 10000u
uint32_t local_ports_for_servers(const struct local_ports *ports, uint32_t above);

/* Where the connections go. */
struct connection_paths {
    unsigned sources; /* local addresses; 0: one */
    unsigned targets; /* nodes that are connected to */
    bool loopback;    /* all of them are            */
};

/* Writes what to do, one sentence, when connections that were ended by volley keep more ports busy than
 * there are; "" when there are enough, or it cannot be known. Pure. Returns text. */
char *local_ports_advise(char *text, size_t text_bytes, const struct local_ports *ports,
                         const struct spec *spec, const struct connection_paths *paths);

#endif
