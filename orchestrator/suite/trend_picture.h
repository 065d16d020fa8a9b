/* A trend as a page, and as pictures. */
#ifndef ORCHESTRATOR_SUITE_TREND_PICTURE_H
#define ORCHESTRATOR_SUITE_TREND_PICTURE_H

#include "orchestrator/page/picture.h"
#include "orchestrator/report/output.h"
#include "orchestrator/suite/trend.h"

/* One HTML file (docs/design/pictures.md); of very many configurations those that have changed last. command_line: how it was asked
 * for, for its end. page_bundle_check goes before. E_SYSTEM: no memory. */
MUST_USE enum err_code trend_write_page(struct output *output, const struct trend *trend,
                                        const struct trend_wishes *wishes, const char *command_line,
                                        struct err *err);

#define TREND_PICTURES_MAX 50u
/* history_<command>_<number>.png for each configuration, at most so many, into a directory that is there; the count of those
 * drawn. gnuplot_check goes before. E_SYSTEM: gnuplot fails. */
MUST_USE enum err_code trend_draw(size_t *drawn, const struct trend *trend,
                                  const struct trend_wishes *wishes, enum picture_format format,
                                  const char *directory, struct err *err);

#endif
