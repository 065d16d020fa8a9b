/* Two modes of made-up runs: what is compared, what is said of it, and what does not count. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/rng.h"
#include "orchestrator/suite/modes.h"
#include "tests/support/check/suite.h"

static struct modes modes;

static void begin(uint32_t planned, bool b_buffered)
{
    const struct buffer_options buffers[MODES] = {
        [MODE_A] = {.wanted = true, .name = "fast"},
        [MODE_B] = {.wanted = b_buffered, .name = "<b>plain</b>"}};
    struct err err = {.code = OK};
    modes = (struct modes){
        .planned = planned,
        .wishes = {.confidence = 0.95, .threshold = 0.05, .rates = true, .latencies = true}};
    ck_assert_int_eq(modes_init(&modes, &err), OK);
    for (int side = 0; side < MODES; side++)
        modes_name(&modes, side, &buffers[side]);
}

static void add(int side, double rate, double milliseconds, double error_percent)
{
    struct mode *mode = &modes.modes[side];
    struct mode_run *run = &mode->runs[mode->count++];
    *run = (struct mode_run){.seconds = 1, .rate = rate, .error_percent = error_percent};
    for (unsigned figure = 0; figure < RECORD_FIGURES; figure++)
        run->figures_ms[figure] = figure >= RECORD_P50 && figure <= RECORD_P99 ? milliseconds : NAN;
    for (size_t i = 0; i < MODE_PERCENTILES; i++) {
        run->matrix_ms[MODE_WRITES][i] = milliseconds * (double)(i + 1);
        for (unsigned kind = MODE_QUERIES; kind < MODE_KINDS; kind++)
            run->matrix_ms[kind][i] = NAN;
    }
    mode->errors[mode->counted++] = error_percent;
}

static void compare(void)
{
    struct err err = {.code = OK};
    json_t *configuration = json_pack("{s:s}", "command", "SET");
    ck_assert_int_eq(modes_compare(&modes, configuration, &err), OK);
    json_decref(configuration);
}

static char *written(void (*write)(struct output *out, const struct modes *of))
{
    static char text[8192];
    struct output out;
    FILE *file = tmpfile();
    ck_assert_ptr_nonnull(file);
    output_borrow(&out, file);
    write(&out, &modes);
    rewind(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    return text;
}

static void ck_has(const char *text, const char *wanted)
{
    ck_assert_msg(strstr(text, wanted) != NULL, "\"%s\" is missing in:\n%s", wanted, text);
}

TEST(answers_are_of_a)
{
    /* breaks when sides are confused, a minute is not 60 seconds, or the verdict is not that of the rows */
    begin(5, false);
    for (int i = 0; i < 5; i++) {
        add(MODE_A, 2000 + i, 1 + 0.001 * i, 0);
        add(MODE_B, 1000 + i, 2 + 0.001 * i, 0);
    }
    compare();
    ck_assert_int_eq(modes.comparison.rows[0].answer, ANSWER_FASTER);
    ck_assert_double_eq_tol(modes.comparison.rows[0].change, 1000.0 / 1002, 1e-9);
    ck_assert(!modes.comparison.regressed);
    char *text = written(modes_write_markdown);
    ck_has(text, "| requests/s | 2,002 | 1,002 | +1,000 | +99.8 % |");
    ck_has(text, "| messages/min | 120,120 | 60,120 | +60,000 | +99.8 % |");
    ck_has(text, "| p99, ms | 1.002 | 2.002 | -1.000 | -50.0 % |");
    ck_has(text, "| errors, % | 0.000 | 0.000 | 0.000 | - | - | - | none |");
    ck_has(text, "fast (A) against ");
    ck_has(text, "throughput faster by 99.8 %");
    ck_assert_ptr_null(strstr(text, "<b>"));
    modes_free(&modes);
}

TEST(fewer_messages_are_a_regression)
{
    /* breaks when A that is slower is none */
    begin(5, true);
    for (int i = 0; i < 5; i++) {
        add(MODE_A, 900 + i, 1 + 0.1 * i, 0);
        add(MODE_B, 1000 + i, 1 + 0.1 * i, 0);
    }
    compare();
    ck_assert(modes.comparison.regressed);
    ck_has(written(modes_write_text), "throughput slower by 10.0 %");
    modes_free(&modes);
}

TEST(lines_and_verdict_have_one_interval)
{
    /* breaks when what is called slower has 0 in its interval, or the verdict has another interval than the table; over random
     * runs, at least a tenth of which are told apart */
    uint32_t told = 0;
    for (uint64_t try = 0; try < 300; try++) {
        const double spread = 0.6 * rng_unit(rng_at(1, try));
        begin(3, false);
        for (uint64_t i = 0; i < 3; i++) {
            add(MODE_A, 1000, 2.5 + spread * rng_unit(rng_at(2 + i, try)), 0);
            add(MODE_B, 1000, 1 + 2 * spread * rng_unit(rng_at(6 + i, try)), 0);
        }
        compare();
        for (size_t i = 0; i < modes.comparison.count; i++) {
            const struct comparison_row *row = &modes.comparison.rows[i];
            char cell[60], answer[60];
            if (row->answer != ANSWER_SLOWER && row->answer != ANSWER_FASTER)
                continue;
            told++;
            ck_assert_msg(row->low > 0 || row->high < 0, "%g to %g", row->low, row->high);
            ck_assert(isfinite(row->high));
            snprintf(cell, sizeof cell, "| %+.1f to %+.1f %% |", 100 * row->low, 100 * row->high);
            snprintf(answer, sizeof answer, "(%.1f to %.1f %%)", 100 * row->low, 100 * row->high);
            ck_has(written(modes_write_markdown), cell);
            ck_has(written(modes_write_markdown), answer);
        }
        modes_free(&modes);
    }
    ck_assert_msg(told > 100, "%u", told);
}

TEST(error_rates)
{
    /* breaks when the difference of error rates is not that of Welch's test, in percent points, or is sure by itself but
     * not beside the other rows */
    static const double few[] = {0.1, 0.2, 0.1, 0.2, 0.1}, many[] = {5.1, 5.2, 5.1, 5.3, 5.2};
    begin(5, false);
    for (int i = 0; i < 5; i++) {
        add(MODE_A, 1000 + i, 1, many[i]);
        add(MODE_B, 1000 + i, 1, few[i]);
    }
    compare();
    const struct welch welch = welch_test((struct sample){few, 5}, (struct sample){many, 5});
    const double half = welch_half_width(&welch, 0.95);
    char wanted[100];
    snprintf(wanted, sizeof wanted, "| errors, %% | 5.180 | 0.140 | +5.040 | - | %+.3f to %+.3f |",
             5.04 - half, 5.04 + half);
    ck_has(written(modes_write_markdown), wanted);
    ck_has(written(modes_write_markdown), "| <0.001 | more |");
    modes_free(&modes);
}

TEST(one_side)
{
    /* breaks when a mode without any run is compared with, or nobody is told */
    begin(3, false);
    add(MODE_A, 1000, 1, 0);
    compare();
    ck_assert(!modes.compared);
    ck_has(written(modes_write_text), "cannot tell (no run of one of them counts)");
    modes_free(&modes);
}

TEST(a_failed_run)
{
    /* breaks when a run that failed or was cut short counts, or is not told */
    begin(3, false);
    for (int i = 0; i < 3; i++) {
        add(MODE_A, 1000 + i, 1, 0);
        add(MODE_B, 1000 + i, 2, 0);
    }
    struct mode *a = &modes.modes[MODE_A];
    snprintf(a->runs[2].mishap, sizeof a->runs[2].mishap, "the server was away");
    a->runs[1].status = E_INTERRUPTED;
    a->counted = 1;
    compare();
    ck_assert_uint_eq(modes.comparison.rows[0].sides[1].count, 1);
    ck_assert_double_eq(modes_matrix_ms(a, MODE_WRITES, 1), 2);
    const char *text = written(modes_write_text);
    ck_has(text, "fast (A): 1 of 3 runs count");
    ck_has(text, "fast (A), run 3: the server was away");
    ck_has(text, "cannot tell (one run says nothing of chance)");
    modes_free(&modes);
}

TEST(matrix)
{
    /* breaks when a place of the latency matrix is not the mean of its runs, or a kind that nobody asked for is a column */
    char column[MODES_COLUMN_BYTES];
    begin(3, false);
    for (int i = 0; i < 3; i++) {
        add(MODE_A, 1000, 1 + i, 0);
        add(MODE_B, 1000, 10, 0);
    }
    modes.modes[MODE_A].runs[2].matrix_ms[MODE_WRITES][3] = NAN;
    compare();
    ck_assert_double_eq(modes_matrix_ms(&modes.modes[MODE_A], MODE_WRITES, 0), 2);
    ck_assert_double_eq(modes_matrix_ms(&modes.modes[MODE_A], MODE_WRITES, 3), 6);
    ck_assert(isnan(modes_matrix_ms(&modes.modes[MODE_A], MODE_QUERIES, 0)));
    ck_assert_str_eq(modes_format_column(column, &modes, MODE_B, MODE_WRITES), "Write(Bypass)");
    const char *text = written(modes_write_markdown);
    ck_has(text, "| ms | Write(Buffer) | Write(Bypass) |\n");
    ck_has(text, "| P90 | 4.000 | 20.000 |\n");
    modes_free(&modes);
}

TEST(matrix_of_near_caches)
{
    /* breaks when what a near cache answered has no column, or a mode without one has it */
    char column[MODES_COLUMN_BYTES];
    begin(3, false);
    for (int i = 0; i < 3; i++) {
        add(MODE_A, 1000, 1, 0);
        add(MODE_B, 1000, 10, 0);
        for (size_t k = 0; k < MODE_PERCENTILES; k++) {
            modes.modes[MODE_A].runs[i].matrix_ms[MODE_CACHED][k] = 0.002;
            modes.modes[MODE_A].runs[i].matrix_ms[MODE_COLD][k] = 0.5;
        }
    }
    compare();
    ck_has(written(modes_write_markdown),
           "| ms | Write(Buffer) | Write(Bypass) | Query(Cached) | Query(Cold) |\n");
    ck_has(written(modes_write_markdown), "| 0.002 | 0.500 |\n");
    for (int i = 0; i < 3; i++)
        modes.modes[MODE_B].runs[i].matrix_ms[MODE_COLD][0] = 0.5;
    ck_assert_str_eq(modes_format_column(column, &modes, MODE_B, MODE_COLD), "Query(Cold B)");
    modes_free(&modes);
}

TEST_SUITE(modes)
