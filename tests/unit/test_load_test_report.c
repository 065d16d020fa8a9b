/* What a load test says of made-up rows, and what its options come to. */
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/schedule.h"
#include "orchestrator/capacity/load_test.h"
#include "orchestrator/commands/load_test_options.h"
#include "tests/support/check/printed.h"
#include "tests/support/check/report_fixture.h"
#include "tests/support/check/suite.h"

#define MB 1048576.0

static struct load_test test;
static struct load_test_request request;

static void begin(bool both_modes)
{
    memset(&test, 0, sizeof test);
    test.message_rate = 100;
    test.both_modes = test.buffered = both_modes;
    test.buffer_name = both_modes ? "a|b" : NULL;
    test.planned = 4;
}

static struct load_test_row *add(uint64_t users, double rate, double client_mb)
{
    struct load_test_row *row = &test.rows[test.count];
    row->users = users;
    row->mode = test.both_modes && test.count % 2 == 0 ? LOAD_TEST_BUFFER : LOAD_TEST_BYPASS;
    row->rate = rate;
    row->offered = -1;
    row->mean_ns = 1.5e6;
    row->p95.value_ns = 2500 * NS_PER_US;
    row->client_bytes = client_mb * MB;
    row->server_bytes = 3 * MB;
    test.count++;
    return row;
}

static char *written(void (*write)(struct output *, const struct load_test *))
{
    struct printed printed;
    printed_begin(&printed);
    write(&printed.out, &test);
    return printed_end(&printed);
}

TEST(test_peak)
{
    /* Breaks when a run that failed, or another one than the best, is the peak. */
    begin(false);
    ck_assert_ptr_null(load_test_peak(&test));
    add(1, 0, 10);
    ck_assert_ptr_null(load_test_peak(&test));
    add(5, 200, 10);
    add(10, 100, 10);
    snprintf(add(20, 900, 10)->mishap, MISHAP_TEXT_BYTES, "an outage");
    ck_assert_uint_eq(load_test_peak(&test)->users, 5);
}

TEST(test_text)
{
    /* Breaks when messages a minute are not 60 times the requests of a second, or what is not known is a number. */
    begin(false);
    add(1, 50, 10);
    struct load_test_row *row = add(1234, 100.5, -1);
    row->client_bytes = row->server_bytes = row->mean_ns = -1;
    row->error_share = 0.25;
    snprintf(row->mishap, sizeof row->mishap, "an outage");
    snprintf(test.error, sizeof test.error, "cannot connect");
    char *text = written(load_test_write_text);
    EXPECT_IN(text, "Each user sends 100 messages a minute\n");
    EXPECT_IN(text, "\nusers  msg/min  req/s     ms     ms       %      MB      MB  note\n");
    EXPECT_IN(text, "\n    1    3,000     50  1.500  2.500   0.000    10.0     3.0\n");
    EXPECT_IN(text, "\n1,234    6,030  100.5      -  2.500  25.000       -       -");
    EXPECT_IN(text, "not judged: an outage\n");
    EXPECT_IN(text, "\nEnded by an error after 2 of 4 runs: cannot connect\n");
    EXPECT_IN(text, "\nPeak throughput: 3,000 messages a minute (50/s) with 1 user\n");
    printed_expect_width(text, 80);
    ck_assert_ptr_null(strstr(text, "Memory of volley"));
    free(text);
}

TEST(test_points)
{
    /* Breaks when a run is held against one of the other mode or against one that could not be judged, when users with a rate
     * are to answer more than they were asked for, or a p95 that rose is no point. */
    begin(true);
    test.planned = 8;
    add(1, 1000, 10);
    add(1, 100, 10);
    add(5, 4000, 10);
    snprintf(add(5, 10, 10)->mishap, MISHAP_TEXT_BYTES, "an outage");
    add(10, 4300, 10);
    add(10, 200, 10)->p95.value_ns = 5001 * NS_PER_US;
    add(20, 9000, 10)->p95.value_ns = 25001 * NS_PER_US;
    add(20, 400, 10)->error_share = 0.011;
    load_test_judge(&test);
    ck_assert_uint_eq(test.rows[0].notes, DEGRADATION_BASELINE);
    ck_assert_uint_eq(test.rows[1].notes, DEGRADATION_BASELINE);
    ck_assert_uint_eq(test.rows[3].notes, 0);
    ck_assert_ptr_eq(load_test_noted(&test, LOAD_TEST_BUFFER, DEGRADATION_POINT), &test.rows[4]);
    ck_assert_ptr_eq(load_test_noted(&test, LOAD_TEST_BYPASS, DEGRADATION_POINT), &test.rows[5]);
    ck_assert_ptr_eq(load_test_noted(&test, LOAD_TEST_BUFFER, DEGRADATION_BREAKING), &test.rows[6]);
    ck_assert_ptr_eq(load_test_noted(&test, LOAD_TEST_BYPASS, DEGRADATION_BREAKING), &test.rows[7]);
    char *text = written(load_test_write_text);
    EXPECT_IN(text, "\nDegradation point, buffer: 10 users: less than 10 % more throughput\n");
    EXPECT_IN(text, "\nDegradation point, bypass: 10 users: p95 above twice the baseline's\n");
    EXPECT_IN(text, "\nBreaking point, bypass: 20 users: errors above 1 %\n");
    free(text);
    begin(false);
    add(1, 50, 10)->offered = 50;
    add(2, 50, 10)->offered = 50.2;
    add(3, 50, 10)->offered = 51;
    load_test_judge(&test);
    ck_assert_ptr_eq(load_test_noted(&test, LOAD_TEST_BYPASS, DEGRADATION_POINT), &test.rows[2]);
    text = written(load_test_write_markdown);
    EXPECT_IN(text, "\n- Degradation point: 3 users: less than 99 % of the rate answered\n");
    EXPECT_IN(text, "\n- Breaking point: none up to the last run\n");
    free(text);
}

TEST(test_memory)
{
    /* Breaks when both modes are not held against each other, or a run without its other one is. */
    struct load_test_memory memory;
    begin(true);
    add(1, 50, 12)->buffer_bytes = 2560;
    add(1, 60, 10.5);
    add(5, 70, 11);
    ck_assert(load_test_memory_at(&memory, &test, 0));
    ck_assert_uint_eq(memory.users, 1);
    ck_assert_double_eq_tol(memory.enabled_bytes / MB, 12, 1e-9);
    ck_assert_double_eq_tol(memory.bypass_bytes / MB, 10.5, 1e-9);
    ck_assert(!load_test_memory_at(&memory, &test, 1));
    char *text = written(load_test_write_text);
    EXPECT_IN(text, "\n    1    12.0    10.5        +1.5      +2.5\n");
    EXPECT_IN(text, " with 5 users, buffer\n");
    free(text);
}

TEST(test_markdown)
{
    /* Breaks when a table is none to GitHub, or a name of a file is markup. */
    begin(true);
    add(1, 50, 12);
    add(1, 60, 10.5)->verdict = (struct verdict){.level = VERDICT_RED, .check_count = 1};
    test.rows[1].verdict.checks[0].level = VERDICT_RED;
    snprintf(test.rows[1].verdict.checks[0].name, sizeof test.rows[1].verdict.checks[0].name,
             "errors");
    char *text = written(load_test_write_markdown);
    EXPECT_IN(text, "client that buffers: a\\|b.\n");
    EXPECT_IN(text, "| users | msg/min | req/s | mean ms | p95 ms | errors % | volley MB | server "
                    "MB | mode | note |\n|---:|---:|---:|---:|---:|---:|---:|---:|---:|---|\n");
    EXPECT_IN(text, "| 1 | 3,000 | 50 | 1.500 | 2.500 | 0.000 | 12.0 | 3.0 | buffer | - |\n");
    EXPECT_IN(text, "| bypass | RED: errors |\n");
    EXPECT_IN(text, "| users | buffer MB | bypass MB | difference MB | expected KB "
                    "|\n|---:|---:|---:|---:|---:|\n"
                    "| 1 | 12.0 | 10.5 | +1.5 | +0.0 |\n");
    free(text);
}

TEST(test_csv)
{
    /* Breaks when a column is not what its name says, or what is not known is a number. */
    begin(false);
    add(1, 50, 10)->offered = 50.5;
    add(2, 60, 10)->p95.censored = true;
    test.rows[1].server_bytes = -1;
    char *text = written(load_test_write_csv);
    EXPECT_IN(text, "\n1,bypass,3000.0,50.000,3030.0,1500.000,2500.000,0.000000,10.000,3.000,"
                    "0,0,0,GREEN,\"\"\n");
    EXPECT_IN(text, "\n2,bypass,3600.0,60.000,,1500.000,,0.000000,10.000,,0,0,0,GREEN,\"\"\n");
    free(text);
}

TEST(test_read)
{
    /* Breaks when the mean is not that of what was answered without an error, or memory is a sum in which a process is missing. */
    struct interval_row *row = fixture_row(0);
    struct run_facts facts = fixture_facts();
    struct run_result *result = fixture_result();
    struct load_test_row read = {.users = 1};
    fixture_answer(row, 1 * NS_PER_MS, 30);
    fixture_answer(row, 3 * NS_PER_MS, 30);
    fixture_refuse(row, 0, NS_PER_MS, 20);
    facts.buffer_bytes = 2400; /* of writes: */
    facts.request_bytes = 500; /* the largest of all requests */
    result->facts = &facts;
    result->total = row;
    result->seconds = 2;
    ck_assert_uint_eq(result->worker_count, 2);
    result->workers[0].rss_peak_bytes = 5000;
    result->workers[1].rss_peak_bytes = 6000;
    load_test_read(&read, result, 7000);
    ck_assert_double_eq_tol(read.rate, 30, 1e-9);
    ck_assert(read.offered < 0 && !read.open_loop);
    ck_assert_double_eq_tol(read.error_share, 0.25, 1e-9);
    ck_assert_double_eq_tol(read.client_bytes, 18000, 1e-9);
    ck_assert_double_eq_tol(read.mean_ns, 2 * (double)NS_PER_MS, 1);
    ck_assert_double_eq_tol(read.buffer_bytes, 2400, 1e-9);
    load_test_read(&read, result, -1);
    ck_assert(read.client_bytes < 0);
    result->workers[1].rss_peak_bytes = 0;
    load_test_read(&read, result, 7000);
    ck_assert(read.client_bytes < 0);
    free(row);
    free(result);
}

static void parse(int argc, const char *const *argv)
{
    struct err err = {.code = OK};
    memset(&request, 0, sizeof request);
    ck_assert_msg(load_test_options_parse(&request, argc, argv, &err) == OK, "%s", err.text);
}

TEST(test_defaults)
{
    /* Breaks when a load test without options is another one than 10 users for 300 s with 100 messages a minute. */
    parse(1, (const char *const[]){"load-test"});
    const struct spec *spec = &request.bench.spec;
    ck_assert_uint_eq(request.users.count, 1);
    ck_assert_uint_eq(spec->load.clients, 10);
    ck_assert_uint_eq(spec->load.duration_ns, 300 * NS_PER_SECOND);
    ck_assert_uint_eq(spec->rate.step_count, 1);
    ck_assert_uint_eq(spec->load.pipeline, 1);
    ck_assert_uint_eq(load_test_rate_micro(&request, 6), 10 * SCHEDULE_MICRO);
    bench_options_free(&request.bench);
}

TEST(test_lists)
{
    /* Breaks when the rate is not that of the users together, or there is one where replies decide. */
    parse(5, (const char *const[]){"load-test", "--users", "1,5,100", "--message-rate", "0.5k"});
    ck_assert_uint_eq(request.users.count, 3);
    ck_assert_uint_eq(load_test_rate_micro(&request, 100), 500 * 100 * SCHEDULE_MICRO / 60);
    bench_options_free(&request.bench);
    parse(3, (const char *const[]){"load-test", "--message-rate", "unlimited"});
    ck_assert_uint_eq(request.message_rate_micro, 0);
    ck_assert_ptr_null(request.bench.spec.rate.steps);
    bench_options_free(&request.bench);
}

TEST_SUITE(load_test_report)
