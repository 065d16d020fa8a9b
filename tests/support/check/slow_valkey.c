#include "tests/support/check/slow_valkey.h"

#include <check.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/check/run.h"

#define MAKE_LIMIT_MS 300000u
/* Of a loop whose every step is a store and a load. */
#define PLANTED_STEPS "200"

/* In an empty folder. The last line of it makes sure that the slowdown is in the second commit, and nothing else. */
static const char script[] =
    "set -eu; source=$1; cp -a \"$source/.\" . && find src -maxdepth 1 -type l -delete\n"
    "export GIT_CONFIG_GLOBAL=/dev/null GIT_AUTHOR_NAME=volley GIT_AUTHOR_EMAIL=tests@example.com\n"
    "export GIT_COMMITTER_NAME=volley GIT_COMMITTER_EMAIL=tests@example.com\n"
    "export GIT_AUTHOR_DATE=2026-01-01T00:00:00Z GIT_COMMITTER_DATE=2026-01-01T00:00:00Z\n"
    "unset GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE\n"
    "git init -q -b main . && git add -f . && git commit -qm 'As it is' && git tag base\n"
    "sed -i 's/^int processCommand(client \\*c) {$/&\\n    for (volatile int planted = 0; planted "
    "< " PLANTED_STEPS "; planted++) continue;/' src/server.c\n"
    "git commit -qam 'Plant a slowdown' && git tag slow\n"
    "[ \"$(git diff --numstat base slow)\" = \"$(printf '1\\t0\\tsrc/server.c')\" ]\n";

/* .../servers/slow-valkey-9.1-400 */
static char folder[PATH_MAX - 64];

bool slow_valkey_wanted(void)
{
    return getenv("VOLLEY_BUILDS") != NULL;
}

/* Leaves the folder, and returns where the source is. */
static const char *find_source(void)
{
    static char source[PATH_MAX];
    char printed[PATH_MAX];
    struct program get;
    program_run(&get, &(struct program_options){
                          .argv = (const char *const[]){"configs/get-server.sh", "--source",
                                                        "valkey-9.1", NULL},
                          .deadline_ms = MAKE_LIMIT_MS});
    ck_assert_msg(get.exit_status == 0, "%s", get.err);
    snprintf(printed, sizeof printed, "%.*s", (int)strcspn(get.out, "\n"), get.out);
    program_free(&get);
    ck_assert_ptr_nonnull(realpath(printed, source));
    char *slash = strrchr(source, '/'); /* .../servers/valkey-9.1/source */
    *slash = '\0';
    const char *name = strrchr(source, '/') + 1;
    snprintf(folder, sizeof folder, "%.*sslow-%s-" PLANTED_STEPS, (int)(name - source), source,
             name);
    *slash = '/';
    return source;
}

static void run_script(const char *directory, const char *source)
{
    struct program program;
    program_run(&program,
                &(struct program_options){
                    .argv = (const char *const[]){"/bin/bash", "-c", script, "bash", source, NULL},
                    .directory = directory,
                    .deadline_ms = MAKE_LIMIT_MS});
    ck_assert_msg(program.exit_status == 0, "%s\n%s", program.out, program.err);
    program_free(&program);
}

static void make_repository(const char *repository, const char *source)
{
    char path[PATH_MAX], line[2 * PATH_MAX];
    snprintf(path, sizeof path, "%s/new", folder);
    snprintf(line, sizeof line, "rm -rf '%s'", path); /* of one that was killed */
    ck_assert_int_eq(system(line), 0);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    run_script(path, source);
    ck_assert_int_eq(rename(path, repository), 0);
}

const char *slow_valkey_repository(void)
{
    static char repository[PATH_MAX];
    char lock[PATH_MAX];
    const char *source = find_source();
    snprintf(repository, sizeof repository, "%s/repository", folder);
    snprintf(lock, sizeof lock, "%s/lock", folder);
    (void)mkdir(folder, 0700);
    const int fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    ck_assert_msg(fd >= 0, "%s", lock);
    ck_assert_int_eq(flock(fd, LOCK_EX), 0);
    if (access(repository, F_OK) != 0)
        make_repository(repository, source);
    close(fd);
    return repository;
}

const char *slow_valkey_cache_home(void)
{
    return folder;
}

struct source_wish slow_valkey_wish(void)
{
    static char builds[PATH_MAX];
    const char *repository = slow_valkey_repository();
    snprintf(builds, sizeof builds, "%s/volley/builds", folder);
    return (struct source_wish){.repository = repository,
                                .make_args = "valkey-server MALLOC=libc OPTIMIZATION=-O2",
                                .cache_folder = builds};
}
