/* Server programs made from a git repository, or from a directory with sources: any RESP server that builds with make.
 * Called by the orchestrator, before its runs.
 *
 * What is kept is in the cache folder: a bare clone of each repository, the programs of each commit and way to build it,
 * the logs. It is one process's at a time: another one waits, and says for whom. User and password of a repository's
 * address are in no log, error or argument of a program. */
#ifndef ORCHESTRATOR_SERVER_SOURCE_BUILD_H
#define ORCHESTRATOR_SERVER_SOURCE_BUILD_H

#include <stdbool.h>
#include <stddef.h>

#include "common/err.h"

#define SOURCE_PATH_BYTES 256u /* as struct server_program's */
#define SOURCE_REF_BYTES 128u
#define SOURCE_SHA_BYTES 41u
#define SOURCE_TIME_BYTES 32u

/* What is to be built, for all of its commits. Its texts outlive the calls. */
struct source_wish {
    const char *repository; /* URL or path of a git repository; not asked when there is a tree */
    /* NULL, or a directory with sources that is there already. It is used in place; where it is a git work tree, commits
     * are looked for in it, and checked out while they are built when nothing in it is changed. */
    const char *tree;
    const char *make_args;    /* as for make, "" none: cut into words as by a shell, without one */
    bool tls;                 /* BUILD_TLS=yes */
    const char *cache_folder; /* NULL: $XDG_CACHE_HOME/volley/builds or ~/.cache/volley/builds */
    bool
        keep_programs_built; /* where the tree has its programs already, they are taken as they are */
    /* Hears of what source_resolve does, once a second while it fetches. NULL: the log does. */
    void (*tell)(void *state, const char *text);
    void *tell_state;
};

struct source_commit {
    char wanted[SOURCE_REF_BYTES];
    char sha[SOURCE_SHA_BYTES]; /* "": of a tree without git */
    char time
        [SOURCE_TIME_BYTES]; /* of the committer, "2025-05-28T01:29:42+02:00"; without git: now */
};

/* Finds the commits of these refs: HEAD, branches, tags, full and short names of commits, and what else git takes for
 * one (HEAD~2, refs/pull/7/head). Clones the repository, or fetches what is new, at most once; not at all when all are
 * full names of commits that are there. E_USAGE: there is no such repository or ref (with the nearest name), or no commit in
 * a tree without git; E_CONNECT: the repository cannot be fetched; E_SYSTEM: git, make or a compiler is missing, or the
 * folder; E_INTERRUPTED. */
MUST_USE enum err_code source_resolve(struct source_commit *commits, size_t count,
                                      const char *const *refs, const struct source_wish *wish,
                                      const volatile int *interrupted, struct err *err);

/* Zeroed: none. */
struct source_build {
    char
        directory[SOURCE_PATH_BYTES]; /* where it was built; "": it was not, it is from the cache */
    char server_path[SOURCE_PATH_BYTES];
    char cli_path[SOURCE_PATH_BYTES];       /* "": it makes none */
    char benchmark_path[SOURCE_PATH_BYTES]; /* "": it makes none */
    char log_path[SOURCE_PATH_BYTES];       /* "": nothing was done, now or before */
    bool from_cache;
    bool changed;   /* the tree had changes that are not committed: it is not the commit      */
    bool was_there; /* the programs are taken as the tree had them: nobody knows of what they are */
    double seconds; /* that building took */
    int tree_fd; /* holds the work tree against other processes; 0: none is this one's, -1: it is not held */
};

/* Makes the programs of a commit, or finds them in the cache. tell, which may be NULL, hears of each step, and once a
 * second how far make is. After a failure or an interruption nothing is left but the log. What a changed tree, or one
 * without git makes is not kept in the cache: its programs are in the tree. E_FAILED: it does not build (with the log
 * and its last lines), or makes no server; E_USAGE: the commit cannot be checked out in the tree, which is changed, or
 * make_args are no words; E_SYSTEM; E_INTERRUPTED. */
MUST_USE enum err_code source_build_make(struct source_build *build,
                                         const struct source_commit *commit,
                                         const struct source_wish *wish,
                                         void (*tell)(void *state, const char *text), void *state,
                                         const volatile int *interrupted, struct err *err);

/* Removes its work tree; the programs stay in the cache, and a tree of the user's where it is. Safe on a zeroed one. */
void source_build_remove(struct source_build *build);

#endif
