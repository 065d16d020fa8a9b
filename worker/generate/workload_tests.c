/* The tests of -t: one row each, with valkey-benchmark's names, titles and commands. The :{tag} is left
 * out of the keys unless the test is tagged. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "worker/generate/workload.h"

#define KEY "key:{tag}:__rand_int__"
#define MSET_PAIR KEY, "__data__"
static const struct workload_test tests[] = {
    {.name = "ping_inline", .title = "PING_INLINE", .argv = {"PING"}, .inline_command = true},
    {.name = "ping_mbulk", .title = "PING_MBULK", .argv = {"PING"}},
    {.name = "set", .title = "SET", .argv = {"SET", KEY, "__data__"}, .keys = {1, 1, 1}},
    {.name = "get",
     .title = "GET",
     .argv = {"GET", KEY},
     .keys = {1, 1, 1},
     .reads_only = true,
     .read_kind = READ_VALUE,
     .prefill_name = "set"},
    {.name = "incr",
     .title = "INCR",
     .argv = {"INCR", "counter:{tag}:__rand_int__"},
     .keys = {1, 1, 1}},
    {.name = "lpush",
     .title = "LPUSH",
     .argv = {"LPUSH", "mylist:{tag}", "__data__"},
     .keys = {1, 1, 1}},
    {.name = "rpush",
     .title = "RPUSH",
     .argv = {"RPUSH", "mylist:{tag}", "__data__"},
     .keys = {1, 1, 1}},
    {.name = "lpop",
     .title = "LPOP",
     .argv = {"LPOP", "mylist:{tag}"},
     .keys = {1, 1, 1},
     .read_kind = READ_VALUE,
     .prefill_name = "lpush",
     .prefill_per_request = true},
    {.name = "rpop",
     .title = "RPOP",
     .argv = {"RPOP", "mylist:{tag}"},
     .keys = {1, 1, 1},
     .read_kind = READ_VALUE,
     .prefill_name = "lpush",
     .prefill_per_request = true},
    {.name = "sadd",
     .title = "SADD",
     .argv = {"SADD", "myset:{tag}", "element:__rand_int__"},
     .keys = {1, 1, 1}},
    {.name = "hset",
     .title = "HSET",
     .argv = {"HSET", "myhash:{tag}", "element:__rand_int__", "__data__"},
     .keys = {1, 1, 1}},
    {.name = "spop",
     .title = "SPOP",
     .argv = {"SPOP", "myset:{tag}"},
     .keys = {1, 1, 1},
     .read_kind = READ_VALUE,
     .prefill_name = "sadd",
     .prefill_per_request = true},
    {.name = "zadd",
     .title = "ZADD",
     .argv = {"ZADD", "myzset:{tag}", "__rand_int__", "element:__rand_1st__"},
     .keys = {1, 1, 1}},
    {.name = "zpopmin",
     .title = "ZPOPMIN",
     .argv = {"ZPOPMIN", "myzset:{tag}"},
     .keys = {1, 1, 1},
     .read_kind = READ_VALUE,
     .prefill_name = "zadd",
     .prefill_per_request = true},
    {.name = "lrange_100",
     .title = "LRANGE_100 (first 100 elements)",
     .argv = {"LRANGE", "mylist:{tag}", "0", "99"},
     .keys = {1, 1, 1},
     .reads_only = true,
     .read_kind = READ_VALUE,
     .prefill_name = "lpush",
     .prefill_elements = 100},
    {.name = "lrange_300",
     .title = "LRANGE_300 (first 300 elements)",
     .argv = {"LRANGE", "mylist:{tag}", "0", "299"},
     .keys = {1, 1, 1},
     .reads_only = true,
     .read_kind = READ_VALUE,
     .prefill_name = "lpush",
     .prefill_elements = 300},
    {.name = "lrange_500",
     .title = "LRANGE_500 (first 500 elements)",
     .argv = {"LRANGE", "mylist:{tag}", "0", "499"},
     .keys = {1, 1, 1},
     .reads_only = true,
     .read_kind = READ_VALUE,
     .prefill_name = "lpush",
     .prefill_elements = 500},
    {.name = "lrange_600",
     .title = "LRANGE_600 (first 600 elements)",
     .argv = {"LRANGE", "mylist:{tag}", "0", "599"},
     .keys = {1, 1, 1},
     .reads_only = true,
     .read_kind = READ_VALUE,
     .prefill_name = "lpush",
     .prefill_elements = 600},
    {.name = "mset",
     .title = "MSET (10 keys)",
     .argv = {"MSET", MSET_PAIR, MSET_PAIR, MSET_PAIR, MSET_PAIR, MSET_PAIR, MSET_PAIR, MSET_PAIR,
              MSET_PAIR, MSET_PAIR, MSET_PAIR},
     .keys = {1, -1, 2},
     .tagged_on_cluster = true},
    {.name = "mget",
     .title = "MGET (10 keys)",
     .argv = {"MGET", KEY, KEY, KEY, KEY, KEY, KEY, KEY, KEY, KEY, KEY},
     .keys = {1, -1, 1},
     .reads_only = true,
     .tagged_on_cluster = true,
     .read_kind = READ_EACH,
     .prefill_name = "set"},
    {.name = "xadd",
     .title = "XADD",
     .argv = {"XADD", "mystream:{tag}", "*", "myfield", "__data__"},
     .keys = {1, 1, 1}},
    {.name = "function_load",
     .title = "FUNCTION LOAD",
     .argv = {"FUNCTION", "LOAD", "REPLACE"},
     .more = MORE_LIBRARY},
    {.name = "fcall",
     .title = "FCALL",
     .argv = {"FCALL", "foo1"},
     .keys = {3, -1, 1},
     .tagged_on_cluster = true,
     .more = MORE_KEYS},
};

const struct workload_test *workload_test_at(size_t index)
{
    return index < sizeof tests / sizeof tests[0] ? &tests[index] : NULL;
}

const struct workload_test *workload_test_find(const char *name)
{
    for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++)
        if (strcasecmp(tests[i].name, name) == 0)
            return &tests[i];
    return NULL;
}

const char *workload_test_untagged(char text[WORKLOAD_TEST_ARG_BYTES], const char *argument)
{
    static const char tag[] = ":{tag}";
    const char *found = strstr(argument, tag);
    const size_t before = found != NULL ? (size_t)(found - argument) : strlen(argument);
    snprintf(text, WORKLOAD_TEST_ARG_BYTES, "%.*s%s", (int)before, argument,
             found != NULL ? found + strlen(tag) : "");
    return text;
}
