#include <stdio.h>
#include <string.h>

#include "tests/support/check/suite.h"
#include "worker/generate/prefill.h"

static struct prefill prefill;
static struct err err;
static struct spec spec;
static char text[4096];

/* Words are separated by single spaces. */
static enum err_code derive(enum key_order key_order, const char *command)
{
    char copy[512], *rest = copy;
    const char *argv[64];
    size_t argc = 0;
    spec = (struct spec){.load.key_order = key_order,
                         .load.keyspace = key_order == KEYS_ONE ? 1 : 100};
    snprintf(copy, sizeof copy, "%s", command);
    for (char *word; (word = strsep(&rest, " ")) != NULL;)
        argv[argc++] = word;
    err = (struct err){.code = OK};
    return prefill_derive(&prefill, argv, argc, &spec, &err);
}

static const char *joined(const struct prefill_write *write)
{
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < write->argc; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%s", i > 0 ? " " : "",
                                 write->argv[i]);
    return text;
}

TEST(test_writes)
{
    /* Breaks when what is written before a read is another key, another kind of value, or not all that it asks
     * for. */
    static const struct {
        const char *read, *stored, *consumed;
        bool numbered;
    } cases[] = {
        {"GET k:__rand_int__", "SET k:__rand_1st__ __data__", "", true},
        {"get plain", "SET plain __data__", "", false},
        {"GETRANGE __key__ 0 5", "SET key:__rand_1st__ __data__", "", true},
        {"GET \\__x__:__rand_3rd__", "SET \\__x__:__rand_1st__ __data__", "", true},
        {"MGET a:{tag}:__rand_int__ b:{tag}:__rand_int__ a:{tag}:__rand_int__",
         "SET a:{tag}:__rand_1st__ __data__ ; SET b:{tag}:__rand_1st__ __data__", "", true},
        {"HGET h f:__rand_int__", "HSET h f:__rand_1st__ __data__", "", true},
        {"HMGET h f:__rand_int__ g", "HSET h f:__rand_1st__ __data__ g __data__", "", true},
        {"SISMEMBER s m:__rand_int__", "SADD s m:__rand_1st__", "", true},
        {"ZSCORE z m:__rand_int__", "ZADD z 1 m:__rand_1st__", "", true},
        {"LRANGE l 0 2", "RPUSH l __data__ __data__ __data__", "", false},
        {"LRANGE l 1 1", "RPUSH l __data__ __data__", "", false},
        {"LINDEX l -2", "RPUSH l __data__ __data__", "", false},
        {"ZRANGE z 0 1 WITHSCORES", "ZADD z 0 element:0 1 element:1", "", false},
        {"XRANGE x:__rand_int__ - +", "10 XADD x:__rand_1st__ * field __data__", "", true},
        {"LPOP l", "", "RPUSH l __data__", false},
        {"SPOP s ; SPOP s", "", "SADD s element:__rand_1st__:2 ; SADD s element:__rand_1st__:6",
         false},
        {"ZPOPMIN z", "", "ZADD z __rand_1st__ element:__rand_1st__:2", false},
        {"3 GET k ; INCR c ; RPOP l", "SET k __data__", "RPUSH l __data__", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ck_assert_msg(derive(KEYS_RANDOM, cases[i].read) == OK, "%s: %s", cases[i].read, err.text);
        ck_assert_str_eq(joined(&prefill.stored), cases[i].stored);
        ck_assert_str_eq(joined(&prefill.consumed), cases[i].consumed);
        ck_assert_int_eq(prefill.stored.numbered, cases[i].numbered);
        prefill_free(&prefill);
    }
    ck_assert_int_eq(derive(KEYS_RANDOM, "HGETALL h ; GET k ; MGET a b"), OK);
    ck_assert_str_eq(prefill.stored.title, "HSET, SET");
    prefill_free(&prefill);
}

TEST(test_refusals)
{
    /* Breaks when something that cannot be written is written in part, or refused without a reason. */
    static const struct {
        const char *read, *reason;
    } cases[] = {
        {"EVAL x 0", "what EVAL reads; it knows GET MGET"},
        {"SET k v", "ZPOPMAX XRANGE XREVRANGE XLEN"},
        {"HGET h:__rand_int__ f:__rand_int__", "what HGET reads: what it looks up holds several"},
        {"GET a:__rand_1st__:__rand_2nd__", "several numbers"},
        {"GET __data__", "__data__"},
        {"GET x{tag}", "{tag}"},
        {"LPOP l:__rand_int__", "LPOP reads: what it takes"},
        {"2 LPOP l", "repeated LPOP"},
        {"LPOP l 2", "LPOP with 2 arguments"},
        {"GET", "GET with 0 arguments"},
        {"LRANGE l 0 __rand_int__", "LRANGE KEY 0 99"},
        {"LRANGE l 0 10000", "positions below 10000"},
        {"ZRANGE z 0 5 BYSCORE", "ZRANGE KEY 0 99"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ck_assert_msg(derive(KEYS_RANDOM, cases[i].read) == E_USAGE, "%s", cases[i].read);
        ck_assert_msg(strstr(err.text, cases[i].reason) != NULL, "%s: %s", cases[i].read, err.text);
        prefill_free(&prefill);
    }
}

TEST(test_orders)
{
    /* Breaks when numbers that go side by side in sequence, or are always the same, are taken for pairs. */
    static const struct {
        enum key_order key_order;
        const char *read;
        enum err_code code;
    } cases[] = {
        {KEYS_SEQUENTIAL, "HGET h:__rand_1st__ f:__rand_2nd__", OK},
        {KEYS_SEQUENTIAL, "HGET h:__rand_int__ f:__rand_int__", E_USAGE},
        {KEYS_RANDOM, "HGET h:__rand_1st__ f:__rand_1st__", OK},
        {KEYS_RANDOM, "HGET h:__rand_1st__ f:__rand_2nd__", E_USAGE},
        {KEYS_ONE, "HGET h:__rand_int__ f:__rand_int__", OK},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ck_assert_msg(derive(cases[i].key_order, cases[i].read) == cases[i].code, "%s: %s",
                      cases[i].read, err.text);
        prefill_free(&prefill);
    }
}

TEST_SUITE(prefill)
