/* When one node of a target is said to be away, and back: made-up sights, one every 10 ms. */

#include "common/clock.h"
#include "orchestrator/fleet/node_watch.h"
#include "tests/support/check/suite.h"

#define MS NS_PER_MS

static struct node_watch watch;
static struct node_sight sight;
static uint64_t now_ns;

static void set_up(void)
{
    watch = (struct node_watch){.begin_ns = 0};
    sight = (struct node_sight){.connected = 50};
    now_ns = 1000 * MS;
}

/* Looks until there is news, for so long at most. A node that serves has had a success just before. */
static enum node_news look(uint64_t duration_ms, bool serves)
{
    for (uint64_t end_ns = now_ns + duration_ms * MS; now_ns < end_ns;) {
        now_ns += 10 * MS;
        if (serves)
            sight.last_ok_ns = now_ns - 1;
        enum node_news news = node_watch_look(&watch, &sight, now_ns);
        if (news != NODE_SAME)
            return news;
    }
    return NODE_SAME;
}

static void lose_all(void)
{
    sight.lost += sight.connected;
    sight.connected = 0;
}

TEST(a_server_dies_and_comes_back)
{
    /* Breaks when the death of a server is said late, twice, or without how many connections it took,
     * or its return before it has served anything. */
    ck_assert_int_eq(look(500, true), NODE_SAME);
    sight.connected = 30; /* one look sees a part of them */
    sight.lost = 20;
    ck_assert_int_eq(look(10, true), NODE_SAME);
    lose_all();
    const uint64_t died_ns = now_ns;
    ck_assert_int_eq(look(1000, false), NODE_GONE);
    ck_assert_uint_eq(watch.connections, 50);
    ck_assert_uint_eq(watch.begin_ns, died_ns + 10 * MS);
    ck_assert_uint_eq(now_ns, watch.begin_ns + NODE_WATCH_GONE_NS);
    sight.failed = 100;
    sight.outage = true; /* the rows find out, too */
    sight.outage_begin_ns = sight.last_ok_ns;
    ck_assert_int_eq(look(2000, false), NODE_SAME);
    sight.connected = 50;
    ck_assert_int_eq(look(1000, false), NODE_SAME);
    ck_assert_int_eq(look(10, true), NODE_BACK);
    ck_assert_uint_eq(watch.end_ns, now_ns - 1);
    ck_assert_int_eq(look(2000, true), NODE_SAME); /* the rows still say that it is away */
    lose_all();
    ck_assert_int_eq(look(2000, false), NODE_GONE);
}

TEST(rows_that_are_quicker)
{
    /* Breaks when an edge of a row, just behind the death of a server, makes it one that stands still. */
    ck_assert_int_eq(look(500, true), NODE_SAME);
    lose_all();
    sight.outage = true;
    sight.outage_begin_ns = sight.last_ok_ns;
    ck_assert_int_eq(look(1000, false), NODE_GONE);
}

TEST(connections_that_end_by_plan)
{
    /* Breaks when the end of a worker's connections, a node that nothing is sent to any more, or one
     * that loses its connections for a moment passes for a dead server. */
    ck_assert_int_eq(look(100, true), NODE_SAME);
    sight.connected = 0;
    ck_assert_int_eq(look(2000, false), NODE_SAME);
    sight.connected = 50;
    ck_assert_int_eq(look(100, true), NODE_SAME);
    for (int i = 0; i < 20; i++) {
        lose_all();
        ck_assert_int_eq(look(90, false), NODE_SAME);
        sight.connected = 50;
        ck_assert_int_eq(look(10, true), NODE_SAME);
    }
}

TEST(each_request_has_its_own_connection)
{
    /* Breaks when a server goes away between two connections, so that none is lost, and nobody says so. */
    ck_assert_int_eq(look(100, true), NODE_SAME);
    sight.connected = 0;
    sight.failed = 1;
    ck_assert_int_eq(look(1000, false), NODE_GONE);
}

TEST(a_server_stands_still)
{
    /* Breaks when a server that keeps its connections and answers nothing is not told of, or the rows,
     * which are behind, tell of it once more when it answers again. */
    ck_assert_int_eq(look(500, true), NODE_SAME);
    const uint64_t last_ns = sight.last_ok_ns;
    ck_assert_int_eq(look(1000, false), NODE_SAME);
    sight.outage = true;
    sight.outage_begin_ns = last_ns;
    ck_assert_int_eq(look(1000, false), NODE_SILENT);
    ck_assert_uint_eq(watch.begin_ns, last_ns);
    lose_all(); /* requests that time out take their connections with them */
    ck_assert_int_eq(look(1000, false), NODE_SAME);
    sight.connected = 50;
    ck_assert_int_eq(look(1000, true), NODE_BACK);
    ck_assert_int_eq(look(1000, true), NODE_SAME);
    sight.outage_begin_ns = sight.last_ok_ns;
    ck_assert_int_eq(look(1000, false), NODE_SILENT);
}

TEST(another_node_takes_over)
{
    /* Breaks when a node that was replaced is waited for, or its next death is not told. */
    ck_assert_int_eq(look(100, true), NODE_SAME);
    lose_all();
    ck_assert_int_eq(look(1000, false), NODE_GONE);
    sight.replaced_ns = watch.begin_ns - 1; /* in an outage before this one */
    ck_assert_int_eq(look(1000, false), NODE_SAME);
    sight.replaced_ns = watch.begin_ns + 700 * MS;
    ck_assert_int_eq(look(1000, false), NODE_REPLACED);
    ck_assert_uint_eq(watch.end_ns, watch.begin_ns + 700 * MS);
    sight.failed += 9;
    ck_assert_int_eq(look(3000, false), NODE_SAME);
    sight.connected = 10; /* a replica now */
    ck_assert_int_eq(look(100, true), NODE_SAME);
    lose_all();
    ck_assert_int_eq(look(1000, false), NODE_GONE);
    ck_assert_uint_eq(watch.connections, 10);
}

TEST_SUITE_WITH(node_watch, .set_up = set_up)
