#include "common/printable.h"

#include <stdbool.h>

#define C1_LEAD 0xC2u /* of the second set of control characters in UTF-8, which are two bytes */

static bool is_control(const unsigned char *at)
{
    return *at < 0x20 || *at == 0x7F || (*at == C1_LEAD && at[1] >= 0x80 && at[1] < 0xA0);
}

static char *clean(char *text, bool keep_breaks)
{
    for (unsigned char *at = (unsigned char *)text; *at != '\0'; at++) {
        if (!is_control(at) || (keep_breaks && (*at == '\n' || *at == '\t')))
            continue;
        if (*at == C1_LEAD)
            at[1] = ' ';
        *at = ' ';
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
