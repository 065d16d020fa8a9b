/* argv cut into options and values by what a table says of its rows: which name, which value, nothing
 * about what the value means. A step of options_parse; others look for what they have to hide, or set in order. */
#ifndef ORCHESTRATOR_OPTIONS_ARGUMENTS_H
#define ORCHESTRATOR_OPTIONS_ARGUMENTS_H

#include <stddef.h>

#include "common/err.h"
#include "orchestrator/options/options.h"

struct argument {
    size_t row;
    const char *value; /* "true" for a flag without one */
    char spelled[72];  /* "-c", "--clients"              */
};

struct arguments {
    struct argument *items; /* in the order given */
    size_t count, capacity;
    int rest; /* index into argv of the first argument behind the options, -1: there is none */
    const struct option_row *rest_behind; /* as in option_values */
    const char *refused;                  /* as in option_values */
};

/* E_USAGE: unknown option, missing value, an option that is not available, a positional argument
 * where none is taken. What stands before the mistake is kept. arguments_free in any case. */
MUST_USE enum err_code arguments_cut(struct arguments *arguments, const struct option_table *table,
                                     int argc, const char *const *argv, struct err *err);
void arguments_free(struct arguments *arguments);

/* Row by name or alias of so many bytes; -1: none. */
int arguments_find_long(const struct option_table *table, const char *name, size_t name_bytes);

/* The known long name nearest to one that is none, "" when nothing is near. Returns text. */
char *arguments_nearest(char *text, size_t text_bytes, const struct option_table *table,
                        const char *name, size_t name_bytes);

/* Why a row of the table that is known is refused. Name is as the user spelled it. */
enum err_code arguments_refuse_row(const struct option_table *table, const struct option_row *row,
                                   enum err_code code, const char *name, struct err *err);

#endif
