#include "common/cpu_list.h"

#include <assert.h>

#define CPU_NUMBERS_MAX 65536

static bool take_number(uint32_t *number, const char **text, uint32_t capacity)
{
    const char *at = *text;
    uint32_t value = 0;
    while (*at >= '0' && *at <= '9') {
        value = value * 10 + (uint32_t)(*at++ - '0');
        if (value >= capacity)
            return false;
    }
    if (at == *text)
        return false;
    *text = at;
    *number = value;
    return true;
}

static bool take_range(uint32_t *first, uint32_t *last, const char **text, uint32_t capacity)
{
    if (!take_number(first, text, capacity))
        return false;
    *last = *first;
    if (**text != '-')
        return true;
    ++*text;
    return take_number(last, text, capacity) && *last >= *first;
}

/* Two passes over the text: the first only checks, so that nothing is stored on failure. */
static bool well_formed(const char *text, uint32_t capacity)
{
    for (;;) {
        uint32_t first, last;
        if (!take_range(&first, &last, &text, capacity))
            return false;
        if (*text == '\0')
            return true;
        if (*text++ != ',')
            return false;
    }
}

bool cpu_list_parse(uint32_t *cpus, uint32_t *cpu_count, uint32_t capacity, const char *text)
{
    static_assert(CPU_NUMBERS_MAX % 8 == 0, "one bit a number");
    unsigned char seen[CPU_NUMBERS_MAX / 8] = {0};
    if (capacity > CPU_NUMBERS_MAX)
        capacity = CPU_NUMBERS_MAX;
    if (!well_formed(text, capacity))
        return false;
    uint32_t count = 0;
    uint32_t first, last;
    while (take_range(&first, &last, &text, capacity)) {
        for (uint32_t cpu = first; cpu <= last; cpu++) {
            if (seen[cpu / 8] & (1u << (cpu % 8)))
                continue;
            seen[cpu / 8] |= (unsigned char)(1u << (cpu % 8));
            cpus[count++] = cpu;
        }
        if (*text++ != ',')
            break;
    }
    *cpu_count = count;
    return true;
}
