#include <jansson.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "orchestrator/commands/commands.h"
#include "orchestrator/commands/find_max_options.h"
#include "orchestrator/commands/sweep_options.h"
#include "orchestrator/options/bench_groups.h"
#include "tests/support/check/suite.h"

/* "b" is for another command. */
static const struct option_row shared_rows[] = {
    {.name = "a", .kind = OPTION_COUNT, .section = "One", .help = "A.", .unset = "1", .max = 9},
    {.name = "b", .kind = OPTION_FLAG, .section = "One", .help = "B.", .commands = 1},
    {.name = "c", .kind = OPTION_FLAG, .section = "Three", .help = "C.", .unset = "true"},
    {.name = "d", .kind = OPTION_FLAG, .help = "D."},
};

TEST(test_order)
{
    /* Breaks when rows of a section do not stand together, which would print its heading twice; when a command
     * gets a row that is not for it; or when a change loses what it does not change. */
    static const struct option_row own_rows[] = {
        {.name = "x", .kind = OPTION_FLAG, .section = "Own", .help = "X."},
        {.name = "y", .kind = OPTION_FLAG, .section = "Two", .help = "Y."},
        {.name = "z", .kind = OPTION_ELSEWHERE, .help = "Z."},
    };
    static const struct option_group own = GROUP(NULL, 0, own_rows);
    static const struct option_group shared = GROUP("Two", 1 | 2, shared_rows);
    static const struct option_change changes[] = {{.name = "a", .unset = "2", .help = "Other."},
                                                   {.name = "c", .unset = ""}};
    static struct option_row rows[OPTION_TABLE_ROWS_MAX];
    struct option_table table = {.row_count = 0};
    option_table_add(&table, rows, 2, &(struct option_use){&own, 0});
    option_table_add(&table, rows, 2, &(struct option_use){&shared, 0});
    option_table_change(&table, rows, changes, 2);
    char order[32] = "";
    for (size_t i = 0; i < table.row_count; i++)
        strncat(order, rows[i].name, 1);
    ck_assert_str_eq(order, "xydzac");
    ck_assert_str_eq(rows[4].unset, "2");
    ck_assert_str_eq(rows[4].help, "Other.");
    ck_assert_uint_eq(rows[4].max, 9);
    ck_assert_ptr_null(rows[5].unset);
}

TEST(test_a_group_in_another_command)
{
    /* Breaks when a group of options can only stand where bench has it: a command that only talks to a server
     * takes an endpoint, and nothing of the load. */
    static const struct option_row own_rows[] = {{ROW("count", NULL, OPTION_COUNT, "N", 0),
                                                  NUMBER(1, 9), .unset = "3", .help = "How many."}};
    static const struct option_group own = GROUP(NULL, 0, own_rows);
    struct talker {
        uint64_t count;
        struct tls_options tls;
        struct endpoint endpoint;
    } talker = {.count = 0};
    static const char *const argv[] = {"talk", "-h",    "there",   "--rfr", "all",
                                       "-3",   "--tls", "--count", "7"};
    static struct option_row rows[OPTION_TABLE_ROWS_MAX];
    struct option_table table = {.command = "talk"};
    struct option_values values;
    struct err err = {.code = OK};
    option_table_add(&table, rows, OF_BENCH,
                     &(struct option_use){&own, offsetof(struct talker, count)});
    option_table_add(&table, rows, OF_BENCH,
                     &(struct option_use){&endpoint_group, offsetof(struct talker, endpoint)});
    option_table_add(&table, rows, OF_BENCH,
                     &(struct option_use){&tls_group, offsetof(struct talker, tls)});
    ck_assert_msg(options_parse(&values, &table, &talker, 9, argv, &err) == OK, "%s", err.text);
    ck_assert_uint_eq(talker.count, 7);
    ck_assert_str_eq(talker.endpoint.host, "there");
    ck_assert_uint_eq(talker.endpoint.port, 6379);
    ck_assert_int_eq(talker.endpoint.replica_reads, REPLICA_READS_ALL);
    ck_assert(talker.endpoint.resp3 && talker.tls.wanted);
    json_t *echo = options_to_json(&values);
    ck_assert_int_eq(json_integer_value(json_object_get(echo, "count")), 7);
    ck_assert(json_is_true(json_object_get(echo, "tls")));
    ck_assert_ptr_null(json_object_get(echo, "requests"));
    json_decref(echo);
    options_free(&values);
    ck_assert_int_eq(
        options_parse(&values, &table, &talker, 3, (const char *const[]){"talk", "-n", "5"}, &err),
        E_USAGE);
    options_free(&values);
}

static bool same_section(const struct option_row *a, const struct option_row *b)
{
    return a->section != NULL && b->section != NULL && strcmp(a->section, b->section) == 0;
}

/* Several spellings must not belong to two rows, and headings must not come twice. */
static void check_table(const struct option_table *table)
{
    ck_assert_uint_lt(table->row_count, OPTION_TABLE_ROWS_MAX);
    for (size_t i = 0; i < table->row_count; i++) {
        const struct option_row *row = &table->rows[i];
        for (size_t j = i + 1; j < table->row_count; j++) {
            const struct option_row *later = &table->rows[j];
            ck_assert_str_ne(row->name, later->name);
            for (const char *c = row->shorts; c != NULL && *c != '\0'; c++)
                ck_assert_msg(later->shorts == NULL || strchr(later->shorts, *c) == NULL,
                              "-%c is %s and %s", *c, row->name, later->name);
            ck_assert_msg(!same_section(row, later) || same_section(later - 1, later),
                          "section of %s twice", later->name);
        }
    }
}

TEST(test_tables)
{
    /* Breaks when a name means two things in the table of find-max, sweep or load-test. */
    check_table(find_max_option_table());
    check_table(sweep_option_table());
    check_table(load_test_option_table());
}

TEST(test_left_out_rows_have_their_defaults)
{
    /* Breaks when an option of bench that the command does not offer is zero instead of its default. */
    static const char *const argv[] = {"find-max", "--slo", "p99<1ms", "--slo=mean<1s", "-c", "7"};
    static struct find_max_request request;
    struct err err = {.code = OK};
    memset(&request, 0, sizeof request);
    ck_assert_msg(find_max_options_parse(&request, 6, argv, &err) == OK, "%s", err.text);
    const struct spec *spec = &request.bench.spec;
    ck_assert_uint_eq(request.objectives.count, 2);
    ck_assert_str_eq(request.objectives.items[1].text, "mean<1s");
    ck_assert_uint_eq(spec->load.clients, 7);
    ck_assert_uint_eq(spec->workers.threads, 1);
    ck_assert_uint_eq(spec->load.steady_limit_ns,
                      60 * NS_PER_SECOND);                  /* not an option of find-max */
    ck_assert_uint_eq(spec->load.warmup_ns, NS_PER_SECOND); /* its own default           */
    ck_assert_uint_eq(spec->load.interval_ns, 100 * NS_PER_MS);
    ck_assert_uint_eq(spec->load.duration_ns, 5100 * NS_PER_MS); /* the windows, and an interval */
    ck_assert_uint_eq(spec->load.requests, 0);
    struct search_limits limits = find_max_limits(&request);
    ck_assert_uint_eq(limits.lowest_micro, 10 * SCHEDULE_MICRO);
    ck_assert_uint_eq(limits.start_micro, 1000 * SCHEDULE_MICRO);
    bench_options_free(&request.bench);
}

TEST(test_sweep_lists)
{
    /* Breaks when the list of a sweep is read wrongly, or a single number taken for one. */
    static const char *const argv[] = {"sweep", "--qps", "0.5,10k", "-c", "4", "-P", "2"};
    static struct sweep_request request;
    struct err err = {.code = OK};
    memset(&request, 0, sizeof request);
    ck_assert_msg(sweep_options_parse(&request, 7, argv, &err) == OK, "%s", err.text);
    ck_assert_int_eq(request.kind, SWEEP_QPS);
    ck_assert_uint_eq(request.lists[SWEEP_QPS].count, 2);
    ck_assert_uint_eq(request.lists[SWEEP_QPS].values[0], SCHEDULE_MICRO / 2);
    ck_assert_uint_eq(request.lists[SWEEP_QPS].values[1], 10000 * SCHEDULE_MICRO);
    ck_assert_uint_eq(request.bench.spec.load.clients, 4);
    ck_assert_uint_eq(request.bench.spec.load.pipeline, 2);
    ck_assert_uint_eq(request.bench.spec.load.duration_ns, 10 * NS_PER_SECOND);
    ck_assert_uint_eq(request.bench.spec.rate.step_count, 1);
    bench_options_free(&request.bench);
}

TEST_SUITE(option_group)
