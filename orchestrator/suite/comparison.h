/* Two sets of records held against one another, configuration by configuration and figure by figure: what repeated runs say of
 * the difference, and how sure that is. Pure but for its memory. */
#ifndef ORCHESTRATOR_SUITE_COMPARISON_H
#define ORCHESTRATOR_SUITE_COMPARISON_H

#include <stdint.h>

#include "orchestrator/suite/record_set.h"

struct comparison_wishes {
    double confidence;     /* 0.95 */
    double threshold;      /* 0.05: of the base's mean; what is surely smaller counts as the same */
    bool rates, latencies; /* which figures */
};

/* Of the other side, seen from the base. */
enum comparison_answer {
    ANSWER_FASTER,
    ANSWER_SLOWER,
    ANSWER_SAME,        /* the interval lies within the threshold */
    ANSWER_CANNOT_TELL, /* too few runs, or they vary too much */
    ANSWER_ONE_SIDED,   /* only one of them has runs of it */
    ANSWER_MISSING, /* a side has runs of it, and requests without a reply hide the figure in all */
    COMPARISON_ANSWERS
};

struct comparison_side {
    size_t count;
    double mean, deviation; /* of a sample; deviation 0 of one run */
    double cv_percent;      /* 0 where the mean is 0 */
};

/* The records of one configuration, base and other. */
struct comparison_group {
    const struct record *const *records[2];
    size_t counts[2];
    bool merged;                         /* by comparison_merge */
    double merged_ms[2][RECORD_FIGURES]; /* percentiles of all their requests; NAN: of none */
};

#define COMPARISON_RUNS_MAX 1000u

struct comparison_row {
    const struct comparison_group *group;
    const struct record *of; /* its configuration; a record of either set */
    enum record_figure figure;
    struct comparison_side sides[2]; /* base, other */
    /* Parts of the base's mean; NAN: not known. The interval holds the true change with the confidence asked for, were this the
     * only row, and holds 0 just where p is not below 1 - confidence: it is ratio_interval() with Welch's `freedom`. Not below
     * -1; `high` is INFINITY where runs of the base vary so much that it may be 0. */
    double change, low, high, freedom;
    double p, p_ranks,
        p_corrected;   /* Welch, Mann and Whitney, Welch by Holm over all rows; NAN: not known */
    double detectable; /* the smallest change that so many runs would show 8 times of 10 */
    uint32_t
        runs_to_tell; /* CANNOT_TELL: runs a side that would show a change as large as the threshold; 0: not known, or ... */
    bool many_runs_to_tell; /* ... more than COMPARISON_RUNS_MAX, which nobody makes */
    double same_within;     /* SAME: a part of the base's mean, sure over all rows together */
    bool ranks_disagree;    /* the means differ, the ranks do not: single runs may have made it */
    enum comparison_answer answer;
};

struct comparison {
    const struct record_set *sets[2]; /* the caller's */
    struct comparison_wishes wishes;
    struct comparison_row *rows; /* by record_order, and figure */
    size_t count;
    struct comparison_group *groups; /* by record_order */
    size_t group_count;
    const struct record **records[2];   /* of the sets, by record_order: what groups are parts of */
    size_t answers[COMPARISON_ANSWERS]; /* rows of each */
    bool regressed;                     /* a row is slower by the threshold or more */
};

/* Figures that neither set has, not even hidden, are no rows. E_DATA: no configuration is in both; E_SYSTEM. comparison_free in any case. */
MUST_USE enum err_code comparison_make(struct comparison *comparison, const struct record_set *base,
                                       const struct record_set *other,
                                       const struct comparison_wishes *wishes, struct err *err);
void comparison_free(struct comparison *comparison); /* safe on a zeroed struct */

/* Values of its runs on a side, in the order of the file: as many as its side counts. */
void comparison_values(double *values, const struct comparison_row *row, int side);

/* Of places of rows, rising, those that are surest (p), where there are more than `most`; rising again. Returns how many. */
size_t comparison_keep_surest(size_t *places, size_t count, size_t most,
                              const struct comparison *comparison);

#define COMPARISON_ANSWER_BYTES 120u
/* "slower by 5.1 % (4.2 to 6.0 %)", "cannot tell (24 runs would)". */
void comparison_answer_format(char text[COMPARISON_ANSWER_BYTES],
                              const struct comparison *comparison,
                              const struct comparison_row *row);
const char *comparison_answer_word(enum comparison_answer answer); /* of JSON: "cannot_tell" */

#endif
