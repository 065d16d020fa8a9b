#include "orchestrator/options/file_reader.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/suggest.h"
#include "orchestrator/options/option_value.h"

#define NAMES_BYTES 320
/* What an error says beside the names, its file and twice the word that is wrong. */
#define BESIDE_BYTES 72u
#define WORD_BYTES 60u
#define FILE_NAME_BYTES 150u /* that config_refuse shows */

struct reader {
    const char *name;
    struct err *err;
    const char *list; /* the key of the list whose values are read; NULL: of none */
};

/* In front of what is wrong with it; an element of a list has no name, but that of its list. */
#define VALUE_LABEL(reader, node)                                                                  \
    (node)->key != NULL      ? (node)->key                                                         \
    : (reader)->list != NULL ? (reader)->list                                                      \
                             : "",                                                                 \
        (node)->key != NULL || (reader)->list != NULL ? ": " : ""
#define LABEL(node) (node)->key != NULL ? (node)->key : "", (node)->key != NULL ? ": " : ""
#define HINT(row) (row)->hint != NULL ? "; " : "", (row)->hint != NULL ? (row)->hint : ""

static enum err_code out_of_memory(const struct reader *reader)
{
    return err_set(reader->err, E_SYSTEM, "reading %.150s: out of memory", reader->name);
}

/* Not what the field takes. */
static enum err_code refuse_form(const struct reader *reader, const struct file_field *field,
                                 const struct config_node *node, const char *expected)
{
    return config_refuse(reader->err, reader->name, node->mark, "%.60s%s%s is expected%s%s",
                         LABEL(node), expected, HINT(&field->row));
}

/* --- values ---------------------------------------------------------------------------------- */

/* The elements joined by commas, as they would be given on a command line; the list is a value then. */
static enum err_code join(const struct reader *reader, struct config_node *list)
{
    size_t bytes = 1, used = 0;
    if (list->count == 0)
        return config_refuse(reader->err, reader->name, list->mark,
                             "%.60s%sa list without elements", LABEL(list));
    for (size_t i = 0; i < list->count; i++) {
        const struct config_node *element = &list->children[i];
        if (element->kind != CONFIG_SCALAR || element->missing)
            return config_refuse(reader->err, reader->name, element->mark, "%.60s%s%s", LABEL(list),
                                 element->kind == CONFIG_SCALAR ? "a value is missing"
                                                                : "the list holds values only");
        bytes += strlen(element->text) + 1;
    }
    list->text = malloc(bytes);
    if (list->text == NULL)
        return out_of_memory(reader);
    for (size_t i = 0; i < list->count; i++)
        used += (size_t)snprintf(list->text + used, bytes - used, "%s%s", i > 0 ? "," : "",
                                 list->children[i].text);
    list->kind = CONFIG_SCALAR;
    return OK;
}

static enum err_code read_value(const struct reader *reader, const struct file_field *field,
                                struct config_node *node, void *target)
{
    struct err reason = {.code = OK};
    if (field->joins && node->kind == CONFIG_LIST && join(reader, node) != OK)
        return reader->err->code;
    if (node->kind != CONFIG_SCALAR)
        return refuse_form(reader, field, node,
                           field->joins ? "a value, or a list of them," : "a value");
    if (node->missing)
        return config_refuse(reader->err, reader->name, node->mark, "%.60s%sa value is missing",
                             VALUE_LABEL(reader, node));
    if (option_value_store(target, &field->row, node->text, &reason) == OK)
        return OK;
    if (reason.code == E_SYSTEM)
        return err_set(reader->err, E_SYSTEM, "%s", reason.text);
    return config_refuse(reader->err, reader->name, node->mark, "%.60s%s%.60s: %s%s%s",
                         VALUE_LABEL(reader, node), field->row.secret ? "***" : node->text,
                         reason.text, HINT(&field->row));
}

/* Of what has no name at all. */
static enum err_code check_key(const struct reader *reader, const struct config_node *node)
{
    return node->key[0] != '\0' ? OK
                                : config_refuse(reader->err, reader->name, node->key_mark,
                                                "a key is the name of what follows it");
}

/* --- lists and maps -------------------------------------------------------------------------- */

static enum err_code read_field(const struct reader *reader, const struct file_field *field,
                                struct config_node *node, void *target);

/* A list of one element that is written without a list. */
static enum err_code read_alone(const struct reader *reader, const struct file_field *field,
                                struct config_node *node, char *target)
{
    const size_t count = 1;
    char *array = calloc(count, field->element_bytes);
    node->array = array;
    if (array == NULL)
        return out_of_memory(reader);
    memcpy(target + field->row.offset, &array, sizeof array);
    memcpy(target + field->count_offset, &count, sizeof count);
    return read_field(reader, field->of, node, array);
}

static enum err_code read_elements(const struct reader *reader, const struct file_field *field,
                                   struct config_node *node, char *target)
{
    enum config_kind kind = field->form == FILE_LIST ? CONFIG_LIST : CONFIG_MAP;
    /* All of a file may be commented out. */
    bool nothing = node->kind == CONFIG_NOTHING && field->least == 0;
    if (field->alone && node->kind != CONFIG_LIST && node->kind != CONFIG_NOTHING)
        return read_alone(reader, field, node, target);
    if (node->kind != kind && !nothing)
        return refuse_form(reader, field, node, kind == CONFIG_LIST ? "a list" : "a map");
    if (node->count < field->least || (field->most > 0 && node->count > field->most))
        return config_refuse(reader->err, reader->name, node->mark,
                             "%.60s%s%s %zu element%s; there are %zu%s%s", LABEL(node),
                             node->count < field->least ? "needs at least" : "takes at most",
                             node->count < field->least ? field->least : field->most,
                             node->count < field->least && field->least == 1 ? "" : "s",
                             node->count, HINT(&field->row));
    char *array = calloc(node->count + 1, field->element_bytes);
    node->array = array;
    if (array == NULL)
        return out_of_memory(reader);
    memcpy(target + field->row.offset, &array, sizeof array);
    memcpy(target + field->count_offset, &node->count, sizeof node->count);
    const struct reader within = {.name = reader->name,
                                  .err = reader->err,
                                  .list = field->of->form == FILE_VALUE ? node->key : NULL};
    enum err_code code = OK;
    for (size_t i = 0; i < node->count && code == OK; i++) {
        const struct file_place place = {.node = &node->children[i]};
        char *element = array + i * field->element_bytes;
        if (field->form == FILE_MAP)
            memcpy(element, &place, sizeof place);
        if (field->form == FILE_MAP && !field->nameless)
            code = check_key(reader, &node->children[i]);
        if (code == OK)
            code = read_field(&within, field->of, &node->children[i], element);
    }
    return code;
}

/* --- objects --------------------------------------------------------------------------------- */

const struct file_field *file_object_field(const struct file_object *object, size_t variant,
                                           size_t index)
{
    if (index < object->field_count)
        return &object->fields[index];
    index -= object->field_count;
    return variant < object->variant_count && index < object->variants[variant].field_count
               ? &object->variants[variant].fields[index]
               : NULL;
}

/* Names with commas between them, each once, as many as an error has room for, whether one is among them, and the nearest
 * to it. */
struct names {
    char list[NAMES_BYTES];
    size_t room;
    bool found;
    struct suggestion suggestion;
};

static bool is_listed(const char *list, const char *name)
{
    size_t bytes = strlen(name);
    for (const char *at = strstr(list, name); at != NULL; at = strstr(at + 1, name))
        if ((at == list || at[-1] == ' ') && (at[bytes] == ',' || at[bytes] == '\0'))
            return true;
    return false;
}

static void add_name(struct names *names, const char *name)
{
    const size_t used = strlen(names->list);
    const size_t with_it = used + strlen(", ") + strlen(name) + strlen(", ...");
    if (with_it < names->room && !is_listed(names->list, name))
        snprintf(names->list + used, names->room - used, "%s%s", used > 0 ? ", " : "", name);
    else if (with_it >= names->room && !is_listed(names->list, "..."))
        snprintf(names->list + used, names->room - used, ", ...");
    names->found |= strcmp(names->suggestion.wanted, name) == 0;
    suggest_offer(&names->suggestion, name, strlen(name));
}

static size_t at_most(size_t bytes, size_t most)
{
    return bytes < most ? bytes : most;
}

static void want_name(struct names *names, const struct reader *reader, const char *wanted)
{
    const size_t taken = at_most(strlen(reader->name), FILE_NAME_BYTES) +
                         2 * at_most(strlen(wanted), WORD_BYTES) + BESIDE_BYTES;
    *names = (struct names){.room = at_most(ERR_TEXT_BYTES - taken, NAMES_BYTES),
                            .suggestion = {.wanted = wanted, .wanted_bytes = strlen(wanted)}};
}

/* The variant that the tag names. */
static enum err_code find_tagged(size_t *variant, const struct reader *reader,
                                 const struct file_object *object, const struct config_node *node)
{
    const struct config_node *tag = config_node_get(node, object->tag);
    struct names names;
    if (tag != NULL && (tag->kind != CONFIG_SCALAR || tag->missing))
        return config_refuse(reader->err, reader->name, tag->mark, "%s: a value is missing",
                             object->tag);
    want_name(&names, reader, tag != NULL ? tag->text : "");
    for (size_t i = 0; i < object->variant_count; i++) {
        *variant = i;
        if (tag != NULL && strcasecmp(object->variants[i].name, tag->text) == 0)
            return OK;
        add_name(&names, object->variants[i].name);
    }
    if (tag == NULL)
        return config_refuse(reader->err, reader->name, node->mark,
                             "\"%s\" is missing; known are %s", object->tag, names.list);
    return config_refuse(reader->err, reader->name, tag->mark,
                         "%s: unknown: %.40s%s%s%s; known are %s", object->tag, tag->text,
                         SUGGESTED(names.suggestion.best), names.list);
}

/* The variant that keys of its own tell. */
static enum err_code find_by_keys(size_t *variant, const struct reader *reader,
                                  const struct file_object *object, const struct config_node *node)
{
    struct names names;
    const char *found = NULL;
    want_name(&names, reader, "");
    for (size_t i = 0; i < object->variant_count; i++) {
        const struct file_variant *candidate = &object->variants[i];
        for (size_t k = 0; k < candidate->telling_count; k++) {
            const char *key = candidate->fields[k].row.name;
            const struct config_node *child = config_node_get(node, key);
            add_name(&names, key);
            if (child != NULL && found != NULL && *variant != i)
                return config_refuse(reader->err, reader->name, child->key_mark,
                                     "%s and %s exclude each other", found, key);
            if (child != NULL) {
                found = key;
                *variant = i;
            }
        }
    }
    return found != NULL ? OK
                         : config_refuse(reader->err, reader->name, node->mark,
                                         "one of these is missing: %s", names.list);
}

/* Keys that an object does not have, or that only other variants of it have. */
static enum err_code check_keys(const struct reader *reader, const struct file_object *object,
                                const struct config_node *node, size_t first, size_t end)
{
    for (size_t i = 0; i < node->count; i++) {
        const struct config_node *child = &node->children[i];
        const struct file_field *field;
        struct names names;
        if (check_key(reader, child) != OK)
            return reader->err->code;
        want_name(&names, reader, child->key);
        if (object->tag != NULL)
            add_name(&names, object->tag);
        for (size_t k = first; k < end; k++)
            for (size_t f = 0; (field = file_object_field(object, k, f)) != NULL; f++)
                add_name(&names, field->row.name);
        if (names.found)
            continue;
        if (end - first < object->variant_count)
            return config_refuse(reader->err, reader->name, child->key_mark,
                                 "%s has no use for \"%.60s\"; known are %s",
                                 object->variants[first].name, child->key, names.list);
        return config_refuse(reader->err, reader->name, child->key_mark,
                             "unknown key %.60s%s%s%s; known are %s", child->key,
                             SUGGESTED(names.suggestion.best), names.list);
    }
    return OK;
}

/* Brings what may be written otherwise into the form of a map. */
static enum err_code make_map(const struct reader *reader, const struct file_object *object,
                              struct config_node *node)
{
    struct err reason = {.code = OK};
    enum err_code code = object->rewrite != NULL ? object->rewrite(object, node, &reason) : OK;
    if (code == E_SYSTEM)
        return out_of_memory(reader);
    if (code != OK)
        return config_refuse(reader->err, reader->name, node->mark, "%s", reason.text);
    const struct file_field *first = object->fields;
    if (object->short_form &&
        node->kind == (first->form == FILE_LIST ? CONFIG_LIST : CONFIG_SCALAR) &&
        !config_node_wrap(node, first->row.name))
        return out_of_memory(reader);
    return OK;
}

static enum err_code read_object(const struct reader *reader, const struct file_field *field,
                                 struct config_node *node, void *target)
{
    const struct file_object *object = field->object;
    struct file_place *place = target;
    const struct file_field *own;
    if (make_map(reader, object, node) != OK)
        return reader->err->code;
    if (node->kind != CONFIG_MAP)
        return refuse_form(reader, field, node, object->name);
    *place = (struct file_place){.node = node};
    size_t *variant = &place->variant;
    enum err_code code = check_keys(reader, object, node, 0, object->variant_count + 1);
    if (code == OK && object->variant_count > 0)
        code = object->tag != NULL ? find_tagged(variant, reader, object, node)
                                   : find_by_keys(variant, reader, object, node);
    if (code == OK && object->variant_count > 1)
        code = check_keys(reader, object, node, *variant, *variant + 1);
    for (size_t i = 0; code == OK && (own = file_object_field(object, *variant, i)) != NULL; i++) {
        struct config_node *child = config_node_get(node, own->row.name);
        if (child != NULL)
            code = read_field(reader, own, child, target);
        else if (own->required)
            code = config_refuse(reader->err, reader->name, node->mark, "\"%s\" is missing%s%s",
                                 own->row.name, HINT(&own->row));
        else if (own->form == FILE_VALUE)
            code = option_value_store_unset(target, &own->row, reader->err);
    }
    return code;
}

static enum err_code read_field(const struct reader *reader, const struct file_field *field,
                                struct config_node *node, void *target)
{
    switch (field->form) {
    case FILE_VALUE:
        return read_value(reader, field, node, target);
    case FILE_OBJECT:
        return read_object(reader, field, node, (char *)target + field->row.offset);
    case FILE_ANY:
        return OK;
    case FILE_LIST:
    case FILE_MAP:
        break;
    }
    return read_elements(reader, field, node, target);
}

/* --- files ----------------------------------------------------------------------------------- */

enum err_code file_parse(struct file *file, const struct file_kind *kind,
                         const struct file_source *source, struct err *err)
{
    file->name = source->name;
    return source->text != NULL
               ? config_tree_parse(&file->root, source->name, source->text, source->text_bytes, err)
               : config_tree_read(&file->root, source->name, kind->what, err);
}

enum err_code file_read_tree(struct file *file, const struct file_kind *kind, void *target,
                             struct err *err)
{
    const struct reader reader = {.name = file->name, .err = err};
    return read_field(&reader, &kind->root, &file->root, target);
}

enum err_code file_read(struct file *file, const struct file_kind *kind, void *target,
                        const struct file_source *source, struct err *err)
{
    enum err_code code = file_parse(file, kind, source, err);
    return code == OK ? file_read_tree(file, kind, target, err) : code;
}

void file_free(struct file *file)
{
    config_tree_free(&file->root);
}

bool file_given(const struct file_place *place, const char *key)
{
    return config_node_get(place->node, key) != NULL;
}

enum err_code file_refuse(const struct file *file, const struct file_place *place, const char *key,
                          struct err *err, const char *format, ...)
{
    char what[ERR_TEXT_BYTES];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    const struct config_node *child = key != NULL ? config_node_get(place->node, key) : NULL;
    return config_refuse(err, file->name, child != NULL ? child->mark : place->node->mark, "%s",
                         what);
}
