#include "orchestrator/report/json_sections.h"

#include "common/clock.h"
#include "orchestrator/report/figures.h"
#include "orchestrator/report/json_value.h"

static void put_count(json_t *object, const char *key, uint64_t count)
{
    json_object_set_new(object, key, json_value_count(count));
}

/* ---- Connections. ---- */

struct cause {
    const char *key;
    enum counter counter;
};

/* What is in none of the causes is "other"; causes that did not happen are left out. */
static json_t *by_cause(const struct interval_row *row, enum counter all,
                        const struct cause *causes, size_t cause_count)
{
    json_t *object = json_object();
    uint64_t rest = row->counters[all];
    for (size_t i = 0; i < cause_count; i++) {
        uint64_t count = row->counters[causes[i].counter];
        rest -= count < rest ? count : rest;
        if (count > 0)
            put_count(object, causes[i].key, count);
    }
    if (rest > 0)
        put_count(object, "other", rest);
    return object;
}

json_t *json_section_connections(const struct interval_row *row)
{
    static const struct cause lost[] = {{"reset", COUNTER_CONNECTIONS_RESET},
                                        {"closed_by_peer", COUNTER_CONNECTIONS_CLOSED},
                                        {"timed_out", COUNTER_CONNECTIONS_TIMED_OUT},
                                        {"protocol", COUNTER_CONNECTIONS_PROTOCOL}};
    static const struct cause failed[] = {{"refused", COUNTER_CONNECT_REFUSED},
                                          {"timed_out", COUNTER_CONNECT_TIMED_OUT},
                                          {"no_port", COUNTER_CONNECT_NO_PORT},
                                          {"tls", COUNTER_CONNECT_TLS}};
    json_t *object = json_object();
    put_count(object, "opened", row->counters[COUNTER_CONNECTIONS_OPENED]);
    put_count(object, "lost", row->counters[COUNTER_CONNECTIONS_LOST]);
    put_count(object, "failed", row->counters[COUNTER_CONNECT_FAILURES]);
    put_count(object, "recycled", row->counters[COUNTER_CONNECTIONS_RECYCLED]);
    put_count(object, "idle_lost", row->counters[COUNTER_IDLE_LOST]);
    put_count(object, "open", row->header.connections_open);
    json_object_set_new(
        object, "lost_by_cause",
        by_cause(row, COUNTER_CONNECTIONS_LOST, lost, sizeof lost / sizeof lost[0]));
    json_object_set_new(
        object, "failed_by_cause",
        by_cause(row, COUNTER_CONNECT_FAILURES, failed, sizeof failed / sizeof failed[0]));
    return object;
}

json_t *json_section_redirections(const struct interval_row *row)
{
    json_t *object = json_object();
    put_count(object, "moved", row->counters[COUNTER_MOVED]);
    put_count(object, "asked", row->counters[COUNTER_ASKED]);
    put_count(object, "tryagain", row->counters[COUNTER_TRYAGAIN]);
    put_count(object, "clusterdown", row->counters[COUNTER_CLUSTERDOWN]);
    put_count(object, "resent", row->counters[COUNTER_RESENT]);
    return object;
}

json_t *json_section_handshakes(const struct interval_row *row, double row_seconds)
{
    json_t *object = json_object();
    put_count(object, "count", row->counters[COUNTER_HANDSHAKES]);
    put_count(object, "resumed", row->counters[COUNTER_HANDSHAKES_RESUMED]);
    json_object_set_new(object, "per_second",
                        json_real(figure_rate(row->counters[COUNTER_HANDSHAKES], row_seconds)));
    json_object_set_new(object, "time_us", json_value_latency(row, HISTOGRAM_HANDSHAKE));
    return object;
}

/* ---- Nodes. ---- */

static json_t *node_times(const struct node_figures *node)
{
    uint64_t count = node->counters[NODE_OK];
    json_t *object = json_object();
    put_count(object, "count", count);
    const struct {
        const char *key;
        double ns;
    } members[] = {{"mean", count > 0 ? (double)node->sum_ns / (double)count : 0},
                   {"p50", (double)node_figures_quantile(node, 0.50)},
                   {"p99", (double)node_figures_quantile(node, 0.99)},
                   {"max", (double)node->max_ns}};
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++)
        json_object_set_new(object, members[i].key,
                            count == 0 ? json_null() : json_value_microseconds(members[i].ns));
    return object;
}

static json_t *node_figures(const struct node_figures *node, uint32_t index)
{
    json_t *object = json_pack("{s:i}", "index", (int)index);
    for (unsigned i = 0; i < NODE_COUNTERS; i++)
        put_count(object, node_counter_names[i], node->counters[i]);
    json_object_set_new(object, "response_time_us", node_times(node));
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
        json_object_set_new(object, "address",
                            named != NULL ? json_value_text(named->text) : json_null());
        json_object_set_new(object, "role",
                            named != NULL ? json_string(run_role_name(named->role)) : json_null());
        json_object_set_new(object, "role_at_start",
                            named != NULL ? json_string(run_role_name(named->role_at_start))
                                          : json_null());
        json_object_set_new(object, "share", json_real(figure_node_share(total, i)));
        json_array_append_new(list, object);
    }
    return list;
}

/* ---- Failures. ---- */

static json_t *response(const struct outage_response *response)
{
    json_t *object = json_object();
    bool empty = response->count == 0;
    put_count(object, "count", response->count);
    json_object_set_new(object, "p50",
                        empty ? json_null() : json_value_microseconds((double)response->p50_ns));
    json_object_set_new(object, "p99",
                        empty ? json_null() : json_value_microseconds((double)response->p99_ns));
    json_object_set_new(object, "max",
                        empty ? json_null() : json_value_microseconds((double)response->max_ns));
    return object;
}

static json_t *failed_by_kind(const struct outage_failures *failures,
                              const struct error_kinds *kinds)
{
    json_t *object = json_object();
    for (uint32_t i = 0; i < kinds->count; i++) {
        json_t *word = json_value_text(kinds->kinds[i].word);
        if (failures->errors_by_kind[i] > 0)
            put_count(object, json_string_value(word), failures->errors_by_kind[i]);
        json_decref(word);
    }
    if (failures->timed_out > 0)
        put_count(object, figure_lost_cause_name(COUNTER_TIMED_OUT), failures->timed_out);
    for (uint32_t i = 0; i < OUTAGE_LOST_CAUSES; i++)
        if (failures->lost_by_cause[i] > 0)
            put_count(object, figure_lost_cause_name(figure_unanswered_causes[i + 1]),
                      failures->lost_by_cause[i]);
    return object;
}

static json_t *one_outage(const struct outage *outage, const struct error_kinds *kinds)
{
    const struct outage_failures *failures = &outage->failures;
    uint64_t failed_to_ok_ns = outage_failed_to_ok_ns(outage);
    json_t *object = json_object();
    json_object_set_new(object, "start_seconds", json_real(clock_seconds(outage->begin_ns)));
    json_object_set_new(object, "seconds",
                        json_real(clock_seconds(outage->end_ns - outage->begin_ns)));
    json_object_set_new(object, "first_failed_to_first_ok_seconds",
                        failed_to_ok_ns > 0 ? json_real(clock_seconds(failed_to_ok_ns))
                                            : json_null());
    json_object_set_new(object, "recovered", json_boolean(outage->recovered));
    json_object_set_new(object, "from_start", json_boolean(outage->from_start));
    json_object_set_new(object, "pause", json_boolean(outage->pause));
    json_object_set_new(object, "own_stop_seconds", json_real(clock_seconds(outage->own_stop_ns)));
    json_object_set_new(
        object, "taken_over_by",
        outage->taken_over_by == OUTAGE_NOBODY ? json_null() : json_integer(outage->taken_over_by));
    put_count(object, "errors", failures->errors);
    put_count(object, "timed_out", failures->timed_out);
    put_count(object, "lost", failures->lost);
    put_count(object, "outcome_unknown", failures->timed_out + failures->lost);
    json_object_set_new(object, "counts_neighbours", json_boolean(outage->shared));
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
    put_count(object, "count", list->count);
    json_object_set_new(object, "seconds_without_success",
                        json_real(clock_seconds(list->total_ns)));
    json_object_set_new(object, "longest_seconds", json_real(clock_seconds(list->longest_ns)));
    json_object_set_new(object, "longest_start_seconds",
                        list->count > 0 ? json_real(clock_seconds(list->longest_begin_ns))
                                        : json_null());
    json_object_set_new(object, "outages", outages);
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
    const uint64_t *counters = result->total->counters;
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
    put_count(object, "failed_requests", figure_failed(counters));
    put_count(object, "outcome_unknown", counters[COUNTER_TIMED_OUT] + counters_lost(counters));
    return object;
}
