/* Carries a suite out: for each run, combination and subject a server is started, filled and loaded, and what came out is kept.
 * What goes wrong with one combination is said, and ends that one alone. */
#ifndef ORCHESTRATOR_SUITE_SUITE_RUN_H
#define ORCHESTRATOR_SUITE_SUITE_RUN_H

#include "orchestrator/server/certificates.h"
#include "orchestrator/server/provider.h"
#include "orchestrator/suite/suite_log.h"
#include "orchestrator/suite/suite_metrics.h"
#include "orchestrator/suite/suite_running.h"

#define SUITE_DIRECTORY_BYTES 1024u
#define SUITE_PATH_BYTES 1280u /* of a file in one */

/* What is measured: a commit, or a server that runs. It has a directory of its own, with metrics.json and logs. */
struct suite_subject {
    char name[128];      /* of its directory: the commit's name */
    char commit[128];    /* as records have it */
    char reference[128]; /* what the user called it; "": the same */
    char timestamp[40];  /* of the commit, ISO 8601 */
    struct server_program program;
    char server_version[64]; /* as the program says; "": not known */
    char source[40];         /* "programs as found", "tree with changes"; "": of the commit */
    bool control;            /* another one once more: what differs between the two is noise */
    char directory[SUITE_DIRECTORY_BYTES];
    struct suite_metrics metrics;
    struct suite_log log;
    size_t measured, failed, skipped; /* runs */
};

struct suite_run {
    const struct suite_plan *plan;
    const struct suite_tool *tool, *filler; /* filler: volley, which writes what a tool cannot */
    struct suite_subject *subjects;
    size_t subject_count;
    const struct suite_running *running; /* host NULL: volley starts them */
    const char *module_path;             /* that servers load; NULL: none */
    uint64_t runs, seed;
    bool seed_is_given; /* else --resume goes on with that of the records */
    bool
        in_turn; /* the subjects by turns for each combination, in an order that the seed decides */
    bool resume, keep_histograms, flamegraph;
    json_t *environment; /* env_ keys of every record; owned by the caller */
    const uint32_t *allowed_cpus;
    uint32_t allowed_count;
    const volatile int *interrupted;
    /* Who looks on, between loads: of a "state" and each "result"; takes the object. NULL: nobody. */
    void (*hear)(void *hearer, const char *event, json_t *object);
    void *hearer;

    /* Private. */
    struct managed_certificates certificates;
    struct tls_client *tls; /* of servers that volley starts */
    size_t done, total;
    uint64_t began_ns;
};

/* Opens directories, logs and metrics of the subjects under results. E_USAGE, E_SYSTEM. suite_run_close in any case. */
MUST_USE enum err_code suite_run_open(struct suite_run *run, const char *results, struct err *err);
/* E_FAILED: some runs failed, which the logs tell; E_INTERRUPTED; E_SYSTEM: results cannot be kept. */
MUST_USE enum err_code suite_run_all(struct suite_run *run, struct err *err);
void suite_run_close(struct suite_run *run);

#endif
