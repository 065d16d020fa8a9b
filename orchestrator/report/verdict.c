#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/units.h"
#include "orchestrator/report/figures.h"
#include "orchestrator/report/target_reached.h"
#include "orchestrator/report/timeline.h"

#define VALUE_BYTES sizeof(((struct verdict_check *)NULL)->value)
#define ADVICE_BYTES sizeof(((struct verdict_check *)NULL)->advice)

const char *verdict_level_name(enum verdict_level level)
{
    static const char *const names[] = {"GREEN", "AMBER", "RED"};
    return names[level];
}

static enum verdict_level grade(double value, double amber_above, double red_above)
{
    return value > red_above ? VERDICT_RED : value > amber_above ? VERDICT_AMBER : VERDICT_GREEN;
}

static double to_ms(uint64_t ns)
{
    return (double)ns / 1e6;
}

static enum verdict_level worker_cpu(const struct run_result *result, char *value)
{
    struct target_cpu cpu = target_busiest_cpu(result);
    if (result->worker_count == 0) { /* a replay of a run that was cut short */
        snprintf(value, VALUE_BYTES, "unknown");
        return VERDICT_GREEN;
    }
    target_cpu_text(value, VALUE_BYTES, &cpu);
    return cpu.share >= WORKER_LIMIT_SHARE ? VERDICT_AMBER : VERDICT_GREEN;
}

/* Volley's own work, or somebody else's. */
static void advise_worker_cpu(const struct run_result *result, char *advice)
{
    struct target_cpu cpu = target_busiest_cpu(result);
    snprintf(advice, ADVICE_BYTES, "%s",
             cpu.busy_share >= WORKER_LIMIT_SHARE
                 ? "volley is the limit, not the server: use more workers (--processes) on free "
                   "CPUs, or read these figures as volley's own"
                 : "a worker was ready to run while something else had its CPU: leave it a CPU of "
                   "its own (--cpus), or stop what runs beside it");
}

static enum verdict_level loop_lag(const struct run_result *result, char *value)
{
    uint64_t lag_ns = histogram_quantile(&result->total->histograms[HISTOGRAM_LOOP_LAG], 0.99);
    uint64_t service_ns =
        histogram_quantile(&result->total->histograms[HISTOGRAM_SERVICE_OK], 0.50);
    snprintf(value, VALUE_BYTES, "p99 %.3f ms, service p50 %.3f ms", to_ms(lag_ns),
             to_ms(service_ns));
    if (service_ns == 0)
        return VERDICT_GREEN; /* nothing was measured that it could falsify */
    return (double)lag_ns > 0.10 * (double)service_ns ? VERDICT_AMBER : VERDICT_GREEN;
}

/* What only an open loop can do wrong. */
static bool closed_loop(const struct run_result *result, char *value)
{
    if (!result->facts->open_loop)
        snprintf(value, VALUE_BYTES, "closed loop");
    return !result->facts->open_loop;
}

/* What kept requests from being sent at their time, weighed against what a user waited in all. */
static enum verdict_level late(const struct run_result *result, enum interval_histogram_kind kind,
                               char *value)
{
    if (closed_loop(result, value))
        return VERDICT_GREEN;
    const struct interval_row *total = result->total;
    uint64_t late_ns = histogram_quantile(&total->histograms[kind], 0.99);
    uint64_t response_ns = histogram_quantile(&total->histograms[HISTOGRAM_RESPONSE_OK], 0.50);
    snprintf(value, VALUE_BYTES, "p99 %.3f ms, response p50 %.3f ms", to_ms(late_ns),
             to_ms(response_ns));
    return late_ns > target_slip_limit_ns(total) ? VERDICT_AMBER : VERDICT_GREEN;
}

static enum verdict_level slip(const struct run_result *result, char *value)
{
    return late(result, HISTOGRAM_SLIP, value);
}

static enum verdict_level wait_for_connection(const struct run_result *result, char *value)
{
    return late(result, HISTOGRAM_WAIT, value);
}

static enum verdict_level target(const struct run_result *result, char *value)
{
    if (closed_loop(result, value))
        return VERDICT_GREEN;
    struct target_reached reached;
    char rate[UNITS_GROUPED_BYTES];
    target_reached_judge(&reached, result);
    double share = reached.evidence.share;
    snprintf(value, VALUE_BYTES, "%.2f %% of %s/s sent", share * 100,
             figure_rate_text(rate, sizeof rate, reached.evidence.target));
    return share < 0.90                   ? VERDICT_RED
           : share < TARGET_REACHED_SHARE ? VERDICT_AMBER
                                          : VERDICT_GREEN;
}

static void advise_target(const struct run_result *result, char *advice)
{
    struct target_reached reached;
    target_reached_judge(&reached, result);
    snprintf(advice, ADVICE_BYTES, "%s", reached.sentence);
}

static enum verdict_level shed(const struct run_result *result, char *value)
{
    if (closed_loop(result, value))
        return VERDICT_GREEN;
    const uint64_t *counters = result->total->counters;
    char grouped[UNITS_GROUPED_BYTES];
    snprintf(value, VALUE_BYTES, "%s, %.3f %% of due",
             units_format_grouped(grouped, sizeof grouped, counters[COUNTER_SHED_LATE]),
             figure_share(counters[COUNTER_SHED_LATE], counters[COUNTER_DUE]) * 100);
    return counters[COUNTER_SHED_LATE] > 0 ? VERDICT_AMBER : VERDICT_GREEN;
}

static enum verdict_level errors(const struct run_result *result, char *value)
{
    const uint64_t *counters = result->total->counters;
    double share = figure_share(counters[COUNTER_ERROR_REPLIES], figure_answered(counters));
    snprintf(value, VALUE_BYTES, "%.3f %% of replies", share * 100);
    return grade(share, 0.001, 0.01);
}

static bool has_failed_as(const struct run_result *result, const char *word)
{
    const struct error_kinds *kinds = result->error_kinds;
    for (uint32_t i = 0; kinds != NULL && i < kinds->count; i++)
        if (strcmp(kinds->kinds[i].word, word) == 0 && result->total->errors_by_kind[i] > 0)
            return true;
    return false;
}

static void advise_errors(const struct run_result *result, char *advice)
{
    bool elsewhere =
        !result->facts->cluster && (has_failed_as(result, "MOVED") || has_failed_as(result, "ASK"));
    snprintf(advice, ADVICE_BYTES, "%s",
             elsewhere ? "the server is a node of a cluster and does not own these keys: add "
                         "--cluster, so that requests go to the node that does"
                       : "the server refused requests: look at the error replies before you look "
                         "at the latencies");
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

static enum verdict_level censored(const struct run_result *result, char *value)
{
    enum interval_histogram_kind kind = figure_latency_kind(result->facts->open_loop);
    snprintf(value, VALUE_BYTES, "none");
    for (uint32_t i = 0; i < result->percentile_count; i++) {
        double percent = result->percentiles[i];
        struct figure_percentile figure = figure_percentile(result->total, kind, percent);
        if (!figure.censored)
            continue;
        snprintf(value, VALUE_BYTES, "p%.10g is at least %.3f ms", percent, to_ms(figure.value_ns));
        return VERDICT_AMBER;
    }
    return VERDICT_GREEN;
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

static void advise_misses(const struct run_result *result, char *advice)
{
    snprintf(advice, ADVICE_BYTES,
             "most servers answer a missing key faster than a stored one: write %s",
             result->facts->no_prefill ? "enough for all reads before the run"
                                       : "the keys first (--prefill)");
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

static enum verdict_level stood_still(const struct run_result *result, char *value)
{
    uint32_t workers = result->facts->worker_count > 0 ? result->facts->worker_count : 1;
    uint64_t still_ns = result->total->counters[COUNTER_STOOD_STILL_NS] / workers;
    snprintf(value, VALUE_BYTES, "%.3f s", (double)still_ns / (double)NS_PER_SECOND);
    return grade((double)still_ns, 0, 0.05 * result->seconds * (double)NS_PER_SECOND);
}

static enum verdict_level lost_workers(const struct run_result *result, char *value)
{
    uint32_t lost = result->evidence.workers_lost;
    uint64_t meanwhile = result->total->counters[COUNTER_SHED_WORKER];
    char grouped[UNITS_GROUPED_BYTES];
    if (meanwhile > 0)
        snprintf(value, VALUE_BYTES, "%u, %s requests fell due meanwhile", lost,
                 units_format_grouped(grouped, sizeof grouped, meanwhile));
    else
        snprintf(value, VALUE_BYTES, "%u", lost);
    return lost > 0 || meanwhile > 0 ? VERDICT_RED : VERDICT_GREEN;
}

static enum verdict_level outage(const struct run_result *result, char *value)
{
    snprintf(value, VALUE_BYTES, "none");
    if (result->outages == NULL)
        return VERDICT_GREEN;
    const struct outage_list *all = outages_of_all(result->outages);
    uint32_t nodes = outages_nodes(result->outages);
    if (all->count > 0)
        snprintf(value, VALUE_BYTES, "%llu, %.3f s without success", (unsigned long long)all->count,
                 (double)all->total_ns / (double)NS_PER_SECOND);
    else if (nodes > 0)
        snprintf(value, VALUE_BYTES, "of %u nodes, never of all", nodes);
    return all->count > 0 || nodes > 0 ? VERDICT_AMBER : VERDICT_GREEN;
}

static enum verdict_level tls_handshakes(const struct run_result *result, char *value)
{
    const uint64_t *counters = result->total->counters;
    uint64_t failed = counters[COUNTER_CONNECT_TLS];
    if (failed + counters[COUNTER_HANDSHAKES] == 0)
        snprintf(value, VALUE_BYTES, "none");
    else
        snprintf(value, VALUE_BYTES, "%llu failed, %llu completed", (unsigned long long)failed,
                 (unsigned long long)counters[COUNTER_HANDSHAKES]);
    return failed > 0 ? VERDICT_AMBER : VERDICT_GREEN;
}

static enum verdict_level local_ports(const struct run_result *result, char *value)
{
    const uint64_t *counters = result->total->counters;
    uint64_t failed = counters[COUNTER_CONNECT_NO_PORT];
    uint64_t opened = counters[COUNTER_CONNECTIONS_RECYCLED] + counters[COUNTER_CONNECTIONS_OPENED];
    snprintf(value, VALUE_BYTES, "%llu attempts without one", (unsigned long long)failed);
    if (failed > opened) /* then they were what limited the load */
        return VERDICT_RED;
    return failed > 0 ? VERDICT_AMBER : VERDICT_GREEN;
}

static enum verdict_level node_ring(const struct run_result *result, char *value)
{
    const uint64_t *counters = result->total->counters;
    double workers = result->facts->worker_count > 0 ? result->facts->worker_count : 1;
    double stopped = (double)counters[COUNTER_RING_FULL_NS] / (double)NS_PER_SECOND / workers;
    snprintf(value, VALUE_BYTES, "%.3f s, %llu requests dropped", stopped,
             (unsigned long long)counters[COUNTER_SHED_NODE]);
    return counters[COUNTER_RING_FULL_NS] > 0 || counters[COUNTER_SHED_NODE] > 0 ? VERDICT_AMBER
                                                                                 : VERDICT_GREEN;
}

/* Of the nodes that were sent anything. With keys that are not drawn evenly a hot node is the load that
 * was asked for, so this only informs. */
static enum verdict_level node_load(const struct run_result *result, char *value)
{
    const struct interval_row *total = result->total;
    uint64_t least = UINT64_MAX, most = 0, sum = 0;
    uint32_t nodes = 0;
    for (uint32_t i = 0; i < total->node_count; i++) {
        uint64_t sent = total->nodes[i].counters[NODE_SENT];
        if (sent == 0)
            continue;
        nodes++;
        sum += sent;
        least = sent < least ? sent : least;
        most = sent > most ? sent : most;
    }
    if (nodes < 2)
        snprintf(value, VALUE_BYTES, "%s", nodes == 0 ? "one server" : "one node");
    else
        snprintf(value, VALUE_BYTES, "%.2f to %.2f %% of %u nodes", figure_share(least, sum) * 100,
                 figure_share(most, sum) * 100, nodes);
    return VERDICT_GREEN;
}

static enum verdict_level steady(const struct run_result *result, char *value)
{
    const struct run_facts *facts = result->facts;
    char duration[32];
    if (!facts->steady_auto) {
        snprintf(value, VALUE_BYTES, "not asked for");
        return VERDICT_GREEN;
    }
    if (!(result->seconds > 0)) {
        snprintf(value, VALUE_BYTES, "the run ended before");
        return VERDICT_GREEN; /* short_run judges that */
    }
    units_format_duration(duration, sizeof duration, facts->warmup_ns);
    snprintf(value, VALUE_BYTES, "%s %s", result->evidence.never_steady ? "not within" : "after",
             duration);
    return result->evidence.never_steady ? VERDICT_AMBER : VERDICT_GREEN;
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
    uint64_t count = figure_latency(result->total, result->facts->open_loop)->count;
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
    /* NULL: the advice above; else it depends on the evidence. */
    void (*advise)(const struct run_result *result, char *advice);
} checks[] = {
    {"worker_cpu", worker_cpu, "90 %", NULL, advise_worker_cpu},
    {"loop_lag", loop_lag, "10 % of service p50",
     "replies waited inside volley before they were read: use more workers, fewer connections "
     "each, or less pipelining",
     NULL},
    {"slip", slip, "10 % of response p50 or 0.25 ms",
     "volley sent late by itself: give the workers CPUs of their own, try --pacing spin, or more "
     "workers (--processes); the response time counts the delay",
     NULL},
    {"wait", wait_for_connection, "10 % of response p50 or 0.25 ms",
     "requests waited for a free connection before they were sent; the response time counts that "
     "wait, the service time does not: it is no latency of this load",
     NULL},
    {"target", target, "99 %, RED below 90 %", NULL, advise_target},
    {"shed", shed, "0",
     "requests were dropped because they were later than --shed-after: the load was lighter than "
     "asked for",
     NULL},
    {"errors", errors, "0.1 %, RED above 1 %", NULL, advise_errors},
    {"lost_or_timed_out", lost_or_timed_out, "0, RED above 0.1 %",
     "requests without a reply count as longer than any in the percentiles: find out why the "
     "server or the network "
     "dropped them",
     NULL},
    {"censored", censored, "every percentile known",
     "too many requests went without a reply, or were never sent, to know this percentile: lower "
     "the rate, or find out why they were not answered",
     NULL},
    {"misses", misses, "1 %", NULL, advise_misses},
    {"one_key", one_key, "two keys or more",
     "one hot key is not a real load: spread the requests over a key range (-r or --sequential)",
     NULL},
    {"shared_cpu", shared_cpu, "CPUs of their own",
     "the server and a worker compete for one CPU: pin the server elsewhere, or choose the "
     "workers' CPUs with --cpus",
     NULL},
    {"steal_time", steal_time, "2 %, RED above 10 %",
     "the hypervisor gave this machine's CPUs to others: repeat on a quieter host", NULL},
    {"throttling", throttling, "0, RED above 5 % of the run",
     "the CPU quota of the control group stopped volley: raise the quota or use fewer workers",
     NULL},
    {"stood_still", stood_still, "0, RED above 5 % of the time",
     "volley itself was stopped (a debugger, Ctrl+Z) or kept from its CPU: what was not sent or "
     "read "
     "meanwhile is not the target's doing; run it again",
     NULL},
    {"lost_workers", lost_workers, "0",
     "worker processes died during the run: look at stderr or volley.log, then repeat", NULL},
    {"outage", outage, "none",
     "for a part of the run nothing succeeded: look at Failures, and do not compare percentiles "
     "that "
     "span an outage with those of a run without",
     NULL},
    {"tls_handshakes", tls_handshakes, "0 failed",
     "TLS handshakes failed while the run was under way: look at the log for the reason, and at "
     "certificates that ran out or a server that was restarted",
     NULL},
    {"local_ports", local_ports, "0, RED above the connections opened",
     "every local port was in use or waiting (TIME_WAIT): connect from more addresses, close with "
     "a "
     "reset, or renew connections less often",
     NULL},
    {"node_ring", node_ring, "0",
     "requests for one node that did not answer filled their ring, and the others had to wait for "
     "it: the load was lighter than asked for",
     NULL},
    {"node_load", node_load, "informative", "", NULL},
    {"steady", steady, "settled within its limit",
     "rate and latency had not settled when the warm-up ended: allow it longer, or look for what "
     "keeps changing (a save, a rewrite, eviction, other users of the host)",
     NULL},
    {"clamped", clamped, "0",
     "latencies above one hour were counted as one hour: the percentiles near the maximum are "
     "too low",
     NULL},
    {"few_samples", few_samples, "10 / (1 - q) answers",
     "too few requests for the highest percentile: run longer, or ask for lower --percentiles",
     NULL},
    {"late_records", late_records, "0",
     "some intervals hold requests of the one before; the totals are exact: use a longer "
     "--interval or fewer workers",
     NULL},
    {"short_run", short_run, "1 s", "the run is too short to mean much: run longer", NULL},
    {"accounting", accounting, "no difference",
     "do not use these figures: volley's own counters disagree, which is a bug in volley", NULL},
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
        if (check->level != VERDICT_GREEN && checks[i].advise != NULL)
            checks[i].advise(result, check->advice);
        else if (check->level != VERDICT_GREEN)
            snprintf(check->advice, sizeof check->advice, "%s", checks[i].advice);
        if (check->level > verdict->level)
            verdict->level = check->level;
    }
}
