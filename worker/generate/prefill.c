#include "worker/generate/prefill.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/units.h"
#include "worker/generate/placeholder.h"

/* What a collection gets when the read does not say how much of it it wants. */
#define SOME_ITEMS 10u
#define ITEMS_MAX 10000u

enum items {
    EACH_KEY,      /* each argument is a key, with a write of its own              */
    KEY_ALONE,     /* the first argument is the key; the others do not matter      */
    ONE_ARGUMENT,  /* ... and the second one is what stands in the collection      */
    ALL_ARGUMENTS, /* ... and so is each one behind it                             */
    SOME,          /* ... and the collection gets so many items                    */
    SOME_TIMES,    /* ... by as many commands                                      */
    UP_TO_INDEX,   /* ... as the second argument reaches                           */
    UP_TO_STOP,    /* ... as the second and third reach                            */
    TAKEN          /* ... one, which the read takes away                           */
};

/* Items: "@" is the read's own argument; "#", at the end of a word, the number of the item. */
static const struct rule {
    const char *read, *write, *item[3];
    enum items items;
} rules[] = {
    {"GET", "SET", {"__data__"}, KEY_ALONE},
    {"MGET", "SET", {"__data__"}, EACH_KEY},
    {"GETEX", "SET", {"__data__"}, KEY_ALONE},
    {"GETRANGE", "SET", {"__data__"}, KEY_ALONE},
    {"STRLEN", "SET", {"__data__"}, KEY_ALONE},
    {"GETBIT", "SET", {"__data__"}, KEY_ALONE},
    {"BITCOUNT", "SET", {"__data__"}, KEY_ALONE},
    {"EXISTS", "SET", {"__data__"}, EACH_KEY},
    {"TOUCH", "SET", {"__data__"}, EACH_KEY},
    {"TYPE", "SET", {"__data__"}, KEY_ALONE},
    {"TTL", "SET", {"__data__"}, KEY_ALONE},
    {"PTTL", "SET", {"__data__"}, KEY_ALONE},
    {"HGET", "HSET", {"@", "__data__"}, ONE_ARGUMENT},
    {"HMGET", "HSET", {"@", "__data__"}, ALL_ARGUMENTS},
    {"HEXISTS", "HSET", {"@", "__data__"}, ONE_ARGUMENT},
    {"HSTRLEN", "HSET", {"@", "__data__"}, ONE_ARGUMENT},
    {"HGETALL", "HSET", {"field:#", "__data__"}, SOME},
    {"HKEYS", "HSET", {"field:#", "__data__"}, SOME},
    {"HVALS", "HSET", {"field:#", "__data__"}, SOME},
    {"HLEN", "HSET", {"field:#", "__data__"}, SOME},
    {"LRANGE", "RPUSH", {"__data__"}, UP_TO_STOP},
    {"LINDEX", "RPUSH", {"__data__"}, UP_TO_INDEX},
    {"LLEN", "RPUSH", {"__data__"}, SOME},
    {"LPOP", "RPUSH", {"__data__"}, TAKEN},
    {"RPOP", "RPUSH", {"__data__"}, TAKEN},
    {"SISMEMBER", "SADD", {"@"}, ONE_ARGUMENT},
    {"SMISMEMBER", "SADD", {"@"}, ALL_ARGUMENTS},
    {"SMEMBERS", "SADD", {"element:#"}, SOME},
    {"SRANDMEMBER", "SADD", {"element:#"}, SOME},
    {"SCARD", "SADD", {"element:#"}, SOME},
    {"SPOP", "SADD", {"element:__rand_1st__:#"}, TAKEN},
    {"ZSCORE", "ZADD", {"1", "@"}, ONE_ARGUMENT},
    {"ZMSCORE", "ZADD", {"1", "@"}, ALL_ARGUMENTS},
    {"ZRANK", "ZADD", {"1", "@"}, ONE_ARGUMENT},
    {"ZREVRANK", "ZADD", {"1", "@"}, ONE_ARGUMENT},
    {"ZRANGE", "ZADD", {"#", "element:#"}, UP_TO_STOP},
    {"ZREVRANGE", "ZADD", {"#", "element:#"}, UP_TO_STOP},
    {"ZCARD", "ZADD", {"#", "element:#"}, SOME},
    {"ZPOPMIN", "ZADD", {"__rand_1st__", "element:__rand_1st__:#"}, TAKEN},
    {"ZPOPMAX", "ZADD", {"__rand_1st__", "element:__rand_1st__:#"}, TAKEN},
    {"XRANGE", "XADD", {"*", "field", "__data__"}, SOME_TIMES},
    {"XREVRANGE", "XADD", {"*", "field", "__data__"}, SOME_TIMES},
    {"XLEN", "XADD", {"*", "field", "__data__"}, SOME_TIMES},
};
#define RULE_COUNT (sizeof rules / sizeof rules[0])

static const struct rule *rule_of(const char *command)
{
    for (size_t i = 0; i < RULE_COUNT; i++)
        if (strcasecmp(rules[i].read, command) == 0)
            return &rules[i];
    return NULL;
}

/* One command of the user's sequence. */
struct reading {
    const struct rule *rule;
    const char *const *argv;
    size_t argc;
    bool repeated;
    unsigned known; /* placeholders */
    enum key_order key_order;
};

/* What may differ from ticket to ticket in a place of the server: a key and what is looked up in it. */
struct place {
    unsigned shared, named; /* numbers; named ones as bits */
    bool data, lonely_tag;
};

static void look_at(struct place *place, const struct reading *reading, const char *argument)
{
    const size_t bytes = strlen(argument);
    const unsigned before = place->shared + place->named;
    bool tag = false, numbered = false;
    struct placeholder_piece piece;
    for (size_t i = 0; i < bytes; i += piece.used_bytes) {
        piece = placeholder_next(argument + i, bytes - i, reading->known);
        place->shared += piece.kind == PLACEHOLDER_INT || piece.kind == PLACEHOLDER_KEY;
        if (piece.kind == PLACEHOLDER_NAMED)
            place->named |= 1u << piece.name_index;
        numbered |= piece.kind == PLACEHOLDER_NAMED;
        place->data |= piece.kind == PLACEHOLDER_DATA;
        tag |= piece.kind == PLACEHOLDER_TAG;
    }
    numbered |= place->shared + place->named > before;
    place->lonely_tag |= tag && !numbered;
}

/* In sequence named numbers go side by side. */
static bool too_many_numbers(const struct place *place, enum key_order key_order)
{
    const bool one_named = (place->named & (place->named - 1)) == 0;
    if (key_order == KEYS_ONE)
        return false;
    if (place->shared == 0)
        return key_order == KEYS_RANDOM && !one_named;
    return place->shared > 1 || place->named != 0;
}

static enum err_code check_place(const struct place *place, const struct reading *reading,
                                 struct err *err)
{
    const char *why = NULL;
    if (place->data)
        why = "what it looks up holds __data__, which is another value in each request";
    else if (place->lonely_tag)
        why = "a {tag} without a number in the same argument goes through all slots";
    else if (too_many_numbers(place, reading->key_order))
        why =
            "what it looks up holds several numbers, and requests that write go through one: name "
            "the same one everywhere, as in __rand_1st__";
    else if (reading->rule->items == TAKEN && place->shared + place->named > 0)
        why = "what it takes from each of many keys is not known beforehand";
    return why == NULL ? OK
                       : err_set(err, E_USAGE, "--prefill cannot write what %s reads: %s",
                                 reading->rule->read, why);
}

static enum err_code put(struct prefill_write *write, const char *text, struct err *err)
{
    if (write->argc == write->room) {
        const size_t room = (write->room + 16) * 2;
        const char **grown = realloc((void *)(uintptr_t)write->argv, room * sizeof grown[0]);
        if (grown == NULL)
            return err_set(err, E_SYSTEM, "no memory for the writes of --prefill");
        write->argv = grown;
        write->room = room;
    }
    if ((write->argv[write->argc] = strdup(text)) == NULL)
        return err_set(err, E_SYSTEM, "no memory for the writes of --prefill");
    write->argc++;
    return OK;
}

/* The user's argument, with one name for all numbers. Text stays as it was spelled. */
static enum err_code put_argument(struct prefill_write *write, const struct reading *reading,
                                  const char *argument, struct err *err)
{
    const size_t bytes = strlen(argument);
    char *text = malloc(bytes * 2 + 32); /* "__key__" grows most */
    size_t used = 0;
    if (text == NULL)
        return err_set(err, E_SYSTEM, "no memory for the writes of --prefill");
    struct placeholder_piece piece;
    for (size_t i = 0; i < bytes; i += piece.used_bytes) {
        piece = placeholder_next(argument + i, bytes - i, reading->known);
        const bool number = piece.kind == PLACEHOLDER_INT || piece.kind == PLACEHOLDER_NAMED;
        const char *with = piece.kind == PLACEHOLDER_KEY ? "key:__rand_1st__"
                           : number                      ? "__rand_1st__"
                                                         : NULL;
        const size_t with_bytes = with != NULL ? strlen(with) : piece.used_bytes;
        memcpy(text + used, with != NULL ? with : argument + i, with_bytes);
        used += with_bytes;
        write->numbered |= with != NULL;
    }
    text[used] = '\0';
    enum err_code code = put(write, text, err);
    free(text);
    return code;
}

static enum err_code put_item(struct prefill_write *write, const struct reading *reading,
                              const char *own, size_t number, struct err *err)
{
    enum err_code code = OK;
    for (size_t i = 0; i < 3 && reading->rule->item[i] != NULL && code == OK; i++) {
        const char *word = reading->rule->item[i], *mark = strchr(word, '#');
        char text[64];
        if (own != NULL && strcmp(word, "@") == 0) {
            code = put_argument(write, reading, own, err);
            continue;
        }
        if (mark != NULL)
            snprintf(text, sizeof text, "%.*s%zu", (int)(mark - word), word, number);
        else
            snprintf(text, sizeof text, "%s", word);
        code = put(write, text, err);
    }
    return code;
}

/* Lists are short: "SET, HSET". */
static void add_to_title(char *title, size_t title_bytes, const char *name)
{
    const size_t used = strlen(title);
    if (!list_has(title, ',', name, strlen(name)))
        snprintf(title + used, title_bytes - used, "%s%s", used > 0 ? ", " : "", name);
}

/* The command's name, behind a separator when it is not the first; repeat 1: none. */
static enum err_code put_name(struct prefill_write *write, const struct reading *reading,
                              size_t repeat, struct err *err)
{
    const char *name = reading->rule->write;
    char text[32];
    enum err_code code = write->argc > 0 ? put(write, ";", err) : OK;
    snprintf(text, sizeof text, "%zu", repeat);
    if (code == OK && repeat > 1)
        code = put(write, text, err);
    add_to_title(write->title, sizeof write->title, name);
    return code == OK ? put(write, name, err) : code;
}

/* Items that an index reaches: from the front, or below 0 from the back. */
static bool reach(size_t *items, const char *index, bool below_zero_is_some)
{
    char *end;
    const long long at = strtoll(index, &end, 10);
    if (end == index || *end != '\0' || at >= (long long)ITEMS_MAX || at < -(long long)ITEMS_MAX)
        return false;
    const size_t wanted = at >= 0                          ? (size_t)at + 1
                          : below_zero_is_some && at == -1 ? SOME_ITEMS
                                                           : (size_t)-at;
    *items = wanted > *items ? wanted : *items;
    return true;
}

static enum err_code count_items(size_t *items, const struct reading *reading, struct err *err)
{
    const enum items kind = reading->rule->items;
    const size_t last = kind == UP_TO_STOP ? 3 : 2;
    *items = kind == SOME || kind == SOME_TIMES ? SOME_ITEMS : 1;
    if (kind != UP_TO_STOP && kind != UP_TO_INDEX)
        return OK;
    bool good =
        reading->argc == last + 1 ||
        (reading->argc == last + 2 && strcasecmp(reading->argv[last + 1], "WITHSCORES") == 0);
    for (size_t i = 2; i <= last && good; i++)
        good = reach(items, reading->argv[i], kind == UP_TO_STOP);
    return good ? OK
                : err_set(err, E_USAGE,
                          "--prefill cannot write what this %s reads: that is known of positions "
                          "below %u, as in %s KEY %s",
                          reading->rule->read, ITEMS_MAX, reading->rule->read,
                          kind == UP_TO_STOP ? "0 99" : "7");
}

static bool is_repeated(const struct reading *reading, size_t argument)
{
    for (size_t i = 1; i < argument; i++)
        if (strcmp(reading->argv[i], reading->argv[argument]) == 0)
            return true;
    return false;
}

static enum err_code write_keys(struct prefill_write *write, const struct reading *reading,
                                struct err *err)
{
    enum err_code code = OK;
    for (size_t i = 1; i < reading->argc && code == OK; i++) {
        struct place place = {0};
        look_at(&place, reading, reading->argv[i]);
        code = check_place(&place, reading, err);
        if (code != OK || is_repeated(reading, i))
            continue;
        code = put_name(write, reading, 1, err);
        if (code == OK)
            code = put_argument(write, reading, reading->argv[i], err);
        if (code == OK)
            code = put_item(write, reading, NULL, 0, err);
    }
    return code;
}

static enum err_code write_collection(struct prefill_write *write, const struct reading *reading,
                                      struct err *err)
{
    const enum items kind = reading->rule->items;
    const size_t last = kind == ALL_ARGUMENTS ? reading->argc - 1 : kind == ONE_ARGUMENT ? 2 : 0;
    size_t items;
    enum err_code code = count_items(&items, reading, err);
    for (size_t i = 1; i <= (last > 1 ? last : 1) && code == OK; i++) {
        struct place place = {0};
        look_at(&place, reading, reading->argv[1]);
        if (i > 1)
            look_at(&place, reading, reading->argv[i]);
        code = check_place(&place, reading, err);
    }
    if (code == OK)
        code = put_name(write, reading, kind == SOME_TIMES ? items : 1, err);
    if (code == OK)
        code = put_argument(write, reading, reading->argv[1], err);
    for (size_t i = 2; i <= last && code == OK; i++)
        code = put_item(write, reading, reading->argv[i], 0, err);
    for (size_t i = 0; i < (kind == SOME_TIMES ? 1 : items) && last == 0 && code == OK; i++)
        code = put_item(write, reading, NULL, kind == TAKEN ? write->argc : i, err);
    return code;
}

static enum err_code derive_one(struct prefill *prefill, const struct reading *reading,
                                struct err *err)
{
    const enum items kind = reading->rule->items;
    const size_t least = kind == UP_TO_STOP                              ? 4
                         : kind == ONE_ARGUMENT || kind == ALL_ARGUMENTS ? 3
                                                                         : 2;
    if (reading->argc < least || (kind == TAKEN && reading->argc > least))
        return err_set(
            err, E_USAGE,
            "--prefill cannot write what %s with %zu arguments reads; it is known with %s%zu",
            reading->rule->read, reading->argc - 1, kind == TAKEN ? "" : "at least ", least - 1);
    if (kind == TAKEN && reading->repeated)
        return err_set(err, E_USAGE,
                       "--prefill cannot write what a repeated %s takes: put the command into the "
                       "sequence as often as it is wanted",
                       reading->rule->read);
    if (kind == EACH_KEY)
        return write_keys(&prefill->stored, reading, err);
    return write_collection(kind == TAKEN ? &prefill->consumed : &prefill->stored, reading, err);
}

static enum err_code refuse_unknown(const char *command, struct err *err)
{
    char known[ERR_TEXT_BYTES - 80] = "";
    for (size_t i = 0, used = 0; i < RULE_COUNT && used < sizeof known; i++)
        used += (size_t)snprintf(known + used, sizeof known - used, "%s%s", i > 0 ? " " : "",
                                 rules[i].read);
    return err_set(err, E_USAGE, "--prefill does not know what %.20s reads; it knows %s", command,
                   known);
}

enum err_code prefill_derive(struct prefill *prefill, const char *const *argv, size_t argc,
                             const struct spec *spec, struct err *err)
{
    enum err_code code = OK;
    *prefill = (struct prefill){.stored = {.argc = 0}};
    for (size_t from = 0; from < argc && code == OK;) {
        size_t to = from;
        while (to < argc && strcmp(argv[to], ";") != 0)
            to++;
        /* A number in front repeats the command. */
        const size_t first =
            to > from + 1 && argv[from][strspn(argv[from], "0123456789")] == '\0' ? from + 1 : from;
        const struct reading reading = {
            .rule = first < to ? rule_of(argv[first]) : NULL,
            .argv = argv + first,
            .argc = to - first,
            .repeated = first > from,
            .known = placeholder_known(spec->load.placeholders, spec->endpoint.cluster),
            .key_order = spec->load.key_order,
        };
        if (reading.rule != NULL)
            code = derive_one(prefill, &reading, err);
        from = to + 1;
    }
    /* Others of a sequence may stand beside what is known to read. */
    if (code == OK && prefill->stored.argc + prefill->consumed.argc == 0)
        code = refuse_unknown(argc > 0 ? argv[0] : "nothing", err);
    return code;
}

static void free_write(struct prefill_write *write)
{
    for (size_t i = 0; i < write->argc; i++)
        free((void *)(uintptr_t)write->argv[i]);
    free((void *)(uintptr_t)write->argv);
}

void prefill_free(struct prefill *prefill)
{
    free_write(&prefill->stored);
    free_write(&prefill->consumed);
    *prefill = (struct prefill){.stored = {.argc = 0}};
}
