/* Open loop: which tickets are due, which connection sends them, and how the worker waits for the
 * next one. The schedule itself is common/schedule.c.
 *
 * A ticket that is due and finds no connection with a free slot is not kept anywhere: it stays the
 * stream's next one, and goes out as soon as a slot frees. A backlog of any length costs no memory. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "worker/worker_state.h"

/* So many tickets are given to connections before the first of them is written. */
#define BATCH_TICKETS 64u
/* --pacing spin does not sleep while a ticket is due within this time. */
#define SPIN_WITHIN_NS (5 * NS_PER_MS)
/* --pacing auto spins so long before an intended time: what a sleep oversleeps on an idle CPU. */
#define STRETCH_NS (60 * NS_PER_US)
/* Tickets that are closer than this share a sleep. */
#define SLACK_NS (50 * NS_PER_US)

/* Streams -------------------------------------------------------------------------------------- */

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

/* Why a ticket that is due is not sent, over time: evidence for "target not reached". */
static void note_starved(struct worker *worker, uint64_t now_ns)
{
    struct pacer *pacer = &worker->pacer;
    if (pacer->starved && now_ns > pacer->starved_ns)
        worker_count(worker, pacer->starved_for, now_ns - pacer->starved_ns);
    pacer->starved = pacer->next_ns <= now_ns && now_ns < worker->stop_at_ns;
    pacer->starved_for =
        worker->connections_ready > 0 ? COUNTER_BLOCKED_NS : COUNTER_UNCONNECTED_NS;
    pacer->starved_ns = now_ns;
}

void pacer_settle(struct worker *worker, uint64_t at_ns, bool end_of_warmup)
{
    struct pacer *pacer = &worker->pacer;
    arrivals_refresh(&pacer->draw);
    look_ahead(worker);
    pacer_shed_late(worker, at_ns);
    set_due(worker, at_ns);
    if (end_of_warmup) {
        recorder_unsent(worker, worker_backlog(worker), at_ns, at_ns);
        worker_count(worker, COUNTER_SHED_LATE, worker_backlog(worker));
    }
    if (pacer->starved && at_ns > pacer->starved_ns)
        note_starved(worker, at_ns);
}

/* Tickets that a connection holds, or that wait for a node. */
static uint64_t each_unsent(struct worker *worker, unsent_visitor *visit, uint64_t until_ns)
{
    uint64_t unsent = 0;
    for (uint32_t i = 0; i < worker->connection_count; i++) {
        const struct connection *connection = &worker->connections[i];
        for (uint32_t place = 0; place < connection->unsent; place++) {
            const struct request_slot *slot =
                connection_slot(connection, connection->in_flight + place);
            if (slot->again || !router_is_backlog(worker, slot))
                continue;
            unsent++;
            if (visit != NULL)
                visit(worker, connection->pool, slot, until_ns);
        }
    }
    return unsent + router_recount_unsent(worker, visit, until_ns);
}

uint64_t pacer_recount(struct worker *worker)
{
    return worker->pacer.due.number - worker->pacer.draw.number + each_unsent(worker, NULL, 0);
}

static void record_unsent(struct worker *worker, const struct pool *pool,
                          const struct request_slot *slot, uint64_t until_ns)
{
    recorder_unsent(worker, 1, slot->intended_ns, until_ns);
    router_left_unsent(worker, pool, slot, until_ns);
}

void pacer_record_backlog(struct worker *worker, uint64_t until_ns)
{
    const struct pacer *pacer = &worker->pacer;
    struct arrivals ahead = pacer->draw;
    each_unsent(worker, record_unsent, until_ns);
    /* Ticket by ticket where they are few, else all at once whose waits fall into one bucket. */
    for (uint64_t before = UINT64_MAX;
         ahead.number < pacer->due.number && ahead.number != before;) {
        uint64_t intended_ns = pacer->origin_ns + ahead.time_ns;
        uint64_t waited_ns = until_ns > intended_ns ? until_ns - intended_ns : 0;
        uint64_t least_ns = histogram_lowest_value(
            histogram_index(waited_ns < HISTOGRAM_HIGHEST_NS ? waited_ns : HISTOGRAM_HIGHEST_NS));
        before = ahead.number;
        arrivals_seek(&ahead, until_ns - least_ns - pacer->origin_ns + 1);
        if (ahead.number > pacer->due.number)
            ahead.number = pacer->due.number;
        if (ahead.number > before) {
            recorder_unsent(worker, 1, intended_ns, until_ns);
            recorder_unsent(worker, ahead.number - before - 1, until_ns - least_ns, until_ns);
        }
    }
    /* None, unless what was due is not any more: the accounts are to say so, not a loop without end. */
    recorder_unsent(worker, pacer->due.number - ahead.number, until_ns, until_ns);
}

/* Sending -------------------------------------------------------------------------------------- */

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

/* A ticket that a connection held which is not ready any more; it is late enough already. */
static bool adopt(struct worker *worker, struct request_slot *slot)
{
    for (uint32_t i = 0; i < worker->connection_count && worker->unsent_idle > 0; i++) {
        struct connection *idle = &worker->connections[i];
        while (idle->state != CONNECTION_READY && idle->unsent > 0) {
            *slot = *connection_slot(idle, idle->in_flight + --idle->unsent);
            worker->unsent--;
            worker->unsent_idle--;
            /* What is of a warm-up that is over was shed with it. */
            if (slot->ticket < WORKLOAD_WARMUP_TICKET || worker->warming_up)
                return true;
        }
    }
    return false;
}

struct touched {
    struct connection *connections[BATCH_TICKETS];
    uint32_t count;
};

/* Gives connections the tickets that are due, at most a batch of them. False: none was given. */
static bool assign(struct worker *worker, uint64_t now_ns, struct touched *touched)
{
    touched->count = 0;
    for (uint32_t given = 0; given < BATCH_TICKETS; given++) {
        struct connection *connection = router_pick(worker, &worker->router.pools[0]);
        struct request_slot slot = {0};
        if (connection == NULL || !((worker->unsent_idle > 0 && adopt(worker, &slot)) ||
                                    pacer_draw(worker, now_ns, &slot)))
            break;
        slot.waited_ns =
            supply_take(&connection->pool->supply, slot.intended_ns, slot.waited_ns, now_ns);
        *connection_slot(connection, connection->in_flight + connection->unsent++) = slot;
        worker->unsent++;
        connection->quota--;
        router_connection_changed(connection);
        if (!connection->touched)
            touched->connections[touched->count++] = connection;
        connection->touched = true;
    }
    return touched->count > 0;
}

void pacer_send_due(struct worker *worker, uint64_t now_ns)
{
    struct pacer *pacer = &worker->pacer;
    struct touched touched;
    if (worker->router.by_slot) {
        router_send(worker, now_ns);
        if (pacer->starved || (pacer->next_ns <= now_ns && worker->start_ns != 0))
            note_starved(worker, now_ns);
        return;
    }
    if (worker->start_ns == 0 || (pacer->next_ns > now_ns && worker->unsent_idle == 0))
        return;
    if (now_ns >= worker->edge_ns)
        recorder_cut(worker, now_ns);
    if (now_ns >= worker->stop_at_ns)
        return;
    pacer_shed_late(worker, now_ns);
    while (assign(worker, now_ns, &touched)) {
        worker_publish_drawn(worker);
        for (uint32_t i = 0; i < touched.count; i++) {
            struct connection *connection = touched.connections[i];
            connection->touched = false;
            if (connection->state == CONNECTION_READY)
                exchange_flush(connection);
            router_connection_changed(connection);
        }
    }
    if (pacer->starved || pacer->next_ns <= now_ns)
        note_starved(worker, now_ns);
}

/* Waiting -------------------------------------------------------------------------------------- */

static void on_timer(evutil_socket_t fd, short what, void *argument)
{
    /* The turn's end sends what is due. The descriptor is not read: it is edge-triggered, and setting
     * it again clears it. */
    struct worker *worker = argument;
    (void)fd;
    (void)what;
    worker->pacer.armed_ns = 0;
}

/* One call for each ticket, not one for each wait as with libevent's own precise timers: a wait for a
 * reply leaves the timer as it is. */
static void arm(struct pacer *pacer, uint64_t at_ns, uint64_t slack_ns)
{
    if (pacer->armed_ns >= at_ns && pacer->armed_ns <= at_ns + slack_ns)
        return;
    at_ns += slack_ns;
    struct itimerspec when = {.it_value = {.tv_sec = (time_t)(at_ns / NS_PER_SECOND),
                                           .tv_nsec = (long)(at_ns % NS_PER_SECOND)}};
    if (timerfd_settime(pacer->timer_fd, TFD_TIMER_ABSTIME, &when, NULL) == 0)
        pacer->armed_ns = at_ns;
}

/* A sleep costs more CPU than a request does: 25 us were measured on a virtual machine, where timers
 * leave the guest. Where tickets come closer to each other than that, one sleep serves several: it may
 * end so much later than the first of them. A worker that spins needs no slack. */
static uint64_t slack_ns(const struct pacer *pacer)
{
    uint64_t gap_ns = pacer->next_ns - pacer->last_ns;
    return pacer->stretch_ns == 0 && gap_ns < SLACK_NS ? SLACK_NS - gap_ns : 0;
}

/* Spinning with nothing to do is no work: it counts apart. */
static void count_spinning(struct worker *worker, uint64_t now_ns)
{
    struct pacer *pacer = &worker->pacer;
    if (pacer->spinning_ns != 0 && worker->wakeup_ns == 0)
        worker_count(worker, COUNTER_SPIN_NS, now_ns - pacer->spinning_ns);
    pacer->spinning_ns = 0;
}

int pacer_prepare_wait(struct worker *worker, uint64_t *clock_ns)
{
    struct pacer *pacer = &worker->pacer;
    uint64_t now_ns = *clock_ns;
    pacer->turn_ns = now_ns;
    count_spinning(worker, now_ns);
    if (worker->start_ns == 0 || worker->stopping)
        return EVLOOP_ONCE;
    arrivals_refresh(&pacer->draw);
    look_ahead(worker);
    if (pacer->next_ns <= now_ns || worker->unsent_idle > 0) {
        pacer_send_due(worker, now_ns);
        *clock_ns = now_ns = clock_now_ns();
    }
    uint64_t next_ns = pacer->next_ns;
    if (!router_can_take(worker) || next_ns >= worker->stop_at_ns)
        return EVLOOP_ONCE; /* a reply, a connection or the tick comes first */
    if (next_ns <= now_ns)
        return EVLOOP_NONBLOCK; /* due already again: replies have their turn in between */
    if (next_ns - now_ns <= pacer->stretch_ns) {
        pacer->spinning_ns = now_ns;
        return EVLOOP_NONBLOCK;
    }
    arm(pacer, next_ns - (pacer->stretch_ns < SPIN_WITHIN_NS ? pacer->stretch_ns : STRETCH_NS),
        slack_ns(pacer));
    return EVLOOP_ONCE;
}

/* Life ----------------------------------------------------------------------------------------- */

static enum err_code plan_warmup(struct worker *worker, struct err *err)
{
    struct rate_step start = {.length_ns = SCHEDULE_NEVER,
                              .from_micro = worker->spec->warmup_rate_micro,
                              .to_micro = worker->spec->warmup_rate_micro,
                              .shape = SCHEDULE_CONSTANT};
    if (worker->run->warmup_ns == 0)
        return OK;
    worker->pacer.warmup_schedule = calloc(1, schedule_bytes(1, false));
    if (worker->pacer.warmup_schedule == NULL)
        return err_set(err, E_SYSTEM, "worker %u: no memory for the schedule of its warm-up",
                       worker->share->index);
    schedule_plan(worker->pacer.warmup_schedule, &start, 1, false);
    return OK;
}

static uint64_t stretch_ns(const struct worker *worker)
{
    switch (worker->spec->pacing) {
    case PACING_SPIN:
        return SPIN_WITHIN_NS;
    case PACING_AUTO:
        return worker->share->own_cpu ? STRETCH_NS : 0;
    case PACING_SLEEP:
        break;
    }
    return 0;
}

enum err_code pacer_create(struct worker *worker, struct err *err)
{
    struct pacer *pacer = &worker->pacer;
    if (!worker->open_loop)
        return OK;
    pacer->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (pacer->timer_fd >= 0)
        pacer->timer = event_new(worker->base, pacer->timer_fd, EV_READ | EV_PERSIST | EV_ET,
                                 on_timer, worker);
    if (pacer->timer == NULL || event_add(pacer->timer, NULL) != 0)
        return err_set_errno(err, E_SYSTEM, errno, "worker %u: cannot set up its timer",
                             worker->share->index);
    pacer->stretch_ns = stretch_ns(worker);
    return plan_warmup(worker, err);
}

void pacer_destroy(struct worker *worker)
{
    struct pacer *pacer = &worker->pacer;
    if (pacer->timer != NULL)
        event_free(pacer->timer);
    if (pacer->timer_fd >= 0)
        close(pacer->timer_fd);
    free(pacer->warmup_schedule);
}
