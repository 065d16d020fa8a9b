/* Several servers that are no cluster, in combination: a primary that sentinels watch, hosts that share
 * the connections, and replicas that are read from. All of them have TLS and a password. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/check/cluster.h"
#include "tests/support/check/run_json.h"
#include "tests/support/check/suite.h"
#include "tests/support/check/support.h"
#include "tests/support/check/temp_tree.h"

#define TCASE_TIMEOUT_SECONDS 150
#define WAIT_MS 60000
#define NAME "main"
#define PASSWORD "secret"

static struct test_replicated replicated;
static struct test_sentinels sentinels;
static struct test_server hosts[3];
static struct temp_tree tree;
static struct test_certificates certificates;
static struct test_server_options options; /* of all servers */
static char guard[256];                    /* what they ask of volley */
static struct bench_call call;
static char words[512]; /* what volley needs to reach the servers, blank behind */

static void free_call(void)
{
    if (call.directory[0] != '\0')
        call_free(&call);
    memset(&call, 0, sizeof call);
}

static void set_up(void)
{
    char path[192];
    temp_tree_make(&tree);
    test_certificates_make(&certificates, tree.path);
    options = (struct test_server_options){.certificates = &certificates, .password = PASSWORD};
    snprintf(guard, sizeof guard, "--tls --cacert %s -a " PASSWORD " ",
             test_certificate(path, sizeof path, &certificates, "ca"));
}

static void tear_down(void)
{
    free_call();
    test_sentinels_stop(&sentinels);
    test_replicated_stop(&replicated);
    for (size_t i = 0; i < 3; i++)
        test_server_stop(&hosts[i]);
    temp_tree_remove(&tree);
}

/* `volley bench`, the words for the servers, and these. */
#define start(...)                                                                                 \
    do {                                                                                           \
        char more[512];                                                                            \
        free_call();                                                                               \
        snprintf(more, sizeof more, __VA_ARGS__);                                                  \
        call_start(&call, NULL, "%s%s", words, more);                                              \
    } while (0)

static void end(int exit_status)
{
    call_finish(&call);
    ck_assert_msg(call.program.exit_status == exit_status, "%s: %d\n%s%s", call.program.name,
                  call.program.exit_status, call.program.out, call.program.err);
}

static void interrupt(void)
{
    program_signal(&call.program, SIGINT);
    end(130);
}

static long long count(const char *path)
{
    return run_json_count_or_zero(&call, 0, path);
}

static void expect_no_harm(void)
{
    static const char *const harms[] = {"requests.errors", "requests.timed_out", "requests.lost",
                                        "requests.shed", "connections.lost"};
    for (size_t i = 0; i < sizeof harms / sizeof harms[0]; i++)
        ck_assert_msg(count(harms[i]) == 0, "%s: %s is %lld", call.program.name, harms[i],
                      count(harms[i]));
}

static void await(const struct test_server *server, const char *command, long long more)
{
    const uint64_t end_ms = support_now_ms() + WAIT_MS;
    const long long wanted = test_server_calls(server, command) + more;
    while (test_server_calls(server, command) < wanted) {
        ck_assert_msg(support_now_ms() < end_ms, "%s: port %u does not see %lld more of %s",
                      call.program.name, server->port, more, command);
        support_sleep_ms(5);
    }
}

/* Sentinels ------------------------------------------------------------------------------------- */

static const char *const loads[] = {"-P 4", "--qps 1500 -k 0 --processes 2",
                                    "--qps 1500 --arrival poisson --warmup 300ms -3"};
#define LOADS (sizeof loads / sizeof loads[0])

static void start_sentinels(void)
{
    test_replicated_start(&replicated, 1, &options);
    test_sentinels_start(&sentinels, 3, NAME, &replicated);
    snprintf(words, sizeof words, "--sentinel %s --master " NAME " %s", sentinels.list, guard);
}

LOOP_TEST(test_sentinel_failover, LOADS)
{
    /* Breaks when the load stays with a primary that the sentinels have replaced, or what it did not
     * answer is in nobody's books. */
    start_sentinels();
    start("-t set -r 1000 -c 6 --interval 100ms --test-duration 600s --request-timeout 20s %s",
          loads[_i]);
    await(&replicated.primary, "set", 500);
    ck_assert_uint_ne(test_sentinels_failover(&sentinels, NAME), 0);
    await(&replicated.replicas[0], "set", 1000);
    interrupt();
    ck_assert_int_eq(count("requests.timed_out"), 0);
    /* READONLY, while it is a replica already and nobody has told */
    ck_assert_int_eq(count("requests.errors"), count("errors_by_kind.READONLY"));
}

TEST(test_sentinel_and_primary_killed)
{
    /* Breaks when another sentinel is not asked once the one in use is dead. */
    start_sentinels();
    start("-t set -r 1000 -c 6 --interval 100ms --test-duration 600s --request-timeout 20s "
          "--qps 1500 --processes 2");
    await(&replicated.primary, "set", 500);
    test_server_kill(&sentinels.sentinels[0]); /* the first of the list: the one in use */
    await(&replicated.primary, "set", 500);
    test_server_kill(&replicated.primary);
    await(&replicated.replicas[0], "set", 1000);
    interrupt();
    ck_assert_int_eq(count("requests.timed_out"), 0);
    ck_assert_int_le(count("requests.lost"), 6);
}

TEST(test_first_sentinel_dead)
{
    /* Breaks when a run cannot begin because the first sentinel of the list is dead, or makes another
     * number of requests. */
    start_sentinels();
    test_server_kill(&sentinels.sentinels[0]);
    start("-t set -r 1000 -c 6 -n 3000 -P 2 --processes 2");
    end(0);
    expect_no_harm();
    ck_assert_int_eq(test_server_calls(&replicated.primary, "set"), 3000);
    start("-t get -r 1000 -c 6 -n 3000 --rfr yes --qps 6000");
    end(0);
    expect_no_harm();
    ck_assert_int_eq(test_server_calls(&replicated.primary, "get"), 0);
    ck_assert_int_eq(test_server_calls(&replicated.replicas[0], "get"), 3000);
}

/* Run `run` of the JSON. */
static long long count_of(size_t run, const char *path)
{
    return run_json_count_or_zero(&call, run, path);
}

TEST(test_prefill_behind_sentinels)
{
    /* Breaks when keys are written to the server that volley happened to find first, to a replica, or to a
     * primary that was replaced, or the check that they are there asks another one. */
    start_sentinels();
    start("-t get -r 1000 -c 6 -n 3000 --prefill --processes 2");
    end(0);
    ck_assert_int_eq(count_of(0, "requests.ok"), 1000);
    ck_assert_int_eq(count_of(1, "requests.ok"), 3000);
    ck_assert_int_eq(count_of(1, "requests.hits"), 3000);
    ck_assert_int_eq(test_server_integer(&replicated.primary, "DBSIZE"), 1000);
    ck_assert_int_eq(test_server_calls(&replicated.primary, "set"), 1000);
    ck_assert_uint_ne(test_sentinels_failover(&sentinels, NAME), 0);
    start("--workload cache --prefill-only -c 6 --flush-before --allow-flush");
    end(0);
    ck_assert_int_eq(count_of(0, "requests.errors"), 0);
    ck_assert_int_eq(count_of(0, "requests.ok"),
                     test_server_integer(&replicated.replicas[0], "DBSIZE"));
    ck_assert_int_eq(test_server_calls(&replicated.replicas[0], "flushdb"), 1);
}

/* Hosts ----------------------------------------------------------------------------------------- */

static void start_hosts(void)
{
    char list[96] = "";
    for (size_t i = 0; i < 3; i++) {
        test_server_start(&hosts[i], &options);
        size_t length = strlen(list);
        snprintf(list + length, sizeof list - length, "%s127.0.0.1:%u", i > 0 ? "," : "",
                 (unsigned)hosts[i].tls_port);
    }
    snprintf(words, sizeof words, "-H %s %s", list, guard);
}

/* Connections whose last command was this, as "cmd=set". */
static int connections_of(const struct test_server *server, const char *last_command)
{
    int connections = 0;
    char *list = test_server_text(server, "CLIENT LIST");
    for (const char *at = list; (at = strstr(at, last_command)) != NULL; at++)
        connections++;
    free(list);
    return connections;
}

static void await_connections(const struct test_server *server, int wanted)
{
    const uint64_t end_ms = support_now_ms() + WAIT_MS;
    while (connections_of(server, "cmd=set") != wanted) {
        ck_assert_msg(support_now_ms() < end_ms, "%s: port %u has %d connections",
                      call.program.name, server->port, connections_of(server, "cmd=set"));
        support_sleep_ms(5);
    }
}

TEST(test_hosts_share)
{
    /* Breaks when connections are not spread evenly over the hosts, or requests are lost between them. */
    start_hosts();
    start("-t set -r 1000 -c 9 --test-duration 600s --qps 1500 --processes 2 --idle 3");
    for (size_t i = 0; i < 3; i++)
        await(&hosts[i], "set", 200);
    for (size_t i = 0; i < 3; i++) {
        await_connections(&hosts[i], 3);
        ck_assert_int_eq(connections_of(&hosts[i], "cmd=ping"), 1);
    }
    interrupt();
    expect_no_harm();
    long long executed = 0;
    for (size_t i = 0; i < 3; i++)
        executed += test_server_calls(&hosts[i], "set");
    ck_assert_int_eq(executed, count("requests.ok"));
}

LOOP_TEST(test_host_dies_and_returns, LOADS)
{
    /* Breaks when a dead host holds up the requests for the others, or is not connected to once it is
     * back. */
    start_hosts();
    start("-t set -r 1000 -c 9 --test-duration 600s --interval 100ms --processes 2 %s", loads[_i]);
    await(&hosts[1], "set", 200);
    test_server_kill(&hosts[1]);
    await(&hosts[0], "set", 1000);
    await(&hosts[2], "set", 1000);
    test_server_restart(&hosts[1]);
    await(&hosts[1], "set", 200);
    if (strstr(loads[_i], "-k 0") == NULL)
        await_connections(&hosts[1], 3);
    interrupt();
    ck_assert_int_eq(count("requests.errors"), 0);
    ck_assert_int_eq(count("requests.timed_out"), 0);
}

/* Replicas found by ROLE ------------------------------------------------------------------------ */

static void start_replicated(void)
{
    test_replicated_start(&replicated, 2, &options);
    snprintf(words, sizeof words, "-p %s %s", replicated.primary.tls_port_text, guard);
}

TEST(test_replicas)
{
    /* Breaks when reads go to the primary, or writes to a replica, with any load. */
    static const char *const exact[] = {"-n 3000 -P 8 --processes 2", "-n 2000 --qps 4000",
                                        "-n 400 -k 0", "-n 2000 --reconnect-every 9 --idle 4 -3"};
    start_replicated();
    start("-t set --sequential 500 -n 500 -c 6 --rfr yes");
    end(0);
    ck_assert_int_eq(test_server_calls(&replicated.primary, "set"), 500);
    long long reads = 0;
    for (size_t i = 0; i < sizeof exact / sizeof exact[0]; i++) {
        start("-t get -r 500 -c 6 --rfr yes %s", exact[i]);
        end(0);
        expect_no_harm();
        reads += count("requests.ok");
        ck_assert_int_eq(test_server_calls(&replicated.primary, "get"), 0);
        ck_assert_int_eq(test_server_calls(&replicated.replicas[0], "get") +
                             test_server_calls(&replicated.replicas[1], "get"),
                         reads);
    }
    for (size_t i = 0; i < 2; i++) /* evenly, closed loop or open */
        ck_assert_int_gt(test_server_calls(&replicated.replicas[i], "get"), reads / 4);
}

TEST(test_replica_dies)
{
    /* Breaks when reads that a dead replica had stop the others, or go to the primary while there is
     * another replica. */
    start_replicated();
    start("-t get -r 500 -c 6 --rfr yes --qps 1500 --interval 100ms --test-duration 600s "
          "--processes 2");
    await(&replicated.replicas[0], "get", 200);
    test_server_kill(&replicated.replicas[0]);
    await(&replicated.replicas[1], "get", 2000);
    interrupt();
    ck_assert_int_eq(test_server_calls(&replicated.primary, "get"), 0);
    ck_assert_int_eq(count("requests.errors"), 0);
    ck_assert_int_eq(count("requests.timed_out"), 0);
    ck_assert_int_le(count("requests.lost"), 3);
}

TEST_SUITE_WITH(combined_targets, .set_up = set_up, .tear_down = tear_down,
                .timeout_seconds = TCASE_TIMEOUT_SECONDS)
