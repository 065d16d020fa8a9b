/* What a database has to be able to do for the history of results: run a statement with values, and hand out the rows. SQLite is
 * in the program (orchestrator/suite/store_sqlite.c), PostgreSQL a module (orchestrator/modules/postgres). One process, one
 * thread, one connection.
 *
 * Statements have $1, $2 ... where values go, each for the first time in this order. Values and columns are texts: "1" and
 * "0" are true and false, NULL is none. */
#ifndef COMMON_STORE_DRIVER_H
#define COMMON_STORE_DRIVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STORE_DRIVER_ABI 1u
#define STORE_DRIVER_SYMBOL "volley_store_driver"
#define STORE_PROBLEM_BYTES 320u

enum store_problem_kind {
    STORE_PROBLEM_NONE,
    STORE_PROBLEM_ADDRESS, /* it is not understood                          */
    STORE_PROBLEM_CONNECT, /* nobody is there, or lets nobody in; or no more */
    STORE_PROBLEM_BUSY,    /* another process holds it for too long         */
    STORE_PROBLEM_VALUE,   /* a value is none of its column's type          */
    STORE_PROBLEM_REFUSED  /* all else: read-only, full, no such table      */
};

struct store_problem {
    enum store_problem_kind kind;
    char text[STORE_PROBLEM_BYTES]; /* in the database's words; without secrets */
};

/* A row: texts live until it returns. False ends the statement, without a problem. */
typedef bool store_row(void *state, const char *const *columns, size_t column_count);

/* Where the database is. NULL, 0: not said. */
struct store_address {
    const char *database; /* SQLite: the file. PostgreSQL: a name, or an address postgresql://... */
    const char *host, *user, *password;
    uint16_t port;
    bool read_only; /* nothing will be written */
};

#define STORE_WAIT_SECONDS                                                                         \
    10 /* for a connection, or for another process that holds what is needed */
#define STORE_STATEMENT_SECONDS 60 /* for the end of a statement */

struct store_driver {
    uint32_t abi;
    const char *name; /* as users call it: "SQLite" */
    /* The type of a column that counts rows by itself, the moment now, and how a database is asked for the columns of table
     * $1: name and type, in lower case. */
    const char *id_type, *now, *columns_query;
    /* Sent one by one where a transaction of a writer begins; it waits for another writer's end. Behind the last: NULL. */
    const char *begin_writing[3];
    bool
        keeps_types; /* a column's values are of its type alone, so that it may have to be made wider */

    /* *connection is close's in any case. False: problem says why. */
    bool (*open)(void **connection, const struct store_address *address,
                 struct store_problem *problem);
    void (*close)(void *connection);
    /* Runs one statement to its end; values, row and changed_count may be NULL. One that is run again with the same text is
     * not read anew. */
    bool (*run)(void *connection, const char *statement, const char *const *values,
                size_t value_count, store_row *row, void *row_state, uint64_t *changed_count,
                struct store_problem *problem);
};

#endif
