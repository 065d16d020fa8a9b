#include "orchestrator/options/arguments.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/suggest.h"
#include "common/units.h"
#include "orchestrator/options/uri.h"

struct cutter {
    struct arguments *arguments;
    const struct option_table *table;
    int argc;
    const char *const *argv;
    int index; /* of the argument under way; a value in the next one moves it on */
    struct err *err;
};

static bool row_has_long(const struct option_row *row, const char *name, size_t name_bytes)
{
    return list_has(row->name, ' ', name, name_bytes) ||
           list_has(row->aliases, ' ', name, name_bytes);
}

int arguments_find_long(const struct option_table *table, const char *name, size_t name_bytes)
{
    if (name_bytes == 0)
        return -1;
    for (size_t i = 0; i < table->row_count; i++)
        if (row_has_long(&table->rows[i], name, name_bytes))
            return (int)i;
    return -1;
}

static int find_short(const struct option_table *table, char letter)
{
    for (size_t i = 0; i < table->row_count; i++)
        if (table->rows[i].shorts != NULL && strchr(table->rows[i].shorts, letter) != NULL)
            return (int)i;
    return -1;
}

char *arguments_nearest(char *text, size_t text_bytes, const struct option_table *table,
                        const char *name, size_t name_bytes)
{
    struct suggestion suggestion = {.wanted = name, .wanted_bytes = name_bytes};
    for (size_t i = 0; i < table->row_count; i++) {
        const struct option_row *row = &table->rows[i];
        if (row->kind == OPTION_ELSEWHERE) /* it would be refused, too */
            continue;
        suggest_offer(&suggestion, row->name, strlen(row->name));
        struct list_word alias;
        for (const char *at = row->aliases; list_next(&alias, &at, ' ');)
            suggest_offer(&suggestion, alias.text, alias.byte_count);
    }
    snprintf(text, text_bytes, "%s", suggestion.best);
    return text;
}

enum err_code arguments_refuse_row(const struct option_table *table, const struct option_row *row,
                                   enum err_code code, const char *name, struct err *err)
{
    if (row->kind == OPTION_NOT_YET)
        return err_set(err, code, "%s is not available yet%s%s", name,
                       row->help != NULL ? "; " : "", row->help != NULL ? row->help : "");
    return err_set(err, code, "%s is not an option of %s: %s", name,
                   table->command != NULL ? table->command : "volley",
                   row->help != NULL ? row->help : "see --help");
}

static enum err_code add(struct cutter *cutter, size_t row, const char *spelled, const char *value)
{
    struct arguments *arguments = cutter->arguments;
    if (arguments->count == arguments->capacity) {
        size_t capacity = arguments->capacity == 0 ? 32 : arguments->capacity * 2;
        struct argument *grown = realloc(arguments->items, capacity * sizeof *grown);
        if (grown == NULL)
            return err_set(cutter->err, E_SYSTEM, "reading the options: out of memory");
        arguments->items = grown;
        arguments->capacity = capacity;
    }
    struct argument *argument = &arguments->items[arguments->count++];
    argument->row = row;
    argument->value = value;
    snprintf(argument->spelled, sizeof argument->spelled, "%s", spelled);
    return OK;
}

/* An argument that is spelled like one of the options: "-q", "--csv=...", but not "-5". */
static bool is_known_option(const struct option_table *table, const char *argument)
{
    if (argument[0] != '-' || argument[1] == '\0')
        return false;
    if (argument[1] == '-')
        return argument[2] == '\0' ||
               arguments_find_long(table, argument + 2, strcspn(argument + 2, "=")) >= 0;
    bool digit = argument[1] >= '0' && argument[1] <= '9';
    return !digit && argument[2] == '\0' && find_short(table, argument[1]) >= 0;
}

/* The argument behind the option is its value, unless it is an option itself: then the value was
 * forgotten. A password may look like anything. */
static enum err_code take_next(struct cutter *cutter, const struct option_row *row,
                               const char *spelled, const char **value)
{
    const char *hint = strcmp(spelled, "-h") == 0 ? "help is --help" : row->hint;
    const char *before = hint != NULL ? "; " : "";
    const char *next = cutter->index + 1 < cutter->argc ? cutter->argv[cutter->index + 1] : NULL;
    if (row->takes_next != NULL && (next == NULL || !row->takes_next(next)))
        return OK; /* *value stays what it is without one */
    hint = hint != NULL ? hint : "";
    if (next == NULL)
        return err_set(cutter->err, E_USAGE, "%s needs a value: %s %s%s%s", spelled, spelled,
                       row->argument, before, hint);
    if (!row->secret && is_known_option(cutter->table, next))
        return err_set(cutter->err, E_USAGE, "%s needs a value, but %.60s follows: %s %s%s%s",
                       spelled, next, spelled, row->argument, before, hint);
    cutter->index++;
    *value = next;
    return OK;
}

static bool is_refused(const struct option_row *row)
{
    return row->kind == OPTION_NOT_YET || row->kind == OPTION_ELSEWHERE;
}

static enum err_code unknown_long(struct cutter *cutter, const char *dashes, const char *name,
                                  size_t name_bytes)
{
    char nearest[SUGGEST_NAME_MAX + 1], spelled[100];
    arguments_nearest(nearest, sizeof nearest, cutter->table, name, name_bytes);
    int shown = name_bytes < 80 ? (int)name_bytes : 80;
    snprintf(spelled, sizeof spelled, "%s%.*s", dashes, shown, name);
    const struct option_table *table = cutter->table;
    const char *tool = table->tool_with != NULL ? table->tool_with(spelled) : NULL;
    if (tool != NULL)
        return err_set(cutter->err, E_USAGE,
                       "%s is an option of %s, whose command line `volley %s` takes", spelled, tool,
                       tool);
    if (table->wider != NULL &&
        (name_bytes > 1 ? arguments_find_long(table->wider, name, name_bytes)
                        : find_short(table->wider, name[0])) >= 0)
        return err_set(cutter->err, E_USAGE,
                       "%s is an option of bench, and %s does not take it; volley %s --help lists "
                       "what it takes",
                       spelled, table->command, table->command);
    if (nearest[0] == '\0')
        return err_set(cutter->err, E_USAGE, "unknown option %s; --help lists them all", spelled);
    return err_set(cutter->err, E_USAGE, "unknown option %s; did you mean --%s?", spelled, nearest);
}

static enum err_code cut_long(struct cutter *cutter, const char *name)
{
    size_t name_bytes = strcspn(name, "=");
    int found = arguments_find_long(cutter->table, name, name_bytes);
    if (found < 0)
        return unknown_long(cutter, "--", name, name_bytes);
    const struct option_row *row = &cutter->table->rows[found];
    char spelled[sizeof cutter->arguments->items->spelled];
    snprintf(spelled, sizeof spelled, "--%.*s", (int)name_bytes, name);
    if (is_refused(row))
        return arguments_refuse_row(cutter->table, row, E_USAGE, spelled, cutter->err);
    const char *value = "true";
    if (name[name_bytes] == '=') {
        value = name + name_bytes + 1;
    } else if (row->argument != NULL) {
        enum err_code code = take_next(cutter, row, spelled, &value);
        if (code != OK)
            return code;
    }
    return add(cutter, (size_t)found, spelled, value);
}

/* "-c5", "-c 5", "-q", "-ql". */
static enum err_code cut_short(struct cutter *cutter, const char *letters)
{
    const char *whole = letters - 1;
    size_t name_bytes = strcspn(letters, "=");
    /* "-clients 5" would be -c with the value "lients" */
    if (name_bytes > 1 && arguments_find_long(cutter->table, letters, name_bytes) >= 0)
        return unknown_long(cutter, "-", letters, name_bytes);
    for (; *letters != '\0'; letters++) {
        char spelled[3] = {'-', *letters, '\0'};
        int found = find_short(cutter->table, *letters);
        if (found < 0) {
            if (letters == whole + 1)
                return unknown_long(cutter, "-", letters, letters[1] == '\0' ? 1 : strlen(letters));
            return err_set(cutter->err, E_USAGE,
                           "unknown option %s in %.80s; --help lists them all", spelled, whole);
        }
        const struct option_row *row = &cutter->table->rows[found];
        if (is_refused(row))
            return arguments_refuse_row(cutter->table, row, E_USAGE, spelled, cutter->err);
        const char *value = "true";
        if (row->argument == NULL) {
            enum err_code code = add(cutter, (size_t)found, spelled, value);
            if (code != OK)
                return code;
            continue;
        }
        if (letters[1] != '\0') {
            value = letters + 1;
        } else {
            enum err_code code = take_next(cutter, row, spelled, &value);
            if (code != OK)
                return code;
        }
        return add(cutter, (size_t)found, spelled, value);
    }
    return OK;
}

/* An option of another tool's table: spelled exactly so, its value the argument behind it. */
static enum err_code cut_exact(struct cutter *cutter, const char *argument)
{
    const struct option_table *table = cutter->table;
    for (size_t i = 0; i < table->row_count; i++) {
        const struct option_row *row = &table->rows[i];
        if (!list_has(row->spelled, ' ', argument, strlen(argument)))
            continue;
        if (is_refused(row))
            return arguments_refuse_row(table, row, E_USAGE, argument, cutter->err);
        if (row->argument == NULL)
            return add(cutter, i, argument, "true");
        if (cutter->index + 1 == cutter->argc)
            break;
        return add(cutter, i, argument, cutter->argv[++cutter->index]);
    }
    cutter->arguments->refused = argument;
    return err_set(cutter->err, E_USAGE, "%.80s is no option, or its value is missing", argument);
}

/* The option that the argument under way stands behind and could have been the value of; NULL. */
static const struct option_row *left_without_value(const struct cutter *cutter)
{
    const struct arguments *arguments = cutter->arguments;
    const struct argument *last =
        arguments->count > 0 ? &arguments->items[arguments->count - 1] : NULL;
    if (last == NULL || cutter->table->rows[last->row].takes_next == NULL ||
        strcmp(cutter->argv[cutter->index - 1], last->spelled) != 0)
        return NULL;
    return &cutter->table->rows[last->row];
}

enum err_code arguments_cut(struct arguments *arguments, const struct option_table *table, int argc,
                            const char *const *argv, struct err *err)
{
    *arguments = (struct arguments){.rest = -1};
    struct cutter cutter = {
        .arguments = arguments, .table = table, .argc = argc, .argv = argv, .err = err};
    for (cutter.index = 1; cutter.index < argc; cutter.index++) {
        const char *argument = argv[cutter.index];
        enum err_code code;
        if (strcmp(argument, "--") == 0) {
            arguments->rest = cutter.index + 1;
            return OK;
        }
        if (table->exact && argument[0] == '-') {
            code = cut_exact(&cutter, argument);
        } else if (argument[0] == '-' && argument[1] == '-') {
            code = cut_long(&cutter, argument + 2);
        } else if (argument[0] == '-' && argument[1] != '\0') {
            code = cut_short(&cutter, argument + 1);
        } else if (table->takes_command && argument[0] != '\0' && argument[0] != '-' &&
                   (table->takes_uris || strstr(argument, "://") == NULL)) {
            arguments->rest = cutter.index;
            arguments->rest_behind = left_without_value(&cutter);
            return OK;
        } else if (uri_holds_login(argument)) {
            code = err_set(err, E_USAGE,
                           "an argument that is a URI, or holds a login, stands alone; a URI is "
                           "given with --uri");
        } else {
            code = err_set(err, E_USAGE,
                           "unexpected argument \"%.80s\": options begin with - or --", argument);
        }
        if (code != OK)
            return code;
    }
    return OK;
}

void arguments_free(struct arguments *arguments)
{
    free(arguments->items);
    *arguments = (struct arguments){.rest = -1};
}
