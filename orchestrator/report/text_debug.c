#include <inttypes.h>
#include <math.h>

#include "common/clock.h"
#include "common/units.h"
#include "orchestrator/report/figures.h"
#include "orchestrator/report/text.h"

#define TICKS_PER_HALF_DISTANCE 5.0

void text_spectrum(struct output *out, const struct histogram *histogram)
{
    output_printf(out, "\nPercentile Spectrum (ms):\n========================\n");
    output_printf(out, "%12s %14s %10s %14s\n\n", "Value", "Percentile", "TotalCount",
                  "1/(1-Percentile)");
    double q = 0;
    uint64_t counted = 0;
    while (counted < histogram->count && q < 1.0) {
        uint64_t value_ns = histogram_quantile(histogram, q);
        counted = histogram_count_at_or_below(histogram, value_ns);
        if (counted == histogram->count)
            break;
        output_printf(out, "%12.3f %14.12f %10" PRIu64 " %14.2f\n", clock_ms(value_ns), q, counted,
                      1.0 / (1.0 - q));
        double half_distance = pow(2.0, floor(log2(1.0 / (1.0 - q))) + 1.0);
        q += 1.0 / (TICKS_PER_HALF_DISTANCE * half_distance);
    }
    if (histogram->count > 0)
        output_printf(out, "%12.3f %14.12f %10" PRIu64 "\n", clock_ms(histogram->max_ns), 1.0,
                      histogram->count);
    output_printf(out, "#[Mean    = %12.3f, StdDeviation   = %12.3f]\n",
                  histogram_mean(histogram) / NS_PER_MS, histogram_stdev(histogram) / NS_PER_MS);
    output_printf(out, "#[Max     = %12.3f, Total count    = %12" PRIu64 "]\n",
                  clock_ms(histogram->max_ns), histogram->count);
}

void text_workers(struct output *out, const struct run_result *result)
{
    output_printf(out, "\nWorkers:\n=======\n");
    for (uint32_t i = 0; i < result->worker_count; i++) {
        const struct worker_summary *worker = &result->workers[i];
        output_printf(out, "worker %" PRIu32 ": pid %" PRId64 ", ", worker->index, worker->pid);
        if (worker->cpu >= 0)
            output_printf(out, "CPU %d", worker->cpu);
        else
            output_printf(out, "not pinned");
        double busy_seconds = worker->cpu_user_seconds + worker->cpu_system_seconds;
        double work_seconds = busy_seconds - worker->spin_seconds;
        output_printf(out,
                      ", %s requests (%s per second), CPU %s s user + %s s "
                      "system (%.1f%%",
                      UNITS_GROUPED(worker->requests),
                      UNITS_REAL(figure_rate(worker->requests, result->seconds), 2),
                      UNITS_REAL(worker->cpu_user_seconds, 3),
                      UNITS_REAL(worker->cpu_system_seconds, 3),
                      result->seconds > 0 ? busy_seconds / result->seconds * 100 : 0.0);
        if (worker->spin_seconds > 0)
            output_printf(out, "; %.1f%% without %s s of spinning",
                          result->seconds > 0 ? work_seconds / result->seconds * 100 : 0.0,
                          UNITS_REAL(worker->spin_seconds, 3));
        output_printf(out, "), %" PRIu32 " restarts\n", worker->restarts);
    }
}
