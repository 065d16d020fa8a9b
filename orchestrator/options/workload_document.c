#include "orchestrator/options/workload_document.h"

#include "common/clock.h"
#include "orchestrator/options/distribution.h"
#include "orchestrator/options/load_limits.h"
#include "orchestrator/options/option_group.h"
#include "orchestrator/options/workload_file.h"

#define COUNT(list) (sizeof(list) / sizeof(list)[0])

/* --- fields ---------------------------------------------------------------------------------- */

static enum err_code parse_order(void *target, const char *text, struct err *err)
{
    return distribution_parse_keys(&((struct key_entry *)target)->space.order, text, err);
}

static enum err_code parse_size(void *target, const char *text, struct err *err)
{
    return distribution_parse_sizes(&((struct size_entry *)target)->wish, text, err);
}

/* It may be empty: then a key is its number. */
static enum err_code parse_prefix(void *target, const char *text, struct err *err)
{
    (void)err;
    ((struct key_entry *)target)->prefix = text;
    return OK;
}

#define AT(member) offsetof(struct key_entry, member)
static const struct file_field key_fields[] = {
    {.row = {.name = "prefix",
             .kind = OPTION_CUSTOM,
             .parse = parse_prefix,
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

static const char *format_at(size_t index)
{
    static const char *const words[] = {"auto", "csv", "tsv", "lines"};
    return index < COUNT(words) ? words[index] : NULL;
}

static const char *row_order_at(size_t index)
{
    static const char *const words[] = {"sequential", "random"};
    return index < COUNT(words) ? words[index] : NULL;
}

/* Of a table, wherever it stands; file_: what its path is beside its row. */
#define TABLE_FIELDS(...)                                                                          \
    {.row = {ROW("file", NULL, OPTION_TEXT, NULL, AT(path)),                                       \
             .help = "Its path; one that does not begin with / counts from the workload file."},   \
     __VA_ARGS__},                                                                                 \
        {.row = {ROW("format", NULL, OPTION_WORD, NULL, AT(format)), .value_at = format_at,        \
                 .help =                                                                           \
                     "csv and tsv have the names of fields in the first row; of lines each is "    \
                     "one field, called line. auto goes by the path's end."}},                     \
        {.row = {ROW("order", NULL, OPTION_WORD, NULL, AT(order)), .value_at = row_order_at,       \
                 .help = "sequential: the requests of a class go through all rows; random: any "   \
                         "row."}},                                                                 \
    {                                                                                              \
        .row = {                                                                                   \
            ROW("rows", NULL, OPTION_COUNT, NULL, AT(rows)),                                       \
            NUMBER(1, UINT32_MAX),                                                                 \
            .help = "Only so many, the first ones; all where it is left out."                      \
        }                                                                                          \
    }

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
    {.row = {ROW("field", NULL, OPTION_TEXT, NULL, AT(field)),
             .help =
                 "Of the file: which field of a row it is; the only one where it is left out."}},
#undef AT
#define AT(member) offsetof(struct content_entry, table.member)
    TABLE_FIELDS(.required = false),
};
#undef AT
static const struct file_object content_object = {.name = "a content",
                                                  .fields = content_fields,
                                                  .field_count = COUNT(content_fields),
                                                  .short_form = true};

#define AT(member) offsetof(struct value_entry, member)
static const struct file_field value_fields[] = {
    {.row = {.name = "size",
             .offset = AT(size),
             .help = "How large it is; of a file's content it is left out."},
     .form = FILE_OBJECT,
     .object = &size_object},
    {.row = {.name = "content", .offset = AT(content), .help = "What it is made of."},
     .form = FILE_OBJECT,
     .object = &content_object},
    {.row = {ROW("per_key", NULL, OPTION_FLAG, NULL, AT(per_key)), .unset = "false",
             .help = "Its size, or its row of a file, goes with the key in front of it, and never "
                     "changes."}},
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

static const char *until_at(size_t index)
{
    static const char *const words[] = {"reply", "hit"};
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
    {.row = {ROW("then", NULL, OPTION_TEXT, NULL, AT(then)),
             .help = "The class whose request follows, for the same keys, any answer that is no "
                     "error."}},
    {.row = {ROW("until", NULL, OPTION_WORD, NULL, AT(until)), .value_at = until_at,
             .unset = "reply",
             .help = "hit: a read that follows another class is asked of a replica, again and "
                     "again, until it finds something."}},
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

#define AT(member) offsetof(struct consumer_entry, member)
static const struct file_field consumer_fields[] = {
    {.row = {ROW("name", NULL, OPTION_TEXT, NULL, AT(name)),
             .help = "In reports, and in objectives, as in subscribers:p99<5ms."},
     .required = true},
    {.row = {ROW("channel", NULL, OPTION_TEXT, NULL, AT(channel)),
             .help =
                 "SUBSCRIBE: a channel, or {key:NAME}: each connection takes one of its keys."}},
    {.row = {ROW("pattern", NULL, OPTION_TEXT, NULL, AT(pattern)),
             .help = "PSUBSCRIBE: all channels that match."}},
    {.row = {ROW("shard_channel", NULL, OPTION_TEXT, NULL, AT(shard_channel)),
             .help = "SSUBSCRIBE, at the node that has the channel's slot; as channel."}},
    {.row = {.name = "pop",
             .offset = AT(pop),
             .help = "A command that waits for an element, again and again: \"BRPOP jobs 1\"."},
     .form = FILE_OBJECT,
     .object = &command_object},
    {.row = {ROW("stream", NULL, OPTION_TEXT, NULL, AT(stream)),
             .help = "XREADGROUP: the key of a stream, for the consumers of a group; as channel."}},
    {.row = {ROW("tracking", NULL, OPTION_TEXT, NULL, AT(tracking)),
             .help = "CLIENT TRACKING in broadcasting mode: how keys begin that are watched."}},
    {.row = {ROW("connections", NULL, OPTION_COUNT, NULL, AT(connections)),
             NUMBER(1, LOAD_CLIENTS_MAX), .unset = "1", .help = "So many receive."}},
    {.row = {ROW("group", NULL, OPTION_TEXT, NULL, AT(group)),
             .help =
                 "Of a stream: the group's name, which must not exist yet; one that is made for "
                 "the run where it is left out. It goes with the run."}},
    {.row = {ROW("count", NULL, OPTION_COUNT, NULL, AT(count)), NUMBER(1, PLAN_ENTRIES_MAX),
             .unset = "10", .help = "Of a stream: entries of one reply, at most."}},
    {.row = {ROW("block", NULL, OPTION_DURATION, NULL, AT(block_ns)),
             BARE(NS_PER_SECOND, NS_PER_MS, 60 * NS_PER_SECOND), .unset = "1s",
             .help = "Of a stream: how long the server waits for entries."}},
    {.row = {ROW("acknowledge", NULL, OPTION_FLAG, NULL, AT(acknowledge)), .unset = "true",
             .help = "Of a stream: XACK what was read, with the next XREADGROUP."}},
    {.row = {ROW("claim_after", NULL, OPTION_DURATION, NULL, AT(claim_after_ns)),
             BARE(NS_PER_SECOND, NS_PER_MS, 3600 * NS_PER_SECOND),
             .help = "Of a stream: what a consumer has not acknowledged for so long others take "
                     "over (XAUTOCLAIM)."}},
};
#undef AT
static const struct file_object consumer_object = {
    .name = "a consumer", .fields = consumer_fields, .field_count = COUNT(consumer_fields)};
static const struct file_field consumer_field = {.form = FILE_OBJECT, .object = &consumer_object};

#define AT(member) offsetof(struct script_entry, member)
static const struct file_field script_fields[] = {
    {.row = {ROW("text", NULL, OPTION_TEXT, NULL, AT(text)), .help = "What it says."}},
    {.row = {ROW("file", NULL, OPTION_TEXT, NULL, AT(path)),
             .help = "Where that stands; what does not begin with / counts from the workload "
                     "file."}},
};
#undef AT
static const struct file_object script_object = {
    .name = "a script", .fields = script_fields, .field_count = COUNT(script_fields)};
static const struct file_field script_field = {.form = FILE_OBJECT, .object = &script_object};

#define AT(member) offsetof(struct data_entry, member)
static const struct file_field data_fields[] = {TABLE_FIELDS(.required = true)};
#undef AT
static const struct file_object data_object = {.name = "a table",
                                               .fields = data_fields,
                                               .field_count = COUNT(data_fields),
                                               .short_form = true};

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
    {.row = {ROW("about", NULL, OPTION_TEXT, NULL, AT(about)),
             .help = "What it models, in one line: in the list of \"volley workloads\"."}},
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
    {.row = {.name = "data",
             .offset = AT(data),
             .help =
                 "A table of text; {field NAME} takes a field of a row, the same row for all of "
                 "a request."},
     .form = FILE_OBJECT,
     .object = &data_object},
    {.row = {.name = "scripts",
             .offset = AT(scripts),
             .help = "Scripts by name; {script NAME} is the SHA1 of one, for EVALSHA."},
     .form = FILE_MAP,
     .of = &script_field,
     .element_bytes = sizeof(struct script_entry),
     .count_offset = AT(script_count),
     .most = PLAN_SCRIPTS_MAX},
    {.row = {.name = "functions",
             .offset = AT(libraries),
             .help = "Libraries of functions by name, for FCALL."},
     .form = FILE_MAP,
     .of = &script_field,
     .element_bytes = sizeof(struct script_entry),
     .count_offset = AT(library_count),
     .most = PLAN_SCRIPTS_MAX},
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
    {.row = {.name = "consume",
             .offset = AT(consumers),
             .help = "Connections that only receive what the requests send with {stamp}.",
             .hint = "as in - {name: subscribers, channel: news, connections: 100}"},
     .form = FILE_LIST,
     .alone = true,
     .of = &consumer_field,
     .element_bytes = sizeof(struct consumer_entry),
     .count_offset = AT(consumer_count),
     .most = PLAN_CONSUMERS_MAX},
    {.row = {.name = "buffer",
             .offset = AT(buffer),
             .help = "What the client does before it sends, as --buffer, which goes before it: a "
                     "profile, or the keys of a buffer file.",
             .hint = "as in buffer: high-throughput, or buffer: {round_buffer: {max_size: 8}}"},
     .form = FILE_OBJECT,
     .object = &buffer_within_object},
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
