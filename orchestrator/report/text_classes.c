/* The table of classes of requests. */
#include <string.h>

#include "common/clock.h"
#include "common/printable.h"
#include "common/units.h"
#include "orchestrator/report/figures.h"
#include "orchestrator/report/text.h"

#define TIME_BYTES 32u

/* ">= 2.500" where too many without a reply hide it; "-" when nobody was answered. */
static const char *time_text(char text[TIME_BYTES], const struct metric_slice *slice,
                             enum metric_statistic_kind kind, double percent)
{
    const struct metric_statistic statistic = {"", kind, percent};
    const struct metric_value time = metric_read(slice, METRIC_RESPONSE_TIME, &statistic);
    const double shown_ns = time.known ? time.number : (double)time.at_least_ns;
    if (!time.known && !time.censored)
        return "-";
    snprintf(text, TIME_BYTES, "%s%s", time.known ? "" : ">= ", TEXT_MS(shown_ns));
    return text;
}

/* Of what was read; "-" when nothing was. */
static const char *misses_text(char text[TIME_BYTES], const struct metric_slice *slice)
{
    const uint64_t misses = metric_count(slice, METRIC_MISSES);
    const uint64_t read = metric_count(slice, METRIC_HITS) + misses;
    if (read == 0)
        return "-";
    snprintf(text, TIME_BYTES, "%.2f%%", figure_share(misses, read) * 100);
    return text;
}

static void print_class(struct output *out, const struct metric_slice *whole, uint32_t index,
                        int width)
{
    const struct metric_slice slice = metric_slice_of_class(whole, index);
    const uint64_t unanswered =
        metric_count(&slice, METRIC_TIMED_OUT) + metric_count(&slice, METRIC_LOST);
    const double share =
        figure_share(metric_count(&slice, METRIC_SENT), metric_count(whole, METRIC_SENT));
    char p50[TIME_BYTES], p99[TIME_BYTES], max[TIME_BYTES], misses[TIME_BYTES];
    output_printf(out, "%-*s  %6.2f%%  %13s  %11s  %11s  %11s  %10s  %10s  %7s\n", width,
                  PRINTABLE(whole->run->class_names[index]), share * 100,
                  UNITS_REAL(metric_read(&slice, METRIC_ACHIEVED_RATE, NULL).number, 2),
                  time_text(p50, &slice, STATISTIC_PERCENTILE, 50),
                  time_text(p99, &slice, STATISTIC_PERCENTILE, 99),
                  time_text(max, &slice, STATISTIC_MAX, 0),
                  UNITS_GROUPED(metric_count(&slice, METRIC_ERRORS)), UNITS_GROUPED(unanswered),
                  misses_text(misses, &slice));
}

void text_classes(struct output *out, const struct run_result *result)
{
    const struct run_facts *facts = result->facts;
    const struct metric_slice whole = metric_slice_of_run(result);
    size_t width = strlen("class");
    if (facts->class_count == 0)
        return;
    for (uint32_t i = 0; i < facts->class_count; i++) {
        const size_t length = strlen(PRINTABLE(facts->class_names[i]));
        width = length > width ? length : width;
    }
    output_printf(out, "\nClasses:\n=======\n(%s in ms; share: of the requests sent)\n",
                  facts->open_loop ? "response times" : "service times");
    output_printf(out, "%-*s  %7s  %13s  %11s  %11s  %11s  %10s  %10s  %7s\n", (int)width, "class",
                  "share", "ok per second", "p50", "p99", "max", "errors", "unanswered", "misses");
    for (uint32_t i = 0; i < facts->class_count; i++)
        print_class(out, &whole, i, (int)width);
}
