#include "orchestrator/options/rate_plan.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/units.h"
#include "orchestrator/options/rate_text.h"
#include "orchestrator/options/suggest.h"

enum key { KEY_FOR, KEY_RATE, KEY_FROM, KEY_TO, KEY_MODE, KEY_PLAN, KEY_REPEAT, KEY_COUNT };
static const char *const key_names[KEY_COUNT] = {"for",  "rate", "from",  "to",
                                                 "mode", "plan", "repeat"};

struct planner {
    struct rate_steps *steps;
    const char *name;
    struct err *err;
};

/* Which item is being read: number 2 of item 3 is "3.2". */
struct place {
    const struct place *above; /* NULL: the plan itself, which has no number */
    size_t number;             /* from 1 */
    unsigned depth;            /* plans within plans */
};

/* An item taken apart; what is not there is NULL. */
struct item {
    const struct config_node *node;
    const struct config_node *values[KEY_COUNT];
    const struct place *place;
};

/* Returns the end of the text. */
static size_t format_place(char *text, size_t text_bytes, const struct place *place)
{
    if (place->above == NULL)
        return 0;
    size_t used = format_place(text, text_bytes, place->above);
    if (used < text_bytes)
        used += (size_t)snprintf(text + used, text_bytes - used, "%s%zu", used > 0 ? "." : "item ",
                                 place->number);
    return used;
}

static enum err_code refuse(const struct planner *planner, const struct place *place, unsigned line,
                            const char *format, ...) PRINTF_LIKE(4, 5);
static enum err_code refuse(const struct planner *planner, const struct place *place, unsigned line,
                            const char *format, ...)
{
    char where[120] = "", what[240];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    format_place(where, sizeof where, place);
    return err_set(planner->err, E_CONFIG, "%.120s:%u: %s%s%s", planner->name, line, where,
                   where[0] != '\0' ? ": " : "", what);
}

static enum err_code add_step(const struct planner *planner, const struct item *item,
                              const struct rate_step *step)
{
    struct err reason = {.code = OK};
    enum err_code code = rate_steps_add(planner->steps, step, &reason);
    if (code == E_SYSTEM)
        return err_set(planner->err, E_SYSTEM, "reading %.120s: out of memory", planner->name);
    if (code == OK)
        return OK;
    return refuse(planner, item->place, item->node->line, "the plan is too large: %s", reason.text);
}

/* --- values ---------------------------------------------------------------------------------- */

static enum err_code take_rate(uint64_t *micro, const struct planner *planner,
                               const struct item *item, enum key key)
{
    const struct config_node *value = item->values[key];
    struct err reason = {.code = OK};
    if (rate_parse(micro, value->text, &reason) == OK)
        return OK;
    return refuse(planner, item->place, value->line, "%s: %.60s: %s", key_names[key], value->text,
                  reason.text);
}

static enum err_code take_length(uint64_t *length_ns, const struct planner *planner,
                                 const struct item *item)
{
    const struct config_node *value = item->values[KEY_FOR];
    if (value == NULL)
        return refuse(planner, item->place, item->node->line,
                      "\"for\" is missing: how long it takes, as in for: 10s");
    if (!units_parse_duration(length_ns, value->text, NS_PER_SECOND) || *length_ns == 0 ||
        *length_ns > RATE_STEPS_LONGEST_NS)
        return refuse(planner, item->place, value->line,
                      "for: %.60s: not a time above 0 and up to 1000h, as in 10s", value->text);
    return OK;
}

static enum err_code take_repeat(uint64_t *times, const struct planner *planner,
                                 const struct item *item)
{
    const struct config_node *value = item->values[KEY_REPEAT];
    *times = 1;
    if (value == NULL)
        return OK;
    if (!units_parse_count(times, value->text) || *times == 0 || *times > SCHEDULE_STEPS_MAX)
        return refuse(planner, item->place, value->line, "repeat: %.60s: not a number of 1 to %u",
                      value->text, SCHEDULE_STEPS_MAX);
    return OK;
}

static enum err_code take_shape(enum schedule_shape *shape, const struct planner *planner,
                                const struct item *item)
{
    static const char *const names[] = {[SCHEDULE_CONSTANT] = "constant",
                                        [SCHEDULE_LINEAR] = "linear",
                                        [SCHEDULE_EXPONENTIAL] = "exponential"};
    const struct config_node *value = item->values[KEY_MODE];
    *shape = item->values[KEY_RATE] != NULL ? SCHEDULE_CONSTANT : SCHEDULE_LINEAR;
    if (value == NULL)
        return OK;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(value->text, names[i]) != 0)
            continue;
        if ((i == SCHEDULE_CONSTANT) != (item->values[KEY_RATE] != NULL))
            return refuse(planner, item->place, value->line, "mode: %s goes with %s", names[i],
                          i == SCHEDULE_CONSTANT ? "rate" : "from and to");
        *shape = (enum schedule_shape)i;
        return OK;
    }
    return refuse(planner, item->place, value->line,
                  "mode: %.60s: allowed: constant, linear, exponential", value->text);
}

/* --- items ----------------------------------------------------------------------------------- */

static enum err_code unknown_key(const struct planner *planner, const struct place *place,
                                 const struct config_node *node)
{
    struct suggestion suggestion = {.wanted = node->key, .wanted_bytes = strlen(node->key)};
    for (size_t i = 0; i < KEY_COUNT; i++)
        suggest_offer(&suggestion, key_names[i], strlen(key_names[i]));
    return refuse(planner, place, node->key_line,
                  "unknown key %.60s%s%s%s; known are for, rate, from, to, mode, plan, repeat",
                  node->key, SUGGESTED(suggestion.best));
}

/* The values of an item by key; all but the plan are scalars. */
static enum err_code take_apart(struct item *item, const struct planner *planner)
{
    const struct config_node *node = item->node;
    for (size_t i = 0; i < node->count; i++) {
        const struct config_node *value = &node->children[i];
        size_t key = 0;
        while (key < KEY_COUNT && strcmp(value->key, key_names[key]) != 0)
            key++;
        if (key == KEY_COUNT)
            return unknown_key(planner, item->place, value);
        if (key == KEY_PLAN && value->kind != CONFIG_LIST)
            return refuse(planner, item->place, value->line, "plan: a list of items is expected");
        if (key != KEY_PLAN && (value->kind != CONFIG_SCALAR || value->missing))
            return refuse(planner, item->place, value->line, "%s: a value is expected", value->key);
        item->values[key] = value;
    }
    return OK;
}

static enum err_code add_rates(const struct planner *planner, const struct item *item)
{
    struct rate_step step = {.length_ns = 0};
    bool moves = item->values[KEY_FROM] != NULL || item->values[KEY_TO] != NULL;
    if (item->values[KEY_REPEAT] != NULL)
        return refuse(planner, item->place, item->values[KEY_REPEAT]->key_line,
                      "repeat goes with a plan: {repeat: N, plan: [items]}");
    if (moves && item->values[KEY_RATE] != NULL)
        return refuse(planner, item->place, item->node->line,
                      "rate and from, to exclude each other");
    if (!moves && item->values[KEY_RATE] == NULL)
        return refuse(planner, item->place, item->node->line,
                      "a rate is missing: rate, or from and to");
    if (moves && (item->values[KEY_FROM] == NULL || item->values[KEY_TO] == NULL))
        return refuse(planner, item->place, item->node->line, "\"%s\" is missing",
                      item->values[KEY_FROM] == NULL ? "from" : "to");
    enum err_code code = take_length(&step.length_ns, planner, item);
    if (code == OK)
        code = take_shape(&step.shape, planner, item);
    if (code == OK)
        code = take_rate(&step.from_micro, planner, item, moves ? KEY_FROM : KEY_RATE);
    step.to_micro = step.from_micro;
    if (code == OK && moves)
        code = take_rate(&step.to_micro, planner, item, KEY_TO);
    if (code != OK)
        return code;
    if (step.shape == SCHEDULE_EXPONENTIAL && (step.from_micro == 0 || step.to_micro == 0))
        return refuse(planner, item->place, item->node->line,
                      "mode: exponential never comes from 0 or gets to 0: no factor does; begin or "
                      "end with a small rate, or take linear");
    if (step.from_micro == step.to_micro)
        step.shape = SCHEDULE_CONSTANT;
    return add_step(planner, item, &step);
}

static enum err_code add_plan(const struct planner *planner, const struct config_node *list,
                              const struct item *item, uint64_t times);

static enum err_code add_item(const struct planner *planner, const struct config_node *node,
                              const struct place *place)
{
    struct item item = {.node = node, .place = place};
    if (node->kind != CONFIG_MAP)
        return refuse(planner, place, node->line,
                      "{for: TIME, rate: N} or {for: TIME, from: N, to: N} is expected");
    enum err_code code = take_apart(&item, planner);
    if (code != OK)
        return code;
    if (item.values[KEY_PLAN] == NULL)
        return add_rates(planner, &item);
    for (size_t key = 0; key < KEY_PLAN; key++)
        if (item.values[key] != NULL)
            return refuse(planner, place, item.values[key]->key_line,
                          "%s has no meaning beside a plan", key_names[key]);
    if (place->above != NULL && place->depth == RATE_PLAN_DEPTH_MAX)
        return refuse(planner, place, node->line, "plans are nested more than %d deep",
                      RATE_PLAN_DEPTH_MAX);
    uint64_t times = 1;
    code = take_repeat(&times, planner, &item);
    return code == OK ? add_plan(planner, item.values[KEY_PLAN], &item, times) : code;
}

/* The items of a list, so many times over. The item is the one that the list belongs to. */
static enum err_code add_plan(const struct planner *planner, const struct config_node *list,
                              const struct item *item, uint64_t times)
{
    uint32_t first = planner->steps->count;
    enum err_code code = OK;
    if (list->count == 0)
        return refuse(planner, item->place, list->line, "the plan is empty");
    struct place place = {.above = item->place, .depth = item->place->depth + 1};
    if (item->place->above == NULL)
        place.depth = item->place->depth;
    for (size_t i = 0; i < list->count && code == OK; i++) {
        place.number = i + 1;
        code = add_item(planner, &list->children[i], &place);
    }
    uint32_t end = planner->steps->count;
    /* Every item adds a step, so that the limit of steps ends this too. */
    for (uint64_t turn = 1; turn < times && code == OK; turn++)
        for (uint32_t i = first; i < end && code == OK; i++) {
            struct rate_step again = planner->steps->items[i];
            code = add_step(planner, item, &again);
        }
    return code;
}

enum err_code rate_plan_parse(struct rate_steps *steps, const struct config_node *root,
                              const char *name, struct err *err)
{
    const struct planner planner = {.steps = steps, .name = name, .err = err};
    const struct place top = {.above = NULL, .depth = 0};
    const struct item whole = {.node = root, .place = &top};
    enum err_code code;
    if (root->kind == CONFIG_LIST)
        code = add_plan(&planner, root, &whole, 1);
    else if (root->kind == CONFIG_MAP && config_node_get(root, "plan") != NULL)
        code = add_item(&planner, root, &top);
    else
        code = err_set(err, E_CONFIG,
                       "%.120s:%u: a list of {for, rate} is expected, or {plan: [...], repeat: N}",
                       name, root->line > 0 ? root->line : 1);
    if (code == OK && rate_steps_first_micro(steps) == 0)
        code = err_set(err, E_CONFIG, "%.120s:%u: every rate is 0: nothing would be sent", name,
                       root->line);
    return code;
}

enum err_code rate_plan_read(struct rate_steps *steps, const char *path, struct err *err)
{
    struct config_node root;
    enum err_code code = config_tree_read(&root, path, "rate plan", err);
    if (code == OK)
        code = rate_plan_parse(steps, &root, path, err);
    config_tree_free(&root);
    return code;
}
