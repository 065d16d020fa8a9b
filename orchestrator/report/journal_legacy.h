/* Interval records of journals from before they were made of sections: numbers in a fixed order, which each
 * version had its own of. Nothing is added here any more: docs/design/records.md. */
#ifndef ORCHESTRATOR_REPORT_JOURNAL_LEGACY_H
#define ORCHESTRATOR_REPORT_JOURNAL_LEGACY_H

#include "common/interval.h"

/* What one of INTERVAL_WIRE_MAX_BYTES takes as sections, and more. */
#define JOURNAL_LEGACY_MAX_BYTES (INTERVAL_WIRE_MAX_BYTES + INTERVAL_SECTIONS_MAX_BYTES)

/* The same record in sections, for interval_decode_add, which judges what is in it; any input is safe.
 * journal_number tells which layouts it may have. Of those only one fits: the record says how many counters it
 * has, right behind the stops, and each layout with as many ends somewhere else. Returns bytes written; out
 * has JOURNAL_LEGACY_MAX_BYTES. 0: it is of none of them. */
size_t journal_legacy_interval(unsigned char *out, unsigned journal_number, const unsigned char *in,
                               size_t in_bytes);

#endif
