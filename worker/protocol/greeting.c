#include "worker/protocol/greeting.h"

#include <stdio.h>
#include <string.h>

#include "common/secret.h"

#define ARGUMENTS_MAX 8

static const char *const names[] = {
    [GREETING_AUTH] = "AUTH",
    [GREETING_HELLO] = "HELLO 3",
    [GREETING_SELECT] = "SELECT",
    [GREETING_SETNAME] = "CLIENT SETNAME",
    [GREETING_TRACKING] = "CLIENT TRACKING",
    [GREETING_READONLY] = "READONLY",
};

/* What helps when a user may not do it. */
static const char *const remedies[] = {
    [GREETING_AUTH] = "",
    [GREETING_HELLO] = "",
    [GREETING_SELECT] = "grant it with +select, or leave out --dbnum",
    [GREETING_SETNAME] = "grant it with +client|setname, or leave out --client-name",
    [GREETING_TRACKING] = "grant it with +client|tracking, or leave out --enable-tracking",
    [GREETING_READONLY] = "grant it with +readonly, or do not read from replicas",
    [GREETING_PROBE] = "",
};

/* Commands one behind the other; without bytes they are only measured. */
struct writer {
    struct greeting *greeting;
    size_t room_bytes;
};

static void append(struct writer *writer, enum greeting_command command, size_t argc,
                   const char *const *argv)
{
    struct greeting *greeting = writer->greeting;
    char *at = greeting->bytes != NULL ? greeting->bytes + greeting->byte_count : NULL;
    greeting->byte_count +=
        resp_encode_command(at, writer->room_bytes - greeting->byte_count, argc, argv, NULL);
    greeting->commands[greeting->replies++] = (uint8_t)command;
}

static void append_hello(struct writer *writer, const struct endpoint *endpoint)
{
    const char *argv[ARGUMENTS_MAX] = {"HELLO", "3"};
    size_t argc = 2;
    if (endpoint->password != NULL) {
        argv[argc++] = "AUTH";
        argv[argc++] = endpoint->user != NULL ? endpoint->user : "default";
        argv[argc++] = endpoint->password;
    }
    if (endpoint->client_name != NULL) {
        argv[argc++] = "SETNAME";
        argv[argc++] = endpoint->client_name;
    }
    append(writer, GREETING_HELLO, argc, argv);
}

static void append_auth(struct writer *writer, const struct endpoint *endpoint)
{
    const char *argv[ARGUMENTS_MAX] = {"AUTH"};
    size_t argc = 1;
    if (endpoint->user != NULL)
        argv[argc++] = endpoint->user;
    argv[argc++] = endpoint->password;
    append(writer, GREETING_AUTH, argc, argv);
}

static void append_all(struct writer *writer, const struct endpoint *endpoint, unsigned flags)
{
    char database[24];
    snprintf(database, sizeof database, "%llu", (unsigned long long)endpoint->database);
    if (endpoint->resp3)
        append_hello(writer, endpoint);
    else if (endpoint->password != NULL)
        append_auth(writer, endpoint);
    if (endpoint->database != 0)
        append(writer, GREETING_SELECT, 2, (const char *const[]){"SELECT", database});
    if (!endpoint->resp3 && endpoint->client_name != NULL)
        append(writer, GREETING_SETNAME, 3,
               (const char *const[]){"CLIENT", "SETNAME", endpoint->client_name});
    if (endpoint->tracking)
        append(writer, GREETING_TRACKING, 3, (const char *const[]){"CLIENT", "TRACKING", "ON"});
    if (flags & GREETING_REPLICA)
        append(writer, GREETING_READONLY, 1, (const char *const[]){"READONLY"});
    const char *words[PROBE_WORDS_MAX];
    size_t word_count = probe_words(words, endpoint->probe);
    if (word_count > 0)
        append(writer, GREETING_PROBE, word_count, words);
}

enum err_code greeting_create(struct greeting *greeting, const struct endpoint *endpoint,
                              unsigned flags, struct err *err)
{
    struct writer writer = {.greeting = greeting};
    *greeting = (struct greeting){.password = endpoint->password, .probe = endpoint->probe};
    append_all(&writer, endpoint, flags);
    greeting->bytes = secret_alloc(greeting->byte_count + 1); /* there may be nothing to say */
    if (greeting->bytes == NULL)
        return err_set(err, E_SYSTEM, "no memory for what connections say first");
    writer.room_bytes = greeting->byte_count;
    greeting->byte_count = 0;
    greeting->replies = 0;
    append_all(&writer, endpoint, flags);
    return OK;
}

void greeting_destroy(struct greeting *greeting)
{
    secret_free(greeting->bytes);
    *greeting = (struct greeting){.bytes = NULL};
}

static enum greeting_command command_at(const struct greeting *greeting, uint32_t index)
{
    return index < greeting->replies ? (enum greeting_command)greeting->commands[index]
                                     : GREETING_PROBE;
}

const char *greeting_command_name(const struct greeting *greeting, uint32_t index)
{
    enum greeting_command command = command_at(greeting, index);
    return command == GREETING_PROBE ? probe_name(greeting->probe) : names[command];
}

static bool begins_with_word(const char *text, const char *word)
{
    size_t bytes = strlen(word);
    return strncmp(text, word, bytes) == 0 && (text[bytes] == ' ' || text[bytes] == '\0');
}

static bool is_answer(const struct greeting *greeting, const char *words)
{
    enum server_probe_answer answer = probe_judge(words);
    return answer == PROBE_ANSWERED || answer == PROBE_UNKNOWN ||
           (answer == PROBE_REFUSED && greeting->probe == PROBE_ANY);
}

static enum greeting_step refuse(const struct greeting *greeting, enum greeting_command command,
                                 const struct resp_reply *reply, char *why, size_t why_bytes)
{
    char words[RESP_LINE_BYTES + 1];
    snprintf(words, sizeof words, "%.*s", (int)reply->text_bytes, reply->text);
    if (command == GREETING_PROBE && is_answer(greeting, words))
        return GREETING_COMPLETE;
    secret_mask_reply(words, greeting->password);
    if (words[0] == '\0') /* an error may have no words, or begin with a zero */
        snprintf(words, sizeof words, "refused");
    const char *remedy = "";
    if (begins_with_word(words, "NOPERM"))
        remedy = remedies[command];
    else if (begins_with_word(words, "NOAUTH"))
        remedy = "the server asks for a password: give one with -a, --askpass or VOLLEY_AUTH";
    else if (command == GREETING_HELLO &&
             (strncmp(words, "ERR unknown command", 19) == 0 || begins_with_word(words, "NOPROTO")))
        remedy = "the server does not speak RESP3: leave out -3";
    if (command == GREETING_PROBE)
        snprintf(why, why_bytes, "%s%s%s", words, remedy[0] != '\0' ? "; " : "", remedy);
    else
        snprintf(why, why_bytes, "%s: %s%s%s", names[command], words, remedy[0] != '\0' ? "; " : "",
                 remedy);
    return begins_with_word(words, "LOADING") ? GREETING_NOT_YET : GREETING_REFUSED;
}

enum greeting_step greeting_take(const struct greeting *greeting, uint32_t index,
                                 const struct resp_reply *reply, char *why, size_t why_bytes)
{
    why[0] = '\0';
    if (reply->is_error) {
        enum greeting_step step =
            refuse(greeting, command_at(greeting, index), reply, why, why_bytes);
        if (step != GREETING_COMPLETE)
            return step;
    }
    return index + 1 >= greeting->replies ? GREETING_COMPLETE : GREETING_GOES_ON;
}
