/* What `volley sweep` has found: one run for each value of a list, and where it went wrong. Filled by
 * the command; judged and printed here. */
#ifndef ORCHESTRATOR_CAPACITY_SWEEP_H
#define ORCHESTRATOR_CAPACITY_SWEEP_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"
#include "orchestrator/capacity/degradation.h"
#include "orchestrator/capacity/mishap.h"
#include "orchestrator/report/figures.h"
#include "orchestrator/report/objective.h"
#include "orchestrator/report/output.h"
#include "orchestrator/report/timeline.h"

#define SWEEP_STEPS_MAX 64

enum sweep_kind { SWEEP_CLIENTS, SWEEP_QPS, SWEEP_PIPELINE };

enum sweep_note {
    SWEEP_BASELINE = DEGRADATION_BASELINE,
    SWEEP_DEGRADATION = DEGRADATION_POINT,
    SWEEP_BREAKING = DEGRADATION_BREAKING,
    SWEEP_OBJECTIVE = 1u << 3 /* the first one that breaks an objective */
};

struct sweep_step {
    uint64_t value;       /* connections, micro rate, or requests in flight on a connection */
    double seconds, rate; /* rate: ok per second */
    double target;        /* SWEEP_QPS: requests per second that fell due; else 0 */
    struct figure_percentile p50, p95, p99;
    double error_share; /* of the requests that ended */
    double server_mb;   /* used_memory in 2^20 bytes; below 0: unknown */
    double client_cpu;  /* of all workers, in CPUs, without spinning: 1.5 is one and a half */
    uint32_t worker_count;
    enum err_code status;
    struct verdict verdict;
    unsigned notes; /* set by sweep_judge */
    const char *why_degraded, *why_broken;
    char
        why_objective[OBJECTIVE_TEXT_BYTES + OBJECTIVE_READING_BYTES]; /* "p99<1ms: p99 1.234 ms" */
    struct objective_reading readings[OBJECTIVE_MAX];                  /* of sweep.objectives */
    char mishap[MISHAP_TEXT_BYTES]; /* mishap_find; not "": the step is not judged */
};

struct sweep {
    enum sweep_kind kind;
    bool open_loop;                          /* latencies are response times */
    const struct objective_list *objectives; /* NULL: none were given */
    struct sweep_step steps[SWEEP_STEPS_MAX];
    uint32_t count;   /* of steps that were run */
    uint32_t planned; /* of those asked for     */
    bool interrupted;
    char error[ERR_TEXT_BYTES]; /* that ended it; "": none did */
};

/* Marks baseline, degradation point and breaking point (degradation.h). A step with --qps is not expected to gain on the one
 * before, but to answer what was asked. A step with a mishap marks nothing. Pure. */
void sweep_judge(struct sweep *sweep);

/* Figures of the run that has just ended; value, server_mb and notes are the caller's. */
void sweep_read(struct sweep_step *step, const struct sweep *sweep,
                const struct run_result *result);

/* "clients", "qps", "pipeline". */
const char *sweep_kind_name(enum sweep_kind kind);
/* The value of a step as people read it. Returns text; 40 bytes hold any. */
char *sweep_format_value(char *text, size_t text_bytes, const struct sweep *sweep,
                         const struct sweep_step *step);
#define SWEEP_NOTES_BYTES (MISHAP_TEXT_BYTES + 256 + OBJECTIVE_TEXT_BYTES + OBJECTIVE_READING_BYTES)
/* "baseline", "degradation point: ..." and so on, joined, or "not judged: " and the mishap; "" when there is
 * none. Returns text. */
char *sweep_format_notes(char *text, size_t text_bytes, const struct sweep_step *step);

void sweep_write_text(struct output *out, const struct sweep *sweep);
void sweep_write_csv(struct output *out, const struct sweep *sweep);
/* volley.sweep/1 (docs/schema): a new reference; capacity_json_write writes it. run NULL: nothing ran. NULL: no memory. */
json_t *sweep_document(const struct sweep *sweep, const struct session_facts *session,
                       const struct run_facts *run);

#endif
