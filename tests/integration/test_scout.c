/* The process that keeps the table of nodes current, against real clusters, replicas and sentinels. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "common/clock.h"
#include "common/ipc.h"
#include "orchestrator/fleet/scout.h"
#include "orchestrator/server/discover.h"
#include "tests/support/check/cluster.h"
#include "tests/support/check/suite.h"
#include "tests/support/check/support.h"

#define DEADLINE_MS 20000

/* A run that has only a scout. */
static struct {
    struct spec spec;
    struct topology found; /* before the run     */
    struct topology now;   /* as the scout has it */
    uint32_t version;
    void *segment;
    size_t segment_bytes;
    struct scout_run run;
    struct child scout;
    char host[160];
} world;

static struct test_cluster cluster;

static void set_up(void)
{
    memset(&world, 0, sizeof world);
    world.spec.endpoint.host = world.host;
    world.spec.endpoint.port = 1;
    world.spec.endpoint.connection_timeout_ns = 2 * NS_PER_SECOND;
    world.spec.endpoint.request_timeout_ns = 2 * NS_PER_SECOND;
    world.segment_bytes = ipc_segment_bytes(2, 1ull << 20, 0);
    world.segment =
        mmap(NULL, world.segment_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(world.segment, MAP_FAILED);
    ipc_segment_init(world.segment, 2, 1ull << 20);
}

static void tear_down(void)
{
    child_end(&world.scout);
    munmap(world.segment, world.segment_bytes);
}

static void name_host(const struct test_server *server)
{
    snprintf(world.host, sizeof world.host, "127.0.0.1:%u", server->port);
}

static void discover(void)
{
    struct control *control;
    struct target_address first;
    enum server_probe probe;
    struct err err = {.code = OK};
    ck_assert_msg(topology_discover(&world.found, &control, &probe, &first, &world.spec.endpoint,
                                    NULL, &err) == OK,
                  "%s", err.text);
    control_close(control);
    topology_publish(ipc_topology(world.segment), &world.found);
    ck_assert(topology_refresh(&world.now, &world.version, ipc_topology(world.segment)));
    world.run = (struct scout_run){.spec = &world.spec,
                                   .topology = &world.found,
                                   .segments = {{world.segment}, 1},
                                   .worker_count = 2};
}

static void start_scout(void)
{
    struct err err = {.code = OK};
    ck_assert(scout_is_needed(&world.spec, &world.found));
    ck_assert_msg(scout_start(&world.scout, &world.run, &err) == OK, "%s", err.text);
}

static void wish(void)
{
    atomic_fetch_add(&ipc_worker(world.segment, 1)->refresh_wanted, 1);
}

static int index_of(uint16_t port)
{
    return topology_find(&world.now, "127.0.0.1", port);
}

static bool has_role(uint16_t port, enum topology_role role)
{
    int index = index_of(port);
    return index >= 0 && world.now.nodes[index].role == role;
}

/* Waits for the table in which the node on this port has this role. */
static void await_role(uint16_t port, enum topology_role role)
{
    const uint64_t end_ms = support_now_ms() + DEADLINE_MS;
    while (!has_role(port, role)) {
        ck_assert_msg(support_now_ms() < end_ms, "the node %u does not become %d", port, role);
        support_sleep_ms(5);
        (void)topology_refresh(&world.now, &world.version, ipc_topology(world.segment));
    }
}

static void await_owner(unsigned slot, uint16_t port)
{
    const uint64_t end_ms = support_now_ms() + DEADLINE_MS;
    while (index_of(port) < 0 || world.now.owner[slot] != index_of(port)) {
        ck_assert_msg(support_now_ms() < end_ms, "slot %u does not go to %u", slot, port);
        support_sleep_ms(5);
        (void)topology_refresh(&world.now, &world.version, ipc_topology(world.segment));
    }
}

/* ---- cluster ---- */

/* A scout for a cluster, of which the user has named one node. */
static void start_cluster(unsigned primaries, unsigned replicas, unsigned named)
{
    test_cluster_start(&cluster, primaries, replicas, NULL);
    name_host(&cluster.nodes[named]);
    world.spec.endpoint.cluster = true;
    discover();
    start_scout();
}

TEST(cluster_changes)
{
    /* Breaks when workers go on sending to who no longer serves, or a node changes its index. */
    start_cluster(3, 3, 1);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(index_of(cluster.nodes[i].port), i);
    const int replica = index_of(cluster.nodes[3].port);
    wish();
    test_cluster_promote(&cluster, 3);
    await_role(cluster.nodes[3].port, TOPOLOGY_PRIMARY);
    await_owner(0, cluster.nodes[3].port);
    await_role(cluster.nodes[0].port, TOPOLOGY_REPLICA);
    ck_assert_int_eq(index_of(cluster.nodes[3].port), replica);
    ck_assert_int_eq(index_of(cluster.nodes[0].port), 0);
    ck_assert_uint_eq(world.now.nodes[0].primary, replica);

    const uint32_t added = test_cluster_add(&cluster);
    test_cluster_move_slot(&cluster, 16383, 2, added);
    await_owner(16383, cluster.nodes[added].port);
    ck_assert_uint_eq(world.now.node_count, 7);
    ck_assert_uint_eq(world.now.owner[16382], 2);
    test_cluster_move_slot(&cluster, 16383, added, 2);
    await_owner(16383, cluster.nodes[2].port);
    test_cluster_remove(&cluster, added);
    await_role(cluster.nodes[added].port, TOPOLOGY_GONE);
    ck_assert_uint_eq(topology_uncovered(&world.now), 0);
    test_cluster_stop(&cluster);
}

TEST(primary_dies)
{
    /* Breaks when the scout asks only the node it knows best, which is the one that died. */
    start_cluster(3, 3, 0);
    test_server_kill(&cluster.nodes[0]);
    wish();
    await_owner(0, cluster.nodes[3].port);
    ck_assert_uint_eq(topology_uncovered(&world.now), 0);
    await_role(cluster.nodes[0].port, TOPOLOGY_GONE);
    test_server_restart(&cluster.nodes[0]);
    await_role(cluster.nodes[0].port, TOPOLOGY_REPLICA);
    test_cluster_stop(&cluster);
}

TEST(slots_that_nobody_names)
{
    /* Breaks when slots lose their owner because an answer leaves them out, as Redis 8 does when a primary
     * has failed: their requests then hold up the other nodes. */
    start_cluster(3, 0, 0);
    for (uint32_t node = 3; node-- > 0;)
        free(test_server_text(&cluster.nodes[node], "CLUSTER DELSLOTS 16383"));
    test_cluster_move_slot(&cluster, 0, 0, 1);
    wish();
    await_owner(0, cluster.nodes[1].port);
    ck_assert_int_eq(test_cluster_owner(&cluster, 1, 16383), -1);
    ck_assert_uint_eq(world.now.owner[16383], 2);
    ck_assert_uint_eq(topology_uncovered(&world.now), 0);
    test_cluster_stop(&cluster);
}

TEST(scout_dies)
{
    /* Breaks when the second scout forgets what the first has found. */
    start_cluster(2, 1, 0);
    test_cluster_promote(&cluster, 2);
    await_owner(0, cluster.nodes[2].port);
    kill(world.scout.pid, SIGTERM); /* has no effect */
    child_end(&world.scout);
    atomic_fetch_or(&ipc_topology(world.segment)->version, 1); /* as if it had died writing */
    test_cluster_move_slot(&cluster, 0, 2, 1);
    start_scout();
    await_owner(0, cluster.nodes[1].port);
    await_owner(1, cluster.nodes[2].port);
    ck_assert_int_eq(kill(world.scout.pid, SIGINT), 0);
    test_cluster_move_slot(&cluster, 0, 1, 2);
    await_owner(0, cluster.nodes[2].port);
    test_cluster_stop(&cluster);
}

TEST(paused_node)
{
    /* Breaks when one node that does not answer keeps the scout from asking the others. */
    start_cluster(3, 3, 2);
    test_server_pause(&cluster.nodes[2]);
    wish();
    await_owner(16383, cluster.nodes[5].port);
    test_server_resume(&cluster.nodes[2]);
    await_role(cluster.nodes[2].port, TOPOLOGY_REPLICA);
    test_cluster_stop(&cluster);
}

/* ---- replicas and sentinels ---- */

TEST(replicas_change)
{
    /* Breaks when a replica that comes or goes, or takes over, is not noticed. */
    struct test_replicated replicated;
    test_replicated_start(&replicated, 2, NULL);
    name_host(&replicated.primary);
    world.spec.endpoint.replica_reads = REPLICA_READS_ALL;
    discover();
    ck_assert_uint_eq(topology_replicas(&world.now), 2);
    start_scout();
    const uint16_t first = replicated.replicas[0].port, second = replicated.replicas[1].port;
    test_server_kill(&replicated.replicas[1]);
    await_role(second, TOPOLOGY_GONE);
    test_server_restart(&replicated.replicas[1]);
    free(test_server_text(&replicated.replicas[1], "REPLICAOF 127.0.0.1 %u",
                          replicated.primary.port));
    await_role(second, TOPOLOGY_REPLICA);
    test_server_kill(&replicated.primary);
    free(test_server_text(&replicated.replicas[0], "REPLICAOF NO ONE"));
    wish();
    await_role(first, TOPOLOGY_PRIMARY);
    await_role(replicated.primary.port, TOPOLOGY_GONE);
    test_replicated_stop(&replicated);
}

TEST(primary_demoted)
{
    /* Breaks when a primary that was made a replica still gets the writes. */
    struct test_replicated replicated;
    test_replicated_start(&replicated, 1, NULL);
    name_host(&replicated.primary);
    world.spec.endpoint.replica_reads = REPLICA_READS_YES;
    discover();
    start_scout();
    const uint16_t first = replicated.replicas[0].port;
    free(test_server_text(&replicated.replicas[0], "REPLICAOF NO ONE"));
    free(test_server_text(&replicated.primary, "REPLICAOF 127.0.0.1 %u", first));
    await_role(first, TOPOLOGY_PRIMARY);
    await_role(replicated.primary.port, TOPOLOGY_REPLICA);
    ck_assert_int_eq(index_of(replicated.primary.port), 0);
    test_replicated_stop(&replicated);
}

TEST(sentinels_switch)
{
    /* Breaks when +switch-master is not heard, or not from another sentinel when the first is dead. */
    struct test_replicated replicated;
    struct test_sentinels sentinels;
    test_replicated_start(&replicated, 2, NULL);
    test_sentinels_start(&sentinels, 3, "main", &replicated);
    world.spec.endpoint.sentinels = sentinels.list;
    world.spec.endpoint.master_name = "main";
    world.spec.endpoint.replica_reads = REPLICA_READS_ALL;
    discover();
    ck_assert(has_role(replicated.primary.port, TOPOLOGY_PRIMARY));
    ck_assert_uint_eq(topology_replicas(&world.now), 2);
    start_scout();
    const uint16_t promoted = test_sentinels_failover(&sentinels, "main");
    await_role(promoted, TOPOLOGY_PRIMARY);
    await_role(replicated.primary.port, TOPOLOGY_REPLICA);
    ck_assert_uint_eq(topology_primaries(&world.now), 1);
    test_server_kill(&sentinels.sentinels[0]);
    for (int i = 0; i < 2; i++)
        if (replicated.replicas[i].port == promoted)
            test_server_kill(&replicated.replicas[i]);
    await_role(promoted, TOPOLOGY_GONE);
    ck_assert_uint_eq(topology_primaries(&world.now), 1);
    test_sentinels_stop(&sentinels);
    test_replicated_stop(&replicated);
}

/* ---- when there is nothing to do ---- */

TEST(not_needed)
{
    /* Breaks when every run has a process more, or one that could notice something has none. */
    struct spec spec = {.endpoint.host = "h"};
    struct topology *topology = calloc(1, sizeof *topology);
    ck_assert_int_eq(topology_add(topology, "127.0.0.1", 1), 0);
    ck_assert(!scout_is_needed(&spec, topology));
    ck_assert_int_eq(topology_add(topology, "::1", 1), 1);
    ck_assert(!scout_is_needed(&spec, topology));
    spec.endpoint.replica_reads = REPLICA_READS_YES;
    ck_assert(scout_is_needed(&spec, topology));
    spec.endpoint.replica_reads = REPLICA_READS_NO;
    spec.endpoint.sentinels = "s";
    ck_assert(scout_is_needed(&spec, topology));
    spec.endpoint.sentinels = NULL;
    ck_assert_int_eq(topology_add(topology, "name", 1), 2);
    ck_assert(scout_is_needed(&spec, topology));
    spec.load.null_transport = true;
    ck_assert(!scout_is_needed(&spec, topology));
    spec.load.null_transport = false;
    ck_assert(!scout_is_needed(&spec, NULL));
    topology->node_count = 1;
    topology->kind = TOPOLOGY_SLOTS;
    ck_assert(scout_is_needed(&spec, topology));
    free(topology);
}

TEST(names_again)
{
    /* Breaks when the address of a name stays what it was while another one of it answers. */
    struct test_server server;
    test_server_start(&server, NULL);
    snprintf(world.host, sizeof world.host, "localhost:%u", server.port);
    discover();
    ck_assert_str_eq(world.now.nodes[0].address.host, "localhost");
    /* as if it had been another one before the run */
    struct sockaddr_storage right = world.found.nodes[0].address.address;
    struct in_addr *address =
        &((struct sockaddr_in *)&world.found.nodes[0].address.address)->sin_addr;
    address->s_addr = htonl(ntohl(address->s_addr) + 1);
    topology_publish(ipc_topology(world.segment), &world.found);
    start_scout();
    const uint64_t end_ms = support_now_ms() + DEADLINE_MS;
    do {
        ck_assert_uint_lt(support_now_ms(), end_ms);
        wish();
        support_sleep_ms(5);
        (void)topology_refresh(&world.now, &world.version, ipc_topology(world.segment));
    } while (memcmp(&world.now.nodes[0].address.address, &right, sizeof right) != 0);
    ck_assert_uint_eq(world.now.node_count, 1);
    test_server_stop(&server);
}

TEST_SUITE_WITH(scout, .set_up = set_up, .tear_down = tear_down, .timeout_seconds = 120)
