#include "common/clock.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifdef VOLLEY_VIRTUAL_CLOCK

#define VIRTUAL_STEP_NS 1000ull

static bool virtual_on;
static uint64_t virtual_ns;

/* Takes the place of the C library's function in the whole process. */
int clock_gettime(clockid_t clock, struct timespec *now)
{
    if (!virtual_on || clock == CLOCK_REALTIME)
        return (int)syscall(SYS_clock_gettime, clock, now);
    virtual_ns += VIRTUAL_STEP_NS;
    now->tv_sec = (time_t)(virtual_ns / NS_PER_SECOND);
    now->tv_nsec = (long)(virtual_ns % NS_PER_SECOND);
    return 0;
}

void clock_become_virtual(void)
{
    virtual_ns = clock_now_ns();
    virtual_on = true;
}

#else

void clock_become_virtual(void) {}

#endif

void clock_sleep_until(uint64_t at_ns)
{
#ifdef VOLLEY_VIRTUAL_CLOCK
    if (virtual_on) {
        virtual_ns = at_ns;
        return;
    }
#endif
    uint64_t now_ns = clock_now_ns();
    if (at_ns > now_ns + NS_PER_SECOND)
        at_ns = now_ns + NS_PER_SECOND;
    struct timespec until = {.tv_sec = (time_t)(at_ns / NS_PER_SECOND),
                             .tv_nsec = (long)(at_ns % NS_PER_SECOND)};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
        continue;
}
