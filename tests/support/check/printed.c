#include "tests/support/check/printed.h"

void printed_begin(struct printed *printed)
{
    *printed = (struct printed){.text = NULL};
    printed->file = open_memstream(&printed->text, &printed->byte_count);
    ck_assert_ptr_nonnull(printed->file);
    output_borrow(&printed->out, printed->file);
}

char *printed_end(struct printed *printed)
{
    struct err err = {.code = OK};
    ck_assert_msg(output_status(&printed->out, &err) == OK, "%s", err.text);
    output_discard(&printed->out);
    fclose(printed->file);
    return printed->text;
}

void printed_expect_width(const char *text, size_t width)
{
    for (const char *line = text; *line != '\0'; line += *line == '\n') {
        size_t bytes = strcspn(line, "\n");
        ck_assert_msg(bytes <= width, "%zu columns: %.*s", bytes, (int)bytes, line);
        line += bytes;
    }
}
