#include "orchestrator/server/source_build.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/printable.h"
#include "orchestrator/machine/program_path.h"
#include "orchestrator/report/shell_word.h"
#include "orchestrator/server/source_folder.h"
#include "orchestrator/server/source_git.h"
#include "orchestrator/server/source_tool.h"

#define MAKE_LIMIT_NS (60 * 60 * NS_PER_SECOND)
#define CLEAN_LIMIT_NS (5 * 60 * NS_PER_SECOND)
#define MAKE_ARGS_BYTES_MAX 4096u
#define MAKE_WORDS_MAX 64u
#define SHOWN_DIGITS 8
#define LOG_PATH "%s/logs/%s-%s.log" /* folder, commit, key */

/* ---- what is wished ---- */

struct make_words {
    const char *words[MAKE_WORDS_MAX];
    size_t count;
    char text[MAKE_ARGS_BYTES_MAX + MAKE_WORDS_MAX];
};

static enum err_code cut_words(struct make_words *make, const char *text, struct err *err)
{
    char *out = make->text;
    make->count = 0;
    if (text == NULL)
        return OK;
    if (strlen(text) > MAKE_ARGS_BYTES_MAX)
        return err_set(err, E_USAGE, "arguments of make: at most %u bytes are possible",
                       MAKE_ARGS_BYTES_MAX);
    for (const char *at = text + strspn(text, " \t"); *at != '\0'; at += strspn(at, " \t")) {
        if (make->count == MAKE_WORDS_MAX)
            return err_set(err, E_USAGE, "arguments of make: at most %u words are possible",
                           MAKE_WORDS_MAX);
        make->words[make->count++] = out;
        if (!shell_word_take(&out, &at))
            return err_set(err, E_USAGE,
                           "arguments of make: a quote or a backslash has nothing behind it: %s",
                           PRINTABLE(text));
    }
    return OK;
}

/* What decides about the code, beside the commit: arguments, what make takes from the environment, the compiler. */
static enum err_code find_key(char key[SOURCE_KEY_BYTES], const struct source_wish *wish,
                              struct err *err)
{
    static const char *const names[] = {"CC",      "CXX",    "CFLAGS", "CPPFLAGS",
                                        "LDFLAGS", "MALLOC", "OPT",    "OPTIMIZATION"};
    char compiler[PATH_MAX];
    struct stat status = {.st_size = 0};
    char *text = NULL;
    size_t text_bytes = 0;
    FILE *whole = open_memstream(&text, &text_bytes);
    if (whole == NULL)
        return err_set(err, E_SYSTEM, "no memory to look for a build");
    fprintf(whole, "%s\n%d\n", wish->make_args != NULL ? wish->make_args : "", wish->tls);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const char *value = getenv(names[i]);
        fprintf(whole, "%s=%s\n", names[i], value != NULL ? value : "");
    }
    if (program_path_find_listed(compiler, sizeof compiler, "cc") && stat(compiler, &status) == 0)
        fprintf(whole, "%s %lld %lld\n", compiler, (long long)status.st_size,
                (long long)status.st_mtim.tv_sec);
    if (fclose(whole) == 0)
        source_key(key, text, text_bytes);
    free(text);
    return OK;
}

static enum err_code check_tools(const struct source_wish *wish, struct err *err)
{
    if ((wish->tree == NULL || source_git_is_tree(wish->tree)) &&
        source_tool_check("git", err) != OK)
        return err->code;
    if (wish->keep_programs_built)
        return OK;
    return source_tool_check("make", err) != OK ? err->code : source_tool_check_compiler(err);
}

static enum err_code check_tree(const char *tree, char whole[SOURCE_PATH_BYTES], struct err *err)
{
    char path[PATH_MAX];
    struct stat status;
    if (realpath(tree, path) == NULL || stat(path, &status) != 0)
        return err_set(err, E_USAGE, "there is no directory %s: %s", PRINTABLE(tree),
                       strerror(errno));
    if (!S_ISDIR(status.st_mode))
        return err_set(err, E_USAGE, "%s is no directory with sources", PRINTABLE(tree));
    return source_path(whole, err, "%s", path);
}

/* ---- resolving ---- */

static enum err_code take_ref(struct source_commit *commit, const char *ref, struct err *err)
{
    *commit = (struct source_commit){.sha = ""};
    if (ref[0] == '\0' || strlen(ref) >= sizeof commit->wanted)
        return err_set(err, E_USAGE,
                       "a commit is named by 1 to %zu bytes: a branch, a tag or its own name",
                       sizeof commit->wanted - 1);
    for (const char *at = ref; *at != '\0'; at++)
        if ((unsigned char)*at <= ' ' || *at == 0x7F)
            return err_set(err, E_USAGE, "no commit is named '%s': a name has no blanks",
                           PRINTABLE(ref));
    if (ref[0] == '-')
        return err_set(err, E_USAGE, "no commit is named '%s': no name begins with '-'",
                       PRINTABLE(ref));
    memcpy(commit->wanted, ref, strlen(ref) + 1);
    return OK;
}

static enum err_code resolve_without_git(struct source_commit *commits, size_t count,
                                         const struct source_wish *wish, struct err *err)
{
    const time_t now = time(NULL);
    struct tm parts;
    char zone[8];
    for (size_t i = 0; i < count; i++) {
        if (strcmp(commits[i].wanted, "HEAD") != 0)
            return err_set(err, E_USAGE,
                           "%.200s is no git work tree, so there is no commit '%s' in it: leave "
                           "out the commit, or name a repository",
                           PRINTABLE(wish->tree), PRINTABLE(commits[i].wanted));
        localtime_r(&now, &parts);
        strftime(commits[i].time, sizeof commits[i].time, "%Y-%m-%dT%H:%M:%S", &parts);
        strftime(zone, sizeof zone, "%z", &parts);
        const size_t bytes = strlen(commits[i].time);
        snprintf(commits[i].time + bytes, sizeof commits[i].time - bytes, "%.3s:%.2s", zone,
                 zone + 3);
    }
    return OK;
}

static void tell_log(void *state, const char *text)
{
    (void)state;
    log_line(LOG_INFO, "%s", text);
}

static enum err_code resolve_in_git(struct source_commit *commits, size_t count,
                                    const struct source_wish *wish, const char *tree,
                                    const volatile int *interrupted, struct err *err)
{
    struct source_folder folder;
    struct source_repository repository = {.login = NULL};
    void (*hears)(void *state, const char *text) = wish->tell != NULL ? wish->tell : tell_log;
    if (source_folder_find(&folder, wish->cache_folder, err) != OK)
        return err->code;
    enum err_code code =
        source_repository_open(&repository, wish->repository, tree, &folder, interrupted, err);
    repository.tell = hears;
    repository.tell_state = wish->tell_state;
    if (code == OK && tree == NULL)
        code = source_folder_lock(&folder, hears, wish->tell_state, interrupted, err);
    if (code == OK)
        code = source_repository_resolve(&repository, commits, count, err);
    source_folder_unlock(&folder);
    source_repository_close(&repository);
    return code;
}

enum err_code source_resolve(struct source_commit *commits, size_t count, const char *const *refs,
                             const struct source_wish *wish, const volatile int *interrupted,
                             struct err *err)
{
    char tree[SOURCE_PATH_BYTES] = "";
    for (size_t i = 0; i < count; i++)
        if (take_ref(&commits[i], refs[i], err) != OK)
            return err->code;
    struct make_words *make = malloc(sizeof *make);
    if (make == NULL)
        return err_set(err, E_SYSTEM, "no memory to resolve commits");
    enum err_code code = cut_words(make, wish->make_args, err);
    free(make);
    if (code == OK && wish->tree != NULL)
        code = check_tree(wish->tree, tree, err);
    if (code == OK)
        code = check_tools(wish, err);
    if (code != OK)
        return code;
    if (wish->tree != NULL && !source_git_is_tree(tree))
        return resolve_without_git(commits, count, wish, err);
    return resolve_in_git(commits, count, wish, wish->tree != NULL ? tree : NULL, interrupted, err);
}

/* ---- building ---- */

/* One call of source_build_make. */
struct making {
    struct source_build *build;
    const struct source_commit *commit;
    const struct source_wish *wish;
    void (*tell)(void *state, const char *text);
    void *state;
    const volatile int *interrupted;
    struct source_folder folder;
    struct source_repository repository;
    struct make_words make;
    char key[SOURCE_KEY_BYTES];
    char kept[SOURCE_PATH_BYTES]; /* where the programs are kept; "": they are not */
    char shown[SOURCE_REF_BYTES]; /* the commit, for people */
    int log_fd;
};

static void tell(const struct making *making, const char *text)
{
    if (making->tell != NULL)
        making->tell(making->state, text);
}

static void tell_beat(void *state, uint64_t line_count)
{
    char text[SOURCE_REF_BYTES + 64];
    const struct making *making = state;
    const int bytes = snprintf(text, sizeof text, "building %s", making->shown);
    if (line_count > 0)
        snprintf(text + bytes, sizeof text - (size_t)bytes, " (line %llu of make)",
                 (unsigned long long)line_count);
    tell(making, text);
}

static enum err_code open_log(struct making *making, struct err *err)
{
    const char *sha = making->commit->sha;
    if (source_path(making->build->log_path, err, LOG_PATH, making->folder.path,
                    sha[0] != '\0' ? sha : "tree", making->key) != OK)
        return err->code;
    making->log_fd =
        open(making->build->log_path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (making->log_fd >= 0)
        return OK;
    making->log_fd = 0;
    return err_set_errno(err, E_SYSTEM, errno, "%s cannot be written", making->build->log_path);
}

static bool take_kept(struct making *making)
{
    struct source_build *build = making->build;
    build->from_cache = source_programs_take(build, making->kept);
    if (build->from_cache && (source_path(build->log_path, NULL, LOG_PATH, making->folder.path,
                                          making->commit->sha, making->key) != OK ||
                              access(build->log_path, R_OK) != 0))
        build->log_path[0] = '\0';
    return build->from_cache;
}

static struct source_tool prepare_make(const struct making *making, uint64_t limit_ns)
{
    struct source_tool tool = {
        .limit_ns = limit_ns, .interrupted = making->interrupted, .log_fd = making->log_fd};
    source_tool_add(&tool, "make", "--no-print-directory", "-C", making->build->directory, NULL);
    return tool;
}

/* All that is shown of it: the rest is in the log. */
static enum err_code tell_failure(const struct making *making, const struct source_tool *tool,
                                  struct err *err)
{
    char complaint[256];
    const char *line;
    for (size_t i = 0; (line = source_tool_last_line(tool, i)) != NULL; i++)
        tell(making, line);
    return err_set(err, E_FAILED, "%.40s does not build, see %s: %s", making->shown,
                   making->build->log_path,
                   source_tool_complaint(tool, complaint, sizeof complaint));
}

static enum err_code make_programs(struct making *making, struct err *err)
{
    char jobs[32];
    const long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    struct source_tool tool = prepare_make(making, MAKE_LIMIT_NS);
    snprintf(jobs, sizeof jobs, "-j%ld", cpus > 0 ? cpus : 1);
    tool.beat = tell_beat;
    tool.state = making;
    source_tool_add(&tool, jobs, NULL);
    if (making->wish->tls)
        source_tool_add(&tool, "BUILD_TLS=yes", NULL);
    for (size_t i = 0; i < making->make.count; i++)
        source_tool_add(&tool, making->make.words[i], NULL);
    tell_beat(making, 0);
    const uint64_t begin_ns = clock_now_ns();
    if (source_tool_run(&tool, err) != OK)
        return err->code;
    making->build->seconds = clock_seconds(clock_now_ns() - begin_ns);
    return tool.succeeded ? source_programs_find(making->build, making->build->directory, err)
                          : tell_failure(making, &tool, err);
}

/* In the cache's own tree. */
static enum err_code build_apart(struct making *making, struct err *err)
{
    struct source_build *build = making->build;
    char text[SOURCE_REF_BYTES + 32];
    if (source_tree_place(build->directory, &making->folder, making->commit->sha, err) != OK)
        return err->code;
    snprintf(text, sizeof text, "checking out %s", making->shown);
    tell(making, text);
    enum err_code code = source_repository_check_out(&making->repository, build->directory,
                                                     making->commit->sha, making->log_fd, err);
    build->tree_fd = source_tree_hold(build->directory);
    if (code == OK)
        code = make_programs(making, err);
    if (code == OK)
        code = source_programs_keep(build, making->kept, err);
    return code;
}

/* ---- in a tree of the user's ---- */

static enum err_code clean_tree(struct making *making, struct err *err)
{
    struct source_tool tool = prepare_make(making, CLEAN_LIMIT_NS);
    source_tool_add(&tool, "distclean", NULL);
    tell(making, "cleaning the tree (make distclean)");
    return source_tool_run(&tool, err); /* not every Makefile knows it */
}

static enum err_code build_here(struct making *making, bool clean, struct err *err)
{
    enum err_code code = clean ? clean_tree(making, err) : OK;
    if (code == OK)
        code = make_programs(making, err);
    if (code == OK && making->kept[0] != '\0')
        code = source_programs_keep(making->build, making->kept, err);
    return code;
}

static enum err_code build_in_git_tree(struct making *making, struct err *err)
{
    struct source_tree_state before;
    const char *sha = making->commit->sha;
    if (source_tree_look(&before, &making->repository, err) != OK)
        return err->code;
    const bool is_there = strcmp(before.sha, sha) == 0;
    if (is_there && before.changed) {
        making->kept[0] = '\0'; /* nobody knows what is in it */
        making->build->changed = true;
        tell(making, "the tree has changes that are not committed: they are built, too");
    }
    if (!is_there && before.changed)
        return err_set(err, E_USAGE,
                       "%.150s has changes that are not committed, so %s cannot be checked out in "
                       "it: commit them or put them aside (git stash)",
                       PRINTABLE(making->build->directory), making->shown);
    if (!before.changed && take_kept(making))
        return OK;
    enum err_code code =
        is_there ? OK : source_tree_switch(&making->repository, sha, making->log_fd, err);
    if (code == OK)
        code = build_here(making, true, err);
    if (is_there)
        return code;
    struct err way_back = {.code = OK};
    if (source_tree_restore(&making->repository, &before, making->log_fd, &way_back) != OK &&
        code == OK)
        code = err_set(err, way_back.code, "%s", way_back.text);
    return code;
}

static enum err_code build_in_tree(struct making *making, struct err *err)
{
    if (open_log(making, err) != OK)
        return err->code;
    if (making->repository.is_tree)
        return build_in_git_tree(making, err);
    making->kept[0] = '\0';
    return build_here(making, true, err);
}

/* ---- a call ---- */

static bool is_sha(const char *text)
{
    return strlen(text) == SOURCE_SHA_BYTES - 1 &&
           strspn(text, "0123456789abcdef") == SOURCE_SHA_BYTES - 1;
}

static enum err_code begin(struct making *making, struct err *err)
{
    const struct source_wish *wish = making->wish;
    const struct source_commit *commit = making->commit;
    char *directory = making->build->directory;
    if (commit->sha[0] != '\0' ? !is_sha(commit->sha) : wish->tree == NULL)
        return err_set(err, E_USAGE, "the commit '%s' has not been looked for yet",
                       PRINTABLE(commit->wanted));
    snprintf(making->shown, sizeof making->shown, "%.*s",
             commit->sha[0] != '\0' ? SHOWN_DIGITS : (int)sizeof making->shown - 1,
             commit->sha[0] != '\0' ? commit->sha : "the tree");
    if (cut_words(&making->make, wish->make_args, err) != OK ||
        find_key(making->key, wish, err) != OK ||
        source_folder_find(&making->folder, wish->cache_folder, err) != OK ||
        source_path(making->kept, err, "%s/programs/%s-%s", making->folder.path, commit->sha,
                    making->key) != OK ||
        (wish->tree != NULL && check_tree(wish->tree, directory, err) != OK))
        return err->code;
    if (wish->tree != NULL && !source_git_is_tree(directory))
        return OK;
    return source_repository_open(&making->repository, wish->repository,
                                  wish->tree != NULL ? directory : NULL, &making->folder,
                                  making->interrupted, err);
}

/* Another process may have built the same while this one waited. */
static enum err_code build_locked(struct making *making, struct err *err)
{
    if (take_kept(making))
        return OK;
    if (check_tools(making->wish, err) != OK || open_log(making, err) != OK)
        return err->code;
    return build_apart(making, err);
}

static bool has_programs(struct making *making)
{
    struct err ignored = {.code = OK};
    making->build->was_there =
        making->wish->tree != NULL && making->wish->keep_programs_built &&
        source_programs_find(making->build, making->build->directory, &ignored) == OK;
    return making->build->was_there;
}

static enum err_code make_build(struct making *making, struct err *err)
{
    const bool has_tree = making->wish->tree != NULL;
    if (has_programs(making) || (!has_tree && take_kept(making)))
        return OK;
    if (source_folder_lock(&making->folder, making->tell, making->state, making->interrupted,
                           err) != OK)
        return err->code;
    return has_tree ? build_in_tree(making, err) : build_locked(making, err);
}

/* The log is what is left. */
static void leave_nothing(struct making *making)
{
    char log_path[SOURCE_PATH_BYTES];
    struct source_build *build = making->build;
    memcpy(log_path, build->log_path, sizeof log_path);
    source_build_remove(build);
    *build = (struct source_build){.tree_fd = 0};
    memcpy(build->log_path, log_path, sizeof log_path);
}

enum err_code source_build_make(struct source_build *build, const struct source_commit *commit,
                                const struct source_wish *wish,
                                void (*tell_step)(void *state, const char *text), void *state,
                                const volatile int *interrupted, struct err *err)
{
    *build = (struct source_build){.tree_fd = 0};
    struct making *making = calloc(1, sizeof *making);
    if (making == NULL)
        return err_set(err, E_SYSTEM, "no memory to build a server");
    making->build = build;
    making->commit = commit;
    making->wish = wish;
    making->tell = tell_step;
    making->state = state;
    making->interrupted = interrupted;
    enum err_code code = begin(making, err);
    if (code == OK)
        code = make_build(making, err);
    if (code != OK)
        leave_nothing(making);
    if (making->log_fd > 0)
        close(making->log_fd);
    source_folder_unlock(&making->folder);
    source_repository_close(&making->repository);
    free(making);
    return code;
}

void source_build_remove(struct source_build *build)
{
    if (build->tree_fd == 0)
        return;
    source_folder_remove(build->directory);
    if (build->tree_fd > 0)
        close(build->tree_fd);
    build->tree_fd = 0;
    build->directory[0] = '\0';
}
