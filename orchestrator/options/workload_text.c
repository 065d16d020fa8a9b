#include "orchestrator/options/workload_text.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/units.h"
#include "orchestrator/options/distribution.h"

#define FIELD_NAME_BYTES 64u /* with its end: as placeholders in braces have it */

struct writer {
    const struct workload_wish *wish;
    json_t *keys; /* spaces, as they are needed */
};

static bool ends_with(const char *word, const char *end)
{
    const size_t bytes = strlen(word), end_bytes = strlen(end);
    return bytes >= end_bytes && strcmp(word + bytes - end_bytes, end) == 0;
}

static bool is_numbered(const char *word)
{
    return ends_with(word, "__rand_int__") || ends_with(word, "__rand_1st__");
}

static bool begins_as_key(const char *word)
{
    return strncmp(word, "key:", 4) == 0;
}

/* The order of keys as -r, --sequential and --key-dist have it. */
static void describe_order(char *text, size_t text_bytes, const struct load_options *load)
{
    if (load->key_order == KEYS_RANDOM)
        distribution_format_keys(text, text_bytes, &load->key_distribution);
    else
        snprintf(text, text_bytes, "sequential");
}

/* A key space with this prefix, once. */
static void need_space(const struct writer *writer, const char *name, const char *prefix)
{
    const struct load_options *load = &writer->wish->spec->load;
    char order[DISTRIBUTION_KEYS_BYTES];
    if (json_object_get(writer->keys, name) != NULL)
        return;
    describe_order(order, sizeof order, load);
    json_object_set_new(writer->keys, name,
                        json_pack("{s:s, s:I, s:I, s:s}", "prefix", prefix, "count",
                                  (json_int_t)load->keyspace, "first",
                                  (json_int_t)load->keyspace_offset, "order", order));
}

static void need_usual_space(const struct writer *writer)
{
    const char *prefix = writer->wish->key_prefix;
    need_space(writer, "key", prefix != NULL ? prefix : "key:");
}

/* A word of a test's row, in braces. */
static json_t *translate(const struct writer *writer, const char *word)
{
    const struct load_options *load = &writer->wish->spec->load;
    char plain[WORKLOAD_TEST_ARG_BYTES], name[WORKLOAD_TEST_ARG_BYTES];
    workload_test_untagged(plain, word);
    if (strcmp(plain, "__data__") == 0)
        return json_string("{value}");
    if (!is_numbered(plain))
        return json_string(plain);
    plain[strlen(plain) - strlen("__rand_int__")] = '\0'; /* what stands in front of it */
    if (plain[0] == '\0')
        return json_sprintf("{int %" PRIu64 " %" PRIu64 "}", load->keyspace_offset,
                            load->keyspace_offset + load->keyspace - 1);
    snprintf(name, sizeof name, "%.*s", (int)(strlen(plain) - 1), plain); /* without the colon */
    if (strcmp(name, "key") == 0)
        need_usual_space(writer);
    else
        need_space(writer, name, plain);
    return json_sprintf("{key:%s}", name);
}

static bool has_data(const struct workload_test *test)
{
    for (size_t i = 0; test->argv[i] != NULL; i++)
        if (strcmp(test->argv[i], "__data__") == 0)
            return true;
    return false;
}

static bool has_keys(const struct workload_test *test)
{
    for (size_t i = 0; test->argv[i] != NULL; i++)
        if (begins_as_key(test->argv[i]))
            return true;
    return false;
}

static bool is_set(const struct workload_test *test)
{
    return test->argv[0] != NULL && strcasecmp(test->argv[0], "SET") == 0;
}

/* Tests that read and write keys by one value each. */
static bool is_verified(const struct workload_test *test)
{
    static const char *const names[] = {"set", "get", "mset"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(test->name, names[i]) == 0)
            return true;
    return false;
}

bool workload_wish_changes(const struct workload_wish *wish, const struct workload_test *test)
{
    return test->more == MORE_NONE &&
           ((wish->value_sizes != NULL && has_data(test)) ||
            (wish->key_prefix != NULL && has_keys(test)) ||
            (wish->ttl_words[0] != NULL && is_set(test)) || (wish->verify && is_verified(test)));
}

static json_t *class_of(const struct writer *writer, const struct weighted_test *weighted)
{
    const struct workload_test *test = weighted->test;
    json_t *words = json_array();
    for (size_t i = 0; test->argv[i] != NULL; i++)
        json_array_append_new(words, translate(writer, test->argv[i]));
    for (size_t i = 0; is_set(test) && writer->wish->ttl_words[0] != NULL && i < 2; i++)
        json_array_append_new(words, json_string(writer->wish->ttl_words[i]));
    return json_pack("{s:s, s:I, s:o}", "name", test->name, "weight", (json_int_t)weighted->weight,
                     "command", words);
}

static json_t *data_of(const struct workload_wish *wish)
{
    json_t *data = json_pack("{s:s}", "file", wish->dataset);
    if (wish->data_format != NULL)
        json_object_set_new(data, "format", json_string(wish->data_format));
    if (wish->data_rows > 0)
        json_object_set_new(data, "rows", json_integer((json_int_t)wish->data_rows));
    return data;
}

/* The text of all, which is forgotten. */
static char *finish(const struct writer *writer, json_t *classes, json_t *prefill)
{
    char size[24];
    const struct workload_wish *wish = writer->wish;
    snprintf(size, sizeof size, "%" PRIu64, wish->spec->load.data_bytes);
    json_t *document = json_pack(
        "{s:s, s:o, s:{s:{s:s}}, s:o}", "name", "options", "keys", writer->keys, "values", "value",
        "size", wish->value_sizes != NULL ? wish->value_sizes : size, "classes", classes);
    if (wish->dataset != NULL)
        json_object_set_new(document, "data", data_of(wish));
    if (prefill != NULL)
        json_object_set_new(document, "prefill", prefill);
    char *text = document != NULL ? json_dumps(document, 0) : NULL;
    json_decref(document);
    return text;
}

char *workload_text_of_tests(const struct workload_wish *wish, const struct weighted_test *tests,
                             size_t count)
{
    const struct writer writer = {.wish = wish, .keys = json_object()};
    json_t *classes = json_array(), *prefill = NULL;
    for (size_t i = 0; i < count; i++) {
        json_array_append_new(classes, class_of(&writer, &tests[i]));
        if (tests[i].test->prefill_name != NULL && has_keys(tests[i].test) && prefill == NULL)
            prefill = json_pack("{s:s, s:[s, s, s]}", "keys", "key", "command", "SET", "{key:key}",
                                "{value}");
    }
    return finish(&writer, classes, prefill);
}

char *workload_text_of_command(const struct workload_wish *wish, const char *const *argv,
                               size_t argc)
{
    const struct writer writer = {.wish = wish, .keys = json_object()};
    json_t *words = json_array();
    need_usual_space(&writer);
    for (size_t i = 0; i < argc; i++)
        json_array_append_new(words, json_string(argv[i]));
    json_t *classes = json_pack("[{s:s, s:o}]", "name", "command", "command", words);
    return finish(&writer, classes, NULL);
}

/* --- __field:NAME__ -------------------------------------------------------------------------- */

#define REPEAT_MAX_BYTES 6u /* digits of a number of times */

bool workload_text_has_fields(const char *const *argv, size_t argc)
{
    bool found = false;
    for (size_t i = 0; i < argc; i++) {
        const size_t bytes = strlen(argv[i]);
        struct placeholder_piece piece;
        for (size_t at = 0; at < bytes; at += piece.used_bytes) {
            piece = placeholder_next(argv[i] + at, bytes - at, PLACEHOLDER_FIELDS);
            found |= piece.kind == PLACEHOLDER_FIELD;
        }
    }
    return found;
}

/* Text in which a brace is one. Room for twice its length. */
static size_t escape(char *out, const char *text, size_t text_bytes)
{
    size_t used = 0;
    for (size_t i = 0; i < text_bytes; i++) {
        if (text[i] == '{')
            out[used++] = '\\';
        out[used++] = text[i];
    }
    return used;
}

/* A key space of numbers alone: what stands before them is text. */
static size_t write_number(char *out, size_t room, const struct writer *writer,
                           const struct placeholder_piece *piece)
{
    static const char *const names[] = {"1st", "2nd", "3rd", "4th", "5th",
                                        "6th", "7th", "8th", "9th"};
    char name[16] = "rand_int";
    const bool named = piece->kind == PLACEHOLDER_NAMED;
    if (named)
        snprintf(name, sizeof name, "rand_%s", names[piece->name_index]);
    need_space(writer, name, "");
    return (size_t)snprintf(out, room, "%s{key:%s%s}", piece->kind == PLACEHOLDER_KEY ? "key:" : "",
                            name, named ? "#1" : "");
}

static enum err_code write_field(char *out, size_t *used, size_t room,
                                 const struct placeholder_piece *piece, struct err *err)
{
    const int shown = piece->text_bytes < 60 ? (int)piece->text_bytes : 60;
    if (piece->name_bytes >= FIELD_NAME_BYTES || memchr(piece->name, '}', piece->name_bytes) ||
        piece->name[0] == ' ' || piece->name[piece->name_bytes - 1] == ' ')
        return err_set(err, E_USAGE,
                       "%.*s: a name of a field has up to %u bytes, no } and no blank at its ends",
                       shown, piece->text, FIELD_NAME_BYTES - 1);
    *used = (size_t)snprintf(out, room, "{field %.*s}", (int)piece->name_bytes, piece->name);
    return OK;
}

/* What stands for a piece, in braces. */
static enum err_code write_piece(char *out, size_t *used, size_t room, const struct writer *writer,
                                 const struct placeholder_piece *piece, struct err *err)
{
    const int shown = piece->text_bytes < 60 ? (int)piece->text_bytes : 60;
    switch (piece->kind) {
    case PLACEHOLDER_TEXT:
        *used = escape(out, piece->text, piece->text_bytes);
        return OK;
    case PLACEHOLDER_KEY:
    case PLACEHOLDER_INT:
    case PLACEHOLDER_NAMED:
        *used = write_number(out, room, writer, piece);
        return OK;
    case PLACEHOLDER_FIELD:
        return write_field(out, used, room, piece, err);
    case PLACEHOLDER_DATA:
        return err_set(err, E_USAGE, "__data__ placeholders cannot be used with --dataset");
    case PLACEHOLDER_TAG:
        return err_set(
            err, E_USAGE,
            "{tag} cannot be used with --dataset: leave it out; each request goes to the "
            "node that has its key");
    case PLACEHOLDER_UNKNOWN:
        break;
    }
    return err_set(err, E_USAGE,
                   "unknown placeholder %.*s; with --dataset known are __field:NAME__, "
                   "__key__, __rand_int__ and __rand_1st__ to __rand_9th__",
                   shown, piece->text);
}

static enum err_code add_word(json_t *words, const struct writer *writer, const char *word,
                              struct err *err)
{
    const struct spec *spec = writer->wish->spec;
    const unsigned known =
        placeholder_known(spec->load.placeholders, spec->endpoint.cluster) | PLACEHOLDER_FIELDS;
    const size_t bytes = strlen(word), room = bytes * 2 + 32;
    char *text = malloc(room);
    enum err_code code =
        text != NULL ? OK : err_set(err, E_SYSTEM, "no memory for a word of %zu bytes", bytes);
    size_t used = 0;
    struct placeholder_piece piece;
    for (size_t at = 0; at < bytes && code == OK; at += piece.used_bytes) {
        size_t more = 0;
        piece = placeholder_next(word + at, bytes - at, known);
        code = write_piece(text + used, &more, room - used, writer, &piece, err);
        used += more;
    }
    json_t *made = code == OK ? json_stringn(text, used) : NULL;
    if (code == OK && made == NULL)
        code = err_set(err, E_USAGE,
                       "--dataset: %.60s is no UTF-8; other bytes come from the table", word);
    free(text);
    json_array_append_new(words, made);
    return code;
}

/* "3 INCR": three times. What begins with a digit is no command. */
static enum err_code read_repeat(uint64_t *repeat, const char *word, struct err *err)
{
    *repeat = 1;
    if (word[0] < '1' || word[0] > '9')
        return OK;
    return strlen(word) <= REPEAT_MAX_BYTES && units_parse_count(repeat, word)
               ? OK
               : err_set(err, E_USAGE, "%.40s: how many times the command is sent", word);
}

/* The command that begins at *at, so often as it says; *at moves to what ends it. */
static enum err_code add_command(json_t *commands, size_t *at, const struct writer *writer,
                                 const char *const *argv, size_t argc, struct err *err)
{
    uint64_t repeat;
    enum err_code code = read_repeat(&repeat, argv[*at], err);
    json_t *words = json_array();
    if (repeat > 1 || (argv[*at][0] >= '1' && argv[*at][0] <= '9'))
        ++*at;
    for (; *at < argc && strcmp(argv[*at], ";") != 0 && code == OK; ++*at)
        code = add_word(words, writer, argv[*at], err);
    if (code == OK && json_array_size(commands) + repeat > PLAN_COMMANDS_MAX)
        code = err_set(err, E_USAGE, "with --dataset a sequence has up to %u commands",
                       PLAN_COMMANDS_MAX);
    for (uint64_t i = 0; i < repeat && code == OK && json_array_size(words) > 0; i++)
        json_array_append(commands, words);
    json_decref(words);
    return code;
}

enum err_code workload_text_of_fields(char **text, const struct workload_wish *wish,
                                      const char *const *argv, size_t argc, struct err *err)
{
    const struct writer writer = {.wish = wish, .keys = json_object()};
    json_t *commands = json_array();
    enum err_code code = OK;
    *text = NULL;
    for (size_t at = 0; at < argc && code == OK; at++)
        if (strcmp(argv[at], ";") != 0)
            code = add_command(commands, &at, &writer, argv, argc, err);
    if (code != OK) {
        json_decref(commands);
        json_decref(writer.keys);
        return code;
    }
    json_t *classes =
        json_pack("[{s:s, s:s, s:o}]", "name", "command", "unit", "sequence", "commands", commands);
    *text = finish(&writer, classes, NULL);
    return *text != NULL ? OK : err_set(err, E_SYSTEM, "no memory for a command");
}
