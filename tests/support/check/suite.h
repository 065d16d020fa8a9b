/* A suite whose tests enlist themselves, in place of Check's START_TEST, END_TEST and a function that adds them:
 *
 *     TEST(test_sum)
 *     {
 *         ck_assert_int_eq(1 + 1, 2);
 *     }
 *
 *     TEST_SUITE(sums)                         the last line of tests/unit/test_sums.c
 *
 * Each test is a case of its own and has its name: CK_RUN_CASE=test_sum runs it alone. For test files only. */
#ifndef TESTS_SUPPORT_SUITE_H
#define TESTS_SUPPORT_SUITE_H

#include <check.h>

/* What a test has around it; what is left out is as Check has it. */
struct suite_setting {
    SFun set_up, tear_down; /* in the process of the test, before and after it */
    double timeout_seconds;
};

struct suite_test {
    TTest test;
    int times;
    const struct suite_setting *setting; /* NULL: that of the suite */
    struct suite_test *next;
};

static struct suite_test *suite_tests CK_ATTRIBUTE_UNUSED; /* those of this file */

/* Puts a test among the others, in the order of their lines. */
void suite_enlist(struct suite_test **tests, struct suite_test *test);

Suite *suite_of(const char *name, const struct suite_test *tests,
                const struct suite_setting *setting);

#define TEST(name) SUITE_TEST(name, 1, NULL)

/* A test that runs so many times, with `_i` from 0 on. */
#define LOOP_TEST(name, count) SUITE_TEST(name, count, NULL)

/* The same with a setting of its own, a struct of this file. */
#define TEST_IN(own_setting, name) SUITE_TEST(name, 1, &(own_setting))
#define LOOP_TEST_IN(own_setting, name, count) SUITE_TEST(name, count, &(own_setting))

#define SUITE_TEST(name, count, own_setting)                                                       \
    static void name(int _i);                                                                      \
    static struct suite_test name##_enlisted = {.test = {#name, name, __FILE__, __LINE__},         \
                                                .times = (int)(count),                             \
                                                .setting = (own_setting)};                         \
    __attribute__((constructor)) static void name##_enlist(void)                                   \
    {                                                                                              \
        suite_enlist(&suite_tests, &name##_enlisted);                                              \
    }                                                                                              \
    static void name(int _i CK_ATTRIBUTE_UNUSED)

#define TEST_SUITE(name) TEST_SUITE_WITH(name, .timeout_seconds = 0)

/* With a setting: TEST_SUITE_WITH(sums, .set_up = open_book, .timeout_seconds = 120) */
#define TEST_SUITE_WITH(name, ...)                                                                 \
    Suite *test_##name##_suite(void);                                                              \
    Suite *test_##name##_suite(void)                                                               \
    {                                                                                              \
        return suite_of(#name, suite_tests, &(const struct suite_setting){__VA_ARGS__});           \
    }

#endif
