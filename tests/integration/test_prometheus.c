/* /metrics, as Prometheus itself reads it. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "orchestrator/watch/prometheus.h"
#include "orchestrator/watch/prometheus_name.h"
#include "tests/support/check/report_fixture.h"
#include "tests/support/check/run.h"
#include "tests/support/check/suite.h"

static struct watch_totals totals;
static struct watch_samples samples;
static char *text;
static size_t text_bytes;

static void set_up(void)
{
    struct err err = {.code = OK};
    struct run_facts facts = fixture_open_facts();
    const struct error_kinds kinds = {
        .count = 2, .kinds = {{.word = "ERR", .text = "ERR x"}, {.word = "OOM", .text = "OOM y"}}};
    struct interval_row *row = fixture_row(0);
    ck_assert_int_eq(watch_totals_init(&totals, &err), OK);
    watch_totals_run_begin(&totals, &facts);
    fixture_answer_at(row, 1500000, 1000, 900);
    fixture_refuse(row, 1, 2000000, 7);
    watch_totals_add(&totals, row, &kinds);
    watch_totals_add(&totals, row, &kinds);
    watch_samples_init(&samples);
    double values[SERIES_METRICS];
    for (unsigned i = 0; i < SERIES_METRICS; i++)
        values[i] = 1000 + i;
    watch_samples_hear(&samples, &(struct server_sample){.known = true, .values = values});
    free(row);
}

static void tear_down(void)
{
    watch_totals_free(&totals);
    free(text);
    text = NULL;
}

static void write_all(void)
{
    static const struct prometheus_alert alerts[] = {{"High", NULL, ALERT_CRITICAL, ALERT_FIRING},
                                                     {"Low", NULL, ALERT_WARNING, ALERT_PENDING},
                                                     {"Of", "b:2", ALERT_INFO, ALERT_INACTIVE}};
    const struct prometheus_view view = {.totals = &totals,
                                         .samples = &samples,
                                         .phase = "running",
                                         .version = "1.0",
                                         .alerts = alerts,
                                         .alert_count = 3};
    FILE *out = open_memstream(&text, &text_bytes);
    ck_assert_ptr_nonnull(out);
    prometheus_write(out, &view);
    ck_assert_int_eq(fclose(out), 0);
}

TEST(test_promtool_is_silent)
{
    /* Breaks when a name, a type, a help or a bucket is not as Prometheus wants it. */
    struct program program;
    static const char *const argv[] = {"promtool", "check", "metrics", NULL};
    write_all();
    program_run(&program, &(struct program_options){.argv = argv, .stdin_text = text});
    ck_assert_msg(program.exit_status == 0 && program.out_bytes == 0 && program.err_bytes == 0,
                  "%d %.2000s%.2000s", program.exit_status, program.out, program.err);
    program_free(&program);
}

static const char *const lines[] = {
    "volley_requests_ok_total{op=\"GET\",target=\"127.0.0.1:6379\"} 1800\n",
    "volley_requests_errors_total{op=\"GET\",target=\"127.0.0.1:6379\"} 14\n",
    "volley_errors_total{op=\"GET\",target=\"127.0.0.1:6379\",kind=\"OOM\"} 14\n",
    "volley_oom_errors_total{op=\"GET\",target=\"127.0.0.1:6379\"} 14\n",
    "volley_rate{op=\"GET\",target=\"127.0.0.1:6379\"} 900\n",
    "volley_latency_seconds_count{op=\"GET\",target=\"127.0.0.1:6379\"} 1800\n",
    "volley_latency_seconds_bucket{op=\"GET\",target=\"127.0.0.1:6379\",le=\"0.001\"} 0\n",
    "volley_latency_seconds_bucket{op=\"GET\",target=\"127.0.0.1:6379\",le=\"0.0025\"} 1800\n",
    "volley_latency_seconds_bucket{op=\"GET\",target=\"127.0.0.1:6379\",le=\"+Inf\"} 1800\n",
    "volley_alert_state{alert=\"High\",severity=\"critical\"} 2\n",
    "volley_alert_state{alert=\"Of\",severity=\"info\",node=\"b:2\"} 0\n",
    "volley_alert_state{alert=\"Low\",severity=\"warning\"} 1\n",
    "volley_phase_info{op=\"GET\",phase=\"running\"} 1\n",
    "volley_server_used_memory_bytes 1000\n",
    "volley_server_up 1\n",
};

LOOP_TEST(test_lines, sizeof lines / sizeof lines[0])
{
    /* Breaks when a family counts something else than its name says, or an interval twice. */
    write_all();
    ck_assert_msg(strstr(text, lines[_i]) != NULL, "no %s", lines[_i]);
}

TEST(test_each_family_has_one_type)
{
    /* Breaks when two families share a name, so that Prometheus refuses all of it. */
    write_all();
    for (const char *at = text; (at = strstr(at, "# TYPE ")) != NULL; at++) {
        char head[200];
        const size_t bytes = strcspn(at, "\n") < sizeof head - 1 ? strcspn(at, "\n") : 0;
        const size_t name_bytes = 7 + strcspn(at + 7, " ") + 1;
        ck_assert_uint_gt(bytes, 0);
        memcpy(head, at, name_bytes);
        head[name_bytes] = '\0';
        ck_assert_msg(strstr(at + 1, head) == NULL, "twice: %s", head);
    }
}

TEST(test_a_hidden_percentile_is_infinite)
{
    /* Breaks when a server that answers nothing any more looks fast in a dashboard. */
    struct interval_row *row = fixture_row(1);
    const struct error_kinds kinds = {.count = 0};
    fixture_answer_at(row, 1500000, 1000, 10);
    row->counters[COUNTER_SENT] += 10;
    row->counters[COUNTER_DUE] += 10;
    fixture_unanswered(row, COUNTER_TIMED_OUT, 0, 5000000000ull, 10);
    watch_totals_add(&totals, row, &kinds);
    write_all();
    ck_assert_msg(strstr(text, "volley_latency_quantile_seconds{op=\"GET\",target=\"127.0.0.1:"
                               "6379\",q=\"0.99\"} +Inf\n") != NULL,
                  "%.6000s", strstr(text, "volley_latency_quantile_seconds"));
    free(row);
}

TEST(test_many_tests_are_bounded)
{
    /* Breaks when a search of hundreds of runs fills memory, or loses what it counted. */
    const struct error_kinds kinds = {.count = 0};
    for (int i = 0; i < 200; i++) {
        struct run_facts facts = fixture_facts();
        struct interval_row *row = fixture_row(0);
        snprintf(facts.name, sizeof facts.name, "probe %d", i);
        fixture_answer(row, 1500000, 10);
        watch_totals_run_begin(&totals, &facts);
        watch_totals_add(&totals, row, &kinds);
        free(row);
    }
    uint64_t all = 0;
    for (uint32_t i = 0; i < totals.test_count; i++)
        all += totals.tests[i].total->counters[COUNTER_OK];
    ck_assert_uint_le(totals.test_count, WATCH_TESTS_MAX);
    ck_assert_uint_eq(all, 1800 + 2000);
}

TEST_SUITE_WITH(prometheus, .set_up = set_up, .tear_down = tear_down)
