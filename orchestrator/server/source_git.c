#include "orchestrator/server/source_git.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/printable.h"
#include "common/suggest.h"
#include "orchestrator/server/source_login.h"
#include "orchestrator/server/source_tool.h"

#define CLONE_LIMIT_NS (30 * 60 * NS_PER_SECOND)
#define LOOK_LIMIT_NS (60 * NS_PER_SECOND)
#define CHECKOUT_LIMIT_NS (10 * 60 * NS_PER_SECOND)
#define READABLE_BYTES 32u
#define SHA_DIGITS (SOURCE_SHA_BYTES - 1)
/* The clone's own HEAD is nobody's: this one is the repository's as it was fetched. */
#define REMOTE_HEAD "refs/volley/HEAD"

bool source_git_is_tree(const char *directory)
{
    char path[SOURCE_PATH_BYTES];
    return source_path(path, NULL, "%s/.git", directory) == OK && access(path, F_OK) == 0;
}

/* ---- which one ---- */

/* "valkey-0123456789abcdef.git": of what people call it, and of the whole address. */
static enum err_code name_clone(struct source_repository *repository,
                                const struct source_folder *folder, struct err *err)
{
    char key[SOURCE_KEY_BYTES], name[READABLE_BYTES + 1] = "";
    size_t end = strlen(repository->address), bytes = 0;
    while (end > 0 && repository->address[end - 1] == '/')
        end--;
    if (end > 4 && strncmp(repository->address + end - 4, ".git", 4) == 0)
        end -= 4;
    while (end > 0 && repository->address[end - 1] == '/')
        end--;
    size_t begin = end;
    while (begin > 0 && strchr("/:", repository->address[begin - 1]) == NULL)
        begin--;
    for (size_t i = begin; i < end && bytes < READABLE_BYTES; i++) {
        const char c = repository->address[i];
        name[bytes++] = isascii(c) && (isalnum((unsigned char)c) || c == '_') ? c : '-';
    }
    source_key(key, repository->address, strlen(repository->address));
    return source_path(repository->directory, err, "%s/%s-%s.git", folder->path, name, key);
}

/* A path is taken from where the user stands, and not from where git runs. */
static enum err_code settle_path(struct source_repository *repository, struct err *err)
{
    char whole[PATH_MAX];
    if (realpath(repository->address, whole) != NULL) {
        if (strlen(whole) >= sizeof repository->address)
            return err_set(err, E_USAGE, "the repository's path is too long");
        memcpy(repository->address, whole, strlen(whole) + 1);
        return OK;
    }
    if (strchr(repository->address, ':') != NULL) /* a URL, or host:path */
        return OK;
    return err_set(err, E_USAGE, "there is no git repository %s: %s; name a path or a URL",
                   PRINTABLE(repository->address), strerror(errno));
}

enum err_code source_repository_open(struct source_repository *repository, const char *address,
                                     const char *tree, const struct source_folder *folder,
                                     const volatile int *interrupted, struct err *err)
{
    *repository = (struct source_repository){.interrupted = interrupted, .is_tree = tree != NULL};
    if (tree != NULL)
        return source_path(repository->directory, err, "%s", tree);
    if (address == NULL || address[0] == '\0')
        return err_set(err, E_USAGE, "no git repository is named: give its URL or its path");
    if (source_login_take(&repository->login, repository->address, sizeof repository->address,
                          address, err) != OK ||
        settle_path(repository, err) != OK)
        return err->code;
    return name_clone(repository, folder, err);
}

void source_repository_close(struct source_repository *repository)
{
    source_login_free(repository->login);
    repository->login = NULL;
}

/* ---- calling git ---- */

/* None of the user's hooks and housekeeping; a name that is a branch and a tag is the tag, without a word. */
static struct source_tool prepare(const struct source_repository *repository, uint64_t limit_ns)
{
    struct source_tool tool = {.limit_ns = limit_ns, .interrupted = repository->interrupted};
    source_tool_add(&tool, "git", "-c", "core.hooksPath=/dev/null", "-c", "gc.auto=0", "-c",
                    "core.warnAmbiguousRefs=false", "-c", "core.disambiguate=commit", "-c",
                    "advice.detachedHead=false", NULL);
    source_login_use(repository->login, &tool);
    return tool;
}

/* Of one that may not fail. */
static enum err_code run(struct source_tool *tool, const char *what, enum err_code code,
                         struct err *err)
{
    char complaint[256];
    if (source_tool_run(tool, err) != OK)
        return err->code;
    if (tool->succeeded)
        return OK;
    return err_set(err, code, "%s: git %s: %s", what, tool->end,
                   source_tool_complaint(tool, complaint, sizeof complaint));
}

static bool is_whole_sha(const char *text)
{
    return strlen(text) == SHA_DIGITS && strspn(text, "0123456789abcdefABCDEF") == SHA_DIGITS;
}

/* The first line of what it said. */
static const char *answer(const struct source_tool *tool)
{
    return tool->line_count > 0 ? tool->last_lines[0] : "";
}

/* ---- fetching ---- */

/* What git says of its progress. */
struct fetching {
    const struct source_repository *repository;
    const char *doing; /* "cloning" */
    char line[128];
};

static void tell_step(const struct fetching *fetching, const char *line)
{
    char text[384];
    const struct source_repository *repository = fetching->repository;
    if (repository->tell == NULL)
        return;
    snprintf(text, sizeof text, "%s %.200s%s%s", fetching->doing, PRINTABLE(repository->address),
             line[0] != '\0' ? ": " : "", line);
    repository->tell(repository->tell_state, text);
}

static void keep_line(void *state, const char *line)
{
    struct fetching *fetching = state;
    snprintf(fetching->line, sizeof fetching->line, "%.*s", (int)sizeof fetching->line - 1, line);
}

static void tell_progress(void *state, uint64_t line_count)
{
    const struct fetching *fetching = state;
    (void)line_count;
    tell_step(fetching, fetching->line);
}

static enum err_code fetch(const struct source_repository *repository, const char *directory,
                           const char *doing, const char *ref, struct err *err)
{
    char what[256];
    struct fetching fetching = {.repository = repository, .doing = doing};
    struct source_tool tool = prepare(repository, CLONE_LIMIT_NS);
    tool.hear = keep_line;
    tool.beat = tell_progress;
    tool.state = &fetching;
    tell_step(&fetching, "");
    snprintf(what, sizeof what, "%s cannot be fetched", PRINTABLE(repository->address));
    source_tool_add(&tool, "-C", directory, "fetch", "--progress", "--no-write-fetch-head",
                    "--no-tags", "--force", "--update-shallow", NULL);
    if (ref == NULL)
        source_tool_add(&tool, "--prune", "--end-of-options", repository->address,
                        "+HEAD:" REMOTE_HEAD, "+refs/heads/*:refs/heads/*",
                        "+refs/tags/*:refs/tags/*", NULL);
    else
        source_tool_add(&tool, "--end-of-options", repository->address, ref, NULL);
    return run(&tool, what, E_CONNECT, err);
}

/* Whole, or not at all: under another name until it is. */
static enum err_code clone_repository(const struct source_repository *repository, struct err *err)
{
    char path[SOURCE_PATH_BYTES];
    if (source_path(path, err, "%s.new", repository->directory) != OK)
        return err->code;
    source_folder_remove(path); /* of one that was killed */
    struct source_tool tool = prepare(repository, LOOK_LIMIT_NS);
    source_tool_add(&tool, "init", "--quiet", "--bare", "--template=", "--", path, NULL);
    enum err_code code = run(&tool, "no clone can be made", E_SYSTEM, err);
    if (code == OK)
        code = fetch(repository, path, "cloning", NULL, err);
    if (code == OK && rename(path, repository->directory) != 0)
        code = err_set_errno(err, E_SYSTEM, errno, "%s cannot be made", repository->directory);
    if (code != OK)
        source_folder_remove(path);
    return code;
}

/* ---- resolving ---- */

/* *sha "": there is no such commit. */
static enum err_code look_up(const struct source_repository *repository, char sha[SOURCE_SHA_BYTES],
                             const char *ref, struct err *err)
{
    char wanted[SOURCE_REF_BYTES + 32];
    struct source_tool tool = prepare(repository, LOOK_LIMIT_NS);
    const bool of_head = !repository->is_tree && strncmp(ref, "HEAD", 4) == 0 &&
                         (ref[4] == '\0' || strchr("~^", ref[4]) != NULL);
    snprintf(wanted, sizeof wanted, "%s%s^{commit}", of_head ? REMOTE_HEAD : "",
             of_head ? ref + 4 : ref);
    source_tool_add(&tool, "-C", repository->directory, "rev-parse", "--verify", "--quiet",
                    "--end-of-options", wanted, NULL);
    sha[0] = '\0';
    if (source_tool_run(&tool, err) != OK)
        return err->code;
    if (tool.succeeded && is_whole_sha(answer(&tool)))
        memcpy(sha, answer(&tool), SOURCE_SHA_BYTES);
    return OK;
}

static void offer_name(void *state, const char *line)
{
    suggest_offer(state, line, strlen(line));
}

static enum err_code refuse_ref(const struct source_repository *repository, const char *ref,
                                struct err *err)
{
    struct err ignored = {.code = OK};
    struct suggestion suggestion = {.wanted = ref, .wanted_bytes = strlen(ref)};
    struct source_tool tool = prepare(repository, LOOK_LIMIT_NS);
    tool.hear = offer_name;
    tool.state = &suggestion;
    source_tool_add(&tool, "-C", repository->directory, "for-each-ref",
                    "--format=%(refname:lstrip=2)", "refs/heads", "refs/tags", NULL);
    (void)!source_tool_run(&tool, &ignored);
    return err_set(err, E_USAGE,
                   "there is no commit '%s' in %.150s: no branch, tag or one commit has that "
                   "name%s%s%s",
                   PRINTABLE(ref),
                   PRINTABLE(repository->is_tree ? repository->directory : repository->address),
                   SUGGESTED(suggestion.best));
}

/* What branches and tags do not lead to: a commit, or refs/pull/7/head, which servers may give when asked for. */
static enum err_code fetch_alone(const struct source_repository *repository, const char *ref,
                                 struct err *err)
{
    char wanted[2 * SOURCE_REF_BYTES + 32];
    struct err ignored = {.code = OK};
    if (is_whole_sha(ref))
        snprintf(wanted, sizeof wanted, "%s", ref);
    else if (strncmp(ref, "refs/", 5) == 0 && strpbrk(ref, ":*~^@") == NULL)
        snprintf(wanted, sizeof wanted, "+%s:%s", ref, ref);
    else
        return OK;
    const enum err_code code =
        fetch(repository, repository->directory, "asking for one more commit of", wanted, &ignored);
    return code == E_INTERRUPTED ? err_set(err, code, "%s", ignored.text) : OK;
}

static enum err_code read_time(const struct source_repository *repository,
                               struct source_commit *commit, struct err *err)
{
    struct source_tool tool = prepare(repository, LOOK_LIMIT_NS);
    source_tool_add(&tool, "-C", repository->directory, "log", "-1", "--no-show-signature",
                    "--format=%cI", commit->sha, "--", NULL);
    if (run(&tool, "the time of a commit cannot be read", E_DATA, err) != OK)
        return err->code;
    snprintf(commit->time, sizeof commit->time, "%.*s", (int)sizeof commit->time - 1,
             answer(&tool));
    return OK;
}

static enum err_code resolve_one(const struct source_repository *repository,
                                 struct source_commit *commit, bool may_fetch, struct err *err)
{
    if (look_up(repository, commit->sha, commit->wanted, err) != OK)
        return err->code;
    if (commit->sha[0] == '\0' && may_fetch &&
        (fetch_alone(repository, commit->wanted, err) != OK ||
         look_up(repository, commit->sha, commit->wanted, err) != OK))
        return err->code;
    if (commit->sha[0] == '\0')
        return refuse_ref(repository, commit->wanted, err);
    return read_time(repository, commit, err);
}

/* *all: nothing has to be fetched for any of them. */
static enum err_code look_for_shas(const struct source_repository *repository,
                                   const struct source_commit *commits, size_t count, bool *all,
                                   struct err *err)
{
    char sha[SOURCE_SHA_BYTES];
    *all = true;
    for (size_t i = 0; i < count && *all; i++) {
        *all = is_whole_sha(commits[i].wanted);
        if (!*all)
            break;
        if (look_up(repository, sha, commits[i].wanted, err) != OK)
            return err->code;
        *all = sha[0] != '\0';
    }
    return OK;
}

static enum err_code bring_up_to_date(const struct source_repository *repository,
                                      const struct source_commit *commits, size_t count,
                                      struct err *err)
{
    bool all;
    if (access(repository->directory, F_OK) != 0)
        return clone_repository(repository, err);
    if (look_for_shas(repository, commits, count, &all, err) != OK)
        return err->code;
    if (all)
        return OK;
    return fetch(repository, repository->directory, "fetching what is new in", NULL, err);
}

enum err_code source_repository_resolve(struct source_repository *repository,
                                        struct source_commit *commits, size_t count,
                                        struct err *err)
{
    if (!repository->is_tree && bring_up_to_date(repository, commits, count, err) != OK)
        return err->code;
    for (size_t i = 0; i < count; i++)
        if (resolve_one(repository, &commits[i], !repository->is_tree, err) != OK)
            return err->code;
    return OK;
}

/* ---- work trees ---- */

enum err_code source_repository_check_out(const struct source_repository *repository,
                                          const char *path, const char *sha, int log_fd,
                                          struct err *err)
{
    struct source_tool forget = prepare(repository, LOOK_LIMIT_NS);
    source_tool_add(&forget, "-C", repository->directory, "worktree", "prune", NULL);
    if (run(&forget, "earlier work trees cannot be forgotten", E_SYSTEM, err) != OK)
        return err->code;
    struct source_tool tool = prepare(repository, CHECKOUT_LIMIT_NS);
    tool.log_fd = log_fd;
    source_tool_add(&tool, "-C", repository->directory, "worktree", "add", "--force", "--detach",
                    "--", path, sha, NULL);
    return run(&tool, "the commit cannot be checked out", E_SYSTEM, err);
}

enum err_code source_tree_look(struct source_tree_state *state,
                               const struct source_repository *repository, struct err *err)
{
    *state = (struct source_tree_state){.branch = ""};
    struct source_tool status = prepare(repository, LOOK_LIMIT_NS);
    source_tool_add(&status, "-C", repository->directory, "status", "--porcelain",
                    "--untracked-files=no", NULL);
    if (run(&status, "the tree cannot be looked at", E_USAGE, err) != OK)
        return err->code;
    state->changed = status.line_count > 0;
    struct source_tool branch = prepare(repository, LOOK_LIMIT_NS);
    source_tool_add(&branch, "-C", repository->directory, "symbolic-ref", "--quiet", "--short",
                    "HEAD", NULL);
    if (source_tool_run(&branch, err) != OK)
        return err->code;
    if (branch.succeeded && strlen(answer(&branch)) < sizeof state->branch)
        snprintf(state->branch, sizeof state->branch, "%.*s", (int)sizeof state->branch - 1,
                 answer(&branch));
    return look_up(repository, state->sha, "HEAD", err);
}

static enum err_code switch_to(const struct source_repository *repository, const char *option,
                               const char *name, int log_fd, struct err *err)
{
    char what[256];
    struct source_tool tool = prepare(repository, CHECKOUT_LIMIT_NS);
    tool.log_fd = log_fd;
    snprintf(what, sizeof what, "%s cannot be checked out in %.150s", name,
             PRINTABLE(repository->directory));
    source_tool_add(&tool, "-C", repository->directory, "checkout", "--quiet", option, name, "--",
                    NULL);
    return run(&tool, what, E_USAGE, err);
}

enum err_code source_tree_switch(const struct source_repository *repository, const char *sha,
                                 int log_fd, struct err *err)
{
    return switch_to(repository, "--detach", sha, log_fd, err);
}

enum err_code source_tree_restore(const struct source_repository *repository,
                                  const struct source_tree_state *state, int log_fd,
                                  struct err *err)
{
    /* Of one that was interrupted there is still the way back. */
    struct source_repository patient = *repository;
    patient.interrupted = NULL;
    if (state->branch[0] == '\0')
        return switch_to(&patient, "--detach", state->sha, log_fd, err);
    return switch_to(&patient, "--no-guess", state->branch, log_fd, err);
}
