/* What was parsed, back as text and JSON. */
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/printable.h"
#include "common/units.h"
#include "orchestrator/options/options.h"

static bool is_number(const struct option_row *row)
{
    return row->kind == OPTION_COUNT || row->kind == OPTION_SIZE || row->kind == OPTION_DURATION;
}

static void format_bound(char *text, size_t text_bytes, const struct option_row *row,
                         uint64_t bound)
{
    size_t kept = 0;
    switch (row->kind) {
    case OPTION_SIZE: /* as it can be written: "1mb" */
        units_format_size(text, text_bytes, bound);
        for (size_t i = 0, bytes = strlen(text); i <= bytes; i++)
            if (text[i] != ' ')
                text[kept++] = (char)tolower((unsigned char)text[i]);
        break;
    case OPTION_DURATION:
        units_format_duration(text, text_bytes, bound);
        break;
    default:
        units_format_grouped(text, text_bytes, bound);
        break;
    }
}

char *options_format_range(char *text, size_t text_bytes, const struct option_row *row)
{
    char least[UNITS_PLAIN_BYTES], most[UNITS_PLAIN_BYTES];
    snprintf(text, text_bytes, "%s", "");
    if (row->kind == OPTION_REAL)
        snprintf(text, text_bytes, "%s to %s", units_format_plain(least, sizeof least, row->least),
                 units_format_plain(most, sizeof most, row->most));
    if (!is_number(row))
        return text;
    format_bound(least, sizeof least, row, row->min);
    format_bound(most, sizeof most, row, row->max);
    if (row->max == UINT64_MAX)
        snprintf(text, text_bytes, "%s or more", least);
    else
        snprintf(text, text_bytes, "%s to %s", least, most);
    return text;
}

static const void *field(const struct option_values *values, const struct option_row *row)
{
    return (const char *)values->target + row->base + row->offset;
}

static uint64_t number_of(const struct option_values *values, const struct option_row *row)
{
    uint64_t number;
    memcpy(&number, field(values, row), sizeof number);
    return number;
}

static double real_of(const struct option_values *values, const struct option_row *row)
{
    double value;
    memcpy(&value, field(values, row), sizeof value);
    return value;
}

static bool flag_of(const struct option_values *values, const struct option_row *row)
{
    bool flag;
    memcpy(&flag, field(values, row), sizeof flag);
    return flag;
}

/* The text of a row whose value is text, NULL: unset. */
static const char *text_of(const struct option_values *values, size_t row_index)
{
    const struct option_row *row = &values->table->rows[row_index];
    const char *text = values->texts[row_index];
    if (row->kind == OPTION_TEXT)
        memcpy(&text, field(values, row), sizeof text);
    return text != NULL && row->secret ? "***" : text;
}

static bool is_echoed(const struct option_values *values, size_t row_index)
{
    const struct option_row *row = &values->table->rows[row_index];
    return row->kind != OPTION_NOT_YET && row->kind != OPTION_ELSEWHERE && !row->command_line_only;
}

/* A number that nobody gave and that has no default says nothing. */
static bool is_unset(const struct option_values *values, size_t row_index)
{
    return values->origins[row_index].kind == ORIGIN_UNSET;
}

char *options_format_value(char *text, size_t text_bytes, const struct option_values *values,
                           size_t row_index)
{
    const struct option_row *row = &values->table->rows[row_index];
    const char *plain = NULL;
    if (is_number(row) && !is_unset(values, row_index)) {
        if (row->kind == OPTION_DURATION)
            return units_format_duration(text, text_bytes, number_of(values, row));
        snprintf(text, text_bytes, "%" PRIu64, number_of(values, row));
        return text;
    }
    if (row->kind == OPTION_FLAG)
        plain = flag_of(values, row) ? "true" : "false";
    else if (!is_number(row))
        plain = text_of(values, row_index);
    snprintf(text, text_bytes, "%s", plain != NULL ? plain : "");
    return text;
}

/* JSON holds UTF-8 only; a file name may be any bytes. What does not fit becomes '?'. */
static json_t *json_text(const char *text)
{
    json_t *string = json_string(text);
    if (string != NULL)
        return string;
    char *ascii = strdup(text);
    if (ascii == NULL)
        return NULL;
    for (char *at = ascii; *at != '\0'; at++)
        if ((unsigned char)*at >= 0x80)
            *at = '?';
    string = json_string(ascii);
    free(ascii);
    return string;
}

static json_t *json_value(const struct option_values *values, size_t row_index)
{
    const struct option_row *row = &values->table->rows[row_index];
    char number[40];
    const char *text = text_of(values, row_index);
    if (row->kind == OPTION_FLAG)
        return json_boolean(flag_of(values, row));
    if (row->kind == OPTION_REAL && text != NULL)
        return json_real(real_of(values, row));
    if (!is_number(row))
        return text == NULL ? json_null() : json_text(text);
    if (is_unset(values, row_index))
        return json_null();
    /* JSON's integers are signed here; a seed beyond that is text, which reads back the same */
    if (row->kind != OPTION_DURATION && number_of(values, row) <= INT64_MAX)
        return json_integer((json_int_t)number_of(values, row));
    return json_text(options_format_value(number, sizeof number, values, row_index));
}

json_t *options_to_json(const struct option_values *values)
{
    json_t *object = json_object();
    bool complete = object != NULL;
    for (size_t i = 0; i < values->table->row_count && complete; i++)
        if (is_echoed(values, i))
            complete = json_object_set_new(object, values->table->rows[i].name,
                                           json_value(values, i)) == 0;
    if (complete && values->rest_count > 0) {
        json_t *command = json_array();
        complete = json_object_set_new(object, "command", command) == 0;
        for (size_t i = 0; i < values->rest_count && complete; i++)
            complete = json_array_append_new(command, json_text(values->rest[i])) == 0;
    }
    if (complete)
        return object;
    json_decref(object);
    return NULL;
}

/* Two spellings of the default count as two values. */
static bool is_in_force(const struct option_values *values, size_t row_index)
{
    const struct option_row *row = &values->table->rows[row_index];
    const char *text = values->texts[row_index];
    if (!is_echoed(values, row_index) || row->secret || row->told ||
        values->origins[row_index].kind < ORIGIN_CONFIG)
        return false;
    if (row->kind == OPTION_FLAG)
        return flag_of(values, row);
    return text != NULL && (row->unset == NULL || strcmp(text, row->unset) != 0);
}

json_t *options_in_force(const struct option_values *values)
{
    json_t *object = json_object();
    for (size_t i = 0; i < values->table->row_count && object != NULL; i++)
        if (is_in_force(values, i) &&
            json_object_set_new(object, values->table->rows[i].name, json_value(values, i)) != 0) {
            json_decref(object);
            object = NULL;
        }
    return object;
}

void options_print_origins(const struct option_values *values, FILE *out)
{
    for (size_t i = 0; i < values->table->row_count; i++) {
        const struct option_origin *origin = &values->origins[i];
        if (!is_echoed(values, i) || origin->kind == ORIGIN_UNSET)
            continue;
        char value[256];
        options_format_value(value, sizeof value, values, i);
        fprintf(out, "  %-24s %-24s ", values->table->rows[i].name, printable_line(value));
        if (origin->kind == ORIGIN_CONFIG)
            fprintf(out, "config file, line %u: %s\n", origin->line, origin->given);
        else if (origin->kind == ORIGIN_COMMAND_LINE)
            fprintf(out, "command line: %s\n", origin->given);
        else if (origin->kind == ORIGIN_ENVIRONMENT)
            fprintf(out, "environment: %s\n", origin->given);
        else
            fprintf(out, "default\n");
    }
}
