/* What every command that puts load on a server has in common: steps, plan, target, events, runs.
 *
 *   session_prepare -> session_open -> (sinks) -> session_reach -> session_run ... -> session_free
 *
 * The command adds its sinks to the timeline after session_open and before session_reach, and frames
 * its runs with timeline_session_begin and timeline_session_end. One session in a process. */
#ifndef ORCHESTRATOR_COMMANDS_SESSION_H
#define ORCHESTRATOR_COMMANDS_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"
#include "orchestrator/commands/bench_steps.h"
#include "orchestrator/commands/checking.h"
#include "orchestrator/commands/watching.h"
#include "orchestrator/fleet/fleet.h"
#include "orchestrator/options/bench_options.h"
#include "orchestrator/options/sources.h"
#include "orchestrator/report/progress.h"
#include "orchestrator/server/control.h"
#include "orchestrator/server/environment.h"
#include "orchestrator/server/keyspace.h"
#include "orchestrator/server/managed_cluster.h"
#include "orchestrator/server/server_locality.h"

struct session {
    /* set by the command, which has zeroed the rest */
    struct bench_request *request; /* parsed; stays the command's */
    const char *command;           /* its name: "bench"           */
    int argc;                      /* as the command got them, without passwords */
    const char *const *argv;
    uint64_t repetition; /* of the runs to come, from 1; 0: they are not repeated */
    bool
        steered; /* its command tells runs something (run_control_command), whatever the options say */
    uint64_t more_runs_ns; /* of the runs that the command makes beside one of each step, at most */

    /* to be used by the command */
    struct bench_steps steps; /* from session_prepare on */
    struct plan plan;
    struct interrupts *interrupts;
    struct event_base *base; /* from session_open on: what listens from the first run to the last */
    struct timeline timeline; /* likewise */
    struct session_facts facts;
    struct run_facts *run;     /* of the last session_run, as its sinks saw it  */
    struct run_result *result; /* of the last session_run that returned OK      */

    /* private */
    struct cpu_set_order cpus;
    struct server_program program; /* of managed servers; without a path: none was named */
    struct managed_cluster managed;
    struct managed_certificates certificates; /* with --managed tls */
    struct tls_client *tls;                   /* NULL: plain        */
    struct control *control;
    struct target_address target; /* the node that control was connected to          */
    struct topology *topology;    /* owned; NULL with the null transport             */
    char target_text[160];        /* of all of them: "cluster of 3 primaries at ..." */
    struct sources sources;
    struct server_locality locality;
    struct progress progress;
    struct checking checking;
    struct watching watching;
    struct keyspace before_filling; /* as the prefill under way found it */
    uint32_t run_count;
    bool unheard;                     /* results went to a reader alone, and it has gone */
    const struct workload *warned_of; /* runs of one workload are warned about once */
    bool timeline_ready;
};

/* Everything that can be refused without connecting. From its return on signals are counted in
 * session->interrupts; until then they end the process as usual: nothing has been started, and reading
 * standard input (-x) may take for ever. Errors as bench_steps_build and plan_build. */
MUST_USE enum err_code session_prepare(struct session *session, struct err *err);
/* Room for the events of the runs, and the limit of open files: E_USAGE when it is too low. */
MUST_USE enum err_code session_open(struct session *session, struct err *err);
/* A line a second about the run under way, on stderr; named: each says which run it is of. After session_open, and
 * before the outputs that print. */
MUST_USE enum err_code session_show_progress(struct session *session, bool named, struct err *err);
/* Starts the server if it is ours, finds out who answers, and fills session->facts: E_CONNECT. */
MUST_USE enum err_code session_reach(struct session *session, struct err *err);
/* Between runs: servers of our own are started anew, empty; other targets stay as they are. Errors as
 * session_reach. */
MUST_USE enum err_code session_restart(struct session *session, struct err *err);
/* Plans the fleet anew for a spec that differs in its connections. Any time after session_prepare: once
 * more before session_reach for each spec to come, so that what cannot be is refused early, and then
 * before its run. Errors as plan_build and plan_raise_fd_limit. */
MUST_USE enum err_code session_plan(struct session *session, const struct spec *spec,
                                    struct err *err);
/* Functions that a step calls or loads, on the target: before anything runs, and before the step itself, since another one
 * may have replaced them. */
MUST_USE enum err_code session_load_functions(const struct session *session,
                                              const struct bench_step *step, struct err *err);
/* One fleet run of a step, with the workloads beside it: one of session->steps, or the command's own that was made from one. Errors
 * as fleet_run, and of a prefill, whose keys are counted, as filling_begin and filling_end. OK: the run happened, and
 * session->result tells how it went; a status that is not OK has been logged, and what it means is the command's to say. */
MUST_USE enum err_code session_run(struct session *session, const struct bench_step *step,
                                   struct err *err);
/* Empties the database where that is asked for, and runs the steps ahead of the last one, which write the keys that it
 * reads. */
MUST_USE enum err_code session_fill_keys(struct session *session, struct err *err);
/* INFO's used_memory of the target, between runs; false: it cannot be had. */
bool session_server_memory(struct session *session, uint64_t *used_bytes);
/* By `volley ctl stop`, or where else the load is steered from: no later run begins. */
bool session_stop_asked(const struct session *session);
/* Where it was so ahead of the end, says how many of `planned` ("tests") were not `done`, and returns E_DATA: that is data which is
 * not there, and no failure of what is. */
enum err_code session_status_of_stop(const struct session *session, uint64_t done, uint64_t planned,
                                     const char *what);
/* Ends the events of the session and completes its files. E_SYSTEM: one of them could not be written whole,
 * which was said when it happened. E_FAILED: an alert says so. */
MUST_USE enum err_code session_end(struct session *session);
/* Safe at any stage; stops the server if it is ours. The request stays the command's. */
void session_free(struct session *session);

#endif
