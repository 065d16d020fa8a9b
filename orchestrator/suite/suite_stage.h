/* The command lines of a suite's runs: of volley itself, or of valkey-benchmark, whose options the two share. Pure.
 *
 * A run has up to three stages: what it reads is written, the load is let run in, and it is measured. volley does all three in
 * one process (--prefill, --warmup) wherever it has a test of that name. */
#ifndef ORCHESTRATOR_SUITE_SUITE_STAGE_H
#define ORCHESTRATOR_SUITE_SUITE_STAGE_H

#include <limits.h>
#include <stdio.h>

#include "orchestrator/suite/suite_plan.h"

enum suite_stage { SUITE_POPULATE, SUITE_WARM_UP, SUITE_MEASURE, SUITE_STAGES };
const char *suite_stage_name(enum suite_stage stage);

#define SUITE_TOOL_BYTES 1024u

/* The program that makes the load, and what it knows. */
struct suite_tool {
    char path[SUITE_TOOL_BYTES];
    bool is_volley;
    bool fills_apart; /* what is read is written by a process of its own, also by volley */
    bool has_csv, has_sequential, has_duration, has_warmup, has_threads, has_dataset;
    char version[120];
};

struct suite_target {
    const char *host;
    uint16_t port;                   /* 0: not known yet, in a plan */
    const char *cacert, *cert, *key; /* of TLS; NULL: none */
    bool any_name;                   /* of certificates, for volley; other tools look at none */
    const char *user; /* for volley, whose environment has the password; NULL: none */
};

#define SUITE_SEED_OPEN UINT64_MAX /* drawn when it is run */

struct suite_stage_wish {
    const struct suite_tool *tool;
    const struct suite_combination *combination;
    const struct suite_target *target;
    uint64_t seed;
    const char *json_path;         /* where volley leaves its figures; NULL: nowhere */
    const char *hdr_path;          /* and its histograms; likewise */
    const struct suite_cpus *cpus; /* of the load; NULL: those of the configuration */
};

#define SUITE_ARGV_MAX 240u
struct suite_argv {
    const char *items[SUITE_ARGV_MAX + 1]; /* NULL behind the last; into text, or as given */
    size_t count;
    char text[6144]; /* private */
    size_t used;
};

/* Which stage is a process of its own. */
bool suite_stage_runs(const struct suite_stage_wish *wish, enum suite_stage stage);
/* The stage's program and arguments; for one that runs. */
void suite_stage_argv(struct suite_argv *argv, const struct suite_stage_wish *wish,
                      enum suite_stage stage);
/* As a shell takes it, on one line. */
void suite_argv_print(FILE *out, const struct suite_argv *argv);

/* What a tool says of itself with --help decides what it is asked for; help NULL: it is volley. The path has room. */
void suite_tool_describe(struct suite_tool *tool, const char *path, const char *help);
/* E_USAGE: it is no such tool; E_CONFIG: it cannot measure this, and why. */
MUST_USE enum err_code suite_tool_check(const struct suite_tool *tool,
                                        const struct suite_plan *plan, struct err *err);

/* A line of what valkey-benchmark --csv prints. False: it is none, or a headline. */
struct suite_csv_row {
    char test[120];
    double rps, avg_ms, min_ms, p50_ms, p95_ms, p99_ms, max_ms;
};
bool suite_csv_parse(struct suite_csv_row *row, const char *line);

#endif
