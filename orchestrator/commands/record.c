/* `volley record -o FILE`: what clients send to a server, by MONITOR, or what a file tells of it, as a recording. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/printable.h"
#include "common/tls_stream.h"
#include "common/units.h"
#include "orchestrator/commands/commands.h"
#include "orchestrator/commands/frame.h"
#include "orchestrator/commands/interrupts.h"
#include "orchestrator/commands/monitoring.h"
#include "orchestrator/options/bench_groups.h"
#include "orchestrator/report/output_entry.h"
#include "orchestrator/server/reach.h"

#define COMMANDS_SHOWN 10u
#define LONGEST_NS (24 * 60 * 60 * NS_PER_SECOND)

struct record_request {
    struct bench_request bench; /* first: its options fit */
    struct command_words words;
    const char *from, *output;
    bool text, strict;
    uint64_t duration_ns, max_bytes;
    struct tls_client *tls;
    struct monitoring monitoring;
};

#define AT(member) offsetof(struct record_request, member)
/* clang-format off: a row reads best as a few short lines */
static const struct option_row own_rows[] = {
    {ROW("output", "o", OPTION_TEXT, "FILE", AT(output)), .section = "Recording",
     .help =
         "The recording, a file that does not exist yet; needed. Only its owner may read it: it "
         "holds what clients send."},
    {ROW("duration", NULL, OPTION_DURATION, "TIME", AT(duration_ns)), .section = "Recording",
     BARE(NS_PER_SECOND, NS_PER_MS, LONGEST_NS), .unset = "10s",
     .help = "Record for so long; a bare number is seconds. Ctrl+C ends it well before that."},
    {ROW("max-bytes", NULL, OPTION_SIZE, "SIZE", AT(max_bytes)), .section = "Recording",
     NUMBER(1, INT64_MAX), .unset = "1gb", .help = "End when the recording has that size."},
    {ROW("text", NULL, OPTION_FLAG, NULL, AT(text)), .section = "Recording",
     .help = "Write lines as MONITOR has them in place of the compact form."},
    {ROW("from", NULL, OPTION_TEXT, "FILE", AT(from)), .section = "Recording",
     .help = "Make the recording of a file in place of a server: text of MONITOR, an append-only "
             "file or its manifest; - is standard input."},
    {ROW("strict", NULL, OPTION_FLAG, NULL, AT(strict)), .section = "Recording",
     .help = "End at the first line that does not parse, and at a file that was cut, in place of "
             "counting them."},
    HELP_ROW(AT(bench.help)),
};
/* clang-format on */
#undef AT

const struct option_table *record_option_table(void)
{
    static struct option_row rows[OPTION_TABLE_ROWS_MAX];
    static struct option_table table = {
        .command = "record",
        .usage = "volley record -o FILE [OPTIONS]",
        .synopsis =
            "Records what clients send to a server, with times, clients and databases, by MONITOR. "
            "This costs the server CPU for each command, which is said at the end. Requests with "
            "passwords and other secrets are left out. In a cluster it is one node's share.",
    };
    static const struct option_group own = GROUP(NULL, 0, own_rows);
    endpoint_table_fill(&table, rows, OF_RECORD, &own);
    return &table;
}

/* ---- what is said ---- */

static int compare_counts(const void *a, const void *b)
{
    const struct recording_command *left = a, *right = b;
    return (left->count < right->count) - (left->count > right->count);
}

static void print_commands(struct recording_facts *facts)
{
    qsort(facts->commands, facts->command_count, sizeof facts->commands[0], compare_counts);
    uint64_t others = facts->entries;
    for (uint32_t i = 0; i < facts->command_count && i < COMMANDS_SHOWN; i++) {
        others -= facts->commands[i].count;
        printf("  %-16s %12s  %6.2f %%\n", facts->commands[i].name,
               UNITS_GROUPED(facts->commands[i].count),
               100.0 * (double)facts->commands[i].count / (double)facts->entries);
    }
    if (others > 0)
        printf("  %-16s %12s  %6.2f %%\n", "others", UNITS_GROUPED(others),
               100.0 * (double)others / (double)facts->entries);
}

static void print_facts(const char *path, struct recording_facts *facts, const char *source,
                        uint64_t file_bytes)
{
    char size[32];
    units_format_size(size, sizeof size, file_bytes);
    printf("%s: %s requests of %s client%s", PRINTABLE(path), UNITS_GROUPED(facts->entries),
           UNITS_GROUPED(facts->clients), facts->clients == 1 ? "" : "s");
    if (facts->has_times)
        printf(" in %.1f s", (double)facts->span_us / 1e6);
    printf(" from %s; %s\n", PRINTABLE(source), size);
    print_commands(facts);
}

static double cpu_percent(const struct monitoring_cost *cost)
{
    return cost->seconds > 0 ? 100 * cost->cpu_seconds / cost->seconds : 0;
}

static void print_cost(const struct monitoring *monitoring)
{
    const struct monitoring_cost *before = &monitoring->before, *during = &monitoring->during;
    char size[32];
    units_format_size(size, sizeof size, monitoring->heard_bytes);
    if (!before->known || !during->known) {
        printf("What MONITOR cost the server its INFO does not tell; %s came from it.\n", size);
        return;
    }
    printf("What MONITOR cost: the server used %.1f %% of a CPU in the second before, and %.1f %% "
           "while it was recorded; %s came from it.\n",
           cpu_percent(before), cpu_percent(during), size);
    if (before->commands < 1000 || during->commands < 1000)
        return;
    printf("That is %.2f us of CPU for a command before, and %.2f us while it was recorded.\n",
           1e6 * before->cpu_seconds / (double)before->commands,
           1e6 * during->cpu_seconds / (double)during->commands);
}

static void print_monitoring(struct record_request *request)
{
    struct monitoring *monitoring = &request->monitoring;
    static const char *const ends[] = {
        [MONITORING_TIME] = "",
        [MONITORING_SIZE] = "Ended before its time: the recording has reached --max-bytes.\n",
        [MONITORING_INTERRUPTED] =
            "Ended by an interrupt; the recording is whole as far as it goes.\n",
        [MONITORING_LOST] =
            ("Ended before its time: the server has gone; the recording is whole as far as it "
             "goes.\n"),
    };
    monitoring->facts.has_times = true;
    traffic_report_warn(&monitoring->report);
    print_facts(request->output, &monitoring->facts, monitoring->target_text,
                monitoring->file_bytes);
    printf("%s", ends[monitoring->end]);
    print_cost(monitoring);
}

/* ---- the two sources ---- */

static enum err_code record_file(struct record_request *request, struct err *err)
{
    static struct traffic_report report;
    struct recording_reader *reader = NULL;
    const struct recording_facts *facts = NULL;
    if (recording_import(request->from, request->output, request->strict, &report, err) != OK) {
        traffic_report_warn(&report);
        return err->code;
    }
    traffic_report_warn(&report);
    if (recording_open(&reader, request->output, err) != OK)
        return err->code;
    enum err_code code = recording_count(reader, &facts, err);
    if (code == OK) {
        struct recording_facts sorted = *facts;
        print_facts(request->output, &sorted, request->from, recording_file_bytes(reader));
    }
    recording_close(reader);
    return code;
}

static enum err_code settle(struct record_request *request, struct err *err)
{
    struct bench_request *bench = &request->bench;
    enum err_code code = endpoint_settle(bench, err);
    if (code == OK)
        code = tls_settle(bench, err);
    for (uint32_t i = 0; i < bench->notice_count; i++)
        log_line(LOG_WARNING, "%s", bench->notices[i]);
    if (code == OK && bench->spec.endpoint.host != NULL &&
        strchr(bench->spec.endpoint.host, ',') != NULL)
        code = err_set(err, E_USAGE, "--host: MONITOR is recorded from one server; name one");
    return code;
}

static enum err_code record_server(struct record_request *request, struct err *err)
{
    struct endpoint *endpoint = &request->bench.spec.endpoint;
    struct monitoring *monitoring = &request->monitoring;
    enum err_code code = settle(request, err);
    if (code != OK)
        return code;
    *monitoring = (struct monitoring){.endpoint = endpoint,
                                      .interrupted = &interrupts_install()->count,
                                      .path = request->output,
                                      .text = request->text,
                                      .strict = request->strict,
                                      .show_progress = isatty(STDERR_FILENO) == 1,
                                      .duration_ns = request->duration_ns,
                                      .max_bytes = request->max_bytes};
    if (endpoint->tls.wanted)
        code = tls_client_create(&request->tls, &endpoint->tls, err);
    endpoint->tls_client = request->tls;
    if (code == OK)
        code = reach_begin(endpoint, monitoring->interrupted, err);
    if (code == OK)
        code = monitoring_run(monitoring, err);
    if (monitoring->cluster_node)
        log_line(LOG_WARNING,
                 "%s is a node of a cluster: what its other nodes are sent is not "
                 "recorded",
                 PRINTABLE(monitoring->target_text));
    if (monitoring->facts.entries > 0)
        print_monitoring(request);
    if (code != OK)
        return code;
    if (monitoring->end == MONITORING_INTERRUPTED)
        return E_INTERRUPTED;
    if (monitoring->facts.entries == 0)
        return err_set(
            err, E_DATA,
            "%s: no client sent anything in %.1f s that can be recorded; there is no file",
            PRINTABLE(monitoring->target_text), monitoring->seconds);
    return OK;
}

/* Options that only one of the two takes. */
static enum err_code refuse_server_options(const struct record_request *request, struct err *err)
{
    static const char *const names[] = {"host", "port", "socket",   "uri",       "password",
                                        "user", "tls",  "duration", "max-bytes", "text"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (options_given(&request->bench.values, names[i]))
            return err_set(err, E_USAGE,
                           "--%s and --from contradict each other: a recording is made "
                           "of a server or of a file",
                           names[i]);
    }
    return OK;
}

static enum err_code run(void *target, struct err *err)
{
    struct record_request *request = target;
    if (request->output == NULL)
        return err_set(err, E_USAGE, "name the file that is to be written: %s",
                       record_option_table()->usage);
    if (output_entry_check_new(request->output, err) != OK)
        return err->code;
    if (request->from == NULL)
        return record_server(request, err);
    if (refuse_server_options(request, err) != OK)
        return err->code;
    return record_file(request, err);
}

static void destroy(void *target)
{
    struct record_request *request = target;
    reach_end();
    tls_client_destroy(request->tls);
    bench_options_free(&request->bench);
}

int command_record(int argc, const char *const *argv)
{
    const struct command_frame frame = {
        .table = record_option_table(), .run = run, .destroy = destroy};
    return command_frame_run_bench(&frame, sizeof(struct record_request),
                                   offsetof(struct record_request, words), argc, argv);
}
