#include "worker/generate/mix.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/rng.h"
#include "common/slots.h"
#include "worker/generate/mix_number.h"

/* Streams of the seed. */
#define STREAM_KEYS 0x6b657973ull
#define STREAM_POOL 0x706f6f6cull

/* A compressible value is made of so long blocks, each with random bytes at its beginning. zlib's matches are at most
 * 258 bytes long, so a block costs one more. */
#define COMPRESSIBLE_BLOCK 256u

/* ---- material ---- */

static enum err_code prepare_keys(struct mix_keys *keys, const struct plan_key_space *plan,
                                  uint64_t seed, uint32_t connections, struct err *err)
{
    *keys = (struct mix_keys){.plan = plan, .prefix_bytes = strlen(plan->prefix)};
    const enum key_order_kind kind = plan->order.kind;
    keys->in_order = kind == ORDER_SEQUENTIAL || kind == ORDER_PARALLEL || kind == ORDER_WALK;
    return key_draw_prepare(&keys->draw, &plan->order, plan->count, seed, connections, err);
}

static char pool_byte(const struct plan_value *plan, uint64_t random, size_t index)
{
    switch (plan->content) {
    case CONTENT_LETTERS:
        break;
    case CONTENT_COMPRESSIBLE:
        if ((double)(index % COMPRESSIBLE_BLOCK) >= plan->compressible * COMPRESSIBLE_BLOCK)
            return 'x';
        return (char)(random & 0xff);
    case CONTENT_RANDOM:
        return (char)(random & 0xff);
    }
    return (char)('A' + rng_bounded(random, 26));
}

static enum err_code prepare_value(struct mix_value *value, const struct plan_value *plan,
                                   struct err *err)
{
    *value = (struct mix_value){.size_by_key = plan->size_by_key,
                                .letters = plan->content == CONTENT_LETTERS};
    return plan->table.field_count > 0 ? OK : size_draw_prepare(&value->size, &plan->size, err);
}

static enum err_code fill_pool(struct mix_value *value, const struct plan_value *plan,
                               uint64_t seed, struct err *err)
{
    const size_t pool_bytes = size_draw_most(&value->size) + MIX_POOL_SHIFT;
    value->pool = malloc(pool_bytes);
    if (value->pool == NULL)
        return err_set(err, E_SYSTEM, "no memory for values of %zu bytes", pool_bytes);
    for (size_t i = 0; i < pool_bytes; i++)
        value->pool[i] = pool_byte(plan, rng_at(seed ^ STREAM_POOL, i), i);
    return OK;
}

static enum err_code prepare_material(struct mix *mix, const struct mix_setup *setup,
                                      struct err *err)
{
    const struct workload_plan *plan = mix->plan;
    struct mix_material *material = &mix->material;
    enum err_code code = OK;
    material->seed = rng_mix(setup->seed);
    material->tables[0] = &plan->data;
    for (size_t i = 0; i < plan->key_space_count && code == OK; i++)
        code = prepare_keys(&material->keys[material->key_count++], &plan->key_spaces[i],
                            rng_at(material->seed ^ STREAM_KEYS, i), setup->connections, err);
    for (size_t i = 0; i < plan->value_count; i++)
        material->tables[i + 1] = &plan->values[i].table;
    for (size_t i = 0; i < plan->value_count && code == OK; i++)
        code = prepare_value(&material->values[material->value_count++], &plan->values[i], err);
    return code;
}

/* ---- classes ---- */

static enum err_code share_tickets(struct mix *mix, size_t *at_class, struct err *err)
{
    uint64_t weights[PLAN_CLASSES_MAX] = {0};
    for (uint32_t i = 0; i < mix->weighted_count; i++)
        weights[i] = mix->plan->classes[i].weight;
    mix_order_prepare(&mix->order, weights, mix->weighted_count, mix->material.seed);
    for (uint32_t i = 0; i < mix->weighted_count; i++) {
        *at_class = i;
        if (mix->order.weights[i] == 0 && weights[i] > 0)
            return err_set(err, E_CONFIG,
                           "the weight is less than half a thousandth of all; one thousandth is "
                           "the least");
    }
    *at_class = mix->weighted_count;
    return OK;
}

static enum err_code compile_follow_up(struct mix *mix, uint32_t before, struct err *err)
{
    const struct plan_class *class = &mix->plan->classes[before];
    const bool on_miss = class->on_miss != PLAN_NO_CLASS;
    const struct plan_class *follower = &mix->plan->classes[on_miss ? class->on_miss : class->then];
    struct mix_program *of = &mix->classes[before];
    if (mix->class_count == CLASSES_MAX)
        return err_set(err, E_CONFIG, "%s: with what follows them the classes are more than %u",
                       on_miss ? "on_miss" : "then", CLASSES_MAX);
    struct mix_program *program = &mix->classes[mix->class_count];
    if (on_miss && !mix_program_finds(of))
        return err_set(err, E_CONFIG,
                       "on_miss goes with one command that reads one key and says whether it is "
                       "there, such as GET, GETEX or HGETALL");
    enum err_code code =
        mix_program_compile(program, &mix->material, mix->plan, follower, mix->class_count, err);
    mix->class_count++;
    if (code == OK && program->cursor_count + of->cursor_count > 0)
        code = err_set(err, E_CONFIG,
                       "%s: requests with {cursor} follow nothing, and nothing follows them",
                       on_miss ? "on_miss" : "then");
    if (code != OK)
        return code;
    snprintf(program->name, sizeof program->name, "%s:%s", class->name,
             on_miss ? "on_miss" : follower->name);
    for (uint32_t i = 0; i < mix->material.key_count; i++) {
        if (program->key_draws[i] > of->key_draws[i] || program->new_keys[i] > 0)
            return err_set(err, E_CONFIG, "%s: %s has keys of %s that class %s does not have",
                           on_miss ? "on_miss" : "then", follower->name,
                           mix->plan->key_spaces[i].name, class->name);
        program->key_draws[i] = of->key_draws[i];
    }
    program->key_index = of->key_index;
    of->follow_up = mix->class_count - 1;
    of->follows_miss = on_miss;
    return OK;
}

static enum err_code compile_classes(struct mix *mix, size_t *at_class, struct err *err)
{
    const struct workload_plan *plan = mix->plan;
    enum err_code code = OK;
    mix->weighted_count = (uint32_t)plan->class_count;
    for (uint32_t i = 0; i < mix->weighted_count && code == OK; i++) {
        *at_class = i;
        mix->class_count++;
        code =
            mix_program_compile(&mix->classes[i], &mix->material, plan, &plan->classes[i], i, err);
    }
    for (uint32_t i = 0; i < mix->weighted_count && code == OK; i++) {
        *at_class = i;
        if (plan->classes[i].on_miss != PLAN_NO_CLASS || plan->classes[i].then != PLAN_NO_CLASS)
            code = compile_follow_up(mix, i, err);
    }
    if (code == OK)
        *at_class = plan->class_count;
    return code;
}

/* All commands of a class, or none where there is no room left for them. */
static void name_parts(struct mix *mix)
{
    const uint32_t room = PARTS_MAX - (uint32_t)mix->plan->consumer_count;
    mix->part_count = 0;
    for (uint32_t i = 0; i < mix->class_count; i++) {
        struct mix_program *program = &mix->classes[i];
        const uint32_t first = program->is_transaction, count = program->replies - 2 * first;
        program->first_part = mix->part_count;
        program->part_count = program->replies > 1 && count <= room - mix->part_count ? count : 0;
        for (uint32_t k = 0; k < program->part_count; k++) {
            struct mix_part *part = &mix->parts[mix->part_count++];
            snprintf(part->name, sizeof part->name, "%s:%" PRIu32, program->name, k + 1);
            part->command = program->command_names[first + k];
            part->class = i;
        }
    }
}

static void free_classes(struct mix *mix)
{
    for (uint32_t i = 0; i < mix->class_count; i++)
        mix_program_free(&mix->classes[i]);
    mix->class_count = 0;
}

/* *grows: some space does. */
static enum err_code find_growth(struct mix *mix, bool *grows, size_t *at_class, struct err *err)
{
    for (uint32_t space = 0; space < mix->material.key_count; space++) {
        struct mix_keys *keys = &mix->material.keys[space];
        for (uint32_t class = 0; class < mix->weighted_count; class ++) {
            const uint64_t grown =
                (uint64_t)mix->classes[class].new_keys[space] * mix->order.weights[class];
            *at_class = class;
            if (grown > 0 && keys->grown_per_block > 0)
                return err_set(err, E_CONFIG, "two classes add keys to %s by {new}; one can",
                               keys->plan->name);
            keys->grown_per_block += grown;
            *grows |= grown > 0;
        }
    }
    *at_class = mix->plan->class_count;
    return OK;
}

static bool sends_value(const struct mix *mix, uint32_t value)
{
    for (uint32_t class = 0; class < mix->class_count; class ++) {
        const struct mix_argument *whole = &mix->classes[class].whole;
        for (uint32_t i = 0; i < whole->step_count; i++)
            if (whole->steps[i].kind == STEP_VALUE && whole->steps[i].value == value)
                return true;
    }
    return false;
}

/* Of the values that are sent: large ones take seconds. */
static enum err_code fill_pools(struct mix *mix, struct err *err)
{
    struct mix_material *material = &mix->material;
    enum err_code code = OK;
    for (uint32_t i = 0; i < material->value_count && code == OK; i++)
        if (sends_value(mix, i))
            code = fill_pool(&material->values[i], &mix->plan->values[i], material->seed + i, err);
    return code;
}

enum err_code mix_create(struct mix **out, const struct workload_plan *plan,
                         const struct mix_setup *setup, struct err *err)
{
    struct mix *mix = calloc(1, sizeof *mix);
    bool grows = false;
    size_t at_class = plan->class_count, at_consumer = plan->consumer_count;
    *out = mix;
    if (mix == NULL)
        return err_set(err, E_SYSTEM, "no memory for a workload");
    mix->plan = plan;
    enum err_code code = prepare_material(mix, setup, err);
    if (code == OK)
        code = compile_classes(mix, &at_class, err);
    if (code == OK)
        code = share_tickets(mix, &at_class, err);
    if (code == OK)
        code = find_growth(mix, &grows, &at_class, err);
    /* Keys that grow in number do so in length: what was compiled did not know. */
    if (code == OK && grows) {
        free_classes(mix);
        code = compile_classes(mix, &at_class, err);
    }
    if (code == OK && !setup->without_pools)
        code = fill_pools(mix, err);
    if (code == OK)
        name_parts(mix);
    for (uint32_t i = 0; i < mix->class_count; i++)
        mix->stamps |= mix->classes[i].stamps;
    if (code == OK)
        code = consume_plan_create(&mix->consume, plan, &mix->material, &at_consumer, err);
    for (uint32_t i = 0; i < mix->weighted_count && code == OK; i++) {
        const struct plan_class *class = &plan->classes[i];
        const uint32_t follower = class->on_miss != PLAN_NO_CLASS ? class->on_miss : class->then;
        if (mix->classes[i].follow_up > 0)
            mix->consume.feeds[mix->classes[i].follow_up] = mix->consume.feeds[follower];
    }
    if (setup->at_consumer != NULL)
        *setup->at_consumer = at_consumer;
    if (setup->at_class != NULL)
        *setup->at_class = at_class;
    if (code != OK) {
        mix_destroy(mix);
        *out = NULL;
    }
    return code;
}

void mix_destroy(struct mix *mix)
{
    if (mix == NULL)
        return;
    free_classes(mix);
    consume_plan_free(&mix->consume);
    for (uint32_t i = 0; i < mix->material.value_count; i++)
        free(mix->material.values[i].pool);
    free(mix);
}

/* ---- keys ---- */

uint16_t mix_key_slot(const struct mix *mix, uint32_t class, const struct mix_request *request,
                      char *key)
{
    const struct mix_program *program = &mix->classes[class];
    const size_t bytes =
        mix_argument_bytes(program, &mix->material, program->key_argument, request);
    mix_argument_write(key, program, &mix->material, program->key_argument, request);
    return slots_of_key(key, bytes);
}
