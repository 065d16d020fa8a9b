#include "orchestrator/target/command_keys.h"

#include <hiredis/hiredis.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/log.h"

/* Places in the reply for one command. */
enum { INFO_NAME, INFO_ARITY, INFO_FLAGS, INFO_FIRST, INFO_LAST, INFO_STEP, INFO_SUBCOMMANDS = 9 };

/* One command with its arguments as ticket 0 has them. */
struct rendered {
    size_t argc;
    char **argv;
    size_t *argv_bytes;
    char name[48]; /* for messages; with the subcommand "object|encoding" */
};

static void rendered_free(struct rendered *rendered)
{
    for (size_t i = 0; rendered->argv != NULL && i < rendered->argc; i++)
        free(rendered->argv[i]);
    free(rendered->argv);
    free(rendered->argv_bytes);
}

static enum err_code render(struct rendered *rendered, const struct workload *workload,
                            uint32_t command, struct err *err)
{
    const size_t argc = workload_argument_count(workload, command);
    *rendered = (struct rendered){
        .argc = argc,
        .argv = calloc(argc + 1, sizeof rendered->argv[0]),
        .argv_bytes = calloc(argc + 1, sizeof rendered->argv_bytes[0]),
    };
    bool room = rendered->argv != NULL && rendered->argv_bytes != NULL;
    for (size_t i = 0; room && i < argc; i++) {
        struct workload_range place = workload_argument(workload, command, i);
        rendered->argv[i] = calloc(1, place.byte_count + 1);
        rendered->argv_bytes[i] = place.byte_count;
        room = rendered->argv[i] != NULL;
        if (room)
            workload_render_part(workload, 0, place.offset_bytes, place.byte_count,
                                 rendered->argv[i]);
    }
    if (!room)
        return err_set(err, E_SYSTEM, "cannot look for keys: out of memory");
    if (argc > 0)
        snprintf(rendered->name, sizeof rendered->name, "%s", rendered->argv[0]);
    return OK;
}

/* ---- COMMAND INFO ---- */

static bool is_integer(const redisReply *info, size_t at)
{
    return info->element[at]->type == REDIS_REPLY_INTEGER;
}

static bool is_described(const redisReply *reply)
{
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 1 ||
        reply->element[0]->type != REDIS_REPLY_ARRAY || reply->element[0]->elements <= INFO_STEP)
        return false;
    const redisReply *info = reply->element[0];
    return is_integer(info, INFO_ARITY) && is_integer(info, INFO_FIRST) &&
           is_integer(info, INFO_LAST) && is_integer(info, INFO_STEP);
}

/* *reply: what the server says about rendered->name; the caller's. *refused: it does not want to say. */
static enum err_code ask_info(redisReply **reply, bool *refused, struct control *control,
                              const struct rendered *rendered, struct err *err)
{
    const char *const argv[] = {"COMMAND", "INFO", rendered->name};
    struct err attempt = {.code = OK};
    enum err_code code = control_command(control, reply, 3, argv, &attempt);
    *refused = (code == E_CONNECT && control_is_open(control)) ||
               (code == OK && (*reply)->type == REDIS_REPLY_ERROR);
    if (code != OK)
        return err_set(err, code, "cannot find the keys of %s: %s", rendered->name, attempt.text);
    if (is_described(*reply))
        return OK;
    if ((*reply)->type == REDIS_REPLY_ERROR)
        code = err_set(err, E_CONNECT,
                       "cannot find the keys of %s: COMMAND INFO: %s; the user needs "
                       "+command|info and +command|getkeys",
                       rendered->name, (*reply)->str);
    else
        code = err_set(err, E_USAGE, "the server does not know the command %s", rendered->name);
    freeReplyObject(*reply);
    *reply = NULL;
    return code;
}

static bool has_subcommands(const redisReply *info)
{
    return info->elements > INFO_SUBCOMMANDS &&
           info->element[INFO_SUBCOMMANDS]->type == REDIS_REPLY_ARRAY &&
           info->element[INFO_SUBCOMMANDS]->elements > 0;
}

/* Of a command with subcommands the subcommand has the keys. */
static enum err_code describe(redisReply **reply, bool *refused, struct control *control,
                              struct rendered *rendered, struct err *err)
{
    enum err_code code = ask_info(reply, refused, control, rendered, err);
    if (code != OK || !has_subcommands((*reply)->element[0]) || rendered->argc < 2)
        return code;
    freeReplyObject(*reply);
    *reply = NULL;
    snprintf(rendered->name, sizeof rendered->name, "%.20s|%.20s", rendered->argv[0],
             rendered->argv[1]);
    return ask_info(reply, refused, control, rendered, err);
}

static bool has_flag(const redisReply *info, const char *flag)
{
    const redisReply *flags = info->element[INFO_FLAGS];
    for (size_t i = 0; i < flags->elements; i++)
        if (flags->element[i]->str != NULL && strcasecmp(flags->element[i]->str, flag) == 0)
            return true;
    return false;
}

static enum err_code check_count(const redisReply *info, const struct rendered *rendered,
                                 struct err *err)
{
    const long long arity = info->element[INFO_ARITY]->integer;
    const long long count = (long long)rendered->argc;
    if (arity >= 0 ? count == arity : count >= -arity)
        return OK;
    return err_set(err, E_USAGE,
                   "%s has %lld words, but the server expects %s%lld; which node it "
                   "belongs to cannot be told",
                   rendered->name, count, arity < 0 ? "at least " : "", arity < 0 ? -arity : arity);
}

/* ---- keys ---- */

static void keys_by_rule(struct workload_command_keys *keys, const redisReply *info, size_t argc)
{
    const long long count = (long long)argc;
    const long long first = info->element[INFO_FIRST]->integer;
    const long long step = info->element[INFO_STEP]->integer;
    long long last = info->element[INFO_LAST]->integer;
    last = last < 0 ? count + last : last;
    for (long long i = first; i > 0 && step > 0 && i <= last && i < count; i += step)
        keys->arguments[keys->count++] = (size_t)i;
}

static bool is_taken(const struct workload_command_keys *keys, size_t argument)
{
    for (size_t i = 0; i < keys->count; i++)
        if (keys->arguments[i] == argument)
            return true;
    return false;
}

/* The server tells keys by value: each is the next argument with that value, or the first one. */
static bool find_argument(struct workload_command_keys *keys, const struct rendered *rendered,
                          const redisReply *key)
{
    const size_t after = keys->count > 0 ? keys->arguments[keys->count - 1] : 0;
    for (size_t turn = 0; turn + 1 < rendered->argc; turn++) {
        const size_t i = 1 + (after + turn) % (rendered->argc - 1);
        if (rendered->argv_bytes[i] != key->len || is_taken(keys, i) ||
            memcmp(rendered->argv[i], key->str, key->len) != 0)
            continue;
        keys->arguments[keys->count++] = i;
        return true;
    }
    return false;
}

static enum err_code match_keys(struct workload_command_keys *keys, const struct rendered *rendered,
                                const redisReply *reply, struct err *err)
{
    if (reply->type == REDIS_REPLY_ERROR && strstr(reply->str, "no key arguments") != NULL)
        return OK;
    if (reply->type == REDIS_REPLY_ERROR)
        return err_set(err, strncmp(reply->str, "NOPERM", 6) == 0 ? E_CONNECT : E_USAGE,
                       "cannot find the keys of %s: COMMAND GETKEYS: %s", rendered->name,
                       reply->str);
    bool found = reply->type == REDIS_REPLY_ARRAY && reply->elements < rendered->argc;
    for (size_t i = 0; found && i < reply->elements; i++)
        found = reply->element[i]->type == REDIS_REPLY_STRING &&
                find_argument(keys, rendered, reply->element[i]);
    return found ? OK
                 : err_set(err, E_CONNECT,
                           "cannot find the keys of %s: COMMAND GETKEYS names some that are not "
                           "among its words",
                           rendered->name);
}

static enum err_code keys_by_asking(struct workload_command_keys *keys,
                                    const struct rendered *rendered, struct control *control,
                                    struct err *err)
{
    const size_t argc = rendered->argc + 2;
    if (argc > INT_MAX)
        return err_set(err, E_USAGE, "%s has too many words", rendered->name);
    redisReply *reply = NULL;
    const char **argv = calloc(argc, sizeof argv[0]);
    size_t *argv_bytes = calloc(argc, sizeof argv_bytes[0]);
    enum err_code code = OK;
    if (argv == NULL || argv_bytes == NULL) {
        code = err_set(err, E_SYSTEM, "cannot look for keys: out of memory");
    } else {
        argv[0] = "COMMAND";
        argv[1] = "GETKEYS";
        argv_bytes[0] = argv_bytes[1] = 7;
        for (size_t i = 0; i < rendered->argc; i++) {
            argv[i + 2] = rendered->argv[i];
            argv_bytes[i + 2] = rendered->argv_bytes[i];
        }
        code = control_command_bytes(control, &reply, (int)argc, argv, argv_bytes, err);
    }
    if (code == OK)
        code = match_keys(keys, rendered, reply, err);
    freeReplyObject(reply);
    free((void *)(uintptr_t)argv);
    free(argv_bytes);
    return code;
}

static void guess_keys(struct workload_command_keys *keys, const struct rendered *rendered,
                       const struct err *why)
{
    keys->reads_only = false;
    if (rendered->argc < 2)
        return;
    keys->arguments[keys->count++] = 1;
    log_line(LOG_WARNING, "%s; its first argument is taken for the key", why->text);
}

static enum err_code find_one(struct workload_command_keys *keys, const struct workload *workload,
                              uint32_t command, struct control *control, bool guess,
                              struct err *err)
{
    struct rendered rendered;
    struct err why = {.code = OK};
    bool refused = false;
    redisReply *reply = NULL;
    enum err_code code = render(&rendered, workload, command, err);
    if (code == OK && (keys->arguments = calloc(rendered.argc + 1, sizeof(size_t))) == NULL)
        code = err_set(err, E_SYSTEM, "cannot look for keys: out of memory");
    if (code == OK) {
        code = describe(&reply, &refused, control, &rendered, &why);
        if (code != OK && !(refused && guess))
            code = err_set(err, code, "%s", why.text);
    }
    if (code != OK && refused && guess) {
        guess_keys(keys, &rendered, &why);
        code = OK;
    } else if (code == OK) {
        const redisReply *info = reply->element[0];
        keys->reads_only = has_flag(info, "readonly");
        code = check_count(info, &rendered, err);
        if (code == OK && has_flag(info, "movablekeys"))
            code = keys_by_asking(keys, &rendered, control, err);
        else if (code == OK)
            keys_by_rule(keys, info, rendered.argc);
    }
    freeReplyObject(reply);
    rendered_free(&rendered);
    return code;
}

enum err_code command_keys_find(struct workload *workload, struct control *control, bool guess,
                                struct err *err)
{
    if (workload_keys_known(workload))
        return OK;
    const uint32_t count = workload_command_count(workload);
    struct workload_command_keys *keys = calloc(count + 1u, sizeof keys[0]);
    if (keys == NULL)
        return err_set(err, E_SYSTEM, "cannot look for keys: out of memory");
    enum err_code code = OK;
    for (uint32_t i = 0; i < count && code == OK; i++)
        code = find_one(&keys[i], workload, i, control, guess, err);
    if (code == OK)
        code = workload_set_keys(workload, keys, err);
    for (uint32_t i = 0; i < count; i++)
        free(keys[i].arguments);
    free(keys);
    return code;
}

bool command_keys_any(const struct workload *workload, struct control *control)
{
    uint32_t found = 0;
    for (uint32_t i = 0; i < workload_command_count(workload); i++) {
        struct workload_command_keys keys = {.count = 0};
        struct err ignored = {.code = OK};
        if (find_one(&keys, workload, i, control, false, &ignored) == OK)
            found += keys.count > 0;
        free(keys.arguments);
    }
    return found > 0;
}
