/* A sweep as volley.sweep/1 (docs/schema/volley.sweep-1.schema.json). */
#include "common/schedule.h"
#include "orchestrator/capacity/capacity_json.h"
#include "orchestrator/capacity/sweep.h"
#include "orchestrator/report/json_value.h"

static json_t *value_of(const struct sweep *sweep, const struct sweep_step *step)
{
    return sweep->kind == SWEEP_QPS ? json_real((double)step->value / (double)SCHEDULE_MICRO)
                                    : json_value_count(step->value);
}

static json_t *latency(const struct sweep_step *step)
{
    json_t *object = json_object();
    capacity_json_percentile(object, 50, &step->p50);
    capacity_json_percentile(object, 95, &step->p95);
    capacity_json_percentile(object, 99, &step->p99);
    return object;
}

/* What is known of percentiles that are null there. */
static json_t *bounds(const struct sweep_step *step)
{
    json_t *object = json_object();
    capacity_json_bound(object, 50, &step->p50);
    capacity_json_bound(object, 95, &step->p95);
    capacity_json_bound(object, 99, &step->p99);
    return object;
}

static json_t *steps(const struct sweep *sweep)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < sweep->count; i++) {
        const struct sweep_step *step = &sweep->steps[i];
        char notes[SWEEP_NOTES_BYTES];
        json_array_append_new(
            list,
            json_pack(
                "{s:o, s:f, s:f, s:f, s:o, s:o, s:o, s:f, s:o, s:f, s:i, s:o, s:o, s:o, s:o*}",
                "value", value_of(sweep, step), "seconds", step->seconds, "ops_per_second",
                step->rate, "messages_per_minute", step->rate * 60, "target_per_second",
                sweep->open_loop ? json_real(step->target) : json_null(), "latency_us",
                latency(step), "at_least_us", bounds(step), "error_share", step->error_share,
                "server_mb", step->server_mb >= 0 ? json_real(step->server_mb) : json_null(),
                "client_cpu_share", step->client_cpu, "workers", (int)step->worker_count, "note",
                json_value_text(sweep_format_notes(notes, sizeof notes, step)), "error",
                capacity_json_error(step->mishap), "verdict", json_value_verdict(&step->verdict),
                "objectives",
                sweep->objectives != NULL
                    ? capacity_json_readings(step->readings, sweep->objectives)
                    : NULL));
    }
    return list;
}

/* The value at which a note stands. */
static json_t *point(const struct sweep *sweep, unsigned note)
{
    for (uint32_t i = 0; i < sweep->count; i++)
        if (sweep->steps[i].notes & note)
            return value_of(sweep, &sweep->steps[i]);
    return json_null();
}

json_t *sweep_document(const struct sweep *sweep, const struct session_facts *session,
                       const struct run_facts *run)
{
    json_t *root = capacity_json_root("volley.sweep/1", session, run);
    json_t *points =
        json_pack("{s:o, s:o, s:o}", "baseline", point(sweep, SWEEP_BASELINE), "degradation",
                  point(sweep, SWEEP_DEGRADATION), "breaking", point(sweep, SWEEP_BREAKING));
    if (sweep->objectives != NULL)
        json_object_set_new(points, "objective", point(sweep, SWEEP_OBJECTIVE));
    json_t *members = json_pack(
        "{s:s, s:s, s:b, s:o, s:o, s:o, s:o*}", "swept", sweep_kind_name(sweep->kind), "loop",
        sweep->open_loop ? "open" : "closed", "interrupted", sweep->interrupted, "error",
        capacity_json_error(sweep->error), "points", points, "steps", steps(sweep), "objectives",
        sweep->objectives != NULL ? capacity_json_objectives(sweep->objectives) : NULL);
    return capacity_json_document(root, members);
}
