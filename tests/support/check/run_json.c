#include "tests/support/check/run_json.h"

#include <check.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/clock.h"

#define WORDS_BYTES 4096

/* ---- The identities. ---- */

json_t *run_json_at(const json_t *root, size_t index)
{
    json_t *run = json_array_get(json_object_get(root, "runs"), index);
    ck_assert_msg(run != NULL, "the JSON has no run %zu", index);
    return run;
}

/* NULL: there is none. */
static json_t *find_at(const json_t *object, const char *path)
{
    char key[64];
    const json_t *value = object;
    for (const char *at = path; *at != '\0' && value != NULL;) {
        size_t bytes = strcspn(at, ".");
        snprintf(key, sizeof key, "%.*s", (int)bytes, at);
        value = json_is_array(value) ? json_array_get(value, strtoul(key, NULL, 10))
                                     : json_object_get(value, key);
        at += bytes + (at[bytes] == '.');
    }
    return (json_t *)(uintptr_t)value;
}

static json_t *value_at(const json_t *object, const char *path)
{
    json_t *value = find_at(object, path);
    ck_assert_msg(value != NULL, "the JSON has no %s", path);
    return value;
}

double run_json_number(const json_t *run, const char *path)
{
    const json_t *value = value_at(run, path);
    ck_assert_msg(json_is_number(value), "%s is no number", path);
    return json_number_value(value);
}

static long long count_of(const json_t *object, const char *path)
{
    const json_t *value = value_at(object, path);
    ck_assert_msg(json_is_integer(value) && json_integer_value(value) >= 0, "%s is no count", path);
    return json_integer_value(value);
}

long long run_json_count(const struct bench_call *call, size_t index, const char *path)
{
    ck_assert_ptr_nonnull(call->root);
    return count_of(run_json_at(call->root, index), path);
}

long long run_json_count_or_zero(const struct bench_call *call, size_t index, const char *path)
{
    ck_assert_ptr_nonnull(call->root);
    const json_t *value = find_at(run_json_at(call->root, index), path);
    return json_is_integer(value) ? json_integer_value(value) : 0;
}

/* A latency's own order, and how many values it has. */
static void check_latency(const json_t *object, const char *path, long long count)
{
    static const char *const rising[] = {"min",   "p50",    "p90",     "p95", "p99",
                                         "p99_9", "p99_99", "p99_999", "max"};
    const json_t *latency = value_at(object, path);
    ck_assert_msg(count_of(latency, "count") == count, "%s has %lld values instead of %lld", path,
                  count_of(latency, "count"), count);
    double before = 0;
    for (size_t i = 0; i < sizeof rising / sizeof rising[0] && count > 0; i++) {
        const json_t *value = value_at(latency, rising[i]);
        if (json_is_null(value)) /* too many requests had no reply to know it */
            continue;
        ck_assert_msg(json_number_value(value) >= before, "%s: %s falls", path, rising[i]);
        before = json_number_value(value);
    }
}

static double total_of(const json_t *object, const char *path)
{
    const json_t *latency = value_at(object, path);
    return count_of(latency, "count") > 0
               ? json_number_value(value_at(latency, "mean")) * (double)count_of(latency, "count")
               : 0;
}

/* Of each request the response time is wait, slip and service time together: so are the sums, where those
 * that were sent are those that were answered. */
static void check_parts(const json_t *object)
{
    const json_t *requests = value_at(object, "requests");
    double whole = total_of(object, "response_time_us");
    double parts = total_of(object, "wait_us") + total_of(object, "slip_us") +
                   total_of(object, "service_time_us");
    if (count_of(requests, "sent") == count_of(requests, "ok") &&
        count_of(requests, "in_flight_before") == 0)
        ck_assert_double_eq_tol(parts, whole, 1e-6 * whole + 1e-2);
}

/* Workloads side by side, of which some have a rate: those have slip and wait, and there is no target of all. */
static bool has_both_loops(const json_t *run)
{
    size_t index;
    const json_t *stream;
    unsigned kinds = 0;
    json_array_foreach(json_object_get(run, "streams"), index, stream) kinds |=
        json_is_null(value_at(stream, "rate.target")) ? 1u : 2u;
    return kinds == 3;
}

/* Of each request its service time is a part of its response time, which all of them have. */
static void check_both_loops(const json_t *object)
{
    const json_t *requests = value_at(object, "requests");
    const long long slips = count_of(object, "slip_us.count");
    check_latency(object, "response_time_us", count_of(requests, "ok"));
    check_latency(object, "slip_us", slips);
    check_latency(object, "wait_us", slips);
    ck_assert_int_le(slips, count_of(requests, "sent"));
}

/* Of a client that buffers: what was due is what its users wanted to send, and no rate. */
static bool has_users;

/* What only one kind of loop has: response times, waits and slip of every request, or none. */
static void check_loop(const json_t *object)
{
    const json_t *requests = value_at(object, "requests");
    bool open_loop = has_users || !json_is_null(value_at(object, "rate.target"));
    check_latency(object, "response_time_us", count_of(requests, "ok"));
    check_latency(object, "slip_us", open_loop ? count_of(requests, "sent") : 0);
    check_latency(object, "wait_us", open_loop ? count_of(requests, "sent") : 0);
    if (open_loop) {
        check_parts(object);
        return;
    }
    ck_assert_int_eq(count_of(requests, "due"),
                     count_of(requests, "sent") + count_of(requests, "shed"));
    ck_assert_int_eq(count_of(requests, "backlog"), 0);
    ck_assert_int_eq(count_of(requests, "backlog_before"), 0);
    ck_assert(
        json_equal(value_at(object, "response_time_us"), value_at(object, "service_time_us")));
}

/* Who has no latency: what is in flight or in the backlog counts where the run ends. */
static void check_unanswered(const json_t *object, bool both_loops)
{
    const json_t *requests = value_at(object, "requests");
    long long sent = count_of(requests, "timed_out") + count_of(requests, "lost");
    long long due = sent + count_of(requests, "shed");
    long long left = count_of(requests, "in_flight"), unsent = count_of(requests, "backlog");
    long long services = count_of(object, "service_time_us.unanswered");
    long long responses = count_of(object, "response_time_us.unanswered");
    ck_assert(services == sent || services == sent + left);
    if (json_is_null(value_at(object, "rate.target")) && !both_loops && !has_users)
        due = sent;
    ck_assert(responses >= due && responses <= due + left + unsent);
}

/* Of what is left out when it did not happen. */
static long long count_or_zero(const json_t *object, const char *path)
{
    return json_integer_value(find_at(object, path));
}

/* What followed other requests and is still in flight, of what was sent in the meantime. */
static long long followers_left(const json_t *object)
{
    return count_or_zero(object, "follow_ups.sent") - count_or_zero(object, "follow_ups.ok") -
           count_or_zero(object, "follow_ups.errors") -
           count_or_zero(object, "follow_ups.timed_out") - count_or_zero(object, "follow_ups.lost");
}

/* What holds for a run and for each of its intervals. */
static void check_measures(const json_t *object, bool degraded, bool both_loops)
{
    const json_t *requests = value_at(object, "requests");
    long long answered = count_of(requests, "ok") + count_of(requests, "errors");
    long long unanswered = count_of(requests, "timed_out") + count_of(requests, "lost");
    if (degraded)
        return;
    ck_assert_int_eq(count_of(requests, "in_flight_before") + count_of(requests, "sent") +
                         followers_left(object),
                     answered + unanswered + count_of(requests, "in_flight"));
    ck_assert_int_eq(count_of(requests, "backlog_before") + count_of(requests, "due"),
                     count_of(requests, "sent") + count_of(requests, "shed") +
                         count_of(requests, "backlog"));
    check_latency(object, "service_time_us", count_of(requests, "ok"));
    check_latency(object, "error_time_us", count_of(requests, "errors"));
    if (both_loops)
        check_both_loops(object);
    else
        check_loop(object);
    check_unanswered(object, both_loops);
    long long causes = 0;
    const char *cause;
    json_t *shed;
    json_object_foreach(value_at(object, "shed_by_cause"), cause, shed) causes +=
        json_integer_value(shed);
    ck_assert_int_eq(causes, count_of(requests, "shed"));
    long long kinds = 0;
    const char *word;
    json_t *count;
    json_object_foreach(value_at(object, "errors_by_kind"), word, count) kinds +=
        json_integer_value(count);
    ck_assert_int_eq(kinds, count_of(requests, "errors") + unanswered);
}

static void check_sum(const json_t *run, const char *path)
{
    long long sum = 0;
    size_t index;
    json_t *interval;
    json_array_foreach(value_at(run, "intervals"), index, interval) sum += count_of(interval, path);
    ck_assert_msg(sum == count_of(run, path), "%s: the intervals add up to %lld, the run says %lld",
                  path, sum, count_of(run, path));
}

/* Intervals follow each other without a gap, and their gauges meet. */
static bool check_intervals(const json_t *run)
{
    bool degraded = false;
    size_t index;
    const json_t *interval, *before = NULL;
    json_array_foreach(value_at(run, "intervals"), index, interval)
    {
        bool this_degraded = json_is_true(value_at(interval, "degraded"));
        degraded |= this_degraded;
        check_measures(interval, this_degraded, has_both_loops(run));
        ck_assert_int_ge(count_of(interval, "last_index"), count_of(interval, "index"));
        if (before != NULL) {
            ck_assert_int_eq(count_of(interval, "index"), count_of(before, "last_index") + 1);
            ck_assert_int_eq(count_of(interval, "requests.in_flight_before"),
                             count_of(before, "requests.in_flight"));
            ck_assert_int_eq(count_of(interval, "requests.backlog_before"),
                             count_of(before, "requests.backlog"));
        } else {
            ck_assert_int_eq(count_of(interval, "requests.in_flight_before"),
                             count_of(run, "requests.in_flight_before"));
            ck_assert_int_eq(count_of(interval, "requests.backlog_before"),
                             count_of(run, "requests.backlog_before"));
        }
        before = interval;
    }
    if (before != NULL) {
        ck_assert_int_eq(count_of(before, "requests.in_flight"),
                         count_of(run, "requests.in_flight"));
        ck_assert_int_eq(count_of(before, "requests.backlog"), count_of(run, "requests.backlog"));
    }
    return degraded;
}

static void check_workers(const json_t *run)
{
    long long sum = 0;
    size_t index;
    const json_t *worker;
    json_array_foreach(value_at(run, "workers"), index, worker)
    {
        ck_assert_int_eq(count_of(worker, "index"), (long long)index);
        sum += count_of(worker, "requests");
    }
    ck_assert_int_eq(sum, count_of(run, "requests.ok") + count_of(run, "requests.errors"));
}

/* A target that was not reached has a reason, and only that. */
static void check_rate(const json_t *run)
{
    bool open_loop = json_is_string(value_at(run, "rate_asked"));
    bool known = open_loop && run_json_number(run, "seconds") > 0; /* not stopped in its warm-up */
    ck_assert_int_eq(json_is_number(value_at(run, "rate.target")), known);
    ck_assert_int_eq(json_is_number(value_at(run, "rate.sent_share")), known);
    bool missed = known && run_json_number(run, "rate.sent_share") < 0.99;
    ck_assert_int_eq(json_is_string(value_at(run, "rate.reason")), missed);
    size_t index;
    const json_t *interval;
    json_array_foreach(value_at(run, "intervals"), index, interval)
    {
        ck_assert_int_eq(!json_is_null(value_at(interval, "rate.target")),
                         open_loop && !has_both_loops(run));
    }
}

/* A class of what a ticket asked for; what follows others is in the run's hits and misses only. Beside other workloads
 * its own name stands in front. */
static bool counts_in_run(const json_t *run, const json_t *class, const char *figure)
{
    const char *name = json_string_value(json_object_get(class, "name"));
    const char *colon = strchr(name, ':');
    if (colon != NULL && json_object_get(run, "streams") != NULL)
        colon = strchr(colon + 1, ':');
    return colon == NULL || strcmp(figure, "hits") == 0 || strcmp(figure, "misses") == 0;
}

/* One class is the run; several add up to it, all of a run and in each interval. */
static void check_classes(const json_t *run, bool degraded)
{
    static const char *const summed[] = {"sent", "ok", "errors", "timed_out", "hits", "misses"};
    const json_t *classes = value_at(run, "classes"), *class, *interval;
    const json_t *requests = value_at(run, "requests");
    size_t index, of;
    if (json_array_size(classes) == 1) {
        class = json_array_get(classes, 0);
        ck_assert(json_equal(value_at(class, "requests"), requests));
        return;
    }
    for (size_t i = 0; i < sizeof summed / sizeof summed[0] && !degraded; i++) {
        long long sum = 0, in_intervals = 0;
        json_array_foreach(classes, index, class) if (counts_in_run(run, class, summed[i])) sum +=
            count_of(value_at(class, "requests"), summed[i]);
        json_array_foreach(value_at(run, "intervals"), index, interval) json_array_foreach(
            value_at(interval, "classes"), of, class) if (counts_in_run(run, class, summed[i]))
            in_intervals += count_of(class, summed[i]);
        ck_assert_int_eq(sum, count_of(requests, summed[i]));
        ck_assert_int_eq(in_intervals, sum);
    }
}

static void check_run(const json_t *run)
{
    static const char *const summed[] = {
        "requests.due",       "requests.sent",      "requests.ok",        "requests.errors",
        "requests.timed_out", "requests.lost",      "requests.shed",      "slip_us.count",
        "requests.hits",      "requests.misses",    "bytes.out",          "bytes.in",
        "connections.lost",   "connections.opened", "connections.failed", "service_time_us.count"};
    has_users = json_object_get(run, "buffer") != NULL && json_is_null(value_at(run, "rate_asked"));
    bool degraded = check_intervals(run);
    check_measures(run, degraded, has_both_loops(run));
    for (size_t i = 0; i < sizeof summed / sizeof summed[0]; i++)
        check_sum(run, summed[i]);
    if (!degraded)
        check_workers(run);
    /* Nothing is left in the air: what was not answered has a name. */
    ck_assert_int_eq(count_of(run, "requests.in_flight"), 0);
    check_rate(run);
    check_classes(run, degraded);
    if (count_of(run, "requests.ok") > 0) {
        double seconds = run_json_number(run, "seconds");
        double expected = (double)count_of(run, "requests.ok") / seconds;
        ck_assert_double_gt(seconds, 0);
        ck_assert_double_eq_tol(run_json_number(run, "rate.achieved"), expected, 1e-6 * expected);
    }
}

void run_json_keep(const json_t *root, const char *kind)
{
    const char *directory = getenv("VOLLEY_PRODUCED");
    if (directory == NULL || directory[0] == '\0')
        return;
    char path[512];
    snprintf(path, sizeof path, "%s/%s", directory, kind);
    (void)mkdir(path, 0777); /* it may be there; if not, the file below fails */
    snprintf(path, sizeof path, "%s/%s/%d-%llu.json", directory, kind, (int)getpid(),
             (unsigned long long)clock_now_ns());
    ck_assert_msg(json_dump_file(root, path, JSON_COMPACT) == 0, "cannot write %s", path);
}

void run_json_check(const json_t *root)
{
    run_json_keep(root, ".");
    size_t index;
    const json_t *run;
    ck_assert_str_eq(json_string_value(value_at(root, "schema")), "volley.run/1");
    json_array_foreach(value_at(root, "runs"), index, run) check_run(run);
}

/* ---- Calls. ---- */

__attribute__((format(printf, 3, 0))) static void start(struct bench_call *call,
                                                        const struct bench_setting *setting,
                                                        const char *format, va_list args)
{
    static const struct bench_setting nothing = {.program = NULL};
    char words[WORDS_BYTES], path[96];
    const char *argv[PROGRAM_ARGS_MAX] = {NULL};
    size_t argc = 0;
    if (setting == NULL)
        setting = &nothing;
    memset(call, 0, sizeof *call);
    snprintf(call->directory, sizeof call->directory, "/tmp/volley-bench-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(call->directory));
    snprintf(path, sizeof path, "%s/out.json", call->directory);
    argv[argc++] = setting->program != NULL ? setting->program : program_volley();
    argv[argc++] = "bench";
    if (setting->port != NULL) {
        argv[argc++] = "-p";
        argv[argc++] = setting->port;
    }
    if (setting->socket_path != NULL) {
        argv[argc++] = "-s";
        argv[argc++] = setting->socket_path;
    }
    argv[argc++] = "--json";
    argv[argc++] = path;
    int bytes = vsnprintf(words, sizeof words, format, args);
    ck_assert(bytes >= 0 && (size_t)bytes < sizeof words);
    char *rest = words;
    for (char *word; bytes > 0 && (word = strsep(&rest, " ")) != NULL;) {
        ck_assert_uint_lt(argc, PROGRAM_ARGS_MAX - 2);
        argv[argc++] = word;
    }
    argv[argc++] = setting->last_word;
    program_start(&call->program, &(struct program_options){.argv = argv,
                                                            .stdin_text = setting->stdin_text,
                                                            .environment = setting->environment});
}

void call_finish(struct bench_call *call)
{
    char path[96];
    json_error_t why;
    program_wait(&call->program);
    snprintf(path, sizeof path, "%s/out.json", call->directory);
    if (access(path, F_OK) != 0)
        return;
    call->root = json_load_file(path, 0, &why);
    ck_assert_msg(call->root != NULL, "%s: line %d: %s", path, why.line, why.text);
    run_json_check(call->root);
}

void call_start(struct bench_call *call, const struct bench_setting *setting, const char *format,
                ...)
{
    va_list args;
    va_start(args, format);
    start(call, setting, format, args);
    va_end(args);
}

void call_run(struct bench_call *call, const struct bench_setting *setting, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    start(call, setting, format, args);
    va_end(args);
    call_finish(call);
}

void call_expect(struct bench_call *call, int exit_status, const struct bench_setting *setting,
                 const char *format, ...)
{
    va_list args;
    va_start(args, format);
    start(call, setting, format, args);
    va_end(args);
    call_finish(call);
    /* Check gives up on a message above 8 KB, and says nothing of it. */
    const size_t out_bytes = strlen(call->program.out);
    ck_assert_msg(call->program.exit_status == exit_status,
                  "%.1000s: exit status %d, signal %d\n%s\n%.2000s", call->program.name,
                  call->program.exit_status, call->program.exit_signal,
                  call->program.out + (out_bytes > 4000 ? out_bytes - 4000 : 0), call->program.err);
}

/* The directory and what lies directly in it. */
static void remove_directory(const char *directory)
{
    static const char *const names[] = {"out.json", "config"};
    char path[128];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", directory, names[i]);
        unlink(path);
    }
    ck_assert_msg(rmdir(directory) == 0, "%s holds more than it should", directory);
}

void call_free(struct bench_call *call)
{
    json_decref(call->root);
    program_free(&call->program);
    remove_directory(call->directory);
}
