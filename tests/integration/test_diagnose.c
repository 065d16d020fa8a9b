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

/* A server on the second CPU, where there are two. */
static void start_server(const char *const *args)
{
    const struct test_server_options options = {.args = args};
    test_server_start(&world.server, &options);
    if (sysconf(_SC_NPROCESSORS_ONLN) > SERVER_CPU)
        pin(world.server.pid, SERVER_CPU);
}

#define LOAD(...)                                                                                  \
    trial_start(&trial, "-p", world.server.port_text, "--cpus", WORKER_CPU, __VA_ARGS__, NULL)

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
static void expect_cause(const char *planted)
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
        ck_assert_msg(strcmp(name, planted) == 0 || is_of_busy_machine(name), "%s: %s", name,
                      program.out);
    }
    ck_assert_msg(named, "%s is not named: %s", planted, program.out);
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

TEST(test_clean)
{
    /* Breaks when a run that nothing holds up has a bottleneck, or lacks what a rule needs. */
    static const char *const rules[] = {"SLOW_COMMAND", "PERSISTENCE", "SERVER_STOPPED",
                                        "SERVER_GONE",  "MEMORY",      "BIG_VALUES",
                                        "NETWORK",      "SERVER_CPU"};
    start_server(NULL);
    LOAD("-t", "get", "-r", "1000", "--qps", "1000", "-c", "5", "--duration", "1500ms");
    trial_end(&trial, 0);
    expect_cause("");
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
        ck_assert_str_eq(state_of(rules[i]), "clear");
    ck_assert_str_ne(state_of("SERVER_STARVED"), "skipped");
    ck_assert_str_ne(state_of("CLIENT"), "skipped");
}

static pid_t start_hog(int cpu)
{
    volatile bool busy = true;
    const pid_t hog = support_fork();
    while (hog == 0 && busy)
        continue;
    pin(hog, cpu);
    return hog;
}

TEST(test_server_starved)
{
    /* Breaks when a program on the server's CPU is taken for a slow server. */
    start_server(NULL);
    const pid_t hog = start_hog(sysconf(_SC_NPROCESSORS_ONLN) > SERVER_CPU ? SERVER_CPU : 0);
    LOAD("-t", "get", "-r", "1000", "-c", "20", "--duration", "1500ms");
    program_wait(&trial.program);
    support_kill(hog);
    trial_end(&trial, 0);
    expect_cause("SERVER_STARVED");
}

TEST(test_server_stopped)
{
    /* Breaks when a server that stood still is not named, or is blamed for a slow command. */
    start_server(NULL);
    LOAD("-t", "get", "-r", "1000", "--qps", "1000", "-c", "5", "--duration", "4");
    trial_wait_calls("get", 300);
    test_server_pause(&world.server);
    support_sleep_ms(2500);
    test_server_resume(&world.server);
    trial_end(&trial, 0);
    expect_cause("SERVER_STOPPED");
}

TEST(test_server_stopped_until_time_out)
{
    /* Breaks when requests that time out at a server that stands still are taken for a server that went away, or the time
     * that it stood still for that of a disk. */
    static const char *const args[] = {"--appendonly", "yes", NULL};
    start_server(args);
    LOAD("-t", "set", "-r", "1000", "--qps", "500", "-c", "5", "--duration", "4",
         "--request-timeout", "500ms");
    trial_wait_calls("set", 300);
    test_server_pause(&world.server);
    support_sleep_ms(2500);
    test_server_resume(&world.server);
    trial_end(&trial, 0);
    expect_cause("SERVER_STOPPED");
}

TEST(test_server_gone)
{
    /* Breaks when a server that died is taken for one that stood still, or what it cannot tell any more for 0. */
    start_server(NULL);
    LOAD("-t", "get", "-r", "1000", "--qps", "1000", "-c", "5", "--duration", "1500ms");
    trial_wait_calls("get", 300);
    test_server_kill(&world.server);
    trial_end(&trial, 1); /* nothing was answered any more */
    expect_cause("SERVER_GONE");
}

TEST(test_memory_evicted)
{
    /* Breaks when a server that throws keys away for want of memory is not named. */
    static const char *const args[] = {"--maxmemory", "2mb", "--maxmemory-policy", "allkeys-lru",
                                       NULL};
    start_server(args);
    LOAD("-t", "set", "-r", "100000", "-d", "400", "--qps", "4000", "-c", "5", "--duration", "1");
    trial_end(&trial, 0);
    expect_cause("MEMORY");
}

TEST(test_memory_refused)
{
    /* Breaks when one that refuses writes for want of memory is not. */
    static const char *const args[] = {"--maxmemory", "2mb", NULL};
    start_server(args);
    LOAD("-t", "set", "-r", "100000", "-d", "400", "--qps", "4000", "-c", "5", "--duration", "1");
    trial_end(&trial, 0);
    expect_cause("MEMORY");
}

TEST(test_slow_command)
{
    /* Breaks when a script that keeps the server is taken for a server without CPU. */
    start_server(NULL);
    LOAD("-c", "4", "--duration", "1500ms", "--", "eval",
         "local x = 0 for i = 1, 300000 do x = x + i end return x", "0");
    trial_end(&trial, 0);
    expect_cause("SLOW_COMMAND");
}

TEST(test_big_values)
{
    /* Breaks when large values are not named. */
    start_server(NULL);
    LOAD("-t", "set", "-r", "100", "-d", "65536", "-c", "8", "--duration", "1500ms");
    trial_end(&trial, 0);
    expect_cause("BIG_VALUES");
}

static void start_server_on_slow_disk(const char *name, const char *value, const char *const *args)
{
    const char *library = getenv("VOLLEY_SLOW_DISK");
    setenv("LD_PRELOAD", library != NULL ? library : "build/support/slow_disk.so", 1);
    setenv(name, value, 1);
    start_server(args);
    unsetenv("LD_PRELOAD");
    unsetenv(name);
}

TEST(test_slow_fork)
{
    /* Breaks when a save that stops the server while it forks is not named. */
    start_server_on_slow_disk("SLOW_FORK_US", "300000", NULL);
    LOAD("-t", "set", "-r", "1000", "--qps", "1000", "-c", "5", "--duration", "2");
    trial_wait_calls("set", 300);
    free(test_server_text(&world.server, "BGSAVE"));
    trial_end(&trial, 0);
    expect_cause("PERSISTENCE");
}

TEST(test_slow_fsync)
{
    /* Breaks when the disk of an append only file is not named. */
    static const char *const args[] = {"--appendonly", "yes", "--appendfsync", "always", NULL};
    start_server_on_slow_disk("SLOW_FSYNC_US", "5000", args);
    LOAD("-t", "set", "-r", "1000", "-c", "20", "--duration", "1500ms");
    trial_end(&trial, 0);
    expect_cause("PERSISTENCE");
}

TEST(test_delayed_fsync)
{
    /* Breaks when a disk that is so slow that writes cannot wait for it any longer is not named. */
    static const char *const args[] = {"--appendonly", "yes", "--appendfsync", "everysec", NULL};
    start_server_on_slow_disk("SLOW_FSYNC_US", "3000000", args);
    LOAD("-t", "set", "-r", "1000", "--qps", "500", "-c", "5", "--duration", "4500ms");
    trial_end(&trial, 0);
    expect_cause("PERSISTENCE");
}

TEST(test_client_starved)
{
    /* Breaks when a program on a worker's CPU is taken for a slow server. */
    start_server(NULL);
    const pid_t hog = start_hog(0);
    LOAD("-t", "get", "-r", "1000", "-c", "20", "--duration", "1500ms");
    program_wait(&trial.program);
    support_kill(hog);
    trial_end(&trial, 0);
    expect_cause("CLIENT");
}

TEST(test_client)
{
    /* Breaks when volley's own limit passes for the server's. */
    trial_start(&trial, "--null", "-t", "get", "-r", "1000", "--processes", "1", "--qps", "100m",
                "--duration", "1", NULL);
    trial_end(&trial, 0);
    expect_cause("CLIENT");
}

TEST(test_network)
{
    /* Breaks when a long way to the server is taken for a slow server. */
    start_server(NULL);
    delay_relay_start(&relay, world.server.port, 5);
    trial_start(&trial, "-p", relay.port_text, "--cpus", WORKER_CPU, "-t", "get", "-r", "1000",
                "-c", "4", "--duration", "1500ms", NULL);
    program_wait(&trial.program);
    delay_relay_stop(&relay);
    trial_end(&trial, 0);
    expect_cause("NETWORK");
}

TEST(test_server_cpu)
{
    /* Breaks when the one thread of a server that has no time left is not named. */
    start_server(NULL);
    LOAD("-c", "64", "-P", "64", "--duration", "1500ms", "-r", "100", "--", "eval",
         "for i = 1, 2000 do end return 1", "0");
    trial_end(&trial, 0);
    (void)diagnose();
    /* On a busy machine its CPU is not all its own, and that is why. */
    expect_cause(strcmp(state_of("SERVER_STARVED"), "found") == 0 &&
                         getenv("VOLLEY_DIAGNOSE_OUTCOMES") == NULL
                     ? "SERVER_STARVED"
                     : "SERVER_CPU");
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
