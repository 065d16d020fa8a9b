#include "orchestrator/traffic/arguments.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

bool argument_list_add(struct argument_list *list, const char *bytes, size_t byte_count)
{
    if (list->count == RECORDING_ARGUMENTS_MAX)
        return false;
    if (list->count == list->room) {
        uint32_t room = list->room == 0 ? 64 : list->room * 2;
        struct recording_argument *larger = realloc(list->items, room * sizeof *larger);
        if (larger == NULL)
            return false;
        list->items = larger;
        list->room = room;
    }
    list->items[list->count++] =
        (struct recording_argument){.bytes = bytes, .byte_count = byte_count};
    return true;
}

static bool has_word(const struct recording_argument *arguments, uint32_t count, const char *word)
{
    for (uint32_t i = 1; i < count; i++) {
        if (recording_argument_is(&arguments[i], word))
            return true;
    }
    return false;
}

/* Whether a setting's name has a part that names secrets: requirepass, masterauth, primaryauth,
 * tls-key-file-pass, sentinel-pass, and those that servers may get. */
static bool names_secret(const struct recording_argument *name)
{
    static const char *const parts[] = {"pass", "auth", "secret"};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        size_t length = strlen(parts[i]);
        for (size_t at = 0; at + length <= name->byte_count; at++) {
            if (strncasecmp(name->bytes + at, parts[i], length) == 0)
                return true;
        }
    }
    return false;
}

static bool any_names_secret(const struct recording_argument *arguments, uint32_t count)
{
    for (uint32_t i = 2; i < count; i++) {
        if (names_secret(&arguments[i]))
            return true;
    }
    return false;
}

bool arguments_are_secret(const struct recording_argument *arguments, uint32_t count)
{
    /* What the server itself has taken out cannot be sent again. */
    if (count == 0 || has_word(arguments, count, "(redacted)"))
        return count > 0;
    const struct recording_argument *name = &arguments[0];
    if (recording_argument_is(name, "AUTH"))
        return true;
    if (recording_argument_is(name, "HELLO"))
        return has_word(arguments, count, "AUTH");
    if (recording_argument_is(name, "MIGRATE"))
        return has_word(arguments, count, "AUTH") || has_word(arguments, count, "AUTH2");
    if (recording_argument_is(name, "ACL"))
        return has_word(arguments, count, "SETUSER");
    if (recording_argument_is(name, "CONFIG") || recording_argument_is(name, "SENTINEL"))
        return any_names_secret(arguments, count);
    return false;
}
