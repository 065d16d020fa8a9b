/* Files of alert rules and of KPIs: what they mean, and what is wrong with them. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "orchestrator/watch/alert_rules.h"
#include "tests/support/check/suite.h"

#define COUNT(list) (sizeof(list) / sizeof(list)[0])

static struct alert_rules rules;
static struct err err;

static void tear_down(void)
{
    alert_rules_free(&rules);
}

static enum err_code read_rules(const char *text)
{
    err = (struct err){.code = OK};
    return alert_rules_read(&rules, &(struct file_source){"f", text, strlen(text)}, &err);
}

static enum err_code read_kpis(const char *text)
{
    err = (struct err){.code = OK};
    return kpi_file_read(&rules, &(struct file_source){"f", text, strlen(text)}, &err);
}

TEST(test_rules_are_read_as_they_stand)
{
    /* Breaks when a part of a rule gets lost, or rules that were written for Prometheus are not taken. */
    ck_assert_msg(read_rules("alerts:\n"
                             "  - alert: HighBufferLatency\n"
                             "    expr: buffer_latency_p95 > [TBD_THRESHOLD]\n"
                             "    for: 5m\n"
                             "    labels:\n"
                             "      severity: critical\n"
                             "      team: storage\n"
                             "    annotations:\n"
                             "      summary: \"Buffer latency\\tis high\"\n"
                             "      description: more\n"
                             "groups:\n"
                             "  - name: load\n"
                             "    rules:\n"
                             "      - {alert: Slow, expr: volley_rate < 1000}\n") == OK,
                  "%s", err.text);
    ck_assert_uint_eq(rules.count, 2);
    const struct alert_rule *first = &rules.items[0], *second = &rules.items[1];
    ck_assert_str_eq(first->name, "HighBufferLatency");
    ck_assert(first->expression.uncalibrated && !second->expression.uncalibrated);
    ck_assert_uint_eq(first->for_ns, 300 * NS_PER_SECOND);
    ck_assert_int_eq(first->severity, ALERT_CRITICAL);
    ck_assert_uint_eq(first->label_count, 2);
    ck_assert_str_eq(first->labels[0].value, "critical");
    ck_assert_str_eq(first->labels[1].name, "team");
    ck_assert_str_eq(first->labels[1].value, "storage");
    ck_assert_str_eq(first->summary, "Buffer latency is high");
    ck_assert_str_eq(first->description, "more");
    ck_assert_int_eq(second->severity, ALERT_WARNING);
    ck_assert_str_eq(second->condition, "volley_rate < 1000");
    ck_assert_uint_eq(second->for_ns, 0);
}

TEST(test_a_kpi_is_a_figure_with_limits_and_two_rules)
{
    /* Breaks when a KPI is judged the wrong way round, or one that nobody has calibrated fails. */
    ck_assert_msg(read_kpis("kpis:\n"
                            "  throughput: {metric: messages_per_minute, warning: 600, critical: "
                            "300}\n"
                            "  latency: {metric: p95_latency_ms, target: 1, warning: 2, critical: "
                            "TBD, for: 2s}\n"
                            "  transfer_rate: {target: TBD, warning: null, critical: [TBD]}\n") ==
                      OK,
                  "%s", err.text);
    ck_assert_uint_eq(rules.kpi_count, 3);
    ck_assert_uint_eq(rules.count, 6);
    const struct kpi *rate = &rules.kpis[0], *latency = &rules.kpis[1];
    ck_assert(rate->higher_is_better && !latency->higher_is_better);
    ck_assert(isnan(rate->target) && isnan(latency->critical));
    ck_assert_str_eq(rules.items[0].condition, "messages_per_minute < 600");
    ck_assert_str_eq(rules.items[1].condition, "messages_per_minute < 300");
    ck_assert_str_eq(rules.items[2].condition, "p95_latency_ms > 2");
    ck_assert_str_eq(rules.items[3].condition, "p95_latency_ms > TBD");
    ck_assert_uint_eq(rules.items[2].for_ns, 2 * NS_PER_SECOND);
    ck_assert_int_eq(rules.items[1].severity, ALERT_CRITICAL);
    ck_assert_int_eq(kpi_judge(rate, (struct watch_value){.number = 600}), KPI_OK);
    ck_assert_int_eq(kpi_judge(rate, (struct watch_value){.number = 599}), KPI_WARNING);
    ck_assert_int_eq(kpi_judge(rate, (struct watch_value){.number = 299}), KPI_CRITICAL);
    ck_assert_int_eq(kpi_judge(rate, (struct watch_value){.number = NAN}), KPI_UNKNOWN);
    ck_assert_int_eq(kpi_judge(latency, (struct watch_value){.number = 1, .at_least = true}),
                     KPI_WARNING);
    ck_assert_int_eq(kpi_judge(&rules.kpis[2], (struct watch_value){.number = 1}),
                     KPI_UNCALIBRATED);
}

static const struct {
    const char *text, *says;
} bad_rules[] = {
    {"alerts: 5\n", "f:1:9: alerts: "},
    {"{}\n", "f:1:1: there are no rules in it"},
    {"alerts: []\n", "f:1:1: there are no rules in it"},
    {"alerts:\n  - alert: A\n", "f:2:5: \"expr\" is missing"},
    {"alerts:\n  - alert: A\n    expr: volley_rat > 1\n",
     "f:3:11: expr, column 1: no figure is called volley_rat; did you mean volley_rate?"},
    {"alerts:\n  - alert: A\n    expr: volley_rate > 1 and\n", "f:3:11: expr, column 20: "},
    {"alerts:\n  - alert: A b\n    expr: volley_rate > 1\n", "f:2:12: alert: A b: a name has"},
    {"alerts:\n  - alert: A\n    expr: volley_rate > 1\n    for: soon\n", "f:4:10: for: soon"},
    {"alerts:\n  - alert: A\n    expr: volley_rate > 1\n    labels: {severity: page}\n",
     "severity: page: there are info, warning and critical"},
    {"alerts:\n  - alert: A\n    expr: volley_rate > 1\n    labels: {a-b: c}\n", "a label's name"},
    {"alerts:\n  - alert: A\n    expr: volley_rate > 1\n    annotations: {summry: c}\n",
     "did you mean summary?"},
    {"alerts:\n  - {alert: A, expr: volley_rate > 1}\n  - {alert: A, expr: volley_rate > 2}\n",
     "f:3:13: A stands there twice"},
    {"groups:\n  - name: a\n    rules:\n      - {record: b, expr: volley_rate}\n",
     "unknown key record"},
};

LOOP_TEST(test_a_wrong_rule_is_refused_with_its_place, COUNT(bad_rules))
{
    /* Breaks when a rule that is not right is taken, or its message does not lead there. */
    ck_assert_int_eq(read_rules(bad_rules[_i].text), E_CONFIG);
    ck_assert_msg(strstr(err.text, bad_rules[_i].says) != NULL, "%s", err.text);
}

static const struct {
    const char *text, *says;
} bad_kpis[] = {
    {"kpis: {}\n", "needs at least 1"},
    {"kpis:\n  a: {metric: p95_latenc_ms}\n", "f:2:15: metric: no figure is called"},
    {"kpis:\n  a: {target: 1}\n", "no figure is called a"},
    {"kpis:\n  a: {metric: p95_latency_ms, warning: high}\n", "f:2:40: warning: high: a number"},
    {"kpis:\n  a: {metric: p95_latency_ms, warning: [5]}\n", "a number, or TBD"},
    {"kpis:\n  a: {metric: p95_latency_ms, warning: 5, critical: 4}\n",
     "critical: it is reached before warning, where lower is better"},
    {"kpis:\n  a: {metric: volley_rate, warning: 5, critical: 6}\n",
     "critical: it is reached before warning, where higher is better"},
    {"kpis:\n  a: {metric: volley_rate, direction: up}\n", "direction: up"},
    {"kpis:\n  a b: {metric: volley_rate}\n", "a name has"},
};

LOOP_TEST(test_a_wrong_kpi_is_refused_with_its_place, COUNT(bad_kpis))
{
    /* Breaks when a KPI that cannot be judged is taken. */
    ck_assert_int_eq(read_kpis(bad_kpis[_i].text), E_CONFIG);
    ck_assert_msg(strstr(err.text, bad_kpis[_i].says) != NULL, "%s", err.text);
}

TEST_SUITE_WITH(alert_rules, .tear_down = tear_down)
