#include "orchestrator/suite/suite_measurement.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/rng.h"
#include "orchestrator/machine/cpu_order.h"
#include "orchestrator/suite/suite_load.h"

#define SEED_MOST 1000000u

/* --- before and after ------------------------------------------------------------------------ */

static uint64_t seed_of(const struct suite_run *run, size_t index, uint64_t number)
{
    const struct suite_block *block = run->plan->items[index].block;
    return block->has_seed ? block->seed : rng_at(run->seed + number, index) % (SEED_MOST + 1);
}

/* *last: of the histogram before it; which it is then. */
static void name_files(struct measurement *measurement, size_t part, size_t *last)
{
    const struct suite_run *run = measurement->run;
    const struct suite_subject *subject = measurement->subject;
    struct stat there;
    snprintf(measurement->json_path, sizeof measurement->json_path, "%.1100s/.run-%zu.json",
             subject->directory, part + 1);
    /* The first that is not there: what stands under such a name, be it a link, is somebody's. */
    while (run->keep_histograms) {
        snprintf(measurement->hdr_path, sizeof measurement->hdr_path, "%.1100s/run-%zu.hlog",
                 subject->directory, ++*last);
        if (lstat(measurement->hdr_path, &there) != 0)
            break;
    }
}

enum err_code suite_measurements_open(struct measurement **measurements,
                                      const struct measurement *common, size_t first, size_t count,
                                      struct err *err)
{
    size_t last = json_array_size(common->subject->metrics.records);
    struct measurement *items = calloc(count, sizeof items[0]);
    *measurements = items;
    if (items == NULL)
        return err_set(err, E_SYSTEM, "no memory for a run");
    for (size_t i = 0; i < count; i++) {
        items[i] = *common;
        items[i].combination = &common->run->plan->items[first + i];
        items[i].seed = seed_of(common->run, first + i, common->number);
        items[i].output_fd = memfd_create("load", MFD_CLOEXEC);
        name_files(&items[i], i, &last);
        if (items[i].output_fd < 0)
            return err_set_errno(err, E_SYSTEM, errno, "no memory for what the load prints");
    }
    return OK;
}

void suite_measurements_close(struct measurement *measurements, size_t count)
{
    for (size_t i = 0; i < count && measurements != NULL; i++) {
        if (measurements[i].run == NULL)
            break;
        if (measurements[i].output_fd >= 0)
            close(measurements[i].output_fd);
        (void)unlink(measurements[i].json_path);
        free(measurements[i].cpus.items);
    }
    free(measurements);
}

/* --- stages ---------------------------------------------------------------------------------- */

/* Those that the servers have left; volley chooses its own. */
static uint32_t load_cpus(const struct measurement *measurement)
{
    const struct suite_cpus *given = &measurement->combination->block->client_cpus;
    struct suite_servers *servers = measurement->servers;
    const struct suite_run *run = measurement->run;
    uint32_t *cpus = servers->load_cpus, count = 0;
    if (given->count > 0) {
        memcpy(cpus, given->items, given->count * sizeof cpus[0]);
        return given->count;
    }
    for (uint32_t i = 0; i < run->allowed_count && servers->cpu_count > 0; i++)
        if (!cpu_list_has(servers->cpus, servers->cpu_count, run->allowed_cpus[i]))
            cpus[count++] = run->allowed_cpus[i];
    return count;
}

static void log_line_of(const struct measurement *measurement, enum suite_stage stage,
                        const struct suite_argv *argv)
{
    char *line = NULL;
    size_t line_bytes = 0;
    FILE *out = open_memstream(&line, &line_bytes);
    if (out == NULL)
        return;
    suite_argv_print(out, argv);
    (void)fclose(out);
    suite_log_line(&measurement->subject->log, LOG_DEBUG, "%s: %s", suite_stage_name(stage), line);
    free(line);
}

static enum err_code make_load(struct suite_load *load, struct suite_argv *argv,
                               const struct measurement *measurement, enum suite_stage stage,
                               struct err *err)
{
    const struct suite_run *run = measurement->run;
    const struct suite_combination *combination = measurement->combination;
    const bool filling = stage == SUITE_POPULATE && !measurement->tool->has_sequential;
    const struct suite_tool *tool = filling ? run->filler : measurement->tool;
    const struct suite_stage_wish wish = {
        .tool = tool,
        .combination = combination,
        .target = &measurement->servers->target,
        .seed = measurement->seed,
        .json_path = measurement->json_path,
        .hdr_path = measurement->hdr_path[0] != '\0' ? measurement->hdr_path : NULL,
        .cpus = measurement->cpus.count > 0 ? &measurement->cpus : NULL};
    suite_stage_argv(argv, &wish, stage);
    log_line_of(measurement, stage, argv);
    if (ftruncate(measurement->output_fd, 0) != 0 ||
        lseek(measurement->output_fd, 0, SEEK_SET) != 0)
        return err_set_errno(err, E_SYSTEM, errno, "no room for what the load prints");
    *load = (struct suite_load){
        .argv = argv->items,
        .cpus =
            measurement->cpus.count > 0 ? measurement->cpus.items : measurement->servers->load_cpus,
        .cpu_count = tool->is_volley               ? 0
                     : measurement->cpus.count > 0 ? measurement->cpus.count
                                                   : load_cpus(measurement),
        .limit_ns = suite_load_limit_ns(combination),
        .stop_ns = stage == SUITE_WARM_UP ? combination->warmup_seconds * NS_PER_SECOND : 0,
        .output_fd = measurement->output_fd,
        .environment = measurement->run->running->load_environment};
    return OK;
}

static bool has_stage(const struct measurement *measurement, enum suite_stage stage)
{
    const struct suite_stage_wish wish = {.tool = measurement->tool,
                                          .combination = measurement->combination};
    return suite_stage_runs(&wish, stage);
}

enum err_code suite_measurement_stage(struct measurement *measurements, size_t count,
                                      enum suite_stage stage, struct err *err)
{
    struct suite_argv *argvs = calloc(SUITE_PARTS_MAX, sizeof argvs[0]);
    struct suite_load loads[SUITE_PARTS_MAX];
    size_t running = 0;
    enum err_code code =
        argvs != NULL ? OK : err_set(err, E_SYSTEM, "no memory for a command line");
    for (size_t i = 0; i < count && code == OK; i++)
        if (has_stage(&measurements[i], stage)) {
            code = make_load(&loads[running], &argvs[running], &measurements[i], stage, err);
            running++;
        }
    if (code == OK && running > 0) {
        code = suite_load_run(loads, running, measurements->servers, measurements->run->interrupted,
                              err);
        for (size_t i = 0; i < running; i++)
            suite_log_copy(&measurements->subject->log, loads[i].output_fd,
                           SUITE_OUTPUT_KEPT_BYTES);
    }
    free(argvs);
    return code;
}

/* Loads side by side have CPUs of their own, as many as their part of the connections, where there are enough. */
enum err_code suite_measurements_part_cpus(struct measurement *measurements, size_t count,
                                           struct err *err)
{
    const struct suite_servers *servers = measurements->servers;
    const uint32_t all = count > 1 ? load_cpus(measurements) : 0;
    uint64_t clients = 0, before = 0;
    for (size_t i = 0; i < count; i++)
        clients += measurements[i].combination->clients;
    for (size_t i = 0; i < count && all >= count; i++) {
        const uint64_t spare = all - count, own = measurements[i].combination->clients;
        /* One each, and of the others those between two marks. */
        const uint32_t first = (uint32_t)(i + spare * before / clients);
        const uint32_t end = (uint32_t)(i + 1 + spare * (before + own) / clients);
        struct suite_cpus *cpus = &measurements[i].cpus;
        cpus->items = calloc(all, sizeof cpus->items[0]);
        if (cpus->items == NULL)
            return err_set(err, E_SYSTEM, "no memory for CPUs");
        cpus->count = end - first;
        memcpy(cpus->items, servers->load_cpus + first, cpus->count * sizeof cpus->items[0]);
        before += own;
    }
    return OK;
}

enum err_code suite_measurement_stages(struct measurement *measurements, size_t count,
                                       enum suite_stage last, struct err *err)
{
    enum err_code code = OK;
    for (size_t i = 0; i < count; i++)
        (void)unlink(measurements[i].json_path);
    for (int stage = SUITE_POPULATE; stage <= (int)last && code == OK; stage++)
        code = suite_measurement_stage(measurements, count, (enum suite_stage)stage, err);
    return code;
}
