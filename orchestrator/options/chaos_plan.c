#include "orchestrator/options/chaos_plan.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/clock.h"
#include "common/slots.h"
#include "common/units.h"
#include "orchestrator/options/option_group.h"

#define HOUR_NS (3600 * NS_PER_SECOND)

#define AT(member) offsetof(struct chaos_wish, member)
/* How many nodes there are then is looked at later. */
#define NODE(name_, member_, unset_, help_)                                                        \
    {                                                                                              \
        .row = {                                                                                   \
            ROW(name_, NULL, OPTION_COUNT, NULL, AT(member_)),                                     \
            NUMBER(0, MANAGED_NODES_MAX - 1),                                                      \
            .unset = unset_,                                                                       \
            .help = help_                                                                          \
        }                                                                                          \
    }
#define TIME(name_, member_, min_, max_, hint_, help_)                                             \
    {                                                                                              \
        .row = {ROW(name_, NULL, OPTION_DURATION, NULL, AT(member_)),                              \
                BARE(NS_PER_SECOND, min_, max_), .hint = hint_, .help = help_},                    \
        .required = true                                                                           \
    }

static const struct file_field time_fields[] = {
    TIME("at", at_ns, 0, 1000 * HOUR_NS, "as in at: 10s",
         "When, from the start of measuring; a number without a unit is seconds."),
};
static const struct file_field node_fields[] = {
    NODE("node", node, NULL,
         "Which one: the primaries from 0 on, the replicas, those that were added."),
};
static const struct file_field pause_fields[] = {
    TIME("for", for_ns, NS_PER_MS, HOUR_NS, "as in for: 3s", "How long."),
    NODE("node", node, NULL, "Which one."),
};
static const struct file_field reshard_fields[] = {
    {.row = {ROW("slots", NULL, OPTION_COUNT, NULL, AT(slots)), NUMBER(1, SLOTS_COUNT),
             .hint = "as in slots: 100", .help = "How many."},
     .required = true},
    NODE("from", from, "0", "Whose they are."),
    NODE("to", to, "1", "Whose they will be."),
};

/* What an action needs of the target. */
enum need { NEED_SERVER, NEED_REPLICAS, NEED_FOLLOWER, NEED_CLUSTER, NEED_CACHE };

/* Without a node: it acts on all, on node 0, or it is refused unless there is one only. */
enum without { ON_ALL, ON_FIRST, REFUSED };

static const struct {
    enum need need;
    enum without without;
} rules[CHAOS_KIND_COUNT] = {
    [CHAOS_KILL] = {NEED_SERVER, REFUSED},        [CHAOS_PAUSE] = {NEED_SERVER, REFUSED},
    [CHAOS_RESTART] = {NEED_SERVER, REFUSED},     [CHAOS_BGSAVE] = {NEED_SERVER, ON_ALL},
    [CHAOS_AOF_REWRITE] = {NEED_SERVER, ON_ALL},  [CHAOS_FLUSHALL] = {NEED_SERVER, ON_ALL},
    [CHAOS_FULL_SYNC] = {NEED_FOLLOWER, ON_ALL},  [CHAOS_CLIENT_KILL] = {NEED_SERVER, ON_ALL},
    [CHAOS_FAILOVER] = {NEED_REPLICAS, ON_FIRST}, [CHAOS_RESHARD] = {NEED_CLUSTER, ON_FIRST},
    [CHAOS_ADD_NODE] = {NEED_CLUSTER, ON_FIRST},  [CHAOS_REMOVE_NODE] = {NEED_CLUSTER, REFUSED},
    [CHAOS_CACHE_CLEAR] = {NEED_CACHE, ON_FIRST},
};

static const struct file_variant variants[CHAOS_KIND_COUNT] = {
    [CHAOS_KILL] = {"kill", node_fields, 1, 0, "SIGKILL."},
    [CHAOS_PAUSE] = {"pause", pause_fields, 2, 0, "SIGSTOP, and SIGCONT after the time."},
    [CHAOS_RESTART] = {"restart", node_fields, 1, 0, "SIGTERM where it runs, and a start."},
    [CHAOS_BGSAVE] = {"bgsave", node_fields, 1, 0, "BGSAVE; without a node on all of them."},
    [CHAOS_AOF_REWRITE] = {"aof-rewrite", node_fields, 1, 0,
                           "BGREWRITEAOF; without a node on all of them."},
    [CHAOS_FLUSHALL] = {"flushall", node_fields, 1, 0,
                        "FLUSHALL ASYNC; without a node on all primaries."},
    [CHAOS_FULL_SYNC] = {"full-sync", node_fields, 1, 0,
                         "A replica fetches all data anew; without a node the first one."},
    [CHAOS_CLIENT_KILL] = {"client-kill", node_fields, 1, 0,
                           "CLIENT KILL TYPE normal; without a node on all of them."},
    [CHAOS_FAILOVER] = {"failover", node_fields, 1, 0,
                        "A replica of the node's primary takes over."},
    [CHAOS_RESHARD] = {"reshard", reshard_fields, 3, 0, "Moves slots with their keys."},
    [CHAOS_ADD_NODE] = {"add-node", NULL, 0, 0, "An empty primary joins the cluster."},
    [CHAOS_REMOVE_NODE] = {"remove-node", node_fields, 1, 0,
                           "Its slots go to the others, and the cluster forgets it."},
    [CHAOS_CACHE_CLEAR] = {"cache-clear", NULL, 0, 0,
                           "Near caches of the client forget what they hold."},
};
static const struct file_object action_object = {
    .name = "an action",
    .fields = time_fields,
    .field_count = 1,
    .variants = variants,
    .variant_count = CHAOS_KIND_COUNT,
    .tag = "do",
    .rewrite = chaos_sentence_rewrite,
    .other_forms =
        "[{\"type\": \"string\", \"pattern\": \"^[Aa][Tt] [^:]*:\"},"
        " {\"type\": \"object\", \"properties\": {\"at\": {}, \"cache\": {\"const\": \"clear\"}},"
        "  \"required\": [\"at\", \"cache\"], \"additionalProperties\": false},"
        " {\"type\": \"object\", \"patternProperties\": {\"^[Aa][Tt] \": {\"type\": \"string\"}},"
        "  \"minProperties\": 1, \"maxProperties\": 1, \"additionalProperties\": false}]",
};
const struct file_field chaos_wish_field = {
    .form = FILE_OBJECT,
    .object = &action_object,
    .row.hint = "as in {at: 10s, do: kill, node: 0} or \"at 10s: kill node 0\"",
};

const struct file_kind chaos_plan_kind = {
    .name = "chaos",
    .what = "file of actions",
    .help = "What is done to a managed target, and when, for --chaos.",
    .root = {.row = {.offset = offsetof(struct chaos_wishes, items),
                     .hint = "as in - at 10s: kill node 0"},
             .form = FILE_LIST,
             .of = &chaos_wish_field,
             .element_bytes = sizeof(struct chaos_wish),
             .count_offset = offsetof(struct chaos_wishes, count),
             .least = 1,
             .most = CHAOS_ACTIONS_MAX},
};

struct planner {
    const struct spec *spec;
    const struct file *file;
    struct err *err;
};

#define REFUSE(planner, entry, key, ...)                                                           \
    file_refuse((planner)->file, &(entry)->place, key, (planner)->err, __VA_ARGS__)

/* --- each action ----------------------------------------------------------------------------- */

static enum err_code check_need(const struct planner *planner, const struct chaos_wish *entry)
{
    const struct spec *spec = planner->spec;
    const char *name = variants[entry->place.variant].name;
    enum need need = rules[entry->place.variant].need;
    if (need == NEED_CACHE && (!spec->buffer.wanted || spec->buffer.cache_replies == 0))
        return REFUSE(planner, entry, NULL,
                      "%s needs a near cache of the client: query.cache_size of a buffer", name);
    if (need == NEED_CLUSTER && spec->managed.primaries == 0)
        return REFUSE(planner, entry, NULL, "%s needs a cluster: --managed cluster=3+3", name);
    if (need == NEED_FOLLOWER && (spec->managed.replicas == 0 || spec->managed.primaries > 0))
        return REFUSE(planner, entry, NULL,
                      "%s needs a replica outside a cluster: --managed replicas=1", name);
    if (need == NEED_REPLICAS && spec->managed.replicas == 0)
        return REFUSE(planner, entry, NULL,
                      "%s needs a replica that takes over: --managed cluster=3+3 or replicas=1",
                      name);
    return OK;
}

static enum err_code check_end(const struct planner *planner, const struct chaos_wish *entry)
{
    char at[32], length[32];
    uint64_t duration_ns = planner->spec->load.duration_ns;
    if (duration_ns == 0 || entry->at_ns < duration_ns)
        return OK;
    return REFUSE(planner, entry, "at", "at %s the run is over: --test-duration is %s",
                  units_format_duration(at, sizeof at, entry->at_ns),
                  units_format_duration(length, sizeof length, duration_ns));
}

/* All but the number of a node that is added. */
static enum err_code make_action(const struct planner *planner, struct chaos_wish *entry)
{
    enum chaos_kind kind = (enum chaos_kind)entry->place.variant;
    bool given = file_given(&entry->place, "node");
    bool many = chaos_plan_nodes(planner->spec) > 1;
    entry->action = (struct chaos_action){.kind = kind,
                                          .at_ns = entry->at_ns,
                                          .for_ns = entry->for_ns,
                                          .node = (uint32_t)entry->node};
    if (!given && many && rules[kind].without == REFUSED)
        return REFUSE(planner, entry, NULL, "%s needs \"node\": which one, as in node: 0",
                      variants[kind].name);
    if (!given && many && rules[kind].without == ON_ALL)
        entry->action.node = CHAOS_ALL_NODES;
    if (kind == CHAOS_RESHARD) {
        entry->action.node = (uint32_t)entry->from;
        entry->action.to_node = (uint32_t)entry->to;
        entry->action.slots = (uint32_t)entry->slots;
        if (entry->from == entry->to)
            return REFUSE(planner, entry, NULL, "reshard from node %u to itself",
                          entry->action.node);
    }
    enum err_code code = check_need(planner, entry);
    return code == OK ? check_end(planner, entry) : code;
}

/* --- the whole ------------------------------------------------------------------------------- */

bool chaos_is_of_servers(enum chaos_kind kind)
{
    return rules[kind].need != NEED_CACHE;
}

uint32_t chaos_plan_nodes(const struct spec *spec)
{
    uint64_t primaries = spec->managed.primaries > 0 ? spec->managed.primaries : 1;
    return (uint32_t)(primaries + spec->managed.replicas);
}

static int by_time(const void *a, const void *b)
{
    const struct chaos_wish *first = a, *second = b;
    if (first->at_ns != second->at_ns)
        return first->at_ns < second->at_ns ? -1 : 1;
    return first->place.node < second->place.node ? -1 : 1; /* the file's order */
}

static enum err_code check_node(const struct planner *planner, const struct chaos_wish *entry,
                                uint32_t node, const bool removed[], uint32_t node_count)
{
    if (node >= node_count)
        return REFUSE(planner, entry, NULL, "there is no node %u: %s %u at that time", node,
                      node_count > 1 ? "they are numbered from 0 to" : "the only one is",
                      node_count - 1);
    return removed[node] ? REFUSE(planner, entry, NULL, "node %u was removed before", node) : OK;
}

/* In the order of time: which nodes there are then. */
static enum err_code settle_nodes(struct chaos_plan *plan, const struct planner *planner,
                                  const struct chaos_wishes *list)
{
    bool removed[MANAGED_NODES_MAX] = {false};
    uint32_t node_count = chaos_plan_nodes(planner->spec);
    enum err_code code = OK;
    for (size_t i = 0; i < list->count && code == OK; i++) {
        const struct chaos_wish *entry = &list->items[i];
        struct chaos_action *action = &plan->actions[plan->count++];
        *action = entry->action;
        if (action->kind == CHAOS_ADD_NODE && node_count == MANAGED_NODES_MAX)
            return REFUSE(planner, entry, NULL, "there are at most %u nodes", MANAGED_NODES_MAX);
        if (action->kind == CHAOS_ADD_NODE) {
            action->node = node_count++;
            plan->nodes_added++;
            continue;
        }
        if (action->node != CHAOS_ALL_NODES)
            code = check_node(planner, entry, action->node, removed, node_count);
        if (code == OK && action->kind == CHAOS_RESHARD)
            code = check_node(planner, entry, action->to_node, removed, node_count);
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
    const char *name = variants[action->kind].name;
    if (action->kind == CHAOS_ADD_NODE || action->kind == CHAOS_REMOVE_NODE)
        snprintf(text, bytes, "%s node %u", action->kind == CHAOS_ADD_NODE ? "add" : "remove",
                 action->node);
    else if (action->kind == CHAOS_CACHE_CLEAR)
        snprintf(text, bytes, "cache clear");
    else if (action->kind == CHAOS_RESHARD)
        snprintf(text, bytes, "%s %u slots from node %u to node %u", name, action->slots,
                 action->node, action->to_node);
    else if (action->kind == CHAOS_PAUSE)
        snprintf(text, bytes, "%s node %u for %s", name, action->node,
                 units_format_duration(duration, sizeof duration, action->for_ns));
    else if (action->node == CHAOS_ALL_NODES)
        snprintf(text, bytes, "%s on %s", name,
                 action->kind == CHAOS_FULL_SYNC  ? "a replica"
                 : action->kind == CHAOS_FLUSHALL ? "all primaries"
                                                  : "all nodes");
    else
        snprintf(text, bytes, "%s node %u", name, action->node);
}

static enum err_code make_plan(struct chaos_plan *plan, const struct planner *planner,
                               const struct chaos_wishes *list)
{
    enum err_code code = OK;
    plan->actions = calloc(list->count, sizeof *plan->actions);
    if (plan->actions == NULL)
        return err_set(planner->err, E_SYSTEM, "reading %.120s: out of memory",
                       planner->file->name);
    for (size_t i = 0; i < list->count && code == OK; i++)
        code = make_action(planner, &list->items[i]);
    qsort(list->items, list->count, sizeof *list->items, by_time);
    if (code == OK)
        code = settle_nodes(plan, planner, list);
    for (uint32_t i = 0; i < plan->count && code == OK; i++)
        describe(&plan->actions[i]);
    return code;
}

enum err_code chaos_plan_make(struct chaos_plan *plan, const struct chaos_wishes *wishes,
                              const struct file *file, const struct spec *spec, struct err *err)
{
    const struct planner planner = {.spec = spec, .file = file, .err = err};
    *plan = (struct chaos_plan){.actions = NULL};
    return make_plan(plan, &planner, wishes);
}

enum err_code chaos_plan_read(struct chaos_plan *plan, const struct file_source *source,
                              const struct spec *spec, struct err *err)
{
    struct file file;
    struct chaos_wishes list = {.count = 0};
    *plan = (struct chaos_plan){.actions = NULL};
    enum err_code code = file_read(&file, &chaos_plan_kind, &list, source, err);
    if (code == OK)
        code = chaos_plan_make(plan, &list, &file, spec, err);
    file_free(&file);
    return code;
}

void chaos_plan_free(struct chaos_plan *plan)
{
    free(plan->actions);
    *plan = (struct chaos_plan){.actions = NULL};
}
