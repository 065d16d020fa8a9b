#include "orchestrator/report/verdict.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/buffer_stage.h"
#include "common/clock.h"
#include "common/units.h"
#include "orchestrator/report/buffer_figures.h"
#include "orchestrator/report/figures.h"
#include "orchestrator/report/metric.h"
#include "orchestrator/report/target_reached.h"
#include "orchestrator/report/verdict_judges.h"

/* ---- Volley itself, and the machine it runs on. ---- */

/* In a closed loop requests wait for the server or for volley, as long in all as there are requests in
 * flight over the rate. Where the server gives what it can, replies that are read sooner are followed by
 * requests that wait there longer. */
static bool server_decides(const struct run_result *result)
{
    return !run_facts_have_rate(result->facts) &&
           result->evidence.server_cpu_share >= SERVER_BUSY_SHARE;
}

/* Volley's own work, or somebody else's. */
static void judge_worker_cpu(struct verdict_check *check, const struct run_result *result)
{
    struct target_cpu cpu = target_busiest_cpu(result);
    double server_share = result->evidence.server_cpu_share;
    if (cpu.workers == 0) { /* a replay of a run that was cut short, or too short a run */
        say(check, "unknown");
        return;
    }
    check->value = cpu.share * 100;
    check->level = cpu.share >= WORKER_LIMIT_SHARE ? VERDICT_AMBER : VERDICT_GREEN;
    check->note = check->level != VERDICT_GREEN && cpu.workers == 1 && server_decides(result) &&
                  server_share >= cpu.share;
    target_cpu_text(check->text, sizeof check->text, &cpu);
    if (check->note)
        advise(check,
               "the server was at its limit (%.0f %% of a CPU), and volley near its own: "
               "a faster server needs more workers (--processes) on free CPUs",
               server_share * 100);
    else if (!target_cpu_is_kept(&cpu))
        advise(check, "volley is the limit, not the server: use more workers "
                      "(--processes) on free CPUs, or read these figures as volley's own");
    else
        advise(check, "a worker was ready to run while something else had its CPU: leave "
                      "it a CPU of its own (--cpus), or stop what runs beside it");
}

/* Workers that share a CPU wait for each other: worker_cpu judges that. */
static bool alone(const struct run_result *result, const struct worker_summary *worker)
{
    uint32_t sharing = 0;
    for (uint32_t i = 0; i < result->worker_count; i++)
        sharing += worker->cpu >= 0 && result->workers[i].cpu == worker->cpu;
    return sharing <= 1;
}

static void judge_run_delay(struct verdict_check *check, const struct run_result *result)
{
    say(check, "unknown");
    for (uint32_t i = 0; i < result->worker_count && result->seconds >= CPU_SHARE_KNOWN_SECONDS;
         i++) {
        const struct worker_summary *worker = &result->workers[i];
        double share = worker->run_delay_seconds / result->seconds * 100;
        if (!alone(result, worker) || share <= check->value)
            continue;
        check->value = share;
        say(check, "worker %u waited %.1f %% of the time for its CPU", worker->index, share);
    }
}

/* Adds "12 % of p50"; what has no room is left out. */
static void say_lag(struct verdict_check *check, double percent, double share)
{
    size_t used = strlen(check->text);
    snprintf(check->text + used, sizeof check->text - used, "%s%.*f %% of p%.10g",
             used == 0 ? "at most " : ", ", share < 10 ? 1 : 0, share, percent);
}

/* The run is of an older version. */
static bool not_measured(struct verdict_check *check, const struct run_result *result,
                         enum interval_histogram_kind kind)
{
    if (interval_row_has(result->total, kind))
        return false;
    say(check, "not measured");
    return true;
}

static void judge_loop_lag(struct verdict_check *check, const struct run_result *result)
{
    uint64_t count = metric_total(result, METRIC_RESPONSE_TIME);
    if (not_measured(check, result, HISTOGRAM_LAGGED))
        return;
    for (uint32_t i = 0; i < result->percentile_count && count > 0; i++) {
        double percent = result->percentiles[i];
        double share = figure_lag_share(result->total, result->facts->open_loop, percent) * 100;
        if (figure_few_samples(count, percent) && percent > 50)
            continue; /* few_samples says what it is worth */
        check->value = share > check->value || isnan(check->value) ? share : check->value;
        say_lag(check, percent, share);
    }
    if (check->text[0] == '\0')
        say(check, "no percentile to weigh");
    if (check->value <= check->threshold || isnan(check->value))
        return;
    advise(check, "replies waited inside volley before they were read, and these "
                  "percentiles may be so much too high: use more workers (--processes), "
                  "fewer connections each, less pipelining, or a rate (--qps)");
    if (!server_decides(result))
        return;
    check->note = true;
    advise(check,
           "replies waited inside volley before they were read, but the server was at its "
           "limit (%.0f %% of a CPU): without that wait their next requests would have "
           "waited there instead",
           result->evidence.server_cpu_share * 100);
}

/* What only an open loop can do wrong. */
static bool closed_loop(struct verdict_check *check, const struct run_result *result)
{
    const bool closed = !run_facts_have_rate(result->facts);
    if (closed)
        say(check, "closed loop");
    return closed;
}

/* What kept requests from being sent at their time, weighed against what a user waited in all. */
static void judge_delay(struct verdict_check *check, const struct run_result *result,
                        enum metric_id delay)
{
    const struct metric_slice slice = metric_slice_of_run(result);
    if (closed_loop(check, result) || not_measured(check, result, metric_histogram(&slice, delay)))
        return;
    struct metric_value response = metric_percentile(&slice, METRIC_RESPONSE_TIME, 50);
    check->value = metric_percentile(&slice, delay, 99).number / NS_PER_MS;
    check->threshold = clock_ms(target_slip_limit_ns(result->total));
    say(check, "p99 %.3f ms, response p50 %s%.3f ms", check->value, response.censored ? ">= " : "",
        response.number / NS_PER_MS);
}

static void judge_slip(struct verdict_check *check, const struct run_result *result)
{
    judge_delay(check, result, METRIC_SLIP);
}

/* The longer p99 of the stages in front of a buffer, in ns; below 0: of none. */
static double wait_for_room_ns(const struct metric_slice *whole, uint32_t first_part)
{
    static const uint32_t stages[] = {STAGE_WRITE_SCHEDULE, STAGE_QUERY_SCHEDULE};
    static const struct metric_statistic p99 = {"p99", STATISTIC_PERCENTILE, 99};
    double longest_ns = -1;
    for (size_t i = 0; i < sizeof stages / sizeof stages[0]; i++) {
        const struct metric_slice slice = metric_slice_of_part(whole, first_part + stages[i]);
        const struct metric_value value = metric_read(&slice, METRIC_SERVICE_TIME, &p99);
        if (value.known && value.number > longest_ns)
            longest_ns = value.number;
    }
    return longest_ns;
}

/* What a client does that buffers is to wait in its buffer: of its requests only what waited in front of that did not go on. */
static void judge_wait(struct verdict_check *check, const struct run_result *result)
{
    const struct metric_slice whole = metric_slice_of_run(result);
    struct buffer_figures figures;
    if (!run_facts_have_rate(result->facts) || !buffer_figures_look(&figures, &whole)) {
        judge_delay(check, result, METRIC_WAIT);
        advise(check, "requests waited for a free connection before they were sent; the response "
                      "time counts that wait, the service time does not: it is no latency of this "
                      "load");
        return;
    }
    const double room_ns = wait_for_room_ns(&whole, figures.first_part);
    if (room_ns < 0) {
        say(check, "no request went through the buffer");
        return;
    }
    const struct metric_value response = metric_percentile(&whole, METRIC_RESPONSE_TIME, 50);
    check->value = room_ns / NS_PER_MS;
    check->threshold = clock_ms(target_slip_limit_ns(result->total));
    say(check, "p99 %.3f ms in front of the buffer, response p50 %s%.3f ms", check->value,
        response.censored ? ">= " : "", response.number / NS_PER_MS);
    advise(check, "the buffer had no room, and requests waited in front of it: the rate is more "
                  "than its flush workers send; allow more of them, or larger batches, or lower "
                  "the rate");
}

static void judge_target(struct verdict_check *check, const struct run_result *result)
{
    struct target_reached reached;
    char target[UNITS_GROUPED_BYTES + 2];
    if (closed_loop(check, result))
        return;
    target_reached_judge(&reached, result);
    check->value = reached.evidence.share * 100;
    say(check, "%.2f %% of %s sent", check->value, target_name(target, sizeof target, result));
    advise(check, "%s", reached.sentence);
}

static void judge_shed(struct verdict_check *check, const struct run_result *result)
{
    uint64_t shed = metric_total(result, METRIC_SHED_LATE);
    if (closed_loop(check, result))
        return;
    check->value = (double)shed;
    say(check, "%s, %.3f %% of due", UNITS_GROUPED(shed),
        figure_share(shed, metric_total(result, METRIC_DUE)) * 100);
}

static void judge_shared_cpu(struct verdict_check *check, const struct run_result *result)
{
    const struct run_evidence *evidence = &result->evidence;
    if (evidence->server_place_known)
        check->value = 0;
    if (evidence->server_shares_worker_cpu)
        check->value = 1;
    say(check, "%s",
        evidence->server_shares_worker_cpu ? "shared"
        : evidence->server_place_known     ? "apart"
                                           : "unknown");
}

static void judge_other_load(struct verdict_check *check, const struct run_result *result)
{
    const struct server_account *server = &result->server;
    say(check, "unknown");
    if (!server->known || !server->others_known)
        return;
    check->value = server_account_other_share(server) * 100;
    if (server->commands > server->own_commands)
        say(check, "%s commands beside volley's %s, %.1f %%",
            UNITS_GROUPED(server->commands - server->own_commands),
            UNITS_GROUPED(server->own_commands), check->value);
    else
        say(check, "none");
}

static void judge_steal_time(struct verdict_check *check, const struct run_result *result)
{
    say(check, "unknown");
    if (result->evidence.steal_share < 0)
        return;
    check->value = result->evidence.steal_share * 100;
    say(check, "%.2f %%", check->value);
}

static void judge_throttling(struct verdict_check *check, const struct run_result *result)
{
    double seconds = clock_seconds(result->evidence.throttled_ns);
    check->value = result->seconds > 0 ? seconds / result->seconds * 100 : 0;
    check->note = check->value > 0 && check->value <= check->threshold;
    say(check, "%.3f s", seconds);
}

static void judge_stood_still(struct verdict_check *check, const struct run_result *result)
{
    uint32_t workers = result->facts->worker_count > 0 ? result->facts->worker_count : 1;
    uint64_t still_ns = result->total->counters[COUNTER_STOOD_STILL_NS] / workers;
    double seconds = clock_seconds(still_ns);
    check->value = result->seconds > 0 ? seconds / result->seconds * 100 : 0;
    check->level = still_ns > 0 ? VERDICT_AMBER : VERDICT_GREEN;
    say(check, "%.3f s", seconds);
}

static void judge_lost_workers(struct verdict_check *check, const struct run_result *result)
{
    uint32_t lost = result->evidence.workers_lost;
    uint64_t meanwhile = metric_total(result, METRIC_SHED_WORKER);
    uint64_t without = metric_total(result, METRIC_OK_WITHOUT_LATENCY);
    char fell_due[64] = "", known[96] = "";
    check->value = lost;
    if (meanwhile > 0) {
        check->level = VERDICT_RED; /* one that was lost in the warm-up, too */
        snprintf(fell_due, sizeof fell_due, ", %s requests fell due meanwhile",
                 UNITS_GROUPED(meanwhile));
    }
    if (without > 0) {
        snprintf(known, sizeof known, ", the latencies of %s requests that were answered are lost",
                 UNITS_GROUPED(without));
        if (lost == 0 && meanwhile == 0) {
            check->level = VERDICT_AMBER;
            advise(check, "the workers were killed before their time, as a second Ctrl+C "
                          "does, and percentiles lack what they had not handed over: after "
                          "the first one wait for the last replies");
        }
    }
    say(check, "%u%s%s", lost, fell_due, known);
}

static void judge_late_records(struct verdict_check *check, const struct run_result *result)
{
    check->value = result->evidence.late_records;
    check->note = check->value > 0; /* totals are exact */
    say(check, "%u", result->evidence.late_records);
}

static void judge_accounting(struct verdict_check *check, const struct run_result *result)
{
    bool broken = result->status == E_UNTRUSTED;
    check->value = broken;
    say(check, "%s", broken ? "does not add up" : "adds up");
}

/* ---- The table. ---- */

#define NONE NAN

/* Which side of its limits the value is to be on. */
enum side { AT_MOST, AT_LEAST };

static const struct verdict_row {
    const char *name;
    judge_function *judge;
    enum side side;
    const char *unit;
    double threshold, red_threshold; /* NONE: there is none, or the judge sets it */
    const char *limit;
    const char *advice; /* NULL: the judge's */
} rows[] = {
    {"worker_cpu", judge_worker_cpu, AT_MOST, "percent", 90, NONE, "90 %", NULL},
    {"run_delay", judge_run_delay, AT_MOST, "percent", 5, NONE, "5 %",
     "something else ran on a worker's CPU, and replies waited meanwhile: leave the workers CPUs "
     "of their own (--cpus), or stop what runs beside them"},
    {"loop_lag", judge_loop_lag, AT_MOST, "percent", 10, NONE, "10 % of a percentile", NULL},
    {"slip", judge_slip, AT_MOST, "ms", NONE, NONE, "10 % of response p50 or 0.25 ms",
     "volley sent late by itself: give the workers CPUs of their own, try --pacing spin, or more "
     "workers (--processes); the response time counts the delay"},
    {"wait", judge_wait, AT_MOST, "ms", NONE, NONE, "10 % of response p50 or 0.25 ms", NULL},
    {"target", judge_target, AT_LEAST, "percent", 99, 90, "99 %, RED below 90 %", NULL},
    {"shed", judge_shed, AT_MOST, "requests", 0, NONE, "0",
     "requests were dropped because they were later than --shed-after: the load was lighter than "
     "asked for"},
    {"errors", judge_errors, AT_MOST, "percent", 0.1, 1, "0.1 %, RED above 1 %", NULL},
    {"lost_or_timed_out", judge_lost_or_timed_out, AT_MOST, "percent", 0, 0.1, "0, RED above 0.1 %",
     "requests without a reply count as longer than any in the percentiles: find out why the "
     "server or the network dropped them"},
    {"censored", judge_censored, AT_MOST, "percentiles", 0, NONE, "every percentile known",
     "too many requests went without a reply, or were never sent, to know this percentile: lower "
     "the rate, or find out why they were not answered"},
    {"misses", judge_misses, AT_MOST, "percent", 1, NONE, "1 %", NULL},
    {"values", judge_values, AT_MOST, "keys", 0, NONE, "0, RED unless they are stale",
     "the server gave values that are not what was written: look at Verification for the first of "
     "them"},
    {"messages", judge_messages, AT_MOST, "messages", 0, NONE, "0",
     "consumers did not get what the server had taken, got it twice or out of order: look at "
     "Consumers; a server cuts off subscribers that are too slow (client-output-buffer-limit)"},
    {"one_key", judge_one_key, AT_MOST, "flag", 0, NONE, "two keys or more",
     "one hot key is not a real load: spread the requests over a key range (-r or --sequential)"},
    {"shared_cpu", judge_shared_cpu, AT_MOST, "flag", 0, NONE, "CPUs of their own",
     "the server and a worker compete for one CPU: pin the server elsewhere, or choose the "
     "workers' CPUs with --cpus"},
    {"steal_time", judge_steal_time, AT_MOST, "percent", 2, 10, "2 %, RED above 10 %",
     "the hypervisor gave this machine's CPUs to others: repeat on a quieter host"},
    {"other_load", judge_other_load, AT_MOST, "percent", 5, 50,
     "5 % of all commands, RED above 50 %",
     "somebody else loads this server, by its own counts: stop that, or measure a server of your "
     "own; what was "
     "measured is what that load left"},
    {"throttling", judge_throttling, AT_MOST, "percent", 0.1, 5, "0.1 % of the run, RED above 5 %",
     "the CPU quota of the control group stopped volley: raise the quota or use fewer workers"},
    {"stood_still", judge_stood_still, AT_MOST, "percent", 0, 5, "0, RED above 5 % of the time",
     "volley itself was stopped (a debugger, Ctrl+Z) or kept from its CPU: what was not sent or "
     "read meanwhile is not the target's doing; run it again"},
    {"lost_workers", judge_lost_workers, AT_MOST, "workers", NONE, 0, "0",
     "worker processes died during the run: look at stderr or volley.log, then repeat"},
    {"outage", judge_outage, AT_MOST, "percent", 0, 10, "none, RED above 10 % of the run",
     "for a part of the run nothing succeeded: look at Failures, and do not compare rates and "
     "percentiles that span an outage with those of a run without"},
    {"tls_handshakes", judge_tls_handshakes, AT_MOST, "handshakes", 0, NONE, "0 failed",
     "TLS handshakes failed while the run was under way: look at the log for the reason, and at "
     "certificates that ran out or a server that was restarted"},
    {"local_ports", judge_local_ports, AT_MOST, "attempts", 0, NONE,
     "0, RED above the connections opened",
     "every local port was in use or waiting (TIME_WAIT): connect from more addresses, close with "
     "a reset, or renew connections less often"},
    {"node_ring", judge_node_ring, AT_MOST, "seconds", 0, NONE, "0",
     "requests for one node that did not answer filled their ring, and the others had to wait for "
     "it: the load was lighter than asked for"},
    {"node_load", judge_node_load, AT_MOST, "percent", NONE, NONE, "informative", ""},
    {"steady", judge_steady, AT_MOST, "flag", 0, NONE, "settled within its limit",
     "rate and latency had not settled when the warm-up ended: allow it longer, or look for what "
     "keeps changing (a save, a rewrite, eviction, other users of the host)"},
    {"clamped", judge_clamped, AT_MOST, "latencies", 0, NONE, "0",
     "latencies above one hour were counted as one hour: the percentiles near the maximum are "
     "too low"},
    {"few_samples", judge_few_samples, AT_LEAST, "answers", NONE, NONE, "10 / (1 - q) answers",
     "too few requests for a percentile: run longer, or ask for lower --percentiles"},
    {"late_records", judge_late_records, AT_MOST, "records", 0, NONE, "0",
     "some intervals hold requests of the one before; the totals are exact: use a longer "
     "--interval or fewer workers"},
    {"short_run", judge_short_run, AT_LEAST, "seconds", 0.5, NONE, "0.5 s",
     "the run is too short to mean much: run longer"},
    {"failed", judge_failed, AT_MOST, "flag", NONE, 0, "no failure",
     "the run failed, as its status says, and often before its time: what was measured is not what "
     "was asked for"},
    {"accounting", judge_accounting, AT_MOST, "flag", NONE, 0, "no difference",
     "do not use these figures: volley's own counters disagree, which is a bug in volley"},
};

#define ROW_COUNT (sizeof rows / sizeof rows[0])
_Static_assert(ROW_COUNT + VERDICT_FOREIGN_MAX <= VERDICT_CHECKS_MAX, "the verdict has no room");

/* Comparisons with what is not known are false. */
static bool beyond(double value, double limit, enum side side)
{
    return side == AT_MOST ? value > limit : value < limit;
}

static enum verdict_level grade(const struct verdict_check *check, enum side side)
{
    if (beyond(check->value, check->red_threshold, side))
        return VERDICT_RED;
    return beyond(check->value, check->threshold, side) ? VERDICT_AMBER : VERDICT_GREEN;
}

static void judge_row(struct verdict_check *check, const struct verdict_row *row,
                      const struct run_result *result)
{
    *check = (struct verdict_check){
        .value = NAN, .threshold = row->threshold, .red_threshold = row->red_threshold};
    snprintf(check->name, sizeof check->name, "%s", row->name);
    snprintf(check->unit, sizeof check->unit, "%s", row->unit);
    snprintf(check->limit, sizeof check->limit, "%s", row->limit);
    row->judge(check, result);
    if (check->note)
        check->level = VERDICT_GREEN;
    else if (grade(check, row->side) > check->level)
        check->level = grade(check, row->side);
    if (check->level == VERDICT_GREEN && !check->note)
        check->advice[0] = '\0';
    else if (check->advice[0] == '\0' && row->advice != NULL)
        advise(check, "%s", row->advice);
}

static void take_foreign(struct verdict_check *check, const struct verdict_foreign *foreign)
{
    *check = (struct verdict_check){.value = NAN,
                                    .threshold = NAN,
                                    .red_threshold = NAN,
                                    .level = foreign->level,
                                    .note = foreign->level == VERDICT_GREEN,
                                    .limit = "unknown to this version"};
    memcpy(check->name, foreign->name, sizeof check->name);
    memcpy(check->text, foreign->text, sizeof check->text);
    advise(check,
           "a check of another version, which recorded it as %s: it was not judged anew; read the "
           "run with the version that wrote it",
           verdict_level_name(foreign->level));
}

bool verdict_knows(const char *name)
{
    bool known = false;
    for (size_t i = 0; i < ROW_COUNT; i++)
        known |= strcmp(rows[i].name, name) == 0;
    return known;
}

const char *verdict_check_at(uint32_t index)
{
    return index < ROW_COUNT ? rows[index].name : NULL;
}

void verdict_judge(struct verdict *verdict, const struct run_result *result)
{
    memset(verdict, 0, sizeof *verdict);
    for (size_t i = 0; i < ROW_COUNT + result->foreign_count; i++) {
        struct verdict_check *check = &verdict->checks[verdict->check_count++];
        if (i < ROW_COUNT)
            judge_row(check, &rows[i], result);
        else
            take_foreign(check, &result->foreign[i - ROW_COUNT]);
        if (check->level > verdict->level)
            verdict->level = check->level;
    }
}

const char *verdict_level_name(enum verdict_level level)
{
    static const char *const names[] = {"GREEN", "AMBER", "RED"};
    return names[level];
}
