/* Pictures of runs: times of requests, how many there were, and how their times are distributed. */
#include <math.h>
#include <string.h>

#include "orchestrator/page/gnuplot.h"
#include "orchestrator/page/picture_script.h"

/* Room for the title and for names below it. */
#define TOP (PICTURE_HEIGHT - 52 - PICTURE_NAME_ROWS * PICTURE_NAME_ROW_HEIGHT)
#define BOTTOM 88 /* for clock, words and key */

/* ---- latency ---- */

static const struct {
    const char *column, *block, *title, *colour;
    double width; /* those that lie on one another are seen all */
} percentiles[] = {{"max", "max", "max", PICTURE_PURPLE, 3.6},
                   {"p99_9", "p99_9", "p99.9", PICTURE_ORANGE, 1.2},
                   {"p99", "p99", "p99", PICTURE_VERMILION, 1.8},
                   {"p95", "p95", "p95", PICTURE_SKY, 1.2},
                   {"p50", "p50", "p50", PICTURE_BLUE, 1.8}};
#define PERCENTILES (sizeof percentiles / sizeof percentiles[0])

/* Further than 50 times apart: on a linear axis the median would lie on the floor. */
static bool is_logarithmic(const struct page_table *load)
{
    return picture_most(load, "response_time_us.max") >
           50 * picture_median(load, "response_time_us.p50");
}

bool picture_latency(FILE *script, enum picture_format format, const struct page_result *result)
{
    const struct page_table *load = &result->load;
    const double most = picture_most(load, "response_time_us.max");
    const struct picture_box box = {PICTURE_LEFT, PICTURE_RIGHT, BOTTOM, TOP};
    const bool logarithmic = is_logarithmic(load);
    const struct picture_unit unit = picture_unit("us", most, logarithmic);
    struct picture_block blocks[PERCENTILES];
    struct picture_plot plot = {.sheet = NULL};
    double least = INFINITY;
    bool any = false;
    const struct picture_sheet sheet = picture_open(script, format, "Response time", result);
    plot.sheet = &sheet;
    for (size_t i = 0; i < PERCENTILES; i++) {
        char name[PAGE_COLUMN_BYTES];
        snprintf(name, sizeof name, "response_time_us.%s", percentiles[i].column);
        blocks[i] = picture_block(&sheet, percentiles[i].block, load, name, unit.divisor);
        any |= blocks[i].any || blocks[i].open;
        if (blocks[i].any || blocks[i].open)
            least = fmin(least, blocks[i].least);
    }
    if (!any)
        return false;
    picture_box(&sheet, &box);
    picture_time_axis(&sheet, &box, true);
    picture_regions(&sheet, &box, true);
    fprintf(script, "set ylabel 'response time, %s%s'\n", unit.name,
            logarithmic ? " (logarithmic)" : "");
    if (logarithmic)
        picture_log_axis(&sheet, 'y', fmax(least * unit.divisor, most / 1e8) * 0.8, most * 1.5,
                         &unit);
    else
        fprintf(script, "set yrange [0:%.6g]\n", fmax(most / unit.divisor * 1.08, 1e-9));
    for (size_t i = 0; i < PERCENTILES; i++)
        picture_line(&plot, &blocks[i], percentiles[i].colour, percentiles[i].width,
                     percentiles[i].title);
    picture_plot_end(&plot, &box, true);
    picture_close(&sheet);
    return true;
}

/* ---- throughput ---- */

static const struct {
    const char *column, *block, *title, *colour;
} failures[] = {{"requests.errors", "errors", "errors", PICTURE_BLACK},
                {"requests.timed_out", "timed_out", "timed out", PICTURE_ORANGE},
                {"requests.lost", "lost", "lost", PICTURE_VERMILION},
                {"requests.shed", "shed", "shed", PICTURE_GREY}};
#define FAILURES (sizeof failures / sizeof failures[0])

static bool failed_in(const struct page_table *load, size_t row)
{
    for (size_t i = 0; i < FAILURES; i++) {
        const struct page_column *column = picture_column(load, failures[i].column);
        if (column != NULL && picture_high(load, column, row) > 0)
            return true;
    }
    return false;
}

/* Intervals in which something failed, neighbours as one. */
static void tint_failures(const struct picture_sheet *sheet)
{
    const struct page_table *load = &sheet->result->load;
    const double pixel = (sheet->end - sheet->begin) / (PICTURE_RIGHT - PICTURE_LEFT);
    for (size_t row = 0; row < load->rows; row++) {
        if (!failed_in(load, row))
            continue;
        const double start = load->start[row];
        while (row + 1 < load->rows &&
               (failed_in(load, row + 1) || load->end[row + 1] - load->end[row] < 2 * pixel))
            row++;
        fprintf(sheet->out,
                "set object rectangle from first %.9g, graph 0 to first %.9g, graph 1 behind "
                "fillcolor rgb '" PICTURE_VERMILION "' fillstyle solid 0.10 noborder\n",
                start, fmax(load->end[row], start + 2 * pixel));
    }
}

static void draw_failures(const struct picture_sheet *sheet, const struct picture_box *box,
                          const struct picture_block *blocks, double divisor)
{
    struct picture_plot plot = {.sheet = sheet};
    picture_box(sheet, box);
    picture_time_axis(sheet, box, true);
    picture_regions(sheet, box, false);
    fprintf(sheet->out, "set ylabel 'failed, requests/s'\nset yrange [0:*]\n");
    if (divisor > 1)
        fprintf(sheet->out, "set format y '%s'\n", divisor > 1e3 ? "%gM" : "%gk");
    for (size_t i = 0; i < FAILURES; i++)
        if (blocks[i].any)
            picture_line(&plot, &blocks[i], failures[i].colour, 1.5, failures[i].title);
    picture_plot_end(&plot, box, true);
}

bool picture_throughput(FILE *script, enum picture_format format, const struct page_result *result)
{
    const struct page_table *load = &result->load;
    const double target_most = picture_most(load, "rate.target");
    const double most = fmax(picture_most(load, "rate.achieved"), target_most);
    const struct picture_unit unit = picture_unit("requests/s", most, false);
    struct picture_block failed[FAILURES];
    struct picture_plot plot = {.sheet = NULL};
    double failed_most = 0;
    if (load->rows == 0 || !isfinite(most))
        return false;
    const struct picture_sheet sheet = picture_open(script, format, "Requests per second", result);
    plot.sheet = &sheet;
    for (size_t i = 0; i < FAILURES; i++) {
        const double value = picture_most(load, failures[i].column);
        failed_most = value > failed_most ? value : failed_most;
    }
    const struct picture_unit failed_unit = picture_unit("requests/s", failed_most, false);
    for (size_t i = 0; i < FAILURES; i++) {
        failed[i] = (struct picture_block){.any = false};
        if (picture_most(load, failures[i].column) > 0)
            failed[i] = picture_block(&sheet, failures[i].block, load, failures[i].column,
                                      failed_unit.divisor);
    }
    const struct picture_block target =
        picture_block(&sheet, "target", load, "rate.target", unit.divisor);
    const struct picture_block achieved =
        picture_block(&sheet, "achieved", load, "rate.achieved", unit.divisor);
    const bool both = failed_most > 0;
    const struct picture_box box = {PICTURE_LEFT, PICTURE_RIGHT, both ? 320 : BOTTOM, TOP};
    picture_box(&sheet, &box);
    picture_time_axis(&sheet, &box, !both);
    picture_regions(&sheet, &box, true);
    tint_failures(&sheet);
    fprintf(script, "set ylabel '%s'\nset format y '%s'\nset yrange [0:%.6g]\n", unit.name,
            unit.tics, fmax(most / unit.divisor * 1.08, 1e-9));
    if (target_most > 0)
        picture_line(&plot, &target, PICTURE_GREY, 1.2, "target");
    picture_line(&plot, &achieved, PICTURE_GREEN, 1.8, "achieved");
    picture_plot_end(&plot, &box, !both);
    if (both) {
        const struct picture_box below = {PICTURE_LEFT, PICTURE_RIGHT, BOTTOM, 278};
        draw_failures(&sheet, &below, failed, failed_unit.divisor);
    }
    picture_close(&sheet);
    return true;
}

/* ---- percentiles ---- */

#define CURVES_MAX 5u

/* x: halvings of the distance to 100 %, of which 90, 99, 99.9 are evenly spaced. */
static double nines(double percent)
{
    return -log10(1 - percent / 100);
}

static bool put_curve(FILE *script, const char *block, size_t number, const json_t *points,
                      double divisor, double *furthest)
{
    size_t i;
    const json_t *point;
    if (json_array_size(points) < 2)
        return false;
    fprintf(script, "$%s%zu << EOD\n", block, number);
    json_array_foreach(points, i, point)
    {
        const double percent = json_number_value(json_array_get(point, 0));
        const double us = json_number_value(json_array_get(point, 1));
        if (us < 0 || percent >= 100)
            continue; /* only a bound is known */
        fprintf(script, "%.7g %.7g\n", nines(percent), us / divisor);
        *furthest = fmax(*furthest, nines(percent));
    }
    fprintf(script, "EOD\n");
    return true;
}

static void put_extent(const json_t *points, double *least, double *most)
{
    size_t i;
    const json_t *point;
    json_array_foreach(points, i, point)
    {
        const double us = json_number_value(json_array_get(point, 1));
        if (us <= 0)
            continue;
        *least = fmin(*least, us);
        *most = fmax(*most, us);
    }
}

static void add_curve(struct picture_plot *plot, const char *block, size_t number, bool dashed,
                      const char *colour, const char *of, bool several)
{
    char name[40], title[120];
    snprintf(name, sizeof name, "%s%zu", block, number);
    snprintf(title, sizeof title, "%.60s%s%s", several ? of : "", several ? ", " : "", block);
    picture_curve(plot, name, dashed ? "lines dashtype 2" : "lines", colour, 2, title);
}

/* A prefill has none, unless nothing else was asked for. */
static size_t spectra_of(const json_t **found, const struct page_result *result)
{
    size_t count = 0, i;
    const json_t *spectrum;
    json_array_foreach(result->spectra, i, spectrum)
    {
        if (count < CURVES_MAX &&
            json_array_size(json_object_get(spectrum, "service_time_us")) >= 2)
            found[count++] = spectrum;
    }
    return count;
}

static void nines_axis(FILE *script, double furthest)
{
    const int last = (int)ceil(fmax(furthest, 2));
    fprintf(script, "set xrange [0:%d]\nset xtics ('0' 0, '50' 0.30103", last);
    for (int i = 1; i <= last; i++) {
        fprintf(script, ", '");
        fprintf(script, i == 1 ? "90" : "99");
        for (int k = 2; k < i; k++)
            fprintf(script, "%s9", k == 2 ? "." : "");
        fprintf(script, "' %d", i);
    }
    fprintf(script, ")\n");
}

bool picture_percentiles(FILE *script, enum picture_format format, const struct page_result *result)
{
    const json_t *spectra[CURVES_MAX];
    const size_t count = spectra_of(spectra, result);
    double least = INFINITY, most = 0, furthest = 0;
    struct picture_plot plot = {.sheet = NULL};
    const struct picture_box box = {PICTURE_LEFT, PICTURE_RIGHT, BOTTOM, PICTURE_HEIGHT - 60};
    static const char *const blocks[] = {"response", "service"};
    static const char *const members[] = {"response_time_us", "service_time_us"};
    bool there[CURVES_MAX][2];
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < 2; k++)
            put_extent(json_object_get(spectra[i], members[k]), &least, &most);
    if (count == 0 || most <= 0)
        return false;
    const bool logarithmic = most > 50 * least;
    const struct picture_unit unit = picture_unit("us", most, logarithmic);
    const struct picture_sheet sheet = picture_open(script, format, "Percentiles", result);
    plot.sheet = &sheet;
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < 2; k++)
            there[i][k] = put_curve(script, blocks[k], i, json_object_get(spectra[i], members[k]),
                                    unit.divisor, &furthest);
    picture_box(&sheet, &box);
    nines_axis(script, furthest);
    picture_words(&sheet, &box, "percentile, %");
    fprintf(script, "set ylabel 'time, %s%s'\n", unit.name, logarithmic ? " (logarithmic)" : "");
    if (logarithmic)
        picture_log_axis(&sheet, 'y', fmax(least, most / 1e8) * 0.8, most * 1.3, &unit);
    else
        fprintf(script, "set yrange [0:%.6g]\n", most / unit.divisor * 1.08);
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < 2; k++)
            if (there[i][k])
                add_curve(&plot, blocks[k], i, k == 1 && there[i][0],
                          count > 1                ? picture_type_colour((uint32_t)i)
                          : k == 0 || !there[i][0] ? PICTURE_BLUE
                                                   : PICTURE_GREY,
                          json_string_value(json_object_get(spectra[i], "name")), count > 1);
    picture_plot_end(&plot, &box, true);
    picture_close(&sheet);
    return true;
}
