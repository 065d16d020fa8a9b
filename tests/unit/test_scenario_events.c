/* Which phase events belong to. */
#include <stdio.h>
#include <string.h>

#include "orchestrator/scenario/scenario_events.h"
#include "tests/support/check/scenario_fixture.h"
#include "tests/support/check/suite.h"

static struct scenario_event items[4];
static struct scenario_events events = {.items = items};

static void event_at(double seconds, enum note_source source, const char *text, uint32_t heard_in)
{
    struct scenario_event *event = &items[events.count++];
    *event = (struct scenario_event){.phase = heard_in};
    event->note = (struct note){.source = source, .at_ns = (uint64_t)(seconds * 1e9), .ok = true};
    snprintf(event->note.text, sizeof event->note.text, "%s", text);
}

static void set_up(void)
{
    scenario_fixture_set_up();
    scenario_fixture_phase("grow", PHASE_LOAD, 10);
    scenario_fixture_phase("rest", PHASE_IDLE, 10);
    scenario_fixture_phase("cut", PHASE_DELETE, 10);
    events.count = 0;
}

TEST(phases_by_time)
{
    /* breaks when an event stands with the phase in which it was heard of, or a command with one that sends no such */
    static const struct {
        double at_seconds;
        enum note_source source;
        const char *text;
        uint32_t heard_in, phase;
    } rows[] = {
        {4, NOTE_SLOWLOG, "10.000 ms: SET vst:a:1 x", 1, 0},
        {9.5, NOTE_SLOWLOG, "10.000 ms: SET vst:a:1 x", 1, 0},
        {9.5, NOTE_SLOWLOG, "10.000 ms: KEYS *", 1, 0},
        {19.5, NOTE_SLOWLOG, "10.000 ms: UNLINK vst:a:1", 2, 2},
        {19.5, NOTE_COMMANDLOG, "request of 70000 bytes: unlink", 2, 2},
        {19.5, NOTE_COMMANDLOG, "request of 70000 bytes: UNLINKED", 2, 1},
        {19.5, NOTE_LATENCY, "command: 300 ms", 2, 1},
        {12, NOTE_LATENCY, "command: 300 ms", 2, 1},
        {19.5, NOTE_CHAOS, "bgsave node 0", 2, 2},
        {99, NOTE_LATENCY, "command: 300 ms", 2, 2},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        events.count = 0;
        event_at(rows[i].at_seconds, rows[i].source, rows[i].text, rows[i].heard_in);
        scenario_events_settle(&events, &fixture_scenario, fixture_accounts);
        ck_assert_msg(items[0].phase == rows[i].phase, "row %zu: phase %u", i, items[0].phase);
    }
}

TEST(in_order)
{
    /* breaks when events are not told by time, or those of one time not as they came */
    event_at(5, NOTE_SLOWLOG, "a", 0);
    event_at(7, NOTE_CHAOS, "b", 0);
    event_at(5, NOTE_SLOWLOG, "c", 0);
    event_at(1, NOTE_LATENCY, "d", 0);
    scenario_events_settle(&events, &fixture_scenario, fixture_accounts);
    ck_assert_str_eq(items[0].note.text, "d");
    ck_assert_str_eq(items[1].note.text, "a");
    ck_assert_str_eq(items[2].note.text, "c");
    ck_assert_str_eq(items[3].note.text, "b");
}

TEST_SUITE_WITH(scenario_events, .set_up = set_up, .tear_down = scenario_fixture_tear_down)
