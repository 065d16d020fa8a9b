/* Checks of a verdict that are about the target, and what it was asked. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "common/clock.h"
#include "common/units.h"
#include "orchestrator/report/figures.h"
#include "orchestrator/report/metric.h"
#include "orchestrator/report/target_reached.h"
#include "orchestrator/report/verdict_judges.h"

/* Of the percentiles that nobody asked for those above this one may rest on few samples. */
#define JUDGED_PERCENT 99

void judge_errors(struct verdict_check *check, const struct run_result *result)
{
    uint64_t errors = metric_total(result, METRIC_ERRORS);
    bool elsewhere = !result->facts->cluster &&
                     metric_total(result, METRIC_MOVED) + metric_total(result, METRIC_ASKED) > 0;
    check->value = figure_share(errors, errors + metric_total(result, METRIC_OK)) * 100;
    say(check, "%.3f %% of replies", check->value);
    advise(check, "%s",
           elsewhere ? "the server is a node of a cluster and does not own these keys: "
                       "add --cluster, so that requests go to the node that does"
                     : "the server refused requests: look at the error replies before you "
                       "look at the latencies");
}

void judge_lost_or_timed_out(struct verdict_check *check, const struct run_result *result)
{
    /* What was lost with a worker that died is volley's own doing: lost_workers judges it. Where none
     * did, they were killed at the end, and nobody waited any longer for these replies. */
    const bool own = result->evidence.workers_lost > 0;
    const uint64_t died = metric_total(result, METRIC_LOST_WORKER);
    const uint64_t unanswered = metric_total(result, METRIC_OUTCOME_UNKNOWN) - (own ? died : 0);
    /* Requests of the warm-up may be lost in the measured part: then sent can be the smaller one. */
    const uint64_t sent =
        metric_total(result, METRIC_IN_FLIGHT_BEFORE) + metric_total(result, METRIC_SENT);
    check->value = figure_share(unanswered, sent) * 100;
    say(check, "%s, %.3f %% of sent", UNITS_GROUPED(unanswered), check->value);
    if (unanswered > 0 && unanswered == died && !own)
        advise(check, "they were in flight when the workers were killed, as a second Ctrl+C "
                      "does: after the first one wait for their replies");
}

/* Whether the percentile would be known but for those that the end of a stopped run cut off. */
static bool stop_hides(const struct run_result *result, double percent)
{
    const uint64_t answered = metric_total(result, METRIC_RESPONSE_TIME);
    const uint64_t unanswered =
        figure_unanswered_count(result->total, figure_latency_kind(result->facts->open_loop));
    uint64_t cut_off =
        metric_total(result, METRIC_LOST_DRAIN) + metric_total(result, METRIC_IN_FLIGHT);
    if (result->facts->open_loop)
        cut_off += metric_total(result, METRIC_BACKLOG);
    if (result->evidence.workers_lost == 0)
        cut_off += metric_total(result, METRIC_LOST_WORKER);
    const uint64_t others = unanswered > cut_off ? unanswered - cut_off : 0;
    return histogram_rank(answered + others, percent / 100.0) <= answered;
}

/* A target that was missed says why there is a backlog; the stop only ended it. */
static bool stopped_in_time(const struct run_result *result)
{
    struct target_reached reached = {.limit = TARGET_REACHED};
    if (!result->interrupted && !result->stopped)
        return false;
    if (run_facts_have_rate(result->facts))
        target_reached_judge(&reached, result);
    return reached.limit == TARGET_REACHED;
}

void judge_censored(struct verdict_check *check, const struct run_result *result)
{
    const struct metric_slice slice = metric_slice_of_run(result);
    bool by_stop = stopped_in_time(result);
    check->value = 0;
    say(check, "none");
    for (uint32_t i = 0; i < result->percentile_count; i++) {
        double percent = result->percentiles[i];
        struct metric_value time = metric_percentile(&slice, METRIC_RESPONSE_TIME, percent);
        if (!time.censored)
            continue;
        if (check->value == 0)
            say(check, "p%.10g is at least %.3f ms", percent, time.number / NS_PER_MS);
        check->value++;
        by_stop = by_stop && stop_hides(result, percent);
    }
    if (by_stop)
        advise(check, "the run was stopped while requests were due or on their way, and too "
                      "few were answered before to know this percentile all the same: let it "
                      "run longer, or ask for lower --percentiles");
}

void judge_misses(struct verdict_check *check, const struct run_result *result)
{
    uint64_t missed = metric_total(result, METRIC_MISSES);
    say(check, "no reads");
    if (!result->facts->reads)
        return;
    const double share = figure_share(missed, missed + metric_total(result, METRIC_HITS)) * 100;
    if (metric_total(result, METRIC_FOLLOW_UPS) > 0) {
        say(check, "%.3f %% of lookups, each followed by another request", share);
        return;
    }
    if (result->facts->awaits) {
        say(check, "%.3f %% of lookups and of WAITs, of which a miss is no missing key", share);
        return;
    }
    check->value = share;
    say(check, "%.3f %% of lookups", check->value);
    advise(check, "most servers answer a missing key faster than a stored one: write %s",
           result->facts->no_prefill ? "enough for all reads before the run"
                                     : "the keys first (--prefill)");
}

/* Stale reads are what replicas give; the others nobody may have. */
void judge_values(struct verdict_check *check, const struct run_result *result)
{
    const struct checked_report *checked = &result->checked;
    const uint64_t lost = checked->counts[CHECKED_LOST], stale = checked->counts[CHECKED_STALE];
    const uint64_t corrupted = checked->counts[CHECKED_CORRUPTED];
    say(check, "not checked");
    if (!checked->known)
        return;
    check->value = (double)(corrupted + lost + stale);
    check->level = corrupted + lost > 0 ? VERDICT_RED : VERDICT_GREEN;
    say(check, "%s corrupted, %s stale, %s lost writes", UNITS_GROUPED(corrupted),
        UNITS_GROUPED(stale), UNITS_GROUPED(lost));
}

void judge_messages(struct verdict_check *check, const struct run_result *result)
{
    const struct run_facts *facts = result->facts;
    const struct metric_slice whole = metric_slice_of_run(result);
    uint64_t lost = 0, twice = 0, late = 0;
    bool any = false;
    for (uint32_t i = 0; i < facts->part_count; i++) {
        if (!facts->parts[i].consumes)
            continue;
        const struct metric_slice slice = metric_slice_of_part(&whole, i);
        any = true;
        lost += metric_count(&slice, METRIC_MESSAGES_LOST);
        twice += metric_count(&slice, METRIC_MESSAGES_DUPLICATES);
        late += metric_count(&slice, METRIC_MESSAGES_OUT_OF_ORDER);
    }
    say(check, "no consumers");
    if (!any)
        return;
    check->value = (double)(lost + twice + late);
    say(check, "%s lost, %s twice, %s out of order", UNITS_GROUPED(lost), UNITS_GROUPED(twice),
        UNITS_GROUPED(late));
}

void judge_one_key(struct verdict_check *check, const struct run_result *result)
{
    bool one = result->facts->one_key && !result->facts->keyspace_random;
    check->value = one;
    say(check, "%s", one ? "every request has the same key" : "no");
}

void judge_outage(struct verdict_check *check, const struct run_result *result)
{
    say(check, "none");
    if (result->outages == NULL)
        return;
    const struct outage_list *all = outages_of_all(result->outages);
    uint32_t nodes = outages_nodes(result->outages);
    double seconds = clock_seconds(all->total_ns);
    check->value = result->seconds > 0 ? seconds / result->seconds * 100 : 0;
    if (all->count > 0 || nodes > 0)
        check->level = VERDICT_AMBER;
    if (all->count > 0)
        say(check, "%" PRIu64 ", %.3f s without success", all->count, seconds);
    else if (nodes > 0)
        say(check, "of %u nodes, never of all", nodes);
}

void judge_tls_handshakes(struct verdict_check *check, const struct run_result *result)
{
    uint64_t failed = metric_total(result, METRIC_CONNECT_TLS);
    uint64_t completed = metric_total(result, METRIC_HANDSHAKES);
    say(check, "none");
    if (failed + completed == 0)
        return;
    check->value = (double)failed;
    say(check, "%" PRIu64 " failed, %" PRIu64 " completed", failed, completed);
}

void judge_local_ports(struct verdict_check *check, const struct run_result *result)
{
    uint64_t failed = metric_total(result, METRIC_CONNECT_NO_PORT);
    check->value = (double)failed;
    /* Above it they were what limited the load. */
    check->red_threshold = (double)(metric_total(result, METRIC_CONNECTIONS_RECYCLED) +
                                    metric_total(result, METRIC_CONNECTIONS_OPENED));
    say(check, "%" PRIu64 " attempts without one", failed);
}

void judge_node_ring(struct verdict_check *check, const struct run_result *result)
{
    uint64_t full_ns = result->total->counters[COUNTER_RING_FULL_NS];
    uint64_t dropped = metric_total(result, METRIC_SHED_NODE);
    double workers = result->facts->worker_count > 0 ? result->facts->worker_count : 1;
    check->value = clock_seconds(full_ns) / workers;
    if (dropped > 0)
        check->level = VERDICT_AMBER;
    say(check, "%.3f s, %s requests dropped", check->value, UNITS_GROUPED(dropped));
}

/* Of the nodes that were sent anything. With keys that are not drawn evenly a hot node is the load that
 * was asked for, so this only informs. */
void judge_node_load(struct verdict_check *check, const struct run_result *result)
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
    say(check, "%s", nodes == 0 ? "one server" : "one node");
    if (nodes < 2)
        return;
    check->value = figure_share(most, sum) * 100;
    say(check, "%.2f to %.2f %% of %u nodes", figure_share(least, sum) * 100, check->value, nodes);
}

void judge_steady(struct verdict_check *check, const struct run_result *result)
{
    char duration[32];
    say(check, "%s", result->facts->steady_auto ? "the run ended before" : "not asked for");
    if (!result->facts->steady_auto || !(result->seconds > 0)) /* short_run judges that */
        return;
    check->value = result->evidence.never_steady;
    units_format_duration(duration, sizeof duration, result->facts->warmup_ns);
    say(check, "%s %s", result->evidence.never_steady ? "not within" : "after", duration);
}

void judge_clamped(struct verdict_check *check, const struct run_result *result)
{
    uint64_t count = 0;
    for (int kind = 0; kind < HISTOGRAM_KINDS; kind++)
        count += result->total->histograms[kind].clamped_count;
    check->value = (double)count;
    say(check, "%" PRIu64, count);
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

void judge_few_samples(struct verdict_check *check, const struct run_result *result)
{
    uint64_t count = metric_total(result, METRIC_RESPONSE_TIME);
    char grouped[UNITS_GROUPED_BYTES];
    check->value = (double)count;
    if (count == 0) { /* there is no percentile that they could be too few for */
        say(check, "%s",
            metric_total(result, METRIC_OK_WITHOUT_LATENCY) > 0 ? "no latency is known"
                                                                : "no request succeeded");
        return;
    }
    units_format_grouped(grouped, sizeof grouped, count);
    say(check, "%s", grouped);
    for (uint32_t i = 0; i < result->percentile_count; i++) {
        double percent = result->percentiles[i];
        if (!figure_few_samples(count, percent))
            continue;
        check->threshold = figure_samples_needed(percent);
        /* The report marks it, and nobody asked for it but volley. */
        check->note = percent > JUDGED_PERCENT && are_usual(result);
        say(check, "%s for p%.10g", grouped, percent);
        return;
    }
}

/* An interrupt is the user's own doing, and figures that do not add up have a check of theirs. */
void judge_failed(struct verdict_check *check, const struct run_result *result)
{
    enum err_code status = result->status;
    bool failed = status != OK && status != E_INTERRUPTED && status != E_UNTRUSTED;
    check->value = failed;
    say(check, "%.*s", (int)sizeof check->text - 1, failed ? result->status_text : "no");
}

void judge_short_run(struct verdict_check *check, const struct run_result *result)
{
    check->value = result->seconds;
    say(check, "%.3f s", result->seconds);
}
