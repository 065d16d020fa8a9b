/* What the host did to a run besides volley and its server: stolen time, throttling. Called by the fleet, around the
 * measuring of a run. */
#ifndef ORCHESTRATOR_MACHINE_HOST_SAMPLE_H
#define ORCHESTRATOR_MACHINE_HOST_SAMPLE_H

#include <stdint.h>

#include "orchestrator/report/timeline.h"

/* Steal time (of all CPUs of the host), throttling (of this process's control groups) and the CPU time of the
 * server's process (evidence->server_pid) since host_sample_begin, for the verdict. What the kernel does not
 * tell, or for too short a time: steal_share -1, throttled_ns 0, server_cpu_share and server_delay_share as they were. */
struct host_sample {
    uint64_t steal_ticks, total_ticks;
    uint64_t throttled_ns;
    uint64_t at_ns;
    double server_seconds;       /* < 0: not known */
    double server_delay_seconds; /* < 0: not known */
};
void host_sample_begin(struct host_sample *sample, const struct run_evidence *evidence);
void host_sample_end(const struct host_sample *sample, struct run_evidence *evidence);

#endif
