/* What a result depends on of the machine that volley ran on. Called once, before the runs. */
#ifndef ORCHESTRATOR_MACHINE_HOST_H
#define ORCHESTRATOR_MACHINE_HOST_H

#include <jansson.h>

#include "orchestrator/machine/cpu_order.h"

/* The object `environment.host` of volley.run/1:
 *
 *   name utc_offset_seconds(of its local time) kernel architecture os cpu_model cpu_count usable_cpus[] physical_cores governor
 *   turbo numa_nodes("0-1") mitigations("mitigated: mds meltdown; vulnerable: tsa") limits{open_files_soft open_files_hard} cgroup{quota_cpus reason} transparent_hugepages aslr clocksource
 *
 * Unknown values are null; every key is always there. The caller owns the result. NULL only when memory is
 * exhausted. */
json_t *host_describe(const struct cpu_set_order *order);

#endif
