/* A run that is interrupted, or loses a worker, its orchestrator or its reader. */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/check/suite.h"
#include "tests/support/check/support.h"
#include "tests/support/check/trial.h"

#define TCASE_TIMEOUT_SECONDS 90
#define CLIENTS "4"
#define LOAD                                                                                       \
    "-p", world.server.port_text, "-t", "get", "-r", "100", "-c", CLIENTS, "--processes", "2",     \
        "--interval", "100ms"

static struct trial trial;

static void expect_complete_report(void)
{
    trial_expect(&trial, PROGRAM_OUT, "Interrupted: the run was stopped before its end");
    trial_expect(&trial, PROGRAM_OUT, "Status: interrupted ");
    trial_expect(&trial, PROGRAM_OUT, "Verdict: ");
    ck_assert(trial_interrupted(&trial));
    ck_assert_int_eq(
        json_integer_value(json_object_get(json_object_get(trial.run, "status"), "code")), 130);
}

/* Signals -------------------------------------------------------------------------------------- */

static const int ending_signals[] = {SIGINT, SIGTERM, SIGHUP};

LOOP_TEST(test_first_signal, 3)
{
    /* breaks: a stopped run loses its report, its files, or the replies under way */
    char out[160];
    snprintf(out, sizeof out, "%s/out", world.tree.path);
    trial_start_load(&trial, "--duration", "60", "--out", out);
    program_signal(&trial.program, ending_signals[_i]);
    trial_end(&trial, 130);
    expect_complete_report();
    ck_assert_int_gt(trial_count(&trial, "requests", "ok"), 0);
    ck_assert_int_eq(trial_count(&trial, "requests", "lost"), 0);
    trial_expect(&trial, PROGRAM_ERR, "interrupted: waiting for replies in flight");
    static const char *const files[] = {"run.json", "intervals.csv", "latency.hlog", "journal",
                                        "volley.log"};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        char *text = trial_read_file(out, files[i]);
        ck_assert_msg(text[0] != '\0', "%s is empty", files[i]);
        free(text);
    }
    trial_free(&trial);
}

TEST(test_second_signal)
{
    /* breaks: a user cannot leave a run whose server hangs, or leaves without a report */
    trial_start_load(&trial, "--duration", "60", "--drain-timeout", "600", "--request-timeout",
                     "600s");
    test_server_pause(&world.server);
    support_sleep_ms(100); /* every connection waits for a reply now, or nearly so */
    program_signal(&trial.program, SIGINT);
    program_wait_text(&trial.program, PROGRAM_ERR, "once more to stop at once");
    /* signals at the very same moment count as one: press again until it is heard */
    do
        program_signal(&trial.program, SIGINT);
    while (!program_wait_at_most(&trial.program, 200));
    trial_end(&trial, 130);
    expect_complete_report();
    ck_assert_int_ge(trial_count(&trial, "requests", "lost"), 1);
    ck_assert_int_le(trial_count(&trial, "requests", "lost"), 4);
    /* that volley killed its workers is no fault of theirs, but requests and latencies are gone */
    trial_expect_not(&trial, PROGRAM_ERR, "died by");
    ck_assert_str_ne(trial_verdict(&trial, "lost_workers"), "RED");
    ck_assert_str_ne(trial_verdict(&trial, "lost_or_timed_out"), "GREEN");
    ck_assert_int_eq(trial_count(&trial, "requests", "ok"),
                     trial_count(&trial, "service_time_us", "count") +
                         trial_count(&trial, "requests", "ok_without_latency"));
    trial_free(&trial);
}

TEST(test_double_signal)
{
    /* breaks: timeout(1), which signals the process and then its group, cuts the draining short */
    trial_start_load(&trial, "--duration", "60");
    program_signal(&trial.program, SIGINT);
    program_signal(&trial.program, SIGTERM);
    trial_end(&trial, 130);
    expect_complete_report();
    trial_expect_not(&trial, PROGRAM_ERR, "again");
    trial_free(&trial);
}

TEST(test_signal_in_warmup)
{
    /* breaks: an interrupt before the first measured request counts warm-up, or leaves no report */
    trial_start_load(&trial, "--duration", "60", "--warmup", "60");
    program_signal(&trial.program, SIGTERM);
    trial_end(&trial, 130);
    expect_complete_report();
    ck_assert_int_eq(trial_count(&trial, "requests", "sent"), 0);
    trial_free(&trial);
}

static void interrupt_connecting(const struct fake_script *script, uint64_t accepted)
{
    fake_server_start(&world.fake, script);
    trial_start(&trial, "-p", world.fake.port_text, "-c", "4", "--processes", "2",
                "--connection-timeout", "60s", "--wait-ready", "60s", NULL);
    fake_server_wait(&world.fake.counters->accepted, accepted);
    program_signal(&trial.program, SIGINT);
    trial_end(&trial, 130);
    trial_expect(&trial, PROGRAM_ERR, "interrupted");
    trial_free(&trial);
}

TEST(test_signal_while_control_connects)
{
    /* breaks: Ctrl+C has no effect until a silent server's time-out is over */
    interrupt_connecting(
        &(struct fake_script){.rules = &(struct fake_rule){.action = FAKE_SILENT}, .rule_count = 1},
        1);
}

TEST(test_signal_while_workers_connect)
{
    /* breaks: Ctrl+C while workers connect hangs, or leaves them behind */
    const struct fake_rule rule = {.command = "PING", .action = FAKE_SILENT, .skip = 1};
    interrupt_connecting(&(struct fake_script){.rules = &rule, .rule_count = 1}, 3);
}

TEST(test_signal_while_loading)
{
    /* breaks: Ctrl+C has no effect while a server loads its data */
    const struct fake_rule rule = {.action = FAKE_REPLY, .bytes = "-LOADING Valkey is loading\r\n"};
    fake_server_start(&world.fake, &(struct fake_script){.rules = &rule, .rule_count = 1});
    trial_start(&trial, "-p", world.fake.port_text, NULL);
    program_wait_text(&trial.program, PROGRAM_ERR, "is loading its data");
    program_signal(&trial.program, SIGINT);
    trial_end(&trial, 130);
    trial_free(&trial);
}

TEST(test_group_signal_managed)
{
    /* breaks: Ctrl+C in a terminal goes to the whole process group, and kills the managed server
     * before the last replies are in */
    trial_start_shell(&trial, "true", "setsid", "--managed", "-t", "get", "-r", "100", "-c",
                      CLIENTS, "--duration", "60", "--progress", "--drain-timeout", "20", NULL);
    program_wait_text(&trial.program, PROGRAM_ERR, "Progress: ");
    ck_assert_int_eq(kill(-trial.program.pid, SIGINT), 0);
    trial_end(&trial, 130);
    expect_complete_report();
    ck_assert_int_eq(trial_count(&trial, "requests", "lost"), 0);
    ck_assert_int_eq(trial_count(&trial, "connections", "lost"), 0);
    trial_free(&trial);
    ck_assert_int_eq(temp_tree_count(&world.tree),
                     1); /* the JSON: the server's directory is gone */
}

/* Workers -------------------------------------------------------------------------------------- */

TEST(test_worker_killed)
{
    /* breaks: one dead worker ends or falsifies the run, or nobody is told */
    pid_t workers[2];
    char named[64];
    trial_start_load(&trial, "-n", "60000");
    program_wait_children(&trial.program, workers, 2);
    ck_assert_int_eq(kill(workers[0], SIGKILL), 0);
    trial_end(&trial, 0);
    snprintf(named, sizeof named, "(pid %d) died by signal 9", (int)workers[0]);
    trial_expect(&trial, PROGRAM_ERR, named);
    ck_assert_int_eq(trial_restarts(&trial), 1);
    ck_assert_uint_eq(trial_degraded(&trial), 1);
    ck_assert_str_eq(trial_verdict(&trial, "lost_workers"), "RED");
    ck_assert_str_eq(trial_verdict(&trial, NULL), "RED");
    /* every ticket has its fate */
    ck_assert_int_eq(trial_count(&trial, "requests", "sent"), 60000);
    ck_assert_int_eq(trial_count(&trial, "requests", "ok") +
                         trial_count(&trial, "errors_by_kind", "worker"),
                     60000);
    trial_free(&trial);
}

TEST(test_worker_killed_with_pipeline)
{
    /* breaks: tickets that a dead worker had drawn and not sent are forgotten */
    pid_t workers[2];
    test_server_start(&world.server, NULL);
    trial_start(&trial, "-p", world.server.port_text, "-t", "set", "-d", "1mb", "-P", "16", "-n",
                "600", "-c", CLIENTS, "--processes", "2", "--interval", "100ms",
                "--request-timeout", "60s", NULL);
    trial_wait_calls("set", 100);
    test_server_pause(&world.server); /* 16 MB on each connection: sockets are full, most waits */
    program_wait_children(&trial.program, workers, 2);
    ck_assert_int_eq(kill(workers[1], SIGKILL), 0);
    program_wait_text(&trial.program, PROGRAM_ERR, "died by signal 9");
    test_server_resume(&world.server);
    trial_end(&trial, 0);
    ck_assert_int_eq(trial_restarts(&trial), 1);
    ck_assert_int_eq(trial_count(&trial, "requests", "sent"), 600);
    ck_assert_int_eq(trial_count(&trial, "requests", "lost"),
                     trial_count(&trial, "errors_by_kind", "worker"));
    trial_free(&trial);
}

TEST(test_worker_killed_in_warmup)
{
    /* breaks: what falls due in the warm-up while a worker is dead is booked as measured when its
     * replacement comes only after it */
    pid_t workers[2];
    trial_start_load(&trial, "--qps", "2000", "--warmup", "1", "--duration", "2", "--interval",
                     "100ms");
    program_wait_children(&trial.program, workers, 2);
    program_signal(&trial.program, SIGSTOP); /* nobody replaces it before */
    ck_assert_int_eq(kill(workers[0], SIGKILL), 0);
    support_sleep_ms(1200);
    program_signal(&trial.program, SIGCONT);
    trial_end(&trial, 0);
    ck_assert_int_eq(trial_restarts(&trial), 1);
    ck_assert_int_eq(trial_count(&trial, "requests", "due"), 4000);
    ck_assert_str_eq(trial_verdict(&trial, "accounting"), "GREEN");
    trial_free(&trial);
}

TEST(test_all_workers_killed)
{
    /* breaks: a run that loses all its workers at once does not come back */
    pid_t workers[2];
    trial_start_load(&trial, "-n", "60000");
    program_wait_children(&trial.program, workers, 2);
    ck_assert_int_eq(kill(workers[0], SIGKILL), 0);
    ck_assert_int_eq(kill(workers[1], SIGKILL), 0);
    trial_end(&trial, 0);
    ck_assert_int_eq(trial_restarts(&trial), 2);
    ck_assert_uint_ge(trial_degraded(&trial), 1);
    ck_assert_int_eq(trial_count(&trial, "requests", "sent"), 60000);
    trial_free(&trial);
}

TEST(test_worker_dies_again_and_again)
{
    /* breaks: volley forks workers that die for ever, or throws away what the run had */
    const uint64_t end_ms = support_now_ms() + 30000;
    pid_t workers[2];
    test_server_start(&world.server, NULL);
    trial_start(&trial, "-p", world.server.port_text, "-t", "get", "-c", CLIENTS, "--processes",
                "2", "--duration", "600", "--interval", "10s", NULL);
    trial_wait_calls("get", 500);
    program_wait_children(&trial.program, workers, 2);
    /* Only until volley gives up: what it forks at its end, as a leak checker does, is no worker. */
    while (!program_wait_at_most(&trial.program, 1)) {
        ck_assert_uint_lt(support_now_ms(), end_ms);
        char *said = program_output(&trial.program, PROGRAM_ERR);
        const bool gave_up = strstr(said, "replacements in a row died") != NULL;
        free(said);
        if (gave_up)
            break;
        const size_t count = support_children(trial.program.pid, workers, 2);
        for (size_t i = 0; i < count && i < 2; i++)
            kill(workers[i], SIGKILL);
    }
    trial_end(&trial, 1);
    trial_expect(&trial, PROGRAM_ERR, "replacements in a row died");
    trial_expect(&trial, PROGRAM_OUT, "Status: ");
    ck_assert_int_gt(trial_count(&trial, "requests", "ok"), 0);
    ck_assert(!trial_interrupted(&trial));
    ck_assert_str_eq(trial_verdict(&trial, NULL), "RED");
    trial_free(&trial);
}

TEST(test_stopped_worker)
{
    /* breaks: a worker that hangs keeps the run from ever ending */
    pid_t workers[2];
    trial_start_load(&trial, "--duration", "60");
    program_wait_children(&trial.program, workers, 2);
    ck_assert_int_eq(kill(workers[0], SIGSTOP), 0);
    program_wait_text(&trial.program, PROGRAM_ERR, "shows no sign of life");
    program_wait_text(&trial.program, PROGRAM_ERR, "died by signal 9");
    program_wait_children(&trial.program, workers, 2);
    trial_wait_flow("get");
    program_signal(&trial.program, SIGINT);
    trial_end(&trial, 130);
    ck_assert_int_eq(trial_restarts(&trial), 1);
    ck_assert_uint_ge(trial_degraded(&trial), 1);
    trial_free(&trial);
}

/* The orchestrator ----------------------------------------------------------------------------- */

static void check_rebuilt(const char *out)
{
    struct program report;
    program_run_volley(&report, "report", out, NULL);
    ck_assert_msg(report.exit_status == 0, "%s", report.err);
    ck_assert_ptr_nonnull(strstr(report.out, "Final Results:"));
    ck_assert_ptr_nonnull(strstr(report.out, "Interrupted: "));
    ck_assert_ptr_nonnull(strstr(report.err, "ends before the run does"));
    program_free(&report);
    char *text = trial_read_file(out, "run.json");
    json_t *json = json_loads(text, 0, NULL);
    ck_assert_ptr_nonnull(json);
    trial_check_books(json);
    const json_t *run = json_array_get(json_object_get(json, "runs"), 0);
    ck_assert(json_is_true(json_object_get(run, "interrupted")));
    const json_t *ok = json_object_get(json_object_get(run, "requests"), "ok");
    ck_assert_int_gt(json_integer_value(ok), 0);
    json_decref(json);
    free(text);
    text = trial_read_file(out, "intervals.csv");
    ck_assert_int_eq(strncmp(text, "timestamp,request_sec,", 22), 0);
    ck_assert_ptr_nonnull(strchr(strchr(text, '\n') + 1, '\n')); /* the head and a row at least */
    free(text);
    text = trial_read_file(out, "latency.hlog");
    free(text);
}

/* Waits until the journal has become longer so many times: at each interval it does. */
static void wait_journal_grows(const char *out, unsigned times)
{
    char path[200];
    struct stat before, now;
    snprintf(path, sizeof path, "%s/journal", out);
    ck_assert_int_eq(stat(path, &before), 0);
    const uint64_t end_ms = support_now_ms() + 30000;
    while (times > 0) {
        ck_assert_msg(support_now_ms() < end_ms, "the journal does not grow");
        support_sleep_ms(5);
        ck_assert_int_eq(stat(path, &now), 0);
        times -= now.st_size > before.st_size;
        before = now;
    }
}

TEST(test_orchestrator_killed)
{
    /* breaks: a killed volley leaves workers firing, or its measurements are lost */
    char out[160];
    snprintf(out, sizeof out, "%s/out", world.tree.path);
    trial_start_load(&trial, "--duration", "60", "--out", out);
    wait_journal_grows(out, 3);
    program_signal(&trial.program, SIGKILL);
    program_wait(&trial.program);
    trial_nothing_left(1000);
    ck_assert_int_eq(trial.program.exit_signal, SIGKILL);
    check_rebuilt(out);
    trial_free(&trial);
}

TEST(test_orchestrator_killed_managed)
{
    /* breaks: a killed volley leaves its own server running */
    trial_start(&trial, "--managed", "-t", "get", "-c", CLIENTS, "--duration", "60", "--progress",
                NULL);
    program_wait_text(&trial.program, PROGRAM_ERR, "Progress: ");
    program_signal(&trial.program, SIGKILL);
    program_wait(&trial.program);
    trial_nothing_left(5000);
    trial_free(&trial);
}

/* Outputs -------------------------------------------------------------------------------------- */

static const char *const first_lines[] = {"--csv-interval", "--interval"};

LOOP_TEST(test_reader_goes_away, 2)
{
    /* breaks: `volley | head -1` kills the run or fails it although its files are complete */
    int pipe_fds[2];
    char byte = 0;
    test_server_start(&world.server, NULL);
    ck_assert_int_eq(pipe2(pipe_fds, O_CLOEXEC), 0);
    const int out_fd = fcntl(pipe_fds[1], F_DUPFD_CLOEXEC, 20);
    close(pipe_fds[1]);
    char json[192];
    snprintf(json, sizeof json, "%s/piped.json", world.tree.path);
    const char *const argv[] = {program_volley(), "bench", LOAD, "--duration", "1", "--json", json,
                                first_lines[_i],  "100ms", NULL};
    program_start(&trial.program, &(struct program_options){.argv = argv, .stdout_fd = out_fd});
    close(out_fd);
    while (byte != '\n')
        ck_assert_int_eq(read(pipe_fds[0], &byte, 1), 1);
    close(pipe_fds[0]);
    snprintf(trial.json_path, sizeof trial.json_path, "%s", json);
    trial_end(&trial, 0);
    ck_assert_int_gt(trial_count(&trial, "requests", "ok"), 0);
    trial_expect_not(&trial, PROGRAM_ERR, "left out");
    trial_free(&trial);
}

static const struct {
    const char *option, *path, *words;
} unwritable[] = {
    {"--out", "/proc/volley-run", "/proc/volley-run"},
    {"--json", "/nonexistent/run.json", "/nonexistent/run.json"},
    {"--hdr", "/nonexistent/run.hlog", "/nonexistent/run.hlog"},
    {"--out", "/etc/hostname/run", "/etc/hostname"},
    {"--out", "/dev/null", "/dev/null"},
};

LOOP_TEST(test_unwritable_output, sizeof unwritable / sizeof unwritable[0])
{
    /* breaks: an hour of load is fired before the user learns that nothing can be kept */
    struct program program;
    fake_server_start(&world.fake, NULL);
    program_run_volley(&program, "-p", world.fake.port_text, "-n", "10", unwritable[_i].option,
                       unwritable[_i].path, NULL);
    ck_assert_msg(program.exit_status == 2, "exit status %d: %s", program.exit_status, program.err);
    ck_assert_msg(strstr(program.err, unwritable[_i].words) != NULL, "%s", program.err);
    ck_assert_uint_eq(world.fake.counters->accepted, 0);
    program_free(&program);
}

TEST(test_out_with_journal)
{
    /* breaks: a second run is written over the first */
    char out[160];
    struct program program;
    snprintf(out, sizeof out, "%s/out", world.tree.path);
    program_run_volley(&program, "--null", "-n", "10", "--out", out, NULL);
    ck_assert_msg(program.exit_status == 0, "%s", program.err);
    program_free(&program);
    program_run_volley(&program, "--null", "-n", "10", "--out", out, NULL);
    ck_assert_int_eq(program.exit_status, 2);
    ck_assert_ptr_nonnull(strstr(program.err, "already holds the journal of another run"));
    program_free(&program);
}

TEST(test_disk_fills_up)
{
    /* breaks: a full disk (here: a limit of 24 KiB a file) ends the run or hides its report, or
     * is called a success */
    char out[160];
    snprintf(out, sizeof out, "%s/out", world.tree.path);
    trial_start_shell(&trial, "ulimit -f 48", "", "--null", "-t", "get", "-r", "100", "-c", "4",
                      "--duration", "6", "--interval", "10ms", "--out", out, NULL);
    trial_end(&trial, 1);
    trial_expect(&trial, PROGRAM_ERR, "journal: cannot write");
    trial_expect(&trial, PROGRAM_ERR, "this output is left out from here on");
    trial_expect(&trial, PROGRAM_OUT, "Final Results:");
    trial_expect(&trial, PROGRAM_OUT, "Verdict: ");
    ck_assert_ptr_null(trial.json); /* half a file is none */
    trial_free(&trial);
    struct program report; /* what fitted can be read */
    program_run_volley(&report, "report", out, NULL);
    ck_assert_msg(report.exit_status == 0, "%s", report.err);
    ck_assert_ptr_nonnull(strstr(report.out, "Final Results:"));
    program_free(&report);
}

TEST(test_crowded_cpu)
{
    /* breaks: volley is its own limit and calls the run GREEN, because each of the workers that share a CPU
     * uses a small part of it; and nobody is warned before the start */
    char cpu[16];
    cpu_set_t allowed;
    ck_assert_int_eq(sched_getaffinity(0, sizeof allowed, &allowed), 0);
    int first = 0;
    while (!CPU_ISSET(first, &allowed))
        first++;
    snprintf(cpu, sizeof cpu, "%d", first);
    trial_start(&trial, "--null", "-t", "get", "-r", "100", "-c", "16", "--processes", "16",
                "--cpus", cpu, "--duration", "500ms", NULL);
    trial_end(&trial, 0);
    trial_expect(&trial, PROGRAM_ERR, "16 workers share 1 CPU");
    ck_assert_str_eq(trial_verdict(&trial, "worker_cpu"), "AMBER");
    trial_free(&trial);
}

/* Limits and residue --------------------------------------------------------------------------- */

TEST(test_hard_descriptor_limit)
{
    /* breaks: too many connections fail one by one in the middle of connecting */
    fake_server_start(&world.fake, NULL);
    trial_start_shell(&trial, "ulimit -n 100", "", "-p", world.fake.port_text, "-c", "200",
                      "--processes", "1", NULL);
    trial_end(&trial, 2);
    trial_expect(&trial, PROGRAM_ERR, "the hard limit is 100");
    trial_expect(&trial, PROGRAM_ERR, "raise it (ulimit -n ");
    ck_assert_uint_eq(world.fake.counters->accepted, 0);
    trial_free(&trial);
}

TEST(test_soft_descriptor_limit)
{
    /* breaks: a low soft limit, which volley may raise, is the user's trouble */
    test_server_start(&world.server, NULL);
    trial_start_shell(&trial, "ulimit -S -n 64", "", "-p", world.server.port_text, "-c", "200",
                      "--processes", "1", "-n", "1000", "-r", "10", NULL);
    trial_end(&trial, 0);
    ck_assert_int_eq(trial_count(&trial, "connections", "open"), 200);
    trial_expect_not(&trial, PROGRAM_ERR, "limit");
    trial_free(&trial);
}

/* Entries of a directory whose name begins with volley. */
static int entries_of_volley(const char *directory)
{
    char command[200];
    snprintf(command, sizeof command, "ls %s | grep -c '^volley' || true", directory);
    struct program program;
    const char *const argv[] = {"/bin/sh", "-c", command, NULL};
    program_run(&program, &(struct program_options){.argv = argv});
    const int count = (int)strtol(program.out, NULL, 10);
    program_free(&program);
    return count;
}

TEST(test_hundred_runs)
{
    /* breaks: every start or stop leaves a process, a file, a segment or a connection behind */
    const int shared = entries_of_volley("/dev/shm");
    struct program program;
    test_server_start(&world.server, NULL);
    const long long clients = test_server_info(&world.server, "connected_clients");
    for (int i = 0; i < 100; i++) {
        const bool null = i % 4 != 0, interrupt = i % 5 == 0;
        program_start_volley(&program, "-p", world.server.port_text, "-c", "4", "--processes",
                             i % 3 == 0 ? "4" : "2", "-r", "10", "-q", "--interval", "10ms", "-n",
                             interrupt ? "100m" : "200", null ? "--null" : "--csv", NULL);
        if (interrupt) {
            program_wait_children(&program, (pid_t[4]){0}, i % 3 == 0 ? 4 : 2);
            support_sleep_ms((unsigned)i / 5); /* before, at and after the start barrier */
            program_signal(&program, SIGINT);
        }
        program_wait(&program);
        ck_assert_msg(program.exit_status == (interrupt ? 130 : 0), "run %d: %d: %s", i,
                      program.exit_status, program.err);
        program_free(&program);
        trial_nothing_left(5000);
    }
    ck_assert_int_eq(temp_tree_count(&world.tree), 0); /* TMPDIR */
    ck_assert_int_eq(entries_of_volley("/dev/shm"), shared);
    const uint64_t end_ms = support_now_ms() + 5000;
    while (test_server_info(&world.server, "connected_clients") > clients)
        ck_assert_msg(support_now_ms() < end_ms, "connections are left");
}

TEST_SUITE_WITH(survive, .set_up = trial_set_up, .tear_down = trial_tear_down,
                .timeout_seconds = TCASE_TIMEOUT_SECONDS)
