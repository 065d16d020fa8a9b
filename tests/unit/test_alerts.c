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

static void hear(void *state, const struct alert_event *event, const struct alert_view *view)
{
    (void)state;
    const size_t used = strlen(heard);
    ck_assert_str_eq(event->server, view->server != NULL ? view->server : "");
    ck_assert_str_eq(event->alert, view->rule->name);
    snprintf(heard + used, sizeof heard - used, "%s%s@%llu(%llu) ", event->server,
             alert_state_name(event->state), (unsigned long long)event->at_ms,
             (unsigned long long)event->since_ms);
}

static void begin(const char *text, double for_scale)
{
    struct err err = {.code = OK};
    heard[0] = '\0';
    ck_assert_msg(alert_rules_read(&rules, &(struct file_source){"f", text, strlen(text)}, &err) ==
                      OK,
                  "%s", err.text);
    ck_assert_int_eq(alerts_init(&alerts, &rules, for_scale, NULL, &err), OK);
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
        alerts_feed_results(&alerts, 0, &result, i * 1000, "run");
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
        alerts_feed_results(&alerts, 0, &result, at, "");
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
    alerts_feed_results(&alerts, 0, results, 1000, "run");
    ck_assert(alerts_at(&alerts, 0, &view) && !view.uncalibrated);
    ck_assert_int_eq(view.status->state, ALERT_FIRING);
    ck_assert_double_eq(view.status->newest.value.number, 5);
    ck_assert(alerts_at(&alerts, 1, &view) && view.uncalibrated);
    ck_assert_int_eq(view.status->state, ALERT_INACTIVE);
    ck_assert(!alerts_at(&alerts, 2, &view));
}

/* ---- several servers ---- */

static struct alert_server pair[2] = {{.name = "a:1"}, {.name = "b:2"}};
static const struct alert_servers both = {pair, 2};

static enum err_code begin_of(const char *text, const struct alert_servers *servers,
                              struct err *err)
{
    begin(text, 1);
    alerts_free(&alerts);
    const enum err_code code = alerts_init(&alerts, &rules, 1, servers, err);
    alerts.hear = hear;
    return code;
}

TEST(test_each_server_has_states_of_its_own)
{
    /* Breaks when one server's rule fires, waits or ends because of another one's. */
    struct err err = {.code = OK};
    struct alert_view view;
    static const char *const courses_of[] = {"0110010", "0111110"};
    ck_assert_int_eq(begin_of("alerts: [{alert: A, expr: volley_rate > 1, for: 2s}, {alert: B, "
                              "expr: volley_rate > 5}]",
                              &both, &err),
                     OK);
    for (uint64_t i = 0; i < 7; i++)
        for (uint32_t server = 0; server < 2; server++) {
            const struct expression_result results[2] = {
                {.holds = courses_of[server][i] == '1', .value.number = server},
                {.holds = server == 0 && i == 5}};
            alerts_feed_results(&alerts, server, results, i * 1000, "run");
        }
    ck_assert_str_eq(heard, "b:2firing@3000(1000) a:1firing@5000(5000) a:1resolved@6000(5000) "
                            "b:2resolved@6000(1000) ");
    ck_assert(alerts_at(&alerts, 1, &view));
    ck_assert_str_eq(view.rule->name, "A");
    ck_assert_str_eq(view.server, "b:2");
    ck_assert(view.status->newest.value.number == 1 && view.status->fired == 1);
    ck_assert(alerts_at(&alerts, 2, &view) && alerts_at(&alerts, 3, &view));
    ck_assert_str_eq(view.rule->name, "B");
    ck_assert(!alerts_at(&alerts, 4, &view));
    ck_assert(alerts_fired(&alerts, ALERT_WARNING) && !alerts_fired(&alerts, ALERT_CRITICAL));
}

TEST(test_a_server_is_named_where_its_alert_is_told)
{
    /* Breaks when nobody can tell from an alert which server of several it is about. */
    struct err err = {.code = OK};
    char text[200];
    struct alert_event event = {.alert = "A",
                                .severity = ALERT_CRITICAL,
                                .state = ALERT_FIRING,
                                .value = 3,
                                .threshold = 2,
                                .server = "a:1",
                                .at_ms = 9000,
                                .labels = {{"team", "cache"}},
                                .label_count = 1};
    ck_assert_int_eq(begin_of("alerts: [{alert: A, expr: volley_rate > 2}]", &both, &err), OK);
    ck_assert_str_eq(alert_event_text(text, sizeof text, &event, &rules.items[0], 0),
                     "A (critical) firing on a:1: 3 requests/s, limit 2");
    event.state = ALERT_RESOLVED;
    ck_assert_str_eq(alert_event_text(text, sizeof text, &event, &rules.items[0], 5000),
                     "A (critical) resolved on a:1 after 4.0 s: 3 requests/s, limit 2");
    ck_assert_str_eq(alert_event_label(&event, "server"), "a:1");
    json_t *json = alert_event_to_json(&event);
    const json_t *labels = json_object_get(json, "labels");
    ck_assert_str_eq(json_string_value(json_object_get(labels, "server")), "a:1");
    ck_assert_str_eq(json_string_value(json_object_get(labels, "team")), "cache");
    json_decref(json);
    event.server[0] = '\0';
    ck_assert_ptr_null(alert_event_label(&event, "server"));
}

TEST(test_what_cannot_be_judged_for_each_server_is_refused)
{
    /* Breaks when a file of many rules takes memory for each of many servers without a limit, or a label of the user's stands
     * for the server's name. */
    struct err err = {.code = OK};
    static struct alert_server many[32];
    const struct alert_servers servers = {many, 32};
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);
    fprintf(out, "alerts:\n");
    for (unsigned i = 0; i < 32; i++)
        fprintf(out, "- {alert: A%u, expr: volley_rate > 1}\n", i);
    ck_assert_int_eq(fclose(out), 0);
    ck_assert_int_eq(begin_of(text, &servers, &err), E_USAGE);
    ck_assert_ptr_nonnull(strstr(err.text, "32 alert rules"));
    ck_assert_ptr_nonnull(strstr(err.text, "1000 together is the most"));
    ck_assert(!alerts_fired(&alerts, ALERT_INFO));
    tear_down();
    err = (struct err){.code = OK};
    ck_assert_int_eq(begin_of(text, &(struct alert_servers){many, 31}, &err), OK);
    tear_down();
    free(text);
    static const char labelled[] =
        "alerts: [{alert: A, expr: volley_rate > 1, labels: {server: x}}]";
    ck_assert_int_eq(begin_of(labelled, &both, &err), E_CONFIG);
    ck_assert_ptr_nonnull(strstr(err.text, "alert A has a label \"server\""));
    tear_down();
    err = (struct err){.code = OK};
    ck_assert_int_eq(begin_of(labelled, NULL, &err), OK);
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

TEST(test_a_session_of_several_servers_is_judged_by_each)
{
    /* Breaks when a rule is of the sum of all servers, or of figures of another server than the one it names. */
    const char *text = "alerts: [{alert: Busy, expr: volley_rate > 100 and used_memory > 5},"
                       " {alert: Down, expr: volley_server_up == 0}]";
    struct alert_sink judge = {.for_scale = 1, .servers = &both};
    struct timeline timeline;
    struct err err = {.code = OK};
    struct watch_samples samples[2];
    struct run_facts run = fixture_open_facts();
    log_set_level(LOG_ERROR);
    heard[0] = '\0';
    ck_assert_int_eq(timeline_init(&timeline, &err), OK);
    ck_assert_int_eq(
        alert_rules_read(&judge.rules, &(struct file_source){"f", text, strlen(text)}, &err), OK);
    judge.timeline = &timeline;
    ck_assert_int_eq(alert_sink_open(&judge, NULL, NULL, &err), OK);
    timeline_add(&timeline, (struct sink){.name = "notes", .note = note_alert});
    timeline_add(&timeline, alert_sink(&judge));
    struct session_facts session = fixture_session();
    timeline_session_begin(&timeline, &session);
    timeline_run_begin(&timeline, &run);
    struct interval_row *rows[2] = {fixture_row(0), fixture_row(0)}, *all = fixture_row(0);
    fixture_answer(rows[0], 1000, 90);
    fixture_answer(rows[1], 1000, 110);
    fixture_answer(all, 1000, 200);
    for (size_t i = 0; i < 2; i++) {
        double values[SERIES_METRICS] = {[SERIES_USED_MEMORY] = 9};
        watch_samples_init(&samples[i]);
        watch_samples_hear(&samples[i], &(struct server_sample){.known = i == 1, .values = values});
        pair[i] = (struct alert_server){.row = rows[i], .samples = &samples[i]};
        snprintf(pair[i].name, sizeof pair[i].name, "%s", i == 0 ? "a:1" : "b:2");
    }
    ck_assert_int_eq(timeline_interval(&timeline, all, &err), OK);
    ck_assert_str_eq(heard, "1.000 Down (warning) firing on a:1: 0 0 or 1, limit 0|"
                            "1.000 Busy (warning) firing on b:2: 110 requests/s, limit 100|");
    fixture_session_free(&session);
    timeline_destroy(&timeline);
    alert_sink_free(&judge);
    free(rows[0]);
    free(rows[1]);
    free(all);
}

TEST_SUITE_WITH(alerts, .tear_down = tear_down)
