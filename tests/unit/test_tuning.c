/* Which changes are tried for what holds a client up, and who is next: the tables of watch/tuning.c. */
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "orchestrator/options/buffer_file.h"
#include "orchestrator/watch/tuning.h"
#include "tests/support/check/suite.h"
#include "tests/support/check/temp_tree.h"

static struct kpi kpi_called(const char *name)
{
    struct kpi kpi = {.name = "tuned"};
    struct err err = {.code = OK};
    ck_assert_int_eq(watch_figure_find(&kpi.figure, name, strlen(name), &err), OK);
    kpi.higher_is_better = kpi.figure.higher_is_better;
    return kpi;
}

static struct tuning_book book_with(enum tuning_caches caches)
{
    struct tuning_book book;
    struct err err = {.code = OK};
    ck_assert_msg(tuning_book_read(&book, caches, &err) == OK, "%.200s", err.text);
    return book;
}

static struct diagnosis diagnosis_of(enum diagnosis_cause cause)
{
    return (struct diagnosis){.order = {cause}, .found = 1};
}

static const struct {
    const char *name;
    enum tuning_type type;
} of_kpis[] = {
    {"messages_per_minute", TUNING_THROUGHPUT},
    {"rate.achieved", TUNING_THROUGHPUT},
    {"transfer_rate", TUNING_THROUGHPUT},
    {"avg_batch_size", TUNING_THROUGHPUT},
    {"p95_latency_ms", TUNING_LATENCY},
    {"service_time_us.p99", TUNING_LATENCY},
    {"avg_write_latency", TUNING_LATENCY},
    {"query_latency", TUNING_LATENCY},
    {"memory_mb", TUNING_MEMORY},
    {"used_memory", TUNING_MEMORY},
    {"cache_memory", TUNING_MEMORY},
    {"cache_hit_rate", TUNING_HIT_RATE},
    {"requests.misses", TUNING_HIT_RATE},
    {"worker_cpu_percent", TUNING_CPU},
    {"error_percentage", TUNING_TIMEOUTS},
    {"requests.timed_out", TUNING_TIMEOUTS},
    {"flush_success_rate", TUNING_TIMEOUTS},
};

LOOP_TEST(type_of_a_kpi, sizeof of_kpis / sizeof of_kpis[0])
{
    /* Breaks when what is asked for is taken for a figure of another kind, and wrong changes are tried. */
    const struct kpi kpi = kpi_called(of_kpis[_i].name);
    ck_assert_str_eq(tuning_type_name(tuning_type_of_kpi(&kpi)),
                     tuning_type_name(of_kpis[_i].type));
}

TEST(causes_come_first)
{
    /* Breaks when what was found is not tried first, a type stands twice, or time-outs are overlooked. */
    enum tuning_type types[TUNING_TYPES];
    const struct kpi rate = kpi_called("messages_per_minute"), time = kpi_called("p95_latency_ms");
    struct diagnosis diagnosis = diagnosis_of(CAUSE_CLIENT);
    ck_assert_uint_eq(tuning_types_find(types, &diagnosis, &rate, 0), 3);
    ck_assert_int_eq(types[0], TUNING_CPU);
    ck_assert_int_eq(types[1], TUNING_THROUGHPUT);
    ck_assert_int_eq(types[2], TUNING_LATENCY);
    const struct diagnosis both = {.order = {CAUSE_STARVED, CAUSE_CLIENT}, .found = 2},
                           none = {.found = 0};
    ck_assert_int_eq(tuning_cause_of(&both, TUNING_CPU), CAUSE_CLIENT);
    ck_assert_int_eq(tuning_cause_of(&both, TUNING_LATENCY), CAUSE_STARVED);
    ck_assert_int_eq(tuning_cause_of(&none, TUNING_LATENCY), CAUSES);
    diagnosis = diagnosis_of(CAUSE_SERVER_CPU);
    ck_assert_uint_eq(tuning_types_find(types, &diagnosis, &time, 5), 3);
    ck_assert_int_eq(types[0], TUNING_THROUGHPUT);
    ck_assert_int_eq(types[1], TUNING_TIMEOUTS);
    ck_assert_int_eq(types[2], TUNING_LATENCY);
    diagnosis = diagnosis_of(CAUSE_MEMORY); /* which no client can help */
    ck_assert_uint_eq(tuning_types_find(types, &diagnosis, &time, 0), 2);
    ck_assert_int_eq(types[0], TUNING_LATENCY);
}

/* What is tried from there on if nothing is kept, or everything; its number. */
static size_t try_all(struct tuning_choice *first, const struct tuning_book *book,
                      const struct tuning_profile *before, enum tuning_type type, bool keep)
{
    static struct tuning_profile tried[64];
    const struct tuning_profile *places[64];
    struct tuning_profile best = *before;
    struct tuning_choice choice;
    size_t count = 1;
    tried[0] = *before;
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++)
        places[i] = &tried[i];
    while (tuning_choose(&choice, book, &type, 1, &best, places, count, count)) {
        const struct buffer_options *buffer = &choice.profile.buffer;
        for (size_t i = 0; i < count; i++)
            ck_assert(tried[i].request_timeout_ns != choice.profile.request_timeout_ns ||
                      !buffer_file_same(&tried[i].buffer, buffer));
        ck_assert_int_eq(choice.type, type);
        ck_assert(!buffer->wanted || (buffer->round_messages >= 1 && buffer->hybrid_batches >= 1 &&
                                      buffer->flush_workers >= 1));
        ck_assert(book->caches != CACHES_NONE || !buffer->wanted || buffer->cache_replies == 0);
        ck_assert(book->caches != CACHES_ONLY || buffer->cache_replies > 0);
        if (count == 1)
            *first = choice;
        tried[count++] = choice.profile;
        ck_assert_uint_lt(count, sizeof tried / sizeof tried[0]);
        if (keep)
            best = choice.profile;
    }
    return count - 1;
}

LOOP_TEST(every_type_ends, TUNING_TYPES *SHIPPED_COUNT * 4)
{
    /* Breaks when a change is tried again, is none, makes what no buffer can be, or there is no end of them. */
    const enum tuning_type type = (enum tuning_type)(_i % TUNING_TYPES);
    const unsigned shipped = (unsigned)_i / TUNING_TYPES % SHIPPED_COUNT,
                   how = (unsigned)_i / TUNING_TYPES / SHIPPED_COUNT;
    const struct tuning_book book = book_with((enum tuning_caches)(how / 2));
    struct tuning_choice first;
    const struct tuning_profile before = {
        .buffer = book.shipped[shipped > 0 ? shipped : (unsigned)SHIPPED_TUNED],
        .request_timeout_ns = NS_PER_SECOND};
    const size_t count = try_all(&first, &book, &before, type, how % 2 > 0);
    ck_assert(count > 0 || type == TUNING_HIT_RATE || book.caches == CACHES_ONLY);
}

TEST(what_the_map_says)
{
    /* Breaks when a bottleneck is answered with another change than the map of bottlenecks says. */
    const struct tuning_book book = book_with(CACHES_ANY);
    const struct tuning_profile tuned = {.buffer = book.shipped[SHIPPED_TUNED],
                                         .request_timeout_ns = NS_PER_SECOND},
                                bypass = {.buffer = book.shipped[SHIPPED_BYPASS],
                                          .request_timeout_ns = NS_PER_SECOND};
    const struct buffer_options *was = &tuned.buffer;
    struct tuning_choice first = {.change = NULL};
    (void)try_all(&first, &book, &tuned, TUNING_MEMORY, false);
    ck_assert_uint_eq(first.profile.buffer.round_messages, was->round_messages / 2);
    ck_assert_uint_eq(first.profile.buffer.hybrid_batches, was->hybrid_batches / 2);
    (void)try_all(&first, &book, &tuned, TUNING_CPU, false);
    ck_assert_uint_eq(first.profile.buffer.flush_workers, was->flush_workers / 2);
    (void)try_all(&first, &book, &tuned, TUNING_LATENCY, false);
    ck_assert(!first.profile.buffer.wanted);
    (void)try_all(&first, &book, &tuned, TUNING_THROUGHPUT, false);
    ck_assert_uint_eq(first.profile.buffer.round_messages, 2 * was->round_messages);
    ck_assert_str_eq(first.profile.buffer.name, "tuned (round 1)");
    (void)try_all(&first, &book, &tuned, TUNING_HIT_RATE, false);
    ck_assert_uint_eq(first.profile.buffer.cache_replies, 2 * was->cache_replies);
    (void)try_all(&first, &book, &tuned, TUNING_TIMEOUTS, false);
    ck_assert_uint_eq(first.profile.request_timeout_ns, 2 * NS_PER_SECOND);
    ck_assert(buffer_file_same(&first.profile.buffer, was));
    (void)try_all(&first, &book, &bypass, TUNING_THROUGHPUT, false);
    ck_assert_str_eq(first.profile.buffer.name, "high-throughput");
}

static const struct {
    enum diagnosis_cause cause;
    enum tuning_level level;
} of_causes[] = {
    {CAUSE_SLOW_COMMAND, LEVEL_CODE},    {CAUSE_PERSISTENCE, LEVEL_MANUAL},
    {CAUSE_STOPPED, LEVEL_ARCHITECTURE}, {CAUSE_GONE, LEVEL_ARCHITECTURE},
    {CAUSE_MEMORY, LEVEL_MANUAL},        {CAUSE_BIG_VALUES, LEVEL_CODE},
    {CAUSE_NETWORK, LEVEL_ARCHITECTURE}, {CAUSE_STARVED, LEVEL_MANUAL},
    {CAUSE_CLIENT, LEVEL_MANUAL},        {CAUSE_SERVER_CPU, LEVEL_ARCHITECTURE},
};

TEST(every_cause_has_a_level)
{
    /* Breaks when a cause is left to nobody, or to somebody else than the docs say; what is automatic is nobody's. */
    const struct diagnosis none = {.found = 0};
    ck_assert_uint_eq(sizeof of_causes / sizeof of_causes[0], CAUSES);
    for (size_t i = 0; i < CAUSES; i++) {
        const struct diagnosis diagnosis = diagnosis_of(of_causes[i].cause);
        ck_assert_int_eq(tuning_level_of(&diagnosis), of_causes[i].level);
    }
    ck_assert_int_eq(tuning_level_of(&none), LEVEL_MANUAL);
    ck_assert_str_eq(tuning_level_label(LEVEL_AUTOMATIC), "L1");
    ck_assert_str_eq(tuning_level_label(LEVEL_CODE), "L4");
}

LOOP_TEST(profiles_read_back, SHIPPED_COUNT - 1)
{
    /* Breaks when what was kept is another buffer once it has been written, and read. */
    const struct tuning_book book = book_with(CACHES_ANY);
    struct temp_tree tree;
    struct output out;
    struct err err = {.code = OK};
    char path[256];
    struct buffer_options written = book.shipped[_i + 1], read;
    written.async = _i % 2 > 0;
    written.flush_interval_ns += 1500 * NS_PER_US;
    written.cache_ttl_ns = written.cache_replies > 0 ? 90 * NS_PER_SECOND : 0;
    temp_tree_make(&tree);
    snprintf(path, sizeof path, "%s/kept.yaml", tree.path);
    memset(&out, 0, sizeof out);
    ck_assert_int_eq(output_create(&out, path, OUTPUT_MISSING, &err), OK);
    buffer_file_write(&out, &written);
    ck_assert_int_eq(output_commit(&out, &err), OK);
    output_discard(&out);
    ck_assert_msg(buffer_file_read(&read, path, &err) == OK, "%.200s", err.text);
    ck_assert(buffer_file_same(&written, &read));
    temp_tree_remove(&tree);
}

TEST_SUITE(tuning)
