#include "orchestrator/scenario/scenario_export.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "orchestrator/report/json_value.h"
#include "orchestrator/report/output.h"
#include "orchestrator/scenario/run_file.h"
#include "orchestrator/scenario/scenario_samples.h"

#define RUNS_OF_AN_HOUR 10000u
#define PHASES_ENDING "_phases.json"

/* ---- which runs there are ---- */

static bool ends_with(const char *text, const char *ending)
{
    const size_t bytes = strlen(text), ending_bytes = strlen(ending);
    return bytes > ending_bytes && strcmp(text + bytes - ending_bytes, ending) == 0;
}

static bool find_ending(char scenario[SCENARIO_NAME_BYTES], const char *path, const char *ending)
{
    bool found = false;
    DIR *listing = opendir(path);
    const struct dirent *entry;
    while (listing != NULL && !found && (entry = readdir(listing)) != NULL) {
        const size_t bytes = strlen(entry->d_name);
        if (!ends_with(entry->d_name, ending) || bytes - strlen(ending) >= SCENARIO_NAME_BYTES)
            continue;
        memcpy(scenario, entry->d_name, bytes - strlen(ending));
        scenario[bytes - strlen(ending)] = '\0';
        found = true;
    }
    if (listing != NULL)
        closedir(listing);
    return found;
}

bool scenario_directory_of(char scenario[SCENARIO_NAME_BYTES], const char *path)
{
    return find_ending(scenario, path, SAMPLES_ENDING) ||
           find_ending(scenario, path, PHASES_ENDING);
}

/* Of "<scenario>_<YYYYMMDDHH>" and "..._2": ten digits, and which one. */
static uint64_t order_of(const char *name, const char *scenario)
{
    const char *at = name + strlen(scenario);
    if (strncmp(name, scenario, strlen(scenario)) != 0 || *at != '_' ||
        strspn(at + 1, "0123456789") != 10)
        return 0;
    const uint64_t hour = strtoull(at + 1, NULL, 10);
    const uint64_t number = at[11] == '_' ? strtoull(at + 12, NULL, 10) : 1;
    return hour * RUNS_OF_AN_HOUR + (number < RUNS_OF_AN_HOUR ? number : RUNS_OF_AN_HOUR - 1);
}

/* What its checks.json says; of one that has none, or is of an earlier version, the hour in its name. */
static void look_at_result(struct scenario_run_entry *entry, const char *path)
{
    struct err own = {.code = OK};
    json_t *checks = NULL;
    const uint64_t hour = entry->order / RUNS_OF_AN_HOUR;
    struct tm local = {.tm_hour = (int)(hour % 100),
                       .tm_mday = (int)(hour / 100 % 100),
                       .tm_mon = (int)(hour / 10000 % 100) - 1,
                       .tm_year = (int)(hour / 1000000) - 1900,
                       .tm_isdst = -1};
    entry->began_seconds = hour > 0 ? (double)mktime(&local) : 0;
    if (scenario_document_read(&checks, path, "checks.json", &own) != OK)
        return;
    const char *result = json_string_value(json_object_get(checks, "result"));
    const json_t *began = json_object_get(checks, "started_unix_seconds");
    snprintf(entry->result, sizeof entry->result, "%s", result != NULL ? result : "");
    if (json_is_number(began))
        entry->began_seconds = json_number_value(began);
    json_decref(checks);
}

static int compare_runs(const void *a, const void *b)
{
    const struct scenario_run_entry *left = a, *right = b;
    if (left->began_seconds != right->began_seconds)
        return left->began_seconds < right->began_seconds ? -1 : 1;
    if (left->order != right->order)
        return left->order < right->order ? -1 : 1;
    return strcmp(left->name, right->name);
}

static enum err_code add_run(struct scenario_runs *runs, size_t *room, const char *directory,
                             const char *name, struct err *err)
{
    char path[SCENARIO_PATH_BYTES];
    struct scenario_run_entry entry = {.order = 0};
    if (strlen(name) >= sizeof entry.name ||
        (size_t)snprintf(path, sizeof path, "%s/%s", directory, name) >= sizeof path ||
        !scenario_directory_of(entry.scenario, path))
        return OK;
    snprintf(entry.name, sizeof entry.name, "%s", name);
    entry.order = order_of(name, entry.scenario);
    look_at_result(&entry, path);
    if (runs->count == SCENARIO_RUNS_MAX)
        return err_set(err, E_DATA, "%.200s: more than %u runs; name another directory", directory,
                       SCENARIO_RUNS_MAX);
    if (runs->count == *room) {
        *room = *room > 0 ? 2 * *room : 64;
        struct scenario_run_entry *items = realloc(runs->items, *room * sizeof *items);
        if (items == NULL)
            return err_set(err, E_SYSTEM, "no memory for a list of runs");
        runs->items = items;
    }
    runs->items[runs->count++] = entry;
    return OK;
}

enum err_code scenario_runs_read(struct scenario_runs *runs, const char *directory, struct err *err)
{
    size_t room = 0;
    enum err_code code = OK;
    *runs = (struct scenario_runs){.items = NULL};
    DIR *listing = opendir(directory);
    if (listing == NULL)
        return err_set_errno(err, E_DATA, errno, "cannot read %.200s", directory);
    const struct dirent *entry;
    while (code == OK && (entry = readdir(listing)) != NULL)
        if (entry->d_name[0] != '.')
            code = add_run(runs, &room, directory, entry->d_name, err);
    closedir(listing);
    if (runs->count > 0)
        qsort(runs->items, runs->count, sizeof runs->items[0], compare_runs);
    return code;
}

void scenario_runs_free(struct scenario_runs *runs)
{
    free(runs->items);
    *runs = (struct scenario_runs){.items = NULL};
}

/* OK: it is a name, and no path of anything. */
static enum err_code tell_path(const char *name, struct err *err)
{
    char path[SCENARIO_PATH_BYTES];
    struct stat stands;
    if ((size_t)snprintf(path, sizeof path, "%s/journal", name) < sizeof path &&
        access(path, R_OK) == 0)
        return err_set(err, E_DATA,
                       "%.100s holds the journal of a run, and no samples of a scenario: volley "
                       "report %.100s --html FILE shows what its load saw",
                       name, name);
    if (stat(name, &stands) != 0)
        return strchr(name, '/') == NULL
                   ? OK
                   : err_set_errno(err, E_DATA, errno, "no run of a scenario can be read in %.200s",
                                   name);
    if (!S_ISDIR(stands.st_mode))
        return err_set(err, E_DATA, "%.200s is a file: name the directory of a run", name);
    DIR *listing = opendir(name);
    if (listing == NULL)
        return err_set_errno(err, E_DATA, errno, "cannot read %.200s", name);
    closedir(listing);
    return err_set(err, E_DATA,
                   "%.150s is no run of a scenario: it has neither *%s nor *%s; which runs stand "
                   "in it, volley visualize list-scenarios --output %.150s tells",
                   name, SAMPLES_ENDING, PHASES_ENDING, name);
}

/* The newest first, as many as a line has room for. */
static enum err_code tell_what_there_is(const struct scenario_runs *runs, const char *base,
                                        const char *name, struct err *err)
{
    char names[240] = "";
    size_t used = 0, shown = 0;
    if (tell_path(name, err) != OK)
        return err->code;
    while (shown < runs->count) {
        const char *run = runs->items[runs->count - 1 - shown].name;
        if (used + strlen(run) + 3 >= sizeof names)
            break;
        used +=
            (size_t)snprintf(names + used, sizeof names - used, "%s%s", shown > 0 ? ", " : "", run);
        shown++;
    }
    if (runs->count == 0)
        return err_set(err, E_DATA,
                       "%.100s is no run of a scenario, and there are none in %.150s: volley run "
                       "scenario makes one",
                       name, base);
    return err_set(err, E_DATA,
                   "%.100s is no run of a scenario, and %.100s has none of that name, but %s%s "
                   "(volley visualize list-scenarios)",
                   name, base, names, shown < runs->count ? " and others" : "");
}

enum err_code scenario_run_find(char path[SCENARIO_PATH_BYTES], char scenario[SCENARIO_NAME_BYTES],
                                const char *base, const char *name, struct err *err)
{
    struct scenario_runs runs;
    if (strlen(name) < SCENARIO_PATH_BYTES && scenario_directory_of(scenario, name)) {
        snprintf(path, SCENARIO_PATH_BYTES, "%s", name);
        return OK;
    }
    struct err own = {.code = OK};
    enum err_code code = scenario_runs_read(&runs, base, &own);
    const struct scenario_run_entry *found = NULL;
    if (code != OK && tell_path(name, err) == OK)
        code = err_set(err, code,
                       "no run %.100s: %.300s; name its directory, or where runs stand (--output)",
                       name, own.text);
    for (size_t i = 0; i < runs.count && code == OK; i++)
        if (strcmp(runs.items[i].name, name) == 0 || strcmp(runs.items[i].scenario, name) == 0)
            found = &runs.items[i];
    for (size_t i = 0; i < runs.count && code == OK; i++)
        if (strcmp(runs.items[i].name, name) == 0)
            found = &runs.items[i];
    if (code == OK && found == NULL)
        code = tell_what_there_is(&runs, base, name, err);
    if (code == OK) {
        snprintf(scenario, SCENARIO_NAME_BYTES, "%s", found->scenario);
        if ((size_t)snprintf(path, SCENARIO_PATH_BYTES, "%s/%s", base, found->name) >=
            SCENARIO_PATH_BYTES)
            code = err_set(err, E_USAGE, "the path of the run is too long");
    }
    scenario_runs_free(&runs);
    return code;
}

/* ---- CSV ---- */

static bool of_time(const char *name)
{
    return strcmp(name, "timestamp") == 0 || strcmp(name, "elapsed_seconds") == 0 ||
           strcmp(name, "phase") == 0;
}

static bool of_memory(const char *name)
{
    static const char *const parts[] = {"_mb",      "memory",  "allocator", "ratio", "defrag",
                                        "lazyfree", "evicted", "expired",   "_rss",  "available"};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        if (strstr(name, parts[i]) != NULL)
            return true;
    return strcmp(name, "keys") == 0;
}

static bool takes_memory(const char *name)
{
    return of_time(name) || of_memory(name);
}

static bool takes_performance(const char *name)
{
    return of_time(name) || !of_memory(name);
}

static bool takes_all(const char *name)
{
    (void)name;
    return true;
}

static void put_row(struct output *out, const struct sample_table *table, const char *const *cells,
                    bool (*takes)(const char *name))
{
    const char *separator = "";
    for (size_t i = 0; i < table->column_count; i++) {
        if (!takes(table->names[i]))
            continue;
        output_printf(out, "%s%s", separator, cells[i]);
        separator = ",";
    }
    output_printf(out, "\n");
}

static enum err_code make_directory(const char *directory, struct err *err)
{
    if (mkdir(directory, 0777) != 0 && errno != EEXIST)
        return err_set_errno(err, E_USAGE, errno, "cannot make %.300s", directory);
    return OK;
}

static enum err_code create(struct output *out, const char *directory, const char *name,
                            struct err *err)
{
    char path[SCENARIO_PATH_BYTES];
    if ((size_t)snprintf(path, sizeof path, "%s/%s", directory, name) >= sizeof path)
        return err_set(err, E_USAGE, "the path for the export is too long");
    return output_create(out, path, OUTPUT_OWN, err);
}

static enum err_code export_columns(const char *run_path, const char *scenario,
                                    const char *directory, const char *name,
                                    bool (*takes)(const char *name), struct err *err)
{
    struct sample_table *table = NULL;
    struct output out = {.file = NULL};
    bool more = true;
    enum err_code code = sample_table_open(&table, run_path, scenario, SAMPLES_ENDING, err);
    if (code == OK)
        code = create(&out, directory, name, err);
    if (code == OK)
        put_row(&out, table, table->names, takes);
    while (code == OK && more) {
        code = sample_table_next(table, &more, err);
        if (code == OK && more)
            put_row(&out, table, table->cells, takes);
    }
    if (code == OK)
        code = output_commit(&out, err);
    output_discard(&out);
    sample_table_close(table);
    return code;
}

/* Of a run's directory its own summary.csv is that already. */
static enum err_code copy_summary(const char *run_path, const char *directory, struct err *err)
{
    char path[SCENARIO_PATH_BYTES], bytes[4096], from[PATH_MAX], to[PATH_MAX];
    struct output out = {.file = NULL};
    size_t count;
    uint64_t size_bytes;
    FILE *in;
    if (realpath(run_path, from) != NULL && realpath(directory, to) != NULL &&
        strcmp(from, to) == 0)
        return OK;
    if ((size_t)snprintf(path, sizeof path, "%s/summary.csv", run_path) >= sizeof path)
        return err_set(err, E_USAGE, "the path of the run is too long");
    if (run_file_open(&in, &size_bytes, path, err) != OK)
        return err->code;
    enum err_code code = create(&out, directory, "summary.csv", err);
    while (code == OK && (count = fread(bytes, 1, sizeof bytes, in)) > 0)
        output_write(&out, bytes, count);
    if (code == OK && ferror(in))
        code = err_set_errno(err, E_DATA, errno, "cannot read %.300s", path);
    if (code == OK)
        code = output_commit(&out, err);
    output_discard(&out);
    (void)fclose(in);
    return code;
}

enum err_code scenario_export_csv(const char *run_path, const char *scenario, const char *directory,
                                  struct err *err)
{
    static const struct {
        const char *name;
        bool (*takes)(const char *name);
    } files[] = {{"metrics.csv", takes_all},
                 {"memory.csv", takes_memory},
                 {"performance.csv", takes_performance}};
    enum err_code code = make_directory(directory, err);
    for (size_t i = 0; i < sizeof files / sizeof files[0] && code == OK; i++)
        code = export_columns(run_path, scenario, directory, files[i].name, files[i].takes, err);
    return code == OK ? copy_summary(run_path, directory, err) : code;
}

/* ---- JSON ---- */

static json_t *cell_value(const char *cell)
{
    char *end = NULL, text[512];
    size_t bytes = 0;
    if (cell[0] == '\0')
        return json_null();
    if (cell[0] != '"') {
        const double number = strtod(cell, &end);
        return *end == '\0' && end != cell ? json_real(number) : json_value_text(cell);
    }
    for (const char *at = cell + 1; *at != '\0' && bytes + 1 < sizeof text; at++) {
        if (*at == '"' && *++at != '"')
            break;
        text[bytes++] = *at;
    }
    text[bytes] = '\0';
    return json_value_text(text);
}

static enum err_code put_samples(struct output *out, struct sample_table *table, struct err *err)
{
    const char *separator = "\n";
    bool more = true;
    enum err_code code = OK;
    while (code == OK && more) {
        code = sample_table_next(table, &more, err);
        if (code != OK || !more)
            break;
        json_t *row = json_object();
        for (size_t i = 0; i < table->column_count; i++)
            json_object_set_new(row, table->names[i], cell_value(table->cells[i]));
        output_printf(out, "%s", separator);
        if (!json_value_write(out, row, JSON_COMPACT))
            code = err_set(err, E_SYSTEM, "no memory for a sample");
        separator = ",\n";
        json_decref(row);
    }
    return code;
}

enum err_code scenario_export_json(const char *run_path, const char *scenario,
                                   const char *directory, struct err *err)
{
    char name[SCENARIO_NAME_BYTES + 16];
    json_t *phases = NULL, *checks = NULL;
    struct sample_table *table = NULL;
    struct output out = {.file = NULL};
    snprintf(name, sizeof name, "%s_phases.json", scenario);
    enum err_code code = make_directory(directory, err);
    if (code == OK)
        code = scenario_document_read(&phases, run_path, name, err);
    if (code == OK)
        code = scenario_document_read(&checks, run_path, "checks.json", err);
    if (code == OK)
        code = sample_table_open(&table, run_path, scenario, SAMPLES_ENDING, err);
    if (code == OK)
        code = create(&out, directory, "export.json", err);
    if (code == OK) {
        output_printf(&out, "{\"schema\": \"volley.scenario-export/1\",\n\"run\": ");
        if (!json_value_write(&out, phases, JSON_COMPACT))
            code = err_set(err, E_SYSTEM, "no memory for an export");
        output_printf(&out, ",\n\"judgement\": ");
        if (!json_value_write(&out, checks, JSON_COMPACT))
            code = err_set(err, E_SYSTEM, "no memory for an export");
        output_printf(&out, ",\n\"samples\": [");
    }
    if (code == OK)
        code = put_samples(&out, table, err);
    if (code == OK) {
        output_printf(&out, "\n]}\n");
        code = output_commit(&out, err);
    }
    output_discard(&out);
    sample_table_close(table);
    json_decref(phases);
    json_decref(checks);
    return code;
}
