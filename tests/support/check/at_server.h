/* For suites in which every test has a real server of its own, and calls `volley bench` at it. */
#ifndef TESTS_SUPPORT_AT_SERVER_H
#define TESTS_SUPPORT_AT_SERVER_H

#include <check.h>

#include "tests/support/check/run_json.h"
#include "tests/support/check/server.h"

extern struct test_server server;
extern struct bench_setting at_server;
extern struct bench_call call;

/* A test with that server, which has a minute. */
void at_server_add(Suite *suite, const char *name, const TTest *test);

#endif
