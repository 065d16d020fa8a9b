/* `volley monitor TARGET...`: servers watched for days, without load; `volley monitor report`: what came of it. */
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/printable.h"
#include "common/units.h"
#include "orchestrator/commands/commands.h"
#include "orchestrator/commands/frame.h"
#include "orchestrator/commands/interrupts.h"
#include "orchestrator/commands/monitor_report.h"
#include "orchestrator/commands/monitor_run.h"
#include "orchestrator/commands/watching.h"
#include "orchestrator/options/bench_groups.h"
#include "orchestrator/server/environment.h"
#include "orchestrator/watch/terminal.h"

#define DAY_NS (24 * 3600 * NS_PER_SECOND)
#define PROBE_RATE_MOST 1000

struct monitor_request {
    struct bench_request bench; /* first: its options fit */
    struct command_words words;
    uint64_t interval_ns, window_ns, retention_ns, duration_ns, since_ns;
    double probe_rate;
    const char *store_path, *html, *json;
    bool no_store;

    struct watch_targets targets;
    struct watching watching;
    struct alert_server judged[WATCH_TARGETS_MAX]; /* of several servers, each alone */
    struct alert_servers judged_servers;
    struct monitor monitor;
    struct timeline timeline;
    struct session_facts facts;
    struct event_base *base;
    bool timeline_ready;
};

#define AT(member) offsetof(struct monitor_request, member)
/* clang-format off: a row reads best as a few short lines */
static const struct option_row own_rows[] = {
    {ROW("interval", NULL, OPTION_DURATION, "TIME", AT(interval_ns)), .section = "Monitor",
     BARE(NS_PER_SECOND, 100 * NS_PER_MS, DAY_NS), .unset = "30s",
     .help = "How often figures are told and INFO is asked; a bare number is seconds."},
    {ROW("probe-rate", NULL, OPTION_REAL, "N", AT(probe_rate)), .section = "Monitor",
     REAL(0.1, PROBE_RATE_MOST), .unset = "10",
     .help = "PINGs a second to each server, at even distances whatever it answers."},
    {ROW("window", NULL, OPTION_DURATION, "TIME", AT(window_ns)), .section = "Monitor",
     BARE(NS_PER_SECOND, 100 * NS_PER_MS, DAY_NS), .unset = "300s",
     .help = "A line for each server says every so long what the time was like; a bare number is "
             "seconds."},
    {ROW("duration", NULL, OPTION_DURATION, "TIME", AT(duration_ns)), .section = "Monitor",
     BARE(NS_PER_SECOND, 0, 3650 * DAY_NS),
     .help =
         "End after so long; a bare number is seconds. 0, the default: with Ctrl+C or SIGTERM."},
    {ROW("store", NULL, OPTION_TEXT, "FILE", AT(store_path)), .section = "Store",
     .needs_trust = true,
     .help = "The file of SQLite that samples are kept in, and the report is made of; the default "
             "is monitor.db in $XDG_STATE_HOME/volley or ~/.local/state/volley."},
    {ROW("no-store", NULL, OPTION_FLAG, NULL, AT(no_store)), .section = "Store",
     .help = "Keep nothing."},
    {ROW("retention", NULL, OPTION_DURATION, "TIME", AT(retention_ns)), .section = "Store",
     BARE(DAY_NS, NS_PER_SECOND, 3650 * DAY_NS), .unset = "7d",
     .help = "What is older is removed from the store; a bare number is days."},
    {ROW("since", NULL, OPTION_DURATION, "TIME", AT(since_ns)), .section = "Report",
     BARE(DAY_NS, NS_PER_SECOND, 3650 * DAY_NS), .unset = "7d",
     .help = "The time up to now that the report is of; a bare number is days."},
    {ROW("html", NULL, OPTION_TEXT, "FILE", AT(html)), .section = "Report", .needs_trust = true,
     .help = "Write the report as a page as well."},
    {ROW("json", NULL, OPTION_TEXT, "FILE", AT(json)), .section = "Report", .needs_trust = true,
     .help = "Write the report as JSON as well; - is standard output, in place of the text."},
    {ROW("help", NULL, OPTION_FLAG, NULL, AT(bench.help)), .command_line_only = true,
     .section = "Other", .help = "This text."},
};
/* clang-format on */
#undef AT

const struct option_table *monitor_option_table(void)
{
    static struct option_row rows[OPTION_TABLE_ROWS_MAX];
    static struct option_table table = {
        .command = "monitor",
        .usage = "volley monitor [OPTIONS] [TARGET...], or volley monitor report [OPTIONS]",
        .synopsis =
            "Watches servers for days without load: a PING ten times a second, INFO every "
            "interval, with page and endpoints of --listen, and keeps what it sees. A TARGET is "
            "HOST:PORT, a URI as of --uri, or the path of a Unix socket; without one it is that of "
            "--host and --port. A server that does not answer is told, and tried again, at the "
            "address that its "
            "name had at the start. report is what came of it: availability, trends, "
            "headroom, alerts.",
        .takes_command = true,
        .takes_uris = true,
    };
    static const struct option_group own = GROUP(NULL, 0, own_rows);
    static const struct option_use watch_use = {&watch_group,
                                                offsetof(struct monitor_request, bench.spec.watch)};
    if (endpoint_table_fill(&table, rows, OF_MONITOR, &own))
        option_table_add(&table, rows, OF_MONITOR, &watch_use);
    return &table;
}

/* ---- what contradicts what ---- */

static enum err_code refuse(const struct monitor_request *request, const char *const *names,
                            size_t count, const char *why, struct err *err)
{
    for (size_t i = 0; i < count; i++)
        if (options_given(&request->bench.values, names[i]))
            return err_set(err, E_USAGE, "--%s %s", names[i], why);
    return OK;
}

static enum err_code check_options(struct monitor_request *request, struct err *err)
{
    static const char *const of_report[] = {"since", "html", "json"};
    static const char *const of_store[] = {"store", "retention"};
    if (refuse(request, of_report, sizeof of_report / sizeof of_report[0],
               "is an option of volley monitor report", err) != OK)
        return err->code;
    if (watch_settle(&request->bench, err) != OK)
        return err->code;
    if (request->no_store && refuse(request, of_store, sizeof of_store / sizeof of_store[0],
                                    "and --no-store contradict each other", err) != OK)
        return err->code;
    if (request->window_ns < request->interval_ns &&
        options_given(&request->bench.values, "window"))
        return err_set(err, E_USAGE, "--window is shorter than --interval: no window has figures");
    return OK;
}

/* ---- the monitor ---- */

static enum err_code describe(struct monitor_request *request, struct err *err)
{
    static struct cpu_set_order cpus; /* too large for a stack */
    if (cpu_order_discover(&cpus, "", NULL, err) != OK)
        return err->code;
    request->facts = (struct session_facts){
        .spec = options_to_json(&request->bench.values),
        .environment = environment_collect(NULL, "", &cpus),
        .command = "monitor",
        .percentiles = request->bench.spec.outputs.percentiles,
        .percentile_count = request->bench.spec.outputs.percentile_count,
    };
    return request->facts.spec != NULL && request->facts.environment != NULL
               ? OK
               : err_set(err, E_SYSTEM, "no memory to describe the monitor");
}

static enum err_code open_store(struct monitor_request *request, struct err *err)
{
    char path[4096];
    struct monitor_store_setup setup = {.path = request->store_path,
                                        .retention_ms = request->retention_ns / NS_PER_MS,
                                        .began_ms = clock_wall_ns() / NS_PER_MS,
                                        .interval_ms = request->interval_ns / NS_PER_MS};
    if (request->no_store)
        return OK;
    if (setup.path == NULL && monitor_store_path(path, sizeof path, true, err) != OK)
        return err->code;
    if (setup.path == NULL)
        setup.path = path;
    return monitor_store_open(&request->monitor.store, &setup, err);
}

static void hear_alert(void *hearer, const struct alert_event *event)
{
    const struct monitor_request *request = hearer;
    if (request->monitor.store != NULL)
        monitor_store_alert(request->monitor.store, event);
}

/* Onto the page, which is where a monitor's notes are. */
static void take_note(void *hearer, const char *text)
{
    struct monitor_request *request = hearer;
    const uint64_t at_ns = clock_now_ns() - request->monitor.start_ns;
    struct note note = {.source = NOTE_HAND, .at_ns = at_ns, .end_ns = at_ns, .ok = true};
    note_set(&note, NOTE_BY, NOTE_BY_TERMINAL);
    snprintf(note.text, sizeof note.text, "%s", text);
    timeline_note(&request->timeline, &note);
}

/* Of several servers rules are judged by each; of one they are as of a run. */
static void judge_each(struct monitor_request *request)
{
    const uint32_t count = request->targets.count;
    for (uint32_t i = 0; count > 1 && i < count; i++)
        snprintf(request->judged[i].name, sizeof request->judged[i].name, "%s",
                 PRINTABLE(request->targets.items[i].address.text));
    request->judged_servers.items = request->judged;
    request->judged_servers.count = count > 1 ? count : 0;
    request->monitor.judged = count > 1 ? request->judged : NULL;
}

static enum err_code open_all(struct monitor_request *request, struct watching_place *place,
                              struct interrupts *interrupts, struct err *err)
{
    request->base = event_base_new();
    if (request->base == NULL)
        return err_set(err, E_SYSTEM, "no memory for the monitor");
    enum err_code code = timeline_init(&request->timeline, err);
    request->timeline_ready = code == OK;
    judge_each(request);
    *place = (struct watching_place){.options = &request->bench.spec.watch,
                                     .command = "monitor",
                                     .timeline = &request->timeline,
                                     .base = request->base,
                                     .interrupts = interrupts,
                                     .sampled = true,
                                     .servers = &request->judged_servers,
                                     .interval_ns = request->interval_ns,
                                     .hear_alert = hear_alert,
                                     .hearer = request};
    if (request->bench.spec.watch.listen != NULL)
        place->take_note = take_note;
    if (code == OK)
        code = watching_open_at(&request->watching, place, err);
    return code == OK ? describe(request, err) : code;
}

static void tell_account(struct monitor_request *request)
{
    const bool kept = request->monitor.store != NULL;
    const struct monitor_store_account account =
        monitor_store_close(request->monitor.store, clock_wall_ns() / NS_PER_MS);
    request->monitor.store = NULL;
    if (kept && !account.known)
        log_line(LOG_WARNING, "the writer of the store did not end in time: its last rows may be "
                              "lost");
    else if (account.lost > 0)
        log_line(LOG_WARNING, "%s row%s lost; the store has %s of this run",
                 UNITS_GROUPED(account.lost), account.lost == 1 ? " was" : "s were",
                 UNITS_GROUPED(account.written));
}

static enum err_code watch(struct monitor_request *request, struct err *err)
{
    struct interrupts *interrupts = interrupts_install();
    struct monitor *monitor = &request->monitor;
    struct watching_place place;
    enum err_code code = check_options(request, err);
    if (code == OK && request->bench.spec.watch.tui)
        code = terminal_check("monitor", err);
    if (code == OK)
        code = watch_targets_find(&request->targets, &request->bench, &request->words,
                                  &interrupts->count, err);
    if (code == OK)
        code = open_store(request, err);
    if (code == OK)
        code = open_all(request, &place, interrupts, err);
    if (code != OK)
        return code;
    monitor->targets = &request->targets;
    monitor->base = request->base;
    monitor->timeline = &request->timeline;
    monitor->samples = &request->watching.samples;
    monitor->interrupted = &interrupts->count;
    monitor->out = stderr;
    monitor->terminal = request->watching.terminal;
    monitor->interval_ns = request->interval_ns;
    monitor->window_ns =
        request->window_ns > request->interval_ns ? request->window_ns : request->interval_ns;
    monitor->duration_ns = request->duration_ns;
    monitor->probe_period_ns = (uint64_t)((double)NS_PER_SECOND / request->probe_rate);
    timeline_session_begin(&request->timeline, &request->facts);
    code = monitor_begin(monitor, clock_now_ns(), err);
    if (code == OK && monitor->store != NULL)
        code = monitor_store_begin(monitor->store, err);
    if (code == OK) {
        code = monitor_run(monitor, err);
        monitor_end(monitor);
    }
    timeline_session_end(&request->timeline);
    tell_account(request);
    const enum err_code judged = watching_end_at(&request->watching, &place);
    return code == OK ? judged : code;
}

/* ---- the report ---- */

/* Whatever is none of the report's own, now or later. */
static enum err_code refuse_of_monitor(const struct monitor_request *request, struct err *err)
{
    static const char *const own[] = {"store", "since", "html", "json", "config", "trust-config"};
    const struct option_table *table = monitor_option_table();
    for (size_t i = 0; i < table->row_count; i++) {
        const char *name = table->rows[i].name;
        bool is_own = !options_given(&request->bench.values, name);
        for (size_t k = 0; k < sizeof own / sizeof own[0]; k++)
            is_own |= strcmp(own[k], name) == 0;
        if (!is_own)
            return err_set(err, E_USAGE, "--%s is no option of volley monitor report", name);
    }
    return OK;
}

static enum err_code report(const struct monitor_request *request, struct err *err)
{
    char path[4096];
    if (request->words.count > 1)
        return err_set(err, E_USAGE, "too many words: %s", monitor_option_table()->usage);
    if (refuse_of_monitor(request, err) != OK)
        return err->code;
    if (request->store_path == NULL && monitor_store_path(path, sizeof path, false, err) != OK)
        return err->code;
    const struct monitor_report_setup setup = {
        .path = request->store_path != NULL ? request->store_path : path,
        .to_ms = clock_wall_ns() / NS_PER_MS,
        .since_ms = request->since_ns / NS_PER_MS,
        .html = request->html,
        .json = request->json};
    return monitor_report(&setup, err);
}

static enum err_code run(void *target, struct err *err)
{
    struct monitor_request *request = target;
    if (request->words.count > 0 && strcmp(request->words.items[0], "report") == 0)
        return report(request, err);
    return watch(request, err);
}

static void destroy(void *target)
{
    struct monitor_request *request = target;
    monitor_free(&request->monitor);
    (void)monitor_store_close(request->monitor.store, clock_wall_ns() / NS_PER_MS);
    watching_close(&request->watching);
    if (request->timeline_ready)
        timeline_destroy(&request->timeline);
    if (request->base != NULL)
        event_base_free(request->base);
    json_decref(request->facts.spec);
    json_decref(request->facts.environment);
    watch_targets_free(&request->targets);
    bench_options_free(&request->bench);
}

int command_monitor(int argc, const char *const *argv)
{
    const struct command_frame frame = {
        .table = monitor_option_table(), .words_everywhere = true, .run = run, .destroy = destroy};
    return command_frame_run_bench(&frame, sizeof(struct monitor_request),
                                   offsetof(struct monitor_request, words), argc, argv);
}
