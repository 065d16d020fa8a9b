/* The picture of a comparison of modes: the latency matrix, and below it what each run answered, with the mean of each mode. */
#include <math.h>
#include <stdio.h>

#include "orchestrator/page/page_curve.h"
#include "orchestrator/page/page_modes.h"
#include "orchestrator/page/picture_script.h"

#define TOP (PICTURE_HEIGHT - 52)
#define MIDDLE 400
#define LOWER_TOP 270
#define BOTTOM 88
#define COLUMNS_MAX 8u
#define RUNS_MAX 1000u

static const struct {
    const char *member, *title, *colour, *block;
} percentiles[] = {{"p50_ms", "P50", PICTURE_BLUE, "p50"},
                   {"p90_ms", "P90", PICTURE_GREEN, "p90"},
                   {"p95_ms", "P95", PICTURE_SKY, "p95"},
                   {"p99_ms", "P99", PICTURE_VERMILION, "p99"}};
#define PERCENTILES (sizeof percentiles / sizeof percentiles[0])

static const struct {
    const char *name, *colour, *block;
} sides[PAGE_MODES] = {{"A", PICTURE_BLUE, "runs_a"}, {"B", PICTURE_GREY, "runs_b"}};

/* ---- the latency matrix ---- */

/* In microseconds, which pictures count in; NAN: not known. */
static double time_at(const json_t *column, size_t percentile)
{
    return page_curve_real(column, percentiles[percentile].member) * 1e3;
}

static size_t column_count(const json_t *columns)
{
    const size_t count = json_array_size(columns);
    return count < COLUMNS_MAX ? count : COLUMNS_MAX;
}

/* Names of columns stand below the box: they come from outside, and tics are formats. */
static void name_columns(const struct picture_sheet *sheet, const struct picture_box *box,
                         const json_t *columns)
{
    const size_t count = column_count(columns);
    const double step = (box->right - box->left) / (double)count;
    for (size_t i = 0; i < count; i++)
        picture_label(sheet, box->left + (i + 0.5) * step, box->bottom - 20, "center", 14,
                      "#000000", page_curve_text(json_array_get(columns, i), "column"));
}

/* False: it has no times. */
static bool draw_matrix(const struct picture_sheet *sheet, const json_t *columns)
{
    const struct picture_box box = {PICTURE_LEFT, PICTURE_RIGHT, MIDDLE, TOP};
    struct picture_plot plot = {.sheet = sheet};
    double least = INFINITY, most = 0;
    for (size_t i = 0; i < column_count(columns); i++)
        for (size_t k = 0; k < PERCENTILES; k++) {
            const double us = time_at(json_array_get(columns, i), k);
            least = us > 0 ? fmin(least, us) : least;
            most = us > 0 && us < 1e15 ? fmax(most, us) : most;
        }
    if (!(most > 0))
        return false;
    const bool logarithmic = most > 50 * least;
    const struct picture_unit unit = picture_unit("us", most, logarithmic);
    picture_box(sheet, &box);
    fprintf(sheet->out,
            "set xrange [0.5:%zu.5]\nset format x ''\nset xtics 1\nset ylabel 'latency, %s%s'\n",
            column_count(columns), unit.name, logarithmic ? " (logarithmic)" : "");
    if (logarithmic)
        picture_log_axis(sheet, 'y', least * 0.8, most * 1.3, &unit);
    else
        fprintf(sheet->out, "set yrange [0:%.6g]\n", most / unit.divisor * 1.08);
    name_columns(sheet, &box, columns);
    for (size_t k = 0; k < PERCENTILES; k++) {
        fprintf(sheet->out, "$%s << EOD\n", percentiles[k].block);
        for (size_t i = 0; i < column_count(columns); i++) {
            const double us = time_at(json_array_get(columns, i), k);
            if (us > 0)
                fprintf(sheet->out, "%zu %.7g\n", i + 1, us / unit.divisor);
        }
        fprintf(sheet->out, "EOD\n");
        picture_curve(&plot, percentiles[k].block, "points pointtype 7 pointsize 1.6",
                      percentiles[k].colour, 1.4, percentiles[k].title);
    }
    picture_plot_end(&plot, &box, true);
    return true;
}

/* ---- runs ---- */

static size_t run_count(const json_t *mode)
{
    const size_t count = json_array_size(json_object_get(mode, "runs"));
    return count < RUNS_MAX ? count : RUNS_MAX;
}

static double rate_at(const json_t *mode, size_t index)
{
    return page_modes_figure(json_array_get(json_object_get(mode, "runs"), index),
                             "requests_per_second");
}

/* Of its mean, what of the comparison's first row holds it: requests a second. */
static void put_mean(const struct picture_sheet *sheet, const json_t *comparison, size_t side,
                     double divisor)
{
    const json_t *row = json_array_get(json_object_get(comparison, "rows"), 0);
    const json_t *of = json_object_get(row, side == 0 ? "other" : "base");
    const double mean = page_curve_real(of, "mean"), low = page_curve_real(of, "low"),
                 high = page_curve_real(of, "high");
    if (isfinite(low) && isfinite(high))
        fprintf(sheet->out,
                "set object rectangle from graph 0, first %.7g to graph 1, first %.7g behind "
                "fillcolor rgb '%s' fillstyle solid 0.18 noborder\n",
                low / divisor, high / divisor, sides[side].colour);
    if (isfinite(mean))
        fprintf(sheet->out,
                "set arrow from graph 0, first %.7g to graph 1, first %.7g nohead front linewidth "
                "1.4 linecolor rgb '%s'\n",
                mean / divisor, mean / divisor, sides[side].colour);
}

/* Of a mode those runs that are compared, or those that are not: a block of them. Returns how many. */
static size_t put_runs(FILE *out, const char *block, const json_t *mode, bool counted,
                       double divisor)
{
    size_t count = 0;
    fprintf(out, "$%s << EOD\n", block);
    for (size_t i = 0; i < run_count(mode); i++) {
        if (page_modes_counts(json_array_get(json_object_get(mode, "runs"), i)) != counted ||
            !isfinite(rate_at(mode, i)))
            continue;
        fprintf(out, "%zu %.7g\n", i + 1, rate_at(mode, i) / divisor);
        count++;
    }
    fprintf(out, "EOD\n");
    return count;
}

static void put_side(struct picture_plot *plot, const json_t *comparison, size_t side,
                     double divisor)
{
    const json_t *mode = page_modes_side(comparison, side);
    const char *colour = sides[side].colour;
    char title[80], out[40];
    snprintf(title, sizeof title, "%.79s", page_curve_text(mode, "name"));
    snprintf(out, sizeof out, "%s_out", sides[side].block);
    put_mean(plot->sheet, comparison, side, divisor);
    if (put_runs(plot->sheet->out, sides[side].block, mode, true, divisor) > 0)
        picture_curve(plot, sides[side].block,
                      side == 0 ? "points pointtype 7 pointsize 1.3"
                                : "points pointtype 6 pointsize 1.3",
                      colour, 1.6, NULL);
    picture_key(plot, side == 0 ? PICTURE_SIGN_DOT : PICTURE_SIGN_RING, colour, title);
    if (put_runs(plot->sheet->out, out, mode, false, divisor) == 0)
        return;
    picture_curve(plot, out, "points pointtype 2 pointsize 1.3", colour, 1.6, NULL);
    picture_key(plot, PICTURE_SIGN_CROSS, colour, "does not count");
}

static void draw_runs(const struct picture_sheet *sheet, const json_t *comparison, bool alone)
{
    const struct picture_box box = {PICTURE_LEFT, PICTURE_RIGHT, BOTTOM, alone ? TOP : LOWER_TOP};
    struct picture_plot plot = {.sheet = sheet};
    double most = 0;
    size_t count = 1;
    for (size_t side = 0; side < PAGE_MODES; side++) {
        const json_t *mode = page_modes_side(comparison, side);
        count = run_count(mode) > count ? run_count(mode) : count;
        for (size_t i = 0; i < run_count(mode); i++)
            most = fmax(most, rate_at(mode, i));
    }
    const struct picture_unit unit = picture_unit("requests/s", most, false);
    picture_box(sheet, &box);
    fprintf(sheet->out, "set xrange [0.5:%zu.5]\nset xtics %zu\n", count, count / 25 + 1);
    fprintf(sheet->out, "set ylabel 'answered, requests/s'\nset format y '%s'\n", unit.tics);
    fprintf(sheet->out, "set yrange [0:%.6g]\n", fmax(most / unit.divisor * 1.1, 1e-9));
    picture_words(sheet, &box,
                  "run of each, by turns; lines and bands: means with their intervals");
    for (size_t side = 0; side < PAGE_MODES; side++)
        put_side(&plot, comparison, side, unit.divisor);
    picture_plot_end(&plot, &box, true);
}

bool picture_modes(FILE *script, enum picture_format format, const struct page_result *result)
{
    const json_t *comparison = result->comparison;
    const json_t *modes = json_object_get(comparison, "modes");
    if (modes == NULL || run_count(page_modes_side(comparison, 0)) == 0)
        return false;
    const struct picture_sheet sheet =
        picture_open(script, format, "Latency and throughput of two modes", result);
    const bool has_times = draw_matrix(&sheet, json_object_get(modes, "latency_matrix"));
    draw_runs(&sheet, comparison, !has_times);
    picture_close(&sheet);
    return true;
}
