#include <hiredis/hiredis.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "orchestrator/server/memory_advice.h"
#include "tests/support/check/suite.h"

#define MB 1048576.0

/* A reply as a server sends it. */
static redisReply *reply_of(const char *text)
{
    redisReader *reader = redisReaderCreate();
    void *reply = NULL;
    ck_assert_int_eq(redisReaderFeed(reader, text, strlen(text)), REDIS_OK);
    ck_assert_int_eq(redisReaderGetReply(reader, &reply), REDIS_OK);
    ck_assert_ptr_nonnull(reply);
    redisReaderFree(reader);
    return reply;
}

static const char info[] = "# Memory\r\nused_memory:1000\r\nused_memory_rss:4000\r\n"
                           "used_memory_peak:1500\r\nused_memory_startup:300\r\n"
                           "used_memory_dataset:500\r\nmem_clients_normal:50\r\n"
                           "used_memory_vm_total:9000\r\nallocator_allocated:1200\r\n"
                           "allocator_active:1500\r\nallocator_resident:2500\r\nmaxmemory:0\r\n"
                           "maxmemory_policy:noeviction\r\nmem_allocator:jemalloc-5.3.0\r\n";

static double sum_of_parts(const struct memory_account *account)
{
    double sum = account->rest;
    for (int part = 0; part < MEMORY_PARTS; part++)
        if (!isnan(account->parts[part]))
            sum += account->parts[part];
    return sum;
}

TEST(test_parts_and_the_rest_come_to_used_memory)
{
    /* Breaks when a part is counted twice, one of a database is dropped, or what no row names is made to fit. */
    struct memory_account account;
    redisReply *reply =
        reply_of("*16\r\n+total.allocated\r\n:1100\r\n+startup.allocated\r\n:300\r\n"
                 "+clients.normal\r\n:60\r\n+db.0\r\n*4\r\n"
                 "+overhead.hashtable.main\r\n:40\r\n"
                 "+overhead.hashtable.expires\r\n:8\r\n+db.7\r\n*2\r\n"
                 "+overhead.hashtable.main\r\n:2\r\n+dataset.bytes\r\n:590\r\n"
                 "+keys.count\r\n:12\r\n+something.new\r\n:100\r\n");
    memory_account_init(&account);
    ck_assert(memory_account_info(&account, info));
    ck_assert(memory_account_stats(&account, reply));
    freeReplyObject(reply);
    ck_assert_double_eq(account.used, 1100);
    ck_assert_double_eq(account.parts[MEMORY_KEY_TABLES], 42);
    ck_assert_double_eq(account.parts[MEMORY_EXPIRY_TABLES], 8);
    ck_assert_double_eq(account.parts[MEMORY_DATASET], 590);
    ck_assert_double_nan(account.parts[MEMORY_SCRIPT_MACHINES]);
    ck_assert_double_eq(account.rest, 100);
    ck_assert_double_eq(account.keys, 12);
    ck_assert_double_eq(sum_of_parts(&account), account.used);
}

TEST(test_info_alone_has_what_it_has)
{
    /* Breaks when Lua's machines, which Valkey does not count in used_memory, are taken for a part of it. */
    struct memory_account account;
    memory_account_init(&account);
    ck_assert(memory_account_info(&account, info));
    ck_assert(!account.from_stats);
    ck_assert_double_nan(account.keys);
    ck_assert_double_eq(account.rest, 150);
    ck_assert_double_eq(sum_of_parts(&account), 1000);
    ck_assert_str_eq(account.policy, "noeviction");
}

TEST(test_gaps_lead_to_the_resident_size)
{
    /* Breaks when a gap is left out between used_memory and the resident size, or counted twice. */
    struct memory_account account;
    double sum = 0;
    memory_account_init(&account);
    ck_assert(memory_account_info(&account, info));
    for (int gap = 0; gap < MEMORY_GAPS; gap++)
        sum += memory_account_gap(&account, (enum memory_gap)gap);
    ck_assert_double_eq(account.used + sum, account.rss);
}

static const char *const no_stats[] = {
    ":5\r\n",
    "*0\r\n",
    "$3\r\nabc\r\n",
    "*1\r\n+total.allocated\r\n",
    "*2\r\n+total.allocated\r\n:-5\r\n",
    "*2\r\n+total.allocated\r\n$1\r\n7\r\n",
    "*4\r\n:1\r\n:2\r\n+peak.allocated\r\n*0\r\n",
};

LOOP_TEST(test_other_replies_are_no_stats, sizeof no_stats / sizeof no_stats[0])
{
    /* Breaks when rubbish in the place of MEMORY STATS is taken for it, or takes away what INFO has said. */
    struct memory_account account;
    redisReply *reply = reply_of(no_stats[_i]);
    memory_account_init(&account);
    ck_assert(memory_account_info(&account, info));
    ck_assert(!memory_account_stats(&account, reply));
    freeReplyObject(reply);
    ck_assert(!account.from_stats);
    ck_assert_double_eq(account.parts[MEMORY_DATASET], 500);
    ck_assert(!memory_account_info(&account, "# Memory\r\nused_memory:many\r\n"));
}

/* ---- what grows ---- */

struct plan {
    double data_step, clients_step, keys_step; /* a sample */
};

static struct memory_account account_at(const struct plan *plan, size_t k)
{
    struct memory_account account;
    const double wobble = (double)(k * 7919 % 13) * 100;
    memory_account_init(&account);
    account.from_stats = true;
    account.keys = 1000 + plan->keys_step * (double)k;
    account.parts[MEMORY_DATASET] =
        (10 * MB + wobble) * account.keys / 1000 + plan->data_step * (double)k;
    account.parts[MEMORY_CLIENTS] = 50000 + wobble + plan->clients_step * (double)k;
    account.parts[MEMORY_KEY_TABLES] = 50 * account.keys;
    account.rest = 0;
    account.used = account.info_used = account.parts[MEMORY_DATASET] +
                                       account.parts[MEMORY_CLIENTS] +
                                       account.parts[MEMORY_KEY_TABLES];
    account.max = 0;
    return account;
}

static void judge(struct memory_growths *growths, const struct plan *plan, size_t count)
{
    struct memory_samples samples = {.count = 0};
    struct err err = {.code = OK};
    ck_assert_int_eq(memory_samples_make(&samples, count, &err), OK);
    for (size_t k = 0; k <= count; k++) { /* one too many */
        const struct memory_account account = account_at(plan, k);
        memory_samples_add(&samples, 0.5 * (double)k, &account);
    }
    ck_assert_int_eq(memory_growths_judge(growths, &samples, &err), OK);
    memory_samples_free(&samples);
}

static const struct {
    struct plan plan;
    size_t samples;
    bool data, clients, keys_vary;
} growth_cases[] = {
    {{0, 0, 0}, 20, false, false, false},
    {{40000, 0, 0}, 20, true, false, false},
    {{0, 40000, 0}, 20, false, true, false},
    {{0, 0, 20}, 20, false, false, false},   /* keys come, and data with them: no leak        */
    {{0, 0, 200}, 20, false, false, true},   /* too many                                      */
    {{0, 100, 0}, 20, false, false, false},  /* an hour's slope of a few bytes                */
    {{0, 40000, 0}, 7, false, false, false}, /* too few samples                               */
    {{-40000, -1000, 0}, 20, false, false, false},
};

LOOP_TEST(test_growth_that_keys_do_not_explain, sizeof growth_cases / sizeof growth_cases[0])
{
    /* Breaks when growth is not seen, or noise, keys and small buffers are taken for a leak. */
    struct memory_growths growths;
    judge(&growths, &growth_cases[_i].plan, growth_cases[_i].samples);
    ck_assert_uint_eq(growths.samples, growth_cases[_i].samples);
    ck_assert_int_eq(growths.series[MEMORY_DATASET].grows, growth_cases[_i].data);
    ck_assert_int_eq(growths.series[MEMORY_CLIENTS].grows, growth_cases[_i].clients);
    ck_assert_int_eq(growths.keys_vary, growth_cases[_i].keys_vary);
    ck_assert(!growths.series[MEMORY_KEY_TABLES].judged);
    ck_assert(!growths.series[MEMORY_SCRIPTS].judged); /* nobody knows it */
    ck_assert_uint_eq(growths.judged == 0, growth_cases[_i].samples < MEMORY_SAMPLES_LEAST);
}

/* ---- advice ---- */

static bool is_advised(const struct memory_account *account, const struct memory_growths *growths,
                       const char *name)
{
    struct memory_advice advice[MEMORY_ADVICE_MOST];
    const size_t count = memory_advice_find(advice, account, growths);
    for (size_t i = 0; i < count; i++) {
        ck_assert(advice[i].evidence[0] != '\0');
        if (strcmp(advice[i].name, name) == 0)
            return true;
    }
    return false;
}

/* 100 MB, and nothing to be said of them. */
static struct memory_account healthy(void)
{
    struct memory_account account;
    memory_account_init(&account);
    account.used = account.info_used = account.peak = 100 * MB;
    account.allocated = 101 * MB;
    account.active = 104 * MB;
    account.resident = 108 * MB;
    account.rss = 112 * MB;
    account.max = 0;
    account.system = 16384 * MB;
    account.parts[MEMORY_DATASET] = 80 * MB;
    account.parts[MEMORY_KEY_TABLES] = 10 * MB;
    account.keys = 100000;
    return account;
}

static const struct {
    const char *name;
    size_t offset; /* of a number of the account */
    double mb;
} advice_cases[] = {
#define OF(member) offsetof(struct memory_account, member)
    {"near_maxmemory", OF(max), 105},
    {"no_maxmemory", OF(system), 150},
    {"swapped", OF(rss), 60},
    {"old_peak", OF(peak), 300},
    {"fragmentation", OF(active), 160},
    {"allocator_kept", OF(resident), 170},
    {"clients", OF(parts[MEMORY_CLIENTS]), 20},
    {"replicas", OF(parts[MEMORY_REPLICAS]), 20},
    {"replicas", OF(parts[MEMORY_SYNC_BUFFER]), 20},
    {"backlog", OF(parts[MEMORY_BACKLOG]), 20},
    {"aof_buffer", OF(parts[MEMORY_AOF_BUFFER]), 20},
    {"scripts", OF(parts[MEMORY_SCRIPTS]), 20},
    {"scripts", OF(scripts), 1},
    {"key_tables", OF(parts[MEMORY_KEY_TABLES]), 60},
    {"freed_late", OF(lazy_objects), 1},
#undef OF
};

LOOP_TEST(test_each_rule_by_what_it_is_for, sizeof advice_cases / sizeof advice_cases[0])
{
    /* Breaks when a rule does not see its own case, or sees it in a healthy server. */
    struct memory_account account = healthy();
    struct memory_advice advice[MEMORY_ADVICE_MOST];
    ck_assert_uint_eq(memory_advice_find(advice, &account, NULL), 0);
    const double value = advice_cases[_i].mb * MB;
    memcpy((char *)&account + advice_cases[_i].offset, &value, sizeof value);
    ck_assert_msg(is_advised(&account, NULL, advice_cases[_i].name), "%s", advice_cases[_i].name);
}

TEST(test_what_grows_is_advised)
{
    /* Breaks when growth that was found has no advice, or one that was not judged has. */
    const struct memory_account account = healthy();
    static const struct {
        const char *name;
        unsigned series;
    } cases[] = {{"values_grow", MEMORY_DATASET},     {"buffers_grow", MEMORY_CLIENTS},
                 {"buffers_grow", MEMORY_AOF_BUFFER}, {"scripts_grow", MEMORY_SCRIPTS},
                 {"scripts_grow", MEMORY_FUNCTIONS},  {"fragmentation_grows", GROWTH_FRAGMENTATION},
                 {"left_over_grows", GROWTH_REST}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct memory_growths growths = {.samples = 20};
        ck_assert(!is_advised(&account, &growths, cases[i].name));
        growths.series[cases[i].series].grows = true;
        ck_assert_msg(is_advised(&account, &growths, cases[i].name), "%s", cases[i].name);
    }
}

TEST(test_a_small_server_has_no_ratios)
{
    /* Breaks when an empty server, whose resident size is ten times what it uses, is called fragmented. */
    struct memory_account account = healthy();
    struct memory_advice advice[MEMORY_ADVICE_MOST];
    account.used = account.info_used = MB;
    account.parts[MEMORY_DATASET] = 1000;
    account.parts[MEMORY_KEY_TABLES] = 5000;
    account.active = 200 * MB;
    ck_assert_uint_eq(memory_advice_find(advice, &account, NULL), 0);
}

TEST(test_sizes_below_zero)
{
    /* Breaks when a difference that is negative is written as a huge size. */
    ck_assert_str_eq(MEMORY_SIZE(-2048), "-2 KB");
    ck_assert_str_eq(MEMORY_SIZE((double)NAN), "unknown");
}

TEST_SUITE(memory_account)
