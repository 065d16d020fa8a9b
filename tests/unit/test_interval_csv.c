#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "common/clock.h"
#include "tests/support/check/report_fixture.h"
#include "tests/support/check/suite.h"

#define HEADER                                                                                     \
    "timestamp,request_sec,p50_usec,p90_usec,p95_usec,p99_usec,p99_9_usec,p99_99_usec,"            \
    "p99_999_usec,p100_usec,avg_usec,request_finished,requests_total_failed,requests_moved,"       \
    "requests_clusterdown,client_disconnects\n"
#define ZEROS ",0.000000,,,,,,,,,,0,0,0,0,0\n"

static struct timeline timeline;
static struct session_facts session;
static char *text;
static size_t text_bytes;
static FILE *out;

static void start(uint64_t csv_interval_ns)
{
    struct sink sink;
    struct err err = {.code = OK};
    out = open_memstream(&text, &text_bytes);
    session = fixture_session();
    ck_assert_int_eq(timeline_init(&timeline, &err), OK);
    ck_assert_int_eq(sink_interval_csv(&sink, out, csv_interval_ns, &err), OK);
    timeline_add(&timeline, sink);
}

static void finish(void)
{
    timeline_destroy(&timeline);
    fixture_session_free(&session);
    fclose(out);
    free(text);
}

/* Passes on one row and lets go of it. */
static void pass(struct interval_row *row)
{
    struct err err = {.code = OK};
    ck_assert_msg(timeline_interval(&timeline, row, &err) == OK, "%s", err.text);
    free(row);
}

static void end(void)
{
    struct run_result *result = fixture_result();
    timeline_run_end(&timeline, result);
    timeline_session_end(&timeline);
    free(result);
}

TEST(a_stall_is_a_row_of_zeros)
{
    /* breaks if a stalled second leaves no row, the warm-up shows, or a cell is not where it was */
    start(NS_PER_SECOND);
    fixture_play(&timeline, &session);
    ck_assert_str_eq(text, HEADER
                     "1800000002,1000.000000,150,150,150,150,2500,2500,2500,2500,173,1000,2,0,0,0\n"
                     "1800000003" ZEROS
                     "1800000004,500.000000,150,150,150,150,,,,150,150,500,1,0,0,1\n");
    finish();
}

TEST(an_outage_has_no_latencies)
{
    /* breaks if the longest or mean latency of a row in which nothing succeeded is the best there can be,
     * beside percentiles that are not known */
    start(NS_PER_SECOND);
    struct run_facts facts = fixture_facts();
    timeline_session_begin(&timeline, &session);
    timeline_run_begin(&timeline, &facts);
    struct interval_row *row = fixture_row(0);
    fixture_unanswered(row, COUNTER_TIMED_OUT, 0, 900 * NS_PER_MS, 7);
    row->counters[COUNTER_SENT] = row->counters[COUNTER_DUE] = 7;
    pass(row);
    end();
    ck_assert_str_eq(text, HEADER "1800000001,0.000000,,,,,,,,,,0,7,0,0,0\n");
    finish();
}

TEST(several_intervals_make_one_row)
{
    /* breaks if a longer csv interval is not merged from histograms, or drifts off the grid */
    start(2 * NS_PER_SECOND);
    struct run_facts facts = fixture_facts();
    timeline_session_begin(&timeline, &session);
    timeline_run_begin(&timeline, &facts);
    for (uint32_t i = 0; i < 5; i++) {
        struct interval_row *row = fixture_row(i);
        fixture_answer(row, (i + 1) * 1000, 10);
        row->counters[COUNTER_MOVED] = i;
        row->counters[COUNTER_CLUSTERDOWN] = 1;
        pass(row);
    }
    end();
    ck_assert_str_eq(text, HEADER "1800000002,10.000000,1,2,2,2,2,2,2,2,1,20,0,1,2,0\n"
                                  "1800000004,10.000000,3,4,4,4,4,4,4,4,3,20,0,5,2,0\n"
                                  "1800000005,10.000000,5,5,5,5,5,5,5,5,5,10,0,4,1,0\n");
    finish();
}

TEST(a_wide_row_keeps_its_rate)
{
    /* breaks if a row that covers three intervals is taken for one, or shifts the rows after it */
    start(2 * NS_PER_SECOND);
    struct run_facts facts = fixture_facts();
    timeline_session_begin(&timeline, &session);
    timeline_run_begin(&timeline, &facts);
    struct interval_row *row = fixture_row(0);
    row->header.last = 2;
    row->header.end_ns = 3 * NS_PER_SECOND;
    fixture_answer(row, 1000, 30);
    pass(row);
    for (uint32_t i = 3; i < 6; i++) {
        row = fixture_row(i);
        fixture_answer(row, 1000, 10);
        pass(row);
    }
    end();
    ck_assert_str_eq(text, HEADER "1800000003,10.000000,1,1,1,1,1,1,1,1,1,30,0,0,0,0\n"
                                  "1800000004,10.000000,1,1,1,1,1,1,1,1,1,10,0,0,0,0\n"
                                  "1800000006,10.000000,1,1,1,1,1,1,1,1,1,20,0,0,0,0\n");
    finish();
}

TEST(an_empty_end_is_not_a_row)
{
    /* breaks if the last part of an interval shows although nothing happened in it */
    start(NS_PER_SECOND);
    struct run_facts facts = fixture_facts();
    timeline_session_begin(&timeline, &session);
    timeline_run_begin(&timeline, &facts);
    pass(fixture_row(0));
    struct interval_row *row = fixture_row(1);
    row->header.end_ns = 1500 * NS_PER_MS;
    row->header.flags = INTERVAL_LAST;
    pass(row);
    end();
    ck_assert_str_eq(text, HEADER "1800000001" ZEROS);
    finish();
}

TEST(short_intervals_have_milliseconds)
{
    /* breaks if ten rows a second share one timestamp */
    start(100 * NS_PER_MS);
    struct run_facts facts = fixture_facts();
    facts.interval_ns = 100 * NS_PER_MS;
    timeline_session_begin(&timeline, &session);
    timeline_run_begin(&timeline, &facts);
    struct interval_row *row = fixture_row(0);
    row->header.end_ns = 100 * NS_PER_MS;
    fixture_answer(row, 1999, 1);
    pass(row);
    end();
    ck_assert_str_eq(text, HEADER "1800000000.100,10.000000,1,1,1,1,1,1,1,1,1,1,0,0,0,0\n");
    finish();
}

TEST(a_short_last_row_has_its_own_time)
{
    /* Breaks when the part of a second at the end has the same timestamp as the row before it. */
    start(NS_PER_SECOND);
    struct run_facts facts = fixture_facts();
    timeline_session_begin(&timeline, &session);
    timeline_run_begin(&timeline, &facts);
    for (uint32_t i = 0; i < 2; i++) {
        struct interval_row *row = fixture_row(i);
        fixture_answer(row, 1000, 10);
        row->header.end_ns -= i * 500 * NS_PER_MS;
        pass(row);
    }
    end();
    ck_assert_str_eq(text, HEADER "1800000001,10.000000,1,1,1,1,1,1,1,1,1,10,0,0,0,0\n"
                                  "1800000002,20.000000,1,1,1,1,1,1,1,1,1,10,0,0,0,0\n");
    finish();
}

TEST(percentiles_never_fall)
{
    /* breaks if a higher percentile of a row is below a lower one, or above the maximum */
    start(0);
    struct run_facts facts = fixture_facts();
    timeline_session_begin(&timeline, &session);
    timeline_run_begin(&timeline, &facts);
    struct interval_row *row = fixture_row(0);
    for (uint64_t i = 1; i < 3000; i++)
        fixture_answer(row, i * i * 77 + 12345, i % 7 + 1);
    pass(row);
    end();
    uint64_t cells[8];
    const char *line = text + strlen(HEADER);
    ck_assert_int_eq(sscanf(line,
                            "1800000001,%*f,%" SCNu64 ",%" SCNu64 ",%" SCNu64 ",%" SCNu64
                            ",%" SCNu64 ",%" SCNu64 ",%" SCNu64 ",%" SCNu64,
                            &cells[0], &cells[1], &cells[2], &cells[3], &cells[4], &cells[5],
                            &cells[6], &cells[7]),
                     8);
    for (int i = 1; i < 8; i++)
        ck_assert_uint_ge(cells[i], cells[i - 1]);
    ck_assert_uint_eq(cells[7], (2999ull * 2999 * 77 + 12345) / 1000);
    ck_assert_uint_lt(cells[0], cells[7]);
    finish();
}

TEST(a_prefill_has_no_rows)
{
    /* breaks if the writing of the keys is mixed with what is measured */
    start(NS_PER_SECOND);
    struct run_facts facts = fixture_facts();
    facts.prefill = true;
    timeline_session_begin(&timeline, &session);
    timeline_run_begin(&timeline, &facts);
    struct interval_row *row = fixture_row(0);
    fixture_answer(row, 1000, 30);
    pass(row);
    end();
    ck_assert_uint_eq(text_bytes, 0);
    finish();
}

TEST(a_file_appears_when_it_is_whole)
{
    /* breaks if a half-written file carries the final name, or a failed start leaves one */
    char *directory = fixture_directory();
    char path[256];
    snprintf(path, sizeof path, "%s/intervals.csv", directory);
    struct sink sink;
    struct err err = {.code = OK};
    ck_assert_int_eq(sink_interval_csv_file(&sink, path, OUTPUT_NAMED, &err), OK);
    char *bytes = fixture_read_file(directory, "intervals.csv", NULL);
    ck_assert_ptr_null(bytes);
    sink.destroy(sink.state);
    ck_assert_int_eq(fixture_count_files(directory), 0);

    session = fixture_session();
    ck_assert_int_eq(timeline_init(&timeline, &err), OK);
    ck_assert_int_eq(sink_interval_csv_file(&sink, path, OUTPUT_NAMED, &err), OK);
    timeline_add(&timeline, sink);
    fixture_play(&timeline, &session);
    bytes = fixture_read_file(directory, "intervals.csv", NULL);
    ck_assert_ptr_nonnull(strstr(bytes, "1800000003" ZEROS));
    free(bytes);
    timeline_destroy(&timeline);
    fixture_session_free(&session);
    ck_assert_int_eq(sink_interval_csv_file(&sink, "/dev/null/x.csv", OUTPUT_NAMED, &err), E_USAGE);
    fixture_remove(directory);
}

/* A measured run of one row with so many answers, or a prefill. */
static void play_run(uint64_t answers, bool prefill)
{
    struct run_facts facts = fixture_facts();
    struct run_result *result = fixture_result();
    struct interval_row *row = fixture_row(0);
    facts.prefill = prefill;
    timeline_run_begin(&timeline, &facts);
    fixture_answer(row, 1000, answers);
    pass(row);
    timeline_run_end(&timeline, result);
    free(result);
}

static void expect_file(const char *directory, const char *name, const char *finished)
{
    char *bytes = fixture_read_file(directory, name, NULL);
    ck_assert_msg(bytes != NULL, "%s", name);
    ck_assert_int_eq(strncmp(bytes, "timestamp,", 10), 0);
    ck_assert_msg(strstr(bytes, finished) != NULL, "%s: %s", name, bytes);
    const char *first_row = strchr(bytes, '\n') + 1;
    ck_assert_ptr_eq(strchr(first_row, '\n') + 1, bytes + strlen(bytes));
    free(bytes);
}

/* With the file in that directory. */
static void begin_session(const char *directory)
{
    char path[256];
    struct sink sink;
    struct err err = {.code = OK};
    snprintf(path, sizeof path, "%s/intervals.csv", directory);
    session = fixture_session();
    ck_assert_int_eq(timeline_init(&timeline, &err), OK);
    ck_assert_int_eq(sink_interval_csv_file(&sink, path, OUTPUT_NAMED, &err), OK);
    timeline_add(&timeline, sink);
    timeline_session_begin(&timeline, &session);
}

TEST(every_test_has_a_file)
{
    /* breaks if the rows of several tests stand in one file, where nothing tells them apart, or a
     * prefill takes a number */
    char *directory = fixture_directory();
    begin_session(directory);
    play_run(11, false);
    play_run(5, true);
    play_run(22, false);
    play_run(33, false);
    ck_assert_ptr_null(fixture_read_file(directory, "intervals.csv", NULL));
    ck_assert_ptr_null(fixture_read_file(directory, "intervals-2.csv", NULL));
    timeline_session_end(&timeline);
    timeline_destroy(&timeline);
    expect_file(directory, "intervals.csv", ",11,0,0,0,0\n");
    expect_file(directory, "intervals-2.csv", ",22,0,0,0,0\n");
    expect_file(directory, "intervals-3.csv", ",33,0,0,0,0\n");
    ck_assert_ptr_null(fixture_read_file(directory, "intervals-4.csv", NULL));
    fixture_session_free(&session);
    fixture_remove(directory);
}

TEST(a_loop_has_no_end_of_files)
{
    /* breaks if a journal of thousands of runs makes thousands of files, if the limit costs those below it,
     * or if they are held open */
    char *directory = fixture_directory();
    char last[64], beyond[64];
    const struct rlimit files = {INTERVAL_CSV_FILES_MAX + 100, INTERVAL_CSV_FILES_MAX + 100};
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &files), 0);
    begin_session(directory);
    for (uint32_t i = 0; i < INTERVAL_CSV_FILES_MAX + 3; i++)
        play_run(i + 1, false);
    timeline_session_end(&timeline);
    ck_assert(!timeline.failed[0]);
    timeline_destroy(&timeline);
    ck_assert_int_eq(fixture_count_files(directory), INTERVAL_CSV_FILES_MAX);
    snprintf(last, sizeof last, "intervals-%u.csv", INTERVAL_CSV_FILES_MAX);
    snprintf(beyond, sizeof beyond, ",%u,0,0,0,0\n", INTERVAL_CSV_FILES_MAX);
    expect_file(directory, last, beyond);
    expect_file(directory, "intervals.csv", ",1,0,0,0,0\n");
    fixture_session_free(&session);
    fixture_remove(directory);
}

TEST(no_test_keeps_half_a_file)
{
    /* breaks if the files of earlier tests stay, under either name, when the session is not ended */
    char *directory = fixture_directory();
    begin_session(directory);
    play_run(11, false);
    play_run(22, false);
    timeline_destroy(&timeline);
    ck_assert_int_eq(fixture_count_files(directory), 0);
    fixture_session_free(&session);
    fixture_remove(directory);
}

TEST_SUITE(interval_csv)
