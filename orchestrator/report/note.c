#include "orchestrator/report/note.h"

#define NOTE_NAME(id, name) name,

void note_set(struct note *note, enum note_value value, int64_t number)
{
    const uint32_t bit = 1u << value;
    note->values[value] = number;
    note->known = number >= 0 ? note->known | bit : note->known & ~bit;
}

int64_t note_get(const struct note *note, enum note_value value)
{
    return (note->known & 1u << value) != 0 ? note->values[value] : -1;
}

const char *note_source_name(enum note_source source)
{
    static const char *const names[] = {NOTE_SOURCE_TABLE(NOTE_NAME)};
    return names[source];
}

const char *note_value_name(enum note_value value)
{
    static const char *const names[] = {NOTE_VALUE_TABLE(NOTE_NAME)};
    return names[value];
}
