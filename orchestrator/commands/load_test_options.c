#include "orchestrator/commands/load_test_options.h"

#include <stddef.h>
#include <string.h>

#include "common/clock.h"
#include "common/printable.h"
#include "common/units.h"
#include "orchestrator/commands/commands.h"
#include "orchestrator/options/load_limits.h"
#include "orchestrator/options/rate_text.h"

#define AT(member) offsetof(struct load_test_request, member)
#define SECONDS_IN_A_MINUTE 60u
#define UNLIMITED "unlimited"

static enum err_code parse_users(void *target, const char *value, struct err *err)
{
    struct load_test_request *request = target;
    return sweep_list_parse(&request->users, SWEEP_CLIENTS, "users", value, err);
}

static enum err_code parse_message_rate(void *target, const char *value, struct err *err)
{
    struct load_test_request *request = target;
    struct err reason = {.code = OK};
    request->message_rate_micro = 0;
    if (strcmp(value, UNLIMITED) == 0)
        return OK;
    if (rate_parse(&request->message_rate_micro, value, &reason) != OK ||
        request->message_rate_micro == 0)
        return err_set(
            err, E_USAGE,
            "--message-rate %.40s: allowed: messages a minute above 0, as in 100, 0.5 or "
            "10k, at most 100 million; or " UNLIMITED,
            value);
    return OK;
}

static const char *message_rate_at(size_t index)
{
    return index == 0 ? UNLIMITED : NULL;
}

/* clang-format off: a row reads best as a few short lines */
static const struct option_row load_test_rows[] = {
    {ROW("users", NULL, OPTION_CUSTOM, "LIST", 0), .parse = parse_users, .unset = "10",
     .help =
         "Users at once: a number, or a list such as 1,5,10,20,50,100, one run for each. Each has "
         "a connection of its own; with --buffer they share the client."},
    {ROW("message-rate", NULL, OPTION_CUSTOM, "N", 0), .parse = parse_message_rate,
     .value_at = message_rate_at, .unset = "100",
     .help =
         "Messages that each user sends a minute, whatever the server does. " UNLIMITED ": each "
         "sends the next as soon as the one before is answered."},
    {ROW("test-duration", NULL, OPTION_DURATION, "TIME", AT(duration_ns)), .aliases = "duration",
     BARE(NS_PER_SECOND, 10 * NS_PER_MS, LOAD_NS_MAX), .unset = "300s",
     .help = "How long each number of users is measured; a bare number is seconds."},
};

static const struct option_row other_rows[] = {
    {ROW("both-modes", NULL, OPTION_FLAG, NULL, AT(both_modes)), .section = "Load",
     .help = "Measure each number of users twice, with the buffer of --buffer, or of the workload, "
             "and without, and "
             "compare the memory that volley needs."},
    {ROW("markdown", NULL, OPTION_FLAG, NULL, AT(as_markdown)), .section = "Output",
     .help = "Print tables of Markdown in place of text."},
    {ROW("csv", NULL, OPTION_TEXT, "FILE", AT(csv_path)), .needs_trust = true, .section = "Output",
     .help = "Write a CSV line for each run to FILE; - is standard output, in place of the table. "
             "(--csv of bench is a flag.)"},

    ELSEWHERE("clients", "c", "use --users"),
    ELSEWHERE("qps", NULL, "use --message-rate, which is of each user and a minute"),
    ELSEWHERE("pipeline", "P", "a user has one message under way"),
    ELSEWHERE("requests", "n", "use --duration"),
};

static const struct option_change changes[] = {
    {.name = "warmup",
     .unset = "1s",
     .help = "Load before each run is measured, rounded up to whole intervals; a bare number is "
             "seconds."},
    {.name = "type",
     .help =
         "The test, one of those that bench knows. A command behind the options takes its place."},
    {.name = "prefill",
     .help = "Write the keys once, before the first run, if the test reads them."},
    {.name = "out",
     .help = "Keep everything about the load test in this directory, which is made: every run as a "
             "run of bench, and load-test.json, load-test.csv and load-test.md."},
    {.name = "html",
     .help = "Write a page that shows the load test, with throughput and latency by users: one "
             "file, which needs nothing else."},
    {.name = "png",
     .help = "Draw throughput and latency by users into this directory, which is made: "
             "LABEL_curve.png, and with --both-modes LABEL_memory.png, the memory of both; with "
             "--label, else run_curve.png and so on. Needs gnuplot."},
    {.name = "svg", .help = "The same pictures as SVG."},
    {.name = "explain", .help = "Print the plan and the first commands, and connect to nothing."},
};
/* clang-format on */

const struct option_table *load_test_option_table(void)
{
    static struct option_row rows[OPTION_TABLE_ROWS_MAX];
    static struct option_table table = {
        .command = "load-test",
        .usage = "volley load-test [--users LIST] [--message-rate N] [--duration TIME] [options] "
                 "[--] [command [argument ...]]",
        .synopsis = "Loads a server as so many users do, each with its messages a minute, and says "
                    "for each number of them what was answered, how long that took, what failed, "
                    "and how much memory volley and the server needed.",
        .epilogue = "Example: volley load-test --users 1,5,10,20,50,100 --message-rate unlimited "
                    "--duration 30s -t set -r 100000",
        .takes_command = true,
    };
    static const struct load_table own = {.first = GROUP("Users", 0, load_test_rows),
                                          .last = GROUP(NULL, 0, other_rows),
                                          .changes = changes,
                                          .change_count = sizeof changes / sizeof changes[0]};
    return load_table_fill(&table, rows, OF_LOAD_TEST, &own);
}

uint64_t load_test_rate_micro(const struct load_test_request *request, uint64_t users)
{
    return request->message_rate_micro * users / SECONDS_IN_A_MINUTE;
}

/* Every number of users has at least one message, and no more than a schedule can have. */
static enum err_code check_rate(const struct load_test_request *request, struct err *err)
{
    const uint64_t fewest = request->users.values[0],
                   most = request->users.values[request->users.count - 1];
    const double rate_micro = (double)request->message_rate_micro / SECONDS_IN_A_MINUTE;
    if (request->message_rate_micro == 0)
        return OK;
    if (rate_micro * (double)most > (double)SCHEDULE_RATE_MAX_MICRO)
        return err_set(
            err, E_USAGE,
            "--message-rate: %s users would send more than 100 million messages a second "
            "together; give fewer users or a lower rate",
            UNITS_GROUPED(most));
    if (load_test_rate_micro(request, fewest) == 0 ||
        rate_micro * (double)fewest / (double)SCHEDULE_MICRO * clock_seconds(request->duration_ns) <
            1)
        return err_set(err, E_USAGE,
                       "--message-rate: %s user%s would send less than one message in the time of "
                       "a run; give a longer --duration or a higher rate",
                       UNITS_GROUPED(fewest), fewest == 1 ? "" : "s");
    return OK;
}

static enum err_code check(const struct load_test_request *request, struct err *err)
{
    const struct spec *spec = &request->bench.spec;
    if (spec->load.test_count > 1)
        return err_set(err, E_USAGE, "load-test takes one test; --type names %u: run it for each",
                       spec->load.test_count);
    return check_rate(request, err);
}

enum err_code load_test_options_parse(struct load_test_request *request, int argc,
                                      const char *const *argv, struct err *err)
{
    struct bench_request *bench = &request->bench;
    enum err_code code = bench_options_defaults(bench, err);
    if (code == OK)
        code = options_parse(&bench->values, load_test_option_table(), request, argc, argv, err);
    if (code != OK || bench->help)
        return code;
    code = check(request, err);
    if (code == OK)
        code = stream_wishes_vary(&bench->workload.streams, "clients", err);
    if (code == OK && request->message_rate_micro > 0)
        code = stream_wishes_vary(&bench->workload.streams, "qps", err);
    if (code != OK)
        return code;
    bench->spec.load.duration_ns = request->duration_ns;
    bench->spec.load.clients = request->users.values[0];
    bench->spec.load.clients_option = "users";
    if (request->message_rate_micro > 0) {
        const struct rate_step first =
            rate_step_constant(load_test_rate_micro(request, request->users.values[0]));
        code = rate_steps_add(&bench->steps, &first, err);
    }
    if (code == OK)
        code = bench_options_settle(bench, err);
    if (code == OK && request->both_modes && bench->buffer.path == NULL)
        code = err_set(err, E_USAGE,
                       "--both-modes needs --buffer or a buffer of the workload's, which says how "
                       "messages are buffered in one of them");
    if (code == OK && request->both_modes && !bench->spec.buffer.wanted)
        code = err_set(err, E_USAGE,
                       "--both-modes: %.80s says that nothing is buffered (enabled: false): both "
                       "modes would be the same",
                       PRINTABLE(bench->buffer.path));
    return code;
}
