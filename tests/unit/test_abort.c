/* --abort-on, interval by interval. */
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "orchestrator/capacity/abort.h"
#include "tests/support/check/report_fixture.h"
#include "tests/support/check/suite.h"

static struct objective_list conditions;
static struct interrupts interrupts;
static struct abort_watch watch;
static struct run_facts facts;
static struct sink sink;

static void watch_for(const char *text)
{
    struct err err = {.code = OK};
    facts = fixture_class_facts();
    facts.warmup_ns = 0;
    memset(&interrupts, 0, sizeof interrupts);
    watch = (struct abort_watch){.conditions = &conditions, .interrupts = &interrupts};
    ck_assert_int_eq(objective_parse_list(&conditions, text, &objective_of_abort, &err), OK);
    ck_assert_int_eq(abort_watch_init(&watch, &err), OK);
    sink = abort_sink(&watch);
    ck_assert_int_eq(sink.run_begin(sink.state, &facts, &err), OK);
}

/* A tenth of a second; the window of classes ends with every tenth one, and with the last of a run. */
static void feed(uint32_t tenth, uint64_t read_ns, bool window_ends)
{
    static struct interval_row *so_far; /* of the window */
    struct err err = {.code = OK};
    struct interval_row *row = fixture_row(tenth);
    row->header.start_ns = tenth * 100 * NS_PER_MS;
    row->header.end_ns = (tenth + 1) * 100 * NS_PER_MS;
    fixture_class_ok(row, 0, read_ns, 100);
    fixture_class_ok(row, 1, 20 * NS_PER_MS, 100);
    if (so_far == NULL)
        so_far = fixture_row(0);
    interval_row_add(so_far, row);
    for (uint32_t i = 0; i < 2 * CLASS_TIMES; i++) {
        histogram_reset(&row->class_windows[i]);
        if (window_ends)
            histogram_add(&row->class_windows[i], &so_far->class_windows[i]);
    }
    row->window_ends = window_ends;
    ck_assert_int_eq(sink.interval(sink.state, row, NULL, &err), OK);
    free(row);
    if (window_ends) {
        free(so_far);
        so_far = NULL;
    }
}

TEST(a_class_is_looked_at_by_its_windows)
{
    /* Breaks when a run is ended by coarse figures, which may be 3.2 % too high, by another class, or not at all. */
    watch_for("read:p99>1.01ms");
    for (uint32_t i = 0; i < 20; i++)
        feed(i, NS_PER_MS, i % 10 == 9);
    ck_assert(!interrupts.enough);
    for (uint32_t i = 20; i < 29; i++)
        feed(i, 2 * NS_PER_MS, false);
    ck_assert(!interrupts.enough);
    feed(29, 2 * NS_PER_MS, true);
    ck_assert(interrupts.enough);
    ck_assert_str_eq(interrupts.ended_by,
                     "ended by --abort-on read:p99>1.01ms at 3.000 s: read:p99 2.000 ms");
    abort_watch_free(&watch);
}

TEST(all_requests_are_looked_at_by_intervals)
{
    /* Breaks when a condition about all waits for the window of a class, or its time does not count. */
    watch_for("mean>10ms for 200ms,write:p99>1h");
    feed(0, NS_PER_MS, false);
    feed(1, NS_PER_MS, false);
    ck_assert(interrupts.enough);
    ck_assert_str_eq(interrupts.ended_by,
                     "ended by --abort-on mean>10ms for 200ms at 0.200 s: mean 10.500 ms");
    feed(2, NS_PER_MS, true);
    abort_watch_free(&watch);
}

/* A tenth of a second in which `ok` requests were answered, `lost` broke off, and connecting failed. */
static void feed_gone(uint32_t tenth, uint64_t ok, uint64_t lost, uint64_t failed_count)
{
    struct err err = {.code = OK};
    struct interval_row *row = fixture_row(tenth);
    row->header.start_ns = tenth * 100 * NS_PER_MS;
    row->header.end_ns = (tenth + 1) * 100 * NS_PER_MS;
    row->header.connections_open = 0;
    row->counters[COUNTER_OK] = ok;
    row->counters[COUNTER_LOST_DISCONNECT] = lost;
    row->counters[COUNTER_CONNECT_FAILURES] = failed_count;
    ck_assert_int_eq(sink.interval(sink.state, row, NULL, &err), OK);
    free(row);
}

TEST(a_server_that_turns_everybody_away_answers_nothing_but_errors)
{
    /* Breaks when a server that went away just behind many good answers lets the run go on to its end: nothing is sent
     * any more that could fail, and what was lost is less than the limit of that interval. */
    watch_for("errors>1% for 300ms");
    feed_gone(0, 10000, 50, 50);
    feed_gone(1, 0, 0, 0); /* between two attempts */
    ck_assert(!interrupts.enough);
    feed_gone(2, 0, 0, 50);
    feed_gone(3, 0, 0, 0);
    ck_assert(!interrupts.enough);
    feed_gone(4, 0, 0, 50);
    ck_assert(interrupts.enough);
    ck_assert_str_eq(interrupts.ended_by, "ended by --abort-on errors>1% for 300ms at 0.500 s: "
                                          "errors 100.000 %");
    abort_watch_free(&watch);
}

TEST_SUITE(abort)
