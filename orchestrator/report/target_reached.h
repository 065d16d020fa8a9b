/* Whether an open loop reached its target, and if not, why: the sentence that the text report, run.json
 * (rate.reason) and the verdict share. Pure. */
#ifndef ORCHESTRATOR_REPORT_TARGET_REACHED_H
#define ORCHESTRATOR_REPORT_TARGET_REACHED_H

#include <stdbool.h>

#include "orchestrator/report/timeline.h"

/* A smaller share than this of what was due, sent in time, is a target that was not reached. */
#define TARGET_REACHED_SHARE 0.99
/* From this share of its CPU on, without spinning, a worker is at its limit. */
#define WORKER_LIMIT_SHARE 0.90
/* CPU time and waits are told in ticks, and hold what was done just before: of a shorter time shares
 * of a CPU say nothing. */
#define CPU_SHARE_KNOWN_SECONDS 0.05
/* From this share of a CPU on a server is said to be busy. */
#define SERVER_BUSY_SHARE 0.90

/* A CPU that workers are pinned to, or one worker that is not. */
struct target_cpu {
    double busy_share;  /* of the run's time: workers at work on it, without spinning            */
    double delay_share; /* of the time of its worker that waited most: ready, and not running    */
    double share;       /* what was not theirs to use any more: at most all of it                */
    uint32_t worker;    /* the busiest on it                                                     */
    uint32_t workers;   /* how many                                                              */
    int cpu;            /* -1: not pinned                                                        */
};

/* Nodes that did not take what was theirs. */
struct target_nodes {
    /* Of what was due: bound to a node, and never sent, since no connection to it was free. */
    double unsent_share;
    uint32_t worst;    /* the node with the most                                           */
    uint32_t count;    /* how many have that much, or a tenth of it or more ...            */
    uint64_t unsent;   /* ... and together so many requests                                */
    double full_share; /* of the workers' time: so many waited for one that none was drawn */
    uint32_t fullest;  /* the node with the most of that                                   */
};

/* The figures that the sentence rests on. */
struct target_evidence {
    double target;        /* requests per second, as figure_target has it                    */
    double share;         /* of them sent in time; a late end of -n requests counts as missing */
    double late_seconds;  /* so much later than at the target rate was sent what was sent last; or
                           * what --shed-after allows, when that is less                       */
    double blocked_share; /* of the workers' time: due, and every connection was busy         */
    double unconnected_share; /* of the workers' time: due, and no connection was open            */
    double still_share;       /* of the workers' time: volley itself stood still              */
    double throttled_share;   /* of the run's time: the CPU quota stopped volley              */
    double outage_share;      /* of the run's time: nothing succeeded, and volley ran         */
    double dead_share;        /* of what was due: fell due while a worker was dead                */
    struct target_nodes nodes;
    uint64_t wait_p99_ns;  /* of the wait for a connection that could take the request         */
    bool waits_outweigh;   /* all waits together are longer than all slips                     */
    struct target_cpu cpu; /* the one of which volley's workers leave the least            */
    uint64_t slip_p99_ns, slip_limit_ns; /* sent so late; what is bearable */
};

enum target_limit {
    TARGET_REACHED,
    TARGET_WORKER_DIED,
    TARGET_NODE_UNSENT, /* requests for a node found no connection to it, and were never sent */
    TARGET_NODE_FULL,   /* ... and those that waited kept volley from drawing others         */
    TARGET_WORKER_BUSY, /* volley is the limit; its replies waited, so its connections were busy, too */
    TARGET_OUTAGE,      /* nothing succeeded at all for as much as is missing */
    TARGET_SERVER_SLOW, /* every connection was busy    */
    TARGET_SERVER_AWAY, /* no connection was open       */
    TARGET_VOLLEY_LATE, /* volley was stopped or delayed */
    TARGET_WAITED, /* as much as is missing requests waited for a connection that could take them */
    TARGET_LIMIT_UNKNOWN /* these figures do not show it  */
};

struct target_reached {
    struct target_evidence evidence;
    enum target_limit limit;
    /* "target not reached: 78 % of 50,000/s sent, because ..."; "" when reached */
    char sentence[320];
};

/* "50,000/s"; "what fell due" when the rate was changed under way, and no rate is that of the run. Returns
 * text. */
char *target_name(char *text, size_t text_bytes, const struct run_result *result);

/* result: of a run in an open loop, completed by the timeline. Nothing due is a target reached. */
void target_reached_judge(struct target_reached *reached, const struct run_result *result);

/* The CPU that volley is nearest to the limit of; all 0 when no worker is known. */
struct target_cpu target_busiest_cpu(const struct run_result *result);
/* "16 workers used 98 % of CPU 1", "worker 1 used 60 % of its CPU and waited 35 % for it". Returns text. */
char *target_cpu_text(char *text, size_t text_bytes, const struct target_cpu *cpu);
/* Whether something else had its CPU for most of what is missing: more workers would wait there, too. */
bool target_cpu_is_kept(const struct target_cpu *cpu);
/* A slip above this says that volley was late: the larger of 10 % of the median response time and
 * 0.25 ms. What had no reply counts in the median, as everywhere (figure_percentile). */
uint64_t target_slip_limit_ns(const struct interval_row *total);

#endif
