#include "orchestrator/commands/monitor_servers.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/clock.h"
#include "orchestrator/report/metric.h"
#include "orchestrator/watch/monitor_review.h"

void monitor_server_init(struct monitor_server *server, const char *name)
{
    const struct screen_figure none = {.number = -1};
    *server = (struct monitor_server){.shown = {.times = {none, none, none},
                                                .hit_ratio = NAN,
                                                .commands_per_second = NAN,
                                                .memory_bytes = NAN}};
    snprintf(server->shown.name, sizeof server->shown.name, "%s", name);
}

bool monitor_server_look(struct monitor_server *server, enum latency_probe_state state,
                         uint64_t wall_ms)
{
    static const enum screen_server_state states[] = {[LATENCY_NOT_KNOWN] = SCREEN_SERVER_UNKNOWN,
                                                      [LATENCY_ANSWERED] = SCREEN_SERVER_UP,
                                                      [LATENCY_SILENT] = SCREEN_SERVER_DOWN};
    struct screen_server *shown = &server->shown;
    const time_t at = (time_t)(wall_ms / 1000);
    struct tm split;
    if (shown->state == states[state])
        return false;
    shown->state = states[state];
    if (localtime_r(&at, &split) == NULL ||
        strftime(shown->since, sizeof shown->since, "%Y-%m-%d %H:%M:%S", &split) == 0)
        shown->since[0] = '\0';
    return true;
}

static void read_times(struct screen_server *shown, const struct interval_row *window)
{
    static const double percentiles[] = {50, 99, 100};
    const struct metric_slice slice = metric_slice_of(window, true);
    for (size_t i = 0; i < sizeof percentiles / sizeof percentiles[0]; i++) {
        const struct metric_value value =
            metric_percentile(&slice, METRIC_RESPONSE_TIME, percentiles[i]);
        shown->times[i] = (struct screen_figure){.number = -1};
        if (value.censored)
            shown->times[i] =
                (struct screen_figure){(double)value.at_least_ns / NS_PER_MS, .at_least = true};
        else if (value.known)
            shown->times[i].number = value.number / NS_PER_MS;
    }
}

static double hit_ratio(const double *before, const double *now)
{
    const double hits = now[MONITOR_HITS] - before[MONITOR_HITS];
    const double misses = now[MONITOR_MISSES] - before[MONITOR_MISSES];
    return hits >= 0 && misses >= 0 && hits + misses > 0 ? hits / (hits + misses) : (double)NAN;
}

void monitor_server_take(struct monitor_server *server, const struct monitor_sample *sample,
                         const struct interval_row *window)
{
    struct screen_server *shown = &server->shown;
    const double *values = sample->values;
    read_times(shown, window);
    shown->commands_per_second = values[MONITOR_OPS];
    shown->memory_bytes = values[MONITOR_USED_MEMORY];
    shown->hit_ratio = NAN;
    if (isnan(values[MONITOR_UPTIME])) /* INFO did not answer */
        return;
    if (server->before_ms > 0) {
        const double elapsed_seconds = (double)(sample->at_ms - server->before_ms) / 1000;
        if (monitor_review_restarted(server->before, values, elapsed_seconds))
            shown->restarts++;
        else
            shown->hit_ratio = hit_ratio(server->before, values);
    }
    memcpy(server->before, values, sizeof server->before);
    server->before_ms = sample->at_ms;
}
