/* A workload file's plan, compiled: which class is ticket k of, and what is its request. All of it is a pure function
 * of (seed, ticket), but for {worker} and {now}. Compiled before the fork, and constant from then on; what a worker
 * needs of its own is a struct mix_desk. Private to worker/.
 *
 * Tickets come in blocks of 1,000. A table says which class the places of a block belong to, as many as the class has
 * weight; each block goes through it in an order of its own, by an affine map, so that the class is found in one
 * step, and with it how many of its requests came before: its rank. */
#ifndef WORKER_GENERATE_MIX_H
#define WORKER_GENERATE_MIX_H

#include "common/err.h"
#include "common/lane.h"
#include "worker/generate/consume_plan.h"
#include "worker/generate/mix_program.h"
#include "worker/generate/workload.h"
#include "worker/generate/workload_plan.h"

#define MIX_BLOCK 1000u

struct mix_place {
    uint16_t class, rank; /* which of the class's places in a block it is */
};

/* A command of a request of several. */
struct mix_part {
    char name[CLASS_NAME_BYTES]; /* "add:2", from 1 on */
    const char *command;         /* its first word */
    uint32_t class;
};

struct mix {
    const struct workload_plan *plan;
    struct mix_material material;
    struct mix_program classes[CLASSES_MAX];
    uint32_t class_count;               /* with their follow-ups */
    uint32_t weighted_count;            /* those that tickets are of: the first ones */
    uint16_t weights[PLAN_CLASSES_MAX]; /* of MIX_BLOCK */
    struct mix_part parts[PARTS_MAX];
    uint32_t part_count;
    struct consume_plan consume;
    bool stamps; /* some class has {stamp} */
    struct mix_place places[MIX_BLOCK];
    uint64_t order_seed;
};

/* What a compilation needs beside the plan, which must outlive the mix. */
struct mix_setup {
    uint64_t seed;
    /* Of all workers: as many parts has a key space whose order is parallel. */
    uint32_t connections;
    bool without_pools;  /* only to see whether it can be */
    size_t *at_class;    /* where it failed, the plan's count of classes: in none; may be NULL */
    size_t *at_consumer; /* likewise */
};

/* E_CONFIG: a placeholder, a key space, a value or a class that is not there, what cannot be measured, or a request
 * that is too long: the reason alone. */
MUST_USE enum err_code mix_create(struct mix **mix, const struct workload_plan *plan,
                                  const struct mix_setup *setup, struct err *err);
void mix_destroy(struct mix *mix);

/* Class of a ticket, and its rank there. Hot path. */
struct mix_turn {
    uint32_t class;
    uint64_t rank;
};
struct mix_turn mix_turn_of(const struct mix *mix, uint64_t ticket);

/* What the tickets of a block have in common, for who asks for many of them. */
struct mix_block {
    uint64_t first_ticket;
    uint64_t apart; /* 0, or where the tickets of the warm-up begin */
    uint64_t number;
    uint32_t factor, shift; /* of the affine map */
};
struct mix_block mix_block_of(const struct mix *mix, uint64_t ticket);

/* block: the one of the ticket. */
static inline struct mix_turn mix_turn_in(const struct mix *mix, const struct mix_block *block,
                                          uint64_t ticket)
{
    if (mix->weighted_count == 1)
        return (struct mix_turn){.class = 0, .rank = ticket};
    const uint32_t place = (uint32_t)(ticket - block->first_ticket);
    const struct mix_place found = mix->places[(place * block->factor + block->shift) % MIX_BLOCK];
    return (struct mix_turn){.class = found.class,
                             .rank = block->apart + block->number * mix->weights[found.class] +
                                     found.rank};
}

/* The slot of a request's first key, which the class has; key: program->key_bytes. */
uint16_t mix_key_slot(const struct mix *mix, uint32_t class, const struct mix_request *request,
                      char *key);

/* Of MIX_BLOCK, by largest remainder; sum of weights above 0. */
void mix_share(uint16_t shares[], const uint64_t weights[], size_t count);

#endif
