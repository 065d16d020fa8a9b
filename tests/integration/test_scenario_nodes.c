/* Scenarios on real clusters: what happens to nodes, what is seen of each, and what later phases find. */
#include <dirent.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/check/cluster.h"
#include "tests/support/check/run.h"
#include "tests/support/check/suite.h"
#include "tests/support/check/temp_tree.h"

static struct temp_tree tree;
static char file[200], out[220], directory[400];
static struct program program;
static struct test_cluster cluster;
static json_t *phases;
static char *nodes_csv;

static void set_up(void)
{
    temp_tree_make(&tree);
    snprintf(file, sizeof file, "%s/s.yaml", tree.path);
    snprintf(out, sizeof out, "%s/out", tree.path);
}

static void tear_down(void)
{
    json_decref(phases);
    phases = NULL;
    free(nodes_csv);
    nodes_csv = NULL;
    program_free(&program);
    test_cluster_stop(&cluster);
    temp_tree_remove(&tree);
}

static void expect_status(int status)
{
    ck_assert_msg(program.exit_status == status, "status %d, not %d:\n%s\n%s", program.exit_status,
                  status, program.out, program.err);
}

static char *read_file(const char *path)
{
    FILE *from = fopen(path, "r");
    ck_assert_msg(from != NULL, "%s", path);
    ck_assert_int_eq(fseek(from, 0, SEEK_END), 0);
    const long bytes = ftell(from);
    char *text = calloc(1, (size_t)bytes + 1);
    rewind(from);
    ck_assert_uint_eq(fread(text, 1, (size_t)bytes, from), (size_t)bytes);
    fclose(from);
    return text;
}

/* What the only run has left. */
static void load_run(const char *scenario)
{
    char path[700];
    json_error_t error;
    DIR *listing = opendir(out);
    ck_assert_ptr_nonnull(listing);
    const struct dirent *entry;
    while ((entry = readdir(listing)) != NULL)
        if (entry->d_name[0] != '.')
            snprintf(directory, sizeof directory, "%.150s/%.200s", out, entry->d_name);
    closedir(listing);
    snprintf(path, sizeof path, "%s/%s_phases.json", directory, scenario);
    phases = json_load_file(path, 0, &error);
    ck_assert_msg(phases != NULL, "%s: %s", path, error.text);
    snprintf(path, sizeof path, "%s/%s_nodes.csv", directory, scenario);
    nodes_csv = read_file(path);
}

static const json_t *phase_named(const char *name)
{
    size_t i;
    const json_t *phase;
    json_array_foreach(json_object_get(phases, "phases"), i,
                       phase) if (strcmp(json_string_value(json_object_get(phase, "name")), name) ==
                                  0) return phase;
    ck_abort_msg("there is no phase %s", name);
    return NULL;
}

static double of_phase(const char *name, const char *key)
{
    return json_number_value(json_object_get(phase_named(name), key));
}

static double trouble_of(const char *name, const char *key)
{
    return json_number_value(json_object_get(json_object_get(phase_named(name), "trouble"), key));
}

static void ck_all_ran(void)
{
    size_t i;
    const json_t *phase;
    json_array_foreach(json_object_get(phases, "phases"), i, phase)
        ck_assert_msg(json_is_true(json_object_get(phase, "ran")) &&
                          json_is_false(json_object_get(phase, "failed")),
                      "phase %zu: %s\n%s", i,
                      json_string_value(json_object_get(phase, "end_reason")), program.err);
}

struct seen {
    char role[16];
    double slots;
    unsigned silent; /* samples in this phase without an answer */
};

/* The last sample of a node in a phase. */
static struct seen node_seen(const char *phase, unsigned number)
{
    struct seen seen = {.slots = -1};
    for (const char *at = nodes_csv; at != NULL; at = strchr(at, '\n')) {
        char name[64], role[16];
        unsigned node;
        double slots = -1;
        at += *at == '\n';
        if (sscanf(at, "%*[^,],%*[^,],%63[^,],%u,%*[^,],%15[^,],%*[^,],%*[^,],%*[^,],%lf", name,
                   &node, role, &slots) < 3 ||
            strcmp(name, phase) != 0 || node != number)
            continue;
        if (strcmp(role, "silent") == 0 || strncmp(role, "silent", 6) == 0)
            seen.silent++;
        snprintf(seen.role, sizeof seen.role, "%s", role);
        seen.slots = slots;
    }
    return seen;
}

static const char disturbed[] =
    "name: disturbed\n"
    "memory_target: 300mb\n"
    "sample_interval: 0.2\n"
    "server: {primaries: 3, replicas: 3, maxmemory: 200%target, policy: noeviction}\n"
    "phases:\n"
    "  - {name: grow, type: load, keys: 20000, value_size: 100, clients: 6, pipeline: 4}\n"
    "  - {name: move, type: rebalance, slots: 50, from: 0, to: 2}\n"
    "  - {name: thirds, type: delete-fraction, fraction: 0.3, clients: 6}\n"
    "  - {name: kill, type: failover, how: kill, node: 1, duration: 8, clients: 6, qps: 1000, "
    "mix: {get: 50, load: 50}, value_size: 100}\n"
    "  - {name: dead, type: hold, duration: 2, clients: 6, qps: 1000, mix: {get: 100}}\n"
    "  - {name: back, type: failover, how: restart, node: 1}\n"
    "  - {name: rest, type: idle, duration: 1}\n"
    "  - {name: half, type: delete-fraction, fraction: 0.5, clients: 6}\n"
    "checks:\n"
    "  - {metric: node_memory_cv, phase: grow, op: \"<=\", value: 20%}\n"
    "  - {metric: error_rate, phase: dead, op: \"<=\", value: 0.1%}\n"
    "  - {metric: unavailable_seconds, phase: kill, op: \">\", value: 0}\n";

TEST(nodes_of_its_own)
{
    /* breaks when slots do not move, a killed node is not replaced, or started again, in a scenario; when later
     * phases go to nodes that are dead, or the keys that are deleted then are others than the map says */
    temp_tree_write(&tree, "/s.yaml", disturbed, 0600);
    program_run_volley(&program, "run", "scenario", file, "-o", out, "--cpus", "none", NULL);
    expect_status(0);
    load_run("disturbed");
    ck_all_ran();
    ck_assert_double_eq(of_phase("move", "server_keys_after"), 20000);
    ck_assert_double_eq(of_phase("thirds", "server_keys_after"), 14000);
    ck_assert_double_eq(node_seen("thirds", 0).slots, 5461 - 50);
    ck_assert_double_eq(node_seen("thirds", 2).slots, 5462 + 50);
    ck_assert_uint_gt(node_seen("kill", 1).silent, 0);
    ck_assert_str_eq(node_seen("dead", 4).role, "primary");
    ck_assert_double_eq(node_seen("dead", 4).slots, 5461);
    ck_assert_uint_gt(node_seen("dead", 1).silent, 0);
    ck_assert_str_eq(node_seen("rest", 1).role, "replica");
    ck_assert_double_gt(trouble_of("kill", "unavailable_seconds"), 0);
    const double live = of_phase("rest", "keys_after");
    ck_assert_double_eq(of_phase("half", "keys_after"), live - (double)(long)(live / 2 + 0.5));
    ck_assert_double_eq(of_phase("half", "requests_failed"), 0);
}

static const char others[] =
    "name: others\n"
    "server: {primaries: 3, replicas: 3}\n"
    "phases:\n"
    "  - {name: grow, type: load, keys: 500, clients: 6}\n"
    "  - {name: move, type: rebalance}\n"
    "  - {name: take, type: failover, how: kill, node: 0, duration: 4, clients: 6, qps: 500, mix: "
    "{get: 100}}\n"
    "  - {name: look, type: hold, duration: 1, clients: 6, qps: 500, mix: {get: 100}}\n"
    "checks:\n"
    "  - {metric: error_rate, phase: look, op: \"==\", value: 0}\n";

TEST(nodes_of_others)
{
    /* breaks when something is done to servers of others without leave, or more than was allowed */
    temp_tree_write(&tree, "/s.yaml", others, 0600);
    test_cluster_start(&cluster, 3, 3, NULL);
    program_run_volley(&program, "run", "scenario", file, "-o", out, "--cpus", "none", "-p",
                       cluster.nodes[0].port_text, "--cluster", NULL);
    expect_status(2);
    ck_assert_ptr_nonnull(strstr(program.err, "--allow-external-failover"));
    ck_assert_int_eq(test_server_integer(&cluster.nodes[0], "DBSIZE"), 0);
    program_free(&program);
    program_run_volley(&program, "run", "scenario", file, "-o", out, "--cpus", "none", "-p",
                       cluster.nodes[0].port_text, "--cluster", "--allow-external-failover", NULL);
    expect_status(0);
    load_run("others");
    ck_all_ran();
    ck_assert_str_eq(json_string_value(json_object_get(phase_named("move"), "end_reason")),
                     "skipped");
    ck_assert_int_eq(test_cluster_owner(&cluster, 1, 0), 3);
}

TEST(other_servers_than_it_needs)
{
    /* breaks when a scenario for a cluster begins on a single server, or on too few nodes */
    static const char *const options[][3] = {
        {"-p", "1", NULL}, {"--managed", "replicas=1", NULL}, {"--managed", "cluster=1", NULL}};
    static const char *const sentences[] = {"needs a cluster: add --cluster",
                                            "take --managed cluster=3+3",
                                            "is about node 2, and --managed starts 1"};
    temp_tree_write(&tree, "/s.yaml", disturbed, 0600);
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        program_run_volley(&program, "run", "scenario", file, "-o", out, options[i][0],
                           options[i][1], NULL);
        expect_status(2);
        ck_assert_msg(strstr(program.err, sentences[i]) != NULL, "%s", program.err);
        program_free(&program);
    }
}

TEST_SUITE_WITH(scenario_nodes, .set_up = set_up, .tear_down = tear_down, .timeout_seconds = 240)
