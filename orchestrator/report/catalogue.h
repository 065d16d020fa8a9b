/* The runs that stand in a directory of run directories, read from their journals: also of those that were
 * killed, or are under way. And what suites have kept of commits, read from their records. */
#ifndef ORCHESTRATOR_REPORT_CATALOGUE_H
#define ORCHESTRATOR_REPORT_CATALOGUE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"
#include "orchestrator/report/verdict.h"

#define CATALOGUE_RUNS_MAX 10000u

struct catalogue_run {
    char name[256]; /* of its directory */
    char label[64], command[24];
    char tests[160];              /* "SET,GET"; cut                                            */
    uint64_t started_wall_ns;     /* of its first test; 0: none began                          */
    double seconds;               /* measured, of all tests; the load's alone, without prefill */
    double rate;                  /* achieved, of the last test                                */
    uint32_t test_count;          /* that came to their end: 0: level means nothing            */
    enum verdict_level level;     /* the worst                                                 */
    enum err_code status;         /* likewise                                                  */
    bool of_suite;                /* of a commit that a suite has measured: records, no journal */
    bool in_use;                  /* somebody writes it at this moment                         */
    bool complete;                /* the journal holds its end                                 */
    char problem[ERR_TEXT_BYTES]; /* why the journal cannot be read; "": it can                */
    uint64_t bytes;               /* of all files                                              */
    bool foreign;                 /* there is something beside the files that volley writes ...*/
    char foreign_name[256];       /* ... this                                                  */
};

struct catalogue {
    struct catalogue_run *runs; /* by start, the oldest first */
    uint32_t count;
};

/* Looks at what has a journal, or a suite's records, in the directory, and follows no link. E_DATA: it cannot be read, or holds more
 * than CATALOGUE_RUNS_MAX. catalogue_free in any case. */
MUST_USE enum err_code catalogue_read(struct catalogue *catalogue, const char *directory,
                                      struct err *err);
void catalogue_free(struct catalogue *catalogue);
/* Removes a run's files and its directory, but nothing when it is in use, or holds what is not volley's: E_DATA. */
MUST_USE enum err_code catalogue_remove(const char *directory, const struct catalogue_run *run,
                                        struct err *err);

#endif
