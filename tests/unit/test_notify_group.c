/* When alerts are told on a channel: waiting, flapping, repeating, ending. */
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "orchestrator/watch/notify_group.h"
#include "tests/support/check/suite.h"

#define S NS_PER_SECOND

static struct notify_group group;
static struct notify_told told[8];

static void set_up(void)
{
    group = (struct notify_group){.timing = {.group_wait_ns = 1 * S,
                                             .group_interval_ns = 60 * S,
                                             .repeat_interval_ns = 3600 * S}};
}

static void tear_down(void)
{
    notify_group_free(&group);
}

static void take(const char *name, enum alert_state state, uint64_t now_ns)
{
    struct alert_event event = {.state = state, .severity = ALERT_WARNING, .run = "nightly"};
    snprintf(event.alert, sizeof event.alert, "%s", name);
    ck_assert(notify_group_take(&group, &event, now_ns));
}

static size_t tell(uint64_t now_ns)
{
    return notify_group_tell(&group, now_ns, false, told, 8);
}

static void expect(size_t index, const char *name, enum alert_state state)
{
    ck_assert_str_eq(told[index].event.alert, name);
    ck_assert_int_eq(told[index].event.state, state);
}

TEST(new_alerts_wait_for_company)
{
    /* Breaks when each alert of a bad second is a message of its own, or the first one waits for longer because of others. */
    ck_assert_uint_eq(notify_group_due_ns(&group), UINT64_MAX);
    take("a", ALERT_FIRING, 10 * S);
    ck_assert_uint_eq(notify_group_due_ns(&group), 11 * S);
    take("b", ALERT_FIRING, 10 * S + S / 2);
    ck_assert_uint_eq(notify_group_due_ns(&group), 11 * S);
    ck_assert_uint_eq(tell(11 * S - 1), 0);
    ck_assert_uint_eq(tell(11 * S), 2);
    expect(0, "a", ALERT_FIRING);
    expect(1, "b", ALERT_FIRING);
    ck_assert_uint_eq(tell(11 * S), 0);
}

TEST(servers_do_not_wait_for_each_other)
{
    /* Breaks when the end on one server takes back what has begun on another one, or is told as its flapping. */
    struct alert_event event = {.alert = "a", .state = ALERT_FIRING, .server = "10.0.0.1:6379"};
    ck_assert(notify_group_take(&group, &event, 0));
    ck_assert_uint_eq(tell(1 * S), 1);
    snprintf(event.server, sizeof event.server, "10.0.0.2:6379");
    ck_assert(notify_group_take(&group, &event, 2 * S));
    ck_assert_uint_eq(tell(3 * S), 1);
    event.state = ALERT_RESOLVED;
    ck_assert(notify_group_take(&group, &event, 4 * S));
    ck_assert_uint_eq(tell(70 * S), 1);
    expect(0, "a", ALERT_RESOLVED);
    ck_assert_str_eq(told[0].event.server, "10.0.0.2:6379");
    ck_assert_uint_eq(told[0].change_count, 0);
}

TEST(a_flapping_alert_is_told_once_an_interval)
{
    /* Breaks when each change is a message, when the newest state gets lost, or the changes are not counted. */
    take("a", ALERT_FIRING, 0);
    ck_assert_uint_eq(tell(1 * S), 1);
    for (uint64_t at = 2; at < 52; at += 2) {
        take("a", ALERT_RESOLVED, at * S);
        ck_assert_uint_eq(tell(at * S), 0);
        take("a", ALERT_FIRING, (at + 1) * S);
        ck_assert_uint_eq(tell((at + 1) * S), 0);
    }
    take("a", ALERT_RESOLVED, 55 * S);
    ck_assert_uint_eq(notify_group_due_ns(&group), 61 * S);
    ck_assert_uint_eq(tell(61 * S), 1);
    expect(0, "a", ALERT_RESOLVED);
    ck_assert_uint_eq(told[0].change_count, 50);
}

TEST(back_where_it_was_is_nothing_new)
{
    /* Breaks when an alert that has ended and begun again is told as if it had only begun now. */
    take("a", ALERT_FIRING, 0);
    ck_assert_uint_eq(tell(1 * S), 1);
    take("a", ALERT_RESOLVED, 5 * S);
    take("a", ALERT_FIRING, 6 * S);
    ck_assert_uint_eq(tell(61 * S), 0);
    ck_assert_uint_eq(notify_group_due_ns(&group), 3601 * S);
}

TEST(another_alert_does_not_wait_for_a_flapping_one)
{
    /* Breaks when one alert's interval keeps a new one quiet, or the new one takes the other along before its time. */
    take("a", ALERT_FIRING, 0);
    ck_assert_uint_eq(tell(1 * S), 1);
    take("a", ALERT_RESOLVED, 2 * S);
    take("b", ALERT_FIRING, 3 * S);
    ck_assert_uint_eq(tell(4 * S), 1);
    expect(0, "b", ALERT_FIRING);
    ck_assert_uint_eq(tell(61 * S), 1);
    expect(0, "a", ALERT_RESOLVED);
}

TEST(what_ended_before_it_was_told_is_told_as_both)
{
    /* Breaks when a short alert is never told, or its end comes without a beginning. */
    take("a", ALERT_FIRING, 0);
    take("a", ALERT_RESOLVED, S / 2);
    ck_assert_uint_eq(tell(1 * S), 2);
    expect(0, "a", ALERT_FIRING);
    expect(1, "a", ALERT_RESOLVED);
    ck_assert_uint_eq(told[1].change_count, 0);
    ck_assert_uint_eq(notify_group_due_ns(&group), UINT64_MAX);
}

TEST(one_that_fires_still_is_repeated)
{
    /* Breaks when a long alert is told once for ever, or an ended one again. */
    take("a", ALERT_FIRING, 0);
    ck_assert_uint_eq(tell(1 * S), 1);
    ck_assert(!told[0].repeated);
    ck_assert_uint_eq(notify_group_due_ns(&group), 3601 * S);
    ck_assert_uint_eq(tell(3601 * S), 1);
    ck_assert(told[0].repeated);
    take("a", ALERT_RESOLVED, 3700 * S);
    ck_assert_uint_eq(tell(3701 * S), 1);
    ck_assert_uint_eq(tell(99999 * S), 0);
}

TEST(the_end_tells_all_that_waits)
{
    /* Breaks when the end of a run loses what waits for company or for its interval, or repeats what fires. */
    take("a", ALERT_FIRING, 0);
    take("c", ALERT_FIRING, 0);
    ck_assert_uint_eq(tell(1 * S), 2);
    take("a", ALERT_RESOLVED, 2 * S);
    take("b", ALERT_FIRING, 2 * S);
    ck_assert_uint_eq(notify_group_tell(&group, 2 * S, true, told, 8), 2);
    expect(0, "a", ALERT_RESOLVED);
    expect(1, "b", ALERT_FIRING);
    ck_assert_uint_eq(notify_group_tell(&group, 2 * S, true, told, 8), 0);
}

TEST(labels_and_runs_tell_alerts_apart)
{
    /* Breaks when an alert of another server is taken for a change of the same one. */
    struct alert_event event = {
        .alert = "a", .state = ALERT_FIRING, .labels = {{"node", "1"}}, .label_count = 1};
    ck_assert(notify_group_take(&group, &event, 0));
    snprintf(event.labels[0].value, sizeof event.labels[0].value, "2");
    ck_assert(notify_group_take(&group, &event, 0));
    snprintf(event.run, sizeof event.run, "other");
    ck_assert(notify_group_take(&group, &event, 0));
    ck_assert_uint_eq(tell(1 * S), 3);
}

TEST(there_is_room_for_so_many_and_ended_ones_make_room)
{
    /* Breaks when a monitor of months grows, or forgets an alert that fires. */
    char name[32];
    struct alert_event event = {.state = ALERT_FIRING};
    size_t all = 0, count;
    for (unsigned i = 0; i < NOTIFY_ALERTS_MAX; i++) {
        snprintf(name, sizeof name, "alert %u", i);
        take(name, ALERT_FIRING, i);
    }
    snprintf(event.alert, sizeof event.alert, "one more");
    ck_assert(!notify_group_take(&group, &event, S));
    while ((count = tell(10 * S)) > 0)
        all += count;
    ck_assert_uint_eq(all, NOTIFY_ALERTS_MAX);
    ck_assert(!notify_group_take(&group, &event, 11 * S));
    take("alert 7", ALERT_RESOLVED, 12 * S);
    ck_assert_uint_eq(tell(100 * S), 1);
    ck_assert(notify_group_take(&group, &event, 101 * S));
    ck_assert_uint_eq(group.entry_count, NOTIFY_ALERTS_MAX);
}

TEST_SUITE_WITH(notify_group, .set_up = set_up, .tear_down = tear_down)
