#include "orchestrator/page/page_bundle.h"

#include <stdint.h>

/* clang-tidy reads this file without it. */
#ifndef VOLLEY_PAGE_BUNDLE
#define VOLLEY_PAGE_BUNDLE "/dev/null"
#endif

/* The file's bytes, by the assembler: of an array of characters a compiler makes a minute's work. */
__asm__(".section .rodata\n"
        ".global page_bundle_first\n"
        ".global page_bundle_end\n"
        "page_bundle_first:\n"
        ".incbin \"" VOLLEY_PAGE_BUNDLE "\"\n"
        "page_bundle_end:\n"
        ".byte 0\n"
        ".previous\n");
extern const char page_bundle_first[], page_bundle_end[];

const char *page_bundle(size_t *byte_count)
{
    *byte_count = (uintptr_t)page_bundle_end - (uintptr_t)page_bundle_first; /* of one file */
    return *byte_count > 0 ? page_bundle_first : NULL;
}

enum err_code page_bundle_check(const char *option, struct err *err)
{
    size_t byte_count;
    if (page_bundle(&byte_count) == NULL)
        return err_set(err, E_USAGE,
                       "%s: this volley was built without its page; where node and npm are "
                       "installed `make` builds it in",
                       option);
    return OK;
}
