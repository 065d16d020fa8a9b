#include "orchestrator/suite/comparison_names.h"

#include <stdio.h>
#include <string.h>

/* The line of a section that is about a key, without the key; NULL: there is none. *bytes is its length. */
static const char *value_in(const char *section, const char *key, size_t *bytes)
{
    const size_t key_bytes = strlen(key);
    for (const char *line = section; *line != '\0'; line += strcspn(line, "\n") + 1)
        if (strncmp(line, key, key_bytes) == 0 && strncmp(line + key_bytes, ": ", 2) == 0) {
            *bytes = strcspn(line + key_bytes + 2, "\n");
            return line + key_bytes + 2;
        }
    return NULL;
}

static void add(struct comparison_keys *keys, const char *line)
{
    const size_t bytes = strcspn(line, ":");
    if (keys->count == COMPARISON_KEYS_MAX || bytes >= COMPARISON_KEY_BYTES)
        return;
    for (size_t i = 0; i < keys->count; i++)
        if (strlen(keys->names[i]) == bytes && strncmp(keys->names[i], line, bytes) == 0)
            return;
    snprintf(keys->names[keys->count++], COMPARISON_KEY_BYTES, "%.*s", (int)bytes, line);
}

/* Lines of one section that another has not, or has with another value. */
static void add_missing(struct comparison_keys *keys, const char *section, const char *other)
{
    for (const char *line = section; *line != '\0'; line += strcspn(line, "\n") + 1) {
        const size_t bytes = strcspn(line, "\n");
        const char *at = other;
        while (*at != '\0' && (strcspn(at, "\n") != bytes || strncmp(at, line, bytes) != 0))
            at += strcspn(at, "\n") + 1;
        if (*at == '\0')
            add(keys, line);
    }
}

static const struct record *first_of(const struct comparison_group *group)
{
    return group->counts[0] > 0 ? group->records[0][0] : group->records[1][0];
}

void comparison_keys_find(struct comparison_keys *keys, const struct comparison *comparison)
{
    const char *first = NULL, *before = "";
    keys->count = 0;
    for (size_t i = 0; i < comparison->group_count; i++) {
        const char *section = first_of(&comparison->groups[i])->section;
        if (first != NULL && strcmp(section, before) != 0) {
            add_missing(keys, section, first);
            add_missing(keys, first, section);
        }
        if (first == NULL)
            first = section;
        before = section;
    }
}

static void name(char text[COMPARISON_NAME_BYTES], const struct comparison_keys *keys,
                 const struct record *record, const char *sign)
{
    size_t used = (size_t)snprintf(text, COMPARISON_NAME_BYTES, "%.60s", record->command);
    for (size_t i = 0; i < keys->count && used < COMPARISON_NAME_BYTES - 1; i++) {
        size_t bytes;
        const char *value = value_in(record->section, keys->names[i], &bytes);
        if (value != NULL)
            used += (size_t)snprintf(text + used, COMPARISON_NAME_BYTES - used, " %s%s%.*s",
                                     sign != NULL ? keys->names[i] : "", sign != NULL ? sign : "",
                                     bytes > 30 ? 30 : (int)bytes, value);
    }
}

void comparison_name_format(char text[COMPARISON_NAME_BYTES], const struct comparison_keys *keys,
                            const struct record *record)
{
    name(text, keys, record, "=");
}

void comparison_short_name_format(char text[COMPARISON_NAME_BYTES],
                                  const struct comparison_keys *keys, const struct record *record)
{
    name(text, keys, record, NULL);
}

void comparison_load_format(char text[COMPARISON_NAME_BYTES], const struct record *record)
{
    snprintf(text, COMPARISON_NAME_BYTES, "P%.30s/IO%.30s",
             record->pipeline[0] != '\0' ? record->pipeline : "-",
             record->io_threads[0] != '\0' ? record->io_threads : "-");
}
