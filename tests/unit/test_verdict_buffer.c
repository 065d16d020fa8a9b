/* What the verdict says of waiting in, and in front of, a client's buffer. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buffer_stage.h"
#include "common/clock.h"
#include "tests/support/check/report_fixture.h"
#include "tests/support/check/suite.h"

static struct run_facts facts;
static struct interval_row *total;
static struct run_result *result;
static struct verdict verdict;

/* 10 s at a rate: all waited in the buffer for 3 ms of their 4. */
static void set_up(void)
{
    facts = fixture_open_facts();
    snprintf(facts.buffer_text, sizeof facts.buffer_text, "fast");
    facts.buffer_workers = 1;
    facts.part_count = BUFFER_STAGES;
    for (uint32_t i = 0; i < BUFFER_STAGES; i++)
        facts.parts[i].is_stage = true;
    total = fixture_row(0);
    total->header.end_ns = 10 * NS_PER_SECOND;
    fixture_answer_at(total, 4 * NS_PER_MS, 1000, 100000);
    histogram_reset(&total->histograms[HISTOGRAM_WAIT]);
    histogram_record_n(&total->histograms[HISTOGRAM_WAIT], 3 * NS_PER_MS, 100000);
    total->part_count = BUFFER_STAGES;
    result = fixture_result();
    result->facts = &facts;
    result->total = total;
    result->seconds = result->due_seconds = 10;
}

static void tear_down(void)
{
    free(total);
    free(result);
}

static const struct verdict_check *judge_room(enum buffer_stage stage, uint64_t room_ns)
{
    coarse_record(&total->parts[stage].times[CLASS_SERVICE], room_ns, 100000);
    total->parts[stage].counters[CLASS_OK] = 100000;
    verdict_judge(&verdict, result);
    for (uint32_t i = 0; i < verdict.check_count; i++)
        if (strcmp(verdict.checks[i].name, "wait") == 0)
            return &verdict.checks[i];
    ck_abort_msg("there is no check wait");
}

TEST(a_wait_in_a_buffer_is_meant)
{
    /* breaks if a buffered load is doubted for waiting in its buffer */
    const struct verdict_check *check = judge_room(STAGE_WRITE_SCHEDULE, 1000);
    ck_assert_int_eq(check->level, VERDICT_GREEN);
    ck_assert_ptr_nonnull(strstr(check->text, "in front of the buffer"));
}

static const enum buffer_stage stages[] = {STAGE_WRITE_SCHEDULE, STAGE_QUERY_SCHEDULE};

LOOP_TEST(a_buffer_without_room_is_told, sizeof stages / sizeof stages[0])
{
    /* breaks if a load passes for which the buffer had no room, or another reason is given */
    const struct verdict_check *check = judge_room(stages[_i], 3 * NS_PER_MS);
    ck_assert_int_eq(check->level, VERDICT_AMBER);
    ck_assert_ptr_nonnull(strstr(check->advice, "the buffer had no room"));
}

TEST_SUITE_WITH(verdict_buffer, .set_up = set_up, .tear_down = tear_down)
