/* Where the programs come from that managed servers are started from. Called by the orchestrator, before its runs. */
#ifndef ORCHESTRATOR_SERVER_PROVIDER_H
#define ORCHESTRATOR_SERVER_PROVIDER_H

#include <stdbool.h>

#include "common/err.h"

struct server_program {
    char path[256]; /* "": none, yet */
    bool named;    /* by a user, whatever it is called: it may be a script that starts the server */
    char name[32]; /* of one that was named, as it says itself: "Valkey" */
    char version[32]; /* "9.1.0"                                            */
};

struct provider_source {
    const char *name;
    /* Whether there is something of that sort, as far as can be told without running anything. E_USAGE. */
    enum err_code (*check)(const char *wanted, struct err *err);
    /* Leaves where the program is. NULL: nobody has said which. */
    enum err_code (*obtain)(struct server_program *program, const char *wanted, struct err *err);
};

/* A file; NULL: valkey-server, else redis-server, from PATH or where they usually are. E_CONNECT: neither. */
extern const struct provider_source provider_path;

/* A program to start servers from. One that was named is asked what it is: E_USAGE when with --version it does not
 * say within 5 s that it is a server. Errors of the source. */
MUST_USE enum err_code provider_obtain(struct server_program *program,
                                       const struct provider_source *source, const char *wanted,
                                       struct err *err);

#endif
