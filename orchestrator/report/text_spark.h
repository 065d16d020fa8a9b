/* What happened when, in a few lines of characters: rate, p50, p99 and maximum over the time of a run.
 *
 * Memory is bounded: when the columns are full, two become one. A column keeps what stands out, the
 * lowest rate and the highest latencies of its rows, so that a stall shows at any width. */
#ifndef ORCHESTRATOR_REPORT_TEXT_SPARK_H
#define ORCHESTRATOR_REPORT_TEXT_SPARK_H

#include <stdbool.h>
#include <stdint.h>

#include "orchestrator/report/output.h"
#include "orchestrator/report/timeline.h"

#define SPARK_COLUMNS_MAX 512u /* even */
#define SPARK_ROWS_MIN 3u      /* fewer intervals show nothing that the totals do not */

struct spark_column {
    double rate;                     /* the lowest of its rows                        */
    uint64_t p50_ns, p99_ns, max_ns; /* the highest of its rows, at least; 0: nothing is known */
};

struct spark {
    struct spark_column columns[SPARK_COLUMNS_MAX];
    uint32_t count;           /* of columns                         */
    uint32_t rows_per_column; /* 1, 2, 4, ...                       */
    uint32_t rows_in_last;    /* of the last column                 */
    uint64_t rows;
    uint64_t start_ns, end_ns; /* of all rows */
    bool unanswered;           /* some latency counts what had no reply with its wait */
};

void spark_begin(struct spark *spark);
/* A measured row; latency is the kind that the report shows. */
void spark_add(struct spark *spark, const struct interval_row *row, bool open_loop);
/* Four lines of at most `width` characters under a heading; nothing with fewer rows than
 * SPARK_ROWS_MIN. ascii: for terminals that do not show UTF-8. */
void spark_print(struct output *out, const struct spark *spark, unsigned width, bool ascii);
/* Whether the locale of the environment (LC_ALL, LC_CTYPE, LANG) is not one of UTF-8. */
bool spark_wants_ascii(void);

#endif
