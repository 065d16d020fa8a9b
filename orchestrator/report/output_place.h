/* Where the outputs of this process go, so that two of them are never one file: that one would hold only
 * what came last, or both mixed. */
#ifndef ORCHESTRATOR_REPORT_OUTPUT_PLACE_H
#define ORCHESTRATOR_REPORT_OUTPUT_PLACE_H

#include "common/err.h"

struct output_place;

/* E_USAGE when another output, or standard output, goes to the file at path, whatever name it has there:
 * another path to it, a link of either kind. name is how the user calls it. Devices take any number of
 * outputs. NULL in *place: E_SYSTEM, or a device. */
MUST_USE enum err_code output_place_claim(struct output_place **place, const char *path,
                                          const char *name, struct err *err);
void output_place_release(struct output_place *place);

#endif
