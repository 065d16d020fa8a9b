/* A worker whose client buffers, against a scripted server: when rounds go, to the microsecond. */
#include "common/buffer_stage.h"
#include "common/clock.h"
#include "tests/support/check/simulated_run.h"
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

TEST_SUITE(buffered_run)
