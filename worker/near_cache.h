/* What a client keeps of what it has read: replies, by the bytes of the request that they answer. There is room for so many;
 * whoever has not been asked for longest goes first (LRU), and what is older than it may get goes when it is asked for. Each
 * reply depends on one key, by which it is forgotten.
 *
 * Memory alone: no clock, no I/O, no allocation after near_cache_create. What is longer than an entry has room for is not
 * kept. Private to worker/; near_reads.h joins it to a stream. */
#ifndef WORKER_NEAR_CACHE_H
#define WORKER_NEAR_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NEAR_REQUEST_BYTES 256u /* of a request that is kept */
#define NEAR_REPLY_BYTES 16384u /* of its reply              */

/* A request of one key, which is the first argument of its command: as RESP has it. */
struct near_request {
    const char *bytes, *key;
    uint32_t byte_count, key_bytes;
    uint64_t hash, key_hash;
};

struct near_cache;

/* What near_cache_find needs: without the key. */
void near_request_begin(struct near_request *request, const char *bytes, size_t byte_count);
/* All of it. False: it is not an array of two or more strings, whole, and in one piece. */
bool near_request_parse(struct near_request *request, const char *bytes, size_t byte_count);
uint64_t near_hash(const char *bytes, size_t byte_count);

/* What the server says out of band, from its '>' on. */
enum near_push {
    NEAR_PUSH_OTHER, /* nothing of keys that have changed                            */
    NEAR_PUSH_KEYS,  /* these have, so many: near_push_key until none is left        */
    NEAR_PUSH_ALL    /* all may have: it says so, or cannot be told to its end here  */
};
enum near_push near_push_begin(const char **at, const char *end, int64_t *left);
/* False: as NEAR_PUSH_ALL. */
bool near_push_key(const char **at, const char *end, int64_t *left, const char **key,
                   size_t *key_bytes);

/* ttl_ns 0: nothing gets too old. NULL: no memory. */
struct near_cache *near_cache_create(uint32_t entries, uint64_t ttl_ns);
void near_cache_destroy(struct near_cache *cache);

/* The reply to it, which stays valid until the next call that changes something. NULL: there is none; *expired: there was, and it
 * was too old. */
const char *near_cache_find(struct near_cache *cache, const struct near_request *request,
                            uint64_t now_ns, size_t *reply_bytes, bool *expired);
/* In place of the one before. True: another one had to go for it. */
bool near_cache_keep(struct near_cache *cache, const struct near_request *request,
                     const char *reply, size_t reply_bytes, uint64_t now_ns);
/* All replies of a key. Returns how many there were. */
uint32_t near_cache_forget(struct near_cache *cache, const char *key, size_t key_bytes,
                           uint64_t key_hash);
uint32_t near_cache_clear(struct near_cache *cache);
uint32_t near_cache_count(const struct near_cache *cache);
/* Of requests and replies that are kept; what there is room for is another thing. */
uint64_t near_cache_bytes(const struct near_cache *cache);

#endif
