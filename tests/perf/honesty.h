/* What honesty (honesty.c) is made of: runs against a server that stamps everything, and the figures
 * that are judged from its record. */
#ifndef TESTS_PERF_HONESTY_H
#define TESTS_PERF_HONESTY_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"
#include "tests/perf/compare.h"
#include "tests/support/recorder_record.h"

#define HONESTY_ROUNDS_MAX 100
#define HONESTY_CONNECTIONS 50
#define HONESTY_KEYS 100000 /* that are drawn from where the key does not tell the ticket */

struct honesty {
    const char *volley, *floor, *recorder;
    uint64_t rounds;
    struct placement placement;
    char directory[64]; /* for what the runs write; removed at the end */
    json_t *results;    /* a row for each figure                       */
    uint32_t missed;
    bool many_cpus; /* workers have CPUs of their own, apart from the server's */
};

/* Prints a row, and counts a figure that is missed. within: whether `got` is good enough. */
void judge(struct honesty *honesty, bool within, const char *wanted, const char *got,
           const char *figure_format, ...) PRINTF_LIKE(5, 6);
/* A row for the reader, of which nothing is wanted. */
void show(struct honesty *honesty, const char *got, const char *figure_format, ...)
    PRINTF_LIKE(3, 4);

/* Runs (honesty_runs.c) ------------------------------------------------------------------------- */

#define PATH_BYTES 96

/* A recording server, for one run. */
struct recorder_process {
    pid_t pid;
    uint16_t port;
    char record_path[PATH_BYTES], log_path[PATH_BYTES];
};

/* What the server is asked for; NULL: nothing. */
struct recorder_wish {
    const char *stall;        /* AT:LENGTH                     */
    const char *service_time; /* of each request, one at a time */
};
MUST_USE enum err_code recorder_begin(struct recorder_process *server,
                                      const struct honesty *honesty,
                                      const struct recorder_wish *wish, struct err *err);
/* After this its record is complete. Safe when none is running. */
MUST_USE enum err_code recorder_end(struct recorder_process *server, struct err *err);

/* What one run of volley is asked for. */
struct load {
    uint32_t workers;
    bool poisson;
    bool tickets;       /* keys tell the tickets: --sequential; else drawn from HONESTY_KEYS */
    const char *pacing; /* NULL: volley's own choice                                        */
    uint64_t rate;      /* constant; 0: words has the rate                                   */
    const char *words;  /* more options, separated by single spaces; NULL: none              */
    uint64_t duration_ms;
    const char *stall; /* of the server, AT:LENGTH; NULL: none */
};

/* What came of it. Free with observed_free, also after a failure. */
struct observed {
    struct recorder_record record;
    json_t *document; /* volley's; NULL of the floor */
    const json_t *run;
};

/* One run against a recording server of its own. */
MUST_USE enum err_code observe_volley(struct observed *observed, const struct honesty *honesty,
                                      const struct load *load, struct err *err);
MUST_USE enum err_code observe_floor(struct observed *observed, const struct honesty *honesty,
                                     uint64_t rate, uint64_t duration_ms, struct err *err);
void observed_free(struct observed *observed);

/* Appends words that are separated by single spaces; NULL: none. */
void add_words(struct command *command, const char *words);
/* --processes and --cpus for so many workers. */
void add_cpus(struct command *command, const struct honesty *honesty, uint32_t workers);
/* The words of volley's command line for a load against a port, without --json. */
void add_volley(struct command *command, const struct honesty *honesty, const struct load *load,
                uint16_t port);
void add_floor(struct command *command, const struct honesty *honesty, uint16_t port,
               uint64_t requests, uint64_t rate);

/* A number of volley's run, at a path such as "response_time_us.p99"; NAN when there is none. */
double observed_number(const struct observed *observed, const char *path);

/* Sums (honesty_sums.c) -------------------------------------------------------------------------- */

/* Variance / mean of the arrivals per millisecond, over the whole milliseconds of [from, to). 1 for
 * a Poisson process, near 0 for an even one. */
double arrivals_variance_per_mean(const struct recorder_record *record, uint64_t from_ns,
                                  uint64_t to_ns);
uint64_t arrivals_between(const struct recorder_record *record, uint64_t from_ns, uint64_t to_ns);
/* Of the whole record. */
uint64_t first_arrival_ns(const struct recorder_record *record);
uint64_t last_arrival_ns(const struct recorder_record *record);

/* The value below or at which a share q (0..1] of the values lies; sorts them. count > 0. */
uint64_t quantile(uint64_t *values, uint64_t count, double q);
double median_of(double *values, uint64_t count);
double smallest_of(const double *values, uint64_t count);
double relative_error(double value, double truth);

/* The waits that users had: reply - (start + intended) of all that were answered. The caller frees;
 * NULL: out of memory. intended_ns: of all tickets of the record. */
uint64_t *true_waits(uint64_t *count, const struct recorder_record *record,
                     const uint64_t *intended_ns, uint64_t start_ns);

/* Figures (honesty_figures.c) ------------------------------------------------------------------- */

MUST_USE enum err_code figure_stall(struct honesty *honesty, struct err *err);
MUST_USE enum err_code figure_even(struct honesty *honesty, struct err *err);
MUST_USE enum err_code figure_bursts(struct honesty *honesty, struct err *err);
MUST_USE enum err_code figure_poisson(struct honesty *honesty, struct err *err);
MUST_USE enum err_code figure_ramp(struct honesty *honesty, struct err *err);
MUST_USE enum err_code figure_cpu(struct honesty *honesty, struct err *err);
/* honesty_capacity.c */
MUST_USE enum err_code figure_capacity(struct honesty *honesty, struct err *err);

/* Whether a word stands in a list with commas; every word does when there is none. */
bool honesty_listed(const char *list, const char *word);

#endif
