/* Outputs: nothing that was there is damaged, and nothing that was lost is called a success. */
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "tests/support/check/run.h"
#include "tests/support/check/suite.h"
#include "tests/support/check/support.h"
#include "tests/support/check/temp_tree.h"

#define NULL_DEVICE makedev(1, 3)

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
}

static struct stat status_of(const char *name)
{
    struct stat status;
    char path[256];
    snprintf(path, sizeof path, "%s/%s", tree.path, name);
    ck_assert_msg(lstat(path, &status) == 0, "%s is gone", name);
    return status;
}

static void expect_json(const char *name)
{
    char path[256];
    json_error_t error;
    snprintf(path, sizeof path, "%s/%s", tree.path, name);
    json_t *json = json_load_file(path, 0, &error);
    ck_assert_msg(json != NULL, "%s: %s", name, error.text);
    ck_assert_str_eq(json_string_value(json_object_get(json, "schema")), "volley.run/1");
    json_decref(json);
}

static const char *const file_options[] = {"--json", "--hdr"};
#define FILE_OPTIONS (sizeof file_options / sizeof file_options[0])

LOOP_TEST(test_device, FILE_OPTIONS)
{
    /* Breaks when an output option takes a device away, as a rename over it does. */
    if (geteuid() != 0)
        return; /* only root can make one, and only root could take it away */
    char line[256], path[256];
    snprintf(path, sizeof path, "%s/sink", tree.path);
    ck_assert_int_eq(mknod(path, S_IFCHR | 0666, NULL_DEVICE), 0);
    snprintf(line, sizeof line, "$volley $load -q %s sink", file_options[_i]);
    shell(line, 0);
    ck_assert(S_ISCHR(status_of("sink").st_mode));
    program_free(&program);
    ck_assert_int_eq(temp_tree_count(&tree), 1);
}

TEST(test_fifo)
{
    /* Breaks when a fifo is replaced by a file in place of being written to. */
    shell("mkfifo pipe; cat pipe >whole & $volley $load -q --json pipe && wait", 0);
    ck_assert(S_ISFIFO(status_of("pipe").st_mode));
    expect_json("whole");
    program_free(&program);
}

TEST(test_fifo_unread)
{
    /* Breaks when a fifo that nobody reads makes volley wait for ever. */
    shell("mkfifo pipe; $volley $load -q --json pipe", 2);
    expect_error("waiting for a reader of pipe");
    expect_error("pipe: nobody reads it");
    program_free(&program);
}

TEST(test_interrupted_early)
{
    /* Breaks when Ctrl+C before volley has done anything ends it without a word. */
    shell("mkfifo pipe; $volley bench --config pipe & pid=$!; exec 3>pipe; kill -TERM $pid; "
          "wait $pid",
          130);
    expect_error("volley: interrupted");
    program_free(&program);
}

TEST(test_fifo_interrupted)
{
    /* Breaks when Ctrl+C while volley waits for a reader is an error of the command line. */
    shell("mkfifo pipe; : >said; $volley $load -q --json pipe 2>said & pid=$!; "
          "until grep -q 'waiting for a reader' said; do sleep 0.05; done; "
          "kill -TERM $pid; wait $pid; status=$?; cat said >&2; exit $status",
          130);
    expect_error("interrupted while waiting for a reader of pipe");
    program_free(&program);
}

TEST(test_process_substitution)
{
    /* Breaks when the pipe of a shell's >(...) is refused as a place that has no room for a new file. */
    shell("$volley $load -q --json >(cat >whole); until [ -s whole ]; do :; done; wait $!", 0);
    program_free(&program);
    expect_json("whole");
}

LOOP_TEST(test_links, FILE_OPTIONS)
{
    /* Breaks when a link is replaced by a file and its target stays old, or one that leads to no file yet is
     * refused; a chain of links and a link from another directory included. */
    char line[256];
    snprintf(line, sizeof line,
             "mkdir far; echo old >far/file; ln -s far/file near; ln -s near link; "
             "ln -s far/new fresh; $volley $load -q %s link && $volley $load -q %s fresh",
             file_options[_i], file_options[_i]);
    shell(line, 0);
    ck_assert(S_ISLNK(status_of("near").st_mode));
    ck_assert(S_ISLNK(status_of("link").st_mode));
    ck_assert(S_ISLNK(status_of("fresh").st_mode));
    ck_assert_int_gt(status_of("far/file").st_size, 100);
    ck_assert_int_gt(status_of("far/new").st_size, 100);
    program_free(&program);
    ck_assert_int_eq(temp_tree_count(&tree), 6); /* and no temporary file */
}

TEST(test_mount_point)
{
    /* Breaks when the result of a run is lost because its file is a mount point, as containers have them. */
    if (geteuid() != 0)
        return;                                     /* only root can mount */
    shell("unshare -m true 2>/dev/null || exit 0; " /* nor in every container */
          "touch other mounted; unshare -m sh -c \"mount --bind other mounted || exit 77; "
          "$volley $load -q --json mounted; status=\\$?; grep -q volley.run/1 other || exit 8; "
          "exit \\$status\" || [ $? = 77 ]",
          0);
    program_free(&program);
}

TEST(test_link_circle)
{
    /* Breaks when links that lead in a circle are followed for ever. */
    shell("ln -s a b; ln -s b a; $volley $load -q --json a", 2);
    expect_error("cannot create a: Too many levels");
    program_free(&program);
}

TEST(test_mode)
{
    /* Breaks when a file that is replaced gets other rights, or a new one not those of the umask. */
    shell("umask 027; echo old >kept; chmod 604 kept; "
          "$volley $load -q --json kept --hdr new",
          0);
    ck_assert_int_eq(status_of("kept").st_mode & 07777, 0604);
    ck_assert_int_eq(status_of("new").st_mode & 07777, 0640);
    program_free(&program);
}

LOOP_TEST(test_longest_name, 3)
{
    /* Breaks when a name that the file system takes is refused for the longer one of the file under way. */
    static const int lengths[] = {244, 245, 255};
    char line[512];
    snprintf(line, sizeof line,
             "name=$(printf '%%0%dd' 7); $volley $load -q --json $name && mv $name there && "
             "$volley $load -q --hdr $name && mv $name there",
             lengths[_i]);
    shell(line, 0);
    program_free(&program);
    ck_assert_int_eq(temp_tree_count(&tree), 1); /* and no temporary file */
}

TEST(test_left_alone)
{
    /* Breaks when a run that is refused or fails leaves a file, or damages the one that was there. */
    shell("echo old >kept; $volley bench -p 1 -n 1 -q --json kept --hdr new", 5);
    program_free(&program);
    shell("cat kept", 0);
    ck_assert_str_eq(program.out, "old\n");
    program_free(&program);
    ck_assert_int_eq(temp_tree_count(&tree), 1);
}

LOOP_TEST(test_refused_before_load, 6)
{
    /* Breaks when what can be seen before the load is seen after it. */
    static const char *const lines[] = {
        "mkdir place; $volley $load --json place",
        "mkdir place; $volley $load --hdr place",
        "$volley $load --json nowhere/file",
        "echo >file; $volley $load --out file",
        "mkdir -p place/run.json; $volley $load --out place",
        "$volley $load -q >&-",
    };
    shell(lines[_i], 2);
    ck_assert_str_eq(program.out, "");
    program_free(&program);
}

LOOP_TEST(test_one_file_for_two, 14)
{
    /* Breaks when two outputs go to one file under two names, and one of them is lost without a word. */
    static const char *const lines[] = {
        "$volley $load --json x --hdr x",
        "$volley $load --json x --hdr ./x",
        "mkdir far; $volley $load --json x --hdr far/../x",
        "ln -s x link; $volley $load --json x --hdr link",
        "ln -s x link; $volley $load --json link --hdr \"$PWD/x\"",
        "echo >x; ln x hard; $volley $load --json x --hdr hard",
        "mkdir far; ln -s far near; $volley $load --json far/x --hdr near/x",
        "$volley $load --out run --json run/journal",
        "$volley $load --out run --json run/run.json",
        "$volley $load --out run --hdr run/volley.log",
        "$volley $load --json x >x",
        "$volley $load --out run >first && $volley report run --json run/journal",
        "$volley sweep --null --clients 1,2 --step-duration 10ms --json x --csv ./x",
        "$volley find-max --null --slo 'p99<1s' --json x --csv ./x",
    };
    shell(lines[_i], 2);
    expect_error("another output goes there");
    program_free(&program);
}

LOOP_TEST(test_not_whole, 7)
{
    /* Breaks when an output that could not be written is status 0; the other outputs are complete. */
    static const struct {
        const char *line, *message;
    } losses[] = {
        {"$volley $load -q --json /dev/full --hdr whole", "cannot write /dev/full"},
        {"$volley $load -q --hdr /dev/full --json whole", "cannot write /dev/full"},
        {"$volley $load --json whole >/dev/full",
         ": text report: cannot write standard output: No space left"},
        {"$volley $load -q --json whole >/dev/full", "No space left"},
        {"$volley $load --csv --json whole >/dev/full",
         ": CSV: cannot write standard output: No space left"},
        {"$volley $load --csv-interval 1 --json whole >/dev/full",
         ": interval CSV: cannot write standard output: No space left"},
        {"$volley $load --hdr whole --json - >/dev/full", "No space left"},
    };
    shell(losses[_i].line, 1);
    expect_error(losses[_i].message);
    ck_assert_int_gt(status_of("whole").st_size, 100);
    program_free(&program);
}

LOOP_TEST(test_loss_of_others, 10)
{
    /* Breaks when another command than bench calls a loss a success. */
    static const char *const lines[] = {
        "$volley $load -q --out run && $volley report run >/dev/full",
        "$volley $load -q --out run && $volley report run --json /dev/full",
        "$volley sweep --null --step-duration 50ms -r 10 --clients 1,2 --json /dev/full",
        "$volley sweep --null --step-duration 50ms -r 10 --clients 1,2 >/dev/full",
        "$volley help >/dev/full",
        "$volley bench --help >/dev/full",
        "$volley version >/dev/full",
        "$volley bench --null --explain >/dev/full",
        "$volley valkey-benchmark --help >/dev/full",
        "$volley $load -q -l >/dev/full", /* and does not go on for ever */
    };
    shell(lines[_i], 1);
    program_free(&program);
}

LOOP_TEST(test_reader_gone, 3)
{
    /* Breaks when volley loads a server on for ever though the only reader of its results has gone. */
    static const char *const lines[] = {
        "$volley $load -q -l | head -n 1",
        ("$volley bench --null -r 10 --duration 1000 --csv-interval 10ms --interval 10ms | "
         "head -n 2"),
        "$volley bench --null -r 10 --duration 1000 --interval 10ms | head -n 1",
    };
    char line[256];
    snprintf(line, sizeof line, "%s >/dev/null; exit ${PIPESTATUS[0]}", lines[_i]);
    shell(line, 0);
    program_free(&program);
}

TEST(test_reader_gone_file_kept)
{
    /* Breaks when a reader of standard output that goes away ends a run whose files somebody waits for. */
    shell("$volley bench --null -r 10 --qps 1000 --duration 1500ms --interval 10ms --json whole | "
          "head -n 1 >/dev/null; exit ${PIPESTATUS[0]}",
          0);
    expect_json("whole");
    program_free(&program);
    shell("grep -o '\"seconds\": 1[.][0-9]' whole | head -n 1", 0);
    ck_assert_str_eq(program.out, "\"seconds\": 1.5\n");
    program_free(&program);
}

TEST(test_help_cut)
{
    /* Breaks when a text that nobody reads to its end is a raw signal. */
    shell("for i in 1 2 3; do $volley bench --help | head -c 1; [ ${PIPESTATUS[0]} = 0 ] || exit "
          "7; done",
          0);
    program_free(&program);
}

TEST(test_nohup)
{
    /* Breaks when a run under nohup ends with its terminal. */
    program_start_shell(
        &program, tree.path,
        "trap '' HUP; exec $volley bench --null -r 10 --qps 100 --duration 2 --progress");
    program_wait_text(&program, PROGRAM_ERR, "Progress: ");
    program_signal(&program, SIGHUP);
    program_wait(&program);
    ck_assert_int_eq(program.exit_status, 0);
    program_free(&program);
}

TEST(test_interrupt_of_a_background_job)
{
    /* Breaks when a script's `kill -INT $!` is lost before the run begins, since its shell had volley ignore it. */
    shell("mkfifo held; ( trap '' INT; exec $volley bench --password-fd 3 --null -n 1 3<held ) & "
          "exec 4>held; for i in {1..200}; do kill -INT $! 2>/dev/null || break; sleep 0.02; done; "
          "exec 4>&-; wait $!",
          130);
    ck_assert_str_eq(program.err, "volley: interrupted\n");
    program_free(&program);
}

TEST_SUITE_WITH(outputs, .set_up = set_up, .tear_down = tear_down)
