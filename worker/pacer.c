#include "worker/pacer.h"

#include <stdlib.h>

#include "worker/worker_state.h"

static void look_ahead(struct worker *worker)
{
    struct pacer *pacer = &worker->pacer;
    uint64_t time_ns = pacer->draw.time_ns;
    pacer->next_ns = time_ns == SCHEDULE_NEVER ? UINT64_MAX : pacer->origin_ns + time_ns;
    if (pacer->measuring && pacer->draw.number >= pacer->draw.limit)
        worker->tickets_exhausted = true;
}

static void publish_number(struct worker *worker)
{
    if (worker->pacer.measuring)
        atomic_store_explicit(&worker->live->ticket_next, worker->pacer.draw.number,
                              memory_order_relaxed);
}

static void begin_stream(struct worker *worker, const struct schedule *schedule, uint64_t seed,
                         uint64_t requests, uint64_t origin_ns)
{
    struct pacer *pacer = &worker->pacer;
    arrivals_init(&pacer->draw, schedule, worker->spec->arrival, seed, worker->share->index,
                  worker->run->worker_count, requests);
    pacer->due = pacer->draw;
    pacer->origin_ns = origin_ns;
    look_ahead(worker);
}

void pacer_begin_warmup(struct worker *worker)
{
    begin_stream(worker, worker->pacer.warmup_schedule, ~worker->spec->seed, 0, worker->start_ns);
}

void pacer_begin_measuring(struct worker *worker)
{
    struct pacer *pacer = &worker->pacer;
    if (pacer->warmup_schedule != NULL) {
        const bool late =
            pacer->due.schedule == NULL; /* a replacement: it has seen nothing of it */
        if (late)
            pacer_begin_warmup(worker);
        arrivals_seek(&pacer->due, worker->warmup_ns);
        pacer->due_warmup = pacer->due.number;
        /* What the one before it did not live to count is in no row, and must not be in a measured one. */
        if (late && worker_total(worker, COUNTER_DUE) < pacer->due_warmup)
            pacer->due_warmup = worker_total(worker, COUNTER_DUE);
    }
    pacer->measuring = true;
    begin_stream(worker, ipc_schedule(worker->run->segment), worker->spec->seed,
                 worker->run->requests, worker->measure_ns);
}

/* All that was due before at_ns since the common start. */
static uint64_t due_total(struct worker *worker, uint64_t at_ns)
{
    struct pacer *pacer = &worker->pacer;
    uint64_t elapsed_ns = at_ns > pacer->origin_ns ? at_ns - pacer->origin_ns : 0;
    /* Without a backlog the stream of what is drawn has been there already. */
    if (pacer->draw.time_ns >= elapsed_ns && pacer->draw.number >= pacer->due.number)
        pacer->due = pacer->draw;
    else
        arrivals_seek(&pacer->due, elapsed_ns);
    return (pacer->measuring ? pacer->due_warmup : 0) + pacer->due.number;
}

static void set_due(struct worker *worker, uint64_t at_ns)
{
    atomic_store_explicit(&worker->live->counters[COUNTER_DUE], due_total(worker, at_ns),
                          memory_order_relaxed);
}

static void advance(struct worker *worker)
{
    arrivals_advance(&worker->pacer.draw);
    look_ahead(worker);
}

/* --shed-after: what is too late by now is dropped, whether or not a slot is free. */
void pacer_shed_late(struct worker *worker, uint64_t now_ns)
{
    uint64_t after_ns = worker->spec->shed_after_ns;
    if (after_ns == 0)
        return;
    struct pacer *pacer = &worker->pacer;
    if (pacer->next_ns >= now_ns || now_ns - pacer->next_ns <= after_ns)
        return;
    uint64_t before = pacer->draw.number;
    arrivals_seek(&pacer->draw, now_ns - after_ns - pacer->origin_ns);
    worker_count(worker, COUNTER_SHED_LATE, pacer->draw.number - before);
    recorder_unsent(worker, pacer->draw.number - before, now_ns - after_ns, now_ns);
    look_ahead(worker);
    publish_number(worker);
}

void pacer_shed_missed(struct worker *worker, uint64_t now_ns)
{
    struct pacer *pacer = &worker->pacer;
    set_due(worker, now_ns);
    recorder_unsent(worker, worker_backlog(worker), now_ns, now_ns);
    worker_count(worker, COUNTER_SHED_WORKER, worker_backlog(worker));
    pacer->draw = pacer->due;
    look_ahead(worker);
    publish_number(worker);
}

void pacer_note_starved(struct worker *worker, uint64_t now_ns)
{
    struct pacer *pacer = &worker->pacer;
    if (pacer->starved && now_ns > pacer->starved_ns)
        worker_count(worker, pacer->starved_for, now_ns - pacer->starved_ns);
    pacer->starved = pacer->next_ns <= now_ns && now_ns < worker->stop_at_ns;
    pacer->starved_for =
        worker->connections_ready > 0 ? COUNTER_BLOCKED_NS : COUNTER_UNCONNECTED_NS;
    pacer->starved_ns = now_ns;
}

void pacer_refresh(struct worker *worker)
{
    arrivals_refresh(&worker->pacer.draw);
    look_ahead(worker);
}

void pacer_settle(struct worker *worker, uint64_t at_ns, bool end_of_warmup)
{
    struct pacer *pacer = &worker->pacer;
    pacer_refresh(worker);
    pacer_shed_late(worker, at_ns);
    set_due(worker, at_ns);
    if (end_of_warmup) {
        recorder_unsent(worker, worker_backlog(worker), at_ns, at_ns);
        worker_count(worker, COUNTER_SHED_LATE, worker_backlog(worker));
    }
    if (pacer->starved && at_ns > pacer->starved_ns)
        pacer_note_starved(worker, at_ns);
}

bool pacer_draw(struct worker *worker, uint64_t now_ns, struct request_slot *slot)
{
    struct pacer *pacer = &worker->pacer;
    if (pacer->next_ns > now_ns)
        return false;
    slot->intended_ns = pacer->last_ns = pacer->next_ns;
    slot->ticket = pacer->draw.index + pacer->draw.number * pacer->draw.workers +
                   (pacer->measuring ? 0 : WORKLOAD_WARMUP_TICKET);
    advance(worker);
    publish_number(worker);
    return true;
}

enum err_code pacer_create(struct worker *worker, struct err *err)
{
    struct rate_step start = {.length_ns = SCHEDULE_NEVER,
                              .from_micro = worker->spec->warmup_rate_micro,
                              .to_micro = worker->spec->warmup_rate_micro,
                              .shape = SCHEDULE_CONSTANT};
    if (!worker->open_loop || worker->run->warmup_ns == 0)
        return OK;
    worker->pacer.warmup_schedule = calloc(1, schedule_bytes(1, false));
    if (worker->pacer.warmup_schedule == NULL)
        return err_set(err, E_SYSTEM, "worker %u: no memory for the schedule of its warm-up",
                       worker->share->index);
    schedule_plan(worker->pacer.warmup_schedule, &start, 1, false);
    return OK;
}

void pacer_destroy(struct pacer *pacer)
{
    free(pacer->warmup_schedule);
}
