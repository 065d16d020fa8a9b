/* What a page is made of; private to orchestrator/page. */
#ifndef ORCHESTRATOR_PAGE_PAGE_STATE_H
#define ORCHESTRATOR_PAGE_PAGE_STATE_H

#include "orchestrator/page/page.h"
#include "orchestrator/page/picture.h"
#include "orchestrator/report/metric.h"

/* Of times, these stand in a page; in the order of columns. */
#define PAGE_STATISTICS 6u
extern const struct metric_statistic page_statistics[PAGE_STATISTICS];

struct page {
    uint32_t count;
    struct page_result *results[PAGE_RESULTS_MAX];
    struct page_result *newest;
    bool live; /* page_create_live */
    /* Of the run under way. */
    struct run_facts run;
    bool run_drawn;        /* it is part of the graphic, not of the list of runs alone */
    double offset_seconds; /* of its start, on the axis of its result */
    struct note sample;    /* the newest; not ok: there is none */
    double *values;        /* of a row */
    struct sink text;      /* the report */
    FILE *text_file;
    struct output out;                          /* of sink_page */
    char *picture_directories[PICTURE_FORMATS]; /* of sink_pictures; NULL: none in that format */
};

/* A row into the tables and the heat map (page_rows.c). */
MUST_USE enum err_code page_rows_init(struct page_result *result, bool live, struct err *err);
MUST_USE enum err_code page_rows_add(struct page *page, const struct interval_row *row,
                                     struct err *err);
/* A value of a scraped series into a table of its own. */
MUST_USE enum err_code page_scraped_add(struct page *page, const struct note *note,
                                        struct err *err);
uint32_t page_rows_columns(void); /* of the load */
void page_heat_add(struct page_heat *heat, double start, double end,
                   const struct histogram *histogram);
double page_heat_top_us(uint32_t row); /* the upper edge */

/* What a run came to (page_runs.c). */
void page_runs_add(struct page *page, const struct run_result *run);

/* The data (page_data.c), and what people read without a script (page_html.c). */
MUST_USE enum err_code page_data_write(const struct page *page, const char *kind, const char *title,
                                       struct output *out, struct err *err);
void page_html_head(struct output *out, const char *title);
void page_html_result(struct output *out, const struct page_result *result);
void page_html_differences(struct output *out, json_t *rows);
void page_html_tables(struct output *out, const struct page_result *result);
/* Parts of it. In the unit that fits: "12.3 us", ">= 1.234 ms"; of null: "-". */
const char *page_html_time(char text[48], const json_t *value);
void page_html_number(struct output *out, const char *caption, const char *value, const char *more);
/* Opens a box with a word in it, coloured as a level; the caller closes. */
void page_html_level(struct output *out, const char *level);
/* Opens a box that a wide table scrolls in, by keys too, and that shows where there is more of it; the caller closes. more:
 * further classes, each with a blank before it. */
void page_html_scroll(struct output *out, const char *more, const char *label);
/* The list in such a box, and its end: {"name", "level", "text", "advice"} of checks that are not GREEN. Those of another level
 * than the verdict's are folded. */
void page_html_reasons(struct output *out, const json_t *reasons, const char *verdict);
/* Of a result with a curve: what was found, its figures, its points (page_curve_html.c). */
void page_curve_html(struct output *out, const json_t *curve);
/* Text as text: what is markup, and what is no UTF-8 or a control character, cannot get through. */
void page_html_text(struct output *out, const char *text);

#endif
