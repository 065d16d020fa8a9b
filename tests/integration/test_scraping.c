/* A real Prometheus that scrapes a run: its answers are the run's report, and each statement of the dashboard over it is
 * understood, and finds something. */
#include <jansson.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/check/http_client.h"
#include "tests/support/check/run.h"
#include "tests/support/check/server.h"
#include "tests/support/check/suite.h"
#include "tests/support/check/support.h"
#include "tests/support/check/temp_tree.h"

#define DASHBOARD "configs/grafana/dashboards/live/run.json"

static struct temp_tree tree;
static struct test_server server;
static struct program volley, prometheus;
static uint16_t volley_port, prometheus_port;
static char json_path[200];

static void set_up(void)
{
    temp_tree_make(&tree);
    test_server_start(&server, NULL);
    snprintf(json_path, sizeof json_path, "%s/run.json", tree.path);
}

static void tear_down(void)
{
    program_free(&volley);
    program_free(&prometheus);
    test_server_stop(&server);
    temp_tree_remove(&tree);
}

static void start_volley(void)
{
    program_start_volley(&volley, "bench", "-p", server.port_text, "-t", "set", "-r", "1000",
                         "--qps", "2000", "--duration", "4", "--interval", "200ms", "--listen", "0",
                         "--listen-linger", "60", "--json", json_path, NULL);
    program_wait_text(&volley, PROGRAM_ERR, "the live page is at ");
    char *said = program_output(&volley, PROGRAM_ERR);
    volley_port = http_port_in(said);
    free(said);
}

static void start_prometheus(void)
{
    static const char text[] =
        "global:\n  scrape_interval: 200ms\n  scrape_timeout: 200ms\nscrape_configs:\n"
        "  - job_name: volley\n    static_configs:\n      - targets: ['127.0.0.1:%u']\n";
    char configuration[400], file[200], data[200], listen[64];
    prometheus_port = support_free_port();
    snprintf(configuration, sizeof configuration, text, volley_port);
    temp_tree_write(&tree, "/prometheus.yml", configuration, 0600);
    snprintf(file, sizeof file, "--config.file=%s/prometheus.yml", tree.path);
    snprintf(data, sizeof data, "--storage.tsdb.path=%s/data", tree.path);
    snprintf(listen, sizeof listen, "--web.listen-address=127.0.0.1:%u", prometheus_port);
    const char *const argv[] = {"prometheus", file, data, listen, NULL};
    program_start(&prometheus, &(struct program_options){.argv = argv, .deadline_ms = 60000});
    program_wait_text(&prometheus, PROGRAM_ERR, "Server is ready to receive web requests");
}

/* As in a query of a URL; the caller frees. */
static char *encoded(const char *text)
{
    char *into = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&into, &bytes);
    ck_assert_ptr_nonnull(out);
    for (; *text != '\0'; text++)
        fprintf(out, "%%%02X", (unsigned)(unsigned char)*text);
    ck_assert_int_eq(fclose(out), 0);
    return into;
}

/* The result of a statement, which Prometheus has to understand. A new reference. */
static json_t *ask(const char *statement)
{
    char *query = encoded(statement), *path = NULL;
    ck_assert_int_gt(asprintf(&path, "/api/v1/query?query=%s", query), 0);
    json_t *answer = http_get_json(prometheus_port, path);
    json_t *result = json_incref(json_object_get(json_object_get(answer, "data"), "result"));
    ck_assert_msg(json_is_array(result), "%s", statement);
    json_decref(answer);
    free(query);
    free(path);
    return result;
}

/* The one value of a statement; NAN: it finds nothing. */
static double value_of(const char *statement)
{
    json_t *result = ask(statement);
    const json_t *value = json_array_get(json_object_get(json_array_get(result, 0), "value"), 1);
    const double number =
        json_is_string(value) ? strtod(json_string_value(value), NULL) : (double)NAN;
    json_decref(result);
    return number;
}

static void wait_value(const char *statement, double wanted)
{
    double seen = NAN;
    for (int i = 0; i < 300; i++) {
        seen = value_of(statement);
        if (fabs(seen - wanted) < 0.5)
            return;
        support_sleep_ms(100);
    }
    ck_abort_msg("%s is %g, not %g", statement, seen, wanted);
}

/* What stands for $name in a dashboard, as Grafana has it when all are chosen. */
static char *replaced(const char *statement)
{
    static const struct {
        const char *name, *value;
    } variables[] = {{"$instance", ".*"}, {"$op", ".*"}, {"$__rate_interval", "4s"}};
    char *into = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&into, &bytes);
    ck_assert_ptr_nonnull(out);
    while (*statement != '\0') {
        size_t length = 0;
        for (size_t i = 0; i < sizeof variables / sizeof variables[0] && length == 0; i++)
            if (strncmp(statement, variables[i].name, strlen(variables[i].name)) == 0) {
                length = strlen(variables[i].name);
                fputs(variables[i].value, out);
            }
        if (length == 0) {
            ck_assert_msg(*statement != '$', "Grafana knows no such thing: %.40s", statement);
            fputc(*statement, out);
            length = 1;
        }
        statement += length;
    }
    ck_assert_int_eq(fclose(out), 0);
    return into;
}

/* These find something only where it happens: errors, alerts, memory of 100 MB, lookups. */
static bool may_be_empty(const char *expr)
{
    static const char *const parts[] = {"volley_errors_total", "volley_alert_state",
                                        "volley_cache_hit_ratio"};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        if (strstr(expr, parts[i]) != NULL)
            return true;
    return false;
}

static void ask_dashboard(void)
{
    json_error_t error;
    json_t *dashboard = json_load_file(DASHBOARD, 0, &error);
    size_t i, k, asked = 0;
    const json_t *panel, *target;
    ck_assert_msg(dashboard != NULL, "%s: %s", DASHBOARD, error.text);
    json_array_foreach(json_object_get(dashboard, "panels"), i, panel)
    {
        json_array_foreach(json_object_get(panel, "targets"), k, target)
        {
            const char *expr = json_string_value(json_object_get(target, "expr"));
            ck_assert_ptr_nonnull(expr);
            char *statement = replaced(expr);
            json_t *result = ask(statement);
            ck_assert_msg(json_array_size(result) > 0 || may_be_empty(expr), "nothing: %s",
                          statement);
            json_decref(result);
            free(statement);
            asked++;
        }
    }
    ck_assert_uint_gt(asked, 15);
    json_decref(dashboard);
}

static double told(const json_t *report, const char *group, const char *key)
{
    const json_t *run = json_array_get(json_object_get(report, "runs"), 0);
    return json_number_value(json_object_get(json_object_get(run, group), key));
}

TEST(test_a_scraped_run)
{
    /* Breaks when what Prometheus has of a run is not what its report says, or the dashboard asks for what is not there. */
    json_error_t error;
    start_volley();
    start_prometheus();
    wait_value("max(volley_server_up)", 1);
    wait_value("min(count_over_time(volley_rate[1m])) >= bool 4", 1); /* a rate is of two or more */
    ask_dashboard();
    wait_value("max(volley_phase_info{phase=\"ended\"})", 1);
    json_t *report = json_load_file(json_path, 0, &error);
    ck_assert_msg(report != NULL, "%s", error.text);
    wait_value("sum(volley_requests_ok_total)", told(report, "requests", "ok"));
    ck_assert_double_eq(value_of("sum(volley_requests_total)"), told(report, "requests", "sent"));
    ck_assert_double_eq(value_of("sum(volley_requests_due_total)"),
                        told(report, "requests", "due"));
    ck_assert_double_eq(value_of("sum(volley_latency_seconds_count)"),
                        told(report, "response_time_us", "count"));
    ck_assert_double_eq(value_of("sum(volley_bytes_out_total)"), told(report, "bytes", "out"));
    ck_assert_double_eq_tol(value_of("sum(volley_latency_seconds_sum)"),
                            told(report, "response_time_us", "count") *
                                told(report, "response_time_us", "mean") / 1e6,
                            1e-6);
    json_decref(report);
    program_signal(&volley, SIGINT);
    program_wait(&volley);
    program_expect_status(&volley, 0);
}

TEST_SUITE_WITH(scraping, .set_up = set_up, .tear_down = tear_down, .timeout_seconds = 90)
