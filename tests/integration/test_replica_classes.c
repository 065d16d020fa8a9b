/* Loads whose classes part: reads to replicas, the rest to primaries, and what follows a write until a replica has it. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/check/cluster.h"
#include "tests/support/check/run_json.h"
#include "tests/support/check/suite.h"
#include "tests/support/check/support.h"

#define TCASE_TIMEOUT_SECONDS 90
#define REQUESTS 4000
#define WAIT_MS 30000

static struct test_replicated replicated;
static struct bench_call call;
static struct bench_setting setting;

static void start_replicas(void)
{
    test_replicated_start(&replicated, 2, NULL);
    setting = (struct bench_setting){.port = replicated.primary.port_text};
}

static void free_call(void)
{
    if (call.directory[0] != '\0')
        call_free(&call);
    memset(&call, 0, sizeof call);
    setting = (struct bench_setting){.port = NULL};
}
static const struct suite_setting with_managed = {.tear_down = free_call,
                                                  .timeout_seconds = TCASE_TIMEOUT_SECONDS};

static void stop_replicas(void)
{
    free_call();
    test_replicated_stop(&replicated);
}
static const struct suite_setting with_replicas = {
    .set_up = start_replicas, .tear_down = stop_replicas, .timeout_seconds = TCASE_TIMEOUT_SECONDS};

TEST_IN(with_replicas, each_class_goes_where_it_belongs)
{
    /* Breaks when a load that reads and writes leaves the replicas of a primary idle, or writes to one; or when
     * connections to replicas that are to get nothing keep the load drawing for them. */
    call_expect(&call, 0, &setting, "--rfr yes -c 6 -n %d --mix set:1,get:3 -r 100", REQUESTS);
    ck_assert_int_eq(run_json_count(&call, 0, "requests.ok"), REQUESTS);
    const long long reads = test_server_calls(&replicated.replicas[0], "get") +
                            test_server_calls(&replicated.replicas[1], "get");
    ck_assert_int_eq(reads, REQUESTS * 3 / 4);
    ck_assert_int_gt(test_server_calls(&replicated.replicas[0], "get"), 0);
    ck_assert_int_gt(test_server_calls(&replicated.replicas[1], "get"), 0);
    ck_assert_int_eq(test_server_calls(&replicated.primary, "get"), 0);
    ck_assert_int_eq(test_server_calls(&replicated.primary, "set"), REQUESTS / 4);
    call_free(&call);
    call_expect(&call, 0, &setting, "--rfr yes -c 6 -n %d --workload cache", REQUESTS);
    ck_assert_int_eq(run_json_count(&call, 0, "follow_ups.ok"), REQUESTS / 10);
    ck_assert_int_eq(run_json_count(&call, 0, "nodes.0.ring_full_ns"), 0);
}

/* ---- until it is there ---- */

#define PROBE "--workload replica-visibility --rfr yes -c 12 "

/* Of run 0, of the class "write:seen". */
static long long seen(const char *figure)
{
    char path[64];
    snprintf(path, sizeof path, "classes.2.requests.%s", figure);
    return run_json_count(&call, 0, path);
}

TEST_IN(with_replicas, what_was_written_is_seen_at_replicas)
{
    /* Breaks when a probe asks the primary, a write has none, or one is taken for a write. */
    call_expect(&call, 0, &setting, PROBE "-n %d --warmup 0.2", REQUESTS);
    ck_assert_int_ge(run_json_count(&call, 0, "requests.ok"), REQUESTS);
    ck_assert_int_ge(seen("ok"), REQUESTS);
    ck_assert_int_eq(seen("hits"), seen("ok"));
    ck_assert_ptr_nonnull(
        strstr(call.program.out, "\nNot the same in each run with this seed: {run}, then\n"));
    ck_assert_int_eq(test_server_calls(&replicated.primary, "get"), 0);
    ck_assert_int_gt(test_server_calls(&replicated.replicas[0], "get"), 0);
    ck_assert_int_gt(test_server_calls(&replicated.replicas[1], "get"), 0);
    /* Else a hit may mean another write, such as one of the warm-up. */
    ck_assert_int_eq(test_server_integer(&replicated.primary, "DBSIZE"),
                     test_server_calls(&replicated.primary, "set"));
    call_free(&call);
    free(test_server_text(&replicated.replicas[0], "REPLICAOF NO ONE"));
    free(test_server_text(&replicated.replicas[1], "REPLICAOF NO ONE"));
    call_expect(&call, 5, &setting, PROBE "-n 10");
    ck_assert_ptr_nonnull(strstr(call.program.err, "replica"));
}

/* Starts a load, and stops the replicas once it is under way. */
static void start_and_pause(const char *options)
{
    const uint64_t end_ms = support_now_ms() + WAIT_MS;
    call_start(&call, &setting, PROBE "%s", options);
    while (test_server_calls(&replicated.primary, "set") < 100) {
        ck_assert_uint_lt(support_now_ms(), end_ms);
        support_sleep_ms(5);
    }
    for (uint32_t i = 0; i < 2; i++)
        test_server_pause(&replicated.replicas[i]);
}

static void finish_and_resume(int exit_status)
{
    call_finish(&call);
    for (uint32_t i = 0; i < 2; i++)
        test_server_resume(&replicated.replicas[i]);
    ck_assert_msg(call.program.exit_status == exit_status, "%d: %s", call.program.exit_status,
                  call.program.err);
}

TEST_IN(with_replicas, replicas_that_stand_still_let_probes_time_out)
{
    /* Breaks when probes that nobody answers are forgotten, fail the writes that they follow, or keep a run from its end. */
    start_and_pause("--qps 400 --duration 3 --request-timeout 200ms");
    finish_and_resume(0);
    ck_assert_int_gt(seen("timed_out"), 0);
    ck_assert_int_eq(run_json_count(&call, 0, "requests.timed_out"), 0);
    ck_assert_int_eq(run_json_count(&call, 0, "requests.ok"),
                     run_json_count(&call, 0, "requests.sent"));
    ck_assert_int_eq(seen("ok") + seen("timed_out") + seen("lost"), seen("sent"));
}

TEST_IN(with_replicas, an_interrupt_ends_probes)
{
    /* Breaks when Ctrl+C waits for a replica that stands still, beyond draining. */
    start_and_pause("--duration 600 --request-timeout 500");
    program_signal(&call.program, SIGINT);
    finish_and_resume(130);
    ck_assert_int_gt(seen("lost"), 0);
}

TEST_IN(with_managed, probes_run_in_a_cluster)
{
    /* Breaks when a probe goes to the replica of another primary, or a primary without one is asked itself. */
    call_expect(&call, 0, &setting, "--managed cluster=2+2 " PROBE "-n %d", REQUESTS);
    ck_assert_int_eq(seen("ok"), REQUESTS);
    ck_assert_int_eq(run_json_count(&call, 0, "redirections.moved"), 0);
    call_free(&call);
    call_expect(&call, 5, &setting, "--managed cluster=2+1 " PROBE "-n 10");
    ck_assert_msg(strstr(call.program.err, "(until: hit), and 127.0.0.1:") != NULL, "%s",
                  call.program.err);
}

TEST_IN(with_managed, replicas_must_be_asked_for)
{
    /* Breaks when a probe reads from the primary, which has everything at once, and the report says so well of it. */
    call_expect(&call, 2, &setting, "-p 1 --workload replica-visibility");
    ck_assert_ptr_nonnull(strstr(call.program.err, "class seen is asked of replicas"));
    call_free(&call);
    call_expect(&call, 2, &setting, "-p 1 --workload replica-visibility --rfr all");
    ck_assert_ptr_nonnull(strstr(call.program.err, "some would ask the primary"));
}

TEST_SUITE(replica_classes)
