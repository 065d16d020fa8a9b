/* Groups of scenarios in a suite's configuration: what they mean, what is wrong with them, and the command lines that come of it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "orchestrator/suite/suite_stage.h"
#include "tests/support/check/suite.h"

static struct suite_config config;
static struct suite_plan plan;
static struct err err;
static char told[4000];

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

static enum err_code make_plan(void)
{
    suite_plan_free(&plan);
    told[0] = '\0';
    return suite_plan_make(&plan, &config, tell, NULL, &err);
}

static enum err_code read_text(const char *text)
{
    const struct file_source source = {"f", text, strlen(text)};
    tear_down();
    err = (struct err){.code = OK};
    const enum err_code code = suite_config_read(&config, &source, &err);
    return code == OK ? make_plan() : code;
}

#define BLOCK(keys, scenarios)                                                                     \
    "[{\"tls_mode\": false, \"cluster_mode\": false, " keys                                        \
    "\"test_groups\": [{\"group\": 1, \"scenarios\": [" scenarios "]}]}]"
#define ONE(scenario) BLOCK("", scenario)
#define WRITE "\"id\": \"a\", \"type\": \"write\", \"clients\": 2, \"keyspacelen\": 10, "

static void ck_refused(const char *text, const char *wanted)
{
    ck_assert_msg(read_text(text) == E_CONFIG, "taken: %s", text);
    ck_assert_msg(strncmp(err.text, "f:1:", 4) == 0 && strstr(err.text, wanted) != NULL,
                  "%s: not \"%s\" but: %s", text, wanted, err.text);
}

static void ck_taken(const char *text)
{
    ck_assert_msg(read_text(text) == OK, "%s: %s", text, err.text);
}

/* The command line of a stage, as it is printed. */
static void ck_line(size_t index, enum suite_stage stage, const char *wanted)
{
    struct suite_argv argv;
    struct suite_tool tool;
    const struct suite_target target = {.host = "h", .port = 1};
    char *line = NULL;
    size_t line_bytes = 0;
    suite_tool_describe(&tool, "/bin/volley", NULL);
    const struct suite_stage_wish wish = {
        .tool = &tool, .combination = &plan.items[index], .target = &target, .seed = 5};
    ck_assert_uint_lt(index, plan.count);
    ck_assert(suite_stage_runs(&wish, stage));
    FILE *out = open_memstream(&line, &line_bytes);
    suite_stage_argv(&argv, &wish, stage);
    suite_argv_print(out, &argv);
    ck_assert_int_eq(fclose(out), 0);
    ck_assert_str_eq(line, wanted);
    free(line);
}

static void ck_combination(size_t index, const char *wanted)
{
    char text[300];
    ck_assert_uint_lt(index, plan.count);
    ck_assert_str_eq(suite_combination_text(text, sizeof text, &plan.items[index]), wanted);
}

TEST(a_group_shares_its_servers)
{
    /* breaks when scenarios of a group do not follow one another on one server, another group, set of settings or number of I/O
     * threads does not begin a new one, or restart_before does not; or variants and parts have other names */
    ck_taken(
        "[{\"tls_mode\": false, \"cluster_mode\": false, \"io-threads\": [1, 2], "
        "\"config_sets\": [{\"hz\": 1}, {\"hz\": 2}], \"keyspacelen\": 9, \"test_groups\": ["
        "{\"group\": \"g\", \"scenarios\": ["
        "{\"id\": \"a\", \"type\": \"write\", \"clients\": 2, \"requests\": 7, \"test\": \"set\"}, "
        "{\"id\": \"b\", \"type\": \"read\", \"clients\": 3, \"duration\": 4, \"command\": "
        "\"get key:__rand_int__\", \"options\": {\"\": \"\", \"X Y\": \"_x\"}}, "
        "{\"id\": \"c\", \"type\": \"mixed\", \"restart_before\": true, \"duration\": 4, "
        "\"writes\": [{\"id\": \"w\", \"test\": \"SET\", \"clients\": 1}], "
        "\"reads\": [{\"id\": \"r\", \"test\": \"GET\", \"clients\": 5}]}]}, "
        "{\"group\": 2, \"scenarios\": [{\"id\": \"a\", \"type\": \"write\", \"clients\": 1, "
        "\"requests\": 1, \"test\": \"SET\"}]}]}]");
    static const struct {
        const char *test_id, *phase;
        bool goes_on, beside, begins;
    } wanted[] = {
        {"ga", "write", false, false, true},       {"gb", "read", true, false, true},
        {"gb_x", "read", true, false, false},      {"gc_w", "mixed_write", false, false, true},
        {"gc_r", "mixed_read", true, true, false}, {"2a", "write", false, false, true}};
    ck_assert_uint_eq(plan.count, 4 * 6);
    for (size_t i = 0; i < plan.count; i++) {
        const struct suite_combination *combination = &plan.items[i];
        ck_assert_str_eq(combination->of->test_id, wanted[i % 6].test_id);
        ck_assert_str_eq(combination->of->phase, wanted[i % 6].phase);
        ck_assert_int_eq(combination->goes_on, wanted[i % 6].goes_on);
        ck_assert_int_eq(combination->beside, wanted[i % 6].beside);
        ck_assert_int_eq(combination->of->begins, wanted[i % 6].begins);
        ck_assert_uint_eq(combination->config_set, i / 6 % 2);
        ck_assert_uint_eq(combination->io_threads, 1 + i / 12);
    }
    ck_assert_uint_eq(suite_plan_unit_end(&plan, 0), 3);
    ck_assert_uint_eq(suite_plan_step_end(&plan, 0), 1);
    ck_assert_uint_eq(suite_plan_unit_end(&plan, 3), 5);
    ck_assert_uint_eq(suite_plan_step_end(&plan, 3), 5);
    ck_assert_uint_eq(suite_plan_unit_end(&plan, 23), 24);
    ck_combination(2, "gb_x GET | size=3 | pipeline=1 | clients=3 | duration=4s | keyspacelen=9 | "
                      "warmup=0 | io-threads=1 | config_set=1");
    ck_line(2, SUITE_MEASURE,
            "volley bench -h h -p 1 -d 3 -P 1 -c 3 --seed 5 --test-duration 4 -r 9 -- get "
            "key:__rand_int__ X Y");
    ck_line(4, SUITE_MEASURE,
            "volley bench -h h -p 1 -d 3 -P 1 -c 5 --seed 5 --test-duration 4 -r 9 -t get");
}

TEST(command_lines_of_scenarios)
{
    /* breaks when a key of a scenario does not reach the command line, quotes are cut otherwise than by a shell, or what is written
     * before is not written once, one key after the other, by as many connections as are wanted */
    ck_taken(ONE(
        "{" WRITE
        "\"sequential\": true, \"pipeline\": 3, \"data_size\": 7, \"maxdocs\": 50, \"warmup\": 1, "
        "\"warmup_inline\": 2, \"dataset\": \"d.csv\", \"benchmark_args\": [\"--qps 100\", "
        "\"--ttl '5 s'\"], \"command\": \"HSET 'a b':{tag}:__rand_int__ x{tag} "
        "\\\"__field:t__\\\"\"}"));
    ck_line(
        0, SUITE_MEASURE,
        "volley bench -h h -p 1 -d 7 -P 3 -c 2 --seed 5 --warmup 3 -n 50 --sequential 10 --dataset "
        "d.csv --maxdocs 50 --qps 100 --ttl '5 s' -- HSET 'a b:__rand_int__' x __field:t__");
    ck_taken(ONE("{" WRITE "\"requests\": 3, \"test\": \"SET\", \"populate_with\": \"set\", "
                 "\"populate_clients\": 9}"));
    ck_line(0, SUITE_POPULATE,
            "volley bench -h h -p 1 -d 3 -P 1 -c 9 --seed 5 -n 10 --sequential 10 -t set");
    ck_line(0, SUITE_MEASURE, "volley bench -h h -p 1 -d 3 -P 1 -c 2 --seed 5 -n 3 -r 10 -t set");
    ck_taken(ONE("{" WRITE "\"requests\": 3, \"command\": \"PING\", \"populate_with\": "
                 "\"SET k:__rand_int__ __data__ EX 9\"}"));
    ck_line(0, SUITE_POPULATE,
            "volley bench -h h -p 1 -d 3 -P 1 -c 2 --seed 5 -n 10 --sequential 10 -- SET "
            "k:__rand_int__ __data__ EX 9");
    ck_taken(
        ONE("{\"id\": \"a\", \"type\": \"read\", \"clients\": 1, \"duration\": 1, \"command\": "
            "\"PING\"}"));
    ck_line(0, SUITE_MEASURE,
            "volley bench -h h -p 1 -d 3 -P 1 -c 1 --seed 5 --test-duration 1 -- PING");
}

TEST(a_cluster_has_connections_for_each_node)
{
    /* breaks when parallel does not give each node of a cluster the connections that the scenario names, or does so elsewhere */
    ck_taken("[{\"tls_mode\": false, \"cluster_mode\": [false, true], \"cluster_nodes\": 3, "
             "\"test_groups\": [{\"group\": 1, \"scenarios\": [{" WRITE
             "\"requests\": 1, \"test\": \"SET\", \"cluster_execution\": \"parallel\"}, {\"id\": "
             "\"b\", \"type\": \"read\", \"clients\": 4, \"duration\": 1, \"test\": \"GET\"}]}]}]");
    ck_assert_uint_eq(plan.count, 4);
    ck_assert_uint_eq(plan.items[0].clients, 2);
    ck_assert_uint_eq(plan.items[2].clients, 6);
    ck_assert_uint_eq(plan.items[3].clients, 4);
    ck_assert_uint_eq(plan.items[3].keyspace, 10); /* of the write before it */
    ck_refused("[{\"tls_mode\": false, \"cluster_mode\": true, \"cluster_nodes\": 3, "
               "\"test_groups\": [{\"group\": 1, \"scenarios\": [{" WRITE
               "\"requests\": 1, \"test\": \"SET\"}]}]}]",
               "each of 3 nodes needs a connection");
}

TEST(what_another_tool_cannot_do)
{
    /* breaks when valkey-benchmark is asked for a table, keys in order or a cluster's keys without a tag, which it does not have */
    static const struct {
        const char *help, *text, *wanted;
    } cases[] = {
        {"--csv", ONE("{" WRITE "\"requests\": 1, \"sequential\": true, \"test\": \"SET\"}"),
         "has no --sequential, which scenario 1a asks for"},
        {"--csv",
         ONE("{" WRITE "\"requests\": 1, \"dataset\": \"d.csv\", \"command\": \"SET a "
             "__field:b__\"}"),
         "has no --dataset"},
        {"--csv",
         "[{\"tls_mode\": false, \"cluster_mode\": true, \"test_groups\": [{\"group\": 1, "
         "\"scenarios\": [{" WRITE "\"requests\": 1, \"command\": \"GET k:__rand_int__\"}]}]}]",
         "needs {tag} in the command"},
        {"--csv",
         "[{\"tls_mode\": false, \"cluster_mode\": true, \"test_groups\": [{\"group\": 1, "
         "\"scenarios\": [{" WRITE
         "\"requests\": 1, \"command\": \"GET k:{tag}:__rand_int__\"}]}]}]",
         NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct suite_tool tool, volley;
        ck_taken(cases[i].text);
        suite_tool_describe(&volley, "/bin/volley", NULL);
        suite_tool_describe(&tool, "/bin/valkey-benchmark", cases[i].help);
        ck_assert_int_eq(suite_tool_check(&volley, &plan, &err), OK);
        ck_assert_int_eq(suite_tool_check(&tool, &plan, &err),
                         cases[i].wanted != NULL ? E_CONFIG : OK);
        if (cases[i].wanted != NULL)
            ck_assert_msg(strstr(err.text, cases[i].wanted) != NULL, "%s", err.text);
    }
}

TEST(groups_and_scenarios_are_chosen)
{
    /* breaks when --groups and --scenarios leave others than those named, also where a configuration has two cluster modes */
    static const char text[] =
        "[{\"tls_mode\": false, \"cluster_mode\": [false, true], \"keyspacelen\": 5, "
        "\"clients\": 1, \"requests\": 1, \"test_groups\": ["
        "{\"group\": 1, \"scenarios\": [{\"id\": \"a\", \"type\": \"write\", \"test\": \"SET\"}]}, "
        "{\"group\": 2, \"scenarios\": [{\"id\": \"a\", \"type\": \"write\", \"test\": \"SET\"}, "
        "{\"id\": \"b\", \"type\": \"read\", \"test\": \"GET\"}]}, "
        "{\"group\": 3, \"scenarios\": [{\"id\": \"b\", \"type\": \"read\", \"test\": "
        "\"GET\"}]}]}]";
    ck_taken(text);
    ck_assert_uint_eq(plan.count, 8);
    ck_assert_int_eq(
        suite_config_choose(
            &config, &(struct suite_choice){.groups = "2,3", .scenarios = "b", .cluster_mode = -1},
            &err),
        OK);
    ck_assert_int_eq(make_plan(), OK);
    ck_assert_uint_eq(plan.count, 4);
    ck_assert_str_eq(plan.items[0].of->test_id, "2b");
    ck_assert(!plan.items[0].goes_on);
    ck_assert_str_eq(plan.items[1].of->test_id, "3b");
    ck_assert_str_eq(plan.items[2].of->test_id, "2b");
    ck_taken(text);
    ck_assert_int_eq(suite_config_choose(
                         &config, &(struct suite_choice){.groups = "9", .cluster_mode = -1}, &err),
                     E_USAGE);
}

static const struct {
    const char *text, *wanted;
} scenario_mistakes[] = {
    {ONE("{" WRITE "\"requests\": 1}"), "one of these is missing: test, command"},
    {ONE("{" WRITE "\"requests\": 1, \"test\": \"SET\", \"command\": \"PING\"}"),
     "test and command exclude one another"},
    {ONE("{\"id\": \"a\", \"type\": \"scan\"}"), "type: scan"},
    {ONE("{\"id\": \"a\"}"), "\"type\" is missing"},
    {ONE("{\"type\": \"read\", \"test\": \"GET\"}"), "\"id\" is missing"},
    {ONE("{\"id\": \"a/b\", \"type\": \"read\", \"test\": \"GET\"}"), "id: a/b: letters"},
    {ONE("{" WRITE "\"requests\": 1, \"test\": \"NOSUCH\"}"), "test: NOSUCH: unknown"},
    {ONE("{" WRITE "\"test\": \"SET\"}"), "one of these is missing: requests, duration, maxdocs"},
    {ONE("{" WRITE "\"requests\": 1, \"duration\": 1, \"test\": \"SET\"}"),
     "requests and duration exclude one another"},
    {ONE("{" WRITE "\"requests\": \"many\", \"test\": \"SET\"}"), "requests: many"},
    {ONE("{\"id\": \"a\", \"type\": \"write\", \"requests\": 1, \"test\": \"SET\"}"),
     "\"keyspacelen\" is missing"},
    {ONE("{" WRITE "\"requests\": 1, \"test\": \"SET\"}, {" WRITE
         "\"requests\": 1, \"test\": \"SET\"}"),
     "id: a stands there twice"},
    {ONE("{" WRITE "\"requests\": 1, \"command\": \"SET 'a\"}"), "a quote has no end"},
    {ONE("{" WRITE "\"requests\": 1, \"command\": \" \"}"), "command: it is empty"},
    {ONE("{" WRITE "\"requests\": 1, \"command\": \"SET a __field:b__\"}"),
     "which table this field is of"},
    {ONE("{" WRITE "\"requests\": 1, \"dataset\": \"d.csv\", \"command\": \"SET a b\"}"),
     "takes no field of it"},
    {ONE("{" WRITE "\"requests\": 1, \"dataset\": \"d.csv\", \"test\": \"SET\"}"),
     "takes no field of it"},
    {ONE("{" WRITE "\"requests\": 1, \"dataset\": \"d.XML\", \"command\": \"SET a "
         "__field:b__\"}"),
     "dataset: d.XML: volley reads .csv, .tsv and lines"},
    {ONE("{" WRITE "\"requests\": 1, \"dataset\": \"d.csv\", \"command\": \"SET __data__ "
         "__field:b__\"}"),
     "__data__ beside a dataset"},
    {ONE("{" WRITE "\"requests\": 1, \"maxdocs\": 1, \"test\": \"SET\"}"), "there is no dataset"},
    {ONE("{" WRITE "\"requests\": 1, \"test\": \"SET\", \"benchmark_args\": \"--zipfian 1.0\"}"),
     "--zipfian is no option of volley bench"},
    {ONE("{" WRITE "\"requests\": 1, \"test\": \"SET\", \"benchmark_args\": \"-p 7\"}"),
     "-p is the suite's own to say"},
    {ONE("{" WRITE "\"requests\": 1, \"test\": \"SET\", \"benchmark_args\": \"--json x\"}"),
     "--json is the suite's own to say"},
    {ONE("{" WRITE "\"requests\": 1, \"test\": \"SET\", \"options\": {\"NX\": \"_nx\"}}"),
     "options: a test takes none"},
    {ONE("{" WRITE "\"requests\": 1, \"command\": \"PING\", \"options\": {\"a\": \"_x\", "
         "\"b\": \"_x\"}}"),
     "two are called \"_x\""},
    {ONE("{" WRITE "\"requests\": 1, \"test\": \"SET\", \"populate_with\": \"GET\"}"),
     "populate_with: GET writes nothing"},
    {ONE("{" WRITE "\"requests\": 1, \"test\": \"SET\", \"populate_with\": \"nosuch\"}"),
     "populate_with: nosuch: no test"},
    {ONE("{" WRITE "\"requests\": 1, \"test\": \"SET\", \"populate_clients\": 2}"),
     "needs populate_with"},
    {ONE("{" WRITE "\"requests\": 1, \"test\": \"SET\", \"reads\": [{\"id\": \"r\", \"test\": "
         "\"GET\"}]}"),
     "need type: mixed"},
    {ONE("{\"id\": \"m\", \"type\": \"mixed\", \"duration\": 1}"), "needs writes, reads"},
    {ONE("{\"id\": \"m\", \"type\": \"mixed\", \"test\": \"SET\"}"), "for its writes and reads"},
    {ONE("{\"id\": \"m\", \"type\": \"mixed\", \"writes\": [{\"id\": \"w\", \"test\": "
         "\"SET\"}]}"),
     "one of these is missing: duration"},
    {ONE("{\"id\": \"m\", \"type\": \"mixed\", \"duration\": 1, \"writes\": [{\"id\": \"w\", "
         "\"test\": \"SET\"}], \"reads\": [{\"id\": \"w\", \"test\": \"GET\"}]}"),
     "id: w stands there twice"},
    {BLOCK("\"commands\": [\"SET\"], ", "{" WRITE "\"requests\": 1, \"test\": \"SET\"}"),
     "commands: test_groups stand in its place"},
    {BLOCK("\"clients\": [1, 2], ", "{" WRITE "\"requests\": 1, \"test\": \"SET\"}"),
     "clients: beside test_groups it is one number"},
    {"[{\"tls_mode\": false, \"cluster_mode\": false, \"test_groups\": [{\"scenarios\": []}]}]",
     "\"group\" is missing"},
};

TEST(what_is_wrong_with_scenarios)
{
    /* breaks when a mistake in a scenario is taken, or is not told with file, line and key */
    for (size_t i = 0; i < sizeof scenario_mistakes / sizeof scenario_mistakes[0]; i++)
        ck_refused(scenario_mistakes[i].text, scenario_mistakes[i].wanted);
}

TEST(foreign_keys_of_scenarios)
{
    /* breaks when keys that mean nothing here are refused, or left out in silence */
    ck_taken(ONE("{" WRITE "\"requests\": 1, \"test\": \"SET\", \"xml_root_element\": \"doc\", "
                 "\"profiling\": {\"delays\": {\"write\": {\"delay\": 15}}}}"));
    ck_assert_ptr_nonnull(strstr(told, "xml_root_element: left out"));
    ck_assert_ptr_nonnull(strstr(told, "profiling: left out"));
}

TEST(datasets_have_to_be_there)
{
    /* breaks when a table that is not there, is none or lacks a field is not told with the key's place, or its rows do not say how
     * many requests a write makes */
    static const char format[] = "[{\"tls_mode\": false, \"cluster_mode\": false, \"test_groups\": "
                                 "[{\"group\": 1, \"scenarios\": [{" WRITE
                                 "\"dataset\": \"%s\", \"maxdocs\": 5, \"command\": \"SET "
                                 "a:__rand_int__ __field:%s__\"}]}]}]";
    char path[] = "/tmp/volley-rows-XXXXXX.csv", text[700];
    snprintf(text, sizeof text, format, "/nowhere/d.csv", "term");
    ck_taken(text);
    ck_assert_uint_eq(plan.items[0].requests, 5);
    ck_assert_int_eq(suite_config_find_datasets(&config, &err), E_CONFIG);
    ck_assert_ptr_nonnull(strstr(err.text, "dataset: /nowhere/d.csv: "));
    ck_assert_ptr_nonnull(strstr(err.text, "datasets have to be there"));
    const int fd = mkstemps(path, 4);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, "term\na\nb\nc\n", 11), 11);
    ck_assert_int_eq(close(fd), 0);
    snprintf(text, sizeof text, format, path, "term");
    ck_taken(text);
    ck_assert_int_eq(suite_config_find_datasets(&config, &err), OK);
    ck_assert_int_eq(make_plan(), OK);
    ck_assert_uint_eq(plan.items[0].requests, 3);
    snprintf(text, sizeof text, format, path, "other");
    ck_taken(text);
    err = (struct err){.code = OK};
    ck_assert_int_eq(suite_config_find_datasets(&config, &err), E_CONFIG);
    ck_assert_ptr_nonnull(strstr(err.text, "has no field other"));
    ck_assert_int_eq(unlink(path), 0);
}

TEST_SUITE_WITH(suite_groups, .tear_down = tear_down)
