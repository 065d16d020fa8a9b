/* libFuzzer target: whatever a server says of a command, keys are words of the request, each once, or there
 * is a sentence why not. The first byte gives the number of words; behind it stand two replies, one to COMMAND
 * INFO and one to COMMAND GETKEYS. */
#include <hiredis/hiredis.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "orchestrator/server/command_info.h"
#include "orchestrator/server/reply_reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t input_bytes);

#define WORDS_MAX 9u

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void check(const struct workload_command_keys *keys, const struct command_words *words,
                  enum err_code code, const struct err *err)
{
    require(keys->count <= words->argc);
    for (size_t i = 0; i < keys->count; i++) {
        require(keys->arguments[i] > 0 && keys->arguments[i] < words->argc);
        for (size_t other = 0; other < i; other++)
            require(keys->arguments[other] != keys->arguments[i]);
    }
    require((code == OK) == (err->text[0] == '\0'));
    require(code == OK || code == E_USAGE || code == E_CONNECT);
}

static void take_info(const struct command_words *words, const redisReply *reply)
{
    struct command_info info;
    struct err err = {.code = OK};
    struct workload_command_keys keys = {.arguments = calloc(words->argc, sizeof(size_t))};
    enum err_code code = command_info_read(&info, reply, words, &err);
    if (code == OK)
        code = command_info_check_count(&info, words, &err);
    if (code == OK)
        command_info_keys(&keys, &info, words);
    check(&keys, words, code, &err);
    free(keys.arguments);
}

static void take_keys(const struct command_words *words, const redisReply *reply)
{
    struct err err = {.code = OK};
    struct workload_command_keys keys = {.arguments = calloc(words->argc, sizeof(size_t))};
    enum err_code code = command_info_match(&keys, words, reply, &err);
    check(&keys, words, code, &err);
    free(keys.arguments);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t input_bytes)
{
    static char texts[WORDS_MAX][5] = {"eval", "a", "2", "a", "b", "", "a", "c", "d"};
    char *argv[WORDS_MAX];
    size_t argv_bytes[WORDS_MAX];
    redisReply *reply;
    const char *why;
    if (input_bytes == 0 || input_bytes > REPLY_ROOM_BYTES)
        return 0;
    struct command_words words = {
        .argc = 1 + input[0] % WORDS_MAX, .argv = argv, .argv_bytes = argv_bytes, .name = "eval"};
    for (size_t i = 0; i < WORDS_MAX; i++) {
        argv[i] = texts[i];
        argv_bytes[i] = strlen(texts[i]);
    }
    struct reply_reader *reader = reply_reader_create();
    if (reader == NULL)
        return 0;
    memcpy(reply_reader_room(reader), input + 1, input_bytes - 1);
    reply_reader_filled(reader, input_bytes - 1);
    for (unsigned i = 0; i < 2 && reply_reader_next(reader, &reply, &why) == REPLY_WHOLE; i++) {
        if (i == 0)
            take_info(&words, reply);
        else
            take_keys(&words, reply);
        freeReplyObject(reply);
    }
    reply_reader_free(reader);
    return 0;
}
