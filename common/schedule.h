/* The schedule of an open loop: ticket -> intended time, a pure function, whatever the server does.
 *
 * A schedule is a list of segments, each with its rate over time. What counts is the integral of the
 * rate, in units of 10^-15 requests: that is what one request per 10^6 seconds (a "micro rate") adds up
 * to in a nanosecond, so constant rates need no rounding and linear ones none but to whole units; an
 * exponential integral is a double. Ticket k of even arrivals is intended for the first nanosecond at
 * which the integral has reached k whole requests; ticket 0 at the first moment of a rate above zero.
 * No running sum, so N workers that take every N-th ticket make the same load as one.
 *
 * The table lies in the shared segment. Before the fork the orchestrator plans it; later it may only
 * append changes (a new constant rate from a moment on), which replace all that was planned behind
 * that moment. Workers read it at any time. Times are nanoseconds since the schedule's start; none is
 * above INT64_MAX, so that a moment of the clock can be added. */
#ifndef COMMON_SCHEDULE_H
#define COMMON_SCHEDULE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

#define SCHEDULE_MICRO 1000000ull /* micro rate of 1 request per second */
#define SCHEDULE_RATE_MAX_MICRO (100000000ull * SCHEDULE_MICRO) /* 100 million per second       */
#define SCHEDULE_UNITS_PER_REQUEST 1000000000000000ull
#define SCHEDULE_STEPS_MAX 100000u  /* planned segments                     */
#define SCHEDULE_CHANGES_MAX 10000u /* appended while the run is under way  */
#define SCHEDULE_NEVER UINT64_MAX

__extension__ typedef unsigned __int128 schedule_units;

enum schedule_shape {
    SCHEDULE_CONSTANT,
    SCHEDULE_LINEAR,     /* from -> to, the same change every second     */
    SCHEDULE_EXPONENTIAL /* from -> to, the same factor every second; both above 0 */
};

/* What is planned: one stretch of time. As options and plan files give it. */
struct rate_step {
    uint64_t length_ns;            /* SCHEDULE_NEVER: for ever, the last one, constant */
    uint64_t from_micro, to_micro; /* equal when constant */
    enum schedule_shape shape;
};

struct schedule_segment {
    struct rate_step step;
    uint64_t start_ns;
    schedule_units start_units; /* integral of the rate up to start_ns */
    /* The first place of the integral that is its own: what lies below is intended for before
     * start_ns, what lies from here up to start_units for start_ns itself. Equal but for changes. */
    schedule_units first_units;
};

struct schedule {
    uint32_t planned_count; /* constant from the fork on */
    uint32_t capacity;
    /* Stored with release by the orchestrator after the entry; acquire by the workers. */
    _Atomic uint32_t count;
    struct schedule_segment segments[];
};

/* Bytes of a schedule with room for so many planned segments, and for all changes if any may come. */
size_t schedule_bytes(uint32_t planned_count, bool changes);
/* Plans the whole schedule into zeroed memory of schedule_bytes. The last step is held for ever at its
 * final rate, if it does not last for ever by itself. Steps are checked by the caller (assert):
 * lengths above 0, rates up to the maximum, exponential ones above 0. */
void schedule_plan(struct schedule *schedule, const struct rate_step *steps, uint32_t step_count,
                   bool changes);
/* From at_ns on the rate is constant. at_ns lies in the future of every worker, and at or after the
 * change before. False: no room for another change. Orchestrator only. */
MUST_USE bool schedule_change(struct schedule *schedule, uint64_t at_ns, uint64_t rate_micro);

/* Where the last lookup ended: lookups mostly go forward. Start with 0; any value is right. */
typedef uint32_t schedule_hint;

/* The moment at which the integral reaches `units`; SCHEDULE_NEVER when it does not. */
uint64_t schedule_time_of(const struct schedule *schedule, schedule_units units,
                          schedule_hint *hint);
/* The intended time of ticket k of even arrivals. */
static inline uint64_t schedule_time_ns(const struct schedule *schedule, uint64_t ticket,
                                        schedule_hint *hint)
{
    return schedule_time_of(schedule, (schedule_units)ticket * SCHEDULE_UNITS_PER_REQUEST, hint);
}
/* How many tickets of even arrivals are intended for a time before at_ns. */
uint64_t schedule_tickets_before(const struct schedule *schedule, uint64_t at_ns,
                                 schedule_hint *hint);
/* The integral up to at_ns, and the rate at at_ns (of the segment that begins there at an edge). */
schedule_units schedule_units_at(const struct schedule *schedule, uint64_t at_ns);
uint64_t schedule_rate_micro(const struct schedule *schedule, uint64_t at_ns);

/* Arrivals: one worker's share of the schedule, as a stream ------------------------------------- */

enum arrival { ARRIVAL_EVEN, ARRIVAL_POISSON };
#define ARRIVALS_BLOCK 256u

/* Even: number j of worker i of N is ticket i + j N of the schedule. Poisson: each worker has a stream
 * of its own, at its share of the rate: number j lies at the sum of j + 1 exponential gaps of mean 1
 * from the worker's seed, times N, on the scale of the integral. Gaps come in blocks: the sum of a
 * block's gaps is drawn first, from the gamma distribution that such a sum has, and then how the gaps
 * share it, which is independent of the sum; so a seek passes over whole blocks without their gaps.
 * Either way number j is ticket i + j N of the run. A value: copy it to look ahead. */
struct arrivals {
    const struct schedule *schedule;
    enum arrival arrival;
    uint64_t seed;
    uint32_t index, workers; /* i, N */
    uint64_t limit;   /* numbers of the stream: tickets below the run's -n; UINT64_MAX: no end */
    uint64_t number;  /* j, the next one                                              */
    uint64_t time_ns; /* when j is intended; SCHEDULE_NEVER: never, or j is beyond the limit */
    schedule_units position;  /* of j on the scale of the integral                               */
    schedule_units block_end; /* Poisson: position of the last number of j's block ...           */
    double gap_scale;         /* ... and what an exponential number is multiplied by in it       */
    uint32_t changes_seen;    /* schedule->count at the last look */
    schedule_hint hint;
};

/* requests: of the whole run; 0: no limit. */
void arrivals_init(struct arrivals *arrivals, const struct schedule *schedule, enum arrival arrival,
                   uint64_t seed, uint32_t index, uint32_t workers, uint64_t requests);
/* To the next number. */
void arrivals_advance(struct arrivals *arrivals);
/* To the first number that is intended for at_ns or later, forward only. Even arrivals need one
 * lookup, Poisson ones a step for each block of ARRIVALS_BLOCK numbers. */
void arrivals_seek(struct arrivals *arrivals, uint64_t at_ns);
/* Looks whether the schedule has changed; time_ns is right again. One load when it has not. */
static inline void arrivals_refresh(struct arrivals *arrivals);
void arrivals_reload(struct arrivals *arrivals);

static inline void arrivals_refresh(struct arrivals *arrivals)
{
    if (atomic_load_explicit(&arrivals->schedule->count, memory_order_acquire) !=
        arrivals->changes_seen)
        arrivals_reload(arrivals);
}

#endif
