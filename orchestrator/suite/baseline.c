#include "orchestrator/suite/baseline.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "common/printable.h"
#include "common/suggest.h"
#include "common/version.h"
#include "orchestrator/page/page_leaves.h"
#include "orchestrator/report/json_value.h"
#include "orchestrator/report/output.h"
#include "orchestrator/scenario/run_file.h"
#include "orchestrator/suite/result_find.h"

#define FOLDER "baselines"
#define ENDING ".json"

static enum err_code no_memory(struct err *err)
{
    return err_set(err, E_SYSTEM, "no memory for a baseline");
}

enum err_code baseline_name_check(const char *name, struct err *err)
{
    bool good = isalnum((unsigned char)name[0]) && strlen(name) < BASELINE_NAME_BYTES;
    for (const char *at = name; *at != '\0' && good; at++)
        good = isalnum((unsigned char)*at) || strchr("._-", *at) != NULL;
    return good ? OK
                : err_set(err, E_USAGE,
                          "%.80s: the name of a baseline begins with a letter or digit, has "
                          "letters, digits, dots, _ and - behind it, and at most %u of them",
                          PRINTABLE(name), BASELINE_NAME_BYTES - 1);
}

void baseline_path(char path[RECORD_PATH_BYTES], const char *results, const char *name)
{
    snprintf(path, RECORD_PATH_BYTES, "%.3900s/" FOLDER "/%.100s" ENDING, results, name);
}

/* ---- records of runs ---- */

/* What of the options makes a load, by the key of a record. The rest of those that make one stand in config_set. */
static const struct {
    const char *option, *key;
} option_keys[] = {
    {"clients", "clients"},   {"datasize", "data_size"},     {"random", "keyspacelen"},
    {"requests", "requests"}, {"test-duration", "duration"}, {"warmup", "warmup"},
    {"tls", "tls"},           {"cluster", "cluster_mode"},   {"threads", "benchmark_threads"},
    {"dataset", "dataset"},   {"buffer", "buffer"},
};
static const char *const load_options[] = {
    "workload",
    "mix",
    "ratio",
    "value-size",
    "ttl",
    "key-dist",
    "sequential",
    "qps",
    "start-qps",
    "end-qps",
    "arrival",
    "rate-plan",
    "think-time",
    "enable-tracking",
    "resp3",
    "prefill",
    "keepalive",
    "replay",
    "read-from-replica",
    "custom-command-file",
    "chaos",
    "verify",
    "processes",
    "null",
};

static bool is_set(const json_t *value)
{
    return value != NULL && !json_is_null(value) && !json_is_false(value);
}

static void take_options(json_t *object, const json_t *options)
{
    json_t *others = json_object();
    for (size_t i = 0; i < sizeof option_keys / sizeof option_keys[0]; i++) {
        json_t *value = json_object_get(options, option_keys[i].option);
        if (is_set(value))
            (void)json_object_set(object, option_keys[i].key, value);
    }
    for (size_t i = 0; i < sizeof load_options / sizeof load_options[0]; i++) {
        json_t *value = json_object_get(options, load_options[i]);
        if (is_set(value))
            (void)json_object_set(others, load_options[i], value);
    }
    if (json_object_size(others) > 0)
        (void)json_object_set(object, "config_set", others);
    json_decref(others);
}

/* "key: value", as record_set.h has it. */
static void take_section(json_t *object, const char *section)
{
    for (const char *line = section; *line != '\0';) {
        const char *end = strchr(line, '\n'), *colon = strstr(line, ": ");
        if (end == NULL)
            end = line + strlen(line);
        if (colon != NULL && colon < end) {
            char key[64];
            snprintf(key, sizeof key, "%.*s", (int)(colon - line), line);
            (void)json_object_set_new(object, key,
                                      json_stringn(colon + 2, (size_t)(end - colon - 2)));
        }
        line = *end == '\n' ? end + 1 : end;
    }
}

json_t *baseline_configuration(const struct record *record)
{
    const struct {
        const char *key, *value;
    } others[] = {{"command", record->command},
                  {"pipeline", record->pipeline},
                  {"io_threads", record->io_threads}};
    json_t *object = json_object();
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (others[i].value[0] != '\0')
            (void)json_object_set_new(object, others[i].key, json_value_text(others[i].value));
    take_section(object, record->section);
    json_t *set = json_object_get(object, "config_set");
    json_t *tree = set != NULL ? json_loads(json_string_value(set), 0, NULL) : NULL;
    if (tree != NULL)
        (void)json_object_set_new(object, "config_set", tree);
    return object;
}

static json_t *record_json(const struct record *record, const json_t *options, const char *source)
{
    json_t *object = baseline_configuration(record);
    take_options(object, options);
    for (unsigned figure = 0; figure < RECORD_FIGURES; figure++)
        if (!isnan(record->values[figure]) || record_hides(record, figure))
            (void)json_object_set_new(
                object, record_figure_name(figure),
                record_hides(record, figure) ? json_null() : json_real(record->values[figure]));
    if (record->verdict >= 0)
        (void)json_object_set_new(
            object, "verdict",
            json_string(verdict_level_name((enum verdict_level)record->verdict)));
    if (!isnan(record->used_memory_bytes))
        (void)json_object_set_new(object, "used_memory_bytes",
                                  json_real(record->used_memory_bytes));
    (void)json_object_set_new(object, "source", json_value_text(source));
    return object;
}

/* Of several environments what all of them say. */
static void keep_common(json_t *environment, const json_t *other)
{
    const char *key;
    json_t *value;
    void *next;
    json_object_foreach_safe(environment, next, key, value)
    {
        if (!json_equal(value, json_object_get(other, key)))
            (void)json_object_del(environment, key);
    }
}

static enum err_code add_runs(json_t *records, json_t **environment, char *label,
                              size_t label_bytes, const char *path, struct err *err)
{
    struct record_set set = {.records = NULL};
    const enum err_code code = record_set_read(&set, path, err);
    for (size_t i = 0; i < set.count && code == OK; i++)
        (void)json_array_append_new(
            records,
            record_json(&set.records[i], json_object_get(set.environment, "option"), path));
    if (code == OK && *environment == NULL) {
        *environment = json_deep_copy(set.environment);
        snprintf(label, label_bytes, "%s", set.name);
    } else if (code == OK)
        keep_common(*environment, set.environment);
    record_set_free(&set);
    return code;
}

/* The set and the rest out of root. */
static enum err_code settle(struct baseline *baseline, const char *path, struct err *err)
{
    json_t *records = json_object_get(baseline->root, "records");
    const json_t *environment = json_object_get(baseline->root, "environment");
    const enum err_code code = record_set_take(&baseline->set, records, path, err);
    if (code != OK)
        return code;
    if (baseline->set.count > BASELINE_RUNS_MAX)
        return err_set(err, E_DATA, "%zu runs: a baseline has at most %u", baseline->set.count,
                       BASELINE_RUNS_MAX);
    if (json_is_object(environment))
        (void)json_object_update(baseline->set.environment, (json_t *)(uintptr_t)environment);
    return OK;
}

/* One that the user has named. */
static enum err_code find_runs(char path[RECORD_PATH_BYTES], const char *results,
                               const char *wanted, struct err *err)
{
    enum baseline_kind kind;
    const enum err_code code = baseline_find(path, &kind, results, wanted, err);
    if (code == OK && kind == BASELINE_SAVED)
        return err_set(err, E_DATA,
                       "%.200s is a baseline itself: runs are taken, or a suite's results",
                       PRINTABLE(wanted));
    return code == OK ? result_find_only(path, err) : code;
}

enum err_code baseline_collect(struct baseline *baseline, const char *results,
                               const char *const *wanted, size_t count, struct err *err)
{
    char(*paths)[RECORD_PATH_BYTES] = NULL;
    json_t *records = json_array(), *environment = NULL;
    char label[64] = "";
    *baseline = (struct baseline){.root = NULL};
    enum err_code code = count <= BASELINE_SOURCES_MAX
                             ? OK
                             : err_set(err, E_USAGE, "%zu directories of runs: at most %u", count,
                                       BASELINE_SOURCES_MAX);
    if (code == OK && (paths = calloc(count + 1, sizeof paths[0])) == NULL)
        code = no_memory(err);
    for (size_t i = 0; i < count && code == OK; i++) {
        code = find_runs(paths[i], results, wanted[i], err);
        for (size_t k = 0; k < i && code == OK; k++)
            if (strcmp(paths[i], paths[k]) == 0)
                code = err_set(err, E_USAGE, "%.200s is named twice", PRINTABLE(paths[i]));
        if (code == OK)
            code = add_runs(records, &environment, label, sizeof label, paths[i], err);
    }
    if (code == OK) {
        baseline->root = json_pack("{s:O, s:O}", "environment", environment, "records", records);
        code = baseline->root != NULL ? settle(baseline, paths[0], err) : no_memory(err);
    }
    if (code == OK)
        snprintf(baseline->set.name, sizeof baseline->set.name, "%.40s%s", label,
                 count > 1 ? " and others" : "");
    free(paths);
    json_decref(records);
    json_decref(environment);
    return code;
}

void baseline_free(struct baseline *baseline)
{
    record_set_free(&baseline->set);
    json_decref(baseline->root);
    *baseline = (struct baseline){.root = NULL};
}

/* ---- files ---- */

static enum err_code make_folder(const char *results, struct err *err)
{
    char path[RECORD_PATH_BYTES];
    snprintf(path, sizeof path, "%.3900s/" FOLDER, results);
    if ((mkdir(results, 0777) == 0 || errno == EEXIST) &&
        (mkdir(path, 0777) == 0 || errno == EEXIST))
        return OK;
    return err_set_errno(err, E_USAGE, errno, "%.200s cannot be made", PRINTABLE(path));
}

static void tell_time(char text[40])
{
    struct tm utc;
    const time_t now = time(NULL);
    if (gmtime_r(&now, &utc) == NULL || strftime(text, 40, "%Y-%m-%dT%H:%M:%SZ", &utc) == 0)
        text[0] = '\0';
}

enum err_code baseline_save(struct baseline *baseline, const char *results, const char *name,
                            bool replace, struct err *err)
{
    struct output output = {.file = NULL};
    struct stat about;
    if (baseline_name_check(name, err) != OK || make_folder(results, err) != OK)
        return err->code;
    baseline_path(baseline->set.path, results, name);
    if (!replace && lstat(baseline->set.path, &about) == 0)
        return err_set(err, E_USAGE,
                       "there is a baseline %s already, %.200s: choose another name, or replace it "
                       "with --force",
                       PRINTABLE(name), PRINTABLE(baseline->set.path));
    snprintf(baseline->name, sizeof baseline->name, "%s", name);
    tell_time(baseline->saved);
    json_t *head = json_pack("{s:s, s:s, s:s, s:s}", "schema", BASELINE_SCHEMA, "name", name,
                             "saved", baseline->saved, "volley", volley_version);
    if (head == NULL || json_object_update(head, baseline->root) != 0) {
        json_decref(head);
        return no_memory(err);
    }
    json_decref(baseline->root);
    baseline->root = head;
    enum err_code code =
        output_create(&output, baseline->set.path, replace ? OUTPUT_OWN : OUTPUT_MISSING, err);
    if (code == OK && !json_value_write(&output, head, JSON_INDENT(1) | JSON_REAL_PRECISION(15)))
        code = no_memory(err);
    if (code == OK) {
        output_printf(&output, "\n");
        code = output_commit(&output, err);
    }
    output_discard(&output);
    return code;
}

static enum err_code damaged(const char *path, const char *why, struct err *err)
{
    return err_set(err, E_DATA,
                   "the baseline %.200s is damaged, or none: %.120s; save it again with --force",
                   PRINTABLE(path), PRINTABLE(why));
}

enum err_code baseline_read(struct baseline *baseline, const char *path, struct err *err)
{
    FILE *file = NULL;
    uint64_t bytes = 0;
    json_error_t reason = {.text = "it is larger than any"};
    *baseline = (struct baseline){.root = NULL};
    if (run_file_open(&file, &bytes, path, err) != OK)
        return err->code;
    if (bytes <= RECORD_FILE_BYTES_MAX)
        baseline->root = json_loadf(file, JSON_REJECT_DUPLICATES, &reason);
    (void)fclose(file);
    const char *schema = json_string_value(json_object_get(baseline->root, "schema"));
    if (baseline->root == NULL)
        return damaged(path, reason.text, err);
    if (schema == NULL || strcmp(schema, BASELINE_SCHEMA) != 0)
        return damaged(path, "its schema is not " BASELINE_SCHEMA, err);
    if (!json_is_array(json_object_get(baseline->root, "records")))
        return damaged(path, "it has no records", err);
    (void)json_value_get_text(baseline->name, sizeof baseline->name, baseline->root, "name");
    (void)json_value_get_text(baseline->saved, sizeof baseline->saved, baseline->root, "saved");
    printable_line(baseline->name);
    printable_line(baseline->saved);
    struct err inner = {.code = OK};
    if (settle(baseline, path, &inner) != OK)
        return inner.code == E_SYSTEM ? err_set(err, E_SYSTEM, "%s", inner.text)
                                      : damaged(path, inner.text, err);
    snprintf(baseline->set.name, sizeof baseline->set.name, "%.63s",
             baseline->name[0] != '\0' ? baseline->name : "baseline");
    return OK;
}

/* ---- names ---- */

static int is_baseline(const struct dirent *entry)
{
    const size_t bytes = strlen(entry->d_name), ending = sizeof ENDING - 1;
    return bytes > ending && bytes < BASELINE_NAME_BYTES + ending && entry->d_name[0] != '.' &&
           strcmp(entry->d_name + bytes - ending, ENDING) == 0;
}

enum err_code baseline_names(char ***names, size_t *count, const char *results, struct err *err)
{
    char folder[RECORD_PATH_BYTES];
    struct dirent **entries = NULL;
    snprintf(folder, sizeof folder, "%.3900s/" FOLDER, results);
    const int found = scandir(folder, &entries, is_baseline, alphasort);
    *count = 0;
    *names = calloc(found > 0 ? (size_t)found : 1, sizeof(char *));
    for (int i = 0; i < found; i++) {
        const size_t bytes = strlen(entries[i]->d_name) - (sizeof ENDING - 1);
        if (*names != NULL && ((*names)[*count] = strndup(entries[i]->d_name, bytes)) != NULL)
            ++*count;
        free(entries[i]);
    }
    free(entries);
    return *names != NULL ? OK : no_memory(err);
}

void baseline_names_free(char **names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(names[i]);
    free(names);
}

/* Whether a file says of itself that it is one. */
static bool is_saved(const char *path)
{
    FILE *file = NULL;
    uint64_t bytes = 0;
    struct stat about;
    struct err ignored = {.code = OK};
    if (stat(path, &about) != 0 || !S_ISREG(about.st_mode) ||
        run_file_open(&file, &bytes, path, &ignored) != OK)
        return false;
    json_t *root = bytes <= RECORD_FILE_BYTES_MAX ? json_loadf(file, 0, NULL) : NULL;
    (void)fclose(file);
    const char *schema = json_string_value(json_object_get(root, "schema"));
    const bool is = schema != NULL && strncmp(schema, "volley.baseline/", 16) == 0;
    json_decref(root);
    return is;
}

static enum err_code tell_nearest(const char *results, const char *wanted, struct err *err)
{
    struct suggestion near = {.wanted = wanted, .wanted_bytes = strlen(wanted)};
    char **names = NULL;
    size_t count = 0;
    if (baseline_names(&names, &count, results, err) != OK)
        return err->code;
    for (size_t i = 0; i < count; i++)
        suggest_offer(&near, names[i], strlen(names[i]));
    baseline_names_free(names, count);
    return err_set(err, E_DATA,
                   "%.80s: there is no such file or directory, no baseline of this name in "
                   "%.60s/" FOLDER ", and no results of such a commit, branch or tag%s%s%s",
                   PRINTABLE(wanted), PRINTABLE(results), SUGGESTED(PRINTABLE(near.best)));
}

bool baseline_is_saved(char path[RECORD_PATH_BYTES], const char *results, const char *name)
{
    struct stat about;
    struct err unknown = {.code = OK};
    if (baseline_name_check(name, &unknown) != OK)
        return false;
    baseline_path(path, results, name);
    return stat(path, &about) == 0;
}

enum err_code baseline_find(char path[RECORD_PATH_BYTES], enum baseline_kind *kind,
                            const char *results, const char *wanted, struct err *err)
{
    struct stat about;
    struct err unknown = {.code = OK};
    *kind = BASELINE_RUNS;
    if (stat(wanted, &about) == 0) {
        *kind = is_saved(wanted) ? BASELINE_SAVED : BASELINE_RUNS;
        return (size_t)snprintf(path, RECORD_PATH_BYTES, "%s", wanted) < RECORD_PATH_BYTES
                   ? OK
                   : err_set(err, E_DATA, "the path is too long: %.100s...", PRINTABLE(wanted));
    }
    if (baseline_is_saved(path, results, wanted)) {
        *kind = BASELINE_SAVED;
        return OK;
    }
    if (result_find(path, results, wanted, &unknown) == OK)
        return OK;
    path[0] = '\0';
    return strstr(unknown.text, "begins the names") != NULL
               ? err_set(err, unknown.code, "%s", unknown.text)
               : tell_nearest(results, wanted, err);
}

/* ---- in what they differ ---- */

static json_t *differing(const struct record *one, const struct record *other)
{
    static const char *const names[2] = {"base", "other"};
    json_t *const trees[2] = {baseline_configuration(one), baseline_configuration(other)};
    json_t *rows = page_leaves_differing(trees, names, 2);
    json_decref(trees[0]);
    json_decref(trees[1]);
    return rows;
}

static bool has_text(const char *text)
{
    return text != NULL && text[0] != '\0';
}

#define PAIRS_MAX 30u /* of each side: a message needs no more */

void baseline_difference(char text[BASELINE_DIFFERENCE_BYTES], const struct record_set *base,
                         const struct record_set *other)
{
    json_t *nearest = NULL;
    size_t used = 0, i;
    const json_t *row;
    for (size_t b = 0; b < base->count && b < PAIRS_MAX; b++)
        for (size_t o = 0; o < other->count && o < PAIRS_MAX; o++) {
            json_t *rows = differing(&base->records[b], &other->records[o]);
            const bool nearer = nearest == NULL || json_array_size(rows) < json_array_size(nearest);
            json_decref(nearer ? nearest : rows);
            nearest = nearer ? rows : nearest;
        }
    text[0] = '\0';
    json_array_foreach(nearest, i, row)
    {
        const char *values[2] = {json_string_value(json_object_get(row, "base")),
                                 json_string_value(json_object_get(row, "other"))};
        if (used < BASELINE_DIFFERENCE_BYTES - 1)
            used += (size_t)snprintf(text + used, BASELINE_DIFFERENCE_BYTES - used,
                                     "%s%.30s %.30s against %.30s", i > 0 ? ", " : "",
                                     PRINTABLE(json_string_value(json_object_get(row, "what"))),
                                     has_text(values[0]) ? PRINTABLE(values[0]) : "none",
                                     has_text(values[1]) ? PRINTABLE(values[1]) : "none");
    }
    json_decref(nearest);
}
