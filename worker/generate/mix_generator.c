/* A mix as a generator. What was found out of a ticket when its length was asked for is kept a while: it is written
 * soon after. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/clock.h"
#include "common/slots.h"
#include "worker/generate/generator.h"
#include "worker/generate/mix.h"
#include "worker/generate/template.h"
#include "worker/generate/workload_state.h"

/* Requests whose numbers are kept, a power of two: as many as are usually drawn before they are written. What is
 * needed again later is found anew. */
#define KEPT_REQUESTS 128u

struct kept {
    struct mix_request request;
    uint32_t class;
    bool valid;
    uint64_t *numbers;
};

struct mix_desk {
    const struct mix *mix;
    uint32_t worker;
    bool tells_time; /* some class has {now} */
    uint64_t run_us; /* {run} */
    const struct stamp *stamp;
    uint64_t clock_ahead_ns; /* of the real-time clock, before the monotonic one */
    struct mix_block block;  /* of the ticket that was asked for last */
    struct request_class classes[CLASSES_MAX];
    struct kept kept[KEPT_REQUESTS];
    uint64_t *numbers; /* of all of these */
    char *part;        /* a step that stands only partly in a part */
    char *key;
    size_t most_bytes;
};

static enum read_kind read_kind(const void *state, uint32_t class, uint32_t index)
{
    const struct mix_desk *desk = state;
    return desk->mix->classes[class].read_kinds[index];
}

static void measure_clocks(struct mix_desk *desk)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    const uint64_t now_ns = (uint64_t)now.tv_sec * NS_PER_SECOND + (uint64_t)now.tv_nsec;
    desk->clock_ahead_ns = now_ns - clock_now_ns();
    desk->run_us = now_ns / NS_PER_US;
}

static enum err_code allocate(struct mix_desk *desk, const struct mix *mix, struct err *err)
{
    size_t steps = 1, part_bytes = 1, key_bytes = 1;
    for (uint32_t i = 0; i < mix->class_count; i++) {
        const struct mix_program *program = &mix->classes[i];
        if (program->whole.step_count > steps)
            steps = program->whole.step_count;
        if (program->desk_bytes > part_bytes)
            part_bytes = program->desk_bytes;
        if (program->most_bytes > desk->most_bytes)
            desk->most_bytes = program->most_bytes;
        if (program->key_bytes > key_bytes)
            key_bytes = program->key_bytes;
        desk->tells_time |= program->tells_time;
    }
    desk->numbers = calloc(steps * KEPT_REQUESTS, sizeof desk->numbers[0]);
    desk->part = malloc(part_bytes);
    desk->key = malloc(key_bytes);
    if (desk->numbers == NULL || desk->part == NULL || desk->key == NULL)
        return err_set(err, E_SYSTEM, "worker %u: no memory for its requests", desk->worker);
    for (uint32_t i = 0; i < KEPT_REQUESTS; i++)
        desk->kept[i].numbers = desk->numbers + i * steps;
    return OK;
}

static void close_mix(void *state)
{
    struct mix_desk *desk = state;
    if (desk == NULL)
        return;
    free(desk->numbers);
    free(desk->part);
    free(desk->key);
    free(desk);
}

struct request_class mix_request_class(const struct mix *mix, uint32_t class)
{
    const struct mix_program *program = &mix->classes[class];
    return (struct request_class){
        .name = program->name,
        .replies = program->replies,
        .on_miss = program->follows_miss ? program->follow_up : 0,
        .then = program->follows_miss ? 0 : program->follow_up,
        .until_hit = program->until_hit,
        .first_part = program->first_part,
        .part_count = program->part_count,
        .is_transaction = program->is_transaction,
        .follows_only = class >= mix->weighted_count || mix->order.weights[class] == 0,
        .reads_only = program->reads_only,
        .feeds = mix->consume.feeds[class],
        .least = program->least,
        .load = program->load,
        .load_bytes = program->load_bytes,
        .load_count = program->load_count,
    };
}

static enum err_code open_mix(void **state, const void *source, uint32_t worker, struct err *err)
{
    const struct workload *workload = source;
    struct mix_desk *desk = calloc(1, sizeof *desk);
    *state = desk;
    if (desk == NULL)
        return err_set(err, E_SYSTEM, "worker %u: no memory for its requests", worker);
    desk->mix = workload->mix;
    desk->worker = worker;
    for (uint32_t i = 0; i < desk->mix->class_count; i++) {
        desk->classes[i] = mix_request_class(desk->mix, i);
        desk->classes[i].read_kind = read_kind;
    }
    desk->block = mix_block_of(&desk->mix->order, 0);
    measure_clocks(desk);
    enum err_code code = allocate(desk, desk->mix, err);
    if (code != OK)
        close_mix(desk);
    return code;
}

static const struct request_class *classes(const void *state, uint32_t *count)
{
    const struct mix_desk *desk = state;
    *count = desk->mix->class_count;
    return desk->classes;
}

static size_t most_bytes(const void *state)
{
    return ((const struct mix_desk *)state)->most_bytes;
}

static bool use_stamp(void *state, const struct stamp *stamp)
{
    struct mix_desk *desk = state;
    desk->stamp = stamp;
    return desk->mix->stamps;
}

static void find_request(struct mix_request *request, const struct mix_desk *desk, uint64_t ticket,
                         uint64_t rank)
{
    *request = (struct mix_request){.ticket = ticket,
                                    .rank = rank,
                                    .worker = desk->worker,
                                    .run_us = desk->run_us,
                                    .stamp = desk->stamp};
    if (desk->tells_time)
        request->now_ms = (clock_now_ns() + desk->clock_ahead_ns) / NS_PER_MS;
}

static struct mix_turn turn_of(struct mix_desk *desk, uint64_t ticket)
{
    if (ticket - desk->block.first_ticket >= MIX_BLOCK)
        desk->block = mix_block_of(&desk->mix->order, ticket);
    return mix_turn_in(&desk->mix->order, &desk->block, ticket);
}

/* What was kept of it, or the place where it is to be kept. */
static struct kept *kept_of(struct mix_desk *desk, const struct request_slot *slot)
{
    struct kept *kept =
        &desk->kept[(slot->ticket * 0x9e3779b97f4a7c15ull) >> 32 & (KEPT_REQUESTS - 1)];
    if (kept->request.ticket != slot->ticket || kept->class != slot->class)
        kept->valid = false;
    return kept;
}

/* Its length. */
__attribute__((noinline)) static uint32_t find_numbers(struct mix_desk *desk, struct kept *kept,
                                                       const struct request_slot *slot,
                                                       uint64_t rank)
{
    find_request(&kept->request, desk, slot->ticket, rank);
    kept->class = slot->class;
    kept->valid = true;
    return (uint32_t)mix_request_numbers(kept->numbers, &desk->mix->classes[slot->class],
                                         &desk->mix->material, &kept->request);
}

static inline const struct kept *numbers_of(struct mix_desk *desk, const struct request_slot *slot)
{
    struct kept *kept = kept_of(desk, slot);
    if (!kept->valid)
        find_numbers(desk, kept, slot, turn_of(desk, slot->ticket).rank);
    return kept;
}

/* Of slot->class, in which its ticket has this rank. */
static inline void measure_turn(struct mix_desk *desk, struct request_slot *slot, uint64_t rank)
{
    const struct mix_program *program = &desk->mix->classes[slot->class];
    slot->bytes = program->varies ? find_numbers(desk, kept_of(desk, slot), slot, rank)
                                  : (uint32_t)program->most_bytes;
}

static void measure(void *state, struct request_slot *slot)
{
    struct mix_desk *desk = state;
    measure_turn(desk, slot, turn_of(desk, slot->ticket).rank);
}

static void draw(void *state, struct request_slot *slot)
{
    struct mix_desk *desk = state;
    const struct mix_turn turn = turn_of(desk, slot->ticket);
    slot->class = (uint8_t)turn.class;
    measure_turn(desk, slot, turn.rank);
}

/* What is kept is the desk's own, whatever its user may not change. */
static struct mix_desk *own(const void *state)
{
    return (struct mix_desk *)(uintptr_t)state;
}

static uint16_t key_slot(const void *state, const struct request_slot *slot)
{
    struct mix_desk *desk = own(state);
    const struct mix_program *program = &desk->mix->classes[slot->class];
    struct mix_request request;
    if (program->key_argument == UINT32_MAX)
        return template_spread_slot(slot->ticket);
    find_request(&request, desk, slot->ticket, turn_of(desk, slot->ticket).rank);
    return mix_key_slot(desk->mix, slot->class, &request, desk->key);
}

static void render(const void *state, const struct request_slot *slot, char *out)
{
    const struct mix_desk *desk = state;
    const struct kept *kept = numbers_of(own(state), slot);
    mix_request_write(out, &desk->mix->classes[slot->class], &desk->mix->material, &kept->request,
                      kept->numbers);
}

static void render_part(const void *state, const struct request_slot *slot, size_t from_byte,
                        size_t byte_count, char *out)
{
    const struct mix_desk *desk = state;
    const struct kept *kept = numbers_of(own(state), slot);
    mix_request_write_part(out, from_byte, byte_count, desk->part, &desk->mix->classes[slot->class],
                           &desk->mix->material, &kept->request, kept->numbers);
}

const struct generator mix_generator = {
    .name = "mix",
    .open = open_mix,
    .close = close_mix,
    .classes = classes,
    .most_bytes = most_bytes,
    .draw = draw,
    .measure = measure,
    .use_stamp = use_stamp,
    .key_slot = key_slot,
    .render = render,
    .render_part = render_part,
};

const struct generator mix_alike_generator = {
    .name = "mix of one length",
    .open = open_mix,
    .close = close_mix,
    .classes = classes,
    .most_bytes = most_bytes,
    .use_stamp = use_stamp,
    .key_slot = key_slot,
    .render = render,
    .render_part = render_part,
};
