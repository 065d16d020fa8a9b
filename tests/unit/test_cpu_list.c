#include <string.h>

#include "common/cpu_list.h"
#include "tests/support/check/suite.h"

TEST(lists)
{
    /* workers are pinned to other CPUs than were asked for, or in another order */
    static const struct {
        const char *text;
        uint32_t count, cpus[8];
    } cases[] = {
        {"0", 1, {0}},           {"0-3,8,10-11", 7, {0, 1, 2, 3, 8, 10, 11}},
        {"5,4,3", 3, {5, 4, 3}}, {"2,0-3,2", 4, {2, 0, 1, 3}},
        {"63", 1, {63}},         {"007", 1, {7}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint32_t cpus[64], count = 0;
        ck_assert_msg(cpu_list_parse(cpus, &count, 64, cases[i].text), "\"%s\" is refused",
                      cases[i].text);
        ck_assert_uint_eq(count, cases[i].count);
        ck_assert_mem_eq(cpus, cases[i].cpus, count * sizeof cpus[0]);
    }
}

TEST(not_lists)
{
    /* a slip of the finger pins workers somewhere, or writes behind the array */
    static const char *const texts[] = {
        "",     "\n",   ",",  "0,",   ",0",
        "3-1",  "0-",   "-3", "a",    "0x1",
        "0 ,1", "0--1", "64", "0-64", "99999999999999999999",
        "1,\n", "0\n",  "+1",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        uint32_t cpus[64];
        uint32_t count = 77;
        memset(cpus, 0xaa, sizeof cpus);
        ck_assert_msg(!cpu_list_parse(cpus, &count, 64, texts[i]), "\"%s\" is taken", texts[i]);
        ck_assert_uint_eq(count, 77);
        ck_assert_uint_eq(cpus[0], 0xaaaaaaaau);
    }
}

TEST_SUITE(cpu_list)
