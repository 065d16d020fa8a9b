#include "tests/support/check/simulation.h"

#include <check.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define STEP_NS 1000ull
#define PER_SECOND 1000000000ull
#define NEVER UINT64_MAX
#define TIMERS_MAX 8u /* of the process */

struct action {
    uint64_t at_ns;
    void (*act)(void *argument);
    void *argument;
    struct action *next;
};

static struct {
    bool on;
    uint64_t now_ns, limit_ns, cut_ns;
    struct action *actions; /* in their order */
    bool interrupted;       /* the wait under way, by a signal */
    struct {
        int fd;
        uint64_t at_ns; /* NEVER: not set */
    } timers[TIMERS_MAX];
    uint32_t timer_count;
} sim;

void simulation_begin(uint64_t limit_ns)
{
    struct timespec now;
    syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &now);
    sim.now_ns = (uint64_t)now.tv_sec * PER_SECOND + (uint64_t)now.tv_nsec;
    sim.limit_ns = sim.now_ns + limit_ns;
    sim.timer_count = 0;
    sim.interrupted = false;
    sim.on = true;
}

uint64_t simulation_now_ns(void)
{
    return sim.now_ns;
}

void simulation_pass(uint64_t ns)
{
    sim.now_ns += ns;
    ck_assert_msg(sim.now_ns < sim.limit_ns, "the run goes on beyond the time it may take");
}

void simulation_stop(uint64_t ns)
{
    simulation_pass(ns);
    sim.interrupted = true;
}

void simulation_set_cut_ns(uint64_t ns)
{
    sim.cut_ns = ns;
}

void simulation_at(uint64_t at_ns, void (*act)(void *argument), void *argument)
{
    struct action *action = malloc(sizeof *action);
    struct action **place = &sim.actions;
    ck_assert_ptr_nonnull(action);
    while (*place != NULL && (*place)->at_ns <= at_ns)
        place = &(*place)->next;
    *action = (struct action){at_ns, act, argument, *place};
    *place = action;
}

void simulation_forget(void)
{
    while (sim.actions != NULL) {
        struct action *action = sim.actions;
        sim.actions = action->next;
        free(action->argument);
        free(action);
    }
}

static void act_due(void)
{
    while (sim.actions != NULL && sim.actions->at_ns <= sim.now_ns) {
        struct action action = *sim.actions;
        free(sim.actions);
        sim.actions = action.next;
        action.act(action.argument);
    }
    for (uint32_t i = 0; i < sim.timer_count; i++) {
        if (sim.timers[i].at_ns > sim.now_ns)
            continue;
        sim.timers[i].at_ns = NEVER; /* a moment long past: it strikes at once */
        syscall(SYS_timerfd_settime, sim.timers[i].fd, TFD_TIMER_ABSTIME,
                &(struct itimerspec){.it_value.tv_nsec = 1}, NULL);
    }
}

/* To the next thing that happens, or until_ns. */
static void skip_to(uint64_t until_ns)
{
    uint64_t next_ns = until_ns;
    for (uint32_t i = 0; i < sim.timer_count; i++)
        if (sim.timers[i].at_ns < next_ns)
            next_ns = sim.timers[i].at_ns;
    if (sim.actions != NULL && sim.actions->at_ns < next_ns)
        next_ns = sim.actions->at_ns;
    if (next_ns > sim.now_ns)
        simulation_pass(next_ns - sim.now_ns);
}

/* In place of the C library's -------------------------------------------------------------------- */

int clock_gettime(clockid_t clock, struct timespec *now)
{
    if (!sim.on || clock == CLOCK_REALTIME)
        return (int)syscall(SYS_clock_gettime, clock, now);
    simulation_pass(STEP_NS);
    now->tv_sec = (time_t)(sim.now_ns / PER_SECOND);
    now->tv_nsec = (long)(sim.now_ns % PER_SECOND);
    return 0;
}

static uint64_t to_ns(const struct timespec *time)
{
    return (uint64_t)time->tv_sec * PER_SECOND + (uint64_t)time->tv_nsec;
}

int nanosleep(const struct timespec *wanted, struct timespec *left)
{
    if (!sim.on)
        return (int)syscall(SYS_nanosleep, wanted, left);
    simulation_pass(to_ns(wanted));
    return 0;
}

int clock_nanosleep(clockid_t clock, int flags, const struct timespec *until, struct timespec *left)
{
    if (!sim.on) /* this one returns its error */
        return syscall(SYS_clock_nanosleep, clock, flags, until, left) == 0 ? 0 : errno;
    uint64_t at_ns = to_ns(until);
    if (at_ns > sim.now_ns)
        simulation_pass(at_ns - sim.now_ns);
    return 0;
}

int timerfd_settime(int fd, int flags, const struct itimerspec *value, struct itimerspec *old)
{
    if (!sim.on)
        return (int)syscall(SYS_timerfd_settime, fd, flags, value, old);
    uint32_t timer = 0;
    while (timer < sim.timer_count && sim.timers[timer].fd != fd)
        timer++;
    ck_assert_uint_lt(timer, TIMERS_MAX);
    sim.timer_count += timer == sim.timer_count;
    sim.timers[timer].fd = fd;
    sim.timers[timer].at_ns = to_ns(&value->it_value);
    return (int)syscall(SYS_timerfd_settime, fd, 0, &(struct itimerspec){0}, NULL);
}

int getrusage(__rusage_who_t who, struct rusage *usage)
{
    if (sim.on)
        simulation_pass(sim.cut_ns);
    return (int)syscall(SYS_getrusage, who, usage);
}

static int really_wait(int fd, struct epoll_event *events, int count, int timeout_ms)
{
    return (int)syscall(SYS_epoll_pwait, fd, events, count, timeout_ms, NULL, _NSIG / 8);
}

int epoll_wait(int fd, struct epoll_event *events, int count, int timeout_ms)
{
    if (!sim.on)
        return really_wait(fd, events, count, timeout_ms);
    uint64_t end_ns = timeout_ms < 0 ? NEVER : sim.now_ns + (uint64_t)timeout_ms * 1000000u;
    for (;;) {
        act_due();
        if (sim.interrupted) {
            sim.interrupted = false;
            errno = EINTR;
            return -1;
        }
        int ready = really_wait(fd, events, count, 0);
        if (ready != 0 || sim.now_ns >= end_ns)
            return ready;
        skip_to(end_ns);
    }
}
