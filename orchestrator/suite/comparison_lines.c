/* The single runs of a row: one after another on the left, and on the right what they come to. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "orchestrator/page/gnuplot.h"
#include "orchestrator/suite/comparison_graph.h"

#define TOP 836
#define BOTTOM 96
#define MIDDLE 1130 /* between the boxes */

struct lines {
    struct picture_sheet picture;
    const struct comparison *comparison;
    const struct comparison_row *row;
    double *values[2]; /* all of them */
    struct picture_unit unit;
    double least, most; /* of what is drawn, divided */
};

static size_t drawn_of(const struct lines *lines, int side)
{
    const size_t count = lines->row->sides[side].count;
    return count < LINES_RUNS_MAX ? count : LINES_RUNS_MAX;
}

static void include(struct lines *lines, double value)
{
    if (!isfinite(value))
        return;
    lines->least = fmin(lines->least, value / lines->unit.divisor);
    lines->most = fmax(lines->most, value / lines->unit.divisor);
}

/* From the smallest to the largest of all that is drawn: from 0 on nobody would see how they vary. */
static void find_range(struct lines *lines)
{
    lines->least = INFINITY;
    lines->most = -INFINITY;
    for (int side = 0; side < 2; side++) {
        const struct comparison_side *of = &lines->row->sides[side];
        const double half = graph_half_width(lines->comparison, of);
        for (size_t i = 0; i < drawn_of(lines, side); i++)
            include(lines, lines->values[side][i]);
        if (of->count == 0)
            continue;
        include(lines, of->mean - fmax(of->deviation, isnan(half) ? 0 : half));
        include(lines, of->mean + fmax(of->deviation, isnan(half) ? 0 : half));
    }
    const double room = fmax(0.06 * (lines->most - lines->least), 1e-4 * fabs(lines->most) + 1e-12);
    lines->least -= room;
    lines->most += room;
}

static void put_values(const struct lines *lines, int side)
{
    const double divisor = lines->unit.divisor;
    const size_t count = drawn_of(lines, side);
    FILE *out = lines->picture.out;
    fprintf(out, "$runs_%d << EOD\n", side);
    for (size_t i = 0; i < count; i++)
        fprintf(out, "%zu %.9g %.4f\n", i + 1, lines->values[side][i] / divisor,
                side + 0.035 * ((double)(i * 5 % 7) - 3)); /* beside one another */
    fprintf(out, "EOD\n");
}

static void draw_runs(const struct lines *lines)
{
    const struct picture_box box = {PICTURE_LEFT, MIDDLE - 40, BOTTOM, TOP};
    const size_t most =
        drawn_of(lines, 0) > drawn_of(lines, 1) ? drawn_of(lines, 0) : drawn_of(lines, 1);
    struct picture_plot plot = {.sheet = &lines->picture};
    FILE *out = lines->picture.out;
    picture_box(&lines->picture, &box);
    picture_words(&lines->picture, &box, "run");
    fprintf(out, "set xrange [%g:%g]\nset yrange [%.9g:%.9g]\nset format y '%s'\n",
            1 - 0.03 * (double)most, (double)most * 1.03, lines->least, lines->most,
            lines->unit.tics);
    fprintf(out, "set ylabel '%s, %s'\n", record_figure_name(lines->row->figure), lines->unit.name);
    if (most <= 20)
        fprintf(out, "set xtics 1\n");
    for (int side = 0; side < 2; side++) {
        const struct comparison_side *of = &lines->row->sides[side];
        char name[100], block[20], mean[40];
        if (of->count == 0)
            continue;
        snprintf(name, sizeof name, "%.60s", lines->comparison->sets[side]->name);
        snprintf(block, sizeof block, "runs_%d", side);
        picture_curve(&plot, block, "linespoints pointtype 7", GRAPH_COLOUR(side), 1.4, name);
        snprintf(name, sizeof name, "%.60s, mean", lines->comparison->sets[side]->name);
        snprintf(mean, sizeof mean, "%.9g", of->mean / lines->unit.divisor);
        picture_function(&plot, mean, GRAPH_COLOUR(side), name);
    }
    picture_plot_end(&plot, &box, true);
}

/* The interval as a broad bar, the deviation as a thin line with ends. */
static void put_spread(const struct lines *lines, int side)
{
    const struct comparison_side *of = &lines->row->sides[side];
    const double divisor = lines->unit.divisor;
    const double half = graph_half_width(lines->comparison, of);
    FILE *out = lines->picture.out;
    if (!isnan(half))
        fprintf(out,
                "set object rectangle from first %g,%.9g to first %g,%.9g behind fillcolor rgb "
                "'%s' fillstyle solid 0.22 noborder\n",
                side - 0.3, (of->mean - half) / divisor, side + 0.3, (of->mean + half) / divisor,
                GRAPH_COLOUR(side));
    if (of->count > 1)
        fprintf(out,
                "set arrow from first %g,%.9g to first %g,%.9g heads size screen 0.004,90 front "
                "linewidth 1.2 linecolor rgb '%s'\n",
                side - 0.38, (of->mean - of->deviation) / divisor, side - 0.38,
                (of->mean + of->deviation) / divisor, GRAPH_COLOUR(side));
    fprintf(out,
            "set arrow from first %g,%.9g to first %g,%.9g nohead front linewidth 2.4 linecolor "
            "rgb '%s'\n",
            side - 0.3, of->mean / divisor, side + 0.3, of->mean / divisor, GRAPH_COLOUR(side));
}

static void draw_spread(const struct lines *lines)
{
    const struct picture_box box = {MIDDLE + 40, PICTURE_RIGHT, BOTTOM, TOP};
    FILE *out = lines->picture.out;
    const char *joint = "plot ";
    char words[200];
    picture_box(&lines->picture, &box);
    fprintf(out,
            "unset xtics\nset grid noxtics\nset xrange [-0.6:1.6]\nset yrange [%.9g:%.9g]\nset "
            "format y ''\n",
            lines->least, lines->most);
    for (int side = 0; side < 2; side++) {
        const struct comparison_side *of = &lines->row->sides[side];
        const double x = box.left + (side + 0.6) / 2.2 * (box.right - box.left);
        if (of->count == 0)
            continue;
        put_spread(lines, side);
        snprintf(words, sizeof words, "%.24s, n=%zu", lines->comparison->sets[side]->name,
                 of->count);
        picture_label(&lines->picture, x, box.bottom - 16, "center", 12, "#000000", words);
    }
    snprintf(words, sizeof words, "line: mean; area: its %.4g %% interval; bar at the left: \u03c3",
             100 * lines->comparison->wishes.confidence);
    picture_label(&lines->picture, (box.left + box.right) / 2.0, box.bottom - 43, "center", 12,
                  "#333333", words);
    for (int side = 0; side < 2; side++) {
        if (lines->row->sides[side].count == 0)
            continue;
        fprintf(out, "%s$runs_%d using 3:2 with points pointtype 6 linecolor rgb '%s' notitle",
                joint, side, GRAPH_COLOUR(side));
        joint = ", ";
    }
    fprintf(out, "\n");
}

static void put_title(char title[500], const struct comparison *comparison,
                      const struct comparison_keys *keys, const struct comparison_row *row)
{
    char name[COMPARISON_NAME_BYTES], load[COMPARISON_NAME_BYTES], answer[COMPARISON_ANSWER_BYTES];
    comparison_name_format(name, keys, row->of);
    comparison_load_format(load, row->of);
    comparison_answer_format(answer, comparison, row);
    snprintf(title, 500, "%s %s, %s of single runs: %s", name, load,
             record_figure_name(row->figure), answer);
}

enum err_code lines_write(FILE *script, enum picture_format format,
                          const struct comparison *comparison, const struct comparison_keys *keys,
                          const struct comparison_row *row, struct err *err)
{
    struct lines lines = {.comparison = comparison, .row = row};
    char title[500];
    for (int side = 0; side < 2; side++)
        lines.values[side] = calloc(row->sides[side].count + 1, sizeof(double));
    const bool made = lines.values[0] != NULL && lines.values[1] != NULL;
    if (made) {
        for (int side = 0; side < 2; side++)
            comparison_values(lines.values[side], row, side);
        lines.unit =
            record_figure_is_rate(row->figure)
                ? picture_unit("requests/s", fmax(row->sides[0].mean, row->sides[1].mean), false)
                : (struct picture_unit){1, record_figure_unit(row->figure), "%g"};
        put_title(title, comparison, keys, row);
        lines.picture = picture_open_titled(script, format, title);
        find_range(&lines);
        for (int side = 0; side < 2; side++)
            if (row->sides[side].count > 0)
                put_values(&lines, side);
        draw_runs(&lines);
        draw_spread(&lines);
        picture_close(&lines.picture);
    }
    free(lines.values[0]);
    free(lines.values[1]);
    return made ? OK : err_set(err, E_SYSTEM, "no memory for a graph");
}
