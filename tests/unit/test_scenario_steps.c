/* Files of `steps`: which phases they become, what is refused of them and where. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "orchestrator/scenario/scenario_file.h"
#include "orchestrator/scenario/scenario_steps.h"
#include "orchestrator/scenario/vector_shape.h"
#include "tests/support/check/suite.h"

#define S NS_PER_SECOND

static struct scenario scenario;
static struct scenario_document document;
static struct file tree;
static char ignored[256];
static struct err err;

static void teardown(void)
{
    scenario_free(&scenario, &document);
    file_free(&tree);
}

static enum err_code read_text(const char *text)
{
    const struct file_source source = {.name = "f", .text = text, .text_bytes = strlen(text)};
    scenario_free(&scenario, &document);
    err = (struct err){.code = OK};
    return scenario_read(&scenario, &document, &source, &(struct scenario_wish){.scale = 0}, &err);
}

static void ck_read(const char *text)
{
    const enum err_code code = read_text(text);
    ck_assert_msg(code == OK, "%s: %s", text, err.text);
}

/* The tree alone: of what the reader may not know yet. */
static void ck_translate(const char *text)
{
    const struct file_source source = {.name = "f", .text = text, .text_bytes = strlen(text)};
    file_free(&tree);
    err = (struct err){.code = OK};
    enum err_code code = file_parse(&tree, &scenario_file_kind, &source, &err);
    if (code == OK)
        code = scenario_steps_translate(&tree, ignored, sizeof ignored, &err);
    ck_assert_msg(code == OK, "%s: %s", text, err.text);
}

static const struct config_node *phase_at(const struct config_node *map, const char *list,
                                          size_t index)
{
    const struct config_node *phases = config_node_get(map, list);
    ck_assert_ptr_nonnull(phases);
    ck_assert_uint_gt(phases->count, index);
    return &phases->children[index];
}

static void ck_value(const struct config_node *map, const char *key, const char *value)
{
    const struct config_node *node = config_node_get(map, key);
    ck_assert_msg(node != NULL && node->text != NULL, "there is no %s", key);
    ck_assert_str_eq(node->text, value);
}

static const struct phase *phase_named(const char *name)
{
    for (uint32_t i = 0; i < scenario.phase_count; i++)
        if (strcmp(scenario.phases[i].name, name) == 0)
            return &scenario.phases[i];
    ck_abort_msg("no phase %s", name);
    return NULL;
}

#define FILE_OF(steps) "name: s\ndataset: sift-1m\nsteps: [" steps "]\n"
#define INGEST "{name: grow, type: workload, workload: ingest, parameters: {target_vectors: 1000}}"

static const char published[] =
    "name: memory_growth\n"
    "description: what the documentation of that format shows\n"
    "dataset: openai-5m\n"
    "timeout_seconds: 3600\n"
    "global_config:\n"
    "  n_threads: 8\n"
    "  n_clients: 1000\n"
    "  batch_size: 1000\n"
    "  operation_timeout: 30.0\n"
    "  step_timeout: 1800\n"
    "  max_memory_usage_mb: 8192\n"
    "  metrics_collection_interval: 10.0\n"
    "  continue_on_error: true\n"
    "metadata: {author: someone, tags: [memory]}\n"
    "steps:\n"
    "  - name: initial_load\n"
    "    type: workload\n"
    "    workload: ingest\n"
    "    description: the first vectors\n"
    "    parameters: {target_vectors: 500000, start_index: 0, shuffle: false, validate_ingestion: "
    "true}\n"
    "  - name: baseline\n"
    "    type: checkpoint\n"
    "    parameters: {collect_full_metrics: true, force_gc: true, tag: base}\n"
    "  - name: queries\n"
    "    type: workload\n"
    "    workload: query\n"
    "    duration_seconds: 300\n"
    "    config: {n_clients: 16, batch_size: 1, continue_on_error: false}\n"
    "    parameters: {query_k: 10, query_vectors: 1000, queries_per_second: 100, verify_results: "
    "true}\n"
    "  - name: mix\n"
    "    type: workload\n"
    "    workload: mixed\n"
    "    duration_seconds: 600\n"
    "    parameters: {ingest_ratio: 0.3, query_ratio: 0.6, update_ratio: 0.1, query_k: 10}\n"
    "  - name: other_mix\n"
    "    type: workload\n"
    "    workload: mixed\n"
    "    duration_seconds: 60\n"
    "    parameters: {operation_mix: [50, 30, 20]}\n"
    "  - name: shrink\n"
    "    type: workload\n"
    "    workload: shrink\n"
    "    timeout_seconds: 900\n"
    "    parameters: {target_vectors: 250000, removal_strategy: oldest, batch_size: 10}\n"
    "    error_handling: {on_failure: stop, max_retries: 3}\n"
    "  - name: half\n"
    "    type: workload\n"
    "    workload: shrink\n"
    "    parameters: {target_reduction: 0.5}\n"
    "  - {name: rest, type: wait, duration_seconds: 60, parameters: {reason: settle}}\n"
    "  - name: calm\n"
    "    type: wait\n"
    "    parameters: {wait_for_memory_stable: true, memory_stability_window: 20, max_wait_seconds: "
    "300}\n"
    "  - name: below\n"
    "    type: wait\n"
    "    duration_seconds: 30\n"
    "    wait_condition: {metric: memory_usage_mb, operator: less_than, value: 4096}\n"
    "  - name: again\n"
    "    type: loop\n"
    "    iterations: 3\n"
    "    steps:\n"
    "      - {name: some, type: workload, workload: ingest, max_operations: 100, duration_seconds: "
    "5}\n"
    "      - {name: look, type: checkpoint, parameters: {tag: \"turn_${loop_index}\"}}\n"
    "      - {name: breath, type: wait, duration_seconds: 1, parameters: {reason: \"turn "
    "${loop_index}\"}}\n"
    "  - {name: away, type: cleanup, parameters: {cleanup_type: full, preserve_connections: "
    "true}}\n";

TEST(steps_become_phases)
{
    /* breaks if a step, a parameter or a default of a file of steps is taken for something else */
    ck_read(published);
    ck_assert_uint_eq(scenario.phase_count, 11 + 3 * 3 + 1);
    ck_assert_uint_eq(scenario.memory_target_bytes, 8192ull << 20);
    ck_assert_uint_eq(scenario.sample_interval_ns, 10 * S);
    ck_assert_uint_eq(scenario.check_count, 1);
    ck_assert_double_eq(scenario.checks[0].value, (double)(8192ull << 20));
    const struct phase *load = phase_named("initial_load");
    ck_assert_int_eq(load->type, PHASE_LOAD);
    ck_assert_str_eq(load->until.text, "keys>=500000");
    ck_assert_uint_eq(load->clients, 1000);
    ck_assert_uint_eq(load->pipeline, 64);
    ck_assert_uint_eq(load->duration_ns, 1800 * S);
    ck_assert_uint_eq(load->value_size.least_bytes, 4u * 1536);
    ck_assert(load->continue_on_error);
    ck_assert_int_eq(phase_named("baseline_purge")->type, PHASE_PURGE);
    ck_assert_str_eq(phase_named("baseline")->tag, "base");
    const struct phase *queries = phase_named("queries");
    ck_assert_int_eq(queries->type, PHASE_QUERY);
    ck_assert_double_eq(queries->qps, 100);
    ck_assert_uint_eq(queries->clients, 16);
    ck_assert_uint_eq(queries->pipeline, 1);
    ck_assert_uint_eq(queries->duration_ns, 300 * S);
    ck_assert(queries->verify && !queries->continue_on_error);
    const struct phase *mix = phase_named("mix");
    ck_assert_int_eq(mix->type, PHASE_HOLD);
    ck_assert_uint_eq(mix->mix_count, 3);
    ck_assert_int_eq(mix->mix[2].operation, OPERATION_UPDATE);
    ck_assert_double_eq(mix->mix[2].weight, 0.1);
    ck_assert_int_eq(phase_named("other_mix")->mix[2].operation, OPERATION_DEL);
    const struct phase *shrink = phase_named("shrink");
    ck_assert_int_eq(shrink->type, PHASE_DELETE);
    ck_assert(shrink->has_keep && !shrink->continue_on_error);
    ck_assert_uint_eq(shrink->keep, 250000);
    ck_assert_int_eq(shrink->strategy, LIVE_PICK_OLDEST);
    ck_assert_uint_eq(shrink->pipeline, 10);
    ck_assert_uint_eq(shrink->duration_ns, 900 * S);
    ck_assert_double_eq(phase_named("half")->fraction, 0.5);
    ck_assert_uint_eq(phase_named("rest")->duration_ns, 60 * S);
    ck_assert_uint_eq(phase_named("calm")->stable.window_ns, 20 * S);
    ck_assert_uint_eq(phase_named("calm")->stable.max_ns, 300 * S);
    ck_assert_str_eq(phase_named("below")->until.text, "used_memory<4096mb");
    ck_assert_uint_eq(phase_named("some_3")->keys, 100);
    ck_assert_str_eq(phase_named("look_2")->tag, "turn_2");
    ck_assert(!phase_named("away")->flush_all);
    ck_assert_ptr_nonnull(
        strstr(document.ignored, "operation_timeout (instead: --request-timeout)"));
    ck_assert_ptr_nonnull(strstr(document.ignored, "n_threads (instead: --threads)"));
}

TEST(index_and_branches)
{
    /* breaks if an index, parallel steps or a condition become other phases than those that carry them out */
    ck_translate(
        "name: s\n"
        "index: {algorithm: HNSW, dimensions: 64, distance_metric: L2, m: 16, ef_runtime: 10}\n"
        "steps:\n"
        "  - {name: both, type: parallel, steps: [{name: grow, type: workload, workload: ingest, "
        "max_operations: 9}"
        ", {name: q, type: workload, workload: query, duration_seconds: 3, parameters: {k: 5, "
        "verify_results: yes}}]}\n"
        "  - name: check\n"
        "    type: conditional\n"
        "    condition: {metric: memory_usage_mb, operator: greater_than, value: 4096}\n"
        "    if_true: [{name: c, type: cleanup, parameters: {cleanup_type: index_only}}]\n"
        "    if_false: [{name: w, type: wait, duration_seconds: 1}]\n");
    const struct config_node *index = phase_at(&tree.root, "phases", 0);
    ck_value(index, "type", "index-create");
    ck_value(index, "algo", "hnsw");
    ck_value(index, "metric", "l2");
    ck_value(index, "dimensions", "64");
    ck_value(index, "m", "16");
    const struct config_node *both = phase_at(&tree.root, "phases", 1);
    ck_value(both, "type", "parallel");
    ck_value(phase_at(both, "phases", 0), "datatype", "vector");
    ck_value(phase_at(both, "phases", 0), "dimensions", "64");
    ck_value(phase_at(both, "phases", 1), "k", "5");
    ck_value(phase_at(both, "phases", 1), "verify", "recall");
    const struct config_node *check = phase_at(&tree.root, "phases", 2);
    ck_value(check, "type", "conditional");
    ck_value(check, "metric", "used_memory");
    ck_value(check, "op", ">");
    ck_value(check, "value", "4096mb");
    ck_value(phase_at(check, "if_true", 0), "type", "index-drop");
    ck_value(phase_at(check, "if_true", 0), "keep_docs", "true");
    ck_value(phase_at(check, "if_false", 0), "duration", "1");
    ck_assert_str_eq(ignored, "");
}

TEST(branches_are_read)
{
    /* breaks if parallel steps or a condition become phases that the reader refuses */
    ck_read(FILE_OF(
        INGEST ", {name: both, type: parallel, steps: ["
               "{name: a, type: workload, workload: query, duration_seconds: 3}, "
               "{name: b, type: workload, workload: mixed, duration_seconds: 5, parameters: "
               "{ingest_ratio: 1}}]}, "
               "{name: check, type: conditional, condition: {metric: memory_usage_mb, operator: "
               "less_than, value: 4}, if_true: [{name: w, type: wait, duration_seconds: 1}]}"));
    ck_assert_int_eq(phase_named("both")->type, PHASE_PARALLEL);
    ck_assert_uint_eq(phase_named("both")->child_count, 2);
    ck_assert_uint_eq(phase_named("both")->duration_ns, 5 * S);
    ck_assert_double_eq(phase_named("check")->test.value, 4 * 1048576.0);
    ck_assert_int_eq(phase_named("check")->test.operator, CHECK_LT);
    ck_assert_uint_gt(phase_named("w")->condition_place, 0);
}

static const struct {
    const char *text, *error;
} bad[] = {
    /* this file's own refusals */
    {"name: s\nphases: []\nsteps: []\ndataset: sift-1m\n",
     "f:2:1: phases and steps exclude each other"},
    {"name: s\nsteps: [" INGEST "]\n", "f:1:1: \"dataset\" is missing"},
    {"name: s\ndataset: sift-2m\nsteps: [" INGEST "]\n",
     "f:2:10: dataset: there is no dataset sift-2m"},
    {"name: s\ndataset: ./v.fvecs\nsteps: [" INGEST "]\n", "files of vectors are not read"},
    {"name: s\ndataset: synthetic-0\nsteps: [" INGEST "]\n", "allowed: synthetic-1 to"},
    {"name: s\ndataset: sift-1m\nsteps: 3\n", "f:3:8: steps: a list of steps is expected"},
    {FILE_OF("3"), "f:3:9: a step is a map"},
    {FILE_OF("{type: wait}"), "f:3:9: \"name\" is missing"},
    {FILE_OF("{name: a}"), "f:3:9: \"type\" is missing"},
    {FILE_OF("{name: a, type: wiat}"), "f:3:25: type: wiat: known are workload, wait"},
    {FILE_OF("{name: a, type: wiat}"), "did you mean wait?"},
    {FILE_OF("{name: a, type: workload}"), "\"workload\" is missing"},
    {FILE_OF("{name: a, type: workload, workload: ingests}"), "did you mean ingest?"},
    {FILE_OF("{name: a, type: workload, workload: ingest}"), "\"target_vectors\" is missing"},
    {FILE_OF("{name: a, type: workload, workload: ingest, parameters: {target_vectrs: 1}}"),
     "f:3:66: target_vectrs: a key that is not translated here; did you mean target_vectors?"},
    {FILE_OF("{name: a, type: workload, workload: ingest, parameters: {target_vectors: 1, shuffle: "
             "true}}"),
     "shuffle: new keys come in ascending order"},
    {FILE_OF("{name: a, type: workload, workload: ingest, parameters: {target_vectors: 1, "
             "start_index: 5}}"),
     "start_index: true or false"},
    {FILE_OF(INGEST ", {name: a, type: workload, workload: query}"),
     "\"duration_seconds\" is missing"},
    {FILE_OF(
         INGEST
         ", {name: a, type: workload, workload: query, duration_seconds: 1, max_operations: 1}"),
     "max_operations: only ingest ends by it"},
    {FILE_OF(INGEST ", {name: a, type: workload, workload: shrink}"),
     "shrink takes one of target_vectors"},
    {FILE_OF(INGEST ", {name: a, type: workload, workload: shrink, parameters: {target_vectors: 1, "
                    "target_reduction: 0.1}}"),
     "shrink takes either target_vectors"},
    {FILE_OF(INGEST ", {name: a, type: workload, workload: mixed, duration_seconds: 1}"),
     "mixed takes ingest_ratio"},
    {FILE_OF(INGEST ", {name: a, type: workload, workload: mixed, duration_seconds: 1, parameters: "
                    "{operation_mix: [1, 2]}}"),
     "operation_mix: three percents"},
    {FILE_OF(INGEST ", {name: a, type: workload, workload: mixed, duration_seconds: 1, parameters: "
                    "{operation_mix: [1, 2, 3], query_ratio: 1}}"),
     "query_ratio and operation_mix exclude"},
    {FILE_OF("{name: a, type: wait}"), "\"duration_seconds\" is missing: how long it waits"},
    {FILE_OF("{name: a, type: cleanup, parameters: {cleanup_type: partial}}"),
     "cleanup_type: partial: known"},
    {FILE_OF("{name: a, type: cleanup, parameters: {cleanup_type: index_only}}"),
     "the file has no index"},
    {FILE_OF("{name: a, type: wait, duration_seconds: 1, error_handling: {on_failure: retry}}"),
     "f:3:81: on_failure: retry: no phase is carried out twice"},
    {FILE_OF("{name: a, type: parallel, steps: [" INGEST "]}"),
     "\"duration_seconds\" is missing: how long they last"},
    {FILE_OF("{name: a, type: parallel, duration_seconds: 5, steps: [" INGEST "]}"),
     "target_vectors: beside other steps take max_operations"},
    {FILE_OF("{name: a, type: conditional, condition: {metric: keys}}"), "\"operator\" is missing"},
    {"name: s\ndataset: sift-1m\nglobal_config: {n_clients_per_thread: few}\nsteps: [" INGEST "]\n",
     "n_clients_per_thread: a number is expected"},
    {"name: s\ndataset: sift-1m\nmemory_target: 1gb\nglobal_config: {max_memory_usage_mb: "
     "8}\nsteps: [" INGEST "]\n",
     "f:4:17: max_memory_usage_mb and memory_target exclude each other"},
    {"name: s\ndataset: sift-1m\nindex: {distance_metric: L3}\nsteps: [" INGEST "]\n",
     "distance_metric: L3: known are L2, IP, COSINE"},
    /* the tables' refusals, at the user's place */
    {FILE_OF("{name: a, type: workload, workload: ingest, parameters: {target_vectors: many}}"),
     "f:3:82: until: keys>=many"},
    {FILE_OF(INGEST ", {name: grow, type: wait, duration_seconds: 1}"),
     "there is a phase or loop grow"},
    {FILE_OF("{name: a, type: wait, duration_seconds: -1}"), "f:3:49: duration: -1"},
    {FILE_OF("{name: a, type: loop, steps: [" INGEST "]}"), "\"iterations\" is missing"},
    {FILE_OF("{name: a, type: workload, workload: query, duration_seconds: 1}"),
     "there are no keys yet"},
};

LOOP_TEST(refused_at_its_place, sizeof bad / sizeof bad[0])
{
    /* breaks if what cannot be translated is accepted, or told of another place than that of the user's file */
    ck_assert_msg(read_text(bad[_i].text) == E_CONFIG, "%s: accepted", bad[_i].text);
    ck_assert_msg(strstr(err.text, bad[_i].error) != NULL, "%s: %s", bad[_i].error, err.text);
}

/* What becomes of a key. In the file of steps that `config` and `step` are put into, the phase behind `grow` gets `key`, of
 * a map within it as "mix.load"; key NULL: nothing follows from it; TELLS: a notice has `value`. */
#define TELLS "(notice)"
#define STEP(text) "{name: a, " text "}"
#define INGEST_OF(text)                                                                            \
    STEP("type: workload, workload: ingest, parameters: {target_vectors: 2k, " text "}")
#define QUERY_OF(text)                                                                             \
    STEP("type: workload, workload: query, duration_seconds: 5, parameters: {" text "}")
#define SHRINK_OF(text) STEP("type: workload, workload: shrink, parameters: {" text "}")
#define MIXED_OF(text)                                                                             \
    STEP("type: workload, workload: mixed, duration_seconds: 5, parameters: {" text "}")
#define CHECKPOINT_OF(text) STEP("type: checkpoint, parameters: {" text "}")
#define WAIT_OF(text) STEP("type: wait, parameters: {" text "}")
#define REST "{name: rest, type: wait, duration_seconds: 5}"
static const struct {
    const char *config, *step, *key, *value;
} translated[] = {
    {"", INGEST_OF(""), "type", "load"},
    {"", INGEST_OF(""), "until", "keys>=2k"},
    {"", INGEST_OF("batch_size: 8"), "pipeline", "8"},
    {"", INGEST_OF("batch_size: 1000"), "pipeline", "64"},
    {"", INGEST_OF("start_index: 0, shuffle: false"), "shuffle", NULL},
    {"", INGEST_OF("validate_ingestion: true"), "validate_ingestion", NULL},
    {"", QUERY_OF(""), "type", "query"},
    {"", QUERY_OF("queries_per_second: 70"), "qps", "70"},
    {"", QUERY_OF("query_vectors: 100, record_latencies: true"), "query_vectors", NULL},
    {"", QUERY_OF("verify_results: true"), "verify", "checksum"},
    {"index", QUERY_OF("verify_results: true"), "verify", "recall"},
    {"index", QUERY_OF("query_k: 7"), "k", "7"},
    {"index", QUERY_OF("k: 8"), "k", "8"},
    {"", SHRINK_OF("target_vectors: 500"), "type", "delete-fraction"},
    {"", SHRINK_OF("target_vectors: 500"), "keep", "500"},
    {"", SHRINK_OF("target_reduction: 0.25"), "fraction", "0.25"},
    {"", SHRINK_OF("target_vectors: 5, removal_strategy: random"), "strategy", "random"},
    {"", SHRINK_OF("target_vectors: 5, removal_strategy: oldest"), "strategy", "oldest"},
    {"", SHRINK_OF("target_vectors: 5, removal_strategy: newest"), "strategy", "newest"},
    {"", SHRINK_OF("target_vectors: 5, batch_size: 3"), "pipeline", "3"},
    {"", SHRINK_OF("target_vectors: 5, verify_removal: true"), "verify_removal", NULL},
    {"", MIXED_OF("ingest_ratio: 0.2, query_ratio: 0.7, update_ratio: 0.1"), "mix.load", "0.2"},
    {"", MIXED_OF("ingest_ratio: 0.2, query_ratio: 0.7, update_ratio: 0.1"), "mix.get", "0.7"},
    {"", MIXED_OF("ingest_ratio: 0.2, query_ratio: 0.7, update_ratio: 0.1"), "mix.update", "0.1"},
    {"", MIXED_OF("operation_mix: [50, 30, 20]"), "mix.load", "50"},
    {"", MIXED_OF("operation_mix: [50, 30, 20]"), "mix.get", "30"},
    {"", MIXED_OF("operation_mix: [50, 30, 20]"), "mix.del", "20"},
    {"", CHECKPOINT_OF("tag: x"), "tag", "x"},
    {"", CHECKPOINT_OF("force_gc: true"), "type", "purge"},
    {"", CHECKPOINT_OF("collect_full_metrics: true, analyze_fragmentation: true"), "tag", NULL},
    {"", CHECKPOINT_OF("detect_memory_leaks: true, analyze_memory_trends: true"), "tag", NULL},
    {"", CHECKPOINT_OF("generate_report: true"), "generate_report", NULL},
    {"", CHECKPOINT_OF("compare_with: b"), TELLS, "compare_with (instead: checks)"},
    {"", WAIT_OF("duration_seconds: 7, reason: r"), "duration", "7"},
    {"", WAIT_OF("wait_for_memory_stable: true, max_wait_seconds: 9"), "duration", "9"},
    {"", WAIT_OF("wait_for_memory_stable: true, max_wait_seconds: 9"), "wait_stable.window", "30"},
    {"", WAIT_OF("wait_for_memory_stable: true, memory_stability_window: 4, max_wait_seconds: 9"),
     "wait_stable.window", "4"},
    {"",
     STEP("type: wait, timeout_seconds: 3, wait_condition: {metric: vector_count, operator: "
          "greater_than_or_equal, value: 9}"),
     "until", "keys>=9"},
    {"", STEP("type: cleanup, parameters: {cleanup_type: full, force_cleanup: true}"), "type",
     "flush"},
    {"", STEP("type: loop, iterations: 3, steps: [" REST "]"), "iterations", "3"},
    {"",
     STEP("type: conditional, condition: {metric: memory_fragmentation, operator: equals, "
          "value: 1}, if_true: [" REST "]"),
     "op", "=="},
    {"", STEP("type: wait, duration_seconds: 1, error_handling: {on_failure: continue}"),
     "on_error", "continue"},
    {"", STEP("type: wait, duration_seconds: 1, error_handling: {on_failure: stop}"), "on_error",
     "stop"},
    {"", STEP("type: wait, duration_seconds: 1, error_handling: {retry_delay: 2}"), TELLS,
     "retry_delay (instead: a request that fails is counted)"},
    {"n_clients: 7", QUERY_OF(""), "clients", "7"},
    {"n_threads: 2, n_clients_per_thread: 5", QUERY_OF(""), "clients", "10"},
    {"n_threads: 2", QUERY_OF(""), TELLS, "n_threads (instead: --threads)"},
    {"batch_size: 9", QUERY_OF(""), "pipeline", "9"},
    {"batch_size: 9",
     STEP("type: workload, workload: query, duration_seconds: 5, config: "
          "{batch_size: 2}"),
     "pipeline", "2"},
    {"step_timeout: 50", INGEST_OF(""), "duration", "50"},
    {"step_timeout: 50", STEP("type: wait, wait_condition: \"keys>=1\""), "until", "keys>=1"},
    {"continue_on_error: true", REST, "on_error", "continue"},
    {"operation_timeout: 3", REST, TELLS, "operation_timeout (instead: --request-timeout)"},
    {"max_retries: 3", REST, TELLS, "max_retries (instead: a request that fails is counted)"},
    {"retry_delay: 3", REST, TELLS, "retry_delay (instead: a request that fails is counted)"},
};

LOOP_TEST(every_key_becomes_something, sizeof translated / sizeof translated[0])
{
    /* breaks if a key of that format is taken for something else, or passed over without a word */
    const bool index = strcmp(translated[_i].config, "index") == 0;
    const char *key = translated[_i].key, *value = translated[_i].value;
    char text[1024], map[32];
    snprintf(text, sizeof text, "name: s\ndataset: sift-1m\n%s%s%s%ssteps: [" INGEST ", %s]\n",
             index ? "index: {algorithm: HNSW}" : "global_config: {",
             index ? "" : translated[_i].config, index ? "" : "}", "\n", translated[_i].step);
    ck_translate(text);
    if (strcmp(key, TELLS) == 0) {
        ck_assert_msg(strstr(ignored, value) != NULL, "%s: %s", text, ignored);
        return;
    }
    const struct config_node *phase = phase_at(&tree.root, "phases", index ? 2 : 1);
    const size_t map_bytes = strcspn(key, ".");
    snprintf(map, sizeof map, "%.*s", (int)map_bytes, key);
    if (key[map_bytes] == '.') {
        phase = config_node_get(phase, map);
        ck_assert_ptr_nonnull(phase);
        key += map_bytes + 1;
    }
    if (value != NULL)
        ck_value(phase, key, value);
    else
        ck_assert_ptr_null(config_node_get(phase, key));
    ck_read(text);
}

static const struct {
    const char *theirs, *key, *value;
} index_keys[] = {
    {"algorithm: HNSW", "algo", "hnsw"},
    {"algorithm: FLAT", "algo", "flat"},
    {"distance_metric: L2", "metric", "l2"},
    {"distance_metric: IP", "metric", "ip"},
    {"distance_metric: COSINE", "metric", "cosine"},
    {"m: 24", "m", "24"},
    {"ef_construction: 150", "ef_construction", "150"},
    {"ef_runtime: 50", "ef_runtime", "50"},
    {"dimensions: 32", "dimensions", "32"},
    {"m: 24", "timeout", "10"},
};

LOOP_TEST(every_key_of_an_index, sizeof index_keys / sizeof index_keys[0])
{
    /* breaks if an index is made otherwise than the file says */
    char text[256];
    snprintf(text, sizeof text, "name: s\ndataset: sift-1m\nindex: {%s}\nsteps: [" INGEST "]\n",
             index_keys[_i].theirs);
    ck_translate(text);
    ck_value(phase_at(&tree.root, "phases", 0), index_keys[_i].key, index_keys[_i].value);
    ck_read(text);
}

/* Sections of that tool's config file, which is none of a scenario's. */
static const char *const of_a_config_file[] = {"redis", "valkey", "workload", "monitoring",
                                               "output"};

LOOP_TEST(a_config_file_is_no_scenario, sizeof of_a_config_file / sizeof of_a_config_file[0])
{
    /* breaks if a section that says which server is meant, or where files go, is passed over without a word */
    char text[256], said[64];
    snprintf(text, sizeof text, "name: s\ndataset: sift-1m\n%s: {host: h}\nsteps: [" INGEST "]\n",
             of_a_config_file[_i]);
    snprintf(said, sizeof said, "f:3:1: %s: ", of_a_config_file[_i]);
    ck_assert_int_eq(read_text(text), E_CONFIG);
    ck_assert_msg(strstr(err.text, said) != NULL, "%s", err.text);
}

TEST(shapes)
{
    /* breaks if a set of vectors gets another shape than the one it is known by */
    struct vector_shape shape;
    ck_assert_int_eq(vector_shape_find(&shape, "openai-5m", &err), OK);
    ck_assert_uint_eq(shape.dimensions, 1536);
    ck_assert_uint_eq(shape.vectors, 5000000);
    ck_assert_int_eq(vector_shape_find(&shape, "synthetic-3", &err), OK);
    ck_assert_uint_eq(shape.dimensions, 3);
}

TEST_SUITE_WITH(scenario_steps, .tear_down = teardown)
