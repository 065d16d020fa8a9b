/* What a message carries so that whoever receives it knows who sent it, as which, and when: 64 characters, which
 * {stamp} in a command puts there. Any reader on the same host can measure with it: sent_ns is of CLOCK_MONOTONIC,
 * which all processes of a host share.
 *
 *   vly:  run(8)  worker(3)  connection(5)  place(8)  ticket(12)  sent_ns(15)  late_ns(9)
 *
 * Hexadecimal digits, lower case, so many of each. Pure. */
#ifndef COMMON_STAMP_H
#define COMMON_STAMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STAMP_BYTES 64u
#define STAMP_MARK "vly:"
#define STAMP_MARK_BYTES 4u
/* What goes beyond its digits is cut, and late_ns is at most STAMP_LATE_MAX_NS. */
#define STAMP_LATE_MAX_NS 0xfffffffffull
#define STAMP_WARMUP (1ull << 47) /* of a ticket: one of the warm-up */

struct stamp {
    uint32_t run; /* tells runs apart: what an earlier one has left in a queue is not this one's */
    uint32_t worker;     /* that sent it                                                   */
    uint32_t connection; /* of that worker                                                 */
    uint32_t place;      /* counts what the connection sends: order is promised along it   */
    uint64_t ticket;     /* the same in all messages of a request                          */
    uint64_t sent_ns;    /* just before it was written                                     */
    uint64_t late_ns;    /* since it was intended to be; closed loop: 0                    */
};

/* Writes STAMP_BYTES. */
void stamp_write(char *out, const struct stamp *stamp);
/* False: no stamp begins there. text: STAMP_BYTES. Any input is safe. */
bool stamp_read(struct stamp *stamp, const char *text);

#endif
