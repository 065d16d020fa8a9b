#include "orchestrator/suite/record_set.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/printable.h"
#include "orchestrator/report/verdict.h"
#include "orchestrator/scenario/run_file.h"

#define VALUE_BYTES 4000u
#define FIGURE_MAX 1e15
#define BYTES_MOST 1e18

/* ---- figures ---- */

static const struct {
    const char *name, *in_run; /* of run.json's response_time_us; NULL: it is elsewhere */
} figures[RECORD_FIGURES] = {
    [RECORD_RPS] = {"rps", NULL},
    [RECORD_AVG] = {"avg_latency_ms", "mean"},
    [RECORD_P50] = {"p50_latency_ms", "p50"},
    [RECORD_P95] = {"p95_latency_ms", "p95"},
    [RECORD_P99] = {"p99_latency_ms", "p99"},
    [RECORD_P99_9] = {"p99_9_latency_ms", "p99_9"},
    [RECORD_P99_99] = {"p99_99_latency_ms", "p99_99"},
    [RECORD_SERVER_CPU] = {"server_cpu_us_per_request", NULL},
};

const char *record_figure_name(enum record_figure figure)
{
    return figures[figure].name;
}

bool record_figure_is_rate(enum record_figure figure)
{
    return figure == RECORD_RPS;
}

const char *record_figure_unit(enum record_figure figure)
{
    return figure == RECORD_RPS ? "requests/s" : figure == RECORD_SERVER_CPU ? "us" : "ms";
}

static bool is_latency(unsigned figure)
{
    return figure >= RECORD_AVG && figure <= RECORD_P99_99;
}

bool record_hides(const struct record *record, enum record_figure figure)
{
    return (record->hidden >> figure & 1) != 0;
}

/* ---- configuration ---- */

/* What of a record is configuration, by name. Anything else may differ between records that are alike: of an environment, of
 * a status, or of a date. */
static const char *const section_keys[] = {
    "benchmark_mode",
    "benchmark_threads",
    "buffer",
    "clients",
    "cluster_mode",
    "cluster_nodes",
    "config_set",
    "data_size",
    "dataset",
    "duration",
    "group",
    "keyspacelen",
    "requests",
    "scenario",
    "server_config_file",
    "server_settings",
    "setup_commands",
    "test_id",
    "test_phase",
    "tls",
    "tls_mode",
    "valkey_benchmark_threads",
    "warmup",
};

const char *record_section_key(size_t index)
{
    return index < sizeof section_keys / sizeof section_keys[0] ? section_keys[index] : NULL;
}

/* On one line, however it stands in the file. False: there is nothing. */
static bool value_text(char text[VALUE_BYTES], const json_t *value)
{
    text[0] = '\0';
    if (json_is_string(value))
        snprintf(text, VALUE_BYTES, "%s", json_string_value(value));
    else if (json_is_integer(value))
        snprintf(text, VALUE_BYTES, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    else if (json_is_real(value))
        snprintf(text, VALUE_BYTES, "%.10g", json_real_value(value));
    else if (json_is_boolean(value))
        snprintf(text, VALUE_BYTES, "%s", json_is_true(value) ? "true" : "false");
    else if (json_is_object(value) || json_is_array(value)) {
        char *dump = json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS);
        snprintf(text, VALUE_BYTES, "%s", dump != NULL ? dump : "");
        free(dump);
    }
    printable_line(text);
    return text[0] != '\0';
}

/* Two that differ only behind what is kept would be taken for one. */
static enum err_code check_lengths(json_t *object, const char *path, size_t number, struct err *err)
{
    const char *key;
    json_t *value;
    json_object_foreach(object, key, value)
    {
        char *dump =
            json_is_string(value) ? NULL : json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
        const char *text = json_is_string(value) ? json_string_value(value) : dump;
        const bool long_one = text != NULL && strlen(text) >= VALUE_BYTES;
        free(dump);
        if (long_one)
            return err_set(err, E_DATA, "%.200s: record %zu: %.60s has more than %u bytes",
                           PRINTABLE(path), number, PRINTABLE(key), VALUE_BYTES - 1);
    }
    return OK;
}

static char *text_of(const json_t *object, const char *key)
{
    char text[VALUE_BYTES];
    (void)value_text(text, json_object_get(object, key));
    return strdup(text);
}

static char *section_of(const json_t *object)
{
    char *section = NULL, text[VALUE_BYTES];
    size_t bytes = 0;
    FILE *out = open_memstream(&section, &bytes);
    if (out == NULL)
        return NULL;
    for (size_t i = 0; i < sizeof section_keys / sizeof section_keys[0]; i++)
        if (value_text(text, json_object_get(object, section_keys[i])))
            fprintf(out, "%s: %s\n", section_keys[i], text);
    if (fclose(out) != 0) {
        free(section);
        return NULL;
    }
    return section;
}

static int by_number(const char *one, const char *other)
{
    char *end, *other_end;
    const double left = strtod(one, &end), right = strtod(other, &other_end);
    const bool numbers = *end == '\0' && *other_end == '\0' && end > one && other_end > other &&
                         isfinite(left) && isfinite(right);
    return numbers && left != right ? (left > right) - (left < right) : strcmp(one, other);
}

int record_order(const struct record *one, const struct record *other)
{
    int order = strcmp(one->section, other->section);
    if (order == 0)
        order = strcmp(one->command, other->command);
    if (order == 0)
        order = by_number(one->pipeline, other->pipeline);
    return order != 0 ? order : by_number(one->io_threads, other->io_threads);
}

/* ---- records ---- */

/* A size that is none is not known. */
static double bytes_of(const json_t *object)
{
    const json_t *bytes = json_object_get(object, "used_memory_bytes");
    const double number = json_is_number(bytes) ? json_number_value(bytes) : (double)NAN;
    return number >= 0 && number < BYTES_MOST ? number : (double)NAN;
}

static double number_of(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return json_is_number(value) && isfinite(json_number_value(value)) ? json_number_value(value)
                                                                       : NAN;
}

static int verdict_of(const json_t *verdict)
{
    const char *word =
        json_string_value(json_is_object(verdict) ? json_object_get(verdict, "level") : verdict);
    for (int level = VERDICT_GREEN; level <= VERDICT_RED && word != NULL; level++)
        if (strcmp(verdict_level_name((enum verdict_level)level), word) == 0)
            return level;
    return -1;
}

static enum err_code no_memory(struct err *err)
{
    return err_set(err, E_SYSTEM, "no memory for the records of a benchmark");
}

static enum err_code make_room(struct record_set *set, size_t count, const char *path,
                               struct err *err)
{
    if (count > RECORDS_MAX)
        return err_set(err, E_DATA, "%s has %zu records; %u are the most", PRINTABLE(path), count,
                       RECORDS_MAX);
    set->records = calloc(count > 0 ? count : 1, sizeof set->records[0]);
    set->environment = json_object();
    return set->records != NULL && set->environment != NULL ? OK : no_memory(err);
}

static enum err_code check_texts(const struct record *record, struct err *err)
{
    return record->section != NULL && record->command != NULL && record->pipeline != NULL &&
                   record->io_threads != NULL
               ? OK
               : no_memory(err);
}

static const char *commit_of(const json_t *record)
{
    const char *commit = json_string_value(json_object_get(record, "commit"));
    return commit != NULL ? commit : "";
}

/* A commit of a few characters is one that somebody chose; a longer one is known by its first eight. */
static void take_name(struct record_set *set, const json_t *first)
{
    const char *commit = commit_of(first);
    const char *date = json_string_value(json_object_get(first, "timestamp"));
    if (commit[0] != '\0')
        snprintf(set->name, sizeof set->name, "%.*s", strlen(commit) <= 12 ? 12 : 8, commit);
    else
        snprintf(set->name, sizeof set->name, "%.10s",
                 date != NULL && date[0] != '\0' ? date : "Unknown");
    printable_line(set->name);
}

/* Keys that begin with env_ and the machine's kind; of several records the last one that has them. */
static void take_environment(struct record_set *set, json_t *record)
{
    const char *key;
    json_t *value;
    json_object_foreach(record, key, value)
    {
        if (strncmp(key, "env_", 4) == 0 || strcmp(key, "architecture") == 0)
            (void)json_object_set(set->environment, key, value);
    }
}

/* Whether a run is one that counts: it came to its end, and is no prefill. */
static bool counts(const json_t *run)
{
    return !json_is_true(json_object_get(run, "prefill")) &&
           !json_is_true(json_object_get(run, "interrupted")) &&
           number_of(json_object_get(run, "status"), "code") == 0;
}

static bool has_unanswered(const json_t *run)
{
    return number_of(json_object_get(run, "response_time_us"), "unanswered") > 0;
}

/* ---- histograms ---- */

/* Whether a path stays below where it begins, by its words alone. */
static bool is_below(const char *path)
{
    if (path[0] == '/' || path[0] == '\0')
        return false;
    for (const char *part = path; part != NULL; part = strchr(part, '/')) {
        part += *part == '/';
        if (strncmp(part, "..", 2) == 0 && (part[2] == '/' || part[2] == '\0'))
            return false;
    }
    return true;
}

static enum err_code outside(const char *path, size_t number, const char *given, struct err *err)
{
    return err_set(err, E_DATA,
                   "%.200s: record %zu: histogram is %.100s: allowed is a file in the directory of "
                   "the records, or below it",
                   PRINTABLE(path), number, PRINTABLE(given));
}

/* "histogram": a file, seen from the directory of path, and "histogram_tag". Links do not lead elsewhere. */
static enum err_code take_histogram(struct record_set *set, struct record *record,
                                    const json_t *object, const char *path, struct err *err)
{
    const json_t *given = json_object_get(object, "histogram");
    const char *file = json_string_value(given);
    const char *tag = json_string_value(json_object_get(object, "histogram_tag"));
    char joined[PATH_MAX], directory[PATH_MAX], found[PATH_MAX];
    if (given == NULL || json_is_null(given))
        return OK;
    if (file == NULL || !is_below(file))
        return outside(path, set->count, file != NULL ? file : "no text", err);
    if (tag == NULL || tag[0] == '\0')
        return err_set(err, E_DATA, "%.200s: record %zu has a histogram, and no histogram_tag",
                       PRINTABLE(path), set->count);
    const char *slash = strrchr(path, '/');
    const int bytes = slash != NULL ? (int)(slash - path) + 1 : 0;
    snprintf(joined, sizeof joined, "%.*s.", bytes, path);
    if (realpath(joined, directory) == NULL ||
        (size_t)snprintf(joined, sizeof joined, "%.*s%s", bytes, path, file) >= sizeof joined ||
        realpath(joined, found) == NULL) {
        set->histograms_missing++;
        return OK;
    }
    const size_t length = strcmp(directory, "/") == 0 ? 0 : strlen(directory);
    if (strncmp(found, directory, length) != 0 || found[length] != '/')
        return outside(path, set->count, file, err);
    record->histogram_path = strdup(found);
    record->histogram_tag = strdup(tag);
    return record->histogram_path != NULL && record->histogram_tag != NULL ? OK : no_memory(err);
}

/* As report/hdr_log.c has it: tags end at a comma, and have no blanks. */
static char *tag_of_run(const json_t *run)
{
    char *tag = NULL;
    const json_t *target = json_object_get(json_object_get(run, "rate"), "target");
    if (asprintf(&tag, "%s-%s", PRINTABLE(json_string_value(json_object_get(run, "name"))),
                 json_is_number(target) ? "response" : "service") < 0)
        return NULL;
    for (char *at = tag; *at != '\0'; at++)
        if (*at == ' ' || *at == ',')
            *at = '_';
    return tag;
}

/* Of a directory of runs: the lines of a test are those of all its runs, so that all of them have to count. */
static enum err_code take_histogram_of_run(struct record *record, const json_t *runs,
                                           const json_t *run, const char *path, struct err *err)
{
    const char *slash = strrchr(path, '/');
    const char *name = json_string_value(json_object_get(run, "name"));
    char file[RECORD_PATH_BYTES];
    struct stat about;
    size_t i;
    const json_t *other;
    if (name == NULL ||
        (size_t)snprintf(file, sizeof file, "%.*slatency.hlog",
                         slash != NULL ? (int)(slash - path) + 1 : 0, path) >= sizeof file ||
        stat(file, &about) != 0 || !S_ISREG(about.st_mode))
        return OK;
    char *tag = tag_of_run(run);
    bool all = tag != NULL;
    json_array_foreach(runs, i, other)
    {
        const char *called = json_string_value(json_object_get(other, "name"));
        if (json_is_true(json_object_get(other, "prefill")) || called == NULL || !all)
            continue;
        char *its = tag_of_run(other);
        if (its != NULL && strcmp(its, tag) == 0)
            all = counts(other) && strcmp(called, name) == 0 && !has_unanswered(other);
        free(its);
    }
    record->histogram_path = all ? strdup(file) : NULL;
    record->histogram_tag = all ? tag : NULL;
    if (!all)
        free(tag);
    return tag != NULL && (!all || record->histogram_path != NULL) ? OK : no_memory(err);
}

static enum err_code read_list(struct record_set *set, const json_t *list, const char *path,
                               struct err *err)
{
    enum err_code code = make_room(set, json_array_size(list), path, err);
    for (size_t i = 0; i < json_array_size(list) && code == OK; i++) {
        json_t *object = json_array_get(list, i);
        struct record *record = &set->records[set->count++];
        *record = (struct record){.section = section_of(object),
                                  .command = text_of(object, "command"),
                                  .pipeline = text_of(object, "pipeline"),
                                  .io_threads = text_of(object, "io_threads"),
                                  .used_memory_bytes = bytes_of(object),
                                  .verdict = verdict_of(json_object_get(object, "verdict"))};
        code = check_texts(record, err);
        for (unsigned figure = 0; figure < RECORD_FIGURES && code == OK; figure++) {
            record->values[figure] = number_of(object, figures[figure].name);
            if (is_latency(figure) && json_is_null(json_object_get(object, figures[figure].name)))
                record->hidden |= 1u << figure;
            if (record->values[figure] < 0 || record->values[figure] > FIGURE_MAX)
                code = err_set(err, E_DATA, "%.200s: record %zu: %s is %g: 0 to %g is possible",
                               PRINTABLE(path), i + 1, figures[figure].name, record->values[figure],
                               FIGURE_MAX);
        }
        if (code == OK)
            code = check_lengths(object, path, i + 1, err);
        if (code == OK && !json_is_object(object))
            code = err_set(err, E_DATA, "%s: record %zu is no object", PRINTABLE(path), i + 1);
        if (code == OK && record->command[0] == '\0')
            code =
                err_set(err, E_DATA, "%s: record %zu has no \"command\"", PRINTABLE(path), i + 1);
        if (code == OK && strcmp(commit_of(object), commit_of(json_array_get(list, 0))) != 0)
            code = err_set(err, E_DATA,
                           "%.200s holds records of several commits, %.40s and %.40s: each needs a "
                           "file of its own",
                           PRINTABLE(path), PRINTABLE(commit_of(json_array_get(list, 0))),
                           PRINTABLE(commit_of(object)));
        if (code == OK)
            code = take_histogram(set, record, object, path, err);
        if (code == OK)
            take_environment(set, object);
    }
    if (code == OK && set->count == 0)
        code = err_set(err, E_DATA, "%s has no records", PRINTABLE(path));
    if (code == OK)
        take_name(set, json_array_get(list, 0));
    return code;
}

/* ---- runs ---- */

/* What requests without a reply hide has a bound in place of a value; the mean has both, and its value is of those answered
 * alone. */
static void take_latencies_of_run(struct record *record, const json_t *run)
{
    const json_t *times = json_object_get(run, "response_time_us");
    if (!(number_of(times, "count") > 0) && !has_unanswered(run))
        times = json_object_get(run, "service_time_us");
    const json_t *bounds = json_object_get(times, "at_least");
    for (unsigned figure = RECORD_AVG; figure <= RECORD_P99_99; figure++) {
        const char *name = figures[figure].in_run;
        const bool hides = json_object_get(bounds, name) != NULL;
        record->values[figure] = hides ? (double)NAN : number_of(times, name) / 1e3;
        record->hidden |= hides ? 1u << figure : 0;
    }
}

/* As records of suites have it. */
static double server_cpu_of_run(const json_t *run)
{
    const json_t *server = json_object_get(run, "server");
    const double commands = number_of(server, "commands");
    return commands > 0 ? 1e6 * number_of(server, "cpu_seconds") / commands : NAN;
}

/* The last part of a path. */
static void name_of_directory(char name[64], const char *path)
{
    size_t end = strlen(path);
    while (end > 1 && path[end - 1] == '/')
        end--;
    size_t begin = end;
    while (begin > 0 && path[begin - 1] != '/')
        begin--;
    snprintf(name, 64, "%.*s", (int)(end - begin), path + begin);
    printable_line(name);
}

static enum err_code read_run(struct record_set *set, const json_t *root, const char *path,
                              struct err *err)
{
    const json_t *runs = json_object_get(root, "runs");
    json_t *spec = json_object_get(root, "spec");
    const char *label = json_string_value(json_object_get(root, "label"));
    const char *command = json_string_value(json_object_get(root, "command"));
    if (command == NULL || strcmp(command, "bench") != 0)
        return err_set(err, E_DATA,
                       "%.200s is of volley %.40s: its runs have different loads, and are no "
                       "repetitions; those of volley bench are",
                       PRINTABLE(path), command != NULL ? PRINTABLE(command) : "?");
    enum err_code code = make_room(set, json_array_size(runs), path, err);
    for (size_t i = 0; i < json_array_size(runs) && code == OK; i++) {
        const json_t *run = json_array_get(runs, i);
        if (!counts(run))
            continue;
        struct record *record = &set->records[set->count++];
        *record = (struct record){.section = strdup(""),
                                  .command = text_of(run, "name"),
                                  .pipeline = text_of(spec, "pipeline"),
                                  .io_threads = text_of(spec, "io-threads"),
                                  .used_memory_bytes = bytes_of(json_object_get(run, "server")),
                                  .verdict = verdict_of(json_object_get(run, "verdict"))};
        code = check_texts(record, err);
        record->values[RECORD_RPS] = number_of(json_object_get(run, "rate"), "achieved");
        take_latencies_of_run(record, run);
        record->values[RECORD_SERVER_CPU] = server_cpu_of_run(run);
        if (code == OK)
            code = take_histogram_of_run(record, runs, run, path, err);
    }
    if (code == OK && set->count == 0)
        return err_set(err, E_DATA, "%s has no run that came to its end", PRINTABLE(path));
    if (label != NULL && label[0] != '\0')
        snprintf(set->name, sizeof set->name, "%s", label);
    printable_line(set->name);
    if (code == OK && spec != NULL)
        (void)json_object_set(set->environment, "option", spec);
    const json_t *environment = json_object_get(root, "environment");
    static const char *const parts[] = {"host", "server", "volley"};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0] && code == OK; i++)
        if (json_object_get(environment, parts[i]) != NULL)
            (void)json_object_set(set->environment, parts[i],
                                  json_object_get(environment, parts[i]));
    return code;
}

/* ---- files ---- */

static enum err_code load(json_t **root, const char *path, struct err *err)
{
    FILE *file = NULL;
    uint64_t bytes = 0;
    json_error_t reason;
    *root = NULL;
    const enum err_code code = run_file_open(&file, &bytes, path, err);
    if (code != OK)
        return code;
    if (bytes <= RECORD_FILE_BYTES_MAX)
        *root = json_loadf(file, JSON_REJECT_DUPLICATES, &reason);
    (void)fclose(file);
    if (bytes > RECORD_FILE_BYTES_MAX)
        return err_set(err, E_DATA, "%.250s has more than %u MB, the most that is compared",
                       PRINTABLE(path), RECORD_FILE_BYTES_MAX >> 20);
    return *root != NULL ? OK
                         : err_set(err, E_DATA, "%.250s:%d:%d: no JSON: %s", PRINTABLE(path),
                                   reason.line, reason.column, PRINTABLE(reason.text));
}

/* The file that a directory is known by. */
static enum err_code find_file(char path[RECORD_PATH_BYTES], const char *given, bool *run,
                               struct err *err)
{
    static const char *const names[] = {"metrics.json", "run.json"};
    struct stat about;
    *run = false;
    if (stat(given, &about) != 0)
        return err_set_errno(err, E_DATA, errno, "%s cannot be read", PRINTABLE(given));
    if (!S_ISDIR(about.st_mode)) {
        const size_t bytes = strlen(given);
        *run = bytes >= 8 && strcmp(given + bytes - 8, names[1]) == 0;
        return (size_t)snprintf(path, RECORD_PATH_BYTES, "%s", given) < RECORD_PATH_BYTES
                   ? OK
                   : err_set(err, E_DATA, "the path is too long: %.100s...", given);
    }
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        *run = i == 1;
        if ((size_t)snprintf(path, RECORD_PATH_BYTES, "%s/%s", given, names[i]) <
                RECORD_PATH_BYTES &&
            stat(path, &about) == 0)
            return OK;
    }
    return err_set(err, E_DATA, "%s has neither metrics.json nor run.json", PRINTABLE(given));
}

enum err_code record_set_read(struct record_set *set, const char *path, struct err *err)
{
    char file[RECORD_PATH_BYTES];
    json_t *root = NULL;
    bool run;
    *set = (struct record_set){.records = NULL};
    enum err_code code = find_file(file, path, &run, err);
    if (code == OK)
        memcpy(set->path, file, sizeof set->path);
    if (code == OK)
        code = load(&root, file, err);
    if (code == OK && run)
        name_of_directory(set->name, path);
    if (code == OK && run && !json_is_array(json_object_get(root, "runs")))
        code =
            err_set(err, E_DATA, "%s is no run of volley's: \"runs\" is missing", PRINTABLE(file));
    else if (code == OK && !run && !json_is_array(root))
        code = err_set(err, E_DATA, "%s is no list of records", PRINTABLE(file));
    else if (code == OK)
        code = run ? read_run(set, root, file, err) : read_list(set, root, file, err);
    json_decref(root);
    return code;
}

enum err_code record_set_take(struct record_set *set, const json_t *list, const char *path,
                              struct err *err)
{
    *set = (struct record_set){.records = NULL};
    snprintf(set->path, sizeof set->path, "%s", path);
    return read_list(set, list, path, err);
}

void record_set_verdicts(size_t counts[VERDICT_RED + 1], const struct record_set *set)
{
    memset(counts, 0, (VERDICT_RED + 1) * sizeof counts[0]);
    for (size_t i = 0; i < set->count; i++)
        if (set->records[i].verdict >= 0)
            counts[set->records[i].verdict]++;
}

void record_set_free(struct record_set *set)
{
    for (size_t i = 0; i < set->count; i++) {
        free(set->records[i].section);
        free(set->records[i].command);
        free(set->records[i].pipeline);
        free(set->records[i].io_threads);
        free(set->records[i].histogram_path);
        free(set->records[i].histogram_tag);
    }
    free(set->records);
    json_decref(set->environment);
    *set = (struct record_set){.records = NULL};
}
