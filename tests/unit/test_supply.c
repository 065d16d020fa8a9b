/* Whose time it is that a late request waited: the target's, or volley's own. */

#include "tests/support/check/suite.h"
#include "worker/supply.h"

static struct supply supply;

static void set_up(void)
{
    supply = (struct supply){0};
}

TEST(test_a_free_one)
{
    /* Breaks when lateness of volley's own is billed to a target that had a connection free all the time. */
    supply.since_ns = 500;
    ck_assert_uint_eq(supply_take(&supply, 1000, 0, 1700), 0);
    ck_assert_uint_eq(supply_take(&supply, 1100, 0, 1700), 0);
}

TEST(test_none_free)
{
    /* Breaks when the wait for a connection is billed to volley: each ticket waits from its own time to the
     * moment at which one became free for it, however long others are in front. */
    ck_assert_uint_eq(supply_take(&supply, 1000, 0, 1001), 0);
    supply.since_ns = 3000;
    ck_assert_uint_eq(supply_take(&supply, 1500, 0, 3020), 1500);
    supply.since_ns = 5000;
    ck_assert_uint_eq(supply_take(&supply, 2000, 0, 5020), 3000);
    supply.since_ns = 7000;
    ck_assert_uint_eq(supply_take(&supply, 6999, 0, 7020), 1);
}

TEST(test_piled_up_by_a_late_volley)
{
    /* Breaks when a volley that slept blames the target for what had piled up meanwhile: until it woke there
     * was a connection, only behind that the rest had to wait for it. */
    supply.since_ns = 100;
    ck_assert_uint_eq(supply_take(&supply, 1000, 0, 9000), 0);
    supply.since_ns = 9500;
    ck_assert_uint_eq(supply_take(&supply, 1100, 0, 9510), 500);
    supply.since_ns = 9900;
    ck_assert_uint_eq(supply_take(&supply, 1200, 0, 9910), 900);
}

TEST(test_one_after_the_other)
{
    /* Breaks when a ticket that waited for the right to be drawn, or for a node that is gone, waits for the
     * same time a second time. */
    supply.since_ns = 3000;
    uint64_t waited_ns = supply_take(&supply, 1000, 0, 3010);
    ck_assert_uint_eq(waited_ns, 2000);
    struct supply next = {.since_ns = 2500};
    ck_assert_uint_eq(supply_take(&next, 1000, waited_ns, 3010), 2000);
    next.since_ns = 4000;
    ck_assert_uint_eq(supply_take(&next, 1000, waited_ns, 4010), 2000 + 4000 - 3010);
}

TEST_SUITE_WITH(supply, .set_up = set_up)
