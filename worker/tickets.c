/* Which tickets are this worker's.
 *
 * With -n: claimed from the shared counter in chunks that shrink towards the end, so that all
 * workers finish together and exactly n are sent. Without: worker i of N takes i, i + N, i + 2N, ...
 * and shares nothing. Warm-up tickets have a range of their own, always by stride. */
#include "worker/tickets.h"

#include "worker/stream.h"

/* The share of what is left that one claim takes is 1 / (4 * workers): n = 1,000,000 over 2 workers
 * costs about 100 claims in all. */
#define CLAIM_SHARE 4u

/* So that a claim that is about to be written over is not forgotten with a worker that never noted it. */
static void write_down(struct ipc_tickets *tickets, uint64_t claimed)
{
    _Atomic uint64_t *known_end = &tickets->known_end[IPC_CLAIM_WORKER(claimed)];
    uint64_t known = atomic_load_explicit(known_end, memory_order_relaxed);
    while (known < IPC_CLAIM_END(claimed) &&
           !atomic_compare_exchange_weak_explicit(known_end, &known, IPC_CLAIM_END(claimed),
                                                  memory_order_relaxed, memory_order_relaxed))
        continue;
}

static bool claim_chunk(struct stream *stream)
{
    struct ipc_worker *live = stream->live;
    uint64_t total = stream->run->requests;
    uint64_t claimed = atomic_load_explicit(&stream->tickets->claimed, memory_order_relaxed);
    uint64_t first, chunk;
    do {
        first = IPC_CLAIM_END(claimed);
        if (first >= total)
            return false;
        chunk = (total - first) / (CLAIM_SHARE * stream->run->worker_count);
        if (chunk == 0)
            chunk = 1;
        write_down(stream->tickets, claimed);
        /* Where the claim that comes now begins, should nothing after it happen any more. */
        atomic_store_explicit(&live->claim_first, first, memory_order_relaxed);
        /* Release: partner is the harvest of a dead worker, which reads claim_first. Beyond that a ticket
         * is only a number. */
    } while (!atomic_compare_exchange_weak_explicit(&stream->tickets->claimed, &claimed,
                                                    IPC_CLAIM(first + chunk, stream->share->index),
                                                    memory_order_release, memory_order_relaxed));
    /* end before next: a harvest between the two stores sees an empty chunk, never a wrong one. */
    atomic_store_explicit(&live->ticket_end, first, memory_order_relaxed);
    atomic_store_explicit(&live->ticket_next, first, memory_order_relaxed);
    atomic_store_explicit(&live->ticket_end, first + chunk, memory_order_release);
    stream->next_ticket = first;
    stream->end_ticket = first + chunk;
    return true;
}

/* Apart from the usual way, which then saves no registers. */
__attribute__((noinline, cold)) static bool draw_from_next_chunk(struct stream *stream,
                                                                 uint64_t *ticket)
{
    if (stream->replay != NULL)
        return replaying_draw(stream, ticket);
    stream_publish_drawn(
        stream); /* the words that a claim writes over say that all before it is used up */
    if (!claim_chunk(stream)) {
        stream->tickets_exhausted = true;
        return false;
    }
    return tickets_draw(stream, ticket);
}

bool tickets_draw(struct stream *stream, uint64_t *ticket)
{
    uint64_t workers = stream->run->worker_count;
    if (stream->warming_up) {
        *ticket = WORKLOAD_WARMUP_TICKET + stream->share->index + stream->warmup_next++ * workers;
        return true;
    }
    const uint64_t next = stream->next_ticket;
    if (stream->run->requests == 0) {
        *ticket = stream->share->index + next * workers;
        stream->next_ticket = next + 1;
        return true;
    }
    if (next == stream->end_ticket)
        return draw_from_next_chunk(stream, ticket);
    *ticket = next;
    stream->next_ticket = next + 1;
    return true;
}
