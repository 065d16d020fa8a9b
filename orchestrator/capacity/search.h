/* The search for the highest sustainable rate: tells which rate to probe next from what the probes so
 * far came to. Pure: no clock, no load, the same outcomes give the same search. How and why:
 * docs/design/capacity.md.
 *
 *   search_init; while ((rate = search_next()) != 0) search_feed(outcome at rate); search_find
 *
 * A probe consists of windows, each of which kept every objective or did not. What is sought is the
 * rate at which a window passes with probability 1/2. It climbs by factors, bisects the gap, and then
 * tests both sides of the knee again until an exact sign test has settled each. A side that falls in a
 * re-test opens the gap again. It ends in any case: after probes_max probes. */
#ifndef ORCHESTRATOR_CAPACITY_SEARCH_H
#define ORCHESTRATOR_CAPACITY_SEARCH_H

#include <stdbool.h>
#include <stdint.h>

#define SEARCH_PROBES_MAX 500
#define SEARCH_CONFIDENCE 0.95

struct search_limits {
    uint64_t start_micro; /* rates are in 10^-6 requests per second, as schedule.h has them */
    uint64_t lowest_micro, highest_micro;
    double precision; /* 0.02: the knee is bracketed within 2 % */
    uint32_t probes_max;
};

struct search_outcome {
    uint64_t rate_micro;      /* as search_next said                                   */
    uint32_t passed, windows; /* at least 1 window                                     */
    bool close;               /* passed, but with little to spare: climb more slowly   */
    bool clear;               /* failed beyond doubt: no need to look again at once    */
};

/* All probes at one rate together. */
struct search_rate {
    uint64_t rate_micro;
    uint32_t passed, windows, probes;
    bool clear; /* one of the probes failed beyond doubt */
};

struct search {
    struct search_limits limits;
    struct search_rate rates[SEARCH_PROBES_MAX]; /* ascending */
    uint32_t rate_count, probe_count;
    uint64_t low_micro;  /* highest rate that passes, 0: none yet  */
    uint64_t high_micro; /* lowest one above it that fails, 0: none */
    double up, down;     /* factors of the next step outwards       */
};

enum search_status {
    SEARCH_FOUND,     /* both sides of the knee are settled                        */
    SEARCH_NO_LIMIT,  /* the highest rate passes                                   */
    SEARCH_NOTHING,   /* the lowest rate fails                                     */
    SEARCH_UNFINISHED /* it was ended before: what is there is the best known      */
};

struct search_finding {
    enum search_status status;
    uint64_t rate_micro;          /* sustainable; 0: none known                            */
    uint32_t passed, windows;     /* at that rate: a majority passed, and seldom all of them */
    uint64_t first_failing_micro; /* the lowest rate above it that fails; 0: none known    */
    /* 95 % confidence interval of the knee; 0: that side is not settled. */
    uint64_t lower_micro, upper_micro;
};

/* The limits are checked by the caller: 0 < lowest <= start <= highest, precision above 0, probes_max
 * 1 .. SEARCH_PROBES_MAX. */
void search_init(struct search *search, const struct search_limits *limits);
/* 0: over. Rates have four significant digits. */
uint64_t search_next(const struct search *search);
/* The same as if there were no probes_max. */
uint64_t search_next_unbounded(const struct search *search);
/* What the probes at a rate came to so far; NULL: it was not probed. A probe at one that was counts for the
 * interval. */
const struct search_rate *search_seen(const struct search *search, uint64_t rate_micro);
void search_feed(struct search *search, const struct search_outcome *outcome);
struct search_finding search_find(const struct search *search);

/* Probability that a fair coin shows `heads` or more in so many throws. */
double search_sign_test(uint32_t heads, uint32_t throws);

#endif
