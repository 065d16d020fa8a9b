/* `volley profile --duration 60`: what a live server is called for, the peaks of its memory, and what holds it back. */
#include <hiredis/hiredis.h>
#include <jansson.h>
#include <math.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/printable.h"
#include "common/transport_tls.h"
#include "common/units.h"
#include "orchestrator/commands/commands.h"
#include "orchestrator/commands/frame.h"
#include "orchestrator/commands/interrupts.h"
#include "orchestrator/options/bench_groups.h"
#include "orchestrator/report/json_value.h"
#include "orchestrator/server/bottleneck.h"
#include "orchestrator/server/control.h"
#include "orchestrator/server/reach.h"

#define PROFILE_SCHEMA "volley.profile/1"
#define DAY_NS (24 * 3600 * NS_PER_SECOND)
#define LOOK_MS 100u /* at interrupts */
#define SAMPLES_MAX 100000u
#define NAMES_AT_ONCE 50u
#define SHOWN_MAX 20u

struct profile_request {
    struct bench_request bench; /* first: its options fit */
    struct command_words words;
    uint64_t duration_ns, interval_ns;
    bool as_json;
    struct tls_client *tls;
    struct control *control;
    struct target_address target;
    struct operations before, operations; /* at the beginning; between */
    struct profile_sample *samples;
    size_t sample_count;
    const volatile int *interrupted;
};

#define AT(member) offsetof(struct profile_request, member)
/* clang-format off: a row reads best as a few short lines */
static const struct option_row own_rows[] = {
    {ROW("duration", NULL, OPTION_DURATION, "TIME", AT(duration_ns)), .section = "Profile",
     BARE(NS_PER_SECOND, 100 * NS_PER_MS, DAY_NS), .unset = "60s",
     .help = "How long the server is watched; a bare number is seconds."},
    {ROW("interval", NULL, OPTION_DURATION, "TIME", AT(interval_ns)), .section = "Profile",
     BARE(NS_PER_SECOND, 50 * NS_PER_MS, 3600 * NS_PER_SECOND), .unset = "1s",
     .help = "How often its memory is looked at; a bare number is seconds."},
    {ROW("json", NULL, OPTION_FLAG, NULL, AT(as_json)), .section = "Output",
     .help = "As JSON, in place of lines."},
    HELP_ROW(AT(bench.help)),
};
/* clang-format on */
#undef AT

const struct option_table *profile_option_table(void)
{
    static struct option_row rows[OPTION_TABLE_ROWS_MAX];
    static struct option_table table = {
        .command = "profile",
        .usage = "volley profile [OPTIONS]",
        .synopsis =
            "Says what a live server is called for while it is watched: how much it writes and is "
            "asked, which commands take its time, the peaks of its memory, and what holds it back. "
            "From INFO and COMMAND INFO alone: it puts no load on the server, and changes nothing. "
            "Of a cluster, the node that is named.",
        .takes_command = true,
    };
    static const struct option_group own = GROUP(NULL, 0, own_rows);
    endpoint_table_fill(&table, rows, OF_MONITOR, &own);
    return &table;
}

/* ---- looks ---- */

static enum err_code look(struct profile_request *request, uint64_t start_ns, char **info,
                          struct err *err)
{
    if (control_info(request->control, info, err) != OK)
        return err->code;
    struct profile_sample *sample = &request->samples[request->sample_count];
    profile_sample_read(sample, clock_seconds(clock_now_ns() - start_ns), *info);
    if (isnan(sample->used_memory)) {
        free(*info);
        *info = NULL;
        return err_set(err, E_CONNECT, "INFO of %.100s does not say used_memory",
                       PRINTABLE(request->target.text));
    }
    request->sample_count++;
    return OK;
}

static void wait_until(const struct profile_request *request, uint64_t until_ns)
{
    uint64_t now_ns;
    while (*request->interrupted == 0 && (now_ns = clock_now_ns()) < until_ns) {
        const uint64_t left_ms = (until_ns - now_ns) / NS_PER_MS + 1;
        (void)poll(NULL, 0, (int)(left_ms < LOOK_MS ? left_ms : LOOK_MS));
    }
}

static enum err_code mark_some(struct profile_request *request, size_t first, struct err *err)
{
    const char *words[NAMES_AT_ONCE + 2] = {"COMMAND", "INFO"};
    redisReply *reply;
    int count = 2;
    for (size_t i = first; i < request->operations.count && count < (int)NAMES_AT_ONCE + 2; i++)
        words[count++] = request->operations.items[i].name;
    if (control_command(request->control, &reply, count, words, err) != OK)
        return err->code;
    operations_mark(&request->operations, first, reply);
    freeReplyObject(reply);
    return OK;
}

static enum err_code take_difference(struct profile_request *request, const char *info,
                                     struct err *err)
{
    if (operations_read(&request->operations, info, err) != OK)
        return err->code;
    if (!operations_subtract(&request->operations, &request->before))
        return err_set(err, E_DATA,
                       "the counters of %.100s have gone back: it was started anew, or CONFIG "
                       "RESETSTAT came, and what was counted is of no use; profile it again",
                       PRINTABLE(request->target.text));
    for (size_t first = 0; first < request->operations.count; first += NAMES_AT_ONCE)
        if (mark_some(request, first, err) != OK)
            return err->code;
    return OK;
}

static enum err_code watch(struct profile_request *request, struct err *err)
{
    const uint64_t start_ns = clock_now_ns(), end_ns = start_ns + request->duration_ns;
    char *info = NULL;
    enum err_code code = look(request, start_ns, &info, err);
    if (code == OK)
        code = operations_read(&request->before, info, err);
    if (code == OK && request->before.count == 0)
        code = err_set(err, E_CONNECT,
                       "INFO of %.100s has no commandstats: there is nothing to "
                       "tell of its commands",
                       PRINTABLE(request->target.text));
    for (uint64_t next_ns = start_ns; code == OK && next_ns < end_ns;) {
        next_ns += request->interval_ns;
        next_ns = next_ns < end_ns ? next_ns : end_ns;
        wait_until(request, next_ns);
        if (*request->interrupted > 0)
            code = err_set(err, E_INTERRUPTED, "interrupted before the profile was complete");
        free(info);
        info = NULL;
        if (code == OK)
            code = look(request, start_ns, &info, err);
    }
    if (code == OK)
        code = take_difference(request, info, err);
    free(info);
    return code;
}

/* ---- what is told ---- */

static double seconds_of(const struct profile_request *request)
{
    return request->samples[request->sample_count - 1].seconds - request->samples[0].seconds;
}

static uint64_t calls_of(const struct profile_request *request, enum operation_kind kind)
{
    uint64_t calls = 0;
    for (size_t i = 0; i < request->operations.count; i++)
        if (request->operations.items[i].kind == kind)
            calls += request->operations.items[i].calls;
    return calls;
}

static const char *const kind_names[OPERATION_KINDS] = {[OPERATION_WRITE] = "write_ops",
                                                        [OPERATION_QUERY] = "query_ops",
                                                        [OPERATION_OTHER] = "other_ops"};
static const char *const kind_words[OPERATION_KINDS] = {
    [OPERATION_WRITE] = "writes", [OPERATION_QUERY] = "queries", [OPERATION_OTHER] = "others"};
static const enum operation_kind kinds_in_order[OPERATION_KINDS] = {
    OPERATION_WRITE, OPERATION_QUERY, OPERATION_OTHER};

static double mean_usec(const struct operation *operation)
{
    return operation->calls > 0 ? (double)operation->usec / (double)operation->calls : 0;
}

static void print_operations(const struct profile_request *request)
{
    const double seconds = seconds_of(request);
    for (int i = 0; i < OPERATION_KINDS; i++) {
        const uint64_t calls = calls_of(request, kinds_in_order[i]);
        printf("  %-10s %15s  %12.1f a second\n", kind_words[kinds_in_order[i]],
               UNITS_GROUPED(calls), seconds > 0 ? (double)calls / seconds : 0);
    }
    printf("\n  %-24s %15s %12s %12s %10s\n", "command", "calls", "us a call", "ms in all",
           "failed");
    for (size_t i = 0; i < request->operations.count && i < SHOWN_MAX; i++) {
        const struct operation *operation = &request->operations.items[i];
        printf("  %-24s %15s %12.2f %12.1f %10llu\n", PRINTABLE(operation->name),
               UNITS_GROUPED(operation->calls), mean_usec(operation), (double)operation->usec / 1e3,
               (unsigned long long)operation->failed);
    }
    if (request->operations.count > SHOWN_MAX)
        printf("  and %zu others\n", request->operations.count - SHOWN_MAX);
}

static void print_text(const struct profile_request *request)
{
    size_t peaks[PROFILE_PEAKS_MAX];
    struct bottleneck bottlenecks[BOTTLENECKS_MAX];
    const struct profile_sample *first = &request->samples[0],
                                *last = &request->samples[request->sample_count - 1];
    const size_t peak_count = profile_peaks(peaks, request->samples, request->sample_count);
    const size_t count = bottlenecks_find(bottlenecks, &request->operations, first, last);
    printf("%s, %.1f s\n\n", PRINTABLE(request->target.text), seconds_of(request));
    print_operations(request);
    printf("\n  memory: %s bytes at first, %s at last%s\n",
           UNITS_GROUPED(units_whole(first->used_memory)),
           UNITS_GROUPED(units_whole(last->used_memory)),
           peak_count == 0 ? ", without a peak" : "; peaks:");
    for (size_t i = 0; i < peak_count; i++)
        printf("  - %s bytes at %.1f s\n",
               UNITS_GROUPED(units_whole(request->samples[peaks[i]].used_memory)),
               request->samples[peaks[i]].seconds);
    printf("\n  bottlenecks:%s\n", count == 0 ? " none that its counters show" : "");
    for (size_t i = 0; i < count; i++)
        printf("  - %s: %s: %s\n", bottlenecks[i].name, PRINTABLE(bottlenecks[i].evidence),
               bottlenecks[i].suggestion);
}

static json_t *operations_json(const struct profile_request *request)
{
    json_t *list = json_array();
    for (size_t i = 0; i < request->operations.count; i++) {
        const struct operation *operation = &request->operations.items[i];
        (void)json_array_append_new(
            list,
            json_pack("{s:o, s:s, s:I, s:I, s:f, s:I}", "command", json_value_text(operation->name),
                      "kind", kind_names[operation->kind], "calls", (json_int_t)operation->calls,
                      "usec", (json_int_t)operation->usec, "usec_per_call", mean_usec(operation),
                      "failed", (json_int_t)operation->failed));
    }
    return list;
}

static json_t *ops_json(const struct profile_request *request, enum operation_kind kind)
{
    const uint64_t calls = calls_of(request, kind);
    const double seconds = seconds_of(request);
    return json_pack("{s:I, s:f}", "calls", (json_int_t)calls, "per_second",
                     seconds > 0 ? (double)calls / seconds : 0.0);
}

static json_t *peak_json(const struct profile_sample *sample)
{
    return json_pack("{s:f, s:I}", "at_seconds", sample->seconds, "used_memory",
                     (json_int_t)sample->used_memory);
}

static json_t *all_json(const struct profile_request *request)
{
    size_t peaks[PROFILE_PEAKS_MAX];
    struct bottleneck bottlenecks[BOTTLENECKS_MAX];
    const struct profile_sample *last = &request->samples[request->sample_count - 1];
    const size_t peak_count = profile_peaks(peaks, request->samples, request->sample_count);
    const size_t count =
        bottlenecks_find(bottlenecks, &request->operations, &request->samples[0], last);
    json_t *peak_list = json_array(), *bottleneck_list = json_array();
    for (size_t i = 0; i < peak_count; i++)
        (void)json_array_append_new(peak_list, peak_json(&request->samples[peaks[i]]));
    for (size_t i = 0; i < count; i++)
        (void)json_array_append_new(bottleneck_list,
                                    json_pack("{s:s, s:o, s:s}", "rule", bottlenecks[i].name,
                                              "evidence", json_value_text(bottlenecks[i].evidence),
                                              "suggestion", bottlenecks[i].suggestion));
    return json_pack("{s:s, s:o, s:f, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "schema",
                     PROFILE_SCHEMA, "server", json_value_text(request->target.text), "seconds",
                     seconds_of(request), "samples", (json_int_t)request->sample_count, "write_ops",
                     ops_json(request, OPERATION_WRITE), "query_ops",
                     ops_json(request, OPERATION_QUERY), "other_ops",
                     ops_json(request, OPERATION_OTHER), "commands", operations_json(request),
                     "memory_first", peak_json(&request->samples[0]), "memory_last",
                     peak_json(last), "memory_peaks", peak_list, "bottlenecks", bottleneck_list);
}

static enum err_code tell(const struct profile_request *request, struct err *err)
{
    struct output out;
    if (!request->as_json) {
        print_text(request);
        return OK;
    }
    json_t *all = all_json(request);
    output_borrow(&out, stdout);
    const bool written =
        all != NULL && json_value_write(&out, all, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
    output_printf(&out, "\n");
    json_decref(all);
    return written ? OK : err_set(err, E_SYSTEM, "no memory for what is to be told");
}

static enum err_code run(void *target, struct err *err)
{
    static option_step *const steps[] = {endpoint_settle, tls_settle};
    struct profile_request *request = target;
    struct endpoint *endpoint = &request->bench.spec.endpoint;
    const uint64_t count = request->duration_ns / request->interval_ns + 3;
    enum err_code code = OK;
    request->interrupted = &interrupts_install()->count;
    if (request->words.count > 0)
        return err_set(err, E_USAGE, "%.60s: the server is named by -h and -p, --uri or -s",
                       PRINTABLE(request->words.items[0]));
    if (count > SAMPLES_MAX)
        return err_set(err, E_USAGE, "--interval: more than %u looks in this --duration",
                       SAMPLES_MAX);
    for (size_t i = 0; i < sizeof steps / sizeof steps[0] && code == OK; i++)
        code = steps[i](&request->bench, err);
    if (code == OK && endpoint->tls.wanted)
        code = tls_client_create(&request->tls, &endpoint->tls, err);
    endpoint->tls_client = request->tls;
    request->samples = calloc(count, sizeof request->samples[0]);
    if (code == OK && request->samples == NULL)
        code = err_set(err, E_SYSTEM, "no memory for samples");
    if (code == OK)
        code = reach_begin(endpoint, request->interrupted, err);
    if (code == OK)
        code = control_connect(&request->control, &request->target, endpoint, request->interrupted,
                               err);
    if (code == OK)
        code = watch(request, err);
    return code == OK ? tell(request, err) : code;
}

static void destroy(void *target)
{
    struct profile_request *request = target;
    control_close(request->control);
    operations_free(&request->before);
    operations_free(&request->operations);
    free(request->samples);
    tls_client_destroy(request->tls);
    bench_options_free(&request->bench);
}

int command_profile(int argc, const char *const *argv)
{
    const struct command_frame frame = {
        .table = profile_option_table(), .run = run, .destroy = destroy};
    return command_frame_run_bench(&frame, sizeof(struct profile_request),
                                   offsetof(struct profile_request, words), argc, argv);
}
