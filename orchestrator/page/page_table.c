#include "orchestrator/page/page_table.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "orchestrator/report/statistics.h"

/* Intervals end within microseconds of where the next ones begin. */
#define GAP_SECONDS 1e-3
/* Samples have no length: time is missing where it is much more than usual from one to the next. Short ones, at the edges of
 * phases, may be many: usual is what a third of the time passes in. */
#define GAP_OF_USUAL 2.5
/* Samples are a second apart where nothing is near its end, and closer elsewhere. */
#define GAP_OF_SAMPLES_SECONDS 1.5

enum err_code page_table_init(struct page_table *table, const char *of, const char *name,
                              uint32_t columns_max, size_t rows_max, struct err *err)
{
    const size_t cells = columns_max * rows_max;
    *table = (struct page_table){.of = of, .columns_max = columns_max, .rows_max = rows_max};
    table->joined = 1;
    snprintf(table->name, sizeof table->name, "%s", name);
    table->columns = calloc(columns_max, sizeof *table->columns);
    table->start = calloc(rows_max, sizeof *table->start);
    table->end = calloc(rows_max, sizeof *table->end);
    table->low = calloc(cells, sizeof *table->low);
    table->high = calloc(cells, sizeof *table->high);
    table->newest = calloc(columns_max, sizeof *table->newest);
    if (table->columns == NULL || table->start == NULL || table->end == NULL ||
        table->low == NULL || table->high == NULL || table->newest == NULL)
        return err_set(err, E_SYSTEM, "no memory for the columns of a page");
    return OK;
}

void page_table_free(struct page_table *table)
{
    free(table->columns);
    free(table->start);
    free(table->end);
    free(table->low);
    free(table->high);
    free(table->newest);
    *table = (struct page_table){.rows = 0};
}

void page_table_touch(struct page_table *table)
{
    const size_t cells = table->columns_max * table->rows_max;
    for (size_t i = 0; i < table->rows_max; i++)
        table->start[i] = table->end[i] = NAN;
    for (size_t i = 0; i < cells; i++)
        table->low[i] = table->high[i] = NAN;
}

uint32_t page_table_column(struct page_table *table, const char *name, const char *unit,
                           const char *help)
{
    struct page_column *column = &table->columns[table->column_count];
    snprintf(column->name, sizeof column->name, "%s", name);
    column->unit = unit;
    column->help = help;
    return table->column_count++;
}

double page_table_gap_seconds(const struct page_table *table)
{
    if (!table->points)
        return GAP_SECONDS;
    /* What is usual cannot be seen any more where most holes are within rows. */
    if (table->gap_seconds > 0)
        return table->gap_seconds;
    double *holes = calloc(table->rows + 1, sizeof *holes), sum = 0, passed = 0;
    size_t count = 0, i = 0;
    for (size_t row = 1; holes != NULL && row < table->rows; row++) {
        holes[count] = table->start[row] - table->end[row - 1];
        sum += holes[count++];
    }
    count = count > 0 ? statistics_sort(holes, count) : 0;
    while (i + 1 < count && (passed += holes[i]) < sum / 3)
        i++;
    const double usual = count > 0 ? holes[i] : INFINITY;
    free(holes);
    return fmax(GAP_OF_USUAL * usual, GAP_OF_SAMPLES_SECONDS) + 1e-6;
}

bool page_table_gap_before(const struct page_table *table, size_t row, double gap_seconds)
{
    return row > 0 && table->start[row] - table->end[row - 1] > gap_seconds;
}

/* The values of row `from` go into row `into`. */
static void join_values(struct page_table *table, size_t into, const double *low,
                        const double *high)
{
    double *lows = &table->low[into * table->columns_max];
    double *highs = &table->high[into * table->columns_max];
    for (uint32_t i = 0; i < table->column_count; i++) {
        if (isnan(lows[i]) || fabs(low[i]) < fabs(lows[i]))
            lows[i] = low[i];
        if (isnan(highs[i]) || fabs(high[i]) > fabs(highs[i]))
            highs[i] = high[i];
    }
    table->thinned = true;
}

static void move_row(struct page_table *table, size_t to, size_t from)
{
    const size_t stride = table->columns_max;
    table->start[to] = table->start[from];
    table->end[to] = table->end[from];
    for (uint32_t i = 0; i < table->column_count; i++) {
        table->low[to * stride + i] = table->low[from * stride + i];
        table->high[to * stride + i] = table->high[from * stride + i];
    }
}

static void join_neighbours(struct page_table *table, bool across_gaps)
{
    const size_t stride = table->columns_max;
    size_t to = 0;
    for (size_t from = 0; from < table->rows; to++) {
        bool pair = from + 1 < table->rows &&
                    (across_gaps || !page_table_gap_before(table, from + 1, table->gap_seconds));
        if (to != from)
            move_row(table, to, from);
        if (pair) {
            table->end[to] = table->end[from + 1];
            join_values(table, to, &table->low[(from + 1) * stride],
                        &table->high[(from + 1) * stride]);
        }
        from += pair ? 2 : 1;
    }
    table->rows = to;
}

static void make_room(struct page_table *table)
{
    table->gap_seconds = page_table_gap_seconds(table);
    join_neighbours(table, false);
    if (table->rows > table->rows_max / 4 * 3)
        join_neighbours(table, true);
    table->joined *= 2;
    table->last = table->joined;
}

void page_table_add(struct page_table *table, double start, double end, const double *values)
{
    if (table->rows == table->rows_max)
        make_room(table);
    for (uint32_t i = 0; i < table->column_count; i++)
        table->columns[i].seen |= fabs(values[i]) > 0;
    for (uint32_t i = 0; i < table->column_count; i++)
        table->newest[i] = values[i];
    const size_t row = table->rows;
    if (row == 0)
        table->points = !(end > start);
    if (row > 0 && table->last < table->joined &&
        !(start - table->end[row - 1] > table->gap_seconds)) {
        table->end[row - 1] = end;
        table->last++;
        join_values(table, row - 1, values, values);
        return;
    }
    table->start[row] = start;
    table->end[row] = end;
    for (uint32_t i = 0; i < table->column_count; i++)
        table->low[row * table->columns_max + i] = table->high[row * table->columns_max + i] =
            values[i];
    table->rows++;
    table->last = 1;
}
