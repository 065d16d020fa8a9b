#include "worker/generate/replay_plan.h"

#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/recording.h"
#include "worker/generate/command_rules.h"

const char *replay_reason_text(enum replay_reason reason)
{
    static const char *const texts[REPLAY_REASONS] = {
        [REPLAY_SENT] = "commands that are sent",
        [REPLAY_NO_REPLY] = "that do not give one reply to each request (SUBSCRIBE, QUIT ...)",
        [REPLAY_ENDLESS] = "that wait without a limit (BLPOP with time-out 0 and its like)",
        [REPLAY_LOGIN] = "that say who a client is (AUTH, HELLO)",
        [REPLAY_SELECT] = "SELECT, which volley sends itself where it is needed",
        [REPLAY_SERVER] = "that end a server or make it another one's replica",
        [REPLAY_TRANSACTION] =
            "MULTI, EXEC, DISCARD, WATCH and UNWATCH of clients that share a connection",
    };
    return texts[reason];
}

/* Beside what no request may be (command_rules). */
static const struct rule {
    const char *name;
    enum replay_reason reason;
} rules[] = {
    {"AUTH", REPLAY_LOGIN},        {"DISCARD", REPLAY_TRANSACTION}, {"EXEC", REPLAY_TRANSACTION},
    {"FAILOVER", REPLAY_SERVER},   {"HELLO", REPLAY_LOGIN},         {"MULTI", REPLAY_TRANSACTION},
    {"REPLCONF", REPLAY_NO_REPLY}, {"REPLICAOF", REPLAY_SERVER},    {"SELECT", REPLAY_SELECT},
    {"SHUTDOWN", REPLAY_SERVER},   {"SLAVEOF", REPLAY_SERVER},      {"UNWATCH", REPLAY_TRANSACTION},
    {"WATCH", REPLAY_TRANSACTION},
};

static enum replay_reason judge_by_fault(const struct recording_entry *entry)
{
    static const enum replay_reason reasons[] = {[COMMAND_SUITS] = REPLAY_SENT,
                                                 [COMMAND_NO_REPLY] = REPLAY_NO_REPLY,
                                                 [COMMAND_CHANGES_REPLIES] = REPLAY_NO_REPLY,
                                                 [COMMAND_ENDLESS] = REPLAY_ENDLESS};
    return reasons[command_fault_of(
        &(struct command_words){.arguments = entry->arguments, .count = entry->argument_count})];
}

enum replay_reason replay_judge(const struct recording_entry *entry, bool shared)
{
    const struct recording_argument *name = &entry->arguments[0];
    if (name->byte_count < 4)
        return REPLAY_SENT;
    const char first = (char)(name->bytes[0] & ~0x20);
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
        if (rules[i].name[0] == first && recording_argument_is(name, rules[i].name))
            return rules[i].reason == REPLAY_TRANSACTION && !shared ? REPLAY_SENT : rules[i].reason;
    /* Invalidations come unasked. */
    if (first == 'C' && entry->argument_count >= 2 && recording_argument_is(name, "CLIENT") &&
        recording_argument_is(&entry->arguments[1], "TRACKING"))
        return REPLAY_NO_REPLY;
    return judge_by_fault(entry);
}

static void count_entry(struct replay_facts *facts, const struct recording_entry *entry)
{
    const enum replay_reason reason = replay_judge(entry, true);
    if (entry->client >= facts->clients)
        facts->clients = entry->client + 1;
    facts->span_ns = entry->at_us * NS_PER_US;
    facts->entries += reason == REPLAY_SENT;
    facts->left_out[reason] += reason != REPLAY_SENT;
    if (reason != REPLAY_SENT && reason != REPLAY_TRANSACTION)
        return;
    if (entry->request_bytes > facts->most_bytes)
        facts->most_bytes = entry->request_bytes;
    if (entry->database > facts->most_database)
        facts->most_database = entry->database;
}

/* Of a command, whatever its arguments are. */
static enum replay_reason judge_name(const char *name, bool shared)
{
    const struct recording_argument alone = {.bytes = name, .byte_count = strlen(name)};
    const struct recording_entry entry = {.arguments = &alone, .argument_count = 1};
    return replay_judge(&entry, shared);
}

static void find_classes(struct replay_facts *facts, const struct recording_facts *known)
{
    bool taken[RECORDING_COMMANDS_MAX] = {false};
    uint32_t distinct = 0;
    for (uint32_t i = 0; i < known->command_count; i++) {
        taken[i] = judge_name(known->commands[i].name, false) != REPLAY_SENT;
        distinct += !taken[i];
    }
    facts->has_others = distinct > CLASSES_MAX || known->other_commands > 0;
    const uint32_t named =
        distinct < CLASSES_MAX - facts->has_others ? distinct : CLASSES_MAX - facts->has_others;
    for (; facts->class_count < named; facts->class_count++) {
        uint32_t most = RECORDING_COMMANDS_MAX;
        for (uint32_t i = 0; i < known->command_count; i++)
            if (!taken[i] && (most == RECORDING_COMMANDS_MAX ||
                              known->commands[i].count > known->commands[most].count))
                most = i;
        if (most == RECORDING_COMMANDS_MAX)
            break; /* as many are named as there are */
        taken[most] = true;
        char *name = facts->classes[facts->class_count];
        snprintf(name, CLASS_NAME_BYTES, "%s", known->commands[most].name);
        for (char *c = name; *c != '\0'; c++) /* an objective names it */
            *c = strchr(",<>", *c) != NULL ? '?' : *c;
    }
    if (facts->has_others)
        snprintf(facts->classes[facts->class_count++], CLASS_NAME_BYTES, "other");
}

uint32_t replay_class(const struct replay_facts *facts, const struct recording_entry *entry)
{
    const struct recording_argument *name = &entry->arguments[0];
    const uint32_t named = facts->class_count - facts->has_others;
    for (uint32_t i = 0; i < named; i++)
        if (((facts->classes[i][0] ^ name->bytes[0]) & ~0x20) == 0 &&
            recording_argument_is(name, facts->classes[i]))
            return i;
    /* Of a name that is cut, or is written otherwise there: it is counted with the last one. */
    return facts->class_count - 1;
}

bool replay_reads(const struct replay_facts *facts)
{
    for (uint32_t i = 0; i < facts->class_count; i++)
        if (command_read_kind(facts->classes[i]) != READ_NONE)
            return true;
    return false;
}

void replay_settle_transactions(struct replay_facts *facts, bool shared)
{
    uint32_t kept = 0;
    if (!shared) {
        facts->entries += facts->left_out[REPLAY_TRANSACTION];
        facts->left_out[REPLAY_TRANSACTION] = 0;
        return;
    }
    for (uint32_t i = 0; i < facts->class_count; i++)
        if (judge_name(facts->classes[i], true) != REPLAY_TRANSACTION)
            memmove(facts->classes[kept++], facts->classes[i], CLASS_NAME_BYTES);
    facts->class_count = kept;
}

enum err_code replay_open(const struct replay_plan *plan, struct recording_reader **reader,
                          struct err *err)
{
    return plan->fd < 0 ? recording_open(reader, plan->path, err)
                        : recording_open_on(reader, plan->fd, plan->path, err);
}

static void take_facts(struct replay_facts *facts, const struct recording_facts *known)
{
    facts->has_times = known->has_times;
    facts->never_recorded = known->left_out;
    facts->skipped_lines = known->skipped_lines;
    facts->snapshot = known->snapshots > 0;
    facts->source_cut = known->source_cuts > 0;
    find_classes(facts, known);
}

enum err_code replay_look(struct replay_plan *plan, struct err *err)
{
    struct replay_facts *facts = &plan->facts;
    struct recording_reader *reader = NULL;
    struct recording_entry entry;
    bool more = true;
    *facts = (struct replay_facts){.entries = 0};
    enum err_code code = replay_open(plan, &reader, err);
    while (code == OK) {
        code = recording_next(reader, &entry, &more, err);
        if (code != OK || !more)
            break;
        count_entry(facts, &entry);
    }
    if (code == OK) {
        facts->cut = recording_was_cut(reader);
        const struct recording_facts *known = NULL;
        code = recording_count(reader, &known, err);
        if (code == OK)
            take_facts(facts, known);
    }
    recording_close(reader);
    return code;
}
