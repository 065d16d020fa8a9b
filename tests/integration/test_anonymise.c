/* `volley report --anonymise`: a run to be shown to others. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/check/suite.h"
#include "tests/support/check/support.h"
#include "tests/support/check/trial.h"

static struct trial trial;
static char directory[256];

/* What is the same in both, without what names may be in. */
static void same_figures(const json_t *named, const json_t *renamed)
{
    static const char *const members[] = {"requests",        "rate",       "response_time_us",
                                          "service_time_us", "seconds",    "intervals",
                                          "workers",         "connections"};
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++)
        ck_assert_msg(
            json_equal(json_object_get(named, members[i]), json_object_get(renamed, members[i])),
            "%s", members[i]);
}

TEST(test_no_name_is_left)
{
    /* Breaks when a host, a user, a path, a key or a value stands in a report that was to have none, when figures
     * are others than in the report with names, or when anything is written beside the run. */
    static const char *const names[] = {"127.0.0.1", "bob-of-sales", "customer", "secret_value",
                                        "april",     "ACME",         "acme",     directory};
    struct program program;
    struct stat before, after;
    snprintf(directory, sizeof directory, "%.200s/run", world.tree.path);
    test_server_start(&world.server, NULL);
    trial_start(&trial, "-h", "127.0.0.1", "-p", world.server.port_text, "--client-name",
                "bob-of-sales", "--label", "april", "-r", "50", "-n", "2000", "--interval", "20ms",
                "--out", directory, "--", "lpush", "customer:__key__", "secret_value", ";", "incr",
                "customer:__key__", NULL);
    trial_end(&trial, 0);
    ck_assert_int_eq(stat(directory, &before), 0);
    program_run_volley(&program, "report", directory, "--anonymise", NULL);
    ck_assert_int_eq(program.exit_status, 0);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        ck_assert_msg(strstr(program.out, names[i]) == NULL, "%s is in\n%s", names[i], program.out);
    ck_assert_ptr_nonnull(strstr(program.out, "lpush word"));
    program_free(&program);
    program_run_volley(&program, "report", directory, "--anonymise", "--json", "-", NULL);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        ck_assert_msg(strstr(program.out, names[i]) == NULL, "%s is in the JSON", names[i]);
    json_t *json = json_loads(program.out, 0, NULL);
    same_figures(trial.run, json_array_get(json_object_get(json, "runs"), 0));
    json_decref(json);
    program_free(&program);
    ck_assert_int_eq(stat(directory, &after), 0);
    ck_assert(before.st_mtim.tv_sec == after.st_mtim.tv_sec &&
              before.st_mtim.tv_nsec == after.st_mtim.tv_nsec);
    trial_free(&trial);
}

TEST(test_words_of_others)
{
    /* Breaks when a note, a config file's name, a server's arguments, an alert's name or summary, or the words of a script's error
     * are told. */
    struct program program;
    char config[256], rules[256];
    snprintf(directory, sizeof directory, "%.200s/run", world.tree.path);
    snprintf(config, sizeof config, "%.200s/acme.yaml", world.tree.path);
    temp_tree_write(&world.tree, "/acme.yaml", "clients: 2\n", 0600);
    snprintf(rules, sizeof rules, "%.200s/rules.yaml", world.tree.path);
    temp_tree_write(&world.tree, "/rules.yaml",
                    "alerts: [{alert: ACME.Orders, expr: volley_rate < 1e9, annotations: "
                    "{summary: call bob at 555-0100}}]\n",
                    0600);
    trial_start(&trial, "--managed", "--managed-args", "--maxmemory 77mb", "--config", config,
                "--alerts", rules, "--qps", "100", "--interval", "100ms", "-n", "50", "--out",
                directory, "--", "eval", "return redis.error_reply('ACME bob failed')", "0", NULL);
    trial_end(&trial, 1);
    program_run_volley(&program, "report", directory, "--anonymise", "--json", "-", NULL);
    static const char *const names[] = {"ACME",     "acme",     "bob",    "77mb",
                                        "call bob", "555-0100", "Orders", "failed')"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        ck_assert_msg(strstr(program.out, names[i]) == NULL, "%s is in %.2000s", names[i],
                      strstr(program.out, names[i]));
    ck_assert_ptr_nonnull(strstr(program.out, "alert1 (warning) firing: "));
    program_free(&program);
    trial_free(&trial);
}

TEST(test_long_names)
{
    /* Breaks when the beginning of a name that a title has no room for is left, or a name that is too long is shown. */
    struct program program;
    char name[2100];
    snprintf(directory, sizeof directory, "%.200s/run", world.tree.path);
    memset(name, 'x', sizeof name);
    memcpy(name, "tenant", 6);
    name[180] = '\0';
    trial_start(&trial, "--managed", "-n", "50", "--out", directory, "--", "set", "k", name, NULL);
    trial_end(&trial, 0);
    program_run_volley(&program, "report", directory, "--anonymise", NULL);
    ck_assert_int_eq(program.exit_status, 0);
    ck_assert_ptr_null(strstr(program.out, "tenant"));
    program_free(&program);
    trial_free(&trial);
    snprintf(directory, sizeof directory, "%.200s/long", world.tree.path);
    memset(name, 'x', sizeof name);
    name[2000] = '\0';
    trial_start(&trial, "--managed", "-n", "50", "--out", directory, "--", "set", "k", name, NULL);
    trial_end(&trial, 0);
    program_run_volley(&program, "report", directory, "--anonymise", NULL);
    ck_assert_int_eq(program.exit_status, 4);
    ck_assert_ptr_null(strstr(program.out, "xxx"));
    program_free(&program);
    trial_free(&trial);
}

TEST_SUITE_WITH(anonymise, .set_up = trial_set_up, .tear_down = trial_tear_down)
