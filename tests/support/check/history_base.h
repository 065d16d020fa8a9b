/* The database of a test of the history: a file of SQLite, or a PostgreSQL of the test's own. */
#ifndef TESTS_SUPPORT_CHECK_HISTORY_BASE_H
#define TESTS_SUPPORT_CHECK_HISTORY_BASE_H

#include <stdbool.h>

#include "tests/support/check/postgres.h"

struct history_base {
    bool is_postgres;
    struct postgres server;
    char address[200]; /* for --db */
};

/* In the test's directory. */
void history_base_start(struct history_base *base, bool is_postgres, const char *directory);
void history_base_stop(struct history_base *base); /* safe on a zeroed struct */

/* Rows of a statement, columns with "|" between them; true is "1" for SQLite and "t" for PostgreSQL. The caller frees. */
char *history_base_ask(const struct history_base *base, const char *statement);
/* The answer has to be this text; it is shown where it is another one. */
#define history_base_expect(base, statement, wanted)                                               \
    do {                                                                                           \
        char *answer_ = history_base_ask(base, statement);                                         \
        ck_assert_str_eq(answer_, wanted);                                                         \
        free(answer_);                                                                             \
    } while (0)

#endif
