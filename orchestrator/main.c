/* volley: a load generator for Valkey and Redis. main only finds the sub-command. */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "common/suggest.h"
#include "common/version.h"
#include "orchestrator/commands/commands.h"
#include "orchestrator/options/dialect.h"
#include "orchestrator/options/uri.h"
#include "orchestrator/page/gnuplot.h"
#include "orchestrator/report/output.h"

#define LARGE_BYTES (1 << 20)

static int command_help(int argc, const char *const *argv);
static int command_version(int argc, const char *const *argv);

static const struct {
    const char *name;
    int (*run)(int argc, const char *const *argv);
    const char *help;
    bool has_options; /* and --help lists them */
} commands[] = {
    {"bench", command_bench, "load a server and report throughput and latency (the default)", true},
    {"find-max", command_find_max, "find the highest rate at which a server keeps an objective",
     true},
    {"sweep", command_sweep, "one run for each of a list of connections, rates or pipelines", true},
    {"load-test", command_load_test,
     "users who send so many messages a minute: throughput, latency, errors and memory", true},
    {"compare-modes", command_compare_modes,
     "which of two clients' buffers is faster, by turns on one server", true},
    {"optimize", command_optimize,
     "tune a client's buffer to what holds it up, and keep what is surely better", true},
    {"run", command_run, "carry out a scenario in phases, with the server's memory beside it",
     true},
    {"visualize", command_visualize, "list runs of scenarios, and export their samples", true},
    {"suite", command_suite, "build commits, measure them with every combination, keep the figures",
     true},
    {"compare", command_compare, "say which of two results is faster, and how sure that is", true},
    {"baseline", command_baseline, "keep figures of runs under a name, and report them", true},
    {"check", command_check, "say whether runs are slower than a baseline", true},
    {"diagnose", command_diagnose, "say what held a run up, and what to do about it", true},
    {"track", command_track, "which commits have been measured, and which are next", true},
    {"push", command_push, "put the records of suites into a database", true},
    {"history", command_history, "how figures went from commit to commit, and where they changed",
     true},
    {"notify", command_notify, "try out the channels that alerts are told over", true},
    {"validate", command_validate, "check a scenario, a workload or a config file", true},
    {"alerts", command_alerts, "check alert rules and KPIs, or write them for Prometheus", true},
    {"calibrate", command_calibrate, "fill in the limits of KPIs from runs", true},
    {"info", command_info, "what volley sees of this machine, or of a server", true},
    {"dataset", command_dataset, "list the sets of vectors that scenarios know by name", true},
    {"ctl", command_ctl, "steer a run under way over its control socket", true},
    {"valkey-benchmark", command_dialect, "that tool's command line and report", true},
    {"redis-benchmark", command_dialect, "the same", true},
    {"report", command_report, "rebuild the outputs of a run from its directory", true},
    {"verify", command_verify, "read back what bench --verify has written, after a failure", true},
    {"record", command_record, "record what clients send to a server, for a replay", true},
    {"model", command_model, "fit a workload to recorded traffic, or to a sample of a server",
     true},
    {"monitor", command_monitor, "watch servers for days without load, and review what was seen",
     true},
    {"latency-history", command_latency_history,
     "the latency of a server, a line every so many seconds", true},
    {"analyze-memory", command_analyze_memory,
     "what a server's memory is made of, what of it grows, what could be done", true},
    {"profile", command_profile,
     "what a live server is called for, its peaks of memory, what holds it back", true},
    {"results", command_results, "list the runs that were kept, or remove old ones", true},
    {"workloads", command_workloads, "list the built-in workloads, or print one", true},
    {"docs", command_docs, "completion for bash, and what the documentation is made from", true},
    {"help", command_help, "this text; `volley help COMMAND` lists a command's options", false},
    {"version", command_version, "version and commit", false},
};
#define COMMAND_COUNT (sizeof commands / sizeof commands[0])

/* "; did you mean find-max?" when a command has nearly that name, else "". Returns text. */
static const char *say_nearest(char *text, size_t text_bytes, const char *name)
{
    struct suggestion suggestion = {.wanted = name, .wanted_bytes = strlen(name)};
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        suggest_offer(&suggestion, commands[i].name, strlen(commands[i].name));
    const char *best = suggestion.best;
    snprintf(text, text_bytes, "%s%s%s", SUGGESTED(best));
    return text;
}

static int unknown_command(const char *name)
{
    char nearest[SUGGEST_NAME_MAX + 20];
    log_line(LOG_ERROR, "there is no command \"%.40s\"; `volley help` lists them%s", name,
             say_nearest(nearest, sizeof nearest, name));
    return err_exit_status(E_USAGE);
}

/* `volley lpush k v`, as valkey-benchmark takes it. What follows may hold a password, and is not repeated. */
static int command_of_server(const char *name)
{
    char nearest[SUGGEST_NAME_MAX + 20];
    if (uri_holds_login(name)) {
        log_line(LOG_ERROR, "a URI is given with --uri: volley bench --uri URI");
        return err_exit_status(E_USAGE);
    }
    const char *ending = say_nearest(nearest, sizeof nearest, name)[0] != '\0' ? nearest : ".";
    log_line(
        LOG_ERROR,
        "there is no command \"%.40s\"; `volley help` lists them%s A command for the server stands "
        "behind --: volley -- %.40s ...; as valkey-benchmark has it: volley valkey-benchmark "
        "%.40s ...",
        name, ending, name, name);
    return err_exit_status(E_USAGE);
}

static int command_help(int argc, const char *const *argv)
{
    const char *const ask[] = {argc > 1 ? argv[1] : "help", "--help", NULL};
    for (size_t i = 0; i < COMMAND_COUNT && argc > 1; i++) {
        if (strcmp(argv[1], commands[i].name) != 0)
            continue;
        if (commands[i].has_options)
            return commands[i].run(2, ask);
        argc = 1; /* nothing more can be said of it than the list does */
    }
    if (argc > 1)
        return unknown_command(argv[1]);
    printf("usage: volley [COMMAND] [OPTIONS]\n\n"
           "A load generator for Valkey and Redis. A bare list of options means bench.\n\n");
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        printf("  %-16s %s\n", commands[i].name, commands[i].help);
    printf("\nExample: volley bench --managed -t set,get -r 100000 -P 16\n");
    return 0;
}

static int command_version(int argc, const char *const *argv)
{
    (void)argc;
    (void)argv;
    printf("volley %s (%s)\n", volley_version, volley_commit);
    return 0;
}

/* A standard stream that was closed would be the number of the next file that is opened: a report
 * would go into the journal. A standard output that was closed takes nothing. */
static void open_standard_streams(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) >= 0)
            continue;
        int opened = open("/dev/null", fd == STDOUT_FILENO ? O_RDONLY : O_RDWR);
        if (opened != fd) /* the lowest number that is free */
            close(opened);
    }
}

/* Texts as well as results: what did not arrive is no success. Who went away, or closed it, chose to. */
static int settle_output(int status)
{
    if (fflush(stdout) == 0 || errno == EPIPE || errno == EBADF || status != 0)
        return status;
    log_line(LOG_ERROR, "cannot write standard output: %s", strerror(errno));
    return err_exit_status(E_SYSTEM);
}

static void end_interrupted(int signal_number)
{
    static const char text[] = "volley: interrupted\n";
    (void)signal_number;
    ssize_t written = write(STDERR_FILENO, text, sizeof text - 1);
    (void)written; /* nobody may read it */
    if (gnuplot_group > 0)
        (void)kill(-gnuplot_group, SIGKILL); /* a wrapper alone would leave what it has started */
    for (size_t i = 0; i < OUTPUT_WAITING_MAX; i++)
        if (output_waiting[i].name != NULL && output_waiting[i].process == getpid())
            (void)unlinkat(output_waiting[i].directory_fd, output_waiting[i].name, 0);
    _exit(E_INTERRUPTED);
}

/* Until a command counts signals itself there is nothing to bring to an end, but the status is the same as
 * later. A script's shell has jobs in the background ignore SIGINT; who sends it one all the same means it, from
 * the first moment on. A reader of standard output that goes away is an error of write(). */
static void settle_signals(void)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
        if (signal(signals[i], end_interrupted) == SIG_IGN && signals[i] == SIGHUP)
            (void)signal(signals[i], SIG_IGN); /* nohup */
    (void)signal(SIGPIPE, SIG_IGN);
}

static bool is_called(const char *path, const char *name)
{
    const char *slash = strrchr(path, '/');
    return strcmp(slash != NULL ? slash + 1 : path, name) == 0;
}

static int run(int argc, const char *const *arguments)
{
    const char *name = argc > 1 ? arguments[1] : "";
    if (argc > 0 && is_called(arguments[0], "vst") && (argc == 1 || name[0] == '-')) {
        const char *const help[] = {"run", "--help", NULL};
        return argc == 1 ? command_run(2, help) : command_run(argc, arguments);
    }
    if (argc > 0 && dialect_find(arguments[0]) != NULL)
        return command_dialect(argc, arguments);
    if (argc == 1 || name[0] == '-')
        return command_bench(argc, arguments);
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        if (strcmp(name, commands[i].name) == 0)
            return commands[i].run(argc - 1, arguments + 1);
    return command_of_server(name);
}

/* Rows of intervals are 14 MB, of which a run touches little. glibc takes the second one from the heap, once one was
 * freed, and calloc then clears all of it: 40 ms of page faults between two runs. With a threshold that stays it takes
 * each from the kernel, cleared as it is touched. */
static void settle_memory(void)
{
#ifdef __GLIBC__
    (void)mallopt(M_MMAP_THRESHOLD, LARGE_BYTES);
#endif
}

int main(int argc, char **argv)
{
    settle_memory();
    settle_signals();
    open_standard_streams();
    return settle_output(run(argc, (const char *const *)argv));
}
