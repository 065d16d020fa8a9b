#include "orchestrator/scenario/step_keys.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/suggest.h"
#include "common/units.h"

#define VALUE_BYTES 160u
#define LEAVES (STEP_WORKLOAD | STEP_WAIT | STEP_CHECKPOINT | STEP_CLEANUP)
#define GROUPS (STEP_LOOP | STEP_PARALLEL | STEP_CONDITIONAL)

enum use {
    READ,   /* by a function below */
    COPIED, /* as it is, under the name of `text`, or else its own */
    DONE,   /* volley does so anyway, or nothing follows from it */
    TOLD,   /* means nothing here; text: what takes its place */
    NEVER   /* refused, unless it says false or 0; text: what to do */
};

/* clang-format off: one line a key */
static const struct step_key {
    const char *key;
    unsigned places;
    enum use use;
    const char *text;
} step_keys[] = {
    {"name", IN_FILE, COPIED, NULL},
    {"description", IN_FILE, COPIED, NULL},
    {"duration", IN_FILE, COPIED, NULL},
    {"scale", IN_FILE, COPIED, NULL},
    {"sample_interval", IN_FILE, COPIED, NULL},
    {"observe", IN_FILE, COPIED, NULL},
    {"memory_target", IN_FILE, READ, NULL},
    {"checks", IN_FILE, READ, NULL},
    {"dataset", IN_FILE, READ, NULL},
    {"steps", IN_FILE, READ, NULL},
    {"global_config", IN_FILE, READ, NULL},
    {"index", IN_FILE, READ, NULL},
    {"metadata", IN_FILE, DONE, NULL},
    {"timeout_seconds", IN_FILE, TOLD, "timeout_seconds of steps"},

    {"n_clients", IN_CONFIG, READ, NULL},
    {"n_clients_per_thread", IN_CONFIG, READ, NULL},
    {"n_threads", IN_CONFIG, READ, NULL},
    {"batch_size", IN_CONFIG | OF_INGEST | OF_SHRINK, READ, NULL},
    {"step_timeout", IN_CONFIG, READ, NULL},
    {"continue_on_error", IN_CONFIG, READ, NULL},
    {"max_memory_usage_mb", IN_CONFIG, READ, NULL},
    {"metrics_collection_interval", IN_CONFIG, READ, NULL},
    {"operation_timeout", IN_CONFIG, TOLD, "--request-timeout"},
    {"connection_timeout", IN_CONFIG, TOLD, "--connection-timeout"},
    {"max_retries", IN_CONFIG | IN_ERRORS, TOLD, "a request that fails is counted"},
    {"retry_delay", IN_CONFIG | IN_ERRORS, TOLD, "a request that fails is counted"},

    {"algorithm", IN_INDEX, READ, NULL},
    {"m", IN_INDEX, COPIED, NULL},
    {"ef_construction", IN_INDEX, COPIED, NULL},
    {"ef_runtime", IN_INDEX, COPIED, NULL},
    {"dimensions", IN_INDEX, READ, NULL},
    {"distance_metric", IN_INDEX, READ, NULL},

    {"name", LEAVES | GROUPS, READ, NULL},
    {"type", LEAVES | GROUPS, READ, NULL},
    {"description", LEAVES | GROUPS, DONE, NULL},
    {"parameters", LEAVES, READ, NULL},
    {"config", LEAVES | GROUPS, READ, NULL},
    {"error_handling", LEAVES, READ, NULL},
    {"timeout_seconds", LEAVES | STEP_PARALLEL, READ, NULL},
    {"timeout_seconds", STEP_LOOP | STEP_CONDITIONAL, TOLD, "timeout_seconds of the steps in it"},
    {"workload", STEP_WORKLOAD, READ, NULL},
    {"duration_seconds", STEP_WORKLOAD | STEP_WAIT | STEP_PARALLEL | OF_WAIT, READ, NULL},
    {"max_operations", STEP_WORKLOAD, READ, NULL},
    {"wait_condition", STEP_WAIT, READ, NULL},
    {"steps", STEP_LOOP | STEP_PARALLEL, READ, NULL},
    {"iterations", STEP_LOOP, COPIED, NULL},
    {"condition", STEP_CONDITIONAL, READ, NULL},
    {"if_true", STEP_CONDITIONAL, READ, NULL},
    {"if_false", STEP_CONDITIONAL, READ, NULL},
    {"on_failure", IN_ERRORS, READ, NULL},
    {"metric", IN_CONDITION, READ, NULL},
    {"operator", IN_CONDITION, READ, NULL},
    {"value", IN_CONDITION, READ, NULL},

    {"target_vectors", OF_INGEST | OF_SHRINK, READ, NULL},
    {"start_index", OF_INGEST, NEVER, "new keys follow those that are there; leave it out"},
    {"shuffle", OF_INGEST, NEVER, "new keys come in ascending order; leave it out"},
    {"validate_ingestion", OF_INGEST, DONE, NULL}, /* only what was acknowledged counts */
    {"query_k", OF_QUERY | OF_MIXED, READ, NULL},
    {"k", OF_QUERY | OF_MIXED, READ, NULL},
    {"query_vectors", OF_QUERY, DONE, NULL}, /* drawn anew for each query */
    {"queries_per_second", OF_QUERY, COPIED, "qps"},
    {"record_latencies", OF_QUERY, DONE, NULL},
    {"verify_results", OF_QUERY, READ, NULL},
    {"target_reduction", OF_SHRINK, COPIED, "fraction"},
    {"removal_strategy", OF_SHRINK, COPIED, "strategy"},
    {"verify_removal", OF_SHRINK, DONE, NULL}, /* deletes are exact to the key */
    {"ingest_ratio", OF_MIXED, READ, NULL},
    {"query_ratio", OF_MIXED, READ, NULL},
    {"update_ratio", OF_MIXED, READ, NULL},
    {"operation_mix", OF_MIXED, READ, NULL},
    {"ingest_batch_size", OF_MIXED, TOLD, "batch_size in config"},
    {"query_batch_size", OF_MIXED, TOLD, "batch_size in config"},

    {"tag", OF_CHECKPOINT, COPIED, NULL},
    {"force_gc", OF_CHECKPOINT, READ, NULL},
    {"collect_full_metrics", OF_CHECKPOINT, DONE, NULL},
    {"collect_memory_metrics", OF_CHECKPOINT, DONE, NULL},
    {"analyze_fragmentation", OF_CHECKPOINT, DONE, NULL}, /* of each run, in <name>_phases.json */
    {"detect_memory_leaks", OF_CHECKPOINT, DONE, NULL},
    {"analyze_memory_trends", OF_CHECKPOINT, DONE, NULL},
    {"generate_report", OF_CHECKPOINT, DONE, NULL},
    {"generate_performance_report", OF_CHECKPOINT, DONE, NULL},
    {"compare_with", OF_CHECKPOINT, TOLD, "checks"},
    {"reason", OF_WAIT, DONE, NULL},
    {"wait_for_memory_stable", OF_WAIT, READ, NULL},
    {"memory_stability_window", OF_WAIT, READ, NULL},
    {"max_wait_seconds", OF_WAIT, READ, NULL},
    {"cleanup_type", OF_CLEANUP, READ, NULL},
    {"preserve_connections", OF_CLEANUP, DONE, NULL},
    {"force_cleanup", OF_CLEANUP, DONE, NULL},
};
/* clang-format on */

const struct config_node step_nothing = {.kind = CONFIG_MAP};

/* ---- reading ---- */

void step_refuse(struct translation *t, struct config_mark mark, const char *format, ...)
{
    char what[ERR_TEXT_BYTES];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    if (t->code == OK)
        t->code = config_refuse(t->err, t->name, mark, "%s", what);
}

void step_note(struct translation *t, const struct config_node *node, const char *instead)
{
    const size_t used = strlen(t->ignored);
    if (strstr(t->ignored, node->key) == NULL)
        snprintf(t->ignored + used, t->ignored_bytes - used, "%s%s (instead: %s)",
                 used > 0 ? ", " : "", node->key, instead);
}

const char *step_text(struct translation *t, const struct config_node *node)
{
    if (node->kind == CONFIG_SCALAR && !node->missing)
        return node->text;
    step_refuse(t, node->mark, "%.60s: a value is expected", node->key != NULL ? node->key : "");
    return "";
}

double step_number(struct translation *t, const struct config_node *node)
{
    double number = 0;
    if (!units_parse_real(&number, step_text(t, node)))
        step_refuse(t, node->mark, "%.60s: a number is expected",
                    node->key != NULL ? node->key : "");
    return number;
}

bool step_true(struct translation *t, const struct config_node *node)
{
    static const char *const words[] = {"false", "true", "no", "yes", "off", "on", "0", "1"};
    const char *text = node != NULL ? step_text(t, node) : "false";
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcasecmp(text, words[i]) == 0)
            return i % 2 == 1;
    step_refuse(t, node->mark, "%.60s: true or false is expected", node->key);
    return false;
}

const struct config_node *step_need(struct translation *t, const struct config_node *map,
                                    const char *key)
{
    const struct config_node *node = config_node_get(map, key);
    if (node == NULL)
        step_refuse(t, map->mark, "\"%s\" is missing", key);
    return node != NULL ? node : &step_nothing;
}

static const struct step_key *find_key(const char *key, unsigned place,
                                       struct suggestion *suggestion)
{
    for (size_t i = 0; i < sizeof step_keys / sizeof step_keys[0]; i++) {
        if ((step_keys[i].places & place) == 0)
            continue;
        suggest_offer(suggestion, step_keys[i].key, strlen(step_keys[i].key));
        if (strcmp(step_keys[i].key, key) == 0)
            return &step_keys[i];
    }
    return NULL;
}

/* ---- writing ---- */

struct config_node *step_append(struct translation *t, struct config_node *parent,
                                enum config_kind kind, const char *key,
                                const struct config_node *from)
{
    struct config_node *node =
        t->code == OK ? config_node_append(parent, kind, key, from->mark) : NULL;
    if (node == NULL && t->code == OK)
        t->code = err_set(t->err, E_SYSTEM, "reading %.150s: out of memory", t->name);
    return node;
}

void step_put(struct translation *t, struct config_node *into, const char *key,
              const struct config_node *from, const char *format, ...)
{
    char text[VALUE_BYTES];
    va_list args;
    va_start(args, format);
    const int bytes = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (bytes >= (int)sizeof text)
        step_refuse(t, from->mark, "%s: too long a value", key);
    struct config_node *node = into != NULL ? step_append(t, into, CONFIG_SCALAR, key, from) : NULL;
    if (node == NULL)
        return;
    node->text = strdup(text);
    if (node->text == NULL)
        t->code = err_set(t->err, E_SYSTEM, "reading %.150s: out of memory", t->name);
}

void step_copy(struct translation *t, struct config_node *into, const char *key,
               const struct config_node *from)
{
    struct config_node *node = into != NULL ? step_append(t, into, from->kind, key, from) : NULL;
    if (node == NULL)
        return;
    if (key != NULL && from->key != NULL)
        node->key_mark = from->key_mark;
    node->missing = from->missing;
    node->text = from->text != NULL ? strdup(from->text) : NULL;
    if (from->text != NULL && node->text == NULL)
        t->code = err_set(t->err, E_SYSTEM, "reading %.150s: out of memory", t->name);
    for (size_t i = 0; i < from->count && t->code == OK; i++)
        step_copy(t, node, from->children[i].key, &from->children[i]);
}

/* Each key of the map is one that may stand there; those that are taken as they are go into `into`. */
void step_take_keys(struct translation *t, const struct config_node *map, unsigned place,
                    struct config_node *into)
{
    if (map->kind != CONFIG_MAP)
        step_refuse(t, map->mark, "%.60s: a map is expected", map->key != NULL ? map->key : "");
    for (size_t i = 0; t->code == OK && i < map->count; i++) {
        const struct config_node *node = &map->children[i];
        struct suggestion suggestion = {.wanted = node->key, .wanted_bytes = strlen(node->key)};
        const struct step_key *row = find_key(node->key, place, &suggestion);
        if (row == NULL)
            step_refuse(t, node->key_mark, "%.60s: a key that is not translated here%s%s%s",
                        node->key, SUGGESTED(suggestion.best));
        else if (row->use == COPIED)
            step_copy(t, into, row->text != NULL ? row->text : node->key, node);
        else if (row->use == TOLD)
            step_note(t, node, row->text);
        else if (row->use == NEVER && step_true(t, node))
            step_refuse(t, node->key_mark, "%s: %s", row->key, row->text);
    }
}
