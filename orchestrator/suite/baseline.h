/* Baselines: records of runs that were saved under a name, results/baselines/NAME.json, to hold others against. A file may come
 * from anywhere: it is bounded, and trusted for nothing. */
#ifndef ORCHESTRATOR_SUITE_BASELINE_H
#define ORCHESTRATOR_SUITE_BASELINE_H

#include "orchestrator/suite/record_set.h"

#define BASELINE_SCHEMA "volley.baseline/1"
#define BASELINE_NAME_BYTES 65u
#define BASELINE_SOURCES_MAX 250u
#define BASELINE_RUNS_MAX 10000u

struct baseline {
    char name[BASELINE_NAME_BYTES];
    char saved[40]; /* when: "2026-01-02T03:04:05Z" */
    json_t *root;
    struct record_set set;
};

/* Letters, digits, and ._- behind the first: E_USAGE. */
MUST_USE enum err_code baseline_name_check(const char *name, struct err *err);

/* Records of all these runs, with the options that make a load in their configuration. Each is a directory or file as
 * record_set_read takes it, a directory of one commit's results, or what a suite in `results` called a commit. baseline_free in any
 * case. E_USAGE: there are too many; E_DATA: it is a baseline itself, or results of several commits; else as record_set_read. */
MUST_USE enum err_code baseline_collect(struct baseline *baseline, const char *results,
                                        const char *const *wanted, size_t count, struct err *err);
/* Under a name, in the folder of `results`, which is made. E_USAGE: there is one already (replace: it is replaced), or it cannot be
 * written; E_SYSTEM. baseline->set.path tells where. */
MUST_USE enum err_code baseline_save(struct baseline *baseline, const char *results,
                                     const char *name, bool replace, struct err *err);
/* E_DATA: it cannot be read, or is damaged. baseline_free in any case. */
MUST_USE enum err_code baseline_read(struct baseline *baseline, const char *path, struct err *err);
void baseline_free(struct baseline *baseline); /* safe on a zeroed struct */

/* Whether there is a baseline of this name in the folder of `results`; its path. */
bool baseline_is_saved(char path[RECORD_PATH_BYTES], const char *results, const char *name);

enum baseline_kind { BASELINE_RUNS, BASELINE_SAVED };
/* Where what the user names stands: a path, else a baseline of this name, else results of a commit, branch or tag. E_DATA: none of
 * these, with the nearest name. */
MUST_USE enum err_code baseline_find(char path[RECORD_PATH_BYTES], enum baseline_kind *kind,
                                     const char *results, const char *wanted, struct err *err);

/* Names in the folder of `results`, sorted; the caller frees each and the list. There may be none. */
MUST_USE enum err_code baseline_names(char ***names, size_t *count, const char *results,
                                      struct err *err);
void baseline_names_free(char **names, size_t count);
/* Of a name. */
void baseline_path(char path[RECORD_PATH_BYTES], const char *results, const char *name);

/* In what the nearest two records differ of sets that have no configuration in common: "clients 50 against 100, ...". */
#define BASELINE_DIFFERENCE_BYTES 200u
void baseline_difference(char text[BASELINE_DIFFERENCE_BYTES], const struct record_set *base,
                         const struct record_set *other);

/* What is configuration of a record, as an object; new. */
json_t *baseline_configuration(const struct record *record);

#endif
