/* What is said of a client's buffer before it runs. */
#include "orchestrator/commands/buffer_guide.h"
#include "tests/support/check/suite.h"

static const struct {
    uint32_t cpus, least, most;
} guides[] = {{1, 0, 0}, {2, 2, 3}, {3, 2, 3}, {4, 3, 5}, {7, 3, 5}, {8, 5, 8}, {64, 5, 8}};

LOOP_TEST(flush_workers_by_cpus, sizeof guides / sizeof guides[0])
{
    /* breaks when a number of CPUs belongs to two rows of the guide, or to none */
    uint32_t least = 99, most = 99;
    buffer_guide_workers(&least, &most, guides[_i].cpus);
    ck_assert_uint_eq(least, guides[_i].least);
    ck_assert_uint_eq(most, guides[_i].most);
}

TEST_SUITE(buffer_guide)
