/* The failure timeline of a real server, against a probe of the test's own. */
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/slots.h"
#include "tests/support/check/cluster.h"
#include "tests/support/check/run_json.h"
#include "tests/support/check/suite.h"
#include "tests/support/check/support.h"
#include "tests/support/check/trial.h"

#define SECOND_S ((double)NS_PER_SECOND)
static struct trial trial;

/* One GET after another on one connection, on a clock that volley reads as well. */
static uint64_t probe_ok_ns(int fd)
{
    static const char get[] = "GET probe\r\n";
    char reply[5]; /* $-1 and the end of the line */
    ck_assert_int_eq(send(fd, get, sizeof get - 1, MSG_NOSIGNAL), (ssize_t)sizeof get - 1);
    ck_assert(support_read_exactly(fd, reply, sizeof reply));
    return clock_now_ns();
}

static json_t *only_outage(void)
{
    json_t *failures = json_object_get(trial.run, "failures");
    json_t *outages = json_object_get(failures, "outages");
    ck_assert_msg(json_array_size(outages) == 1, "%zu outages\n%s", json_array_size(outages),
                  trial.program.out);
    ck_assert_int_eq(json_integer_value(json_object_get(failures, "count")), 1);
    return json_array_get(outages, 0);
}

static double number_of(const json_t *outage, const char *key)
{
    const json_t *value = json_object_get(outage, key);
    ck_assert_msg(json_is_number(value), "%s", key);
    return json_number_value(value);
}

TEST(test_a_pause_is_as_long_as_a_probe_saw)
{
    /* breaks: a server that stood still is not in the report, or is so for another time than it was */
    test_server_start(&world.server, NULL);
    trial_start(&trial, "-p", world.server.port_text, "-t", "get", "-c", "4", "--rps", "2000",
                "--duration", "60", "--interval", "100ms", NULL);
    trial_wait_calls("get", 1000);
    int fd = support_connect(world.server.port, 20000);
    ck_assert_int_ge(fd, 0);
    uint64_t before_ns = probe_ok_ns(fd);
    test_server_pause(&world.server);
    support_sleep_ms(1500);
    test_server_resume(&world.server);
    uint64_t after_ns = probe_ok_ns(fd);
    close(fd);
    trial_wait_flow("get");
    support_sleep_ms(300); /* the row that holds the first success */
    program_signal(&trial.program, 2);
    trial_end(&trial, 130);
    json_t *outage = only_outage();
    double seen = (double)(after_ns - before_ns) / SECOND_S;
    ck_assert_double_eq_tol(number_of(outage, "seconds"), seen, 0.1);
    ck_assert(json_is_true(json_object_get(outage, "pause")));
    ck_assert(json_is_true(json_object_get(outage, "recovered")));
    json_t *during = json_object_get(json_object_get(outage, "response_time_us"), "during");
    ck_assert_double_ge(number_of(during, "max"), 1.4e6);
    /* Those that fell due meanwhile had no connection: volley was not late. */
    ck_assert_double_ge(trial_number(&trial, "wait_us", "max"), 1.3e6);
    ck_assert_double_gt(trial_number(&trial, "wait_us", "mean"),
                        10 * trial_number(&trial, "slip_us", "mean"));
    ck_assert_str_eq(trial_verdict(&trial, "outage"), "RED");
    trial_expect(&trial, PROGRAM_OUT, "\nFailures:\n");
    trial_expect(&trial, PROGRAM_OUT, "a pause: nothing failed");
    trial_free(&trial);
}

LOOP_TEST(test_a_stop_of_volley_is_no_outage, 2)
{
    /* breaks: a volley that was stopped, whole as by Ctrl+Z or only its workers, reports an outage of its
     * target */
    pid_t pids[3];
    test_server_start(&world.server, NULL);
    trial_start(&trial, "-p", world.server.port_text, "-t", "get", "-c", "4", "--duration", "60",
                "--interval", "100ms", "--processes", "2", NULL);
    trial_wait_calls("get", 1000);
    program_wait_children(&trial.program, pids, 2);
    pids[2] = trial.program.pid;
    for (int i = 0; i < 2 + _i; i++)
        ck_assert_int_eq(kill(pids[i], SIGSTOP), 0);
    support_sleep_ms(1500);
    for (int i = 0; i < 2 + _i; i++)
        ck_assert_int_eq(kill(pids[i], SIGCONT), 0);
    trial_wait_flow("get");
    support_sleep_ms(300); /* the row that holds the first success */
    program_signal(&trial.program, 2);
    trial_end(&trial, 130);
    json_t *failures = json_object_get(trial.run, "failures");
    json_t *stops = json_object_get(failures, "own_stops");
    ck_assert_msg(json_integer_value(json_object_get(failures, "count")) == 0, "%s",
                  trial.program.out);
    ck_assert_uint_ge(json_array_size(stops), 1);
    double seconds = 0;
    for (size_t i = 0; i < json_array_size(stops); i++)
        seconds += number_of(json_array_get(stops, i), "seconds");
    ck_assert_double_ge(seconds, 1.4);
    ck_assert_str_eq(trial_verdict(&trial, "outage"), "GREEN");
    ck_assert_str_ne(trial_verdict(&trial, "stood_still"), "GREEN");
    trial_expect(&trial, PROGRAM_ERR, "volley itself stood still for");
    trial_expect(&trial, PROGRAM_OUT, "volley itself stood still for");
    trial_free(&trial);
}

TEST(test_a_restart_is_an_outage)
{
    /* breaks: a server that died and came back is not in the report, or what was lost with it, or a
     * report that is rebuilt tells it otherwise */
    char out[300];
    test_server_start(&world.server, NULL);
    snprintf(out, sizeof out, "%s/run", world.tree.path);
    trial_start(&trial, "-p", world.server.port_text, "-t", "get", "-c", "4", "-P", "8",
                "--duration", "60", "--interval", "100ms", "--out", out, NULL);
    trial_wait_calls("get", 1000);
    test_server_pause(&world.server); /* with requests in flight */
    support_sleep_ms(200);
    test_server_kill(&world.server);
    support_sleep_ms(300);
    test_server_restart(&world.server);
    trial_wait_calls("get", 1000);
    support_sleep_ms(300);
    program_signal(&trial.program, 2);
    trial_end(&trial, 130);
    json_t *outage = only_outage();
    ck_assert_double_ge(number_of(outage, "seconds"), 0.45);
    ck_assert_double_ge(number_of(outage, "first_failed_to_first_ok_seconds"), 0.29);
    ck_assert_double_le(number_of(outage, "first_failed_to_first_ok_seconds"),
                        number_of(outage, "seconds"));
    ck_assert_int_gt(json_integer_value(json_object_get(outage, "lost")), 0);
    ck_assert_int_eq(json_integer_value(json_object_get(outage, "outcome_unknown")),
                     trial_count(&trial, "requests", "lost"));
    ck_assert_int_eq(json_integer_value(json_object_get(outage, "connections_lost")), 4);

    struct program again;
    char path[400];
    snprintf(path, sizeof path, "%s/again.json", world.tree.path);
    program_run_volley(&again, "report", out, "--json", path, NULL);
    ck_assert_msg(again.exit_status == 0, "%d\n%s", again.exit_status, again.err);
    program_free(&again);
    json_t *rebuilt = json_load_file(path, 0, NULL);
    json_t *run = json_array_get(json_object_get(rebuilt, "runs"), 0);
    ck_assert(json_equal(json_object_get(run, "failures"), json_object_get(trial.run, "failures")));
    ck_assert(
        json_equal(json_object_get(run, "connections"), json_object_get(trial.run, "connections")));
    json_decref(rebuilt);
    trial_free(&trial);
}

/* ---- Failover of a cluster. ---- */

static struct test_cluster cluster;

static void make_directory(void)
{
    temp_tree_make(&world.tree);
}

static void stop_cluster(void)
{
    test_cluster_stop(&cluster);
    temp_tree_remove(&world.tree);
}

/* A key of the slots of node 1 of three. */
static void key_of_second(char *key, size_t key_bytes)
{
    uint16_t slot;
    unsigned number = 0;
    do {
        snprintf(key, key_bytes, "probe:%u", number++);
        slot = slots_of_key(key, strlen(key));
    } while (slot < SLOTS_COUNT / 3 + 10 || slot > 2 * SLOTS_COUNT / 3 - 10);
}

/* When the node takes a write of the key; 0: it does not, for whatever reason. */
static uint64_t write_ok_ns(uint16_t port, const char *key)
{
    char command[128], reply[5];
    int fd = support_connect(port, 1000);
    if (fd < 0)
        return 0;
    int bytes = snprintf(command, sizeof command, "SET %s x\r\n", key);
    bool sent = send(fd, command, (size_t)bytes, MSG_NOSIGNAL) == bytes;
    bool good = sent && support_read_exactly(fd, reply, sizeof reply) &&
                memcmp(reply, "+OK\r\n", sizeof reply) == 0;
    close(fd);
    return good ? clock_now_ns() : 0;
}

/* A client of its own that writes to a shard until its replica, node 4, has taken over. */
static double probe_failover(const char *key)
{
    uint64_t before_ns = write_ok_ns(cluster.nodes[1].port, key), after_ns = 0;
    ck_assert_uint_gt(before_ns, 0);
    test_server_kill(&cluster.nodes[1]);
    for (uint64_t give_up_ms = support_now_ms() + 30000; after_ns == 0; support_sleep_ms(2)) {
        ck_assert_uint_lt(support_now_ms(), give_up_ms);
        after_ns = write_ok_ns(cluster.nodes[4].port, key);
    }
    return (double)(after_ns - before_ns) / SECOND_S;
}

static const struct suite_setting failover = {
    .set_up = make_directory, .tear_down = stop_cluster, .timeout_seconds = 180};

TEST_IN(failover, test_a_failover_is_as_long_as_a_probe_saw)
{
    /* breaks: volley finds the new primary long after others do, hangs, or tells another outage than
     * there was */
    char key[32];
    test_cluster_start(&cluster, 3, 3, NULL);
    key_of_second(key, sizeof key);
    struct program program;
    char path[256];
    snprintf(path, sizeof path, "%s/run.json", world.tree.path);
    program_start_volley(&program, "bench", "-p", cluster.nodes[0].port_text, "--cluster", "-t",
                         "set", "-r", "100000", "--rps", "5000", "--duration", "60", "--interval",
                         "100ms", "--json", path, NULL);
    for (uint64_t give_up_ms = support_now_ms() + 30000;
         test_server_calls(&cluster.nodes[1], "set") < 3000; support_sleep_ms(10))
        ck_assert_uint_lt(support_now_ms(), give_up_ms);
    double seen = probe_failover(key);
    long long calls = test_server_calls(&cluster.nodes[4], "set");
    for (uint64_t give_up_ms = support_now_ms() + 30000;
         test_server_calls(&cluster.nodes[4], "set") < calls + 3000; support_sleep_ms(10))
        ck_assert_uint_lt(support_now_ms(), give_up_ms);
    program_signal(&program, 2);
    program_wait(&program);
    ck_assert_msg(program.exit_status == 130, "%d\n%s", program.exit_status, program.err);
    json_t *json = json_load_file(path, 0, NULL);
    ck_assert_ptr_nonnull(json);
    run_json_check(json);
    const json_t *run = json_array_get(json_object_get(json, "runs"), 0);
    const json_t *failures = json_object_get(run, "failures");
    const json_t *nodes = json_object_get(run, "nodes"), *node, *found = NULL;
    size_t i;
    json_array_foreach(json_object_get(failures, "nodes"), i, node)
    {
        const json_t *named =
            json_array_get(nodes, (size_t)json_integer_value(json_object_get(node, "index")));
        const char *address = json_string_value(json_object_get(named, "address"));
        if (strstr(address, cluster.nodes[1].port_text) != NULL)
            found = json_array_get(json_object_get(node, "outages"), 0);
    }
    ck_assert_msg(found != NULL, "%s", program.out);
    ck_assert_double_eq_tol(number_of(found, "seconds"), seen, 0.1);
    node = json_array_get(nodes, (size_t)number_of(found, "taken_over_by"));
    ck_assert_ptr_nonnull(
        strstr(json_string_value(json_object_get(node, "address")), cluster.nodes[4].port_text));
    ck_assert_str_eq(json_string_value(json_object_get(node, "role")), "primary");
    ck_assert_str_eq(json_string_value(json_object_get(node, "role_at_start")), "replica");
    const json_t *requests = json_object_get(run, "requests");
    ck_assert_int_eq(json_integer_value(json_object_get(requests, "errors")), 0);
    /* Tickets of that node waited for it, and volley was not late with them. */
    ck_assert_double_gt(run_json_number(run, "wait_us.mean"),
                        10 * run_json_number(run, "slip_us.mean"));
    json_decref(json);
    program_free(&program);
}

TEST_SUITE_WITH(failures, .set_up = trial_set_up, .tear_down = trial_tear_down,
                .timeout_seconds = 120)
