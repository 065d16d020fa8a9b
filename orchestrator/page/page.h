/* A page: one HTML file that shows results, without anything else (docs/design/pictures.md). It is a model that events of a
 * timeline and others fill, and that is written once, at the end. Used by commands and scenarios; one thread. */
#ifndef ORCHESTRATOR_PAGE_PAGE_H
#define ORCHESTRATOR_PAGE_PAGE_H

#include <jansson.h>
#include <stdint.h>

#include "common/err.h"
#include "orchestrator/page/page_table.h"
#include "orchestrator/report/output.h"
#include "orchestrator/report/timeline.h"

#define PAGE_RESULTS_MAX 8u
#define PAGE_LANES_MAX                                                                             \
    160u /* classes and nodes of a result; those beyond are left out, and it says so */
#define PAGE_LANE_ROWS_MAX 2048u
#define PAGE_ROWS_MAX 16384u
#define PAGE_LIVE_ROWS_MAX 4096u /* four for each pixel of a wide screen, when it is full */
#define PAGE_NOTICES_MAX 16u
#define PAGE_NOTICE_BYTES 512
#define PAGE_REGIONS_MAX 2048u
#define PAGE_MARKS_MAX 2048u
#define PAGE_HEAT_COLUMNS_MAX 1024u
#define PAGE_HEAT_ROWS_PER_DECADE 10u
#define PAGE_HEAT_ROWS 85u /* 1 us to 5 minutes; what is beyond counts in the rows at the ends */

/* How many requests took how long, by time. */
struct page_heat {
    uint32_t columns;
    uint64_t joined, last; /* as in a page_table */
    double start[PAGE_HEAT_COLUMNS_MAX], end[PAGE_HEAT_COLUMNS_MAX];
    uint64_t cells[PAGE_HEAT_COLUMNS_MAX][PAGE_HEAT_ROWS];
    uint64_t newest[PAGE_HEAT_ROWS]; /* of the last histogram alone */
};

struct page_result {
    char name[160];
    bool named;               /* by the caller: a label does not matter */
    bool labelled;            /* the name is the session's label */
    uint64_t started_wall_ns; /* second 0; 0: nothing has begun */
    struct page_table load;
    struct page_table *lanes; /* [PAGE_LANES_MAX] */
    uint32_t lane_count, lanes_left_out;
    struct page_table samples; /* of servers; columns_max 0: there are none */
    struct page_heat heat;
    json_t *regions, *marks, *spectra; /* as in the data */
    json_t *runs;                      /* what is told of each without a script: page_runs.c */
    json_t *checks;                    /* NULL: there are none */
    json_t *curve;                     /* of a search or a sweep: page_curve.h; NULL */
    json_t *comparison;                /* of two results: page_comparison.h; NULL */
    json_t *history;                   /* from commit to commit: page_history.h; NULL */
    json_t *numbers,
        *findings; /* of verify, {name, value} (a number, or a text of volley's own) and rows of a table; NULL */
    char judgement[16];         /* of the checks: "PASS"; "" */
    json_t *phases;             /* rows of a table for people; NULL */
    json_t *environment, *spec; /* NULL: not known */
    json_t *notices;            /* sentences for its top: what of it is missing; NULL */
    bool ratios_left_out;       /* of samples of little memory: page_ratios_left_out */
    bool cut;                   /* the journal ends before the run does */
    char *report;               /* as text; NULL */
    size_t report_bytes;
};

struct page;

/* NULL: no memory. */
struct page *page_create(void);
/* One that is looked at as it goes, maybe for days: PAGE_LIVE_ROWS_MAX rows, whose memory is taken at the beginning. */
struct page *page_create_live(void);
void page_destroy(struct page *page); /* NULL: nothing */
/* What events tell from here on belongs to a further result; name is for people, NULL: its label. E_USAGE: PAGE_RESULTS_MAX
 * are there. */
MUST_USE enum err_code page_result_add(struct page *page, const char *name, struct err *err);
/* The newest; for those who add what no event tells. */
struct page_result *page_result_newest(const struct page *page);
/* A sentence for the top of a result: what of it is missing, and why. */
void page_result_notice(struct page_result *result, const char *format, ...) PRINTF_LIKE(2, 3);
/* What a picture of ratios says where ratios_left_out. */
extern const char page_ratios_left_out[];
/* Fills the newest result. The page has to outlive the timeline. */
struct sink page_listen(struct page *page);
/* A new array: in which options and what of the environment the results differ (page_leaves.h). */
json_t *page_differences(const struct page *page);
/* "runs", "scenario", "verify", PAGE_CURVE, PAGE_COMPARISON or PAGE_HISTORY; title NULL: the name of the first result. Into an output that is open. What cannot be written is told by
 * the output's status. E_SYSTEM: no memory. */
MUST_USE enum err_code page_write(const struct page *page, const char *kind, const char *title,
                                  struct output *out, struct err *err);
/* A page of a session as it goes, written when that has ended. page_bundle_check goes before. */
MUST_USE enum err_code sink_page(struct sink *sink, const char *path, enum output_naming naming,
                                 struct err *err);

#endif
