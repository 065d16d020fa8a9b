/* The tests of -t: one row each, with valkey-benchmark's names, titles and commands. */
#include <strings.h>

#include "worker/workload.h"

#define KEY "key:__rand_int__"
#define MSET_PAIR KEY, "__data__"

static const struct workload_test tests[] = {
    {.name = "ping_inline", .title = "PING_INLINE", .argv = {"PING"}, .inline_command = true},
    {.name = "ping_mbulk", .title = "PING_MBULK", .argv = {"PING"}},
    {.name = "set", .title = "SET", .argv = {"SET", KEY, "__data__"}},
    {.name = "get",
     .title = "GET",
     .argv = {"GET", KEY},
     .read_kind = READ_VALUE,
     .prefill_name = "set"},
    {.name = "incr", .title = "INCR", .argv = {"INCR", "counter:__rand_int__"}},
    {.name = "lpush", .title = "LPUSH", .argv = {"LPUSH", "mylist", "__data__"}},
    {.name = "rpush", .title = "RPUSH", .argv = {"RPUSH", "mylist", "__data__"}},
    {.name = "lpop",
     .title = "LPOP",
     .argv = {"LPOP", "mylist"},
     .read_kind = READ_VALUE,
     .prefill_name = "lpush",
     .prefill_per_request = true},
    {.name = "rpop",
     .title = "RPOP",
     .argv = {"RPOP", "mylist"},
     .read_kind = READ_VALUE,
     .prefill_name = "lpush",
     .prefill_per_request = true},
    {.name = "sadd", .title = "SADD", .argv = {"SADD", "myset", "element:__rand_int__"}},
    {.name = "hset",
     .title = "HSET",
     .argv = {"HSET", "myhash", "element:__rand_int__", "__data__"}},
    {.name = "spop",
     .title = "SPOP",
     .argv = {"SPOP", "myset"},
     .read_kind = READ_VALUE,
     .prefill_name = "sadd",
     .prefill_per_request = true},
    {.name = "zadd",
     .title = "ZADD",
     .argv = {"ZADD", "myzset", "__rand_int__", "element:__rand_int__"}},
    {.name = "zpopmin",
     .title = "ZPOPMIN",
     .argv = {"ZPOPMIN", "myzset"},
     .read_kind = READ_VALUE,
     .prefill_name = "zadd",
     .prefill_per_request = true},
    {.name = "lrange_100",
     .title = "LRANGE_100 (first 100 elements)",
     .argv = {"LRANGE", "mylist", "0", "99"},
     .read_kind = READ_VALUE,
     .prefill_name = "lpush",
     .prefill_elements = 100},
    {.name = "lrange_300",
     .title = "LRANGE_300 (first 300 elements)",
     .argv = {"LRANGE", "mylist", "0", "299"},
     .read_kind = READ_VALUE,
     .prefill_name = "lpush",
     .prefill_elements = 300},
    {.name = "lrange_500",
     .title = "LRANGE_500 (first 500 elements)",
     .argv = {"LRANGE", "mylist", "0", "499"},
     .read_kind = READ_VALUE,
     .prefill_name = "lpush",
     .prefill_elements = 500},
    {.name = "lrange_600",
     .title = "LRANGE_600 (first 600 elements)",
     .argv = {"LRANGE", "mylist", "0", "599"},
     .read_kind = READ_VALUE,
     .prefill_name = "lpush",
     .prefill_elements = 600},
    {.name = "mset",
     .title = "MSET (10 keys)",
     .argv = {"MSET", MSET_PAIR, MSET_PAIR, MSET_PAIR, MSET_PAIR, MSET_PAIR, MSET_PAIR, MSET_PAIR,
              MSET_PAIR, MSET_PAIR, MSET_PAIR}},
    {.name = "mget",
     .title = "MGET (10 keys)",
     .argv = {"MGET", KEY, KEY, KEY, KEY, KEY, KEY, KEY, KEY, KEY, KEY},
     .read_kind = READ_EACH,
     .prefill_name = "set"},
    {.name = "xadd", .title = "XADD", .argv = {"XADD", "mystream", "*", "myfield", "__data__"}},
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
