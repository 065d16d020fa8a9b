#include "worker/generate/recorded_key.h"

#include <stddef.h>
#include <string.h>

/* Where the first key stands, where it is not the first argument. */
enum place {
    PLACE_NONE,
    PLACE_SECOND,        /* behind a subcommand or an operation */
    PLACE_THIRD,         /* behind a host and a port            */
    PLACE_BEHIND_COUNT,  /* numkeys key ...                     */
    PLACE_BEHIND_SECOND, /* SCRIPT numkeys key ...              */
    PLACE_BEHIND_STREAMS /* ... STREAMS key ...                 */
};

static const struct {
    const char *name;
    const char *subcommand; /* for this one only; NULL: for all */
    enum place place;
} rules[] = {
    {"ACL", NULL, PLACE_NONE},
    {"ASKING", NULL, PLACE_NONE},
    {"BGREWRITEAOF", NULL, PLACE_NONE},
    {"BGSAVE", NULL, PLACE_NONE},
    {"BITOP", NULL, PLACE_SECOND},
    {"BLMPOP", NULL, PLACE_BEHIND_SECOND},
    {"BZMPOP", NULL, PLACE_BEHIND_SECOND},
    {"CLIENT", NULL, PLACE_NONE},
    {"CLUSTER", NULL, PLACE_NONE},
    {"COMMAND", NULL, PLACE_NONE},
    {"COMMANDLOG", NULL, PLACE_NONE},
    {"CONFIG", NULL, PLACE_NONE},
    {"DBSIZE", NULL, PLACE_NONE},
    {"DEBUG", "OBJECT", PLACE_SECOND},
    {"DEBUG", NULL, PLACE_NONE},
    {"ECHO", NULL, PLACE_NONE},
    {"EVAL", NULL, PLACE_BEHIND_SECOND},
    {"EVALSHA", NULL, PLACE_BEHIND_SECOND},
    {"EVALSHA_RO", NULL, PLACE_BEHIND_SECOND},
    {"EVAL_RO", NULL, PLACE_BEHIND_SECOND},
    {"FCALL", NULL, PLACE_BEHIND_SECOND},
    {"FCALL_RO", NULL, PLACE_BEHIND_SECOND},
    {"FLUSHALL", NULL, PLACE_NONE},
    {"FLUSHDB", NULL, PLACE_NONE},
    {"FUNCTION", NULL, PLACE_NONE},
    {"INFO", NULL, PLACE_NONE},
    {"KEYS", NULL, PLACE_NONE},
    {"LASTSAVE", NULL, PLACE_NONE},
    {"LATENCY", NULL, PLACE_NONE},
    {"LMPOP", NULL, PLACE_BEHIND_COUNT},
    {"LOLWUT", NULL, PLACE_NONE},
    {"MEMORY", "USAGE", PLACE_SECOND},
    {"MEMORY", NULL, PLACE_NONE},
    {"MIGRATE", NULL, PLACE_THIRD},
    {"MODULE", NULL, PLACE_NONE},
    {"MSETEX", NULL, PLACE_BEHIND_COUNT},
    {"OBJECT", NULL, PLACE_SECOND},
    {"PING", NULL, PLACE_NONE},
    {"PUBLISH", NULL, PLACE_NONE},
    {"PUBSUB", NULL, PLACE_NONE},
    {"RANDOMKEY", NULL, PLACE_NONE},
    {"READONLY", NULL, PLACE_NONE},
    {"READWRITE", NULL, PLACE_NONE},
    {"ROLE", NULL, PLACE_NONE},
    {"SAVE", NULL, PLACE_NONE},
    {"SCAN", NULL, PLACE_NONE},
    {"SCRIPT", NULL, PLACE_NONE},
    {"SINTERCARD", NULL, PLACE_BEHIND_COUNT},
    {"SLOWLOG", NULL, PLACE_NONE},
    {"SWAPDB", NULL, PLACE_NONE},
    {"TIME", NULL, PLACE_NONE},
    {"WAIT", NULL, PLACE_NONE},
    {"WAITAOF", NULL, PLACE_NONE},
    {"XGROUP", NULL, PLACE_SECOND},
    {"XINFO", NULL, PLACE_SECOND},
    {"XREAD", NULL, PLACE_BEHIND_STREAMS},
    {"XREADGROUP", NULL, PLACE_BEHIND_STREAMS},
    {"ZDIFF", NULL, PLACE_BEHIND_COUNT},
    {"ZINTER", NULL, PLACE_BEHIND_COUNT},
    {"ZINTERCARD", NULL, PLACE_BEHIND_COUNT},
    {"ZMPOP", NULL, PLACE_BEHIND_COUNT},
    {"ZUNION", NULL, PLACE_BEHIND_COUNT},
};

static bool is(const struct recording_entry *entry, uint32_t index, const char *text)
{
    return index < entry->argument_count && recording_argument_is(&entry->arguments[index], text);
}

/* "0" keys are none. */
static bool is_zero(const struct recording_entry *entry, uint32_t index)
{
    const struct recording_argument *argument = &entry->arguments[index];
    return argument->byte_count == 1 && argument->bytes[0] == '0';
}

static uint32_t index_of(const struct recording_entry *entry, enum place place)
{
    switch (place) {
    case PLACE_NONE:
        break;
    case PLACE_SECOND:
        return 2;
    case PLACE_THIRD:
        return 3;
    case PLACE_BEHIND_COUNT:
        return entry->argument_count > 2 && !is_zero(entry, 1) ? 2 : 0;
    case PLACE_BEHIND_SECOND:
        return entry->argument_count > 3 && !is_zero(entry, 2) ? 3 : 0;
    case PLACE_BEHIND_STREAMS:
        for (uint32_t i = 1; i < entry->argument_count; i++)
            if (is(entry, i, "STREAMS"))
                return i + 1;
        break;
    }
    return 0;
}

const struct recording_argument *recorded_key(const struct recording_entry *entry)
{
    const struct recording_argument *name = &entry->arguments[0];
    const char first = name->byte_count > 0 ? (char)(name->bytes[0] & ~0x20) : '\0';
    uint32_t index = 1;
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        if (rules[i].name[0] != first || !recording_argument_is(name, rules[i].name) ||
            (rules[i].subcommand != NULL && !is(entry, 1, rules[i].subcommand)))
            continue;
        index = index_of(entry, rules[i].place);
        break;
    }
    return index > 0 && index < entry->argument_count ? &entry->arguments[index] : NULL;
}
