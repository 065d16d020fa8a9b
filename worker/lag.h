/* How long replies wait in volley to be read, and what that adds to their times. */
#ifndef WORKER_LAG_H
#define WORKER_LAG_H

#include <stdbool.h>
#include <stdint.h>

#include "common/clock.h"
#include "common/interval.h"

/* Turns whose replies that may have waited in volley are recorded: one in so many, once an interval had that
 * many replies, and enough for some hundred turns in which every connection is ready. */
#define LAG_SAMPLING 16u
#define LAG_SAMPLED_FROM 10000u
#define LAG_SAMPLED_FROM_TURNS 400u

struct lag {
    /* How long a reply may have been waiting when it is read. What a wait did not report has come since
     * that wait looked; a wait that slept had nothing to report before it ended. */
    uint64_t looked_ns;       /* first clock reading behind the wait of the turn before */
    uint64_t waiting_ns;      /* last one before the wait of this turn                  */
    uint64_t wakeup_ns;       /* first one behind it; 0: none yet                       */
    uint64_t unread_since_ns; /* what is read in this turn has come since then          */
    uint64_t slept_ns;        /* a wait that takes longer has slept                     */
    bool always_waiting;      /* no wait does: the transport answers at once            */

    uint64_t lag_ns;   /* so long what is read now may have waited                      */
    uint64_t below_ns; /* more than a tenth of any latency below this was that          */
    uint64_t weight;   /* 10; 0: what is read is made by the reading                    */
    /* Of such replies those of one turn in LAG_SAMPLING are recorded, and stand for as many, but all that
     * took as long as the longest hundredth of the interval before: few reach the high percentiles. */
    uint64_t tail_ns;       /* 0: there are few, or nothing is known yet: all           */
    uint64_t from_ns;       /* shorter ones are left out in this turn                   */
    uint32_t stands_for;    /* those that are shorter than the tail, in this turn       */
    uint32_t turns_to_skip; /* before the next that is recorded                         */
    uint32_t random;        /* how many those are; never 0                              */
    struct lag
        *next; /* those of a process's streams, in a ring: one wait is for all; NULL: alone */
};

/* Streams of one process. */
static inline void lag_join(struct lag *lag, struct lag *first)
{
    lag->next = first->next != NULL ? first->next : first;
    first->next = lag;
}

/* A wait that takes longer, with the read behind it, has slept. One that returns at once was measured at 1 to
 * 6 us with 50 connections and at up to 9 us with 200, which may all be ready; one that sleeps at 13 us and
 * more on a virtual machine, where a wake-up costs most of that. */
static inline uint64_t lag_slept_ns(uint32_t connections)
{
    return 5 * NS_PER_US + (uint64_t)connections * 25;
}

/* Which of this turn's replies are recorded among those that may have waited in volley. */
static inline void lag_sample(struct lag *lag)
{
    lag->from_ns = 0;
    lag->stands_for = 1;
    if (lag->tail_ns == 0)
        return;
    if (lag->turns_to_skip > 0) {
        lag->turns_to_skip--;
        lag->from_ns = lag->tail_ns;
        return;
    }
    lag->stands_for = LAG_SAMPLING;
    /* Marsaglia's xorshift of 32 bits (Journal of Statistical Software 8, 2003). From 0 to
     * 2 * LAG_SAMPLING - 2, so LAG_SAMPLING - 1 on average: a fixed number could keep step with the load. */
    uint32_t random = lag->random;
    random ^= random << 13;
    random ^= random >> 17;
    random ^= random << 5;
    lag->random = random;
    lag->turns_to_skip = random % (2 * LAG_SAMPLING - 1);
}

/* To be called with the first clock reading behind a wait. Once a turn: apart from what each reply runs through. */
__attribute__((noinline, unused)) static void lag_woke(struct lag *lag, uint64_t now_ns)
{
    while (lag->wakeup_ns == 0) {
        bool slept = now_ns - lag->waiting_ns > lag->slept_ns && !lag->always_waiting;
        lag->wakeup_ns = now_ns;
        lag->unread_since_ns = slept ? now_ns : lag->looked_ns;
        lag_sample(lag);
        if (lag->next != NULL)
            lag = lag->next;
    }
}

/* To be called with the clock reading behind each read. The first one stands for the wake-up; a clock reading
 * of its own before it would cost every request more than it tells. */
static inline void lag_read(struct lag *lag, struct interval *interval, uint64_t done_ns)
{
    if (lag->wakeup_ns == 0)
        lag_woke(lag, done_ns);
    lag->lag_ns = done_ns - lag->unread_since_ns;
    lag->below_ns = lag->lag_ns * lag->weight;
    interval_histogram_record(&interval->histograms[HISTOGRAM_LOOP_LAG], lag->lag_ns);
}

/* To be called with the replies of a read, as many at once as are alike. They may have waited in volley for
 * more than a tenth of their latency; none was there before its request was sent. */
static inline void lag_note(const struct lag *lag, struct interval *interval, uint64_t latency_ns,
                            uint64_t service_ns, uint32_t count)
{
    if (latency_ns >= lag->below_ns || latency_ns < lag->from_ns)
        return;
    struct interval_histogram *histograms = interval->histograms;
    uint64_t lag_ns = lag->lag_ns < service_ns ? lag->lag_ns : service_ns;
    if (latency_ns < lag->tail_ns)
        count *= lag->stands_for;
    interval_histogram_tally(&histograms[HISTOGRAM_LAGGED], latency_ns, count);
    interval_histogram_tally(&histograms[HISTOGRAM_UNLAGGED], latency_ns - lag_ns, count);
}

#endif
