/* Columns over time for a picture: a row a stretch of time, a value a column, within a bounded number of rows whatever the
 * length of a run. Owned by a page. */
#ifndef ORCHESTRATOR_PAGE_PAGE_TABLE_H
#define ORCHESTRATOR_PAGE_PAGE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

#define PAGE_COLUMN_BYTES 64u
#define PAGE_TABLE_NAME_BYTES 160u

struct page_column {
    char name[PAGE_COLUMN_BYTES]; /* "response_time_us.p99" */
    const char *unit, *help;      /* of static tables; help may be NULL */
    bool seen;                    /* some row has a value other than 0 */
};

/* Values that are not known are NAN. One below 0 of a column of times stands for "at least so much". */
struct page_table {
    const char *of;                   /* "load", "class", "node", "server" */
    char name[PAGE_TABLE_NAME_BYTES]; /* of the class or node; "" */
    struct page_column *columns;
    uint32_t column_count, columns_max;
    size_t rows, rows_max;
    uint64_t joined;     /* rows as they came that a full row stands for */
    uint64_t last;       /* and those in the last one */
    bool thinned;        /* high differs from low somewhere */
    bool points;         /* rows have no length: samples */
    double gap_seconds;  /* page_table_gap_seconds, when rows were joined; 0: they were not */
    double *start, *end; /* seconds */
    double *low,
        *high;      /* [row * columns_max + column]: the values nearest to 0 and furthest from it */
    double *newest; /* [column]: as the last row came, whatever it was joined with */
};

/* rows_max: even. E_SYSTEM: no memory. page_table_free in any case; safe on a zeroed struct. */
MUST_USE enum err_code page_table_init(struct page_table *table, const char *of, const char *name,
                                       uint32_t columns_max, size_t rows_max, struct err *err);
void page_table_free(struct page_table *table);
/* Has the system give all of its memory now; before the first row. */
void page_table_touch(struct page_table *table);
/* Its number; before the first row; no more than columns_max. */
uint32_t page_table_column(struct page_table *table, const char *name, const char *unit,
                           const char *help);
/* values: one for each column. Rows come in the order of time; where one does not begin at the end of the one before,
 * there is a gap; samples, which have no length, have one where much more time than usual passes between two. A table that is full joins neighbours: gaps stay as long as
 * half of the rows can be joined without them. */
void page_table_add(struct page_table *table, double start, double end, const double *values);
/* More time than this between two rows is a gap; the one rule, for pages and pictures. */
double page_table_gap_seconds(const struct page_table *table);
/* Whether a line begins anew at this row. */
bool page_table_gap_before(const struct page_table *table, size_t row, double gap_seconds);

#endif
