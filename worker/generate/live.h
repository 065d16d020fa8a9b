/* A live_plan, compiled: which request is ticket k, and its bytes. What picked and new keys are concerned that is a pure
 * function of (seed, k); live keys at random go by the map as it is then, so whoever draws keeps what was drawn.
 * Compiled in the orchestrator, constant from the fork on but for the map. Private to worker/. */
#ifndef WORKER_GENERATE_LIVE_H
#define WORKER_GENERATE_LIVE_H

#include "common/err.h"
#include "common/spec.h"
#include "worker/generate/key_draw.h"
#include "worker/generate/live_plan.h"
#include "worker/generate/live_vector.h"
#include "worker/generate/mix_order.h"
#include "worker/generate/size_draw.h"

/* What a request looks like; the rows of a table in live.c. */
enum live_form {
    LIVE_FORM_SET,
    LIVE_FORM_SET_EX,
    LIVE_FORM_SET_XX,
    LIVE_FORM_MSET,
    LIVE_FORM_HSET,
    LIVE_FORM_RPUSH,
    LIVE_FORM_SADD,
    LIVE_FORM_ZADD,
    LIVE_FORM_DEL,
    LIVE_FORM_UNLINK,
    LIVE_FORM_EXPIRE,
    LIVE_FORM_EXISTS,
    LIVE_FORM_GET,
    LIVE_FORM_HGET,
    LIVE_FORM_LINDEX,
    LIVE_FORM_SRANDMEMBER,
    LIVE_FORM_ZRANGE,
    LIVE_FORMS,
    LIVE_FORM_VECTOR = LIVE_FORMS /* and behind it a form for each enum live_vector_request */
};

/* What its reply means to the map. */
enum live_effect {
    LIVE_NOTHING,
    LIVE_COMES, /* no error: its keys are live      */
    LIVE_GOES   /* an integer: its key is no longer */
};

struct live_request {
    enum live_form form;
    enum live_effect effect;
    bool check; /* its reply is the value of the key, or none */
    uint8_t class;
    uint32_t keys; /* from `key` on; 1 but for MSET */
    uint64_t key;
    uint64_t value_bytes; /* but for MSET, whose sizes go by the key */
    uint64_t ttl_s;
};

#define LIVE_WAIT_BYTES 64u
struct live_kind {
    struct size_draw size;
    bool writes;                /* has a size    */
    uint32_t batch;             /* 1 and more    */
    uint64_t first_in_block;    /* of the new or the picked keys that a block of tickets takes */
    char wait[LIVE_WAIT_BYTES]; /* WAIT, as it goes out behind each request */
    size_t wait_bytes;          /* 0: none does */
};

struct live {
    struct live_plan plan; /* with all that was left out */
    struct mix_order order;
    struct live_kind kinds[CLASSES_MAX];
    uint64_t new_per_block, picked_per_block; /* keys that MIX_BLOCK tickets take */
    uint64_t seed, phase_seed;
    bool ordered; /* keys at random go by: */
    struct key_draw keys;
    size_t prefix_bytes;
    size_t most_bytes;          /* of a request */
    bool checks;                /* some class does */
    bool waits;                 /* likewise, for replicas */
    struct live_vector *vector; /* NULL: no class is of vectors */
    char *pool;                 /* LIVE_POOL_BYTES, for a value again and again */
};
#define LIVE_POOL_BYTES (1u << 20)
#define LIVE_KEY_DIGITS 12u
#define LIVE_KEY_BYTES                                                                             \
    (LIVE_PREFIX_BYTES + LIVE_NAME_BYTES + LIVE_TAG_BYTES + LIVE_KEY_DIGITS) /* at most */

/* E_USAGE: why the plan cannot be; E_SYSTEM. The plan is copied, its map is not. live_destroy(*live) in any case. */
MUST_USE enum err_code live_create(struct live **live, const struct live_plan *plan,
                                   const struct spec *spec, struct err *err);
void live_destroy(struct live *live); /* NULL is fine */

/* Hot path, all of them. turn: of the ticket (mix_order.h). */
struct live_request live_draw(const struct live *live, const struct mix_turn *turn,
                              uint64_t ticket);
/* What it is made of: how a type is read, how a class inserts, how large the value of a new key is. */
enum live_form live_read_form(enum live_type type);
enum live_form live_insert_form(const struct live_class *class);
uint64_t live_size_of_key(const struct live *live, uint32_t class, uint64_t key);
size_t live_request_bytes(const struct live *live, const struct live_request *request);
/* Bytes from_byte .. from_byte + byte_count - 1 of a request. */
void live_request_write(char *out, size_t from_byte, size_t byte_count, const struct live *live,
                        const struct live_request *request);
/* Returns its length. */
size_t live_key_write(char out[LIVE_KEY_BYTES], const struct live *live, uint64_t key);
/* Whether these are the bytes from offset on of a key's value, however long that is. */
bool live_value_is(const struct live *live, uint64_t key, uint64_t offset, const char *bytes,
                   size_t byte_count);

/* Of those the last one is WAIT's. */
static inline uint32_t live_class_waits(const struct live *live, uint32_t class)
{
    return live->kinds[class].wait_bytes > 0;
}
/* Whatever it sends: others write until their keys are used up. */
static inline bool live_class_reads(const struct live *live, uint32_t class)
{
    return live->plan.classes[class].action == LIVE_READ;
}
/* Replies to each request of a class. */
uint32_t live_class_replies(const struct live *live, uint32_t class);
bool live_reads_some(const struct live *live);
bool live_reads_only(const struct live *live);

#endif
