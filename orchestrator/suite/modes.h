/* Two ways in which a client sends, A and B, held against one another: runs of both by turns on one server, and what the statistics of
 * `volley compare` (comparison.h) say of them. B is the base: answers are of A. */
#ifndef ORCHESTRATOR_SUITE_MODES_H
#define ORCHESTRATOR_SUITE_MODES_H

#include "common/spec.h"
#include "orchestrator/capacity/mishap.h"
#include "orchestrator/report/two_samples.h"
#include "orchestrator/suite/comparison.h"

#define MODES_RUNS_MIN 3u
#define MODES_RUNS_MAX 1000u
#define MODES_SCHEMA "volley.compare-modes/1"

enum { MODE_A, MODE_B, MODES };

/* What the latency matrix tells apart: requests that only read, which no buffer holds, and others; and of a mode with a near cache
 * reads that it answered, and those that went to the server. */
enum { MODE_WRITES, MODE_QUERIES, MODE_CACHED, MODE_COLD, MODE_KINDS };
#define MODE_PERCENTILES 4u
extern const double mode_percentiles[MODE_PERCENTILES];

struct mode_run {
    double seconds, rate; /* rate: ok per second */
    double figures_ms
        [RECORD_FIGURES]; /* p50, p95 and p99; NAN: not known. There is no mean: users still wait when a run ends. */
    double error_percent;                           /* of the requests that ended */
    double matrix_ms[MODE_KINDS][MODE_PERCENTILES]; /* NAN: not known, or there are none */
    enum err_code status;
    enum verdict_level verdict;
    char mishap[MISHAP_TEXT_BYTES]; /* mishap_find; not "": it does not count */
};

struct mode {
    char name[80];  /* "high-throughput (A)" */
    char text[300]; /* what it is, from its first run on */
    bool buffered;
    struct mode_run *runs;
    uint32_t count, counted;
    double *errors; /* error_percent of the runs that count */
};

struct modes {
    struct comparison_wishes wishes; /* the caller's */
    uint32_t planned;                /* runs of each; the caller's */
    struct mode modes[MODES];
    bool interrupted;
    char error[ERR_TEXT_BYTES]; /* that ended it; "": none did */
    struct record_set sets[MODES];
    struct comparison comparison; /* sets[0]: B */
    bool compared;                /* both have runs that count */
    struct welch errors;          /* of A against B, in percent points */
};

/* Room for the runs that are planned: E_SYSTEM. modes_free in any case; safe on a zeroed struct. */
MUST_USE enum err_code modes_init(struct modes *modes, struct err *err);
void modes_free(struct modes *modes);
/* Before the first run. */
void modes_name(struct modes *modes, int side, const struct buffer_options *buffer);
/* Figures of the run that has just ended; of each class of its requests whether it only reads, of a run without classes the first
 * says it of all. */
void modes_read_run(struct mode *mode, const struct run_result *result,
                    const bool reads[CLASSES_MAX]);
/* Whether it came to its end, and is compared. */
bool modes_run_counts(const struct mode_run *run);
/* After the last run. configuration: what all runs have in common, an object of keys that records know (record_set.h), with "command".
 * Runs that did not end well count for nothing. E_SYSTEM. */
MUST_USE enum err_code modes_compare(struct modes *modes, const json_t *configuration,
                                     struct err *err);

/* A place of the latency matrix: the mean of the runs that count. NAN: not known. */
double modes_matrix_ms(const struct mode *mode, unsigned kind, size_t percentile);
#define MODES_COLUMN_BYTES 24u
/* "Write(Buffer)"; where both buffer, "Write(A)"; "Query(Cached)", "Query(Cold B)". Returns text. */
char *modes_format_column(char text[MODES_COLUMN_BYTES], const struct modes *modes, int side,
                          unsigned kind);

void modes_write_text(struct output *out, const struct modes *modes);
void modes_write_markdown(struct output *out, const struct modes *modes);
/* volley.compare-modes/1 (docs/schema): a new reference; capacity_json_write writes it. run NULL: nothing ran. NULL: no
 * memory. */
json_t *modes_document(const struct modes *modes, const struct session_facts *session,
                       const struct run_facts *run);

#endif
