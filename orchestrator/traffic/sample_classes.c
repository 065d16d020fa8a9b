/* Commands and key spaces of a sample as classes of requests, and what writes the keys. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "orchestrator/traffic/sample.h"

#define ANY_TYPE SAMPLE_TYPES
#define SCORE_MAX 1000000u
#define MEMBER_MAX_BYTES 40u
#define NUMBER_MAX_BYTES 18u
#define SECONDS_UNKNOWN 3600u

/* How a command is written whose arguments nobody saw. K: a key; V: a value; F: a field; M: a member; S: a score; T, U: the
 * largest time to live that was met, in seconds and ms; E: "EX T" where keys expire; the rest as it stands. */
static const struct form {
    const char *name;
    unsigned type; /* enum sample_type, or ANY_TYPE */
    const char *arguments;
    bool counts; /* needs a value that is a number */
} forms[] = {
    {"GET", SAMPLE_STRING, "K", false},
    {"SET", SAMPLE_STRING, "K V E", false},
    {"SETEX", SAMPLE_STRING, "K T V", false},
    {"PSETEX", SAMPLE_STRING, "K U V", false},
    {"SETNX", SAMPLE_STRING, "K V", false},
    {"GETSET", SAMPLE_STRING, "K V", false},
    {"GETEX", SAMPLE_STRING, "K E", false},
    {"MGET", SAMPLE_STRING, "K", false},
    {"MSET", SAMPLE_STRING, "K V", false},
    {"STRLEN", SAMPLE_STRING, "K", false},
    {"GETRANGE", SAMPLE_STRING, "K 0 -1", false},
    {"INCR", SAMPLE_STRING, "K", true},
    {"DECR", SAMPLE_STRING, "K", true},
    {"INCRBY", SAMPLE_STRING, "K 1", true},
    {"DECRBY", SAMPLE_STRING, "K 1", true},
    {"HGET", SAMPLE_HASH, "K F", false},
    {"HSET", SAMPLE_HASH, "K F V", false},
    {"HMSET", SAMPLE_HASH, "K F V", false},
    {"HSETNX", SAMPLE_HASH, "K F V", false},
    {"HMGET", SAMPLE_HASH, "K F", false},
    {"HGETALL", SAMPLE_HASH, "K", false},
    {"HKEYS", SAMPLE_HASH, "K", false},
    {"HVALS", SAMPLE_HASH, "K", false},
    {"HLEN", SAMPLE_HASH, "K", false},
    {"HEXISTS", SAMPLE_HASH, "K F", false},
    {"HDEL", SAMPLE_HASH, "K F", false},
    {"HINCRBY", SAMPLE_HASH, "K F 1", true},
    {"LPUSH", SAMPLE_LIST, "K V", false},
    {"RPUSH", SAMPLE_LIST, "K V", false},
    {"LPOP", SAMPLE_LIST, "K", false},
    {"RPOP", SAMPLE_LIST, "K", false},
    {"LLEN", SAMPLE_LIST, "K", false},
    {"LRANGE", SAMPLE_LIST, "K 0 9", false},
    {"LINDEX", SAMPLE_LIST, "K 0", false},
    {"LTRIM", SAMPLE_LIST, "K 0 99", false},
    {"SADD", SAMPLE_SET, "K M", false},
    {"SREM", SAMPLE_SET, "K M", false},
    {"SISMEMBER", SAMPLE_SET, "K M", false},
    {"SMEMBERS", SAMPLE_SET, "K", false},
    {"SCARD", SAMPLE_SET, "K", false},
    {"SPOP", SAMPLE_SET, "K", false},
    {"SRANDMEMBER", SAMPLE_SET, "K", false},
    {"ZADD", SAMPLE_ZSET, "K S M", false},
    {"ZINCRBY", SAMPLE_ZSET, "K 1 M", false},
    {"ZREM", SAMPLE_ZSET, "K M", false},
    {"ZSCORE", SAMPLE_ZSET, "K M", false},
    {"ZRANK", SAMPLE_ZSET, "K M", false},
    {"ZREVRANK", SAMPLE_ZSET, "K M", false},
    {"ZCARD", SAMPLE_ZSET, "K", false},
    {"ZRANGE", SAMPLE_ZSET, "K 0 9", false},
    {"ZREVRANGE", SAMPLE_ZSET, "K 0 9", false},
    {"ZRANGEBYSCORE", SAMPLE_ZSET, "K -inf +inf LIMIT 0 10", false},
    {"XADD", SAMPLE_STREAM, "K * field V", false},
    {"XLEN", SAMPLE_STREAM, "K", false},
    {"XRANGE", SAMPLE_STREAM, "K - + COUNT 10", false},
    {"EXISTS", ANY_TYPE, "K", false},
    {"TOUCH", ANY_TYPE, "K", false},
    {"TYPE", ANY_TYPE, "K", false},
    {"TTL", ANY_TYPE, "K", false},
    {"PTTL", ANY_TYPE, "K", false},
    {"PERSIST", ANY_TYPE, "K", false},
    {"EXPIRE", ANY_TYPE, "K T", false},
    {"PEXPIRE", ANY_TYPE, "K U", false},
    {"DEL", ANY_TYPE, "K", false},
    {"UNLINK", ANY_TYPE, "K", false},
};

static const struct form *find_form(const char *name)
{
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        if (strcmp(forms[i].name, name) == 0)
            return &forms[i];
    }
    return NULL;
}

/* ---- one command ---- */

static void add_word(struct model_shape *shape, const char *text, size_t text_bytes)
{
    struct model_argument *argument = &shape->arguments[shape->argument_count++];
    argument->kind = ARGUMENT_LITERAL;
    snprintf(argument->text, sizeof argument->text, "%.*s", (int)text_bytes, text);
}

static struct model_argument *add_number(struct model_shape *shape, const char *text,
                                         uint64_t lowest, uint64_t highest)
{
    struct model_argument *argument = &shape->arguments[shape->argument_count++];
    argument->kind = ARGUMENT_NUMBER;
    argument->lowest = lowest;
    argument->highest = highest;
    snprintf(argument->text, sizeof argument->text, "%s", text);
    return argument;
}

static uint64_t largest_time_left(const struct sample_space *space)
{
    const uint64_t seconds = space->time_left_s != NULL ? space->time_left_s->max_ns : 0;
    return seconds > 0 ? seconds : SECONDS_UNKNOWN;
}

static void add_time(struct model_shape *shape, const struct sample_space *space,
                     unsigned in_second)
{
    char text[24];
    const int bytes = snprintf(text, sizeof text, "%" PRIu64, largest_time_left(space) * in_second);
    add_word(shape, text, (size_t)bytes);
}

/* Numbers of as many digits as values have bytes. */
static void add_numeric(struct model_shape *shape, const struct sample_space *space)
{
    uint64_t highest = 9, bytes = histogram_quantile(space->value_bytes, 0.5);
    for (; bytes > 1 && highest < 999999999; bytes--)
        highest = highest * 10 + 9;
    add_number(shape, "", highest > 9 ? highest / 10 + 1 : 0, highest);
}

static bool add_value(struct model_shape *shape, const struct sample_space *space)
{
    if (space->numeric) {
        add_numeric(shape, space);
        return true;
    }
    struct model_argument *argument = &shape->arguments[shape->argument_count++];
    argument->kind = ARGUMENT_VALUE;
    argument->sizes = malloc(sizeof *argument->sizes);
    if (argument->sizes != NULL)
        *argument->sizes = *space->value_bytes;
    return argument->sizes != NULL;
}

/* Letters, so that it has the size of those that were met, and its number. */
static void add_member(struct model_shape *shape, const struct sample_space *space, bool each)
{
    char text[MEMBER_MAX_BYTES + 1] = "";
    const uint32_t count = sample_elements(space), digits = count > 10 ? 2 : 1;
    uint64_t bytes = histogram_quantile(space->value_bytes, 0.5);
    bytes = bytes > digits ? bytes - digits : 0;
    memset(text, 'm', bytes < MEMBER_MAX_BYTES ? bytes : MEMBER_MAX_BYTES);
    add_number(shape, text, 0, count - 1)->each = each;
}

static bool add_argument(const struct sample *sample, struct model_shape *shape, uint32_t index,
                         const char *word, size_t word_bytes, bool each)
{
    const struct sample_space *space = &sample->spaces[index];
    if (word_bytes != 1) {
        add_word(shape, word, word_bytes);
        return true;
    }
    switch (word[0]) {
    case 'K':
        shape->arguments[shape->argument_count++] =
            (struct model_argument){.kind = ARGUMENT_KEY, .space = index};
        return true;
    case 'V':
        return add_value(shape, space);
    case 'F':
        add_number(shape, "field", 0, sample_elements(space) - 1)->each = each;
        return true;
    case 'M':
        add_member(shape, space, each);
        return true;
    case 'S':
        add_number(shape, "", 0, SCORE_MAX);
        return true;
    case 'T':
        add_time(shape, space, 1);
        return true;
    case 'U':
        add_time(shape, space, 1000);
        return true;
    case 'E':
        if (sample_expires(space)) {
            add_word(shape, "EX", 2);
            add_time(shape, space, 1);
        }
        return true;
    default:
        add_word(shape, word, word_bytes);
        return true;
    }
}

static bool make_shape(const struct sample *sample, struct model_shape *shape, uint32_t index,
                       const char *name, const char *arguments, bool each)
{
    *shape = (struct model_shape){.argument_count = 1};
    snprintf(shape->name, sizeof shape->name, "%s", name);
    for (const char *at = arguments; at != NULL && *at != '\0'; at += strspn(at, " ")) {
        const size_t bytes = strcspn(at, " ");
        if (!add_argument(sample, shape, index, at, bytes, each))
            return false;
        at += bytes;
    }
    return true;
}

/* ---- the mix ---- */

static void tell(struct sample_calls *names, uint32_t *count, const char *name, uint64_t calls)
{
    if (*count == SAMPLE_LEFT_OUT_MAX)
        return;
    snprintf(names[*count].name, sizeof names[*count].name, "%s", name);
    names[(*count)++].calls = calls;
}

static bool suits(const struct sample_space *space, const struct form *form)
{
    if (space->keys == 0 || space->type == SAMPLE_OTHER ||
        (form->type != ANY_TYPE && form->type != space->type))
        return false;
    return !form->counts || histogram_quantile(space->value_bytes, 0.99) <= NUMBER_MAX_BYTES;
}

/* Of all its keys, where some were sampled. */
static double accesses_of_space(const struct sample *sample, uint32_t index)
{
    return sample->spaces[index].accesses * (double)sample->model->spaces[index].count /
           (double)sample->spaces[index].keys;
}

/* By what the counters of all keys say together; where they say nothing, by how many keys there are. */
static double weigh(struct sample *sample, const struct form *form)
{
    double accesses = 0, keys = 0;
    for (uint32_t i = 0; i < sample->model->space_count; i++) {
        if (!suits(&sample->spaces[i], form))
            continue;
        accesses += accesses_of_space(sample, i);
        keys += (double)sample->model->spaces[i].count;
    }
    for (uint32_t i = 0; i < sample->model->space_count; i++) {
        struct sample_space *space = &sample->spaces[i];
        space->weight = !suits(space, form) ? 0
                        : accesses > 0      ? accesses_of_space(sample, i) / accesses
                                            : (double)sample->model->spaces[i].count / keys;
    }
    return keys;
}

bool sample_command_has_keys(const char *name)
{
    return find_form(name) != NULL;
}

void sample_add_calls(struct sample *sample, const char *name, uint64_t calls)
{
    struct model *model = sample->model;
    char upper[RECORDING_COMMAND_BYTES] = "";
    for (size_t i = 0; name[i] != '\0' && name[i] != '|' && i < sizeof upper - 1; i++)
        upper[i] = (char)(name[i] >= 'a' && name[i] <= 'z' ? name[i] - 'a' + 'A' : name[i]);
    model->requests += calls;
    if (model_is_administrative(upper) || strcmp(upper, "PING") == 0) {
        model->administrative += calls;
    } else if (find_form(upper) == NULL || sample->command_count == SAMPLE_COMMANDS_MAX) {
        sample->unknown += calls;
        tell(sample->unknown_names, &sample->unknown_count, upper, calls);
    } else {
        struct sample_calls *command = &sample->commands[sample->command_count++];
        memcpy(command->name, upper, sizeof upper);
        command->calls = calls;
    }
}

/* Among the key spaces of its type. */
static void divide_calls(struct sample *sample, const struct sample_calls *command)
{
    struct model *model = sample->model;
    const struct form *form = find_form(command->name);
    if (!(weigh(sample, form) > 0)) {
        sample->without_keys += command->calls;
        tell(sample->without_keys_names, &sample->without_keys_count, command->name,
             command->calls);
        return;
    }
    for (uint32_t i = 0; i < model->space_count; i++) {
        const uint64_t requests =
            (uint64_t)((double)command->calls * sample->spaces[i].weight + 0.5);
        if (requests == 0)
            continue;
        sample->spaces[i].numeric |= form->counts;
        if (model->shape_count == MODEL_SHAPES_MAX) {
            model->without_room += requests;
            continue;
        }
        /* Made when all are known: what counts with a value decides what writes it. */
        struct model_shape *shape = &model->shapes[model->shape_count++];
        memcpy(shape->name, command->name, sizeof shape->name);
        shape->argument_count = 0;
        shape->requests = requests;
        shape->group_from = i;
    }
}

/* ---- what writes keys ---- */

static bool add_fill(struct sample *sample, uint32_t index, const char *name, const char *arguments,
                     uint32_t group_from)
{
    struct model *model = sample->model;
    if (model->fill_count == MODEL_FILLS_MAX)
        return true;
    struct model_shape *fill = &model->fills[model->fill_count++];
    if (!make_shape(sample, fill, index, name, arguments, true))
        return false;
    fill->group_from = group_from;
    fill->group_times = group_from > 0 ? sample_elements(&sample->spaces[index]) : 0;
    return true;
}

static bool fill_space(struct sample *sample, uint32_t index)
{
    static const struct {
        const char *name, *arguments;
        uint32_t group_from;
    } writers[SAMPLE_TYPES] = {
        {"SET", "K V", 0},  {"HSET", "K F V", 2}, {"RPUSH", "K V", 2},
        {"SADD", "K M", 2}, {"ZADD", "K S M", 2}, {"XADD", "K * field V", 0},
    };
    const struct sample_space *space = &sample->spaces[index];
    if (writers[space->type].name == NULL)
        return true;
    if (!add_fill(sample, index, writers[space->type].name, writers[space->type].arguments,
                  writers[space->type].group_from))
        return false;
    if (!sample_expires(space))
        return true;
    const uint64_t highest = largest_time_left(space),
                   lowest = histogram_quantile(space->time_left_s, 0.01);
    struct model_shape *fill = &sample->model->fills[sample->model->fill_count - 1];
    if (space->type == SAMPLE_STRING) {
        add_word(fill, "EX", 2);
    } else {
        if (!add_fill(sample, index, "EXPIRE", "K", 0))
            return false;
        fill = &sample->model->fills[sample->model->fill_count - 1];
    }
    add_number(fill, "", lowest > 0 ? lowest : 1, highest);
    return true;
}

bool sample_fit_classes(struct sample *sample)
{
    struct model *model = sample->model;
    bool filled[MODEL_SPACES_MAX] = {false};
    for (uint32_t i = 0; i < sample->command_count; i++)
        divide_calls(sample, &sample->commands[i]);
    model_keep_shapes(model);
    for (uint32_t i = 0; i < model->shape_count; i++) {
        struct model_shape *shape = &model->shapes[i];
        const uint32_t space = shape->group_from;
        const uint64_t requests = shape->requests;
        const struct form *form = find_form(shape->name);
        if (!make_shape(sample, shape, space, form->name, form->arguments, false))
            return false;
        shape->requests = requests;
        if (!filled[space] && !fill_space(sample, space))
            return false;
        filled[space] = true;
    }
    return true;
}
