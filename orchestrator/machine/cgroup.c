#include "orchestrator/machine/cgroup.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/units.h"
#include "orchestrator/machine/system_file.h"

#define NS_PER_US_V2 1000u /* cpu.stat of version 2 counts microseconds */

/* Looks at one group's directory; true ends the walk. */
typedef bool visit_group(const char *directory, void *state);

/* One line of /proc/self/cgroup: "4:cpu,cpuacct:/path", version 2: "0::/path". */
struct membership {
    const char *controllers;
    const char *path;
};

/* Base of a hierarchy and the process's place in it -> every directory from there up to the base. */
static bool walk_up(const char *base, const char *path, visit_group *visit, void *state)
{
    char directory[PATH_MAX];
    /* A path with ".." lies outside of what this mount shows: only its root can be looked at. */
    if (strstr(path, "..") != NULL)
        path = "";
    int bytes = snprintf(directory, sizeof directory, "%s%s", base, path);
    if (bytes < 0 || (size_t)bytes >= sizeof directory)
        return false;
    size_t base_bytes = strlen(base);
    for (;;) {
        size_t end = strlen(directory);
        while (end > base_bytes && directory[end - 1] == '/')
            end--;
        directory[end] = '\0';
        if (visit(directory, state))
            return true;
        if (end <= base_bytes)
            return false;
        while (end > base_bytes && directory[end - 1] != '/')
            end--;
        directory[end] = '\0';
    }
}

/* Version 1 mounts a controller alone or with others; the directory is named after what is in it. */
static bool walk_v1(const char *root, const char *controller, const struct membership *member,
                    visit_group *visit, void *state)
{
    const char *names[] = {controller, member->controllers};
    size_t name_count = strcmp(controller, member->controllers) == 0 ? 1 : 2;
    char base[PATH_MAX];
    for (size_t i = 0; i < name_count; i++) {
        int bytes = snprintf(base, sizeof base, "%s/sys/fs/cgroup/%s", root, names[i]);
        if (bytes > 0 && (size_t)bytes < sizeof base && walk_up(base, member->path, visit, state))
            return true;
        /* The name of one controller is usually a link to the directory of both: one is enough. */
        char probe[32];
        if (system_file_read(probe, sizeof probe, "%s/cgroup.procs", base) ||
            system_file_read(probe, sizeof probe, "%s/tasks", base))
            break;
    }
    return false;
}

static bool walk_v2(const char *root, const struct membership *member, visit_group *visit,
                    void *state)
{
    static const char *const mounts[] = {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"};
    char base[PATH_MAX];
    for (size_t i = 0; i < sizeof mounts / sizeof mounts[0]; i++) {
        int bytes = snprintf(base, sizeof base, "%s%s", root, mounts[i]);
        if (bytes > 0 && (size_t)bytes < sizeof base && walk_up(base, member->path, visit, state))
            return true;
    }
    return false;
}

/* Visits the groups of this process: version 1 directories of a controller, or version 2. */
static void walk_memberships(const char *root, const char *controller, visit_group *visit_v1,
                             visit_group *visit_v2, void *state)
{
    char text[8192];
    if (!system_file_read(text, sizeof text, "%s/proc/self/cgroup", root))
        return;
    char *rest = text;
    for (char *line; (line = strsep(&rest, "\n")) != NULL;) {
        char *controllers = strchr(line, ':');
        char *path = controllers != NULL ? strchr(controllers + 1, ':') : NULL;
        if (path == NULL)
            continue;
        *controllers++ = '\0';
        *path++ = '\0';
        struct membership member = {.controllers = controllers, .path = path};
        if (controllers[0] == '\0' && walk_v2(root, &member, visit_v2, state))
            return;
        if (list_has(controllers, ',', controller, strlen(controller)) &&
            walk_v1(root, controller, &member, visit_v1, state))
            return;
    }
}

/* A whole number, the rest in *end. False: no number here, or too large. */
static bool parse_number(int64_t *number, const char *text, const char **end)
{
    char *behind;
    errno = 0;
    long long value = strtoll(text, &behind, 10);
    if (errno != 0 || behind == text || isspace((unsigned char)text[0]))
        return false;
    *number = value;
    *end = behind;
    return true;
}

static void note_quota(struct cgroup_cpu *cpu, uint32_t version, int64_t quota_us,
                       int64_t period_us)
{
    if (quota_us <= 0 || period_us <= 0)
        return;
    double cpus = (double)quota_us / (double)period_us;
    if (cpu->quota_cpus > 0 && cpu->quota_cpus <= cpus)
        return;
    cpu->quota_cpus = cpus;
    cpu->version = version;
}

/* The number behind "name " at the start of a line of such a file; 0 when it is not there. */
static uint64_t stat_value(const char *directory, const char *file, const char *name)
{
    char text[4096];
    if (!system_file_read(text, sizeof text, "%s/%s", directory, file))
        return 0;
    size_t name_bytes = strlen(name);
    char *rest = text;
    for (const char *line; (line = strsep(&rest, "\n")) != NULL;) {
        int64_t value;
        const char *end;
        if (strncmp(line, name, name_bytes) == 0 && line[name_bytes] == ' ' &&
            parse_number(&value, line + name_bytes + 1, &end) && *end == '\0' && value > 0)
            return (uint64_t)value;
    }
    return 0;
}

static bool visit_cpu_v1(const char *directory, void *state)
{
    struct cgroup_cpu *cpu = state;
    char quota_text[32], period_text[32];
    int64_t quota_us, period_us;
    const char *quota_end, *period_end;
    if (system_file_read(quota_text, sizeof quota_text, "%s/cpu.cfs_quota_us", directory) &&
        system_file_read(period_text, sizeof period_text, "%s/cpu.cfs_period_us", directory) &&
        parse_number(&quota_us, quota_text, &quota_end) && *quota_end == '\0' &&
        parse_number(&period_us, period_text, &period_end) && *period_end == '\0')
        note_quota(cpu, 1, quota_us, period_us);
    cpu->throttled_ns += stat_value(directory, "cpu.stat", "throttled_time");
    return false;
}

static bool visit_cpu_v2(const char *directory, void *state)
{
    struct cgroup_cpu *cpu = state;
    char text[64];
    int64_t quota_us, period_us;
    const char *end;
    if (system_file_read(text, sizeof text, "%s/cpu.max", directory) &&
        parse_number(&quota_us, text, &end) && *end == ' ' &&
        parse_number(&period_us, end + 1, &end) && *end == '\0')
        note_quota(cpu, 2, quota_us, period_us);
    cpu->throttled_ns += stat_value(directory, "cpu.stat", "throttled_usec") * NS_PER_US_V2;
    return false;
}

void cgroup_cpu_read(struct cgroup_cpu *cpu, const char *root)
{
    *cpu = (struct cgroup_cpu){.quota_cpus = 0};
    walk_memberships(root, "cpu", visit_cpu_v1, visit_cpu_v2, cpu);
}

struct cpuset_text {
    char *list;
    size_t list_bytes;
};

/* Effective lists are what is left after the parents' limits; old kernels have only the plain one. */
static bool visit_cpuset(const char *directory, void *state)
{
    static const char *const names[] = {"cpuset.cpus.effective", "cpuset.effective_cpus",
                                        "cpuset.cpus"};
    struct cpuset_text *text = state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (system_file_read(text->list, text->list_bytes, "%s/%s", directory, names[i]) &&
            text->list[0] != '\0')
            return true;
    text->list[0] = '\0';
    return false;
}

bool cgroup_cpuset_read(char *list, size_t list_bytes, const char *root)
{
    struct cpuset_text text = {.list = list, .list_bytes = list_bytes};
    list[0] = '\0';
    walk_memberships(root, "cpuset", visit_cpuset, visit_cpuset, &text);
    return list[0] != '\0';
}

static void note_room(uint64_t *room_bytes, const char *limit_text, const char *used_text,
                      uint64_t cached_bytes)
{
    uint64_t limit, used;
    if (!units_parse_digits(&limit, limit_text, strlen(limit_text), INT64_MAX) ||
        !units_parse_digits(&used, used_text, strlen(used_text), INT64_MAX))
        return;
    used -= cached_bytes < used ? cached_bytes : used;
    const uint64_t room = used < limit ? limit - used : 0;
    if (room < *room_bytes)
        *room_bytes = room;
}

static bool visit_memory_v1(const char *directory, void *state)
{
    char limit[32], used[32];
    if (system_file_read(limit, sizeof limit, "%s/memory.limit_in_bytes", directory) &&
        system_file_read(used, sizeof used, "%s/memory.usage_in_bytes", directory))
        note_room(state, limit, used, stat_value(directory, "memory.stat", "total_cache"));
    return false;
}

static bool visit_memory_v2(const char *directory, void *state)
{
    char limit[32], used[32];
    if (system_file_read(limit, sizeof limit, "%s/memory.max", directory) &&
        system_file_read(used, sizeof used, "%s/memory.current", directory))
        note_room(state, limit, used, stat_value(directory, "memory.stat", "file"));
    return false;
}

uint64_t cgroup_memory_room(const char *root)
{
    uint64_t room_bytes = UINT64_MAX;
    walk_memberships(root, "memory", visit_memory_v1, visit_memory_v2, &room_bytes);
    return room_bytes;
}
