#include "orchestrator/scenario/scenario_files.h"

#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "orchestrator/options/distribution.h"
#include "orchestrator/report/json_value.h"
#include "orchestrator/report/output.h"
#include "orchestrator/scenario/scenario_file.h"
#include "orchestrator/scenario/vector_report.h"
#include "orchestrator/scenario/words.h"

#define PATH_BYTES 4096u

/* As id 0.10 of the tool that volley replaces has them: first, and in megabytes. */
static const char *const leading[] = {"rss_mb", "active_mb", "resident_mb", "allocated_mb",
                                      "fragmentation_ratio"};
#define LEADING (sizeof leading / sizeof leading[0])

struct files {
    const char *directory;
    const struct scenario_facts *facts;
    const struct observation *observation;
    const struct analysis *analysis;
    const struct check_outcome *outcomes;
};

static enum err_code create(struct output *out, const struct files *files, const char *prefix,
                            const char *name, struct err *err)
{
    char path[PATH_BYTES];
    if ((size_t)snprintf(path, sizeof path, "%s/%s%s", files->directory, prefix, name) >=
        sizeof path)
        return err_set(err, E_USAGE, "the path of the run is too long");
    return output_create(out, path, OUTPUT_OWN, err);
}

/* ---- CSV ---- */

/* Not known: an empty cell. */
static void put_cell(struct output *out, double value, const char *separator)
{
    if (isnan(value))
        output_printf(out, "%s", separator);
    else if (value == floor(value) && fabs(value) < 1e15)
        output_printf(out, "%s%.0f", separator, value);
    else
        output_printf(out, "%s%.6f", separator, value);
}

static void put_sample(struct output *out, const struct files *files, const struct series_row *row)
{
    output_printf(out, "%.3f", clock_seconds(row->wall_ns));
    for (size_t i = 0; i < LEADING; i++) {
        enum series_metric metric = SERIES_RSS;
        double divisor = 1;
        (void)series_metric_find(&metric, &divisor, leading[i]);
        put_cell(out, row->values[metric] / divisor, ",");
    }
    output_printf(out, ",%.3f,%s", clock_seconds(row->at_ns),
                  files->observation->scenario->phases[row->phase].name);
    for (unsigned i = 0; i < SERIES_METRICS; i++)
        put_cell(out, row->values[i], ",");
    output_printf(out, "\n");
}

static enum err_code write_metrics(const struct files *files, struct err *err)
{
    const struct series *series = files->observation->series;
    struct output out = {.file = NULL};
    enum err_code code =
        create(&out, files, files->observation->scenario->name, "_metrics.csv", err);
    if (code == OK) {
        output_printf(&out, "timestamp");
        for (size_t i = 0; i < LEADING; i++)
            output_printf(&out, ",%s", leading[i]);
        output_printf(&out, ",elapsed_seconds,phase");
        for (unsigned i = 0; i < SERIES_METRICS; i++)
            output_printf(&out, ",%s", series_metric_name((enum series_metric)i));
        output_printf(&out, "\n");
        for (size_t i = 0; i < series->count; i++)
            put_sample(&out, files, &series->rows[i]);
        code = output_commit(&out, err);
    }
    output_discard(&out);
    return code;
}

/* The phase whose figures have it in them already. */
static const char *parallel_of(const struct scenario *scenario, const struct phase *phase)
{
    return phase->parallel_place > 0 ? scenario->phases[phase->parallel_place - 1].name : "";
}

static void put_node(struct output *out, const struct files *files,
                     const struct node_series_row *row)
{
    output_printf(out, "%.3f,%.3f,%s,%u,%s,%s", clock_seconds(row->wall_ns),
                  clock_seconds(row->at_ns), files->observation->scenario->phases[row->phase].name,
                  row->node, row->address, node_role_word(row->role));
    for (unsigned i = 0; i < NODE_VALUES; i++)
        put_cell(out, row->values[i], ",");
    output_printf(out, "\n");
}

static enum err_code write_nodes(const struct files *files, struct err *err)
{
    const struct node_series *nodes = files->facts->nodes;
    struct output out = {.file = NULL};
    if (nodes == NULL || nodes->count == 0)
        return OK;
    enum err_code code = create(&out, files, files->observation->scenario->name, "_nodes.csv", err);
    if (code == OK) {
        output_printf(&out, "timestamp,elapsed_seconds,phase,node,address,role");
        for (unsigned i = 0; i < NODE_VALUES; i++)
            output_printf(&out, ",%s", node_value_name((enum node_value)i));
        output_printf(&out, "\n");
        for (size_t i = 0; i < nodes->count; i++)
            put_node(&out, files, &nodes->rows[i]);
        code = output_commit(&out, err);
    }
    output_discard(&out);
    return code;
}

static enum err_code write_summary(const struct files *files, struct err *err)
{
    const struct observation *observation = files->observation;
    struct output out = {.file = NULL};
    enum err_code code = create(&out, files, "", "summary.csv", err);
    if (code != OK) {
        output_discard(&out);
        return code;
    }
    output_printf(&out,
                  "phase,type,start_seconds,duration_seconds,requests,failed,average_throughput,"
                  "mean_ms,p50_ms,p95_ms,p99_ms,max_ms,peak_memory_mb,end_memory_mb,end_rss_mb,"
                  "end_fragmentation_ratio,keys,parallel,load_seconds,verdict\n");
    for (uint32_t i = 0; i < observation->scenario->phase_count; i++) {
        const struct phase *phase = &observation->scenario->phases[i];
        const struct phase_account *account = &observation->accounts[i];
        const struct metric_summary *used = &files->analysis->phases[i].metrics[SERIES_USED_MEMORY];
        if (!account->ran)
            continue;
        const bool sent = account->requests_ok + account->requests_failed > 0;
        output_printf(&out, "%s,%s,%.3f,%.3f,%" PRIu64 ",%" PRIu64, phase->name,
                      scenario_type_name(phase->type), clock_seconds(account->start_ns),
                      clock_seconds(account->end_ns - account->start_ns),
                      account->requests_ok + account->requests_failed, account->requests_failed);
        const double cells[] = {
            sent ? account->rate : (double)NAN,
            account->mean_ms,
            account->p50_ms,
            account->p95_ms,
            account->p99_ms,
            account->max_ms,
            fmax(used->max, account->after[SERIES_USED_MEMORY]) / SERIES_MB,
            account->after[SERIES_USED_MEMORY] / SERIES_MB,
            account->after[SERIES_RSS] / SERIES_MB,
            observation_value(observation, account->after, SERIES_FRAGMENTATION),
            (double)account->keys_after};
        for (size_t c = 0; c < sizeof cells / sizeof cells[0]; c++)
            put_cell(&out, cells[c], ",");
        output_printf(&out, ",%s", parallel_of(observation->scenario, phase));
        put_cell(&out, sent ? account->load_seconds : (double)NAN, ",");
        output_printf(&out, ",%s\n",
                      account->verdict.known ? verdict_level_name(account->verdict.level) : "");
    }
    code = output_commit(&out, err);
    output_discard(&out);
    return code;
}

/* ---- JSON ---- */

static json_t *number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static void put_number(json_t *object, const char *key, double value)
{
    json_object_set_new(object, key, number(value));
}

static void put_count(json_t *object, const char *key, uint64_t count)
{
    json_object_set_new(object, key, json_value_count(count));
}

static void put_text(json_t *object, const char *key, const char *text)
{
    json_object_set_new(object, key, json_value_text(text));
}

static void put_act(json_t *params, const struct phase *phase)
{
    const struct phase_act *act = &phase->act;
    if (phase->type == PHASE_FAILOVER) {
        put_text(params, "how", scenario_how_name(act->how));
        put_count(params, "node", act->node);
    }
    if (act->for_ns > 0)
        put_number(params, "for_seconds", clock_seconds(act->for_ns));
    if (act->slots > 0)
        put_count(params, "slots", act->slots);
    if (phase->wait_replicas > 0)
        put_count(params, "wait_replicas", phase->wait_replicas);
    if (phase->skew_share > 0)
        put_number(params, "skew_share", phase->skew_share);
}

static void put_vectors(json_t *params, const struct phase *phase)
{
    put_count(params, "dimensions", phase->index.dimensions);
    if (phase->copy_level > 0)
        put_count(params, "copies", phase->copy_level);
    if (phase->query.k > 0) {
        put_count(params, "k", phase->query.k);
        put_count(params, "ef", phase->query.ef > 0 ? phase->query.ef : phase->index.ef_runtime);
    }
    if (phase->type != PHASE_INDEX_CREATE)
        return;
    put_text(params, "algo", vector_algorithm_word(phase->index.algorithm));
    put_text(params, "metric", vector_metric_word(phase->index.metric));
    put_count(params, "m", phase->index.m);
    put_count(params, "ef_construction", phase->index.ef_construction);
}

static json_t *describe_params(const struct phase *phase)
{
    json_t *params = json_object();
    if (phase->duration_ns > 0)
        put_number(params, "duration_seconds", clock_seconds(phase->duration_ns));
    if (phase->until.metric[0] != '\0')
        put_text(params, "until", phase->until.text);
    if (phase->clients > 0)
        put_count(params, "clients", phase->clients);
    if (phase->buffer.wanted)
        put_text(params, "buffer", phase->buffer.name);
    else if (phase->pipeline > 0)
        put_count(params, "pipeline", phase->pipeline);
    if (phase->qps > 0)
        put_number(params, "qps", phase->qps);
    if (phase->fraction > 0)
        put_number(params, "fraction", phase->fraction);
    if (phase->keys > 0)
        put_count(params, "keys", phase->keys);
    if (phase->tag[0] != '\0')
        put_text(params, "tag", phase->tag);
    if (phase->key_order.kind != ORDER_UNIFORM) {
        char order[128];
        put_text(params, "key_dist",
                 distribution_format_keys(order, sizeof order, &phase->key_order));
    }
    if (phase->key_space > 0)
        put_count(params, "keyspace", phase->key_space);
    if (phase->key_prefix[0] != '\0')
        put_text(params, "key_prefix", phase->key_prefix);
    if (phase->pick_prefix[0] != '\0')
        put_text(params, "strategy_prefix", phase->pick_prefix);
    put_act(params, phase);
    if (phase->index.dimensions > 0)
        put_vectors(params, phase);
    return params;
}

static json_t *describe_statistics(const struct phase_analysis *analysis)
{
    json_t *stats = json_object();
    for (unsigned i = 0; i < SERIES_METRICS; i++) {
        const struct metric_summary *summary = &analysis->metrics[i];
        if (summary->count == 0)
            continue;
        json_t *of = json_object();
        put_count(of, "count", summary->count);
        put_number(of, "min", summary->min);
        put_number(of, "mean", summary->mean);
        put_number(of, "max", summary->max);
        put_number(of, "p95", summary->p95);
        put_number(of, "stdev", summary->stdev);
        put_number(of, "first", summary->first);
        put_number(of, "last", summary->last);
        json_object_set_new(stats, series_metric_name((enum series_metric)i), of);
    }
    return stats;
}

static json_t *describe_trouble(const struct phase_trouble *trouble)
{
    json_t *object = json_object();
    put_count(object, "moved", trouble->moved);
    put_count(object, "asked", trouble->asked);
    put_count(object, "clusterdown", trouble->clusterdown);
    put_count(object, "reconnects", trouble->reconnects);
    put_number(object, "unavailable_seconds", trouble->unavailable_seconds);
    return object;
}

/* The level of each check that is not GREEN. */
static void put_verdict(json_t *object, const struct phase_verdict *verdict)
{
    json_t *checks = json_object();
    for (enum verdict_level level = VERDICT_AMBER; level <= VERDICT_RED; level++)
        for (uint32_t i = 0; verdict_check_at(i) != NULL; i++)
            if (verdict->checks[level] >> i & 1)
                put_text(checks, verdict_check_at(i), verdict_level_name(level));
    put_text(object, "verdict", verdict_level_name(verdict->level));
    json_object_set_new(object, "verdict_checks", checks);
}

static json_t *describe_phase(const struct files *files, uint32_t index)
{
    const struct phase *phase = &files->observation->scenario->phases[index];
    const struct phase_account *account = &files->observation->accounts[index];
    const struct phase_analysis *analysis = &files->analysis->phases[index];
    json_t *object = json_object();
    put_text(object, "name", phase->name);
    put_text(object, "type", scenario_type_name(phase->type));
    put_text(object, "parallel", parallel_of(files->observation->scenario, phase));
    json_object_set_new(object, "ran", json_boolean(account->ran));
    json_object_set_new(object, "done_before", json_boolean(account->done_before));
    json_object_set_new(object, "left_out", json_boolean(account->left_out));
    json_object_set_new(object, "params", describe_params(phase));
    if (!account->ran)
        return object;
    put_number(object, "start", clock_seconds(account->start_ns));
    put_number(object, "end", clock_seconds(account->end_ns));
    put_number(object, "duration_seconds", clock_seconds(account->end_ns - account->start_ns));
    put_text(object, "end_reason", account->end);
    json_object_set_new(object, "failed", json_boolean(account->failed));
    json_object_set_new(object, "target_missed", json_boolean(account->target_missed));
    put_count(object, "requests_ok", account->requests_ok);
    put_count(object, "requests_failed", account->requests_failed);
    put_number(object, "load_seconds", account->load_seconds);
    put_number(object, "rate", account->rate);
    put_number(object, "mean_ms", account->mean_ms);
    put_number(object, "p50_ms", account->p50_ms);
    put_number(object, "p95_ms", account->p95_ms);
    put_number(object, "p99_ms", account->p99_ms);
    put_number(object, "max_ms", account->max_ms);
    if (account->requests_ok + account->requests_failed > 0)
        json_object_set_new(object, "trouble", describe_trouble(&account->trouble));
    if (account->buffer.known)
        json_object_set_new(object, "buffer", phase_buffer_json(&account->buffer));
    if (account->verdict.known)
        put_verdict(object, &account->verdict);
    if (account->search.complete)
        put_count(object, "lost_writes", account->search.missing);
    put_count(object, "keys_before", account->keys_before);
    put_count(object, "keys_after", account->keys_after);
    put_number(object, "server_keys_after", account->after[SERIES_KEYS]);
    put_number(object, "used_memory_after", account->after[SERIES_USED_MEMORY]);
    put_number(object, "cleanup_efficiency", analysis->cleanup_efficiency);
    put_number(object, "alloc_efficiency", analysis->alloc_efficiency);
    put_number(object, "stall_seconds", analysis->stall_seconds);
    if (files->facts->vectors != NULL)
        json_object_set_new(object, "vectors",
                            vector_report_phase(files->facts->vectors, files->observation, index));
    json_object_set_new(object, "stats", describe_statistics(analysis));
    if (account->checkpoint != NULL)
        json_object_set(object, "checkpoint", account->checkpoint);
    return object;
}

static json_t *describe_trend(const struct metric_trend *trend)
{
    json_t *object = json_object();
    put_number(object, "slope_per_minute", trend->line.slope);
    put_number(object, "r2", trend->line.r2);
    put_number(object, "p", trend->p);
    return object;
}

static json_t *describe_events(const struct files *files)
{
    const struct scenario_events *events = files->facts->events;
    json_t *list = json_array();
    for (size_t i = 0; i < events->count; i++) {
        const struct scenario_event *event = &events->items[i];
        json_t *object = json_object();
        put_number(object, "at_seconds", clock_seconds(event->note.at_ns));
        put_number(object, "seconds", clock_seconds(event->note.end_ns - event->note.at_ns));
        put_text(object, "phase", files->observation->scenario->phases[event->phase].name);
        put_text(object, "source", note_source_name(event->note.source));
        if (note_get(&event->note, NOTE_BY) >= 0)
            put_text(object, "by", note_by_name(note_get(&event->note, NOTE_BY)));
        put_text(object, "text", event->note.text);
        json_object_set_new(object, "ok", json_boolean(event->note.ok));
        put_text(object, "cause", event->note.cause);
        json_array_append_new(list, object);
    }
    return list;
}

static json_t *describe_leak(const struct leak *leak)
{
    json_t *object = json_object();
    put_text(object, "verdict", leak_verdict_word(leak->verdict));
    put_text(object, "reason", leak->reason);
    put_count(object, "points", leak->points);
    put_number(object, "slope_mb_per_hour", leak->slope_mb_per_hour);
    put_number(object, "limit_mb_per_hour", leak->limit_mb_per_hour);
    put_number(object, "r2", leak->r2);
    put_number(object, "p", leak->p);
    put_number(object, "rest_mb", leak->rest_mb);
    put_number(object, "rest_limit_mb", leak->rest_limit_mb);
    return object;
}

static json_t *describe_anomalies(const struct files *files)
{
    const struct analysis *analysis = files->analysis;
    json_t *list = json_array();
    for (uint64_t i = 0; i < analysis->anomaly_count && i < ANALYSIS_ANOMALIES_MAX; i++) {
        const struct anomaly *anomaly = &analysis->anomalies[i];
        json_t *object = json_object();
        put_text(object, "metric", series_metric_name(anomaly->metric));
        put_text(object, "phase", files->observation->scenario->phases[anomaly->phase].name);
        put_number(object, "at_seconds", clock_seconds(anomaly->at_ns));
        put_number(object, "value", anomaly->value);
        put_number(object, "median", anomaly->median);
        json_array_append_new(list, object);
    }
    return list;
}

static json_t *describe_run(const struct files *files)
{
    const struct scenario *scenario = files->observation->scenario;
    const struct scenario_facts *facts = files->facts;
    json_t *root = json_object(), *phases = json_array();
    put_text(root, "schema", "volley.scenario/1");
    put_text(root, "scenario", scenario->name);
    put_text(root, "description", scenario->description);
    put_text(root, "run", facts->run);
    if (facts->continues[0] != '\0')
        put_text(root, "continues", facts->continues);
    put_number(root, "started_unix_seconds", clock_seconds(facts->started_wall_ns));
    put_number(root, "scale", scenario->scale);
    put_count(root, "memory_target_bytes", scenario->memory_target_bytes);
    json_object_set_new(root, "mem_allocator",
                        json_value_known_text(facts->allocator[0] != '\0', facts->allocator));
    if (facts->vectors != NULL)
        json_object_set_new(root, "vectors", vector_report_driver(facts->vectors));
    json_object_set_new(root, "interrupted", json_boolean(facts->interrupted));
    put_count(root, "samples", facts->samples);
    put_count(root, "samples_missed", facts->samples_missed);
    put_number(root, "sampling_seconds", facts->sampling_seconds);
    for (uint32_t i = 0; i < scenario->phase_count; i++)
        json_array_append_new(phases, describe_phase(files, i));
    json_object_set_new(root, "phases", phases);
    json_object_set_new(root, "events", describe_events(files));
    put_count(root, "events_left_out", facts->events->left_out);
    json_object_set_new(root, "growth", describe_trend(&files->analysis->growth));
    json_object_set_new(root, "fragmentation", describe_trend(&files->analysis->fragmentation));
    json_object_set_new(root, "leak", describe_leak(&files->analysis->leak));
    put_count(root, "anomaly_count", files->analysis->anomaly_count);
    json_object_set_new(root, "anomalies", describe_anomalies(files));
    return root;
}

static json_t *describe_checks(const struct files *files)
{
    const struct scenario *scenario = files->observation->scenario;
    json_t *root = json_object(), *list = json_array();
    put_text(root, "schema", "volley.checks/1");
    put_text(root, "scenario", scenario->name);
    put_number(root, "started_unix_seconds", clock_seconds(files->facts->started_wall_ns));
    put_text(root, "result",
             check_result_word(judge_overall(files->outcomes, scenario->check_count)));
    for (uint32_t i = 0; i < scenario->check_count; i++) {
        const struct scenario_check *check = &scenario->checks[i];
        const struct check_outcome *outcome = &files->outcomes[i];
        json_t *object = json_object();
        put_text(object, "metric", check->metric);
        put_text(object, "aggregate", check_aggregate_word(check->aggregate));
        put_text(object, "phase", check->phase[0] != '\0' ? check->phase : "all");
        put_text(object, "relative_to", check->relative_to);
        put_text(object, "operator", check_operator_word(check->operator));
        put_number(object, "limit", check->value);
        put_text(object, "severity", check->severity == SEVERITY_FAIL ? "fail" : "warn");
        put_number(object, "value", outcome->value);
        put_count(object, "samples", outcome->samples);
        put_text(object, "result", check_result_word(outcome->result));
        put_text(object, "reason", outcome->reason);
        json_array_append_new(list, object);
    }
    json_object_set_new(root, "checks", list);
    return root;
}

static json_t *describe_environment(const struct files *files)
{
    json_t *root = files->facts->environment != NULL ? json_deep_copy(files->facts->environment)
                                                     : json_object();
    if (files->facts->vectors != NULL)
        json_object_set_new(root, "vectors", vector_report_driver(files->facts->vectors));
    return root;
}

static enum err_code write_json(const struct files *files, const char *prefix, const char *name,
                                json_t *(*describe)(const struct files *files), struct err *err)
{
    struct output out = {.file = NULL};
    enum err_code code = create(&out, files, prefix, name, err);
    if (code == OK) {
        json_t *root = describe(files);
        if (!json_value_write(&out, root, JSON_INDENT(1)))
            code = err_set(err, E_SYSTEM, "no memory for %s%s", prefix, name);
        json_decref(root);
    }
    if (code == OK) {
        output_printf(&out, "\n");
        code = output_commit(&out, err);
    }
    output_discard(&out);
    return code;
}

enum err_code scenario_files_write(const char *directory, const struct scenario_facts *facts,
                                   const struct observation *observation,
                                   const struct analysis *analysis,
                                   const struct check_outcome *outcomes, struct err *err)
{
    const struct files files = {.directory = directory,
                                .facts = facts,
                                .observation = observation,
                                .analysis = analysis,
                                .outcomes = outcomes};
    enum err_code code = write_metrics(&files, err);
    if (code == OK)
        code = write_nodes(&files, err);
    if (code == OK)
        code = write_json(&files, observation->scenario->name, "_phases.json", describe_run, err);
    if (code == OK)
        code = write_json(&files, "", "environment.json", describe_environment, err);
    if (code == OK)
        code = write_summary(&files, err);
    return code == OK ? write_json(&files, "", "checks.json", describe_checks, err) : code;
}
