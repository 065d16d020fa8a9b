/* The file of a monitor's store: its tables, and how it stays small. */
#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/printable.h"
#include "orchestrator/watch/monitor_store.h"

#define STORE_VERSION 2              /* 1: alerts had no server */
#define STORE_APPLICATION 1987014510 /* "vomn" */
#define BUSY_MS 5000

#define MONITOR_NAME(id, name) [id] = (name),
static const char *const value_names[MONITOR_VALUES] = {MONITOR_VALUE_TABLE(MONITOR_NAME)};
#undef MONITOR_NAME

const char *monitor_value_name(enum monitor_value value)
{
    return value_names[value];
}

/* ---- where it is ---- */

static bool make_folders(char *path, size_t from)
{
    bool made = true;
    for (char *slash = strchr(path + from, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        made = mkdir(path, 0700) == 0 || errno == EEXIST;
        const int cause = errno;
        *slash = '/';
        errno = cause;
    }
    return made;
}

enum err_code monitor_store_path(char *path, size_t path_bytes, bool make, struct err *err)
{
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    const bool has_state = state != NULL && state[0] == '/';
    if (!has_state && (home == NULL || home[0] != '/'))
        return err_set(err, E_SYSTEM,
                       "no folder for what a monitor keeps: set XDG_STATE_HOME or HOME, or name "
                       "a file with --store");
    const int length = snprintf(path, path_bytes, "%s%s/volley/" MONITOR_STORE_NAME,
                                has_state ? state : home, has_state ? "" : "/.local/state");
    if (length <= 0 || (size_t)length >= path_bytes)
        return err_set(err, E_SYSTEM,
                       "the path of the folder for what a monitor keeps is too long");
    if (make && !make_folders(path, 1))
        return err_set_errno(err, E_SYSTEM, errno, "the folder of %.200s cannot be made",
                             PRINTABLE(path));
    return OK;
}

/* ---- tables ---- */

static bool run(sqlite3 *database, const char *statement)
{
    return sqlite3_exec(database, statement, NULL, NULL, NULL) == SQLITE_OK;
}

static int number_of(sqlite3 *database, const char *pragma)
{
    sqlite3_stmt *statement = NULL;
    int number = -1;
    if (sqlite3_prepare_v2(database, pragma, -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW)
        number = sqlite3_column_int(statement, 0);
    sqlite3_finalize(statement);
    return number;
}

static bool make_tables(sqlite3 *database)
{
    static const char before[] =
        "PRAGMA auto_vacuum=INCREMENTAL; PRAGMA journal_mode=WAL; BEGIN IMMEDIATE;"
        "CREATE TABLE IF NOT EXISTS targets(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);"
        "CREATE TABLE IF NOT EXISTS runs(id INTEGER PRIMARY KEY, began_ms INTEGER NOT NULL,"
        " newest_ms INTEGER NOT NULL, ended_ms INTEGER, interval_ms INTEGER NOT NULL,"
        " lost INTEGER NOT NULL DEFAULT 0);"
        "CREATE TABLE IF NOT EXISTS alerts(at_ms INTEGER NOT NULL, alert TEXT NOT NULL,"
        " state TEXT NOT NULL, severity TEXT NOT NULL, value REAL, text TEXT NOT NULL,"
        " server TEXT NOT NULL DEFAULT '');"
        "CREATE INDEX IF NOT EXISTS alerts_at ON alerts(at_ms);"
        "CREATE TABLE IF NOT EXISTS samples(target INTEGER NOT NULL, at_ms INTEGER NOT NULL";
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);
    if (out == NULL)
        return false;
    fprintf(out, "%s", before);
    for (unsigned i = 0; i < MONITOR_VALUES; i++)
        fprintf(out, ", %s REAL", value_names[i]);
    fprintf(out,
            ", PRIMARY KEY(target, at_ms)) WITHOUT ROWID; PRAGMA application_id=%d;"
            "PRAGMA user_version=%d; COMMIT;",
            STORE_APPLICATION, STORE_VERSION);
    const bool made = fclose(out) == 0 && run(database, text);
    free(text);
    if (!made)
        (void)sqlite3_exec(database, "ROLLBACK", NULL, NULL, NULL);
    return made;
}

static enum err_code refuse(sqlite3 *database, const char *path, struct err *err)
{
    return err_set(err, E_USAGE, "--store %.200s: %s; name another file", PRINTABLE(path),
                   database != NULL ? sqlite3_errmsg(database) : "no memory");
}

/* Never by who only reads: a monitor of an older volley may be writing, and could not go on. */
static bool make_newer(sqlite3 *database)
{
    const bool made =
        run(database, "BEGIN IMMEDIATE; ALTER TABLE alerts ADD COLUMN server TEXT NOT NULL DEFAULT "
                      "''; PRAGMA user_version=2; COMMIT");
    if (!made)
        (void)run(database, "ROLLBACK");
    return made;
}

bool monitor_file_names_servers(sqlite3 *database)
{
    return number_of(database, "PRAGMA user_version") >= 2;
}

static enum err_code settle(sqlite3 *database, const char *path, enum monitor_file_use use,
                            struct err *err)
{
    const int objects = number_of(database, "SELECT count(*) FROM sqlite_master");
    const int application = number_of(database, "PRAGMA application_id");
    const int version = number_of(database, "PRAGMA user_version");
    if (objects < 0)
        return refuse(database, path, err);
    if (objects > 0 && application != STORE_APPLICATION)
        return err_set(err, E_USAGE,
                       "--store %.200s is a database of something else, and no monitor's; name "
                       "another file",
                       PRINTABLE(path));
    if (version > STORE_VERSION)
        return err_set(err, E_USAGE,
                       "--store %.200s was made by a newer volley; take that one, or another file",
                       PRINTABLE(path));
    if (objects == 0 && !make_tables(database))
        return refuse(database, path, err);
    if (objects > 0 && use == MONITOR_FILE_WRITE && version < STORE_VERSION &&
        !make_newer(database))
        return err_set(err, E_USAGE,
                       "--store %.200s is of an older volley, and cannot be made a newer one: %s; "
                       "name another file",
                       PRINTABLE(path), sqlite3_errmsg(database));
    (void)run(database, "PRAGMA journal_mode=WAL");
    (void)run(database, "PRAGMA synchronous=NORMAL; PRAGMA journal_size_limit=1048576;"
                        "PRAGMA cache_size=-512; PRAGMA wal_autocheckpoint=200");
    return OK;
}

enum err_code monitor_file_open(struct sqlite3 **opened, const char *path,
                                enum monitor_file_use use, struct err *err)
{
    sqlite3 *database = NULL;
    *opened = NULL;
    const int code =
        sqlite3_open_v2(path, &database, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL);
    if (code == SQLITE_OK)
        (void)sqlite3_busy_timeout(database, BUSY_MS);
    if (code != SQLITE_OK ? refuse(database, path, err) != OK
                          : settle(database, path, use, err) != OK) {
        sqlite3_close(database);
        return err->code;
    }
    *opened = database;
    return OK;
}

/* ---- old rows ---- */

bool monitor_file_newest(struct sqlite3 *database, uint64_t *at_ms)
{
    sqlite3_stmt *statement = NULL;
    const bool found =
        sqlite3_prepare_v2(database,
                           "SELECT max((SELECT max(at_ms) FROM samples WHERE target=id)) "
                           "FROM targets",
                           -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW;
    const sqlite3_int64 newest_ms = found ? sqlite3_column_int64(statement, 0) : 0;
    sqlite3_finalize(statement);
    *at_ms = newest_ms > 0 ? (uint64_t)newest_ms : 0;
    return found;
}

/* How far one has come on the way back. */
struct way_back {
    uint64_t at_ms, left_ms;
};

/* Over some of the time before: true when that was the rest of the way. */
static bool go_back(struct way_back *way, uint64_t to_ms)
{
    const uint64_t length_ms = way->at_ms - to_ms;
    if (length_ms >= way->left_ms) {
        way->at_ms -= way->left_ms;
        way->left_ms = 0;
        return true;
    }
    way->left_ms -= length_ms;
    way->at_ms = to_ms;
    return false;
}

uint64_t monitor_file_before(struct sqlite3 *database, uint64_t at_ms, uint64_t span_ms)
{
    struct way_back way = {.at_ms = at_ms, .left_ms = span_ms};
    sqlite3_stmt *statement = NULL;
    bool there = false;
    if (sqlite3_prepare_v2(database,
                           "SELECT began_ms, newest_ms FROM runs WHERE began_ms <= ?1 "
                           "ORDER BY newest_ms DESC",
                           -1, &statement, NULL) == SQLITE_OK)
        (void)sqlite3_bind_int64(statement, 1, (sqlite3_int64)at_ms);
    while (!there && statement != NULL && sqlite3_step(statement) == SQLITE_ROW) {
        const uint64_t began_ms = (uint64_t)sqlite3_column_int64(statement, 0);
        const uint64_t newest_ms = (uint64_t)sqlite3_column_int64(statement, 1);
        if (began_ms > way.at_ms || newest_ms < began_ms)
            continue;
        if (newest_ms < way.at_ms && way.at_ms - newest_ms > span_ms)
            way.at_ms = newest_ms; /* nobody watched, or the clock has jumped */
        else if (newest_ms < way.at_ms)
            there = go_back(&way, newest_ms);
        there = there || go_back(&way, began_ms);
    }
    sqlite3_finalize(statement);
    return there ? way.at_ms : 0;
}

bool monitor_file_prune(struct sqlite3 *database, uint64_t after_ms, uint64_t before_ms)
{
    static const char *const statements[] = {
        "DELETE FROM samples WHERE target IN (SELECT id FROM targets) AND at_ms > ?2 AND at_ms < "
        "?1",
        "DELETE FROM alerts WHERE at_ms > ?2 AND at_ms < ?1",
        "DELETE FROM runs WHERE newest_ms > ?2 AND newest_ms < ?1"};
    bool done = true;
    for (size_t i = 0; i < sizeof statements / sizeof statements[0] && done; i++) {
        sqlite3_stmt *statement = NULL;
        done = sqlite3_prepare_v2(database, statements[i], -1, &statement, NULL) == SQLITE_OK &&
               sqlite3_bind_int64(statement, 1, (sqlite3_int64)before_ms) == SQLITE_OK &&
               sqlite3_bind_int64(statement, 2, (sqlite3_int64)after_ms) == SQLITE_OK &&
               sqlite3_step(statement) == SQLITE_DONE;
        sqlite3_finalize(statement);
    }
    return done && run(database, "PRAGMA incremental_vacuum");
}
