/* Pictures of results as PNG and SVG, drawn by gnuplot from the model of a page. Called by commands. */
#ifndef ORCHESTRATOR_PAGE_PICTURE_H
#define ORCHESTRATOR_PAGE_PICTURE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "common/err.h"
#include "orchestrator/page/page.h"

enum picture_format { PICTURE_PNG, PICTURE_SVG, PICTURE_FORMATS };

struct picture {
    const char *name; /* file: <what>_<name>.png */
    const char *what; /* it needs, for those who miss it */
    /* False: the result has nothing that it shows. */
    bool (*write)(FILE *script, enum picture_format format, const struct page_result *result);
};

/* Of runs, of scenarios. */
#define PICTURES_OF_RUNS 3u
extern const struct picture pictures_of_runs[PICTURES_OF_RUNS];
#define PICTURES_OF_SCENARIOS 3u
extern const struct picture pictures_of_scenarios[PICTURES_OF_SCENARIOS];
/* Of a search, a sweep or a load test: its result has a curve. */
#define PICTURES_OF_CURVES 2u
extern const struct picture pictures_of_curves[PICTURES_OF_CURVES];

/* Of a comparison of modes. */
extern const struct picture picture_of_modes;

/* Made, and can be written to: before anything connects. */
MUST_USE enum err_code picture_directory_make(const char *directory, struct err *err);
/* Draws one into a directory that is there; path: where it is, "" when there is nothing to draw. prefix: letters, digits, - and
 * _ stay, all else becomes _. */
#define PICTURE_PATH_BYTES 4096
MUST_USE enum err_code picture_draw(char path[PICTURE_PATH_BYTES], const struct picture *picture,
                                    enum picture_format format, const struct page_result *result,
                                    const char *directory, const char *prefix, struct err *err);
/* The pictures of a session, drawn when it has ended, into directories that are made; NULL: none in that format. They are named
 * by the session's label, else "run". gnuplot_check goes before. */
MUST_USE enum err_code sink_pictures(struct sink *sink, const char *png_directory,
                                     const char *svg_directory, struct err *err);

bool picture_latency(FILE *script, enum picture_format format, const struct page_result *result);
bool picture_throughput(FILE *script, enum picture_format format, const struct page_result *result);
bool picture_percentiles(FILE *script, enum picture_format format,
                         const struct page_result *result);
bool picture_memory(FILE *script, enum picture_format format, const struct page_result *result);
bool picture_correlation(FILE *script, enum picture_format format,
                         const struct page_result *result);
bool picture_phases(FILE *script, enum picture_format format, const struct page_result *result);
bool picture_load(FILE *script, enum picture_format format, const struct page_result *result);
bool picture_modes(FILE *script, enum picture_format format, const struct page_result *result);
bool picture_load_memory(FILE *script, enum picture_format format,
                         const struct page_result *result);

#endif
