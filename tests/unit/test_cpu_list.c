#include <check.h>
#include <string.h>

#include "orchestrator/options/cpu_list.h"

Suite *test_cpu_list_suite(void);

static void ck_list(const char *text, const char *expected)
{
    uint32_t cpus[64];
    uint32_t count = 0;
    char back[256];
    ck_assert_msg(cpu_list_parse(cpus, &count, 64, text), "\"%s\" is refused", text);
    ck_assert_str_eq(cpu_list_format(back, sizeof back, cpus, count), expected);
}

START_TEST(lists)
{
    /* workers are pinned to other CPUs than were asked for */
    ck_list("0", "0");
    ck_list("0-3,8,10-11", "0-3,8,10-11");
    ck_list("0-3\n", "0-3");
    ck_list("5,4,3", "5,4,3");
    ck_list("2,0-3,2", "2,0-1,3");
    ck_list("63", "63");
    ck_list("007", "7");
}
END_TEST

START_TEST(not_lists)
{
    /* a slip of the finger pins workers somewhere, or writes behind the array */
    static const char *const texts[] = {
        "",     "\n",    ",",  "0,",   ",0",
        "3-1",  "0-",    "-3", "a",    "0x1",
        "0 ,1", "0--1",  "64", "0-64", "99999999999999999999",
        "1,\n", "0\n\n", "+1",
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
END_TEST

START_TEST(format_is_cut)
{
    /* a long list writes behind the buffer */
    uint32_t cpus[40];
    char text[16];
    for (uint32_t i = 0; i < 40; i++)
        cpus[i] = i * 2;
    memset(text, 'z', sizeof text);
    cpu_list_format(text, 12, cpus, 40);
    ck_assert_str_eq(text, "0,2,4,6,8,1");
    ck_assert_int_eq(text[12], 'z');
}
END_TEST

Suite *test_cpu_list_suite(void)
{
    Suite *suite = suite_create("cpu_list");
    TCase *tcase = tcase_create("cpu_list");
    tcase_add_test(tcase, lists);
    tcase_add_test(tcase, not_lists);
    tcase_add_test(tcase, format_is_cut);
    suite_add_tcase(suite, tcase);
    return suite;
}
