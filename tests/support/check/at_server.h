/* For suites in which every test has a real server of its own, and calls `volley bench` at it. */
#ifndef TESTS_SUPPORT_AT_SERVER_H
#define TESTS_SUPPORT_AT_SERVER_H

#include "tests/support/check/run_json.h"
#include "tests/support/check/server.h"

extern struct test_server server;
extern struct bench_setting at_server;
extern struct bench_call call;

void at_server_set_up(void);
void at_server_tear_down(void);

#endif
