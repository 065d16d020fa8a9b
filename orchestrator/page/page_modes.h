/* What `volley compare-modes` has found, as a page and a picture show it: read from its document (volley.compare-modes/1), so that it
 * looks the same when it is over. It is a comparison (page_comparison.h), with the latency matrix and the runs beside it.
 * docs/design/pictures.md says what stands in it. */
#ifndef ORCHESTRATOR_PAGE_PAGE_MODES_H
#define ORCHESTRATOR_PAGE_PAGE_MODES_H

#include <jansson.h>

#include "common/err.h"
#include "orchestrator/page/page.h"
#include "orchestrator/page/page_curve.h"

/* Whether it is such a document, and something was measured. */
bool page_modes_has_runs(const json_t *document);
/* Puts it into the newest result, whose page is of kind PAGE_COMPARISON from then on; names its runs by their mode. E_DATA: it is no such
 * document, or nothing was measured; E_SYSTEM: no memory. */
MUST_USE enum err_code page_modes_set(struct page *page, const json_t *document, struct err *err);
/* Its label, or "SET: high-throughput (A) against bypass (B)". Returns text. */
#define PAGE_MODES_TITLE_BYTES 300
const char *page_modes_title(char text[PAGE_MODES_TITLE_BYTES], const struct page_result *result);

/* "SET, compare-modes", no longer than the name of a curve. Returns text. */
const char *page_modes_name(char text[PAGE_CURVE_TITLE_BYTES], const json_t *comparison);

#define PAGE_MODES 2u
/* Of a comparison the modes, A first: {"name", "text", "counted", "runs"}; NULL: it is of something else. */
const json_t *page_modes_side(const json_t *comparison, size_t side);
/* "requests_per_second", or below latency "p50_latency_ms" of a run; NAN: not known. */
double page_modes_figure(const json_t *run, const char *figure);

/* Whether a run is compared. */
bool page_modes_counts(const json_t *run);

/* What stands there without a script: above the answers, and behind them. */
void page_modes_html(struct output *out, const json_t *comparison);
void page_modes_html_runs(struct output *out, const json_t *comparison);

#endif
