/* Clusters and replicas that volley starts itself. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "orchestrator/server/discover.h"
#include "tests/support/check/managed.h"
#include "tests/support/check/suite.h"
#include "tests/support/check/support.h"
#include "tests/support/check/temp_tree.h"

#define TCASE_TIMEOUT_SECONDS 90

static struct temp_tree tree;
static struct managed_cluster cluster;
static struct err err;
static const struct endpoint plain = {.password = NULL};
static const struct managed_server_setup alike = {.cpu_count = 0};

static void make_tree(void)
{
    temp_tree_make(&tree);
    ck_assert_int_eq(setenv("TMPDIR", tree.path, 1), 0);
    memset(&err, 0, sizeof err);
}

static void stop(void)
{
    managed_cluster_stop(&cluster);
    temp_tree_remove(&tree);
}

static void ck_nothing_left(const pid_t *pids, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        ck_assert(kill(pids[i], 0) == -1 && errno == ESRCH);
    ck_assert_int_eq(temp_tree_count(&tree), 0);
}

TEST(a_cluster)
{
    /* Breaks when the load meets a cluster that is not whole, or nodes that a Ctrl+C reaches. */
    pid_t pids[6];
    managed_start(&cluster, 3, 3);
    ck_assert_uint_eq(cluster.count, 6);
    for (uint32_t i = 0; i < 6; i++) {
        const struct managed_server *node = &cluster.nodes[i];
        pids[i] = node->process.pid;
        ck_assert_int_eq(getsid(node->process.pid), node->process.pid);
        ck_assert_uint_le(node->port, 55535);
        ck_assert(i == 0 || node->port > cluster.nodes[i - 1].port);
        managed_expect(&cluster, i, "CLUSTER INFO", "cluster_state:ok");
        managed_await(&cluster, i, "CLUSTER INFO", "cluster_slots_ok:16384");
        managed_await(&cluster, i, "CLUSTER INFO", "cluster_known_nodes:6");
    }
    for (uint32_t i = 0; i < 3; i++) {
        struct cluster_node primary, replica;
        ck_assert(managed_seen(&primary, &cluster, 5, i));
        ck_assert(managed_seen(&replica, &cluster, 0, i + 3));
        ck_assert(primary.primary && !replica.primary);
        ck_assert_uint_ge(primary.slot_count, 5461);
        ck_assert_str_eq(replica.primary_id, primary.id);
        managed_expect(&cluster, i + 3, "INFO replication", "master_link_status:up");
    }
    managed_set(&cluster, "a", "1");
    managed_cluster_stop(&cluster);
    ck_assert_uint_eq(cluster.count, 0);
    ck_nothing_left(pids, 6);
    managed_cluster_stop(&cluster);
}

/* Replicas that a node lists for discovery. */
static uint32_t listed_by(uint32_t node)
{
    static struct topology topology; /* too large for a stack */
    struct control *control = NULL;
    struct target_address asked = {.address_bytes = 0};
    topology_clear(&topology);
    snprintf(asked.host, sizeof asked.host, "127.0.0.1");
    snprintf(asked.text, sizeof asked.text, "127.0.0.1:%u", cluster.nodes[node].port);
    ck_assert_int_eq(managed_cluster_connect(&control, &cluster, node, &err), OK);
    ck_assert_int_eq(cluster_ask_nodes(&topology, NULL, control, &asked, false, &err), OK);
    control_close(control);
    return topology_replicas(&topology);
}

TEST(replicas_are_listed)
{
    /* Breaks when discovery, right after the start, does not find a replica that is there. */
    managed_start(&cluster, 3, 6);
    for (uint32_t i = 0; i < cluster.count; i++)
        ck_assert_msg(listed_by(i) == 6, "node %u lists %u", i, listed_by(i));
}

LOOP_TEST(without_replicas, 2)
{
    /* Breaks when a cluster needs three primaries, or a replica, to come up. */
    const uint32_t primaries = (uint32_t)_i + 1;
    managed_start(&cluster, primaries, 0);
    ck_assert_uint_eq(cluster.count, primaries);
    for (uint32_t i = 0; i < cluster.count; i++)
        managed_expect(&cluster, i, "CLUSTER INFO", "cluster_state:ok");
}

TEST(replicas)
{
    /* Breaks when reads of a replica meet one that is not filled, or that follows nobody. */
    managed_start(&cluster, 0, 2);
    ck_assert_uint_eq(cluster.count, 3);
    managed_expect(&cluster, 0, "INFO replication", "connected_slaves:2");
    managed_expect(&cluster, 0, "SET a 5", "OK");
    for (uint32_t i = 1; i < 3; i++) {
        managed_expect(&cluster, i, "INFO replication", "role:slave");
        managed_expect(&cluster, i, "INFO replication", "master_link_status:up");
        managed_await(&cluster, i, "GET a", "5");
    }
}

TEST(one_more)
{
    /* Breaks when a node that is added is no cluster node, or takes part unasked. */
    managed_start(&cluster, 1, 0);
    ck_assert_int_eq(managed_cluster_add(&cluster, &err), OK);
    ck_assert_uint_eq(cluster.count, 2);
    ck_assert_msg(managed_server_await(&cluster.nodes[1], NULL, &err) == OK, "%s", err.text);
    managed_expect(&cluster, 1, "CLUSTER INFO", "cluster_known_nodes:1");
}

TEST(interrupted_while_it_starts)
{
    /* Breaks when Ctrl+C has to wait for a cluster, or leaves half of one behind. */
    static volatile int interrupted = 1;
    const struct managed_wish wish = {.wanted = true, .primaries = 3, .replicas = 3};
    ck_assert_int_eq(managed_cluster_start(&cluster, &wish, &plain, &alike, &interrupted, &err),
                     E_INTERRUPTED);
    ck_assert(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD);
    ck_assert_int_eq(temp_tree_count(&tree), 0);
}

TEST(a_node_that_cannot_start)
{
    /* Breaks when the nodes that did start stay behind, or the cause is not told. */
    char path[4096];
    const struct managed_wish wish = {.wanted = true, .primaries = 2};
    temp_tree_write(&tree, "/bin/valkey-server", "#!/bin/sh\necho 'no room today'\nexit 3\n", 0700);
    snprintf(path, sizeof path, "%s/bin:%s", tree.path, getenv("PATH"));
    ck_assert_int_eq(setenv("PATH", path, 1), 0);
    ck_assert_int_eq(managed_cluster_start(&cluster, &wish, &plain, &alike, NULL, &err), E_CONNECT);
    ck_assert_msg(strstr(err.text, "no room today") != NULL, "%s", err.text);
    ck_assert(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD);
    ck_assert_int_eq(temp_tree_count(&tree), 2);
}

TEST(dies_with_its_parent)
{
    /* Breaks when kill -9 on volley leaves a cluster running for ever. */
    int ends[2], status;
    pid_t pids[2] = {0, 0};
    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
    pid_t parent = fork();
    ck_assert_int_ge(parent, 0);
    if (parent == 0) {
        const struct managed_wish wish = {.wanted = true, .primaries = 2};
        if (managed_cluster_start(&cluster, &wish, &plain, &alike, NULL, &err) != OK)
            _exit(1);
        for (int i = 0; i < 2; i++)
            pids[i] = cluster.nodes[i].process.pid;
        if (write(ends[1], pids, sizeof pids) != (ssize_t)sizeof pids)
            _exit(1);
        (void)kill(getpid(), SIGKILL);
    }
    close(ends[1]);
    ck_assert_int_eq(read(ends[0], pids, sizeof pids), (ssize_t)sizeof pids);
    close(ends[0]);
    ck_assert_int_eq(waitpid(parent, &status, 0), parent);
    /* Returns when they are dead; the test's time is the bound. */
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(waitpid(pids[i], &status, 0), pids[i]);
    ck_assert(WIFSIGNALED(status));
}

TEST_SUITE_WITH(managed_cluster, .set_up = make_tree, .tear_down = stop,
                .timeout_seconds = TCASE_TIMEOUT_SECONDS)
