#include "worker/generate/command_rules.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/units.h"

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

uint32_t command_cursor_place(const char *name)
{
    static const char *const of_keys[] = {"HSCAN", "SSCAN", "ZSCAN"};
    for (size_t i = 0; i < sizeof of_keys / sizeof of_keys[0]; i++)
        if (strcasecmp(name, of_keys[i]) == 0)
            return 2;
    return strcasecmp(name, "SCAN") == 0 ? 1 : 0;
}

enum err_code command_least(uint64_t least[COMMAND_LEAST_NUMBERS], bool *asks,
                            const char *const *argv, size_t argc, struct err *err)
{
    const size_t numbers = strcasecmp(argv[0], "WAIT") == 0      ? 1
                           : strcasecmp(argv[0], "WAITAOF") == 0 ? 2
                                                                 : 0;
    memset(least, 0, COMMAND_LEAST_NUMBERS * sizeof least[0]);
    *asks = numbers > 0 && argc > numbers;
    for (size_t i = 0; i < numbers && *asks; i++)
        if (!units_parse_digits(&least[i], argv[i + 1], strlen(argv[i + 1]), INT32_MAX))
            return err_set(err, E_CONFIG,
                           "%s %.40s: how many are to acknowledge is a plain number, which the "
                           "replies are held against",
                           argv[0], argv[i + 1]);
    return OK;
}

static struct recording_argument word_at(const struct command_words *words, size_t index)
{
    if (index >= words->count)
        return (struct recording_argument){.bytes = ""};
    return words->argv == NULL
               ? words->arguments[index]
               : (struct recording_argument){.bytes = words->argv[index],
                                             .byte_count = strlen(words->argv[index])};
}

static bool is(const struct command_words *words, size_t index, const char *text)
{
    const struct recording_argument word = word_at(words, index);
    return recording_argument_is(&word, text);
}

/* Servers read these time-outs as numbers: "0.0" is 0, too. */
static bool is_zero(const struct command_words *words, size_t index)
{
    const struct recording_argument word = word_at(words, index);
    char text[32], *end;
    if (word.byte_count == 0 || word.byte_count >= sizeof text)
        return false;
    memcpy(text, word.bytes, word.byte_count);
    text[word.byte_count] = '\0';
    const double value = strtod(text, &end);
    return end == text + word.byte_count && value >= 0 && value <= 0;
}

/* Where a time-out stands: 0 waits without a limit, and would hold the connection for ever. */
enum timeout_place { TIMEOUT_NONE, TIMEOUT_FIRST, TIMEOUT_LAST, TIMEOUT_BEHIND_BLOCK };

static const struct {
    const char *name;
    enum command_fault fault;
    enum timeout_place timeout;
} rules[] = {
    {"BLMOVE", COMMAND_ENDLESS, TIMEOUT_LAST},
    {"BLMPOP", COMMAND_ENDLESS, TIMEOUT_FIRST},
    {"BLPOP", COMMAND_ENDLESS, TIMEOUT_LAST},
    {"BRPOP", COMMAND_ENDLESS, TIMEOUT_LAST},
    {"BRPOPLPUSH", COMMAND_ENDLESS, TIMEOUT_LAST},
    {"BZMPOP", COMMAND_ENDLESS, TIMEOUT_FIRST},
    {"BZPOPMAX", COMMAND_ENDLESS, TIMEOUT_LAST},
    {"BZPOPMIN", COMMAND_ENDLESS, TIMEOUT_LAST},
    {"MONITOR", COMMAND_NO_REPLY, TIMEOUT_NONE},
    {"PSUBSCRIBE", COMMAND_NO_REPLY, TIMEOUT_NONE},
    {"PSYNC", COMMAND_NO_REPLY, TIMEOUT_NONE},
    {"PUNSUBSCRIBE", COMMAND_NO_REPLY, TIMEOUT_NONE},
    {"QUIT", COMMAND_NO_REPLY, TIMEOUT_NONE},
    {"RESET", COMMAND_NO_REPLY, TIMEOUT_NONE},
    {"SHUTDOWN", COMMAND_NO_REPLY, TIMEOUT_NONE},
    {"SSUBSCRIBE", COMMAND_NO_REPLY, TIMEOUT_NONE},
    {"SUBSCRIBE", COMMAND_NO_REPLY, TIMEOUT_NONE},
    {"SUNSUBSCRIBE", COMMAND_NO_REPLY, TIMEOUT_NONE},
    {"SYNC", COMMAND_NO_REPLY, TIMEOUT_NONE},
    {"UNSUBSCRIBE", COMMAND_NO_REPLY, TIMEOUT_NONE},
    {"WAIT", COMMAND_ENDLESS, TIMEOUT_LAST},
    {"WAITAOF", COMMAND_ENDLESS, TIMEOUT_LAST},
    {"XREAD", COMMAND_ENDLESS, TIMEOUT_BEHIND_BLOCK},
    {"XREADGROUP", COMMAND_ENDLESS, TIMEOUT_BEHIND_BLOCK},
};

static bool is_endless(const struct command_words *words, enum timeout_place timeout)
{
    switch (timeout) {
    case TIMEOUT_NONE:
        break;
    case TIMEOUT_FIRST:
        return is_zero(words, 1);
    case TIMEOUT_LAST:
        return words->count > 1 && is_zero(words, words->count - 1);
    case TIMEOUT_BEHIND_BLOCK:
        for (size_t i = 1; i + 1 < words->count; i++)
            if (is(words, i, "BLOCK") && is_zero(words, i + 1))
                return true;
        return false;
    }
    return true;
}

enum command_fault command_fault_of(const struct command_words *words)
{
    const struct recording_argument name = word_at(words, 0);
    const char first = name.byte_count > 0 ? (char)(name.bytes[0] & ~0x20) : '\0';
    if (first == 'C' && recording_argument_is(&name, "CLIENT") && is(words, 1, "REPLY"))
        return COMMAND_CHANGES_REPLIES;
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
        if (rules[i].name[0] == first && recording_argument_is(&name, rules[i].name))
            return is_endless(words, rules[i].timeout) ? rules[i].fault : COMMAND_SUITS;
    return COMMAND_SUITS;
}

/* One request must have one reply, and the reply must come: commands that break that are refused. */
enum err_code command_refuse_unsuitable(const char *const *argv, size_t argc, struct err *err)
{
    const struct command_words words = {.argv = argv, .count = argc};
    const size_t name_bytes = argc > 0 ? strcspn(argv[0], " {") : 0; /* placeholders have blanks */
    if (argc > 0 && argv[0][name_bytes] == ' ')
        return err_set(err, E_USAGE,
                       "%.60s: no command has a blank in its name; give its words apart, as in SET "
                       "key value",
                       argv[0]);
    char name[16] = ""; /* one of the rules', in capitals */
    const enum command_fault fault = command_fault_of(&words);
    for (size_t i = 0; fault != COMMAND_SUITS && argv[0][i] != '\0' && i + 1 < sizeof name; i++)
        name[i] = (char)toupper((unsigned char)argv[0][i]);
    switch (fault) {
    case COMMAND_SUITS:
        break;
    case COMMAND_NO_REPLY:
        return err_set(err, E_USAGE,
                       "%s cannot be measured: it does not give one reply per request; "
                       "leave it out",
                       name);
    case COMMAND_CHANGES_REPLIES:
        return err_set(err, E_USAGE,
                       "CLIENT REPLY cannot be measured: it changes whether replies come at all");
    case COMMAND_ENDLESS:
        return err_set(err, E_USAGE, "%s with %s 0 waits for ever; give it a timeout above 0",
                       argv[0],
                       is(&words, 0, "XREAD") || is(&words, 0, "XREADGROUP") ? "BLOCK" : "timeout");
    }
    return OK;
}
