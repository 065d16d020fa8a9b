/* A server that volley has not started, as a suite measures it: where it is, and what it takes to speak with it. */
#ifndef ORCHESTRATOR_SUITE_SUITE_RUNNING_H
#define ORCHESTRATOR_SUITE_SUITE_RUNNING_H

#include <limits.h>

#include "orchestrator/suite/suite_plan.h"

struct tls_client;

/* host NULL: there is none, volley starts them. It does not move once it is found: it points into itself. */
struct suite_running {
    const char *host;
    uint16_t port;
    const char *cacert, *cert, *key; /* NULL: it speaks no TLS, or asks for no certificate */
    const char *user, *password;     /* NULL: none                                         */
    const char *load_environment
        [2]; /* of the load: the password, where nobody else reads it; ends with NULL */
    struct tls_client *tls; /* that trusts them; NULL: no TLS */
    bool may_flush;

    /* Private. */
    char paths[3][PATH_MAX];
    char *secret; /* "VARIABLE=password" */
};

struct suite_running_wish {
    const char *host,
        *tree; /* tree: sources whose tests/tls has valkey's own certificates; NULL: none */
    const char *cacert, *cert, *key; /* in place of those; NULL: none */
    const char *user, *password;
    const char *variable; /* in which the load takes the password */
    bool may_flush;
};

/* E_CONFIG: the configurations name several ports; E_USAGE: certificates are not there; E_SYSTEM. suite_running_free in any
 * case; safe on a zeroed struct. */
MUST_USE enum err_code suite_running_find(struct suite_running *running,
                                          const struct suite_running_wish *wish,
                                          const struct suite_plan *plan, struct err *err);
void suite_running_free(struct suite_running *running);

#endif
