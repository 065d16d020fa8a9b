/* A mix some of whose requests are pages of walks: SCAN and the like, whose next cursor the last reply says. A ticket takes
 * a walk that waits, or begins one, and has it until its last reply. A page has all but the cursor of the ticket that its
 * walk began with, its key and its slot too, since a cursor means something only where it comes from. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/clock.h"
#include "worker/generate/generator.h"
#include "worker/generate/kept_index.h"
#include "worker/generate/mix.h"
#include "worker/generate/template.h"
#include "worker/generate/workload_state.h"

#define CURSOR_DIGITS_MAX 20
#define NONE UINT32_MAX

struct walk {
    uint64_t ticket, rank; /* that it began with */
    uint64_t cursor;
    uint32_t next; /* of those that wait, or are free; NONE: the last one */
};

/* Of one class: as many as requests are under way at most. Those that wait go on in turn. */
struct walks {
    struct walk *each; /* NULL: its requests are no pages */
    uint32_t first_waiting, last_waiting, first_free, untouched;
};

/* A request. */
struct kept {
    uint32_t walk;
    uint32_t strings; /* of its reply, that have begun */
    bool sent;
    bool has_cursor; /* the first of them is one, as far as it is there */
    uint64_t cursor;
};

struct walk_desk {
    const struct mix *mix;
    void *plain; /* mix_generator's: for requests that are no pages */
    uint32_t worker;
    uint64_t clock_ahead_ns, run_us; /* as mix_generator.c has them */
    struct walks walks[CLASSES_MAX];
    struct kept *kept;
    struct kept_index index;
    uint64_t *numbers; /* of one request */
    char *part, *key;
};

/* ---- begin and end ---- */

static enum err_code out_of_memory(const struct walk_desk *desk, struct err *err)
{
    return err_set(err, E_SYSTEM, "worker %u: no memory for its requests", desk->worker);
}

static size_t larger(size_t one, size_t other)
{
    return one > other ? one : other;
}

static void close_desk(void *state)
{
    struct walk_desk *desk = state;
    if (desk == NULL)
        return;
    mix_generator.close(desk->plain);
    for (uint32_t i = 0; i < CLASSES_MAX; i++)
        free(desk->walks[i].each);
    kept_index_destroy(&desk->index);
    free(desk->kept);
    free(desk->numbers);
    free(desk->part);
    free(desk->key);
    free(desk);
}

static enum err_code open_desk(void **state, const void *source, uint32_t worker, struct err *err)
{
    const struct workload *workload = source;
    struct walk_desk *desk = calloc(1, sizeof *desk);
    struct timespec now;
    size_t steps = 1, part_bytes = 1, key_bytes = 1;
    *state = desk;
    if (desk == NULL)
        return err_set(err, E_SYSTEM, "worker %u: no memory for its requests", worker);
    desk->mix = workload->mix;
    desk->worker = worker;
    clock_gettime(CLOCK_REALTIME, &now);
    desk->run_us = ((uint64_t)now.tv_sec * NS_PER_SECOND + (uint64_t)now.tv_nsec) / NS_PER_US;
    desk->clock_ahead_ns = desk->run_us * NS_PER_US - clock_now_ns();
    for (uint32_t i = 0; i < desk->mix->class_count; i++) {
        const struct mix_program *program = &desk->mix->classes[i];
        steps = larger(steps, program->whole.step_count);
        part_bytes = larger(part_bytes, program->desk_bytes);
        key_bytes = larger(key_bytes, program->key_bytes);
    }
    desk->numbers = calloc(steps, sizeof desk->numbers[0]);
    desk->part = malloc(part_bytes);
    desk->key = malloc(key_bytes);
    enum err_code code = mix_generator.open(&desk->plain, source, worker, err);
    if (code == OK && (desk->numbers == NULL || desk->part == NULL || desk->key == NULL))
        code = out_of_memory(desk, err);
    if (code != OK)
        close_desk(desk);
    return code;
}

static enum err_code reserve(void *state, uint64_t requests, struct err *err)
{
    struct walk_desk *desk = state;
    if (!kept_index_create(&desk->index, requests))
        return out_of_memory(desk, err);
    desk->kept = calloc(requests, sizeof desk->kept[0]);
    if (desk->kept == NULL)
        return out_of_memory(desk, err);
    for (uint32_t i = 0; i < desk->mix->class_count; i++) {
        struct walks *walks = &desk->walks[i];
        if (desk->mix->classes[i].cursor_count == 0)
            continue;
        *walks = (struct walks){.first_waiting = NONE, .last_waiting = NONE, .first_free = NONE};
        walks->each = calloc(requests, sizeof walks->each[0]);
        if (walks->each == NULL)
            return out_of_memory(desk, err);
    }
    return OK;
}

static const struct request_class *classes(const void *state, uint32_t *count)
{
    return mix_generator.classes(((const struct walk_desk *)state)->plain, count);
}

static size_t most_bytes(const void *state)
{
    return mix_generator.most_bytes(((const struct walk_desk *)state)->plain);
}

/* ---- walks ---- */

static bool is_page(const struct walk_desk *desk, const struct request_slot *slot)
{
    return desk->walks[slot->class].each != NULL;
}

static uint32_t take_walk(struct walk_desk *desk, const struct request_slot *slot)
{
    struct walks *walks = &desk->walks[slot->class];
    uint32_t at = walks->first_waiting;
    if (at != NONE) {
        walks->first_waiting = walks->each[at].next;
        return at;
    }
    at = walks->first_free;
    if (at != NONE)
        walks->first_free = walks->each[at].next;
    else
        at = walks->untouched++;
    walks->each[at] =
        (struct walk){.ticket = slot->ticket, .rank = mix_turn_of(desk->mix, slot->ticket).rank};
    return at;
}

static void put_back(struct walks *walks, uint32_t at)
{
    walks->each[at].next = NONE;
    if (walks->first_waiting == NONE)
        walks->first_waiting = at;
    else
        walks->each[walks->last_waiting].next = at;
    walks->last_waiting = at;
}

static void end_walk(struct walks *walks, uint32_t at)
{
    walks->each[at].next = walks->first_free;
    walks->first_free = at;
}

/* ---- requests ---- */

/* What is kept is the desk's own, whatever its user may not change. */
static struct walk_desk *own(const void *state)
{
    return (struct walk_desk *)(uintptr_t)state;
}

static struct kept *find(const struct walk_desk *desk, const struct request_slot *slot)
{
    const uint32_t at = kept_index_find(&desk->index, slot->ticket, slot->class);
    assert(at != KEPT_NONE);
    return &desk->kept[at];
}

static struct mix_request request_of(const struct walk_desk *desk, const struct request_slot *slot)
{
    const struct walk *walk = &desk->walks[slot->class].each[find(desk, slot)->walk];
    struct mix_request request = {.ticket = walk->ticket,
                                  .rank = walk->rank,
                                  .worker = desk->worker,
                                  .cursor = walk->cursor,
                                  .run_us = desk->run_us};
    if (desk->mix->classes[slot->class].tells_time)
        request.now_ms = (clock_now_ns() + desk->clock_ahead_ns) / NS_PER_MS;
    return request;
}

static size_t find_numbers(struct walk_desk *desk, struct mix_request *request,
                           const struct request_slot *slot)
{
    *request = request_of(desk, slot);
    return mix_request_numbers(desk->numbers, &desk->mix->classes[slot->class],
                               &desk->mix->material, request);
}

static void draw(void *state, struct request_slot *slot)
{
    struct walk_desk *desk = state;
    struct mix_request request;
    mix_generator.draw(desk->plain, slot);
    if (!is_page(desk, slot))
        return;
    const uint32_t walk = take_walk(desk, slot);
    desk->kept[kept_index_add(&desk->index, slot->ticket, slot->class)] =
        (struct kept){.walk = walk};
    slot->bytes = (uint32_t)find_numbers(desk, &request, slot);
}

static void measure(void *state, struct request_slot *slot)
{
    mix_generator.measure(((struct walk_desk *)state)->plain, slot);
}

static uint16_t key_slot(const void *state, const struct request_slot *slot)
{
    const struct walk_desk *desk = state;
    if (!is_page(desk, slot))
        return mix_generator.key_slot(desk->plain, slot);
    const struct mix_request request = request_of(desk, slot);
    if (desk->mix->classes[slot->class].key_argument == UINT32_MAX)
        return template_spread_slot(request.ticket);
    return mix_key_slot(desk->mix, slot->class, &request, desk->key);
}

static void render(const void *state, const struct request_slot *slot, char *out)
{
    struct walk_desk *desk = own(state);
    struct mix_request request;
    if (!is_page(desk, slot)) {
        mix_generator.render(desk->plain, slot, out);
        return;
    }
    find(desk, slot)->sent = true;
    find_numbers(desk, &request, slot);
    mix_request_write(out, &desk->mix->classes[slot->class], &desk->mix->material, &request,
                      desk->numbers);
}

static void render_part(const void *state, const struct request_slot *slot, size_t from_byte,
                        size_t byte_count, char *out)
{
    struct walk_desk *desk = own(state);
    struct mix_request request;
    if (!is_page(desk, slot)) {
        mix_generator.render_part(desk->plain, slot, from_byte, byte_count, out);
        return;
    }
    find(desk, slot)->sent = true;
    find_numbers(desk, &request, slot);
    mix_request_write_part(out, from_byte, byte_count, desk->part, &desk->mix->classes[slot->class],
                           &desk->mix->material, &request, desk->numbers);
}

/* ---- replies ---- */

/* The first string of a reply is the cursor, and comes ahead of all else. */
static void take_string(void *state, const struct request_slot *slot, uint32_t index,
                        int64_t byte_count)
{
    const struct walk_desk *desk = state;
    (void)index;
    if (!is_page(desk, slot))
        return;
    struct kept *kept = find(desk, slot);
    if (kept->strings < 2)
        kept->strings++;
    if (kept->strings == 1)
        kept->has_cursor = byte_count > 0 && byte_count <= CURSOR_DIGITS_MAX;
}

static void take_bytes(void *state, const struct request_slot *slot, const char *bytes,
                       size_t byte_count)
{
    const struct walk_desk *desk = state;
    if (!is_page(desk, slot))
        return;
    struct kept *kept = find(desk, slot);
    for (size_t i = 0; i < byte_count && kept->strings == 1 && kept->has_cursor; i++) {
        const unsigned digit = (unsigned)(unsigned char)bytes[i] - '0';
        kept->has_cursor = digit <= 9 && kept->cursor <= (UINT64_MAX - digit) / 10;
        if (kept->has_cursor)
            kept->cursor = kept->cursor * 10 + digit;
    }
}

/* Whatever is no cursor, an error among it, ends a walk: nobody knows where it would go on. */
static void settle(void *state, const struct request_slot *slot, bool from_replica,
                   uint64_t counts[CHECK_COUNTS])
{
    struct walk_desk *desk = state;
    (void)from_replica;
    if (!is_page(desk, slot))
        return;
    const struct kept *kept = find(desk, slot);
    struct walks *walks = &desk->walks[slot->class];
    walks->each[kept->walk].cursor = kept->cursor;
    if (kept->has_cursor && kept->cursor > 0)
        put_back(walks, kept->walk);
    else
        end_walk(walks, kept->walk);
    counts[CHECK_WALKS] += kept->has_cursor && kept->cursor == 0;
    (void)kept_index_remove(&desk->index, slot->ticket, slot->class);
}

/* What never was sent has changed nothing. */
static void drop(void *state, const struct request_slot *slot)
{
    struct walk_desk *desk = state;
    if (!is_page(desk, slot))
        return;
    const struct kept *kept = find(desk, slot);
    struct walks *walks = &desk->walks[slot->class];
    if (!kept->sent && walks->each[kept->walk].cursor > 0)
        put_back(walks, kept->walk);
    else
        end_walk(walks, kept->walk);
    (void)kept_index_remove(&desk->index, slot->ticket, slot->class);
}

static bool use_stamp(void *state, const struct stamp *stamp)
{
    return mix_generator.use_stamp(((struct walk_desk *)state)->plain, stamp);
}

const struct generator walk_generator = {
    .name = "mix with walks",
    .open = open_desk,
    .close = close_desk,
    .classes = classes,
    .most_bytes = most_bytes,
    .draw = draw,
    .measure = measure,
    .use_stamp = use_stamp,
    .key_slot = key_slot,
    .render = render,
    .render_part = render_part,
    .reserve = reserve,
    .string = take_string,
    .bytes = take_bytes,
    .settle = settle,
    .drop = drop,
};
