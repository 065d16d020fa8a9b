#include "orchestrator/machine/cpu_order.h"

#include <errno.h>
#include <hwloc.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cpu_list.h"
#include "orchestrator/machine/cgroup.h"

char *cpu_order_list(char *text, size_t text_bytes, const uint32_t *cpus, uint32_t count)
{
    char *whole = NULL;
    hwloc_bitmap_t named = hwloc_bitmap_alloc();
    for (uint32_t i = 0; i < count && named != NULL; i++)
        hwloc_bitmap_set(named, cpus[i]);
    if (named != NULL)
        (void)hwloc_bitmap_list_asprintf(&whole, named);
    snprintf(text, text_bytes, "%s", whole != NULL ? whole : "");
    if (whole != NULL && strlen(whole) >= text_bytes) {
        /* between two numbers, or a CPU that nobody has would be named */
        size_t kept = text_bytes - sizeof "...";
        while (kept > 0 && text[kept] != ',')
            kept--;
        memcpy(text + kept, "...", sizeof "...");
    }
    free(whole);
    hwloc_bitmap_free(named);
    return text;
}

bool cpu_order_has(const struct cpu_set_order *order, uint32_t cpu)
{
    return cpu_list_has(order->cpus, order->count, cpu);
}

bool cpu_list_has(const uint32_t *cpus, uint32_t count, uint32_t cpu)
{
    for (uint32_t i = 0; i < count; i++)
        if (cpus[i] == cpu)
            return true;
    return false;
}

/* ---- what is allowed ---- */

static enum err_code read_affinity(bool usable[SPEC_CPUS_MAX], struct err *err)
{
    cpu_set_t *set = CPU_ALLOC(SPEC_CPUS_MAX);
    if (set == NULL)
        return err_set(err, E_SYSTEM, "cannot read the CPU affinity: out of memory");
    size_t set_bytes = CPU_ALLOC_SIZE(SPEC_CPUS_MAX);
    CPU_ZERO_S(set_bytes, set);
    if (sched_getaffinity(0, set_bytes, set) != 0) {
        int sys_errno = errno;
        CPU_FREE(set);
        return err_set_errno(err, E_SYSTEM, sys_errno, "cannot read the CPU affinity");
    }
    for (uint32_t cpu = 0; cpu < SPEC_CPUS_MAX; cpu++)
        usable[cpu] = CPU_ISSET_S(cpu, set_bytes, set);
    CPU_FREE(set);
    return OK;
}

static uint32_t count_named(const bool named[SPEC_CPUS_MAX])
{
    uint32_t count = 0;
    for (uint32_t cpu = 0; cpu < SPEC_CPUS_MAX; cpu++)
        count += named[cpu];
    return count;
}

/* Takes away what the cpuset does not allow. The kernel has usually done so already; a cpuset that
 * leaves nothing is not this process's and is not believed. True when it took something away. */
static bool apply_cpuset(bool usable[SPEC_CPUS_MAX], char *list, size_t list_bytes,
                         const char *root)
{
    static uint32_t cpus[SPEC_CPUS_MAX]; /* too large for a stack */
    uint32_t count;
    bool both[SPEC_CPUS_MAX] = {false};
    if (!cgroup_cpuset_read(list, list_bytes, root) ||
        !cpu_list_parse(cpus, &count, SPEC_CPUS_MAX, list))
        return false;
    for (uint32_t i = 0; i < count; i++)
        both[cpus[i]] = usable[cpus[i]];
    uint32_t left = count_named(both);
    if (left == 0 || left == count_named(usable))
        return false;
    memcpy(usable, both, sizeof both);
    return true;
}

/* ---- topology ---- */

static enum err_code topology_load(hwloc_topology_t *topology, const char *synthetic,
                                   struct err *err)
{
    /* hwloc would print what it misses, a container's /sys for one; the user's own word stays. */
    (void)setenv("HWLOC_HIDE_ERRORS", "2", 0);
    if (hwloc_topology_init(topology) != 0)
        return err_set(err, E_SYSTEM, "cannot read the CPU topology: hwloc does not start");
    int failed = 0;
    if (synthetic != NULL)
        failed = hwloc_topology_set_synthetic(*topology, synthetic);
    else /* what is allowed was found before; hwloc's own view may come from another root */
        failed = hwloc_topology_set_flags(*topology, HWLOC_TOPOLOGY_FLAG_INCLUDE_DISALLOWED);
    failed = failed || hwloc_topology_load(*topology) != 0;
    if (!failed)
        return OK;
    hwloc_topology_destroy(*topology);
    return err_set(err, E_SYSTEM, "cannot read the CPU topology%s%s", synthetic != NULL ? " " : "",
                   synthetic != NULL ? synthetic : "");
}

static void order_add(struct cpu_set_order *order, bool left[SPEC_CPUS_MAX], uint32_t cpu)
{
    order->cpus[order->count++] = cpu;
    left[cpu] = false;
}

/* Takes the next usable CPU of every core in turn. Returns how many it took. */
static uint32_t order_one_round(struct cpu_set_order *order, bool left[SPEC_CPUS_MAX],
                                hwloc_topology_t topology)
{
    uint32_t taken = 0;
    hwloc_obj_t core = NULL;
    while ((core = hwloc_get_next_obj_by_type(topology, HWLOC_OBJ_CORE, core)) != NULL) {
        hwloc_obj_t unit = NULL;
        while ((unit = hwloc_get_next_obj_inside_cpuset_by_type(topology, core->cpuset,
                                                                HWLOC_OBJ_PU, unit)) != NULL) {
            if (unit->os_index < SPEC_CPUS_MAX && left[unit->os_index]) {
                order_add(order, left, unit->os_index);
                taken++;
                break;
            }
        }
    }
    return taken;
}

/* CPUs that the topology does not know, or knows without a core, count as cores of their own. */
static void order_rest(struct cpu_set_order *order, bool left[SPEC_CPUS_MAX])
{
    for (uint32_t cpu = 0; cpu < SPEC_CPUS_MAX; cpu++)
        if (left[cpu])
            order_add(order, left, cpu);
}

static bool is_in_a_core(hwloc_topology_t topology, uint32_t cpu)
{
    hwloc_obj_t unit = hwloc_get_pu_obj_by_os_index(topology, cpu);
    return unit != NULL && hwloc_get_ancestor_obj_by_type(topology, HWLOC_OBJ_CORE, unit) != NULL;
}

static void order_by_topology(struct cpu_set_order *order, const bool usable[SPEC_CPUS_MAX],
                              hwloc_topology_t topology)
{
    bool in_core[SPEC_CPUS_MAX] = {false};
    bool alone[SPEC_CPUS_MAX] = {false};
    for (uint32_t cpu = 0; cpu < SPEC_CPUS_MAX; cpu++) {
        in_core[cpu] = usable[cpu] && is_in_a_core(topology, cpu);
        alone[cpu] = usable[cpu] && !in_core[cpu];
    }
    (void)order_one_round(order, in_core, topology);
    order_rest(order, alone);
    order->physical_core_count = order->count;
    while (order_one_round(order, in_core, topology) > 0) {
    }
}

static void synthetic_cpus(bool usable[SPEC_CPUS_MAX], hwloc_topology_t topology)
{
    memset(usable, 0, SPEC_CPUS_MAX * sizeof usable[0]);
    hwloc_obj_t unit = NULL;
    while ((unit = hwloc_get_next_obj_by_type(topology, HWLOC_OBJ_PU, unit)) != NULL)
        if (unit->os_index < SPEC_CPUS_MAX)
            usable[unit->os_index] = true;
}

static void reason_add(struct cpu_set_order *order, const char *format, ...) PRINTF_LIKE(2, 3);
static void reason_add(struct cpu_set_order *order, const char *format, ...)
{
    size_t filled = strlen(order->reason);
    va_list args;
    va_start(args, format);
    vsnprintf(order->reason + filled, sizeof order->reason - filled, format, args);
    va_end(args);
}

static void reason_begin(struct cpu_set_order *order, const bool usable[SPEC_CPUS_MAX])
{
    static uint32_t cpus[SPEC_CPUS_MAX]; /* too large for a stack */
    uint32_t count = 0;
    char list[80];
    for (uint32_t cpu = 0; cpu < SPEC_CPUS_MAX; cpu++)
        if (usable[cpu])
            cpus[count++] = cpu;
    reason_add(order, "affinity %s", cpu_order_list(list, sizeof list, cpus, count));
}

enum err_code cpu_order_discover(struct cpu_set_order *order, const char *root,
                                 const char *synthetic, struct err *err)
{
    bool usable[SPEC_CPUS_MAX];
    memset(order, 0, sizeof *order);
    if (synthetic == NULL) {
        enum err_code code = read_affinity(usable, err);
        if (code != OK)
            return code;
    }

    /* Without a topology volley still runs: every CPU then counts as a core. */
    hwloc_topology_t topology;
    struct err topology_err = {.code = OK};
    bool known = topology_load(&topology, synthetic, &topology_err) == OK;
    if (!known && synthetic != NULL)
        return err_set(err, topology_err.code, "%s", topology_err.text);
    if (synthetic != NULL)
        synthetic_cpus(usable, topology);

    char cpuset[1024];
    reason_begin(order, usable);
    if (apply_cpuset(usable, cpuset, sizeof cpuset, root))
        reason_add(order, ", cpuset %.80s", cpuset);
    if (known) {
        order_by_topology(order, usable, topology);
        hwloc_topology_destroy(topology);
    } else {
        order_rest(order, usable);
        order->physical_core_count = order->count;
        reason_add(order, ", topology unknown");
    }

    struct cgroup_cpu cgroup;
    cgroup_cpu_read(&cgroup, root);
    order->quota_cpus = cgroup.quota_cpus;
    if (cgroup.quota_cpus > 0)
        reason_add(order, ", cgroup v%u quota %.1f CPUs", cgroup.version, cgroup.quota_cpus);
    return OK;
}
