#include "orchestrator/commands/explain_schedule.h"

#include <inttypes.h>
#include <stdlib.h>

#include "common/clock.h"
#include "common/units.h"
#include "orchestrator/options/rate_steps.h"
#include "orchestrator/options/rate_text.h"

#define TIMES_SHOWN 10u
#define ROWS_MAX 14u /* more edges than this: a row every tenth of the time */
#define ROWS_EVEN 10u

static uint64_t request_limit(const struct spec *spec)
{
    return spec->duration_ns > 0 ? 0 : spec->requests;
}

/* The streams of all workers, merged by time. */
static void print_first_times(FILE *out, const struct spec *spec, const struct schedule *schedule,
                              uint32_t worker_count)
{
    struct arrivals *streams = calloc(worker_count, sizeof *streams);
    uint64_t end_ns = spec->duration_ns > 0 ? spec->duration_ns : SCHEDULE_NEVER;
    if (streams == NULL)
        return;
    for (uint32_t i = 0; i < worker_count; i++)
        arrivals_init(&streams[i], schedule, spec->arrival, spec->seed, i, worker_count,
                      request_limit(spec));
    fprintf(out, "  first requests, from the start of measuring on\n");
    for (uint32_t shown = 0; shown < TIMES_SHOWN; shown++) {
        struct arrivals *next = &streams[0];
        for (uint32_t i = 1; i < worker_count; i++)
            if (streams[i].time_ns < next->time_ns)
                next = &streams[i];
        if (next->time_ns >= end_ns)
            break;
        fprintf(out, "  %15.9f s   ticket %-6" PRIu64 " worker %" PRIu32 "\n",
                clock_seconds(next->time_ns), next->index + next->number * worker_count,
                next->index);
        arrivals_advance(next);
    }
    free(streams);
}

static void print_rate_row(FILE *out, const struct spec *spec, const struct schedule *schedule,
                           uint64_t at_ns, uint64_t rate_micro)
{
    char rate[RATE_TEXT_BYTES];
    schedule_hint hint = 0;
    uint64_t tickets = schedule_tickets_before(schedule, at_ns, &hint);
    if (request_limit(spec) > 0 && tickets > request_limit(spec))
        tickets = request_limit(spec);
    fprintf(out, "  %15.3f s %17s/s %20s\n", clock_seconds(at_ns),
            rate_format(rate, sizeof rate, rate_micro), UNITS_GROUPED(tickets));
}

/* The rate in force up to the end, and not that of a step which would begin there. */
static uint64_t rate_up_to(const struct schedule *schedule, uint64_t end_ns)
{
    for (uint32_t i = 0; i + 1 < schedule->planned_count; i++)
        if (schedule->segments[i + 1].start_ns == end_ns)
            return schedule->segments[i].step.to_micro;
    return schedule_rate_micro(schedule, end_ns > 0 ? end_ns - 1 : 0);
}

/* A row for each edge of the schedule, or where there are many, for each tenth of the time. */
static void print_rates(FILE *out, const struct spec *spec, const struct schedule *schedule,
                        uint64_t end_ns)
{
    uint32_t edges = 0;
    while (edges < schedule->planned_count && schedule->segments[edges].start_ns < end_ns)
        edges++;
    fprintf(out, "  time              rate at that moment    requests due so far%s\n",
            spec->arrival == ARRIVAL_POISSON ? ", on average" : "");
    uint32_t rows = edges <= ROWS_MAX ? edges : ROWS_EVEN;
    for (uint32_t i = 0; i < rows; i++) {
        uint64_t at_ns =
            edges <= ROWS_MAX ? schedule->segments[i].start_ns : end_ns / ROWS_EVEN * i;
        print_rate_row(out, spec, schedule, at_ns, schedule_rate_micro(schedule, at_ns));
    }
    print_rate_row(out, spec, schedule, end_ns, rate_up_to(schedule, end_ns));
}

static void print_rate(FILE *out, const struct spec *spec, uint32_t worker_count)
{
    static const char *const pacings[] = {
        [PACING_AUTO] = "auto", [PACING_SLEEP] = "sleep", [PACING_SPIN] = "spin"};
    char text[RATE_TEXT_BYTES];
    struct schedule *schedule = rate_steps_schedule(spec->rate_steps, spec->rate_step_count);
    schedule_hint hint = 0;
    if (schedule == NULL)
        return;
    fprintf(out, "\nSchedule: %s; open loop, pacing %s\n", spec->rate_text, pacings[spec->pacing]);
    if (spec->warmup_ns > 0 || spec->steady_auto)
        fprintf(out, "  warm-up at %s/s\n",
                rate_format(text, sizeof text, spec->warmup_rate_micro));
    if (spec->shed_after_ns > 0)
        fprintf(out, "  requests later than %s are dropped and counted\n",
                units_format_duration(text, sizeof text, spec->shed_after_ns));
    print_first_times(out, spec, schedule, worker_count);
    /* With -n the test ends behind its last ticket. */
    uint64_t end_ns = spec->duration_ns > 0
                          ? spec->duration_ns
                          : schedule_time_ns(schedule, spec->requests - 1, &hint) + 1;
    print_rates(out, spec, schedule, end_ns);
    free(schedule);
}

static void print_client_ramp(FILE *out, const struct spec *spec)
{
    const struct client_ramp *ramp = &spec->client_ramp;
    uint64_t end_ns = client_ramp_length_ns(ramp);
    uint64_t steps = end_ns / ramp->interval_ns;
    uint64_t each = steps <= ROWS_MAX ? 1 : (steps + ROWS_EVEN - 1) / ROWS_EVEN;
    fprintf(out, "\nClient ramp: %s to %s connections in all\n", UNITS_GROUPED(ramp->start_clients),
            UNITS_GROUPED(ramp->end_clients));
    for (uint64_t step = 0; step < steps; step += each)
        fprintf(out, "  %15.3f s %10s\n", clock_seconds(step * ramp->interval_ns),
                UNITS_GROUPED(client_ramp_count(ramp, step * ramp->interval_ns)));
    fprintf(out, "  %15.3f s %10s\n", clock_seconds(end_ns),
            UNITS_GROUPED(client_ramp_count(ramp, end_ns)));
}

void explain_schedule(FILE *out, const struct spec *spec, uint32_t worker_count)
{
    if (spec->rate_step_count > 0)
        print_rate(out, spec, worker_count);
    if (spec->client_ramp.start_clients > 0)
        print_client_ramp(out, spec);
}
