/* Who looks on while a session runs, or a monitor, by its options (struct watch_options): samples of the servers, page and
 * endpoints, alerts, notifications, the terminal, series of other programs. For session.c and monitor.c, which call these at
 * their moments; each is safe without any of them. */
#ifndef ORCHESTRATOR_COMMANDS_WATCHING_H
#define ORCHESTRATOR_COMMANDS_WATCHING_H

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"
#include "orchestrator/watch/alert_sink.h"
#include "orchestrator/watch/notifier.h"
#include "orchestrator/watch/samples.h"

struct event_base;
struct interrupts;
struct live;
struct scraper;
struct session;
struct terminal;
struct timeline;
struct watch_options;

struct watching {
    bool
        sampled; /* set by a command that samples its servers itself, and calls watch_samples_hear */
    bool wanted;                  /* by some option */
    struct watch_samples samples; /* while it is wanted */
    struct live *live;            /* page and endpoints; NULL: none */
    struct scraper *scraper;      /* NULL: nothing is scraped */
    struct notifier *notifier;    /* NULL: nobody is told */
    struct terminal *terminal;    /* --tui; NULL: none  */
    void (*hear_alert)(void *hearer, const struct alert_event *event); /* of the place */
    void *hearer;
    struct alert_sink alerts; /* with --alerts, --kpis or --listen */
};

/* What is looked on at: a session, or a monitor. All of it outlives the watching. */
struct watching_place {
    const struct watch_options *options;
    const char *command; /* its name: "bench" */
    struct timeline *timeline;
    struct event_base *base;
    struct interrupts *interrupts;
    bool sampled; /* there are servers, and samples of them */
    const struct alert_servers
        *servers;         /* that alert rules are judged by, each alone; NULL as none: over all */
    uint64_t interval_ns; /* of rows */
    uint64_t duration_ns; /* all there is to come; 0: not known */
    const char *out_dir;  /* for events.jsonl and kpis.json; NULL: none */
    void (*hear_alert)(void *hearer, const struct alert_event *event); /* NULL: nobody else */
    void *hearer;
    /* Of what has no load to steer: notes that are typed at the terminal; NULL: none are kept. */
    void (*take_note)(void *hearer, const char *text);
    bool prints_kpis; /* as a table on standard output, behind the report */
};

/* Behind all other outputs, before anything connects: adds its sinks, and readies samples, which a session begins and a monitor
 * fills itself. E_CONFIG: a file of rules is not right; E_USAGE: an address cannot be listened at. */
MUST_USE enum err_code watching_open_at(struct watching *watching,
                                        const struct watching_place *place, struct err *err);
/* Behind the last run. What alerts say of the exit status: E_FAILED. */
MUST_USE enum err_code watching_end_at(struct watching *watching,
                                       const struct watching_place *place);
/* Safe at any stage, before the event base is freed. */
void watching_close(struct watching *watching);

/* ---- of a session ---- */

/* Whether commands may come another way than over a socket, so that the session needs a run_control. */
bool watching_steers(const struct session *session);
/* What can be refused before anything begins: E_USAGE, E_SYSTEM as terminal_check. */
MUST_USE enum err_code watching_check(const struct session *session, struct err *err);
MUST_USE enum err_code watching_open(struct session *session, struct err *err);
/* The servers are known: begins to sample them. */
MUST_USE enum err_code watching_begin(struct session *session, struct err *err);
/* A phase of a scenario begins; NULL: the last one is over. type: "load", "idle" ... */
void watching_phase(struct session *session, const char *name, const char *type);
MUST_USE enum err_code watching_end(struct session *session);
void watching_free(struct session *session);

#endif
