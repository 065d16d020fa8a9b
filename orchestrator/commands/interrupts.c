#include "orchestrator/commands/interrupts.h"

#include <signal.h>
#include <stddef.h>

static struct interrupts interrupts;

static void count_interrupt(int signal_number)
{
    (void)signal_number;
    interrupts.count = interrupts.count + 1;
}

struct interrupts *interrupts_install(void)
{
    /* No SA_RESTART: a wait that is interrupted looks at the counter. */
    struct sigaction action = {.sa_handler = count_interrupt};
    sigemptyset(&action.sa_mask);
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
        sigaction(signals[i], &action, NULL);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    return &interrupts;
}
