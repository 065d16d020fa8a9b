/* Trees of JSON, options or an environment, as rows that people read and compare: "host.cpu.model" and what stands there. */
#ifndef ORCHESTRATOR_PAGE_PAGE_LEAVES_H
#define ORCHESTRATOR_PAGE_PAGE_LEAVES_H

#include <jansson.h>

#define PAGE_LEAVES_MAX 600u

/* A new object: paths to texts; what is null is left out, as is what goes beyond PAGE_LEAVES_MAX. */
json_t *page_leaves(json_t *tree);
/* A new array of rows alike: {"what": path, NAME: text, ...} of what is not the same in all trees; a text that is not there is
 * "". Left out is what differs between any two runs: addresses of processes, times, the command line. */
json_t *page_leaves_differing(json_t *const *trees, const char *const *names, size_t count);

#endif
