#include "orchestrator/capacity/curve.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "orchestrator/options/rate_text.h"
#include "orchestrator/report/metric.h"

static void add_percentile(struct curve *curve, double percent)
{
    uint32_t at = 0;
    while (at < curve->percentile_count && curve->percentiles[at] < percent)
        at++;
    if (at < curve->percentile_count && !(curve->percentiles[at] > percent))
        return;
    memmove(&curve->percentiles[at + 1], &curve->percentiles[at],
            (curve->percentile_count - at) * sizeof curve->percentiles[0]);
    curve->percentiles[at] = percent;
    curve->percentile_count++;
}

enum err_code curve_init(struct curve *curve, const struct objective_list *objectives,
                         const double *percentiles, uint32_t percentile_count, struct err *err)
{
    *curve = (struct curve){.objectives = objectives};
    for (uint32_t i = 0; i < percentile_count; i++)
        add_percentile(curve, percentiles[i]);
    for (uint32_t i = 0; i < objectives->count; i++)
        if (objectives->items[i].kind == OBJECTIVE_PERCENTILE)
            add_percentile(curve, objectives->items[i].percent);
    curve->probes = calloc(SEARCH_PROBES_MAX, sizeof curve->probes[0]);
    if (curve->probes == NULL)
        return err_set(err, E_SYSTEM, "no memory for the probes");
    return OK;
}

void curve_free(struct curve *curve)
{
    for (uint32_t i = 0; i < curve->probe_count; i++)
        free(curve->probes[i].windows);
    free(curve->probes);
    *curve = (struct curve){0};
}

static void read_total(struct probe *probe, const struct curve *curve,
                       const struct run_result *result)
{
    const struct interval_row *total = result->total;
    const struct histogram *response = &total->histograms[HISTOGRAM_RESPONSE_OK];
    const uint64_t *counters = total->counters;
    for (uint32_t i = 0; i < curve->percentile_count; i++)
        probe->percentiles[i] =
            figure_percentile(total, HISTOGRAM_RESPONSE_OK, curve->percentiles[i]);
    struct metric_slice slice = metric_slice_of(total, true);
    slice.run = result->facts;
    for (uint32_t i = 0; i < curve->objectives->count; i++)
        probe->readings[i] = objective_read(&curve->objectives->items[i], &slice);
    probe->answered = response->count > 0;
    probe->mean_ns = (uint64_t)llround(histogram_mean(response));
    probe->max_ns = probe->answered ? response->max_ns : 0;
    probe->mean_of_all = figure_mean(total, HISTOGRAM_RESPONSE_OK);
    probe->max_of_all = figure_percentile(total, HISTOGRAM_RESPONSE_OK, 100);
    probe->seconds = result->seconds;
    uint64_t failed = figure_failed(counters);
    probe->error_share = figure_share(failed, failed + counters[COUNTER_OK]);
    probe->backlog = total->header.backlog_after;
    probe->loop_lag_p99_ns = histogram_quantile(&total->histograms[HISTOGRAM_LOOP_LAG], 0.99);
    target_reached_judge(&probe->target, result);
    probe->verdict = result->verdict;
}

/* The rate of answers without an error while the windows were measured, but for those to the last
 * requests. */
static double rate_of(const struct windows *windows)
{
    uint64_t ok = 0;
    double seconds = 0;
    for (uint32_t i = 0; i < windows->count; i++) {
        ok += windows->list[i].ok;
        seconds += windows->list[i].seconds;
    }
    return figure_rate(ok, seconds);
}

/* Windows of a probe that fell behind as a whole have all failed, however they look one by one; and a
 * backlog of more than a second's load does not go away at the same rate. */
static void count_windows(struct probe *probe, const struct curve *curve,
                          const struct windows *windows)
{
    probe->kept_up = windows_kept_up(windows);
    probe->windows_passed = probe->kept_up ? windows->passed : 0;
    probe->windows_judged = windows->count;
    if (probe->end == PROBE_HOPELESS)
        probe->windows_judged = curve->windows;
    probe->passed = probe->end != PROBE_ERROR && 2 * probe->windows_passed > probe->windows_judged;
}

enum err_code curve_add(struct curve *curve, uint64_t rate_micro, bool retest,
                        const struct windows *windows, const struct run_result *result,
                        struct err *err)
{
    struct probe *probe = &curve->probes[curve->probe_count];
    *probe = (struct probe){.rate_micro = rate_micro, .retest = retest};
    probe->windows = calloc(windows->count + 1, sizeof probe->windows[0]);
    if (probe->windows == NULL)
        return err_set(err, E_SYSTEM, "no memory for the windows of a probe");
    memcpy(probe->windows, windows->list, windows->count * sizeof probe->windows[0]);
    probe->window_count = windows->count;
    probe->end = result->interrupted                                    ? PROBE_CUT
                 : windows->hopeless                                    ? PROBE_HOPELESS
                 : windows->count + windows->degraded >= curve->windows ? PROBE_WHOLE
                 : 2 * windows->passed > windows->count                 ? PROBE_WON
                                                                        : PROBE_LOST;
    if (mishap_find(probe->mishap, sizeof probe->mishap, result))
        probe->end = PROBE_ERROR;
    read_total(probe, curve, result);
    probe->achieved = rate_of(windows);
    count_windows(probe, curve, windows);
    curve->probe_count++;
    return OK;
}

bool probe_counts(const struct probe *probe)
{
    return probe->end != PROBE_CUT && probe->end != PROBE_ERROR;
}

const char *probe_end_name(enum probe_end end)
{
    static const char *const names[] = {"whole", "won", "lost", "hopeless", "cut", "error"};
    return names[end];
}

struct search_outcome probe_outcome(const struct probe *probe,
                                    const struct objective_list *objectives)
{
    struct search_outcome outcome = {
        .rate_micro = probe->rate_micro,
        .passed = probe->windows_passed,
        .windows = probe->windows_judged,
        .close = probe->windows_passed < probe->windows_judged,
    };
    outcome.clear = probe->windows_passed == 0;
    for (uint32_t w = 0; w < probe->window_count; w++) {
        outcome.clear = outcome.clear && !(probe->kept_up && probe->windows[w].kept_up);
        for (uint32_t i = 0; i < objectives->count; i++)
            outcome.close |= objective_has_little_to_spare(&objectives->items[i],
                                                           &probe->windows[w].readings[i]);
    }
    outcome.clear |= probe->end == PROBE_HOPELESS;
    return outcome;
}

/* --- what limits ----------------------------------------------------------------------------- */

/* What the windows at one rate failed by. */
struct failures {
    uint32_t windows, throughput, slo[OBJECTIVE_MAX];
    uint64_t due, answered;
    const struct probe *last; /* of those probes */
};

static struct failures failures_at(const struct curve *curve, uint64_t rate_micro)
{
    struct failures failures = {0};
    for (uint32_t p = 0; p < curve->probe_count; p++) {
        const struct probe *probe = &curve->probes[p];
        if (probe->rate_micro != rate_micro || !probe_counts(probe))
            continue;
        failures.last = probe;
        for (uint32_t w = 0; w < probe->window_count; w++) {
            const struct window *window = &probe->windows[w];
            failures.windows++;
            failures.due += window->due;
            failures.answered += window->answered;
            failures.throughput += !window->kept_up || !probe->kept_up;
            for (uint32_t i = 0; i < curve->objectives->count; i++)
                failures.slo[i] += !window->readings[i].kept;
        }
    }
    return failures;
}

/* A worker that is always busy limits whatever else fails, and so does one that was stopped. Loop lag is
 * weighed only where the server kept up. */
static bool is_volley(struct limit *limit, const struct failures *failures,
                      const struct objective *slo, const char *rate)
{
    const struct probe *probe = failures->last;
    const struct target_evidence *evidence = &probe->target.evidence;
    bool behind = 2 * failures->throughput > failures->windows;
    if (evidence->cpu.share >= WORKER_LIMIT_SHARE) {
        char cpu[128];
        snprintf(limit->evidence, sizeof limit->evidence, "at %s/s %s: %s", rate,
                 target_cpu_text(cpu, sizeof cpu, &evidence->cpu),
                 target_cpu_is_kept(&evidence->cpu)
                     ? "leave the worker a CPU of its own (--cpus), or stop what runs beside it"
                     : "give volley more workers (--processes) on free CPUs");
        return true;
    }
    if (behind &&
        (probe->target.limit == TARGET_VOLLEY_LATE || probe->target.limit == TARGET_WORKER_DIED)) {
        snprintf(limit->evidence, sizeof limit->evidence, "at %s/s %s", rate,
                 probe->target.sentence);
        return true;
    }
    if (slo == NULL || slo->kind == OBJECTIVE_ERRORS || behind)
        return false;
    bool lagging = probe->loop_lag_p99_ns > slo->limit_ns / 2;
    bool slipping = evidence->slip_p99_ns > slo->limit_ns / 2;
    if (lagging || slipping)
        snprintf(limit->evidence, sizeof limit->evidence,
                 "at %s/s volley's own delay was more than half of %s: slip p99 %.3f ms, loop lag "
                 "p99 %.3f ms",
                 rate, slo->text, clock_ms(evidence->slip_p99_ns),
                 clock_ms(probe->loop_lag_p99_ns));
    return lagging || slipping;
}

static void say_slo(struct limit *limit, const struct curve *curve, const struct failures *failures,
                    const char *rate)
{
    const struct objective *slo = &curve->objectives->items[limit->slo];
    const struct probe *probe = failures->last;
    struct objective_reading worst = {.kept = true};
    char reading[OBJECTIVE_READING_BYTES];
    for (uint32_t w = 0; w < probe->window_count; w++) {
        const struct objective_reading *seen = &probe->windows[w].readings[limit->slo];
        if (!seen->kept &&
            (worst.kept || seen->value_ns > worst.value_ns || seen->share > worst.share))
            worst = *seen;
    }
    snprintf(limit->evidence, sizeof limit->evidence,
             "at %s/s it was broken in %u of %u windows, the worst: %s", rate,
             failures->slo[limit->slo], failures->windows,
             objective_format_reading(reading, sizeof reading, slo, &worst));
}

static void say_throughput(struct limit *limit, const struct failures *failures, const char *rate)
{
    const char *sentence = failures->last->target.sentence;
    snprintf(limit->evidence, sizeof limit->evidence,
             "at %s/s %.1f %% of what fell due was answered in time, and %u of %u windows fell "
             "behind%s%s",
             rate, figure_share(failures->answered, failures->due) * 100, failures->throughput,
             failures->windows, sentence[0] != '\0' ? "; " : "", sentence);
}

void curve_find_limit(struct curve *curve)
{
    struct limit *limit = &curve->limit;
    *limit = (struct limit){.kind = LIMIT_UNKNOWN};
    if (curve->finding.first_failing_micro == 0)
        return;
    struct failures failures = failures_at(curve, curve->finding.first_failing_micro);
    if (failures.last == NULL || failures.windows == 0)
        return;
    for (uint32_t i = 1; i < curve->objectives->count; i++)
        if (failures.slo[i] > failures.slo[limit->slo])
            limit->slo = i;
    const struct objective *slo =
        failures.slo[limit->slo] > 0 ? &curve->objectives->items[limit->slo] : NULL;
    char rate[RATE_TEXT_BYTES];
    rate_format(rate, sizeof rate, failures.last->rate_micro);
    if (is_volley(limit, &failures, slo, rate)) {
        limit->kind = LIMIT_VOLLEY;
        snprintf(limit->name, sizeof limit->name, "volley itself");
    } else if (slo == NULL || 2 * failures.throughput > failures.windows) {
        /* What falls behind breaks objectives, too, because of it. */
        limit->kind = LIMIT_THROUGHPUT;
        snprintf(limit->name, sizeof limit->name, "throughput");
        say_throughput(limit, &failures, rate);
    } else {
        limit->kind = LIMIT_SLO;
        snprintf(limit->name, sizeof limit->name, "%s", slo->text);
        say_slo(limit, curve, &failures, rate);
    }
}

/* --- headroom -------------------------------------------------------------------------------- */

uint64_t headroom_wanted_micro(const struct headroom *headroom)
{
    return (uint64_t)llround(headroom->factor * (double)headroom->load_micro);
}

double curve_headroom(const struct curve *curve)
{
    return (double)curve->finding.rate_micro / (double)curve->headroom.load_micro;
}

bool curve_keeps_headroom(const struct curve *curve)
{
    return curve->finding.rate_micro >= headroom_wanted_micro(&curve->headroom);
}
