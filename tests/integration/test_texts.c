/* What volley says around a result: the log, the banner, the plan, the help, the completion. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/check/run.h"
#include "tests/support/check/suite.h"
#include "tests/support/check/temp_tree.h"

static void expect(const char *text, const char *wanted)
{
    ck_assert_ptr_nonnull(wanted);
    ck_assert_msg(strstr(text, wanted) != NULL, "\"%s\" is not in:\n%s", wanted, text);
}

static void expect_not(const char *text, const char *unwanted)
{
    ck_assert_msg(strstr(text, unwanted) == NULL, "\"%s\" is in:\n%s", unwanted, text);
}

TEST(the_log_tells_the_session)
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

TEST(help_knows_the_commands)
{
    /* breaks if `volley help COMMAND` ignores its word, or one form of help hides the other commands */
    static const char others[] =
        "Other commands, such as run (scenarios), visualize (their samples) and find-max: volley "
        "help\n";
    struct program help, bench;
    program_run_volley(&help, "help", "bench", NULL);
    program_run_volley(&bench, "bench", "--help", NULL);
    ck_assert_int_eq(help.exit_status, 0);
    ck_assert_str_eq(help.out, bench.out);
    ck_assert_str_eq(bench.out + bench.out_bytes - sizeof others + 1, others);
    program_free(&help);
    program_run_volley(&help, "help", "report", NULL);
    expect(help.out, "usage: volley report DIR [OPTIONS] | DIR DIR... --html FILE\n");
    program_free(&help);
    program_run_volley(&help, "help", "docs", NULL);
    expect(help.out, "\n  completion    completion for bash: source <(volley docs completion)\n");
    program_free(&help);
    program_run_volley(&help, "help", "version", NULL);
    expect(help.out, "\n  docs             completion for bash, ");
    expect(help.out, "usage: volley [COMMAND] [OPTIONS]\n");
    program_free(&help);
    program_run_volley(&help, "help", "bnch", NULL);
    ck_assert_int_eq(help.exit_status, 2);
    expect(help.err, "there is no command \"bnch\"");
    ck_assert_str_eq(help.out, "");
    program_free(&help);
    program_free(&bench);
}

/* Whether somebody listens where volley looks when no server is named. */
static bool usual_port_is_taken(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(6379)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(fd, 0);
    bool taken = connect(fd, (struct sockaddr *)&address, sizeof address) == 0;
    close(fd);
    return taken;
}

TEST(who_names_no_server_is_advised)
{
    /* breaks if a first try without a server ends in a bare "Connection refused", or if the advice
     * is given to who has followed it */
    static const char advice[] = "name a server with -h and -p, or let volley start one";
    struct program bench;
    program_run_volley(&bench, "bench", "-h", "127.0.0.1", "-p", "1", NULL);
    ck_assert_int_eq(bench.exit_status, 5);
    expect(bench.err, "cannot connect to 127.0.0.1:1: Connection refused\n");
    program_free(&bench);
    if (usual_port_is_taken())
        return;
    program_run_volley(&bench, "bench", "-n", "1", NULL);
    ck_assert_int_eq(bench.exit_status, 5);
    expect(bench.err, "cannot connect to 127.0.0.1:6379: Connection refused; ");
    expect(bench.err, advice);
    program_free(&bench);
}

TEST(standard_input_is_no_name)
{
    /* breaks if what -x reads, however long, becomes the name of the test */
    const char *const argv[] = {program_volley(), "--null", "-n", "10", "-x", "set", "foo", NULL};
    struct program bench;
    program_run(&bench, &(struct program_options){.argv = argv, .stdin_text = "a long value"});
    ck_assert_msg(bench.exit_status == 0, "%s", bench.err);
    expect(bench.out, "\nCommand: set foo <stdin>\n");
    expect_not(bench.out, "a long value");
    program_free(&bench);
}

LOOP_TEST(words_are_completed, 22)
{
    /* breaks if Tab offers nothing where names are hard to remember, or files where there are none */
    static const struct {
        const char *words, *offered;
    } cases[] = {
        {"volley bench -t lpu", "lpush"},
        {"volley --tests set,lpu", "set,lpush"},
        {"volley bench --type pin", "ping ping_inline ping_mbulk"},
        {"volley bench --log-level in", "info"},
        {"volley bench --dura", "--duration"},
        {"volley bench -c ''", ""},
        {"volley report comm", "common"},
        {"volley report --js", "--json"},
        {"volley help be", "bench"},
        {"volley ctl comm", "common"},
        {"volley ctl run.sock ''", "status rate pause resume stop clear-cache note"},
        {"volley ctl --json run.sock pa", "pause"},
        {"volley ctl run.sock rate ''", ""},
        {"volley ctl run.sock --js", "--json"},
        {"volley bench --managed cl", "cluster=3 cluster=3+3"},
        {"volley bench --managed re", "replicas=1"},
        {"volley find-max --managed cluster=3+3,t", "cluster=3+3,tls"},
        {"volley bench --managed --dura", "--duration"},
        {"volley bench --managed = t", "tls"},
        {"volley bench --log-level = in", "info"},
        {"volley bench --log-level =", "error warning info debug"},
        {"volley repo", "report"},
    };
    char script[512];
    snprintf(script, sizeof script,
             "mkdir common; complete() { :; }; eval \"$($VOLLEY docs completion)\"; "
             "COMP_WORDS=(%s); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _volley; "
             "echo -n \"${COMPREPLY[*]}\"",
             cases[_i].words);
    char *program = realpath(program_volley(), NULL), variable[512];
    ck_assert_ptr_nonnull(program);
    snprintf(variable, sizeof variable, "VOLLEY=%s", program);
    free(program);
    struct temp_tree tree;
    temp_tree_make(&tree);
    const char *const argv[] = {"/bin/bash", "-c", script, NULL};
    const char *const environment[] = {variable, NULL};
    struct program bash;
    program_run(&bash, &(struct program_options){
                           .argv = argv, .environment = environment, .directory = tree.path});
    temp_tree_remove(&tree);
    ck_assert_str_eq(bash.err, "");
    ck_assert_str_eq(bash.out, cases[_i].offered);
    program_free(&bash);
}

LOOP_TEST(fixed_keys_are_told, 3)
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

TEST(the_plan_comes_first)
{
    /* breaks if --explain buries the plan under the options, or shares out what is one worker's */
    struct program bench;
    program_run_volley(&bench, "bench", "--null", "--explain", "-c", "1", "-n", "20k", "--cpus",
                       "none", "-t", "ping_mbulk", NULL);
    ck_assert_msg(bench.exit_status == 0, "%s", bench.err);
    ck_assert_ptr_eq(strstr(bench.out, "Workers: 1\n"), bench.out);
    expect(bench.out, "  worker 0    not pinned 1 connection, all requests\n");
    expect(bench.out, "  length        20,000 requests\n");
    const char *step = strstr(bench.out, "\nStep 1: PING_MBULK\n");
    ck_assert_ptr_nonnull(step);
    expect(step, "\nOptions (value, where it came from):\n");
    expect(bench.out, "  requests                 20000                    command line: -n\n");
    program_free(&bench);
    program_run_volley(&bench, "bench", "--null", "--explain", "-c", "5", "--processes", "2", NULL);
    expect(bench.out, " 3 connections, about 1/2 of the requests\n");
    program_free(&bench);
}

TEST(the_plan_groups_thousands)
{
    /* Breaks when the plan writes a number of requests or connections otherwise than the report does. */
    struct program bench;
    program_run_volley(&bench, "bench", "--explain", "-c", "2001", "-n", "1234567", "-P", "4000",
                       "-d", "5000", "--processes", "2", "--cpus", "none", "--idle", "3000",
                       "--reconnect-every", "50000", "--max-reconnects", "1000", NULL);
    ck_assert_msg(bench.exit_status == 0, "%s", bench.err);
    expect(bench.out, "  2,001 connections: 1,001 in each of the first 1 worker, 1,000 in each ");
    expect(bench.out, "  3,000 idle connections beside them.\n");
    expect(bench.out, "not pinned 1,001 connections, about 1/2 of the requests\n");
    expect(bench.out, "  length        1,234,567 requests\n");
    expect(bench.out, "  pipeline      4,000\n");
    expect(bench.out, "  request       5,0");
    expect(bench.out, "... (5,0");
    expect(bench.out, "for 50,000 requests, then");
    expect(bench.out, "3,000 that carry nothing");
    expect(bench.out, "given up after 1,000 failed attempts");
    program_free(&bench);
}

TEST(the_schedule_is_explained)
{
    /* breaks if --explain shows other times, workers or rates than those of the run */
    struct program bench;
    program_run_volley(&bench, "bench", "--null", "--explain", "-r", "9", "--processes", "2",
                       "--start-qps", "100", "--end-qps", "300", "--qps-change-interval", "1",
                       "--qps-change", "100", "--test-duration", "3", "--warmup", "1",
                       "--shed-after", "2s", "-t", "get,set", NULL);
    ck_assert_msg(bench.exit_status == 0, "%s", bench.err);
    ck_assert_str_eq(bench.err, "");
    const char *schedule = strstr(bench.out, "\nSchedule: 100 -> 300/s, +100 every 1 s, even; open "
                                             "loop, pacing auto\n");
    ck_assert_ptr_nonnull(schedule);
    ck_assert_ptr_null(strstr(schedule + 1, "\nSchedule:"));
    expect(schedule, "  warm-up at 100/s\n");
    expect(schedule, "  requests later than 2s are dropped and counted\n");
    expect(schedule, "  0.000000000 s   ticket 0      worker 0\n");
    expect(schedule, "  0.010000000 s   ticket 1      worker 1\n");
    expect(schedule, "  0.090000000 s   ticket 9      worker 1\n");
    ck_assert_ptr_null(strstr(schedule, "ticket 10 "));
    expect(schedule, "  0.000 s               100/s                    0\n");
    expect(schedule, "  1.000 s               200/s                  100\n");
    expect(schedule, "  2.000 s               300/s                  300\n");
    expect(schedule, "  3.000 s               300/s                  600\n");
    program_free(&bench);
    program_run_volley(&bench, "bench", "--null", "--explain", "--clients-ramp-start", "2",
                       "--clients-ramp-end", "9", "--clients-per-ramp", "4",
                       "--client-ramp-interval", "0.5", "-n", "3", "--qps", "0.5", "--arrival",
                       "poisson", "--cpus", "none", NULL);
    ck_assert_msg(bench.exit_status == 0, "%s", bench.err);
    expect(bench.out, "\nSchedule: 0.5/s, poisson; open loop");
    expect(bench.out, "\nClient ramp: 2 to 9 connections in all\n"
                      "            0.000 s          2\n"
                      "            0.500 s          6\n"
                      "            1.000 s          9\n");
    program_free(&bench);
    program_run_volley(&bench, "bench", "--null", "--explain", NULL);
    ck_assert_ptr_null(strstr(bench.out, "Schedule:"));
    ck_assert_ptr_null(strstr(bench.out, "Client ramp:"));
    program_free(&bench);
}

TEST(a_library_prints_nothing)
{
    /* breaks if hwloc prints on stderr that it finds no /sys, as in a chroot */
    struct program bench;
    static const char *const environment[] = {"HWLOC_FSROOT=/usr", NULL};
    const char *const argv[] = {program_volley(), "bench", "--null", "--explain", NULL};
    program_run(&bench, &(struct program_options){.argv = argv, .environment = environment});
    ck_assert_str_eq(bench.err, "");
    ck_assert_int_eq(bench.exit_status, 0);
    program_free(&bench);
}

TEST(wrong_words_get_a_plain_answer)
{
    /* Breaks when a mistake is answered with a rule that it does not break, or with a range that is not
     * the one that counts. */
    static const struct {
        const char *arguments[7];
        const char *says;
    } cases[] = {
        {{"-t", "get", "--rfr", "maybe"},
         "maybe is no value of --read-from-replica, which takes no, yes, all"},
        {{"find-max", "--qps", "5"},
         "--qps is not an option of find-max: it searches the rate itself; --start-rate says"},
        {{"find-max", "-l"}, "-l is an option of bench, and find-max does not take it"},
        {{"sweep", "--csv-interval", "1s"},
         "--csv-interval is an option of bench, and sweep does not take it"},
        {{"report", "/nowhere", "-c", "5"}, "-c is an option of bench, and report does not"},
        {{"sweep", "-n", "5"}, "-n is not an option of sweep: use --step-duration"},
        {{"ctl", "/nowhere", "rate", "0"}, "rate 0: a rate is above 0 and at most 100 million"},
        {{"--null", "--", "5"},
         "5 is a number, which repeats the command behind it, and none follows"},
        {{"--null", "--", "get", "k", ";", "5"}, "5 is a number, which repeats the command"},
        {{"--null", "--", ""}, "a command is needed, and its first word is empty"},
        {{"--null", "--", "0", "ping"}, "repeated \"0\" times; 1 to 10,000 are possible"},
        {{"--null", "-"}, "unexpected argument \"-\""},
        {{"fnid-max"},
         "there is no command \"fnid-max\"; `volley help` lists them; did you mean "
         "find-max?"},
        {{"help", "sweeep"}, "did you mean sweep?"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct program program;
        const char *const *words = cases[i].arguments;
        program_run_volley(&program, words[0], words[1], words[2], words[3], words[4], words[5],
                           NULL);
        ck_assert_msg(program.exit_status == 2, "%s: %d", cases[i].says, program.exit_status);
        expect(program.err, cases[i].says);
        program_free(&program);
    }
}

TEST(the_plan_has_no_sentence_in_two_columns)
{
    /* Breaks when a label of --explain reads on into its value, with two blanks between. */
    struct program program;
    program_run_volley(&program, "--explain", "-t", "get", "-r", "10", NULL);
    ck_assert_int_eq(program.exit_status, 0);
    expect(program.out, "  each lives    for the whole run\n");
    program_free(&program);
}

TEST_SUITE(texts)
