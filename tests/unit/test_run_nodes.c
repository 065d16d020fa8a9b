#include <stdlib.h>
#include <string.h>

#include "common/ipc.h"
#include "orchestrator/fleet/run_nodes.h"
#include "tests/support/check/suite.h"

static void *segment;
static struct topology *topology;
static struct run_facts facts;

static void set_up(void)
{
    size_t bytes = ipc_segment_bytes(1, 65536, 0);
    segment = aligned_alloc(64, (bytes + 63) / 64 * 64);
    topology = calloc(1, sizeof *topology);
    ck_assert(segment != NULL && topology != NULL);
    memset(segment, 0, bytes);
    ipc_segment_init(segment, 1, 65536);
    memset(&facts, 0, sizeof facts);
}

static void tear_down(void)
{
    free(segment);
    free(topology);
}

static void add(enum topology_role role, uint16_t primary)
{
    struct topology_node *node = &topology->nodes[topology->node_count];
    node->role = role;
    node->primary = primary;
    snprintf(node->address.text, sizeof node->address.text, "127.0.0.1:%u",
             7000 + topology->node_count++);
}

TEST(test_a_plain_server_has_no_nodes)
{
    /* Breaks when a report of one server has a table of one row, one without a table ends the run, or the
     * server that sentinels named is not named. */
    run_nodes_begin(&facts, segment, false);
    ck_assert_uint_eq(facts.node_count, 0);
    add(TOPOLOGY_PRIMARY, TOPOLOGY_NOBODY);
    topology_publish(ipc_topology(segment), topology);
    run_nodes_begin(&facts, segment, false);
    ck_assert_uint_eq(facts.node_count, 0);
    run_nodes_begin(&facts, segment, true); /* but one that sentinels may replace has */
    ck_assert_uint_eq(facts.node_count, 1);
    ck_assert_str_eq(facts.nodes[0].text, "127.0.0.1:7000");
    ck_assert_str_eq(run_role_name(facts.nodes[0].role_at_start), "primary");
    run_nodes_renew(&facts, segment);
    ck_assert_uint_eq(facts.node_count, 1);
    topology->kind = TOPOLOGY_SLOTS; /* and a cluster of one node is one */
    topology_publish(ipc_topology(segment), topology);
    run_nodes_begin(&facts, segment, false);
    ck_assert_uint_eq(facts.node_count, 1);
}

TEST(test_roles_and_new_nodes_are_renewed)
{
    /* Breaks when the report does not name a node that came during the run, or forgets what one was. */
    topology->kind = TOPOLOGY_SLOTS;
    add(TOPOLOGY_PRIMARY, TOPOLOGY_NOBODY);
    add(TOPOLOGY_REPLICA, 0);
    topology_publish(ipc_topology(segment), topology);
    run_nodes_begin(&facts, segment, false);
    ck_assert_uint_eq(facts.node_count, 2);
    ck_assert_int_eq(facts.nodes[0].primary, OUTAGE_NOBODY);
    ck_assert_int_eq(facts.nodes[1].primary, 0);

    topology->nodes[0].role = TOPOLOGY_GONE;
    topology->nodes[1].role = TOPOLOGY_PRIMARY;
    add(TOPOLOGY_REPLICA, 1);
    topology_publish(ipc_topology(segment), topology);
    run_nodes_renew(&facts, segment);
    ck_assert_uint_eq(facts.node_count, 3);
    ck_assert_str_eq(run_role_name(facts.nodes[0].role), "gone");
    ck_assert_str_eq(run_role_name(facts.nodes[0].role_at_start), "primary");
    ck_assert_str_eq(run_role_name(facts.nodes[1].role), "primary");
    ck_assert_str_eq(run_role_name(facts.nodes[1].role_at_start), "replica");
    ck_assert_int_eq(facts.nodes[1].primary, 0);
    ck_assert_str_eq(facts.nodes[2].text, "127.0.0.1:7002");
    ck_assert_str_eq(run_role_name(facts.nodes[2].role_at_start), "absent");
    ck_assert_int_eq(facts.nodes[2].primary, 1);
}

TEST(test_more_nodes_than_figures)
{
    /* Breaks when a large cluster runs over the table, or its last row is named after one node. */
    topology->kind = TOPOLOGY_SLOTS;
    while (topology->node_count < NODE_FIGURES_MAX + 10)
        add(topology->node_count % 2 == 0 ? TOPOLOGY_PRIMARY : TOPOLOGY_REPLICA,
            (uint16_t)topology->node_count);
    topology_publish(ipc_topology(segment), topology);
    run_nodes_begin(&facts, segment, false);
    ck_assert_uint_eq(facts.node_count, NODE_FIGURES_MAX);
    ck_assert_str_eq(facts.nodes[NODE_FIGURES_MAX - 2].text, "127.0.0.1:7062");
    ck_assert_str_eq(facts.nodes[NODE_FIGURES_MAX - 1].text, "11 other nodes");
}

TEST(test_a_writer_that_died_leaves_the_start)
{
    /* Breaks when a scout that died while it wrote takes the names of the nodes with it, or the end of the
     * run waits for it. */
    topology->kind = TOPOLOGY_SLOTS;
    add(TOPOLOGY_PRIMARY, TOPOLOGY_NOBODY);
    topology_publish(ipc_topology(segment), topology);
    run_nodes_begin(&facts, segment, false);
    atomic_fetch_add(&ipc_topology(segment)->version, 1);
    run_nodes_renew(&facts, segment);
    ck_assert_uint_eq(facts.node_count, 1);
    ck_assert_str_eq(facts.nodes[0].text, "127.0.0.1:7000");
}

TEST_SUITE_WITH(run_nodes, .set_up = set_up, .tear_down = tear_down)
