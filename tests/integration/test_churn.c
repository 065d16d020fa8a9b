/* Connections that are opened anew on purpose, idle ones, local addresses, and attempts that are
 * given up. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/check/run_json.h"
#include "tests/support/check/server.h"
#include "tests/support/check/suite.h"
#include "tests/support/check/support.h"

#define TCASE_TIMEOUT_SECONDS 90

static struct test_server server;
static struct bench_call call;

static void set_up(void)
{
    /* In protected mode a server takes connections from 127.0.0.1 only. */
    static const char *const args[] = {"--protected-mode", "no", NULL};
    test_server_start(&server, &(struct test_server_options){.args = args});
}

static void tear_down(void)
{
    call_free(&call);
    test_server_stop(&server);
}

static const struct bench_setting *at_server(void)
{
    static struct bench_setting setting;
    setting = (struct bench_setting){.port = server.port_text};
    return &setting;
}

TEST(test_one_request_each)
{
    /* Breaks when -k 0 sends a second request over a connection, or leaves one unused. */
    long long before = test_server_info(&server, "total_connections_received");
    call_expect(&call, 0, at_server(), "-k 0 -n 1000 -c 5 -r 100 -t set --processes 1");
    long long received = test_server_info(&server, "total_connections_received") - before;
    ck_assert_int_eq(run_json_count(&call, 0, "requests.ok"), 1000);
    ck_assert_int_eq(test_server_calls(&server, "set"), 1000);
    /* One a request; those of the orchestrator and of this test beside them. */
    ck_assert_int_ge(received, 1000);
    ck_assert_int_le(received, 1000 + 10);
    ck_assert_int_ge(run_json_count(&call, 0, "connect_time_us.count"), 1000);
    ck_assert_int_eq(run_json_count(&call, 0, "connections.lost"), 0);
    ck_assert_int_ge(run_json_count(&call, 0, "connections.recycled"), 995);
}

TEST(test_every_so_many)
{
    /* Breaks when --reconnect-every counts pipelined requests wrongly, or loses one at the seam. */
    long long before = test_server_info(&server, "total_connections_received");
    call_expect(&call, 0, at_server(),
                "--reconnect-every 100 -P 16 -n 10000 -c 4 -r 100 -t set --processes 2");
    long long received = test_server_info(&server, "total_connections_received") - before;
    ck_assert_int_eq(run_json_count(&call, 0, "requests.ok"), 10000);
    ck_assert_int_eq(test_server_calls(&server, "set"), 10000);
    ck_assert_int_ge(received, 100);
    ck_assert_int_le(received, 100 + 4 + 10);
}

TEST(test_open_loop)
{
    /* Breaks when a rate does not wait for a connection that is being opened anew. */
    call_expect(&call, 0, at_server(),
                "-k 0 --reset-on-close --qps 1000 --test-duration 1s --interval 100ms -c 10 -r 100 "
                "-t get --processes 2");
    ck_assert_int_eq(run_json_count(&call, 0, "requests.due"), 1000);
    ck_assert_int_eq(run_json_count(&call, 0, "requests.ok") +
                         run_json_count(&call, 0, "requests.backlog"),
                     1000);
    ck_assert_int_eq(run_json_count(&call, 0, "connections.lost"), 0);
}

TEST(test_source_addresses)
{
    /* Breaks when --source-address is not where connections come from, or only the first one is. */
    call_start(&call, at_server(),
               "--source-address 127.0.0.7,127.0.0.8 -c 4 --test-duration 60s -r 100 -t get "
               "--processes 1");
    bool seven = false, eight = false;
    for (int i = 0; i < 2000 && !(seven && eight); i++) {
        char *list = test_server_text(&server, "CLIENT LIST");
        seven = strstr(list, "addr=127.0.0.7:") != NULL;
        eight = strstr(list, "addr=127.0.0.8:") != NULL;
        free(list);
        support_sleep_ms(5);
    }
    ck_assert(seven);
    ck_assert(eight);
    program_signal(&call.program, SIGINT);
    call_finish(&call);
    ck_assert_int_eq(call.program.exit_status, 130);
}

TEST(test_idle_connections)
{
    /* Breaks when idle connections are not open beside the load, carry requests, or are counted
     * among those that do. */
    call_start(&call, at_server(), "--idle 7 -c 3 --test-duration 60s -r 100 -t get --processes 2");
    while (test_server_calls(&server, "get") < 100)
        support_sleep_ms(5);
    /* The last thing that an idle connection has said; the others begin one after the other. */
    int idle = 0;
    for (int i = 0; i < 2000 && idle != 7; i++) {
        char *list = test_server_text(&server, "CLIENT LIST");
        idle = 0;
        for (const char *at = list; (at = strstr(at, "cmd=ping")) != NULL; at++)
            idle++;
        free(list);
        support_sleep_ms(5);
    }
    ck_assert_int_eq(idle, 7);
    program_signal(&call.program, SIGINT);
    call_finish(&call);
    ck_assert_int_eq(run_json_count(&call, 0, "connections.open"), 3);
}

TEST(test_idle_connections_return)
{
    /* Breaks when an idle connection that the server closes is not noticed, or not opened again. */
    call_start(&call, at_server(),
               "--idle 5 -c 1 --test-duration 60s -r 100 -t get --processes 1 --interval 100ms");
    while (test_server_calls(&server, "get") < 100)
        support_sleep_ms(5);
    long long before = test_server_info(&server, "total_connections_received");
    ck_assert_int_ge(test_server_integer(&server, "CLIENT KILL TYPE normal"), 6);
    while (test_server_info(&server, "connected_clients") < 7)
        support_sleep_ms(5);
    ck_assert_int_ge(test_server_info(&server, "total_connections_received") - before, 6);
    program_signal(&call.program, SIGINT);
    call_finish(&call);
    ck_assert_int_eq(run_json_count(&call, 0, "connections.lost"), 1);
    ck_assert_int_eq(run_json_count(&call, 0, "connections.idle_lost"), 5);
}

TEST(test_given_up)
{
    /* Breaks when --max-reconnects tries for ever, or ends the run without saying why. */
    call_start(&call, at_server(),
               "--max-reconnects 3 -c 4 --test-duration 60s -r 100 -t get --processes 2");
    while (test_server_calls(&server, "get") < 100)
        support_sleep_ms(5);
    test_server_kill(&server);
    call_finish(&call);
    ck_assert_int_eq(call.program.exit_status, 5);
    ck_assert_ptr_nonnull(strstr(call.program.err, "--max-reconnects"));
    /* Three attempts of each connection. */
    ck_assert_int_eq(run_json_count_or_zero(&call, 0, "connections.failed_by_cause.refused"),
                     4 * 3);
}

TEST(test_events_by_kind)
{
    /* Breaks when what ended a connection is counted as something else. */
    call_start(&call, at_server(), "-c 4 --test-duration 60s -r 100 -t get --processes 1");
    while (test_server_calls(&server, "get") < 100)
        support_sleep_ms(5);
    ck_assert_int_ge(test_server_integer(&server, "CLIENT KILL TYPE normal"), 4);
    while (test_server_info(&server, "connected_clients") < 5)
        support_sleep_ms(5);
    program_signal(&call.program, SIGINT);
    call_finish(&call);
    ck_assert_int_eq(run_json_count(&call, 0, "connections.lost"), 4);
    ck_assert_int_eq(run_json_count(&call, 0, "connections.opened"), 4);
    ck_assert_int_eq(run_json_count_or_zero(&call, 0, "connections.lost_by_cause.closed_by_peer") +
                         run_json_count_or_zero(&call, 0, "connections.lost_by_cause.reset"),
                     4);
    ck_assert_int_eq(run_json_count(&call, 0, "connections.failed"), 0);
}

TEST_SUITE_WITH(churn, .set_up = set_up, .tear_down = tear_down,
                .timeout_seconds = TCASE_TIMEOUT_SECONDS)
