/* Outages for which no request failed, found in rows made by hand: of nodes that lose their connections,
 * are down, or leave; and what is none. Streams of requests are in test_outage.c. */
#include <stdlib.h>

#include "common/clock.h"
#include "orchestrator/report/outage.h"
#include "tests/support/check/report_fixture.h"
#include "tests/support/check/suite.h"

#define MS NS_PER_MS

static struct outages *outages;
static struct outage_setup setup;

static void set_up(void)
{
    outages = outages_create();
    ck_assert_ptr_nonnull(outages);
    setup = (struct outage_setup){.open_loop = false};
    for (uint32_t i = 0; i < NODE_FIGURES_MAX; i++)
        setup.primary_of[i] = OUTAGE_NOBODY;
}

static void tear_down(void)
{
    outages_destroy(outages);
}

/* Of so many nodes, 0: one plain server; the first `away` of them lose theirs. */
static void lose_connections(uint32_t servers, uint32_t away)
{
    struct interval_row *row = fixture_row(0);
    outages_begin(outages, &setup);
    for (uint32_t i = 0; i < servers || i == 0; i++)
        fixture_node_ok(row, i, 10, 900, MS, 90); /* one in 10 ms */
    for (uint32_t i = 0; i < away; i++)
        row->nodes[i].counters[NODE_CONNECTIONS_LOST] = 5 - i;
    row->counters[COUNTER_CONNECTIONS_LOST] = 5;
    row->node_count = servers;
    outages_add(outages, row);
    free(row);
    row = fixture_row(1);
    row->counters[COUNTER_CONNECT_FAILURES] = 9;
    for (uint32_t i = 0; i < away; i++)
        row->nodes[i].counters[NODE_CONNECT_FAILURES] = 9 - i;
    row->node_count = servers;
    outages_add(outages, row);
    free(row);
    row = fixture_row(2);
    fixture_node_ok(row, 0, 2500, 2900, MS, 40);
    row->node_count = servers;
    outages_add(outages, row);
    free(row);
    outages_end(outages, 0);
}

TEST(test_the_only_server_is_replaced)
{
    /* Breaks when the server that a sentinel names anew has not taken over from the one before it, though
     * it was not known at the start. */
    struct interval_row *row = fixture_row(0);
    setup.one_shard = true;
    setup.node_count = 1;
    outages_begin(outages, &setup);
    fixture_node_ok(row, 0, 10, 900, MS, 90);
    row->nodes[0].counters[NODE_CONNECTIONS_LOST] = row->counters[COUNTER_CONNECTIONS_LOST] = 5;
    outages_add(outages, row);
    free(row);
    row = fixture_row(1);
    fixture_node_ok(row, 1, 1500, 1990, MS, 40);
    outages_add(outages, row);
    free(row);
    outages_leave(outages, 0);
    outages_end(outages, 0);
    const struct outage_list *list = outages_of_node(outages, 0);
    ck_assert_uint_eq(list->count, 1);
    ck_assert_int_eq(list->items[0].taken_over_by, 1);
    ck_assert_uint_eq(list->longest_ns, 600 * MS);
    ck_assert(!outages_of_all(outages)->items[0].pause);
}

TEST(test_lost_connections_without_requests)
{
    /* Breaks when a server, or every node of several, is away between two requests of a slow load, and
     * nobody says so; or when one node that is away makes every pause of the others an outage. */
    static const uint32_t all_away[] = {0, 1, 3};
    const struct outage_list *list = outages_of_all(outages);
    for (size_t i = 0; i < sizeof all_away / sizeof all_away[0]; i++) {
        lose_connections(all_away[i], all_away[i]);
        ck_assert_uint_eq(list->count, 1);
        ck_assert_uint_eq(list->longest_ns, 1600 * MS);
        ck_assert_uint_eq(list->items[0].failures.connections_lost, 5);
        ck_assert_uint_eq(list->items[0].failures.connect_failures, 9);
        ck_assert(!list->items[0].pause);
    }
    lose_connections(3, 2); /* nothing waits and no request fails */
    ck_assert_uint_eq(list->count, 0);
}

/* Half a second in which a cluster of two answers nothing but CLUSTERDOWN, which fails nothing. */
static void cluster_is_down(uint64_t answers)
{
    struct interval_row *row = fixture_row(0);
    outages_begin(outages, &setup);
    for (uint32_t second = 0; second < 3; second++) {
        interval_row_reset(row);
        row->header.start_ns = second * NS_PER_SECOND;
        row->header.end_ns = row->header.start_ns + NS_PER_SECOND;
        uint64_t from_ms = 1000 * second + (second == 1 ? 400 : 10);
        for (uint32_t node = 0; node < 2; node++)
            fixture_node_ok(row, node, from_ms, 1000 * second + (second == 0 ? 900 : 990), MS, 90);
        row->node_count = 2;
        if (second == 1) {
            row->counters[COUNTER_CLUSTERDOWN] = answers;
            row->nodes[0].counters[NODE_REDIRECTED] = answers;
        }
        outages_add(outages, row);
    }
    free(row);
    outages_end(outages, 0);
}

TEST(test_a_cluster_that_is_down)
{
    /* Breaks when a cluster that answers nobody for half a second has no outage, since the requests were
     * sent again until they succeeded. */
    const struct outage_list *list = outages_of_all(outages);
    cluster_is_down(7);
    ck_assert_uint_eq(list->count, 1);
    ck_assert_uint_eq(list->longest_ns, 500 * MS);
    ck_assert(!list->items[0].pause);
    ck_assert_uint_eq(list->items[0].failures.clusterdown, 7);
    ck_assert_uint_eq(outages_of_node(outages, 0)->count, 1);
    ck_assert_uint_eq(outages_of_node(outages, 1)->count, 0); /* it has refused nothing */
    cluster_is_down(0);
    ck_assert_uint_eq(list->count, 0);
}

/* Node 1 answers in the first second only; its connections are lost in the next. */
static void node_leaves(uint64_t failed, bool gone)
{
    struct interval_row *row = fixture_row(0);
    outages_begin(outages, &setup);
    for (uint32_t second = 0; second < 10; second++) {
        interval_row_reset(row);
        row->header.start_ns = second * NS_PER_SECOND;
        row->header.end_ns = row->header.start_ns + NS_PER_SECOND;
        fixture_node_ok(row, 0, 1000 * second + 10, 1000 * second + 990, MS, 90);
        if (second == 0)
            fixture_node_ok(row, 1, 10, 990, MS, 90);
        if (second == 1) {
            row->nodes[1].counters[NODE_CONNECTIONS_LOST] = 5;
            if (failed > 0)
                fixture_node_failed(row, 1, 1300, 1900, NODE_LOST, failed);
        }
        row->node_count = 2;
        outages_add(outages, row);
    }
    free(row);
    if (gone)
        outages_leave(outages, 1);
    outages_end(outages, 0);
}

TEST(test_a_node_that_was_removed)
{
    /* Breaks when a node that has left its cluster in good order is reported as away until the end. */
    node_leaves(0, false);
    ck_assert_uint_eq(outages_of_node(outages, 1)->count, 1);
    node_leaves(0, true);
    ck_assert_uint_eq(outages_of_node(outages, 1)->count, 0);
    node_leaves(3, true);
    ck_assert_uint_eq(outages_of_node(outages, 1)->count, 1);
    ck_assert_uint_eq(outages_of_node(outages, 1)->items[0].end_ns, 2 * NS_PER_SECOND);
    ck_assert_uint_eq(outages_of_all(outages)->count, 0);
}

TEST(test_a_hole_in_the_schedule_is_no_outage)
{
    /* Breaks when nothing was due for nine seconds, and a connection that was lost before them makes
     * these an outage. */
    struct interval_row *row = fixture_row(0);
    setup.open_loop = true;
    outages_begin(outages, &setup);
    for (uint32_t second = 0; second <= 10; second++) {
        interval_row_reset(row);
        row->header.start_ns = second * NS_PER_SECOND;
        row->header.end_ns = row->header.start_ns + NS_PER_SECOND;
        if (second % 10 == 0)
            fixture_node_ok(row, 0, 1000 * second + 10, 1000 * second + 990, MS, 90);
        row->node_count = 0;
        row->counters[COUNTER_CONNECTIONS_LOST] = second == 0;
        outages_add(outages, row);
    }
    outages_end(outages, 0);
    ck_assert_uint_eq(outages_of_all(outages)->count, 0);
    free(row);
}

TEST(test_workers_that_die_make_no_outage)
{
    /* Breaks when volley's own death is billed to the server. */
    struct interval_row *row = fixture_row(0);
    outages_begin(outages, &setup);
    fixture_node_ok(row, 0, 10, 100, MS, 90);
    row->header.flags = INTERVAL_DEGRADED;
    row->counters[COUNTER_LOST_WORKER] = 5;
    row->header.in_flight_after = 5;
    outages_add(outages, row);
    free(row);
    row = fixture_row(1);
    fixture_node_ok(row, 0, 1900, 1990, MS, 40);
    outages_add(outages, row);
    free(row);
    outages_end(outages, 0);
    ck_assert_uint_eq(outages_of_all(outages)->count, 0);
}

enum ending {
    ENDS_SILENT,
    ENDS_WITH_ERRORS,
    ENDS_ANSWERED_LATE,
    ENDS_WITH_ONE_NODE,
    ENDS_RECOVERED
};

static void begin_second(struct interval_row *row, uint32_t second, uint32_t nodes)
{
    interval_row_reset(row);
    row->header.start_ns = second * NS_PER_SECOND;
    row->header.end_ns = row->header.start_ns + NS_PER_SECOND;
    row->node_count = nodes;
}

/* Two nodes answer for a second, and lose all connections. Two more seconds of load, and one of draining. */
static bool ends_silent(enum ending ending, uint64_t *begin_ns)
{
    struct interval_row *row = fixture_row(0);
    setup.load_end_ns = 3 * NS_PER_SECOND;
    outages_begin(outages, &setup);
    for (uint32_t second = 0; second < 4; second++) {
        begin_second(row, second, 2);
        for (uint32_t node = 0; node < 2; node++) {
            if (second == 0 || (second < 3 && node == 1 && ending == ENDS_WITH_ONE_NODE))
                fixture_node_ok(row, node, 1000 * second + 10, 1000 * second + 990, MS, 90);
            else
                row->nodes[node].counters[NODE_CONNECT_FAILURES] = 5;
        }
        row->counters[COUNTER_CONNECT_FAILURES] = second > 0 ? 10 : 0;
        if (second == 2 && ending == ENDS_RECOVERED)
            fixture_node_ok(row, 0, 2800, 2950, MS, 90);
        if (second == 3 && ending == ENDS_ANSWERED_LATE)
            fixture_node_ok(row, 0, 3010, 3020, MS, 2);
        if (second == 2 && ending == ENDS_WITH_ERRORS)
            fixture_node_failed(row, 0, 2100, 2990, NODE_ERRORS, 3);
        outages_add(outages, row);
    }
    free(row);
    outages_end(outages, setup.load_end_ns);
    return outages_silent_end(outages, begin_ns);
}

TEST(test_who_is_silent_at_the_end)
{
    /* Breaks when a target that has gone for good passes for one that was away for a while, or one that
     * still answers, however it does, for one that has gone. */
    uint64_t begin_ns = 0;
    ck_assert(ends_silent(ENDS_SILENT, &begin_ns));
    ck_assert_uint_eq(begin_ns, 990 * MS);
    ck_assert(!ends_silent(ENDS_WITH_ERRORS, &begin_ns));
    ck_assert_uint_eq(outages_of_all(outages)->count, 1);
    ck_assert(!ends_silent(ENDS_ANSWERED_LATE, &begin_ns));
    ck_assert_uint_eq(outages_of_all(outages)->count, 1);
    ck_assert(!ends_silent(ENDS_WITH_ONE_NODE, &begin_ns));
    ck_assert(!ends_silent(ENDS_RECOVERED, &begin_ns));
    ck_assert(ends_silent(ENDS_SILENT, &begin_ns));
}

TEST(test_a_stop_that_two_rows_tell)
{
    /* Breaks when a stop of volley counts twice, since the late record of one worker fills a row of its own: more
     * time than has passed was taken off a gap, which became an outage of a healthy target. */
    struct interval_row *row = fixture_row(0);
    setup.load_end_ns = 3 * NS_PER_SECOND;
    outages_begin(outages, &setup);
    for (uint32_t second = 0; second < 3; second++) {
        begin_second(row, second, 1);
        if (second != 1)
            fixture_node_ok(row, 0, 1000 * second + 600 * (second > 0) + 10, 1000 * second + 990,
                            MS, 90);
        if (second > 0)
            own_stops_add(&row->header.own_stops, (struct own_stop){1000 * MS, 2600 * MS});
        outages_add(outages, row);
    }
    free(row);
    outages_end(outages, setup.load_end_ns);
    ck_assert_uint_eq(outages_own_stops(outages)->count, 1);
    ck_assert_uint_eq(outages_own_stops(outages)->total_ns, 1600 * MS);
    ck_assert_uint_eq(outages_of_all(outages)->count, 0);
}

TEST_SUITE_WITH(outage_rows, .set_up = set_up, .tear_down = tear_down)
