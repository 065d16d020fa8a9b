#include "orchestrator/machine/process.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "orchestrator/machine/system_file.h"

/* utime and stime, the 14th and 15th field of /proc/PID/stat; the second one is a name in parentheses that
 * may hold anything. */
double process_cpu_seconds(int64_t pid)
{
    char text[1024];
    unsigned long long user, system;
    const char *behind_name;
    if (pid <= 0 || !system_file_read(text, sizeof text, "/proc/%lld/stat", (long long)pid) ||
        (behind_name = strrchr(text, ')')) == NULL ||
        sscanf(behind_name, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu", &user,
               &system) != 2)
        return -1;
    return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

/* The second number of /proc/PID/schedstat, in nanoseconds. */
double process_run_delay_seconds(int64_t pid)
{
    char text[256];
    unsigned long long delay_ns;
    if (pid <= 0 || !system_file_read(text, sizeof text, "/proc/%lld/schedstat", (long long)pid) ||
        sscanf(text, "%*u %llu", &delay_ns) != 1)
        return -1;
    return (double)delay_ns / 1e9;
}

/* The second number of /proc/PID/statm, in pages. */
double process_rss_bytes(int64_t pid)
{
    char text[256];
    unsigned long long pages;
    if (pid <= 0 || !system_file_read(text, sizeof text, "/proc/%lld/statm", (long long)pid) ||
        sscanf(text, "%*u %llu", &pages) != 1)
        return -1;
    return (double)pages * (double)sysconf(_SC_PAGESIZE);
}
