#include "orchestrator/scenario/node_series.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#define VALUE_NAME(id, name) [id] = (name),
static const char *const names[NODE_VALUES] = {NODE_SERIES_TABLE(VALUE_NAME)};
#undef VALUE_NAME

const char *node_value_name(enum node_value value)
{
    return names[value];
}

const char *node_role_word(enum node_role role)
{
    static const char *const words[] = {
        [NODE_SILENT] = "silent", [NODE_PRIMARY] = "primary", [NODE_REPLICA] = "replica"};
    return words[role];
}

enum err_code node_series_add(struct node_series *series, const struct node_series_row *row,
                              struct err *err)
{
    if (series->count == series->room) {
        const size_t room = series->room > 0 ? 2 * series->room : 256;
        struct node_series_row *rows = realloc(series->rows, room * sizeof *rows);
        if (rows == NULL)
            return err_set(err, E_SYSTEM, "no memory for %zu samples of nodes", room);
        series->rows = rows;
        series->room = room;
    }
    series->rows[series->count++] = *row;
    return OK;
}

void node_series_free(struct node_series *series)
{
    free(series->rows);
    *series = (struct node_series){0};
}

static bool counts(const struct node_series_row *row)
{
    return row->role == NODE_PRIMARY && row->values[NODE_SLOTS] > 0;
}

double node_memory_cv(const struct node_series_row *rows, size_t count)
{
    double sum = 0, squares = 0, primaries = 0;
    for (size_t i = 0; i < count; i++)
        if (counts(&rows[i])) {
            sum += rows[i].values[NODE_USED_MEMORY];
            primaries++;
        }
    const double mean = sum / primaries;
    for (size_t i = 0; i < count; i++)
        if (counts(&rows[i]))
            squares += (rows[i].values[NODE_USED_MEMORY] - mean) *
                       (rows[i].values[NODE_USED_MEMORY] - mean);
    return primaries >= 2 && mean > 0 ? sqrt(squares / primaries) / mean : NAN;
}

double node_memory_max_min(const struct node_series_row *rows, size_t count)
{
    double least = INFINITY, most = 0;
    size_t primaries = 0;
    for (size_t i = 0; i < count; i++) {
        const double used = rows[i].values[NODE_USED_MEMORY];
        if (!counts(&rows[i]))
            continue;
        if (isnan(used))
            return NAN;
        least = fmin(least, used);
        most = fmax(most, used);
        primaries++;
    }
    return primaries >= 2 && least > 0 ? most / least : NAN;
}

double node_lag_most(const struct node_series_row *rows, size_t count)
{
    double most = NAN;
    for (size_t i = 0; i < count; i++)
        if (rows[i].role == NODE_REPLICA)
            most = fmax(most, rows[i].values[NODE_LAG]);
    return most;
}
