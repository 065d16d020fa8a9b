/* A table for people, no wider than it has to be: each column is as wide as what stands in it, flush
 * right. On a terminal that is narrower the widest cells end in "..", as far as they are names and not
 * numbers; what is too wide even then goes on in the next line. What is said of a row stands behind it, or below it where the line would be longer than
 * TABLE_WIDTH. */
#ifndef ORCHESTRATOR_CAPACITY_TABLE_H
#define ORCHESTRATOR_CAPACITY_TABLE_H

#include <stdint.h>

#include "orchestrator/report/figures.h"
#include "orchestrator/report/output.h"

#define TABLE_WIDTH 80u
#define TABLE_COLUMNS_MAX 32u
#define TABLE_CELL_BYTES 40u
#define TABLE_NOTE_BYTES 1024u

struct table_line {
    char cells[TABLE_COLUMNS_MAX][TABLE_CELL_BYTES];
    char note[TABLE_NOTE_BYTES];
};

struct table {
    const void *state; /* for the two functions */
    uint32_t column_count, row_count;
    /* Each fills a line that is empty: part 0 and 1 of the heading, one below the other; a row. */
    void (*heading)(struct table_line *line, const void *state, uint32_t part);
    void (*row)(struct table_line *line, const void *state, uint32_t index);
};

void table_write(struct output *out, const struct table *table);
/* The same as a table of GitHub's Markdown, with notes in a last column where the heading has one. */
void table_write_markdown(struct output *out, const struct table *table);

/* A percentile as a cell, in milliseconds: "0.219", ">=4.714", "-" when there is none. */
void table_cell_ms(char cell[TABLE_CELL_BYTES], const struct figure_percentile *figure);
/* A comma and the same in microseconds for a CSV, where a percentile that is not known is an empty cell. */
void table_csv_us(struct output *out, const struct figure_percentile *figure);
/* What a CSV and JSON call it: 99.9 is "p99_9". */
char *table_percentile_key(char *text, size_t text_bytes, double percent);

#endif
