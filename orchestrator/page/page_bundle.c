#include "orchestrator/page/page_bundle.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "common/printable.h"

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

/* Begins as page_html.c writes it, or has nothing in it. */
static bool may_be_replaced(const char *path)
{
    static const char opening[] = "<!DOCTYPE html>";
    char head[sizeof opening] = "";
    struct stat about;
    if (stat(path, &about) != 0 || !S_ISREG(about.st_mode) || about.st_size == 0)
        return true;
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return true; /* what is wrong with it is said when it is opened for writing */
    const size_t count = fread(head, 1, sizeof opening - 1, file);
    (void)fclose(file);
    return count == sizeof opening - 1 && strncasecmp(head, opening, count) == 0;
}

enum err_code page_bundle_check(const char *option, const char *path, struct err *err)
{
    size_t byte_count;
    if (page_bundle(&byte_count) == NULL)
        return err_set(err, E_USAGE,
                       "%s: this volley was built without its page; where node and npm are "
                       "installed `make` builds it in",
                       option);
    return path == NULL || may_be_replaced(path)
               ? OK
               : err_set(err, E_USAGE,
                         "%s: %.200s is there and is no page: take another name, or remove it",
                         option, PRINTABLE(path));
}
