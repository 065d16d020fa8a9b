#include "orchestrator/suite/push.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "common/printable.h"
#include "orchestrator/scenario/run_file.h"
#include "orchestrator/suite/push_columns.h"

#define FILE_BYTES_MAX (256u << 20)
#define TABLE_ID_LETTERS 31u
#define ROWS_SHOWN 3u

/* ---- names ---- */

enum err_code push_table(char table[STORE_NAME_BYTES], const char *id, struct err *err)
{
    const size_t bytes = strlen(id);
    bool good = bytes > 0 && bytes <= TABLE_ID_LETTERS && islower((unsigned char)id[0]);
    for (size_t i = 0; i < bytes && good; i++)
        good = islower((unsigned char)id[i]) || isdigit((unsigned char)id[i]) || id[i] == '_';
    if (!good)
        return err_set(
            err, E_USAGE,
            "--table %.40s: allowed: core, tag, or a name of up to %u of a-z, 0-9 and _, "
            "a letter first, for the table benchmark_metrics_<name>",
            PRINTABLE(id), TABLE_ID_LETTERS);
    if (strcmp(id, "core") == 0)
        snprintf(table, STORE_NAME_BYTES, "benchmark_metrics");
    else if (strcmp(id, "tag") == 0)
        snprintf(table, STORE_NAME_BYTES, "benchmark_tags_metrics");
    else
        snprintf(table, STORE_NAME_BYTES, "benchmark_metrics_%s", id);
    return OK;
}

/* ---- records of a directory ---- */

struct batch {
    const char *path; /* of its metrics.json */
    json_t *root;
    json_t **records; /* those that can be pushed; of root */
    size_t count, skipped;
    struct push_columns columns;
    struct store_columns there; /* the table's */
    char *insert, *adopt;       /* statements; adopt NULL: there is nothing of another tool's */
};

static void free_batch(struct batch *batch)
{
    json_decref(batch->root);
    free(batch->records);
    free(batch->insert);
    free(batch->adopt);
    push_columns_free(&batch->columns);
    store_columns_free(&batch->there);
}

static enum err_code no_memory(struct err *err)
{
    return err_set(err, E_SYSTEM, "no memory for records");
}

/* A text that is not empty. */
static bool has_text(const json_t *record, const char *key)
{
    return json_string_length(json_object_get(record, key)) > 0;
}

/* Why a record cannot be a row; NULL: it can. */
static const char *flaw_of(json_t *record)
{
    char utc[STORE_TIME_BYTES];
    if (!json_is_object(record))
        return "it is no object";
    if (!has_text(record, "timestamp") || !has_text(record, "commit"))
        return "timestamp or commit is missing";
    if (!has_text(record, "command"))
        return "command is missing";
    if (!store_time(utc, json_string_value(json_object_get(record, "timestamp"))))
        return "its timestamp is no moment";
    return NULL;
}

static enum err_code take_records(const struct push *push, struct batch *batch, struct err *err)
{
    size_t i;
    json_t *record;
    if (!json_is_array(batch->root))
        return err_set(err, E_DATA, "%s: is no list of records", PRINTABLE(batch->path));
    batch->records = calloc(json_array_size(batch->root) + 1, sizeof(json_t *));
    if (batch->records == NULL)
        return no_memory(err);
    json_array_foreach(batch->root, i, record)
    {
        const char *flaw = flaw_of(record);
        if (flaw == NULL) {
            batch->records[batch->count++] = record;
            continue;
        }
        batch->skipped++;
        fprintf(push->out, "  record %zu is left out: %s\n", i + 1, flaw);
    }
    return OK;
}

static enum err_code read_batch(const struct push *push, struct batch *batch, struct err *err)
{
    FILE *file = NULL;
    uint64_t size_bytes = 0;
    json_error_t reason = {.text = ""};
    enum err_code code = run_file_open(&file, &size_bytes, batch->path, err);
    if (code == OK && size_bytes > FILE_BYTES_MAX)
        code = err_set(err, E_DATA, "%s: has %llu MB; %u are the most", PRINTABLE(batch->path),
                       (unsigned long long)(size_bytes >> 20), FILE_BYTES_MAX >> 20);
    if (code == OK) {
        batch->root = json_loadf(file, JSON_REJECT_DUPLICATES, &reason);
        if (batch->root == NULL)
            code = err_set(err, E_DATA, "%s:%d: %s", PRINTABLE(batch->path), reason.line,
                           PRINTABLE(reason.text));
    }
    if (file != NULL)
        fclose(file);
    if (code == OK)
        code = take_records(push, batch, err);
    if (code == OK)
        code = push_columns_make(&batch->columns, batch->records, batch->count, err);
    return code;
}

/* ---- the table ---- */

static enum err_code alter(struct push *push, const char *statement, struct err *err)
{
    return store_run(push->store, "its table cannot be changed", statement, NULL, 0, NULL, NULL,
                     NULL, err);
}

static enum err_code create_table(struct push *push, struct err *err)
{
    static const char *const indexed[] = {"timestamp", "commit", "command"};
    char statement[1000];
    snprintf(statement, sizeof statement,
             "CREATE TABLE \"%s\" (id %s, \"timestamp\" TIMESTAMPTZ NOT NULL, "
             "\"commit\" VARCHAR(255) NOT NULL, command TEXT NOT NULL, "
             "created_at TIMESTAMPTZ DEFAULT (%s), row_hash VARCHAR(64))",
             push->table, push->store->driver->id_type, push->store->driver->now);
    enum err_code code = alter(push, statement, err);
    for (size_t i = 0; i < sizeof indexed / sizeof indexed[0] && code == OK; i++) {
        snprintf(statement, sizeof statement,
                 "CREATE INDEX IF NOT EXISTS \"idx_%s_%s\" ON \"%s\"(\"%s\")", push->table,
                 indexed[i], push->table, indexed[i]);
        code = alter(push, statement, err);
    }
    if (code == OK)
        fprintf(push->out, "  New table: %s\n", push->table);
    return code;
}

static enum err_code add_column(struct push *push, const char *name, struct store_kind kind,
                                struct err *err)
{
    char statement[400], quoted[STORE_QUOTED_BYTES], text[STORE_KIND_BYTES];
    if (!store_quote(quoted, name))
        return err_set(err, E_DATA, "\"%.80s\" can be no column's name", PRINTABLE(name));
    snprintf(statement, sizeof statement, "ALTER TABLE \"%s\" ADD COLUMN %s %s", push->table,
             quoted, store_kind_name(text, kind));
    enum err_code code = alter(push, statement, err);
    if (code == OK)
        fprintf(push->out, "  Added new column: %s (%s)\n", PRINTABLE(name), text);
    return code;
}

static enum err_code change_column(struct push *push, const struct batch *batch,
                                   const struct store_column *has, const struct push_column *needs,
                                   struct err *err)
{
    char statement[400], quoted[STORE_QUOTED_BYTES], text[STORE_KIND_BYTES], now[STORE_KIND_BYTES];
    struct store_kind wider;
    if (!push_kind_widen(&wider, has->kind, needs->kind))
        return err_set(
            err, E_DATA,
            "%.120s: \"%.60s\" is %s in the table %s, and %s in these records: nothing of "
            "them is pushed; call it otherwise, or push them into another --table",
            PRINTABLE(batch->path), PRINTABLE(needs->name), PRINTABLE(has->declared), push->table,
            store_kind_name(text, needs->kind));
    store_kind_name(text, wider);
    if (!push->store->driver->keeps_types || strcmp(text, store_kind_name(now, has->kind)) == 0 ||
        !store_quote(quoted, has->name))
        return OK;
    snprintf(statement, sizeof statement, "ALTER TABLE \"%s\" ALTER COLUMN %s TYPE %s", push->table,
             quoted, text);
    enum err_code code = alter(push, statement, err);
    if (code == OK)
        fprintf(push->out, "  Column %s is %s now\n", PRINTABLE(has->name), text);
    return code;
}

/* test_type is of the push, and no record's own then. */
static bool is_overlaid(const struct push *push, const char *name)
{
    return push->test_type != NULL && strcasecmp(name, "test_type") == 0;
}

/* SQLite takes both for one column, and people do so anyway. */
static enum err_code check_case(const struct push *push, const struct batch *batch,
                                const struct push_column *needs, struct err *err)
{
    for (size_t i = 0; i < batch->there.count; i++) {
        const char *name = batch->there.items[i].name;
        if (strcasecmp(name, needs->name) == 0 && strcmp(name, needs->name) != 0)
            return err_set(err, E_DATA,
                           "%.120s: \"%.60s\" and the column \"%.60s\" of %s differ by case alone: "
                           "nothing of these records is pushed",
                           PRINTABLE(batch->path), PRINTABLE(needs->name), PRINTABLE(name),
                           push->table);
    }
    return OK;
}

static enum err_code prepare_table(struct push *push, struct batch *batch, struct err *err)
{
    char statement[400];
    enum err_code code = store_columns_read(&batch->there, push->store, push->table, err);
    if (code == OK && batch->there.count == 0) {
        code = create_table(push, err);
        if (code == OK)
            code = store_columns_read(&batch->there, push->store, push->table, err);
    }
    if (code == OK && store_columns_find(&batch->there, "row_hash") == NULL)
        code = add_column(push, "row_hash", (struct store_kind){STORE_TEXT, 64}, err);
    snprintf(statement, sizeof statement,
             "CREATE UNIQUE INDEX IF NOT EXISTS \"idx_%s_row\" ON \"%s\"(row_hash)", push->table,
             push->table);
    if (code == OK)
        code = alter(push, statement, err);
    for (size_t i = 0; i < batch->columns.count && code == OK; i++) {
        const struct push_column *needs = &batch->columns.items[i];
        const struct store_column *has = store_columns_find(&batch->there, needs->name);
        if (is_overlaid(push, needs->name))
            continue;
        code = check_case(push, batch, needs, err);
        if (code != OK)
            break;
        code = has == NULL ? add_column(push, needs->name, needs->kind, err)
                           : change_column(push, batch, has, needs, err);
    }
    if (code == OK && push->test_type != NULL &&
        store_columns_find(&batch->there, "test_type") == NULL)
        code = add_column(push, "test_type", (struct store_kind){STORE_TEXT, 50}, err);
    return code;
}

/* ---- rows ---- */

static bool make_insert(const struct push *push, struct batch *batch)
{
    char quoted[STORE_QUOTED_BYTES];
    size_t bytes = 0, count = 0;
    FILE *out = open_memstream(&batch->insert, &bytes);
    if (out == NULL)
        return false;
    fprintf(out, "INSERT INTO \"%s\" (row_hash", push->table);
    for (size_t i = 0; i < batch->columns.count; i++)
        if (!is_overlaid(push, batch->columns.items[i].name) &&
            store_quote(quoted, batch->columns.items[i].name)) {
            fprintf(out, ", %s", quoted);
            count++;
        }
    fprintf(out, "%s) VALUES ($1", push->test_type != NULL ? ", test_type" : "");
    for (size_t i = 0; i < count + (push->test_type != NULL); i++)
        fprintf(out, ", $%zu", i + 2);
    fprintf(out, ") ON CONFLICT (row_hash) DO NOTHING");
    return fclose(out) == 0;
}

/* A row of valkey-perf-benchmark has no hash: the one with the same values gets it. */
static bool make_adopt(const struct push *push, struct batch *batch)
{
    char quoted[STORE_QUOTED_BYTES];
    size_t bytes = 0, number = 2;
    FILE *out = open_memstream(&batch->adopt, &bytes);
    if (out == NULL)
        return false;
    fprintf(
        out,
        "UPDATE \"%s\" SET row_hash = $1 WHERE id = (SELECT id FROM \"%s\" WHERE row_hash IS NULL",
        push->table, push->table);
    for (size_t i = 0; i < batch->columns.count; i++) {
        const char *name = batch->columns.items[i].name;
        const struct store_column *column = store_columns_find(&batch->there, name);
        if (is_overlaid(push, name) || !store_quote(quoted, name))
            continue;
        if (column == NULL)
            fprintf(out, " AND CAST($%zu AS TEXT) IS NULL", number++);
        else
            fprintf(out, " AND %s IS NOT DISTINCT FROM CAST($%zu AS %s)", quoted, number++,
                    column->declared);
    }
    fprintf(out, " LIMIT 1) AND NOT EXISTS (SELECT 1 FROM \"%s\" WHERE row_hash = $1)",
            push->table);
    return fclose(out) == 0;
}

struct row {
    const char **values;
    char **owned;
    size_t count;
    char hash[STORE_HASH_BYTES], utc[STORE_TIME_BYTES];
};

static void fill_row(struct row *row, const struct push *push, const struct batch *batch,
                     const json_t *record)
{
    row->count = 0;
    row->values[row->count++] = row->hash;
    for (size_t i = 0; i < batch->columns.count; i++) {
        const char *name = batch->columns.items[i].name;
        if (is_overlaid(push, name))
            continue;
        const json_t *value = json_object_get(record, name);
        if (strcmp(name, "timestamp") == 0 && store_time(row->utc, json_string_value(value))) {
            row->values[row->count++] = row->utc;
            continue;
        }
        const bool as_json = batch->columns.items[i].kind.type == STORE_JSON;
        if (as_json && json_is_string(value)) {
            row->owned[i] = json_dumps(value, JSON_ENCODE_ANY);
            row->values[row->count++] = row->owned[i];
        } else {
            row->values[row->count++] = push_value(&row->owned[i], value);
        }
    }
}

static void empty_row(struct row *row, size_t column_count)
{
    for (size_t i = 0; i < column_count; i++) {
        free(row->owned[i]);
        row->owned[i] = NULL;
    }
}

/* The hash of a record, and how many like it stand before it: two runs may well have the same figures. */
static bool hash_record(char hash[STORE_HASH_BYTES], const json_t *record, json_t *seen)
{
    if (!store_hash(hash, record, 0))
        return false;
    const json_int_t before = json_integer_value(json_object_get(seen, hash));
    return json_object_set_new(seen, hash, json_integer(before + 1)) == 0 &&
           store_hash(hash, record, (size_t)before);
}

static enum err_code insert_row(struct push *push, const struct batch *batch, struct row *row,
                                uint64_t *inserted, struct err *err)
{
    uint64_t changed = 0;
    enum err_code code = OK;
    if (batch->adopt != NULL)
        code = store_run(push->store, "a record cannot be looked for", batch->adopt, row->values,
                         row->count, NULL, NULL, &changed, err);
    if (code != OK || changed > 0)
        return code;
    if (push->test_type != NULL)
        row->values[row->count++] = push->test_type;
    code = store_run(push->store, "a record cannot be pushed", batch->insert, row->values,
                     row->count, NULL, NULL, &changed, err);
    *inserted += changed;
    return code;
}

static enum err_code insert_rows(struct push *push, struct batch *batch, uint64_t *inserted,
                                 struct err *err)
{
    struct row row = {.values = calloc(batch->columns.count + 3, sizeof(char *)),
                      .owned = calloc(batch->columns.count + 1, sizeof(char *))};
    json_t *seen = json_object();
    enum err_code code =
        row.values != NULL && row.owned != NULL && seen != NULL ? OK : no_memory(err);
    for (size_t i = 0; i < batch->count && code == OK; i++) {
        if (push->interrupted != NULL && *push->interrupted != 0)
            code = err_set(err, E_INTERRUPTED, "interrupted: nothing of %s is pushed",
                           PRINTABLE(batch->path));
        else if (!hash_record(row.hash, batch->records[i], seen))
            code = no_memory(err);
        if (code != OK)
            break;
        fill_row(&row, push, batch, batch->records[i]);
        code = insert_row(push, batch, &row, inserted, err);
        empty_row(&row, batch->columns.count);
    }
    json_decref(seen);
    free(row.values);
    free(row.owned);
    return code;
}

static bool take_any(void *state, const char *const *columns, size_t column_count)
{
    (void)columns;
    *(bool *)state = column_count > 0;
    return false;
}

/* Of all that a directory has, or of nothing. */
static enum err_code push_batch(struct push *push, struct batch *batch, uint64_t *inserted,
                                struct err *err)
{
    char look[200];
    bool others = false;
    snprintf(look, sizeof look, "SELECT 1 FROM \"%s\" WHERE row_hash IS NULL LIMIT 1", push->table);
    enum err_code code = store_begin(push->store, err);
    if (code == OK)
        code = prepare_table(push, batch, err);
    if (code == OK)
        code = store_run(push->store, "its rows cannot be read", look, NULL, 0, take_any, &others,
                         NULL, err);
    if (code == OK && (!make_insert(push, batch) || (others && !make_adopt(push, batch))))
        code = no_memory(err);
    if (code == OK)
        code = insert_rows(push, batch, inserted, err);
    if (code == OK)
        code = store_commit(push->store, err);
    store_undo(push->store);
    return code;
}

/* ---- what would be ---- */

static void show_batch(const struct push *push, const struct batch *batch)
{
    fprintf(push->out, "  Would push %zu records with %zu columns into %s:\n", batch->count,
            batch->columns.count, push->table);
    for (size_t i = 0; i < batch->columns.count; i++) {
        char text[STORE_KIND_BYTES];
        fprintf(push->out, "%s%s %s", i == 0 ? "    " : ", ",
                PRINTABLE(batch->columns.items[i].name),
                store_kind_name(text, batch->columns.items[i].kind));
    }
    fprintf(push->out, "\n");
    for (size_t i = 0; i < batch->count && i < ROWS_SHOWN; i++) {
        char *text = json_dumps(batch->records[i], JSON_COMPACT | JSON_ENSURE_ASCII);
        fprintf(push->out, "  [%zu] %s\n", i + 1, text != NULL ? text : "");
        free(text);
    }
    if (batch->count > ROWS_SHOWN)
        fprintf(push->out, "  ... and %zu more\n", batch->count - ROWS_SHOWN);
}

/* ---- directories ---- */

/* Told, and the next one: of what is wrong with the database there is no next. */
static enum err_code push_directory(struct push *push, const char *name, const char *path,
                                    struct err *err)
{
    struct batch batch = {.path = path};
    struct err problem = {.code = OK};
    uint64_t inserted = 0;
    fprintf(push->out, "%s\n", PRINTABLE(name));
    enum err_code code = read_batch(push, &batch, &problem);
    push->skipped += batch.skipped;
    if (code == OK && push->store == NULL)
        show_batch(push, &batch);
    else if (code == OK && batch.count > 0)
        code = push_batch(push, &batch, &inserted, &problem);
    if (code == OK) {
        push->directories++;
        inserted = inserted < batch.count ? inserted : batch.count; /* a trigger may change more */
        push->inserted += (size_t)inserted;
        push->there_already += push->store != NULL ? batch.count - (size_t)inserted : 0;
        if (push->store != NULL)
            fprintf(push->out, "  %llu records pushed, %zu were there\n",
                    (unsigned long long)inserted, batch.count - (size_t)inserted);
    } else if (code == E_DATA) {
        push->failed++;
        fprintf(push->out, "  Failed: %s\n", problem.text);
        code = OK;
    } else {
        code = err_set(err, code, "%s", problem.text);
    }
    free_batch(&batch);
    fflush(push->out);
    return code;
}

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static bool has_file(char path[PATH_MAX], const char *directory, const char *name)
{
    struct stat about;
    const int bytes = snprintf(path, PATH_MAX, "%s/%s%smetrics.json", directory, name,
                               name[0] != '\0' ? "/" : "");
    return bytes > 0 && bytes < PATH_MAX && stat(path, &about) == 0;
}

enum err_code push_all(struct push *push, struct err *err)
{
    struct dirent **names = NULL;
    char path[PATH_MAX];
    size_t found = 0;
    const int count = scandir(push->results_dir, &names, is_visible, alphasort);
    enum err_code code = OK;
    if (count < 0)
        return err_set_errno(err, E_USAGE, errno, "--results-dir %s", PRINTABLE(push->results_dir));
    if (has_file(path, push->results_dir, "")) {
        found++;
        code = push_directory(push, push->results_dir, path, err);
    }
    for (int i = 0; i < count; i++) {
        if (code == OK && has_file(path, push->results_dir, names[i]->d_name)) {
            found++;
            code = push_directory(push, names[i]->d_name, path, err);
        }
        free(names[i]);
    }
    free(names);
    if (code == OK && found == 0)
        return err_set(err, E_USAGE,
                       "--results-dir %s: neither it nor a directory in it has a metrics.json",
                       PRINTABLE(push->results_dir));
    if (code == OK && push->failed > 0)
        code =
            err_set(err, E_DATA, "%zu of %zu directories could not be pushed", push->failed, found);
    return code;
}
