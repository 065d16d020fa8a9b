/* Several workloads side by side at a real server: each with its own connections, rate, user and database, reported
 * apart and together. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/check/at_server.h"
#include "tests/support/check/cluster.h"
#include "tests/support/check/suite.h"
#include "tests/support/check/support.h"

#define PAIR "--workload session-store,qps=2k,c=6 --workload queue,c=3,db=1"

static json_t *stream_of(size_t run, size_t index)
{
    return json_array_get(json_object_get(run_json_at(call.root, run), "streams"), index);
}

static long long of_stream(size_t run, size_t index, const char *path)
{
    char whole[96];
    snprintf(whole, sizeof whole, "streams.%zu.%s", index, path);
    return run_json_count(&call, run, whole);
}

/* Each figure of the run is the sum of those of its workloads; follow-ups stand beside them. */
static void expect_sums(size_t run)
{
    static const char *const figures[] = {"due",  "sent", "ok",     "errors", "timed_out",
                                          "lost", "hits", "misses", "shed",   "backlog"};
    const size_t count = json_array_size(json_object_get(run_json_at(call.root, run), "streams"));
    ck_assert_uint_ge(count, 2);
    for (size_t i = 0; i < sizeof figures / sizeof figures[0]; i++) {
        char path[64];
        long long sum = 0;
        snprintf(path, sizeof path, "requests.%s", figures[i]);
        for (size_t k = 0; k < count; k++)
            sum += of_stream(run, k, path);
        ck_assert_msg(sum == run_json_count(&call, run, path), "%s: %lld of workloads, %lld in all",
                      figures[i], sum, run_json_count(&call, run, path));
    }
}

TEST(test_each_has_its_own)
{
    /* breaks if workloads side by side share connections, a rate or a database, or do not add up to the run */
    call_expect(&call, 0, &at_server, PAIR " --duration 2");
    ck_assert_uint_eq(json_array_size(json_object_get(call.root, "runs")), 1);
    expect_sums(0);
    const json_t *first = stream_of(0, 0), *second = stream_of(0, 1);
    ck_assert_str_eq(json_string_value(json_object_get(first, "name")), "session-store");
    ck_assert_str_eq(json_string_value(json_object_get(second, "name")), "queue");
    ck_assert_int_eq(of_stream(0, 0, "requests.due"), 4000);
    ck_assert_int_eq(of_stream(0, 0, "connections"), 6);
    ck_assert_int_eq(of_stream(0, 1, "connections"), 3);
    ck_assert_int_eq(of_stream(0, 1, "database"), 1);
    ck_assert(json_is_null(json_object_get(json_object_get(second, "rate"), "target")));
    ck_assert_str_eq(json_string_value(json_array_get(json_object_get(first, "classes"), 0)),
                     "session-store:read");
    /* queue has keys of its own kind only, and session-store none of them */
    ck_assert_int_gt(test_server_calls(&server, "lpush"), 0);
    char *there = test_server_text(&server, "INFO keyspace");
    ck_assert_ptr_nonnull(strstr(there, "db0:"));
    ck_assert_ptr_nonnull(strstr(there, "db1:"));
    free(there);
    ck_assert_ptr_nonnull(strstr(call.program.out, "\nWorkloads:\n"));
    ck_assert_ptr_nonnull(strstr(call.program.out, "Of the workloads with a rate:\n"));
    call_free(&call);
}

TEST(test_n_is_of_each)
{
    /* breaks if -n is shared out, or one workload that is done keeps the others from their end */
    call_expect(&call, 0, &at_server,
                "--workload session-store,c=2 --workload queue,c=8,pipeline=16 --processes 2 "
                "-n 6000 --prefill");
    const size_t last = json_array_size(json_object_get(call.root, "runs")) - 1;
    expect_sums(last);
    ck_assert_int_eq(of_stream(last, 0, "requests.sent"), 6000);
    ck_assert_int_eq(of_stream(last, 1, "requests.sent"), 6000);
    ck_assert_int_eq(of_stream(last, 0, "requests.misses"), 0);
    call_free(&call);
}

TEST(test_one_workload_twice)
{
    /* breaks if the same file cannot be two loads that are told apart */
    call_expect(&call, 0, &at_server,
                "--workload ycsb-a,name=slow,qps=200 --workload ycsb-a,name=fast,qps=1000 "
                "--duration 1 --check slow:p99<10s --check fast:rate>1 --check slow:read:p99<10s");
    expect_sums(0);
    ck_assert_int_eq(of_stream(0, 0, "requests.due"), 200);
    ck_assert_int_eq(of_stream(0, 1, "requests.due"), 1000);
    ck_assert_int_eq(run_json_count(&call, 0, "requests.due"), 1200);
    call_free(&call);
}

TEST(test_objectives_name_a_workload)
{
    /* breaks if a check about a workload that is not there passes, or nobody says what there is */
    call_expect(&call, 2, &at_server, PAIR " -n 10 --check session:p99<1ms");
    ck_assert_msg(strstr(call.program.err, "session-store") != NULL, "%s", call.program.err);
    call_free(&call);
    call_expect(&call, 1, &at_server, PAIR " --duration 1 --check queue:rate>100m");
    ck_assert_msg(strstr(call.program.err, "the check queue:rate>100m failed") != NULL, "%s",
                  call.program.err);
    call_free(&call);
}

TEST(test_each_is_its_own_user)
{
    /* breaks if a workload connects as another one's user, or its errors are another one's */
    const char *const environment[] = {"VOLLEY_APP=pw-of-app", NULL};
    struct bench_setting setting = at_server;
    setting.environment = environment;
    char *answer = test_server_text(&server, "ACL SETUSER app on >pw-of-app ~queue:* +@all");
    ck_assert_str_eq(answer, "OK");
    free(answer);
    call_run(&call, &setting,
             "--workload queue,user=app,password-env=VOLLEY_APP --workload "
             "session-store,name=other,user=app,password-env=VOLLEY_APP --workload session-store "
             "-n 1000 -c 2");
    ck_assert_int_eq(of_stream(0, 0, "requests.ok"), 1000);
    ck_assert_int_eq(of_stream(0, 1, "requests.errors"), 1000);
    ck_assert_int_eq(of_stream(0, 2, "requests.ok"), 1000);
    ck_assert_ptr_null(strstr(call.program.out, "pw-of-app"));
    call_free(&call);
}

TEST(test_a_workload_whose_user_is_refused)
{
    /* breaks if a run begins though one of its workloads cannot connect */
    const char *const environment[] = {"VOLLEY_APP=wrong", NULL};
    struct bench_setting setting = at_server;
    setting.environment = environment;
    call_expect(&call, 5, &setting,
                "--workload queue --workload session-store,user=app,password-env=VOLLEY_APP -n 10");
    ck_assert_msg(strstr(call.program.err, "WRONGPASS") != NULL, "%s", call.program.err);
    call_free(&call);
}

TEST(test_every_database_is_emptied)
{
    /* breaks if --flush-before leaves the keys of a workload that is in another database */
    free(test_server_text(&server, "SET left 1"));
    free(test_server_text(&server, "COPY left left DB 1"));
    call_expect(&call, 0, &at_server,
                "--workload queue,c=1 --workload queue,db=1,name=b,c=1 -n 10 --flush-before "
                "--allow-flush");
    ck_assert_int_eq(test_server_integer(&server, "EXISTS left"), 0);
    ck_assert_int_eq(test_server_integer(&server, "COPY left right DB 1"), 0);
    call_free(&call);
    char *there = test_server_text(&server, "INFO keyspace");
    ck_assert_ptr_nonnull(strstr(there, "db1:"));
    free(there);
}

TEST(test_an_interrupted_run_tells_them_apart)
{
    /* breaks if Ctrl+C, or a report rebuilt from the journal, loses what each workload did */
    call_start(&call, &at_server, PAIR " --duration 60 --interval 100ms --out %s/kept",
               server.directory);
    while (test_server_calls(&server, "lpush") < 200 || test_server_calls(&server, "get") < 200)
        support_sleep_ms(50);
    program_signal(&call.program, SIGINT);
    call_finish(&call);
    ck_assert_int_eq(call.program.exit_status, 130);
    expect_sums(0);
    const long long ok = of_stream(0, 0, "requests.ok"), others = of_stream(0, 1, "requests.ok");
    ck_assert_int_gt(ok, 0);
    struct program program;
    char line[256];
    snprintf(line, sizeof line,
             "rm kept/run.json; \"$volley\" report kept --json again.json &>/dev/null");
    program_run_shell(&program, server.directory, line, 0);
    program_free(&program);
    json_decref(call.root);
    snprintf(line, sizeof line, "%s/again.json", server.directory);
    call.root = json_load_file(line, 0, NULL);
    ck_assert_ptr_nonnull(call.root);
    expect_sums(0);
    ck_assert_int_eq(of_stream(0, 0, "requests.ok"), ok);
    ck_assert_int_eq(of_stream(0, 1, "requests.ok"), others);
    call_free(&call);
}

/* What a killed volley had begun to write. */
static void drop_what_it_left(void)
{
    struct program program;
    program_run_shell(&program, call.directory, "shopt -s dotglob; rm -f ./*", 0);
    program_free(&program);
}

TEST(test_a_killed_run_says_what_it_knows)
{
    /* breaks if a report of a run that was killed tells a target, or what was due, of a workload of which nobody knows
     * it; or an anonymised one the names of workloads, classes and key spaces */
    struct program program;
    call_start(&call, &at_server, PAIR " --duration 60 --interval 100ms --out %s/kept",
               server.directory);
    while (test_server_calls(&server, "lpush") < 20000) /* more than come in some intervals */
        support_sleep_ms(20);
    program_signal(&call.program, SIGKILL);
    program_wait(&call.program);
    drop_what_it_left();
    program_run_shell(&program, server.directory, "\"$volley\" report kept --json again.json; true",
                      0);
    ck_assert_ptr_null(strstr(program.out, "Target rate"));
    ck_assert_msg(strstr(program.out, "\nWorkloads:\n") != NULL, "%.700s", program.err);
    program_free(&program);
    char path[256];
    snprintf(path, sizeof path, "%s/again.json", server.directory);
    call.root = json_load_file(path, 0, NULL);
    ck_assert_ptr_nonnull(call.root);
    const json_t *requests = json_object_get(stream_of(0, 0), "requests");
    ck_assert(json_is_null(json_object_get(requests, "due")));
    ck_assert(json_is_null(
        json_object_get(json_object_get(run_json_at(call.root, 0), "rate"), "target")));
    ck_assert_int_gt(of_stream(0, 0, "requests.ok"), 0);
    call_free(&call);
    program_run_shell(&program, server.directory,
                      "\"$volley\" report kept --anonymise --json - | grep -E "
                      "'session-store|queue|cart|profile|take'; [ $? = 1 ]",
                      0);
    program_free(&program);
}

TEST(test_a_worker_that_dies)
{
    /* breaks if the replacement of a worker forgets one of its workloads, or the numbers no longer add up */
    pid_t workers[2];
    call_start(&call, &at_server, PAIR " --duration 3 --processes 2 --interval 100ms");
    program_wait_children(&call.program, workers, 2);
    while (test_server_calls(&server, "lpush") < 200)
        support_sleep_ms(20);
    ck_assert_int_eq(kill(workers[1], SIGKILL), 0);
    call_finish(&call);
    ck_assert_msg(call.program.exit_status == 0, "%s", call.program.err);
    ck_assert_int_eq(run_json_count(&call, 0, "workers.1.restarts"), 1);
    ck_assert_int_eq(of_stream(0, 0, "requests.due"), 6000);
    ck_assert_int_gt(of_stream(0, 1, "requests.ok"), 0);
    call_free(&call);
}

TEST(test_an_outage_is_seen_once)
{
    /* breaks if a server that goes away is not seen, or one of the workloads stays away when it is back */
    call_start(&call, &at_server, PAIR " --duration 4 --interval 100ms");
    while (test_server_calls(&server, "lpush") < 200)
        support_sleep_ms(20);
    test_server_kill(&server);
    test_server_restart(&server);
    call_finish(&call);
    ck_assert_msg(call.program.exit_status == 0, "%s", call.program.err);
    expect_sums(0);
    ck_assert_int_gt(test_server_calls(&server, "lpush"), 0);
    ck_assert_int_gt(test_server_calls(&server, "get"), 0);
    call_free(&call);
}

TEST(test_a_search_beside_a_load)
{
    /* breaks if find-max searches the rate of what was to be in the background, or counts its requests as its own */
    struct program program;
    char json[160];
    snprintf(json, sizeof json, "%s/max.json", server.directory);
    program_run_volley(&program, "find-max", "-p", server.port_text, "--workload",
                       "session-store,c=4", "--workload", "queue,c=2,qps=300", "--slo",
                       "session-store:p99<10s", "--start-rate", "100", "--max-rate", "200",
                       "--window", "1", "--windows", "1", "--max-probes", "2", "--json", json,
                       NULL);
    ck_assert_msg(program.exit_status == 0 || program.exit_status == 4, "%d: %s%s",
                  program.exit_status, program.out, program.err);
    json_t *root = json_load_file(json, 0, NULL);
    const json_t *probes = json_object_get(root, "probes");
    ck_assert_uint_ge(json_array_size(probes), 1);
    for (size_t i = 0; i < json_array_size(probes); i++) {
        const json_t *probe = json_array_get(probes, i);
        const json_t *rate = json_object_get(probe, "rate");
        const double asked = json_number_value(json_object_get(rate, "asked"));
        const double achieved = json_number_value(json_object_get(rate, "achieved"));
        ck_assert_msg(achieved > 0 && achieved < asked * 1.5, "%g of %g", achieved, asked);
    }
    json_decref(root);
    program_free(&program);
    program_run_volley(&program, "find-max", "-p", server.port_text, "--workload", "queue",
                       "--workload", "session-store", "--slo", "p99<1s", NULL);
    ck_assert_int_eq(program.exit_status, 2);
    ck_assert_msg(strstr(program.err, "qps=N behind it") != NULL, "%s", program.err);
    program_free(&program);
}

TEST(test_the_rates_stay)
{
    /* breaks if a change of the rate under way goes to a workload that nobody named */
    struct program program;
    char path[120];
    snprintf(path, sizeof path, "%s/ctl", server.directory);
    call_start(&call, &at_server, PAIR " --duration 60 --control %s", path);
    while (test_server_calls(&server, "lpush") < 200)
        support_sleep_ms(20);
    program_run_volley(&program, "ctl", path, "rate", "100", NULL);
    ck_assert_int_ne(program.exit_status, 0);
    ck_assert_msg(strstr(program.err, "several workloads side by side") != NULL, "%s", program.err);
    program_free(&program);
    program_run_volley(&program, "ctl", path, "status", NULL);
    ck_assert_msg(program.exit_status == 0, "%s", program.err);
    program_free(&program);
    program_run_volley(&program, "ctl", path, "stop", NULL);
    ck_assert_int_eq(program.exit_status, 0);
    program_free(&program);
    call_finish(&call);
    ck_assert_int_eq(call.program.exit_status, 0);
    call_free(&call);
}

static struct test_cluster cluster;

static void cluster_set_up(void)
{
    test_cluster_start(&cluster, 3, 0, NULL);
}

static void cluster_tear_down(void)
{
    test_cluster_stop(&cluster);
}
static const struct suite_setting with_cluster = {
    .set_up = cluster_set_up, .tear_down = cluster_tear_down, .timeout_seconds = 120};

TEST_IN(with_cluster, test_in_a_cluster)
{
    /* breaks if one of the workloads does not follow the slots, or nodes have the requests of one of them only */
    call_expect(&call, 0, &(struct bench_setting){.port = cluster.nodes[0].port_text},
                "--cluster --workload session-store,c=6 --workload queue,c=9,qps=500 --duration 1 "
                "--processes 2");
    expect_sums(0);
    ck_assert_int_eq(run_json_count_or_zero(&call, 0, "redirects.moved"), 0);
    call_free(&call);
    call_expect(&call, 2, &(struct bench_setting){.port = cluster.nodes[0].port_text},
                "--cluster --workload session-store --workload queue,db=1 -n 10");
    call_free(&call);
}

TEST_SUITE_WITH(side_by_side, .set_up = at_server_set_up, .tear_down = at_server_tear_down,
                .timeout_seconds = 120)
