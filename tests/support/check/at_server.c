#include "tests/support/check/at_server.h"

struct test_server server;
struct bench_setting at_server;
struct bench_call call;

void at_server_set_up(void)
{
    test_server_start(&server, NULL);
    at_server = (struct bench_setting){.port = server.port_text};
}

void at_server_tear_down(void)
{
    test_server_stop(&server);
}
