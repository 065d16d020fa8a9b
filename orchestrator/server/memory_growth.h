/* Which parts of a server's memory grow, over samples. A part grows when
 * - its slope is above 1 % of maxmemory an hour (without that of what is used on average),
 * - Mann and Kendall's p is below 0.05, divided by how many parts are judged,
 * - R^2 is at least 0.6, and
 * - it has grown by 64 KB, and by 0.1 % of what is used, over the samples.
 * Data are those of each key, times the usual keys: not judged where keys go beyond half or twice of that. Tables of
 * keys follow the keys, and are not judged, nor is what a server had when it began. Pure but for its memory. */
#ifndef ORCHESTRATOR_SERVER_MEMORY_GROWTH_H
#define ORCHESTRATOR_SERVER_MEMORY_GROWTH_H

#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "orchestrator/server/memory_account.h"

#define MEMORY_SAMPLES_LEAST 8u
#define MEMORY_SAMPLES_MOST 1000u

/* Parts, behind them fragmentation, and what no part names. */
#define GROWTH_FRAGMENTATION ((unsigned)MEMORY_PARTS)
#define GROWTH_REST ((unsigned)MEMORY_PARTS + 1)
#define GROWTH_SERIES ((unsigned)MEMORY_PARTS + 2)
const char *memory_growth_name(unsigned series);  /* "clients", "fragmentation" */
const char *memory_growth_words(unsigned series); /* "data of each key, times the usual keys" */

struct memory_samples {
    size_t count, room;
    double *
        seconds; /* since the first; the others are `room` apart: used, keys, max, and each series */
};
MUST_USE enum err_code memory_samples_make(struct memory_samples *samples, size_t room,
                                           struct err *err);
void memory_samples_free(struct memory_samples *samples); /* safe on a zeroed struct */
/* What does not fit is dropped. */
void memory_samples_add(struct memory_samples *samples, double seconds,
                        const struct memory_account *account);

struct memory_growth {
    bool judged, grows;
    double slope_per_hour; /* bytes */
    double first, last, r2, p;
};
struct memory_growths {
    size_t samples;
    double seconds;  /* from the first to the last sample */
    unsigned judged; /* series */
    double limit;    /* bytes an hour */
    double p_limit;  /* of each of them */
    double keys[2];  /* first, last; NAN: not known */
    bool keys_vary;  /* data were not judged, since keys come and go */
    struct memory_growth series[GROWTH_SERIES];
};
/* judged 0: too few samples. E_SYSTEM: no memory. */
MUST_USE enum err_code memory_growths_judge(struct memory_growths *growths,
                                            const struct memory_samples *samples, struct err *err);

#endif
