#include "orchestrator/report/json_sections.h"

#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "orchestrator/report/figures.h"
#include "orchestrator/report/json_value.h"

static void put_count(json_t *object, const char *key, uint64_t count)
{
    json_object_set_new(object, key, json_value_count(count));
}

/* ---- Figures. ---- */

/* The object of this path below another one, and the key in it: "connections.lost_by_cause.reset". */
static json_t *object_of(json_t *object, const char **key, const char *path)
{
    char name[32];
    const char *dot;
    for (*key = path; (dot = strchr(*key, '.')) != NULL; *key = dot + 1) {
        snprintf(name, sizeof name, "%.*s", (int)(dot - *key), *key);
        json_t *below = json_object_get(object, name);
        if (below == NULL && json_object_set_new(object, name, json_object()) == 0)
            below = json_object_get(object, name);
        object = below;
    }
    return object;
}

static struct metric_value put_time(json_t *object, const struct metric_slice *slice,
                                    enum metric_id id, const struct metric_statistic *statistic)
{
    struct metric_value value = metric_read(slice, id, statistic);
    json_object_set_new(object, statistic->name,
                        statistic->kind == STATISTIC_COUNT
                            ? json_value_count(value.count)
                            : json_value_microseconds(value.known, value.number));
    return value;
}

/* Without values all but the count are null; so is a percentile that too many requests without a reply hide. Of
 * response and service times also how many those were, and when there are any, what each figure that they hide is
 * at least. */
static json_t *times(const struct metric_slice *slice, enum metric_id id)
{
    json_t *object = json_object(), *bounds = json_object();
    for (size_t i = 0; i < METRIC_STATISTICS; i++) {
        const struct metric_statistic *statistic = &metric_statistics[i];
        struct metric_value value = put_time(object, slice, id, statistic);
        if (value.censored)
            json_object_set_new(bounds, statistic->name,
                                json_value_microseconds(true, (double)value.at_least_ns));
    }
    uint64_t unanswered;
    if (metric_unanswered(slice, id, &unanswered))
        put_count(object, "unanswered", unanswered);
    if (unanswered > 0)
        json_object_set(object, "at_least", bounds);
    json_decref(bounds);
    return object;
}

static json_t *words(const struct error_kinds *kinds, const uint64_t errors_by_kind[])
{
    json_t *object = json_object();
    for (uint32_t i = 0; i < kinds->count; i++) {
        json_t *word = json_value_text(kinds->kinds[i].word);
        if (errors_by_kind[i] > 0)
            put_count(object, json_string_value(word), errors_by_kind[i]);
        json_decref(word);
    }
    return object;
}

static json_t *plain(struct metric_value value, enum metric_type type)
{
    if (!value.known)
        return json_null();
    return type == METRIC_COUNT || type == METRIC_GAUGE ? json_value_count(value.count)
                                                        : json_real(value.number);
}

void json_section_metrics(json_t *object, const struct metric_slice *slice, enum metric_id first,
                          enum metric_id last)
{
    for (enum metric_id id = first; id <= last; id++) {
        const struct metric *metric = &metric_table[id];
        const char *key;
        if (slice->class != NULL && !metric_is_of_classes(id))
            continue;
        json_t *parent = object_of(object, &key, metric->path);
        if (metric->type == METRIC_TIMES) {
            json_object_set_new(parent, key, times(slice, id));
        } else if (metric->type == METRIC_WORDS) {
            json_object_set_new(parent, key, words(slice->error_kinds, slice->row->errors_by_kind));
        } else {
            struct metric_value value = metric_read(slice, id, NULL);
            if ((metric->flags & METRIC_SPARSE) == 0 || value.count > 0)
                json_object_set_new(parent, key, plain(value, metric->type));
        }
    }
}

/* ---- Nodes. ---- */

/* What lanes have of their times. */
static const struct metric_statistic lane_statistics[] = {{"count", STATISTIC_COUNT, 0},
                                                          {"mean", STATISTIC_MEAN, 0},
                                                          {"p50", STATISTIC_PERCENTILE, 50},
                                                          {"p99", STATISTIC_PERCENTILE, 99},
                                                          {"max", STATISTIC_MAX, 0}};

static json_t *lane_times(const struct metric_slice *slice, enum metric_id id)
{
    json_t *object = json_object();
    for (size_t i = 0; i < sizeof lane_statistics / sizeof lane_statistics[0]; i++)
        put_time(object, slice, id, &lane_statistics[i]);
    return object;
}

static json_t *node_figures(const struct node_figures *node, uint32_t index)
{
    const struct metric_slice slice = {.node = node};
    json_t *object = json_pack("{s:i}", "index", (int)index);
    for (unsigned i = 0; i < NODE_COUNTERS; i++)
        put_count(object, node_counter_names[i], node->counters[i]);
    json_object_set_new(object, "response_time_us", lane_times(&slice, METRIC_RESPONSE_TIME));
    return object;
}

json_t *json_section_interval_nodes(const struct interval_row *row)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < row->node_count; i++)
        if (!node_figures_empty(&row->nodes[i]))
            json_array_append_new(list, node_figures(&row->nodes[i], i));
    return list;
}

json_t *json_section_nodes(const struct run_result *result)
{
    const struct interval_row *total = result->total;
    const struct run_facts *facts = result->facts;
    json_t *list = json_array();
    uint32_t count = figure_node_count(result);
    for (uint32_t i = 0; i < count; i++) {
        const struct run_node *named = i < facts->node_count ? &facts->nodes[i] : NULL;
        json_t *object = node_figures(&total->nodes[i], i);
        json_t *more = json_pack("{s:o, s:s?, s:s?, s:f}", "address",
                                 json_value_text(named != NULL ? named->text : NULL), "role",
                                 named != NULL ? run_role_name(named->role) : NULL, "role_at_start",
                                 named != NULL ? run_role_name(named->role_at_start) : NULL,
                                 "share", figure_node_share(total, i));
        json_object_update_new(object, more);
        json_array_append_new(list, object);
    }
    return list;
}

/* ---- Classes. ---- */

/* Of the class: as a member, where it has any. */
static void add_parts(json_t *object, const struct metric_slice *whole, uint32_t class)
{
    const struct run_facts *facts = whole->run;
    json_t *list = json_array();
    for (uint32_t i = 0; i < facts->part_count; i++) {
        const struct run_part *part = &facts->parts[i];
        const struct metric_slice slice = metric_slice_of_part(whole, i);
        if (part->class != class || part->consumes || part->is_stage)
            continue;
        json_t *item = json_pack("{s:o, s:o}", "name", json_value_text(part->name), "command",
                                 json_value_text(part->command));
        put_count(item, "ok", metric_count(&slice, METRIC_OK));
        put_count(item, "errors", metric_count(&slice, METRIC_ERRORS));
        put_count(item, "hits", metric_count(&slice, METRIC_HITS));
        put_count(item, "misses", metric_count(&slice, METRIC_MISSES));
        json_object_set_new(item, "response_time_us", lane_times(&slice, METRIC_RESPONSE_TIME));
        json_object_set_new(item, "service_time_us", lane_times(&slice, METRIC_SERVICE_TIME));
        json_array_append_new(list, item);
    }
    if (json_array_size(list) > 0)
        json_object_set(object, "parts", list);
    json_decref(list);
}

json_t *json_section_classes(const struct run_result *result)
{
    const struct run_facts *facts = result->facts;
    const struct metric_slice whole = metric_slice_of_run(result);
    json_t *list = json_array();
    if (facts->class_count == 0) {
        json_t *only = json_pack("{s:o}", "name", json_value_text(facts->name));
        json_section_metrics(only, &whole, METRIC_DUE, METRIC_SERVICE_TIME);
        add_parts(only, &whole, 0);
        json_array_append_new(list, only);
    }
    for (uint32_t i = 0; i < facts->class_count; i++) {
        const struct metric_slice slice = metric_slice_of_class(&whole, i);
        json_t *object = json_pack("{s:o}", "name", json_value_text(facts->class_names[i]));
        json_section_metrics(object, &slice, METRIC_ACHIEVED_RATE, METRIC_BYTES_IN);
        add_parts(object, &whole, i);
        json_array_append_new(list, object);
    }
    return list;
}

json_t *json_section_consumers(const struct metric_slice *whole, const struct run_facts *facts)
{
    json_t *list = NULL;
    for (uint32_t i = 0; i < facts->part_count; i++) {
        const struct run_part *part = &facts->parts[i];
        if (!part->consumes)
            continue;
        const struct metric_slice slice = metric_slice_of_part(whole, i);
        json_t *object = json_pack("{s:o, s:o}", "name", json_value_text(part->name), "command",
                                   json_value_text(part->command));
        json_section_metrics(object, &slice, METRIC_MESSAGES_DELIVERED,
                             METRIC_MESSAGES_DISCONNECTED);
        put_count(object, "commands", slice.class->counters[CLASS_SENT]);
        put_count(object, "errors", metric_count(&slice, METRIC_ERRORS));
        put_count(object, "bytes_out", metric_count(&slice, METRIC_BYTES_OUT));
        put_count(object, "bytes_in", metric_count(&slice, METRIC_BYTES_IN));
        json_object_set_new(object, "response_time_us", lane_times(&slice, METRIC_RESPONSE_TIME));
        json_object_set_new(object, "service_time_us", lane_times(&slice, METRIC_SERVICE_TIME));
        if (list == NULL)
            list = json_array();
        json_array_append_new(list, object);
    }
    return list;
}

json_t *json_section_interval_classes(const struct metric_slice *whole,
                                      const struct run_facts *facts)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < facts->class_count; i++) {
        const struct metric_slice slice = metric_slice_of_class(whole, i);
        json_t *object = json_pack("{s:o}", "name", json_value_text(facts->class_names[i]));
        for (unsigned k = 0; k < CLASS_COUNTERS_OF_REQUESTS; k++)
            put_count(object, class_counter_names[k], slice.class->counters[k]);
        json_object_set_new(object, "response_time_us", lane_times(&slice, METRIC_RESPONSE_TIME));
        json_object_set_new(object, "coarse", json_boolean(slice.class_windows == NULL));
        json_array_append_new(list, object);
    }
    return list;
}

/* ---- Failures. ---- */

static json_t *response(const struct outage_response *response)
{
    const bool known = response->count > 0;
    return json_pack("{s:o, s:o, s:o, s:o}", "count", json_value_count(response->count), "p50",
                     json_value_microseconds(known, (double)response->p50_ns), "p99",
                     json_value_microseconds(known, (double)response->p99_ns), "max",
                     json_value_microseconds(known, (double)response->max_ns));
}

static json_t *failed_by_kind(const struct outage_failures *failures,
                              const struct error_kinds *kinds)
{
    json_t *object = words(kinds, failures->errors_by_kind);
    if (failures->timed_out > 0)
        put_count(object, metric_key(METRIC_UNANSWERED_TIMED_OUT), failures->timed_out);
    for (uint32_t i = 0; i < OUTAGE_LOST_CAUSES; i++)
        if (failures->lost_by_cause[i] > 0)
            put_count(object, metric_key((enum metric_id)(METRIC_LOST_TIMEOUT + i)),
                      failures->lost_by_cause[i]);
    return object;
}

static json_t *one_outage(const struct outage *outage, const struct error_kinds *kinds)
{
    const struct outage_failures *failures = &outage->failures;
    uint64_t failed_to_ok_ns = outage_failed_to_ok_ns(outage);
    json_t *object = json_pack(
        "{s:f, s:f, s:o, s:b, s:b, s:b, s:f, s:o, s:o, s:o, s:o, s:o, s:b}", "start_seconds",
        clock_seconds(outage->begin_ns), "seconds",
        clock_seconds(outage->end_ns - outage->begin_ns), "first_failed_to_first_ok_seconds",
        failed_to_ok_ns > 0 ? json_real(clock_seconds(failed_to_ok_ns)) : json_null(), "recovered",
        outage->recovered, "from_start", outage->from_start, "pause", outage->pause,
        "own_stop_seconds", clock_seconds(outage->own_stop_ns), "taken_over_by",
        outage->taken_over_by == OUTAGE_NOBODY ? json_null() : json_integer(outage->taken_over_by),
        "errors", json_value_count(failures->errors), "timed_out",
        json_value_count(failures->timed_out), "lost", json_value_count(failures->lost),
        "outcome_unknown", json_value_count(failures->timed_out + failures->lost),
        "counts_neighbours", outage->shared);
    if (kinds != NULL)
        json_object_set_new(object, "errors_by_kind", failed_by_kind(failures, kinds));
    put_count(object, "connections_lost", failures->connections_lost);
    put_count(object, "connect_failures", failures->connect_failures);
    if (kinds != NULL)
        put_count(object, "clusterdown", failures->clusterdown);
    json_object_set_new(object, "response_time_us",
                        json_pack("{s:o, s:o, s:o}", "before", response(&outage->before), "during",
                                  response(&outage->during), "after", response(&outage->after)));
    return object;
}

/* As members of the object; kinds NULL: of one node, where they are not told. */
static void add_list(json_t *object, const struct outage_list *list,
                     const struct error_kinds *kinds)
{
    json_t *outages = json_array();
    for (uint32_t i = 0; i < list->kept; i++)
        json_array_append_new(outages, one_outage(&list->items[i], kinds));
    json_t *members =
        json_pack("{s:o, s:f, s:f, s:o, s:o}", "count", json_value_count(list->count),
                  "seconds_without_success", clock_seconds(list->total_ns), "longest_seconds",
                  clock_seconds(list->longest_ns), "longest_start_seconds",
                  list->count > 0 ? json_real(clock_seconds(list->longest_begin_ns)) : json_null(),
                  "outages", outages);
    json_object_update_new(object, members);
}

/* Of volley itself: no failures of the target. */
static json_t *own_stops(const struct own_stop_list *stops)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < stops->kept; i++)
        json_array_append_new(
            list,
            json_pack("{s:f, s:f}", "start_seconds", clock_seconds(stops->items[i].from_ns),
                      "seconds", clock_seconds(stops->items[i].to_ns - stops->items[i].from_ns)));
    return list;
}

json_t *json_section_failures(const struct run_result *result)
{
    json_t *object = json_object(), *nodes = json_array();
    add_list(object, outages_of_all(result->outages), result->error_kinds);
    for (uint32_t i = 0; i < NODE_FIGURES_MAX; i++) {
        const struct outage_list *list = outages_of_node(result->outages, i);
        if (list == NULL || list->count == 0)
            continue;
        json_t *node = json_pack("{s:i}", "index", (int)i);
        add_list(node, list, NULL);
        json_array_append_new(nodes, node);
    }
    json_object_set_new(object, "nodes", nodes);
    json_object_set_new(object, "own_stops", own_stops(outages_own_stops(result->outages)));
    return object;
}
