/* What `volley find-max` has found: its probes, which are points of the curve of latency against load,
 * the knee, and what limits it. Filled by the command, printed by curve_text, curve_csv and curve_json. */
#ifndef ORCHESTRATOR_CAPACITY_CURVE_H
#define ORCHESTRATOR_CAPACITY_CURVE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "common/err.h"
#include "orchestrator/capacity/mishap.h"
#include "orchestrator/capacity/search.h"
#include "orchestrator/capacity/windows.h"
#include "orchestrator/report/figures.h"
#include "orchestrator/report/objective.h"
#include "orchestrator/report/output.h"
#include "orchestrator/report/target_reached.h"
#include "orchestrator/report/timeline.h"

#define CURVE_PERCENTILES_MAX (SPEC_PERCENTILES_MAX + OBJECTIVE_MAX)

enum probe_end {
    PROBE_WHOLE,    /* every window was measured                                         */
    PROBE_WON,      /* ended when enough of the windows had passed                       */
    PROBE_LOST,     /* ended when a majority of them had failed                          */
    PROBE_HOPELESS, /* ended because of its backlog; the windows that were left out count as failed */
    PROBE_CUT,      /* interrupted: it counts for nothing                                */
    PROBE_ERROR     /* had a mishap: it counts for nothing                               */
};

/* One run at one rate. */
struct probe {
    uint64_t rate_micro;
    bool retest;
    enum probe_end end;
    bool passed;
    bool kept_up;                            /* windows_kept_up                    */
    uint32_t windows_passed, windows_judged; /* as the search counts them          */
    struct window *windows;                  /* as measured; owned                 */
    uint32_t window_count;
    struct figure_percentile percentiles[CURVE_PERCENTILES_MAX]; /* of all windows together */
    struct objective_reading readings[OBJECTIVE_MAX]; /* likewise, one for each objective */
    bool answered;                                    /* one request or more: */
    uint64_t mean_ns, max_ns;                         /* of them               */
    struct figure_percentile mean_of_all, max_of_all; /* with those that had no reply */
    double seconds;
    double achieved; /* ok per second, in the windows */
    double error_share;
    uint64_t backlog;
    uint64_t loop_lag_p99_ns;
    struct target_reached target; /* whether the rate was reached, and why not */
    struct verdict verdict;
    char mishap[MISHAP_TEXT_BYTES]; /* of PROBE_ERROR, else "" */
};

enum limit_kind { LIMIT_UNKNOWN, LIMIT_SLO, LIMIT_THROUGHPUT, LIMIT_VOLLEY };

/* What keeps the next higher rate from being sustainable. */
struct limit {
    enum limit_kind kind;
    uint32_t slo;                    /* of LIMIT_SLO: index in the list       */
    char name[OBJECTIVE_TEXT_BYTES]; /* "p99<1ms", "throughput", "volley"     */
    char evidence[512];              /* one sentence, empty when unknown      */
};

/* So many times the load of today is to be sustained. */
struct headroom {
    double factor; /* 0: nobody asked */
    uint64_t load_micro;
};

struct curve {
    /* set at the start */
    struct headroom headroom;
    const struct objective_list *objectives;
    double percentiles
        [CURVE_PERCENTILES_MAX]; /* ascending: those of the report and of the objectives */
    uint32_t percentile_count;
    uint64_t window_ns;
    uint32_t windows;
    struct search_limits limits;

    /* as it goes */
    struct probe *probes; /* in the order of time; SEARCH_PROBES_MAX of room */
    uint32_t probe_count;
    bool interrupted;
    char error[ERR_TEXT_BYTES]; /* that ended the search; "": none did */

    /* at the end */
    struct search_finding finding;
    struct limit limit;
};

/* objectives is borrowed. curve_free in any case. */
MUST_USE enum err_code curve_init(struct curve *curve, const struct objective_list *objectives,
                                  const double *percentiles, uint32_t percentile_count,
                                  struct err *err);
void curve_free(struct curve *curve);
/* Takes the run that has just ended in as the next probe. E_SYSTEM: no memory. */
MUST_USE enum err_code curve_add(struct curve *curve, uint64_t rate_micro, bool retest,
                                 const struct windows *windows, const struct run_result *result,
                                 struct err *err);
/* What the search is told about a probe. A passed probe is close when a window failed, or a figure was
 * above half of its objective; a failed one is clear when every window fell behind. */
struct search_outcome probe_outcome(const struct probe *probe,
                                    const struct objective_list *objectives);
/* From the probes at the lowest failing rate. Pure. */
void curve_find_limit(struct curve *curve);

/* The rate that headroom asks for; how many times that load the rate found is; whether it is enough. Pure. */
uint64_t headroom_wanted_micro(const struct headroom *headroom);
double curve_headroom(const struct curve *curve);
bool curve_keeps_headroom(const struct curve *curve);

/* Whether a probe tells something about its rate. */
bool probe_counts(const struct probe *probe);
/* "whole", "error" ... */
const char *probe_end_name(enum probe_end end);

#define CURVE_REASON_BYTES 256
/* Why a probe failed: "p99 1.234 ms in 4 of 5 windows", or its mishap; "" when it passed. Returns text. */
char *curve_format_reason(char *text, size_t text_bytes, const struct curve *curve,
                          const struct probe *probe);

/* What keeps the search from being settled: "at 20,370/s 5 of 15 windows pass, ...". Returns text. */
char *curve_format_doubt(char *text, size_t text_bytes, const struct search *search);

/* One line for people about a probe, without the end of the line: its number and rate, whether it passed,
 * what each objective looks at, and why it failed. Returns text. */
char *curve_format_probe(char *text, size_t text_bytes, const struct curve *curve,
                         const struct probe *probe);
/* The table, by rate, and below it what was found. quiet: without the table. */
void curve_write_text(struct output *out, const struct curve *curve, bool quiet);
void curve_write_csv(struct output *out, const struct curve *curve);
/* volley.find-max/1 (docs/schema): a new reference; capacity_json_write writes it. run NULL: nothing ran. NULL: no memory. */
json_t *curve_document(const struct curve *curve, const struct session_facts *session,
                       const struct run_facts *run);

#endif
