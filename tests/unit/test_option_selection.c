#include <check.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "orchestrator/commands/commands.h"
#include "orchestrator/commands/find_max_options.h"
#include "orchestrator/commands/sweep_options.h"
#include "orchestrator/options/option_selection.h"

Suite *test_option_selection_suite(void);

static const struct option_row other_rows[] = {
    {.name = "a", .kind = OPTION_COUNT, .section = "One", .help = "A.", .unset = "1", .max = 9},
    {.name = "b", .kind = OPTION_FLAG, .section = "One", .help = "B."},
    {.name = "c", .kind = OPTION_FLAG, .section = "Two", .help = "C."},
    {.name = "d", .kind = OPTION_FLAG, .section = "Three", .help = "D."},
};
static const struct option_table other = {.rows = other_rows, .row_count = 4};

START_TEST(test_order)
{
    /* Breaks when rows of a section do not stand together, which would print its heading twice; or when
     * a pick loses what it does not change. */
    static const struct option_row own[] = {
        {.name = "x", .kind = OPTION_FLAG, .section = "Own", .help = "X."},
        {.name = "y", .kind = OPTION_FLAG, .section = "Two", .help = "Y."},
        {.name = "z", .kind = OPTION_ELSEWHERE, .help = "Z."},
    };
    static const struct option_pick picks[] = {
        {.name = "c"}, {.name = "d"}, {.name = "a", .unset = "2", .help = "Other."}};
    struct option_selection selection = {.row_count = 0};
    struct option_table table = {.wider = &other};
    option_selection_fill(&table, &selection, own, 3, picks, 3);
    char order[32] = "";
    for (size_t i = 0; i < selection.row_count; i++)
        strncat(order, selection.rows[i].name, 1);
    ck_assert_str_eq(order, "xcydaz");
    ck_assert_str_eq(selection.rows[4].unset, "2");
    ck_assert_str_eq(selection.rows[4].help, "Other.");
    ck_assert_uint_eq(selection.rows[4].max, 9);
    option_selection_fill(&table, &selection, own, 3, picks, 3);
    ck_assert_uint_eq(table.row_count, 6);
}
END_TEST

static bool same_section(const struct option_row *a, const struct option_row *b)
{
    return a->section != NULL && b->section != NULL && strcmp(a->section, b->section) == 0;
}

/* Several spellings must not belong to two rows, and headings must not come twice. */
static void check_table(const struct option_table *table)
{
    ck_assert_uint_lt(table->row_count, OPTION_SELECTION_MAX);
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

START_TEST(test_tables)
{
    /* Breaks when a name means two things in the table of find-max or sweep. */
    check_table(find_max_option_table());
    check_table(sweep_option_table());
}
END_TEST

START_TEST(test_left_out_rows_have_their_defaults)
{
    /* Breaks when an option of bench that the command does not offer is zero instead of its default. */
    static const char *const argv[] = {"find-max", "--slo", "p99<1ms", "--slo=mean<1s", "-c", "7"};
    static struct find_max_request request;
    struct err err = {.code = OK};
    memset(&request, 0, sizeof request);
    ck_assert_msg(find_max_options_parse(&request, 6, argv, &err) == OK, "%s", err.text);
    const struct spec *spec = &request.bench.spec;
    ck_assert_uint_eq(request.slos.count, 2);
    ck_assert_str_eq(request.slos.items[1].text, "mean<1s");
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
END_TEST

START_TEST(test_sweep_lists)
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
END_TEST

Suite *test_option_selection_suite(void)
{
    Suite *suite = suite_create("option_selection");
    TCase *all = tcase_create("selection");
    tcase_add_test(all, test_order);
    tcase_add_test(all, test_tables);
    tcase_add_test(all, test_left_out_rows_have_their_defaults);
    tcase_add_test(all, test_sweep_lists);
    suite_add_tcase(suite, all);
    return suite;
}
