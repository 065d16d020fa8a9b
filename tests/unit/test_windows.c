/* Windows cut out of made-up rows of one second each. */
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "orchestrator/capacity/windows.h"
#include "tests/support/check/report_fixture.h"
#include "tests/support/check/suite.h"

static struct objective_list objectives;
static struct windows windows;
static struct sink sink;
static volatile bool enough;
static struct run_facts facts;

static void set_up(void)
{
    struct err err = {.code = OK};
    facts = fixture_open_facts();
    ck_assert_int_eq(
        objective_parse_list(&objectives, "p99<10ms,errors<1%", &objective_of_check, &err), OK);
    windows = (struct windows){.objectives = &objectives,
                               .window_ns = 2 * NS_PER_SECOND,
                               .wanted = 3,
                               .hopeless_backlog = 1000,
                               .enough = &enough};
    enough = false;
    ck_assert_int_eq(windows_init(&windows, &err), OK);
    sink = windows_sink(&windows);
    ck_assert_int_eq(sink.run_begin(sink.state, &facts, &err), OK);
}

static void tear_down(void)
{
    windows_free(&windows);
}

/* Second number index: so many requests of this service time. */
static struct interval_row *second(uint32_t index, uint64_t service_ns, uint64_t times)
{
    struct interval_row *row = fixture_row(index);
    fixture_answer_at(row, service_ns, 0, times);
    return row;
}

static void feed(struct interval_row *row)
{
    struct err err = {.code = OK};
    ck_assert_int_eq(sink.interval(sink.state, row, NULL, &err), OK);
    free(row);
}

TEST(test_an_error_is_not_achieved)
{
    /* Breaks when the rate of a window is another figure than the achieved rate of a run, which counts what
     * was answered without an error. */
    struct interval_row *row = second(5, NS_PER_MS, 100);
    fixture_refuse(row, 0, NS_PER_MS, 20);
    feed(row);
    feed(second(6, NS_PER_MS, 120));
    ck_assert_uint_eq(windows.list[0].answered, 240);
    ck_assert_double_eq_tol(windows.list[0].achieved, 110, 1e-9);
}

TEST(test_windows_are_cut)
{
    /* Breaks when rows are put into the wrong window, or a part of one counts as a window. */
    for (uint32_t i = 5; i < 10; i++) /* the warm-up was five seconds long */
        feed(second(i, NS_PER_MS, 100 + i));
    ck_assert_uint_eq(windows.count, 2);
    ck_assert_uint_eq(windows.passed, 2);
    ck_assert_uint_eq(windows.list[0].due, 105 + 106);
    ck_assert_uint_eq(windows.list[1].ok, 107 + 108);
    ck_assert_double_eq_tol(windows.list[1].start_seconds, 2, 1e-9);
    ck_assert_double_eq_tol(windows.list[1].achieved, 107.5, 1e-9);
    feed(second(10, NS_PER_MS, 100));
    feed(second(11, NS_PER_MS, 100)); /* behind the last window: draining */
    feed(second(12, NS_PER_MS, 100));
    ck_assert_uint_eq(windows.count, 3);
    ck_assert(!enough);
}

TEST(test_instants_are_merged)
{
    /* Breaks when a window knows the successes of its last row only. */
    struct interval_row *row = second(0, NS_PER_MS, 10);
    row->header.times = (struct outcome_times){10, 20, 30, 40};
    feed(row);
    row = second(1, NS_PER_MS, 10);
    row->header.times = (struct outcome_times){NS_PER_SECOND, NS_PER_SECOND + 5, 0, 0};
    feed(row);
    struct outcome_times both = {10, NS_PER_SECOND + 5, 30, 40};
    ck_assert_mem_eq(&windows.row->header.times, &both, sizeof both);
    row = second(2, NS_PER_MS, 10);
    row->header.times = (struct outcome_times){7 * NS_PER_SECOND, 7 * NS_PER_SECOND, 0, 0};
    feed(row);
    ck_assert_uint_eq(windows.row->header.times.first_ok_ns, 7 * NS_PER_SECOND);
    ck_assert_uint_eq(windows.row->header.times.first_failed_ns, 0);
}

TEST(test_warmup_is_left_out)
{
    /* Breaks when the warm-up is judged. */
    struct interval_row *row = second(0, NS_PER_SECOND, 100);
    row->header.flags |= INTERVAL_WARMUP;
    feed(row);
    feed(second(1, NS_PER_MS, 100));
    feed(second(2, NS_PER_MS, 100));
    ck_assert_uint_eq(windows.count, 1);
    ck_assert_uint_eq(windows.passed, 1);
}

TEST(test_wide_row)
{
    /* Breaks when a row that holds several windows is counted as one of them and shifts the others. */
    struct interval_row *row = second(0, NS_PER_MS, 500);
    row->header.last = 3;
    row->header.end_ns = 4 * NS_PER_SECOND;
    feed(row);
    ck_assert_uint_eq(windows.count, 1);
    ck_assert_double_eq_tol(windows.list[0].seconds, 4, 1e-9);
    feed(second(4, NS_PER_MS, 100));
    ck_assert_uint_eq(windows.count, 1);
    feed(second(5, NS_PER_MS, 100));
    ck_assert_uint_eq(windows.count, 2);
    ck_assert_uint_eq(windows.list[1].due, 200);
}

TEST(test_slow_window_fails)
{
    /* Breaks when a window passes whose percentile, merged from its rows, is above the objective. */
    feed(second(0, NS_PER_MS, 1000));
    struct interval_row *row = second(1, NS_PER_MS, 960);
    fixture_answer_at(row, 20 * NS_PER_MS, 0, 40); /* 2 % of the window */
    feed(row);
    ck_assert_uint_eq(windows.count, 1);
    ck_assert_uint_eq(windows.passed, 0);
    ck_assert(windows.list[0].kept_up);
    ck_assert(!windows.list[0].readings[0].kept);
    ck_assert(windows.list[0].readings[1].kept);
}

TEST(test_behind)
{
    /* Breaks when a server that does not keep up passes because what it answers is fast; or when one
     * request too few in a small window fails it. */
    struct interval_row *row = second(0, NS_PER_MS, 980);
    struct window window;
    row->counters[COUNTER_DUE] += 20;
    row->header.backlog_after = 20;
    window_judge(&window, row, &objectives, NULL);
    ck_assert(!window.kept_up && !window.passed);
    free(row);

    row = second(0, NS_PER_MS, 990);
    row->counters[COUNTER_DUE] += 10;
    row->header.backlog_after = 10;
    window_judge(&window, row, &objectives, NULL);
    ck_assert(window.kept_up && window.passed);
    free(row);

    row = second(0, NS_PER_MS, 9);
    row->counters[COUNTER_DUE] += 1;
    row->header.backlog_after = 1;
    window_judge(&window, row, &objectives, NULL);
    ck_assert(window.kept_up && window.passed);
    free(row);
}

TEST(test_in_flight_is_not_lost)
{
    /* Breaks when requests that are under way at the edge of a window are held against it. */
    struct interval_row *row = second(0, NS_PER_MS, 950);
    struct window window;
    fixture_send_at(row, 0, 50);
    row->header.in_flight_after = 50;
    window_judge(&window, row, &objectives, NULL);
    ck_assert(window.kept_up);
    row->header.in_flight_after = 20; /* and 30 were lost */
    row->counters[COUNTER_LOST_DISCONNECT] = 30;
    window_judge(&window, row, &objectives, NULL);
    ck_assert(!window.kept_up);
    free(row);
}

TEST(test_filling_connections)
{
    /* Breaks when a server that is a fifth too slow passes while the connections still fill, or one that
     * only began with nothing in flight fails. */
    for (uint32_t i = 0; i < 4; i++) {
        struct interval_row *row = second(i, 10 * NS_PER_MS, 80);
        fixture_send_at(row, 0, 20);
        row->header.in_flight_before = (uint64_t)i * 20;
        row->header.in_flight_after = (uint64_t)(i + 1) * 20;
        feed(row);
    }
    ck_assert(windows.list[0].kept_up && windows.list[1].kept_up);
    ck_assert(!windows_kept_up(&windows));

    struct err err = {.code = OK};
    ck_assert_int_eq(sink.run_begin(sink.state, &facts, &err), OK);
    ck_assert(windows_kept_up(&windows));
    for (uint32_t i = 0; i < 2; i++) {
        struct interval_row *row = second(i, 200 * NS_PER_MS, i == 0 ? 80 : 100);
        fixture_send_at(row, 0, i == 0 ? 20 : 0);
        row->header.in_flight_before = i == 0 ? 0 : 20;
        row->header.in_flight_after = 20;
        feed(row);
    }
    ck_assert(windows_kept_up(&windows));
}

TEST(test_degraded_window_is_left_out)
{
    /* Breaks when the death of a worker is billed to the server. */
    feed(second(0, NS_PER_MS, 100));
    struct interval_row *row = second(1, NS_PER_SECOND, 10);
    row->header.flags |= INTERVAL_DEGRADED;
    feed(row);
    ck_assert_uint_eq(windows.count, 0);
    ck_assert_uint_eq(windows.degraded, 1);
    feed(second(2, NS_PER_MS, 100));
    feed(second(3, NS_PER_MS, 100));
    ck_assert_uint_eq(windows.passed, 1);
}

TEST(test_hopeless_backlog_ends_the_run)
{
    /* Breaks when a run whose backlog only grows goes on to its end, or one that falls a little behind
     * does not. */
    struct interval_row *row = second(0, NS_PER_MS, 100);
    row->counters[COUNTER_DUE] += 1000;
    row->header.backlog_after = 1000;
    feed(row);
    ck_assert(!enough);
    row = second(1, NS_PER_MS, 100);
    row->header.backlog_before = 1000;
    row->counters[COUNTER_DUE] += 1;
    row->header.backlog_after = 1001;
    feed(row);
    ck_assert(enough && windows.hopeless);
    feed(second(2, NS_PER_MS, 100)); /* what comes after the stop is no window */
    feed(second(3, NS_PER_MS, 100));
    ck_assert_uint_eq(windows.count, 1);
}

/* How many of the three windows are measured when all requests take so long. */
static uint32_t measured(enum windows_ending ending, uint64_t service_ns)
{
    struct err err = {.code = OK};
    windows.ending = ending;
    enough = false;
    ck_assert_int_eq(sink.run_begin(sink.state, &facts, &err), OK);
    for (uint32_t i = 0; i < 6 && !enough; i++)
        feed(second(i, service_ns, 100));
    ck_assert(!windows.hopeless);
    return windows.count;
}

TEST(test_enough_is_known)
{
    /* Breaks when a first probe goes on although a majority of its windows has failed, or passed, or
     * while the search climbs the first one with much to spare; or a re-test, which must be measured
     * whole, does not. */
    static const struct {
        uint64_t service_ns;
        uint32_t whole, decided, climbing;
    } cases[] = {
        {NS_PER_SECOND, 3, 2, 2},
        {9 * NS_PER_MS, 3, 2, 2}, /* passes, above half of p99<10ms */
        {4 * NS_PER_MS, 3, 2, 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ck_assert_uint_eq(measured(WINDOWS_WHOLE, cases[i].service_ns), cases[i].whole);
        ck_assert_uint_eq(measured(WINDOWS_DECIDED, cases[i].service_ns), cases[i].decided);
        ck_assert_uint_eq(measured(WINDOWS_CLIMBING, cases[i].service_ns), cases[i].climbing);
    }
}

TEST(test_a_class_has_to_keep_its_own)
{
    /* Breaks when a window passes although a class breaks its objective, or fails by another class's times. */
    struct err err = {.code = OK};
    facts.class_count = 2;
    snprintf(facts.class_names[0], CLASS_NAME_BYTES, "read");
    snprintf(facts.class_names[1], CLASS_NAME_BYTES, "write");
    ck_assert_int_eq(objective_parse_list(&objectives, "read:p99<2ms", &objective_of_check, &err),
                     OK);
    for (uint32_t i = 0; i < 4; i++) {
        const uint64_t read_ns = i < 2 ? NS_PER_MS : 3 * NS_PER_MS;
        struct interval_row *row = fixture_row(5 + i);
        fixture_class_ok_at(row, 0, read_ns, 100);
        fixture_class_ok_at(row, 1, 50 * NS_PER_MS, 100);
        feed(row);
    }
    ck_assert_uint_eq(windows.count, 2);
    ck_assert(windows.list[0].passed);
    ck_assert_uint_eq(windows.list[0].readings[0].value_ns, NS_PER_MS);
    ck_assert(windows.list[1].kept_up && !windows.list[1].passed);
}

TEST_SUITE_WITH(windows, .set_up = set_up, .tear_down = tear_down)
