#include "worker/generate/command_rules.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Commands whose reply tells hits from misses. */
static const struct {
    const char *command;
    enum read_kind read_kind;
} reading_commands[] = {
    {"GET", READ_VALUE},     {"GETEX", READ_VALUE},       {"GETDEL", READ_VALUE},
    {"HGET", READ_VALUE},    {"HGETALL", READ_VALUE},     {"LINDEX", READ_VALUE},
    {"LPOP", READ_VALUE},    {"RPOP", READ_VALUE},        {"LRANGE", READ_VALUE},
    {"SPOP", READ_VALUE},    {"SRANDMEMBER", READ_VALUE}, {"SMEMBERS", READ_VALUE},
    {"ZPOPMIN", READ_VALUE}, {"ZPOPMAX", READ_VALUE},     {"ZRANGE", READ_VALUE},
    {"ZSCORE", READ_VALUE},  {"ZRANK", READ_VALUE},       {"XRANGE", READ_VALUE},
    {"MGET", READ_EACH},     {"HMGET", READ_EACH},        {"ZMSCORE", READ_EACH},
};

enum read_kind command_read_kind(const char *command)
{
    for (size_t i = 0; i < sizeof reading_commands / sizeof reading_commands[0]; i++)
        if (strcasecmp(command, reading_commands[i].command) == 0)
            return reading_commands[i].read_kind;
    return READ_NONE;
}

struct words {
    const char *const *argv;
    size_t argc;
};

static bool argument_is(const struct words *words, size_t index, const char *text)
{
    return index < words->argc && strcasecmp(words->argv[index], text) == 0;
}

/* Servers read these time-outs as numbers: "0.0" is 0, too. */
static bool argument_is_zero(const struct words *words, size_t index)
{
    if (index >= words->argc || *words->argv[index] == '\0')
        return false;
    char *end;
    double value = strtod(words->argv[index], &end);
    return *end == '\0' && value >= 0 && value <= 0;
}

/* A command that waits without a limit would hold its connection for ever. */
static enum err_code refuse_endless(const struct words *words, struct err *err)
{
    static const char *const timeout_last[] = {"BLPOP",    "BRPOP",    "BRPOPLPUSH", "BLMOVE",
                                               "BZPOPMIN", "BZPOPMAX", "WAIT",       "WAITAOF"};
    static const char *const timeout_first[] = {"BLMPOP", "BZMPOP"};
    bool endless = false;
    for (size_t i = 0; i < sizeof timeout_last / sizeof timeout_last[0]; i++)
        endless |=
            argument_is(words, 0, timeout_last[i]) && argument_is_zero(words, words->argc - 1);
    for (size_t i = 0; i < sizeof timeout_first / sizeof timeout_first[0]; i++)
        endless |= argument_is(words, 0, timeout_first[i]) && argument_is_zero(words, 1);
    if (endless)
        return err_set(err, E_USAGE, "%s with timeout 0 waits for ever; give it a timeout above 0",
                       words->argv[0]);
    if (argument_is(words, 0, "XREAD") || argument_is(words, 0, "XREADGROUP"))
        for (size_t i = 1; i + 1 < words->argc; i++)
            if (argument_is(words, i, "BLOCK") && argument_is_zero(words, i + 1))
                return err_set(err, E_USAGE, "%s BLOCK 0 waits for ever; give it a timeout above 0",
                               words->argv[0]);
    return OK;
}

/* One request must have one reply, and the reply must come: commands that break that are refused. */
enum err_code command_refuse_unsuitable(const char *const *argv, size_t argc, struct err *err)
{
    const struct words *words = &(struct words){.argv = argv, .argc = argc};
    static const char *const refused[] = {
        "SUBSCRIBE",    "PSUBSCRIBE", "SSUBSCRIBE", "UNSUBSCRIBE", "MONITOR", "PUNSUBSCRIBE",
        "SUNSUBSCRIBE", "SHUTDOWN",   "QUIT",       "SYNC",        "PSYNC",   "RESET"};
    const size_t name_bytes = argc > 0 ? strcspn(argv[0], " {") : 0; /* placeholders have blanks */
    if (argc > 0 && argv[0][name_bytes] == ' ')
        return err_set(err, E_USAGE,
                       "%.60s: no command has a blank in its name; give its words apart, as in SET "
                       "key value",
                       argv[0]);
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
        if (argument_is(words, 0, refused[i]))
            return err_set(err, E_USAGE,
                           "%s cannot be measured: it does not give one reply per request; "
                           "leave it out",
                           refused[i]);
    if (argument_is(words, 0, "CLIENT") && argument_is(words, 1, "REPLY"))
        return err_set(err, E_USAGE,
                       "CLIENT REPLY cannot be measured: it changes whether replies come at all");
    return refuse_endless(words, err);
}
