/* The states of alert rules over sample time, and the sink that brings them into a session. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/rng.h"
#include "orchestrator/watch/alert_sink.h"
#include "tests/support/check/report_fixture.h"
#include "tests/support/check/suite.h"

static struct alert_rules rules;
static struct alerts alerts;
static char heard[400];

static void hear(void *state, const struct alert_event *event, const struct alert_rule *rule)
{
    (void)state;
    (void)rule;
    const size_t used = strlen(heard);
    snprintf(heard + used, sizeof heard - used, "%s@%llu(%llu) ", alert_state_name(event->state),
             (unsigned long long)event->at_ms, (unsigned long long)event->since_ms);
}

static void begin(const char *text, double for_scale)
{
    struct err err = {.code = OK};
    heard[0] = '\0';
    ck_assert_msg(alert_rules_read(&rules, &(struct file_source){"f", text, strlen(text)}, &err) ==
                      OK,
                  "%s", err.text);
    ck_assert_int_eq(alerts_init(&alerts, &rules, for_scale, &err), OK);
    alerts.hear = hear;
}

static void tear_down(void)
{
    alerts_free(&alerts);
    alert_rules_free(&rules);
}

/* A letter a second: whether the condition holds. */
static const struct {
    const char *holds;
    const char *for_text;
    double for_scale;
    const char *events;
} courses[] = {
    {"0110", "0s", 1, "firing@1000(1000) resolved@3000(1000) "},
    {"0111110", "3s", 1, "firing@4000(1000) resolved@6000(1000) "},
    {"0110111100", "3s", 1,
     "firing@7000(4000) resolved@8000(4000) "}, /* one break starts it anew */
    {"011011011", "3s", 1, ""},
    {"1111", "3s", 1, "firing@3000(0) "},
    {"1111", "3001ms", 1, ""},
    {"0111110", "30s", 0.1, "firing@4000(1000) resolved@6000(1000) "},
    {"010", "5m", 0, "firing@1000(1000) resolved@2000(1000) "},
    {"10101", "0s", 1,
     "firing@0(0) resolved@1000(0) firing@2000(2000) resolved@3000(2000) firing@4000(4000) "},
};

LOOP_TEST(test_a_rule_fires_when_it_has_held_for_so_long, sizeof courses / sizeof courses[0])
{
    /* Breaks when pending, firing and resolved come at other samples than in Prometheus. */
    char text[120];
    snprintf(text, sizeof text, "alerts: [{alert: A, expr: volley_rate > 1, for: %s}]",
             courses[_i].for_text);
    begin(text, courses[_i].for_scale);
    for (size_t i = 0; courses[_i].holds[i] != '\0'; i++) {
        const struct expression_result result = {.holds = courses[_i].holds[i] == '1'};
        alerts_feed_results(&alerts, &result, i * 1000, "run");
    }
    ck_assert_str_eq(heard, courses[_i].events);
    ck_assert(alerts_fired(&alerts, ALERT_WARNING) == (heard[0] != '\0'));
    ck_assert(!alerts_fired(&alerts, ALERT_CRITICAL));
}

TEST(test_events_of_a_rule_alternate)
{
    /* Breaks when something fires twice without an end between, or fires before its time, at any course of samples. */
    begin("alerts: [{alert: A, expr: volley_rate > 1, for: 2500ms}]", 1);
    uint64_t held_since = 0, at = 0, fired = 0;
    bool held = false;
    for (uint64_t i = 0; i < 20000; i++) {
        const struct expression_result result = {.holds = rng_bounded(rng_at(7, 2 * i), 10) <
                                                          (i / 50 % 2 ? 9 : 5)};
        at += 200 + rng_bounded(rng_at(7, 2 * i + 1), 900);
        held_since = result.holds && !held ? at : held_since;
        held = result.holds;
        alerts_feed_results(&alerts, &result, at, "");
        const bool fires = held && at - held_since >= 2500;
        ck_assert((alerts.statuses[0].state == ALERT_FIRING) == fires);
        ck_assert((alerts.statuses[0].state == ALERT_INACTIVE) == !held);
        fired = alerts.statuses[0].fired;
    }
    ck_assert_uint_gt(fired, 50);
}

TEST(test_views_have_every_rule)
{
    /* Breaks when a page shows a rule that nobody has calibrated as one that is fine. */
    struct alert_view view;
    begin("alerts: [{alert: A, expr: volley_rate > 1}, {alert: B, expr: volley_rate > TBD}]", 1);
    const struct expression_result results[] = {{.holds = true, .value.number = 5, .threshold = 1},
                                                {.value.number = 5, .threshold = NAN}};
    alerts_feed_results(&alerts, results, 1000, "run");
    ck_assert(alerts_at(&alerts, 0, &view) && !view.uncalibrated);
    ck_assert_int_eq(view.status->state, ALERT_FIRING);
    ck_assert_double_eq(view.status->newest.value.number, 5);
    ck_assert(alerts_at(&alerts, 1, &view) && view.uncalibrated);
    ck_assert_int_eq(view.status->state, ALERT_INACTIVE);
    ck_assert(!alerts_at(&alerts, 2, &view));
}

/* ---- the sink ---- */

static enum err_code note_alert(void *state, const struct note *note, struct err *err)
{
    (void)state;
    (void)err;
    if (note->source == NOTE_ALERT)
        snprintf(heard + strlen(heard), sizeof heard - strlen(heard), "%.3f %s|",
                 clock_seconds(note->at_ns), note->text);
    return OK;
}

TEST(test_a_session_is_judged_where_it_is_measured)
{
    /* Breaks when a warm-up is judged, a stall is not, or what fires does not come to the other sinks. */
    const char *text = "alerts: [{alert: Slow, expr: volley_rate < 1, for: 0}]";
    struct alert_sink sink = {.for_scale = 1};
    struct timeline timeline;
    struct err err = {.code = OK};
    log_set_level(LOG_ERROR);
    heard[0] = '\0';
    ck_assert_int_eq(timeline_init(&timeline, &err), OK);
    ck_assert_int_eq(
        alert_rules_read(&sink.rules, &(struct file_source){"f", text, strlen(text)}, &err), OK);
    sink.timeline = &timeline;
    ck_assert_int_eq(alert_sink_open(&sink, NULL, NULL, &err), OK);
    timeline_add(&timeline, (struct sink){.name = "notes", .note = note_alert});
    timeline_add(&timeline, alert_sink(&sink));
    struct session_facts session = fixture_session();
    fixture_play_open(&timeline, &session); /* 1 s of warm-up, then one good second, and a stall */
    ck_assert_str_eq(heard,
                     "3.000 Slow (warning) firing: 0 requests/s, limit 1|"
                     "4.000 Slow (warning) resolved after 1.0 s: 1,000 requests/s, limit 1|");
    fixture_session_free(&session);
    timeline_destroy(&timeline);
    alert_sink_free(&sink);
}

TEST_SUITE_WITH(alerts, .tear_down = tear_down)
