/* What the kernel says of a process on this host. */
#ifndef ORCHESTRATOR_MACHINE_PROCESS_H
#define ORCHESTRATOR_MACHINE_PROCESS_H

#include <stdint.h>

/* User and system time since it began; below 0: not known. */
double process_cpu_seconds(int64_t pid);
/* How long its first thread was ready to run and had to wait for a CPU; below 0: not known. */
double process_run_delay_seconds(int64_t pid);
/* Memory that it holds; below 0: not known. */
double process_rss_bytes(int64_t pid);

#endif
