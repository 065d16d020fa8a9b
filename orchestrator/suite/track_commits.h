/* Commits of a repository that is there already, by git. */
#ifndef ORCHESTRATOR_SUITE_TRACK_COMMITS_H
#define ORCHESTRATOR_SUITE_TRACK_COMMITS_H

#include "orchestrator/suite/track.h"

struct track_commit {
    char sha[TRACK_SHA_BYTES];
    char time[40]; /* of the committer, ISO 8601 */
};

/* By any name that git knows. E_USAGE: there is no such commit, or repository; E_SYSTEM: git is missing. */
MUST_USE enum err_code track_commit_find(struct track_commit *commit, const char *repository,
                                         const char *ref, struct err *err);

/* All commits of a branch, also of one that only origin has, the newest first. Likewise. free() shas. */
MUST_USE enum err_code track_commits_list(char (**shas)[TRACK_SHA_BYTES], size_t *count,
                                          const char *repository, const char *branch,
                                          struct err *err);

#endif
