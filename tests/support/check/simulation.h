/* Made-up time for code of the worker that runs in the test's own process, so that a run of minutes takes
 * none, and happens in the same order every time.
 *
 * While a simulation is on, every clock reading advances by one step, a wait (epoll_wait, timerfd,
 * nanosleep) ends as soon as nothing is ready, with the clock at the next thing that was to happen, and
 * measuring the process's CPU time (getrusage: once for every record that a worker encodes) takes as long
 * as the test says. These functions take the place of the C library's in the whole test program, libraries
 * included; without a simulation they are the system's. One thread. */
#ifndef TESTS_SUPPORT_SIMULATION_H
#define TESTS_SUPPORT_SIMULATION_H

#include <stdint.h>

/* From now on, until the process ends. A test whose simulated time goes on for longer than limit_ns
 * fails: something waits for what never comes. */
void simulation_begin(uint64_t limit_ns);
/* The time, without a step. */
uint64_t simulation_now_ns(void);
/* Lets time pass, as work does. */
void simulation_pass(uint64_t ns);
/* The process stands still for so long, and the wait under way or the next one ends with EINTR, as by SIGSTOP
 * and SIGCONT. */
void simulation_stop(uint64_t ns);
/* How long the work at the end of an interval takes. */
void simulation_set_cut_ns(uint64_t ns);
/* Calls act while the worker waits, at that time or later; in the order of the times, then of the calls.
 * argument: NULL, or memory that act releases. */
void simulation_at(uint64_t at_ns, void (*act)(void *argument), void *argument);
/* Forgets what has not happened, and releases its arguments. The clock stays as it is. */
void simulation_forget(void);

#endif
