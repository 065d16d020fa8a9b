/* Read before every file by clang-tidy only (tests/lint.sh). It analyses one file at a time, so it
 * cannot know that err_set never answers OK to an error, and would follow paths where a function
 * has failed and its results are used all the same. */
#ifndef TESTS_SUPPORT_TIDY_H
#define TESTS_SUPPORT_TIDY_H

#include <stddef.h>

#include "common/err.h"

static inline enum err_code tidy_err_set(struct err *err, enum err_code code)
{
    if (err != NULL)
        err->code = code;
    return code;
}

void tidy_use(int sys_errno, const char *format, ...);

#define err_set(err, code, ...) (tidy_use(0, __VA_ARGS__), tidy_err_set(err, code))
#define err_set_errno(err, code, ...) (tidy_use(__VA_ARGS__), tidy_err_set(err, code))

#endif
