/* What a slice of a run with a client's buffer comes to: how batches went, how full the buffers were, and how busy those who send
 * them. Pure. */
#ifndef ORCHESTRATOR_REPORT_BUFFER_FIGURES_H
#define ORCHESTRATOR_REPORT_BUFFER_FIGURES_H

#include "orchestrator/report/metric.h"

/* Shares and means are those of all workers over the slice's time; NAN: not known. */
struct buffer_figures {
    uint64_t full, late, idle; /* batches, by why they went */
    uint64_t batches;          /* all of them               */
    uint64_t messages;         /* in them                   */
    double mean_batch;         /* messages of one           */
    double transfer_rate;      /* messages a second that became batches                */
    double full_share;         /* of the workers' time: nothing more fitted, 0 to 1    */
    double
        busy_share; /* of the flush workers' time: they had a batch to send, or under way, 0 to 1 */
    double round_messages; /* in the round buffers at a time                       */
    double hybrid_batches; /* in the hybrid buffers at a time                      */
    double unsent;         /* requests in both at a time                           */
    double cache_replies;  /* in the near caches at a time; NAN: there are none    */
    double cache_bytes;    /* ... of requests and replies                          */
    uint32_t first_part;   /* of the stages                                        */
};

/* False: nothing was buffered. The slice has its run. */
bool buffer_figures_look(struct buffer_figures *figures, const struct metric_slice *slice);

#endif
