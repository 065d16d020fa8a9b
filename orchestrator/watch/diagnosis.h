/* What held a run up: rules over the evidence that its run.json keeps (docs/design/diagnosis.md). Pure, but for the output. */
#ifndef ORCHESTRATOR_WATCH_DIAGNOSIS_H
#define ORCHESTRATOR_WATCH_DIAGNOSIS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "orchestrator/report/output.h"

#define DIAGNOSIS_NAME_BYTES 64u
#define DIAGNOSIS_TEXT_BYTES 240u

/* Where a number is NAN, the run does not have it. */
struct diagnosis_evidence {
    char run[DIAGNOSIS_NAME_BYTES]; /* "SET", "SET, repetition 2" */
    char target[DIAGNOSIS_TEXT_BYTES];
    double rate, p50_ms, p95_ms;
    double service_p50_us;
    /* By the verdict's checks worker_cpu and run_delay: percent of the time, and whether that was too much. */
    double worker_cpu_percent, worker_delay_percent;
    bool worker_cpu_is_limit, worker_delay_is_limit;
    char worker_cpu_text[DIAGNOSIS_TEXT_BYTES], worker_delay_text[DIAGNOSIS_TEXT_BYTES];
    double bytes_per_request, bytes_per_second;
    double failed; /* requests that ended otherwise than well */
    double outage_seconds;
    /* Of outages in which nothing was answered, and those in which connections were lost or refused. */
    double pause_seconds, longest_pause_seconds, gone_seconds, longest_gone_seconds;
    double gone_connections;
    double
        silent_seconds; /* of all pauses, with the time in which volley itself stood still, too */
    double oom_errors;
    char verdict[8]; /* of the whole run */
    /* The server, by its own counters. */
    double main_thread_share; /* of one CPU, for each primary      */
    double
        blocked_share; /* of the time: in its event loop without being on a CPU, not waiting for one, and not in a pause */
    double evicted_keys, memory_share; /* used of maxmemory; NAN also without a limit */
    double forks, last_fork_seconds, delayed_fsyncs;
    bool appends;
    double round_trip_us;
    /* Of commands whose mean is slow, the one that took most. */
    bool commands_known;
    char slow_command[DIAGNOSIS_NAME_BYTES]; /* "": none */
    double slow_mean_ms, slow_share;         /* of the time */
    double server_delay_share;               /* by this host's kernel */
};

/* Of those that are equally sure the first is told first: the particular before what a busy machine has anyway. */
enum diagnosis_cause {
    CAUSE_SLOW_COMMAND,
    CAUSE_PERSISTENCE,
    CAUSE_STOPPED,
    CAUSE_GONE,
    CAUSE_MEMORY,
    CAUSE_BIG_VALUES,
    CAUSE_NETWORK,
    CAUSE_STARVED,
    CAUSE_CLIENT,
    CAUSE_SERVER_CPU,
    CAUSES
};

/* CLEAR: looked at, and does not hold. EXPLAINED: it holds, and another cause is why. */
enum diagnosis_state { DIAGNOSIS_SKIPPED, DIAGNOSIS_CLEAR, DIAGNOSIS_EXPLAINED, DIAGNOSIS_FOUND };

struct diagnosis_finding {
    enum diagnosis_state state;
    double confidence;               /* of FOUND and EXPLAINED       */
    enum diagnosis_cause by;         /* of EXPLAINED                 */
    char text[DIAGNOSIS_TEXT_BYTES]; /* the evidence; what is absent */
};

struct diagnosis {
    struct diagnosis_evidence evidence;
    struct diagnosis_finding findings[CAUSES];
    enum diagnosis_cause order[CAUSES]; /* those found, the surest first */
    size_t found, skipped;
    char cannot_tell[DIAGNOSIS_TEXT_BYTES]; /* why; "": it can */
};

struct diagnosis_rule {
    const char *name; /* "SLOW_COMMAND" */
    const char *what, *needs, *holds, *sure, *suggestion;
    /* Fills in what holds, with its words, or what is absent. The finding is CLEAR. */
    void (*judge)(struct diagnosis_finding *finding, const struct diagnosis_evidence *evidence);
    uint32_t explains; /* a bit for each cause */
};
const struct diagnosis_rule *diagnosis_rule(enum diagnosis_cause cause);
const char *diagnosis_state_name(enum diagnosis_state state); /* "skipped" */

/* One of `runs` of run.json. What is missing or of another kind is not known; nothing of it is trusted. */
void diagnosis_read(struct diagnosis_evidence *evidence, const json_t *run);
void diagnosis_make(struct diagnosis *diagnosis, const struct diagnosis_evidence *evidence);

void diagnosis_write_text(struct output *output, const struct diagnosis *diagnosis);
void diagnosis_write_markdown(struct output *output, const struct diagnosis *diagnosis);
json_t *diagnosis_to_json(const struct diagnosis *diagnosis); /* NULL: no memory */
/* The table of rules, for docs/reference/diagnosis.md. */
void diagnosis_write_rules(struct output *output);

#endif
