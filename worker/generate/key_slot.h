/* The hash slot of the key that stands in a constant byte range of a template. Private to worker/.
 *
 * CRC16 is linear: the slot of a key with numbers in it is the slot with zeros in their places,
 * exclusive or what each group of digits adds where it stands. So a key of letters and numbers costs a few
 * look-ups, and is not even rendered. */
#ifndef WORKER_GENERATE_KEY_SLOT_H
#define WORKER_GENERATE_KEY_SLOT_H

#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "worker/generate/template.h"

enum key_slot_kind {
    KEY_SLOT_SPREAD,  /* no key: any slot will do, in turn            */
    KEY_SLOT_TAG,     /* the template's own hash tag decides           */
    KEY_SLOT_NUMBERS, /* text and numbers; the same for every ticket without numbers */
    KEY_SLOT_RENDERED /* anything else: rendered, and computed         */
};

#define KEY_NUMBER_GROUPS (TEMPLATE_DIGITS / 3)

struct key_number {
    uint32_t draw;
    uint16_t added[KEY_NUMBER_GROUPS][1000]; /* by each group of digits, the highest first */
};

/* Zeroed: without a key. */
struct key_slot {
    enum key_slot_kind kind;
    uint16_t zeros_slot; /* with zeros for all numbers */
    uint32_t number_count;
    struct key_number *numbers;
    size_t offset_bytes, byte_count; /* what is hashed, in the request */
    char *rendered;                  /* room for that; KEY_SLOT_RENDERED only */
};

/* Of the key at this place of the template, which must be complete. key_slot_free in any case. */
MUST_USE enum err_code key_slot_prepare(struct key_slot *key_slot, const struct template *template,
                                        size_t offset_bytes, size_t byte_count, struct err *err);
void key_slot_free(struct key_slot *key_slot);

/* Hot path. One caller at a time: long keys are rendered into the key_slot's own room. */
uint16_t key_slot_of(const struct key_slot *key_slot, const struct template *template,
                     uint64_t ticket);

#endif
