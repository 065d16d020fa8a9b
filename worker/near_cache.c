#include "worker/near_cache.h"

#include <stdlib.h>
#include <string.h>

#include "common/resp_usual.h"

/* In chains and lists entries are numbers from 1 on; 0 ends them. */
struct entry {
    uint64_t hash, key_hash, stale_ns;
    uint32_t next, key_next; /* of the same place */
    uint32_t older, newer;
    uint32_t request_bytes, key_at, key_bytes, reply_bytes;
};

struct near_cache {
    struct entry *entries;
    char *bytes; /* of each entry: request and reply */
    uint32_t *by_request, *by_key;
    uint32_t mask; /* of these two */
    uint32_t entry_count, count;
    uint32_t unused; /* a chain by `next` */
    uint32_t oldest, newest;
    uint64_t kept_bytes;
    uint64_t ttl_ns;
};

/* Eight bytes at a time, each multiplied with the golden ratio's share of 2^64 (Knuth, The Art of Computer Programming 3,
 * 6.4) and folded: keys are short, differ in few bytes, and nobody chooses them to collide. */
uint64_t near_hash(const char *bytes, size_t byte_count)
{
    uint64_t hash = byte_count, word;
    for (; byte_count >= sizeof word; bytes += sizeof word, byte_count -= sizeof word) {
        memcpy(&word, bytes, sizeof word);
        hash = (hash ^ word) * 0x9e3779b97f4a7c15ull;
        hash ^= hash >> 32;
    }
    word = 0;
    memcpy(&word, bytes, byte_count);
    hash = (hash ^ word) * 0x9e3779b97f4a7c15ull;
    return hash ^ hash >> 29;
}

void near_request_begin(struct near_request *request, const char *bytes, size_t byte_count)
{
    *request = (struct near_request){
        .bytes = bytes,
        .byte_count = (uint32_t)byte_count,
        .hash = near_hash(bytes, byte_count),
    };
}

bool near_request_parse(struct near_request *request, const char *bytes, size_t byte_count)
{
    const char *at = bytes, *const end = bytes + byte_count;
    int64_t words, length = 0;
    if (byte_count > UINT32_MAX || byte_count < 2 || *at != '*' ||
        (at = resp_usual_length(at + 1, end, &words)) == NULL || words < 2)
        return false;
    near_request_begin(request, bytes, byte_count);
    for (int64_t i = 0; i < words; i++) {
        if (at == end || *at != '$' || (at = resp_usual_bulk(at + 1, end, &length)) == NULL)
            return false;
        if (i == 1) {
            request->key = at - RESP_CRLF_BYTES - length;
            request->key_bytes = (uint32_t)length;
        }
    }
    request->key_hash = near_hash(request->key, request->key_bytes);
    return at == end;
}

/* The string at *at. False: it is none, or is not all here. */
static bool next_string(const char **at, const char *end, const char **body, int64_t *length)
{
    const char *behind = *at < end && **at == '$' ? resp_usual_bulk(*at + 1, end, length) : NULL;
    if (behind == NULL)
        return false;
    *body = behind - RESP_CRLF_BYTES - *length;
    *at = behind;
    return true;
}

enum near_push near_push_begin(const char **at, const char *end, int64_t *left)
{
    static const char name[] = "invalidate";
    int64_t count, length;
    const char *body;
    *left = 0;
    if (*at >= end || **at != '>' || (*at = resp_usual_length(*at + 1, end, &count)) == NULL ||
        !next_string(at, end, &body, &length))
        return NEAR_PUSH_ALL;
    if ((size_t)length != sizeof name - 1 || memcmp(body, name, sizeof name - 1) != 0)
        return NEAR_PUSH_OTHER;
    if (count != 2 || *at >= end || **at != '*' ||
        (*at = resp_usual_length(*at + 1, end, left)) == NULL)
        return NEAR_PUSH_ALL; /* a null is all keys */
    return NEAR_PUSH_KEYS;
}

bool near_push_key(const char **at, const char *end, int64_t *left, const char **key,
                   size_t *key_bytes)
{
    int64_t length;
    if (!next_string(at, end, key, &length))
        return false;
    *key_bytes = (size_t)length;
    (*left)--;
    return true;
}

struct near_cache *near_cache_create(uint32_t entries, uint64_t ttl_ns)
{
    struct near_cache *cache = calloc(1, sizeof *cache);
    uint32_t places = 16;
    if (cache == NULL)
        return NULL;
    while (places < (uint64_t)entries * 2)
        places *= 2;
    cache->entries = calloc((size_t)entries + 1, sizeof cache->entries[0]);
    cache->bytes = calloc(entries, NEAR_REQUEST_BYTES + NEAR_REPLY_BYTES);
    cache->by_request = calloc(places, sizeof cache->by_request[0]);
    cache->by_key = calloc(places, sizeof cache->by_key[0]);
    cache->mask = places - 1;
    cache->entry_count = entries;
    cache->ttl_ns = ttl_ns;
    if (cache->entries == NULL || cache->bytes == NULL || cache->by_request == NULL ||
        cache->by_key == NULL) {
        near_cache_destroy(cache);
        return NULL;
    }
    for (uint32_t i = entries; i > 0; i--) {
        cache->entries[i].next = cache->unused;
        cache->unused = i;
    }
    return cache;
}

void near_cache_destroy(struct near_cache *cache)
{
    if (cache == NULL)
        return;
    free(cache->entries);
    free(cache->bytes);
    free(cache->by_request);
    free(cache->by_key);
    free(cache);
}

static char *bytes_of(const struct near_cache *cache, uint32_t at)
{
    return cache->bytes + (size_t)(at - 1) * (NEAR_REQUEST_BYTES + NEAR_REPLY_BYTES);
}

/* Entries ------------------------------------------------------------------------------------------- */

static uint32_t look_up(const struct near_cache *cache, const struct near_request *request)
{
    uint32_t at = cache->by_request[request->hash & cache->mask];
    for (; at != 0; at = cache->entries[at].next) {
        const struct entry *entry = &cache->entries[at];
        if (entry->hash == request->hash && entry->request_bytes == request->byte_count &&
            memcmp(bytes_of(cache, at), request->bytes, request->byte_count) == 0)
            return at;
    }
    return 0;
}

static void leave_order(struct near_cache *cache, const struct entry *entry)
{
    *(entry->newer != 0 ? &cache->entries[entry->newer].older : &cache->newest) = entry->older;
    *(entry->older != 0 ? &cache->entries[entry->older].newer : &cache->oldest) = entry->newer;
}

static void be_newest(struct near_cache *cache, uint32_t at)
{
    struct entry *entry = &cache->entries[at];
    entry->newer = 0;
    entry->older = cache->newest;
    *(cache->newest != 0 ? &cache->entries[cache->newest].newer : &cache->oldest) = at;
    cache->newest = at;
}

static void drop(struct near_cache *cache, uint32_t at)
{
    struct entry *entries = cache->entries, *entry = &entries[at];
    uint32_t *link = &cache->by_request[entry->hash & cache->mask];
    while (*link != at)
        link = &entries[*link].next;
    *link = entry->next;
    link = &cache->by_key[entry->key_hash & cache->mask];
    while (*link != at)
        link = &entries[*link].key_next;
    *link = entry->key_next;
    leave_order(cache, entry);
    entry->next = cache->unused;
    cache->unused = at;
    cache->count--;
    cache->kept_bytes -= (uint64_t)entry->request_bytes + entry->reply_bytes;
}

static uint32_t take_unused(struct near_cache *cache, const struct near_request *request)
{
    const uint32_t at = cache->unused;
    struct entry *entry = &cache->entries[at];
    uint32_t *by_request = &cache->by_request[request->hash & cache->mask];
    uint32_t *by_key = &cache->by_key[request->key_hash & cache->mask];
    cache->unused = entry->next;
    *entry = (struct entry){
        .hash = request->hash,
        .key_hash = request->key_hash,
        .next = *by_request,
        .key_next = *by_key,
        .request_bytes = request->byte_count,
        .key_at = (uint32_t)(request->key - request->bytes),
        .key_bytes = request->key_bytes,
    };
    *by_request = *by_key = at;
    be_newest(cache, at);
    memcpy(bytes_of(cache, at), request->bytes, request->byte_count);
    cache->count++;
    return at;
}

/* Use ------------------------------------------------------------------------------------------------ */

const char *near_cache_find(struct near_cache *cache, const struct near_request *request,
                            uint64_t now_ns, size_t *reply_bytes, bool *expired)
{
    const uint32_t at = look_up(cache, request);
    struct entry *entry = &cache->entries[at];
    *expired = at != 0 && now_ns >= entry->stale_ns;
    if (*expired)
        drop(cache, at);
    if (at == 0 || *expired)
        return NULL;
    if (cache->newest != at) {
        leave_order(cache, entry);
        be_newest(cache, at);
    }
    *reply_bytes = entry->reply_bytes;
    return bytes_of(cache, at) + NEAR_REQUEST_BYTES;
}

bool near_cache_keep(struct near_cache *cache, const struct near_request *request,
                     const char *reply, size_t reply_bytes, uint64_t now_ns)
{
    uint32_t at = look_up(cache, request);
    if (at != 0)
        drop(cache, at);
    if (request->byte_count > NEAR_REQUEST_BYTES || reply_bytes > NEAR_REPLY_BYTES ||
        cache->entry_count == 0)
        return false;
    const bool full = cache->unused == 0;
    if (full)
        drop(cache, cache->oldest);
    at = take_unused(cache, request);
    struct entry *entry = &cache->entries[at];
    entry->stale_ns = cache->ttl_ns > 0 ? now_ns + cache->ttl_ns : UINT64_MAX;
    entry->reply_bytes = (uint32_t)reply_bytes;
    cache->kept_bytes += (uint64_t)entry->request_bytes + reply_bytes;
    memcpy(bytes_of(cache, at) + NEAR_REQUEST_BYTES, reply, reply_bytes);
    return full;
}

uint32_t near_cache_forget(struct near_cache *cache, const char *key, size_t key_bytes,
                           uint64_t key_hash)
{
    uint32_t forgotten = 0, next;
    for (uint32_t at = cache->by_key[key_hash & cache->mask]; at != 0; at = next) {
        const struct entry *entry = &cache->entries[at];
        next = entry->key_next;
        if (entry->key_hash != key_hash || entry->key_bytes != key_bytes ||
            memcmp(bytes_of(cache, at) + entry->key_at, key, key_bytes) != 0)
            continue;
        drop(cache, at);
        forgotten++;
    }
    return forgotten;
}

uint32_t near_cache_clear(struct near_cache *cache)
{
    const uint32_t forgotten = cache->count;
    while (cache->oldest != 0)
        drop(cache, cache->oldest);
    return forgotten;
}

uint32_t near_cache_count(const struct near_cache *cache)
{
    return cache->count;
}

uint64_t near_cache_bytes(const struct near_cache *cache)
{
    return cache->kept_bytes;
}
