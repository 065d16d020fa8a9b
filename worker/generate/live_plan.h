/* What a phase of a scenario sends: requests about the keys of a live map (common/live_map.h). Filled by the orchestrator,
 * compiled by workload_create, rendered by live_generator.c. Key number n is PREFIX and n in decimal digits, at least 12
 * of them. A value is bytes of a pool that key and seed say the place of, whatever its length, so that what is read can be
 * checked without knowing when it was last written. */
#ifndef WORKER_GENERATE_LIVE_PLAN_H
#define WORKER_GENERATE_LIVE_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "common/distribution.h"
#include "common/lane.h"
#include "common/live_map.h"

#define LIVE_PREFIX_BYTES 64u
#define LIVE_BATCH_MAX 1000u

enum live_action {
    LIVE_INSERT, /* the next new key: first_new + rank in its class (times batch); its bit is set once it is taken */
    LIVE_DELETE, /* picked key of this rank (UNLINK, or DEL); its bit is cleared once it is deleted */
    LIVE_OVERWRITE, /* picked key of this rank: another size */
    LIVE_EXPIRE, /* picked key of this rank: EXPIRE with ttl; the bit is cleared at once: it will go */
    LIVE_READ,  /* a live key at random; a miss is counted as one */
    LIVE_UPDATE /* a live key at random: written again, with a size of sizes */
};

enum live_type { LIVE_STRING, LIVE_HASH, LIVE_LIST, LIVE_SET, LIVE_ZSET };

struct live_class {
    char name[CLASS_NAME_BYTES];
    enum live_action action;
    enum live_type type;
    double weight;  /* above 0; of the sum of all */
    uint32_t batch; /* INSERT of strings: so many keys in one MSET; 0, 1: one key a request */
    struct size_wish size; /* of values that it writes */
    uint64_t least_ttl_s,
        most_ttl_s; /* of what it inserts (SET EX; others: not allowed), or expires; 0: none */
    bool unlink;    /* DELETE: UNLINK in place of DEL */
    bool check;     /* READ of strings: a value that is not this key's is a failed request */
};

/* Requests are numbered over a class by its rank: with one class it is the ticket. */
struct live_plan {
    struct live_map *map;
    char prefix[LIVE_PREFIX_BYTES]; /* "vst:run:" */
    uint64_t
        first_new; /* number of the first new key of each INSERT class: these share them in turn */
    uint64_t new_limit;    /* numbers below it alone are inserted; 0: the map's capacity */
    uint64_t picked_count; /* what live_map_pick returned */
    struct live_class classes[CLASSES_MAX];
    uint32_t class_count;
};

#endif
