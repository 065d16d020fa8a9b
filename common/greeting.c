#include "common/greeting.h"

#include <stdio.h>
#include <string.h>

#include "common/secret.h"

static const struct {
    const char *name;
    const char *remedy; /* what helps when a user may not do it */
} commands[] = {
    [GREETING_AUTH] = {"AUTH", ""},
    [GREETING_HELLO] = {"HELLO 3", ""},
    [GREETING_SELECT] = {"SELECT", "grant it with +select, or leave out --dbnum"},
    [GREETING_SETNAME] = {"CLIENT SETNAME",
                          "grant it with +client|setname, or leave out --client-name"},
    [GREETING_TRACKING] = {"CLIENT TRACKING",
                           "grant it with +client|tracking, or leave out --enable-tracking"},
    [GREETING_READONLY] = {"READONLY", "grant it with +readonly, or do not read from replicas"},
    [GREETING_PROBE] = {"", ""},
};

void greeting_words(struct greeting_words *words, enum greeting_command command,
                    const struct endpoint *endpoint, unsigned flags)
{
    const char *user = endpoint->user, *password = endpoint->password;
    const char *name = endpoint->client_name;
    const bool resp3 = endpoint->resp3 && !(flags & GREETING_RESP2);
    const struct {
        bool said;
        const char *argv[GREETING_WORDS_MAX]; /* but for those that are NULL */
    } rows[] = {
        [GREETING_AUTH] = {!resp3 && password != NULL, {"AUTH", user, password}},
        [GREETING_HELLO] = {resp3,
                            {"HELLO", "3", password != NULL ? "AUTH" : NULL,
                             password == NULL ? NULL
                             : user != NULL   ? user
                                              : "default",
                             password, name != NULL ? "SETNAME" : NULL, name}},
        [GREETING_SELECT] = {endpoint->database != 0, {"SELECT", words->database}},
        [GREETING_SETNAME] = {!resp3 && name != NULL, {"CLIENT", "SETNAME", name}},
        [GREETING_TRACKING] = {endpoint->tracking, {"CLIENT", "TRACKING", "ON"}},
        [GREETING_READONLY] = {flags & GREETING_REPLICA, {"READONLY"}},
        [GREETING_PROBE] = {.said = false}, /* as probe_words has it */
    };
    snprintf(words->database, sizeof words->database, "%llu",
             (unsigned long long)endpoint->database);
    words->argc = command == GREETING_PROBE ? probe_words(words->argv, endpoint->probe) : 0;
    for (size_t i = 0; i < GREETING_WORDS_MAX && rows[command].said; i++)
        if (rows[command].argv[i] != NULL)
            words->argv[words->argc++] = rows[command].argv[i];
}

/* Commands one behind the other; without bytes they are only measured. */
static void write_all(struct greeting *greeting, size_t room_bytes, const struct endpoint *endpoint,
                      unsigned flags)
{
    struct greeting_words words;
    greeting->byte_count = 0;
    greeting->replies = 0;
    for (enum greeting_command command = 0; command <= GREETING_PROBE; command++) {
        greeting_words(&words, command, endpoint, flags);
        if (words.argc == 0)
            continue;
        char *at = greeting->bytes != NULL ? greeting->bytes + greeting->byte_count : NULL;
        greeting->byte_count += resp_encode_command(at, room_bytes - greeting->byte_count,
                                                    words.argc, words.argv, NULL);
        greeting->commands[greeting->replies++] = (uint8_t)command;
    }
}

enum err_code greeting_create(struct greeting *greeting, const struct endpoint *endpoint,
                              unsigned flags, struct err *err)
{
    *greeting = (struct greeting){.password = endpoint->password, .probe = endpoint->probe};
    write_all(greeting, 0, endpoint, flags);
    greeting->bytes = secret_alloc(greeting->byte_count + 1); /* there may be nothing to say */
    if (greeting->bytes == NULL)
        return err_set(err, E_SYSTEM, "no memory for what connections say first");
    write_all(greeting, greeting->byte_count, endpoint, flags);
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

bool greeting_error_is(const char *text, const char *word)
{
    size_t bytes = strlen(word);
    return strncmp(text, word, bytes) == 0 && (text[bytes] == ' ' || text[bytes] == '\0');
}

const char *greeting_remedy(enum greeting_command command)
{
    return commands[command].remedy;
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
    if (greeting_error_is(words, "NOPERM"))
        remedy = greeting_remedy(command);
    else if (greeting_error_is(words, "NOAUTH"))
        remedy = "the server asks for a password: " GREETING_PASSWORD_REMEDY;
    else if (command == GREETING_HELLO && (strncmp(words, "ERR unknown command", 19) == 0 ||
                                           greeting_error_is(words, "NOPROTO")))
        remedy = "the server does not speak RESP3: leave out -3";
    if (command == GREETING_PROBE)
        snprintf(why, why_bytes, "%s%s%s", words, remedy[0] != '\0' ? "; " : "", remedy);
    else
        snprintf(why, why_bytes, "%s: %s%s%s", commands[command].name, words,
                 remedy[0] != '\0' ? "; " : "", remedy);
    return greeting_error_is(words, "LOADING") ? GREETING_NOT_YET : GREETING_REFUSED;
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
