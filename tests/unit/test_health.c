/* What the health endpoints say of a reading. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buffer_stage.h"
#include "orchestrator/report/timeline.h"
#include "orchestrator/watch/health.h"
#include "orchestrator/watch/samples.h"
#include "tests/support/check/report_fixture.h"
#include "tests/support/check/suite.h"

static struct alert_rules rules;
static struct interval_row *row;
static struct metric_slice slice;
static struct watch_reading reading;
static double server[SERIES_METRICS];
static struct health_state state;

/* A second with 100 requests of 2 ms, 10 of them with an error, and a server of 64 MB. */
static void set_up(void)
{
    row = fixture_row(0);
    fixture_answer(row, 2000000, 90);
    fixture_refuse(row, 0, 2000000, 10);
    slice = metric_slice_of(row, false);
    slice.worker_count = 1;
    server[SERIES_USED_MEMORY] = 64 * SERIES_MB;
    reading =
        (struct watch_reading){.load = &slice, .server = server, .hit_ratio = NAN, .server_up = 1};
    state = (struct health_state){.reading = &reading, .rules = &rules, .interval_ms = 1000};
}

static void tear_down(void)
{
    free(row);
    alert_rules_free(&rules);
}

static void use(const char *kpis)
{
    struct err err = {.code = OK};
    alert_rules_free(&rules);
    ck_assert_msg(kpi_file_read(&rules, &(struct file_source){"f", kpis, strlen(kpis)}, &err) == OK,
                  "%s", err.text);
}

/* The whole, or a check of it. */
static char said[200];
static const char *status_of(const char *path, const char *check, int wanted)
{
    enum health_page page = HEALTH_ALL;
    int status = 0;
    size_t i;
    const json_t *item;
    ck_assert(health_find(&page, path));
    json_t *body = health_body(page, &state, &status);
    ck_assert_int_eq(status, wanted);
    snprintf(said, sizeof said, "%s", json_string_value(json_object_get(body, "status")));
    json_array_foreach(json_object_get(body, "checks"), i, item)
    {
        ck_assert_ptr_nonnull(json_object_get(item, "value"));
        ck_assert(json_is_real(json_object_get(item, "duration_ms")));
        if (check != NULL && strcmp(json_string_value(json_object_get(item, "name")), check) == 0)
            snprintf(said, sizeof said, "%s %.6g",
                     json_string_value(json_object_get(item, "status")),
                     json_real_value(json_object_get(item, "value")));
    }
    json_decref(body);
    return said;
}

TEST(test_without_limits_nothing_is_wrong)
{
    /* Breaks when a server that nobody has calibrated is taken out of service. */
    ck_assert_str_eq(status_of("/health", NULL, 200), "ok");
    ck_assert_str_eq(status_of("/health", "latency_check", 200), "unknown 2");
    ck_assert_str_eq(status_of("/health/performance", "error_rate_check", 200), "unknown 10");
    ck_assert_str_eq(status_of("/health/buffer", "memory_usage_check", 200), "unknown 64");
    ck_assert_str_eq(status_of("/health/buffer", "buffer_service_status", 200), "unknown 0");
    ck_assert_str_eq(status_of("/health/buffer", "component_health", 200), "ok 0");
    state.reading = NULL;
    ck_assert_str_eq(status_of("/health", NULL, 200), "ok");
    enum health_page page;
    ck_assert(!health_find(&page, "/health/"));
}

TEST(test_limits_of_kpis_count)
{
    /* Breaks when a limit that is passed is not seen, or the wrong endpoint fails with it. */
    use("kpis: {latency: {metric: p99_latency_ms, warning: 1, critical: 5}}");
    ck_assert_str_eq(status_of("/health/performance", NULL, 200), "degraded");
    ck_assert_str_eq(status_of("/health/performance", "latency_check", 200), "warning 2");
    ck_assert_str_eq(status_of("/health/buffer", NULL, 200), "ok");
    use("kpis: {latency: {metric: p99_latency_ms, warning: 1, critical: 1.5}, "
        "memory: {metric: memory_mb, warning: 65}}");
    ck_assert_str_eq(status_of("/health/performance", NULL, 503), "critical");
    ck_assert_str_eq(status_of("/health", NULL, 503), "critical");
    ck_assert_str_eq(status_of("/health/buffer", "memory_usage_check", 200), "ok 64");
}

TEST(test_a_buffer_that_is_full)
{
    /* Breaks when a client whose users are held up looks healthy, one that has room does not, or limits of a KPI do not go
     * before the usual one. */
    static struct run_facts facts;
    facts = (struct run_facts){.worker_count = 1, .buffer_workers = 3, .buffer_text = "b"};
    facts.part_count = row->part_count = BUFFER_STAGES;
    for (uint32_t i = 0; i < BUFFER_STAGES; i++)
        facts.parts[i].is_stage = true;
    slice.run = &facts;
    ck_assert_str_eq(status_of("/health/buffer", "buffer_service_status", 200), "ok 0");
    ck_assert_str_eq(status_of("/health/buffer", NULL, 200), "ok");
    row->counters[COUNTER_BUFFER_FULL_NS] = 600000000;
    row->counters[COUNTER_BUFFER_BUSY_NS] = 2700000000;
    ck_assert_str_eq(status_of("/health/buffer", "buffer_service_status", 200), "warning 0.6");
    ck_assert_str_eq(status_of("/health/buffer", "worker_pool_status", 200), "unknown 0.9");
    ck_assert_str_eq(status_of("/health/buffer", NULL, 200), "degraded");
    ck_assert_str_eq(status_of("/health/performance", NULL, 200), "ok");
    use("kpis: {full: {metric: buffer_utilization, warning: 0.7, direction: lower}, "
        "pool: {metric: buffer_worker_utilization, critical: 0.8, direction: lower}}");
    ck_assert_str_eq(status_of("/health/buffer", "buffer_service_status", 503), "ok 0.6");
    ck_assert_str_eq(status_of("/health/buffer", "worker_pool_status", 503), "critical 0.9");
}

TEST(test_what_is_late_is_critical)
{
    /* Breaks when a load that has stopped to say anything looks healthy, or one that is over looks ill. */
    state.age_ms = 7000;
    ck_assert_str_eq(status_of("/health/buffer", NULL, 503), "critical");
    ck_assert_str_eq(status_of("/health/performance", NULL, 200), "ok");
    state.interval_ms = 5000;
    ck_assert_str_eq(status_of("/health/buffer", NULL, 200), "ok");
    state.age_ms = 20000;
    ck_assert_str_eq(status_of("/health/performance", NULL, 503), "critical");
    state.ended = true;
    ck_assert_str_eq(status_of("/health", NULL, 200), "ok");
}

TEST(test_a_server_that_does_not_answer_is_critical)
{
    /* Breaks when the server is gone and the endpoint says that all is well. */
    reading.server_up = 0;
    ck_assert_str_eq(status_of("/health/buffer", "component_health", 503), "critical 0");
}

TEST_SUITE_WITH(health, .set_up = set_up, .tear_down = tear_down)
