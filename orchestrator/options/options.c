#include "orchestrator/options/options.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/secret.h"
#include "common/suggest.h"
#include "orchestrator/options/arguments.h"
#include "orchestrator/options/file_reader.h"
#include "orchestrator/options/option_value.h"

int options_row(const struct option_table *table, const char *name)
{
    for (size_t i = 0; i < table->row_count; i++)
        if (strcmp(table->rows[i].name, name) == 0)
            return (int)i;
    return -1;
}

bool options_meant(const struct option_values *values, const char *name)
{
    const int index = options_row(values->table, name);
    if (index < 0 || !options_given(values, name))
        return false;
    const struct option_row *row = &values->table->rows[index];
    const char *field = (const char *)values->target + row->base + row->offset;
    const char *text = values->texts[index];
    uint64_t number;
    bool on, off;
    switch (row->kind) {
    case OPTION_FLAG:
        memcpy(&on, field, sizeof on);
        return on;
    case OPTION_COUNT:
    case OPTION_SIZE:
    case OPTION_DURATION:
        memcpy(&number, field, sizeof number);
        return number > 0 || row->zero_counts;
    case OPTION_CUSTOM:
        /* "false" is the same as the default "no". */
        if (option_value_parse_flag(&on, text))
            return row->unset == NULL || !option_value_parse_flag(&off, row->unset) ? on
                                                                                    : on != off;
        return row->unset == NULL || strcasecmp(text, row->unset) != 0;
    default:
        return true;
    }
}

const struct option_origin *options_origin(const struct option_values *values, const char *name)
{
    static const struct option_origin unset = {.kind = ORIGIN_UNSET};
    int row = options_row(values->table, name);
    return row < 0 || values->origins == NULL ? &unset : &values->origins[row];
}

bool options_given(const struct option_values *values, const char *name)
{
    return options_origin(values, name)->kind >= ORIGIN_CONFIG;
}

enum err_code options_store_defaults(const struct option_table *table, void *target,
                                     struct err *err)
{
    enum err_code code = OK;
    for (size_t i = 0; i < table->row_count && code == OK; i++)
        code = option_value_store_unset(target, &table->rows[i], err);
    return code;
}

static enum err_code store_default(struct option_values *values, size_t row_index, struct err *err)
{
    const struct option_row *row = &values->table->rows[row_index];
    struct option_origin *origin = &values->origins[row_index];
    *origin = (struct option_origin){.kind = row->unset != NULL ? ORIGIN_DEFAULT : ORIGIN_UNSET};
    values->texts[row_index] = row->unset;
    if (row->unset != NULL)
        snprintf(origin->value, sizeof origin->value, "%s", row->secret ? "***" : row->unset);
    return option_value_store_unset(values->target, row, err);
}

void options_drop(struct option_values *values, const char *name)
{
    int row = options_row(values->table, name);
    if (row >= 0 && store_default(values, (size_t)row, NULL) != OK)
        values->origins[row].kind = ORIGIN_UNSET; /* unreachable: a default is valid */
}

void options_derive(struct option_values *values, const char *name, const char *from,
                    const char *text)
{
    int row = options_row(values->table, name);
    if (row < 0)
        return;
    const struct option_origin *source = options_origin(values, from);
    if (source == NULL)
        return;
    struct option_origin *origin = &values->origins[row];
    *origin = *source;
    if (text == NULL)
        origin->kind = ORIGIN_UNSET;
    snprintf(origin->value, sizeof origin->value, "%s",
             text == NULL                      ? ""
             : values->table->rows[row].secret ? "***"
                                               : text);
    values->texts[row] = text;
}

void options_from_environment(struct option_values *values, const char *name, const char *variable)
{
    int row = options_row(values->table, name);
    if (row < 0)
        return;
    values->origins[row] = (struct option_origin){.kind = ORIGIN_ENVIRONMENT, .value = "***"};
    snprintf(values->origins[row].given, sizeof values->origins[row].given, "%s", variable);
}

/* A copy that lives as long as the values. NULL: out of memory. */
static char *keep(struct option_values *values, const char *text, bool secret)
{
    if (values->owned_count == values->owned_capacity) {
        size_t capacity = values->owned_capacity == 0 ? 32 : values->owned_capacity * 2;
        struct owned_text *grown = realloc(values->owned, capacity * sizeof *grown);
        if (grown == NULL)
            return NULL;
        values->owned = grown;
        values->owned_capacity = capacity;
    }
    char *copy = secret ? secret_copy(text) : strdup(text);
    if (copy != NULL)
        values->owned[values->owned_count++] = (struct owned_text){copy, secret};
    return copy;
}

/* Where a value stands, for messages and the record of origins. */
struct source {
    enum option_origin_kind kind;
    const char *file; /* NULL: the command line */
    struct config_mark mark;
    const char *spelled;
};

static enum err_code report(const struct option_row *row, const struct source *source,
                            const char *text, const struct err *reason, struct err *err)
{
    const char *blank = row->secret ? "" : " ";
    const char *shown = row->secret ? "" : text;
    if (reason->code == E_SYSTEM)
        return err_set(err, E_SYSTEM, "%s", reason->text);
    if (source->file == NULL && row->kind == OPTION_CUSTOM) {
        /* The sentence names bench's option; another tool's is spelled as it was given. */
        size_t bytes = strlen(row->name);
        bool named = row->spelled != NULL && strncmp(reason->text, "--", 2) == 0 &&
                     strncmp(reason->text + 2, row->name, bytes) == 0;
        return err_set(err, E_USAGE, "%s%s", named ? source->spelled : "",
                       reason->text + (named ? 2 + bytes : 0));
    }
    /* As the sentences of the others: --rps is --qps. */
    bool by_name = row->spelled == NULL && (row->kind == OPTION_RATE || row->kind == OPTION_WORD);
    if (source->file == NULL)
        return err_set(err, E_USAGE, "%s%s%s%.80s: %s%s%s", by_name ? "--" : "",
                       by_name ? row->name : source->spelled, blank, shown, reason->text,
                       row->hint != NULL ? "; " : "", row->hint != NULL ? row->hint : "");
    if (row->kind == OPTION_CUSTOM)
        return config_refuse(err, source->file, source->mark, "%s", reason->text);
    return config_refuse(err, source->file, source->mark, "%s:%s%.80s: %s", source->spelled, blank,
                         shown, reason->text);
}

/* The value as it stands, or behind what the same source gave before. */
static const char *keep_value(struct option_values *values, size_t row_index,
                              const struct source *source, const char *text)
{
    const char *earlier = values->texts[row_index];
    if (!values->table->rows[row_index].repeats || earlier == NULL ||
        values->origins[row_index].kind != source->kind)
        return keep(values, text, values->table->rows[row_index].secret);
    char *joined;
    if (asprintf(&joined, "%s,%s", earlier, text) < 0)
        return NULL;
    const char *kept = keep(values, joined, false);
    free(joined);
    return kept;
}

static enum err_code apply(struct option_values *values, size_t row_index,
                           const struct source *source, const char *text, struct err *err)
{
    const struct option_row *row = &values->table->rows[row_index];
    const char *kept = keep_value(values, row_index, source, text);
    if (kept == NULL)
        return err_set(err, E_SYSTEM, "reading the options: out of memory");
    struct err reason = {.code = OK};
    if (option_value_store(values->target, row, kept, &reason) != OK)
        return report(row, source, text, &reason, err);
    struct option_origin *origin = &values->origins[row_index];
    *origin = (struct option_origin){.kind = source->kind, .line = source->mark.line};
    snprintf(origin->given, sizeof origin->given, "%s", source->spelled);
    snprintf(origin->value, sizeof origin->value, "%s", row->secret ? "***" : kept);
    values->texts[row_index] = kept;
    return OK;
}

/* --- sources of values ----------------------------------------------------------------------- */

/* A key of the file of --config: a value, or a list of them, for the row of that name. */
struct config_entry {
    struct file_place place;
    const char *value;
};

struct config_entries {
    struct config_entry *entries;
    size_t count;
};

/* What a value may be is for its row to say. */
static enum err_code keep_value_text(void *entry, const char *value, struct err *err)
{
    (void)err;
    ((struct config_entry *)entry)->value = value;
    return OK;
}

static const struct file_field config_value = {
    .row = {.kind = OPTION_CUSTOM, .parse = keep_value_text}, .joins = true};
const struct file_kind options_config_kind = {
    .name = "config",
    .what = "config file",
    .help = "Options by their long names, for --config.",
    .root = {.row = {.offset = offsetof(struct config_entries, entries),
                     .hint = "options with their values are one, as in clients: 50"},
             .form = FILE_MAP,
             .of = &config_value,
             .element_bytes = sizeof(struct config_entry),
             .count_offset = offsetof(struct config_entries, count)},
};

/* The file that --config names. */
struct config_source {
    struct file_source file;
    bool trusted;
};

static enum err_code apply_config_entry(struct option_values *values,
                                        const struct config_source *config,
                                        const struct config_entry *entry, struct err *err)
{
    const struct option_table *table = values->table;
    const char *path = config->file.name;
    const char *key = entry->place.node->key;
    struct config_mark mark = entry->place.node->key_mark;
    int found = arguments_find_long(table, key, strlen(key));
    if (found < 0) {
        char nearest[SUGGEST_NAME_MAX + 1];
        arguments_nearest(nearest, sizeof nearest, table, key, strlen(key));
        return config_refuse(err, path, mark, "unknown key %.80s%s%s%s", key, SUGGESTED(nearest));
    }
    const struct option_row *row = &table->rows[found];
    if (row->kind == OPTION_NOT_YET || row->kind == OPTION_ELSEWHERE) {
        char name[400];
        snprintf(name, sizeof name, "%.200s:%u:%u: %.80s", path, mark.line, mark.column, key);
        return arguments_refuse_row(table, row, E_CONFIG, name, err);
    }
    if (row->command_line_only)
        return config_refuse(err, path, mark, "%s belongs on the command line", key);
    /* Whoever owns the file: it may have been unpacked, or cloned, as this user. */
    if (row->needs_trust && !config->trusted)
        return config_refuse(err, path, mark,
                             "%.40s writes, listens, or starts or reads something: give it on the "
                             "command line, or --trust-config if you trust this file as you trust "
                             "a script",
                             key);
    const struct option_origin *earlier = &values->origins[found];
    if (earlier->kind == ORIGIN_CONFIG)
        return config_refuse(err, path, mark, "%s is the same option as %s in line %u", key,
                             earlier->given, earlier->line);
    struct source source = {.kind = ORIGIN_CONFIG, .file = path, .mark = mark, .spelled = key};
    return apply(values, (size_t)found, &source, entry->value, err);
}

static enum err_code apply_config(struct option_values *values, const struct config_source *config,
                                  struct err *err)
{
    struct file file;
    struct config_entries list = {.count = 0};
    enum err_code code = file_read(&file, &options_config_kind, &list, &config->file, err);
    for (size_t i = 0; i < list.count && code == OK; i++)
        code = apply_config_entry(values, config, &list.entries[i], err);
    file_free(&file);
    return code;
}

static enum err_code apply_arguments(struct option_values *values,
                                     const struct arguments *arguments, struct err *err)
{
    enum err_code code = OK;
    for (size_t i = 0; i < arguments->count && code == OK; i++) {
        const struct argument *argument = &arguments->items[i];
        assert(argument->value != NULL);
        struct source source = {.kind = ORIGIN_COMMAND_LINE, .spelled = argument->spelled};
        code = apply(values, argument->row, &source, argument->value, err);
    }
    return code;
}

static enum err_code keep_rest(struct option_values *values, int rest, int argc,
                               const char *const *argv, struct err *err)
{
    if (rest < 0)
        return OK;
    size_t count = (size_t)(argc - rest);
    const char **list = calloc(count + 1, sizeof *list);
    if (list == NULL)
        return err_set(err, E_SYSTEM, "reading the options: out of memory");
    values->rest = list;
    values->rest_count = count;
    values->rest_marked = strcmp(argv[rest - 1], "--") == 0;
    for (size_t i = 0; i < count; i++) {
        list[i] = keep(values, argv[rest + (int)i], false);
        if (list[i] == NULL)
            return err_set(err, E_SYSTEM, "reading the options: out of memory");
    }
    return OK;
}

static const char *argument_value(const struct option_table *table,
                                  const struct arguments *arguments, const char *name)
{
    int row = options_row(table, name);
    for (size_t i = arguments->count; row >= 0 && i > 0; i--)
        if (arguments->items[i - 1].row == (size_t)row)
            return arguments->items[i - 1].value;
    return NULL;
}

/* A flag that other options depend on before it is stored itself. */
static bool argument_flag(const struct option_table *table, const struct arguments *arguments,
                          const char *name)
{
    int row = options_row(table, name);
    const char *text = argument_value(table, arguments, name);
    bool flag = false;
    return row >= 0 && text != NULL && table->rows[row].kind == OPTION_FLAG &&
           option_value_parse_flag(&flag, text) && flag;
}

/* --help and --version work beside any other mistake behind them. */
static bool apply_exits(struct option_values *values, const struct arguments *arguments)
{
    static const char *const names[] = {"help", "version"};
    bool found = false;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const bool flag = true;
        if (!argument_flag(values->table, arguments, names[i]))
            continue;
        const struct option_row *row = &values->table->rows[options_row(values->table, names[i])];
        memcpy((char *)values->target + row->base + row->offset, &flag, sizeof flag);
        found = true;
    }
    return found;
}

static enum err_code parse_sources(struct option_values *values, const struct arguments *arguments,
                                   int argc, const char *const *argv, struct err *err)
{
    enum err_code code = OK;
    for (size_t i = 0; i < values->table->row_count && code == OK; i++)
        code = store_default(values, i, err);
    const struct config_source config = {
        .file.name = argument_value(values->table, arguments, "config"),
        .trusted = argument_flag(values->table, arguments, "trust-config")};
    if (code == OK && config.file.name != NULL && !values->table->config_is_own)
        code = apply_config(values, &config, err);
    if (code == OK)
        code = apply_arguments(values, arguments, err);
    if (code == OK)
        code = keep_rest(values, arguments->rest, argc, argv, err);
    values->rest_behind = arguments->rest_behind;
    return code;
}

enum err_code options_parse(struct option_values *values, const struct option_table *table,
                            void *target, int argc, const char *const *argv, struct err *err)
{
    *values = (struct option_values){.table = table, .target = target};
    values->origins = calloc(table->row_count, sizeof *values->origins);
    values->texts = calloc(table->row_count, sizeof *values->texts);
    if (values->origins == NULL || values->texts == NULL)
        return err_set(err, E_SYSTEM, "reading the options: out of memory");
    struct arguments arguments;
    struct err cut_err = {.code = OK};
    enum err_code code = arguments_cut(&arguments, table, argc, argv, &cut_err);
    values->refused = arguments.refused;
    if (apply_exits(values, &arguments))
        code = OK;
    else if (code != OK)
        code = err_set(err, code, "%s", cut_err.text);
    else
        code = parse_sources(values, &arguments, argc, argv, err);
    arguments_free(&arguments);
    return code;
}

void options_free(struct option_values *values)
{
    for (size_t i = 0; i < values->owned_count; i++)
        if (values->owned[i].secret)
            secret_free(values->owned[i].text);
        else
            free(values->owned[i].text);
    free(values->owned);
    free(values->origins);
    free((void *)(uintptr_t)values->texts);
    free((void *)(uintptr_t)values->rest);
    *values = (struct option_values){0};
}
