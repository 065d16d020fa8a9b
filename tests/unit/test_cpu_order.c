#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "orchestrator/machine/cgroup.h"
#include "orchestrator/machine/cpu_order.h"
#include "tests/support/check/suite.h"
#include "tests/support/check/temp_tree.h"

static struct cpu_set_order order;
static struct temp_tree tree;

static void make_tree(void)
{
    temp_tree_make(&tree);
}

static void remove_tree(void)
{
    temp_tree_remove(&tree);
}

static void put(const char *name, const char *text)
{
    temp_tree_write(&tree, name, text, 0600);
}

static void discover(const char *synthetic)
{
    struct err err = {.code = OK};
    ck_assert_msg(cpu_order_discover(&order, tree.path, synthetic, &err) == OK, "%s", err.text);
}

/* The order as it is, "0 2 1 3". */
static const char *order_text(void)
{
    static char text[512];
    size_t filled = 0;
    text[0] = '\0';
    for (uint32_t i = 0; i < order.count; i++)
        filled += (size_t)snprintf(text + filled, sizeof text - filled, "%s%u", i > 0 ? " " : "",
                                   order.cpus[i]);
    return text;
}

/* ---- topology ---- */

TEST(physical_cores_come_first)
{
    /* Two workers on the two threads of one core while other cores are idle. */
    discover("package:1 core:2 pu:2");
    ck_assert_str_eq(order_text(), "0 2 1 3");
    ck_assert_uint_eq(order.physical_core_count, 2);
    discover("package:1 core:2 pu:4");
    ck_assert_str_eq(order_text(), "0 4 1 5 2 6 3 7");
    ck_assert_uint_eq(order.physical_core_count, 2);
}

TEST(numbers_are_the_operating_systems)
{
    /* hwloc's logical numbers given to sched_setaffinity: Linux numbers siblings last. */
    discover("package:2 core:2 pu:2(indexes=0,4,1,5,2,6,3,7)");
    ck_assert_str_eq(order_text(), "0 1 2 3 4 5 6 7");
    ck_assert_uint_eq(order.physical_core_count, 4);
}

TEST(packages_and_numa_nodes_in_order)
{
    /* Cores of the second package or node left out, or mixed with siblings. */
    discover("package:2 core:2 pu:2");
    ck_assert_str_eq(order_text(), "0 2 4 6 1 3 5 7");
    ck_assert_uint_eq(order.physical_core_count, 4);
    discover("numa:2 package:1 core:2 pu:1");
    ck_assert_str_eq(order_text(), "0 1 2 3");
    ck_assert_uint_eq(order.physical_core_count, 4);
}

TEST(no_cores_in_the_topology)
{
    /* A virtual machine that shows CPUs without cores gets no worker at all. */
    discover("package:1 pu:3");
    ck_assert_str_eq(order_text(), "0 1 2");
    ck_assert_uint_eq(order.physical_core_count, 3);
}

TEST(first_thread_of_a_core_not_allowed)
{
    /* A core whose first thread is another's counted as a sibling, or lost. */
    put("/proc/self/cgroup", "0::/\n");
    put("/sys/fs/cgroup/cpuset.cpus.effective", "1-3\n");
    discover("package:1 core:2 pu:2");
    ck_assert_str_eq(order_text(), "1 2 3");
    ck_assert_uint_eq(order.physical_core_count, 2);
    ck_assert_str_eq(order.reason, "affinity 0-3, cpuset 1-3");
}

TEST(rubbish_topology_is_refused)
{
    /* A typing error in a test's topology that silently tests this machine instead. */
    struct err err = {.code = OK};
    ck_assert_int_eq(cpu_order_discover(&order, tree.path, "package:two", &err), E_SYSTEM);
    ck_assert(strstr(err.text, "package:two") != NULL);
    ck_assert_int_eq(cpu_order_discover(&order, tree.path, "package:two", NULL), E_SYSTEM);
}

TEST(own_affinity_counts)
{
    /* taskset ignored: workers pinned to CPUs that this process may not use. */
    cpu_set_t set;
    discover(NULL);
    ck_assert_int_eq(sched_getaffinity(0, sizeof set, &set), 0);
    ck_assert_uint_eq(order.count, (unsigned)CPU_COUNT(&set));
    uint32_t last = order.cpus[order.count - 1];
    CPU_ZERO(&set);
    CPU_SET(last, &set);
    ck_assert_int_eq(sched_setaffinity(0, sizeof set, &set), 0);
    discover(NULL);
    ck_assert_uint_eq(order.count, 1);
    ck_assert_uint_eq(order.cpus[0], last);
    ck_assert_uint_eq(order.physical_core_count, 1);
    ck_assert(cpu_order_has(&order, last));
    ck_assert(!cpu_order_has(&order, last + 1));
}

/* ---- cpuset ---- */

TEST(cpuset_of_the_nearest_group)
{
    /* A container's cpuset overlooked because its own group has no list. */
    put("/proc/self/cgroup", "5:cpuset:/a/b\n");
    put("/sys/fs/cgroup/cpuset/cpuset.cpus", "0-7\n");
    put("/sys/fs/cgroup/cpuset/a/cpuset.cpus", "2,4-5\n");
    put("/sys/fs/cgroup/cpuset/a/b/cpuset.cpus", "\n");
    discover("package:1 core:8 pu:1");
    ck_assert_str_eq(order_text(), "2 4 5");
    ck_assert_str_eq(order.reason, "affinity 0-7, cpuset 2,4-5");
    put("/sys/fs/cgroup/cpuset/a/b/cpuset.effective_cpus", "4\n");
    discover("package:1 core:8 pu:1");
    ck_assert_str_eq(order_text(), "4");
}

TEST(impossible_cpusets_are_not_believed)
{
    /* Rubbish, or the cpuset of another machine, leaves volley without a CPU. */
    static const char *const lists[] = {"8-9", "0-", "-3", "3-1", "0,,1", "0-3 x", "99999", "0,"};
    put("/proc/self/cgroup", "0::/\n");
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        put("/sys/fs/cgroup/cpuset.cpus.effective", lists[i]);
        discover("package:1 core:4 pu:1");
        ck_assert_msg(order.count == 4, "cpuset '%s': %u CPUs", lists[i], order.count);
        ck_assert_str_eq(order.reason, "affinity 0-3");
    }
}

/* ---- quota ---- */

static void check_quota(double cpus, const char *reason)
{
    discover("package:1 core:4 pu:1");
    ck_assert_double_eq_tol(order.quota_cpus, cpus, 1e-9);
    ck_assert_str_eq(order.reason, reason);
    ck_assert_uint_eq(order.count, 4);
}

TEST(quota_v2_smallest_on_the_path)
{
    /* A limit of a parent group, as systemd slices and pods set it, overlooked. */
    put("/proc/self/cgroup", "0::/pod/box\n");
    put("/sys/fs/cgroup/pod/box/cpu.max", "400000 100000\n");
    put("/sys/fs/cgroup/pod/cpu.max", "150000 100000\n");
    put("/sys/fs/cgroup/other/cpu.max", "1000 100000\n");
    check_quota(1.5, "affinity 0-3, cgroup v2 quota 1.5 CPUs");
    put("/sys/fs/cgroup/pod/box/cpu.max", "50000 100000\n");
    check_quota(0.5, "affinity 0-3, cgroup v2 quota 0.5 CPUs");
    put("/sys/fs/cgroup/cpu.max", "25000 50000\n");
    put("/sys/fs/cgroup/pod/box/cpu.max", "max 100000\n");
    put("/sys/fs/cgroup/pod/cpu.max", "max 100000\n");
    check_quota(0.5, "affinity 0-3, cgroup v2 quota 0.5 CPUs");
}

TEST(quota_v2_beside_v1)
{
    /* The unified hierarchy of a hybrid system is mounted one level deeper. */
    put("/proc/self/cgroup", "1:name=systemd:/x\n0::/x\n");
    put("/sys/fs/cgroup/unified/x/cpu.max", "200000 100000\n");
    check_quota(2, "affinity 0-3, cgroup v2 quota 2.0 CPUs");
}

TEST(quota_v1_smallest_on_the_path)
{
    /* Version 1, alone and mounted together with cpuacct, on a nested path. */
    put("/proc/self/cgroup", "9:memory:/a/b\n4:cpu,cpuacct:/a/b\n");
    put("/sys/fs/cgroup/cpu,cpuacct/a/b/cpu.cfs_quota_us", "-1\n");
    put("/sys/fs/cgroup/cpu,cpuacct/a/b/cpu.cfs_period_us", "100000\n");
    put("/sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_quota_us", "250000\n");
    put("/sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_period_us", "100000\n");
    check_quota(2.5, "affinity 0-3, cgroup v1 quota 2.5 CPUs");
    put("/proc/self/cgroup", "1:cpu:/\n");
    put("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "50000\n");
    put("/sys/fs/cgroup/cpu/cpu.cfs_period_us", "50000\n");
    check_quota(1, "affinity 0-3, cgroup v1 quota 1.0 CPUs");
}

TEST(path_of_another_namespace)
{
    /* In a container the path is the host's, and only the mount's root has the limit. */
    put("/proc/self/cgroup", "4:cpu,cpuacct:/docker/0123\n");
    put("/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "300000\n");
    put("/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n");
    check_quota(3, "affinity 0-3, cgroup v1 quota 3.0 CPUs");
    put("/proc/self/cgroup", "0::/../../up\n");
    put("/sys/fs/cgroup/cpu.max", "200000 100000\n");
    check_quota(2, "affinity 0-3, cgroup v2 quota 2.0 CPUs");
}

TEST(no_limit_is_no_limit)
{
    /* "max", rubbish, half a file or no cgroup at all taken for a limit, or for an error. */
    static const char *const texts[] = {"max 100000\n",
                                        "",
                                        "abc",
                                        "100000",
                                        "100000 ",
                                        "100000 0",
                                        "0 100000",
                                        "-5 100000",
                                        "99999999999999999999 100000",
                                        "100000 100000 x",
                                        "100000x 100000"};
    check_quota(0, "affinity 0-3");
    put("/proc/self/cgroup", "rubbish\n:\n::\n0::\n");
    check_quota(0, "affinity 0-3");
    put("/proc/self/cgroup", "0::/a\n1:cpu:/a\n");
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        put("/sys/fs/cgroup/a/cpu.max", texts[i]);
        check_quota(0, "affinity 0-3");
    }
    put("/sys/fs/cgroup/cpu/a/cpu.cfs_quota_us", "100000\n");
    check_quota(0, "affinity 0-3");
    put("/sys/fs/cgroup/cpu/a/cpu.cfs_period_us", "often\n");
    check_quota(0, "affinity 0-3");
}

TEST(throttled_time_has_one_unit)
{
    /* Microseconds of version 2 read as the nanoseconds of version 1, or a level left out. */
    struct cgroup_cpu cpu;
    put("/proc/self/cgroup", "0::/a/b\n");
    put("/sys/fs/cgroup/a/b/cpu.stat", "usage_usec 10\nnr_throttled 2\nthrottled_usec 5\n");
    put("/sys/fs/cgroup/a/cpu.stat", "nr_throttled 2\nthrottled_usec 7\n");
    cgroup_cpu_read(&cpu, tree.path);
    ck_assert_uint_eq(cpu.throttled_ns, 12000);
    put("/proc/self/cgroup", "1:cpu:/a\n");
    put("/sys/fs/cgroup/cpu/a/cpu.stat", "nr_throttled 2\nthrottled_time 1234\nnr_bursts 0\n");
    cgroup_cpu_read(&cpu, tree.path);
    ck_assert_uint_eq(cpu.throttled_ns, 1234);
}

/* ---- lists ---- */

TEST(lists_are_short_and_ascending)
{
    /* A message that lists 128 CPUs one by one, or runs over its room. */
    static const uint32_t cpus[] = {8, 3, 0, 2, 1, 10};
    char text[64], small[16];
    ck_assert_str_eq(cpu_order_list(text, sizeof text, cpus, 6), "0-3,8,10");
    ck_assert_str_eq(cpu_order_list(text, sizeof text, cpus, 0), "");
    static const uint32_t odd[] = {1, 3, 5, 7, 9, 11, 13, 15};
    ck_assert_str_eq(cpu_order_list(small, sizeof small, odd, 8), "1,3,5,7,9,11...");
}

TEST_SUITE_WITH(cpu_order, .set_up = make_tree, .tear_down = remove_tree)
