#include "worker/edges.h"

#include <assert.h>
#include <string.h>
#include <time.h>

#include "worker/pacer.h"
#include "worker/recount.h"
#include "worker/stream.h"

#define FINISH_WAIT_NS (10 * NS_PER_SECOND)
#define FINISH_PAUSE_NS NS_PER_MS

static uint32_t interval_number(const struct stream *stream, uint64_t now_ns)
{
    return (uint32_t)((now_ns - stream->start_ns) / stream->spec->load.interval_ns);
}

static bool in_warmup(const struct stream *stream, uint32_t number)
{
    return (uint64_t)number * stream->spec->load.interval_ns < stream->warmup_ns;
}

/* With --steady auto the end of the warm-up becomes known while it is under way. */
static void learn_warmup(struct stream *stream)
{
    if (stream->warmup_ns != IPC_NEVER)
        return;
    /* Acquire: partner is the fleet's release store, well ahead of the edge that it names. */
    stream->warmup_ns =
        atomic_load_explicit(&stream->control->measure_after_ns, memory_order_acquire);
    if (stream->warmup_ns == IPC_NEVER)
        return;
    stream->measure_ns = stream->start_ns + stream->warmup_ns;
    if (stream->run->duration_ns > 0 &&
        stream->measure_ns + stream->run->duration_ns < stream->stop_at_ns)
        stream->stop_at_ns = stream->measure_ns + stream->run->duration_ns;
}

/* Begins a record for interval `number`; gauges are those of this moment. */
static void begin(struct stream *stream, uint32_t number)
{
    uint64_t length_ns = stream->spec->load.interval_ns;
    bool warmup = in_warmup(stream, number);
    stream->warming_up = warmup;
    stream->recorder.interval->header = (struct interval_header){
        .first = number,
        .last = number,
        .flags = (warmup ? INTERVAL_WARMUP : 0) | (stream->open_loop ? INTERVAL_OPEN_LOOP : 0) |
                 (stream->users.count > 0 ? INTERVAL_USERS : 0),
        .start_ns = (uint64_t)number * length_ns,
        .in_flight_before = stream->in_flight,
        .backlog_before = stream_backlog(stream),
    };
    recorder_begin_stops(stream, stream->start_ns + (uint64_t)number * length_ns);
    if (stream->open_loop && !warmup && !stream->pacer.measuring) {
        buffer_drop_warmup(stream);
        pacer_begin_measuring(stream);
    }
    for (int i = 0; i < COUNTER_COUNT; i++)
        stream->recorder.published[i] = stream_total(stream, (enum counter)i);
}

void edges_start(struct stream *stream, uint64_t now_ns)
{
    recorder_start_cpu(stream, stream->share->replacement ? now_ns : stream->start_ns);
    /* A worker that was woken late, be it after the whole warm-up, has missed nothing: what it should
     * have done since the start is cut into records, and what fell due is settled, like any other. */
    uint32_t number = stream->share->replacement ? interval_number(stream, now_ns) : 0;
    learn_warmup(stream);
    if (stream->open_loop && in_warmup(stream, number))
        pacer_begin_warmup(stream);
    begin(stream, number);
    /* What happened between the barrier and the start, such as a lost connection, belongs to the
     * first interval; a replacement goes on from what the one before it has published. */
    if (!stream->share->replacement)
        memset(stream->recorder.published, 0, sizeof stream->recorder.published);
    stream->edge_ns = stream->start_ns + (number + 1) * stream->spec->load.interval_ns;
}

/* Brings what is due up to at_ns, where the record ends. In a closed loop that is what was sent. */
static void count_due(struct stream *stream, uint64_t at_ns)
{
    bool end_of_warmup = stream->warming_up && stream->warmup_ns != IPC_NEVER &&
                         at_ns >= stream->start_ns + stream->warmup_ns;
    if (stream->open_loop)
        pacer_settle(stream, at_ns < stream->stop_at_ns ? at_ns : stream->stop_at_ns,
                     end_of_warmup);
    else
        atomic_store_explicit(&stream->live->counters[COUNTER_DUE],
                              stream_total(stream, COUNTER_SENT) +
                                  stream_total(stream, COUNTER_SHED_NODE) +
                                  stream_total(stream, COUNTER_SHED_WORKER),
                              memory_order_relaxed);
#ifdef VOLLEY_COUNT_ALLOCATIONS /* a test build: gauges against the slots at every edge */
    assert(recount_in_flight(stream) == stream->in_flight);
    assert(!stream->open_loop || end_of_warmup ||
           recount_backlog(stream) == stream_backlog(stream));
#endif
}

/* Windows of classes end together in all workers: at every whole second of the warm-up, and of what is measured, so
 * that they fit what is cut out of that; where no interval ends there, after the first one that makes a window of a
 * second; besides, with the warm-up and with the load. */
static bool ends_window(const struct stream *stream)
{
    const struct interval_header *header = &stream->recorder.interval->header;
    const uint64_t length_ns = stream->spec->load.interval_ns, next = (uint64_t)header->last + 1;
    const uint64_t window = (NS_PER_SECOND + length_ns - 1) / length_ns; /* intervals */
    const uint64_t base =
        stream->warming_up ? 0 : (stream->warmup_ns + length_ns - 1) / length_ns; /* the first */
    return (header->flags & INTERVAL_LAST) != 0 ||
           (next - base) / window > (header->first - base) / window ||
           (stream->warming_up && !in_warmup(stream, (uint32_t)next));
}

/* Pushes the record that ends at end_ns since the start. False: there is no room for it. */
static bool publish(struct stream *stream, uint64_t end_ns, uint32_t *encoded_bytes)
{
    buffer_account(stream, stream->start_ns + end_ns);
    count_due(stream, stream->start_ns + end_ns);
    struct interval *interval = stream->recorder.interval;
    interval->window_ends = interval->class_count > 0 && ends_window(stream);
    return recorder_publish(stream, end_ns, encoded_bytes);
}

void edges_cut(struct stream *stream, uint64_t now_ns)
{
    /* What comes at or after the stop is draining: it belongs to the interval that the stop ends. */
    if (now_ns >= stream->stop_at_ns)
        now_ns = stream->stop_at_ns - 1;
    recorder_look_for_stop(stream, now_ns);
    while (now_ns >= stream->edge_ns) {
        recorder_count_cpu(stream);
        learn_warmup(stream);
        uint32_t next = stream->recorder.interval->header.last + 1;
        uint32_t encoded_bytes;
        bool done = publish(stream, stream->edge_ns - stream->start_ns, &encoded_bytes);
        if (!done && stream->warming_up && !in_warmup(stream, next)) {
            recorder_hold(stream, encoded_bytes);
            done = true;
        }
        /* Full: the interval is kept and becomes part of the next one. Nothing is lost. */
        if (done) {
            interval_reset(stream->recorder.interval);
            begin(stream, next);
        } else {
            stream->recorder.interval->header.last = next;
        }
        stream->edge_ns += stream->spec->load.interval_ns;
        recorder_count_still(stream, stream->edge_ns - stream->spec->load.interval_ns);
    }
}

enum err_code edges_finish(struct stream *stream, uint64_t now_ns, struct err *err)
{
    recorder_count_cpu(stream);
    stream->recorder.interval->header.flags |= INTERVAL_LAST;
    if (now_ns < stream->start_ns + stream->recorder.interval->header.start_ns)
        now_ns = stream->start_ns + stream->recorder.interval->header.start_ns;
    count_due(stream, now_ns);
    const uint64_t until_ns = now_ns < stream->stop_at_ns ? now_ns : stream->stop_at_ns;
    if (stream->open_loop) {
        pacer_count_unread(stream, until_ns);
        recount_record_backlog(stream, until_ns);
    }
    uint64_t give_up_ns = clock_now_ns() + FINISH_WAIT_NS;
    uint32_t encoded_bytes;
    while (!publish(stream, now_ns - stream->start_ns, &encoded_bytes)) {
        if (clock_now_ns() >= give_up_ns)
            return err_set(err, E_SYSTEM,
                           "worker %u: its last record found no room for 10 s; the orchestrator "
                           "does not collect",
                           stream->share->index);
        nanosleep(&(struct timespec){.tv_nsec = FINISH_PAUSE_NS}, NULL);
    }
    return OK;
}
