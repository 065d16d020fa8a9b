#include "orchestrator/options/workload_file.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/units.h"
#include "orchestrator/options/distribution.h"
#include "orchestrator/options/option_group.h"
#include "orchestrator/options/suggest.h"

#define COUNT(list) (sizeof(list) / sizeof(list)[0])
#define NAME_BYTES_MAX 63u
#define PREFIX_BYTES_MAX 1024u

/* --- what is read ---------------------------------------------------------------------------- */

struct key_entry {
    struct file_place place;
    struct plan_key_space space;
    const char *prefix;
    char usual_prefix[NAME_BYTES_MAX + 2];
    double exponent;
    bool scatter;
};
struct lognormal_entry {
    struct file_place place;
    uint64_t median_bytes, p99_bytes, max_bytes;
};
struct pareto_entry {
    struct file_place place;
    uint64_t min_bytes, max_bytes;
    double shape;
};
struct size_entry {
    struct file_place place;
    struct size_wish wish;
    struct lognormal_entry lognormal;
    struct pareto_entry pareto;
};
enum content_word { WORD_LETTERS, WORD_RANDOM };
struct content_entry {
    struct file_place place;
    unsigned word; /* enum content_word */
    double compressible;
};
struct value_entry {
    struct file_place place;
    struct size_entry size;
    struct content_entry content;
    bool per_key;
};
struct command_entry {
    struct file_place place;
    const char *text;
    const char **words;
    size_t word_count;
    struct plan_command command; /* what becomes of it */
    char *split;                 /* owned: the words of the text ... */
    const char **split_words;    /* ... and the list of them         */
};
struct class_entry {
    struct file_place place;
    const char *name;
    uint64_t weight;
    unsigned unit; /* enum class_unit */
    struct command_entry command;
    struct command_entry *commands;
    size_t command_count;
    const char *on_miss;
    struct plan_command *list; /* owned */
};
struct prefill_entry {
    struct file_place place;
    const char *keys;
    struct command_entry command;
};
struct workload_document {
    struct file_place place;
    const char *name;
    struct key_entry *keys;
    struct value_entry *values;
    struct class_entry *classes;
    struct prefill_entry *prefills;
    size_t key_count, value_count, class_count, prefill_count;
    struct plan_key_space *plan_keys;
    struct plan_value *plan_values;
    struct plan_class *plan_classes;
    struct plan_prefill *plan_prefills;
};

/* --- fields ---------------------------------------------------------------------------------- */

static enum err_code parse_order(void *target, const char *text, struct err *err)
{
    return distribution_parse_keys(&((struct key_entry *)target)->space.order, text, err);
}

static enum err_code parse_size(void *target, const char *text, struct err *err)
{
    return distribution_parse_sizes(&((struct size_entry *)target)->wish, text, err);
}

#define AT(member) offsetof(struct key_entry, member)
static const struct file_field key_fields[] = {
    {.row = {ROW("prefix", NULL, OPTION_TEXT, NULL, AT(prefix)),
             .help = "What its keys begin with; the name and a colon where it is left out."}},
    {.row = {ROW("count", NULL, OPTION_COUNT, NULL, AT(space.count)), NUMBER(1, PLAN_KEYS_MAX),
             .hint = "as in count: 1m", .help = "How many keys there are."},
     .required = true},
    {.row = {ROW("first", NULL, OPTION_COUNT, NULL, AT(space.first)), NUMBER(0, PLAN_KEYS_MAX),
             .unset = "0", .help = "The number of the first one."}},
    {.row = {.name = "order",
             .kind = OPTION_CUSTOM,
             .parse = parse_order,
             .unset = "uniform",
             .value_at = distribution_key_word_at,
             .help = "Which keys are asked for, and how often."}},
    {.row = {ROW("exponent", NULL, OPTION_REAL, NULL, AT(exponent)), .least = 0,
             .most = KEY_EXPONENT_MAX,
             .help = "Of order: zipf and latest; 0.99 where it is left out."}},
    {.row = {ROW("scatter", NULL, OPTION_FLAG, NULL, AT(scatter)), .unset = "true",
             .help = "Whether keys that are asked for often lie all over the range, or side by "
                     "side from the first one on."}},
    {.row = {ROW("digits", NULL, OPTION_COUNT, NULL, AT(space.digits)), NUMBER(0, PLAN_DIGITS_MAX),
             .unset = "12", .help = "Zeros fill the number up to so many; 0: none do."}},
    {.row = {ROW("size", NULL, OPTION_SIZE, NULL, AT(space.key_bytes)), NUMBER(1, 64 * 1024),
             .help = "The letter x fills keys up to so many bytes."}},
    {.row = {ROW("binary", NULL, OPTION_FLAG, NULL, AT(space.binary)), .unset = "false",
             .help = "The number as 8 bytes, the highest first, in place of digits."}},
    {.row = {ROW("tag", NULL, OPTION_FLAG, NULL, AT(space.tagged)), .unset = "false",
             .help = "The number stands in braces: keys of different spaces with one number are in "
                     "one slot of a cluster."}},
};
#undef AT

#define AT(member) offsetof(struct lognormal_entry, member)
#define SIZE(name_, member_, help_)                                                                \
    ROW(name_, NULL, OPTION_SIZE, NULL, AT(member_)), NUMBER(1, SIZE_BYTES_MAX), .help = help_
static const struct file_field lognormal_fields[] = {
    {.row = {SIZE("median", median_bytes, "Half of them are smaller.")}, .required = true},
    {.row = {SIZE("p99", p99_bytes, "One in a hundred is larger.")}, .required = true},
    {.row = {SIZE("max", max_bytes,
                  "What is larger is cut to this; 16 times p99 where it is left "
                  "out.")}},
};
#undef AT
static const struct file_object lognormal_object = {.name = "a lognormal distribution",
                                                    .fields = lognormal_fields,
                                                    .field_count = COUNT(lognormal_fields)};

#define AT(member) offsetof(struct pareto_entry, member)
static const struct file_field pareto_fields[] = {
    {.row = {SIZE("min", min_bytes, "The smallest.")}, .required = true},
    {.row = {ROW("shape", NULL, OPTION_REAL, NULL, AT(shape)), .least = 0.01, .most = 100,
             .help = "A size s or more has the probability (min / s)^shape."},
     .required = true},
    {.row = {SIZE("max", max_bytes, "What is larger is cut to this.")}},
};
#undef AT
#undef SIZE
static const struct file_object pareto_object = {
    .name = "a Pareto distribution", .fields = pareto_fields, .field_count = COUNT(pareto_fields)};

#define AT(member) offsetof(struct size_entry, member)
static const struct file_field size_fields[] = {
    {.row = {.name = "bytes",
             .kind = OPTION_CUSTOM,
             .parse = parse_size,
             .help = "16, 16-1024, weights:64:80,4096:20, bimodal:64/4kb/80, lognormal:300:4000 or "
                     "pareto:64:1.5."}},
    {.row = {.name = "lognormal", .offset = AT(lognormal), .help = "By median and p99."},
     .form = FILE_OBJECT,
     .object = &lognormal_object},
    {.row = {.name = "pareto", .offset = AT(pareto), .help = "A long tail."},
     .form = FILE_OBJECT,
     .object = &pareto_object},
};
#undef AT
static const struct file_object size_object = {
    .name = "a size", .fields = size_fields, .field_count = COUNT(size_fields), .short_form = true};

static const char *content_at(size_t index)
{
    static const char *const words[] = {[WORD_LETTERS] = "letters", [WORD_RANDOM] = "random"};
    return index < COUNT(words) ? words[index] : NULL;
}

#define AT(member) offsetof(struct content_entry, member)
static const struct file_field content_fields[] = {
    {.row = {ROW("bytes", NULL, OPTION_WORD, NULL, AT(word)), .value_at = content_at,
             .unset = "letters",
             .help = "letters: A to Z, as valkey-benchmark has them; random: any bytes."}},
    {.row = {ROW("compressible", NULL, OPTION_REAL, NULL, AT(compressible)), .least = 0, .most = 1,
             .help = "To which part of its size a value can be compressed."}},
};
#undef AT
static const struct file_object content_object = {.name = "a content",
                                                  .fields = content_fields,
                                                  .field_count = COUNT(content_fields),
                                                  .short_form = true};

#define AT(member) offsetof(struct value_entry, member)
static const struct file_field value_fields[] = {
    {.row = {.name = "size", .offset = AT(size), .help = "How large it is."},
     .form = FILE_OBJECT,
     .object = &size_object,
     .required = true},
    {.row = {.name = "content", .offset = AT(content), .help = "What it is made of."},
     .form = FILE_OBJECT,
     .object = &content_object},
    {.row = {ROW("per_key", NULL, OPTION_FLAG, NULL, AT(per_key)), .unset = "false",
             .help = "Its size goes with the key in front of it, and never changes."}},
};
#undef AT

/* It may be empty. */
static enum err_code parse_word(void *target, const char *text, struct err *err)
{
    (void)err;
    *(const char **)target = text;
    return OK;
}

/* A text is cut into words; a list is words. */
static enum err_code rewrite_command(const struct file_object *object, struct config_node *node,
                                     struct err *reason)
{
    (void)object;
    const char *key = node->kind == CONFIG_SCALAR ? "text" : "words";
    if (node->kind == CONFIG_MAP || node->kind == CONFIG_NOTHING || config_node_wrap(node, key))
        return OK;
    return err_set(reason, E_SYSTEM, "out of memory");
}

#define AT(member) offsetof(struct command_entry, member)
static const struct file_field word_field = {.row = {.kind = OPTION_CUSTOM, .parse = parse_word}};
static const struct file_field command_fields[] = {
    {.row = {ROW("text", NULL, OPTION_TEXT, NULL, AT(text)),
             .help = "Its words, with blanks between them."}},
    {.row = {.name = "words", .offset = AT(words), .help = "One by one."},
     .form = FILE_LIST,
     .of = &word_field,
     .element_bytes = sizeof(const char *),
     .count_offset = AT(word_count),
     .least = 1,
     .most = 10000},
};
#undef AT
static const struct file_object command_object = {
    .name = "a command",
    .help = "Words and placeholders.",
    .fields = command_fields,
    .field_count = COUNT(command_fields),
    .rewrite = rewrite_command,
    .other_forms = "[{\"type\": [\"string\", \"number\"]}, {\"type\": \"array\", \"items\": "
                   "{\"type\": [\"string\", \"number\", \"boolean\"]}, \"minItems\": 1}]",
};
static const struct file_field command_field = {.form = FILE_OBJECT, .object = &command_object};

static const char *unit_at(size_t index)
{
    static const char *const words[] = {[UNIT_REQUEST] = "request",
                                        [UNIT_SEQUENCE] = "sequence",
                                        [UNIT_TRANSACTION] = "transaction"};
    return index < COUNT(words) ? words[index] : NULL;
}

#define AT(member) offsetof(struct class_entry, member)
static const struct file_field class_fields[] = {
    {.row = {ROW("name", NULL, OPTION_TEXT, NULL, AT(name)),
             .help = "In reports, and in objectives, as in read:p99<1ms."},
     .required = true},
    {.row = {ROW("weight", NULL, OPTION_COUNT, NULL, AT(weight)), NUMBER(0, 1000000000),
             .unset = "1", .help = "Its part of all requests, beside the other weights."}},
    {.row = {.name = "command",
             .offset = offsetof(struct class_entry, command),
             .help = "What is sent."},
     .form = FILE_OBJECT,
     .object = &command_object},
    {.row = {.name = "commands", .offset = AT(commands), .help = "Several, for a unit of them."},
     .form = FILE_LIST,
     .of = &command_field,
     .element_bytes = sizeof(struct command_entry),
     .count_offset = AT(command_count),
     .least = 1,
     .most = PLAN_COMMANDS_MAX},
    {.row = {ROW("unit", NULL, OPTION_WORD, NULL, AT(unit)), .value_at = unit_at,
             .help = "transaction: between MULTI and EXEC; sequence: sent together. Both are one "
                     "request, with the time of the last reply."}},
    {.row = {ROW("on_miss", NULL, OPTION_TEXT, NULL, AT(on_miss)),
             .help = "The class whose request follows, for the same keys, when a read misses."}},
};
#undef AT
static const struct file_object class_object = {
    .name = "a class", .fields = class_fields, .field_count = COUNT(class_fields)};

#define AT(member) offsetof(struct prefill_entry, member)
static const struct file_field prefill_fields[] = {
    {.row = {ROW("keys", NULL, OPTION_TEXT, NULL, AT(keys)), .help = "The key space."},
     .required = true},
    {.row = {.name = "command", .offset = AT(command), .help = "What writes one of its keys."},
     .form = FILE_OBJECT,
     .object = &command_object,
     .required = true},
};
#undef AT
static const struct file_object prefill_object = {
    .name = "a prefill", .fields = prefill_fields, .field_count = COUNT(prefill_fields)};

static const struct file_object keys_object = {
    .name = "a key space", .fields = key_fields, .field_count = COUNT(key_fields)};
static const struct file_object value_object = {
    .name = "a value", .fields = value_fields, .field_count = COUNT(value_fields)};
static const struct file_field keys_field = {.form = FILE_OBJECT, .object = &keys_object};
static const struct file_field value_field = {.form = FILE_OBJECT, .object = &value_object};
static const struct file_field class_field = {.form = FILE_OBJECT, .object = &class_object};
static const struct file_field prefill_field = {.form = FILE_OBJECT, .object = &prefill_object};

#define AT(member) offsetof(struct workload_document, member)
static const struct file_field document_fields[] = {
    {.row = {ROW("name", NULL, OPTION_TEXT, NULL, AT(name)), .help = "In reports."},
     .required = true},
    {.row = {.name = "keys",
             .offset = AT(keys),
             .help = "Key spaces by name; {key:NAME} draws from one."},
     .form = FILE_MAP,
     .of = &keys_field,
     .element_bytes = sizeof(struct key_entry),
     .count_offset = AT(key_count),
     .most = PLAN_KEY_SPACES_MAX},
    {.row = {.name = "values",
             .offset = AT(values),
             .help = "Values by name; {value:NAME} makes one."},
     .form = FILE_MAP,
     .of = &value_field,
     .element_bytes = sizeof(struct value_entry),
     .count_offset = AT(value_count),
     .most = PLAN_VALUES_MAX},
    {.row = {.name = "classes",
             .offset = AT(classes),
             .help = "Requests of one kind each.",
             .hint = "as in - {name: read, weight: 80, command: \"GET {key:users}\"}"},
     .form = FILE_LIST,
     .of = &class_field,
     .element_bytes = sizeof(struct class_entry),
     .count_offset = AT(class_count),
     .least = 1,
     .most = PLAN_CLASSES_MAX,
     .required = true},
    {.row = {.name = "prefill",
             .offset = AT(prefills),
             .help = "What --prefill writes before: one request for each key of a space."},
     .form = FILE_LIST,
     .alone = true,
     .of = &prefill_field,
     .element_bytes = sizeof(struct prefill_entry),
     .count_offset = AT(prefill_count),
     .most = PLAN_KEY_SPACES_MAX},
};
#undef AT
static const struct file_object document_object = {
    .name = "a workload", .fields = document_fields, .field_count = COUNT(document_fields)};

const struct file_kind workload_file_kind = {
    .name = "workload",
    .what = "workload",
    .help = "Which requests are sent, for --workload.",
    .root = {.form = FILE_OBJECT, .object = &document_object},
};

/* --- what it means together ------------------------------------------------------------------ */

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

/* What stands in placeholders, in columns of tables and before the colon of an objective. */
static enum err_code check_name(const struct reading *reading, const struct file_place *place,
                                const char *key, const char *name, size_t bytes_max)
{
    bool fine = name[0] != '\0' && strlen(name) <= bytes_max;
    for (const char *c = name; *c != '\0'; c++)
        fine &= isalnum((unsigned char)*c) || strchr("_.-", *c) != NULL;
    return fine ? OK
                : REFUSE(reading, place, key,
                         "the name %.40s: letters, digits, _ . and - are allowed, up to %zu", name,
                         bytes_max);
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
    snprintf(entry->usual_prefix, sizeof entry->usual_prefix, "%.*s:", (int)NAME_BYTES_MAX, name);
    if (space->prefix == NULL)
        space->prefix = entry->usual_prefix;
    if (strlen(space->prefix) > PREFIX_BYTES_MAX)
        return REFUSE(reading, &entry->place, "prefix", "prefix: more than %u bytes",
                      PREFIX_BYTES_MAX);
    return check_name(reading, &entry->place, NULL, name, NAME_BYTES_MAX);
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

static enum err_code make_value(const struct reading *reading, const struct value_entry *entry,
                                struct plan_value *value)
{
    const struct content_entry *content = &entry->content;
    *value = (struct plan_value){.name = entry->place.node->key, .size_by_key = entry->per_key};
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
    enum err_code code = make_size(reading, &entry->size, &value->size);
    return code == OK ? check_name(reading, &entry->place, NULL, value->name, NAME_BYTES_MAX)
                      : code;
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

static enum err_code find_on_miss(const struct reading *reading, const struct class_entry *entry,
                                  struct plan_class *class)
{
    const struct workload_document *document = reading->document;
    struct suggestion suggestion = {.wanted = entry->on_miss,
                                    .wanted_bytes = strlen(entry->on_miss)};
    if (strcmp(entry->on_miss, entry->name) == 0)
        return REFUSE(reading, &entry->place, "on_miss",
                      "on_miss: %.40s names itself: a miss would follow a miss without end",
                      entry->on_miss);
    for (size_t i = 0; i < document->class_count; i++) {
        const char *name = document->classes[i].name;
        if (strcmp(name, entry->on_miss) == 0)
            class->on_miss = (uint32_t)i;
        suggest_offer(&suggestion, name, strlen(name));
    }
    return class->on_miss != PLAN_NO_CLASS
               ? OK
               : REFUSE(reading, &entry->place, "on_miss", "on_miss: there is no class %.40s%s%s%s",
                        entry->on_miss, SUGGESTED(suggestion.best));
}

static enum err_code make_class(const struct reading *reading, struct class_entry *entry,
                                struct plan_class *class)
{
    const struct workload_document *document = reading->document;
    *class = (struct plan_class){.name = entry->name,
                                 .weight = entry->weight,
                                 .unit = (enum class_unit)entry->unit,
                                 .on_miss = PLAN_NO_CLASS};
    enum err_code code =
        check_name(reading, &entry->place, "name", entry->name, PLAN_CLASS_NAME_BYTES - 1);
    for (const struct class_entry *other = document->classes; other < entry && code == OK; other++)
        if (strcmp(other->name, entry->name) == 0)
            code = REFUSE(reading, &entry->place, "name", "there are two classes %s", entry->name);
    if (code == OK)
        code = make_unit(reading, entry, class);
    if (code == OK && entry->on_miss != NULL)
        code = find_on_miss(reading, entry, class);
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
                                         .on_miss = PLAN_NO_CLASS};
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
    return document->plan_keys != NULL && document->plan_values != NULL &&
           document->plan_classes != NULL && document->plan_prefills != NULL;
}

static enum err_code make_plan(const struct reading *reading, struct workload_plan *plan)
{
    struct workload_document *document = reading->document;
    if (!allocate(document))
        return out_of_memory(reading);
    enum err_code code =
        check_name(reading, &document->place, "name", document->name, NAME_BYTES_MAX);
    for (size_t i = 0; i < document->key_count && code == OK; i++)
        code = make_keys(reading, &document->keys[i], &document->plan_keys[i]);
    for (size_t i = 0; i < document->value_count && code == OK; i++)
        code = make_value(reading, &document->values[i], &document->plan_values[i]);
    for (size_t i = 0; i < document->class_count && code == OK; i++)
        code = make_class(reading, &document->classes[i], &document->plan_classes[i]);
    for (size_t i = 0; i < document->prefill_count && code == OK; i++)
        code = make_prefill(reading, &document->prefills[i], &document->plan_prefills[i]);
    if (code == OK)
        code = check_weights(reading);
    *plan = (struct workload_plan){
        .name = document->name,
        .key_spaces = document->plan_keys,
        .values = document->plan_values,
        .classes = document->plan_classes,
        .prefills = document->plan_prefills,
        .key_space_count = document->key_count,
        .value_count = document->value_count,
        .class_count = document->class_count,
        .prefill_count = document->prefill_count,
    };
    return code == OK ? check_plan(reading, plan) : code;
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
    return code == OK ? make_plan(&reading, &workload->plan) : code;
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
    free(document->plan_keys);
    free(document->plan_values);
    free(document->plan_classes);
    free(document->plan_prefills);
    free(document);
    file_free(&workload->file);
    *workload = (struct workload_file){.document = NULL};
}
