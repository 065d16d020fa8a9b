#include "orchestrator/options/shipped_files.h"

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
static const char *const places[] = {"../share/volley", "../configs", "../../configs"};
#define PLACE_COUNT (sizeof places / sizeof places[0])

static DIR *open_directory(struct shipped_files *files)
{
    char program[PATH_MAX], resolved[PATH_MAX];
    DIR *directory = NULL;
    const ssize_t bytes = readlink("/proc/self/exe", program, sizeof program - 1);
    program[bytes > 0 ? bytes : 0] = '\0';
    char *slash = strrchr(program, '/');
    if (slash == NULL)
        return NULL;
    *slash = '\0';
    for (size_t i = 0; i < PLACE_COUNT && directory == NULL; i++) {
        const int length = snprintf(files->directory, sizeof files->directory, "%s/%s/%s", program,
                                    places[i], files->kind->folder);
        if (length > 0 && (size_t)length < sizeof files->directory)
            directory = opendir(files->directory);
    }
    if (directory != NULL && realpath(files->directory, resolved) != NULL) /* messages show it */
        snprintf(files->directory, sizeof files->directory, "%s", resolved);
    return directory;
}

static int by_name(const void *left, const void *right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}

enum err_code shipped_files_open(struct shipped_files *files, const struct shipped_kind *kind,
                                 struct err *err)
{
    files->kind = kind;
    files->count = 0;
    DIR *directory = open_directory(files);
    if (directory == NULL)
        return err_set(err, E_CONFIG,
                       "the built-in %s are not there: neither %s/%s nor %s/%s beside the program",
                       kind->folder, places[0], kind->folder, places[1], kind->folder);
    enum err_code code = OK;
    for (const struct dirent *entry;
         code == OK && files->count < SHIPPED_FILES_MAX && (entry = readdir(directory)) != NULL;) {
        const size_t bytes = strlen(entry->d_name);
        if (bytes <= SUFFIX_BYTES || strcmp(entry->d_name + bytes - SUFFIX_BYTES, SUFFIX) != 0)
            continue;
        char *name = strndup(entry->d_name, bytes - SUFFIX_BYTES);
        if (name == NULL)
            code = err_set(err, E_SYSTEM, "no memory for the names of %s", kind->folder);
        else
            files->names[files->count++] = name;
    }
    closedir(directory);
    qsort(files->names, files->count, sizeof files->names[0], by_name);
    return code;
}

void shipped_files_close(struct shipped_files *files)
{
    for (size_t i = 0; i < files->count; i++)
        free(files->names[i]);
    files->count = 0;
}

/* "bypass, minimal" */
static const char *list_names(char *text, size_t text_bytes, const struct shipped_files *files)
{
    size_t used = 0;
    snprintf(text, text_bytes, "none");
    for (size_t i = 0; i < files->count && used < text_bytes; i++)
        used += (size_t)snprintf(text + used, text_bytes - used, "%s%s", i > 0 ? ", " : "",
                                 files->names[i]);
    return text;
}

enum err_code shipped_files_find(char **path, const struct shipped_files *files, const char *name,
                                 struct err *err)
{
    struct suggestion suggestion = {.wanted = name, .wanted_bytes = strlen(name)};
    char list[200];
    *path = NULL;
    for (size_t i = 0; i < files->count; i++) {
        suggest_offer(&suggestion, files->names[i], strlen(files->names[i]));
        if (strcmp(name, files->names[i]) != 0)
            continue;
        if (asprintf(path, "%s/%s" SUFFIX, files->directory, name) >= 0)
            return OK;
        *path = NULL;
        return err_set(err, E_SYSTEM, "no memory for the path of a %s", files->kind->what);
    }
    if (files->kind->listing == NULL)
        return err_set(err, E_USAGE, "there is no built-in %s \"%.60s\"; there are %s%s%s%s",
                       files->kind->what, name, list_names(list, sizeof list, files),
                       SUGGESTED(suggestion.best));
    return err_set(err, E_USAGE, "there is no built-in %s \"%.60s\"; `%s` lists them%s%s%s",
                   files->kind->what, name, files->kind->listing, SUGGESTED(suggestion.best));
}
