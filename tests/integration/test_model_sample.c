/* `volley model --sample`: a workload of what a server tells, where it cannot be recorded. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/check/at_server.h"
#include "tests/support/check/cluster.h"
#include "tests/support/check/suite.h"
#include "tests/support/check/temp_tree.h"

static const char population[] =
    "name: known\n"
    "keys:\n"
    "  user: {count: 4000, order: zipf, exponent: 0.99}\n"
    "  cart: {count: 2000, digits: 0}\n"
    "values:\n"
    "  profile: {size: 100}\n"
    "  basket: {size: {lognormal: {median: 300, p99: 3000}}}\n"
    "classes:\n"
    "  - {name: read, weight: 60, command: \"GET {key:user}\"}\n"
    "  - {name: write, weight: 10, command: \"SET {key:user} {value:profile}\"}\n"
    "  - {name: look, weight: 30, command: \"GET {key:cart}\"}\n"
    "prefill:\n"
    "  - {keys: user, command: \"SET {key:user} {value:profile}\"}\n"
    "  - {keys: cart, command: \"SET {key:cart} {value:basket} EX {int 5000 9000}\"}\n";

static struct temp_tree tree;
static char known[200], yaml[200];
static struct program program;

static void set_up(void)
{
    at_server_set_up();
    temp_tree_make(&tree);
    temp_tree_write(&tree, "/known.yaml", population, 0600);
    snprintf(known, sizeof known, "%s/known.yaml", tree.path);
    snprintf(yaml, sizeof yaml, "%s/sampled.yaml", tree.path);
}

static void tear_down(void)
{
    program_free(&program);
    temp_tree_remove(&tree);
    at_server_tear_down();
}

static char *read_all(const char *file)
{
    FILE *in = fopen(file, "rb");
    ck_assert_msg(in != NULL, "%s is not there", file);
    char *bytes = calloc(1, 1 << 16);
    ck_assert_ptr_nonnull(bytes);
    ck_assert_uint_gt(fread(bytes, 1, (1 << 16) - 1, in), 0);
    fclose(in);
    return bytes;
}

/* The number behind a text, which is behind another one. */
static double number_behind(const char *text, const char *first, const char *before)
{
    const char *at = strstr(text, first);
    at = at != NULL ? strstr(at, before) : NULL;
    ck_assert_msg(at != NULL, "%s %s is not in %s", first, before, text);
    return at != NULL ? strtod(at + strlen(before), NULL) : 0;
}

static void expect(const char *text, const char *part)
{
    ck_assert_msg(strstr(text, part) != NULL, "'%s' is not in:\n%s", part, text);
}

static void ended_with(int exit_status)
{
    ck_assert_msg(program.exit_status == exit_status, "exit status %d: %s%s", program.exit_status,
                  program.out, program.err);
}

/* What was written is a workload that volley takes and that finds its keys. */
static void is_a_workload(const struct bench_setting *setting, const char *more)
{
    program_free(&program);
    program_run_volley(&program, "bench", "--workload", yaml, "--explain=5", NULL);
    ended_with(0);
    call_expect(&call, 0, setting, "--workload %s --prefill -n 2000 -c 3%s", yaml, more);
    call_free(&call);
}

TEST(a_known_population_is_found)
{
    /* Breaks when keys, sizes, times, skew or mix of a server come back as others than they are. */
    free(test_server_text(&server, "CONFIG SET maxmemory-policy allkeys-lfu"));
    /* Counters that sink with the minutes say how long a busy machine took. */
    free(test_server_text(&server, "CONFIG SET lfu-decay-time 0"));
    call_expect(&call, 0, &at_server, "--workload %s --prefill-only", known);
    call_free(&call);
    free(test_server_text(&server, "CONFIG RESETSTAT"));
    call_expect(&call, 0, &at_server, "--workload %s -n 300000 -c 4 -P 16", known);
    call_free(&call);
    program_run_volley(&program, "model", "--sample", "-p", server.port_text, "--window", "0", "-o",
                       yaml, NULL);
    ended_with(0);
    char *text = read_all(yaml);
    expect(program.out, "6,000 keys, of which 6,000 were sampled");
    expect(program.out, "asked: ");
    expect(text, ": {count: 4000, prefix: \"user:\", first: 0, digits: 12, order: zipf");
    expect(text, "{count: 2000, prefix: \"cart:\", first: 0, digits: 0}");
    ck_assert_double_eq_tol(number_behind(text, "keys:", "exponent: "), 0.99, 0.12);
    /* Of 300,000 commands 270,000 read; which keys is guessed by the counters: 7 in 10 of users'. */
    ck_assert_double_eq_tol(number_behind(program.out, "GET ", "GET"), 63, 5);
    ck_assert_double_eq_tol(number_behind(text, "name: get-2", "weight: ") +
                                number_behind(text, "name: get-1", "weight: "),
                            900000, 1000);
    ck_assert_double_eq_tol(number_behind(text, "lognormal:", "median: "), 300, 30);
    ck_assert_double_eq_tol(number_behind(text, "lognormal:", "p99: "), 3000, 900);
    expect(text, "{size: 100}");
    /* Times to live from 5,000 to 9,000 s. */
    ck_assert_double_eq_tol(number_behind(text, "prefill:", "\"EX\", \"{int "), 5040, 150);
    ck_assert_double_eq_tol(number_behind(text, "keys \"cart:\"", "time left: of "), 100, 0.1);
    free(text);
    is_a_workload(&at_server, "");
}

TEST(a_window_counts_what_comes_meanwhile)
{
    /* Breaks when what was counted before is taken for the mix, or volley's own questions are. */
    call_expect(&call, 0, &at_server, "--workload %s --prefill-only", known);
    call_free(&call);
    call_start(&call, &at_server, "-t get -r 1000 -c 2 --qps 2000 --duration 60");
    while (test_server_calls(&server, "get") == 0)
        usleep(1000);
    program_run_volley(&program, "model", "--sample", "-p", server.port_text, "--window", "500ms",
                       "--sample-keys", "1000", "-o", yaml, NULL);
    program_signal(&call.program, SIGINT);
    call_finish(&call);
    call_free(&call);
    ended_with(0);
    expect(program.out, "6,000 keys, of which 1,000 were sampled");
    expect(program.out, "rate: ");
    expect(program.out, "maxmemory-policy is noeviction");
    char *text = read_all(yaml);
    ck_assert_msg(strstr(text, "[\"SET\", \"{key:user") > strstr(text, "prefill:"), "%s", text);
    expect(text, "[\"GET\", ");
    ck_assert_ptr_null(strstr(text, "[\"SCAN\""));
    ck_assert_double_eq_tol(number_behind(text, "  user", "count: "), 4000, 600);
    free(text);
}

TEST(each_type_is_written_as_it_is)
{
    /* Breaks when a type of keys is lost, or its workload asks for what is not there. */
    for (int i = 0; i < 20; i++) {
        test_server_integer(&server,
                            "HSET h:%d name aaaaaaaaaaaaaaaaaaaa mail bbbbbbbbbbbbbbbbbbbb", i);
        test_server_integer(&server, "RPUSH l:%d aaaaaaaaaa bbbbbbbbbb cccccccccc", i);
        test_server_integer(&server, "SADD s:%d m1 m2 m3", i);
        test_server_integer(&server, "ZADD z:%d 1 aaaa 2 bbbb", i);
        free(test_server_text(&server, "XADD x:%d * f 12345678", i));
        free(test_server_text(&server, "SET c:%d 12", i));
    }
    free(test_server_text(&server, "CONFIG RESETSTAT"));
    for (int i = 0; i < 20; i++) {
        free(test_server_text(&server, "HGET h:%d name", i));
        test_server_integer(&server, "LPUSH l:%d aaaaaaaaaa", i);
        test_server_integer(&server, "SISMEMBER s:%d m1", i);
        free(test_server_text(&server, "ZSCORE z:%d aaaa", i));
        test_server_integer(&server, "XLEN x:%d", i);
        test_server_integer(&server, "INCR c:%d", i);
    }
    program_run_volley(&program, "model", "--sample", "-p", server.port_text, "--window", "0", "-o",
                       yaml, NULL);
    ended_with(0);
    static const char *const told[] = {
        "keys \"h:\": 20 of type hash",   "an element: median 20 bytes, p99 20, largest 20",
        "keys \"l:\": 20 of type list",   "an element: median 10 bytes, p99 10, largest 10",
        "keys \"s:\": 20 of type set",    "an element: median 2 bytes, p99 2, largest 2",
        "keys \"z:\": 20 of type zset",   "an element: median 4 bytes, p99 4, largest 4",
        "keys \"x:\": 20 of type stream", "an element: median 8 bytes, p99 8, largest 8",
        "keys \"c:\": 20 of type string", "elements: median 4, largest 4; the model: 4",
    };
    for (size_t i = 0; i < sizeof told / sizeof told[0]; i++)
        expect(program.out, told[i]);
    free(test_server_text(&server, "FLUSHALL"));
    is_a_workload(&at_server, "");
    ck_assert_int_eq(test_server_integer(&server, "HLEN h:7"), 2);
    ck_assert_int_eq(test_server_integer(&server, "SCARD s:7"), 3);
}

TEST(nothing_to_be_sampled)
{
    /* Breaks when an empty or an idle server gives a workload. */
    program_run_volley(&program, "model", "--sample", "-p", server.port_text, "--window", "0", "-o",
                       yaml, NULL);
    ended_with(4);
    expect(program.err, "has no keys in database 0");
    program_free(&program);
    free(test_server_text(&server, "SET only 1"));
    program_run_volley(&program, "model", "--sample", "-p", server.port_text, "--window", "1ms",
                       "-o", yaml, NULL);
    ended_with(4);
    expect(program.err, "no client sent anything");
    ck_assert_int_ne(access(yaml, F_OK), 0);
}

TEST(what_is_forbidden_is_named)
{
    /* Breaks when a user who may not ask is not told for which command. */
    static const char *const forbidden[][2] = {
        {"scan", "SCAN"}, {"info", "INFO"},     {"object", "OBJECT FREQ"}, {"type", "TYPE"},
        {"pttl", "PTTL"}, {"strlen", "STRLEN"}, {"dbsize", "DBSIZE"},
    };
    free(test_server_text(&server, "CONFIG SET maxmemory-policy allkeys-lfu"));
    free(test_server_text(&server, "SET a:1 1"));
    for (size_t i = 0; i < sizeof forbidden / sizeof forbidden[0]; i++) {
        char part[100];
        free(test_server_text(&server, "ACL SETUSER asker reset on nopass ~* +@all -%s",
                              forbidden[i][0]));
        program_run_volley(&program, "model", "--sample", "-p", server.port_text, "--user", "asker",
                           "--password", "x", "--window", "0", "-o", yaml, NULL);
        ended_with(5);
        snprintf(part, sizeof part, "does not answer %s, which a sample needs: NOPERM",
                 forbidden[i][1]);
        expect(program.err, part);
        snprintf(part, sizeof part, "; grant it with +%s", forbidden[i][0]);
        expect(program.err, part);
        ck_assert_int_ne(access(yaml, F_OK), 0);
        program_free(&program);
    }
}

TEST(an_interrupt_writes_nothing)
{
    /* Breaks when Ctrl+C waits for the window, or leaves half a model. */
    free(test_server_text(&server, "SET a:1 1"));
    program_start_volley(&program, "model", "--sample", "-p", server.port_text, "--window", "600",
                         "-o", yaml, NULL);
    while (test_server_calls(&server, "dbsize") == 0)
        usleep(1000);
    program_signal(&program, SIGINT);
    program_wait(&program);
    ended_with(130);
    ck_assert_int_ne(access(yaml, F_OK), 0);
}

TEST(bad_command_lines)
{
    /* Breaks when options that do not go together connect, or are ignored. */
    static const struct {
        const char *arguments[3], *said;
    } lines[] = {
        {{"--sample", "--strict"}, "--strict is about a file"},
        {{"--sample", "--rates=x"}, "--rates and --sample contradict each other"},
        {{"file", "--rates=x", "-ox"}, "--rates and --output name one file"},
        {{"file", "--sample"}, "--sample and the file file contradict each other"},
        {{"file", "--host=a"}, "--host is about a server"},
        {{"file", "--window=1"}, "--window is about a server"},
        {{"file", "--cluster"}, "--cluster is about a server"},
        {{"--output=x"}, "name one file, or a server with --sample"},
        {{"--sample", "--sample-keys=0"}, "--sample-keys"},
        {{"--sample", "--name=a b"}, "--name a b"},
        {{"--sample", "--read-from-replica"}, "--read-from-replica"},
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        const char *const *a = lines[i].arguments;
        program_run_volley(&program, "model", a[0], a[1], a[2], NULL);
        ended_with(2);
        expect(program.err, lines[i].said);
        program_free(&program);
    }
}

static struct test_certificates certificates;

static void start_guarded(void)
{
    temp_tree_make(&tree);
    test_certificates_make(&certificates, tree.path);
    snprintf(yaml, sizeof yaml, "%s/sampled.yaml", tree.path);
    test_server_start(&server, &(struct test_server_options){.password = "secret",
                                                             .certificates = &certificates});
}

static const struct suite_setting guarded = {
    .set_up = start_guarded, .tear_down = tear_down, .timeout_seconds = 60};

TEST_IN(guarded, a_server_behind_tls_with_a_password)
{
    /* Breaks when an option of a connection has no effect, or the keys of another database are taken. */
    char authority[200];
    free(test_server_text(&server, "SET other:1 1"));
    call_expect(&call, 0, &(struct bench_setting){.port = server.port_text},
                "-a secret --dbnum 3 -t set,get --sequential 100 -n 200");
    call_free(&call);
    program_run_volley(&program, "model", "--sample", "-p", server.tls_port_text, "-h", "localhost",
                       "--tls", "--cacert",
                       test_certificate(authority, sizeof authority, &certificates, "ca"), "-a",
                       "secret", "--dbnum", "3", "--window", "0", "-o", yaml, NULL);
    ended_with(0);
    expect(program.out, "100 keys, of which 100 were sampled");
    char *text = read_all(yaml);
    ck_assert_ptr_null(strstr(text, "\"other:"));
    ck_assert_ptr_null(strstr(text, "secret"));
    free(text);
}

static struct test_cluster cluster;

static void start_cluster(void)
{
    temp_tree_make(&tree);
    snprintf(yaml, sizeof yaml, "%s/sampled.yaml", tree.path);
    test_cluster_start(&cluster, 3, 0, NULL);
}

static void stop_cluster(void)
{
    program_free(&program);
    temp_tree_remove(&tree);
    test_cluster_stop(&cluster);
}

static const struct suite_setting in_cluster = {
    .set_up = start_cluster, .tear_down = stop_cluster, .timeout_seconds = 120};

TEST_IN(in_cluster, a_cluster_is_sampled_at_each_primary)
{
    /* Breaks when one node's keys or commands are taken for the cluster's. */
    const struct bench_setting setting = {.port = cluster.nodes[0].port_text};
    call_expect(&call, 0, &setting, "--cluster -t set,get --sequential 3000 -n 6000 -c 3");
    call_free(&call);
    program_run_volley(&program, "model", "--sample", "-p", cluster.nodes[0].port_text, "--window",
                       "0", NULL);
    ended_with(2);
    expect(program.err, "--cluster");
    program_free(&program);
    program_run_volley(&program, "model", "--sample", "--cluster", "-p", cluster.nodes[0].port_text,
                       "--window", "0", "--sample-keys", "600", "-o", yaml, NULL);
    ended_with(0);
    expect(program.out, "over 3 connections");
    expect(program.out, "3,000 keys, of which 60");
    char *text = read_all(yaml);
    ck_assert_double_eq_tol(number_behind(text, "\nkeys:", "count: "), 3000, 100);
    ck_assert_double_eq_tol(number_behind(text, "\nclasses:", "weight: "), 500000, 5000);
    free(text);
    is_a_workload(&setting, " --cluster");
}

TEST_SUITE_WITH(model_sample, .set_up = set_up, .tear_down = tear_down, .timeout_seconds = 120)
