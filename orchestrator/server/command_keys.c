#include "orchestrator/server/command_keys.h"

#include <hiredis/hiredis.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/log.h"
#include "orchestrator/server/command_info.h"

static void words_free(struct command_words *words)
{
    for (size_t i = 0; words->argv != NULL && i < words->argc; i++)
        free(words->argv[i]);
    free(words->argv);
    free(words->argv_bytes);
}

static enum err_code render(struct command_words *words, const struct workload *workload,
                            uint32_t command, struct err *err)
{
    const size_t argc = workload_argument_count(workload, command);
    *words = (struct command_words){
        .argc = argc,
        .argv = calloc(argc + 1, sizeof words->argv[0]),
        .argv_bytes = calloc(argc + 1, sizeof words->argv_bytes[0]),
    };
    bool room = words->argv != NULL && words->argv_bytes != NULL;
    for (size_t i = 0; room && i < argc; i++) {
        words->argv[i] = workload_argument_text(workload, command, i, &words->argv_bytes[i]);
        room = words->argv[i] != NULL;
    }
    if (!room)
        return err_set(err, E_SYSTEM, "cannot look for keys: out of memory");
    if (argc > 0)
        snprintf(words->name, sizeof words->name, "%s", words->argv[0]);
    return OK;
}

/* ---- COMMAND INFO ---- */

/* *refused: it does not want to say. */
static enum err_code ask_info(struct command_info *info, bool *refused, struct control *control,
                              const struct command_words *words, struct err *err)
{
    const char *const argv[] = {"COMMAND", "INFO", words->name};
    redisReply *reply = NULL;
    struct err attempt = {.code = OK};
    enum err_code code = control_command(control, &reply, 3, argv, &attempt);
    *refused = (code == E_CONNECT && control_is_open(control)) ||
               (code == OK && reply->type == REDIS_REPLY_ERROR);
    if (code != OK)
        return err_set(err, code, "cannot find the keys of %s: %s", words->name, attempt.text);
    if (reply->type == REDIS_REPLY_ERROR)
        code = err_set(err, E_CONNECT,
                       "cannot find the keys of %s: COMMAND INFO: %s; the user needs "
                       "+command|info and +command|getkeys",
                       words->name, reply->str);
    else
        code = command_info_read(info, reply, words, err);
    freeReplyObject(reply);
    return code;
}

/* Of a command with subcommands the subcommand has the keys. */
static enum err_code describe(struct command_info *info, bool *refused, struct control *control,
                              struct command_words *words, struct err *err)
{
    enum err_code code = ask_info(info, refused, control, words, err);
    if (code != OK || !info->has_subcommands || words->argc < 2)
        return code;
    snprintf(words->name, sizeof words->name, "%.20s|%.20s", words->argv[0], words->argv[1]);
    return ask_info(info, refused, control, words, err);
}

/* ---- keys ---- */

static enum err_code keys_by_asking(struct workload_command_keys *keys,
                                    const struct command_words *words, struct control *control,
                                    struct err *err)
{
    const size_t argc = words->argc + 2;
    if (argc > INT_MAX)
        return err_set(err, E_USAGE, "%s has too many words", words->name);
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
        for (size_t i = 0; i < words->argc; i++) {
            argv[i + 2] = words->argv[i];
            argv_bytes[i + 2] = words->argv_bytes[i];
        }
        code = control_command_bytes(control, &reply, (int)argc, argv, argv_bytes, err);
    }
    if (code == OK)
        code = command_info_match(keys, words, reply, err);
    freeReplyObject(reply);
    free((void *)(uintptr_t)argv);
    free(argv_bytes);
    return code;
}

static void guess_keys(struct workload_command_keys *keys, const struct command_words *words,
                       const struct err *why)
{
    keys->reads_only = false;
    if (words->argc < 2)
        return;
    keys->arguments[keys->count++] = 1;
    log_line(LOG_WARNING, "%s; its first argument is taken for the key", why->text);
}

static enum err_code find_one(struct workload_command_keys *keys, const struct workload *workload,
                              uint32_t command, struct control *control, bool guess,
                              struct err *err)
{
    struct command_words words;
    struct command_info info;
    struct err why = {.code = OK};
    bool refused = false;
    enum err_code code = render(&words, workload, command, err);
    if (code == OK && (keys->arguments = calloc(words.argc + 1, sizeof(size_t))) == NULL)
        code = err_set(err, E_SYSTEM, "cannot look for keys: out of memory");
    if (code == OK) {
        code = describe(&info, &refused, control, &words, &why);
        if (code != OK && !(refused && guess))
            code = err_set(err, code, "%s", why.text);
    }
    if (code != OK && refused && guess) {
        guess_keys(keys, &words, &why);
        code = OK;
    } else if (code == OK) {
        keys->reads_only = info.reads_only;
        code = command_info_check_count(&info, &words, err);
        if (code == OK && info.movable_keys)
            code = keys_by_asking(keys, &words, control, err);
        else if (code == OK)
            command_info_keys(keys, &info, &words);
    }
    words_free(&words);
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

bool command_keys_fixed(const struct workload *workload, struct control *control)
{
    uint32_t found = 0, varying = 0;
    control_set_aside(control, true);
    for (uint32_t i = 0; i < workload_command_count(workload); i++) {
        struct workload_command_keys keys = {.count = 0};
        struct err ignored = {.code = OK};
        if (find_one(&keys, workload, i, control, false, &ignored) == OK)
            found += keys.count > 0;
        for (size_t k = 0; k < keys.count; k++)
            varying += workload_argument_varies(workload, i, keys.arguments[k]);
        free(keys.arguments);
    }
    control_set_aside(control, false);
    return found > 0 && varying == 0;
}
