/* The two kinds of graphs, each a script for gnuplot. Private to suite/. */
#ifndef ORCHESTRATOR_SUITE_COMPARISON_GRAPH_H
#define ORCHESTRATOR_SUITE_COMPARISON_GRAPH_H

#include "orchestrator/page/picture_script.h"
#include "orchestrator/suite/comparison_names.h"

/* What is compared is grey, what is held against it blue. */
#define GRAPH_COLOUR(side) ((side) == 0 ? PICTURE_GREY : PICTURE_BLUE)

/* ---- bars: places along the axis, and bars at each ---- */

#define BARS_PLACES_MAX 13u /* of a sheet */
#define BARS_LOADS_MAX 6u   /* of a sheet, with two sides each */
#define BARS_ALL_LOADS_MAX 48u
struct bars {
    const struct comparison *comparison;
    struct comparison_keys keys;
    size_t *place, *load;           /* of each group; load BARS_ALL_LOADS_MAX: there is no room */
    const struct record **of_place; /* a record of each place */
    size_t place_count, load_count;
    const struct record *of_load[BARS_ALL_LOADS_MAX];
};
/* E_SYSTEM: no memory. bars_free in any case. */
MUST_USE enum err_code bars_plan(struct bars *bars, const struct comparison *comparison,
                                 struct err *err);
void bars_free(struct bars *bars);
/* So many sheets show everything that has a load. */
size_t bars_sheets(const struct bars *bars);
/* The sheet that a group is on; bars_sheets: none. */
size_t bars_sheet_of(const struct bars *bars, const struct comparison_group *group);
/* False: nothing is on it. */
bool bars_write(FILE *script, enum picture_format format, const struct bars *bars, size_t sheet);

/* ---- lines: the runs of a row ---- */

#define LINES_RUNS_MAX 1000u /* of a side; those beyond are counted, and not drawn */
/* E_SYSTEM: no memory. */
MUST_USE enum err_code lines_write(FILE *script, enum picture_format format,
                                   const struct comparison *comparison,
                                   const struct comparison_keys *keys,
                                   const struct comparison_row *row, struct err *err);

/* Half of the interval that holds the true mean of a side; NAN: of fewer than two runs. */
double graph_half_width(const struct comparison *comparison, const struct comparison_side *side);

#endif
