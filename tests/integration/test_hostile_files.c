/* Directories and files that somebody else has prepared: volley writes nothing elsewhere, takes part in no
 * hang, and still reports what can be read. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/check/run.h"
#include "tests/support/check/suite.h"
#include "tests/support/check/temp_tree.h"

#define STRANGER "12345"

static struct temp_tree tree;
static struct program program;

static void set_up(void)
{
    temp_tree_make(&tree);
}

static void tear_down(void)
{
    temp_tree_remove(&tree);
}

static void shell(const char *line, int exit_status)
{
    program_run_shell(&program, tree.path, line, exit_status);
}

static void expect_error(const char *part)
{
    ck_assert_msg(strstr(program.err, part) != NULL, "\"%s\" is not in:\n%s", part, program.err);
    program_free(&program);
}

/* Runs the line, which must end well. */
static void expect(const char *line)
{
    shell(line, 0);
    program_free(&program);
}

static bool is_root(void)
{
    return geteuid() == 0; /* else nobody can be made the owner of anything */
}

/* Names of a run's directory. */
static const char *const own_names[] = {"run.json", "intervals.csv", "latency.hlog", "volley.log",
                                        "journal"};
#define OWN_NAMES (sizeof own_names / sizeof own_names[0])
#define OWN_REPORTED 3 /* the first ones, which report writes where they are missing */

LOOP_TEST(test_report_follows_no_link, OWN_REPORTED)
{
    /* Breaks when a link in a run's directory lets report write where it leads. */
    char line[512];
    snprintf(line, sizeof line,
             "$volley $load --out run && rm run/%s && ln -s ../victim run/%s && $volley report run "
             ">report; status=$?; [ -L run/%s -a ! -e victim ] || exit 9; grep -q requests report "
             "|| exit 8; exit $status",
             own_names[_i], own_names[_i], own_names[_i]);
    expect(line);
}

TEST(test_report_makes_the_others)
{
    /* Breaks when one name that is taken keeps report from completing the others, or when it replaces a
     * file of a further test that stands there. */
    expect("$volley $load -t set,get --out run && rm run/run.json run/intervals.csv "
           "&& echo mine >run/intervals-2.csv && $volley report run >report && "
           "[ -s run/run.json -a -s run/intervals.csv ] && [ $(cat run/intervals-2.csv) = mine ] "
           "&& ! ls run | grep tmp");
}

LOOP_TEST(test_old_temporary_names, OWN_REPORTED)
{
    /* Breaks when a temporary name can be foreseen. */
    char line[512];
    snprintf(line, sizeof line,
             "$volley $load --out run && rm run/%s && ln -s ../victim run/%s.tmp && "
             "$volley report run >report && [ ! -e victim -a -s run/%s ]",
             own_names[_i], own_names[_i], own_names[_i]);
    expect(line);
}

LOOP_TEST(test_bench_follows_no_link, 3 * OWN_NAMES)
{
    /* Breaks when a link in a directory that a run is to go to lets volley write where it leads. */
    static const char *const makers[] = {"echo mine >victim; ln -s ../victim", "ln -s ../victim",
                                         "echo mine >victim; ln victim"};
    const bool hard = _i / OWN_NAMES == 2;
    const char *name = own_names[(size_t)_i % OWN_NAMES];
    char line[512];
    /* A second name of a file is taken away by a rename, and only what is appended to would be hurt. */
    const int status =
        hard && strcmp(name, "volley.log") != 0 && strcmp(name, "journal") != 0 ? 0 : 2;
    snprintf(line, sizeof line,
             "mkdir run; %s run/%s; $volley $load --out run; status=$?; "
             "[ ! -e victim ] || [ \"$(cat victim)\" = mine ] || exit 9; exit $status",
             makers[(size_t)_i / OWN_NAMES], name);
    shell(line, status);
    if (status != 0)
        expect_error(strcmp(name, "journal") == 0 ? "already holds the journal" : "it is a link");
    else
        program_free(&program);
}

LOOP_TEST(test_other_commands_follow_no_link, 2)
{
    /* Breaks when a command with files of its own in that directory writes them where a link leads. */
    static const char *const lines[] = {
        "mkdir run; ln -s ../victim run/sweep.json; $volley sweep --null --step-duration 50ms -r "
        "10 "
        "--clients 1,2 --out run",
        "mkdir run; ln -s ../victim run/find-max.csv; $volley find-max --null --slo 'p99<1ms' "
        "--out run",
    };
    shell(lines[_i], 2);
    expect_error("it is a link");
    expect("[ ! -e victim ]");
}

LOOP_TEST(test_own_name_is_no_special_file, OWN_NAMES)
{
    /* Breaks when a fifo or a device at a name of volley's own is written to, or waited for. */
    char line[256];
    snprintf(line, sizeof line, "mkdir run; mkfifo run/%s; $volley $load --out run", own_names[_i]);
    shell(line, 2);
    expect_error(strcmp(own_names[_i], "journal") == 0 ? "already holds the journal"
                                                       : "not a regular file");
}

LOOP_TEST(test_directory_of_somebody_else, 15)
{
    /* Breaks when volley writes into a directory that somebody else can change under its hands. */
    static const struct {
        const char *line, *message;
    } cases[] = {
        {"mkdir run; chown " STRANGER " run; $volley $load --out run", "belongs to user " STRANGER},
        {"mkdir run; chown " STRANGER " run; $volley $load --out run/new", "belongs to user"},
        {"mkdir run; chown " STRANGER " run; $volley $load --json run/x", "belongs to user"},
        {"mkdir run; chown " STRANGER " run; $volley $load --hdr run/x", "belongs to user"},
        {"mkdir run; chown " STRANGER " run; ln -s run link; $volley $load --out link/",
         "belongs to user"},
        {"mkdir run; chmod 777 run; $volley $load --out run", "mode 0777"},
        {"mkdir run; chmod 777 run; $volley $load --json run/x", "mode 0777"},
        {"mkdir run; chgrp " STRANGER " run; chmod 770 run; $volley $load --out run", "mode 0770"},
        {"mkdir run; ln -s ../victim run/x; chown " STRANGER " run; $volley $load --json run/x",
         "belongs to user"},
        {"mkdir run; ln -s /dev/null run/x; chown " STRANGER " run; $volley $load --json run/x",
         "belongs to user"},
        {"mkdir run far; ln -s ../far run/x; chown " STRANGER " run; $volley $load --out run/x",
         "belongs to user"},
        {"mkdir run; mkfifo run/x; chmod 777 run; $volley $load --json run/x", "mode 0777"},
        {"mkdir run; chmod 1777 run; ln -s ../victim run/x; chown -h " STRANGER
         " run/x; $volley $load --json run/x",
         "what stands there belongs to user " STRANGER},
        {"mkdir run; chmod 1777 run; echo >run/x; chown " STRANGER
         " run/x; $volley $load --json run/x",
         "what stands there belongs to user " STRANGER},
        {"mkdir run; chown " STRANGER " run; $volley sweep --null --step-duration 50ms -r 10 "
         "--clients 1,2 --csv run/x",
         "belongs to user"},
    };
    if (!is_root())
        return;
    shell(cases[_i].line, 2);
    expect_error(cases[_i].message);
    expect("[ ! -e victim -a ! -e run/new -a -z \"$(find . -name '*.tmp')\" ]");
}

LOOP_TEST(test_directory_that_is_trusted, 11)
{
    /* Breaks when what users do every day is refused: sticky directories, umasks of 0 and 002, their own
     * links, and the directory that they have changed into. */
    static const char *const lines[] = {
        "mkdir tmp; chmod 1777 tmp; $volley $load --json tmp/x --hdr tmp/y && $volley $load --json "
        "tmp/x && [ -s tmp/x ]",
        "mkdir tmp; chmod 1777 tmp; $volley $load --out tmp/run && [ -s tmp/run/run.json ]",
        "umask 0; $volley $load --out a/run && rm a/run/run.json && $volley report a/run && "
        "[ -s a/run/run.json ] && $volley $load --json a/run/more",
        "umask 002; mkdir mine; $volley $load --out mine/run --json mine/x && "
        "rm mine/run/run.json && $volley report mine/run && [ -s mine/run/run.json ]",
        "mkdir far; ln -s far near; $volley $load --out near && [ -s far/run.json ]",
        "mkdir far; ln -s far near; $volley $load --out near/run/ && [ -s far/run/run.json ]",
        "chown " STRANGER " . 2>/dev/null; $volley $load --out run --json x && [ -s x ]",
        "mkdir theirs; chown " STRANGER " theirs 2>/dev/null; cd theirs; umask 002; chmod g+w .; "
        "$volley $load --out . --json x && [ -s x -a -s run.json ]",
        "$volley $load --json /dev/stdout | cat >x && [ -s x ]",
        "$volley $load --json /dev/fd/3 3>x && [ -s x ]",
        "$volley $load --json /dev/null && [ -c /dev/null ]",
    };
    expect(lines[_i]);
}

TEST(test_directory_of_a_user)
{
    /* Breaks when a user who is not root cannot write into a directory of the user's own, or root's; or
     * can be led by another user who is not root either. */
    if (!is_root())
        return;
    expect("setpriv --reuid=" STRANGER " --clear-groups \"$volley\" version >/dev/null 2>&1 || "
           "exit 0; chmod 755 .; mkdir mine theirs; chown " STRANGER " mine; chown 54321 theirs; "
           "chmod 777 theirs; user=\"setpriv --reuid=" STRANGER " --clear-groups $volley\"; "
           "$user $load --out mine/run --json mine/x || exit 8; "
           "$user $load --json theirs/x 2>error; [ $? = 2 ] && grep -q 'belongs to user 54321' "
           "error");
}

TEST(test_file_that_comes_meanwhile)
{
    /* Breaks when a result goes into a file that somebody else has put at its name during the run. */
    if (!is_root())
        return;
    expect("user=\"setpriv --reuid=" STRANGER " --clear-groups $volley\"; "
           "$user version >/dev/null 2>&1 || exit 0; chmod 755 .; mkdir tmp; chmod 1777 tmp; "
           "$user bench --null -r 10 --processes 1 -q --test-duration 20s --json tmp/x 2>error & "
           "until ls tmp/x.*.tmp >list 2>&1; do :; done; touch tmp/x; chown 54321 tmp/x; "
           "chmod 666 tmp/x; kill -TERM $!; wait $!; "
           "[ ! -s tmp/x ] && grep -q 'cannot replace tmp/x; the whole file is' error");
}

TEST(test_report_reads_what_it_may_not_write)
{
    /* Breaks when a report is refused because its directory is somebody else's, or files are put there. */
    if (!is_root())
        return;
    shell("$volley $load --out run && rm run/run.json && chown -R " STRANGER
          " run && $volley report run && [ ! -e run/run.json ]",
          0);
    ck_assert_ptr_nonnull(strstr(program.out, "requests"));
    expect_error("belongs to user " STRANGER);
}

LOOP_TEST(test_journal_is_a_regular_file, 4)
{
    /* Breaks when something else under the name of a journal is waited for or read without an end. */
    static const char *const lines[] = {
        "mkdir run; mkfifo run/journal; timeout 10 $volley report run",
        "mkdir run; ln -s /dev/zero run/journal; timeout 10 $volley report run",
        "mkdir -p run/journal; timeout 10 $volley report run",
        "mkdir run; mkfifo run/journal; timeout 10 $volley report run --csv-interval 1",
    };
    shell(lines[_i], 4);
    expect_error("run/journal is not a regular file");
}

LOOP_TEST(test_config_of_somebody_else, 5)
{
    /* Breaks when a configuration can name an output, whatever command reads it and whatever kind of
     * file it is. */
    static const char *const lines[] = {
        "echo 'json: victim' >c; $volley $load --config c",
        "echo '{\"out\": \"victim\"}' >c; $volley $load --config c",
        "$volley $load --config <(echo 'hdr: victim')",
        "echo 'csv: victim' >c; $volley sweep --null --step-duration 50ms --clients 1 --config c",
        "echo 'csv: victim' >c; $volley find-max --null --slo 'p99<1ms' --config c",
    };
    shell(lines[_i], 3);
    expect_error("--trust-config");
    expect("[ ! -e victim ]");
}

TEST(test_config_that_is_trusted)
{
    /* Breaks when a user's own configuration cannot name outputs any more. */
    expect("printf 'json: x\nout: run\n' >c; $volley $load --config c --trust-config && "
           "[ -s x -a -s run/run.json ]");
}

TEST_SUITE_WITH(hostile_files, .set_up = set_up, .tear_down = tear_down)
