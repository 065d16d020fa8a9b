/* The workloads that come with volley. */
#ifndef ORCHESTRATOR_OPTIONS_WORKLOAD_LIBRARY_H
#define ORCHESTRATOR_OPTIONS_WORKLOAD_LIBRARY_H

#include "orchestrator/options/shipped_files.h"

extern const struct shipped_kind workload_library;

#endif
