/* RESP2 and RESP3. Where a reply ends, whether it is an error, what it says about hits; values are skipped. */
#include "worker/protocol/protocol.h"

#include <string.h>

#include "common/redirect.h"
#include "common/resp_usual.h"
#include "worker/protocol/replies.h"

#define COLD __attribute__((noinline, cold))
#define REFUSED_BY_PLUGIN "PLUGIN the plug-in takes the reply for a failure"

static void reset(struct connection *connection)
{
    resp_scanner_reset(&connection->walk.resp);
}

static bool between_replies(const struct connection *connection)
{
    return resp_scanner_idle(&connection->walk.resp);
}

static void count_reading(struct reply_counts *counts, enum read_kind kind,
                          const struct resp_reply *reply)
{
    bool aggregate = reply->type == '*' || reply->type == '~' || reply->type == '%';
    if (kind == READ_NONE)
        return;
    if (kind == READ_EACH && aggregate && reply->integer > 0) {
        counts->misses += reply->nulls;
        counts->hits += (uint64_t)reply->integer - reply->nulls;
    } else if (reply->is_null || (aggregate && reply->integer == 0)) {
        counts->misses++;
    } else {
        counts->hits++;
    }
}

/* What was acknowledged is held against what was asked for. */
static void count_acknowledged(struct reply_counts *counts, const uint64_t *least,
                               const struct resp_scanner *scanner, const struct resp_reply *reply)
{
    bool enough = reply->type == ':' && reply->integer >= (int64_t)least[0];
    if (reply->type == '*' && reply->integer == COMMAND_LEAST_NUMBERS)
        enough = resp_scanner_integer(scanner, 0) >= (int64_t)least[0] &&
                 resp_scanner_integer(scanner, 1) >= (int64_t)least[1];
    *(enough ? &counts->hits : &counts->misses) += 1;
}

/* A request goes elsewhere as a whole: a sequence only when no part of it was executed. */
static bool take_redirect(struct connection *connection, const struct resp_reply *reply,
                          uint64_t done_ns)
{
    struct redirect redirect;
    if (redirect_parse(&redirect, reply->text, reply->text_bytes) == REDIRECT_NONE)
        return false;
    recorder_refusal(connection->stream, reply->text, reply->text_bytes, done_ns);
    connection->head_redirect = redirect;
    connection->head_redirects++;
    return true;
}

/* Once: what the server does not know behind the script it will never know. */
static bool wants_load(struct connection *connection, const struct request_slot *slot,
                       const struct resp_reply *reply)
{
    if (slot->loads || !redirect_wants_script(reply->text, reply->text_bytes))
        return false;
    connection->head_redirect = (struct redirect){.kind = REDIRECT_LOAD};
    connection->head_redirects++;
    return true;
}

static void count_redirect(struct connection *connection, const struct reply_counts *counts)
{
    static const enum counter counters[] = {
        [REDIRECT_MOVED] = COUNTER_MOVED,       [REDIRECT_ASK] = COUNTER_ASKED,
        [REDIRECT_TRYAGAIN] = COUNTER_TRYAGAIN, [REDIRECT_CLUSTERDOWN] = COUNTER_CLUSTERDOWN,
        [REDIRECT_LOAD] = COUNTER_RELOADED,
    };
    const enum redirect_kind kind = connection->head_redirect.kind;
    stream_count(connection->stream, counters[kind], 1);
    if (counts->node != NULL && kind != REDIRECT_LOAD)
        counts->node->counters[NODE_REDIRECTED]++;
}

/* The oldest request has its last reply, and an error among all. */
static void take_failure(struct connection *connection, const struct request_slot *slot,
                         uint64_t done_ns, const struct reply_counts *counts)
{
    struct stream *stream = connection->stream;
    replies_note_done(stream, done_ns);
    stream_count_class(stream, slot, CLASS_ERRORS, 1);
    connection->head_index++;
    connection->in_flight--;
    stream->in_flight--;
    if (stream_is_follow_up(stream, slot)) {
        stream_count(stream, COUNTER_FOLLOW_UPS_ERRORS, 1);
        return;
    }
    outcome_failed(&stream->recorder.interval->header.times, done_ns);
    if (counts->node != NULL) {
        counts->node->counters[NODE_ERRORS]++;
        outcome_failed(&counts->node->times, done_ns);
    }
    interval_histogram_record(&stream->recorder.interval->histograms[HISTOGRAM_SERVICE_ERROR],
                              done_ns - slot->sent_ns);
    recorder_error_reply(stream, connection->head_kind);
    recorder_heed_failures(stream, done_ns);
}

/* Likewise, and none. Follow-ups are in the figures of their class only. */
static void take_success(struct connection *connection, const struct request_slot *slot,
                         uint64_t done_ns, struct reply_counts *counts)
{
    struct stream *stream = connection->stream;
    recorder_class_ok(stream, slot, done_ns);
    if (stream->generation.classes[slot->class].feeds != 0)
        recorder_fed(stream, slot, CLASS_EXPECTED);
    if (!stream_is_follow_up(stream, slot)) {
        replies_ok(stream, connection, done_ns, counts);
        return;
    }
    replies_note_done(stream, done_ns);
    outcome_ok(&stream->recorder.interval->header.times, done_ns);
    if (counts->node != NULL) /* it answers, though nobody counts it there */
        outcome_ok(&counts->node->times, done_ns);
    stream_count(stream, COUNTER_FOLLOW_UPS_OK, 1);
    connection->head_index++;
    connection->in_flight--;
    stream->in_flight--;
}

/* What a reply without an error says of hits. True: it missed. */
static bool take_reading(struct connection *connection, const struct request_slot *slot,
                         const struct resp_reply *reply, struct reply_counts *counts)
{
    struct stream *stream = connection->stream;
    const struct generation *generation = &stream->generation;
    const struct request_class *class = &generation->classes[slot->class];
    const uint32_t index = connection->head_replies;
    const enum read_kind kind = class->read_kind(generation->state, slot->class, index);
    uint64_t hits = counts->hits, misses = counts->misses;
    if (kind == READ_AT_LEAST)
        count_acknowledged(counts, class->least[index], &connection->walk.resp, reply);
    else
        count_reading(counts, kind, reply);
    hits = counts->hits - hits;
    misses = counts->misses - misses;
    stream_count_class(stream, slot, CLASS_HITS, hits);
    stream_count_class(stream, slot, CLASS_MISSES, misses);
    if (class->part_count > 0 && !class->is_transaction) {
        uint64_t *counters = stream->recorder.interval->parts[class->first_part + index].counters;
        counters[CLASS_HITS] += hits;
        counters[CLASS_MISSES] += misses;
    }
    return misses > 0;
}

static void fail_part(struct stream *stream, uint32_t part)
{
    stream->recorder.interval->parts[part].counters[CLASS_ERRORS]++;
}

/* What EXEC says of each command. What was not executed, as another was refused, has no figures. */
static void take_results(struct connection *connection, const struct request_slot *slot,
                         const struct resp_reply *reply, uint64_t done_ns)
{
    struct stream *stream = connection->stream;
    const struct request_class *class = &stream->generation.classes[slot->class];
    if (reply->type != '*' || reply->integer != class->part_count)
        return;
    for (uint32_t i = 0; i < class->part_count; i++) {
        if (reply->failed >> i & 1)
            fail_part(stream, class->first_part + i);
        else
            recorder_part_ok(stream, class->first_part + i, slot, done_ns);
    }
}

/* A reply to one of the commands of a request. A request that goes elsewhere as a whole was not answered: all of its
 * commands are sent there so far, and this one is, too. Where one is not, those before it have failed. */
static void take_part(struct connection *connection, const struct request_slot *slot,
                      const struct resp_reply *reply, bool redirected, uint64_t done_ns)
{
    struct stream *stream = connection->stream;
    const struct request_class *class = &stream->generation.classes[slot->class];
    const uint32_t index = connection->head_replies;
    const bool failed = reply->is_error || reply->errors > 0;
    if (class->is_transaction) {
        if (index == class->replies - 1)
            take_results(connection, slot, reply, done_ns);
        else if (failed && index > 0)
            fail_part(stream, class->first_part + index - 1);
        return;
    }
    if (redirected && connection->head_redirects == index + 1)
        return;
    for (uint32_t i = 0; !redirected && connection->head_redirects == index && i < index; i++)
        fail_part(stream, class->first_part + i);
    if (failed)
        fail_part(stream, class->first_part + index);
    else
        recorder_part_ok(stream, class->first_part + index, slot, done_ns);
}

/* What the replies to the oldest request came to, where values are checked. */
static void settle(struct connection *connection, const struct request_slot *slot)
{
    static const enum counter counters[CHECK_COUNTS] = {
        [CHECK_VERIFIED] = COUNTER_VERIFIED,   [CHECK_UNVERIFIED] = COUNTER_UNVERIFIED,
        [CHECK_CORRUPTED] = COUNTER_CORRUPTED, [CHECK_STALE] = COUNTER_STALE,
        [CHECK_LOST] = COUNTER_LOST_WRITES,    [CHECK_WALKS] = COUNTER_WALKS,
    };
    struct stream *stream = connection->stream;
    const struct topology *topology = stream->router.topology;
    uint64_t counts[CHECK_COUNTS] = {0};
    stream->generation.kind->settle(stream->generation.state, slot,
                                    topology->nodes[connection->node].role == TOPOLOGY_REPLICA ||
                                        connection == stream->near.reader,
                                    counts);
    for (uint32_t i = 0; i < CHECK_COUNTS; i++)
        if (counts[i] > 0)
            stream_count(stream, counters[i], counts[i]);
}

static uint32_t replies_of(const struct generation *generation, const struct request_slot *slot)
{
    const uint32_t replies = generation->classes[slot->class].replies;
    return replies > 0 ? replies : generation->kind->replies(generation->state, slot);
}

/* An error reply, a reply with errors inside, or one of several replies of a sequence. EXCHANGE_REDIRECTED: the
 * request is to go elsewhere. */
static enum exchange_result take_answer(struct connection *connection,
                                        const struct resp_reply *reply, uint64_t done_ns,
                                        struct reply_counts *counts)
{
    struct stream *stream = connection->stream;
    const struct generation *generation = &stream->generation;
    const struct request_slot *slot = connection_slot(connection, 0);
    const struct request_class *class = &generation->classes[slot->class];
    const uint32_t replies = replies_of(generation, slot);
    bool missed = false;
    if (slot->asking && connection->head_ahead < (slot->loads ? class->load_count : 1)) {
        connection->head_ahead++; /* the reply to ASKING; when it failed the next one will, too */
        /* But behind a SELECT that failed requests would go to another database. */
        return stream->router.selects && reply->is_error ? EXCHANGE_LOST : EXCHANGE_DONE;
    }
    bool redirected =
        reply->is_error && ((stream->router.by_slot && take_redirect(connection, reply, done_ns)) ||
                            (class->load_count > 0 && wants_load(connection, slot, reply)));
    if (redirected && replies == 1) {
        count_redirect(connection, counts);
        return EXCHANGE_REDIRECTED;
    }
    if (class->part_count > 0)
        take_part(connection, slot, reply, redirected, done_ns);
    if (reply->is_error || reply->errors > 0) {
        /* One request is one error, whatever number of its parts fail: the first one names it. It
         * is counted with the last reply, which may come in a later interval, or never. */
        if (!connection->head_failed && reply->is_error)
            connection->head_kind = recorder_error_kind(stream, reply->text, reply->text_bytes);
        else if (!connection->head_failed)
            connection->head_kind =
                recorder_error_kind(stream, "NESTED an error inside an aggregate reply", 41);
        connection->head_failed = true;
    } else {
        missed = take_reading(connection, slot, reply, counts);
    }
    const uint32_t index = connection->head_replies++;
    if (index + 1 == replies && connection->head_redirects + class->behind == replies) {
        count_redirect(connection, counts);
        return EXCHANGE_REDIRECTED;
    }
    if (generation->kind->reply != NULL &&
        !generation->kind->reply(generation->state, slot, index, reply) &&
        !connection->head_failed) {
        const char *refusal =
            generation->kind->refusal != NULL ? generation->kind->refusal : REFUSED_BY_PLUGIN;
        connection->head_kind = recorder_error_kind(stream, refusal, strlen(refusal));
        connection->head_failed = true;
    }
    if (connection->head_replies < replies)
        return EXCHANGE_DONE;
    if (generation->kind->answered != NULL)
        generation->kind->answered(generation->state, slot);
    if (missed && class->until_hit)
        return EXCHANGE_UNSEEN;
    if (generation->kind->settle != NULL)
        settle(connection, slot);
    const bool failed = connection->head_failed;
    if (failed)
        take_failure(connection, slot, done_ns, counts);
    else
        take_success(connection, slot, done_ns, counts);
    connection->again_in_flight -= slot->again || slot->asking;
    connection->asking_in_flight -= slot->asking;
    connection_reset_head(connection);
    const uint32_t follow_up = failed                         ? 0
                               : missed && class->on_miss > 0 ? class->on_miss
                                                              : class->then;
    if (follow_up == 0)
        return EXCHANGE_DONE;
    stream->exchange.answered = *slot;
    stream->exchange.follow_up = follow_up;
    return EXCHANGE_FOLLOWED;
}

/* A reply that no request waits for: what the server says before it closes may be one. The stream is out of
 * step. */
COLD static enum exchange_result take_unasked(struct connection *connection,
                                              const struct resp_reply *reply)
{
    if (reply->is_error)
        recorder_closing_words(connection->stream, reply->text, reply->text_bytes);
    return EXCHANGE_LOST;
}

/* Of a reply to the oldest request. */
static void count_bytes(struct connection *connection, size_t byte_count)
{
    stream_count_class(connection->stream, connection_slot(connection, 0), CLASS_BYTES_IN,
                       byte_count);
}

static void take_string(void *state, int64_t byte_count)
{
    const struct connection *connection = state;
    const struct generation *generation = &connection->stream->generation;
    generation->kind->string(generation->state, connection_slot(connection, 0),
                             connection->head_replies, byte_count);
}

static void take_bytes(void *state, const char *bytes, size_t byte_count)
{
    const struct connection *connection = state;
    const struct generation *generation = &connection->stream->generation;
    generation->kind->bytes(generation->state, connection_slot(connection, 0), bytes, byte_count);
}

static enum resp_status scan(struct connection *connection, const char *in, size_t in_bytes,
                             size_t *used_bytes, struct resp_reply *reply)
{
    struct resp_scanner *scanner = &connection->walk.resp;
    if (connection->stream->generation.kind->string == NULL || connection->in_flight == 0)
        return resp_scan(scanner, in, in_bytes, used_bytes, reply);
    const struct resp_tap tap = {.state = connection, .string = take_string, .bytes = take_bytes};
    return resp_scan_tapped(scanner, in, in_bytes, used_bytes, reply, &tap);
}

/* One reply, whatever it is, or what is there of it. */
__attribute__((noinline)) static enum exchange_result take_reply(struct connection *connection,
                                                                 const char **at, const char *end,
                                                                 uint64_t done_ns,
                                                                 struct reply_counts *counts)
{
    struct resp_reply reply;
    size_t used_bytes;
    enum resp_status status = scan(connection, *at, (size_t)(end - *at), &used_bytes, &reply);
    *at += used_bytes;
    if (status == RESP_MORE && connection->in_flight > 0)
        count_bytes(connection, used_bytes);
    if (status == RESP_MORE)
        return EXCHANGE_DONE;
    if (status == RESP_INVALID)
        return EXCHANGE_LOST;
    if (reply.type == '>') {
        stream_count(connection->stream, COUNTER_PUSHES, 1);
        return EXCHANGE_DONE;
    }
    if (connection->in_flight == 0)
        return take_unasked(connection, &reply);
    count_bytes(connection, used_bytes);
    const enum exchange_result result = take_answer(connection, &reply, done_ns, counts);
    if (result == EXCHANGE_DONE)
        return EXCHANGE_DONE;
    replies_note_done(connection->stream, done_ns);
    connection->stream->exchange.reading.at = *at;
    return result;
}

/* As many usual ones as come: one to a request, whole, and no error. */
static inline __attribute__((always_inline)) const char *take_usual(struct connection *connection,
                                                                    const char *at, const char *end,
                                                                    uint64_t done_ns,
                                                                    struct reply_counts *counts)
{
    struct stream *stream = connection->stream;
    uint64_t nulls = 0, ok = counts->ok;
    if (!stream->generation.one_reply || connection->again_in_flight > 0 ||
        !between_replies(connection))
        return at;
    while (at < end && connection->in_flight > 0) {
        struct resp_reply reply;
        const char *next = resp_usual_reply(at, end, &reply);
        if (next == NULL || reply.is_error)
            break;
        replies_ok(stream, connection, done_ns, counts);
        nulls += reply.is_null;
        at = next;
    }
    if (stream->generation.read_kind != READ_NONE) {
        counts->misses += nulls;
        counts->hits += counts->ok - ok - nulls;
    }
    return at;
}

/* Requests that went out in one write and are answered in one read have one time: recorded once for each class. */
struct alike {
    uint64_t sent_ns;
    uint32_t classes; /* a bit for each that was met */
    uint32_t counts[CLASSES_MAX];
};

static void record_alike(struct stream *stream, struct alike *alike, uint64_t done_ns)
{
    for (; alike->classes != 0; alike->classes &= alike->classes - 1) {
        const uint32_t class = (uint32_t)__builtin_ctz(alike->classes);
        recorder_class_ok_alike(stream, class, done_ns - alike->sent_ns, alike->counts[class]);
        alike->counts[class] = 0;
    }
}

/* Apart, so that the loop of one class, which is the faster for it, has this in its middle. */
__attribute__((noinline)) static const char *next_usual(const char *at, const char *end,
                                                        struct resp_reply *reply)
{
    return resp_usual_reply(at, end, reply);
}

/* The same where there are classes. */
__attribute__((noinline)) static const char *take_usual_mixed(struct connection *connection,
                                                              const char *at, const char *end,
                                                              uint64_t done_ns,
                                                              struct reply_counts *counts)
{
    struct stream *stream = connection->stream;
    const struct generation *generation = &stream->generation;
    struct alike alike = {0};
    if (connection->again_in_flight > 0 || !between_replies(connection))
        return at;
    while (at < end && connection->in_flight > 0) {
        const struct request_slot *slot = connection_slot(connection, 0);
        const uint32_t class = slot->class;
        struct resp_reply reply;
        const char *next =
            (generation->usual_classes >> class & 1) == 0 ? NULL : next_usual(at, end, &reply);
        if (next == NULL || reply.is_error)
            break;
        stream_count_class(stream, slot, CLASS_BYTES_IN, (size_t)(next - at));
        if (generation->usual_kinds[class] != READ_NONE) {
            *(reply.is_null ? &counts->misses : &counts->hits) += 1;
            stream_count_class(stream, slot, reply.is_null ? CLASS_MISSES : CLASS_HITS, 1);
        }
        if (stream->open_loop) {
            recorder_class_ok(stream, slot, done_ns);
        } else if (stream->recorder.interval->class_count > 0) {
            if (slot->sent_ns != alike.sent_ns)
                record_alike(stream, &alike, done_ns);
            alike.sent_ns = slot->sent_ns;
            alike.classes |= 1u << class;
            alike.counts[class]++;
        }
        if (generation->kind->answered != NULL)
            generation->kind->answered(generation->state, slot);
        replies_ok(stream, connection, done_ns, counts);
        at = next;
    }
    record_alike(stream, &alike, done_ns);
    return at;
}

/* A reply to a request that is only half written: the stream is out of step. */
static inline bool answers_half(const struct connection *connection)
{
    return connection->in_flight == 0 && connection->partial_bytes > 0;
}

__attribute__((noinline)) static enum exchange_result
take_mixed(struct connection *connection, const char *at, const char *end, uint64_t done_ns)
{
    struct reply_counts counts = replies_begin(connection);
    enum exchange_result result = EXCHANGE_DONE;
    while (result == EXCHANGE_DONE &&
           (at = take_usual_mixed(connection, at, end, done_ns, &counts)) < end)
        result = take_reply(connection, &at, end, done_ns, &counts);
    replies_end(connection, done_ns, &counts);
    return result == EXCHANGE_DONE && answers_half(connection) ? EXCHANGE_LOST : result;
}

static enum exchange_result take(struct connection *connection, const char *at, const char *end,
                                 uint64_t done_ns)
{
    struct reply_counts counts = replies_begin(connection);
    enum exchange_result result = EXCHANGE_DONE;
    while (result == EXCHANGE_DONE &&
           (at = take_usual(connection, at, end, done_ns, &counts)) < end) {
        struct reply_counts apart = counts; /* which need not stand in memory otherwise */
        result = take_reply(connection, &at, end, done_ns, &apart);
        counts = apart;
    }
    replies_end(connection, done_ns, &counts);
    if (result == EXCHANGE_DONE && answers_half(connection))
        return EXCHANGE_LOST;
    return result;
}

/* Each by itself, since it is to be kept, or what it changes forgotten. */
__attribute__((noinline)) static enum exchange_result
take_near(struct connection *connection, const char *at, const char *end, uint64_t done_ns)
{
    struct stream *stream = connection->stream;
    struct reply_counts counts = replies_begin(connection);
    enum exchange_result result = EXCHANGE_DONE;
    while (result == EXCHANGE_DONE && at < end) {
        struct near_look look = {.class = NEAR_NOT_KEPT};
        const char *const from = between_replies(connection) ? at : NULL;
        const uint32_t head = connection->head_index;
        if (from != NULL && *from == '>')
            near_reads_pushed(stream, from, end, done_ns);
        else if (connection->in_flight > 0)
            near_reads_look(&look, connection, done_ns);
        result = take_reply(connection, &at, end, done_ns, &counts);
        if (connection->head_index != head)
            near_reads_replied(stream, &look,
                               from != NULL && *from != '-' && *from != '!' ? from : NULL, at,
                               done_ns);
    }
    replies_end(connection, done_ns, &counts);
    return result == EXCHANGE_DONE && answers_half(connection) ? EXCHANGE_LOST : result;
}

/* What is kept was taken for a whole reply when it came. Where there are nodes it is of none of them. */
static void answer(struct connection *connection, const char *from, const char *to,
                   uint64_t done_ns)
{
    struct reply_counts counts = replies_begin(connection);
    const bool many_nodes = connection->stream->router.many_nodes;
    if (many_nodes)
        counts.node = NULL;
    const bool looked_at = connection->stream->generation.kind->string != NULL;
    struct resp_reply reply;
    size_t used_bytes;
    if ((!looked_at && resp_usual_reply(from, to, &reply) != NULL) ||
        scan(connection, from, (size_t)(to - from), &used_bytes, &reply) == RESP_REPLY)
        (void)take_answer(connection, &reply, done_ns, &counts);
    replies_settle(connection, done_ns, &counts, !many_nodes);
}

const struct protocol protocol_resp = {
    .name = "RESP",
    .greets = true,
    .reset = reset,
    .take = take,
    .between_replies = between_replies,
};

const struct protocol protocol_resp_mixed = {
    .name = "RESP",
    .greets = true,
    .reset = reset,
    .take = take_mixed,
    .between_replies = between_replies,
};

const struct protocol protocol_resp_near = {
    .name = "RESP",
    .greets = true,
    .reset = reset,
    .take = take_near,
    .answer = answer,
    .between_replies = between_replies,
};
