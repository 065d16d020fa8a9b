#include "worker/generate/generator.h"

#include <stdlib.h>

#include "worker/generate/live.h"
#include "worker/generate/mix.h"
#include "worker/generate/workload_mix.h"

static bool is_usual(const struct generator *kind, const struct request_class *class)
{
    return class->replies == 1 && class->part_count == 0 && class->on_miss == 0 &&
           class->then == 0 && !class->until_hit && !class->follows_only && kind->reply == NULL &&
           kind->string == NULL && class->feeds == 0;
}

static void find_usual(struct generation *generation)
{
    if (generation->class_count == 1 && generation->kind->answered == NULL &&
        generation->classes[0].feeds == 0)
        return; /* there is a quicker way */
    for (uint32_t i = 0; i < generation->class_count; i++) {
        const struct request_class *class = &generation->classes[i];
        generation->usual_kinds[i] = class->read_kind(generation->state, i, 0);
        if (i < generation->weighted_count && is_usual(generation->kind, class) &&
            generation->usual_kinds[i] != READ_AT_LEAST)
            generation->usual_classes |= 1u << i;
    }
}

enum err_code generation_open(struct generation *generation, const struct generator *kind,
                              const void *source, uint32_t worker, struct err *err)
{
    *generation = (struct generation){.kind = kind};
    enum err_code code = kind->open(&generation->state, source, worker, err);
    if (code != OK) {
        generation->kind = NULL;
        return code;
    }
    generation->most_bytes = kind->most_bytes(generation->state);
    generation->bytes = kind->draw == NULL ? (uint32_t)generation->most_bytes : 0;
    generation->classes = kind->classes(generation->state, &generation->class_count);
    generation->weighted_count = generation->class_count;
    for (uint32_t i = 0; i < generation->class_count; i++) {
        const uint32_t follow_ups[] = {generation->classes[i].on_miss, generation->classes[i].then};
        for (unsigned k = 0; k < 2; k++)
            if (follow_ups[k] > 0 && follow_ups[k] < generation->weighted_count)
                generation->weighted_count = follow_ups[k];
    }
    for (uint32_t i = 0; i < generation->class_count; i++)
        generation->part_count += generation->classes[i].part_count;
    generation->read_kind = generation->classes[0].read_kind(generation->state, 0, 0);
    generation->one_reply = generation->class_count == 1 && generation->classes[0].replies == 1 &&
                            kind->reply == NULL && kind->answered == NULL && kind->string == NULL &&
                            generation->read_kind != READ_AT_LEAST &&
                            generation->classes[0].feeds == 0;
    find_usual(generation);
    return OK;
}

void generation_close(struct generation *generation)
{
    if (generation->kind != NULL)
        generation->kind->close(generation->state);
    generation->kind = NULL;
}

/* The template of a workload ------------------------------------------------------------------- */

struct compiled {
    const struct workload *workload;
    struct request_class only;
};

static enum read_kind read_kind(const void *state, uint32_t class, uint32_t index)
{
    (void)class;
    const struct compiled *compiled = state;
    return workload_read_kind(compiled->workload, index);
}

static enum err_code open_workload(void **state, const void *source, uint32_t worker,
                                   struct err *err)
{
    struct compiled *compiled = malloc(sizeof *compiled);
    if (compiled == NULL)
        return err_set(err, E_SYSTEM, "worker %u: no memory for its requests", worker);
    *compiled = (struct compiled){
        .workload = source,
        .only = {.name = workload_title(source),
                 .replies = workload_replies(source),
                 .reads_only = workload_reads_only(source),
                 .read_kind = read_kind},
    };
    *state = compiled;
    return OK;
}

static const struct request_class *classes(const void *state, uint32_t *count)
{
    const struct compiled *compiled = state;
    *count = 1;
    return &compiled->only;
}

static size_t most_bytes(const void *state)
{
    const struct compiled *compiled = state;
    return workload_request_bytes(compiled->workload);
}

static uint16_t key_slot(const void *state, const struct request_slot *slot)
{
    const struct compiled *compiled = state;
    return workload_slot(compiled->workload, slot->ticket);
}

static void render(const void *state, const struct request_slot *slot, char *out)
{
    const struct compiled *compiled = state;
    workload_render(compiled->workload, slot->ticket, out);
}

static void render_part(const void *state, const struct request_slot *slot, size_t from_byte,
                        size_t byte_count, char *out)
{
    const struct compiled *compiled = state;
    workload_render_part(compiled->workload, slot->ticket, from_byte, byte_count, out);
}

const struct generator workload_generator = {
    .name = "workload",
    .open = open_workload,
    .close = free,
    .classes = classes,
    .most_bytes = most_bytes,
    .key_slot = key_slot,
    .render = render,
    .render_part = render_part,
};

const struct generator *generator_of(const struct workload *workload)
{
    const struct mix *mix = workload_mix(workload);
    const struct live *live = workload_live(workload);
    if (live != NULL)
        return live->checks ? &live_checking_generator : &live_generator;
    if (mix == NULL)
        return &workload_generator;
    if (mix_walks(mix))
        return &walk_generator;
    return mix->class_count == 1 && !mix->classes[0].varies ? &mix_alike_generator : &mix_generator;
}
