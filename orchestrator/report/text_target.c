/* The parts of the text report about the target's nodes and the way to them. */
#include <inttypes.h>
#include <string.h>

#include "common/clock.h"
#include "common/units.h"
#include "orchestrator/report/figures.h"
#include "orchestrator/report/text.h"

void text_nodes(struct output *out, const struct run_result *result)
{
    const struct interval_row *total = result->total;
    uint32_t count = figure_node_count(result);
    char name[192];
    size_t width = strlen("address");
    if (count == 0)
        return;
    for (uint32_t i = 0; i < count; i++) {
        size_t length = strlen(figure_node_name(name, sizeof name, result->facts, i));
        width = length > width ? length : width;
    }
    output_printf(out, "\nNodes:\n=====\n(p50, p99 and max are of the requests that were answered "
                       "without an error)\n");
    output_printf(out, "%-*s  %-7s  %7s  %12s  %10s  %10s  %10s  %9s  %9s  %9s  %9s\n", (int)width,
                  "address", "role", "share", "ok", "errors", "redirected", "unanswered", "p50 ms",
                  "p99 ms", "max ms", "conn lost");
    for (uint32_t i = 0; i < count; i++) {
        const struct node_figures *node = &total->nodes[i];
        const uint64_t *counters = node->counters;
        bool named = i < result->facts->node_count;
        output_printf(out, "%-*s  %-7s  %6.2f%%", (int)width,
                      figure_node_name(name, sizeof name, result->facts, i),
                      named ? run_role_name(result->facts->nodes[i].role) : "",
                      figure_node_share(total, i) * 100);
        output_printf(out, "  %12s  %10s  %10s  %10s", UNITS_GROUPED(counters[NODE_OK]),
                      UNITS_GROUPED(counters[NODE_ERRORS]),
                      UNITS_GROUPED(counters[NODE_REDIRECTED]),
                      UNITS_GROUPED(counters[NODE_TIMED_OUT] + counters[NODE_LOST]));
        if (counters[NODE_OK] > 0)
            output_printf(out, "  %9s  %9s  %9s",
                          UNITS_REAL(clock_ms(coarse_quantile(&node->response, 0.50)), 3),
                          UNITS_REAL(clock_ms(coarse_quantile(&node->response, 0.99)), 3),
                          UNITS_REAL(clock_ms(node->response.max_ns), 3));
        else
            output_printf(out, "  %9s  %9s  %9s", "-", "-", "-");
        output_printf(out, "  %9s\n", UNITS_GROUPED(counters[NODE_CONNECTIONS_LOST]));
    }
}

static void print_redirections(struct output *out, const uint64_t *counters)
{
    uint64_t moved = counters[COUNTER_MOVED], asked = counters[COUNTER_ASKED];
    uint64_t tryagain = counters[COUNTER_TRYAGAIN], down = counters[COUNTER_CLUSTERDOWN];
    if (moved + asked + tryagain + down == 0)
        return;
    output_printf(out,
                  "Redirected: MOVED %s, ASK %s, TRYAGAIN %s, CLUSTERDOWN %s; sent again: %s\n",
                  UNITS_GROUPED(moved), UNITS_GROUPED(asked), UNITS_GROUPED(tryagain),
                  UNITS_GROUPED(down), UNITS_GROUPED(counters[COUNTER_RESENT]));
}

static void print_handshakes(struct output *out, const struct run_result *result)
{
    const struct histogram *times = &result->total->histograms[HISTOGRAM_HANDSHAKE];
    uint64_t count = result->total->counters[COUNTER_HANDSHAKES];
    if (count == 0)
        return;
    output_printf(out, "TLS handshakes: %s, %s resumed", UNITS_GROUPED(count),
                  UNITS_GROUPED(result->total->counters[COUNTER_HANDSHAKES_RESUMED]));
    /* Without renewals they are those before the start, which no second of the run has seen. */
    if (result->total->counters[COUNTER_CONNECTIONS_RECYCLED] > 0)
        output_printf(out, " (%s per second)", UNITS_REAL(figure_rate(count, result->seconds), 2));
    output_printf(out, ", p50 %s ms, p99 %s ms, max %s ms\n",
                  UNITS_REAL(clock_ms(histogram_quantile(times, 0.50)), 3),
                  UNITS_REAL(clock_ms(histogram_quantile(times, 0.99)), 3),
                  UNITS_REAL(clock_ms(times->max_ns), 3));
}

void text_connections(struct output *out, const struct run_result *result)
{
    const uint64_t *counters = result->total->counters;
    const struct histogram *connect = &result->total->histograms[HISTOGRAM_CONNECT];
    uint64_t recycled = counters[COUNTER_CONNECTIONS_RECYCLED];
    uint64_t redirected = counters[COUNTER_MOVED] + counters[COUNTER_ASKED] +
                          counters[COUNTER_TRYAGAIN] + counters[COUNTER_CLUSTERDOWN];
    if (recycled + redirected + counters[COUNTER_HANDSHAKES] + counters[COUNTER_IDLE_LOST] == 0)
        return;
    output_printf(out, "\nConnections:\n===========\n");
    print_handshakes(out, result);
    if (recycled > 0)
        output_printf(out,
                      "%s: %s (%s per second), time to connect p50 %s "
                      "ms, p99 %s ms, max %s ms\n",
                      result->facts->renewed ? "Renewed by plan" : "Moved to another node",
                      UNITS_GROUPED(recycled),
                      UNITS_REAL(figure_rate(recycled, result->seconds), 2),
                      UNITS_REAL(clock_ms(histogram_quantile(connect, 0.50)), 3),
                      UNITS_REAL(clock_ms(histogram_quantile(connect, 0.99)), 3),
                      UNITS_REAL(clock_ms(connect->max_ns), 3));
    print_redirections(out, counters);
    if (counters[COUNTER_IDLE_LOST] > 0)
        text_count(out, "Idle connections lost", counters[COUNTER_IDLE_LOST]);
}
