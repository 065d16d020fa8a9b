#include "orchestrator/capacity/table.h"

#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "orchestrator/report/markdown.h"

#define HEADING_LINES 2u
#define NAME_COLUMNS_LEAST 12u /* of a column of names; numbers take less */
#define INDENT 4u              /* of what stands below a row */

void table_cell_ms(char cell[TABLE_CELL_BYTES], const struct figure_percentile *figure)
{
    if (figure->empty)
        snprintf(cell, TABLE_CELL_BYTES, "-");
    else
        snprintf(cell, TABLE_CELL_BYTES, "%s%.3f", figure->censored ? ">=" : "",
                 clock_ms(figure->value_ns));
}

char *table_percentile_key(char *text, size_t text_bytes, double percent)
{
    snprintf(text, text_bytes, "p%.10g", percent);
    for (char *c = text; *c != '\0'; c++)
        if (*c == '.')
            *c = '_';
    return text;
}

void table_csv_us(struct output *out, const struct figure_percentile *figure)
{
    if (figure->empty || figure->censored)
        output_printf(out, ",");
    else
        output_printf(out, ",%.3f", (double)figure->value_ns / 1e3);
}

static void fill(struct table_line *line, const struct table *table, uint32_t index)
{
    memset(line, 0, sizeof *line);
    if (index < HEADING_LINES)
        table->heading(line, table->state, index);
    else
        table->row(line, table->state, index - HEADING_LINES);
}

static void write_below(struct output *out, const char *note)
{
    const size_t room = TABLE_WIDTH - INDENT;
    while (*note != '\0') {
        size_t bytes = strlen(note);
        if (bytes > room) {
            for (bytes = room; bytes > 0 && note[bytes] != ' ';)
                bytes--;
            if (bytes == 0) /* one word that is longer */
                bytes = strcspn(note, " ");
        }
        output_printf(out, "%*s%.*s\n", (int)INDENT, "", (int)bytes, note);
        note += bytes;
        note += strspn(note, " ");
    }
}

struct widths {
    size_t columns[TABLE_COLUMNS_MAX];
    size_t gap; /* between two of them */
    size_t line;
};

static struct widths measure(const struct table *table)
{
    struct widths widths = {.gap = 2};
    struct table_line line;
    size_t sum = 0;
    for (uint32_t index = 0; index < HEADING_LINES + table->row_count; index++) {
        fill(&line, table, index);
        for (uint32_t i = 0; i < table->column_count; i++)
            if (strlen(line.cells[i]) > widths.columns[i])
                widths.columns[i] = strlen(line.cells[i]);
    }
    for (uint32_t i = 0; i < table->column_count; i++)
        sum += widths.columns[i];
    if (sum + widths.gap * (table->column_count - 1) > TABLE_WIDTH)
        widths.gap = 1;
    widths.line = sum + widths.gap * (table->column_count - 1);
    return widths;
}

static void narrow(struct widths *widths, uint32_t column_count, size_t room)
{
    while (widths->line > room) {
        uint32_t widest = 0;
        for (uint32_t i = 1; i < column_count; i++)
            if (widths->columns[i] > widths->columns[widest])
                widest = i;
        if (widths->columns[widest] <= NAME_COLUMNS_LEAST)
            return;
        widths->columns[widest]--;
        widths->line--;
    }
}

static void write_cell(struct output *out, const char *cell, size_t columns)
{
    if (strlen(cell) > columns)
        output_printf(out, "%.*s..", (int)columns - 2, cell);
    else
        output_printf(out, "%*s", (int)columns, cell);
}

static bool is_empty(const struct table_line *line, uint32_t column_count)
{
    bool empty = true;
    for (uint32_t i = 0; i < column_count; i++)
        empty = empty && line->cells[i][0] == '\0';
    return empty;
}

void table_write(struct output *out, const struct table *table)
{
    struct widths widths = measure(table);
    struct table_line line;
    const unsigned room = output_columns(out);
    if (room > 0)
        narrow(&widths, table->column_count, room);
    for (uint32_t index = 0; index < HEADING_LINES + table->row_count; index++) {
        fill(&line, table, index);
        if (index == 0 && is_empty(&line, table->column_count))
            continue; /* a heading of one line */
        for (uint32_t i = 0; i < table->column_count; i++) {
            output_printf(out, "%*s", i > 0 ? (int)widths.gap : 0, "");
            write_cell(out, line.cells[i], widths.columns[i]);
        }
        bool fits = widths.line + widths.gap + strlen(line.note) <= TABLE_WIDTH;
        if (line.note[0] != '\0' && fits)
            output_printf(out, "%*s%s", (int)widths.gap, "", line.note);
        output_printf(out, "\n");
        if (!fits && index >= HEADING_LINES) /* notes that stand below need no heading */
            write_below(out, line.note);
    }
}

/* The two lines of a heading as one: "p95 ms". */
static void write_markdown_heading(struct output *out, const struct table *table, bool noted)
{
    struct table_line upper, lower;
    fill(&upper, table, 0);
    fill(&lower, table, 1);
    output_printf(out, "|");
    for (uint32_t i = 0; i < table->column_count; i++) {
        char cell[2 * TABLE_CELL_BYTES];
        snprintf(cell, sizeof cell, "%s%s%s", upper.cells[i], upper.cells[i][0] != '\0' ? " " : "",
                 lower.cells[i]);
        markdown_write_cell(out, cell);
    }
    output_printf(out, "%s\n|", noted ? " note |" : "");
    for (uint32_t i = 0; i < table->column_count; i++)
        output_printf(out, "---:|");
    output_printf(out, "%s\n", noted ? "---|" : "");
}

void table_write_markdown(struct output *out, const struct table *table)
{
    struct table_line line;
    fill(&line, table, 1);
    const bool noted = line.note[0] != '\0';
    write_markdown_heading(out, table, noted);
    for (uint32_t index = HEADING_LINES; index < HEADING_LINES + table->row_count; index++) {
        fill(&line, table, index);
        output_printf(out, "|");
        for (uint32_t i = 0; i < table->column_count; i++)
            markdown_write_cell(out, line.cells[i]);
        if (noted)
            markdown_write_cell(out, line.note);
        output_printf(out, "\n");
    }
}
