#include "orchestrator/machine/local_ports.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/clock.h"
#include "common/units.h"
#include "orchestrator/machine/system_file.h"

#define DEFAULT_FIRST 32768ull
#define DEFAULT_LAST 60999ull
#define SERVERS_LEAST 1000u /* ports: fewer may all be taken */
#define DEFAULT_REUSE 2     /* on the loopback interface */
/* How long the end that closes keeps the port, and how long where the kernel may give it out again. */
#define TIME_WAIT_SECONDS 60.0
#define REUSE_SECONDS 1.0

void local_ports_read(struct local_ports *ports, const char *root)
{
    char text[64];
    unsigned long long first = DEFAULT_FIRST, last = DEFAULT_LAST;
    ports->reuse = DEFAULT_REUSE;
    if (system_file_read(text, sizeof text, "%s/proc/sys/net/ipv4/ip_local_port_range", root)) {
        char *behind;
        unsigned long long low = strtoull(text, &behind, 10), high = strtoull(behind, NULL, 10);
        if (low > 0 && low <= high && high <= 65535) {
            first = low;
            last = high;
        }
    }
    if (system_file_read(text, sizeof text, "%s/proc/sys/net/ipv4/tcp_tw_reuse", root) &&
        text[0] >= '0' && text[0] <= '2')
        ports->reuse = text[0] - '0';
    ports->first = first;
    ports->count = last - first + 1;
}

uint32_t local_ports_for_servers(const struct local_ports *ports, uint32_t above)
{
    const uint64_t unfit = LOCAL_PORTS_SERVERS_FIRST + (uint64_t)above;
    return ports->first < unfit + SERVERS_LEAST ? 0 : (uint32_t)(ports->first - unfit);
}

/* The highest rate of the schedule, 0 in a closed loop. */
static double highest_rate(const struct spec *spec)
{
    uint64_t micro = 0;
    for (uint32_t i = 0; i < spec->rate.step_count; i++) {
        const struct rate_step *step = &spec->rate.steps[i];
        if (step->from_micro > micro)
            micro = step->from_micro;
        if (step->to_micro > micro)
            micro = step->to_micro;
    }
    return (double)micro / (double)SCHEDULE_MICRO;
}

/* Connections that end while a port is kept; below 0: that depends on how fast the server is. */
static double expected(const struct spec *spec, double kept_seconds)
{
    double rate = highest_rate(spec) / (double)spec->connections.reconnect_every;
    double seconds = clock_seconds(spec->load.duration_ns + spec->load.warmup_ns);
    double most = (double)spec->load.requests / (double)spec->connections.reconnect_every;
    if (spec->load.duration_ns > 0)
        most = spec->rate.steps == NULL ? -1 : rate * seconds;
    double kept = spec->rate.steps == NULL ? most : rate * kept_seconds;
    return kept < most ? kept : most;
}

char *local_ports_advise(char *text, size_t text_bytes, const struct local_ports *ports,
                         const struct spec *spec, const struct connection_paths *paths)
{
    char have[UNITS_GROUPED_BYTES], need[UNITS_GROUPED_BYTES];
    unsigned sources = paths->sources > 0 ? paths->sources : 1;
    unsigned targets = paths->targets > 0 ? paths->targets : 1;
    bool reused = ports->reuse == 1 || (ports->reuse == 2 && paths->loopback);
    double kept_seconds = reused ? REUSE_SECONDS : TIME_WAIT_SECONDS;
    uint64_t count = ports->count * sources * targets;
    text[0] = '\0';
    if (spec->connections.reconnect_every == 0 || spec->connections.reset_on_close ||
        spec->endpoint.socket_path != NULL)
        return text;
    double wanted = expected(spec, kept_seconds);
    bool unknown = wanted < 0 || (spec->rate.steps == NULL && reused);
    if (unknown ? reused : wanted <= (double)count)
        return text;
    units_format_grouped(have, sizeof have, count);
    units_format_grouped(need, sizeof need, unknown ? 0 : (uint64_t)wanted);
    snprintf(text, text_bytes,
             "each connection keeps its local port for %g s after its end, and there are %s ports; "
             "%s%s: give --reset-on-close, or more --source-address",
             kept_seconds, have,
             unknown ? "they may be used up" : "connections that need one: ", unknown ? "" : need);
    return text;
}
