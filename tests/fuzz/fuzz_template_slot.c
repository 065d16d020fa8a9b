/* libFuzzer target: the first byte chooses the order of keys, the next eight are a ticket, the rest is a key
 * with placeholders. The slot that a request is sent to is that of the key in it; whole and in parts
 * it is the same request. Links common/ and worker/{workload,workload_keys,workload_tests,template,key_slot}.c. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/slots.h"
#include "worker/generate/workload.h"

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t input_bytes);

static void check(const struct workload *workload, uint64_t ticket)
{
    const size_t request_bytes = workload_request_bytes(workload);
    const struct workload_range place = workload_argument(workload, 0, 1);
    char *request = malloc(request_bytes), *key = malloc(place.byte_count + 1);
    if (request == NULL || key == NULL)
        abort();
    workload_render(workload, ticket, request);
    workload_render_part(workload, ticket, place.offset_bytes, place.byte_count, key);
    if (memcmp(request + place.offset_bytes, key, place.byte_count) != 0 ||
        workload_slot(workload, ticket) != slots_of_key(key, place.byte_count))
        abort();
    free(request);
    free(key);
}

static struct key_order_wish any_distribution(uint8_t byte)
{
    return (struct key_order_wish){
        .kind = (enum key_order_kind)(byte / 3 % (ORDER_WALK + 1)),
        .exponent = byte / 60.0,
        .scattered = byte % 2 == 0,
        .deviation = KEY_DEVIATION_USUAL,
        .scale = KEY_SCALE_USUAL,
        .hot_keys = 0.1,
        .hot_draws = 0.9,
    };
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t input_bytes)
{
    uint64_t ticket;
    size_t key_argument = 1;
    if (input_bytes < 1 + sizeof ticket)
        return 0;
    memcpy(&ticket, input + 1, sizeof ticket);
    const struct spec spec = {
        .endpoint.cluster = true,
        .load.key_order = input[0] % 3,
        .load.key_distribution = any_distribution(input[0]),
        .load.clients = 1 + input[0] % 5,
        .load.keyspace = input[0] % 3 == KEYS_ONE ? 1 : 1 + input[0] * 1000ull,
        .load.keyspace_offset = input[0] % 3 == KEYS_ONE ? 0 : input[0] / 3,
        .load.data_bytes = 1 + input[0] / 7,
        .load.seed = input[0],
    };
    const size_t key_bytes = input_bytes - 1 - sizeof ticket;
    char *text = calloc(1, key_bytes + 1); /* arguments are terminated, too */
    if (text == NULL)
        return 0;
    memcpy(text, input + 1 + sizeof ticket, key_bytes);
    const char *const argv[] = {"GET", text};
    const size_t argv_bytes[] = {3, key_bytes};
    struct workload_source source = {
        .argv = argv, .argv_bytes = argv_bytes, .argc = 2, .title = "key"};
    struct workload_command_keys keys = {.arguments = &key_argument, .count = 1};
    struct workload *workload;
    struct err err = {.code = OK};
    enum err_code code = workload_create(&workload, &source, &spec, &err);
    if (code == OK) {
        code = workload_set_keys(workload, &keys, &err);
        if (code == OK)
            check(workload, ticket);
    }
    if (code != OK && err.text[0] == '\0')
        abort();
    workload_destroy(workload);
    free(text);
    return 0;
}
