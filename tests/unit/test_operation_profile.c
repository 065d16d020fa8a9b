#include <hiredis/hiredis.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "orchestrator/server/bottleneck.h"
#include "tests/support/check/suite.h"

static struct operations read_of(const char *info)
{
    struct operations operations;
    struct err err = {.code = OK};
    ck_assert_int_eq(operations_read(&operations, info, &err), OK);
    return operations;
}

TEST(test_operations_between_two_looks)
{
    /* Breaks when a command that is new is missed, one that was not called is told, or the order is another than that of time. */
    struct operations before = read_of("# Commandstats\r\n"
                                       "cmdstat_get:calls=10,usec=100,usec_per_call=10.00,"
                                       "rejected_calls=1,failed_calls=0\r\n"
                                       "cmdstat_ping:calls=5,usec=5,rejected_calls=0\r\n");
    struct operations after = read_of("cmdstat_ping:calls=5,usec=5,rejected_calls=0\r\n"
                                      "cmdstat_get:calls=30,usec=160,rejected_calls=3,"
                                      "failed_calls=4\r\n"
                                      "cmdstat_config|get:calls=2,usec=900\r\n"
                                      "used_memory:5\r\n");
    ck_assert(operations_subtract(&after, &before));
    ck_assert_uint_eq(after.count, 2);
    ck_assert_str_eq(after.items[0].name, "config|get");
    ck_assert_str_eq(after.items[1].name, "get");
    ck_assert_uint_eq(after.items[1].calls, 20);
    ck_assert_uint_eq(after.items[1].usec, 60);
    ck_assert_uint_eq(after.items[1].failed, 6);
    operations_free(&before);
    operations_free(&after);
}

TEST(test_operations_of_several_nodes)
{
    /* Breaks when a command that several nodes had is told twice, one of a single node is lost, or the order is not that of time. */
    struct operations one = read_of("cmdstat_set:calls=10,usec=100,failed_calls=1\r\n"
                                    "cmdstat_get:calls=5,usec=500\r\n");
    struct operations other = read_of("cmdstat_ping:calls=3,usec=3\r\n"
                                      "cmdstat_set:calls=20,usec=900,failed_calls=2\r\n");
    struct operations total = {.count = 0};
    struct err err = {.code = OK};
    ck_assert_int_eq(operations_add(&total, &one, &err), OK);
    ck_assert_int_eq(operations_add(&total, &other, &err), OK);
    ck_assert_uint_eq(total.count, 3);
    ck_assert_str_eq(total.items[0].name, "set");
    ck_assert_uint_eq(total.items[0].calls, 30);
    ck_assert_uint_eq(total.items[0].usec, 1000);
    ck_assert_uint_eq(total.items[0].failed, 3);
    ck_assert_str_eq(total.items[1].name, "get");
    ck_assert_str_eq(total.items[2].name, "ping");
    operations_free(&one);
    operations_free(&other);
    operations_free(&total);
}

static const char *const gone_back[] = {
    "cmdstat_get:calls=9,usec=200\r\n", "cmdstat_get:calls=20,usec=99\r\n",
    "cmdstat_set:calls=20,usec=300\r\n", "", "cmdstat_get:calls=x,usec=-4\r\n"};

LOOP_TEST(test_counters_that_went_back, sizeof gone_back / sizeof gone_back[0])
{
    /* Breaks when the counters of a server that was started anew are taken for a difference. */
    struct operations before = read_of("cmdstat_get:calls=10,usec=100\r\n");
    struct operations after = read_of(gone_back[_i]);
    ck_assert(!operations_subtract(&after, &before));
    operations_free(&before);
    operations_free(&after);
}

TEST(test_lines_that_are_none)
{
    /* Breaks when a line that is cut short, or a name that is too long, is read beyond its end. */
    struct operations none =
        read_of("cmdstat_\r\ncmdstat_:calls=1\r\ncmdstat_get\r\ncmdstat_"
                "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
                "aaaaaaaaaaaaa:calls=1\r\ncmdstat");
    ck_assert_uint_eq(none.count, 0);
    operations_free(&none);
}

TEST(test_kinds_are_the_servers_words)
{
    /* Breaks when a command is taken for a write that only reads, or an unknown one is either. */
    static const char text[] = "*4\r\n*3\r\n$3\r\nset\r\n:-3\r\n*2\r\n+write\r\n+denyoom\r\n"
                               "*3\r\n$3\r\nget\r\n:2\r\n*2\r\n+readonly\r\n+fast\r\n"
                               "*-1\r\n*3\r\n$4\r\nping\r\n:-1\r\n*1\r\n+fast\r\n";
    struct operations operations = read_of(
        "cmdstat_first:calls=1,usec=9\r\ncmdstat_set:calls=1,usec=8\r\ncmdstat_get:calls=1\r\n"
        "cmdstat_gone:calls=1\r\ncmdstat_ping:calls=1\r\ncmdstat_last:calls=1\r\n");
    redisReader *reader = redisReaderCreate();
    void *reply = NULL;
    ck_assert_int_eq(redisReaderFeed(reader, text, sizeof text - 1), REDIS_OK);
    ck_assert_int_eq(redisReaderGetReply(reader, &reply), REDIS_OK);
    operations_mark(&operations, 1, reply);
    static const enum operation_kind wanted[] = {OPERATION_OTHER, OPERATION_WRITE, OPERATION_QUERY,
                                                 OPERATION_OTHER, OPERATION_OTHER, OPERATION_OTHER};
    for (size_t i = 0; i < 6; i++)
        ck_assert_int_eq(operations.items[i].kind, wanted[i]);
    freeReplyObject(reply);
    redisReaderFree(reader);
    operations_free(&operations);
}

static const struct {
    double memory[16];
    size_t count, peaks, places[4];
} peak_cases[] = {
    {{100, 100, 100}, 3, 0, {0}},
    {{100, 150, 100}, 3, 1, {1}},
    {{100, 150, 120, 200, 90, 95}, 6, 3, {1, 3, 5}},
    {{100, 100.5, 100}, 3, 0, {0}}, /* does not stand out */
    {{100, 120, 140}, 3, 1, {2}},   /* at the end          */
    {{140, 120, 100}, 3, 0, {0}},
    {{100}, 1, 0, {0}},
    {{0}, 0, 0, {0}},
};

LOOP_TEST(test_peaks, sizeof peak_cases / sizeof peak_cases[0])
{
    /* Breaks when a peak is missed, or a breath is taken for one. */
    struct profile_sample samples[16];
    size_t peaks[PROFILE_PEAKS_MAX];
    for (size_t i = 0; i < 16; i++)
        samples[i] = (struct profile_sample){.used_memory = 1e6 * peak_cases[_i].memory[i]};
    ck_assert_uint_eq(profile_peaks(peaks, samples, peak_cases[_i].count), peak_cases[_i].peaks);
    for (size_t i = 0; i < peak_cases[_i].peaks; i++)
        ck_assert_uint_eq(peaks[i], peak_cases[_i].places[i]);
}

TEST(test_buffers_of_a_small_server_are_no_peak)
{
    /* Breaks when a few KB of buffers of an empty server are told as a peak. */
    const struct profile_sample samples[] = {{.used_memory = 7e5}, {.used_memory = 7.2e5}};
    size_t peaks[PROFILE_PEAKS_MAX];
    ck_assert_uint_eq(profile_peaks(peaks, samples, 2), 0);
}

TEST(test_the_highest_peaks_are_kept)
{
    /* Breaks when a later, lower peak takes the place of a higher one, or they are out of order. */
    struct profile_sample samples[60];
    size_t peaks[PROFILE_PEAKS_MAX];
    for (size_t i = 0; i < 60; i++)
        samples[i] = (struct profile_sample){
            .used_memory = 1e6 * (i % 2 == 0 ? 100 : 200 + (double)(i * 7 % 60))};
    ck_assert_uint_eq(profile_peaks(peaks, samples, 60), PROFILE_PEAKS_MAX);
    double lowest = INFINITY;
    size_t higher = 0;
    for (size_t i = 0; i < PROFILE_PEAKS_MAX; i++) {
        ck_assert(i == 0 || peaks[i] > peaks[i - 1]);
        lowest = fmin(lowest, samples[peaks[i]].used_memory);
    }
    for (size_t i = 0; i < 60; i++)
        higher += samples[i].used_memory > lowest;
    ck_assert_uint_eq(higher, PROFILE_PEAKS_MAX - 1);
}

/* ---- bottlenecks ---- */

static struct profile_sample quiet(double seconds)
{
    return (struct profile_sample){.seconds = seconds,
                                   .used_memory = 1e6,
                                   .maxmemory = 1e7,
                                   .thread_cpu_seconds = 1 + 0.2 * seconds,
                                   .hits = 5000 + 900 * seconds,
                                   .misses = 100 * seconds};
}

static const struct {
    const char *name;
    size_t offset; /* of the last sample */
    double value;
} bottleneck_cases[] = {
#define OF(member) offsetof(struct profile_sample, member)
    {"cpu", OF(thread_cpu_seconds), 10.6},
    {"memory", OF(used_memory), 9.5e6},
    {"memory", OF(evicted), 3},
    {"connections", OF(rejected_connections), 1},
    {"disk", OF(delayed_fsyncs), 2},
    {"misses", OF(misses), 90000},
#undef OF
};

static bool is_found(const char *name, const struct operations *operations,
                     const struct profile_sample *last)
{
    struct bottleneck bottlenecks[BOTTLENECKS_MAX];
    const struct profile_sample first = quiet(0);
    const size_t count = bottlenecks_find(bottlenecks, operations, &first, last);
    for (size_t i = 0; i < count; i++)
        if (strcmp(bottlenecks[i].name, name) == 0)
            return bottlenecks[i].evidence[0] != '\0';
    return false;
}

LOOP_TEST(test_each_bottleneck_by_its_figure, sizeof bottleneck_cases / sizeof bottleneck_cases[0])
{
    /* Breaks when a bottleneck is not seen by its own figure, or in a quiet server. */
    struct bottleneck bottlenecks[BOTTLENECKS_MAX];
    const struct operations none = {.count = 0};
    const struct profile_sample first = quiet(0);
    struct profile_sample last = quiet(10);
    ck_assert_uint_eq(bottlenecks_find(bottlenecks, &none, &first, &last), 0);
    memcpy((char *)&last + bottleneck_cases[_i].offset, &bottleneck_cases[_i].value,
           sizeof(double));
    ck_assert(is_found(bottleneck_cases[_i].name, &none, &last));
}

TEST(test_bottlenecks_of_commands)
{
    /* Breaks when a slow command, failed calls or a slow fork pass, or unknown figures are taken for a bottleneck. */
    struct operation items[] = {{"keys", 10, 50000, 0, OPERATION_QUERY},
                                {"get", 1000, 900, 0, OPERATION_QUERY}};
    const struct operations operations = {items, 2};
    struct profile_sample last = quiet(10);
    ck_assert(is_found("slow_command", &operations, &last));
    ck_assert(!is_found("failed_calls", &operations, &last));
    items[0].calls = 100;
    items[1].failed = 50;
    ck_assert(!is_found("slow_command", &operations, &last));
    ck_assert(is_found("failed_calls", &operations, &last));
    last.fork_usec = 3e5;
    ck_assert(!is_found("fork", &operations, &last)); /* of another time */
    last.forks = 1;
    ck_assert(is_found("fork", &operations, &last));
    items[1].failed = 0;
    struct bottleneck bottlenecks[BOTTLENECKS_MAX];
    struct profile_sample unknown[2];
    profile_sample_read(&unknown[0], 0, "");
    profile_sample_read(&unknown[1], 10, "# CPU\r\nused_cpu_sys_main_thread:abc\r\n");
    ck_assert_uint_eq(bottlenecks_find(bottlenecks, &operations, &unknown[0], &unknown[1]), 0);
}

TEST_SUITE(operation_profile)
