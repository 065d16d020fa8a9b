/* Connections that think between a reply and what they send next: one that does not wait, that waits for ever, or
 * that sends the next request ahead of the last reply. By a whole worker against a scripted server. */
#include <string.h>

#include "common/clock.h"
#include "tests/support/check/simulated_run.h"
#include "tests/support/check/simulation.h"
#include "tests/support/check/suite.h"

#define THINK_NS (10 * NS_PER_MS)
/* A timer of the loop has whole milliseconds. */
#define LATE_NS NS_PER_MS

static struct simulated_run simulated;
static uint64_t answered_ns[16], pauses;
static uint32_t unanswered[16];

/* Each request but the first ones comes a think time behind the last reply of its connection. */
static void answer_and_watch(struct scripted_peer *peer, const char *bytes, size_t byte_count)
{
    const uint32_t number = peer->number % 16;
    if (memcmp(bytes, "*3", 2) == 0) { /* and not what a connection begins with */
        if (unanswered[number] == 0 && answered_ns[number] > 0) {
            const uint64_t paused_ns = simulation_now_ns() - answered_ns[number];
            ck_assert_uint_ge(paused_ns, THINK_NS - NS_PER_US);
            ck_assert_uint_le(paused_ns, THINK_NS + 2 * LATE_NS);
            pauses++;
        }
        unanswered[number] = (unanswered[number] + 1) % (uint32_t)simulated.run.pipeline;
        answered_ns[number] = simulation_now_ns() + SCRIPTED_SERVICE_NS;
    }
    scripted_answer(peer, bytes, byte_count);
}

static void prepare(uint64_t pipeline)
{
    simulated_run_init(&simulated);
    simulated.spec.load.think_ns = THINK_NS;
    simulated.run.pipeline = pipeline;
    simulated.share.connections = 3;
    memset(answered_ns, 0, sizeof answered_ns);
    memset(unanswered, 0, sizeof unanswered);
    pauses = 0;
}

TEST(a_connection_thinks_between_requests)
{
    /* Breaks when a connection that thinks is given requests, or is forgotten when others think longer. */
    const struct scripted_server server = {.command = answer_and_watch};
    for (uint64_t pipeline = 1; pipeline <= 4; pipeline += 3) {
        prepare(pipeline);
        simulated.run.duration_ns = NS_PER_SECOND;
        simulated_run_go(&simulated, &server);
        ck_assert_uint_gt(pauses, 3 * 85);
        ck_assert_uint_ge(simulated_counter(&simulated, COUNTER_OK), 3 * 85 * pipeline);
        ck_assert_uint_le(simulated_counter(&simulated, COUNTER_OK), 3 * 101 * pipeline);
        simulated_run_free(&simulated);
    }
}

static void answer_or_end(struct scripted_peer *peer, const char *bytes, size_t byte_count)
{
    if (peer->greeting_bytes > 0 && peer->commands % 9 == 8)
        scripted_end(peer, SCRIPTED_SERVICE_NS);
    else
        scripted_answer(peer, bytes, byte_count);
}

TEST(all_is_sent_though_connections_end)
{
    /* Breaks when one that ended while it thought stays in the list, or thinks for ever when it is back. */
    const struct scripted_server server = {.command = answer_or_end};
    prepare(2);
    simulated.run.requests = 300;
    simulated_run_go(&simulated, &server);
    ck_assert_uint_eq(simulated_counter(&simulated, COUNTER_SENT), 300);
    ck_assert_uint_eq(simulated_counter(&simulated, COUNTER_OK) +
                          counters_lost(simulated.measured->counters),
                      300);
    simulated_run_free(&simulated);
}

TEST_SUITE(think)
