/* volley.optimize/1. */
#include <math.h>
#include <stdio.h>

#include "common/clock.h"
#include "orchestrator/capacity/capacity_json.h"
#include "orchestrator/report/json_value.h"
#include "orchestrator/watch/optimisation.h"

static json_t *number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *profile_json(const struct tuning_profile *profile)
{
    const struct buffer_options *buffer = &profile->buffer;
    json_t *json = json_pack("{s:o, s:b, s:f}", "name", json_value_text(buffer->name), "buffered",
                             buffer->wanted, "request_timeout_ms",
                             (double)profile->request_timeout_ns / (double)NS_PER_MS);
    if (!buffer->wanted || json == NULL)
        return json;
    json_t *parts = json_pack(
        "{s:I, s:I, s:I, s:I, s:s, s:f, s:b, s:I, s:f}", "round_messages",
        (json_int_t)buffer->round_messages, "round_tokens", (json_int_t)buffer->round_tokens,
        "hybrid_batches", (json_int_t)buffer->hybrid_batches, "flush_workers",
        (json_int_t)buffer->flush_workers, "flush_strategy",
        buffer->strategy == BUFFER_TIME_BASED ? "time_based" : "size_based", "flush_interval_ms",
        (double)buffer->flush_interval_ns / (double)NS_PER_MS, "async", buffer->async,
        "cache_replies", (json_int_t)buffer->cache_replies, "cache_ttl_ms",
        (double)buffer->cache_ttl_ns / (double)NS_PER_MS);
    (void)json_object_update_new(json, parts);
    return json;
}

static json_t *kpi_json(const struct kpi *kpi)
{
    return json_pack("{s:o, s:o, s:s, s:s, s:o}", "name", json_value_text(kpi->name), "metric",
                     json_value_text(kpi->figure.name), "unit", kpi->figure.unit, "direction",
                     kpi->higher_is_better ? "higher" : "lower", "critical", number(kpi->critical));
}

static json_t *values_json(const struct optimisation *optimisation,
                           const struct optimisation_round *round, int side)
{
    const size_t runs = optimisation->planned_runs;
    const double *values =
        round->values + ((size_t)side * optimisation->kpi_count + optimisation->named) * runs;
    json_t *list = json_array();
    for (uint32_t i = 0; i < round->runs[side]; i++)
        (void)json_array_append_new(list, number(values[i]));
    return list;
}

static json_t *means_json(const struct optimisation *optimisation,
                          const struct optimisation_round *round)
{
    json_t *list = json_array();
    for (size_t i = 0; i < optimisation->kpi_count; i++) {
        const struct kpi *kpi = &optimisation->kpis[i];
        const struct watch_value tried = {.number = round->means[SIDE_TRIED][i]};
        (void)json_array_append_new(
            list, json_pack("{s:o, s:o, s:o, s:s}", "name", json_value_text(kpi->name), "best",
                            number(round->means[SIDE_BEST][i]), "tried", number(tried.number),
                            "status", kpi_status_name(kpi_judge(kpi, tried))));
    }
    return list;
}

static json_t *round_json(const struct optimisation *optimisation, uint32_t index)
{
    const struct optimisation_round *round = &optimisation->rounds[index];
    return json_pack(
        "{s:I, s:o, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:b, s:s, s:o}", "round",
        (json_int_t)index + 1, "diagnosis", json_value_text(round->cause), "bottleneck",
        tuning_type_name(round->choice.type), "change", round->choice.change, "best",
        profile_json(&round->best), "tried", profile_json(&round->choice.profile), "best_values",
        values_json(optimisation, round, SIDE_BEST), "tried_values",
        values_json(optimisation, round, SIDE_TRIED), "change_percent", number(100 * round->change),
        "low_percent", number(100 * round->low), "high_percent", number(100 * round->high), "p",
        number(round->p), "kpis", means_json(optimisation, round), "kept",
        round->answer == OPTIMISATION_KEPT, "answer", optimisation_answer_word(round->answer),
        "reason", json_value_text(round->reason));
}

static json_t *level_json(const struct optimisation *optimisation)
{
    enum tuning_level level;
    if (!optimisation_level(&level, optimisation))
        return json_null();
    const struct diagnosis *diagnosis = &optimisation->diagnosis;
    return json_pack(
        "{s:s, s:s, s:o}", "level", tuning_level_label(level), "name", tuning_level_name(level),
        "bottleneck",
        json_value_text(diagnosis->found > 0 ? diagnosis_rule(diagnosis->order[0])->name : NULL));
}

json_t *optimisation_document(const struct optimisation *optimisation,
                              const struct session_facts *session, const struct run_facts *run)
{
    json_t *root = capacity_json_root(OPTIMISATION_SCHEMA, session, run), *kpis = json_array(),
           *rounds = json_array();
    for (size_t i = 0; i < optimisation->kpi_count; i++)
        (void)json_array_append_new(kpis, kpi_json(&optimisation->kpis[i]));
    for (uint32_t i = 0; i < optimisation->round_count; i++)
        (void)json_array_append_new(rounds, round_json(optimisation, i));
    json_t *members = json_pack(
        "{s:o, s:o, s:o, s:o, s:I, s:I, s:I, s:I, s:f, s:f, s:o, s:o, s:I, s:o, s:o, s:o, s:b, "
        "s:b, s:o}",
        "kpi", kpi_json(&optimisation->kpis[optimisation->named]), "kpis", kpis, "config",
        json_value_text(optimisation->config_path), "profile",
        json_value_text(optimisation->kept > 0 ? optimisation->written_path : NULL),
        "planned_rounds", (json_int_t)optimisation->planned_rounds, "planned_runs",
        (json_int_t)optimisation->planned_runs, "runs", (json_int_t)optimisation->runs, "red_runs",
        (json_int_t)optimisation->red_runs, "confidence", optimisation->confidence, "threshold",
        optimisation->threshold, "before", profile_json(&optimisation->before), "best",
        profile_json(&optimisation->best), "kept", (json_int_t)optimisation->kept, "first_value",
        number(optimisation->first[optimisation->named]), "rounds", rounds, "level",
        level_json(optimisation), "exhausted", optimisation->exhausted, "interrupted",
        optimisation->interrupted, "error", capacity_json_error(optimisation->error));
    return capacity_json_document(root, members);
}
