/* Loaded into a real server (LD_PRELOAD): a disk that takes its time for fdatasync, and a fork of a large memory, without
 * either. SLOW_FSYNC_US and SLOW_FORK_US say how long; without them nothing is slower. */
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static void take(const char *name)
{
    const char *text = getenv(name);
    const long us = text != NULL ? strtol(text, NULL, 10) : 0;
    const struct timespec time = {.tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000};
    if (us > 0)
        (void)nanosleep(&time, NULL);
}

int fdatasync(int fd)
{
    (void)fd;
    take("SLOW_FSYNC_US");
    return 0;
}

pid_t fork(void)
{
    pid_t (*real)(void);
    void *found = dlsym(RTLD_NEXT, "fork");
    memcpy(&real, &found, sizeof real);
    take("SLOW_FORK_US");
    return real();
}
