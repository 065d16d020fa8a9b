/* RESP3 with a real server: every type of reply is one reply, and names and databases are set. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/check/fake_server.h"
#include "tests/support/check/run_json.h"
#include "tests/support/check/server.h"
#include "tests/support/check/suite.h"
#include "tests/support/check/support.h"

static struct test_server server;
static struct bench_setting at_server;
static struct bench_call call;

static void set_up(void)
{
    static const char *const args[] = {"--enable-debug-command", "yes", NULL};
    test_server_start(&server, &(struct test_server_options){.args = args});
    at_server = (struct bench_setting){.port = server.port_text};
}

static void tear_down(void)
{
    test_server_stop(&server);
}

static void expect_stderr(const char *text)
{
    ck_assert_msg(strstr(call.program.err, text) != NULL, "\"%s\" is not in: %s", text,
                  call.program.err);
}

TEST(test_all_types)
{
    /* Breaks when a reply of some type of RESP3 counts as none, as two, or as an error. DEBUG PROTOCOL
     * answers with the type it is asked for. */
    static const struct {
        const char *command;
        bool is_error;
    } commands[] = {
        {"debug protocol string", false},
        {"debug protocol integer", false},
        {"debug protocol double", false},
        {"debug protocol null", false},
        {"debug protocol array", false},
        {"debug protocol set", false},
        {"debug protocol map", false},
        {"debug protocol attrib", false},
        {"debug protocol verbatim", false},
        {"debug protocol true", false},
        {"debug protocol false", false},
        {"debug protocol bignum", false},
        {"get nosuchkey", false},
        {"hgetall h", false},
        {"smembers s", false},
        {"zscore z a", false},
        {"zrange z 0 -1 withscores", false},
        {"config get maxmemory", false},
        {"client list", false},
        {"command docs get", false},
        {"lpush s x", true},
        {"nosuchcommand", true},
    };
    free(test_server_text(&server, "HSET h a 1 b 2"));
    free(test_server_text(&server, "SADD s a b c"));
    free(test_server_text(&server, "ZADD z 1.5 a 2.5 b"));
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        call_expect(&call, commands[i].is_error ? 1 : 0, &at_server, "-3 -n 60 -c 3 -P 4 -q -- %s",
                    commands[i].command);
        ck_assert_msg(run_json_count(
                          &call, 0, commands[i].is_error ? "requests.errors" : "requests.ok") == 60,
                      "%s", commands[i].command);
        call_free(&call);
    }
}

TEST(test_standard_tests)
{
    /* Breaks when a test of -t does not run with RESP3, or its hits and misses are not told apart. */
    free(test_server_text(&server, "SET key:000000000000 x"));
    call_expect(&call, 0, &at_server,
                "-3 -n 40 -c 4 -P 2 -q -t "
                "ping,set,get,incr,lpush,rpush,lpop,rpop,sadd,hset,spop,zadd,zpopmin,lrange_100,"
                "mset,mget,xadd");
    size_t runs = json_array_size(json_object_get(call.root, "runs"));
    ck_assert_uint_ge(runs, 17);
    for (size_t i = 0; i < runs; i++)
        ck_assert_int_eq(run_json_count(&call, i, "requests.errors"), 0);
    call_free(&call);
    call_expect(&call, 0, &at_server, "-3 -n 40 -q -t get");
    ck_assert_int_eq(run_json_count(&call, 0, "requests.hits"), 40);
    call_free(&call);
    call_expect(&call, 0, &at_server, "-3 -n 40 -q -t get --dbnum 3");
    ck_assert_int_eq(run_json_count(&call, 0, "requests.misses"), 40);
    call_free(&call);
}

/* What CLIENT LIST says while a load is under way; the caller frees. */
static char *clients_during(const char *options)
{
    call_start(&call, &at_server, "--duration 60 --qps 200 -c 3 -t get %s", options);
    while (test_server_calls(&server, "get") < 20)
        support_sleep_ms(5);
    return test_server_text(&server, "CLIENT LIST");
}

static int count(const char *text, const char *part)
{
    int found = 0;
    for (const char *at = text; (at = strstr(at, part)) != NULL; at += strlen(part))
        found++;
    return found;
}

TEST(test_names)
{
    /* Breaks when connections bear no name, or another protocol than the one asked for. */
    for (int resp3 = 0; resp3 < 2; resp3++) {
        free(test_server_text(&server, "CONFIG RESETSTAT"));
        char *list = clients_during(resp3 ? "-3 --client-name load-3 --dbnum 2"
                                          : "--client-name load-2 --dbnum 2");
        ck_assert_msg(count(list, resp3 ? "name=load-3 " : "name=load-2 ") == 3, "%s", list);
        ck_assert_msg(count(list, "db=2 ") == 3, "%s", list);
        if (strstr(list, "resp=") != NULL)
            ck_assert_msg(count(list, "resp=3") == (resp3 ? 3 : 0), "%s", list);
        free(list);
        program_signal(&call.program, SIGINT);
        call_finish(&call);
        ck_assert_int_eq(call.program.exit_status, 130);
        call_free(&call);
    }
}

TEST(test_servers_without_hello)
{
    /* Breaks when an old server cannot be loaded because RESP3 was asked for, or that it is not spoken
     * goes unsaid. */
    static const struct fake_rule rules[] = {
        {.command = "HELLO", .action = FAKE_REPLY, .bytes = "-ERR unknown command 'HELLO'\r\n"}};
    struct fake_server old;
    fake_server_start(&old, &(struct fake_script){.rules = rules, .rule_count = 1});
    const struct bench_setting at_old = {.port = old.port_text};
    call_expect(&call, 0, &at_old, "-3 -n 20 -c 2 -t set");
    expect_stderr("does not know HELLO: volley speaks RESP2 to it");
    ck_assert_int_eq(run_json_count(&call, 0, "requests.ok"), 20);
    ck_assert(json_is_false(json_object_get(json_object_get(call.root, "spec"), "resp3")));
    ck_assert_ptr_null(strstr(call.program.out, "--resp3")); /* it is not in force */
    call_free(&call);
    call_expect(&call, 5, &at_old, "--enable-tracking -n 20 -c 2 -t set");
    expect_stderr("does not know HELLO, and so not RESP3, which --enable-tracking needs");
    call_free(&call);
    fake_server_free(&old);
}

TEST_SUITE_WITH(resp3, .set_up = set_up, .tear_down = tear_down)
