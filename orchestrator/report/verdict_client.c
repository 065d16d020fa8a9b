/* Checks of volley itself and of the machine it runs on. */
#include <stdio.h>

#include "common/clock.h"
#include "common/units.h"
#include "orchestrator/report/figures.h"
#include "orchestrator/report/target_reached.h"
#include "orchestrator/report/verdict_checks.h"

/* Volley's own work, or somebody else's. */
void verdict_worker_cpu(struct verdict_check *check, const struct run_result *result)
{
    struct target_cpu cpu = target_busiest_cpu(result);
    if (result->worker_count == 0) { /* a replay of a run that was cut short */
        verdict_say(check, "unknown");
        return;
    }
    check->value = cpu.share * 100;
    check->level = cpu.share >= WORKER_LIMIT_SHARE ? VERDICT_AMBER : VERDICT_GREEN;
    target_cpu_text(check->text, sizeof check->text, &cpu);
    if (cpu.busy_share >= WORKER_LIMIT_SHARE)
        verdict_advise(check, "volley is the limit, not the server: use more workers "
                              "(--processes) on free CPUs, or read these figures as volley's own");
    else
        verdict_advise(check, "a worker was ready to run while something else had its CPU: leave "
                              "it a CPU of its own (--cpus), or stop what runs beside it");
}

void verdict_loop_lag(struct verdict_check *check, const struct run_result *result)
{
    const struct histogram *histograms = result->total->histograms;
    uint64_t lag_ns = histogram_quantile(&histograms[HISTOGRAM_LOOP_LAG], 0.99);
    uint64_t service_ns = histogram_quantile(&histograms[HISTOGRAM_SERVICE_OK], 0.50);
    verdict_say(check, "p99 %.3f ms, service p50 %.3f ms", verdict_ms(lag_ns),
                verdict_ms(service_ns));
    if (service_ns > 0) /* else nothing was measured that it could falsify */
        check->value = (double)lag_ns / (double)service_ns * 100;
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
    if (closed_loop(check, result))
        return;
    uint64_t delay_ns = histogram_quantile(&total->histograms[kind], 0.99);
    uint64_t response_ns = histogram_quantile(&total->histograms[HISTOGRAM_RESPONSE_OK], 0.50);
    check->value = verdict_ms(delay_ns);
    check->threshold = verdict_ms(target_slip_limit_ns(total));
    verdict_say(check, "p99 %.3f ms, response p50 %.3f ms", verdict_ms(delay_ns),
                verdict_ms(response_ns));
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
    char rate[UNITS_GROUPED_BYTES];
    if (closed_loop(check, result))
        return;
    target_reached_judge(&reached, result);
    check->value = reached.evidence.share * 100;
    verdict_say(check, "%.2f %% of %s/s sent", check->value,
                figure_rate_text(rate, sizeof rate, reached.evidence.target));
    verdict_advise(check, "%s", reached.sentence);
}

void verdict_shed(struct verdict_check *check, const struct run_result *result)
{
    const uint64_t *counters = result->total->counters;
    char grouped[UNITS_GROUPED_BYTES];
    if (closed_loop(check, result))
        return;
    check->value = (double)counters[COUNTER_SHED_LATE];
    verdict_say(check, "%s, %.3f %% of due",
                units_format_grouped(grouped, sizeof grouped, counters[COUNTER_SHED_LATE]),
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
    double seconds = (double)result->evidence.throttled_ns / (double)NS_PER_SECOND;
    check->value = result->seconds > 0 ? seconds / result->seconds * 100 : 0;
    verdict_say(check, "%.3f s", seconds);
}

void verdict_stood_still(struct verdict_check *check, const struct run_result *result)
{
    uint32_t workers = result->facts->worker_count > 0 ? result->facts->worker_count : 1;
    uint64_t still_ns = result->total->counters[COUNTER_STOOD_STILL_NS] / workers;
    double seconds = (double)still_ns / (double)NS_PER_SECOND;
    check->value = result->seconds > 0 ? seconds / result->seconds * 100 : 0;
    check->level = still_ns > 0 ? VERDICT_AMBER : VERDICT_GREEN;
    verdict_say(check, "%.3f s", seconds);
}

void verdict_lost_workers(struct verdict_check *check, const struct run_result *result)
{
    uint32_t lost = result->evidence.workers_lost;
    uint64_t meanwhile = result->total->counters[COUNTER_SHED_WORKER];
    char grouped[UNITS_GROUPED_BYTES];
    check->value = lost;
    verdict_say(check, "%u", lost);
    if (meanwhile == 0)
        return;
    check->level = VERDICT_RED; /* one that was lost in the warm-up, too */
    verdict_say(check, "%u, %s requests fell due meanwhile", lost,
                units_format_grouped(grouped, sizeof grouped, meanwhile));
}

void verdict_late_records(struct verdict_check *check, const struct run_result *result)
{
    check->value = result->evidence.late_records;
    verdict_say(check, "%u", result->evidence.late_records);
}

void verdict_accounting(struct verdict_check *check, const struct run_result *result)
{
    bool broken = result->status == E_UNTRUSTED;
    check->value = broken;
    verdict_say(check, "%s", broken ? "does not add up" : "adds up");
}
