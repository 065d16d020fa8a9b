/* verdicts: whether the verdict is to be believed.
 *
 *   verdicts [--volley FILE] [--recorder FILE] [--only NAME,...] [--rounds 10] [--clean-rounds 20]
 *            [--json FILE]
 *
 * Plants a cause of a wrong figure in every round, and counts in how many the verdict named it: the check of
 * that cause at the level that it deserves, or worse. And repeats runs that nothing is wrong with, among them
 * the three of `make run`, and counts how many were GREEN. Of those only the ones count in which the machine
 * itself did not interfere: less than QUIET_STEAL of CPU time stolen, and no worker kept waiting for its CPU
 * for QUIET_DELAY of the time or more.
 *
 * A cause is to be named in 9 of 10 runs, a clean run GREEN in 19 of 20. Prints a row each; exit status 0 when
 * all are reached, 1 when one is missed, 4 when the machine was not quiet in half of the clean runs or more, so
 * that they do not tell. The server has one CPU, the workers another. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/units.h"
#include "tests/perf/honesty.h"

#define ROUNDS_MAX 1000
#define RUN_SECONDS_MAX 60
#define KEYS 100000
#define VALUE_BYTES 3
#define QUIET_STEAL_PERCENT 0.5
#define QUIET_DELAY 0.02
#define NAMED_SHARE 0.9
#define GREEN_SHARE 0.95
#define TROUBLE_BYTES 160

struct verdicts {
    struct honesty ground; /* programs, CPUs, directory */
    uint64_t rounds, clean_rounds;
    struct server server;
    json_t *results;
    uint32_t missed, unknown;
};

enum target { TARGET_SERVER, TARGET_RECORDER, TARGET_NULL };
enum mischief { LEAVE_ALONE, BUSY_CPU, KILL_SERVER, STOP_SERVER };

/* What is done, and which check is to say so. */
static const struct cause {
    const char *name, *what;
    enum target target;
    enum mischief mischief;
    const char *words; /* of volley's command line */
    const char *check, *level, *advice;
} causes[] = {
    {"client", "client too slow: 5,000,000/s asked of one worker", TARGET_NULL, LEAVE_ALONE,
     "-t get -r 100000 --qps 5m --duration 2", "worker_cpu", "AMBER", ""},
    {"crowd", "client too slow: 16 workers on one CPU", TARGET_NULL, LEAVE_ALONE,
     "-t get -r 100000 --processes 16 -c 64 --duration 2", "worker_cpu", "AMBER", ""},
    {"server", "slow server: 100 us a request, 15,000/s asked", TARGET_RECORDER, LEAVE_ALONE,
     "-t get -r 100000 --qps 15k --duration 2", "target", "RED", "answered too slowly"},
    {"cpu", "busy CPU: another process on the worker's", TARGET_SERVER, BUSY_CPU,
     "-t get -r 100000 --duration 2", "run_delay", "AMBER", "something else"},
    {"key", "one key", TARGET_SERVER, LEAVE_ALONE, "-t get --duration 1", "one_key", "AMBER", ""},
    {"killed", "dead server: killed after one of four seconds", TARGET_SERVER, KILL_SERVER,
     "-t get -r 100000 --duration 4", "outage", "RED", ""},
    {"stopped", "dead server: stopped for three of four seconds", TARGET_SERVER, STOP_SERVER,
     "-t get -r 100000 --qps 5k --duration 4", "outage", "RED", ""},
    {"samples", "few samples: 500 requests", TARGET_SERVER, LEAVE_ALONE, "-t get -r 100000 -n 500",
     "few_samples", "AMBER", ""},
};
#define CAUSE_COUNT (sizeof causes / sizeof causes[0])

static const struct clean {
    const char *name, *what, *words;
} cleans[] = {
    {"set", "make run: SET of every key, pipeline 16",
     "-t set -n 1000000 --sequential 1000000 -P 16"},
    {"get", "make run: GET, pipeline 1", "-t get -r 100000 -P 1 --duration 5s"},
    {"get16", "make run: GET, pipeline 16", "-t get -r 100000 -P 16 --duration 5s"},
    {"rate", "10,000/s for 3 s", "-t get -r 100000 --qps 10000 --duration 3"},
    {"rate1", "1,000/s for 10 s, 10 connections",
     "-t get -r 100000 --qps 1000 --duration 10 -c 10"},
};
#define CLEAN_COUNT (sizeof cleans / sizeof cleans[0])

/* One run's result -------------------------------------------------------------------------------- */

static const json_t *check_of(const json_t *run, const char *name)
{
    size_t index;
    const json_t *check;
    json_array_foreach(json_object_get(json_object_get(run, "verdict"), "checks"), index, check)
    {
        if (strcmp(json_string_value(json_object_get(check, "name")), name) == 0)
            return check;
    }
    return NULL;
}

static const char *level_of(const json_t *check)
{
    const char *level = json_string_value(json_object_get(check, "level"));
    return level == NULL ? "" : level;
}

static bool names(const json_t *run, const struct cause *cause)
{
    const json_t *check = check_of(run, cause->check);
    const char *level = level_of(check);
    const char *advice = json_string_value(json_object_get(check, "advice"));
    return (strcmp(level, cause->level) == 0 || strcmp(level, "RED") == 0) && advice != NULL &&
           strstr(advice, cause->advice) != NULL;
}

static bool was_quiet(const json_t *run)
{
    double seconds = json_number_value(json_object_get(run, "seconds"));
    double steal = json_number_value(json_object_get(check_of(run, "steal_time"), "value"));
    size_t index;
    const json_t *worker;
    json_array_foreach(json_object_get(run, "workers"), index, worker)
    {
        double delay = json_number_value(json_object_get(worker, "run_delay_seconds"));
        if (delay >= QUIET_DELAY * seconds)
            return false;
    }
    return steal < QUIET_STEAL_PERCENT;
}

/* Adds the checks that were not GREEN, each once. */
static void note_trouble(char trouble[TROUBLE_BYTES], const json_t *run)
{
    size_t index;
    const json_t *check;
    json_array_foreach(json_object_get(json_object_get(run, "verdict"), "checks"), index, check)
    {
        const char *name = json_string_value(json_object_get(check, "name"));
        size_t used = strlen(trouble);
        if (strcmp(level_of(check), "GREEN") != 0 && strstr(trouble, name) == NULL)
            snprintf(trouble + used, TROUBLE_BYTES - used, "%s%s", used == 0 ? "" : " ", name);
    }
}

/* One run ----------------------------------------------------------------------------------------- */

static void wait_for(pid_t pid)
{
    while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        continue;
}

static void end(pid_t pid)
{
    if (pid > 0)
        kill(pid, SIGKILL);
    wait_for(pid);
}

/* Uses up the worker's CPU. */
static pid_t hog_begin(const struct verdicts *verdicts)
{
    struct command command = {.argc = 0};
    command_add(&command, "/bin/sh");
    command_add(&command, "-c");
    command_add(&command, "%s", "while :; do :; done");
    const struct spawn spawn = {.command = &command,
                                .log_path = "/dev/null",
                                .cpu = verdicts->ground.placement.client_cpu,
                                .seconds_max = RUN_SECONDS_MAX};
    return process_spawn(&spawn);
}

/* While volley runs. */
static void do_mischief(const struct verdicts *verdicts, enum mischief mischief)
{
    pid_t server = verdicts->server.pid;
    if (mischief != KILL_SERVER && mischief != STOP_SERVER)
        return;
    clock_sleep_until(clock_now_ns() + NS_PER_SECOND);
    kill(server, mischief == KILL_SERVER ? SIGKILL : SIGSTOP);
    for (int second = 0; mischief == STOP_SERVER && second < 3; second++)
        clock_sleep_until(clock_now_ns() + NS_PER_SECOND);
    if (mischief == STOP_SERVER)
        kill(server, SIGCONT);
}

/* The last run of what volley wrote. A run that failed has a result, too; owned by the caller. */
static enum err_code run_volley(json_t **run, const struct verdicts *verdicts,
                                const struct command *command, enum mischief mischief,
                                struct err *err)
{
    char json_path[PATH_BYTES], log_path[PATH_BYTES];
    struct command whole = *command;
    json_error_t why;
    snprintf(json_path, sizeof json_path, "%s/run.json", verdicts->ground.directory);
    snprintf(log_path, sizeof log_path, "%s/client.log", verdicts->ground.directory);
    unlink(json_path);
    for (uint32_t i = 0; i < whole.argc; i++)
        whole.argv[i] = whole.text[i];
    command_add(&whole, "--json");
    command_add(&whole, "%s", json_path);
    const struct spawn spawn = {
        .command = &whole, .cpu = -1, .log_path = log_path, .seconds_max = RUN_SECONDS_MAX};
    pid_t hog = mischief == BUSY_CPU ? hog_begin(verdicts) : 0;
    pid_t pid = process_spawn(&spawn);
    if (pid > 0)
        do_mischief(verdicts, mischief);
    wait_for(pid);
    end(hog);
    if (compare_interrupted)
        return err_set(err, E_INTERRUPTED, "interrupted");
    json_t *document = json_load_file(json_path, 0, &why);
    const json_t *runs = json_object_get(document, "runs");
    *run = json_incref(json_array_get(runs, json_array_size(runs) - 1));
    json_decref(document);
    return *run != NULL ? OK
                        : err_set(err, E_FAILED, "no result of %s: see %s", command->text[0],
                                  verdicts->ground.directory);
}

static void add_run(struct command *command, const struct verdicts *verdicts, const char *words,
                    uint16_t port)
{
    command_add(command, "%s", verdicts->ground.volley);
    command_add(command, "bench");
    if (port == 0) {
        command_add(command, "--null");
    } else {
        add_words(command, "-h 127.0.0.1 -p");
        command_add(command, "%u", (unsigned)port);
    }
    if (verdicts->ground.placement.client_cpu >= 0) {
        command_add(command, "--cpus");
        command_add(command, "%d", verdicts->ground.placement.client_cpu);
    }
    add_words(command, words);
}

/* Starts a real server where none runs. */
static enum err_code need_server(struct verdicts *verdicts, struct err *err)
{
    if (verdicts->server.pid > 0)
        return OK;
    server_stop(&verdicts->server);
    enum err_code code =
        server_start(&verdicts->server, verdicts->ground.placement.server_cpu, err);
    return code == OK ? server_fill(&verdicts->server, KEYS, VALUE_BYTES, false, err) : code;
}

static enum err_code run_cause(bool *named, struct verdicts *verdicts, const struct cause *cause,
                               struct err *err)
{
    const struct recorder_wish slow = {.service_time = "100us"};
    struct recorder_process recorder = {.pid = 0};
    struct command command = {.argc = 0};
    json_t *run = NULL;
    uint16_t port = 0;
    enum err_code code = OK;
    if (cause->target == TARGET_SERVER) {
        code = need_server(verdicts, err);
        port = verdicts->server.port;
    } else if (cause->target == TARGET_RECORDER) {
        code = recorder_begin(&recorder, &verdicts->ground, &slow, err);
        port = recorder.port;
    }
    add_run(&command, verdicts, cause->words, port);
    if (code == OK)
        code = run_volley(&run, verdicts, &command, cause->mischief, err);
    if (cause->mischief == KILL_SERVER || cause->mischief == STOP_SERVER)
        server_stop(&verdicts->server);
    enum err_code end_code = recorder_end(&recorder, err);
    if (code == OK)
        code = end_code;
    *named = code == OK && names(run, cause);
    json_decref(run);
    return code;
}

/* Rows -------------------------------------------------------------------------------------------- */

static void add_row(struct verdicts *verdicts, const char *what, const char *wanted,
                    const char *got, const char *outcome)
{
    printf("  %-52s %-22s %-30s %s\n", what, wanted, got, outcome);
    fflush(stdout);
    json_array_append_new(verdicts->results,
                          json_pack("{s:s, s:s, s:s, s:s}", "what", what, "wanted", wanted, "got",
                                    got, "outcome", outcome));
}

static enum err_code judge_cause(struct verdicts *verdicts, const struct cause *cause,
                                 struct err *err)
{
    uint64_t named = 0;
    char wanted[64], got[64];
    for (uint64_t round = 0; round < verdicts->rounds; round++) {
        bool this_one = false;
        enum err_code code = run_cause(&this_one, verdicts, cause, err);
        if (code != OK)
            return code;
        named += this_one;
    }
    bool reached = (double)named >= NAMED_SHARE * (double)verdicts->rounds;
    snprintf(wanted, sizeof wanted, "%s %s", cause->level, cause->check);
    snprintf(got, sizeof got, "named in %llu of %llu", (unsigned long long)named,
             (unsigned long long)verdicts->rounds);
    add_row(verdicts, cause->what, wanted, got, reached ? "ok" : "MISSED");
    verdicts->missed += !reached;
    return OK;
}

static enum err_code judge_clean(struct verdicts *verdicts, const struct clean *clean,
                                 struct err *err)
{
    uint64_t green = 0, quiet = 0, rounds = verdicts->clean_rounds;
    char got[64], trouble[TROUBLE_BYTES] = "", outcome[TROUBLE_BYTES + 32];
    for (uint64_t round = 0; round < rounds; round++) {
        struct command command = {.argc = 0};
        json_t *run = NULL;
        enum err_code code = need_server(verdicts, err);
        add_run(&command, verdicts, clean->words, verdicts->server.port);
        if (code == OK)
            code = run_volley(&run, verdicts, &command, LEAVE_ALONE, err);
        if (code != OK)
            return code;
        const char *level = level_of(json_object_get(run, "verdict"));
        if (was_quiet(run)) {
            quiet++;
            green += strcmp(level, "GREEN") == 0;
            note_trouble(trouble, run);
        }
        json_decref(run);
    }
    bool known = 2 * quiet > rounds, reached = (double)green >= GREEN_SHARE * (double)quiet;
    snprintf(got, sizeof got, "%llu of %llu, %llu not quiet", (unsigned long long)green,
             (unsigned long long)quiet, (unsigned long long)(rounds - quiet));
    snprintf(outcome, sizeof outcome, "%s%s%s",
             !reached ? "MISSED"
             : known  ? "ok"
                      : "not known",
             trouble[0] == '\0' ? "" : ": ", trouble);
    add_row(verdicts, clean->what, "GREEN", got, outcome);
    verdicts->missed += !reached;
    verdicts->unknown += reached && !known;
    return OK;
}

static enum err_code judge_all(struct verdicts *verdicts, const char *only, struct err *err)
{
    enum err_code code = OK;
    printf("  %-52s %-22s %-30s\n", "cause, or clean run", "wanted", "measured");
    for (size_t i = 0; i < CAUSE_COUNT && code == OK; i++)
        if (honesty_listed(only, causes[i].name))
            code = judge_cause(verdicts, &causes[i], err);
    for (size_t i = 0; i < CLEAN_COUNT && code == OK; i++)
        if (honesty_listed(only, cleans[i].name) || (only != NULL && honesty_listed(only, "clean")))
            code = judge_clean(verdicts, &cleans[i], err);
    if (code == OK && verdicts->missed > 0)
        return err_set(err, E_FAILED, "%u rows are missed", verdicts->missed);
    if (code == OK && verdicts->unknown > 0)
        return err_set(err, E_DATA, "%u rows are not known: something else ran on this machine",
                       verdicts->unknown);
    return code;
}

/* Life -------------------------------------------------------------------------------------------- */

static enum err_code make_directory(struct honesty *ground, struct err *err)
{
    const char *parent = getenv("TMPDIR");
    snprintf(ground->directory, sizeof ground->directory, "%.40s/volley-perf-XXXXXX",
             parent != NULL && *parent != '\0' ? parent : "/tmp");
    if (mkdtemp(ground->directory) == NULL)
        return err_set_errno(err, E_SYSTEM, errno, "making a temporary directory");
    return OK;
}

static void remove_directory(const struct honesty *ground)
{
    static const char *const files[] = {"record", "server.log", "client.log", "run.json"};
    char path[PATH_BYTES];
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", ground->directory, files[i]);
        unlink(path);
    }
    rmdir(ground->directory);
}

static bool known_names(const char *only)
{
    for (const char *at = only; *at != '\0';) {
        size_t length = strcspn(at, ",");
        bool known = length == 5 && strncmp(at, "clean", 5) == 0;
        for (size_t i = 0; i < CAUSE_COUNT; i++)
            known |= strlen(causes[i].name) == length && strncmp(causes[i].name, at, length) == 0;
        for (size_t i = 0; i < CLEAN_COUNT; i++)
            known |= strlen(cleans[i].name) == length && strncmp(cleans[i].name, at, length) == 0;
        if (!known)
            return false;
        at += length + (at[length] == ',');
    }
    return *only != '\0';
}

static bool parse_rounds(uint64_t *rounds, const char *text)
{
    return units_parse_count(rounds, text) && *rounds >= 1 && *rounds <= ROUNDS_MAX;
}

struct call {
    const char *only, *json_path;
};

static bool parse(struct verdicts *verdicts, struct call *call, int argc, char **argv)
{
    static const struct option options[] = {
        {"volley", required_argument, NULL, 'v'},
        {"recorder", required_argument, NULL, 'r'},
        {"only", required_argument, NULL, 'o'},
        {"rounds", required_argument, NULL, 'R'},
        {"clean-rounds", required_argument, NULL, 'C'},
        {"json", required_argument, NULL, 'j'},
        {NULL, 0, NULL, 0},
    };
    int letter, index = 0;
    while ((letter = getopt_long(argc, argv, "", options, &index)) != -1) {
        bool good = letter != '?';
        if (letter == 'v')
            verdicts->ground.volley = optarg;
        else if (letter == 'r')
            verdicts->ground.recorder = optarg;
        else if (letter == 'j')
            call->json_path = optarg;
        else if (letter == 'o')
            good = known_names(call->only = optarg);
        else if (letter == 'R')
            good = parse_rounds(&verdicts->rounds, optarg);
        else if (letter == 'C')
            good = parse_rounds(&verdicts->clean_rounds, optarg);
        if (good)
            continue;
        if (letter != '?')
            fprintf(stderr, "verdicts: --%s %s: not allowed\n", options[index].name, optarg);
        return false;
    }
    return optind == argc;
}

static void on_signal(int signal_number)
{
    (void)signal_number;
    compare_interrupted = 1;
}

static void print_usage(void)
{
    fprintf(stderr, "usage: verdicts [--volley FILE] [--recorder FILE] [--rounds N] "
                    "[--clean-rounds N] [--json FILE] [--only NAME,...]\nnames: clean");
    for (size_t i = 0; i < CAUSE_COUNT; i++)
        fprintf(stderr, " %s", causes[i].name);
    for (size_t i = 0; i < CLEAN_COUNT; i++)
        fprintf(stderr, " %s", cleans[i].name);
    fprintf(stderr, "\n");
}

int main(int argc, char **argv)
{
    struct verdicts verdicts = {
        .ground = {.volley = "build/volley", .recorder = "build/support/recorder_server"},
        .rounds = 10,
        .clean_rounds = 20};
    struct call call = {.only = NULL};
    struct err err = {.code = OK};
    if (!parse(&verdicts, &call, argc, argv)) {
        print_usage();
        return E_USAGE;
    }
    const struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    placement_choose(&verdicts.ground.placement);
    verdicts.results = json_array();
    enum err_code code = make_directory(&verdicts.ground, &err);
    if (code == OK)
        code = judge_all(&verdicts, call.only, &err);
    server_stop(&verdicts.server);
    remove_directory(&verdicts.ground);
    if (call.json_path != NULL &&
        json_dump_file(verdicts.results, call.json_path, JSON_INDENT(1)) != 0 && code == OK)
        code = err_set(&err, E_FAILED, "writing %s failed", call.json_path);
    json_decref(verdicts.results);
    if (code != OK)
        fprintf(stderr, "verdicts: %s\n", err.text);
    return err_exit_status(code);
}
