#include "common/printable.h"

#include <stdbool.h>
#include <stdio.h>

size_t printable_sequence_bytes(const char *text)
{
    const unsigned char *at = (const unsigned char *)text;
    size_t length = at[0] < 0x80                     ? 1
                    : at[0] >= 0xC2 && at[0] <= 0xDF ? 2
                    : at[0] >= 0xE0 && at[0] <= 0xEF ? 3
                    : at[0] >= 0xF0 && at[0] <= 0xF4 ? 4
                                                     : 0;
    for (size_t i = 1; i < length; i++) {
        if ((at[i] & 0xC0) != 0x80)
            return 0; /* also where the text ends */
    }
    bool too_long = (at[0] == 0xE0 && at[1] < 0xA0) || (at[0] == 0xF0 && at[1] < 0x90);
    bool surrogate = at[0] == 0xED && at[1] >= 0xA0;
    bool too_high = at[0] == 0xF4 && at[1] >= 0x90;
    return too_long || surrogate || too_high ? 0 : length;
}

/* The second set of them is two bytes in UTF-8. */
static bool is_control(const char *text)
{
    const unsigned char *at = (const unsigned char *)text;
    return *at < 0x20 || *at == 0x7F || (*at == 0xC2 && at[1] < 0xA0);
}

/* Text behind it would be shown in another order than it has: U+061C, U+200E, U+200F, U+202A to U+202E, U+2066 to U+2069. */
static bool turns_text(const char *text)
{
    const unsigned char *at = (const unsigned char *)text;
    if (at[0] == 0xD8)
        return at[1] == 0x9C;
    if (at[0] != 0xE2)
        return false;
    return at[1] == 0x80 ? at[2] == 0x8E || at[2] == 0x8F || (at[2] >= 0xAA && at[2] <= 0xAE)
                         : at[1] == 0x81 && at[2] >= 0xA6 && at[2] <= 0xA9;
}

static char *clean(char *text, bool keep_breaks)
{
    for (char *at = text; *at != '\0';) {
        size_t bytes = printable_sequence_bytes(at);
        if (bytes == 0) {
            *at++ = '?';
            continue;
        }
        bool blank =
            (is_control(at) || turns_text(at)) && !(keep_breaks && (*at == '\n' || *at == '\t'));
        for (size_t i = 0; i < bytes && blank; i++)
            at[i] = ' ';
        at += bytes;
    }
    return text;
}

char *printable_line(char *text)
{
    return clean(text, false);
}

char *printable_lines(char *text)
{
    return clean(text, true);
}

char *printable_copy(char *copy, size_t copy_bytes, const char *text)
{
    snprintf(copy, copy_bytes, "%s", text);
    return printable_line(copy);
}
