/* Histogram <-> bytes, sparse: a quiet histogram is a few dozen bytes. Pure functions.
 *
 * Layout, all numbers as LEB128 variable-length integers: count, sum, and when count > 0: min, max,
 * clamped, first touched index, then the counts from there to the last touched one in the run-length
 * form of the HdrHistogram V2 payload (ZigZag LEB128 of at most nine bytes; a negative number -n
 * stands for n zeros), preceded by their length in bytes. The same run-length payload is what .hlog
 * files carry (histogram_payload_encode). Both types of histogram give the same bytes for the same
 * values. */
#ifndef COMMON_HISTOGRAM_WIRE_H
#define COMMON_HISTOGRAM_WIRE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/err.h"
#include "common/histogram.h"

/* Room that holds any encoded histogram: nine bytes hold any number of the payload, and a number
 * stands for at least one bucket; 128 bytes are more than the numbers before it need. A 32-bit count
 * is below 2^33 after ZigZag and takes five bytes. */
#define HISTOGRAM_WIRE_MAX_BYTES (HISTOGRAM_COUNTS * 9u + 128u)
#define INTERVAL_HISTOGRAM_WIRE_MAX_BYTES (HISTOGRAM_COUNTS * 5u + 128u)

/* Return the bytes written; out must have INTERVAL_HISTOGRAM_WIRE_MAX_BYTES, or for the second
 * HISTOGRAM_WIRE_MAX_BYTES. */
size_t interval_histogram_encode(unsigned char *out, const struct interval_histogram *histogram);
size_t histogram_encode(unsigned char *out, const struct histogram *histogram);

/* Where decoding stands. Bytes are not owned. */
struct wire_cursor {
    const unsigned char *in;
    size_t left_bytes;
    bool
        cut; /* more was wanted than there is: what was read last, and all that follows, is 0 and empty */
};
/* The next number (varint_decode). */
uint64_t wire_number(struct wire_cursor *cursor);
/* So many bytes, as what is to be decoded by itself; and those behind their length. */
struct wire_cursor wire_take(struct wire_cursor *cursor, uint64_t byte_count);
struct wire_cursor wire_entry(struct wire_cursor *cursor);

/* Adds one encoded histogram to `into` and moves the cursor behind it. Any input is safe: E_DATA
 * when it is cut short, overflows, names buckets out of range, its counts do not add up to its count,
 * or its minimum and maximum are not in its first and last bucket. On error `into` may hold a part of
 * it and is good for histogram_reset only. */
MUST_USE enum err_code histogram_decode_add(struct histogram *into, struct wire_cursor *cursor,
                                            struct err *err);

/* The HdrHistogram V2 counts payload from bucket 0 to the last touched one, or of bucket 0 alone when
 * the histogram is empty. Returns bytes written; out must have HISTOGRAM_WIRE_MAX_BYTES. */
size_t histogram_payload_encode(unsigned char *out, const struct histogram *histogram);

/* Adds such a payload, whose buckets begin at 0; what lies in a bucket counts as its highest value, and maximum and sum are taken
 * from there. Any input is safe; on error `into` may hold a part of it. E_DATA as histogram_decode_add. */
MUST_USE enum err_code histogram_payload_decode_add(struct histogram *into, const unsigned char *in,
                                                    size_t in_bytes, struct err *err);

/* LEB128, shared with the interval and journal codecs. encode returns bytes written (at most
 * VARINT_MAX_BYTES); decode returns bytes read, 0 when cut short or longer than 64 bits. */
#define VARINT_MAX_BYTES 10u
size_t varint_encode(unsigned char *out, uint64_t value);
size_t varint_decode(uint64_t *value, const unsigned char *in, size_t in_bytes);

/* Puts their length in front of bytes that stand at out + VARINT_MAX_BYTES, and moves them up to it.
 * Returns bytes written. */
size_t wire_prefix_length(unsigned char *out, size_t byte_count);

/* Those of `values` that are not 0, as pairs (id, value) in rising order behind their number; the id of a
 * value is its place. decode adds them, value id to values[map[id]] where there is a map; an id that is
 * not below value_count is left out and sets bit id % 64 of *unknown. Returns bytes written; and false when
 * it is cut short, out of order, or a sum overflows, and `values` may hold a part. */
size_t wire_pairs_encode(unsigned char *out, const uint64_t *values, unsigned value_count);
MUST_USE bool wire_pairs_decode_add(uint64_t *values, unsigned value_count, const uint8_t *map,
                                    uint64_t *unknown, struct wire_cursor *cursor);

#endif
