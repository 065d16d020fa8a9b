#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "orchestrator/report/metric.h"
#include "tests/support/check/report_fixture.h"
#include "tests/support/check/suite.h"

static struct interval_row *total;
static struct run_facts facts;
static struct error_kinds kinds;
static struct run_result *result;
static const double asked[] = {50, 99};

/* 100,000 answered, and a worker was killed: of `without` of them the counters are all that is left. */
static void set_up_loop(bool open_loop, uint64_t without)
{
    memset(&kinds, 0, sizeof kinds);
    facts = open_loop ? fixture_open_facts() : fixture_facts();
    total = fixture_row(0);
    total->header.end_ns = 10 * NS_PER_SECOND;
    total->header.flags = INTERVAL_DEGRADED | INTERVAL_LAST;
    if (open_loop)
        fixture_answer_at(total, 100000, 1000, 100000 - without);
    else
        fixture_answer(total, 100000, 100000 - without);
    total->counters[COUNTER_SENT] += without;
    total->counters[COUNTER_DUE] += without;
    total->counters[COUNTER_OK] += without;
    histogram_record_n(&total->histograms[HISTOGRAM_LOOP_LAG], 1000, 100000);
    result = fixture_result();
    result->facts = &facts;
    result->error_kinds = &kinds;
    result->total = total;
    result->seconds = result->due_seconds = 10;
    result->percentiles = asked;
    result->percentile_count = 2;
    result->evidence.steal_share = 0;
    result->evidence.server_cpu_share = -1;
}

static void tear_down(void)
{
    free(total);
    free(result);
}

static void lose(enum counter counter, uint64_t count)
{
    total->counters[COUNTER_SENT] += count;
    total->counters[COUNTER_DUE] += count;
    total->counters[counter] += count;
}

static const struct verdict_check *judged(const char *name)
{
    static struct verdict verdict;
    verdict_judge(&verdict, result);
    for (uint32_t i = 0; i < verdict.check_count; i++)
        if (strcmp(verdict.checks[i].name, name) == 0)
            return &verdict.checks[i];
    ck_abort_msg("there is no check %s", name);
}

static void expect_words(const char *text, const char *words)
{
    ck_assert_msg(strstr(text, words) != NULL, "\"%s\" is not in: %s", words, text);
}

static uint64_t without_latency(void)
{
    const struct metric_slice slice = metric_slice_of(total, true);
    return metric_count(&slice, METRIC_OK_WITHOUT_LATENCY);
}

TEST(only_a_dead_worker_takes_latencies)
{
    /* Breaks when answered requests without a latency are not counted, or are where nobody died. */
    set_up_loop(false, 1500);
    ck_assert_uint_eq(without_latency(), 1500);
    total->header.flags = INTERVAL_LAST;
    ck_assert_uint_eq(without_latency(), 0);
    tear_down();
    set_up_loop(true, 0);
    ck_assert_uint_eq(without_latency(), 0);
    tear_down();
}

TEST(lost_latencies_are_judged)
{
    /* Breaks when a report that lacks a part of its latencies is GREEN, or says that workers died
     * that were killed by a second Ctrl+C. */
    set_up_loop(false, 0);
    ck_assert_int_eq(judged("lost_workers")->level, VERDICT_GREEN);
    tear_down();
    set_up_loop(false, 1500);
    const struct verdict_check *check = judged("lost_workers");
    ck_assert_int_eq(check->level, VERDICT_AMBER);
    ck_assert_str_eq(check->text, "0, the latencies of 1,500 requests that were answered are lost");
    expect_words(check->advice, "a second Ctrl+C");
    result->evidence.workers_lost = 1;
    lose(COUNTER_SHED_WORKER, 50);
    check = judged("lost_workers");
    ck_assert_int_eq(check->level, VERDICT_RED);
    ck_assert_str_eq(check->text,
                     "1, 50 requests fell due meanwhile, the latencies of 1,500 requests "
                     "that were answered are lost");
    expect_words(check->advice, "died during the run");
    tear_down();
}

TEST(a_lost_worker_is_judged_once)
{
    /* Breaks when the death of a worker is billed to the server as requests without a reply. */
    set_up_loop(false, 0);
    lose(COUNTER_LOST_WORKER, 500);
    result->evidence.workers_lost = 1;
    ck_assert_int_eq(judged("lost_or_timed_out")->level, VERDICT_GREEN);
    ck_assert_int_eq(judged("lost_workers")->level, VERDICT_RED);
    tear_down();
}

TEST(requests_killed_at_the_end_are_lost)
{
    /* Breaks when a second Ctrl+C makes unanswered requests count as none, as one Ctrl+C does not. */
    set_up_loop(false, 0);
    lose(COUNTER_LOST_WORKER, 50);
    const struct verdict_check *check = judged("lost_or_timed_out");
    ck_assert_int_eq(check->level, VERDICT_AMBER);
    expect_words(check->text, "50, ");
    expect_words(check->advice, "workers were killed");
    lose(COUNTER_TIMED_OUT, 200);
    check = judged("lost_or_timed_out");
    ck_assert_int_eq(check->level, VERDICT_RED);
    expect_words(check->text, "250, ");
    expect_words(check->advice, "find out why");
    tear_down();
}

TEST(a_stop_is_no_fault_of_the_rate)
{
    /* Breaks when a run that was stopped is told to lower its rate because of what the stop cut off,
     * or one that could not keep up is not. */
    set_up_loop(true, 0);
    result->percentile_count = 1;
    static const double high[] = {99.99};
    result->percentiles = high;
    total->counters[COUNTER_DUE] += 75;
    total->header.backlog_after = 75;
    expect_words(judged("censored")->advice, "lower the rate");
    result->interrupted = true;
    expect_words(judged("censored")->advice, "the run was stopped");
    result->interrupted = false;
    result->stopped = true;
    expect_words(judged("censored")->advice, "the run was stopped");
    ck_assert_int_eq(judged("censored")->level, VERDICT_AMBER);
    lose(COUNTER_TIMED_OUT, 20); /* these alone hide it, too */
    expect_words(judged("censored")->advice, "find out why they were not answered");
    total->counters[COUNTER_DUE] += 20000;
    total->header.backlog_after += 20000; /* the target was missed */
    expect_words(judged("censored")->advice, "lower the rate");
    tear_down();
}

/* What the sink prints of the run; owned by the caller. */
static char *printed(enum text_style style)
{
    char *text = NULL;
    size_t text_bytes = 0;
    FILE *out = open_memstream(&text, &text_bytes);
    struct err err = {.code = OK};
    struct timeline timeline;
    struct session_facts session = fixture_session();
    struct sink sink;
    ck_assert_int_eq(timeline_init(&timeline, &err), OK);
    ck_assert_int_eq(sink_text(&sink, out, style, false, &err), OK);
    timeline_add(&timeline, sink);
    timeline_session_begin(&timeline, &session);
    timeline_run_begin(&timeline, &facts);
    ck_assert_int_eq(timeline_interval(&timeline, total, &err), OK);
    timeline_run_end(&timeline, result);
    timeline_session_end(&timeline);
    timeline_destroy(&timeline);
    fixture_session_free(&session);
    fclose(out);
    return text;
}

TEST(the_text_says_what_is_missing)
{
    /* Breaks when the report counts fewer latencies than requests and does not say why, or says that
     * nothing succeeded when only the latencies are gone. */
    set_up_loop(true, 1500);
    lose(COUNTER_LOST_WORKER, 50);
    char *text = printed(TEXT_REPORT);
    expect_words(text,
                 "distribution are of the 98,500 answered without an error.\n"
                 "1,500 more answered without an error have no latency here: it was lost with "
                 "a worker that was killed.");
    expect_words(text, "50 more had no reply or were never sent; how long they had waited is not "
                       "known. The percentiles count them;");
    free(text);
    tear_down();
    set_up_loop(false, 100000);
    text = printed(TEXT_REPORT);
    expect_words(text,
                 "\nthere are no latencies\n100,000 answered without an error have no latency");
    ck_assert_ptr_null(strstr(text, "no request succeeded"));
    free(text);
    tear_down();
}

TEST(short_outputs_tell_it_on_stderr)
{
    /* Breaks when -q or --csv prints percentiles of a part of the requests, and no word says so. */
    char line[512] = "";
    int ends[2], kept = dup(STDERR_FILENO);
    struct sink sink = sink_trouble();
    struct err err = {.code = OK};
    struct outages *outages = outages_create();
    set_up_loop(false, 1500);
    result->outages = outages;
    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
    enum err_code code = sink.run_end(sink.state, result, &err);
    dup2(kept, STDERR_FILENO);
    close(ends[1]);
    close(kept);
    ck_assert_int_eq(code, OK);
    ck_assert_int_gt(read(ends[0], line, sizeof line - 1), 0);
    close(ends[0]);
    expect_words(line,
                 "GET: the latencies of 1,500 of 100,000 requests that were answered were lost "
                 "with a worker that was killed: the percentiles are of the others\n");
    outages_destroy(outages);
    tear_down();
}

TEST_SUITE(killed_workers)
