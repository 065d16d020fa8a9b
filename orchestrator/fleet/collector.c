#include "orchestrator/fleet/collector.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "orchestrator/report/figures.h"

/* A row waits so long for a worker whose record is missing. */
#define OVERDUE_INTERVALS 3u
#define OVERDUE_SHORTEST_NS NS_PER_SECOND

enum err_code collector_init(struct collector *collector, const struct segments *segments,
                             uint32_t worker_count, const struct run_facts *facts,
                             struct timeline *timeline, struct err *err)
{
    *collector = (struct collector){
        .worker_count = worker_count,
        .member_count = worker_count * segments->count,
        .members = calloc((size_t)worker_count * segments->count, sizeof collector->members[0]),
        .facts = facts,
        .timeline = timeline,
        .interval_ns = facts->interval_ns,
        .warmup_ns = facts->warmup_ns,
        .row = interval_row_create(),
        .harvest = interval_row_create(),
        .left_out = interval_row_create(),
        .apart = interval_row_create(),
        .record = malloc(INTERVAL_WIRE_MAX_BYTES),
        .row_empty = true,
    };
    if (collector->members == NULL || collector->row == NULL || collector->harvest == NULL ||
        collector->left_out == NULL || collector->apart == NULL || collector->record == NULL)
        return err_set(err, E_SYSTEM, "cannot allocate the collector for %u workers", worker_count);
    for (uint32_t i = 0; i < collector->member_count; i++) {
        struct collector_member *member = &collector->members[i];
        member->stream = i / worker_count;
        member->worker = i % worker_count;
        member->segment = segments->each[member->stream];
    }
    return OK;
}

void collector_destroy(struct collector *collector)
{
    free(collector->members);
    free(collector->row);
    free(collector->harvest);
    free(collector->left_out);
    free(collector->apart);
    free(collector->record);
    *collector = (struct collector){0};
}

/* The run's number for a word; a new word takes the next one, the last number takes all others. */
static uint8_t run_kind(struct error_kinds *known, const struct ipc_error_kind *kind)
{
    uint32_t found = 0;
    while (found < known->count && strcmp(known->kinds[found].word, kind->word) != 0)
        found++;
    if (found == ERROR_KINDS_MAX)
        return ERROR_KINDS_MAX - 1;
    if (found == known->count) {
        known->kinds[known->count++] = *kind;
        if (known->count == ERROR_KINDS_MAX)
            memcpy(known->kinds[found].word, "OTHER", sizeof "OTHER");
    }
    return (uint8_t)found;
}

static struct ipc_worker *live_words(const struct collector_member *member)
{
    return ipc_worker(member->segment, member->worker);
}

static struct ring *ring_of(const struct collector_member *member)
{
    return ipc_ring(member->segment, member->worker);
}

static void map_kinds(struct collector *collector, const struct collector_member *member,
                      uint8_t map[ERROR_KINDS_MAX])
{
    struct ipc_worker *worker = live_words(member);
    /* Acquire: partner is the recorder's release store behind a new entry. */
    uint32_t count = atomic_load_explicit(&worker->error_kind_count, memory_order_acquire);
    memset(map, ERROR_KINDS_MAX - 1, ERROR_KINDS_MAX);
    for (uint32_t kind = 0; kind < count; kind++)
        map[kind] = run_kind(&collector->timeline->error_kinds, &worker->error_kinds[kind]);
}

static enum err_code read_record(const struct collector *collector,
                                 const struct collector_member *member, uint64_t *position_bytes,
                                 uint32_t *record_bytes, struct interval_header *header,
                                 struct err *err)
{
    *record_bytes =
        ring_peek_at(ring_of(member), position_bytes, collector->record, INTERVAL_WIRE_MAX_BYTES);
    if (*record_bytes == 0)
        return OK;
    if (*record_bytes > INTERVAL_WIRE_MAX_BYTES)
        return err_set(err, E_UNTRUSTED, "worker %u: a record of %u bytes is too long",
                       member->worker, *record_bytes);
    return interval_decode_header(header, collector->record, *record_bytes, err);
}

/* The record that was read, into a row. Counters before and after tell what it held. */
static enum err_code decode(struct collector *collector, const struct collector_member *member,
                            struct interval_row *into, uint32_t record_bytes, struct err *err)
{
    const struct run_facts *facts = collector->facts;
    struct interval_row *apart = collector->apart;
    uint8_t map[ERROR_KINDS_MAX];
    map_kinds(collector, member, map);
    if (facts->stream_count == 0)
        return interval_decode_add(into, collector->record, record_bytes, map, err);
    const struct run_stream *stream = &facts->streams[member->stream];
    interval_row_reset(apart);
    enum err_code code = interval_decode_add(apart, collector->record, record_bytes, map, err);
    if (code != OK)
        return code;
    if (apart->class_count > stream->class_count)
        return err_set(err, E_UNTRUSTED, "worker %u: a record of %u classes of requests, not %u",
                       member->worker, apart->class_count, stream->class_count);
    if (facts->open_loop && stream->rate_text[0] == '\0')
        interval_row_close_loop(apart);
    if (apart->part_count > stream->part_count)
        apart->part_count = 0; /* there was no room for them beside those of other workloads */
    interval_row_add_at(into, apart, stream->first_class, stream->first_part);
    return OK;
}

static enum err_code add_record(struct collector *collector, struct collector_member *member,
                                struct interval_row *into, uint32_t record_bytes, bool warmup,
                                struct err *err)
{
    uint64_t before[COUNTER_COUNT], kinds_before[ERROR_KINDS_MAX];
    memcpy(before, into->counters, sizeof before);
    memcpy(kinds_before, into->errors_by_kind, sizeof kinds_before);
    enum err_code code = decode(collector, member, into, record_bytes, err);
    for (int i = 0; i < COUNTER_COUNT && code == OK; i++) {
        member->merged[i] += into->counters[i] - before[i];
        member->measured[i] += warmup ? 0 : into->counters[i] - before[i];
    }
    for (int i = 0; i < ERROR_KINDS_MAX && code == OK; i++)
        member->merged_kinds[i] += into->errors_by_kind[i] - kinds_before[i];
    return code;
}

static bool row_is_warmup(const struct collector *collector)
{
    return (uint64_t)collector->row->header.first * collector->interval_ns < collector->warmup_ns;
}

/* The row that a record is decoded into: `usual`, unless it is to be left out. */
static struct interval_row *row_for(struct collector *collector,
                                    const struct interval_header *header,
                                    struct interval_row *usual)
{
    if ((header->flags & INTERVAL_WARMUP) == 0 || row_is_warmup(collector))
        return usual;
    interval_row_reset(collector->left_out);
    return collector->left_out;
}

/* A record was left out of the row under way: what it left in flight, or in the backlog, was there
 * before that row. */
static void shift_gauges(struct collector *collector, const struct interval_header *header)
{
    struct interval_header *row = &collector->row->header;
    bool moved = header->in_flight_after != header->in_flight_before ||
                 header->backlog_after != header->backlog_before;
    if (moved && collector->timeline->rows > 0)
        row->flags |= INTERVAL_DEGRADED; /* the rows before this one said otherwise */
    row->in_flight_before += header->in_flight_after - header->in_flight_before;
    row->backlog_before += header->backlog_after - header->backlog_before;
}

static void note_late(struct collector *collector, uint32_t index, uint32_t first, bool left_out)
{
    /* One line a row: a worker that was stopped for a while has many. */
    if (!collector->row_has_late && left_out)
        log_line(LOG_WARNING,
                 "worker %u: its record of interval %u, of the warm-up, came after measured rows "
                 "had begun; it is left out",
                 index, first);
    else if (!collector->row_has_late)
        log_line(LOG_WARNING,
                 "worker %u: its record of interval %u came after the row was closed; what "
                 "comes late is counted in interval %u",
                 index, first, collector->row->header.first);
    collector->row_has_late = true;
    collector->late_records++;
}

/* A worker that stood still for several intervals has a part of it in the record of each. */
static void note_own_stops(struct collector_member *member, const struct own_stops *stops)
{
    member->in_row = true;
    for (uint32_t i = 0; i < stops->count; i++)
        own_stops_add(&member->own_stops, stops->items[i]);
}

static enum err_code merge_record(struct collector *collector, struct collector_member *member,
                                  uint32_t record_bytes, const struct interval_header *header,
                                  struct err *err)
{
    struct interval_row *row = collector->row;
    struct interval_row *into = row_for(collector, header, row);
    enum err_code code =
        add_record(collector, member, into, record_bytes, header->flags & INTERVAL_WARMUP, err);
    if (code != OK)
        return code;
    if (header->first < row->header.first)
        note_late(collector, member->worker, header->first, into != row);
    if (header->in_flight_before != member->in_flight)
        return err_set(err, E_UNTRUSTED,
                       "worker %u: interval %u begins with %llu requests in flight, the one "
                       "before ended with %llu",
                       member->worker, header->first, (unsigned long long)header->in_flight_before,
                       (unsigned long long)member->in_flight);
    if (header->backlog_before != member->backlog)
        return err_set(err, E_UNTRUSTED,
                       "worker %u: interval %u begins with a backlog of %llu, the one before ended "
                       "with %llu",
                       member->worker, header->first, (unsigned long long)header->backlog_before,
                       (unsigned long long)member->backlog);
    if (into != row)
        shift_gauges(collector, header);
    else
        outcome_times_add(&row->header.times, &header->times);
    row->header.flags |= header->flags & (INTERVAL_OPEN_LOOP | INTERVAL_USERS);
    note_own_stops(member, &header->own_stops);
    member->in_flight = header->in_flight_after;
    member->backlog = header->backlog_after;
    member->connections_open = header->connections_open;
    member->next = header->last + 1;
    member->complete |= (header->flags & INTERVAL_LAST) != 0;
    if (header->last > row->header.last)
        row->header.last = header->last;
    if (header->end_ns > row->header.end_ns)
        row->header.end_ns = header->end_ns;
    collector->row_empty = false;
    return OK;
}

/* Takes this worker's records that belong to the row. *missing: one that belongs may still come. */
static enum err_code take_member(struct collector *collector, struct collector_member *member,
                                 bool *missing, bool *merged, struct err *err)
{
    struct ring *ring = ring_of(member);
    while (member->next <= collector->row->header.last) {
        struct interval_header header = {0};
        uint64_t position_bytes = ring_tail_bytes(ring);
        uint32_t record_bytes;
        enum err_code code =
            read_record(collector, member, &position_bytes, &record_bytes, &header, err);
        if (code != OK)
            return code;
        if (record_bytes == 0) {
            *missing |= !member->complete;
            return OK;
        }
        /* Records are in order: one of a later row says that none of this row will come. */
        if (header.first > collector->row->header.last)
            return OK;
        code = merge_record(collector, member, record_bytes, &header, err);
        ring_pop(ring);
        if (code != OK)
            return code;
        *merged = true;
    }
    return OK;
}

static enum err_code gather(struct collector *collector, bool *missing, struct err *err)
{
    bool merged;
    do {
        merged = false;
        *missing = false;
        for (uint32_t i = 0; i < collector->member_count; i++) {
            enum err_code code =
                take_member(collector, &collector->members[i], missing, &merged, err);
            if (code != OK)
                return code;
        }
    } while (merged); /* a wide record widens the row, and others may have records for that */
    return OK;
}

static void sum_gauges(const struct collector *collector, struct interval_header *header)
{
    header->in_flight_after = header->connections_open = header->backlog_after = 0;
    for (uint32_t i = 0; i < collector->member_count; i++) {
        header->in_flight_after += collector->members[i].in_flight;
        header->connections_open += collector->members[i].connections_open;
        header->backlog_after += collector->members[i].backlog;
    }
}

/* When all workers that the row knows of stood still at once: then nobody was there to see the target. Two
 * that did so one after the other may have met for a moment. */
static struct own_stops common_stops(struct collector *collector)
{
    struct own_stops stops = {0}, longer = {0};
    bool any = false;
    for (uint32_t i = 0; i < collector->member_count; i++) {
        struct collector_member *member = &collector->members[i];
        if (member->in_row)
            stops = any ? own_stops_common(&stops, &member->own_stops) : member->own_stops;
        any |= member->in_row;
        member->in_row = false;
        member->own_stops.count = 0;
    }
    for (uint32_t i = 0; i < stops.count; i++)
        if (stops.items[i].to_ns - stops.items[i].from_ns >= NS_PER_MS)
            own_stops_add(&longer, stops.items[i]);
    return longer;
}

static void tell_own_stop(struct collector *collector)
{
    struct own_stop *known = &collector->own_stop;
    char from[48];
    if (known->to_ns > 0)
        log_line(
            LOG_WARNING,
            "volley itself stood still for %.3f s from %s on: it was stopped, or kept from its "
            "CPU; what was not answered meanwhile is not the target's doing",
            clock_seconds(known->to_ns - known->from_ns),
            figure_moment(from, sizeof from, known->from_ns, collector->warmup_ns));
    *known = (struct own_stop){0};
}

/* Said once it is over: in this row, or at its very end. */
static void tell_own_stops(struct collector *collector, const struct interval_header *row)
{
    struct own_stop *known = &collector->own_stop;
    for (uint32_t i = 0; i < row->own_stops.count; i++) {
        struct own_stop stop = row->own_stops.items[i];
        if (stop.from_ns < collector->own_stop_end_ns) /* a late record's row tells it again */
            stop.from_ns = collector->own_stop_end_ns;
        if (stop.to_ns <= stop.from_ns)
            continue;
        collector->own_stop_end_ns = stop.to_ns;
        if (known->to_ns == stop.from_ns) {
            known->to_ns = stop.to_ns;
            continue;
        }
        tell_own_stop(collector);
        *known = stop;
    }
    if (known->to_ns < row->end_ns || (row->flags & INTERVAL_LAST) != 0)
        tell_own_stop(collector);
}

/* No record is to come and none waits for a later row. */
static bool all_complete(const struct collector *collector)
{
    for (uint32_t i = 0; i < collector->member_count; i++)
        if (!collector->members[i].complete || ring_fill_bytes(ring_of(&collector->members[i])) > 0)
            return false;
    return true;
}

/* A row ends at its edge; the last one where the work ended. That a record says, or for workers that
 * died without one their last reply. Either may lie before the row when it came late. */
static void set_end(const struct collector *collector, struct interval_header *header, bool last)
{
    uint64_t edge_ns = (uint64_t)(header->last + 1) * collector->interval_ns;
    if (collector->harvest_pending && collector->harvest_end_ns > header->end_ns)
        header->end_ns = collector->harvest_end_ns < edge_ns ? collector->harvest_end_ns : edge_ns;
    if (!last)
        header->end_ns = edge_ns;
    if (header->end_ns < header->start_ns)
        header->end_ns = header->start_ns;
}

static void watch_warmup(struct collector *collector, const struct interval_row *row)
{
    bool open_loop = (row->header.flags & INTERVAL_OPEN_LOOP) != 0;
    enum interval_histogram_kind kind = open_loop ? HISTOGRAM_RESPONSE_OK : HISTOGRAM_SERVICE_OK;
    double seconds = clock_seconds(row->header.end_ns - row->header.start_ns);
    if ((row->header.flags & INTERVAL_WARMUP) == 0 || row->header.first == 0 || !(seconds > 0))
        return;
    steady_add(&collector->steady, (double)row->counters[COUNTER_OK] / seconds,
               (double)histogram_quantile(&row->histograms[kind], 0.99));
}

static bool has_both_loops(const struct run_facts *facts)
{
    bool closed = false;
    for (uint32_t i = 0; i < facts->stream_count; i++)
        closed |= facts->streams[i].rate_text[0] == '\0';
    return closed && facts->open_loop;
}

static enum err_code emit(struct collector *collector, bool last, struct err *err)
{
    struct interval_row *row = collector->row;
    struct interval_header *header = &row->header;
    header->start_ns = (uint64_t)header->first * collector->interval_ns;
    set_end(collector, header, last);
    header->flags |= header->start_ns < collector->warmup_ns ? INTERVAL_WARMUP : 0;
    header->flags |= last ? INTERVAL_LAST : 0;
    if (has_both_loops(collector->facts))
        header->flags |= INTERVAL_OPEN_LOOP | INTERVAL_BOTH_LOOPS;
    if (collector->harvest_pending) {
        interval_row_add(row, collector->harvest);
        outcome_times_add(&header->times, &collector->harvest->header.times);
        interval_row_reset(collector->harvest);
        header->flags |= INTERVAL_DEGRADED;
        collector->harvest_pending = false;
    }
    sum_gauges(collector, header);
    header->own_stops = common_stops(collector);
    tell_own_stops(collector, header);
    watch_warmup(collector, row);
    enum err_code code = timeline_interval(collector->timeline, row, err);
    uint32_t next = header->last + 1;
    uint64_t in_flight = header->in_flight_after, backlog = header->backlog_after;
    interval_row_reset(row);
    row->header = (struct interval_header){
        .first = next, .last = next, .in_flight_before = in_flight, .backlog_before = backlog};
    collector->row_empty = true;
    collector->row_has_late = false;
    return code;
}

enum err_code collector_collect(struct collector *collector, uint64_t elapsed_ns, struct err *err)
{
    for (;;) {
        bool missing;
        enum err_code code = gather(collector, &missing, err);
        if (code != OK)
            return code;
        bool complete = all_complete(collector);
        if (complete && collector->row_empty && !collector->harvest_pending)
            return OK;
        uint64_t edge_ns = (uint64_t)(collector->row->header.last + 1) * collector->interval_ns;
        uint64_t patience_ns = OVERDUE_INTERVALS * collector->interval_ns;
        if (patience_ns < OVERDUE_SHORTEST_NS)
            patience_ns = OVERDUE_SHORTEST_NS;
        if (missing && elapsed_ns < edge_ns + patience_ns)
            return OK;
        code = emit(collector, complete, err);
        if (code != OK)
            return code;
    }
}

enum err_code collector_finish(struct collector *collector, struct err *err)
{
    for (uint32_t i = 0; i < collector->member_count; i++)
        collector->members[i].complete = true;
    /* Overdue by definition: every ring is emptied row by row. */
    return collector_collect(collector, UINT64_MAX / 2, err);
}

/* Records that the dead worker published and the collector has not merged yet. */
static enum err_code harvest_records(struct collector *collector, struct collector_member *member,
                                     bool warmup, struct err *err)
{
    struct ring *ring = ring_of(member);
    for (;;) {
        struct interval_header header = {0};
        uint32_t record_bytes;
        uint64_t position_bytes = ring_tail_bytes(ring);
        enum err_code code =
            read_record(collector, member, &position_bytes, &record_bytes, &header, err);
        if (code != OK || record_bytes == 0)
            return code;
        struct interval_row *into = row_for(collector, &header, collector->harvest);
        code = add_record(collector, member, into, record_bytes,
                          warmup || into != collector->harvest, err);
        ring_pop(ring);
        if (code != OK)
            return code;
        if (into != collector->harvest)
            shift_gauges(collector, &header);
        else
            outcome_times_add(&into->header.times, &header.times);
        member->complete = (header.flags & INTERVAL_LAST) != 0;
        member->next = header.last + 1;
    }
}

/* What the server answered with an error since the dead worker's last record, by kind. It died between
 * a kind and COUNTER_ERROR_REPLIES at worst: the answer was there. */
static void harvest_kinds(struct collector *collector, struct collector_member *member)
{
    struct ipc_worker *worker = live_words(member);
    uint64_t replies[ERROR_KINDS_MAX] = {0}, sum = 0;
    uint8_t map[ERROR_KINDS_MAX];
    map_kinds(collector, member, map);
    for (int i = 0; i < ERROR_KINDS_MAX; i++) {
        const uint64_t of_kind = atomic_load(&worker->error_kind_replies[i]);
        replies[map[i]] += of_kind;
        sum += of_kind;
    }
    for (int i = 0; i < ERROR_KINDS_MAX; i++) {
        collector->harvest->errors_by_kind[i] += replies[i] - member->merged_kinds[i];
        member->merged_kinds[i] = replies[i];
    }
    if (atomic_load(&worker->counters[COUNTER_ERROR_REPLIES]) < sum)
        atomic_store(&worker->counters[COUNTER_ERROR_REPLIES], sum);
}

/* What a dead worker had drawn and has no fate yet is lost. Death falls anywhere, mostly into a write:
 * a request that was about to be sent counts as sent, since it may be. The counters tell, not the
 * gauge in_flight, which is written a moment after them. The worker is dead: its words are the
 * orchestrator's to write until a replacement runs. */
static void lose_requests(struct ipc_worker *worker)
{
    uint64_t counters[COUNTER_COUNT];
    uint64_t drawn = atomic_load(&worker->drawn);
    /* Tickets of a closed loop that waited for their node were never sent. In an open loop they are
     * backlog. */
    atomic_fetch_add(&worker->counters[COUNTER_SHED_WORKER], atomic_exchange(&worker->held, 0));
    for (int i = 0; i < COUNTER_COUNT; i++)
        counters[i] = atomic_load(&worker->counters[i]);
    if (drawn < counters[COUNTER_SENT])
        drawn = counters[COUNTER_SENT];
    uint64_t settled = counters[COUNTER_OK] + counters[COUNTER_ERROR_REPLIES] +
                       counters[COUNTER_TIMED_OUT] + counters_lost(counters);
    atomic_store(&worker->counters[COUNTER_SENT], drawn);
    /* What is due is counted at the edges; what was sent since then was due, too. */
    if (atomic_load(&worker->counters[COUNTER_DUE]) < drawn + counters_shed(counters))
        atomic_store(&worker->counters[COUNTER_DUE], drawn + counters_shed(counters));
    atomic_fetch_add(&worker->counters[COUNTER_LOST_WORKER], drawn - settled);
    atomic_store(&worker->in_flight, 0);
    ipc_worker_disconnected(worker);
}

/* Death between claiming tickets and noting them: they are the replacement's. What was claimed before is
 * used up then. */
static void note_claim(void *segment, uint32_t index)
{
    struct ipc_worker *worker = ipc_worker(segment, index);
    const struct ipc_tickets *tickets = ipc_tickets(segment);
    uint64_t end = atomic_load(&tickets->known_end[index]);
    uint64_t claimed = atomic_load(&tickets->claimed);
    if (IPC_CLAIM_WORKER(claimed) == index && IPC_CLAIM_END(claimed) > end)
        end = IPC_CLAIM_END(claimed);
    if (end <= atomic_load(&worker->ticket_end))
        return;
    atomic_store(&worker->ticket_next, atomic_load(&worker->claim_first));
    atomic_store(&worker->ticket_end, end);
}

static enum err_code harvest(struct collector *collector, struct collector_member *member,
                             struct err *err)
{
    struct ipc_worker *worker = live_words(member);
    bool warmup = row_is_warmup(collector);
    enum err_code code = harvest_records(collector, member, warmup, err);
    if (code != OK)
        return code;
    note_claim(member->segment, member->worker);
    harvest_kinds(collector, member);
    lose_requests(worker);
    for (int i = 0; i < COUNTER_COUNT; i++) {
        uint64_t unpublished = atomic_load(&worker->counters[i]) - member->merged[i];
        collector->harvest->counters[i] += unpublished;
        member->merged[i] += unpublished;
        member->measured[i] += warmup ? 0 : unpublished;
    }
    member->in_flight = 0;
    member->connections_open = 0;
    /* What the dead worker owed the schedule; its replacement sheds it. */
    member->backlog = atomic_load(&worker->counters[COUNTER_DUE]) -
                      atomic_load(&worker->counters[COUNTER_SENT]) -
                      atomic_load(&worker->counters[COUNTER_SHED_LATE]) -
                      atomic_load(&worker->counters[COUNTER_SHED_WORKER]) -
                      atomic_load(&worker->counters[COUNTER_SHED_NODE]);
    uint64_t start_ns = atomic_load(&ipc_control(member->segment)->start_ns);
    uint64_t done_ns = atomic_load(&worker->last_done_ns);
    if (done_ns > start_ns && done_ns - start_ns > collector->harvest_end_ns)
        collector->harvest_end_ns = done_ns - start_ns;
    collector->harvest_pending = true;
    return OK;
}

enum err_code collector_harvest(struct collector *collector, uint32_t worker, struct err *err)
{
    enum err_code code = OK;
    for (uint32_t i = worker; i < collector->member_count && code == OK;
         i += collector->worker_count)
        code = harvest(collector, &collector->members[i], err);
    return code;
}

bool collector_worker_complete(const struct collector *collector, uint32_t worker)
{
    bool complete = true;
    for (uint32_t i = worker; i < collector->member_count; i += collector->worker_count)
        complete &= collector->members[i].complete;
    return complete;
}

void collector_complete_worker(struct collector *collector, uint32_t worker)
{
    for (uint32_t i = worker; i < collector->member_count; i += collector->worker_count)
        collector->members[i].complete = true;
}

uint64_t collector_of_worker(const struct collector *collector, uint32_t worker,
                             enum counter counter)
{
    uint64_t sum = 0;
    for (uint32_t i = worker; i < collector->member_count; i += collector->worker_count)
        sum += collector->members[i].measured[counter];
    return sum;
}

uint64_t collector_of_stream(const struct collector *collector, uint32_t stream,
                             enum counter counter)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < collector->worker_count; i++)
        sum += collector->members[stream * collector->worker_count + i].measured[counter];
    return sum;
}

enum err_code collector_check(const struct collector *collector, struct err *err)
{
    for (uint32_t index = 0; index < collector->member_count; index++) {
        const struct collector_member *member = &collector->members[index];
        struct ipc_worker *worker = live_words(member);
        for (int i = 0; i < COUNTER_COUNT; i++) {
            uint64_t live = atomic_load(&worker->counters[i]);
            if (live != member->merged[i])
                return err_set(err, E_UNTRUSTED,
                               "worker %u: its intervals add up to %llu %s, its live total is %llu",
                               member->worker, (unsigned long long)member->merged[i],
                               counter_names[i], (unsigned long long)live);
        }
    }
    return OK;
}
