#include "orchestrator/scenario/scenario_library.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/suggest.h"
#include "orchestrator/scenario/scenario_file.h"

const struct shipped_kind scenario_libraries[SCENARIO_LIBRARIES] = {
    {.folder = "scenarios", .what = "scenario", .listing = "volley run list-scenarios"},
    {.folder = "scenarios/load", .what = "scenario", .listing = "volley run list-scenarios"},
    {.folder = "scenarios/interference",
     .what = "scenario",
     .listing = "volley run list-scenarios"},
};

/* The last part of a path, without .yaml, .yml or .json. */
static void name_of(char *name, size_t name_bytes, const char *path)
{
    static const char *const suffixes[] = {".yaml", ".yml", ".json"};
    const char *slash = strrchr(path, '/');
    snprintf(name, name_bytes, "%s", slash != NULL ? slash + 1 : path);
    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
        const size_t bytes = strlen(name), suffix_bytes = strlen(suffixes[i]);
        if (bytes > suffix_bytes && strcmp(name + bytes - suffix_bytes, suffixes[i]) == 0) {
            name[bytes - suffix_bytes] = '\0';
            return;
        }
    }
}

enum err_code scenario_library_find(char **path, const char *given, struct err *err)
{
    struct shipped_files files;
    struct err reason = {.code = OK};
    struct suggestion near = {.wanted_bytes = 0};
    char name[SCENARIO_NAME_BYTES];
    *path = NULL;
    if (access(given, F_OK) == 0) {
        *path = strdup(given);
        return *path != NULL ? OK : err_set(err, E_SYSTEM, "no memory for the path of a scenario");
    }
    name_of(name, sizeof name, given);
    near.wanted = name;
    near.wanted_bytes = strlen(name);
    enum err_code code = E_USAGE;
    for (unsigned i = SCENARIO_LIBRARIES; i-- > 0 && code == E_USAGE;) {
        reason = (struct err){.code = OK};
        code = shipped_files_open(&files, &scenario_libraries[i], &reason);
        if (code == OK)
            code = shipped_files_find(path, &files, name, &reason);
        for (size_t k = 0; k < files.count && code == E_USAGE; k++)
            suggest_offer(&near, files.names[k], strlen(files.names[k]));
        shipped_files_close(&files);
    }
    if (code == E_USAGE)
        return err_set(
            err, E_CONFIG,
            "scenario %.100s: there is no such file, and no built-in scenario \"%.60s\"; "
            "`%s` lists them%s%s%s",
            given, name, scenario_libraries[0].listing, SUGGESTED(near.best));
    return code == OK ? OK
                      : err_set(err, code, "scenario %.100s: there is no such file, and %s", given,
                                reason.text);
}

enum err_code scenario_library_describe(char *description, size_t description_bytes,
                                        const char *path, struct err *err)
{
    struct scenario scenario;
    struct scenario_document document;
    const struct scenario_wish wish = {.scale = 0};
    enum err_code code =
        scenario_read(&scenario, &document, &(struct file_source){.name = path}, &wish, err);
    snprintf(description, description_bytes, "%s", scenario.description);
    scenario_free(&scenario, &document);
    return code;
}
