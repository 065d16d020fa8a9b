/* Checks of the target, and of what it was asked. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/units.h"
#include "orchestrator/report/figures.h"
#include "orchestrator/report/target_reached.h"
#include "orchestrator/report/verdict_checks.h"

/* Of the percentiles that nobody asked for those above this one may rest on few samples. */
#define JUDGED_PERCENT 99

static bool has_failed_as(const struct run_result *result, const char *word)
{
    const struct error_kinds *kinds = result->error_kinds;
    for (uint32_t i = 0; kinds != NULL && i < kinds->count; i++)
        if (strcmp(kinds->kinds[i].word, word) == 0 && result->total->errors_by_kind[i] > 0)
            return true;
    return false;
}

void verdict_errors(struct verdict_check *check, const struct run_result *result)
{
    const uint64_t *counters = result->total->counters;
    bool elsewhere =
        !result->facts->cluster && (has_failed_as(result, "MOVED") || has_failed_as(result, "ASK"));
    check->value = figure_share(counters[COUNTER_ERROR_REPLIES], figure_answered(counters)) * 100;
    verdict_say(check, "%.3f %% of replies", check->value);
    verdict_advise(check, "%s",
                   elsewhere ? "the server is a node of a cluster and does not own these keys: "
                               "add --cluster, so that requests go to the node that does"
                             : "the server refused requests: look at the error replies before you "
                               "look at the latencies");
}

void verdict_lost_or_timed_out(struct verdict_check *check, const struct run_result *result)
{
    const uint64_t *counters = result->total->counters;
    /* What was lost with a worker that died is volley's own doing: lost_workers judges it. Where none
     * did, they were killed at the end, and nobody waited any longer for these replies. */
    const bool own = result->evidence.workers_lost > 0;
    const uint64_t killed = own ? 0 : counters[COUNTER_LOST_WORKER];
    uint64_t unanswered = counters[COUNTER_TIMED_OUT] + counters_lost(counters) -
                          (own ? counters[COUNTER_LOST_WORKER] : 0);
    /* Requests of the warm-up may be lost in the measured part: then sent can be the smaller one. */
    uint64_t sent = result->total->header.in_flight_before + counters[COUNTER_SENT];
    check->value = figure_share(unanswered, sent) * 100;
    verdict_say(check, "%s, %.3f %% of sent", UNITS_GROUPED(unanswered), check->value);
    if (unanswered > 0 && unanswered == killed)
        verdict_advise(check,
                       "they were in flight when the workers were killed, as a second Ctrl+C "
                       "does: after the first one wait for their replies");
}

/* Whether the percentile would be known but for those that the end of a stopped run cut off. */
static bool stop_hides(const struct run_result *result, enum interval_histogram_kind kind,
                       double percent)
{
    const struct interval_row *total = result->total;
    const uint64_t answered = total->histograms[kind].count;
    const uint64_t unanswered = figure_unanswered_count(total, kind);
    uint64_t cut_off = total->counters[COUNTER_LOST_DRAIN] + total->header.in_flight_after;
    if (kind == HISTOGRAM_RESPONSE_OK)
        cut_off += total->header.backlog_after;
    if (result->evidence.workers_lost == 0)
        cut_off += total->counters[COUNTER_LOST_WORKER];
    const uint64_t others = unanswered > cut_off ? unanswered - cut_off : 0;
    return histogram_rank(answered + others, percent / 100.0) <= answered;
}

/* A target that was missed says why there is a backlog; the stop only ended it. */
static bool stopped_in_time(const struct run_result *result)
{
    struct target_reached reached = {.limit = TARGET_REACHED};
    if (!result->interrupted && !result->stopped)
        return false;
    if (result->facts->open_loop)
        target_reached_judge(&reached, result);
    return reached.limit == TARGET_REACHED;
}

void verdict_censored(struct verdict_check *check, const struct run_result *result)
{
    enum interval_histogram_kind kind = figure_latency_kind(result->facts->open_loop);
    bool by_stop = stopped_in_time(result);
    check->value = 0;
    verdict_say(check, "none");
    for (uint32_t i = 0; i < result->percentile_count; i++) {
        double percent = result->percentiles[i];
        struct figure_percentile figure = figure_percentile(result->total, kind, percent);
        if (!figure.censored)
            continue;
        if (check->value == 0)
            verdict_say(check, "p%.10g is at least %.3f ms", percent, clock_ms(figure.value_ns));
        check->value++;
        by_stop = by_stop && stop_hides(result, kind, percent);
    }
    if (by_stop)
        verdict_advise(check,
                       "the run was stopped while requests were due or on their way, and too "
                       "few were answered before to know this percentile all the same: let it "
                       "run longer, or ask for lower --percentiles");
}

void verdict_misses(struct verdict_check *check, const struct run_result *result)
{
    const uint64_t *counters = result->total->counters;
    if (!result->facts->reads) {
        verdict_say(check, "no reads");
        return;
    }
    uint64_t lookups = counters[COUNTER_HITS] + counters[COUNTER_MISSES];
    check->value = figure_share(counters[COUNTER_MISSES], lookups) * 100;
    verdict_say(check, "%.3f %% of lookups", check->value);
    verdict_advise(check, "most servers answer a missing key faster than a stored one: write %s",
                   result->facts->no_prefill ? "enough for all reads before the run"
                                             : "the keys first (--prefill)");
}

void verdict_one_key(struct verdict_check *check, const struct run_result *result)
{
    bool one = result->facts->one_key && !result->facts->keyspace_random;
    check->value = one;
    verdict_say(check, "%s", one ? "every request has the same key" : "no");
}

void verdict_outage(struct verdict_check *check, const struct run_result *result)
{
    verdict_say(check, "none");
    if (result->outages == NULL)
        return;
    const struct outage_list *all = outages_of_all(result->outages);
    uint32_t nodes = outages_nodes(result->outages);
    double seconds = clock_seconds(all->total_ns);
    check->value = result->seconds > 0 ? seconds / result->seconds * 100 : 0;
    if (all->count > 0 || nodes > 0)
        check->level = VERDICT_AMBER;
    if (all->count > 0)
        verdict_say(check, "%" PRIu64 ", %.3f s without success", all->count, seconds);
    else if (nodes > 0)
        verdict_say(check, "of %u nodes, never of all", nodes);
}

void verdict_tls_handshakes(struct verdict_check *check, const struct run_result *result)
{
    const uint64_t *counters = result->total->counters;
    uint64_t failed = counters[COUNTER_CONNECT_TLS];
    verdict_say(check, "none");
    if (failed + counters[COUNTER_HANDSHAKES] == 0)
        return;
    check->value = (double)failed;
    verdict_say(check, "%" PRIu64 " failed, %" PRIu64 " completed", failed,
                counters[COUNTER_HANDSHAKES]);
}

void verdict_local_ports(struct verdict_check *check, const struct run_result *result)
{
    const uint64_t *counters = result->total->counters;
    uint64_t failed = counters[COUNTER_CONNECT_NO_PORT];
    uint64_t opened = counters[COUNTER_CONNECTIONS_RECYCLED] + counters[COUNTER_CONNECTIONS_OPENED];
    check->value = (double)failed;
    check->red_threshold = (double)opened; /* above it they were what limited the load */
    verdict_say(check, "%" PRIu64 " attempts without one", failed);
}

void verdict_node_ring(struct verdict_check *check, const struct run_result *result)
{
    const uint64_t *counters = result->total->counters;
    double workers = result->facts->worker_count > 0 ? result->facts->worker_count : 1;
    check->value = clock_seconds(counters[COUNTER_RING_FULL_NS]) / workers;
    if (counters[COUNTER_SHED_NODE] > 0)
        check->level = VERDICT_AMBER;
    verdict_say(check, "%.3f s, %s requests dropped", check->value,
                UNITS_GROUPED(counters[COUNTER_SHED_NODE]));
}

/* Of the nodes that were sent anything. With keys that are not drawn evenly a hot node is the load that
 * was asked for, so this only informs. */
void verdict_node_load(struct verdict_check *check, const struct run_result *result)
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
    verdict_say(check, "%s", nodes == 0 ? "one server" : "one node");
    if (nodes < 2)
        return;
    check->value = figure_share(most, sum) * 100;
    verdict_say(check, "%.2f to %.2f %% of %u nodes", figure_share(least, sum) * 100, check->value,
                nodes);
}

void verdict_steady(struct verdict_check *check, const struct run_result *result)
{
    const struct run_facts *facts = result->facts;
    char duration[32];
    if (!facts->steady_auto) {
        verdict_say(check, "not asked for");
        return;
    }
    if (!(result->seconds > 0)) { /* short_run judges that */
        verdict_say(check, "the run ended before");
        return;
    }
    check->value = result->evidence.never_steady;
    units_format_duration(duration, sizeof duration, facts->warmup_ns);
    verdict_say(check, "%s %s", result->evidence.never_steady ? "not within" : "after", duration);
}

void verdict_clamped(struct verdict_check *check, const struct run_result *result)
{
    uint64_t count = 0;
    for (int kind = 0; kind < HISTOGRAM_KINDS; kind++)
        count += result->total->histograms[kind].clamped_count;
    check->value = (double)count;
    verdict_say(check, "%" PRIu64, count);
}

/* Whether the percentiles are those that nobody asked for. */
static bool are_usual(const struct run_result *result)
{
    char list[sizeof SPEC_PERCENTILES_USUAL + 32] = "";
    size_t used = 0;
    for (uint32_t i = 0; i < result->percentile_count && used < sizeof list; i++)
        used += (size_t)snprintf(list + used, sizeof list - used, "%s%.10g", i == 0 ? "" : ",",
                                 result->percentiles[i]);
    return strcmp(list, SPEC_PERCENTILES_USUAL) == 0 || strcmp(list, SPEC_PERCENTILES_SEARCH) == 0;
}

void verdict_few_samples(struct verdict_check *check, const struct run_result *result)
{
    uint64_t count = figure_latency(result->total, result->facts->open_loop)->count;
    char grouped[UNITS_GROUPED_BYTES];
    check->value = (double)count;
    if (count == 0) { /* there is no percentile that they could be too few for */
        verdict_say(check, "%s",
                    figure_without_latency(result->total) > 0 ? "no latency is known"
                                                              : "no request succeeded");
        return;
    }
    units_format_grouped(grouped, sizeof grouped, count);
    verdict_say(check, "%s", grouped);
    for (uint32_t i = 0; i < result->percentile_count; i++) {
        double percent = result->percentiles[i];
        if (!figure_few_samples(count, percent))
            continue;
        check->threshold = figure_samples_needed(percent);
        /* The report marks it, and nobody asked for it but volley. */
        check->note = percent > JUDGED_PERCENT && are_usual(result);
        verdict_say(check, "%s for p%.10g", grouped, percent);
        return;
    }
}

/* An interrupt is the user's own doing, and figures that do not add up have a check of theirs. */
void verdict_failed(struct verdict_check *check, const struct run_result *result)
{
    enum err_code status = result->status;
    bool failed = status != OK && status != E_INTERRUPTED && status != E_UNTRUSTED;
    check->value = failed;
    verdict_say(check, "%.*s", (int)sizeof check->text - 1, failed ? result->status_text : "no");
}

void verdict_short_run(struct verdict_check *check, const struct run_result *result)
{
    check->value = result->seconds;
    verdict_say(check, "%.3f s", result->seconds);
}
