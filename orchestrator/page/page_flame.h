/* Where a program spends its time, as a page: a flame graph of folded stacks (page_flame_tree.h). */
#ifndef ORCHESTRATOR_PAGE_PAGE_FLAME_H
#define ORCHESTRATOR_PAGE_PAGE_FLAME_H

#include <stdio.h>

#include "common/err.h"

#define PAGE_FLAME "flame" /* the kind of its page */

/* All of it is text, whatever it says. */
struct page_flame_facts {
    const char *title;
    const char *const *facts; /* names and values in turn, NULL behind the last; NULL: none */
    const char *folded_name;  /* of the file, for people */
};

/* Reads folded stacks to their end, and writes one file at path, or replaces a page that is there. E_USAGE: volley was built
 * without its page, or the file is no page, or cannot be written; E_DATA: there are no stacks; E_SYSTEM. Then nothing is left
 * at path that was not there. The stream stays the caller's. */
MUST_USE enum err_code page_flame_write(const char *path, const struct page_flame_facts *facts,
                                        FILE *folded, struct err *err);

#endif
