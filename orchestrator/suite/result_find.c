#include "orchestrator/suite/result_find.h"

#include <dirent.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/printable.h"
#include "orchestrator/scenario/run_file.h"

#define FILE_NAME "metrics.json"
#define BEGINNING_MIN 4u
#define REFERENCE_READ_BYTES (64u << 20)

/* The directories that there are. */
struct results {
    struct dirent **entries;
    int count;
};

static int has_name(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static bool path_of(char path[RECORD_PATH_BYTES], const char *results, const char *name,
                    time_t *written)
{
    char file[RECORD_PATH_BYTES];
    struct stat about;
    if ((size_t)snprintf(file, sizeof file, "%.3800s/%.255s/" FILE_NAME, results, name) >=
            sizeof file ||
        stat(file, &about) != 0 || !S_ISREG(about.st_mode))
        return false;
    *written = about.st_mtime;
    snprintf(path, RECORD_PATH_BYTES, "%.3800s/%.255s", results, name);
    return true;
}

/* Whether its first record is of what the user calls so. */
static bool is_called(const char *directory, const char *wanted)
{
    char file[RECORD_PATH_BYTES];
    FILE *in = NULL;
    uint64_t bytes = 0;
    struct err ignored = {.code = OK};
    snprintf(file, sizeof file, "%.4100s/" FILE_NAME, directory);
    if (run_file_open(&in, &bytes, file, &ignored) != OK)
        return false;
    json_t *list = bytes <= REFERENCE_READ_BYTES ? json_loadf(in, 0, NULL) : NULL;
    (void)fclose(in);
    const char *reference =
        json_string_value(json_object_get(json_array_get(list, 0), "reference"));
    const bool is = reference != NULL && strcmp(reference, wanted) == 0;
    json_decref(list);
    return is;
}

static enum err_code find_beginning(char path[RECORD_PATH_BYTES], const struct results *found,
                                    const char *results, const char *wanted, struct err *err)
{
    const char *first = NULL;
    char other[RECORD_PATH_BYTES];
    time_t written;
    for (int i = 0; i < found->count && strlen(wanted) >= BEGINNING_MIN; i++) {
        const char *name = found->entries[i]->d_name;
        const char *const control = strstr(name, "-control");
        if (strncmp(name, wanted, strlen(wanted)) != 0 || control != NULL ||
            !path_of(other, results, name, &written))
            continue;
        if (first != NULL)
            return err_set(
                err, E_DATA, "%.60s begins the names of several commits in %.100s: %.60s, %.60s",
                PRINTABLE(wanted), PRINTABLE(results), PRINTABLE(first), PRINTABLE(name));
        first = name;
        memcpy(path, other, RECORD_PATH_BYTES);
    }
    return OK;
}

static void find_called(char path[RECORD_PATH_BYTES], const struct results *found,
                        const char *results, const char *wanted)
{
    time_t newest = 0, written;
    char other[RECORD_PATH_BYTES];
    for (int i = 0; i < found->count; i++)
        if (strstr(found->entries[i]->d_name, "-control") == NULL &&
            path_of(other, results, found->entries[i]->d_name, &written) &&
            (path[0] == '\0' || written > newest) && is_called(other, wanted)) {
            newest = written;
            memcpy(path, other, RECORD_PATH_BYTES);
        }
}

enum err_code result_find(char path[RECORD_PATH_BYTES], const char *results, const char *wanted,
                          struct err *err)
{
    time_t written;
    enum err_code code = OK;
    path[0] = '\0';
    if (strchr(wanted, '/') == NULL && path_of(path, results, wanted, &written))
        return OK;
    struct results found = {.entries = NULL};
    found.count = scandir(results, &found.entries, has_name, alphasort);
    if (strchr(wanted, '/') == NULL)
        code = find_beginning(path, &found, results, wanted, err);
    if (code == OK && path[0] == '\0')
        find_called(path, &found, results, wanted);
    for (int i = 0; i < found.count; i++)
        free(found.entries[i]);
    free(found.entries);
    if (code == OK && path[0] == '\0')
        code = err_set(err, E_DATA,
                       "%.100s: there is no such file or directory, and no results of such a "
                       "commit, branch or tag "
                       "in %.100s (--results-dir)",
                       PRINTABLE(wanted), PRINTABLE(results));
    return code;
}

enum err_code result_find_only(char path[RECORD_PATH_BYTES], struct err *err)
{
    static const char *const own[] = {FILE_NAME, "run.json"};
    char file[RECORD_PATH_BYTES + 16], found[RECORD_PATH_BYTES], other[RECORD_PATH_BYTES];
    struct stat about;
    time_t written;
    enum err_code code = OK;
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++) {
        snprintf(file, sizeof file, "%s/%s", path, own[i]);
        if (stat(file, &about) == 0)
            return OK;
    }
    struct results inside = {.entries = NULL};
    inside.count = scandir(path, &inside.entries, has_name, alphasort);
    const char *first = NULL;
    for (int i = 0; i < inside.count && code == OK; i++) {
        const char *name = inside.entries[i]->d_name;
        if (!path_of(other, path, name, &written))
            continue;
        if (first != NULL)
            code = err_set(err, E_DATA,
                           "%.200s has results of several commits: name one of them, as %.60s or "
                           "%.60s",
                           PRINTABLE(path), PRINTABLE(first), PRINTABLE(name));
        first = name;
        memcpy(found, other, sizeof found);
    }
    if (code == OK && first != NULL)
        memcpy(path, found, sizeof found);
    for (int i = 0; i < inside.count; i++)
        free(inside.entries[i]);
    free(inside.entries);
    return code;
}
