/* --enable-tracking: invalidation messages of a real server are counted, and disturb nothing. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/check/at_server.h"
#include "tests/support/check/suite.h"
#include "tests/support/check/support.h"

#define CONNECTIONS 4

TEST(test_invalidations_are_counted)
{
    /* Breaks when messages are lost or taken for replies: every connection reads the one key between
     * two changes of it, so each change brings one message to each. */
    enum { CHANGES = 5 };
    call_start(&call, &at_server,
               "--duration 60 --qps 400 --arrival even -c %d --processes 1 -t get "
               "--enable-tracking --interval 100ms",
               CONNECTIONS);
    for (int i = 0; i < CHANGES; i++) {
        /* Connections take turns, so that so many reads are some of each. */
        long long before = test_server_calls(&server, "get");
        while (test_server_calls(&server, "get") < before + 20 * CONNECTIONS)
            support_sleep_ms(5);
        ck_assert_int_eq(test_server_info(&server, "tracking_clients"), CONNECTIONS);
        free(test_server_text(&server, "SET key:000000000000 %d", i));
    }
    /* Each connection's last message stands in front of a reply that is waited for. */
    long long before = test_server_calls(&server, "get");
    while (test_server_calls(&server, "get") < before + 20 * CONNECTIONS)
        support_sleep_ms(5);
    program_signal(&call.program, SIGINT);
    call_finish(&call);
    ck_assert_int_eq(call.program.exit_status, 130);
    ck_assert_int_eq(run_json_count(&call, 0, "invalidations"), CHANGES * CONNECTIONS);
    ck_assert_int_eq(run_json_count(&call, 0, "requests.errors"), 0);
    ck_assert_int_eq(run_json_count(&call, 0, "requests.lost"), 0);
    ck_assert_ptr_nonnull(strstr(call.program.out, "\nInvalidations: 20\n"));
    long long sum = 0;
    json_t *intervals = json_object_get(run_json_at(call.root, 0), "intervals");
    for (size_t i = 0; i < json_array_size(intervals); i++)
        sum += json_integer_value(json_object_get(json_array_get(intervals, i), "invalidations"));
    ck_assert_int_eq(sum, CHANGES * CONNECTIONS);
    call_free(&call);
}

TEST(test_own_writes)
{
    /* Breaks when a connection whose own writes invalidate what it has read loses count of replies. */
    call_expect(&call, 0, &at_server,
                "-n 4000 -c %d -P 8 --enable-tracking -r 10 -- get __key__ ; set __key__ __data__",
                CONNECTIONS);
    ck_assert_int_eq(run_json_count(&call, 0, "requests.ok"), 4000);
    ck_assert_int_gt(run_json_count(&call, 0, "invalidations"), 0);
    call_free(&call);
}

TEST(test_without_tracking)
{
    /* Breaks when a report speaks of invalidations where nobody asked for them. */
    call_expect(&call, 0, &at_server, "-3 -n 100 -c %d -t get", CONNECTIONS);
    ck_assert_ptr_null(json_object_get(run_json_at(call.root, 0), "invalidations"));
    ck_assert_ptr_null(strstr(call.program.out, "Invalidations"));
    call_free(&call);
}

TEST_SUITE_WITH(tracking, .set_up = at_server_set_up, .tear_down = at_server_tear_down)
