#include "orchestrator/options/file_schema.h"

#include <stdio.h>
#include <string.h>

#include "common/schedule.h"
#include "common/units.h"

/* Definitions of objects, by their names: an object may hold others like itself. */
struct writer {
    json_t *definitions;
};

static json_t *with_help(json_t *schema, const char *help)
{
    if (help != NULL)
        json_object_set_new(schema, "description", json_string(help));
    return schema;
}

/* --- values ---------------------------------------------------------------------------------- */

/* A number within the row's limits, which are in units of `unit`, or text that has a unit of its own. */
static json_t *number_schema(const char *type, double min, double max, const char *units)
{
    char pattern[64];
    snprintf(pattern, sizeof pattern, "^[0-9]+(\\.[0-9]+)?(%s)?$", units);
    return json_pack("{s:[s,s], s:s, s:f, s:f}", "type", type, "string", "pattern", pattern,
                     "minimum", min, "maximum", max);
}

static json_t *words_schema(const struct option_row *row)
{
    json_t *words = json_array();
    const char *word;
    for (size_t i = 0; (word = row->value_at(i)) != NULL; i++)
        json_array_append_new(words, json_string(word));
    return json_pack("{s:o}", "enum", words);
}

static json_t *value_schema(const struct option_row *row)
{
    const double unit = row->bare_unit_ns > 0 ? (double)row->bare_unit_ns : 1;
    const double min = row->clamps ? 0 : (double)row->min / unit;
    const double max = (double)(row->clamps ? UINT64_MAX : row->max) / unit;
    switch (row->kind) {
    case OPTION_FLAG:
        return json_pack("{s:s}", "type", "boolean");
    case OPTION_COUNT:
        return number_schema("integer", min, max, "[kKmMgG]");
    case OPTION_SIZE:
        return number_schema("integer", min, max, "[kKmMgG]?[bB]?");
    case OPTION_DURATION:
        return number_schema("number", min, max, "ns|us|ms|s|m|h");
    case OPTION_REAL:
        return number_schema("number", row->least, row->most, "");
    case OPTION_RATE:
        return number_schema("number", 0, (double)SCHEDULE_RATE_MAX_MICRO / SCHEDULE_MICRO,
                             "[kKmMgG]");
    case OPTION_WORD:
        return words_schema(row);
    default: /* its parser knows */
        return json_pack("{s:[s,s,s]}", "type", "string", "number", "boolean");
    }
}

/* A value, or a list of them where those are joined. */
static json_t *one_or_list(json_t *value, bool joins)
{
    return joins ? json_pack("{s:[o, {s:s, s:O, s:i}]}", "anyOf", value, "type", "array", "items",
                             value, "minItems", 1)
                 : value;
}

/* --- objects, lists, maps -------------------------------------------------------------------- */

static json_t *field_schema(struct writer *writer, const struct file_field *field);

/* The object with the fields of one variant. */
static json_t *variant_schema(struct writer *writer, const struct file_object *object, size_t index)
{
    const struct file_variant *variant =
        index < object->variant_count ? &object->variants[index] : NULL;
    const struct file_field *field;
    json_t *properties = json_object(), *required = json_array();
    if (object->tag != NULL && variant != NULL) {
        json_object_set_new(properties, object->tag, json_pack("{s:s}", "const", variant->name));
        json_array_append_new(required, json_string(object->tag));
    }
    for (size_t i = 0; (field = file_object_field(object, index, i)) != NULL; i++) {
        json_object_set_new(properties, field->row.name, field_schema(writer, field));
        if (field->required)
            json_array_append_new(required, json_string(field->row.name));
    }
    json_t *schema = json_pack("{s:s, s:o, s:o, s:b}", "type", "object", "properties", properties,
                               "required", required, "additionalProperties", 0);
    return with_help(schema, variant != NULL ? variant->help : object->help);
}

/* All forms of an object, once. */
static void define(struct writer *writer, const struct file_object *object)
{
    json_t *forms = json_array();
    json_object_set_new(writer->definitions, object->name, json_pack("{s:O}", "anyOf", forms));
    for (size_t i = 0; i == 0 || i < object->variant_count; i++)
        json_array_append_new(forms, variant_schema(writer, object, i));
    if (object->short_form)
        json_array_append_new(forms, field_schema(writer, &object->fields[0]));
    json_t *others = object->other_forms != NULL ? json_loads(object->other_forms, 0, NULL) : NULL;
    json_array_extend(forms, others);
    json_decref(others);
    json_decref(forms);
}

static json_t *object_schema(struct writer *writer, const struct file_object *object)
{
    char pointer[80];
    if (json_object_get(writer->definitions, object->name) == NULL)
        define(writer, object);
    snprintf(pointer, sizeof pointer, "#/$defs/");
    for (const char *c = object->name; *c != '\0' && strlen(pointer) < sizeof pointer - 4; c++)
        snprintf(pointer + strlen(pointer), 4, *c == ' ' ? "%%20" : "%c", *c);
    return json_pack("{s:s}", "$ref", pointer);
}

static json_t *elements_schema(struct writer *writer, const struct file_field *field)
{
    const bool list = field->form == FILE_LIST;
    json_t *schema =
        json_pack("{s:s, s:o, s:I}", "type", list ? "array" : "object",
                  list ? "items" : "additionalProperties", field_schema(writer, field->of),
                  list ? "minItems" : "minProperties", (json_int_t)field->least);
    if (!list && !field->nameless)
        json_object_set_new(schema, "propertyNames", json_pack("{s:i}", "minLength", 1));
    if (field->most > 0)
        json_object_set_new(schema, list ? "maxItems" : "maxProperties",
                            json_integer((json_int_t)field->most));
    return field->alone ? json_pack("{s:[o, o]}", "anyOf", schema, field_schema(writer, field->of))
                        : schema;
}

static json_t *field_schema(struct writer *writer, const struct file_field *field)
{
    json_t *schema = field->form == FILE_VALUE
                         ? one_or_list(value_schema(&field->row), field->joins)
                     : field->form == FILE_OBJECT ? object_schema(writer, field->object)
                     : field->form == FILE_ANY    ? json_object()
                                                  : elements_schema(writer, field);
    if (field->row.unset != NULL)
        json_object_set_new(schema, "default", json_string(field->row.unset));
    return with_help(schema, field->row.help);
}

/* --- whole files ----------------------------------------------------------------------------- */

static json_t *document(const struct file_kind *kind, json_t *schema, json_t *definitions)
{
    json_object_set_new(schema, "$schema",
                        json_string("https://json-schema.org/draft/2020-12/schema"));
    json_object_set_new(schema, "title", json_string(kind->what));
    if (json_object_size(definitions) > 0)
        json_object_set(schema, "$defs", definitions);
    json_decref(definitions);
    return with_help(schema, kind->help);
}

json_t *file_schema(const struct file_kind *kind)
{
    struct writer writer = {.definitions = json_object()};
    return document(kind, field_schema(&writer, &kind->root), writer.definitions);
}

/* A spelling of an option, with the limits of all of them. */
static void add_option(json_t *properties, const struct option_row *row, const char *name,
                       size_t name_bytes)
{
    char key[64];
    snprintf(key, sizeof key, "%.*s", (int)name_bytes, name);
    /* Not the default: of two spellings of an option one would contradict the other. */
    json_object_set_new(properties, key,
                        with_help(one_or_list(value_schema(row), true), row->help));
}

json_t *file_schema_of_options(const struct file_kind *kind, const struct option_table *table)
{
    json_t *properties = json_object();
    for (size_t i = 0; i < table->row_count; i++) {
        const struct option_row *row = &table->rows[i];
        if (row->command_line_only || row->kind >= OPTION_NOT_YET)
            continue;
        add_option(properties, row, row->name, strlen(row->name));
        struct list_word alias;
        for (const char *at = row->aliases; list_next(&alias, &at, ' ');)
            add_option(properties, row, alias.text, alias.byte_count);
    }
    return document(kind,
                    json_pack("{s:s, s:o, s:b}", "type", "object", "properties", properties,
                              "additionalProperties", 0),
                    json_object());
}
