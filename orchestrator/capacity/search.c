#include "orchestrator/capacity/search.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#define CLIMB 2.0
#define CLIMB_CLOSE 1.5
#define DESCEND 4.0
/* Rates within this share of the precision are one place: their windows are judged together. */
#define SAME_PLACE 0.25
/* A place that is not settled by so many windows, of two probes or more, lies too near to the knee to
 * be: one step outwards. */
#define WINDOWS_AT_A_PLACE 10u
/* While the gap is wider than so many times the precision, a probe that has failed is repeated at once:
 * a hiccup would send the search far down, and it would find out late. */
#define WIDE 4.0
#define THROWS_MAX 1000u /* 2^-1000 is still a number */

void search_init(struct search *search, const struct search_limits *limits)
{
    assert(limits->lowest_micro > 0 && limits->lowest_micro <= limits->start_micro);
    assert(limits->start_micro <= limits->highest_micro && limits->precision > 0);
    assert(limits->probes_max > 0 && limits->probes_max <= SEARCH_PROBES_MAX);
    memset(search, 0, sizeof *search);
    search->limits = *limits;
    search->up = CLIMB;
    search->down = DESCEND;
}

double search_sign_test(uint32_t heads, uint32_t throws)
{
    if (throws > THROWS_MAX) { /* the share counts, and more throws would only be more certain */
        heads = (uint32_t)((uint64_t)heads * THROWS_MAX / throws);
        throws = THROWS_MAX;
    }
    double term = ldexp(1.0, -(int)throws), sum = 0;
    for (uint32_t k = throws; k + 1 > heads; k--) {
        sum += term;
        if (k == 0)
            break;
        term *= (double)k / (double)(throws - k + 1);
    }
    return sum < 1 ? sum : 1;
}

/* --- the table ------------------------------------------------------------------------------- */

static bool passes(const struct search_rate *rate)
{
    return 2 * rate->passed > rate->windows;
}

const struct search_rate *search_seen(const struct search *search, uint64_t rate_micro)
{
    for (uint32_t i = 0; i < search->rate_count; i++)
        if (search->rates[i].rate_micro == rate_micro)
            return &search->rates[i];
    return NULL;
}

static struct search_rate *find_or_insert(struct search *search, uint64_t rate_micro)
{
    uint32_t at = 0;
    while (at < search->rate_count && search->rates[at].rate_micro < rate_micro)
        at++;
    if (at == search->rate_count || search->rates[at].rate_micro > rate_micro) {
        assert(search->rate_count < SEARCH_PROBES_MAX);
        memmove(&search->rates[at + 1], &search->rates[at],
                (search->rate_count - at) * sizeof search->rates[0]);
        search->rates[at] = (struct search_rate){.rate_micro = rate_micro};
        search->rate_count++;
    }
    return &search->rates[at];
}

static uint64_t highest_passing_below(const struct search *search, uint64_t rate_micro)
{
    uint64_t found = 0;
    for (uint32_t i = 0; i < search->rate_count; i++)
        if (search->rates[i].rate_micro < rate_micro && passes(&search->rates[i]))
            found = search->rates[i].rate_micro;
    return found;
}

static uint64_t lowest_failing_above(const struct search *search, uint64_t rate_micro)
{
    for (uint32_t i = 0; i < search->rate_count; i++)
        if (search->rates[i].rate_micro > rate_micro && !passes(&search->rates[i]))
            return search->rates[i].rate_micro;
    return 0;
}

/* --- rates ----------------------------------------------------------------------------------- */

/* Four significant digits, within the limits. */
static uint64_t rounded(const struct search *search, double rate_micro)
{
    double unit = pow(10, floor(log10(rate_micro)) - 3);
    double nice = unit > 1 ? round(rate_micro / unit) * unit : round(rate_micro);
    if (nice <= (double)search->limits.lowest_micro)
        return search->limits.lowest_micro;
    if (nice >= (double)search->limits.highest_micro)
        return search->limits.highest_micro;
    return (uint64_t)llround(nice);
}

/* A rate strictly between the two sides that narrows the gap; 0: it is narrow enough. */
static uint64_t between(const struct search *search)
{
    double low = (double)search->low_micro, high = (double)search->high_micro;
    if (high <= low * (1 + search->limits.precision))
        return 0;
    uint64_t middle = rounded(search, sqrt(low * high));
    return middle > search->low_micro && middle < search->high_micro ? middle : 0;
}

/* --- the sign test --------------------------------------------------------------------------- */

/* A window that passes at one rate would pass at any lower one: what was seen a little above a rate
 * counts for "it passes here", what was seen a little below it for "it fails here". */
static struct search_rate near_by(const struct search *search, uint64_t rate_micro, bool above)
{
    double width = 1 + SAME_PLACE * search->limits.precision;
    double from = above ? (double)rate_micro : (double)rate_micro / width;
    double to = above ? (double)rate_micro * width : (double)rate_micro;
    struct search_rate sum = {.rate_micro = rate_micro};
    for (uint32_t i = 0; i < search->rate_count; i++) {
        const struct search_rate *rate = &search->rates[i];
        if ((double)rate->rate_micro < from || (double)rate->rate_micro > to)
            continue;
        sum.passed += rate->passed;
        sum.windows += rate->windows;
        sum.probes += rate->probes;
    }
    return sum;
}

/* Both tails are for one interval: each gets half of what it may be wrong. */
static bool is_settled(const struct search *search, uint64_t rate_micro, bool passing)
{
    struct search_rate seen = near_by(search, rate_micro, passing);
    uint32_t heads = passing ? seen.passed : seen.windows - seen.passed;
    return seen.probes > 1 && search_sign_test(heads, seen.windows) <= (1 - SEARCH_CONFIDENCE) / 2;
}

/* Where one side of the knee is to be tested next: at its place next to the gap, or, where that is
 * too near to the knee to be settled, steps further out. 0: it is settled, or the limits end. */
static uint64_t unsettled(const struct search *search, uint64_t side_micro, bool passing)
{
    uint64_t place = side_micro;
    double step = 1 + search->limits.precision;
    while (place != 0 && !is_settled(search, place, passing)) {
        struct search_rate seen = near_by(search, place, passing);
        if (seen.probes < 2 || seen.windows < WINDOWS_AT_A_PLACE)
            return place;
        uint64_t next = rounded(search, passing ? (double)place / step : (double)place * step);
        if (next == place)
            return 0;
        place = next;
        step *= step;
    }
    return 0;
}

/* --- the search ------------------------------------------------------------------------------ */

static uint64_t retest(const struct search *search)
{
    uint64_t low = unsettled(search, search->low_micro, true);
    uint64_t high = unsettled(search, search->high_micro, false);
    if (low == 0 || high == 0)
        return low != 0 ? low : high;
    return near_by(search, high, false).windows < near_by(search, low, true).windows ? high : low;
}

static bool is_doubtful(const struct search *search)
{
    if (search->high_micro == 0)
        return false;
    const struct search_rate *high = search_seen(search, search->high_micro);
    double narrow = (double)search->low_micro * (1 + WIDE * search->limits.precision);
    return high->probes == 1 && !high->clear && (double)search->high_micro > narrow;
}

uint64_t search_next_unbounded(const struct search *search)
{
    const struct search_limits *limits = &search->limits;
    if (search->probe_count == 0)
        return limits->start_micro;
    if (is_doubtful(search))
        return search->high_micro;
    if (search->high_micro == 0 && search->low_micro < limits->highest_micro)
        return rounded(search, (double)search->low_micro * search->up);
    if (search->low_micro == 0 && search->high_micro > limits->lowest_micro)
        return rounded(search, (double)search->high_micro / search->down);
    uint64_t middle = search->low_micro != 0 && search->high_micro != 0 ? between(search) : 0;
    return middle != 0 ? middle : retest(search);
}

uint64_t search_next(const struct search *search)
{
    return search->probe_count < search->limits.probes_max ? search_next_unbounded(search) : 0;
}

/* A step outwards from a side that fell is a small one, and grows with each that does not end it. */
static double grown(double factor, double most)
{
    return factor * factor < most ? factor * factor : most;
}

static void move_up(struct search *search, uint64_t rate_micro, bool close)
{
    if (search->high_micro == 0) {
        search->up = grown(search->up, close ? CLIMB_CLOSE : CLIMB);
    } else if (rate_micro >= search->high_micro) {
        search->high_micro = lowest_failing_above(search, rate_micro);
        search->up = 1 + 2 * search->limits.precision;
    }
    if (rate_micro > search->low_micro)
        search->low_micro = rate_micro;
}

static void move_down(struct search *search, uint64_t rate_micro)
{
    if (search->low_micro == 0) {
        search->down = search->probe_count == 1 ? DESCEND : grown(search->down, DESCEND);
    } else if (rate_micro <= search->low_micro) {
        search->low_micro = highest_passing_below(search, rate_micro);
        search->down = 1 + 2 * search->limits.precision;
    }
    if (search->high_micro == 0 || rate_micro < search->high_micro)
        search->high_micro = rate_micro;
}

void search_feed(struct search *search, const struct search_outcome *outcome)
{
    assert(outcome->windows > 0 && outcome->passed <= outcome->windows);
    struct search_rate *rate = find_or_insert(search, outcome->rate_micro);
    rate->passed += outcome->passed;
    rate->windows += outcome->windows;
    rate->probes++;
    rate->clear |= outcome->clear;
    search->probe_count++;
    if (passes(rate))
        move_up(search, outcome->rate_micro, outcome->close);
    else
        move_down(search, outcome->rate_micro);
}

struct search_finding search_find(const struct search *search)
{
    struct search_finding finding = {
        .rate_micro = search->low_micro,
        .first_failing_micro = search->high_micro,
    };
    const struct search_rate *low = search_seen(search, search->low_micro);
    if (low != NULL) {
        finding.passed = low->passed;
        finding.windows = low->windows;
    }
    for (uint32_t i = 0; i < search->rate_count; i++) {
        uint64_t rate_micro = search->rates[i].rate_micro;
        if (rate_micro <= search->low_micro && is_settled(search, rate_micro, true))
            finding.lower_micro = rate_micro;
        if (finding.upper_micro == 0 && search->high_micro != 0 &&
            rate_micro >= search->high_micro && is_settled(search, rate_micro, false))
            finding.upper_micro = rate_micro;
    }
    bool low_done = finding.lower_micro != 0, high_done = finding.upper_micro != 0;
    bool over = search->probe_count > 0 && search_next_unbounded(search) == 0;
    finding.status = !over                     ? SEARCH_UNFINISHED
                     : low_done && high_done   ? SEARCH_FOUND
                     : search->high_micro == 0 ? SEARCH_NO_LIMIT
                     : search->low_micro == 0  ? SEARCH_NOTHING
                                               : SEARCH_UNFINISHED;
    return finding;
}
