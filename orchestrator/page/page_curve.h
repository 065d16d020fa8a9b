/* What `volley find-max`, `volley sweep` and `volley load-test` have found, as a page and a picture show it: read from their
 * documents (volley.find-max/1, volley.sweep/1, volley.load-test/1), so that a search that is over looks as it did when it ended. docs/design/pictures.md says
 * what stands in it. */
#ifndef ORCHESTRATOR_PAGE_PAGE_CURVE_H
#define ORCHESTRATOR_PAGE_PAGE_CURVE_H

#include <jansson.h>

#include "common/err.h"
#include "orchestrator/page/page.h"

/* Puts it into the newest result, whose page is of kind PAGE_CURVE from then on; names its runs by their load. E_DATA: it is
 * no such document, or nothing was measured; E_SYSTEM: no memory. */
#define PAGE_CURVE "curve"
MUST_USE enum err_code page_curve_set(struct page *page, const json_t *document, struct err *err);
/* For people: "SET, find-max"; and of a result that has one its label, or else that. Return text. */
#define PAGE_CURVE_TITLE_BYTES 240
const char *page_curve_name(char text[PAGE_CURVE_TITLE_BYTES], const json_t *curve);
const char *page_curve_title(char text[PAGE_CURVE_TITLE_BYTES], const struct page_result *result);

/* The name of a figure of a point by the table of figures: "response_time_us.p99"; statistic NULL: of one without. */
const char *page_curve_figure(char name[PAGE_COLUMN_BYTES], const char *path,
                              const char *statistic);
/* A member of any object in it: "" and NAN where it is none, or null. */
const char *page_curve_text(const json_t *object, const char *key);
double page_curve_real(const json_t *object, const char *key);
/* A figure of a point: below 0, of a time: at least so much. NAN: not known. */
double page_curve_number(const json_t *point, const char *figure);
/* "Response time", in a closed loop "Service time"; of both "Latency". */
const char *page_curve_times(const json_t *curve);
/* A statistic of a point's response times, in a closed loop of its service times; as page_curve_number. */
double page_curve_time(const json_t *point, const char *statistic);
/* "p99" of "response_time_us.p99"; NULL: it is none of these times. */
const char *page_curve_statistic(const char *figure);
/* Whether it is one of these documents, and something was measured. */
bool page_curve_has_points(const json_t *document);
/* The curve of one of its modes alone, of which it has none (every index) or two: a new reference; "mode" is its name. NULL: no
 * memory. */
json_t *page_curve_mode(const json_t *curve, size_t index);
/* The point that was found, or that answers most: whose figures stand at the top. NULL: none. */
const json_t *page_curve_best(const json_t *curve);

#endif
