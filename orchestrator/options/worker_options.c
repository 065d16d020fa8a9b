#include "orchestrator/options/bench_groups.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/cpu_list.h"
#include "common/ipc.h"
#include "common/units.h"

/* The two sentences below are those of the tool that volley replaces: scripts look for them. */
static enum err_code parse_processes(void *target, const char *value, struct err *err)
{
    struct worker_options *workers = target;
    if (strcasecmp(value, "auto") == 0) {
        workers->processes = 0;
        return OK;
    }
    uint64_t processes;
    bool negative =
        value[0] == '-' && value[1] != '\0' && value[1 + strspn(value + 1, "0123456789")] == '\0';
    if (negative)
        return err_set(err, E_USAGE, "--processes must be at least 1");
    if (!units_parse_count(&processes, value))
        return err_set(err, E_USAGE, "Invalid value for --processes: %.80s", value);
    if (processes < 1)
        return err_set(err, E_USAGE, "--processes must be at least 1");
    if (processes > IPC_WORKERS_MAX)
        return err_set(err, E_USAGE, "--processes %.80s: out of range; allowed: auto, 1 to %u",
                       value, IPC_WORKERS_MAX);
    workers->processes = processes;
    return OK;
}

static enum err_code parse_cpus(void *target, const char *value, struct err *err)
{
    struct worker_options *workers = target;
    uint32_t *cpus = (uint32_t *)(uintptr_t)workers->cpus;
    if (strcasecmp(value, "auto") == 0 || strcasecmp(value, "none") == 0) {
        workers->cpus_choice = strcasecmp(value, "auto") == 0 ? CPUS_AUTO : CPUS_NONE;
        workers->cpu_count = 0;
        return OK;
    }
    if (cpus == NULL)
        cpus = calloc(SPEC_CPUS_MAX, sizeof *cpus);
    if (cpus == NULL)
        return err_set(err, E_SYSTEM, "no memory for --cpus");
    workers->cpus = cpus;
    if (!cpu_list_parse(cpus, &workers->cpu_count, SPEC_CPUS_MAX, value))
        return err_set(err, E_USAGE,
                       "--cpus %.80s: not a list of CPUs; allowed: auto, none, or numbers below %d "
                       "as in 0-3,8",
                       value, SPEC_CPUS_MAX);
    workers->cpus_choice = CPUS_LIST;
    return OK;
}

#define AT(member) offsetof(struct worker_options, member)
/* clang-format off: a row reads best as a few short lines */
static const struct option_row worker_rows[] = {
    {ROW("processes", NULL, OPTION_CUSTOM, "N", AT(processes)), .parse = parse_processes,
     .unset = "auto", .told = true,
     .help = "Worker processes: 1 to 1,024, or auto, as many as there are CPUs to use."},
    {ROW("threads", NULL, OPTION_COUNT, "T", AT(threads)), NUMBER(1, IPC_WORKERS_MAX), .unset = "1",
     .told = true,
     .help = "Event loops. One event loop runs per process, so T multiplies the workers: "
             "--processes 2 --threads 3 gives 6; with auto there are T workers."},
    {ROW("single-process", NULL, OPTION_FLAG, NULL, AT(single_process)), .told = true,
     .help = "The same as --processes 1, and wins over it."},
    {ROW("cpus", NULL, OPTION_CUSTOM, "LIST", AT(cpus)), .parse = parse_cpus, .unset = "auto",
     .told = true,
     .help = "CPUs that the workers are pinned to, as in 0-3,8; auto chooses, none pins nothing."},
};
/* clang-format on */
#undef AT
const struct option_group worker_group = GROUP("Workers", OF_LOADS | OF_RUN, worker_rows);

enum err_code worker_settle(struct bench_request *request, struct err *err)
{
    struct worker_options *workers = &request->spec.workers;
    if (workers->single_process) {
        if (relation_given(request, "processes") && workers->processes != 1)
            relation_notice(request, "--processes %.40s is ignored: --single-process wins",
                            relation_origin(request, "processes")->value);
        workers->processes = 1;
        options_derive(&request->values, "processes", "single-process", "1");
    }
    if (workers->processes == 0) /* the plan chooses, and never more workers than connections */
        return OK;
    uint64_t all = workers->processes * workers->threads;
    if (all > IPC_WORKERS_MAX)
        return err_set(err, E_USAGE,
                       "--processes %" PRIu64 " times --threads %" PRIu64 " is %" PRIu64
                       " workers; at most %u are allowed",
                       workers->processes, workers->threads, all, IPC_WORKERS_MAX);
    return OK;
}
