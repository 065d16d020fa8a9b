/* A workload file's plan, compiled: which class is ticket k of, and what is its request. All of it is a pure function
 * of (seed, ticket), but for {worker} and {now}. Compiled before the fork, and constant from then on; what a worker
 * needs of its own is a struct mix_desk. Private to worker/. */
#ifndef WORKER_GENERATE_MIX_H
#define WORKER_GENERATE_MIX_H

#include "common/err.h"
#include "common/lane.h"
#include "worker/generate/consume_plan.h"
#include "worker/generate/mix_order.h"
#include "worker/generate/mix_program.h"
#include "worker/generate/workload.h"
#include "worker/generate/workload_plan.h"

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
    uint32_t class_count;    /* with their follow-ups */
    uint32_t weighted_count; /* those that tickets are of: the first ones */
    struct mix_part parts[PARTS_MAX];
    uint32_t part_count;
    struct consume_plan consume;
    bool stamps; /* some class has {stamp} */
    struct mix_order order;
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

/* Hot path. */
static inline struct mix_turn mix_turn_of(const struct mix *mix, uint64_t ticket)
{
    return mix_order_turn(&mix->order, ticket);
}

/* The slot of a request's first key, which the class has; key: program->key_bytes. */
uint16_t mix_key_slot(const struct mix *mix, uint32_t class, const struct mix_request *request,
                      char *key);

#endif
