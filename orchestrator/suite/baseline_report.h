/* The Performance Baseline Report: all profiles, which are configurations of runs, with all metrics, and which of them is best for
 * what. */
#ifndef ORCHESTRATOR_SUITE_BASELINE_REPORT_H
#define ORCHESTRATOR_SUITE_BASELINE_REPORT_H

#include "orchestrator/report/output.h"
#include "orchestrator/suite/baseline.h"

#define BASELINE_REPORT_SCHEMA "volley.baseline-report/1"

/* Figures of a record, and behind them used_memory in bytes. */
#define BASELINE_MEMORY ((unsigned)RECORD_FIGURES)
#define BASELINE_FIGURES ((unsigned)RECORD_FIGURES + 1)

struct baseline_figure {
    uint32_t count;
    double mean, deviation, cv_percent; /* NAN: not known */
    double *values;
};

struct baseline_profile {
    const struct record *of; /* a record of it */
    char name[160];          /* the command, and what tells it apart from the others */
    uint32_t runs, red;
    unsigned
        hidden; /* figures that requests without a reply hide in a run or more, as those of a record */
    struct baseline_figure figures[BASELINE_FIGURES];
};

enum baseline_use { USE_THROUGHPUT, USE_LATENCY, USE_MEMORY, BASELINE_USES };

/* Of profiles of one command. */
struct baseline_advice {
    const char *command;
    const struct baseline_profile *best,
        *second;      /* NULL: nobody has measured it, or there is one */
    double p;         /* that best and second are the same; NAN: cannot be told */
    double apart;     /* their means, a part of the second one's */
    bool sure;        /* best is better by 5 % or more, and not by luck */
    bool alike;       /* it is surely not better by so much */
    uint32_t unknown; /* profiles of the command whose runs do not have the figure */
};

struct baseline_report {
    const struct baseline *baseline;
    struct baseline_profile *profiles;
    size_t profile_count;
    struct baseline_advice *advice; /* BASELINE_USES of each command */
    size_t command_count;
    double *values; /* private */
};

/* E_SYSTEM: no memory. The baseline must live as long; baseline_report_free in any case. */
MUST_USE enum err_code baseline_report_make(struct baseline_report *report,
                                            const struct baseline *baseline, struct err *err);
void baseline_report_free(struct baseline_report *report);

void baseline_report_markdown(struct output *output, const struct baseline_report *report);
/* A new reference; NULL: no memory. */
json_t *baseline_report_json(const struct baseline_report *report);

#endif
