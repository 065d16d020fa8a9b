#include "tests/support/check/suite.h"

void suite_enlist(struct suite_test **tests, struct suite_test *test)
{
    while (*tests != NULL && (*tests)->test.line < test->test.line)
        tests = &(*tests)->next;
    test->next = *tests;
    *tests = test;
}

static void add(Suite *suite, const struct suite_test *test, const struct suite_setting *setting)
{
    TCase *tcase = tcase_create(test->test.name);
    tcase_add_checked_fixture(tcase, setting->set_up, setting->tear_down);
    if (setting->timeout_seconds > 0)
        tcase_set_timeout(tcase, setting->timeout_seconds);
    tcase_add_loop_test(tcase, &test->test, 0, test->times);
    suite_add_tcase(suite, tcase);
}

Suite *suite_of(const char *name, const struct suite_test *tests,
                const struct suite_setting *setting)
{
    Suite *suite = suite_create(name);
    for (const struct suite_test *test = tests; test != NULL; test = test->next)
        add(suite, test, test->setting != NULL ? test->setting : setting);
    return suite;
}
