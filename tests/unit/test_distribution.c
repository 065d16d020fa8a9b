#include <stdio.h>
#include <string.h>

#include "orchestrator/options/distribution.h"
#include "tests/support/check/suite.h"

static struct key_order_wish keys(const char *text)
{
    struct key_order_wish wish;
    struct err err = {0};
    ck_assert_msg(distribution_parse_keys(&wish, text, &err) == OK, "%s: %s", text, err.text);
    return wish;
}

static struct size_wish sizes(const char *text)
{
    struct size_wish wish;
    struct err err = {0};
    ck_assert_msg(distribution_parse_sizes(&wish, text, &err) == OK, "%s: %s", text, err.text);
    return wish;
}

TEST(words_of_keys)
{
    /* Breaks when a word means another distribution, or what is left out another default. */
    ck_assert_int_eq(keys("uniform").kind, ORDER_UNIFORM);
    ck_assert_int_eq(keys("seq").kind, ORDER_SEQUENTIAL);
    ck_assert_int_eq(keys("Sequential").kind, ORDER_SEQUENTIAL);
    ck_assert_int_eq(keys("parallel").kind, ORDER_PARALLEL);
    ck_assert_int_eq(keys("walk").kind, ORDER_WALK);

    ck_assert_int_eq(keys("ZIPF").kind, ORDER_ZIPF);
    ck_assert(keys("zipf").scattered);
    ck_assert_double_eq(keys("zipf").exponent, 0.99);
    ck_assert_double_eq(keys("zipf:1").exponent, 1);
    ck_assert_double_eq(keys("zipf:0").exponent, 0);
    ck_assert_double_eq(keys("zipf:5.0").exponent, 5);
    ck_assert_int_eq(keys("latest:1.25").kind, ORDER_LATEST);
    ck_assert_double_eq(keys("latest:1.25").exponent, 1.25);
    ck_assert(!keys("latest").scattered);

    ck_assert_int_eq(keys("gaussian").kind, ORDER_GAUSSIAN);
    ck_assert_double_eq(keys("gaussian").deviation, 1.0 / 6);
    ck_assert_double_eq(keys("gaussian:0.01").deviation, 0.01);
    ck_assert_int_eq(keys("exponential").kind, ORDER_EXPONENTIAL);
    ck_assert_double_eq(keys("exponential").scale, 0.1);
    ck_assert_double_eq(keys("exponential:0.5").scale, 0.5);

    const struct key_order_wish hot = keys("hotset:10/90");
    ck_assert_int_eq(hot.kind, ORDER_HOTSET);
    ck_assert(hot.scattered);
    ck_assert_double_eq(hot.hot_keys, 0.1);
    ck_assert_double_eq(hot.hot_draws, 0.9);
    ck_assert_double_eq(keys("hotset:0.1/100").hot_keys, 0.001);
}

TEST(words_of_sizes)
{
    /* Breaks when one of two spellings of a distribution means another one, or a unit of a size is lost. */
    ck_assert_int_eq(sizes("64").kind, SIZE_FIXED);
    ck_assert_uint_eq(sizes("64").least_bytes, 64);
    ck_assert_uint_eq(sizes("1.5kb").least_bytes, 1536);
    ck_assert_uint_eq(sizes("512mb").least_bytes, SIZE_BYTES_MAX);
    static const char *const ranges[] = {"64-4kb", "range:64-4kb", "RANGE: 64 - 4096"};
    for (unsigned i = 0; i < 3; i++) {
        const struct size_wish range = sizes(ranges[i]);
        ck_assert_int_eq(range.kind, SIZE_RANGE);
        ck_assert_uint_eq(range.least_bytes, 64);
        ck_assert_uint_eq(range.most_bytes, 4096);
    }
    static const char *const weights[] = {"weights:64:80,4kb:20", "list:64:80,4096:20",
                                          "bimodal:64/4kb/80"};
    for (unsigned i = 0; i < 3; i++) {
        const struct size_wish wish = sizes(weights[i]);
        ck_assert_int_eq(wish.kind, SIZE_WEIGHTS);
        ck_assert_uint_eq(wish.weight_count, 2);
        ck_assert_uint_eq(wish.weights[0].bytes, 64);
        ck_assert_double_eq(wish.weights[0].weight, 80);
        ck_assert_uint_eq(wish.weights[1].bytes, 4096);
        ck_assert_double_eq(wish.weights[1].weight, 20);
    }
    ck_assert_double_eq(sizes("list:1:0,2:0.25").weights[1].weight, 0.25);
    const struct size_wish lognormal = sizes("lognormal:200:4kb");
    ck_assert_int_eq(lognormal.kind, SIZE_LOGNORMAL);
    ck_assert_uint_eq(lognormal.median_bytes, 200);
    ck_assert_uint_eq(lognormal.p99_bytes, 4096);
    ck_assert_uint_eq(lognormal.most_bytes, 65536);
    ck_assert_uint_eq(sizes("lognormal:200:4kb:1mb").most_bytes, 1 << 20);
    ck_assert_uint_eq(sizes("lognormal:200:400mb").most_bytes, SIZE_BYTES_MAX);
    const struct size_wish pareto = sizes("pareto:64:2");
    ck_assert_int_eq(pareto.kind, SIZE_PARETO);
    ck_assert_uint_eq(pareto.least_bytes, 64);
    ck_assert_double_eq(pareto.shape, 2);
    ck_assert_uint_eq(pareto.most_bytes, 64 * 10 * 16);
    ck_assert_uint_eq(sizes("pareto:64:0.01").most_bytes, SIZE_BYTES_MAX);
    ck_assert_uint_eq(sizes("pareto:64:1.16:64kb").most_bytes, 65536);
}

TEST(there_and_back)
{
    /* Breaks when an echo does not repeat the run that it tells of: each text's wish, written and read again. */
    static const char *const key_texts[] = {"uniform",
                                            "sequential",
                                            "parallel",
                                            "walk",
                                            "zipf:0.99",
                                            "zipf:1.0000000000000002",
                                            "latest:0.5",
                                            "gaussian:0.02",
                                            "exponential:0.1",
                                            "hotset:10/90",
                                            "hotset:7/29",
                                            "hotset:0.3/99.9",
                                            "hotset:0.000104444444446/0"};
    char text[DISTRIBUTION_SIZES_BYTES];
    for (unsigned i = 0; i < sizeof key_texts / sizeof key_texts[0]; i++) {
        const struct key_order_wish wish = keys(key_texts[i]);
        ck_assert_str_eq(distribution_format_keys(text, sizeof text, &wish), key_texts[i]);
    }
    static const char *const size_texts[] = {"64",
                                             "1-536870912",
                                             "weights:64:80,4096:20",
                                             "weights:1:0.1,2:0,3:1.7",
                                             "lognormal:200:4096:65536",
                                             "pareto:64:1.16:65536"};
    for (unsigned i = 0; i < sizeof size_texts / sizeof size_texts[0]; i++) {
        const struct size_wish wish = sizes(size_texts[i]);
        ck_assert_str_eq(distribution_format_sizes(text, sizeof text, &wish), size_texts[i]);
    }
}

TEST(longest_text_fits)
{
    /* Breaks when the echo of 32 weights with all their digits is cut. */
    char given[DISTRIBUTION_SIZES_BYTES] = "weights:", text[DISTRIBUTION_SIZES_BYTES];
    for (unsigned i = 0; i < SIZE_WEIGHTS_MAX; i++)
        snprintf(given + strlen(given), sizeof given - strlen(given),
                 "%s536870912:123456789012.123456789012345678901234567890", i > 0 ? "," : "");
    const struct size_wish wish = sizes(given);
    ck_assert_uint_eq(wish.weight_count, SIZE_WEIGHTS_MAX);
    const struct size_wish again = sizes(distribution_format_sizes(text, sizeof text, &wish));
    ck_assert_double_eq(again.weights[31].weight, wish.weights[31].weight);
}

TEST(refused_keys)
{
    /* Breaks when a text that is not understood means something, or the reason does not name what is allowed. */
    static const char *const cases[][2] = {
        {"", "unknown distribution; allowed: uniform, sequential, zipf[:EXPONENT]"},
        {"zipff:1", "did you mean zipf?"},
        {"gausian:0.1", "did you mean gaussian?"},
        {"10", "unknown distribution"},
        {"uniform:1", "allowed: uniform"},
        {"walk:", "allowed: walk"},
        {"zipf:", "zipf:EXPONENT with 0 to 5"},
        {"zipf:5.01", "0 to 5"},
        {"zipf:-1", "0 to 5"},
        {"zipf:nan", "0 to 5"},
        {"zipf:inf", "0 to 5"},
        {"zipf:1e0", "0 to 5"},
        {"zipf:0x1", "0 to 5"},
        {"zipf:1:2", "0 to 5"},
        {"zipf:0.00000000000000000000000000000000000000000000000000000000000000000001", "0 to 5"},
        {"latest:6", "latest:EXPONENT with 0 to 5"},
        {"gaussian:0", "above 0 to 1000"},
        {"gaussian:1001", "above 0 to 1000"},
        {"exponential:0", "above 0 to 1000"},
        {"exponential:x", "exponential:SCALE"},
        {"hotset", "hotset:KEYS/DRAWS"},
        {"hotset:10", "as in hotset:10/90"},
        {"hotset:10/90/1", "0 to 100"},
        {"hotset:0/90", "above 0"},
        {"hotset:10/101", "0 to 100"},
        {"hotset:101/10", "0 to 100"},
        {"hotset:-1/90", "0 to 100"},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct key_order_wish wish = {.kind = ORDER_WALK, .exponent = 7};
        struct err err = {0};
        ck_assert_msg(distribution_parse_keys(&wish, cases[i][0], &err) == E_USAGE, "%s",
                      cases[i][0]);
        ck_assert_msg(strstr(err.text, cases[i][1]) != NULL, "%s: %s", cases[i][0], err.text);
        ck_assert(wish.kind == ORDER_WALK && wish.exponent == 7);
    }
}

TEST(refused_sizes)
{
    /* Breaks when a size that no server takes is asked for, or weights that give no probability. */
    static const char *const cases[][2] = {
        {"", "unknown distribution; allowed: SIZE, A-B, weights:"},
        {"-5", "unknown distribution"},
        {"wieghts:1:2", "did you mean weights?"},
        {"log-normal:1:2", "did you mean lognormal?"},
        {"0", "a size is 1 byte to 512mb"},
        {"513mb", "a size is 1 byte to 512mb"},
        {"1tb", "allowed: SIZE, A-B"},
        {"10 20", "allowed: SIZE"},
        {"1.5", "allowed: SIZE"},
        {"20-10", "allowed: SIZE, A-B"},
        {"range:20-10", "the smaller size first"},
        {"range:0-10", "1 byte"},
        {"range:1-513mb", "512mb"},
        {"range:1-2-3", "range:A-B"},
        {"range:1", "range:A-B"},
        {"range", "range:A-B"},
        {"weights", "up to 32 sizes"},
        {"weights:", "SIZE:WEIGHT"},
        {"weights:64", "SIZE:WEIGHT"},
        {"weights:64:", "SIZE:WEIGHT"},
        {"weights:64:1,", "SIZE:WEIGHT"},
        {"weights:64:-1,5:5", "weights 0 or more"},
        {"weights:64:nan", "weights 0 or more"},
        {"weights:64:inf", "weights 0 or more"},
        {"weights:64:0,65:0", "not all 0"},
        {"weights:0:1", "1 byte"},
        {"list:64:1:2", "list:SIZE:WEIGHT"},
        {"bimodal:1/2", "bimodal:A/B/P"},
        {"bimodal:1/2/101", "0 to 100"},
        {"bimodal:1/2/3/4", "bimodal:A/B/P"},
        {"lognormal:100", "lognormal:MEDIAN:P99"},
        {"lognormal:100:99", "none below the one before"},
        {"lognormal:100:200:199", "none below the one before"},
        {"lognormal:0:200", "1 byte"},
        {"lognormal:100:200:300:400", "lognormal:MEDIAN:P99:MAX"},
        {"pareto:64:0", "a shape above 0"},
        {"pareto:64:nan", "a shape above 0"},
        {"pareto:64:1:63", "MAX not below MIN"},
        {"pareto:64", "pareto:MIN:SHAPE"},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct size_wish wish = {.kind = SIZE_PARETO, .shape = 7};
        struct err err = {0};
        ck_assert_msg(distribution_parse_sizes(&wish, cases[i][0], &err) == E_USAGE, "%s",
                      cases[i][0]);
        ck_assert_msg(strstr(err.text, cases[i][1]) != NULL, "%s: %s", cases[i][0], err.text);
        ck_assert(wish.kind == SIZE_PARETO && wish.shape == 7);
    }
    char many[512] = "weights:1:1";
    for (unsigned i = 0; i < SIZE_WEIGHTS_MAX; i++)
        snprintf(many + strlen(many), sizeof many - strlen(many), ",1:1");
    struct size_wish wish;
    ck_assert_int_eq(distribution_parse_sizes(&wish, many, NULL), E_USAGE);
}

TEST(words_to_complete)
{
    /* Breaks when completion offers a word that is refused, or leaves one out. */
    struct key_order_wish wish;
    size_t count = 0;
    for (; distribution_key_word_at(count) != NULL; count++) {
        const char *word = distribution_key_word_at(count);
        if (strcmp(word, "hotset") != 0) { /* which needs its two numbers */
            ck_assert_int_eq(distribution_parse_keys(&wish, word, NULL), OK);
            ck_assert_uint_eq(wish.kind, count);
        }
    }
    ck_assert_uint_eq(count, ORDER_WALK + 1);
}

TEST_SUITE(distribution)
