#include "orchestrator/options/workload_library.h"

const struct shipped_kind workload_library = {
    .folder = "workloads", .what = "workload", .listing = "volley workloads"};
