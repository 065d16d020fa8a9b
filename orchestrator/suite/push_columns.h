/* The columns that records need. For push.c; pure but for its memory. */
#ifndef ORCHESTRATOR_SUITE_PUSH_COLUMNS_H
#define ORCHESTRATOR_SUITE_PUSH_COLUMNS_H

#include "orchestrator/suite/store.h"

#define PUSH_COLUMNS_MAX 1000u /* PostgreSQL has room for 1,600 */

struct push_column {
    char name[STORE_NAME_BYTES];
    struct store_kind kind; /* that holds all its values; STORE_NOTHING: they are null */
    bool mixed;             /* numbers and texts: a text */
};
struct push_columns {
    struct push_column *items; /* by name */
    size_t count;
};

/* Of records, which have a timestamp, a commit and a command as texts. E_DATA: a key can be no column's name, or there are too
 * many; E_SYSTEM. push_columns_free in any case. */
MUST_USE enum err_code push_columns_make(struct push_columns *columns, json_t *const *records,
                                         size_t record_count, struct err *err);
void push_columns_free(struct push_columns *columns);

/* What a column of one kind has to become so that it holds values of another one, too; the same where it holds them. False:
 * nothing does without being another thing than it was. */
bool push_kind_widen(struct store_kind *wider, struct store_kind has, struct store_kind needs);

/* A value as a database takes it; *owned is the caller's to free. NULL: there is none. */
const char *push_value(char **owned, const json_t *value);

#endif
