/* recorder_server (tests/support/recorder_server.c) for one test: started, stopped, its record read. It
 * dies with the test. Whatever goes wrong here fails the test. */
#ifndef TESTS_SUPPORT_CHECK_RECORDER_H
#define TESTS_SUPPORT_CHECK_RECORDER_H

#include "tests/support/check/run.h"
#include "tests/support/recorder_record.h"

struct test_recorder {
    struct program program;
    uint16_t port;
    char port_text[8];
    char path[64]; /* of its record; removed by test_recorder_stop */
};

/* Returns when it listens. Options as on its command line, NULL behind the last. */
void test_recorder_start(struct test_recorder *recorder, ...) __attribute__((sentinel));
/* Ends it; record gets what it saw (recorder_record_free), and may be NULL. */
void test_recorder_stop(struct test_recorder *recorder, struct recorder_record *record);

#endif
