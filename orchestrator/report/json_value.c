#include "orchestrator/report/json_value.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/printable.h"
#include "common/units.h"

json_t *json_value_text(const char *text)
{
    json_t *value = text != NULL ? json_string(text) : json_null();
    if (value != NULL)
        return value;
    char *clean = malloc(strlen(text) * 4 + 1);
    if (clean == NULL)
        return NULL;
    size_t used = 0;
    while (*text != '\0') {
        size_t length = printable_sequence_bytes(text);
        if (length == 0) {
            used += (size_t)snprintf(clean + used, 5, "\\x%02X", (unsigned char)*text++);
            continue;
        }
        memcpy(clean + used, text, length);
        used += length;
        text += length;
    }
    clean[used] = '\0';
    value = json_string(clean);
    free(clean);
    return value;
}

json_t *json_value_known_text(bool known, const char *text)
{
    json_t *value = known && text[0] != '\0' ? json_string(text) : NULL;
    return value != NULL ? value : json_null();
}

json_t *json_value_known_digits(bool known, const char *text)
{
    uint64_t value;
    return known && units_parse_digits(&value, text, strlen(text), INT64_MAX)
               ? json_integer((json_int_t)value)
               : json_null();
}

/* How many bytes a control character has that stands here; 0: it is none, or one that JSON escapes. */
static size_t control_bytes(const char *at, size_t byte_count)
{
    if (*at == 0x7F)
        return 1;
    return byte_count > 1 && (unsigned char)at[0] == 0xC2 && (unsigned char)at[1] < 0xA0 ? 2 : 0;
}

/* Never cuts a character in two: it goes up to the next escape, or the end of a string. */
static int write_piece(const char *bytes, size_t byte_count, void *output)
{
    size_t begin = 0, at = 0;
    while (at < byte_count) {
        size_t found = control_bytes(bytes + at, byte_count - at);
        if (found == 0) {
            at++;
            continue;
        }
        output_write(output, bytes + begin, at - begin);
        output_printf(output, "\\u%04X", (unsigned char)bytes[at + found - 1]);
        begin = at += found;
    }
    output_write(output, bytes + begin, at - begin);
    return 0;
}

bool json_value_write(struct output *output, const json_t *value, size_t flags)
{
    return json_dump_callback(value, write_piece, output, flags) == 0;
}

json_t *json_value_count(uint64_t count)
{
    return json_integer(count > INT64_MAX ? INT64_MAX : (json_int_t)count);
}

json_t *json_value_microseconds(bool known, double ns)
{
    return known ? json_real(ns / 1000.0) : json_null();
}

bool json_value_get_text(char *text, size_t text_bytes, const json_t *json, const char *key)
{
    const char *value = json_string_value(json_object_get(json, key));
    snprintf(text, text_bytes, "%s", value != NULL ? value : "");
    return value != NULL;
}

bool json_value_get_count(uint64_t *count, const json_t *json, const char *key)
{
    const json_t *value = json_object_get(json, key);
    *count = (uint64_t)json_integer_value(value);
    return json_is_integer(value) && json_integer_value(value) >= 0;
}

json_t *json_value_workers(const struct run_result *result)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < result->worker_count; i++) {
        const struct worker_summary *worker = &result->workers[i];
        json_array_append_new(
            list,
            json_pack("{s:i, s:I, s:o, s:f, s:f, s:f, s:f, s:i, s:o}", "index", (int)worker->index,
                      "pid", (json_int_t)worker->pid, "cpu",
                      worker->cpu < 0 ? json_null() : json_integer(worker->cpu), "cpu_user_seconds",
                      worker->cpu_user_seconds, "cpu_system_seconds", worker->cpu_system_seconds,
                      "run_delay_seconds", worker->run_delay_seconds, "spin_seconds",
                      worker->spin_seconds, "restarts", (int)worker->restarts, "requests",
                      json_value_count(worker->requests)));
    }
    return list;
}

/* What is not known is null. */
static json_t *number_or_null(double number)
{
    return isnan(number) ? json_null() : json_real(number);
}

json_t *json_value_verdict(const struct verdict *verdict)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < verdict->check_count; i++) {
        const struct verdict_check *check = &verdict->checks[i];
        json_array_append_new(
            list,
            json_pack("{s:s, s:s, s:b, s:o, s:s, s:o, s:o, s:o, s:s, s:s}", "name", check->name,
                      "level", verdict_level_name(check->level), "note", check->note, "value",
                      number_or_null(check->value), "unit", check->unit, "threshold",
                      number_or_null(check->threshold), "red_threshold",
                      number_or_null(check->red_threshold), "text", json_value_text(check->text),
                      "limit", check->limit, "advice", check->advice));
    }
    return json_pack("{s:s, s:o}", "level", verdict_level_name(verdict->level), "checks", list);
}

static enum verdict_level level_of(const char *word)
{
    for (int level = VERDICT_GREEN; level <= VERDICT_RED; level++)
        if (word != NULL && strcmp(word, verdict_level_name((enum verdict_level)level)) == 0)
            return (enum verdict_level)level;
    return VERDICT_AMBER;
}

uint32_t json_value_foreign(struct verdict_foreign foreign[VERDICT_FOREIGN_MAX],
                            const json_t *verdict)
{
    const json_t *check;
    size_t index;
    uint32_t count = 0;
    json_array_foreach(json_object_get(verdict, "checks"), index, check)
    {
        const char *name = json_string_value(json_object_get(check, "name"));
        const char *text = json_string_value(json_object_get(check, "text"));
        if (name != NULL && verdict_knows(name))
            continue;
        const enum verdict_level level =
            level_of(json_string_value(json_object_get(check, "level")));
        if (count == VERDICT_FOREIGN_MAX) {
            struct verdict_foreign *rest = &foreign[count - 1];
            snprintf(rest->name, sizeof rest->name, "others");
            snprintf(rest->text, sizeof rest->text, "several");
            rest->level = level > rest->level ? level : rest->level;
            continue;
        }
        struct verdict_foreign *next = &foreign[count++];
        *next = (struct verdict_foreign){.level = level};
        printable_copy(next->name, sizeof next->name, name != NULL ? name : "unnamed");
        printable_copy(next->text, sizeof next->text, text != NULL ? text : "");
    }
    return count;
}
