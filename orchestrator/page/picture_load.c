/* The picture of a search, a sweep or a load test: times against load, with what was found, and below them what was answered of
 * it; and of a load test in both modes the memory that each takes. */
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
} times[] = {{"mean", PICTURE_BLACK, "mean", 1.8},     {"max", PICTURE_PURPLE, "max", 3.6},
             {"p99_99", PICTURE_BLACK, "p99.99", 1.2}, {"p99_9", PICTURE_ORANGE, "p99.9", 1.2},
             {"p99", PICTURE_VERMILION, "p99", 1.8},   {"p95", PICTURE_SKY, "p95", 1.2},
             {"p90", PICTURE_GREEN, "p90", 1.2},       {"p50", PICTURE_BLUE, "p50", 1.8}};
#define TIMES (sizeof times / sizeof times[0])

static bool is(const json_t *point, const char *outcome)
{
    return strcmp(page_curve_text(point, "outcome"), outcome) == 0;
}

/* ---- points of one figure ---- */

struct dot {
    double load, value;
    bool open; /* it is at least so much */
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
    return (x->value > y->value) - (x->value < y->value);
}

/* A figure of a point, or a statistic of its times. */
static double value_of(const json_t *point, const char *figure, bool is_time)
{
    return is_time ? page_curve_time(point, figure) : page_curve_number(point, figure);
}

/* Without memory there are none. The caller frees the list. */
static struct dots dots_of(const json_t *curve, const char *figure, bool is_time)
{
    size_t i;
    const json_t *point, *points = json_object_get(curve, "points");
    struct dots dots = {calloc(json_array_size(points) + 1, sizeof *dots.list), 0, INFINITY, 0,
                        false};
    json_array_foreach(points, i, point)
    {
        const double value = value_of(point, figure, is_time);
        if (dots.list == NULL || !isfinite(value))
            continue;
        dots.list[dots.count++] =
            (struct dot){page_curve_real(point, "load"), is_time ? fabs(value) : value,
                         is_time && value < 0, point};
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
            open += dots->list[i].open;
            values[count++] = dots->list[i].value;
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
    return signs[sign].outcome == NULL ? dot->open
                                       : !dot->open && is(dot->point, signs[sign].outcome);
}

/* How a figure looks. */
struct look {
    const char *figure, *colour, *title;
    double width, divisor;
    const json_t *curve; /* of a mode: the second one's is dashed */
    bool of_both;        /* it belongs to no mode */
};

static bool is_second(const json_t *curve)
{
    const json_t *first = json_array_get(json_object_get(curve, "modes"), 0);
    return first != NULL && strcmp(page_curve_text(curve, "mode"), json_string_value(first)) != 0;
}

/* Writes the blocks of a figure, and draws them. seen: signs that there are. */
static void put_dots(struct picture_plot *plot, const struct dots *dots, const struct look *look,
                     bool seen[SIGNS])
{
    FILE *out = plot->sheet->out;
    const char *mode = look->of_both ? "" : page_curve_text(look->curve, "mode");
    char block[48], title[80];
    snprintf(block, sizeof block, "%.30s%s", look->figure, is_second(look->curve) ? "_2" : "");
    snprintf(title, sizeof title, "%s%s%.20s", look->title, mode[0] != '\0' ? ", " : "", mode);
    put_middle(out, block, dots, look->divisor);
    picture_curve(plot, block, is_second(look->curve) ? "lines dashtype 2" : "lines", look->colour,
                  look->width, title);
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
            fprintf(out, "%.9g %.7g\n", dots->list[i].load, dots->list[i].value / look->divisor);
        }
        if (!any)
            continue;
        fprintf(out, "EOD\n");
        picture_curve(plot, name, signs[s].style, look->colour, 1.4, NULL);
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
    const bool few = strcmp(page_curve_text(curve, "of"), "find-max") != 0 &&
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

/* row: where the next name stands; NULL: without names. */
static void put_found(const struct picture_sheet *sheet, const struct picture_box *box,
                      const json_t *curve, const struct loads *loads, int *row)
{
    const char *mode = page_curve_text(curve, "mode");
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
        if (row != NULL)
            name_vertical(sheet, box, loads, rate, 0, text);
    }
    for (int i = 0; i < 2; i++) {
        const double at = page_curve_real(json_object_get(curve, "marked"), marks[i][0]);
        if (!isfinite(at))
            continue;
        put_vertical(sheet, at, "dashtype 3", PICTURE_BLACK);
        snprintf(text, sizeof text, "%s %s%s%.20s", marks[i][1], load_text(value, at),
                 mode[0] != '\0' ? ", " : "", mode);
        if (row != NULL)
            name_vertical(sheet, box, loads, at, (*row)++, text);
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

/* A curve, or its modes, one after the other. */
struct curves {
    json_t *list[2];
    size_t count;
};

static struct curves curves_of(const json_t *curve)
{
    struct curves curves = {.count = json_object_get(curve, "modes") != NULL ? 2 : 1};
    for (size_t i = 0; i < curves.count; i++)
        curves.list[i] = page_curve_mode(curve, i);
    return curves;
}

static void curves_free(struct curves *curves)
{
    for (size_t i = 0; i < curves->count; i++)
        json_decref(curves->list[i]);
}

/* The names of marks stand one below the other; there is room for two of them. */
static int top_of(const struct curves *curves)
{
    int marks = 0;
    for (size_t i = 0; i < curves->count; i++) {
        const json_t *marked = json_object_get(curves->list[i], "marked");
        marks += isfinite(page_curve_real(marked, "breaking"));
        marks += isfinite(page_curve_real(marked, "degradation"));
    }
    return TOP - (marks > 2 ? (marks - 2) * 16 : 0);
}

static void put_all_found(const struct picture_sheet *sheet, const struct picture_box *box,
                          const struct curves *curves, const struct loads *loads, bool named)
{
    int row = 0;
    for (size_t i = 0; i < curves->count; i++)
        put_found(sheet, box, curves->list[i], loads, named ? &row : NULL);
}

/* A mean is of load tests, whose users have nothing else of the kind. */
static bool is_drawn(const json_t *curve, size_t time)
{
    return strcmp(times[time].statistic, "mean") != 0 ||
           strcmp(page_curve_text(curve, "of"), "load-test") == 0;
}

static const char *axis_word(const json_t *curve)
{
    const char *loop = page_curve_text(curve, "loop");
    return strcmp(loop, "closed") == 0 ? "service time"
           : strcmp(loop, "open") == 0 ? "response time"
                                       : "latency";
}

static void put_times(struct picture_plot *plot, struct dots dots[2][TIMES],
                      const struct curves *curves, double divisor)
{
    bool seen[SIGNS] = {false};
    for (size_t k = 0; k < curves->count; k++)
        for (size_t i = 0; i < TIMES; i++)
            if (dots[k][i].count > 0)
                put_dots(plot, &dots[k][i],
                         &(const struct look){times[i].statistic, times[i].colour, times[i].title,
                                              times[i].width, divisor, curves->list[k], false},
                         seen);
    for (size_t s = 0; s < SIGNS; s++)
        if (seen[s])
            picture_key(plot, signs[s].sign, "#333333", signs[s].title);
}

/* False: no request was answered. */
static bool draw_times(const struct picture_sheet *sheet, const struct curves *curves,
                       const struct loads *loads)
{
    const json_t *curve = curves->list[0];
    const struct picture_box box = {PICTURE_LEFT, PICTURE_RIGHT, MIDDLE, top_of(curves)};
    struct picture_plot plot = {.sheet = sheet};
    struct dots dots[2][TIMES] = {{{.count = 0}}};
    double least = INFINITY, most = 0;
    for (size_t k = 0; k < curves->count; k++)
        for (size_t i = 0; i < TIMES; i++) {
            if (!is_drawn(curve, i))
                continue;
            dots[k][i] = dots_of(curves->list[k], times[i].statistic, true);
            least = fmin(least, dots[k][i].least);
            most = fmax(most, dots[k][i].most);
        }
    if (most > 0) {
        const bool logarithmic = most > 50 * least;
        const struct picture_unit unit = picture_unit("us", most, logarithmic);
        picture_box(sheet, &box);
        load_axis(sheet, curve, loads);
        put_all_found(sheet, &box, curves, loads, true);
        const double top = fmax(most, fmin(put_limits(sheet, curve, unit.divisor), most * 3));
        fprintf(sheet->out, "set ylabel '%s, %s%s'\n", axis_word(curve), unit.name,
                logarithmic ? " (logarithmic)" : "");
        if (logarithmic)
            picture_log_axis(sheet, 'y', least * 0.8, top * 1.5, &unit);
        else
            fprintf(sheet->out, "set yrange [0:%.6g]\n", fmax(top / unit.divisor * 1.08, 1e-9));
        put_times(&plot, dots, curves, unit.divisor);
        picture_plot_end(&plot, &box, true);
    }
    for (size_t k = 0; k < curves->count; k++)
        for (size_t i = 0; i < TIMES; i++)
            free(dots[k][i].list);
    return most > 0;
}

static void put_load_words(const struct picture_sheet *sheet, const struct picture_box *box,
                           const json_t *curve, const struct loads *loads)
{
    char words[80];
    snprintf(words, sizeof words, "%s%s",
             strcmp(page_curve_text(curve, "swept"), "qps") == 0 ? "asked for, requests/s"
                                                                 : page_curve_text(curve, "unit"),
             loads->logarithmic ? " (logarithmic)" : "");
    picture_words(sheet, box, words);
}

/* alone: nothing stands above it. */
static void draw_rates(const struct picture_sheet *sheet, const struct curves *curves,
                       const struct loads *loads, bool alone)
{
    const json_t *curve = curves->list[0];
    const struct picture_box box = {PICTURE_LEFT, PICTURE_RIGHT, BOTTOM,
                                    alone ? top_of(curves) : LOWER_TOP};
    struct picture_plot plot = {.sheet = sheet};
    bool seen[SIGNS] = {false};
    const bool rate = strcmp(page_curve_text(curve, "swept"), "qps") == 0;
    struct dots dots[2] = {{.count = 0}};
    double most = rate ? loads->most : 0, least = INFINITY;
    bool zero = false;
    for (size_t k = 0; k < curves->count; k++) {
        dots[k] = dots_of(curves->list[k], "rate.achieved", false);
        most = fmax(most, dots[k].most);
        least = fmin(least, dots[k].least);
        zero |= dots[k].zero;
    }
    const struct picture_unit unit = picture_unit("requests/s", most, false);
    picture_box(sheet, &box);
    load_axis(sheet, curve, loads);
    put_all_found(sheet, &box, curves, loads, alone);
    put_load_words(sheet, &box, curve, loads);
    fprintf(sheet->out, "set ylabel 'answered, requests/s'\nset format y '%s'\n", unit.tics);
    if (rate && loads->logarithmic && !zero) {
        picture_log_axis(sheet, 'y', fmin(least, loads->least) * 0.8, most * 1.3, &unit);
    } else
        fprintf(sheet->out, "set yrange [0:%.6g]\n", fmax(most / unit.divisor * 1.1, 1e-9));
    if (rate) {
        char function[40];
        snprintf(function, sizeof function, "x/%g", unit.divisor);
        picture_function(&plot, function, PICTURE_GREY, "asked for");
    }
    for (size_t k = 0; k < curves->count; k++) {
        if (dots[k].count > 0)
            put_dots(&plot, &dots[k],
                     &(const struct look){"achieved", PICTURE_GREEN, "answered", 1.8, unit.divisor,
                                          curves->list[k], false},
                     seen);
        free(dots[k].list);
    }
    picture_plot_end(&plot, &box, true);
}

bool picture_load(FILE *script, enum picture_format format, const struct page_result *result)
{
    const json_t *curve = result->curve;
    char title[40];
    if (curve == NULL || json_array_size(json_object_get(curve, "points")) == 0)
        return false;
    const struct loads loads = loads_of(curve);
    if (!(loads.most > 0))
        return false;
    struct curves curves = curves_of(curve);
    snprintf(title, sizeof title, "%s against load", page_curve_times(curve));
    const struct picture_sheet sheet = picture_open(script, format, title, result);
    const bool answered = draw_times(&sheet, &curves, &loads);
    draw_rates(&sheet, &curves, &loads, !answered);
    picture_close(&sheet);
    curves_free(&curves);
    return true;
}

/* ---- memory of both modes ---- */

/* Two lines of megabytes in a box, by load; they may be below 0. */
static void draw_megabytes(const struct picture_sheet *sheet, const struct picture_box *box,
                           const struct loads *loads, const struct look *looks, size_t count,
                           const char *words)
{
    struct picture_plot plot = {.sheet = sheet};
    bool seen[SIGNS] = {false};
    double least = 0, most = 0;
    struct dots dots[2] = {{.count = 0}};
    for (size_t k = 0; k < count; k++) {
        dots[k] = dots_of(looks[k].curve, looks[k].figure, false);
        for (size_t i = 0; i < dots[k].count; i++) {
            least = fmin(least, dots[k].list[i].value);
            most = fmax(most, dots[k].list[i].value);
        }
    }
    const double room = fmax((most - least) * 0.08, 1e-6);
    picture_box(sheet, box);
    load_axis(sheet, looks[0].curve, loads);
    put_load_words(sheet, box, looks[0].curve, loads);
    fprintf(sheet->out, "set ylabel '%s'\nset yrange [%.6g:%.6g]\n", words,
            least < 0 ? least - room : 0, most + room);
    for (size_t k = 0; k < count; k++) {
        put_dots(&plot, &dots[k], &looks[k], seen);
        free(dots[k].list);
    }
    picture_plot_end(&plot, box, true);
}

bool picture_load_memory(FILE *script, enum picture_format format, const struct page_result *result)
{
    const json_t *curve = result->curve;
    if (json_array_size(json_object_get(curve, "memory")) == 0)
        return false;
    const struct loads loads = loads_of(curve);
    if (!(loads.most > 0))
        return false;
    struct curves curves = curves_of(curve);
    const struct picture_box upper = {PICTURE_LEFT, PICTURE_RIGHT, MIDDLE + 40, TOP + 20},
                             lower = {PICTURE_LEFT, PICTURE_RIGHT, BOTTOM, LOWER_TOP + 40};
    const struct look memory[] = {
        {"volley_mb", PICTURE_BLUE, "volley", 1.8, 1, curves.list[0], false},
        {"volley_mb", PICTURE_BLUE, "volley", 1.8, 1, curves.list[curves.count - 1], false}};
    const struct look difference[] = {
        {"difference_mb", PICTURE_VERMILION, "difference", 1.8, 1, curves.list[0], true},
        {"expected_difference_mb", PICTURE_GREY, "full buffers", 1.2, 1, curves.list[0], true}};
    const struct picture_sheet sheet =
        picture_open(script, format, "Memory of volley by users", result);
    draw_megabytes(&sheet, &upper, &loads, memory, 2, "at its most, MB");
    draw_megabytes(&sheet, &lower, &loads, difference, 2, "buffer less bypass, MB");
    picture_close(&sheet);
    curves_free(&curves);
    return true;
}
