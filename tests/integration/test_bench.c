/* `volley bench` against a real server: what it says it sent is what the server has got. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/check/at_server.h"
#include "tests/support/check/suite.h"
#include "tests/support/check/support.h"

static void reset_counts(void)
{
    free(test_server_text(&server, "CONFIG RESETSTAT"));
}

static void empty_server(void)
{
    free(test_server_text(&server, "FLUSHALL"));
    reset_counts();
}

static void expect_stderr(const char *text)
{
    ck_assert_msg(strstr(call.program.err, text) != NULL, "\"%s\" is not in: %s", text,
                  call.program.err);
}

static void expect_stdout(const char *text)
{
    ck_assert_msg(strstr(call.program.out, text) != NULL, "\"%s\" is not in: %s", text,
                  call.program.out);
}

/* ---- The tests of -t. ---- */

static const struct {
    const char *name, *command;
} tests[] = {{"set", "set"},           {"get", "get"},           {"incr", "incr"},
             {"lpush", "lpush"},       {"rpush", "rpush"},       {"lpop", "lpop"},
             {"rpop", "rpop"},         {"sadd", "sadd"},         {"hset", "hset"},
             {"spop", "spop"},         {"zadd", "zadd"},         {"zpopmin", "zpopmin"},
             {"lrange_100", "lrange"}, {"lrange_300", "lrange"}, {"lrange_500", "lrange"},
             {"lrange_600", "lrange"}, {"mset", "mset"},         {"mget", "mget"},
             {"xadd", "xadd"},         {"fcall", "fcall"}};
#define TEST_COUNT (sizeof tests / sizeof tests[0])

TEST(test_server_got_what_was_counted)
{
    /* Breaks when a test sends another number of commands than -n, or other commands. */
    for (size_t i = 0; i < TEST_COUNT; i++) {
        reset_counts();
        call_expect(&call, 0, &at_server, "-q -n 53 -c 5 -P 3 -r 100 -t %s", tests[i].name);
        size_t runs = json_array_size(json_object_get(call.root, "runs"));
        ck_assert_int_eq(run_json_count(&call, runs - 1, "requests.sent"), 53);
        ck_assert_int_eq(run_json_count(&call, runs - 1, "requests.ok"), 53);
        ck_assert_msg(test_server_calls(&server, tests[i].command) == 53, "%s: %lld calls",
                      tests[i].name, test_server_calls(&server, tests[i].command));
        call_free(&call);
    }
}

TEST(test_pings)
{
    /* Breaks when PING goes out in another number; connecting needs some of its own, always as
     * many. */
    static const char *const names[] = {"ping_inline", "ping_mbulk"};
    for (size_t i = 0; i < 2; i++) {
        long long calls[2];
        for (int more = 0; more < 2; more++) {
            reset_counts();
            call_expect(&call, 0, &at_server, "-q -n %d -c 5 -t %s", more ? 180 : 50, names[i]);
            call_free(&call);
            calls[more] = test_server_calls(&server, "ping");
        }
        ck_assert_int_eq(calls[1] - calls[0], 130);
        ck_assert_int_ge(calls[0], 55);
    }
}

TEST(test_all_in_one_call)
{
    /* Breaks when the tests of one call are not run in turn, each with a run and a report of its
     * own; the list for LRANGE is filled once. */
    static const char *const titles[] = {"PING_INLINE",
                                         "PING_MBULK",
                                         "SET",
                                         "GET",
                                         "INCR",
                                         "LPUSH",
                                         "RPUSH",
                                         "LPOP",
                                         "RPOP",
                                         "SADD",
                                         "HSET",
                                         "SPOP",
                                         "ZADD",
                                         "ZPOPMIN",
                                         "LPUSH (needed to benchmark LRANGE)",
                                         "LRANGE_100 (first 100 elements)",
                                         "LRANGE_300 (first 300 elements)",
                                         "LRANGE_500 (first 500 elements)",
                                         "LRANGE_600 (first 600 elements)",
                                         "MSET (10 keys)",
                                         "MGET (10 keys)",
                                         "XADD",
                                         "FUNCTION LOAD",
                                         "FCALL"};
    const size_t count = sizeof titles / sizeof titles[0];
    call_expect(&call, 0, &at_server,
                "-q -n 100 -c 3 -t ping_inline,ping_mbulk,set,get,incr,lpush,rpush,lpop,rpop,sadd,"
                "HSET,spop,zadd,zpopmin,lrange_100,lrange_300,lrange_500,lrange_600,mset,mget,xadd,"
                "function_load,fcall");
    ck_assert_uint_eq(json_array_size(json_object_get(call.root, "runs")), count);
    const char *line = call.program.out;
    for (size_t i = 0; i < count; i++) {
        const json_t *run = run_json_at(call.root, i);
        ck_assert_str_eq(json_string_value(json_object_get(run, "name")), titles[i]);
        ck_assert_int_eq(run_json_count(&call, i, "requests.ok"), 100);
        ck_assert_int_eq(strncmp(line, titles[i], strlen(titles[i])), 0);
        line = strchr(line, '\n') + 1;
    }
    ck_assert_str_eq(line, "");
    call_free(&call);
}

/* ---- -n is exact. ---- */

TEST(test_requests_are_exact)
{
    /* Breaks when -n is not exact for some split over workers, connections and pipelines. */
    static const struct {
        int requests, clients, processes, pipeline;
    } cases[] = {{10, 8, 8, 1},   {10, 8, 8, 16},   {1, 8, 8, 16},
                 {7, 3, 2, 1},    {1000, 7, 3, 16}, {1000, 50, 5, 1},
                 {997, 16, 4, 7}, {17, 1, 1, 100},  {12345, 50, 2, 16}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        reset_counts();
        call_expect(&call, 0, &at_server,
                    "-q -t set -r 100 -n %d -c %d --processes %d --cpus none -P %d",
                    cases[i].requests, cases[i].clients, cases[i].processes, cases[i].pipeline);
        ck_assert_int_eq(run_json_count(&call, 0, "requests.sent"), cases[i].requests);
        ck_assert_int_eq(test_server_calls(&server, "set"), cases[i].requests);
        ck_assert_uint_eq(json_array_size(json_object_get(run_json_at(call.root, 0), "workers")),
                          (size_t)cases[i].processes);
        call_free(&call);
    }
}

TEST(test_warmup_is_outside)
{
    /* Breaks when the warm-up counts towards -n, or is left out of what the server gets; values that
     * do not fit the socket leave requests of the warm-up behind at its end. */
    static const char *const loads[] = {"-P 16 -c 10 --processes 2",
                                        "-P 16 -c 20 -d 512kb --processes 1"};
    for (size_t i = 0; i < 2; i++) {
        reset_counts();
        call_expect(&call, 0, &at_server,
                    "-q -t set -r 10 -n 100 --cpus none --warmup 0.2 --interval 100ms %s",
                    loads[i]);
        ck_assert_int_eq(run_json_count(&call, 0, "requests.sent"), 100);
        ck_assert_int_gt(test_server_calls(&server, "set"), 100);
        const json_t *run = run_json_at(call.root, 0);
        ck_assert_double_eq_tol(run_json_number(run, "warmup_seconds"), 0.2, 1e-9);
        const json_t *first = json_array_get(json_object_get(run, "intervals"), 0);
        ck_assert_double_eq_tol(run_json_number(first, "start_seconds"), 0.2, 1e-9);
        call_free(&call);
    }
}

TEST(test_duration_decides)
{
    /* Breaks when a duration is not kept, -n ends it, or -n is dropped without a word. */
    call_expect(&call, 0, &at_server, "-q -t set -n 5 --duration 300ms --interval 100ms -c 4");
    expect_stderr("-n 5 is ignored");
    ck_assert_int_gt(run_json_count(&call, 0, "requests.ok"), 5);
    double seconds = run_json_number(run_json_at(call.root, 0), "seconds");
    ck_assert_double_ge(seconds, 0.3);
    ck_assert_uint_ge(json_array_size(json_object_get(run_json_at(call.root, 0), "intervals")), 3);
    call_free(&call);
}

TEST(test_loop_until_interrupted)
{
    /* Breaks when -l does not repeat, or the first Ctrl+C does not end it with a whole report. */
    call_start(&call, &at_server, "-l -q -t set -n 200 -c 2");
    program_wait_text(&call.program, PROGRAM_OUT, "\nSET: ");
    program_signal(&call.program, SIGINT);
    call_finish(&call);
    ck_assert_int_eq(call.program.exit_status, 130);
    size_t runs = json_array_size(json_object_get(call.root, "runs"));
    ck_assert_uint_ge(runs, 2);
    for (size_t i = 0; i + 1 < runs; i++)
        ck_assert_int_eq(run_json_count(&call, i, "requests.ok"), 200);
    call_free(&call);
}

/* ---- Sizes and depths. ---- */

TEST(test_large_values)
{
    /* Breaks when writes that the socket takes in parts are not completed byte by byte, or a large
     * value is not skipped whole. */
    call_expect(&call, 0, &at_server, "-q -t set -r 4 -d 1mb -P 4 -c 3 -n 40 --seed 9");
    ck_assert_int_eq(run_json_count(&call, 0, "requests.ok"), 40);
    ck_assert_int_gt(run_json_count(&call, 0, "bytes.out"), 40ll << 20);
    call_free(&call);
    ck_assert_int_eq(test_server_calls(&server, "set"), 40);
    ck_assert_int_eq(test_server_integer(&server, "STRLEN key:000000000002"), 1 << 20);
    call_expect(&call, 0, &at_server, "-q -t get -r 4 -P 4 -c 3 -n 40");
    ck_assert_int_eq(run_json_count(&call, 0, "requests.hits"), 40);
    ck_assert_int_gt(run_json_count(&call, 0, "bytes.in"), 40ll << 20);
    call_free(&call);
}

TEST(test_deep_pipeline)
{
    /* Breaks when more is in flight than -P allows, or a pipeline beyond one read goes wrong. */
    call_expect(&call, 0, &at_server, "-q -t set,get -r 100 -P 1000 -c 3 -n 20000");
    ck_assert_int_eq(run_json_count(&call, 0, "requests.ok"), 20000);
    ck_assert_int_eq(run_json_count(&call, 1, "requests.ok"), 20000);
    call_free(&call);
    ck_assert_int_eq(test_server_calls(&server, "get"), 20000);
}

/* ---- Where to. ---- */

TEST(test_null_transport)
{
    /* Breaks when --null needs a server, or a test of the table is answered with rubbish. */
    call_expect(&call, 0, NULL,
                "--null -q -n 5000 -c 10 -P 4 -t ping_inline,ping_mbulk,set,get,incr,lpush,rpush,"
                "lpop,rpop,sadd,hset,spop,zadd,zpopmin,lrange_100,mset,mget,xadd");
    size_t runs = json_array_size(json_object_get(call.root, "runs"));
    ck_assert_uint_eq(runs, 19);
    for (size_t i = 0; i < runs; i++)
        ck_assert_int_eq(run_json_count(&call, i, "requests.ok"), 5000);
    call_free(&call);
    call_expect(&call, 0, NULL,
                "--null -q -n 5000 --warmup 50ms --interval 10ms -- GET a ; SET b c");
    ck_assert_int_eq(run_json_count(&call, 0, "requests.sent"), 5000);
    call_free(&call);
}

TEST(test_database_and_user)
{
    /* Breaks when AUTH or SELECT do not reach every connection, also by way of a URI. */
    free(test_server_text(&server, "ACL SETUSER tester on >s3cret ~* +@all"));
    call_expect(&call, 0, &at_server, "-q -t set --dbnum 3 --user tester -a s3cret -n 20 -c 4");
    call_free(&call);
    ck_assert_int_eq(test_server_integer(&server, "DBSIZE"), 0);
    char *keyspace = test_server_text(&server, "INFO keyspace");
    ck_assert_msg(strstr(keyspace, "db3:keys=1") != NULL, "%s", keyspace);
    free(keyspace);
    call_expect(&call, 0, NULL, "-q -t get -u redis://tester:s3cret@127.0.0.1:%s/3 -n 20 -c 4",
                server.port_text);
    ck_assert_int_eq(run_json_count(&call, 0, "requests.hits"), 20);
    call_free(&call);
    call_expect(&call, 5, &at_server, "-q -t get --user tester -a wrong -n 20");
    expect_stderr("WRONGPASS");
    call_free(&call);
    call_expect(&call, 5, &at_server, "-q -t get --dbnum 99 -n 20");
    expect_stderr("DB index is out of range");
    call_free(&call);
}

TEST(test_password_only)
{
    /* Breaks when the default user's password is not sent, or is asked for in vain. */
    struct test_server locked;
    test_server_start(&locked, &(struct test_server_options){.password = "pw"});
    struct bench_setting setting = {.port = locked.port_text};
    call_expect(&call, 0, &setting, "-q -t set -a pw -n 20 -c 4");
    ck_assert_ptr_null(strstr(call.program.out, "pw"));
    char *text = json_dumps(call.root, 0);
    ck_assert_ptr_null(strstr(text, "\"pw\""));
    free(text);
    call_free(&call);
    call_expect(&call, 5, &setting, "-q -t set -n 20 -c 4");
    expect_stderr("NOAUTH");
    call_free(&call);
    test_server_stop(&locked);
}

TEST(test_unix_socket)
{
    /* Breaks when a Unix socket cannot be used, with more connections than its queue holds. */
    struct test_server local;
    test_server_start(&local, &(struct test_server_options){.no_tcp = true});
    struct bench_setting setting = {.socket_path = local.socket_path};
    call_expect(&call, 0, &setting, "-q -t set -n 2000 -c 700 --processes 2 --cpus none");
    ck_assert_int_eq(run_json_count(&call, 0, "requests.ok"), 2000);
    call_free(&call);
    ck_assert_int_eq(test_server_calls(&local, "set"), 2000);
    test_server_stop(&local);
}

TEST(test_ipv6)
{
    /* Breaks when an IPv6 address cannot be used. A machine without IPv6 passes. */
    static const char *const args[] = {"--bind", "127.0.0.1", "-::1", NULL};
    struct test_server both;
    test_server_start(&both, &(struct test_server_options){.args = args});
    struct bench_setting setting = {.port = both.port_text};
    call_run(&call, &setting, "-q -t set -n 50 -c 4 -h ::1");
    bool available = access("/proc/net/if_inet6", R_OK) == 0;
    FILE *addresses = available ? fopen("/proc/net/if_inet6", "r") : NULL;
    char line[128] = "";
    available = false;
    while (addresses != NULL && fgets(line, sizeof line, addresses) != NULL)
        available |= strncmp(line, "00000000000000000000000000000001", 32) == 0;
    if (addresses != NULL)
        fclose(addresses);
    ck_assert_int_eq(call.program.exit_status, available ? 0 : 5);
    if (available)
        ck_assert_int_eq(test_server_calls(&both, "set"), 50);
    call_free(&call);
    test_server_stop(&both);
}

/* ---- Error replies. ---- */

TEST(test_error_replies_are_counted)
{
    /* Breaks when an error reply ends the run, is no attempt, or is not told by its first word. */
    free(test_server_text(&server, "LPUSH key:000000000000 x"));
    call_expect(&call, 0, &at_server, "-t get --sequential 4 -n 400 -c 4 -P 2");
    ck_assert_int_eq(run_json_count(&call, 0, "requests.errors"), 100);
    ck_assert_int_eq(run_json_count(&call, 0, "requests.ok"), 300);
    ck_assert_int_eq(run_json_count(&call, 0, "errors_by_kind.WRONGTYPE"), 100);
    expect_stdout("WRONGTYPE Operation against a key holding the wrong kind of value");
    expect_stdout("Total errors: 100");
    call_free(&call);
}

TEST(test_nothing_succeeded)
{
    /* Breaks when a run in which every reply is an error passes for a success. */
    free(test_server_text(&server, "LPUSH key:000000000000 x"));
    call_expect(&call, 1, &at_server, "-t get -n 40 -c 4");
    ck_assert_int_eq(run_json_count(&call, 0, "requests.errors"), 40);
    ck_assert_int_eq(run_json_count(&call, 0, "status.code"), 1);
    expect_stderr("no request succeeded");
    call_free(&call);
    empty_server();
}

TEST(test_max_errors_ends_a_run)
{
    /* Breaks when --max-errors does not stop a run, or stops it without saying so. */
    free(test_server_text(&server, "LPUSH key:000000000000 x"));
    call_expect(&call, 1, &at_server,
                "-q -t get --sequential 2 --duration 30s -c 4 --max-errors 50");
    expect_stderr("--max-errors 50");
    ck_assert_int_ge(run_json_count(&call, 0, "requests.errors"), 50);
    call_free(&call);
}

TEST(test_max_errors_is_heeded_at_once)
{
    /* Breaks when a run goes beyond --max-errors by more than what was in flight, or names two totals. */
    static const struct {
        const char *options;
        long long limit, in_flight;
    } cases[] = {{"-c 6 --max-errors 1", 1, 6},
                 {"-c 6 -P 8 --processes 3 --cpus none --max-errors 100", 100, 48},
                 {"-c 6 --qps 20000 --max-errors 20", 20, 6},
                 {"-c 6 -n 20 --max-errors 20", 20, 6}};
    free(test_server_text(&server, "LPUSH key:000000000000 x"));
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char total[64];
        call_expect(&call, 1, &at_server, "-t get %s", cases[i].options);
        const long long errors = run_json_count(&call, 0, "requests.errors");
        ck_assert_msg(errors >= cases[i].limit && errors < cases[i].limit + cases[i].in_flight,
                      "%s: %lld errors", cases[i].options, errors);
        ck_assert_int_eq(errors, run_json_count(&call, 0, "requests.sent"));
        snprintf(total, sizeof total, "stopped after %lld errors (--max-errors %lld)", errors,
                 cases[i].limit);
        expect_stderr(total);
        snprintf(total, sizeof total, "Total errors: %lld\n", errors);
        expect_stdout(total);
        call_free(&call);
    }
    call_expect(&call, 1, &at_server, "-t get -c 6 --warmup 5 --duration 5 --max-errors 1");
    expect_stderr("of them in the warm-up");
    expect_stdout("\nVerdict: RED\n");
    call_free(&call);
}

TEST(test_sequence_fails_as_a_whole)
{
    /* Breaks when a sequence counts more or less than one request, or one of its parts can fail
     * unnoticed. */
    free(test_server_text(&server, "LPUSH list x"));
    call_expect(&call, 0, &at_server, "-n 30 -c 2 -P 3 -- SET k v ; 2 GET k");
    ck_assert_int_eq(run_json_count(&call, 0, "requests.ok"), 30);
    ck_assert_int_eq(run_json_count(&call, 0, "requests.hits"), 60);
    /* Its commands stand beside the requests. */
    const json_t *run = run_json_at(call.root, 0);
    ck_assert_int_eq(run_json_count(&call, 0, "commands.per_request"), 3);
    ck_assert_double_eq_tol(run_json_number(run, "commands.per_second"),
                            3 * run_json_number(run, "rate.achieved"), 0.5);
    expect_stdout("Commands per second: ");
    expect_stdout(" (3 in each request)");
    call_free(&call);
    ck_assert_int_eq(test_server_calls(&server, "set"), 30);
    ck_assert_int_eq(test_server_calls(&server, "get"), 60);
    call_expect(&call, 1, &at_server,
                "-q -n 30 -c 2 -P 3 -- SET k v ; GET list ; INCR k ; SET k 1");
    ck_assert_int_eq(run_json_count(&call, 0, "requests.errors"), 30);
    ck_assert_int_eq(run_json_count(&call, 0, "errors_by_kind.WRONGTYPE"), 30);
    call_free(&call);
    call_expect(&call, 0, &at_server, "-n 30 -c 2 -t set");
    ck_assert_ptr_null(json_object_get(run_json_at(call.root, 0), "commands"));
    ck_assert_ptr_null(strstr(call.program.out, "Commands per second"));
    call_free(&call);
}

TEST_SUITE_WITH(bench, .set_up = at_server_set_up, .tear_down = at_server_tear_down)
