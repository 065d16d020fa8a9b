#include "orchestrator/capacity/doubts.h"

#include <stdio.h>
#include <string.h>

static void write_advice(struct output *out, const char *advice, struct doubts_said *said)
{
    for (uint32_t i = 0; i < said->count; i++)
        if (strcmp(said->advice[i], advice) == 0)
            return;
    if (advice[0] == '\0')
        return;
    output_printf(out, "      %s\n", advice);
    if (said->count < sizeof said->advice / sizeof said->advice[0])
        said->advice[said->count++] = advice;
}

void doubts_write(struct output *out, const char *where, const struct verdict *verdict,
                  struct doubts_said *said)
{
    if (verdict->level == VERDICT_GREEN)
        return;
    output_printf(out, "Verdict at %s: %s\n", where, verdict_level_name(verdict->level));
    for (uint32_t i = 0; i < verdict->check_count; i++) {
        const struct verdict_check *check = &verdict->checks[i];
        if (check->level == VERDICT_GREEN)
            continue;
        output_printf(out, "  %s: %s (GREEN: %s)\n", check->name, check->text, check->limit);
        write_advice(out, check->advice, said);
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
