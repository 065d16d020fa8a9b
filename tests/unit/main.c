/* Runs every suite of integration/ and unit/, in this order. CK_RUN_SUITE and CK_RUN_CASE choose, as Check
 * does. VOLLEY_TESTS=I/N runs the I-th of N shares, from 1, which may run at once; what needs the
 * machine for itself, or what the others have produced, is in none of them: VOLLEY_TESTS=alone. */
#include <check.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SUITE(maker) Suite *maker(void);
#include "suites.h"
#undef SUITE

static const struct {
    Suite *(*make)(void);
    const char *name;
} suites[] = {
#define SUITE(maker) {maker, #maker},
#include "suites.h"
#undef SUITE
};

/* They hold volley's times against those of another observer; the last one reads what others wrote. */
static bool is_alone(const char *name)
{
    static const char *const alone[] = {"test_capacity_suite",        "test_failover_suite",
                                        "test_failures_suite",        "test_honesty_suite",
                                        "test_recorder_server_suite", "test_validate_schema_suite"};
    for (size_t i = 0; i < sizeof alone / sizeof alone[0]; i++)
        if (strcmp(name, alone[i]) == 0)
            return true;
    return false;
}

int main(void)
{
    const char *chosen = getenv("VOLLEY_TESTS");
    unsigned share = 0, shares = 0, number = 0;
    if (chosen != NULL && strcmp(chosen, "alone") != 0 &&
        (sscanf(chosen, "%u/%u", &share, &shares) != 2 || share == 0 || share > shares)) {
        fprintf(stderr, "VOLLEY_TESTS=%s: neither alone nor a share such as 1/3\n", chosen);
        return EXIT_FAILURE;
    }
    SRunner *runner = srunner_create(NULL);
    for (size_t i = 0; i < sizeof suites / sizeof suites[0]; i++) {
        bool alone = is_alone(suites[i].name);
        bool wanted =
            chosen == NULL || (shares == 0 ? alone : !alone && number % shares == share - 1);
        number += !alone;
        if (wanted)
            srunner_add_suite(runner, suites[i].make());
    }
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
