/* What a phase came to, beside what was sampled in it: filled by the command when it ends. */
#ifndef ORCHESTRATOR_SCENARIO_PHASE_ACCOUNT_H
#define ORCHESTRATOR_SCENARIO_PHASE_ACCOUNT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "orchestrator/report/note.h"
#include "orchestrator/report/verdict.h"
#include "orchestrator/scenario/phase_buffer.h"
#include "orchestrator/scenario/series.h"

/* NAN: not known, or of no meaning there. */
struct vector_account {
    uint32_t dimensions; /* 0: the scenario has no vectors */
    double recall;       /* 0 to 1, of so many queries */
    uint32_t recall_queries;
    double documents, index_bytes; /* of the index, when the phase ended */
    double build_seconds, built;   /* that an index took to get so many vectors that were there */
};
#define VECTOR_ACCOUNT_EMPTY                                                                       \
    ((struct vector_account){                                                                      \
        .recall = NAN, .documents = NAN, .index_bytes = NAN, .build_seconds = NAN, .built = NAN})

/* What a phase that sent requests saw of its nodes. Of one server, too. */
struct phase_trouble {
    uint64_t moved, asked, clusterdown; /* replies                                       */
    uint64_t reconnects;                /* connections that were opened again            */
    double unavailable_seconds;         /* outages_any_ns; of a phase in parts their sum */
};

/* Of a phase that has looked for keys one by one. */
struct phase_search {
    bool complete; /* all were answered for */
    uint64_t missing;
};

/* Of a phase that has sent requests; of one in parts the worst of them. */
struct phase_verdict {
    bool known;
    enum verdict_level level;
    uint64_t
        checks[VERDICT_RED + 1]; /* that came to this level: a bit for each verdict_check_at() */
};
_Static_assert(VERDICT_CHECKS_MAX <= 64, "a bit for each check");

struct phase_account {
    uint64_t start_ns,
        end_ns;       /* since the scenario began; the gap before the first request counts */
    bool ran;         /* false: it was not reached ... */
    bool done_before; /* ... since the run that this one goes on with has done it */
    char end[160]; /* why it ended: "used_memory>=80%target", "duration", "done", "failed: ..." */
    bool failed, target_missed;
    bool holds;    /* of a condition */
    bool left_out; /* it stands in the branch of one that was not taken */
    uint64_t requests_ok, requests_failed;
    double
        load_seconds; /* in which its requests were sent: what is waited for beside them is not in it */
    double rate;      /* successful requests by second of these */
    double mean_ms, p50_ms, p95_ms, p99_ms, max_ms; /* of all its requests; NAN: none */
    struct phase_trouble trouble;
    struct phase_verdict verdict;
    struct phase_search search;
    struct phase_buffer buffer;
    uint64_t keys_before, keys_after; /* live keys by volley's own map */
    uint64_t
        payload_bytes; /* of values of the keys that a load has added, by their mean size; 0: unknown */
    struct vector_account vectors;
    json_t *checkpoint; /* what servers told, a list; NULL: they were not asked. The command's */
    double before[SERIES_METRICS], after[SERIES_METRICS]; /* samples at its edges */
};

/* What happened at a moment, or for a while: an action, what a server says of slow commands. */
struct scenario_event {
    struct note note; /* its times count from the beginning of the scenario */
    uint32_t phase;   /* in which it was heard; from scenario_events_settle on in which it was */
    size_t place;     /* in the order in which they were heard; set there */
};
struct scenario_events {
    struct scenario_event *items; /* owned */
    size_t count, room;
    uint64_t left_out;
};

#endif
