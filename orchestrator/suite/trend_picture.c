/* A configuration from commit to commit, as a script for gnuplot. */
#include "orchestrator/suite/trend_picture.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "orchestrator/page/gnuplot.h"
#include "orchestrator/page/picture_script.h"

#define TOP 830
#define BOTTOM 96
#define DATES_MAX 12u

struct drawing {
    struct picture_sheet sheet;
    const struct trend *trend;
    const struct trend_series *series;
    struct picture_box box;
    struct picture_unit unit;
    double least, most; /* of what is drawn, divided */
};

static void find_range(struct drawing *drawing)
{
    double least = INFINITY, most = -INFINITY;
    for (size_t i = 0; i < drawing->series->count; i++) {
        const struct trend_commit *commit = &drawing->series->commits[i];
        least = fmin(least, commit->mean - commit->deviation);
        most = fmax(most, commit->mean + commit->deviation);
    }
    const double divisor = drawing->unit.divisor;
    const double room = fmax(0.06 * (most - least), 1e-4 * fabs(most) + 1e-12);
    drawing->least = (least - room) / divisor;
    drawing->most = (most + room) / divisor;
}

static void put_data(const struct drawing *drawing)
{
    FILE *out = drawing->sheet.out;
    fprintf(out, "$commits << EOD\n");
    for (size_t i = 0; i < drawing->series->count; i++) {
        const struct trend_commit *commit = &drawing->series->commits[i];
        fprintf(out, "%zu %.9g\n", i + 1, commit->mean / drawing->unit.divisor);
    }
    fprintf(out, "EOD\n$spreads << EOD\n");
    for (size_t i = 0; i < drawing->series->count; i++) {
        const struct trend_commit *commit = &drawing->series->commits[i];
        if (commit->deviation > 0) /* an empty line between two strokes */
            fprintf(out, "%zu %.9g\n%zu %.9g\n\n", i + 1,
                    (commit->mean - commit->deviation) / drawing->unit.divisor, i + 1,
                    (commit->mean + commit->deviation) / drawing->unit.divisor);
    }
    fprintf(out, "EOD\n");
}

/* Dates are digits and signs of our own making (store_time), and so no formats. */
static void put_dates(const struct drawing *drawing)
{
    FILE *out = drawing->sheet.out;
    const size_t count = drawing->series->count;
    const size_t step = count > DATES_MAX ? (count + DATES_MAX - 1) / DATES_MAX : 1;
    fprintf(out, "set xtics (");
    for (size_t i = 0; i < count; i += step)
        fprintf(out, "%s'%.10s' %zu", i > 0 ? ", " : "", drawing->series->commits[i].time, i + 1);
    fprintf(out, ")\n");
}

static double level_of(const struct trend_series *series, size_t level)
{
    return level == 0 ? series->changes.items[0].before : series->changes.items[level - 1].after;
}

/* A line for each level, and a dashed one where it ends. */
static void put_levels(const struct drawing *drawing)
{
    const struct trend_series *series = drawing->series;
    FILE *out = drawing->sheet.out;
    for (size_t i = 0; i <= series->changes.count && series->changes.count > 0; i++) {
        const size_t begin = i == 0 ? 0 : series->changes.items[i - 1].place;
        const size_t end =
            i == series->changes.count ? series->count : series->changes.items[i].place;
        const double level = level_of(series, i) / drawing->unit.divisor;
        fprintf(out,
                "set arrow from first %zu,%.9g to first %zu,%.9g nohead front linewidth 1.6 "
                "linecolor rgb '" PICTURE_BLACK "'\n",
                begin + 1, level, end, level);
    }
    for (size_t i = 0; i < series->changes.count; i++) {
        const struct change_point *point = &series->changes.items[i];
        const bool worse = trend_is_worse(drawing->trend, point);
        const double x = (double)point->place + 0.5;
        char words[60];
        fprintf(out,
                "set arrow from first %g,graph 0 to first %g,graph 1 nohead back dashtype 2 "
                "linewidth 1.4 linecolor rgb '%s'\n",
                x, x, worse ? PICTURE_VERMILION : PICTURE_GREEN);
        snprintf(words, sizeof words, "%s by %.1f %%", worse ? "worse" : "better",
                 100 * fabs(trend_change(point)));
        const double part = (x - 0.5) / fmax(1, (double)series->count);
        picture_label(&drawing->sheet,
                      drawing->box.left + part * (drawing->box.right - drawing->box.left), TOP + 12,
                      part > 0.9   ? "right"
                      : part < 0.1 ? "left"
                                   : "center",
                      12, worse ? PICTURE_VERMILION : PICTURE_GREEN, words);
    }
}

static struct picture_unit unit_of(const char *metric, double most)
{
    const size_t bytes = strlen(metric);
    if (strcmp(metric, "rps") == 0)
        return picture_unit("requests/s", most, false);
    return (struct picture_unit){1, bytes > 3 && strcmp(metric + bytes - 3, "_ms") == 0 ? "ms" : "",
                                 "%g"};
}

static void write_script(FILE *script, enum picture_format format, const struct trend *trend,
                         const struct trend_series *series, const struct trend_wishes *wishes)
{
    char title[500];
    double most = 0;
    bool spread = false;
    for (size_t i = 0; i < series->count; i++) {
        most = fmax(most, series->commits[i].most);
        spread = spread || series->commits[i].deviation > 0;
    }
    snprintf(title, sizeof title, "%.60s %.300s: %.60s from commit to commit", series->command,
             series->configuration, wishes->metric);
    struct drawing drawing = {.sheet = picture_open_titled(script, format, title),
                              .trend = trend,
                              .series = series,
                              .box = {PICTURE_LEFT, PICTURE_RIGHT, BOTTOM, TOP},
                              .unit = unit_of(wishes->metric, most)};
    struct picture_plot plot = {.sheet = &drawing.sheet};
    find_range(&drawing);
    put_data(&drawing);
    picture_box(&drawing.sheet, &drawing.box);
    picture_words(&drawing.sheet, &drawing.box, "commits, by date");
    fprintf(script, "set xrange [0.5:%g]\nset yrange [%.9g:%.9g]\nset format y '%s'\n",
            (double)series->count + 0.5, drawing.least, drawing.most, drawing.unit.tics);
    fprintf(script, "set ylabel '%s'\n", drawing.unit.name);
    put_dates(&drawing);
    put_levels(&drawing);
    if (spread)
        picture_curve(&plot, "spreads", "lines", PICTURE_SKY, 1, "\xcf\x83 of the runs");
    picture_curve(&plot, "commits", "linespoints pointtype 7 pointsize 0.7", PICTURE_BLUE, 1,
                  "mean of a commit");
    if (series->changes.count > 0)
        picture_key(&plot, PICTURE_SIGN_LINE, PICTURE_BLACK, "median of a level");
    picture_plot_end(&plot, &drawing.box, true);
    picture_close(&drawing.sheet);
}

enum err_code trend_draw(size_t *drawn, const struct trend *trend,
                         const struct trend_wishes *wishes, enum picture_format format,
                         const char *directory, struct err *err)
{
    enum err_code code = OK;
    for (*drawn = 0; *drawn < trend->count && *drawn < TREND_PICTURES_MAX && code == OK;
         (*drawn)++) {
        const struct trend_series *series = &trend->series[*drawn];
        char path[PICTURE_PATH_BYTES], command[40];
        size_t bytes = 0;
        for (; series->command[bytes] != '\0' && bytes + 1 < sizeof command; bytes++)
            command[bytes] =
                isalnum((unsigned char)series->command[bytes]) ? series->command[bytes] : '_';
        command[bytes] = '\0';
        FILE *script = gnuplot_script_open();
        if (script == NULL)
            return err_set(err, E_SYSTEM, "no file for a script of gnuplot");
        write_script(script, format, trend, series, wishes);
        if ((size_t)snprintf(path, sizeof path, "%s/history_%s_%zu.%s", directory, command,
                             *drawn + 1, format == PICTURE_PNG ? "png" : "svg") >= sizeof path)
            code = err_set(err, E_USAGE, "the path of a picture is too long");
        else
            code = gnuplot_draw(script, path, OUTPUT_OWN, err);
        fclose(script);
    }
    return code;
}
