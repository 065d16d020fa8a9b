/* Each action of --chaos on real servers, whose state is looked at afterwards; and under load. */
#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "orchestrator/machine/system_file.h"
#include "orchestrator/report/timeline.h"
#include "orchestrator/server/chaos.h"
#include "tests/support/check/managed.h"
#include "tests/support/check/run_json.h"
#include "tests/support/check/suite.h"
#include "tests/support/check/support.h"

#define TCASE_TIMEOUT_SECONDS 120
#define EVENTS_MS 60000

static struct managed_cluster cluster;
static struct chaos_plan plan;
static struct chaos *chaos;
static struct event_base *base;
static struct run_notes heard;

static void hear(void *state, const struct note *note)
{
    (void)state;
    ck_assert_uint_lt(heard.count, RUN_NOTES_MAX);
    heard.items[heard.count++] = *note;
}

static void tear_down(void)
{
    chaos_destroy(chaos);
    chaos = NULL;
    if (base != NULL)
        event_base_free(base);
    base = NULL;
    chaos_plan_free(&plan);
    managed_cluster_stop(&cluster);
}

/* Begins a plan on the servers that run. */
static void begin(const char *text)
{
    struct err err = {.code = OK};
    const struct spec spec = {.managed.wanted = true,
                              .managed.primaries =
                                  cluster.setup.cluster ? cluster.count - cluster.replicas : 0,
                              .managed.replicas = cluster.replicas};
    log_set_level(LOG_ERROR);
    heard.count = 0;
    const struct file_source source = {"f", text, strlen(text)};
    ck_assert_msg(chaos_plan_read(&plan, &source, &spec, &err) == OK, "%s", err.text);
    base = event_base_new();
    ck_assert_ptr_nonnull(base);
    ck_assert_int_eq(chaos_create(&chaos, &plan, &cluster, &err), OK);
    uint64_t now_ns = clock_now_ns();
    ck_assert(!chaos_has_begun(chaos));
    ck_assert_int_eq(
        chaos_begin(chaos, base, now_ns, now_ns, (struct note_listener){.hear = hear}, &err), OK);
    ck_assert(chaos_has_begun(chaos));
}

static void turn(void)
{
    const struct timeval step = {.tv_usec = 20000};
    ck_assert_int_eq(event_base_loopexit(base, &step), 0);
    ck_assert_int_ge(event_base_dispatch(base), 0);
}

static void until_heard(uint32_t count)
{
    uint64_t end_ms = support_now_ms() + EVENTS_MS;
    while (heard.count < count) {
        ck_assert_msg(support_now_ms() < end_ms, "heard %u of %u events", heard.count, count);
        turn();
    }
}

/* Carries out a whole plan, all of which must succeed. */
static void carry_out(const char *text)
{
    begin(text);
    until_heard(plan.count);
    for (uint32_t i = 0; i < heard.count; i++)
        ck_assert_msg(heard.items[i].ok, "%s: %s", heard.items[i].text, heard.items[i].cause);
    chaos_end(chaos);
    ck_assert_uint_eq(heard.count, plan.count);
    chaos_destroy(chaos);
    chaos = NULL;
    event_base_free(base);
    base = NULL;
    chaos_plan_free(&plan);
}

static char state_of(pid_t pid)
{
    char status[4096];
    ck_assert(system_file_read(status, sizeof status, "/proc/%d/status", (int)pid));
    const char *state = strstr(status, "State:\t");
    ck_assert_ptr_nonnull(state);
    return state[7];
}

/* --- one server ------------------------------------------------------------------------------ */

TEST(kill_and_restart)
{
    /* Breaks when a killed server lives on, or another port comes back in its place. */
    managed_start(&cluster, 0, 0);
    pid_t first = cluster.nodes[0].process.pid;
    uint16_t port = cluster.nodes[0].port;
    managed_expect(&cluster, 0, "SET a 1", "OK");
    carry_out("- at 0: kill\n");
    ck_assert_int_eq(cluster.nodes[0].process.pid, 0);
    ck_assert(kill(first, 0) == -1 && errno == ESRCH);
    carry_out("- at 0: restart\n");
    ck_assert_int_gt(cluster.nodes[0].process.pid, 0);
    ck_assert_uint_eq(cluster.nodes[0].port, port);
    managed_expect(&cluster, 0, "EXISTS a", "0");
    pid_t second = cluster.nodes[0].process.pid;
    carry_out("- at 0: restart\n");
    ck_assert_int_ne(cluster.nodes[0].process.pid, second);
    managed_expect(&cluster, 0, "PING", "PONG");
}

TEST(pause_stops_and_goes_on)
{
    /* Breaks when a pause is a kill, never ends, or ends too early. */
    managed_start(&cluster, 0, 0);
    begin("- at 0: pause for 300ms\n");
    uint64_t end_ms = support_now_ms() + EVENTS_MS;
    while (state_of(cluster.nodes[0].process.pid) != 'T') {
        ck_assert_uint_eq(heard.count, 0);
        ck_assert(support_now_ms() < end_ms);
        turn();
    }
    until_heard(1);
    ck_assert(heard.items[0].ok);
    ck_assert_uint_ge(heard.items[0].end_ns - heard.items[0].at_ns, 300 * NS_PER_MS);
    managed_expect(&cluster, 0, "PING", "PONG");
}

TEST(the_end_of_a_run_ends_a_pause)
{
    /* Breaks when a server stays stopped for ever, or the run waits for the pause to end. */
    managed_start(&cluster, 0, 0);
    begin("- at 0: pause for 1h\n- at 1h: kill\n");
    while (state_of(cluster.nodes[0].process.pid) != 'T')
        turn();
    chaos_end(chaos);
    managed_expect(&cluster, 0, "PING", "PONG");
    ck_assert_uint_eq(heard.count, 1);
    ck_assert(!heard.items[0].ok);
    ck_assert_str_eq(heard.items[0].cause, "the run ended before it did");
}

TEST(the_end_of_a_run_ends_its_helpers)
{
    /* Breaks when a child that talks to a server outlives the run, or is left as a zombie. */
    managed_start(&cluster, 0, 0);
    begin("- at 0: pause for 1h\n- at 1ms: bgsave\n");
    uint64_t end_ms = support_now_ms() + EVENTS_MS;
    pid_t children[8];
    while (support_children(getpid(), children, 8) < 2) {
        ck_assert(support_now_ms() < end_ms);
        turn();
    }
    chaos_end(chaos);
    ck_assert_uint_eq(heard.count, 2);
    ck_assert_uint_eq(support_children(getpid(), children, 8), 1);
    ck_assert_int_eq(children[0], cluster.nodes[0].process.pid);
    managed_expect(&cluster, 0, "PING", "PONG");
}

TEST(save)
{
    /* Breaks when BGSAVE is said to be done before it is, or was never asked for. */
    char path[300];
    managed_start(&cluster, 0, 0);
    managed_expect(&cluster, 0, "SET a 1", "OK");
    snprintf(path, sizeof path, "%s/dump.rdb", cluster.nodes[0].directory.path);
    ck_assert_int_ne(access(path, R_OK), 0);
    carry_out("- at 0: bgsave\n");
    ck_assert_int_eq(access(path, R_OK), 0);
    managed_expect(&cluster, 0, "INFO persistence", "rdb_bgsave_in_progress:0");
}

TEST(rewrite_and_flush)
{
    /* Breaks when the log is not written anew, or what was flushed is still there when it is said to be done. */
    managed_start(&cluster, 0, 1);
    managed_expect(&cluster, 0, "SET a 1", "OK");
    carry_out("- at 0: aof-rewrite node 0\n");
    managed_expect(&cluster, 0, "INFO persistence", "aof_last_bgrewrite_status:ok");
    managed_expect(&cluster, 0, "INFO persistence", "aof_rewrite_in_progress:0");
    carry_out("- at 0: flushall\n");
    managed_expect(&cluster, 0, "DBSIZE", "0");
}

TEST(full_sync)
{
    /* Breaks when a replica goes on where it was, or it is said to be done before it has everything. */
    managed_start(&cluster, 0, 1);
    managed_expect(&cluster, 0, "SET a 1", "OK");
    managed_expect(&cluster, 0, "INFO stats", "sync_full:1");
    carry_out("- at 0: full-sync\n");
    managed_expect(&cluster, 0, "INFO stats", "sync_full:2");
    managed_expect(&cluster, 1, "INFO replication", "master_link_status:up");
}

TEST(clients_are_killed)
{
    /* Breaks when the connections of the load survive. */
    char byte;
    managed_start(&cluster, 0, 0);
    int fd = support_connect(cluster.nodes[0].port, 10000);
    ck_assert_int_ge(fd, 0);
    managed_expect(&cluster, 0, "INFO clients", "connected_clients:2");
    carry_out("- at 0: CLIENT KILL\n");
    ck_assert_int_eq(read(fd, &byte, 1), 0);
    close(fd);
}

TEST(what_cannot_be_done)
{
    /* Breaks when an action that failed is told as done. */
    managed_start(&cluster, 0, 0);
    begin("- at 0: kill\n- at 200ms: kill\n- at 300ms: pause for 1s\n- at 400ms: bgsave\n"
          "- at 500ms: client kill\n");
    until_heard(5);
    ck_assert(heard.items[0].ok);
    for (uint32_t i = 1; i < 5; i++) {
        ck_assert_msg(!heard.items[i].ok, "%s", heard.items[i].text);
        ck_assert_msg(strstr(heard.items[i].cause, "not run") != NULL, "%s: %s",
                      heard.items[i].text, heard.items[i].cause);
    }
}

TEST(one_action_in_the_way_of_another)
{
    /* Breaks when two actions on one node wait for each other, or start it twice. */
    managed_start(&cluster, 0, 0);
    begin("- at 0: pause for 200ms\n- at 10ms: pause for 200ms\n- at 20ms: restart\n"
          "- at 20ms: restart\n");
    until_heard(4);
    managed_await(&cluster, 0, "PING", "PONG");
    pid_t children[8];
    ck_assert_uint_eq(support_children(getpid(), children, 8), 1);
    ck_assert_int_eq(children[0], cluster.nodes[0].process.pid);
}

/* --- replicas -------------------------------------------------------------------------------- */

TEST(a_replica_takes_over)
{
    /* Breaks when data is lost on the way, or the others go on following the old primary. */
    char port[24];
    managed_start(&cluster, 0, 2);
    managed_expect(&cluster, 0, "SET a 7", "OK");
    managed_await(&cluster, 2, "GET a", "7");
    carry_out("- at 0: failover node 2\n");
    managed_expect(&cluster, 2, "INFO replication", "role:master");
    managed_expect(&cluster, 2, "GET a", "7");
    snprintf(port, sizeof port, "master_port:%u", cluster.nodes[2].port);
    for (uint32_t i = 0; i < 2; i++) {
        managed_await(&cluster, i, "INFO replication", "master_link_status:up");
        managed_expect(&cluster, i, "INFO replication", port);
    }
}

TEST(a_replica_takes_over_from_the_dead)
{
    /* Breaks when a failover needs a primary that agrees, or the one that comes back leads again. */
    managed_start(&cluster, 0, 1);
    managed_expect(&cluster, 0, "SET a 7", "OK");
    managed_await(&cluster, 1, "GET a", "7");
    carry_out("- at 0: kill node 0\n- at 200ms: failover\n");
    managed_expect(&cluster, 1, "INFO replication", "role:master");
    managed_expect(&cluster, 1, "SET a 8", "OK");
    carry_out("- at 0: restart node 0\n");
    managed_await(&cluster, 0, "INFO replication", "master_link_status:up");
    managed_expect(&cluster, 0, "GET a", "8");
}

/* --- clusters -------------------------------------------------------------------------------- */

TEST(failover_in_a_cluster)
{
    /* Breaks when another shard fails over, or none. */
    struct cluster_node seen;
    managed_start(&cluster, 3, 3);
    carry_out("- at 0: failover node 1\n");
    ck_assert(managed_seen(&seen, &cluster, 4, 4) && seen.primary && seen.slot_count > 5000);
    managed_await(&cluster, 1, "INFO replication", "role:slave");
    managed_await(&cluster, 1, "INFO replication", "master_link_status:up");
    for (uint32_t i = 0; i < 3; i += 2)
        ck_assert(managed_seen(&seen, &cluster, i, i) && seen.primary);
    /* Back again: the node named is the replica now, and takes over itself. */
    carry_out("- at 0: failover node 1\n");
    managed_await(&cluster, 1, "INFO replication", "role:master");
    ck_assert(managed_seen(&seen, &cluster, 1, 1) && seen.primary && seen.slot_count > 5000);
}

TEST(failover_of_a_dead_primary)
{
    /* Breaks when nobody takes over from a primary that was killed. */
    struct cluster_node seen;
    managed_start(&cluster, 3, 3);
    carry_out("- at 0: kill node 2\n- at 100ms: failover node 2\n");
    ck_assert(managed_seen(&seen, &cluster, 5, 5) && seen.primary && seen.slot_count > 5000);
    carry_out("- at 0: restart node 2\n");
    managed_await(&cluster, 2, "INFO replication", "role:slave");
    managed_await(&cluster, 2, "INFO replication", "master_link_status:up");
    managed_await(&cluster, 0, "CLUSTER INFO", "cluster_state:ok");
}

static long long keys_of(uint32_t node)
{
    return managed_integer(&cluster, node, "DBSIZE");
}

TEST(slots_move_with_their_keys)
{
    /* Breaks when a reshard loses keys, or leaves a slot between two nodes. */
    struct cluster_node before, after;
    char key[32], text[MANAGED_TEXT_BYTES];
    managed_start(&cluster, 3, 0);
    ck_assert(managed_seen(&before, &cluster, 0, 0));
    for (int i = 0; i < 300; i++) {
        snprintf(key, sizeof key, "key:%d", i);
        managed_set(&cluster, key, "value");
    }
    long long all = keys_of(0) + keys_of(1) + keys_of(2), first = keys_of(0);
    ck_assert_int_eq(all, 300);
    carry_out("- at 0: reshard 2000 slots from node 0 to node 2\n");
    ck_assert_int_eq(keys_of(0) + keys_of(1) + keys_of(2), 300);
    ck_assert_int_lt(keys_of(0), first);
    for (uint32_t by = 0; by < 3; by++) {
        ck_assert(managed_seen(&after, &cluster, by, 0));
        ck_assert_uint_eq(after.slot_count, before.slot_count - 2000);
        managed_expect(&cluster, by, "CLUSTER INFO", "cluster_state:ok");
        managed_say(text, &cluster, by, "CLUSTER NODES");
        ck_assert_msg(strchr(text, '[') == NULL, "a slot is still on its way: %s", text);
    }
    for (int i = 0; i < 300; i++) {
        snprintf(key, sizeof key, "key:%d", i);
        managed_set(&cluster, key, "again"); /* where the slot is said to be, it is served */
    }
}

/* Makes a node a replica of another one, and waits until that one knows. */
static void follow(uint32_t node, uint32_t primary)
{
    char text[MANAGED_TEXT_BYTES];
    struct cluster_node seen;
    const uint64_t end_ms = support_now_ms() + EVENTS_MS;
    ck_assert(managed_seen(&seen, &cluster, primary, primary));
    managed_say(text, &cluster, node, "CLUSTER REPLICATE %s", seen.id);
    ck_assert_str_eq(text, "OK");
    while (!managed_seen(&seen, &cluster, primary, node) || seen.primary) {
        ck_assert_uint_lt(support_now_ms(), end_ms);
        support_sleep_ms(20);
    }
}

TEST(a_node_comes_and_goes)
{
    /* Breaks when a node that was added is known to some only, or one that leaves takes slots along. */
    struct cluster_node seen;
    char key[32];
    managed_start(&cluster, 3, 3);
    carry_out("- at 0: add node\n");
    managed_expect(&cluster, 6, "CLUSTER INFO", "cluster_state:ok");
    ck_assert_uint_eq(cluster.count, 7);
    for (uint32_t by = 0; by < 7; by++) {
        ck_assert(managed_seen(&seen, &cluster, by, 6) && seen.primary && seen.slot_count == 0);
        managed_await(&cluster, by, "CLUSTER INFO", "cluster_known_nodes:7");
    }
    for (int i = 0; i < 300; i++) {
        snprintf(key, sizeof key, "key:%d", i);
        managed_set(&cluster, key, "value");
    }
    carry_out("- at 0: reshard 600 slots from node 1 to node 6\n");
    ck_assert_int_gt(keys_of(6), 0);
    follow(4, 6);
    pid_t pid = cluster.nodes[6].process.pid;
    carry_out("- at 0: remove node 6\n");
    ck_assert_int_eq(cluster.nodes[6].process.pid, 0);
    ck_assert(kill(pid, 0) == -1 && errno == ESRCH);
    ck_assert_int_eq(keys_of(0) + keys_of(1) + keys_of(2), 300);
    for (uint32_t by = 0; by < 6; by++) {
        ck_assert(!managed_seen(&seen, &cluster, by, 6));
        managed_await(&cluster, by, "CLUSTER INFO", "cluster_slots_ok:16384");
        managed_await(&cluster, by, "CLUSTER INFO", "cluster_known_nodes:6");
    }
}

TEST(a_reshard_that_cannot_be)
{
    /* Breaks when slots are given to a replica, or more are asked for than there are. */
    managed_start(&cluster, 2, 1);
    begin("- at 0: reshard 10 slots from 1 to 2\n- at 0: reshard 9000 slots from 0 to 1\n"
          "- at 0: failover node 1\n");
    until_heard(3);
    for (uint32_t i = 0; i < 3; i++)
        ck_assert_msg(!heard.items[i].ok, "%s", heard.items[i].text);
    managed_expect(&cluster, 0, "CLUSTER INFO", "cluster_state:ok");
}

/* --- under load ------------------------------------------------------------------------------ */

static void write_plan(char path[64], const char *text)
{
    snprintf(path, 64, "/tmp/volley-test-XXXXXX");
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
}

static const struct {
    const char *text;
    const char *events[3]; /* how they begin */
    bool errors;           /* some requests fail */
} loads[] = {
    {"- at 300ms: kill\n- at 600ms: restart\n",
     {"kill node 0 (port ", "restart node 0 (port "},
     true},
    {"- at 300ms: pause for 300ms\n", {"pause node 0 for 300ms (port "}, false},
    {"- at 300ms: bgsave\n", {"bgsave node 0 (port "}, false},
    {"- at 300ms: client kill\n", {"client-kill node 0 (port "}, true},
};

static const struct suite_setting with_load = {.timeout_seconds = TCASE_TIMEOUT_SECONDS};

LOOP_TEST_IN(with_load, the_load_goes_on, sizeof loads / sizeof loads[0])
{
    /* Breaks when a run ends with its target, or does not tell what was done to it. */
    char path[64];
    struct bench_call call;
    write_plan(path, loads[_i].text);
    call_expect(&call, 0, NULL,
                "--managed --chaos %s --duration 4 --qps 1000 -r 100 -c 4 --processes 1", path);
    json_t *run = run_json_at(call.root, 0);
    json_t *events = json_object_get(run, "events");
    double before = 0;
    for (size_t i = 0; i < 3 && loads[_i].events[i] != NULL; i++) {
        json_t *event = json_array_get(events, i);
        const char *text = json_string_value(json_object_get(event, "text"));
        double at = json_number_value(json_object_get(event, "at_seconds"));
        ck_assert_ptr_nonnull(text);
        ck_assert_int_eq(strncmp(text, loads[_i].events[i], strlen(loads[_i].events[i])), 0);
        ck_assert(json_is_true(json_object_get(event, "ok")));
        ck_assert(json_is_null(json_object_get(event, "cause")));
        ck_assert_double_ge(at, 0.3);
        ck_assert_double_ge(at, before);
        before = at;
        ck_assert_ptr_nonnull(strstr(call.program.out, loads[_i].events[i]));
    }
    /* The grid is that of outages, and the last two seconds, long after them, have successes. */
    ck_assert_double_eq(json_number_value(json_object_get(run, "interval_seconds")), 0.1);
    json_t *intervals = json_object_get(run, "intervals");
    double late_ok = 0;
    for (size_t i = json_array_size(intervals) - 20; i < json_array_size(intervals); i++)
        late_ok += run_json_number(json_array_get(intervals, i), "requests.ok");
    ck_assert_double_gt(late_ok, 0);
    if (loads[_i].errors)
        ck_assert_double_gt(run_json_number(run, "connections.lost"), 0);
    call_free(&call);
    unlink(path);
}

TEST_IN(with_load, over_tls)
{
    /* Breaks when an action cannot talk to servers that speak TLS only, or they not to one another. */
    char path[64];
    struct bench_call call;
    /* Far enough apart that each has ended when the next begins, on a busy machine, too. */
    write_plan(path, "- at 100ms: failover\n- at 200ms: add node\n"
                     "- at 4s: reshard 50 slots from 1 to 3\n- at 7s: bgsave\n"
                     "- at 12s: restart node 1\n- at 18s: remove node 3\n");
    call_expect(&call, 0, NULL,
                "--managed cluster=2+1,tls --chaos %s --duration 23 --qps 50 -r 10000 -t set -c 4",
                path);
    json_t *events = json_object_get(run_json_at(call.root, 0), "events");
    ck_assert_uint_eq(json_array_size(events), 6);
    for (size_t i = 0; i < 6; i++) {
        const json_t *event = json_array_get(events, i);
        ck_assert_msg(json_is_true(json_object_get(event, "ok")), "%s: %s",
                      json_string_value(json_object_get(event, "text")),
                      json_string_value(json_object_get(event, "cause")));
    }
    call_free(&call);
    unlink(path);
}

TEST_IN(with_load, a_replay_tells_it_too)
{
    /* Breaks when what was done to the target is lost with the orchestrator. */
    char path[64], directory[64], out[80];
    struct bench_call call;
    struct program report;
    write_plan(path, "- at 200ms: pause for 200ms\n");
    snprintf(directory, sizeof directory, "/tmp/volley-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(directory));
    snprintf(out, sizeof out, "%s/run", directory);
    call_expect(&call, 0, NULL, "--managed --chaos %s --duration 1 --qps 500 -r 10 --out %s", path,
                out);
    program_run_volley(&report, "report", out, NULL);
    ck_assert_int_eq(report.exit_status, 0);
    const char *first = strstr(call.program.out, "pause node 0 for 200ms (port ");
    const char *second = strstr(report.out, "pause node 0 for 200ms (port ");
    ck_assert(first != NULL && second != NULL);
    ck_assert_int_eq(strncmp(first, second, strcspn(first, "\n")), 0);
    program_free(&report);
    call_free(&call);
    unlink(path);
}

TEST_IN(with_load, ctrl_c_in_a_pause)
{
    /* Breaks when an interrupted run leaves a stopped server behind, or waits for the pause. */
    char path[64];
    struct program program;
    pid_t children[16];
    write_plan(path, "- at 0: pause for 1h\n");
    program_start_volley(&program, "bench", "--managed", "--chaos", path, "--duration", "1h",
                         "--log-level", "info", "-r", "10", NULL);
    program_wait_text(&program, PROGRAM_ERR, "chaos: pause node 0");
    size_t count = support_children(program.pid, children, 16);
    program_signal(&program, SIGINT);
    program_wait(&program);
    ck_assert_int_eq(program.exit_status, 130);
    for (size_t i = 0; i < count && i < 16; i++)
        ck_assert(!support_process_alive(children[i]));
    ck_assert_ptr_nonnull(strstr(program.out, "failed"));
    program_free(&program);
    unlink(path);
}

TEST_SUITE_WITH(chaos, .tear_down = tear_down, .timeout_seconds = TCASE_TIMEOUT_SECONDS)
