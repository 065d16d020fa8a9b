#include "orchestrator/watch/notify_group.h"

#include <stdlib.h>
#include <string.h>

static bool is_same(const struct alert_event *a, const struct alert_event *b)
{
    bool same = strcmp(a->alert, b->alert) == 0 && strcmp(a->run, b->run) == 0 &&
                strcmp(a->server, b->server) == 0 && a->label_count == b->label_count;
    for (uint32_t i = 0; i < a->label_count && same; i++)
        same = strcmp(a->labels[i].name, b->labels[i].name) == 0 &&
               strcmp(a->labels[i].value, b->labels[i].value) == 0;
    return same;
}

/* Nothing would be lost with it. */
static bool is_over(const struct notify_entry *entry)
{
    return !entry->waits && entry->told != ALERT_FIRING;
}

static struct notify_entry *find(struct notify_group *group, const struct alert_event *event)
{
    struct notify_entry *spare = NULL;
    for (size_t i = 0; i < group->entry_count; i++) {
        struct notify_entry *entry = &group->entries[i];
        if (is_same(&entry->newest, event))
            return entry;
        if (is_over(entry) && (spare == NULL || entry->told_ns < spare->told_ns))
            spare = entry;
    }
    if (group->entry_count == NOTIFY_ALERTS_MAX) {
        if (spare != NULL)
            *spare = (struct notify_entry){.told = ALERT_INACTIVE};
        return spare;
    }
    if (group->entry_count == group->entry_capacity) {
        const size_t capacity = group->entry_capacity * 2 + 4;
        struct notify_entry *entries = reallocarray(group->entries, capacity, sizeof *entries);
        if (entries == NULL)
            return NULL;
        group->entries = entries;
        group->entry_capacity = capacity;
    }
    struct notify_entry *entry = &group->entries[group->entry_count++];
    *entry = (struct notify_entry){.told = ALERT_INACTIVE};
    return entry;
}

bool notify_group_take(struct notify_group *group, const struct alert_event *event, uint64_t now_ns)
{
    struct notify_entry *entry = find(group, event);
    if (entry == NULL)
        return false;
    if (entry->waits)
        entry->change_count++;
    const bool fired_untold = entry->waits && !entry->both && entry->newest.state == ALERT_FIRING;
    if (event->state == ALERT_RESOLVED && entry->told != ALERT_FIRING && fired_untold) {
        entry->began = entry->newest;
        entry->both = true;
        entry->change_count--; /* both are told */
    }
    if (event->state == ALERT_FIRING)
        entry->both = false;
    entry->newest = *event;
    if (!entry->waits)
        entry->taken_ns = now_ns;
    entry->waits = true;
    return true;
}

static bool repeats(const struct notify_group *group, const struct notify_entry *entry)
{
    return !entry->waits && entry->told == ALERT_FIRING && group->timing.repeat_interval_ns > 0;
}

static uint64_t due_ns(const struct notify_group *group, const struct notify_entry *entry)
{
    if (repeats(group, entry))
        return entry->told_ns + group->timing.repeat_interval_ns;
    if (!entry->waits)
        return UINT64_MAX;
    const uint64_t first_ns = entry->taken_ns + group->timing.group_wait_ns;
    const uint64_t again_ns = entry->told_ns + group->timing.group_interval_ns;
    return entry->told != ALERT_INACTIVE && again_ns > first_ns ? again_ns : first_ns;
}

uint64_t notify_group_due_ns(const struct notify_group *group)
{
    uint64_t earliest_ns = UINT64_MAX;
    for (size_t i = 0; i < group->entry_count; i++) {
        const uint64_t entry_ns = due_ns(group, &group->entries[i]);
        if (entry_ns < earliest_ns)
            earliest_ns = entry_ns;
    }
    return earliest_ns;
}

/* Whether it goes with what is due: it waits for company alone, and not for the end of its interval. */
static bool is_ready(const struct notify_group *group, const struct notify_entry *entry,
                     uint64_t now_ns)
{
    if (!entry->waits)
        return repeats(group, entry) && due_ns(group, entry) <= now_ns;
    return entry->told == ALERT_INACTIVE ||
           entry->told_ns + group->timing.group_interval_ns <= now_ns;
}

/* Writes none where it is, after all, what was told last. */
static size_t tell(struct notify_entry *entry, uint64_t now_ns, struct notify_told *told)
{
    size_t count = 0;
    const bool repeated = !entry->waits;
    const bool known = entry->waits && entry->newest.state == entry->told && !entry->both;
    if (entry->both)
        told[count++] = (struct notify_told){.event = entry->began};
    if (!known)
        told[count++] = (struct notify_told){
            .event = entry->newest, .change_count = entry->change_count, .repeated = repeated};
    if (!known) {
        entry->change_count = 0;
        entry->told_ns = now_ns;
        entry->told = entry->newest.state;
    }
    entry->waits = false;
    entry->both = false;
    return count;
}

size_t notify_group_tell(struct notify_group *group, uint64_t now_ns, bool last,
                         struct notify_told *told, size_t told_max)
{
    size_t count = 0;
    if (!last && notify_group_due_ns(group) > now_ns)
        return 0;
    for (size_t i = 0; i < group->entry_count && count + 2 <= told_max; i++) {
        struct notify_entry *entry = &group->entries[i];
        if (last ? entry->waits : is_ready(group, entry, now_ns))
            count += tell(entry, now_ns, &told[count]);
    }
    return count;
}

void notify_group_free(struct notify_group *group)
{
    free(group->entries);
    *group = (struct notify_group){.timing = group->timing};
}
