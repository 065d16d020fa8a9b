#include "orchestrator/options/workload_file.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/suggest.h"
#include "common/units.h"
#include "orchestrator/options/distribution.h"
#include "orchestrator/options/workload_document.h"

#define PREFIX_BYTES_MAX 1024u

struct reading {
    const struct file *file;
    struct workload_document *document;
    struct err *err;
};

#define REFUSE(reading, place, key, ...)                                                           \
    file_refuse((reading)->file, place, key, (reading)->err, __VA_ARGS__)

static enum err_code out_of_memory(const struct reading *reading)
{
    return err_set(reading->err, E_SYSTEM, "reading %.120s: out of memory", reading->file->name);
}

enum err_code workload_check_name(const struct file *file, const struct file_place *place,
                                  const char *key, const char *name, size_t bytes_max,
                                  struct err *err)
{
    bool fine = name[0] != '\0' && strlen(name) <= bytes_max;
    for (const char *c = name; *c != '\0'; c++)
        fine &= isalnum((unsigned char)*c) || strchr("_.-", *c) != NULL;
    return fine ? OK
                : file_refuse(file, place, key, err,
                              "the name %.40s: letters, digits, _ . and - are allowed, up to %zu",
                              name, bytes_max);
}

static enum err_code check_name(const struct reading *reading, const struct file_place *place,
                                const char *key, const char *name, size_t bytes_max)
{
    return workload_check_name(reading->file, place, key, name, bytes_max, reading->err);
}

static enum err_code make_keys(const struct reading *reading, struct key_entry *entry,
                               struct plan_key_space *space)
{
    const char *name = entry->place.node->key;
    *space = entry->space;
    space->name = name;
    space->prefix = entry->prefix;
    const bool skewed = space->order.kind == ORDER_ZIPF || space->order.kind == ORDER_LATEST;
    if (file_given(&entry->place, "exponent") && !skewed)
        return REFUSE(reading, &entry->place, "exponent",
                      "exponent goes with order: zipf or latest");
    if (file_given(&entry->place, "exponent"))
        space->order.exponent = entry->exponent;
    space->order.scattered = entry->scatter;
    if (space->binary && file_given(&entry->place, "digits"))
        return REFUSE(reading, &entry->place, "digits", "binary and digits exclude each other");
    snprintf(entry->usual_prefix, sizeof entry->usual_prefix, "%.*s:", (int)WORKLOAD_NAME_BYTES_MAX,
             name);
    if (space->prefix == NULL)
        space->prefix = entry->usual_prefix;
    if (strlen(space->prefix) > PREFIX_BYTES_MAX)
        return REFUSE(reading, &entry->place, "prefix", "prefix: more than %u bytes",
                      PREFIX_BYTES_MAX);
    return check_name(reading, &entry->place, NULL, name, WORKLOAD_NAME_BYTES_MAX);
}

/* As one would be given in a line. */
static void describe_lognormal(char *text, size_t text_bytes, const struct lognormal_entry *entry)
{
    int used = snprintf(text, text_bytes, "lognormal:%" PRIu64 ":%" PRIu64, entry->median_bytes,
                        entry->p99_bytes);
    if (entry->max_bytes > 0)
        snprintf(text + used, text_bytes - (size_t)used, ":%" PRIu64, entry->max_bytes);
}

static void describe_pareto(char *text, size_t text_bytes, const struct pareto_entry *entry)
{
    char shape[UNITS_PLAIN_BYTES];
    int used = snprintf(text, text_bytes, "pareto:%" PRIu64 ":%s", entry->min_bytes,
                        units_format_plain(shape, sizeof shape, entry->shape));
    if (entry->max_bytes > 0)
        snprintf(text + used, text_bytes - (size_t)used, ":%" PRIu64, entry->max_bytes);
}

static enum err_code make_size(const struct reading *reading, const struct size_entry *entry,
                               struct size_wish *size)
{
    const struct file_place *place = &entry->place;
    const int forms =
        file_given(place, "bytes") + file_given(place, "lognormal") + file_given(place, "pareto");
    if (forms != 1)
        return REFUSE(reading, place, NULL,
                      "a size is one of: a number, a range A-B, lognormal or pareto");
    if (file_given(place, "bytes")) {
        *size = entry->wish;
        return OK;
    }
    char text[128];
    struct err reason = {.code = OK};
    const bool lognormal = file_given(place, "lognormal");
    if (lognormal)
        describe_lognormal(text, sizeof text, &entry->lognormal);
    else
        describe_pareto(text, sizeof text, &entry->pareto);
    return distribution_parse_sizes(size, text, &reason) == OK
               ? OK
               : REFUSE(reading, lognormal ? &entry->lognormal.place : &entry->pareto.place, NULL,
                        "%s", reason.text);
}

/* --- tables ---------------------------------------------------------------------------------- */

char *workload_path_beside(const char *file, const char *path)
{
    const char *slash = strrchr(file, '/');
    const size_t directory_bytes = slash != NULL && path[0] != '/' ? (size_t)(slash - file) + 1 : 0;
    char *beside = malloc(directory_bytes + strlen(path) + 1);
    if (beside != NULL) {
        memcpy(beside, file, directory_bytes);
        memcpy(beside + directory_bytes, path, strlen(path) + 1);
    }
    return beside;
}

static enum err_code read_table(const struct reading *reading, const struct file_place *place,
                                const struct data_entry *entry, struct dataset *dataset)
{
    struct err reason = {.code = OK};
    char *path = workload_path_beside(reading->file->name, entry->path);
    if (path == NULL)
        return out_of_memory(reading);
    const enum dataset_format format =
        entry->format == 0 ? dataset_format_of(path) : (enum dataset_format)(entry->format - 1);
    enum err_code code = dataset_read(dataset, path, format, entry->rows, &reason);
    if (code != OK)
        code = REFUSE(reading, place, "file", "the data %.120s: %s", path, reason.text);
    free(path);
    dataset->data.at_random = entry->order == 1;
    return code;
}

static enum err_code read_data(const struct reading *reading)
{
    struct workload_document *document = reading->document;
    return file_given(&document->place, "data")
               ? read_table(reading, &document->data.place, &document->data, &document->dataset)
               : OK;
}

/* Which field of its table a value is. */
static enum err_code find_field(const struct reading *reading, const struct content_entry *content,
                                struct plan_value *value)
{
    const struct plan_data *table = &value->table;
    struct suggestion suggestion = {.wanted = content->field};
    char known[160] = "";
    size_t used = 0;
    if (content->field == NULL && table->field_count == 1)
        return OK;
    if (content->field != NULL)
        suggestion.wanted_bytes = strlen(content->field);
    for (uint32_t i = 0; i < table->field_count; i++) {
        value->field = i;
        if (content->field != NULL && strcmp(content->field, table->names[i]) == 0)
            return OK;
        if (content->field != NULL)
            suggest_offer(&suggestion, table->names[i], strlen(table->names[i]));
        if (used < sizeof known)
            used += (size_t)snprintf(known + used, sizeof known - used, "%s%s", i > 0 ? ", " : "",
                                     table->names[i]);
    }
    if (content->field == NULL)
        return REFUSE(reading, &content->place, NULL,
                      "which field of the file is meant must be said, as in field: %.40s; there "
                      "are %s",
                      table->names[0], known);
    return REFUSE(reading, &content->place, "field",
                  "field: the file has no field %.40s%s%s%s; there are %s", content->field,
                  SUGGESTED(suggestion.best), known);
}

/* A value whose content is a file's. */
static enum err_code make_table(const struct reading *reading, struct value_entry *entry,
                                struct plan_value *value)
{
    const struct content_entry *content = &entry->content;
    const struct file_place *place = &content->place;
    if (file_given(&entry->place, "size"))
        return REFUSE(reading, &entry->place, "size",
                      "content of a file has its own size: leave size out");
    if (file_given(place, "bytes") || file_given(place, "compressible"))
        return REFUSE(reading, place, file_given(place, "bytes") ? "bytes" : "compressible",
                      "file excludes bytes and compressible");
    enum err_code code = read_table(reading, place, &content->table, &entry->dataset);
    value->table = entry->dataset.data;
    return code == OK ? find_field(reading, content, value) : code;
}

/* What a file's content is asked, and another one's is not. */
static enum err_code refuse_without_file(const struct reading *reading,
                                         const struct content_entry *content)
{
    static const char *const keys[] = {"format", "order", "rows", "field"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        if (file_given(&content->place, keys[i]))
            return REFUSE(reading, &content->place, keys[i], "%s goes with file", keys[i]);
    return OK;
}

static enum err_code make_value(const struct reading *reading, struct value_entry *entry,
                                struct plan_value *value)
{
    const struct content_entry *content = &entry->content;
    *value = (struct plan_value){.name = entry->place.node->key, .size_by_key = entry->per_key};
    if (check_name(reading, &entry->place, NULL, value->name, WORKLOAD_NAME_BYTES_MAX) != OK)
        return reading->err->code;
    if (file_given(&entry->place, "content") && file_given(&content->place, "file"))
        return make_table(reading, entry, value);
    if (!file_given(&entry->place, "size"))
        return REFUSE(reading, &entry->place, NULL, "\"size\" is missing");
    if (file_given(&entry->place, "content") && refuse_without_file(reading, content) != OK)
        return reading->err->code;
    if (file_given(&entry->place, "content")) {
        value->content = content->word == WORD_RANDOM ? CONTENT_RANDOM : CONTENT_LETTERS;
        if (file_given(&content->place, "compressible")) {
            if (file_given(&content->place, "bytes"))
                return REFUSE(reading, &content->place, "compressible",
                              "bytes and compressible exclude each other");
            value->content = CONTENT_COMPRESSIBLE;
            value->compressible = content->compressible;
        }
    }
    return make_size(reading, &entry->size, &value->size);
}

/* --- commands -------------------------------------------------------------------------------- */

static enum err_code split_text(const struct reading *reading, struct command_entry *entry)
{
    const size_t bytes = strlen(entry->text);
    struct err reason = {.code = OK};
    /* Each word is shorter than what it was cut from, but for its end. */
    entry->split = malloc(bytes * 2 + 2);
    entry->split_words = calloc(bytes / 2 + 2, sizeof entry->split_words[0]);
    if (entry->split == NULL || entry->split_words == NULL)
        return out_of_memory(reading);
    const char *at = entry->text;
    char *word = entry->split;
    bool found = true;
    size_t count = 0;
    while (found) {
        if (workload_next_word(word, &found, &at, &reason) != OK)
            return REFUSE(reading, &entry->place, NULL, "%s", reason.text);
        if (found) {
            entry->split_words[count++] = word;
            word += strlen(word) + 1;
        }
    }
    entry->command = (struct plan_command){.words = entry->split_words, .word_count = count};
    return OK;
}

static enum err_code make_command(const struct reading *reading, struct command_entry *entry)
{
    if (file_given(&entry->place, "text") == file_given(&entry->place, "words"))
        return REFUSE(reading, &entry->place, NULL, "a command is a text, or a list of words");
    if (entry->text != NULL)
        return split_text(reading, entry);
    entry->command = (struct plan_command){.words = entry->words, .word_count = entry->word_count};
    return OK;
}

static void free_command(struct command_entry *entry)
{
    free(entry->split);
    free(entry->split_words);
}

/* --- classes --------------------------------------------------------------------------------- */

static enum err_code make_unit(const struct reading *reading, struct class_entry *entry,
                               struct plan_class *class)
{
    const struct file_place *place = &entry->place;
    const bool one = file_given(place, "command"), several = file_given(place, "commands");
    if (one && several)
        return REFUSE(reading, place, "commands", "command and commands exclude each other");
    if (!one && !several)
        return REFUSE(reading, place, NULL, "\"command\" is missing");
    class->command_count = one ? 1 : entry->command_count;
    if (several && !file_given(place, "unit"))
        return REFUSE(reading, place, "commands",
                      "commands need \"unit\": transaction (between MULTI and EXEC) or sequence");
    if (several && class->unit == UNIT_REQUEST && class->command_count > 1)
        return REFUSE(reading, place, "unit", "unit: request takes one command");
    entry->list = calloc(class->command_count, sizeof entry->list[0]);
    if (entry->list == NULL)
        return out_of_memory(reading);
    enum err_code code = OK;
    for (size_t i = 0; i < class->command_count && code == OK; i++) {
        struct command_entry *command = one ? &entry->command : &entry->commands[i];
        code = make_command(reading, command);
        entry->list[i] = command->command;
    }
    class->commands = entry->list;
    return code;
}

/* key: "on_miss" or "then". */
static enum err_code find_follower(uint32_t *found, const struct reading *reading,
                                   const struct class_entry *entry, const char *key,
                                   const char *wanted)
{
    const struct workload_document *document = reading->document;
    struct suggestion suggestion = {.wanted = wanted, .wanted_bytes = strlen(wanted)};
    if (strcmp(wanted, entry->name) == 0)
        return REFUSE(reading, &entry->place, key,
                      "%s: %.40s names itself: a request would follow a request without end", key,
                      wanted);
    for (size_t i = 0; i < document->class_count; i++) {
        const char *name = document->classes[i].name;
        if (strcmp(name, wanted) == 0)
            *found = (uint32_t)i;
        suggest_offer(&suggestion, name, strlen(name));
    }
    if (*found == PLAN_NO_CLASS)
        return REFUSE(reading, &entry->place, key, "%s: there is no class %.40s%s%s%s", key, wanted,
                      SUGGESTED(suggestion.best));
    const struct class_entry *follower = &document->classes[*found];
    if (follower->then != NULL || (entry->then != NULL && follower->on_miss != NULL))
        return REFUSE(reading, &entry->place, key,
                      "%s: %.40s is followed by another class itself, and what follows is followed "
                      "by nothing",
                      key, wanted);
    return OK;
}

static enum err_code find_followers(const struct reading *reading, const struct class_entry *entry,
                                    struct plan_class *class)
{
    enum err_code code = OK;
    if (entry->on_miss != NULL && entry->then != NULL)
        return REFUSE(reading, &entry->place, "then", "then: on_miss is there, too; give one");
    if (entry->on_miss != NULL)
        code = find_follower(&class->on_miss, reading, entry, "on_miss", entry->on_miss);
    if (entry->then != NULL)
        code = find_follower(&class->then, reading, entry, "then", entry->then);
    if (code == OK && class->until_hit && class->weight > 0)
        code = REFUSE(reading, &entry->place, "until",
                      "until: hit goes with a class that follows another one: weight: 0, and its "
                      "name behind that one's \"then\"");
    return code;
}

static enum err_code make_class(const struct reading *reading, struct class_entry *entry,
                                struct plan_class *class)
{
    const struct workload_document *document = reading->document;
    *class = (struct plan_class){.name = entry->name,
                                 .weight = entry->weight,
                                 .unit = (enum class_unit)entry->unit,
                                 .on_miss = PLAN_NO_CLASS,
                                 .then = PLAN_NO_CLASS,
                                 .until_hit = entry->until == 1};
    enum err_code code =
        check_name(reading, &entry->place, "name", entry->name, PLAN_CLASS_NAME_BYTES - 1);
    for (const struct class_entry *other = document->classes; other < entry && code == OK; other++)
        if (strcmp(other->name, entry->name) == 0)
            code = REFUSE(reading, &entry->place, "name", "there are two classes %s", entry->name);
    if (code == OK)
        code = make_unit(reading, entry, class);
    if (code == OK)
        code = find_followers(reading, entry, class);
    return code;
}

static enum err_code make_prefill(const struct reading *reading, struct prefill_entry *entry,
                                  struct plan_prefill *prefill)
{
    const struct workload_document *document = reading->document;
    struct suggestion suggestion = {.wanted = entry->keys, .wanted_bytes = strlen(entry->keys)};
    bool found = false;
    for (size_t i = 0; i < document->key_count; i++) {
        const char *name = document->keys[i].place.node->key;
        suggest_offer(&suggestion, name, strlen(name));
        if (strcmp(name, entry->keys) == 0) {
            prefill->key_space = (uint32_t)i;
            found = true;
        }
    }
    if (!found)
        return REFUSE(reading, &entry->place, "keys", "keys: there is no key space %.40s%s%s%s",
                      entry->keys, SUGGESTED(suggestion.best));
    enum err_code code = make_command(reading, &entry->command);
    prefill->write = (struct plan_class){.name = "prefill",
                                         .weight = 1,
                                         .commands = &entry->command.command,
                                         .command_count = 1,
                                         .on_miss = PLAN_NO_CLASS,
                                         .then = PLAN_NO_CLASS};
    return code;
}

/* --- consumers ------------------------------------------------------------------------------- */

/* What an entry listens to: one of these. */
static enum err_code find_consume_kind(const struct reading *reading, struct consumer_entry *entry,
                                       struct plan_consumer *consumer)
{
    const struct {
        const char *key, *target;
        enum consume_kind kind;
    } ways[] = {
        {"channel", entry->channel, CONSUME_CHANNEL},
        {"pattern", entry->pattern, CONSUME_PATTERN},
        {"shard_channel", entry->shard_channel, CONSUME_SHARD_CHANNEL},
        {"pop", NULL, CONSUME_POP},
        {"stream", entry->stream, CONSUME_GROUP},
        {"tracking", entry->tracking, CONSUME_TRACKING},
    };
    static const char *const of_stream[] = {"group", "count", "block", "acknowledge",
                                            "claim_after"};
    size_t found = 0;
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        if (!file_given(&entry->place, ways[i].key))
            continue;
        found++;
        consumer->kind = ways[i].kind;
        consumer->target = ways[i].target;
    }
    if (found != 1)
        return REFUSE(reading, &entry->place, NULL,
                      "a consumer has one of: channel, pattern, shard_channel, pop, stream and "
                      "tracking");
    for (size_t i = 0; i < sizeof of_stream / sizeof of_stream[0]; i++)
        if (consumer->kind != CONSUME_GROUP && file_given(&entry->place, of_stream[i]))
            return REFUSE(reading, &entry->place, of_stream[i], "%s goes with stream",
                          of_stream[i]);
    if (consumer->kind != CONSUME_POP)
        return OK;
    enum err_code code = make_command(reading, &entry->pop);
    consumer->command = entry->pop.command;
    consumer->target =
        consumer->command.word_count > 1 ? consumer->command.words[1] : ""; /* refused later */
    return code;
}

static enum err_code make_consumer(const struct reading *reading, struct consumer_entry *entry,
                                   struct plan_consumer *consumer)
{
    const struct workload_document *document = reading->document;
    *consumer = (struct plan_consumer){
        .name = entry->name,
        .connections = entry->connections,
        .group = entry->group,
        .count = entry->count,
        .block_ms = entry->block_ns / NS_PER_MS,
        .claim_after_ms = entry->claim_after_ns / NS_PER_MS,
        .acknowledge = entry->acknowledge,
    };
    enum err_code code =
        check_name(reading, &entry->place, "name", entry->name, PLAN_CLASS_NAME_BYTES - 1);
    for (size_t i = 0; i < document->class_count && code == OK; i++)
        if (strcmp(document->classes[i].name, entry->name) == 0)
            code = REFUSE(reading, &entry->place, "name", "a class and a consumer have the name %s",
                          entry->name);
    for (const struct consumer_entry *other = document->consumers; other < entry && code == OK;
         other++)
        if (strcmp(other->name, entry->name) == 0)
            code =
                REFUSE(reading, &entry->place, "name", "there are two consumers %s", entry->name);
    if (code == OK)
        code = find_consume_kind(reading, entry, consumer);
    if (code == OK && !consumer->acknowledge && consumer->claim_after_ms > 0)
        code = REFUSE(reading, &entry->place, "claim_after",
                      "claim_after: with acknowledge: false each entry would be claimed again and "
                      "again; leave one of them out");
    if (code == OK && consumer->kind == CONSUME_GROUP && consumer->group == NULL) {
        snprintf(entry->own_group, sizeof entry->own_group, "volley-%08x",
                 (unsigned)(clock_now_ns() >> 8));
        consumer->group = entry->own_group;
    }
    if (code == OK && consumer->group != NULL)
        code =
            check_name(reading, &entry->place, "group", consumer->group, WORKLOAD_NAME_BYTES_MAX);
    return code;
}

/* --- the whole ------------------------------------------------------------------------------- */

static enum err_code check_weights(const struct reading *reading)
{
    const struct workload_document *document = reading->document;
    uint64_t sum = 0;
    for (size_t i = 0; i < document->class_count; i++)
        sum += document->classes[i].weight;
    return sum > 0 ? OK
                   : REFUSE(reading, &document->place, "classes",
                            "the weights of all classes are 0: nothing would be sent");
}

/* What only a compilation finds out. */
static enum err_code check_plan(const struct reading *reading, const struct workload_plan *plan)
{
    struct err reason = {.code = OK};
    struct workload_fault fault;
    enum err_code code = workload_check(&fault, plan, &reason);
    const struct workload_document *document = reading->document;
    if (code == OK || code == E_SYSTEM)
        return code == OK ? OK : err_set(reading->err, code, "%s", reason.text);
    if (fault.prefill < document->prefill_count)
        return REFUSE(reading, &document->prefills[fault.prefill].place, "command", "%s",
                      reason.text);
    if (fault.consumer < document->consumer_count && fault.class == document->class_count)
        return REFUSE(reading, &document->consumers[fault.consumer].place, NULL, "%s", reason.text);
    if (fault.class < document->class_count) {
        const struct file_place *place = &document->classes[fault.class].place;
        return REFUSE(reading, place, file_given(place, "command") ? "command" : "commands", "%s",
                      reason.text);
    }
    return REFUSE(reading, &document->place, NULL, "%s", reason.text);
}

static bool allocate(struct workload_document *document)
{
    document->plan_keys = calloc(document->key_count + 1, sizeof document->plan_keys[0]);
    document->plan_values = calloc(document->value_count + 1, sizeof document->plan_values[0]);
    document->plan_classes = calloc(document->class_count + 1, sizeof document->plan_classes[0]);
    document->plan_prefills =
        calloc(document->prefill_count + 1, sizeof document->plan_prefills[0]);
    document->plan_consumers =
        calloc(document->consumer_count + 1, sizeof document->plan_consumers[0]);
    return document->plan_consumers != NULL && document->plan_keys != NULL &&
           document->plan_values != NULL && document->plan_classes != NULL &&
           document->plan_prefills != NULL;
}

static enum err_code make_plan(const struct reading *reading, struct workload_plan *plan)
{
    struct workload_document *document = reading->document;
    if (!allocate(document))
        return out_of_memory(reading);
    enum err_code code =
        check_name(reading, &document->place, "name", document->name, WORKLOAD_NAME_BYTES_MAX);
    for (size_t i = 0; i < document->key_count && code == OK; i++)
        code = make_keys(reading, &document->keys[i], &document->plan_keys[i]);
    for (size_t i = 0; i < document->value_count && code == OK; i++)
        code = make_value(reading, &document->values[i], &document->plan_values[i]);
    for (size_t i = 0; i < document->class_count && code == OK; i++)
        code = make_class(reading, &document->classes[i], &document->plan_classes[i]);
    for (size_t i = 0; i < document->prefill_count && code == OK; i++)
        code = make_prefill(reading, &document->prefills[i], &document->plan_prefills[i]);
    for (size_t i = 0; i < document->consumer_count && code == OK; i++)
        code = make_consumer(reading, &document->consumers[i], &document->plan_consumers[i]);
    if (code == OK)
        code = check_weights(reading);
    if (code == OK)
        code = read_data(reading);
    *plan = (struct workload_plan){
        .name = document->name,
        .key_spaces = document->plan_keys,
        .values = document->plan_values,
        .classes = document->plan_classes,
        .prefills = document->plan_prefills,
        .data = document->dataset.data,
        .key_space_count = document->key_count,
        .value_count = document->value_count,
        .class_count = document->class_count,
        .prefill_count = document->prefill_count,
        .consumers = document->plan_consumers,
        .consumer_count = document->consumer_count,
    };
    if (code == OK)
        code = workload_scripts_make(plan, document, reading->file, reading->err);
    return code == OK ? check_plan(reading, plan) : code;
}

static enum err_code make_buffer(const struct reading *reading, struct workload_file *workload)
{
    struct workload_document *document = workload->document;
    workload->has_buffer = file_given(&document->place, "buffer");
    workload->buffer_profile = document->buffer.profile;
    if (!workload->has_buffer)
        return OK;
    if (buffer_within_make(&workload->buffer, &document->buffer, &workload->file, document->name,
                           reading->err) != OK)
        return reading->err->code;
    return workload->buffer.wanted && document->consumer_count > 0
               ? REFUSE(reading, &document->place, "buffer",
                        "buffer: the workload has consumers, which it does not go with")
               : OK;
}

enum err_code workload_file_read(struct workload_file *workload, const struct file_source *source,
                                 struct err *err)
{
    *workload = (struct workload_file){.document = calloc(1, sizeof *workload->document)};
    const struct reading reading = {
        .file = &workload->file, .document = workload->document, .err = err};
    if (workload->document == NULL)
        return err_set(err, E_SYSTEM, "reading %.120s: out of memory", source->name);
    enum err_code code =
        file_read(&workload->file, &workload_file_kind, workload->document, source, err);
    workload->about = workload->document->about;
    if (code == OK)
        code = make_plan(&reading, &workload->plan);
    return code == OK ? make_buffer(&reading, workload) : code;
}

void workload_file_free(struct workload_file *workload)
{
    struct workload_document *document = workload->document;
    if (document == NULL)
        return;
    for (size_t i = 0; i < document->class_count; i++) {
        struct class_entry *class = &document->classes[i];
        free_command(&class->command);
        for (size_t k = 0; k < class->command_count; k++)
            free_command(&class->commands[k]);
        free(class->list);
    }
    for (size_t i = 0; i < document->prefill_count; i++)
        free_command(&document->prefills[i].command);
    for (size_t i = 0; i < document->consumer_count; i++)
        free_command(&document->consumers[i].pop);
    for (size_t i = 0; i < document->value_count; i++)
        dataset_free(&document->values[i].dataset);
    dataset_free(&document->dataset);
    workload_scripts_free(document);
    free(document->plan_keys);
    free(document->plan_values);
    free(document->plan_classes);
    free(document->plan_prefills);
    free(document->plan_consumers);
    free(document);
    file_free(&workload->file);
    *workload = (struct workload_file){.document = NULL};
}
