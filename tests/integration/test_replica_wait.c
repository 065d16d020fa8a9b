/* Replicas that are on their way when a run begins, told by servers whose answers change. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "orchestrator/server/discover.h"
#include "orchestrator/server/replica_wait.h"
#include "tests/support/check/fake_server.h"
#include "tests/support/check/run.h"
#include "tests/support/check/suite.h"

#define ANSWER_BYTES 4096
#define RULE(name_, answer_, times_)                                                               \
    {                                                                                              \
        .command = name_, .action = FAKE_REPLY, .bytes = answer_, .times = times_                  \
    }
#define COUNT(rules_) (sizeof(rules_) / sizeof(rules_)[0])

static struct topology found;
static struct target_address first;
static struct endpoint endpoint;
static struct err err;
static struct fake_server fake, replica;
static char host[64];

static void set_up(void)
{
    memset(&endpoint, 0, sizeof endpoint);
    memset(&err, 0, sizeof err);
    endpoint.host = host;
    endpoint.port = 1;
    endpoint.connection_timeout_ns = 5 * NS_PER_SECOND;
    endpoint.request_timeout_ns = 5 * NS_PER_SECOND;
    endpoint.wait_ready_ns = 30 * NS_PER_SECOND;
    endpoint.replica_reads = REPLICA_READS_YES;
    log_set_level(LOG_ERROR);
}

/* Words -> RESP: "[2" an array, ":5" a number, "-" an empty text, all else texts. */
static const char *resp(char answer[ANSWER_BYTES], const char *format, ...) PRINTF_LIKE(2, 3);
static const char *resp(char answer[ANSWER_BYTES], const char *format, ...)
{
    char words[2048], *state = NULL;
    size_t used = 0;
    va_list args;
    va_start(args, format);
    vsnprintf(words, sizeof words, format, args);
    va_end(args);
    for (char *word = strtok_r(words, " ", &state); word != NULL;
         word = strtok_r(NULL, " ", &state)) {
        if (word[0] == '[' || word[0] == ':')
            used += (size_t)snprintf(answer + used, ANSWER_BYTES - used, "%c%s\r\n",
                                     word[0] == '[' ? '*' : ':', word + 1);
        else
            used += (size_t)snprintf(answer + used, ANSWER_BYTES - used, "$%zu\r\n%s\r\n",
                                     strcmp(word, "-") == 0 ? 0 : strlen(word),
                                     strcmp(word, "-") == 0 ? "" : word);
    }
    return answer;
}

/* A text of lines, given with \n. */
static const char *lines(char answer[ANSWER_BYTES], const char *format, ...) PRINTF_LIKE(2, 3);
static const char *lines(char answer[ANSWER_BYTES], const char *format, ...)
{
    char text[2048];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    snprintf(answer, ANSWER_BYTES, "$%zu\r\n%s\r\n", strlen(text), text);
    return answer;
}

static void serve(struct fake_server *server, const struct fake_rule *rules, size_t count)
{
    fake_server_start(server, &(struct fake_script){.rules = rules, .rule_count = count});
    if (server == &fake)
        snprintf(host, sizeof host, "127.0.0.1:%u", fake.port);
}

static enum err_code discover(void)
{
    struct control *control = NULL;
    enum server_probe probe;
    enum err_code code = topology_discover(&found, &control, &probe, &first, &endpoint, NULL, &err);
    control_close(control);
    return code;
}

static void expect_replica(uint16_t port)
{
    ck_assert_msg(discover() == OK, "%s", err.text);
    ck_assert_uint_eq(topology_primaries(&found), 1);
    ck_assert_uint_eq(topology_replicas(&found), 1);
    int index = topology_find(&found, "127.0.0.1", port);
    ck_assert_int_gt(index, 0);
    ck_assert_uint_eq(found.nodes[index].role, TOPOLOGY_REPLICA);
    ck_assert_uint_eq(found.nodes[index].primary, 0);
    ck_assert_uint_gt(found.nodes[index].address.address_bytes, 0);
}

static void expect_none(const char *part)
{
    ck_assert_int_eq(discover(), E_CONNECT);
    ck_assert_msg(strstr(err.text, part) != NULL, "'%s' is not in: %s", part, err.text);
}

/* ---- clusters ---- */

/* One shard: a primary that has sent something, and a replica. */
static const char *shard(char answer[ANSWER_BYTES], uint16_t port, const char *health, int offset)
{
    return resp(answer,
                "[1 [4 slots [2 :0 :16383 nodes [2"
                " [14 id x port :7000 ip 127.0.0.1 endpoint 127.0.0.1 role master"
                " replication-offset :70 health online"
                " [14 id y port :%u ip 127.0.0.1 endpoint 127.0.0.1 role replica"
                " replication-offset :%d health %s",
                port, offset, health);
}

static const char *cluster_info(char answer[ANSWER_BYTES], const char *state)
{
    return lines(answer, "cluster_state:%s\r\ncluster_slots_pfail:0\r\ncluster_slots_fail:0\r\n",
                 state);
}

TEST(a_cluster_says_loading)
{
    /* Breaks when a replica that loads is none: a run on a fresh cluster fails for seconds. */
    static char ok[ANSWER_BYTES], loading[ANSWER_BYTES], online[ANSWER_BYTES], down[ANSWER_BYTES];
    const struct fake_rule of_replica[] = {
        RULE("INFO", lines(down, "role:slave\r\nmaster_link_status:down\r\n"), 0)};
    serve(&replica, of_replica, COUNT(of_replica));
    const struct fake_rule rules[] = {
        RULE("CLUSTER", cluster_info(ok, "ok"), 1),
        RULE("CLUSTER", shard(loading, replica.port, "loading", 0), 1),
        RULE("CLUSTER", ok, 1),
        RULE("CLUSTER", loading, 1),
        RULE("CLUSTER", ok, 1),
        RULE("CLUSTER", shard(online, replica.port, "online", 70), 1),
    };
    serve(&fake, rules, COUNT(rules));
    endpoint.cluster = true;
    expect_replica(replica.port);
    ck_assert_uint_eq(replica.counters->accepted, 2);
}

TEST(the_replica_knows_first)
{
    /* Breaks when a run waits for gossip although the replica itself says that it is filled. */
    static char ok[ANSWER_BYTES], loading[ANSWER_BYTES], up[ANSWER_BYTES], filling[ANSWER_BYTES];
    const struct fake_rule of_replica[] = {
        RULE("INFO",
             lines(filling,
                   "role:slave\r\nmaster_link_status:down\r\nmaster_sync_in_progress:1\r\n"),
             1),
        RULE("INFO", lines(up, "role:slave\r\nmaster_link_status:up\r\n"), 0)};
    serve(&replica, of_replica, COUNT(of_replica));
    const struct fake_rule rules[] = {
        RULE("CLUSTER", cluster_info(ok, "ok"), 1),
        RULE("CLUSTER", shard(loading, replica.port, "loading", 0), 1),
        RULE("CLUSTER", ok, 1),
        RULE("CLUSTER", loading, 1),
    };
    serve(&fake, rules, COUNT(rules));
    endpoint.cluster = true;
    expect_replica(replica.port);
}

TEST(a_node_without_slots)
{
    /* Breaks when a node that has just become a replica, and that others still take for a primary without
     * slots, is none of either. */
    static char ok[ANSWER_BYTES], nodes[ANSWER_BYTES], up[ANSWER_BYTES];
    const struct fake_rule of_replica[] = {RULE(
        "INFO",
        lines(
            up,
            "role:slave\r\nmaster_host:127.0.0.1\r\nmaster_port:7000\r\nmaster_link_status:up\r\n"),
        0)};
    serve(&replica, of_replica, COUNT(of_replica));
    const struct fake_rule rules[] = {
        RULE("CLUSTER", cluster_info(ok, "ok"), 1),
        RULE("CLUSTER",
             resp(nodes,
                  "[2 [4 slots [2 :0 :16383 nodes [1 [14 id x port :7000 ip 127.0.0.1 endpoint"
                  " 127.0.0.1 role master replication-offset :70 health online"
                  " [4 slots [0 nodes [1 [14 id y port :%u ip 127.0.0.1 endpoint"
                  " 127.0.0.1 role master replication-offset :0 health online",
                  replica.port),
             1),
    };
    serve(&fake, rules, COUNT(rules));
    endpoint.cluster = true;
    expect_replica(replica.port);
}

TEST(a_cluster_that_forms)
{
    /* Breaks when a run refuses a cluster that calls itself down for the moment in which it is made. */
    static char ok[ANSWER_BYTES], fail[ANSWER_BYTES], online[ANSWER_BYTES];
    const struct fake_rule rules[] = {
        RULE("CLUSTER", cluster_info(fail, "fail"), 1),
        RULE("CLUSTER", shard(online, 7001, "online", 70), 1),
        RULE("CLUSTER", cluster_info(ok, "ok"), 1),
        RULE("CLUSTER", online, 1),
    };
    serve(&fake, rules, COUNT(rules));
    endpoint.cluster = true;
    endpoint.replica_reads = REPLICA_READS_NO;
    ck_assert_msg(discover() == OK, "%s", err.text);
}

TEST(one_that_has_failed)
{
    /* Breaks when a run waits for a replica that is down, or does not say what it saw. */
    static char ok[ANSWER_BYTES], failed[ANSWER_BYTES];
    const struct fake_rule rules[] = {
        RULE("CLUSTER", cluster_info(ok, "ok"), 1),
        RULE("CLUSTER", shard(failed, 7001, "fail", 70), 1),
    };
    serve(&fake, rules, COUNT(rules));
    endpoint.cluster = true;
    expect_none("has none: 127.0.0.1:7000 primary online, 127.0.0.1:7001 replica fail");
    ck_assert_uint_eq(fake.counters->accepted, 1);
}

TEST(not_in_time)
{
    /* Breaks when the wait has no end, or the message leaves out a node, its role or its state. */
    static char ok[ANSWER_BYTES], loading[ANSWER_BYTES];
    /* more looks than these are not needed: then the cluster is none, which may pass as well */
    struct fake_rule rules[2] = {RULE("CLUSTER", cluster_info(ok, "ok"), 1),
                                 RULE("CLUSTER", shard(loading, 7001, "loading", 0), 1)};
    serve(&fake, rules, COUNT(rules));
    endpoint.cluster = true;
    endpoint.wait_ready_ns = 0;
    expect_none(
        "is ready after 0s: 127.0.0.1:7000 primary online, 127.0.0.1:7001 replica loading; see "
        "--wait-ready");
}

/* ---- a primary with replicas ---- */

TEST(a_primary_fills_it)
{
    /* Breaks when a replica that its primary is about to put online is none: --managed replicas=1. */
    static char none[ANSWER_BYTES], one[ANSWER_BYTES], filling[ANSWER_BYTES], plain[ANSWER_BYTES];
    const struct fake_rule rules[] = {
        RULE("ROLE", resp(none, "[3 master :100 [0"), 2),
        RULE("ROLE", resp(one, "[3 master :100 [1 [3 127.0.0.1 7001 100"), 0),
        /* INFO cluster, INFO replication, in turn */
        RULE("INFO", lines(plain, "cluster_enabled:0\r\n"), 1),
        RULE("INFO",
             lines(filling, "role:master\r\nconnected_slaves:1\r\n"
                            "slave0:ip=127.0.0.1,port=7001,state=send_bulk,offset=0,lag=0\r\n"),
             1),
        RULE("INFO", plain, 1),
        RULE("INFO", filling, 1),
    };
    serve(&fake, rules, COUNT(rules));
    expect_replica(7001);
    ck_assert_uint_eq(fake.counters->accepted, 3);
}

TEST(one_that_stays_behind)
{
    /* Breaks when one replica that never gets ready keeps the run from the one that is. */
    static char one[ANSWER_BYTES], plain[ANSWER_BYTES];
    const struct fake_rule rules[] = {
        RULE("ROLE", resp(one, "[3 master :100 [1 [3 127.0.0.1 7001 100"), 0),
        RULE("INFO",
             lines(plain, "slave0:ip=127.0.0.1,port=7001,state=online,offset=0,lag=0\r\n"
                          "slave1:ip=127.0.0.1,port=7002,state=wait_bgsave,offset=0,lag=0\r\n"),
             0),
    };
    serve(&fake, rules, COUNT(rules));
    endpoint.wait_ready_ns = NS_PER_SECOND; /* for two looks, on a busy machine, too */
    expect_replica(7001);
    ck_assert_uint_gt(fake.counters->accepted, 1);
}

TEST(a_replica_that_connects)
{
    /* Breaks when the replica that was named is not yet among those that its primary knows. */
    static char none[ANSWER_BYTES], one[ANSWER_BYTES], connecting[ANSWER_BYTES],
        linked[ANSWER_BYTES];
    const struct fake_rule of_primary[] = {
        RULE("ROLE", resp(none, "[3 master :100 [0"), 1),
        RULE("ROLE", resp(one, "[3 master :100 [1 [3 127.0.0.1 7001 100"), 0)};
    serve(&replica, of_primary, COUNT(of_primary)); /* the other server is the primary here */
    const struct fake_rule rules[] = {
        RULE("ROLE", resp(connecting, "[5 slave 127.0.0.1 :%u connect :-1", replica.port), 1),
        RULE("ROLE", resp(linked, "[5 slave 127.0.0.1 :%u connected :100", replica.port), 0),
    };
    serve(&fake, rules, COUNT(rules));
    expect_replica(7001);
    ck_assert_uint_eq(found.nodes[0].port, replica.port);
}

/* ---- sentinels ---- */

#define WATCHED(link) "[1 [8 ip 127.0.0.1 port 7001 flags slave master-link-status " link

TEST(sentinels_see_it_later)
{
    /* Breaks when sentinels have not found a replica yet, or have seen it before it was in touch. */
    static char where[ANSWER_BYTES], none[ANSWER_BYTES], cut[ANSWER_BYTES], linked[ANSWER_BYTES];
    static char master[ANSWER_BYTES], info[ANSWER_BYTES];
    const struct fake_rule of_primary[] = {
        RULE("ROLE", resp(master, "[3 master :100 [1 [3 127.0.0.1 7001 100"), 0),
        RULE("INFO", lines(info, "slave0:ip=127.0.0.1,port=7001,state=online,offset=0,lag=0\r\n"),
             0)};
    serve(&replica, of_primary, COUNT(of_primary));
    const struct fake_rule rules[] = {
        RULE("SENTINEL", resp(where, "[2 127.0.0.1 %u", replica.port), 1),
        RULE("SENTINEL", resp(none, "[0"), 1),
        RULE("SENTINEL", where, 1),
        RULE("SENTINEL", resp(cut, WATCHED("err")), 1),
        RULE("SENTINEL", where, 1),
        RULE("SENTINEL", resp(linked, WATCHED("ok")), 0),
    };
    serve(&fake, rules, COUNT(rules));
    endpoint.sentinels = host;
    endpoint.master_name = "main";
    expect_replica(7001);
    ck_assert_uint_eq(fake.counters->accepted, 3);
}

TEST(sentinels_say_it_is_down)
{
    /* Breaks when a run waits for a replica that sentinels call down. */
    static char where[ANSWER_BYTES], down[ANSWER_BYTES], master[ANSWER_BYTES], info[ANSWER_BYTES];
    const struct fake_rule of_primary[] = {RULE("ROLE", resp(master, "[3 master :100 [0"), 0),
                                           RULE("INFO", lines(info, "role:master\r\n"), 0)};
    serve(&replica, of_primary, COUNT(of_primary));
    const struct fake_rule rules[] = {
        RULE("SENTINEL", resp(where, "[2 127.0.0.1 %u", replica.port), 1),
        RULE("SENTINEL",
             resp(down, "[1 [8 ip 127.0.0.1 port 7001 flags s_down,slave master-link-status err"),
             1),
    };
    serve(&fake, rules, COUNT(rules));
    endpoint.sentinels = host;
    endpoint.master_name = "main";
    expect_none("primary online, 127.0.0.1:7001 replica down");
}

TEST(many_that_are_silent)
{
    /* Breaks when a cluster can name any number of nodes that do not answer, and each is waited for. */
    static const struct fake_rule rules[] = {{.action = FAKE_SILENT}};
    static struct topology topology;
    struct sightings seen = {.items = NULL};
    fake_server_start(&fake, &(struct fake_script){.rules = rules, .rule_count = 1});
    for (int zeros = 1; zeros <= 40; zeros++) {
        struct sighting sighting = {.role = "replica", .coming = true, .primary = -1};
        snprintf(sighting.name.host, sizeof sighting.name.host, "127.0.0.0x%0*d", zeros, 1);
        sighting.name.port = fake.port;
        sightings_add(&seen, &sighting);
    }
    ck_assert_uint_eq(seen.count, 40);
    endpoint.wait_ready_ns = 0;
    ck_assert_int_eq(replicas_ask_themselves(&topology, &seen, &endpoint, NULL, &err), OK);
    ck_assert_uint_ge(fake.counters->accepted, 1);
    ck_assert_uint_le(fake.counters->accepted, 4);
    sightings_free(&seen);
    fake_server_free(&fake);
}

/* ---- our own ---- */

TEST(managed_without_replicas)
{
    /* Breaks when servers are started for a run that cannot be. */
    struct program program;
    program_run_volley(&program, "bench", "--managed", "--rfr", "yes", "-n", "10", (char *)NULL);
    ck_assert_int_eq(program.exit_status, 2);
    ck_assert_ptr_nonnull(strstr(program.err, "that starts no replica"));
    program_free(&program);
}

TEST_SUITE_WITH(replica_wait, .set_up = set_up)
