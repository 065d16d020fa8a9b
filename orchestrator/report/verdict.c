#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/units.h"
#include "orchestrator/report/figures.h"
#include "orchestrator/report/timeline.h"

#define VALUE_BYTES sizeof(((struct verdict_check *)NULL)->value)

const char *verdict_level_name(enum verdict_level level)
{
    static const char *const names[] = {"GREEN", "AMBER", "RED"};
    return names[level];
}

static enum verdict_level grade(double value, double amber_above, double red_above)
{
    return value > red_above ? VERDICT_RED : value > amber_above ? VERDICT_AMBER : VERDICT_GREEN;
}

static enum verdict_level worker_cpu(const struct run_result *result, char *value)
{
    double busiest = 0;
    uint32_t worker = 0;
    for (uint32_t i = 0; i < result->worker_count; i++) {
        const struct worker_summary *summary = &result->workers[i];
        double busy = summary->cpu_user_seconds + summary->cpu_system_seconds;
        if (busy > busiest) {
            busiest = busy;
            worker = summary->index;
        }
    }
    double share = result->seconds > 0 ? busiest / result->seconds : 0;
    if (result->worker_count == 0) { /* a replay of a run that was cut short */
        snprintf(value, VALUE_BYTES, "unknown");
        return VERDICT_GREEN;
    }
    snprintf(value, VALUE_BYTES, "%.1f %% of the time (worker %u)", share * 100, worker);
    return share >= 0.90 ? VERDICT_AMBER : VERDICT_GREEN;
}

static enum verdict_level loop_lag(const struct run_result *result, char *value)
{
    uint64_t lag_ns = histogram_quantile(&result->total->histograms[HISTOGRAM_LOOP_LAG], 0.99);
    uint64_t service_ns =
        histogram_quantile(&result->total->histograms[HISTOGRAM_SERVICE_OK], 0.50);
    snprintf(value, VALUE_BYTES, "p99 %.3f ms, service p50 %.3f ms", (double)lag_ns / 1e6,
             (double)service_ns / 1e6);
    if (service_ns == 0)
        return VERDICT_GREEN; /* nothing was measured that it could falsify */
    return (double)lag_ns > 0.10 * (double)service_ns ? VERDICT_AMBER : VERDICT_GREEN;
}

static enum verdict_level errors(const struct run_result *result, char *value)
{
    const uint64_t *counters = result->total->counters;
    double share = figure_share(counters[COUNTER_ERROR_REPLIES], figure_answered(counters));
    snprintf(value, VALUE_BYTES, "%.3f %% of replies", share * 100);
    return grade(share, 0.001, 0.01);
}

static enum verdict_level lost_or_timed_out(const struct run_result *result, char *value)
{
    const uint64_t *counters = result->total->counters;
    /* What was lost with a worker is volley's own doing: lost_workers judges it. */
    uint64_t unanswered =
        counters[COUNTER_TIMED_OUT] + counters_lost(counters) - counters[COUNTER_LOST_WORKER];
    /* Requests of the warm-up may be lost in the measured part: then sent can be the smaller one. */
    uint64_t sent = result->total->header.in_flight_before + counters[COUNTER_SENT];
    double share = figure_share(unanswered, sent);
    char grouped[UNITS_GROUPED_BYTES];
    snprintf(value, VALUE_BYTES, "%s, %.3f %% of sent",
             units_format_grouped(grouped, sizeof grouped, unanswered), share * 100);
    return unanswered == 0 ? VERDICT_GREEN : share > 0.001 ? VERDICT_RED : VERDICT_AMBER;
}

static enum verdict_level misses(const struct run_result *result, char *value)
{
    const uint64_t *counters = result->total->counters;
    if (!result->facts->reads) {
        snprintf(value, VALUE_BYTES, "no reads");
        return VERDICT_GREEN;
    }
    uint64_t lookups = counters[COUNTER_HITS] + counters[COUNTER_MISSES];
    double share = figure_share(counters[COUNTER_MISSES], lookups);
    snprintf(value, VALUE_BYTES, "%.3f %% of lookups", share * 100);
    return share > 0.01 ? VERDICT_AMBER : VERDICT_GREEN;
}

static enum verdict_level one_key(const struct run_result *result, char *value)
{
    bool one = result->facts->one_key && !result->facts->keyspace_random;
    snprintf(value, VALUE_BYTES, "%s", one ? "every request has the same key" : "no");
    return one ? VERDICT_AMBER : VERDICT_GREEN;
}

static enum verdict_level shared_cpu(const struct run_result *result, char *value)
{
    const struct run_evidence *evidence = &result->evidence;
    snprintf(value, VALUE_BYTES, "%s",
             evidence->server_shares_worker_cpu ? "shared"
             : evidence->server_place_known     ? "apart"
                                                : "unknown");
    return evidence->server_shares_worker_cpu ? VERDICT_AMBER : VERDICT_GREEN;
}

static enum verdict_level steal_time(const struct run_result *result, char *value)
{
    double share = result->evidence.steal_share;
    if (share < 0) {
        snprintf(value, VALUE_BYTES, "unknown");
        return VERDICT_GREEN;
    }
    snprintf(value, VALUE_BYTES, "%.2f %%", share * 100);
    return grade(share, 0.02, 0.10);
}

static enum verdict_level throttling(const struct run_result *result, char *value)
{
    double seconds = (double)result->evidence.throttled_ns / (double)NS_PER_SECOND;
    snprintf(value, VALUE_BYTES, "%.3f s", seconds);
    if (result->evidence.throttled_ns == 0)
        return VERDICT_GREEN;
    return seconds > 0.05 * result->seconds ? VERDICT_RED : VERDICT_AMBER;
}

static enum verdict_level lost_workers(const struct run_result *result, char *value)
{
    snprintf(value, VALUE_BYTES, "%u", result->evidence.workers_lost);
    return result->evidence.workers_lost > 0 ? VERDICT_RED : VERDICT_GREEN;
}

static enum verdict_level clamped(const struct run_result *result, char *value)
{
    uint64_t count = 0;
    for (int kind = 0; kind < HISTOGRAM_KINDS; kind++)
        count += result->total->histograms[kind].clamped_count;
    snprintf(value, VALUE_BYTES, "%llu", (unsigned long long)count);
    return count > 0 ? VERDICT_AMBER : VERDICT_GREEN;
}

static enum verdict_level few_samples(const struct run_result *result, char *value)
{
    uint64_t count = result->total->histograms[HISTOGRAM_SERVICE_OK].count;
    char grouped[UNITS_GROUPED_BYTES];
    if (count == 0) { /* there is no percentile that they could be too few for */
        snprintf(value, VALUE_BYTES, "no request succeeded");
        return VERDICT_GREEN;
    }
    units_format_grouped(grouped, sizeof grouped, count);
    snprintf(value, VALUE_BYTES, "%s", grouped);
    for (uint32_t i = 0; i < result->percentile_count; i++) {
        if (figure_few_samples(count, result->percentiles[i])) {
            snprintf(value, VALUE_BYTES, "%s for p%.10g", grouped, result->percentiles[i]);
            return VERDICT_AMBER;
        }
    }
    return VERDICT_GREEN;
}

static enum verdict_level late_records(const struct run_result *result, char *value)
{
    snprintf(value, VALUE_BYTES, "%u", result->evidence.late_records);
    return result->evidence.late_records > 0 ? VERDICT_AMBER : VERDICT_GREEN;
}

static enum verdict_level short_run(const struct run_result *result, char *value)
{
    snprintf(value, VALUE_BYTES, "%.3f s", result->seconds);
    return result->seconds < 1.0 ? VERDICT_AMBER : VERDICT_GREEN;
}

static enum verdict_level accounting(const struct run_result *result, char *value)
{
    bool broken = result->status == E_UNTRUSTED;
    snprintf(value, VALUE_BYTES, "%s", broken ? "does not add up" : "adds up");
    return broken ? VERDICT_RED : VERDICT_GREEN;
}

static const struct {
    const char *name;
    enum verdict_level (*judge)(const struct run_result *result, char *value);
    const char *threshold;
    const char *advice;
} checks[] = {
    {"worker_cpu", worker_cpu, "90 %",
     "volley is the limit, not the server: use more workers (--processes) on free CPUs, or read "
     "these figures as volley's own"},
    {"loop_lag", loop_lag, "10 % of service p50",
     "replies waited inside volley before they were read: use more workers, fewer connections "
     "each, or less pipelining"},
    {"errors", errors, "0.1 %, RED above 1 %",
     "the server refused requests: look at the error replies before you look at the latencies"},
    {"lost_or_timed_out", lost_or_timed_out, "0, RED above 0.1 %",
     "requests without a reply are in no percentile: find out why the server or the network "
     "dropped them"},
    {"misses", misses, "1 %",
     "most servers answer a missing key faster than a stored one: write the keys first "
     "(--prefill)"},
    {"one_key", one_key, "two keys or more",
     "one hot key is not a real load: spread the requests over a key range (-r or --sequential)"},
    {"shared_cpu", shared_cpu, "CPUs of their own",
     "the server and a worker compete for one CPU: pin the server elsewhere, or choose the "
     "workers' CPUs with --cpus"},
    {"steal_time", steal_time, "2 %, RED above 10 %",
     "the hypervisor gave this machine's CPUs to others: repeat on a quieter host"},
    {"throttling", throttling, "0, RED above 5 % of the run",
     "the CPU quota of the control group stopped volley: raise the quota or use fewer workers"},
    {"lost_workers", lost_workers, "0",
     "worker processes died during the run: look at stderr or volley.log, then repeat"},
    {"clamped", clamped, "0",
     "latencies above one hour were counted as one hour: the percentiles near the maximum are "
     "too low"},
    {"few_samples", few_samples, "10 / (1 - q) answers",
     "too few requests for the highest percentile: run longer, or ask for lower --percentiles"},
    {"late_records", late_records, "0",
     "some intervals hold requests of the one before; the totals are exact: use a longer "
     "--interval or fewer workers"},
    {"short_run", short_run, "1 s", "the run is too short to mean much: run longer"},
    {"accounting", accounting, "no difference",
     "do not use these figures: volley's own counters disagree, which is a bug in volley"},
};

_Static_assert(sizeof checks / sizeof checks[0] <= VERDICT_CHECKS_MAX, "the verdict has no room");

void verdict_judge(struct verdict *verdict, const struct run_result *result)
{
    memset(verdict, 0, sizeof *verdict);
    for (size_t i = 0; i < sizeof checks / sizeof checks[0]; i++) {
        struct verdict_check *check = &verdict->checks[verdict->check_count++];
        check->level = checks[i].judge(result, check->value);
        snprintf(check->name, sizeof check->name, "%s", checks[i].name);
        snprintf(check->threshold, sizeof check->threshold, "%s", checks[i].threshold);
        if (check->level != VERDICT_GREEN)
            snprintf(check->advice, sizeof check->advice, "%s", checks[i].advice);
        if (check->level > verdict->level)
            verdict->level = check->level;
    }
}
