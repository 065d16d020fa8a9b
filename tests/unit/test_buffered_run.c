/* A worker whose client buffers, against a scripted server: when rounds go, to the microsecond, and what the end of the
 * load leaves of them. */
#include "common/buffer_stage.h"
#include "common/clock.h"
#include "tests/support/check/simulated_run.h"
#include "tests/support/check/simulation.h"
#include "tests/support/check/suite.h"

#define ROUND 4u

static struct simulated_run simulated;

static void prepare(uint64_t flush_interval_ns)
{
    simulated_run_init(&simulated);
    simulated.spec.buffer = (struct buffer_options){
        .wanted = true,
        .name = "of the test",
        .round_messages = ROUND,
        .hybrid_batches = 2,
        .flush_workers = 1,
        .strategy = BUFFER_SIZE_BASED,
        .flush_interval_ns = flush_interval_ns,
    };
    simulated.run.pipeline = (uint64_t)ROUND * BUFFER_BATCHES_AT_ONCE;
    simulated.run.duration_ns = NS_PER_SECOND;
}

static const struct coarse_times *stage(enum buffer_stage stage)
{
    return &simulated.measured->parts[stage].times[CLASS_SERVICE];
}

TEST(a_round_goes_when_its_interval_is_over)
{
    /* breaks when a round is kept for longer than the flush interval, by a timer of whole milliseconds, or for less */
    const struct scripted_server server = {.command = scripted_answer};
    const uint64_t interval_ns = 1300 * NS_PER_US;
    prepare(interval_ns);
    simulated.rate = 50;
    simulated_run_go(&simulated, &server);
    const struct coarse_times *waited = stage(STAGE_WRITE_BUFFER);
    const uint64_t count = coarse_count(waited);
    ck_assert_uint_ge(count, 49);
    ck_assert_uint_ge(waited->sum_ns, count * interval_ns);
    ck_assert_uint_le(waited->max_ns, interval_ns + 50 * NS_PER_US);
    simulated_run_free(&simulated);
}

/* All that was due has been answered, none of it because it could not wait. */
static void ck_all_answered(uint64_t least)
{
    const uint64_t due = simulated_counter(&simulated, COUNTER_DUE);
    ck_assert_uint_ge(due, least);
    ck_assert_uint_eq(simulated_counter(&simulated, COUNTER_SENT), due);
    ck_assert_uint_eq(simulated_counter(&simulated, COUNTER_OK), due);
    ck_assert_uint_eq(simulated_counter(&simulated, COUNTER_BUFFER_MESSAGES), due);
    ck_assert_uint_eq(simulated.measured->histograms[HISTOGRAM_RESPONSE_UNANSWERED].count, 0);
    simulated_run_free(&simulated);
}

TEST(a_rate_is_sent_to_its_end)
{
    /* breaks when what a timed run has in its round at the end is never sent, or something is drawn behind the end */
    const struct scripted_server server = {.command = scripted_answer};
    prepare(3600 * NS_PER_SECOND);
    simulated.rate = 50;
    simulated.spec.buffer.round_messages = 1000;
    simulated.run.pipeline = 2000;
    simulated_run_go(&simulated, &server);
    ck_assert_uint_eq(simulated_counter(&simulated, COUNTER_BUFFER_FLUSHES_IDLE), 1);
    ck_all_answered(50);
}

static void answer_slowly(struct scripted_peer *peer, const char *bytes, size_t byte_count)
{
    (void)bytes;
    (void)byte_count;
    scripted_say_text(peer, "+OK\r\n", 7 * NS_PER_MS);
}

LOOP_TEST(users_have_their_last_answer, 2)
{
    /* breaks when users that wait at the end, in a round that is not full or in front of a full buffer, are left there */
    const struct scripted_server server = {.command = _i == 0 ? scripted_answer : answer_slowly};
    prepare(3600 * NS_PER_SECOND);
    simulated.spec.buffer.strategy = BUFFER_TIME_BASED;
    simulated.run.open_loop = true;
    simulated.share.users = _i == 0 ? ROUND + 2 : ROUND * 10 + 2;
    simulated_run_go(&simulated, &server);
    ck_all_answered(simulated.share.users);
}

static void answer_until_the_end(struct scripted_peer *peer, const char *bytes, size_t byte_count)
{
    if (simulated.start_ns == 0 || simulation_now_ns() < simulated.start_ns + NS_PER_SECOND)
        scripted_answer(peer, bytes, byte_count);
}

TEST(what_cannot_be_sent_is_left)
{
    /* breaks when a server that no longer answers keeps a run from its end, or what is left then is in no account */
    const struct scripted_server server = {.command = answer_until_the_end};
    prepare(3600 * NS_PER_SECOND);
    simulated.run.open_loop = true;
    simulated.share.users = ROUND * 10;
    simulated_run_go(&simulated, &server);
    const uint64_t due = simulated_counter(&simulated, COUNTER_DUE),
                   ok = simulated_counter(&simulated, COUNTER_OK),
                   lost = simulated_counter(&simulated, COUNTER_LOST_DRAIN);
    ck_assert_uint_eq(simulated.last.backlog_after, due - ok - lost);
    ck_assert_uint_eq(ok + lost, simulated_counter(&simulated, COUNTER_SENT));
    ck_assert_uint_gt(simulated.last.backlog_after, 0);
    ck_assert_uint_eq(simulated.measured->histograms[HISTOGRAM_RESPONSE_UNANSWERED].count,
                      due - ok);
    simulated_run_free(&simulated);
}

TEST_SUITE(buffered_run)
