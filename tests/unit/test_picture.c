/* Scripts of pictures: what gnuplot is told, and what it is never told. */
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "orchestrator/page/gnuplot.h"
#include "orchestrator/page/page_state.h"
#include "orchestrator/page/picture_script.h"
#include "tests/support/check/report_fixture.h"
#include "tests/support/check/suite.h"

static char *script;
static size_t script_bytes;
static struct page_table table;
static struct err err;

static void tear_down(void)
{
    free(script);
    script = NULL;
    page_table_free(&table);
}

static void begin_table(const char *unit)
{
    err.code = OK;
    ck_assert_int_eq(page_table_init(&table, "load", "", 1, 16384, &err), OK);
    page_table_column(&table, "figure", unit, NULL);
}

static void add(double start, double end, double value)
{
    page_table_add(&table, start, end, &value);
}

static struct picture_block block_of(void)
{
    static struct page_result result;
    FILE *out = open_memstream(&script, &script_bytes);
    const struct picture_sheet sheet = {out, &result, 0, 1, 1};
    const struct picture_block block = picture_block(&sheet, "block", &table, "figure", 1);
    fclose(out);
    return block;
}

static size_t lines(void)
{
    size_t count = 0;
    for (const char *at = script; *at != '\0'; at++)
        count += *at == '\n';
    return count;
}

TEST(a_gap_is_a_gap)
{
    /* breaks when a line is drawn across a time of which nothing is known, or a lone interval between gaps is not seen */
    begin_table("requests/s");
    add(0, 1, 5);
    add(1, 2, 6);
    add(5, 6, 7); /* nothing before it, and nothing behind */
    add(6, 7, NAN);
    add(7, 8, 8);
    add(8, 9, 9);
    const struct picture_block block = block_of();
    ck_assert_str_eq(script, "$block << EOD\n0.5 5\n1.5 6\n\n5 7\n6 7\n\n7.5 8\n8.5 9\nEOD\n");
    ck_assert(block.any && !block.open);
    ck_assert_double_eq(block.least, 5);
    ck_assert_double_eq(block.most, 9);
}

TEST(samples_that_are_missing)
{
    /* breaks when samples, which have no length, are joined across a time in which none was taken */
    begin_table("bytes");
    for (int i = 0; i < 4; i++)
        add(i, i, 10 + i);
    add(9, 9, 20);
    add(10, 10, 21);
    block_of();
    ck_assert_str_eq(script, "$block << EOD\n0 10\n1 11\n2 12\n3 13\n\n9 20\n10 21\nEOD\n");
}

TEST(samples_at_the_edges_of_phases)
{
    /* breaks when the samples that each short phase begins and ends with make gaps of the usual time between samples */
    begin_table("bytes");
    for (int i = 0; i < 5; i++) {
        add(2 * i, 2 * i, 10);
        add(2 * i + 0.01, 2 * i + 0.01, 11);
        add(2 * i + 0.02, 2 * i + 0.02, 12);
    }
    block_of();
    ck_assert_ptr_null(strstr(script, "\n\n"));
}

TEST(a_stall_is_seen)
{
    /* breaks when one interval of many is thinned away, upwards or downwards, or a script grows with the length of a run */
    begin_table("requests/s");
    for (int i = 0; i < 16000; i++)
        add(i, i + 1, i == 7001 ? 4e6 : i == 9002 ? 0 : 100);
    const struct picture_block block = block_of();
    ck_assert_double_eq(block.most, 4e6);
    ck_assert_double_eq(block.least, 0);
    ck_assert_ptr_nonnull(strstr(script, " 4000000\n"));
    ck_assert_ptr_nonnull(strstr(script, " 0\n"));
    ck_assert_uint_le(lines(), 2500);
}

TEST(at_least_so_much)
{
    /* breaks when a percentile of which only a bound is known is drawn as if it were measured */
    begin_table("us");
    add(0, 1, 100);
    add(1, 2, 110);
    add(2, 3, -5000);
    add(3, 4, 120);
    add(4, 5, 130);
    const struct picture_block block = block_of();
    ck_assert(block.any && block.open);
    ck_assert_ptr_nonnull(strstr(script, "1.5 110\n\n3.5 120\n"));
    ck_assert_ptr_nonnull(strstr(script, "$block_open << EOD\n2.5 5000\nEOD\n"));
}

TEST(text_is_text)
{
    /* breaks when a name or label, which may be anybody's, ends its quotes */
    FILE *out = open_memstream(&script, &script_bytes);
    gnuplot_text(out, "it's `touch x` \"q\" %d\n\\'; system('id')\x01\xff]]>");
    fclose(out);
    ck_assert_str_eq(script, "'it''s `touch x` \"q\" %d \\''; system(''id'') ?]] >'");
}

/* All that is outside of quotes; in double ones gnuplot would look for commands, so there are none. */
static void strip_quoted(void)
{
    bool quoted = false;
    for (char *at = script; *at != '\0'; at++) {
        ck_assert_msg(quoted || *at != '"', "a double quote: %.200s", at);
        if (*at == '\n')
            ck_assert_msg(!quoted, "a text is open at the end of its line: %.200s", at);
        if (*at == '\'')
            quoted = !quoted;
        else if (quoted)
            *at = '_';
    }
}

/* A search with these words wherever words can be. The caller's. */
static json_t *hostile_curve(const char *words)
{
    return json_pack(
        "{s:s, s:s, s:s, s:s, s:s, s:s, s:{s:f, s:f, s:f, s:f}, s:[{s:s, s:f}], s:{}, "
        "s:[{s:f, s:s, s:s, s:{s:f, s:f, s:f}}, {s:f, s:s, s:s, s:{s:f, s:f, s:f}}]}",
        "of", words, "swept", "qps", "unit", words, "loop", words, "test", words, "status", words,
        "found", "rate", 10.0, "lower", 9.0, "upper", 11.0, "confidence", 0.95, "objectives",
        "text", words, "limit_us", 900.0, "figures", "points", "load", 10.0, "outcome", "held",
        "reason", words, "figures", "response_time_us.p99", 800.0, "response_time_us.max", 9e5,
        "rate.achieved", 10.0, "load", 900.0, "outcome", "not held", "reason", words, "figures",
        "response_time_us.p99", -5000.0, "response_time_us.max", 9e6, "rate.achieved", 500.0);
}

TEST(points_of_a_search)
{
    /* breaks when what came of a probe is told by colour alone, or a bound is drawn as measured and joined by a line */
    struct page_result result = {.curve = hostile_curve("x")};
    ck_assert_ptr_nonnull(result.curve);
    FILE *out = open_memstream(&script, &script_bytes);
    ck_assert(pictures_of_curves[0].write(out, PICTURE_PNG, &result));
    fclose(out);
    ck_assert_ptr_nonnull(strstr(script, "$p99 << EOD\n10 0.8\n\nEOD\n"));
    ck_assert_ptr_nonnull(strstr(script, "$p99_open << EOD\n900 5\nEOD\n"));
    ck_assert_ptr_nonnull(strstr(script, "$max_held << EOD\n10 900\nEOD\n"));
    ck_assert_ptr_nonnull(strstr(script, "$max_failed << EOD\n900 9000\nEOD\n"));
    ck_assert_ptr_nonnull(strstr(script, "$max_failed using 1:2 with points pointtype 2"));
    ck_assert_ptr_nonnull(strstr(script, "'sustainable: 10 (95 %: 9 to 11)'"));
    json_decref(result.curve);
}

TEST(users_in_both_modes)
{
    /* breaks when modes cannot be told apart, a mark has no mode, or memory that is saved is drawn as if it were taken */
    struct page_result result = {
        .curve = json_pack(
            "{s:s, s:s, s:s, s:s, s:[s, s], s:{s:{}, s:{s:i}}, s:[{}], s:[{s:i, s:s, s:s, s:{s:f, "
            "s:f, s:f, s:f, s:f}}, {s:i, s:s, s:s, s:{s:f, s:f, s:f}}]}",
            "of", "load-test", "swept", "users", "unit", "users", "loop", "", "modes", "buffer",
            "bypass", "marked", "buffer", "bypass", "degradation", 5, "memory", "points", "load", 1,
            "mode", "buffer", "outcome", "measured", "figures", "response_time_us.p95", 800.0,
            "rate.achieved", 10.0, "volley_mb", 12.0, "difference_mb", -0.5,
            "expected_difference_mb", 0.25, "load", 5, "mode", "bypass", "outcome", "measured",
            "figures", "service_time_us.p95", 400.0, "rate.achieved", 20.0, "volley_mb", 12.5)};
    ck_assert_ptr_nonnull(result.curve);
    FILE *out = open_memstream(&script, &script_bytes);
    for (size_t i = 0; i < PICTURES_OF_CURVES; i++)
        ck_assert(pictures_of_curves[i].write(out, PICTURE_PNG, &result));
    fclose(out);
    ck_assert_ptr_nonnull(strstr(script, "$p95 << EOD\n1 800\nEOD\n"));
    ck_assert_ptr_nonnull(strstr(script, "$p95_2 << EOD\n5 400\nEOD\n"));
    ck_assert_ptr_nonnull(strstr(script, "$p95_2 using 1:2 with lines dashtype 2"));
    ck_assert_ptr_nonnull(strstr(script, "'degradation point at 5, bypass'"));
    ck_assert_ptr_nonnull(strstr(script, "$difference_mb_measured << EOD\n1 -0.5\nEOD\n"));
    ck_assert_ptr_nonnull(strstr(script, "'volley, bypass'"));
    json_decref(result.curve);
}

TEST(a_sweep_without_an_answer)
{
    /* breaks when a sweep in which nothing was answered has an empty box, or an axis that cannot be */
    struct page_result result = {.curve = hostile_curve("x")};
    size_t i;
    json_t *point;
    json_array_foreach(json_object_get(result.curve, "points"), i, point)
        json_object_set_new(point, "figures", json_pack("{s:f}", "rate.achieved", 0.0));
    FILE *out = open_memstream(&script, &script_bytes);
    ck_assert(pictures_of_curves[0].write(out, PICTURE_PNG, &result));
    fclose(out);
    ck_assert_ptr_null(strstr(script, "time, "));
    ck_assert_ptr_null(strstr(script, "set logscale y"));
    ck_assert_ptr_nonnull(strstr(script, "$achieved_held << EOD\n10 0\nEOD\n"));
    json_decref(result.curve);
}

LOOP_TEST(hostile_names, 7)
{
    /* breaks when a name of a run, phase, action or host is more than text in some picture */
    static const char hostile[] =
        "x'`touch hurt`\";system('touch hurt')\n!touch hurt\nEOD\n%s @y \\";
    static const char *const of[] = {"name", "text", "type"};
    struct page *page = page_create();
    err.code = OK;
    ck_assert_int_eq(page_result_add(page, hostile, &err), OK);
    static struct timeline timeline; /* too large for a stack */
    struct session_facts session = fixture_session();
    ck_assert_int_eq(timeline_init(&timeline, &err), OK);
    timeline_add(&timeline, page_listen(page));
    fixture_play_open(&timeline, &session);
    struct page_result *result = page_result_newest(page);
    for (size_t i = 0; i < 3; i++) {
        json_t *region =
            json_pack("{s:s, s:f, s:f, s:{s:f, s:f}}", "kind", "phase", "start", (double)i, "end",
                      i + 1.0, "figures", "used_memory", 1e6, "cleanup_efficiency", 0.5);
        for (size_t k = 0; k < 3; k++)
            json_object_set_new(region, of[k], json_string(hostile));
        json_array_append_new(result->regions, region);
        json_array_append_new(result->marks, json_pack("{s:s, s:s, s:f, s:f}", "source",
                                                       i > 0 ? "chaos" : "outage", "text", hostile,
                                                       "start", (double)i, "end", i + 0.5));
    }
    json_object_set_new(
        result->environment, "server",
        json_pack("{s:s, s:s, s:s}", "product", hostile, "version", hostile, "address", hostile));
    json_object_set_new(json_array_get(result->spectra, 0), "name", json_string(hostile));
    ck_assert_int_eq(page_table_init(&result->samples, "server", "", 3, 64, &err), OK);
    page_table_column(&result->samples, "used_memory", "bytes", NULL);
    page_table_column(&result->samples, "ops_per_second", "requests/s", NULL);
    page_table_column(&result->samples, "p99_ms", "ms", NULL);
    for (int i = 0; i < 4; i++)
        page_table_add(&result->samples, i, i, (const double[]){1e6, 1e3 + i, 1});
    if (_i == 6)
        result->curve = hostile_curve(hostile);
    const struct picture *picture = _i < 3   ? &pictures_of_runs[_i]
                                    : _i < 6 ? &pictures_of_scenarios[_i - 3]
                                             : &pictures_of_curves[0];
    FILE *out = open_memstream(&script, &script_bytes);
    ck_assert_msg(picture->write(out, PICTURE_SVG, result), "no %s", picture->name);
    fclose(out);
    ck_assert_ptr_nonnull(strstr(script, "x''`touch hurt`"));
    strip_quoted();
    ck_assert_ptr_null(strchr(script, '`'));
    ck_assert_ptr_null(strstr(script, "touch"));
    ck_assert_ptr_null(strstr(script, "system"));
    timeline_destroy(&timeline);
    page_destroy(page);
    fixture_session_free(&session);
}

TEST(ratios_that_are_left_out)
{
    /* breaks when the picture does not say that ratios are missing, or gnuplot has nothing that it could make an axis of */
    struct page *page = page_create();
    err.code = OK;
    ck_assert_int_eq(page_result_add(page, "x", &err), OK);
    struct page_result *result = page_result_newest(page);
    ck_assert_int_eq(page_table_init(&result->samples, "server", "", 1, 64, &err), OK);
    page_table_column(&result->samples, "used_memory", "bytes", NULL);
    for (int i = 0; i < 4; i++)
        page_table_add(&result->samples, i, i, (const double[]){1e6});
    result->ratios_left_out = true;
    FILE *out = open_memstream(&script, &script_bytes);
    ck_assert(pictures_of_scenarios[0].write(out, PICTURE_SVG, result));
    fclose(out);
    ck_assert_ptr_nonnull(strstr(script, page_ratios_left_out));
    ck_assert_ptr_nonnull(strstr(script, "set yrange [0:2]"));
    page_destroy(page);
}

/* A scenario with samples of these columns; the caller's. */
static struct page *with_samples(const char *const *columns, uint32_t count)
{
    struct page *page = page_create();
    err.code = OK;
    ck_assert_int_eq(page_result_add(page, "x", &err), OK);
    struct page_result *result = page_result_newest(page);
    ck_assert_int_eq(page_table_init(&result->samples, "server", "", count, 64, &err), OK);
    for (uint32_t i = 0; i < count; i++)
        page_table_column(&result->samples, columns[i], "", NULL);
    return page;
}

TEST(cpu_that_is_not_known_yet)
{
    /* breaks when a sample a moment after another one, in which CPU, told in steps, has not grown, becomes a point at 0 */
    static const char *const columns[] = {"ops_per_second", "p99_ms", "process_cpu_seconds"};
    struct page *page = with_samples(columns, 3);
    struct page_table *samples = &page_result_newest(page)->samples;
    page_table_add(samples, 0, 0, (const double[]){100, 1, 0.5});
    page_table_add(samples, 2, 2, (const double[]){100, 2, 1.5});
    page_table_add(samples, 2.01, 2.01, (const double[]){100, 3, 1.5});
    page_table_add(samples, 2.25, 2.25, (const double[]){100, 4, 1.6});
    FILE *out = open_memstream(&script, &script_bytes);
    ck_assert(pictures_of_scenarios[1].write(out, PICTURE_PNG, page_result_newest(page)));
    fclose(out);
    ck_assert_ptr_nonnull(strstr(script, "\n50 2\n41.66667 4\nEOD\n"));
    page_destroy(page);
}

TEST(numbers_of_all_bars)
{
    /* breaks when a phase after which there was more than before has a bar below 0 and no number */
    static const char *const columns[] = {"used_memory"};
    struct page *page = with_samples(columns, 1);
    struct page_result *result = page_result_newest(page);
    for (int i = 0; i < 4; i++)
        page_table_add(&result->samples, i, i, (const double[]){1e6});
    for (int i = 0; i < 3; i++)
        json_array_append_new(result->regions,
                              json_pack("{s:s, s:s, s:f, s:f, s:{s:f}}", "kind", "phase", "name",
                                        "p", "start", 1 + i * 0.01, "end", 1.01 + i * 0.01,
                                        "figures", "cleanup_efficiency",
                                        i == 1 ? 0.5 : -0.2 * i - 0.1));
    FILE *out = open_memstream(&script, &script_bytes);
    ck_assert(pictures_of_scenarios[0].write(out, PICTURE_PNG, result));
    fclose(out);
    static const char *const labels[] = {"'-10 %'", "'50 %'", "'-50 %'"};
    for (size_t i = 0; i < sizeof labels / sizeof labels[0]; i++)
        ck_assert_msg(strstr(script, labels[i]) != NULL, "no %s", labels[i]);
    page_destroy(page);
}

TEST(labels_of_a_logarithmic_axis)
{
    /* breaks when an axis of two decades has a label or two, which nobody can read values by */
    FILE *out = open_memstream(&script, &script_bytes);
    const struct picture_sheet sheet = {out, NULL, 0, 1, 1};
    const struct picture_unit ms = picture_unit("us", 5000, true),
                              rate = picture_unit("requests/s", 2e4, false);
    picture_log_axis(&sheet, 'y', 60, 5000, &ms);
    picture_log_axis(&sheet, 'x', 900, 20000, &rate);
    fclose(out);
    ck_assert_str_eq(script,
                     "set logscale y\nset yrange [0.06:5]\nset ytics ('0.01' 0.01, '0.02' 0.02, "
                     "'0.05' 0.05, '0.1' 0.1, '0.2' 0.2, '0.5' 0.5, '1' 1, '2' 2, '5' 5)\n"
                     "set logscale x\nset xrange [0.9:20]\nset xtics ('100' 0.1, '200' 0.2, '500' "
                     "0.5, '1k' 1, '2k' 2, '5k' 5, '10k' 10, '20k' 20, '50k' 50)\n");
}

TEST(of_nothing)
{
    /* breaks when a result without intervals, samples or phases has a picture with nothing in it */
    struct page *page = page_create();
    err.code = OK;
    ck_assert_int_eq(page_result_add(page, "x", &err), OK);
    for (size_t i = 0; i < 3; i++) {
        FILE *out = open_memstream(&script, &script_bytes);
        ck_assert(!pictures_of_runs[i].write(out, PICTURE_PNG, page_result_newest(page)));
        ck_assert(!pictures_of_scenarios[i].write(out, PICTURE_PNG, page_result_newest(page)));
        ck_assert(!pictures_of_curves[i % PICTURES_OF_CURVES].write(out, PICTURE_PNG,
                                                                    page_result_newest(page)));
        fclose(out);
        free(script);
        script = NULL;
    }
    page_destroy(page);
}

TEST_SUITE_WITH(picture, .tear_down = tear_down)
