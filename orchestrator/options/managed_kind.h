/* The value of --managed: what volley starts. Used by bench_options.c. */
#ifndef ORCHESTRATOR_OPTIONS_MANAGED_KIND_H
#define ORCHESTRATOR_OPTIONS_MANAGED_KIND_H

#include <stdbool.h>
#include <stddef.h>

#include "common/err.h"

#define MANAGED_NODES_MAX 64u /* servers, with those that are added while it runs */

/* "true", "false", or one or more of tls, cluster=P, cluster=P+R, replicas=N, separated by commas.
 * Stores into the spec of the struct bench_request that target is. E_USAGE. */
enum err_code managed_kind_parse(void *target, const char *value, struct err *err);

/* Whether a word behind a bare --managed is meant as its value, well-formed or not: it may as well be
 * the command to send. */
bool managed_kind_is(const char *word);

/* What shell completion offers for it, as option_row.value_at asks for: one of each kind. */
const char *managed_kind_at(size_t index);

#endif
