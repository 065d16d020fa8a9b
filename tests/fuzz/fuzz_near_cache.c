/* Any bytes as a request, and as what a server says out of band: keys are inside of what was given, as long as they say, and a
 * reply that is kept is found until its key is forgotten. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "worker/near_cache.h"

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t input_bytes);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void check_request(const char *bytes, size_t byte_count)
{
    struct near_request request;
    size_t reply_bytes;
    bool expired;
    if (!near_request_parse(&request, bytes, byte_count))
        return;
    require(request.key > bytes && request.key + request.key_bytes < bytes + byte_count);
    struct near_cache *cache = near_cache_create(2, 0);
    require(cache != NULL);
    (void)near_cache_keep(cache, &request, "+OK\r\n", 5, 1);
    const bool kept = byte_count <= NEAR_REQUEST_BYTES;
    require((near_cache_find(cache, &request, 2, &reply_bytes, &expired) != NULL) == kept);
    require(near_cache_forget(cache, request.key, request.key_bytes, request.key_hash) == kept);
    require(near_cache_count(cache) == 0);
    near_cache_destroy(cache);
}

static void check_push(const char *bytes, size_t byte_count)
{
    const char *at = bytes, *const end = bytes + byte_count, *key;
    size_t key_bytes;
    int64_t left;
    if (near_push_begin(&at, end, &left) != NEAR_PUSH_KEYS)
        return;
    while (left > 0 && near_push_key(&at, end, &left, &key, &key_bytes))
        require(key > bytes && key + key_bytes < end && at <= end);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t input_bytes)
{
    char *copy = malloc(input_bytes > 0 ? input_bytes : 1);
    require(copy != NULL);
    memcpy(copy, input, input_bytes);
    check_request(copy, input_bytes);
    check_push(copy, input_bytes);
    free(copy);
    return 0;
}
