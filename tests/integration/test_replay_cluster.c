/* `volley bench --replay --cluster`: recorded clients keep their order over all nodes, and requests go to the nodes of their
 * keys. */
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/recording.h"
#include "common/slots.h"
#include "tests/support/check/cluster.h"
#include "tests/support/check/run_json.h"
#include "tests/support/check/suite.h"
#include "tests/support/check/support.h"
#include "tests/support/check/temp_tree.h"
#include "worker/generate/recorded_key.h"

#define CLIENTS 17u
#define LISTS 5u
#define REQUESTS 4000u
#define TCASE_TIMEOUT_SECONDS 150

static struct test_cluster cluster;
static struct temp_tree tree;
static struct bench_call call;
static char path[200];
static struct recording_writer *writer;
static struct err err;

static void set_up(void)
{
    temp_tree_make(&tree);
    test_cluster_start(&cluster, 3, 0, NULL);
}

static void tear_down(void)
{
    if (call.directory[0] != '\0')
        call_free(&call);
    test_cluster_stop(&cluster);
    temp_tree_remove(&tree);
}

static void begin(const char *name)
{
    snprintf(path, sizeof path, "%s/%s", tree.path, name);
    ck_assert_msg(recording_create(&writer, path, true, 0, &err) == OK, "%s", err.text);
}

static void end(void)
{
    ck_assert_msg(recording_finish(writer, &err) == OK, "%s", err.text);
}

#define WORDS_MAX 12u
/* Words separated by blanks. */
static struct recording_entry entry_of(const char *words)
{
    static struct recording_argument arguments[WORDS_MAX];
    struct recording_entry entry = {.arguments = arguments};
    for (const char *at = words; *at != '\0'; at += *at == ' ') {
        arguments[entry.argument_count] = (struct recording_argument){at, strcspn(at, " ")};
        at += arguments[entry.argument_count++].byte_count;
    }
    return entry;
}

static void add_words(uint32_t client, uint32_t database, const char *words)
{
    struct recording_entry entry = entry_of(words);
    entry.client = client;
    entry.database = database;
    ck_assert_msg(recording_append(writer, &entry, &err) == OK, "%s", err.text);
}

/* Request n of each client pushes n, and the server's clock, to one of the client's lists, which are on all nodes. */
static void record_lists(uint64_t gap_us)
{
    static const char script[] = "local t = redis.call('TIME') return redis.call('RPUSH', KEYS[1], "
                                 "ARGV[1] .. ':' .. t[1] % 10000000 * 1000000 + t[2])";
    uint32_t next[CLIENTS] = {0}, random = 1;
    begin("lists");
    for (uint32_t i = 0; i < REQUESTS; i++) {
        char key[32], number[16];
        random = random * 1103515245u + 12345u;
        const uint32_t client = i < CLIENTS ? i : (random >> 16) * (random >> 24) % CLIENTS;
        const struct recording_argument arguments[] = {
            {"EVAL", 4},
            {script, sizeof script - 1},
            {"1", 1},
            {key, (size_t)snprintf(key, sizeof key, "list:%u:%u", client, (random >> 8) % LISTS)},
            {number, (size_t)snprintf(number, sizeof number, "%u", next[client]++)}};
        const struct recording_entry entry = {
            .at_us = i * gap_us, .client = client, .argument_count = 5, .arguments = arguments};
        ck_assert_msg(recording_append(writer, &entry, &err) == OK, "%s", err.text);
    }
    end();
}

/* When each request of the client was executed, as far as this list tells. */
static uint32_t read_list(uint64_t times[REQUESTS], uint32_t client, uint32_t list)
{
    char key[32];
    uint32_t elements = 0;
    unsigned long long before = 0;
    snprintf(key, sizeof key, "list:%u:%u", client, list);
    const int owner = test_cluster_owner(&cluster, 0, slots_of_key(key, strlen(key)));
    ck_assert_int_ge(owner, 0);
    char *text =
        test_server_text(&cluster.nodes[owner], "EVAL %s 1 %s",
                         "return table.concat(redis.call('LRANGE', KEYS[1], 0, -1), ' ')", key);
    for (char *at = text; *at != '\0'; at += *at == ' ', elements++) {
        const unsigned long long number = strtoull(at, &at, 10);
        ck_assert_msg(*at == ':' && number < REQUESTS && (elements == 0 || number > before),
                      "%s: %s", key, at);
        times[number] = (uint64_t)strtod(at + 1, &at);
        before = number;
    }
    free(text);
    return elements;
}

/* How many requests were executed; each client's in their order, whatever node they went to. */
static uint64_t executed_in_order(void)
{
    static uint64_t times[REQUESTS];
    uint64_t sum = 0;
    for (uint32_t client = 0; client < CLIENTS; client++) {
        uint64_t before = 0;
        memset(times, 0, sizeof times);
        for (uint32_t list = 0; list < LISTS; list++)
            sum += read_list(times, client, list);
        for (uint32_t i = 0; i < REQUESTS; i++) {
            if (times[i] == 0)
                continue;
            ck_assert_msg(times[i] >= before, "client %u: request %u overtook one before it",
                          client, i);
            before = times[i];
        }
    }
    return sum;
}

static void flush(void)
{
    for (uint32_t i = 0; i < cluster.node_count; i++) {
        free(test_server_text(&cluster.nodes[i], "FLUSHALL"));
        free(test_server_text(&cluster.nodes[i], "CONFIG RESETSTAT"));
    }
}

static void replay(const char *words)
{
    const struct bench_setting setting = {.port = cluster.nodes[0].port_text};
    call_start(&call, &setting, "--cluster --cpus none --replay %s %s", path, words);
}

static void done(void)
{
    call_free(&call);
    call.directory[0] = '\0';
}

static void finish(void)
{
    call_finish(&call);
    ck_assert_msg(call.program.exit_status == 0, "%s%s", call.program.out, call.program.err);
}

static long long count(const char *name)
{
    return run_json_count(&call, 0, name);
}

static void expect_all(void)
{
    finish();
    ck_assert_int_eq(count("requests.sent"), REQUESTS);
    ck_assert_int_eq(count("requests.ok"), REQUESTS);
    ck_assert_uint_eq(executed_in_order(), REQUESTS);
    ck_assert_int_eq(count("redirections.moved"), 0);
    done();
    flush();
}

TEST(each_client_in_its_order_over_all_nodes)
{
    /* breaks when a request is overtaken by a later one of its client that goes to another node, is lost, or sent twice */
    record_lists(100);
    replay("--speed max --processes 2 -P 4");
    expect_all();
    replay("--speed max --processes 1 -c 3");
    expect_all();
    replay("--processes 2");
    expect_all();
    replay("--qps 20000 --processes 2 -P 2 -c 40");
    expect_all();
}

static long long evals(void)
{
    long long calls = 0;
    for (uint32_t i = 0; i < cluster.node_count; i++)
        calls += test_server_calls(&cluster.nodes[i], "eval");
    return calls;
}

static void await_evals(long long calls)
{
    while (evals() < calls)
        support_sleep_ms(5);
}

TEST(slots_move_under_way)
{
    /* breaks when a request that is sent on is overtaken by the next one of its client, or is forgotten at its gate */
    record_lists(2000);
    replay("--processes 2 --request-timeout 20s");
    await_evals(300);
    for (uint32_t client = 0; client < CLIENTS; client++) {
        char key[32];
        snprintf(key, sizeof key, "list:%u:0", client);
        const unsigned slot = slots_of_key(key, strlen(key));
        const int from = test_cluster_owner(&cluster, 0, slot);
        test_cluster_move_slot(&cluster, slot, (uint32_t)from, ((uint32_t)from + 1) % 3);
    }
    finish();
    ck_assert_int_eq(count("requests.ok"), REQUESTS);
    ck_assert_int_gt(count("redirections.moved"), 0);
    ck_assert_uint_eq(executed_in_order(), REQUESTS);
    done();
}

TEST(connections_and_a_worker_end_under_way)
{
    /* breaks when what was lost keeps its client's gate closed, or a replacement sends requests again */
    record_lists(1000);
    replay("--processes 2 --interval 100ms");
    for (uint32_t i = 0; i < 3; i++) {
        await_evals(400 * (i + 1));
        free(test_server_text(&cluster.nodes[i], "CLIENT KILL TYPE normal"));
    }
    finish();
    long long sent = count("requests.sent");
    ck_assert_int_eq(sent, REQUESTS);
    ck_assert_uint_ge(executed_in_order(), (uint64_t)count("requests.ok"));
    done();
    flush();

    replay("--processes 2 --interval 100ms");
    await_evals(500);
    pid_t children[8];
    const size_t child_count = support_children(call.program.pid, children, 8);
    ck_assert_uint_eq(child_count, 3); /* the scout is forked before the workers */
    ck_assert_int_eq(kill(children[2], SIGKILL), 0);
    finish();
    sent = count("requests.sent");
    ck_assert_int_eq(sent + count("requests.shed"), REQUESTS);
    ck_assert_uint_le(executed_in_order(), (uint64_t)sent);
    ck_assert_uint_ge(executed_in_order(), (uint64_t)count("requests.ok"));
    done();
}

TEST(ended_before_its_end)
{
    /* breaks when what waits at a gate is missing in the books, or more is sent than was asked for */
    record_lists(1000);
    replay("--speed max --processes 2 -n 1000");
    finish();
    ck_assert_int_eq(count("requests.ok"), 1000);
    ck_assert_uint_eq(executed_in_order(), 1000);
    done();
    flush();
    replay("--processes 2 --duration 1 --interval 100ms");
    finish();
    ck_assert_int_eq(count("requests.due"), 1000);
    done();
    flush();

    /* A node that stands still holds up the clients that have asked it, and those that wait behind them are backlog. */
    test_server_pause(&cluster.nodes[1]);
    replay("--processes 1 --duration 2 --wait-ready 20s --connection-timeout 20s --request-timeout "
           "20s");
    test_server_resume(&cluster.nodes[1]);
    await_evals(100);
    test_server_pause(&cluster.nodes[1]);
    program_wait_text(&call.program, PROGRAM_OUT, "Verdict: ");
    test_server_resume(&cluster.nodes[1]);
    call_finish(&call); /* soon all clients have asked it, which is an outage */
    ck_assert_int_eq(count("requests.due"), 2000);
    ck_assert_int_gt(count("requests.backlog"), 500);
    done();
}

static const char *const samples[] = {
    "GET key",
    "SET key 1",
    "DEL key other",
    "BITOP AND key a b",
    "OBJECT ENCODING key",
    "MEMORY USAGE key",
    "XINFO STREAM key",
    "XGROUP CREATE key group $ MKSTREAM",
    "XREAD COUNT 1 STREAMS key 0",
    "XREADGROUP GROUP g c STREAMS key >",
    "ZUNION 2 key b",
    "ZUNIONSTORE key 1 b",
    "ZINTERCARD 1 key",
    "SINTERCARD 1 key",
    "LMPOP 1 key LEFT",
    "ZMPOP 1 key MIN",
    "BLMPOP 1 1 key LEFT",
    "BZMPOP 1 1 key MIN",
    "EVAL return 1 key",
    "EVAL x 1 key",
    "EVALSHA x 1 key",
    "EVAL_RO x 1 key",
    "FCALL f 1 key",
    "FCALL_RO f 1 key",
    "SORT key",
    "GEORADIUS key 1 1 1 m",
    "MIGRATE localhost 1 key 0 1",
    "RESTORE key 0 x",
    "LCS key b",
    "COPY key b",
    "PFMERGE key b",
    "DUMP key",
    "PING",
    "ECHO key",
    "INFO all",
    "CONFIG GET key",
    "CLIENT LIST",
    "KEYS key",
    "SCAN 0",
    "PUBLISH key x",
    "DBSIZE",
    "FLUSHALL",
    "TIME",
    "SCRIPT EXISTS x",
    "EVAL x 0",
};

TEST(keys_are_where_the_server_finds_them)
{
    /* breaks when a request is sent to the node of another argument than its key */
    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
        const struct recording_entry entry = entry_of(samples[i]);
        const struct recording_argument *key = recorded_key(&entry);
        char *found =
            test_server_text(&cluster.nodes[0], "EVAL %s 0 %s",
                             "local words = {} for word in string.gmatch(ARGV[1], '%S+') do "
                             "table.insert(words, word) "
                             "end local reply = redis.pcall('COMMAND', 'GETKEYS', unpack(words)) "
                             "return reply.err and '-' or reply[1] or '-'",
                             samples[i]);
        ck_assert_msg(key == NULL ? strcmp(found, "-") == 0
                                  : strlen(found) == key->byte_count &&
                                        memcmp(found, key->bytes, key->byte_count) == 0,
                      "%s: %s", samples[i], found);
        free(found);
    }
}

TEST(requests_without_a_key_and_of_several_nodes)
{
    /* breaks when a command without a key has no node, one whose keys are on two is not counted as the server's error, or a
     * transaction is torn apart over connections */
    static const char *const words[] = {
        "PING",  "DBSIZE", "MGET a b", "MULTI", "SET a 1", "EXEC", "XREAD COUNT 1 STREAMS s 0",
        "ECHO x"};
    begin("odd");
    for (uint32_t i = 0; i < 10 * sizeof words / sizeof words[0]; i++)
        add_words(i % 3, 0, words[i / 10]);
    end();
    replay("--speed max --processes 1");
    finish();
    ck_assert_int_eq(count("requests.sent"), 60);
    ck_assert_int_eq(run_json_count(&call, 0, "errors_by_kind.CROSSSLOT"), 10);
    ck_assert_int_eq(count("redirections.moved"), 0);
    ck_assert_ptr_nonnull(strstr(call.program.err, "20 commands are left out: MULTI"));
    size_t at;
    const json_t *class;
    json_array_foreach(json_object_get(run_json_at(call.root, 0), "classes"), at, class)
        ck_assert_int_gt(
            json_integer_value(json_object_get(json_object_get(class, "requests"), "sent")), 0);
    for (uint32_t i = 0; i < 3; i++)
        ck_assert_int_gt(test_server_calls(&cluster.nodes[i], "echo"), 0);
    done();
}

TEST(databases_are_refused)
{
    /* breaks when requests of another database are sent to the only one that a cluster has */
    struct program program;
    char command[300];
    begin("databases");
    add_words(0, 0, "SET a 1");
    add_words(0, 3, "SET a 2");
    end();
    snprintf(command, sizeof command, "$volley bench -p 1 --cluster --replay %s", path);
    program_run_shell(&program, tree.path, command, 2);
    ck_assert_msg(strstr(program.err, "it has requests of database 3, and a cluster has database 0 "
                                      "only") != NULL,
                  "%s", program.err);
    program_free(&program);
}

TEST_SUITE_WITH(replay_cluster, .set_up = set_up, .tear_down = tear_down,
                .timeout_seconds = TCASE_TIMEOUT_SECONDS)
