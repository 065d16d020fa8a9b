/* Rules as volley writes them for Prometheus: promtool takes them, and in its hands they fire at the instants at which volley's
 * own evaluation of the same series does. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/rng.h"
#include "orchestrator/watch/alerts.h"
#include "orchestrator/watch/prometheus_rules.h"
#include "orchestrator/watch/samples.h"
#include "tests/support/check/report_fixture.h"
#include "tests/support/check/run.h"
#include "tests/support/check/suite.h"
#include "tests/support/check/temp_tree.h"

#define SECONDS 60u
#define COUNT(list) (sizeof(list) / sizeof(list)[0])

static const char *const rules_text =
    "alerts:\n"
    "  - {alert: Slow, expr: buffer_latency_p95 > 4.5, for: 2s, labels: {team: it's},"
    "     annotations: {summary: \"it's {{ slow\"}}\n"
    "  - {alert: Few, expr: 'volley_rate < 40', labels: {severity: critical}}\n"
    "  - {alert: Errors, expr: requests.errors > 3 and error_percentage >= 5, for: 1s}\n"
    "  - {alert: Memory, expr: 'used_memory > 50000000 or buffer_memory_usage_mb < 20', for: 3s}\n"
    "  - {alert: Misses, expr: cache_hit_rate < 50}\n"
    "  - {alert: Other, expr: 'used_memory != 52428800 and (messages_per_minute > 100 or 5 > "
    "failed_percent)', for: 1s}\n"
    "  - {alert: Tail, expr: 'volley_latency_quantile_seconds{q=\"0.99\"} >= 0.005 or "
    "transfer_rate > 1'}\n"
    "  - {alert: Unset, expr: buffer_latency_p95 > TBD}\n";

/* What /metrics would have of it. Counters grow, the others are those of the newest interval. */
static const struct {
    const char *series, *figure;
    bool grows;
} families[] = {
    {"volley_rate", "volley_rate", false},
    {"volley_latency_quantile_seconds{q=\"0.95\"}", "volley_latency_quantile_seconds{q=\"0.95\"}",
     false},
    {"volley_latency_quantile_seconds{q=\"0.99\"}", "volley_latency_quantile_seconds{q=\"0.99\"}",
     false},
    {"volley_requests_errors_total", "requests.errors", true},
    {"volley_failed_ratio", "volley_failed_ratio", false},
    {"volley_server_used_memory_bytes", "volley_server_used_memory_bytes", false},
    {"volley_cache_hit_ratio", "volley_cache_hit_ratio", false},
};

static struct temp_tree tree;
static struct alert_rules rules;
static struct alerts alerts;
static char *series[COUNT(families)];

static void set_up(void)
{
    temp_tree_make(&tree);
}

static void tear_down(void)
{
    for (size_t i = 0; i < COUNT(families); i++)
        free(series[i]);
    alerts_free(&alerts);
    alert_rules_free(&rules);
    temp_tree_remove(&tree);
}

static FILE *create(const char *name)
{
    char path[200];
    snprintf(path, sizeof path, "%s/%s", tree.path, name);
    FILE *out = fopen(path, "we");
    ck_assert_ptr_nonnull(out);
    return out;
}

static uint64_t draw(uint32_t second, unsigned what, uint64_t below)
{
    return rng_bounded(rng_at(11, what * 1000 + second / (1 + what % 5)), below);
}

/* A second of load: now and then nothing, now and then no answer from the server. */
static void read_second(struct watch_reading *reading, struct metric_slice *slice,
                        struct interval_row *row, double *server, uint32_t second)
{
    const bool stands = second > 0 && draw(second, 1, 6) == 0;
    const bool silent = draw(second, 2, 5) == 0;
    if (!stands) {
        fixture_answer(row, 1000000 + draw(second, 3, 8) * 1000000, 20 + draw(second, 4, 60));
        if (second > 0)
            fixture_refuse(row, 0, 2000000, draw(second, 5, 8));
    }
    server[SERIES_USED_MEMORY] =
        silent ? (double)NAN : (double)(10 + draw(second, 6, 3) * 20) * SERIES_MB;
    *slice = metric_slice_of(row, false);
    slice->worker_count = 1;
    *reading = (struct watch_reading){.at_ms = second * 1000ull,
                                      .load = slice,
                                      .server = server,
                                      .hit_ratio = silent ? (double)NAN
                                                          : (double)draw(second, 7, 100) / 100};
}

static void print_value(FILE *out, double *sum, struct watch_value value, bool grows)
{
    *sum += grows ? value.number : 0;
    const double number = grows ? *sum : value.at_least ? (double)INFINITY : value.number;
    if (isnan(number))
        fprintf(out, "stale ");
    else if (isinf(number))
        fprintf(out, "Inf ");
    else
        fprintf(out, "%.17g ", number);
}

/* What is to fire in this second. */
static void print_expected(FILE *out, uint32_t second)
{
    struct alert_view view;
    for (size_t i = 0; alerts_at(&alerts, i, &view); i++) {
        if (view.uncalibrated)
            continue;
        fprintf(out, "      - eval_time: %" PRIu32 "s\n        alertname: %s\n        exp_alerts:",
                second, view.rule->name);
        if (view.status->state != ALERT_FIRING) {
            fprintf(out, " []\n");
            continue;
        }
        fprintf(out, "\n          - exp_labels:\n");
        for (uint32_t k = 0; k < view.rule->label_count; k++)
            fprintf(out, "              %s: \"%s\"\n", view.rule->labels[k].name,
                    view.rule->labels[k].value);
        if (view.rule->summary[0] != '\0')
            fprintf(out, "            exp_annotations:\n              summary: \"%s\"\n",
                    view.rule->summary);
    }
}

/* Plays all seconds; series and *expected get what promtool is to be given. */
static void play(FILE *expected)
{
    struct watch_figure figures[COUNT(families)];
    double sums[COUNT(families)] = {0}, server[SERIES_METRICS];
    FILE *outs[COUNT(families)];
    size_t bytes[COUNT(families)];
    struct err err = {.code = OK};
    for (size_t i = 0; i < COUNT(families); i++) {
        ck_assert_int_eq(
            watch_figure_find(&figures[i], families[i].figure, strlen(families[i].figure), &err),
            OK);
        outs[i] = open_memstream(&series[i], &bytes[i]);
    }
    for (uint32_t second = 0; second < SECONDS; second++) {
        struct interval_row *row = fixture_row(second);
        struct watch_reading reading;
        struct metric_slice slice;
        read_second(&reading, &slice, row, server, second);
        for (size_t i = 0; i < COUNT(families); i++)
            print_value(outs[i], &sums[i], watch_figure_read(&figures[i], &reading),
                        families[i].grows);
        alerts_feed(&alerts, 0, &reading, "run");
        print_expected(expected, second);
        free(row);
    }
    for (size_t i = 0; i < COUNT(families); i++)
        ck_assert_int_eq(fclose(outs[i]), 0);
}

/* A series as it is scraped, with the labels of its target. */
static void print_series(FILE *out, size_t i)
{
    const char *name = families[i].series, *brace = strchr(name, '{');
    fprintf(out,
            "      - series: '%.*s{instance=\"a:1\",job=\"volley\"%s%s'\n        values: '%s'\n",
            brace != NULL ? (int)(brace - name) : (int)strlen(name), name,
            brace != NULL ? "," : "}", brace != NULL ? brace + 1 : "", series[i]);
}

TEST(test_promtool_fires_when_volley_does)
{
    /* Breaks when a recording rule has another unit than its name, an expression binds otherwise there, or a rule fires at
     * another sample. */
    struct program program;
    struct err err = {.code = OK};
    char *expected = NULL;
    size_t bytes = 0;
    FILE *out = create("rules.yaml");
    fputs(rules_text, out);
    ck_assert_int_eq(fclose(out), 0);
    ck_assert_msg(alert_rules_read(&rules,
                                   &(struct file_source){"f", rules_text, strlen(rules_text)},
                                   &err) == OK,
                  "%s", err.text);
    ck_assert_int_eq(alerts_init(&alerts, &rules, 1, NULL, &err), OK);
    out = open_memstream(&expected, &bytes);
    play(out);
    ck_assert_int_eq(fclose(out), 0);
    for (size_t i = 0; i < rules.count; i++)
        ck_assert_msg((alerts.statuses[i].fired > 0) != rules.items[i].expression.uncalibrated,
                      "%s", rules.items[i].name);
    out = create("test.yaml");
    fprintf(out, "rule_files: [prometheus.yaml]\nevaluation_interval: 1s\ntests:\n"
                 "  - interval: 1s\n    input_series:\n");
    for (size_t i = 0; i < COUNT(families); i++)
        print_series(out, i);
    fprintf(out, "    alert_rule_test:\n%s", expected);
    ck_assert_int_eq(fclose(out), 0);
    free(expected);
    program_run_shell(&program, tree.path,
                      "$volley alerts export --prometheus rules.yaml >prometheus.yaml && "
                      "promtool check rules prometheus.yaml && promtool test rules test.yaml",
                      0);
    program_expect_text(program.out, "SUCCESS");
    program_free(&program);
}

TEST(test_all_names_can_be_exported)
{
    /* Breaks when some figure makes a rule that Prometheus does not take, or two of them one name. */
    struct program program;
    FILE *out = create("rules.yaml");
    const char *name;
    size_t count = 0;
    fprintf(out, "alerts:\n");
    for (size_t i = 0; (name = watch_figure_name_at(i)) != NULL; i++) {
        if (i % 3 != 0)
            continue;
        fprintf(out, "  - {alert: A%zu, expr: '%s > 1'}\n", i, name);
        if (++count == ALERT_RULES_MAX)
            break;
    }
    ck_assert_int_eq(fclose(out), 0);
    program_run_shell(&program, tree.path,
                      "$volley alerts check rules.yaml >/dev/null && "
                      "$volley alerts export --prometheus rules.yaml >prometheus.yaml && "
                      "promtool check rules prometheus.yaml",
                      0);
    program_expect_text(program.out, "SUCCESS");
    program_free(&program);
}

#define NAMES_MAX 1000u
static struct {
    char record[PROMETHEUS_RECORD_BYTES], source[400];
} written[NAMES_MAX];

TEST(test_a_record_has_one_meaning)
{
    /* Breaks when two figures get the same name in Prometheus, and a rule compares the wrong one. */
    const char *name;
    size_t count = 0;
    for (; (name = watch_figure_name_at(count)) != NULL; count++) {
        struct watch_figure figure;
        ck_assert_uint_lt(count, NAMES_MAX);
        ck_assert_int_eq(watch_figure_find(&figure, name, strlen(name), NULL), OK);
        snprintf(written[count].record, PROMETHEUS_RECORD_BYTES, "%s",
                 prometheus_record_name(&figure));
        prometheus_record_source(written[count].source, sizeof written[0].source, &figure,
                                 NS_PER_SECOND);
        for (size_t i = 0; i < count; i++)
            ck_assert_msg(strcmp(written[i].record, written[count].record) != 0 ||
                              strcmp(written[i].source, written[count].source) == 0,
                          "%s", name);
    }
    ck_assert_uint_gt(count, 100);
}

TEST_SUITE_WITH(alert_export, .set_up = set_up, .tear_down = tear_down, .timeout_seconds = 60)
