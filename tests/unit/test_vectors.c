/* Vectors that nobody keeps: a worker that sends another vector than the orchestrator looks for, copies that are not where
 * they should be, names that lead to another vector, requests with a length that is not theirs. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/rng.h"
#include "common/vectors.h"
#include "tests/support/check/suite.h"
#include "worker/generate/generator.h"
#include "worker/generate/live.h"

#define DIMENSIONS 37u
#define PREFIX "vst:run:"

static struct err err;

static struct vector_space *space_of(uint64_t seed, uint32_t dimensions, enum vector_copies copies)
{
    struct vector_space *space;
    err = (struct err){.code = OK};
    ck_assert_msg(vector_space_create(&space, seed, dimensions, copies, &err) == OK, "%s",
                  err.text);
    return space;
}

static double distance(const struct vector_space *space, uint64_t a, uint32_t level_a, uint64_t b,
                       uint32_t level_b)
{
    const uint32_t dimensions = vector_dimensions(space);
    float *kept = calloc(dimensions, sizeof *kept);
    ck_assert_ptr_nonnull(kept);
    memcpy(kept, vector_at(space, a, level_a), dimensions * sizeof *kept);
    const float *other = vector_at(space, b, level_b);
    double sum = 0;
    for (uint32_t i = 0; i < dimensions; i++)
        sum += pow((double)kept[i] - (double)other[i], 2);
    free(kept);
    return sqrt(sum);
}

TEST(a_vector_is_a_function_of_seed_and_number)
{
    /* Otherwise exact neighbours are looked for among other vectors than were sent. */
    struct vector_space *one = space_of(7, DIMENSIONS, VECTOR_MIRRORED),
                        *same = space_of(7, DIMENSIONS, VECTOR_MOVED),
                        *other = space_of(8, DIMENSIONS, VECTOR_MIRRORED);
    for (uint64_t number = 0; number < 100; number++) {
        (void)vector_at(same, number * 31, 1); /* whatever was asked for before */
        const float *vector = vector_at(one, number, 0);
        ck_assert_mem_eq(vector, vector_at(same, number, 0), DIMENSIONS * sizeof(float));
        ck_assert_mem_ne(vector, vector_at(other, number, 0), DIMENSIONS * sizeof(float));
        ck_assert(distance(one, number, 0, number + 1, 0) > 0.1);
        ck_assert(distance(one, number, 0, VECTOR_QUERY + number, 0) > 0.1);
    }
    vector_space_destroy(one);
    vector_space_destroy(same);
    vector_space_destroy(other);
}

TEST(copies_are_as_far_from_each_other_as_originals)
{
    /* Otherwise the neighbours of a copy are not the copies of the neighbours, and recall of an expansion means nothing. */
    struct vector_space *mirrored = space_of(3, 64, VECTOR_MIRRORED),
                        *moved = space_of(3, 64, VECTOR_MOVED);
    for (uint32_t level = 1; level <= VECTOR_LEVELS_MAX; level++)
        for (uint64_t number = 0; number < 20; number++) {
            const uint64_t query = VECTOR_QUERY + number;
            const double original = distance(mirrored, number, 0, query, 0);
            ck_assert_double_eq_tol(distance(mirrored, number, level, query, level), original,
                                    1e-5 * original);
            ck_assert_double_eq_tol(distance(moved, number, level, query, level), original,
                                    1e-3 * original);
            ck_assert(distance(mirrored, number, level, number, 0) > 0.1);
            /* nearer to every vector of its own level than to any of another one */
            for (uint64_t k = 0; k < 20; k++)
                ck_assert(distance(moved, k, level, query, level) <
                          distance(moved, k, level - 1, query, level));
        }
    vector_space_destroy(mirrored);
    vector_space_destroy(moved);
}

TEST(what_cannot_be_a_space_is_refused)
{
    /* Otherwise a server refuses every single vector, or the memory of a worker is not enough. */
    struct vector_space *space;
    static const uint32_t wrong[] = {0, 1, VECTOR_DIMENSIONS_MOST + 1};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        err = (struct err){.code = OK};
        ck_assert_int_eq(vector_space_create(&space, 1, wrong[i], VECTOR_MOVED, &err), E_USAGE);
        ck_assert_ptr_nonnull(strstr(err.text, "dimensions"));
    }
}

TEST(names_lead_back_to_their_vectors)
{
    /* Otherwise what a server has found is taken for another vector, or rubbish for one. */
    static const char *const wrong[] = {"",
                                        "00000000001",
                                        "0000000000x2",
                                        "expand_0_000000000001",
                                        "expand_9_000000000001",
                                        "expanded1_00000000001",
                                        "0000000000012"};
    char name[VECTOR_NAME_BYTES];
    uint64_t number;
    uint32_t level;
    for (uint32_t of = 0; of <= VECTOR_LEVELS_MAX; of++) {
        const size_t bytes = vector_name_write(name, 12345678901ull + of, of);
        ck_assert_uint_eq(bytes, vector_name_bytes(of));
        ck_assert(vector_name_read(&number, &level, name, bytes));
        ck_assert(number == 12345678901ull + of && level == of);
    }
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        ck_assert_msg(!vector_name_read(&number, &level, wrong[i], strlen(wrong[i])), "%s",
                      wrong[i]);
}

TEST(keys_are_vectors_by_stretches)
{
    /* Otherwise a copy is one of another vector, and a delete of an expansion takes originals. */
    struct vector_keys keys = {.count = 0};
    uint32_t level;
    uint64_t key;
    ck_assert(vector_of_key(&keys, 41, &level) == 41 && level == 0);
    ck_assert(vector_keys_add(&keys, 0, 0) && vector_keys_add(&keys, 50, 0));
    ck_assert(vector_keys_add(&keys, 100, 1) && vector_keys_add(&keys, 200, 2) &&
              vector_keys_add(&keys, 300, 0));
    ck_assert_uint_eq(keys.count, 4);
    ck_assert(vector_of_key(&keys, 99, &level) == 99 && level == 0);
    ck_assert(vector_of_key(&keys, 107, &level) == 7 && level == 1);
    ck_assert(vector_of_key(&keys, 299, &level) == 99 && level == 2);
    ck_assert(vector_of_key(&keys, 301, &level) == 301 && level == 0);
    ck_assert(vector_key_of(&keys, 7, 2, &key) && key == 207);
    ck_assert(vector_key_of(&keys, 99, 0, &key) && key == 99);
    ck_assert(vector_key_of(&keys, 301, 0, &key) && key == 301);
    ck_assert(!vector_key_of(&keys, 150, 0, &key) && !vector_key_of(&keys, 100, 1, &key) &&
              !vector_key_of(&keys, 7, 3, &key));
    ck_assert(vector_keys_add(&keys, 300, 3)); /* in place of one that has no key */
    ck_assert(keys.count == 4 && vector_of_key(&keys, 301, &level) == 1 && level == 3);
    for (uint32_t i = 4; i < VECTOR_STRETCHES_MAX; i++)
        ck_assert(vector_keys_add(&keys, 1000 + i, 1 + i % 2));
    ck_assert(!vector_keys_add(&keys, 9000, 5));
}

/* ---- requests ---- */

static struct live_vectors vectors;
static struct vector_keys keys;
static struct live_plan plan;
static struct live *live;
static struct spec spec;

static void put_words(enum live_vector_request request, const char *const *words)
{
    struct live_words *out = &vectors.words[request];
    for (out->count = 0; words[out->count] != NULL; out->count++)
        snprintf(out->text[out->count], LIVE_WORD_BYTES, "%s", words[out->count]);
}

static void begin(enum live_action action)
{
    static const char *const add[] = {"VADD", "vst:run:v", "FP32", "{vector}", "{element}", NULL},
                             *const again[] = {"SADD", "tag:{tag}", "{key}",   ";", "ZADD",
                                               "num",  "{number}",  "<{key}>", NULL},
                             *const query[] = {"Q", "*=>[KNN 10 @v $q]", "{vector}", NULL},
                             *const deletes[] = {"UNLINK", "{key}", NULL};
    spec = (struct spec){.load.seed = 5};
    err = (struct err){.code = OK};
    plan = (struct live_plan){.prefix = PREFIX, .vectors = &vectors, .class_count = 1};
    ck_assert_int_eq(live_map_create(&plan.map, 4000, &err), OK);
    for (uint64_t key = 0; key < 40; key++)
        live_map_set(plan.map, key);
    plan.picked_count =
        live_map_pick(plan.map, &(struct live_pick){.order = LIVE_PICK_OLDEST, .fraction = 1});
    plan.first_new = 40;
    plan.new_limit = 60;
    keys = (struct vector_keys){.count = 0};
    ck_assert(vector_keys_add(&keys, 0, 0) && vector_keys_add(&keys, 20, 1));
    vectors = (struct live_vectors){
        .space = space_of(9, DIMENSIONS, VECTOR_MIRRORED), .keys = &keys, .query_levels = 2};
    put_words(LIVE_VECTOR_ADD, add);
    put_words(LIVE_VECTOR_AGAIN, again);
    put_words(LIVE_VECTOR_QUERY, query);
    put_words(LIVE_VECTOR_DELETE, deletes);
    snprintf(plan.classes[0].name, sizeof plan.classes[0].name, "one");
    plan.classes[0].action = action;
    plan.classes[0].type = LIVE_VECTOR;
    plan.classes[0].weight = 1;
}

static void end(void)
{
    live_destroy(live);
    live = NULL;
    live_map_destroy(plan.map);
    vector_space_destroy((struct vector_space *)(uintptr_t)vectors.space);
}

static char request_text[4096];
static struct live_request request;

/* Rendered whole, and again byte by byte; returns its length. */
static size_t render(uint64_t ticket)
{
    const struct mix_turn turn = mix_order_turn(&live->order, ticket);
    request = live_draw(live, &turn, ticket);
    const size_t bytes = live_request_bytes(live, &request);
    ck_assert_uint_le(bytes, live->most_bytes);
    ck_assert_uint_lt(bytes, sizeof request_text);
    live_request_write(request_text, 0, bytes, live, &request);
    for (size_t i = 0; i < bytes; i++) {
        char byte;
        live_request_write(&byte, i, 1, live, &request);
        ck_assert_msg(byte == request_text[i], "byte %zu alone is another one", i);
    }
    return bytes;
}

TEST(a_worker_sends_the_vector_that_the_orchestrator_knows)
{
    /* Otherwise recall is measured against vectors that the server never saw. */
    static const char head[] = "*5\r\n$4\r\nVADD\r\n$9\r\nvst:run:v\r\n$4\r\nFP32\r\n$148\r\n",
                      tail[] = "\r\n$21\r\nexpand_1_000000000022\r\n";
    begin(LIVE_INSERT);
    ck_assert_msg(live_create(&live, &plan, &spec, &err) == OK, "%s", err.text);
    struct vector_space *own = space_of(9, DIMENSIONS, VECTOR_MIRRORED);
    const size_t bytes = render(2);
    ck_assert_uint_eq(bytes, sizeof head - 1 + 148 + sizeof tail - 1);
    ck_assert_mem_eq(request_text, head, sizeof head - 1);
    ck_assert_mem_eq(request_text + sizeof head - 1, vector_at(own, 22, 1), 148);
    ck_assert_mem_eq(request_text + sizeof head - 1 + 148, tail, sizeof tail - 1);
    ck_assert(request.effect == LIVE_COMES && request.key == 42);
    vector_space_destroy(own);
    end();
}

TEST(several_commands_of_a_request)
{
    /* Otherwise lengths are wrong where a name is part of a word, or replies are taken for those of the next request. */
    static const char wanted[] =
        "*3\r\n$4\r\nSADD\r\n$6\r\ntag:03\r\n$20\r\nvst:run:000000000003\r\n"
        "*4\r\n$4\r\nZADD\r\n$3\r\nnum\r\n$12\r\n000000000003\r\n$22\r\n"
        "<vst:run:000000000003>\r\n";
    begin(LIVE_INDEX);
    ck_assert_msg(live_create(&live, &plan, &spec, &err) == OK, "%s", err.text);
    ck_assert_uint_eq(live_class_replies(live, 0), 2);
    ck_assert_uint_eq(render(3), sizeof wanted - 1);
    ck_assert_mem_eq(request_text, wanted, sizeof wanted - 1);
    ck_assert_int_eq(request.effect, LIVE_NOTHING);
    ck_assert(render(25) > sizeof wanted - 1); /* a copy, whose name is longer */
    ck_assert(render(40) <= sizeof wanted - 1 || request.key < 40); /* used up: one of them again */
    end();
}

TEST(used_up_keys_are_deletes_of_nothing)
{
    /* Otherwise a load goes on beyond its end, or takes a vector away that is live. */
    begin(LIVE_INSERT);
    ck_assert_msg(live_create(&live, &plan, &spec, &err) == OK, "%s", err.text);
    (void)render(20);
    ck_assert_ptr_nonnull(strstr(request_text, "UNLINK"));
    ck_assert(request.effect == LIVE_NOTHING && !live_map_has(plan.map, request.key));
    end();
    begin(LIVE_DELETE);
    ck_assert_msg(live_create(&live, &plan, &spec, &err) == OK, "%s", err.text);
    (void)render(7);
    ck_assert_ptr_nonnull(strstr(request_text, "vst:run:000000000007"));
    ck_assert(request.effect == LIVE_GOES && request.key == 7);
    end();
}

TEST(queries_are_of_all_levels)
{
    /* Otherwise copies are never asked for, and their part of an index is not measured. */
    unsigned of_level[2] = {0, 0};
    begin(LIVE_READ);
    ck_assert_msg(live_create(&live, &plan, &spec, &err) == OK, "%s", err.text);
    ck_assert(live_reads_only(live));
    for (uint64_t ticket = 0; ticket < 400; ticket++) {
        (void)render(ticket);
        ck_assert_uint_lt(request.key, 2 * LIVE_VECTOR_QUERIES);
        of_level[request.key / LIVE_VECTOR_QUERIES]++;
    }
    ck_assert(of_level[0] > 120 && of_level[1] > 120);
    ck_assert_ptr_nonnull(strstr(request_text, "$17\r\n*=>[KNN 10 @v $q]\r\n$148\r\n"));
    end();
}

TEST(what_vectors_cannot_do_is_refused)
{
    /* Otherwise a worker reads beyond its tables, or sends a request that nobody has given. */
    static const enum live_action wrong[] = {LIVE_EXPIRE, LIVE_OVERWRITE, LIVE_UPDATE};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        begin(wrong[i]);
        plan.classes[0].least_ttl_s = plan.classes[0].most_ttl_s = wrong[i] == LIVE_EXPIRE;
        ck_assert_int_eq(live_create(&live, &plan, &spec, &err), E_USAGE);
        end();
    }
    begin(LIVE_INSERT);
    plan.vectors = NULL;
    ck_assert_int_eq(live_create(&live, &plan, &spec, &err), E_USAGE);
    end();
    begin(LIVE_INSERT);
    spec.endpoint.cluster = true;
    ck_assert_int_eq(live_create(&live, &plan, &spec, &err), E_USAGE);
    end();
    begin(LIVE_INSERT);
    vectors.words[LIVE_VECTOR_ADD].count = 0;
    ck_assert_int_eq(live_create(&live, &plan, &spec, &err), E_USAGE);
    end();
}

TEST_SUITE(vectors)
