/* A load test for programs: volley.load-test/1 (docs/schema/volley.load-test-1.schema.json), and CSV. */
#include "common/clock.h"
#include "orchestrator/capacity/capacity_json.h"
#include "orchestrator/capacity/doubts.h"
#include "orchestrator/capacity/load_test.h"
#include "orchestrator/capacity/table.h"
#include "orchestrator/report/json_value.h"

static double per_minute(double per_second)
{
    return per_second * LOAD_TEST_SECONDS_IN_A_MINUTE;
}

static json_t *megabytes(double bytes)
{
    return bytes >= 0 ? json_real(bytes / BYTES_PER_MB_OF_MEMORY) : json_null();
}

static json_t *latency(const struct load_test_row *row)
{
    json_t *object = json_object();
    json_object_set_new(object, "mean", json_value_microseconds(row->mean_ns >= 0, row->mean_ns));
    capacity_json_percentile(object, 95, &row->p95);
    return object;
}

/* What is known of a percentile that is null there. */
static json_t *bounds(const struct load_test_row *row)
{
    json_t *object = json_object();
    capacity_json_bound(object, 95, &row->p95);
    return object;
}

static json_t *note(const struct load_test_row *row)
{
    char text[LOAD_TEST_NOTE_BYTES];
    return json_value_text(load_test_format_note(text, row));
}

static json_t *runs(const struct load_test *test)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < test->count; i++) {
        const struct load_test_row *row = &test->rows[i];
        json_array_append_new(
            list,
            json_pack(
                "{s:o, s:s, s:s, s:f, s:f, s:f, s:o, s:o, s:o, s:f, s:o, s:o, s:i, s:o, s:o, s:o}",
                "users", json_value_count(row->users), "mode", load_test_mode_name(row->mode),
                "loop", row->has_rate ? "open" : "closed", "seconds", row->seconds,
                "messages_per_minute", per_minute(row->rate), "requests_per_second", row->rate,
                "offered_per_minute",
                row->offered >= 0 ? json_real(per_minute(row->offered)) : json_null(), "latency_us",
                latency(row), "at_least_us", bounds(row), "error_share", row->error_share,
                "volley_mb", megabytes(row->client_bytes), "server_mb",
                megabytes(row->server_bytes), "workers", (int)row->worker_count, "note", note(row),
                "error", capacity_json_error(row->mishap), "verdict",
                json_value_verdict(&row->verdict)));
    }
    return list;
}

static json_t *users_noted(const struct load_test *test, enum load_test_mode mode,
                           enum degradation_note note)
{
    const struct load_test_row *row = load_test_noted(test, mode, note);
    return row != NULL ? json_value_count(row->users) : json_null();
}

/* Of each mode that was measured. */
static json_t *points_of(const struct load_test *test)
{
    json_t *points = json_object();
    for (uint32_t i = 0; i < test->count; i++) {
        const enum load_test_mode mode = test->rows[i].mode;
        if (json_object_get(points, load_test_mode_name(mode)) == NULL)
            json_object_set_new(points, load_test_mode_name(mode),
                                json_pack("{s:o, s:o, s:o}", "baseline",
                                          users_noted(test, mode, DEGRADATION_BASELINE),
                                          "degradation", users_noted(test, mode, DEGRADATION_POINT),
                                          "breaking",
                                          users_noted(test, mode, DEGRADATION_BREAKING)));
    }
    return points;
}

static json_t *peak_of(const struct load_test *test)
{
    const struct load_test_row *peak = load_test_peak(test);
    return peak == NULL ? json_null()
                        : json_pack("{s:o, s:s, s:f, s:f}", "users", json_value_count(peak->users),
                                    "mode", load_test_mode_name(peak->mode), "messages_per_minute",
                                    per_minute(peak->rate), "requests_per_second", peak->rate);
}

/* NULL: the test has one mode. */
static json_t *memory_of(const struct load_test *test)
{
    struct load_test_memory memory;
    json_t *list = test->both_modes ? json_array() : NULL;
    for (uint32_t i = 0; load_test_memory_at(&memory, test, i); i++) {
        const bool known = memory.enabled_bytes >= 0 && memory.bypass_bytes >= 0;
        json_array_append_new(
            list,
            json_pack("{s:o, s:o, s:o, s:o, s:f}", "users", json_value_count(memory.users),
                      "enabled_mb", megabytes(memory.enabled_bytes), "bypass_mb",
                      megabytes(memory.bypass_bytes), "difference_mb",
                      known ? json_real((memory.enabled_bytes - memory.bypass_bytes) /
                                        BYTES_PER_MB_OF_MEMORY)
                            : json_null(),
                      "expected_difference_mb", memory.expected_bytes / BYTES_PER_MB_OF_MEMORY));
    }
    return list;
}

json_t *load_test_document(const struct load_test *test, const struct session_facts *session,
                           const struct run_facts *run)
{
    json_t *root = capacity_json_root("volley.load-test/1", session, run);
    json_t *members =
        json_pack("{s:o, s:o, s:b, s:o, s:o, s:o, s:o, s:o*}", "message_rate_per_minute",
                  test->message_rate > 0 ? json_real(test->message_rate) : json_null(), "buffer",
                  json_value_text(test->buffer_name), "interrupted", test->interrupted, "error",
                  capacity_json_error(test->error), "peak_throughput", peak_of(test), "points",
                  points_of(test), "runs", runs(test), "memory_scaling", memory_of(test));
    return capacity_json_document(root, members);
}

static void write_csv_megabytes(struct output *out, double bytes)
{
    output_printf(out, ",");
    if (bytes >= 0)
        output_printf(out, "%.3f", bytes / BYTES_PER_MB_OF_MEMORY);
}

void load_test_write_csv(struct output *out, const struct load_test *test)
{
    output_printf(out, "users,mode,messages_per_minute,requests_per_second,offered_per_minute,"
                       "mean_us,p95_us,errors_percent,volley_mb,server_mb,baseline,"
                       "degradation_point,breaking_point,verdict,verdict_reasons\n");
    for (uint32_t i = 0; i < test->count; i++) {
        const struct load_test_row *row = &test->rows[i];
        char doubts[DOUBTS_TEXT_BYTES];
        output_printf(out, "%llu,%s,%.1f,%.3f,", (unsigned long long)row->users,
                      load_test_mode_name(row->mode), per_minute(row->rate), row->rate);
        if (row->offered >= 0)
            output_printf(out, "%.1f", per_minute(row->offered));
        output_printf(out, ",");
        if (row->mean_ns >= 0)
            output_printf(out, "%.3f", row->mean_ns / (double)NS_PER_US);
        table_csv_us(out, &row->p95);
        output_printf(out, ",%.6f", row->error_share * 100);
        write_csv_megabytes(out, row->client_bytes);
        write_csv_megabytes(out, row->server_bytes);
        output_printf(out, ",%d,%d,%d", (row->notes & DEGRADATION_BASELINE) != 0,
                      (row->notes & DEGRADATION_POINT) != 0,
                      (row->notes & DEGRADATION_BREAKING) != 0);
        output_printf(out, ",%s,\"%s\"\n", verdict_level_name(row->verdict.level),
                      doubts_format(doubts, sizeof doubts, &row->verdict, true));
    }
}
