/* Clients by the names that a server gives them -> 0, 1, ..., in the order in which they were first seen. Memory is
 * bounded: beyond CLIENT_NUMBERS_MAX a client shares the number of another one, always the same. */
#ifndef ORCHESTRATOR_TRAFFIC_CLIENT_NUMBERS_H
#define ORCHESTRATOR_TRAFFIC_CLIENT_NUMBERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

#define CLIENT_NUMBERS_MAX (1u << 20)

/* Zeroed before the first use. */
struct client_numbers {
    struct client_slot {
        uint64_t hash; /* 0: free */
        uint32_t number;
    } * slots;
    uint32_t room, count; /* room: a power of two */
    uint64_t shared;      /* requests whose client had to share a number */
};

/* False: no memory. */
MUST_USE bool client_numbers_find(struct client_numbers *numbers, const char *name,
                                  size_t name_bytes, uint32_t *number);
void client_numbers_free(struct client_numbers *numbers);

#endif
