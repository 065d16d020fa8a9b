#include "orchestrator/server/command_info.h"

#include <hiredis/hiredis.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "orchestrator/server/reply_value.h"

/* Places in the reply for one command. */
enum { INFO_NAME, INFO_ARITY, INFO_FLAGS, INFO_FIRST, INFO_LAST, INFO_STEP, INFO_SUBCOMMANDS = 9 };

static bool has_flag(const redisReply *flags, const char *flag)
{
    for (size_t i = 0; reply_item(flags, i) != NULL; i++)
        if (flags->element[i]->str != NULL && strcasecmp(flags->element[i]->str, flag) == 0)
            return true;
    return false;
}

static bool read_place(int64_t *place, const redisReply *description, size_t at)
{
    return reply_integer(place, reply_item(description, at), -COMMAND_PLACE_MAX, COMMAND_PLACE_MAX);
}

enum err_code command_info_read(struct command_info *info, const redisReply *reply,
                                const struct command_words *words, struct err *err)
{
    const redisReply *description = reply_item(reply, 0);
    const redisReply *flags = reply_item(description, INFO_FLAGS);
    int64_t any;
    for (size_t at = INFO_ARITY; at <= INFO_STEP; at++)
        if (at != INFO_FLAGS &&
            !reply_integer(&any, reply_item(description, at), INT64_MIN, INT64_MAX))
            return err_set(err, E_USAGE, "the server does not know the command %s", words->name);
    *info = (struct command_info){
        .reads_only = has_flag(flags, "readonly"),
        .movable_keys = has_flag(flags, "movablekeys"),
        .has_subcommands = reply_item(reply_item(description, INFO_SUBCOMMANDS), 0) != NULL,
    };
    if (read_place(&info->arity, description, INFO_ARITY) &&
        read_place(&info->first, description, INFO_FIRST) &&
        read_place(&info->last, description, INFO_LAST) &&
        read_place(&info->step, description, INFO_STEP))
        return OK;
    return err_set(err, E_CONNECT,
                   "cannot find the keys of %s: COMMAND INFO: the server gives numbers that no "
                   "command has",
                   words->name);
}

enum err_code command_info_check_count(const struct command_info *info,
                                       const struct command_words *words, struct err *err)
{
    const bool least = info->arity < 0;
    const size_t arity = (size_t)(least ? -info->arity : info->arity);
    if (least ? words->argc >= arity : words->argc == arity)
        return OK;
    return err_set(err, E_USAGE,
                   "%s has %zu words, but the server expects %s%zu; which node it "
                   "belongs to cannot be told",
                   words->name, words->argc, least ? "at least " : "", arity);
}

void command_info_keys(struct workload_command_keys *keys, const struct command_info *info,
                       const struct command_words *words)
{
    const int64_t count = (int64_t)words->argc;
    const int64_t last = info->last < 0 ? count + info->last : info->last;
    for (int64_t i = info->first; i > 0 && info->step > 0 && i <= last && i < count;
         i += info->step)
        keys->arguments[keys->count++] = (size_t)i;
}

/* Keys stand in the order of the arguments, but for a few: no server needs more looks than this for each. */
#define LOOKS_PER_ARGUMENT 16u
#define LOOKS_LEAST 1000u

struct matching {
    struct workload_command_keys *keys;
    const struct command_words *words;
    bool *taken;
    size_t looks_left;
};

/* The server tells keys by value: each is the next argument with that value, or the first one. */
static bool find_argument(struct matching *matching, const redisReply *key)
{
    struct workload_command_keys *keys = matching->keys;
    const struct command_words *words = matching->words;
    const size_t after = keys->count > 0 ? keys->arguments[keys->count - 1] : 0;
    for (size_t turn = 0; turn + 1 < words->argc && matching->looks_left > 0; turn++) {
        const size_t i = 1 + (after + turn) % (words->argc - 1);
        matching->looks_left--;
        if (words->argv_bytes[i] != key->len || matching->taken[i] ||
            memcmp(words->argv[i], key->str, key->len) != 0)
            continue;
        matching->taken[i] = true;
        keys->arguments[keys->count++] = i;
        return true;
    }
    return false;
}

enum err_code command_info_match(struct workload_command_keys *keys,
                                 const struct command_words *words, const redisReply *reply,
                                 struct err *err)
{
    if (reply->type == REDIS_REPLY_ERROR && strstr(reply->str, "no key arguments") != NULL)
        return OK;
    if (reply->type == REDIS_REPLY_ERROR)
        return err_set(err, strncmp(reply->str, "NOPERM", 6) == 0 ? E_CONNECT : E_USAGE,
                       "cannot find the keys of %s: COMMAND GETKEYS: %s", words->name, reply->str);
    struct matching matching = {.keys = keys,
                                .words = words,
                                .taken = calloc(words->argc + 1, sizeof(bool)),
                                .looks_left = LOOKS_LEAST + LOOKS_PER_ARGUMENT * words->argc};
    if (matching.taken == NULL)
        return err_set(err, E_SYSTEM, "cannot look for keys: out of memory");
    bool found = reply->type == REDIS_REPLY_ARRAY && reply->elements < words->argc;
    for (size_t i = 0; found && i < reply->elements; i++)
        found = reply->element[i]->type == REDIS_REPLY_STRING &&
                find_argument(&matching, reply->element[i]);
    free(matching.taken);
    return found ? OK
                 : err_set(err, E_CONNECT,
                           "cannot find the keys of %s: COMMAND GETKEYS names some that are not "
                           "among its words",
                           words->name);
}
