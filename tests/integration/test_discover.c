/* Who serves what, found out from real servers, clusters and sentinels. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "orchestrator/server/discover.h"
#include "tests/support/check/cluster.h"
#include "tests/support/check/run.h"
#include "tests/support/check/suite.h"
#include "tests/support/check/support.h"

static struct topology found;
static struct target_address first;
static enum server_probe probe;
static struct endpoint endpoint;
static struct err err;
static char host[160], text[200];

static void set_up(void)
{
    memset(&endpoint, 0, sizeof endpoint);
    memset(&err, 0, sizeof err);
    endpoint.host = host;
    endpoint.port = 1;
    endpoint.connection_timeout_ns = 5 * NS_PER_SECOND;
    endpoint.request_timeout_ns = 5 * NS_PER_SECOND;
}

static void expect_found(void)
{
    struct control *control = NULL;
    char *info = NULL;
    enum err_code code = topology_discover(&found, &control, &probe, &first, &endpoint, NULL, &err);
    ck_assert_msg(code == OK, "%s", err.text);
    ck_assert_ptr_nonnull(control);
    ck_assert_msg(control_info(control, &info, &err) == OK, "%s", err.text);
    free(info);
    control_close(control);
    topology_describe(text, sizeof text, &found, &first, &endpoint);
}

static void expect_refused(enum err_code code, const char *part)
{
    struct control *control = NULL;
    memset(&err, 0, sizeof err);
    enum err_code got = topology_discover(&found, &control, &probe, &first, &endpoint, NULL, &err);
    ck_assert_msg(got == code, "%d: %s", got, err.text);
    ck_assert_msg(strstr(err.text, part) != NULL, "'%s' is not in: %s", part, err.text);
    ck_assert_ptr_null(control);
}

static void name_hosts(const struct test_server *a, const struct test_server *b)
{
    snprintf(host, sizeof host, "127.0.0.1:%u%s", a->port, b != NULL ? ",127.0.0.1:" : "");
    if (b != NULL)
        snprintf(host + strlen(host), sizeof host - strlen(host), "%u", b->port);
}

/* ---- servers ---- */

TEST(one_or_several_servers)
{
    /* Breaks when one of several servers gets no load, or one that is down is left out silently. */
    struct test_server a, b;
    char expected[200];
    test_server_start(&a, NULL);
    test_server_start(&b, NULL);
    name_hosts(&a, NULL);
    expect_found();
    ck_assert_uint_eq(found.kind, TOPOLOGY_ALIKE);
    ck_assert_uint_eq(found.node_count, 1);
    ck_assert_str_eq(text, first.text);
    name_hosts(&a, &b);
    expect_found();
    ck_assert_uint_eq(found.node_count, 2);
    ck_assert_uint_eq(topology_primaries(&found), 2);
    ck_assert_uint_eq(found.nodes[1].port, b.port);
    ck_assert_uint_gt(found.nodes[1].address.address_bytes, 0);
    snprintf(expected, sizeof expected, "2 servers, the first at 127.0.0.1:%u", a.port);
    ck_assert_str_eq(text, expected);
    snprintf(host, sizeof host, "localhost:%u,127.0.0.1:%u", a.port, a.port);
    expect_found();
    ck_assert_uint_eq(found.node_count, 1); /* the same server twice */
    endpoint.cluster = true;
    expect_refused(E_USAGE, "is in no cluster (cluster support disabled): leave out --cluster");
    endpoint.cluster = false;
    name_hosts(&a, &b);
    test_server_stop(&b);
    expect_refused(E_CONNECT, "Connection refused");
    endpoint.replica_reads = REPLICA_READS_YES;
    name_hosts(&a, NULL);
    snprintf(expected, sizeof expected, "a replica was asked for, and 127.0.0.1:%u has none",
             a.port);
    expect_refused(E_CONNECT, expected);
    test_server_stop(&a);
}

TEST(unix_socket)
{
    /* Breaks when a Unix socket is taken for a host. */
    struct test_server server;
    test_server_start(&server, &(struct test_server_options){.unix_socket = true, .no_tcp = true});
    endpoint.socket_path = server.socket_path;
    expect_found();
    ck_assert_uint_eq(found.node_count, 1);
    ck_assert_uint_eq(found.nodes[0].role, TOPOLOGY_PRIMARY);
    ck_assert_str_eq(found.nodes[0].address.text, server.socket_path);
    test_server_stop(&server);
}

TEST(replicas_by_role)
{
    /* Breaks when replicas are not found, or a replica that was named is taken for the primary. */
    struct test_replicated replicated;
    char expected[200];
    test_replicated_start(&replicated, 2, &(struct test_server_options){.password = "pw"});
    endpoint.password = "pw";
    for (int asked = 0; asked < 2; asked++) {
        name_hosts(asked == 0 ? &replicated.primary : &replicated.replicas[1], NULL);
        endpoint.replica_reads = REPLICA_READS_ALL;
        expect_found();
        ck_assert_uint_eq(topology_primaries(&found), 1);
        ck_assert_uint_eq(topology_replicas(&found), 2);
        ck_assert_uint_eq(found.nodes[0].port, replicated.primary.port);
        ck_assert_uint_eq(found.nodes[1].primary, 0);
        ck_assert_uint_gt(found.nodes[2].address.address_bytes, 0);
        snprintf(expected, sizeof expected, "127.0.0.1:%u with 2 replicas",
                 replicated.primary.port);
        ck_assert_str_eq(text, expected);
    }
    /* both of them named: one primary */
    name_hosts(&replicated.replicas[0], &replicated.primary);
    expect_found();
    ck_assert_uint_eq(topology_primaries(&found), 1);
    /* without --read-from-replica the one that is named, and no other */
    endpoint.replica_reads = REPLICA_READS_NO;
    name_hosts(&replicated.replicas[0], NULL);
    expect_found();
    ck_assert_uint_eq(found.node_count, 1);
    ck_assert_uint_eq(found.nodes[0].port, replicated.replicas[0].port);
    test_replicated_stop(&replicated);
}

/* ---- clusters ---- */

TEST(whole_cluster)
{
    /* Breaks when a node or a slot is missed, or a seed that is down stops everything. */
    struct test_cluster cluster;
    struct test_server down;
    char expected[200];
    test_server_start(&down, NULL);
    test_server_kill(&down);
    test_cluster_start(&cluster, 3, 3, NULL);
    endpoint.cluster = true;
    name_hosts(&down, &cluster.nodes[4]);
    expect_found();
    ck_assert_uint_eq(found.kind, TOPOLOGY_SLOTS);
    ck_assert_uint_eq(found.node_count, 6);
    for (uint32_t i = 0; i < 3; i++) {
        ck_assert_uint_eq(found.nodes[i].port, cluster.nodes[i].port);
        ck_assert_uint_eq(found.nodes[i].role, TOPOLOGY_PRIMARY);
        ck_assert_uint_eq(found.nodes[3 + i].port, cluster.nodes[3 + i].port);
        ck_assert_uint_eq(found.nodes[3 + i].role, TOPOLOGY_REPLICA);
        ck_assert_uint_eq(found.nodes[3 + i].primary, i);
    }
    for (unsigned slot = 0; slot < SLOTS_COUNT; slot += 1000)
        ck_assert_int_eq(found.owner[slot], test_cluster_owner(&cluster, 0, slot));
    snprintf(expected, sizeof expected, "cluster of 3 primaries and 3 replicas at 127.0.0.1:%u",
             cluster.nodes[4].port);
    ck_assert_str_eq(text, expected);
    name_hosts(&down, NULL);
    expect_refused(E_CONNECT, "Connection refused");
    name_hosts(&down, &down);
    expect_refused(E_CONNECT, "none of the 2 hosts leads to a cluster: cannot connect to");
    endpoint.cluster = false;
    name_hosts(&cluster.nodes[1], NULL);
    expect_refused(E_USAGE, "is a node of a cluster: add --cluster");
    endpoint.cluster = true;
    /* moves to everybody by gossip: only the node that is asked must know it */
    free(test_server_text(&cluster.nodes[1], "CLUSTER DELSLOTS 6000 6001"));
    expect_refused(E_CONNECT, "nobody owns 2 of its 16384 slots, the first is slot 6000");
    test_cluster_stop(&cluster);
    test_server_stop(&down);
}

TEST(cluster_without_replicas)
{
    /* Breaks when reads are to go to replicas that do not exist. */
    struct test_cluster cluster;
    test_cluster_start(&cluster, 2, 0, NULL);
    endpoint.cluster = true;
    name_hosts(&cluster.nodes[1], NULL);
    expect_found();
    ck_assert_uint_eq(topology_primaries(&found), 2);
    endpoint.replica_reads = REPLICA_READS_YES;
    expect_refused(E_CONNECT, "a replica was asked for, and 127.0.0.1:");
    test_cluster_stop(&cluster);
}

TEST(cluster_of_one_node)
{
    /* Breaks when the one node that answers everything is refused without --cluster. */
    struct test_cluster cluster;
    test_cluster_start(&cluster, 1, 0, NULL);
    name_hosts(&cluster.nodes[0], NULL);
    expect_found();
    ck_assert_uint_eq(found.kind, TOPOLOGY_ALIKE);
    endpoint.cluster = true;
    expect_found();
    ck_assert_uint_eq(found.kind, TOPOLOGY_SLOTS);
    test_cluster_stop(&cluster);
}

TEST(cluster_down)
{
    /* Breaks when a run begins on a cluster that refuses everything. */
    struct test_cluster cluster;
    test_cluster_start(&cluster, 3, 0, NULL);
    endpoint.cluster = true;
    name_hosts(&cluster.nodes[0], NULL);
    test_server_kill(&cluster.nodes[2]);
    const uint64_t end_ms = support_now_ms() + 20000;
    for (bool down = false; !down;) {
        char *info = test_server_text(&cluster.nodes[0], "CLUSTER INFO");
        down = strstr(info, "cluster_state:fail") != NULL &&
               strstr(info, "cluster_slots_fail:0") == NULL;
        free(info);
        ck_assert_uint_lt(support_now_ms(), end_ms);
        support_sleep_ms(10);
    }
    expect_refused(E_CONNECT, "is down: the owners of 5462 slots do not answer it");
    test_cluster_stop(&cluster);
}

/* ---- sentinels ---- */

TEST(by_sentinel)
{
    /* Breaks when the primary is not the one that the sentinels name, or one dead sentinel is the end. */
    struct test_replicated replicated;
    struct test_sentinels sentinels;
    char expected[200];
    test_replicated_start(&replicated, 1, NULL);
    test_sentinels_start(&sentinels, 3, "main", &replicated);
    endpoint.sentinels = sentinels.list;
    endpoint.master_name = "main";
    expect_found();
    ck_assert_uint_eq(found.node_count, 1);
    ck_assert_uint_eq(found.nodes[0].port, replicated.primary.port);
    snprintf(expected, sizeof expected, "sentinel master main at 127.0.0.1:%u",
             replicated.primary.port);
    ck_assert_str_eq(text, expected);
    endpoint.replica_reads = REPLICA_READS_YES;
    test_server_kill(&sentinels.sentinels[0]);
    expect_found();
    ck_assert_uint_eq(topology_replicas(&found), 1);
    endpoint.master_name = "nobody";
    test_server_restart(&sentinels.sentinels[0]);
    expect_refused(E_CONNECT, "these sentinels watch no primary called 'nobody'");
    endpoint.master_name = "main";
    snprintf(host, sizeof host, "127.0.0.1:%u", replicated.primary.port);
    endpoint.sentinels = host;
    expect_refused(E_CONNECT, "does not answer as a sentinel");
    for (int i = 0; i < 3; i++)
        test_server_kill(&sentinels.sentinels[i]);
    endpoint.sentinels = sentinels.list;
    expect_refused(E_CONNECT, "no sentinel answers: cannot connect to 127.0.0.1:");
    test_sentinels_stop(&sentinels);
    test_replicated_stop(&replicated);
}

TEST(said_on_the_command_line)
{
    /* Breaks when volley starts a run that it should have refused, or with another exit status. */
    struct test_cluster cluster;
    struct program program;
    test_cluster_start(&cluster, 2, 0, NULL);
    const char *port = cluster.nodes[0].port_text;
    program_run_volley(&program, "bench", "-p", port, "-n", "10", (char *)NULL);
    ck_assert_int_eq(program.exit_status, 2);
    ck_assert_ptr_nonnull(strstr(program.err, "add --cluster"));
    program_free(&program);
    program_run_volley(&program, "bench", "-p", port, "--cluster", "--rfr", "yes", (char *)NULL);
    ck_assert_int_eq(program.exit_status, 5);
    ck_assert_ptr_nonnull(strstr(program.err, "a replica was asked for"));
    program_free(&program);
    program_run_volley(&program, "bench", "-p", port, "--cluster", "-n", "1000", "-r", "100", "-c",
                       "4", (char *)NULL);
    ck_assert_msg(program.exit_status == 0, "%s", program.err);
    ck_assert_ptr_nonnull(strstr(program.out, "cluster of 2 primaries at 127.0.0.1:"));
    program_free(&program);
    test_cluster_stop(&cluster);
}

TEST_SUITE_WITH(discover, .set_up = set_up, .timeout_seconds = 120)
