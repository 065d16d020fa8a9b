/* Checks of volley itself and of the machine it runs on. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/units.h"
#include "orchestrator/report/figures.h"
#include "orchestrator/report/target_reached.h"
#include "orchestrator/report/verdict_checks.h"

/* In a closed loop requests wait for the server or for volley, as long in all as there are requests in
 * flight over the rate. Where the server gives what it can, replies that are read sooner are followed by
 * requests that wait there longer. */
static bool server_decides(const struct run_result *result)
{
    return !result->facts->open_loop && result->evidence.server_cpu_share >= SERVER_BUSY_SHARE;
}

/* Volley's own work, or somebody else's. */
void verdict_worker_cpu(struct verdict_check *check, const struct run_result *result)
{
    struct target_cpu cpu = target_busiest_cpu(result);
    double server_share = result->evidence.server_cpu_share;
    if (cpu.workers == 0) { /* a replay of a run that was cut short, or too short a run */
        verdict_say(check, "unknown");
        return;
    }
    check->value = cpu.share * 100;
    check->level = cpu.share >= WORKER_LIMIT_SHARE ? VERDICT_AMBER : VERDICT_GREEN;
    check->note = check->level != VERDICT_GREEN && cpu.workers == 1 && server_decides(result) &&
                  server_share >= cpu.share;
    target_cpu_text(check->text, sizeof check->text, &cpu);
    if (check->note)
        verdict_advise(check,
                       "the server was at its limit (%.0f %% of a CPU), and volley near its own: "
                       "a faster server needs more workers (--processes) on free CPUs",
                       server_share * 100);
    else if (!target_cpu_is_kept(&cpu))
        verdict_advise(check, "volley is the limit, not the server: use more workers "
                              "(--processes) on free CPUs, or read these figures as volley's own");
    else
        verdict_advise(check, "a worker was ready to run while something else had its CPU: leave "
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

void verdict_run_delay(struct verdict_check *check, const struct run_result *result)
{
    verdict_say(check, "unknown");
    for (uint32_t i = 0; i < result->worker_count && result->seconds >= CPU_SHARE_KNOWN_SECONDS;
         i++) {
        const struct worker_summary *worker = &result->workers[i];
        double share = worker->run_delay_seconds / result->seconds * 100;
        if (!alone(result, worker) || share <= check->value)
            continue;
        check->value = share;
        verdict_say(check, "worker %u waited %.1f %% of the time for its CPU", worker->index,
                    share);
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
    verdict_say(check, "not measured");
    return true;
}

void verdict_loop_lag(struct verdict_check *check, const struct run_result *result)
{
    const struct interval_row *total = result->total;
    bool open_loop = result->facts->open_loop;
    uint64_t count = figure_latency(total, open_loop)->count;
    if (not_measured(check, result, HISTOGRAM_LAGGED))
        return;
    for (uint32_t i = 0; i < result->percentile_count && count > 0; i++) {
        double percent = result->percentiles[i];
        double share = figure_lag_share(total, open_loop, percent) * 100;
        if (figure_few_samples(count, percent) && percent > 50)
            continue; /* few_samples says what it is worth */
        check->value = share > check->value || isnan(check->value) ? share : check->value;
        say_lag(check, percent, share);
    }
    if (check->text[0] == '\0')
        verdict_say(check, "no percentile to weigh");
    if (check->value <= check->threshold || isnan(check->value))
        return;
    verdict_advise(check, "replies waited inside volley before they were read, and these "
                          "percentiles may be so much too high: use more workers (--processes), "
                          "fewer connections each, less pipelining, or a rate (--qps)");
    if (!server_decides(result))
        return;
    check->note = true;
    verdict_advise(check,
                   "replies waited inside volley before they were read, but the server was at its "
                   "limit (%.0f %% of a CPU): without that wait their next requests would have "
                   "waited there instead",
                   result->evidence.server_cpu_share * 100);
}

/* What only an open loop can do wrong. */
static bool closed_loop(struct verdict_check *check, const struct run_result *result)
{
    if (!result->facts->open_loop)
        verdict_say(check, "closed loop");
    return !result->facts->open_loop;
}

/* What kept requests from being sent at their time, weighed against what a user waited in all. */
static void judge_delay(struct verdict_check *check, const struct run_result *result,
                        enum interval_histogram_kind kind)
{
    const struct interval_row *total = result->total;
    if (closed_loop(check, result) || not_measured(check, result, kind))
        return;
    uint64_t delay_ns = histogram_quantile(&total->histograms[kind], 0.99);
    struct figure_percentile response = figure_percentile(total, HISTOGRAM_RESPONSE_OK, 50);
    check->value = clock_ms(delay_ns);
    check->threshold = clock_ms(target_slip_limit_ns(total));
    verdict_say(check, "p99 %.3f ms, response p50 %s%.3f ms", clock_ms(delay_ns),
                response.censored ? ">= " : "", clock_ms(response.value_ns));
}

void verdict_slip(struct verdict_check *check, const struct run_result *result)
{
    judge_delay(check, result, HISTOGRAM_SLIP);
}

void verdict_wait(struct verdict_check *check, const struct run_result *result)
{
    judge_delay(check, result, HISTOGRAM_WAIT);
}

void verdict_target(struct verdict_check *check, const struct run_result *result)
{
    struct target_reached reached;
    char target[UNITS_GROUPED_BYTES + 2];
    if (closed_loop(check, result))
        return;
    target_reached_judge(&reached, result);
    check->value = reached.evidence.share * 100;
    verdict_say(check, "%.2f %% of %s sent", check->value,
                target_name(target, sizeof target, result));
    verdict_advise(check, "%s", reached.sentence);
}

void verdict_shed(struct verdict_check *check, const struct run_result *result)
{
    const uint64_t *counters = result->total->counters;
    if (closed_loop(check, result))
        return;
    check->value = (double)counters[COUNTER_SHED_LATE];
    verdict_say(check, "%s, %.3f %% of due", UNITS_GROUPED(counters[COUNTER_SHED_LATE]),
                figure_share(counters[COUNTER_SHED_LATE], counters[COUNTER_DUE]) * 100);
}

void verdict_shared_cpu(struct verdict_check *check, const struct run_result *result)
{
    const struct run_evidence *evidence = &result->evidence;
    if (evidence->server_place_known)
        check->value = 0;
    if (evidence->server_shares_worker_cpu)
        check->value = 1;
    verdict_say(check, "%s",
                evidence->server_shares_worker_cpu ? "shared"
                : evidence->server_place_known     ? "apart"
                                                   : "unknown");
}

void verdict_steal_time(struct verdict_check *check, const struct run_result *result)
{
    double share = result->evidence.steal_share;
    verdict_say(check, "unknown");
    if (share < 0)
        return;
    check->value = share * 100;
    verdict_say(check, "%.2f %%", check->value);
}

void verdict_throttling(struct verdict_check *check, const struct run_result *result)
{
    double seconds = clock_seconds(result->evidence.throttled_ns);
    check->value = result->seconds > 0 ? seconds / result->seconds * 100 : 0;
    check->note = check->value > 0 && check->value <= check->threshold;
    verdict_say(check, "%.3f s", seconds);
}

void verdict_stood_still(struct verdict_check *check, const struct run_result *result)
{
    uint32_t workers = result->facts->worker_count > 0 ? result->facts->worker_count : 1;
    uint64_t still_ns = result->total->counters[COUNTER_STOOD_STILL_NS] / workers;
    double seconds = clock_seconds(still_ns);
    check->value = result->seconds > 0 ? seconds / result->seconds * 100 : 0;
    check->level = still_ns > 0 ? VERDICT_AMBER : VERDICT_GREEN;
    verdict_say(check, "%.3f s", seconds);
}

void verdict_lost_workers(struct verdict_check *check, const struct run_result *result)
{
    uint32_t lost = result->evidence.workers_lost;
    uint64_t meanwhile = result->total->counters[COUNTER_SHED_WORKER];
    uint64_t without = figure_without_latency(result->total);
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
            verdict_advise(check, "the workers were killed before their time, as a second Ctrl+C "
                                  "does, and percentiles lack what they had not handed over: after "
                                  "the first one wait for the last replies");
        }
    }
    verdict_say(check, "%u%s%s", lost, fell_due, known);
}

void verdict_late_records(struct verdict_check *check, const struct run_result *result)
{
    check->value = result->evidence.late_records;
    check->note = check->value > 0; /* totals are exact */
    verdict_say(check, "%u", result->evidence.late_records);
}

void verdict_accounting(struct verdict_check *check, const struct run_result *result)
{
    bool broken = result->status == E_UNTRUSTED;
    check->value = broken;
    verdict_say(check, "%s", broken ? "does not add up" : "adds up");
}
