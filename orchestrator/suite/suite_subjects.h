/* The commits of a suite, as programs: built from git, taken from a directory, or a server that runs. */
#ifndef ORCHESTRATOR_SUITE_SUITE_SUBJECTS_H
#define ORCHESTRATOR_SUITE_SUITE_SUBJECTS_H

#include "orchestrator/server/source_build.h"
#include "orchestrator/suite/suite_run.h"

#define SUITE_CONTROL_SUFFIX "-control" /* of what is measured twice */
#define SUITE_MAKE_SUFFIX_BYTES 24u
/* Another build is no run of the same: its directory has a name of its own, which ends so. "": with no arguments of make. */
void suite_subjects_make_suffix(char text[SUITE_MAKE_SUFFIX_BYTES], const char *make_args);

struct suite_subjects {
    struct suite_subject *items; /* owned; one more than refs where there is a control */
    struct source_build *builds; /* owned, one for each ref */
    size_t count, build_count;
    struct suite_log log; /* of what is about all of them, and of those that do not build */
    size_t failed;        /* refs that do not build: they are not among the items */
};

struct suite_subjects_wish {
    struct source_wish source;
    const char *const *refs;
    size_t ref_count;
    bool named;             /* a user has named the refs */
    const char *control_of; /* the ref that is measured twice; NULL: none is */
    const volatile int *interrupted;
};

/* Resolves all refs first, then builds one after the other; one that does not build is told, and left out. E_USAGE and others as
 * source_resolve; E_FAILED: none of them builds. suite_subjects_free in any case. */
MUST_USE enum err_code suite_subjects_build(struct suite_subjects *subjects,
                                            const struct suite_subjects_wish *wish,
                                            struct err *err);
/* One subject, of a server that runs; name: what the user calls its commit, NULL: it is named by what it says. E_CONNECT. */
MUST_USE enum err_code suite_subjects_running(struct suite_subjects *subjects,
                                              const struct suite_running *running, const char *name,
                                              const volatile int *interrupted, struct err *err);
void suite_subjects_free(struct suite_subjects *subjects);

#endif
