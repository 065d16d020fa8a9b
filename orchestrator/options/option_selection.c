#include "orchestrator/options/option_selection.h"

#include <assert.h>
#include <string.h>

static bool is_in(const struct option_row *row, const char *section)
{
    return section != NULL && row->section != NULL && strcmp(row->section, section) == 0;
}

static void add(struct option_selection *selection, const struct option_row *row)
{
    assert(selection->row_count < OPTION_SELECTION_MAX);
    selection->rows[selection->row_count++] = *row;
}

/* Behind the last row of its section, or at the end. */
static void add_in_section(struct option_selection *selection, const struct option_row *row)
{
    size_t at = selection->row_count;
    for (size_t i = 0; i < selection->row_count; i++)
        if (is_in(&selection->rows[i], row->section))
            at = i + 1;
    assert(selection->row_count < OPTION_SELECTION_MAX);
    memmove(&selection->rows[at + 1], &selection->rows[at],
            (selection->row_count - at) * sizeof selection->rows[0]);
    selection->rows[at] = *row;
    selection->row_count++;
}

void option_selection_fill(struct option_table *table, struct option_selection *selection,
                           const struct option_row *own, size_t own_count,
                           const struct option_pick *picks, size_t pick_count)
{
    const struct option_table *from = table->wider;
    if (selection->row_count > 0)
        return;
    const char *first = own_count > 0 ? own[0].section : NULL;
    for (size_t i = 0; i < own_count; i++)
        if (is_in(&own[i], first))
            add(selection, &own[i]);
    for (size_t i = 0; i < pick_count; i++) {
        int index = options_row(from, picks[i].name);
        assert(index >= 0);
        struct option_row row = from->rows[index];
        if (picks[i].unset != NULL)
            row.unset = *picks[i].unset != '\0' ? picks[i].unset : NULL;
        if (picks[i].help != NULL)
            row.help = picks[i].help;
        add_in_section(selection, &row);
    }
    for (size_t i = 0; i < own_count; i++)
        if (!is_in(&own[i], first))
            add_in_section(selection, &own[i]);
    table->rows = selection->rows;
    table->row_count = selection->row_count;
}
