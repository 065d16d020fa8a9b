#include "worker/edges.h"

#include <assert.h>
#include <string.h>
#include <time.h>

#include "worker/pacer.h"
#include "worker/recount.h"
#include "worker/worker_state.h"

#define FINISH_WAIT_NS (10 * NS_PER_SECOND)
#define FINISH_PAUSE_NS NS_PER_MS

static uint32_t interval_number(const struct worker *worker, uint64_t now_ns)
{
    return (uint32_t)((now_ns - worker->start_ns) / worker->spec->interval_ns);
}

static bool in_warmup(const struct worker *worker, uint32_t number)
{
    return (uint64_t)number * worker->spec->interval_ns < worker->warmup_ns;
}

/* With --steady auto the end of the warm-up becomes known while it is under way. */
static void learn_warmup(struct worker *worker)
{
    if (worker->warmup_ns != IPC_NEVER)
        return;
    /* Acquire: partner is the fleet's release store, well ahead of the edge that it names. */
    worker->warmup_ns =
        atomic_load_explicit(&worker->control->measure_after_ns, memory_order_acquire);
    if (worker->warmup_ns == IPC_NEVER)
        return;
    worker->measure_ns = worker->start_ns + worker->warmup_ns;
    if (worker->run->duration_ns > 0 &&
        worker->measure_ns + worker->run->duration_ns < worker->stop_at_ns)
        worker->stop_at_ns = worker->measure_ns + worker->run->duration_ns;
}

/* Begins a record for interval `number`; gauges are those of this moment. */
static void begin(struct worker *worker, uint32_t number)
{
    uint64_t length_ns = worker->spec->interval_ns;
    bool warmup = in_warmup(worker, number);
    worker->warming_up = warmup;
    worker->recorder.interval->header = (struct interval_header){
        .first = number,
        .last = number,
        .flags = (warmup ? INTERVAL_WARMUP : 0) | (worker->open_loop ? INTERVAL_OPEN_LOOP : 0),
        .start_ns = (uint64_t)number * length_ns,
        .in_flight_before = worker->in_flight,
        .backlog_before = worker_backlog(worker),
    };
    recorder_begin_stops(worker, worker->start_ns + (uint64_t)number * length_ns);
    if (worker->open_loop && !warmup && !worker->pacer.measuring)
        pacer_begin_measuring(worker);
    for (int i = 0; i < COUNTER_COUNT; i++)
        worker->recorder.published[i] = worker_total(worker, (enum counter)i);
}

void edges_start(struct worker *worker, uint64_t now_ns)
{
    recorder_start_cpu(worker, worker->share->replacement ? now_ns : worker->start_ns);
    /* A worker that was woken late, be it after the whole warm-up, has missed nothing: what it should
     * have done since the start is cut into records, and what fell due is settled, like any other. */
    uint32_t number = worker->share->replacement ? interval_number(worker, now_ns) : 0;
    learn_warmup(worker);
    if (worker->open_loop && in_warmup(worker, number))
        pacer_begin_warmup(worker);
    begin(worker, number);
    /* What happened between the barrier and the start, such as a lost connection, belongs to the
     * first interval; a replacement goes on from what the one before it has published. */
    if (!worker->share->replacement)
        memset(worker->recorder.published, 0, sizeof worker->recorder.published);
    worker->edge_ns = worker->start_ns + (number + 1) * worker->spec->interval_ns;
}

/* Brings what is due up to at_ns, where the record ends. In a closed loop that is what was sent. */
static void count_due(struct worker *worker, uint64_t at_ns)
{
    bool end_of_warmup = worker->warming_up && worker->warmup_ns != IPC_NEVER &&
                         at_ns >= worker->start_ns + worker->warmup_ns;
    if (worker->open_loop)
        pacer_settle(worker, at_ns < worker->stop_at_ns ? at_ns : worker->stop_at_ns,
                     end_of_warmup);
    else
        atomic_store_explicit(&worker->live->counters[COUNTER_DUE],
                              worker_total(worker, COUNTER_SENT) +
                                  worker_total(worker, COUNTER_SHED_NODE) +
                                  worker_total(worker, COUNTER_SHED_WORKER),
                              memory_order_relaxed);
#ifdef VOLLEY_COUNT_ALLOCATIONS /* a test build: gauges against the slots at every edge */
    assert(recount_in_flight(worker) == worker->in_flight);
    assert(!worker->open_loop || end_of_warmup ||
           recount_backlog(worker) == worker_backlog(worker));
#endif
}

/* Pushes the record that ends at end_ns since the start. False: there is no room for it. */
static bool publish(struct worker *worker, uint64_t end_ns, uint32_t *encoded_bytes)
{
    count_due(worker, worker->start_ns + end_ns);
    return recorder_publish(worker, end_ns, encoded_bytes);
}

void edges_cut(struct worker *worker, uint64_t now_ns)
{
    /* What comes at or after the stop is draining: it belongs to the interval that the stop ends. */
    if (now_ns >= worker->stop_at_ns)
        now_ns = worker->stop_at_ns - 1;
    recorder_look_for_stop(worker, now_ns);
    while (now_ns >= worker->edge_ns) {
        recorder_count_cpu(worker);
        learn_warmup(worker);
        uint32_t next = worker->recorder.interval->header.last + 1;
        uint32_t encoded_bytes;
        bool done = publish(worker, worker->edge_ns - worker->start_ns, &encoded_bytes);
        if (!done && worker->warming_up && !in_warmup(worker, next)) {
            recorder_hold(worker, encoded_bytes);
            done = true;
        }
        /* Full: the interval is kept and becomes part of the next one. Nothing is lost. */
        if (done) {
            interval_reset(worker->recorder.interval);
            begin(worker, next);
        } else {
            worker->recorder.interval->header.last = next;
        }
        worker->edge_ns += worker->spec->interval_ns;
        recorder_count_still(worker, worker->edge_ns - worker->spec->interval_ns);
    }
}

enum err_code edges_finish(struct worker *worker, uint64_t now_ns, struct err *err)
{
    recorder_count_cpu(worker);
    worker->recorder.interval->header.flags |= INTERVAL_LAST;
    if (now_ns < worker->start_ns + worker->recorder.interval->header.start_ns)
        now_ns = worker->start_ns + worker->recorder.interval->header.start_ns;
    count_due(worker, now_ns);
    if (worker->open_loop)
        recount_record_backlog(worker, now_ns < worker->stop_at_ns ? now_ns : worker->stop_at_ns);
    uint64_t give_up_ns = clock_now_ns() + FINISH_WAIT_NS;
    uint32_t encoded_bytes;
    while (!publish(worker, now_ns - worker->start_ns, &encoded_bytes)) {
        if (clock_now_ns() >= give_up_ns)
            return err_set(err, E_SYSTEM,
                           "worker %u: its last record found no room for 10 s; the orchestrator "
                           "does not collect",
                           worker->share->index);
        nanosleep(&(struct timespec){.tv_nsec = FINISH_PAUSE_NS}, NULL);
    }
    return OK;
}
