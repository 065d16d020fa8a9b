#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "tests/support/check/report_fixture.h"
#include "tests/support/check/suite.h"

#define HEADER                                                                                     \
    "test,interval,start_seconds,seconds,class,sent,ok,errors,timed_out,lost,hits,misses,"         \
    "bytes_out,bytes_in,p50_usec,p95_usec,p99_usec,p100_usec,coarse\n"

static char *directory;
static struct timeline timeline;
static struct session_facts session;

static void set_up(void)
{
    char path[256];
    struct sink sink;
    struct err err = {.code = OK};
    directory = fixture_directory();
    snprintf(path, sizeof path, "%s/classes.csv", directory);
    session = fixture_session();
    ck_assert_int_eq(timeline_init(&timeline, &err), OK);
    ck_assert_int_eq(sink_class_csv(&sink, path, OUTPUT_OWN, &err), OK);
    timeline_add(&timeline, sink);
}

static void tear_down(void)
{
    timeline_destroy(&timeline);
    fixture_session_free(&session);
    fixture_remove(directory);
}

TEST(each_class_has_a_row_an_interval)
{
    /* Breaks when a cell is not where its heading says, the warm-up shows, or what nobody knows is told. */
    fixture_play_classes(&timeline, &session);
    char *text = fixture_read_file(directory, "classes.csv", NULL);
    static const char expected[] =
        HEADER "1,1,1.000,1.000,\"read\",800,800,0,0,0,700,90,32000,4000,150,150,2500,2500,0\n"
               "1,1,1.000,1.000,\"write\",200,200,0,0,0,0,0,8000,1000,900,900,900,900,0\n"
               "1,2,2.000,1.000,\"read\",790,790,0,0,0,700,90,31600,3950,150,150,150,150,0\n"
               "1,2,2.000,1.000,\"write\",200,200,0,0,0,0,0,8000,1000,900,900,900,900,0\n"
               "1,3,3.000,1.000,\"read\",790,790,0,0,0,700,90,31600,3950,150,150,150,150,0\n"
               "1,3,3.000,1.000,\"write\",205,200,2,3,0,0,0,8000,1000,900,900,,900,0\n";
    ck_assert_str_eq(text, expected);
    free(text);
}

/* Of a run with one interval; the caller frees both. */
static char *csv_of(const struct run_facts *facts, struct interval_row *row)
{
    struct err err = {.code = OK};
    fixture_answer(row, 2500, 13);
    timeline_session_begin(&timeline, &session);
    timeline_run_begin(&timeline, facts);
    ck_assert_int_eq(timeline_interval(&timeline, row, &err), OK);
    timeline_session_end(&timeline);
    return fixture_read_file(directory, "classes.csv", NULL);
}

TEST(parts_have_rows_of_what_they_have)
{
    /* Breaks when the commands of a request are no rows, or tell what only the whole knows. */
    struct run_facts facts = fixture_facts();
    struct interval_row *row = fixture_row(0);
    facts.part_count = row->part_count = 1;
    facts.parts[0] = (struct run_part){.name = "add:1", .command = "HSET"};
    row->parts[0].counters[CLASS_OK] = 10;
    row->parts[0].counters[CLASS_ERRORS] = 3;
    coarse_record(&row->parts[0].times[CLASS_SERVICE], 2500, 10);
    char *text = csv_of(&facts, row);
    ck_assert_str_eq(text, HEADER "1,0,0.000,1.000,\"add:1\",,10,3,,,0,0,,,2,2,2,2,1\n");
    free(text);
    free(row);
}

TEST(one_class_has_no_file)
{
    /* Breaks when a usual run leaves a file that says nothing. */
    fixture_play(&timeline, &session);
    ck_assert(!timeline.failed[0]);
    ck_assert_int_eq(fixture_count_files(directory), 0);
}

TEST(consumers_have_columns_of_their_own)
{
    /* breaks when what was lost on the way cannot be seen by interval, or columns move where nobody consumes */
    struct run_facts facts = fixture_facts();
    struct interval_row *row = fixture_row(0);
    facts.part_count = row->part_count = 2;
    facts.parts[0] = (struct run_part){.name = "add:1", .command = "HSET"};
    facts.parts[1] = (struct run_part){.name = "all", .command = "SUBSCRIBE", .consumes = true};
    uint64_t *counters = row->parts[1].counters;
    counters[CLASS_SENT] = 3;
    counters[CLASS_OK] = 10;
    counters[CLASS_BYTES_OUT] = 90;
    counters[CLASS_BYTES_IN] = 1000;
    counters[CLASS_EXPECTED] = 12;
    counters[CLASS_DUPLICATES] = 1;
    counters[CLASS_OUT_OF_ORDER] = 2;
    coarse_record(&row->parts[1].times[CLASS_SERVICE], 2500, 10);
    char *text = csv_of(&facts, row);
    const char *line = strstr(text, "\"all\"");
    ck_assert_ptr_nonnull(strstr(text, ",coarse,expected,duplicates,out_of_order\n"));
    ck_assert_ptr_nonnull(strstr(text, "\"add:1\",,0,0,,,0,0,,,,,,,1,,,\n"));
    ck_assert_ptr_nonnull(line);
    ck_assert_str_eq(line, "\"all\",3,10,0,,,,,90,1000,2,2,2,2,1,12,1,2\n");
    free(text);
    free(row);
}

TEST(a_short_interval_is_coarse)
{
    /* Breaks when figures of a window are told as those of the interval that it ends with. */
    struct err err = {.code = OK};
    struct run_facts facts = fixture_class_facts();
    snprintf(facts.class_names[0], sizeof facts.class_names[0], "=1,\"2\"");
    timeline_session_begin(&timeline, &session);
    timeline_run_begin(&timeline, &facts);
    struct interval_row *row = fixture_row(1);
    fixture_class_ok(row, 0, 1500000, 10);
    fixture_class_ok(row, 1, 1500000, 10);
    histogram_record_n(&row->class_windows[0], 1500000, 10); /* of the interval before */
    ck_assert_int_eq(timeline_interval(&timeline, row, &err), OK);
    struct run_result *result = fixture_result();
    timeline_run_end(&timeline, result);
    timeline_session_end(&timeline);
    char *text = fixture_read_file(directory, "classes.csv", NULL);
    ck_assert_msg(strstr(text, ",\"'=1,\"\"2\"\"\",10,10,0,0,0,0,0,400,50,1500,1500,1500,1500,1\n"),
                  "%s", text);
    ck_assert_ptr_nonnull(strstr(text, ",\"write\",10,10,0,0,0,0,0,400,50,1500,1500,1500,1500,0"));
    free(text);
    free(result);
    free(row);
}

TEST_SUITE_WITH(class_csv, .set_up = set_up, .tear_down = tear_down)
