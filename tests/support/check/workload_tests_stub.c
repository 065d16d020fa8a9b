/* The table of tests, as far as the option parser asks for it, where worker/workload is not linked.
 * Weak: the real table takes its place. */
#include <string.h>
#include <strings.h>

#include "worker/workload.h"

static const struct workload_test tests[] = {
    {.name = "ping_inline"},
    {.name = "ping_mbulk"},
    {.name = "set"},
    {.name = "get", .read_kind = READ_VALUE, .prefill_name = "set"},
    {.name = "incr"},
    {.name = "lrange_100", .read_kind = READ_VALUE, .prefill_name = "lpush"},
    {.name = "lrange_300", .read_kind = READ_VALUE, .prefill_name = "lpush"},
    {.name = "lrange_500", .read_kind = READ_VALUE, .prefill_name = "lpush"},
    {.name = "lrange_600", .read_kind = READ_VALUE, .prefill_name = "lpush"},
    {.name = "lpush"},
};

__attribute__((weak)) const struct workload_test *workload_test_at(size_t index)
{
    return index < sizeof tests / sizeof tests[0] ? &tests[index] : NULL;
}

__attribute__((weak)) const struct workload_test *workload_test_find(const char *name)
{
    for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++)
        if (strcasecmp(tests[i].name, name) == 0)
            return &tests[i];
    return NULL;
}
