/* The hot path of a mix: numbers, lengths, bytes. */
#include <string.h>

#include "common/checked_value.h"
#include "common/rng.h"
#include "worker/generate/mix_number.h"
#include "worker/generate/template.h"
#include "worker/generate/workload.h"

/* Streams of a class's or a value's seed. */
#define STREAM_SIZES 0x73697a6573ull
#define STREAM_SHIFTS 0x736869667473ull
#define STREAM_ROWS 0x726f7773ull
#define STREAM_STAMPS 0x7374616d7073ull

#define OWN_BYTES 8u

/* ---- keys ---- */

static size_t key_bytes(const struct mix_keys *keys, uint64_t number)
{
    const struct plan_key_space *plan = keys->plan;
    size_t digits = plan->binary ? sizeof number : mix_digits(number);
    if (!plan->binary && digits < plan->digits)
        digits = plan->digits;
    const size_t bytes = keys->prefix_bytes + digits + (plan->tagged ? 2 : 0);
    return bytes < plan->key_bytes ? plan->key_bytes : bytes;
}

size_t mix_key_most_bytes(const struct mix_keys *keys)
{
    return key_bytes(keys, UINT64_MAX);
}

size_t mix_key_fixed_bytes(const struct mix_keys *keys, bool added)
{
    const uint64_t first = keys->plan->first;
    const size_t low = key_bytes(keys, first);
    const uint64_t last =
        added || keys->grown_per_block > 0 ? UINT64_MAX : first + keys->plan->count - 1;
    return low == key_bytes(keys, last) ? low : 0;
}

static void write_digits(char *out, uint64_t number, size_t digits)
{
    for (; digits > 0; number /= 10)
        out[--digits] = (char)('0' + number % 10);
}

static void write_key(char *out, size_t bytes, const struct mix_keys *keys, uint64_t number)
{
    const struct plan_key_space *plan = keys->plan;
    char *const end = out + bytes;
    memcpy(out, plan->prefix, keys->prefix_bytes);
    out += keys->prefix_bytes;
    if (plan->tagged)
        *out++ = '{';
    if (plan->binary) {
        for (int shift = 56; shift >= 0; shift -= 8)
            *out++ = (char)(number >> shift & 0xff);
    } else if (plan->digits == TEMPLATE_DIGITS && number < PLAN_KEYS_MAX) {
        template_write_digits(out, number);
        out += TEMPLATE_DIGITS;
    } else {
        const size_t least = mix_digits(number);
        const size_t digits = least < plan->digits ? plan->digits : least;
        write_digits(out, number, digits);
        out += digits;
    }
    if (plan->tagged)
        *out++ = '}';
    if (out < end)
        memset(out, 'x', (size_t)(end - out));
}

size_t mix_key_text(char *out, const struct mix_keys *keys, uint64_t number)
{
    const size_t bytes = key_bytes(keys, number);
    write_key(out, bytes, keys, number);
    return bytes;
}

/* Keys that tickets before this one have added, but for those of the last two blocks, which may still be under
 * way. */
static uint64_t grown_before(const struct mix_keys *keys, uint64_t ticket)
{
    const uint64_t block = ticket % WORKLOAD_WARMUP_TICKET / 1000;
    return block > 1 ? (block - 1) * keys->grown_per_block : 0;
}

uint64_t mix_newest_key(const struct mix_keys *keys, uint64_t ticket)
{
    return keys->plan->count - 1 + grown_before(keys, ticket);
}

static uint64_t key_number(const struct mix_step *step, const struct mix_program *program,
                           const struct mix_material *material, const struct mix_request *request)
{
    const struct mix_keys *keys = &material->keys[step->source];
    const uint64_t each = program->key_draws[step->source];
    const uint64_t rank = keys->in_order ? request->rank % WORKLOAD_WARMUP_TICKET : request->rank;
    const uint64_t index = rank * each + step->key + (keys->in_order ? 0 : program->key_index);
    if (keys->draw.wish.kind != ORDER_LATEST)
        return keys->plan->first + key_draw_at(&keys->draw, index);
    return keys->plan->first +
           key_draw_at_newest(&keys->draw, index, mix_newest_key(keys, request->ticket));
}

static uint64_t new_key_number(const struct mix_step *step, const struct mix_program *program,
                               const struct mix_material *material,
                               const struct mix_request *request)
{
    const struct plan_key_space *plan = material->keys[step->source].plan;
    const uint64_t rank = request->rank % WORKLOAD_WARMUP_TICKET;
    return plan->first + plan->count + rank * program->new_keys[step->source] + step->key;
}

/* ---- numbers ---- */

static uint64_t random_of(const struct mix_program *program, const struct mix_request *request,
                          uint32_t draw)
{
    return rng_at(program->seed, request->rank * program->draw_count + draw);
}

static uint64_t value_number(const struct mix_step *step, const struct mix_program *program,
                             const struct mix_material *material, const struct mix_request *request,
                             const uint64_t *key)
{
    const struct mix_value *value = &material->values[step->value];
    const uint64_t random = random_of(program, request, step->draw);
    uint64_t decides = random;
    if (value->size_by_key)
        decides = rng_at(material->seed ^ STREAM_SIZES,
                         key != NULL ? *key : key_number(step, program, material, request));
    return size_draw_at(&value->size, decides) | rng_mix(random ^ STREAM_SHIFTS) % MIX_POOL_SHIFT
                                                     << MIX_VALUE_SIZE_BITS;
}

/* The row goes with the request's rank, or with a key's number: key, where it is known. */
static uint64_t row_number(const struct mix_step *step, const struct mix_program *program,
                           const struct mix_material *material, const struct mix_request *request,
                           const uint64_t *key)
{
    const struct plan_data *data = material->tables[step->table];
    const uint32_t each = program->row_draws[step->table];
    uint64_t index = request->rank, seed = program->seed;
    if (step->by_key) {
        index = key != NULL ? *key : key_number(step, program, material, request);
        index -= material->keys[step->source].plan->first;
        seed = material->seed;
    } else if (!data->at_random) {
        index %= WORKLOAD_WARMUP_TICKET;
    }
    if (each > 0 && !step->by_key)
        index = index * each + step->draw;
    return data->at_random
               ? rng_bounded(rng_at(seed ^ (STREAM_ROWS + step->table), index), data->row_count)
               : index % data->row_count;
}

static const struct plan_cell *cell_of(const struct mix_step *step,
                                       const struct mix_material *material, uint64_t row)
{
    const struct plan_data *data = material->tables[step->table];
    return &data->cells[row * data->field_count + step->value];
}

static uint64_t step_number(const struct mix_step *step, const struct mix_program *program,
                            const struct mix_material *material, const struct mix_request *request)
{
    switch (step->kind) {
    case STEP_TEXT:
    case STEP_LENGTH:
    case STEP_UUID:
    case STEP_VECTOR:
    case STEP_STAMP:
        break;
    case STEP_KEY:
        return key_number(step, program, material, request);
    case STEP_NEW_KEY:
        return new_key_number(step, program, material, request);
    case STEP_VALUE:
        return value_number(step, program, material, request, NULL);
    case STEP_INT:
    case STEP_FLOAT:
        return (uint64_t)step->from +
               (step->span > 0 ? rng_bounded(random_of(program, request, step->draw), step->span)
                               : random_of(program, request, step->draw));
    case STEP_ZIPF:
        return key_draw_at(step->zipf, request->rank * program->draw_count + step->draw);
    case STEP_SEQ:
        return request->rank % WORKLOAD_WARMUP_TICKET;
    case STEP_TICKET:
        return request->ticket % WORKLOAD_WARMUP_TICKET;
    case STEP_WORKER:
        return request->worker;
    case STEP_RUN:
        return request->run_us - (request->ticket >= WORKLOAD_WARMUP_TICKET);
    case STEP_NOW:
        return request->now_ms;
    case STEP_CURSOR:
        return request->cursor;
    case STEP_FIELD:
        return row_number(step, program, material, request, NULL);
    }
    return 0;
}

static size_t signed_digits(int64_t number)
{
    return number < 0 ? 1 + mix_digits(0 - (uint64_t)number) : mix_digits((uint64_t)number);
}

static size_t varying_bytes(const struct mix_step *step, const struct mix_material *material,
                            uint64_t number)
{
    switch (step->kind) {
    case STEP_TEXT:
        return 0;
    case STEP_LENGTH:
        return 3 + mix_digits(number);
    case STEP_KEY:
    case STEP_NEW_KEY:
        return key_bytes(&material->keys[step->shape], number);
    case STEP_VALUE:
        return MIX_VALUE_SIZE(number);
    case STEP_FIELD:
        return cell_of(step, material, number)->byte_count;
    case STEP_FLOAT: {
        const int64_t value = (int64_t)number;
        const uint64_t size = value < 0 ? 0 - number : number;
        return (value < 0) + mix_digits(size / MIX_FLOAT_PARTS) + 7;
    }
    case STEP_INT:
        return signed_digits((int64_t)number);
    default:
        return mix_digits(number);
    }
}

static inline size_t step_bytes(const struct mix_step *step, const struct mix_material *material,
                                uint64_t number)
{
    return step->fixed_bytes > 0 ? step->fixed_bytes : varying_bytes(step, material, number);
}

size_t mix_request_numbers(uint64_t numbers[], const struct mix_program *program,
                           const struct mix_material *material, const struct mix_request *request)
{
    const struct mix_argument *whole = &program->whole;
    size_t bytes = program->fixed_bytes, argument_bytes = 0;
    uint32_t length_at = 0, length_ends = 0;
    for (uint32_t i = 0; i < whole->step_count; i++) {
        const struct mix_step *step = &whole->steps[i];
        if (step->kind == STEP_LENGTH) {
            length_at = i;
            length_ends = i + step->step_count;
            argument_bytes = 0;
            continue;
        }
        if (step->kind == STEP_VALUE && step->key_step != UINT32_MAX)
            numbers[i] = value_number(step, program, material, request, &numbers[step->key_step]);
        else if (step->kind == STEP_FIELD && step->key_step != UINT32_MAX)
            numbers[i] = row_number(step, program, material, request, &numbers[step->key_step]);
        else if (step->kind != STEP_TEXT)
            numbers[i] = step_number(step, program, material, request);
        if (step->fixed_bytes > 0) {
            argument_bytes += step->fixed_bytes;
        } else if (step->kind != STEP_TEXT) {
            const size_t own_bytes = varying_bytes(step, material, numbers[i]);
            argument_bytes += own_bytes;
            bytes += own_bytes;
        }
        if (i == length_ends && length_ends > 0) {
            numbers[length_at] = argument_bytes;
            bytes += step_bytes(&whole->steps[length_at], material, argument_bytes);
            length_ends = 0;
        }
    }
    return bytes;
}

/* ---- bytes ---- */

static void write_float(char *out, uint64_t number, size_t bytes)
{
    uint64_t size = number;
    if ((int64_t)number < 0) {
        *out++ = '-';
        bytes--;
        size = 0 - number;
    }
    write_digits(out, size / MIX_FLOAT_PARTS, bytes - 7);
    out[bytes - 7] = '.';
    write_digits(out + bytes - 6, size % MIX_FLOAT_PARTS, 6);
}

static void write_signed(char *out, uint64_t number, size_t bytes)
{
    if ((int64_t)number < 0) {
        *out++ = '-';
        write_digits(out, 0 - number, bytes - 1);
        return;
    }
    write_digits(out, number, bytes);
}

/* Version 4 of RFC 9562, of two random numbers. */
static void write_uuid(char *out, uint64_t high, uint64_t low)
{
    static const char hex[] = "0123456789abcdef";
    high = (high & ~0xf000ull) | 0x4000;
    low = (low & ~(3ull << 62)) | 2ull << 62;
    for (unsigned i = 0, nibble = 0; i < MIX_UUID_BYTES; i++) {
        if (i == 8 || i == 13 || i == 18 || i == 23) {
            out[i] = '-';
            continue;
        }
        const uint64_t half = nibble < 16 ? high : low;
        out[i] = hex[half >> (60 - 4 * (nibble % 16)) & 15];
        nibble++;
    }
}

static void write_vector(char *out, uint64_t seed, int64_t dimensions)
{
    for (int64_t i = 0; i < dimensions; i++) {
        const uint64_t random = rng_at(seed, (uint64_t)i);
        /* 24 bits: every one of them is a float of its own. */
        const float value = (float)((double)(random >> 40) / (1 << 23) - 1);
        memcpy(out + i * (int64_t)sizeof value, &value, sizeof value);
    }
}

/* The first letters are the request's own, so that no two values are alike. */
static void mark_own(char *out, size_t bytes, bool letters, uint64_t random)
{
    const size_t stamped = bytes < OWN_BYTES ? bytes : OWN_BYTES;
    for (size_t i = 0; i < stamped; i++, random >>= 8)
        out[i] = letters ? (char)('A' + ((random & 0xff) * 26 >> 8)) : (char)(random & 0xff);
}

static void write_value(char *out, size_t from_byte, size_t byte_count,
                        const struct mix_value *value, uint64_t number, uint64_t random)
{
    char first[OWN_BYTES];
    memcpy(out, value->pool + MIX_VALUE_SHIFT(number) + from_byte, byte_count);
    if (from_byte >= OWN_BYTES)
        return;
    mark_own(first, MIX_VALUE_SIZE(number), value->letters, rng_mix(random ^ STREAM_STAMPS));
    size_t end = MIX_VALUE_SIZE(number) < OWN_BYTES ? MIX_VALUE_SIZE(number) : OWN_BYTES;
    if (end > from_byte + byte_count)
        end = from_byte + byte_count;
    memcpy(out, first + from_byte, end - from_byte);
}

/* Bytes [from_byte, from_byte + byte_count) of a step's value. */
static void write_value_step(char *out, size_t from_byte, size_t byte_count,
                             const struct mix_step *step, const struct mix_program *program,
                             const struct mix_material *material, const struct mix_request *request,
                             uint64_t number)
{
    if (step->check > 0 && request->written != NULL) {
        const struct mix_written *written = &request->written[step->check - 1];
        checked_value_write(out, from_byte, byte_count, written->key, written->version,
                            MIX_VALUE_SIZE(number));
        return;
    }
    write_value(out, from_byte, byte_count, &material->values[step->value], number,
                random_of(program, request, step->draw));
}

/* A request that nobody sends has an empty one. */
static void write_stamp(char *out, size_t bytes, const struct stamp *stamp)
{
    stamp_write(out, stamp != NULL ? stamp : &(struct stamp){0});
    memset(out + STAMP_BYTES, 'x', bytes - STAMP_BYTES);
}

/* Not TEXT, and not VALUE. */
static void write_step(char *out, size_t bytes, const struct mix_step *step,
                       const struct mix_program *program, const struct mix_material *material,
                       const struct mix_request *request, uint64_t number)
{
    switch (step->kind) {
    case STEP_KEY:
    case STEP_NEW_KEY:
        write_key(out, bytes, &material->keys[step->shape], number);
        return;
    case STEP_LENGTH:
        out[0] = '$';
        write_digits(out + 1, number, bytes - 3);
        out[bytes - 2] = '\r';
        out[bytes - 1] = '\n';
        return;
    case STEP_FLOAT:
        write_float(out, number, bytes);
        return;
    case STEP_UUID:
        write_uuid(out, random_of(program, request, step->draw),
                   random_of(program, request, step->draw + 1));
        return;
    case STEP_STAMP:
        write_stamp(out, bytes, request->stamp);
        return;
    case STEP_CURSOR:
        write_digits(out, number, bytes);
        return;
    case STEP_VECTOR:
        write_vector(out, random_of(program, request, step->draw), step->from);
        return;
    default:
        write_signed(out, number, bytes);
        return;
    }
}

/* One whole step; returns its length. */
static size_t write_whole(char *out, const struct mix_step *step, const struct mix_program *program,
                          const struct mix_material *material, const struct mix_request *request,
                          uint64_t number)
{
    const size_t bytes = step_bytes(step, material, number);
    if (step->kind == STEP_TEXT)
        memcpy(out, program->text + step->offset_bytes, bytes);
    else if (step->kind == STEP_FIELD)
        memcpy(out, cell_of(step, material, number)->text, bytes);
    else if (step->kind == STEP_VALUE)
        write_value_step(out, 0, bytes, step, program, material, request, number);
    else
        write_step(out, bytes, step, program, material, request, number);
    return bytes;
}

void mix_request_write(char *out, const struct mix_program *program,
                       const struct mix_material *material, const struct mix_request *request,
                       const uint64_t numbers[])
{
    const struct mix_step *step = program->whole.steps, *const end =
                                                            step + program->whole.step_count;
    for (; step < end; step++, numbers++) {
        /* Most steps are one of these. */
        if (step->kind == STEP_TEXT) {
            memcpy(out, program->text + step->offset_bytes, step->fixed_bytes);
            out += step->fixed_bytes;
        } else if (step->kind == STEP_KEY) {
            const size_t bytes = step_bytes(step, material, *numbers);
            write_key(out, bytes, &material->keys[step->shape], *numbers);
            out += bytes;
        } else {
            out += write_whole(out, step, program, material, request, *numbers);
        }
    }
}

void mix_request_write_part(char *out, size_t from_byte, size_t byte_count, char *desk,
                            const struct mix_program *program, const struct mix_material *material,
                            const struct mix_request *request, const uint64_t numbers[])
{
    const size_t end_byte = from_byte + byte_count;
    size_t at_byte = 0;
    for (uint32_t i = 0; i < program->whole.step_count && at_byte < end_byte; i++) {
        const struct mix_step *step = &program->whole.steps[i];
        const size_t bytes = step_bytes(step, material, numbers[i]);
        if (at_byte + bytes > from_byte) {
            const size_t skipped = from_byte > at_byte ? from_byte - at_byte : 0;
            const size_t wanted =
                (at_byte + bytes < end_byte ? bytes : end_byte - at_byte) - skipped;
            char *to = out + (at_byte + skipped - from_byte);
            if (step->kind == STEP_TEXT) {
                memcpy(to, program->text + step->offset_bytes + skipped, wanted);
            } else if (step->kind == STEP_FIELD) {
                memcpy(to, cell_of(step, material, numbers[i])->text + skipped, wanted);
            } else if (step->kind == STEP_VALUE) {
                write_value_step(to, skipped, wanted, step, program, material, request, numbers[i]);
            } else {
                write_step(desk, bytes, step, program, material, request, numbers[i]);
                memcpy(to, desk + skipped, wanted);
            }
        }
        at_byte += bytes;
    }
}

size_t mix_argument_bytes(const struct mix_program *program, const struct mix_material *material,
                          uint32_t argument, const struct mix_request *request)
{
    const struct mix_argument *found = &program->arguments[argument];
    size_t bytes = 0;
    for (uint32_t i = 0; i < found->step_count; i++)
        bytes += step_bytes(&found->steps[i], material,
                            step_number(&found->steps[i], program, material, request));
    return bytes;
}

void mix_argument_write(char *out, const struct mix_program *program,
                        const struct mix_material *material, uint32_t argument,
                        const struct mix_request *request)
{
    const struct mix_argument *found = &program->arguments[argument];
    for (uint32_t i = 0; i < found->step_count; i++)
        out += write_whole(out, &found->steps[i], program, material, request,
                           step_number(&found->steps[i], program, material, request));
}
