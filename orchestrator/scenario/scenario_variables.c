#include "orchestrator/scenario/scenario_variables.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "common/suggest.h"

#define NAME_BYTES 64u

struct putting {
    const struct file *file;
    const struct scenario_variables *variables;
    bool used[SCENARIO_VARIABLES_MAX];
    struct suggestion *nearest; /* of each item: the names in the file that are near */
    struct err *err;
};

/* Bytes of a name at the beginning of a text; 0: none is there. */
static size_t name_bytes(const char *text)
{
    size_t bytes = 0;
    while (isalpha((unsigned char)text[bytes]) || text[bytes] == '_' ||
           (bytes > 0 && isdigit((unsigned char)text[bytes])))
        bytes++;
    return bytes;
}

/* What a variable is set to; NULL: it is not. */
static const char *value_of(struct putting *putting, const char *name)
{
    const size_t bytes = strlen(name);
    for (size_t i = 0; i < putting->variables->count; i++) {
        const char *item = putting->variables->items[i];
        suggest_offer(&putting->nearest[i], name, bytes);
        if (strncmp(item, name, bytes) == 0 && item[bytes] == '=') {
            putting->used[i] = true;
            return item + bytes + 1;
        }
    }
    return getenv(name);
}

static enum err_code refuse(const struct putting *putting, const struct config_node *node,
                            const char *what)
{
    return config_refuse(putting->err, putting->file->name, node->mark, "%s", what);
}

struct text {
    char bytes[SCENARIO_VALUE_BYTES_MAX];
    size_t count;
};

static bool append(struct text *text, const char *bytes, size_t count)
{
    if (count >= sizeof text->bytes - text->count)
        return false;
    memcpy(text->bytes + text->count, bytes, count);
    text->count += count;
    text->bytes[text->count] = '\0';
    return true;
}

/* Names, tags and prefixes; of a file of steps also what people only read, which is dropped. */
static bool may_hold_index(const struct config_node *node)
{
    static const char *const keys[] = {"name",     "tag",    "key_prefix",
                                       "strategy", "reason", "description"};
    for (size_t i = 0; node->key != NULL && i < sizeof keys / sizeof keys[0]; i++)
        if (strcmp(node->key, keys[i]) == 0)
            return true;
    return false;
}

/* The variable that begins at *at, which moves behind it. */
static enum err_code put_one(struct putting *putting, const struct config_node *node,
                             struct text *text, const char **at)
{
    char name[NAME_BYTES];
    const char *begin = *at + 2;
    const size_t bytes = name_bytes(begin), marker = strlen(SCENARIO_LOOP_INDEX);
    const char *end = strchr(begin, '}');
    const bool has_default = strncmp(begin + bytes, ":-", 2) == 0;
    if (bytes == 0 || bytes >= sizeof name || end == NULL || (begin + bytes != end && !has_default))
        return refuse(putting, node,
                      "a variable is written as ${NAME} or ${NAME:-default}; a name is letters, "
                      "digits and _, up to 63");
    *at = end + 1;
    if (strncmp(begin - 2, SCENARIO_LOOP_INDEX, marker) == 0) {
        if (!may_hold_index(node))
            return refuse(putting, node,
                          SCENARIO_LOOP_INDEX " stands in names, tags and prefixes only");
        return append(text, SCENARIO_LOOP_INDEX, marker) ? OK
                                                         : refuse(putting, node, "too long a text");
    }
    memcpy(name, begin, bytes);
    name[bytes] = '\0';
    const char *value = value_of(putting, name);
    if (value == NULL && !has_default)
        return config_refuse(putting->err, putting->file->name, node->mark,
                             "${%s} is not set: give --variables %s=VALUE, or a default: "
                             "${%s:-VALUE}",
                             name, name, name);
    const bool fits = value != NULL
                          ? append(text, value, strlen(value))
                          : append(text, begin + bytes + 2, (size_t)(end - begin) - bytes - 2);
    return fits ? OK
                : config_refuse(putting->err, putting->file->name, node->mark,
                                "with ${%s} the value is longer than %u bytes", name,
                                SCENARIO_VALUE_BYTES_MAX - 1);
}

static enum err_code put_into_scalar(struct putting *putting, struct config_node *node)
{
    struct text text = {.count = 0};
    const char *at = node->text, *next;
    enum err_code code = OK;
    while (code == OK && (next = strstr(at, "${")) != NULL) {
        if (!append(&text, at, (size_t)(next - at)))
            return refuse(putting, node, "too long a text for one with variables");
        at = next;
        code = put_one(putting, node, &text, &at);
    }
    if (code == OK && at == node->text)
        return OK; /* none */
    if (code == OK && !append(&text, at, strlen(at)))
        return refuse(putting, node, "too long a text for one with variables");
    char *copy = code == OK ? strdup(text.bytes) : NULL;
    if (code == OK && copy == NULL)
        return err_set(putting->err, E_SYSTEM, "reading %.150s: out of memory",
                       putting->file->name);
    if (code == OK) {
        free(node->text);
        node->text = copy;
    }
    return code;
}

static enum err_code put_into(struct putting *putting, struct config_node *node)
{
    enum err_code code = OK;
    if (node->kind == CONFIG_SCALAR)
        return put_into_scalar(putting, node);
    for (size_t i = 0; i < node->count && code == OK; i++)
        code = put_into(putting, &node->children[i]);
    return code;
}

/* Items that are none, or stand for the same. */
static enum err_code check_items(const struct scenario_variables *variables, struct err *err)
{
    if (variables->count > SCENARIO_VARIABLES_MAX)
        return err_set(err, E_USAGE, "--variables: more than %u of them", SCENARIO_VARIABLES_MAX);
    for (size_t i = 0; i < variables->count; i++) {
        const char *item = variables->items[i];
        const size_t bytes = name_bytes(item);
        if (bytes == 0 || bytes >= NAME_BYTES || item[bytes] != '=')
            return err_set(err, E_USAGE,
                           "--variables %.60s: not a NAME=VALUE; a name is letters, digits and _",
                           item);
        for (size_t k = 0; k < i; k++)
            if (strncmp(variables->items[k], item, bytes + 1) == 0)
                return err_set(err, E_USAGE, "--variables: %.*s is given twice", (int)bytes, item);
    }
    return OK;
}

static enum err_code check_used(const struct putting *putting)
{
    for (size_t i = 0; i < putting->variables->count; i++) {
        const char *item = putting->variables->items[i];
        if (!putting->used[i])
            return err_set(putting->err, E_USAGE,
                           "--variables %.60s: %.100s has no variable ${%.*s}%s%s%s", item,
                           putting->file->name, (int)name_bytes(item), item,
                           SUGGESTED(putting->nearest[i].best));
    }
    return OK;
}

enum err_code scenario_variables_put(struct file *file, const struct scenario_variables *variables,
                                     struct err *err)
{
    enum err_code code = check_items(variables, err);
    if (code != OK)
        return code;
    struct putting putting = {.file = file, .variables = variables, .err = err};
    putting.nearest = calloc(variables->count + 1, sizeof *putting.nearest);
    if (putting.nearest == NULL)
        return err_set(err, E_SYSTEM, "reading %.150s: out of memory", file->name);
    for (size_t i = 0; i < variables->count; i++)
        putting.nearest[i] = (struct suggestion){.wanted = variables->items[i],
                                                 .wanted_bytes = name_bytes(variables->items[i])};
    code = put_into(&putting, &file->root);
    if (code == OK)
        code = check_used(&putting);
    free(putting.nearest);
    return code;
}
