/* Counts requests into a model. */
#include "orchestrator/traffic/model.h"

#include <stdlib.h>
#include <string.h>

#include "common/rng.h"
#include "orchestrator/traffic/arguments.h"
#include "orchestrator/traffic/model_keys.h"

/* What is no load, or cannot be sent by itself. */
static const char *const administrative[] = {
    "ACL",         "ASKING",       "AUTH",       "BGREWRITEAOF", "BGSAVE",   "BLMOVE",
    "BLMPOP",      "BLPOP",        "BRPOP",      "BZMPOP",       "BZPOPMAX", "BZPOPMIN",
    "CLIENT",      "CLUSTER",      "COMMAND",    "CONFIG",       "DEBUG",    "DISCARD",
    "EVAL",        "EVALSHA",      "EVAL_RO",    "EXEC",         "FAILOVER", "FCALL",
    "FCALL_RO",    "FLUSHALL",     "FLUSHDB",    "FUNCTION",     "HELLO",    "INFO",
    "LATENCY",     "MEMORY",       "MODULE",     "MONITOR",      "MULTI",    "PSUBSCRIBE",
    "PSYNC",       "PUNSUBSCRIBE", "QUIT",       "READONLY",     "REPLCONF", "REPLICAOF",
    "RESET",       "ROLE",         "SAVE",       "SCRIPT",       "SELECT",   "SHUTDOWN",
    "SLAVEOF",     "SLOWLOG",      "SSUBSCRIBE", "SUBSCRIBE",    "SWAPDB",   "SYNC",
    "UNSUBSCRIBE", "UNWATCH",      "WAIT",       "WAITAOF",      "WATCH",    "XREAD",
    "XREADGROUP"};

/* Which arguments are keys, where it is not the first one alone: the first, the last (0: all), every how many. */
static const struct key_places {
    const char *name;
    uint32_t first, last, step;
} key_places[] = {
    {"MGET", 1, 0, 1},    {"DEL", 1, 0, 1},       {"UNLINK", 1, 0, 1},    {"EXISTS", 1, 0, 1},
    {"TOUCH", 1, 0, 1},   {"MSET", 1, 0, 2},      {"MSETNX", 1, 0, 2},    {"RENAME", 1, 2, 1},
    {"COPY", 1, 2, 1},    {"RPOPLPUSH", 1, 2, 1}, {"LMOVE", 1, 2, 1},     {"SMOVE", 1, 2, 1},
    {"SINTER", 1, 0, 1},  {"SUNION", 1, 0, 1},    {"SDIFF", 1, 0, 1},     {"PFCOUNT", 1, 0, 1},
    {"PFMERGE", 1, 0, 1}, {"RENAMENX", 1, 2, 1},  {"PING", 0, 0, 0},      {"ECHO", 0, 0, 0},
    {"DBSIZE", 0, 0, 0},  {"TIME", 0, 0, 0},      {"RANDOMKEY", 0, 0, 0}, {"KEYS", 0, 0, 0},
    {"SCAN", 0, 0, 0},    {"PUBLISH", 0, 0, 0},   {"LASTSAVE", 0, 0, 0},  {"SPUBLISH", 0, 0, 0},
};

struct model *model_create(void)
{
    struct model *model = calloc(1, sizeof *model);
    if (model == NULL || !model_keys_create(model)) {
        free(model);
        return NULL;
    }
    return model;
}

static void free_sizes(struct model_shape *shapes, uint32_t shape_count)
{
    for (uint32_t i = 0; i < shape_count; i++) {
        for (uint32_t k = 0; k < shapes[i].argument_count; k++)
            free(shapes[i].arguments[k].sizes);
    }
}

void model_free(struct model *model)
{
    if (model == NULL)
        return;
    free_sizes(model->shapes, model->shape_count);
    free_sizes(model->fills, model->fill_count);
    free(model->keys);
    free(model);
}

bool model_is_administrative(const char *name)
{
    for (size_t i = 0; i < sizeof administrative / sizeof administrative[0]; i++) {
        if (strcmp(administrative[i], name) == 0)
            return true;
    }
    return false;
}

static bool is_key(const struct key_places *places, uint32_t place)
{
    return places->first > 0 && place >= places->first &&
           (places->last == 0 || place <= places->last) &&
           (place - places->first) % places->step == 0;
}

static const struct key_places *find_places(const char *name)
{
    static const struct key_places usual = {"", 1, 1, 1};
    for (size_t i = 0; i < sizeof key_places / sizeof key_places[0]; i++) {
        if (strcmp(key_places[i].name, name) == 0)
            return &key_places[i];
    }
    return &usual;
}

/* Text that can stand in a file as it is, and its copy. */
static bool copy_text(char out[MODEL_TEXT_BYTES], const char *bytes, size_t byte_count)
{
    if (byte_count >= MODEL_TEXT_BYTES)
        return false;
    for (size_t i = 0; i < byte_count; i++) {
        if (bytes[i] < ' ' || bytes[i] > '~')
            return false;
    }
    memcpy(out, bytes, byte_count);
    out[byte_count] = '\0';
    return true;
}

static bool digits_value(const char *bytes, size_t byte_count, uint64_t *value)
{
    *value = 0;
    for (size_t i = 0; i < byte_count; i++)
        *value = *value * 10 + (uint64_t)(bytes[i] - '0');
    return byte_count > 0 && byte_count <= 18;
}

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

/* ---- arguments that are no keys ---- */

/* How many bytes stand before the number that an argument ends with. */
static size_t before_number(const struct recording_argument *argument)
{
    size_t at = argument->byte_count;
    while (at > 0 && is_digit(argument->bytes[at - 1]))
        at--;
    /* What is filled by zeros is text. */
    return argument->byte_count - at > 1 && argument->bytes[at] == '0' ? argument->byte_count : at;
}

static bool take_number(struct model_argument *known, const struct recording_argument *argument)
{
    uint64_t value;
    size_t before = before_number(argument);
    if (strlen(known->text) != before || memcmp(known->text, argument->bytes, before) != 0 ||
        !digits_value(argument->bytes + before, argument->byte_count - before, &value))
        return false;
    known->lowest = value < known->lowest ? value : known->lowest;
    known->highest = value > known->highest ? value : known->highest;
    return true;
}

/* A literal that was met with another number behind the same text becomes a number. */
static bool become_number(struct model_argument *known, const struct recording_argument *argument)
{
    const struct recording_argument literal = {known->text, strlen(known->text)};
    struct model_argument number = {.kind = ARGUMENT_NUMBER, .lowest = UINT64_MAX};
    memcpy(number.text, known->text, before_number(&literal));
    if (!take_number(&number, &literal) || !take_number(&number, argument))
        return false;
    *known = number;
    return true;
}

static void record_size(struct model *model, struct model_argument *known, uint64_t size,
                        uint64_t times)
{
    if (known->sizes == NULL && model->value_count < MODEL_VALUES_MAX) {
        known->sizes = calloc(1, sizeof *known->sizes);
        if (known->sizes != NULL) {
            histogram_init_zeroed(known->sizes);
            model->value_count++;
        }
    }
    if (known->sizes != NULL)
        histogram_record_n(known->sizes, size, times);
}

static void take_argument(struct model *model, struct model_argument *known,
                          const struct recording_argument *argument, uint64_t before)
{
    size_t byte_count = argument->byte_count;
    if (known->kind == ARGUMENT_NEW)
        known->kind =
            copy_text(known->text, argument->bytes, byte_count) ? ARGUMENT_LITERAL : ARGUMENT_VALUE;
    if (known->kind == ARGUMENT_LITERAL) {
        if (strlen(known->text) == byte_count &&
            memcmp(known->text, argument->bytes, byte_count) == 0)
            return;
        if (become_number(known, argument))
            return;
        known->kind = ARGUMENT_VALUE;
        record_size(model, known, strlen(known->text), before);
    }
    if (known->kind == ARGUMENT_NUMBER) {
        if (take_number(known, argument))
            return;
        known->kind = ARGUMENT_VALUE;
    }
    record_size(model, known, byte_count, 1);
}

/* ---- keys ---- */

static bool is_letter(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
}

/* A key as a prefix, a number, and a suffix. */
struct key_parts {
    size_t begin, end; /* of the number */
    bool opaque;       /* it is none, but stands for one */
    uint64_t number;
};

/* The last part between delimiters that has a digit is the number, with letters before it at most (key12); one of
 * digits and letters mixed (a UUID, a hash) is opaque. */
static struct key_parts part_key(const struct recording_argument *key)
{
    const char *bytes = key->bytes;
    struct key_parts parts = {.end = key->byte_count};
    while (parts.end > 0 && !is_digit(bytes[parts.end - 1]))
        parts.end--;
    size_t end = parts.end > 0 ? parts.end : key->byte_count;
    size_t number = end, segment_end = end;
    while (number > 0 && is_digit(bytes[number - 1]))
        number--;
    size_t begin = number;
    while (begin > 0 && (is_letter(bytes[begin - 1]) || is_digit(bytes[begin - 1])))
        begin--;
    while (segment_end < key->byte_count && is_letter(bytes[segment_end]))
        segment_end++;
    bool mixed = segment_end > end || number == end;
    for (size_t i = begin; i < number; i++)
        mixed |= is_digit(bytes[i]);
    if (!mixed && digits_value(bytes + number, end - number, &parts.number)) {
        parts.begin = number;
        parts.end = end;
        return parts;
    }
    parts = (struct key_parts){.begin = begin, .end = segment_end, .opaque = true};
    return parts;
}

static bool find_space(struct model *model, const struct recording_argument *key,
                       const struct key_parts *parts, uint32_t *index)
{
    char prefix[MODEL_TEXT_BYTES], suffix[MODEL_TEXT_BYTES];
    if (!copy_text(prefix, key->bytes, parts->begin) ||
        !copy_text(suffix, key->bytes + parts->end, key->byte_count - parts->end))
        return false;
    for (*index = 0; *index < model->space_count; (*index)++) {
        const struct model_space *space = &model->spaces[*index];
        if (strcmp(space->prefix, prefix) == 0 && strcmp(space->suffix, suffix) == 0)
            return true;
    }
    if (model->space_count == MODEL_SPACES_MAX)
        return false;
    struct model_space *space = &model->spaces[model->space_count++];
    memcpy(space->prefix, prefix, sizeof prefix);
    memcpy(space->suffix, suffix, sizeof suffix);
    space->lowest = UINT64_MAX;
    return true;
}

static bool take_key(struct model *model, const struct recording_argument *key, uint32_t index,
                     const struct key_parts *parts)
{
    struct model_space *space = &model->spaces[index];
    space->draws++;
    space->opaque |= parts->opaque;
    space->lowest = parts->number < space->lowest ? parts->number : space->lowest;
    space->highest = parts->number > space->highest ? parts->number : space->highest;
    size_t width = parts->end - parts->begin;
    if (width > 1 && !parts->opaque && key->bytes[parts->begin] == '0')
        space->digits = (uint32_t)width;
    uint64_t hash = rng_mix(index + 1);
    for (size_t i = 0; i < key->byte_count; i++)
        hash = rng_mix(hash ^ (uint64_t)(unsigned char)key->bytes[i]) + 0x9e3779b97f4a7c15ull;
    return model_keys_count(model, rng_mix(hash), index);
}

bool model_add_key(struct model *model, const struct recording_argument *key, uint32_t *space)
{
    struct key_parts parts = part_key(key);
    if (find_space(model, key, &parts, space))
        return take_key(model, key, *space, &parts);
    *space = MODEL_SPACES_MAX;
    return true;
}

/* ---- requests ---- */

struct request_shape {
    char name[RECORDING_COMMAND_BYTES];
    uint32_t spaces[MODEL_ARGUMENTS_MAX]; /* + 1; 0: no key */
    struct key_parts parts[MODEL_ARGUMENTS_MAX];
};

static bool shape_request(struct model *model, struct request_shape *shape,
                          const struct recording_entry *entry)
{
    const struct key_places *places = find_places(shape->name);
    if (entry->argument_count > MODEL_ARGUMENTS_MAX)
        return false;
    for (uint32_t i = 1; i < entry->argument_count; i++) {
        if (!is_key(places, i))
            continue;
        uint32_t space;
        shape->parts[i] = part_key(&entry->arguments[i]);
        if (!find_space(model, &entry->arguments[i], &shape->parts[i], &space))
            return false;
        shape->spaces[i] = space + 1;
    }
    return true;
}

static bool same_shape(const struct model_shape *known, const struct request_shape *shape,
                       uint32_t argument_count)
{
    if (known->argument_count != argument_count || strcmp(known->name, shape->name) != 0)
        return false;
    for (uint32_t i = 1; i < argument_count; i++) {
        bool key = known->arguments[i].kind == ARGUMENT_KEY;
        if (key != (shape->spaces[i] > 0) ||
            (key && known->arguments[i].space + 1 != shape->spaces[i]))
            return false;
    }
    return true;
}

static struct model_shape *find_shape(struct model *model, const struct request_shape *shape,
                                      uint32_t argument_count)
{
    for (uint32_t i = 0; i < model->shape_count; i++) {
        if (same_shape(&model->shapes[i], shape, argument_count))
            return &model->shapes[i];
    }
    if (model->shape_count == MODEL_SHAPES_MAX)
        return NULL;
    struct model_shape *added = &model->shapes[model->shape_count++];
    memcpy(added->name, shape->name, sizeof added->name);
    added->argument_count = argument_count;
    for (uint32_t i = 1; i < argument_count; i++) {
        if (shape->spaces[i] > 0) {
            added->arguments[i].kind = ARGUMENT_KEY;
            added->arguments[i].space = shape->spaces[i] - 1;
        }
    }
    return added;
}

static void count_request(struct model *model, const struct recording_entry *entry)
{
    uint64_t second = entry->at_us / 1000000;
    model->requests++;
    model->span_us = entry->at_us > model->span_us ? entry->at_us : model->span_us;
    model->per_second[second < MODEL_SECONDS_MAX ? second : MODEL_SECONDS_MAX - 1]++;
}

bool model_add(struct model *model, const struct recording_entry *entry)
{
    struct request_shape shape = {.name = ""};
    size_t name_bytes = entry->arguments[0].byte_count;
    count_request(model, entry);
    for (size_t i = 0; i < name_bytes && i < sizeof shape.name - 1; i++) {
        char byte = entry->arguments[0].bytes[i];
        shape.name[i] = (char)(byte >= 'a' && byte <= 'z' ? byte - 'a' + 'A' : byte);
    }
    if (model_is_administrative(shape.name)) {
        model->administrative++;
        return true;
    }
    struct model_shape *known = shape_request(model, &shape, entry)
                                    ? find_shape(model, &shape, entry->argument_count)
                                    : NULL;
    if (known == NULL) {
        model->without_room++;
        return true;
    }
    for (uint32_t i = 1; i < entry->argument_count; i++) {
        if (known->arguments[i].kind != ARGUMENT_KEY)
            take_argument(model, &known->arguments[i], &entry->arguments[i], known->requests);
        else if (!take_key(model, &entry->arguments[i], known->arguments[i].space, &shape.parts[i]))
            return false;
    }
    known->requests++;
    return true;
}
