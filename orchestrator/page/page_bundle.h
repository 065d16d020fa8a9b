/* The script of pages, as the build made it from orchestrator/page/src. */
#ifndef ORCHESTRATOR_PAGE_PAGE_BUNDLE_H
#define ORCHESTRATOR_PAGE_PAGE_BUNDLE_H

#include <stddef.h>

#include "common/err.h"

/* NULL: volley was built without it. */
const char *page_bundle(size_t *byte_count);
/* E_USAGE: it was built without, with how to get it; or there is a file at path (NULL: not known yet) that is no page, which
 * would be lost: a result, or a scenario. For options, before anything connects. */
MUST_USE enum err_code page_bundle_check(const char *option, const char *path, struct err *err);

#endif
