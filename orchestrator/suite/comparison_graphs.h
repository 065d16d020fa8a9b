/* Graphs of a comparison, drawn by gnuplot, under the names that valkey-perf-benchmark gives them. gnuplot_check goes before. */
#ifndef ORCHESTRATOR_SUITE_COMPARISON_GRAPHS_H
#define ORCHESTRATOR_SUITE_COMPARISON_GRAPHS_H

#include "orchestrator/page/picture.h"
#include "orchestrator/suite/comparison.h"

#define GRAPH_SHEETS_MAX 8u /* of bars */
#define GRAPH_LINES_MAX 64u /* of single runs: those rows whose difference is the surest */
#define GRAPHS_MAX (GRAPH_SHEETS_MAX + GRAPH_LINES_MAX)

struct comparison_graphs {
    size_t count;
    char *paths[GRAPHS_MAX];
    size_t configurations_left_out, rows_left_out; /* beyond what there is room for */
};

/* Into a directory that is made: benchmark_comparison_consolidated, with all figures as bars, and where it would hold more than
 * can be read, further ones with _2, _3 and so on; and variance_line_graph_<...>, the single runs of each row that has several.
 * E_USAGE: the directory; E_SYSTEM: gnuplot, or no memory. comparison_graphs_free in any case. */
MUST_USE enum err_code comparison_graphs_draw(struct comparison_graphs *graphs,
                                              const struct comparison *comparison,
                                              const char *directory, enum picture_format format,
                                              struct err *err);
void comparison_graphs_free(struct comparison_graphs *graphs); /* safe on a zeroed struct */

#endif
