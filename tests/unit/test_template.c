#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/slots.h"
#include "tests/support/check/suite.h"
#include "worker/generate/template.h"
#include "worker/generate/workload.h"

static struct template template;
static struct spec spec;
static char out[16384];

static void order(enum key_order key_order, uint64_t keyspace, uint64_t offset)
{
    spec = (struct spec){.load.key_order = key_order,
                         .load.keyspace = keyspace,
                         .load.keyspace_offset = offset,
                         .load.data_bytes = 8,
                         .load.seed = 7};
}

static void compile(const char *argument)
{
    struct err err = {.code = OK};
    size_t expected_bytes;
    ck_assert_int_eq(template_init(&template, &spec, &err), OK);
    ck_assert_int_eq(
        template_argument_bytes(&template, argument, strlen(argument), &expected_bytes, &err), OK);
    ck_assert_int_eq(template_append_argument(&template, argument, strlen(argument), &err), OK);
    ck_assert_uint_eq(template.byte_count, expected_bytes);
    ck_assert_uint_lt(template.byte_count, sizeof out);
}

/* The argument as ticket has it. */
static const char *render(uint64_t ticket)
{
    memset(out, '?', template.byte_count + 1);
    template_render(&template, ticket, out);
    ck_assert_int_eq(out[template.byte_count], '?');
    out[template.byte_count] = '\0';
    return out;
}

/* Twelve digits, and nothing else, as a number. */
static uint64_t digits(const char *text)
{
    uint64_t number = 0;
    for (unsigned i = 0; i < TEMPLATE_DIGITS; i++) {
        ck_assert_msg(text[i] >= '0' && text[i] <= '9', "no digit in %.12s", text);
        number = number * 10 + (uint64_t)(text[i] - '0');
    }
    return number;
}

TEST(test_digits)
{
    /* Breaks when a number is written with other digits than its own, or not with twelve. */
    static const struct {
        uint64_t number;
        const char *text;
    } cases[] = {{0, "000000000000"},           {7, "000000000007"},
                 {123456, "000000123456"},      {999999, "000000999999"},
                 {1000000, "000001000000"},     {120003400056, "120003400056"},
                 {999999999999, "999999999999"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[TEMPLATE_DIGITS + 1] = "";
        template_write_digits(text, cases[i].number);
        ck_assert_str_eq(text, cases[i].text);
    }
}

TEST(test_parts_are_the_whole)
{
    /* Breaks when a request that goes out in windows differs from the one that goes out whole,
     * wherever a window begins and ends: in text, in digits, in a value. */
    order(KEYS_RANDOM, 1000000, 17);
    compile("a__rand_int____data__b{tag}__data____key__c{tag}__rand_1st__{tag}");
    char whole[sizeof out], part[sizeof out];
    for (uint64_t ticket = 0; ticket < 3; ticket++) {
        memcpy(whole, render(ticket), template.byte_count);
        for (size_t from = 0; from < template.byte_count; from++)
            for (size_t count = 1; from + count <= template.byte_count; count++) {
                memset(part, '?', sizeof part);
                template_render_part(&template, ticket, from, count, part);
                ck_assert_mem_eq(part, whole + from, count);
                ck_assert_int_eq(part[count], '?');
            }
    }
    template_destroy(&template);
}

TEST(test_text_stays)
{
    /* Breaks when bytes that are no placeholder are changed. */
    static const char *const cases[] = {
        "x",           "plain",        "_",      "__",     "____",    "_____", "__A__", "a__b",
        "__rand_int_", "__RAND_INT__", "__ x__", "x__y_z", "{user1}", "\\x"};
    order(KEYS_RANDOM, 1000, 0);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        compile(cases[i]);
        ck_assert_str_eq(render(5), cases[i]);
        ck_assert_uint_eq(template.draw_count, 0);
        template_destroy(&template);
    }
}

TEST(test_unknown_placeholder_is_refused)
{
    /* Breaks when a misspelled placeholder goes out as it stands: every request would have one key. */
    static const char *const cases[] = {"__rand_it__", "__rand_10th__",    "k:__rand__:x",
                                        "__keys__",    "__data____date__", "___x__"};
    struct err of_field = {.code = OK};
    size_t field_bytes;
    order(KEYS_RANDOM, 1000, 0);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct err err = {.code = OK};
        size_t bytes;
        ck_assert_int_eq(template_init(&template, &spec, NULL), OK);
        ck_assert_msg(
            template_argument_bytes(&template, cases[i], strlen(cases[i]), &bytes, &err) == E_USAGE,
            "%s", cases[i]);
        ck_assert_msg(strstr(err.text, "__rand_int__") != NULL, "%s", err.text);
        ck_assert_msg(strstr(err.text, "; \\__") != NULL, "%s", err.text);
        err.code = OK;
        ck_assert_int_eq(template_append_argument(&template, cases[i], strlen(cases[i]), &err),
                         E_USAGE);
        template_destroy(&template);
    }
    /* A field without a table goes out as a word. */
    ck_assert_int_eq(template_init(&template, &spec, NULL), OK);
    ck_assert_int_eq(
        template_argument_bytes(&template, "a__field:x y__", 14, &field_bytes, &of_field), E_USAGE);
    ck_assert_str_eq(of_field.text,
                     "__field:x y__ takes a field of a table: give --dataset FILE, or "
                     "\\__field:x y__ to send the word as it stands");
    ck_assert_int_eq(
        template_argument_bytes(&template, "__field:__ __field:x_", 21, &field_bytes, &of_field),
        OK);
    ck_assert_uint_eq(field_bytes, 21);
}

TEST(test_escapes)
{
    /* Breaks when data that looks like a placeholder cannot be sent, or a backslash elsewhere gets lost. */
    static const char *const cases[][2] = {
        {"\\__init__", "__init__"},
        {"a\\__rand_int__b", "a__rand_int__b"},
        {"\\{tag}", "{tag}"},
        {"\\__data__\\__key__", "__data____key__"},
        {"\\__init__x__", "__init__x__"},
        {"\\\\__rand_int__", "\\000000000000"},
        {"\\\\\\__rand_int__", "\\__rand_int__"},
        {"\\", "\\"},
        {"\\\\", "\\\\"},
        {"a\\b\\\\c", "a\\b\\\\c"},
        {"\\_x", "\\_x"},
        {"\\{user1}", "\\{user1}"},
        {"__rand_int__\\", "000000000000\\"},
    };
    order(KEYS_ONE, 1, 0);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        compile(cases[i][0]);
        ck_assert_str_eq(render(0), cases[i][1]);
        template_destroy(&template);
    }
}

TEST(test_rules_of_valkey_benchmark)
{
    /* Breaks when a word that valkey-benchmark sends as it stands is replaced or refused by its rules, or one that
     * it replaces is sent. */
    static const struct {
        enum placeholder_rules rules;
        bool cluster;
        const char *argument, *sent;
    } cases[] = {
        {PLACEHOLDERS_BENCHMARK, false, "__rand_int__{tag}__key____init__",
         "000000000000{tag}__key____init__"},
        {PLACEHOLDERS_BENCHMARK, false, "__rand_9th__\\__rand_1st__", "000000000000\\000000000000"},
        {PLACEHOLDERS_BENCHMARK_FIXED, false, "__rand_int__ __rand_1st__ {tag}",
         "__rand_int__ __rand_1st__ {tag}"},
        {PLACEHOLDERS_BENCHMARK_FIXED, true, "\\{tag}", "\\{000}"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        order(KEYS_ONE, 1, 0);
        spec.load.placeholders = cases[i].rules;
        spec.endpoint.cluster = cases[i].cluster;
        compile(cases[i].argument);
        const char *text = render(0);
        if (cases[i].cluster) {
            ck_assert_uint_eq(strlen(text), strlen(cases[i].sent));
            ck_assert_str_ne(text, cases[i].argument);
        } else {
            ck_assert_str_eq(text, cases[i].sent);
        }
        template_destroy(&template);
        spec.load.data_bytes = 4;
        compile("<__data__>");
        ck_assert_str_ne(render(0), "<__data__>");
        ck_assert_uint_eq(template.byte_count, 6);
        template_destroy(&template);
    }
}

TEST(test_numbers_stay_in_range)
{
    /* Breaks when a key outside of offset .. offset + K - 1 is used, or an edge of it never. */
    static const uint64_t offsets[] = {0, 1, 5000000, 999999999990};
    for (size_t i = 0; i < sizeof offsets / sizeof offsets[0]; i++) {
        bool low = false, high = false;
        order(KEYS_RANDOM, 10, offsets[i]);
        compile("k:__rand_int__:x");
        for (uint64_t ticket = 0; ticket < 1000; ticket++) {
            const char *text = render(ticket);
            uint64_t number = digits(text + 2);
            ck_assert_str_eq(text + 14, ":x");
            ck_assert_uint_ge(number, offsets[i]);
            ck_assert_uint_le(number, offsets[i] + 9);
            low |= number == offsets[i];
            high |= number == offsets[i] + 9;
        }
        ck_assert(low && high);
        template_destroy(&template);
    }
}

TEST(test_int_differs_and_named_are_equal)
{
    /* Breaks when __rand_int__ repeats within a request, or __rand_1st__ does not. */
    order(KEYS_RANDOM, 1000000000, 0);
    compile("__rand_int__ __rand_int__ __rand_1st__ __rand_2nd__ __rand_1st__ __rand_9th__ "
            "__key__");
    ck_assert_uint_eq(template.draw_count, 6);
    for (uint64_t ticket = 0; ticket < 200; ticket++) {
        const char *text = render(ticket);
        uint64_t numbers[6];
        for (int i = 0; i < 6; i++)
            numbers[i] = digits(text + (size_t)i * 13);
        ck_assert_uint_eq(numbers[2], numbers[4]);
        ck_assert_int_eq(memcmp(text + 78, "key:", 4), 0);
        uint64_t distinct[6] = {numbers[0], numbers[1], numbers[2],
                                numbers[3], numbers[5], digits(text + 82)};
        for (int i = 0; i < 6; i++)
            for (int other = 0; other < i; other++)
                ck_assert_uint_ne(distinct[i], distinct[other]);
    }
    template_destroy(&template);
}

TEST(test_one_key)
{
    /* Breaks when there is more than one key without -r and --sequential. */
    order(KEYS_ONE, 1, 0);
    compile("__key__ __rand_int__");
    ck_assert_str_eq(render(0), "key:000000000000 000000000000");
    ck_assert_str_eq(render(12345), "key:000000000000 000000000000");
    template_destroy(&template);
}

TEST(test_sequential_covers_each_key_once_per_pass)
{
    /* Breaks when a pass through the range leaves a key out or takes one twice, whatever number of
     * keys a request has, wherever it begins and whoever sends which ticket. */
    enum { KEYS = 60, PASSES = 2 };
    static const char *const arguments[] = {"__rand_int__",
                                            "__rand_int__ __rand_int__ __rand_int__"};
    for (size_t form = 0; form < 2; form++) {
        for (uint64_t workers = 1; workers <= 7; workers++) {
            unsigned seen[KEYS] = {0};
            unsigned draws = form == 0 ? 1 : 3;
            order(KEYS_SEQUENTIAL, KEYS, 500);
            spec.load.sequential_random_start = workers % 2 == 0;
            compile(arguments[form]);
            uint64_t tickets = KEYS * PASSES / draws;
            for (uint64_t worker = 0; worker < workers; worker++)
                for (uint64_t ticket = worker; ticket < tickets; ticket += workers)
                    for (unsigned i = 0; i < draws; i++)
                        seen[digits(render(ticket) + (size_t)i * 13) - 500]++;
            for (unsigned key = 0; key < KEYS; key++)
                ck_assert_uint_eq(seen[key], PASSES);
            template_destroy(&template);
        }
    }
}

TEST(test_distributed_keys)
{
    /* Breaks when --key-dist does not shape the numbers of -r, which begin at the offset, or those of a ticket
     * depend on others: each number is that of the distribution at its place. */
    enum { KEYS = 1000, OFFSET = 5000 };
    static const struct key_order_wish wishes[] = {
        {.kind = ORDER_ZIPF, .exponent = 1.2},
        {.kind = ORDER_ZIPF, .exponent = 0.99, .scattered = true},
        {.kind = ORDER_LATEST, .exponent = 0.5},
        {.kind = ORDER_SEQUENTIAL},
        {.kind = ORDER_PARALLEL},
        {.kind = ORDER_WALK}};
    for (size_t i = 0; i < sizeof wishes / sizeof wishes[0]; i++) {
        struct key_draw draw;
        order(KEYS_RANDOM, KEYS, OFFSET);
        spec.load.key_distribution = wishes[i];
        spec.load.clients = 3;
        compile("__rand_int__ __key__");
        ck_assert_int_eq(key_draw_prepare(&draw, &wishes[i], KEYS, template.seed, 3, NULL), OK);
        for (uint64_t ticket = 0; ticket < 2000; ticket += 37) {
            const char *text = render(ticket);
            ck_assert_uint_eq(digits(text), OFFSET + key_draw_at(&draw, 2 * ticket));
            ck_assert_uint_eq(digits(text + 17), OFFSET + key_draw_at(&draw, 2 * ticket + 1));
        }
        template_destroy(&template);
    }
}

TEST(test_walk_begins_anew_after_the_warm_up)
{
    /* Breaks when N requests of a walk do not touch N keys because some were spent before measuring. */
    enum { KEYS = 100 };
    order(KEYS_RANDOM, KEYS, 0);
    spec.load.key_distribution = (struct key_order_wish){.kind = ORDER_WALK};
    compile("__rand_int__ __rand_1st__");
    for (unsigned warmup = 0; warmup < 2; warmup++) {
        unsigned seen[KEYS] = {0}, named[KEYS] = {0};
        for (uint64_t ticket = 0; ticket < KEYS; ticket++) {
            const char *text = render(ticket + (warmup != 0 ? WORKLOAD_WARMUP_TICKET : 0));
            seen[digits(text)]++;
            named[digits(text + 13)]++;
        }
        for (unsigned key = 0; key < KEYS; key++)
            ck_assert(seen[key] == 1 && named[key] == 1);
    }
    template_destroy(&template);
}

TEST(test_distribution_out_of_bounds)
{
    /* Breaks when a spec that no command line gives is drawn from all the same. */
    struct err err = {.code = OK};
    order(KEYS_RANDOM, 100, 0);
    spec.load.key_distribution = (struct key_order_wish){.kind = ORDER_ZIPF, .exponent = 9};
    ck_assert_int_eq(template_init(&template, &spec, &err), E_USAGE);
    template_destroy(&template);
}

TEST(test_sequential_start)
{
    /* Breaks when a sequence does not begin at the offset, or at random does not depend on the seed. */
    order(KEYS_SEQUENTIAL, 1000000, 40);
    compile("__rand_int__");
    ck_assert_uint_eq(digits(render(0)), 40);
    ck_assert_uint_eq(digits(render(999999)), 1000039);
    ck_assert_uint_eq(digits(render(1000000)), 40);
    template_destroy(&template);
    spec.load.sequential_random_start = true;
    uint64_t starts[2];
    for (int i = 0; i < 2; i++) {
        spec.load.seed = (uint64_t)i;
        compile("__rand_int__");
        starts[i] = digits(render(0));
        ck_assert_uint_eq(digits(render(1)), starts[i] == 1000039 ? 40 : starts[i] + 1);
        template_destroy(&template);
    }
    ck_assert_uint_ne(starts[0], starts[1]);
}

TEST(test_sequential_counters)
{
    /* Breaks when a named number takes from the counter of the others, or from that of another name, or takes
     * more than one of a request: ZADD __rand_int__ __rand_1st__ would leave members out. */
    order(KEYS_SEQUENTIAL, 7, 30);
    compile("__rand_1st__ __rand_int__ __key__ __rand_2nd__ __rand_1st__ __rand_int__");
    for (uint64_t ticket = 0; ticket < 50; ticket++) {
        const char *text = render(ticket);
        ck_assert_uint_eq(digits(text), 30 + ticket % 7);
        ck_assert_uint_eq(digits(text + 13), 30 + 3 * ticket % 7);
        ck_assert_uint_eq(digits(text + 30), 30 + (3 * ticket + 1) % 7);
        ck_assert_uint_eq(digits(text + 43), 30 + ticket % 7);
        ck_assert_uint_eq(digits(text + 56), 30 + ticket % 7);
        ck_assert_uint_eq(digits(text + 69), 30 + (3 * ticket + 2) % 7);
    }
    template_destroy(&template);
}

TEST(test_random_keys_are_uniform)
{
    /* Breaks when some keys come more often than chance allows: chi-square over 100 keys, at a fixed
     * seed; 148.2 is the 99.9 % point for 99 degrees of freedom. */
    enum { KEYS = 100, TICKETS = 100000 };
    static unsigned seen[2][KEYS];
    order(KEYS_RANDOM, KEYS, 0);
    compile("__rand_int__ __rand_int__");
    for (uint64_t ticket = 0; ticket < TICKETS; ticket++)
        for (int i = 0; i < 2; i++)
            seen[i][digits(render(ticket) + 13 * i)]++;
    for (int i = 0; i < 2; i++) {
        double chi_square = 0, expected = (double)TICKETS / KEYS;
        for (int key = 0; key < KEYS; key++) {
            double difference = seen[i][key] - expected;
            chi_square += difference * difference / expected;
        }
        ck_assert_double_lt(chi_square, 148.2);
        ck_assert_double_gt(chi_square, 56.0); /* too even to be chance */
    }
    template_destroy(&template);
}

TEST(test_warmup_draws_from_another_stream)
{
    /* Breaks when the warm-up asks for the very keys that measuring begins with, so that a server
     * with a cache has them all ready. */
    for (unsigned draws = 1; draws <= 16; draws++) {
        char argument[256] = "";
        for (unsigned i = 0; i < draws; i++)
            memcpy(argument + 12 * (size_t)i, "__rand_int__", 13);
        order(KEYS_RANDOM, 1000000000, 0);
        compile(argument);
        unsigned same = 0;
        for (uint64_t ticket = 0; ticket < 50; ticket++)
            for (uint32_t draw = 0; draw < draws; draw++)
                same += template_draw(&template, ticket, draw) ==
                        template_draw(&template, WORKLOAD_WARMUP_TICKET + ticket, draw);
        ck_assert_msg(same <= 1, "%u of %u the same with %u draws", same, 50 * draws, draws);
        template_destroy(&template);
    }
    order(KEYS_SEQUENTIAL, 1000, 5);
    compile("__rand_int__");
    ck_assert_uint_eq(template_draw(&template, WORKLOAD_WARMUP_TICKET, 0), 5);
    ck_assert_uint_eq(template_draw(&template, WORKLOAD_WARMUP_TICKET + 7, 0), 12);
    template_destroy(&template);
}

TEST(test_seed_gives_keys_and_values)
{
    /* Breaks when a run cannot be repeated, or another seed does not give another one. */
    static char first[256], again[256], other[256];
    order(KEYS_RANDOM, 1000000000, 0);
    spec.load.data_bytes = 100;
    for (uint64_t ticket = 0; ticket < 20; ticket++) {
        char *const texts[3] = {first, again, other};
        for (int i = 0; i < 3; i++) {
            spec.load.seed = i == 2 ? 8 : 7;
            compile("__key__ __data__");
            snprintf(texts[i], sizeof first, "%s", render(ticket));
            template_destroy(&template);
        }
        ck_assert_str_eq(first, again);
        ck_assert_int_ne(memcmp(first, other, 16), 0);
        ck_assert_str_ne(first + 17, other + 17);
    }
}

TEST(test_values)
{
    /* Breaks when values have another length than asked for, are not letters, or are all the same. */
    static const size_t sizes[] = {1, 3, 100, 4096};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        static char before[4096];
        unsigned changes = 0;
        order(KEYS_RANDOM, 10, 0);
        spec.load.data_bytes = sizes[i];
        compile("<__data__|__data__>");
        ck_assert_uint_eq(template.byte_count, 2 * sizes[i] + 3);
        for (uint64_t ticket = 0; ticket < 100; ticket++) {
            const char *text = render(ticket);
            ck_assert_int_eq(text[0], '<');
            ck_assert_int_eq(text[1 + sizes[i]], '|');
            ck_assert_int_eq(text[2 + 2 * sizes[i]], '>');
            for (size_t at = 0; at < sizes[i]; at++)
                ck_assert(text[1 + at] >= 'A' && text[1 + at] <= 'Z');
            changes += memcmp(before, text + 1, sizes[i]) != 0;
            memcpy(before, text + 1, sizes[i]);
        }
        ck_assert_uint_ge(changes, sizes[i] >= 3 ? 98 : 80);
        template_destroy(&template);
    }
}

TEST(test_values_and_numbers_mix)
{
    /* Breaks when digits behind a value, or a value behind digits, stand in the wrong place. */
    order(KEYS_SEQUENTIAL, 1000, 0);
    spec.load.data_bytes = 2;
    compile("a__rand_int__b__data__c__rand_int__d__data__e");
    for (uint64_t ticket = 0; ticket < 100; ticket++) {
        const char *text = render(ticket);
        ck_assert_uint_eq(strlen(text), 33);
        ck_assert(text[0] == 'a' && text[13] == 'b' && text[16] == 'c' && text[29] == 'd' &&
                  text[32] == 'e');
        ck_assert_uint_eq(digits(text + 1), 2 * ticket);
        ck_assert_uint_eq(digits(text + 17), 2 * ticket + 1);
    }
    template_destroy(&template);
}

/* The same without looking at each digit: for many numbers. */
static uint64_t number_at(const char *text)
{
    char copy[TEMPLATE_DIGITS + 1] = "";
    memcpy(copy, text, TEMPLATE_DIGITS);
    return strtoull(copy, NULL, 10);
}

/* The tag between the first braces of a text. */
static const char *tag_in(const char *text)
{
    static char tag[TEMPLATE_TAG_BYTES + 1];
    const char *open = strchr(text, '{');
    ck_assert_ptr_nonnull(open);
    ck_assert_int_eq(open[1 + TEMPLATE_TAG_BYTES], '}');
    memcpy(tag, open + 1, TEMPLATE_TAG_BYTES);
    for (const char *c = tag; *c != '\0'; c++)
        ck_assert((*c >= '0' && *c <= '9') || (*c >= 'A' && *c <= 'Z') || (*c >= 'a' && *c <= 'z'));
    return tag;
}

TEST(test_tag_is_the_same_everywhere)
{
    /* Breaks when places of one request have different tags, or a tag is in another slot than the one
     * that the ticket is sent to. */
    static const enum key_order orders[] = {KEYS_ONE, KEYS_RANDOM, KEYS_SEQUENTIAL};
    for (size_t i = 0; i < 3; i++) {
        order(orders[i], i == 0 ? 1 : 12345, i == 0 ? 0 : 7);
        compile("a{tag}__rand_int__ {tag} {tag}__data__{tag}__rand_1st__");
        ck_assert_uint_eq(template.byte_count, 4 * 5 + 12 + 12 + 8 + 3);
        for (uint64_t ticket = 0; ticket < 300; ticket++) {
            const char *text = render(ticket), *tag = tag_in(text);
            ck_assert_uint_eq(slots_of_key(text, 6), template_tag_slot(&template, ticket));
            unsigned count = 0;
            for (const char *at = text; (at = strchr(at, '{')) != NULL; at++, count++)
                ck_assert_int_eq(memcmp(at + 1, tag, TEMPLATE_TAG_BYTES), 0);
            ck_assert_uint_eq(count, 4);
        }
        template_destroy(&template);
    }
}

static void add_text(char *text, size_t text_bytes, const char *more)
{
    size_t used = strlen(text);
    ck_assert_int_lt(snprintf(text + used, text_bytes - used, "%s", more),
                     (int)(text_bytes - used));
}

TEST(test_key_number_keeps_its_tag)
{
    /* Breaks when a key number has one tag in one request and another one in the next, with another seed, order
     * or number of keys in the request: reads would miss what was written. */
    enum { KEYS = 300, OFFSET = 33 };
    static char known[OFFSET + KEYS][TEMPLATE_TAG_BYTES + 1];
    memset(known, 0, sizeof known);
    for (unsigned form = 0; form < 24; form++) {
        char argument[512] = "";
        const unsigned numbers = form % 12 < 10 ? 1 + form % 12 : 1;
        for (unsigned i = 0; i < numbers; i++)
            add_text(argument, sizeof argument, "{tag}__rand_int__");
        order(form < 12 ? KEYS_RANDOM : KEYS_SEQUENTIAL, KEYS, OFFSET);
        spec.load.seed = form;
        spec.load.sequential_random_start = form % 2 == 0;
        compile(argument);
        for (uint64_t ticket = 0; ticket < 1500; ticket++) {
            const char *text = render(ticket);
            for (unsigned i = 0; i < numbers; i++) {
                uint64_t number = number_at(text + (size_t)i * 17 + 5);
                if (number < OFFSET || number >= OFFSET + KEYS)
                    ck_abort_msg("key number %llu", (unsigned long long)number);
                char *tag = known[number];
                if (*tag == '\0')
                    memcpy(tag, text + (size_t)i * 17 + 1, TEMPLATE_TAG_BYTES);
                if (memcmp(tag, text + (size_t)i * 17 + 1, TEMPLATE_TAG_BYTES) != 0)
                    ck_abort_msg("{%s} once, now %.17s", tag, text + (size_t)i * 17);
            }
        }
        template_destroy(&template);
    }
    for (unsigned number = OFFSET; number < OFFSET + KEYS; number++)
        ck_assert_int_ne(known[number][0], '\0');
}

TEST(test_tagged_sequence_covers_each_key)
{
    /* Breaks when keys of a range are left out by requests with several of them, or are asked for more than
     * once a pass although the range is whole tens and ten a multiple of their number. */
    enum { KEYS = 120 };
    for (unsigned numbers = 1; numbers <= 24; numbers++) {
        for (unsigned offset = 0; offset < 30; offset += 7) {
            static unsigned seen[KEYS + 30];
            char argument[512] = "";
            memset(seen, 0, sizeof seen);
            for (unsigned i = 0; i < numbers; i++)
                add_text(argument, sizeof argument, "{tag}__rand_int__");
            order(KEYS_SEQUENTIAL, KEYS, offset);
            spec.load.sequential_random_start = numbers % 2 == 0;
            compile(argument);
            const bool exact = numbers == 1 || (10 % numbers == 0 && offset == 0);
            const uint64_t tickets = exact ? KEYS / numbers : 4 * KEYS;
            for (uint64_t ticket = 0; ticket < tickets; ticket++) {
                const char *text = render(ticket);
                for (unsigned i = 0; i < numbers; i++)
                    seen[number_at(text + (size_t)i * 17 + 5)]++;
            }
            for (unsigned key = offset; key < offset + KEYS; key++)
                ck_assert_msg(exact ? seen[key] == 1 : seen[key] > 0, "key %u with %u: %u", key,
                              numbers, seen[key]);
            template_destroy(&template);
        }
    }
}

TEST(test_tagged_numbers_differ)
{
    /* Breaks when the keys of one request are fewer than it names, or single ones are asked for more often
     * than others: chi-square over 100 keys, 148.2 is the 99.9 % point. */
    static unsigned seen[100];
    order(KEYS_RANDOM, 100, 0);
    compile("{tag}__rand_int__{tag}__rand_int__{tag}__rand_int__");
    for (uint64_t ticket = 0; ticket < 30000; ticket++) {
        const char *text = render(ticket);
        uint64_t numbers[3] = {number_at(text + 5), number_at(text + 22), number_at(text + 39)};
        ck_assert(numbers[0] != numbers[1] && numbers[1] != numbers[2] && numbers[0] != numbers[2]);
        for (int i = 0; i < 3; i++)
            seen[numbers[i]]++;
    }
    double chi_square = 0;
    for (int key = 0; key < 100; key++)
        chi_square += (seen[key] - 900.0) * (seen[key] - 900.0) / 900.0;
    ck_assert_double_lt(chi_square, 3 * 148.2); /* the three of a request are neighbours */
    template_destroy(&template);
}

TEST(test_free_numbers_stay_free)
{
    /* Breaks when a number that is not in one argument with {tag}, such as a score, is drawn from the ten of a
     * key. */
    struct err err = {.code = OK};
    static bool seen[1000];
    unsigned distinct = 0;
    order(KEYS_RANDOM, 1000, 0);
    compile("{tag}__rand_int__{tag}__rand_int__");
    ck_assert_int_eq(template_append_argument(&template, "__rand_int__", 12, &err), OK);
    for (uint64_t ticket = 0; ticket < 10000; ticket++) {
        const char *text = render(ticket);
        ck_assert_uint_eq(number_at(text + 5) / 10, number_at(text + 22) / 10);
        distinct += !seen[number_at(text + 34)];
        seen[number_at(text + 34)] = true;
    }
    ck_assert_uint_gt(distinct, 990);
    template_destroy(&template);
}

TEST_SUITE(template)
