#include "orchestrator/report/run_stream.h"

#include <stdio.h>
#include <string.h>

#include "orchestrator/report/figures.h"
#include "orchestrator/report/json_sections.h"
#include "orchestrator/report/json_value.h"
#include "orchestrator/report/metric.h"

/* ---- what journals keep ---- */

json_t *run_streams_to_json(const struct run_facts *run)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < run->stream_count; i++) {
        const struct run_stream *stream = &run->streams[i];
        json_array_append_new(
            list, json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:i, s:i, s:i}", "name",
                            json_value_text(stream->name), "user", json_value_text(stream->user),
                            "rate_text", json_value_text(stream->rate_text), "clients",
                            json_value_count(stream->clients), "pipeline",
                            json_value_count(stream->pipeline), "database",
                            json_value_count(stream->database), "requests",
                            json_value_count(stream->requests), "first_class",
                            (int)stream->first_class, "class_count", (int)stream->class_count,
                            "weighted_count", (int)stream->weighted_count));
    }
    return list;
}

json_t *stream_results_to_json(const struct run_result *result)
{
    if (result->facts->stream_count == 0 || !result->streams[0].known)
        return NULL;
    json_t *list = json_array();
    for (uint32_t i = 0; i < result->facts->stream_count; i++) {
        const struct stream_result *stream = &result->streams[i];
        json_array_append_new(
            list,
            json_pack("{s:o, s:o, s:o, s:o, s:o, s:f}", "due", json_value_count(stream->due),
                      "sent", json_value_count(stream->sent), "shed",
                      json_value_count(stream->shed), "backlog", json_value_count(stream->backlog),
                      "ok", json_value_count(stream->ok), "target_rate", stream->target_rate));
    }
    return list;
}

/* Their classes stand one behind the other, and are all of the run's. */
static bool get_stream(struct run_stream *stream, const json_t *json, uint32_t first_class,
                       uint32_t class_count)
{
    uint64_t first = 0, classes = 0, weighted = 0;
    if (!json_value_get_text(stream->name, sizeof stream->name, json, "name") ||
        !json_value_get_text(stream->user, sizeof stream->user, json, "user") ||
        !json_value_get_text(stream->rate_text, sizeof stream->rate_text, json, "rate_text") ||
        !json_value_get_count(&stream->clients, json, "clients") ||
        !json_value_get_count(&stream->pipeline, json, "pipeline") ||
        !json_value_get_count(&stream->database, json, "database") ||
        !json_value_get_count(&stream->requests, json, "requests") ||
        !json_value_get_count(&first, json, "first_class") ||
        !json_value_get_count(&classes, json, "class_count") ||
        !json_value_get_count(&weighted, json, "weighted_count"))
        return false;
    if (first != first_class || classes == 0 || classes > class_count - first_class ||
        weighted > classes)
        return false;
    stream->first_class = (uint32_t)first;
    stream->class_count = (uint32_t)classes;
    stream->weighted_count = (uint32_t)weighted;
    return true;
}

bool run_streams_from_json(struct run_facts *run, const json_t *json)
{
    const size_t count = json_array_size(json);
    uint32_t classes = 0;
    bool good = json == NULL || (json_is_array(json) && count >= 2 && count <= RUN_STREAMS_MAX);
    for (size_t i = 0; i < count && good; i++) {
        good = get_stream(&run->streams[i], json_array_get(json, i), classes, run->class_count);
        classes += good ? run->streams[i].class_count : 0;
    }
    good = good && (json == NULL || classes == run->class_count);
    run->stream_count = good ? (uint32_t)count : 0;
    return good;
}

bool stream_results_from_json(struct run_result *result, const json_t *json)
{
    bool good = json == NULL || (json_is_array(json) && json_array_size(json) <= RUN_STREAMS_MAX);
    for (size_t i = 0; good && i < json_array_size(json); i++) {
        const json_t *item = json_array_get(json, i);
        const json_t *rate = json_object_get(item, "target_rate");
        struct stream_result *stream = &result->streams[i];
        stream->known = true;
        good = json_value_get_count(&stream->due, item, "due") &&
               json_value_get_count(&stream->sent, item, "sent") &&
               json_value_get_count(&stream->shed, item, "shed") &&
               json_value_get_count(&stream->backlog, item, "backlog") &&
               json_value_get_count(&stream->ok, item, "ok") && json_is_number(rate) &&
               json_number_value(rate) >= 0 && json_number_value(rate) <= FIGURE_RATE_MAX;
        stream->target_rate = json_number_value(rate);
    }
    return good;
}

/* ---- run.json ---- */

static json_t *class_names(const struct run_facts *facts, const struct run_stream *stream)
{
    json_t *names = json_array();
    for (uint32_t i = 0; i < stream->class_count; i++)
        json_array_append_new(names, json_value_text(facts->class_names[stream->first_class + i]));
    return names;
}

static json_t *known_count(const struct stream_result *result, uint64_t count)
{
    return result->known ? json_value_count(count) : json_null();
}

/* Into an object that is there, or a new one. */
static void put_into(json_t *object, const char *key, json_t *members)
{
    json_t *there = json_object_get(object, key);
    if (there == NULL)
        json_object_set_new(object, key, members);
    else if (json_object_update(there, members) == 0)
        json_decref(members);
}

json_t *json_section_streams(const struct run_result *result)
{
    const struct run_facts *facts = result->facts;
    const struct metric_slice whole = metric_slice_of_run(result);
    json_t *list = json_array();
    for (uint32_t i = 0; i < facts->stream_count; i++) {
        const struct run_stream *stream = &facts->streams[i];
        const struct stream_result *came_to = &result->streams[i];
        const struct metric_slice slice = metric_slice_of_stream(&whole, i);
        const bool rated = stream->rate_text[0] != '\0';
        json_t *object = json_pack(
            "{s:o, s:o, s:o, s:o, s:o}", "name", json_value_text(stream->name), "connections",
            json_value_count(stream->clients), "pipeline", json_value_count(stream->pipeline),
            "database", json_value_count(stream->database), "user",
            json_value_text(stream->user[0] != '\0' ? stream->user : NULL));
        json_section_metrics(object, &slice, METRIC_ACHIEVED_RATE, METRIC_BYTES_IN);
        put_into(
            object, "rate",
            json_pack("{s:o, s:o}", "asked", json_value_text(rated ? stream->rate_text : NULL),
                      "target",
                      rated && came_to->known ? json_real(came_to->target_rate) : json_null()));
        put_into(object, "requests",
                 json_pack("{s:o, s:o, s:o}", "due", known_count(came_to, came_to->due), "shed",
                           known_count(came_to, came_to->shed), "backlog",
                           known_count(came_to, came_to->backlog)));
        json_object_set_new(object, "classes", class_names(facts, stream));
        json_array_append_new(list, object);
    }
    return list;
}
