/* The only clock. Everything that volley measures is CLOCK_MONOTONIC in nanoseconds; the wall clock
 * only labels results.
 *
 * With -DVOLLEY_VIRTUAL_CLOCK (a test build) clock_gettime itself is replaced, for libraries too: once
 * a process has called clock_become_virtual, each reading advances by a fixed step, so a worker with
 * --null executes the same instructions every time. */
#ifndef COMMON_CLOCK_H
#define COMMON_CLOCK_H

#include <stdint.h>
#include <time.h>

#define NS_PER_US 1000ull
#define NS_PER_MS 1000000ull
#define NS_PER_SECOND 1000000000ull

static inline uint64_t clock_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * NS_PER_SECOND + (uint64_t)now.tv_nsec;
}

/* Nanoseconds since the Unix epoch, for labels only. */
static inline uint64_t clock_wall_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * NS_PER_SECOND + (uint64_t)now.tv_nsec;
}

/* For figures that people read. */
static inline double clock_seconds(uint64_t ns)
{
    return (double)ns / (double)NS_PER_SECOND;
}

static inline double clock_ms(uint64_t ns)
{
    return (double)ns / (double)NS_PER_MS;
}

/* Sleeps until the clock reads at least at_ns; for the start barrier. At most one second. */
void clock_sleep_until(uint64_t at_ns);

/* Switches this process to the virtual clock, for good; does nothing in other builds. */
void clock_become_virtual(void);

#endif
