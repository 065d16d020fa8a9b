/* Connections that only receive: what real servers give them, and what is said of what they do not get. */
#include <hiredis/hiredis.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/check/cluster.h"
#include "tests/support/check/run_json.h"
#include "tests/support/check/suite.h"
#include "tests/support/check/support.h"
#include "tests/support/check/trial.h"

#define TCASE_TIMEOUT_SECONDS 90
#define EACH(members) "  - {" members "}\n"

static struct trial trial;
static char path[200];

static void write_workload(const char *text)
{
    temp_tree_write(&world.tree, "/w.yaml", text, 0600);
    snprintf(path, sizeof path, "%s/w.yaml", world.tree.path);
}

#define RUN(...)                                                                                   \
    trial_start(&trial, "-p", world.server.port_text, "--workload", path, "--cpus", "none",        \
                __VA_ARGS__, NULL)

static const json_t *consumers(const char *name)
{
    size_t i;
    const json_t *item;
    json_array_foreach(json_object_get(trial.run, "consumers"), i, item)
    {
        if (strcmp(json_string_value(json_object_get(item, "name")), name) == 0)
            return item;
    }
    ck_abort_msg("there are no consumers %s", name);
}

static long long messages(const char *name, const char *which)
{
    const json_t *count = json_object_get(json_object_get(consumers(name), "messages"), which);
    ck_assert_msg(json_is_integer(count), "%s has no %s", name, which);
    return json_integer_value(count);
}

/* All that was expected came, once, in order, and each was timed; that many, or up to `carried` fewer. */
static void ck_came(const char *name, long long most, long long carried)
{
    const long long expected = messages(name, "expected");
    static const char *const none[] = {"lost",         "unsure",  "duplicates",
                                       "out_of_order", "foreign", "disconnected"};
    ck_assert_msg(expected <= most && expected >= most - carried, "%s: %lld expected, not %lld",
                  name, expected, most);
    ck_assert_int_eq(messages(name, "delivered"), expected);
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
        ck_assert_msg(messages(name, none[i]) == 0, "%s: %lld %s", name, messages(name, none[i]),
                      none[i]);
    const json_t *times = json_object_get(consumers(name), "response_time_us");
    ck_assert_int_eq(json_integer_value(json_object_get(times, "count")), expected);
    ck_assert(json_number_value(json_object_get(times, "p50")) > 0);
}

static void ck_whole(const char *name, long long expected)
{
    ck_came(name, expected, 0);
}

static long long class_ok(const char *name)
{
    size_t i;
    const json_t *item;
    json_array_foreach(json_object_get(trial.run, "classes"), i, item)
    {
        if (strcmp(json_string_value(json_object_get(item, "name")), name) == 0)
            return json_integer_value(json_object_get(json_object_get(item, "requests"), "ok"));
    }
    ck_abort_msg("there is no class %s", name);
}

/* A request of the warm-up that is answered after it stands in its class's row, but its message is the warm-up's. */
static void ck_fed(const char *name, long long receivers, const char *class)
{
    ck_came(name, receivers * class_ok(class),
            receivers * trial_count(&trial, "requests", "in_flight_before"));
}

#define READERS 3 /* connections of the group, and entries that each asks for */
#define READERS_COUNT 7
static const char every_kind[] =
    "name: all\n"
    "keys:\n  q: {prefix: \"q:\", count: 2}\n  s: {prefix: \"s:\", count: 3}\n"
    "classes:\n" EACH("name: push, weight: 1, command: \"LPUSH jobs {stamp}\"")
        EACH("name: pushq, weight: 1, command: \"LPUSH {key:q} {stamp 80}\"")
            EACH("name: add, weight: 1, command: \"XADD events * data {stamp}\"")
                EACH("name: spub, weight: 1, command: \"SPUBLISH {key:s} {stamp}\"")
                    EACH("name: pub, weight: 1, command: \"PUBLISH news.a {stamp 5000}\"") EACH(
                        "name: rank, weight: 1, command: \"ZADD ranks {int 1 100} {stamp}\"")
                        EACH("name: get, weight: 2, command: \"GET {key:q}\"") "consume:\n" EACH(
                            "name: workers, pop: \"BRPOP jobs 1\", connections: 4")
                            EACH("name: qworkers, pop: \"blpop {key:q} 0.5\", connections: 4")
                                EACH("name: ranked, pop: \"BZPOPMIN ranks 1\"") EACH(
                                    "name: readers, stream: events, connections: 3, count: 7")
                                    EACH("name: shards, shard_channel: \"{key:s}\", connections: 6")
                                        EACH("name: one, channel: news.a, connections: 5")
                                            EACH("name: all, pattern: \"news.*\", connections: 2");

/* What the warm-up sent and somebody had read, but not acknowledged at its end, is acknowledged later. */
static void ck_every_kind(long long most_late)
{
    ck_fed("workers", 1, "push");
    ck_fed("qworkers", 1, "pushq");
    ck_fed("ranked", 1, "rank");
    ck_fed("readers", 1, "add");
    const long long late = messages("readers", "acknowledged") - messages("readers", "delivered");
    ck_assert_msg(late >= 0 && late <= most_late, "%lld more acknowledged than delivered", late);
    ck_fed("shards", 2, "spub");
    ck_fed("one", 5, "pub");
    ck_fed("all", 2, "pub");
    ck_assert_str_eq(trial_verdict(&trial, "messages"), "GREEN");
}

TEST(every_kind_gets_what_is_sent)
{
    /* breaks when a message to a subscriber, a pop or a group is lost, counted twice or not timed, whatever the number
     * of workers, with a rate, a number of requests or a warm-up */
    test_server_start(&world.server, NULL);
    write_workload(every_kind);
    RUN("-n", "8000", "-c", "6");
    trial_end(&trial, 0);
    ck_every_kind(0);
    trial_free(&trial);
    RUN("-n", "16000", "-c", "6", "--processes", "3", "-P", "8", "-3");
    trial_end(&trial, 0);
    ck_every_kind(0);
    trial_free(&trial);
    RUN("--qps", "2000", "--duration", "1", "--warmup", "500ms", "--processes", "2", "-c", "4");
    trial_end(&trial, 0);
    ck_every_kind(READERS * READERS_COUNT);
    trial_free(&trial);
    char *groups = test_server_text(&world.server, "XINFO STREAM events");
    free(groups);
    ck_assert_int_eq(test_server_integer(&world.server, "EXISTS events"), 1);
    ck_assert_int_eq(test_server_integer(&world.server, "LLEN jobs"), 0);
}

static struct test_cluster cluster;

/* A bench of it, whose exit status must be this. */
static void bench_cluster(struct bench_call *call, int exit_status, const char *options)
{
    const struct bench_setting setting = {.port = cluster.nodes[0].port_text};
    call_expect(call, exit_status, &setting, "--cluster --workload %s --cpus none %s", path,
                options);
}

TEST(every_kind_in_a_cluster)
{
    /* breaks when a consumer does not listen at the node that has its key, or its shard channel */
    struct bench_call call;
    test_cluster_start(&cluster, 3, 0, NULL);
    write_workload(every_kind);
    bench_cluster(&call, 0, "-n 8000 -c 6 --processes 2 --drain-timeout 20");
    trial = (struct trial){.run = run_json_at(call.root, 0)};
    ck_every_kind(0);
    call_free(&call);
    test_cluster_stop(&cluster);
}

static void ck_refused_by_cluster(const char *text, const char *said)
{
    struct bench_call call;
    write_workload(text);
    bench_cluster(&call, 2, "-n 10 -c 6");
    ck_assert_msg(strstr(call.program.err, said) != NULL, "%s", call.program.err);
    call_free(&call);
}

TEST(what_a_cluster_does_not_take)
{
    /* breaks when caches of a cluster wait for what other nodes tell, or requests go to nodes that do not have their key */
    test_cluster_start(&cluster, 3, 0, NULL);
    ck_refused_by_cluster("name: w\nclasses: [{name: write, command: 'SET inv:{stamp} 1'}]\n"
                          "consume: {name: caches, tracking: 'inv:'}\n",
                          "class write has a {stamp} in its key");
    ck_refused_by_cluster("name: w\nclasses: [{name: write, command: 'SET inv:\\{a}:{stamp} 1'}]\n"
                          "consume: {name: caches, tracking: 'inv:'}\n",
                          "consumers caches: in a cluster each node");
    test_cluster_stop(&cluster);
}

/* From its heading to the next one. */
static char *consumers_in(const char *report)
{
    const char *from = strstr(report, "\nConsumers:\n");
    ck_assert_msg(from != NULL, "%s", report);
    const char *to = strstr(from, "\n\n");
    ck_assert_ptr_nonnull(to);
    char *text = calloc(1, (size_t)(to - from) + 1);
    ck_assert_ptr_nonnull(text);
    memcpy(text, from, (size_t)(to - from));
    return text;
}

TEST(a_report_says_the_same_later)
{
    /* breaks when a journal does not keep what consumers got */
    char out[240];
    struct program report;
    test_server_start(&world.server, NULL);
    write_workload(every_kind);
    snprintf(out, sizeof out, "%s/run", world.tree.path);
    RUN("--qps", "1000", "--duration", "2", "--out", out);
    trial_end(&trial, 0);
    program_run_volley(&report, "report", out, NULL);
    ck_assert_int_eq(report.exit_status, 0);
    char *first = consumers_in(trial.program.out), *second = consumers_in(report.out);
    ck_assert_str_eq(first, second);
    free(first);
    free(second);
    program_free(&report);
    trial_free(&trial);
}

TEST(invalidations)
{
    /* breaks when a cache is not told of a key that was written, or only later than the figure says */
    test_server_start(&world.server, NULL);
    write_workload("name: caches\nclasses:\n" EACH(
        "name: write, weight: 1, unit: transaction, commands: [\"SET inv:{stamp} 1\", \"DEL "
        "inv:{stamp}\"]") "consume:\n" EACH("name: caches, tracking: \"inv:\", connections: 3"));
    RUN("-n", "2000", "-c", "3");
    trial_end(&trial, 0);
    ck_whole("caches", 3 * trial_count(&trial, "requests", "ok"));
    ck_assert_int_eq(test_server_integer(&world.server, "DBSIZE"), 0);
    trial_free(&trial);
}

TEST(texts_that_look_like_ids)
{
    /* breaks when a value of an entry is acknowledged in place of its id, or {key} is not the only key space */
    test_server_start(&world.server, NULL);
    write_workload("name: ids\nkeys:\n  s: {count: 2}\nclasses:\n" EACH(
        "name: add, weight: 1, command: "
        "\"XADD {key} * 7-1 5-1 alt 6-1 data "
        "{stamp}\"") "consume:\n" EACH("name: readers, stream: \"{key:s}\", connections: 4"));
    for (int i = 0; i < 2; i++) {
        RUN("-n", "1000", "-c", "3", i == 0 ? "-q" : "-3");
        trial_end(&trial, 0);
        ck_whole("readers", 1000);
        ck_assert_int_eq(messages("readers", "acknowledged"), 1000);
        ck_assert_int_eq(messages("readers", "pending"), 0);
        trial_free(&trial);
    }
}

TEST(what_is_not_acknowledged_is_pending)
{
    /* breaks when entries that were read and not acknowledged are not told */
    test_server_start(&world.server, NULL);
    write_workload("name: ids\nclasses:\n" EACH(
        "name: add, weight: 1, command: \"XADD events * "
        "data {stamp}\"") "consume:\n" EACH("name: readers, stream: events, acknowledge: false"));
    RUN("-n", "300", "-c", "3");
    trial_end(&trial, 0);
    ck_whole("readers", 300);
    ck_assert_int_eq(messages("readers", "pending"), 300);
    trial_free(&trial);
}

TEST(side_by_side)
{
    /* breaks when consumers of one workload get figures of another one's, or wait for its messages */
    test_server_start(&world.server, NULL);
    trial_start(&trial, "-p", world.server.port_text, "--cpus", "none", "--workload",
                "pubsub,c=2,qps=200", "--workload", "event-stream,c=2,qps=300", "--processes", "2",
                "--duration", "1", NULL);
    trial_end(&trial, 0);
    ck_whole("pubsub:members", 5 * class_ok("pubsub"));
    ck_whole("pubsub:moderators", class_ok("pubsub"));
    ck_whole("event-stream:readers", class_ok("event-stream"));
    trial_free(&trial);
}

TEST(nothing_is_lost_unseen)
{
    /* breaks when a subscriber that the server cuts off looks as if it had got everything */
    static const char *const args[] = {"--client-output-buffer-limit", "pubsub 256kb 0 0", NULL};
    test_server_start(&world.server, &(struct test_server_options){.args = args});
    write_workload("name: large\nclasses:\n" EACH(
        "name: pub, weight: 1, command: \"PUBLISH news "
        "{stamp 400000}\"") "consume:\n" EACH("name: slow, channel: news, connections: 4"));
    RUN("-n", "300", "-c", "4", "--drain-timeout", "1s");
    trial_end(&trial, 0);
    const long long sent = 4 * trial_count(&trial, "requests", "ok");
    ck_assert_int_eq(messages("slow", "expected"), sent);
    ck_assert_int_gt(messages("slow", "lost"), 0);
    ck_assert_int_eq(messages("slow", "lost"), sent - messages("slow", "delivered"));
    ck_assert_int_gt(messages("slow", "disconnected"), 0);
    ck_assert_str_eq(trial_verdict(&trial, "messages"), "AMBER");
    trial_expect(&trial, PROGRAM_OUT, "connections lost");
    trial_free(&trial);
}

TEST(what_is_not_of_this_run)
{
    /* breaks when other people's messages, or those that an earlier run has left behind, are timed */
    test_server_start(&world.server, NULL);
    free(test_server_text(&world.server, "RPUSH jobs plain"));
    write_workload(
        "name: left\nclasses:\n" EACH("name: push, weight: 1, command: \"RPUSH jobs {stamp}\""));
    RUN("-n", "50", "-c", "1");
    trial_end(&trial, 0);
    trial_free(&trial);
    write_workload("name: left\nclasses:\n" EACH(
        "name: push, weight: 1, command: \"RPUSH jobs "
        "{stamp}\"") "consume:\n" EACH("name: workers, pop: \"BLPOP jobs 1\", connections: 2"));
    RUN("-n", "70", "-c", "1");
    trial_end(&trial, 0);
    ck_assert_int_eq(messages("workers", "foreign"), 51);
    ck_assert_int_eq(messages("workers", "delivered"), 70);
    trial_free(&trial);
}

TEST(nobody_sends)
{
    /* breaks when consumers that nobody feeds are not told so, or a run waits for what will not come */
    test_server_start(&world.server, NULL);
    write_workload("name: none\nclasses:\n" EACH(
        "name: pub, weight: 1, command: \"PUBLISH other "
        "{stamp}\"") "consume:\n" EACH("name: deaf, pattern: \"news.*\"")
                       EACH("name: waiting, pop: \"BLPOP jobs 0.1\""));
    RUN("--qps", "100", "--duration", "1");
    trial_end(&trial, 0);
    trial_expect(&trial, PROGRAM_ERR, "consumers deaf: no class of the workload sends");
    trial_expect(&trial, PROGRAM_ERR, "consumers waiting: no class");
    ck_assert_int_eq(messages("deaf", "expected"), 0);
    ck_assert_int_gt(messages("waiting", "empty_waits"), 5);
    trial_free(&trial);
}

static const char a_group[] = "name: group\nclasses:\n" EACH(
    "name: add, weight: 1, command: \"XADD events * "
    "data {stamp}\"") "consume:\n" EACH("name: readers, stream: events, group: mine, connections: "
                                        "2, claim_after: 200ms");

TEST(a_group_that_is_there)
{
    /* breaks when the entries of somebody's consumer group are taken, or the group is removed */
    test_server_start(&world.server, NULL);
    free(test_server_text(&world.server, "XGROUP CREATE events mine $ MKSTREAM"));
    write_workload(a_group);
    RUN("-n", "10");
    program_wait(&trial.program);
    ck_assert_int_eq(trial.program.exit_status, 2);
    trial_expect(&trial, PROGRAM_ERR,
                 "readers: the stream events has a consumer group mine already");
    ck_assert_int_eq(test_server_calls(&world.server, "xadd"), 0);
    ck_assert_int_eq(test_server_integer(&world.server, "XGROUP DESTROY events mine"), 1);
    trial_free(&trial);
}

TEST(a_group_goes_with_its_run)
{
    /* breaks when a run that ends, or is stopped by Ctrl+C, leaves its group behind */
    test_server_start(&world.server, NULL);
    write_workload(a_group);
    RUN("-n", "500");
    trial_end(&trial, 0);
    ck_whole("readers", 500);
    trial_free(&trial);
    ck_assert_int_eq(test_server_integer(&world.server, "XGROUP DESTROY events mine"), 0);
    RUN("--qps", "500", "--duration", "60");
    trial_wait_calls("xreadgroup", 200);
    program_signal(&trial.program, SIGINT);
    trial_end(&trial, 130);
    ck_assert_int_eq(messages("readers", "lost"), 0);
    ck_assert_int_eq(test_server_integer(&world.server, "XGROUP DESTROY events mine"), 0);
    trial_free(&trial);
}

TEST(claims_after_a_consumer_dies)
{
    /* breaks when what a consumer took and did not acknowledge stays where it is */
    test_server_start(&world.server, NULL);
    write_workload(a_group);
    RUN("--qps", "400", "--duration", "60");
    trial_wait_calls("xreadgroup", 100);
    /* Somebody takes entries of the group, and is never heard of again. */
    long long taken = 0;
    while (taken < 5) {
        redisContext *context = redisConnect("127.0.0.1", world.server.port);
        redisReply *reply =
            redisCommand(context, "XREADGROUP GROUP mine gone COUNT 5 BLOCK 1000 STREAMS events >");
        ck_assert_ptr_nonnull(reply);
        if (reply->type == REDIS_REPLY_ARRAY)
            taken += (long long)reply->element[0]->element[1]->elements;
        freeReplyObject(reply);
        redisFree(context);
    }
    const long long before = test_server_calls(&world.server, "xautoclaim");
    trial_wait_calls("xautoclaim", before + 6);
    program_signal(&trial.program, SIGINT);
    trial_end(&trial, 130);
    /* On a machine that stands still for as long, a reader's own entries are claimed, too. */
    ck_assert_int_ge(messages("readers", "claimed"), taken);
    ck_assert_int_eq(messages("readers", "lost"), 0);
    ck_assert_int_eq(messages("readers", "expected"), messages("readers", "delivered") + taken);
    trial_free(&trial);
}

TEST(a_server_that_starts_anew)
{
    /* breaks when consumers do not come back, or a group whose stream has gone is not made again */
    test_server_start(&world.server, NULL);
    write_workload(every_kind);
    RUN("--qps", "500", "--duration", "60", "-c", "4");
    trial_wait_calls("xack", 20);
    test_server_restart(&world.server);
    trial_wait_calls("xack", 50);
    trial_wait_calls("brpop", 50);
    trial_wait_calls("publish", 50);
    program_signal(&trial.program, SIGINT);
    trial_end(&trial, 130);
    ck_assert_int_ge(messages("workers", "disconnected"), 4);
    ck_assert_int_ge(messages("one", "disconnected"), 5);
    ck_assert_int_eq(messages("one", "duplicates") + messages("one", "out_of_order"), 0);
    ck_assert_int_gt(messages("readers", "delivered"), 40);
    trial_free(&trial);
}

TEST(a_worker_that_is_killed)
{
    /* breaks when the messages of a worker's replacement are taken for doubles, or it gets none */
    pid_t workers[8];
    test_server_start(&world.server, NULL);
    write_workload(every_kind);
    RUN("--qps", "1000", "--duration", "60", "-c", "6", "--processes", "2");
    trial_wait_calls("publish", 100);
    ck_assert_uint_ge(support_children(trial.program.pid, workers, 8), 2);
    kill(workers[1], SIGKILL);
    const long long before = test_server_calls(&world.server, "publish");
    trial_wait_calls("publish", before + 300);
    program_signal(&trial.program, SIGINT);
    trial_end(&trial, 130);
    ck_assert_int_gt(messages("one", "delivered"), 1000);
    ck_assert_int_eq(messages("one", "duplicates") + messages("one", "out_of_order"), 0);
    ck_assert_int_eq(messages("shards", "duplicates") + messages("shards", "out_of_order"), 0);
    trial_free(&trial);
}

TEST(objectives)
{
    /* breaks when consumers cannot be judged by their name */
    test_server_start(&world.server, NULL);
    write_workload(every_kind);
    RUN("-n", "2000", "--check", "one:p99<10s");
    trial_end(&trial, 0);
    trial_free(&trial);
    RUN("-n", "2000", "--check", "one:p99<1ns");
    trial_end(&trial, 1);
    trial_expect(&trial, PROGRAM_ERR, "one:p99<1ns");
    trial_free(&trial);
}

TEST(a_server_that_answers_what_was_not_asked)
{
    /* breaks when a server makes a worker write beyond its memory, by answers that never end, or counts them */
    const struct fake_rule rules[] = {{.command = "BRPOP",
                                       .action = FAKE_ENDLESS,
                                       .bytes = "*-1\r\n",
                                       .more = "*-1\r\n*-1\r\n*-1\r\n*-1\r\n*-1\r\n"}};
    fake_server_start(&world.fake, &(struct fake_script){.rules = rules, .rule_count = 1});
    write_workload("name: endless\nclasses:\n" EACH(
        "name: push, weight: 1, command: \"LPUSH jobs "
        "{stamp}\"") "consume:\n" EACH("name: workers, pop: \"BRPOP jobs 1\""));
    trial_start(&trial, "-p", world.fake.port_text, "--workload", path, "--cpus", "none", "--qps",
                "100", "--duration", "1", "--drain-timeout", "1s", NULL);
    program_wait(&trial.program);
    ck_assert_int_eq(trial.program.exit_status, 0);
    trial_expect_not(&trial, PROGRAM_OUT, "lost_workers");
    trial_expect(&trial, PROGRAM_OUT, "connections lost");
    trial_free(&trial);
}

TEST(a_server_that_refuses)
{
    /* breaks when a run begins though a consumer may not listen */
    test_server_start(&world.server, NULL);
    free(test_server_text(&world.server, "ACL SETUSER default -subscribe"));
    write_workload(every_kind);
    RUN("-n", "10");
    program_wait(&trial.program);
    ck_assert_int_ne(trial.program.exit_status, 0);
    trial_expect(&trial, PROGRAM_ERR, "one: the server refuses SUBSCRIBE: NOPERM");
    trial_free(&trial);
}

TEST_SUITE_WITH(consume, .set_up = trial_set_up, .tear_down = trial_tear_down,
                .timeout_seconds = TCASE_TIMEOUT_SECONDS)
