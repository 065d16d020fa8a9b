#include <stdlib.h>

#include "common/clock.h"
#include "orchestrator/fleet/due_time.h"
#include "tests/support/check/suite.h"

#define BEGIN_NS (1000 * NS_PER_SECOND)

static struct schedule *schedule;

/* 1,000/s, and from 10 s on nothing. */
static void set_up(void)
{
    const struct rate_step steps[] = {
        {10 * NS_PER_SECOND, 1000 * SCHEDULE_MICRO, 1000 * SCHEDULE_MICRO, SCHEDULE_CONSTANT},
        {SCHEDULE_NEVER, 0, 0, SCHEDULE_CONSTANT}};
    schedule = calloc(1, schedule_bytes(2, false));
    ck_assert_ptr_nonnull(schedule);
    schedule_plan(schedule, steps, 2, false);
}

static void tear_down(void)
{
    free(schedule);
}

LOOP_TEST(the_first_end_counts, 8)
{
    /* breaks if the wait for a slow server's last replies makes the target look lower than it was */
    static const struct {
        uint64_t duration_s, requests, stop_ns, due_ns;
        bool open_loop;
    } cases[] = {
        {5, 0, IPC_NEVER, 5 * NS_PER_SECOND, true},
        {5, 0, BEGIN_NS + 2 * NS_PER_SECOND, 2 * NS_PER_SECOND, true},
        {5, 0, BEGIN_NS + 7 * NS_PER_SECOND, 5 * NS_PER_SECOND, true},
        {0, 3000, IPC_NEVER, 3 * NS_PER_SECOND, true},
        {5, 0, BEGIN_NS - 1, 5 * NS_PER_SECOND, true},
        {0, 3000, BEGIN_NS + NS_PER_SECOND, NS_PER_SECOND, true},
        {0, 20000, IPC_NEVER, 0, true}, /* the schedule never comes to the last one */
        {5, 0, IPC_NEVER, 0, false},
    };
    struct worker_run run = {.open_loop = cases[_i].open_loop,
                             .duration_ns = cases[_i].duration_s * NS_PER_SECOND,
                             .requests = cases[_i].requests};
    ck_assert_uint_eq(
        due_time_ns(&run, run.open_loop ? schedule : NULL, BEGIN_NS, cases[_i].stop_ns),
        cases[_i].due_ns);
}

TEST(the_rate_is_what_was_asked)
{
    /* breaks if the target of a run that ends between two requests is not the rate that was asked for, or
     * one that was changed under way has the mean of its parts */
    static const uint64_t odd_ns = 1200210000;
    ck_assert_double_eq_tol(due_rate(schedule, odd_ns, false), 1000, 1e-9);
    ck_assert_double_eq_tol(due_rate(schedule, 20 * NS_PER_SECOND, false), 500, 1e-9);
    ck_assert_double_eq_tol(due_rate(schedule, odd_ns, true), 1000, 1e-9);
    ck_assert_double_eq(due_rate(schedule, 20 * NS_PER_SECOND, true), 0);
    ck_assert_double_eq(due_rate(NULL, 0, false), 0);
    ck_assert_double_eq(due_rate(NULL, 0, true), 0);
}

TEST_SUITE_WITH(due_time, .set_up = set_up, .tear_down = tear_down)
