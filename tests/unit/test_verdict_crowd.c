/* What the verdict says of several workers on one CPU. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "tests/support/check/report_fixture.h"
#include "tests/support/check/suite.h"

static struct run_facts facts;
static struct interval_row *total;
static struct run_result *result;
static struct verdict verdict;

/* 10 s of two workers, both on CPU 1. */
static void set_up(void)
{
    facts = fixture_facts();
    facts.worker_count = 2;
    total = fixture_row(0);
    total->header.end_ns = 10 * NS_PER_SECOND;
    fixture_answer(total, 100000, 100000);
    result = fixture_result();
    result->facts = &facts;
    result->total = total;
    result->seconds = 10;
    result->evidence.server_cpu_share = -1;
    result->worker_count = 2;
    for (uint32_t i = 0; i < 2; i++)
        result->workers[i] = (struct worker_summary){.index = i, .cpu = 1};
}

static void tear_down(void)
{
    free(total);
    free(result);
}

static const struct verdict_check *judge(const char *name, double busy_seconds,
                                         double delay_seconds)
{
    for (uint32_t i = 0; i < 2; i++) {
        result->workers[i].cpu_user_seconds = busy_seconds;
        result->workers[i].run_delay_seconds = delay_seconds;
    }
    verdict_judge(&verdict, result);
    for (uint32_t i = 0; i < verdict.check_count; i++)
        if (strcmp(verdict.checks[i].name, name) == 0)
            return &verdict.checks[i];
    ck_abort_msg("there is no check %s", name);
}

TEST(workers_use_a_cpu_up_together)
{
    /* Breaks when each of two workers is held against the whole of a CPU of which it has half, or when the
     * time is not counted in which strangers had it. */
    ck_assert_int_eq(judge("worker_cpu", 4.4, 1)->level, VERDICT_GREEN);
    ck_assert_int_eq(judge("worker_cpu", 4.6, 1)->level, VERDICT_AMBER);
    ck_assert_double_eq_tol(judge("worker_cpu", 4.6, 1)->value, 92, 1e-6);
    ck_assert_int_eq(judge("worker_cpu", 3, 5.9)->level, VERDICT_GREEN);
    ck_assert_int_eq(judge("worker_cpu", 3, 6.1)->level, VERDICT_AMBER);
}

TEST(workers_that_share_a_cpu_wait_for_each_other)
{
    /* Breaks when volley's own crowding is blamed on a stranger. */
    ck_assert_int_eq(judge("run_delay", 1, 3)->level, VERDICT_GREEN);
    ck_assert(isnan(judge("run_delay", 1, 3)->value));
}

TEST_SUITE_WITH(verdict_crowd, .set_up = set_up, .tear_down = tear_down)
