#include "orchestrator/commands/scenario_host.h"

#include <math.h>
#include <stdio.h>

#include "common/log.h"
#include "common/printable.h"
#include "common/units.h"
#include "orchestrator/commands/scenario_watch.h"
#include "orchestrator/machine/memory.h"
#include "orchestrator/machine/process.h"

/* Summed over servers; NAN as soon as one is not known. */
static void add(double *sum, double value)
{
    *sum = value < 0 ? NAN : isnan(*sum) ? value : *sum + value;
}

static void look_at_processes(const struct scenario_run *run, double *rss, double *cpu)
{
    const struct session *session = run->session;
    *rss = *cpu = NAN;
    for (uint32_t i = 0; i < session->managed.count; i++) {
        const pid_t pid = session->managed.nodes[i].process.pid;
        if (pid == 0)
            continue; /* it was killed */
        add(rss, process_rss_bytes(pid));
        add(cpu, process_cpu_seconds(pid));
    }
    if (session->managed.count == 0 && session->locality.known && session->locality.pid > 0) {
        add(rss, process_rss_bytes(session->locality.pid));
        add(cpu, process_cpu_seconds(session->locality.pid));
    }
}

void scenario_host_look(const struct scenario_run *run, double values[SERIES_METRICS])
{
    if (!run->session->locality.local)
        return;
    const uint64_t available = memory_available("");
    look_at_processes(run, &values[SERIES_PROCESS_RSS], &values[SERIES_PROCESS_CPU]);
    if (available != UINT64_MAX)
        values[SERIES_HOST_AVAILABLE] = (double)available;
}

static bool may_grow(const struct phase *phase)
{
    switch (phase->type) {
    case PHASE_LOAD:
    case PHASE_RAMP:
    case PHASE_HOLD:
    case PHASE_BURST:
    case PHASE_OVERWRITE:
    case PHASE_PARALLEL:
        return true;
    default:
        return false;
    }
}

void scenario_host_guard(struct scenario_run *run, const double values[SERIES_METRICS])
{
    const struct phase *phase = scenario_phase_now(run);
    char why[160], left[32];
    if (run->force || run->done || !may_grow(phase) ||
        !(values[SERIES_HOST_AVAILABLE] < run->host_least_bytes))
        return;
    units_format_size(left, sizeof left, (uint64_t)values[SERIES_HOST_AVAILABLE]);
    snprintf(why, sizeof why, "this host has %s of memory left", left);
    log_line(LOG_ERROR, "%s is ended: %s", PRINTABLE(phase->name), why);
    run->host_short = true;
    scenario_phase_end(run, why);
}
