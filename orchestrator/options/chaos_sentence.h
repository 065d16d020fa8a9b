/* An action of --chaos as a sentence, "at 10s: kill node 2", taken apart into the words that the map
 * form has. A step of chaos_plan_parse; nothing here knows what a value means. */
#ifndef ORCHESTRATOR_OPTIONS_CHAOS_SENTENCE_H
#define ORCHESTRATOR_OPTIONS_CHAOS_SENTENCE_H

#include <stdbool.h>
#include <stddef.h>

#include "orchestrator/options/chaos_plan.h"

enum chaos_key {
    CHAOS_KEY_AT,
    CHAOS_KEY_DO,
    CHAOS_KEY_NODE,
    CHAOS_KEY_FOR,
    CHAOS_KEY_SLOTS,
    CHAOS_KEY_FROM,
    CHAOS_KEY_TO,
    CHAOS_KEY_COUNT
};
#define CHAOS_WORD_BYTES 48u

struct chaos_words {
    char values[CHAOS_KEY_COUNT][CHAOS_WORD_BYTES]; /* "": not there */
};

const char *chaos_key_name(size_t key);
const char *chaos_kind_name(enum chaos_kind kind);
/* Case does not matter, and a blank counts as a hyphen. -1: unknown. */
int chaos_kind_find(const char *text);

/* The sentence, or its two halves around the colon. False: *why says what is wrong, cut. */
bool chaos_sentence_parse(struct chaos_words *words, const char *sentence, const char *rest,
                          char *why, size_t why_bytes);

#endif
