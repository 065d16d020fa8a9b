#include "tests/support/check/at_server.h"

struct test_server server;
struct bench_setting at_server;
struct bench_call call;

static void set_up(void)
{
    test_server_start(&server, NULL);
    at_server = (struct bench_setting){.port = server.port_text};
}

static void tear_down(void)
{
    test_server_stop(&server);
}

void at_server_add(Suite *suite, const char *name, const TTest *test)
{
    TCase *tcase = tcase_create(name);
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, test);
    suite_add_tcase(suite, tcase);
}
