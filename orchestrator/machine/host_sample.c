#include "orchestrator/machine/host_sample.h"

#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "orchestrator/machine/cgroup.h"
#include "orchestrator/machine/process.h"
#include "orchestrator/machine/system_file.h"

/* A tick of /proc/stat is 10 ms: of fewer of them one alone would be a share that alarms. */
#define SHARE_TICKS_MIN 100u
#define SHARE_SECONDS_MIN 0.5

/* First line of /proc/stat: ticks of user, nice, system, idle, iowait, irq, softirq, steal since
 * boot, of all CPUs. What follows (guest time) is contained in user and nice. */
static void read_ticks(struct host_sample *sample)
{
    char text[512];
    unsigned long long ticks[8];
    sample->steal_ticks = 0;
    sample->total_ticks = 0;
    if (!system_file_read(text, sizeof text, "/proc/stat") ||
        sscanf(text, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &ticks[0], &ticks[1], &ticks[2],
               &ticks[3], &ticks[4], &ticks[5], &ticks[6], &ticks[7]) != 8)
        return;
    for (size_t i = 0; i < sizeof ticks / sizeof ticks[0]; i++)
        sample->total_ticks += ticks[i];
    sample->steal_ticks = ticks[7];
}

void host_sample_begin(struct host_sample *sample, const struct run_evidence *evidence)
{
    struct cgroup_cpu cgroup;
    read_ticks(sample);
    cgroup_cpu_read(&cgroup, "");
    sample->throttled_ns = cgroup.throttled_ns;
    sample->at_ns = clock_now_ns();
    sample->server_seconds = process_cpu_seconds(evidence->server_pid);
    sample->server_delay_seconds = process_run_delay_seconds(evidence->server_pid);
}

void host_sample_end(const struct host_sample *sample, struct run_evidence *evidence)
{
    struct host_sample now;
    host_sample_begin(&now, evidence);
    evidence->steal_share = -1;
    if (sample->total_ticks > 0 && now.total_ticks >= sample->total_ticks + SHARE_TICKS_MIN &&
        now.steal_ticks >= sample->steal_ticks) /* the kernel may correct it backwards */
        evidence->steal_share = (double)(now.steal_ticks - sample->steal_ticks) /
                                (double)(now.total_ticks - sample->total_ticks);
    evidence->throttled_ns =
        now.throttled_ns > sample->throttled_ns ? now.throttled_ns - sample->throttled_ns : 0;
    double seconds = clock_seconds(now.at_ns - sample->at_ns);
    if (sample->server_seconds >= 0 && now.server_seconds >= sample->server_seconds &&
        seconds >= SHARE_SECONDS_MIN)
        evidence->server_cpu_share = (now.server_seconds - sample->server_seconds) / seconds;
    if (sample->server_delay_seconds >= 0 &&
        now.server_delay_seconds >= sample->server_delay_seconds && seconds >= SHARE_SECONDS_MIN)
        evidence->server_delay_share =
            (now.server_delay_seconds - sample->server_delay_seconds) / seconds;
}
