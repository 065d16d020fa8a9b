/* What the servers of a target were seen to be while it was found out who serves what: for messages, and
 * to tell a replica that is on its way from none. Called by the orchestrator. */
#ifndef ORCHESTRATOR_SERVER_SIGHTINGS_H
#define ORCHESTRATOR_SERVER_SIGHTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "orchestrator/server/resolve.h"

struct sighting {
    struct host_name name;
    const char *role; /* a literal: "primary", "replica" */
    char state[48];   /* "online", "loading", "link down"; what others said is cleaned */
    bool coming;      /* it will be of use before long: it is loading, or filled, or connects */
    bool idle;        /* of a primary in a cluster: it has no slots, and may be a replica by now */
    int primary;      /* of a coming replica of a cluster: its primary's index, else -1 */
};

/* More than a topology has nodes; of a reply that names more, or the same ones again and again, the rest is
 * not taken. */
#define SIGHTINGS_MAX 8192u

/* Zeroed: empty. Once memory was refused nothing more is taken. */
struct sightings {
    struct sighting *items; /* owned */
    uint32_t count, room;
    uint64_t compared; /* what it has cost to know them from each other */
    bool forming; /* a cluster whose slots all have owners that answer, and that is not ok so far */
};

/* NULL for seen: nobody wants to know. A server that was seen before is not taken twice. */
void sightings_add(struct sightings *seen, const struct sighting *sighting);
/* Of a node that is not on its way. */
void sightings_note(struct sightings *seen, const char *host, uint16_t port, const char *role,
                    const char *state);
uint32_t sightings_coming(const struct sightings *seen);
void sightings_forget(struct sightings *seen);
void sightings_free(struct sightings *seen);

/* "10.0.0.1:7000 primary online, 10.0.0.1:7003 replica loading"; coming_only leaves out the others.
 * Those that do not fit are counted: "and 12 more". Returns text. */
char *sightings_text(char *text, size_t text_bytes, const struct sightings *seen, bool coming_only);

#endif
