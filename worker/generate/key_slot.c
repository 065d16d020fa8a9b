#include "worker/generate/key_slot.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/slots.h"

/* Longer keys are rendered: their tables would take longer to make than they save. */
#define TABLE_KEY_BYTES 1024u
#define TABLE_NUMBERS 16u

void key_slot_free(struct key_slot *key_slot)
{
    free(key_slot->numbers);
    free(key_slot->rendered);
    *key_slot = (struct key_slot){.kind = KEY_SLOT_SPREAD};
}

/* Narrows a key to what is hashed of it: what stands between the first '{' and the next '}', if
 * anything does. Braces are the same for every ticket: no placeholder makes one except {tag}, whose own are
 * text. */
static void narrow_to_tag(struct key_slot *key_slot, const char *key)
{
    const char *open = memchr(key, '{', key_slot->byte_count);
    if (open == NULL)
        return;
    const char *tag = open + 1;
    const char *close = memchr(tag, '}', key_slot->byte_count - (size_t)(tag - key));
    if (close == NULL || close == tag)
        return;
    key_slot->offset_bytes += (size_t)(tag - key);
    key_slot->byte_count = (size_t)(close - tag);
}

/* What each group of three digits adds to the CRC of zeros: the CRC of its difference from "000" with the
 * rest of the key, as zero bytes, behind it. Zero bytes before it add nothing. */
static void fill_number(struct key_number *number, char *zero_bytes, size_t bytes_behind)
{
    for (size_t group = 0; group < KEY_NUMBER_GROUPS; group++) {
        size_t stretch_bytes = bytes_behind + TEMPLATE_DIGITS - 3 * group;
        for (unsigned value = 0; value < 1000; value++) {
            zero_bytes[0] = (char)(('0' + value / 100) ^ '0');
            zero_bytes[1] = (char)(('0' + value / 10 % 10) ^ '0');
            zero_bytes[2] = (char)(('0' + value % 10) ^ '0');
            number->added[group][value] = slots_crc16(zero_bytes, stretch_bytes) % SLOTS_COUNT;
        }
        zero_bytes[0] = zero_bytes[1] = zero_bytes[2] = 0;
    }
}

static bool is_in(const struct key_slot *key_slot, const struct template *template,
                  const struct template_patch *patch)
{
    return patch->offset_bytes + template_patch_bytes(template, patch) > key_slot->offset_bytes &&
           patch->offset_bytes < key_slot->offset_bytes + key_slot->byte_count;
}

static enum key_slot_kind kind_of(const struct key_slot *key_slot, const struct template *template)
{
    enum key_slot_kind kind = KEY_SLOT_NUMBERS;
    uint32_t numbers = 0;
    for (size_t i = 0; i < template->patch_count; i++) {
        const struct template_patch *patch = &template->patches[i];
        if (!is_in(key_slot, template, patch))
            continue;
        if (patch->draw == TEMPLATE_TAG && patch->offset_bytes == key_slot->offset_bytes &&
            key_slot->byte_count == TEMPLATE_TAG_BYTES)
            return KEY_SLOT_TAG;
        if (patch->draw >= TEMPLATE_TAG || ++numbers > TABLE_NUMBERS)
            kind = KEY_SLOT_RENDERED;
    }
    return key_slot->byte_count > TABLE_KEY_BYTES ? KEY_SLOT_RENDERED : kind;
}

/* zero_bytes and key have room for what is hashed. */
static void make_tables(struct key_slot *key_slot, const struct template *template, char *key,
                        char *zero_bytes)
{
    const size_t end = key_slot->offset_bytes + key_slot->byte_count;
    template_render_part(template, 0, key_slot->offset_bytes, key_slot->byte_count, key);
    for (size_t i = 0; i < template->patch_count; i++) {
        const struct template_patch *patch = &template->patches[i];
        if (!is_in(key_slot, template, patch))
            continue;
        struct key_number *number = &key_slot->numbers[key_slot->number_count++];
        number->draw = patch->draw;
        memset(key + (patch->offset_bytes - key_slot->offset_bytes), '0', TEMPLATE_DIGITS);
        fill_number(number, zero_bytes, end - patch->offset_bytes - TEMPLATE_DIGITS);
    }
    key_slot->zeros_slot = slots_crc16(key, key_slot->byte_count) % SLOTS_COUNT;
}

enum err_code key_slot_prepare(struct key_slot *key_slot, const struct template *template,
                               size_t offset_bytes, size_t byte_count, struct err *err)
{
    *key_slot = (struct key_slot){.offset_bytes = offset_bytes, .byte_count = byte_count};
    char *key = malloc(byte_count + 1), *zero_bytes = NULL;
    bool room = true;
    if (key == NULL)
        return err_set(err, E_SYSTEM, "cannot allocate room for a key of %zu bytes", byte_count);
    template_render_part(template, 0, offset_bytes, byte_count, key);
    narrow_to_tag(key_slot, key);
    key_slot->kind = kind_of(key_slot, template);
    if (key_slot->kind == KEY_SLOT_RENDERED) {
        key_slot->rendered = malloc(key_slot->byte_count + 1);
        room = key_slot->rendered != NULL;
    } else if (key_slot->kind == KEY_SLOT_NUMBERS) {
        zero_bytes = calloc(key_slot->byte_count + 1, 1);
        key_slot->numbers = calloc(TABLE_NUMBERS, sizeof key_slot->numbers[0]);
        room = zero_bytes != NULL && key_slot->numbers != NULL;
        if (room)
            make_tables(key_slot, template, key, zero_bytes);
    }
    free(key);
    free(zero_bytes);
    if (!room)
        return err_set(err, E_SYSTEM, "cannot allocate room for a key of %zu bytes", byte_count);
    return OK;
}

static uint16_t added_by(const struct key_number *number, uint64_t value)
{
    /* Two halves of six digits, as template_write_digits has them. Zeros add nothing. */
    uint32_t high = (uint32_t)(value / 1000000), low = (uint32_t)(value % 1000000);
    uint16_t added = number->added[2][low / 1000] ^ number->added[3][low % 1000];
    if (high > 0)
        added ^= number->added[0][high / 1000] ^ number->added[1][high % 1000];
    return added;
}

/* Apart from numbers, which then save fewer registers. */
__attribute__((noinline)) static uint16_t
slot_otherwise(const struct key_slot *key_slot, const struct template *template, uint64_t ticket)
{
    if (key_slot->kind == KEY_SLOT_SPREAD)
        return template_spread_slot(ticket);
    if (key_slot->kind == KEY_SLOT_TAG)
        return template_tag_slot(template, ticket);
    template_render_part(template, ticket, key_slot->offset_bytes, key_slot->byte_count,
                         key_slot->rendered);
    return slots_crc16(key_slot->rendered, key_slot->byte_count) % SLOTS_COUNT;
}

uint16_t key_slot_of(const struct key_slot *key_slot, const struct template *template,
                     uint64_t ticket)
{
    uint16_t slot = key_slot->zeros_slot;
    if (key_slot->kind != KEY_SLOT_NUMBERS)
        return slot_otherwise(key_slot, template, ticket);
    for (uint32_t i = 0; i < key_slot->number_count; i++)
        slot ^= added_by(&key_slot->numbers[i],
                         template_draw(template, ticket, key_slot->numbers[i].draw));
    return slot;
}
