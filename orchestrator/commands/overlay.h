/* `volley report A B [C...] --html FILE`: runs laid over one another on one page, and in what they differ. */
#ifndef ORCHESTRATOR_COMMANDS_OVERLAY_H
#define ORCHESTRATOR_COMMANDS_OVERLAY_H

#include <stdio.h>

#include "common/err.h"

/* Reads the journals of these directories, and of scenarios their samples, writes the page, and prints on out in which options and environment they differ.
 * E_USAGE: there are too many, two are the same directory, or the page cannot be written; E_DATA: a journal is missing or
 * damaged. */
MUST_USE enum err_code overlay_write(const char *const *directories, size_t count,
                                     const char *html_path, FILE *out, struct err *err);

#endif
