/* A table made of rows of another one and of some of its own: a command that takes many options of
 * bench says which, and each stays one row. The target of such a table begins with the target of the
 * other one, so that the rows' offsets and parsers fit both. */
#ifndef ORCHESTRATOR_OPTIONS_OPTION_SELECTION_H
#define ORCHESTRATOR_OPTIONS_OPTION_SELECTION_H

#include "orchestrator/options/options.h"

#define OPTION_SELECTION_MAX 96

struct option_pick {
    const char *name;  /* of a row of the other table (assert)    */
    const char *unset; /* another default, "": none; NULL: the row's own */
    const char *help;  /* other words for it; NULL: the row's own */
};

struct option_selection {
    struct option_row rows[OPTION_SELECTION_MAX];
    size_t row_count; /* 0: not filled yet */
};

/* Fills the selection, once, from the table's wider one, and gives the table its rows. First the own rows of
 * the first one's section; then the picks, rows of a section together; then the other own rows, each at the
 * end of its section, or of the table. */
void option_selection_fill(struct option_table *table, struct option_selection *selection,
                           const struct option_row *own, size_t own_count,
                           const struct option_pick *picks, size_t pick_count);

#endif
