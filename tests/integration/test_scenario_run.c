/* `volley run scenario`: phases on a real server, and what is written of them. */
#include <dirent.h>
#include <jansson.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/check/at_server.h"
#include "tests/support/check/printed.h"
#include "tests/support/check/report_fixture.h"
#include "tests/support/check/suite.h"
#include "tests/support/check/temp_tree.h"

static struct temp_tree tree;
static char file[200], directory[400];
static struct program program;
static json_t *phases;

static void set_up(void)
{
    at_server_set_up();
    temp_tree_make(&tree);
    snprintf(file, sizeof file, "%s/s.yaml", tree.path);
}

static void tear_down(void)
{
    json_decref(phases);
    phases = NULL;
    program_free(&program);
    temp_tree_remove(&tree);
    at_server_tear_down();
}

static void write_scenario(const char *text)
{
    temp_tree_write(&tree, "/s.yaml", text, 0600);
}

/* The only directory of a run below the output's. */
static void find_directory(void)
{
    char out[200];
    snprintf(out, sizeof out, "%s/out", tree.path);
    DIR *listing = opendir(out);
    ck_assert_ptr_nonnull(listing);
    const struct dirent *entry;
    unsigned count = 0;
    while ((entry = readdir(listing)) != NULL)
        if (entry->d_name[0] != '.') {
            snprintf(directory, sizeof directory, "%.150s/%.200s", out, entry->d_name);
            count++;
        }
    closedir(listing);
    ck_assert_uint_eq(count, 1);
}

static json_t *load_json(const char *name)
{
    char path[700];
    json_error_t error;
    snprintf(path, sizeof path, "%s/%s", directory, name);
    json_t *root = json_load_file(path, 0, &error);
    ck_assert_msg(root != NULL, "%s: %s", path, error.text);
    return root;
}

#define RUN(...)                                                                                   \
    do {                                                                                           \
        char out_[220];                                                                            \
        snprintf(out_, sizeof out_, "%s/out", tree.path);                                          \
        program_run_volley(&program, "run", "scenario", file, "-o", out_, "--cpus", "none",        \
                           __VA_ARGS__, NULL);                                                     \
    } while (0)
#define AT_SERVER "-p", server.port_text

static void expect_status(int status)
{
    ck_assert_msg(program.exit_status == status, "status %d, not %d:\n%s\n%s", program.exit_status,
                  status, program.out, program.err);
}

static void load_phases(const char *scenario)
{
    char name[100];
    find_directory();
    snprintf(name, sizeof name, "%s_phases.json", scenario);
    phases = load_json(name);
}

/* A number of a phase. */
static double of_phase(const char *name, const char *key)
{
    size_t i;
    const json_t *phase;
    json_array_foreach(json_object_get(phases, "phases"), i, phase)
    {
        if (strcmp(json_string_value(json_object_get(phase, "name")), name) != 0)
            continue;
        const json_t *value = json_object_get(phase, key);
        ck_assert_msg(json_is_number(value), "phase %s has no %s", name, key);
        return json_number_value(value);
    }
    ck_abort_msg("there is no phase %s", name);
}

static const char shrinking[] =
    "name: shrinking\n"
    "description: keys come and go\n"
    "memory_target: 32mb\n"
    "sample_interval: 0.2\n"
    "phases:\n"
    "  - {name: empty, type: checkpoint, tag: empty}\n"
    "  - {name: grow, type: load, keys: 20000, value_size: 100-200, clients: 4, pipeline: 8}\n"
    "  - {name: thirds, type: delete-fraction, fraction: 0.3333, strategy: \"stride:3\"}\n"
    "  - {name: resize, type: overwrite-resize, fraction: 0.5, strategy: random, size_factor: 2}\n"
    "  - {name: look, type: query, duration: 1, verify: checksum}\n"
    "  - {name: busy, type: mixed, duration: 1, mix: {load: 50, get: 30, del: 20}, qps: 2000}\n"
    "  - {name: oldest, type: delete-fraction, fraction: 0.5, strategy: oldest, unlink: true}\n"
    "  - {name: some, type: delete-fraction, keep: 4000}\n"
    "  - {name: gone, type: expire, fraction: 0.25, ttl: 1, wait: true, duration: 10}\n"
    "  - {name: purge, type: purge, memory_purge: true}\n"
    "  - {name: own, type: flush, scope: own}\n"
    "checks:\n"
    "  - {metric: evicted_keys, agg: delta, phase: all, op: \"==\", value: 0}\n"
    "  - {metric: error_rate, phase: all, op: \"<=\", value: 0}\n";

/* What the live map says at the end of a phase is what the server has. */
static void ck_keys(const char *name)
{
    const long long keys = (long long)of_phase(name, "keys_after");
    ck_assert_msg((long long)of_phase(name, "server_keys_after") == keys + 1, /* a foreign one */
                  "%s: the server has %f keys, the map %lld", name,
                  of_phase(name, "server_keys_after"), keys);
}

TEST(deletes_are_exact_to_the_key)
{
    /* breaks when a phase deletes, expires or keeps one key more or fewer than it says, or touches foreign ones */
    write_scenario(shrinking);
    free(test_server_text(&server, "SET foreign 1"));
    RUN(AT_SERVER, "--processes", "2");
    expect_status(0);
    load_phases("shrinking");
    ck_assert_int_eq(test_server_integer(&server, "DBSIZE"), 1);
    ck_assert_int_eq((int)of_phase("grow", "keys_after"), 20000);
    ck_assert_int_eq((int)of_phase("thirds", "keys_after"), 20000 - 6666);
    ck_assert_int_eq((int)of_phase("resize", "keys_after"), 20000 - 6666);
    ck_assert_int_eq((int)of_phase("resize", "requests_ok"), 6667);
    ck_assert_int_gt((int)of_phase("look", "requests_ok"), 100);
    ck_assert_int_eq((int)of_phase("look", "requests_failed"), 0);
    ck_assert_double_eq_tol(of_phase("look", "rate") * of_phase("look", "load_seconds"),
                            of_phase("look", "requests_ok"), 1);
    ck_assert_double_lt(of_phase("look", "load_seconds"), of_phase("look", "duration_seconds"));
    ck_assert_int_eq((int)of_phase("own", "keys_after"), 0);
    ck_assert_int_gt((int)of_phase("busy", "keys_after"), 0);
    ck_assert_int_eq((int)of_phase("oldest", "keys_after"),
                     (int)of_phase("busy", "keys_after") -
                         (int)lround(0.5 * of_phase("busy", "keys_after")));
    static const char *const all[] = {"grow", "thirds", "resize", "busy", "oldest", "gone", "own"};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        ck_keys(all[i]);
}

TEST(files_judge_as_the_report_does)
{
    /* breaks when the file of phases has a ratio that the report calls not to be judged, or lacks what the rate is over */
    write_scenario("name: little\ndescription: d\nphases:\n"
                   "  - {name: grow, type: load, keys: 5000, clients: 2}\n");
    RUN(AT_SERVER);
    expect_status(0);
    ck_assert_ptr_nonnull(strstr(program.out, "frag. ratio -: used_memory is below 100 MB"));
    ck_assert_ptr_nonnull(strstr(program.out, "Verdicts: 1 "));
    find_directory();
    char *summary = fixture_read_file(directory, "summary.csv", &(size_t){0});
    ck_assert_msg(strstr(summary, ",,5000,,") != NULL, "%s", summary);
    ck_assert_msg(strstr(summary, ",load_seconds,verdict\n") != NULL, "%s", summary);
    free(summary);
}

TEST(steps_are_carried_out)
{
    /* breaks when a file of steps ends with another number of keys, of another size, than its targets say */
    write_scenario(
        "name: stepped\n"
        "description: grow, shrink and grow again\n"
        "dataset: synthetic-32\n"
        "global_config: {n_clients: 4, batch_size: 16, metrics_collection_interval: 0.2}\n"
        "steps:\n"
        "  - {name: grow, type: workload, workload: ingest, parameters: {target_vectors: 8000}}\n"
        "  - {name: shrink, type: workload, workload: shrink, parameters: {target_vectors: 3000}}\n"
        "  - {name: query, type: workload, workload: query, duration_seconds: 1, parameters: "
        "{verify_results: true, queries_per_second: 500}}\n"
        "  - {name: checkpoint, type: checkpoint, parameters: {force_gc: true}}\n"
        "  - name: turns\n"
        "    type: loop\n"
        "    iterations: 2\n"
        "    steps:\n"
        "      - {name: again, type: workload, workload: ingest, parameters: {target_vectors: "
        "5000}}\n"
        "      - {name: part, type: workload, workload: shrink, parameters: {target_reduction: "
        "0.1}}\n");
    RUN(AT_SERVER);
    expect_status(0);
    load_phases("stepped");
    ck_assert_int_eq((int)of_phase("grow", "keys_after"), 8000);
    ck_assert_int_eq((int)of_phase("shrink", "keys_after"), 3000);
    ck_assert_int_eq((int)of_phase("again_2", "keys_after"), 5000);
    ck_assert_int_eq(test_server_integer(&server, "DBSIZE"), 4500);
    char *key = test_server_text(&server, "RANDOMKEY");
    ck_assert_int_eq(test_server_integer(&server, "STRLEN %s", key), 4 * 32);
    free(key);
}

TEST(steps_about_vectors)
{
    /* breaks when a file of steps with an index is refused, or ends with other vectors than its targets say */
    write_scenario(
        "name: vectors\nindex: {algorithm: HNSW, dimensions: 8, distance_metric: COSINE}\nsteps:\n"
        "  - {name: grow, type: workload, workload: ingest, parameters: {target_vectors: 200}}\n"
        "  - {name: look, type: workload, workload: query, duration_seconds: 1, parameters: "
        "{query_k: 3}}\n"
        "  - {name: shrink, type: workload, workload: shrink, parameters: {target_vectors: 50}}\n"
        "  - {name: away, type: cleanup, parameters: {cleanup_type: index_only}}\n");
    RUN(AT_SERVER, "-q");
    expect_status(0);
    load_phases("vectors");
    ck_assert_int_eq((int)of_phase("grow", "keys_after"), 200);
    ck_assert_int_eq((int)of_phase("shrink", "keys_after"), 50);
    ck_assert(of_phase("look", "requests_ok") > 0);
    ck_assert_int_eq((int)of_phase("look", "requests_failed"), 0);
}

TEST(side_by_side_and_on_a_condition)
{
    /* breaks when phases side by side lose a key, a rate or their own figures, or the wrong branch is taken */
    write_scenario(
        "name: sides\ndescription: d\nphases:\n"
        "  - {name: grow, type: load, keys: 20000, clients: 4, pipeline: 8, value_size: 100}\n"
        "  - name: much\n    type: conditional\n    metric: keys\n    op: \">=\"\n    value: "
        "30k\n"
        "    if_true: [{name: never, type: flush}]\n"
        "    if_false: [{name: some, type: load, keys: 1000, value_size: 100}]\n"
        "  - name: both\n    type: parallel\n    duration: 3\n    phases:\n"
        "      - {name: reads, type: query, qps: 1000, clients: 3}\n"
        "      - {name: cut, type: delete-fraction, fraction: 0.5, clients: 2, qps: 8000}\n"
        "      - {name: more, type: load, keys: 3000, clients: 2, qps: 3000, value_size: 50}\n"
        "  - {name: end, type: checkpoint}\n"
        "checks:\n"
        "  - {metric: keys, phase: end, op: \"==\", value: 13500}\n"
        "  - {metric: error_rate, phase: all, op: \"<=\", value: 0}\n"
        "  - {metric: p99_ms, phase: cut, op: \"<=\", value: 10000}\n"
        "  - {metric: keys, phase: never, op: \"==\", value: 0}\n");
    RUN(AT_SERVER);
    expect_status(0);
    ck_assert_msg(strstr(program.out, ": keys is ") != NULL, "%s", program.out);
    load_phases("sides");
    ck_assert_int_eq(test_server_integer(&server, "DBSIZE"), 13500);
    ck_assert_int_eq((int)of_phase("both", "keys_after"), 13500);
    ck_assert_int_eq((int)of_phase("cut", "requests_ok"), 10500);
    ck_assert_int_eq((int)of_phase("more", "requests_ok"), 3000);
    ck_assert_int_gt((int)of_phase("reads", "requests_ok"), 100);
    ck_assert_int_eq((int)of_phase("both", "requests_ok"),
                     13500 + (int)of_phase("reads", "requests_ok"));
    ck_assert_double_gt(of_phase("reads", "p99_ms"), 0);
    ck_assert_ptr_nonnull(strstr(program.out, "not taken"));
}

TEST(a_loop_that_ends_early)
{
    /* breaks when a loop goes on though its end holds, ends though it does not, or its clients do not grow */
    write_scenario(
        "name: early\ndescription: d\nphases:\n"
        "  - {name: grow, type: load, keys: 100, clients: 1}\n"
        "  - name: turns\n    type: loop\n    iterations: 5\n"
        "    until: [{metric: error_rate, phase: step, op: \">\", value: 50%},\n"
        "            {metric: connected_clients, agg: max, phase: step, op: \">=\", value: 9}]\n"
        "    phases: [{name: step, type: hold, duration: 2, qps: 100, clients: 2, clients_growth: "
        "2, "
        "mix: {get: 1}}]\n"
        "  - {name: after, type: checkpoint}\n");
    RUN(AT_SERVER);
    expect_status(0);
    load_phases("early");
    ck_assert_int_gt((int)of_phase("step_3", "requests_ok"), 0);
    size_t i;
    const json_t *phase;
    json_array_foreach(json_object_get(phases, "phases"), i, phase)
    {
        const char *name = json_string_value(json_object_get(phase, "name"));
        const bool late = strcmp(name, "step_4") == 0 || strcmp(name, "step_5") == 0;
        ck_assert_msg(!late || json_is_true(json_object_get(phase, "left_out")), "%s", name);
    }
    (void)of_phase("after", "keys_after");
}

TEST(workloads_and_parts_of_the_maximum)
{
    /* breaks when a workload misses the live keys, touches foreign ones, or a part of the maximum is another rate */
    write_scenario(
        "name: works\ndescription: d\nscale: 0.1\nphases:\n"
        "  - {name: grow, type: load, keys: 20000, clients: 4, pipeline: 8, value_size: 100}\n"
        "  - {name: fill, type: load, workload: production-day, clients: 4, pipeline: 8}\n"
        "  - {name: most, type: hold, duration: 2, clients: 2, workload: production-day}\n"
        "  - {name: some, type: hold, duration: 2, clients: 2, qps: 10%max, mix: {get: 1}}\n"
        "  - {name: up, type: ramp, duration: 2, clients: 2, ramp: {from: 1%max, to: 5%max}, "
        "mix: "
        "{get: 1}}\n"
        "  - {name: own, type: flush}\n"
        "checks:\n"
        "  - {metric: keyspace_misses, agg: delta, phase: some, op: \"==\", value: 0}\n"
        "  - {metric: error_rate, phase: all, op: \"<=\", value: 0}\n");
    free(test_server_text(&server, "SET get 1"));
    RUN(AT_SERVER);
    expect_status(0);
    ck_assert_ptr_nonnull(strstr(program.err, "begin with vst:works:"));
    load_phases("works");
    const double most = of_phase("most", "rate");
    ck_assert_msg(fabs(of_phase("some", "rate") / most - 0.1) < 0.05, "%f of %f",
                  of_phase("some", "rate"), most);
    ck_assert_double_lt(of_phase("up", "rate"), 0.1 * most);
    ck_assert_int_eq((int)of_phase("fill", "requests_ok"), 1000);
    ck_assert_int_eq((int)of_phase("grow", "keys_after"), 2000);
    const long long own =
        test_server_integer(&server, "EVAL return(#redis.call('KEYS','vst:works:*')) 0");
    ck_assert_int_gt(own, 1000);
    ck_assert_int_eq(test_server_integer(&server, "DBSIZE"), own + 1);
}

/* Events of this source whose text begins so. */
static unsigned events_of(const char *source, const char *text)
{
    size_t i;
    const json_t *event;
    unsigned count = 0;
    json_array_foreach(json_object_get(phases, "events"), i, event) count +=
        strcmp(json_string_value(json_object_get(event, "source")), source) == 0 &&
        strncmp(json_string_value(json_object_get(event, "text")), text, strlen(text)) == 0;
    return count;
}

TEST(actions_on_servers)
{
    /* breaks when an action beside a load, or in a pause, is not carried out or not told, or keys that were flushed count
     * as live */
    write_scenario("name: acts\ndescription: d\nphases:\n"
                   "  - {name: grow, type: load, keys: 3000, clients: 4}\n"
                   "  - {name: save, type: idle, duration: 20, actions: [\"at 0: bgsave\"], "
                   "wait_stable: {metric: keys, window: 3, max: 20}}\n"
                   "  - {name: wipe, type: hold, duration: 4, clients: 2, qps: 200, mix: {get: 1}, "
                   "actions: [{at: 0, do: flushall}]}\n"
                   "  - {name: again, type: load, keys: 500, clients: 2}\n");
    RUN("--managed");
    expect_status(0);
    load_phases("acts");
    ck_assert_uint_eq(events_of("chaos", "bgsave node 0"), 1);
    ck_assert_uint_eq(events_of("chaos", "flushall node 0"), 1);
    ck_assert_int_eq((int)of_phase("save", "keys_after"), 3000);
    ck_assert_int_eq((int)of_phase("wipe", "keys_after"), 0);
    ck_assert_int_eq((int)of_phase("again", "server_keys_after"), 500);
    ck_assert_ptr_nonnull(strstr(program.out, "Events:"));
}

TEST(actions_need_servers_of_our_own)
{
    /* breaks when somebody else's server is acted on, or a phase is begun that has an action there cannot be */
    write_scenario("name: acts\ndescription: d\nphases:\n"
                   "  - {name: rest, type: idle, duration: 2, actions: [\"at 0: bgsave\"]}\n");
    RUN(AT_SERVER);
    expect_status(3);
    ck_assert_msg(strstr(program.err, "s.yaml:4:") != NULL &&
                      strstr(program.err, "to servers of volley's own only") != NULL,
                  "%s", program.err);
    program_free(&program);
    write_scenario("name: acts\ndescription: d\nphases:\n"
                   "  - {name: rest, type: idle, duration: 2, actions: [\"at 3s: bgsave\"]}\n");
    RUN("--managed");
    expect_status(3);
    ck_assert_ptr_nonnull(strstr(program.err, "at 3s the phase is over: its duration is 2s"));
}

TEST(a_host_that_runs_short)
{
    /* breaks when data grow on a host that has no memory left for them */
    write_scenario("name: short\ndescription: d\nphases:\n"
                   "  - {name: grow, type: load, until: \"keys>=100m\", clients: 2, duration: 60}\n"
                   "  - {name: more, type: load, until: \"keys>=100m\", clients: 2, duration: 60}\n"
                   "checks:\n"
                   "  - {metric: process_rss, agg: max, phase: all, op: \">\", value: 1mb}\n"
                   "  - {metric: host_available, agg: min, phase: all, op: \">\", value: 1mb}\n");
    RUN(AT_SERVER, "--host-reserve", "500000gb");
    expect_status(4);
    ck_assert_ptr_nonnull(strstr(program.err, "grow is ended: this host has "));
    ck_assert_ptr_nonnull(strstr(program.err, "this host ran short of memory"));
    load_phases("short");
    ck_assert_int_lt((int)of_phase("more", "keys_after"), 99000000);
    ck_assert_ptr_null(strstr(program.out, "FAIL"));
}

TEST(checkpoints_ask_for_everything)
{
    /* breaks when a checkpoint has no more than a sample has */
    write_scenario("name: full\ndescription: d\nphases:\n"
                   "  - {name: grow, type: load, keys: 500, clients: 1}\n"
                   "  - {name: look, type: checkpoint, tag: t}\n");
    RUN(AT_SERVER);
    expect_status(0);
    load_phases("full");
    const json_t *look = json_array_get(json_object_get(phases, "phases"), 1);
    const json_t *node = json_array_get(json_object_get(look, "checkpoint"), 0);
    const json_t *stats = json_object_get(node, "memory_stats");
    ck_assert_int_gt(json_integer_value(json_object_get(stats, "keys.count")), 499);
    ck_assert(json_is_object(json_object_get(stats, "db.0")));
    ck_assert_int_gt(
        json_integer_value(json_object_get(json_object_get(node, "info"), "used_memory")), 0);
}

TEST(what_servers_call_slow)
{
    /* breaks when what a server keeps of slow commands and of its own stalls is not told on the scenario's axis, or values
     * of no alphabet are told as text */
    size_t i;
    const json_t *event;
    unsigned binary = 0;
    write_scenario("name: slow\ndescription: d\nphases:\n"
                   "  - {name: grow, type: load, keys: 50, clients: 1}\n"
                   "  - {name: rest, type: idle, duration: 1}\n");
    free(test_server_text(&server, "SLOWLOG RESET"));
    free(test_server_text(&server, "CONFIG SET slowlog-log-slower-than 0"));
    RUN(AT_SERVER);
    expect_status(0);
    load_phases("slow");
    ck_assert_uint_gt(events_of("slowlog", "0."), 0);
    json_array_foreach(json_object_get(phases, "events"), i, event)
    {
        const char *text = json_string_value(json_object_get(event, "text"));
        ck_assert_msg(strchr(text, '?') == NULL, "%s", text);
        binary += strstr(text, "(binary)") != NULL;
    }
    ck_assert_uint_gt(binary, 0);
}

TEST(hot_keys)
{
    /* breaks when a mix or a query that asks for hot keys is refused, misses, or is not told as it was asked for */
    write_scenario(
        "name: hot\ndescription: d\nphases:\n"
        "  - {name: grow, type: load, keys: 2000, clients: 2, pipeline: 8}\n"
        "  - {name: use, type: hold, duration: 2, clients: 2, qps: 2000, key_dist: \"zipf:0.99\", "
        "mix: "
        "{get: 80, update: 20}}\n"
        "  - {name: look, type: query, duration: 2, clients: 2, qps: 2000, key_dist: seq, "
        "verify: checksum}\n");
    RUN(AT_SERVER, "--cleanup");
    expect_status(0);
    load_phases("hot");
    ck_assert_double_eq(of_phase("use", "requests_failed"), 0);
    ck_assert_double_eq(of_phase("look", "requests_failed"), 0);
    const json_t *use = json_array_get(json_object_get(phases, "phases"), 1);
    ck_assert_str_eq(json_string_value(json_object_get(json_object_get(use, "params"), "key_dist")),
                     "zipf:0.99");
}

#define COUNT_KEYS(pattern)                                                                        \
    test_server_integer(&server, "EVAL return(#redis.call('KEYS','vst:named:" pattern "')) 0")

TEST(named_keys)
{
    /* breaks when keys with a prefix are not called so on the server, when a later phase does not find them again, or takes
     * those of another prefix */
    write_scenario(
        "name: named\ndescription: d\nphases:\n"
        "  - {name: users, type: load, keys: 600, clients: 2, key_prefix: \"user:\", value_size: "
        "9}\n"
        "  - {name: plain, type: load, keys: 400, clients: 2}\n"
        "  - {name: more, type: load, keys: 200, clients: 2, key_prefix: \"user:\"}\n"
        "  - name: turns\n    type: loop\n    iterations: 2\n    phases:\n"
        "      - {name: add, type: load, keys: 100, clients: 2, key_prefix: "
        "\"turn/${loop_index}.\"}\n"
        "  - {name: half, type: delete-fraction, fraction: 0.5, strategy: \"prefix:user:\"}\n"
        "  - {name: turn, type: delete-fraction, fraction: 0.25, strategy: \"prefix:turn/2.\"}\n"
        "  - {name: look, type: query, fraction: 1, clients: 2, verify: checksum}\n"
        "  - {name: use, type: hold, duration: 2, clients: 2, qps: 1000, keyspace: 700, mix: "
        "{get: 90, update: 10}}\n"
        "checks:\n"
        "  - {metric: hit_rate, phase: look, op: \"==\", value: 1}\n"
        "  - {metric: hit_rate, phase: use, op: \"==\", value: 1}\n");
    RUN(AT_SERVER, "--strict");
    expect_status(0);
    load_phases("named");
    ck_assert_int_eq(COUNT_KEYS("user:*"), 400);
    ck_assert_int_eq(COUNT_KEYS("0*"), 400);
    ck_assert_int_eq(COUNT_KEYS("turn/1.*"), 100);
    ck_assert_int_eq(COUNT_KEYS("turn/2.*"), 75);
    ck_assert_int_eq((int)of_phase("half", "requests_ok"), 400);
    ck_assert_int_eq((int)of_phase("look", "requests_ok"), 975);
    ck_assert_double_eq(of_phase("look", "requests_failed"), 0);
}

TEST(a_load_ends_at_its_target)
{
    /* breaks when a load up to an amount of memory or a number of keys ends beside it, however fast the server is */
    write_scenario("name: target\ndescription: d\nmemory_target: 64mb\nphases:\n"
                   "  - {name: bytes, type: load, until: \"used_memory>=80%target\", value_size: "
                   "\"bimodal:64/4096/0.5\", clients: 16, pipeline: 16, duration: 60}\n"
                   "  - {name: keys, type: load, until: \"keys>=50k\", value_size: 20, clients: 4, "
                   "duration: 60}\n"
                   "  - {name: wipe, type: flush, scope: all}\n");
    RUN(AT_SERVER, "--allow-flush", "-q");
    expect_status(0);
    load_phases("target");
    const double wanted = 0.8 * 64 * 1048576, used = of_phase("bytes", "used_memory_after");
    ck_assert_msg(fabs(used - wanted) < 0.02 * wanted, "%.0f bytes, not %.0f", used, wanted);
    ck_assert_int_eq((int)of_phase("keys", "server_keys_after"), 50000);
    ck_assert_int_eq((int)of_phase("wipe", "server_keys_after"), 0);
}

TEST(interrupted)
{
    /* breaks when Ctrl+C waits for the phase, leaves no files, or does not say what is left on the server, or how to remove
     * it there */
    char out[220], remover[200];
    write_scenario("name: long\ndescription: d\nphases:\n"
                   "  - {name: grow, type: load, keys: 500, clients: 2}\n"
                   "  - {name: rest, type: idle, duration: 600}\n");
    snprintf(out, sizeof out, "%s/out", tree.path);
    program_start_volley(&program, "run", "scenario", file, "-o", out, "--cpus", "none", "-p",
                         server.port_text, "--progress", NULL);
    program_wait_text(&program, PROGRAM_ERR, "phase 2 of 2");
    program_signal(&program, SIGINT);
    program_wait(&program);
    expect_status(130);
    snprintf(remover, sizeof remover,
             "every run of long: valkey-cli -h 127.0.0.1 -p %s --scan --pattern 'vst:long:*' | "
             "xargs -n 1000 valkey-cli -h 127.0.0.1 -p %s unlink",
             server.port_text, server.port_text);
    ck_assert_msg(strstr(program.err, "500 keys of this run are still there") != NULL &&
                      strstr(program.err, remover) != NULL,
                  "%s", program.err);
    load_phases("long");
    ck_assert_int_eq((int)of_phase("grow", "keys_after"), 500);
}

TEST(cleaned_up)
{
    /* breaks when --cleanup leaves a key of an interrupted run, takes a foreign one, or changes what the phase did */
    char out[220];
    write_scenario("name: long\ndescription: d\nphases:\n"
                   "  - {name: grow, type: load, keys: 5000, clients: 2}\n"
                   "  - {name: rest, type: idle, duration: 600}\n");
    snprintf(out, sizeof out, "%s/out", tree.path);
    free(test_server_text(&server, "SET vst:long:foreign 1"));
    program_start_volley(&program, "run", "scenario", file, "-o", out, "--cpus", "none", "-p",
                         server.port_text, "--progress", "--cleanup", NULL);
    program_wait_text(&program, PROGRAM_ERR, "phase 2 of 2");
    program_signal(&program, SIGINT);
    program_wait(&program);
    expect_status(130);
    ck_assert_ptr_null(strstr(program.err, "still there"));
    ck_assert_int_eq(test_server_integer(&server, "DBSIZE"), 1);
    load_phases("long");
    ck_assert_int_eq((int)of_phase("grow", "keys_after"), 5000);
    ck_assert_int_eq((int)of_phase("rest", "requests_ok"), 0);
}

TEST(cleaning_up_ends_by_another_signal)
{
    /* breaks when --cleanup cannot be ended on a server that takes no deletes, or then does not say what is left */
    char out[220];
    write_scenario("name: long\ndescription: d\nphases:\n"
                   "  - {name: grow, type: load, keys: 5000, clients: 2}\n"
                   "  - {name: rest, type: idle, duration: 600}\n");
    snprintf(out, sizeof out, "%s/out", tree.path);
    program_start_volley(&program, "run", "scenario", file, "-o", out, "--cpus", "none", "-p",
                         server.port_text, "--progress", "--cleanup", NULL);
    program_wait_text(&program, PROGRAM_ERR, "phase 2 of 2");
    free(test_server_text(&server, "CLIENT PAUSE 600000 WRITE"));
    program_signal(&program, SIGINT);
    program_wait_text(&program, PROGRAM_ERR, "removing 5,000 keys");
    program_signal(&program, SIGINT);
    program_wait(&program);
    expect_status(130);
    ck_assert_ptr_nonnull(strstr(program.err, "keys of this run are still there"));
}

TEST(a_server_that_dies)
{
    /* breaks when a phase hangs on a server that has gone, or what was seen until then is lost */
    write_scenario("name: dying\ndescription: d\nphases:\n"
                   "  - {name: grow, type: load, keys: 500, clients: 2}\n"
                   "  - {name: rest, type: mixed, duration: 2, clients: 2, mix: {get: 1}}\n"
                   "  - {name: never, type: idle, duration: 1}\n");
    char out[220];
    snprintf(out, sizeof out, "%s/out", tree.path);
    program_start_volley(&program, "run", "scenario", file, "-o", out, "--cpus", "none", "-p",
                         server.port_text, "--progress", "--request-timeout", "500ms",
                         "--connection-timeout", "500ms", NULL);
    program_wait_text(&program, PROGRAM_ERR, "phase 2 of 3");
    test_server_kill(&server);
    program_wait(&program);
    expect_status(5);
    ck_assert_msg(strstr(program.err, "500 keys of this run were there when the server answered") !=
                      NULL,
                  "%s", program.err);
    load_phases("dying");
    ck_assert_int_eq((int)of_phase("grow", "keys_after"), 500);
}

TEST(a_server_that_dies_while_nothing_is_sent)
{
    /* breaks when a phase that only waits ends well, and so the scenario, on a server that has gone */
    write_scenario("name: dying\ndescription: d\nphases:\n"
                   "  - {name: grow, type: load, keys: 500, clients: 2}\n"
                   "  - {name: rest, type: idle, duration: 2}\n"
                   "  - {name: never, type: idle, duration: 1}\n"
                   "checks:\n  - {metric: keys, op: \">=\", value: 1}\n");
    char out[220];
    snprintf(out, sizeof out, "%s/out", tree.path);
    program_start_volley(&program, "run", "scenario", file, "-o", out, "--cpus", "none", "-p",
                         server.port_text, "--progress", NULL);
    program_wait_text(&program, PROGRAM_ERR, "phase 2 of 3");
    test_server_kill(&server);
    program_wait(&program);
    expect_status(5);
    EXPECT_IN(program.err, "has gone: it has not answered INFO");
    ck_assert_ptr_null(strstr(program.out, "failed: failed"));
    load_phases("dying");
    ck_assert_int_eq((int)of_phase("grow", "keys_after"), 500);
    EXPECT_IN(program.out, "not reached");
}

TEST(a_load_until_what_the_server_does_not_tell)
{
    /* breaks when a load up to a number that nobody can see goes on until the server is full */
    write_scenario("name: blind\ndescription: d\nphases:\n"
                   "  - {name: grow, type: load, until: \"used_memory>=64mb\", clients: 2}\n");
    free(test_server_text(&server, "ACL SETUSER blind on nopass ~* &* +@all -info"));
    RUN(AT_SERVER, "--user", "blind", "-a", "any");
    expect_status(4);
    EXPECT_IN(program.err, "grow: used_memory is not known here");
    ck_assert_int_eq(test_server_integer(&server, "DBSIZE"), 0);
}

TEST(refused_before_anything_is_written)
{
    /* breaks when a target that does not fit is tried, or a database of others is emptied without leave */
    write_scenario(
        "name: big\ndescription: d\nmemory_target: 900000gb\nphases:\n"
        "  - {name: grow, type: load, until: \"used_memory>=50%target\", duration: 10}\n");
    RUN(AT_SERVER);
    expect_status(4);
    ck_assert_ptr_nonnull(strstr(program.err, "--force"));
    program_free(&program);
    write_scenario("name: wipe\ndescription: d\nphases:\n"
                   "  - {name: grow, type: load, keys: 5}\n"
                   "  - {name: wipe, type: flush, scope: all}\n");
    free(test_server_text(&server, "SET foreign 1"));
    RUN(AT_SERVER);
    expect_status(2);
    ck_assert_ptr_nonnull(strstr(program.err, "--allow-flush"));
    ck_assert_int_eq(test_server_integer(&server, "DBSIZE"), 1);
}

TEST_SUITE_WITH(scenario_run, .set_up = set_up, .tear_down = tear_down, .timeout_seconds = 150)
