#include "worker/pacer.h"

#include <stdlib.h>

#include "worker/generate/replay.h"
#include "worker/stream.h"

/* Times are the file's, as far as it has been read. */
static void look_at_replay(struct stream *stream)
{
    struct arrivals *draw = &stream->pacer.draw;
    (void)replay_has_next(
        stream->replay); /* gives nothing back: a ticket may be on its way to a connection */
    draw->time_ns = replay_next_ns(stream->replay);
    if (replay_is_over(stream->replay))
        draw->limit = draw->number;
}

static void look_ahead(struct stream *stream)
{
    struct pacer *pacer = &stream->pacer;
    if (stream->replay != NULL)
        look_at_replay(stream);
    if (stream->users.count > 0)
        pacer->draw.time_ns = users_next_ns(stream);
    uint64_t time_ns = pacer->draw.time_ns;
    pacer->next_ns = time_ns == SCHEDULE_NEVER ? UINT64_MAX : pacer->origin_ns + time_ns;
    if (pacer->measuring && pacer->draw.number >= pacer->draw.limit)
        stream->tickets_exhausted = true;
}

static void publish_number(struct stream *stream)
{
    if (stream->pacer.measuring)
        atomic_store_explicit(&stream->live->ticket_next, stream->pacer.draw.number,
                              memory_order_relaxed);
}

/* A replacement goes on behind what the one before it drew; what that one's users were waiting with was due, too. */
static void begin_users(struct stream *stream, uint64_t at_ns)
{
    struct pacer *pacer = &stream->pacer;
    const bool goes_on = stream->share->replacement && pacer->measuring;
    const uint64_t number =
        goes_on ? atomic_load_explicit(&stream->live->ticket_next, memory_order_relaxed) : 0;
    const uint64_t due = stream_total(stream, COUNTER_DUE);
    pacer->due_warmup = due > number ? due - number : 0;
    users_number(stream, &pacer->draw, number);
    pacer->due = pacer->draw;
    users_begin(stream, goes_on ? clock_now_ns() : at_ns);
    look_ahead(stream);
}

static void begin_stream(struct stream *stream, const struct schedule *schedule, uint64_t seed,
                         uint64_t requests, uint64_t origin_ns)
{
    struct pacer *pacer = &stream->pacer;
    pacer->origin_ns = origin_ns;
    if (stream->users.count > 0) {
        begin_users(stream, origin_ns);
        return;
    }
    arrivals_init(&pacer->draw, schedule, stream->spec->rate.arrival, seed, stream->share->index,
                  stream->run->worker_count, requests);
    if (stream->replay != NULL) /* numbers are its own */
        arrivals_init(&pacer->draw, schedule, ARRIVAL_EVEN, seed, 0, 1, 0);
    pacer->due = pacer->draw;
    look_ahead(stream);
}

void pacer_begin_warmup(struct stream *stream)
{
    begin_stream(stream, stream->pacer.warmup_schedule, ~stream->spec->load.seed, 0,
                 stream->start_ns);
}

void pacer_begin_measuring(struct stream *stream)
{
    struct pacer *pacer = &stream->pacer;
    if (pacer->warmup_schedule != NULL && stream->users.count == 0) {
        const bool late =
            pacer->due.schedule == NULL; /* a replacement: it has seen nothing of it */
        if (late)
            pacer_begin_warmup(stream);
        arrivals_seek(&pacer->due, stream->warmup_ns);
        pacer->due_warmup = pacer->due.number;
        /* What the one before it did not live to count is in no row, and must not be in a measured one. */
        if (late && stream_total(stream, COUNTER_DUE) < pacer->due_warmup)
            pacer->due_warmup = stream_total(stream, COUNTER_DUE);
    }
    pacer->measuring = true;
    begin_stream(stream, ipc_schedule(stream->run->segment), stream->spec->load.seed,
                 stream->run->requests, stream->measure_ns);
}

/* As far as it is read; at the end of the load it may have been counted further. */
static void settle_due_of_replay(struct stream *stream, uint64_t elapsed_ns)
{
    const uint64_t number = replaying_due(stream, elapsed_ns);
    if (number > stream->pacer.due.number)
        stream->pacer.due.number = number;
}

/* All that was due before at_ns since the common start. */
static uint64_t due_total(struct stream *stream, uint64_t at_ns)
{
    struct pacer *pacer = &stream->pacer;
    uint64_t elapsed_ns = at_ns > pacer->origin_ns ? at_ns - pacer->origin_ns : 0;
    /* Without a backlog the stream of what is drawn has been there already. */
    if (stream->users.count > 0) {
        const uint64_t left = pacer->draw.limit - pacer->draw.number;
        pacer->due = pacer->draw;
        pacer->due.number += stream->users.waiting < left ? stream->users.waiting : left;
        return pacer->due_warmup + pacer->due.number;
    }
    if (pacer->draw.time_ns >= elapsed_ns && pacer->draw.number >= pacer->due.number)
        pacer->due = pacer->draw;
    else if (stream->replay != NULL)
        settle_due_of_replay(stream, elapsed_ns);
    else
        arrivals_seek(&pacer->due, elapsed_ns);
    return (pacer->measuring ? pacer->due_warmup : 0) + pacer->due.number;
}

static void set_due(struct stream *stream, uint64_t at_ns)
{
    atomic_store_explicit(&stream->live->counters[COUNTER_DUE], due_total(stream, at_ns),
                          memory_order_relaxed);
}

static void advance(struct stream *stream)
{
    if (stream->users.count > 0)
        users_drawn(stream);
    else if (stream->replay != NULL)
        stream->pacer.draw.number = replay_draw(stream->replay) + 1;
    else
        arrivals_advance(&stream->pacer.draw);
    look_ahead(stream);
}

/* --shed-after: what is too late by now is dropped, whether or not a slot is free. */
void pacer_shed_late(struct stream *stream, uint64_t now_ns)
{
    uint64_t after_ns = stream->spec->rate.shed_after_ns;
    if (after_ns == 0 || now_ns > stream->stop_at_ns)
        return;
    struct pacer *pacer = &stream->pacer;
    if (pacer->next_ns >= now_ns || now_ns - pacer->next_ns <= after_ns)
        return;
    uint64_t before = pacer->draw.number;
    arrivals_seek(&pacer->draw, now_ns - after_ns - pacer->origin_ns);
    stream_count(stream, COUNTER_SHED_LATE, pacer->draw.number - before);
    recorder_unsent(stream, pacer->draw.number - before, now_ns - after_ns, now_ns);
    look_ahead(stream);
    publish_number(stream);
}

void pacer_shed_missed(struct stream *stream, uint64_t now_ns)
{
    struct pacer *pacer = &stream->pacer;
    if (stream->users.count > 0) { /* what their requests had come to with the worker before */
        const uint64_t drawn = pacer->due_warmup + pacer->draw.number;
        if (stream_total(stream, COUNTER_DUE) < drawn)
            atomic_store_explicit(&stream->live->counters[COUNTER_DUE], drawn,
                                  memory_order_relaxed);
        recorder_unsent(stream, stream_backlog(stream), now_ns, now_ns);
        stream_count(stream, COUNTER_SHED_WORKER, stream_backlog(stream));
        return;
    }
    if (stream->replay != NULL && now_ns > pacer->origin_ns) {
        pacer->draw.number = replay_pass(stream->replay, UINT64_MAX, now_ns - pacer->origin_ns);
        look_ahead(stream);
    }
    set_due(stream, now_ns);
    recorder_unsent(stream, stream_backlog(stream), now_ns, now_ns);
    stream_count(stream, COUNTER_SHED_WORKER, stream_backlog(stream));
    pacer->draw = pacer->due;
    look_ahead(stream);
    publish_number(stream);
}

void pacer_look(struct stream *stream, uint64_t now_ns)
{
    if (stream->users.count == 0)
        return;
    users_look(stream, now_ns);
    look_ahead(stream);
}

void pacer_note_starved(struct stream *stream, uint64_t now_ns)
{
    struct pacer *pacer = &stream->pacer;
    if (pacer->starved && now_ns > pacer->starved_ns)
        stream_count(stream, pacer->starved_for, now_ns - pacer->starved_ns);
    pacer->starved = pacer->next_ns <= now_ns && now_ns < stream->stop_at_ns;
    pacer->starved_for =
        stream->connections_ready > 0 ? COUNTER_BLOCKED_NS : COUNTER_UNCONNECTED_NS;
    pacer->starved_ns = now_ns;
}

void pacer_refresh(struct stream *stream)
{
    if (stream->users.count > 0)
        users_look(stream, clock_now_ns());
    else
        arrivals_refresh(&stream->pacer.draw);
    look_ahead(stream);
}

void pacer_settle(struct stream *stream, uint64_t at_ns, bool end_of_warmup)
{
    struct pacer *pacer = &stream->pacer;
    pacer_refresh(stream);
    pacer_shed_late(stream, at_ns);
    set_due(stream, at_ns);
    if (end_of_warmup) {
        recorder_unsent(stream, stream_backlog(stream), at_ns, at_ns);
        stream_count(stream, COUNTER_SHED_LATE, stream_backlog(stream));
    }
    if (pacer->starved && at_ns > pacer->starved_ns)
        pacer_note_starved(stream, at_ns);
}

void pacer_count_unread(struct stream *stream, uint64_t until_ns)
{
    struct pacer *pacer = &stream->pacer;
    uint64_t intended_ns;
    if (stream->replay == NULL || until_ns <= pacer->origin_ns || !pacer->measuring)
        return;
    const uint64_t loaded = replay_loaded(stream->replay);
    uint64_t unread = 0; /* where there are some, all that is loaded is due, too */
    for (; replay_read_on(stream->replay, until_ns - pacer->origin_ns, &intended_ns); unread++)
        recorder_unsent(stream, 1, pacer->origin_ns + intended_ns, until_ns);
    if (unread > 0 && loaded + unread > pacer->due.number)
        pacer->due.number = loaded + unread;
    set_due(stream, until_ns);
}

bool pacer_draw(struct stream *stream, uint64_t now_ns, struct request_slot *slot)
{
    struct pacer *pacer = &stream->pacer;
    if (pacer->next_ns > now_ns || (stream->replay != NULL && !replaying_has_next(stream)))
        return false;
    slot->intended_ns = pacer->last_ns = pacer->next_ns;
    slot->ticket = pacer->draw.index + pacer->draw.number * pacer->draw.workers +
                   (pacer->measuring ? 0 : WORKLOAD_WARMUP_TICKET);
    advance(stream);
    publish_number(stream);
    return true;
}

enum err_code pacer_create(struct stream *stream, struct err *err)
{
    struct rate_step start = {.length_ns = SCHEDULE_NEVER,
                              .from_micro = stream->spec->rate.warmup_micro,
                              .to_micro = stream->spec->rate.warmup_micro,
                              .shape = SCHEDULE_CONSTANT};
    if (!stream->open_loop || stream->run->warmup_ns == 0 || stream->share->users > 0)
        return OK;
    stream->pacer.warmup_schedule = calloc(1, schedule_bytes(1, false));
    if (stream->pacer.warmup_schedule == NULL)
        return err_set(err, E_SYSTEM, "worker %u: no memory for the schedule of its warm-up",
                       stream->share->index);
    schedule_plan(stream->pacer.warmup_schedule, &start, 1, false);
    return OK;
}

void pacer_destroy(struct pacer *pacer)
{
    free(pacer->warmup_schedule);
}
