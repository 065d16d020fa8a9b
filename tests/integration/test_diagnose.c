/* `volley diagnose`: causes that are planted on real servers, one round of each. Others may stand beside what is planted that a
 * busy machine has for true: a server, or a worker, that waits for its CPU. `make verdicts` plants each ten times: then the file
 * VOLLEY_DIAGNOSE_OUTCOMES gets a line for each, and nothing fails here (tests/perf/diagnoses.sh). */
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/check/delay_relay.h"
#include "tests/support/check/run.h"
#include "tests/support/check/run_json.h"
#include "tests/support/check/suite.h"
#include "tests/support/check/support.h"
#include "tests/support/check/trial.h"

#define SERVER_CPU 1
#define WORKER_CPU "0"

static struct trial trial;
static struct program program;
static struct delay_relay relay;
static json_t *diagnosis;

static void tear_down(void)
{
    delay_relay_stop(&relay);
    json_decref(diagnosis);
    program_free(&program);
    trial_free(&trial);
    trial_tear_down();
}

static void pin(pid_t pid, int cpu)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    ck_assert_int_eq(sched_setaffinity(pid, sizeof set, &set), 0);
}

/* Of the newest run. */
static const json_t *diagnose(void)
{
    program_free(&program);
    json_decref(diagnosis);
    program_run_volley(&program, "diagnose", trial.json_path, "--json", "-", NULL);
    program_expect_status(&program, 0);
    diagnosis = json_loads(program.out, 0, NULL);
    ck_assert_ptr_nonnull(diagnosis);
    run_json_keep(diagnosis, "diagnosis");
    const json_t *runs = json_object_get(diagnosis, "runs");
    return json_array_get(runs, json_array_size(runs) - 1);
}

static bool is_of_busy_machine(const char *cause)
{
    return strcmp(cause, "SERVER_STARVED") == 0 || strcmp(cause, "CLIENT") == 0;
}

/* "named" when what is first is what was planted ("": nothing). False: nobody wants to know. */
static bool tell_outcome(const json_t *found, const char *planted)
{
    const char *path = getenv("VOLLEY_DIAGNOSE_OUTCOMES");
    FILE *file = path != NULL ? fopen(path, "ae") : NULL;
    const char *first = json_string_value(json_array_get(found, 0));
    first = first != NULL ? first : "";
    if (file == NULL)
        return false;
    fprintf(file, "%s\n",
            strcmp(first, planted) == 0 ? "named"
            : is_of_busy_machine(first) ? "not quiet"
                                        : "missed");
    ck_assert_int_eq(fclose(file), 0);
    return true;
}

/* Whether this cause is found, and none that is not there; "": none at all. */
static void expect_cause(const char *planted, const char *breaks_when)
{
    size_t index;
    const json_t *cause;
    bool named = planted[0] == '\0';
    const json_t *found = json_object_get(diagnose(), "bottlenecks");
    if (tell_outcome(found, planted))
        return;
    json_array_foreach(found, index, cause)
    {
        const char *name = json_string_value(cause);
        named |= strcmp(name, planted) == 0;
        ck_assert_msg(strcmp(name, planted) == 0 || is_of_busy_machine(name), "%s; %s: %.3000s",
                      breaks_when, name, program.out);
    }
    ck_assert_msg(named, "%s; %s is not named: %.3000s", breaks_when, planted, program.out);
}

/* What this rule came to in the newest diagnosis. */
static const char *state_of(const char *wanted)
{
    size_t index;
    const json_t *rule;
    const json_t *run = json_array_get(json_object_get(diagnosis, "runs"), 0);
    json_array_foreach(
        json_object_get(run, "rules"), index,
        rule) if (strcmp(json_string_value(json_object_get(rule, "cause")), wanted) ==
                  0) return json_string_value(json_object_get(rule, "state"));
    ck_abort_msg("there is no rule %s", wanted);
}

/* ---- what is planted ---- */

/* Beside the load, which is under way: after 300 requests, unless it is for all of it. Returns a process that is to be ended with
 * it; 0: none. */
typedef pid_t plant(void);

static pid_t start_hog(int cpu)
{
    volatile bool busy = true;
    const pid_t hog = support_fork();
    while (hog == 0 && busy)
        continue;
    pin(hog, cpu);
    return hog;
}

static int server_cpu(void)
{
    return sysconf(_SC_NPROCESSORS_ONLN) > SERVER_CPU ? SERVER_CPU : 0;
}

static pid_t hog_server(void)
{
    return start_hog(server_cpu());
}

static pid_t hog_worker(void)
{
    return start_hog(0);
}

static pid_t stand_still(void)
{
    test_server_pause(&world.server);
    support_sleep_ms(2500);
    test_server_resume(&world.server);
    return 0;
}

static pid_t kill_server(void)
{
    test_server_kill(&world.server);
    return 0;
}

static pid_t save(void)
{
    free(test_server_text(&world.server, "BGSAVE"));
    return 0;
}

#define SLOW_SCRIPT "local x = 0 for i = 1, 300000 do x = x + i end return x"
#define EACH "--cpus " WORKER_CPU " -r 1000 "
#define PACED EACH "-c 5 --qps "

/* tests/perf/diagnoses.sh plants them by name. */
static const struct planted {
    const char *name, *breaks_when;
    const char *cause;          /* "": none */
    const char *load, *script;  /* script: what @ in the load is */
    const char *server[5];      /* its arguments */
    const char *slow, *slow_us; /* of its disk: which, and for how long */
    const char *called; /* 300 times before it is planted; NULL: it is there from the beginning */
    plant *plant;
    uint64_t relay_ms; /* the way to the server takes so long; 0: as it does */
    int status;
} planted[] = {
    {"clean", "a run that nothing holds up has a bottleneck", "",
     .load = PACED "1000 -t get --duration 1500ms"},
    {"server_starved", "a program on the server's CPU is taken for a slow server", "SERVER_STARVED",
     EACH "-t get -c 20 --duration 1500ms", .plant = hog_server},
    {"server_stopped", "a server that stood still is blamed for a slow command", "SERVER_STOPPED",
     PACED "1000 -t get --duration 4", .called = "get", .plant = stand_still},
    {"server_stopped_until_time_out",
     "time-outs of a server that stands still are taken for one that went away, or for a slow disk",
     "SERVER_STOPPED", PACED "500 -t set --duration 4 --request-timeout 500ms",
     .server = {"--appendonly", "yes"}, .called = "set", .plant = stand_still},
    {"server_gone",
     "a server that died is taken for one that stood still, or what it cannot tell for 0",
     "SERVER_GONE", PACED "1000 -t get --duration 1500ms", .called = "get", .plant = kill_server,
     .status = 1 /* nothing was answered any more */},
    {"memory_evicted", "a server that throws keys away for want of memory is not named", "MEMORY",
     "--cpus " WORKER_CPU " -t set -r 100000 -d 400 --qps 4000 -c 5 --duration 1",
     .server = {"--maxmemory", "2mb", "--maxmemory-policy", "allkeys-lru"}},
    {"memory_refused", "one that refuses writes for want of memory is not", "MEMORY",
     "--cpus " WORKER_CPU " -t set -r 100000 -d 400 --qps 4000 -c 5 --duration 1",
     .server = {"--maxmemory", "2mb"}},
    {"slow_command", "a script that keeps the server is taken for a server without CPU",
     "SLOW_COMMAND", "--cpus " WORKER_CPU " -c 4 --duration 1500ms -- eval @ 0",
     .script = SLOW_SCRIPT},
    {"big_values", "large values are not named", "BIG_VALUES",
     .load = "--cpus " WORKER_CPU " -t set -r 100 -d 65536 -c 8 --duration 1500ms"},
    {"slow_fork", "a save that stops the server while it forks is not named", "PERSISTENCE",
     PACED "1000 -t set --duration 2", .slow = "SLOW_FORK_US", .slow_us = "300000", .called = "set",
     .plant = save},
    {"slow_fsync", "the disk of an append only file is not named", "PERSISTENCE",
     EACH "-t set -c 20 --duration 1500ms",
     .server = {"--appendonly", "yes", "--appendfsync", "always"}, .slow = "SLOW_FSYNC_US",
     .slow_us = "5000"},
    {"delayed_fsync", "a disk so slow that writes cannot wait for it any longer is not named",
     "PERSISTENCE", PACED "500 -t set --duration 4500ms",
     .server = {"--appendonly", "yes", "--appendfsync", "everysec"}, .slow = "SLOW_FSYNC_US",
     .slow_us = "3000000"},
    {"client_starved", "a program on a worker's CPU is taken for a slow server", "CLIENT",
     EACH "-t get -c 20 --duration 1500ms", .plant = hog_worker},
    {"client", "volley's own limit passes for the server's", "CLIENT",
     .load = "--null -t get -r 1000 --processes 1 --qps 100m --duration 1"},
    {"network", "a long way to the server is taken for a slow server", "NETWORK",
     EACH "-t get -c 4 --duration 1500ms", .relay_ms = 5},
    {"server_cpu", "the one thread of a server that has no time left is not named", "SERVER_CPU",
     "--cpus " WORKER_CPU " -c 64 -P 64 --duration 1500ms -r 100 -- eval @ 0",
     .script = "for i = 1, 2000 do end return 1"},
};

/* On the second CPU, where there are two. */
static void start_server(const struct planted *row)
{
    const struct test_server_options options = {.args = row->server};
    const char *library = getenv("VOLLEY_SLOW_DISK");
    if (row->slow != NULL) {
        setenv("LD_PRELOAD", library != NULL ? library : "build/support/slow_disk.so", 1);
        setenv(row->slow, row->slow_us, 1);
    }
    test_server_start(&world.server, &options);
    if (row->slow != NULL) {
        unsetenv("LD_PRELOAD");
        unsetenv(row->slow);
    }
    pin(world.server.pid, server_cpu());
}

static void start_load(const struct planted *row)
{
    char line[300];
    const char *port = world.server.port_text;
    if (row->relay_ms > 0) {
        delay_relay_start(&relay, world.server.port, row->relay_ms);
        port = relay.port_text;
    }
    const bool is_null = strncmp(row->load, "--null", 6) == 0;
    snprintf(line, sizeof line, "%s%s %s", is_null ? "" : "-p ", is_null ? "" : port, row->load);
    trial_start_line(&trial, line, row->script);
}

/* On a busy machine the CPU of a server is not all its own, and that is why. */
static const char *cause_of(const struct planted *row)
{
    if (strcmp(row->cause, "SERVER_CPU") != 0 || getenv("VOLLEY_DIAGNOSE_OUTCOMES") != NULL)
        return row->cause;
    (void)diagnose();
    return strcmp(state_of("SERVER_STARVED"), "found") == 0 ? "SERVER_STARVED" : row->cause;
}

/* Nothing that a rule needs is missing. */
static void expect_all_clear(void)
{
    static const char *const rules[] = {"SLOW_COMMAND", "PERSISTENCE", "SERVER_STOPPED",
                                        "SERVER_GONE",  "MEMORY",      "BIG_VALUES",
                                        "NETWORK",      "SERVER_CPU"};
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
        ck_assert_str_eq(state_of(rules[i]), "clear");
    ck_assert_str_ne(state_of("SERVER_STARVED"), "skipped");
    ck_assert_str_ne(state_of("CLIENT"), "skipped");
}

LOOP_TEST(test_planted, sizeof planted / sizeof planted[0])
{
    /* Breaks when a cause is not named, or one that is not there is: what that means stands in the row. */
    const struct planted *row = &planted[_i];
    const char *wanted = getenv("VOLLEY_DIAGNOSE_PLANTED");
    pid_t beside = 0;
    if (wanted != NULL && strcmp(wanted, row->name) != 0)
        return;
    start_server(row);
    if (row->plant != NULL && row->called == NULL)
        beside = row->plant();
    start_load(row);
    if (row->called != NULL) {
        trial_wait_calls(row->called, 300);
        (void)row->plant();
    }
    program_wait(&trial.program);
    if (beside > 0)
        support_kill(beside);
    delay_relay_stop(&relay);
    trial_end(&trial, row->status);
    expect_cause(cause_of(row), row->breaks_when);
    if (row->cause[0] == '\0')
        expect_all_clear();
}

/* ---- what is read, and what is written ---- */

static char run_json[300], other_path[300];

/* A directory with this run.json. */
static void put_run(const char *text)
{
    temp_tree_write(&world.tree, "/run.json", text, 0600);
    snprintf(run_json, sizeof run_json, "%s/run.json", world.tree.path);
}

#define DIAGNOSE(status, ...)                                                                      \
    do {                                                                                           \
        program_free(&program);                                                                    \
        program_run_volley(&program, "diagnose", __VA_ARGS__, NULL);                               \
        program_expect_status(&program, status);                                                   \
    } while (0)

TEST(test_bad_input)
{
    /* Breaks when what is no run is diagnosed, or refused without saying what it has to be. */
    DIAGNOSE(2, "--json", "-");
    program_expect_text(program.err, "name one directory or run.json");
    DIAGNOSE(2, "a", "b");
    DIAGNOSE(2, world.tree.path, "--json", "-", "--output", "-");
    DIAGNOSE(4, "/nowhere/at/all");
    program_expect_text(program.err, "/nowhere/at/all cannot be read: No such file");
    DIAGNOSE(4, world.tree.path);
    program_expect_text(program.err, "has no run.json");
    put_run("{");
    DIAGNOSE(4, world.tree.path);
    program_expect_text(program.err, "no JSON");
    put_run("{\"schema\": \"volley.sweep/1\", \"runs\": [{}]}");
    DIAGNOSE(4, run_json);
    program_expect_text(program.err, "volley.sweep/1; it has to be volley.run/1");
    put_run("{\"schema\": \"volley.run/1\", \"runs\": []}");
    DIAGNOSE(4, run_json);
    program_expect_text(program.err, "has no run");
    put_run("{\"schema\": \"volley.run/1\", \"runs\": [{\"prefill\": true}]}");
    DIAGNOSE(4, run_json);
    program_expect_text(program.err, "filled in keys");
    put_run("{\"schema\": \"volley.run/1\", \"runs\": [{}]}");
    DIAGNOSE(2, run_json, "--json", run_json);
}

TEST(test_without_evidence)
{
    /* Breaks when what a run does not have counts as 0, or what stands there in place of a number is trusted. */
    put_run("{\"schema\": \"volley.run/1\", \"runs\": [{}, 7, {\"name\": 3, \"seconds\": \"x\", "
            "\"server\": [], \"failures\": {\"outages\": 4}, \"verdict\": {\"checks\": [1, {}]}, "
            "\"bytes\": {\"in\": -5, \"out\": 1e300}}]}");
    DIAGNOSE(0, run_json);
    program_expect_text(program.out, "Cannot tell: the run has nothing that a rule needs");
    program_expect_text(program.out, "Skipped: MEMORY, this run does not tell how many keys");
    ck_assert_ptr_null(strstr(program.out, "nothing found"));
}

TEST(test_text_is_no_markup)
{
    /* Breaks when a name in a run.json of somebody's writes cells, markup, or to the terminal. */
    put_run(
        "{\"schema\": \"volley.run/1\", \"runs\": [{\"name\": \"a|<b>\\u001b[31m\", \"target\": "
        "\"t\", \"server\": {\"evicted_keys\": 5, \"used_memory_bytes\": 95, "
        "\"maxmemory_bytes\": 100}, \"errors_by_kind\": {}}]}");
    snprintf(other_path, sizeof other_path, "%s/found.md", world.tree.path);
    DIAGNOSE(0, run_json, "--output", other_path);
    ck_assert_ptr_null(strchr(program.out, '\033'));
    program_expect_text(program.out, "Bottleneck: MEMORY (confidence 0.95) \u2014 5 keys were "
                                     "evicted, memory 95 % of maxmemory \u2192 suggestion: raise");
    char *markdown = trial_read_file(world.tree.path, "found.md");
    program_expect_text(markdown, "## a\\|\\<b\\>");
    program_expect_text(markdown,
                        "| MEMORY | 0.95 | 5 keys were evicted, memory 95 % of maxmemory |");
    program_expect_text(markdown, "- NETWORK skipped: ");
    ck_assert_ptr_null(strchr(markdown, '\033'));
    free(markdown);
}

TEST(test_several_runs)
{
    /* Breaks when of a file with several runs one alone is diagnosed. */
    put_run("{\"schema\": \"volley.run/1\", \"runs\": [{\"name\": \"SET\", \"prefill\": true}, "
            "{\"name\": \"GET\", \"repetition\": 1}, {\"name\": \"GET\", \"repetition\": 2}]}");
    DIAGNOSE(0, run_json);
    program_expect_text(program.out, "GET, repetition 1");
    program_expect_text(program.out, "GET, repetition 2");
    ck_assert_ptr_null(strstr(program.out, "SET"));
}

TEST_SUITE_WITH(diagnose, .set_up = trial_set_up, .tear_down = tear_down, .timeout_seconds = 60)
