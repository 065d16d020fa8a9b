#include "orchestrator/suite/track.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/printable.h"

static const char *const status_names[TRACK_STATUSES] = {"in_progress", "benchmark_complete",
                                                         "complete"};

const char *track_status_name(enum track_status status)
{
    return status_names[status];
}

/* ---- configurations ---- */

/* No configuration is one, too: an object without keys, as valkey-perf-benchmark keeps it. */
static json_t *config_of(const struct track *track)
{
    return track->config != NULL ? json_incref(track->config) : json_object();
}

static bool holds(const json_t *list, const json_t *wanted)
{
    size_t i;
    const json_t *item;
    json_array_foreach(list, i, item) if (json_equal(item, wanted)) return true;
    return false;
}

static bool object_is_covered(const json_t *wanted, const json_t *done)
{
    const char *key;
    json_t *value;
    if (!json_is_object(wanted) || !json_is_object(done))
        return false;
    json_object_foreach((json_t *)(uintptr_t)wanted, key, value)
    {
        const json_t *has = json_object_get(done, key);
        size_t i;
        const json_t *item;
        if (!json_is_array(value) || !json_is_array(has)) {
            if (has == NULL || !json_equal(value, has))
                return false;
            continue;
        }
        json_array_foreach(value, i, item) if (!holds(has, item)) return false;
    }
    return true;
}

bool track_is_covered(const json_t *wanted, const json_t *done)
{
    size_t i, k;
    const json_t *one, *other;
    if (!json_is_array(wanted) || !json_is_array(done))
        return object_is_covered(wanted, done);
    json_array_foreach(wanted, i, one)
    {
        bool covered = false;
        json_array_foreach(done, k, other) covered = covered || object_is_covered(one, other);
        if (!covered)
            return false;
    }
    return true;
}

/* ---- rows ---- */

static enum err_code no_memory(struct err *err)
{
    return err_set(err, E_SYSTEM, "no memory for commits");
}

enum err_code track_mark(const struct track *track, const char *sha, const char *time,
                         enum track_status status, struct err *err)
{
    char statement[600], hash[STORE_HASH_BYTES], utc[STORE_TIME_BYTES];
    json_t *config = config_of(track);
    char *text = json_dumps(config, JSON_COMPACT | JSON_SORT_KEYS);
    enum err_code code = text != NULL && store_hash(hash, config, 0) ? OK : no_memory(err);
    snprintf(
        statement, sizeof statement,
        "INSERT INTO benchmark_commits (sha, timestamp, status, config, architecture, config_hash) "
        "VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (sha, config_hash, architecture) "
        "DO UPDATE SET status = excluded.status, updated_at = %s",
        track->store->driver->now);
    if (code == OK && !store_time(utc, time))
        code = err_set(err, E_DATA, "%s: its time is none", PRINTABLE(sha));
    if (code == OK)
        code = store_run(track->store, "a commit cannot be marked", statement,
                         (const char *const[]){sha, utc, track_status_name(status), text,
                                               track->architecture, hash},
                         6, NULL, NULL, NULL, err);
    free(text);
    json_decref(config);
    return code;
}

enum err_code track_cleanup(const struct track *track, uint64_t *removed_count, struct err *err)
{
    char hash[STORE_HASH_BYTES];
    *removed_count = 0;
    if (track->config == NULL)
        return store_run(track->store, "commits cannot be removed",
                         "DELETE FROM benchmark_commits WHERE status = 'in_progress' AND "
                         "architecture = $1",
                         (const char *const[]){track->architecture}, 1, NULL, NULL, removed_count,
                         err);
    if (!store_hash(hash, track->config, 0))
        return no_memory(err);
    return store_run(track->store, "commits cannot be removed",
                     "DELETE FROM benchmark_commits WHERE status = 'in_progress' AND "
                     "architecture = $1 AND config_hash = $2",
                     (const char *const[]){track->architecture, hash}, 2, NULL, NULL, removed_count,
                     err);
}

/* ---- what is done ---- */

static bool take_sha(void *state, const char *const *columns, size_t column_count)
{
    struct track_done *done = state;
    if (column_count == 0 || columns[0] == NULL)
        return true;
    if ((done->count & (done->count - 1)) == 0) {
        void *grown =
            reallocarray(done->shas, done->count > 0 ? 2 * done->count : 1, sizeof done->shas[0]);
        done->failed = grown == NULL;
        if (grown == NULL)
            return false;
        done->shas = grown;
    }
    snprintf(done->shas[done->count++], TRACK_SHA_BYTES, "%s", columns[0]);
    return true;
}

static bool take_text(void *state, const char *const *columns, size_t column_count)
{
    return column_count == 0 || columns[0] == NULL ||
           json_array_append_new(state, json_string(columns[0])) == 0;
}

/* Those of other configurations that hold all of this one, complete: what is measured and not pushed may still be lost. */
static enum err_code take_covering(struct track_done *done, const struct track *track,
                                   const char *own_hash, struct err *err)
{
    json_t *hashes = json_array();
    size_t i;
    const json_t *hash;
    enum err_code code =
        store_run(track->store, "configurations cannot be read",
                  "SELECT DISTINCT config_hash FROM benchmark_commits "
                  "WHERE status = 'complete' AND architecture = $1",
                  (const char *const[]){track->architecture}, 1, take_text, hashes, NULL, err);
    json_array_foreach(hashes, i, hash)
    {
        const char *text = json_string_value(hash);
        json_t *texts = json_array();
        if (code == OK && strcmp(text, own_hash) != 0)
            code = store_run(track->store, "a configuration cannot be read",
                             "SELECT config FROM benchmark_commits WHERE config_hash = $1 LIMIT 1",
                             (const char *const[]){text}, 1, take_text, texts, NULL, err);
        const char *kept = json_string_value(json_array_get(texts, 0));
        json_t *config = kept != NULL ? json_loads(kept, JSON_DECODE_ANY, NULL) : NULL;
        if (code == OK && config != NULL && track_is_covered(track->config, config)) {
            done->covering++;
            code = store_run(track->store, "commits cannot be read",
                             "SELECT sha FROM benchmark_commits WHERE config_hash = $1 AND "
                             "architecture = $2 AND status = 'complete'",
                             (const char *const[]){text, track->architecture}, 2, take_sha, done,
                             NULL, err);
        }
        json_decref(config);
        json_decref(texts);
    }
    json_decref(hashes);
    return code;
}

static int by_text(const void *one, const void *other)
{
    return strcmp(one, other);
}

enum err_code track_done_read(struct track_done *done, const struct track *track, bool exact,
                              struct err *err)
{
    char hash[STORE_HASH_BYTES] = "";
    *done = (struct track_done){0};
    enum err_code code = OK;
    if (track->config == NULL)
        code = store_run(track->store, "commits cannot be read",
                         "SELECT sha FROM benchmark_commits WHERE architecture = $1 AND "
                         "status IN ('benchmark_complete', 'complete')",
                         (const char *const[]){track->architecture}, 1, take_sha, done, NULL, err);
    else if (!store_hash(hash, track->config, 0))
        code = no_memory(err);
    else
        code = store_run(track->store, "commits cannot be read",
                         "SELECT sha FROM benchmark_commits WHERE config_hash = $1 AND "
                         "architecture = $2 AND status IN ('benchmark_complete', 'complete')",
                         (const char *const[]){hash, track->architecture}, 2, take_sha, done, NULL,
                         err);
    if (code == OK && track->config != NULL && !exact)
        code = take_covering(done, track, hash, err);
    if (code == OK && done->failed)
        code = no_memory(err);
    if (done->count > 0)
        qsort(done->shas, done->count, sizeof done->shas[0], by_text);
    return code;
}

bool track_done_has(const struct track_done *done, const char *sha)
{
    return done->count > 0 &&
           bsearch(sha, done->shas, done->count, sizeof done->shas[0], by_text) != NULL;
}

void track_done_free(struct track_done *done)
{
    free(done->shas);
    *done = (struct track_done){0};
}

/* ---- what there is ---- */

/* Rows as the database has them, told with the hash of their configuration: one that another tool has kept, or that may only be
 * read, has none. */
struct telling {
    store_row *row;
    void *state;
    size_t config;                 /* its column */
    char wanted[STORE_HASH_BYTES]; /* "": any */
    char *last; /* the configuration of the row before, which most rows have, too ... */
    char hash[STORE_HASH_BYTES]; /* ... and its hash */
    bool failed;
};

static const char *hash_of(struct telling *telling, const char *config)
{
    if (config == NULL)
        return "";
    if (telling->last != NULL && strcmp(telling->last, config) == 0)
        return telling->hash;
    json_t *value = json_loads(config, JSON_DECODE_ANY, NULL);
    free(telling->last);
    telling->last = strdup(config);
    telling->hash[0] = '\0';
    telling->failed =
        telling->last == NULL || (value != NULL && !store_hash(telling->hash, value, 0));
    json_decref(value);
    return telling->hash;
}

static bool tell_row(void *state, const char *const *columns, size_t column_count)
{
    struct telling *telling = state;
    const char *with_hash[TRACK_COLUMNS];
    if (column_count >= TRACK_COLUMNS || column_count <= telling->config)
        return false;
    memcpy(with_hash, columns, column_count * sizeof columns[0]);
    with_hash[column_count] = hash_of(telling, columns[telling->config]);
    if (telling->failed ||
        (telling->wanted[0] != '\0' && strcmp(telling->wanted, with_hash[column_count]) != 0))
        return !telling->failed;
    return telling->row(telling->state, with_hash, column_count + 1);
}

static enum err_code tell(struct telling *telling, const struct track *track, const char *statement,
                          size_t value_count, struct err *err)
{
    enum err_code code = store_run(track->store, "commits cannot be read", statement,
                                   (const char *const[]){track->architecture}, value_count,
                                   tell_row, telling, NULL, err);
    free(telling->last);
    return code == OK && telling->failed ? no_memory(err) : code;
}

enum err_code track_query(const struct track *track, store_row *row, void *state, struct err *err)
{
    struct telling telling = {.row = row, .state = state, .config = 3};
    if (track->config != NULL && !store_hash(telling.wanted, track->config, 0))
        return no_memory(err);
    return tell(&telling, track,
                "SELECT sha, timestamp, status, config, architecture FROM benchmark_commits "
                "WHERE architecture = $1 ORDER BY timestamp DESC, id",
                1, err);
}

enum err_code track_configs(const struct track *track, store_row *row, void *state, struct err *err)
{
    struct telling telling = {.row = row, .state = state, .config = 0};
    return tell(&telling, track,
                "SELECT config, count(*) FROM benchmark_commits GROUP BY config "
                "ORDER BY count(*) DESC, CAST(config AS TEXT)",
                0, err);
}
