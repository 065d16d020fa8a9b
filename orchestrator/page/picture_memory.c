/* The server's memory over the phases of a scenario. */
#include <math.h>
#include <stdlib.h>

#include "orchestrator/page/gnuplot.h"
#include "orchestrator/page/picture_script.h"
#include "orchestrator/report/statistics.h"

#define TOP (PICTURE_HEIGHT - 52 - PICTURE_NAME_ROWS * PICTURE_NAME_ROW_HEIGHT)
#define FIGURE_FONT 11

static const struct {
    const char *column, *block, *title, *colour;
    double width; /* those that lie on one another are seen both */
} memory[] = {{"used_memory_rss", "rss", "RSS", PICTURE_ORANGE, 1.8},
              {"allocator_allocated", "allocated", "allocated", PICTURE_SKY, 4},
              {"used_memory", "used", "used", PICTURE_BLUE, 1.5}},
  ratios[] = {{"allocator_frag_ratio", "allocator_ratio", "allocator", PICTURE_SKY, 3},
              {"mem_fragmentation_ratio", "ratio", "RSS / used", PICTURE_ORANGE, 1.5},
              {"allocator_rss_ratio", "rss_ratio", "allocator RSS", PICTURE_PURPLE, 1.5}};
#define MEMORY (sizeof memory / sizeof memory[0])
#define RATIOS (sizeof ratios / sizeof ratios[0])

static double figure(const json_t *region, const char *name)
{
    const json_t *value = json_object_get(json_object_get(region, "figures"), name);
    return json_is_number(value) ? json_number_value(value) : NAN;
}

static double number(const json_t *object, const char *key)
{
    return json_number_value(json_object_get(object, key));
}

/* Means of phases, in those that are wide enough. */
static void put_figures(const struct picture_sheet *sheet, const struct picture_box *box)
{
    size_t i;
    const json_t *region;
    json_array_foreach(sheet->result->regions, i, region)
    {
        char used[48], ratio[48];
        const double left = picture_x(sheet, box, number(region, "start"));
        const double right = picture_x(sheet, box, number(region, "end"));
        const double mean = figure(region, "used_memory");
        const double part = figure(region, "mem_fragmentation_ratio");
        if (!isfinite(mean))
            continue;
        const struct picture_unit unit = picture_unit("bytes", mean, false);
        snprintf(used, sizeof used, "used %.3g %s", mean / unit.divisor, unit.name);
        snprintf(ratio, sizeof ratio, "frag. %.2f", part);
        if (fmax(picture_text_width(used, FIGURE_FONT), picture_text_width(ratio, FIGURE_FONT)) >
            right - left - 4)
            continue;
        picture_label(sheet, (left + right) / 2, box->top - 14, "center", FIGURE_FONT, "#333333",
                      used);
        if (isfinite(part))
            picture_label(sheet, (left + right) / 2, box->top - 30, "center", FIGURE_FONT,
                          "#333333", ratio);
    }
}

/* The line through all samples, as growth in the report. */
static void put_trend(struct picture_plot *plot, const struct page_table *samples,
                      const struct picture_unit *unit)
{
    const struct page_column *column = picture_column(samples, "used_memory");
    double *values = calloc(samples->rows + 1, sizeof *values);
    char title[80], function[80];
    for (size_t row = 0; values != NULL && column != NULL && row < samples->rows; row++)
        values[row] = (picture_low(samples, column, row) + picture_high(samples, column, row)) / 2;
    const struct statistics_line line =
        statistics_line(samples->start, values, values != NULL ? samples->rows : 0);
    free(values);
    if (!isfinite(line.slope))
        return;
    snprintf(title, sizeof title, "trend of used, %+.3g %s/min (R2 %.2f)",
             line.slope * 60 / unit->divisor, unit->name, line.r2);
    snprintf(function, sizeof function, "%.9g + %.9g * x", line.intercept / unit->divisor,
             line.slope / unit->divisor);
    picture_function(plot, function, PICTURE_BLACK, title);
}

static void draw_memory(const struct picture_sheet *sheet, const struct picture_box *box)
{
    const struct page_table *samples = &sheet->result->samples;
    struct picture_block blocks[MEMORY];
    struct picture_plot plot = {.sheet = sheet};
    double most = 1;
    for (size_t i = 0; i < MEMORY; i++)
        most = fmax(most, picture_most(samples, memory[i].column));
    const struct picture_unit unit = picture_unit("bytes", most, false);
    for (size_t i = 0; i < MEMORY; i++)
        blocks[i] = picture_block(sheet, memory[i].block, samples, memory[i].column, unit.divisor);
    picture_box(sheet, box);
    picture_time_axis(sheet, box, false);
    picture_regions(sheet, box, true);
    put_figures(sheet, box);
    fprintf(sheet->out, "set ylabel 'memory, %s'\nset yrange [0:%.6g]\nset samples 2\n", unit.name,
            most / unit.divisor * 1.16);
    for (size_t i = 0; i < MEMORY; i++)
        picture_line(&plot, &blocks[i], memory[i].colour, memory[i].width, memory[i].title);
    put_trend(&plot, samples, &unit);
    picture_plot_end(&plot, box, false);
}

/* A server that has just begun has a ratio of many: that must not make all others a line on the floor. */
static void draw_ratios(const struct picture_sheet *sheet, const struct picture_box *box,
                        bool lowest)
{
    const struct page_table *samples = &sheet->result->samples;
    struct picture_block blocks[RATIOS];
    struct picture_plot plot = {.sheet = sheet};
    double most = 0, median = INFINITY;
    const bool said = sheet->result->ratios_left_out; /* above the lines */
    for (size_t i = 0; i < RATIOS; i++) {
        blocks[i] = picture_block(sheet, ratios[i].block, samples, ratios[i].column, 1);
        most = blocks[i].any ? fmax(most, blocks[i].most) : most;
        median = fmin(median, picture_median(samples, ratios[i].column));
    }
    picture_box(sheet, box);
    picture_time_axis(sheet, box, lowest);
    picture_regions(sheet, box, false);
    if (said)
        picture_label(sheet, box->left + 6, box->top - 10, "left", FIGURE_FONT, "#333333",
                      page_ratios_left_out);
    fprintf(sheet->out, "set ylabel 'fragmentation, ratio'\n");
    if (!(most > 0))
        fprintf(sheet->out, "set yrange [0:2]\n");
    else if (most > 3 * median)
        fprintf(sheet->out,
                "set logscale y\nset ytics (0.5, 1, 1.5, 2, 3, 5, 10, 20, 50, 100)\n"
                "set yrange [*:%.6g]\n",
                most * (said ? 2 : 1));
    else if (said)
        fprintf(sheet->out, "set offsets 0, 0, graph 0.3, graph 0.05\n");
    for (size_t i = 0; i < RATIOS; i++)
        picture_line(&plot, &blocks[i], ratios[i].colour, ratios[i].width, ratios[i].title);
    picture_plot_end(&plot, box, lowest);
    fprintf(sheet->out, "unset offsets\n");
}

/* ---- how much of what was deleted came back ---- */

struct cleanup {
    double start, end, percent;
};
#define CLEANUPS_MAX 200u

static size_t find_cleanups(struct cleanup *found, const struct page_result *result)
{
    size_t count = 0, i;
    const json_t *region;
    json_array_foreach(result->regions, i, region)
    {
        const double percent = 100 * figure(region, "cleanup_efficiency");
        if (isfinite(percent) && count < CLEANUPS_MAX)
            found[count++] =
                (struct cleanup){number(region, "start"), number(region, "end"), percent};
    }
    return count;
}

/* Above a bar that is wide enough, else from its end to the left; of one below 0 below it, or from its beginning to the
 * right. Where no other number stands. */
static void put_percents(const struct picture_sheet *sheet, const struct picture_box *box,
                         const struct cleanup *bars, size_t count, double least, double most)
{
    double taken[2] = {0, 0}, taken_y[2] = {0, 0}; /* above, below */
    for (size_t i = 0; i < count; i++) {
        char text[32];
        const double left = picture_x(sheet, box, bars[i].start);
        const double right = fmax(picture_x(sheet, box, bars[i].end), left + 3);
        const bool below = round(bars[i].percent) < 0;
        const double part =
            ((below ? bars[i].percent : fmax(bars[i].percent, 0)) - least) / (most - least);
        const double y = box->bottom + part * (box->top - box->bottom) + (below ? -9 : 9);
        snprintf(text, sizeof text, "%.0f %%", round(bars[i].percent) + 0.0);
        const double width = picture_text_width(text, FIGURE_FONT);
        const double x = right - left >= width ? (left + right - width) / 2
                         : below               ? left
                                               : right - width;
        if (x < taken[below] && fabs(y - taken_y[below]) < FIGURE_FONT + 2)
            continue;
        picture_label(sheet, x + width / 2, y, "center", FIGURE_FONT, "#333333", text);
        taken[below] = x + width + 2;
        taken_y[below] = y;
    }
}

static void draw_cleanup(const struct picture_sheet *sheet, const struct picture_box *box,
                         const struct cleanup *bars, size_t count)
{
    FILE *out = sheet->out;
    double least = 0, most = 100;
    const double pixel = (sheet->end - sheet->begin) / (box->right - box->left);
    fprintf(out, "$cleanup << EOD\n");
    for (size_t i = 0; i < count; i++) {
        const double start = bars[i].start, percent = bars[i].percent;
        fprintf(out, "%.9g 0 %.9g %.9g %.7g %.7g\n", start, start,
                fmax(bars[i].end, start + 3 * pixel), fmin(percent, 0), fmax(percent, 0));
        least = fmin(least, percent);
        most = fmax(most, percent);
    }
    most *= 1.3;
    least -= least < 0 ? 0.2 * (most - least) : 0; /* room for numbers */
    fprintf(out, "EOD\n");
    picture_box(sheet, box);
    picture_time_axis(sheet, box, true);
    picture_regions(sheet, box, false);
    put_percents(sheet, box, bars, count, least, most);
    fprintf(out,
            "set ylabel 'cleaned up, %%'\nset yrange [%.6g:%.6g]\nset ytics 50\n"
            "plot $cleanup using 1:2:3:4:5:6 with boxxyerror fillstyle solid 0.8 noborder "
            "linecolor rgb '%s' notitle\n",
            least, most, PICTURE_GREEN);
}

bool picture_memory(FILE *script, enum picture_format format, const struct page_result *result)
{
    if (!(picture_most(&result->samples, "used_memory") > 0))
        return false;
    struct cleanup bars[CLEANUPS_MAX];
    const size_t bar_count = find_cleanups(bars, result);
    const bool cleanup = bar_count > 0;
    const struct picture_box upper = {PICTURE_LEFT, PICTURE_RIGHT, cleanup ? 400 : 345, TOP};
    const struct picture_box middle = {PICTURE_LEFT, PICTURE_RIGHT, cleanup ? 228 : 84,
                                       cleanup ? 362 : 305};
    const struct picture_box lower = {PICTURE_LEFT, PICTURE_RIGHT, 60, 188};
    const struct picture_sheet sheet =
        picture_open(script, format, "Memory and fragmentation", result);
    draw_memory(&sheet, &upper);
    draw_ratios(&sheet, &middle, !cleanup);
    if (cleanup)
        draw_cleanup(&sheet, &lower, bars, bar_count);
    picture_close(&sheet);
    return true;
}
