/* What volley says around a result: the log, the banner, the plan, the help, the completion. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/check/run.h"

Suite *test_texts_suite(void);

static void expect(const char *text, const char *wanted)
{
    ck_assert_ptr_nonnull(wanted);
    ck_assert_msg(strstr(text, wanted) != NULL, "\"%s\" is not in:\n%s", wanted, text);
}

static void expect_not(const char *text, const char *unwanted)
{
    ck_assert_msg(strstr(text, unwanted) == NULL, "\"%s\" is in:\n%s", unwanted, text);
}

START_TEST(the_log_tells_the_session)
{
    /* breaks if --log-level info and debug show nothing of what was done, or show it unasked */
    struct program bench;
    program_run_volley(&bench, "bench", "--managed", "-n", "100", "-t", "set", "-r", "100", "-q",
                       "--processes", "1", "--log-level", "info", NULL);
    ck_assert_msg(bench.exit_status == 0, "%s", bench.err);
    expect(bench.err, "volley: plan: 1 worker: --processes 1.\n");
    expect(bench.err, "volley: started /");
    expect(bench.err, "volley: SET: begins on 127.0.0.1:");
    expect(bench.err, "volley: SET: ended after ");
    expect(bench.err, "volley: stopping the server (pid ");
    expect_not(bench.err, "volley: worker 0: ");
    program_free(&bench);

    program_run_volley(&bench, "bench", "--null", "-n", "100", "-r", "100", "-c", "2",
                       "--processes", "1", "--debug", NULL);
    ck_assert_msg(bench.exit_status == 0, "%s", bench.err);
    expect(bench.err, "volley: SET: begins on null transport\n");
    expect(bench.err, "volley: worker 0: ");
    program_free(&bench);

    program_run_volley(&bench, "bench", "--null", "-n", "100", "-r", "100", NULL);
    ck_assert_str_eq(bench.err, "");
    program_free(&bench);
}
END_TEST

START_TEST(fixed_keys_are_told)
{
    /* breaks if the banner claims a key range that the command does not use, or is silent */
    static const struct {
        const char *arguments[3];
        const char *banner, *plan;
    } cases[] = {
        {{"ping"}, "Keys: fixed by the command\n", "none: the request is always the same\n"},
        {{"set", "a", "__data__"},
         "Keys: fixed by the command\n",
         "none: the keys are fixed by the command\n"},
        {{"get", "__key__"}, "Keys: 1,000, random\n", "000000000000 to 000000000999, at random"},
    };
    const char *const *arguments = cases[_i].arguments;
    struct program bench;
    program_run_volley(&bench, "bench", "--null", "-n", "10", "-c", "1", "-r", "1000", "--",
                       arguments[0], arguments[1], arguments[2], NULL);
    ck_assert_msg(bench.exit_status == 0, "%s", bench.err);
    expect(bench.out, cases[_i].banner);
    program_free(&bench);
    program_run_volley(&bench, "bench", "--null", "-r", "1000", "--explain", "--", arguments[0],
                       arguments[1], arguments[2], NULL);
    expect(bench.out, cases[_i].plan);
    program_free(&bench);
}
END_TEST

Suite *test_texts_suite(void)
{
    Suite *suite = suite_create("texts");
    TCase *tcase = tcase_create("volley");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, the_log_tells_the_session);
    tcase_add_loop_test(tcase, fixed_keys_are_told, 0, 3);
    suite_add_tcase(suite, tcase);
    return suite;
}
