/* Who looks on while a session runs, by its options (struct watch_options): samples of the servers, page and endpoints,
 * alerts, the terminal. For session.c alone, which calls these at their moments; each is safe without any of them. */
#ifndef ORCHESTRATOR_COMMANDS_WATCHING_H
#define ORCHESTRATOR_COMMANDS_WATCHING_H

#include <stdbool.h>

#include "common/err.h"
#include "orchestrator/watch/alert_sink.h"
#include "orchestrator/watch/samples.h"

struct live;
struct session;

struct watching {
    bool
        sampled; /* set by a command that samples its servers itself, and calls watch_samples_hear */
    bool wanted;                  /* by some option */
    struct watch_samples samples; /* while it is wanted */
    struct live *live;            /* page and endpoints; NULL: none */
    struct alert_sink alerts;     /* with --alerts or --kpis */
};

/* Whether commands may come another way than over a socket, so that the session needs a run_control. */
bool watching_steers(const struct session *session);
/* Behind all other outputs, before anything connects: adds its sinks. E_CONFIG: a file of rules is not right; E_USAGE: an address
 * cannot be listened at. */
MUST_USE enum err_code watching_open(struct session *session, struct err *err);
/* The servers are known: begins to sample them. */
MUST_USE enum err_code watching_begin(struct session *session, struct err *err);
/* A phase of a scenario begins; NULL: the last one is over. type: "load", "idle" ... */
void watching_phase(struct session *session, const char *name, const char *type);
/* Behind the last run. What alerts say of the exit status: E_FAILED. */
MUST_USE enum err_code watching_end(struct session *session);
/* Safe at any stage, before the event base is freed. */
void watching_free(struct session *session);

#endif
