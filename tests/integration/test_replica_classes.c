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

static struct test_replicated replicated;
static struct bench_call call;
static struct bench_setting setting;

static void start_replicas(void)
{
    test_replicated_start(&replicated, 2, NULL);
    setting = (struct bench_setting){.port = replicated.primary.port_text};
}

static void stop_replicas(void)
{
    if (call.directory[0] != '\0')
        call_free(&call);
    memset(&call, 0, sizeof call);
    test_replicated_stop(&replicated);
}
static const struct suite_setting with_replicas = {
    .set_up = start_replicas, .tear_down = stop_replicas, .timeout_seconds = TCASE_TIMEOUT_SECONDS};

/* Calls of a command, by the server's own count. */
static long long calls(const struct test_server *server, const char *command)
{
    char name[64];
    char *text = test_server_text(server, "INFO commandstats");
    snprintf(name, sizeof name, "cmdstat_%s:calls=", command);
    const char *at = strstr(text, name);
    const long long count = at != NULL ? strtoll(at + strlen(name), NULL, 10) : 0;
    free(text);
    return count;
}

TEST_IN(with_replicas, each_class_goes_where_it_belongs)
{
    /* Breaks when a load that reads and writes leaves the replicas of a primary idle, or writes to one; or when
     * connections to replicas that are to get nothing keep the load drawing for them. */
    call_expect(&call, 0, &setting, "--rfr yes -c 6 -n %d --mix set:1,get:3 -r 100", REQUESTS);
    ck_assert_int_eq(run_json_count(&call, 0, "requests.ok"), REQUESTS);
    const long long reads =
        calls(&replicated.replicas[0], "get") + calls(&replicated.replicas[1], "get");
    ck_assert_int_eq(reads, REQUESTS * 3 / 4);
    ck_assert_int_gt(calls(&replicated.replicas[0], "get"), 0);
    ck_assert_int_gt(calls(&replicated.replicas[1], "get"), 0);
    ck_assert_int_eq(calls(&replicated.primary, "get"), 0);
    ck_assert_int_eq(calls(&replicated.primary, "set"), REQUESTS / 4);
    call_free(&call);
    call_expect(&call, 0, &setting, "--rfr yes -c 6 -n %d --workload cache", REQUESTS);
    ck_assert_int_eq(run_json_count(&call, 0, "follow_ups.ok"), REQUESTS / 10);
    ck_assert_int_eq(run_json_count(&call, 0, "nodes.0.ring_full_ns"), 0);
}

TEST_SUITE(replica_classes)
