/* volley under another tool's name, against a server: what it does, what it prints, and what it exits with. */
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/check/cluster.h"
#include "tests/support/check/run.h"
#include "tests/support/check/server.h"
#include "tests/support/check/suite.h"
#include "tests/support/check/temp_tree.h"

static struct test_server server;
static struct program tool;

static void setup(void)
{
    test_server_start(&server, NULL);
}

static void teardown(void)
{
    program_free(&tool);
    test_server_stop(&server);
}

#define WORDS_MAX 40
struct words {
    char text[400];
    const char *argv[WORDS_MAX + 1];
    size_t count;
};

/* The program, then a line cut at blanks. */
static void cut(struct words *words, const char *program, const char *line)
{
    *words = (struct words){.argv = {program}, .count = 1};
    snprintf(words->text, sizeof words->text, "%s", line);
    char *rest = words->text;
    for (char *word; (word = strsep(&rest, " ")) != NULL && words->count < WORDS_MAX;)
        if (*word != '\0')
            words->argv[words->count++] = word;
}

/* volley valkey-benchmark -p PORT line; %s in the line is the port, too. */
static void run(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void run(const char *format, ...)
{
    char rest[300], line[360];
    struct words words;
    va_list args;
    va_start(args, format);
    vsnprintf(rest, sizeof rest, format, args);
    va_end(args);
    program_free(&tool);
    snprintf(line, sizeof line, "valkey-benchmark -p %s %s", server.port_text, rest);
    cut(&words, program_volley(), line);
    program_run(&tool, &(struct program_options){.argv = words.argv});
}

/* It ended well, and had nothing to complain of. */
static void ck_clean(void)
{
    ck_assert_msg(tool.exit_status == 0, "status %d: %s", tool.exit_status, tool.err);
    ck_assert_str_eq(tool.err, "");
}

#define CK_INTEGER(expected_, command_)                                                            \
    ck_assert_int_eq(test_server_integer(&server, command_), expected_)

TEST(counts_commands)
{
    /* -n counts sequences, tears one apart, or sends more than was asked for */
    run("-n 12 -- incr foo ; 3 incr bar");
    ck_clean();
    ck_assert_int_eq(test_server_calls(&server, "incr"), 12);
    ck_assert_ptr_nonnull(strstr(tool.out, "\n  12 requests completed in "));
    ck_assert_ptr_nonnull(strstr(tool.out, "\r====== incr foo ; 3 incr bar ======\n"));
    ck_assert_ptr_nonnull(strstr(tool.out, "100.000% <= "));
    run("-n 10 -q -- incr foo ; 3 incr bar");
    ck_clean();
    ck_assert_int_eq(test_server_calls(&server, "incr"), 24);
    run("-n 10 -P 4 -q -t set");
    ck_clean();
    ck_assert_int_eq(test_server_calls(&server, "set"), 10);
}

TEST(all_tests)
{
    /* a test of the list is left out, or connections are counted as load by who counts commands */
    run("-c 3 -n 30 -q");
    ck_clean();
    static const struct {
        const char *command;
        long long calls;
    } commands[] = {{"ping", 60},  {"set", 30},    {"get", 30},  {"incr", 30}, {"lpush", 60},
                    {"rpush", 30}, {"lpop", 30},   {"rpop", 30}, {"sadd", 30}, {"hset", 30},
                    {"spop", 30},  {"zadd", 30},   {"mset", 30}, {"mget", 30}, {"xadd", 30},
                    {"fcall", 30}, {"lrange", 120}};
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        /* the probe of this helper is a PING, one more at each question */
        long long calls = test_server_calls(&server, commands[i].command);
        ck_assert_msg(calls == commands[i].calls ||
                          (i == 0 && calls >= commands[i].calls && calls < 90),
                      "%s: %lld calls", commands[i].command, calls);
    }
    size_t lines = 0;
    for (const char *at = tool.out; (at = strstr(at, " requests per second, p50=")) != NULL; at++)
        lines++;
    ck_assert_uint_eq(lines, 24);
    ck_assert_str_eq(tool.out + tool.out_bytes - 7, " msec\n\n");
    CK_INTEGER(1, "EXISTS key:__rand_int__");
    CK_INTEGER(1, "EXISTS counter:__rand_int__");
}

TEST(keys_in_turn)
{
    /* what valkey-perf-benchmark fills before it measures has holes */
    run("-r 1000 -n 1000 --sequential --seed 7 -t set,zadd -P 8 --threads 3 -q");
    ck_clean();
    CK_INTEGER(1001, "DBSIZE");
    CK_INTEGER(1000, "ZCARD myzset");
    test_server_integer(&server, "DEL myzset");
    run("-r 100 -n 100 --sequential -q -- set rain__rand_int__ rain__rand_int__");
    ck_clean();
    CK_INTEGER(1050, "DBSIZE");
    CK_INTEGER(0, "EXISTS rain000000000001");
    run("-n 2 -q -- set __rand_int__ __init__{tag}__key__");
    ck_clean();
    char *held = test_server_text(&server, "GET __rand_int__");
    ck_assert_str_eq(held, "__init__{tag}__key__");
    free(held);
}

TEST(reads_standard_input)
{
    /* -x takes the argument for another one, or its placeholders are not replaced as there */
    struct words words;
    char line[100];
    snprintf(line, sizeof line, "redis-benchmark -p %s -x -n 10 -q set key", server.port_text);
    cut(&words, program_volley(), line);
    program_run(&tool,
                &(struct program_options){.argv = words.argv, .stdin_text = "a \\x __other__"});
    ck_clean();
    char *held = test_server_text(&server, "GET key");
    ck_assert_str_eq(held, "a \\x __other__");
    free(held);
}

TEST(by_the_name_of_a_link)
{
    /* what stands where a script looks for valkey-benchmark is volley after all */
    char directory[] = "/tmp/volley-test-XXXXXX", path[64], line[80];
    ck_assert_ptr_nonnull(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/valkey-benchmark", directory);
    char *program = realpath(program_volley(), NULL);
    ck_assert_ptr_nonnull(program);
    ck_assert_int_eq(symlink(program, path), 0);
    struct words words;
    snprintf(line, sizeof line, "-p %s -n 10 -t set --csv", server.port_text);
    cut(&words, path, line);
    program_run(&tool, &(struct program_options){.argv = words.argv});
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(rmdir(directory), 0);
    free(program);
    ck_clean();
    ck_assert_int_eq(strncmp(tool.out, "\"test\",\"rps\",", 13), 0);
    ck_assert_ptr_nonnull(strstr(tool.out, "\n\"SET\",\""));
    ck_assert_ptr_null(strchr(tool.out, '\r'));
}

TEST(fields_of_a_table)
{
    /* a row is left out or sent twice, a field is that of another row, or a sequence counts as one */
    struct temp_tree tree;
    temp_tree_make(&tree);
    temp_tree_write(&tree, "/t.tsv", "id\ttext\n1\t{a}\n2\t\"c\"\n3\tx,y\n", 0600);
    run("-c 3 -P 4 -n 7 -q --dataset %s/t.tsv HINCRBY h __field:text__ __field:id__", tree.path);
    ck_clean();
    ck_assert_int_eq(test_server_calls(&server, "hincrby"), 7);
    CK_INTEGER(3, "HINCRBY h {a} 0");
    CK_INTEGER(4, "HINCRBY h \"c\" 0");
    CK_INTEGER(6, "HINCRBY h x,y 0");
    run("-n 6 -r 2 --sequential -q --dataset %s/t.tsv --maxdocs 2 -- SET k:__rand_int__ "
        "__field:id__ ; 2 INCRBY sum __field:id__",
        tree.path);
    ck_clean();
    ck_assert_int_eq(test_server_calls(&server, "incrby"), 4);
    CK_INTEGER(1, "INCRBY k:000000000000 0");
    CK_INTEGER(2, "INCRBY k:000000000001 0");
    CK_INTEGER(6, "INCRBY sum 0");
    temp_tree_remove(&tree);
}

TEST(what_is_refused)
{
    /* a script that looks for that tool's words or its status finds others */
    run("-n 5 --duration 1 -t set");
    ck_assert_int_eq(tool.exit_status, 1);
    ck_assert_str_eq(tool.out, "");
    ck_assert_ptr_nonnull(strstr(tool.err, "Options -n and --duration are mutually exclusive."));
    run("-n 5 --managed");
    ck_assert_int_eq(tool.exit_status, 1);
    ck_assert_str_eq(tool.err, "");
    static const char invalid[] =
        "Invalid option \"--managed\" or option argument missing\n\nusage: valkey-benchmark ";
    ck_assert_int_eq(strncmp(tool.out, invalid, strlen(invalid)), 0);
    ck_assert_ptr_nonnull(strstr(tool.out, "\n  -c CLIENTS "));
    run("--help");
    ck_assert_int_eq(tool.exit_status, 0);
    ck_assert_int_eq(strncmp(tool.out, "usage: valkey-benchmark ", 24), 0);
    run("-v");
    ck_assert_int_eq(strncmp(tool.out, "valkey-benchmark 9.1 (volley ", 29), 0);
    run("--fuzz");
    ck_assert_int_eq(tool.exit_status, 1);
    ck_assert_ptr_nonnull(strstr(tool.err, "--fuzz is not available yet"));
    ck_assert_int_eq(test_server_calls(&server, "set"), 0);
}

TEST(warnings)
{
    /* a warning of that tool is not given, or ends the run */
    run("-n 10 -q -t get,set -e incr key");
    ck_assert_int_eq(tool.exit_status, 0);
    ck_assert_str_eq(tool.err, "WARNING: -e has no effect: the first error ends the run.\n"
                               "WARNING: Option -t is ignored.\n");
    ck_assert_int_eq(test_server_calls(&server, "incr"), 10);
    ck_assert_int_eq(test_server_calls(&server, "get"), 0);
}

TEST(first_error_ends)
{
    /* a run with errors looks like a result, or later tests run all the same */
    free(test_server_text(&server, "SET counter:__rand_int__ word"));
    run("-n 1000 -q -t incr,lpush");
    ck_assert_int_eq(tool.exit_status, 1);
    ck_assert_str_eq(tool.err, "Error from server: ERR value is not an integer or out of range\n");
    ck_assert_ptr_null(strstr(tool.out, "requests per second"));
    ck_assert_int_eq(test_server_calls(&server, "lpush"), 0);
    run("-n 1 -q -t incr"); /* also where it is the last reply */
    ck_assert_int_eq(tool.exit_status, 1);
    ck_assert_ptr_null(strstr(tool.out, "requests per second"));
}

TEST(nobody_there)
{
    /* a server that cannot be reached is no error */
    run("-s /nonexistent/socket -n 1");
    ck_assert_int_eq(tool.exit_status, 5);
    ck_assert_ptr_nonnull(strstr(tool.err, "Error: "));
    ck_assert_str_eq(tool.out, "");
}

TEST(idle_connections)
{
    /* -I opens other than -c connections, sends load, or a server that is full is no error */
    struct words words;
    char line[100];
    snprintf(line, sizeof line, "valkey-benchmark -p %s -c 7 -I", server.port_text);
    cut(&words, program_volley(), line);
    program_start(&tool, &(struct program_options){.argv = words.argv});
    program_wait_text(&tool, PROGRAM_OUT, "clients: 7\r");
    ck_assert_int_eq(test_server_info(&server, "connected_clients"), 8); /* with our own */
    ck_assert_int_eq(test_server_calls(&server, "set"), 0);
    program_signal(&tool, SIGINT);
    program_wait(&tool);
    ck_assert_int_eq(tool.exit_status, 130);
    ck_assert_str_eq(tool.err, "");
    static const char head[] =
        "Creating 7 idle connections and waiting forever (Ctrl+C when done)\n";
    ck_assert_int_eq(strncmp(tool.out, head, strlen(head)), 0);
    free(test_server_text(&server, "CONFIG SET maxclients 5"));
    run("-c 10 -I");
    ck_assert_int_eq(tool.exit_status, 5);
    ck_assert_ptr_nonnull(strstr(tool.err, "Error"));
    free(test_server_text(&server, "CONFIG SET maxclients 100"));
}

TEST(times_and_rates)
{
    /* time, warm-up and rate mean something else, or say something on standard error */
    run("--warmup 1 -n 100 -t set -r 5");
    ck_clean();
    ck_assert_ptr_nonnull(strstr(tool.out, "\rWarming up SET: rps="));
    ck_assert_ptr_nonnull(strstr(tool.out, "\n  100 requests completed in "));
    ck_assert_ptr_nonnull(strstr(tool.out, "  host configuration \"appendonly\": no\n"));
    run("--duration 1 --rps 200 -t set -k 0 -c 4"); /* which a busy machine may not reach, in one line */
    ck_assert_int_eq(tool.exit_status, 0);
    ck_assert_ptr_eq(strchr(tool.err, '\n'),
                     tool.err_bytes > 0 ? tool.err + tool.err_bytes - 1 : NULL);
    ck_assert_ptr_nonnull(strstr(tool.out, "\n  keep alive: 0\n"));
    ck_assert_ptr_nonnull(strstr(tool.out, "\nRPS Summary:\n  target RPS: 200.00\n"));
    ck_assert_ptr_nonnull(strstr(tool.out, " seconds\r"));
}

TEST(over_a_cluster)
{
    /* the keys of a test are all on one node, or the nodes are not named */
    static struct test_cluster cluster;
    char line[200];
    struct words words;
    test_cluster_start(&cluster, 3, 0, NULL);
    snprintf(line, sizeof line, "valkey-benchmark -p %s --cluster -n 300 -t lpush,set --csv",
             cluster.nodes[0].port_text);
    cut(&words, program_volley(), line);
    program_run(&tool, &(struct program_options){.argv = words.argv});
    ck_clean();
    ck_assert_int_eq(strncmp(tool.out, "Cluster has 3 primary nodes:\n\nNode 0(Primary): ", 46), 0);
    ck_assert_ptr_nonnull(strstr(tool.out, "\n\n\"test\",\"rps\","));
    for (size_t i = 0; i < 3; i++)
        ck_assert_int_gt(test_server_calls(&cluster.nodes[i], "lpush"), 50);
    test_cluster_stop(&cluster);
}

TEST_SUITE_WITH(dialect_run, .set_up = setup, .tear_down = teardown)
