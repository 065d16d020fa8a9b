#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/rng.h"
#include "common/units.h"
#include "tests/support/check/suite.h"

struct sample {
    const char *text;
    uint64_t value;
};

/* What no parser may take. */
static const char *const rubbish[] = {
    "", " ", "-1", "+1", " 1", "1 ", "1 k", "k", ".", ".5", "1.", "1.k", "0x10", "1e3", "1,000",
    "1..5", "1.5.5", "10kk", "10x", "nan", "inf", "1\n", "--1", "1-", "99999999999999999999",
    "18446744073709551616", "0.1234567890123456",
    /* 2^128, and a divisor that would be 0 modulo 2^64 */
    "340282366920938463463374607431768211456",
    "1.0000000000000000000000000000000000000000000000000000000000000000000001"};
#define RUBBISH_COUNT (sizeof rubbish / sizeof rubbish[0])

TEST(reals)
{
    /* Breaks when a number between whole ones is read as another, or its echo does not read as the same. */
    static const struct {
        const char *text;
        double value;
    } good[] = {{"0", 0},
                {"5", 5},
                {"0.99", 0.99},
                {"007.50", 7.5},
                {"0.1234567890123456", 0.1234567890123456},
                {"999999999999999", 999999999999999},
                {"0.000000000000000000000000000001", 1e-30}};
    static const char *const bad[] = {"1k", "1s", "1000000000000000",
                                      "0.0000000000000000000000000000001"};
    char text[UNITS_PLAIN_BYTES];
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        double value = 77, again = 78;
        ck_assert_msg(units_parse_real(&value, good[i].text), "%s", good[i].text);
        ck_assert_msg(value == good[i].value, "%s gave %.17g", good[i].text, value);
        ck_assert(units_parse_real(&again, units_format_plain(text, sizeof text, value)));
        ck_assert_msg(again == value, "%s as %s", good[i].text, text);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        double value = 77;
        ck_assert_msg(!units_parse_real(&value, bad[i]), "%s", bad[i]);
        ck_assert_double_eq(value, 77);
    }
    ck_assert_str_eq(units_format_plain(text, sizeof text, 0.1), "0.1");
    ck_assert_str_eq(units_format_plain(text, sizeof text, 20), "20");
}

TEST(counts)
{
    /* Breaks when -n 10k asks for anything but 10,000 requests. */
    static const struct sample good[] = {{"0", 0},
                                         {"1", 1},
                                         {"007", 7},
                                         {"100000", 100000},
                                         {"10k", 10000},
                                         {"10K", 10000},
                                         {"2.5m", 2500000},
                                         {"2.50000000000000000000m", 2500000},
                                         {"1g", 1000000000},
                                         {"2.0", 2},
                                         {"0.001k", 1},
                                         {"18446744073709551615", UINT64_MAX},
                                         {"18446744073.709551615g", UINT64_MAX}};
    static const char *const bad[] = {"2.5",
                                      "0.0001k",
                                      "10kb",
                                      "1b",
                                      "1s",
                                      "18446744073709551616",
                                      "18446744073.709551616g",
                                      "20000000000g"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        uint64_t value = 77;
        ck_assert_msg(units_parse_count(&value, good[i].text), "%s", good[i].text);
        ck_assert_msg(value == good[i].value, "%s gave %" PRIu64, good[i].text, value);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        uint64_t value = 77;
        ck_assert_msg(!units_parse_count(&value, bad[i]), "%s", bad[i]);
        ck_assert_uint_eq(value, 77);
    }
}

TEST(sizes)
{
    /* Breaks when -d 4kb sends values of another size. */
    static const struct sample good[] = {{"0", 0},
                                         {"64", 64},
                                         {"64b", 64},
                                         {"4kb", 4096},
                                         {"4k", 4096},
                                         {"4KB", 4096},
                                         {"1.5mb", 1572864},
                                         {"0.5k", 512},
                                         {"2gb", 2147483648},
                                         {"2G", 2147483648},
                                         {"1tb", 1ull << 40},
                                         {"1P", 1ull << 50},
                                         {"17179869183.5g", UINT64_MAX - 536870911}};
    static const char *const bad[] = {"1.5", "1.5b", "0.1kb", "1eb", "4kib", "17179869184g", "5s"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        uint64_t value = 77;
        ck_assert_msg(units_parse_size(&value, good[i].text), "%s", good[i].text);
        ck_assert_msg(value == good[i].value, "%s gave %" PRIu64, good[i].text, value);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        uint64_t value = 77;
        ck_assert_msg(!units_parse_size(&value, bad[i]), "%s", bad[i]);
        ck_assert_uint_eq(value, 77);
    }
}

TEST(durations)
{
    /* Breaks when a timeout or a run lasts another time than was asked for. */
    static const struct sample good[] = {{"0", 0},
                                         {"90ns", 90},
                                         {"250us", 250000},
                                         {"1.5ms", 1500000},
                                         {"0.5s", 500000000},
                                         {"0.5", 500000000},
                                         {"10s", 10000000000},
                                         {"10", 10000000000},
                                         {"2m", 120000000000},
                                         {"1h", 3600000000000},
                                         {"7d", 604800000000000},
                                         {"5124095h", 5124095ull * 3600000000000},
                                         {"0.000000001s", 1}};
    static const char *const bad[] = {"1.5ns", "0.0000000001s", "5124096h", "1w", "1k", "1kb"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        uint64_t value = 77;
        ck_assert_msg(units_parse_duration(&value, good[i].text, NS_PER_SECOND), "%s",
                      good[i].text);
        ck_assert_msg(value == good[i].value, "%s gave %" PRIu64, good[i].text, value);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        uint64_t value = 77;
        ck_assert_msg(!units_parse_duration(&value, bad[i], NS_PER_SECOND), "%s", bad[i]);
        ck_assert_uint_eq(value, 77);
    }
    uint64_t value = 0;
    ck_assert(units_parse_duration(&value, "250", NS_PER_MS));
    ck_assert_uint_eq(value, 250 * NS_PER_MS);
    ck_assert(units_parse_duration(&value, "250us", NS_PER_MS));
    ck_assert_uint_eq(value, 250 * NS_PER_US);
}

TEST(rubbish_is_refused)
{
    /* Breaks when a typing error becomes a number that nobody meant. */
    for (size_t i = 0; i < RUBBISH_COUNT; i++) {
        uint64_t value = 77;
        ck_assert_msg(!units_parse_count(&value, rubbish[i]), "count \"%s\"", rubbish[i]);
        ck_assert_msg(!units_parse_size(&value, rubbish[i]), "size \"%s\"", rubbish[i]);
        ck_assert_msg(!units_parse_duration(&value, rubbish[i], 1), "duration \"%s\"", rubbish[i]);
        ck_assert_uint_eq(value, 77);
    }
}

TEST(grouped)
{
    /* Breaks when the final report prints 1,23,456 or runs over its field. */
    static const struct sample samples[] = {{"0", 0},
                                            {"999", 999},
                                            {"1,000", 1000},
                                            {"12,345", 12345},
                                            {"123,456", 123456},
                                            {"1,234,567", 1234567},
                                            {"18,446,744,073,709,551,615", UINT64_MAX}};
    char text[UNITS_GROUPED_BYTES];
    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
        ck_assert_ptr_eq(units_format_grouped(text, sizeof text, samples[i].value), text);
        ck_assert_str_eq(text, samples[i].text);
    }
    char small[5] = "gggg";
    units_format_grouped(small, 4, 1234567);
    ck_assert_str_eq(small, "1,2");
}

TEST(grouped_reals)
{
    /* Breaks when digits behind the point are separated, or a size that has no digits to group is. */
    char text[UNITS_REAL_BYTES];
    ck_assert_str_eq(units_format_real(text, sizeof text, 1234567.891, 2), "1,234,567.89");
    ck_assert_str_eq(units_format_real(text, sizeof text, 999.9996, 3), "1,000.000");
    ck_assert_str_eq(units_format_real(text, sizeof text, 0.12345, 4), "0.1235");
    ck_assert_str_eq(units_format_real(text, sizeof text, 1e300, 1), "1.0e+300");
    ck_assert_str_eq(UNITS_REAL(12345.0, 0), "12,345");
    ck_assert_str_eq(UNITS_GROUPED(12345), "12,345");
}

TEST(durations_print_back)
{
    /* Breaks when the echoed duration, given to volley again, means another one. */
    static const struct sample samples[] = {{"0s", 0},
                                            {"1s", NS_PER_SECOND},
                                            {"250ms", 250 * NS_PER_MS},
                                            {"90s", 90 * NS_PER_SECOND},
                                            {"1500ms", 1500 * NS_PER_MS},
                                            {"2m", 120 * NS_PER_SECOND},
                                            {"1h", 3600 * NS_PER_SECOND},
                                            {"1ns", 1},
                                            {"1001us", 1001 * NS_PER_US}};
    char text[40];
    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++)
        ck_assert_str_eq(units_format_duration(text, sizeof text, samples[i].value),
                         samples[i].text);
    for (uint64_t i = 0; i < 20000; i++) {
        uint64_t duration = rng_at(1, i) >> (rng_at(2, i) & 63);
        if (i % 2 == 0)
            duration -= duration % NS_PER_MS;
        uint64_t again = 77;
        units_format_duration(text, sizeof text, duration);
        ck_assert_msg(units_parse_duration(&again, text, NS_PER_SECOND), "%s", text);
        ck_assert_msg(again == duration, "%s", text);
    }
}

TEST(sizes_print)
{
    /* Breaks when a memory figure in the report is off by a power or shows 1024 KB. */
    static const struct sample samples[] = {
        {"0 B", 0},        {"64 B", 64},         {"1023 B", 1023},     {"1 KB", 1024},
        {"1.5 KB", 1536},  {"1.25 MB", 1310720}, {"1.05 MB", 1101005}, {"1 MB", 1048575},
        {"1 MB", 1048576}, {"1.5 MB", 1572864},  {"2 GB", 2147483648}, {"16 EB", UINT64_MAX}};
    char text[40];
    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++)
        ck_assert_str_eq(units_format_size(text, sizeof text, samples[i].value), samples[i].text);
}

TEST(numbers_come_back)
{
    /* Breaks when a number loses digits between text and value. */
    for (uint64_t i = 0; i < 20000; i++) {
        uint64_t value = rng_at(3, i) >> (rng_at(4, i) & 63);
        char text[40];
        uint64_t again = 77;
        snprintf(text, sizeof text, "%" PRIu64, value);
        ck_assert(units_parse_count(&again, text));
        ck_assert_uint_eq(again, value);
        ck_assert(units_parse_size(&again, text));
        ck_assert_uint_eq(again, value);
        snprintf(text, sizeof text, "%" PRIu64 ".%03" PRIu64 "k", value / 1000, value % 1000);
        ck_assert(units_parse_count(&again, text));
        ck_assert_uint_eq(again, value);
    }
}

TEST(digits_are_bounded)
{
    /* Breaks when a number that a server sends is taken beyond its bound, wraps round, or is read with a unit or
     * a sign. */
    static const struct {
        const char *text;
        uint64_t max;
        bool taken;
        uint64_t value;
    } cases[] = {
        {"0", 0, true, 0},
        {"1", 0, false, 0},
        {"65535", 65535, true, 65535},
        {"65536", 65535, false, 0},
        {"00000000000000000000000007", 9, true, 7},
        {"18446744073709551615", UINT64_MAX, true, UINT64_MAX},
        {"18446744073709551616", UINT64_MAX, false, 0},
        {"99999999999999999999", UINT64_MAX, false, 0},
        {"9223372036854775807", INT64_MAX, true, INT64_MAX},
        {"9223372036854775808", INT64_MAX, false, 0},
        {"", 9, false, 0},
        {"-1", 9, false, 0},
        {"+1", 9, false, 0},
        {" 1", 9, false, 0},
        {"1k", 9999, false, 0},
        {"1.0", 99, false, 0},
        {"\xb1", 9, false, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint64_t value = 77;
        bool taken = units_parse_digits(&value, cases[i].text, strlen(cases[i].text), cases[i].max);
        ck_assert_msg(taken == cases[i].taken, "%s", cases[i].text);
        ck_assert_uint_eq(value, taken ? cases[i].value : 77);
    }
    uint64_t value = 0;
    ck_assert(units_parse_digits(&value, "123", 2, 99));
    ck_assert_uint_eq(value, 12);
}

TEST(test_lists)
{
    /* Breaks when a word of a list is passed over, or one that is missing between two commas is. */
    static const struct {
        const char *list;
        char separator;
        const char *words;
    } cases[] = {
        {"a", ',', "<a>"},
        {" a , b c,d ", ',', "<a><b c><d>"},
        {"a,,b,", ',', "<a><><b><>"},
        {"", ',', "<>"},
        {" ,", ',', "<><>"},
        {"a bc  d ", ' ', "<a><bc><d>"},
        {"", ' ', ""},
        {"  ", ' ', ""},
        {NULL, ' ', ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char words[64] = "";
        struct list_word word;
        for (const char *at = cases[i].list; list_next(&word, &at, cases[i].separator);) {
            size_t used = strlen(words);
            snprintf(words + used, sizeof words - used, "<%.*s>", (int)word.byte_count, word.text);
        }
        ck_assert_str_eq(words, cases[i].words);
    }
    ck_assert(list_has("ab b", ' ', "b", 1) && list_has("a,bc", ',', "bc", 2));
    ck_assert(!list_has("ab bc", ' ', "b", 1) && !list_has(NULL, ',', "b", 1));
}

TEST(test_percent)
{
    /* Breaks when the sign counts, or what is no share is taken as one. */
    static const char *const bad[] = {"", "%", "0", "0%", "-5%", "5%%", "5 %", "1001%", "five"};
    double part = 0;
    ck_assert(units_parse_percent(&part, "5%", 1000) && part == 0.05);
    ck_assert(units_parse_percent(&part, "12.5", 1000) && part == 0.125);
    ck_assert(units_parse_percent(&part, "1000%", 1000) && part == 10);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_assert_msg(!units_parse_percent(&part, bad[i], 1000), "%s", bad[i]);
}

TEST(test_whole)
{
    /* Breaks when an amount that no number of 64 bits holds is undefined behaviour. */
    ck_assert_uint_eq(units_whole(1.5), 2);
    ck_assert_uint_eq(units_whole(0x1p63), 1ull << 63);
    ck_assert_uint_eq(units_whole(0x1p64), UINT64_MAX);
    ck_assert_uint_eq(units_whole(INFINITY), UINT64_MAX);
    ck_assert_uint_eq(units_whole(-1e300), 0);
    ck_assert_uint_eq(units_whole(NAN), 0);
}

TEST(test_figures)
{
    /* Breaks when a number of an alert is told with an exponent, or with digits that say nothing. */
    static const struct {
        double value;
        int digits;
        const char *text;
    } cases[] = {
        {15097.854999999999, 4, "15,100"},
        {1007620, 4, "1,008,000"},
        {1007620, 6, "1,007,620"},
        {-1234.5, 4, "-1,234"},
        {999.96, 4, "1,000"},
        {0, 4, "0"},
        {12.4, 4, "12.4"},
        {0.0125, 4, "0.0125"},
        {1, 4, "1"},
        {1e14, 4, "100,000,000,000,000"},
        {1e15, 4, "1e+15"},
        {1e300, 4, "1e+300"},
        {INFINITY, 4, "inf"},
    };
    char text[UNITS_REAL_BYTES];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        ck_assert_str_eq(units_format_figure(text, sizeof text, cases[i].value, cases[i].digits),
                         cases[i].text);
}

TEST_SUITE(units)
