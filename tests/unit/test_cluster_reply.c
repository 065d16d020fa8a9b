/* Replies of cluster nodes, sentinels and ROLE, as servers write them and as they should not. */
#include <hiredis/hiredis.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "orchestrator/server/cluster_reply.h"
#include "orchestrator/server/replication.h"
#include "orchestrator/server/sightings.h"
#include "tests/support/check/suite.h"

static struct topology *topology;
static struct err err;
static const struct cluster_asked asked = {.host = "10.0.0.1", .text = "10.0.0.1:7000"};
static const struct cluster_asked asked_tls = {
    .host = "10.0.0.1", .text = "10.0.0.1:7000", .tls = true};

static void set_up(void)
{
    topology = calloc(1, sizeof *topology);
    ck_assert_ptr_nonnull(topology);
    memset(&err, 0, sizeof err);
}

static void tear_down(void)
{
    free(topology);
}

/* A short way to write RESP: '[n' a list, ':n' an integer, '_' null, '-text' an error, other words
 * strings ("''" the empty one), all separated by blanks. */
static redisReply *reply_of(const char *words)
{
    char *copy = strdup(words), *rest = NULL;
    redisReader *reader = redisReaderCreate();
    void *reply = NULL;
    for (char *word = strtok_r(copy, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest)) {
        char text[400];
        if (word[0] == '[')
            snprintf(text, sizeof text, "*%s\r\n", word + 1);
        else if ((word[0] == ':' && word[1] != ':') || word[0] == '-')
            snprintf(text, sizeof text, "%s\r\n", word);
        else if (strcmp(word, "_") == 0)
            snprintf(text, sizeof text, "$-1\r\n");
        else if (strcmp(word, "''") == 0)
            snprintf(text, sizeof text, "$0\r\n\r\n");
        else
            snprintf(text, sizeof text, "$%zu\r\n%s\r\n", strlen(word), word);
        ck_assert_int_eq(redisReaderFeed(reader, text, strlen(text)), REDIS_OK);
    }
    ck_assert_int_eq(redisReaderGetReply(reader, &reply), REDIS_OK);
    ck_assert_ptr_nonnull(reply);
    redisReaderFree(reader);
    free(copy);
    return reply;
}

static enum err_code shards(const char *words, const struct cluster_asked *whom)
{
    redisReply *reply = reply_of(words);
    enum err_code code = cluster_reply_shards(topology, reply, whom, &err);
    freeReplyObject(reply);
    return code;
}

static enum err_code slots(const char *words)
{
    redisReply *reply = reply_of(words);
    enum err_code code = cluster_reply_slots(topology, reply, &asked, &err);
    freeReplyObject(reply);
    return code;
}

static void expect_node(uint32_t index, const char *text, enum topology_role role, uint16_t primary)
{
    ck_assert_uint_lt(index, topology->node_count);
    ck_assert_str_eq(topology->nodes[index].address.text, text);
    ck_assert_uint_eq(topology->nodes[index].role, role);
    ck_assert_uint_eq(topology->nodes[index].primary, primary);
}

#define NODE(port, tls, host, role, health)                                                        \
    " [16 id x port " port " tls-port " tls " ip 10.0.0.2 endpoint " host " role " role            \
    " replication-offset :5 health " health

/* ---- SHARDS ---- */

TEST(shards_in_order)
{
    /* Breaks when nodes are numbered as the reply happens to list them, or roles are mixed up. */
    ck_assert_int_eq(
        shards("[2"
               " [4 slots [2 :8192 :16383 nodes [2" NODE(":7003", ":0", "10.0.0.3", "replica",
                                                         "online")
                   NODE(":7002", ":0", "10.0.0.2", "master",
                        "online") " [4 slots [4 :0 :100 :102 :8191 nodes [2" NODE(":7001", ":0",
                                                                                  "10.0.0.1",
                                                                                  "master",
                                                                                  "online")
                       NODE(":7004", ":0", "10.0.0.4", "replica", "online"),
               &asked),
        OK);
    ck_assert_uint_eq(topology->kind, TOPOLOGY_SLOTS);
    ck_assert_uint_eq(topology->node_count, 4);
    expect_node(0, "10.0.0.1:7001", TOPOLOGY_PRIMARY, 0);
    expect_node(1, "10.0.0.2:7002", TOPOLOGY_PRIMARY, 1);
    expect_node(2, "10.0.0.4:7004", TOPOLOGY_REPLICA, 0);
    expect_node(3, "10.0.0.3:7003", TOPOLOGY_REPLICA, 1);
    ck_assert_uint_eq(topology->owner[100], 0);
    ck_assert_uint_eq(topology->owner[101], TOPOLOGY_NOBODY);
    ck_assert_uint_eq(topology->owner[102], 0);
    ck_assert_uint_eq(topology->owner[8192], 1);
    ck_assert_uint_eq(topology_uncovered(topology), 1);
}

TEST(shards_change)
{
    /* Breaks when a node gets another index, or one that has gone is still used. */
    ck_assert_int_eq(
        shards("[1 [4 slots [2 :0 :16383 nodes [2" NODE(":1", ":0", "a", "master", "online")
                   NODE(":2", ":0", "b", "replica", "online"),
               &asked),
        OK);
    ck_assert_int_eq(
        shards("[1 [4 slots [2 :0 :16383 nodes [3" NODE(":1", ":0", "a", "master", "fail") NODE(
                   ":2", ":0", "b", "master", "online") NODE(":3", ":0", "c", "replica", "online"),
               &asked),
        OK);
    ck_assert_uint_eq(topology->node_count, 3);
    expect_node(0, "a:1", TOPOLOGY_GONE, 0);
    expect_node(1, "b:2", TOPOLOGY_PRIMARY, 1);
    expect_node(2, "c:3", TOPOLOGY_REPLICA, 1);
    ck_assert_uint_eq(topology->owner[16383], 1);
    /* the only primary has failed, and nobody has taken its place: it keeps its slots */
    ck_assert_int_eq(
        shards("[1 [4 slots [2 :0 :16383 nodes [1" NODE(":2", ":0", "b", "master", "fail"), &asked),
        OK);
    expect_node(1, "b:2", TOPOLOGY_PRIMARY, 1);
    expect_node(2, "c:3", TOPOLOGY_GONE, 1);
}

TEST(shards_names)
{
    /* Breaks when a node without a name of its own is looked for under "?" or "". */
    ck_assert_int_eq(
        shards(
            "[4"
            " [4 slots [2 :0 :0 nodes [1" NODE(
                ":1", ":0", "?", "master",
                "online") " [4 slots [2 :1 :1 nodes [1" NODE(":2", ":0", "''", "master",
                                                             "online") " [4 slots [2 :2 :2 nodes "
                                                                       "[1" NODE(
                                                                           ":3", ":0", "_",
                                                                           "master",
                                                                           "online") " [4 "
                                                                                     "slots "
                                                                                     "[2 :3 "
                                                                                     ":3 "
                                                                                     "nodes "
                                                                                     "["
                                                                                     "1" NODE(
                                                                                         ":4", ":0",
                                                                                         "::7",
                                                                                         "master",
                                                                                         "online"),
            &asked),
        OK);
    expect_node(0, "10.0.0.2:1", TOPOLOGY_PRIMARY, 0);
    expect_node(1, "10.0.0.1:2", TOPOLOGY_PRIMARY, 1);
    expect_node(2, "10.0.0.1:3", TOPOLOGY_PRIMARY, 2);
    expect_node(3, "[::7]:4", TOPOLOGY_PRIMARY, 3);
}

TEST(shards_ports)
{
    /* Breaks when TLS is spoken to the port without it, or the reverse. */
    static const char both[] =
        "[1 [4 slots [2 :0 :16383 nodes [1" NODE(":1", ":2", "a", "master", "online");
    static const char plain[] =
        "[1 [4 slots [2 :0 :16383 nodes [1" NODE(":1", ":0", "a", "master", "online");
    static const char tls[] =
        "[1 [4 slots [2 :0 :16383 nodes [1" NODE(":0", ":2", "a", "master", "online");
    ck_assert_int_eq(shards(both, &asked_tls), OK);
    expect_node(0, "a:2", TOPOLOGY_PRIMARY, 0);
    memset(topology, 0, sizeof *topology);
    ck_assert_int_eq(shards(both, &asked), OK);
    expect_node(0, "a:1", TOPOLOGY_PRIMARY, 0);
    memset(topology, 0, sizeof *topology);
    ck_assert_int_eq(shards(plain, &asked_tls), E_CONNECT);
    ck_assert_msg(strstr(err.text, "no TLS port: leave out --tls") != NULL, "%s", err.text);
    memset(&err, 0, sizeof err);
    memset(topology, 0, sizeof *topology);
    ck_assert_int_eq(shards(tls, &asked), E_CONNECT);
    ck_assert_msg(strstr(err.text, "no port without TLS: add --tls") != NULL, "%s", err.text);
}

TEST(shards_loading)
{
    /* Breaks when reads go to a replica that has no data yet, or a new cluster seems to have none. */
    static const char loading[] =
        "[1 [4 slots [2 :0 :16383 nodes [2" NODE(":1", ":0", "a", "master", "online")
            NODE(":2", ":0", "b", "replica", "loading");
    ck_assert_int_eq(shards(loading, &asked), OK);
    ck_assert_uint_eq(topology_replicas(topology), 0);
    ck_assert_int_eq(shards("[1 [4 slots [2 :0 :16383 nodes [2"
                            " [6 endpoint a port :1 role master"
                            " [8 endpoint b port :2 role replica health loading",
                            &asked),
                     OK);
    ck_assert_uint_eq(topology_replicas(topology), 0);
    ck_assert_int_eq(shards("[1 [4 slots [2 :0 :16383 nodes [2"
                            " [8 endpoint a port :1 role master replication-offset :0"
                            " [10 endpoint b port :2 role replica health loading"
                            " replication-offset :0",
                            &asked),
                     OK);
    ck_assert_uint_eq(topology_replicas(topology), 1);
    ck_assert_int_eq(shards(loading, &asked), OK); /* it stays what it was */
    ck_assert_uint_eq(topology_replicas(topology), 1);
}

static const char *const senseless[] = {
    "[0",
    ":5",
    "text",
    "-ERR",
    "_",
    "[1 :1",
    "[1 [4 slots [1 :0 nodes [0",
    "[1 [4 slots [2 :0 :16384 nodes [1" NODE(":1", ":0", "a", "master", "online"),
    "[1 [4 slots [2 :5 :4 nodes [1" NODE(":1", ":0", "a", "master", "online"),
    "[1 [4 slots [2 :-1 :4 nodes [1" NODE(":1", ":0", "a", "master", "online"),
    "[1 [4 slots [2 a b nodes [1" NODE(":1", ":0", "a", "master", "online"),
    "[1 [4 slots [2 :0 :1 nodes [1" NODE(":70000", ":0", "a", "master", "online"),
    "[1 [4 slots [2 :0 :1 nodes [1" NODE(":1", ":0", "a", "replica", "online"),
    "[1 [2 slots [2 :0 :1",
    "[1 [3 slots [2 :0 :1 nodes",
};

LOOP_TEST(shards_senseless, sizeof senseless / sizeof senseless[0])
{
    /* Breaks when a reply that is none ends volley, or is used. */
    ck_assert_int_eq(shards(senseless[_i], &asked), E_CONNECT);
    ck_assert(err.text[0] != '\0');
}

/* ---- SLOTS ---- */

TEST(slots_of_older_servers)
{
    /* Breaks when a cluster of version 6 cannot be measured. */
    ck_assert_int_eq(slots("[3"
                           " [4 :8192 :16383 [3 b :2 id2 [3 c :3 id3"
                           " [3 :0 :99 [3 '' :1 id1"
                           " [4 :100 :8191 [3 _ :1 id1 [4 ? :4 id4 [2 ip 10.0.0.9"),
                     OK);
    ck_assert_uint_eq(topology->node_count, 4);
    expect_node(0, "10.0.0.1:1", TOPOLOGY_PRIMARY, 0);
    expect_node(1, "b:2", TOPOLOGY_PRIMARY, 1);
    expect_node(2, "10.0.0.9:4", TOPOLOGY_REPLICA, 0);
    expect_node(3, "c:3", TOPOLOGY_REPLICA, 1);
    ck_assert_uint_eq(topology_uncovered(topology), 0);
    ck_assert_uint_eq(topology->owner[8191], 0);
    ck_assert_int_eq(slots("[1 [3 :0 :16383 [3 b :2 id2"), OK);
    expect_node(0, "10.0.0.1:1", TOPOLOGY_GONE, 0);
    expect_node(1, "b:2", TOPOLOGY_PRIMARY, 1);
}

static const char *const senseless_slots[] = {"[0",
                                              ":1",
                                              "[1 [2 :0 :1",
                                              "[1 [3 :0 :1 a",
                                              "[1 [3 :0 :1 [2 a :0",
                                              "[1 [3 :0 :16384 [2 a :1",
                                              "[1 [3 x :1 [2 a :1",
                                              "[1 [3 :2 :1 [2 a :1"};

LOOP_TEST(slots_senseless, sizeof senseless_slots / sizeof senseless_slots[0])
{
    /* Breaks when a reply that is none ends volley, or is used. */
    ck_assert_int_eq(slots(senseless_slots[_i]), E_CONNECT);
}

/* A slot for each of so many nodes; the caller frees. */
static char *many_nodes(unsigned count)
{
    const size_t each_bytes = 64;
    char *words = malloc((count + 1) * each_bytes);
    ck_assert_ptr_nonnull(words);
    size_t used = (size_t)snprintf(words, each_bytes, "[%u", count);
    for (unsigned i = 0; i < count; i++)
        used += (size_t)snprintf(words + used, each_bytes, " [3 :%u :%u [2 h :%u", i, i, i + 1);
    return words;
}

TEST(two_thousand)
{
    /* Breaks when a node of a large cluster is left out, or gets the slots of another. */
    char *words = many_nodes(2000);
    ck_assert_msg(slots(words) == OK, "%s", err.text);
    ck_assert_uint_eq(topology->node_count, 2000);
    for (unsigned i = 0; i < 2000; i++)
        ck_assert_uint_eq(topology->nodes[topology->owner[i]].port, i + 1);
    free(words);
}

TEST(too_many)
{
    /* Breaks when a cluster of more nodes than there is room for is measured in part. */
    char *words = many_nodes(TOPOLOGY_NODES_MAX + 1);
    ck_assert_int_eq(slots(words), E_CONNECT);
    ck_assert_msg(strstr(err.text, "more nodes than volley can follow (4096)") != NULL, "%s",
                  err.text);
    free(words);
}

TEST(long_to_read)
{
    /* Breaks when a reply that names more nodes than can be looked for in time is read to its end, whoever
     * presses Ctrl+C. */
    static const char text[] = "[1 [4 :0 :16383 [2 10.0.0.2 :7000 [2 10.0.0.3 :7000";
    const volatile int interrupted = 1;
    struct cluster_asked whom = asked;
    redisReply *reply = reply_of(text);
    whom.until_ns = 1;
    ck_assert_int_eq(cluster_reply_slots(topology, reply, &whom, &err), E_CONNECT);
    ck_assert_msg(strstr(err.text, "takes too long") != NULL, "%s", err.text);
    err = (struct err){.code = OK};
    whom = asked;
    whom.interrupted = &interrupted;
    ck_assert_int_eq(cluster_reply_slots(topology, reply, &whom, &err), E_INTERRUPTED);
    freeReplyObject(reply);
    err = (struct err){.code = OK};
    ck_assert_int_eq(slots(text), OK);
}

/* ---- ROLE and sentinels ---- */

TEST(more_replicas_than_there_is_room_for)
{
    /* Breaks when replicas beyond those that are read from are left out, and nobody is told. */
    static struct server_role role;
    static char text[64 * (RESOLVE_NAMES_MAX + 44)];
    int used = snprintf(text, sizeof text, "[3 master :100 [%u", RESOLVE_NAMES_MAX + 44);
    for (uint32_t i = 0; i < RESOLVE_NAMES_MAX + 44; i++)
        used += snprintf(text + used, sizeof text - (size_t)used, " [3 10.0.%u.%u 6380 100",
                         i / 250, i % 250 + 1);
    redisReply *reply = reply_of(text);
    ck_assert(role_parse(&role, reply));
    freeReplyObject(reply);
    ck_assert_uint_eq(role.replica_count, RESOLVE_NAMES_MAX);
    ck_assert_uint_eq(role.left_out, 44);
}

TEST(roles)
{
    /* Breaks when a replica is taken for a primary, or its primary is looked for elsewhere. */
    static struct server_role role;
    redisReply *reply = reply_of("[3 master :100 [2 [3 10.0.0.2 6380 100 [3 10.0.0.3 6381 99");
    ck_assert(role_parse(&role, reply));
    freeReplyObject(reply);
    ck_assert(role.primary);
    ck_assert_uint_eq(role.replica_count, 2);
    ck_assert_str_eq(role.replicas[1].host, "10.0.0.3");
    ck_assert_uint_eq(role.replicas[1].port, 6381);
    reply = reply_of("[5 slave 10.0.0.1 :6379 connected :100");
    ck_assert(role_parse(&role, reply));
    freeReplyObject(reply);
    ck_assert(!role.primary);
    ck_assert_str_eq(role.primary_name.host, "10.0.0.1");
    ck_assert_uint_eq(role.primary_name.port, 6379);
    static const char *const bad[] = {"[0",
                                      ":1",
                                      "[1 sentinel",
                                      "[2 sentinel [0",
                                      "[1 master",
                                      "[3 slave a :0",
                                      "[3 slave '' :1",
                                      "[3 slave a b",
                                      "[3 slave a 6k",
                                      "[3 slave a 65536",
                                      "[3 slave a 4294973675",
                                      "[3 slave a :9223372036854775807",
                                      "-ERR",
                                      "_"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        reply = reply_of(bad[i]);
        ck_assert_msg(!role_parse(&role, reply), "%s", bad[i]);
        freeReplyObject(reply);
    }
}

TEST(replica_lines)
{
    /* Breaks when a port is taken modulo 2^32, or half a line is taken for a replica. */
    static const struct server_role role = {.replica_count = 1, .replicas = {{"10.0.0.3", 6380}}};
    struct sightings seen = {.items = NULL};
    replicas_seen(&seen, &role,
                  "role:master\r\n"
                  "slave0:ip=10.0.0.3,port=6380,state=online,offset=0,lag=0\r\n"
                  "slave1:ip=10.0.0.4,port=6381,state=wait_bgsave,offset=0,lag=0\r\n"
                  "slave2:ip=10.0.0.5,port=4294973677,state=online\r\n"
                  "slave3:ip=10.0.0.5,port=6k,state=online\r\n"
                  "slave4:ip=10.0.0.5,state=online\r\n"
                  "slave5:ip=,port=6382,state=online\r\n"
                  "slave:ip=10.0.0.5,port=6382,state=online\r\n"
                  "sla6:ip=10.0.0.5,port=6382,state=online\r\n"
                  "slave7");
    ck_assert_uint_eq(seen.count, 2);
    ck_assert_uint_eq(seen.items[0].name.port, 6380);
    ck_assert(!seen.items[0].coming);
    ck_assert_str_eq(seen.items[1].name.host, "10.0.0.4");
    ck_assert_str_eq(seen.items[1].state, "wait_bgsave");
    ck_assert(seen.items[1].coming);
    sightings_free(&seen);
}

TEST(sentinel_words)
{
    /* Breaks when a switch of another primary is followed, or a dead replica is read from. */
    static struct server_role role;
    struct host_name name;
    redisReply *reply = reply_of("[3 message +switch-master x");
    ck_assert(!sentinel_switch_parse(&name, reply, "x"));
    free(reply->element[2]->str);
    reply->element[2]->str = strdup("main 10.0.0.1 6379 10.0.0.2 6380");
    reply->element[2]->len = strlen(reply->element[2]->str);
    ck_assert(!sentinel_switch_parse(&name, reply, "mai"));
    ck_assert(sentinel_switch_parse(&name, reply, "main"));
    ck_assert_str_eq(name.host, "10.0.0.2");
    ck_assert_uint_eq(name.port, 6380);
    freeReplyObject(reply);
    reply = reply_of("[3 [6 ip a port 1 flags slave [6 ip b port 2 flags slave,s_down"
                     " [8 ip c port 3 flags slave master-link-status err");
    ck_assert(sentinel_replicas_parse(&role, NULL, reply));
    ck_assert_uint_eq(role.replica_count, 1);
    ck_assert_str_eq(role.replicas[0].host, "a");
    freeReplyObject(reply);
    reply = reply_of("[2 10.0.0.1 6379");
    ck_assert(sentinel_primary_parse(&name, reply));
    ck_assert_uint_eq(name.port, 6379);
    freeReplyObject(reply);
    static const char *const bad[] = {"_", "[2 10.0.0.1 6k", "[2 10.0.0.1 +1", "[2 10.0.0.1 65536"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        reply = reply_of(bad[i]);
        ck_assert_msg(!sentinel_primary_parse(&name, reply), "%s", bad[i]);
        freeReplyObject(reply);
    }
}

TEST(replicas_follow_their_primary)
{
    /* Breaks when replicas of one primary are lost because another one was asked. */
    static struct server_role role;
    ck_assert_int_eq(topology_add(topology, "a", 1), 0);
    ck_assert_int_eq(topology_add(topology, "b", 2), 1);
    role.replica_count = 2;
    role.replicas[0] = (struct host_name){"c", 3};
    role.replicas[1] = (struct host_name){"a", 1}; /* itself: left as it is */
    ck_assert(replicas_into(topology, 0, &role));
    expect_node(2, "c:3", TOPOLOGY_REPLICA, 0);
    ck_assert_uint_eq(topology->nodes[0].role, TOPOLOGY_PRIMARY);
    role.replica_count = 1;
    role.replicas[0] = (struct host_name){"d", 4};
    ck_assert(replicas_into(topology, 1, &role));
    expect_node(2, "c:3", TOPOLOGY_REPLICA, 0);
    expect_node(3, "d:4", TOPOLOGY_REPLICA, 1);
    role.replica_count = 0;
    ck_assert(replicas_into(topology, 0, &role));
    expect_node(2, "c:3", TOPOLOGY_GONE, 0);
}

TEST_SUITE_WITH(cluster_reply, .set_up = set_up, .tear_down = tear_down)
