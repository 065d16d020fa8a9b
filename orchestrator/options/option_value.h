/* One value as text, into its place in a struct, as its row says: of an option, or of a field of a file. */
#ifndef ORCHESTRATOR_OPTIONS_OPTION_VALUE_H
#define ORCHESTRATOR_OPTIONS_OPTION_VALUE_H

#include "orchestrator/options/options.h"

/* The text of an OPTION_TEXT has to live as long as the target. E_USAGE: the reason alone, to be put behind
 * what was given; that of an OPTION_CUSTOM is what its parse says. */
MUST_USE enum err_code option_value_store(void *target, const struct option_row *row,
                                          const char *text, struct err *reason);
/* The default, or zero. */
MUST_USE enum err_code option_value_store_unset(void *target, const struct option_row *row,
                                                struct err *reason);

/* "true", "yes", "on", "1" and their opposites, in any case. */
MUST_USE bool option_value_parse_flag(bool *flag, const char *text);

#endif
