/* The curve as volley.find-max/1 (docs/schema/volley.find-max-1.schema.json). */

#include "common/clock.h"
#include "common/schedule.h"
#include "orchestrator/capacity/capacity_json.h"
#include "orchestrator/capacity/curve.h"
#include "orchestrator/report/json_value.h"

static json_t *rate_or_null(uint64_t rate_micro)
{
    return rate_micro == 0 ? json_null() : json_real((double)rate_micro / (double)SCHEDULE_MICRO);
}

static json_t *windows_of(const struct probe *probe, const struct objective_list *objectives)
{
    json_t *list = json_array();
    for (uint32_t w = 0; w < probe->window_count; w++) {
        const struct window *window = &probe->windows[w];
        json_array_append_new(
            list,
            json_pack("{s:f, s:f, s:o, s:o, s:o, s:o, s:o, s:f, s:b, s:b, s:o}", "start_seconds",
                      window->start_seconds, "seconds", window->seconds, "due",
                      json_value_count(window->due), "sent", json_value_count(window->sent), "ok",
                      json_value_count(window->ok), "failed", json_value_count(window->failed),
                      "backlog", json_value_count(window->backlog), "achieved_per_second",
                      window->achieved, "kept_up", window->kept_up, "passed", window->passed,
                      "objectives", capacity_json_readings(window->readings, objectives)));
    }
    return list;
}

static json_t *response_time(const struct curve *curve, const struct probe *probe)
{
    json_t *object = json_object();
    for (uint32_t i = 0; i < curve->percentile_count; i++)
        capacity_json_percentile(object, curve->percentiles[i], &probe->percentiles[i]);
    json_object_set_new(object, "mean",
                        json_value_microseconds(probe->answered, (double)probe->mean_ns));
    json_object_set_new(object, "max",
                        json_value_microseconds(probe->answered, (double)probe->max_ns));
    return object;
}

/* What is known of percentiles that are null there, and of the mean and maximum of all. */
static json_t *bounds(const struct curve *curve, const struct probe *probe)
{
    json_t *object = json_object();
    for (uint32_t i = 0; i < curve->percentile_count; i++)
        capacity_json_bound(object, curve->percentiles[i], &probe->percentiles[i]);
    capacity_json_bound_of(object, "mean", &probe->mean_of_all);
    capacity_json_bound_of(object, "max", &probe->max_of_all);
    return object;
}

static json_t *probes(const struct curve *curve)
{
    json_t *list = json_array();
    for (uint32_t p = 0; p < curve->probe_count; p++) {
        const struct probe *probe = &curve->probes[p];
        char reason[256];
        curve_format_reason(reason, sizeof reason, curve, probe);
        json_array_append_new(
            list,
            json_pack(
                "{s:i, s:{s:o, s:f}, s:b, s:s, s:b, s:i, s:i, s:o, s:f, s:f, s:o, s:o, s:o, s:f, "
                "s:f, s:f, s:o, s:o}",
                "index", (int)p, "rate", "asked", rate_or_null(probe->rate_micro), "achieved",
                probe->achieved, "retest", probe->retest, "end", probe_end_name(probe->end),
                "passed", probe->passed, "windows_passed", (int)probe->windows_passed,
                "windows_judged", (int)probe->windows_judged, "reason", json_value_text(reason),
                "seconds", probe->seconds, "error_share", probe->error_share, "backlog",
                json_value_count(probe->backlog), "response_time_us", response_time(curve, probe),
                "at_least_us", bounds(curve, probe), "slip_p99_us",
                (double)probe->target.evidence.slip_p99_ns / 1e3, "loop_lag_p99_us",
                (double)probe->loop_lag_p99_ns / 1e3, "blocked_share",
                probe->target.evidence.blocked_share, "windows",
                windows_of(probe, curve->objectives), "verdict",
                json_value_verdict(&probe->verdict)));
    }
    return list;
}

static json_t *finding(const struct curve *curve)
{
    static const char *const statuses[] = {"found", "no_limit", "nothing", "unfinished"};
    static const char *const limits[] = {"unknown", "objective", "throughput", "volley"};
    const struct search_finding *found = &curve->finding;
    const struct limit *limit = &curve->limit;
    return json_pack("{s:s, s:o, s:i, s:i, s:o, s:{s:f, s:o, s:o}, s:{s:s, s:s, s:s}}", "status",
                     statuses[found->status], "sustainable_per_second",
                     rate_or_null(found->rate_micro), "windows_passed", (int)found->passed,
                     "windows_judged", (int)found->windows, "first_failing_per_second",
                     rate_or_null(found->first_failing_micro), "interval", "confidence",
                     SEARCH_CONFIDENCE, "lower_per_second", rate_or_null(found->lower_micro),
                     "upper_per_second", rate_or_null(found->upper_micro), "limit", "kind",
                     limits[limit->kind], "name", limit->name, "evidence", limit->evidence);
}

/* NULL: nobody asked. */
static json_t *headroom(const struct curve *curve)
{
    const struct headroom *of = &curve->headroom;
    return of->factor > 0
               ? json_pack("{s:f, s:f, s:f, s:f, s:b}", "factor", of->factor, "load_per_second",
                           (double)of->load_micro / (double)SCHEDULE_MICRO, "wanted_per_second",
                           (double)headroom_wanted_micro(of) / (double)SCHEDULE_MICRO, "reached",
                           curve_headroom(curve), "kept", curve_keeps_headroom(curve))
               : NULL;
}

json_t *curve_document(const struct curve *curve, const struct session_facts *session,
                       const struct run_facts *run)
{
    json_t *root = capacity_json_root("volley.find-max/1", session, run);
    json_t *search = json_pack(
        "{s:o, s:o, s:f, s:i, s:f, s:i}", "start_rate", rate_or_null(curve->limits.start_micro),
        "max_rate", rate_or_null(curve->limits.highest_micro), "precision", curve->limits.precision,
        "max_probes", (int)curve->limits.probes_max, "window_seconds",
        clock_seconds(curve->window_ns), "windows", (int)curve->windows);
    json_t *members =
        json_pack("{s:o, s:o, s:b, s:o, s:o, s:o, s:o*}", "objectives",
                  capacity_json_objectives(curve->objectives), "search", search, "interrupted",
                  curve->interrupted, "error", capacity_json_error(curve->error), "result",
                  finding(curve), "probes", probes(curve), "headroom", headroom(curve));
    return capacity_json_document(root, members);
}
