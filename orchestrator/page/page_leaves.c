#include "orchestrator/page/page_leaves.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define PATH_BYTES 200u
#define DEPTH_MAX 16u

static void append_text(char *text, size_t text_bytes, const json_t *value)
{
    const size_t used = strlen(text), room = text_bytes - used;
    const char *space = used > 0 ? " " : "";
    if (json_is_string(value))
        snprintf(text + used, room, "%s%s", space, json_string_value(value));
    else if (json_is_number(value))
        snprintf(text + used, room, "%s%.10g", space, json_number_value(value));
    else if (json_is_boolean(value))
        snprintf(text + used, room, "%s%s", space, json_is_true(value) ? "yes" : "no");
    else
        snprintf(text + used, room, "%s...", space);
}

static void collect(json_t *into, const char *path, json_t *value, unsigned depth)
{
    const char *key;
    json_t *member;
    size_t i;
    char below[PATH_BYTES], text[1024] = "";
    if (json_is_object(value) && depth < DEPTH_MAX) {
        json_object_foreach(value, key, member)
        {
            snprintf(below, sizeof below, "%s%s%s", path, path[0] != '\0' ? "." : "", key);
            collect(into, below, member, depth + 1);
        }
        return;
    }
    if (value == NULL || json_is_null(value) || json_object_size(into) >= PAGE_LEAVES_MAX)
        return;
    if (json_is_array(value)) {
        json_array_foreach(value, i, member) append_text(text, sizeof text, member);
    } else {
        append_text(text, sizeof text, value);
    }
    /* NULL where it was cut within a character */
    json_t *told = json_string(text);
    json_object_set_new(into, path, told != NULL ? told : json_string("..."));
}

json_t *page_leaves(json_t *tree)
{
    json_t *leaves = json_object();
    collect(leaves, "", tree, 0);
    return leaves;
}

static bool always_differs(const char *path)
{
    static const char *const beginnings[] = {"environment.invocation.",
                                             "option.out",
                                             "option.json",
                                             "option.html",
                                             "option.hdr",
                                             "option.png",
                                             "option.svg",
                                             "option.output",
                                             "option.label"};
    static const char *const endings[] = {"run_id", "process_id", "port", "asked", "address"};
    for (size_t i = 0; i < sizeof beginnings / sizeof beginnings[0]; i++) {
        const size_t bytes = strlen(beginnings[i]);
        if (strncmp(path, beginnings[i], bytes) == 0 &&
            (path[bytes] == '\0' || beginnings[i][bytes - 1] == '.'))
            return true;
    }
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        const size_t bytes = strlen(path), ending = strlen(endings[i]);
        if (bytes >= ending && strcmp(path + bytes - ending, endings[i]) == 0)
            return true;
    }
    return false;
}

static const char *text_at(const json_t *leaves, const char *path)
{
    const char *text = json_string_value(json_object_get(leaves, path));
    return text != NULL ? text : "";
}

json_t *page_leaves_differing(json_t *const *trees, const char *const *names, size_t count)
{
    json_t *rows = json_array(), *leaves = json_array(), *paths = json_object(), *unused;
    const char *path;
    for (size_t i = 0; i < count; i++) {
        json_t *of = page_leaves(trees[i]);
        json_object_update_missing(paths, of);
        json_array_append_new(leaves, of);
    }
    json_object_foreach(paths, path, unused)
    {
        bool differs = false;
        for (size_t i = 1; i < count; i++)
            differs |= strcmp(text_at(json_array_get(leaves, i), path),
                              text_at(json_array_get(leaves, 0), path)) != 0;
        if (!differs || always_differs(path))
            continue;
        json_t *row = json_pack("{s:s}", "what", path);
        for (size_t i = 0; i < count; i++)
            json_object_set_new(row, names[i],
                                json_string(text_at(json_array_get(leaves, i), path)));
        json_array_append_new(rows, row);
    }
    json_decref(leaves);
    json_decref(paths);
    return rows;
}
