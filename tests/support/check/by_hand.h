/* What only tests do with histograms, rows and rings: in static memory, without the codec, or with one part
 * of it, one record at a time. In a header, since the stress programs have no other code than common's. */
#ifndef TESTS_SUPPORT_CHECK_BY_HAND_H
#define TESTS_SUPPORT_CHECK_BY_HAND_H

#include <string.h>

#include "common/interval.h"
#include "common/ring.h"

/* Empties a histogram of any memory. */
static inline void histogram_init(struct histogram *histogram)
{
    memset(histogram, 0, sizeof *histogram);
    histogram_init_zeroed(histogram);
}

/* Adds bucket by bucket. */
static inline void histogram_add_interval(struct histogram *into,
                                          const struct interval_histogram *from)
{
    if (from->count == 0)
        return;
    for (uint32_t i = from->low_index; i <= from->high_index; i++)
        into->counts[i] += from->counts[i];
    into->count += from->count;
    into->sum_ns += from->sum_ns;
    into->clamped_count += from->clamped_count;
    into->min_ns = from->min_ns < into->min_ns ? from->min_ns : into->min_ns;
    into->max_ns = from->max_ns > into->max_ns ? from->max_ns : into->max_ns;
    into->low_index = from->low_index < into->low_index ? from->low_index : into->low_index;
    into->high_index = from->high_index > into->high_index ? from->high_index : into->high_index;
}

/* Empties a row of zeroed memory, or what was a row. */
static inline void interval_row_init(struct interval_row *row)
{
    memset(row->class_windows, 0, row->class_count * CLASS_TIMES * sizeof row->class_windows[0]);
    memset(row, 0, offsetof(struct interval_row, histograms));
    for (unsigned i = 0; i < HISTOGRAM_KINDS; i++)
        histogram_init(&row->histograms[i]);
}

/* Decoders for bytes with nothing in front of them; *used_bytes: how many were theirs. */
static inline enum err_code histogram_decode_bytes(struct histogram *into, const unsigned char *in,
                                                   size_t in_bytes, size_t *used_bytes,
                                                   struct err *err)
{
    struct wire_cursor cursor = {.in = in, .left_bytes = in_bytes};
    enum err_code code = histogram_decode_add(into, &cursor, err);
    *used_bytes = in_bytes - cursor.left_bytes;
    return code;
}

static inline enum err_code node_figures_decode_bytes(struct node_figures *into, uint64_t *unknown,
                                                      const unsigned char *in, size_t in_bytes,
                                                      size_t *used_bytes, struct err *err)
{
    struct wire_cursor cursor = {.in = in, .left_bytes = in_bytes};
    enum err_code code = node_figures_decode_add(into, unknown, &cursor, err);
    *used_bytes = in_bytes - cursor.left_bytes;
    return code;
}

/* ring_peek_at for the oldest record. */
static inline uint32_t ring_peek(const struct ring *ring, void *out, uint32_t out_bytes)
{
    uint64_t position_bytes = ring_tail_bytes(ring);
    return ring_peek_at(ring, &position_bytes, out, out_bytes);
}

#endif
