#include "worker/near_reads.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/resp_usual.h"
#include "worker/protocol/protocol.h"
#include "worker/stream.h"

#define WRITE_BYTES 4096u /* of a request that writes, so much is looked at for keys */

/* Of one key, the first argument, and their reply says nothing of anything else. */
static const char *const kept_commands[] = {
    "BITCOUNT",  "GET",      "GETBIT",     "GETRANGE", "HEXISTS", "HGET", "HGETALL", "HKEYS",
    "HLEN",      "HMGET",    "HSTRLEN",    "HVALS",    "LINDEX",  "LLEN", "LRANGE",  "SCARD",
    "SISMEMBER", "SMEMBERS", "SMISMEMBER", "STRLEN",   "TYPE",    "XLEN", "XRANGE",  "ZCARD",
    "ZCOUNT",    "ZMSCORE",  "ZRANGE",     "ZRANK",    "ZSCORE",
};

enum err_code near_reads_create(struct stream *stream, struct err *err)
{
    struct near_reads *near = &stream->near;
    const struct buffer_options *plan = &stream->spec->buffer;
    if (!plan->wanted || plan->cache_replies == 0)
        return OK;
    near->cache = near_cache_create((uint32_t)plan->cache_replies, plan->cache_ttl_ns);
    near->reader = calloc(1, sizeof *near->reader);
    near->request = malloc(WRITE_BYTES);
    if (near->reader != NULL)
        near->reader->slots = calloc(1, sizeof near->reader->slots[0]);
    if (near->cache == NULL || near->reader == NULL || near->request == NULL ||
        near->reader->slots == NULL)
        return err_set(err, E_SYSTEM, "worker %u: no memory for its near cache",
                       stream->share->index);
    near->reader->stream = stream;
    near->reader->wire.fd = -1;
    stream->protocol->reset(near->reader);
    return OK;
}

void near_reads_destroy(struct near_reads *near)
{
    near_cache_destroy(near->cache);
    if (near->reader != NULL)
        free(near->reader->slots);
    free(near->reader);
    free(near->request);
    *near = (struct near_reads){.cache = NULL};
}

/* Requests ----------------------------------------------------------------------------------------- */

static uint32_t bytes_of(const struct stream *stream, const struct request_slot *slot)
{
    return stream->generation.bytes > 0 ? stream->generation.bytes : slot->bytes;
}

static bool is_kept_command(const char *request, size_t byte_count)
{
    int64_t words, length;
    const char *const end = request + byte_count;
    const char *at =
        byte_count > 1 && *request == '*' ? resp_usual_length(request + 1, end, &words) : NULL;
    const char *behind =
        at != NULL && at < end && *at == '$' ? resp_usual_bulk(at + 1, end, &length) : NULL;
    for (size_t i = 0; behind != NULL && i < sizeof kept_commands / sizeof kept_commands[0]; i++)
        if (strlen(kept_commands[i]) == (size_t)length &&
            strncasecmp(behind - RESP_CRLF_BYTES - length, kept_commands[i], (size_t)length) == 0)
            return true;
    return false;
}

/* What requests of its class are to the cache: looked at once. */
static enum near_class class_of(struct stream *stream, const struct request_slot *slot)
{
    struct near_reads *near = &stream->near;
    const struct request_class *class = &stream->generation.classes[slot->class];
    if (near->classes[slot->class] != NEAR_UNKNOWN)
        return near->classes[slot->class];
    enum near_class is = NEAR_WRITES;
    if (class->reads_only) {
        const uint32_t bytes = bytes_of(stream, slot);
        is = NEAR_NOT_KEPT;
        if (class->replies == 1 && class->on_miss == 0 && class->then == 0 && !class->until_hit &&
            class->load_count == 0 && class->feeds == 0 && bytes <= NEAR_REQUEST_BYTES) {
            stream->generation.kind->render(stream->generation.state, slot, near->request);
            is = is_kept_command(near->request, bytes) ? NEAR_KEPT : NEAR_NOT_KEPT;
        }
    }
    near->classes[slot->class] = (uint8_t)is;
    return is;
}

/* Its bytes; 0: it is longer than what is kept. */
static uint32_t render(struct stream *stream, const struct request_slot *slot)
{
    const uint32_t bytes = bytes_of(stream, slot);
    if (bytes > NEAR_REQUEST_BYTES)
        return 0;
    stream->generation.kind->render(stream->generation.state, slot, stream->near.request);
    return bytes;
}

/* Answers ------------------------------------------------------------------------------------------ */

/* As a write does it that takes a whole request, at sent_ns. */
static void send_to_self(struct stream *stream, const struct request_slot *drawn, uint64_t sent_ns)
{
    struct connection *reader = stream->near.reader;
    struct interval_histogram *histograms = stream->recorder.interval->histograms;
    struct request_slot *slot = connection_slot(reader, 0);
    const uint64_t waited_ns = sent_ns > drawn->intended_ns ? sent_ns - drawn->intended_ns : 0;
    *slot = *drawn;
    slot->sent_ns = sent_ns;
    stream_publish_drawn(stream);
    interval_histogram_record_zero(&histograms[HISTOGRAM_SLIP]);
    interval_histogram_record(&histograms[HISTOGRAM_WAIT], waited_ns);
    stream->unsent--;
    stream->in_flight++;
    reader->in_flight = 1;
    stream_count(stream, COUNTER_SENT, 1);
    stream_count_class(stream, slot, CLASS_SENT, 1);
    stream_count(stream, COUNTER_CACHE_HITS, 1);
}

bool near_reads_answer(struct stream *stream, const struct request_slot *drawn, uint64_t *clock_ns)
{
    struct near_reads *near = &stream->near;
    struct near_request request;
    size_t reply_bytes = 0;
    bool expired;
    const uint32_t bytes = class_of(stream, drawn) == NEAR_KEPT ? render(stream, drawn) : 0;
    if (bytes == 0)
        return false;
    near_request_begin(&request, near->request, bytes);
    const uint64_t sent_ns = *clock_ns = clock_now_ns(); /* as ahead of a write: behind rendering */
    near_reads_account(stream, sent_ns);
    const char *reply = near_cache_find(near->cache, &request, sent_ns, &reply_bytes, &expired);
    if (expired)
        stream_count(stream, COUNTER_CACHE_EXPIRED, 1);
    if (reply == NULL) {
        stream_count(stream, COUNTER_CACHE_MISSES, 1);
        return false;
    }
    *clock_ns = clock_now_ns();
    send_to_self(stream, drawn, sent_ns);
    /* It has waited for no read. */
    const uint64_t below_ns = stream->lag.below_ns;
    stream->lag.below_ns = 0;
    stream->protocol->answer(near->reader, reply, reply + reply_bytes, *clock_ns);
    stream->lag.below_ns = below_ns;
    return true;
}

/* What changes it ---------------------------------------------------------------------------------- */

void near_reads_account(struct stream *stream, uint64_t at_ns)
{
    struct near_reads *near = &stream->near;
    if (at_ns > stream->edge_ns) /* what is behind it belongs to the next interval */
        at_ns = stream->edge_ns;
    const uint64_t passed_us =
        at_ns > near->accounted_ns ? (at_ns - near->accounted_ns) / NS_PER_US : 0;
    if (passed_us == 0)
        return;
    near->accounted_ns += passed_us * NS_PER_US;
    const uint32_t count = near_cache_count(near->cache);
    if (count == 0)
        return;
    near->left_byte_us += passed_us * near_cache_bytes(near->cache);
    stream_count(stream, COUNTER_CACHE_REPLIES_US, passed_us * count);
    stream_count(stream, COUNTER_CACHE_BYTES_MS, near->left_byte_us / (NS_PER_MS / NS_PER_US));
    near->left_byte_us %= (NS_PER_MS / NS_PER_US);
}

void near_reads_clear(struct stream *stream, uint64_t now_ns)
{
    near_reads_account(stream, now_ns);
    stream_count(stream, COUNTER_CACHE_CLEARED, near_cache_clear(stream->near.cache));
}

void near_reads_look_for_clear(struct stream *stream, uint64_t now_ns)
{
    const uint64_t cleared =
        atomic_load_explicit(&stream->control->caches_cleared, memory_order_relaxed);
    if (cleared != stream->near.cleared)
        near_reads_clear(stream, now_ns);
    stream->near.cleared = cleared;
}

static uint64_t *written_at(struct near_reads *near, uint64_t key_hash)
{
    return &near->written_ns[key_hash >> 40 & (NEAR_WRITTEN_PLACES - 1)];
}

static void forget(struct stream *stream, const char *key, size_t key_bytes, uint64_t key_hash)
{
    const uint32_t forgotten = near_cache_forget(stream->near.cache, key, key_bytes, key_hash);
    if (forgotten > 0)
        stream_count(stream, COUNTER_CACHE_INVALIDATED, forgotten);
}

/* Keys are among the strings of a request, wherever: a value that is the name of a key costs a reply that was kept. */
static void forget_written(struct stream *stream, const struct request_slot *slot, uint64_t now_ns)
{
    struct near_reads *near = &stream->near;
    const uint32_t whole_bytes = bytes_of(stream, slot);
    const uint32_t bytes = whole_bytes < WRITE_BYTES ? whole_bytes : WRITE_BYTES;
    near_reads_account(stream, now_ns);
    stream->generation.kind->render_part(stream->generation.state, slot, 0, bytes, near->request);
    const char *at = near->request, *const end = at + bytes;
    int64_t words = 0, length;
    while (at != NULL && at < end) {
        if (*at == '*') {
            at = resp_usual_length(at + 1, end, &words);
            continue;
        }
        const char *body = *at == '$' ? resp_usual_length(at + 1, end, &length) : NULL;
        at = body != NULL && end - body >= length + RESP_CRLF_BYTES
                 ? body + length + RESP_CRLF_BYTES
                 : NULL;
        if (at == NULL || length > NEAR_REQUEST_BYTES)
            continue;
        const uint64_t hash = near_hash(body, (size_t)length);
        forget(stream, body, (size_t)length, hash);
        *written_at(near, hash) = now_ns;
    }
    /* There may be keys behind what was looked at. */
    if (at != end && (words > 3 || stream->generation.classes[slot->class].replies != 1))
        near_reads_clear(stream, now_ns);
}

void near_reads_look(struct near_look *look, const struct connection *connection, uint64_t done_ns)
{
    struct stream *stream = connection->stream;
    const struct request_slot *slot = connection_slot(connection, 0);
    look->class = class_of(stream, slot);
    look->sent_ns = slot->sent_ns;
    if (look->class == NEAR_KEPT &&
        !near_request_parse(&look->request, stream->near.request, render(stream, slot)))
        look->class = NEAR_NOT_KEPT;
    if (look->class == NEAR_WRITES)
        forget_written(stream, slot, done_ns);
}

void near_reads_replied(struct stream *stream, const struct near_look *look, const char *from,
                        const char *to, uint64_t done_ns)
{
    struct near_reads *near = &stream->near;
    if (look->class != NEAR_KEPT || from == NULL)
        return;
    /* What was read ahead of a write that has been acknowledged meanwhile is no answer for later. */
    if (*written_at(near, look->request.key_hash) >= look->sent_ns)
        return;
    near_reads_account(stream, done_ns);
    if (near_cache_keep(near->cache, &look->request, from, (size_t)(to - from), done_ns))
        stream_count(stream, COUNTER_CACHE_EVICTED, 1);
}

void near_reads_pushed(struct stream *stream, const char *at, const char *end, uint64_t done_ns)
{
    const char *key;
    size_t key_bytes;
    int64_t left;
    enum near_push push = near_push_begin(&at, end, &left);
    near_reads_account(stream, done_ns);
    while (push == NEAR_PUSH_KEYS && left > 0) {
        if (near_push_key(&at, end, &left, &key, &key_bytes))
            forget(stream, key, key_bytes, near_hash(key, key_bytes));
        else
            push = NEAR_PUSH_ALL;
    }
    if (push == NEAR_PUSH_ALL)
        near_reads_clear(stream, done_ns);
}
