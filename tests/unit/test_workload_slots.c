#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/rng.h"
#include "common/slots.h"
#include "tests/support/check/suite.h"
#include "worker/generate/workload.h"

static struct spec spec;

static void cluster_spec(enum key_order key_order, uint64_t keyspace)
{
    spec = (struct spec){.endpoint.cluster = true,
                         .load.key_order = key_order,
                         .load.keyspace = keyspace,
                         .load.function_keys = 2,
                         .load.data_bytes = 5,
                         .load.seed = 3};
}

/* A command of words separated by single spaces; keys are told as "command:argument" indices. */
static enum err_code compile(struct workload **workload, const char *text, struct err *err)
{
    char copy[1024], *rest = copy;
    const char *argv[64];
    size_t argc = 0;
    snprintf(copy, sizeof copy, "%s", text);
    for (char *word; (word = strsep(&rest, " ")) != NULL;)
        argv[argc++] = word;
    struct workload_source source = {.argv = argv, .argc = argc};
    *err = (struct err){.code = OK};
    return workload_create(workload, &source, &spec, err);
}

static struct workload *of_command(const char *text)
{
    struct workload *workload;
    struct err err;
    ck_assert_msg(compile(&workload, text, &err) == OK, "%s: %s", text, err.text);
    return workload;
}

static struct workload *of_test(const struct workload_test *test, bool tagged)
{
    struct workload *workload;
    struct err err = {.code = OK};
    struct workload_source source = {.test = test, .tagged = tagged};
    ck_assert_msg(workload_create(&workload, &source, &spec, &err) == OK, "%s", err.text);
    return workload;
}

/* The same arguments are keys in every command of the sequence; 0 behind the last one. */
static enum err_code set_keys(struct workload *workload, const size_t *arguments, struct err *err)
{
    struct workload_command_keys keys[8];
    size_t copy[16], count = 0;
    for (; arguments[count] != 0; count++)
        copy[count] = arguments[count];
    for (uint32_t i = 0; i < workload_command_count(workload); i++)
        keys[i] = (struct workload_command_keys){.arguments = copy, .count = count};
    *err = (struct err){.code = OK};
    return workload_set_keys(workload, keys, err);
}

/* Parses a whole request as a server would, and returns the slot of argument `at` of its first command. */
static uint16_t slot_as_read(const struct workload *workload, uint64_t ticket, size_t at)
{
    static char request[1 << 20];
    void *command = NULL;
    size_t bytes = workload_request_bytes(workload);
    ck_assert_uint_le(bytes, sizeof request);
    workload_render(workload, ticket, request);
    redisReader *reader = redisReaderCreate();
    ck_assert_int_eq(redisReaderFeed(reader, request, bytes), REDIS_OK);
    ck_assert_int_eq(redisReaderGetReply(reader, &command), REDIS_OK);
    ck_assert_ptr_nonnull(command);
    const redisReply *key = ((redisReply *)command)->element[at];
    uint16_t slot = slots_of_key(key->str, key->len);
    freeReplyObject(command);
    redisReaderFree(reader);
    return slot;
}

static uint64_t any_ticket(unsigned number)
{
    uint64_t ticket = rng_at(99, number) >> (number % 60);
    return number % 7 == 0 ? WORKLOAD_WARMUP_TICKET + ticket % 1000000 : ticket % (1ull << 40);
}

static void assert_slots(const struct workload *workload, size_t key, unsigned tickets,
                         const char *what)
{
    for (unsigned i = 0; i < tickets; i++) {
        uint64_t ticket = any_ticket(i);
        uint16_t slot = workload_slot(workload, ticket), read = slot_as_read(workload, ticket, key);
        ck_assert_msg(slot == read, "%s: ticket %llu goes to slot %u, its key is in slot %u", what,
                      (unsigned long long)ticket, slot, read);
    }
}

TEST(test_slots_of_all_tests)
{
    /* Breaks when a request of a built-in test goes to another slot than that of the key in it, with
     * tags or without, in any order of keys. */
    static const enum key_order orders[] = {KEYS_ONE, KEYS_RANDOM, KEYS_SEQUENTIAL};
    for (size_t order = 0; order < 3; order++) {
        cluster_spec(orders[order], order == 0 ? 1 : 123457);
        spec.load.keyspace_offset = order == 0 ? 0 : 999999999995 - spec.load.keyspace;
        for (size_t row = 0; workload_test_at(row) != NULL; row++) {
            const struct workload_test *test = workload_test_at(row);
            for (int tagged = 0; tagged < 2; tagged++) {
                struct workload *workload = of_test(test, tagged);
                ck_assert_int_eq(workload_reads_only(workload), test->reads_only);
                ck_assert(workload_keys_known(workload));
                if (test->keys.first > 0)
                    assert_slots(workload, (size_t)test->keys.first, 300, test->name);
                workload_destroy(workload);
            }
        }
    }
}

TEST(test_slots_of_distributed_keys)
{
    /* Breaks when a request whose key was drawn by a distribution goes to the slot of a uniform one. */
    static const char *const keys[] = {"k:__rand_int__", "{tag}__rand_int__", "{__rand_1st__}x"};
    static const size_t first[] = {1, 0};
    for (enum key_order_kind kind = ORDER_UNIFORM; kind <= ORDER_WALK; kind++)
        for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
            char command[128];
            struct err err;
            cluster_spec(KEYS_RANDOM, 123457);
            spec.load.clients = 7;
            spec.load.key_distribution = (struct key_order_wish){.kind = kind,
                                                                 .exponent = 0.5,
                                                                 .scattered = true,
                                                                 .deviation = 0.3,
                                                                 .scale = 0.3,
                                                                 .hot_keys = 0.1,
                                                                 .hot_draws = 0.5};
            snprintf(command, sizeof command, "SET %s __rand_int__", keys[i]);
            struct workload *workload = of_command(command);
            ck_assert_int_eq(set_keys(workload, first, &err), OK);
            assert_slots(workload, 1, 300, command);
            workload_destroy(workload);
        }
}

TEST(test_slots_of_templates)
{
    /* Breaks when the slot is computed from other bytes than those that are sent: numbers and values in
     * keys, before and behind, in hash tags of the user, in half of one, and in none. */
    static const char *const keys[] = {
        "k",
        "",
        "{}",
        "{}__rand_int__",
        "{a}__rand_int__",
        "__key__",
        "__rand_int__",
        "a__rand_int__b__rand_int__c",
        "__rand_1st____rand_2nd____rand_1st__",
        "user:{__rand_int__}:profile",
        "{user:__rand_int__}:{__rand_int__}",
        "{__rand_int__",
        "__rand_int__}{",
        "}{__rand_int__}",
        "{}{__rand_int__}",
        "{tag}",
        "{tag}__rand_int__",
        "k:{tag}:__key__:{tag}",
        "{a{tag}__rand_int__",
        "{a}{tag}__rand_int__",
        "{}{tag}__rand_int__",
        "__data__",
        "{__data__}x",
        "x{__data____rand_int__}",
        "{__rand_int__}__data__",
        "{tag",
        "tag}",
        ("__rand_int____rand_int____rand_int____rand_int____rand_int____rand_int____rand_int__"
         "__rand_int____rand_int____rand_int____rand_int____rand_int____rand_int____rand_int__"
         "__rand_int____rand_int____rand_int____rand_int__")};
    static const enum key_order orders[] = {KEYS_ONE, KEYS_RANDOM, KEYS_SEQUENTIAL};
    static const size_t first[] = {1, 0};
    for (size_t order = 0; order < 3; order++)
        for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
            char command[1024];
            struct err err;
            cluster_spec(orders[order], order == 0 ? 1 : 1000000007);
            snprintf(command, sizeof command, "SET %s __rand_int__", keys[i]);
            struct workload *workload = of_command(command);
            ck_assert(!workload_keys_known(workload) && !workload_reads_only(workload));
            ck_assert_int_eq(set_keys(workload, first, &err), OK);
            ck_assert(workload_keys_known(workload));
            assert_slots(workload, 1, 300, command);
            workload_destroy(workload);
        }
}

static void add_text(char *text, size_t text_bytes, const char *more)
{
    size_t used = strlen(text);
    ck_assert_int_lt(snprintf(text + used, text_bytes - used, "%s", more),
                     (int)(text_bytes - used));
}

TEST(test_slots_of_random_templates)
{
    /* Breaks when some mixture of text, braces and placeholders is hashed otherwise than a server does. */
    static const char *const pieces[] = {
        "{",     "}",        "a",  "__rand_int__",  "__key__",     "__data__", "__rand_1st__",
        "{tag}", "\xff\x01", "{}", "-------------", "__rand_2nd__"};
    static const size_t first[] = {1, 0};
    for (unsigned form = 0; form < 400; form++) {
        char command[512] = "GET ";
        struct err err;
        for (uint64_t piece = 0; piece < 1 + rng_at(form, 0) % 7; piece++)
            add_text(command, sizeof command, pieces[rng_at(form, 1 + piece) % 12]);
        cluster_spec(form % 2 == 0 ? KEYS_RANDOM : KEYS_SEQUENTIAL, 1 + rng_at(form, 50) % 100000);
        spec.load.data_bytes = 1 + form % 20;
        struct workload *workload = of_command(command);
        ck_assert_int_eq(set_keys(workload, first, &err), OK);
        assert_slots(workload, 1, 40, command);
        workload_destroy(workload);
    }
}

TEST(test_long_keys)
{
    /* Breaks when a key of more than a few KB is hashed in part, or beyond its room. */
    static char key[300001];
    static const size_t lengths[] = {4083, 4084, 4085, 5000, 300000};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        for (int front = 0; front < 2; front++) {
            struct err err = {.code = OK};
            static const size_t first[] = {1, 0};
            struct workload *workload;
            cluster_spec(KEYS_RANDOM, 1000000);
            memset(key, 'x', lengths[i]);
            key[lengths[i]] = '\0';
            memcpy(key + (front ? 0 : lengths[i] - 12), "__rand_int__", 12);
            const char *argv[] = {"GET", key};
            struct workload_source source = {.argv = argv, .argc = 2};
            ck_assert_int_eq(workload_create(&workload, &source, &spec, &err), OK);
            ck_assert_int_eq(set_keys(workload, first, &err), OK);
            assert_slots(workload, 1, 20, "long");
            workload_destroy(workload);
        }
    }
}

/* Requests to each of three primaries that have the slots evenly. */
static void count_thirds(const struct workload *workload, uint64_t tickets, uint64_t thirds[3])
{
    memset(thirds, 0, 3 * sizeof thirds[0]);
    for (uint64_t ticket = 0; ticket < tickets; ticket++)
        thirds[workload_slot(workload, ticket) * 3u / SLOTS_COUNT]++;
}

static void assert_even(const struct workload *workload, uint64_t tickets, double percent)
{
    uint64_t thirds[3];
    count_thirds(workload, tickets, thirds);
    for (int i = 0; i < 3; i++)
        ck_assert_msg((double)thirds[i] > (double)tickets / 3 * (1 - percent / 100) &&
                          (double)thirds[i] < (double)tickets / 3 * (1 + percent / 100),
                      "%s: %llu of %llu requests go to node %d", workload_title(workload),
                      (unsigned long long)thirds[i], (unsigned long long)tickets, i);
}

TEST(test_nodes_get_the_same)
{
    /* Breaks when uniform keys load one of three primaries by 1 % more or less than the others. */
    static const char *const tests[] = {"get", "set", "mset", "mget", "ping_mbulk"};
    for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++)
        for (int order = 0; order < 2; order++) {
            cluster_spec(order == 0 ? KEYS_RANDOM : KEYS_SEQUENTIAL, 1000000);
            struct workload *workload = of_test(workload_test_find(tests[i]), false);
            assert_even(workload, 1000000, 1.0);
            workload_destroy(workload);
        }
}

TEST(test_tags_reach_every_slot)
{
    /* Breaks when slots get no request, or some get more than others, through {tag} alone, or when the
     * tags of a range of keys leave some out. */
    static const struct {
        const char *command;
        enum key_order order;
        uint64_t tickets, least, most; /* requests of each slot */
    } cases[] = {
        {"LPUSH list:{tag} __data__", KEYS_RANDOM, 10 * SLOTS_COUNT, 10, 10},
        {"LPUSH list:{tag} __data__", KEYS_SEQUENTIAL, 10 * SLOTS_COUNT, 10, 10},
        {"GET {tag}__rand_int__", KEYS_SEQUENTIAL, 1000 * SLOTS_COUNT, 1000, 1000},
        {"GET {tag}__rand_int__", KEYS_RANDOM, 200 * SLOTS_COUNT, 120, 290},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        static uint64_t seen[SLOTS_COUNT];
        static const size_t first[] = {1, 0};
        struct err err;
        memset(seen, 0, sizeof seen);
        cluster_spec(cases[i].order, 1000 * SLOTS_COUNT);
        struct workload *workload = of_command(cases[i].command);
        ck_assert_int_eq(set_keys(workload, first, &err), OK);
        for (uint64_t ticket = 0; ticket < cases[i].tickets; ticket++)
            seen[workload_slot(workload, ticket)]++;
        for (uint32_t slot = 0; slot < SLOTS_COUNT; slot++)
            ck_assert_msg(seen[slot] >= cases[i].least && seen[slot] <= cases[i].most,
                          "%s: %llu requests for slot %u", cases[i].command,
                          (unsigned long long)seen[slot], slot);
        assert_even(workload, cases[i].tickets, 1.0);
        workload_destroy(workload);
    }
}

TEST(test_different_slots_are_refused)
{
    /* Breaks when a request that every cluster answers with CROSSSLOT is let through, or one that has all
     * of its keys in one slot is not. */
    static const struct {
        const char *command;
        size_t keys[8];
        const char *named; /* NULL: accepted */
    } cases[] = {
        {"mset a 1 b 2", {1, 3}, "MSET with keys in different slots"},
        {"MSET k:__rand_int__ v k:__rand_int__ v", {1, 3}, "put {tag} into every key"},
        {"MSET {tag}:__rand_int__ v k:__rand_int__ v", {1, 3}, "MSET with"},
        {"MSET __rand_1st__ v a:{__rand_2nd__} v", {1, 3}, "MSET with"},
        {"SET __key__ v ; GET __key__", {1}, "a sequence with keys in different slots"},
        {"2 SET __key__ v", {1}, "SET with keys"},
        {"MGET {tag}a {tag}b", {1, 2}, NULL},
        {"MGET {tag}__rand_int__ {tag}__rand_int__", {1, 2}, NULL},
        {"MGET {x}__rand_int__ {x}__rand_int__", {1, 2}, NULL},
        {"MGET a__rand_1st__ a__rand_1st__", {1, 2}, NULL},
        {"MGET a:{__rand_1st__} {__rand_1st__}:b", {1, 2}, NULL},
        {"SET {tag}a v ; 3 GET b{tag} ; DEL {tag}:__rand_int__", {1}, NULL},
        {"3 INCR __rand_1st__", {1}, NULL},
        {"MSET a 1 b 2", {0}, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        for (int cluster = 0; cluster < 2; cluster++) {
            struct err err;
            cluster_spec(KEYS_RANDOM, 1000000);
            spec.endpoint.cluster = cluster;
            struct workload *workload = of_command(cases[i].command);
            enum err_code code = set_keys(workload, cases[i].keys, &err);
            bool refused = cases[i].named != NULL && cluster;
            ck_assert_msg(code == (refused ? E_USAGE : OK), "%s: %s", cases[i].command, err.text);
            if (refused)
                ck_assert_msg(strstr(err.text, cases[i].named) != NULL, "%s", err.text);
            workload_destroy(workload);
        }
}

TEST(test_reads_only)
{
    /* Breaks when a sequence that writes is sent to a replica, or one that reads is not. */
    static const struct {
        const char *command;
        bool reads[3], all;
    } cases[] = {{"GET a", {true}, true},
                 {"GET a ; SET a b ; GET a", {true, false, true}, false},
                 {"2 GET a ; STRLEN a", {true, true}, true},
                 {"SET a b", {false}, false}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct workload_command_keys keys[3];
        struct err err = {.code = OK};
        size_t first = 1;
        cluster_spec(KEYS_RANDOM, 10);
        struct workload *workload = of_command(cases[i].command);
        for (int command = 0; command < 3; command++)
            keys[command] = (struct workload_command_keys){&first, 1, cases[i].reads[command]};
        ck_assert_int_eq(workload_set_keys(workload, keys, &err), OK);
        ck_assert_int_eq(workload_reads_only(workload), cases[i].all);
        workload_destroy(workload);
    }
}

TEST(test_arguments_are_found)
{
    /* Breaks when the server is asked for the keys of other bytes than those that are sent. */
    static const char *const expected[2][3] = {{"SET", "a:000000000000", "{000}"},
                                               {"GET", "key:000000000000", NULL}};
    cluster_spec(KEYS_ONE, 1);
    struct workload *workload = of_command("SET a:__rand_int__ {tag}__rand_int__ ; 3 GET __key__");
    ck_assert_uint_eq(workload_command_count(workload), 2);
    for (uint32_t command = 0; command < 2; command++) {
        ck_assert_uint_eq(workload_argument_count(workload, command), command == 0 ? 3 : 2);
        for (size_t i = 0; i < workload_argument_count(workload, command); i++) {
            char text[64] = "";
            struct workload_range place = workload_argument(workload, command, i);
            ck_assert_uint_lt(place.byte_count, sizeof text);
            workload_render_part(workload, 0, place.offset_bytes, place.byte_count, text);
            if (command == 0 && i == 2) {
                ck_assert_uint_eq(strlen(text), 17);
                ck_assert_str_eq(text + 4, "}000000000000");
            } else {
                ck_assert_str_eq(text, expected[command][i]);
            }
        }
    }
    workload_destroy(workload);
}

TEST_SUITE(workload_slots)
