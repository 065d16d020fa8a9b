/* The picture of a search or a sweep: times against load, with what was found, and below them what was answered of it. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/schedule.h"
#include "orchestrator/options/rate_text.h"
#include "orchestrator/page/gnuplot.h"
#include "orchestrator/page/page_curve.h"
#include "orchestrator/page/picture_script.h"

#define TOP (PICTURE_HEIGHT - 84) /* room for the title and the names of lines */
#define MIDDLE 352
#define LOWER_TOP 262
#define BOTTOM 88
#define LOADS_NAMED 16u
#define FAR_APART 20.0 /* loads: beyond that their axis is logarithmic */

static const struct {
    const char *statistic, *colour, *title;
    double width; /* those that lie on one another are seen all */
} times[] = {{"max", PICTURE_PURPLE, "max", 3.6},     {"p99_99", PICTURE_BLACK, "p99.99", 1.2},
             {"p99_9", PICTURE_ORANGE, "p99.9", 1.2}, {"p99", PICTURE_VERMILION, "p99", 1.8},
             {"p95", PICTURE_SKY, "p95", 1.2},        {"p90", PICTURE_GREEN, "p90", 1.2},
             {"p50", PICTURE_BLUE, "p50", 1.8}};
#define TIMES (sizeof times / sizeof times[0])

static bool is(const json_t *point, const char *outcome)
{
    return strcmp(page_curve_text(point, "outcome"), outcome) == 0;
}

/* ---- points of one figure ---- */

struct dot {
    double load, value; /* value below 0: at least so much */
    const json_t *point;
};

struct dots {
    struct dot *list; /* by load, then by value */
    size_t count;
    double least, most; /* of their sizes, least of those above 0 */
    bool zero;          /* one of them is 0 */
};

static int by_load(const void *a, const void *b)
{
    const struct dot *x = a, *y = b;
    if (x->load > y->load || x->load < y->load)
        return x->load > y->load ? 1 : -1;
    return (fabs(x->value) > fabs(y->value)) - (fabs(x->value) < fabs(y->value));
}

/* Without memory there are none. The caller frees the list. */
static struct dots dots_of(const json_t *curve, const char *figure)
{
    size_t i;
    const json_t *point, *points = json_object_get(curve, "points");
    struct dots dots = {calloc(json_array_size(points) + 1, sizeof *dots.list), 0, INFINITY, 0,
                        false};
    json_array_foreach(points, i, point)
    {
        const double value = page_curve_number(point, figure);
        if (dots.list == NULL || !isfinite(value))
            continue;
        dots.list[dots.count++] = (struct dot){page_curve_real(point, "load"), value, point};
        dots.least = value != 0 ? fmin(dots.least, fabs(value)) : dots.least;
        dots.most = fmax(dots.most, fabs(value));
        dots.zero |= !(fabs(value) > 0);
    }
    if (dots.count > 1)
        qsort(dots.list, dots.count, sizeof *dots.list, by_load);
    return dots;
}

static double median(double *values, size_t count)
{
    return count % 2 == 1 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

/* A line through the middle of what was judged at each load; of which only a bound is known, there is a gap. */
static void put_middle(FILE *out, const char *block, const struct dots *dots, double divisor)
{
    double *values = calloc(dots->count + 1, sizeof *values);
    fprintf(out, "$%s << EOD\n", block);
    for (size_t i = 0; values != NULL && i < dots->count;) {
        const double load = dots->list[i].load;
        size_t count = 0, open = 0;
        for (; i < dots->count && !(dots->list[i].load > load); i++) {
            if (is(dots->list[i].point, "not judged"))
                continue;
            open += dots->list[i].value < 0;
            values[count++] = fabs(dots->list[i].value);
        }
        if (count > 0 && 2 * open <= count)
            fprintf(out, "%.9g %.7g\n", load, median(values, count) / divisor);
        else if (open > 0)
            fputc('\n', out);
    }
    fprintf(out, "EOD\n");
    free(values);
}

/* How the signs tell what came of a point, apart from colour. */
static const struct {
    const char *outcome, *suffix, *style, *title;
    enum picture_sign sign;
} signs[] = {
    {"held", "held", "points pointtype 7 pointsize 0.9", "held", PICTURE_SIGN_DOT},
    {"measured", "measured", "points pointtype 7 pointsize 0.9", "measured", PICTURE_SIGN_DOT},
    {"not held", "failed", "points pointtype 2 pointsize 1.1", "not held", PICTURE_SIGN_CROSS},
    {"not judged", "unjudged", "points pointtype 6 pointsize 1", "not judged", PICTURE_SIGN_RING},
    {NULL, "open", "points pointtype 8 pointsize 1.1", "at least so much", PICTURE_SIGN_OPEN}};
#define SIGNS (sizeof signs / sizeof signs[0])

static bool has_sign(const struct dot *dot, size_t sign)
{
    return signs[sign].outcome == NULL ? dot->value < 0
                                       : dot->value >= 0 && is(dot->point, signs[sign].outcome);
}

/* Writes the blocks of a figure, and draws them. seen: signs that there are. */
static void put_dots(struct picture_plot *plot, const char *block, const struct dots *dots,
                     double divisor, const char *colour, double width, const char *title,
                     bool seen[SIGNS])
{
    FILE *out = plot->sheet->out;
    put_middle(out, block, dots, divisor);
    picture_curve(plot, block, "lines", colour, width, title);
    for (size_t s = 0; s < SIGNS; s++) {
        char name[64];
        bool any = false;
        snprintf(name, sizeof name, "%s_%s", block, signs[s].suffix);
        for (size_t i = 0; i < dots->count; i++) {
            if (!has_sign(&dots->list[i], s))
                continue;
            if (!any)
                fprintf(out, "$%s << EOD\n", name);
            any = true;
            fprintf(out, "%.9g %.7g\n", dots->list[i].load, fabs(dots->list[i].value) / divisor);
        }
        if (!any)
            continue;
        fprintf(out, "EOD\n");
        picture_curve(plot, name, signs[s].style, colour, 1.4, NULL);
        seen[s] = true;
    }
}

/* ---- axes, and what was found ---- */

struct loads {
    double least, most;
    bool logarithmic;
    struct picture_unit unit;
};

static struct loads loads_of(const json_t *curve)
{
    size_t i;
    const json_t *point;
    struct loads loads = {.least = INFINITY, .most = 0};
    json_array_foreach(json_object_get(curve, "points"), i, point)
    {
        const double load = page_curve_real(point, "load");
        loads.least = fmin(loads.least, load > 0 ? load : loads.least);
        loads.most = fmax(loads.most, load);
    }
    loads.logarithmic = loads.most > FAR_APART * loads.least;
    loads.unit = picture_unit("requests/s", loads.most, false);
    return loads;
}

/* Each load itself. */
static void put_loads(FILE *out, const json_t *curve)
{
    const json_t *points = json_object_get(curve, "points"), *point;
    char text[PICTURE_NUMBER_BYTES];
    size_t i;
    fprintf(out, "set xtics (");
    json_array_foreach(points, i, point)
    {
        const double load = page_curve_real(point, "load");
        fprintf(out, "%s'%s' %.9g", i > 0 ? ", " : "", picture_short_number(text, load), load);
    }
    fprintf(out, ")\n");
}

/* About nine, evenly. */
static void put_even_tics(FILE *out, double from, double to)
{
    static const double steps[] = {1, 2, 5, 10};
    const double power = pow(10, floor(log10((to - from) / 9)));
    char text[PICTURE_NUMBER_BYTES];
    size_t i = 0;
    unsigned count = 0;
    while (i < 3 && steps[i] * power * 9 < to - from)
        i++;
    const double step = steps[i] * power;
    fprintf(out, "set xtics (");
    for (int at = (int)ceil(from / step); at * step <= to; at++)
        fprintf(out, "%s'%s' %.9g", count++ > 0 ? ", " : "", picture_short_number(text, at * step),
                at * step);
    fprintf(out, ")\n");
}

static void load_axis(const struct picture_sheet *sheet, const json_t *curve,
                      const struct loads *loads)
{
    const double room = (loads->most - loads->least) * 0.04;
    const double from = fmax(0, loads->least - room);
    const double to = loads->most + fmax(room, loads->most * 1e-3);
    if (loads->logarithmic)
        picture_log_axis(sheet, 'x', loads->least / 1.2, loads->most * 1.2,
                         &(const struct picture_unit){1, "requests/s", "%g"});
    else
        fprintf(sheet->out, "set xrange [%.9g:%.9g]\n", from, to);
    const bool few = strcmp(page_curve_text(curve, "of"), "sweep") == 0 &&
                     json_array_size(json_object_get(curve, "points")) <= LOADS_NAMED;
    if (few)
        put_loads(sheet->out, curve);
    else if (!loads->logarithmic)
        put_even_tics(sheet->out, from, to);
}

static double pixel_of(const struct picture_box *box, const struct loads *loads, double load)
{
    const double room = (loads->most - loads->least) * 0.04;
    const double from = loads->logarithmic ? log(loads->least / 1.2) : fmax(0, loads->least - room);
    const double to =
        loads->logarithmic ? log(loads->most * 1.2) : loads->most + fmax(room, loads->most * 1e-3);
    const double at = loads->logarithmic ? log(load) : load;
    return box->left + (at - from) / (to - from) * (box->right - box->left);
}

static void put_vertical(const struct picture_sheet *sheet, double load, const char *dash,
                         const char *colour)
{
    fprintf(sheet->out,
            "set arrow from first %.9g, graph 0 to first %.9g, graph 1 nohead front linewidth 1.4 "
            "%s linecolor rgb '%s'\n",
            load, load, dash, colour);
}

/* A name above a line, that does not leave the sheet. */
static void name_vertical(const struct picture_sheet *sheet, const struct picture_box *box,
                          const struct loads *loads, double load, int row, const char *words)
{
    const double width = picture_text_width(words, 12);
    const double middle = pixel_of(box, loads, load);
    const double x = fmin(fmax(middle, box->left + width / 2), box->right - width / 2);
    picture_label(sheet, x, box->top + 12 + row * 16, "center", 12, "#333333", words);
}

static const char *load_text(char text[RATE_TEXT_BYTES], double load)
{
    const double within = fmin(fmax(load, 0), 1e12); /* a document comes from a file */
    return rate_format(text, RATE_TEXT_BYTES, (uint64_t)llround(within * (double)SCHEDULE_MICRO));
}

/* "sustainable: 90,510 (95 %: 83,000 to 98,690)". */
static void found_text(char text[200], const json_t *found)
{
    char rate[RATE_TEXT_BYTES], from[RATE_TEXT_BYTES] = "", to[RATE_TEXT_BYTES] = "";
    const double lower = page_curve_real(found, "lower"), upper = page_curve_real(found, "upper");
    load_text(rate, page_curve_real(found, "rate"));
    if (isfinite(lower))
        load_text(from, lower);
    if (isfinite(upper))
        load_text(to, upper);
    if (isfinite(lower) || isfinite(upper))
        snprintf(text, 200, "sustainable: %s (%.3g %%: %s%s%s%s)", rate,
                 page_curve_real(found, "confidence") * 100, isfinite(lower) ? "" : "below ", from,
                 !isfinite(upper)  ? " or more"
                 : isfinite(lower) ? " to "
                                   : "",
                 to);
    else
        snprintf(text, 200, "sustainable: %s", rate);
}

static void put_found(const struct picture_sheet *sheet, const struct picture_box *box,
                      const json_t *curve, const struct loads *loads, bool named)
{
    static const char *const marks[][2] = {{"breaking", "breaking point at"},
                                           {"degradation", "degradation point at"}};
    const json_t *found = json_object_get(curve, "found");
    const double lower = page_curve_real(found, "lower"), upper = page_curve_real(found, "upper");
    const double rate = page_curve_real(found, "rate");
    char text[200], value[RATE_TEXT_BYTES];
    if (isfinite(lower) || isfinite(upper))
        fprintf(sheet->out,
                "set object rectangle from first %.9g, graph 0 to first %.9g, graph 1 behind "
                "fillcolor rgb '" PICTURE_SKY "' fillstyle solid 0.25 noborder\n",
                isfinite(lower) ? lower : loads->least / 10,
                isfinite(upper) ? upper : loads->most * 10);
    if (isfinite(rate)) {
        put_vertical(sheet, rate, "", PICTURE_BLACK);
        found_text(text, found);
        if (named)
            name_vertical(sheet, box, loads, rate, 0, text);
    }
    for (int i = 0; i < 2; i++) {
        const double at = page_curve_real(json_object_get(curve, "marked"), marks[i][0]);
        if (!isfinite(at))
            continue;
        put_vertical(sheet, at, "dashtype 3", PICTURE_BLACK);
        snprintf(text, sizeof text, "%s %s", marks[i][1], load_text(value, at));
        if (named)
            name_vertical(sheet, box, loads, at, i, text);
    }
}

/* Limits in time, as dashes from edge to edge, with their names at the left. */
static double put_limits(const struct picture_sheet *sheet, const json_t *curve, double divisor)
{
    size_t i;
    const json_t *objective;
    double most = 0;
    json_array_foreach(json_object_get(curve, "objectives"), i, objective)
    {
        const double us = page_curve_real(objective, "limit_us");
        if (!isfinite(us))
            continue;
        most = fmax(most, us);
        fprintf(sheet->out,
                "set arrow from graph 0, first %.7g to graph 1, first %.7g nohead front linewidth "
                "1.2 dashtype 2 linecolor rgb '" PICTURE_BLACK "'\nset label ",
                us / divisor, us / divisor);
        gnuplot_text(sheet->out, page_curve_text(objective, "text"));
        fprintf(sheet->out,
                " at graph 0.004, first %.7g left offset 0,0.5 front font ',%g' noenhanced\n",
                us / divisor, 12 * sheet->font_scale);
    }
    return most;
}

/* ---- the two boxes ---- */

/* False: no request was answered. */
static bool draw_times(const struct picture_sheet *sheet, const json_t *curve,
                       const struct loads *loads)
{
    const struct picture_box box = {PICTURE_LEFT, PICTURE_RIGHT, MIDDLE, TOP};
    struct picture_plot plot = {.sheet = sheet};
    struct dots dots[TIMES];
    bool seen[SIGNS] = {false};
    double least = INFINITY, most = 0;
    for (size_t i = 0; i < TIMES; i++) {
        char name[PAGE_COLUMN_BYTES];
        page_curve_figure(name, page_curve_times(curve), times[i].statistic);
        dots[i] = dots_of(curve, name);
        least = fmin(least, dots[i].least);
        most = fmax(most, dots[i].most);
    }
    for (size_t i = 0; i < TIMES && !(most > 0); i++)
        free(dots[i].list);
    if (!(most > 0))
        return false;
    const bool logarithmic = most > 50 * least;
    const struct picture_unit unit = picture_unit("us", most, logarithmic);
    picture_box(sheet, &box);
    load_axis(sheet, curve, loads);
    put_found(sheet, &box, curve, loads, true);
    most = fmax(most, fmin(put_limits(sheet, curve, unit.divisor), most * 3));
    fprintf(sheet->out, "set ylabel '%s time, %s%s'\n",
            strcmp(page_curve_text(curve, "loop"), "closed") == 0 ? "service" : "response",
            unit.name, logarithmic ? " (logarithmic)" : "");
    if (logarithmic)
        picture_log_axis(sheet, 'y', least * 0.8, most * 1.5, &unit);
    else
        fprintf(sheet->out, "set yrange [0:%.6g]\n", fmax(most / unit.divisor * 1.08, 1e-9));
    for (size_t i = 0; i < TIMES; i++) {
        if (dots[i].count > 0)
            put_dots(&plot, times[i].statistic, &dots[i], unit.divisor, times[i].colour,
                     times[i].width, times[i].title, seen);
        free(dots[i].list);
    }
    for (size_t s = 0; s < SIGNS; s++)
        if (seen[s])
            picture_key(&plot, signs[s].sign, "#333333", signs[s].title);
    picture_plot_end(&plot, &box, true);
    return true;
}

/* alone: nothing stands above it. */
static void draw_rates(const struct picture_sheet *sheet, const json_t *curve,
                       const struct loads *loads, bool alone)
{
    const struct picture_box box = {PICTURE_LEFT, PICTURE_RIGHT, BOTTOM, alone ? TOP : LOWER_TOP};
    struct picture_plot plot = {.sheet = sheet};
    bool seen[SIGNS] = {false};
    const bool rate = strcmp(page_curve_text(curve, "swept"), "qps") == 0;
    struct dots dots = dots_of(curve, "rate.achieved");
    const double most = rate ? fmax(dots.most, loads->most) : dots.most;
    const struct picture_unit unit = picture_unit("requests/s", most, false);
    char words[80];
    picture_box(sheet, &box);
    load_axis(sheet, curve, loads);
    put_found(sheet, &box, curve, loads, alone);
    snprintf(words, sizeof words, "%s%s",
             rate ? "asked for, requests/s" : page_curve_text(curve, "unit"),
             loads->logarithmic ? " (logarithmic)" : "");
    picture_words(sheet, &box, words);
    fprintf(sheet->out, "set ylabel 'answered, requests/s'\nset format y '%s'\n", unit.tics);
    if (rate && loads->logarithmic && !dots.zero) {
        picture_log_axis(sheet, 'y', fmin(dots.least, loads->least) * 0.8, most * 1.3, &unit);
    } else
        fprintf(sheet->out, "set yrange [0:%.6g]\n", fmax(most / unit.divisor * 1.1, 1e-9));
    if (rate) {
        char function[40];
        snprintf(function, sizeof function, "x/%g", unit.divisor);
        picture_function(&plot, function, PICTURE_GREY, "asked for");
    }
    if (dots.count > 0)
        put_dots(&plot, "achieved", &dots, unit.divisor, PICTURE_GREEN, 1.8, "answered", seen);
    free(dots.list);
    picture_plot_end(&plot, &box, true);
}

bool picture_load(FILE *script, enum picture_format format, const struct page_result *result)
{
    const json_t *curve = result->curve;
    if (curve == NULL || json_array_size(json_object_get(curve, "points")) == 0)
        return false;
    const struct loads loads = loads_of(curve);
    if (!(loads.most > 0))
        return false;
    const struct picture_sheet sheet = picture_open(
        script, format,
        strcmp(page_curve_text(curve, "loop"), "closed") == 0 ? "Service time against load"
                                                              : "Response time against load",
        result);
    const bool answered = draw_times(&sheet, curve, &loads);
    draw_rates(&sheet, curve, &loads, !answered);
    picture_close(&sheet);
    return true;
}
