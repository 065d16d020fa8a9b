/* Histogram <-> bytes, sparse: a quiet histogram is a few dozen bytes. Pure functions.
 *
 * Layout, all numbers as LEB128 variable-length integers: count, sum, and when count > 0: min, max,
 * clamped, first touched index, then the counts from there on in the run-length form of the HdrHistogram V2 payload
 * (ZigZag LEB128; a negative number -n stands for n zeros), preceded by their length in bytes. The
 * same run-length payload is what .hlog files carry (histogram_payload_encode). */
#ifndef COMMON_HISTOGRAM_WIRE_H
#define COMMON_HISTOGRAM_WIRE_H

#include <stddef.h>

#include "common/err.h"
#include "common/histogram.h"

/* Room that holds any encoded histogram. */
#define HISTOGRAM_WIRE_MAX_BYTES (HISTOGRAM_COUNTS * 10u + 128u)

/* Return the bytes written; out must have HISTOGRAM_WIRE_MAX_BYTES. */
size_t interval_histogram_encode(unsigned char *out, const struct interval_histogram *histogram);
size_t histogram_encode(unsigned char *out, const struct histogram *histogram);

/* Adds one encoded histogram to `into` and says how many bytes it took. Any input is safe: E_DATA
 * when it is cut short, overflows, names buckets out of range, or its counts do not add up to its
 * count. On error `into` may hold a part of it. */
MUST_USE enum err_code histogram_decode_add(struct histogram *into, const unsigned char *in,
                                            size_t in_bytes, size_t *used_bytes, struct err *err);

/* The HdrHistogram V2 counts payload from bucket 0 to the last touched one. Returns bytes written;
 * out must have HISTOGRAM_WIRE_MAX_BYTES. */
size_t histogram_payload_encode(unsigned char *out, const struct histogram *histogram);

/* LEB128, shared with the interval and journal codecs. encode returns bytes written (at most 10);
 * decode returns bytes read, 0 when cut short or longer than 64 bits. */
size_t varint_encode(unsigned char *out, uint64_t value);
size_t varint_decode(uint64_t *value, const unsigned char *in, size_t in_bytes);

#endif
