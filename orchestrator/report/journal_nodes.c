#include <stdio.h>
#include <string.h>

#include "orchestrator/report/journal_format.h"
#include "orchestrator/report/json_value.h"

json_t *journal_nodes_to_json(const struct run_facts *run)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < run->node_count; i++) {
        const struct run_node *node = &run->nodes[i];
        json_array_append_new(list,
                              json_pack("{s:o, s:i, s:i, s:i}", "text", json_value_text(node->text),
                                        "role_at_start", (int)node->role_at_start, "role",
                                        (int)node->role, "primary", (int)node->primary));
    }
    return list;
}

static bool get_number(int64_t *number, const json_t *json, const char *key, int64_t min,
                       int64_t max)
{
    const json_t *value = json_object_get(json, key);
    *number = json_integer_value(value);
    return json_is_integer(value) && *number >= min && *number <= max;
}

bool journal_nodes_from_json(struct run_facts *run, const json_t *json)
{
    size_t count = json_array_size(json);
    if (!json_is_array(json) || count > NODE_FIGURES_MAX)
        return false;
    run->node_count = (uint32_t)count;
    for (size_t i = 0; i < count; i++) {
        const json_t *item = json_array_get(json, i);
        const char *text = json_string_value(json_object_get(item, "text"));
        int64_t role_at_start, role, primary;
        if (text == NULL || !get_number(&role_at_start, item, "role_at_start", 0, RUN_ROLE_GONE) ||
            !get_number(&role, item, "role", 0, RUN_ROLE_GONE) ||
            !get_number(&primary, item, "primary", -1, NODE_FIGURES_MAX - 1))
            return false;
        run->nodes[i] = (struct run_node){.role_at_start = (uint32_t)role_at_start,
                                          .role = (uint32_t)role,
                                          .primary = (int32_t)primary};
        snprintf(run->nodes[i].text, sizeof run->nodes[i].text, "%s", text);
    }
    return true;
}
