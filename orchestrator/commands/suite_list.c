#include "orchestrator/commands/suite_list.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/printable.h"
#include "orchestrator/suite/result_find.h"
#include "orchestrator/suite/suite_metrics.h"
#include "orchestrator/suite/suite_subjects.h"

/* What there is of each subject. */
struct there {
    struct suite_metrics *items;
    size_t count;
};

static void tell(void *state, const char *text)
{
    (void)state;
    log_line(LOG_WARNING, "%s", text);
}

/* The directory of a commit's results with these arguments of make, whatever it was found by. */
static void settle_build(char path[RECORD_PATH_BYTES], const char *make_args)
{
    char suffix[SUITE_MAKE_SUFFIX_BYTES];
    char *build = strstr(strrchr(path, '/') != NULL ? strrchr(path, '/') : path, "-make-");
    if (build != NULL)
        *build = '\0';
    suite_subjects_make_suffix(suffix, make_args);
    strncat(path, suffix, RECORD_PATH_BYTES - strlen(path) - 1);
}

/* Where nobody is named (programs as found, a running server) the only results are meant. */
static bool find_only(char path[RECORD_PATH_BYTES], const char *results)
{
    struct dirent *entry;
    struct stat about;
    char file[RECORD_PATH_BYTES + 20];
    size_t count = 0;
    DIR *entries = opendir(results);
    while (entries != NULL && (entry = readdir(entries)) != NULL) {
        snprintf(file, sizeof file, "%.3800s/%.255s/metrics.json", results, entry->d_name);
        if (entry->d_name[0] == '.' || stat(file, &about) != 0)
            continue;
        count++;
        snprintf(path, RECORD_PATH_BYTES, "%.3800s/%.255s", results, entry->d_name);
    }
    if (entries != NULL)
        (void)closedir(entries);
    return count == 1;
}

static enum err_code look(struct there *there, const struct suite_request *request, const char *ref,
                          const char *ending, struct err *err)
{
    char path[RECORD_PATH_BYTES];
    struct err reason = {.code = OK};
    struct suite_metrics *metrics = &there->items[there->count++];
    const bool named = request->commits_text != NULL || request->baseline != NULL;
    if (!named && ending[0] == '\0' && find_only(path, request->results_dir))
        return suite_metrics_look(metrics, path, tell, NULL, err);
    if (result_find(path, request->results_dir, ref, &reason) != OK) {
        log_line(LOG_WARNING, "%.80s%s has no results under this name: all of it is to be measured",
                 PRINTABLE(ref), ending);
        path[0] = '\0';
    } else {
        settle_build(path, request->make_args);
        strncat(path, ending, sizeof path - strlen(path) - 1);
    }
    return suite_metrics_look(metrics, path, tell, NULL, err);
}

static enum err_code look_all(struct there *there, const struct suite_request *request,
                              struct err *err)
{
    const char *const control = request->baseline != NULL ? request->baseline : request->refs[0];
    there->items = calloc(request->ref_count + 1, sizeof there->items[0]);
    if (there->items == NULL)
        return err_set(err, E_SYSTEM, "no memory for a plan");
    enum err_code code = OK;
    for (size_t i = 0; i < request->ref_count && code == OK; i++)
        code = look(there, request, request->refs[i], "", err);
    return code == OK && request->control ? look(there, request, control, SUITE_CONTROL_SUFFIX, err)
                                          : code;
}

/* Runs of a combination without a record. */
static uint64_t count_left(const struct there *there, const struct suite_request *request,
                           const struct suite_combination *combination, const char *tool)
{
    uint64_t left = 0;
    for (size_t i = 0; i < there->count; i++)
        for (uint64_t run = 1; run <= request->runs; run++)
            left += !suite_metrics_has(&there->items[i], combination, run, tool);
    return left;
}

static void print_combination(const struct suite_request *request,
                              const struct suite_combination *combination,
                              const struct suite_tool *tool)
{
    char text[300];
    struct suite_argv argv;
    const struct suite_target target = {.host = request->target_ip,
                                        .port = (uint16_t)combination->block->port,
                                        .cacert = combination->block->tls ? "CA" : NULL};
    const struct suite_stage_wish wish = {
        .tool = tool,
        .combination = combination,
        .target = &target,
        .seed = combination->block->has_seed ? combination->block->seed : SUITE_SEED_OPEN};
    suite_stage_argv(&argv, &wish, SUITE_MEASURE);
    printf("%s: ", suite_combination_text(text, sizeof text, combination));
    suite_argv_print(stdout, &argv);
    printf("\n");
}

static void print_time(double seconds)
{
    if (seconds < 120)
        printf("about %.0f s", seconds);
    else if (seconds < 7200)
        printf("about %.0f min", seconds / 60);
    else
        printf("about %.1f h", seconds / 3600);
}

enum err_code suite_list_print(const struct suite_request *request, const struct suite_plan *plan,
                               const struct suite_tool *tool, struct err *err)
{
    const uint64_t subjects = request->use_running ? 1 : request->ref_count + request->control;
    const uint64_t runs = subjects * request->runs;
    struct there there = {.items = NULL};
    uint64_t all_left = 0;
    double seconds = 0;
    enum err_code code = request->resume ? look_all(&there, request, err) : OK;
    for (size_t i = 0; i < plan->count && code == OK; i++) {
        const struct suite_combination *combination = &plan->items[i];
        const uint64_t left =
            request->resume ? count_left(&there, request, combination, tool->version) : runs;
        if (left > 0)
            print_combination(request, combination, tool);
        all_left += left;
        seconds += (double)left * suite_combination_seconds(combination);
    }
    if (code == OK) {
        printf("%zu combination%s, %llu commit%s, %llu run%s each: %llu runs, ", plan->count,
               plan->count == 1 ? "" : "s", (unsigned long long)subjects, subjects == 1 ? "" : "s",
               (unsigned long long)request->runs, request->runs == 1 ? "" : "s",
               (unsigned long long)plan->count * runs);
        if (request->resume)
            printf("%llu of them still to be measured, ", (unsigned long long)all_left);
        print_time(seconds);
        printf(" beside builds%s\n",
               plan->requests > 0 ? ", at 100,000 requests per second where they are counted" : "");
    }
    for (size_t i = 0; i < there.count; i++)
        suite_metrics_close(&there.items[i]);
    free(there.items);
    return code;
}
