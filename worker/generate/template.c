#include "worker/generate/template.h"

#include <stdlib.h>
#include <string.h>

#include "common/rng.h"
#include "common/slots.h"
#include "worker/generate/workload.h"

/* Streams of one seed: keys use the seed itself, so that they do not depend on anything else. */
#define STREAM_VALUES 0x76616c756573ull
#define STREAM_POOL 0x706f6f6cull
#define STREAM_START 0x7374617274ull

static enum template_order order_of(const struct load_options *load)
{
    if (load->key_order == KEYS_ONE)
        return NUMBERS_ONE;
    if (load->key_order == KEYS_SEQUENTIAL)
        return NUMBERS_IN_SEQUENCE;
    return load->key_distribution.kind == ORDER_UNIFORM ? NUMBERS_UNIFORM : NUMBERS_DRAWN;
}

enum err_code template_init(struct template *template, const struct spec *spec, struct err *err)
{
    *template = (struct template){
        .data_bytes = spec->load.data_bytes,
        .order = order_of(&spec->load),
        .keyspace = spec->load.key_order == KEYS_ONE ? 1 : spec->load.keyspace,
        .keyspace_offset = spec->load.key_order == KEYS_ONE ? 0 : spec->load.keyspace_offset,
        .seed = rng_mix(spec->load.seed),
        .group_numbers = TEMPLATE_GROUP,
        .known = placeholder_known(spec->load.placeholders, spec->endpoint.cluster),
    };
    if (spec->load.sequential_random_start)
        template->sequential_start =
            rng_bounded(rng_at(template->seed ^ STREAM_START, 0), template->keyspace);
    for (size_t i = 0; i < PLACEHOLDER_NAMES; i++)
        template->named_draws[i] = UINT32_MAX;
    if (template->order != NUMBERS_DRAWN)
        return OK;
    return key_draw_prepare(&template->key_draw, &spec->load.key_distribution, template->keyspace,
                            template->seed, (uint32_t)spec->load.clients, err);
}

/* Only for requests that carry a value: a large pool takes milliseconds to fill. */
static enum err_code fill_pool(struct template *template, struct err *err)
{
    if (template->pool != NULL)
        return OK;
    size_t pool_bytes = template->data_bytes + TEMPLATE_POOL_SHIFT;
    template->pool = malloc(pool_bytes);
    if (template->pool == NULL)
        return err_set(err, E_SYSTEM, "cannot allocate %zu bytes for values (--datasize)",
                       pool_bytes);
    for (size_t i = 0; i < pool_bytes; i++)
        template->pool[i] = (char)('A' + rng_bounded(rng_at(template->seed ^ STREAM_POOL, i), 26));
    return OK;
}

/* The first word of letters and digits for each slot: three characters reach them all. */
static enum err_code fill_tags(struct template *template, struct err *err)
{
    static const char letters[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    const size_t base = sizeof letters - 1;
    if (template->tags != NULL)
        return OK;
    template->tags = calloc(SLOTS_COUNT, sizeof template->tags[0]);
    if (template->tags == NULL)
        return err_set(err, E_SYSTEM, "cannot allocate %u hash tags", SLOTS_COUNT);
    for (size_t word = 0, found = 0; found < SLOTS_COUNT && word < base * base * base; word++) {
        const char tag[TEMPLATE_TAG_BYTES] = {letters[word / base / base],
                                              letters[word / base % base], letters[word % base]};
        char *place = template->tags[slots_crc16(tag, sizeof tag) % SLOTS_COUNT];
        if (*place != '\0')
            continue;
        memcpy(place, tag, sizeof tag);
        found++;
    }
    return OK;
}

void template_destroy(struct template *template)
{
    free(template->tags);
    free(template->numbers);
    free(template->bytes);
    free(template->patches);
    free(template->pool);
    *template = (struct template){0};
}

enum err_code template_append(struct template *template, const char *bytes, size_t byte_count,
                              struct err *err)
{
    if (template->byte_count + byte_count > template->byte_room) {
        size_t room = (template->byte_count + byte_count) * 2;
        char *grown = realloc(template->bytes, room);
        if (grown == NULL)
            return err_set(err, E_SYSTEM, "cannot allocate %zu bytes for a request", room);
        template->bytes = grown;
        template->byte_room = room;
    }
    /* The place of a value is never read, only written over: large ones cost no memory here. */
    if (bytes != NULL)
        memcpy(template->bytes + template->byte_count, bytes, byte_count);
    else
        memset(template->bytes + template->byte_count, '0',
               byte_count < TEMPLATE_DIGITS ? byte_count : TEMPLATE_DIGITS);
    template->byte_count += byte_count;
    return OK;
}

static enum err_code append_patch(struct template *template, uint32_t draw, size_t place_bytes,
                                  struct err *err)
{
    if (template->patch_count == template->patch_room) {
        size_t room = template->patch_room == 0 ? 16 : template->patch_room * 2;
        struct template_patch *grown =
            realloc(template->patches, room * sizeof template->patches[0]);
        if (grown == NULL)
            return err_set(err, E_SYSTEM, "cannot allocate %zu placeholders of a request", room);
        template->patches = grown;
        template->patch_room = room;
    }
    template->patches[template->patch_count++] =
        (struct template_patch){.offset_bytes = template->byte_count, .draw = draw};
    return template_append(template, NULL, place_bytes, err);
}

static enum err_code unknown(const struct placeholder_piece *piece, struct err *err)
{
    const int shown = piece->text_bytes < 60 ? (int)piece->text_bytes : 60;
    if (piece->text_bytes > 8 && memcmp(piece->text, "__field:", 8) == 0)
        return err_set(err, E_USAGE,
                       "%.*s takes a field of a table: give --dataset FILE, or \\%.*s to send the "
                       "word as it stands",
                       shown, piece->text, shown, piece->text);
    return err_set(err, E_USAGE,
                   "unknown placeholder %.*s; known are __key__, __rand_int__, __data__, "
                   "__rand_1st__ to __rand_9th__ and {tag}; \\%.*s sends the word as it stands",
                   shown, piece->text, shown, piece->text);
}

enum err_code template_argument_bytes(const struct template *template, const char *argument,
                                      size_t argument_bytes, size_t *rendered_bytes,
                                      struct err *err)
{
    struct placeholder_piece piece;
    *rendered_bytes = 0;
    for (size_t i = 0; i < argument_bytes; i += piece.used_bytes) {
        piece = placeholder_next(argument + i, argument_bytes - i, template->known);
        switch (piece.kind) {
        case PLACEHOLDER_KEY:
            *rendered_bytes += strlen("key:") + TEMPLATE_DIGITS;
            break;
        case PLACEHOLDER_INT:
        case PLACEHOLDER_NAMED:
            *rendered_bytes += TEMPLATE_DIGITS;
            break;
        case PLACEHOLDER_DATA:
            *rendered_bytes += template->data_bytes;
            break;
        case PLACEHOLDER_TAG:
            *rendered_bytes += TEMPLATE_TAG_BYTES + 2;
            break;
        case PLACEHOLDER_TEXT:
            *rendered_bytes += piece.text_bytes;
            break;
        case PLACEHOLDER_FIELD:
        case PLACEHOLDER_UNKNOWN:
            return unknown(&piece, err);
        }
    }
    return OK;
}

/* place: of the shared counter, or TEMPLATE_NAMED. */
static enum err_code add_draw(struct template *template, uint32_t place, struct err *err)
{
    if (template->draw_count == template->number_room) {
        uint32_t room = (template->draw_count + 8u) * 2u;
        struct template_number *grown =
            realloc(template->numbers, room * sizeof template->numbers[0]);
        if (grown == NULL)
            return err_set(err, E_SYSTEM, "cannot allocate %u key numbers of a request", room);
        template->numbers = grown;
        template->number_room = room;
    }
    template->numbers[template->draw_count++] = (struct template_number){.place = place};
    return OK;
}

static bool has_tag(const struct template *template, const char *argument, size_t argument_bytes)
{
    struct placeholder_piece piece = {.kind = PLACEHOLDER_TEXT};
    for (size_t i = 0; i < argument_bytes && piece.kind != PLACEHOLDER_TAG; i += piece.used_bytes)
        piece = placeholder_next(argument + i, argument_bytes - i, template->known);
    return piece.kind == PLACEHOLDER_TAG;
}

static void mark_tagged(struct template *template, uint32_t draw)
{
    if (template->numbers[draw].tagged_rank != 0)
        return;
    if (template->tagged_count == 0)
        template->first_tagged_draw = draw;
    template->numbers[draw].tagged_rank = ++template->tagged_count;
    while (template->group_numbers < template->tagged_count)
        template->group_numbers *= 10;
}

static enum err_code append_number(struct template *template, uint32_t draw, bool tagged,
                                   struct err *err)
{
    if (tagged)
        mark_tagged(template, draw);
    return append_patch(template, draw, TEMPLATE_DIGITS, err);
}

static enum err_code append_shared_number(struct template *template, bool tagged, struct err *err)
{
    enum err_code code = add_draw(template, template->shared_count, err);
    if (code != OK)
        return code;
    template->shared_count++;
    return append_number(template, template->draw_count - 1, tagged, err);
}

static enum err_code append_named_number(struct template *template, uint32_t name_index,
                                         bool tagged, struct err *err)
{
    uint32_t *draw = &template->named_draws[name_index];
    if (*draw == UINT32_MAX) {
        enum err_code code = add_draw(template, TEMPLATE_NAMED, err);
        if (code != OK)
            return code;
        *draw = template->draw_count - 1;
    }
    return append_number(template, *draw, tagged, err);
}

static enum err_code append_tag(struct template *template, struct err *err)
{
    enum err_code code = fill_tags(template, err);
    if (code == OK)
        code = template_append(template, "{", 1, err);
    if (code == OK)
        code = append_patch(template, TEMPLATE_TAG, TEMPLATE_TAG_BYTES, err);
    return code == OK ? template_append(template, "}", 1, err) : code;
}

static enum err_code append_piece(struct template *template, const struct placeholder_piece *piece,
                                  bool tagged, struct err *err)
{
    enum err_code code = OK;
    switch (piece->kind) {
    case PLACEHOLDER_KEY:
        code = template_append(template, "key:", 4, err);
        return code == OK ? append_shared_number(template, tagged, err) : code;
    case PLACEHOLDER_INT:
        return append_shared_number(template, tagged, err);
    case PLACEHOLDER_NAMED:
        return append_named_number(template, piece->name_index, tagged, err);
    case PLACEHOLDER_DATA:
        code = fill_pool(template, err);
        return code == OK ? append_patch(template, TEMPLATE_DATA, template->data_bytes, err) : code;
    case PLACEHOLDER_TAG:
        return append_tag(template, err);
    case PLACEHOLDER_TEXT:
        return template_append(template, piece->text, piece->text_bytes, err);
    case PLACEHOLDER_FIELD:
    case PLACEHOLDER_UNKNOWN:
        break;
    }
    return unknown(piece, err);
}

enum err_code template_append_argument(struct template *template, const char *argument,
                                       size_t argument_bytes, struct err *err)
{
    enum err_code code = OK;
    const bool tagged = has_tag(template, argument, argument_bytes);
    struct placeholder_piece piece;
    for (size_t i = 0; i < argument_bytes && code == OK; i += piece.used_bytes) {
        piece = placeholder_next(argument + i, argument_bytes - i, template->known);
        code = append_piece(template, &piece, tagged, err);
    }
    return code;
}

size_t template_patch_bytes(const struct template *template, const struct template_patch *patch)
{
    if (patch->draw == TEMPLATE_DATA)
        return template->data_bytes;
    return patch->draw == TEMPLATE_TAG ? TEMPLATE_TAG_BYTES : TEMPLATE_DIGITS;
}

/* How many numbers were taken before this one, of the counter that it belongs to. */
static uint64_t taken_before(const struct template *template, uint64_t ticket, uint32_t draw)
{
    const uint32_t place = template->numbers[draw].place;
    const uint64_t index = ticket % WORKLOAD_WARMUP_TICKET;
    return place == TEMPLATE_NAMED ? index : index * template->shared_count + place;
}

/* Apart from uniform numbers, which would need more registers with it. */
__attribute__((noinline)) static uint64_t draw_by_order(const struct template *template,
                                                        uint64_t ticket, uint32_t draw)
{
    if (template->order == NUMBERS_IN_SEQUENCE)
        return template->keyspace_offset +
               (template->sequential_start + taken_before(template, ticket, draw)) %
                   template->keyspace;
    const uint64_t index = key_order_counts(&template->key_draw.wish)
                               ? taken_before(template, ticket, draw)
                               : ticket * template->draw_count + draw;
    return template->keyspace_offset + key_draw_at(&template->key_draw, index);
}

static uint64_t plain_draw(const struct template *template, uint64_t ticket, uint32_t draw)
{
    if (template->order == NUMBERS_UNIFORM)
        return template->keyspace_offset +
               rng_bounded(rng_at(template->seed, ticket * template->draw_count + draw),
                           template->keyspace);
    return template->order == NUMBERS_ONE ? 0 : draw_by_order(template, ticket, draw);
}

/* Numbers low to high - 1: the part of a number's group that lies in the range of keys. */
struct group {
    uint64_t low, high;
};

static struct group group_of(const struct template *template, uint64_t number)
{
    const uint64_t end = template->keyspace_offset + template->keyspace;
    const uint64_t from = number / template->group_numbers * template->group_numbers;
    return (struct group){
        .low = from > template->keyspace_offset ? from : template->keyspace_offset,
        .high = from + template->group_numbers < end ? from + template->group_numbers : end,
    };
}

/* The tagged number of a request with more than one. In sequence it is one group after the other, each
 * for as many requests as it takes to ask for all of its numbers. */
static uint64_t draw_neighbour(const struct template *template, uint64_t ticket, uint64_t rank)
{
    if (template->order != NUMBERS_IN_SEQUENCE) {
        const uint64_t first = plain_draw(template, ticket, template->first_tagged_draw);
        const struct group group = group_of(template, first);
        return group.low + (first - group.low + rank) % (group.high - group.low);
    }
    const uint64_t size = template->group_numbers, count = template->tagged_count;
    const uint64_t first_group = template->keyspace_offset / size;
    const uint64_t groups =
        (template->keyspace_offset + template->keyspace - 1) / size - first_group + 1;
    const uint64_t tickets_each = (size + count - 1) / count;
    const uint64_t index = ticket % WORKLOAD_WARMUP_TICKET;
    const uint64_t turn = index / tickets_each + template->sequential_start / size;
    const struct group group = group_of(template, (first_group + turn % groups) * size);
    return group.low + (index % tickets_each * count + rank) % (group.high - group.low);
}

uint64_t template_draw(const struct template *template, uint64_t ticket, uint32_t draw)
{
    if (template->tagged_count > 1 && template->numbers[draw].tagged_rank > 0)
        return draw_neighbour(template, ticket, template->numbers[draw].tagged_rank - 1);
    return plain_draw(template, ticket, draw);
}

uint16_t template_spread_slot(uint64_t index)
{
    /* Multiples of the golden ratio: the slots of n in a row differ, and lie evenly apart. */
    return (uint16_t)(index * 10127 % SLOTS_COUNT);
}

uint16_t template_tag_slot(const struct template *template, uint64_t ticket)
{
    if (template->tagged_count == 0)
        return template_spread_slot(ticket);
    return template_spread_slot(template_draw(template, ticket, template->first_tagged_draw) /
                                template->group_numbers);
}

void template_write_digits(char out[TEMPLATE_DIGITS], uint64_t number)
{
    static const char pairs[] = "00010203040506070809101112131415161718192021222324"
                                "25262728293031323334353637383940414243444546474849"
                                "50515253545556575859606162636465666768697071727374"
                                "75767778798081828384858687888990919293949596979899";
    /* Two halves of six digits: 32-bit divisions by a constant are multiplications. */
    uint32_t halves[2] = {(uint32_t)(number / 1000000), (uint32_t)(number % 1000000)};
    for (int half = 0; half < 2; half++) {
        uint32_t rest = halves[half];
        char *place = out + 6 * half;
        memcpy(place + 4, pairs + (size_t)(rest % 100) * 2, 2);
        rest /= 100;
        memcpy(place + 2, pairs + (size_t)(rest % 100) * 2, 2);
        rest /= 100;
        memcpy(place, pairs + (size_t)(rest % 100) * 2, 2);
    }
}

static const char *value_of(const struct template *template, uint64_t ticket)
{
    return template->pool + rng_at(template->seed ^ STREAM_VALUES, ticket) % TEMPLATE_POOL_SHIFT;
}

static const char *tag_of(const struct template *template, uint64_t ticket)
{
    return template->tags[template_tag_slot(template, ticket)];
}

void template_render(const struct template *template, uint64_t ticket, char *out)
{
    size_t copied = 0; /* literal bytes are copied up to here; digits are written over them */
    for (size_t i = 0; i < template->patch_count; i++) {
        const struct template_patch *patch = &template->patches[i];
        if (patch->draw != TEMPLATE_DATA)
            continue;
        memcpy(out + copied, template->bytes + copied, patch->offset_bytes - copied);
        memcpy(out + patch->offset_bytes, value_of(template, ticket), template->data_bytes);
        copied = patch->offset_bytes + template->data_bytes;
    }
    memcpy(out + copied, template->bytes + copied, template->byte_count - copied);
    const char *tag = template->tags != NULL ? tag_of(template, ticket) : NULL;
    for (size_t i = 0; i < template->patch_count; i++) {
        const struct template_patch *patch = &template->patches[i];
        if (patch->draw < TEMPLATE_TAG)
            template_write_digits(out + patch->offset_bytes,
                                  template_draw(template, ticket, patch->draw));
        else if (patch->draw == TEMPLATE_TAG && tag != NULL)
            memcpy(out + patch->offset_bytes, tag, TEMPLATE_TAG_BYTES);
    }
}

/* What stands in the place of a patch: digits are written to the caller's buffer. */
static const char *patch_text(const struct template *template, const struct template_patch *patch,
                              uint64_t ticket, char digits[TEMPLATE_DIGITS])
{
    if (patch->draw == TEMPLATE_DATA)
        return value_of(template, ticket);
    if (patch->draw == TEMPLATE_TAG)
        return tag_of(template, ticket);
    template_write_digits(digits, template_draw(template, ticket, patch->draw));
    return digits;
}

void template_render_part(const struct template *template, uint64_t ticket, size_t from_byte,
                          size_t byte_count, char *out)
{
    size_t end = from_byte + byte_count, copied = from_byte;
    for (size_t i = 0; i < template->patch_count; i++) {
        const struct template_patch *patch = &template->patches[i];
        size_t begin = patch->offset_bytes;
        size_t stop = begin + template_patch_bytes(template, patch);
        if (stop <= from_byte)
            continue;
        if (begin >= end)
            break;
        if (begin > copied)
            memcpy(out + (copied - from_byte), template->bytes + copied, begin - copied);
        char digits[TEMPLATE_DIGITS];
        const char *text = patch_text(template, patch, ticket, digits);
        size_t first = begin > from_byte ? begin : from_byte;
        copied = stop < end ? stop : end;
        memcpy(out + (first - from_byte), text + (first - begin), copied - first);
    }
    if (copied < end)
        memcpy(out + (copied - from_byte), template->bytes + copied, end - copied);
}
