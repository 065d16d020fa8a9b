/* What a short output leaves out and nobody must miss: one line on stderr for each thing that failed. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/units.h"
#include "orchestrator/report/metric.h"
#include "orchestrator/report/sinks.h"

static void tell_errors(const struct run_result *result)
{
    for (uint32_t i = 0; i < result->error_kinds->count; i++) {
        uint64_t replies = result->total->errors_by_kind[i];
        if (replies > 0)
            log_line(LOG_WARNING, "%s: %s error repl%s like this: %s", result->facts->name,
                     UNITS_GROUPED(replies), replies == 1 ? "y" : "ies",
                     result->error_kinds->kinds[i].text);
    }
}

/* "120 requests without a reply: timed out 20, lost 100 (disconnect 90, drain 10)". */
static void tell_unanswered(const struct run_result *result)
{
    const struct metric_slice slice = metric_slice_of_run(result);
    uint64_t timed_out = metric_count(&slice, METRIC_TIMED_OUT);
    uint64_t lost = metric_count(&slice, METRIC_LOST);
    char line[256];
    const char *separator = " (";
    int used;
    if (timed_out + lost == 0)
        return;
    used = snprintf(line, sizeof line, "%s request%s without a reply: timed out %s, lost %s",
                    UNITS_GROUPED(timed_out + lost), timed_out + lost == 1 ? "" : "s",
                    UNITS_GROUPED(timed_out), UNITS_GROUPED(lost));
    for (enum metric_id id = METRIC_LOST_TIMEOUT; id <= METRIC_LOST_WORKER; id++) {
        uint64_t count = metric_count(&slice, id);
        if (count == 0 || used < 0 || (size_t)used >= sizeof line)
            continue;
        used += snprintf(line + used, sizeof line - (size_t)used, "%s%s %s", separator,
                         metric_key(id), UNITS_GROUPED(count));
        separator = ", ";
    }
    log_line(LOG_WARNING, "%s: %s%s", result->facts->name, line, separator[0] == ',' ? ")" : "");
}

static void tell_without_latency(const struct run_result *result)
{
    const uint64_t without = metric_total(result, METRIC_OK_WITHOUT_LATENCY);
    if (without > 0)
        log_line(LOG_WARNING,
                 "%s: the latencies of %s of %s requests that were answered were lost with a "
                 "worker that was killed: the percentiles are of the others",
                 result->facts->name, UNITS_GROUPED(without),
                 UNITS_GROUPED(metric_total(result, METRIC_OK)));
}

static void tell_outages(const struct run_result *result)
{
    const struct outage_list *all = outages_of_all(result->outages);
    if (all->count > 0)
        log_line(LOG_WARNING,
                 "%s: %.3f s without one success in %" PRIu64
                 " outage%s, the longest %.3f s from %.3f s on",
                 result->facts->name, clock_seconds(all->total_ns), all->count,
                 all->count == 1 ? "" : "s", clock_seconds(all->longest_ns),
                 clock_seconds(all->longest_begin_ns) - clock_seconds(result->facts->warmup_ns));
}

/* That the run failed is said by whoever has run it. */
static void tell_verdict(const struct run_result *result)
{
    if (result->verdict.level != VERDICT_RED)
        return;
    for (uint32_t i = 0; i < result->verdict.check_count; i++) {
        const struct verdict_check *check = &result->verdict.checks[i];
        if (check->level == VERDICT_RED && strcmp(check->name, "failed") != 0)
            log_line(LOG_WARNING, "%s: verdict RED, %s (%s): %s", result->facts->name, check->name,
                     check->text, check->advice);
    }
}

static enum err_code run_end(void *state, const struct run_result *result, struct err *err)
{
    (void)state;
    (void)err;
    tell_errors(result);
    tell_unanswered(result);
    tell_without_latency(result);
    tell_outages(result);
    if (!result->facts->prefill)
        tell_verdict(result);
    return OK;
}

struct sink sink_trouble(void)
{
    return (struct sink){.name = "trouble", .run_end = run_end};
}
