/* Where the records of a commit stand, by what a user calls it. */
#ifndef ORCHESTRATOR_SUITE_RESULT_FIND_H
#define ORCHESTRATOR_SUITE_RESULT_FIND_H

#include "orchestrator/suite/record_set.h"

/* The directory in `results` of this name; else the only one whose name begins so (four characters at least); else, of those
 * whose records were of this branch or tag, the one that was written to last. E_DATA: there is none, or several begin so; *path is
 * "" then. */
MUST_USE enum err_code result_find(char path[RECORD_PATH_BYTES], const char *results,
                                   const char *wanted, struct err *err);

/* A path. Of a directory with neither records nor a run it becomes the only one in it that has records; else it stays. E_DATA:
 * there are several. */
MUST_USE enum err_code result_find_only(char path[RECORD_PATH_BYTES], struct err *err);

#endif
