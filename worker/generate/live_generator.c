/* Requests about the keys of a live map, as a generator. What was drawn for a ticket is kept until its last reply has come
 * or none will: which keys are live is another thing a moment later. */
#include <assert.h>
#include <stdlib.h>

#include "common/slots.h"
#include "worker/generate/generator.h"
#include "worker/generate/kept_index.h"
#include "worker/generate/live.h"
#include "worker/generate/workload_state.h"

struct kept {
    struct live_request request;
    uint64_t seen_bytes; /* of the value that a reply brings                        */
    bool brings, wrong;  /* there is one; and it is none that belongs to the key    */
    bool refused;        /* the command ahead of WAIT did not do anything           */
};

struct live_desk {
    const struct live *live;
    uint32_t worker;
    struct mix_block block; /* of the ticket that was drawn last */
    struct request_class classes[CLASSES_MAX];
    struct kept_index index;
    struct kept *kept; /* at the index's places */
};

/* A request of another action in a class has nothing to say of hits, whatever it looks like. */
static enum read_kind read_kind(const void *state, uint32_t class, uint32_t index)
{
    const struct live_desk *desk = state;
    (void)index;
    return desk->live->plan.classes[class].action == LIVE_READ ? READ_VALUE : READ_NONE;
}

static enum err_code open_desk(void **state, const void *source, uint32_t worker, struct err *err)
{
    const struct workload *workload = source;
    struct live_desk *desk = calloc(1, sizeof *desk);
    *state = desk;
    if (desk == NULL)
        return err_set(err, E_SYSTEM, "worker %u: no memory for its requests", worker);
    desk->live = workload->live;
    desk->worker = worker;
    desk->block = mix_block_of(&desk->live->order, 0);
    for (uint32_t i = 0; i < desk->live->plan.class_count; i++)
        desk->classes[i] = (struct request_class){.name = workload_class_name(workload, i),
                                                  .replies = live_class_replies(desk->live, i),
                                                  .behind = live_class_waits(desk->live, i),
                                                  .reads_only = live_class_reads(desk->live, i),
                                                  .read_kind = read_kind};
    return OK;
}

static void close_desk(void *state)
{
    struct live_desk *desk = state;
    if (desk == NULL)
        return;
    kept_index_destroy(&desk->index);
    free(desk->kept);
    free(desk);
}

static enum err_code reserve(void *state, uint64_t requests, struct err *err)
{
    struct live_desk *desk = state;
    bool enough = kept_index_create(&desk->index, requests);
    if (enough)
        desk->kept = calloc(requests, sizeof desk->kept[0]);
    return enough && desk->kept != NULL
               ? OK
               : err_set(err, E_SYSTEM, "worker %u: no memory for its requests", desk->worker);
}

static const struct request_class *classes(const void *state, uint32_t *count)
{
    const struct live_desk *desk = state;
    *count = desk->live->plan.class_count;
    return desk->classes;
}

static size_t most_bytes(const void *state)
{
    return ((const struct live_desk *)state)->live->most_bytes;
}

/* ---- requests ---- */

static struct kept *find(const struct live_desk *desk, const struct request_slot *slot)
{
    const uint32_t at = kept_index_find(&desk->index, slot->ticket, slot->class);
    assert(at != KEPT_NONE);
    return &desk->kept[at];
}

static void forget(void *state, const struct request_slot *slot)
{
    struct live_desk *desk = state;
    kept_index_remove(&desk->index, slot->ticket, slot->class);
}

static void draw(void *state, struct request_slot *slot)
{
    struct live_desk *desk = state;
    const struct mix_order *order = &desk->live->order;
    if (slot->ticket - desk->block.first_ticket >= MIX_BLOCK)
        desk->block = mix_block_of(order, slot->ticket);
    const struct mix_turn turn = mix_turn_in(order, &desk->block, slot->ticket);
    slot->class = (uint8_t)turn.class;
    struct kept *kept = &desk->kept[kept_index_add(&desk->index, slot->ticket, slot->class)];
    *kept = (struct kept){.request = live_draw(desk->live, &turn, slot->ticket)};
    slot->bytes = (uint32_t)live_request_bytes(desk->live, &kept->request);
}

static uint16_t key_slot(const void *state, const struct request_slot *slot)
{
    const struct live_desk *desk = state;
    char key[LIVE_KEY_BYTES];
    return slots_of_key(key, live_key_write(key, desk->live, find(desk, slot)->request.key));
}

static void render_part(const void *state, const struct request_slot *slot, size_t from_byte,
                        size_t byte_count, char *out)
{
    const struct live_desk *desk = state;
    live_request_write(out, from_byte, byte_count, desk->live, &find(desk, slot)->request);
}

static void render(const void *state, const struct request_slot *slot, char *out)
{
    render_part(state, slot, 0, slot->bytes, out);
}

/* ---- replies ---- */

static void heed(const struct live *live, const struct live_request *request,
                 const struct resp_reply *reply)
{
    if (reply->is_error || reply->errors > 0)
        return;
    if (request->effect == LIVE_GOES && reply->type == ':')
        live_map_clear(live->plan.map, request->key);
    if (request->effect == LIVE_COMES && !reply->is_null)
        for (uint64_t i = 0; i < request->keys; i++)
            live_map_set(live->plan.map, request->key + i);
}

/* To a write and the WAIT behind it: keys are live when both are as they should be. */
static void heed_both(const struct live *live, struct kept *kept, uint32_t index,
                      const struct resp_reply *reply)
{
    const uint32_t wanted = live->plan.classes[kept->request.class].wait_replicas;
    if (index == 0)
        kept->refused = reply->is_error || reply->errors > 0 || reply->is_null;
    else if (!kept->refused && reply->type == ':' && reply->integer >= (int64_t)wanted)
        heed(live, &kept->request, reply);
}

static bool take_reply(void *state, const struct request_slot *slot, uint32_t index,
                       const struct resp_reply *reply)
{
    struct live_desk *desk = state;
    struct kept *kept = find(desk, slot);
    const struct request_class *class = &desk->classes[slot->class];
    if (class->behind == 0 && index == 0)
        heed(desk->live, &kept->request, reply);
    else if (class->behind > 0)
        heed_both(desk->live, kept, index, reply);
    if (index + 1 == class->replies)
        forget(desk, slot);
    return true;
}

/* ---- replies, where values are checked ---- */

static void take_string(void *state, const struct request_slot *slot, uint32_t index,
                        int64_t byte_count)
{
    struct kept *kept = find(state, slot);
    (void)index;
    kept->brings = byte_count >= 0 && kept->request.check;
    kept->seen_bytes = 0;
    kept->wrong = byte_count == 0 && kept->request.check; /* nobody writes such a one */
}

static void take_bytes(void *state, const struct request_slot *slot, const char *bytes,
                       size_t byte_count)
{
    const struct live_desk *desk = state;
    struct kept *kept = find(desk, slot);
    if (!kept->brings)
        return;
    kept->wrong |=
        !live_value_is(desk->live, kept->request.key, kept->seen_bytes, bytes, byte_count);
    kept->seen_bytes += byte_count;
}

static bool check_reply(void *state, const struct request_slot *slot, uint32_t index,
                        const struct resp_reply *reply)
{
    const struct live_desk *desk = state;
    const struct kept *kept = find(desk, slot);
    (void)index;
    heed(desk->live, &kept->request, reply);
    return !kept->wrong;
}

static void settle(void *state, const struct request_slot *slot, bool from_replica,
                   uint64_t counts[CHECK_COUNTS])
{
    const struct kept *kept = find(state, slot);
    (void)from_replica;
    counts[CHECK_VERIFIED] += kept->brings;
    counts[CHECK_CORRUPTED] += kept->wrong;
    forget(state, slot);
}

#define REQUESTS                                                                                   \
    .open = open_desk, .close = close_desk, .classes = classes, .most_bytes = most_bytes,          \
    .draw = draw, .key_slot = key_slot, .render = render, .render_part = render_part,              \
    .reserve = reserve, .drop = forget

const struct generator live_generator = {.name = "live keys", REQUESTS, .reply = take_reply};
const struct generator live_checking_generator = {
    .name = "live keys, checked",
    REQUESTS,
    .reply = check_reply,
    .refusal = "VALUE what a key has is not what was written to it",
    .string = take_string,
    .bytes = take_bytes,
    .settle = settle};
