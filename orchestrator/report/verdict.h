/* volley's own judgement of whether a run's figures can be trusted (design.md 4.10), from its totals and
 * evidence. Pure. */
#ifndef ORCHESTRATOR_REPORT_VERDICT_H
#define ORCHESTRATOR_REPORT_VERDICT_H

#include <stdbool.h>
#include <stdint.h>

struct run_result;

/* GREEN   nothing was seen that makes the figures doubtful
 * AMBER   a reader who knows of it may decide differently
 * RED     the figures must not be used
 * A GREEN check may carry a note: it explains something that the reader sees in the report. */
enum verdict_level { VERDICT_GREEN, VERDICT_AMBER, VERDICT_RED };

struct verdict_check {
    char name[32];
    enum verdict_level level;
    bool note;
    /* The evidence and its limits, as numbers in `unit`; NAN: not known, or there is none. The unit "flag"
     * has 1 for what the name says, and 0. */
    char unit[16];
    double value;
    double
        threshold; /* of GREEN: the largest value, or of some checks the smallest; NAN: see there */
    double red_threshold;
    /* The same as people read it. */
    char text[160];
    char limit[64];
    char advice[320]; /* empty when GREEN and no note */
};
#define VERDICT_CHECKS_MAX 40
struct verdict {
    enum verdict_level level; /* the worst of the checks */
    struct verdict_check checks[VERDICT_CHECKS_MAX];
    uint32_t check_count;
};

/* A check of another version's, as its journal has it. */
struct verdict_foreign {
    char name[32];
    enum verdict_level level; /* AMBER where it is none of these */
    char text[160];
};
#define VERDICT_FOREIGN_MAX 8u

/* Every check is always in the list, in this order; the worst one is the level of the whole.
 *
 *   worker_cpu         AMBER when workers used 90 % of a CPU's time without spinning, all that are pinned to
 *                      it together, or one was at work or kept waiting for its CPU that long: volley, or
 *                      what runs beside it, is the limit; a note for one worker of a closed loop whose
 *                      server was nearer to its own; like run_delay unknown below 50 ms
 *   run_delay          AMBER when a worker that shares its CPU with no other one waited for it for more than
 *                      5 % of the time
 *   loop_lag           AMBER when replies that waited in volley before they were read may have made a
 *                      percentile that was asked for, and has samples enough, 10 % larger than it would
 *                      have been; a note when a closed loop's server was at its limit
 *   slip               open loop: AMBER when its p99 is above 10 % of the median response time and
 *                      above 0.25 ms
 *   wait               the same of the wait for a free connection; of a client that buffers, whose
 *                      requests are to wait in its buffer, of the wait for room in front of that
 *   target             open loop: AMBER when less than 99 % of what was due was sent in time, RED below
 *                      90 %; the advice says why (target_reached.h)
 *   shed               AMBER from the first one that was dropped for being later than --shed-after
 *   errors             AMBER above 0.1 % of all replies, RED above 1 %
 *   lost_or_timed_out  AMBER from the first one, RED above 0.1 % of what was sent; without those lost
 *                      with a worker that died, but with those lost when workers were killed at the end
 *   censored           AMBER when a percentile that was asked for is not known, because too many
 *                      requests went without a reply or were never sent; the advice tells those that
 *                      a stop cut off from others
 *   misses             AMBER above 1 % of the keys that were looked up (tests that read); not judged where some are WAIT's
 *   values             AMBER from the first stale read that --verify has found, RED from the first corrupted
 *                      value and the first lost write
 *   messages           AMBER from the first message that was lost, came twice or out of order to a consumer
 *   one_key            AMBER when every request has the same key and no key range was asked for
 *   shared_cpu         AMBER when a worker is pinned to a CPU that the server runs on
 *   steal_time         AMBER above 2 % of the host's CPU time, RED above 10 %
 *   other_load         AMBER when more than 5 % of the commands that the server executed, by its own counts, were
 *                      not volley's, RED above 50 %; unknown of scripts, and with reads from replicas
 *   throttling         a note below 0.1 % of the run's time, AMBER above, RED above 5 %
 *   stood_still        AMBER from the first time that a worker stood still for 200 ms or longer, RED above
 *                      5 % of the workers' time
 *   lost_workers       RED from the first one, and from the first request that fell due meanwhile; AMBER
 *                      when workers were killed at the end and took latencies with them
 *   outage             AMBER when the target, or one of its nodes, had one (outage.h), RED when the target
 *                      had them for more than 10 % of the run's time
 *   tls_handshakes     AMBER from the first one that failed
 *   local_ports        AMBER from the first connection that found no local port
 *   node_ring          AMBER when a node's full ring of requests stopped the drawing or dropped one
 *   node_load          always GREEN: the smallest and the largest share of requests over the nodes; of
 *                      uniform keys they are within 1 % of each other
 *   steady             AMBER when --steady auto found no steady state within its limit
 *   clamped            AMBER when a latency was above the histogram's range
 *   few_samples        AMBER when a percentile q that was asked for rests on fewer than 10 / (1 - q);
 *                      a note above p99 when nobody asked for others than the usual ones; not judged
 *                      when no request succeeded
 *   late_records       a note from the first one: rows of the interval list are not exact, totals are
 *   short_run          AMBER below 0.5 s of measured time
 *   failed             RED when the run's status is an error of its own: --max-errors was reached, nothing
 *                      succeeded, the target was not there to the end
 *   accounting         RED when the counters do not add up
 *
 * Behind them stand those of another version (result->foreign), which cannot be judged here: with the level
 * that was recorded, and a note where that is GREEN. */
void verdict_judge(struct verdict *verdict, const struct run_result *result);
/* Whether there is a check of this name here. */
bool verdict_knows(const char *name);
const char *verdict_level_name(enum verdict_level level);
/* The name of a check of this version, by its place in the list; NULL: there are not so many. */
const char *verdict_check_at(uint32_t index);

#endif
