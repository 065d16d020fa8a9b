#include "orchestrator/suite/suite_command.h"

#include <strings.h>

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

/* The keys of those without a test are valkey-benchmark's, as its own tests write them. */
static const struct suite_command commands[] = {
    {.name = "SET", .test = "set"},
    {.name = "GET", .test = "get", .populate_test = "set"},
    {.name = "INCR", .test = "incr"},
    {.name = "RPUSH", .test = "rpush"},
    {.name = "LPUSH", .test = "lpush"},
    {.name = "LPOP", .test = "lpop", .populate_test = "lpush", .consumes = true},
    {.name = "RPOP", .test = "rpop", .populate_test = "lpush", .consumes = true},
    {.name = "SADD", .test = "sadd"},
    {.name = "SPOP", .test = "spop", .populate_test = "sadd", .consumes = true},
    {.name = "HSET", .test = "hset"},
    {.name = "MSET", .test = "mset", .takes_several_keys = true},
    {.name = "MGET", .test = "mget", .populate_test = "set", .takes_several_keys = true},
    {.name = "LRANGE", .test = "lrange", .populate_test = "lpush"},
    {.name = "ZADD", .test = "zadd"},
    {.name = "ZPOPMIN", .test = "zpopmin", .populate_test = "zadd", .consumes = true},
    {.name = "XADD", .test = "xadd"},
    {.name = "XRANGE",
     .words = WORDS("XRANGE", "mystream:{tag}", "-", "+", "COUNT", "10"),
     .populate_test = "xadd"},
    {.name = "SISMEMBER",
     .words = WORDS("SISMEMBER", "myset:{tag}", "element:__rand_int__"),
     .populate_test = "sadd"},
    {.name = "ZSCORE",
     .words = WORDS("ZSCORE", "myzset:{tag}", "element:__rand_int__"),
     .populate_test = "zadd"},
    {.name = "ZRANGE", .words = WORDS("ZRANGE", "myzset:{tag}", "0", "9"), .populate_test = "zadd"},
    {.name = "PING", .test = "ping_mbulk"},
    {.name = "PING_INLINE", .test = "ping_inline"},
    {.name = "PING_MBULK", .test = "ping_mbulk"},
    {.name = "LRANGE_100", .test = "lrange_100", .populate_test = "lpush"},
    {.name = "LRANGE_300", .test = "lrange_300", .populate_test = "lpush"},
    {.name = "LRANGE_500", .test = "lrange_500", .populate_test = "lpush"},
    {.name = "LRANGE_600", .test = "lrange_600", .populate_test = "lpush"},
};

const struct suite_command *suite_command_at(size_t index)
{
    return index < sizeof commands / sizeof commands[0] ? &commands[index] : NULL;
}

const struct suite_command *suite_command_find(const char *name)
{
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        if (strcasecmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}
