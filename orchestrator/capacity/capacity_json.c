#include "orchestrator/capacity/capacity_json.h"

#include "common/version.h"
#include "orchestrator/capacity/table.h"
#include "orchestrator/report/json_value.h"

/* As in the JSON of a run: every latency to the nanosecond. */
#define DUMP_FLAGS (JSON_REAL_PRECISION(15) | JSON_PRESERVE_ORDER | JSON_INDENT(1))

json_t *capacity_json_root(const char *schema, const struct session_facts *session,
                           const struct run_facts *run)
{
    return json_pack("{s:s, s:{s:s, s:s}, s:O, s:O, s:o, s:o, s:o}", "schema", schema, "volley",
                     "version", volley_version, "commit", volley_commit, "spec", session->spec,
                     "environment", session->environment, "label", json_value_text(session->label),
                     "name", json_value_text(run != NULL ? run->name : NULL), "target",
                     json_value_text(run != NULL ? run->target : NULL));
}

void capacity_json_percentile(json_t *object, double percent,
                              const struct figure_percentile *figure)
{
    char key[32];
    json_object_set_new(
        object, table_percentile_key(key, sizeof key, percent),
        json_value_microseconds(!figure->empty && !figure->censored, (double)figure->value_ns));
}

void capacity_json_bound(json_t *object, double percent, const struct figure_percentile *figure)
{
    char key[32];
    capacity_json_bound_of(object, table_percentile_key(key, sizeof key, percent), figure);
}

void capacity_json_bound_of(json_t *object, const char *key, const struct figure_percentile *figure)
{
    if (!figure->empty && figure->censored)
        json_object_set_new(object, key, json_value_microseconds(true, (double)figure->value_ns));
}

json_t *capacity_json_error(const char *text)
{
    return json_value_text(text[0] != '\0' ? text : NULL);
}

json_t *capacity_json_objectives(const struct objective_list *objectives)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < objectives->count; i++) {
        const struct objective *objective = &objectives->items[i];
        bool errors = objective->kind == OBJECTIVE_ERRORS;
        static const char *const figures[] = {"percentile", "mean", "max", "errors"};
        json_array_append_new(
            list,
            json_pack("{s:o, s:s, s:o, s:b, s:o, s:o, s:o*}", "text",
                      json_value_text(objective->text), "figure", figures[objective->kind],
                      "percent",
                      objective->kind == OBJECTIVE_PERCENTILE ? json_real(objective->percent)
                                                              : json_null(),
                      "or_equal", objective->or_equal, "limit_us",
                      json_value_microseconds(!errors, (double)objective->limit_ns), "limit_share",
                      errors ? json_real(objective->limit_share) : json_null(), "class",
                      objective->class[0] != '\0' ? json_value_text(objective->class) : NULL));
    }
    return list;
}

json_t *capacity_json_readings(const struct objective_reading readings[OBJECTIVE_MAX],
                               const struct objective_list *objectives)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < objectives->count; i++) {
        const struct objective_reading *reading = &readings[i];
        json_t *value = reading->known && objectives->items[i].kind == OBJECTIVE_ERRORS
                            ? json_real(reading->share)
                            : json_value_microseconds(reading->known, (double)reading->value_ns);
        json_array_append_new(list, json_pack("{s:b, s:o}", "kept", reading->kept, "value", value));
    }
    return list;
}

json_t *capacity_json_document(json_t *root, json_t *members)
{
    const bool complete = json_object_update_new(root, members) == 0;
    if (!complete)
        json_decref(root);
    return complete ? root : NULL;
}

enum err_code capacity_json_write(struct output *out, const json_t *document, struct err *err)
{
    if (document == NULL || !json_value_write(out, document, DUMP_FLAGS))
        return err_set(err, E_SYSTEM, "no memory for the JSON report");
    output_printf(out, "\n");
    return output_status(out, err);
}
