/* `volley bench --verify` at real servers: what somebody does to values behind its back is found, each of them, and
 * nothing else. */
#include <hiredis/hiredis.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/rng.h"
#include "tests/support/check/at_server.h"
#include "tests/support/check/cluster.h"
#include "tests/support/check/suite.h"

static long long found(const char *kind)
{
    char path[64];
    snprintf(path, sizeof path, "verification.%s", kind);
    return run_json_count(&call, json_array_size(json_object_get(call.root, "runs")) - 1, path);
}

static void expect_found(long long corrupted, long long stale, long long lost)
{
    ck_assert_msg(found("corrupted") == corrupted && found("stale") == stale &&
                      found("lost_writes") == lost,
                  "%lld corrupted, %lld stale, %lld lost writes: %s", found("corrupted"),
                  found("stale"), found("lost_writes"), call.program.out);
}

static redisContext *connect_to(const struct test_server *at)
{
    redisContext *context = redisConnect("127.0.0.1", at->port);
    ck_assert(context != NULL && context->err == 0);
    return context;
}

static redisReply *say(redisContext *context, const char *format, const char *key,
                       const char *value, size_t value_bytes)
{
    redisReply *reply =
        redisCommand(context, format, key, value, value_bytes); /* NOLINT: one of two forms */
    ck_assert(reply != NULL && reply->type != REDIS_REPLY_ERROR);
    return reply;
}

static char *key_of(char key[32], unsigned number)
{
    snprintf(key, 32, "key:%012u", number);
    return key;
}

static void nap(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
}

static void await_keys(const struct test_server *at, long long keys)
{
    while (test_server_integer(at, "DBSIZE") != keys)
        nap();
}

/* The prefill is over, and has counted its keys. */
static void await_reads(const struct test_server *at, const char *command)
{
    while (test_server_calls(at, command) == 0)
        nap();
}

/* ---- what is wrong ---- */

/* Some other bytes in place of the value, in one of several ways. */
static void corrupt(redisContext *context, unsigned number, uint64_t random)
{
    char key[32], changed[256], other[32];
    redisReply *reply = say(context, "GET %s", key_of(key, number), NULL, 0);
    ck_assert_int_eq(reply->type, REDIS_REPLY_STRING);
    size_t bytes = reply->len;
    memcpy(changed, reply->str, bytes);
    freeReplyObject(reply);
    switch (random % 5) {
    case 0:
        changed[rng_mix(random) % bytes] ^= 1 << random % 7;
        break;
    case 1:
        bytes -= 1 + rng_mix(random) % (bytes - 1);
        break;
    case 2:
        changed[bytes++] = 'x';
        break;
    case 3:
        bytes = 0;
        break;
    default: /* what another key has */
        reply = say(context, "GET %s", key_of(other, number - 5000), NULL, 0);
        bytes = reply->len;
        memcpy(changed, reply->str, bytes);
        freeReplyObject(reply);
    }
    freeReplyObject(say(context, "SET %s %b", key, changed, bytes));
}

TEST(test_each_corrupted_value_is_found)
{
    /* Breaks when one of 1,000 values that somebody changes between write and read passes, or one more does not. */
    redisContext *context = connect_to(&server);
    call_start(&call, &at_server,
               "--verify --prefill --mix get --sequential 20000 -n 20000 --qps 5000 --value-size "
               "8-200 -c 8");
    await_reads(&server, "get");
    for (unsigned i = 0; i < 1000; i++)
        corrupt(context, 19000 + i, rng_at(1, i));
    redisFree(context);
    call_finish(&call);
    ck_assert_int_eq(call.program.exit_status, 1);
    expect_found(1000, 0, 0);
    ck_assert_int_eq(found("verified"), 20000);
    const json_t *run = run_json_at(call.root, 1);
    ck_assert_int_eq(run_json_count(&call, 1, "values.corrupted"), 1000);
    const json_t *first = json_object_get(json_object_get(run, "verification"), "first");
    ck_assert_uint_eq(json_array_size(first), 10);
    ck_assert_ptr_nonnull(strstr(
        json_string_value(json_object_get(json_array_get(first, 0), "key")), "key:00000001900"));
    ck_assert_ptr_nonnull(strstr(call.program.out, "1,000 corrupted, 0 stale, 0 lost writes\n"
                                                   "The first 10 of them:\n"));
    ck_assert_ptr_nonnull(
        strstr(call.program.err, "found 1,000 corrupted values and 0 lost writes"));
    ck_assert_str_eq(json_string_value(json_object_get(json_object_get(run, "verdict"), "level")),
                     "RED");
    call_free(&call);
}

TEST(test_reports_of_a_journal)
{
    /* Breaks when a report that is made anew has other findings, or one without names has keys. */
    struct program program;
    char directory[200], *text;
    snprintf(directory, sizeof directory, "%s/run", server.directory);
    call_start(
        &call, &at_server,
        "--verify --prefill --mix get --sequential 3000 -n 3000 --qps 1500 -d 20 -c 4 --out %s",
        directory);
    await_reads(&server, "get");
    free(test_server_text(&server, "SET key:000000002999 nothing"));
    call_finish(&call);
    ck_assert_int_eq(call.program.exit_status, 1);
    ck_assert_ptr_nonnull((text = strstr(call.program.out, "Verification:")));
    *strstr(text, "Asked and drawn:") = '\0';
    ck_assert_ptr_nonnull(strstr(text, "corrupted   key:000000002999: expected version 1, got 7 "
                                       "bytes, too few for any version\n"));
    program_run_volley(&program, "report", directory, NULL);
    ck_assert_msg(strstr(program.out, text) != NULL, "%s is not in: %s", text, program.out);
    program_free(&program);
    program_run_volley(&program, "report", directory, "--anonymise", NULL);
    ck_assert_ptr_null(strstr(program.out, "2999:"));
    ck_assert_ptr_nonnull(strstr(program.out, "corrupted   key1: expected version 1"));
    program_free(&program);
    call_free(&call);
}

TEST(test_deleted_keys_are_lost_writes)
{
    /* Breaks when an acknowledged value that is not there is not found, in GET and in MGET, or is called corrupted. */
    static const char *const tests[] = {"--mix get", "--workload %s/mget.yaml"};
    char path[200], options[300];
    for (size_t i = 0; i < 2; i++) {
        free(test_server_text(&server, "FLUSHALL"));
        snprintf(path, sizeof path, "%s/mget.yaml", server.directory);
        FILE *file = fopen(path, "w");
        ck_assert_ptr_nonnull(file);
        fputs("name: mget\nkeys: {key: {count: 5000, order: sequential}}\n"
              "values: {value: {size: 20}}\n"
              "prefill: [{keys: key, command: \"SET {key} {value}\"}]\n"
              "classes: [{name: mget, command: \"MGET {key} {key} {key} {key} {key}\"}]\n",
              file);
        fclose(file);
        snprintf(options, sizeof options,
                 i == 0 ? "%s --sequential 5000 -n 5000 --qps 2000 -d 20"
                        : "--workload %s/mget.yaml -n 1000 --qps 400",
                 i == 0 ? tests[0] : server.directory);
        call_start(&call, &at_server, "--verify --prefill -c 4 %s", options);
        await_reads(&server, i == 0 ? "get" : "mget");
        for (unsigned k = 0; k < 50; k++)
            ck_assert_int_eq(test_server_integer(&server, "DEL key:%012u", 4900 + 2 * k), 1);
        call_finish(&call);
        ck_assert_int_eq(call.program.exit_status, 1);
        expect_found(0, 0, 50);
        ck_assert_int_eq(found("verified"), 5000);
        ck_assert_ptr_nonnull(strstr(call.program.out, "expected version 1, got nothing"));
        call_free(&call);
    }
}

TEST(test_values_that_were_put_back_are_lost_writes)
{
    /* Breaks when a value that was right once, and has been overwritten since, passes as the newest. */
    char key[32];
    redisReply *old[50];
    redisContext *context = connect_to(&server);
    call_start(&call, &at_server,
               "--verify -t set,get --sequential 4000 -n 8000 --qps 4000 -d 20 -c 4");
    await_keys(&server, 4000);
    for (unsigned i = 0; i < 50; i++)
        old[i] = say(context, "GET %s", key_of(key, 3900 + i), NULL, 0);
    for (unsigned i = 0; i < 50; i++) {
        bool changed = false;
        while (!changed) {
            redisReply *now = say(context, "GET %s", key_of(key, 3900 + i), NULL, 0);
            changed = memcmp(now->str, old[i]->str, now->len) != 0;
            freeReplyObject(now);
            if (!changed)
                nap();
        }
        freeReplyObject(say(context, "SET %s %b", key, old[i]->str, old[i]->len));
        freeReplyObject(old[i]);
    }
    redisFree(context);
    call_finish(&call);
    ck_assert_int_eq(call.program.exit_status, 1);
    expect_found(0, 0, 100); /* each is read twice */
    ck_assert_ptr_nonnull(
        strstr(call.program.out, "expected version 2, got version 1 of 20 bytes"));
    call_free(&call);
}

/* ---- what is not ---- */

TEST(test_no_false_alarm_with_hot_keys)
{
    /* Breaks when reads and writes of the same keys, by many connections at once, make a right value look wrong. */
    static const char *const loads[] = {
        "--ratio 1:1 -r 50 --key-dist zipf:1.2 --value-size lognormal:40:400 -c 60 -P 8 -n 300000",
        "--mix set:2,get:5,mset:1 -r 1000 -d 33 -c 20 -P 2 -n 100000 --prefill",
        "--ratio 1:1 -r 200 --ttl 1ms-3ms -d 20 -c 20 -n 100000",
        "--ratio 1:3 -r 500 --value-size 8-200000 -c 20 -P 4 -n 20000 --prefill",
        "--ratio 1:1 -r 500 -d 64 -c 20 -n 50000 --keepalive 0 --prefill",
        "-3 --ratio 1:3 -r 500 -d 64 -c 20 -n 50000 --prefill",
    };
    for (size_t i = 0; i < sizeof loads / sizeof loads[0]; i++) {
        free(test_server_text(&server, "FLUSHALL"));
        call_expect(&call, 0, &at_server, "--verify %s", loads[i]);
        expect_found(0, 0, 0);
        ck_assert_int_gt(found("verified"), 5000);
        call_free(&call);
    }
}

TEST(test_no_false_alarm_with_broken_connections)
{
    /* Breaks when writes of which nobody knows whether they were executed, or when, make a right value look wrong. */
    redisContext *context = connect_to(&server);
    call_start(&call, &at_server,
               "--verify --ratio 1:1 -r 200 -d 40 -c 30 -P 4 --test-duration 6 --request-timeout "
               "150ms --prefill --max-errors 0");
    await_reads(&server, "get");
    for (unsigned i = 0; i < 12; i++) {
        freeReplyObject(say(context, i % 3 == 0 ? "CLIENT PAUSE 400" : "CLIENT KILL TYPE normal",
                            NULL, NULL, 0));
        for (unsigned k = 0; k < 150; k++)
            nap();
        if (i == 5)
            test_server_pause(&server);
        for (unsigned k = 0; i == 5 && k < 150; k++)
            nap();
        if (i == 5)
            test_server_resume(&server);
    }
    redisFree(context);
    call_finish(&call);
    ck_assert_int_gt(run_json_count(&call, 1, "failures.outcome_unknown"), 50);
    expect_found(0, 0, 0);
    ck_assert_int_gt(found("verified"), 1000);
    call_free(&call);
}

TEST(test_no_false_alarm_with_dead_workers)
{
    /* Breaks when writes of a worker that was killed make a right value look wrong. */
    pid_t workers[2];
    call_start(&call, &at_server,
               "--verify --ratio 1:1 -r 100 -d 40 -c 20 -P 4 --test-duration 3 --processes 2");
    program_wait_children(&call.program, workers, 2);
    await_keys(&server, 100);
    for (unsigned i = 0; i < 200; i++)
        nap();
    kill(workers[0], SIGKILL);
    call_finish(&call);
    ck_assert_int_eq(run_json_count(&call, 0, "workers.0.restarts") +
                         run_json_count(&call, 0, "workers.1.restarts"),
                     1);
    expect_found(0, 0, 0);
    ck_assert_int_gt(found("verified"), 1000);
    call_free(&call);
}

TEST(test_keys_of_others_are_not_judged)
{
    /* Breaks when what somebody else has written, before, is called corrupted. */
    for (unsigned i = 0; i < 100; i++)
        free(test_server_text(&server, "SET key:%012u foreign", i));
    call_expect(&call, 0, &at_server, "--verify --ratio 1:9 -r 100 -d 20 -n 5000 -c 4");
    expect_found(0, 0, 0);
    ck_assert_int_gt(found("unverified"), 20);
    ck_assert_ptr_nonnull(strstr(call.program.out, "more of which nothing was known"));
    call_free(&call);
}

TEST(test_emptied_servers_are_forgotten)
{
    /* Breaks when keys that volley itself has removed, ahead of the next run, are called lost. */
    call_expect(&call, 0, &at_server,
                "--verify --ratio 1:1 -r 300 -d 20 -n 3000 --runs 3 --flush-before --allow-flush");
    expect_found(0, 0, 0);
    call_free(&call);
    call_expect(&call, 0, &(struct bench_setting){.port = NULL},
                "--managed --verify --ratio 1:1 -r 300 -d 20 -n 3000 --runs 2");
    expect_found(0, 0, 0);
    call_free(&call);
}

TEST(test_a_server_that_drops_keys)
{
    /* Breaks when keys that a server has dropped at its limit are called lost. */
    free(test_server_text(&server, "CONFIG SET maxmemory-policy allkeys-random"));
    free(test_server_text(&server, "CONFIG SET maxmemory %lld",
                          test_server_info(&server, "used_memory") + 3000000));
    call_run(&call, &at_server, "--verify --ratio 1:1 -r 20000 -d 200 -n 100000 -c 10");
    ck_assert_ptr_nonnull(strstr(call.program.err, "drops keys at its maxmemory"));
    ck_assert_int_gt(test_server_info(&server, "evicted_keys"), 100);
    expect_found(0, 0, 0);
    call_free(&call);
}

/* ---- refusals ---- */

TEST(test_refusals)
{
    /* Breaks when what cannot be checked is run all the same, or nobody says why not. */
    static const struct {
        const char *options, *words[8], *said;
    } cases[] = {
        {"--ratio 1:1 -r 10", {NULL}, "values of 3 bytes, and 8 are the least"},
        {"--ratio 1:1 -r 10 --value-size 4-100", {NULL}, "values of 4 bytes"},
        {"--ratio 1:1 -r 10 -d 8 --null", {NULL}, "--verify and --null exclude each other"},
        {"-t lpush,set -r 10 -d 8", {NULL}, "and not lpush"},
        {"-d 8 -- SET a b", {NULL}, "--template"},
        {"-d 8 --template -- APPEND {key} {value}", {NULL}, "nothing writes values"},
        {"-t get -r 10 -d 8", {NULL}, "add --prefill"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        call_expect(&call, 2, &at_server, "--verify %s", cases[i].options);
        ck_assert_msg(strstr(call.program.err, cases[i].said) != NULL, "%s: %s", cases[i].options,
                      call.program.err);
        call_free(&call);
    }
    static const struct {
        const char *command, *said;
    } classes[] = {
        {"\"APPEND {key} x\"", "class other: APPEND does to keys"},
        {"\"SET {key} {value} GET\"", "class other: SET is followed with the options"},
        {"\"SET {key} 12\"", "class other: SET does to keys"},
        {"FLUSHALL", "class other: FLUSHALL empties"},
        {"\"DEL key:000000000001\"", "DEL has a key that is made of more than {key}"},
        {"\"MGET {key} other\"", "MGET reads keys that are checked beside others"},
        {"\"RENAME other {key}\"", "RENAME does to keys"},
    };
    for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++) {
        char path[200];
        snprintf(path, sizeof path, "%s/load.yaml", server.directory);
        FILE *file = fopen(path, "w");
        ck_assert_ptr_nonnull(file);
        fprintf(file,
                "name: load\nkeys: {key: {count: 5}}\nvalues: {value: {size: 20}}\n"
                "classes: [{name: set, command: \"SET {key} {value}\"}, {name: other, command: "
                "%s}]\n",
                classes[i].command);
        fclose(file);
        call_expect(&call, 2, &at_server, "--verify --workload %s", path);
        ck_assert_msg(strstr(call.program.err, classes[i].said) != NULL, "%s: %s",
                      classes[i].command, call.program.err);
        call_free(&call);
    }
}

/* ---- clusters and replicas ---- */

static struct test_cluster cluster;
static struct test_replicated replicated;

static void cluster_set_up(void)
{
    test_cluster_start(&cluster, 2, 2, NULL);
}
static void cluster_tear_down(void)
{
    test_cluster_stop(&cluster);
}
static const struct suite_setting with_cluster = {
    .set_up = cluster_set_up, .tear_down = cluster_tear_down, .timeout_seconds = 120};

TEST_IN(with_cluster, test_no_false_alarm_in_a_cluster)
{
    /* Breaks when requests that a node sends elsewhere lose their version, or a replica's old value counts as lost. */
    const struct bench_setting at_cluster = {.port = cluster.nodes[0].port_text};
    call_start(
        &call, &at_cluster,
        "--cluster --verify --ratio 1:2 -r 300 -d 40 -c 20 -P 4 --test-duration 4 --prefill");
    while (test_server_integer(&cluster.nodes[0], "DBSIZE") == 0)
        nap();
    for (unsigned slot = 0; slot < 40; slot++)
        test_cluster_move_slot(&cluster, slot, 0, 1);
    test_cluster_promote(&cluster, 3);
    call_finish(&call);
    ck_assert_int_gt(run_json_count(&call, 1, "redirections.moved"), 0);
    expect_found(0, 0, 0);
    ck_assert_int_gt(found("verified"), 5000);
    call_free(&call);
    call_run(&call, &at_cluster,
             "--cluster --read-from-replica yes --verify --ratio 1:2 -r 300 -d 40 -c 20 -n 50000 "
             "--prefill");
    expect_found(0, found("stale"), 0);
    ck_assert_int_eq(call.program.exit_status, 0);
    call_free(&call);
}

/* What a killed volley had begun to write. */
static void drop_what_it_left(void)
{
    struct program program;
    program_run_shell(&program, call.directory, "shopt -s dotglob; rm -f ./*", 0);
    program_free(&program);
}

TEST(test_a_killed_run_tells_what_it_found)
{
    /* Breaks when the report of a run whose orchestrator was killed hides the values that were wrong. */
    struct program program;
    call_start(&call, &at_server,
               "--verify --prefill --mix get --sequential 2000 --test-duration 60 --interval 100ms "
               "-d 20 -c 2 --out %s/kept",
               server.directory);
    await_reads(&server, "get");
    free(test_server_text(&server, "SET key:000000001000 nothing"));
    const long long calls = test_server_calls(&server, "get");
    while (test_server_calls(&server, "get") < calls + 20000)
        nap();
    program_signal(&call.program, SIGKILL);
    program_wait(&call.program);
    drop_what_it_left();
    program_run_shell(&program, server.directory, "\"$volley\" report kept; true", 0);
    ck_assert_msg(strstr(program.out, "RED values") != NULL, "%.1500s", program.out);
    ck_assert_ptr_nonnull(strstr(program.out, "Verification:"));
    program_free(&program);
    call_free(&call);
}

static void replicated_set_up(void)
{
    test_replicated_start(&replicated, 1, NULL);
}
static void replicated_tear_down(void)
{
    test_replicated_stop(&replicated);
}
static const struct suite_setting with_replica = {
    .set_up = replicated_set_up, .tear_down = replicated_tear_down, .timeout_seconds = 120};

TEST_IN(with_replica, test_stale_reads_are_told_apart)
{
    /* Breaks when a value that a replica does not have is called lost, or ends the run as a failure. */
    struct test_server *replica = &replicated.replicas[0];
    free(test_server_text(replica, "CONFIG SET replica-read-only no"));
    call_start(&call, &(struct bench_setting){.port = replicated.primary.port_text},
               "--read-from-replica yes --verify --prefill --mix get --sequential 5000 -n 5000 "
               "--qps 1500 -d 20 -c 4");
    await_reads(replica, "get");
    await_keys(replica, 5000);
    for (unsigned i = 0; i < 50; i++)
        ck_assert_int_eq(test_server_integer(replica, "DEL key:%012u", 4900 + i), 1);
    call_finish(&call);
    expect_found(0, 50, 0);
    ck_assert_int_eq(call.program.exit_status, 0);
    ck_assert_ptr_nonnull(strstr(call.program.out, "AMBER values"));
    call_free(&call);
}

TEST_SUITE_WITH(verify, .set_up = at_server_set_up, .tear_down = at_server_tear_down,
                .timeout_seconds = 120)
