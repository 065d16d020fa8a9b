#include "orchestrator/scenario/scenario_steps.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/suggest.h"
#include "common/units.h"
#include "orchestrator/scenario/step_keys.h"
#include "orchestrator/scenario/vector_shape.h"

#define BATCH_MOST 64 /* in flight on a connection: what is beyond only takes memory */
#define USUAL_WINDOW "30"
#define INDEX_SECONDS "10" /* to make one that is empty */
#define BYTES_OF_A_DIMENSION 4u

/* What steps take over from around them. */
struct settings {
    const struct config_node *clients, *threads, *clients_per_thread, *batch, *limit, *go_on;
    bool beside; /* in parallel: how long it lasts, and what errors do, says the step around them */
};

/* The parameters of a step, which may be left out. */
static const struct config_node *take_parameters(struct translation *t,
                                                 const struct config_node *step, unsigned place,
                                                 struct config_node *phase)
{
    const struct config_node *parameters = config_node_get(step, "parameters");
    if (parameters == NULL)
        return &step_nothing;
    step_take_keys(t, parameters, place, phase);
    return parameters;
}

static void take_settings(struct translation *t, struct settings *settings,
                          const struct config_node *map)
{
    const struct {
        const char *key;
        const struct config_node **node;
    } members[] = {
        {"n_clients", &settings->clients},
        {"n_threads", &settings->threads},
        {"n_clients_per_thread", &settings->clients_per_thread},
        {"batch_size", &settings->batch},
        {"step_timeout", &settings->limit},
        {"continue_on_error", &settings->go_on},
        {"max_memory_usage_mb", &t->memory_limit},
        {"metrics_collection_interval", &t->metric_interval},
    };
    if (map == NULL)
        return;
    step_take_keys(t, map, IN_CONFIG, NULL);
    for (size_t i = 0; t->code == OK && i < sizeof members / sizeof members[0]; i++) {
        const struct config_node *node = config_node_get(map, members[i].key);
        if (node != NULL)
            *members[i].node = node;
    }
    if (t->code == OK && config_node_get(map, "n_threads") != NULL)
        step_note(t, config_node_get(map, "n_threads"), "--threads");
}

/* ---- what several steps have ---- */

static struct config_node *begin_phase(struct translation *t, struct config_node *phases,
                                       const struct config_node *step, const char *type)
{
    struct config_node *phase = step_append(t, phases, CONFIG_MAP, NULL, step);
    if (phase == NULL)
        return NULL;
    step_copy(t, phase, "name", step_need(t, step, "name"));
    step_put(t, phase, "type", step_need(t, step, "type"), "%s", type);
    return phase;
}

static void put_on_error(struct translation *t, struct config_node *phase,
                         const struct config_node *step, const struct settings *settings)
{
    const struct config_node *handling = config_node_get(step, "error_handling");
    const struct config_node *failure = NULL;
    if (handling != NULL) {
        step_take_keys(t, handling, IN_ERRORS, NULL);
        failure = t->code == OK ? config_node_get(handling, "on_failure") : NULL;
    }
    if (failure != NULL && strcmp(step_text(t, failure), "retry") == 0)
        step_refuse(t, failure->mark,
                    "on_failure: retry: no phase is carried out twice; take continue or stop");
    if (settings->beside)
        return;
    if (failure != NULL)
        step_copy(t, phase, "on_error", failure);
    else if (settings->go_on != NULL)
        step_put(t, phase, "on_error", settings->go_on, "%s",
                 step_true(t, settings->go_on) ? "continue" : "stop");
}

/* Connections, and how much is on its way on each. */
static void put_load(struct translation *t, struct config_node *phase,
                     const struct config_node *parameters, const struct settings *settings)
{
    const struct config_node *batch = config_node_get(parameters, "batch_size");
    const struct config_node *each = settings->clients_per_thread;
    if (settings->clients != NULL)
        step_copy(t, phase, "clients", settings->clients);
    else if (each != NULL)
        step_put(t, phase, "clients", each, "%.0f",
                 step_number(t, each) *
                     (settings->threads != NULL ? step_number(t, settings->threads) : 1));
    if (batch == NULL)
        batch = settings->batch;
    if (batch != NULL)
        step_put(t, phase, "pipeline", batch, "%.0f", fmin(step_number(t, batch), BATCH_MOST));
}

/* How long at most. */
static void put_limit(struct translation *t, struct config_node *phase,
                      const struct config_node *step, const struct settings *settings)
{
    const struct config_node *limit = config_node_get(step, "duration_seconds");
    if (settings->beside)
        return;
    if (limit == NULL)
        limit = config_node_get(step, "timeout_seconds");
    if (limit == NULL)
        limit = settings->limit;
    if (limit != NULL)
        step_copy(t, phase, "duration", limit);
}

static void put_duration(struct translation *t, struct config_node *phase,
                         const struct config_node *step, const struct settings *settings)
{
    const struct config_node *operations = config_node_get(step, "max_operations");
    if (operations != NULL)
        step_refuse(t, operations->key_mark,
                    "max_operations: only ingest ends by it; take duration_seconds");
    if (!settings->beside)
        step_copy(t, phase, "duration", step_need(t, step, "duration_seconds"));
}

static void put_shape(struct translation *t, struct config_node *phase,
                      const struct config_node *from, bool loads)
{
    if (t->has_index) {
        step_put(t, phase, "datatype", from, "vector");
        if (loads)
            step_put(t, phase, "dimensions", from, "%u", t->dimensions);
    } else
        step_put(t, phase, "value_size", from, "%u", BYTES_OF_A_DIMENSION * t->dimensions);
}

static void put_neighbours(struct translation *t, struct config_node *phase,
                           const struct config_node *parameters)
{
    const struct config_node *k = config_node_get(parameters, "query_k");
    if (k == NULL)
        k = config_node_get(parameters, "k");
    if (k != NULL && t->has_index)
        step_copy(t, phase, "k", k);
}

/* ---- the types of steps ---- */

static void translate_steps(struct translation *t, const struct config_node *steps,
                            struct config_node *phases, const struct settings *settings);

static void ingest(struct translation *t, const struct config_node *step,
                   struct config_node *phases, const struct settings *settings)
{
    struct config_node *phase = begin_phase(t, phases, step, "load");
    const struct config_node *parameters = take_parameters(t, step, OF_INGEST, phase);
    const struct config_node *target = config_node_get(parameters, "target_vectors"),
                             *operations = config_node_get(step, "max_operations");
    if (target == NULL && operations == NULL && config_node_get(step, "duration_seconds") == NULL)
        step_refuse(
            t, step->mark,
            "\"target_vectors\" is missing: how many there are at the end; or duration_seconds");
    if (target != NULL && settings->beside)
        step_refuse(t, target->key_mark,
                    "target_vectors: beside other steps take max_operations: how many are new");
    if (target != NULL)
        step_put(t, phase, "until", target, "keys>=%s", step_text(t, target));
    if (operations != NULL)
        step_copy(t, phase, "keys", operations);
    put_limit(t, phase, step, settings);
    put_load(t, phase, parameters, settings);
    put_shape(t, phase, step, true);
    put_on_error(t, phase, step, settings);
}

static void query(struct translation *t, const struct config_node *step, struct config_node *phases,
                  const struct settings *settings)
{
    struct config_node *phase = begin_phase(t, phases, step, "query");
    const struct config_node *parameters = take_parameters(t, step, OF_QUERY, phase);
    const struct config_node *verify = config_node_get(parameters, "verify_results");
    if (verify != NULL && step_true(t, verify))
        step_put(t, phase, "verify", verify, "%s", t->has_index ? "recall" : "checksum");
    put_neighbours(t, phase, parameters);
    put_duration(t, phase, step, settings);
    put_load(t, phase, &step_nothing, settings);
    put_on_error(t, phase, step, settings);
}

static void shrink(struct translation *t, const struct config_node *step,
                   struct config_node *phases, const struct settings *settings)
{
    struct config_node *phase = begin_phase(t, phases, step, "delete-fraction");
    const struct config_node *parameters = take_parameters(t, step, OF_SHRINK, phase);
    const struct config_node *target = config_node_get(parameters, "target_vectors"),
                             *part = config_node_get(parameters, "target_reduction"),
                             *operations = config_node_get(step, "max_operations");
    if ((target == NULL) == (part == NULL))
        step_refuse(t, step->mark,
                    "shrink takes %s target_vectors (how many are left) %s target_reduction (which "
                    "part goes)",
                    target == NULL ? "one of" : "either", target == NULL ? "and" : "or");
    if (operations != NULL)
        step_refuse(t, operations->key_mark,
                    "max_operations: only ingest ends by it; take target_vectors");
    if (target != NULL)
        step_copy(t, phase, "keep", target);
    put_limit(t, phase, step, settings);
    put_load(t, phase, parameters, settings);
    put_on_error(t, phase, step, settings);
}

static void put_mix(struct translation *t, struct config_node *phase,
                    const struct config_node *step, const struct config_node *parameters)
{
    static const struct {
        const char *key, *operation;
    } ratios[] = {{"ingest_ratio", "load"}, {"query_ratio", "get"}, {"update_ratio", "update"}};
    static const char *const in_order[] = {"load", "get", "del"};
    const struct config_node *list = config_node_get(parameters, "operation_mix");
    struct config_node *mix =
        phase != NULL ? step_append(t, phase, CONFIG_MAP, "mix", parameters) : NULL;
    if (list != NULL && (list->kind != CONFIG_LIST || list->count != 3))
        step_refuse(t, list->mark,
                    "operation_mix: three percents, as in [50, 30, 20]: of ingest, query "
                    "and shrink");
    for (size_t i = 0; list != NULL && t->code == OK && i < 3; i++)
        step_copy(t, mix, in_order[i], &list->children[i]);
    for (size_t i = 0; t->code == OK && i < sizeof ratios / sizeof ratios[0]; i++) {
        const struct config_node *ratio = config_node_get(parameters, ratios[i].key);
        if (ratio != NULL && list != NULL)
            step_refuse(t, ratio->key_mark, "%s and operation_mix exclude each other",
                        ratios[i].key);
        else if (ratio != NULL)
            step_copy(t, mix, ratios[i].operation, ratio);
    }
    if (mix != NULL && mix->count == 0)
        step_refuse(t, step->mark,
                    "mixed takes ingest_ratio, query_ratio and update_ratio, or operation_mix");
}

static void mixed(struct translation *t, const struct config_node *step, struct config_node *phases,
                  const struct settings *settings)
{
    struct config_node *phase = begin_phase(t, phases, step, "mixed");
    const struct config_node *parameters = take_parameters(t, step, OF_MIXED, phase);
    put_mix(t, phase, step, parameters);
    put_neighbours(t, phase, parameters);
    put_duration(t, phase, step, settings);
    put_load(t, phase, &step_nothing, settings);
    put_shape(t, phase, step, false);
    put_on_error(t, phase, step, settings);
}

static void workload(struct translation *t, const struct config_node *step,
                     struct config_node *phases, const struct settings *settings)
{
    static const struct {
        const char *name;
        void (*translate)(struct translation *t, const struct config_node *step,
                          struct config_node *phases, const struct settings *settings);
    } kinds[] = {{"ingest", ingest}, {"query", query}, {"shrink", shrink}, {"mixed", mixed}};
    const struct config_node *node = step_need(t, step, "workload");
    const char *name = t->code == OK ? step_text(t, node) : "";
    struct suggestion suggestion = {.wanted = name, .wanted_bytes = strlen(name)};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        suggest_offer(&suggestion, kinds[i].name, strlen(kinds[i].name));
        if (strcmp(kinds[i].name, name) == 0) {
            kinds[i].translate(t, step, phases, settings);
            return;
        }
    }
    step_refuse(t, node->mark, "workload: %.60s: known are ingest, query, shrink, mixed%s%s%s",
                name, SUGGESTED(suggestion.best));
}

static void checkpoint(struct translation *t, const struct config_node *step,
                       struct config_node *phases, const struct settings *settings)
{
    const struct config_node *parameters = take_parameters(t, step, OF_CHECKPOINT, NULL);
    const struct config_node *collect = config_node_get(parameters, "force_gc");
    if (step_true(t, collect)) { /* a server has no garbage; its allocator has pages to return */
        struct config_node *purge = step_append(t, phases, CONFIG_MAP, NULL, step);
        const struct config_node *name = step_need(t, step, "name");
        step_put(t, purge, "name", name, "%.150s_purge", step_text(t, name));
        step_put(t, purge, "type", collect, "purge");
    }
    struct config_node *phase = begin_phase(t, phases, step, "checkpoint");
    const struct config_node *tag = config_node_get(parameters, "tag");
    if (tag != NULL)
        step_copy(t, phase, "tag", tag);
    put_on_error(t, phase, step, settings);
}

/* A metric by the name that it has there; what it is counted in there stands behind a number. */
static const char *metric_of(const char *name, const char **unit)
{
    static const struct {
        const char *theirs, *ours, *unit;
    } names[] = {
        {"memory_usage_mb", "used_memory", "mb"},
        {"used_memory_mb", "used_memory", "mb"},
        {"memory_usage", "used_memory", ""},
        {"memory_fragmentation", "fragmentation_ratio", ""},
        {"vector_count", "keys", ""},
        {"total_vectors", "keys", ""},
        {"key_count", "keys", ""},
    };
    *unit = "";
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(name, names[i].theirs) == 0) {
            *unit = names[i].unit;
            return names[i].ours;
        }
    return name;
}

static const char *operator_of(const char *name)
{
    static const char *const words[][2] = {
        {"greater_than", ">"},
        {"greater_than_or_equal", ">="},
        {"greater_equal", ">="},
        {"less_than", "<"},
        {"less_than_or_equal", "<="},
        {"less_equal", "<="},
        {"equals", "=="},
        {"equal", "=="},
        {"not_equals", "!="},
        {"not_equal", "!="},
        {"gt", ">"},
        {"gte", ">="},
        {"lt", "<"},
        {"lte", "<="},
        {"eq", "=="},
        {"ne", "!="},
    };
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcmp(name, words[i][0]) == 0)
            return words[i][1];
    return name;
}

static void put_condition(struct translation *t, struct config_node *phase,
                          const struct config_node *condition, bool as_until)
{
    const char *unit;
    step_take_keys(t, condition, IN_CONDITION, NULL);
    if (t->code != OK)
        return;
    const struct config_node *metric = step_need(t, condition, "metric"),
                             *operator= step_need(t, condition, "operator"),
                             *value = step_need(t, condition, "value");
    if (t->code != OK)
        return;
    const char *name = metric_of(step_text(t, metric), &unit);
    if (as_until)
        step_put(t, phase, "until", condition, "%.48s%.24s%.40s%s", name,
                 operator_of(step_text(t, operator)), step_text(t, value), unit);
    else {
        step_put(t, phase, "metric", metric, "%s", name);
        step_put(t, phase, "op", operator, "%s", operator_of(step_text(t, operator)));
        step_put(t, phase, "value", value, "%s%s", step_text(t, value), unit);
    }
}

static void wait_step(struct translation *t, const struct config_node *step,
                      struct config_node *phases, const struct settings *settings)
{
    struct config_node *phase = begin_phase(t, phases, step, "idle");
    const struct config_node *parameters = take_parameters(t, step, OF_WAIT, phase);
    const struct config_node *most = config_node_get(parameters, "max_wait_seconds"),
                             *window = config_node_get(parameters, "memory_stability_window"),
                             *stable = config_node_get(parameters, "wait_for_memory_stable"),
                             *condition = config_node_get(step, "wait_condition");
    const struct config_node *duration = config_node_get(step, "duration_seconds");
    if (duration == NULL)
        duration = config_node_get(parameters, "duration_seconds");
    const bool waits = step_true(t, stable);
    if (waits && most != NULL)
        duration = most;
    if (duration == NULL)
        duration = config_node_get(step, "timeout_seconds");
    if (duration == NULL)
        duration = settings->limit;
    if (duration == NULL)
        step_refuse(t, step->mark, "\"duration_seconds\" is missing: how long it waits%s",
                    condition != NULL ? " at most" : "");
    else
        step_copy(t, phase, "duration", duration);
    if (condition != NULL && condition->kind == CONFIG_SCALAR)
        step_copy(t, phase, "until", condition);
    else if (condition != NULL)
        put_condition(t, phase, condition, true);
    if (waits && phase != NULL) {
        struct config_node *rest = step_append(t, phase, CONFIG_MAP, "wait_stable", stable);
        step_put(t, rest, "metric", stable, "used_memory_rss");
        step_put(t, rest, "window", window != NULL ? window : stable, "%s",
                 window != NULL ? step_text(t, window) : USUAL_WINDOW);
    }
    put_on_error(t, phase, step, settings);
}

static void cleanup(struct translation *t, const struct config_node *step,
                    struct config_node *phases, const struct settings *settings)
{
    const struct config_node *parameters = take_parameters(t, step, OF_CLEANUP, NULL);
    const struct config_node *what = config_node_get(parameters, "cleanup_type");
    const char *type = what != NULL ? step_text(t, what) : "full";
    const bool index = strcmp(type, "index_only") == 0;
    if (!index && strcmp(type, "full") != 0)
        step_refuse(
            t, what->mark,
            "cleanup_type: %.40s: known are full and index_only; for a part of the keys take a "
            "workload of shrink",
            type);
    if (index && !t->has_index)
        step_refuse(t, what->mark, "cleanup_type: index_only: the file has no index");
    struct config_node *phase = begin_phase(t, phases, step, index ? "index-drop" : "flush");
    if (index)
        step_put(t, phase, "keep_docs", what, "true");
    put_on_error(t, phase, step, settings);
}

/* How long steps side by side last: what is said of all of them, or else of the longest. */
static void put_longest(struct translation *t, struct config_node *phase,
                        const struct config_node *step, const struct settings *settings)
{
    const struct config_node *steps = step_need(t, step, "steps");
    const struct config_node *longest = config_node_get(step, "duration_seconds");
    if (longest == NULL)
        longest = config_node_get(step, "timeout_seconds");
    for (size_t i = 0; config_node_get(step, "duration_seconds") == NULL && i < steps->count; i++) {
        const struct config_node *child = &steps->children[i];
        const struct config_node *duration =
            child->kind == CONFIG_MAP ? config_node_get(child, "duration_seconds") : NULL;
        if (duration != NULL &&
            (longest == NULL || step_number(t, duration) > step_number(t, longest)))
            longest = duration;
    }
    if (longest == NULL)
        longest = settings->limit;
    if (longest == NULL)
        step_refuse(t, step->mark, "\"duration_seconds\" is missing: how long they last");
    else
        step_copy(t, phase, "duration", longest);
}

/* Of loops and of steps side by side. */
static void group(struct translation *t, const struct config_node *step, struct config_node *phases,
                  const struct settings *settings)
{
    const char *type = step_text(t, step_need(t, step, "type"));
    struct settings inner = *settings;
    struct config_node *phase = begin_phase(t, phases, step, type);
    const struct config_node *steps = step_need(t, step, "steps"),
                             *turns = config_node_get(step, "iterations");
    if (turns != NULL)
        step_copy(t, phase, "iterations", turns);
    if (strcmp(type, "parallel") == 0) {
        put_longest(t, phase, step, settings);
        put_on_error(t, phase, step, settings);
        inner.beside = true;
    }
    struct config_node *list =
        phase != NULL ? step_append(t, phase, CONFIG_LIST, "phases", steps) : NULL;
    if (list != NULL)
        translate_steps(t, steps, list, &inner);
}

static void conditional(struct translation *t, const struct config_node *step,
                        struct config_node *phases, const struct settings *settings)
{
    static const char *const branches[] = {"if_true", "if_false"};
    struct config_node *phase = begin_phase(t, phases, step, "conditional");
    put_condition(t, phase, step_need(t, step, "condition"), false);
    for (size_t i = 0; t->code == OK && i < 2; i++) {
        const struct config_node *branch = config_node_get(step, branches[i]);
        struct config_node *list =
            branch != NULL ? step_append(t, phase, CONFIG_LIST, branches[i], branch) : NULL;
        if (list != NULL)
            translate_steps(t, branch, list, settings);
    }
}

static const struct step_type {
    const char *name;
    unsigned place;
    void (*translate)(struct translation *t, const struct config_node *step,
                      struct config_node *phases, const struct settings *settings);
} step_types[] = {
    {"workload", STEP_WORKLOAD, workload},
    {"wait", STEP_WAIT, wait_step},
    {"checkpoint", STEP_CHECKPOINT, checkpoint},
    {"cleanup", STEP_CLEANUP, cleanup},
    {"loop", STEP_LOOP, group},
    {"parallel", STEP_PARALLEL, group},
    {"conditional", STEP_CONDITIONAL, conditional},
};

static void translate_step(struct translation *t, const struct config_node *step,
                           struct config_node *phases, const struct settings *outer)
{
    struct settings settings = *outer;
    if (step->kind != CONFIG_MAP) {
        step_refuse(t, step->mark,
                    "a step is a map, as in {name: rest, type: wait, duration_seconds: 5}");
        return;
    }
    (void)step_need(t, step, "name");
    const struct config_node *type = step_need(t, step, "type");
    const char *name = t->code == OK ? step_text(t, type) : "";
    struct suggestion suggestion = {.wanted = name, .wanted_bytes = strlen(name)};
    const struct step_type *found = NULL;
    for (size_t i = 0; i < sizeof step_types / sizeof step_types[0]; i++) {
        suggest_offer(&suggestion, step_types[i].name, strlen(step_types[i].name));
        if (strcmp(step_types[i].name, name) == 0)
            found = &step_types[i];
    }
    if (found == NULL) {
        step_refuse(t, type->mark,
                    "type: %.40s: known are workload, wait, checkpoint, cleanup, loop, parallel, "
                    "conditional%s%s%s",
                    name, SUGGESTED(suggestion.best));
        return;
    }
    step_take_keys(t, step, found->place, NULL);
    if (t->code == OK)
        take_settings(t, &settings, config_node_get(step, "config"));
    if (t->code == OK)
        found->translate(t, step, phases, &settings);
}

static void translate_steps(struct translation *t, const struct config_node *steps,
                            struct config_node *phases, const struct settings *settings)
{
    if (steps->kind != CONFIG_LIST)
        step_refuse(t, steps->mark, "%s: a list of steps is expected", steps->key);
    for (size_t i = 0; t->code == OK && i < steps->count; i++)
        translate_step(t, &steps->children[i], phases, settings);
}

/* ---- the file ---- */

/* Of how many dimensions vectors are: by the index, or else the set's name. */
static void read_shape(struct translation *t, const struct config_node *file)
{
    const struct config_node *index = config_node_get(file, "index");
    const struct config_node *dimensions =
        index != NULL && index->kind == CONFIG_MAP ? config_node_get(index, "dimensions") : NULL;
    const struct config_node *dataset =
        dimensions != NULL ? config_node_get(file, "dataset") : step_need(t, file, "dataset");
    struct vector_shape shape = {.dimensions = 0};
    struct err reason = {.code = OK};
    t->has_index = index != NULL;
    if (t->code == OK && dataset != NULL &&
        vector_shape_find(&shape, step_text(t, dataset), &reason) != OK)
        step_refuse(t, dataset->mark, "dataset: %s", reason.text);
    const double wanted = dimensions != NULL ? step_number(t, dimensions) : shape.dimensions;
    if (!(wanted >= 1 && wanted <= VECTOR_DIMENSIONS_MAX))
        step_refuse(t, dimensions != NULL ? dimensions->mark : file->mark,
                    "dimensions: out of range; allowed: 1 to %u", VECTOR_DIMENSIONS_MAX);
    t->dimensions = t->code == OK ? (uint32_t)wanted : 1;
}

static void put_index(struct translation *t, const struct config_node *file,
                      struct config_node *phases)
{
    static const struct {
        const char *theirs, *ours, *words[4][2];
    } members[] = {
        {"algorithm", "algo", {{"HNSW", "hnsw"}, {"FLAT", "flat"}}},
        {"distance_metric", "metric", {{"L2", "l2"}, {"IP", "ip"}, {"COSINE", "cosine"}}},
    };
    const struct config_node *index = config_node_get(file, "index");
    if (index == NULL)
        return;
    struct config_node *phase = step_append(t, phases, CONFIG_MAP, NULL, index);
    step_put(t, phase, "name", index, "index");
    step_put(t, phase, "type", index, "index-create");
    step_put(t, phase, "timeout", index, INDEX_SECONDS);
    step_take_keys(t, index, IN_INDEX, phase);
    for (size_t i = 0; t->code == OK && i < sizeof members / sizeof members[0]; i++) {
        const struct config_node *node = config_node_get(index, members[i].theirs);
        const char *text = node != NULL ? step_text(t, node) : "";
        size_t k = 0;
        while (members[i].words[k][0] != NULL && strcasecmp(text, members[i].words[k][0]) != 0)
            k++;
        if (node != NULL && members[i].words[k][0] == NULL)
            step_refuse(t, node->mark, "%s: %.40s: known are %s, %s%s%s", members[i].theirs, text,
                        members[i].words[0][0], members[i].words[1][0],
                        members[i].words[2][0] != NULL ? ", " : "",
                        members[i].words[2][0] != NULL ? members[i].words[2][0] : "");
        else if (node != NULL)
            step_put(t, phase, members[i].ours, node, "%s", members[i].words[k][1]);
    }
    step_put(t, phase, "dimensions", index, "%u", t->dimensions);
}

/* A limit of memory is the target, and a check that it was not passed. */
static void put_limits(struct translation *t, const struct config_node *file,
                       struct config_node *root)
{
    const struct config_node *target = config_node_get(file, "memory_target"),
                             *checks = config_node_get(file, "checks"), *limit = t->memory_limit;
    if (t->metric_interval != NULL)
        step_copy(t, root, "sample_interval", t->metric_interval);
    if (limit != NULL && target != NULL)
        step_refuse(t, limit->key_mark, "max_memory_usage_mb and memory_target exclude each other");
    if (target != NULL)
        step_copy(t, root, "memory_target", target);
    if (checks != NULL)
        step_copy(t, root, "checks", checks);
    if (limit == NULL || t->code != OK)
        return;
    step_put(t, root, "memory_target", limit, "%.60smb", step_text(t, limit));
    struct config_node *list = config_node_get(root, "checks");
    if (list == NULL)
        list = step_append(t, root, CONFIG_LIST, "checks", limit);
    struct config_node *check = list != NULL ? step_append(t, list, CONFIG_MAP, NULL, limit) : NULL;
    step_put(t, check, "metric", limit, "used_memory");
    step_put(t, check, "agg", limit, "max");
    step_put(t, check, "op", limit, "<=");
    step_put(t, check, "value", limit, "100%%target");
}

enum err_code scenario_steps_translate(struct file *file, char *ignored, size_t ignored_bytes,
                                       struct err *err)
{
    struct translation t = {
        .name = file->name, .ignored = ignored, .ignored_bytes = ignored_bytes, .err = err};
    const struct config_node *from = &file->root;
    struct settings settings = {.clients = NULL};
    ignored[0] = '\0';
    if (from->kind != CONFIG_MAP || config_node_get(from, "steps") == NULL)
        return OK;
    const struct config_node *both = config_node_get(from, "phases");
    if (both != NULL)
        step_refuse(&t, both->key_mark,
                    "phases and steps exclude each other: a file has one of them");
    struct config_node root = {.kind = CONFIG_MAP, .mark = from->mark};
    step_take_keys(&t, from, IN_FILE, &root);
    if (t.code == OK)
        read_shape(&t, from);
    if (t.code == OK)
        take_settings(&t, &settings, config_node_get(from, "global_config"));
    const struct config_node *steps = config_node_get(from, "steps");
    struct config_node *phases = step_append(&t, &root, CONFIG_LIST, "phases", steps);
    if (phases != NULL) {
        put_index(&t, from, phases);
        translate_steps(&t, steps, phases, &settings);
    }
    put_limits(&t, from, &root);
    if (t.code != OK) {
        config_tree_free(&root);
        return t.code;
    }
    config_tree_free(&file->root);
    file->root = root;
    return OK;
}
