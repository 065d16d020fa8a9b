/* How much a load may be asked for, wherever it is asked: options of bench, other tools' options, files of suites. */
#ifndef ORCHESTRATOR_OPTIONS_LOAD_LIMITS_H
#define ORCHESTRATOR_OPTIONS_LOAD_LIMITS_H

#include "common/clock.h"
#include "common/ipc.h"

#define LOAD_CLIENTS_MAX 1000000u
#define LOAD_PIPELINE_MAX 100000u
#define LOAD_VALUE_BYTES_MAX (1ull << 30)
#define LOAD_KEYS_MAX 1000000000000ull /* keys have twelve digits */
#define LOAD_REQUESTS_MAX IPC_REQUESTS_MAX
#define LOAD_THREADS_MAX IPC_WORKERS_MAX
#define LOAD_SECONDS_MAX (1000ull * 3600)
#define LOAD_NS_MAX (LOAD_SECONDS_MAX * NS_PER_SECOND)

#endif
