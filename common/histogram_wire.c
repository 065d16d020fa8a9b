#include "common/histogram_wire.h"

#include <inttypes.h>
#include <string.h>

#define PAYLOAD_NUMBER_BYTES 9 /* at most, in the payload's form of LEB128 */

size_t varint_encode(unsigned char *out, uint64_t value)
{
    size_t bytes = 0;
    while (value >= 0x80) {
        out[bytes++] = (unsigned char)(value | 0x80);
        value >>= 7;
    }
    out[bytes++] = (unsigned char)value;
    return bytes;
}

size_t varint_decode(uint64_t *value, const unsigned char *in, size_t in_bytes)
{
    uint64_t result = 0;
    for (size_t i = 0; i < in_bytes && i < 10; i++) {
        if (i == 9 && in[i] > 1)
            return 0; /* the tenth byte has room for bit 63 only */
        result |= (uint64_t)(in[i] & 0x7f) << (7 * i);
        if ((in[i] & 0x80) == 0) {
            *value = result;
            return i + 1;
        }
    }
    return 0;
}

uint64_t wire_number(struct wire_cursor *cursor)
{
    uint64_t number = 0;
    size_t bytes = varint_decode(&number, cursor->in, cursor->left_bytes);
    cursor->cut |= bytes == 0;
    cursor->in += bytes;
    cursor->left_bytes -= bytes;
    return number;
}

struct wire_cursor wire_take(struct wire_cursor *cursor, uint64_t byte_count)
{
    struct wire_cursor taken = {.in = cursor->in};
    cursor->cut |= byte_count > cursor->left_bytes;
    if (!cursor->cut)
        taken.left_bytes = (size_t)byte_count;
    cursor->in += taken.left_bytes;
    cursor->left_bytes -= taken.left_bytes;
    return taken;
}

struct wire_cursor wire_entry(struct wire_cursor *cursor)
{
    return wire_take(cursor, wire_number(cursor));
}

size_t wire_prefix_length(unsigned char *out, size_t byte_count)
{
    size_t bytes = varint_encode(out, byte_count);
    memmove(out + bytes, out + VARINT_MAX_BYTES, byte_count);
    return bytes + byte_count;
}

size_t wire_pairs_encode(unsigned char *out, const uint64_t *values, unsigned value_count)
{
    unsigned pairs = 0;
    for (unsigned i = 0; i < value_count; i++)
        pairs += values[i] > 0;
    size_t bytes = varint_encode(out, pairs);
    for (unsigned i = 0; i < value_count; i++) {
        if (values[i] == 0)
            continue;
        bytes += varint_encode(out + bytes, i);
        bytes += varint_encode(out + bytes, values[i]);
    }
    return bytes;
}

bool wire_pairs_decode_add(uint64_t *values, unsigned value_count, const uint8_t *map,
                           uint64_t *unknown, struct wire_cursor *cursor)
{
    uint64_t id_min = 0; /* rising, so none comes twice */
    for (uint64_t pairs = wire_number(cursor); pairs > 0; pairs--) {
        uint64_t id = wire_number(cursor), value = wire_number(cursor);
        if (cursor->cut || id < id_min || id == UINT64_MAX)
            return false;
        id_min = id + 1;
        if (id >= value_count) {
            *unknown |= 1ull << id % 64;
            continue;
        }
        uint64_t *into = &values[map == NULL ? id : map[id]];
        if (__builtin_add_overflow(*into, value, into))
            return false;
    }
    return !cursor->cut;
}

/* The payload's numbers are HdrHistogram's: like LEB128, but a ninth byte carries eight bits and
 * ends the number, so nine bytes hold 64 bits. Below 2^56 the two are the same bytes. */
static size_t payload_number_encode(unsigned char *out, int64_t number)
{
    uint64_t zigzag = ((uint64_t)number << 1) ^ (uint64_t)(number < 0 ? -1 : 0);
    size_t bytes = 0;
    while (zigzag >= 0x80 && bytes < PAYLOAD_NUMBER_BYTES - 1) {
        out[bytes++] = (unsigned char)(zigzag | 0x80);
        zigzag >>= 7;
    }
    out[bytes++] = (unsigned char)zigzag;
    return bytes;
}

static size_t payload_number_decode(int64_t *number, const unsigned char *in, size_t in_bytes)
{
    uint64_t zigzag = 0;
    for (size_t i = 0; i < in_bytes && i < PAYLOAD_NUMBER_BYTES; i++) {
        bool last = i == PAYLOAD_NUMBER_BYTES - 1;
        zigzag |= (uint64_t)(last ? in[i] : in[i] & 0x7f) << (7 * i);
        if (last || (in[i] & 0x80) == 0) {
            *number = (int64_t)((zigzag >> 1) ^ (~(zigzag & 1) + 1));
            return i + 1;
        }
    }
    return 0;
}

/* Counts of either width; exactly one of the two is set. */
struct counts {
    const uint32_t *narrow;
    const uint64_t *wide;
};

static uint64_t count_at(const struct counts *counts, uint32_t index)
{
    return counts->narrow != NULL ? counts->narrow[index] : counts->wide[index];
}

/* The run-length form of the buckets first..last, inclusive. A lone zero is written as 0, not as -1,
 * as other encoders of the format do. */
static size_t counts_encode(unsigned char *out, const struct counts *counts, uint32_t first,
                            uint32_t last)
{
    size_t bytes = 0;
    for (uint32_t i = first; i <= last;) {
        uint64_t count = count_at(counts, i);
        i++;
        int64_t number = (int64_t)count;
        if (count == 0) {
            uint32_t zeros = 1;
            while (i <= last && count_at(counts, i) == 0) {
                zeros++;
                i++;
            }
            number = zeros == 1 ? 0 : -(int64_t)zeros;
        }
        bytes += payload_number_encode(out + bytes, number);
    }
    return bytes;
}

struct wire_header {
    uint64_t count, sum_ns, min_ns, max_ns, clamped_count;
    uint32_t low_index, high_index;
};

static size_t encode(unsigned char *out, const struct wire_header *header,
                     const struct counts *counts)
{
    size_t bytes = varint_encode(out, header->count);
    bytes += varint_encode(out + bytes, header->sum_ns);
    if (header->count == 0)
        return bytes;
    bytes += varint_encode(out + bytes, header->min_ns);
    bytes += varint_encode(out + bytes, header->max_ns);
    bytes += varint_encode(out + bytes, header->clamped_count);
    bytes += varint_encode(out + bytes, header->low_index);
    /* The payload's length stands before it and is known after it. */
    size_t payload_bytes = counts_encode(out + bytes + VARINT_MAX_BYTES, counts, header->low_index,
                                         header->high_index);
    return bytes + wire_prefix_length(out + bytes, payload_bytes);
}

size_t interval_histogram_encode(unsigned char *out, const struct interval_histogram *histogram)
{
    const struct wire_header header = {
        histogram->count,         histogram->sum_ns,    histogram->min_ns,    histogram->max_ns,
        histogram->clamped_count, histogram->low_index, histogram->high_index};
    const struct counts counts = {.narrow = histogram->counts};
    return encode(out, &header, &counts);
}

size_t histogram_encode(unsigned char *out, const struct histogram *histogram)
{
    const struct wire_header header = {
        histogram->count,         histogram->sum_ns,    histogram->min_ns,    histogram->max_ns,
        histogram->clamped_count, histogram->low_index, histogram->high_index};
    const struct counts counts = {.wide = histogram->counts};
    return encode(out, &header, &counts);
}

size_t histogram_payload_encode(unsigned char *out, const struct histogram *histogram)
{
    const struct counts counts = {.wide = histogram->counts};
    /* high_index is 0 while empty: one zero, which every reader of the format takes. */
    return counts_encode(out, &counts, 0, histogram->high_index);
}

/* Reads the varints of the header; the payload follows. */
static enum err_code header_decode(struct wire_header *header, uint64_t *payload_bytes,
                                   struct wire_cursor *cursor, struct err *err)
{
    uint64_t low_index = 0;
    uint64_t *const fields[] = {&header->count,         &header->sum_ns, &header->min_ns,
                                &header->max_ns, /* these two and on: only when count > 0 */
                                &header->clamped_count, &low_index,      payload_bytes};
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        if (i < 2 || header->count > 0)
            *fields[i] = wire_number(cursor);
    if (cursor->cut)
        return err_set(err, E_DATA, "histogram: cut short in its header");
    if (header->count == 0)
        return header->sum_ns == 0 ? OK : err_set(err, E_DATA, "histogram: empty, with a sum");
    if (low_index >= HISTOGRAM_COUNTS)
        return err_set(err, E_DATA, "histogram: first bucket %" PRIu64 " is out of range",
                       low_index);
    header->low_index = (uint32_t)low_index;
    if (header->min_ns > header->max_ns || header->clamped_count > header->count)
        return err_set(err, E_DATA, "histogram: minimum, maximum and clamped do not fit together");
    if (*payload_bytes > cursor->left_bytes)
        return err_set(err, E_DATA, "histogram: cut short in its counts");
    return OK;
}

static uint32_t clamped_index(uint64_t value_ns)
{
    return histogram_index(value_ns > HISTOGRAM_HIGHEST_NS ? HISTOGRAM_HIGHEST_NS : value_ns);
}

/* Adds the counts and finds the first and last bucket that has one. No bucket of `into` can overflow:
 * it holds at most into->count, and the sum was checked by the caller. */
static enum err_code counts_decode_add(struct histogram *into, struct wire_header *header,
                                       struct wire_cursor payload, struct err *err)
{
    uint32_t index = header->low_index;
    uint32_t first = HISTOGRAM_COUNTS;
    uint64_t left = header->count;
    while (payload.left_bytes > 0) {
        int64_t number = 0;
        size_t bytes = payload_number_decode(&number, payload.in, payload.left_bytes);
        if (bytes == 0)
            return err_set(err, E_DATA, "histogram: cut short in a count");
        (void)wire_take(&payload, bytes);
        uint64_t zeros = number < 0 ? -(uint64_t)number : 0;
        if (zeros > HISTOGRAM_COUNTS - index || (number >= 0 && index >= HISTOGRAM_COUNTS))
            return err_set(err, E_DATA, "histogram: counts beyond the last bucket");
        if (number < 0) {
            index += (uint32_t)zeros;
            continue;
        }
        if ((uint64_t)number > left)
            return err_set(err, E_DATA, "histogram: its counts are more than its count %" PRIu64,
                           header->count);
        left -= (uint64_t)number;
        into->counts[index] += (uint64_t)number;
        if (number > 0) {
            header->high_index = index;
            if (first == HISTOGRAM_COUNTS)
                first = index;
        }
        index++;
    }
    if (left != 0)
        return err_set(err, E_DATA,
                       "histogram: its counts are %" PRIu64 " less than its count %" PRIu64, left,
                       header->count);
    header->low_index = first;
    return OK;
}

enum err_code histogram_decode_add(struct histogram *into, struct wire_cursor *cursor,
                                   struct err *err)
{
    struct wire_header header = {0};
    uint64_t payload_bytes = 0;
    enum err_code code = header_decode(&header, &payload_bytes, cursor, err);
    if (code != OK || header.count == 0)
        return code;
    uint64_t count = 0;
    uint64_t sum_ns = 0;
    if (__builtin_add_overflow(into->count, header.count, &count) ||
        __builtin_add_overflow(into->sum_ns, header.sum_ns, &sum_ns))
        return err_set(err, E_DATA, "histogram: count or sum overflows");
    /* The touched range is widened first: after an error, a reset must find what was added. */
    if (header.low_index < into->low_index)
        into->low_index = header.low_index;
    uint32_t high_before = into->high_index;
    into->high_index = HISTOGRAM_COUNTS - 1;
    code = counts_decode_add(into, &header, wire_take(cursor, payload_bytes), err);
    if (code != OK)
        return code;
    into->high_index = header.high_index > high_before ? header.high_index : high_before;
    if (header.low_index != clamped_index(header.min_ns) ||
        header.high_index != clamped_index(header.max_ns))
        return err_set(err, E_DATA, "histogram: minimum or maximum lies outside its buckets");
    into->count = count;
    into->sum_ns = sum_ns;
    into->clamped_count += header.clamped_count;
    if (header.min_ns < into->min_ns)
        into->min_ns = header.min_ns;
    if (header.max_ns > into->max_ns)
        into->max_ns = header.max_ns;
    return OK;
}

enum err_code histogram_payload_decode_add(struct histogram *into, const unsigned char *in,
                                           size_t in_bytes, struct err *err)
{
    struct wire_cursor payload = {.in = in, .left_bytes = in_bytes};
    uint64_t index = 0, count = into->count;
    while (payload.left_bytes > 0) {
        int64_t number = 0;
        const size_t bytes = payload_number_decode(&number, payload.in, payload.left_bytes);
        const uint64_t zeros = number < 0 ? -(uint64_t)number : 0;
        if (bytes == 0)
            return err_set(err, E_DATA, "histogram: cut short in a count");
        (void)wire_take(&payload, bytes);
        if (zeros > HISTOGRAM_COUNTS - index || (number >= 0 && index >= HISTOGRAM_COUNTS))
            return err_set(err, E_DATA, "histogram: counts beyond the last bucket");
        if (number > 0 && __builtin_add_overflow(count, (uint64_t)number, &count))
            return err_set(err, E_DATA, "histogram: count overflows");
        if (number > 0)
            histogram_record_n(into, histogram_highest_value((uint32_t)index), (uint64_t)number);
        index += number < 0 ? zeros : 1;
    }
    return OK;
}
