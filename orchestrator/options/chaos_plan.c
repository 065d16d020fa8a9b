#include "orchestrator/options/chaos_plan.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/clock.h"
#include "common/slots.h"
#include "common/units.h"
#include "orchestrator/options/chaos_sentence.h"
#include "orchestrator/options/managed_kind.h"
#include "orchestrator/options/suggest.h"

#define HOUR_NS (3600 * NS_PER_SECOND)
#define KEY(key) (1u << CHAOS_KEY_##key)

/* What an action needs of the target. */
enum need { NEED_SERVER, NEED_REPLICAS, NEED_CLUSTER };

/* Every action needs a time. */
static const struct {
    unsigned keys, required; /* of chaos_key, as bits */
    enum need need;
    bool may_mean_all; /* without a node it acts on all */
} rules[CHAOS_KIND_COUNT] = {
    [CHAOS_KILL] = {KEY(NODE), KEY(NODE), NEED_SERVER, false},
    [CHAOS_PAUSE] = {KEY(NODE) | KEY(FOR), KEY(NODE) | KEY(FOR), NEED_SERVER, false},
    [CHAOS_RESTART] = {KEY(NODE), KEY(NODE), NEED_SERVER, false},
    [CHAOS_BGSAVE] = {KEY(NODE), 0, NEED_SERVER, true},
    [CHAOS_CLIENT_KILL] = {KEY(NODE), 0, NEED_SERVER, true},
    [CHAOS_FAILOVER] = {KEY(NODE), 0, NEED_REPLICAS, false},
    [CHAOS_RESHARD] = {KEY(SLOTS) | KEY(FROM) | KEY(TO), KEY(SLOTS), NEED_CLUSTER, false},
    [CHAOS_ADD_NODE] = {0, 0, NEED_CLUSTER, false},
    [CHAOS_REMOVE_NODE] = {KEY(NODE), KEY(NODE), NEED_CLUSTER, false},
};

struct planner {
    struct chaos_plan *plan;
    const struct spec *spec;
    const char *name;
    struct err *err;
};

/* An entry of the list while it is read. */
struct entry {
    size_t number; /* from 1 */
    unsigned line;
    struct chaos_words words;
};

static enum err_code refuse(const struct planner *planner, const struct entry *entry,
                            const char *format, ...) PRINTF_LIKE(3, 4);
static enum err_code refuse(const struct planner *planner, const struct entry *entry,
                            const char *format, ...)
{
    char what[240];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    return err_set(planner->err, E_CONFIG, "%.120s:%u: entry %zu: %s", planner->name, entry->line,
                   entry->number, what);
}

/* --- the form of an entry -------------------------------------------------------------------- */

static enum err_code unknown_key(const struct planner *planner, const struct entry *entry,
                                 const char *key)
{
    struct suggestion suggestion = {.wanted = key, .wanted_bytes = strlen(key)};
    for (size_t i = 0; i < CHAOS_KEY_COUNT; i++)
        suggest_offer(&suggestion, chaos_key_name(i), strlen(chaos_key_name(i)));
    return refuse(planner, entry,
                  "unknown key %.60s%s%s%s; known are at, do, node, for, slots, from, to", key,
                  SUGGESTED(suggestion.best));
}

static enum err_code take_map(struct entry *entry, const struct planner *planner,
                              const struct config_node *map)
{
    for (size_t i = 0; i < map->count; i++) {
        const struct config_node *value = &map->children[i];
        size_t key = 0;
        while (key < CHAOS_KEY_COUNT && strcmp(value->key, chaos_key_name(key)) != 0)
            key++;
        if (key == CHAOS_KEY_COUNT)
            return unknown_key(planner, entry, value->key);
        if (value->kind != CONFIG_SCALAR || value->missing)
            return refuse(planner, entry, "%s: a value is expected", value->key);
        if (strlen(value->text) >= CHAOS_WORD_BYTES)
            return refuse(planner, entry, "%s: %.40s...: the value is too long", value->key,
                          value->text);
        snprintf(entry->words.values[key], CHAOS_WORD_BYTES, "%s", value->text);
    }
    return OK;
}

/* "at 10s: kill node 2" is a text in JSON, and a map of one entry in YAML without quotes. */
static enum err_code take_words(struct entry *entry, const struct planner *planner,
                                const struct config_node *node)
{
    char why[160];
    const struct config_node *only = node->children;
    if (node->kind == CONFIG_MAP && node->count == 1 && only->kind == CONFIG_SCALAR &&
        strncasecmp(only->key, "at ", 3) == 0)
        return chaos_sentence_parse(&entry->words, only->key, only->text, why, sizeof why)
                   ? OK
                   : refuse(planner, entry, "%s", why);
    if (node->kind == CONFIG_MAP)
        return take_map(entry, planner, node);
    if (node->kind != CONFIG_SCALAR || node->missing)
        return refuse(planner, entry,
                      "{at: TIME, do: ACTION, ...} or \"at TIME: ACTION ...\" is expected");
    return chaos_sentence_parse(&entry->words, node->text, NULL, why, sizeof why)
               ? OK
               : refuse(planner, entry, "%s", why);
}

/* --- its values ------------------------------------------------------------------------------ */

static bool given(const struct entry *entry, enum chaos_key key)
{
    return entry->words.values[key][0] != '\0';
}

static enum err_code take_time(uint64_t *time_ns, const struct planner *planner,
                               const struct entry *entry, enum chaos_key key, uint64_t least_ns,
                               uint64_t most_ns)
{
    const char *text = entry->words.values[key];
    char least[32], most[32];
    if (units_parse_duration(time_ns, text, NS_PER_SECOND) && *time_ns >= least_ns &&
        *time_ns <= most_ns)
        return OK;
    return refuse(planner, entry, "%s: %.40s: not a time of %s to %s, as in 10s",
                  chaos_key_name(key), text, units_format_duration(least, sizeof least, least_ns),
                  units_format_duration(most, sizeof most, most_ns));
}

static enum err_code take_number(uint32_t *number, const struct planner *planner,
                                 const struct entry *entry, enum chaos_key key, uint32_t least,
                                 uint32_t most)
{
    const char *text = entry->words.values[key];
    uint64_t parsed;
    if (!units_parse_count(&parsed, text) || parsed < least || parsed > most)
        return refuse(planner, entry, "%s: %.40s: not a number of %u to %u", chaos_key_name(key),
                      text, least, most);
    *number = (uint32_t)parsed;
    return OK;
}

static enum err_code take_kind(enum chaos_kind *kind, const struct planner *planner,
                               const struct entry *entry)
{
    const char *text = entry->words.values[CHAOS_KEY_DO];
    int found = chaos_kind_find(text);
    if (!given(entry, CHAOS_KEY_DO))
        return refuse(planner, entry, "\"do\" is missing: what is done, as in do: kill");
    if (found < 0) {
        struct suggestion suggestion = {.wanted = text, .wanted_bytes = strlen(text)};
        for (int i = 0; i < CHAOS_KIND_COUNT; i++)
            suggest_offer(&suggestion, chaos_kind_name((enum chaos_kind)i),
                          strlen(chaos_kind_name((enum chaos_kind)i)));
        return refuse(planner, entry,
                      "unknown action %.40s%s%s%s; known are kill, pause, restart, bgsave, "
                      "client-kill, failover, reshard, add-node, remove-node",
                      text, SUGGESTED(suggestion.best));
    }
    *kind = (enum chaos_kind)found;
    return OK;
}

/* Keys that the action has no use for, and those that it cannot do without. Where there is one server
 * it need not be named. */
static enum err_code check_keys(const struct planner *planner, const struct entry *entry,
                                enum chaos_kind kind)
{
    for (enum chaos_key key = CHAOS_KEY_NODE; key < CHAOS_KEY_COUNT; key++) {
        bool needed = (rules[kind].required & (1u << key)) != 0 &&
                      (key != CHAOS_KEY_NODE || chaos_plan_nodes(planner->spec) > 1);
        if (given(entry, key) && (rules[kind].keys & (1u << key)) == 0)
            return refuse(planner, entry, "%s has no use for \"%s\"", chaos_kind_name(kind),
                          chaos_key_name(key));
        if (!given(entry, key) && needed)
            return refuse(planner, entry, "%s needs \"%s\"%s", chaos_kind_name(kind),
                          chaos_key_name(key),
                          key == CHAOS_KEY_FOR     ? ": how long, as in for: 3s"
                          : key == CHAOS_KEY_SLOTS ? ": how many, as in slots: 100"
                                                   : ": which one, as in node: 0");
    }
    return OK;
}

static enum err_code check_need(const struct planner *planner, const struct entry *entry,
                                enum chaos_kind kind)
{
    const struct spec *spec = planner->spec;
    if (rules[kind].need == NEED_CLUSTER && spec->managed_primaries == 0)
        return refuse(planner, entry, "%s needs a cluster: --managed cluster=3+3",
                      chaos_kind_name(kind));
    if (rules[kind].need == NEED_REPLICAS && spec->managed_replicas == 0)
        return refuse(planner, entry,
                      "%s needs a replica that takes over: --managed cluster=3+3 or replicas=1",
                      chaos_kind_name(kind));
    return OK;
}

static enum err_code take_nodes(struct chaos_action *action, const struct planner *planner,
                                const struct entry *entry)
{
    const uint32_t last = MANAGED_NODES_MAX - 1; /* how many there are then is looked at later */
    enum err_code code = OK;
    bool all = rules[action->kind].may_mean_all && chaos_plan_nodes(planner->spec) > 1;
    action->node = all ? CHAOS_ALL_NODES : 0;
    if (given(entry, CHAOS_KEY_NODE))
        code = take_number(&action->node, planner, entry, CHAOS_KEY_NODE, 0, last);
    if (action->kind != CHAOS_RESHARD)
        return code;
    action->to_node = 1;
    if (code == OK && given(entry, CHAOS_KEY_FROM))
        code = take_number(&action->node, planner, entry, CHAOS_KEY_FROM, 0, last);
    if (code == OK && given(entry, CHAOS_KEY_TO))
        code = take_number(&action->to_node, planner, entry, CHAOS_KEY_TO, 0, last);
    if (code == OK && action->node == action->to_node)
        return refuse(planner, entry, "reshard from node %u to itself", action->node);
    if (code == OK)
        code = take_number(&action->slots, planner, entry, CHAOS_KEY_SLOTS, 1, SLOTS_COUNT);
    return code;
}

static enum err_code check_end(const struct chaos_action *action, const struct planner *planner,
                               const struct entry *entry)
{
    char at[32], length[32];
    uint64_t duration_ns = planner->spec->duration_ns;
    if (duration_ns == 0 || action->at_ns < duration_ns)
        return OK;
    return refuse(planner, entry, "at %s the run is over: --test-duration is %s",
                  units_format_duration(at, sizeof at, action->at_ns),
                  units_format_duration(length, sizeof length, duration_ns));
}

static enum err_code add_action(const struct planner *planner, struct entry *entry,
                                const struct config_node *node)
{
    struct chaos_plan *plan = planner->plan;
    struct chaos_action action = {.line = entry->line, .entry = (uint32_t)entry->number};
    enum err_code code = take_words(entry, planner, node);
    if (code == OK && !given(entry, CHAOS_KEY_AT))
        code = refuse(planner, entry, "\"at\" is missing: when, as in at: 10s");
    if (code == OK)
        code = take_kind(&action.kind, planner, entry);
    if (code == OK)
        code = check_keys(planner, entry, action.kind);
    if (code == OK)
        code = take_time(&action.at_ns, planner, entry, CHAOS_KEY_AT, 0, 1000 * HOUR_NS);
    if (code == OK && given(entry, CHAOS_KEY_FOR))
        code = take_time(&action.for_ns, planner, entry, CHAOS_KEY_FOR, NS_PER_MS, HOUR_NS);
    if (code == OK)
        code = take_nodes(&action, planner, entry);
    if (code == OK)
        code = check_need(planner, entry, action.kind);
    if (code == OK)
        code = check_end(&action, planner, entry);
    if (code == OK)
        plan->actions[plan->count++] = action;
    return code;
}

/* --- the whole ------------------------------------------------------------------------------- */

uint32_t chaos_plan_nodes(const struct spec *spec)
{
    uint64_t primaries = spec->managed_primaries > 0 ? spec->managed_primaries : 1;
    return (uint32_t)(primaries + spec->managed_replicas);
}

static int by_time(const void *a, const void *b)
{
    const struct chaos_action *first = a, *second = b;
    if (first->at_ns != second->at_ns)
        return first->at_ns < second->at_ns ? -1 : 1;
    return first->entry < second->entry ? -1 : 1;
}

static enum err_code check_node(const struct planner *planner, const struct chaos_action *action,
                                uint32_t node, const bool removed[], uint32_t node_count)
{
    struct entry entry = {.number = action->entry, .line = action->line};
    if (node >= node_count)
        return refuse(planner, &entry, "there is no node %u: %s %u at that time", node,
                      node_count > 1 ? "they are numbered from 0 to" : "the only one is",
                      node_count - 1);
    if (removed[node])
        return refuse(planner, &entry, "node %u was removed before", node);
    return OK;
}

/* In the order of time: which nodes there are then. */
static enum err_code settle_nodes(const struct planner *planner)
{
    struct chaos_plan *plan = planner->plan;
    bool removed[MANAGED_NODES_MAX] = {false};
    uint32_t node_count = chaos_plan_nodes(planner->spec);
    enum err_code code = OK;
    for (uint32_t i = 0; i < plan->count && code == OK; i++) {
        struct chaos_action *action = &plan->actions[i];
        struct entry entry = {.number = action->entry, .line = action->line};
        if (action->kind == CHAOS_ADD_NODE && node_count == MANAGED_NODES_MAX)
            return refuse(planner, &entry, "there are at most %u nodes", MANAGED_NODES_MAX);
        if (action->kind == CHAOS_ADD_NODE) {
            action->node = node_count++;
            plan->nodes_added++;
            continue;
        }
        if (action->node != CHAOS_ALL_NODES)
            code = check_node(planner, action, action->node, removed, node_count);
        if (code == OK && action->kind == CHAOS_RESHARD)
            code = check_node(planner, action, action->to_node, removed, node_count);
        if (code == OK && action->kind == CHAOS_REMOVE_NODE)
            removed[action->node] = true;
    }
    return code;
}

static void describe(struct chaos_action *action)
{
    char *text = action->text;
    size_t bytes = sizeof action->text;
    char duration[32];
    const char *name = chaos_kind_name(action->kind);
    if (action->kind == CHAOS_ADD_NODE || action->kind == CHAOS_REMOVE_NODE)
        snprintf(text, bytes, "%s node %u", action->kind == CHAOS_ADD_NODE ? "add" : "remove",
                 action->node);
    else if (action->kind == CHAOS_RESHARD)
        snprintf(text, bytes, "%s %u slots from node %u to node %u", name, action->slots,
                 action->node, action->to_node);
    else if (action->kind == CHAOS_PAUSE)
        snprintf(text, bytes, "%s node %u for %s", name, action->node,
                 units_format_duration(duration, sizeof duration, action->for_ns));
    else if (action->node == CHAOS_ALL_NODES)
        snprintf(text, bytes, "%s on all nodes", name);
    else
        snprintf(text, bytes, "%s node %u", name, action->node);
}

enum err_code chaos_plan_parse(struct chaos_plan *plan, const struct config_node *root,
                               const char *name, const struct spec *spec, struct err *err)
{
    const struct planner planner = {.plan = plan, .spec = spec, .name = name, .err = err};
    enum err_code code = OK;
    *plan = (struct chaos_plan){.actions = NULL};
    if (root->kind != CONFIG_LIST || root->count == 0)
        return err_set(err, E_CONFIG,
                       "%.120s:%u: a list of actions is expected, as in - at 10s: kill node 0",
                       name, root->line > 0 ? root->line : 1);
    if (root->count > CHAOS_ACTIONS_MAX)
        return err_set(err, E_CONFIG, "%.120s:%u: at most %u actions are possible", name,
                       root->line, CHAOS_ACTIONS_MAX);
    plan->actions = calloc(root->count, sizeof *plan->actions);
    if (plan->actions == NULL)
        return err_set(err, E_SYSTEM, "reading %.120s: out of memory", name);
    for (size_t i = 0; i < root->count && code == OK; i++) {
        struct entry entry = {.number = i + 1, .line = root->children[i].line};
        code = add_action(&planner, &entry, &root->children[i]);
    }
    qsort(plan->actions, plan->count, sizeof *plan->actions, by_time);
    if (code == OK)
        code = settle_nodes(&planner);
    for (uint32_t i = 0; i < plan->count && code == OK; i++)
        describe(&plan->actions[i]);
    return code;
}

enum err_code chaos_plan_read(struct chaos_plan *plan, const char *path, const struct spec *spec,
                              struct err *err)
{
    struct config_node root;
    *plan = (struct chaos_plan){.actions = NULL};
    enum err_code code = config_tree_read(&root, path, "file of actions", err);
    if (code == OK)
        code = chaos_plan_parse(plan, &root, path, spec, err);
    config_tree_free(&root);
    return code;
}

void chaos_plan_free(struct chaos_plan *plan)
{
    free(plan->actions);
    *plan = (struct chaos_plan){.actions = NULL};
}
