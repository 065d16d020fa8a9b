/* Phases of a scenario whose load is that of a client that buffers. */
#include <dirent.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/check/at_server.h"
#include "tests/support/check/suite.h"
#include "tests/support/check/temp_tree.h"

static struct temp_tree tree;
static struct program program;
static char file[200], out[200];
static json_t *phases, *run;

static void set_up(void)
{
    at_server_set_up();
    temp_tree_make(&tree);
    snprintf(file, sizeof file, "%s/s.yaml", tree.path);
    snprintf(out, sizeof out, "%s/out", tree.path);
}

static void tear_down(void)
{
    json_decref(phases);
    json_decref(run);
    phases = run = NULL;
    program_free(&program);
    temp_tree_remove(&tree);
    at_server_tear_down();
}

#define RUN(...)                                                                                   \
    program_run_volley(&program, "run", "scenario", file, "-o", out, "--cpus", "none", "-p",       \
                       server.port_text, __VA_ARGS__, NULL)

static void expect_status(int status)
{
    ck_assert_msg(program.exit_status == status, "status %d, not %d:\n%.1500s\n%.1500s",
                  program.exit_status, status, program.out, program.err);
}

/* A file of the only run below the output's directory. */
static json_t *load_json(const char *name)
{
    char path[700] = "";
    json_error_t error;
    DIR *listing = opendir(out);
    ck_assert_ptr_nonnull(listing);
    const struct dirent *entry;
    while ((entry = readdir(listing)) != NULL)
        if (entry->d_name[0] != '.')
            snprintf(path, sizeof path, "%.150s/%.200s/%.100s", out, entry->d_name, name);
    closedir(listing);
    json_t *root = json_load_file(path, 0, &error);
    ck_assert_msg(root != NULL, "%s: %s", path, error.text);
    return root;
}

static const json_t *named(const json_t *list, const char *name)
{
    size_t i;
    const json_t *each;
    json_array_foreach(list, i, each) if (strcmp(json_string_value(json_object_get(each, "name")),
                                                 name) == 0) return each;
    ck_abort_msg("there is no %s", name);
    return NULL;
}

static const json_t *buffer_of_phase(const char *name)
{
    return json_object_get(named(json_object_get(phases, "phases"), name), "buffer");
}

static const json_t *buffer_of_run(const char *name)
{
    return json_object_get(named(json_object_get(run, "runs"), name), "buffer");
}

static long long count(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    ck_assert_msg(json_is_integer(value), "there is no %s", key);
    return json_integer_value(value);
}

/* In the file of phases as in that of the run. */
static void expect_same(const char *phase)
{
    static const char *const counts[] = {"batches", "most_unsent"};
    const json_t *one = buffer_of_phase(phase), *other = buffer_of_run(phase);
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        ck_assert_int_eq(count(one, counts[i]), count(other, counts[i]));
    ck_assert_str_eq(json_string_value(json_object_get(one, "text")),
                     json_string_value(json_object_get(other, "text")));
    const double difference = json_number_value(json_object_get(one, "full_percent")) -
                              json_number_value(json_object_get(other, "full_percent"));
    ck_assert(difference > -0.001 && difference < 0.001);
}

static const char buffering[] =
    "name: buffering\n"
    "sample_interval: 0.2\n"
    "phases:\n"
    "  - {name: fill, type: load, keys: 4000, value_size: 64, clients: 24, buffer: "
    "high-throughput}\n"
    "  - {name: direct, type: hold, duration: 0.3, clients: 24, mix: {get: 50, update: 50}}\n"
    "  - {name: mixed, type: hold, duration: 0.5, clients: 24, mix: {get: 50, update: 40, load: "
    "10, "
    "del: 5}, key_dist: \"zipf:1.1\", buffer: {round_buffer: {max_size: 8}, query: {cache_size: "
    "500}}}\n"
    "  - {name: check, type: query, fraction: 1, clients: 24, verify: checksum, buffer: bypass}\n"
    "checks:\n"
    "  - {metric: lost_writes, phase: check, op: \"==\", value: 0}\n"
    "  - {metric: error_rate, phase: all, op: \"==\", value: 0}\n"
    "  - {metric: avg_batch_size, phase: fill, op: \"==\", value: 8}\n"
    "  - {metric: buffer_cache_hit_rate, phase: mixed, op: \">\", value: 0}\n"
    "  - {metric: buffer_worker_utilization, phase: mixed, op: \">\", value: 0}\n"
    "  - {metric: server_cpu, phase: all, op: \">\", value: 0}\n"
    "  - {metric: messages_per_minute, phase: all, op: \">\", value: 60}\n";

TEST(phases_that_buffer)
{
    /* breaks when a phase is sent without its buffer, when what was acknowledged is not live, or when the phases' file says
     * something else of a buffer than the run's */
    temp_tree_write(&tree, "/s.yaml", buffering, 0600);
    RUN("--cleanup");
    expect_status(0);
    phases = load_json("buffering_phases.json");
    run = load_json("run.json");
    ck_assert_int_eq(count(buffer_of_phase("fill"), "batches"), 4000 / 8);
    ck_assert(json_is_null(json_object_get(buffer_of_phase("fill"), "cache")));
    ck_assert_int_gt(count(json_object_get(buffer_of_phase("mixed"), "cache"), "hits"), 0);
    expect_same("fill");
    expect_same("mixed");
    ck_assert_ptr_null(buffer_of_phase("direct"));
    ck_assert_ptr_null(buffer_of_phase("check"));
    ck_assert_msg(strstr(program.out, "Buffer  batches") != NULL, "%.1500s", program.out);
}

static const char of_a_workload[] =
    "name: w\n"
    "keys: {live: {count: 1}}\n"
    "classes:\n"
    "  - {name: write, weight: 50, command: \"APPEND {key:live} x\"}\n"
    "  - {name: read, weight: 50, command: \"STRLEN {key:live}\"}\n"
    "buffer: {round_buffer: {max_size: 6}, query: {cache_size: 100}}\n";

TEST(a_workload_that_buffers)
{
    /* breaks when what a workload's file says of a buffer is not heeded, when a phase's own words do not go before it, or
     * when commands that the server calls reads wait for a batch */
    temp_tree_write(&tree, "/w.yaml", of_a_workload, 0600);
    temp_tree_write(&tree, "/s.yaml",
                    "name: works\n"
                    "phases:\n"
                    "  - {name: fill, type: load, keys: 100, clients: 8}\n"
                    "  - {name: its, type: hold, duration: 0.4, clients: 24, workload: w.yaml}\n"
                    "  - {name: own, type: hold, duration: 0.3, clients: 24, workload: w.yaml, "
                    "buffer: minimal}\n"
                    "  - {name: none, type: hold, duration: 0.3, clients: 24, workload: w.yaml, "
                    "pipeline: 2, buffer: bypass}\n",
                    0600);
    RUN("--cleanup");
    expect_status(0);
    phases = load_json("works_phases.json");
    run = load_json("run.json");
    const json_t *its = buffer_of_phase("its");
    ck_assert_ptr_nonnull(
        strstr(json_string_value(json_object_get(its, "text")), "w: batches of 6 requests"));
    ck_assert_int_gt(count(json_object_get(its, "cache"), "hits"), 0);
    ck_assert(json_number_value(json_object_get(its, "mean_batch")) <= 6);
    expect_same("its");
    ck_assert_ptr_nonnull(strstr(json_string_value(json_object_get(buffer_of_phase("own"), "text")),
                                 "minimal: batches of 2 requests"));
    ck_assert_ptr_null(buffer_of_phase("none"));
}

TEST(options_that_a_buffer_does_not_go_with)
{
    /* breaks when a phase's buffer runs where bench refuses one */
    temp_tree_write(&tree, "/s.yaml", buffering, 0600);
    program_run_volley(&program, "run", "scenario", file, "-o", out, "--sentinel", "127.0.0.1:1",
                       "--master", "m", NULL);
    expect_status(2);
    ck_assert_msg(strstr(program.err, "--sentinel and the buffer of phase fill exclude") != NULL,
                  "%.1500s", program.err);
}

TEST(caches_are_cleared)
{
    /* breaks when an action cache: clear leaves something, is done to a cache that is none, or needs a server of volley's own */
    temp_tree_write(
        &tree, "/s.yaml",
        "name: clearing\n"
        "phases:\n"
        "  - {name: fill, type: load, keys: 20, clients: 1}\n"
        "  - {name: read, type: hold, duration: 2, clients: 4, mix: {get: 1}, buffer: "
        "{query: {cache_size: 100}}, actions: [{at: 1.2, cache: clear}, \"at 1.6: cache "
        "clear\"]}\n",
        0600);
    RUN("--cleanup", "--processes", "1");
    expect_status(0);
    phases = load_json("clearing_phases.json");
    const json_t *cache = json_object_get(buffer_of_phase("read"), "cache");
    /* two clearings that come together are one */
    ck_assert_int_ge(count(cache, "cleared"), 20);
    ck_assert_int_le(count(cache, "cleared"), 40);
    ck_assert_int_ge(count(cache, "misses"), count(cache, "cleared") + 20);
    ck_assert_int_gt(count(cache, "hits"), 1000);
    const json_t *events = json_object_get(phases, "events");
    ck_assert_uint_eq(json_array_size(events), 2);
    ck_assert(json_is_true(json_object_get(json_array_get(events, 0), "ok")));
    ck_assert_str_eq(json_string_value(json_object_get(json_array_get(events, 1), "text")),
                     "cache clear");
}

TEST(a_server_without_tracking)
{
    /* breaks when a phase keeps replies though nobody would say that they have changed, or when that is found out only after
     * other phases have run */
    static const char *const renamed[] = {"--rename-command", "HELLO", "hidden", NULL};
    const struct test_server_options options = {.args = renamed};
    test_server_stop(&server);
    test_server_start(&server, &options);
    temp_tree_write(&tree, "/s.yaml", buffering, 0600);
    RUN("--cleanup");
    expect_status(5);
    ck_assert_msg(strstr(program.err, "RESP3, which the near cache of phase mixed needs") != NULL,
                  "%.1500s", program.err);
    ck_assert_ptr_null(strstr(program.out, "fill"));
}

TEST_SUITE_WITH(scenario_buffers, .set_up = set_up, .tear_down = tear_down)
