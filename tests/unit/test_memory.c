#include "orchestrator/machine/cgroup.h"
#include "orchestrator/machine/memory.h"
#include "tests/support/check/suite.h"
#include "tests/support/check/temp_tree.h"

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

TEST(what_the_host_has)
{
    /* Another line of the file taken for it, kilobytes for bytes, or nothing for nothing left. */
    ck_assert_uint_eq(memory_available(tree.path), UINT64_MAX);
    put("/proc/meminfo", "MemTotal: 9000 kB\nMemFree: 10 kB\nMemAvailable:   1234 kB\n");
    ck_assert_uint_eq(memory_available(tree.path), 1234 * 1024);
    put("/proc/meminfo", "MemTotal: 9000 kB\n");
    ck_assert_uint_eq(memory_available(tree.path), UINT64_MAX);
    put("/proc/meminfo", "MemAvailable: many kB\n");
    ck_assert_uint_eq(memory_available(tree.path), UINT64_MAX);
    ck_assert_uint_lt(memory_available(""), UINT64_MAX);
}

TEST(groups_of_version_2)
{
    /* A limit of a parent overlooked, or cached files, which go when memory is wanted, counted as in use. */
    put("/proc/self/cgroup", "0::/pod/box\n");
    ck_assert_uint_eq(cgroup_memory_room(tree.path), UINT64_MAX);
    put("/sys/fs/cgroup/pod/box/memory.max", "max\n");
    put("/sys/fs/cgroup/pod/box/memory.current", "5000\n");
    ck_assert_uint_eq(cgroup_memory_room(tree.path), UINT64_MAX);
    put("/sys/fs/cgroup/pod/memory.max", "9000\n");
    put("/sys/fs/cgroup/pod/memory.current", "6000\n");
    ck_assert_uint_eq(cgroup_memory_room(tree.path), 3000);
    put("/sys/fs/cgroup/pod/memory.stat", "anon 1\nfile 4000\n");
    ck_assert_uint_eq(cgroup_memory_room(tree.path), 7000);
    put("/sys/fs/cgroup/pod/box/memory.max", "4000\n");
    ck_assert_uint_eq(cgroup_memory_room(tree.path), 0);
}

TEST(groups_of_version_1)
{
    /* The older layout read as no limit. */
    put("/proc/self/cgroup", "4:memory:/a\n");
    put("/sys/fs/cgroup/memory/a/memory.limit_in_bytes", "9000\n");
    put("/sys/fs/cgroup/memory/a/memory.usage_in_bytes", "6000\n");
    put("/sys/fs/cgroup/memory/a/memory.stat", "cache 1\ntotal_cache 500\n");
    put("/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
    put("/sys/fs/cgroup/memory/memory.usage_in_bytes", "7000\n");
    ck_assert_uint_eq(cgroup_memory_room(tree.path), 3500);
}

TEST_SUITE_WITH(memory, .set_up = make_tree, .tear_down = remove_tree)
