/* What the checks of relations between options share. Steps of bench_options_parse use it. */
#ifndef ORCHESTRATOR_OPTIONS_RELATION_H
#define ORCHESTRATOR_OPTIONS_RELATION_H

#include <stdbool.h>
#include <stddef.h>

#include "orchestrator/options/bench_options.h"

/* Something that the user should know once; beyond the room for them it is dropped. */
void relation_notice(struct bench_request *request, const char *format, ...) PRINTF_LIKE(2, 3);

bool relation_given(const struct bench_request *request, const char *name);
const struct option_origin *relation_origin(const struct bench_request *request, const char *name);

/* Of each pair of one of `names` and one of `others`, which are separated by blanks, E_USAGE: both are meant
 * (options_meant), and from the same place. Of two options that exclude each other the one
 * from the config file gives way to the one from the command line. Of several such calls in a row the
 * first error stays in err, whose code tells. */
void relation_exclude(struct bench_request *request, const char *names, const char *others,
                      const char *why, struct err *err);

/* One of several options that only make sense together. */
struct relation_part {
    const char *name;
    bool there;
};
/* E_USAGE unless all are there: "<subject> requires all of --a, --b. Missing: --b". */
MUST_USE enum err_code relation_require_all(const char *subject, const struct relation_part *parts,
                                            size_t part_count, struct err *err);

#endif
