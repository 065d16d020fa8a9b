#include "orchestrator/commands/sweep_options.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/units.h"
#include "orchestrator/commands/commands.h"
#include "orchestrator/options/rate_text.h"

#define AT(member) offsetof(struct sweep_request, member)
#define VALUE_BYTES 40

static enum err_code read_value(uint64_t *value, enum sweep_kind kind, const char *text,
                                struct err *reason)
{
    static const uint64_t most[] = {[SWEEP_CLIENTS] = 1000000, [SWEEP_PIPELINE] = 100000};
    if (kind == SWEEP_QPS) {
        if (rate_parse(value, text, reason) != OK)
            return reason->code;
        return *value > 0 ? OK : err_set(reason, E_USAGE, "no rate: above 0 is allowed");
    }
    if (!units_parse_count(value, text) || *value < 1 || *value > most[kind])
        return err_set(reason, E_USAGE, "not a number from 1 to %s", UNITS_GROUPED(most[kind]));
    return OK;
}

enum err_code sweep_list_parse(struct sweep_list *list, enum sweep_kind kind, const char *name,
                               const char *text, struct err *err)
{
    const char *at = text;
    list->count = 0;
    for (;;) {
        size_t bytes = strcspn(at, ",");
        char value[VALUE_BYTES];
        struct err reason = {.code = OK};
        snprintf(value, sizeof value, "%.*s", (int)(bytes < VALUE_BYTES ? bytes : VALUE_BYTES), at);
        if (list->count == SWEEP_STEPS_MAX)
            return err_set(err, E_USAGE, "--%s: more than %d values", name, SWEEP_STEPS_MAX);
        uint64_t *next = &list->values[list->count];
        if (read_value(next, kind, value, &reason) != OK)
            return err_set(err, E_USAGE, "--%s %.80s: \"%s\": %s", name, text, value, reason.text);
        if (list->count > 0 && *next <= next[-1])
            return err_set(err, E_USAGE,
                           "--%s %.80s: \"%s\" is not above the value before it; steps go up", name,
                           text, value);
        list->count++;
        if (at[bytes] == '\0')
            return OK;
        at += bytes + 1;
    }
}

static enum err_code parse_list(struct sweep_request *request, enum sweep_kind kind,
                                const char *value, struct err *err)
{
    return sweep_list_parse(&request->lists[kind], kind, sweep_kind_name(kind), value, err);
}

static enum err_code parse_clients(void *target, const char *value, struct err *err)
{
    return parse_list(target, SWEEP_CLIENTS, value, err);
}

static enum err_code parse_qps(void *target, const char *value, struct err *err)
{
    return parse_list(target, SWEEP_QPS, value, err);
}

static enum err_code parse_pipeline(void *target, const char *value, struct err *err)
{
    return parse_list(target, SWEEP_PIPELINE, value, err);
}

static enum err_code parse_slos(void *target, const char *value, struct err *err)
{
    static const struct objective_grammar grammar = {.option = "--slo"};
    struct sweep_request *request = target;
    return objective_parse_list(&request->objectives, value, &grammar, err);
}

/* clang-format off: a row reads best as a few short lines */
static const struct option_row sweep_rows[] = {
    {ROW("clients", "c", OPTION_CUSTOM, "LIST", 0), .parse = parse_clients, .unset = "50",
     .help = "Connections over all workers: a list such as 1,5,10,20,50,100, one run for each, or "
             "one number for all runs."},
    {ROW("qps", NULL, OPTION_CUSTOM, "LIST", 0), .parse = parse_qps, .aliases = "rps",
     .help = "Requests per second, whatever the server does: a list, or one number. Without it the "
             "next request waits for the last reply."},
    {ROW("pipeline", "P", OPTION_CUSTOM, "LIST", 0), .parse = parse_pipeline, .unset = "1",
     .help = "Requests in flight on each connection: a list, or one number."},
    {ROW("step-duration", NULL, OPTION_DURATION, "TIME", AT(step_ns)),
     BARE(NS_PER_SECOND, 10 * NS_PER_MS, 3600 * NS_PER_SECOND * 24), .unset = "10s",
     .help = "How long each step is measured; a bare number is seconds."},
    {ROW("slo", NULL, OPTION_CUSTOM, "OBJECTIVE", 0), .parse = parse_slos, .repeats = true,
     .help =
         "Tell the first step that breaks this: p99<1ms, mean<500us, max<20ms or errors<0.1%; "
         "with the name of a class of requests in front of that class, read:p99<1ms. Several of "
         "them separated by commas, or --slo again."},
};

static const struct option_row other_rows[] = {
    {ROW("csv", NULL, OPTION_TEXT, "FILE", AT(csv_path)), .needs_trust = true, .section = "Output",
     .help = "Write a CSV line for each step to FILE; - is standard output, in place of the table. "
             "(--csv of bench is a flag.)"},

    {.name = "test-duration",
     .aliases = "duration",
     .kind = OPTION_ELSEWHERE,
     .help = "use --step-duration"},
    ELSEWHERE("requests", "n", "use --step-duration"),
};

static const struct option_change changes[] = {
    {.name = "warmup",
     .unset = "1s",
     .help = "Load before each step is measured, rounded up to whole intervals; a bare number is "
             "seconds."},
    {.name = "type",
     .help =
         "The test, one of those that bench knows. A command behind the options takes its place."},
    {.name = "prefill",
     .help = "Write the keys once, before the first step, if the test reads them."},
    {.name = "out",
     .help = "Keep everything about the sweep in this directory, which is made: every step as a "
             "run of bench, and sweep.json and sweep.csv."},
    {.name = "html",
     .help = "Write a page that shows the sweep, with latency against load: one file, which needs "
             "nothing else."},
    {.name = "png",
     .help = "Draw latency against load into this directory, which is made: LABEL_curve.png, with "
             "--label, else run_curve.png. Needs gnuplot."},
    {.name = "svg", .help = "The same picture as SVG."},
    {.name = "explain", .help = "Print the plan and the first commands, and connect to nothing."},
};
/* clang-format on */

const struct option_table *sweep_option_table(void)
{
    static struct option_row rows[OPTION_TABLE_ROWS_MAX];
    static struct option_table table = {
        .command = "sweep",
        .usage = "volley sweep --clients LIST | --qps LIST | --pipeline LIST [options] [--] "
                 "[command [argument ...]]",
        .synopsis = "Makes one run for each value of a list and prints them as a table, with the "
                    "baseline, the degradation point and the breaking point marked.",
        .epilogue = "Example: volley sweep --clients 1,5,10,20,50,100 -t get -r 100000 --prefill",
        .takes_command = true,
    };
    static const struct load_table own = {.first = GROUP("Sweep", 0, sweep_rows),
                                          .last = GROUP(NULL, 0, other_rows),
                                          .changes = changes,
                                          .change_count = sizeof changes / sizeof changes[0]};
    return load_table_fill(&table, rows, OF_SWEEP, &own);
}

static enum err_code choose_list(struct sweep_request *request, struct err *err)
{
    uint32_t lists = 0;
    for (int kind = 0; kind < 3; kind++) {
        if (request->lists[kind].count < 2)
            continue;
        request->kind = (enum sweep_kind)kind;
        lists++;
    }
    if (lists != 1)
        return err_set(err, E_USAGE,
                       "sweep takes one list, and %s: give two values or more to one of --clients, "
                       "--qps and --pipeline, as in --clients 1,5,10,20,50,100",
                       lists == 0 ? "there is none" : "there are several");
    return OK;
}

static enum err_code check(const struct sweep_request *request, struct err *err)
{
    const struct spec *spec = &request->bench.spec;
    if (spec->load.test_count > 1)
        return err_set(err, E_USAGE, "sweep takes one test; --type names %u: run it for each",
                       spec->load.test_count);
    return OK;
}

enum err_code sweep_options_parse(struct sweep_request *request, int argc, const char *const *argv,
                                  struct err *err)
{
    struct spec *spec = &request->bench.spec;
    enum err_code code = bench_options_defaults(&request->bench, err);
    if (code == OK)
        code =
            options_parse(&request->bench.values, sweep_option_table(), request, argc, argv, err);
    if (code != OK || request->bench.help)
        return code;
    code = choose_list(request, err);
    if (code != OK)
        return code;
    spec->load.duration_ns = request->step_ns;
    spec->load.clients = request->lists[SWEEP_CLIENTS].values[0];
    spec->load.pipeline = request->lists[SWEEP_PIPELINE].values[0];
    if (request->lists[SWEEP_QPS].count > 0) {
        const struct rate_step first = rate_step_constant(request->lists[SWEEP_QPS].values[0]);
        code = rate_steps_add(&request->bench.steps, &first, err);
    }
    if (code == OK)
        code = check(request, err);
    if (code == OK)
        code = stream_wishes_vary(&request->bench.workload.streams, sweep_kind_name(request->kind),
                                  err);
    return code == OK ? bench_options_settle(&request->bench, err) : code;
}
