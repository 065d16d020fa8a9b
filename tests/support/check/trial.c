#include "tests/support/check/trial.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/check/run_json.h"
#include "tests/support/check/support.h"

#define WAIT_MS 20000
#define STEP_MS 5
#define HOUR_US 3600e6

struct trial_world world;

void trial_set_up(void)
{
    memset(&world, 0, sizeof world);
    temp_tree_make(&world.tree);
    ck_assert_int_eq(setenv("TMPDIR", world.tree.path, 1), 0);
    ck_assert_int_eq(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
}

void trial_tear_down(void)
{
    test_server_stop(&world.server);
    fake_server_free(&world.fake);
    temp_tree_remove(&world.tree);
}

/* Starting ------------------------------------------------------------------------------------- */

/* words: NULL behind the last. */
static void start(struct trial *trial, const char *const *before, size_t before_count,
                  const char *const *words)
{
    static unsigned number;
    const char *argv[PROGRAM_ARGS_MAX];
    size_t argc = 0;
    memset(trial, 0, sizeof *trial);
    snprintf(trial->json_path, sizeof trial->json_path, "%s/run-%u.json", world.tree.path,
             number++);
    for (size_t i = 0; i < before_count; i++)
        argv[argc++] = before[i];
    argv[argc++] = "bench";
    argv[argc++] = "--json";
    argv[argc++] = trial->json_path;
    for (; *words != NULL; words++) {
        ck_assert_uint_lt(argc, PROGRAM_ARGS_MAX - 1);
        argv[argc++] = *words;
    }
    argv[argc] = NULL;
    program_start(&trial->program, &(struct program_options){.argv = argv});
}

static void collect(const char *words[PROGRAM_ARGS_MAX], va_list args)
{
    size_t count = 0;
    while ((words[count] = va_arg(args, const char *)) != NULL)
        ck_assert_uint_lt(++count, PROGRAM_ARGS_MAX);
}

void trial_start(struct trial *trial, ...)
{
    const char *words[PROGRAM_ARGS_MAX];
    va_list args;
    va_start(args, trial);
    collect(words, args);
    va_end(args);
    start(trial, (const char *const[]){program_volley()}, 1, words);
}

void trial_start_line(struct trial *trial, const char *line, const char *word)
{
    const char *words[PROGRAM_ARGS_MAX];
    size_t count = 0;
    char *const text = strdup(line);
    ck_assert_ptr_nonnull(text);
    for (char *at = text + strspn(text, " "); *at != '\0'; at += strspn(at, " ")) {
        ck_assert_uint_lt(count, PROGRAM_ARGS_MAX - 1);
        words[count++] = at;
        at += strcspn(at, " ");
        if (*at == ' ')
            *at++ = '\0';
    }
    words[count] = NULL;
    for (size_t i = 0; i < count; i++)
        if (strcmp(words[i], "@") == 0)
            words[i] = word;
    start(trial, (const char *const[]){program_volley()}, 1, words);
    free(text);
}

void trial_start_shell(struct trial *trial, const char *prelude, const char *exec_word, ...)
{
    char script[300];
    const char *words[PROGRAM_ARGS_MAX];
    va_list args;
    va_start(args, exec_word);
    collect(words, args);
    va_end(args);
    snprintf(script, sizeof script, "%s; exec %s \"$0\" \"$@\"", prelude, exec_word);
    start(trial, (const char *const[]){"/bin/sh", "-c", script, program_volley()}, 4, words);
}

/* Ending --------------------------------------------------------------------------------------- */

/* Children of this test that it did not start: a worker, or a managed server. */
static size_t left_over(pid_t *first)
{
    pid_t children[64];
    size_t count = support_children(getpid(), children, 64);
    size_t strangers = 0;
    for (size_t i = 0; i < count && i < 64; i++)
        if (children[i] != world.server.pid && children[i] != world.fake.pid && strangers++ == 0)
            *first = children[i];
    return strangers;
}

void trial_nothing_left(unsigned ms)
{
    const uint64_t end_ms = support_now_ms() + ms;
    pid_t first = 0;
    while (left_over(&first) > 0) {
        ck_assert_msg(support_now_ms() < end_ms, "process %d outlived its volley by %u ms",
                      (int)first, ms);
        support_sleep_ms(STEP_MS);
    }
}

void trial_end(struct trial *trial, int exit_status)
{
    program_wait(&trial->program);
    ck_assert_msg(
        trial->program.exit_status == exit_status,
        "%s: exit status %d (signal %d), not %d\n--- stdout\n%.1500s\n--- stderr\n%.1500s",
        trial->program.name, trial->program.exit_status, trial->program.exit_signal, exit_status,
        trial->program.out, trial->program.err);
    trial_nothing_left(5000);
    char temporary[256];
    snprintf(temporary, sizeof temporary, "%s.tmp", trial->json_path);
    ck_assert_msg(access(temporary, F_OK) != 0, "%s was left behind", temporary);
    if (access(trial->json_path, F_OK) != 0)
        return;
    json_error_t error;
    trial->json = json_load_file(trial->json_path, 0, &error);
    ck_assert_msg(trial->json != NULL, "%s: %s", trial->json_path, error.text);
    run_json_check(trial->json);
    trial_check_books(trial->json);
    const json_t *runs = json_object_get(trial->json, "runs");
    trial->run = json_array_get(runs, json_array_size(runs) - 1);
}

void trial_free(struct trial *trial)
{
    program_free(&trial->program);
    json_decref(trial->json);
    memset(trial, 0, sizeof *trial);
}

static const char *printed(const struct trial *trial, enum program_stream stream)
{
    return stream == PROGRAM_OUT ? trial->program.out : trial->program.err;
}

void trial_expect(const struct trial *trial, enum program_stream stream, const char *text)
{
    ck_assert_msg(strstr(printed(trial, stream), text) != NULL,
                  "%s did not print \"%s\" but\n%.3000s", trial->program.name, text,
                  printed(trial, stream));
}

void trial_expect_not(const struct trial *trial, enum program_stream stream, const char *text)
{
    ck_assert_msg(strstr(printed(trial, stream), text) == NULL, "%s printed \"%s\":\n%.3000s",
                  trial->program.name, text, printed(trial, stream));
}

/* Reading the JSON ----------------------------------------------------------------------------- */

static long long count_of(const json_t *object, const char *group, const char *key)
{
    const json_t *value = json_object_get(json_object_get(object, group), key);
    if (value == NULL && strcmp(group, "errors_by_kind") == 0)
        return 0;
    ck_assert_msg(json_is_integer(value), "%s.%s is no integer", group, key);
    return (long long)json_integer_value(value);
}

long long trial_count(const struct trial *trial, const char *group, const char *key)
{
    ck_assert_msg(trial->run != NULL, "there is no JSON report");
    return count_of(trial->run, group, key);
}

double trial_number(const struct trial *trial, const char *group, const char *key)
{
    const json_t *value = json_object_get(json_object_get(trial->run, group), key);
    ck_assert_msg(json_is_number(value), "%s.%s is no number", group, key);
    return json_number_value(value);
}

bool trial_interrupted(const struct trial *trial)
{
    const json_t *value = json_object_get(trial->run, "interrupted");
    ck_assert(json_is_boolean(value));
    return json_is_true(value);
}

long long trial_restarts(const struct trial *trial)
{
    long long sum = 0;
    size_t index;
    const json_t *worker;
    json_array_foreach(json_object_get(trial->run, "workers"), index, worker) sum +=
        (long long)json_integer_value(json_object_get(worker, "restarts"));
    return sum;
}

size_t trial_degraded(const struct trial *trial)
{
    size_t sum = 0, index;
    const json_t *interval;
    json_array_foreach(json_object_get(trial->run, "intervals"), index, interval) sum +=
        json_is_true(json_object_get(interval, "degraded"));
    return sum;
}

const char *trial_verdict(const struct trial *trial, const char *check)
{
    const json_t *verdict = json_object_get(trial->run, "verdict");
    if (check == NULL)
        return json_string_value(json_object_get(verdict, "level"));
    size_t index;
    const json_t *row;
    json_array_foreach(json_object_get(verdict, "checks"), index,
                       row) if (strcmp(json_string_value(json_object_get(row, "name")), check) ==
                                0) return json_string_value(json_object_get(row, "level"));
    ck_abort_msg("the verdict has no check %s", check);
    return NULL;
}

/* The books ------------------------------------------------------------------------------------ */

/* One interval or a whole run: everything that was there or sent is somewhere. */
static void check_requests(const json_t *object, const char *what)
{
    const long long sent = count_of(object, "requests", "sent");
    const long long in = count_of(object, "requests", "in_flight_before") + sent;
    const long long out =
        count_of(object, "requests", "ok") + count_of(object, "requests", "errors") +
        count_of(object, "requests", "timed_out") + count_of(object, "requests", "lost") +
        count_of(object, "requests", "in_flight");
    char *text = json_dumps(json_object_get(object, "requests"), 0);
    ck_assert_msg(in == out, "%s: in %lld, out %lld: %s", what, in, out, text);
    ck_assert_msg(
        count_of(object, "requests", "backlog_before") + count_of(object, "requests", "due") ==
            sent + count_of(object, "requests", "backlog") + count_of(object, "requests", "shed"),
        "%s: backlog before + due is not sent + shed + backlog: %s", what, text);
    free(text);
    long long failed = 0;
    const char *kind;
    json_t *value;
    json_object_foreach(json_object_get(object, "errors_by_kind"), kind, value) failed +=
        (long long)json_integer_value(value);
    ck_assert_msg(failed == count_of(object, "requests", "errors") +
                                count_of(object, "requests", "timed_out") +
                                count_of(object, "requests", "lost"),
                  "%s: errors_by_kind adds up to %lld", what, failed);
}

/* Ascending from min to max, and no value that a clock going back would have wrapped. */
static void check_latency(const json_t *object, const char *group, double longest_us,
                          const char *what)
{
    static const char *const keys[] = {"min",   "p50",    "p90",     "p95", "p99",
                                       "p99_9", "p99_99", "p99_999", "max"};
    const json_t *times = json_object_get(object, group);
    double before = 0;
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        const json_t *value = json_object_get(times, keys[i]);
        if (json_is_null(value))
            continue;
        ck_assert_msg(json_is_number(value), "%s: %s.%s", what, group, keys[i]);
        ck_assert_msg(json_number_value(value) >= before, "%s: %s.%s is below the one before", what,
                      group, keys[i]);
        before = json_number_value(value);
    }
    ck_assert_msg(before <= longest_us, "%s: %s goes up to %f us", what, group, before);
}

static void check_run_books(const json_t *run)
{
    size_t index;
    const json_t *interval;
    json_array_foreach(json_object_get(run, "intervals"), index, interval)
    {
        char what[40];
        snprintf(what, sizeof what, "interval %zu", index);
        check_requests(interval, what);
        check_latency(interval, "service_time_us", HOUR_US, what);
    }
    check_requests(run, "run");
    check_latency(run, "service_time_us", HOUR_US, "run");
    check_latency(run, "loop_lag_us", 60e6, "run");
}

void trial_check_books(const json_t *json)
{
    size_t index;
    const json_t *run;
    ck_assert_str_eq(json_string_value(json_object_get(json, "schema")), "volley.run/1");
    json_array_foreach(json_object_get(json, "runs"), index, run) check_run_books(run);
}

/* Waiting and files ---------------------------------------------------------------------------- */

void trial_wait_calls(const char *command, long long calls)
{
    const uint64_t end_ms = support_now_ms() + WAIT_MS;
    while (test_server_calls(&world.server, command) < calls) {
        ck_assert_msg(support_now_ms() < end_ms, "the server does not see %lld calls of %s", calls,
                      command);
        support_sleep_ms(STEP_MS);
    }
}

void trial_wait_flow(const char *command)
{
    trial_wait_calls(command, test_server_calls(&world.server, command) + 500);
}

char *trial_read_file(const char *directory, const char *name)
{
    char path[256];
    size_t byte_count;
    snprintf(path, sizeof path, "%s/%s", directory, name);
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    ck_assert_msg(fd >= 0, "%s: %s", path, strerror(errno));
    char *text = support_read_file(fd, &byte_count);
    close(fd);
    return text;
}
