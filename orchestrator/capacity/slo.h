/* Service level objectives: "p99<1ms", "p99.9<=5ms", "mean<500us", "max<20ms", "errors<0.1%".
 *
 * A list is what a user gives, several of them separated by commas; all have to be kept. Latencies are
 * response times of requests that were answered without an error. Pure functions. */
#ifndef ORCHESTRATOR_CAPACITY_SLO_H
#define ORCHESTRATOR_CAPACITY_SLO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/interval.h"

#define SLO_MAX 8
#define SLO_TEXT_BYTES 48

enum slo_kind { SLO_PERCENTILE, SLO_MEAN, SLO_LONGEST, SLO_ERRORS };

struct slo {
    enum slo_kind kind;
    bool or_equal;             /* "<=" */
    double percent;            /* SLO_PERCENTILE: above 0, below 100 */
    uint64_t limit_ns;         /* of a latency: 1 ns to 1 h          */
    double limit_share;        /* SLO_ERRORS: 0.001 is "0.1%"        */
    char text[SLO_TEXT_BYTES]; /* as given, without blanks           */
};

struct slo_list {
    struct slo items[SLO_MAX];
    uint32_t count;
};

/* E_USAGE with the expression, the column of the mistake in it (from 1) and what is expected there;
 * also when there are more than SLO_MAX, or two about one figure. */
MUST_USE enum err_code slo_parse_list(struct slo_list *list, const char *text, struct err *err);

/* What an objective looks at, in what a row holds. */
struct slo_reading {
    bool kept;
    bool known;        /* false: nothing was answered, or too much was not, to know the figure: not
                        kept. Then value_ns is a lower bound, 0 when there was no answer at all */
    uint64_t value_ns; /* of a latency */
    double share;      /* SLO_ERRORS: of the requests that ended, those that failed or were lost */
};
struct slo_reading slo_read(const struct slo *slo, const struct interval_row *row);

/* Whether what was read is above half of the objective. */
bool slo_has_little_to_spare(const struct slo *slo, const struct slo_reading *reading);

/* "p99 1.234 ms", "p99 at least 80.000 ms", "errors 0.120 %". Returns text; 64 bytes hold any. */
char *slo_format_reading(char *text, size_t text_bytes, const struct slo *slo,
                         const struct slo_reading *reading);

#endif
