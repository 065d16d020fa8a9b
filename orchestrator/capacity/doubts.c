#include "orchestrator/capacity/doubts.h"

#include <stdio.h>

void doubts_write(struct output *out, const char *where, const struct verdict *verdict)
{
    if (verdict->level == VERDICT_GREEN)
        return;
    output_printf(out, "Verdict at %s: %s\n", where, verdict_level_name(verdict->level));
    for (uint32_t i = 0; i < verdict->check_count; i++) {
        const struct verdict_check *check = &verdict->checks[i];
        if (check->level != VERDICT_GREEN)
            output_printf(out, "  %s: %s (GREEN: %s)\n", check->name, check->text, check->limit);
    }
}

char *doubts_format(char *text, size_t text_bytes, const struct verdict *verdict, bool with_values)
{
    size_t used = 0;
    text[0] = '\0';
    const char *separator = "";
    for (uint32_t i = 0; i < verdict->check_count && used < text_bytes; i++) {
        const struct verdict_check *check = &verdict->checks[i];
        if (check->level == VERDICT_GREEN)
            continue;
        used += (size_t)snprintf(text + used, text_bytes - used, "%s%s%s%s", separator, check->name,
                                 with_values ? " " : "", with_values ? check->text : "");
        separator = with_values ? "; " : ", ";
    }
    return text;
}
