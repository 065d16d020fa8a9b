/* Requests that are asked again until they find what was written: one that asks the primary, never ends, or asks a server
 * to death. By a whole worker against a scripted primary and its replica. */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "orchestrator/options/workload_file.h"
#include "tests/support/check/simulated_run.h"
#include "tests/support/check/simulation.h"
#include "tests/support/check/suite.h"
#include "worker/generate/generator.h"

#define PORT_0 7000
#define PROBES 100
#define SEEN 2 /* the class "write:seen" */
#define NEVER UINT64_MAX

static const char text[] =
    "name: t\nclasses:\n"
    "- {name: write, command: 'SET p:{run}:{ticket} x', then: seen}\n"
    "- {name: seen, weight: 0, command: 'GET p:{run}:{ticket}', until: hit}\n";

static struct simulated_run simulated;
static struct workload_file file;
static struct workload *workload;
static struct topology *topology;
static uint64_t written_ns[PROBES], lag_ns, tries, missed, asked_primary;

static void name_node(uint32_t i)
{
    struct topology_node *node = &topology->nodes[i];
    struct sockaddr_in *address = (struct sockaddr_in *)&node->address.address;
    *node = (struct topology_node){.port = (uint16_t)(PORT_0 + i),
                                   .role = i == 0 ? TOPOLOGY_PRIMARY : TOPOLOGY_REPLICA};
    *address = (struct sockaddr_in){.sin_family = AF_INET,
                                    .sin_port = htons(node->port),
                                    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    node->address.address_bytes = sizeof *address;
    snprintf(node->address.host, sizeof node->address.host, "127.0.0.1");
}

static void set_up(void)
{
    struct err err = {.code = OK};
    const struct file_source source = {.name = "t", .text = text, .text_bytes = strlen(text)};
    const struct spec spec = {.load = {.seed = 3, .clients = 4}};
    size_t first[] = {1, 1, 1};
    const struct workload_command_keys keys[] = {
        {&first[0], 1, false}, {&first[1], 1, true}, {&first[2], 1, true}};
    topology = calloc(1, sizeof *topology);
    ck_assert_ptr_nonnull(topology);
    topology->node_count = 2;
    name_node(0);
    name_node(1);
    ck_assert_msg(workload_file_read(&file, &source, &err) == OK, "%s", err.text);
    ck_assert_int_eq(
        workload_create(&workload, &(struct workload_source){.plan = &file.plan}, &spec, &err), OK);
    ck_assert_uint_eq(workload_command_count(workload), 3);
    ck_assert_msg(workload_set_keys(workload, keys, &err) == OK, "%s", err.text);
    ck_assert_str_eq(workload_class_name(workload, SEEN), "write:seen");
    tries = missed = asked_primary = 0;
    simulated_run_init(&simulated);
    simulated.topology = topology;
    simulated.spec.endpoint.replica_reads = REPLICA_READS_YES;
    simulated.spec.endpoint.request_timeout_ns = 500 * NS_PER_MS;
    simulated.run.generator = generator_of(workload);
    simulated.run.generator_source = workload;
    simulated.run.requests = PROBES;
    simulated.share.connections = 4;
}

static void tear_down(void)
{
    simulated_run_free(&simulated);
    workload_destroy(workload);
    workload_file_free(&file);
    free(topology);
}

/* The replica has what was written lag_ns ago. */
static void replicate(struct scripted_peer *peer, const char *bytes, size_t byte_count)
{
    const char *key = memmem(bytes, byte_count, "p:", 2);
    const uint64_t now_ns = simulation_now_ns();
    if (key == NULL) { /* what a connection begins with */
        scripted_say_text(peer, "+OK\r\n", 0);
        return;
    }
    char number[64] = ""; /* the bytes have no end of a text */
    const size_t left = byte_count - (size_t)(key - bytes);
    memcpy(number, key, left < sizeof number ? left : sizeof number - 1);
    const unsigned long ticket = strtoul(strchr(number + 2, ':') + 1, NULL, 10);
    ck_assert_uint_lt(ticket, PROBES);
    if (memmem(bytes, byte_count, "SET", 3) != NULL) {
        written_ns[ticket] = now_ns;
        scripted_say_text(peer, "+OK\r\n", 0);
        return;
    }
    const bool there = lag_ns != NEVER && now_ns - written_ns[ticket] >= lag_ns;
    tries++;
    missed += !there;
    asked_primary += peer->port == PORT_0;
    scripted_say_text(peer, there ? "$1\r\nx\r\n" : "$-1\r\n", SCRIPTED_SERVICE_NS);
}
static const struct scripted_server replicating = {.command = replicate};

TEST(the_time_is_that_until_it_is_seen)
{
    /* Breaks when a write that is not seen yet counts as seen, the time begins anew with each try, or a try counts as
     * a request. */
    static const uint64_t lags_ns[] = {0, NS_PER_MS, 40 * NS_PER_MS};
    for (size_t i = 0; i < 3; i++) {
        if (i > 0) {
            tear_down();
            set_up();
        }
        lag_ns = lags_ns[i];
        simulated_run_go(&simulated, &replicating);
        const struct class_figures *seen = &simulated.measured->classes[SEEN];
        const uint64_t latest_ns = lag_ns + lag_ns / 8 + 4 * SCRIPTED_SERVICE_NS;
        ck_assert_uint_eq(simulated_counter(&simulated, COUNTER_OK), PROBES);
        ck_assert_uint_eq(simulated_counter(&simulated, COUNTER_SENT), PROBES);
        ck_assert_uint_eq(simulated_counter(&simulated, COUNTER_FOLLOW_UPS), PROBES);
        ck_assert_uint_eq(simulated_counter(&simulated, COUNTER_FOLLOW_UPS_OK), PROBES);
        ck_assert_uint_eq(simulated_counter(&simulated, COUNTER_RESENT), 0);
        ck_assert_uint_eq(seen->counters[CLASS_SENT], PROBES);
        ck_assert_uint_eq(seen->counters[CLASS_OK], PROBES);
        ck_assert_uint_eq(seen->counters[CLASS_HITS], PROBES);
        ck_assert_uint_eq(seen->counters[CLASS_MISSES], missed);
        ck_assert_uint_eq(tries, PROBES + missed);
        ck_assert_uint_eq(asked_primary, 0);
        ck_assert_uint_ge(coarse_quantile(&seen->times[CLASS_SERVICE], 0.001), lag_ns);
        ck_assert_uint_le(seen->times[CLASS_SERVICE].max_ns, latest_ns);
        ck_assert_uint_le(tries, PROBES * 60);
        ck_assert(i == 0 || missed >= PROBES);
    }
}

TEST(what_is_never_seen_times_out)
{
    /* Breaks when a replica that lags for ever keeps a run from its end, is asked more and more, or costs connections. */
    lag_ns = NEVER;
    simulated_run_go(&simulated, &replicating);
    const struct class_figures *seen = &simulated.measured->classes[SEEN];
    ck_assert_uint_eq(simulated_counter(&simulated, COUNTER_OK), PROBES);
    ck_assert_uint_eq(simulated_counter(&simulated, COUNTER_FOLLOW_UPS_TIMED_OUT), PROBES);
    ck_assert_uint_eq(seen->counters[CLASS_TIMED_OUT], PROBES);
    ck_assert_uint_eq(seen->counters[CLASS_MISSES], tries);
    ck_assert_uint_eq(simulated_counter(&simulated, COUNTER_CONNECTIONS_LOST), 0);
    ck_assert_uint_ge(tries, PROBES * 20);
    ck_assert_uint_le(tries, PROBES * 120);
}

TEST(the_stop_ends_what_is_not_seen)
{
    /* Breaks when a run lasts as long as the draining may, since a request waits to be asked again. */
    lag_ns = NEVER;
    simulated.run.requests = 0;
    simulated.run.duration_ns = 90 * NS_PER_MS;
    simulated_run_go(&simulated, &replicating);
    ck_assert_uint_eq(simulated_counter(&simulated, COUNTER_FOLLOW_UPS), 4);
    ck_assert_uint_eq(simulated_counter(&simulated, COUNTER_FOLLOW_UPS_LOST), 4);
    ck_assert_uint_eq(simulated.measured->classes[SEEN].counters[CLASS_LOST], 4);
    ck_assert_uint_lt(simulated.last.end_ns, 200 * NS_PER_MS);
}

TEST_SUITE_WITH(repeat, .set_up = set_up, .tear_down = tear_down)
