/* What a user of the target saw of its failures. Times count from the start of measuring. */
#include <inttypes.h>
#include <string.h>

#include "common/clock.h"
#include "common/printable.h"
#include "common/units.h"
#include "orchestrator/report/figures.h"
#include "orchestrator/report/text.h"

#define LINES_MAX 10u /* of outages; JSON has more */

static double since_measuring(const struct run_result *result, uint64_t at_ns)
{
    return clock_seconds(at_ns) - clock_seconds(result->facts->warmup_ns);
}

static void print_summary(struct output *out, const struct outage_list *list)
{
    output_printf(out, "without one success: %s s in %s outage%s", TEXT_SECONDS(list->total_ns),
                  UNITS_GROUPED(list->count), list->count == 1 ? "" : "s");
    if (list->count > 1)
        output_printf(out, ", the longest %s s", TEXT_SECONDS(list->longest_ns));
    output_printf(out, "\n");
}

static void print_response(struct output *out, const char *when,
                           const struct outage_response *response)
{
    if (response->count == 0)
        output_printf(out, "%s none", when);
    else
        output_printf(out, "%s %s / %s / %s ms", when, TEXT_MS((double)response->p50_ns),
                      TEXT_MS((double)response->p99_ns), TEXT_MS((double)response->max_ns));
}

/* Kinds are told of all nodes together only: kinds NULL, of one node. */
static void print_failed(struct output *out, const struct outage *outage,
                         const struct error_kinds *kinds)
{
    const struct outage_failures *failures = &outage->failures;
    const char *separator = " (";
    uint64_t failed = failures->errors + failures->timed_out + failures->lost;
    if (kinds == NULL && failed + failures->connections_lost + failures->connect_failures == 0) {
        output_printf(out,
                      "    nothing failed: its cluster was down, and requests were sent again\n");
        return;
    }
    output_printf(out, "    failed%s: %s", outage->shared ? " in it or close by" : "",
                  UNITS_GROUPED(failed));
    if (kinds == NULL)
        separator = text_part(out, separator, "errors", failures->errors);
    for (uint32_t i = 0; kinds != NULL && i < kinds->count; i++)
        separator =
            text_part(out, separator, PRINTABLE(kinds->kinds[i].word), failures->errors_by_kind[i]);
    separator = text_part(out, separator, "timed out", failures->timed_out);
    separator = text_part(out, separator, "lost", failures->lost);
    output_printf(out, "%s", separator[0] == ',' ? ")" : "");
    text_part(out, ", ", "not known whether executed:", failures->timed_out + failures->lost);
    text_part(out, ", ", "connections lost:", failures->connections_lost);
    text_part(out, ", ", "failed attempts to connect:", failures->connect_failures);
    text_part(out, ", ", "CLUSTERDOWN:", failures->clusterdown);
    output_printf(out, "\n");
}

static void print_outage(struct output *out, const struct run_result *result,
                         const struct outage *outage, const struct error_kinds *kinds)
{
    char name[192];
    uint64_t failed_to_ok_ns = outage_failed_to_ok_ns(outage);
    output_printf(out, "  at %s s: %s s without success%s",
                  UNITS_REAL(since_measuring(result, outage->begin_ns), 3),
                  TEXT_SECONDS(outage->end_ns - outage->begin_ns),
                  outage->from_start ? ", none before" : "");
    if (!outage->recovered)
        output_printf(out, ", not over when the load ended");
    if (outage->pause)
        output_printf(out, ", a pause: nothing failed");
    if (outage->own_stop_ns > 0)
        output_printf(out, ", in %.3f s of which volley itself stood still",
                      clock_seconds(outage->own_stop_ns));
    if (failed_to_ok_ns > 0)
        output_printf(out, ", %s s from the first failed request to the first success",
                      TEXT_SECONDS(failed_to_ok_ns));
    if (outage->taken_over_by != OUTAGE_NOBODY)
        output_printf(
            out, ", %s took over",
            figure_node_name(name, sizeof name, result->facts, (uint32_t)outage->taken_over_by));
    output_printf(out, "\n");
    if (!outage->pause)
        print_failed(out, outage, kinds);
    output_printf(out, "    response time of those answered, p50 / p99 / max:");
    print_response(out, " before", &outage->before);
    print_response(out, ", the first 5 s after", &outage->during);
    print_response(out, ", then", &outage->after);
    output_printf(out, "\n");
}

static void print_list(struct output *out, const struct run_result *result,
                       const struct outage_list *list, const struct error_kinds *kinds)
{
    uint32_t shown = list->kept < LINES_MAX ? list->kept : LINES_MAX;
    print_summary(out, list);
    for (uint32_t i = 0; i < shown; i++)
        print_outage(out, result, &list->items[i], kinds);
    if (list->count > shown)
        output_printf(out, "  and %s more\n", UNITS_GROUPED(list->count - shown));
}

void text_closing_words(struct output *out, const struct error_kinds *kinds)
{
    for (uint32_t i = 0; i < kinds->count; i++)
        if (strncmp(kinds->kinds[i].word, IPC_CLOSING_WORDS, strlen(IPC_CLOSING_WORDS)) == 0)
            output_printf(out, "the server said, outside of its replies: %s\n",
                          PRINTABLE(kinds->kinds[i].text));
}

static void print_own_stops(struct output *out, const struct run_result *result)
{
    const struct own_stop_list *stops = outages_own_stops(result->outages);
    uint32_t shown = stops->kept < LINES_MAX ? stops->kept : LINES_MAX;
    char from[48];
    for (uint32_t i = 0; i < shown; i++)
        output_printf(
            out,
            "volley itself stood still for %.3f s from %s on (stopped, or kept from its CPU): no "
            "outage of the target\n",
            clock_seconds(stops->items[i].to_ns - stops->items[i].from_ns),
            figure_moment(from, sizeof from, stops->items[i].from_ns, result->facts->warmup_ns));
    if (stops->count > shown)
        output_printf(out, "  and %" PRIu64 " times more\n", stops->count - shown);
    if (stops->count == 0 && result->total->counters[COUNTER_STOOD_STILL_NS] > 0)
        output_printf(
            out,
            "workers of volley stood still, not all at once, for %.3f s in all (stopped, or "
            "kept from their CPUs)\n",
            clock_seconds(result->total->counters[COUNTER_STOOD_STILL_NS]));
}

void text_failures(struct output *out, const struct run_result *result)
{
    const struct outage_list *all = outages_of_all(result->outages);
    uint64_t timed_out = metric_total(result, METRIC_TIMED_OUT);
    uint64_t lost = metric_total(result, METRIC_LOST);
    if (all->count == 0 && outages_nodes(result->outages) == 0 && timed_out + lost == 0 &&
        result->total->counters[COUNTER_STOOD_STILL_NS] == 0 &&
        outages_own_stops(result->outages)->count == 0)
        return;
    output_printf(out, "\nFailures:\n========\n");
    print_own_stops(out, result);
    if (timed_out + lost > 0)
        output_printf(out, "not known whether executed: %s request%s (timed out %s, lost %s)\n",
                      UNITS_GROUPED(timed_out + lost), timed_out + lost == 1 ? "" : "s",
                      UNITS_GROUPED(timed_out), UNITS_GROUPED(lost));
    if (all->count > 0)
        print_list(out, result, all, result->error_kinds);
    else
        output_printf(out, "outages%s: none seen\n",
                      outages_nodes(result->outages) > 0 ? " of all nodes together" : "");
    for (uint32_t i = 0; i < NODE_FIGURES_MAX; i++) {
        char name[192];
        const struct outage_list *list = outages_of_node(result->outages, i);
        if (list == NULL || list->count == 0)
            continue;
        output_printf(out, "%s: ", figure_node_name(name, sizeof name, result->facts, i));
        print_list(out, result, list, NULL);
    }
}
