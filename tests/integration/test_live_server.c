/* What phases of a scenario send, at a real server: a command that it takes for another one, a map that has more keys than
 * the server or fewer, a value that comes back as another. Requests go out one by one over a connection. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/check/server.h"
#include "tests/support/check/suite.h"
#include "tests/support/check/support.h"
#include "worker/generate/generator.h"
#include "worker/generate/live.h"

#define CAPACITY 30000u
#define KEYS 10000u
#define DEADLINE_MS 20000

static struct test_server server;
static int fd;
static struct live_plan plan;
static const struct generator *kind;
static void *desk;
static struct request_slot slot;
static uint64_t failed, hits, misses, counts[CHECK_COUNTS];

static void begin(void)
{
    struct err err = {.code = OK};
    test_server_start(&server, NULL);
    fd = support_connect(server.port, DEADLINE_MS);
    ck_assert_int_ge(fd, 0);
    plan = (struct live_plan){.prefix = "vst:run:"};
    ck_assert_int_eq(live_map_create(&plan.map, CAPACITY, &err), OK);
}

static void end(void)
{
    live_map_destroy(plan.map);
    close(fd);
    test_server_stop(&server);
}

static struct live_class *add(enum live_action action, enum live_type type)
{
    struct live_class *class = &plan.classes[plan.class_count++];
    *class = (struct live_class){
        .action = action,
        .type = type,
        .weight = 1,
        .size = {.kind = SIZE_RANGE, .least_bytes = 1, .most_bytes = 2000},
    };
    snprintf(class->name, sizeof class->name, "class%u", plan.class_count);
    return class;
}

static void tap_string(void *state, int64_t byte_count)
{
    (void)state;
    kind->string(desk, &slot, 0, byte_count);
}

static void tap_bytes(void *state, const char *bytes, size_t byte_count)
{
    (void)state;
    kind->bytes(desk, &slot, bytes, byte_count);
}

static void count_reply(const struct resp_reply *reply)
{
    failed += reply->is_error;
    const bool missed = reply->is_null || (reply->type == '*' && reply->integer == 0);
    misses += missed;
    hits += !missed && !reply->is_error;
}

/* Reads the reply, hands it to the generator. */
static void take_reply(void)
{
    static const struct resp_tap tap = {.string = tap_string, .bytes = tap_bytes};
    struct resp_scanner scanner;
    struct resp_reply reply;
    enum resp_status status = RESP_MORE;
    char in[4096];
    resp_scanner_reset(&scanner);
    while (status == RESP_MORE) {
        size_t used_bytes;
        const ssize_t got_bytes = read(fd, in, sizeof in);
        ck_assert_int_gt(got_bytes, 0);
        status = kind->string != NULL
                     ? resp_scan_tapped(&scanner, in, (size_t)got_bytes, &used_bytes, &reply, &tap)
                     : resp_scan(&scanner, in, (size_t)got_bytes, &used_bytes, &reply);
        ck_assert_uint_eq(used_bytes, (size_t)got_bytes);
    }
    ck_assert_int_eq(status, RESP_REPLY);
    count_reply(&reply);
    failed += !kind->reply(desk, &slot, 0, &reply);
    if (kind->settle != NULL)
        kind->settle(desk, &slot, false, counts);
}

/* Sends the plan's requests of these tickets, and forgets its classes. */
static void send_phase(uint64_t requests)
{
    struct err err = {.code = OK};
    struct workload *workload;
    const struct spec spec = {.load.seed = 11};
    const struct workload_source source = {.live = &plan, .title = "a phase"};
    ck_assert_msg(workload_create(&workload, &source, &spec, &err) == OK, "%s", err.text);
    kind = generator_of(workload);
    ck_assert_int_eq(kind->open(&desk, workload, 0, &err), OK);
    ck_assert_int_eq(kind->reserve(desk, 1, &err), OK);
    char *bytes = malloc(kind->most_bytes(desk));
    ck_assert_ptr_nonnull(bytes);
    failed = hits = misses = 0;
    memset(counts, 0, sizeof counts);
    for (uint64_t ticket = 0; ticket < requests; ticket++) {
        slot = (struct request_slot){.ticket = ticket};
        kind->draw(desk, &slot);
        kind->render(desk, &slot, bytes);
        ck_assert_int_eq(write(fd, bytes, slot.bytes), (ssize_t)slot.bytes);
        take_reply();
    }
    free(bytes);
    kind->close(desk);
    workload_destroy(workload);
    plan.class_count = 0;
}

static void compare(void)
{
    ck_assert_uint_eq((uint64_t)test_server_integer(&server, "DBSIZE"), live_map_count(plan.map));
}

static void pick(enum live_pick_order order, double fraction, uint64_t stride)
{
    const struct live_pick wish = {
        .order = order, .fraction = fraction, .stride = stride, .seed = 4};
    plan.picked_count = live_map_pick(plan.map, &wish);
}

TEST(the_server_has_the_keys_of_the_map)
{
    /* Otherwise a scenario makes other holes than it says: after a load, deletes of a stride, overwrites, expiry, and all at
     * once. */
    begin();
    add(LIVE_INSERT, LIVE_STRING)->batch = 20;
    send_phase(KEYS / 20);
    ck_assert_uint_eq(failed, 0);
    ck_assert_uint_eq(live_map_count(plan.map), KEYS);
    compare();
    pick(LIVE_PICK_STRIDE, 1.0 / 3, 3);
    add(LIVE_DELETE, LIVE_STRING)->unlink = true;
    send_phase(plan.picked_count);
    ck_assert_uint_eq(live_map_count(plan.map), KEYS - KEYS / 3);
    ck_assert_uint_eq(live_map_has(plan.map, 0), false);
    ck_assert_uint_eq(live_map_has(plan.map, 1), true);
    compare();
    pick(LIVE_PICK_RANDOM, 0.5, 0);
    add(LIVE_OVERWRITE, LIVE_STRING);
    send_phase(plan.picked_count);
    compare();
    add(LIVE_READ, LIVE_STRING)->check = true;
    send_phase(3000);
    ck_assert_uint_eq(failed + misses, 0);
    ck_assert_uint_eq(hits, 3000);
    ck_assert_uint_eq(counts[CHECK_VERIFIED], 3000);
    ck_assert_uint_eq(counts[CHECK_CORRUPTED], 0);
    pick(LIVE_PICK_NEWEST, 0.1, 0);
    plan.first_new = KEYS;
    add(LIVE_INSERT, LIVE_STRING);
    add(LIVE_DELETE, LIVE_STRING);
    add(LIVE_UPDATE, LIVE_STRING);
    add(LIVE_READ, LIVE_STRING)->check = true;
    send_phase(4000);
    ck_assert_uint_eq(failed, 0);
    ck_assert_uint_eq(live_map_count(plan.map), KEYS - KEYS / 3 - plan.picked_count + 1000);
    compare();
    end();
}

TEST(a_value_that_somebody_else_wrote_is_found)
{
    /* Otherwise what a defragmentation spoils goes unseen. */
    begin();
    add(LIVE_INSERT, LIVE_STRING);
    send_phase(5);
    free(test_server_text(&server, "SETRANGE vst:run:000000000003 0 x"));
    add(LIVE_READ, LIVE_STRING)->check = true;
    send_phase(200);
    ck_assert_uint_gt(counts[CHECK_CORRUPTED], 5);
    ck_assert_uint_lt(counts[CHECK_CORRUPTED], 100);
    ck_assert_uint_eq(failed, counts[CHECK_CORRUPTED]);
    ck_assert_uint_eq(counts[CHECK_VERIFIED], 200);
    end();
}

TEST(keys_expire_as_asked)
{
    /* Otherwise keys with a TTL stay, or their TTL is another one. */
    begin();
    struct live_class *class = add(LIVE_INSERT, LIVE_STRING);
    class->least_ttl_s = 1000;
    class->most_ttl_s = 2000;
    send_phase(300);
    ck_assert_uint_eq(failed, 0);
    compare();
    const long long ttl = test_server_integer(&server, "TTL vst:run:000000000017");
    ck_assert(ttl > 900 && ttl <= 2000);
    pick(LIVE_PICK_OLDEST, 0.5, 0);
    class = add(LIVE_EXPIRE, LIVE_STRING);
    class->least_ttl_s = class->most_ttl_s = 100000;
    send_phase(plan.picked_count);
    ck_assert_uint_eq(failed, 0);
    ck_assert_int_gt(test_server_integer(&server, "TTL vst:run:000000000017"), 90000);
    ck_assert_uint_eq(live_map_count(plan.map), 150);
    end();
}

LOOP_TEST(keys_of_each_type_are_written_and_read, 5)
{
    /* Otherwise a phase of lists or hashes gets errors, or misses. */
    static const char *const names[] = {"string", "hash", "list", "set", "zset"};
    begin();
    add(LIVE_INSERT, (enum live_type)_i);
    send_phase(200);
    ck_assert_uint_eq(failed, 0);
    compare();
    char *type = test_server_text(&server, "TYPE vst:run:000000000005");
    ck_assert_str_eq(type, names[_i]);
    free(type);
    add(LIVE_READ, (enum live_type)_i);
    send_phase(200);
    ck_assert_uint_eq(failed + misses, 0);
    ck_assert_uint_eq(hits, 200);
    pick(LIVE_PICK_RANDOM, 0.5, 0);
    add(LIVE_DELETE, (enum live_type)_i);
    send_phase(plan.picked_count);
    ck_assert_uint_eq(live_map_count(plan.map), 100);
    compare();
    end();
}

TEST_SUITE(live_server)
