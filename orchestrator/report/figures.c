#include "orchestrator/report/figures.h"

#include <math.h>
#include <stdio.h>

#include "common/clock.h"

/* 1 - q is not exact in binary (100 - 99.9 is 0.0999...): compare with a little room. */
#define ROUNDING 1e-6

const enum counter figure_unanswered_causes[FIGURE_UNANSWERED_CAUSES] = {
    COUNTER_TIMED_OUT,     COUNTER_LOST_TIMEOUT, COUNTER_LOST_DISCONNECT,
    COUNTER_LOST_PROTOCOL, COUNTER_LOST_DRAIN,   COUNTER_LOST_WORKER};

bool figure_few_samples(uint64_t count, double percent)
{
    double above = (100.0 - percent) / 100.0;
    return above > 0 && (double)count * above < 10.0 * (1.0 - ROUNDING);
}

struct figure_percentile figure_percentile(const struct interval_row *row,
                                           const struct histogram *histogram, double percent)
{
    struct figure_percentile figure = {.empty = histogram->count == 0};
    if (figure.empty)
        return figure;
    double above = (100.0 - percent) / 100.0;
    uint64_t unanswered = 0, sent = 0;
    if (row != NULL) {
        unanswered = row->counters[COUNTER_TIMED_OUT] + counters_lost(row->counters);
        sent = row->counters[COUNTER_SENT];
    }
    figure.few_samples = figure_few_samples(histogram->count, percent);
    figure.censored =
        unanswered > 0 && (double)unanswered > above * (double)sent * (1.0 + ROUNDING);
    figure.value_ns =
        figure.censored ? histogram->max_ns : histogram_quantile(histogram, percent / 100.0);
    return figure;
}

uint64_t figure_failed(const uint64_t counters[COUNTER_COUNT])
{
    return counters[COUNTER_ERROR_REPLIES] + counters[COUNTER_TIMED_OUT] + counters_lost(counters);
}

uint64_t figure_answered(const uint64_t counters[COUNTER_COUNT])
{
    return counters[COUNTER_OK] + counters[COUNTER_ERROR_REPLIES];
}

double figure_share(uint64_t part, uint64_t whole)
{
    return whole == 0 ? 0.0 : (double)part / (double)whole;
}

double figure_rate(uint64_t count, double seconds)
{
    return seconds > 0 ? (double)count / seconds : 0.0;
}

double figure_row_seconds(const struct interval_row *row)
{
    return (double)(row->header.end_ns - row->header.start_ns) / (double)NS_PER_SECOND;
}

char *figure_ordinal(char *text, size_t text_bytes, double percent)
{
    const char *ending = "th";
    if (percent == floor(percent)) {
        unsigned whole = (unsigned)percent;
        unsigned last = whole % 10;
        if (whole / 10 % 10 != 1 && last >= 1 && last <= 3)
            ending = last == 1 ? "st" : last == 2 ? "nd" : "rd";
    }
    snprintf(text, text_bytes, "%.10g%s", percent, ending);
    return text;
}

const char *figure_lost_cause_name(enum counter counter)
{
    switch (counter) {
    case COUNTER_TIMED_OUT:
        return "timed_out";
    case COUNTER_LOST_TIMEOUT:
        return "timeout";
    case COUNTER_LOST_DISCONNECT:
        return "disconnect";
    case COUNTER_LOST_PROTOCOL:
        return "protocol";
    case COUNTER_LOST_DRAIN:
        return "drain";
    case COUNTER_LOST_WORKER:
        return "worker";
    default:
        return "unknown";
    }
}
