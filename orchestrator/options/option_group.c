#include "orchestrator/options/option_group.h"

#include <assert.h>
#include <string.h>

/* Behind the last row of its section, or at the end. */
static void add(struct option_table *table, struct option_row *rows, const struct option_row *row)
{
    size_t at = table->row_count;
    for (size_t i = 0; i < table->row_count && row->section != NULL; i++)
        if (rows[i].section != NULL && strcmp(rows[i].section, row->section) == 0)
            at = i + 1;
    assert(table->row_count < OPTION_TABLE_ROWS_MAX);
    memmove(&rows[at + 1], &rows[at], (table->row_count - at) * sizeof rows[0]);
    rows[at] = *row;
    table->row_count++;
}

void option_table_add(struct option_table *table, struct option_row rows[OPTION_TABLE_ROWS_MAX],
                      unsigned command, const struct option_use *use)
{
    table->rows = rows;
    for (size_t i = 0; i < use->group->row_count; i++) {
        struct option_row row = use->group->rows[i];
        const unsigned commands = row.commands != 0 ? row.commands : use->group->commands;
        row.base = use->offset;
        if (row.section == NULL)
            row.section = use->group->section;
        if (commands == 0 || (commands & command) != 0)
            add(table, rows, &row);
    }
}

void option_table_change(const struct option_table *table,
                         struct option_row rows[OPTION_TABLE_ROWS_MAX],
                         const struct option_change *changes, size_t change_count)
{
    for (size_t i = 0; i < change_count; i++) {
        const int index = options_row(table, changes[i].name);
        assert(index >= 0);
        if (changes[i].unset != NULL)
            rows[index].unset = *changes[i].unset != '\0' ? changes[i].unset : NULL;
        if (changes[i].help != NULL)
            rows[index].help = changes[i].help;
    }
}
