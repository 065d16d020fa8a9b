#include "tests/support/check/cluster.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/check/support.h"

#define DEADLINE_MS 30000
#define STEP_MS 20
#define SLOTS 16384u

static bool text_has(const struct test_server *server, const char *command, const char *part)
{
    char *text = test_server_text(server, "%s", command);
    const bool has = text != NULL && strstr(text, part) != NULL;
    free(text);
    return has;
}

static void expect_ok(char *answer, const char *tried)
{
    ck_assert_msg(answer != NULL && strcmp(answer, "OK") == 0, "%s: %s", tried,
                  answer != NULL ? answer : "null");
    free(answer);
}

/* ---- a cluster ---- */

static bool runs(const struct test_server *server)
{
    return server->pid != 0 && !server->stopped;
}

/* Whether this node knows all running ones, by name and without doubt, and each in its role. */
static bool node_knows_all(const struct test_cluster *cluster, const struct test_server *node)
{
    char *nodes = test_server_text(node, "CLUSTER NODES");
    bool knows = nodes != NULL && strstr(nodes, "handshake") == NULL;
    for (uint32_t i = 0; i < cluster->node_count && knows; i++) {
        const char *line =
            runs(&cluster->nodes[i]) ? strstr(nodes, cluster->ids[i]) : cluster->ids[i];
        /* an id also stands behind those of its replicas */
        while (line != NULL && line != nodes && line != cluster->ids[i] && line[-1] != '\n')
            line = strstr(line + 1, cluster->ids[i]);
        knows = line != NULL;
    }
    free(nodes);
    return knows;
}

/* Over a link that is not there a node drops what it has to pass on, as the message of a PUBLISH. */
static bool node_reaches_all(const struct test_cluster *cluster, const struct test_server *node)
{
    char *nodes = test_server_text(node, "CLUSTER NODES");
    bool reaches = nodes != NULL;
    for (char *line = nodes; reaches && line != NULL && *line != '\0';) {
        char *end = strchr(line, '\n');
        if (end != NULL)
            *end = '\0';
        for (uint32_t i = 0; i < cluster->node_count; i++)
            if (strncmp(line, cluster->ids[i], strlen(cluster->ids[i])) == 0 &&
                runs(&cluster->nodes[i]))
                reaches &= strstr(line, "disconnected") == NULL;
        line = end != NULL ? end + 1 : NULL;
    }
    free(nodes);
    return reaches;
}

static bool all_ok(const struct test_cluster *cluster)
{
    for (uint32_t i = 0; i < cluster->node_count; i++) {
        const struct test_server *node = &cluster->nodes[i];
        if (!runs(node))
            continue;
        char *info = test_server_text(node, "CLUSTER INFO");
        const bool ok = strstr(info, "cluster_state:ok") != NULL &&
                        strstr(info, "cluster_slots_ok:16384") != NULL;
        free(info);
        if (!ok || !node_knows_all(cluster, node) || !node_reaches_all(cluster, node))
            return false;
    }
    return true;
}

void test_cluster_await_ok(struct test_cluster *cluster)
{
    const uint64_t end_ms = support_now_ms() + DEADLINE_MS;
    while (!all_ok(cluster)) {
        if (support_now_ms() >= end_ms)
            for (uint32_t i = 0; i < cluster->node_count; i++)
                if (runs(&cluster->nodes[i]))
                    fprintf(stderr, "%u: %s\n", cluster->nodes[i].port,
                            test_server_text(&cluster->nodes[i], "CLUSTER NODES"));
        ck_assert_msg(support_now_ms() < end_ms, "the cluster does not come up");
        support_sleep_ms(STEP_MS);
    }
}

/* Where other nodes reach it. */
static unsigned bus_side_port(const struct test_server *node)
{
    return node->tls_port != 0 ? node->tls_port : node->port;
}

static void start_node(struct test_cluster *cluster)
{
    const uint32_t index = cluster->node_count;
    struct test_server *node = &cluster->nodes[index];
    ck_assert_uint_lt(index, TEST_CLUSTER_NODES_MAX);
    test_server_start(node, &cluster->options);
    char *id = test_server_text(node, "CLUSTER MYID");
    ck_assert_uint_eq(strlen(id), TEST_NODE_ID_BYTES - 1);
    memcpy(cluster->ids[index], id, TEST_NODE_ID_BYTES);
    free(id);
    /* different from the start: no conflict has to be settled, which takes seconds */
    expect_ok(test_server_text(node, "CLUSTER SET-CONFIG-EPOCH %u", index + 1), "config epoch");
    if (index > 0)
        expect_ok(
            test_server_text(&cluster->nodes[0], "CLUSTER MEET 127.0.0.1 %u", bus_side_port(node)),
            "CLUSTER MEET");
    cluster->node_count++;
}

static void await_known(const struct test_cluster *cluster)
{
    const uint64_t end_ms = support_now_ms() + DEADLINE_MS;
    for (uint32_t i = 0; i < cluster->node_count; i++) {
        while (runs(&cluster->nodes[i]) && !node_knows_all(cluster, &cluster->nodes[i])) {
            ck_assert_msg(support_now_ms() < end_ms, "the nodes do not meet");
            support_sleep_ms(STEP_MS);
        }
    }
}

void test_replica_await_sync(const struct test_server *replica)
{
    const uint64_t end_ms = support_now_ms() + DEADLINE_MS;
    char *info = NULL;
    for (;;) {
        info = test_server_text(replica, "INFO replication");
        if (strstr(info, "master_link_status:up") != NULL)
            break;
        ck_assert_msg(support_now_ms() < end_ms, "the replica is not in sync:\n%s", info);
        free(info);
        support_sleep_ms(STEP_MS);
    }
    free(info);
}

/* Until everybody has heard that the replica is one. */
static void await_replica_known(const struct test_cluster *cluster, uint32_t replica)
{
    char wanted[64];
    const uint64_t end_ms = support_now_ms() + DEADLINE_MS;
    snprintf(wanted, sizeof wanted, "127.0.0.1:%u@", cluster->nodes[replica].port);
    for (uint32_t i = 0; i < cluster->node_count; i++) {
        for (bool known = false; !known;) {
            char *nodes = test_server_text(&cluster->nodes[i], "CLUSTER NODES");
            const char *line = strstr(nodes, wanted);
            const char *end = line != NULL ? strchr(line, '\n') : NULL;
            const char *slave = line != NULL ? strstr(line, "slave") : NULL;
            known = slave != NULL && (end == NULL || slave < end);
            free(nodes);
            ck_assert_msg(known || support_now_ms() < end_ms, "a replica is not known to all");
            if (!known)
                support_sleep_ms(STEP_MS);
        }
    }
}

/* Until CLUSTER SHARDS calls no replica "loading": it does while it knows of none that it has received
 * anything. FLUSHALL is something to receive, also where there is nothing to flush. */
static void await_replicas_online(const struct test_cluster *cluster, uint32_t primaries)
{
    const uint64_t end_ms = support_now_ms() + DEADLINE_MS;
    for (uint32_t i = 0; i < primaries; i++)
        expect_ok(test_server_text(&cluster->nodes[i], "FLUSHALL"), "FLUSHALL");
    for (uint32_t i = 0; i < cluster->node_count; i++) {
        for (bool online = false; !online;) {
            char *shards = test_server_text(&cluster->nodes[i], "EVAL %s 0",
                                            "return cjson.encode(redis.call('CLUSTER','SHARDS'))");
            online = shards != NULL && strstr(shards, "\"loading\"") == NULL;
            ck_assert_msg(online || support_now_ms() < end_ms, "a replica is not online: %s",
                          shards);
            free(shards);
            if (!online)
                support_sleep_ms(STEP_MS);
        }
    }
}

static void make_options(struct test_cluster *cluster, const struct test_server_options *options)
{
    static const char *const own[] = {"--cluster-config-file",
                                      "nodes.conf",
                                      "--cluster-node-timeout",
                                      NULL,
                                      "--cluster-allow-replica-migration",
                                      "no",
                                      "--repl-diskless-sync-delay",
                                      "0",
                                      "--cluster-replica-validity-factor",
                                      "0"};
    static char timeout[16];
    size_t count = 0;
    if (options != NULL)
        cluster->options = *options;
    snprintf(timeout, sizeof timeout, "%d", TEST_CLUSTER_NODE_TIMEOUT_MS);
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
        cluster->args[count++] = own[i] != NULL ? own[i] : timeout;
    if (cluster->options.certificates != NULL) {
        cluster->args[count++] = "--tls-cluster";
        cluster->args[count++] = "yes";
        cluster->args[count++] = "--tls-replication";
        cluster->args[count++] = "yes";
    }
    if (cluster->options.password != NULL) {
        cluster->args[count++] = "--masterauth";
        cluster->args[count++] = cluster->options.password;
    }
    for (const char *const *arg = cluster->options.args; arg != NULL && *arg != NULL; arg++) {
        ck_assert_uint_lt(count, TEST_SERVER_ARGS_MAX - 1);
        cluster->args[count++] = *arg;
    }
    cluster->options.args = cluster->args;
    cluster->options.cluster = true;
}

void test_cluster_start(struct test_cluster *cluster, uint32_t primaries, uint32_t replicas,
                        const struct test_server_options *options)
{
    memset(cluster, 0, sizeof *cluster);
    make_options(cluster, options);
    ck_assert_uint_gt(primaries, 0);
    for (uint32_t i = 0; i < primaries; i++) {
        start_node(cluster);
        expect_ok(test_server_text(&cluster->nodes[i], "CLUSTER ADDSLOTSRANGE %u %u",
                                   i * SLOTS / primaries, (i + 1) * SLOTS / primaries - 1),
                  "CLUSTER ADDSLOTSRANGE");
    }
    for (uint32_t i = 0; i < replicas; i++)
        start_node(cluster);
    await_known(cluster);
    for (uint32_t i = primaries; i < cluster->node_count; i++)
        expect_ok(test_server_text(&cluster->nodes[i], "CLUSTER REPLICATE %s",
                                   cluster->ids[(i - primaries) % primaries]),
                  "CLUSTER REPLICATE");
    for (uint32_t i = primaries; i < cluster->node_count; i++) {
        test_replica_await_sync(&cluster->nodes[i]);
        await_replica_known(cluster, i);
    }
    test_cluster_await_ok(cluster);
    if (replicas > 0)
        await_replicas_online(cluster, primaries);
}

void test_cluster_stop(struct test_cluster *cluster)
{
    for (uint32_t i = 0; i < cluster->node_count; i++)
        test_server_stop(&cluster->nodes[i]);
    cluster->node_count = 0;
}

uint32_t test_cluster_add(struct test_cluster *cluster)
{
    start_node(cluster);
    await_known(cluster);
    test_cluster_await_ok(cluster);
    return cluster->node_count - 1;
}

void test_cluster_remove(struct test_cluster *cluster, uint32_t node)
{
    test_server_stop(&cluster->nodes[node]);
    for (uint32_t i = 0; i < cluster->node_count; i++)
        if (runs(&cluster->nodes[i]))
            expect_ok(test_server_text(&cluster->nodes[i], "CLUSTER FORGET %s", cluster->ids[node]),
                      "CLUSTER FORGET");
}

void test_cluster_promote(struct test_cluster *cluster, uint32_t replica)
{
    const struct test_server *node = &cluster->nodes[replica];
    const uint64_t end_ms = support_now_ms() + DEADLINE_MS;
    expect_ok(test_server_text(node, "CLUSTER FAILOVER"), "CLUSTER FAILOVER");
    for (bool done = false; !done;) {
        char *info = test_server_text(node, "INFO replication");
        done = strstr(info, "role:master") != NULL;
        free(info);
        ck_assert_msg(done || support_now_ms() < end_ms, "the replica is not promoted");
        if (!done)
            support_sleep_ms(STEP_MS);
    }
}

/* The keys of a slot, ten at a time, to another node. */
static void move_keys(const struct test_server *from, const struct test_server *to, unsigned slot)
{
    static const char script[] =
        "local request={'MIGRATE','127.0.0.1',ARGV[2],'',0,5000} "
        "if ARGV[3]~='' then table.insert(request,'AUTH') table.insert(request,ARGV[3]) end "
        "table.insert(request,'KEYS') "
        "for _,key in ipairs(redis.call('CLUSTER','GETKEYSINSLOT',ARGV[1],10)) do "
        "table.insert(request,key) end "
        "return redis.call(unpack(request))";
    while (test_server_integer(from, "CLUSTER COUNTKEYSINSLOT %u", slot) > 0) {
        char *answer = test_server_text(from, "EVAL %s 0 %u %u %s", script, slot, bus_side_port(to),
                                        to->options.password != NULL ? to->options.password : "");
        ck_assert_msg(answer != NULL && strcmp(answer, "OK") == 0, "MIGRATE: %s", answer);
        free(answer);
    }
}

void test_cluster_move_slot(struct test_cluster *cluster, unsigned slot, uint32_t from, uint32_t to)
{
    const struct test_server *source = &cluster->nodes[from], *sink = &cluster->nodes[to];
    expect_ok(test_server_text(sink, "CLUSTER SETSLOT %u IMPORTING %s", slot, cluster->ids[from]),
              "IMPORTING");
    expect_ok(test_server_text(source, "CLUSTER SETSLOT %u MIGRATING %s", slot, cluster->ids[to]),
              "MIGRATING");
    move_keys(source, sink, slot);
    expect_ok(test_server_text(sink, "CLUSTER SETSLOT %u NODE %s", slot, cluster->ids[to]),
              "SETSLOT NODE");
    expect_ok(test_server_text(source, "CLUSTER SETSLOT %u NODE %s", slot, cluster->ids[to]),
              "SETSLOT NODE");
    const uint64_t end_ms = support_now_ms() + DEADLINE_MS;
    for (uint32_t i = 0; i < cluster->node_count; i++)
        while (runs(&cluster->nodes[i]) && test_cluster_owner(cluster, i, slot) != (int)to) {
            ck_assert_msg(support_now_ms() < end_ms, "node %u has not heard of the slot", i);
            support_sleep_ms(STEP_MS);
        }
}

/* One line of CLUSTER NODES: id, address, flags, primary, three numbers, state, slots. */
static bool line_owns(const char *line, unsigned slot)
{
    char copy[4096], *rest = NULL;
    snprintf(copy, sizeof copy, "%.*s", (int)strcspn(line, "\n"), line);
    int column = 0;
    for (char *word = strtok_r(copy, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest)) {
        unsigned first = 0, last = 0;
        if (column++ < 8 || word[0] == '[')
            continue;
        const int parts = sscanf(word, "%u-%u", &first, &last);
        if ((parts == 1 && first == slot) || (parts == 2 && first <= slot && slot <= last))
            return true;
    }
    return false;
}

int test_cluster_owner(const struct test_cluster *cluster, uint32_t asked, unsigned slot)
{
    char *nodes = test_server_text(&cluster->nodes[asked], "CLUSTER NODES");
    int owner = -1;
    for (const char *line = nodes; *line != '\0' && owner < 0;) {
        for (uint32_t i = 0; i < cluster->node_count && owner < 0; i++)
            if (strncmp(line, cluster->ids[i], TEST_NODE_ID_BYTES - 1) == 0 &&
                line_owns(line, slot))
                owner = (int)i;
        line += strcspn(line, "\n");
        line += *line == '\n';
    }
    free(nodes);
    return owner;
}

/* ---- replicas ---- */

/* The primary takes a replica for one a little later than the replica does. */
static void await_online(const struct test_server *primary, uint32_t replicas)
{
    const uint64_t end_ms = support_now_ms() + DEADLINE_MS;
    for (uint32_t online = 0; online != replicas;) {
        char *info = test_server_text(primary, "INFO replication");
        online = 0;
        for (const char *at = info; (at = strstr(at, "state=online")) != NULL; at++)
            online++;
        free(info);
        ck_assert_msg(support_now_ms() < end_ms, "%u of %u replicas are online", online, replicas);
        if (online != replicas)
            support_sleep_ms(STEP_MS);
    }
}

void test_replicated_start(struct test_replicated *replicated, uint32_t replicas,
                           const struct test_server_options *options)
{
    memset(replicated, 0, sizeof *replicated);
    ck_assert_uint_le(replicas, TEST_REPLICAS_MAX);
    test_server_start(&replicated->primary, options);
    if (replicated->primary.options.password != NULL)
        expect_ok(test_server_text(&replicated->primary, "CONFIG SET masterauth %s",
                                   replicated->primary.options.password),
                  "masterauth");
    expect_ok(test_server_text(&replicated->primary, "CONFIG SET repl-diskless-sync-delay 0"),
              "repl-diskless-sync-delay");
    for (uint32_t i = 0; i < replicas; i++) {
        struct test_server *replica = &replicated->replicas[replicated->replica_count++];
        test_server_start(replica, options);
        if (replica->options.password != NULL)
            expect_ok(
                test_server_text(replica, "CONFIG SET masterauth %s", replica->options.password),
                "masterauth");
        if (replica->tls_port != 0)
            expect_ok(test_server_text(replica, "CONFIG SET tls-replication yes"),
                      "tls-replication");
        expect_ok(test_server_text(replica, "REPLICAOF 127.0.0.1 %u",
                                   bus_side_port(&replicated->primary)),
                  "REPLICAOF");
    }
    for (uint32_t i = 0; i < replicas; i++)
        test_replica_await_sync(&replicated->replicas[i]);
    await_online(&replicated->primary, replicas);
}

void test_replicated_stop(struct test_replicated *replicated)
{
    for (uint32_t i = 0; i < replicated->replica_count; i++)
        test_server_stop(&replicated->replicas[i]);
    test_server_stop(&replicated->primary);
}

/* ---- sentinels ---- */

static void write_config(char *path, size_t path_bytes, const char *name,
                         const struct test_server *primary)
{
    snprintf(path, path_bytes, "/tmp/volley-sentinel-XXXXXX");
    const int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    FILE *file = fdopen(fd, "w");
    ck_assert_ptr_nonnull(file);
    fprintf(file, "sentinel monitor %s 127.0.0.1 %u 2\n", name, bus_side_port(primary));
    fprintf(file, "sentinel down-after-milliseconds %s 1000\n", name);
    fprintf(file, "sentinel failover-timeout %s 10000\n", name);
    if (primary->options.password != NULL)
        fprintf(file, "sentinel auth-pass %s %s\n", name, primary->options.password);
    ck_assert_int_eq(fclose(file), 0);
}

static void await_field(const struct test_server *sentinel, const char *wanted)
{
    const uint64_t end_ms = support_now_ms() + DEADLINE_MS;
    while (!text_has(sentinel, "INFO", wanted)) {
        ck_assert_msg(support_now_ms() < end_ms, "a sentinel does not say %s", wanted);
        support_sleep_ms(STEP_MS);
    }
}

void test_sentinels_start(struct test_sentinels *sentinels, uint32_t count, const char *name,
                          const struct test_replicated *watched)
{
    static const char *const plain[] = {"--sentinel", NULL};
    static const char *const with_tls[] = {"--sentinel", "--tls-replication", "yes", NULL};
    const struct test_certificates *certificates = watched->primary.options.certificates;
    char wanted[160];
    memset(sentinels, 0, sizeof *sentinels);
    ck_assert_uint_le(count, TEST_SENTINELS_MAX);
    for (uint32_t i = 0; i < count; i++) {
        const struct test_server_options options = {.args = certificates != NULL ? with_tls : plain,
                                                    .certificates = certificates,
                                                    .config_path = sentinels->paths[i]};
        write_config(sentinels->paths[i], sizeof sentinels->paths[i], name, &watched->primary);
        test_server_start(&sentinels->sentinels[i], &options);
        sentinels->count++;
        const size_t length = strlen(sentinels->list);
        snprintf(sentinels->list + length, sizeof sentinels->list - length, "%s127.0.0.1:%u",
                 i > 0 ? "," : "", bus_side_port(&sentinels->sentinels[i]));
    }
    snprintf(wanted, sizeof wanted, "status=ok,address=127.0.0.1:%u,slaves=%u,sentinels=%u",
             bus_side_port(&watched->primary), watched->replica_count, count);
    for (uint32_t i = 0; i < count; i++)
        await_field(&sentinels->sentinels[i], wanted);
}

void test_sentinels_stop(struct test_sentinels *sentinels)
{
    for (uint32_t i = 0; i < sentinels->count; i++) {
        test_server_stop(&sentinels->sentinels[i]);
        remove(sentinels->paths[i]);
    }
    sentinels->count = 0;
}

/* The port that stands behind "address=127.0.0.1:" in a sentinel's INFO. */
static uint16_t named_port(const struct test_server *sentinel)
{
    static const char before[] = "address=127.0.0.1:";
    char *info = test_server_text(sentinel, "INFO");
    const char *at = strstr(info, before);
    ck_assert_ptr_nonnull(at);
    const uint16_t port = (uint16_t)strtoul(at + strlen(before), NULL, 10);
    free(info);
    return port;
}

uint16_t test_sentinels_failover(struct test_sentinels *sentinels, const char *name)
{
    const uint16_t before = named_port(&sentinels->sentinels[0]);
    const uint64_t end_ms = support_now_ms() + DEADLINE_MS;
    uint16_t after = before;
    expect_ok(test_server_text(&sentinels->sentinels[0], "SENTINEL FAILOVER %s", name),
              "SENTINEL FAILOVER");
    while (after == before) {
        ck_assert_msg(support_now_ms() < end_ms, "the sentinels do not fail over");
        support_sleep_ms(STEP_MS);
        after = named_port(&sentinels->sentinels[0]);
    }
    for (uint32_t i = 1; i < sentinels->count; i++)
        while (named_port(&sentinels->sentinels[i]) != after) {
            ck_assert_msg(support_now_ms() < end_ms, "a sentinel has not heard of the failover");
            support_sleep_ms(STEP_MS);
        }
    return after;
}
