#include "orchestrator/suite/track_commits.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/printable.h"
#include "orchestrator/server/source_tool.h"

#define GIT_LIMIT_NS (120 * NS_PER_SECOND)
#define REF_BYTES 300u

struct listing {
    char (*shas)[TRACK_SHA_BYTES];
    size_t count;
    char time[40]; /* behind the last sha */
    bool failed;
};

static bool is_sha(const char *text, size_t bytes)
{
    return (bytes == 40 || bytes == 64) && strspn(text, "0123456789abcdef") == bytes;
}

/* "<sha>", or "<sha> <time>"; anything else is what git has to say beside. */
static void take_line(void *state, const char *line)
{
    struct listing *listing = state;
    const size_t bytes = strcspn(line, " ");
    if (!is_sha(line, bytes) || listing->failed)
        return;
    if ((listing->count & (listing->count - 1)) == 0) {
        void *grown = reallocarray(listing->shas, listing->count > 0 ? 2 * listing->count : 1,
                                   sizeof listing->shas[0]);
        listing->failed = grown == NULL;
        if (grown == NULL)
            return;
        listing->shas = grown;
    }
    snprintf(listing->shas[listing->count++], TRACK_SHA_BYTES, "%.*s", (int)bytes, line);
    snprintf(listing->time, sizeof listing->time, "%s", line[bytes] == ' ' ? line + bytes + 1 : "");
}

/* git's answer to these words; *found is false where it has another one. */
static enum err_code ask(struct listing *listing, bool *found, const char *repository,
                         const char *const *words, size_t word_count, struct err *err)
{
    static const char *const environment[] = {"GIT_OPTIONAL_LOCKS=0", "LC_ALL=C", NULL};
    struct source_tool git = {
        .limit_ns = GIT_LIMIT_NS, .environment = environment, .hear = take_line, .state = listing};
    enum err_code code = source_tool_check("git", err);
    if (code != OK)
        return code;
    source_tool_add(&git, "git", "-C", repository, NULL);
    for (size_t i = 0; i < word_count; i++)
        source_tool_add(&git, words[i], NULL);
    code = source_tool_run(&git, err);
    *found = code == OK && git.succeeded;
    if (code == OK && listing->failed)
        code = err_set(err, E_SYSTEM, "no memory for commits");
    return code;
}

static enum err_code check_repository(const char *repository, struct err *err)
{
    struct listing nothing = {0};
    bool found = false;
    enum err_code code =
        ask(&nothing, &found, repository, (const char *const[]){"rev-parse", "--git-dir"}, 2, err);
    free(nothing.shas);
    return code == OK && !found
               ? err_set(err, E_USAGE, "--repo %s: is no git repository", PRINTABLE(repository))
               : code;
}

static enum err_code check_ref(const char *ref, struct err *err)
{
    return ref[0] != '-' && ref[0] != '^' && ref[0] != '\0' && strstr(ref, "..") == NULL &&
                   strlen(ref) < REF_BYTES / 2
               ? OK
               : err_set(err, E_USAGE, "\"%.60s\" can be no commit's name", PRINTABLE(ref));
}

enum err_code track_commit_find(struct track_commit *commit, const char *repository,
                                const char *ref, struct err *err)
{
    struct listing listing = {0};
    bool found = false;
    char peeled[REF_BYTES];
    enum err_code code = check_ref(ref, err);
    if (code == OK)
        code = check_repository(repository, err);
    snprintf(peeled, sizeof peeled, "%s^{commit}", ref);
    if (code == OK)
        code = ask(&listing, &found, repository,
                   (const char *const[]){"log", "-1", "--no-show-signature", "--format=%H %cI",
                                         "--end-of-options", peeled, "--"},
                   7, err);
    if (code == OK && (!found || listing.count != 1))
        code = err_set(err, E_USAGE, "--repo %.200s has no commit %.100s", PRINTABLE(repository),
                       PRINTABLE(ref));
    if (code == OK) {
        snprintf(commit->sha, sizeof commit->sha, "%s", listing.shas[0]);
        snprintf(commit->time, sizeof commit->time, "%s", listing.time);
    }
    free(listing.shas);
    return code;
}

enum err_code track_commits_list(char (**shas)[TRACK_SHA_BYTES], size_t *count,
                                 const char *repository, const char *branch, struct err *err)
{
    struct listing listing = {0};
    bool found = false;
    char local[REF_BYTES], remote[REF_BYTES];
    *shas = NULL;
    *count = 0;
    enum err_code code = check_ref(branch, err);
    if (code == OK)
        code = check_repository(repository, err);
    /* A tag of the same name is no branch; what is neither may still be a commit. */
    snprintf(local, sizeof local, "refs/heads/%s", branch);
    snprintf(remote, sizeof remote, "refs/remotes/origin/%s", branch);
    const char *const names[] = {local, remote, branch};
    for (size_t i = 0; i < 3 && code == OK && !found; i++)
        code = ask(&listing, &found, repository,
                   (const char *const[]){"rev-list", "--end-of-options", names[i], "--"}, 4, err);
    if (code == OK && !found)
        code = err_set(err, E_USAGE, "--repo %.200s has no branch %.100s", PRINTABLE(repository),
                       PRINTABLE(branch));
    *shas = listing.shas;
    *count = listing.count;
    return code;
}
