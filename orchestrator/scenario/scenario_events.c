#include "orchestrator/scenario/scenario_events.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/clock.h"

enum deed { WRITES = 1, READS = 2, REMOVES = 4, EXPIRES = 8, FLUSHES = 16, CARES = 32 };

static const struct {
    const char *word;
    enum deed deed;
} words[] = {
    {"SET", WRITES},      {"MSET", WRITES},     {"HSET", WRITES},     {"RPUSH", WRITES},
    {"SADD", WRITES},     {"ZADD", WRITES},     {"VADD", WRITES},     {"GET", READS},
    {"MGET", READS},      {"STRLEN", READS},    {"EXISTS", READS},    {"HGETALL", READS},
    {"LRANGE", READS},    {"SMEMBERS", READS},  {"ZRANGE", READS},    {"VSIM", READS},
    {"FT.SEARCH", READS}, {"DEL", REMOVES},     {"UNLINK", REMOVES},  {"VREM", REMOVES},
    {"EXPIRE", EXPIRES},  {"PEXPIRE", EXPIRES}, {"FLUSHDB", FLUSHES}, {"FLUSHALL", FLUSHES},
    {"MEMORY", CARES},    {"CONFIG", CARES},
};

static unsigned deeds_of(const struct phase *phase)
{
    if (phase->workload != NULL)
        return WRITES | READS | REMOVES | EXPIRES;
    switch (phase->type) {
    case PHASE_LOAD:
    case PHASE_OVERWRITE:
        return WRITES;
    case PHASE_QUERY:
        return READS;
    case PHASE_DELETE:
        return REMOVES;
    case PHASE_EXPIRE:
        return EXPIRES;
    case PHASE_FLUSH:
        return FLUSHES | REMOVES;
    case PHASE_IDLE:
    case PHASE_CONDITION:
        return 0;
    case PHASE_CHECKPOINT:
    case PHASE_PURGE:
        return CARES;
    default: /* with a mix, or of children that each do one of these */
        return WRITES | READS | REMOVES | EXPIRES;
    }
}

/* Of the command in "12.345 ms: SET key value" and "request of 99 bytes: SET key value"; 0: not known. */
static unsigned deed_of(const struct note *note)
{
    const char *command = strstr(note->text, ": ");
    if (command == NULL || (note->source != NOTE_SLOWLOG && note->source != NOTE_COMMANDLOG))
        return 0;
    command += 2;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        const size_t bytes = strlen(words[i].word);
        if (strncasecmp(command, words[i].word, bytes) == 0 &&
            (command[bytes] == ' ' || command[bytes] == '\0'))
            return words[i].deed;
    }
    return 0;
}

static uint32_t phase_of(const struct scenario_event *event, const struct scenario *scenario,
                         const struct phase_account *accounts)
{
    const uint64_t from_ns = event->note.at_ns, until_ns = from_ns + NS_PER_SECOND;
    const unsigned deed = deed_of(&event->note);
    uint32_t first = event->phase;
    bool any = false;
    for (uint32_t i = 0; i < scenario->phase_count; i++) {
        const struct phase_account *account = &accounts[i];
        if (!account->ran || scenario->phases[i].parallel_place > 0 ||
            account->start_ns >= until_ns || account->end_ns <= from_ns)
            continue;
        if ((deeds_of(&scenario->phases[i]) & deed) != 0)
            return i;
        if (!any)
            first = i;
        any = true;
    }
    return first;
}

static int by_time(const void *a, const void *b)
{
    const struct scenario_event *left = a, *right = b;
    if (left->note.at_ns != right->note.at_ns)
        return left->note.at_ns > right->note.at_ns ? 1 : -1;
    return (left->place > right->place) - (left->place < right->place);
}

void scenario_events_settle(struct scenario_events *events, const struct scenario *scenario,
                            const struct phase_account *accounts)
{
    for (size_t i = 0; i < events->count; i++) {
        struct scenario_event *event = &events->items[i];
        const enum note_source source = event->note.source;
        event->place = i;
        if (source == NOTE_SLOWLOG || source == NOTE_COMMANDLOG || source == NOTE_LATENCY)
            event->phase = phase_of(event, scenario, accounts);
    }
    if (events->count > 0)
        qsort(events->items, events->count, sizeof events->items[0], by_time);
}
