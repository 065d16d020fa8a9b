/* The history of results: tables in a database, SQLite's file or PostgreSQL's server. volley makes them, and brings older ones up to
 * date; names of tables and columns are those of valkey-perf-benchmark, whose database is gone on with. docs/design/history.md.
 * One thread; nothing waits for longer than the limits of common/store_driver.h. */
#ifndef ORCHESTRATOR_SUITE_STORE_H
#define ORCHESTRATOR_SUITE_STORE_H

#include <jansson.h>

#include "common/err.h"
#include "common/store_driver.h"

#define STORE_FILE "results/history.db"
#define STORE_NAME_BYTES 64u /* PostgreSQL cuts longer names of tables and columns */
#define STORE_ADDRESS_BYTES 300u

struct store {
    const struct store_driver *driver;
    char shown[STORE_ADDRESS_BYTES]; /* for people: without a password */

    /* Private. */
    void *connection;
    bool writing; /* between begin and end */
};

/* A file of SQLite, or PostgreSQL: database is an address postgresql://..., or host is given. */
bool store_is_postgres(const struct store_address *address);

/* Opens it, and, unless it is read only, makes or mends what every database has. E_USAGE: there is no such file; it is read only; it
 * was made by a newer volley; E_CONNECT; E_SYSTEM: the module is missing, the disk is full. store_close in any case. */
MUST_USE enum err_code store_open(struct store *store, const struct store_address *address,
                                  struct err *err);
void store_close(struct store *store); /* safe on a zeroed struct; what has not ended is undone */

/* One statement, as struct store_driver's; doing is what was tried, for the error. E_CONNECT, E_SYSTEM; E_DATA: a value is none of its
 * column's type. */
MUST_USE enum err_code store_run(struct store *store, const char *doing, const char *statement,
                                 const char *const *values, size_t value_count, store_row *row,
                                 void *row_state, uint64_t *changed_count, struct err *err);

/* All between them is done as a whole, or not at all. */
MUST_USE enum err_code store_begin(struct store *store, struct err *err);
MUST_USE enum err_code store_commit(struct store *store, struct err *err);
void store_undo(struct store *store);

/* "\"name\"", as SQL has it; quoted has twice the bytes of a name, and three. False: it can be none. Returns quoted's length. */
#define STORE_QUOTED_BYTES (2 * STORE_NAME_BYTES + 3)
bool store_quote(char quoted[STORE_QUOTED_BYTES], const char *name);

/* What columns hold, as far as it matters here. */
enum store_type {
    STORE_NOTHING,
    STORE_BOOLEAN,
    STORE_INTEGER,
    STORE_BIGINT,
    STORE_DECIMAL, /* six digits behind the point, nine before */
    STORE_NUMERIC, /* any */
    STORE_TEXT,
    STORE_TIME,
    STORE_JSON
};
struct store_kind {
    enum store_type type;
    unsigned most; /* characters of a text; 0: any number */
};
/* "DECIMAL(15,6)", "VARCHAR(50)": as a table is made with it. Returns text. */
#define STORE_KIND_BYTES 32u
char *store_kind_name(char text[STORE_KIND_BYTES], struct store_kind kind);

struct store_column {
    char name[STORE_NAME_BYTES];
    char declared[48]; /* as the database calls it */
    struct store_kind kind;
};
struct store_columns {
    struct store_column *items;
    size_t count;
};
/* Of a table; none where there is no such. store_columns_free in any case. */
MUST_USE enum err_code store_columns_read(struct store_columns *columns, struct store *store,
                                          const char *table, struct err *err);
const struct store_column *store_columns_find(const struct store_columns *columns,
                                              const char *name);
void store_columns_free(struct store_columns *columns);

/* "2025-05-28T01:29:42+02:00" as "2025-05-27T23:29:42Z": texts of SQLite have to be in the order of moments. False: it is none. */
#define STORE_TIME_BYTES 40u
bool store_time(char utc[STORE_TIME_BYTES], const char *text);

/* 64 hexadecimal digits of SHA-256 over a value, in whatever order its keys stand, and a number. False: no memory. */
#define STORE_HASH_BYTES 65u
bool store_hash_text(char hash[STORE_HASH_BYTES], const char *text);
bool store_hash(char hash[STORE_HASH_BYTES], const json_t *value, size_t number);

#endif
