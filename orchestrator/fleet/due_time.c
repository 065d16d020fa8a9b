#include "orchestrator/fleet/due_time.h"

uint64_t due_time_ns(const struct worker_run *run, const struct schedule *schedule,
                     uint64_t begin_ns, uint64_t stop_ns)
{
    schedule_hint hint = 0;
    uint64_t end_ns = SCHEDULE_NEVER;
    if (!run->open_loop)
        return 0;
    if (stop_ns != IPC_NEVER && stop_ns > begin_ns)
        end_ns = stop_ns - begin_ns;
    if (run->duration_ns > 0 && run->duration_ns < end_ns)
        end_ns = run->duration_ns;
    if (run->requests > 0) {
        /* When one more would be due: n requests at a steady rate take n gaps. */
        uint64_t last_ns = schedule_time_ns(schedule, run->requests, &hint);
        end_ns = last_ns < end_ns ? last_ns : end_ns;
    }
    return end_ns == SCHEDULE_NEVER ? 0 : end_ns;
}

double due_rate(const struct schedule *schedule, uint64_t due_ns, bool changed)
{
    if (due_ns == 0)
        return 0;
    return changed ? (double)schedule_rate_micro(schedule, due_ns) / (double)SCHEDULE_MICRO
                   : (double)schedule_units_at(schedule, due_ns) /
                         ((double)due_ns * (double)SCHEDULE_MICRO);
}
