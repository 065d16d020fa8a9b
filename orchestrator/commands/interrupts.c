#include "orchestrator/commands/interrupts.h"

#include <signal.h>
#include <stddef.h>

#include "common/clock.h"

static struct interrupts interrupts;

/* timeout(1) and some shells signal the process and then its group: two signals at once are one. */
#define SAME_SIGNAL_NS (10 * NS_PER_MS)

static void count_interrupt(int signal_number)
{
    (void)signal_number;
    static uint64_t last_ns;
    uint64_t now_ns = clock_now_ns(); /* clock_gettime is safe in a handler */
    if (last_ns == 0 || now_ns - last_ns >= SAME_SIGNAL_NS)
        interrupts.count = interrupts.count + 1;
    last_ns = now_ns;
}

struct interrupts *interrupts_install(void)
{
    /* Waits (poll, epoll_wait, nanosleep, reads with a time limit) end early all the same and look at
     * the counter. A write does not: half of a report would be lost in stdio's buffer. */
    struct sigaction action = {.sa_handler = count_interrupt, .sa_flags = SA_RESTART};
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
    /* One at a time, so that the handler's own words have one writer. */
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
        sigaddset(&action.sa_mask, signals[i]);
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
        struct sigaction before;
        sigaction(signals[i], NULL, &before);
        if (signals[i] != SIGHUP || before.sa_handler != SIG_IGN)
            sigaction(signals[i], &action, NULL);
    }
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    return &interrupts;
}
