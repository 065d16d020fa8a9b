/* What scenario files say of clusters: the servers that they need, and phases about nodes. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "orchestrator/scenario/node_series.h"
#include "orchestrator/scenario/scenario_file.h"
#include "tests/support/check/suite.h"

#define MB (1024u * 1024u)

static struct scenario scenario;
static struct scenario_document document;
static struct err err;

static void tear_down(void)
{
    scenario_free(&scenario, &document);
    err = (struct err){.code = OK};
}

static enum err_code read_scaled(const char *text, double scale)
{
    const struct file_source source = {.name = "f", .text = text, .text_bytes = strlen(text)};
    scenario_free(&scenario, &document);
    err = (struct err){.code = OK};
    return scenario_read(&scenario, &document, &source, &(struct scenario_wish){.scale = scale},
                         &err);
}

static void ck_read(const char *text)
{
    ck_assert_msg(read_scaled(text, 0) == OK, "%s: %s", text, err.text);
}

static void ck_refused(const char *text, const char *sentence)
{
    ck_assert_int_eq(read_scaled(text, 0), E_CONFIG);
    ck_assert_msg(strstr(err.text, sentence) != NULL, "%s\nis not in: %s", sentence, err.text);
}

#define FILE_OF(server, phases)                                                                    \
    "name: s\nmemory_target: 3gb\nserver: {" server "}\nphases: [{name: grow, type: load, keys: "  \
    "1000}" phases "]\n"

TEST(servers)
{
    /* breaks when a scenario starts other servers than it says, or the parts of the target are not shared by primaries */
    ck_read(FILE_OF("primaries: 3, replicas: 3, maxmemory: 150%target, policy: allkeys-lru", ""));
    ck_assert_uint_eq(scenario.servers.primaries, 3);
    ck_assert_uint_eq(scenario.servers.replicas, 3);
    ck_assert_uint_eq(scenario.servers.maxmemory_bytes, 1536ull * MB);
    ck_assert_str_eq(scenario.servers.policy, "allkeys-lru");
    ck_read(FILE_OF("maxmemory: 2gb", ""));
    ck_assert_uint_eq(scenario.servers.primaries, 0);
    ck_assert_uint_eq(scenario.servers.maxmemory_bytes, 2048ull * MB);
    ck_assert_str_eq(scenario.servers.policy, "");
    ck_assert_int_eq(read_scaled(FILE_OF("primaries: 3, maxmemory: 150%target", ""), 0.001), OK);
    ck_assert_uint_eq(scenario.servers.maxmemory_bytes, 64u * MB);
}

TEST(servers_that_cannot_be)
{
    /* breaks when servers that cannot be started are refused after a run has begun, or without a reason */
    ck_refused(FILE_OF("primaries: 40, replicas: 40", ""), "more than 64 servers");
    ck_refused(FILE_OF("primaries: 0", ""), "primaries: 0");
    ck_refused(FILE_OF("maxmemory: 50%", ""), "a size, as 2gb, or a part of the target");
    ck_refused(FILE_OF("maxmemory: 0", ""), "a size, as 2gb, or a part of the target");
    ck_refused(FILE_OF("policy: lru", ""), "policy: lru");
    ck_refused(FILE_OF("primary: 3", ""), "known are primaries, replicas, maxmemory, policy");
    ck_refused("name: s\nserver: {maxmemory: 50%target}\nphases: [{name: a, type: load, keys: 5}]",
               "the file has no memory_target");
}

TEST(metrics_of_nodes)
{
    /* breaks when a check on nodes is taken for a single server, where it would never be sampled */
    static const char checked[] = "name: s\n%sphases: [{name: a, type: load, keys: 5}]\n"
                                  "checks: [{metric: node_memory_cv, op: \"<\", value: 10%%}]\n";
    char text[300];
    snprintf(text, sizeof text, checked, "server: {primaries: 3}\n");
    ck_read(text);
    ck_assert_double_eq_tol(scenario.checks[0].value, 0.1, 1e-9);
    snprintf(text, sizeof text, checked, "");
    ck_refused(text, "node_memory_cv is of the nodes of a cluster");
    ck_refused("name: s\nphases: [{name: a, type: load, until: \"replica_lag_bytes>=5\"}]",
               "replica_lag_bytes is of the nodes of a cluster");
}

TEST(phases_about_nodes)
{
    /* breaks when a phase does something else to a node than the file says, or leaves the servers no time for it */
    static const char text[] = FILE_OF(
        "primaries: 3, replicas: 3",
        ", {name: a, type: failover}, {name: b, type: failover, how: kill, node: 2, for: 20s, "
        "duration: 60, mix: {get: 50, load: 50}, clients: 4}, {name: c, type: rebalance}, {name: "
        "d, type: rebalance, slots: 100, from: 1, to: 0}, {name: e, type: failover, how: restart, "
        "node: 5, duration: 30}");
    ck_read(text);
    const struct phase *phases = scenario.phases;
    ck_assert_int_eq(phases[1].type, PHASE_FAILOVER);
    ck_assert_uint_eq(phases[1].act.how, HOW_FAILOVER);
    ck_assert_uint_eq(phases[2].act.how, HOW_KILL);
    ck_assert_uint_eq(phases[2].act.node, 2);
    ck_assert_uint_eq(phases[2].act.for_ns, 20 * NS_PER_SECOND);
    ck_assert_uint_eq(phases[2].mix_count, 2);
    ck_assert(!phases[3].act.named && phases[3].act.slots == 0);
    ck_assert(phases[4].act.named && phases[4].act.from == 1 && phases[4].act.slots == 100);
    ck_assert_int_eq(read_scaled(text, 0.001), OK);
    ck_assert_uint_eq(scenario.phases[2].duration_ns, 10 * NS_PER_SECOND);
    ck_assert_uint_eq(scenario.phases[2].act.for_ns, 5 * NS_PER_SECOND);
}

#define CLUSTER "primaries: 3, replicas: 3"
static const struct {
    const char *text, *sentence;
} wrong[] = {
    {"name: s\nphases: [{name: a, type: failover}]", "the file has no server: {primaries: ...}"},
    {FILE_OF("primaries: 3", ", {name: a, type: failover}"), "nobody can take over"},
    {FILE_OF("primaries: 3", ", {name: a, type: failover, how: kill}"), "nobody can take over"},
    {FILE_OF(CLUSTER, ", {name: a, type: failover, node: 6}"), "the last of the servers is 5"},
    {FILE_OF(CLUSTER, ", {name: a, type: failover, how: pause}"), "how long? as in for: 5s"},
    {FILE_OF(CLUSTER, ", {name: a, type: failover, for: 5s}"), "it is of how: pause and kill"},
    {FILE_OF(CLUSTER, ", {name: a, type: failover, how: explode}"), "how: explode"},
    {FILE_OF(CLUSTER, ", {name: a, type: failover, slots: 4}"),
     "failover has no use for \"slots\""},
    {FILE_OF(CLUSTER, ", {name: a, type: failover, clients: 4}"), "give mix, too"},
    {FILE_OF(CLUSTER, ", {name: a, type: failover, mix: {get: 1}}"), "needs a duration"},
    {FILE_OF("primaries: 1, replicas: 1", ", {name: a, type: rebalance}"), "two primaries"},
    {FILE_OF(CLUSTER, ", {name: a, type: rebalance, from: 0}"), "from needs to beside it"},
    {FILE_OF(CLUSTER, ", {name: a, type: rebalance, from: 1, to: 1}"), "the same node as from"},
    {FILE_OF(CLUSTER, ", {name: a, type: rebalance, from: 1, to: 9}"), "there are 6 servers"},
    {FILE_OF(CLUSTER, ", {name: a, type: rebalance, slots: 0}"), "slots: 0"},
    {FILE_OF(CLUSTER, ", {name: p, type: parallel, duration: 5, phases: [{name: a, type: "
                      "failover}, {name: b, type: load, keys: 5}]}"),
     "only phases that send requests stand in p"},
};

LOOP_TEST(phases_about_nodes_that_cannot_be, sizeof wrong / sizeof wrong[0])
{
    /* breaks when a phase that these servers cannot have begins, or is refused for another reason */
    ck_refused(wrong[_i].text, wrong[_i].sentence);
}

static struct node_series_row node(enum node_role role, double slots, double used, double lag)
{
    struct node_series_row row = {.role = role};
    row.values[NODE_SLOTS] = slots;
    row.values[NODE_USED_MEMORY] = used;
    row.values[NODE_LAG] = lag;
    return row;
}

TEST(how_unlike_nodes_are)
{
    /* breaks when replicas, primaries without slots, or nodes that do not answer count as memory of the cluster */
    const struct node_series_row rows[] = {
        node(NODE_PRIMARY, 5000, 90, NAN),  node(NODE_PRIMARY, 5000, 110, NAN),
        node(NODE_PRIMARY, 6384, 100, NAN), node(NODE_PRIMARY, 0, 1, NAN),
        node(NODE_REPLICA, 0, 500, 7),      node(NODE_REPLICA, 0, 500, 3),
        node(NODE_SILENT, NAN, NAN, NAN),
    };
    ck_assert_double_eq_tol(node_memory_cv(rows, 7), sqrt(200.0 / 3) / 100, 1e-9);
    ck_assert_double_eq_tol(node_memory_max_min(rows, 7), 110.0 / 90, 1e-9);
    ck_assert_double_eq(node_lag_most(rows, 7), 7);
    ck_assert(isnan(node_memory_cv(rows, 1)));
    ck_assert(isnan(node_memory_max_min(rows, 1)));
    ck_assert(isnan(node_lag_most(rows, 4)));
}

TEST_SUITE_WITH(scenario_cluster, .tear_down = tear_down)
