/* Runs every suite of integration/ and unit/, in this order. CK_RUN_SUITE and CK_RUN_CASE choose, as Check
 * does; VOLLEY_TESTS=integration and VOLLEY_TESTS=unit run one of the two, so that both can run at once. */
#include <check.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

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
    const char *chosen = getenv("VOLLEY_TESTS");
    SRunner *runner = srunner_create(NULL);
    bool unit = false;
    for (size_t i = 0; i < sizeof makers / sizeof makers[0]; i++) {
        if (chosen == NULL || strcmp(chosen, unit ? "unit" : "integration") == 0)
            srunner_add_suite(runner, makers[i]());
        unit |= makers[i] == test_validate_schema_suite; /* the last one of integration/ */
    }
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
