#include "worker/generate/workload_drawn.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/rng.h"
#include "worker/generate/mix.h"
#include "worker/generate/mix_number.h"
#include "worker/generate/workload_mix.h"
#include "worker/generate/workload_state.h"

/* ---- keys that were met ---- */

/* Open addressing, at most half full. An entry is the key space and 1 + the number of the key there; 0: empty. */
#define SPACE_SHIFT 58u

struct key_set {
    uint64_t *entries;
    uint64_t mask;
};

static bool key_set_create(struct key_set *set, uint64_t most_keys)
{
    uint64_t room = 64;
    while (room < 2 * most_keys)
        room *= 2;
    set->entries = calloc(room, sizeof set->entries[0]);
    set->mask = room - 1;
    return set->entries != NULL;
}

/* Whether it is new. */
static bool key_set_add(struct key_set *set, uint32_t space, uint64_t number)
{
    const uint64_t entry = (uint64_t)space << SPACE_SHIFT | (number + 1);
    uint64_t at = rng_mix(entry) & set->mask;
    while (set->entries[at] != 0 && set->entries[at] != entry)
        at = (at + 1) & set->mask;
    const bool added = set->entries[at] == 0;
    set->entries[at] = entry;
    return added;
}

/* ---- what is counted ---- */

struct look {
    struct drawn
        *drawn; /* rows by key space, value and class, until the empty ones are taken out */
    struct key_set met;
    uint64_t key_draws;
    uint64_t hottest[DRAWN_ROWS_MAX], hottest_1[DRAWN_ROWS_MAX]; /* draws */
    double value_bytes[DRAWN_ROWS_MAX];
    uint64_t class_tickets[PLAN_CLASSES_MAX];
    bool counts[PLAN_CLASSES_MAX]
               [MIX_STEPS_MAX]; /* steps that draw: a key that stands twice is drawn once */
    uint64_t numbers[MIX_STEPS_MAX];
};

static uint64_t hottest_1_of(uint64_t keys)
{
    return keys < 100 ? 1 : keys / 100;
}

static void begin_keys(struct drawn_keys *row, const char *name, const struct key_draw *draw)
{
    snprintf(row->name, sizeof row->name, "%s", name);
    row->wish = &draw->wish;
    row->keys = draw->count;
    row->skew_known = !key_order_counts(&draw->wish);
    row->hottest_asked = key_draw_share(draw, 1);
    row->hottest_1_asked = key_draw_share(draw, hottest_1_of(draw->count));
}

/* number: from 0; heat: key_draw_heat. */
static void meet_key(struct look *look, uint32_t space, uint64_t number, uint64_t heat)
{
    struct drawn_keys *row = &look->drawn->keys[space];
    row->draws++;
    row->distinct += key_set_add(&look->met, space, number);
    look->hottest[space] += heat == 0;
    look->hottest_1[space] += heat < hottest_1_of(row->keys);
    look->key_draws++;
}

static void meet_value(struct look *look, uint32_t value, uint64_t bytes)
{
    struct drawn_value *row = &look->drawn->values[value];
    row->least_bytes = row->draws == 0 || bytes < row->least_bytes ? bytes : row->least_bytes;
    row->most_bytes = bytes > row->most_bytes ? bytes : row->most_bytes;
    look->value_bytes[value] += (double)bytes;
    row->draws++;
}

/* Shares and means, and rows without a draw, or a weight, are gone. */
static void finish(struct look *look, uint64_t tickets)
{
    struct drawn *drawn = look->drawn;
    uint32_t kept = 0;
    drawn->requests = tickets;
    for (uint32_t i = 0; i < drawn->key_count; i++) {
        struct drawn_keys *row = &drawn->keys[i];
        if (row->draws == 0)
            continue;
        row->hottest_drawn = (double)look->hottest[i] / (double)row->draws;
        row->hottest_1_drawn = (double)look->hottest_1[i] / (double)row->draws;
        drawn->keys[kept++] = *row;
    }
    drawn->key_count = kept;
    kept = 0;
    for (uint32_t i = 0; i < drawn->value_count; i++) {
        struct drawn_value *row = &drawn->values[i];
        if (row->draws == 0)
            continue;
        row->mean_drawn_bytes = look->value_bytes[i] / (double)row->draws;
        drawn->values[kept++] = *row;
    }
    drawn->value_count = kept;
    kept = 0;
    for (uint32_t i = 0; i < drawn->class_count; i++) {
        struct drawn_class *row = &drawn->classes[i];
        row->share_drawn = (double)look->class_tickets[i] / (double)tickets;
        if (row->share_asked > 0) /* the others only follow misses */
            drawn->classes[kept++] = *row;
    }
    drawn->class_count = kept;
}

/* Room for what so many tickets can draw, with so many keys each, out of so many. */
static enum err_code reserve(struct look *look, uint64_t tickets, uint32_t keys_each, uint64_t keys,
                             struct err *err)
{
    uint64_t most_keys = tickets * keys_each;
    if (most_keys > DRAWN_KEYS_MAX + keys_each)
        most_keys = DRAWN_KEYS_MAX + keys_each;
    if (keys < most_keys)
        most_keys = keys;
    if (!key_set_create(&look->met, most_keys))
        return err_set(err, E_SYSTEM, "no memory to count the keys that were drawn");
    return OK;
}

/* ---- of a file ---- */

static void begin_classes(struct drawn *drawn, const struct mix *mix)
{
    double sum = 0;
    for (uint32_t i = 0; i < mix->weighted_count; i++)
        sum += (double)mix->plan->classes[i].weight;
    for (uint32_t i = 0; i < mix->weighted_count; i++) {
        struct drawn_class *row = &drawn->classes[i];
        snprintf(row->name, sizeof row->name, "%s", mix->classes[i].name);
        row->share_asked = (double)mix->plan->classes[i].weight / sum;
    }
    drawn->class_count = mix->weighted_count;
}

static void find_changes(struct drawn *drawn, const struct mix *mix)
{
    for (uint32_t i = 0; i < mix->class_count; i++) {
        const struct mix_program *program = &mix->classes[i];
        drawn->changes[DRAWN_ON_MISS] |= program->follow_up > 0 && program->follows_miss;
        drawn->changes[DRAWN_THEN] |= program->follow_up > 0 && !program->follows_miss;
        for (uint32_t k = 0; k < program->whole.step_count; k++) {
            const enum mix_step_kind kind = program->whole.steps[k].kind;
            drawn->changes[DRAWN_WORKER] |= kind == STEP_WORKER;
            drawn->changes[DRAWN_RUN] |= kind == STEP_RUN;
            drawn->changes[DRAWN_NOW] |= kind == STEP_NOW;
            drawn->changes[DRAWN_CURSOR] |= kind == STEP_CURSOR;
        }
    }
}

static void begin_values(struct drawn *drawn, const struct mix *mix)
{
    for (uint32_t i = 0; i < mix->material.value_count; i++) {
        struct drawn_value *row = &drawn->values[i];
        const struct size_draw *size = &mix->material.values[i].size;
        snprintf(row->name, sizeof row->name, "%s", mix->plan->values[i].name);
        row->wish = &size->wish;
        row->mean_asked_bytes = size_draw_mean(size);
    }
    drawn->value_count = mix->material.value_count;
}

static void find_steps(bool counts[MIX_STEPS_MAX], const struct mix_program *program)
{
    uint32_t met[PLAN_KEY_SPACES_MAX] = {0}; /* a request's keys are numbered as they come */
    /* What a walk has is drawn when it begins, which no ticket says. */
    for (uint32_t i = 0; i < program->whole.step_count && program->cursor_count == 0; i++) {
        const struct mix_step *step = &program->whole.steps[i];
        counts[i] = step->kind == STEP_VALUE;
        if (step->kind != STEP_KEY || step->key < met[step->source])
            continue;
        counts[i] = true;
        met[step->source]++;
    }
}

static void meet_step(struct look *look, const struct mix *mix, const struct mix_step *step,
                      uint64_t number, uint64_t ticket)
{
    if (step->kind == STEP_VALUE) {
        meet_value(look, step->value, MIX_VALUE_SIZE(number));
        return;
    }
    const struct mix_keys *keys = &mix->material.keys[step->source];
    const uint64_t place = number - keys->plan->first;
    meet_key(look, step->source, place,
             keys->draw.wish.kind == ORDER_LATEST ? mix_newest_key(keys, ticket) - place
                                                  : key_draw_heat(&keys->draw, place));
}

static void meet_ticket(struct look *look, const struct mix *mix, uint64_t ticket)
{
    const struct mix_turn turn = mix_turn_of(mix, ticket);
    const struct mix_program *program = &mix->classes[turn.class];
    const struct mix_request request = {.ticket = ticket, .rank = turn.rank};
    mix_request_numbers(look->numbers, program, &mix->material, &request);
    look->class_tickets[turn.class]++;
    for (uint32_t i = 0; i < program->whole.step_count; i++)
        if (look->counts[turn.class][i])
            meet_step(look, mix, &program->whole.steps[i], look->numbers[i], ticket);
}

static enum err_code look_at_mix(struct look *look, const struct mix *mix, uint64_t tickets,
                                 struct err *err)
{
    uint64_t ticket = 0, keys = mix_key_count(mix);
    for (uint32_t i = 0; i < mix->material.key_count; i++) {
        const struct mix_keys *space = &mix->material.keys[i];
        begin_keys(&look->drawn->keys[i], space->plan->name, &space->draw);
        if (space->grown_per_block > 0)
            keys = UINT64_MAX;
    }
    look->drawn->key_count = mix->material.key_count;
    begin_values(look->drawn, mix);
    begin_classes(look->drawn, mix);
    find_changes(look->drawn, mix);
    for (uint32_t i = 0; i < mix->weighted_count; i++)
        find_steps(look->counts[i], &mix->classes[i]);
    if (reserve(look, tickets, mix_keys_per_request(mix), keys, err) != OK)
        return err->code;
    for (; ticket < tickets && look->key_draws < DRAWN_KEYS_MAX; ticket++)
        meet_ticket(look, mix, ticket);
    finish(look, ticket);
    return OK;
}

/* ---- of a template ---- */

static enum err_code look_at_template(struct look *look, const struct template *template,
                                      uint64_t tickets, struct err *err)
{
    uint64_t ticket = 0;
    begin_keys(&look->drawn->keys[0], "keys", &template->key_draw);
    look->drawn->key_count = 1;
    if (reserve(look, tickets, template->draw_count, template->keyspace, err) != OK)
        return err->code;
    for (; ticket < tickets && look->key_draws < DRAWN_KEYS_MAX; ticket++)
        for (uint32_t i = 0; i < template->draw_count; i++) {
            const uint64_t place = template_draw(template, ticket, i) - template->keyspace_offset;
            meet_key(look, 0, place, key_draw_heat(&template->key_draw, place));
        }
    finish(look, ticket);
    return OK;
}

enum err_code workload_drawn(struct drawn *drawn, const struct workload *workload, uint64_t tickets,
                             struct err *err)
{
    const struct template *template = &workload->template;
    const bool of_template = template->order == NUMBERS_DRAWN && template->draw_count > 0;
    enum err_code code;
    memset(drawn, 0, sizeof *drawn);
    if (tickets == 0 || (workload->mix == NULL && !of_template))
        return OK;
    if (tickets > DRAWN_TICKETS_MAX)
        tickets = DRAWN_TICKETS_MAX;
    struct look *look = calloc(1, sizeof *look);
    if (look == NULL)
        return err_set(err, E_SYSTEM, "no memory to count what was drawn");
    look->drawn = drawn;
    code = workload->mix != NULL ? look_at_mix(look, workload->mix, tickets, err)
                                 : look_at_template(look, template, tickets, err);
    free(look->met.entries);
    free(look);
    return code;
}
