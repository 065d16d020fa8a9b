#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/check/report_fixture.h"
#include "tests/support/check/suite.h"

#if defined(__has_feature)
#define ADDRESS_SANITIZER __has_feature(address_sanitizer)
#else
#define ADDRESS_SANITIZER 0
#endif

/* A sink that counts its calls and fails when told to. */
struct spy {
    int session_begins, run_begins, intervals, run_ends, session_ends, destroys;
    int fail_at_interval; /* 0: never */
    uint64_t total_ok, total_in_flight_before, total_in_flight_after;
    double seconds;
    enum err_code status;
    enum verdict_level level;
};

static enum err_code spy_session_begin(void *state, const struct session_facts *session,
                                       struct err *err)
{
    (void)session;
    (void)err;
    ((struct spy *)state)->session_begins++;
    return OK;
}

static enum err_code spy_run_begin(void *state, const struct run_facts *run, struct err *err)
{
    (void)run;
    (void)err;
    ((struct spy *)state)->run_begins++;
    return OK;
}

static enum err_code spy_interval(void *state, const struct interval_row *row,
                                  const struct error_kinds *kinds, struct err *err)
{
    struct spy *spy = state;
    (void)row;
    (void)kinds;
    if (++spy->intervals == spy->fail_at_interval)
        return err_set(err, E_SYSTEM, "no room");
    return OK;
}

static enum err_code spy_run_end(void *state, const struct run_result *result, struct err *err)
{
    struct spy *spy = state;
    (void)err;
    spy->run_ends++;
    spy->total_ok = result->total->counters[COUNTER_OK];
    spy->total_in_flight_before = result->total->header.in_flight_before;
    spy->total_in_flight_after = result->total->header.in_flight_after;
    spy->seconds = result->seconds;
    spy->status = result->status;
    spy->level = result->verdict.level;
    return OK;
}

static enum err_code spy_session_end(void *state, struct err *err)
{
    (void)err;
    ((struct spy *)state)->session_ends++;
    return OK;
}

static void spy_destroy(void *state)
{
    ((struct spy *)state)->destroys++;
}

static struct sink spy_sink(struct spy *spy)
{
    return (struct sink){.name = "spy",
                         .state = spy,
                         .session_begin = spy_session_begin,
                         .run_begin = spy_run_begin,
                         .interval = spy_interval,
                         .run_end = spy_run_end,
                         .session_end = spy_session_end,
                         .destroy = spy_destroy};
}

TEST(totals_leave_the_warmup_out)
{
    /* breaks if warm-up rows reach the totals, or the gauges are not the first's and the last's */
    struct timeline timeline;
    struct spy spy = {0};
    struct err err = {.code = OK};
    ck_assert_int_eq(timeline_init(&timeline, &err), OK);
    timeline_add(&timeline, spy_sink(&spy));
    struct session_facts session = fixture_session();
    fixture_play(&timeline, &session);
    ck_assert_int_eq(spy.intervals, 4);
    ck_assert_uint_eq(spy.total_ok, 1500);
    ck_assert_uint_eq(spy.total_in_flight_before, 0);
    ck_assert_uint_eq(spy.total_in_flight_after, 0);
    ck_assert_double_eq_tol(spy.seconds, 3.0, 1e-9);
    ck_assert_int_eq(spy.status, OK);
    ck_assert_int_eq(spy.level, VERDICT_AMBER);
    timeline_destroy(&timeline);
    ck_assert_int_eq(spy.destroys, 1);
    fixture_session_free(&session);
}

TEST(a_failing_sink_is_left_out_alone)
{
    /* breaks if one full disk ends the run, or a failed sink is called again */
    struct timeline timeline;
    struct spy broken = {.fail_at_interval = 2}, healthy = {0};
    struct err err = {.code = OK};
    ck_assert_int_eq(timeline_init(&timeline, &err), OK);
    timeline_add(&timeline, spy_sink(&broken));
    timeline_add(&timeline, spy_sink(&healthy));
    struct session_facts session = fixture_session();
    fixture_play(&timeline, &session);
    ck_assert_int_eq(broken.intervals, 2);
    ck_assert_int_eq(broken.run_ends + broken.session_ends, 0);
    ck_assert_int_eq(healthy.intervals, 4);
    ck_assert_int_eq(healthy.run_ends + healthy.session_ends, 2);
    timeline_destroy(&timeline);
    ck_assert_int_eq(broken.destroys, 1);
    fixture_session_free(&session);
}

TEST(a_broken_identity_is_untrusted)
{
    /* breaks if a row whose counters do not add up passes, or a degraded one does not */
    struct timeline timeline;
    struct err err = {.code = OK};
    ck_assert_int_eq(timeline_init(&timeline, &err), OK);
    struct run_facts facts = fixture_facts();
    timeline_run_begin(&timeline, &facts);
    struct interval_row *row = fixture_row(0);
    fixture_answer(row, 1000, 5);
    row->counters[COUNTER_SENT]++;
    row->counters[COUNTER_DUE]++;
    ck_assert_int_eq(timeline_interval(&timeline, row, &err), E_UNTRUSTED);
    row->header.flags = INTERVAL_DEGRADED;
    err.code = OK;
    ck_assert_int_eq(timeline_interval(&timeline, row, &err), OK);
    free(row);
    timeline_destroy(&timeline);
}

TEST(totals_that_do_not_join_up_are_untrusted)
{
    /* breaks if rows that are right each but do not continue each other go unnoticed */
    struct timeline timeline;
    struct spy spy = {0};
    struct err err = {.code = OK};
    ck_assert_int_eq(timeline_init(&timeline, &err), OK);
    timeline_add(&timeline, spy_sink(&spy));
    struct run_facts facts = fixture_facts();
    timeline_run_begin(&timeline, &facts);
    struct interval_row *row = fixture_row(0);
    fixture_answer(row, 1000, 5);
    ck_assert_int_eq(timeline_interval(&timeline, row, &err), OK);
    row->header.in_flight_before = row->header.in_flight_after = 3;
    ck_assert_int_eq(timeline_interval(&timeline, row, &err), OK);
    struct run_result *result = fixture_result();
    timeline_run_end(&timeline, result);
    ck_assert_int_eq(spy.status, E_UNTRUSTED);
    ck_assert_int_eq(spy.level, VERDICT_RED);
    ck_assert(result->status_text[0] != '\0');
    free(result);
    free(row);
    timeline_destroy(&timeline);
}

TEST(the_next_run_starts_from_nothing)
{
    /* breaks if totals or error kinds of one test leak into the next */
    struct timeline timeline;
    struct spy spy = {0};
    struct err err = {.code = OK};
    ck_assert_int_eq(timeline_init(&timeline, &err), OK);
    timeline_add(&timeline, spy_sink(&spy));
    struct session_facts session = fixture_session();
    fixture_play(&timeline, &session);
    struct run_facts facts = fixture_facts();
    timeline_run_begin(&timeline, &facts);
    ck_assert_uint_eq(timeline.error_kinds.count, 0);
    struct interval_row *row = fixture_row(0);
    fixture_answer(row, 1000, 5);
    ck_assert_int_eq(timeline_interval(&timeline, row, &err), OK);
    struct run_result *result = fixture_result();
    result->seconds = 0.5;
    timeline_run_end(&timeline, result);
    ck_assert_uint_eq(spy.total_ok, 5);
    ck_assert_double_eq_tol(spy.seconds, 0.5, 1e-9);
    free(result);
    free(row);
    timeline_destroy(&timeline);
    fixture_session_free(&session);
}

/* Resident bytes of this process. */
static long resident_bytes(void)
{
    long pages = 0;
    FILE *statm = fopen("/proc/self/statm", "r");
    ck_assert_ptr_nonnull(statm);
    ck_assert_int_eq(fscanf(statm, "%*d %ld", &pages), 1);
    fclose(statm);
    return pages * sysconf(_SC_PAGESIZE);
}

static void add_every_file(struct timeline *timeline, const char *directory)
{
    struct sink sink;
    struct err err = {.code = OK};
    char path[256];
    ck_assert_int_eq(sink_journal(&sink, directory, &err), OK);
    timeline_add(timeline, sink);
    snprintf(path, sizeof path, "%s/run.json", directory);
    ck_assert_int_eq(sink_json(&sink, path, OUTPUT_NAMED, &err), OK);
    timeline_add(timeline, sink);
    snprintf(path, sizeof path, "%s/intervals.csv", directory);
    ck_assert_int_eq(sink_interval_csv_file(&sink, path, OUTPUT_NAMED, &err), OK);
    timeline_add(timeline, sink);
    snprintf(path, sizeof path, "%s/latency.hlog", directory);
    ck_assert_int_eq(sink_hdr_log(&sink, path, OUTPUT_NAMED, &err), OK);
    timeline_add(timeline, sink);
}

TEST(memory_stays_flat)
{
    /* breaks if any output keeps something of every interval */
    const uint32_t intervals = 5000, settled = 500;
    struct timeline timeline;
    struct err err = {.code = OK};
    char *directory = fixture_directory();
    struct session_facts session = fixture_session();
    struct run_facts facts = fixture_facts();
    ck_assert_int_eq(timeline_init(&timeline, &err), OK);
    add_every_file(&timeline, directory);
    timeline_session_begin(&timeline, &session);
    timeline_run_begin(&timeline, &facts);
    struct interval_row *row = fixture_row(0);
    for (uint64_t i = 1; i < 300; i++)
        fixture_answer(row, i * i * 100, i % 5 + 1);
    long before = 0;
    for (uint32_t i = 0; i < intervals; i++) {
        row->header.first = row->header.last = i;
        ck_assert_int_eq(timeline_interval(&timeline, row, &err), OK);
        if (i == settled)
            before = resident_bytes();
    }
    long grown = resident_bytes() - before;
#if !defined(__SANITIZE_ADDRESS__) && !ADDRESS_SANITIZER /* which keeps freed memory for a while */
    /* 8 MB in 100,000 intervals is what the whole orchestrator may take. */
    ck_assert_int_lt(grown, 8 * 1024 * 1024 / 100 * (intervals - settled) / 1000);
#endif
    ck_assert_int_ge(before, 1);
    (void)grown;
    struct run_result *result = fixture_result();
    timeline_run_end(&timeline, result);
    timeline_session_end(&timeline);
    for (uint32_t i = 0; i < timeline.sink_count; i++)
        ck_assert(!timeline.failed[i]);
    timeline_destroy(&timeline);
    free(result);
    free(row);
    fixture_session_free(&session);
    fixture_remove(directory);
}

TEST_SUITE_WITH(timeline, .timeout_seconds = 120)
