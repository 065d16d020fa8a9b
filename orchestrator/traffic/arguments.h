/* The arguments of a request that is being read. */
#ifndef ORCHESTRATOR_TRAFFIC_ARGUMENTS_H
#define ORCHESTRATOR_TRAFFIC_ARGUMENTS_H

#include "common/recording.h"

/* Zeroed before the first use; freed by the owner. */
struct argument_list {
    struct recording_argument *items;
    uint32_t count, room;
};

/* Puts one behind the others. False: more than a request of a recording has, or no memory. */
MUST_USE bool argument_list_add(struct argument_list *list, const char *bytes, size_t byte_count);

/* Whether a request tells a password or another secret, or one has been taken out of it already: such a one is
 * neither kept nor shown. */
bool arguments_are_secret(const struct recording_argument *arguments, uint32_t count);

#endif
