#include "orchestrator/machine/memory.h"

#include <string.h>

#include "common/units.h"
#include "orchestrator/machine/system_file.h"

uint64_t memory_available(const char *root)
{
    static const char name[] = "MemAvailable:";
    char text[4096];
    uint64_t available_kb;
    const char *at =
        system_file_read(text, sizeof text, "%s/proc/meminfo", root) ? strstr(text, name) : NULL;
    if (at == NULL)
        return UINT64_MAX;
    at += sizeof name - 1;
    at += strspn(at, " ");
    if (!units_parse_digits(&available_kb, at, strspn(at, "0123456789"), UINT64_MAX / 1024))
        return UINT64_MAX;
    return available_kb * 1024;
}
