#include "worker/consume.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/printable.h"
#include "common/slots.h"
#include "worker/consume_say.h"
#include "worker/edges.h"
#include "worker/stream.h"

#define READS_AT_ONCE 32u
#define OUT_BYTES 4096u              /* what a consumer says, but for acknowledgements */
#define AGAIN_NS (100 * NS_PER_MS)   /* after an error */
#define SENDERS_MAX 4096u            /* whose order each consumer watches */
#define WATCH_BYTES_MAX (256u << 20) /* of all of a worker */

uint32_t consume_lanes(const struct stream *stream)
{
    const struct worker_run *run = stream->run;
    const struct workload *workload =
        run->replay == NULL && !run->null_transport ? run->workload : NULL;
    const struct consume_plan *plan = workload != NULL ? workload_consume_plan(workload) : NULL;
    return plan != NULL ? plan->count : 0;
}

/* Of a lane's connections each worker takes one in turn, and the lanes go on where the one before ended. */
static bool is_own(const struct stream *stream, uint64_t before, uint64_t number)
{
    return (before + number) % stream->run->worker_count == stream->share->index;
}

uint32_t consume_connections(const struct stream *stream)
{
    uint32_t count = 0;
    uint64_t before = 0;
    for (uint32_t lane = 0; lane < consume_lanes(stream); lane++) {
        const uint64_t all =
            workload_consume_plan(stream->run->workload)->lanes[lane].plan->connections;
        for (uint64_t i = 0; i < all; i++)
            count += is_own(stream, before, i);
        before += all;
    }
    return count;
}

static bool waits_for_replies(const struct consumer *consumer)
{
    const enum consume_kind kind = consumer->lane->plan->kind;
    return kind == CONSUME_POP || kind == CONSUME_GROUP;
}

/* Where it goes ------------------------------------------------------------------------------- */

/* Subscribers of channels are told by any node. */
static bool has_slot(const struct consumer *consumer)
{
    const enum consume_kind kind = consumer->lane->plan->kind;
    return kind != CONSUME_CHANNEL && kind != CONSUME_PATTERN;
}

/* In a cluster the node that owns its key, or its shard channel; else any, in turn. */
static uint32_t node_of(const struct consumer *consumer)
{
    const struct topology *topology = consumer->connection->stream->router.topology;
    if (topology->kind == TOPOLOGY_SLOTS && has_slot(consumer)) {
        const uint16_t owner =
            topology->owner[slots_of_key(consumer->target->bytes, consumer->target->byte_count)];
        return owner < topology->node_count ? owner : consumer->connection->node;
    }
    for (uint32_t i = 0; i < topology->node_count; i++) {
        const uint32_t node = (consumer->number + i) % topology->node_count;
        if (topology->nodes[node].role == TOPOLOGY_PRIMARY)
            return node;
    }
    return consumer->connection->node;
}

static bool is_where_it_belongs(const struct consumer *consumer)
{
    const struct topology *topology = consumer->connection->stream->router.topology;
    const struct connection *connection = consumer->connection;
    if (connection->retiring)
        return true;
    return has_slot(consumer) ? node_of(consumer) == connection->node
                              : topology->nodes[connection->node].role != TOPOLOGY_GONE;
}

/* What it says -------------------------------------------------------------------------------- */

/* It listens no more, or not yet. */
static void is_deaf(struct consumer *consumer, enum consumer_state state)
{
    struct stream *stream = consumer->connection->stream;
    if (!stream->connected && consumer->state == CONSUMER_LISTENING)
        stream->consume.waiting++;
    consumer->state = state;
}

static void lost(struct consumer *consumer, enum counter event, uint64_t now_ns)
{
    is_deaf(consumer, CONSUMER_SILENT);
    consume_figures(consumer)[CLASS_DISCONNECTED]++;
    connection_lost(consumer->connection, COUNTER_LOST_DISCONNECT, event, now_ns);
}

/* False: the connection has ended. */
static bool write_out(struct consumer *consumer, uint64_t now_ns)
{
    struct connection *connection = consumer->connection;
    struct stream *stream = connection->stream;
    int sys_errno = 0;
    enum io_status status = IO_DONE;
    if (connection->wire.unflushed)
        status = stream->transport->flush(&connection->wire, &sys_errno);
    while (status == IO_DONE && consumer->sent_bytes < consumer->out_bytes) {
        size_t written_bytes = 0;
        status = stream->transport->write(&connection->wire, consumer->out + consumer->sent_bytes,
                                          consumer->out_bytes - consumer->sent_bytes,
                                          &written_bytes, &sys_errno);
        if (status == IO_DONE || status == IO_AGAIN) {
            consumer->sent_bytes += written_bytes;
            consume_figures(consumer)[CLASS_BYTES_OUT] += written_bytes;
        }
        if (status == IO_DONE && written_bytes == 0)
            status = IO_AGAIN;
    }
    if (status == IO_AGAIN || connection->wire.unflushed) {
        exchange_wait_writable(connection);
        return true;
    }
    if (status != IO_DONE) {
        lost(consumer, COUNTER_CONNECTIONS_RESET, now_ns);
        return false;
    }
    consumer->out_bytes = consumer->sent_bytes = 0;
    exchange_writable(connection);
    return true;
}

/* Its connection is ready, or the reply is here. */
static void ask(struct consumer *consumer, uint64_t now_ns)
{
    const struct stream *stream = consumer->connection->stream;
    consumer->again_ns = UINT64_MAX;
    const uint64_t wait_ns = consume_say(consumer, now_ns);
    consumer->entries = 0;
    consumer->awaits = true;
    consumer->deadline_ns = now_ns + wait_ns + stream->spec->endpoint.request_timeout_ns;
    (void)write_out(consumer, now_ns);
}

/* What it hears ------------------------------------------------------------------------------- */

static bool keeps_order(const struct consumer *consumer)
{
    return consumer->lane->plan->kind != CONSUME_POP;
}

static void take_stamp(struct consumer *consumer, const struct stamp *stamp)
{
    struct stream *stream = consumer->connection->stream;
    struct interval *interval = stream->recorder.interval;
    struct class_figures *part = &interval->parts[consumer->part];
    const uint64_t done_ns = stream->consume.done_ns;
    if (stamp->run != stream->consume.run || stamp->sent_ns > done_ns) {
        part->counters[CLASS_FOREIGN]++;
        return;
    }
    stream->consume.last_ns = done_ns;
    if (consumer->claims) {
        const bool counts = (stamp->ticket & STAMP_WARMUP) == 0;
        part->counters[CLASS_CLAIMED] += counts;
        stream_add(&stream->live->delivered, counts);
        return;
    }
    const enum consume_order order = consume_watch_take(
        &consumer->watch, ((stamp->worker & 0xfff) << 20 | (stamp->connection & 0xfffff)) + 1,
        stamp->place);
    if ((stamp->ticket & STAMP_WARMUP) != 0)
        return;
    part->counters[CLASS_DUPLICATES] += order == CONSUME_AGAIN;
    if (order == CONSUME_AGAIN)
        return;
    part->counters[CLASS_OUT_OF_ORDER] += order == CONSUME_LATE && keeps_order(consumer);
    part->counters[CLASS_OK]++;
    const uint64_t took_ns = done_ns > stamp->sent_ns ? done_ns - stamp->sent_ns : 0;
    coarse_record(&part->times[CLASS_SERVICE], took_ns, 1);
    if (stream->open_loop)
        coarse_record(&part->times[CLASS_RESPONSE], took_ns + stamp->late_ns, 1);
    stream_add(&stream->live->delivered, 1);
}

/* "1700000000000-0". */
static bool is_id(const char *text, size_t bytes)
{
    size_t digits = 0, dashes = 0;
    for (size_t i = 0; i < bytes; i++) {
        dashes += text[i] == '-' && i > 0 && i + 1 < bytes;
        digits += text[i] >= '0' && text[i] <= '9';
    }
    return bytes < CONSUMER_ID_BYTES && dashes == 1 && digits + 1 == bytes;
}

/* How deep in a reply the ids of entries stand: what has the form of one elsewhere is somebody's text. */
static uint32_t id_depth(const struct consumer *consumer)
{
    const bool by_map = consumer->connection->walk.resp.reply.type == '%';
    return consumer->claims || by_map ? 3 : 4;
}

static void end_string(struct consumer *consumer)
{
    const char *text = consumer->text;
    const size_t bytes = consumer->text_bytes;
    struct stamp stamp;
    consumer->string_left = -1;
    if (consumer->strings == 1) {
        const size_t kept = bytes < sizeof consumer->word ? bytes : sizeof consumer->word - 1;
        memcpy(consumer->word, text, kept);
        consumer->word[kept] = '\0';
    }
    if (consumer->lane->plan->kind == CONSUME_GROUP && consumer->depth == id_depth(consumer) &&
        is_id(text, bytes) && consumer->entries < consumer->lane->plan->count) {
        char *id = consumer->ids + (size_t)consumer->entries++ * CONSUMER_ID_BYTES;
        memcpy(id, text, bytes);
        id[bytes] = '\0';
        return;
    }
    const char *mark =
        bytes >= STAMP_BYTES ? memmem(text, bytes, STAMP_MARK, STAMP_MARK_BYTES) : NULL;
    if (mark == NULL || (size_t)(text + bytes - mark) < STAMP_BYTES || !stamp_read(&stamp, mark))
        return;
    consumer->stamps++;
    take_stamp(consumer, &stamp);
}

static void begin_string(void *state, int64_t byte_count)
{
    struct consumer *consumer = state;
    consumer->strings++;
    consumer->depth = consumer->connection->walk.resp.depth;
    consumer->text_bytes = 0;
    consumer->string_left = byte_count;
    if (byte_count == 0)
        end_string(consumer);
}

static void take_bytes(void *state, const char *bytes, size_t byte_count)
{
    struct consumer *consumer = state;
    const size_t room = sizeof consumer->text - consumer->text_bytes;
    const size_t kept = byte_count < room ? byte_count : room;
    memcpy(consumer->text + consumer->text_bytes, bytes, kept);
    consumer->text_bytes += kept;
    consumer->string_left -= (int64_t)byte_count;
    if (consumer->string_left == 0)
        end_string(consumer);
}

static void listens(struct consumer *consumer)
{
    struct stream *stream = consumer->connection->stream;
    if (!stream->connected && consumer->state != CONSUMER_LISTENING)
        stream->consume.waiting--;
    consumer->state = CONSUMER_LISTENING;
    if (!waits_for_replies(consumer))
        consumer->deadline_ns = UINT64_MAX;
}

/* The server refuses. Before the start that ends the run; later it is asked again, as slots and rights may change. */
static void refused(struct consumer *consumer, const struct resp_reply *reply, uint64_t now_ns)
{
    struct stream *stream = consumer->connection->stream;
    if (!stream->connected && consumer->state == CONSUMER_ASKING) {
        char text[RESP_LINE_BYTES + 1];
        snprintf(text, sizeof text, "%.*s", (int)reply->text_bytes, reply->text);
        err_set(&stream->err, E_CONNECT, "%s: the server refuses %s: %s",
                consumer->lane->plan->name, consumer->lane->command, PRINTABLE(text));
        stream->connections_failed++;
        consumer->deadline_ns = UINT64_MAX;
        return;
    }
    consume_figures(consumer)[CLASS_ERRORS]++;
    consumer->regroups = consumer->lane->plan->kind == CONSUME_GROUP &&
                         reply->text_bytes >= strlen("NOGROUP") &&
                         memcmp(reply->text, "NOGROUP", strlen("NOGROUP")) == 0;
    consumer->acknowledges = false;
    (void)recorder_error_kind(stream, reply->text, reply->text_bytes);
    stream_want_refresh(stream);
    consumer->entries = 0;
    consumer->awaits = false;
    consumer->deadline_ns = UINT64_MAX;
    consumer->again_ns = now_ns + AGAIN_NS;
}

static bool is_message(const struct consumer *consumer)
{
    const enum consume_kind kind = consumer->lane->plan->kind;
    return strcmp(consumer->word, kind == CONSUME_CHANNEL   ? "message"
                                  : kind == CONSUME_PATTERN ? "pmessage"
                                                            : "smessage") == 0;
}

static bool is_confirmation(const struct consumer *consumer)
{
    const enum consume_kind kind = consumer->lane->plan->kind;
    return strcmp(consumer->word, kind == CONSUME_CHANNEL   ? "subscribe"
                                  : kind == CONSUME_PATTERN ? "psubscribe"
                                                            : "ssubscribe") == 0;
}

/* Of a subscriber, or a cache. */
static void take_message(struct consumer *consumer, const struct resp_reply *reply, uint64_t now_ns)
{
    const enum consume_kind kind = consumer->lane->plan->kind;
    if (kind == CONSUME_TRACKING) {
        if (reply->type == '+')
            listens(consumer);
        else
            consume_figures(consumer)[CLASS_FOREIGN] +=
                consumer->strings > 1 && consumer->stamps == 0;
    } else if (strstr(consumer->word, "unsubscribe") != NULL) {
        /* Its slot has moved. */
        is_deaf(consumer, CONSUMER_ASKING);
        consumer->again_ns = now_ns + AGAIN_NS;
        stream_want_refresh(consumer->connection->stream);
    } else if (is_confirmation(consumer)) {
        listens(consumer);
    } else if (is_message(consumer)) {
        consume_figures(consumer)[CLASS_FOREIGN] += consumer->stamps == 0;
    }
}

/* Of one that waits for it. */
static void take_awaited(struct consumer *consumer, const struct resp_reply *reply, uint64_t now_ns)
{
    const bool group = consumer->lane->plan->kind == CONSUME_GROUP;
    uint64_t *counters = consume_figures(consumer);
    if (consumer->acknowledges) {
        consumer->acknowledges = false;
        if (reply->type == ':' && reply->integer > 0)
            counters[CLASS_ACKNOWLEDGED] += (uint64_t)reply->integer;
        return;
    }
    consumer->awaits = false;
    listens(consumer);
    if (group && !consumer->claims)
        counters[CLASS_READ] += consumer->entries;
    if (group && consumer->entries > consumer->stamps)
        counters[CLASS_FOREIGN] += consumer->entries - consumer->stamps;
    else if (!group && !reply->is_null && consumer->stamps == 0)
        counters[CLASS_FOREIGN]++;
    counters[CLASS_EMPTY] += reply->is_null;
    consumer->claims = false;
    ask(consumer, now_ns);
}

/* False: the server answers what was not asked, or not to the end yet. */
static bool take_reply(struct consumer *consumer, const struct resp_reply *reply, uint64_t now_ns)
{
    if (waits_for_replies(consumer) && reply->type != '>' &&
        (!consumer->awaits || consumer->out_bytes > 0))
        return false;
    if (consumer->regroups && consumer->again_ns == UINT64_MAX && reply->type != '>')
        consumer->regroups = false; /* another one may have been first */
    else if (reply->is_error)
        refused(consumer, reply, now_ns);
    else if (!waits_for_replies(consumer))
        take_message(consumer, reply, now_ns);
    else if (reply->type != '>')
        take_awaited(consumer, reply, now_ns);
    consumer->strings = 0;
    consumer->stamps = 0;
    consumer->word[0] = '\0';
    return true;
}

/* Reading ------------------------------------------------------------------------------------- */

/* False: the connection has ended. */
static bool take_read(struct consumer *consumer, size_t byte_count, uint64_t now_ns)
{
    struct connection *connection = consumer->connection;
    const char *at = connection->stream->exchange.in, *const end = at + byte_count;
    const struct resp_tap tap = {
        .state = consumer, .string = begin_string, .bytes = take_bytes, .pushes = true};
    consume_figures(consumer)[CLASS_BYTES_IN] += byte_count;
    while (at < end) {
        struct resp_reply reply;
        size_t used_bytes;
        const enum resp_status status = resp_scan_tapped(
            &connection->walk.resp, at, (size_t)(end - at), &used_bytes, &reply, &tap);
        at += used_bytes;
        if (status == RESP_INVALID ||
            (status == RESP_REPLY && !take_reply(consumer, &reply, now_ns))) {
            lost(consumer, COUNTER_CONNECTIONS_PROTOCOL, now_ns);
            return false;
        }
        if (connection->state != CONNECTION_READY)
            return false;
    }
    return true;
}

static void receive(struct consumer *consumer, bool closed_by_peer)
{
    struct connection *connection = consumer->connection;
    struct stream *stream = connection->stream;
    bool more = true;
    uint32_t reads = 0;
    for (; more && reads < READS_AT_ONCE; reads++) {
        size_t got_bytes = 0;
        int sys_errno = 0;
        const enum io_status status = stream->transport->read(
            &connection->wire, stream->exchange.in, WORKER_READ_BYTES, &got_bytes, &sys_errno);
        const uint64_t now_ns = stream->consume.done_ns = clock_now_ns();
        if (now_ns >= stream->edge_ns)
            edges_cut(stream, now_ns);
        if (status == IO_AGAIN)
            return;
        if (status != IO_DONE) {
            lost(consumer,
                 status == IO_CLOSED ? COUNTER_CONNECTIONS_CLOSED : COUNTER_CONNECTIONS_RESET,
                 now_ns);
            return;
        }
        if (!take_read(consumer, got_bytes, now_ns))
            return;
        more = got_bytes == WORKER_READ_BYTES || closed_by_peer;
    }
    if (more) /* others have their turn; no edge will say that there is more */
        event_active(&connection->read_event, EV_READ | (closed_by_peer ? EV_CLOSED : 0), 0);
}

static void became_ready(struct consumer *consumer)
{
    is_deaf(consumer, CONSUMER_ASKING);
    consumer->out_bytes = consumer->sent_bytes = 0;
    consumer->strings = consumer->stamps = consumer->entries = 0;
    consumer->word[0] = '\0';
    consumer->claims = consumer->acknowledges = consumer->regroups = false;
    resp_scanner_reset(&consumer->connection->walk.resp);
    const uint64_t now_ns = clock_now_ns();
    ask(consumer, now_ns);
    /* What waits in vain does listen. */
    if (waits_for_replies(consumer) && consumer->state == CONSUMER_ASKING)
        listens(consumer);
}

static void on_io(evutil_socket_t fd, short what, void *argument)
{
    struct connection *connection = argument;
    struct consumer *consumer = connection->consumer;
    (void)fd;
    if (connection->stream->lag.wakeup_ns == 0)
        lag_woke(&connection->stream->lag, clock_now_ns());
    if (connection->state != CONNECTION_READY) {
        connection_go_on(connection, what);
        if (connection->state == CONNECTION_READY)
            became_ready(consumer);
        return;
    }
    if (what & (EV_READ | EV_CLOSED))
        receive(consumer, what & EV_CLOSED);
    if ((what & EV_WRITE) && connection->state == CONNECTION_READY)
        (void)write_out(consumer, clock_now_ns());
}

/* Life ---------------------------------------------------------------------------------------- */

static uint32_t senders_watched(const struct stream *stream)
{
    uint64_t senders = stream->spec->load.clients * 2;
    uint32_t size = 2 * CONSUME_PROBES;
    const uint64_t most = WATCH_BYTES_MAX / sizeof(struct consume_seen) /
                          (stream->consume.count > 0 ? stream->consume.count : 1);
    while (size < senders && size < SENDERS_MAX && size * 2ull <= most)
        size *= 2;
    return size;
}

static enum err_code create_one(struct consumer *consumer, uint32_t senders, struct err *err)
{
    const struct plan_consumer *plan = consumer->lane->plan;
    const size_t ids = plan->kind == CONSUME_GROUP ? plan->count : 0;
    consumer->out_room =
        OUT_BYTES + consumer->target->byte_count * 2 + ids * (CONSUMER_ID_BYTES + 16);
    consumer->out = malloc(consumer->out_room);
    consumer->ids = calloc(ids + 1, CONSUMER_ID_BYTES);
    consumer->watch = (struct consume_watch){
        .seen = calloc(senders, sizeof consumer->watch.seen[0]), .mask = senders - 1};
    consumer->deadline_ns = consumer->again_ns = UINT64_MAX;
    return consumer->out != NULL && consumer->ids != NULL && consumer->watch.seen != NULL
               ? OK
               : err_set(err, E_SYSTEM, "no memory for a consumer");
}

enum err_code consume_create(struct stream *stream, struct err *err)
{
    struct consume *consume = &stream->consume;
    struct endpoint endpoint = stream->spec->endpoint;
    if (consume_lanes(stream) == 0)
        return OK;
    consume->plan = workload_consume_plan(stream->run->workload);
    consume->first_part = stream->generation.part_count;
    consume->on_io = on_io;
    consume->count = consume->waiting = consume_connections(stream);
    consume->each = calloc(consume->count + 1, sizeof consume->each[0]);
    if (consume->each == NULL)
        return err_set(err, E_SYSTEM, "no memory for %u consumers", consume->count);
    const uint32_t senders = senders_watched(stream);
    uint32_t made = 0;
    uint64_t before = 0;
    enum err_code code = OK;
    for (uint32_t i = 0; i < consume->plan->count; i++) {
        const struct consume_lane *lane = &consume->plan->lanes[i];
        endpoint.resp3 |=
            lane->plan->kind == CONSUME_TRACKING; /* only there it is told on the same connection */
        for (uint64_t k = 0; k < lane->plan->connections && code == OK; k++) {
            if (!is_own(stream, before, k))
                continue;
            struct consumer *consumer = &consume->each[made];
            struct connection *connection =
                &stream->connections[stream->connection_count + stream->idle_count -
                                     consume->count + made++];
            *consumer = (struct consumer){
                .connection = connection,
                .lane = lane,
                .target = &lane->targets[k % lane->target_count],
                .part = consume->first_part + i,
                .number = (uint32_t)k,
            };
            connection->consumer = consumer;
            code = create_one(consumer, senders, err);
            connection_move(connection, node_of(consumer), 0);
        }
        before += lane->plan->connections;
    }
    endpoint.tracking = false;
    if (code == OK)
        code = greeting_create(&consume->greeting, &endpoint, 0, err);
    return code;
}

void consume_destroy(struct stream *stream)
{
    struct consume *consume = &stream->consume;
    for (uint32_t i = 0; consume->each != NULL && i < consume->count; i++) {
        free(consume->each[i].out);
        free(consume->each[i].ids);
        free(consume->each[i].watch.seen);
    }
    free(consume->each);
    consume->each = NULL;
    greeting_destroy(&consume->greeting);
}

void consume_enter(struct stream *stream)
{
    stream->consume.run = (uint32_t)(stream->start_ns >> 10);
    stream->consume.senders =
        atomic_fetch_add_explicit(&stream->live->begun, 1, memory_order_relaxed) *
        stream->connection_count;
    atomic_store_explicit(&stream->live->sent_all, 0, memory_order_release);
}

static void tick_one(struct consumer *consumer, uint64_t now_ns)
{
    struct connection *connection = consumer->connection;
    if (connection->state != CONNECTION_READY)
        return;
    if (!is_where_it_belongs(consumer)) {
        is_deaf(consumer, CONSUMER_SILENT);
        connection_move(connection, node_of(consumer), now_ns);
    } else if (now_ns >= consumer->deadline_ns) {
        lost(consumer, COUNTER_CONNECTIONS_TIMED_OUT, now_ns);
    } else if (now_ns >= consumer->again_ns && consumer->out_bytes == 0) {
        ask(consumer, now_ns);
    } else if (consumer->state == CONSUMER_SILENT) {
        became_ready(consumer); /* ready at once */
    }
}

void consume_tick(struct stream *stream, uint64_t now_ns)
{
    for (uint32_t i = 0; i < stream->consume.count; i++)
        tick_one(&stream->consume.each[i], now_ns);
}

/* All messages have come that are to come: of all workers, since any of them may have sent them. */
static bool has_all(const struct stream *stream)
{
    uint64_t expected = 0, delivered = 0;
    bool sent_all = true;
    for (uint32_t i = 0; i < stream->run->worker_count; i++) {
        struct ipc_worker *worker = ipc_worker(stream->run->segment, i);
        sent_all &= atomic_load_explicit(&worker->sent_all, memory_order_acquire) != 0;
        expected += atomic_load_explicit(&worker->expected, memory_order_relaxed);
        delivered += atomic_load_explicit(&worker->delivered, memory_order_relaxed);
    }
    return sent_all && delivered >= expected;
}

static bool all_acknowledged(const struct consume *consume)
{
    for (uint32_t i = 0; i < consume->count; i++)
        if (consume->each[i].acknowledges && consume->each[i].state != CONSUMER_SILENT)
            return false;
    return true;
}

bool consume_is_settled(struct stream *stream, uint64_t now_ns)
{
    struct consume *consume = &stream->consume;
    if (consume->plan == NULL)
        return true;
    if (consume->last_sent_ns == 0) {
        consume->last_sent_ns = now_ns;
        atomic_store_explicit(&stream->live->sent_all, 1, memory_order_release);
    }
    const uint64_t since_ns =
        consume->last_ns > consume->last_sent_ns ? consume->last_ns : consume->last_sent_ns;
    return consume->count == 0 || (has_all(stream) && all_acknowledged(consume)) ||
           now_ns >= since_ns + stream->spec->load.drain_timeout_ns;
}
