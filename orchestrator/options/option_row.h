/* The words that rows of options are written in. */
#ifndef ORCHESTRATOR_OPTIONS_OPTION_ROW_H
#define ORCHESTRATOR_OPTIONS_OPTION_ROW_H

#include "orchestrator/options/options.h"

/* clang-format off: lists */
#define ROW(name_, shorts_, kind_, argument_, at_)                                                 \
    .name = name_, .shorts = shorts_, .kind = kind_, .argument = argument_, .offset = at_
#define NUMBER(min_, max_) .min = min_, .max = max_
#define BARE(unit_ns_, min_, max_) .bare_unit_ns = unit_ns_, .min = min_, .max = max_
#define NOT_YET(name_, shorts_, aliases_)                                                          \
    {                                                                                              \
        .name = name_, .shorts = shorts_, .aliases = aliases_, .kind = OPTION_NOT_YET              \
    }
#define ELSEWHERE(name_, shorts_, help_)                                                           \
    {                                                                                              \
        .name = name_, .shorts = shorts_, .kind = OPTION_ELSEWHERE, .help = help_                  \
    }
/* clang-format on */

#endif
