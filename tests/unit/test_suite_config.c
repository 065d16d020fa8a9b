/* Configurations of suites: what a file means, what is wrong with it, and the command lines that come of it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "orchestrator/suite/suite_stage.h"
#include "tests/support/check/suite.h"

static struct suite_config config;
static struct suite_plan plan;
static struct err err;
static char told[2000];

static void tell(void *state, const char *text)
{
    (void)state;
    snprintf(told + strlen(told), sizeof told - strlen(told), "%s\n", text);
}

static void tear_down(void)
{
    suite_plan_free(&plan);
    suite_config_free(&config);
}

static enum err_code read_text(const char *text)
{
    const struct file_source source = {"f", text, strlen(text)};
    tear_down();
    err = (struct err){.code = OK};
    told[0] = '\0';
    enum err_code code = suite_config_read(&config, &source, &err);
    return code == OK ? suite_plan_make(&plan, &config, tell, NULL, &err) : code;
}

/* All keys that are needed but for the load's length, and others. */
#define KEYS "\"keyspacelen\": [1000], "
#define SIZES "\"data_sizes\": [16], "
#define PIPELINES "\"pipelines\": [1], "
#define CLIENTS "\"clients\": [50], "
#define MODE "\"cluster_mode\": \"no\", "
#define REST "\"commands\": [\"SET\"], \"tls_mode\": \"no\", \"warmup\": 0"
#define NEEDED KEYS SIZES PIPELINES CLIENTS MODE REST
#define WITHOUT_KEYS SIZES PIPELINES CLIENTS MODE REST
#define WITHOUT_SIZES KEYS PIPELINES CLIENTS MODE REST
#define WITHOUT_PIPELINES KEYS SIZES CLIENTS MODE REST
#define WITHOUT_CLIENTS KEYS SIZES PIPELINES MODE REST
#define WITHOUT_MODE KEYS SIZES PIPELINES CLIENTS REST

static void ck_refused(const char *text, const char *wanted)
{
    ck_assert_msg(read_text(text) == E_CONFIG, "taken: %s", text);
    ck_assert_msg(strncmp(err.text, "f:1:", 4) == 0 && strstr(err.text, wanted) != NULL,
                  "%s: not \"%s\" but: %s", text, wanted, err.text);
}

static void ck_combination(size_t index, const char *wanted)
{
    char text[300];
    ck_assert_uint_lt(index, plan.count);
    ck_assert_str_eq(suite_combination_text(text, sizeof text, &plan.items[index]), wanted);
}

TEST(lists_are_crossed_in_order)
{
    /* breaks when the lists of an object are not crossed, objects are crossed with one another, or the order is not requests,
     * keyspacelen, data_sizes, pipelines, clients, commands within each number of I/O threads */
    ck_assert_int_eq(
        read_text("[{\"requests\": [10, 20], \"keyspacelen\": [1000], \"data_sizes\": [16, 64], "
                  "\"pipelines\": [1], \"clients\": [5], \"commands\": [\"SET\", \"get\"], "
                  "\"cluster_mode\": \"no\", \"tls_mode\": false, \"warmup\": 3, "
                  "\"io-threads\": [1, 4]}, {\"duration\": 7, " NEEDED "}]"),
        OK);
    ck_assert_uint_eq(plan.count, 17);
    ck_combination(0, "SET | size=16 | pipeline=1 | clients=5 | requests=10 | keyspacelen=1000 | "
                      "warmup=3 | io-threads=1");
    ck_combination(1, "GET | size=16 | pipeline=1 | clients=5 | requests=10 | keyspacelen=1000 | "
                      "warmup=3 | io-threads=1");
    ck_combination(2, "SET | size=64 | pipeline=1 | clients=5 | requests=10 | keyspacelen=1000 | "
                      "warmup=3 | io-threads=1");
    ck_combination(15, "GET | size=64 | pipeline=1 | clients=5 | requests=20 | keyspacelen=1000 | "
                       "warmup=3 | io-threads=4");
    ck_combination(16, "SET | size=16 | pipeline=1 | clients=50 | duration=7s | keyspacelen=1000 | "
                       "warmup=0");
    ck_assert_uint_eq(plan.requests, 120 * 2);
    ck_assert_uint_eq(plan.load_seconds, 16 * 3 + 7);
}

TEST(what_is_left_out_is_told)
{
    /* breaks when an unknown command ends a suite or is left out in silence, commands of several keys go to a cluster, or the
     * clients of a file without them are not told */
    ck_assert_int_eq(
        read_text("[{\"requests\": 10, \"keyspacelen\": 5, \"data_sizes\": 1, \"pipelines\": 1, "
                  "\"commands\": [\"SET\", \"NOSUCH\", \"MGET\", \"SET\"], \"cluster_mode\": true, "
                  "\"tls_mode\": \"no\", \"warmup\": 0}]"),
        OK);
    ck_assert_uint_eq(plan.count, 1);
    ck_combination(0, "SET | size=1 | pipeline=1 | clients=50 | requests=10 | keyspacelen=5 | "
                      "warmup=0 | cluster");
    ck_assert_ptr_nonnull(strstr(told, "NOSUCH: unknown, and left out"));
    ck_assert_ptr_nonnull(strstr(told, "MGET: left out: its keys"));
    ck_assert_ptr_nonnull(strstr(told, "SET: stands there twice"));
    ck_assert_ptr_nonnull(strstr(told, "clients: missing: 50 connections"));
    ck_assert_int_eq(read_text("[{\"requests\": 10, \"keyspacelen\": 5, \"data_sizes\": 1, "
                               "\"pipelines\": 1, \"commands\": [\"NOSUCH\"], \"cluster_mode\": "
                               "\"no\", \"tls_mode\": \"no\", \"warmup\": 0}]"),
                     E_CONFIG);
    ck_assert_ptr_nonnull(strstr(err.text, "nothing is left to measure"));
}

TEST(clusters_and_what_is_none)
{
    /* breaks when a list of cluster_mode is not measured one after the other, each with ports and nodes of its own, or
     * --cluster-mode-filter leaves the wrong one */
    static const char text[] =
        "[{\"requests\": 1, \"keyspacelen\": 5, \"data_sizes\": 1, \"pipelines\": 1, \"clients\": "
        "4, "
        "\"commands\": \"SET\", \"tls_mode\": false, \"cluster_mode\": [false, true], "
        "\"cluster_nodes\": 2, \"port\": 7000, \"cluster_ports\": [7000, 7001]}]";
    ck_assert_int_eq(read_text(text), OK);
    ck_assert_uint_eq(plan.count, 2);
    ck_combination(0,
                   "SET | size=1 | pipeline=1 | clients=4 | requests=1 | keyspacelen=5 | warmup=0");
    ck_combination(
        1, "SET | size=1 | pipeline=1 | clients=4 | requests=1 | keyspacelen=5 | warmup=0 | "
           "cluster");
    ck_assert_uint_eq(plan.items[0].block->port, 7000);
    ck_assert_uint_eq(plan.items[0].block->cluster_nodes, 1);
    ck_assert_uint_eq(plan.items[0].block->ports.count, 0);
    ck_assert_uint_eq(plan.items[1].block->port, 0);
    ck_assert_uint_eq(plan.items[1].block->ports.count, 2);
    suite_plan_free(&plan);
    ck_assert_int_eq(suite_config_choose(&config, &(struct suite_choice){.cluster_mode = 1}, &err),
                     OK);
    ck_assert_uint_eq(config.block_count, 1);
    ck_assert(config.blocks[0].cluster);
}

TEST(modules_profiles_and_foreign_keys)
{
    /* breaks when modules or profiling sets are not read, a seed that is false is taken for a number, or keys without a meaning
     * are refused, or left out in silence */
    ck_assert_int_eq(
        read_text(
            "[{\"requests\": 1, \"seed\": false, \"test_name\": \"x\", \"modules\": [{\"path\": "
            "\"/nowhere/m.so\", \"startup_args\": [\"--a\", \"b c\"]}], \"profiling_sets\": "
            "[{\"enabled\": false}, {\"enabled\": true, \"mode\": \"cpu\"}], \"build_args\": "
            "[\"A=1\"], \"monitoring\": {\"a\": [1, {\"b\": 2}]}, \"config_sets\": "
            "[{\"search.threads\": 1}], " NEEDED "}]"),
        OK);
    const struct suite_block *block = &config.blocks[0];
    ck_assert(!block->has_seed);
    ck_assert_uint_eq(block->modules.count, 1);
    ck_assert_str_eq(block->modules.items[0].args.items[1].text, "b c");
    ck_assert_str_eq(block->build_args.items[0].text, "A=1");
    ck_assert(suite_plan_is_profiled(&plan));
    ck_assert_ptr_nonnull(strstr(told, "monitoring: left out"));
    ck_assert_ptr_nonnull(strstr(told, "of this set only \"enabled\" counts"));
    const uint32_t cpu = 0;
    ck_assert_int_eq(suite_config_check_machine(&config, &cpu, 1, &err), E_CONFIG);
    ck_assert_ptr_nonnull(strstr(err.text, "modules: /nowhere/m.so: No such file"));
    ck_assert_int_eq(
        suite_config_choose(
            &config, &(struct suite_choice){.cluster_mode = -1, .skip_profiling = true}, &err),
        OK);
    ck_assert(!suite_plan_is_profiled(&plan));
    ck_assert(suite_config_leave_server(&config));
    ck_assert_uint_eq(config.blocks[0].modules.count, 0);
}

TEST(mistakes_are_refused_with_their_place)
{
    /* breaks when a mistake is taken, or is not told with file, line and key */
    static const struct {
        const char *text, *wanted;
    } mistakes[] = {
        {"[{" NEEDED "}]", "one of these is missing: requests, duration"},
        {"[{\"requests\": [1], \"duration\": 5, " NEEDED "}]", "exclude one another"},
        {"[{\"requests\": [\"many\"], " NEEDED "}]", "many"},
        {"[{\"requests\": [0], " NEEDED "}]", "0"},
        {"[{\"requests\": [-3], " NEEDED "}]", "-3"},
        {"[{\"requests\": [], " NEEDED "}]", "requests: needs at least 1 element"},
        {"[{\"requests\": 1, \"keyspacelen\": 1, \"cluster_mode\": 0, \"tls_mode\": 0}]",
         "\"data_sizes\" is missing"},
        {"[{\"requests\": 1, \"request\": 1, " NEEDED "}]", "unknown key request"},
        {"[{\"requests\": 1, \"server_cpu_range\": \"0-3\", \"client_cpu_range\": \"3\", " NEEDED
         "}]",
         "CPU 3 is the server's, too"},
        {"[{\"requests\": 1, \"server_cpu_range\": \"3-0\", " NEEDED "}]", "3-0: no list of CPUs"},
        {"[{\"requests\": 1, \"cluster_nodes\": 3, " NEEDED "}]", "needs cluster_mode: yes"},
        {"[{\"requests\": 1, \"bind_ip\": \"0.0.0.0\", " NEEDED "}]", "0.0.0.0: servers that"},
        {"[{\"requests\": 1, \"custom-server-configs\": {\"port\": 7}, " NEEDED "}]",
         "port is the suite's own to set"},
        {"[{\"requests\": 1, \"custom-server-configs\": {\"bind \": \"x\"}, " NEEDED "}]",
         "is no name of a setting"},
        {"[{\"requests\": 1, \"config_sets\": [{\"hz 1\\nbind\": \"x\"}], " NEEDED "}]",
         "is no name of a setting"},
        {"[{\"requests\": 1, \"custom-server-configs\": {\"include\": \"x\"}, " NEEDED "}]",
         "include is the suite's own to set"},
        {"[{\"requests\": 1, \"cpu_allocation\": {\"servers\": [\"0\", \"0\"]}, " NEEDED "}]",
         "CPU 0 stands there twice"},
        {"[{\"requests\": 1, \"port\": 70000, " NEEDED "}]", "70000"},
        {"[{\"requests\": 1, \"modules\": [{\"startup_args\": []}], " NEEDED "}]",
         "\"path\" is missing"},
        {"[{\"requests\": 1, \"modules\": [\"m.so\"], " NEEDED "}]", "a module is expected"},
        {"[{\"requests\": 1, \"profiling_sets\": [{\"on\": true}], " NEEDED "}]", "unknown key on"},
        {"[{\"requests\": 1, \"seed\": \"maybe\", " NEEDED "}]", "seed: maybe"},
        {"[{\"requests\": 1, \"keyspacelen\": 1000000000001, " WITHOUT_KEYS "}]",
         "keyspacelen: 1000000000001: out of range; allowed: 1 to 1,000,000,000,000"},
        {"[{\"requests\": 1, \"data_sizes\": [8, 1073741825], " WITHOUT_SIZES "}]",
         "data_sizes: 1073741825: out of range; allowed: 1 to 1,073,741,824"},
        {"[{\"requests\": 1, \"pipelines\": 100001, " WITHOUT_PIPELINES "}]",
         "pipelines: 100001: out of range; allowed: 1 to 100,000"},
        {"[{\"requests\": 1, \"clients\": 1000001, " WITHOUT_CLIENTS "}]",
         "clients: 1000001: out of range; allowed: 1 to 1,000,000"},
        {"[{\"requests\": 1, \"cluster_nodes\": 3, \"cluster_ports\": [7001, 7002, 7001], "
         "\"cluster_mode\": \"yes\", " WITHOUT_MODE "}]",
         "cluster_ports: 7001 stands there twice"},
        {"[]", "needs at least 1 element"},
        {"\"text\"", "a configuration"},
    };
    for (size_t i = 0; i < sizeof mistakes / sizeof mistakes[0]; i++)
        ck_refused(mistakes[i].text, mistakes[i].wanted);
}

TEST(cpus_of_this_machine)
{
    /* breaks when CPUs that are not there are taken, or those that are wanted by number are not chosen one behind the other */
    static const uint32_t allowed[] = {2, 3, 5, 7};
    ck_assert_int_eq(read_text("[{\"requests\": 1, \"server_cpu_range\": \"2,4\", " NEEDED "}]"),
                     OK);
    ck_assert_int_eq(suite_config_check_machine(&config, allowed, 4, &err), E_CONFIG);
    ck_assert_ptr_nonnull(strstr(err.text, "CPU 4 is not one that this process may use"));
    ck_assert_int_eq(read_text("[{\"requests\": 1, \"cpu_allocation\": {\"cores_per_server\": 1, "
                               "\"cores_per_client\": 2}, " NEEDED "}]"),
                     OK);
    ck_assert_int_eq(suite_config_check_machine(&config, allowed, 4, &err), OK);
    ck_assert_uint_eq(config.blocks[0].server_cpus.count, 1);
    ck_assert_uint_eq(config.blocks[0].server_cpus.items[0], 2);
    ck_assert_uint_eq(config.blocks[0].client_cpus.count, 2);
    ck_assert_uint_eq(config.blocks[0].client_cpus.items[1], 5);
    ck_assert_int_eq(read_text("[{\"requests\": 1, \"cpu_allocation\": {\"cores_per_client\": 1, "
                               "\"servers\": [\"2\"]}, " NEEDED "}]"),
                     OK);
    ck_assert_int_eq(suite_config_check_machine(&config, allowed, 4, &err), OK);
    ck_assert_uint_eq(config.blocks[0].client_cpus.items[0], 3);
    ck_assert_int_eq(read_text("[{\"requests\": 1, \"cpu_allocation\": {\"cores_per_server\": 3, "
                               "\"cores_per_client\": 2}, " NEEDED "}]"),
                     OK);
    ck_assert_int_eq(suite_config_check_machine(&config, allowed, 4, &err), E_CONFIG);
}

/* The command line of a stage, as it is printed. */
static void ck_line(const struct suite_stage_wish *wish, enum suite_stage stage, const char *wanted)
{
    struct suite_argv argv;
    char *line = NULL;
    size_t line_bytes = 0;
    FILE *out = open_memstream(&line, &line_bytes);
    suite_stage_argv(&argv, wish, stage);
    suite_argv_print(out, &argv);
    ck_assert_int_eq(fclose(out), 0);
    ck_assert_str_eq(line, wanted);
    free(line);
}

TEST(command_lines)
{
    /* breaks when a stage asks a tool for another load than the configuration's, or for an option that it does not have */
    struct suite_tool volley, old, tool;
    const struct suite_target target = {.host = "127.0.0.1", .port = 7000, .cacert = "ca.pem"};
    suite_tool_describe(&volley, "/bin/volley", NULL);
    suite_tool_describe(&old, "/bin/valkey-benchmark", "--csv --threads <n>");
    suite_tool_describe(&tool, "/bin/valkey-benchmark",
                        "--csv --sequential --duration --warmup --threads");
    ck_assert_int_eq(read_text("[{\"requests\": 500, \"keyspacelen\": 100, \"data_sizes\": 16, "
                               "\"pipelines\": 2, \"clients\": 9, \"commands\": [\"LPOP\", "
                               "\"ZSCORE\"], \"cluster_mode\": \"yes\", \"tls_mode\": \"yes\", "
                               "\"warmup\": 4, \"benchmark-threads\": 3}]"),
                     OK);
    struct suite_stage_wish wish = {.tool = &volley,
                                    .combination = &plan.items[0],
                                    .target = &target,
                                    .seed = 12,
                                    .json_path = "out.json"};
    ck_assert(!suite_stage_runs(&wish, SUITE_POPULATE));
    ck_assert(!suite_stage_runs(&wish, SUITE_WARM_UP));
    ck_line(&wish, SUITE_MEASURE,
            "volley bench -h 127.0.0.1 -p 7000 --cluster --tls --cacert ca.pem -d 16 -P 2 -c 9 "
            "--seed 12 --threads 3 -n 500 -r 100 --prefill --json out.json -t lpop");
    ck_assert_ptr_nonnull(strstr(told, "LPOP: measured without a warm-up"));
    wish.tool = &tool;
    ck_assert(suite_stage_runs(&wish, SUITE_POPULATE));
    ck_assert(!suite_stage_runs(&wish, SUITE_WARM_UP));
    ck_line(&wish, SUITE_POPULATE,
            "valkey-benchmark -h 127.0.0.1 -p 7000 --cluster --tls --cacert ca.pem -d 16 -P 2 -c 9 "
            "--seed 12 --threads 3 --csv -n 500 -r 100 --sequential -t lpush");
    ck_line(&wish, SUITE_MEASURE,
            "valkey-benchmark -h 127.0.0.1 -p 7000 --cluster --tls --cacert ca.pem -d 16 -P 2 -c 9 "
            "--seed 12 --threads 3 --csv -n 500 -r 100 -t lpop");
    wish.tool = &old;
    ck_assert(!suite_stage_runs(&wish, SUITE_WARM_UP));
    wish.combination = &plan.items[1];
    ck_assert(suite_stage_runs(&wish, SUITE_WARM_UP));
    ck_line(&wish, SUITE_WARM_UP,
            "valkey-benchmark -h 127.0.0.1 -p 7000 --cluster --tls --cacert ca.pem -d 16 -P 2 -c 9 "
            "--seed 12 --threads 3 --csv -l -r 100 ZSCORE 'myzset:{tag}' element:__rand_int__");
    wish.tool = &volley;
    ck_assert(suite_stage_runs(&wish, SUITE_POPULATE));
    ck_line(&wish, SUITE_POPULATE,
            "volley bench -h 127.0.0.1 -p 7000 --cluster --tls --cacert ca.pem -d 16 -P 2 -c 9 "
            "--seed 12 --threads 3 -n 100 --sequential 100 -t zadd");
    ck_line(&wish, SUITE_MEASURE,
            "volley bench -h 127.0.0.1 -p 7000 --cluster --tls --cacert ca.pem -d 16 -P 2 -c 9 "
            "--seed 12 --threads 3 --warmup 4 -n 500 -r 100 --json out.json -- ZSCORE myzset "
            "element:__rand_int__");
    ck_assert_int_eq(suite_tool_check(&old, &plan, &err), OK);
    ck_assert_int_eq(read_text("[{\"duration\": 5, " NEEDED "}]"), OK);
    ck_assert_int_eq(suite_tool_check(&old, &plan, &err), E_CONFIG);
    ck_assert_int_eq(suite_tool_check(&tool, &plan, &(struct err){.code = OK}), OK);
}

TEST(lines_of_csv)
{
    /* breaks when a row of valkey-benchmark --csv is read as something else, or what is none as one */
    struct suite_csv_row row;
    ck_assert(suite_csv_parse(&row,
                              "\"LRANGE_100 (first 100 elements)\",\"12345.68\",\"1.5\",\"0.1\","
                              "\"1.25\",\"2.5\",\"3.5\",\"9.75\"\n"));
    ck_assert_str_eq(row.test, "LRANGE_100 (first 100 elements)");
    ck_assert_double_eq(row.rps, 12345.68);
    ck_assert_double_eq(row.avg_ms, 1.5);
    ck_assert_double_eq(row.min_ms, 0.1);
    ck_assert_double_eq(row.p50_ms, 1.25);
    ck_assert_double_eq(row.p95_ms, 2.5);
    ck_assert_double_eq(row.p99_ms, 3.5);
    ck_assert_double_eq(row.max_ms, 9.75);
    static const char *const others[] = {
        "",
        "\"test\",\"rps\",\"avg_latency_ms\",\"min_latency_ms\",\"p50_latency_ms\",\"p95_latency_"
        "ms\","
        "\"p99_latency_ms\",\"max_latency_ms\"",
        "\"SET\",\"1\",\"2\"",
        "\"SET\",\"nan\",\"1\",\"1\",\"1\",\"1\",\"1\",\"1\"",
        "\"SET\",\"-1\",\"1\",\"1\",\"1\",\"1\",\"1\",\"1\"",
        "SET,1,2,3,4,5,6,7",
        "\"SET",
    };
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        ck_assert_msg(!suite_csv_parse(&row, others[i]), "%s", others[i]);
}

TEST(the_order_is_the_seeds)
{
    /* breaks when a combination is lost or comes twice in a shuffled order, or the same seed gives another one */
    size_t order[1000], again[1000];
    bool seen[1000] = {false};
    size_t moved = 0;
    for (size_t i = 0; i < 1000; i++)
        order[i] = again[i] = i;
    suite_plan_shuffle(order, 1000, 7);
    suite_plan_shuffle(again, 1000, 7);
    for (size_t i = 0; i < 1000; i++) {
        ck_assert_uint_eq(order[i], again[i]);
        ck_assert(!seen[order[i]]);
        seen[order[i]] = true;
        moved += order[i] != i;
    }
    ck_assert_uint_gt(moved, 900);
}

TEST(large_plans)
{
    /* breaks when lists whose product is far too large are crossed all the same, or a million is refused */
    char text[20000] = "[{\"requests\": [1";
    for (int i = 2; i <= 1000; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), ",%d", i);
    snprintf(
        text + strlen(text), sizeof text - strlen(text),
        "], \"keyspacelen\": [1,2,3,4,5,6,7,8,9,10], \"data_sizes\": [16], \"pipelines\": [1], "
        "\"clients\": [1], \"commands\": [\"SET\"], \"cluster_mode\": \"no\", \"tls_mode\": "
        "\"no\", \"warmup\": 0}]");
    ck_assert_int_eq(read_text(text), OK);
    ck_assert_uint_eq(plan.count, 10000);
}

TEST_SUITE_WITH(suite_config, .tear_down = tear_down)
