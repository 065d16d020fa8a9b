/* What the scenarios that come with volley promise: how long, how much memory, what they do, and by what they are judged. */
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "orchestrator/scenario/scenario_file.h"
#include "orchestrator/scenario/series.h"
#include "tests/support/check/suite.h"

#define S NS_PER_SECOND
#define GB (1ull << 30)

static struct scenario scenario;
static struct scenario_document document;
static struct err err;

static void tear_down(void)
{
    scenario_free(&scenario, &document);
}

static enum err_code read_source(const struct file_source *source)
{
    scenario_free(&scenario, &document);
    err = (struct err){.code = OK};
    return scenario_read(&scenario, &document, source, &(struct scenario_wish){.scale = 0}, &err);
}

static enum err_code read_text(const char *text)
{
    return read_source(
        &(struct file_source){.name = "f", .text = text, .text_bytes = strlen(text)});
}

struct promise {
    const char *name;
    unsigned minutes, target_gb; /* of each primary, where there are several */
    const char *types[6];        /* of phases */
    const char *phases[6];       /* as they are called, the last turn of a loop among them */
    const char *judged[6];       /* metrics of checks */
};

static const struct promise promises[] = {
    {"memory_fragmentation_analysis",
     45,
     16,
     {"load", "delete-fraction", "overwrite-resize", "hold", "purge", "idle"},
     {"initial_growth", "thin_out_4", "refill_4", "peak_growth", "cleanup", "recovery"},
     {"mem_fragmentation_ratio", "allocator_frag_ratio", "cleanup_efficiency",
      "fragmentation_trend"}},
    {"high_velocity_ingestion",
     30,
     32,
     {"ramp", "load", "hold", "query"},
     {"burst_1", "lull_1", "burst_6", "lull_6", "sustained", "verify"},
     {"throughput", "p99_ms", "alloc_efficiency", "evicted_keys", "stalls", "keyspace_misses"}},
    {"vector_expansion_memory_impact",
     40,
     24,
     {"index-create", "load", "query", "delete-fraction"},
     {"base_load", "base_query", "expand_1", "query_1", "expand_2", "query_2"},
     {"overhead_ratio", "bytes_per_vector", "p99_ms", "recall", "used_memory"}},
    {"memory_leak_detection",
     240,
     8,
     {"load", "parallel", "checkpoint", "delete-fraction", "idle"},
     {"initial_load", "churn_1", "churn_7", "teardown", "final_idle"},
     {"leak_verdict", "evicted_keys", "connected_clients", "p99_ms"}},
    {"production_simulation",
     60,
     12,
     {"load", "ramp", "hold", "expire", "delete-fraction"},
     {"night", "morning", "business_am", "lunch", "business_pm", "evening"},
     {"p99_ms", "hit_rate", "used_memory", "error_rate"}},
    {"cluster_memory_distribution",
     60,
     8,
     {"load", "hold", "rebalance", "failover", "query"},
     {"uniform_load", "skew", "rebalance", "node_failure", "recovery", "search"},
     {"node_memory_cv", "node_memory_max_min", "unavailable_seconds", "lost_writes"}},
    {"index_rebuild_memory_pattern",
     50,
     20,
     {"index-create", "load", "index-drop", "wait-index", "query", "purge"},
     {"drop_1", "make_1_1", "drop_2", "make_2_1", "rebuild_under_write", "optimise"},
     {"spike_ratio", "residual_ratio", "docs_indexed", "recall"}},
    {"continuous_growth",
     22,
     4,
     {"load", "checkpoint", "idle"},
     {"at_1m", "at_2m", "at_3m", "at_5m"},
     {"growth_r2"}},
    {"grow_shrink_grow",
     20,
     4,
     {"load", "delete-fraction", "checkpoint"},
     {"grow", "shrink", "grow_again"},
     {"mem_fragmentation_ratio", "cleanup_efficiency"}},
};

static bool has_type(const char *type)
{
    for (uint32_t i = 0; i < scenario.phase_count; i++)
        if (strcmp(scenario_type_name(scenario.phases[i].type), type) == 0)
            return true;
    return false;
}

static bool has_phase(const char *name)
{
    for (uint32_t i = 0; i < scenario.phase_count; i++)
        if (strcmp(scenario.phases[i].name, name) == 0)
            return true;
    return false;
}

static bool is_judged_by(const char *metric)
{
    for (uint32_t i = 0; i < scenario.check_count; i++)
        if (strcmp(scenario.checks[i].metric, metric) == 0)
            return true;
    return false;
}

LOOP_TEST(shipped_ones_keep_their_promise, sizeof promises / sizeof promises[0])
{
    /* breaks if one takes another time or another amount of memory than it is known for, or no longer does or judges what
     * it is for */
    const struct promise *promise = &promises[_i];
    char path[128];
    snprintf(path, sizeof path, "configs/scenarios/%s.yaml", promise->name);
    ck_assert_msg(read_source(&(struct file_source){.name = path}) == OK, "%s", err.text);
    const uint64_t primaries = scenario.servers.primaries > 0 ? scenario.servers.primaries : 1;
    ck_assert_uint_eq(scenario.stated_duration_ns, promise->minutes * 60 * S);
    ck_assert_uint_eq(scenario.planned_duration_ns, promise->minutes * 60 * S);
    ck_assert_uint_eq(scenario.memory_target_bytes, primaries * promise->target_gb * GB);
    for (size_t i = 0; i < 6 && promise->types[i] != NULL; i++)
        ck_assert_msg(has_type(promise->types[i]), "no phase is a %s", promise->types[i]);
    for (size_t i = 0; i < 6 && promise->phases[i] != NULL; i++)
        ck_assert_msg(has_phase(promise->phases[i]), "there is no %s", promise->phases[i]);
    for (size_t i = 0; i < 6 && promise->judged[i] != NULL; i++)
        ck_assert_msg(is_judged_by(promise->judged[i]), "%s is not looked at", promise->judged[i]);
}

TEST(what_stands_for_garbage_collection_is_sampled)
{
    /* breaks if what a server without a garbage collector does in its place, or what its allocator says, is not seen */
    static const char *const names[] = {"lazyfree_pending_objects",
                                        "active_defrag_running",
                                        "evicted_keys",
                                        "rss_mb",
                                        "active_mb",
                                        "resident_mb",
                                        "allocated_mb",
                                        "used_memory",
                                        "used_cpu_sys"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        enum series_metric metric;
        double divisor;
        ck_assert_msg(series_metric_find(&metric, &divisor, names[i]), "%s", names[i]);
    }
}

TEST(intervals_of_samples)
{
    /* breaks if samples are taken at another interval than the file says, or one is taken that is too short */
    ck_assert_int_eq(read_text("name: s\nphases: [{name: a, type: idle, duration: 1}]\n"), OK);
    ck_assert_uint_eq(scenario.sample_interval_ns, S);
    ck_assert_int_eq(
        read_text("name: s\nsample_interval: 10\nphases: [{name: a, type: idle, duration: 1}]\n"),
        OK);
    ck_assert_uint_eq(scenario.sample_interval_ns, 10 * S);
    ck_assert_int_eq(
        read_text("name: s\nsample_interval: 0.1\nphases: [{name: a, type: idle, duration: 1}]\n"),
        OK);
    ck_assert_uint_eq(scenario.sample_interval_ns, S / 10);
    ck_assert_int_eq(
        read_text("name: s\nsample_interval: 0.05\nphases: [{name: a, type: idle, duration: 1}]\n"),
        E_CONFIG);
    ck_assert_ptr_nonnull(strstr(err.text, "f:2:18: sample_interval: 0.05"));
}

TEST(json_is_taken_as_well)
{
    /* breaks if a scenario of either format is refused because it is written as JSON */
    ck_assert_msg(read_text("{\"name\": \"s\", \"duration\": 5, \"phases\": [{\"name\": \"a\", "
                            "\"type\": \"idle\", \"duration\": 5}]}") == OK,
                  "%s", err.text);
    ck_assert_uint_eq(scenario.phases[0].duration_ns, 5 * S);
    ck_assert_msg(read_text("{\"name\": \"s\", \"dataset\": \"sift-1m\", \"steps\": [{\"name\": "
                            "\"a\", \"type\": \"wait\", \"duration_seconds\": 5}]}") == OK,
                  "%s", err.text);
    ck_assert_uint_eq(scenario.phases[0].duration_ns, 5 * S);
}

TEST_SUITE_WITH(scenario_library, .tear_down = tear_down)
