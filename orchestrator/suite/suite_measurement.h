/* One run of a combination by a subject, while it is carried out. Private to suite_run.c and its like, which
 * carry it out: suite_measurement.c, suite_results.c, suite_hear.c, suite_profile.c. */
#ifndef ORCHESTRATOR_SUITE_SUITE_MEASUREMENT_H
#define ORCHESTRATOR_SUITE_SUITE_MEASUREMENT_H

#include "orchestrator/suite/suite_servers.h"

#define SUITE_OUTPUT_KEPT_BYTES (64u << 10)

struct measurement {
    struct suite_run *run;
    struct suite_subject *subject;
    const struct suite_combination *combination;
    const struct suite_tool *tool;
    uint64_t number; /* of the run, from 1 on */
    uint64_t seed;
    struct suite_servers *servers;
    char json_path[SUITE_PATH_BYTES];
    char hdr_path[SUITE_PATH_BYTES]; /* "": none is kept */
    int output_fd;                   /* what the load prints */
    struct suite_cpus cpus;          /* of the load, beside others; count 0: as ever; owned */
};

/* Those of one step of the plan, which run at once: makes them, and closes what they hold. E_SYSTEM. */
MUST_USE enum err_code suite_measurements_open(struct measurement **measurements,
                                               const struct measurement *common, size_t first,
                                               size_t count, struct err *err);
/* With their servers up, of several: which CPUs each load has. E_SYSTEM. */
MUST_USE enum err_code suite_measurements_part_cpus(struct measurement *measurements, size_t count,
                                                    struct err *err);
void suite_measurements_close(struct measurement *measurements, size_t count);

/* Runs a stage of all of them that have it, with their servers up. E_FAILED, E_INTERRUPTED, E_SYSTEM as suite_load_run. */
MUST_USE enum err_code suite_measurement_stage(struct measurement *measurements, size_t count,
                                               enum suite_stage stage, struct err *err);
/* Those stages that there are, one after the other, up to this one. */
MUST_USE enum err_code suite_measurement_stages(struct measurement *measurements, size_t count,
                                                enum suite_stage last, struct err *err);

/* Of a subject: each combination that asks for it once more, with perf at its servers, and nothing measured: folded stacks and pages beside the
 * subject's records. E_USAGE: there is no perf; E_INTERRUPTED. What goes wrong with one is told. */
MUST_USE enum err_code suite_profile_subject(struct suite_run *run, struct suite_subject *subject,
                                             struct suite_servers *servers, struct err *err);
/* E_USAGE: perf is not there, and `why` it is needed. */
MUST_USE enum err_code suite_profile_check(const char *why, struct err *err);

#endif
