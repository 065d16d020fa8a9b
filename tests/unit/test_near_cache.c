/* What a client keeps of what it has read, against a plain list; and what it understands of requests and invalidations. */
#include <stdio.h>
#include <string.h>

#include "common/rng.h"
#include "tests/support/check/suite.h"
#include "worker/near_cache.h"

#define ENTRIES 13u
#define STEPS 40000u
#define TTL_NS 50u

/* The newest stands last. */
struct kept {
    unsigned key, field;
    uint64_t value, since_ns;
};
static struct kept model[ENTRIES];
static uint32_t model_count;

static struct near_request request_of(unsigned key, unsigned field)
{
    static char text[NEAR_REQUEST_BYTES];
    char name[32], inside[32];
    struct near_request request;
    snprintf(name, sizeof name, "key:%u", key);
    snprintf(inside, sizeof inside, "f%u", field);
    const int bytes =
        snprintf(text, sizeof text, "*3\r\n$4\r\nHGET\r\n$%zu\r\n%s\r\n$%zu\r\n%s\r\n",
                 strlen(name), name, strlen(inside), inside);
    ck_assert(near_request_parse(&request, text, (size_t)bytes));
    ck_assert_uint_eq(request.key_bytes, strlen(name));
    ck_assert_mem_eq(request.key, name, request.key_bytes);
    return request;
}

static uint32_t model_find(unsigned key, unsigned field)
{
    uint32_t at = 0;
    while (at < model_count && (model[at].key != key || model[at].field != field))
        at++;
    return at;
}

static struct kept model_take(uint32_t at)
{
    const struct kept kept = model[at];
    memmove(&model[at], &model[at + 1], (--model_count - at) * sizeof model[0]);
    return kept;
}

static size_t reply_bytes_of(const struct kept *kept)
{
    return kept->value % sizeof kept->value + 1;
}

static uint64_t model_bytes(void)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < model_count; i++)
        bytes += request_of(model[i].key, model[i].field).byte_count + reply_bytes_of(&model[i]);
    return bytes;
}

static void find(struct near_cache *cache, unsigned key, unsigned field, uint64_t now_ns)
{
    const struct near_request request = request_of(key, field);
    const uint32_t at = model_find(key, field);
    const bool there = at < model_count, old = there && now_ns >= model[at].since_ns + TTL_NS;
    size_t bytes = 0;
    bool expired;
    const char *reply = near_cache_find(cache, &request, now_ns, &bytes, &expired);
    ck_assert(expired == old);
    ck_assert((reply != NULL) == (there && !old));
    if (!there)
        return;
    const struct kept kept = model_take(at);
    if (reply == NULL)
        return;
    ck_assert_uint_eq(bytes, reply_bytes_of(&kept));
    ck_assert_mem_eq(reply, &kept.value, bytes);
    model[model_count++] = kept;
}

static void keep(struct near_cache *cache, unsigned key, unsigned field, uint64_t now_ns)
{
    const struct near_request request = request_of(key, field);
    const struct kept kept = {key, field, rng_at(3, now_ns), now_ns};
    const uint32_t at = model_find(key, field);
    if (at < model_count)
        (void)model_take(at);
    const bool full = model_count == ENTRIES;
    if (full)
        (void)model_take(0);
    model[model_count++] = kept;
    ck_assert(near_cache_keep(cache, &request, (const char *)&kept.value, reply_bytes_of(&kept),
                              now_ns) == full);
}

static void forget(struct near_cache *cache, unsigned key)
{
    const struct near_request request = request_of(key, 0);
    uint32_t gone = 0;
    for (uint32_t at = model_count; at-- > 0;)
        if (model[at].key == key) {
            (void)model_take(at);
            gone++;
        }
    ck_assert_uint_eq(near_cache_forget(cache, request.key, request.key_bytes, request.key_hash),
                      gone);
}

TEST(against_a_list)
{
    /* breaks when a reply is another request's, outlives its key or its time, or another one goes than the one that has not
     * been asked for longest, or more or less is counted than is kept */
    struct near_cache *cache = near_cache_create(ENTRIES, TTL_NS);
    ck_assert_ptr_nonnull(cache);
    model_count = 0;
    for (uint64_t step = 0; step < STEPS; step++) {
        const uint64_t random = rng_at(11, step);
        const unsigned key = (unsigned)(random / 16 % 9), field = (unsigned)(random / 1024 % 3);
        if (random % 16 < 8)
            find(cache, key, field, step);
        else if (random % 16 < 14)
            keep(cache, key, field, step);
        else if (random % 16 == 14)
            forget(cache, key);
        else if (random / 65536 % 64 == 0) {
            ck_assert_uint_eq(near_cache_clear(cache), model_count);
            model_count = 0;
        }
        ck_assert_uint_eq(near_cache_count(cache), model_count);
        ck_assert_uint_eq(near_cache_bytes(cache), model_bytes());
    }
    near_cache_destroy(cache);
}

TEST(what_is_too_long)
{
    /* breaks when a reply that has no room is kept cut, or the one before it stays */
    static char reply[NEAR_REPLY_BYTES + 1];
    struct near_cache *cache = near_cache_create(2, 0);
    struct near_request request = request_of(1, 1);
    size_t bytes;
    bool expired;
    ck_assert(!near_cache_keep(cache, &request, reply, NEAR_REPLY_BYTES, 1));
    ck_assert_ptr_nonnull(near_cache_find(cache, &request, UINT64_MAX - 1, &bytes, &expired));
    ck_assert_uint_eq(bytes, NEAR_REPLY_BYTES);
    ck_assert(!near_cache_keep(cache, &request, reply, NEAR_REPLY_BYTES + 1, 2));
    ck_assert_ptr_null(near_cache_find(cache, &request, 3, &bytes, &expired));
    near_cache_destroy(cache);
}

TEST(requests_that_are_none)
{
    /* breaks when half a request, or a line, is taken for one of a key */
    static const char *const texts[] = {
        "",
        "*",
        "PING\r\n",
        "*1\r\n$4\r\nPING\r\n",
        "*2\r\n$3\r\nGET\r\n$1\r\nk",
        "*2\r\n$3\r\nGET\r\n",
        "*2\r\n$3\r\nGET\r\n$1\r\nk\r\n+",
        "*2\r\n:3\r\n$1\r\nk\r\n",
    };
    struct near_request request;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        ck_assert_msg(!near_request_parse(&request, texts[i], strlen(texts[i])), "%s", texts[i]);
}

static const struct {
    const char *text;
    enum near_push push;
    unsigned keys; /* that can be told */
} pushes[] = {
    {">2\r\n$10\r\ninvalidate\r\n*1\r\n$1\r\nk\r\n", NEAR_PUSH_KEYS, 1},
    {">2\r\n$10\r\ninvalidate\r\n*2\r\n$1\r\na\r\n$0\r\n\r\n+OK\r\n", NEAR_PUSH_KEYS, 2},
    {">2\r\n$10\r\ninvalidate\r\n*2\r\n$1\r\na\r\n$5\r\nab", NEAR_PUSH_ALL, 1},
    {">2\r\n$10\r\ninvalidate\r\n_\r\n", NEAR_PUSH_ALL, 0},
    {">2\r\n$10\r\ninvalidate\r\n*-1\r\n", NEAR_PUSH_ALL, 0},
    {">2\r\n$10\r\ninvali", NEAR_PUSH_ALL, 0},
    {">", NEAR_PUSH_ALL, 0},
    {">3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1\r\nb\r\n", NEAR_PUSH_OTHER, 0},
};

LOOP_TEST(invalidations, sizeof pushes / sizeof pushes[0])
{
    /* breaks when a key that has changed is passed over, also where the message is cut */
    const char *at = pushes[_i].text, *const end = at + strlen(at), *key;
    size_t bytes;
    int64_t left;
    unsigned keys = 0;
    enum near_push push = near_push_begin(&at, end, &left);
    while (push == NEAR_PUSH_KEYS && left > 0) {
        if (near_push_key(&at, end, &left, &key, &bytes))
            keys++;
        else
            push = NEAR_PUSH_ALL;
    }
    ck_assert_int_eq(push, pushes[_i].push);
    ck_assert_uint_eq(keys, pushes[_i].keys);
}

TEST_SUITE(near_cache)
