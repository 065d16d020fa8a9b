#include "orchestrator/suite/push_columns.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/printable.h"

#define DECIMAL_LIMIT 999999999 /* DECIMAL(15,6) holds more, before it is rounded */

/* What a database makes, or volley: no record's own. */
static const char *const taken_names[] = {"id",   "created_at", "row_hash", "ctid", "oid",
                                          "xmin", "xmax",       "cmin",     "cmax", "tableoid"};

/* ---- kinds ---- */

static struct store_kind text_kind(size_t bytes)
{
    return (struct store_kind){STORE_TEXT, bytes <= 50 ? 50 : bytes <= 255 ? 255 : 0};
}

static struct store_kind kind_of_value(const json_t *value)
{
    if (json_is_boolean(value))
        return (struct store_kind){.type = STORE_BOOLEAN};
    if (json_is_integer(value)) {
        const json_int_t number = json_integer_value(value);
        return (struct store_kind){.type = number > -DECIMAL_LIMIT && number < DECIMAL_LIMIT
                                               ? STORE_INTEGER
                                               : STORE_BIGINT};
    }
    if (json_is_real(value))
        return (struct store_kind){
            .type = fabs(json_real_value(value)) < DECIMAL_LIMIT ? STORE_DECIMAL : STORE_NUMERIC};
    if (json_is_string(value))
        return text_kind(json_string_length(value));
    return (struct store_kind){.type = json_is_null(value) ? STORE_NOTHING : STORE_TEXT};
}

/* Keys whose columns are what they are, whatever their values. */
static bool kind_of_key(struct store_kind *kind, const char *key)
{
    static const struct {
        const char *key;
        struct store_kind kind;
    } fixed[] = {{"timestamp", {.type = STORE_TIME}},
                 {"commit", {STORE_TEXT, 255}},
                 {"command", {.type = STORE_TEXT}},
                 {"module_commit", {STORE_TEXT, 255}},
                 {"config_set", {.type = STORE_JSON}}};
    for (size_t i = 0; i < sizeof fixed / sizeof fixed[0]; i++)
        if (strcmp(fixed[i].key, key) == 0) {
            *kind = fixed[i].kind;
            return true;
        }
    return false;
}

static bool is_number(enum store_type type)
{
    return type >= STORE_INTEGER && type <= STORE_NUMERIC;
}

bool push_kind_widen(struct store_kind *wider, struct store_kind has, struct store_kind needs)
{
    *wider = has;
    if (needs.type == STORE_NOTHING || has.type == STORE_JSON)
        return true;
    if (has.type == STORE_TEXT) {
        const unsigned most = needs.type == STORE_TEXT ? needs.most : 50;
        if (has.most > 0 && (most == 0 || most > has.most))
            wider->most = most;
        return true;
    }
    if (has.type == STORE_TIME || has.type == STORE_BOOLEAN || !is_number(needs.type))
        return has.type == needs.type;
    /* a large whole number fits none with six digits behind the point, and a column of whole numbers may hold such */
    if ((has.type == STORE_DECIMAL && needs.type == STORE_BIGINT) ||
        ((has.type == STORE_INTEGER || has.type == STORE_BIGINT) && needs.type == STORE_DECIMAL))
        wider->type = STORE_NUMERIC;
    else if (needs.type > has.type)
        wider->type = needs.type;
    return true;
}

static void add_kind(struct push_column *column, struct store_kind needs)
{
    struct store_kind wider;
    if (column->kind.type == STORE_NOTHING)
        column->kind = needs;
    else if (push_kind_widen(&wider, column->kind, needs))
        column->kind = wider;
    else {
        column->kind = (struct store_kind){.type = STORE_TEXT};
        column->mixed = true;
    }
}

/* ---- columns ---- */

static enum err_code check_name(const char *key, struct err *err)
{
    char quoted[STORE_QUOTED_BYTES];
    if (!store_quote(quoted, key))
        return err_set(err, E_DATA, "\"%.80s\" can be no column's name: allowed: 1 to %u bytes",
                       PRINTABLE(key), STORE_NAME_BYTES - 1);
    for (size_t i = 0; i < sizeof taken_names / sizeof taken_names[0]; i++)
        if (strcasecmp(key, taken_names[i]) == 0)
            return err_set(err, E_DATA,
                           "a record has the key \"%s\", which is a column of the "
                           "database's own: call it otherwise",
                           PRINTABLE(key));
    return OK;
}

static enum err_code take_key(json_t *found, const char *key, const json_t *value,
                              struct push_columns *columns, struct err *err)
{
    const json_t *place = json_object_get(found, key);
    size_t at = (size_t)json_integer_value(place);
    if (place == NULL) {
        enum err_code code = check_name(key, err);
        if (code != OK)
            return code;
        if (columns->count == PUSH_COLUMNS_MAX)
            return err_set(err, E_DATA, "the records have more than %u keys", PUSH_COLUMNS_MAX);
        at = columns->count++;
        struct push_column *column = &columns->items[at];
        *column = (struct push_column){0};
        snprintf(column->name, sizeof column->name, "%s", key);
        (void)kind_of_key(&column->kind, key);
        if (json_object_set_new(found, key, json_integer((json_int_t)at)) != 0)
            return err_set(err, E_SYSTEM, "no memory for columns");
    }
    struct push_column *column = &columns->items[at];
    struct store_kind fixed;
    if (!kind_of_key(&fixed, key))
        add_kind(column, kind_of_value(value));
    else if (fixed.type == STORE_TEXT && json_is_string(value))
        add_kind(column, text_kind(json_string_length(value)));
    return OK;
}

static int by_name(const void *one, const void *other)
{
    return strcmp(((const struct push_column *)one)->name,
                  ((const struct push_column *)other)->name);
}

/* SQLite takes "RPS" and "rps" for one column. */
static enum err_code check_cases(const struct push_columns *columns, struct err *err)
{
    for (size_t i = 0; i < columns->count; i++)
        for (size_t k = i + 1; k < columns->count; k++)
            if (strcasecmp(columns->items[i].name, columns->items[k].name) == 0)
                return err_set(err, E_DATA,
                               "\"%.40s\" and \"%.40s\" are one column's name: call one otherwise",
                               PRINTABLE(columns->items[i].name),
                               PRINTABLE(columns->items[k].name));
    return OK;
}

enum err_code push_columns_make(struct push_columns *columns, json_t *const *records,
                                size_t record_count, struct err *err)
{
    *columns = (struct push_columns){.items = calloc(PUSH_COLUMNS_MAX, sizeof columns->items[0])};
    json_t *found = json_object();
    enum err_code code = columns->items != NULL && found != NULL
                             ? OK
                             : err_set(err, E_SYSTEM, "no memory for columns");
    for (size_t i = 0; i < record_count && code == OK; i++) {
        const char *key;
        json_t *value;
        json_object_foreach(records[i], key, value) if (code == OK) code =
            take_key(found, key, value, columns, err);
    }
    json_decref(found);
    if (code == OK) {
        qsort(columns->items, columns->count, sizeof columns->items[0], by_name);
        code = check_cases(columns, err);
    }
    return code;
}

void push_columns_free(struct push_columns *columns)
{
    free(columns->items);
    *columns = (struct push_columns){0};
}

/* ---- values ---- */

const char *push_value(char **owned, const json_t *value)
{
    *owned = NULL;
    if (json_is_boolean(value))
        return json_is_true(value) ? "1" : "0";
    if (json_is_string(value))
        return json_string_value(value);
    if (value != NULL && !json_is_null(value))
        *owned = json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);
    return *owned;
}
