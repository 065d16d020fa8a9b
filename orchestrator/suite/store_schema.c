#include "orchestrator/suite/store_schema.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STATEMENT_BYTES 1200u

static bool take_version(void *state, const char *const *columns, size_t column_count)
{
    if (column_count > 0 && columns[0] != NULL)
        *(unsigned long *)state = strtoul(columns[0], NULL, 10);
    return false;
}

static enum err_code read_version(unsigned long *version, struct store *store, struct err *err)
{
    struct store_columns columns;
    *version = 0;
    enum err_code code = store_columns_read(&columns, store, "volley_schema", err);
    const bool there = columns.count > 0;
    store_columns_free(&columns);
    if (code == OK && there)
        code =
            store_run(store, "its version cannot be read", "SELECT max(version) FROM volley_schema",
                      NULL, 0, take_version, version, NULL, err);
    if (code == OK && *version > STORE_SCHEMA_VERSION)
        code =
            err_set(err, E_USAGE,
                    "%s: a newer volley has made its tables (version %lu, this one knows %u): use "
                    "that one",
                    store->shown, *version, STORE_SCHEMA_VERSION);
    return code;
}

enum err_code store_schema_check(struct store *store, struct err *err)
{
    unsigned long version = 0;
    return read_version(&version, store, err);
}

static enum err_code run(struct store *store, const char *statement, struct err *err)
{
    return store_run(store, "its tables cannot be made", statement, NULL, 0, NULL, NULL, NULL, err);
}

static enum err_code make_commits(struct store *store, struct err *err)
{
    char statement[STATEMENT_BYTES];
    snprintf(statement, sizeof statement,
             "CREATE TABLE IF NOT EXISTS benchmark_commits ("
             "id %s, sha VARCHAR(64) NOT NULL, timestamp TIMESTAMPTZ NOT NULL, "
             "status VARCHAR(20) NOT NULL, config JSONB NOT NULL, architecture VARCHAR(50), "
             "created_at TIMESTAMPTZ DEFAULT (%s), updated_at TIMESTAMPTZ DEFAULT (%s), "
             "config_hash VARCHAR(64), "
             "CONSTRAINT benchmark_commits_status_check "
             "CHECK (status IN ('in_progress', 'benchmark_complete', 'complete')))",
             store->driver->id_type, store->driver->now, store->driver->now);
    return run(store, statement, err);
}

/* One that valkey-perf-benchmark made lacks a column and a status. */
static enum err_code mend_commits(struct store *store, unsigned long version, struct err *err)
{
    static const char *const mending[] = {
        "ALTER TABLE benchmark_commits DROP CONSTRAINT IF EXISTS benchmark_commits_status_check",
        "ALTER TABLE benchmark_commits ADD CONSTRAINT benchmark_commits_status_check "
        "CHECK (status IN ('in_progress', 'benchmark_complete', 'complete'))",
    };
    struct store_columns columns;
    enum err_code code = store_columns_read(&columns, store, "benchmark_commits", err);
    const bool hashed = store_columns_find(&columns, "config_hash") != NULL;
    store_columns_free(&columns);
    if (code == OK && !hashed)
        code = run(store, "ALTER TABLE benchmark_commits ADD COLUMN config_hash VARCHAR(64)", err);
    for (size_t i = 0;
         i < sizeof mending / sizeof mending[0] && code == OK && version == 0 && !hashed; i++)
        code = run(store, mending[i], err);
    return code;
}

struct configs {
    json_t *texts;
    bool failed;
};

static bool take_config(void *state, const char *const *columns, size_t column_count)
{
    struct configs *configs = state;
    if (column_count > 0 && columns[0] != NULL &&
        json_array_append_new(configs->texts, json_string(columns[0])) != 0)
        configs->failed = true;
    return !configs->failed;
}

/* Rows of another tool have none. */
static enum err_code hash_configs(struct store *store, struct err *err)
{
    struct configs configs = {.texts = json_array()};
    enum err_code code =
        store_run(store, "its configurations cannot be read",
                  "SELECT DISTINCT config FROM benchmark_commits WHERE config_hash IS NULL", NULL,
                  0, take_config, &configs, NULL, err);
    size_t i;
    const json_t *text;
    if (code == OK && (configs.texts == NULL || configs.failed))
        code = err_set(err, E_SYSTEM, "no memory for configurations");
    json_array_foreach(configs.texts, i, text)
    {
        char hash[STORE_HASH_BYTES];
        json_t *config = json_loads(json_string_value(text), JSON_DECODE_ANY, NULL);
        if (code == OK && store_hash(hash, config, 0))
            code = store_run(store, "a configuration cannot be kept",
                             "UPDATE benchmark_commits SET config_hash = $1 "
                             "WHERE config_hash IS NULL AND config = $2",
                             (const char *const[]){hash, json_string_value(text)}, 2, NULL, NULL,
                             NULL, err);
        json_decref(config);
    }
    json_decref(configs.texts);
    return code;
}

static enum err_code make_all(struct store *store, unsigned long version, struct err *err)
{
    static const char *const indexes[] = {
        "CREATE UNIQUE INDEX IF NOT EXISTS idx_commits_sha_config_architecture "
        "ON benchmark_commits(sha, config_hash, architecture)",
        "CREATE INDEX IF NOT EXISTS idx_commits_config_hash "
        "ON benchmark_commits(config_hash, architecture, status)",
        "CREATE INDEX IF NOT EXISTS idx_commits_status ON benchmark_commits(status)",
        "CREATE INDEX IF NOT EXISTS idx_commits_timestamp ON benchmark_commits(timestamp)",
    };
    enum err_code code =
        run(store, "CREATE TABLE IF NOT EXISTS volley_schema (version INTEGER NOT NULL)", err);
    if (code == OK)
        code = make_commits(store, err);
    if (code == OK)
        code = mend_commits(store, version, err);
    if (code == OK)
        code = hash_configs(store, err);
    for (size_t i = 0; i < sizeof indexes / sizeof indexes[0] && code == OK; i++)
        code = run(store, indexes[i], err);
    if (code == OK && version < STORE_SCHEMA_VERSION)
        code = run(store, "INSERT INTO volley_schema (version) VALUES (1)", err);
    return code;
}

enum err_code store_schema_make(struct store *store, struct err *err)
{
    unsigned long version = 0;
    enum err_code code = store_begin(store, err);
    if (code == OK)
        code = read_version(&version, store, err);
    if (code == OK)
        code = make_all(store, version, err);
    if (code == OK)
        code = store_commit(store, err);
    store_undo(store);
    return code;
}
