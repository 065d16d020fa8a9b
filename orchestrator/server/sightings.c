#include "orchestrator/server/sightings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* All of a full table three times over, and less than a second. */
#define COMPARED_MAX (100u * 1000 * 1000)
#define MORE_BYTES 24u /* " and 4294967295 more" */

static const struct sighting *find(const struct sightings *seen, const char *host, uint16_t port)
{
    for (uint32_t i = 0; i < seen->count; i++)
        if (seen->items[i].name.port == port && strcmp(seen->items[i].name.host, host) == 0)
            return &seen->items[i];
    return NULL;
}

static void clean(char *text)
{
    for (; *text != '\0'; text++)
        if ((unsigned char)*text < ' ' || (unsigned char)*text >= 0x7F)
            *text = '?';
}

void sightings_add(struct sightings *seen, const struct sighting *sighting)
{
    if (seen == NULL || seen->count >= SIGHTINGS_MAX || seen->compared >= COMPARED_MAX)
        return;
    seen->compared += seen->count;
    if (find(seen, sighting->name.host, sighting->name.port) != NULL)
        return;
    if (seen->count == seen->room) {
        uint32_t room = seen->room > 0 ? 2 * seen->room : 16;
        struct sighting *items = realloc(seen->items, room * sizeof *items);
        if (items == NULL)
            return;
        seen->items = items;
        seen->room = room;
    }
    seen->items[seen->count] = *sighting;
    clean(seen->items[seen->count++].state);
}

void sightings_note(struct sightings *seen, const char *host, uint16_t port, const char *role,
                    const char *state)
{
    struct sighting sighting = {.role = role, .primary = -1};
    snprintf(sighting.name.host, sizeof sighting.name.host, "%s", host);
    sighting.name.port = port;
    snprintf(sighting.state, sizeof sighting.state, "%s", state);
    sightings_add(seen, &sighting);
}

uint32_t sightings_coming(const struct sightings *seen)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < seen->count; i++)
        count += seen->items[i].coming;
    return count;
}

void sightings_forget(struct sightings *seen)
{
    seen->count = 0;
    seen->compared = 0;
    seen->forming = false;
}

void sightings_free(struct sightings *seen)
{
    free(seen->items);
    *seen = (struct sightings){.items = NULL};
}

char *sightings_text(char *text, size_t text_bytes, const struct sightings *seen, bool coming_only)
{
    size_t used = 0;
    uint32_t left = coming_only ? sightings_coming(seen) : seen->count;
    text[0] = '\0';
    for (uint32_t i = 0; i < seen->count; i++) {
        const struct sighting *at = &seen->items[i];
        const bool bracketed = strchr(at->name.host, ':') != NULL;
        char one[400];
        if (coming_only && !at->coming)
            continue;
        int bytes = snprintf(one, sizeof one, "%s%s%s%s:%u %s %s", used > 0 ? ", " : "",
                             bracketed ? "[" : "", at->name.host, bracketed ? "]" : "",
                             at->name.port, at->role, at->state);
        if (bytes < 0 || used + (size_t)bytes + (left > 1 ? MORE_BYTES : 1) > text_bytes) {
            snprintf(text + used, text_bytes - used, "%sand %u more", used > 0 ? " " : "", left);
            break;
        }
        memcpy(text + used, one, (size_t)bytes + 1);
        used += (size_t)bytes;
        left--;
    }
    return text;
}
