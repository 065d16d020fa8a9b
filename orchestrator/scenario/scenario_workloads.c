/* Workload files that phases of a scenario name: found beside the scenario, or among those that come with volley. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "orchestrator/options/workload_file.h"
#include "orchestrator/options/workload_library.h"
#include "orchestrator/scenario/scenario_reading.h"

#define WORKLOADS_MAX 32u

/* A path counts from where the scenario's file is. The caller frees; NULL: no memory. */
static char *path_beside(const char *file, const char *given)
{
    const char *slash = strrchr(file, '/');
    const size_t folder_bytes = slash != NULL && given[0] != '/' ? (size_t)(slash - file) + 1 : 0;
    const size_t bytes = folder_bytes + strlen(given) + 1;
    char *path = malloc(bytes);
    if (path != NULL)
        snprintf(path, bytes, "%.*s%s", (int)folder_bytes, file, given);
    return path;
}

static enum err_code find_path(char **path, const struct file *file, const char *given,
                               struct err *reason)
{
    struct shipped_files files;
    *path = path_beside(file->name, given);
    if (*path == NULL)
        return err_set(reason, E_SYSTEM, "out of memory");
    if (access(*path, F_OK) == 0)
        return OK;
    free(*path);
    *path = NULL;
    enum err_code code = shipped_files_open(&files, &workload_library, reason);
    if (code == OK)
        code = shipped_files_find(path, &files, given, reason);
    shipped_files_close(&files);
    return code;
}

/* The one that was read before, or a new one; NULL: reason says why not. */
static const struct workload_file *get(struct scenario_document *document, char *path,
                                       struct err *reason)
{
    for (uint32_t i = 0; i < document->workload_count; i++)
        if (strcmp(document->workloads[i].path, path) == 0) {
            free(path);
            return document->workloads[i].file;
        }
    if (document->workloads == NULL)
        document->workloads = calloc(WORKLOADS_MAX, sizeof document->workloads[0]);
    struct workload_file *file = calloc(1, sizeof *file);
    if (document->workloads == NULL || file == NULL || document->workload_count == WORKLOADS_MAX) {
        (void)err_set(reason, E_CONFIG, "more than %u different files", WORKLOADS_MAX);
        free(file);
        free(path);
        return NULL;
    }
    document->workloads[document->workload_count++] = (struct scenario_workload){path, file};
    return workload_file_read(file, &(struct file_source){.name = path}, reason) == OK ? file
                                                                                       : NULL;
}

void scenario_workloads_free(struct scenario_document *document)
{
    for (uint32_t i = 0; i < document->workload_count; i++) {
        workload_file_free(document->workloads[i].file);
        free(document->workloads[i].file);
        free(document->workloads[i].path);
    }
    free(document->workloads);
    document->workloads = NULL;
    document->workload_count = 0;
}

bool scenario_workload_uses_live_keys(const struct workload_plan *plan)
{
    for (size_t i = 0; i < plan->key_space_count; i++)
        if (strcmp(plan->key_spaces[i].name, SCENARIO_LIVE_KEYS) == 0)
            return true;
    return false;
}

uint32_t scenario_workload_fills(const struct workload_plan *plan, size_t *prefill, uint32_t nth)
{
    uint32_t count = 0;
    for (size_t i = 0; i < plan->prefill_count; i++) {
        const char *name = plan->key_spaces[plan->prefills[i].key_space].name;
        if (strcmp(name, SCENARIO_LIVE_KEYS) == 0)
            continue;
        if (prefill != NULL && count == nth)
            *prefill = i;
        count++;
    }
    return count;
}

enum err_code scenario_settle_workload(struct reading *reading, struct phase *phase,
                                       const struct scenario_entry *entry)
{
    static const char *const others[] = {
        "mix",   "key_dist",      "value_size", "datatype",      "ttl",      "keys",      "batch",
        "until", "target_memory", "skew",       "wait_replicas", "keyspace", "key_prefix"};
    const bool loads = phase->type == PHASE_LOAD;
    const bool mixes =
        phase->type == PHASE_RAMP || phase->type == PHASE_HOLD || phase->type == PHASE_BURST;
    struct err reason = {.code = OK};
    char *path;
    if (mixes && entry->workload == NULL && entry->mix_count == 0)
        return REFUSE(reading, phase, NULL, "\"mix\" is missing, or a \"workload\"");
    if (entry->workload == NULL)
        return OK;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (file_given(&phase->place, others[i]) && (loads || strcmp(others[i], "until") != 0))
            return REFUSE(reading, phase, others[i],
                          "%s: the workload says that; leave out one of them", others[i]);
    if (phase->parallel_place > 0 && loads)
        return REFUSE(reading, phase, "workload",
                      "workload: what it fills is not loaded side by side with others");
    enum err_code code = find_path(&path, reading->file, entry->workload, &reason);
    const struct workload_file *file = code == OK ? get(reading->document, path, &reason) : NULL;
    if (file == NULL)
        return REFUSE(reading, phase, "workload", "workload: %s", reason.text);
    if (loads && scenario_workload_fills(&file->plan, NULL, 0) == 0)
        return REFUSE(reading, phase, "workload", "workload: %.60s has no prefill: nothing to load",
                      entry->workload);
    if (!loads) /* what it fills is not buffered */
        phase->buffer = file->buffer;
    phase->workload = &file->plan;
    return OK;
}
