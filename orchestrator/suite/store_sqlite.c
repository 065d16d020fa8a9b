#include "orchestrator/suite/store_sqlite.h"

#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/clock.h"
#include "common/printable.h"

#define PROGRESS_STEPS 10000 /* of SQLite's machine, between looks at the clock */
#define COLUMNS_MAX 2000     /* SQLite's own limit */

struct connection {
    sqlite3 *database;
    sqlite3_stmt *statement; /* of text */
    char *text;
    uint64_t limit_ns; /* when the statement has to have ended */
};

static void say(struct store_problem *problem, enum store_problem_kind kind, const char *text)
{
    problem->kind = kind;
    snprintf(problem->text, sizeof problem->text, "%s", PRINTABLE(text));
}

static bool fail(struct connection *connection, int code, struct store_problem *problem)
{
    enum store_problem_kind kind = STORE_PROBLEM_REFUSED;
    if (code == SQLITE_BUSY || code == SQLITE_LOCKED)
        kind = STORE_PROBLEM_BUSY;
    else if (code == SQLITE_CANTOPEN || code == SQLITE_NOTADB)
        kind = STORE_PROBLEM_CONNECT;
    else if (code == SQLITE_MISMATCH || code == SQLITE_TOOBIG)
        kind = STORE_PROBLEM_VALUE;
    if (code == SQLITE_INTERRUPT)
        say(problem, STORE_PROBLEM_BUSY, "the statement took too long");
    else
        say(problem, kind, sqlite3_errmsg(connection->database));
    return false;
}

static int is_late(void *state)
{
    const struct connection *connection = state;
    return clock_now_ns() > connection->limit_ns;
}

static bool open_file(void **opened, const struct store_address *address,
                      struct store_problem *problem)
{
    struct connection *connection = calloc(1, sizeof *connection);
    *opened = connection;
    if (connection == NULL) {
        say(problem, STORE_PROBLEM_REFUSED, "no memory");
        return false;
    }
    /* Also for reading: what a writer that was killed has left half is undone first. A file that may not be written is opened
     * for reading by SQLite itself. */
    const int flags = SQLITE_OPEN_READWRITE | (address->read_only ? 0 : SQLITE_OPEN_CREATE);
    const int code = sqlite3_open_v2(address->database, &connection->database, flags, NULL);
    if (code != SQLITE_OK)
        return fail(connection, code, problem);
    sqlite3_extended_result_codes(connection->database, 0);
    sqlite3_busy_timeout(connection->database, STORE_WAIT_SECONDS * 1000);
    sqlite3_progress_handler(connection->database, PROGRESS_STEPS, is_late, connection);
    return true;
}

static void close_file(void *closed)
{
    struct connection *connection = closed;
    if (connection == NULL)
        return;
    sqlite3_finalize(connection->statement);
    sqlite3_close(connection->database);
    free(connection->text);
    free(connection);
}

static bool prepare(struct connection *connection, const char *text, struct store_problem *problem)
{
    if (connection->text != NULL && strcmp(connection->text, text) == 0)
        return true;
    sqlite3_finalize(connection->statement);
    free(connection->text);
    connection->statement = NULL;
    connection->text = strdup(text);
    const int code =
        sqlite3_prepare_v2(connection->database, text, -1, &connection->statement, NULL);
    if (code == SQLITE_OK && connection->text != NULL)
        return true;
    free(connection->text);
    connection->text = NULL;
    return fail(connection, code, problem);
}

/* Every row, until the receiver has enough. */
static int step(struct connection *connection, store_row *row, void *row_state)
{
    sqlite3_stmt *statement = connection->statement;
    const char *columns[COLUMNS_MAX];
    int code;
    while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
        const int count = sqlite3_column_count(statement);
        if (row == NULL)
            continue;
        for (int i = 0; i < count && i < COLUMNS_MAX; i++)
            columns[i] = (const char *)sqlite3_column_text(statement, i);
        if (!row(row_state, columns, (size_t)count))
            return SQLITE_DONE;
    }
    return code;
}

static bool run(void *opened, const char *text, const char *const *values, size_t value_count,
                store_row *row, void *row_state, uint64_t *changed_count,
                struct store_problem *problem)
{
    struct connection *connection = opened;
    connection->limit_ns = clock_now_ns() + STORE_STATEMENT_SECONDS * NS_PER_SECOND;
    if (!prepare(connection, text, problem))
        return false;
    int code = SQLITE_OK;
    for (size_t i = 0; i < value_count && code == SQLITE_OK; i++)
        code = values[i] == NULL ? sqlite3_bind_null(connection->statement, (int)i + 1)
                                 : sqlite3_bind_text(connection->statement, (int)i + 1, values[i],
                                                     -1, SQLITE_STATIC);
    const int before = sqlite3_total_changes(connection->database);
    if (code == SQLITE_OK)
        code = step(connection, row, row_state);
    const bool done = code == SQLITE_DONE || fail(connection, code, problem);
    if (changed_count != NULL)
        *changed_count = (uint64_t)(sqlite3_total_changes(connection->database) - before);
    sqlite3_reset(connection->statement);
    sqlite3_clear_bindings(connection->statement);
    return done;
}

const struct store_driver store_sqlite = {
    .abi = STORE_DRIVER_ABI,
    .name = "SQLite",
    .id_type = "INTEGER PRIMARY KEY AUTOINCREMENT",
    .now = "strftime('%Y-%m-%dT%H:%M:%SZ', 'now')",
    .columns_query = "SELECT name, lower(type) FROM pragma_table_info($1)",
    .begin_writing = {"BEGIN IMMEDIATE", NULL},
    .keeps_types = false,
    .open = open_file,
    .close = close_file,
    .run = run,
};
