/* What servers do with vectors, and exact neighbours: a command that a server refuses, a driver that is taken for another,
 * neighbours that are none. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "orchestrator/vector/exact.h"
#include "tests/support/check/fake_server.h"
#include "tests/support/check/suite.h"

#define PREFIX "vst:run:"

static struct err err;
static const struct vector_index usual = {
    .dimensions = 3, .m = 16, .ef_construction = 200, .ef_runtime = 50};

static const struct vector_driver *driver_named(const char *name)
{
    for (size_t i = 0; vector_driver_at(i) != NULL; i++)
        if (strcmp(vector_driver_at(i)->name, name) == 0)
            return vector_driver_at(i);
    ck_abort_msg("there is no driver %s", name);
}

static const char *joined(const struct live_words *words)
{
    static char text[2000];
    size_t used = 0;
    text[0] = '\0';
    for (uint32_t i = 0; i < words->count; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%s", i > 0 ? "|" : "",
                                 words->text[i]);
    return text;
}

TEST(requests_of_each_driver)
{
    /* Otherwise a server refuses what is sent, or builds another index than was asked for. */
    static const struct {
        const char *driver;
        enum vector_algorithm algorithm;
        const char *words[LIVE_VECTOR_REQUESTS];
    } cases[] = {
        {"search",
         VECTOR_HNSW,
         {"HSET|{key}|v|{vector}|tag|{tag}|num|{number}|text|document {number}", "EXISTS|{key}",
          "FT.SEARCH|vst:run:idx|*=>[KNN 7 @v $q EF_RUNTIME 90]|PARAMS|2|q|{vector}|NOCONTENT|"
          "LIMIT|0|7|DIALECT|2",
          "UNLINK|{key}"}},
        {"search",
         VECTOR_FLAT,
         {"HSET|{key}|v|{vector}|tag|{tag}|num|{number}|text|document {number}", "EXISTS|{key}",
          "FT.SEARCH|vst:run:idx|*=>[KNN 7 @v $q]|PARAMS|2|q|{vector}|NOCONTENT|LIMIT|0|7|"
          "DIALECT|2",
          "UNLINK|{key}"}},
        {"vector-set",
         VECTOR_HNSW,
         {"VADD|vst:run:idx|FP32|{vector}|{element}|NOQUANT|EF|200|M|16",
          "VADD|vst:run:idx|FP32|{vector}|{element}|NOQUANT|EF|200|M|16",
          "VSIM|vst:run:idx|FP32|{vector}|COUNT|7|EF|90", "VREM|vst:run:idx|{element}"}},
        {"emulated",
         VECTOR_HNSW,
         {"HSET|{key}|v|{vector}|tag|{tag}|num|{number}|text|document "
          "{number}|;|SADD|vst:run:idx:tag:{tag}|{key}|;|ZADD|vst:run:idx:num|{number}|{key}",
          "SADD|vst:run:idx:tag:{tag}|{key}|;|ZADD|vst:run:idx:num|{number}|{key}",
          "SRANDMEMBER|vst:run:idx:tag:{tag}|7|;|ZRANGE|vst:run:idx:num|{number}|+inf|BYSCORE|"
          "LIMIT|0|7",
          "UNLINK|{key}|;|SREM|vst:run:idx:tag:{tag}|{key}|;|ZREM|vst:run:idx:num|{key}"}},
    };
    static struct live_words words[LIVE_VECTOR_REQUESTS];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct vector_index index = usual;
        index.algorithm = cases[i].algorithm;
        vector_driver_words(words, driver_named(cases[i].driver), PREFIX, &index,
                            &(struct vector_query){.k = 7, .ef = 90});
        for (uint32_t k = 0; k < LIVE_VECTOR_REQUESTS; k++)
            ck_assert_str_eq(joined(&words[k]), cases[i].words[k]);
    }
    vector_driver_words(words, driver_named("vector-set"), PREFIX, &usual, NULL);
    ck_assert_str_eq(joined(&words[LIVE_VECTOR_QUERY]),
                     "VSIM|vst:run:idx|FP32|{vector}|COUNT|10|EF|50");
}

TEST(what_a_driver_cannot_do)
{
    /* Otherwise distances are measured in a metric that the server does not have, and recall is near 0. */
    struct vector_index index = usual;
    for (index.metric = 0; index.metric < VECTOR_METRICS; index.metric++)
        for (index.algorithm = 0; index.algorithm < VECTOR_ALGORITHMS; index.algorithm++) {
            const bool usual_one = index.metric == VECTOR_COSINE && index.algorithm == VECTOR_HNSW;
            err = (struct err){.code = OK};
            ck_assert_int_eq(vector_driver_check(driver_named("search"), &index, &err), OK);
            ck_assert_int_eq(vector_driver_check(driver_named("emulated"), &index, &err), OK);
            ck_assert_int_eq(vector_driver_check(driver_named("vector-set"), &index, &err),
                             usual_one ? OK : E_USAGE);
            if (!usual_one)
                ck_assert_ptr_nonnull(strstr(err.text, "vector-set"));
        }
    ck_assert_str_eq(vector_metric_word(VECTOR_L2), "l2");
    ck_assert_str_eq(vector_algorithm_word(VECTOR_FLAT), "flat");
    ck_assert_ptr_null(vector_metric_word(VECTOR_METRICS));
}

/* ---- a server ---- */

static struct fake_server server;
static struct control *control;
static struct endpoint endpoint;

static void meet(const struct fake_rule *rules, size_t count)
{
    struct target_address target;
    fake_server_start(&server, &(struct fake_script){.rules = rules, .rule_count = count});
    endpoint = (struct endpoint){.host = "127.0.0.1",
                                 .port = server.port,
                                 .connection_timeout_ns = 2000000000ull,
                                 .request_timeout_ns = 2000000000ull};
    err = (struct err){.code = OK};
    ck_assert_msg(control_connect(&control, &target, &endpoint, NULL, &err) == OK, "%s", err.text);
}

static void part(void)
{
    control_close(control);
    fake_server_stop(&server);
    fake_server_free(&server);
}

#define REPLY(command_, bytes_)                                                                    \
    {                                                                                              \
        .command = (command_), .action = FAKE_REPLY, .bytes = (bytes_)                             \
    }
#define MEET(...)                                                                                  \
    do {                                                                                           \
        const struct fake_rule rules_[] = {__VA_ARGS__};                                           \
        meet(rules_, sizeof rules_ / sizeof rules_[0]);                                            \
    } while (0)

TEST(which_driver_a_server_is_of)
{
    /* Otherwise a server without vectors gets VADD, or one with a search module is measured as an emulation. */
    static const char unknown[] = "*1\r\n*-1\r\n", empty[] = "*1\r\n*0\r\n",
                      known[] = "*1\r\n*2\r\n$4\r\nvsim\r\n:-1\r\n", error[] = "-ERR no\r\n",
                      modules[] = "*2\r\n*4\r\n+name\r\n+bf\r\n+ver\r\n:1\r\n"
                                  "*4\r\n+name\r\n+vectorset\r\n+ver\r\n:1\r\n";
    const struct {
        const char *first, *then, *modules, *driver;
    } cases[] = {
        {known, unknown, error, "search"},       {unknown, known, error, "vector-set"},
        {empty, empty, error, "emulated"},       {error, error, modules, "vector-set"},
        {error, error, error, "emulated"},       {error, error, ":5\r\n", "emulated"},
        {":1\r\n", ":1\r\n", error, "emulated"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct vector_driver *driver;
        MEET({.command = "COMMAND", .action = FAKE_REPLY, .bytes = cases[i].first, .times = 1},
             REPLY("COMMAND", cases[i].then), REPLY("MODULE", cases[i].modules));
        ck_assert_msg(vector_driver_find(&driver, control, &err) == OK, "%s", err.text);
        ck_assert_str_eq(driver->name, cases[i].driver);
        part();
    }
}

TEST(what_an_index_says_of_itself)
{
    /* Otherwise a wait ends while the server still adds documents, or never, or memory is that of something else. */
    static const char under_way[] =
        "*10\r\n+index_name\r\n+x\r\n+num_docs\r\n$2\r\n40\r\n+percent_indexed\r\n$4\r\n0.40\r\n"
        "+indexing\r\n:1\r\n+total_index_memory_sz_mb\r\n$3\r\n1.5\r\n",
                      done[] = "*6\r\n+num_docs\r\n:100\r\n+backfill_in_progress\r\n:0\r\n"
                               "+percent_indexed\r\n+1\r\n",
                      queued[] = "*4\r\n+num_docs\r\n:7\r\n+mutation_queue_size\r\n$1\r\n2\r\n",
                      backfill[] = "*4\r\n+num_docs\r\n:7\r\n+backfill_in_progress\r\n$1\r\n1\r\n",
                      rubbish[] = "*3\r\n+num_docs\r\n$1\r\nx\r\n+odd\r\n";
    const struct vector_driver *search = driver_named("search");
    struct vector_state state;
    MEET({.command = "FT.INFO", .action = FAKE_REPLY, .bytes = under_way, .times = 1},
         {.command = "FT.INFO", .action = FAKE_REPLY, .bytes = done, .times = 1},
         {.command = "FT.INFO", .action = FAKE_REPLY, .bytes = backfill, .times = 1},
         {.command = "FT.INFO", .action = FAKE_REPLY, .bytes = queued, .times = 1},
         {.command = "FT.INFO", .action = FAKE_REPLY, .bytes = rubbish, .times = 1},
         REPLY("FT.INFO", "-ERR no such index\r\n"));
    ck_assert_int_eq(vector_index_look(&state, control, search, PREFIX, &err), OK);
    ck_assert(!state.built && state.documents == 40 && state.index_bytes == 1.5 * 1048576);
    ck_assert_int_eq(vector_index_look(&state, control, search, PREFIX, &err), OK);
    ck_assert(state.built && state.documents == 100 && isnan(state.index_bytes));
    ck_assert_int_eq(vector_index_look(&state, control, search, PREFIX, &err), OK);
    ck_assert(!state.built && state.documents == 7);
    ck_assert_int_eq(vector_index_look(&state, control, search, PREFIX, &err), OK);
    ck_assert(!state.built);
    ck_assert_int_eq(vector_index_look(&state, control, search, PREFIX, &err), OK);
    ck_assert(state.built && isnan(state.documents));
    ck_assert_int_eq(vector_index_look(&state, control, search, PREFIX, &err), E_CONNECT);
    ck_assert_ptr_nonnull(strstr(err.text, "no such index"));
    part();
    MEET(REPLY("ZCARD", ":12\r\n"), REPLY("MEMORY", ":3\r\n"));
    ck_assert_int_eq(vector_index_look(&state, control, driver_named("emulated"), PREFIX, &err),
                     OK);
    ck_assert(state.built && state.documents == 12 && state.index_bytes == 3.0 * 101);
    part();
}

TEST(commands_that_a_server_refuses)
{
    /* Otherwise phases go on with an index that is not there. */
    const struct vector_driver *search = driver_named("search");
    MEET(REPLY("FT.CREATE", "-ERR bad schema\r\n"), REPLY("FT.DROPINDEX", "+OK\r\n"));
    ck_assert_int_eq(vector_index_create(control, search, PREFIX, &usual, &err), E_CONNECT);
    ck_assert_ptr_nonnull(strstr(err.text, "bad schema"));
    err = (struct err){.code = OK};
    ck_assert_int_eq(vector_index_drop(control, search, PREFIX, &err), OK);
    ck_assert_int_eq(vector_index_create(control, driver_named("emulated"), PREFIX, &usual, &err),
                     OK);
    part();
}

TEST(what_a_query_has_found)
{
    /* Otherwise counts, scores or keys of others are taken for vectors, and recall is wrong. */
    static const char hashes[] = "*5\r\n:3\r\n$20\r\nvst:run:000000000012\r\n$5\r\nother\r\n"
                                 "*0\r\n$29\r\nvst:run:expand_2_000000000007\r\n",
                      elements[] = "*2\r\n$12\r\n000000000003\r\n$21\r\nexpand_1_000000000004\r\n";
    static struct live_words words[LIVE_VECTOR_REQUESTS];
    static struct vector_found found[VECTOR_K_MAX];
    struct vector_space *space;
    uint32_t count;
    vector_driver_words(words, driver_named("search"), PREFIX, &usual, NULL);
    MEET(REPLY("FT.SEARCH", hashes), REPLY("VSIM", elements));
    ck_assert_int_eq(vector_space_create(&space, 1, 3, VECTOR_MIRRORED, &err), OK);
    ck_assert_int_eq(
        vector_ask(found, &count, control, &words[LIVE_VECTOR_QUERY], PREFIX, space, 0, 0, &err),
        OK);
    ck_assert_uint_eq(count, 2);
    ck_assert(found[0].number == 12 && found[0].level == 0 && found[1].number == 7 &&
              found[1].level == 2);
    vector_driver_words(words, driver_named("vector-set"), PREFIX, &usual, NULL);
    ck_assert_int_eq(
        vector_ask(found, &count, control, &words[LIVE_VECTOR_QUERY], PREFIX, space, 0, 1, &err),
        OK);
    ck_assert(count == 2 && found[1].number == 4 && found[1].level == 1);
    vector_space_destroy(space);
    part();
}

/* ---- exact neighbours ---- */

#define SET 400u
#define DIMENSIONS 21u
#define NEAREST 10u
#define QUERIES 6u

/* Slowly, and another way: of normalised vectors, in long double, by sorting all. */
static long double slow_distance(const struct vector_space *space, enum vector_metric metric,
                                 uint64_t query, uint32_t query_level, uint64_t number,
                                 uint32_t level)
{
    float a[DIMENSIONS], b[DIMENSIONS];
    long double sum = 0, of_a = 0, of_b = 0;
    memcpy(a, vector_at(space, VECTOR_QUERY + query, query_level), sizeof a);
    memcpy(b, vector_at(space, number, level), sizeof b);
    for (unsigned i = 0; i < DIMENSIONS; i++) {
        of_a += (long double)a[i] * (long double)a[i];
        of_b += (long double)b[i] * (long double)b[i];
    }
    for (unsigned i = 0; i < DIMENSIONS; i++) {
        const long double x = (long double)a[i], y = (long double)b[i];
        sum += metric == VECTOR_L2   ? (x - y) * (x - y)
               : metric == VECTOR_IP ? -x * y
                                     : -x / sqrtl(of_a) * y / sqrtl(of_b);
    }
    return sum;
}

struct slow {
    long double distance;
    uint64_t number;
    uint32_t level;
};

static int nearer(const void *a, const void *b)
{
    const long double x = ((const struct slow *)a)->distance,
                      y = ((const struct slow *)b)->distance;
    return x < y ? -1 : x > y;
}

/* Offers originals and copies, and compares all queries with what sorting says. */
static void compare(const struct vector_space *space, enum vector_metric metric, uint32_t levels)
{
    struct exact *exact;
    static struct slow all[3 * SET];
    err = (struct err){.code = OK};
    ck_assert_int_eq(exact_create(&exact, space, metric, NEAREST, QUERIES, levels, &err), OK);
    for (uint64_t number = 0; number < SET; number++)
        for (uint32_t level = 0; level < levels; level++)
            exact_offer(exact, number, level);
    for (uint32_t i = 0; i < QUERIES; i++) {
        struct vector_found found[NEAREST];
        uint32_t query_level, count, n = 0;
        const uint64_t query = exact_query(exact, i, &query_level);
        for (uint64_t number = 0; number < SET; number++)
            for (uint32_t level = 0; level < levels; level++)
                all[n++] = (struct slow){
                    slow_distance(space, metric, query, query_level, number, level), number, level};
        qsort(all, n, sizeof all[0], nearer);
        const struct exact_neighbour *nearest = exact_neighbours(exact, i, &count);
        ck_assert_uint_eq(count, NEAREST);
        for (uint32_t k = 0; k < NEAREST; k++) {
            ck_assert_msg(nearest[k].number == all[k].number && nearest[k].level == all[k].level,
                          "neighbour %u of query %u is another one", k, i);
            found[k] = (struct vector_found){all[k].number, all[k].level};
        }
        ck_assert_double_eq(exact_recall(exact, i, found, NEAREST), 1);
        ck_assert_double_eq(exact_recall(exact, i, found, 4), 0.4);
        found[0] = found[1]; /* the same one twice, and one that is far away */
        found[2] = (struct vector_found){all[n - 1].number, all[n - 1].level};
        ck_assert_double_eq(exact_recall(exact, i, found, NEAREST), 0.8);
        ck_assert_double_eq(exact_recall(exact, i, found, 0), 0);
    }
    exact_destroy(exact);
}

TEST(exact_neighbours_are_those_of_a_slow_computation)
{
    /* Otherwise recall says how good volley's arithmetic is, and not the server's index. */
    struct vector_space *space;
    for (enum vector_metric metric = 0; metric < VECTOR_METRICS; metric++) {
        ck_assert_int_eq(
            vector_space_create(&space, 11, DIMENSIONS, vector_metric_copies(metric), &err), OK);
        compare(space, metric, 1);
        compare(space, metric, 3);
        vector_space_destroy(space);
    }
}

TEST(an_expansion_keeps_exact_neighbours)
{
    /* Otherwise what an expansion does to recall is not the index's doing. */
    for (enum vector_metric metric = 0; metric < VECTOR_METRICS; metric++) {
        struct vector_space *space;
        struct exact *originals, *copies;
        ck_assert_int_eq(
            vector_space_create(&space, 13, DIMENSIONS, vector_metric_copies(metric), &err), OK);
        ck_assert_int_eq(exact_create(&originals, space, metric, NEAREST, 2 * QUERIES, 2, &err),
                         OK);
        ck_assert_int_eq(exact_create(&copies, space, metric, NEAREST, 2 * QUERIES, 2, &err), OK);
        for (uint64_t number = 0; number < SET; number++) {
            exact_offer(originals, number, 0);
            exact_offer(copies, number, 1);
        }
        for (uint32_t i = 0; i < QUERIES; i++) {
            uint32_t count;
            const struct exact_neighbour *a = exact_neighbours(originals, 2 * i, &count),
                                         *b = exact_neighbours(copies, 2 * i + 1, &count);
            for (uint32_t k = 0; k < NEAREST; k++)
                ck_assert(a[k].number == b[k].number && a[k].level == 0 && b[k].level == 1);
        }
        exact_destroy(originals);
        exact_destroy(copies);
        vector_space_destroy(space);
    }
}

TEST(a_set_that_is_smaller_than_k)
{
    /* Otherwise a server that finds all there is has a recall of less than 1. */
    struct vector_space *space;
    struct exact *exact;
    uint32_t count;
    const struct vector_found found[] = {{1, 0}, {0, 0}};
    ck_assert_int_eq(vector_space_create(&space, 1, 4, VECTOR_MIRRORED, &err), OK);
    ck_assert_int_eq(exact_create(&exact, space, VECTOR_COSINE, 10, 1, 1, &err), OK);
    ck_assert(isnan(exact_recall(exact, 0, found, 2)));
    exact_offer(exact, 0, 0);
    exact_offer(exact, 1, 0);
    (void)exact_neighbours(exact, 0, &count);
    ck_assert_uint_eq(count, 2);
    ck_assert_double_eq(exact_recall(exact, 0, found, 2), 1);
    exact_destroy(exact);
    vector_space_destroy(space);
}

TEST_SUITE(vector_driver)
