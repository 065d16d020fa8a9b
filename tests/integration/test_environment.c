#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/version.h"
#include "orchestrator/machine/host_sample.h"
#include "orchestrator/server/environment.h"
#include "orchestrator/server/managed_server.h"
#include "orchestrator/server/server_locality.h"
#include "tests/support/check/canned_server.h"
#include "tests/support/check/suite.h"

static struct managed_server server;
static struct cpu_set_order order;
static struct control *control;
static struct target_address target;
static struct err err;

static void connect_to(uint16_t port)
{
    struct endpoint endpoint = {.host = "127.0.0.1",
                                .port = port,
                                .connection_timeout_ns = 20 * NS_PER_SECOND,
                                .wait_ready_ns = 20 * NS_PER_SECOND};
    ck_assert_msg(control_connect(&control, &target, &endpoint, NULL, &err) == OK, "%s", err.text);
}

static void discover(void)
{
    memset(&err, 0, sizeof err);
    ck_assert_msg(cpu_order_discover(&order, "", NULL, &err) == OK, "%s", err.text);
}

static void start_real(void)
{
    discover();
    ck_assert_msg(managed_server_start(
                      &server, &(struct managed_server_setup){.cpus = order.cpus, .cpu_count = 1},
                      NULL, &err) == OK,
                  "%s", err.text);
    connect_to(server.port);
}

static void stop_real(void)
{
    control_close(control);
    managed_server_stop(&server);
}

/* The value at "server.version"; the test fails when there is none. */
static const json_t *at(const json_t *environment, const char *room, const char *key)
{
    const json_t *value = json_object_get(json_object_get(environment, room), key);
    ck_assert_msg(value != NULL, "%s.%s is missing", room, key);
    return value;
}

struct expectation {
    const char *room, *key;
    json_type type;
};

static void check_types(const json_t *environment, const struct expectation *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const json_t *value = at(environment, rows[i].room, rows[i].key);
        ck_assert_msg(json_typeof(value) == rows[i].type, "%s.%s has type %d", rows[i].room,
                      rows[i].key, (int)json_typeof(value));
    }
}

static const struct suite_setting real_server = {.set_up = start_real, .tear_down = stop_real};

TEST_IN(real_server, describes_volley_host_and_server)
{
    /* A key that readers of run.json rely on is missing, or changed its type. */
    static const struct expectation rows[] = {
        {"volley", "version", JSON_STRING},
        {"volley", "commit", JSON_STRING},
        {"volley", "compiler", JSON_STRING},
        {"host", "kernel", JSON_STRING},
        {"host", "architecture", JSON_STRING},
        {"host", "cpu_count", JSON_INTEGER},
        {"host", "usable_cpus", JSON_ARRAY},
        {"host", "physical_cores", JSON_INTEGER},
        {"host", "limits", JSON_OBJECT},
        {"host", "cgroup", JSON_OBJECT},
        {"server", "product", JSON_STRING},
        {"server", "version", JSON_STRING},
        {"server", "run_id", JSON_STRING},
        {"server", "mode", JSON_STRING},
        {"server", "io_threads", JSON_INTEGER},
        {"server", "save", JSON_STRING},
        {"server", "appendonly", JSON_STRING},
        {"server", "maxmemory", JSON_INTEGER},
        {"server", "maxmemory_policy", JSON_STRING},
        {"server", "process_id", JSON_INTEGER},
        {"server", "os", JSON_STRING},
        {"server", "tcp_port", JSON_INTEGER},
        {"server", "arch_bits", JSON_INTEGER},
        {"server", "connected_clients", JSON_INTEGER},
    };
    static const char *const maybe[] = {"os",   "cpu_model",  "governor", "transparent_hugepages",
                                        "aslr", "clocksource"};
    json_t *environment = environment_collect(control, target.text, &order);
    ck_assert_ptr_nonnull(environment);
    check_types(environment, rows, sizeof rows / sizeof rows[0]);
    for (size_t i = 0; i < sizeof maybe / sizeof maybe[0]; i++)
        (void)at(environment, "host", maybe[i]);

    ck_assert_str_eq(json_string_value(at(environment, "volley", "version")), volley_version);
    ck_assert_str_eq(json_string_value(at(environment, "server", "mode")), "standalone");
    ck_assert_str_eq(json_string_value(at(environment, "server", "appendonly")), "no");
    ck_assert_str_eq(json_string_value(at(environment, "server", "save")), "");
    ck_assert_int_eq(json_integer_value(at(environment, "server", "process_id")),
                     server.process.pid);
    ck_assert_int_eq(json_integer_value(at(environment, "server", "tcp_port")), server.port);
    ck_assert_uint_eq(json_array_size(at(environment, "host", "usable_cpus")), order.count);
    json_decref(environment);
}

TEST_IN(real_server, refused_commands_are_unknown)
{
    /* A managed service without CONFIG: the report fails, or calls `save` empty, that is, never. */
    server_say(server.port, "ACL SETUSER default -config", "+OK");
    json_t *environment = environment_collect(control, target.text, &order);
    ck_assert(json_is_null(at(environment, "server", "save")));
    ck_assert(json_is_null(at(environment, "server", "io_threads")));
    ck_assert_str_eq(json_string_value(at(environment, "server", "appendonly")), "no");
    ck_assert_str_eq(json_string_value(at(environment, "server", "maxmemory_policy")),
                     "noeviction");
    ck_assert(json_is_integer(at(environment, "server", "maxmemory")));
    json_decref(environment);

    server_say(server.port, "ACL SETUSER default -info", "+OK");
    environment = environment_collect(control, target.text, &order);
    ck_assert(json_is_null(at(environment, "server", "version")));
    ck_assert(json_is_null(at(environment, "server", "product")));
    ck_assert(json_is_null(at(environment, "server", "maxmemory")));
    json_decref(environment);
}

TEST_IN(real_server, finds_the_local_server)
{
    /* The verdict does not see that server and workers share a CPU. */
    static struct server_locality locality;
    server_locality_find(&locality, control, &target);
    ck_assert(locality.known);
    ck_assert(locality.local);
    ck_assert_int_eq(locality.pid, server.process.pid);
    ck_assert_uint_eq(locality.cpu_count, 1);
    ck_assert_uint_eq(locality.cpus[0], order.cpus[0]);
}

TEST_IN(real_server, another_host_is_remote)
{
    /* The process number of a server elsewhere looked up on this machine. */
    static struct server_locality locality;
    struct sockaddr_in elsewhere = {.sin_family = AF_INET};
    ck_assert_int_eq(inet_pton(AF_INET, "192.0.2.1", &elsewhere.sin_addr), 1);
    memset(&target, 0, sizeof target);
    memcpy(&target.address, &elsewhere, sizeof elsewhere);
    server_locality_find(&locality, control, &target);
    ck_assert(locality.known);
    ck_assert(!locality.local);
    ck_assert_int_eq(locality.pid, 0);
}

TEST(process_of_another_namespace_is_unknown)
{
    /* The affinity of a stranger, who has the number that the server has in its container. */
    static struct server_locality locality;
    struct canned_server canned;
    char own_pid[64];
    const int64_t pids[] = {getpid(), 0, 4194305};
    for (size_t i = 0; i < sizeof pids / sizeof pids[0]; i++) {
        char line[40];
        snprintf(line, sizeof line, "process_id:%lld", (long long)pids[i]);
        snprintf(own_pid, sizeof own_pid, "$%zu\r\n%s\r\n", strlen(line), line);
        const char *const replies[] = {"+PONG\r\n", own_pid, NULL};
        canned_server_start(&canned, CANNED_ANSWERS, replies, NULL);
        connect_to(canned.port);
        server_locality_find(&locality, control, &target);
        ck_assert(locality.local);
        ck_assert(!locality.known);
        ck_assert_int_eq(locality.pid, 0);
        ck_assert_uint_eq(locality.cpu_count, 0);
        control_close(control);
        canned_server_stop(&canned);
    }
}

TEST(no_server_at_all)
{
    /* --null without the key, or with values of a server that nobody asked. */
    discover();
    json_t *environment = environment_collect(NULL, NULL, &order);
    ck_assert_ptr_nonnull(environment);
    ck_assert(json_is_null(json_object_get(environment, "server")));
    ck_assert(json_is_string(at(environment, "host", "kernel")));
    json_decref(environment);
}

TEST(old_and_new_names_of_valkey)
{
    /* Valkey reported as the Redis version that it is compatible with. */
    static const char body[] = "redis_version:7.2.4\r\nserver_name:valkey\r\n"
                               "valkey_version:8.1.0\r\nserver_mode:cluster\r\n";
    struct canned_server canned;
    char info[160];
    snprintf(info, sizeof info, "$%zu\r\n%s\r\n", sizeof body - 1, body);
    const char *const replies[] = {"+PONG\r\n", info, "-ERR unknown command\r\n", NULL};
    discover();
    canned_server_start(&canned, CANNED_ANSWERS, replies, NULL);
    connect_to(canned.port);
    json_t *environment = environment_collect(control, target.text, &order);
    ck_assert_str_eq(json_string_value(at(environment, "server", "product")), "valkey");
    ck_assert_str_eq(json_string_value(at(environment, "server", "version")), "8.1.0");
    ck_assert_str_eq(json_string_value(at(environment, "server", "mode")), "cluster");
    json_decref(environment);
    control_close(control);
    canned_server_stop(&canned);
}

TEST(samples_are_differences)
{
    /* Steal and throttling since boot billed to the run. */
    struct host_sample sample;
    struct run_evidence evidence = {.steal_share = 7, .throttled_ns = 7};
    host_sample_begin(&sample, &evidence);
    ck_assert_uint_gt(sample.total_ticks, 0);
    struct host_sample earlier = {.steal_ticks = sample.steal_ticks,
                                  .total_ticks = sample.total_ticks - 100,
                                  .throttled_ns = sample.throttled_ns};
    host_sample_end(&earlier, &evidence);
    ck_assert_double_ge(evidence.steal_share, 0);
    ck_assert_double_le(evidence.steal_share, 1);
    /* one stolen tick of a few would be a share that alarms */
    struct host_sample just_now = {.steal_ticks = sample.steal_ticks,
                                   .total_ticks = sample.total_ticks + 1};
    host_sample_end(&just_now, &evidence);
    ck_assert_double_lt(evidence.steal_share, 0);
    struct host_sample future = {.steal_ticks = sample.steal_ticks + 1000000,
                                 .total_ticks = sample.total_ticks,
                                 .throttled_ns = sample.throttled_ns + NS_PER_SECOND * 3600};
    host_sample_end(&future, &evidence);
    ck_assert_double_lt(evidence.steal_share, 0);
    ck_assert_uint_eq(evidence.throttled_ns, 0);
}

TEST(the_servers_cpu_time_is_a_difference)
{
    /* Breaks when the CPU time that a local server has used before the run, or all of it as one second's,
     * makes it look busy, or when an unknown process looks idle. */
    struct run_evidence evidence = {.server_pid = getpid(), .server_cpu_share = -1};
    struct host_sample sample;
    host_sample_begin(&sample, &evidence);
    ck_assert_double_ge(sample.server_seconds, 0);
    host_sample_end(&sample, &evidence); /* too soon to tell */
    ck_assert_double_lt(evidence.server_cpu_share, 0);
    sample.at_ns -= 10 * NS_PER_SECOND;
    host_sample_end(&sample, &evidence);
    ck_assert_double_ge(evidence.server_cpu_share, 0);
    ck_assert_double_lt(evidence.server_cpu_share, 0.5);
    evidence = (struct run_evidence){.server_pid = 0, .server_cpu_share = -1};
    host_sample_begin(&sample, &evidence);
    sample.at_ns -= 10 * NS_PER_SECOND;
    host_sample_end(&sample, &evidence);
    ck_assert_double_lt(evidence.server_cpu_share, 0);
}

TEST_SUITE(environment)
