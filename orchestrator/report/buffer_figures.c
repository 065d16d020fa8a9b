#include "orchestrator/report/buffer_figures.h"

#include <math.h>

#include "common/buffer_stage.h"
#include "common/clock.h"
#include "orchestrator/report/timeline.h"

static bool find_stages(uint32_t *first, const struct run_facts *facts)
{
    *first = 0;
    while (*first < facts->part_count && !facts->parts[*first].is_stage)
        ++*first;
    return facts->part_count - *first == BUFFER_STAGES;
}

/* What ends in another interval than it began in counts where it was seen: a little more than all is all. */
static double share(uint64_t part_ns, double whole_ns)
{
    return whole_ns > 0 ? fmin((double)part_ns / whole_ns, 1) : (double)NAN;
}

bool buffer_figures_look(struct buffer_figures *figures, const struct metric_slice *slice)
{
    uint32_t first_part;
    if (slice->run == NULL || slice->row == NULL || !find_stages(&first_part, slice->run))
        return false;
    const uint64_t *counters = slice->counters;
    const bool cached = slice->run->cache_most > 0;
    const struct class_figures *waited = &slice->row->parts[first_part + STAGE_WRITE_BUFFER];
    const double ns = slice->seconds > 0 ? slice->seconds * (double)NS_PER_SECOND : (double)NAN;
    const uint64_t full = counters[COUNTER_BUFFER_FLUSHES_SIZE],
                   late = counters[COUNTER_BUFFER_FLUSHES_TIME],
                   idle = counters[COUNTER_BUFFER_FLUSHES_IDLE],
                   messages = counters[COUNTER_BUFFER_MESSAGES], batches = full + late + idle;
    *figures = (struct buffer_figures){
        .full = full,
        .late = late,
        .idle = idle,
        .batches = batches,
        .messages = messages,
        .mean_batch = batches > 0 ? (double)messages / (double)batches : (double)NAN,
        .transfer_rate = (double)messages / ns * (double)NS_PER_SECOND,
        .full_share = share(counters[COUNTER_BUFFER_FULL_NS], ns * slice->run->worker_count),
        .busy_share =
            share(counters[COUNTER_BUFFER_BUSY_NS], ns * (double)slice->run->buffer_workers),
        .round_messages = (double)counters[COUNTER_BUFFER_ROUND_NS] / ns,
        .hybrid_batches = (double)counters[COUNTER_BUFFER_HYBRID_NS] / ns,
        /* So many are there on the average as arrive, each for its time (J. Little, 1961). */
        .unsent = (double)waited->times[CLASS_SERVICE].sum_ns / ns,
        .cache_replies =
            cached ? (double)counters[COUNTER_CACHE_REPLIES_US] * NS_PER_US / ns : (double)NAN,
        .cache_bytes =
            cached ? (double)counters[COUNTER_CACHE_BYTES_MS] * NS_PER_MS / ns : (double)NAN,
        .first_part = first_part,
    };
    return true;
}
