/* What goes together in a scenario: figures of the load against figures of the server, a point a sample. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "orchestrator/page/gnuplot.h"
#include "orchestrator/page/picture_script.h"

/* Points that lie on the same spot are drawn once. */
#define SPOTS_ACROSS 240u
#define SPOTS_DOWN 120u

/* CPU is told in steps of 10 ms: in less time than this, as in a page, what it grows by says little. Where a phase has just
 * begun, and the sample so long before is of another one, it is not known yet. */
#define GROWTH_SECONDS 0.2

/* A figure of a sample. grows: by how much, per second, times the factor. */
struct source {
    const char *title, *unit;
    const char *columns[2]; /* the sum of both; NULL: one */
    bool grows;
    double factor;
};
static const struct source rate = {"requests/s", "requests/s", {"ops_per_second", NULL}, false, 1};
static const struct source p99 = {"p99", "ms", {"p99_ms", NULL}, false, 1};
static const struct source used = {"memory used", "bytes", {"used_memory", NULL}, false, 1};
static const struct source ratio = {
    "fragmentation", "ratio", {"mem_fragmentation_ratio", NULL}, false, 1};
static const struct source process = {
    "CPU of the server", "percent", {"process_cpu_seconds", NULL}, true, 100};
static const struct source own = {
    "CPU of the server", "percent", {"used_cpu_sys", "used_cpu_user"}, true, 100};

static double sum_at(const struct page_table *samples, const struct source *source, size_t row)
{
    double sum = 0;
    for (size_t i = 0; i < 2 && source->columns[i] != NULL; i++) {
        const struct page_column *column = picture_column(samples, source->columns[i]);
        sum += column != NULL ? (source->grows ? picture_high(samples, column, row)
                                               : (picture_low(samples, column, row) +
                                                  picture_high(samples, column, row)) /
                                                     2)
                              : NAN;
    }
    return sum;
}

static double value_at(const struct page_table *samples, const struct source *source, size_t row)
{
    if (!source->grows)
        return sum_at(samples, source, row);
    size_t from = row;
    while (from > 0 && samples->end[row] - samples->end[from] < GROWTH_SECONDS)
        from--;
    const double seconds = samples->end[row] - samples->end[from];
    const double grown = sum_at(samples, source, row) - sum_at(samples, source, from);
    const bool near = from + 1 == row || seconds <= 2 * GROWTH_SECONDS;
    return seconds >= GROWTH_SECONDS && near && grown >= 0 ? grown / seconds * source->factor : NAN;
}

struct extent {
    double least, most;
};

/* Of rows of which both are known; other NULL: of all. */
static struct extent extent_of(const struct page_table *samples, const struct source *source,
                               const struct source *other)
{
    struct extent extent = {INFINITY, -INFINITY};
    for (size_t row = 0; row < samples->rows; row++) {
        const double value = value_at(samples, source, row);
        if (!isfinite(value) || (other != NULL && !isfinite(value_at(samples, other, row))))
            continue;
        extent.least = fmin(extent.least, value);
        extent.most = fmax(extent.most, value);
    }
    return extent;
}

static const struct source *cpu_of(const struct page_table *samples)
{
    return extent_of(samples, &process, NULL).most > 0 ? &process : &own;
}

/* ---- a box of points ---- */

struct cloud {
    const struct picture_sheet *sheet;
    const struct source *x, *y;
    struct extent across, up;
    struct picture_unit across_unit, up_unit;
    bool logarithmic; /* up */
};

static size_t spot(const struct extent *extent, double value, size_t spots)
{
    const double part = (value - extent->least) / (extent->most - extent->least + 1e-300);
    return (size_t)(fmin(fmax(part, 0), 1) * (double)(spots - 1));
}

static bool put_points(const struct cloud *cloud, const struct picture_types *types, uint32_t type)
{
    const struct page_table *samples = &cloud->sheet->result->samples;
    bool *seen = calloc((size_t)SPOTS_ACROSS * SPOTS_DOWN, sizeof *seen), any = false;
    for (size_t row = 0; seen != NULL && row < samples->rows; row++) {
        const double x = value_at(samples, cloud->x, row), y = value_at(samples, cloud->y, row);
        if (!isfinite(x) || !isfinite(y) || (cloud->logarithmic && y <= 0) ||
            picture_type_at(cloud->sheet->result, types, samples->start[row]) != type)
            continue;
        const struct extent up = {log(cloud->up.least), log(cloud->up.most)};
        const size_t at =
            spot(&cloud->across, x, SPOTS_ACROSS) * SPOTS_DOWN +
            (cloud->logarithmic ? spot(&up, log(y), SPOTS_DOWN) : spot(&cloud->up, y, SPOTS_DOWN));
        if (seen[at])
            continue;
        seen[at] = true;
        if (!any)
            fprintf(cloud->sheet->out, "$points%u << EOD\n", type);
        any = true;
        fprintf(cloud->sheet->out, "%.7g %.7g\n", x / cloud->across_unit.divisor,
                y / cloud->up_unit.divisor);
    }
    if (any)
        fprintf(cloud->sheet->out, "EOD\n");
    free(seen);
    return any;
}

static void put_axis(const struct picture_sheet *sheet, const struct picture_box *box, char axis,
                     const struct source *source, const struct picture_unit *unit, bool logarithmic)
{
    char words[120];
    const bool same = strcmp(source->title, unit->name) == 0;
    snprintf(words, sizeof words, "%s%s%s%s", source->title, same ? "" : ", ",
             same ? "" : unit->name, logarithmic ? " (logarithmic)" : "");
    if (axis == 'x')
        picture_words(sheet, box, words);
    else
        fprintf(sheet->out, "set ylabel '%s'\n", words);
    fprintf(sheet->out, "set format %c '%s'\n", axis, unit->tics);
}

/* With some room around the points, but none below 0 where nothing is. */
static void put_range(const struct picture_sheet *sheet, char axis, const struct extent *extent,
                      const struct picture_unit *unit, bool logarithmic)
{
    const double least = extent->least / unit->divisor, most = extent->most / unit->divisor;
    const double room = fmax((most - least) * 0.05, fabs(most) * 0.01);
    if (!(most >= least))
        return;
    if (logarithmic)
        picture_log_axis(sheet, axis, extent->least * 0.7, extent->most * 1.5, unit);
    else
        fprintf(sheet->out, "set %crange [%.6g:%.6g]\n", axis,
                least >= 0 ? fmax(least - room, 0) : least - room, most + room + 1e-9);
}

static void draw_cloud(const struct picture_sheet *sheet, const struct picture_box *box,
                       const struct picture_types *types, const struct source *y,
                       const struct source *x)
{
    const struct page_table *samples = &sheet->result->samples;
    struct cloud cloud = {
        sheet,       x,           y,    extent_of(samples, x, y), extent_of(samples, y, x),
        {1, "", ""}, {1, "", ""}, false};
    struct picture_plot plot = {.sheet = sheet};
    bool any[PICTURE_TYPES_MAX + 1];
    cloud.logarithmic = strcmp(y->unit, "ms") == 0 && cloud.up.least > 0 &&
                        cloud.up.most > 50 * picture_median(samples, y->columns[0]);
    cloud.across_unit = picture_unit(x->unit, cloud.across.most, false);
    cloud.up_unit = picture_unit(y->unit, cloud.up.most, cloud.logarithmic);
    for (uint32_t type = 0; type <= PICTURE_TYPES_MAX; type++)
        any[type] =
            (type < types->count || type == PICTURE_TYPES_MAX) && put_points(&cloud, types, type);
    picture_box(sheet, box);
    put_range(sheet, 'x', &cloud.across, &cloud.across_unit, false);
    put_range(sheet, 'y', &cloud.up, &cloud.up_unit, cloud.logarithmic);
    put_axis(sheet, box, 'x', x, &cloud.across_unit, false);
    put_axis(sheet, box, 'y', y, &cloud.up_unit, cloud.logarithmic);
    for (uint32_t type = 0; type <= PICTURE_TYPES_MAX; type++) {
        char name[32];
        snprintf(name, sizeof name, "points%u", type);
        if (any[type])
            picture_curve(&plot, name, "points pointtype 7 pointsize 0.6",
                          picture_type_colour(type), 1, NULL);
    }
    if (plot.count == 0)
        fprintf(sheet->out, "set xrange [0:1]\nset yrange [0:1]\nunset tics\n"
                            "set label 'not measured' at graph 0.5, 0.5 center\n");
    picture_plot_end(&plot, box, true);
    fprintf(sheet->out, "set tics\n");
}

/* ---- the timeline, whose key tells the colours ---- */

static void draw_timeline(const struct picture_sheet *sheet, const struct picture_box *box,
                          const struct picture_types *types)
{
    FILE *out = sheet->out;
    const struct page_result *result = sheet->result;
    const bool loaded = picture_most(&result->load, "rate.achieved") > 0;
    const struct page_table *table = loaded ? &result->load : &result->samples;
    const char *column = loaded ? "rate.achieved" : "ops_per_second";
    const double most = picture_most(table, column);
    const struct picture_unit unit = picture_unit("requests/s", most, false);
    const struct picture_block block = picture_block(sheet, "ops", table, column, unit.divisor);
    struct picture_plot plot = {.sheet = sheet};
    picture_box(sheet, box);
    picture_time_axis(sheet, box, true);
    picture_regions(sheet, box, true);
    fprintf(out, "set ylabel '%s'\nset format y '%s'\nset yrange [0:%.6g]\n", unit.name, unit.tics,
            fmax(most / unit.divisor * 1.1, 1e-9));
    picture_line(&plot, &block, PICTURE_GREEN, 1.5, "requests/s");
    for (uint32_t type = 0; type < types->count; type++)
        picture_key(&plot, PICTURE_SIGN_DOT, picture_type_colour(type), types->names[type]);
    picture_plot_end(&plot, box, true);
}

bool picture_correlation(FILE *script, enum picture_format format, const struct page_result *result)
{
    const struct page_table *samples = &result->samples;
    if (samples->rows == 0 || !(extent_of(samples, &rate, NULL).most > 0))
        return false;
    const struct picture_types types = picture_types(result);
    const struct picture_sheet sheet = picture_open(script, format, "Load against server", result);
    const int middle = (PICTURE_LEFT + PICTURE_RIGHT) / 2;
    const struct picture_box boxes[] = {{PICTURE_LEFT, middle - 32, 655, 848},
                                        {middle + 62, PICTURE_RIGHT, 655, 848},
                                        {PICTURE_LEFT, middle - 32, 395, 588},
                                        {middle + 62, PICTURE_RIGHT, 395, 588}};
    const struct picture_box timeline = {PICTURE_LEFT, PICTURE_RIGHT, 84, 256};
    draw_cloud(&sheet, &boxes[0], &types, &rate, &used);
    draw_cloud(&sheet, &boxes[1], &types, &p99, &used);
    draw_cloud(&sheet, &boxes[2], &types, &p99, cpu_of(samples));
    draw_cloud(&sheet, &boxes[3], &types, &ratio, &rate);
    draw_timeline(&sheet, &timeline, &types);
    picture_close(&sheet);
    return true;
}
