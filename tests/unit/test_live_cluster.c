/* What a phase of a scenario sends to a cluster: writes that replicas are to have, keys of one node, and keys that are looked
 * for one by one. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/slots.h"
#include "tests/support/check/suite.h"
#include "worker/generate/generator.h"
#include "worker/generate/live.h"

#define CAPACITY 20000u
#define KEYS 10000u
#define PREFIX "vst:run:"

static struct live_plan plan;
static struct live_class *class;
static struct workload *workload;
static const struct generator *kind;
static void *desk;
static struct request_slot slot;
static char bytes[4096];
static struct err err;

static void set_up(void)
{
    err = (struct err){.code = OK};
    plan = (struct live_plan){.prefix = PREFIX, .class_count = 1};
    class = &plan.classes[0];
    *class = (struct live_class){
        .name = "class", .weight = 1, .size = {.kind = SIZE_FIXED, .least_bytes = 5}};
    ck_assert_int_eq(live_map_create(&plan.map, CAPACITY, &err), OK);
}

static void tear_down(void)
{
    if (kind != NULL)
        kind->close(desk);
    kind = NULL;
    workload_destroy(workload);
    workload = NULL;
    live_map_destroy(plan.map);
}

static enum err_code compile(void)
{
    const struct spec spec = {.load.seed = 5, .endpoint.cluster = true};
    const struct workload_source source = {.live = &plan, .title = "a phase"};
    return workload_create(&workload, &source, &spec, &err);
}

static void open_desk(void)
{
    ck_assert_msg(compile() == OK, "%s", err.text);
    kind = generator_of(workload);
    ck_assert_int_eq(kind->open(&desk, workload, 0, &err), OK);
    ck_assert_int_eq(kind->reserve(desk, 4, &err), OK);
}

static const char *draw(uint64_t ticket)
{
    slot = (struct request_slot){.ticket = ticket};
    kind->draw(desk, &slot);
    ck_assert_uint_lt(slot.bytes, sizeof bytes);
    ck_assert_uint_le(slot.bytes, kind->most_bytes(desk));
    kind->render(desk, &slot, bytes);
    bytes[slot.bytes] = '\0';
    return bytes;
}

static void answer(uint32_t index, char type, int64_t integer, bool is_error)
{
    const struct resp_reply reply = {.type = type, .integer = integer, .is_error = is_error};
    ck_assert(kind->reply(desk, &slot, index, &reply));
}

TEST(a_write_is_live_once_replicas_have_it)
{
    /* Breaks when a key that only its primary has counts as one that must not be lost, or one that replicas have does
     * not. */
    uint32_t count;
    class->action = LIVE_INSERT;
    class->wait_replicas = 2;
    open_desk();
    ck_assert_uint_eq(kind->classes(desk, &count)[0].replies, 2);
    ck_assert_uint_eq(kind->classes(desk, &count)[0].behind, 1);
    const char *request = draw(0);
    ck_assert_ptr_nonnull(strstr(request, "*3\r\n$3\r\nSET\r\n$20\r\n" PREFIX "000000000000\r\n"));
    ck_assert_ptr_nonnull(strstr(request, "\r\n*3\r\n$4\r\nWAIT\r\n$1\r\n2\r\n$4\r\n1000\r\n"));
    answer(0, '+', 0, false);
    ck_assert(!live_map_has(plan.map, 0));
    answer(1, ':', 2, false);
    ck_assert(live_map_has(plan.map, 0));
    (void)draw(1);
    answer(0, '+', 0, false);
    answer(1, ':', 1, false);
    (void)draw(2);
    answer(0, '-', 0, true);
    answer(1, ':', 2, false);
    ck_assert_uint_eq(live_map_count(plan.map), 1);
}

TEST(reads_wait_for_nobody)
{
    /* Breaks when a class that writes nothing is given a WAIT that means nothing. */
    class->action = LIVE_READ;
    class->wait_replicas = 1;
    ck_assert_int_eq(compile(), E_USAGE);
    ck_assert_ptr_nonnull(strstr(err.text, "writes nothing"));
}

TEST(each_picked_key_is_read_once)
{
    /* Breaks when a key is looked for twice, or not at all, so that lost ones are miscounted. */
    static bool seen[KEYS];
    memset(seen, 0, sizeof seen);
    for (uint64_t key = 0; key < KEYS; key += 2)
        live_map_set(plan.map, key);
    plan.picked_count =
        live_map_pick(plan.map, &(struct live_pick){.order = LIVE_PICK_OLDEST, .fraction = 1});
    class->action = LIVE_READ;
    class->picked = true;
    open_desk();
    for (uint64_t ticket = 0; ticket < plan.picked_count; ticket++) {
        const char *request = draw(ticket);
        const unsigned long key = strtoul(strstr(request, PREFIX) + strlen(PREFIX), NULL, 10);
        if (strncmp(request, "*2\r\n$3\r\nGET\r\n", 13) != 0 || key >= KEYS || key % 2 != 0 ||
            seen[key])
            ck_abort_msg("%s", request);
        seen[key] = true;
        answer(0, '$', 5, false);
    }
    ck_assert_uint_eq(live_map_count(plan.map), KEYS / 2);
}

TEST(some_keys_have_a_tag)
{
    /* Breaks when keys of a skewed phase lie elsewhere than their tags say, in another share, or have another name in a
     * later phase; or when keys of other phases do. */
    static struct live_skew skew = {
        .first = 1000, .end = 11000, .thousandths = 200, .tag_count = 2, .tags = {"{a}", "{b}"}};
    unsigned tagged[2] = {0, 0}, plain = 0;
    plan.skews = &skew;
    plan.skew_count = 1;
    class->action = LIVE_INSERT;
    open_desk();
    for (uint64_t ticket = 0; ticket < 12000; ticket++) {
        const char *request = draw(ticket);
        const char *key = strstr(request, PREFIX) + strlen(PREFIX);
        const bool has = key[0] == '{';
        if (has)
            tagged[key[1] - 'a']++;
        else
            plain++;
        if ((has && (ticket < 1000 || ticket >= 11000)) ||
            (has && kind->key_slot(desk, &slot) != slots_of_key(key + 1, 1)) ||
            strtoul(key + (has ? 3 : 0), NULL, 10) != ticket)
            ck_abort_msg("%s", request);
        answer(0, '+', 0, false);
    }
    ck_assert_uint_gt(tagged[0] + tagged[1], 1800);
    ck_assert_uint_lt(tagged[0] + tagged[1], 2200);
    ck_assert_uint_gt(tagged[0], 800);
    ck_assert_uint_gt(tagged[1], 800);
    ck_assert_uint_eq(plain + tagged[0] + tagged[1], 12000);
}

TEST_SUITE_WITH(live_cluster, .set_up = set_up, .tear_down = tear_down)
