/* honesty: what volley says about a load, against what a server saw of it.
 *
 *   honesty [--volley FILE] [--floor FILE] [--recorder FILE] [--only FIGURE,...] [--rounds 5]
 *           [--json FILE]
 *
 * Runs volley against recorder_server (tests/support), which stamps every request, and judges volley's
 * numbers by these stamps. The server has one CPU, the workers another, or each their own where there are
 * enough. Figures:
 *
 *   stall    response times of a run in which the server stalls once, even and Poisson, 1 to 4 workers
 *   even     arrivals per millisecond at constant rates against a bare paced loop (floor.c), and how many
 *   bursts   the same for several workers, at the start, and behind a stall
 *   poisson  arrivals per millisecond of a Poisson stream
 *   ramp     requests of each second against the formula of the ramp
 *   cpu      CPU time of a request at a rate against the paced floor, with a real server
 *
 * Evenness and ramps: the best of the rounds counts, as neighbours on the machine only ever make it
 * worse; CPU: the median of the rounds' ratios. The stall and Poisson, whose runs are long, have three
 * tries. Prints a row for each figure; exit status 0 when all are reached, else 1. Nothing else should
 * run meanwhile. */
#include <errno.h>
#include <getopt.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/units.h"
#include "tests/perf/honesty.h"

#define WORKERS_MAX 4 /* of any figure */
#define FIGURE_BYTES 96
#define QUIET_LOAD 0.5

static const struct figure {
    const char *name;
    enum err_code (*measure)(struct honesty *honesty, struct err *err);
} figures[] = {
    {"stall", figure_stall},       {"even", figure_even}, {"bursts", figure_bursts},
    {"poisson", figure_poisson},   {"ramp", figure_ramp}, {"cpu", figure_cpu},
    {"capacity", figure_capacity},
};
#define FIGURE_COUNT (sizeof figures / sizeof figures[0])

static void add_row(struct honesty *honesty, const char *figure, const char *wanted,
                    const char *got, const char *outcome)
{
    printf("  %-52s %-22s %-26s %s\n", figure, wanted, got, outcome);
    fflush(stdout);
    json_array_append_new(honesty->results,
                          json_pack("{s:s, s:s, s:s, s:s}", "figure", figure, "wanted", wanted,
                                    "got", got, "outcome", outcome));
}

void judge(struct honesty *honesty, bool within, const char *wanted, const char *got,
           const char *figure_format, ...)
{
    char figure[FIGURE_BYTES];
    va_list args;
    va_start(args, figure_format);
    vsnprintf(figure, sizeof figure, figure_format, args);
    va_end(args);
    add_row(honesty, figure, wanted, got, within ? "ok" : "MISSED");
    honesty->missed += !within;
}

void show(struct honesty *honesty, const char *got, const char *figure_format, ...)
{
    char figure[FIGURE_BYTES];
    va_list args;
    va_start(args, figure_format);
    vsnprintf(figure, sizeof figure, figure_format, args);
    va_end(args);
    add_row(honesty, figure, "", got, "");
}

static void place(struct honesty *honesty)
{
    cpu_set_t allowed;
    placement_choose(&honesty->placement);
    if (honesty->placement.client_cpu < 0) {
        printf("Only one CPU may be used: server and workers share it, the figures mean little.\n");
        return;
    }
    if (sched_getaffinity(0, sizeof allowed, &allowed) != 0)
        return;
    honesty->many_cpus = true;
    for (int i = 0; i < WORKERS_MAX; i++)
        honesty->many_cpus &= CPU_ISSET((size_t)(honesty->placement.client_cpu + i), &allowed) != 0;
}

/* A busy machine makes bursts that are not volley's. */
static void say_load(void)
{
    double load[1];
    if (getloadavg(load, 1) == 1 && load[0] > QUIET_LOAD)
        printf("The load average is %.2f: something else runs, and the figures mean little.\n",
               load[0]);
}

static enum err_code make_directory(struct honesty *honesty, struct err *err)
{
    const char *parent = getenv("TMPDIR");
    snprintf(honesty->directory, sizeof honesty->directory, "%.40s/volley-perf-XXXXXX",
             parent != NULL && *parent != '\0' ? parent : "/tmp");
    if (mkdtemp(honesty->directory) == NULL)
        return err_set_errno(err, E_SYSTEM, errno, "making a temporary directory");
    return OK;
}

static void remove_directory(const struct honesty *honesty)
{
    static const char *const names[] = {"record", "server.log", "client.log", "run.json"};
    char path[96];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", honesty->directory, names[i]);
        unlink(path);
    }
    rmdir(honesty->directory);
}

static enum err_code measure(struct honesty *honesty, const char *only, struct err *err)
{
    enum err_code code = make_directory(honesty, err);
    if (code != OK)
        return code;
    place(honesty);
    say_load();
    printf("  %-52s %-22s %-26s\n", "figure", "wanted", "measured");
    for (size_t i = 0; i < FIGURE_COUNT && code == OK; i++)
        if (honesty_listed(only, figures[i].name))
            code = figures[i].measure(honesty, err);
    remove_directory(honesty);
    if (code == OK && honesty->missed > 0)
        code = err_set(err, E_FAILED, "%u figures are missed", honesty->missed);
    return code;
}

/* Every word of --only is the name of a figure. */
static bool check_only(const char *only)
{
    for (const char *at = only; *at != '\0';) {
        size_t length = strcspn(at, ",");
        bool known = false;
        for (size_t i = 0; i < FIGURE_COUNT; i++)
            known |= strlen(figures[i].name) == length && strncmp(figures[i].name, at, length) == 0;
        if (!known)
            return false;
        at += length + (at[length] == ',');
    }
    return *only != '\0';
}

static void on_signal(int signal_number)
{
    (void)signal_number;
    compare_interrupted = 1;
}

struct call {
    const char *only;
    const char *json_path;
};

static bool parse(struct honesty *honesty, struct call *call, int argc, char **argv)
{
    static const struct option options[] = {
        {"volley", required_argument, NULL, 'v'},
        {"floor", required_argument, NULL, 'f'},
        {"recorder", required_argument, NULL, 'r'},
        {"only", required_argument, NULL, 'o'},
        {"rounds", required_argument, NULL, 'R'},
        {"json", required_argument, NULL, 'j'},
        {NULL, 0, NULL, 0},
    };
    int letter, index = 0;
    while ((letter = getopt_long(argc, argv, "", options, &index)) != -1) {
        bool good = letter != '?';
        if (letter == 'v')
            honesty->volley = optarg;
        else if (letter == 'f')
            honesty->floor = optarg;
        else if (letter == 'r')
            honesty->recorder = optarg;
        else if (letter == 'j')
            call->json_path = optarg;
        else if (letter == 'o')
            good = check_only(call->only = optarg);
        else if (letter == 'R')
            good = units_parse_count(&honesty->rounds, optarg) && honesty->rounds >= 1 &&
                   honesty->rounds <= HONESTY_ROUNDS_MAX;
        if (good)
            continue;
        if (letter != '?')
            fprintf(stderr, "honesty: --%s %s: not allowed\n", options[index].name, optarg);
        return false;
    }
    return optind == argc;
}

int main(int argc, char **argv)
{
    struct honesty honesty = {.volley = "build/volley",
                              .floor = "build/perf/floor",
                              .recorder = "build/support/recorder_server",
                              .rounds = 5};
    struct call call = {.only = NULL};
    struct err err = {.code = OK};
    if (!parse(&honesty, &call, argc, argv)) {
        fprintf(stderr, "usage: honesty [--volley FILE] [--floor FILE] [--recorder FILE] "
                        "[--only stall|even|bursts|poisson|ramp|cpu,...] [--rounds N] "
                        "[--json FILE]\n");
        return E_USAGE;
    }
    const struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    honesty.results = json_array();
    enum err_code code = measure(&honesty, call.only, &err);
    if (call.json_path != NULL &&
        json_dump_file(honesty.results, call.json_path, JSON_INDENT(1)) != 0 && code == OK)
        code = err_set(&err, E_FAILED, "writing %s failed", call.json_path);
    json_decref(honesty.results);
    if (code != OK)
        fprintf(stderr, "honesty: %s\n", err.text);
    return err_exit_status(code);
}
