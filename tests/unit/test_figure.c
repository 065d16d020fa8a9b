#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/buffer_stage.h"
#include "orchestrator/watch/prometheus_name.h"
#include "orchestrator/watch/samples.h"
#include "tests/support/check/report_fixture.h"
#include "tests/support/check/suite.h"

static struct watch_value value_of(const char *name, const struct watch_reading *reading)
{
    struct watch_figure figure;
    struct err err = {.code = OK};
    ck_assert_msg(watch_figure_find(&figure, name, strlen(name), &err) == OK, "%s: %s", name,
                  err.text);
    ck_assert_str_eq(figure.name, name);
    ck_assert(figure.unit != NULL);
    return watch_figure_read(&figure, reading);
}

static const struct {
    const char *name;
    double
        number; /* of 90 requests of 2 ms and 10 errors in a second, 64 MB, of 3 lookups 1 miss */
} known[] = {
    {"rate.achieved", 90},
    {"volley_rate", 90},
    {"messages_per_minute", 5400},
    {"requests.errors", 10},
    {"failed_percent", 10},
    {"volley_failed_ratio", 0.1},
    {"error_percentage", 10},
    {"response_time_us.p95", 2000},
    {"volley_latency_quantile_seconds{q=\"0.95\"}", 0.002},
    {"volley_latency_max_seconds", 0.002},
    {"buffer_latency_p95", 2},
    {"buffer.latency.p95", 2},
    {"used_memory", 67108864},
    {"volley_server_used_memory_bytes", 67108864},
    {"buffer_memory_usage_mb", 64},
    {"memory_mb", 64},
    {"buffer_cache_hit_rate", 2.0 / 3},
    {"cache_hit_rate", 200.0 / 3},
    {"volley_server_up", 1},
};

LOOP_TEST(test_one_figure_by_all_its_names, sizeof known / sizeof known[0])
{
    /* Breaks when a name of a figure has another unit than it says, or is not known. */
    struct interval_row *row = fixture_row(0);
    struct run_facts facts = fixture_facts();
    struct error_kinds kinds = {.count = 1, .kinds = {{.word = "ERR"}}};
    struct watch_samples samples;
    struct watch_reading reading;
    struct metric_slice slice;
    fixture_answer(row, 2000000, 90);
    fixture_refuse(row, 0, 2000000, 10);
    watch_samples_init(&samples);
    double values[SERIES_METRICS] = {[SERIES_HITS] = 10, [SERIES_MISSES] = 5};
    watch_samples_hear(&samples, &(struct server_sample){.known = true, .values = values});
    values[SERIES_HITS] = 12;
    values[SERIES_MISSES] = 6;
    values[SERIES_USED_MEMORY] = 67108864;
    watch_samples_hear(&samples, &(struct server_sample){.known = true, .values = values});
    watch_reading_of_row(&reading, &slice, row, &facts, &kinds, facts.started_wall_ns, &samples);
    const struct watch_value value = value_of(known[_i].name, &reading);
    /* as near as three digits of a histogram are */
    ck_assert_double_eq_tol(value.number, known[_i].number, known[_i].number * 2e-3);
    ck_assert(!value.at_least);
    ck_assert_double_eq_tol(reading.at_seconds, 1, 1e-9);
    free(row);
}

TEST(test_what_is_not_known_is_nan)
{
    /* Breaks when a figure that nobody has measured is taken for 0, and an alert on it never fires, or always. */
    struct interval_row *row = fixture_row(0);
    struct run_facts facts = fixture_facts();
    struct error_kinds kinds = {.count = 0};
    struct watch_reading reading;
    struct metric_slice slice;
    watch_reading_of_row(&reading, &slice, row, &facts, &kinds, facts.started_wall_ns, NULL);
    static const char *const names[] = {"response_time_us.p99", "failed_percent", "used_memory",
                                        "buffer_cache_hit_rate", "buffer_utilization"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        ck_assert_msg(isnan(value_of(names[i], &reading).number), "%s", names[i]);
    ck_assert(value_of("rate.achieved", &reading).number >= 0);
    free(row);
}

static const struct {
    const char *name;
    double number;  /* of the row below */
    double without; /* of the same one where nothing is buffered; NAN: not known */
} buffered[] = {
    {"transfer_rate", 80, NAN},
    {"avg_batch_size", 4, NAN},
    {"flush_success_rate", 90, NAN},
    {"buffer_utilization", 0.25, NAN},
    {"buffer.utilization", 0.25, NAN},
    {"buffer_worker_utilization", 0.5, 0.1},
    {"round_buffer.current_size", 2, NAN},
    {"hybrid_buffer.current_size", 3, NAN},
    {"query_buffer.cache_size", 40, NAN},
    {"cache_memory", 5, NAN},
    {"avg_write_latency", 4, NAN},
    {"avg_query_latency", 8, NAN},
    {"query_latency", 8, 2},
    {"messages_per_minute", 5400, 5400},
    {"buffer_throughput", 90, 90},
    {"buffer_latency_p95", 2, 2},
    {"worker_cpu_percent", 10, 10},
    {"buffer_cache_hit_rate", 0.75, NAN},
    {"cache_hit_rate", 75, NAN},
};

LOOP_TEST(test_what_a_buffer_has, sizeof buffered / sizeof buffered[0])
{
    /* Breaks when a figure of a client's buffer is another one than its name says, or is known without a buffer. */
    struct interval_row *row = fixture_row(0);
    struct run_facts facts = fixture_facts();
    struct error_kinds kinds = {.count = 0};
    struct watch_reading reading;
    struct metric_slice slice;
    fixture_answer(row, 2000000, 90);
    fixture_refuse(row, 0, 2000000, 10);
    row->counters[COUNTER_CPU_USER_NS] = facts.worker_count * 100000000ull;
    watch_reading_of_row(&reading, &slice, row, &facts, &kinds, facts.started_wall_ns, NULL);
    const double without = value_of(buffered[_i].name, &reading).number;
    ck_assert(isnan(buffered[_i].without) ? isnan(without)
                                          : fabs(without - buffered[_i].without) <= without * 1e-2);
    snprintf(facts.buffer_text, sizeof facts.buffer_text, "b");
    facts.buffer_workers = 2 * facts.worker_count;
    facts.cache_most = 100;
    row->counters[COUNTER_CACHE_HITS] = 30;
    row->counters[COUNTER_CACHE_MISSES] = 10;
    row->counters[COUNTER_CACHE_REPLIES_US] = 40 * 1000000ull;
    row->counters[COUNTER_CACHE_BYTES_MS] = 5 * 1048576 * 1000ull;
    facts.part_count = row->part_count = BUFFER_STAGES;
    for (uint32_t i = 0; i < BUFFER_STAGES; i++)
        facts.parts[i].is_stage = true;
    row->counters[COUNTER_BUFFER_FLUSHES_SIZE] = 15;
    row->counters[COUNTER_BUFFER_FLUSHES_IDLE] = 5;
    row->counters[COUNTER_BUFFER_MESSAGES] = 80;
    row->counters[COUNTER_BUFFER_FULL_NS] = facts.worker_count * 250000000ull;
    row->counters[COUNTER_BUFFER_BUSY_NS] = facts.worker_count * 1000000000ull;
    row->counters[COUNTER_BUFFER_ROUND_NS] = 2000000000;
    row->counters[COUNTER_BUFFER_HYBRID_NS] = 3000000000;
    row->parts[STAGE_WRITE_TOTAL].counters[CLASS_OK] = 80;
    coarse_record(&row->parts[STAGE_WRITE_TOTAL].times[CLASS_SERVICE], 4000000, 80);
    row->parts[STAGE_QUERY_TOTAL].counters[CLASS_OK] = 10;
    coarse_record(&row->parts[STAGE_QUERY_TOTAL].times[CLASS_SERVICE], 8000000, 10);
    watch_reading_of_row(&reading, &slice, row, &facts, &kinds, facts.started_wall_ns, NULL);
    ck_assert_double_eq_tol(value_of(buffered[_i].name, &reading).number, buffered[_i].number,
                            buffered[_i].number * 4e-2);
    free(row);
}

TEST(test_a_hidden_percentile_is_a_bound)
{
    /* Breaks when requests that nobody answered leave a latency alert silent. */
    struct interval_row *row = fixture_row(0);
    struct run_facts facts = fixture_facts();
    struct error_kinds kinds = {.count = 0};
    struct watch_reading reading;
    struct metric_slice slice;
    fixture_answer(row, 2000000, 50);
    row->counters[COUNTER_SENT] += 50;
    row->counters[COUNTER_DUE] += 50;
    fixture_unanswered(row, COUNTER_TIMED_OUT, 0, 5000000000ull, 50);
    watch_reading_of_row(&reading, &slice, row, &facts, &kinds, facts.started_wall_ns, NULL);
    const struct watch_value value = value_of("p99_latency_ms", &reading);
    ck_assert(value.at_least);
    ck_assert_double_gt(value.number, 2);
    free(row);
}

TEST(test_unknown_names_are_refused)
{
    /* Breaks when a misspelled figure makes a rule that can never fire. */
    struct watch_figure figure;
    struct err err = {.code = OK};
    ck_assert_int_eq(watch_figure_find(&figure, "respons_time_us.p99", 19, &err), E_CONFIG);
    ck_assert_msg(strstr(err.text, "did you mean response_time_us.p99?") != NULL, "%s", err.text);
    err = (struct err){.code = OK};
    ck_assert_int_eq(watch_figure_find(&figure, "x\033[2J", 5, &err), E_CONFIG);
    ck_assert(strchr(err.text, '\033') == NULL);
    err = (struct err){.code = OK};
    char long_name[200];
    memset(long_name, 'a', sizeof long_name);
    ck_assert_int_eq(watch_figure_find(&figure, long_name, sizeof long_name, &err), E_CONFIG);
}

TEST(test_all_names_are_one_figure_each)
{
    /* Breaks when two figures have one name, or one in /metrics is no name of base units. */
    static char names[1000][WATCH_NAME_BYTES];
    size_t count = 0;
    for (const char *name; (name = watch_figure_name_at(count)) != NULL; count++) {
        struct watch_figure figure;
        struct err err = {.code = OK};
        ck_assert_uint_lt(count, sizeof names / sizeof names[0]);
        char *copy = names[count];
        snprintf(copy, sizeof names[0], "%s", name);
        ck_assert_msg(watch_figure_find(&figure, copy, strlen(copy), &err) == OK, "%s", copy);
        if (strncmp(copy, "volley_", 7) != 0)
            continue;
        char word[WATCH_NAME_BYTES + 1];
        snprintf(word, sizeof word, "%.*s_", (int)strcspn(copy, "{"), copy);
        ck_assert_msg(strstr(word, "_us_") == NULL && strstr(word, "_ms_") == NULL &&
                          strstr(word, "_mb_") == NULL && strstr(word, "percent") == NULL,
                      "%s", copy);
    }
    ck_assert_uint_gt(count, 150);
    for (size_t i = 0; i < count; i++)
        for (size_t j = i + 1; j < count; j++)
            ck_assert_msg(strcmp(names[i], names[j]) != 0, "%s", names[i]);
}

TEST_SUITE(figure)
