/* A phase of a scenario as a whole: a plan that cannot be and begins all the same, a map that is not what the server has
 * after all that a server and a network do. By a whole worker against a scripted server. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/drawn.h"
#include "tests/support/check/simulated_run.h"
#include "tests/support/check/suite.h"
#include "worker/generate/generator.h"
#include "worker/generate/live.h"
#include "worker/generate/workload_drawn.h"

#define CAPACITY 10000u
#define PREFIX "vst:run:"

static struct live_plan plan;
static struct workload *workload;
static struct spec spec;
static struct err err;

static const struct size_wish five = {.kind = SIZE_FIXED, .least_bytes = 5};

static void begin(uint64_t capacity_keys)
{
    spec = (struct spec){.load.seed = 5};
    err = (struct err){.code = OK};
    plan = (struct live_plan){.prefix = PREFIX};
    ck_assert_int_eq(live_map_create(&plan.map, capacity_keys, &err), OK);
}

static struct live_class *add(enum live_action action)
{
    struct live_class *class = &plan.classes[plan.class_count++];
    snprintf(class->name, sizeof class->name, "class%u", plan.class_count);
    class->action = action;
    class->weight = 1;
    class->size = five;
    return class;
}

static enum err_code compile(void)
{
    const struct workload_source source = {.live = &plan, .title = "a phase"};
    err = (struct err){.code = OK};
    return workload_create(&workload, &source, &spec, &err);
}

TEST(a_workload_of_it_says_what_it_is)
{
    /* Otherwise --explain and reports show nothing, or read memory that a file's workload has and this one has not. */
    struct workload_sample sample;
    struct drawn drawn;
    begin(CAPACITY);
    for (uint64_t key = 0; key < 1000; key++)
        live_map_set(plan.map, key);
    plan.picked_count =
        live_map_pick(plan.map, &(struct live_pick){.order = LIVE_PICK_OLDEST, .fraction = 1});
    add(LIVE_READ);
    add(LIVE_DELETE);
    ck_assert_msg(compile() == OK, "%s", err.text);
    ck_assert_str_eq(workload_title(workload), "a phase");
    ck_assert_uint_eq(workload_class_count(workload), 2);
    ck_assert_uint_eq(workload_weighted_class_count(workload), 2);
    ck_assert_str_eq(workload_class_name(workload, 1), "class2");
    ck_assert_uint_eq(workload_request_bytes(workload), 43);
    ck_assert_uint_eq(workload_replies(workload), 1);
    ck_assert_double_eq(workload_mean_commands(workload), 1);
    ck_assert_uint_eq(workload_key_count(workload), CAPACITY);
    ck_assert(workload_reads(workload) && workload_reads_some(workload));
    ck_assert(!workload_reads_only(workload) && workload_keys_known(workload));
    ck_assert(!workload_uses_one_key(workload) && !workload_walks(workload));
    ck_assert(!workload_awaits(workload) && !workload_has_tag(workload));
    ck_assert_uint_eq(workload_part_count(workload), 0);
    ck_assert_uint_eq(workload_command_count(workload), 0);
    ck_assert_ptr_null(workload_plan(workload));
    ck_assert_ptr_null(workload_mix(workload));
    ck_assert_ptr_null(workload_plugin(workload));
    ck_assert_ptr_null(workload_test(workload));
    ck_assert_ptr_null(workload_consume_plan(workload));
    ck_assert_ptr_null(workload_asks_replicas(workload));
    ck_assert_int_eq(workload_drawn(&drawn, workload, 1000, &err), OK);
    ck_assert_uint_eq(drawn.requests, 0);
    for (uint64_t ticket = 0; ticket < 9; ticket++) {
        ck_assert_int_eq(workload_sample(&sample, workload, ticket, &err), OK);
        ck_assert_uint_le(sample.byte_count, workload_request_bytes(workload));
        ck_assert_uint_eq(sample.byte_count, strlen(sample.bytes));
        const bool reads = strcmp(sample.class, "class1") == 0;
        ck_assert(reads || strcmp(sample.class, "class2") == 0);
        ck_assert_ptr_nonnull(strstr(sample.bytes, reads ? "GET" : "DEL"));
        free(sample.bytes);
    }
    workload_destroy(workload);
    live_map_destroy(plan.map);
}

/* A plan that cannot be, and a part of what is said of it. */
static void refuse(const char *reason)
{
    ck_assert_int_eq(compile(), E_USAGE);
    ck_assert_ptr_null(workload);
    ck_assert_msg(strstr(err.text, reason) != NULL, "%s: %s", reason, err.text);
    plan.class_count = 0;
    memset(plan.classes, 0, sizeof plan.classes);
}

TEST(times_and_batches_that_cannot_be_are_refused_with_the_reason)
{
    /* Otherwise a server refuses each request of a phase. */
    begin(1000);
    struct live_class *class = add(LIVE_INSERT);
    class->type = LIVE_HASH;
    class->least_ttl_s = class->most_ttl_s = 5;
    refuse("class1 has a TTL");
    add(LIVE_READ)->most_ttl_s = 5;
    refuse("class1 has a TTL");
    class = add(LIVE_INSERT);
    class->least_ttl_s = 5;
    class->most_ttl_s = 4;
    refuse("TTL of 5 to 4");
    class = add(LIVE_INSERT);
    class->type = LIVE_SET;
    class->batch = 2;
    refuse("batch of 2");
    add(LIVE_READ)->batch = 2;
    refuse("batch of 2");
    class = add(LIVE_INSERT);
    class->batch = 2;
    class->least_ttl_s = class->most_ttl_s = 5;
    refuse("batch of 2");
    add(LIVE_INSERT)->batch = LIVE_BATCH_MAX + 1;
    refuse("batch of 1001");
    spec.endpoint.cluster = true;
    add(LIVE_INSERT)->batch = 2;
    refuse("different slots");
    live_map_destroy(plan.map);
}

TEST(classes_that_cannot_be_are_refused_with_the_reason)
{
    /* Otherwise a phase begins that does something else than it says. */
    begin(1000);
    refuse("0 classes");
    plan.class_count = CLASSES_MAX + 1;
    refuse("17 classes");
    add(LIVE_READ)->weight = 0;
    refuse("class1 has no weight");
    add(LIVE_READ)->weight = -1;
    refuse("class1 has no weight");
    add(LIVE_READ);
    add(LIVE_READ)->weight = 1e-9;
    refuse("class2 has a weight of less than");
    add(LIVE_READ);
    snprintf(add(LIVE_READ)->name, CLASS_NAME_BYTES, "class1");
    refuse("two classes class1");
    add(LIVE_INSERT)->size.least_bytes = 0;
    refuse("class1: sizes");
    struct live_class *class = add(LIVE_INSERT);
    class->batch = 1000;
    class->size.least_bytes = 5000000;
    refuse("requests of up to 5,000,");
    add(LIVE_UPDATE)->type = LIVE_LIST;
    refuse("strings alone");
    class = add(LIVE_READ);
    class->type = LIVE_LIST;
    class->check = true;
    refuse("checks values");
    live_map_destroy(plan.map);
}

TEST(keys_and_servers_that_cannot_be_are_refused_with_the_reason)
{
    /* Otherwise a phase is over before it began, or writes keys that nobody keeps. */
    begin(1000);
    add(LIVE_DELETE);
    refuse("keys that were picked");
    add(LIVE_OVERWRITE);
    refuse("keys that were picked");
    struct live_class *class = add(LIVE_EXPIRE);
    class->least_ttl_s = class->most_ttl_s = 5;
    refuse("keys that were picked");
    plan.picked_count = 1;
    add(LIVE_EXPIRE);
    refuse("has no TTL");
    plan.first_new = 1000;
    add(LIVE_INSERT);
    refuse("from number 1,000 on");
    plan.first_new = 0;
    plan.new_limit = 1001;
    add(LIVE_INSERT);
    refuse("no place in a map of 1,000");
    plan.new_limit = 0;
    spec.load.null_transport = true;
    add(LIVE_INSERT);
    refuse("--null");
    spec.load.null_transport = false;
    memset(plan.prefix, 'p', sizeof plan.prefix);
    add(LIVE_INSERT);
    refuse("prefix of keys is too long");
    live_map_destroy(plan.map);
}

/* ---- a whole worker, against a server that has keys ---- */

static bool server_has[CAPACITY];
static uint32_t commands, fails_each, ends_each, spoils_each, refused, spoilt, got;
static char values[CAPACITY][8];
static uint8_t value_sizes[CAPACITY];

/* Commands are SET, DEL and GET of values of at most 8 bytes. */
static void serve(struct scripted_peer *peer, const char *text, size_t byte_count)
{
    char copy[128] = "", reply[64];
    ck_assert_uint_lt(byte_count, sizeof copy);
    memcpy(copy, text, byte_count);
    const char *name = strchr(copy, '\n') + 5, *named = strstr(copy, PREFIX);
    if (named == NULL) { /* a greeting */
        scripted_answer(peer, text, byte_count);
        return;
    }
    const uint64_t key = strtoull(named + strlen(PREFIX), NULL, 10);
    ck_assert_uint_lt(key, CAPACITY);
    commands++;
    if (peer->memo != 0) /* it has ended */
        return;
    if (ends_each > 0 && commands % ends_each == 0) {
        peer->memo = 1;
        scripted_end(peer, SCRIPTED_SERVICE_NS);
        return;
    }
    if (fails_each > 0 && commands % fails_each == 0) {
        refused++;
        scripted_say_text(peer, "-OOM no\r\n", SCRIPTED_SERVICE_NS);
        return;
    }
    switch (name[0]) {
    case 'S':
        value_sizes[key] = 5;
        memcpy(values[key], text + byte_count - 7, 5);
        server_has[key] = true;
        scripted_say_text(peer, "+OK\r\n", SCRIPTED_SERVICE_NS);
        return;
    case 'D':
        scripted_say_text(peer, server_has[key] ? ":1\r\n" : ":0\r\n", SCRIPTED_SERVICE_NS);
        server_has[key] = false;
        return;
    default:
        break;
    }
    if (!server_has[key]) {
        scripted_say_text(peer, "$-1\r\n", SCRIPTED_SERVICE_NS);
        return;
    }
    got++;
    memcpy(reply, "$5\r\n", 4);
    memcpy(reply + 4, values[key], 5);
    memcpy(reply + 9, "\r\n", 2);
    if (spoils_each > 0 && got % spoils_each == 0) {
        reply[6] ^= 1;
        spoilt++;
    }
    scripted_say(peer, reply, 11, SCRIPTED_SERVICE_NS);
}

static const struct scripted_server server = {.command = serve};
static struct simulated_run simulated;

static void run(uint64_t requests)
{
    ck_assert_msg(compile() == OK, "%s", err.text);
    simulated_run_init(&simulated);
    simulated.run.generator = generator_of(workload);
    simulated.run.generator_source = workload;
    simulated.run.requests = requests;
    simulated.run.pipeline = 4;
    simulated.share.connections = 3;
    commands = refused = spoilt = got = 0;
    simulated_run_go(&simulated, &server);
    workload_destroy(workload);
    plan.class_count = 0;
}

/* Keys that the server has and the map has not; the other way round there is none. */
static uint64_t unknown_keys(void)
{
    uint64_t unknown = 0, missing = 0;
    for (uint64_t key = 0; key < CAPACITY; key++) {
        unknown += server_has[key] && !live_map_has(plan.map, key);
        missing += !server_has[key] && live_map_has(plan.map, key);
    }
    ck_assert_uint_eq(missing, 0);
    return unknown;
}

TEST(the_map_is_what_the_server_has)
{
    /* Otherwise a phase works on keys that are not there, or counts some that are: after refused writes, deletes, and
     * connections that end. */
    begin(CAPACITY);
    add(LIVE_INSERT);
    fails_each = 7;
    run(3000);
    ck_assert_uint_gt(refused, 400);
    ck_assert_uint_eq(simulated_counter(&simulated, COUNTER_OK), live_map_count(plan.map));
    ck_assert_uint_eq(unknown_keys(), 0);
    simulated_run_free(&simulated);
    plan.picked_count = live_map_pick(
        plan.map, &(struct live_pick){.order = LIVE_PICK_STRIDE, .fraction = 0.34, .stride = 3});
    add(LIVE_DELETE);
    run(plan.picked_count);
    ck_assert_uint_eq(simulated_counter(&simulated, COUNTER_SENT), plan.picked_count);
    ck_assert_uint_gt(refused, 100);
    ck_assert_uint_eq(unknown_keys(), 0);
    simulated_run_free(&simulated);
    plan.first_new = 3000;
    add(LIVE_INSERT);
    ends_each = 251;
    run(3000);
    const uint64_t lost = simulated_counter(&simulated, COUNTER_LOST_DISCONNECT);
    ck_assert_uint_gt(lost, 10);
    ck_assert_uint_le(unknown_keys(), lost);
    simulated_run_free(&simulated);
    live_map_destroy(plan.map);
}

TEST(a_wrong_value_is_a_failed_request)
{
    /* Otherwise a server that mixes up values passes. */
    begin(CAPACITY);
    add(LIVE_INSERT);
    run(1000);
    simulated_run_free(&simulated);
    add(LIVE_READ)->check = true;
    spoils_each = 9;
    run(2000);
    ck_assert_uint_gt(spoilt, 200);
    ck_assert_uint_eq(got, 2000);
    ck_assert_uint_eq(simulated_counter(&simulated, COUNTER_ERROR_REPLIES), spoilt);
    ck_assert_uint_eq(simulated_counter(&simulated, COUNTER_CORRUPTED), spoilt);
    ck_assert_uint_eq(simulated_counter(&simulated, COUNTER_VERIFIED), 2000);
    ck_assert_uint_eq(simulated_counter(&simulated, COUNTER_HITS), 2000);
    ck_assert_uint_eq(simulated_counter(&simulated, COUNTER_MISSES), 0);
    simulated_run_free(&simulated);
    live_map_destroy(plan.map);
}

TEST_SUITE(live_phase)
