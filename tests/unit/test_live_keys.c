/* Which live keys a phase asks for. */

#include <string.h>

#include "tests/support/check/suite.h"
#include "worker/generate/live.h"

#define NUMBERS 1000u
#define DRAWS 20000u

static struct live_plan plan;
static struct live *live;
static struct spec spec;
static struct err err;
static uint32_t asked[NUMBERS];

/* Of a thousand numbers each other one is live. */
static void set_up(void)
{
    spec = (struct spec){.load.seed = 5};
    plan = (struct live_plan){.prefix = "vst:run:", .first_new = NUMBERS, .class_count = 1};
    plan.classes[0] = (struct live_class){.name = "get", .action = LIVE_READ, .weight = 1};
    ck_assert_int_eq(live_map_create(&plan.map, 2 * NUMBERS, &err), OK);
    for (uint64_t key = 1; key < NUMBERS; key += 2)
        live_map_set(plan.map, key);
}

static void tear_down(void)
{
    live_destroy(live);
    live_map_destroy(plan.map);
}

static void draw_all(void)
{
    ck_assert_msg(live_create(&live, &plan, &spec, &err) == OK, "%s", err.text);
    for (uint64_t ticket = 0; ticket < DRAWS; ticket++) {
        const struct mix_turn turn = {.class = 0, .rank = ticket};
        const struct live_request request = live_draw(live, &turn, ticket);
        ck_assert_uint_lt(request.key, NUMBERS);
        ck_assert(live_map_has(plan.map, request.key));
        asked[request.key]++;
    }
}

TEST(in_sequence)
{
    /* breaks when keys in sequence leave some out, or one that has gone is asked for */
    plan.key_order.kind = ORDER_SEQUENTIAL;
    draw_all();
    for (uint64_t key = 1; key < NUMBERS; key += 2)
        ck_assert_uint_eq(asked[key], DRAWS / NUMBERS * 2);
}

TEST(hot_ones)
{
    /* breaks when hot keys are not those that were asked for: 9 of 10 draws go to the first tenth, 18,000, sigma 42 */
    uint32_t hot = 0;
    plan.key_order =
        (struct key_order_wish){.kind = ORDER_HOTSET, .hot_keys = 0.1, .hot_draws = 0.9};
    draw_all();
    for (uint64_t key = 0; key < NUMBERS / 10; key++)
        hot += asked[key];
    ck_assert_msg(hot > 17750 && hot < 18250, "%u", hot);
}

TEST(a_phase_that_loads_first)
{
    /* breaks when a phase before which there were no keys cannot have hot ones */
    plan.first_new = 0;
    plan.key_order.kind = ORDER_SEQUENTIAL;
    draw_all();
}

TEST(a_key_space)
{
    /* breaks when a phase with a key space asks for keys beyond it, or leaves some of it out */
    plan.key_space = 100;
    draw_all();
    for (uint64_t key = 1; key < NUMBERS; key += 2)
        ck_assert_msg((asked[key] > 0) == (key < 100), "%u of key %u", asked[key], (unsigned)key);
    live_destroy(live);
    memset(asked, 0, sizeof asked);
    plan.key_space = 10 * NUMBERS; /* more than there are */
    draw_all();
    ck_assert(asked[1] > 0 && asked[NUMBERS - 1] > 0);
}

static const char *name_of(uint64_t key)
{
    static char text[LIVE_KEY_BYTES + 1];
    text[live_key_write(text, live, key)] = '\0';
    return text;
}

TEST(names_of_keys)
{
    /* breaks when a key is not found again by the name it was loaded with: prefixes begin and end with their ranges, the tag
     * of a skew stands behind them, and the longest one has room */
    const struct live_name names[] = {{10, 20, "user:"},
                                      {20, 21, "0123456789012345678901234567890"},
                                      {500, UINT64_MAX, "s/${x}"}};
    const struct live_skew skew = {500, 501, 1000, 1, {"{1f}"}};
    plan.names = names;
    plan.name_count = 3;
    plan.skews = &skew;
    plan.skew_count = 1;
    ck_assert_msg(live_create(&live, &plan, &spec, &err) == OK, "%s", err.text);
    ck_assert_str_eq(name_of(0), "vst:run:000000000000");
    ck_assert_str_eq(name_of(9), "vst:run:000000000009");
    ck_assert_str_eq(name_of(10), "vst:run:user:000000000010");
    ck_assert_str_eq(name_of(19), "vst:run:user:000000000019");
    ck_assert_str_eq(name_of(20), "vst:run:0123456789012345678901234567890000000000020");
    ck_assert_str_eq(name_of(21), "vst:run:000000000021");
    ck_assert_str_eq(name_of(500), "vst:run:s/${x}{1f}000000000500");
    ck_assert_str_eq(name_of(501), "vst:run:s/${x}000000000501");
    struct live_request longest = {.form = LIVE_FORM_GET, .keys = 1};
    for (uint64_t key = 0; key < 600; key++) {
        longest.key = key;
        ck_assert_uint_le(live_request_bytes(live, &longest), live->most_bytes);
    }
}

TEST_SUITE_WITH(live_keys, .set_up = set_up, .tear_down = tear_down)
