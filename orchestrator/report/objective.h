/* Objectives: "p99<1ms", "p99.9<=5ms", "mean<500us", "max<20ms", "errors<0.1%", and for options that take
 * both directions "rate>=50k", "errors>1% for 10s". With the name of a class of requests and a colon in front,
 * "read:p99<1ms", it is about that class.
 *
 * A list is what a user gives, several of them separated by commas. Latencies are response times (in a closed
 * loop service times) of requests that were answered without an error. Pure functions. */
#ifndef ORCHESTRATOR_REPORT_OBJECTIVE_H
#define ORCHESTRATOR_REPORT_OBJECTIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/lane.h"

struct metric_slice; /* metric.h   */
struct run_facts;    /* timeline.h */

#define OBJECTIVE_MAX 8
#define OBJECTIVE_TEXT_BYTES (48 + CLASS_NAME_BYTES)

enum objective_kind {
    OBJECTIVE_PERCENTILE,
    OBJECTIVE_MEAN,
    OBJECTIVE_LONGEST,
    OBJECTIVE_ERRORS,
    OBJECTIVE_RATE /* requests answered without an error per second */
};

struct objective {
    enum objective_kind kind;
    bool above;                   /* ">", ">=" */
    bool or_equal;                /* "<=", ">=" */
    double percent;               /* OBJECTIVE_PERCENTILE: above 0, below 100 */
    uint64_t limit_ns;            /* of a latency: 1 ns to 1 h          */
    double limit_share;           /* OBJECTIVE_ERRORS: 0.001 is "0.1%"  */
    uint64_t limit_rate;          /* OBJECTIVE_RATE                      */
    uint64_t for_ns;              /* behind "for"; 0: nothing was said   */
    char class[CLASS_NAME_BYTES]; /* "": of all requests                 */
    char text
        [OBJECTIVE_TEXT_BYTES]; /* as given, without blanks but for those around "for" and in a class */
};

struct objective_list {
    struct objective items[OBJECTIVE_MAX];
    uint32_t count;
};

/* What an option takes of all this. */
struct objective_grammar {
    const char *option; /* for errors: "--slo"       */
    bool both;          /* ">" and "rate", too       */
    bool lasting;       /* and "for TIME" behind one */
};
/* --check, and --abort-on. */
extern const struct objective_grammar objective_of_check, objective_of_abort;

/* E_USAGE with the expression, the column of the mistake in it (from 1) and what is expected there;
 * also when there are more than OBJECTIVE_MAX, or two about one figure in one direction. */
MUST_USE enum err_code objective_parse_list(struct objective_list *list, const char *text,
                                            const struct objective_grammar *grammar,
                                            struct err *err);

/* What an objective looks at, in a slice of a run. */
struct objective_reading {
    bool kept;
    bool few_samples;  /* a percentile that one outlier moves (figure_few_samples) */
    bool known;        /* false: nothing was answered, or too much was not, to know the figure. Then
                          value_ns is a lower bound, 0 when there was no answer at all, and it is kept only
                          if it has to be above a limit and the bound is */
    uint64_t value_ns; /* of a latency */
    double
        share; /* OBJECTIVE_ERRORS: of the requests that ended, those that failed or were lost; all of
                     them where none ended since no connection could be had */
    double rate; /* OBJECTIVE_RATE */
};
/* Of a class it reads that one; all, where there is one class only, and where slice->run does not know
 * classes; nothing is known where there is none of that name. */
struct objective_reading objective_read(const struct objective *objective,
                                        const struct metric_slice *slice);

/* Whether what was read is above half of the objective. */
bool objective_has_little_to_spare(const struct objective *objective,
                                   const struct objective_reading *reading);

/* Whether its figure is that of a class in a run that has several. */
bool objective_is_of_class(const struct objective *objective, const struct run_facts *run);

/* "p99 1.234 ms", "read:p99 at least 80.000 ms", "errors 0.120 %", "rate 51,234/s", "p99.9 2.000 ms (few samples)"; with
 * more digits where these would tell something else of the limit. Returns text. */
#define OBJECTIVE_READING_BYTES (96 + CLASS_NAME_BYTES)
char *objective_format_reading(char *text, size_t text_bytes, const struct objective *objective,
                               const struct objective_reading *reading);

#endif
