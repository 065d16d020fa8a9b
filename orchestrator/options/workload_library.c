#include "orchestrator/options/workload_library.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/suggest.h"

#define SUFFIX ".yaml"
#define SUFFIX_BYTES (sizeof SUFFIX - 1)

/* From the program's directory: installed, built, and built as another variant. */
static const char *const places[] = {"../share/volley/workloads", "../configs/workloads",
                                     "../../configs/workloads"};
#define PLACE_COUNT (sizeof places / sizeof places[0])

static DIR *open_directory(struct workload_library *library)
{
    char program[PATH_MAX];
    DIR *files = NULL;
    const ssize_t bytes = readlink("/proc/self/exe", program, sizeof program - 1);
    program[bytes > 0 ? bytes : 0] = '\0';
    char *slash = strrchr(program, '/');
    if (slash == NULL)
        return NULL;
    *slash = '\0';
    for (size_t i = 0; i < PLACE_COUNT && files == NULL; i++) {
        const int length =
            snprintf(library->directory, sizeof library->directory, "%s/%s", program, places[i]);
        if (length > 0 && (size_t)length < sizeof library->directory)
            files = opendir(library->directory);
    }
    return files;
}

static int by_name(const void *left, const void *right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}

enum err_code workload_library_open(struct workload_library *library, struct err *err)
{
    library->count = 0;
    DIR *files = open_directory(library);
    if (files == NULL)
        return err_set(err, E_CONFIG,
                       "the built-in workloads are not there: neither %s nor %s beside the program",
                       places[0], places[1]);
    enum err_code code = OK;
    for (const struct dirent *entry;
         code == OK && library->count < WORKLOAD_LIBRARY_MAX && (entry = readdir(files)) != NULL;) {
        const size_t bytes = strlen(entry->d_name);
        if (bytes <= SUFFIX_BYTES || strcmp(entry->d_name + bytes - SUFFIX_BYTES, SUFFIX) != 0)
            continue;
        char *name = strndup(entry->d_name, bytes - SUFFIX_BYTES);
        if (name == NULL)
            code = err_set(err, E_SYSTEM, "no memory for the names of workloads");
        else
            library->names[library->count++] = name;
    }
    closedir(files);
    qsort(library->names, library->count, sizeof library->names[0], by_name);
    return code;
}

void workload_library_close(struct workload_library *library)
{
    for (size_t i = 0; i < library->count; i++)
        free(library->names[i]);
    library->count = 0;
}

enum err_code workload_library_find(char **path, const struct workload_library *library,
                                    const char *name, struct err *err)
{
    struct suggestion suggestion = {.wanted = name, .wanted_bytes = strlen(name)};
    *path = NULL;
    for (size_t i = 0; i < library->count; i++) {
        suggest_offer(&suggestion, library->names[i], strlen(library->names[i]));
        if (strcmp(name, library->names[i]) != 0)
            continue;
        if (asprintf(path, "%s/%s" SUFFIX, library->directory, name) >= 0)
            return OK;
        *path = NULL;
        return err_set(err, E_SYSTEM, "no memory for the path of a workload");
    }
    return err_set(err, E_USAGE,
                   "there is no built-in workload \"%.60s\"; `volley workloads` lists them%s%s%s",
                   name, SUGGESTED(suggestion.best));
}
