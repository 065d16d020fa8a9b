/* What a phase of a scenario sends: requests about the keys of a live map (common/live_map.h). Filled by the orchestrator,
 * compiled by workload_create (live.c), sent by live_generator.c. Key number n is PREFIX and n in decimal digits, at least 12
 * of them; between the two it may have a name that its phase gave it, and a hash tag. A value is bytes of a pool that key and seed say the place of, whatever its length, so that what is read can be
 * checked without knowing when it was last written. */
#ifndef WORKER_GENERATE_LIVE_PLAN_H
#define WORKER_GENERATE_LIVE_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "common/distribution.h"
#include "common/lane.h"
#include "common/live_map.h"
#include "common/vectors.h"

#define LIVE_PREFIX_BYTES 64u
#define LIVE_BATCH_MAX 1000u

enum live_action {
    LIVE_INSERT, /* the next new key: first_new + rank in its class (times batch); its bit is set once it is taken. One whose
                  * reply never came is not live, though it may be there. */
    LIVE_DELETE, /* picked key of this rank (UNLINK, or DEL); its bit is cleared once it is deleted */
    LIVE_OVERWRITE, /* picked key of this rank: another size */
    LIVE_EXPIRE, /* picked key of this rank: EXPIRE with ttl; the bit is cleared at once: it will go */
    LIVE_READ, /* a live key at random; a miss is counted as one */
    LIVE_UPDATE, /* a live key at random: written again if it is still there (SET XX), with another size */
    LIVE_INDEX /* vectors: picked key of this rank is put into the index again; it stays live */
};

/* Of LIVE_VECTOR what stands for HSET, GET and DEL are the templates of live_vectors; READ is a query. */
enum live_type { LIVE_STRING, LIVE_HASH, LIVE_LIST, LIVE_SET, LIVE_ZSET, LIVE_VECTOR };

struct live_class {
    char name[CLASS_NAME_BYTES];
    enum live_action action;
    enum live_type
        type; /* of the keys that it writes or reads: all that are live must be of it to be READ */
    double weight; /* above 0; of the sum of all */
    uint32_t
        batch; /* INSERT of strings: so many keys in one MSET; 0, 1: one key a request; not on a cluster */
    struct size_wish size; /* of values that it writes */
    uint64_t least_ttl_s,
        most_ttl_s; /* of what it inserts (SET EX; others: not allowed), or expires; 0: none */
    bool unlink;    /* DELETE: UNLINK in place of DEL */
    bool check;     /* READ of strings: a value that is not this key's is a failed request */
    bool picked;    /* READ: picked key of this rank, each once */
    uint32_t
        wait_replicas; /* of what writes: WAIT behind it, and a key is live once so many have it; 0: none */
};

/* Requests about vectors, as words of templates (live_vector.h). */
#define LIVE_WORDS_MAX 32u
#define LIVE_WORD_BYTES 160u
struct live_words {
    uint32_t count;
    char text[LIVE_WORDS_MAX][LIVE_WORD_BYTES];
};
enum live_vector_request {
    LIVE_VECTOR_ADD,
    LIVE_VECTOR_AGAIN, /* of LIVE_INDEX */
    LIVE_VECTOR_QUERY,
    LIVE_VECTOR_DELETE,
    LIVE_VECTOR_REQUESTS
};
#define LIVE_VECTOR_QUERIES 1000u /* different ones of each level */
struct live_vectors {
    const struct vector_space *space;
    const struct vector_keys *keys;
    struct live_words words[LIVE_VECTOR_REQUESTS];
    uint32_t query_levels; /* queries are of levels below this one; 1 or more */
};

/* Requests are numbered over a class by its rank: with one class it is the ticket. Of several each block of 1,000 tickets
 * has as many of a class as its weight says, in an order of its own: so a phase that is to reach each picked or each new
 * key sends whole blocks. Classes that insert share the new keys, block by block and without a gap, and so do those
 * that are about picked keys.
 *
 * A class whose keys are used up (a duration, a rest of a block, a warm-up) goes on with live keys at random that it leaves as
 * they are: one that writes strings writes them again, as UPDATE does, and any other one asks whether they are there
 * (EXISTS). Where no key is live, too, and READ asks for one that is not. One of vectors deletes what is not there.
 *
 * All phases of a scenario have one seed in their spec: the bytes of values, and the sizes of those that are inserted, go by
 * it and the key. Sizes of what is written again, TTLs and random keys also go by phase_seed. */
/* Keys of these numbers, so many of a thousand, have one of the tags in their name: PREFIX, the tag, and the digits. */
#define LIVE_TAG_BYTES 8u
#define LIVE_TAGS_MAX 16u
struct live_skew {
    uint64_t first, end; /* behind the last one */
    uint32_t thousandths;
    uint32_t tag_count;                       /* 1 or more */
    char tags[LIVE_TAGS_MAX][LIVE_TAG_BYTES]; /* "{1f}"; terminated */
};

/* Keys of these numbers have a text behind PREFIX. */
#define LIVE_NAME_BYTES 32u
struct live_name {
    uint64_t first, end;        /* behind the last one */
    char text[LIVE_NAME_BYTES]; /* terminated; without braces */
};

struct live_plan {
    struct live_map *map;
    char prefix[LIVE_PREFIX_BYTES]; /* "vst:run:"; terminated */
    uint64_t first_new;             /* number of the first new key: INSERT classes share them */
    uint64_t new_limit;             /* numbers below it alone are inserted; 0: the map's capacity */
    uint64_t picked_count;          /* what live_map_pick returned */
    const struct live_skew
        *skews; /* of all phases up to this one, which do not overlap; outlives the phase */
    uint32_t skew_count;
    const struct live_name
        *names; /* likewise, by their numbers; between them may be keys without one */
    uint32_t name_count;
    uint64_t phase_seed; /* another one for each phase; 0 is one, too */
    /* How what goes to live keys at random chooses: a number below first_new, which stands for the next live key where
     * it is none. UNIFORM without a key_space, or without such numbers: each live key as likely as another, new ones of
     * the phase, too. */
    struct key_order_wish key_order;
    uint64_t key_space; /* numbers are below this one, too; 0: no limit */
    const struct live_vectors
        *vectors; /* of classes of LIVE_VECTOR, not copied; NULL: there are none */
    struct live_class classes[CLASSES_MAX];
    uint32_t class_count;
};

/* The mean of sizes that a plan can have; 0: it cannot. */
double live_mean_bytes(const struct size_wish *size);

#endif
