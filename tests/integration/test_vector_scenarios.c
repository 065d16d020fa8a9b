/* Scenarios of vectors: on a server with vector sets, on one without (emulated), and on one that says it has a search
 * module. */
#include <dirent.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/check/at_server.h"
#include "tests/support/check/fake_server.h"
#include "tests/support/check/suite.h"
#include "tests/support/check/temp_tree.h"

static struct temp_tree tree;
static char file[200], out[200], directory[400];
static struct program program;
static json_t *phases;

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
    program_free(&program);
    temp_tree_remove(&tree);
}

/* The program of redis 8.0, which has vector sets; built where it is not there yet. */
static const char *vector_server(void)
{
    static char path[400];
    struct program get;
    program_run(&get, &(struct program_options){
                          .argv = (const char *const[]){"configs/get-server.sh", "redis-8.0", NULL},
                          .deadline_ms = 600000});
    ck_assert_msg(get.exit_status == 0, "%s", get.err);
    snprintf(path, sizeof path, "%.*s/redis-server", (int)strcspn(get.out, "\n"), get.out);
    program_free(&get);
    return path;
}

#define RUN(what, ...)                                                                             \
    program_run_volley(&program, "run", "scenario", what, "-o", out, "--cpus", "none",             \
                       __VA_ARGS__, NULL)

static void expect_status(int status)
{
    ck_assert_msg(program.exit_status == status, "status %d, not %d:\n%s\n%s", program.exit_status,
                  status, program.out, program.err);
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

/* Of the only run below the output's directory. */
static void load_phases(const char *scenario)
{
    char name[100];
    DIR *listing = opendir(out);
    ck_assert_ptr_nonnull(listing);
    const struct dirent *entry;
    while ((entry = readdir(listing)) != NULL)
        if (entry->d_name[0] != '.')
            snprintf(directory, sizeof directory, "%.150s/%.200s", out, entry->d_name);
    closedir(listing);
    snprintf(name, sizeof name, "%s_phases.json", scenario);
    phases = load_json(name);
}

static const json_t *phase_named(const char *name)
{
    size_t i;
    const json_t *phase;
    json_array_foreach(json_object_get(phases, "phases"), i, phase)
    {
        if (strcmp(json_string_value(json_object_get(phase, "name")), name) == 0)
            return phase;
    }
    ck_abort_msg("there is no phase %s", name);
}

static const json_t *of_vectors(const char *phase, const char *key)
{
    return json_object_get(json_object_get(phase_named(phase), "vectors"), key);
}

/* How many vectors are live by volley's map, and how many the index has. */
static void ck_vectors(const char *phase, long long live, long long indexed)
{
    ck_assert_int_eq(json_integer_value(json_object_get(phase_named(phase), "keys_after")), live);
    if (indexed >= 0)
        ck_assert_msg(json_number_value(of_vectors(phase, "num_docs")) == (double)indexed,
                      "%s: the index has %f", phase,
                      json_number_value(of_vectors(phase, "num_docs")));
}

static void ck_driver(const char *driver)
{
    char title[100];
    json_t *environment = load_json("environment.json");
    snprintf(title, sizeof title, "Vectors by %s: ", driver);
    ck_assert_str_eq(
        json_string_value(json_object_get(json_object_get(environment, "vectors"), "driver")),
        driver);
    ck_assert_str_eq(
        json_string_value(json_object_get(json_object_get(phases, "vectors"), "driver")), driver);
    ck_assert_msg(strstr(program.out, title) != NULL, "%s", program.out);
    json_decref(environment);
}

static const char coming_and_going[] =
    "name: vectors\n"
    "description: d\n"
    "memory_target: 64mb\n"
    "sample_interval: 0.2\n"
    "phases:\n"
    "  - {name: make, type: index-create, dimensions: 32, m: 16, timeout: 20}\n"
    "  - {name: base, type: load, datatype: vector, keys: 2000, clients: 4, pipeline: 4}\n"
    "  - {name: copies, type: load, datatype: vector, expand: 1, clients: 4, pipeline: 4}\n"
    "  - {name: look, type: query, duration: 0.5, qps: 200, clients: 4, verify: recall}\n"
    "  - {name: odd, type: delete-fraction, fraction: 0.5, strategy: \"prefix:expand_1_\"}\n"
    "  - {name: busy, type: mixed, duration: 0.5, qps: 400, clients: 4, mix: {load: 1, del: 1, "
    "get: "
    "2}}\n"
    "  - {name: thin, type: delete-fraction, fraction: 0.1, strategy: random}\n"
    "  - {name: drop, type: index-drop}\n"
    "  - {name: again, type: index-create, m: 32, timeout: 30, clients: 4}\n"
    "  - {name: wait, type: wait-index, timeout: 20}\n"
    "  - {name: found, type: query, duration: 0.5, qps: 200, clients: 4, verify: recall}\n"
    "  - {name: gone, type: index-drop, keep_docs: false}\n"
    "  - {name: more, type: load, datatype: vector, keys: 100, clients: 4}\n"
    "  - {name: own, type: flush, scope: own}\n"
    "checks:\n"
    "  - {metric: error_rate, phase: all, op: \"<=\", value: 0}\n"
    "  - {metric: docs_indexed, phase: again, op: \"==\", value: 1}\n";

static void ck_coming_and_going(bool index_goes_with_vectors)
{
    ck_vectors("base", 2000, 2000);
    ck_vectors("copies", 4000, 4000);
    ck_vectors("odd", 3000, 3000);
    const long long busy = json_integer_value(json_object_get(phase_named("busy"), "keys_after"));
    ck_vectors("busy", busy, busy);
    const long long thin = busy - (busy + 5) / 10;
    ck_vectors("thin", thin, thin);
    ck_vectors("drop", thin, -1);
    ck_assert(json_is_null(of_vectors("drop", "num_docs")));
    ck_vectors("again", thin, thin);
    ck_vectors("found", thin, thin);
    ck_vectors("gone", 0, -1);
    ck_assert_int_eq(
        (int)json_number_value(json_object_get(phase_named("gone"), "server_keys_after")), 0);
    ck_vectors("more", 100, -1);
    ck_vectors("own", 0, -1);
    ck_assert(json_is_number(of_vectors("again", "rebuild_seconds")) &&
              json_is_null(of_vectors("base", "rebuild_seconds")));
    ck_assert(index_goes_with_vectors ==
              (json_number_value(json_object_get(phase_named("drop"), "server_keys_after")) == 0));
    ck_assert_int_eq(
        (int)json_number_value(json_object_get(phase_named("own"), "server_keys_after")), 0);
}

TEST(vectors_come_and_go_in_vector_sets)
{
    /* breaks when the server has other vectors than volley's map says, copies are not deleted by their names, or recall is
       measured against other vectors than were sent */
    temp_tree_write(&tree, "/s.yaml", coming_and_going, 0600);
    RUN(file, "--managed-program", vector_server(), "--processes", "2");
    expect_status(0);
    load_phases("vectors");
    ck_driver("vector-set");
    ck_coming_and_going(true);
    static const char *const asked[] = {"look", "found"};
    for (size_t i = 0; i < 2; i++) {
        ck_assert_int_eq(json_integer_value(of_vectors(asked[i], "recall_queries")), 100);
        ck_assert_msg(json_number_value(of_vectors(asked[i], "recall")) > 0.9, "recall %f",
                      json_number_value(of_vectors(asked[i], "recall")));
    }
}

TEST(vectors_come_and_go_emulated)
{
    /* breaks when an emulation is not said to be one, has a recall, or leaves a part of its index behind */
    temp_tree_write(&tree, "/s.yaml", coming_and_going, 0600);
    at_server_set_up();
    char *reply = test_server_text(&server, "VADD v VALUES 1 1 a");
    const bool emulated = strstr(reply, "unknown command") != NULL;
    free(reply);
    if (emulated) { /* else this server has vector sets */
        RUN(file, "-p", server.port_text, "--processes", "2");
        expect_status(0);
        load_phases("vectors");
        ck_driver("emulated");
        ck_assert(json_is_true(of_vectors("look", "emulated")));
        ck_assert_ptr_nonnull(strstr(program.err, "emulated"));
        ck_coming_and_going(false);
        ck_assert(json_is_null(of_vectors("look", "recall")));
        ck_assert_int_eq(test_server_integer(&server, "DBSIZE"), 0);
    }
    at_server_tear_down();
}

TEST(cleaned_up_with_their_index)
{
    /* breaks when --cleanup leaves vectors, or the index that they are in, on a server of somebody else's */
    temp_tree_write(&tree, "/s.yaml",
                    "name: left\ndescription: d\nphases:\n"
                    "  - {name: make, type: index-create, dimensions: 8, timeout: 30}\n"
                    "  - {name: base, type: load, keys: 500, datatype: vector, clients: 4}\n"
                    "  - {name: built, type: wait-index, timeout: 30}\n",
                    0600);
    at_server_set_up();
    free(test_server_text(&server, "SET vst:left:foreign 1"));
    RUN(file, "-p", server.port_text, "--cleanup");
    expect_status(0);
    ck_assert_ptr_null(strstr(program.err, "still there"));
    load_phases("left");
    ck_vectors("built", 500, 500);
    ck_assert_int_eq(test_server_integer(&server, "DBSIZE"), 1);
    at_server_tear_down();
}

static const char *const shipped[] = {"vector_expansion_memory_impact",
                                      "index_rebuild_memory_pattern"};

/* A busy machine may not get through a phase in its time, and requests that time cuts off are errors: what is judged is what
 * holds all the same. That nothing was refused shows in the number of vectors. */
static void ck_checks(void)
{
    static const char *const metrics[] = {"overhead_ratio", "recall", "spike_ratio",
                                          "evicted_keys"};
    json_t *checks = load_json("checks.json");
    size_t i;
    unsigned judged = 0;
    const json_t *check;
    json_array_foreach(json_object_get(checks, "checks"), i, check)
    {
        const char *metric = json_string_value(json_object_get(check, "metric"));
        for (size_t k = 0; k < sizeof metrics / sizeof metrics[0]; k++)
            if (strcmp(metric, metrics[k]) == 0) {
                judged++;
                ck_assert_msg(strcmp(json_string_value(json_object_get(check, "result")), "FAIL") !=
                                  0,
                              "%s: %s\n%.1500s", metric,
                              json_string_value(json_object_get(check, "reason")), program.out);
            }
    }
    ck_assert_uint_ge(judged, 3);
    json_decref(checks);
}

LOOP_TEST(shipped_ones_on_vector_sets, sizeof shipped / sizeof shipped[0])
{
    /* breaks when one that comes with volley cannot be carried out on vector sets, or what it says of them does not hold */
    RUN(shipped[_i], "--managed-program", vector_server(), "--scale", "0.0007");
    ck_assert_msg(program.exit_status == 0 || program.exit_status == 1, "status %d:\n%s\n%s",
                  program.exit_status, program.out, program.err);
    load_phases(shipped[_i]);
    ck_driver("vector-set");
    ck_checks();
    size_t i;
    const json_t *phase;
    bool whole =
        true; /* what a phase was to do, until time cuts one short with requests under way */
    json_array_foreach(json_object_get(phases, "phases"), i, phase)
    {
        const json_t *documents = json_object_get(json_object_get(phase, "vectors"), "num_docs");
        ck_assert_msg(json_is_true(json_object_get(phase, "ran")), "phase %zu did not run: %s", i,
                      program.err);
        whole &= !json_is_true(json_object_get(phase, "target_missed")) &&
                 json_integer_value(json_object_get(phase, "requests_failed")) == 0;
        if (whole && json_is_number(documents))
            ck_assert_int_eq((long long)json_number_value(documents),
                             json_integer_value(json_object_get(phase, "keys_after")));
    }
}

static const char flat[] = "name: v\ndescription: d\nphases:\n"
                           "  - {name: make, type: index-create, dimensions: 8, %s, timeout: 20}\n"
                           "  - {name: base, type: load, datatype: vector, keys: 10}\n";

static void write_flat(const char *what)
{
    char text[400];
    snprintf(text, sizeof text, flat, what);
    temp_tree_write(&tree, "/s.yaml", text, 0600);
}

TEST(refused_before_anything_is_written)
{
    /* breaks when an index is asked for that the server cannot have, or vectors are sent to a cluster */
    write_flat("metric: l2");
    RUN(file, "--managed-program", vector_server());
    expect_status(2);
    ck_assert_msg(strstr(program.err, "phase make: metric: l2: this server has vectors as "
                                      "vector-set") != NULL,
                  "%s", program.err);
    program_free(&program);
    write_flat("algo: flat");
    RUN(file, "--managed-program", vector_server());
    expect_status(2);
    ck_assert_ptr_nonnull(strstr(program.err, "algo: flat: this server"));
    program_free(&program);
    write_flat("m: 16");
    RUN(file, "--managed", "cluster=3");
    expect_status(2);
    ck_assert_ptr_nonnull(strstr(program.err, "leave the cluster out"));
}

/* ---- a search module ---- */

static const char known[] = "*1\r\n*2\r\n$9\r\nft.search\r\n:-1\r\n",
                  info[] = "$20\r\nused_memory:1000000\n\r\n";

static void run_at_search(const char *ft_info, const char *phases_of_it)
{
    const struct fake_rule rules[] = {
        {.command = "COMMAND", .action = FAKE_REPLY, .bytes = known},
        {.command = "INFO", .action = FAKE_REPLY, .bytes = info},
        {.command = "DBSIZE", .action = FAKE_REPLY, .bytes = ":20\r\n"},
        {.command = "HSET", .action = FAKE_REPLY, .bytes = ":4\r\n"},
        {.command = "FT.CREATE", .action = FAKE_REPLY, .bytes = "+OK\r\n"},
        {.command = "FT.INFO", .action = FAKE_REPLY, .bytes = ft_info},
        {.command = "FT.SEARCH",
         .action = FAKE_REPLY,
         .bytes = "*2\r\n:1\r\n$18\r\nvst:v:000000000001\r\n"},
    };
    struct fake_server fake;
    char text[600];
    snprintf(text, sizeof text,
             "name: v\ndescription: d\nphases:\n"
             "  - {name: base, type: load, datatype: vector, keys: 20, dimensions: 8}\n"
             "%s",
             phases_of_it);
    temp_tree_write(&tree, "/s.yaml", text, 0600);
    fake_server_start(
        &fake, &(struct fake_script){.rules = rules, .rule_count = sizeof rules / sizeof rules[0]});
    RUN(file, "-p", fake.port_text);
    fake_server_stop(&fake);
    fake_server_free(&fake);
    expect_status(0);
    load_phases("v");
    ck_driver("search");
}

#define MAKE_AND_WAIT(seconds)                                                                     \
    "  - {name: make, type: index-create, dimensions: 8, metric: l2, timeout: 20}\n"               \
    "  - {name: wait, type: wait-index, timeout: " seconds "}\n"                                   \
    "  - {name: look, type: query, duration: 0.3, qps: 50, k: 4, verify: recall}\n"
static const char complete[] = "*4\r\n+num_docs\r\n:20\r\n+percent_indexed\r\n$1\r\n1\r\n";

TEST(queries_beside_a_build_of_a_module)
{
    /* breaks when what a server builds by itself is sent, when queries beside it are not told as theirs, or when its end
     * is not seen afterwards */
    run_at_search(complete, "  - name: both\n    type: parallel\n    duration: 1\n    phases:\n"
                            "      - {name: make, type: index-create, dimensions: 8, metric: l2}\n"
                            "      - {name: ask, type: query, qps: 50, k: 4}\n"
                            "  - {name: wait, type: wait-index, timeout: 20}\n");
    ck_assert_int_eq(json_integer_value(json_object_get(phase_named("make"), "requests_ok")), 0);
    ck_assert_int_gt(json_integer_value(json_object_get(phase_named("ask"), "requests_ok")), 0);
    ck_assert(json_is_number(json_object_get(phase_named("ask"), "p99_ms")));
    ck_assert(!json_is_true(json_object_get(phase_named("make"), "target_missed")));
    ck_assert(json_is_number(of_vectors("wait", "rebuild_seconds")));
}

TEST(queries_beside_a_rebuild)
{
    /* breaks when vectors that are added again have no figures of their own beside queries, or are not all there then */
    temp_tree_write(&tree, "/s.yaml",
                    "name: v\ndescription: d\nphases:\n"
                    "  - {name: make, type: index-create, dimensions: 8, timeout: 20}\n"
                    "  - {name: base, type: load, datatype: vector, keys: 500, clients: 2}\n"
                    "  - {name: drop, type: index-drop}\n"
                    "  - name: both\n    type: parallel\n    duration: 4\n    phases:\n"
                    "      - {name: again, type: index-create, m: 32, clients: 2}\n"
                    "      - {name: ask, type: query, qps: 50, clients: 2}\n"
                    "  - {name: after, type: query, duration: 1, qps: 50, clients: 2}\n"
                    "checks:\n"
                    "  - {metric: docs_indexed, phase: after, op: \"==\", value: 1}\n",
                    0600);
    RUN(file, "--managed-program", vector_server(), "--scale", "0.5");
    expect_status(0);
    load_phases("v");
    ck_assert_int_eq(json_integer_value(json_object_get(phase_named("again"), "requests_ok")), 250);
    ck_assert_int_gt(json_integer_value(json_object_get(phase_named("ask"), "requests_ok")), 0);
    ck_assert(json_is_number(of_vectors("again", "rebuild_seconds")));
    ck_assert_double_eq(json_number_value(json_object_get(
                            json_object_get(phase_named("again"), "params"), "duration_seconds")),
                        4); /* a build has time, whatever the scale */
}

TEST(an_index_that_a_module_builds)
{
    /* breaks when documents are sent again that the server indexes by itself, or its time is not known */
    run_at_search(complete, MAKE_AND_WAIT("20"));
    ck_vectors("wait", 20, 20);
    ck_assert_int_eq(json_integer_value(json_object_get(phase_named("make"), "requests_ok")), 0);
    ck_assert_str_eq(json_string_value(json_object_get(phase_named("wait"), "end_reason")),
                     "indexed");
    ck_assert(json_is_number(of_vectors("wait", "rebuild_seconds")) &&
              json_is_number(of_vectors("make", "rebuild_seconds")));
    ck_assert(json_number_value(of_vectors("look", "recall")) <= 0.25);
    ck_assert_msg(strstr(program.err, "valkey-cli -h 127.0.0.1 -p ") != NULL &&
                      strstr(program.err, " FT.DROPINDEX vst:v:idx") != NULL,
                  "%s", program.err);
}

TEST(a_wait_has_a_limit)
{
    /* breaks when an index that never is complete holds a scenario up for ever, or counts as complete */
    run_at_search("*4\r\n+num_docs\r\n:3\r\n+percent_indexed\r\n$3\r\n0.2\r\n",
                  MAKE_AND_WAIT("0.5"));
    ck_assert(json_is_true(json_object_get(phase_named("wait"), "target_missed")));
    ck_assert_str_eq(json_string_value(json_object_get(phase_named("wait"), "end_reason")),
                     "duration");
    ck_assert(json_is_null(of_vectors("wait", "rebuild_seconds")));
}

TEST_SUITE_WITH(vector_scenarios, .set_up = set_up, .tear_down = tear_down, .timeout_seconds = 150)
