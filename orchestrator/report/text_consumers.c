/* What consumers got. */
#include <string.h>

#include "common/clock.h"
#include "common/printable.h"
#include "common/units.h"
#include "orchestrator/report/figures.h"
#include "orchestrator/report/text.h"

static void print_row(struct output *out, const struct metric_slice *whole, uint32_t index,
                      int width)
{
    const struct run_part *part = &whole->run->parts[index];
    const struct metric_slice slice = metric_slice_of_part(whole, index);
    char p50[TEXT_TIME_BYTES], p99[TEXT_TIME_BYTES], max[TEXT_TIME_BYTES];
    output_printf(out, "%-*s  %-15s  %13s  %10s  %10s  %10s  %13s  %13s  %9s\n", width,
                  PRINTABLE(part->name), PRINTABLE(part->command),
                  UNITS_REAL(metric_read(&slice, METRIC_ACHIEVED_RATE, NULL).number, 2),
                  text_lane_time(p50, &slice, STATISTIC_PERCENTILE, 50),
                  text_lane_time(p99, &slice, STATISTIC_PERCENTILE, 99),
                  text_lane_time(max, &slice, STATISTIC_MAX, 0),
                  UNITS_GROUPED(metric_count(&slice, METRIC_MESSAGES_DELIVERED)),
                  UNITS_GROUPED(metric_count(&slice, METRIC_MESSAGES_EXPECTED)),
                  UNITS_GROUPED(metric_count(&slice, METRIC_MESSAGES_LOST)));
}

/* What is not 0, in a sentence. */
static void print_more(struct output *out, const struct metric_slice *whole, uint32_t index)
{
    static const struct {
        enum metric_id metric;
        const char *text;
    } more[] = {
        {METRIC_MESSAGES_UNSURE, "unsure (sent, and no reply told whether they were taken)"},
        {METRIC_MESSAGES_DUPLICATES, "came twice"},
        {METRIC_MESSAGES_OUT_OF_ORDER, "out of order"},
        {METRIC_MESSAGES_FOREIGN, "not of this run"},
        {METRIC_MESSAGES_ACKNOWLEDGED, "acknowledged"},
        {METRIC_MESSAGES_PENDING, "pending at the end"},
        {METRIC_MESSAGES_CLAIMED, "claimed from other consumers"},
        {METRIC_MESSAGES_EMPTY_WAITS, "waits in vain"},
        {METRIC_ERRORS, "error replies"},
        {METRIC_MESSAGES_DISCONNECTED, "connections lost"},
    };
    const struct run_part *part = &whole->run->parts[index];
    const struct metric_slice slice = metric_slice_of_part(whole, index);
    bool any = false;
    for (size_t i = 0; i < sizeof more / sizeof more[0]; i++) {
        const uint64_t count = metric_count(&slice, more[i].metric);
        if (count == 0)
            continue;
        output_printf(out, "%s%s%s %s", any ? "" : PRINTABLE(part->name), any ? ", " : ": ",
                      UNITS_GROUPED(count), more[i].text);
        any = true;
    }
    if (any)
        output_printf(out, "\n");
}

void text_consumers(struct output *out, const struct run_result *result)
{
    const struct run_facts *facts = result->facts;
    const struct metric_slice whole = metric_slice_of_run(result);
    size_t width = strlen("consumers");
    bool any = false;
    for (uint32_t i = 0; i < facts->part_count; i++) {
        const size_t length = strlen(PRINTABLE(facts->parts[i].name));
        any |= facts->parts[i].consumes;
        width = facts->parts[i].consumes && length > width ? length : width;
    }
    if (!any)
        return;
    output_printf(out,
                  "\nConsumers:\n=========\n(%s until it was read, in ms; expected: "
                  "of messages that the server has taken)\n",
                  facts->open_loop ? "from the time at which a message was to be sent"
                                   : "from the sending of a message");
    output_printf(out, "%-*s  %-15s  %13s  %10s  %10s  %10s  %13s  %13s  %9s\n", (int)width,
                  "consumers", "command", "per second", "p50", "p99", "max", "delivered",
                  "expected", "lost");
    for (uint32_t i = 0; i < facts->part_count; i++)
        if (facts->parts[i].consumes)
            print_row(out, &whole, i, (int)width);
    for (uint32_t i = 0; i < facts->part_count; i++)
        if (facts->parts[i].consumes)
            print_more(out, &whole, i);
}
