/* Requests of a cluster: sent elsewhere at any byte, and past a node that is away, by a whole worker against a
 * scripted server. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "tests/support/check/simulated_run.h"
#include "tests/support/check/simulation.h"
#include "tests/support/check/suite.h"
#include "worker/generate/generator.h"
#include "worker/generate/live.h"

#define PORT_0 7000
#define PORT_1 7001

static struct simulated_run simulated;
static struct topology *topology;

/* Two primaries that have half of the slots each. */
static void set_up(void)
{
    topology = calloc(1, sizeof *topology);
    ck_assert_ptr_nonnull(topology);
    topology->kind = TOPOLOGY_SLOTS;
    topology->node_count = 2;
    for (uint32_t slot = 0; slot < SLOTS_COUNT; slot++)
        topology->owner[slot] = slot >= SLOTS_COUNT / 2;
    for (uint16_t i = 0; i < 2; i++) {
        struct topology_node *node = &topology->nodes[i];
        struct sockaddr_in *address = (struct sockaddr_in *)&node->address.address;
        *node = (struct topology_node){.port = (uint16_t)(PORT_0 + i), .role = TOPOLOGY_PRIMARY};
        *address = (struct sockaddr_in){.sin_family = AF_INET,
                                        .sin_port = htons(node->port),
                                        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        node->address.address_bytes = sizeof *address;
        snprintf(node->address.host, sizeof node->address.host, "127.0.0.1");
        snprintf(node->address.text, sizeof node->address.text, "127.0.0.1:%d", PORT_0 + i);
    }
}

static void tear_down(void)
{
    free(topology);
}

static void begin(void)
{
    simulated_run_init(&simulated);
    simulated.topology = topology;
    simulated.spec.endpoint.cluster = true;
    simulated.share.connections = 2;
}

/* ASK ------------------------------------------------------------------------------------------ */

#define ASKING "*1\r\n$6\r\nASKING\r\n"

static size_t cut_at_byte;
static uint64_t asked;
static bool asking_before; /* the other node's last command was ASKING */

static uint16_t slot_of(const char *command, size_t byte_count)
{
    const char *key = memmem(command, byte_count, "key:", 4);
    ck_assert_ptr_nonnull(key);
    return slots_of_key(key, 16);
}

/* The first node sends every second request to the other one, which takes it behind ASKING only. */
static void answer_or_ask(struct scripted_peer *peer, const char *bytes, size_t byte_count)
{
    char ask[64];
    bool is_asking =
        byte_count == sizeof ASKING - 1 && memcmp(bytes, ASKING, sizeof ASKING - 1) == 0;
    snprintf(ask, sizeof ask, "+OK\r\n");
    if (peer->greeting_commands == 0 || peer->commands == peer->greeting_commands) {
        scripted_say_text(peer, ask, 0);
        return;
    }
    if (peer->port == PORT_0 && peer->memo++ % 2 == 0) {
        snprintf(ask, sizeof ask, "-ASK %u 127.0.0.1:%d\r\n", slot_of(bytes, byte_count), PORT_1);
        asked++;
    }
    if (peer->port == PORT_1 && !is_asking)
        ck_assert_msg(asking_before || slot_of(bytes, byte_count) >= SLOTS_COUNT / 2,
                      "a request of the other node came without ASKING");
    if (peer->port == PORT_1)
        asking_before = is_asking;
    scripted_say_text(peer, ask, SCRIPTED_SERVICE_NS);
}

static size_t take_up_to_cut(struct scripted_peer *peer, size_t byte_count)
{
    size_t cut = peer->greeting_bytes + cut_at_byte;
    if (peer->port != PORT_1 || peer->greeting_bytes == 0 || peer->received_bytes > cut)
        return byte_count;
    if (peer->received_bytes == cut && peer->memo++ > 0)
        return byte_count;
    size_t room_bytes = cut - peer->received_bytes;
    if (room_bytes >= byte_count)
        return byte_count;
    scripted_wake(peer, 20 * NS_PER_US);
    return room_bytes;
}

/* The same cuts around the ends of what is written at once. */
TEST(test_asking_cut_in_windows)
{
    /* Breaks when the bytes of ASKING are forgotten in a request that goes out window by window. */
    const struct scripted_server server = {.command = answer_or_ask, .takes = take_up_to_cut};
    static const size_t windows[] = {1u << 20, 2u << 20, (2u << 20) + 120};
    for (int i = 0; i < 3; i++)
        for (size_t beside = 0; beside < 40; beside += 9) {
            begin();
            asked = 0;
            cut_at_byte = windows[i] - 20 + beside;
            simulated.spec.load.data_bytes = (2u << 20) + 100;
            simulated.run.pipeline = 2;
            simulated.run.requests = 12;
            simulated_run_go(&simulated, &server);
            ck_assert_uint_gt(asked, 0);
            ck_assert_uint_eq(simulated_counter(&simulated, COUNTER_OK), 12);
            ck_assert_uint_eq(simulated_counter(&simulated, COUNTER_RESENT), asked);
            simulated_run_free(&simulated);
        }
}

TEST(test_asking_cut_at_every_byte)
{
    /* Breaks when ASKING and the request behind it are torn apart, or one of them is sent twice or not at
     * all, wherever the socket is full. */
    const struct scripted_server server = {.command = answer_or_ask, .takes = take_up_to_cut};
    for (uint64_t pipeline = 1; pipeline <= 3; pipeline++)
        for (cut_at_byte = 0; cut_at_byte < 200; cut_at_byte++) {
            begin();
            asked = 0;
            simulated.run.pipeline = pipeline;
            simulated.run.requests = 12;
            simulated_run_go(&simulated, &server);
            ck_assert_uint_gt(asked, 0);
            ck_assert_uint_eq(simulated_counter(&simulated, COUNTER_OK), 12);
            ck_assert_uint_eq(simulated_counter(&simulated, COUNTER_ASKED), asked);
            ck_assert_uint_eq(simulated_counter(&simulated, COUNTER_RESENT), asked);
            ck_assert_uint_eq(scripted_requests(), 12 + 2 * asked); /* ASKING is a command, too */
            simulated_run_free(&simulated);
        }
}

/* Refusals ------------------------------------------------------------------------------------- */

static void answer_down(struct scripted_peer *peer, const char *bytes, size_t byte_count)
{
    (void)bytes;
    (void)byte_count;
    if (peer->greeting_commands == 0 || peer->commands == peer->greeting_commands)
        scripted_say_text(peer, "+OK\r\n", 0);
    else if (peer->memo++ == 0)
        scripted_say_text(peer, "-TRYAGAIN first\r\n", SCRIPTED_SERVICE_NS);
    else
        scripted_say_text(peer, "-CLUSTERDOWN The cluster is down\r\n", SCRIPTED_SERVICE_NS);
}

TEST(test_a_refusal_is_kept)
{
    /* Breaks when a cluster that says CLUSTERDOWN for ever leaves no word of it, since the requests were
     * never answered. */
    const struct scripted_server server = {.command = answer_down};
    begin();
    simulated.run.requests = 3;
    simulated.spec.endpoint.request_timeout_ns = NS_PER_SECOND;
    simulated_run_go(&simulated, &server);
    const struct ipc_refusal *refusal = &simulated.live->refusal;
    const uint64_t count = atomic_load(&refusal->count);
    ck_assert_uint_eq(simulated_counter(&simulated, COUNTER_TIMED_OUT), 3);
    ck_assert_uint_gt(count, 3);
    ck_assert_str_eq(refusal->texts[count % 2], "CLUSTERDOWN The cluster is down");
    ck_assert_uint_gt(atomic_load(&refusal->at_ns), simulated.start_ns);
    simulated_run_free(&simulated);
}

/* A node that is away -------------------------------------------------------------------------- */

static uint64_t away_from_ns, away_until_ns;

static uint64_t since_start_ns(void)
{
    return simulated.start_ns == 0 || simulation_now_ns() < simulated.start_ns
               ? 0
               : simulation_now_ns() - simulated.start_ns;
}

static bool is_away(void)
{
    return since_start_ns() >= away_from_ns && since_start_ns() < away_until_ns;
}

static bool refuse_while_away(uint16_t port)
{
    return port == PORT_1 && is_away();
}

static size_t fail_while_away(struct scripted_peer *peer, size_t byte_count)
{
    return peer->port == PORT_1 && is_away() ? SCRIPTED_FAILS : byte_count;
}

static uint64_t requests_at(uint16_t port)
{
    uint64_t requests = 0;
    for (uint32_t i = 0; i < scripted_peer_count(); i++)
        if (scripted_peer(i)->port == port)
            requests += scripted_requests_of(scripted_peer(i));
    return requests;
}

static void run_past_lost_node(uint64_t rate, uint64_t until_ns)
{
    const struct scripted_server server = {
        .command = scripted_answer, .takes = fail_while_away, .refuses = refuse_while_away};
    begin();
    away_from_ns = 500 * NS_PER_MS;
    away_until_ns = until_ns;
    simulated.rate = rate;
    simulated.run.requests = rate > 0 ? 4000 : 0;
    simulated.stop_after_ns = rate > 0 ? 4 * NS_PER_SECOND : NS_PER_SECOND;
    simulated_run_go(&simulated, &server);
}

TEST(test_node_away_for_good)
{
    /* Breaks when the tickets of a node that is away keep those of another from being sent, or when they
     * are in no account at the end of a run of so many requests. */
    run_past_lost_node(1000, UINT64_MAX);
    ck_assert_uint_ge(requests_at(PORT_0), 1900);
    ck_assert_uint_lt(requests_at(PORT_1), 350);
    ck_assert_uint_eq(simulated_counter(&simulated, COUNTER_DUE),
                      simulated_counter(&simulated, COUNTER_SENT) + simulated.last.backlog_after);
    ck_assert_uint_ge(simulated.last.backlog_after, 1500);
    simulated_run_free(&simulated);
    run_past_lost_node(0, UINT64_MAX);
    ck_assert_uint_gt(requests_at(PORT_0), 3 * requests_at(PORT_1) / 2);
    simulated_run_free(&simulated);
}

TEST(test_late_tickets_of_a_node_away)
{
    /* Breaks when what waits for a node that is away is not dropped once it is too late: it stayed for the
     * whole run, since no connection of that node came by. */
    const struct scripted_server server = {
        .command = scripted_answer, .takes = fail_while_away, .refuses = refuse_while_away};
    begin();
    away_from_ns = 500 * NS_PER_MS;
    away_until_ns = UINT64_MAX;
    simulated.rate = 1000;
    simulated.spec.rate.shed_after_ns = 100 * NS_PER_MS;
    simulated.stop_after_ns = 4 * NS_PER_SECOND;
    simulated_run_go(&simulated, &server);
    ck_assert_uint_ge(simulated_counter(&simulated, COUNTER_SHED_LATE), 1500);
    ck_assert_uint_le(simulated.last.backlog_after, 100);
    ck_assert_uint_eq(simulated_counter(&simulated, COUNTER_DUE),
                      simulated_counter(&simulated, COUNTER_SENT) +
                          simulated_counter(&simulated, COUNTER_SHED_LATE) +
                          simulated.last.backlog_after);
    simulated_run_free(&simulated);
}

TEST(test_node_comes_back)
{
    /* Breaks when what has waited for a node is not sent once it is there again: the run had no end. */
    run_past_lost_node(1000, 2 * NS_PER_SECOND);
    ck_assert_uint_eq(simulated_counter(&simulated, COUNTER_SENT), 4000);
    ck_assert_uint_eq(simulated_counter(&simulated, COUNTER_OK) +
                          simulated_counter(&simulated, COUNTER_LOST_DISCONNECT),
                      4000);
    ck_assert_uint_le(simulated_counter(&simulated, COUNTER_LOST_DISCONNECT), 1);
    simulated_run_free(&simulated);
}

/* Writes with a WAIT behind them ----------------------------------------------------------------- */

static uint64_t sent_away;

/* Of the first node's writes every third is sent elsewhere for ever, and every third once; WAIT is answered by whoever gets
 * it. */
static void answer_or_move(struct scripted_peer *peer, const char *bytes, size_t byte_count)
{
    const bool writes = memmem(bytes, byte_count, "\r\nSET\r\n", 7) != NULL;
    char text[64];
    snprintf(text, sizeof text, "+OK\r\n");
    if (memmem(bytes, byte_count, "\r\nWAIT\r\n", 8) != NULL)
        snprintf(text, sizeof text, ":1\r\n");
    if (writes && peer->port == PORT_0 && peer->memo++ % 3 < 2) {
        snprintf(text, sizeof text, "-%s %u 127.0.0.1:%d\r\n",
                 peer->memo % 3 == 1 ? "MOVED" : "ASK",
                 slots_of_key(memmem(bytes, byte_count, "vst:", 4), 16), PORT_1);
        sent_away++;
    }
    scripted_say_text(peer, text, SCRIPTED_SERVICE_NS);
}

TEST(test_a_write_goes_elsewhere_with_its_wait)
{
    /* Breaks when a write that a node sends elsewhere fails because the WAIT behind it had an answer, or the keys of such
     * writes are not live. */
    const struct scripted_server server = {.command = answer_or_move};
    struct live_plan plan = {.prefix = "vst:", .class_count = 1};
    struct workload *workload;
    struct err err = {.code = OK};
    plan.classes[0] = (struct live_class){.name = "class",
                                          .weight = 1,
                                          .action = LIVE_INSERT,
                                          .wait_replicas = 1,
                                          .size = {.kind = SIZE_FIXED, .least_bytes = 5}};
    ck_assert_int_eq(live_map_create(&plan.map, 1000, &err), OK);
    begin();
    const struct workload_source source = {.live = &plan, .title = "a phase"};
    ck_assert_msg(workload_create(&workload, &source, &simulated.spec, &err) == OK, "%s", err.text);
    simulated.run.generator = generator_of(workload);
    simulated.run.generator_source = workload;
    simulated.run.requests = 500;
    simulated.run.pipeline = 3;
    sent_away = 0;
    simulated_run_go(&simulated, &server);
    ck_assert_uint_gt(sent_away, 10);
    ck_assert_uint_eq(simulated_counter(&simulated, COUNTER_OK), 500);
    ck_assert_uint_eq(simulated_counter(&simulated, COUNTER_ERROR_REPLIES), 0);
    ck_assert_uint_eq(simulated_counter(&simulated, COUNTER_MOVED) +
                          simulated_counter(&simulated, COUNTER_ASKED),
                      sent_away);
    ck_assert_uint_eq(simulated_counter(&simulated, COUNTER_RESENT), sent_away);
    ck_assert_uint_eq(live_map_count(plan.map), 500);
    simulated_run_free(&simulated);
    workload_destroy(workload);
    live_map_destroy(plan.map);
}

TEST_SUITE_WITH(router, .set_up = set_up, .tear_down = tear_down)
