/* Runs every suite of unit/ and integration/. CK_RUN_SUITE and CK_RUN_CASE choose, as Check does. */
#include <check.h>
#include <stdlib.h>

#define SUITE(maker) Suite *maker(void);
#include "suites.h"
#undef SUITE

static Suite *(*const makers[])(void) = {
#define SUITE(maker) maker,
#include "suites.h"
#undef SUITE
};

int main(void)
{
    SRunner *runner = srunner_create(NULL);
    for (size_t i = 0; i < sizeof makers / sizeof makers[0]; i++)
        srunner_add_suite(runner, makers[i]());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
