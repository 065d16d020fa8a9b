/* Runs every suite of integration/ and unit/, in this order. CK_RUN_SUITE and CK_RUN_CASE choose, as Check
 * does. For tests/run.sh: VOLLEY_TESTS=list names the suites that may run at once, one a line;
 * VOLLEY_TESTS=NAME runs one of them; VOLLEY_TESTS=alone runs the others, which need the machine for
 * themselves, or what the others have produced. VOLLEY_TESTS=list-alone names those, and
 * VOLLEY_TESTS=list-differing the suites that are run on a second kind of server too. */
#include <check.h>
#include <malloc.h>
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
                                        "test_recorder_server_suite", "test_steer_run_suite",
                                        "test_validate_schema_suite"};
    for (size_t i = 0; i < sizeof alone / sizeof alone[0]; i++)
        if (strcmp(name, alone[i]) == 0)
            return true;
    return false;
}

/* What volley reads of a server that Valkey and Redis, old and new, say in different ways. */
static const char *const differing[] = {
    "test_acl_suite",             /* the words of a refusal, and the categories of commands  */
    "test_analyze_memory_suite",  /* MEMORY STATS: what is counted in used_memory             */
    "test_command_keys_suite",    /* COMMAND INFO and GETKEYS: where the keys are            */
    "test_discover_suite",        /* CLUSTER SHARDS and SLOTS, roles and names in INFO       */
    "test_environment_suite",     /* who it is: server_name, valkey_version, redis_version   */
    "test_info_sampler_suite",    /* the fields of INFO that are sampled                     */
    "test_managed_cluster_suite", /* CLUSTER NODES, and how soon a new cluster is whole      */
    "test_managed_server_suite",  /* its options, and what it says when it does not start    */
    "test_model_sample_suite",    /* CLIENT NO-TOUCH, MEMORY USAGE, and who may ask            */
    "test_profile_suite",         /* INFO commandstats, and the flags of COMMAND INFO         */
    "test_resp3_suite",           /* HELLO 3 and the types of replies                        */
    "test_scout_suite",           /* replies of clusters and sentinels while they change     */
    "test_tracking_suite",        /* CLIENT TRACKING and its messages                        */
};

static bool list(const char *what)
{
    if (strcmp(what, "list-differing") == 0) {
        for (size_t i = 0; i < sizeof differing / sizeof differing[0]; i++)
            puts(differing[i]);
        return true;
    }
    const bool alone = strcmp(what, "list-alone") == 0;
    if (!alone && strcmp(what, "list") != 0)
        return false;
    for (size_t i = 0; i < sizeof suites / sizeof suites[0]; i++)
        if (is_alone(suites[i].name) == alone)
            puts(suites[i].name);
    return true;
}

static bool is_wanted(const char *name)
{
    const char *chosen = getenv("VOLLEY_TESTS");
    if (chosen == NULL)
        return true;
    return strcmp(chosen, "alone") == 0 ? is_alone(name) : strcmp(chosen, name) == 0;
}

int main(void)
{
    const char *chosen = getenv("VOLLEY_TESTS");
    if (chosen != NULL && list(chosen))
        return EXIT_SUCCESS;
    /* glibc takes large blocks from its heap once one was freed, and calloc clears them; rows of intervals are 14 MB. */
    (void)mallopt(M_MMAP_THRESHOLD, 4 * 1024 * 1024);
    /* Check's own 4 s are a threshold that a busy machine passes; this one is for what hangs. */
    (void)setenv("CK_DEFAULT_TIMEOUT", "60", 0);
    SRunner *runner = srunner_create(NULL);
    for (size_t i = 0; i < sizeof suites / sizeof suites[0]; i++)
        if (is_wanted(suites[i].name))
            srunner_add_suite(runner, suites[i].make());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    int run = srunner_ntests_run(runner);
    srunner_free(runner);
    bool nothing_run = run == 0 && getenv("CK_RUN_SUITE") == NULL && getenv("CK_RUN_CASE") == NULL;
    return failed == 0 && !nothing_run ? EXIT_SUCCESS : EXIT_FAILURE;
}
