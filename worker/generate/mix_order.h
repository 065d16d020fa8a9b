/* Which class is ticket k of, and how many tickets of that class come before it: its rank. Both are pure functions of
 * (seed, k). Private to worker/.
 *
 * Tickets come in blocks of 1,000. A table says which class the places of a block belong to, as many as the class has
 * weight; each block goes through it in an order of its own, by an affine map, so that the class is found in one
 * step, and with it the rank. */
#ifndef WORKER_GENERATE_MIX_ORDER_H
#define WORKER_GENERATE_MIX_ORDER_H

#include <stddef.h>
#include <stdint.h>

#include "common/lane.h"

#define MIX_BLOCK 1000u

struct mix_place {
    uint16_t class, rank; /* which of the class's places in a block it is */
};

/* A value: prepared before the fork, and constant from then on. */
struct mix_order {
    uint32_t class_count;
    uint16_t weights[CLASSES_MAX]; /* of MIX_BLOCK; 0: it has no tickets */
    struct mix_place places[MIX_BLOCK];
    uint64_t seed;
};

/* Sum of weights above 0, count at most CLASSES_MAX. A weight of less than half a thousandth may come to no ticket: look
 * at order->weights. */
void mix_order_prepare(struct mix_order *order, const uint64_t weights[], uint32_t count,
                       uint64_t seed);

/* Of MIX_BLOCK, by largest remainder; sum of weights above 0. */
void mix_share(uint16_t shares[], const uint64_t weights[], size_t count);

/* Class of a ticket, and its rank there. Hot path. */
struct mix_turn {
    uint32_t class;
    uint64_t rank;
};
struct mix_turn mix_order_turn(const struct mix_order *order, uint64_t ticket);

/* What the tickets of a block have in common, for who asks for many of them. */
struct mix_block {
    uint64_t first_ticket;
    uint64_t apart; /* 0, or where the tickets of the warm-up begin */
    uint64_t number;
    uint32_t factor, shift; /* of the affine map */
};
struct mix_block mix_block_of(const struct mix_order *order, uint64_t ticket);

/* block: the one of the ticket. */
static inline struct mix_turn mix_turn_in(const struct mix_order *order,
                                          const struct mix_block *block, uint64_t ticket)
{
    if (order->class_count == 1)
        return (struct mix_turn){.class = 0, .rank = ticket};
    const uint32_t place = (uint32_t)(ticket - block->first_ticket);
    const struct mix_place found =
        order->places[(place * block->factor + block->shift) % MIX_BLOCK];
    return (struct mix_turn){.class = found.class,
                             .rank = block->apart + block->number * order->weights[found.class] +
                                     found.rank};
}

#endif
