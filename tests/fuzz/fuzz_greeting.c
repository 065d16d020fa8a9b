/* libFuzzer target: whatever a server answers to the first words of a connection, it comes to an end,
 * each refusal is a sentence that names a command, and none repeats eight bytes of the password. The first byte
 * chooses the words, the rest is the stream. Links common/. */
#include <stdlib.h>
#include <string.h>

#include "common/greeting.h"

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t input_bytes);

#define PASSWORD "hunter2-hunter2"
#define TELLING_BYTES 8u /* as common/secret.h says */

static bool tells_password(const char *text)
{
    char part[TELLING_BYTES + 1] = "";
    for (size_t i = 0; i + TELLING_BYTES < sizeof PASSWORD; i++) {
        memcpy(part, &PASSWORD[i], TELLING_BYTES);
        if (strcasestr(text, part) != NULL)
            return true;
    }
    return false;
}

static void take_all(const struct greeting *greeting, const char *at, const char *end)
{
    struct resp_scanner scanner = {0};
    enum greeting_step step = GREETING_GOES_ON;
    uint32_t index = 0;
    while (at < end && step == GREETING_GOES_ON) {
        struct resp_reply reply;
        size_t used_bytes = 0;
        char why[GREETING_TEXT_BYTES];
        if (resp_scan(&scanner, at, (size_t)(end - at), &used_bytes, &reply) != RESP_REPLY)
            return;
        at += used_bytes;
        if (reply.type == '>')
            continue;
        step = greeting_take(greeting, index, &reply, why, sizeof why);
        if (memchr(why, '\0', sizeof why) == NULL || tells_password(why))
            abort();
        if ((step == GREETING_REFUSED || step == GREETING_NOT_YET) &&
            (why[0] == '\0' || !reply.is_error))
            abort();
        index++;
        if (index > greeting->replies ||
            (step == GREETING_COMPLETE) != (index == greeting->replies && why[0] == '\0'))
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t input_bytes)
{
    struct greeting greeting;
    struct err err = {.code = OK};
    if (input_bytes == 0)
        return 0;
    const struct endpoint endpoint = {
        .password = PASSWORD, /* never matched by chance */
        .user = input[0] & 1 ? "me" : NULL,
        .database = input[0] & 2 ? 7 : 0,
        .resp3 = (input[0] & 4) != 0,
        .client_name = input[0] & 8 ? "name" : NULL,
        .tracking = (input[0] & 16) != 0,
    };
    const unsigned flags = input[0] & 32 ? GREETING_REPLICA : 0;
    /* A copy of exactly this size: reading beyond it is found. */
    char *stream = malloc(input_bytes);
    if (stream == NULL)
        return 0;
    memcpy(stream, input + 1, input_bytes - 1);
    if (greeting_create(&greeting, &endpoint, flags, &err) == OK)
        take_all(&greeting, stream, stream + input_bytes - 1);
    greeting_destroy(&greeting);
    free(stream);
    return 0;
}
