#include "orchestrator/report/note.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

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

void note_set_number(struct note *note, double number)
{
    uint64_t bits;
    memcpy(&bits, &number, sizeof bits);
    note_set(note, NOTE_NUMBER_HIGH, (int64_t)(bits >> 32));
    note_set(note, NOTE_NUMBER_LOW, (int64_t)(bits & UINT32_MAX));
}

double note_get_number(const struct note *note)
{
    const int64_t high = note_get(note, NOTE_NUMBER_HIGH), low = note_get(note, NOTE_NUMBER_LOW);
    const uint64_t bits = (uint64_t)high << 32 | (uint64_t)low;
    double number;
    if (high < 0 || low < 0 || high > UINT32_MAX || low > UINT32_MAX)
        return NAN;
    memcpy(&number, &bits, sizeof number);
    return number;
}

const char *note_source_name(enum note_source source)
{
    static const char *const names[] = {NOTE_SOURCE_TABLE(NOTE_NAME)};
    return names[source];
}

const char *note_by_name(int64_t by)
{
#define BY_NAME(id, name, phrase) name,
    static const char *const names[] = {NOTE_BY_TABLE(BY_NAME)};
    return by >= 0 && by < NOTE_BY_COUNT ? names[by] : NULL;
}

const char *note_by_phrase(int64_t by)
{
#define BY_PHRASE(id, name, phrase) phrase,
    static const char *const phrases[] = {NOTE_BY_TABLE(BY_PHRASE)};
    return by >= 0 && by < NOTE_BY_COUNT ? phrases[by] : "by ctl";
}

const char *note_teller(const struct note *note)
{
    const char *by = note_by_name(note_get(note, NOTE_BY));
    return note->source == NOTE_CTL && by != NULL ? by : note_source_name(note->source);
}

const char *note_told(char text[NOTE_TOLD_BYTES], const struct note *note)
{
    const char *by = note_by_name(note_get(note, NOTE_BY));
    snprintf(text, NOTE_TOLD_BYTES, "%s%s%s%s", note->text, by != NULL ? " (" : "",
             by != NULL ? by : "", by != NULL ? ")" : "");
    return text;
}

const char *note_value_name(enum note_value value)
{
    static const char *const names[] = {NOTE_VALUE_TABLE(NOTE_NAME)};
    return names[value];
}
