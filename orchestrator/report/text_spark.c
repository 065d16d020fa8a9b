#include "orchestrator/report/text.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/units.h"
#include "orchestrator/report/figures.h"

#define LEVELS 8u
#define LABEL_BYTES 24
/* A line's share of largest to smallest above which small values would all look alike. */
#define LOGARITHMIC_ABOVE 50.0

void spark_begin(struct spark *spark)
{
    *spark = (struct spark){.rows_per_column = 1};
}

static void join(struct spark_column *into, const struct spark_column *from)
{
    into->values[0] = fmin(into->values[0], from->values[0]);
    for (unsigned i = 1; i < SPARK_LINES; i++)
        into->values[i] = fmax(into->values[i], from->values[i]);
}

static void halve(struct spark *spark)
{
    for (uint32_t i = 0; i < SPARK_COLUMNS_MAX; i += 2) {
        struct spark_column joined = spark->columns[i];
        join(&joined, &spark->columns[i + 1]);
        spark->columns[i / 2] = joined;
    }
    spark->count = SPARK_COLUMNS_MAX / 2;
    spark->rows_per_column *= 2;
    spark->rows_in_last = spark->rows_per_column;
}

void spark_add(struct spark *spark, const struct interval_row *row, bool open_loop)
{
    static const double percents[SPARK_LINES] = {[1] = 50, [2] = 99, [3] = 100};
    const struct metric_slice slice = metric_slice_of(row, open_loop);
    struct spark_column column = {{metric_read(&slice, METRIC_ACHIEVED_RATE, NULL).number}};
    for (unsigned i = 1; i < SPARK_LINES; i++) {
        double ns = metric_percentile(&slice, METRIC_RESPONSE_TIME, percents[i]).number;
        column.values[i] = ns > 0 ? ns / NS_PER_MS : -1;
    }
    spark->unanswered |= figure_unanswered_count(row, figure_latency_kind(open_loop)) > 0;
    if (spark->rows++ == 0)
        spark->start_ns = row->header.start_ns;
    spark->end_ns = row->header.end_ns;
    if (spark->count > 0 && spark->rows_in_last < spark->rows_per_column) {
        join(&spark->columns[spark->count - 1], &column);
        spark->rows_in_last++;
        return;
    }
    if (spark->count == SPARK_COLUMNS_MAX)
        halve(spark);
    spark->columns[spark->count++] = column;
    spark->rows_in_last = 1;
}

/* One line: its values by column; below 0: nothing to show. */
struct line {
    const char *label;
    double values[SPARK_COLUMNS_MAX];
    double least, most;
    bool rate;
};

/* As many columns as fit: groups of neighbours, of which again what stands out is kept. */
static uint32_t fill(struct line *line, const struct spark *spark, unsigned which, uint32_t room)
{
    uint32_t each = (spark->count + room - 1) / room, count = 0;
    line->least = INFINITY;
    line->most = 0;
    for (uint32_t i = 0; i < spark->count; i += each) {
        struct spark_column column = spark->columns[i];
        for (uint32_t k = i + 1; k < i + each && k < spark->count; k++)
            join(&column, &spark->columns[k]);
        double value = column.values[which];
        line->values[count++] = value;
        if (value < 0)
            continue;
        line->least = fmin(line->least, value);
        line->most = fmax(line->most, value);
    }
    return count;
}

const char *spark_cell(double value, double least, double most, bool rate, bool ascii)
{
    static const char *const blocks[LEVELS] = {"\u2581", "\u2582", "\u2583", "\u2584",
                                               "\u2585", "\u2586", "\u2587", "\u2588"};
    static const char *const letters[LEVELS] = {"_", ".", ":", "-", "=", "+", "*", "#"};
    if (value < 0 || (rate && value <= 0))
        return " ";
    /* From nothing up, so that what hardly varies does not look as if it did; by orders of magnitude where small values
     * would all look alike. */
    double share = most > 0 ? value / most : 0;
    if (!rate && least > 0 && most > LOGARITHMIC_ABOVE * least)
        share = log(value / least) / log(most / least);
    const unsigned level = (unsigned)(fmax(0, fmin(share, 1)) * LEVELS);
    return (ascii ? letters : blocks)[level < LEVELS ? level : LEVELS - 1];
}

static char *format_value(char text[LABEL_BYTES], double value, bool rate)
{
    return units_format_real(text, LABEL_BYTES, value, rate ? 0 : 3);
}

static void print_cells(struct output *out, const struct line *line, uint32_t count, bool ascii)
{
    for (uint32_t i = 0; i < count; i++)
        output_printf(out, "%s",
                      spark_cell(line->values[i], line->least, line->most, line->rate, ascii));
}

void spark_print(struct output *out, const struct spark *spark, unsigned width, bool ascii)
{
    static struct line line; /* too large for a stack; one report is printed at a time */
    static const char *const labels[SPARK_LINES] = {"rate/s", "p50 ms", "p99 ms", "max ms"};
    enum { LABELS_WIDTH = 6 + 1 + 11 + 2 + 2 + 11 };
    if (spark->rows < SPARK_ROWS_MIN)
        return;
    uint32_t room = width > LABELS_WIDTH + 8 ? width - LABELS_WIDTH : 8;
    uint32_t each = (spark->count + room - 1) / room;
    double column_seconds = clock_seconds(spark->end_ns - spark->start_ns) / (double)spark->rows *
                            spark->rows_per_column * each;
    output_printf(
        out,
        "\nOver Time:\n=========\n(a column is %.*f s: its lowest rate, its highest latencies%s)\n",
        column_seconds < 10 ? 2 : 0, column_seconds,
        spark->unanswered ? "; what had no reply counts with its wait" : "");
    for (unsigned which = 0; which < SPARK_LINES; which++) {
        char least[LABEL_BYTES], most[LABEL_BYTES];
        line.rate = which == 0;
        uint32_t count = fill(&line, spark, which, room);
        if (!(line.least <= line.most)) /* nothing succeeded */
            continue;
        output_printf(out, "%s %11s |", labels[which], format_value(least, line.least, line.rate));
        print_cells(out, &line, count, ascii);
        output_printf(out, "| %s\n", format_value(most, line.most, line.rate));
    }
}

bool spark_wants_ascii(void)
{
    static const char *const variables[] = {"LC_ALL", "LC_CTYPE", "LANG"};
    for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++) {
        const char *locale = getenv(variables[i]);
        if (locale != NULL && *locale != '\0') /* the first that is set decides, as in setlocale */
            return strcasestr(locale, "UTF-8") == NULL && strcasestr(locale, "utf8") == NULL;
    }
    return true;
}
