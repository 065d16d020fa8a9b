#include "orchestrator/options/objective_classes.h"

#include <stdio.h>
#include <string.h>

#include "common/suggest.h"

#define LIST_BYTES 120u /* of the names that a message has */

static bool is_among(const char *wanted, const char *const classes[], uint32_t class_count)
{
    for (uint32_t i = 0; i < class_count; i++)
        if (strcmp(classes[i], wanted) == 0)
            return true;
    return false;
}

enum err_code objective_classes_check(const struct objective_list *list, const char *option,
                                      const char *title, const char *const classes[],
                                      uint32_t class_count, struct err *err)
{
    char known[LIST_BYTES] = "";
    const struct objective *unknown = NULL;
    for (uint32_t i = 0; i < list->count && unknown == NULL; i++)
        if (list->items[i].class[0] != '\0' &&
            !is_among(list->items[i].class, classes, class_count))
            unknown = &list->items[i];
    if (unknown == NULL)
        return OK;
    struct suggestion near = {.wanted = unknown->class, .wanted_bytes = strlen(unknown->class)};
    for (uint32_t i = 0; i < class_count; i++) {
        const size_t used = strlen(known);
        suggest_offer(&near, classes[i], strlen(classes[i]));
        snprintf(known + used, sizeof known - used, "%s%s", used > 0 ? ", " : "", classes[i]);
    }
    return err_set(err, E_USAGE, "%s %s: %.60s has no class of requests \"%s\"; it has %s%s%s%s",
                   option, unknown->text, title, unknown->class, known, SUGGESTED(near.best));
}
