/* CLUSTER NODES as versions of servers write it. */
#include <string.h>

#include "orchestrator/server/cluster_nodes.h"
#include "tests/support/check/suite.h"

#define ID_A "e7d1eecce10fd6bb5eb35b9f99a514335d9ba9ca"
#define ID_B "67ed2db8d677e59ec4a4cefb06858cf2a1a89fa1"
#define ID_C "292f8b365bb7edb5e285caf0b7e6ddc7265d2f4f"

static struct cluster_nodes nodes;
static struct err err;

static void teardown(void)
{
    cluster_nodes_free(&nodes);
}

static enum err_code parse(const char *text)
{
    memset(&err, 0, sizeof err);
    cluster_nodes_free(&nodes);
    return cluster_nodes_parse(&nodes, text, &err);
}

TEST(who_is_who)
{
    /* Breaks when a slot is moved from a node that does not serve it, or the wrong node is told. */
    ck_assert_msg(parse(ID_A " 127.0.0.1:30001@40001,shard-a myself,master - 0 0 1 connected "
                             "0-99 200 [77->-" ID_B "]\n" ID_B
                             " 10.0.0.1:30002@40002 master,fail? - 0 1 2 disconnected 100\n" ID_C
                             " ::1:30003 slave " ID_A " 0 1 3 connected\n") == OK,
                  "%s", err.text);
    ck_assert_uint_eq(nodes.count, 3);
    const struct cluster_node *a = cluster_nodes_by_port(&nodes, 30001);
    const struct cluster_node *b = cluster_nodes_by_port(&nodes, 30002);
    const struct cluster_node *c = cluster_nodes_by_port(&nodes, 30003);
    ck_assert(a != NULL && b != NULL && c != NULL);
    ck_assert(a->myself && a->primary && a->connected && !a->failed);
    ck_assert_uint_eq(a->slot_count, 101);
    ck_assert(cluster_node_serves(a, 0) && cluster_node_serves(a, 99) &&
              cluster_node_serves(a, 200) && !cluster_node_serves(a, 100));
    ck_assert(!b->myself && b->primary && !b->connected && !b->failed);
    ck_assert_str_eq(b->id, ID_B);
    ck_assert(!c->primary && c->connected);
    ck_assert_str_eq(c->primary_id, ID_A);
    ck_assert_ptr_null(cluster_nodes_by_port(&nodes, 1));
}

TEST(nodes_that_are_not_there_yet)
{
    /* Breaks when a node in handshake, or one that failed, counts as part of the cluster. */
    ck_assert_int_eq(parse(ID_A " 127.0.0.1:30001@40001 handshake - 0 0 0 connected\r\n" ID_B
                                " 127.0.0.1:30002@40002 master,fail - 0 0 0 connected\r\n"),
                     OK);
    ck_assert(!nodes.items[0].connected);
    ck_assert(nodes.items[1].failed);
}

LOOP_TEST(rubbish, 10)
{
    /* Breaks when what is no such list is taken for one. */
    static const char *const texts[] = {
        "",
        "\n\n",
        "OK",
        "short 127.0.0.1:1@2 master - 0 0 1 connected\n",
        ID_A " 127.0.0.1 master - 0 0 1 connected\n",
        ID_A " 127.0.0.1:99999 master - 0 0 1 connected\n",
        ID_A " 127.0.0.1:1@2 master - 0 0 1\n",
        ID_A " 127.0.0.1:1@2 master - 0 0 1 connected 5-16384\n",
        ID_A " 127.0.0.1:1@2 master - 0 0 1 connected 9-5\n",
        ID_A " 127.0.0.1:1@2 master - 0 0 1 connected x\n",
    };
    ck_assert_int_eq(parse(texts[_i]), E_DATA);
    ck_assert_int_eq(strncmp(err.text, "CLUSTER NODES: ", 15), 0);
}

TEST_SUITE_WITH(cluster_nodes, .tear_down = teardown)
