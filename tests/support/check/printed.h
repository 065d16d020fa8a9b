/* What is written to an output, as text to look at. */
#ifndef TESTS_SUPPORT_PRINTED_H
#define TESTS_SUPPORT_PRINTED_H

#include <check.h>
#include <stdio.h>
#include <string.h>

#include "orchestrator/report/output.h"

struct printed {
    struct output out; /* writes to ... */
    FILE *file;        /* ... this      */
    char *text;
    size_t byte_count;
};

void printed_begin(struct printed *printed);
/* Ends the test unless all of it arrived. The text is the caller's to free. */
char *printed_end(struct printed *printed);

/* Ends the test unless the text holds that part. */
#define EXPECT_IN(text_, part_)                                                                    \
    ck_assert_msg(strstr(text_, part_) != NULL, "\"%s\" is not in:\n%.3000s", part_, text_)

/* Ends the test when a line of the text is longer. */
void printed_expect_width(const char *text, size_t width);

#endif
