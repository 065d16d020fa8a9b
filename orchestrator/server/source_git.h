/* Commits of a git repository: its bare clone in the cache folder, or a work tree of the user's. The orchestrator's builds. */
#ifndef ORCHESTRATOR_SERVER_SOURCE_GIT_H
#define ORCHESTRATOR_SERVER_SOURCE_GIT_H

#include <stdbool.h>
#include <stddef.h>

#include "common/err.h"
#include "orchestrator/server/source_folder.h"

struct source_login;

struct source_repository {
    char directory[SOURCE_PATH_BYTES]; /* for git -C: the bare clone, or the user's work tree */
    char address[1024];                /* to fetch from, without user and password */
    bool is_tree;
    struct source_login *login; /* NULL: none */
    const volatile int *interrupted;
    /* Hears of fetching; set behind source_repository_open. NULL: nobody. */
    void (*tell)(void *state, const char *text);
    void *tell_state;
};

/* Whether a directory is a git work tree itself. */
bool source_git_is_tree(const char *directory);

/* Finds where it is, and asks nobody. tree: NULL, or a work tree. E_USAGE: there is none at the path; what stands in its address
 * is not possible. source_repository_close in any case. */
MUST_USE enum err_code source_repository_open(struct source_repository *repository,
                                              const char *address, const char *tree,
                                              const struct source_folder *folder,
                                              const volatile int *interrupted, struct err *err);
void source_repository_close(struct source_repository *repository);

/* source_build.h, source_resolve. The folder is locked. */
MUST_USE enum err_code source_repository_resolve(struct source_repository *repository,
                                                 struct source_commit *commits, size_t count,
                                                 struct err *err);

/* Makes a work tree of a commit of the bare clone at path. E_SYSTEM. log_fd: 0, or what git says goes there. */
MUST_USE enum err_code source_repository_check_out(const struct source_repository *repository,
                                                   const char *path, const char *sha, int log_fd,
                                                   struct err *err);

/* The user's work tree: what is checked out in it, and whether a file that git knows is changed. */
struct source_tree_state {
    char branch[SOURCE_REF_BYTES]; /* "": none */
    char sha[SOURCE_SHA_BYTES];
    bool changed;
};
MUST_USE enum err_code source_tree_look(struct source_tree_state *state,
                                        const struct source_repository *repository,
                                        struct err *err);
/* Checks out a commit in it, or what was there before. */
MUST_USE enum err_code source_tree_switch(const struct source_repository *repository,
                                          const char *sha, int log_fd, struct err *err);
MUST_USE enum err_code source_tree_restore(const struct source_repository *repository,
                                           const struct source_tree_state *state, int log_fd,
                                           struct err *err);

#endif
