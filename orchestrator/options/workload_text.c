#include "orchestrator/options/workload_text.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "orchestrator/options/distribution.h"

#define TAG ":{tag}"
#define WORD_BYTES 128

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
    char plain[WORD_BYTES], name[WORD_BYTES];
    const char *tag = strstr(word, TAG);
    if (tag != NULL)
        snprintf(plain, sizeof plain, "%.*s%s", (int)(tag - word), word, tag + strlen(TAG));
    else
        snprintf(plain, sizeof plain, "%s", word);
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

bool workload_wish_changes(const struct workload_wish *wish, const struct workload_test *test)
{
    return test->more == MORE_NONE && ((wish->value_sizes != NULL && has_data(test)) ||
                                       (wish->key_prefix != NULL && has_keys(test)) ||
                                       (wish->ttl_words[0] != NULL && is_set(test)));
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
        json_object_set_new(document, "data", json_string(wish->dataset));
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
