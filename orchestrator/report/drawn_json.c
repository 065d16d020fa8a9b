#include "orchestrator/report/drawn_json.h"

#include <stdio.h>
#include <string.h>

#include "orchestrator/report/json_value.h"

#define DRAWN_CHANGE_NAME(id, name) [id] = (name),
const char *const drawn_change_names[DRAWN_CHANGES] = {DRAWN_CHANGES_TABLE(DRAWN_CHANGE_NAME)};

/* ---- there ---- */

static json_t *known_share(bool known, double share)
{
    return known ? json_real(share) : json_null();
}

static json_t *keys_to_json(const struct drawn_keys *row)
{
    const bool known = row->skew_known;
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "name",
                     json_value_text(row->name), "order", json_value_text(row->order), "keys",
                     json_value_count(row->keys), "draws", json_value_count(row->draws), "distinct",
                     json_value_count(row->distinct), "hottest_key_share_asked",
                     known_share(known, row->hottest_asked), "hottest_key_share_drawn",
                     known_share(known, row->hottest_drawn), "hottest_1_percent_share_asked",
                     known_share(known, row->hottest_1_asked), "hottest_1_percent_share_drawn",
                     known_share(known, row->hottest_1_drawn));
}

static json_t *value_to_json(const struct drawn_value *row)
{
    return json_pack("{s:o, s:o, s:o, s:f, s:f, s:o, s:o}", "name", json_value_text(row->name),
                     "size", json_value_text(row->size), "draws", json_value_count(row->draws),
                     "mean_asked_bytes", row->mean_asked_bytes, "mean_drawn_bytes",
                     row->mean_drawn_bytes, "least_drawn_bytes", json_value_count(row->least_bytes),
                     "most_drawn_bytes", json_value_count(row->most_bytes));
}

static json_t *class_to_json(const struct drawn_class *row)
{
    return json_pack("{s:o, s:f, s:f}", "name", json_value_text(row->name), "share_asked",
                     row->share_asked, "share_drawn", row->share_drawn);
}

static json_t *changes_to_json(const struct drawn *drawn)
{
    json_t *list = json_array();
    for (unsigned i = 0; i < DRAWN_CHANGES; i++)
        if (drawn->changes[i])
            json_array_append_new(list, json_string(drawn_change_names[i]));
    return list;
}

json_t *drawn_to_json(const struct drawn *drawn)
{
    if (drawn->requests == 0)
        return NULL;
    json_t *keys = json_array(), *values = json_array(), *classes = json_array();
    for (uint32_t i = 0; i < drawn->key_count; i++)
        json_array_append_new(keys, keys_to_json(&drawn->keys[i]));
    for (uint32_t i = 0; i < drawn->value_count; i++)
        json_array_append_new(values, value_to_json(&drawn->values[i]));
    for (uint32_t i = 0; i < drawn->class_count; i++)
        json_array_append_new(classes, class_to_json(&drawn->classes[i]));
    return json_pack("{s:o, s:o, s:o, s:o, s:o}", "requests", json_value_count(drawn->requests),
                     "keys", keys, "values", values, "classes", classes, "not_reproducible",
                     changes_to_json(drawn));
}

/* ---- and back ---- */

static bool get_number(double *number, const json_t *json, const char *key)
{
    const json_t *value = json_object_get(json, key);
    *number = json_number_value(value);
    return json_is_number(value) && *number >= 0;
}

static bool get_skew(struct drawn_keys *row, const json_t *json)
{
    row->skew_known = !json_is_null(json_object_get(json, "hottest_key_share_asked"));
    return !row->skew_known ||
           (get_number(&row->hottest_asked, json, "hottest_key_share_asked") &&
            get_number(&row->hottest_drawn, json, "hottest_key_share_drawn") &&
            get_number(&row->hottest_1_asked, json, "hottest_1_percent_share_asked") &&
            get_number(&row->hottest_1_drawn, json, "hottest_1_percent_share_drawn"));
}

static bool get_keys(struct drawn_keys *row, const json_t *json)
{
    return json_value_get_text(row->name, sizeof row->name, json, "name") &&
           json_value_get_text(row->order, sizeof row->order, json, "order") &&
           json_value_get_count(&row->keys, json, "keys") &&
           json_value_get_count(&row->draws, json, "draws") &&
           json_value_get_count(&row->distinct, json, "distinct") && get_skew(row, json);
}

static bool get_value(struct drawn_value *row, const json_t *json)
{
    return json_value_get_text(row->name, sizeof row->name, json, "name") &&
           json_value_get_text(row->size, sizeof row->size, json, "size") &&
           json_value_get_count(&row->draws, json, "draws") &&
           get_number(&row->mean_asked_bytes, json, "mean_asked_bytes") &&
           get_number(&row->mean_drawn_bytes, json, "mean_drawn_bytes") &&
           json_value_get_count(&row->least_bytes, json, "least_drawn_bytes") &&
           json_value_get_count(&row->most_bytes, json, "most_drawn_bytes");
}

static bool get_class(struct drawn_class *row, const json_t *json)
{
    return json_value_get_text(row->name, sizeof row->name, json, "name") &&
           get_number(&row->share_asked, json, "share_asked") &&
           get_number(&row->share_drawn, json, "share_drawn");
}

static bool get_list(uint32_t *count, const json_t *list)
{
    *count = (uint32_t)json_array_size(list);
    return json_is_array(list) && json_array_size(list) <= DRAWN_ROWS_MAX;
}

/* Not in older journals; what a later one may add is left out. */
static void get_changes(struct drawn *drawn, const json_t *list)
{
    for (size_t i = 0; i < json_array_size(list); i++)
        for (unsigned k = 0; k < DRAWN_CHANGES; k++) {
            const char *name = json_string_value(json_array_get(list, i));
            drawn->changes[k] |= name != NULL && strcmp(name, drawn_change_names[k]) == 0;
        }
}

bool drawn_from_json(struct drawn *drawn, const json_t *json)
{
    const json_t *keys = json_object_get(json, "keys"), *values = json_object_get(json, "values"),
                 *classes = json_object_get(json, "classes");
    memset(drawn, 0, sizeof *drawn);
    if (json == NULL)
        return true;
    bool good = json_value_get_count(&drawn->requests, json, "requests") && drawn->requests > 0 &&
                get_list(&drawn->key_count, keys) && get_list(&drawn->value_count, values) &&
                get_list(&drawn->class_count, classes);
    get_changes(drawn, json_object_get(json, "not_reproducible"));
    for (uint32_t i = 0; good && i < drawn->key_count; i++)
        good = get_keys(&drawn->keys[i], json_array_get(keys, i));
    for (uint32_t i = 0; good && i < drawn->value_count; i++)
        good = get_value(&drawn->values[i], json_array_get(values, i));
    for (uint32_t i = 0; good && i < drawn->class_count; i++)
        good = get_class(&drawn->classes[i], json_array_get(classes, i));
    return good;
}
