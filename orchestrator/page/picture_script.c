#include "orchestrator/page/picture_script.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/clock.h"
#include "orchestrator/page/gnuplot.h"
#include "orchestrator/page/page_curve.h"
#include "orchestrator/page/page_modes.h"
#include "orchestrator/report/statistics.h"

#define FONT "DejaVu Sans"
#define AXIS_FONT 13
#define POINTS_MAX 1200u /* of a line: about a pixel each */

/* ---- the sheet ---- */

/* Its label, or what was run. */
static void name_of(char name[100], const struct page_result *result)
{
    size_t i, used = 0;
    const json_t *run;
    snprintf(name, 100, "%.90s", result->name);
    if (result->named || result->labelled)
        return;
    json_array_foreach(result->runs, i, run)
    {
        const char *words = json_string_value(json_object_get(run, "name"));
        if (words == NULL || json_is_true(json_object_get(run, "prefill")) || used >= 60)
            continue;
        snprintf(name + used, 100 - used, "%s%.30s", used > 0 ? ", " : "", words);
        used = strlen(name);
    }
}

#define TITLE_BYTES 600u
static void title_of(char title[TITLE_BYTES], const char *what, const struct page_result *result)
{
    char name[PAGE_MODES_TITLE_BYTES], when[40] = "", where[120] = "";
    const json_t *server = json_object_get(result->environment, "server");
    const char *product = json_string_value(json_object_get(server, "product"));
    const char *version = json_string_value(json_object_get(server, "version"));
    const char *address = json_string_value(json_object_get(server, "address"));
    const time_t seconds = (time_t)(result->started_wall_ns / NS_PER_SECOND);
    struct tm calendar;
    if (seconds > 0 && gmtime_r(&seconds, &calendar) != NULL)
        strftime(when, sizeof when, ", %Y-%m-%d %H:%M:%S UTC", &calendar);
    if (product != NULL && version != NULL)
        snprintf(where, sizeof where, ", %.40s %.20s%s%.50s", product, version,
                 address != NULL ? " at " : "", address != NULL ? address : "");
    if (result->curve != NULL)
        page_curve_title(name, result);
    else if (result->comparison != NULL)
        page_modes_title(name, result);
    else
        name_of(name, result);
    snprintf(title, TITLE_BYTES, "%s: %s%s%s", what, name, where, when);
}

/* Where the last of all tables ends. */
static double end_of(const struct page_result *result)
{
    size_t i;
    const json_t *region;
    double end = 1e-3;
    if (result->load.rows > 0)
        end = fmax(end, result->load.end[result->load.rows - 1]);
    if (result->samples.rows > 0)
        end = fmax(end, result->samples.end[result->samples.rows - 1]);
    json_array_foreach(result->regions, i, region) end =
        fmax(end, json_number_value(json_object_get(region, "end")));
    return end;
}

struct picture_sheet picture_open_titled(FILE *out, enum picture_format format, const char *title)
{
    const struct picture_sheet sheet = {out, NULL, 0, 1, format == PICTURE_PNG ? 0.75 : 1};
    if (format == PICTURE_PNG)
        fprintf(out,
                "set terminal pngcairo noenhanced size %d,%d font '" FONT ",9.75' fontscale 1.5 "
                "linewidth 1.5 pointscale 1.2 background '#ffffff'\n",
                PICTURE_WIDTH * 3 / 2, PICTURE_HEIGHT * 3 / 2);
    else
        fprintf(out,
                "set terminal svg noenhanced size %d,%d font '" FONT ",13' background '#ffffff'\n",
                PICTURE_WIDTH, PICTURE_HEIGHT);
    fprintf(out, "set output drawn\nset encoding utf8\nset multiplot title ");
    gnuplot_text(out, title);
    fprintf(out,
            " font ',%g' noenhanced\nunset key\nset border 3 linecolor rgb '%s'\nset tics nomirror "
            "out scale 0.5\n",
            16 * sheet.font_scale, PICTURE_GREY);
    return sheet;
}

struct picture_sheet picture_open(FILE *out, enum picture_format format, const char *what,
                                  const struct page_result *result)
{
    char title[TITLE_BYTES];
    title_of(title, what, result);
    struct picture_sheet sheet = picture_open_titled(out, format, title);
    sheet.result = result;
    sheet.end = end_of(result);
    return sheet;
}

void picture_close(const struct picture_sheet *sheet)
{
    fprintf(sheet->out, "unset multiplot\nset output\n");
}

void picture_box(const struct picture_sheet *sheet, const struct picture_box *box)
{
    fprintf(sheet->out,
            "unset object\nunset label\nunset arrow\nunset logscale\nset autoscale\nunset xlabel\n"
            "unset ylabel\nset xtics auto\nset ytics auto\nset xtics add ('0' 0)\nset ytics add "
            "('0' 0)\nset format x '%%g'\nset format y '%%g'\n"
            "set grid xtics ytics back linetype 1 linewidth 0.5 linecolor rgb '#e4e4e4'\n"
            "set lmargin at screen %.5f\nset rmargin at screen %.5f\n"
            "set bmargin at screen %.5f\nset tmargin at screen %.5f\n",
            (double)box->left / PICTURE_WIDTH, (double)box->right / PICTURE_WIDTH,
            (double)box->bottom / PICTURE_HEIGHT, (double)box->top / PICTURE_HEIGHT);
}

void picture_words(const struct picture_sheet *sheet, const struct picture_box *box,
                   const char *words)
{
    picture_label(sheet, (box->left + box->right) / 2.0, box->bottom - 43, "center", AXIS_FONT,
                  "#000000", words);
}

void picture_time_axis(const struct picture_sheet *sheet, const struct picture_box *box,
                       bool labelled)
{
    static const double steps[] = {0.01, 0.02, 0.05,  0.1,   0.2,   0.5,   1,      2,     5,
                                   10,   15,   30,    60,    120,   300,   600,    900,   1800,
                                   3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800};
    const double length = sheet->end - sheet->begin;
    size_t i = 0;
    while (i + 1 < sizeof steps / sizeof steps[0] && length / steps[i] > 14)
        i++;
    const char *format = steps[i] < 1 ? "%.2f" : length >= 5400 ? "%tH:%tM:%tS" : "%tM:%tS";
    const char *words = steps[i] < 1     ? "seconds from the start"
                        : length >= 5400 ? "time from the start, h:mm:ss"
                                         : "time from the start, mm:ss";
    fprintf(sheet->out, "set xrange [%.9g:%.9g]\nset xtics %s %.9g\n", sheet->begin, sheet->end,
            steps[i] < 1 ? "numeric" : "time", steps[i]);
    fprintf(sheet->out, "set format x '%s' %s\n", labelled ? format : "",
            steps[i] < 1 ? "numeric" : "time");
    if (labelled)
        picture_words(sheet, box, words);
}

double picture_text_width(const char *text, int font)
{
    double letters = 0;
    for (; *text != '\0'; text++)
        letters += ((unsigned char)*text & 0xC0u) != 0x80u;
    return letters * font * 0.58;
}

void picture_label(const struct picture_sheet *sheet, double x, double y, const char *align,
                   int font, const char *colour, const char *text)
{
    fprintf(sheet->out, "set label ");
    gnuplot_text(sheet->out, text);
    fprintf(sheet->out, " at screen %.5f,%.5f %s front font ',%g' textcolor rgb '%s' noenhanced\n",
            x / PICTURE_WIDTH, y / PICTURE_HEIGHT, align, font * sheet->font_scale, colour);
}

double picture_x(const struct picture_sheet *sheet, const struct picture_box *box, double seconds)
{
    const double part = (seconds - sheet->begin) / (sheet->end - sheet->begin);
    return box->left + part * (box->right - box->left);
}

/* ---- blocks of data ---- */

const struct page_column *picture_column(const struct page_table *table, const char *name)
{
    for (uint32_t i = 0; i < table->column_count; i++)
        if (strcmp(table->columns[i].name, name) == 0)
            return &table->columns[i];
    return NULL;
}

static size_t cell(const struct page_table *table, const struct page_column *column, size_t row)
{
    return row * table->columns_max + (size_t)(column - table->columns);
}

double picture_low(const struct page_table *table, const struct page_column *column, size_t row)
{
    return table->low[cell(table, column, row)];
}

double picture_high(const struct page_table *table, const struct page_column *column, size_t row)
{
    return table->high[cell(table, column, row)];
}

/* Sizes, in no order: *count is how many. The caller frees; NULL: no memory, or none. */
static double *sizes_of(const struct page_table *table, const char *name, size_t *count)
{
    const struct page_column *column = picture_column(table, name);
    double *values = column != NULL ? calloc(table->rows + 1, sizeof *values) : NULL;
    *count = 0;
    for (size_t row = 0; values != NULL && row < table->rows; row++)
        if (isfinite(picture_high(table, column, row)))
            values[(*count)++] = fabs(picture_high(table, column, row));
    return values;
}

double picture_median(const struct page_table *table, const char *name)
{
    size_t count;
    double *values = sizes_of(table, name, &count);
    const double median = values != NULL && count > 0 ? statistics_median(values, count) : NAN;
    free(values);
    return median;
}

double picture_most(const struct page_table *table, const char *name)
{
    size_t count;
    double *values = sizes_of(table, name, &count);
    const double most = values != NULL && count > 0 ? statistics_max(values, count) : NAN;
    free(values);
    return most;
}

/* A stretch of rows that becomes one or two points. */
struct stretch {
    double start, end, least, most;
    size_t known;
};

static void put_stretch(FILE *out, const struct stretch *stretch, bool alone)
{
    const double middle = (stretch->start + stretch->end) / 2;
    if (alone && stretch->end > stretch->start)
        fprintf(out, "%.9g %.7g\n%.9g %.7g\n", stretch->start, stretch->least, stretch->end,
                stretch->most);
    else if (stretch->most > stretch->least)
        fprintf(out, "%.9g %.7g\n%.9g %.7g\n", middle, stretch->least, middle, stretch->most);
    else
        fprintf(out, "%.9g %.7g\n", middle, stretch->most);
}

/* Rows from `row` on as one stretch; returns where the next begins. */
static size_t gather(struct stretch *stretch, const struct page_table *table,
                     const struct page_column *column, size_t row, size_t step, double gap_seconds)
{
    const size_t first = row;
    *stretch = (struct stretch){table->start[row], table->end[row], INFINITY, -INFINITY, 0};
    for (; row < table->rows && row < first + step; row++) {
        const double low = picture_low(table, column, row);
        const double high = picture_high(table, column, row);
        if (row > first && page_table_gap_before(table, row, gap_seconds))
            break;
        if (isnan(high) || high < 0) {
            if (row == first || stretch->known == 0)
                return row + 1;
            break; /* a gap of its own */
        }
        stretch->end = table->end[row];
        stretch->least = fmin(stretch->least, low < 0 ? high : low);
        stretch->most = fmax(stretch->most, high);
        stretch->known++;
    }
    return row;
}

static void put_line(FILE *out, struct picture_block *block, const struct page_table *table,
                     const struct page_column *column, double divisor)
{
    const double gap_seconds = page_table_gap_seconds(table);
    const size_t step = (table->rows + POINTS_MAX - 1) / POINTS_MAX;
    bool broken = true; /* the next point begins a line */
    for (size_t row = 0; row < table->rows;) {
        struct stretch stretch;
        const bool gap = page_table_gap_before(table, row, gap_seconds);
        const size_t next = gather(&stretch, table, column, row, step, gap_seconds);
        if ((gap || stretch.known == 0) && !broken) {
            fputc('\n', out);
            broken = true;
        }
        if (stretch.known > 0) {
            const bool ends = next >= table->rows ||
                              page_table_gap_before(table, next, gap_seconds) ||
                              !(picture_high(table, column, next) >= 0);
            stretch.least /= divisor;
            stretch.most /= divisor;
            put_stretch(out, &stretch, broken && ends);
            block->least = fmin(block->least, stretch.least);
            block->most = fmax(block->most, stretch.most);
            block->any = true;
            broken = false;
        }
        row = next;
    }
}

static void put_open(FILE *out, struct picture_block *block, const struct page_table *table,
                     const struct page_column *column, double divisor)
{
    const size_t step = (table->rows + POINTS_MAX - 1) / POINTS_MAX;
    for (size_t first = 0; first < table->rows; first += step) {
        double most = 0, at = 0;
        for (size_t row = first; row < table->rows && row < first + step; row++)
            if (-picture_high(table, column, row) > most) {
                most = -picture_high(table, column, row);
                at = (table->start[row] + table->end[row]) / 2;
            }
        if (most <= 0)
            continue;
        if (!block->open)
            fprintf(out, "$%s_open << EOD\n", block->name);
        block->open = true;
        fprintf(out, "%.9g %.7g\n", at, most / divisor);
        block->least = fmin(block->least, most / divisor);
        block->most = fmax(block->most, most / divisor);
    }
    if (block->open)
        fprintf(out, "EOD\n");
}

struct picture_block picture_block(const struct picture_sheet *sheet, const char *name,
                                   const struct page_table *table, const char *column_name,
                                   double divisor)
{
    struct picture_block block = {.name = name, .least = INFINITY, .most = -INFINITY};
    const struct page_column *column = picture_column(table, column_name);
    if (column == NULL || table->rows == 0)
        return block;
    fprintf(sheet->out, "$%s << EOD\n", name);
    put_line(sheet->out, &block, table, column, divisor);
    fprintf(sheet->out, "EOD\n");
    if (strcmp(column->unit, "us") == 0)
        put_open(sheet->out, &block, table, column, divisor);
    return block;
}

/* ---- units ---- */

struct picture_unit picture_unit(const char *unit, double most, bool logarithmic)
{
    /* Of times that are far apart, milliseconds: 2 s and 200 us both read well then. */
    const bool us = strcmp(unit, "us") == 0, ms = strcmp(unit, "ms") == 0;
    if (us || ms) {
        const double in_us = us ? 1 : 1e3, largest = most * in_us;
        if (largest >= 2e6 && !logarithmic)
            return (struct picture_unit){1e6 / in_us, "s", "%g"};
        if (largest >= 1e3)
            return (struct picture_unit){1e3 / in_us, "ms", "%g"};
        return (struct picture_unit){1 / in_us, "us", "%g"};
    }
    if (strcmp(unit, "bytes") == 0) {
        if (most >= 1073741824.0)
            return (struct picture_unit){1073741824.0, "GB", "%g"};
        if (most >= 1048576.0)
            return (struct picture_unit){1048576.0, "MB", "%g"};
        return (struct picture_unit){1024, "kB", "%g"};
    }
    if (most >= 1e7)
        return (struct picture_unit){1e6, unit, "%gM"};
    if (most >= 1e4)
        return (struct picture_unit){1e3, unit, "%gk"};
    return (struct picture_unit){1, unit, "%g"};
}

const char *picture_short_number(char text[PICTURE_NUMBER_BYTES], double value)
{
    if (value >= 1e6)
        snprintf(text, PICTURE_NUMBER_BYTES, "%.4gM", value / 1e6);
    else if (value >= 1e3)
        snprintf(text, PICTURE_NUMBER_BYTES, "%.4gk", value / 1e3);
    else
        snprintf(text, PICTURE_NUMBER_BYTES, "%.5g", value);
    return text;
}

void picture_log_axis(const struct picture_sheet *sheet, char axis, double least, double most,
                      const struct picture_unit *unit)
{
    static const char *const times[] = {"us", "ms", "s"};
    const double from = least / unit->divisor, to = most / unit->divisor;
    const bool decades = to > 1e4 * from;
    unsigned count = 0;
    bool time = false;
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++)
        time |= strcmp(unit->name, times[i]) == 0;
    fprintf(sheet->out, "set logscale %c\nset %crange [%.6g:%.6g]\nset %ctics (", axis, axis, from,
            to, axis);
    for (int power = (int)floor(log10(from)); power <= (int)floor(log10(to)); power++)
        for (size_t i = 0; i < (decades ? 1u : 3u); i++) {
            const double tic = pow(10, power) * (double[]){1, 2, 5}[i];
            char text[PICTURE_NUMBER_BYTES];
            if (time)
                snprintf(text, sizeof text, "%.5g", tic);
            else
                picture_short_number(text, tic * unit->divisor);
            fprintf(sheet->out, "%s'%s' %.9g", count++ > 0 ? ", " : "", text, tic);
        }
    fprintf(sheet->out, ")\n");
}

/* ---- the parts of a plot ---- */

static void add_part(struct picture_plot *plot, const char *format, ...) PRINTF_LIKE(2, 3);
static void add_part(struct picture_plot *plot, const char *format, ...)
{
    va_list arguments;
    const size_t used = strlen(plot->parts);
    va_start(arguments, format);
    vsnprintf(plot->parts + used, sizeof plot->parts - used, format, arguments);
    va_end(arguments);
}

static const char *joint(struct picture_plot *plot)
{
    return plot->count++ == 0 ? "plot " : ", \\\n  ";
}

void picture_key(struct picture_plot *plot, enum picture_sign sign, const char *colour,
                 const char *title)
{
    if (title == NULL || plot->key_count == PICTURE_KEYS_MAX)
        return;
    struct picture_key *key = &plot->keys[plot->key_count++];
    snprintf(key->title, sizeof key->title, "%s", title);
    key->colour = colour;
    key->sign = sign;
}

void picture_curve(struct picture_plot *plot, const char *block, const char *style,
                   const char *colour, double width, const char *title)
{
    add_part(plot, "%s$%s using 1:2 with %s linewidth %g linecolor rgb '%s' notitle", joint(plot),
             block, style, width, colour);
    picture_key(plot,
                strstr(style, "dashtype") != NULL  ? PICTURE_SIGN_DASHES
                : strncmp(style, "points", 6) == 0 ? PICTURE_SIGN_DOT
                                                   : PICTURE_SIGN_LINE,
                colour, title);
}

void picture_function(struct picture_plot *plot, const char *function, const char *colour,
                      const char *title)
{
    add_part(plot, "%s%s with lines dashtype 2 linewidth 1.2 linecolor rgb '%s' notitle",
             joint(plot), function, colour);
    picture_key(plot, PICTURE_SIGN_DASHES, colour, title);
}

void picture_line(struct picture_plot *plot, const struct picture_block *block, const char *colour,
                  double width, const char *title)
{
    char name[80];
    if (block->any)
        picture_curve(plot, block->name, "lines", colour, width, title);
    if (!block->open)
        return;
    snprintf(name, sizeof name, "%s_open", block->name);
    picture_curve(plot, name, "points pointtype 8", colour, 1, NULL);
    snprintf(name, sizeof name, "%s, at least", title);
    picture_key(plot, PICTURE_SIGN_OPEN, colour, name);
}

/* Signs and names side by side; gnuplot's own key has columns of one width. */
#define KEY_FONT 12
#define SIGN_WIDTH 24
#define KEY_GAP 26
static const int point_types[] = {[PICTURE_SIGN_DASHES] = 0, /* 0: a stroke */
                                  [PICTURE_SIGN_DOT] = 7,
                                  [PICTURE_SIGN_OPEN] = 8,
                                  [PICTURE_SIGN_CROSS] = 2,
                                  [PICTURE_SIGN_RING] = 6};

static void put_stroke(FILE *out, const struct picture_key *key, double x, double y)
{
    const bool dashed = key->sign == PICTURE_SIGN_DASHES;
    const double length = dashed ? SIGN_WIDTH / 2.0 - 3 : SIGN_WIDTH;
    for (unsigned i = 0; i < (dashed ? 2 : 1); i++) {
        const double from = x + i * (length + 6);
        fprintf(out,
                "set arrow from screen %.5f,%.5f to screen %.5f,%.5f nohead linewidth 2 "
                "linecolor rgb '%s'\n",
                from / PICTURE_WIDTH, y / PICTURE_HEIGHT, (from + length) / PICTURE_WIDTH,
                y / PICTURE_HEIGHT, key->colour);
    }
}

static void put_keys(const struct picture_plot *plot, const struct picture_box *box, double y)
{
    FILE *out = plot->sheet->out;
    double width = -KEY_GAP, x;
    for (unsigned i = 0; i < plot->key_count; i++)
        width += SIGN_WIDTH + 6 + picture_text_width(plot->keys[i].title, KEY_FONT) + KEY_GAP;
    x = fmax((box->left + box->right - width) / 2, 10);
    for (unsigned i = 0; i < plot->key_count; i++) {
        const struct picture_key *key = &plot->keys[i];
        if (point_types[key->sign] != 0)
            fprintf(out, "set label '' at screen %.5f,%.5f point pointtype %d linecolor rgb '%s'\n",
                    (x + SIGN_WIDTH - 8) / PICTURE_WIDTH, y / PICTURE_HEIGHT,
                    point_types[key->sign], key->colour);
        else
            put_stroke(out, key, x, y);
        picture_label(plot->sheet, x + SIGN_WIDTH + 6, y, "left", KEY_FONT, "#333333", key->title);
        x += SIGN_WIDTH + 6 + picture_text_width(key->title, KEY_FONT) + KEY_GAP;
    }
}

void picture_plot_end(struct picture_plot *plot, const struct picture_box *box, bool labelled)
{
    put_keys(plot, box, box->bottom - (labelled ? 66 : 18));
    fprintf(plot->sheet->out, "%s\n", plot->count > 0 ? plot->parts : "plot NaN notitle");
}
