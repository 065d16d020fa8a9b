/* Local addresses to connect from (--source-address). */
#ifndef ORCHESTRATOR_OPTIONS_SOURCES_H
#define ORCHESTRATOR_OPTIONS_SOURCES_H

#include "common/err.h"
#include "common/transport.h"

#define SOURCES_MAX 256u

struct sources {
    struct target_address *addresses; /* owned; NULL: the kernel chooses */
    unsigned count;
};

/* A list of IPv4 and IPv6 addresses separated by commas, each once. Pure. E_USAGE otherwise. */
MUST_USE enum err_code sources_check(const char *list, struct err *err);

/* Fills sources from such a list (NULL: none) and binds a socket to each, to see that the machine has
 * it. E_USAGE when it has not. sources_free in any case. */
MUST_USE enum err_code sources_open(struct sources *sources, const char *list, struct err *err);
void sources_free(struct sources *sources);

/* E_USAGE when a source is of another family than the target: no connection can be made between them. */
MUST_USE enum err_code sources_fit(const struct sources *sources,
                                   const struct target_address *target, struct err *err);

#endif
