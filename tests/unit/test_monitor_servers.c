/* What a monitor says of each of its servers now. */
#include <math.h>
#include <stdlib.h>

#include "common/clock.h"
#include "orchestrator/commands/monitor_servers.h"
#include "tests/support/check/report_fixture.h"
#include "tests/support/check/suite.h"

static struct monitor_server server;
static struct interval_row *row;

static void set_up(void)
{
    monitor_server_init(&server, "127.0.0.1:6379");
    row = fixture_row(0);
}

static void tear_down(void)
{
    free(row);
}

static void take(uint64_t at_ms, double uptime, double hits, double misses)
{
    struct monitor_sample sample = {.at_ms = at_ms};
    for (unsigned i = 0; i < MONITOR_VALUES; i++)
        sample.values[i] = NAN;
    sample.values[MONITOR_UPTIME] = uptime;
    sample.values[MONITOR_HITS] = hits;
    sample.values[MONITOR_MISSES] = misses;
    sample.values[MONITOR_OPS] = 12;
    monitor_server_take(&server, &sample, row);
}

TEST(hits_are_those_between_two_samples)
{
    /* breaks when the ratio counts what was before, or one of a server that was started anew is made up */
    take(1000000, 100, 1000, 0);
    ck_assert(isnan(server.shown.hit_ratio));
    take(1030000, 130, 1003, 1);
    ck_assert_double_eq(server.shown.hit_ratio, 0.75);
    take(1060000, NAN, NAN, NAN);
    ck_assert(isnan(server.shown.hit_ratio));
    take(1090000, 3, 50, 50);
    ck_assert(isnan(server.shown.hit_ratio));
    ck_assert_uint_eq(server.shown.restarts, 1);
    take(1120000, 33, 60, 50);
    ck_assert_double_eq(server.shown.hit_ratio, 1);
    ck_assert_uint_eq(server.shown.restarts, 1);
    ck_assert_double_eq(server.shown.commands_per_second, 12);
}

TEST(state_is_since_it_changed)
{
    /* breaks when the time moves on while nothing changes, or a state is told before it is known */
    setenv("TZ", "UTC", 1);
    ck_assert(!monitor_server_look(&server, LATENCY_NOT_KNOWN, 1000));
    ck_assert_str_eq(server.shown.since, "");
    ck_assert(monitor_server_look(&server, LATENCY_ANSWERED, 1764400000000));
    ck_assert_str_eq(server.shown.since, "2025-11-29 07:06:40");
    ck_assert(!monitor_server_look(&server, LATENCY_ANSWERED, 1764400009000));
    ck_assert_str_eq(server.shown.since, "2025-11-29 07:06:40");
    ck_assert(monitor_server_look(&server, LATENCY_SILENT, 1764400010000));
    ck_assert_str_eq(server.shown.since, "2025-11-29 07:06:50");
    ck_assert_int_eq(server.shown.state, SCREEN_SERVER_DOWN);
}

TEST(times_are_bounds_where_pings_are_hidden)
{
    /* breaks when a PING without a reply leaves a percentile that looks known */
    row->header.flags |= INTERVAL_OPEN_LOOP;
    fixture_answer_at(row, NS_PER_MS, 0, 60);
    take(1000000, 100, 0, 0);
    ck_assert_double_eq_tol(server.shown.times[0].number, 1, 0.01);
    ck_assert(!server.shown.times[1].at_least);
    fixture_unanswered(row, COUNTER_TIMED_OUT, 0, 900 * NS_PER_MS, 40);
    take(1030000, 130, 0, 0);
    ck_assert(server.shown.times[1].at_least);
}

TEST_SUITE_WITH(monitor_servers, .set_up = set_up, .tear_down = tear_down)
