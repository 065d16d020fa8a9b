/* The tables of classes of requests, and of the parts of those that are several commands. */
#include <string.h>

#include "common/clock.h"
#include "common/printable.h"
#include "common/units.h"
#include "orchestrator/report/figures.h"
#include "orchestrator/report/text.h"

const char *text_lane_time(char text[TEXT_TIME_BYTES], const struct metric_slice *slice,
                           enum metric_statistic_kind kind, double percent)
{
    const struct metric_statistic statistic = {"", kind, percent};
    const struct metric_value time = metric_read(slice, METRIC_RESPONSE_TIME, &statistic);
    const double shown_ns = time.known ? time.number : (double)time.at_least_ns;
    if (!time.known && (!time.censored || time.at_least_ns == 0))
        return "-";
    snprintf(text, TEXT_TIME_BYTES, "%s%s", time.known ? "" : ">= ", TEXT_MS(shown_ns));
    return text;
}

/* Of what was read; "-" when nothing was. */
static const char *misses_text(char text[TEXT_TIME_BYTES], const struct metric_slice *slice)
{
    const uint64_t misses = metric_count(slice, METRIC_MISSES);
    const uint64_t read = metric_count(slice, METRIC_HITS) + misses;
    if (read == 0)
        return "-";
    snprintf(text, TEXT_TIME_BYTES, "%.2f%%", figure_share(misses, read) * 100);
    return text;
}

static void print_head(struct output *out, const char *what, int width)
{
    output_printf(out, "%-*s  %7s  %13s  %11s  %11s  %11s  %10s  %10s  %7s\n", width, what, "share",
                  "ok per second", "p50", "p99", "max", "errors", "unanswered", "misses");
}

static void print_row(struct output *out, const char *name, const struct metric_slice *slice,
                      const struct metric_slice *whole, int width)
{
    const uint64_t unanswered =
        metric_count(slice, METRIC_TIMED_OUT) + metric_count(slice, METRIC_LOST);
    const double share =
        figure_share(metric_count(slice, METRIC_SENT), metric_count(whole, METRIC_SENT));
    char p50[TEXT_TIME_BYTES], p99[TEXT_TIME_BYTES], max[TEXT_TIME_BYTES], misses[TEXT_TIME_BYTES];
    output_printf(out, "%-*s  %6.2f%%  %13s  %11s  %11s  %11s  %10s  %10s  %7s\n", width,
                  PRINTABLE(name), share * 100,
                  UNITS_REAL(metric_read(slice, METRIC_ACHIEVED_RATE, NULL).number, 2),
                  text_lane_time(p50, slice, STATISTIC_PERCENTILE, 50),
                  text_lane_time(p99, slice, STATISTIC_PERCENTILE, 99),
                  text_lane_time(max, slice, STATISTIC_MAX, 0),
                  UNITS_GROUPED(metric_count(slice, METRIC_ERRORS)), UNITS_GROUPED(unanswered),
                  misses_text(misses, slice));
}

/* "50 connections, pipeline of 16, 10,000/s, even, 99.2 % of it sent". */
static void print_load(struct output *out, const struct run_stream *stream,
                       const struct stream_result *result, int width)
{
    output_printf(out, "%-*s  %s connection%s", width, PRINTABLE(stream->name),
                  UNITS_GROUPED(stream->clients), stream->clients == 1 ? "" : "s");
    if (stream->pipeline > 1)
        output_printf(out, ", pipeline of %s", UNITS_GROUPED(stream->pipeline));
    if (stream->database > 0)
        output_printf(out, ", database %s", UNITS_GROUPED(stream->database));
    if (stream->user[0] != '\0')
        output_printf(out, ", user %s", PRINTABLE(stream->user));
    if (stream->rate_text[0] == '\0')
        output_printf(out, ", closed loop\n");
    else if (!result->known)
        output_printf(out, ", %s\n", PRINTABLE(stream->rate_text));
    else
        output_printf(out, ", %s, %.2f%% of it sent\n", PRINTABLE(stream->rate_text),
                      result->due > 0 ? figure_share(result->sent, result->due) * 100 : 100.0);
}

static int name_width(const char *head, size_t least, const char *name)
{
    const size_t length = strlen(PRINTABLE(name));
    least = least > strlen(head) ? least : strlen(head);
    return (int)(length > least ? length : least);
}

static void print_streams(struct output *out, const struct run_result *result)
{
    const struct run_facts *facts = result->facts;
    const struct metric_slice whole = metric_slice_of_run(result);
    int width = 0;
    if (facts->stream_count == 0)
        return;
    for (uint32_t i = 0; i < facts->stream_count; i++)
        width = name_width("workload", (size_t)width, facts->streams[i].name);
    output_printf(out, "\nWorkloads:\n=========\n");
    for (uint32_t i = 0; i < facts->stream_count; i++)
        print_load(out, &facts->streams[i], &result->streams[i], width);
    output_printf(out, "\n");
    print_head(out, "workload", width);
    for (uint32_t i = 0; i < facts->stream_count; i++) {
        const struct metric_slice slice = metric_slice_of_stream(&whole, i);
        print_row(out, facts->streams[i].name, &slice, &whole, width);
    }
}

static void print_part(struct output *out, const struct metric_slice *whole, uint32_t index,
                       int width)
{
    const struct run_part *part = &whole->run->parts[index];
    const struct metric_slice slice = metric_slice_of_part(whole, index);
    char p50[TEXT_TIME_BYTES], p99[TEXT_TIME_BYTES], max[TEXT_TIME_BYTES], misses[TEXT_TIME_BYTES];
    output_printf(out, "%-*s  %-16s  %13s  %11s  %11s  %11s  %10s  %7s\n", width,
                  PRINTABLE(part->name), PRINTABLE(part->command),
                  UNITS_REAL(metric_read(&slice, METRIC_ACHIEVED_RATE, NULL).number, 2),
                  text_lane_time(p50, &slice, STATISTIC_PERCENTILE, 50),
                  text_lane_time(p99, &slice, STATISTIC_PERCENTILE, 99),
                  text_lane_time(max, &slice, STATISTIC_MAX, 0),
                  UNITS_GROUPED(metric_count(&slice, METRIC_ERRORS)), misses_text(misses, &slice));
}

static void print_parts(struct output *out, const struct run_result *result)
{
    const struct run_facts *facts = result->facts;
    const struct metric_slice whole = metric_slice_of_run(result);
    size_t width = strlen("part");
    uint32_t count = 0; /* consumers stand behind them */
    while (count < facts->part_count && !facts->parts[count].consumes &&
           !facts->parts[count].is_stage)
        count++;
    if (count == 0)
        return;
    for (uint32_t i = 0; i < count; i++) {
        const size_t length = strlen(PRINTABLE(facts->parts[i].name));
        width = length > width ? length : width;
    }
    output_printf(out,
                  "\nParts:\n=====\n(%s in ms, each from the beginning of the whole request to the "
                  "part's own answer)\n",
                  facts->open_loop ? "response times" : "service times");
    output_printf(out, "%-*s  %-16s  %13s  %11s  %11s  %11s  %10s  %7s\n", (int)width, "part",
                  "command", "ok per second", "p50", "p99", "max", "errors", "misses");
    for (uint32_t i = 0; i < count; i++)
        print_part(out, &whole, i, (int)width);
}

static void print_classes(struct output *out, const struct run_result *result)
{
    const struct run_facts *facts = result->facts;
    const struct metric_slice whole = metric_slice_of_run(result);
    int width = 0;
    if (facts->class_count == 0)
        return;
    for (uint32_t i = 0; i < facts->class_count; i++)
        width = name_width("class", (size_t)width, facts->class_names[i]);
    output_printf(out, "\nClasses:\n=======\n(%s in ms; share: of the requests sent)\n",
                  facts->open_loop ? "response times" : "service times");
    print_head(out, "class", width);
    for (uint32_t i = 0; i < facts->class_count; i++) {
        const struct metric_slice slice = metric_slice_of_class(&whole, i);
        print_row(out, facts->class_names[i], &slice, &whole, width);
    }
}

void text_lanes(struct output *out, const struct run_result *result)
{
    print_streams(out, result);
    print_classes(out, result);
    print_parts(out, result);
    text_consumers(out, result);
}
