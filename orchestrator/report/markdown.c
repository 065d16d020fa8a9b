#include "orchestrator/report/markdown.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "common/printable.h"

/* A _ within a word is no markup. */
static void write_clean(struct output *output, const char *text)
{
    for (const char *at = text; *at != '\0'; at++) {
        const bool within = *at == '_' && at > text && isalnum((unsigned char)at[-1]) != 0 &&
                            isalnum((unsigned char)at[1]) != 0;
        if (!within && strchr("\\`*_{}[]<>|#~&", *at) != NULL)
            output_printf(output, "\\");
        output_write(output, *at == '\n' ? " " : at, 1);
    }
}

void markdown_write_text(struct output *output, const char *text)
{
    char *clean = strdup(text);
    write_clean(output, clean != NULL ? printable_line(clean) : "");
    free(clean);
}

void markdown_write_cell(struct output *output, const char *text)
{
    output_printf(output, " ");
    markdown_write_text(output, text[0] != '\0' ? text : "-");
    output_printf(output, " |");
}
