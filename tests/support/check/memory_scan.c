#include "tests/support/check/memory_scan.h"

#include <check.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CHUNK_BYTES (1u << 20)

/* A part of a mapping; overlaps the next by the text's length. Returns how many bytes were read. */
static size_t scan_range(bool *found, int memory, uint64_t from, uint64_t to, const char *text)
{
    static char chunk[CHUNK_BYTES];
    const size_t text_bytes = strlen(text);
    size_t total = 0;
    while (from < to && !*found) {
        size_t wanted = to - from < sizeof chunk ? (size_t)(to - from) : sizeof chunk;
        ssize_t got = pread(memory, chunk, wanted, (off_t)from);
        if (got <= 0)
            break;
        *found = memmem(chunk, (size_t)got, text, text_bytes) != NULL;
        total += (size_t)got;
        from += (uint64_t)got < wanted || wanted < sizeof chunk ? (uint64_t)got
                                                                : (uint64_t)got - text_bytes;
    }
    return total;
}

bool memory_scan_finds(pid_t pid, const char *text)
{
    char path[64], line[1024], permissions[8];
    snprintf(path, sizeof path, "/proc/%d/mem", (int)pid);
    int memory = open(path, O_RDONLY | O_CLOEXEC);
    snprintf(path, sizeof path, "/proc/%d/smaps", (int)pid);
    FILE *maps = fopen(path, "re");
    unsigned long from = 0, to = 0;
    bool writable = false, found = false;
    size_t total = 0;
    ck_assert_msg(memory >= 0 && maps != NULL, "process %d cannot be looked into", (int)pid);
    while (!found && fgets(line, sizeof line, maps) != NULL) {
        if (strncmp(line, "VmFlags:", 8) == 0) {
            if (writable && strstr(line, " dd") == NULL)
                total += scan_range(&found, memory, from, to, text);
        } else {
            char *end;
            unsigned long start = strtoul(line, &end, 16);
            if (*end != '-')
                continue;
            from = start;
            to = strtoul(end + 1, &end, 16);
            snprintf(permissions, sizeof permissions, "%.4s", end + 1);
            writable = permissions[1] == 'w';
        }
    }
    fclose(maps);
    close(memory);
    ck_assert_msg(total > 0, "process %d: nothing was read", (int)pid);
    return found;
}
