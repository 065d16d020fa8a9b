/* Under a limit of 128 kB for its stack, as some supervisors of services set it, volley does all it does. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/check/managed.h"
#include "tests/support/check/run.h"
#include "tests/support/check/suite.h"
#include "tests/support/check/temp_tree.h"

static struct temp_tree tree;
static struct managed_cluster cluster;
static struct program program;

static void set_up(void)
{
    memset(&program, 0, sizeof program);
    temp_tree_make(&tree);
}

static void tear_down(void)
{
    program_free(&program);
    managed_cluster_stop(&cluster);
    temp_tree_remove(&tree);
}

/* The limit is volley's and its workers' alone: servers need more. */
static void __attribute__((format(printf, 2, 3))) run(const char *part, const char *format, ...)
{
    char line[600], command[1000];
    const char *const argv[] = {"/bin/sh", "-c", command, NULL};
    const char *const environment[] = {"VOLLEY_AUTH=of the test", NULL};
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    snprintf(command, sizeof command, "ulimit -s 128; exec '%s' %s", program_volley(), line);
    program_run(&program, &(struct program_options){.argv = argv, .environment = environment});
    ck_assert_msg(program.exit_status == 0, "%s: status %d, signal %d: %s", line,
                  program.exit_status, program.exit_signal, program.err);
    ck_assert_msg(strstr(program.out, part) != NULL, "'%s' is not in: %s", part, program.out);
    program_free(&program);
    memset(&program, 0, sizeof program);
}

TEST(all_commands)
{
    /* Breaks when a large table stands on the stack of a command: volley dies of SIGSEGV. */
    managed_start(&cluster, 0, 0);
    const unsigned port = cluster.nodes[0].port;
    run("Verdict: ", "bench -p %u -t get -r 100 -n 1000 --out %s/run --extended-metrics", port,
        tree.path);
    run("volley.run/1", "report %s/run --json -", tree.path);
    run("Breaking point",
        "sweep -p %u -t get -r 100 --clients 1,2 --step-duration 200ms --warmup 0", port);
    run("Peak throughput",
        "load-test -p %u -t get -r 100 --users 1,2 --message-rate 6000 --duration 200ms --warmup 0 "
        "--buffer minimal --both-modes",
        port);
    run("100",
        "find-max -p %u -t get -r 100 --slo 'errors<100%%' --start-rate 50 --max-rate 100 --warmup "
        "0 "
        "--window 200ms --windows 1",
        port);
    run("Connections:", "bench -p %u --explain", port);
}

TEST(a_cluster)
{
    /* Breaks when who serves what, or what goes to which node, is worked out on the stack. */
    managed_start(&cluster, 2, 1);
    run("Verdict: ", "bench -p %u --cluster --rfr yes -t get -r 100 -n 1000 --cpus none",
        cluster.nodes[0].port);
}

TEST_SUITE_WITH(small_stack, .set_up = set_up, .tear_down = tear_down, .timeout_seconds = 120)
