/* A run under way, steered over its control socket. What happened is read from the counts of the
 * intervals, never from a clock. */
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/support/check/suite.h"
#include "tests/support/check/support.h"
#include "tests/support/check/trial.h"

#define TCASE_TIMEOUT_SECONDS 90
#define WAIT_MS 20000
#define LOAD                                                                                       \
    "-p", world.server.port_text, "-r", "100", "-c", "4", "--processes", "2", "--interval",        \
        "100ms", "--control", socket_path

static struct trial trial;
static char socket_path[sizeof((struct sockaddr_un *)0)->sun_path];

static void set_up(void)
{
    trial_set_up();
    int bytes = snprintf(socket_path, sizeof socket_path, "%.80s/ctl", world.tree.path);
    ck_assert_int_lt(bytes, (int)sizeof socket_path);
    test_server_start(&world.server, NULL);
}

/* volley ctl; the words end with NULL. */
#define ctl(program, ...) program_run_volley(program, "ctl", socket_path, __VA_ARGS__, NULL)

static void ctl_expect(int exit_status, const char *word, const char *argument, const char *text)
{
    struct program program;
    if (argument != NULL)
        ctl(&program, word, argument);
    else
        ctl(&program, word);
    ck_assert_msg(program.exit_status == exit_status, "%s: %d: %s%s", word, program.exit_status,
                  program.out, program.err);
    const char *printed = exit_status == 0 ? program.out : program.err;
    ck_assert_msg(strstr(printed, text) != NULL, "%s: %s", word, printed);
    program_free(&program);
}

/* The status member of an answer; owned by the caller. NULL: nobody listens yet, or any more. */
static json_t *ask_status(void)
{
    struct program program;
    ctl(&program, "status", "--json");
    json_t *answer = json_loads(program.out, 0, NULL);
    json_t *told = json_incref(json_object_get(answer, "status"));
    ck_assert(program.exit_status == (told != NULL ? 0 : 5));
    json_decref(answer);
    program_free(&program);
    return told;
}

static void wait_state(const char *state)
{
    for (uint64_t end_ms = support_now_ms() + WAIT_MS; support_now_ms() < end_ms;) {
        json_t *told = ask_status();
        const char *now = told != NULL ? json_string_value(json_object_get(told, "state")) : "";
        bool reached = strcmp(now, state) == 0;
        json_decref(told);
        if (reached)
            return;
        support_sleep_ms(10);
    }
    ck_abort_msg("the run never was %s", state);
}

/* A number of the status: "sent", "backlog" ... */
static long long request_count(const char *key)
{
    json_t *told = ask_status();
    ck_assert_ptr_nonnull(told);
    const json_t *value = json_object_get(json_object_get(told, "requests"), key);
    ck_assert(json_is_integer(value));
    long long count = json_integer_value(value);
    json_decref(told);
    return count;
}

/* Waits until so many more requests went out. */
static void wait_sent(long long more)
{
    long long goal = request_count("sent") + more;
    uint64_t end_ms = support_now_ms() + WAIT_MS;
    while (request_count("sent") < goal) {
        ck_assert_uint_lt(support_now_ms(), end_ms);
        support_sleep_ms(5);
    }
}

static long long interval_count(const json_t *interval, const char *key)
{
    return json_integer_value(json_object_get(json_object_get(interval, "requests"), key));
}

/* How many intervals have exactly as many requests due as this rate gives: it was the same from edge
 * to edge. Rows of several intervals, as on a busy machine, count for as many. */
static long long intervals_at(double rate)
{
    long long found = 0;
    size_t i;
    json_t *interval;
    json_array_foreach(json_object_get(trial.run, "intervals"), i, interval)
    {
        long long first = json_integer_value(json_object_get(interval, "index"));
        long long last = json_integer_value(json_object_get(interval, "last_index"));
        double seconds = json_number_value(json_object_get(interval, "seconds"));
        if (interval_count(interval, "due") == llround(rate * seconds))
            found += last - first + 1;
    }
    return found;
}

/* NULL: there are not so many. */
static const char *event_text(size_t index)
{
    const json_t *events = json_object_get(trial.run, "events");
    return json_string_value(json_object_get(json_array_get(events, index), "text"));
}

static const char *event_by(size_t index)
{
    const json_t *events = json_object_get(trial.run, "events");
    return json_string_value(json_object_get(json_array_get(events, index), "by"));
}

TEST(test_rate_changes)
{
    /* breaks: a rate given while running is not taken, comes late, or not to every worker, or leaves no
     * trace in the result */
    trial_start(&trial, LOAD, "-t", "get", "--qps", "2000", "--duration", "600", NULL);
    wait_state("running");
    wait_sent(1000);
    ctl_expect(0, "rate", "500", "rate 500/s");
    wait_sent(500);
    ctl_expect(0, "rate", "4k", "rate 4,000/s");
    ctl_expect(0, "note", "see http://x/y", "noted, ");
    wait_sent(4000);
    ctl_expect(0, "stop", NULL, "stops");
    trial_end(&trial, 0);
    /* a second or half of one at each rate, in intervals of 100 ms */
    ck_assert_int_ge(intervals_at(2000), 3);
    ck_assert_int_ge(intervals_at(500), 3);
    ck_assert_int_ge(intervals_at(4000), 3);
    ck_assert(!trial_interrupted(&trial));
    trial_expect(&trial, PROGRAM_OUT,
                 "Target rate: changed 2 times, 4,000.00 per second at the end; on average ");
    ck_assert_double_eq(trial_number(&trial, "rate", "target"), 4000);
    ck_assert_str_eq(event_text(0), "rate 500/s");
    ck_assert_str_eq(event_text(1), "rate 4,000/s");
    ck_assert_str_eq(event_text(2), "see http://x/y");
    ck_assert_ptr_null(event_text(3));
    trial_expect(&trial, PROGRAM_OUT, "\nChanges of the load:\n  at ");
    trial_expect(&trial, PROGRAM_OUT, ": rate 500/s (control socket)\n");
    ck_assert_str_eq(event_by(0), "control socket");
    ck_assert_str_eq(event_by(2), "control socket");
    trial_expect(&trial, PROGRAM_OUT, "\nNotes:\n  at ");
    trial_expect(&trial, PROGRAM_OUT, " s: see http://x/y (control socket)\n");
    trial_expect(&trial, PROGRAM_OUT, "Verdict: ");
    trial_free(&trial);
}

TEST(test_pause_and_resume)
{
    /* breaks: a pause sends on, ends the run, or forgets the rate; what was paused piles up */
    trial_start(&trial, LOAD, "-t", "get", "--qps", "2000", "--duration", "600", NULL);
    wait_state("running");
    wait_sent(500);
    ctl_expect(0, "pause", NULL, "resume returns to 2,000/s");
    wait_state("paused");
    while (request_count("backlog") > 0) /* the last of the rate before */
        support_sleep_ms(5);
    long long before = request_count("sent");
    support_sleep_ms(400); /* some intervals of nothing */
    ck_assert_int_eq(request_count("sent"), before);
    ctl_expect(0, "resume", NULL, "rate 2,000/s");
    wait_state("running");
    wait_sent(500);
    ctl_expect(0, "stop", NULL, "stops");
    trial_end(&trial, 0);
    ck_assert_int_ge(intervals_at(0), 2);
    ck_assert_int_ge(intervals_at(2000), 2);
    /* What fell due just before the stop may be left on a busy machine; a pause would be 800. */
    ck_assert_int_lt(trial_count(&trial, "requests", "backlog"), 100);
    trial_free(&trial);
}

TEST(test_pause_of_counted_requests)
{
    /* breaks: with -n a pause loses requests, or the run ends without them */
    trial_start(&trial, LOAD, "-t", "get", "--qps", "1000", "-n", "800", NULL);
    wait_state("running");
    wait_sent(100);
    ctl_expect(0, "pause", NULL, "paused");
    wait_state("paused");
    support_sleep_ms(200);
    ctl_expect(0, "rate", "5000", "rate 5,000/s");
    trial_end(&trial, 0);
    ck_assert_int_eq(trial_count(&trial, "requests", "sent"), 800);
    ck_assert_int_eq(trial_count(&trial, "requests", "ok"), 800);
    trial_free(&trial);
}

TEST(test_stop_is_a_planned_end)
{
    /* breaks: a stop looks like an interrupt or like the planned end, loses replies or the report, or runs
     * the next test, or nobody is told that it did not run */
    trial_start(&trial, LOAD, "-t", "get,set", "--qps", "2000", "--duration", "600", NULL);
    wait_state("running");
    wait_sent(500);
    ctl_expect(0, "stop", NULL, "stops");
    trial_end(&trial, 4);
    trial_expect(&trial, PROGRAM_ERR, "1 of 2 tests did not run");
    ck_assert_uint_eq(json_array_size(json_object_get(trial.json, "runs")), 1);
    ck_assert(!trial_interrupted(&trial));
    ck_assert_int_eq(trial_count(&trial, "requests", "lost"), 0);
    ck_assert(json_is_true(json_object_get(trial.run, "stopped_by_ctl")));
    ck_assert_str_eq(json_string_value(json_object_get(trial.run, "stopped_by")), "control socket");
    const char *text =
        json_string_value(json_object_get(json_object_get(trial.run, "status"), "text"));
    ck_assert_msg(strncmp(text, "stopped over the control socket after ", 38) == 0, "%s", text);
    ck_assert_str_eq(text + strlen(text) - 11, " of 600.0 s");
    trial_expect(&trial, PROGRAM_OUT, text);
    trial_expect(&trial, PROGRAM_ERR, "stopped over the control socket");
    ck_assert_int_ne(access(socket_path, F_OK), 0);
    ctl_expect(5, "status", NULL, "nobody listens");
    trial_free(&trial);
}

TEST(test_a_run_without_a_rate)
{
    /* breaks: a closed loop has no socket, takes a rate that it has no use for, or refuses what needs none */
    trial_start(&trial, LOAD, "-t", "get", "--duration", "600", NULL);
    wait_state("running");
    wait_sent(100);
    ctl_expect(1, "rate", "500", "GET runs without a rate: there is none to change");
    ctl_expect(1, "pause", NULL, "runs without a rate");
    ctl_expect(0, "note", "still here", "");
    ctl_expect(0, "stop", NULL, "stops");
    trial_end(&trial, 0);
    ck_assert_str_eq(event_text(0), "still here");
    ck_assert(json_is_null(json_object_get(json_object_get(trial.run, "rate"), "target")));
    trial_free(&trial);
}

TEST(test_stop_of_repetitions)
{
    /* breaks: who reads the exit status takes a part of the repetitions for all of them, or the last one that is
     * stopped for one that is missing */
    trial_start(&trial, LOAD, "-t", "get", "--qps", "2000", "--duration", "600", "--runs", "3",
                NULL);
    wait_state("running");
    ctl_expect(0, "stop", NULL, "stops");
    trial_end(&trial, 4);
    trial_expect(&trial, PROGRAM_ERR, "2 of 3 tests did not run");
    trial_free(&trial);
    trial_start(&trial, LOAD, "-t", "get", "--qps", "2000", "--duration", "600", NULL);
    wait_state("running");
    ctl_expect(0, "stop", NULL, "stops");
    trial_end(&trial, 0);
    ck_assert_ptr_null(strstr(trial.program.err, "did not run"));
    trial_free(&trial);
}

LOOP_TEST(test_stop_of_a_loop, 5)
{
    /* breaks: --loop goes on after a stop, or its end counts as a failure */
    trial_start(&trial, LOAD, "-t", "get", "--qps", "2000", "--duration", "20ms", "--loop", NULL);
    wait_state("running");
    support_sleep_ms((unsigned)_i * 7); /* in any state, between two runs perhaps */
    ctl_expect(0, "stop", NULL, "stops");
    trial_end(&trial, 0);
    trial_free(&trial);
}

TEST(test_several_tests)
{
    /* breaks: the socket is gone, or deaf, in the second test of a session */
    trial_start(&trial, LOAD, "-t", "set,get", "--qps", "2000", "-n", "400", "--warmup", "100ms",
                NULL);
    bool seen = false;
    while (!seen) { /* a status of the second test; trial_end fails when there never is one */
        json_t *told = ask_status();
        const char *test = told != NULL ? json_string_value(json_object_get(told, "test")) : "";
        seen = strcmp(test, "GET") == 0;
        json_decref(told);
        ck_assert(seen || !program_wait_at_most(&trial.program, 5));
    }
    trial_end(&trial, 0);
    ck_assert_uint_eq(json_array_size(json_object_get(trial.json, "runs")), 2);
    trial_free(&trial);
}

TEST(test_warmup_keeps_its_rate)
{
    /* breaks: a command changes the schedule before it runs, or the refusal ends something */
    trial_start(&trial, LOAD, "-t", "get", "--qps", "1000", "--warmup", "600", "--duration", "1",
                NULL);
    wait_state("warming up");
    ctl_expect(1, "rate", "5", "warm-up runs at the start rate");
    ctl_expect(1, "pause", NULL, "warm-up");
    wait_sent(200);
    ctl_expect(0, "stop", NULL, "stops");
    trial_end(&trial, 0); /* as planned, though nothing was measured */
    ck_assert_int_eq(trial_count(&trial, "requests", "sent"), 0);
    trial_free(&trial);
}

static int raw_connect(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const struct timeval limit = {.tv_sec = 20};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    memcpy(address.sun_path, socket_path, sizeof socket_path);
    ck_assert_int_eq(connect(fd, (const struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit), 0);
    return fd;
}

TEST(test_between_two_runs)
{
    /* breaks: between two runs nobody is answered, or a client is lost with the run that it came in */
    char answer[4096] = "";
    trial_start(&trial, LOAD, "-t", "get", "--qps", "2000", "--duration", "20ms", "--loop", NULL);
    wait_state("running");
    int fd = raw_connect();
    for (uint64_t end_ms = support_now_ms() + WAIT_MS; strstr(answer, "between runs") == NULL;) {
        ck_assert_uint_lt(support_now_ms(), end_ms);
        ck_assert_int_gt(send(fd, "{\"status\": true}\n", 17, MSG_NOSIGNAL), 0);
        ssize_t got = recv(fd, answer, sizeof answer - 1, 0);
        ck_assert_int_gt(got, 0);
        answer[got] = '\0';
        ck_assert_msg(strstr(answer, "\"test\": \"GET\"") != NULL, "%s", answer);
    }
    ck_assert_int_gt(send(fd, "{\"stop\": true}\n", 15, MSG_NOSIGNAL), 0);
    ck_assert_int_gt(recv(fd, answer, sizeof answer, 0), 0);
    close(fd);
    trial_end(&trial, 0);
    trial_free(&trial);
}

TEST(test_garbage_ends_nothing)
{
    /* breaks: what a client sends can end a run, or its silence can hold it up */
    static char noise[65536];
    trial_start(&trial, LOAD, "-t", "get", "--qps", "2000", "--duration", "600", NULL);
    wait_state("running");
    int silent = raw_connect(), noisy = raw_connect(), hasty = raw_connect();
    for (size_t i = 0; i < sizeof noise; i++)
        noise[i] = (char)(i * 7919 % 251);
    ck_assert_int_gt(send(noisy, noise, sizeof noise, MSG_NOSIGNAL), 0);
    ck_assert_int_gt(send(hasty, "{\"rate\": \xff}\n{\"sto", 18, MSG_NOSIGNAL), 0);
    close(hasty);
    char answer[256];
    ck_assert_int_gt(recv(noisy, answer, sizeof answer, 0), 0);
    ck_assert_int_eq(strncmp(answer, "{\"ok\": false", 12), 0);
    wait_sent(500);
    ctl_expect(2, "rate", "0", "a rate is above 0 and at most 100 million");
    ctl_expect(2, "halt", NULL, "halt is not a command of ctl");
    ctl_expect(2, "pause", "5", "pause takes nothing behind it");
    ctl_expect(2, "rate", NULL, "rate needs one number");
    ctl_expect(2, "note", NULL, "note needs one text");
    ctl_expect(2, "rate", "-5", "a rate is above 0 and");
    ctl_expect(0, "stop", NULL, "stops");
    trial_end(&trial, 0); /* the silent one is still there */
    close(silent);
    close(noisy);
    trial_free(&trial);
}

TEST(test_second_socket)
{
    /* breaks: a second run takes the socket away, or is refused only after it has sent something */
    struct program second;
    trial_start(&trial, LOAD, "-t", "get", "--qps", "2000", "--duration", "600", NULL);
    wait_state("running");
    program_run_volley(&second, "-p", world.server.port_text, "-t", "incr", "--qps", "10", "-n",
                       "10", "--control", socket_path, NULL);
    ck_assert_int_eq(second.exit_status, 2);
    ck_assert_ptr_nonnull(strstr(second.err, "another process listens there"));
    ck_assert_str_eq(second.out, "");
    program_free(&second);
    ck_assert_int_eq(test_server_calls(&world.server, "incr"), 0);
    wait_sent(100);
    ctl_expect(0, "stop", NULL, "stops");
    trial_end(&trial, 0);
    trial_free(&trial);
}

TEST(test_killed_run_leaves_no_block)
{
    /* breaks: after a kill -9 nobody can use the path again, or workers keep the socket alive */
    struct stat there;
    trial_start(&trial, LOAD, "-t", "get", "--qps", "2000", "--duration", "600", NULL);
    wait_state("running");
    program_signal(&trial.program, SIGKILL);
    program_wait(&trial.program);
    trial_free(&trial);
    ck_assert_int_eq(lstat(socket_path, &there), 0);
    ctl_expect(5, "status", NULL, "nobody listens");
    trial_start(&trial, LOAD, "-t", "get", "--qps", "2000", "-n", "400", NULL);
    trial_end(&trial, 0);
    ck_assert_int_ne(lstat(socket_path, &there), 0);
    trial_free(&trial);
}

TEST(test_killed_worker_learns_the_rate)
{
    /* breaks: a worker forked later does not know of a change, or holds the socket open */
    pid_t workers[2];
    trial_start(&trial, LOAD, "-t", "get", "--qps", "2000", "--duration", "600", NULL);
    wait_state("running");
    ctl_expect(0, "rate", "1000", "rate 1,000/s");
    program_wait_children(&trial.program, workers, 2);
    kill(workers[0], SIGKILL);
    wait_sent(1000);
    ctl_expect(0, "stop", NULL, "stops");
    trial_end(&trial, 0);
    ck_assert_int_ge(intervals_at(1000), 3);
    ck_assert_int_ge(trial_restarts(&trial), 1);
    trial_free(&trial);
}

TEST_SUITE_WITH(steer_run, .set_up = set_up, .tear_down = trial_tear_down,
                .timeout_seconds = TCASE_TIMEOUT_SECONDS)
