#include "orchestrator/report/catalogue.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/version_table.h"
#include "orchestrator/report/catalogue_suite.h"
#include "orchestrator/report/figures.h"
#include "orchestrator/report/journal_format.h"
#include "orchestrator/report/sinks.h"

/* Every file that a command writes into a run's directory, or a suite into a commit's; '#' stands for a number, '*' for one
 * character or more. */
static const char *const own_files[] = {JOURNAL_FILE_NAME,
                                        "run.json",
                                        "intervals.csv",
                                        "intervals-#.csv",
                                        "latency.hlog",
                                        "volley.log",
                                        "find-max.json",
                                        "find-max.csv",
                                        "sweep.json",
                                        "sweep.csv",
                                        "load-test.json",
                                        "load-test.csv",
                                        "classes.csv",
                                        VERSION_NAME,
                                        "*_metrics.csv",
                                        "*_phases.json",
                                        "summary.csv",
                                        "checks.json",
                                        "environment.json",
                                        "metrics.csv",
                                        "memory.csv",
                                        "performance.csv",
                                        "export.json",
                                        "*_nodes.csv",
                                        CATALOGUE_SUITE_FILE,
                                        "metrics.json.damaged-#",
                                        "logs.txt",
                                        "valkey_log_*.log",
                                        "run-#.hlog",
                                        "flamegraph-#-*.html",
                                        "flamegraph-#-*.folded"};

static bool matches(const char *name, const char *pattern)
{
    for (; *pattern != '\0'; pattern++) {
        if (*pattern == '*') {
            for (size_t bytes = 1; name[0] != '\0' && name[bytes - 1] != '\0'; bytes++)
                if (matches(name + bytes, pattern + 1))
                    return true;
            return false;
        }
        const size_t digits = strspn(name, "0123456789");
        if (*pattern == '#' ? digits == 0 : *name != *pattern)
            return false;
        name += *pattern == '#' ? digits : 1;
    }
    return *name == '\0';
}

/* Under its own name, or what a killed run left of it: "run.json.x1y2z3.tmp". */
static bool is_own(const char *given)
{
    static const char ending[] = ".tmp";
    const size_t bytes = strlen(given), unfinished = sizeof ".123456.tmp" - 1;
    char name[NAME_MAX + 1];
    snprintf(name, sizeof name, "%s", given);
    if (bytes > unfinished && bytes < sizeof name && name[bytes - unfinished] == '.' &&
        strcmp(name + bytes - strlen(ending), ending) == 0)
        name[bytes - unfinished] = '\0';
    for (size_t i = 0; i < sizeof own_files / sizeof own_files[0]; i++)
        if (matches(name, own_files[i]))
            return true;
    return false;
}

/* What the journal tells. */

static enum err_code take_session(void *state, const struct session_facts *session, struct err *err)
{
    struct catalogue_run *run = state;
    (void)err;
    snprintf(run->command, sizeof run->command, "%s", session->command);
    snprintf(run->label, sizeof run->label, "%s", session->label != NULL ? session->label : "");
    return OK;
}

static enum err_code take_start(void *state, const struct run_facts *facts, struct err *err)
{
    struct catalogue_run *run = state;
    (void)err;
    if (run->started_wall_ns == 0)
        run->started_wall_ns = facts->started_wall_ns;
    return OK;
}

static enum err_code take_end(void *state, const struct run_result *result, struct err *err)
{
    struct catalogue_run *run = state;
    const size_t used = strlen(run->tests);
    (void)err;
    run->status = err_worse(run->status, result->status);
    if (result->facts->prefill)
        return OK;
    snprintf(run->tests + used, sizeof run->tests - used, "%s%s", used > 0 ? "," : "",
             result->facts->name);
    run->seconds += result->seconds;
    run->rate = figure_rate(result->total->counters[COUNTER_OK], result->seconds);
    if (run->test_count++ == 0 || result->verdict.level > run->level)
        run->level = result->verdict.level;
    return OK;
}

static void read_journal(struct catalogue_run *run, const char *path)
{
    static struct timeline timeline; /* too large for a stack */
    struct err err = {.code = OK};
    if (timeline_init(&timeline, &err) == OK) {
        timeline_add(&timeline, (struct sink){.name = "catalogue",
                                              .state = run,
                                              .session_begin = take_session,
                                              .run_begin = take_start,
                                              .run_end = take_end});
        (void)(journal_replay(path, &timeline, &run->complete, &err) == OK); /* err tells */
        timeline_destroy(&timeline);
    }
    if (err.code != OK && err.code != E_UNTRUSTED)
        snprintf(run->problem, sizeof run->problem, "%s", err.text);
}

/* Sizes, and what else there is. False: it is no directory of a run, or of a suite's commit. */
static bool read_files(struct catalogue_run *run, int parent_fd, const char *name)
{
    bool journal = false;
    struct stat there;
    int fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *files = fd >= 0 ? fdopendir(fd) : NULL;
    if (files == NULL) {
        if (fd >= 0)
            close(fd);
        return false;
    }
    for (const struct dirent *entry; (entry = readdir(files)) != NULL;) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        const bool known = fstatat(fd, entry->d_name, &there, AT_SYMLINK_NOFOLLOW) == 0;
        const bool regular = known && S_ISREG(there.st_mode);
        journal |= regular && strcmp(entry->d_name, JOURNAL_FILE_NAME) == 0;
        run->of_suite |= regular && strcmp(entry->d_name, CATALOGUE_SUITE_FILE) == 0;
        run->bytes += regular ? (uint64_t)there.st_size : 0;
        if (!regular || !is_own(entry->d_name)) {
            run->foreign = true;
            snprintf(run->foreign_name, sizeof run->foreign_name, "%s", entry->d_name);
        }
    }
    closedir(files);
    run->of_suite &= !journal;
    return journal || run->of_suite;
}

static bool in_use(const struct catalogue_run *run, const char *directory, const char *path)
{
    return run->of_suite ? catalogue_suite_in_use(directory) : journal_in_use(path);
}

static int by_start(const void *a, const void *b)
{
    const struct catalogue_run *one = a, *other = b;
    if (one->started_wall_ns != other->started_wall_ns)
        return one->started_wall_ns < other->started_wall_ns ? -1 : 1;
    return strcmp(one->name, other->name);
}

/* Room for one more; NULL: no memory. */
static struct catalogue_run *next_run(struct catalogue *catalogue)
{
    if ((catalogue->count & (catalogue->count - 1)) == 0) { /* a power of two, or none */
        const size_t room = catalogue->count > 0 ? catalogue->count * 2 : 1;
        struct catalogue_run *grown = realloc(catalogue->runs, room * sizeof *grown);
        if (grown == NULL)
            return NULL;
        catalogue->runs = grown;
    }
    return memset(&catalogue->runs[catalogue->count], 0, sizeof catalogue->runs[0]);
}

static enum err_code read_entry(struct catalogue *catalogue, DIR *parent, const char *directory,
                                const char *name, struct err *err)
{
    char path[4096];
    struct catalogue_run *run = next_run(catalogue);
    if (run == NULL)
        return err_set(err, E_SYSTEM, "no memory for a list of runs");
    if (!read_files(run, dirfd(parent), name))
        return OK;
    if (catalogue->count == CATALOGUE_RUNS_MAX)
        return err_set(err, E_DATA, "%s holds more than %u runs", directory, CATALOGUE_RUNS_MAX);
    snprintf(run->name, sizeof run->name, "%s", name);
    if (snprintf(path, sizeof path, "%s/%s", directory, name) >= (int)sizeof path)
        snprintf(run->problem, sizeof run->problem, "its path is too long");
    else if (run->of_suite)
        catalogue_suite_read(run, path);
    else
        read_journal(run, path);
    run->in_use = in_use(run, directory, path);
    catalogue->count++;
    return OK;
}

enum err_code catalogue_read(struct catalogue *catalogue, const char *directory, struct err *err)
{
    *catalogue = (struct catalogue){.runs = NULL};
    enum err_code code = OK;
    DIR *parent = opendir(directory);
    if (parent == NULL)
        return err_set_errno(err, E_DATA, errno, "cannot read the directory %s", directory);
    for (const struct dirent *entry; code == OK && (entry = readdir(parent)) != NULL;)
        if (entry->d_name[0] != '.')
            code = read_entry(catalogue, parent, directory, entry->d_name, err);
    closedir(parent);
    if (catalogue->count > 0)
        qsort(catalogue->runs, catalogue->count, sizeof catalogue->runs[0], by_start);
    return code;
}

void catalogue_free(struct catalogue *catalogue)
{
    free(catalogue->runs);
    *catalogue = (struct catalogue){.runs = NULL};
}

enum err_code catalogue_remove(const char *directory, const struct catalogue_run *run,
                               struct err *err)
{
    char path[4096];
    struct catalogue_run now = {.bytes = 0};
    int parent_fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int fd = parent_fd >= 0
                 ? openat(parent_fd, run->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
                 : -1;
    snprintf(path, sizeof path, "%s/%s", directory, run->name);
    enum err_code code = OK;
    if (fd < 0 || !read_files(&now, parent_fd, run->name))
        code = err_set(err, E_DATA, "%s: it is gone", path);
    else if (in_use(&now, directory, path))
        code = err_set(err, E_DATA, "%s: the run goes on", path);
    else if (now.foreign)
        code = err_set(err, E_DATA, "%s: left alone, because %s in it is not volley's", path,
                       now.foreign_name);
    DIR *files = code == OK ? fdopendir(dup(fd)) : NULL;
    for (const struct dirent *entry; files != NULL && (entry = readdir(files)) != NULL;)
        if (is_own(entry->d_name) && unlinkat(fd, entry->d_name, 0) != 0 && code == OK)
            code =
                err_set_errno(err, E_SYSTEM, errno, "cannot remove %s in %s", entry->d_name, path);
    if (files != NULL)
        closedir(files);
    if (code == OK && unlinkat(parent_fd, run->name, AT_REMOVEDIR) != 0)
        code = err_set_errno(err, E_SYSTEM, errno, "cannot remove %s", path);
    if (fd >= 0)
        close(fd);
    if (parent_fd >= 0)
        close(parent_fd);
    return code;
}
